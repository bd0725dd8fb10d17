# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A run that is refused, killed, interrupted or cut off from its disk ends as
# desired or as before, never between. Each call by which the program, or its
# child meshapply-nftc, speaks to the kernel or to its disk is made to fail, or
# is its last: a sample of them, or with FAULTS=all every one.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

### The host, and four states of it

# The programs are copied: the child's place is taken by a script that runs it
# under strace when it is told to.
mkdir bin
cp "${meshapply%/*}"/meshapply* bin/
mv bin/meshapply-nftc bin/nftc
program=$work/bin/meshapply
cat > bin/meshapply-nftc <<-SH
	#!/bin/sh
	read -r runs < $work/nftc.runs
	runs=\$((runs + 1))
	echo \$runs > $work/nftc.runs
	[ ! -e $work/nftc.\$runs ] || . $work/nftc.\$runs
	exec $work/bin/nftc "\$1"
SH
chmod 755 bin/meshapply-nftc
echo 0 > nftc.runs

host_add a
ip -n a link add eth0 type veth peer name eth1
ip -n a link set eth1 up
ip -n a link set eth0 up
ip -n a address add 192.0.2.1/24 dev eth0
ip -n a address add 2001:db8::1/64 dev eth0
ip -n a route add default via 192.0.2.254
ip -n a route add 10.66.0.0/16 via 192.0.2.66 proto static
ip -n a rule add from 10.66.0.0/16 table 66 priority 66
on a nft 'table inet others { chain c { counter; }; set s { type ipv4_addr;
	elements = { 10.66.0.1 }; }; }'
# What raising any WireGuard link changes for good.
on a sysctl -qw net.ipv4.conf.all.send_redirects=0
keys self one two three four
wg genpsk > old.psk
wg genpsk > new.psk
on a install -m 700 -d /etc/meshapply/keys
on a cp self.key old.psk new.psk /etc/meshapply/keys/

# interface PORT MARK MTU ADDRESSES SYSCTL...
interface() {
	printf '#@ %s\n' 'mesh office' 'interface wg0' \
		'private-key-file self.key'
	printf '#@ sysctl %s\n' "${@:5}"
	printf '[Interface]\nListenPort = %s\nFwMark = %s\nMTU = %s\n' \
		"$1" "$2" "$3"
	printf 'Address = %s\nTable = off\n\n' "$4"
}

# peer NAME PSK KEEPALIVE ENDPOINT ALLOWED
peer() {
	echo "#@ name $1"
	[ "$2" = - ] || echo "#@ preshared-key-file $2"
	printf '[Peer]\nPublicKey = %s\n' "$(pub "$1")"
	printf 'PersistentKeepalive = %s\nEndpoint = %s\nAllowedIPs = %s\n\n' \
		"$3" "$4" "$5"
}

# firewall PORT ELEMENTS
firewall() {
	cat <<-NFT
	table inet meshapply_office {
		set sources {
			type ipv4_addr
			flags interval
			elements = { $2 }
		}
		chain mesh_in {
			type filter hook input priority filter
			iifname "wg0" ip saddr @sources tcp dport $1 accept
			iifname "wg0" ct state new tcp dport 23 drop
		}
	}
	NFT
}

mkdir one two sets
{
	interface 51820 off 1420 \
		'10.0.0.1/24, 10.0.0.9/24, 10.9.0.1/32, fd00::1/64' \
		'net.ipv4.ip_forward = 1' \
		'net.ipv4.conf.all.src_valid_mark = 1'
	peer one old.psk 25 192.0.2.2:51820 \
		'10.0.0.2/32, fd00::2/128, 10.2.0.0/16'
	peer two old.psk off 192.0.2.3:51820 \
		'10.0.0.3/32, 10.3.0.0/16, 10.33.0.0/16, fd00:3::/48'
	peer three - off '[2001:db8::4]:51820' '10.0.0.4/32, 10.4.0.0/16'
} > one/wireguard.conf
cat > one/network.batch <<-IP
	route replace 10.2.0.0/16 dev wg0 proto 77
	route replace 10.3.0.0/16 dev wg0 proto 77 src 10.9.0.1
	route replace 10.4.0.0/16 dev wg0 proto 77
	route replace fd00:3::/48 dev wg0 proto 77
	route replace blackhole 10.99.0.0/16 table 77 proto 77
	rule add from 10.0.0.0/24 table 77 priority 1000 protocol 77
	rule add from 10.2.0.0/16 table 77 priority 1001 protocol 77
	-6 rule add from fd00:2::/48 table 77 priority 1000 protocol 77
