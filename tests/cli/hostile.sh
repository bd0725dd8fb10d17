#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What somebody may hand in to harm: each is refused with 65 and a clear error,
# nothing is changed, no sanitizer finds fault, and it takes linear time.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

r=(--root="$scratch/image" --force=root)
mkdir -p image/etc/meshapply/keys
echo "$key_b" >image/etc/meshapply/keys/wg7.key
state() {
	find image -type f ! -name lock -exec sha256sum {} + | sort
	ip -o link
	ip -o address
	ip route show table all
	ip rule
	nft list ruleset
}
state >before

# refused NAME REGEX SOURCE: by apply, with REGEX on standard error.
refused() {
	exits "$1" 65 m "${r[@]}" "$3"
	tells "$1: why" "$2"
	is "$1: no control character is shown" \
		"$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$err")" 0
	is "$1: nothing on standard output" "$(<"$out")" ""
}

# wrong NAME REGEX FILE: a folder whose FILE is standard input.
wrong() {
	rm -rf f
	folder f
	cat >"f/$3"
	refused "$1" "$2" f/
}

# Lines after [Interface] of a good wg-quick file.
quick_with() {
	quick wg0.conf
	printf '%b\n' "$3" >lines
	sed -i '/^\[Interface\]/r lines' wg0.conf
	refused "$1" "$2" wg0.conf
}

### Truncated at every byte

# truncated NAME FILE COMMAND...: COMMAND is to read stdin or the file itself;
# either what is left is good, or it is refused.
truncated() {
	local name=$1 file=$2 size i
	shift 2
	cp "$file" whole
	size=$(stat -c %s whole)
	: >statuses
	for ((i = 0; i < size; i++)); do
		head -c $i whole >"$file"
		"$@" >>all 2>one
		echo "$i $?" >>statuses
		# A refusal says something, and nothing else does.
		[ -s one ] && cat one >>all
		[ -s one ] || echo $i >>silent
	done
	cp whole "$file"
	is "$name cut off at each of $size bytes: good or refused" "$(awk '
		$2 != 0 && $2 != 65' statuses | head -n 5)" ""
	is "$name cut off: some are refused" \
		"$(awk '$2 == 65' statuses | sed -n '1s/.*/yes/p')" yes
	is "$name cut off: some are good" \
		"$(awk '$2 == 0' statuses | sed -n '1s/.*/yes/p')" yes
	is "$name cut off: no refusal is silent" "$(awk '
		NR == FNR { silent[$1] = 1; next }
		$2 && $1 in silent' silent statuses | head -n 5)" ""
	clean "$name cut off" all
	rm -f all one silent
	: >silent
}
: >silent
quick wg0.conf
truncated "a wg-quick file" wg0.conf "$build/meshapply" validate wg0.conf
folder f
for file in wireguard.conf network.batch firewall.nft; do
	truncated $file f/$file "$build/meshapply" validate f/
done

### Too much

truncate -s 100M wg1.conf
refused "100 MB" 'wg1.conf is larger than [0-9]+ bytes' wg1.conf
exits "100 MB from a pipe" 65 bash -c \
	'yes "# comment" | head -c 100M | "$1" validate --mesh=wg1 -' - \
	"$build/meshapply"
tells "100 MB from a pipe: why" 'larger than'
exits "what has no end" 65 m validate --mesh=wg1 - </dev/zero
rm -rf f
folder f
truncate -s 100M f/firewall.nft
refused "a firewall of 100 MB" 'firewall.nft.* is larger than' f/
exits "a folder whose file is a device" 78 bash -c '
	rm -rf f; mkdir f; ln -s /dev/zero f/wireguard.conf
	"$1" validate f/' - "$build/meshapply"
exits "a folder whose file is a pipe" 78 bash -c '
	rm -rf f; mkdir f; mkfifo f/wireguard.conf; "$1" validate f/' - \
	"$build/meshapply"

# seconds COMMAND...: of the processor
seconds() {
	local TIMEFORMAT='%U %S'
	{ time "$@" >"$out" 2>"$err"; } 2>&1 | awk '{ print $1 + $2 }'
	clean "$1" "$out" "$err"
}

