#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# VM_INIT: systemd
#
# The real systemd-networkd, NetworkManager and nftables.service beside a mesh:
# what each does to it, that doctor finds it, and that what doctor says ends it;
# and devices of the first two taken over as they run.
# shellcheck disable=SC2154
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

# Daemons that are users of their own read what is written.
umask 022

# The host may have kept something of a mesh.
rm -rf /etc/meshapply /var/lib/meshapply /run/meshapply

# What a systemd of the test machine does not start by itself.
rm -f /etc/systemd/system/dbus.* /etc/systemd/system/systemd-udevd*
systemctl daemon-reload
check 'udev and the bus run' systemctl start systemd-udevd dbus.socket dbus

doctor() { "$meshapply" doctor "$@"; }
found() { doctor --json 2>/dev/null | jq -r '.findings[].id' | sort | xargs; }
# The commands that JQ makes of what doctor, or a refusal, has to say.
steps='(if .file then "mkdir -p \(.file | sub("/[^/]*$"; "") | @sh)\n" +
	"printf %s \(.content | @sh) > \(.file | @sh)\n" else "" end) +
	(.commands | join("\n"))'
obey() {
	doctor --json "$@" 2>/dev/null |
		jq -r ".findings[] | $steps" > todo
	sed 's/^/#   /' todo
	bash -e todo
}
# The same of adopt, which tells it in words: what is indented.
obey_refusal() {
	"$meshapply" --json adopt "$@" 2>/dev/null |
		jq -r '.notes[]' > told
	awk '/^write .*:$/ { file = substr($2, 1, length($2) - 1)
			sub("/[^/]*$", "", $2); print "mkdir -p " $2
			print ": > " file; next }
		/^(then )?run:$/ { file = ""; next }
		/^    / { line = substr($0, 5)
			if (file) print "echo '"'"'" line "'"'"' >> " file
			else print line; next }
		{ file = "" }' told > todo
	sed 's/^/#   /' todo
	bash -e todo
}

ip link add up0 type dummy
ip addr add 192.0.2.1/24 dev up0
ip link set up0 up
(umask 077; keys a b)
cat > wg0.conf <<END
[Interface]
PrivateKey = $(key a)
Address = 10.0.0.1/24
ListenPort = 51820
[Peer]
PublicKey = $(pub b)
AllowedIPs = 0.0.0.0/0
Endpoint = 192.0.2.2:51820
END
check 'a mesh that takes everything' "$meshapply" apply wg0.conf
is 'nobody runs yet' "$(found)" ''
our_rules() { ip rule | grep 'proto 77'; }
our_rules > rules
check 'it has rules' test -s rules

### systemd-networkd and rules

check 'networkd runs' systemctl start systemd-networkd
exits 'networkd: warnings' 1 doctor
is 'networkd: by their names' "$(found)" 'networkd-routes networkd-rules'
mkdir -p /etc/systemd/network
sets_up() {	# LINK: networkd configures it
	printf '[Match]\nName=%s\n[Network]\nAddress=198.51.100.1/24\n' "$1" \
		> "/etc/systemd/network/$1.network"
	ip link add "$1" type dummy
	networkctl reload
	wait_for 60 grep -q ADMIN_STATE=configured \
		"/run/systemd/netif/links/$(< "/sys/class/net/$1/ifindex")"
}
check 'networkd: it sets a link up' sets_up one0
is 'networkd: our rules are gone' "$(our_rules)" ''
exits 'networkd: the plan' 2 "$meshapply" plan --detailed-exitcode wg0.conf
says 'networkd: the plan' '(drift)'
check 'networkd: apply mends it' "$meshapply" apply wg0.conf
our_rules > rules
check 'networkd: ended' obey
is 'networkd: nothing is found' "$(found)" ''
check 'networkd: it sets another link up' sets_up two0
same 'networkd: our rules stay' rules <(our_rules)

### systemd-networkd and our link

printf '[Match]\nKind=wireguard\n[Network]\nAddress=203.0.113.9/32\n' \
	> /etc/systemd/network/all.network
