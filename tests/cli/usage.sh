#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line: verbs, options, help, and what is refused with 64.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

# What each verb takes, as the manual page has it. The namespace nosuch ends
# each run before it does anything.
common='--quiet --verbose -q -v'
mesh=--mesh=office
output='--json --jsonl --color=never --color'
kernel='--netns=nosuch --root=/nosuch'
change='--dry-run -n --force=root --wait=1 --detailed-exitcode'
source='--key=/nosuch.key --node=ir --templates=/nosuch'
source+=' --ignore-hooks --ignore-dns --strict'
root=--root=/nosuch
nodes=--all-nodes
format=--format=github
render='--output=/nosuch/out -o/nosuch/out --values'
limit=--max-disruption=loss
saved=--plan=/nosuch/plan
save='--output=/nosuch/out -o/nosuch/out'
confirm='--confirm=1 --wait-confirmed'
probe=--confirm-by=token
token=--token=aaaa-aaaa
check=--check
secret='--secret-key=/nosuch --password-file=/nosuch --add'
public='--public-key=/nosuch --threshold=1'
every="$mesh $output $kernel $change $source"
all="$every $nodes $format $render $limit $saved $confirm $probe $token $check"
all+=" $secret $public"
declare -A takes=(
	[apply]="$every $limit $saved $confirm $probe"
	[plan]="$every $limit $save"
	[adopt]="$every $limit $confirm $probe"
	[history]="$mesh $output $kernel"
	[diff]="$mesh $output $kernel --detailed-exitcode"
	[validate]="$mesh $output $source $root $nodes $format"
	[render]="$mesh $source $root $nodes $render"
	[status]="$mesh $output $kernel --detailed-exitcode $check"
	[doctor]="$mesh $output $kernel"
	[disown]="$mesh $output $kernel $change"
	[remove]="$mesh $output $kernel $change $limit $confirm $probe"
	[confirm]="$mesh $output $kernel $change $token"
	[rollback]="$every $limit $confirm $probe"
	[recover]="$mesh $output $kernel $change"
	[guard]="$kernel $probe"
	[sign]="$output $secret"
	[verify]="$mesh $output $root $public"
	[version]=$output
	[key]=''
	[help]=''
)
declare -A words=(
	[apply]=/nosuch.conf [plan]=/nosuch.conf [validate]=/nosuch.conf
	[render]=/nosuch.conf
	[adopt]='nosuch /nosuch.conf' [status]=office [remove]=office
	[history]=office [diff]='office 1 2'
	[confirm]=office [rollback]=office [guard]=office
	[doctor]=office [disown]=office
	[sign]=/nosuch.json [verify]=/nosuch.json
	[recover]=office [version]='' [key]=gen [help]=''
)

has() {	# WORD LIST
	[[ " $2 " == *" $1 "* ]]
}

for verb in apply plan validate render adopt status history diff doctor \
	disown remove confirm rollback recover guard sign verify version key \
	help
do
	bad=
	read -ra argument <<<"${words[$verb]}"
	for option in $common $all; do
		stop=()
		has "${kernel%% *}" "${takes[$verb]}" && stop=("${kernel%% *}")
		tap_run m $verb "${stop[@]}" "$option" "${argument[@]}"
		clean "$verb $option" "$out" "$err"
		name=${option%%=*}
		[ "$name" != -n ] || name=--dry-run
		[ "${name:0:2}" != -o ] || name=--output
		if has "$option" "$common ${takes[$verb]}"; then
			[ "$tap_status" -ne 64 ] && ! grep -q 'not take' "$err" ||
				bad+=" $option is refused"
		else
			[ "$tap_status" -eq 64 ] &&
				grep -q "$verb does not take $name" "$err" ||
				bad+=" $option is taken"
		fi
	done
	is "$verb takes its options and no other" "$bad" ""
done

### Help

man=$cli_here/../../man/meshapply.8
# "--mesh", "-n", from "\.It Fl n , Fl -dry-run".
man_options=$(sed -n '/^\.Ss Options/,/^\.Ss Plans/p' "$man" |
	sed -n 's/^\.It Fl/Fl/p' | grep -oE 'Fl -?[a-zA-Z-]+' |
	sed 's/^Fl /-/' | sort)
check "--help" m --help
help_options=$(sed -n '/^Options:/,/^Exit/p' "$out" |
	sed -nE 's/^ *(-.*)/\1/p' | sed 's/   .*//' |
	grep -oE -- '(^|[ ,])--?[a-zA-Z][a-z-]*' | tr -d ' ,' | sort)
is "--help and the manual page have the same options" "$help_options" \
	"$man_options"
is "nothing of it is wider than a terminal" "$(awk 'length > 79' "$out")" ""
for verb in apply plan validate render status history diff doctor adopt \
	disown remove confirm rollback recover sign verify key version; do
	m --help | grep -qE "^  $verb " || bad+=" $verb in --help"
	grep -qE "^\.(Op )?Cm $verb" "$man" || bad+=" $verb in the manual page"
	check "$verb --help" m $verb --help
	says "it begins with the usage" "^Usage: meshapply $verb "
	cp "$out" a
	check "help $verb" m help $verb
	is "help $verb is the same" "$(<"$out")" "$(<a)"
	is "nothing of it is wider than a terminal" \
		"$(awk 'length > 79' "$out")" ""
