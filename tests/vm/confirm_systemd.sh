#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# VM_INIT: systemd
#
# Commit-confirm under a real systemd: the shipped guard is armed before the
# kernel is written to, outlives whatever made the change, and undoes it; a
# reboot in between does too.
# shellcheck disable=SC2016,SC2154,SC2317 # functions are called by check
set -u
project=$PWD
. tests/vm/lib.sh

work=$(mktemp -d)
record=/var/lib/meshapply/.pending/office
keys=/etc/meshapply/keys
folder=/etc/meshapply/office
PATH=$PATH:/lib/systemd

says() {
	cp $vm_state/output "$work/said"
	check "$1: it says: $2" grep -qF -- "$2" "$work/said"
}
journal_says() {
	journalctl --sync
	check "$1: the journal has: $2" \
		bash -c 'journalctl -q -o cat -u "$1" | grep -qF -- "$2"' \
		bash meshapply-guard.service "$2"
}
prop() { systemctl show --value -p "$1" "$2"; }
pending() { test -e "$record"; }
gone() { ! pending; }
guard_of() { sed -n 's/^guard .* pid=//p' /run/meshapply/office/guard; }
no_guard() { [ "$(prop ActiveState meshapply-guard.service)" = inactive ]; }
# The kernel's part, without sessions.
kernel() {
	wg showconf wg-office 2>/dev/null | sort
	ip -4 addr show dev wg-office 2>/dev/null | sed 's/^[0-9]*://'
	ip -4 route show dev wg-office 2>/dev/null
	nft -s list table inet meshapply_office 2>/dev/null
	sysctl -n net.ipv4.ip_forward
}
is_as() {
	kernel >"$work/now"
	same "$1" "$2" "$work/now"
}
# one, two: the folder's texts, by the port and what is behind the peer.
texts() {
	mkdir -p $folder
	cat >$folder/wireguard.conf <<-END
	#@ mesh office
	#@ interface wg-office
	#@ private-key-file office.key
	#@ sysctl net.ipv4.ip_forward = $3
	[Interface]
	Address = 10.9.0.1/24
	ListenPort = $1
	MTU = 1420
	Table = off
	#@ preshared-key-file ab.psk
	[Peer]
	PublicKey = $(<"$work/b.pub")
	AllowedIPs = 10.9.0.2/32, $2
	Endpoint = 192.0.2.2:51820
	PersistentKeepalive = 1
	END
	echo "route replace $2 dev wg-office proto 77" >$folder/network.batch
	cat >$folder/firewall.nft <<-END
	table inet meshapply_office {
		chain forwarded {
			type filter hook forward priority 0
			ip saddr $2 counter
		}
	}
	END
}
one() { texts 51820 192.168.2.0/24 0; }
two() { texts 51821 192.168.3.0/24 1; }
apply() { meshapply apply --force=rolled-back "$@" office; }

rm -rf /etc/meshapply /var/lib/meshapply /run/meshapply
make -s -C "$project" RELEASE=1 install-files >"$work/install.log"
systemd-sysusers meshapply.conf
systemd-tmpfiles --create meshapply.conf
systemctl daemon-reload
is 'the folder of what is pending is the service'"'"'s alone' \
	"$(stat -c '%U:%G %a' /var/lib/meshapply/.pending)" \
	'meshapply:meshapply 700'

host_add b
ip link add veth0 type veth peer name eth0 netns b
ip link set veth0 up
ip addr add 192.0.2.1/24 dev veth0
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
echo "source = $folder" >/etc/meshapply/office.conf
on b ip link add wg9 type wireguard
on b wg set wg9 private-key "$work/b.key" listen-port 51820 \
	peer "$(<"$work/a.pub")" preshared-key "$work/ab.psk" \
	allowed-ips 10.9.0.1/32
on b ip addr add 10.9.0.2/24 dev wg9
on b ip link set wg9 up
kernel >"$work/none"

