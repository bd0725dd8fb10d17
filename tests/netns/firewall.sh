#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the rules of a rendered firewall.nft do to packets.  Pairs of veth
# stand for the WireGuard device and for links of the host: namespaces behind
# the node, "mesh" and what each part of the test has beside it.
# shellcheck disable=SC2317 # functions are called by others
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${MESHAPPLY_BUILD:-build}
# shellcheck source=tests/netns/lib.sh
. tests/netns/lib.sh

make_namespace() {	# NAME
	ip netns add "$1"
	ip netns exec "$1" sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
		echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter'
	ip -n "$1" link set lo up
}

# NAME behind DEVICE of the node: it sends everything there.  As WireGuard
# knows no neighbours, both ends have one hardware address and ask nobody.
attach() {	# NAME DEVICE ADDRESS...
	local name=$1 device=$2 mac=02:00:00:00:00:01 address

	shift 2
	make_namespace "$name"
	ip -n node link add "$device" type veth peer name eth0 netns "$name"
	ip -n node link set "$device" address $mac arp off addrgenmode none
	ip -n "$name" link set eth0 address $mac arp off addrgenmode none
	ip -n node link set "$device" up
	ip -n "$name" link set eth0 up
	for address; do
		ip -n "$name" address add "$address" dev eth0
	done
	ip -n "$name" route add default dev eth0
	ip -n "$name" -6 route add default dev eth0
}

# The texts of NODE of $work/NAME.json, its mesh reached by the device.
render() {	# NAME NODE
	"$build/meshapply" render --node="$2" -q -o "$work/$1-$2" \
		"$work/$1.json" || fail "$1: render"
	text=$work/$1-$2
	table=meshapply_$1
	interface=wg-$1
}

