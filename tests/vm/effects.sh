# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the kernel does besides what it is asked: addresses that go with others,
# routes that go with addresses, links and forwarding, sysctls that are written
# by others, marks, ports that are taken too late. Under a flow where one could
# notice. And what the kernel gives back otherwise than it was given.
set -u
. tests/vm/lib.sh
advertise=$PWD/build/release/tests/advertise
. tests/vm/meshapply.sh

### Two hosts: b is set up by wg and ip, a is ours, from a folder or a file.

host_add a b c r
link_hosts a eth0 '192.0.2.1/24 2001:db8::1/64' \
	b eth0 '192.0.2.2/24 2001:db8::2/64'
keys a b c d
ip -n a route add default via 192.0.2.2
# What raising any WireGuard link changes for good.
on a sysctl -qw net.ipv4.conf.all.send_redirects=0
cat > b.sh <<END
set -e
ip link add wg0 type wireguard
wg set wg0 listen-port 51820 private-key $work/b.key \
	peer $(pub a) allowed-ips 10.0.0.0/24,fd00::/64
ip address add 10.0.0.2/24 dev wg0
ip address add fd00::2/64 dev wg0
ip address add 203.0.113.7/32 dev wg0
ip link set wg0 up
END
check 'b is set up' on b bash b.sh
on a install -m 700 -d /etc/meshapply/keys
on a cp a.key /etc/meshapply/keys/
wg genpsk > ab.psk
mkdir mesh

apply() { on a "$meshapply" "$@" ./mesh; }
remove() { on a "$meshapply" remove wg0; }
state() { snapshot -i a; }