### The guard does not arm

one
exits 'no guard, no change' 7 apply --confirm=30
says 'the way out is named' 'systemctl enable --now meshapply-guard.path'
check 'and its name' grep -q force=guard "$work/said"
check 'there is no record' gone
is_as 'nothing was changed' "$work/none"
check 'nothing is pending' apply
is_as 'a process of the session is another guard' "$work/now"
check 'removed' meshapply remove office
is_as 'nothing is left' "$work/none"
exits 'a process of the session may do' 3 \
	apply --confirm=30 --force=guard
check 'undone by hand' meshapply rollback office
is_as 'nothing is left' "$work/none"

### The guard of systemd

check 'the path is started' systemctl start meshapply-guard.path
check 'the guard is not, while there is nothing' no_guard
exits 'a first apply' 3 apply --confirm=20
check 'the guard runs as the service does' \
	test "$(ps -o user= -p "$(guard_of)")" = meshapply
check 'in a cgroup of its own' grep -q meshapply-guard.service \
	"/proc/$(guard_of)/cgroup"
is 'the record is its own' "$(stat -c '%U %a' $record)" 'meshapply 600'
check 'the timer fires: nothing is done' bash -c \
	'! systemctl start meshapply@office && [ "$(systemctl show --value \
	-p ExecMainStatus meshapply@office)" = 75 ]'
check 'undone' wait_for 60 gone
is_as 'all is as it was' "$work/none"
journal_says 'and told' 'it was not confirmed in time: rolled back, verified'
check 'the guard is gone' wait_for 20 no_guard
exits 'the same again is refused' 7 meshapply apply office
says 'by name' force=rolled-back
check 'the timer fires: it is refused' bash -c \
	'! systemctl start meshapply@office && [ "$(systemctl show --value \
	-p ExecMainStatus meshapply@office)" = 7 ]'
exits 'a late confirmation' 1 meshapply confirm office
says 'says so' 'too late: office was rolled back at '
is_as 'all is as it was' "$work/none"

exits 'again' 3 apply --confirm=60
check 'confirmed' meshapply confirm office
check 'the guard is gone' wait_for 20 no_guard
kernel >"$work/one"
check 'the service finds nothing to do' systemctl start meshapply@office

### What made the change ends

two
cat >/etc/systemd/system/maker.service <<END
[Service]
Type=oneshot
ExecStart=/usr/sbin/meshapply apply --confirm=25 office
SuccessExitStatus=3
END
systemctl daemon-reload
check 'a service makes a change, and ends' systemctl start maker.service
check 'it is pending' pending
kernel >"$work/two"
fails 'it is there' cmp -s "$work/one" "$work/two"
check 'it is undone' wait_for 60 gone
is_as 'all is as it was' "$work/one"

start_session() {
	setsid /usr/sbin/meshapply apply --force=rolled-back --confirm=25 \
		--wait-confirmed office >"$work/session" 2>&1 &
	session=$!
}
start_session
check 'a session makes a change' wait_for 30 pending
kill -HUP -- "-$session"
kill -TERM -- "-$session"
wait "$session" 2>/dev/null
check 'its end changes nothing' pending
check 'it is undone' wait_for 60 gone
is_as 'all is as it was' "$work/one"

### The guard is killed, and comes again

exits 'a change waits' 3 apply --confirm=20
systemctl kill -s KILL meshapply-guard.service
check 'another guard comes' wait_for 20 systemctl -q is-active \
	meshapply-guard.service
check 'it is undone' wait_for 60 gone
is_as 'all is as it was' "$work/one"

### Confirmed by what answers

on b wg set wg9 peer "$(<"$work/a.pub")" allowed-ips 10.9.0.1/32
wait_for 30 ping -c 1 -W 1 10.9.0.2
check 'a handshake confirms' apply --confirm=60 --confirm-by=handshake \
	--wait-confirmed
