# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is not ours: foreign WireGuard devices, another mesh, routes, rules,
# tables, addresses, sysctls and look-alikes of our own objects stay as they
# are through every run of ours, and a flow through them loses nothing. What is
# in our way is named, and nothing is changed.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

# A host that has about everything: a is ours, b the other end.
host_add a b
link_hosts a eth0 '192.0.2.1/24 2001:db8::1/64' \
	b eth0 '192.0.2.2/24 2001:db8::2/64'
keys a b x y o t
wg genpsk > ab.psk
mkdir other other.keys other.new

### The neighbours

# Foreign devices: of plain wg, one with routes of its own and a flow; and what
# wg-quick makes of a full tunnel, on the mark and table 51820.
cat > neighbours.sh <<END
set -e
ip address add 192.0.2.11/24 dev eth0
ip address add 203.0.113.5/32 dev eth0 preferred_lft 0
ip address add 2001:db8::11/64 dev eth0
ip link add vlan0 type dummy
ip address add 10.77.0.1/24 dev vlan0
ip link set vlan0 up
ip route add default via 192.0.2.2
ip route add default via 2001:db8::2
ip link add wgx type wireguard
wg set wgx listen-port 51999 private-key $work/x.key fwmark 0x77 \
	peer $(pub y) allowed-ips 172.20.0.0/16,fd20::/64 \
		endpoint 192.0.2.2:51999 persistent-keepalive 25 \
	peer $(pub t) allowed-ips 172.21.0.0/16 preshared-key $work/ab.psk
ip address add 172.20.0.1/24 dev wgx
ip address add fd20::1/64 dev wgx
ip link set wgx up
ip route add 172.20.0.0/16 dev wgx
ip route add 172.21.0.0/16 dev wgx metric 50 proto static
ip route add 10.0.0.0/24 dev wgx table 77
ip link add wgq type wireguard
wg set wgq private-key $work/t.key fwmark 51820 \
	peer $(pub b) allowed-ips 0.0.0.0/0 endpoint 192.0.2.2:51820