# linear NAME FILE SOURCE WORD [STATUS]: a line of FILE made of WORD again and again;
# four times the size may take four times as long, with room for a busy
# machine, and never seconds.
linear() {
	local name=$1 file=$2 source=$3 word=$4 short long
	cp "$file" whole
	long_line 2500000 "$word" >"$file"
	short=$(seconds m validate "$source")
	long_line 10000000 "$word" >"$file"
	exits "a line of 10 MB, $name" "${5-65}" m validate "$source"
	is "a line of 10 MB, $name: the error is short" \
		"$(awk 'length > 1000' "$err" | head -c 100)" ""
	long=$(seconds m validate "$source")
	is "a line of 10 MB, $name: linear time ($short s, $long s)" "$(awk \
		"BEGIN { print ($long < 8 * $short + 0.5 && $long < 8) }")" 1
	cp whole "$file"
}
# SIZE bytes of whole WORDs, between what the suite put into $head and $tail.
long_line() {
	printf '%b' "$head"
	yes "$2" | tr -d '\n' | head -c $(($1 / ${#2} * ${#2}))
	printf '%b' "$tail"
}
quick wg0.conf
head='[Interface]\n' tail='\n'
linear "of an unknown word" wg0.conf wg0.conf 'frob'
linear "of words" wg0.conf wg0.conf 'frob '
head='[Interface]\nPrivateKey = '
linear "of a key" wg0.conf wg0.conf 'QUJD'
head='[Interface]\nAddress = '
linear "of addresses" wg0.conf wg0.conf '10.0.0.1/24, '
head="[Interface]\nPrivateKey = $key_a\nPostUp = "
linear "of a hook" wg0.conf wg0.conf 'iptables -A FORWARD; '
head="[Interface]\nPrivateKey = $key_a\n[Peer]\nPublicKey = $pub_1\nEndpoint = "
linear "of an endpoint" wg0.conf wg0.conf 'name.'
head="[Interface]\nPrivateKey = $key_a\n[Peer]\nPublicKey = $pub_1\nAllowedIPs = "
linear "of allowed IPs and a break" wg0.conf wg0.conf '10.0.0.1/32, x'
head="[Interface]\nPrivateKey = $key_a\n# "
linear "of a comment" wg0.conf wg0.conf 'words ' 0
head="[Interface]\nPrivateKey = $key_a\n#@ "
linear "of a directive" wg0.conf wg0.conf 'name ' 0
tail='' head=''
linear "of brackets" wg0.conf wg0.conf '['
linear "and nothing else" wg0.conf wg0.conf '#' 65
rm -rf f
folder f
tail='\n'
linear "of a route" f/network.batch f/ 'route replace '
head='route replace 10.0.0.0/8 dev wg7 proto 77 '
linear "of a route's words" f/network.batch f/ 'metric 1 '
head='table inet meshapply_office { '
linear "of a table" f/firewall.nft f/ 'chain c { } ; '
linear "of braces" f/firewall.nft f/ '{'
linear "of a string" f/firewall.nft f/ '"iif'
tail='}\n'
linear "of an include" f/firewall.nft f/ 'include "x"; '

# Many errors: all are counted, not all are kept.
{
	echo '[Interface]'
	yes 'ListenPort = x' | head -n 200000
} >wg2.conf
exits "200 000 errors" 65 m validate wg2.conf
tells "200 000 errors are counted" '^meshapply: [0-9]{4,} errors'
is "200 000 errors are not all told" \
	"$([ "$(wc -l <"$err")" -lt 10000 ] && echo yes)" yes
exits "200 000 errors in JSON" 65 m validate --json wg2.conf
is "200 000 errors in JSON: it is JSON" \
	"$(jq -r '.exit, (.diagnostics | length > 10)' "$out" | xargs)" "65 true"

### What is no text

printf '[Interface]\nPrivateKey = %s\n\0ListenPort = 1\n' "$key_a" >wg0.conf
refused "a NUL byte" 'line 3 holds a NUL byte' wg0.conf
head -c 4096 /dev/zero >wg0.conf
refused "NUL bytes alone" 'holds a NUL byte' wg0.conf
: >wg0.conf
refused "nothing" 'wg0.conf is empty' wg0.conf
printf '\n \t\r\n\xef\xbb\xbf' >wg0.conf
fails "nothing but blanks" m validate wg0.conf
quick wg0.conf
iconv -f UTF-8 -t UTF-16 <wg0.conf >wg3.conf
refused "UTF-16" 'UTF-16' wg3.conf
head -c 65536 "$build/meshapply" >wg4.conf
refused "a program" 'wg4.conf' wg4.conf
for file in wireguard.conf network.batch firewall.nft; do
	wrong "$file with a NUL byte" 'NUL byte' $file < <(printf '#\0\n')
	wrong "$file of other bytes" $file $file < <(printf '#\xff\xfe\x80\nx\xff')
	wrong "$file of escape sequences" $file $file < \
		<(printf 'x\x1b]0;title\x07\x1b[2J\x9b\xe2\x80\xae\n')
done

### Names

quick_with "a key's file elsewhere" 'wg0.conf' \
	'#@ private-key-file ../../etc/shadow'
quick_with "a key's file with quotes" '' '#@ private-key-file a\\"b"c/'
quick_with "a port that shouts" 'ListenPort' 'ListenPort = "\\033[31m"'
quick_with "an address with what follows" 'Address' \
	'Address = 10.0.0.1/24; ip link set lo down'
quick_with "an MTU with what follows" 'MTU' 'MTU = $(reboot)'
quick_with "a table with what follows" 'Table' 'Table = 5; x'
quick_with "a mark with what follows" 'FwMark' 'FwMark = `x`'
quick_with "a sysctl that is not allowed" 'sysctl' \
	'#@ sysctl kernel.core_pattern = |/bin/sh'
quick_with "a sysctl out of its folder" 'sysctl' \
	'#@ sysctl net/../kernel.core_pattern = x'
for name in .. 'a\\"b\x27c' 'a b' a/b '\033[31m' "$(printf 'a%.0s' {1..300})"; do
	for directive in mesh interface private-key-file; do
		# A file may have such a name.
		[[ $directive$name != *file*[\"\ ]* ]] || continue
		wrong "a $directive ${name:0:12}" "wireguard.conf:[1-3]:" \
			wireguard.conf < <(folder g
			printf '#@ %s %b\n' $directive "$name"
			grep -v "^#@ $directive" g/wireguard.conf)
	done
done
wrong "a peer's name that shouts" 'wireguard.conf:' wireguard.conf < <(
	sed 's/^#@ name.*/#@ name \x1b[31mred/' g/wireguard.conf)
# Names of files: what is shown of them does no harm.
for name in $'a\nb.conf' 'a"b.conf' "a'b.conf" $'a\033[31mb.conf' \
	$'\xff\xfe.conf' 'a b.conf' '$(x).conf' '.conf' '...conf/.conf'; do
	mkdir -p "$(dirname "$name")"
	quick "./$name"
	fails "a file called ${name@Q}" m "${r[@]}" --json "./$name"
	is "a file called ${name@Q}: no control character is shown" \
		"$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$err")" 0
	is "a file called ${name@Q}: one line" "$(wc -l <"$err")" 1
	is "a file called ${name@Q}: JSON tells of it" \
		"$(jq -r '.exit >= 64 and (.error.message | length > 5)' "$out")" \
		true
done
dir=$'d\n"\033[31m\xff'
mkdir "$dir"
printf '[Interface]\nListenPort = x\n' >"$dir/wg0.conf"
exits "a folder of such a name" 65 m "${r[@]}" --json "$dir/wg0.conf"
is "a folder of such a name: no control character is shown" \
	"$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$err")" 0
is "a folder of such a name: JSON has the place" \
	"$(jq -r '.diagnostics[0].place | .line, (.file | length > 5)' "$out" |
	xargs)" "2 true"

### network.batch

batch() {	# NAME REGEX LINE
	wrong "network.batch: $1" "network.batch:[23]:[0-9]+: error: $2" \
		network.batch < <(printf '#\n%b\n' "$3")
}
batch "another command" '' 'link set lo down'
batch "a deletion" '' 'route del default'
batch "a flush" '' 'route flush table all'
batch "a rule's deletion" '' 'rule del priority 0'
batch "a batch in the batch" '' '-batch /etc/passwd'
batch "a namespace" '' '-netns x route replace 10.0.0.0/8 dev wg7 proto 77'
batch "a route of another protocol" '' \
	'route replace 10.0.0.0/8 dev wg7 proto 2'
batch "a route of no device" '' 'route replace 10.0.0.0/8 proto 77'
batch "a device with a quote" '' 'route replace 10.0.0.0/8 dev "wg7" proto 77'
batch "a line continued" '' \
	'route replace 10.0.0.0/8 dev wg7 \\\\\nproto 77'
batch "a short address" '' 'route replace 10.1/16 dev wg7 proto 77'
batch "an octal address" '' 'route replace 010.0.0.0/8 dev wg7 proto 77'
batch "a rule of no priority" '' 'rule add from 10.0.0.0/8 table 77 protocol 77'
batch "an action that is none" '' \
	'rule add from 10.0.0.0/8 goto 5 priority 9 protocol 77'
batch "a route twice" '' 'route replace 10.0.0.0/8 dev wg7 proto 77
route replace 10.0.0.0/8 dev wg7 proto 77'

### firewall.nft

nft_file() {	# NAME REGEX TEXT
	wrong "firewall.nft: $1" "firewall.nft:[0-9]+:[0-9]+: error: .*$2" \
		firewall.nft < <(printf '%s\n' "$3")
}
table='table inet meshapply_office'
chain='chain c { type filter hook input priority 0;'
nft_file "include" 'include is not taken' 'include "/etc/nftables.conf"
table inet meshapply_office { }'
nft_file "include in the table" 'include is not taken' \
	"$table { include \"/etc/shadow\" }"
nft_file "include by turns" 'include is not taken' \
	"$table { $chain }; include \"./firewall.nft\"; }"
nft_file "iif" 'iif compares links by index' "$table { $chain iif lo drop; } }"
nft_file "oif" 'oif compares links by index' "$table { $chain oif 1 drop; } }"
tells "oif: the way out" 'oifname'
nft_file "a second table" 'a second table' "$table { }
table inet meshapply_office { }"
nft_file "another table" 'not the table of the mesh' "$table { }
table inet other { }"
nft_file "another mesh's table" 'not the table of the mesh' \
	'table inet meshapply_other { }'
nft_file "another family" 'not of the family inet' \
	'table ip meshapply_office { }'
nft_file "flush ruleset" "'flush' may not stand here" "flush ruleset
$table { }"
nft_file "flush ruleset behind" "('flush' may not stand here|stands behind)" \
	"$table { } flush ruleset"
nft_file "flush ruleset on the next line" "'flush' may not stand here" "$table { }
flush ruleset"
nft_file "flush ruleset after a comment" "'flush' may not stand here" \
	"$table { } # }
flush ruleset"
for line in 'delete table inet x' 'destroy table inet x' 'add table inet x' \
	'add rule inet meshapply_office c drop' 'list ruleset' 'reset counters' \
	'monitor' 'describe tcp' 'export json' 'insert rule ip x y drop' \
	'create table inet meshapply_office' 'undefine x' 'redefine x = 5'; do
	nft_file "$line" 'may not stand here' "$table { }
$line"
done
nft_file "unbalanced" "is not closed: a '}' is missing" \
	"$table { $chain drop; }"
nft_file "unbalanced the other way" "(closes nothing|stands behind)" \
	"$table { } }"
nft_file "a string without end" 'does not end on its line' \
	"$table { $chain iifname \"wg7"
nft_file "braces by the thousand" 'nested too deep' \
	"$table $(printf '{%.0s' {1..5000})"
nft_file "a table with an owner" 'owner' "$table { flags owner; }"
nft_file "a carriage return" 'a carriage return' "$table {"$'\r\n'"}"
nft_file "a definition of nothing" "" 'define x
table inet meshapply_office { }'
nft_file "a definition with more" "'flush' may not" "define x = 5; flush ruleset
$table { }"
nft_file "no table" "there is no 'table inet meshapply_office" '# nothing'
nft_file "not of nft" '' "$table { $chain frobnicate; } }"
nft_file "a chain that is not there" '' "$table { $chain jump nowhere; } }"
nft_file "a set that is not there" '' "$table { $chain ip saddr @no drop; } }"
nft_file "a definition that is not there" '' "$table { $chain ip saddr \$no; } }"
### Keys that stand where they do not belong

quick slip.conf
printf '[Peer]\nPublicKey = %s # PrivateKey = %s\n' $pub_1 "$key_b" >>slip.conf
exits "a key in the comment of a line that is shown" 65 m validate slip.conf
tells "what stands before it is shown" 'PublicKey = .*= [.]{3}$'
quick slip.conf
sed -i "s|^PrivateKey.*|&\n#@ name $key_b\n#@ mesh $key_b|" slip.conf
check "a key in directives that are ignored" m validate slip.conf
tells "they are told of" 'name is ignored'

nft_file "a definition of itself" '' "define a = \$a
$table { $chain ip saddr \$a drop; } }"
rm -rf f
folder f
cat >f/firewall.nft <<'END'
# include "x"; flush ruleset; table inet other {
table inet meshapply_office {
	chain include_me { # }
		comment "flush ruleset; include } iif"
		iifname "flush" drop comment "table inet other { }"
	}
}
END
check "what looks so in strings and comments" m validate f/
is "what looks so in strings and comments is compiled" \
	"$(grep -c 'not compiled' "$err")" 0

state >after
is "nothing was changed" "$(diff before after)" ""
done_testing