load_network() {
	local address

	while read -r address; do
		ip -n node address add "$address" dev "$interface"
	done < <(sed -n 's/^Address = //p' "$text/wireguard.conf")
	ip -n node link set "$interface" mtu 1400
	sed -i 's/\(suppress.*priority\) auto/\1 3000/
		s/priority auto/priority 3001/; s/auto/4321/g' \
		"$text/network.batch"
	# One metric behind that of connected routes, in IPv6 it is so anyway.
	sed -i '/^route .*\..* proto 77$/s/$/ metric 50/' "$text/network.batch"
	grep -v '^-6 ' "$text/network.batch" | ip -n node -batch - ||
		fail "ip -batch"
	sed -n 's/^-6 //p' "$text/network.batch" | ip -n node -6 -batch - ||
		fail "ip -6 -batch"
	in_node sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# In the place of what is loaded, through the filter COMMAND.
load_firewall() {	# [COMMAND...]
	{
		echo "table inet $table { }; delete table inet $table"
		echo 'define fwmark = 4321'
		"${@-cat}" <"$text/firewall.nft"
	} >"$work/nft"
	in_node nft -f "$work/nft" || fail "nft -f: $*"
}

# Packets that a rule counted: CHAIN TEXT
counted() {
	in_node nft list chain inet "$table" "$1" | grep -F -- "$2" |
		sed -nE 's/.*counter packets ([0-9]+) .*/\1/p' |
		awk '{ n += $1 } END { print n + 0 }'
}

answers() {	# FROM SOURCE TO
	ip netns exec "$1" ping -c 1 -W 0.3 -I "$2" "$3" >/dev/null 2>&1
}

passes() {	# FROM SOURCE TO [CHAIN RULE]
	local before=0

	[[ -z ${4-} ]] || before=$(counted "$4" "$5")
	answers "$1" "$2" "$3" || fail "$2 of $1 to $3 does not pass"
	[[ -z ${4-} ]] || (($(counted "$4" "$5") > before)) ||
		fail "$2 of $1 to $3: not counted"
}

# Does a packet get through the chain of the mesh, answered or not?
arrives() {	# FROM DEVICE SOURCE TO
	local family=ip seen

	[[ $3 == *:* ]] && family=ip6
	in_node nft "add table inet probe; add chain inet probe c \
		{ type filter hook prerouting priority filter; }; add rule \
		inet probe c iifname $2 $family saddr $3 counter"
	answers "$1" "$3" "$4"
	seen=$(in_node nft list table inet probe | grep -c 'packets [1-9]')
	in_node nft delete table inet probe
	((seen))
}

dropped() {	# FROM DEVICE SOURCE TO RULE
	local before
	before=$(counted mesh_preraw "$5")
	arrives "$1" "$2" "$3" "$4" && fail "$3 of $1 to $4 is not dropped"
	(($(counted mesh_preraw "$5") > before)) ||
		fail "$3 of $1 to $4: no drop is counted"
}

# The MSS that FROM's SYN has at the end: FROM TO ADDRESS MSS
has_mss() {
	local family=ipv4 mss

	[[ $3 == *:* ]] && family=ipv6
	ip netns exec "$2" nft "add table inet t; add chain inet t c { type \
		filter hook input priority filter; }; add rule inet t c meta \
		nfproto $family tcp flags syn tcp option maxseg size $4 counter"
	ip netns exec "$1" timeout 1 bash -c "exec 3<>/dev/tcp/$3/9" 2>/dev/null
	mss=$(ip netns exec "$2" nft list table inet t |
		grep -c 'packets [1-9]')
	((mss == 1)) || fail "the MSS from $1 to $3 is not $4"
	ip netns exec "$2" nft delete table inet t
}

end() {		# NAME...
	local name

	for name; do
		ip netns del "$name"
	done
}

key() {		# NUMBER
	printf '%032d' "$1" | base64
}

### Sites, and a node that has IPv6 alone

cat >"$work/lab.json" <<END
{ "meshapply": 1, "mesh": "lab", "overlay": ["10.80.0.0/24", "fd80::/64"],
  "nodes": {
    "a": { "public_key": "$(key 1)", "endpoint": "192.0.2.1",
      "addresses": ["10.80.0.1", "fd80::1"],
      "subnets": ["10.81.0.0/24", "fd81::/64"] },
    "b": { "public_key": "$(key 2)", "endpoint": "192.0.2.2",
      "addresses": ["10.80.0.2", "fd80::2"],
      "subnets": ["10.82.0.0/24", "fd82::/64"] },
    "c": { "public_key": "$(key 3)", "addresses": ["fd80::3"] } } }
END
make_namespace node
attach mesh wg-lab 10.80.0.2/32 fd80::2/128 10.82.0.9/32 fd82::9/128
attach lan lan0 10.81.0.7/24 fd81::7/64
ip -n node address add 10.81.0.1/24 dev lan0
ip -n node address add fd81::1/64 dev lan0
render lab a
load_network
load_firewall

passes mesh 10.80.0.2 10.81.0.7 mesh_forward 'ip daddr @mesh_subnets4'
passes mesh fd80::2 fd81::7 mesh_forward 'ip6 daddr @mesh_subnets6'
passes mesh 10.82.0.9 10.81.0.7 mesh_forward 'ip daddr @mesh_subnets4'
passes mesh fd82::9 fd81::7 mesh_forward 'ip6 daddr @mesh_subnets6'
passes lan 10.81.0.7 10.82.0.9 mesh_forward 'ip saddr @mesh_subnets4'
passes lan fd81::7 fd82::9 mesh_forward 'ip6 saddr @mesh_subnets6'
passes mesh 10.80.0.2 10.80.0.1
passes mesh fd80::2 fd80::1
in_node ping -c 1 -W 1 10.81.0.7 >/dev/null || fail "the node to its LAN"
in_node ping -c 1 -W 1 fd80::1 >/dev/null || fail "the node to itself"

# The device has an MTU of 1400, all others 1500.
counts=$(counted mesh_forward 'rt mtu')
has_mss lan mesh 10.80.0.2 1360
has_mss lan mesh fd80::2 1340
has_mss mesh lan 10.81.0.7 1360
has_mss mesh lan fd81::7 1340
(($(counted mesh_forward 'rt mtu') >= counts + 4)) || fail "no SYN is counted"
# What is less already is never raised.
for name in lan mesh; do
	ip -n $name route replace default dev eth0 advmss 500
	ip -n $name -6 route replace default dev eth0 advmss 500
done
ip -n mesh route add 10.81.0.0/24 dev eth0 advmss 500
has_mss lan mesh 10.80.0.2 500
has_mss lan mesh fd80::2 500
has_mss mesh lan 10.81.0.7 500
has_mss mesh lan fd81::7 500
load_firewall sed '/maxseg/d'
for name in lan mesh; do
	ip -n $name route replace default dev eth0
	ip -n $name -6 route replace default dev eth0
done
ip -n mesh route del 10.81.0.0/24
has_mss lan mesh 10.80.0.2 1460
has_mss mesh lan fd81::7 1440
load_firewall

for address in 10.80.0.77/32 fd80::77/128 10.83.0.9/32 fd83::9/128; do
	ip -n mesh address add $address dev eth0
done
for address in 10.80.0.2/32 fd80::2/128 10.82.0.66/32 fd82::66/128; do
	ip -n lan address add $address dev eth0
done
# Sources that are no members', and such that do not come out of the mesh.
check_false() {	# COMMAND, with the rule as its last word
	"$@" mesh wg-lab 10.80.0.77 10.81.0.7 'ip saddr != @mesh_members4'
	"$@" mesh wg-lab fd80::77 fd81::7 'ip6 saddr != @mesh_members6'
	"$@" mesh wg-lab 10.83.0.9 10.81.0.1 'ip saddr != @mesh_members4'
	"$@" mesh wg-lab fd83::9 fd81::1 'ip6 saddr != @mesh_members6'
	"$@" lan lan0 10.80.0.2 10.81.0.1 'ip saddr @mesh_members4'
	"$@" lan lan0 fd80::2 fd81::1 'ip6 saddr @mesh_members6'
	"$@" lan lan0 10.82.0.66 10.82.0.9 'ip saddr @mesh_members4'
	"$@" lan lan0 fd82::66 fd82::9 'ip6 saddr @mesh_members6'
}
has_arrived() {
	arrives "${@:1:4}" || fail "$3 of $1: nothing is seen at all"
}
check_false dropped
in_node nft delete table inet meshapply_lab
check_false has_arrived
load_firewall

# A link of this host has the numbers of a member's subnet, and the better
# route: it is reached.  What only claims to be there still is dropped.
attach twin twin0 10.82.0.7/24 fd82::7/64 10.80.0.2/32 fd80::2/128
ip -n node address add 10.82.0.1/24 dev twin0
ip -n node address add fd82::1/64 dev twin0
check_twin() {
	passes twin 10.82.0.7 10.82.0.1
	passes twin fd82::7 fd82::1
	passes twin 10.82.0.7 10.81.0.7
	in_node ping -c 1 -W 1 fd82::7 >/dev/null || fail "the node to twin"
}
check_twin
dropped twin twin0 10.80.0.2 10.82.0.1 'ip saddr @mesh_members4'
dropped twin twin0 fd80::2 fd82::1 'ip6 saddr @mesh_members6'
# By the set alone that host is cut off.
load_firewall sed 's/ fib saddr oifname "[^"]*"//'
dropped twin twin0 10.82.0.7 10.82.0.1 'ip saddr @mesh_members4'
dropped twin twin0 fd82::7 fd82::1 'ip6 saddr @mesh_members6'
load_firewall
# The same with a route that is more specific, of another link or none.
ip -n node address del 10.82.0.1/24 dev twin0
dropped twin twin0 10.82.0.7 10.81.0.1 'ip saddr @mesh_members4'
ip -n node route add 10.82.0.0/28 dev twin0
passes twin 10.82.0.7 10.81.0.1
ip -n node route replace unreachable 10.82.0.0/28
arrives twin twin0 10.82.0.7 10.81.0.1 || fail "no way back is not ours"
end node mesh lan twin

# The node without IPv4 has nothing to tell apart there.
make_namespace node
attach mesh wg-lab 10.80.0.1/32 fd80::1/128
attach lan lan0 10.82.0.7/24
ip -n node address add 10.82.0.1/24 dev lan0
render lab c
load_network
load_firewall
passes mesh fd80::1 fd80::3
passes lan 10.82.0.7 10.82.0.1
dropped mesh wg-lab 10.80.0.1 10.82.0.1 'meta nfproto ipv4'
grep -q 'members4' "$text/firewall.nft" && fail "c: members of IPv4"
end node mesh lan

### A full tunnel, of a site

cat >"$work/exit.json" <<END
{ "meshapply": 1, "mesh": "exit", "overlay": ["10.95.0.0/24", "fd95::/64"],
  "nodes": {
    "gateway": { "public_key": "$(key 1)", "endpoint": "192.0.2.1",
      "addresses": ["10.95.0.1", "fd95::1"],
      "subnets": ["0.0.0.0/0", "::/0", "10.96.0.0/24", "fd96::/64"] },
    "site": { "public_key": "$(key 2)",
      "addresses": ["10.95.0.10", "fd95::10"],
      "subnets": ["10.97.0.0/24", "fd97::/64"] } } }
END
make_namespace node
attach mesh wg-exit 10.95.0.1/32 fd95::1/128 192.0.2.80/32 2001:db8::80/128 \
	10.97.0.66/32 fd97::66/128 10.95.0.10/32 fd95::10/128
attach lan lan0 10.97.0.7/24 fd97::7/64 203.0.113.7/32 2001:db8:7::7/128 \
	10.95.0.1/32 fd95::1/128
ip -n node address add 10.97.0.1/24 dev lan0
ip -n node address add fd97::1/64 dev lan0
render exit site
load_network
load_firewall
passes mesh 10.95.0.1 10.95.0.10
passes mesh fd95::1 fd97::1
passes lan 10.97.0.7 192.0.2.80
passes lan fd97::7 2001:db8::80
passes mesh 192.0.2.80 10.97.0.7
passes mesh 2001:db8::80 fd97::7
# The exit may say anything but that it is this node, or in its subnets.
check_own() {	# COMMAND, with the rule as its last word
	"$@" mesh wg-exit 10.97.0.66 10.97.0.1 'ip saddr @mesh_subnets4'
	"$@" mesh wg-exit fd97::66 fd97::1 'ip6 saddr @mesh_subnets6'
	"$@" mesh wg-exit 10.95.0.10 10.97.0.1 'nfproto ipv4 fib saddr type local'
	"$@" mesh wg-exit fd95::10 fd97::1 'nfproto ipv6 fib saddr type local'
}
check_own dropped
# From elsewhere come no members, and what is no host of this node's subnets
# does not reach the tunnel's address.
check_elsewhere() {
	"$@" lan lan0 10.95.0.1 10.97.0.1 'ip saddr @mesh_members4'
	"$@" lan lan0 fd95::1 fd97::1 'ip6 saddr @mesh_members6'
	"$@" lan lan0 203.0.113.7 10.95.0.10 'ip daddr 10.95.0.10'
	"$@" lan lan0 2001:db8:7::7 fd95::10 'ip6 daddr fd95::10'
}
check_elsewhere dropped
passes lan 10.97.0.7 10.95.0.10
passes lan fd97::7 fd95::10
# A link with the numbers of the gateway's subnet, as above.
attach twin twin0 10.96.0.7/24 fd96::7/64
ip -n node address add 10.96.0.1/24 dev twin0
ip -n node address add fd96::1/64 dev twin0
passes twin 10.96.0.7 10.96.0.1
passes twin fd96::7 fd96::1
# Without what makes the difference.
load_firewall sed 's/ saddr != @mesh_subnets. fib/ fib/; s/ ip6* fib/ fib/'
dropped lan lan0 10.97.0.7 10.95.0.10 'ip daddr 10.95.0.10'
dropped lan lan0 fd97::7 fd95::10 'ip6 daddr fd95::10'
in_node nft delete table inet meshapply_exit
check_own has_arrived
check_elsewhere has_arrived
end node mesh lan twin

((bad)) || echo "packets go as they are meant to"
exit $bad
