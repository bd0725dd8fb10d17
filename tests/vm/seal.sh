#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A run that finds nothing to do leaves a seal, and the next one asks what that
# one asked. Where a single thing is another, by hand or by time, it is seen and
# mended as without a seal; what changes by itself is no change.
# shellcheck disable=SC2016,SC2154 # of the libraries
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

host_add a b
link_hosts a eth0 '192.0.2.1/24 2001:db8::1/64' b eth0 '192.0.2.2/24 2001:db8::2/64'
keys a b c
wg genpsk >ab.psk
on a install -m 700 -d /etc/meshapply/keys
on a cp a.key ab.psk /etc/meshapply/keys/
cat >b.conf <<-CONF
	[Interface]
	PrivateKey = $(key b)
	ListenPort = 51820

	[Peer]
	PublicKey = $(pub a)
	PresharedKey = $(psk)
	AllowedIPs = 10.0.0.1/32
CONF
on b ip link add wg0 type wireguard
on b wg setconf wg0 b.conf
on b ip address add 10.0.0.2/24 dev wg0
on b ip link set wg0 up

mkdir texts
cat >texts/wireguard.conf <<-CONF
	#@ mesh office
	#@ interface wg0
	#@ private-key-file a.key
	#@ sysctl net.ipv4.ip_forward = 1
	[Interface]
	ListenPort = 51820
	FwMark = 0x77
	MTU = 1400
	Address = 10.0.0.1/24, fd00::1/64
	Table = off

	#@ name b
	#@ preshared-key-file ab.psk
	[Peer]
	PublicKey = $(pub b)
	PersistentKeepalive = 25
	Endpoint = 192.0.2.2:51820
	AllowedIPs = 10.0.0.2/32, 10.2.0.0/16

	#@ name c
	[Peer]
	PublicKey = $(pub c)
	Endpoint = 192.0.2.3:51820
	AllowedIPs = 10.0.0.3/32, 10.3.0.0/16
CONF
cat >texts/network.batch <<-IP
	route replace 10.2.0.0/16 dev wg0 proto 77
	route replace 10.3.0.0/16 dev wg0 proto 77
	rule add from 10.0.0.0/24 table 77 priority 1000 protocol 77
IP
cat >texts/firewall.nft <<-NFT
	table inet meshapply_office {
		set sources {
			type ipv4_addr
			flags interval
			elements = { 10.0.0.2, 10.2.0.0/16 }
		}
		chain mesh_in {
			type filter hook input priority filter
			counter comment "all of it"
			iifname "wg0" ip saddr @sources counter tcp dport 22 accept
			iifname "wg0" ct state new tcp dport 23 drop
		}
	}
NFT

seal=/run/meshapply/office/seal
# Times of files are told apart by the tick of their clock: base/trace.c.
tick() { sleep 0.3; }

# A run that goes the long way talks to the kernel one answer at a time as well;
# one by a seal does not.
run() {	# SOURCE-OR-OPTION...
	on a strace -qq -f -o trace -e trace=recvmsg,sendmsg,recvmmsg \
		"$meshapply" "$@" >said 2>&1
}
by_seal() { run "$@" && ! grep -q 'recvmsg(' trace && grep -q recvmmsg trace; }
the_long_way() { run "$@" && grep -q 'recvmsg(' trace; }
# sealed: until it is again; the first run after a change may be too near to it
sealed() {
	tick
	on a "$meshapply" -q ./texts && by_seal ./texts
}
state() { snapshot a | without_redirects; }

### It is made, and taken

