# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What changes of a mesh, and the stock tools, cost a flow of 1000 packets a
# second each way. The table is in the lines that start with "# |": make
# check-loss writes it down.
# shellcheck disable=SC2016,SC2317 # for other shells; functions are called
set -u
. tests/vm/lib.sh
. tests/vm/office_lib.sh
project=$PWD
. tests/vm/meshapply.sh
# shellcheck source=tests/vm/loss_lib.sh
. "$project/tests/vm/loss_lib.sh"

### A folder on a; b and c have a file each

three_hosts
keys d e
ip -n b address add 192.0.2.12/24 dev eth0
ip -n b address add 203.0.113.7/32 dev lo
on a install -m 700 -d /etc/meshapply/keys
on a cp a.key ab.psk /etc/meshapply/keys/
mkdir mesh
cat > mesh/wireguard.conf <<-CONF
	#@ mesh wg0
	#@ interface wg0
	#@ private-key-file a.key
	[Interface]
	Address = 10.0.0.1/24, 10.0.0.8/24, fd00::1/64
	ListenPort = 51820
	MTU = 1420
	Table = off

	#@ preshared-key-file ab.psk
	[Peer]
	PublicKey = $(pub b)
	AllowedIPs = 10.0.0.2/32, fd00::2/128, 192.168.2.0/24
	Endpoint = 192.0.2.2:51820

	[Peer]
	PublicKey = $(pub c)
	AllowedIPs = 10.0.0.3/32, fd00::3/128, 192.168.3.0/24
	Endpoint = 192.0.2.3:51820
CONF
peer() {	# NAME ALLOWED-IPS
	printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$(pub "$1")" "$2"
}
peer d '10.0.0.4/32, 192.168.4.0/24' > peer.d
peer e '10.0.0.5/32, 192.168.5.0/24' > peer.e
cat > mesh/network.batch <<-'BATCH'
	route replace 192.168.2.0/24 dev wg0 proto 77
	route replace 192.168.3.0/24 dev wg0 proto 77
BATCH
cat > mesh/firewall.nft <<-'NFT'
	table inet meshapply_wg0 {
		set members {
			type ipv4_addr
			flags interval
			elements = { 10.0.0.0/24 }
		}
		chain look {
			type filter hook input priority filter; policy accept;
			iifname "wg0" ip saddr != @members counter drop
		}
	}
NFT
check 'a: apply' on a "$meshapply" ./mesh
for host in b c; do
	check "$host: apply" on $host "$meshapply" $host/wg0.conf
done
check 'a session with b' on a ping -q -c 1 -W 10 10.0.0.2
check 'and with c' on a ping -q -c 1 -W 10 10.0.0.3
flow_between a 10.0.0.1 b 10.0.0.2

heading 'a change of one node'
line_of 'nothing at all' none sleep 1
turn 'no-op' ':'
turn 'peer added' 'cat ../peer.d ../peer.e >> wireguard.conf'
turn 'another peer removed' \
	'sed -i "/^.Peer./{N;/$(sed s,/,.,g ../e.pub)/{N;d}}" wireguard.conf'
turn 'allowed IP added to the flow'\''s peer' \
	'sed -i "s,192.168.2.0/24,&\, 192.168.22.0/24," wireguard.conf'
turn 'allowed IP moved from the flow'\''s peer to another' \
	'sed -i "s/, 192.168.22.0.24//; s,192.168.3.0/24,&\, 192.168.22.0/24," \
	wireguard.conf'
turn 'allowed IP moved between others' \
	'sed -i "s/, 192.168.22.0.24//; s,192.168.4.0/24,&\, 192.168.22.0/24," \
	wireguard.conf'
turn 'allowed IP moved from another to the flow'\''s peer' \
	'sed -i "s/, 192.168.22.0.24//; s,192.168.2.0/24,&\, 192.168.22.0/24," \
	wireguard.conf'
turn 'allowed IP removed from the flow'\''s peer' \
	'sed -i "s/, 192.168.22.0.24//" wireguard.conf'
turn 'allowed IP added to another' \
	'sed -i "s,192.168.3.0/24,&\, 192.168.33.0/24," wireguard.conf'
turn 'allowed IP removed from another' \
	'sed -i "s/, 192.168.33.0.24//" wireguard.conf'
turn 'endpoint of the flow'\''s peer, the old path works' \
	'sed -i s/192.0.2.2:/192.0.2.12:/ wireguard.conf'
preshared() {
	on a "$meshapply" ./mesh && sleep 1 && on b "$meshapply" b/wg0.conf
}
wg genpsk > ab.psk
on a cp ab.psk /etc/meshapply/keys/
sed -i "s,^PresharedKey.*,PresharedKey = $(psk)," b/wg0.conf
turn 'preshared key, on the other side a second later' ':' preshared
handshakes() { on a wg show wg0 latest-handshakes | sort; }
handshakes > shakes
line_of 'and the next handshake, within two minutes' rekey sleep 125
fails 'there was one' cmp -s shakes <(handshakes)
turn 'MTU lowered' 'sed -i s/1420/1300/ wireguard.conf'
turn 'MTU raised' 'sed -i s/1300/1420/ wireguard.conf'
turn 'address changed, the flow'\''s stands before it' \
	'sed -i s,10.0.0.8/24,10.0.0.9/24, wireguard.conf'