IP
firewall 22 '10.0.0.2, 10.0.0.3' > one/firewall.nft
# Of every kind of object some are added, changed, taken away.
{
	interface 51821 0x77 1380 \
		'10.0.0.9/24, 10.0.0.8/24, fd00::1/64, fd00::8/64' \
		'net.ipv4.ip_forward = 1' 'net.ipv6.conf.wg0.forwarding = 1'
	peer one old.psk 25 192.0.2.2:51820 \
		'10.0.0.2/32, 10.2.0.0/16, 10.33.0.0/16'
	peer two new.psk 21 192.0.2.33:51821 \
		'10.0.0.3/32, 10.3.0.0/16, fd00:3::/48, 10.34.0.0/16'
	peer four - off '[2001:db8::5]:51820' '10.0.0.5/32, 10.5.0.0/16'
} > two/wireguard.conf
cat > two/network.batch <<-IP
	route replace 10.2.0.0/16 dev wg0 proto 77 mtu 1300
	route replace 10.3.0.0/16 dev wg0 proto 77
	route replace 10.5.0.0/16 dev wg0 proto 77
	route replace fd00:3::/48 dev wg0 proto 77
	route replace fd00:34::/48 dev wg0 proto 77
	route replace blackhole 10.99.0.0/16 table 78 proto 77
	rule add from 10.0.0.0/24 table 78 priority 1000 protocol 77
	-6 rule add from fd00:2::/48 table 77 priority 1000 protocol 77
	-6 rule add from fd00:3::/48 table 77 priority 1001 protocol 77
IP
firewall 2222 '10.0.0.2, 10.0.0.3, 10.0.0.5' > two/firewall.nft
cp one/* sets
firewall 22 '10.0.0.2, 10.5.0.0/16' > sets/firewall.nft

# look: what a run can change of the host, with the order of its addresses, and
# what meshapply keeps, but for the lock and the sample. It is looked at after
# each fault; the whole snapshot takes three times as long, and is taken at the
# end.
# shellcheck disable=SC2016 # for the shell in there
look_dump='
	ip -d -o -batch - <<< "link show
		address show"
	for family in 4 6; do
		ip -d -o -N -$family -batch - <<< "rule show
			route show table all" | sed "s/^/$family /"
	done
	nft -s list ruleset
	wg show all dump
	cd /proc/sys/net
	grep -s "" ipv4/ip_forward ipv4/conf/*/{forwarding,rp_filter} \
		ipv4/conf/*/{src_valid_mark,promote_secondaries} \
		ipv4/conf/*/{accept,send}_redirects \
		ipv6/conf/*/{forwarding,accept_ra}
	grep -ras --exclude={lock,sample} "" /run/meshapply /var/lib/meshapply
'
# shellcheck disable=SC2016 # for awk
look_lines='
	# Indexes, and the counters and handshakes of peers.
	/^[0-9]+: / { sub(/^[0-9]+: */, ""); sub(/@if[0-9]+/, "") }
	/^[^ ]+ +inet/ { $0 = ++addresses[$1, $2] " " $0 }
	/^wg0\t/ && split($0, f, "\t") > 5 {
		# Handshakes and bytes are not compared, the order of
		# allowed IPs neither.
		n = split(f[5], prefix, ",")
		for (i = 1; i <= n; i++)
			print f[2], prefix[i]
		$0 = "peer " f[2] " " f[3] " " f[4] " " f[9]
	}
	{ print }
'
look() {
	on a bash -c "$look_dump" 2>&1 | awk "$look_lines" | LC_ALL=C sort
}

# words TARGET: the words of the command that leads to a state.
words() {
	words=(apply "./$1" --wait=10)
	[ "$1" != nothing ] || words=(remove office --wait=10)
}

state=unknown
go_to() {
	local words
	[ "$state" != "$1" ] || return 0
	words "$1"
	state=$1
	on a "$program" "${words[@]}" > to.output 2>&1 && return
	sed 's/^/# go_to: /' to.output
	state=unknown
	return 1
}