ip link set wgq up
ip route add default dev wgq table 51820
ip rule add not fwmark 51820 table 51820 priority 32765
ip rule add table main suppress_prefixlength 0 priority 32764
# Look-alikes: of a mark that is free then, of the names of our tables.
ip rule add fwmark 0x77 table 77 priority 77
ip rule add from 172.29.0.0/16 fwmark 51821 table main priority 78
nft -f - <<NFT
table ip meshapply_wg0 {
	chain in { type filter hook input priority 0; counter accept; }
}
table inet meshapply_wg0x {
	set addresses { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
	chain in { type filter hook input priority 0; iifname "wg0" accept; }
}
table inet filter {
	chain in {
		type filter hook input priority 0; policy accept;
		udp dport { 51820, 51999 } counter accept
	}
	chain out {
		type filter hook output priority mangle;
		oifname "wgx" meta mark set 0x77
	}
}
table ip wg-quick-wgq {
	chain postmangle {
		type filter hook postrouting priority mangle;
		meta l4proto udp meta mark 51820 ct mark set meta mark
	}
}
NFT
sysctl -qw net.ipv4.conf.eth0.rp_filter=2 net.ipv4.conf.all.log_martians=1 \
	net.ipv6.conf.eth0.accept_ra=0 net.ipv4.conf.vlan0.forwarding=1 \
	net.ipv4.conf.default.rp_filter=1 net.ipv4.tcp_syncookies=1
END
cat > far.sh <<END
set -e
ip link add wgx type wireguard
wg set wgx listen-port 51999 private-key $work/y.key \
	peer $(pub x) allowed-ips 172.20.0.1/32
ip address add 172.20.0.2/24 dev wgx
ip link set wgx up
END
check 'the neighbours are set up' on a bash neighbours.sh
check 'the far end too' on b bash far.sh

# Another mesh of ours: a folder with all that a mesh can have.
on a mkdir -m 700 /etc/meshapply/keys
on a tee /etc/meshapply/keys/other.key < o.key > /dev/null
on a chmod 600 /etc/meshapply/keys/other.key
cat > other/wireguard.conf <<END
#@ mesh other
#@ interface other0
#@ private-key-file other.key
#@ sysctl net.ipv4.conf.all.src_valid_mark = 1
[Interface]
Address = 10.66.0.1/24, fd66::1/64
ListenPort = 51866
FwMark = 0x66
Table = off

[Peer]
PublicKey = $(pub t)
AllowedIPs = 10.66.0.0/24, fd66::/64, 172.66.0.0/16
Endpoint = 192.0.2.66:51866
END
cat > other/network.batch <<END
route replace 172.66.0.0/16 dev other0 proto 77
route replace 0.0.0.0/0 dev other0 table 6600 proto 77
route replace blackhole 172.67.0.0/16 table 6600 proto 77
rule add from 10.66.0.0/24 table 6600 priority 6600 protocol 77
rule add table main suppress_prefixlength 0 priority 6602 protocol 77
rule add not fwmark 0x66 from 10.67.0.0/16 table 6600 priority 6603 protocol 77
-6 rule add from fd66::/64 table main priority 6601 protocol 77
END
cat > other/firewall.nft <<END
table inet meshapply_other {
	set peers {
		type ipv4_addr
		elements = { 10.66.0.2 }
	}
	chain input {
		type filter hook input priority 0
		iifname "other0" ip saddr != @peers counter drop
	}
}
END

# What of a snapshot is not the mesh wg0's: its link, its table, the rules of
# ours with the mark that it takes.
foreign() {
	snapshot -i a | without_redirects | grep -vE \
		-e '^nft inet meshapply_wg0 ' \
		-e '^(link|address|route|sysctl|wg|neighbour)[46]? .*(^|[ /":])wg0([ /:"]|$)' \
		-e '^wg wg0[	 ]' \
		-e '^rule[46] .*lookup 51822 .*proto 77$' \
		-e '^rule[46] 3276[0-9]:.*suppress_prefixlength 0 .*proto 77$'
}
others_files() {
	on a find /run/meshapply/other /var/lib/meshapply/other \
		-printf '%p %i %s %T@ ' -type f -exec sha256sum {} \;
}
whole() { snapshot -i a | without_redirects; }

whole > alone.before
check 'the other mesh is applied' on a "$meshapply" ./other
# Look-alikes of our protocol: a lone mesh takes them for its own, beside
# another one they are nobody's.
cat > alike.sh <<END
set -e
ip route add blackhole 172.31.0.0/16 proto 77
ip route add 172.30.0.0/16 dev vlan0 table 7700 proto 77
ip -6 route add unreachable fd31::/64 proto 77
ip rule add from 172.30.0.0/16 table 7700 priority 7700 protocol 77
ip rule add table main suppress_prefixlength 0 priority 7703 protocol 77
ip -6 rule add from fd30::/64 table 7700 priority 7701 protocol 77
END
check 'look-alikes of our protocol are set up' on a bash alike.sh
whole > before
foreign > foreign.before
others_files > files.before
check 'there is something to be compared' \
	test "$(wc -l < foreign.before)" -gt 500
for word in meshapply_other other0 'lookup 6600' wgx wg-quick-wgq 'lookup 7700' \
	'inet meshapply_wg0x' 'ip meshapply_wg0 ' 'proto 77' src_valid_mark; do
	check "such as $word" grep -q -- "$word" foreign.before
done

# same_others NAME: three tests
same_others() {
	foreign > foreign.now
	others_files > files.now
	same "$1: what is not ours is the same" foreign.before foreign.now
	same "$1: nor have the other mesh's files changed" \
		files.before files.now
}

### Runs of ours

udp_flow_start foreign a b 172.20.0.2 4001 200 0 172.20.0.1
interface() {	# LINES...
	printf '[Interface]\nPrivateKey = %s\n' "$(key a)"
	printf '%s\n' "$@"
	printf '[Peer]\nPublicKey = %s\nEndpoint = 192.0.2.2:51820\n' "$(pub b)"
}
site() {
	interface 'Address = 10.0.0.1/24, fd00::1/64' 'ListenPort = 51820'
	echo 'AllowedIPs = 10.0.0.2/32, fd00::2/128, 192.168.2.0/24'
}
full() {
	interface 'Address = 10.0.0.1/24, fd00::1/64'
	echo 'AllowedIPs = 0.0.0.0/0, ::/0'
}
run() { on a "$meshapply" "$@"; }

site > wg0.conf
check 'site to site: apply' run wg0.conf
same_others 'site to site'
check 'site to site: a route of ours is there' \
	grep -q 'proto 77' <(on a ip -N route show 192.168.2.0/24)
{
	site
	echo 'PersistentKeepalive = 9'
	printf '[Peer]\nPublicKey = %s\nAllowedIPs = 192.168.3.0/24\n' \
		"$(pub x)"
} > wg0.conf
check 'site to site: a change' run wg0.conf
same_others 'site to site, changed'
full > wg0.conf
check 'it becomes a full tunnel' run wg0.conf
same_others 'full tunnel'
is 'full tunnel: not with the mark that is taken' \
	"$(on a wg show wg0 fwmark)" 0xca6e
check 'full tunnel: nor with its table' \
	grep -q '^default dev wg0' <(on a ip route show table 51822)
full | sed 's|^Address = .*|Address = 10.0.0.9/24\nMTU = 1400|' > wg0.conf
exits 'full tunnel: a new address alone is refused' 7 run wg0.conf
check 'full tunnel: a change, of the only address too' run --force=identity wg0.conf
same_others 'full tunnel, changed'
check 'full tunnel: a second run writes nothing' writes_nothing a \
	"$meshapply" wg0.conf
check 'status knows both' grep -c 'mesh' <(run status)
check 'remove' run remove wg0
same 'removed: all is as it was' before <(whole)
same "removed: nor have the other mesh's files changed" files.before \
	<(others_files)
full > wg0.conf
check 'a full tunnel at first' run wg0.conf
same_others 'full tunnel at first'
check 'remove it' run remove wg0
same 'removed: all is as it was, again' before <(whole)

# The other way round: the other mesh goes first, its sysctl is ours too. Then
# what is of our protocol and on nobody's device is ours.
check 'a full tunnel once more' run wg0.conf
check 'the other mesh is removed' run remove other
is 'a sysctl that both needed stays' \
	"$(on a cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" 1
foreign | sed 's/src_valid_mark:1$/src_valid_mark:0/' > foreign.alone
grep -vE -e '[ /":]other0([ /:"]|$)' -e '^wg other0[	 ]' \
	-e '^nft inet meshapply_other ' -e '^rule[46] 660[0-3]:' \
	-e '^route4 .* 172.67.0.0/16 ' foreign.before |
	sed 's/src_valid_mark:1$/src_valid_mark:0/' > foreign.want
same 'without the other mesh the rest is the same' foreign.want foreign.alone
exits 'what is left of our protocol is ours now' 2 \
	run plan --detailed-exitcode wg0.conf
says 'the plan' 'route blackhole 172.31.0.0/16 proto 77'
check 'then ours is removed' run remove wg0
same 'both removed: all is as before the first' alone.before <(whole)

line=$(udp_flow_stop foreign)
echo "# $line"
is 'the foreign flow lost nothing' "$(udp_flow_get lost "$line")" 0
is 'and none of it was refused' "$(udp_flow_get failed "$line")" 0
check 'it was a flow' test "$(udp_flow_get sent "$line")" -gt 1000

### In the way

# refused NAME WORDS COMMAND...: exit 7, WORDS are said, nothing has changed.
refused() {
	local name=$1 words=$2
	shift 2
	whole > now
	exits "$name: refused" 7 on a "$meshapply" "$@"
	says "$name" "$words"
	same "$name: nothing has changed" now <(whole)
}

site > wg0.conf
on a ip link add wg0 type wireguard
on a wg set wg0 private-key o.key peer "$(pub y)" allowed-ips 10.9.0.0/24
refused 'a foreign wg0' 'meshapply adopt wg0' wg0.conf
check 'a foreign wg0: nor is it removed' run remove wg0
check 'a foreign wg0: it is there' on a ip link show wg0
on a ip link set wg0 alias meshapply:elsewhere
refused "another mesh's wg0" 'wg0 belongs to the mesh elsewhere' wg0.conf
on a ip link del wg0
on a ip link add wg0 type dummy
refused 'a wg0 of another kind' 'no WireGuard device (dummy)' wg0.conf
on a ip link del wg0

on a ip route add 192.168.2.0/24 via 192.0.2.9 proto static
refused 'a foreign route' 'protocol is 4, it is not ours' wg0.conf
check 'a foreign route: with its words' grep -qF \
	'192.168.2.0/24 via 192.0.2.9' <(run wg0.conf 2>&1)
on a ip route del 192.168.2.0/24
on a ip address add 192.168.2.1/24 dev vlan0
refused 'a connected route' 'of vlan0 is in the way; its protocol is 2' \
	wg0.conf
on a ip address del 192.168.2.1/24 dev vlan0
on a ip route add 192.168.2.0/24 dev vlan0 proto 77
on a ip link set vlan0 alias meshapply:elsewhere
refused "another mesh's route" 'it belongs to the mesh elsewhere' wg0.conf
on a ip link set vlan0 alias ''
on a ip route del 192.168.2.0/24 proto 77
sed -i 's|192.168.2.0/24|&, fd02::/64|' wg0.conf
on a ip -6 route add fd02::/64 via 2001:db8::9 proto 17
refused 'a foreign route of IPv6' 'fd02::/64 via 2001:db8::9' wg0.conf
on a ip -6 route del fd02::/64
on a ip -6 route add fd02::/64 via 2001:db8::9 metric 2000
on a ip route add 192.168.2.0/24 via 192.0.2.9 metric 2000
whole > before
check 'with another metric they are in nobody'\''s way' run wg0.conf
check 'ours: remove' run remove wg0
same 'and stay' before <(whole)
on a ip -6 route del fd02::/64
on a ip route del 192.168.2.0/24

# A rule that does what ours would is named; one beside it is not in the way.
mkdir ruled
sed 's/other.key$/other.key/; s/mesh other$/mesh wg0/
	s/other0$/wg0/; /src_valid_mark/d' other/wireguard.conf \
	> ruled/wireguard.conf
echo 'rule add from 10.66.0.0/24 table 6600 priority 500 protocol 77' \
	> ruled/network.batch
on a ip rule add from 10.66.0.0/24 table 6600 priority 500
refused 'a foreign rule' 'it is not ours' ./ruled
check 'a foreign rule: with its words' grep -qF \
	'from 10.66.0.0/24' <(run ./ruled 2>&1)
on a ip rule del priority 500
on a ip rule add from 10.66.0.0/24 table 6600 priority 501
on a ip rule add from 10.66.0.0/24 table 6601 priority 500
whole > before
check 'rules beside it are in nobody'\''s way' run ./ruled
check 'ours: remove' run remove wg0
same 'and stay' before <(whole)
on a ip rule del priority 500
on a ip rule del priority 501

site > wg0.conf
on a wg set wgx listen-port 51820
refused 'a port in use' 'in use by the WireGuard device wgx' wg0.conf
on a ip link set wgx down
check 'a port of a device that is down is only told' run wg0.conf
check 'and it is' grep -q 'port 51820 is set on wgx too, which is down' \
	<(run remove wg0; run --verbose wg0.conf 2>&1)
check 'ours: remove' run remove wg0
on a wg set wgx listen-port 51999
on a ip link set wgx up

### On our link

# The routes of wgx went when it was down.
whole > alone.before

check 'ours is applied' run wg0.conf
on a ip route add 10.55.0.0/16 dev wg0
on a ip -6 route add fd55::/64 dev wg0 metric 7 proto static
on a ip route add 10.56.0.0/16 dev wg0 table 560
check 'foreign routes on our link are no difference' writes_nothing a \
	"$meshapply" wg0.conf
sed -i 's|192.168.2.0/24|192.168.12.0/24|' wg0.conf
check 'a change beside them' run wg0.conf
for route in 10.55.0.0/16 fd55::/64; do
	check "$route stays" grep -q "^$route" \
		<(on a bash -c 'ip -4 route; ip -6 route')
done
refused 'remove with foreign routes' 'which is not ours' remove wg0
check 'it names one' grep -qE '(10.5[56].0.0/16|fd55::/64)' \
	<(run remove wg0 2>&1)
check 'and how to go on' grep -q -- '--force=foreign' <(run remove wg0 2>&1)
check '--force=foreign goes on' run remove --force=foreign wg0
fails 'the link is gone' on a ip link show wg0
same 'and all is as before the first run' alone.before <(whole)
done_testing
