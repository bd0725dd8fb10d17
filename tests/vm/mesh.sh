# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two and three hosts with a wg-quick file each: what the kernel then has is
# what the files say; a second run writes nothing; a change writes only what
# changed.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

three_hosts
for host in a b c; do
	check "$host: first apply" on $host "$meshapply" $host/wg0.conf
done

for pair in "a 10.0.0.2" "a 10.0.0.3" "b 10.0.0.3" "c 10.0.0.1" \
	"a fd00::2" "b fd00::3" "c fd00::1" "a 192.168.2.1"; do
	read -r from to <<< "$pair"
	check "$from pings $to through the tunnel" \
		on "$from" ping -q -c 1 -W 10 "$to"
done

# What the stock tools see agrees with the file.
is "a: wg show has both peers and their allowed IPs" \
	"$(on a wg show wg0 allowed-ips | sort)" \
	"$(printf '%s\n' "$(pub b)	10.0.0.2/32 192.168.2.0/24 fd00::2/128" \
		"$(pub c)	10.0.0.3/32 fd00::3/128" | sort)"
is "a: endpoints" "$(on a wg show wg0 endpoints | sort)" \
	"$(printf '%s\n' "$(pub b)	192.0.2.2:51820" \
		"$(pub c)	[2001:db8::3]:51820" | sort)"
is "a: the preshared key" "$(on a wg show wg0 preshared-keys |
	grep -F "$(pub b)")" "$(pub b)	$(psk)"
is "a: keepalive" "$(on a wg show wg0 persistent-keepalive | sort)" \
	"$(printf '%s\n' "$(pub b)	25" "$(pub c)	off" | sort)"
is "a: port" "$(on a wg show wg0 listen-port)" 51820
is "a: addresses in the order of the file" \
	"$(on a ip -j addr show dev wg0 | jq -r '.[0].addr_info[] |
		select(.scope == "global") | "\(.local)/\(.prefixlen)"' |
		sort)" "$(printf '10.0.0.1/24\nfd00::1/64')"
is "a: routes of ours" "$(on a ip -j route show proto 77 |
	jq -r '.[] | "\(.dst) \(.dev)"')" "192.168.2.0/24 wg0"
is "a: the alias" "$(on a ip -j link show wg0 | jq -r '.[0].ifalias')" \
	meshapply:wg0
is "a: no rule of ours" "$(on a ip -j rule | jq 'map(select(.protocol ==
	"77")) | length')" 0

# The second run: nothing is sent that changes anything, no file is written.
before=$(fingerprint a)
check "a: second apply" writes_nothing a "$meshapply" a/wg0.conf
is "a: no file and no time stamp changed" "$(fingerprint a)" "$before"
exits "a: --detailed-exitcode says nothing changed" 0 \
	on a "$meshapply" --detailed-exitcode a/wg0.conf
exits "a: plan says the same" 0 on a "$meshapply" plan --detailed-exitcode \
	a/wg0.conf

# A change is that change alone.
on a ping -q -c 1 -W 10 10.0.0.3 >/dev/null
change_a() { sed -i "$1" a/wg0.conf; }
# Key, preshared key, endpoint, allowed IPs, last handshake. Bytes may grow: a
# keepalive of WireGuard's own comes when it wants; a reset would be a new
# handshake.
other_before() { on a wg show wg0 dump | grep -F "$(pub c)" | cut -f 1-5; }

c_before=$(other_before)
change_a 's/192.168.2.0\/24/192.168.2.0\/24, 192.168.22.0\/24/'
exits "a: plan of one more allowed IP is a change" 2 \
	on a "$meshapply" plan --detailed-exitcode a/wg0.conf
check "a: one more allowed IP" on a "$meshapply" a/wg0.conf
check "a: it is there" grep -q 192.168.22.0/24 <(on a wg show wg0 allowed-ips)
check "a: its route too" grep -q 192.168.22.0/24 <(on a ip route)
is "a: the other peer did not notice" "$(other_before)" "$c_before"

