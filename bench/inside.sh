#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: for each number of peers ($BENCH_PEERS) the same node is made,
# kept, changed and removed by the floor, by meshapply and by the tools that
# people use, $BENCH_RUNS times each. Every run of a process is a line
#
#	CASE PEERS WHO MICROSECONDS KIB
#
# of $RESULTS/runs, and what strace and callgrind count one of $RESULTS/counts:
#
#	CASE PEERS WHO SYSCALLS BYTES-SENT BYTES-RECEIVED
#	CASE PEERS WHO INSTRUCTIONS
set -eu -o pipefail
meshapply=$PWD/build/release/meshapply
bench=$PWD/bench
tools=$PWD/build/release/bench
work=$(mktemp -d)
runs=$RESULTS/runs
counts=$RESULTS/counts
cd "$work"
umask 077
modprobe wireguard
ip link set lo up
: >"$runs"
: >"$counts"

die() { echo "bench: $*" >&2; exit 1; }

# quietly COMMAND...: what has to work, and is not measured
quietly() { "$@" >"$work/said" 2>&1 || { cat "$work/said"; die "$* failed"; }; }

# run CASE WHO COMMAND...: one measured run
run() {
	local case=$1 who=$2 line
	shift 2
	line=$("$tools/measure" "$@" 2>"$work/said") ||
		{ cat "$work/said"; die "$case, $who: $* failed"; }
	echo "$case $count $who $line" >>"$runs"
}
# again CASE WHO COMMAND...: as often as asked for
again() {
	local i
	for ((i = 0; i < BENCH_RUNS; i++)); do run "$@"; done
}

# counted CASE WHO COMMAND...: its system calls and what it says to the kernel
counted() {
	local case=$1 who=$2
	shift 2
	quietly strace -f -qq -o "$work/trace" "$@"
	awk -v head="$case $count $who" '
	/ (exited|killed)|resumed>|^[0-9]+ +\+\+\+|--- SIG/ && !/resumed>/ { next }
	!/resumed>/ { calls++ }
	/MSG_PEEK|AF_UNIX/ { next }
	/ (sendto|sendmsg)[ (]/ && $NF > 0 { sent += $NF }
	/ (recvfrom|recvmsg)[ (]/ && $NF > 0 { received += $NF }
	END { print head, calls, sent + 0, received + 0 }' "$work/trace" \
		>>"$counts"
}
# instructions CASE WHO COMMAND...: of user space, children included
instructions() {
	local case=$1 who=$2
	shift 2
	case " $BENCH_INSTRUCTIONS " in
	*" $count "*) ;;
	*) return 0 ;;
	esac
	valgrind --tool=callgrind --trace-children=yes \
		--callgrind-out-file=/dev/null "$@" >"$work/said" 2>&1 ||
		{ cat "$work/said"; die "callgrind of $* failed"; }
	awk -v head="$case $count $who" '/ Collected :/ { sum += $NF }
		END { print head, sum }' "$work/said" >>"$counts"
}

### What is compared. Each has first, noop, changed, back, removed, added.

floor() {
	case $1 in
	first) set -- nft-first.nl first.nl ;;
	noop) set -- noop.nl ;;
	remove) set -- nft-remove.nl remove.nl ;;
	*) set -- noop.nl "nft-$1.nl" "$1.nl" ;;
	esac
	command="$tools/floor $*"
}
# back and added lead to what first has made.
goal() { case $1 in changed | removed) echo "$1" ;; *) echo first ;; esac; }
folder() { command="$meshapply -q ./$(goal "$1")"; }
document() { command="$meshapply -q ./$(goal "$1").json"; }
syncconf() { command="wg syncconf wg0 $(goal "$1").wg"; }
script() { command="sh ./$1.sh"; }

make_script() {	# NAME GOAL
	{
		[ "$1" != first ] || cat <<-EOF
		ip link add wg0 mtu 1420 type wireguard
		ip address add 10.255.0.1/8 dev wg0
		EOF
		echo "wg syncconf wg0 $2.wg"
		[ "$1" != first ] || echo 'ip link set wg0 up'
		case $1 in
		changed) echo 'ip route flush dev wg0 proto 77 match' \
			"$old_subnet" ;;
		removed) echo "ip route del $old_subnet dev wg0" ;;
		esac
		echo "ip -batch $2.ip"
		echo "nft -f $2.nft"
	} >"$1.sh"
}

# The table as people load it: whatever is there is replaced.
make_table() {	# GOAL
	{
		echo 'table inet meshapply_bench'
		echo 'delete table inet meshapply_bench'
		cat "$1/firewall.nft"
	} >"$1.nft"
}

