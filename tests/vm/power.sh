# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A run whose change is to be confirmed is killed: a rollback leads back; or the
# host is booted anew, with an empty kernel and an empty /run: recover applies
# what was there before. A sample of the calls, or with FAULTS=all every one.
# What of the disk is lost with the power is modelled by test_fault_power.
# shellcheck disable=SC2154 # some variables are those of faults_lib.sh
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh
# shellcheck source=tests/vm/faults_lib.sh
. "$vm_here/faults_lib.sh"

mv bin/nftc bin/meshapply-nftc
pending=/var/lib/meshapply/.pending
armed=("$program" apply ./two --confirm=900 --force=rolled-back --wait=10)

# What the kernel has; records tell of boots, generations, times.
kernel_look() { look | grep -av '/meshapply/' > "$1"; }

# like NAME LOOK: the kernel is as LOOK has it
like() {
	kernel_look now
	same "$1" "$2" now
}

check 'the ways there and back' go_to one
check 'and away' go_to nothing
kernel_look nothing.look
check 'where it begins' go_to one
kernel_look one.look
exits 'a change waits' 3 on a "${armed[@]}"
check 'it is undone' on a "$program" rollback office
like 'all is as it was' one.look
# Only now all folders are there.
same_calls
exits 'another one' 3 on a strace -qq -o "$work/trace" \
	-e trace=sendmsg,fsync,renameat "${armed[@]}"
check 'it is undone' on a "$program" rollback office
like 'all is as it was' one.look
for name in sendmsg fsync renameat; do
	count=$(grep -c "^$name(" trace)
	for ((i = 1; i <= count; i++)); do
		echo "$name:$i"
	done > $name.faults
	echo "# $name: $count calls"
done

# dies CALL:COUNT: there; strace does not follow the guard
dies() {
	same_calls
	{ on a strace -qq -o /dev/null -e trace="${1%:*}" \
		-e inject="${1%:*}:signal=KILL:when=${1#*:}" "${armed[@]}" \
		> under.output 2>&1; } 2>/dev/null
	is "$1: it was killed" "$?" 137
}

none_pending() {
	on a sh -c "! ls -A $pending 2>/dev/null | grep ."
}

# by_hand CALL:COUNT
by_hand() {
	state=unknown
	go_to one
	dies "$1"
	check "$1: recovered" on a "$program" recover office
	none_pending || check "$1: rolled back" on a "$program" rollback office
	like "$1: as before" one.look
	check "$1: nothing is pending" none_pending
	check "$1: the next one finds nothing in its way" \
		on a "$program" apply ./one
}

# What a boot does, as far as meshapply is concerned.
boots=0
boot() {
	local name
	on a cp -a /var/lib/meshapply kept
	on a "$program" remove office --force=pending > boot.output 2>&1 || {
		cat boot.output
		return 1
	}
	on a sh -c 'rm -rf /run/meshapply/* /var/lib/meshapply/* \
		/var/lib/meshapply/.p* && cp -a kept/. /var/lib/meshapply/'
	rm -r kept
	name=boot.$((++boots))
	printf '00000000-0000-4000-8000-%012d\n' $boots > $name
	on a mount --bind $name /proc/sys/kernel/random/boot_id
}

# booted CALL:COUNT
booted() {
	local before=nothing
	state=unknown
	go_to one
	dies "$1"
	none_pending || before=one
	check "$1: a boot" boot
	like "$1: the kernel is empty" nothing.look
	check "$1: recovered" on a "$program" recover
	like "$1: the host is as $before has it" $before.look
	check "$1: nothing is pending" none_pending
	check "$1: the next one finds nothing in its way" \
		on a "$program" apply ./one
	like "$1: and is applied" one.look
}

sample=2
[ "${FAULTS-}" != all ] || sample=1000
for name in sendmsg fsync renameat; do
	for fault in $(spread $sample < $name.faults); do
		by_hand "$fault"
		booted "$fault"
	done
done

### Another document comes first after the boot

state=unknown
go_to one
exits 'a change waits' 3 on a "${armed[@]}"
check 'a boot' boot
check 'a run with another document' on a "$program" apply ./sets
kernel_look now
check 'has it applied' grep -q '10.5.0.0/16' now
check 'nothing is pending' none_pending

check 'removed' go_to nothing
like 'the host is as it was' nothing.look
done_testing
