#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the stock tools make of the rendered examples: wg-quick takes
# wireguard.conf, ip takes network.batch and makes the routes that wg-quick's
# own steps would, nft takes firewall.nft; what its rules do to packets is
# seen in firewall.sh.  A veth stands for the WireGuard device.
set -u
cd "$(dirname "$0")/../.." || exit 1
golden=tests/golden/example
# shellcheck source=tests/netns/lib.sh
. tests/netns/lib.sh

values() {	# KEY FILE
	sed -n "s/^$1 = //p" "$2"
}

# A fresh namespace, where an address can be used at once.  NAME
make_namespace() {
	ip netns add "$1"
	ip netns exec "$1" sh -c \
		'for i in all default; do
			echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad
			echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter
		done'
	ip -n "$1" link set lo up
}

# A fresh namespace with the device of this folder, its addresses on it.
make_node() {	# FOLDER
	local address device
	device=$(sed -n 's/^#@ interface //p' "$1/wireguard.conf")
	make_namespace node
	ip -n node link add "$device" type veth peer name other
	ip -n node link set "$device" addrgenmode none
	for address in $(values Address "$1/wireguard.conf"); do
		ip -n node address add "$address" dev "$device" ||
			fail "$1: $address"
	done
	ip -n node link set other up
	ip -n node link set "$device" mtu "$(values MTU "$1/wireguard.conf" |
		grep . || echo 1420)" up
}

# Has the node something of this family?  FAMILY FOLDER
has_family() {
	if [[ $1 == -4 ]]; then
		values Address "$2/wireguard.conf" | grep -qv : ||
			grep -q 'set mesh_subnets4' "$2/firewall.nft"
	else
		values Address "$2/wireguard.conf" | grep -q : ||
			grep -q 'set mesh_subnets6' "$2/firewall.nft"
	fi
}

# wg-quick's steps over the allowed IPs, from the longest to the shortest.
wanted_routes() {	# FOLDER DEVICE TABLE MARK
	local prefix family
	values AllowedIPs "$1/wireguard.conf" | sort -nr -k 2 -t / |
		while read -r prefix; do
		family=-4
		[[ $prefix == *:* ]] && family=-6
		has_family $family "$1" || continue
		if [[ $3 != main ]]; then
			echo "$prefix $3"
		elif [[ $prefix == */0 ]]; then
			echo "$prefix $4"
		elif [[ -z $(ip -n node $family route show dev "$2" \
			match "$prefix" | grep -v '^default') ]]; then
			echo "$prefix main"
		fi
	done | sort
}

# Those of protocol 77 that are there.
made_routes() {	# DEVICE
	local family
	for family in 4 6; do
		ip -n node -j "-$family" route show table all proto 77 \
			dev "$1" 2>/dev/null | jq -r --arg f "$family" '.[] |
			(if .dst == "default" then
				(if $f == "4" then "0.0.0.0/0" else "::/0" end)
			elif .dst | test("/") then .dst
			elif $f == "4" then .dst + "/32"
			else .dst + "/128" end) + " " + (.table // "main" |
			tostring)'
	done | sort
}

load_network() {	# FOLDER MARK
	sed "s/priority auto/priority 3000/; s/auto/$2/g" "$1/network.batch" \
		> "$work/batch"
	grep -v '^-6 ' "$work/batch" | ip -n node -batch - ||
		fail "$1: ip -batch"
	sed -n 's/^-6 //p' "$work/batch" | ip -n node -6 -batch - ||
		fail "$1: ip -6 -batch"
}

check_rules() {	# FOLDER MARK TABLE
	local family wanted
	for family in 4 6; do
		wanted=0
		[[ $3 == main ]] && values AllowedIPs "$1/wireguard.conf" |
			grep -q "^$([[ $family == 4 ]] && echo 0.0.0.0 ||
				echo ::)/0" && wanted=2
		[[ $(ip -n node "-$family" -j rule show | jq --arg m "$2" \
			'[.[] | select(.protocol == "77") | select(
			(.table == $m and .not == null and
				(.fwmark // "" | test("^0x"))) or
			(.table == "main" and .suppress_prefixlen == 0))] |
			length') == "$wanted" ]] || {
			ip -n node "-$family" rule show
			fail "$1: rules of IPv$family, not $wanted"
		}
	done
}

# Elements of a set as jq sees them, ours as written.
check_sets() {	# FOLDER
	local set wanted made
	for set in members4 members6 subnets4 subnets6; do
		wanted=$(sed -n "/set mesh_$set {/,/^\t}/p" "$1/firewall.nft" |
			sed -n 's/^\t\t\t\(.*\),$/\1/p' | sort)
		made=$(in_node nft -j list table inet "$2" | jq -r \
			".nftables[].set | select(.name == \"mesh_$set\") |
			.elem[] | if type == \"string\" then . else
			.prefix.addr + \"/\" + (.prefix.len | tostring) end" |
			sort)
		[[ $wanted == "$made" ]] || fail "$1: $set: $made"
	done
}

load_firewall() {	# FOLDER MARK
	local text=$1/firewall.nft table
	[[ -e $text ]] || return 0
	{ echo "define fwmark = $2"; grep -v '^define fwmark' "$text"; } \
		> "$work/nft"
	in_node nft -c -f "$work/nft" || fail "$1: nft -c -f"
	in_node nft -f "$work/nft" || fail "$1: nft -f"
	table=$(sed -n 's/^table inet \(.*\) {/\1/p' "$text")
	check_sets "$1" "$table"
}

# wg-quick leaves to wg what is WireGuard's, all of it.
check_strip() {	# FOLDER
	grep -vE '^(Address|MTU|Table) = ' "$1/wireguard.conf" |
		diff - <(wg-quick strip "./$1/wireguard.conf" 2>/dev/null |
			sed '${/^$/d}') || fail "$1: wg-quick strip"
}

check_folder() {	# FOLDER
	local node=${1##*/} example device table mark
	example=examples/$(basename "${1%/*}").json
	device=$(sed -n 's/^#@ interface //p' "$1/wireguard.conf")
	table=$(jq -r ".nodes[\"$node\"].table // \"main\"" "$example")
	mark=$(values FwMark "$1/wireguard.conf")
	[[ $mark == [1-9]* ]] || mark=4321
	make_node "$1"
	wanted_routes "$1" "$device" "$table" "$mark" > "$work/wanted"
	load_network "$1" "$mark"
	made_routes "$device" > "$work/made"
	diff "$work/wanted" "$work/made" || fail "$1: routes differ"
	check_rules "$1" "$mark" "$table"
	load_firewall "$1" "$mark"
	check_strip "$1"
	ip netns del node
}

count=0
for folder in "$golden"/*/*/; do
	check_folder "${folder%/}"
	count=$((count + 1))
done
echo "$count folders"
((count >= 25)) || fail "too few"
((bad)) || echo "the stock tools take them"
exit $bad
