#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The routes of each golden wg-quick file against what wg-quick's own steps
# make of the file on this kernel: addresses, link up, then the allowed IPs
# from the longest to the shortest, left out where "ip route show match" finds
# one.  A veth stands for the WireGuard device.  What ip and nft take of
# network.batch and firewall.nft as they stand is tried as well.
set -u
cd "$(dirname "$0")/../.." || exit 1
golden=tests/golden/quick/ok
if [[ ${1-} != inside ]]; then
	exec unshare -n "$0" inside
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

fail() {
	echo "FAILED: $*"
	bad=1
}

make_link() {	# NAME
	ip link add "$1" type veth peer name quick-other &&
		ip link set "$1" addrgenmode none &&
		ip link set quick-other addrgenmode none up
}

# Values of a key, one a line, in the network's own form: KEY FILE
values() {
	sed 's/^\xef\xbb\xbf//; s/#.*//; s/\r$//' "$2" | tr -d ' \t' |
		sed -n "s/^$1=//Ip" | tr ',' '\n' | sed '/^$/d'
}

# An allowed IP without its host bits, as "wg show" has it; of IPv6 the kernel
# says what they are.
masked() {	# PREFIX
	local address=${1%/*} length=32 a b c d number
	if [[ $1 == *:* ]]; then
		ip -6 route add unreachable "$1" table 999
		ip -6 route show table 999 | sed -E 's/^unreachable //
			s/^default /::\/0 /; s/^([^ \/]+) .*/\1\/128/; s/ .*//'
		ip -6 route flush table 999
		return
	fi
	[[ $1 == */* ]] && length=${1#*/}
	IFS=. read -r a b c d <<< "$address"
	number=$(((a << 24 | b << 16 | c << 8 | d) &
		(0xffffffff << (32 - length))))
	echo "$((number >> 24 & 255)).$((number >> 16 & 255)).$((
		number >> 8 & 255)).$((number & 255))/$length"
}

wg_quick_routes() {	# NAME FILE TABLE
	local name=$1 file=$2 table=$3 prefix family mark
	while read -r prefix; do
		masked "$prefix"
	done < <(values AllowedIPs "$file") | sort -u |
		sort -nr -k 2 -t / | while read -r prefix; do
		family=-4
		[[ $prefix == *:* ]] && family=-6
		if [[ $table == off ]]; then
			continue
		elif [[ -n $table && $table != auto ]]; then
			ip $family route add "$prefix" dev "$name" \
				table "$table" 2>/dev/null || continue
			echo "$prefix $table"
		elif [[ $prefix == */0 ]]; then
			mark=$(values FwMark "$file")
			[[ -z $mark || $mark == off ]] || mark=$((mark))
			[[ $mark == [1-9]* ]] || mark=auto
			echo "$prefix $mark"
		elif [[ -z $(ip $family route show dev "$name" \
			match "$prefix") ]]; then
			ip $family route add "$prefix" dev "$name" &&
				echo "$prefix main"
		fi
	done
}

our_routes() {	# NAME
	[[ -e $golden/$1/network.batch ]] || return 0
	sed -nE 's/^route replace default /route replace 0.0.0.0\/0 /
		s/^route replace ([^ ]+) dev [^ ]+ table ([^ ]+) .*/\1 \2/p
		s/^route replace ([^ ]+) dev [^ ]+ proto 77$/\1 main/p' \
		"$golden/$1/network.batch"
}

load() {	# NAME
	local batch=$golden/$1/network.batch firewall=$golden/$1/firewall.nft
	if [[ -e $batch ]]; then
		sed 's/priority auto/priority 3000/; s/auto/4321/g' "$batch" \
			> "$work/batch"
		grep -v '^-6 ' "$work/batch" | ip -batch - ||
			fail "$1: ip -batch"
		sed -n 's/^-6 //p' "$work/batch" | ip -6 -batch - ||
			fail "$1: ip -6 -batch"
		while ip rule del priority 3000 2>/dev/null; do :; done
		while ip -6 rule del priority 3000 2>/dev/null; do :; done
	fi
	[[ -e $firewall ]] || return 0
	{ echo 'define fwmark = 51820'; cat "$firewall"; } > "$work/nft"
	nft -f "$work/nft" || fail "$1: nft -f"
	nft flush ruleset
}

count=0
ip link set lo up
for folder in "$golden"/*/; do
	name=$(basename "$folder")
	file=examples/quick/$name.conf
	[[ -e $file ]] || file=$golden/$name.conf
	make_link "$name" || { fail "$name: no link"; continue; }
	values Address "$file" > "$work/addresses"
	while read -r address; do
		ip address add "$address" dev "$name" ||
			fail "$name: $address"
	done < "$work/addresses"
	ip link set "$name" up
	wg_quick_routes "$name" "$file" "$(values Table "$file")" |
		sort > "$work/wanted"
	our_routes "$name" | sort > "$work/ours"
	diff "$work/wanted" "$work/ours" || fail "$name: routes differ"
	ip link del "$name"
	make_link "$name" && ip link set "$name" up
	load "$name"
	ip link del "$name"
	count=$((count + 1))
done
echo "$count files"
((count >= 30)) || fail "too few"
exit $bad