capture() {	# NAME: what nft sends for its standard input
	rm -f "nft-$1.nl"
	CAPTURE=nft-$1.nl LD_PRELOAD=$tools/capture.so quietly nft -f -
}

make_all() {
	rm -rf first changed removed ./*.nl
	"$bench/make" "$count" .
	"$bench/encode" .
	mkdir -p /etc/meshapply/keys
	cp bench.key bench.psk /etc/meshapply/keys
	for goal in first changed removed; do
		quietly "$meshapply" render --node=self --output=$goal $goal.json
		make_table $goal
	done
	line=$((count / 2 + 1))
	old_subnet=$(sed -n "${line}s/.* //p" first.peers)
	new_subnet=$(sed -n "${line}s/.* //p" changed.peers)
	address=$(sed -n "${line}p" first.peers | cut -d ' ' -f 5)
	for case in first noop changed back removed added; do
		make_script $case "$(goal $case)"
	done
	# To the next state and back, as deltas.
	set='element inet meshapply_bench mesh_members4'
	capture first <first/firewall.nft
	capture changed <<<"delete $set { $old_subnet }
		add $set { $new_subnet }"
	capture back <<<"delete $set { $new_subnet }
		add $set { $old_subnet }"
	capture removed <<<"delete $set { $old_subnet, $address }"
	capture added <<<"add $set { $old_subnet, $address }"
	capture remove <<<'delete table inet meshapply_bench'
}

### The cases

clean() {
	ip link show wg0 >/dev/null 2>&1 || return 0
	: >empty.wg
	quietly wg setconf wg0 empty.wg
	quietly ip link del wg0
	nft delete table inet meshapply_bench 2>/dev/null || :
}

# measured CASE WHO: once
measured() {
	"$2" "$1"
	# shellcheck disable=SC2086 # a command line
	run "$1" "$2" $command
}
with_tools() {	# CASE WHO
	"$2" "$1"
	# shellcheck disable=SC2086 # a command line
	counted "$1" "$2" $command
	# shellcheck disable=SC2086
	[ "$1" != noop ] || instructions "$1" "$2" $command
}

# first and remove, over and over; it is there in the end
load() {	# WHO REMOVE-COMMAND...
	local who=$1 i
	shift
	for ((i = 0; i < BENCH_RUNS; i++)); do
		[ $i = 0 ] || "$@"
		measured first "$who"
	done
}
steady() {	# WHO
	local i case
	for ((i = 0; i < BENCH_RUNS; i++)); do measured noop "$1"; done
	for ((i = 0; i < BENCH_RUNS; i++)); do
		for case in changed back removed added; do
			measured $case "$1"
		done
	done
	# Its every route is two system calls, each stopped by strace.
	[ "$count" -le 1000 ] || [ "$1" != script ] || return 0
	with_tools noop "$1"
	with_tools changed "$1"
	"$1" back
	# shellcheck disable=SC2086 # a command line
	quietly $command
}

floor_remove() { run remove floor "$tools/floor" nft-remove.nl remove.nl; }
our_remove() { run remove folder "$meshapply" -q remove bench; }
unseen_remove() { quietly "$meshapply" -q remove bench; }

bench_floor() {
	load floor floor_remove
	steady floor
	floor_remove
}
bench_ours() {
	load folder our_remove
	steady folder
	our_remove
	load document unseen_remove
	steady document
	unseen_remove
}
bench_script() {
	load script clean
	steady script
	# The same state does for this one.
	steady syncconf
	clean
	[ "$count" -le 1000 ] || return 0
	quietly sh ./first.sh
	run remove script sh -c 'ip link del wg0
		nft delete table inet meshapply_bench'
}
bench_quick() {
	local i
	cp first.conf /etc/wireguard/wg0.conf 2>/dev/null ||
		install -D -m 600 first.conf /etc/wireguard/wg0.conf
	run first quick wg-quick up wg0
	# It takes a second and more for each ten peers.
	for ((i = 0; i < (count > 10 ? 1 : BENCH_RUNS); i++)); do
		run noop quick sh -c 'wg-quick down wg0; wg-quick up wg0'
	done
	run remove quick wg-quick down wg0
}

# start-up alone
count=0
again version floor "$tools/floor"
again version meshapply "$meshapply" version
again version ip ip -V
again version wg wg --version
again version nft nft --version
for count in $BENCH_PEERS; do
	echo "$count peers" >&2
	make_all
	bench_floor
	bench_ours
	bench_script
	[ "$count" -gt 100 ] || [ -n "${BENCH_NO_QUICK-}" ] || bench_quick
done
"$bench/table" "$runs" "$counts"
