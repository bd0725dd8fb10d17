# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is special to some peers, and where a mesh can be: policies of
# endpoints, MTUs by the path and by the link, network namespaces, VRFs.
# shellcheck disable=SC2317 # functions are called by check
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

three_hosts
# Another address of b, where it can be heard from too.
ip -n b addr add 192.0.2.22/24 dev eth0
for host in a b c; do
	snapshot $host | without_redirects > $host.before
	on $host mkdir -p -m 700 /etc/meshapply/keys
done
# Names are those of a file, looked up by a user without rights.
chmod 711 .
: > hosts
echo 'nameserver 127.0.0.1' > resolv
chmod 644 hosts resolv
on a mount --bind hosts /etc/hosts
on a mount --bind resolv /etc/resolv.conf
in_hosts() { printf '%s\n' "$@" > hosts; }
before() {	# HOST: as it was, but for what a WireGuard link changes
	same "$1: all is as it was" "$1.before" \
		<(snapshot "$1" | without_redirects)
}
endpoint() { on a wg show wg0 endpoints | grep -F "$(pub "$1")" | cut -f 2; }
mtu() { on "$1" cat "/sys/class/net/$2/mtu"; }
pings() {	# TEST HOST ADDRESS [OPTION...]
	check "$1: $2 reaches $3" on "$2" ping -q -c 1 -W 10 "${@:4}" "$3"
}

### Endpoints

policy() {	# POLICY [ENDPOINT-OF-B [ENDPOINT-OF-C]]
	cat > a/wg0.conf <<-CONF
	[Interface]
	PrivateKey = $(key a)
	Address = 10.0.0.1/24
	ListenPort = 51820

	#@ endpoint $1
	[Peer]
	PublicKey = $(pub b)
	PresharedKey = $(psk)
	AllowedIPs = 10.0.0.2/32
	Endpoint = ${2:-192.0.2.2:51820}
	PersistentKeepalive = 25

	#@ endpoint $1
	[Peer]
	PublicKey = $(pub x)
	AllowedIPs = 10.0.0.9/32
	Endpoint = ${3:-192.0.2.9:51820}
	PersistentKeepalive = 25
	CONF
}
apply() { on a "$meshapply" "$@" a/wg0.conf; }
heard_from_elsewhere() {
	on a wg set wg0 peer "$(pub b)" endpoint 192.0.2.22:51820
	pings "$1" a 10.0.0.2
}
tells() {	# TEST WORDS: plan --verbose says why
	exits "$1: it is explained" 0 apply plan --verbose
	says "$1" "$2"
}

keys x
check 'b: apply' on b "$meshapply" b/wg0.conf
policy roam
check 'roam: apply' apply
pings roam a 10.0.0.2
is 'MTU: every endpoint is of IPv4' "$(mtu a wg0)" 1440
heard_from_elsewhere roam
tells roam 'keeps the endpoint 192.0.2.22:51820: it roamed there'
check 'roam: apply' apply
is 'roam: it stays' "$(endpoint b)" 192.0.2.22:51820

policy static
tells static 'is given the endpoint 192.0.2.2:51820: its policy is static'
check 'static: apply' apply
is 'static: it is put back' "$(endpoint b)" 192.0.2.2:51820
check 'static: and then there is nothing to do' \
	writes_nothing a "$meshapply" a/wg0.conf

policy hint
heard_from_elsewhere hint
tells hint 'keeps the endpoint 192.0.2.22:51820: the file'\''s is a hint'
policy hint 192.0.2.3:51820 192.0.2.8:51820
check 'hint: apply' apply
is 'hint: not even another one is taken' "$(endpoint b) $(endpoint x)" \
	'192.0.2.22:51820 192.0.2.9:51820'
on a wg set wg0 peer "$(pub x)" remove
check 'hint: apply where there is none' apply
is 'hint: it is used' "$(endpoint x)" 192.0.2.8:51820

in_hosts '192.0.2.2 b.example.net' '192.0.2.9 x.example.net'
policy dns b.example.net:51820 x.example.net:51820
check 'dns: apply, the names are new' apply --strict
is 'dns: they are taken' "$(endpoint b) $(endpoint x)" \
	'192.0.2.2:51820 192.0.2.9:51820'
pings dns a 10.0.0.2
# X is never heard: its name is looked up in each run, that of b is not.
in_hosts '192.0.2.77 b.example.net' '192.0.2.10 x.example.net'
tells dns "keeps the endpoint 192.0.2.2:51820: its name is looked up again"
check 'dns: apply' apply --strict
is 'dns: the silent one is moved' "$(endpoint b) $(endpoint x)" \
	'192.0.2.2:51820 192.0.2.10:51820'
in_hosts '192.0.2.10 x.example.net'
exits 'dns: a name that nobody needs now' 0 apply --strict
in_hosts
exits 'dns: one that is needed' 6 apply --strict
is 'dns: the last good ones stay' "$(endpoint b) $(endpoint x)" \
	'192.0.2.2:51820 192.0.2.10:51820'