check 'there is no record' gone
one
check 'and back' apply --confirm=0
is_as 'all is as it was' "$work/one"
two
exits 'a command that fails does not' 4 apply --confirm=15 \
	--confirm-by=command:/bin/false --wait-confirmed
is_as 'all is as it was' "$work/one"
exits 'one that succeeds does' 0 apply --confirm=60 \
	--confirm-by=command:/bin/true --wait-confirmed
one
check 'and back' apply --confirm=0
is_as 'all is as it was' "$work/one"

# The timer: nobody is there to confirm what may cut the host off.
two
check 'a run of the unit confirms itself' systemctl start meshapply@office
journalctl --sync
check 'it says so' bash -c 'journalctl -q -o cat -u meshapply@office |
	grep -q "unless it is confirmed by handshake"'
check 'there is no record' gone
one
check 'and back' apply --confirm=0
is_as 'all is as it was' "$work/one"

### A reboot, as far as it can be had: nothing in the kernel, another boot

two
exits 'a change waits' 3 apply --confirm=600
systemctl stop meshapply-guard.path meshapply-guard.service
sed -i '1s/boot=[^ ]*/boot=00000000-0000-4000-8000-000000000000/' $record
ip link del wg-office
nft delete table inet meshapply_office
sysctl -q -w net.ipv4.ip_forward=0
rm -rf /run/meshapply/office /var/lib/meshapply/sysctls
check 'the host comes up' systemctl start meshapply-recover.service
check 'there is no record' gone
is_as 'it is as before the change, keys and all' "$work/one"
exits 'the change is refused' 7 meshapply apply office
exits 'a late confirmation' 1 meshapply confirm office
one
check 'nothing is left to do' systemctl start meshapply@office
is_as 'all is as it was' "$work/one"

# A disk that takes nothing is no reason to come up without a mesh.
two
exits 'a change waits' 3 apply --confirm=600
systemctl stop meshapply-guard.path meshapply-guard.service
sed -i '1s/boot=[^ ]*/boot=00000000-0000-4000-8000-000000000000/' $record
ip link del wg-office
nft delete table inet meshapply_office
sysctl -q -w net.ipv4.ip_forward=0
rm -rf /run/meshapply/office /var/lib/meshapply/sysctls
state=/var/lib/meshapply
mkdir "$work/disk"
mount -t tmpfs -o size=512k full "$work/disk"
cp -a $state/. "$work/disk/"
chown --reference=$state "$work/disk"
mount --bind "$work/disk" $state
cat /dev/zero >$state/fill 2>/dev/null
fails 'the host comes up with a full disk' \
	systemctl start meshapply-recover.service
journalctl --sync
check 'it is told' bash -c 'journalctl -q -o cat -u meshapply-recover |
	grep -q "the kernel is as it was before the change of office, but not"'
is_as 'it is as before the change, keys and all' "$work/one"
check 'the record is there' test -e $record
mount -o remount,ro "$work/disk"
fails 'once more, for reading only' systemctl start meshapply-recover.service
is_as 'it is so still' "$work/one"
mount -o remount,rw "$work/disk"
rm $state/fill
check 'with space it comes to its end' \
	systemctl start meshapply-recover.service
check 'there is no record' gone
is_as 'it is so still' "$work/one"
umount $state
rm -rf ${state:?}/office $state/.pending/* $state/sysctls
cp -a "$work/disk/." $state/
umount "$work/disk"
one
check 'nothing is left to do' systemctl start meshapply@office
is_as 'all is as it was' "$work/one"

# The first one: there is nothing before it.
check 'removed' meshapply remove office
systemctl start meshapply-guard.path
exits 'a first apply' 3 apply --confirm=600
systemctl stop meshapply-guard.path meshapply-guard.service
sed -i '1s/boot=[^ ]*/boot=00000000-0000-4000-8000-000000000000/' $record
ip link del wg-office
nft delete table inet meshapply_office
rm -rf /run/meshapply/office /var/lib/meshapply/sysctls
check 'the host comes up' systemctl start meshapply-recover.service
is_as 'with nothing' "$work/none"
systemctl start meshapply-guard.path