# wireguard ADDRESSES LINES...: the folder's first file
wireguard() {
	local addresses=$1
	shift
	cat > mesh/wireguard.conf <<-END
	#@ mesh wg0
	#@ interface wg0
	#@ private-key-file a.key
	$(printf '#@ sysctl %s\n' "${sysctls[@]}")
	[Interface]
	Address = $addresses
	ListenPort = 51820
	$(printf '%s\n' "$@")
	Table = off

	[Peer]
	PublicKey = $(pub b)
	AllowedIPs = 10.0.0.2/32, fd00::2/128, 192.168.2.0/24, fd02::/64
	Endpoint = 192.0.2.2:51820
	END
	[ ${#sysctls[@]} -gt 0 ] || sed -i '/^#@ sysctl/d' mesh/wireguard.conf
}
sysctls=()
network() { cat > mesh/network.batch; }

# Addresses in the kernel's order, of a device that is given them in an order.
listed() {
	ip -n a -o -4 address show dev "$1" | awk '{ print $4 }'
	ip -n a -o -6 address show dev "$1" scope global | awk '{ print $4 }'
}
as_given() {	# ADDRESS...
	local address
	ip -n a link add ref type dummy
	ip -n a link set ref up
	for address; do
		ip -n a address add "$address" dev ref
	done
	listed ref
	ip -n a link del ref
}

# flow ADDRESS PORT RATE SECONDS [SRC]: under way when it returns
flow() {
	udp_flow_start flow a b "$@" && sleep 0.7
}

# flow_ends NAME MOST: two tests; at most so many lost.
flow_ends() {
	local line
	line=$(udp_flow_stop flow)
	echo "# $1: $line"
	check "$1: of the flow are lost at most $2" \
		test "$(udp_flow_get lost "$line")" -le "$2"
	check "$1: it was a flow" test "$(udp_flow_get sent "$line")" -gt 20
}

### 1. Addresses of one subnet

wireguard '10.0.0.1/24, 10.0.0.7/24, fd00::1/64, fd00::7/64'
network <<'END'
route replace 192.168.2.0/24 dev wg0 proto 77
route replace fd02::/64 dev wg0 proto 77
END
state > first.before
check 'addresses: apply' apply
on a ip route add 10.55.0.0/16 dev wg0
check 'addresses: a session' on a ping -q -c 1 -W 10 10.0.0.2
flow 10.0.0.2 4001 500 0 10.0.0.7
wireguard '10.0.0.7/24, 10.0.0.9/24, fd00::7/64, fd00::9/64'
check 'the first of a subnet goes' apply
sleep 0.5
flow_ends 'the first of a subnet goes' 0
is 'the others stay' "$(listed wg0)" \
	"$(as_given 10.0.0.7/24 10.0.0.9/24 fd00::7/64 fd00::9/64)"
check 'routes stay, ours and the foreign one' test \
	"$(on a ip route show dev wg0 | grep -cE '^(192.168.2|10.55)')" = 2
check 'and so does the connected one' \
	grep -q . <(on a ip route show 10.0.0.0/24 dev wg0)
is 'promote_secondaries is as it was' \
	"$(on a cat /proc/sys/net/ipv4/conf/wg0/promote_secondaries)" 0

flow fd00::2 4001 500 0 fd00::7
wireguard '10.0.0.9/24, 10.0.0.7/24, fd00::9/64, fd00::7/64'
check 'addresses in another order' apply
sleep 0.5
line=$(udp_flow_stop flow)
echo "# another order: $line"
is 'they are in that order' "$(listed wg0)" \
	"$(as_given 10.0.0.9/24 10.0.0.7/24 fd00::9/64 fd00::7/64)"
check 'the first is the source' grep -q 'src 10.0.0.9 ' \
	<(on a ip -o route get 10.0.0.2)
check 'all routes stay' test \
	"$(on a ip route show dev wg0 | grep -cE '^(192.168.2|10.55)')" = 2
check 'it is all as desired' writes_nothing a "$meshapply" ./mesh
wireguard '10.1.0.1/24, fd01::1/64'
check 'other addresses altogether' apply --force=identity
is 'they are there' "$(listed wg0)" "$(as_given 10.1.0.1/24 fd01::1/64)"
check 'and so are the routes' test \
	"$(on a ip route show dev wg0 | grep -cE '^(192.168.2|10.55)')" = 2
check 'of IPv6 too' grep -q . <(on a ip -6 route show fd02::/64 dev wg0)
on a ip route del 10.55.0.0/16

### 2. A link that somebody took down

wireguard '10.0.0.1/24, fd00::1/64'
check 'back' apply --force=identity
state > up.before
on a ip link set wg0 down
fails 'a link that is down has no routes' \
	grep -q 192.168.2.0 <(on a ip route show dev wg0)
check 'a link that is down is raised' apply
same 'with its addresses and routes' up.before <(state)
check 'remove' remove
same 'removed: all is as it was' first.before <(state)

### 3. The mark of a full tunnel

full() {	# LINES...
	printf '[Interface]\nPrivateKey = %s\nAddress = 10.0.0.1/24\n' \
		"$(key a)"
	printf '%s\n' 'Address = fd00::1/64' "$@"
	printf '[Peer]\nPublicKey = %s\nEndpoint = 192.0.2.2:51820\n' "$(pub b)"
	echo 'AllowedIPs = 0.0.0.0/0, ::/0'
}
full > wg0.conf
check 'full tunnel: apply' on a "$meshapply" wg0.conf
is 'its mark' "$(on a wg show wg0 fwmark)" 0xca6c
check 'full tunnel: a session' on a ping -q -c 1 -W 10 203.0.113.7
for mark in 51900 0x77; do
	full "FwMark = $mark" > wg0.conf
	flow 203.0.113.7 4001 1000 0
	check "the mark becomes $mark" on a "$meshapply" wg0.conf
	sleep 0.5
	flow_ends "the mark becomes $mark" 0
	is "it is $mark" $(($(on a wg show wg0 fwmark))) $((mark))
	is "two rules a family, no helper, $mark" "$(on a bash -c '
		ip -N -4 rule; ip -N -6 rule' | grep -c 'proto 77')" 4
	is "and no route of the old mark" "$(on a bash -c '
		ip -N -4 route show table all; ip -N -6 route show table all' |
		grep 'proto 77' | grep -vc "table $((mark)) ")" 0
done
check 'full tunnel: remove' on a "$meshapply" remove wg0
same 'full tunnel removed: all is as it was' first.before <(state)

### 4. A default route by router advertisement

ip link add eth1 netns a type veth peer name eth0 netns r
ip link add eth0 netns c type veth peer name eth1 netns r
for end in 'a eth1' 'r eth0' 'c eth0' 'r eth1'; do
	ip -n "${end% *}" link set "${end#* }" up
done
has_default() { on "$1" ip -6 route show default | grep 'proto ra'; }
for end in 'a eth0' 'c eth1'; do
	wait_for 10 on r "$advertise" "${end#* }" 1800
	check "${end% *} has a default route by advertisement" \
		wait_for 10 has_default "${end% *}"
done
on c sysctl -qw net.ipv6.conf.all.forwarding=1
fails 'the kernel takes it away when it forwards' has_default c
state > ra.before
sysctls=('net.ipv6.conf.all.forwarding = 1')
wireguard '10.0.0.1/24, fd00::1/64'
check 'forwarding of IPv6: the plan' grep -q 'eth1.accept_ra' \
	<(on a "$meshapply" plan ./mesh)
check 'forwarding of IPv6: apply' apply
check 'the default route stays' has_default a
is 'it forwards' "$(on a cat /proc/sys/net/ipv6/conf/all/forwarding)" 1
is 'advertisements are heard on' \
	"$(on a cat /proc/sys/net/ipv6/conf/eth1/accept_ra)" 2
is 'on that link only' "$(on a cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" 1
check 'a second run writes nothing' writes_nothing a "$meshapply" ./mesh
check 'forwarding of IPv6: remove' remove
check 'the default route is still there' has_default a
same 'all is as it was, accept_ra too' ra.before <(state)
wait_for 10 on r "$advertise" eth0 0
check 'the router says farewell' wait_for 10 \
	bash -c '! ip -n a -6 route show default | grep -q .'

### 5. Forwarding and what is written with it

sysctls=('net.ipv4.ip_forward = 1' 'net.ipv6.conf.all.forwarding = 1'
	'net.ipv4.conf.wg0.rp_filter = 2')
wireguard '10.0.0.1/24, fd00::1/64'
on a sysctl -qw net.ipv4.conf.all.accept_redirects=0 \
	net.ipv4.conf.eth0.forwarding=1 net.ipv6.conf.eth1.forwarding=1 \
	net.ipv4.conf.default.forwarding=1
state > forward.before
check 'forwarding: apply' apply
is 'it forwards everywhere' "$(on a sysctl -n net.ipv4.ip_forward \
	net.ipv4.conf.eth1.forwarding net.ipv6.conf.eth0.forwarding \
	net.ipv4.conf.wg0.rp_filter | tr '\n' ' ')" '1 1 1 2 '
on a ip link add later type dummy
check 'forwarding: a second run writes nothing' writes_nothing a \
	"$meshapply" ./mesh
check 'forwarding: remove' remove
on a ip link del later
same 'every sysctl is as it was' forward.before <(state)
# By a change of the file as well, and where it was on before.
check 'forwarding: apply again' apply
sysctls=()
wireguard '10.0.0.1/24, fd00::1/64'
check 'forwarding is no longer wanted' apply
is 'it is as it was' "$(on a sysctl -n net.ipv4.ip_forward \
	net.ipv4.conf.all.accept_redirects net.ipv4.conf.eth0.forwarding \
	net.ipv4.conf.eth1.forwarding net.ipv6.conf.eth1.forwarding |
	tr '\n' ' ')" '0 0 1 0 1 '
