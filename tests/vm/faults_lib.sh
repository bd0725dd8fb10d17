# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What faults.sh and interrupts.sh share; sourced after meshapply.sh. A host a,
# and four states of the mesh office on it, each a folder, but for nothing:
#
#	go_to STATE		apply it, or remove the mesh
#	reach FROM TO RETURNS	the calls that takes, in FROM-TO.calls
#	whereabouts FROM TO	which of them it is, in $place
#	under FAULT WHAT TO	a run with a fault, its status in $status
#	verdict NAME GOT WANT...	a test
#
# shellcheck disable=SC2034,SC2154 # some of either kind are of the others

### The host, and four states of it

# The programs are copied: the child's place is taken by a script that sources
# the file nftc.NUMBER before, if there is one for this child of the run.
mkdir bin
cp "${meshapply%/*}"/meshapply* bin/
cp "${meshapply%/*}"/tests/fault.so . || exit 1
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
# what meshapply keeps, but for the lock, the sample, the seal and its history. It
# is looked at after each fault; the whole snapshot takes longer, and is taken at
# the end.
# shellcheck disable=SC2016 # for the shell in there
look_dump='
	ip -d -o -N -batch - <<< "link show
		address show
		rule show
		route show table all"
	ip -d -o -N -6 rule show
	nft -s list ruleset
	wg show all dump
	cd /proc/sys/net
	grep -ras --exclude={lock,sample,seal,settled} --exclude-dir=generations \
		"" ipv4/ip_forward \
		ipv4/conf/*/{forwarding,rp_filter,src_valid_mark} \
		ipv4/conf/*/{promote_secondaries,{accept,send}_redirects} \
		ipv6/conf/*/{forwarding,accept_ra} \
		/run/meshapply /var/lib/meshapply
'
# shellcheck disable=SC2016 # for awk
look_lines='
	# Without indexes.
	/^[0-9]+: / { sub(/^[0-9]+: */, ""); sub(/@if[0-9]+/, "") }
	/^[^ ]+ +inet6? [^ ]+\// { $0 = ++addresses[$1, $2] " " $0 }
	# Of peers all but the last handshake and the bytes.
	/^wg0\t/ && split($0, f, "\t") > 5 {
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
	local name nearest=
	look > now
	for name in "$1" "$2"; do
		diff -a -U 0 "$name.look" now > "$name.diff"
		[ -n "$nearest" ] &&
			[ "$(wc -l < "$nearest.diff")" -le \
				"$(wc -l < "$name.diff")" ] || nearest=$name
		if ! [ -s "$name.diff" ]; then
			state=$name
			[ "$name" = "$1" ] && place='as before' ||
				place='as desired'
			return
		fi
	done
	state=unknown
	place="between, nearest to $nearest:
$(tr -cd '\t\n -~' < "$nearest.diff" | cut -c 1-200 | head -n 40)"
}

### What there is to fail

# A change's calls, in order, a line each:
#
#	NUMBER SYSCALL COUNT KIND PHASE WORDS
#
# COUNT is how often there was that SYSCALL until then, as fault.so counts.
# KIND: read and write are of the kernel, disk of files, take is an answer,
# sample is of the file with the byte counters, or of the seal.
# PHASE: before the first write and itself; after it; past the point of no
# return; and kept, when it is on disk that all went well.
cat > calls.awk <<'AWK'
{ call = $0; sub(/\(.*/, "", call) }
call !~ /^(sendmsg|sendto|recvmsg|write|fsync|renameat|unlinkat)$/ { next }
/^write\([12]</ { next }
{
	count[call]++
	kind = words = ""
	if (call ~ /^send/) {
		kind = "read"
		if (match($0, /nlmsg_type=[^,]*/))
			words = substr($0, RSTART + 11, RLENGTH - 11)
		if (/RTM_(NEW|DEL)|NFNL_MSG_BATCH/ ||
		    /type=wireguard, nlmsg_flags=NLM_F_REQUEST.NLM_F_ACK,/)
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
		# The sample is written if a peer has been sent to since.
		kind = "disk"
		if (/sample|seal/ && call != "unlinkat" ||
		    sampled && call == "fsync")
			kind = "sample"
		sampled = kind == "sample" && call == "renameat"
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

# same_calls: how many calls a run makes does not depend on those before it: of
# their history, and of empty folders that they left.
same_calls() {
	local left=(/var/lib/meshapply/office/generations)
	[ "$state" != nothing ] ||
		left=(/run/meshapply/office /var/lib/meshapply/office)
	on a rm -rf "${left[@]}"
}

# reach FROM TO RETURNS: without a fault, and what calls that takes. RETURNS:
# there is a point of no return on the way.
reach() {
	local words
	go_to "$1" || return 1
	same_calls
	words "$2"
	echo 0 > nftc.runs
	on a strace -qq -y -s 200 -o "$work/trace" -e \
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

### One fault

# A fault is SYSCALL:COUNT, or SYSCALL:COUNT+ for all that come then as well.
# What becomes of it is told as to fault.so: error ERRNO, signal NUMBER, both
# ERRNO, delay MILLISECONDS, wait 0. faulty FAULT WHAT sets the words for env to do so.
EPERM=1 EIO=5 EINVAL=22 ENOSPC=28 EROFS=30 ENOBUFS=105
HUP=1 INT=2 KILL=9 TERM=15
faulty() {
	local count=${1#*:} last
	last=${count%+}
	[ "$last" = "$count" ] || last=1000000
	rm -f fault.log
	faulty=(FAULT="${1%:*} ${count%+} $last $2"
		FAULT_LOG="$work/fault.log" LD_PRELOAD="$work/fault.so")
}

# under FAULT WHAT TO: a run with a fault, its exit status in $status.
under() {
	local words faulty
	words "$3"
	faulty "$1" "$2"
	echo 0 > nftc.runs
	same_calls
	{ on a env "${faulty[@]}" "$program" "${words[@]}" \
		> under.output 2>&1; } 2>/dev/null
	status=$?
}

# meanwhile NAME FAULT COMMAND...: one-two, and when it has come to FAULT, which
# waits, COMMAND is run on the host: $status and $place, for verdict NAME.
meanwhile() {
	local name=$1 fault=$2 words faulty
	shift 2
	go_to one
	words two
	faulty "$fault" 'wait 0'
	echo 0 > nftc.runs
	start a env "${faulty[@]}" "$program" "${words[@]}" > under.output 2>&1
	check "$name: it has come so far" wait_for 60 test -s fault.log
	check "$name: it was done" on a "$@"
	rm -f fault.log
	wait "$started"
	status=$?
	whereabouts one two
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
	tail -n 12 under.output | sed 's/^/#   /'
}

# call WAY FAULT: what is known of it, in $kind, $phase, $about
call() {
	local found
	found=$(grep -m 1 " ${2/:/ } " "$1.calls")
	read -r _ _ _ kind phase about <<< "$found"
}

# spread COUNT: of the lines of standard input so many, the first, the last,
# and evenly between; of one the last.
spread() {
	awk -v want="$1" '
		{ line[NR] = $0 }
		END {
			if (want > NR)
				want = NR
			step = want > 1 ? (NR - 1) / (want - 1) : 0
			for (i = want - 1; i >= 0; i--)
				print line[NR - int(i * step + .5)]
		}'
}

# faults WAY PATTERN COUNT: of the calls whose "KIND PHASE" is PATTERN
faults() {
	awk -v pattern="^($2)\$" '$4 " " $5 ~ pattern { print $2 ":" $3 }' \
		"$1.calls" | spread "$3"
}