turn 'address put before the flow'\''s' \
	'sed -i "s,10.0.0.1/24\, 10.0.0.9/24,10.0.0.9/24\, 10.0.0.1/24," \
	wireguard.conf'
turn 'address changed, the flow'\''s stands behind it' \
	'sed -i s,10.0.0.9/24,10.0.0.8/24, wireguard.conf'
turn 'address before the flow'\''s removed' \
	'sed -i "s,10.0.0.8/24\, ,," wireguard.conf'
turn 'route added' \
	'echo route replace 192.168.4.0/24 dev wg0 proto 77 >> network.batch'
turn 'route removed' 'sed -i \$d network.batch'
turn 'forwarding switched on' \
	'sed -i "3a#@ sysctl net.ipv4.ip_forward = 1" wireguard.conf'
turn 'set element added' \
	'sed -i "s,= { 10.0.0.0/24,&\, 192.168.2.0/24," firewall.nft'
turn 'set element removed' \
	'sed -i "s/, 192.168.2.0.24//" firewall.nft'
turn 'firewall rule added' \
	'sed -i "/^.*saddr/s/.*/&\n\t\tiifname \"wg0\" tcp dport 25 drop/" \
	firewall.nft'
turn 'firewall rule removed' 'sed -i "/dport 25/d" firewall.nft'

# Another mesh of the same host.
mkdir other
sed '/^Address/s/.*/Address = 10.9.0.1\/24/; s/wg0/wg9/; s/51820$/51829/
	/^$/,$d' mesh/wireguard.conf > other/wireguard.conf
check 'another mesh' on a "$meshapply" ./other
sed -i 's/51829$/51830/' other/wireguard.conf
line_of 'listen port of another mesh' "$(announced a ./other)" \
	on a "$meshapply" ./other
check 'another mesh: remove' on a "$meshapply" remove wg9
check 'remove' on a "$meshapply" remove wg0

# The mark and the table of a full tunnel.
full() {	# LINES...
	printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n' "$(key a)"
	printf '%s\n' 'Address = 10.0.0.1/24' "$@"
	printf '[Peer]\nPublicKey = %s\nPresharedKey = %s\n' "$(pub b)" "$(psk)"
	printf 'Endpoint = 192.0.2.2:51820\nAllowedIPs = 0.0.0.0/0\n'
}
full > wg0.conf
check 'full tunnel: apply' on a "$meshapply" wg0.conf
check 'full tunnel: a session' on a ping -q -c 1 -W 10 203.0.113.7
flow_between a 10.0.0.1 b 203.0.113.7
full 'FwMark = 51900' > wg0.conf
line_of 'mark and table of a full tunnel' "$(announced a wg0.conf)" \
	on a "$meshapply" wg0.conf
check 'full tunnel: remove' on a "$meshapply" remove wg0

### The stock tools, on the same host

sed -i "s,^PresharedKey.*,PresharedKey = $(psk)," a/wg0.conf
on a install -m 600 a/wg0.conf /etc/wireguard/wg0.conf
on a wg-quick strip wg0 > a/stripped
(cat a/stripped && cat peer.d) > a/more
(echo 'flush ruleset' && cat mesh/firewall.nft) > a/flush.nft
check 'stock: wg-quick up' on a wg-quick up wg0
check 'stock: nft -f' on a nft -f mesh/firewall.nft
check 'stock: a session' on a ping -q -c 1 -W 10 10.0.0.2
flow_between a 10.0.0.1 b 10.0.0.2

heading 'the stock tools'
line_of '`nft -f` of a file that begins with `flush ruleset`' – \
	on a nft -f a/flush.nft
line_of '`wg syncconf`, nothing to change' – on a wg syncconf wg0 a/stripped
line_of '`wg syncconf`, a peer more' – on a wg syncconf wg0 a/more
line_of '`wg setconf`, nothing to change' – on a wg setconf wg0 a/stripped
line_of '`wg setconf`, a peer more' – on a wg setconf wg0 a/more
line_of '`wg-quick down; wg-quick up`' – \
	on a sh -c 'wg-quick down wg0; wg-quick up wg0'
check 'stock: wg-quick down' on a wg-quick down wg0
host_del a b c wire

### A document for three sites, node by node