done
is "each verb is in both" "$bad" ""
fails "the guard is for the system alone" bash -c \
	"'$build/meshapply' --help | grep -q '^  guard'"
check "but it is explained" m help guard
check "-h" m -h
check "help" m help
exits "help of no verb" 64 m help hlep
tells "it is guessed what was meant" 'did you mean help\?'
exits "help of nothing alike" 64 m help frobnicate
tells "help says where to look" 'meshapply --help'
check "--help goes before what else is wrong" m apply --netns=x --help

### Version

check version m version
is "version" "$(<"$out")" "meshapply $(<"$cli_here/../../VERSION")"
cp "$out" a
for option in --version -V; do
	check "$option" m $option
	is "$option is version" "$(<"$out")" "$(<a)"
done
check "version --json" m version --json
is "it is JSON" "$(jq -r .meshapply "$out")" "$(<"$cli_here/../../VERSION")"

### Refused

exits "no argument" 64 m
tells "no argument: what may be given is said" 'wg0.conf.*--help'
exits "verb apply without a source" 64 m apply
tells "apply without a source: it is wanted" 'apply wants SOURCE'
for verb in plan validate render adopt remove key sign verify; do
	exits "$verb without an argument" 64 m $verb
done
check "recover without an argument: of all meshes" m recover "--root=$PWD/empty" --force=root
exits "a verb mistyped" "$bare" m stauts
tells "a verb mistyped: a guess" '(No such file|denied).*; did you mean the verb status\?'
exits "a verb mistyped, with what it takes" 64 m stauts wg0
tells "with what it takes: a guess" 'no verb is called stauts; did you mean status\?'
exits "no verb at all" "$bare" m frobnicate
is "no verb at all: no guess" "$(grep -c 'did you mean' "$err")" 0
exits "a path is not taken for a verb" 66 m ./stauts
is "a path: no guess" "$(grep -c 'did you mean' "$err")" 0
exits "two sources" 64 m plan a.conf b.conf
tells "two sources: the second is named" 'what to do with b.conf'
exits "an unknown option" 64 m plan --frob wg0
tells "an unknown option: by whom" '^meshapply: .*--frob'
exits "an option cut short that may be two" 64 m plan --json=1 wg0
exits "an option without its value" 64 m plan wg0 --root
for option in --root --netns --mesh --key --node --templates; do
	exits "$option with an empty value" 64 m plan $option= /nosuch.conf
	tells "$option: that it is empty" "^meshapply: $option=[A-Z]*: .* is empty"
done
exits "an empty source" 64 m plan ''
exits "json and jsonl" 64 m plan --json --jsonl wg0
exits "a guard mistyped" 64 m plan --force=devcie wg0
tells "a guard mistyped: a guess" 'devcie.*did you mean device\?'
exits "no guard" 64 m plan --force=everything wg0
exits "an empty guard" 64 m plan --force= wg0
for guard in device route rule port foreign firewall root journal expired; do
	exits "the guard $guard" 66 m plan --force=$guard /nosuch.conf
	grep -qE "^\.It Cm $guard\$" "$man" || undocumented+=" $guard"
done
is "each guard is in the manual page" "${undocumented-}" ""
mapfile -t many < <(printf -- '--force=root\n%.0s' {1..17})
exits "more guards than there are" 64 m plan "${many[@]}" wg0
for wait in -1 1.5 x 99999999999999999999 86401; do
	exits "--wait=$wait" 64 m plan --wait=$wait wg0
done
for pair in '--json --jsonl' '--node=a --all-nodes' '--json --format=sarif' \
	'--jsonl --format=github'; do
	read -ra two <<<"$pair"
	exits "$pair" 64 m validate "${two[@]}" /nosuch.json
	tells "$pair: both are named" \
		"${two[0]%=*} and ${two[1]%=*} exclude each other"
done
for confirm in -1 x 86401; do
	exits "--confirm=$confirm" 64 m apply --confirm=$confirm wg0
done
exits "--confirm=0 and a probe" 64 \
	m apply --confirm=0 --confirm-by=handshake wg0
exits "--output and --values" 64 m render --output=x --values /nosuch.json
exits "--color=blue" 64 m plan --color=blue wg0
for netns in .. a/b ./x; do
	exits "--netns=$netns" 64 m status --netns=$netns
done
for mesh in a/b/ '' ../.. 'a b' $'a\nb' a\"b 'ü' "$(printf 'a%.0s' {1..300})"
do
	name=${mesh:0:9}
	exits "the mesh ${name@Q}" 64 m remove --netns=nosuch -- "$mesh"
done
exits "a path where a mesh is meant" 64 m remove --netns=nosuch ./office
tells "it is told from a mesh of that name" 'office is a path'
exits "two names of a mesh" 64 m remove --mesh=a b
exits "two names of a mesh for status" 64 m status --mesh=a b
exits "-- ends the options" "$bare" m plan -- --root
done_testing
