# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The office mesh from its document: three sites with a LAN each, later a node
# without one, over an internet; full mesh, hub and spokes, two hubs. What the
# kernel has is what the document says, what the firewall is for it does, a
# change is that change alone, and remove leaves nothing.
# shellcheck disable=SC2317 # functions are called by check
set -u
. tests/vm/lib.sh
. tests/vm/office_lib.sh
project=$PWD
. tests/vm/meshapply.sh

apply() {	# TEST HOST...
	local test=$1 host
	shift
	for host; do
		check "$test: $host: apply" on "$host" "$meshapply" office.json
	done
}
all_agree() {	# TEST HOST...
	local test=$1 host
	shift
	for host; do
		agrees "$test" "$host"
	done
}
settled() {	# TEST HOST
	check "$1: $2: a second apply writes nothing" \
		writes_nothing "$2" "$meshapply" office.json
}
tells() {	# TEST WORDS...: the last command's output has all of these
	local test=$1 words
	shift
	cp $vm_state/output told
	sed 's/^/#   /' told
	for words; do
		check "$test: it tells of $words" grep -qF -- "$words" told
	done
}
plan() {	# HOST: its steps, to plan.steps
	on "$1" "$meshapply" plan office.json > plan.out 2>&1
	sed 's/^/#   /' plan.out
	grep -E '^ *[-+~]' plan.out > plan.steps
}
# What a rule of the mesh's table has counted.
packets() {	# HOST CHAIN WORDS
	on "$1" nft list chain inet meshapply_office "$2" |
		sed -n "s/.*$3 .*counter packets \([0-9]*\) .*/\1/p"
}
listing() { snapshot "$1" | without_redirects; }
# The lines that differ; those of a table have a number.
differences() {
	diff <(sed -E 's/^(nft .*) [0-9]{5} /\1 /' "$1") \
		<(sed -E 's/^(nft .*) [0-9]{5} /\1 /' "$2") |
		sed -n 's/^[<>] //p'
}

sites ir tr uae van || exit 1
for host in ir tr uae van; do
	on $host cp $host.key /etc/meshapply/keys/office.key
	listing $host > $host.before
done
chmod 711 .

### Three sites, each linked with each

document office.json
check "validate: every node's view, and the document's own tests" \
	"$meshapply" validate --all-nodes office.json
apply full ir tr uae
lans_ping full ir tr uae
pings full ir 10.250.0.2 fd00:250::3 192.168.30.10
all_agree full ir tr uae
is "full: forwarding is on" "$(on ir sysctl -n net.ipv4.ip_forward \
	net.ipv6.conf.all.forwarding)" "$(printf '1\n1')"

# The order of keys, nodes and ends means nothing.
fingerprint ir > ir.files
cp office.json ordered.json
reorder
fails "reordered: it is another text" cmp -s office.json ordered.json
settled reordered ir
same "reordered: no file is written" ir.files <(fingerprint ir)
mv ordered.json office.json

### What the firewall is for

# What comes from elsewhere with a member's source.
from_elsewhere='saddr @mesh_members'
ip -n net address add 192.168.20.10/32 dev lo
ip -n net address add fd00:20::10/128 dev lo
spoof() { on net ping -q -c 3 -i 0.2 -W 1 -I "$1" "$2"; }
fails "spoofed: a member's source from outside gets no answer" \
	spoof 192.168.20.10 198.51.100.10
fails "spoofed: nor one of IPv6" spoof fd00:20::10 2001:db8:10::10
fails "spoofed: nor into the LAN" on net sh -c \
	'ip route add 192.168.10.0/24 via 198.51.100.10 &&
	ping -q -c 3 -i 0.2 -W 1 -I 192.168.20.10 192.168.10.10'
is "spoofed: all are counted" "$(packets ir mesh_preraw \
	"$from_elsewhere"4)" 6
is "spoofed: those of IPv6 too" "$(packets ir mesh_preraw \
	"$from_elsewhere"6)" 3