check 'remove' remove
same 'every sysctl is as it was, again' forward.before <(state)
on a sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth1.forwarding=0
sysctls=('net.ipv4.ip_forward = 1')
wireguard '10.0.0.1/24, fd00::1/64'
state > forward.before
check 'it forwards already: apply' apply
check 'it forwards already: remove' remove
same 'it forwards on' forward.before <(state)
on a sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.eth1.forwarding=0
sysctls=()
state > second.before

### 6. The MTU

wireguard '10.0.0.1/24, fd00::1/64' 'MTU = 1279'
exits 'an MTU of 1279 beside IPv6 is refused' 65 apply
says 'an MTU of 1279' 1280
same 'and nothing is changed' second.before <(state)
wireguard '10.0.0.1/24, fd00::1/64' 'MTU = 1420'
check 'MTU 1420' apply
on a ip -6 route add fd55::/64 dev wg0
state | sed 's/mtu 1420 /mtu 1380 /; s/wg0.mtu:1420/wg0\/mtu:1380/' > mtu.want
flow fd00::2 4001 500 0 fd00::1
wireguard '10.0.0.1/24, fd00::1/64' 'MTU = 1380'
check 'MTU 1380' apply
sleep 0.5
flow_ends 'MTU 1380' 0
same 'addresses and routes stay' mtu.want <(state)
network <<< 'route replace 192.168.2.0/24 dev wg0 proto 77'
wireguard '10.0.0.1/24' 'MTU = 1200'
exits 'under 1280 somebody else would lose IPv6' 7 apply
says 'under 1280' fd55::/64
same 'and nothing is changed' mtu.want <(state)
on a ip -6 route del fd55::/64
check 'MTU 1200 without IPv6' apply
is 'it is 1200' "$(on a cat /sys/class/net/wg0/mtu)" 1200
check 'the route of IPv4 stays' grep -q . \
	<(on a ip route show 192.168.2.0/24 dev wg0)
