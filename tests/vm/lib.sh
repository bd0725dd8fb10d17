# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/vm/lib.sh - what suites inside the VM are written with
#
# A suite is a bash script that tests/vm/run is given. It starts in the
# project's root folder, with `set -eu` and `. tests/vm/lib.sh`, and speaks TAP:
# every test is a line "ok" or "not ok", and its exit status is 0 when none has
# failed and it has come to its end.
#
#	check NAME COMMAND...		a test: COMMAND has to succeed
#	fails NAME COMMAND...		a test: it has to fail, by no signal
#	exits NAME STATUS COMMAND...	a test: it has to exit so
#	is NAME GOT WANT		a test: two strings are the same
#	same NAME FILE FILE		a test: two files are the same
#	skip NAME REASON		a test that cannot run here
#	done_testing			the last line of a suite
#
#	host_add HOST...		a machine: namespaces of its own
#	host_del HOST...
#	on HOST COMMAND...		run COMMAND there
#	start HOST COMMAND...		in the background, with its pid in $started
#	link_hosts A IFA ADDRA B IFB ADDRB
#	snapshot [-i] HOST		its whole state as text, to be compared
#	udp_flow_start FLOW FROM TO ADDR PORT RATE SECONDS [SRC]
#	udp_flow_stop FLOW		end it and print what became of it
#	udp_flow_get FIELD LINE		one number of that line
#	wait_for SECONDS COMMAND...	until COMMAND succeeds

if [ -z "${VM_GUEST-}" ]; then
	echo 'lib.sh: suites are run by tests/vm/run' >&2
	exit 1
fi

vm_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm_udpflow=$(cd "$vm_here/../.." && pwd)/build/tests/udpflow
vm_state=/run/vm
mkdir -p $vm_state/hosts $vm_state/flows

### TAP

tap_count=0
tap_failed=0
tap_skipped=0
tap_done=

# tap_result STATUS NAME: one line, and the count.
tap_result() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
}

# tap_run COMMAND...: its exit status in tap_status, its output in a file that
# is shown when the test fails. COMMAND may be a function of the suite.
tap_run() {
	# The outer braces are for what bash itself says of a killed process.
	if { "$@" >$vm_state/output 2>&1; } 2>/dev/null; then
		tap_status=0
	else
		tap_status=$?
	fi
}

tap_show() {
	echo "#   exit status $tap_status of: $*"
	sed 's/^/#   /' $vm_state/output
}

check() {
	local name=$1
	shift
	exits "$name" 0 "$@"
}

fails() {
	local name=$1 status=0
	shift
	tap_run "$@"
	[ "$tap_status" -gt 0 ] && [ "$tap_status" -lt 128 ] || status=1
	tap_result $status "$name"
	[ $status -eq 0 ] || tap_show "$@"
}

exits() {
	local name=$1 want=$2 status=0
	shift 2
	tap_run "$@"
	[ "$tap_status" -eq "$want" ] || status=1
	tap_result $status "$name"
	[ $status -eq 0 ] || tap_show "$@"
}

is() {
	if [ "$2" = "$3" ]; then
		tap_result 0 "$1"
		return
	fi
	tap_result 1 "$1"
	printf '#    got: %s\n#   want: %s\n' \
		"${2//$'\n'/$'\n'#         }" "${3//$'\n'/$'\n'#         }"
}

same() {
	tap_run diff -u "$2" "$3"
	tap_result "$tap_status" "$1"
	[ "$tap_status" -eq 0 ] || tap_show diff -u "$2" "$3"
}

# Skipped tests are named again at the end, and with TAP_STRICT set, as where
# the whole suite is known to be able to run, they are failures.
skip() {
	local reason=${2:?skip wants a reason}

	tap_skipped=$((tap_skipped + 1))
	echo "$1: $reason" >>$vm_state/skipped
	if [ -n "${TAP_STRICT-}" ]; then
		tap_result 1 "$1 (skipped: $reason)"
	else
		tap_result 0 "$1 # SKIP $reason"
	fi
}

done_testing() {
	tap_done=1
	echo "1..$tap_count"
	if [ $tap_skipped -gt 0 ]; then
		echo "# $tap_skipped skipped:"
		sed 's/^/#   /' $vm_state/skipped
	fi
	if [ $tap_count -eq 0 ]; then
		echo '# no test has run'
		exit 1
	fi
	[ $tap_failed -eq 0 ] || {
		echo "# $tap_failed of $tap_count failed"
		exit 1
	}
	exit 0
}

# A suite that stops half way has not passed, whatever its exit status.
tap_exit() {
	local status=$?

	[ -z "$tap_done" ] || exit "$status"
	echo "Bail out! the suite ended early, exit status $status"
	[ "$status" -ne 0 ] || status=1
	exit "$status"
}
trap tap_exit EXIT

