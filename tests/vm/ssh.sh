#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real SSH server behind the tunnel: what an operator does over the tunnel
# to the tunnel is found to be just that, also under sudo, and is undone where
# it is not confirmed; the connection itself is let through the new firewall
# for as long; and what can confirm a change by itself.
# shellcheck disable=SC2046,SC2154,SC2317 # functions are called by check
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

# a is the operator's host, b is managed.
host_add a b
link_hosts a eth0 192.0.2.1/24 b eth0 192.0.2.2/24
keys a b other
cat > a.conf <<END
[Interface]
PrivateKey = $(key a)
Address = 10.0.0.1/24
ListenPort = 51820

[Peer]
PublicKey = $(pub b)
AllowedIPs = 10.0.0.2/32
Endpoint = 192.0.2.2:51820
PersistentKeepalive = 5
END
on b install -m 700 -d /etc/meshapply/keys
on b cp b.key /etc/meshapply/keys/

# folder NAME PEER ALLOWED PORT: b's, with the firewall on standard input.
folder() {
	mkdir "$1"
	cat > "$1/wireguard.conf" <<-END
	#@ mesh office
	#@ interface wg0
	#@ private-key-file b.key
	[Interface]
	Address = 10.0.0.2/24
	ListenPort = $4
	Table = off

	[Peer]
	#@ name operator
	PublicKey = $(pub "$2")
	AllowedIPs = $3
	Endpoint = 192.0.2.1:51820
	PersistentKeepalive = 5
	END
	cat > "$1/firewall.nft"
	[ -s "$1/firewall.nft" ] || rm "$1/firewall.nft"
}
input() {	# RULES
	printf 'table inet meshapply_office {\n\tchain c {\n\t\ttype filter '
	printf 'hook input priority 0; policy accept;\n'
	printf '\t\tiifname != "wg0" accept\n\t\t%s\n\t}\n}\n' "$1"
}
folder good a 10.0.0.1/32 51820 < /dev/null
folder cut other 10.0.0.1/32 51820 < /dev/null
folder moved a 10.0.0.9/32 51820 < /dev/null
folder more a '10.0.0.1/32, 10.7.0.0/24' 51820 < /dev/null
input 'ct state new drop
		drop' | folder closed a 10.0.0.1/32 51820
input 'tcp dport 22 accept
		icmp type echo-request accept
		drop' | folder open a 10.0.0.1/32 51820
folder port a 10.0.0.1/32 51821 < /dev/null
chmod -R go+rX . && chmod 711 "$work"

### The server, and an operator who is not root

useradd -m -s /bin/bash manager
echo 'manager ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/manager
chmod 440 /etc/sudoers.d/manager
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f id
install -m 644 id.pub /etc/manager.pub
cat > sshd_config <<END
HostKey $work/host_key
PidFile none
AuthorizedKeysFile /etc/manager.pub
PasswordAuthentication no
UsePAM no
StrictModes no
END
mkdir -p /run/sshd
check 'a: its tunnel' on a "$meshapply" a.conf
check 'b: its tunnel' on b "$meshapply" apply "$work/good"
start b /usr/sbin/sshd -D -e -f sshd_config 2> sshd.log
sshd=$started
options=(-F none -i id -o BatchMode=yes -o StrictHostKeyChecking=no
	-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
	-o ConnectTimeout=15)
check 'the server is there' wait_for 20 on a bash -c '</dev/tcp/10.0.0.2/22'

# Over a connection of its own; and over one that stays.
by_ssh() { on a ssh "${options[@]}" manager@10.0.0.2 "$@"; }
by_lan() { on a ssh "${options[@]}" manager@192.0.2.2 "$@"; }
master() { on a ssh -S "$work/master" manager@10.0.0.2 "$@"; }
run() { echo "sudo $meshapply $*"; }
apply() { run apply --force=identity --force=rolled-back "$@"; }
record=/var/lib/meshapply/.pending/office
pending() { on b test -e $record; }
gone() { ! pending; }
now() { snapshot b | without_redirects; }
is_as() {
	now > now.snapshot
	same "$1" "$2" now.snapshot
}
usermod -p '*' manager
check 'a login over the tunnel' by_ssh true
now > good.snapshot

### What is no risk waits for nobody

exits 'the same again' 0 by_ssh "$(apply "$work/good")"
exits 'one more allowed IP' 0 by_ssh "$(apply "$work/more")"
exits 'and back' 0 by_ssh "$(apply "$work/good")"
exits 'without SSH' 0 on b "$meshapply" apply --force=identity "$work/port"
exits 'and back' 0 on b "$meshapply" apply --force=identity "$work/good"
exits 'by another way' 0 by_lan "$(apply "$work/port")"
exits 'and back' 0 by_lan "$(apply "$work/good")"
is_as 'all is as it was' good.snapshot
exits 'over the tunnel it is a risk' 0 by_ssh "$(run plan "$work/port")"
says 'and told why' 'the SSH connection of this run comes through this device'
exits 'so is to remove it all' 0 by_ssh "$(run remove --dry-run office)"
says 'and told' 'Disruption: access'
exits 'a gate sees it' 7 by_ssh \
	"$(apply --max-disruption=session "$work/port")"

### What is, is armed by itself, under sudo too

