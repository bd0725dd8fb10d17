#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What waits to be confirmed, by records laid where runs leave them: what can
# be told of them without a device.
# shellcheck disable=SC2154 # set by lib.sh
set -u
. "$(dirname "$0")/lib.sh"

mkdir image
r=(--root="$scratch/image")
record=image/var/lib/meshapply/.pending/office
settled=image/var/lib/meshapply/office/settled

# A record of another boot tells by this alone whose it is.
elsewhere=
first=$(stat -Lc %i /proc/1/ns/net 2>/dev/null)
[ "${first:-$(stat -Lc %i /proc/self/ns/net)}" = \
	"$(stat -Lc %i /proc/self/ns/net)" ] || elsewhere=' elsewhere=1'

# pending BOOT DEADLINE [END]: the record of a first apply in this namespace.
pending() {
	kept image office
	mkdir -p "${record%/*}"
	{
		header pending "$1"
		echo "head deadline=$2 until=$2 seconds=60 token=k3vq-7xwp$elsewhere"
		echo "kept"
		echo "${3-end}"
	} >"$record"
}
boot=$(</proc/sys/kernel/random/boot_id)
other=0${boot:1}
[ "$other" != "$boot" ] || other=1${boot:1}

### A guard that cannot undo

# Its head is good, what comes after it is not.
pending "$boot" 1 rubbish
timeout 4 "$build/meshapply" guard "${r[@]}" office </dev/null \
	>"$out" 2>"$err"
is "a guard goes on" "$?" 124
tries=$(grep -c 'not as it was written' "$err")
check "it tries again, and not at once" test "$tries" -ge 1 -a "$tries" -le 2
check "the record stays" test -e "$record"
clean "a guard" "$err"

### Only looked at

pending "$boot" 9999999999
check "a dry run" m confirm office "${r[@]}" --dry-run
says "what there is to do" 'something to confirm'
check "the record stays" test -e "$record"
exits "with a wrong token" 64 m confirm office "${r[@]}" --dry-run \
	--token=aaaa-aaaa

### Too late

pending "$boot" 1
exits "a deadline that has passed: it is not kept" 1 \
	m confirm office "${r[@]}" --force=root
tells "what becomes of it" 'too late: the change of office is being undone'
check "the record stays" test -e "$record"

### What another run has undone is not undone twice

pending "$other" 1
check "rolled back, of another boot" m rollback office "${r[@]}" --force=root
says "is told so" 'rolled back already'
check "the record is gone" test ! -e "$record"
check "it is kept how it ended" grep -q '^settled ' "$settled"
exits "with nothing pending there is nothing to go back to" 66 \
	m rollback office "${r[@]}" --force=root
tells "is told so" 'no older state'
exits "a late confirmation" 1 m confirm office "${r[@]}" --force=root
tells "is told so" 'too late: office was rolled back at '

done_testing
