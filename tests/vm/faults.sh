# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A run that is refused or killed ends as desired or as before, never between.
# Each call by which the program speaks to the kernel or to its disk is made to
# fail, or is its last: a sample of them, or with FAULTS=all every one.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh
# shellcheck source=tests/vm/faults_lib.sh
. "$vm_here/faults_lib.sh"

check 'the ways there and back' go_to one
check 'and away' go_to nothing
look > nothing.look
snapshot a > nothing.snapshot
check 'calls of a first apply' reach nothing one 0
look > one.look
for part in 'wg0: .* mtu 1420' 'wg0 *inet 10.0.0.9/24' \
	'wg0 *inet6 fd00::1/64' '10.3.0.0/16 dev wg0 .* src 10.9.0.1' \
	'fd00:3::/48 dev wg0' 'blackhole 10.99.0.0/16 table 77' \
	'from 10.2.0.0/16 lookup 77' 'from fd00:2::/48 lookup 77' \
	'10.33.0.0/16$' '^peer .* 192.0.2.2:51820 25' \
	'elements = { 10.0.0.2, 10.0.0.3 }' 'tcp dport 22 accept' \
	'ipv4/ip_forward:1' '/applied/network.batch:route' 'table inet others'; do
	check "a look sees $part" grep -qa -- "$part" one.look
done
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

# refused WAY FAULT [ERROR]: it fails once.
refused() {
	local from=${1%-*} to=${1#*-} error=${3:-$ENOBUFS}
	local want kind phase about words=(recover office)
	call "$1" "$2"
	[ "$kind" != disk ] || error=${3:-$ENOSPC}
	go_to "$from"
	under "$2" "error $error" "$to"
	# What could not be renamed, or forgotten, is by the next run.
	[ "$phase-$to-$status" != kept-nothing-0 ] || words=(remove office)
	[ "$phase" != kept ] || on a "$program" "${words[@]}" >> under.output
	whereabouts "$from" "$to"
	case $kind-$phase in
	*-before) want=('exit 1, as before')
		# Who may not is told apart.
		[ "$error" != $EPERM ] || want+=('exit 77, as before') ;;
	*-after) want=('exit 4, as before') ;;
	disk-past) want=('exit 4, as before') ;;
	*-past) want=('exit 0, as desired') ;;
	sample-*) want=('exit 0, as desired') ;;
	*-kept) want=('exit 0, as desired' 'exit 4, as before') ;;
	esac
	# A lost answer: a dump is repeated, what may be done is undone.
	[ "$kind" != take ] || want+=('exit 0, as desired')
	[ -s fault.log ] || [ "$kind" = sample ] || want=('a fault')
	verdict "$1, $2 $about ($kind) fails, $error" "exit $status, $place" \
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
	under "$2" "signal $KILL" "$to"
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

# each COMMAND WAY PATTERN [COUNT [WORD]]: COMMAND WAY FAULT WORD
each() {
	local fault found=0
	for fault in $(faults "$2" "$3" "${4-1000000}"); do
		"$1" "$2" "$fault" "${5-}"
		found=1
	done
	[ $found = 1 ] || tap_result 1 "$2: no call is \"$3\""
}

### Every call fails

# All that is sent, and all that is written, with FAULTS=all; of the answers,
# which the kernel never fails to give, a few.
if [ "${FAULTS-}" = all ]; then
	for way in nothing-one one-two one-sets one-nothing; do
		for error in $ENOBUFS $EINVAL $EPERM; do
			each refused $way '(read|write) .*' 1000000 $error
		done
		for error in $ENOSPC $EIO $EROFS; do
			each refused $way '(disk|sample) .*' 1000000 $error
		done
		each killed $way '(read|write|disk) .*'
	done
fi
each refused nothing-one 'read before' 1
each refused nothing-one 'write (before|after)' 3
each refused nothing-one 'read after' 1
each refused one-two 'read before' 2
each refused one-two 'write (before|after)' 4
each refused one-two 'read after' 1
each refused one-two '(read|write) past' 2
each refused one-sets 'write before' 1
each refused one-sets 'read after' 1
each refused one-nothing 'write .*' 3
each refused one-nothing 'read past' 1
each refused one-two 'disk .*' 3
each refused nothing-one 'sample .*' 1
each refused one-two 'take (before|after|past)' 3
each refused one-two 'write (before|after)' 2 $EPERM
each refused one-two 'write after' 1 $EINVAL
each refused nothing-one 'write after' 1 $EINVAL
each refused one-nothing 'write past' 1 $EPERM
each refused one-two 'disk .*' 2 $EROFS
each refused one-nothing 'disk .*' 2 $EIO

### The run is killed at each

each killed nothing-one 'write (before|after)' 3
each killed one-two '(read|write) .*' 3
each killed one-two 'disk .*' 2
each killed one-sets 'read after' 1
each killed one-nothing '(write|read) (after|past)' 2
each killed one-nothing 'disk .*' 2
killed one-two "$(faults one-two 'write after' 3 | sed -n 2p)" two
killed one-nothing "$(faults one-nothing 'write past' 1)" one

### Somebody else is at work between reading and writing

before=$(faults one-two 'write before' 1)
middle=$(faults one-two 'write after' 3 | sed -n 2p)
# disturbed NAME FAULT COMMAND...
disturbed() {
	meanwhile "$@"
	verdict "$1" "exit $status, $place" 'exit 0, as desired' \
		'exit 4, as before' 'exit 1, as before'
}
disturbed 'the device vanishes' "$before" ip link delete wg0
disturbed 'the device vanishes half way' "$middle" ip link delete wg0
disturbed 'a peer vanishes' "$before" wg set wg0 peer "$(pub one)" remove
disturbed 'a peer is changed' "$before" \
	wg set wg0 peer "$(pub one)" persistent-keepalive 7
disturbed 'a route vanishes' "$before" ip route delete 10.3.0.0/16 dev wg0
# shellcheck disable=SC2154 # set by meanwhile
meanwhile 'the table is changed' "$before" \
	nft add rule inet meshapply_office mesh_in counter
verdict 'the table is changed: planned again' "exit $status, $place" \
	'exit 0, as desired'
meanwhile 'another table is changed' "$before" sh -c \
	'nft add element inet others s { 10.66.0.7 } &&
	nft delete element inet others s { 10.66.0.7 }'
verdict 'another table is changed: planned again' "exit $status, $place" \
	'exit 0, as desired'

### After all that

check 'removed' go_to nothing
snapshot a > now
same 'the host is as it was' nothing.snapshot now
done_testing
