#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is printed, where, and what becomes of a run whose output fails.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

r=(--root="$scratch/image")
w=("${r[@]}" --force=root)
mkdir -p image/etc/meshapply/keys
echo "$key_b" >image/etc/meshapply/keys/wg7.key
quick good.conf
sed 's/51820$/70000/; s/^\[Peer/[Pear/' good.conf >bad.conf
sed 's/192.0.2.1:/name.invalid:/' good.conf >name.conf
sed "s|^Address|PostUp = curl -d $key_b x\\nDNS = 1.1.1.1\\n&|" \
	good.conf >hook.conf
sed "s|^PublicKey.*|PublicKey = $key_short|" good.conf >slip.conf
sed "s|^PrivateKey = |PrivateKey = x|" good.conf >long.conf
sed "s|^PresharedKey.*|$psk_a|" good.conf >lost.conf
sed "s|^\\[Interface\\]|$key_a\\n&|" good.conf >early.conf
sed "s|^Endpoint = .*|Endpoint = $psk_a|" good.conf >place.conf
sed "s|^AllowedIPs = .*|AllowedIPs = $key_a|; s|^Address = .*|Address = $key_b|" \
	good.conf >other.conf
folder f
kept image office
kept image second

# Every way to a text, to JSON and to a stream: on success and on failure,
# with the keys searched for in all of it.
runs=(
	"0 validate good.conf"
	"0 validate f/"
	"65 validate bad.conf"
	"65 validate hook.conf"
	"0 validate --ignore-hooks --ignore-dns hook.conf"
	"65 validate slip.conf" "65 validate long.conf"
	"65 validate lost.conf" "65 validate early.conf"
	"65 validate place.conf" "65 validate other.conf"
	"66 validate none.conf"
	"0 plan R good.conf"
	"0 plan R f/"
	"2 plan R --detailed-exitcode good.conf"
	"65 plan R bad.conf"
	"0 plan R name.conf"
	"6 plan R --strict name.conf"
	"66 plan R none.conf"
	"66 plan R --key=none good.conf"
	"7 apply R good.conf"
	"7 remove R good"
	"0 remove W good"
	"0 remove R --dry-run good"
	"0 recover W good"
	"0 recover R --dry-run good"
	"0 status R office"
	"66 status R good"
	"0 status R"
	"0 version"
)
for run in "${runs[@]}"; do
	read -ra words <<<"$run"
	want=${words[0]} line=()
	for word in "${words[@]:1}"; do
		case $word in
		R) line+=("${r[@]}") ;;
		W) line+=("${w[@]}") ;;
		*) line+=("$word") ;;
		esac
	done
	name="${run#* }"
	exits "$name" "$want" m "${line[@]}"
	[ "$want" -lt 7 ] || {
		is "$name: a failure is told on standard error alone" \
			"$(<"$out")" ""
		tells "$name: it is told" '^meshapply: '
	}
	exits "$name, verbose" "$want" m "${line[@]}" --verbose
	exits "$name, quiet" "$want" m "${line[@]}" --quiet
	[ "${words[1]}" = version ] ||
		is "$name, quiet: nothing but errors" \
			"$(cat "$out"; grep -c warning "$err")" 0
	exits "$name --json" "$want" m "${line[@]}" --json
	is "$name --json: one object" \
		"$(jq -s 'length, (.[0] | type)' "$out" | xargs)" "1 object"
	[ "${words[1]}" = version ] || {
		is "$name --json: its exit status and verb are in it" \
			"$(jq -r '.exit, .verb, .format' "$out" | xargs)" \
			"$want ${words[1]} 1"
		is "$name --json: an error is in it where there is one" "$(jq -r '
			(.error // null) | type' "$out")" "$([ "$want" -ge 7 ] &&
			echo object || echo null)"
	}
	exits "$name --jsonl" "$want" m "${line[@]}" --jsonl
	is "$name --jsonl: objects, a line each, with a type" \
		"$(jq -c .type "$out" | grep -vc null)" "$(wc -l <"$out")"
	is "$name --jsonl: the first names the format" \
		"$(head -n 1 "$out" | jq -r .format)" 1
