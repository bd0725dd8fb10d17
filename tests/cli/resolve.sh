#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Endpoint names: asked for by meshapply-fetch, which holds no right.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

r=(--root="$scratch/image")
mkdir image
fetch() {
	timeout 60 "$build/meshapply-fetch" "$@"
}

# A resolver of our own: no server, and what these files say.
cat >hosts <<'END'
127.0.0.1 localhost
192.0.2.10 one.test
192.0.2.21 two.test
192.0.2.20 two.test
2001:db8::20 two.test
2001:db8::30 six.test
fe80::1 local.test
END
: >resolv.conf
echo 'hosts: files dns' >nsswitch.conf
covered=yes
for file in hosts resolv.conf nsswitch.conf; do
	if [ -e /etc/$file ]; then
		mount --bind "$(realpath "$scratch/$file")" \
			"$(realpath /etc/$file)" || covered=
	fi
done
chmod 644 hosts resolv.conf nsswitch.conf
if [ -z "$covered" ]; then
	skip "names" "/etc/hosts cannot be covered here"
	done_testing
fi

# with HOST...: a wg-quick file with a peer for each.
with() {
	local host i=0

	printf '[Interface]\nPrivateKey = %s\nAddress = 10.8.0.1/24\n' "$key_a"
	for host in "$@"; do
		i=$((i + 1))
		printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.1.%d/32\n' \
			"$(head -c 32 /dev/urandom | base64)" $i
		printf 'Endpoint = %s:%d\n' "$host" $((50000 + i))
	done
}

### The main program

with one.test six.test two.test >wg0.conf
check "names that resolve" m plan "${r[@]}" --strict wg0.conf
says "an IPv4 address" 'endpoint 192\.0\.2\.10:50001'
says "an IPv6 address" 'endpoint \[2001:db8::30\]:50002'
says "one of several" 'endpoint (192\.0\.2\.2[01]|\[2001:db8::20\]):50003'
is "nothing is to be warned of" "$(grep -v chmod "$err")" ""
cp "$out" a
m plan "${r[@]}" wg0.conf >b 2>/dev/null
is "the same one each time" "$(<b)" "$(<a)"

with one.test none.test 192.0.2.9 >wg1.conf
check "a name that does not resolve, among others" m plan "${r[@]}" wg1.conf
tells "it is a warning" 'warning: the endpoint name none.test does not resolve'
is "it has one line of its own" "$(grep -c 'warning: .*none.test' "$err")" 1
says "the others go on: a name" 'endpoint 192\.0\.2\.10:50001'
says "the others go on: an address" 'endpoint 192\.0\.2\.9:50003'
is "that peer is planned without" "$(grep -c '^  + peer' "$out")" 3
check "quietly" m plan "${r[@]}" --quiet wg1.conf
is "nothing is said then" "$(<"$err")$(<"$out")" ""
check "in JSON" m plan "${r[@]}" --json wg1.conf
is "JSON has the warning" "$(jq -r '.diagnostics[] | .severity' "$out")" warning
exits "--strict" 6 m plan "${r[@]}" --strict wg1.conf
with none.test nowhere.test >wg2.conf
check "no name resolves" m plan "${r[@]}" wg2.conf
is "each is warned of" "$(grep -c 'warning: the endpoint' "$err")" 2
check "validate asks for none" m validate --quiet wg2.conf
is "validate does not warn of it" "$(<"$err")" ""

# Names that resolvers of C take for addresses are none here.
for name in 1.2.3 0x7f000001 010.0.0.1 127.1 2130706433; do
	with $name >wg3.conf
	m plan "${r[@]}" wg3.conf >"$out" 2>&1
	is "$name is no address" "$(grep -cE 'endpoint [0-9.]+:50001' "$out")" 0
	clean "$name is no address" "$out"
done
for name in "$(printf 'a%.0s' {1..64}).test" "$(printf 'a.%.0s' {1..200})test" \
	'-x.test' 'a b.test' 'a..test' '.test' 'ü.test' 'a\nb.test' '$(x).test' \
	'one.test;x' '../one.test' '*' '_x.test'; do
	with "$name" >wg3.conf
	tap_run m plan "${r[@]}" wg3.conf
	is "the name ${name:0:12}: refused or warned of" "$([ "$tap_status" -eq 65 ] ||
		{ [ "$tap_status" -eq 0 ] && grep -q 'not resolve' "$err"; } &&
		echo yes)" yes
	clean "the name ${name:0:12}" "$out" "$err"
done

### The helper alone