policy roam b.example.net:51820
exits 'roam: looks names up all the same' 6 apply --strict
policy roam 192.0.2.2:51820 '[2001:db8::9]:51820'
check 'MTU: one endpoint of IPv6: apply' apply
is 'MTU: one endpoint of IPv6' "$(mtu a wg0)" 1420
policy roam
sed '/^Endpoint = 192.0.2.9/d' a/wg0.conf > new && cat new > a/wg0.conf
ip -n a route add default via 192.0.2.2
check 'MTU: a peer without an endpoint: apply' apply
# X keeps the one it has, which the file says nothing of.
is 'MTU: it may come by any way' "$(mtu a wg0)" 1420
ip -n a route del default
check 'a: remove' on a "$meshapply" remove wg0
check 'b: remove' on b "$meshapply" remove wg0
before a

### A document: links that are narrower than the device

cat > net.json <<END
{ "meshapply": 1, "mesh": "net", "overlay": ["10.90.0.0/24"],
  "links": [ { "between": ["a", "c"], "mtu": 1300 } ],
  "nodes": {
    "a": { "public_key": "$(pub a)", "addresses": ["10.90.0.1"],
      "endpoint": "192.0.2.1:51820", "subnets": ["192.168.1.0/24"] },
    "b": { "public_key": "$(pub b)", "addresses": ["10.90.0.2"],
      "endpoint": "192.0.2.2:51820", "subnets": ["192.168.2.0/24"] },
    "c": { "public_key": "$(pub c)", "addresses": ["10.90.0.3"],
      "endpoint": "192.0.2.3:51820", "subnets": ["192.168.3.0/24"] } } }
END
change() { jq "$@" net.json > new && cat new > net.json; }
for host in a b c; do
	on $host cp $host.key /etc/meshapply/keys/net.key
	check "link: $host: apply" on $host "$meshapply" net.json
done
ip -n c addr add 192.168.3.1/24 dev lo
way() { ip -n "$1" route get "$2" | grep -o 'mtu [0-9]* advmss [0-9]*'; }
is 'link: to its subnet' "$(way a 192.168.3.1)" 'mtu 1300 advmss 1260'
is 'link: to its address' "$(way a 10.90.0.3)" 'mtu 1300 advmss 1260'
is 'link: from the other side too' "$(way c 10.90.0.1)" 'mtu 1300 advmss 1260'
is 'link: not to others' "$(way a 192.168.2.1)$(way b 10.90.0.3)" ''
pings link a 192.168.3.1
pings link a 10.90.0.3 -Mdo -s 1272
fails 'link: one byte more is too long' \
	on a ping -q -c 1 -W 5 -Mdo -s 1273 10.90.0.3
pings 'no link' a 10.90.0.2 -Mdo -s 1412
check 'link: nothing more to do' writes_nothing a "$meshapply" net.json
change 'del(.links)'
check 'no link: apply' on a "$meshapply" net.json
is 'no link: no MTU' "$(way a 192.168.3.1)$(way a 10.90.0.3)" ''
pings 'no link' a 10.90.0.3 -Mdo -s 1412
change '.links = [{ between: ["a", "c"], mtu: 1460 }]'
exits 'link: more than the device takes is a warning' 0 \
	on a "$meshapply" plan net.json
says 'link: more' 'the MTU of this route is 1460, that of wg-net 1440'
change 'del(.links)'
check 'net: remove' on a "$meshapply" remove net
before a

### A VRF

ip -n a link add blue type vrf table 1000
change '.nodes.a.vrf = "blue"'
host_add lan
link_hosts a lan0 192.168.1.1/24 lan eth0 192.168.1.10/24
ip -n lan route add default via 192.168.1.1
ip -n a link set lan0 vrf blue
snapshot a | without_redirects > a.vrf
change '.nodes.a.vrf = "red"'
exits 'vrf: there is none of the name' 78 on a "$meshapply" net.json
says 'vrf: there is none of the name' 'no VRF red'
change '.nodes.a.vrf = "lan0"'
exits 'vrf: that link is none' 78 on a "$meshapply" net.json
change '.nodes.a.vrf = "blue"'
ip -n a link set blue up
snapshot a | without_redirects > a.vrf
check 'vrf: apply' on a "$meshapply" net.json
is 'vrf: the device is in it' "$(ip -n a -o link show master blue |
	grep -c wg-net)" 1
is 'vrf: its routes are in its table' "$(ip -n a route show table 1000 \
	proto 77 | grep -c 'dev wg-net')" 2
