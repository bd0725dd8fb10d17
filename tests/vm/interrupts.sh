# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What comes from outside a run: its child meshapply-nftc fails or is killed,
# signals, a second run, a closed pipe, a disk that takes nothing. As desired
# or as before, never between.
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
check 'calls of a change' reach one two 1
look > two.look
go_to one
check 'calls of a removal' reach one nothing 1

### meshapply-nftc fails, or is killed, at each of its calls

# child_under NUMBER FAULT WHAT: have that child of the run to come fail so.
child_under() {
	local faulty
	faulty "$2" "$3"
	printf 'export %q %q %q\n' "${faulty[@]}" > "nftc.$1"
}

go_to one
# Of one-two: the first child compiles, the second loads.  A run lets nobody
# trace its children.
for number in 1 2; do
	printf 'export %q %q %q\n' FAULT='trace 0 0 none 0' \
		FAULT_LOG="$work/calls.$number" \
		LD_PRELOAD="$work/fault.so" > nftc.$number
done
echo 0 > nftc.runs
state=two
check 'calls of the children' on a "$program" ./two
rm nftc.[12]
for number in 1 2; do
	echo "# child $number: $(wc -l < calls.$number) calls"
done
load=$(sed -n 's/ 1$//p' calls.2)
is 'one of them loads the table' "$(wc -w <<< "$load")" 1

# child_fails NUMBER FAULT WHAT [WANT]: what it was to do may have been done, or
# be of no weight, such as the stub of a link that the file does not need.
child_fails() {
	local want=('exit 1, as before')
	go_to one
	child_under "$1" "$2" "$3"
	echo 0 > nftc.runs
	on a "$program" ./two > under.output 2>&1
	status=$?
	rm "nftc.$1"
	whereabouts one two
	[ -n "${4-}" ] || [ "$1" = 1 ] || want+=('exit 4, as before')
	[ -n "${4-}" ] || [ "${3%% *}" != error ] ||
		want+=('exit 0, as desired')
	[ -s fault.log ] || want=('a fault')
	verdict "one-two, child $1, $2, $3" "exit $status, $place" \
		"${want[@]}"
}

children=2
[ "${FAULTS-}" != all ] || children=1000
for number in 1 2; do
	for fault in $(cut -d ' ' -f 1 calls.$number | spread $children); do
		child_fails $number "$fault" "error $ENOBUFS"
	done
	for fault in $(cut -d ' ' -f 1 calls.$number |
		spread $((children / 2))); do
		child_fails $number "$fault" "signal $KILL"
	done
done
child_fails 2 "$load" "error $ENOBUFS" 'exit 1, as before'
child_fails 2 "$load" "signal $KILL" 'exit 1, as before'

# The undo's own child fails as well: it tries again.
late=$(faults one-two 'write after' 1)
go_to one
child_under 3 "$load" "signal $KILL"
under "$late" "error $ENOBUFS" two
rm nftc.3
whereabouts one two
verdict 'the undo fails once' "exit $status, $place" 'exit 4, as before'

# It fails for good: what differs is said, and the next run goes on with it.
go_to one
for number in 3 4 5 6 7 8 9 10; do
	child_under $number "$load" "signal $KILL"
done
under "$late" "error $ENOBUFS" two
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
under "${late%:*}:$((${late#*:} - 1))+" "error $ENOBUFS" two
is 'the kernel is gone: the exit status' "$status" 5
on a "$program" ./two > under.output 2>&1
status=$?
whereabouts one two
verdict 'the next run undoes, and goes on' "exit $status, $place" \
	'exit 0, as desired'

### Signals wait

# signalled WAY PATTERN WHAT PLACE: the run dies of the signal, then
signalled() {
	local from=${1%-*} to=${1#*-} fault
	fault=$(faults "$1" "$2" 3 | sed -n 2p)
	go_to "$from"
	under "$fault" "$3" "$to"
	whereabouts "$from" "$to"
	verdict "$1, $fault, $3" "exit $status, $place" "$4"
}
signalled one-two 'read before' "signal $HUP" 'exit 129, as before'
signalled one-two 'write after' "signal $HUP" 'exit 129, as desired'
signalled one-two 'write after' "both $ENOBUFS" 'exit 129, as before'
signalled nothing-one 'write after' "signal $INT" 'exit 130, as desired'
signalled one-nothing 'write after' "signal $TERM" 'exit 143, as desired'

# Two runs at once; and a terminal is closed, which the child notices as well.
slow=$(faults one-two 'write after' 1)
start_slow() {
	local faulty
	go_to one
	faulty "$slow" "delay $1"
	echo 0 > nftc.runs
	start a setsid env "${faulty[@]}" "$program" ./two > under.output 2>&1
	wait_for 30 on a test -s "$work/fault.log"
}
start_slow 6000
exits 'a second run at once' 75 on a "$program" ./one
exits 'and a removal' 75 on a "$program" remove office
kill -HUP -- "-$started"
{ wait "$started"; } 2>/dev/null
status=$?
whereabouts one two
verdict 'the terminal is closed' "exit $status, $place" 'exit 129, as desired'
start_slow 1000
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
	check "$name: it says so" grep -qE \
		'No space left on device|Read-only file system' under.output
}
# shellcheck disable=SC2016 # for the shell in there
fill() {
	disk_fails "$1" "$2" "$3" "$4" sh -c \
		'cat /dev/zero > "$1/fill" 2>/dev/null; test -s "$1/fill"' \
		sh "$4"
}
read_only() {
	disk_fails "$1" "$2" "$3" "$4" mount -o remount,ro "$4"
}
fill 'a full /run' nothing one /run/meshapply
read_only 'a /var/lib for reading only' nothing one /var/lib/meshapply
fill 'a full /var/lib, and a change' one two /var/lib/meshapply
fill 'a full /run, and a removal' one nothing /run/meshapply

### After all that

check 'removed' go_to nothing
snapshot a > now
same 'the host is as it was' nothing.snapshot now
done_testing
