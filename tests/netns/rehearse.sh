#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plan --rehearse: what this kernel refuses is known before, at its place, by
# root and without; nothing of it is left. What the kernel does without, such
# as WireGuard, is said.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${MESHAPPLY_BUILD:-build}
if [[ ${1-} != inside ]]; then
	exec unshare -n "$0" inside
fi
# Others do not reach the sources: a copy is tested.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp "$build"/meshapply{,-nftc,-fetch} examples/office.json "$copy"
cd "$copy" || exit 1
bad=0
fail() {
	echo "FAILED: $*"
	sed 's/^/  /' out
	bad=1
}
# rehearse STATUS WORDS ARGUMENT...
rehearse() {
	local want=$1 words=$2 status=0
	shift 2
	"${as[@]}" ./meshapply plan --rehearse "$@" >out 2>&1 || status=$?
	((status == want)) || fail "$*: $status, not $want"
	grep -q -- "$words" out || fail "$*: does not say: $words"
}
said() { grep -q -- "$1" out || fail "does not say: $1"; }
state() { ip -o link; ip route show table all; nft list ruleset; }

as=()
./meshapply render --node=ir -o texts office.json >out || fail "render"
sed -i 's/^Address.*/&, fd01::1\/64/' texts/wireguard.conf
cp -r texts wrong
echo 'route replace 10.77.0.0/16 via 172.31.9.9 dev wg-office' \
	>>wrong/network.batch
cp -r texts elsewhere
echo 'route replace 10.78.0.0/16 dev eth7' >>elsewhere/network.batch
chmod -R go+rX .
state >before

try_all() {
	rehearse 0 'rehearsed: [1-9]' --node=ir office.json
	said 'without keys: '
	rehearse 0 'rehearsed: [1-9]' --node=uae office.json
	rehearse 1 'this plan would fail: route 10.77.0.0/16' ./wrong
	said '^./wrong/network.batch:[0-9]*:15: error: '
	said 'Nexthop has invalid gateway'
	rehearse 0 'not rehearsed: 1 route by links of this host' ./elsewhere
}
try_all
rehearse 0 '"exit": 0' --json --node=ir office.json
state >after
diff before after || fail "something is left"
if ! grep -q 'no WireGuard' out; then
	echo 'SKIPPED: this kernel has WireGuard: no stand-in'
fi

as=(setpriv --reuid=4242 --regid=4242 --clear-groups --inh-caps=-all)
if "${as[@]}" unshare -Urn true 2>/dev/null; then
	try_all
	as+=(unshare -Ur)
	try_all
else
	echo 'SKIPPED: no user namespace is to be had'
fi
as=()
./meshapply apply --rehearse office.json >out 2>&1
(($? == 64)) || fail "apply takes it"
exit $bad
