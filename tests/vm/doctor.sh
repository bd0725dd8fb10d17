# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What doctor finds in namespaces, and that what it says ends it: packets pass
# again. status --check. A mesh that is disowned under a flow, and adopted
# again, without a packet lost.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

# b - a - c: a tunnel from b to a, and c on a's subnet.
host_add a b c
link_hosts a eth0 '192.0.2.1/24' b eth0 '192.0.2.2/24'
link_hosts a lan0 '192.168.1.1/24' c eth0 '192.168.1.2/24'
ip -n c route add default via 192.168.1.1
keys a b d
mkdir a
cat > a/wireguard.conf <<END
#@ mesh site
#@ interface wg0
#@ private-key-file site.key
#@ sysctl net.ipv4.ip_forward = 1
[Interface]
Address = 10.0.0.1/24
ListenPort = 51820
Table = off

#@ name far
[Peer]
PublicKey = $(pub b)
AllowedIPs = 10.0.0.2/32, 10.5.0.0/16
END
cat > a/network.batch <<'END'
route replace 10.5.0.0/16 dev wg0 proto 77
rule add from 10.5.0.0/16 fwmark 0x55 table main priority 700 protocol 77
END
cat > a/firewall.nft <<'END'
table inet meshapply_site {
	chain forwarded { type filter hook forward priority 0; policy accept; }
}
END
cat > b.sh <<END
set -e
ip link add wg0 type wireguard
wg set wg0 private-key $work/b.key peer $(pub a) endpoint 192.0.2.1:51820 \
	allowed-ips 10.0.0.1/32,192.168.1.0/24
ip address add 10.0.0.2/24 dev wg0
ip link set wg0 up
ip route add 192.168.1.0/24 dev wg0
END
check 'b is set up' on b sh b.sh
on a sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0

doctor() { on a "$meshapply" doctor "$@"; }
# What is found, by its names for machines.
found() { doctor --json "$@" 2>/dev/null | jq -r '.findings[].id' | sort | xargs; }
# All that it says is to be done.
obey() {
	local i n
	doctor --json "$@" > findings 2>/dev/null
	n=$(jq '.findings | length' findings)
	for ((i = 0; i < n; i++)); do
		on a bash -c "$(jq -r ".findings[$i] |
			(if .file then \"mkdir -p \\(.file | sub(\"/[^/]*\$\"; \"\") | @sh)\\n\" +
			\"printf %s \\(.content | @sh) > \\(.file | @sh)\\n\"
			else \"\" end) + (.commands | join(\"\\n\"))" findings)" ||
			return 1
	done
}
passes() { on b ping -q -c 1 -W 3 -I 10.0.0.2 192.168.1.2; }

### The kernel

modprobe -r wireguard 2>/dev/null || ip -n b link del wg0
modprobe -r wireguard
echo 'install wireguard /bin/false' > /etc/modprobe.d/none.conf
exits 'no module: errors' 2 doctor
says 'no module' 'no WireGuard'
is 'no module: by its name' "$(found)" no-wireguard
rm /etc/modprobe.d/none.conf
check 'no module: ended' obey
exits 'no module: nothing found' 0 doctor
now=$(date +%s)
date -s '2020-01-01 00:00' > /dev/null
exits 'clock: errors' 2 doctor
says clock 'the clock is not set'
date -s "@$now" > /dev/null

### A mesh that forwards

check 'b again' on b sh b.sh
on a mkdir -p -m 700 /etc/meshapply/keys
on a sh -c 'umask 077; cat > /etc/meshapply/keys/site.key' < a.key
exits 'before its first run' 0 doctor site
check 'apply' on a "$meshapply" apply ./a
check 'b reaches c' wait_for 10 passes
exits 'healthy' 0 doctor
says 'healthy' 'nothing found'
is 'healthy: JSON' "$(doctor --json | jq -c '[.verb, .exit, .findings]')" \
	'["doctor",0,[]]'
exits 'a path is no mesh' 64 doctor a/wireguard.conf