ip -n net address del 192.168.20.10/32 dev lo
ip -n net address del fd00:20::10/128 dev lo
check "spoofed: another source gets one" on net ping -q -c 1 -W 10 \
	198.51.100.10

# What comes out of the mesh and is of no member: its allowed IPs let it.
ip -n tr address add 10.9.9.9/32 dev lo
allow() {	# HOST PEER ALLOWED-IPS...
	local IFS=,
	on "$1" wg set wg-office peer "$(pub "$2")" allowed-ips "${*:3}"
}
stranger() { on tr ping -q -c 3 -i 0.2 -W 2 -I 10.9.9.9 10.250.0.1; }
ip -n ir route add 10.9.9.9/32 dev wg-office
allow ir tr 10.250.0.2 fd00:250::2 192.168.20.0/24 fd00:20::/64 10.9.9.9
fails "stranger: out of the mesh, of no member: no answer" stranger
is "stranger: all are counted" "$(packets ir mesh_preraw \
	'saddr != @mesh_members4')" 3
on ir nft delete table inet meshapply_office
check "stranger: it was the firewall" stranger
ip -n ir route del 10.9.9.9/32 dev wg-office
ip -n tr address del 10.9.9.9/32 dev lo
plan ir
check "stranger: the plan says that it has drifted" grep -q drift plan.out
apply stranger ir
agrees stranger ir

# A SYN says what fits through the tunnel: 1280 less the headers.
on lan-tr nft -f - <<-'NFT'
	table inet look {
		chain input {
			type filter hook input priority filter;
			tcp flags != syn / syn,ack return
			tcp option maxseg size 1240 counter
			tcp option maxseg size 1220 counter
			counter
		}
	}
NFT
connect() { on lan-ir timeout 20 bash -c ": < /dev/tcp/$1/9"; }
fails "MSS: a connection to a closed port" connect 192.168.20.10
fails "MSS: one over IPv6" connect fd00:20::10
is "MSS: each SYN said what fits" "$(on lan-tr nft list chain inet look input |
	sed -n 's/.*counter packets \([0-9]*\) .*/\1/p')" "$(printf '1\n1\n2')"
on lan-tr nft delete table inet look

### One node more

spoofed=$(packets tr mesh_preraw "$from_elsewhere"4)
ip -n net address add 192.168.10.10/32 dev lo
fails "more: a spoofed packet, to be counted" \
	spoof 192.168.10.10 198.51.100.20
ip -n net address del 192.168.10.10/32 dev lo
is "more: it is counted" "$(packets tr mesh_preraw "$from_elsewhere"4)" \
	$((spoofed + 3))
on tr nft -a list table inet meshapply_office | grep '# handle' |
	grep -v 'table inet' > tr.table
# shellcheck disable=SC2016 # for jq
change --arg key "$(pub van)" '.nodes.van = { public_key: $key,
	addresses: ["10.250.0.4", "fd00:250::4"] }'
plan tr
check "more: the plan is of elements" grep -q 'set elements' plan.steps
apply more ir tr uae
same "more: rules, their handles and counters stay" tr.table \
	<(on tr nft -a list table inet meshapply_office |
		grep '# handle' | grep -v 'table inet')
apply more van
pings more van 192.168.10.10 fd00:20::10 192.168.30.10 10.250.0.3
pings more lan-tr 10.250.0.4 fd00:250::4
all_agree more ir tr uae van
is "more: a node without subnets does not forward" \
	"$(on van sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding)" \
	"$(printf '0\n0')"
for host in ir tr uae van; do
	listing $host > $host.full
done
cp office.json full.json

### Hub and spokes, two hubs, and back

change '.topology = "hub-spoke" | .hubs = ["ir"]'
apply hub ir tr uae van
pings hub van 10.250.0.1 192.168.20.10 fd00:30::10
lans_ping hub ir tr uae
pings hub lan-uae 10.250.0.4
all_agree hub ir tr uae van
settled hub ir