networkctl reload
address() { ip -o addr show dev wg0 | grep -q 203.0.113.9; }
check 'a .network of all: it takes the link' wait_for 60 address
exits 'a .network of all: errors' 2 doctor
says 'a .network of all' 'manages wg0, by /etc/systemd/network/all.network'
check 'a .network of all: ended' obey
is 'a .network of all: nothing is found' "$(found)" ''
rm /etc/systemd/network/all.network
check 'a .network of all: apply mends it' "$meshapply" apply wg0.conf
check 'remove' "$meshapply" remove wg0
rm -f /etc/systemd/network/00-meshapply-wg0.network

### A device of systemd-networkd

rm /etc/systemd/networkd.conf.d/meshapply.conf
umask 077
printf '%s\n' '[NetDev]' Name=wg1 Kind=wireguard '[WireGuard]' \
	"PrivateKey=$(key a)" ListenPort=51821 RouteTable=main \
	'[WireGuardPeer]' "PublicKey=$(pub b)" \
	AllowedIPs=10.1.0.2/32,10.50.0.0/24 Endpoint=192.0.2.2:51821 \
	> /etc/systemd/network/wg1.netdev
chgrp systemd-network /etc/systemd/network/wg1.netdev
chmod 640 /etc/systemd/network/wg1.netdev
umask 022
printf '%s\n' '[Match]' Name=wg1 '[Network]' Address=10.1.0.1/24 '[Route]' \
	Destination=10.60.0.0/24 > /etc/systemd/network/wg1.network
# device DEVICE PORT NET: the same as a file of wg-quick
quick() {
	cat > "$1.conf" <<-END
	[Interface]
	PrivateKey = $(key a)
	Address = $3.1/24
	ListenPort = $2
	[Peer]
	PublicKey = $(pub b)
	AllowedIPs = $3.2/32, 10.50.0.0/24
	Endpoint = 192.0.2.2:$2
	END
}
quick wg1 51821 10.1.0
networkctl reload
has_route() { ip route show "$1" dev "$2" | grep -q .; }
check 'adopt from networkd: it makes the device' \
	wait_for 60 has_route 10.60.0.0/24 wg1
stays() {	# DEVICE: whoever owns it
	cat "/sys/class/net/$1/ifindex"
	ip -o addr show dev "$1"
	# But those that the address has anyway.
	ip route show dev "$1" | grep -v "^10.[0-9].0.2 " | sed \
		's/ proto [a-z0-9]*//; s/ metric [0-9]*//; s/ scope link//' |
		sort
	wg show "$1" peers
	wg show "$1" allowed-ips
}
stays wg1 > before
exits 'adopt from networkd: refused' 7 "$meshapply" adopt wg1 wg1.conf
says 'adopt from networkd' 'wg1 is managed by somebody else'
also 'adopt from networkd' 'systemd-networkd manages wg1'
same 'adopt from networkd: nothing has changed' before <(stays wg1)
check 'adopt from networkd: what it says is done' \
	obey_refusal wg1 wg1.conf
sleep 3
same 'adopt from networkd: nothing was lost by that' before <(stays wg1)
check 'adopt from networkd: adopted' "$meshapply" adopt wg1 wg1.conf
same 'adopt from networkd: as it was' before <(stays wg1)
is 'adopt from networkd: the routes of peers are ours' \
	"$(ip route show dev wg1 proto 77)" '10.50.0.0/24 scope link '
is 'adopt from networkd: another one is not' \
	"$(ip route show dev wg1 proto static)" '10.60.0.0/24 scope link '
is 'adopt from networkd: nothing is found' "$(found)" ''
check 'adopt from networkd: networkd is started again' \
	systemctl restart systemd-networkd
sleep 3
same 'adopt from networkd: still as it was' before <(stays wg1)
exits 'adopt from networkd: nothing to do' 0 "$meshapply" plan \
	--detailed-exitcode wg1.conf
check 'adopt from networkd: removed' "$meshapply" remove --force=foreign wg1
is 'adopt from networkd: nothing is kept' "$(ls /var/lib/meshapply)" ''
systemctl stop systemd-networkd.socket systemd-networkd

### NetworkManager

if [ ! -x /usr/sbin/NetworkManager ]; then
	skip 'NetworkManager' 'it is not installed'
