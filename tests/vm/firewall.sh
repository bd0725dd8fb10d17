# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The firewall of a folder, under a flow through the tunnel: set elements
# change without the table being swapped, the table is swapped in one
# transaction, nothing is lost; every construct settles; edits by hand are
# seen; a failed load leaves the table as it was.
set -u
. tests/vm/lib.sh
project=$PWD
. tests/vm/meshapply.sh

keys a b
host_add a b
link_hosts a eth0 192.0.2.1/24 b eth0 192.0.2.2/24
snapshot a | without_redirects > a.before
for host in a b; do
	on $host install -m 700 -d /etc/meshapply/keys
	on $host cp $host.key /etc/meshapply/keys/
done
mkdir a b
folder() {	# HOST ADDRESS PEER ADDRESS ENDPOINT
	printf '#@ mesh office\n#@ interface wg0\n#@ private-key-file %s\n' \
		"$1.key"
	printf '[Interface]\nAddress = %s/24\nListenPort = 51820\n' "$2"
	printf 'Table = off\n\n[Peer]\nPublicKey = %s\n' "$(pub "$3")"
	printf 'AllowedIPs = %s/32\nEndpoint = %s:51820\n' "$4" "$5"
}
folder a 10.0.0.1 b 10.0.0.2 192.0.2.2 > a/wireguard.conf
folder b 10.0.0.2 a 10.0.0.1 192.0.2.1 > b/wireguard.conf

firewall() {	# ELEMENTS MORE-RULES
	cat <<-NFT
	# members alone
	table inet meshapply_office {
		counter seen { }
		set member4 {
			type ipv4_addr
			flags interval
			counter
			elements = { $1 }
		}
		chain forward_mesh {
			type filter hook forward priority filter; policy accept;
			tcp flags syn / syn,rst tcp option maxseg size set rt mtu
		}
		chain input_mesh {
			type filter hook input priority filter; policy accept;
			iifname != "wg0" accept
			counter name seen
			ip saddr @member4 counter accept
			$2
			ip saddr 10.0.0.0/24 drop
		}
	}
	NFT
}
firewall "10.0.0.2, 10.0.0.8/30" "" > a/firewall.nft
check "b: apply" on b "$meshapply" "$work/b"
check "a: apply with a firewall" on a "$meshapply" "$work/a"
check "a: a second apply writes nothing" writes_nothing a "$meshapply" "$work/a"
check "a: answers" on b ping -q -c 1 -W 10 10.0.0.1

seen() { on a nft list counter inet meshapply_office seen |
	grep -o 'packets [0-9]*'; }
lost_none() {	# NAME FLOW
	local line
	sleep 1
	line=$(udp_flow_stop "$2")
	echo "# $1: $line"
	is "$1: nothing is lost" "$(udp_flow_get lost "$line")" 0
	check "$1: it was a flow" test "$(udp_flow_get received "$line")" -gt 100
}

# Elements: a delta, counters of the table go on.
udp_flow_start one b a 10.0.0.1 4000 1000 0
wait_for 10 test -n "$(seen)"
before=$(seen)
firewall "10.0.0.2, 10.0.0.16/28, 10.0.0.99" "" > a/firewall.nft
check "elements: plan" on a "$meshapply" plan "$work/a"
says "elements: as elements" "set elements"
check "elements: apply" on a "$meshapply" "$work/a"
check "elements: they are there" grep -q 10.0.0.16/28 \
	<(on a nft list set inet meshapply_office member4)
fails "elements: the old ones are gone" grep -q 10.0.0.8/30 \
	<(on a nft list set inet meshapply_office member4)
check "elements: the counter went on" test "$(seen | cut -d ' ' -f 2)" -gt \
	"$(cut -d ' ' -f 2 <<< "$before")"
check "elements: a second apply writes nothing" writes_nothing a \
	"$meshapply" "$work/a"
lost_none elements one

# A rule: the whole table in one transaction.
udp_flow_start two b a 10.0.0.1 4001 1000 0
firewall "10.0.0.2, 10.0.0.16/28, 10.0.0.99" \
	"ip saddr 10.0.0.77 udp dport 1-100 counter accept" > a/firewall.nft
check "swap: apply" on a "$meshapply" "$work/a"
check "swap: the rule is there" grep -q 10.0.0.77 \
	<(on a nft list table inet meshapply_office)
check "swap: a second apply writes nothing" writes_nothing a \
	"$meshapply" "$work/a"
lost_none swap two

# Somebody's hand is seen and mended.
on a nft add rule inet meshapply_office input_mesh counter
exits "by hand: a plan sees it" 2 on a "$meshapply" plan \
	--detailed-exitcode "$work/a"
exits "by hand: without a way back it is refused" 0 on a "$meshapply" "$work/a"
exits "by hand: then all is well" 0 on a "$meshapply" plan \
	--detailed-exitcode "$work/a"
on a nft delete table inet meshapply_office
check "deleted by hand: apply" on a "$meshapply" "$work/a"
check "deleted by hand: it is back" on a nft list table inet meshapply_office

# What nft refuses is an error at its place, and nothing has changed.
snapshot a > a.now
sed -i 's/ip saddr 10.0.0.77/ip saddr 10.0.0.777/' a/firewall.nft
exits "an error in the text" 65 on a "$meshapply" "$work/a"
says "an error in the text" "firewall.nft:"
same "an error in the text: nothing has changed" a.now <(snapshot a)

# Every construct that this kernel has settles in one run.
modprobe -a nf_conntrack_ftp nft_synproxy nft_osf 2>/dev/null
sed 's/meshapply_constructs/meshapply_office/' \
	"$project/tests/netns/constructs.nft" > a/firewall.nft
check "constructs: apply" on a "$meshapply" "$work/a"
check "constructs: the second run has nothing to change" writes_nothing a \
	"$meshapply" "$work/a"
on b ping -q -c 2 -W 5 10.0.0.1 >/dev/null
exits "constructs: nor after traffic" 0 on a "$meshapply" plan \
	--detailed-exitcode "$work/a"

check "a: no firewall any more" rm a/firewall.nft
check "a: apply without" on a "$meshapply" "$work/a"
fails "a: the table is gone" on a nft list table inet meshapply_office
check "a: remove" on a "$meshapply" remove office
same "a: as it was" a.before <(snapshot a | without_redirects)
done_testing
