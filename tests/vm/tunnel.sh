# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What wg-quick files have to stand besides: full tunnels under a strict
# rp_filter, beside what has taken their numbers already, beside another; the
# automatic MTU; endpoint names.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

### c is a client, s the server, set up by wg and ip alone. Its endpoint is not
### on c's link, but behind c's default route, where a strict rp_filter bites.

host_add c s
link_hosts c eth0 '192.0.2.1/24 2001:db8::1/64' \
	s eth0 '192.0.2.2/24 2001:db8::2/64'
ip -n c route add default via 192.0.2.2
ip -n c route add default via 2001:db8::2
on c sysctl -qw net.ipv4.conf.all.rp_filter=1 \
	net.ipv4.conf.default.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1
keys c s t u
for address in 198.51.100.2/32 198.51.100.3/32 203.0.113.7/32 \
	2001:db8:51::2/128 2001:db8:7::7/128; do
	ip -n s address add $address dev lo
done
on s sh -e <<END
ip link add wg0 type wireguard
wg set wg0 listen-port 51820 private-key $work/s.key peer $(pub c) \
	allowed-ips 10.0.0.1/32,fd00::1/128
ip address add 10.0.0.2/24 dev wg0
ip address add fd00::2/64 dev wg0
ip link set wg0 up
END

# An /etc/hosts and a resolver of c's own, on which nobody listens: a name
# that is not in the file is unknown at once.
chmod 711 .
echo 'nameserver 127.0.0.1' > resolv
: > hosts
chmod 644 hosts resolv
on c mount --bind hosts /etc/hosts
on c mount --bind resolv /etc/resolv.conf

# interface LINES...: a file of c's, with s as its peer after "peer"
interface() {
	local line
	printf '[Interface]\nPrivateKey = %s\n' "$(key c)"
	for line; do
		[ "$line" != peer ] ||
			line=$(printf '\n[Peer]\nPublicKey = %s' "$(pub s)")
		echo "$line"
	done
}

applied() { check "$1" on c "$meshapply" "$2"; }
result() { on c "$meshapply" --jsonl "$@" | tail -n 1; }
settled() {	# TEST FILE
	local line
	line=$(result "$2")
	check "$1: a second apply writes nothing" \
		[ -z "${line##*\"writes\": 0,*}" ]
	exits "$1: nor has it anything to write" 0 on c "$meshapply" plan \
		--detailed-exitcode "$2"
}
pings() {	# TEST ADDRESS
	check "$1" on c ping -q -c 1 -W 10 "$2"
}
silent() { fails "$1" on c ping -q -c 1 -W 2 "$2"; }
whole() { snapshot c | without_redirects; }
mark() { on c wg show wg0 fwmark; }
of_peer() { on c wg show wg0 "$2" | awk -v key="$1" '$1 == key { print $2 }'; }
sysctl_c() { on c sysctl -n "$1"; }

### A full tunnel under a strict rp_filter

interface 'Address = 10.0.0.1/32, fd00::1/128' peer \
	'AllowedIPs = 0.0.0.0/0, ::/0' 'Endpoint = 198.51.100.2:51820' \
	> wg0.conf
whole > c.before
applied 'full: apply' wg0.conf
pings 'full: IPv4 through it' 203.0.113.7
pings 'full: IPv6 through it' 2001:db8:7::7
pings 'full: what is on the link is not in it' 192.0.2.2
is 'full: it was by the tunnel' \
	"$(on c ip route get 203.0.113.7 | grep -o 'dev wg0')" 'dev wg0'
settled full wg0.conf

# Each part of it is wanted.
on c sysctl -qw net.ipv4.conf.all.src_valid_mark=0
silent 'full: rp_filter bites without src_valid_mark' 203.0.113.7
check 'full: status sees it' grep -q drift <(on c "$meshapply" status wg0)
applied 'full: apply mends it' wg0.conf
pings 'full: IPv4 again' 203.0.113.7
on c nft flush chain inet meshapply_wg0 premangle
silent 'full: it bites without the mark of the connection' 203.0.113.7
applied 'full: apply mends that' wg0.conf
pings 'full: IPv4 once more' 203.0.113.7

# What is sent to our address past the tunnel is dropped.
ip -n s route replace 10.0.0.1 via 192.0.2.1
ip -n s route replace fd00::1 via 2001:db8::1
fails 'full: our address does not answer past the tunnel' \
	on s ping -q -c 1 -W 2 -I 192.0.2.2 10.0.0.1
fails 'full: nor the one of IPv6' \
	on s ping -q -c 1 -W 2 -I 2001:db8::2 fd00::1