check 'and a second run writes nothing' writes_nothing a "$meshapply" ./mesh
network <<'END'
route replace 192.168.2.0/24 dev wg0 proto 77
route replace fd02::/64 dev wg0 proto 77
END
wireguard '10.0.0.1/24, fd00::1/64' 'MTU = 1380'
check 'and back, with IPv6' apply
# The kernel made IPv6 of the link anew, with the link-local address that it
# otherwise does not give to WireGuard, and no address of ours.
same 'addresses and routes are as before' \
	<(grep -E '^(address|route)' mtu.want | grep -v fd55::) \
	<(state | grep -E '^(address|route)' |
		grep -vE ' (inet6 )?fe80::[^ ]* .*wg0|wg0.* inet6 fe80::')
check 'and a second run writes nothing' writes_nothing a "$meshapply" ./mesh
check 'remove' remove

### 7. Routes with a preferred source

wireguard '10.0.0.1/24, 10.0.0.7/24, fd00::1/64, fd00::7/64'
network <<'END'
route replace 192.168.2.0/24 dev wg0 proto 77 src 10.0.0.7
route replace fd02::/64 dev wg0 proto 77 src fd00::7
END
check 'preferred sources: apply' apply
is 'they are' "$(on a ip -o route get 192.168.2.1 | grep -o 'src 10[^ ]*'
	on a ip -o route get fd02::1 | grep -o 'src fd[^ ]*')" \
	$'src 10.0.0.7\nsrc fd00::7'
wireguard '10.0.0.7/24, 10.0.0.1/24, fd00::7/64, fd00::1/64'
check 'the order of addresses' apply
is 'the sources stay' "$(on a ip route show 192.168.2.0/24 |
	grep -o 'src 10[^ ]*'; on a ip -6 route show fd02::/64 |
	grep -o 'src fd[^ ]*')" $'src 10.0.0.7\nsrc fd00::7'
wireguard '10.0.0.1/24, 10.0.0.9/24, fd00::1/64, fd00::9/64'
sed -i 's/10.0.0.7/10.0.0.9/; s/fd00::7/fd00::9/' mesh/network.batch
check 'the source becomes another one and the old goes' apply
is 'the routes are there' "$(on a ip route show 192.168.2.0/24 |
	grep -o 'src 10[^ ]*'; on a ip -6 route show fd02::/64 |
	grep -o 'src fd[^ ]*')" $'src 10.0.0.9\nsrc fd00::9'
# A foreign route, elsewhere, with our address.
on a ip route add 198.18.0.0/15 via 192.0.2.2 src 10.0.0.9
wireguard '10.0.0.1/24, fd00::1/64, fd00::9/64'
sed -i 's/ src 10.0.0.9//' mesh/network.batch
state > source.before
exits 'an address that a foreign route uses does not go' 7 apply
says 'a foreign route with our address' 198.18.0.0/15
same 'and nothing is changed' source.before <(state)
exits 'nor does it go with the link' 7 remove
says 'the same with the link' 198.18.0.0/15
same 'and nothing is changed' source.before <(state)
check 'by force it does' on a "$meshapply" --force=foreign ./mesh
fails 'the address is gone' grep -q 10.0.0.9 <(listed wg0)
on a ip route del 198.18.0.0/15 2>/dev/null
check 'remove' remove
same 'all is as it was' second.before <(state)

### 8, 9. Look-alikes

wireguard '10.0.0.1/24, fd00::1/64'
network <<'END'
route replace 192.168.2.0/24 dev wg0 proto 77
route replace fd02::/64 dev wg0 proto 77
rule add from 192.168.2.0/24 table 1000 priority 500 protocol 77
-6 rule add from fd02::/64 table 1000 priority 500 protocol 77
END
on a bash -e -c '
	ip route add 192.168.2.0/24 via 192.0.2.2 metric 5
	ip route add 192.168.2.0/24 via 192.0.2.2 tos 4
	ip route add 192.168.2.0/24 via 192.0.2.2 table 1000
	ip -6 route add fd02::/64 via 2001:db8::2 metric 5
	ip -6 route add fd02::/64 via 2001:db8::2 metric 1025
	for family in 4 6; do
		net=192.168.2.0/24
		[ $family = 4 ] || net=fd02::/64
		ip -$family rule add from $net table 1000 priority 499
		ip -$family rule add from $net table 1000 priority 501
		ip -$family rule add from $net table 1001 priority 500
		ip -$family rule add to $net table 1000 priority 500
	done'
