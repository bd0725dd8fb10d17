#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the stock tools make of the rendered examples: wg-quick takes
# wireguard.conf, ip takes network.batch and makes the routes that wg-quick's
# own steps would, nft takes firewall.nft, and its rules do to packets what
# they are for.  A veth stands for the
# WireGuard device.
set -u
cd "$(dirname "$0")/../.." || exit 1
golden=tests/golden/example
if [[ ${1-} != inside ]]; then
	exec unshare -nm "$0" inside
fi
mount --make-rprivate / && mkdir -p /run/netns &&
	mount -t tmpfs none /run/netns || exit 1
work=$(mktemp -d)
trap 'umount -l /run/netns; rm -rf "$work"' EXIT
bad=0

fail() {
	echo "FAILED: $*"
	bad=1
}

values() {	# KEY FILE
	sed -n "s/^$1 = //p" "$2"
}

in_node() {	# COMMAND...
	ip netns exec node "$@"
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

# The packets: the node "a" of dual-stack, the mesh behind its device, and its
# LAN.  Names of namespaces: node, mesh, lan.
folder=$golden/dual-stack/a
make_node "$folder"
make_namespace mesh
make_namespace lan
ip -n node link set other netns mesh
ip -n node link add lan0 type veth peer name eth0 netns lan
ip -n node link set lan0 up
ip -n node address add 10.81.0.1/24 dev lan0
ip -n node address add fd81::1/64 dev lan0
ip -n mesh link set other up
ip -n lan link set eth0 up
# Members' addresses, one of them in a subnet.
for address in 10.80.0.2/24 fd80::2/64 fd82::9/128; do
	ip -n mesh address add $address dev other
done
ip -n mesh route add default via 10.80.0.1
ip -n mesh route add default via fd80::1
for address in 10.81.0.7/24 fd81::7/64; do
	ip -n lan address add $address dev eth0
done
ip -n lan route add default via 10.81.0.1
ip -n lan route add default via fd81::1
load_network "$folder" 4321
ip -n node route add fd83::/64 dev wg-lab
# WireGuard knows no neighbours, and the device has no address to ask from.
mac=$(ip -n mesh -j link show other | jq -r '.[0].address')
ip -n node neighbour add fd82::9 lladdr "$mac" dev wg-lab
ip -n node neighbour add fd83::9 lladdr "$mac" dev wg-lab
load_firewall "$folder" 4321
in_node sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'

# Packets that a rule counted: CHAIN TEXT
counted() {
	in_node nft list chain inet meshapply_lab "$1" | grep -F -- "$2" |
		sed -nE 's/.*counter packets ([0-9]+) .*/\1/p' |
		awk '{ n += $1 } END { print n + 0 }'
}
answers() {	# FROM SOURCE TO
	ip netns exec "$1" ping -c 1 -W 1 -I "$2" "$3" >/dev/null 2>&1
}
passes() {	# FROM SOURCE TO CHAIN RULE
	local before
	before=$(counted "$4" "$5")
	answers "$1" "$2" "$3" || fail "$2 to $3 does not pass"
	(($(counted "$4" "$5") > before)) || fail "$2 to $3: not counted"
}

passes mesh 10.80.0.2 10.81.0.7 mesh_forward 'ip daddr @mesh_subnets4'
passes mesh fd80::2 fd81::7 mesh_forward 'ip6 daddr @mesh_subnets6'
passes mesh fd82::9 fd81::7 mesh_forward 'ip6 daddr @mesh_subnets6'
passes lan 10.81.0.7 10.80.0.2 mesh_forward 'ip saddr @mesh_subnets4'
passes lan fd81::7 fd80::2 mesh_forward 'ip6 saddr @mesh_subnets6'
answers mesh 10.80.0.2 10.80.0.1 || fail "the node itself, IPv4"
answers mesh fd80::2 fd80::1 || fail "the node itself, IPv6"
in_node ping -c 1 -W 1 10.81.0.7 >/dev/null || fail "the node to its LAN"
in_node ping -c 1 -W 1 fd80::1 >/dev/null || fail "the node to itself"

# The device has an MTU of 1400, all others 1500: a SYN that arrives with
# 1500's MSS was not clamped.
cat > "$work/syn" <<'END'
table inet t {
	chain c {
		type filter hook input priority filter
		meta nfproto ipv4 tcp flags syn tcp option maxseg size 1360 counter
		meta nfproto ipv6 tcp flags syn tcp option maxseg size 1340 counter
	}
}
END
clamped() {	# FROM TO ADDRESS
	ip netns exec "$2" nft -f "$work/syn"
	ip netns exec "$1" timeout 2 bash -c "exec 3<>/dev/tcp/$3/9" 2>/dev/null
	[[ $(ip netns exec "$2" nft list table inet t |
		grep -c 'packets [1-9]') == 1 ]] || {
		ip netns exec "$2" nft list table inet t
		fail "the MSS from $1 to $2"
	}
	ip netns exec "$2" nft delete table inet t
}
clamped lan mesh 10.80.0.2
clamped lan mesh fd80::2
clamped mesh lan 10.81.0.7
clamped mesh lan fd81::7

# Sources that are no members', and such that do not come out of the mesh.
for address in 10.80.0.77/24 fd80::77/64 fd83::9/128; do
	ip -n mesh address add $address dev other
done
for address in 10.80.0.2/32 fd80::3/128; do
	ip -n lan address add $address dev eth0
done
# What comes through the chain of the mesh is seen by one behind it.
in_node nft -f - <<'END'
table inet probe {
	chain c {
		type filter hook prerouting priority filter
		iifname "wg-lab" ip saddr 10.80.0.77 counter
		iifname "wg-lab" ip6 saddr fd80::77 icmpv6 type echo-request counter
		iifname "wg-lab" ip6 saddr fd83::9 icmpv6 type echo-request counter
		iifname "lan0" ip saddr 10.80.0.2 counter
		iifname "lan0" ip6 saddr fd80::3 icmpv6 type echo-request counter
	}
}
END
send_false() {	# each of the five twice
	for _ in 1 2; do
		answers mesh 10.80.0.77 10.81.0.7
		answers mesh fd80::77 fd81::7
		answers mesh fd83::9 fd81::7
		answers lan 10.80.0.2 10.81.0.1
		answers lan fd80::3 fd81::1
	done
}
# Rules of the probe that have seen something, of those at all.
seen() {
	in_node nft list table inet probe | grep -c 'packets [1-9]'
}
send_false
[[ $(seen) == 0 ]] || {
	in_node nft list table inet probe
	fail "what is to be dropped passes"
}
for rule in 'ip saddr != @mesh_members4' 'ip6 saddr != @mesh_members6' \
	'ip saddr @mesh_members4' 'ip6 saddr @mesh_members6'; do
	(($(counted mesh_preraw "$rule") > 0)) || fail "not counted: $rule"
done
# Without the table all of it passes: the probe sees what it is to see.
in_node nft delete table inet meshapply_lab
send_false
[[ $(seen) == 5 ]] || {
	in_node nft list table inet probe
	fail "the probe is blind"
}

for name in node mesh lan; do
	ip netns del $name
done
((bad)) || echo "packets go as they are meant to"
exit $bad