change '.hubs = ["ir", "uae"] | .nodes.tr.hub = "ir" | .nodes.van.hub = "uae"'
apply 'two hubs' ir tr uae van
pings 'two hubs' van 10.250.0.3 192.168.20.10 fd00:20::10 192.168.10.10
lans_ping 'two hubs' ir tr uae
pings 'two hubs' lan-tr 10.250.0.4 fd00:250::4
all_agree 'two hubs' ir tr uae van
settled 'two hubs' uae

cp full.json office.json
apply back ir tr uae van
pings back van 192.168.10.10 fd00:20::10 192.168.30.10
lans_ping back tr uae
for host in ir tr uae van; do
	same "back: $host: all is as it was" $host.full <(listing $host)
done

### A template of the user's own

templates=/etc/meshapply/templates
listing ir > ir.now
on ir mkdir -p $templates
# shellcheck disable=SC2016 # a template
on ir sh -c 'sed "/chain mesh_forward/,/policy accept/ s/policy accept;/&\\
		iifname \"{{interface}}\" tcp dport 25 counter drop/" \
	"$1/firewall.nft" > "$2/firewall.nft"' sh "$project/templates" \
	$templates
plan ir
is "template: the plan is of the firewall alone" \
	"$(grep -vc 'firewall table' plan.steps)" 0
apply template ir
listing ir > ir.rule
is "template: the rule is there, and it is all" \
	"$(differences ir.now ir.rule | grep -c .) $(differences ir.now \
	ir.rule | grep -c 'tcp dport 25 counter.* drop')" "1 1"
settled template ir
# shellcheck disable=SC2016
on ir sh -c 'sed "s/proto 77{{/proto 77 metric 50{{/" "$1/network.batch" \
	> "$2/network.batch"' sh "$project/templates" $templates
plan ir
is "metric: the plan is of routes alone" "$(grep -vcE 'route (192\.168|fd00)' \
	plan.steps)" 0
apply metric ir
listing ir > ir.metric
is "metric: the routes have it" "$(on ir ip route show proto 77 |
	grep -c 'metric 50') $(on ir ip -6 route show proto 77 |
	grep -c 'metric 50')" "2 2"
is "metric: and that is all" "$(differences ir.rule ir.metric |
	grep -vcE 'route[46].*(192\.168\.[23]0|fd00:[23]0:)')" 0
lans_ping metric ir tr
on ir rm -r $templates
apply "no template" ir
same "no template: all is as it was" ir.now <(listing ir)

### A link with a preshared key

wg genpsk > pair.psk
change '.links[0].preshared_key_file = "pair.psk"'
exits "preshared: its file is missing" 66 on ir "$meshapply" office.json
says "preshared: its file is missing" pair.psk
for host in ir tr; do
	on $host cp pair.psk /etc/meshapply/keys/
done
plan ir
check "preshared: the plan does not show it" \
	sh -c '! grep -qFf pair.psk' < plan.out
apply preshared ir tr uae
all_agree preshared ir tr
lans_ping preshared ir tr

### Who this is, and who else is here

exits "another node's name" 78 on ir "$meshapply" --node tr office.json
says "another node's name" 'the private key is that of ir'
jq '.mesh = "branch" | .interface = "wg-office" |
	.overlay = ["10.251.0.0/24"] | .nodes |= (del(.van)
	| map_values(del(.subnets) | .addresses |= [.[0] | sub("250"; "251")]
	| .endpoint |= sub("51820"; "51821"))) | del(.links, .tests)' \
	office.json > branch.json
on ir cp ir.key /etc/meshapply/keys/branch.key
listing ir > ir.now
exits "clash: the device of another mesh" 7 on ir "$meshapply" branch.json
tells "clash: the device of another mesh" wg-office office branch
echo "source = $work/office.json" | on ir tee /etc/meshapply/office.conf \
	> /dev/null
