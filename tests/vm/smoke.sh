#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/vm/run tests/vm/smoke.sh - does the VM do what the suites rely on?
#
# Nothing of meshapply is used here: two hosts are joined by plain wg and ip.

# shellcheck disable=SC2317 # functions are called by check and its like

set -eu

# shellcheck source=/dev/null
. tests/vm/lib.sh

work=$(mktemp -d)

loaded() {
	grep -q "^$1 " /proc/modules
}

no_link() {
	! ip -n "$1" link show "$2"
}

take() {
	snapshot "$1" >"$work/$2"
}

### The machine

check 'the module can be taken out' modprobe -r wireguard
fails 'it is gone' loaded wireguard
check 'a WireGuard link can be made' ip link add wg9 type wireguard
check 'its module was loaded for that' loaded wireguard
check 'the link can be deleted' ip link del wg9

check '/etc can be written to' touch /etc/vm-smoke
check '/var/lib can be written to' mkdir /var/lib/vm-smoke
check 'results can be written to' touch "$RESULTS/vm-smoke"
check 'there is /dev/fd' diff <(echo same) <(echo same)
check 'there is a cgroup tree' mkdir /sys/fs/cgroup/vm-smoke
check 'there is a pseudo terminal' script -qec true /dev/null

check 'a network namespace' unshare -n ip link set lo up
check 'a user namespace, as nobody' \
	setpriv --reuid 65534 --regid 65534 --clear-groups \
	unshare -Urn ip link add wg9 type wireguard
check 'CAP_NET_ADMIN alone' \
	setpriv --reuid 4242 --regid 4242 --clear-groups \
	--inh-caps -all,+net_admin --ambient-caps -all,+net_admin \
	ip link add wg9 type wireguard
ip link del wg9

inject=sendmsg,sendto:error=ENOBUFS:when=1
fails 'an injected error makes ip fail' \
	strace -f -qq -o "$work/trace" -e "inject=$inject" \
	ip link add dummy9 type dummy
check 'it was the injected one' grep -q 'ENOBUFS.*INJECTED' "$work/trace"
exits 'an injected death' 137 \
	strace -f -qq -o "$work/trace" -e inject=sendmsg:signal=KILL:when=1 \
	ip link add dummy9 type dummy
fails 'there is no link after that' ip link show dummy9

### Hosts

host_add a b
link_hosts a up0 '192.0.2.1/24 2001:db8::1/64' \
	b up0 '192.0.2.2/24 2001:db8::2/64'
check 'hosts reach each other' on a ping -qc 1 -W 5 192.0.2.2
check 'also by IPv6' on a ping -qc 1 -W 5 2001:db8::2
check 'a host writes to its own folder' on a touch /run/meshapply/own
fails 'the other host does not see it' on b test -e /run/meshapply/own
fails 'nor does the machine' test -e /run/meshapply/own
is 'a host keeps to the folder of the caller' "$(on a pwd)" "$PWD"
is 'a host has its name' "$(on a hostname)" a
is 'a host sees its own links' "$(on a ls -x /sys/class/net)" 'lo  up0'

### Snapshots

take a before
take a again
same 'two snapshots are the same' "$work/before" "$work/again"
for section in link address route4 route6 rule4 rule6 sysctl; do
	check "a snapshot has $section" grep -q "^$section " "$work/before"
done

on a ip route add 198.51.100.0/24 via 192.0.2.2
take a route
fails 'a route makes a difference' diff -q "$work/before" "$work/route"
on a ip route del 198.51.100.0/24
on a sysctl -qw net.ipv4.ip_forward=1
take a sysctl
check 'a sysctl makes a difference' \
	grep -q '^sysctl net/ipv4/ip_forward:1$' "$work/sysctl"
# All three are moved by the first, and only one by the way back.
on a sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.accept_redirects=1 \
	net.ipv4.conf.default.accept_redirects=1
take a again
same 'undone, they are the same again' "$work/before" "$work/again"

