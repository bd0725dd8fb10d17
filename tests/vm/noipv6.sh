# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# VM_APPEND: ipv6.disable=1
#
# A kernel without IPv6: asked for IPv6's addresses and routes it tells those of
# IPv4 once more, and none of its routes can be looked up.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

keys a b
ip link add eth0 type dummy
ip address add 192.0.2.1/24 dev eth0
ip link set eth0 up
ip route add default via 192.0.2.2
cat > wg0.conf <<END
[Interface]
PrivateKey = $(key a)
Address = 10.0.0.1/24, 10.0.0.7/24
[Peer]
PublicKey = $(pub b)
Endpoint = 192.0.2.2:51820
AllowedIPs = 10.0.0.2/32, 192.168.2.0/24
END
check 'there is no IPv6' test ! -e /proc/sys/net/ipv6
before=$(ip address; ip route; ip rule)

check 'first apply' "$meshapply" wg0.conf
is 'the addresses, in their order' \
	"$(ip -j address show wg0 | jq -r '.[0].addr_info[].local')" \
	"$(printf '10.0.0.1\n10.0.0.7')"
is 'the route' "$(ip -j route show proto 77 | jq -r '.[].dst')" 192.168.2.0/24
is 'the MTU' "$(cat /sys/class/net/wg0/mtu)" 1440
exits 'a second run changes nothing' 0 \
	"$meshapply" --detailed-exitcode wg0.conf
sed -i 's/, 10.0.0.7\/24//; s/192.168.2/192.168.3/' wg0.conf
check 'a change' "$meshapply" wg0.conf
is 'the route is another one' \
	"$(ip -j route show proto 77 | jq -r '.[].dst')" 192.168.3.0/24
exits 'and that is all' 0 "$meshapply" --detailed-exitcode wg0.conf
check 'removed' "$meshapply" remove wg0
is 'as before' "$(ip address; ip route; ip rule)" "$before"

done_testing