# whereabouts FROM TO: which of them it is; the difference if neither.
whereabouts() {
	local name
	look > now
	for name in "$1" "$2"; do
		if cmp -s now "$name.look"; then
			state=$name
			[ "$name" = "$1" ] && place='as before' ||
				place='as desired'
			return
		fi
	done
	state=unknown
	place="between:
$(diff -a -U 0 "$1.look" now | grep -a '^[-+]' | tr -cd '\t\n -~' | cut -c 1-200)"
}

### What there is to fail

# A change's calls, in order, a line each:
#
#	NUMBER SYSCALL COUNT KIND PHASE WORDS
#
# COUNT is how often there was that SYSCALL until then, as strace counts. KIND:
# read and write are of the kernel, disk of files, take is an answer. PHASE:
# before the first write and itself; after it; past the point of no return; and
# kept, when it is on disk that all went well.
cat > calls.awk <<'AWK'
{ call = $0; sub(/\(.*/, "", call) }
call !~ /^(sendmsg|sendto|recvmsg|write|fsync|renameat|unlinkat)$/ { next }
{
	count[call]++
	kind = words = ""
	if (call ~ /^send/) {
		kind = "read"
		if (match($0, /nlmsg_type=[^,]*/))
			words = substr($0, RSTART + 11, RLENGTH - 11)
		if (/RTM_(NEW|DEL)|NFNL_MSG_BATCH/ ||
		    /nlmsg_type=wireguard, nlmsg_flags=NLM_F_REQUEST.NLM_F_ACK,/)
			kind = "write"
		if (commit) {
			kind = "write"
			words = "the commit for nftc"
		}
		commit = /iov_base="\\r\\0\\0\\0\\4\\0\\0\\0"/
	} else if (call == "recvmsg") {
		kind = "take"
	} else if (call == "write" && /\/proc\/sys\//) {
		kind = "write"
		words = "a sysctl"
	} else if (/(run|lib)\/meshapply/) {
		kind = "disk"
	}
	if (kind == "")
		next
	n++
	if (kind == "write" && !first)
		first = n
	if (kind == "write" && words == "wireguard")
		last_wireguard = n
	if (call == "renameat" && /"journal.verified"/)
		verified = n
	line[n] = call " " count[call] " " kind
	end[n] = words
}
END {
	for (i = 1; i <= n; i++) {
		phase = i <= first ? "before" : "after"
		if (returns && i > last_wireguard)
			phase = "past"
		if (i > verified)
			phase = "kept"
		print i, line[i], phase, end[i]
	}
}
AWK

# traced STRACE-OPTION... COMMAND...: its calls in the file trace
traced() {
	rm -f trace
	on a strace -qq -o "$work/trace" "$@"
}

# reach FROM TO RETURNS: without a fault, and what calls that takes. RETURNS:
# there is a point of no return on the way.
reach() {
	local words
	go_to "$1" || return 1
	words "$2"
	echo 0 > nftc.runs
	traced -y -s 200 -e \
		trace=sendmsg,sendto,recvmsg,write,fsync,renameat,unlinkat \
		"$program" "${words[@]}" > reach.output 2>&1 || {
		cat reach.output
		return 1
	}
	state=$2
	awk -v returns="$3" -f calls.awk trace > "$1-$2.calls"
	cp nftc.runs "$1-$2.runs"
	grep -q ' write before' "$1-$2.calls"
}

check 'the ways there and back' go_to one
check 'and away' go_to nothing
look > nothing.look
snapshot a > nothing.snapshot
check 'calls of a first apply' reach nothing one 0
look > one.look
check 'calls of a change' reach one two 1
look > two.look
go_to one
check 'calls of a change of set elements' reach one sets 0
look > sets.look
go_to one
check 'calls of a removal' reach one nothing 1
whereabouts nothing one
is 'the removal leads to nothing again' "$place" 'as before'
go_to one
whereabouts one two
is 'the first apply leads to the same again' "$place" 'as before'
for way in nothing-one one-two one-sets one-nothing; do
	echo "# $way: $(grep -c ' read ' $way.calls) requests that read," \
		"$(grep -c ' write ' $way.calls) that write," \
		"$(grep -c ' disk ' $way.calls) calls about files," \
		"$(< $way.runs) children"
done

### One fault

# A fault is SYSCALL:COUNT. inject WHAT FAULT: strace's words for it.
inject() {
	echo "inject=${2%:*}:$1:when=${2#*:}"
}

# under FAULT HOW TO: a run with a fault, its exit status in $status.
under() {
	local words
	words "$3"
	echo 0 > nftc.runs
	{ traced -e "trace=${1%:*}" -e "$(inject "$2" "$1")" \
		"$program" "${words[@]}" > under.output 2>&1; } 2>/dev/null
	status=$?
}

# verdict NAME GOT WANT...: GOT is one of WANT
verdict() {
	local name=$1 got=$2 want
	shift 2
	for want in "$@"; do
		if [ "$got" = "$want" ]; then
			tap_result 0 "$name: $got"
			return
		fi
	done
	tap_result 1 "$name"
	printf '#    got: %s\n' "${got//$'\n'/$'\n'#         }"
	printf '#   want: %s\n' "$@"
	sed 's/^/#   /' under.output
}

# call WAY FAULT: what is known of it, in $kind, $phase, $about
call() {
	local found
	found=$(grep -m 1 " ${2/:/ } " "$1.calls")
	read -r _ _ _ kind phase about <<< "$found"
}

# refused WAY FAULT: it fails once.
refused() {
	local from=${1%-*} to=${1#*-} error=ENOBUFS want kind phase about
	call "$1" "$2"
	[ "$kind" != disk ] || error=ENOSPC
	go_to "$from"
	under "$2" error=$error "$to"
	whereabouts "$from" "$to"
	case $kind-$phase in
	*-before) want=('exit 1, as before') ;;
	*-after) want=('exit 4, as before') ;;
	disk-past) want=('exit 4, as before') ;;
	*-past) want=('exit 0, as desired') ;;
	*-kept) want=('exit 0, as desired' 'exit 4, as before') ;;
	esac
	# A lost answer: a dump is repeated, what may be done is undone.
	[ "$kind" != take ] || want+=('exit 0, as desired')
	grep -q INJECTED trace || want=('a fault')
	verdict "$1, $2 $about ($kind) fails" "exit $status, $place" \
		"${want[@]}"
}