cat >"$work/table.nft" <<'END'
table inet smoke
delete table inet smoke
table inet smoke {
	set nets {
		type ipv4_addr
		flags interval
		elements = { 192.0.2.0/24, 198.51.100.0/24, 203.0.113.7 }
	}
	chain post {
		type nat hook postrouting priority srcnat
		ip saddr @nets oifname "none0" counter masquerade
		tcp dport { 22, 80, 443 } jump { counter accept; }
	}
	chain way {
		type filter hook forward priority filter
		ct state established,related accept
		tcp flags syn tcp option maxseg size set rt mtu
	}
}
END
check 'nft loads a table' on a nft -f "$work/table.nft"
take a nft
check 'a snapshot has nft' grep -q '^nft inet smoke .*masquerade' "$work/nft"
check 'nft loads it again' on a nft -f "$work/table.nft"
take a again
same 'which is no difference' "$work/nft" "$work/again"
on a nft add rule inet smoke way accept
take a again
fails 'a rule is one' diff -q "$work/nft" "$work/again"
on a nft delete table inet smoke
take a again
same 'without the table it is as before' "$work/before" "$work/again"

### WireGuard

# wg_up HOST OWN PEER: as an administrator would do it by hand.
wg_up() {
	local host=$1 own=$2 peer=$3

	on "$host" ip link add wg0 type wireguard
	on "$host" wg set wg0 listen-port 51820 private-key "$work/$own.key" \
		peer "$(wg pubkey <"$work/$peer.key")" \
		endpoint "192.0.2.$peer:51820" \
		allowed-ips "10.9.0.$peer/32,fd09::$peer/128"
	on "$host" ip address add "10.9.0.$own/24" dev wg0
	on "$host" ip address add "fd09::$own/64" dev wg0
	on "$host" ip link set wg0 up
}

for n in 1 2; do
	(umask 077 && wg genkey >"$work/$n.key")
done
check 'a device on one host' wg_up a 1 2
check 'a device on the other' wg_up b 2 1
check 'a ping through the tunnel' on a ping -qc 2 -i 0.2 -W 5 10.9.0.2
check 'also by IPv6' on a ping -qc 2 -i 0.2 -W 5 fd09::2

take a tunnel
on a ping -qc 2 -i 0.2 10.9.0.2 >/dev/null
take a again
same 'traffic is no difference' "$work/tunnel" "$work/again"
check 'a snapshot has the device' grep -q '^wg wg0 ' "$work/tunnel"
on a wg set wg0 peer "$(wg pubkey <"$work/2.key")" persistent-keepalive 25
take a again
fails 'a keepalive is one' diff -q "$work/tunnel" "$work/again"

### Flows

udp_flow_start four a b 10.9.0.2 7000 500 2
udp_flow_start six b a fd09::1 7000 500 0 fd09::2
sleep 2
four=$(udp_flow_stop four)
six=$(udp_flow_stop six)
echo "# $four"
echo "# $six"
is 'nothing is lost by IPv4' "$(udp_flow_get lost "$four")" 0
is 'nothing is lost by IPv6' "$(udp_flow_get lost "$six")" 0
check 'packets were sent' test "$(udp_flow_get sent "$six")" -gt 100

udp_flow_start cut a b 10.9.0.2 7000 200 0
sleep 0.5
on b ip link set up0 down
sleep 1
on b ip link set up0 up
sleep 1
cut=$(udp_flow_stop cut)
echo "# $cut"
check 'a cut is seen as loss' test "$(udp_flow_get lost "$cut")" -gt 20
check 'and as a gap' test "$(udp_flow_get gap_ms "$cut")" -gt 500

udp_flow_start dead a b 10.9.0.2 7000 200 0
sleep 0.5
on b ip link set up0 down
sleep 1
dead=$(udp_flow_stop dead)
echo "# $dead"
check 'one without an end, too' test "$(udp_flow_get lost "$dead")" -gt 20

### The end

for n in {1..50}; do
	printf '[Peer]\nPublicKey = %042d0=\n' "$n"
done >"$work/peers"
check 'many peers' on a wg addconf wg0 "$work/peers"
host_add c
fails 'a host does not see the others' on a ls /run/netns/c
check 'hosts can be deleted' host_del c b
check 'a link goes with its peer' wait_for 10 no_link a up0
host_del a
is 'nothing is left of them' "$(ip netns list)" ''
check 'their names are free' host_add a
host_del a
check 'a test can wait' wait_for 1 true
fails 'but not for ever' wait_for 1 false

done_testing