# wait_for SECONDS COMMAND...: fails when it has not succeeded by then.
wait_for() {
	local deadline=$((${EPOCHREALTIME//[!0-9]/} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME//[!0-9]/}" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

### Hosts

# A host is a named network namespace, so that ip -n works as well, and a
# mount namespace with folders of its own for what meshapply keeps. Both live
# as long as one process, which is all that is left of it at the end.
# shellcheck disable=SC2016 # for the shell in there
vm_holder='
	set -e
	hostname "$1"
	mount -t sysfs sys /sys
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	for dir in /run/meshapply /etc/meshapply /var/lib/meshapply \
		/etc/wireguard; do
		mkdir -p "$dir"
		mount -t tmpfs -o mode=755 "$1" "$dir"
	done
	# Of those that are added later only a name would be seen here, on
	# which ip stumbles.
	mount -t tmpfs -o mode=755 "$1" /run/netns
	ip link set lo up
	# Addresses are there at once, and snapshots do not depend on when.
	for which in all default; do
		echo 0 >/proc/sys/net/ipv6/conf/$which/accept_dad
	done
	: >"$2.ready"
	exec sleep infinity
'

host_add() {
	local host

	for host in "$@"; do
		ip netns add "$host"
		nsenter --net="/run/netns/$host" \
			unshare --mount --uts --propagation private \
			bash -c "$vm_holder" holder "$host" \
			$vm_state/hosts/"$host" &
		echo $! >$vm_state/hosts/"$host"
	done
	for host in "$@"; do
		wait_for 20 test -e $vm_state/hosts/"$host".ready || {
			echo "# host_add: $host does not come up" >&2
			return 1
		}
	done
}

# vm_enter HOST: the words that go before a command, in an array.
vm_enter() {
	local holder

	holder=$(<$vm_state/hosts/"$1")
	vm_enter=(nsenter --target "$holder" --mount --uts --net
		--wdns="$PWD" --)
}

on() {
	vm_enter "$1"
	shift
	"${vm_enter[@]}" "$@"
}

# Of `on HOST COMMAND &` bash tells the process of a subshell, and to end that
# one does not end COMMAND.
start() {
	vm_enter "$1"
	shift
	"${vm_enter[@]}" "$@" &
	started=$!
}

# A WireGuard device that still has peers costs 12 ms for each of them when
# its namespace goes, and every other namespace's end waits behind that.
host_del() {
	local host device holder

	for host in "$@"; do
		for device in $(on "$host" wg show interfaces); do
			on "$host" wg setconf "$device" /dev/stdin \
				<<<'[Interface]'
		done
		holder=$(<$vm_state/hosts/"$host")
		# shellcheck disable=SC2046 # a list of numbers
		kill -KILL $(ip netns pids "$host") || :
		wait "$holder" 2>/dev/null || :
		ip netns del "$host"
		rm $vm_state/hosts/"$host" $vm_state/hosts/"$host".ready
	done
}

# ADDRA and ADDRB are lists of ADDRESS/LENGTH in one word each; may be empty.
link_hosts() {
	local address

	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
	for address in $3; do
		ip -n "$1" address add "$address" dev "$2"
	done
	for address in $6; do
		ip -n "$4" address add "$address" dev "$5"
	done
	ip -n "$1" link set "$2" up
	ip -n "$4" link set "$5" up
}

### The state of a host

# Text, not JSON: it says as much, and to read JSON takes jq a second here.
# The names of protocols, tables and scopes are numbers, and grep is not to be
# blamed for files that cannot be read.
# shellcheck disable=SC2016 # for the shell in there
vm_dump='
	set -e
	for object in link address neighbour; do
		printf "\001$object\n"
		case $object in
		neighbour) set -- nud permanent ;;
		*) set -- ;;
		esac
		ip -d -o $object show "$@"
	done
	for family in 4 6; do
		printf "\001route$family\n"
		ip -d -o -N -$family route show table all
		printf "\001rule$family\n"
		ip -d -o -N -$family rule show
	done
	printf "\001nft\n"
	nft -s list ruleset
	printf "\001wg\n"
	wg show all dump
	printf "\001sysctl\n"
	grep -rs "" /proc/sys/net/ipv4 /proc/sys/net/ipv6 || :
'

# snapshot [-i] HOST: left out is what changes by itself, or from one boot to
# the next: handles, counters, lifetimes, sessions, and indexes, which -i keeps
# to see that a link is still the same one. Secrets are in it: it is there to
# be compared, not to be shown.
snapshot() (
	indexes=0
	if [ "$1" = -i ]; then
		indexes=1
		shift
	fi
	set -o pipefail
	on "$1" bash -c "$vm_dump" |
		awk -v indexes=$indexes -f "$vm_here/snapshot.awk" |
		LC_ALL=C sort
)

### Traffic

# udp_flow_start FLOW FROM TO ADDR PORT RATE SECONDS [SRC]: a flow of numbered
# packets from host FROM to ADDR on host TO, RATE a second for SECONDS (0: as
# long as it is not stopped).
udp_flow_start() {
	local flow=$vm_state/flows/$1 from=$2 to=$3 addr=$4 port=$5
	shift 5
	start "$to" "$vm_udpflow" recv "$addr" "$port" >"$flow.received"
	echo "$started" >"$flow.receiver"
	wait_for 20 test -s "$flow.received" || return 1
	start "$from" "$vm_udpflow" send "$addr" "$port" "$@" >"$flow.sent"
	echo "$started" >"$flow.sender"
}

# Prints "sent=N failed=N received=N lost=N gap_ms=N reordered=N duplicates=N
# latency_ms=N". The loss is counted from what was sent: the receiver cannot
# know what it misses when the flow's end does not reach it either.
udp_flow_stop() {
	local flow=$vm_state/flows/$1 sender receiver sent received

	sender=$(<"$flow.sender")
	receiver=$(<"$flow.receiver")
	kill -TERM "$sender" 2>/dev/null || :
	wait_for 10 vm_gone "$sender" || return 1
	wait_for 2 vm_gone "$receiver" || {
		kill -TERM "$receiver" 2>/dev/null || :
		wait_for 10 vm_gone "$receiver" || return 1
	}
	sent=$(<"$flow.sent")
	received=$(tail -n 1 "$flow.received")
	echo "$sent $received" | sed "s/ lost=[0-9]*/ lost=$((
		$(udp_flow_get sent "$sent") -
		$(udp_flow_get received "$received")))/"
}

# Not by wait: the caller may be a subshell, whose children they are not.
vm_gone() {
	! kill -0 "$1"
}

udp_flow_get() {
	local field

	for field in $2; do
		[ "${field%%=*}" != "$1" ] || echo "${field#*=}"
	done
}