check "first apply" on a "$meshapply" -q ./texts
check "it leaves no seal" on a test ! -e $seal
tick
check "nothing to do, the long way" the_long_way ./texts
is "it says so" "$(<said)" "office: nothing to do"
is "the seal is root's alone" "$(on a stat -c '%a %U' $seal)" "600 root"
before=$(fingerprint a)
check "nothing to do, by the seal" by_seal ./texts
is "in the same words" "$(<said)" "office: nothing to do"
is "no file and no time stamp changed" "$(fingerprint a)" "$before"
check "it writes nothing" writes_nothing a "$meshapply" ./texts
for options in --json --jsonl -q "--json --detailed-exitcode" \
	"--dry-run --json" "plan --jsonl" plan; do
	# shellcheck disable=SC2086 # a list of options
	check "apply $options by the seal" by_seal $options ./texts
	cp said by-seal
	on a mv $seal kept.seal
	# shellcheck disable=SC2086
	on a "$meshapply" $options ./texts >the-long-way 2>&1
	on a mv kept.seal $seal
	same "apply $options says the same" by-seal the-long-way
done
calls=$(on a strace -f -qq "$meshapply" ./texts 2>&1 >/dev/null | wc -l)
check "in few system calls: $calls" test "$calls" -le 240
state >want.state

### What it reads is all that the long way reads

# Each path that is opened or looked at, but for those that every program has,
# what only tells who asks, and what is swept or written.
on a rm $seal
tick
check "the long way, looked at" on a strace -f -qq -y -s 4096 -o all \
	-e trace=openat,open,readlink,readlinkat,stat,newfstatat,access,faccessat,faccessat2 \
	"$meshapply" ./texts
grep -vE '^[0-9]+ +(openat|newfstatat|readlinkat)\([^,]*, ("\."|""),' all |
	sed -nE 's/^[0-9]+ +(openat|newfstatat|faccessat2?)\((AT_FDCWD)?(<[^>]*>)?(,? ?[0-9]+<([^>]*)>)?, "([^"]*)".*/\5 \6/p
		s/^[0-9]+ +(open|stat|access|readlink)\("([^"]*)".*/ \2/p' |
	while read -r folder name; do
		case ${name:-$folder} in
		/*) echo "${name:-$folder}" ;;
		*) echo "${folder:+$folder/}$name" ;;
		esac
	done | sort -u >paths
on a cat $seal | tr '\0' '\n' >words
grep -aqF texts/network.batch words || echo "# the seal cannot be read"
missed=$(grep -vE '^(/lib/|/usr/lib/|/etc/ld\.so|/dev/null$|/proc/self/exe|/proc/[0-9]+/|/proc/self/task|/etc/localtime|.*/meshapply-nftc$)' paths |
	grep -vE '/(lock|\.lock|sample|seal|journal\.verified)$|/\.(seal|sample|sysctls)\.[0-9a-f]+$|^//|/generations(/|$)|/\.\.$' |
	while read -r path; do
		[ -n "$path" ] || continue
		# A folder on the way to a name is in the name.
		grep -aqF "${path##"$work"/}" words || echo "$path"
	done)
is "every path is in the seal" "$missed" ""
check "there were paths to be seen" test "$(wc -l <paths)" -gt 15

### What changes by itself, or is of no matter

check "sealed again" sealed
on a ping -q -c 3 -i 0.2 -W 5 10.0.0.2 >ping 2>&1
check "packets, and a handshake, are no change" by_seal ./texts
on a nft reset counters >/dev/null 2>&1
check "nor are counters" by_seal ./texts
on b nft add table inet elsewhere
on a ip route add 10.77.0.0/16 via 192.0.2.2
check "nor is a route of others, elsewhere" by_seal ./texts
on a touch texts/firewall.nft
check "nor is the time of a text" by_seal ./texts
on a nft add table inet others
on a nft add chain inet others c
# What others have is asked for too: it is looked at once more, and is nothing.
check "a table of others is looked at" the_long_way ./texts
tick
check "sealed with it" sealed

### Each change is seen

# mended NAME COMMAND...: the command's change is undone by the next run, and
# the one after that is by a seal again.
mended() {
	local name=$1
	shift
	check "$name: changed" on a "$@"
	check "$name: seen" the_long_way ./texts
	state >got.state
	same "$name: mended" got.state want.state
	check "$name: sealed" sealed
}
state >want.state
mended "peer added" wg set wg0 peer "$(wg genkey | wg pubkey)"
mended "peer removed" wg set wg0 peer "$(pub c)" remove
mended "allowed IP added" wg set wg0 peer "$(pub c)" \
	allowed-ips 10.0.0.3/32,10.3.0.0/16,10.33.0.0/16