else
check 'NetworkManager runs' systemctl start NetworkManager
check 'a mesh beside it' "$meshapply" apply wg0.conf
knows() { nmcli -g DEVICE,STATE device | grep -q "^$1:$2"; }
check 'NetworkManager sees it' wait_for 60 knows wg0 'connected (ext'
exits 'NetworkManager: warnings' 1 doctor
is 'NetworkManager: by its name' "$(found)" networkmanager-link
"$meshapply" plan --json wg0.conf | jq .plan.steps > steps
check 'NetworkManager: ended' obey
check 'NetworkManager: leaves it alone' wait_for 60 knows wg0 unmanaged
is 'NetworkManager: nothing is found' "$(found)" ''
exits 'NetworkManager: it took nothing away' 0 "$meshapply" plan \
	--detailed-exitcode wg0.conf
check 'NetworkManager: remove' "$meshapply" remove wg0

quick wg2 51822 10.2.0
mkdir nm
cp wg2.conf nm/
check 'adopt from NetworkManager: it makes the device' \
	nmcli connection import type wireguard file nm/wg2.conf
check 'adopt from NetworkManager: with its routes' \
	wait_for 60 has_route 10.50.0.0/24 wg2
stays wg2 > before
exits 'adopt from NetworkManager: refused' 7 "$meshapply" adopt wg2 wg2.conf
says 'adopt from NetworkManager' 'NetworkManager manages wg2'
check 'adopt from NetworkManager: what it says is done' \
	obey_refusal wg2 wg2.conf
check 'adopt from NetworkManager: leaves it alone' \
	wait_for 60 knows wg2 unmanaged
same 'adopt from NetworkManager: nothing was lost by that' \
	before <(stays wg2)
check 'adopt from NetworkManager: adopted' "$meshapply" adopt wg2 wg2.conf
same 'adopt from NetworkManager: as it was' before <(stays wg2)
is 'adopt from NetworkManager: the routes of peers are ours' \
	"$(ip route show 10.50.0.0/24 dev wg2)" '10.50.0.0/24 proto 77 scope link '
is 'adopt from NetworkManager: nothing is found' "$(found)" ''
check 'adopt from NetworkManager: it is started again' \
	systemctl restart NetworkManager
check 'adopt from NetworkManager: leaves it alone still' \
	wait_for 60 knows wg2 unmanaged
same 'adopt from NetworkManager: still as it was' before <(stays wg2)
exits 'adopt from NetworkManager: nothing to do' 0 "$meshapply" plan \
	--detailed-exitcode wg2.conf
check 'adopt from NetworkManager: removed' "$meshapply" remove wg2
systemctl stop NetworkManager
fi

### nftables.service

mkdir site
cat > site/wireguard.conf <<END
#@ mesh site
#@ interface wg3
#@ private-key-file site.key
#@ sysctl net.ipv4.ip_forward = 1
[Interface]
Address = 10.3.0.1/24
Table = off
END
cat > site/firewall.nft <<'END'
table inet meshapply_site {
	chain forwarded { type filter hook forward priority 0; policy accept; }
}
END
install -d -m 700 /etc/meshapply/keys
(umask 077; cp a.key /etc/meshapply/keys/site.key)
printf '#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter { }\n' \
	> /etc/nftables.conf
check 'nftables.service runs' systemctl enable --now nftables
check 'a mesh with a table' "$meshapply" apply ./site
exits 'nftables.service: warnings' 1 doctor
is 'nftables.service: by its name' "$(found)" nftables-flush
systemctl reload nftables
fails 'nftables.service: our table is gone' \
	nft list table inet meshapply_site
check 'nftables.service: mended' "$meshapply" apply ./site
check 'nftables.service: ended' obey
is 'nftables.service: nothing is found' "$(found)" ''
systemctl reload nftables
check 'nftables.service: our table stays' nft list table inet meshapply_site
systemctl restart nftables
check 'nftables.service: also when it is started again' \
	nft list table inet meshapply_site
systemctl disable --now nftables

check 'nftables.service: remove' "$meshapply" remove site
done_testing
