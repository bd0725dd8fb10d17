# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034,SC2120,SC2154 # of and for those who source it
#
# What suites share that is about meshapply; sourced after lib.sh, which it
# leaves in a scratch folder with $meshapply, the release build, in its hand.
#
#	three_hosts		a, b, c on one wire, a/wg0.conf and so on
#	pub HOST, psk		keys of that
#	says NAME WORDS	a test: the command of the last one printed them
#	also NAME WORDS	a test: that of the last "says" printed these too
#	writes_nothing HOST COMMAND...	no netlink set, no file, seen by strace
#	fingerprint HOST	all files that meshapply keeps there

meshapply=$PWD/build/release/meshapply
work=$(mktemp -d)
cd "$work" || exit 1
umask 077

# keys NAME...: NAME.key and NAME.pub in the scratch folder
keys() {
	local name
	for name in "$@"; do
		wg genkey > "$name.key"
		wg pubkey < "$name.key" > "$name.pub"
	done
}
pub() { cat "$work/$1.pub"; }
key() { cat "$work/$1.key"; }
psk() { cat "$work/ab.psk"; }

# A test's output is kept until the next one.
says() {
	cp $vm_state/output "$work/said"
	also "$@"
}
# What the same command said besides.
also() { check "$1: it says: $2" grep -qF -- "$2" "$work/said"; }

# fingerprint HOST: names, inodes, sizes, times, contents. The sample of byte
# counters and the seal are told apart: a run that finds nothing to do may
# write them.
fingerprint() {
	on "$1" find /run/meshapply /var/lib/meshapply /etc/meshapply \
		-type f ! -name sample ! -name seal ! -name lock \
		-printf '%p %i %s %T@ ' -exec sha256sum {} \;
}

# Requests that change something: rtnetlink NEW and DEL (RTM_NEWLINK 16 to
# RTM_DELRULE 33, of each four the first two), WireGuard's SET_DEVICE, any
# nftables batch; sysctls and files are opened for writing.
writes_nothing() {
	local host=$1 trace=$work/trace.$1
	shift
	on "$host" strace -f -qq -o "$trace" -e trace=%network,openat,openat2,rename,renameat,renameat2,unlink,unlinkat \
		-v -s 64 "$@" || return 1
	if grep -E 'RTM_(NEW|DEL)|NFT_MSG_(NEW|DEL)|NFNL_MSG_BATCH|WG_CMD_SET|O_WRONLY|O_RDWR.*(meshapply|/proc/sys)|rename|unlink' \
		"$trace" | grep -vE 'recvm?msg|recvfrom|sample|/\.?seal|"\.?seal|/lock|/dev/null'
	then
		return 1
	fi
	# WireGuard is only read by dumps: what is sent to it and is none of
	# these is a SET_DEVICE.
	! grep -E 'send(msg|to)\(' "$trace" |
		grep -E 'nlmsg_type=(wireguard|0x[0-9a-f]+)' |
		grep -vE 'NLM_F_DUMP|0x300'
}

# What raising any WireGuard link changes, and the kernel never changes back.
without_redirects() {
	grep -v 'net/ipv4/conf/all/send_redirects' "$@"
}

three_hosts() {
	local host
	host_add a b c
	# One wire for all: a bridge in a host of its own.
	host_add wire
	on wire ip link add br0 type bridge
	on wire ip link set br0 up
	for host in a b c; do
		ip -n wire link add port_$host type veth peer name eth0 netns $host
		ip -n wire link set port_$host master br0 up
		ip -n $host link set eth0 up
	done
	ip -n a addr add 192.0.2.1/24 dev eth0
	ip -n b addr add 192.0.2.2/24 dev eth0
	ip -n c addr add 192.0.2.3/24 dev eth0
	ip -n a addr add 2001:db8::1/64 dev eth0
	ip -n b addr add 2001:db8::2/64 dev eth0
	ip -n c addr add 2001:db8::3/64 dev eth0
	ip -n b addr add 192.168.2.1/24 dev lo
	for host in a b c; do
		keys $host
		snapshot $host | without_redirects > $host.before
	done
	wg genpsk > ab.psk
	mkdir a b c
	three_files
}

three_files() {
	cat > a/wg0.conf <<-CONF
	[Interface]
	PrivateKey = $(key a)
	Address = 10.0.0.1/24, fd00::1/64
	ListenPort = 51820

	[Peer]
	PublicKey = $(pub b)
	PresharedKey = $(psk)
	AllowedIPs = 10.0.0.2/32, fd00::2/128, 192.168.2.0/24
	Endpoint = 192.0.2.2:51820
	PersistentKeepalive = 25

	[Peer]
	PublicKey = $(pub c)
	AllowedIPs = 10.0.0.3/32, fd00::3/128
	Endpoint = [2001:db8::3]:51820
	CONF
	cat > b/wg0.conf <<-CONF
	[Interface]
	PrivateKey = $(key b)
	Address = 10.0.0.2/24, fd00::2/64
	ListenPort = 51820

	[Peer]
	PublicKey = $(pub a)
	PresharedKey = $(psk)
	AllowedIPs = 10.0.0.1/32, fd00::1/128
	Endpoint = 192.0.2.1:51820

	[Peer]
	PublicKey = $(pub c)
	AllowedIPs = 10.0.0.3/32, fd00::3/128
	Endpoint = 192.0.2.3:51820
	CONF
	cat > c/wg0.conf <<-CONF
	[Interface]
	PrivateKey = $(key c)
	Address = 10.0.0.3/24, fd00::3/64
	ListenPort = 51820

	[Peer]
	PublicKey = $(pub a)
	AllowedIPs = 10.0.0.1/32, fd00::1/128
	Endpoint = [2001:db8::1]:51820

	[Peer]
	PublicKey = $(pub b)
	AllowedIPs = 10.0.0.2/32, fd00::2/128
	Endpoint = 192.0.2.2:51820
	CONF
}