on c nft flush chain inet meshapply_wg0 preraw
check 'full: it would' on s ping -q -c 1 -W 10 -I 192.0.2.2 10.0.0.1
check 'full: so would that' on s ping -q -c 1 -W 10 -I 2001:db8::2 fd00::1
applied 'full: apply mends it, too' wg0.conf
fails 'full: past the tunnel nothing answers' \
	on s ping -q -c 1 -W 2 -I 192.0.2.2 10.0.0.1
ip -n s route del 10.0.0.1
ip -n s route del fd00::1

sed -i 's/^Endpoint.*/Endpoint = [2001:db8:51::2]:51820/' wg0.conf
applied 'full: over IPv6' wg0.conf
pings 'full: IPv4 over IPv6' 203.0.113.7
pings 'full: IPv6 over IPv6' 2001:db8:7::7
check 'full: the endpoint is that one' [ "$(of_peer "$(pub s)" endpoints)" = \
	'[2001:db8:51::2]:51820' ]

# A second one, of another mesh.
whole > one.before
sed -e "s|^PrivateKey.*|PrivateKey = $(key u)|" \
	-e "s|^PublicKey.*|PublicKey = $(pub t)|" \
	-e 's|^Address.*|Address = 10.1.0.1/32, fd01::1/128|' \
	wg0.conf > wg1.conf
applied 'two: another full tunnel beside it' wg1.conf
is 'two: it has another mark' "$(on c wg show wg1 fwmark)" 0xca6d
settled 'two: the new one' wg1.conf
check 'two: remove the new one' on c "$meshapply" remove wg1
same 'two: the old one is as it was' one.before <(whole)
pings 'two: and goes on' 203.0.113.7

# To parts of the address space, and back, by a path of less than 1500.
ip -n c -6 route replace default via 2001:db8::2 mtu 1440
applied 'part: a narrow path' wg0.conf
is 'part: has its MTU' "$(on c cat /sys/class/net/wg0/mtu)" 1360
sed 's|^AllowedIPs.*|AllowedIPs = 10.0.0.0/24, 203.0.113.0/24|' wg0.conf \
	> part && cat part > wg0.conf
applied 'part: the tunnel is for some only' wg0.conf
is 'part: no rule is left' "$({ on c ip rule; on c ip -6 rule; } |
	grep -c 51820)" 0
is 'part: nor the mark' "$(mark)" off
is 'part: nor the table' "$(on c ip -6 route show table 51820 2>&1 |
	grep -c default)" 0
fails 'part: nor the firewall' on c nft list table inet meshapply_wg0
is 'part: src_valid_mark is as before' \
	"$(sysctl_c net.ipv4.conf.all.src_valid_mark)" 0
pings 'part: through it' 203.0.113.7
settled part wg0.conf
is 'part: the MTU is the same' "$(on c cat /sys/class/net/wg0/mtu)" 1360
ip -n c -6 route replace default via 2001:db8::2
sed -i 's|^AllowedIPs.*|AllowedIPs = 0.0.0.0/0, ::/0|' wg0.conf
applied 'part: and back' wg0.conf
pings 'part: all of IPv6 through it' 2001:db8:7::7
check 'full: remove' on c "$meshapply" remove wg0
same 'full: all is as before' c.before <(whole)

### What has taken mark, table and rule

ip -n c rule add fwmark 51820 lookup 99 priority 50
ip -n c route add 198.18.7.0/24 via 192.0.2.2 table 51821
ip -n c route add 2001:db8:99::/48 via 2001:db8::2 table 51822
ip -n c rule add to 198.18.9.0/24 lookup main priority 32764
on c sysctl -qw net.ipv4.conf.all.src_valid_mark=1
whole > taken.before
applied 'taken: apply' wg0.conf
is 'taken: a mark that is free' "$(mark)" 0xca6f
check 'taken: its table' grep -q 'dev wg0' \
	<(on c ip route show table 51823)
pings 'taken: IPv4 through it' 203.0.113.7
pings 'taken: IPv6 through it' 2001:db8:7::7
settled taken wg0.conf
# Once it is ours it stays so, whoever else comes.
ip -n c route add 198.18.8.0/24 dev eth0 table 51823
settled 'taken: a guest in our table' wg0.conf
ip -n c rule del priority 50
settled 'taken: 51820 is free again' wg0.conf
ip -n c rule add fwmark 51820 lookup 99 priority 50
check 'taken: remove' on c "$meshapply" remove wg0
is 'taken: the guest stays' "$(on c ip route show table 51823)" \
	'198.18.8.0/24 dev eth0 scope link '
ip -n c route del 198.18.8.0/24 table 51823
same 'taken: all is as before, src_valid_mark too' taken.before <(whole)

# Given by the file, it is not ours to choose.
sed 's/^PrivateKey.*/&\nFwMark = 51820/' wg0.conf > marked
mkdir given && cat marked > given/wg0.conf
ip -n c route add default via 192.0.2.2 table 51820
exits 'given: a route that is in the way is refused' 7 \
	on c "$meshapply" given/wg0.conf
