# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Devices that the real wg-quick made are taken over while they carry 1000
# packets a second each way, changed and removed: none is lost until the
# removal, and nothing of wg-quick's stays behind.
#
# FAULTS=all: an error at every request that adopting sends, not at some.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

conf=/etc/wireguard/wg0.conf
wants=/etc/systemd/system/multi-user.target.wants
unit=wg-quick@wg0.service

### Two hosts: a is the one that adopts, b is set up by wg and ip alone.

host_add a b
link_hosts a eth0 '192.0.2.1/24 2001:db8::1/64' \
	b eth0 '192.0.2.2/24 2001:db8::2/64'
ip -n a route add default via 192.0.2.2
ip -n a route add default via 2001:db8::2
ip -n a rule add to 10.0.0.0/24 lookup 1234 priority 100
on a sysctl -qw net.ipv4.conf.all.rp_filter=1 \
	net.ipv4.conf.eth0.rp_filter=1
keys a b c
wg genpsk > ab.psk
printf 'set -e\n
	ip link add wg0 type wireguard
	wg set wg0 listen-port 51820 private-key %s/b.key peer %s \
		preshared-key %s/ab.psk allowed-ips 10.0.0.1/32,fd00::1/128
	ip address add 10.0.0.2/24 dev wg0
	ip address add fd00::2/64 dev wg0
	ip address add 203.0.113.7/32 dev wg0
	ip address add 2001:db8:7::7/128 dev wg0
	ip link set wg0 up\n' "$work" "$(pub a)" "$work" > b.sh
check 'b is set up' on b sh b.sh

# interface LINES...: a's file, with b as its only peer
interface() {
	local line
	printf '[Interface]\nPrivateKey = %s\n' "$(key a)"
	for line; do
		[ "$line" != peer ] || printf '\n[Peer]\nPublicKey = %s\n%s\n' \
			"$(pub b)" "PresharedKey = $(psk)"
		[ "$line" = peer ] || echo "$line"
	done
}
file() { on a tee $conf > /dev/null; }

ifindex() { on a cat /sys/class/net/wg0/ifindex; }
handshakes() { on a wg show wg0 latest-handshakes; }
b_of() { on a wg show wg0 dump | grep -F "$(pub b)"; }
received() { b_of | cut -f 6; }
sent() { b_of | cut -f 7; }

routes() {	# all that somebody put on the device, with their makers
	ip -n a -N -o route show table all | grep ' dev wg0 '
	ip -n a -N -o -6 route show table all | grep ' dev wg0 '
}
made_routes() { routes | grep -vE ' proto 2( |$)'; }
rules() {
	{ ip -n a -N -4 rule; ip -n a -N -6 rule; } |
		grep -vE 'lookup 25[345]$|^100:'
}

writes() {
	on a "$meshapply" --jsonl wg0 | sed -n 's/.*"writes": \([0-9]*\).*/\1/p'
}

flows_start() {	# A's TARGET
	udp_flow_start there a b "$1" 4001 1000 0 &&
		udp_flow_start back b a 10.0.0.1 4002 1000 0 10.0.0.2
}

flows_stop() {	# NAME: two tests
	local flow line
	for flow in there back; do
		line=$(udp_flow_stop $flow)
		echo "# $flow: $line"
		is "$1: no packet lost, $flow" "$(udp_flow_get lost "$line")" 0
		is "$1: none refused, $flow" "$(udp_flow_get failed "$line")" 0
		check "$1: it was a flow, $flow" \
			[ "$(udp_flow_get sent "$line")" -gt 3000 ]
	done
}

### One shape of file