mended "allowed IP moved" wg set wg0 peer "$(pub b)" \
	allowed-ips 10.0.0.2/32,10.2.0.0/16,10.3.0.0/16
wg genpsk >other.psk
mended "preshared key" wg set wg0 peer "$(pub b)" preshared-key other.psk
mended "no preshared key" wg set wg0 peer "$(pub b)" preshared-key /dev/null
mended "keepalive" wg set wg0 peer "$(pub b)" persistent-keepalive 24
mended "listen port" wg set wg0 listen-port 5555
mended "mark" wg set wg0 fwmark 0x78
mended "MTU" ip link set wg0 mtu 1380
mended "address removed" ip address del fd00::1/64 dev wg0
mended "address added" ip address add 10.9.9.9/32 dev wg0
mended "route removed" ip route del 10.3.0.0/16 dev wg0
mended "route changed" ip route change 10.3.0.0/16 dev wg0 proto 77 mtu 1300
mended "route of ours added" ip route add 10.34.0.0/16 dev wg0 proto 77
mended "rule removed" ip rule del priority 1000
mended "sysctl" sysctl -qw net.ipv4.ip_forward=0
mended "element removed" nft delete element inet meshapply_office sources \
	'{ 10.0.0.2 }'
mended "element added" nft add element inet meshapply_office sources \
	'{ 10.0.0.9 }'
mended "rule of the table added" nft add rule inet meshapply_office mesh_in \
	tcp dport 24 drop
mended "table flushed" nft flush table inet meshapply_office
mended "table deleted" nft delete table inet meshapply_office

# Without its name it is nobody's of ours.
on a ip link set wg0 alias nobody
exits "alias: refused, as without a seal" 7 on a "$meshapply" ./texts
on a ip link set wg0 alias meshapply:office
check "alias: back, and by the seal" by_seal ./texts

# A link that was down has lost its routes.
check "link down: changed" on a ip link set wg0 down
check "link down: seen" the_long_way ./texts
check "link down: it is up" eval 'on a ip link show up dev wg0 | grep -q wg0'
check "link down: sealed" sealed

# A private key is a matter of force.
on a wg set wg0 private-key c.key
check "private key: seen" the_long_way --force=identity ./texts
is "private key: mended" "$(on a wg show wg0 public-key)" "$(pub a)"
check "private key: sealed" sealed

### An endpoint

on a wg set wg0 peer "$(pub c)" endpoint 192.0.2.99:1
check "an endpoint that roamed is looked at" the_long_way ./texts
check "and no seal is left of that" the_long_way ./texts
on a wg set wg0 peer "$(pub c)" endpoint 192.0.2.3:51820
check "until it is where it was" sealed

### Files

again() {	# NAME: the change is seen, and without it all is sealed again
	check "$1: seen" the_long_way ./texts
	tick
	check "$1: sealed" sealed
}
on a cp /etc/meshapply/keys/ab.psk old.psk
on a cp other.psk /etc/meshapply/keys/ab.psk
check "a key file: seen" the_long_way ./texts
is "a key file: taken" "$(on a wg show wg0 preshared-keys |
	grep -F "$(pub b)" | cut -f 2)" "$(<other.psk)"