exits "clash: in the documents" 65 on ir "$meshapply" branch.json
tells "clash: in the documents" branch.json: office.json: wg-office
same "clash: nothing has changed" ir.now <(listing ir)
exits "the config says where the document is" 0 on ir "$meshapply" \
	--detailed-exitcode office
on ir rm /etc/meshapply/office.conf

### Away with it

away() {	# HOST
	check "$1: remove" on "$1" "$meshapply" remove office
	same "$1: as it was before the first apply, sysctls too" \
		"$1.before" <(listing "$1")
	is "$1: no file is left" "$(on "$1" find /run/meshapply \
		/var/lib/meshapply -mindepth 1)" ""
}
unmarked "$(pub van)" < <(listing ir) > ir.applied
away ir

# The same host once more, from the three texts by other hands.
check "stock: render" "$meshapply" render --node=ir -o stock office.json
is "stock: the manual has the lines" "$(stock_lines | grep -c .)" 9
check "stock: the lines of the manual" on ir sh -exc "cd stock
	$(stock_lines)"
check "stock: and what it leaves to others" on ir sh -exc "
	ip link set wg-office mtu \
		\$(sed -n 's/^MTU = //p' stock/wireguard.conf)
	ip address add fd00:250::1/64 dev wg-office
	wg set wg-office peer '$(pub tr)' \
		preshared-key /etc/meshapply/keys/pair.psk"
same "stock: it is what apply has made" ir.applied \
	<(listing ir | unmarked "$(pub van)")
lans_ping stock ir tr
for host in tr uae van; do
	away $host
done

### An exit: everything goes through the tunnel

jq --arg gate "$(pub uae)" --arg van "$(pub van)" 'del(.nodes.phone, .tests)
	| .nodes.gateway |= (.public_key = $gate
		| .endpoint = "198.51.100.30:51820"
		| .subnets |= map(if . == "10.96.0.0/24" then
			"192.168.30.0/24" else . end))
	| .nodes.laptop.public_key = $van' "$project/examples/exit.json" \
	> exit.json
for address in 203.0.113.80/32 2001:db8:80::80/128; do
	ip -n net address add $address dev lo
done
for host in uae van; do
	on $host cp $host.key /etc/meshapply/keys/exit.key
done
on uae mkdir -p $templates/partials
on uae tee $templates/partials/firewall-local.mustache > /dev/null <<-'NFT'
	chain local_postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		iifname "{{interface}}" oifname "eth0" masquerade
	}
NFT
on net nft -f - <<-'NFT'
	table inet look {
		chain input {
			type filter hook input priority filter;
			ip daddr 203.0.113.80 ip saddr 198.51.100.30 counter
			ip6 daddr 2001:db8:80::80 \
				ip6 saddr 2001:db8:30::30 counter
		}
	}
NFT
looks() { on net nft list chain inet look input |
	sed -n 's/.*counter packets \([0-9]*\) .*/\1/p'; }
check "exit: validate" "$meshapply" validate --all-nodes exit.json
for host in uae van; do
	check "exit: $host: apply" on $host "$meshapply" exit.json
	check "exit: $host: a second apply writes nothing" \
		writes_nothing $host "$meshapply" exit.json
done
pings exit van 203.0.113.80 2001:db8:80::80 192.168.30.10 10.95.0.1
is "exit: they came from the gateway" "$(looks)" "$(printf '1\n1')"
for address in 203.0.113.80 2001:db8:80::80; do
	check "exit: $address is reached through the tunnel" \
		grep -q 'dev wg-exit' <(ip -n van route get $address)
done
check "exit: what WireGuard sends is not" grep -q 'dev eth0' \
	<(ip -n van route get 198.51.100.30 mark "$(on van wg show wg-exit \
	fwmark)")
for host in uae van; do
	check "exit: $host: remove" on $host "$meshapply" remove exit
	same "exit: $host: as it was" $host.before <(listing $host)
done
pings "exit: by the old way again" van 203.0.113.80 2001:db8:80::80
done_testing
