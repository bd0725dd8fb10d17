#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# VM_INIT: systemd
#
# Installed as `make install` does it, and a mesh document under the units: run
# as a user of its own with the rights to the network alone, by the timer, on
# failure; and taken away again.
# shellcheck disable=SC2016,SC2154,SC2317 # functions are called by check
set -eu
project=$PWD
. tests/vm/lib.sh

work=$(mktemp -d)
unit=meshapply@office.service
timer=meshapply@office.timer
drop=/etc/systemd/system/$unit.d
keys=/etc/meshapply/keys
PATH=$PATH:/lib/systemd

# Whatever has our name in these folders. No deeper, and not in the folders of
# others' documents: that takes long here.
ours() {
	find /etc /usr/lib/*.d /lib/systemd /usr/sbin /usr/libexec \
		/usr/share/man /usr/share/doc/meshapply /usr/share/meshapply \
		/var/lib /run -xdev -maxdepth 3 \
		-name '*meshapply*' ! -path '/run/vm/*' 2>/dev/null | sort
}
listing() {
	(cd /etc && find . -xdev ! -name '*-' ! -name .pwd.lock | sort)
	(cd /var/lib && find . -xdev -path '*/systemd/*' -prune -o -print |
		sort)
}
prop() { systemctl show --value -p "$1" "$2"; }
# What the unit's runs have written since it was asked for last.
said() {
	journalctl --sync
	journalctl -q -o cat --cursor-file="$work/cursor" \
		_SYSTEMD_UNIT="$unit" >"$work/said"
}
says() { check "$1: it says $2" grep -qF -- "$2" "$work/said"; }
start_unit() {
	local status=0
	systemctl start "$unit" || status=$?
	said
	cat "$work/said"
	return "$status"
}
reload() { systemctl daemon-reload; }
# Files of the state, with what would tell that they were written anew.
state() {
	find /var/lib/meshapply -type f -printf '%p %i %s %T@ %U %m ' \
		-exec sha256sum {} \; | sort
}
# Whatever does not belong to the service.
strangers() {
	find /run/meshapply /var/lib/meshapply \
		! \( -user meshapply -group meshapply \) -printf '%p %u:%g\n'
}
# The kernel's part of the mesh, without sessions and handles.
kernel() {
	wg showconf wg-office | sort
	ip -d -4 route show dev wg-office
	ip -d -6 route show dev wg-office
	nft -s list table inet meshapply_office
	forwarding
}
forwarding() {
	sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding
}
# A key's value in the document, by jq.
change() {
	jq "$@" /etc/meshapply/office.json >"$work/changed"
	cat "$work/changed" >/etc/meshapply/office.json
}

### Installing

rm -rf /etc/meshapply /var/lib/meshapply /run/meshapply
mkdir -p /etc/wireguard
listing >"$work/before"
make -s -C "$project" RELEASE=1 install-files >"$work/install.log"
check "the next steps are named" grep -q systemd-sysusers "$work/install.log"
check "the user is made" systemd-sysusers meshapply.conf
# As a run by root that was too early would leave them.
mkdir -p /var/lib/meshapply/early/applied /run/meshapply/early
check "the folders are made" systemd-tmpfiles --create meshapply.conf
check "the modules are named to be loaded at boot" bash -c '
	modprobe -r wireguard && ! [ -d /sys/module/wireguard ] &&
	systemctl restart systemd-modules-load.service
	[ -d /sys/module/wireguard ] && [ -d /sys/module/nf_tables ]'
reload
is "the folder of keys is root's alone" "$(stat -c '%U:%G %a' $keys)" \
	"root:root 700"
is "the folder of states is the service's" \
	"$(stat -c '%U:%G %a' /var/lib/meshapply)" "meshapply:meshapply 755"
is "with all that is in it" "$(strangers)" ""
rm -r /var/lib/meshapply/early /run/meshapply/early
check "routes are shown by the mesh's protocol" bash -c '
	ip route add 198.51.100.0/24 dev lo proto 77
	ip route show proto meshapply | grep -q 198.51.100.0
	ip route del 198.51.100.0/24 dev lo'

### A mesh of this host and b

host_add b
ip link add veth0 type veth peer name eth0 netns b
ip link set veth0 up
ip addr add 192.0.2.1/24 dev veth0
ip addr add 10.97.0.1/32 dev lo
ip -n b link set eth0 up
ip -n b addr add 192.0.2.2/24 dev eth0
umask 077
for name in a b; do
	wg genkey >"$work/$name.key"
	wg pubkey <"$work/$name.key" >"$work/$name.pub"
done
wg genpsk >"$work/ab.psk"
cp "$work/a.key" $keys/office.key
cp "$work/ab.psk" $keys/ab.psk
umask 022
echo '192.0.2.2 b.example.net' >>/etc/hosts

on b ip link add wg9 type wireguard
on b wg set wg9 private-key "$work/b.key" listen-port 51820 \
	peer "$(<"$work/a.pub")" preshared-key "$work/ab.psk" \
	allowed-ips 10.9.0.1/32,10.97.0.0/24
on b ip addr add 10.9.0.2/24 dev wg9
on b ip link set wg9 up
on b ip route add 10.97.0.0/24 dev wg9

cat >/etc/meshapply/office.json <<END
{
  "meshapply": 1,
  "mesh": "office",
  "overlay": ["10.9.0.0/24", "fd00:9::/64"],
  "nodes": {
    "a": {
      "public_key": "$(<"$work/a.pub")",
      "addresses": ["10.9.0.1", "fd00:9::1"],
      "endpoint": "192.0.2.1:443",
      "subnets": ["10.97.0.0/24", "fd00:97::/64"]
    },
    "b": {
      "public_key": "$(<"$work/b.pub")",
      "addresses": ["10.9.0.2", "fd00:9::2"],
      "endpoint": "b.example.net",
      "subnets": ["10.99.0.0/24", "fd00:99::/64"]
    }
  },
  "links": [{ "between": ["a", "b"], "preshared_key_file": "ab.psk" }]
}
END
echo 'source = office.json' >/etc/meshapply/office.conf

### Run as a service

# What the processes of the unit really are, told by one of them.
mkdir -p "$drop"
cat >"$drop/look.conf" <<END
[Service]
ExecStartPre=/bin/sh -c 'grep -E "^(Uid|Cap|NoNewPrivs|Seccomp:)" \
	/proc/self/status; touch /etc/meshapply/x || echo etc is closed; \
	cat $keys/office.key || echo keys are closed'
END
reload
is "nothing is forwarded yet" "$(forwarding)" $'0\n0'
check "the service applies the document" start_unit
uid=$(id -u meshapply)
net_admin=0000000000001400
for line in "Uid:	$uid	$uid	$uid	$uid" "CapEff:	$net_admin" \
	"CapPrm:	$net_admin" "CapBnd:	$net_admin" \
	"NoNewPrivs:	1" "Seccomp:	2" "etc is closed" "keys are closed"; do
	says "confined" "$line"
done
rm "$drop/look.conf"
reload
check "the tunnel works" ping -c 1 -W 5 10.9.0.2
check "and reaches the subnet" on b ping -c 1 -W 5 -I 10.9.0.2 10.97.0.1
check "the firewall is loaded, of what the document says" bash -c \
	'nft list set inet meshapply_office mesh_members4 | grep -q 10.99.0.0'
check "it was compiled, not only checked" bash -c \
	"! grep -i unchecked '$work/said'"
is "a node with subnets forwards" "$(forwarding)" $'1\n1'
is "a listen port that takes a right of its own" \
	"$(wg show wg-office listen-port)" 443
check "the endpoint's name was resolved" bash -c \
	'wg show wg-office endpoints | grep -q 192.0.2.2:51820'
is "what is kept is the service's" "$(strangers)" ""
is "the unit has ended well" \
	"$(prop Result $unit) $(prop ActiveState $unit)" "success inactive"

state >"$work/state"
kernel >"$work/kernel"
check "a second start" start_unit
says "a second start" "nothing to do"
state >"$work/state.2"
kernel >"$work/kernel.2"
same "a second start writes no file" "$work/state" "$work/state.2"
same "a second start changes nothing" "$work/kernel" "$work/kernel.2"
check "status agrees" meshapply status office
cp $vm_state/output "$work/said"
says "status" "mesh office: as applied"

### By root in between

cp /etc/meshapply/office.json "$work/"
change '.nodes.b.subnets += ["10.98.0.0/24"]'
check "a run by root" meshapply apply office
is "keeps the owner of what is kept" "$(strangers)" ""
check "the route is there" bash -c \
	'[ -n "$(ip route show 10.98.0.0/24 dev wg-office)" ]'
cp "$work/office.json" /etc/meshapply/
check "the service goes on from there" start_unit
says "after root" "10.98.0.0/24"
kernel >"$work/kernel.2"
same "as before" "$work/kernel" "$work/kernel.2"

### The timer

cat >"$work/soon.conf" <<'END'
[Timer]
OnCalendar=
OnCalendar=*:*:0/3
RandomizedDelaySec=0
AccuracySec=100ms
END
is "the timer is persistent" "$(prop Persistent $timer)" yes
mkdir -p "/etc/systemd/system/$timer.d"
cp "$work/soon.conf" "/etc/systemd/system/$timer.d/"
reload
check "service and timer are enabled" systemctl enable --now $timer $unit
repaired() { [ -n "$(ip route show 10.99.0.0/24)" ]; }
ip route del 10.99.0.0/24 dev wg-office
check "a run by the timer repairs what drifted" wait_for 90 repaired
said
says "the timer's run" "drift"
check "both are disabled" systemctl disable --now $timer $unit
is "nothing is enabled any more" "$(systemctl list-unit-files --state=enabled \
	--no-legend 'meshapply*')" ""
kernel >"$work/kernel.2"
same "the mesh outlives both" "$work/kernel" "$work/kernel.2"
rm -r "/etc/systemd/system/$timer.d"
reload

### What fails

sed -i 's/"endpoint": "b.example.net"/"endpoint": "b.example.net:many"/' \
	/etc/meshapply/office.json
said
exits "a broken document fails the unit" 1 start_unit
is "the exit status is told" \
	"$(prop Result $unit) $(prop ExecMainStatus $unit)" "exit-code 65"
says "the place is told" "office.json:15:"
kernel >"$work/kernel.2"
same "a broken document changes nothing" "$work/kernel" "$work/kernel.2"
cp "$work/office.json" /etc/meshapply/
mv $keys/ab.psk "$work/"
exits "a key that is not there fails the unit" 1 start_unit
is "also so" "$(prop Result $unit) $(prop ExecMainStatus $unit)" "exit-code 66"
cp "$work/ab.psk" $keys/

### The drop-ins of the manual

umask 077
cat >/etc/wireguard/wg8.conf <<END
[Interface]
PrivateKey = $(wg genkey)
Address = 10.8.0.1/24
ListenPort = 51888
[Peer]
PublicKey = $(<"$work/b.pub")
AllowedIPs = 10.8.0.2/32
END
umask 022
mkdir -p /etc/systemd/system/meshapply@wg8.service.d
cat >/etc/systemd/system/meshapply@wg8.service.d/quick.conf <<'END'
[Service]
LoadCredential=
LoadCredential=%i.conf:/etc/wireguard/%i.conf
ExecStart=
ExecStart=/usr/sbin/meshapply apply --wait=60 %d/%i.conf
END
mkdir -p /etc/systemd/system/meshapply@elsewhere.service.d
cat >/etc/systemd/system/meshapply@elsewhere.service.d/namespace.conf <<'END'
[Service]
NetworkNamespacePath=/run/netns/b
END
mkdir /etc/meshapply/elsewhere
cat >/etc/meshapply/elsewhere/wireguard.conf <<END
#@ mesh elsewhere
#@ interface wg7
#@ private-key-file office.key
#@ sysctl net.ipv4.conf.all.src_valid_mark = 1
[Interface]
Address = 10.7.0.1/24
ListenPort = 51877
Table = off
END
echo 'source = /etc/meshapply/elsewhere' >/etc/meshapply/elsewhere.conf
reload
check "both are started" systemctl start meshapply@wg8 meshapply@elsewhere
check "a wg-quick file that only root may read is applied" \
	ip link show wg8
check "a folder of texts, in another network namespace" \
	on b ip link show wg7
fails "not in this one" ip link show wg7
is "the sysctl is set there" \
	"$(on b cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" 1

### And gone

fails "no purge while a mesh is applied" make -s -C "$project" RELEASE=1 purge
check "the tool is still there" test -x /usr/sbin/meshapply
on b ip link del wg7
for mesh in office wg8; do
	check "$mesh is removed" meshapply remove $mesh
done
is "forwarding is back" "$(forwarding)" $'0\n0'
fails "the table is gone" nft list table inet meshapply_office
check "purge" make -s -C "$project" RELEASE=1 purge
is "nothing is left by name" "$(ours)" ""
fails "the user is gone" getent passwd meshapply
rm /etc/wireguard/wg8.conf
listing >"$work/after"
same "nothing is left at all" "$work/before" "$work/after"

done_testing