on a nft -f - <<'END'
table inet own {
	# Whose bytes are wg0's, but which is no name.
	set six { type ipv6_addr; elements = { 7767:3000:: }; }
	chain forwarded {
		type filter hook forward priority 10; policy drop;
		ct state invalid accept
	}
}
END
fails 'nft drops: b does not reach c' passes
exits 'nft drops: errors' 2 doctor
says 'nft drops' 'chain forwarded of the table inet own'
is 'nft drops: by its name' "$(found site)" forward-drop
check 'nft drops: ended' obey
exits 'nft drops: nothing found' 0 doctor
check 'nft drops: b reaches c' passes
on a nft delete table inet own

on a iptables-nft -N DOCKER-USER
on a iptables-nft -A FORWARD -j DOCKER-USER
on a iptables-nft -P FORWARD DROP
fails 'Docker drops: b does not reach c' passes
exits 'Docker drops: errors' 2 doctor
says 'Docker drops' 'Docker: the chain FORWARD'
check 'Docker drops: ended' obey
exits 'Docker drops: nothing found' 0 doctor
check 'Docker drops: b reaches c' passes
on a nft delete table ip filter

# The real one, which lets pings through.
start c busybox nc -ll -p 7000 -e cat
talks() { on b timeout 3 bash -c ': < /dev/tcp/192.168.1.2/7000'; }
check 'b talks to c' wait_for 10 talks
check 'ufw is switched on' on a ufw --force enable
fails 'ufw drops: b does not talk to c' talks
exits 'ufw drops: errors' 2 doctor
says 'ufw drops' 'ufw: the chain FORWARD'
check 'ufw drops: ended' obey
on a ufw allow 51820/udp > /dev/null
exits 'ufw drops: nothing found' 0 doctor
check 'ufw drops: b talks to c' wait_for 10 talks
on a ufw --force disable > /dev/null
on a iptables-nft -P FORWARD ACCEPT
on a iptables-nft -P INPUT ACCEPT

on a sysctl -qw net.ipv4.conf.wg0.rp_filter=1
exits 'rp_filter: warnings' 1 doctor
says 'rp_filter' 'rp_filter is strict on wg0'
on a sh -c 'cd /var/lib/meshapply && cp -a site elsewhere &&
	grep -rl netns= elsewhere | xargs sed -i \
		"s/netns=[0-9]*/netns=$(stat -Lc %i /proc/1/ns/net)/"'
exits 'a mesh of another namespace' 78 doctor
says 'a mesh of another namespace' 'elsewhere is of another network namespace'
also 'the others are looked at' 'rp_filter is strict on wg0'
on a rm -r /var/lib/meshapply/elsewhere
check 'rp_filter: ended' obey
exits 'rp_filter: nothing found' 0 doctor

ip -n a link add wg7 type wireguard
on a wg set wg7 listen-port 51820
exits 'port: warnings' 1 doctor
says 'port' 'wg7, which is down, has port 51820'
ip -n a link del wg7
exits 'no right to look' 77 on a setpriv --reuid 65534 --clear-groups \
	--bounding-set -all --inh-caps -all "$meshapply" doctor

### For monitoring

# shellcheck disable=SC2120 # its arguments come by way of exits
check_status() { on a "$meshapply" status --check "$@"; }
exits 'check: fine' 0 check_status
says 'check: fine' 'MESHAPPLY OK - site: 1 peer, 0 silent, as applied |'
also 'check: numbers' "'site_peers'=1;;;0 'site_silent'=0;0;0;0;1"
is 'check: one line' "$(check_status | wc -l)" 1
ip -n a route del 10.5.0.0/16 dev wg0
exits 'check: drifted' 1 check_status site
says 'check: drifted' "drifted by 1 step"
also 'check: drifted' "'site_drift'=1;0;;0"
ip -n a link set wg0 down
exits 'check: down' 2 check_status
says 'check: down' 'CRITICAL - site: wg0 is down'
exits 'check: unknown' 3 check_status nowhere
says 'check: unknown' 'MESHAPPLY UNKNOWN'
exits 'check: no right to look' 3 on a setpriv --reuid 65534 --clear-groups \
	--bounding-set -all --inh-caps -all "$meshapply" status --check