# adopt_case NAME TARGET: wg0.conf is there; TARGET is what a's packets go to
adopt_case() {
	local name=$1 target=$2 index shakes in out before
	snapshot a | without_redirects > "$name.before"
	check "$name: wg-quick up" on a wg-quick up wg0
	check "$name: a session" on a ping -q -c 1 -W 10 "$target"
	routes > "$name.quick"
	rules | cut -d : -f 2- | sort > "$name.rules"
	index=$(ifindex)
	shakes=$(handshakes)
	[ "$name" != full ] || snapshot -i a > "$name.running"
	check "$name: a flow each way" flows_start "$target"

	exits "$name: apply leaves it alone" 7 on a "$meshapply" wg0
	says "$name" 'meshapply adopt wg0'
	exits "$name: the plan" 2 on a "$meshapply" adopt wg0 --dry-run \
		--detailed-exitcode
	cp $vm_state/output "$name.plan"
	sed 's/^/#   /' "$name.plan"
	check "$name: it says that the device is taken over" \
		grep -q '^ *~ device wg0: .*meshapply:wg0.*taken over' \
		"$name.plan"
	fails "$name: and touches no peer and no address" \
		grep -qE '^ *[-+~] (peer|address)' "$name.plan"
	[ "$name" != full ] || same "$name: the plan writes nothing" \
		"$name.running" <(snapshot -i a)

	in=$(received)
	out=$(sent)
	check "$name: adopt" on a "$meshapply" adopt wg0
	[ ! -L $wants/$unit ] || says "$name" 'systemctl disable wg-quick@wg0'
	is "$name: the same link" "$(ifindex)" "$index"
	is "$name: the same sessions" "$(handshakes)" "$shakes"
	check "$name: received bytes count on" [ "$(received)" -gt "$in" ]
	check "$name: sent bytes count on" [ "$(sent)" -gt "$out" ]
	is "$name: the alias" "$(on a cat /sys/class/net/wg0/ifalias)" \
		meshapply:wg0
	fails "$name: no route of another maker" \
		grep -vE ' proto 77( |$)' <(made_routes)
	same "$name: the routes are the same" \
		<(sed -E 's/ proto [0-9]+//' "$name.quick" | sort) \
		<(routes | sed -E 's/ proto [0-9]+//' | sort)
	same "$name: the rules are the same, of ours" \
		<(sed -E 's/$/ proto 77/' "$name.rules") \
		<(rules | cut -d : -f 2- | sort)
	fails "$name: no table of wg-quick's" \
		grep -q wg-quick <(on a nft list tables)
	is "$name: a second apply writes nothing" "$(writes)" 0
	exits "$name: nor has it anything to write" 0 on a "$meshapply" plan \
		--detailed-exitcode wg0
	exits "$name: adopted again, there is nothing to do" 0 \
		on a "$meshapply" adopt wg0 --detailed-exitcode

	# The changes: a peer more, another port of b's, a keepalive.
	before=$(handshakes)
	printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.3/32\n' \
		"$(pub c)" | on a tee -a $conf > /dev/null
	on a sed -i 's/^Endpoint = .*/&\nPersistentKeepalive = 7/' $conf
	check "$name: a change" on a "$meshapply" wg0
	check "$name: the peer is there" \
		grep -qF "$(pub c)" <(on a wg show wg0 peers)
	check "$name: and the keepalive" grep -qP '\t7$' <(b_of)
	check "$name: the session goes on" grep -qF "$before" <(handshakes)
	ip -n b address add 192.0.2.22/24 dev eth0
	on a sed -i 's/^Endpoint = .*/Endpoint = 192.0.2.22:51820/' $conf
	check "$name: another endpoint" on a "$meshapply" wg0
	is "$name: it was not a new session" \
		"$(handshakes | grep -F "$(pub b)")" "$before"
	sleep 1
	flows_stop "$name"

	check "$name: remove" on a "$meshapply" remove wg0
	# wg-quick had set it before we came.
	[ "$target" != 203.0.113.7 ] || sed -i \
		's/conf\/all\/src_valid_mark:0/conf\/all\/src_valid_mark:1/' \
		"$name.before"
	same "$name: as it was before wg-quick" "$name.before" \
		<(snapshot a | without_redirects)
	is "$name: no file is left" "$(on a find /run/meshapply \
		/var/lib/meshapply -mindepth 1 ! -name sysctls)" ""
	on a sysctl -qw net.ipv4.conf.all.src_valid_mark=0
	ip -n b address del 192.0.2.22/24 dev eth0
}

mkdir -p $wants
ln -s /lib/systemd/system/wg-quick@.service $wants/$unit

interface 'Address = 10.0.0.1/24, fd00::1/64' 'ListenPort = 51820' peer \
	'AllowedIPs = 10.0.0.2/32, fd00::2/128, 203.0.113.0/24' \
	'AllowedIPs = 2001:db8:7::/48' 'Endpoint = 192.0.2.2:51820' | file
adopt_case site 10.0.0.2
rm $wants/$unit

full_file() {
	interface 'Address = 10.0.0.1/32, fd00::1/128' peer \
		'AllowedIPs = 0.0.0.0/0, ::/0' 'Endpoint = 192.0.2.2:51820' |
		file
}
full_file
adopt_case full 203.0.113.7

interface 'Address = 10.0.0.1/32, fd00::1/128' 'Table = 1234' peer \
	'AllowedIPs = 10.0.0.0/24, fd00::/64, 2001:db8:7::/48' \
	'Endpoint = 192.0.2.2:51820' | file
adopt_case table 10.0.0.2

### A device that is not as the file says any more

full_file
check 'differs: wg-quick up' on a wg-quick up wg0
ip -n a route add 198.18.0.0/15 dev wg0
check 'differs: a session' on a ping -q -c 1 -W 10 203.0.113.7
shakes=$(handshakes)
interface 'Address = 10.0.0.1/32, 10.0.0.9/32' peer \
	'AllowedIPs = 10.0.0.0/24, 203.0.113.0/24' \
	'Endpoint = 192.0.2.2:51820' 'PersistentKeepalive = 21' | file