exits 'the port' 3 by_ssh "$(apply "$work/port")"
says 'for two minutes' 'undone in 120 s unless it is confirmed'
check 'it is pending' pending
exits 'from a new connection' 0 by_ssh "$(run confirm office)"
check 'it is not any more' gone
exits 'not armed' 0 by_ssh "$(apply --confirm=0 "$work/good")"
check 'nothing is pending' gone
is_as 'all is as it was' good.snapshot

### A policy that cuts off this very connection heals itself

for bad in cut moved; do
	exits "$bad: the connection is cut, and comes back" 4 by_ssh \
		"$(apply --confirm=20 --wait-confirmed "$work/$bad")"
	says "$bad" 'rolled back, verified'
	check "$bad: nothing is pending" gone
	is_as "$bad: all is as it was" good.snapshot
	exits "$bad: too late" 1 by_ssh "$(run confirm office)"
	says "$bad" 'too late: office was rolled back at '
done

exits 'removed: the connection is cut, and comes back' 4 by_ssh \
	"$(run remove --confirm=20 --wait-confirmed office)"
is_as 'removed: all is as it was' good.snapshot
fails 'removed by itself: it is cut' on a timeout 40 ssh "${options[@]}" \
	manager@10.0.0.2 "$(run remove office)"
check 'it is armed' pending
check 'undone by another way' on b "$meshapply" rollback office
is_as 'all is as it was' good.snapshot
check 'a login over the tunnel' by_ssh true

### The firewall: this connection is let through until then

start a ssh "${options[@]}" -M -S "$work/master" -N manager@10.0.0.2
check 'a connection that stays' wait_for 30 test -S master
check 'it works' master true
exits 'a firewall that lets nobody in' 3 master "$(apply "$work/closed")"
says 'this connection is let through' 'lets this SSH connection through'
passes() { on b nft list table inet meshapply_office | grep -q 'tcp sport'; }
check 'the table says so' passes
check 'it works still' master true
exits 'a new one does not' 255 by_ssh true
check 'it is no drift' on b "$meshapply" status --detailed-exitcode office
check 'nor a step' on b "$meshapply" plan --detailed-exitcode "$work/closed"
says 'which is told' 'that is no step'
exits 'another table is one' 2 \
	on b "$meshapply" plan --detailed-exitcode "$work/open"
fails 'what is kept has no pass' on b grep -rq 'tcp sport' \
	/var/lib/meshapply/office/applied
exits 'undone over the one that is left' 0 master "$(run rollback office)"
is_as 'all is as it was' good.snapshot
check 'a new one works again' by_ssh true

exits 'a firewall that lets SSH in' 3 master "$(apply "$work/open")"
check 'this one is let through' passes
exits 'another change joins it' 3 \
	master "$(apply --confirm=60 "$work/open")"
check 'this one is let through still' passes
exits 'confirmed from a new connection' 0 by_ssh "$(run confirm office)"
fails 'then it is let through no more than others' passes
check 'it works still' master true
check 'all is as applied' writes_nothing b "$meshapply" apply "$work/open"
exits 'to be without a table is no risk' 0 master "$(apply "$work/good")"
is_as 'all is as it was' good.snapshot

### What confirms by itself

waits() { apply --confirm=60 --wait-confirmed "$@"; }
talk() { while master true; do sleep 1; done; }
exits 'ssh: where there is none' 64 on b "$meshapply" apply \
	--confirm=60 --confirm-by=ssh --force=identity "$work/port"
says 'it says so' 'did not come over SSH'
talk & talker=$!
exits 'ssh: the connection goes on' 0 \
	master "$(waits --confirm-by=ssh "$work/port")"
exits 'ssh: and back' 0 master "$(waits --confirm-by=ssh "$work/good")"
exits 'ssh: it is cut' 4 master \
	"$(apply --confirm=20 --wait-confirmed --confirm-by=ssh "$work/cut")"
kill "$talker"
wait "$talker" 2>/dev/null

by_hand() {	# PROBE FOLDER [SECONDS]
	on b "$meshapply" apply --confirm="${3-60}" --wait-confirmed \
		--force=identity --force=rolled-back --confirm-by="$1" \
		"$work/$2"
}
exits 'tcp: it can be reached' 0 by_hand tcp:10.0.0.2:22 port
exits 'tcp: nobody listens' 4 by_hand tcp:10.0.0.1:9 good 15
exits 'command: it succeeds' 0 by_hand command:/bin/true good
exits 'command: it fails' 4 by_hand command:/bin/false port 15
exits 'handshake: of a peer, by its name' 0 by_hand handshake:operator more
exits 'handshake: by its key' 0 by_hand "handshake:$(pub a)" good
exits 'handshake: of those heard before' 0 by_hand handshake more
exits 'handshake: a peer that does not answer' 4 by_hand handshake cut 15
# One way alone: the operator's keepalives come in, ours get lost.
check 'handshake: there is a session' by_ssh true
on a nft -f - <<-END
table inet lost {
	chain in {
		type filter hook input priority 0
		ip saddr 192.0.2.2 udp dport 51820 drop
	}
}
END
exits 'handshake: to be heard is not to be reached' 4 \
	by_hand handshake:operator good 20
on a nft delete table inet lost
exits 'handshake: reached again' 0 by_hand handshake:operator good
exits 'handshake: no such peer' 64 by_hand handshake:nobody good
says 'it says so' 'has no peer nobody'
exits 'back' 0 on b "$meshapply" apply --force=identity "$work/good"
is_as 'all is as it was' good.snapshot

kill -TERM "$sshd"
done_testing
