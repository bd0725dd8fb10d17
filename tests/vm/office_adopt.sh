# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# From three sites that the real wg-quick has joined to one document, a node
# after the other, while the LANs' hosts send each other 1000 packets a second
# each way: none is lost.
# shellcheck disable=SC2317 # functions are called by check
set -u
. tests/vm/lib.sh
. tests/vm/office_lib.sh
project=$PWD
. tests/vm/meshapply.sh

sites ir tr uae || exit 1
# A machine that others share may stand still for a second, with 1000 packets of
# each flow: no queue of ours is to be what loses them.
sysctl -qw net.core.netdev_max_backlog=100000
for host in ir tr uae; do
	# wg-quick leaves that to the administrator.
	on $host sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	snapshot $host | without_redirects > $host.before
done

### As it is before: a file for each, and wg-quick

document office.json
change 'del(.mtu) | .interface = "wg0"'
peer() {	# NAME ENDPOINT
	jq -r --arg name "$1" --arg endpoint "$2" '.nodes[$name] |
		"\n[Peer]\nPublicKey = \(.public_key)",
		"AllowedIPs = \([.addresses[], .subnets[]] | join(", "))",
		"Endpoint = \($endpoint)"' office.json
}
file() {	# NAME PEER ENDPOINT PEER ENDPOINT
	printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n' \
		"$(key "$1")"
	jq -r --arg name "$1" '.nodes[$name].addresses |
		"Address = \(.[0])/24, \(.[1])/64"' office.json
	peer "$2" "$3"
	peer "$4" "$5"
}
file ir tr '[2001:db8:20::20]:51820' uae 198.51.100.30:51820 > ir.conf
file tr ir '[2001:db8:10::10]:51820' uae 198.51.100.30:51820 > tr.conf
file uae ir 198.51.100.10:51820 tr 198.51.100.20:51820 > uae.conf
for host in ir tr uae; do
	on $host install -m 600 $host.conf /etc/wireguard/wg0.conf
	on $host cp $host.key /etc/meshapply/keys/office.key
	check "$host: wg-quick up" on $host wg-quick up wg0
done
lans_ping wg-quick ir tr uae

### One after the other

ifindex() { on "$1" cat /sys/class/net/wg0/ifindex; }
handshakes() { on "$1" wg show wg0 latest-handshakes | sort; }
transfer() { on "$1" wg show wg0 transfer | sort; }
# WireGuard itself renews a session after 120 seconds.
same_sessions() {	# BEFORE AFTER
	join "$1" "$2" | awk '$3 != $2 && $3 < $2 + 120 { exit 1 }
		END { if (NR != 2) exit 1 }'
}
counts_on() {	# BEFORE AFTER
	join "$1" "$2" | awk '$4 < $2 || $5 < $3 { exit 1 }
		END { if (NR != 2) exit 1 }'
}
kept() {	# TEST HOST: since before
	handshakes "$2" > shakes.after
	transfer "$2" > bytes.after
	is "$1: the same link" "$(ifindex "$2")" "$(< index.before)"
	check "$1: the same sessions" same_sessions shakes.before shakes.after
	check "$1: counters count on" counts_on bytes.before bytes.after
}
# Whoever may have dropped a packet, with how many: links, the machine's
# backlog, the mesh's own table.
drops() {
	local host
	awk '{ print "backlog of CPU " NR ": " $2 }' /proc/net/softnet_stat
	for host in net ir tr uae lan-ir lan-tr lan-uae; do
		# shellcheck disable=SC2016 # for the shell in there
		on $host sh -c 'grep -H . /sys/class/net/*/statistics/*drop* |
			sed "s|.*/net/|$1: |"
			nft list ruleset | grep "packets.*drop" |
			sed "s/^/$1:/"' sh $host
	done
}
flows_stop() {	# TEST
	local flow line
	for flow in there back; do
		line=$(udp_flow_stop $flow)
		echo "# $flow: $line"
		is "$1: no packet lost, $flow" "$(udp_flow_get lost "$line")" 0
		is "$1: none refused, $flow" "$(udp_flow_get failed "$line")" 0
		check "$1: it was a flow, $flow" \
			[ "$(udp_flow_get sent "$line")" -gt 3000 ]
		[ "$(udp_flow_get lost "$line")" -eq 0 ] ||
			drops | diff drops.before - | sed 's/^/#   /'
	done
}

# turn NODE OTHER: NODE goes over to the document, by the wg-quick file first
# or at once.
turn() {
	local host=$1 n=${site_number[$1]} other=${site_number[$2]}

	check "$host: a flow each way" eval \
		"udp_flow_start there lan-$host lan-$2 192.168.$other.10 \
			4001 1000 0 &&
		udp_flow_start back lan-$2 lan-$host fd00:$n::10 4002 1000 0"
	drops > drops.before
	ifindex "$host" > index.before
	handshakes "$host" > shakes.before
	transfer "$host" > bytes.before
	exits "$host: apply leaves wg-quick's device alone" 7 \
		on "$host" "$meshapply" office.json
	says "$host" 'meshapply adopt wg0'
	if [ "$host" = tr ]; then
		check "$host: adopt, by the document" \
			on "$host" "$meshapply" adopt wg0 office.json
	else
		check "$host: adopt" on "$host" "$meshapply" adopt \
			--mesh=office wg0
		kept "$host: adopted" "$host"
	fi
	check "$host: apply the document" on "$host" "$meshapply" office.json
	sed 's/^/#   /' $vm_state/output
	kept "$host: applied" "$host"
	check "$host: a second apply writes nothing" \
		writes_nothing "$host" "$meshapply" office.json
	sleep 1
	flows_stop "$host"
}
turn ir tr
turn tr uae
turn uae ir
lans_ping document ir tr uae
for host in ir tr uae; do
	is "$host: routes are ours" "$(ip -n $host -N route show dev wg0 |
		grep -cv 'proto \(77\|2\) ')" 0
	check "$host: the table of the mesh" on $host nft list table inet \
		meshapply_office
	check "$host: remove" on $host "$meshapply" remove office
	same "$host: as it was before wg-quick" $host.before \
		<(snapshot $host | without_redirects)
done
done_testing
