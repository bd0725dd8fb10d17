# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/vm/kern.sh - the kernel's code on real WireGuard, without the rest

set -eu

# shellcheck source=/dev/null
. tests/vm/lib.sh

# The release build: emulation makes a sanitised one crawl.
work=$(mktemp -d)
probe=${KERN_PROBE-build/release/tests/kern_probe}

check 'no peer, one, two, … 60: written and read back' "$probe" range 60 12
for n in 97 150 211 300; do
	check "$n peers" "$probe" peers $n 12
done
check '1000 peers' "$probe" peers 1000 30
check '20 000 peers' "$probe" peers 20000 3
check 'one peer with 5000 allowed IPs' "$probe" list 5000
check 'a peer that is gone is not half created' "$probe" vanished
check 'what is refused is named' "$probe" names
# One line for each allowed IP: lists come in any order.
by_prefix() {
	local key psk endpoint prefixes keepalive prefix

	while IFS=$'\t' read -r key psk endpoint prefixes keepalive; do
		for prefix in ${prefixes//,/ }; do
			echo "$key $psk $endpoint $prefix $keepalive"
		done
	done | LC_ALL=C sort
}

# What we say was written, and what wg(8) reads.
as_wg_says() {
	"$probe" dump 40 9 | grep -v '^#' | by_prefix >"$work/want"
	wg show probe0 dump | tail -n +2 | cut -f 1-4,8 | by_prefix \
		>"$work/got"
	[ "$(wc -l <"$work/want")" -ge 40 ] &&
		diff -u "$work/want" "$work/got"
}
ip link add other0 type wireguard
wg set other0 listen-port 40000
ip link set other0 up
check 'wg(8) reads what was written' as_wg_says
check 'addresses, routes, ports of a real link' "$probe" node 40000
check 'that one deleted' "$probe" delete
ip link delete other0
is 'nothing is left behind' "$(wg show interfaces)" ''
done_testing