b_handshake=$(on a wg show wg0 latest-handshakes | grep -F "$(pub b)")
change_a 's/, 192.168.22.0\/24//'
check "a: one allowed IP less" on a "$meshapply" a/wg0.conf
fails "a: it is gone" grep -q 192.168.22.0/24 \
	<(on a wg show wg0 allowed-ips)
is "a: its peer kept its session" \
	"$(on a wg show wg0 latest-handshakes | grep -F "$(pub b)")" \
	"$b_handshake"

change_a 's/PersistentKeepalive = 25/PersistentKeepalive = 21/'
check "a: a keepalive" on a "$meshapply" a/wg0.conf
check "a: it is set" grep -q "	21$" <(on a wg show wg0 persistent-keepalive)

new_psk=$(wg genpsk)
change_a "s|^PresharedKey = .*|PresharedKey = $new_psk|"
check "a: a preshared key" on a "$meshapply" a/wg0.conf
check "a: it is set" grep -qF "$new_psk" <(on a wg show wg0 preshared-keys)
is "a: the other peer did not notice all that" "$(other_before)" "$c_before"
sed -i "s|^PresharedKey = .*|PresharedKey = $new_psk|" b/wg0.conf
check "b follows" on b "$meshapply" b/wg0.conf

# An endpoint learned by roaming stays; a new one in the file is taken.
on b ip addr add 192.0.2.22/24 dev eth0
on a wg set wg0 peer "$(pub b)" endpoint 192.0.2.22:51820
check "a: a ping over the roamed endpoint" on a ping -q -c 1 -W 10 10.0.0.2
check "a: the roamed endpoint is no difference" writes_nothing a \
	"$meshapply" a/wg0.conf
is "a: and stays" "$(on a wg show wg0 endpoints | grep -F "$(pub b)")" \
	"$(pub b)	192.0.2.22:51820"
on b ip addr add 192.0.2.23/24 dev eth0
change_a 's/^Endpoint = 192.0.2.2:/Endpoint = 192.0.2.23:/'
check "a: the file's new endpoint" on a "$meshapply" a/wg0.conf
is "a: is taken" "$(on a wg show wg0 endpoints | grep -F "$(pub b)")" \
	"$(pub b)	192.0.2.23:51820"

# A peer added, one removed.
d=$(wg genkey | wg pubkey)
printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.4/32\n' "$d" >> a/wg0.conf
check "a: a peer added" on a "$meshapply" a/wg0.conf
check "a: it is there" grep -qF "$d" <(on a wg show wg0 peers)
is "a: the others did not notice" "$(other_before)" "$c_before"
head -n -4 a/wg0.conf > a/new && mv a/new a/wg0.conf && chmod 600 a/wg0.conf
check "a: a peer removed" on a "$meshapply" a/wg0.conf
fails "a: it is gone" grep -qF "$d" <(on a wg show wg0 peers)
is "a: still the others did not notice" "$(other_before)" "$c_before"
check "a: and pings" on a ping -q -c 1 -W 10 10.0.0.3

on b ip addr del 192.0.2.22/24 dev eth0
on b ip addr del 192.0.2.23/24 dev eth0

# Status, then away with it.
check "a: status" on a "$meshapply" status wg0
check "a: status says as applied" grep -q 'mesh wg0: as applied' \
	<(on a "$meshapply" status wg0)
on a wg set wg0 peer "$(pub c)" allowed-ips 10.0.0.3/32
check "a: status sees drift" grep -q drifted <(on a "$meshapply" status)
check "a: apply mends it" on a "$meshapply" a/wg0.conf
for host in a b c; do
	check "$host: remove" on $host "$meshapply" remove wg0
	check "$host: remove again is a success" on $host "$meshapply" \
		remove wg0
	same "$host: as it was before the first apply" \
		"$work/$host.before" <(snapshot $host | without_redirects)
	is "$host: no file is left" "$(on $host find /run/meshapply \
		/var/lib/meshapply -mindepth 1 ! -name sysctls)" ""
done
done_testing