### What lies among the records and is none

touch "$state/.pending/a stray"
check 'a stray file is put aside' wait_for 20 \
	test -e "$state/.pending.bad/a stray"
check 'the guard is gone' wait_for 20 no_guard
journal_says 'and told' '.pending/a stray is of no mesh'
invocation=$(prop InvocationID meshapply-guard.service)
sleep 3
is 'it is not started again' "$(prop InvocationID meshapply-guard.service)" \
	"$invocation"
echo rubbish >$state/.pending/nobody
check 'one of no mesh that is here as well' wait_for 20 \
	test -e $state/.pending.bad/nobody
check 'the guard is gone' wait_for 20 no_guard
rm -r $state/.pending.bad

### A unit in a network namespace of its own

ip netns add blue
ip -n blue link set lo up
mkdir -p /etc/meshapply/blue
sed 's/office/blue/; s/^#@ private-key-file.*/#@ private-key-file office.key/
	/preshared/d; /sysctl/d' $folder/wireguard.conf \
	>/etc/meshapply/blue/wireguard.conf
echo 'source = /etc/meshapply/blue' >/etc/meshapply/blue.conf
mkdir -p /etc/systemd/system/meshapply@blue.service.d
cat >/etc/systemd/system/meshapply@blue.service.d/namespace.conf <<END
[Service]
NetworkNamespacePath=/run/netns/blue
SuccessExitStatus=3
ExecStart=
ExecStart=/usr/sbin/meshapply apply --confirm=600 --force=guard %i
END
systemctl daemon-reload
check 'it makes a change' systemctl start meshapply@blue
record=$state/.pending/blue
check 'that waits' pending
sed -i '1s/boot=[^ ]*/boot=00000000-0000-4000-8000-000000000000/' $record
ip -n blue link del wg-blue
systemctl stop meshapply-guard.path meshapply-guard.service
check 'the host comes up' systemctl start meshapply-recover.service
check 'it waits still' pending
fails 'nothing of it is in the namespace of the host' ip link show wg-blue
journalctl --sync
check 'it is told' bash -c 'journalctl -q -o cat -u meshapply-recover |
	grep -q "of blue is of another network namespace"'
exits 'nor by hand' 78 meshapply recover blue
sed -i 's/--confirm=600 --force=guard/--force=rolled-back/' \
	/etc/systemd/system/meshapply@blue.service.d/namespace.conf
systemctl daemon-reload
check 'its unit ends it' systemctl start meshapply@blue
check 'there is no record' gone
check 'there it is' ip -n blue link show wg-blue
check 'removed' ip netns exec blue meshapply remove blue
ip netns del blue
rm -r /etc/systemd/system/meshapply@blue.service.d /etc/meshapply/blue*
systemctl daemon-reload
record=$state/.pending/office
systemctl start meshapply-guard.path

### A disk that takes nothing

check 'applied' apply
two
mount -t tmpfs -o size=64k,mode=700,uid=meshapply,gid=meshapply full \
	/var/lib/meshapply/.pending
cat /dev/zero >/var/lib/meshapply/.pending/fill 2>/dev/null
exits 'a full disk: no record, no change' 1 apply --confirm=30
is_as 'nothing was changed' "$work/one"
umount /var/lib/meshapply/.pending
mount -t tmpfs -o ro,mode=700,uid=meshapply,gid=meshapply full \
	/var/lib/meshapply/.pending
exits 'one for reading only' 1 apply --confirm=30
is_as 'nothing was changed' "$work/one"
umount /var/lib/meshapply/.pending

check 'removed' meshapply remove office
is_as 'nothing is left' "$work/none"
check 'purge' make -s -C "$project" RELEASE=1 purge
done_testing