done

### What is in it

m plan "${r[@]}" --json good.conf >one
m plan "${r[@]}" --json good.conf >two
is "a plan in JSON is the same each time" "$(diff one two)" ""
is "each of its steps names its object" "$(jq -r '.plan.steps |
	length > 5 and all(.id | type == "string" and length > 3)' one)" true
is "each step has an id of its own" "$(jq -r '[.plan.steps[].id] |
	length == (unique | length) and length > 5' one)" true
is "a second step on an object is numbered" "$(jq -r '[.plan.steps[].id |
	select(startswith("device/"))] | .[0] as $first |
	.[1] == $first + "#2" and .[2] == $first + "#3"' one)" true
is "the stream's result counts as the object does" \
	"$(m plan "${r[@]}" --jsonl good.conf | tail -n 1 |
		jq -cS '.plan')" "$(jq -cS '.plan | del(.steps)' one)"
is "its steps are those of the stream" "$(m plan "${r[@]}" --jsonl good.conf |
	jq -r 'select(.type == "step") | .id')" "$(jq -r '.plan.steps[].id' one)"
is "the stream ends with the result" "$(m plan "${r[@]}" --jsonl good.conf |
	tail -n 1 | jq -r '.type, .result, .exit' | xargs)" \
	"result planned, nothing written 0"
m validate --json bad.conf >one 2>two
is "an error in JSON has its place" "$(jq -rc '.diagnostics[0] |
	[.severity, .place.file, .place.line, .place.column]' one)" \
	'["error","bad.conf",4,14]'
is "there are as many as in the text" "$(jq '.diagnostics | length' one)" \
	"$(grep -c ': error: ' two)"

m status "${r[@]}" --json >one
is "status of several meshes is one object" \
	"$(jq -s length one) $(jq -r '.meshes | map(.mesh) | join(" ")' one)" \
	"1 office second"
m status "${r[@]}" --json office >one
is "of one mesh it has the same form" \
	"$(jq -r '.meshes | length, .[0].mesh' one | xargs)" "1 office"
is "status of several meshes is a line each in a stream" \
	"$(m status "${r[@]}" --jsonl | jq -r '.type' | xargs)" "version mesh mesh"
is "status of several meshes as text" \
	"$(m status "${r[@]}" | grep -c '^mesh ')" 2
rm image/var/lib/meshapply/second/files
mkfifo image/var/lib/meshapply/second/files
exits "status with one mesh that cannot be read" 78 m status "${r[@]}" --json
is "the others are told of, and its error" "$(jq -rc '.meshes |
	[.[0].state, (.[1].error.message | type)]' "$out")" '["absent","string"]'
rm -r image/var/lib/meshapply/{second,office} image/run
check "status of a host without a mesh" m status "${r[@]}"
says "it says so" '^no mesh of meshapply is on this host$'
is "in JSON there is none" "$(m status "${r[@]}" --json | jq -c .meshes)" '[]'
exits "status where even that cannot be told" 66 m status --netns=nosuch --json
is "its JSON is of the same form" "$(jq -rc '[.exit, .meshes,
	(.error.message | type)]' "$out")" '[66,[],"string"]'
exits "the same as a stream" 66 m status --netns=nosuch --jsonl
is "it ends with the result" "$(jq -rc '[.type, .exit]' "$out" | tail -n 1)" \
	'["result",66]'

### Colours

escape=$(printf '\033')
plan() {
	m plan "${r[@]}" "$@" good.conf 2>/dev/null
}
colored() {
	grep -q "$escape" && echo yes
}
is "no colours into a pipe" "$(plan | colored)" ""
is "colours where they are wanted" "$(plan --color=always | colored)" yes
is "--color alone" "$(plan --color | colored)" yes
is "--color goes before NO_COLOR" \
	"$(NO_COLOR=1 plan --color=always | colored)" yes