ip -n c route del default table 51820
same 'given: nothing has changed' taken.before <(whole)
ip -n c rule del priority 50
ip -n c rule del priority 32764
ip -n c route del 198.18.7.0/24 table 51821
ip -n c route del 2001:db8:99::/48 table 51822
on c sysctl -qw net.ipv4.conf.all.src_valid_mark=0
same 'all is as in the beginning' c.before <(whole)

### A loop

interface 'Address = 10.0.0.1/24' peer 'AllowedIPs = 0.0.0.0/1, 128.0.0.0/1' \
	'Endpoint = 198.51.100.2:51820' > wg0.conf
exits 'loop: an endpoint in its own tunnel is refused' 65 \
	on c "$meshapply" wg0.conf
cp $vm_state/output told
check 'loop: with its place' grep -q \
	'wg0.conf:8:12: error: the endpoint 198.51.100.2:51820' told
same 'loop: nothing has changed' c.before <(whole)
ip -n c route add 198.51.100.2 via 192.0.2.2
applied 'loop: not with a route of its own' wg0.conf
pings 'loop: then it works' 10.0.0.2
settled loop wg0.conf
check 'loop: remove' on c "$meshapply" remove wg0
ip -n c route del 198.51.100.2

### The automatic MTU

mtu() { cat_mtu wg0; }
cat_mtu() { on c cat /sys/class/net/"$1"/mtu; }

ip -n c link add eth1 mtu 1300 type dummy
ip -n c address add 198.18.1.1/24 dev eth1
ip -n c link set eth1 up
ip -n c route add 198.18.2.0/24 via 192.0.2.2 mtu 1400
interface 'Address = 10.0.0.1/24' peer 'AllowedIPs = 10.0.0.2/32' \
	'Endpoint = 198.51.100.2:51820' > wg0.conf
applied 'mtu: a link of 1500' wg0.conf
is 'mtu: is 1440' "$(mtu)" 1440
sed 's/^Endpoint.*/Endpoint = 198.18.2.2:51820/' wg0.conf > new
cat new > wg0.conf
applied 'mtu: a route of 1400' wg0.conf
is 'mtu: is 1340' "$(mtu)" 1340
settled 'mtu: of a route' wg0.conf
printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.3/32\n%s\n' \
	"$(pub t)" 'Endpoint = 198.18.1.2:51820' >> wg0.conf
printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.4/32\n' \
	"$(pub u)" >> wg0.conf
applied 'mtu: and a link of 1300' wg0.conf
is 'mtu: the smallest path counts' "$(mtu)" 1240
settled 'mtu: of the smallest path' wg0.conf
ip -n c link set eth1 mtu 1330
result wg0.conf > line
check 'mtu: the link has changed' grep -q '"result": "applied"' line
is 'mtu: and so has ours' "$(mtu)" 1270
sed 's/^Address.*/&, fd00::1\/64/' wg0.conf > new && cat new > wg0.conf
applied 'mtu: with IPv6' wg0.conf
is 'mtu: it is not under 1280' "$(mtu)" 1280
settled 'mtu: with IPv6' wg0.conf
sed 's/^Address.*/&\nMTU = 1390/' wg0.conf > new && cat new > wg0.conf
applied 'mtu: one that is given' wg0.conf
is 'mtu: is taken' "$(mtu)" 1390
check 'mtu: remove' on c "$meshapply" remove wg0
ip -n c route del 198.18.2.0/24
ip -n c link del eth1
same 'mtu: all is as before' c.before <(whole)

### Endpoint names

peer_file() {	# ENDPOINT-OF-S ENDPOINT-OF-T KEEPALIVE-OF-U
	interface 'Address = 10.0.0.1/24, fd00::1/64' peer \
		'AllowedIPs = 10.0.0.2/32, fd00::2/128' "Endpoint = $1" \
		'' '[Peer]' "PublicKey = $(pub t)" 'AllowedIPs = 10.0.0.3/32' \
		"Endpoint = $2" '' '[Peer]' "PublicKey = $(pub u)" \
		'AllowedIPs = 10.0.0.4/32' 'Endpoint = 192.0.2.44:51820' \
		"PersistentKeepalive = $3" > wg0.conf
}
in_hosts() { printf '%s\n' "$@" > hosts; }

in_hosts '198.51.100.2 s.example.net'
peer_file s.example.net:51820 gone.example.net:51820 30
exits 'names: one that does not resolve is no error' 0 \
	on c "$meshapply" wg0.conf
cp $vm_state/output told
check 'names: it is a warning, with its place' \
	grep -q 'wg0.conf:13:12: warning: .*gone.example.net' told
is 'names: the other is taken' "$(of_peer "$(pub s)" endpoints)" \
	198.51.100.2:51820