exits 'differs: the plan' 0 on a "$meshapply" adopt wg0 --dry-run
cp $vm_state/output plan
sed 's/^/#   /' plan
tells() { check "differs: the plan tells of $1" grep -q -- "$2" plan; }
tells 'the keepalive' '~ peer .* keepalive off -> 21 s'
tells 'allowed IPs more' '~ peer .*allowed IPs + 10.0.0.0/24, 203.0.113.0/24'
tells 'allowed IPs less' '~\? peer .*allowed IPs .*0.0.0.0/0'
tells 'an address more' '+ address 10.0.0.9/32'
tells 'an address less' '- address fd00::1/128'
tells 'a route more' '+ route 203.0.113.0/24 dev wg0 proto 77'
tells 'a route less' '- route default dev wg0 table 51820'
tells 'the mark' '~ device wg0: mark 0xca6c -> off'
tells 'rules' '- rule not fwmark 0xca6c table 51820'
tells 'rules of IPv6' '- IPv6 rule not fwmark 0xca6c table 51820'
tells 'the tables' '- firewall table ip6 wg-quick-wg0'
check 'differs: adopt' on a "$meshapply" adopt wg0
is 'differs: the same sessions' "$(handshakes)" "$shakes"
check 'differs: through the tunnel' on a ping -q -c 1 -W 10 203.0.113.7
is 'differs: no rule is left' "$(rules)" ''
is 'differs: no table either' "$(on a nft list tables)" ''
is 'differs: nor a route but who made its own' "$(made_routes)" \
	"$(printf '%s\n' '10.0.0.0/24 dev wg0 proto 77 scope 253 ' \
		'198.18.0.0/15 dev wg0 scope 253 ' \
		'203.0.113.0/24 dev wg0 proto 77 scope 253 ')"
is 'differs: a second apply writes nothing' "$(writes)" 0
exits "differs: remove does not take others' routes along" 7 \
	on a "$meshapply" remove wg0
says 'differs' 198.18.0.0/15
ip -n a route del 198.18.0.0/15 dev wg0
check 'differs: remove' on a "$meshapply" remove wg0
sed 's/conf\/all\/src_valid_mark:0/conf\/all\/src_valid_mark:1/' \
	full.before > differs.before
same 'differs: as it was before wg-quick' differs.before \
	<(snapshot a | without_redirects)

### What there is to adopt, and what is not

exits 'missing: refused' 66 on a "$meshapply" adopt wg0
says missing 'there is no device wg0 to adopt'
is 'missing: none is made' "$(on a ls /sys/class/net | grep -x wg0)" ''
check 'missing: apply makes it' on a "$meshapply" apply wg0
is 'missing: it is there' "$(on a cat /sys/class/net/wg0/ifalias)" \
	meshapply:wg0
is 'missing: a second apply writes nothing' "$(writes)" 0
exits 'other mesh: refused' 7 on a "$meshapply" adopt wg0 --mesh=other
says 'other mesh' 'belongs to the mesh wg0'
check 'missing: remove' on a "$meshapply" remove wg0
ip -n a link add wg0 type dummy
exits 'no WireGuard: refused' 7 on a "$meshapply" adopt wg0
says 'no WireGuard' 'no WireGuard device'
ip -n a link del wg0
exits 'no file: refused' 66 on a "$meshapply" adopt wg7
exits 'another name: refused' 65 on a "$meshapply" adopt wg7 wg0

on a sed -i 's/^Address.*/&\nTable = off\nPostUp = ip route add 10.3.0.0\/16 dev %i/' \
	$conf
check 'hooks: wg-quick up' on a wg-quick up wg0
exits 'hooks: adopt is refused' 65 on a "$meshapply" adopt wg0
check 'hooks: but not with --ignore-hooks' \
	on a "$meshapply" adopt wg0 --ignore-hooks
is 'hooks: what they made stays' "$(made_routes)" \
	'10.3.0.0/16 dev wg0 scope 253 '
check 'hooks: remove, by force' on a "$meshapply" remove wg0 --force=foreign

### What fails half way leaves wg-quick's device as it was

# Of the requests the first forty and more are for reading.
first=50 step=22
if [ "${FAULTS-}" = all ]; then
	first=1 step=1
fi
full_file
check 'faults: wg-quick up' on a wg-quick up wg0
check 'faults: a session' on a ping -q -c 1 -W 10 203.0.113.7
snapshot -i a | without_redirects > faults.running
undone=0
for ((n = first; n < 300; n += step)); do
	on a strace -f -qq -o trace --seccomp-bpf -e trace=sendmsg,sendto \
		-e inject=sendmsg,sendto:error=ENOBUFS:when=$n \
		"$meshapply" adopt wg0 > told 2>&1
	status=$?
	grep -q INJECTED trace || break
	case $status in
	0)	# Past the removals there is only the way forward.
		is "faults: done although $n failed" "$(writes)" 0
		on a "$meshapply" remove wg0 > /dev/null
		on a wg-quick up wg0 2> /dev/null
		on a ping -q -c 1 -W 10 203.0.113.7 > /dev/null
		snapshot -i a | without_redirects > faults.running
		;;
	1 | 4)
		undone=$((undone + 1))
		same "faults: $n failed, exit $status: all is as before" \
			faults.running <(snapshot -i a | without_redirects)
		;;
	*)
		is "faults: $n failed" "exit $status: $(< told)" 'exit 1 or 4'
		;;
	esac
done
check 'faults: some were taken back' [ $undone -ge 2 ]
is 'faults: without one it is adopted' "$status" 0
check 'faults: remove' on a "$meshapply" remove wg0
done_testing