# killed WAY FAULT [NEXT]: there the run dies; the NEXT one, recover if none is
# given, ends clean.
killed() {
	local from=${1%-*} to=${1#*-} next=${3-} ends='as before'
	local kind phase about words
	call "$1" "$2"
	# Nothing is as it was, but for what is to be forgotten.
	[ "$phase-$to" != kept-nothing ] || next=nothing
	go_to "$from"
	under "$2" signal=KILL "$to"
	words=(recover office --wait=10)
	[ -z "$next" ] || words "$next"
	on a "$program" "${words[@]}" >> under.output 2>&1
	status="$status, then $?"
	whereabouts "$from" "$to"
	[ "$phase" != kept ] || ends='as desired'
	[ "$next" != "$to" ] || ends='as desired'
	verdict "$1, $2 $about ($kind), killed, then ${words[0]}" \
		"exit $status, $place" "exit 137, then 0, $ends"
}

# spread COUNT: of the lines of standard input so many, the first, the last,
# and evenly between; all with FAULTS=all.
spread() {
	awk -v want="$1" -v all="${FAULTS-}" '
		{ line[NR] = $0 }
		END {
			if (all == "all" || want >= NR)
				want = NR
			step = want > 1 ? (NR - 1) / (want - 1) : 0
			for (i = 0; i < want; i++)
				print line[1 + int(i * step + .5)]
		}'
}

# faults WAY PATTERN COUNT: of the calls whose "KIND PHASE" is PATTERN
faults() {
	awk -v pattern="^($2)\$" '$4 " " $5 ~ pattern { print $2 ":" $3 }' \
		"$1.calls" | spread "$3"
}

# each COMMAND WAY PATTERN COUNT
each() {
	local fault found=0
	for fault in $(faults "$2" "$3" "$4"); do
		"$1" "$2" "$fault"
		found=1
	done
	[ $found = 1 ] || tap_result 1 "$2: no call is \"$3\""
}

### Every call fails

each refused nothing-one 'read before' 2
each refused nothing-one 'write before' 1
each refused nothing-one 'write after' 3
each refused nothing-one 'read after' 1
each refused one-two 'read before' 2
each refused one-two 'write before' 1
each refused one-two 'write after' 5
each refused one-two 'read after' 1
each refused one-two '(read|write) past' 2
each refused one-sets 'write before' 1
each refused one-sets 'read after' 1
each refused one-nothing 'write before' 1
each refused one-nothing 'write after' 2
each refused one-nothing '(read|write) past' 2
each refused one-two 'disk before' 2
each refused one-two 'disk past' 1
each refused one-two 'disk kept' 2
each refused one-two 'take (before|after|past)' 3

### The run is killed at each

each killed nothing-one '(read|write) before' 1
each killed nothing-one 'write after' 2
each killed one-two '(read|write) (before|after|past)' 5
each killed one-two 'disk .*' 3
each killed one-sets 'read after' 1
each killed one-nothing '(write|read) (after|past)' 2
each killed one-nothing 'disk .*' 2
killed one-two "$(faults one-two 'write after' 3 | sed -n 2p)" two
killed one-nothing "$(faults one-nothing 'write past' 1)" one

### meshapply-nftc fails, or is killed, at each of its calls

# child_under NUMBER HOW FAULT: have that child of the run to come fail so.
child_under() {
	echo "exec $(command -v strace) -D -qq -o $work/child.trace" \
		"-e trace=${3%:*} -e $(inject "$2" "$3")" \
		"$work/bin/nftc \"\$1\"" > "nftc.$1"
}

# Of one-two: the first child compiles, the second loads.
for number in 1 2; do
	echo "exec $(command -v strace) -D -qq -o $work/calls.$number" \
		"-e trace=sendmsg,sendto $work/bin/nftc \"\$1\"" \
		> nftc.$number
done
go_to one
echo 0 > nftc.runs
state=two
check 'calls of the children' on a "$program" ./two
rm nftc.[12]
for number in 1 2; do
	awk '{ call = $0; sub(/\(.*/, "", call) }
		call ~ /^send/ { print call ":" ++count[call] }' \
		calls.$number > calls.$number.list
	echo "# child $number: $(wc -l < calls.$number.list) calls"
done

# child_fails NUMBER HOW FAULT: what it was to do may have been done, or be of
# no weight, such as the stub of a link that the file does not need.
child_fails() {
	local want=('exit 1, as before')
	go_to one
	child_under "$@"
	echo 0 > nftc.runs
	on a "$program" ./two > under.output 2>&1
	status=$?
	rm "nftc.$1"
	whereabouts one two
	[ "$1" = 1 ] || want+=('exit 4, as before')
	[ "$1$2" != 1error=ENOBUFS ] || want+=('exit 0, as desired')
	grep -qE 'INJECTED|SIGKILL' child.trace || want=('a fault')
	verdict "one-two, child $1, $3, $2" "exit $status, $place" "${want[@]}"
}

for number in 1 2; do
	for fault in $(spread $((2 + number)) < calls.$number.list); do
		child_fails $number error=ENOBUFS "$fault"
	done
	for fault in $(spread 2 < calls.$number.list); do
		child_fails $number signal=KILL "$fault"
	done
done

# The undo's own child fails as well: it tries again.
late=$(faults one-two 'write after' 1)
go_to one
child_under 3 signal=KILL "$(sed -n 8p calls.2.list)"
under "$late" error=ENOBUFS two
rm nftc.3
whereabouts one two
verdict 'the undo fails once' "exit $status, $place" 'exit 4, as before'

# It fails for good: what differs is said, and the next run goes on with it.
go_to one
for number in 3 4 5 6 7 8 9 10; do
	child_under $number signal=KILL "$(sed -n 8p calls.2.list)"
done
under "$late" error=ENOBUFS two
rm nftc.*[0-9]
is 'the undo fails for good: the exit status' "$status" 5
check 'and what differs is said' grep -q \
	'~ firewall table inet meshapply_office' \
	<(sed -n '/^To be as before/,$p' under.output)
on a "$program" recover office > under.output 2>&1
status=$?
whereabouts one two
verdict 'recover' "exit $status, $place" 'exit 0, as before'

# No word with the kernel any more.
under "${late%:*}:$((${late#*:} - 1))+" error=ENOBUFS two
is 'the kernel is gone: the exit status' "$status" 5
on a "$program" ./two > under.output 2>&1
status=$?
whereabouts one two
verdict 'the next run undoes, and goes on' "exit $status, $place" \
	'exit 0, as desired'

### Signals wait

# signalled WAY PATTERN SIGNAL STATUS PLACE [HOW]
signalled() {
	local from=${1%-*} to=${1#*-} fault
	fault=$(faults "$1" "$2" 3 | sed -n 2p)
	go_to "$from"
	under "$fault" "${6-}${6:+:}signal=$3" "$to"
	whereabouts "$from" "$to"
	verdict "$1, $fault, SIG$3${6:+ and $6}" "exit $status, $place" \
		"exit $4, $5"
}
signalled one-two 'read before' HUP 129 'as before'
signalled one-two 'write after' HUP 129 'as desired'
signalled one-two 'write after' HUP 129 'as before' error=ENOBUFS
signalled nothing-one 'write after' INT 130 'as desired'
signalled one-nothing 'write after' TERM 143 'as desired'

# Two runs at once, and ^C, which the child gets as well.
go_to one
fault=$(faults one-two 'write after' 1)
echo 0 > nftc.runs
start a setsid strace -qq -o trace -e trace="${fault%:*}" \
	-e "$(inject delay_enter=8000000 "$fault")" \
	"$program" ./two > under.output 2>&1
wait_for 30 on a test -e /run/meshapply/office/journal
exits 'a second run at once' 75 on a "$program" ./one
exits 'and a removal' 75 on a "$program" remove office
kill -INT -- "-$started"
{ wait "$started"; } 2>/dev/null
status=$?
whereabouts one two
verdict '^C in the middle' "exit $status, $place" 'exit 130, as desired'
go_to one
start a strace -qq -o trace -e trace="${fault%:*}" \
	-e "$(inject delay_enter=2000000 "$fault")" \
	"$program" ./two > under.output 2>&1
wait_for 30 on a test -e /run/meshapply/office/journal
on a "$program" --wait=60 ./one > second.output 2>&1
status=$?
wait "$started"
status="$?, then $status"
whereabouts one two
verdict 'a second run that waits' "exit $status, $place" \
	'exit 0, then 0, as before'

### A closed pipe

go_to one
exec {pipe}> >(exec true)
wait $!
{ on a "$program" ./two >&$pipe; } 2>/dev/null
status=$?
exec {pipe}>&-
whereabouts one two
verdict 'nobody reads the plan' "exit $status, $place" 'exit 141, as before'
{ on a "$program" ./two | read -r _; } 2>/dev/null
status=${PIPESTATUS[0]}
whereabouts one two
verdict 'nobody reads how it ended' "exit $status, $place" \
	'exit 141, as desired'
on a "$program" ./one <&- >&- 2>&-
status=$?
whereabouts two one
verdict 'no descriptor is open' "exit $status, $place" 'exit 0, as desired'

### A disk that takes nothing

# disk_fails NAME FROM TO FOLDER COMMAND...: COMMAND makes it so.
disk_fails() {
	local name=$1 from=$2 to=$3 folder=$4 words
	shift 4
	go_to "$from"
	words "$to"
	on a cp -a "$folder" kept
	on a mount -t tmpfs -o size=64k,mode=755 full "$folder"
	on a sh -c 'cp -a kept/. "$1"' sh "$folder"
	on a "$@"
	on a "$program" "${words[@]}" > under.output 2>&1
	status=$?
	on a umount "$folder"
	rm -r kept
	whereabouts "$from" "$to"
	verdict "$name" "exit $status, $place" 'exit 1, as before'
}
fill() {
	disk_fails "$1" "$2" "$3" "$4" sh -c \
		'cat /dev/zero > "$1/fill" 2>/dev/null; test -s "$1/fill"' \
		sh "$4"
}
read_only() {
	disk_fails "$1" "$2" "$3" "$4" mount -o remount,ro "$4"
}
fill 'a full /run' nothing one /run/meshapply
read_only 'a /run for reading only' nothing one /run/meshapply
fill 'a full /var/lib' nothing one /var/lib/meshapply
read_only 'a /var/lib for reading only' nothing one /var/lib/meshapply
fill 'a full /var/lib, and a change' one two /var/lib/meshapply
fill 'a full /run, and a removal' one nothing /run/meshapply

### After all that

check 'removed' go_to nothing
snapshot a > now
same 'the host is as it was' nothing.snapshot now
done_testing