state > alike.before
check 'look-alikes: apply' apply
is 'ours are there' "$(on a bash -c 'ip -N -4 rule; ip -N -6 rule
	ip -N -4 route; ip -N -6 route' | grep -c 'proto 77')" 4
sed -i 's/dev wg0 proto 77$/& mtu 1300/; s/table 1000/table 1002/' \
	mesh/network.batch
check 'look-alikes: a change' apply
is 'it is there' "$(on a bash -c 'ip -N -4 rule; ip -N -6 rule
	ip -N -4 route; ip -N -6 route' |
	grep 'proto 77' | grep -cE 'lookup 1002|mtu 1300')" 4
on a ip link add dummy0 type dummy
on a ip link set dummy0 up
state | grep -vE '(^|[ /"])wg0([ /:]|$)|proto 77' > alike.applied
on a ip link del dummy0
same 'look-alikes stay' <(grep -E '^(route|rule)' alike.before) \
	<(grep -E '^(route|rule)' alike.applied | grep -v dummy0)
check 'look-alikes: remove' remove
same 'look-alikes are all that stays' alike.before <(state)
for table in 1000 1001; do
	on a bash -c "while ip -4 rule del table $table; do :; done
		while ip -6 rule del table $table; do :; done
		ip route flush table $table" 2>/dev/null
done
on a bash -c 'while ip route del 192.168.2.0/24; do :; done
	ip route del 192.168.2.0/24 tos 4
	while ip -6 route del fd02::/64; do :; done' 2>/dev/null
same 'they are away' second.before <(state)

### 10. Marks; what is taken too late; what is refused half way

network <<< 'route replace 192.168.2.0/24 dev wg0 proto 77'
group=$((0x6d657368))
on a ip link add wg0 group $group type wireguard
check 'the link of a killed run, without its alias, is ours' apply
is 'it gets it' "$(on a cat /sys/class/net/wg0/ifalias)" meshapply:wg0
check 'remove' remove
on a ip link add wg0 group $group type wireguard
check 'such a link is removed, too' remove
fails 'it is gone' on a ip link show wg0
same 'all is as it was' second.before <(state)

hold() { start a "$vm_udpflow" recv "$1" "$2" 600 > held; holder=$started
	wait_for 10 grep -q ready held; }
for address in 0.0.0.0 ::; do
	hold $address 51820
	exits "the port is taken by a socket at $address" 4 apply
	says 'a port that is taken' 'in use'
	same 'and all is as it was' second.before <(state)
	kill "$holder"
	wait "$holder" 2>/dev/null
done
check 'the port is free' apply
state > port.before
hold 0.0.0.0 51821
sed -i 's/51820$/51821/' mesh/wireguard.conf
sed -i 's/^Endpoint = .*/Endpoint = 192.0.2.2:51820/' mesh/wireguard.conf
exits 'another port, which is taken' 1 apply
says 'another port' 'nothing was changed'
same 'all is as it was' port.before <(state)
check 'the tunnel too' on a ping -q -c 1 -W 10 10.0.0.2
kill "$holder"
wait "$holder" 2>/dev/null
check 'it is free' apply
is 'it is taken' "$(on a wg show wg0 listen-port)" 51821

# A step of several messages that is refused in the middle. Within one message
# no document is refused at its second peer by this kernel: what it would
# refuse there (a key, a family, a length of the wrong size, flags, more than
# 2^20 peers) is refused by the readers or cannot be written. That case is the
# model kernel's.
echo '# a SET_DEVICE refused within a message: not testable on this kernel'
# Any 32 bytes are a key: no wg genkey for each.
for ((i = 0; i < 600; i++)); do
	printf '[Peer]\nPublicKey = meshapply/peer/%027dA=\n' $i
	printf 'AllowedIPs = 10.%d.%d.0/24\n' $((100 + i / 256)) $((i % 256))