on a cp old.psk /etc/meshapply/keys/ab.psk
check "a key file: back" the_long_way ./texts
check "a key file: sealed" sealed
on a chmod 644 /etc/meshapply/keys/ab.psk
exits "a key file that others can read is refused" 78 on a "$meshapply" ./texts
on a chmod 600 /etc/meshapply/keys/ab.psk
check "and taken again" by_seal ./texts
cp texts/network.batch network.batch
echo '# more' >>texts/network.batch
again "a text"
mv texts/firewall.nft firewall.nft
check "a text that is gone: seen" the_long_way ./texts
fails "its table is gone" on a nft list table inet meshapply_office
mv firewall.nft texts/firewall.nft
check "a text that is back: seen" the_long_way ./texts
check "a text that is back: sealed" sealed
echo 'confirm_by = handshake' >office.conf
on a cp office.conf /etc/meshapply/office.conf
again "a config"
on a rm /etc/meshapply/office.conf
again "no config"
on a sh -c 'echo >>/var/lib/meshapply/office/applied/network.batch'
check "what is kept, edited: seen" the_long_way ./texts
check "what is kept, edited: sealed" sealed
on a rm -r /var/lib/meshapply/office
check "what is kept, lost: seen" the_long_way ./texts
check "what is kept, lost: sealed" sealed
on a mkdir -p /var/lib/meshapply/other
again "another mesh"
on a touch /run/meshapply/office/journal
run ./texts
check "a journal: seen" grep -q journal said
on a rm -f /run/meshapply/office/journal
check "a journal: sealed" sealed

### A pending change

echo 'route replace 10.44.0.0/16 dev wg0 proto 77' >>texts/network.batch
exits "a change that waits" 3 on a "$meshapply" -q --confirm=60 \
	--confirm-by=token ./texts
exits "while it waits there is no seal" 75 on a "$meshapply" ./texts
check "it is undone" on a "$meshapply" -q rollback office
cp network.batch texts/network.batch
check "sealed after that" sealed

### Who does not take it

for options in --strict --verbose --force=route --max-disruption=access; do
	check "not with $options" the_long_way $options ./texts
done
check "not for a relative path elsewhere" the_long_way ../"${work##*/}"/texts
check "sealed as it was" sealed
on a sh -c "printf '\0' | dd of=$seal bs=1 seek=50 conv=notrunc 2>&1"
check "not one that was edited" the_long_way ./texts
check "sealed anew" by_seal ./texts
on a truncate -s -8 $seal
check "not one that is cut short" the_long_way ./texts
on a chmod 644 $seal
check "not one that others can read" the_long_way ./texts
on a mv $seal elsewhere.seal
on a ln -s "$work/elsewhere.seal" $seal
check "not through a link" the_long_way ./texts
check "nor is one written through it" on a cmp -s elsewhere.seal $seal
on a rm $seal
check "sealed where it was taken away" sealed

### A document that expires

cat >office.json <<-JSON
	{ "meshapply": 1, "mesh": "paper", "overlay": ["10.8.0.0/24"],
	  "expires": "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)",
	  "interface": "wg1",
	  "nodes": { "a": { "public_key": "$(pub a)", "addresses": ["10.8.0.1"],
	    "endpoint": "192.0.2.1:51821", "listen_port": 51821 },
	  "b": { "public_key": "$(pub b)", "addresses": ["10.8.0.2"],
	    "endpoint": "192.0.2.2:51821" } } }
JSON
check "a document" on a "$meshapply" -q --key=a.key office.json
tick
check "once more" the_long_way --key=a.key office.json
check "by its seal" by_seal --key=a.key office.json
check "another node is not sealed" the_long_way --key=a.key --node=a \
	office.json
on a mkdir -p /etc/meshapply/templates
tick
check "a template folder: seen" the_long_way --key=a.key office.json
tick
on a "$meshapply" -q --key=a.key office.json
check "a template folder: sealed" by_seal --key=a.key office.json
date -s '+2 hours' >/dev/null
exits "it has expired" 76 on a "$meshapply" --key=a.key office.json
date -s '-2 hours' >/dev/null
tick

### And gone

check "remove takes it along" on a "$meshapply" -q remove paper
check "no folder is left" on a test ! -e /run/meshapply/paper
check "remove" on a "$meshapply" -q remove office
check "no folder is left" on a test ! -e /run/meshapply/office
done_testing