is 'vrf: and in no other' "$(ip -n a route show table main | grep -c wg-net)" 0
is 'vrf: the MTU is of the path outside' "$(mtu a wg-net)" 1440
check 'vrf: nothing more to do' writes_nothing a "$meshapply" net.json
pings vrf a 10.90.0.2 -I blue
pings vrf b 10.90.0.1
pings 'vrf: from the LAN' lan 192.168.2.1
pings 'vrf: to the LAN' b 192.168.1.10 -I 192.168.2.1
fails 'vrf: not without it' on a ping -q -c 1 -W 2 192.168.2.1
check 'vrf: status' on a "$meshapply" status net --detailed-exitcode
ip -n a link set wg-net nomaster
exits 'vrf: a device is not moved' 7 on a "$meshapply" net.json
says 'vrf: a device is not moved' 'ip link set wg-net vrf blue'
ip -n a link set wg-net vrf blue
check 'vrf: by hand it is; apply' on a "$meshapply" net.json
pings 'vrf: again' lan 192.168.2.1
check 'vrf: plan --verbose' on a "$meshapply" plan --verbose net.json
# A table beside it that is not the mesh's.
ip -n a route add blackhole 172.30.0.0/16 table 1000 proto 77
ip -n a link add wg-other type wireguard
ip -n a link set wg-other alias meshapply:other
check 'vrf: apply beside another mesh' on a "$meshapply" net.json
is 'vrf: its table is not the mesh'\''s own' "$(ip -n a route show table 1000 \
	172.30.0.0/16 | grep -c blackhole)" 1
ip -n a link del wg-other
ip -n a route del blackhole 172.30.0.0/16 table 1000
check 'vrf: remove' on a "$meshapply" remove net
same 'vrf: all is as it was' a.vrf <(snapshot a | without_redirects)
ip -n a link del lan0
ip -n a link del blue

### A network namespace of its own

change 'del(.nodes.a.vrf)'
on a ip netns add inside
on a ip -n inside link set lo up
# shellcheck disable=SC2016 # for the shell in there
on a sh -c 'ip netns attach outside $$'
config() { printf '%s\n' "source = $work/net.json" "$@" |
	on a tee /etc/meshapply/net.conf > /dev/null; }
inside() { on a ip netns exec inside "$@"; }
config 'netns = nowhere'
exits 'netns: there is none of the name' 78 on a "$meshapply" net
says 'netns: there is none of the name' nowhere
config 'netns = inside' 'socket_netns = outside'
on a ip link add wg-net type dummy
exits 'netns: a link of the name is in the way' 7 on a "$meshapply" net
says 'netns: a link of the name is in the way' 'of its socket'
on a ip link del wg-net
check 'netns: apply' on a "$meshapply" net
fails 'netns: the device is not where its socket is' on a ip link show wg-net
check 'netns: it is inside' on a ip -n inside link show wg-net
is 'netns: the MTU is of the path outside' \
	"$(inside cat /sys/class/net/wg-net/mtu)" 1440
is 'netns: the port is outside' "$(on a ss -Hulpn | grep -c ':51820 ') $(
	inside ss -Hulpn | grep -c ':51820 ')" '2 0'
check 'netns: b is reached, by nothing but the tunnel' \
	inside ping -q -c 1 -W 10 192.168.2.1
is 'netns: its forwarding is its own' "$(on a sysctl -n net.ipv4.ip_forward) $(
	inside sysctl -n net.ipv4.ip_forward)" '0 1'
# strace tells sockets apart by what is listed where it is itself.
on a "$meshapply" --jsonl net > line
check 'netns: nothing more to do' grep -q '"writes": 0,' line
exits 'netns: nor in a plan' 0 on a "$meshapply" plan --detailed-exitcode net
check 'netns: status' on a "$meshapply" status net
says 'netns: status' wg-net
check 'netns: status of all' on a "$meshapply" status
says 'netns: status of all' wg-net
change '.nodes.b.subnets = ["192.168.2.0/24", "192.168.22.0/24"]'
check 'netns: a change' on a "$meshapply" net.json
is 'netns: it is there' "$(inside ip route show 192.168.22.0/24 |
	grep -c wg-net)" 1
exits 'netns: where the mesh is not' 78 on a "$meshapply" --netns outside net
check 'netns: remove' on a "$meshapply" remove net
fails 'netns: it is gone' on a ip -n inside link show wg-net
is 'netns: and its files' "$(on a find /run/meshapply /var/lib/meshapply \
	-type f)" ''
# By name alone, without a socket elsewhere.
config 'netns = inside'
fails 'netns: no way out' on a "$meshapply" net --strict --wait=1 --netns=none
check 'netns: apply without a socket outside' on a "$meshapply" net
is 'netns: the port is inside' "$(on a ss -Hulpn | grep -c ':51820 ') $(
	inside ss -Hulpn | grep -c ':51820 ')" '0 2'
check 'netns: remove' on a "$meshapply" remove net
on a rm /etc/meshapply/net.conf
on a ip netns del inside
on a ip netns del outside
# The kernel's own rule for VRFs stays when the last one goes.
same 'a: all is as it was, after a VRF' a.before \
	<(snapshot a | without_redirects | grep -v 'lookup \[l3mdev-table\]')
done_testing