exits "the helper without what" 64 fetch
exits "the helper with something else" 64 fetch frob
tells "it says how it is used" 'Usage: meshapply-fetch resolve'
exits "connecting to nothing" 64 fetch connect 127.0.0.1
exits "touching nothing" 64 fetch touch
exits "touching without an address" 64 fetch touch lo
exits "touching what is no address" 64 fetch touch lo 127.0.0.1 one.test
tells "it says so" 'one.test is no address'
check "touching: it is refused, so it is there" fetch touch lo 127.0.0.1
exits "touching: it is not there" 1 fetch touch none 127.0.0.1
exits "connecting where nobody listens" 1 fetch connect 127.0.0.1 1
tells "it says so" '127.0.0.1 port 1: '
exits "connecting to a name that is none" 1 fetch connect none.test 22
exits "connecting to no port" 1 fetch connect 127.0.0.1 ssh
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(60)' >port &
server=$!
for _ in {1..100}; do
	[ ! -s port ] || break
	sleep 0.1
done
check "connecting" fetch connect 127.0.0.1 "$(<port)"
kill "$server"
ask() {
	# shellcheck disable=SC2059 # the format is what is asked
	printf "$@" | fetch resolve
}
check "no name" ask ''
is "no name, no answer" "$(<"$out")" ""
check "a name" ask 'one.test\n'
is "its address" "$(<"$out")" "0 192.0.2.10 0"
check "several" ask 'none.test\none.test\nsix.test'
is "several: each by its number" "$(sort "$out" | sed 's/!.*/!/' | xargs)" \
	"0 ! 1 192.0.2.10 0 2 2001:db8::30 0"
check "every family" ask 'two.test\n'
is "every family: all of them" "$(sort "$out" | cut -d' ' -f2 | xargs)" \
	"192.0.2.20 192.0.2.21 2001:db8::20"
check "rubbish" ask '\0\n\xff\xfe\n%s\n\n\n' "$(printf 'x%.0s' {1..2000})"
is "rubbish: no address" "$(grep -c '^[0-9]* [^!]' "$out")" 0
check "many names" bash -c 'yes one.test | head -n 300 |
	"$1/meshapply-fetch" resolve' - "$build"
is "many names: all are answered" "$(grep -c 192.0.2.10 "$out")" 300
exits "an output that is full" 1 bash -c \
	'echo one.test | "$1/meshapply-fetch" resolve >/dev/full' - "$build"

### A name that hangs: the server is there and silent

# What goes to an address of another host over the loopback is dropped.
ip route add 192.0.2.53/32 dev lo
echo 'nameserver 192.0.2.53' >resolv.conf
with one.test hangs.test >wg4.conf
start=$SECONDS
"$build/meshapply" plan "${r[@]}" wg4.conf >one 2>two 9<wg4.conf &
pid=$!
for _ in {1..100}; do
	child=$(pgrep -P $pid) && [ -d "/proc/$child" ] && break
	sleep 0.05
done
# It is there before it has given up its rights.
for _ in {1..100}; do
	grep -q '^NoNewPrivs:.*1' "/proc/$child/status" && break
	sleep 0.05
done
sleep 0.2
is "the helper is there while a name hangs" \
	"$([ -n "$child" ] && echo yes)" yes
is "it holds no capability" "$(grep -E '^Cap(Inh|Prm|Eff|Amb)' \
	"/proc/$child"/status | awk '{ print $2 }' | sort -u)" 0000000000000000
is "it can gain none" "$(awk '/^NoNewPrivs/ { print $2 }' \
	"/proc/$child"/status)" 1
if [ "$CLI_INSIDE" = root ]; then
	is "it is nobody" "$(awk '/^[UG]id/ { print $2, $3, $4, $5 }' \
		"/proc/$child"/status | sort -u)" "65534 65534 65534 65534"
	is "it is in no group" \
		"$(awk '/^Groups/ { print $2 }' "/proc/$child"/status)" ""
fi
is "it has what it talks by, and nothing of the program that started it" "$(
	for fd in "/proc/$child"/fd/*; do
		case $(readlink "$fd") in
		socket:* | /dev/null | anon_inode:* | pipe:*) ;;
		*) readlink "$fd" ;;
		esac
	done)" ""
is "its environment has nothing of the caller's" "$(tr '\0' '\n' \
	<"/proc/$child"/environ | cut -d= -f1 | sort | xargs)" "LC_ALL PATH"
wait $pid
is "the run goes on without an answer" "$?" 0
is "it took no more than its time" "$([ $((SECONDS - start)) -le 20 ] &&
	echo yes)" yes
is "what was answered is used" "$(grep -c 'endpoint 192.0.2.10:50001' one)" 1
is "what hangs is warned of" "$(grep -c 'hangs.test does not resolve' two)" 1
clean "a name that hangs" one two
done_testing