is "none in JSON" "$(plan --color=always --json | colored)" ""
if command -v script >/dev/null; then
	tty="$build/meshapply plan ${r[*]} good.conf"
	is "colours on a terminal" \
		"$(script -qec "$tty" /dev/null </dev/null | colored)" yes
	is "none with NO_COLOR" "$(NO_COLOR=1 script -qec "$tty" /dev/null \
		</dev/null | colored)" ""
	is "none with --color=never" "$(script -qec "$tty --color=never" \
		/dev/null </dev/null | colored)" ""
else
	skip "colours on a terminal" "script is not here"
fi

### An output that fails

full() {
	"$build/meshapply" "$@" >/dev/full
}
for run in "validate good.conf" "plan ${r[*]} good.conf" --help --version \
	"help plan" "status ${r[*]}" "version --json" \
	"plan ${r[*]} --json good.conf" "validate --json good.conf"; do
	read -ra words <<<"$run"
	exits "a full disk: ${words[0]}" 1 full "${words[@]}"
	tells "a full disk: ${words[0]}: it is told" \
		'^meshapply: write to standard output failed$'
done
exits "a full disk keeps what else went wrong" 65 full validate --json bad.conf
check "a full disk does not make a removal fail" full remove "${w[@]}" good
tells "but is told" '^meshapply: write to standard output failed$'

# A reader that goes: the signal, as of every filter, or nothing at all.
for run in "plan ${r[*]} good.conf" --help "validate --json good.conf"; do
	read -ra words <<<"$run"
	# shellcheck disable=SC2016 # for the shell in there
	tap_run bash -c '"$@" 2>errors | :; echo "${PIPESTATUS[0]}"' - \
		"$build/meshapply" "${words[@]}"
	is "a closed pipe: ${words[0]}" \
		"$(grep -cxE '0|1|141' "$out") $(grep -c Sanitizer errors)" "1 0"
done
for closed in '>&-' '2>&-' '<&-' '>&- 2>&- <&-'; do
	tap_run bash -c "exec $closed; exec \"\$@\"" - \
		"$build/meshapply" plan "${r[@]}" good.conf
	is "closed: $closed" "$tap_status" 0
	tap_run bash -c "exec $closed; exec \"\$@\"" - \
		"$build/meshapply" remove "${w[@]}" good
	is "closed, a removal: $closed" "$tap_status" 0
done
is "nothing of it is in a file" \
	"$(grep -rlE 'Plan|meshapply:|nothing' image)" ""

### A key is in no argument list, and its memory in nobody's reach

waits=("$build/meshapply" key pub)
[ "$CLI_INSIDE" != root ] ||
	waits=(setpriv --reuid 65534 --regid 65534 --clear-groups "${waits[@]}")
"${waits[@]}" < <(printf %s "$key_a"; exec sleep 3) >one 2>two &
pid=$!
for _ in {1..100}; do
	[[ $(readlink "/proc/$pid/exe") == */meshapply ]] && break
	sleep 0.05
done
sleep 0.3
# Of a process that may not be dumped all that is in /proc belongs to root.
if [ "$CLI_INSIDE" = root ]; then
	is "what runs as somebody else is out of their reach" \
		"$(awk '/^Uid/ { print $2 }' "/proc/$pid/status") $(
		stat -c %u "/proc/$pid/mem")" "65534 0"
else
	skip "what runs as somebody else is out of their reach" "it takes root"
fi
is "no key is in its arguments or its environment" "$(cat \
	"/proc/$pid/cmdline" "/proc/$pid/environ" | grep -acF -f "$cli_secrets")" 0
wait $pid
is "it has read the key" "$(<one)" "$(wg pubkey <<<"$key_a")"
done_testing