is 'names: this has none' "$(of_peer "$(pub t)" endpoints)" '(none)'
is 'names: the rest is there' "$(of_peer "$(pub u)" \
	persistent-keepalive)" 30
pings 'names: and works' 10.0.0.2
settled names wg0.conf
exits 'names: --strict tells' 6 on c "$meshapply" --strict wg0.conf
exits 'names: also in a plan' 6 on c "$meshapply" plan --strict wg0.conf
exits 'names: and when there was something to do' 6 \
	on c sh -c "wg set wg0 peer '$(pub u)' persistent-keepalive 29 &&
		'$meshapply' --strict wg0.conf"

in_hosts '198.51.100.2 s.example.net' '192.0.2.33 gone.example.net'
applied 'names: now it does' wg0.conf
is 'names: it is taken' "$(of_peer "$(pub t)" endpoints)" 192.0.2.33:51820
exits 'names: --strict is content' 0 on c "$meshapply" --strict wg0.conf
in_hosts
peer_file s.example.net:51820 gone.example.net:51820 31
exits 'names: none resolves any more' 0 on c "$meshapply" wg0.conf
is 'names: all keep what they have' "$(of_peer "$(pub s)" endpoints) $(
	of_peer "$(pub t)" endpoints)" '198.51.100.2:51820 192.0.2.33:51820'
is 'names: the rest goes on' "$(of_peer "$(pub u)" \
	persistent-keepalive)" 31
exits 'names: --strict tells that as well' 6 \
	on c "$meshapply" --strict wg0.conf

# A name that rotates never moves a live peer.
pings 'rotation: the peer is alive' 10.0.0.2
live=$(on c wg show wg0 latest-handshakes)
in_hosts '198.51.100.3 s.example.net' '198.51.100.2 s.example.net' \
	'2001:db8:51::2 s.example.net' '192.0.2.33 gone.example.net'
settled 'rotation: more addresses, another first' wg0.conf
in_hosts '2001:db8:51::2 s.example.net' '198.51.100.2 s.example.net' \
	'192.0.2.33 gone.example.net'
settled 'rotation: yet another first' wg0.conf
in_hosts '198.51.100.3 s.example.net' '192.0.2.33 gone.example.net'
settled 'rotation: its own is not among them' wg0.conf
is 'rotation: the endpoint has stayed' "$(of_peer "$(pub s)" endpoints)" \
	198.51.100.2:51820
is 'rotation: and so has the session' \
	"$(on c wg show wg0 latest-handshakes)" "$live"
# T has never answered: with a keepalive it is silent, and is moved.
in_hosts '198.51.100.3 s.example.net' '192.0.2.34 gone.example.net'
settled 'rotation: a peer that nobody calls' wg0.conf
sed "s|^Endpoint = gone.*|&\nPersistentKeepalive = 20|" wg0.conf > new
cat new > wg0.conf
applied 'rotation: a silent peer' wg0.conf
is 'rotation: is moved' "$(of_peer "$(pub t)" endpoints)" 192.0.2.34:51820
is 'rotation: the live one is not' "$(of_peer "$(pub s)" endpoints)" \
	198.51.100.2:51820
# Another name is another endpoint.
in_hosts '198.51.100.3 other.example.net' '192.0.2.34 gone.example.net'
sed 's/s\.example/other.example/' wg0.conf > new && cat new > wg0.conf
applied 'rotation: another name' wg0.conf
is 'rotation: is taken at once' "$(of_peer "$(pub s)" endpoints)" \
	198.51.100.3:51820
pings 'rotation: and works' 10.0.0.2
check 'names: remove' on c "$meshapply" remove wg0

# The address that can be reached comes first (RFC 6724).
ip -n c route del default
in_hosts '198.51.100.2 s.example.net' '2001:db8:51::2 s.example.net'
peer_file s.example.net:51820 192.0.2.33:51820 30
applied 'families: no way to the one of IPv4' wg0.conf
is 'families: the one of IPv6 is taken' "$(of_peer "$(pub s)" endpoints)" \
	'[2001:db8:51::2]:51820'
pings 'families: it works' 10.0.0.2
ip -n c route add default via 192.0.2.2
settled 'families: there is a way now' wg0.conf
check 'families: remove' on c "$meshapply" remove wg0

# A resolver that is silent has its limit.
echo 'nameserver 198.51.100.99' > resolv
SECONDS=0
peer_file far.example.net:51820 192.0.2.33:51820 30
exits 'silent resolver: no error' 0 on c "$meshapply" wg0.conf
check 'silent resolver: nor for long' [ $SECONDS -le 20 ]
is 'silent resolver: the rest is there' "$(of_peer "$(pub u)" \
	persistent-keepalive)" 30
check 'silent resolver: remove' on c "$meshapply" remove wg0
same 'names: all is as before' c.before <(whole)
done_testing