# stretch: a LAN that both tr and uae can reach, and the host in it.
stretch() {
	local site end=0
	host_add branch
	for site in tr uae; do
		ip link add lan1 netns $site type veth \
			peer name eth$end netns branch
		ip -n branch link set eth$end up
		ip -n $site link set lan1 up
		ip -n $site address add 192.168.40.1/24 dev lan1 noprefixroute
		# Behind that of the mesh, where the mesh has one.
		ip -n $site route add 192.168.40.0/24 dev lan1 metric 50
		end=$((end + 1))
	done
	ip -n branch address add 192.168.40.10/32 dev lo
	branch_by eth0
}
branch_by() { ip -n branch route replace default dev "$1" via 192.168.40.1 \
	onlink src 192.168.40.10; }

sites ir tr uae || exit 1
for host in ir tr uae; do
	on $host cp $host.key /etc/meshapply/keys/office.key
done
stretch
chmod 711 .
document office.json
change 'del(.tests, .links, .nodes.ir.subnets, .nodes.tr.subnets[1],
	.nodes.uae.subnets[1])'
for host in ir tr uae; do
	check "$host: apply" on $host "$meshapply" office.json
done
check 'a session' on lan-tr ping -q -c 1 -W 10 192.168.30.10
check 'and with ir' on lan-tr ping -q -c 1 -W 10 10.250.0.1

heading 'a change of the document, on one node'
flow_between ir 10.250.0.1 tr 10.250.0.2
change '.nodes.ir.subnets = ["192.168.10.0/24"]'
sequence 'a LAN subnet of its own, with forwarding' ir
change '.nodes.uae.subnets += ["192.168.31.0/24"]'
sequence 'a LAN subnet of another node' ir
change '.nodes.tr.subnets += ["192.168.21.0/24"]'
sequence 'a LAN subnet of the flow'\''s peer' ir
keys van
change --arg key "$(pub van)" '.nodes.van = { public_key: $key,
	addresses: ["10.250.0.4"] }'
sequence 'a node added' ir
change 'del(.nodes.van)'
sequence 'a node removed' ir
on ir mkdir -p /etc/meshapply/templates
on ir sh -c 'sed "/chain mesh_forward/,/policy accept/ s/policy accept;/&\\
		iifname \"{{interface}}\" tcp dport 25 counter drop/" \
	"$1/firewall.nft" > /etc/meshapply/templates/firewall.nft' sh \
	"$project/templates"
sequence 'a template, the whole table is swapped' ir
on ir rm /etc/meshapply/templates/firewall.nft
sequence 'that template away again' ir
change 'del(.nodes.ir.subnets, .nodes.tr.subnets[1], .nodes.uae.subnets[1])'
for host in ir tr uae; do
	check "$host: back" on $host "$meshapply" office.json
done

heading 'node by node'
cp office.json full.json
jq '.topology = "hub-spoke" | .hubs = ["ir"]' full.json > hub.json
flow_between lan-tr 192.168.20.10 lan-uae 192.168.30.10
# topology NAME DOCUMENT SITE...: by these sites, in this order; all that can
# change is changed at the end.
topology() {
	local name=$1
	cp "$2" office.json
	shift 2
	sequence "$name" "$@"
	check "$name: one of the plans said mesh" \
		[ "${classes/mesh/}" != "$classes" ]
	check "$name: it is reached" \
		on lan-tr ping -q -c 1 -W 10 192.168.30.10
}
topology 'full mesh to hub and spokes: hub, spokes' hub.json ir tr uae
topology 'hub and spokes to full mesh: hub, spokes' full.json ir tr uae
topology 'full mesh to hub and spokes: spokes, hub' hub.json tr uae ir
topology 'hub and spokes to full mesh: spokes, hub' full.json tr uae ir
less 'what takes over goes first' \
	'full mesh to hub and spokes: hub, spokes' \
	'full mesh to hub and spokes: spokes, hub'
less 'what gives up goes last' \
	'hub and spokes to full mesh: spokes, hub' \
	'hub and spokes to full mesh: hub, spokes'

cp full.json office.json
change '.nodes.ir.subnets = ["192.168.10.0/24"] |
	.nodes.tr.subnets += ["192.168.40.0/24"]'
for host in ir tr uae; do
	check "$host: a subnet to move" on $host "$meshapply" office.json
done
flow_between lan-ir 192.168.10.10 branch 192.168.40.10
check 'it is reached' on lan-ir ping -q -c 1 -W 10 192.168.40.10
cp office.json at-tr.json
jq '.nodes.tr.subnets -= ["192.168.40.0/24"] |
	.nodes.uae.subnets += ["192.168.40.0/24"]' at-tr.json > at-uae.json
# Its host takes the other way as soon as those who send to it do.
cp at-uae.json office.json
sequence 'subnet moved: its new site, the others, its old site' \
	uae ir ':branch_by eth1' tr
cp at-tr.json office.json
sequence 'subnet moved: its old site, the others, its new site' \
	uae ir ':branch_by eth0' tr
less 'the new site first, the old one last' \
	'subnet moved: its new site, the others, its old site' \
	'subnet moved: its old site, the others, its new site'
for host in ir tr uae; do
	check "$host: remove" on $host "$meshapply" remove office
done
done_testing