done > many
cp mesh/wireguard.conf one.conf
cat one.conf many > mesh/wireguard.conf
state > half.before
cp -r mesh big
check 'traced' on a strace -f -qq -o trace -e trace=sendmsg "$meshapply" ./mesh
# Which of the process's sends are big, of a step that has several.
main=$(awk 'NR == 1 { print $1 }' trace)
big=$(awk -v pid="$main" '$1 == pid && /sendmsg\(/ { n++
	if ($NF > 10000 && !/NLM_F_DUMP/) print n }' trace)
echo "# sends of more than 10000 bytes: ${big//$'\n'/ }"
check 'there are several' test "$(wc -w <<< "$big")" -ge 2
cp one.conf mesh/wireguard.conf
check 'one peer again' apply
same 'it is' half.before <(state)
cat one.conf many > mesh/wireguard.conf
n=$(tail -n 1 <<< "$big")
exits 'the last of them is refused' 4 on a strace -f -qq -o /dev/null \
	-e trace=sendmsg -e inject=sendmsg:error=ENOBUFS:when="$n" \
	"$meshapply" ./mesh
same 'all is as it was' half.before <(state)
cp one.conf mesh/wireguard.conf
check 'a run after that writes nothing' writes_nothing a "$meshapply" ./mesh
check 'remove' remove
same 'all is as it was before' second.before <(state)

### What comes back otherwise than it was given

# A key that is not clamped, in a file; an all-zero preshared key; prefixes with
# host bits, twice, in no order; a port that is left to the kernel.
printf '//////////////////////////////////////////8=\n' > odd.key
{
	printf '[Interface]\nPrivateKey = %s\n' "$(cat odd.key)"
	echo 'Address = 10.0.0.1/24, fd00::1/64'
	printf '[Peer]\nPublicKey = %s\n' "$(pub b)"
	echo 'AllowedIPs = 192.168.9.77/24, fd09::77/64, 10.0.0.2/32'
	echo 'AllowedIPs = 10.0.0.2/32, 192.168.1.1/24, 192.168.9.1/24'
	echo 'AllowedIPs = fd00::2, 10.0.0.2'
	printf 'PresharedKey = %042dA=\n' 0 | tr 0 A
	echo 'Endpoint = 192.0.2.2:51820'
} > wg0.conf
check 'odd values: apply' on a "$meshapply" wg0.conf
port=$(on a wg show wg0 listen-port)
check 'the kernel chose a port' test "$port" -gt 0
check 'odd values: a second run writes nothing' writes_nothing a \
	"$meshapply" wg0.conf
is 'the port is the same' "$(on a wg show wg0 listen-port)" "$port"
is 'the allowed IPs' "$(on a wg show wg0 allowed-ips | cut -f 2 |
	tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ')" \
	'10.0.0.2/32 192.168.1.0/24 192.168.9.0/24 fd00::2/128 fd09::/64 '
is 'no preshared key' "$(on a wg show wg0 preshared-keys | cut -f 2)" '(none)'
echo 'PersistentKeepalive = 25' >> wg0.conf
check 'odd values: a change' on a "$meshapply" wg0.conf
is 'the port is still the same' "$(on a wg show wg0 listen-port)" "$port"
check 'remove' remove

# Keys in files of their own.
on a cp odd.key ab.psk /etc/meshapply/keys/
head -c 32 /dev/zero | base64 > zero.psk
on a cp zero.psk /etc/meshapply/keys/
wireguard '10.0.0.1/24'
sed -i -e 's/a.key/odd.key/' -e 's/^\[Peer\]/#@ preshared-key-file ab.psk\n&/' \
	mesh/wireguard.conf
check 'key files: apply' apply
is 'the key is the one' "$(on a wg show wg0 public-key)" \
	"$(wg pubkey < odd.key)"
is 'the preshared key too' "$(on a wg show wg0 preshared-keys | cut -f 2)" \
	"$(psk)"
check 'key files: a second run writes nothing' writes_nothing a \
	"$meshapply" ./mesh
sed -i 's/ab.psk/zero.psk/' mesh/wireguard.conf
check 'another file' apply
is 'which means none' "$(on a wg show wg0 preshared-keys | cut -f 2)" '(none)'
check 'a second run writes nothing' writes_nothing a "$meshapply" ./mesh
state > key.before
on a chmod 644 /etc/meshapply/keys/odd.key
exits 'a key that others may read is refused' 78 apply
on a rm /etc/meshapply/keys/odd.key
exits 'a key that is not there' 66 apply
same 'and nothing is changed' key.before <(state)
check 'remove needs no key' remove
same 'all is as it was before' second.before <(state)
done_testing