exits 'check: not with --json' 64 check_status --json
check 'mended' on a "$meshapply" apply ./a

### Drift is not change

ip -n a route del 10.5.0.0/16 dev wg0
sed -i 's/^AllowedIPs.*/&, 10.6.0.0\/16/' a/wireguard.conf
echo 'route replace 10.6.0.0/16 dev wg0 proto 77' >> a/network.batch
exits 'three ways: planned' 0 on a "$meshapply" plan ./a
says 'three ways: what was deleted' '+ route 10.5.0.0/16'
check 'three ways: is drift' grep -q '10.5.0.0/16.*(drift)' "$work/said"
fails 'three ways: what is new is not' \
	grep -q '10.6.0.0/16.*(drift)' "$work/said"
also 'three ways: counted' '1 of them mends what somebody else changed'
is 'three ways: in JSON' "$(on a "$meshapply" plan --json ./a |
	jq -c '[.plan.drift, (.plan.steps | map(select(.drift).object) | length)]')" \
	'[1,1]'
is 'three ways: status tells of drift alone' \
	"$(on a "$meshapply" status --json site |
	jq -c '.meshes[0].drift | [.drift, (.steps | length)]')" '[1,1]'
check 'three ways: applied' on a "$meshapply" apply ./a

### Disowned and adopted under a flow

ifindex() { on a cat /sys/class/net/wg0/ifindex; }
flows_start() {
	udp_flow_start there a b 10.0.0.2 4001 1000 0 &&
		udp_flow_start back b a 10.0.0.1 4002 1000 0 10.0.0.2
}
flows_stop() {
	local flow line
	for flow in there back; do
		line=$(udp_flow_stop $flow)
		echo "# $flow: $line"
		is "$1: no packet lost, $flow" "$(udp_flow_get lost "$line")" 0
		check "$1: it was a flow, $flow" \
			[ "$(udp_flow_get sent "$line")" -gt 1000 ]
	done
}
ours() {
	ip -n a route show proto 77
	ip -n a rule | grep 'proto 77'
	on a cat /sys/class/net/wg0/ifalias
	ip -n a link show group 1835365224
}
stays() {
	ip -n a -o addr show dev wg0
	ip -n a route show table all | grep wg0 | sed 's/ proto [a-z0-9]*//' |
		sort
	ip -n a rule | sed 's/ proto [a-z0-9]*//'
	on a nft -s list table inet meshapply_site
	on a sysctl net.ipv4.ip_forward
	on a wg showconf wg0
}
index=$(ifindex)
stays > before
# b's old session is dead since wg0 was down, which it finds out by itself.
check 'disown: a session' wait_for 60 on b ping -q -c 1 -W 5 10.0.0.1
check 'disown: a flow each way' flows_start
exits 'disown: the plan' 2 on a "$meshapply" disown -n --detailed-exitcode site
check 'disown' on a "$meshapply" disown site
says 'disown' 'site: disowned'
also 'disown' 'nft delete table inet meshapply_site'
is 'disown: nothing is ours' "$(ours)" ''
same 'disown: all is as it was' before <(stays)
is 'disown: the same link' "$(ifindex)" "$index"
is 'disown: no file is left' "$(on a find /run/meshapply /var/lib/meshapply \
	-mindepth 1 ! -name sysctls ! -name .lock)" ''
check 'disown: again, there is nothing' on a "$meshapply" disown site
exits 'disown: apply leaves it alone' 7 on a "$meshapply" apply ./a
check 'disown: adopt' on a "$meshapply" adopt wg0 ./a
same 'adopt: all is as it was' before <(stays)
is 'adopt: the same link' "$(ifindex)" "$index"
exits 'adopt: nothing to do' 0 on a "$meshapply" plan --detailed-exitcode ./a
flows_stop 'disown and adopt'
check 'remove' on a "$meshapply" remove site
done_testing
