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
first=$(stat -Lc %i /proc/1/net/dev 2>/dev/null)
ours=$(stat -Lc %i /proc/self/net/dev)
[ "${first:-$ours}" = "$ours" ] || elsewhere=' elsewhere=1'

# Nor does it by the namespace's own number, which the first one's is 1 of.
cookie=$(python3 -c 'import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
print(int.from_bytes(s.getsockopt(socket.SOL_SOCKET, 71, 8), "little"))' \
	2>/dev/null) || cookie=1
[ "$cookie" = 1 ] || elsewhere+=' inner=1'

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
is "a guard ends" "$?" 0
tells "it tells why" 'not as it was written: it is kept as'
check "the record is put aside" test ! -e "$record" -a \
	-e image/var/lib/meshapply/.pending.bad/office
clean "a guard" "$err"
pending "$boot" 9999999999
echo rubbish >"$record"
timeout 10 "$build/meshapply" guard "${r[@]}" office </dev/null \
	>"$out" 2>"$err"
is "one without a head: a guard ends" "$?" 0
check "it is put aside as well" test ! -e "$record"
is "in the other's place" \
	"$(cat image/var/lib/meshapply/.pending.bad/office)" rubbish

# Its name is no mesh's: systemd would start the guard again and again.
echo rubbish >"${record%/*}/a stray"
timeout 10 "$build/meshapply" guard "${r[@]}" </dev/null >"$out" 2>"$err"
is "a stray: the guard of all ends" "$?" 0
tells "it tells of it" '.pending/a stray is of no mesh'
check "it is put aside" test ! -e "${record%/*}/a stray" -a \
	-e 'image/var/lib/meshapply/.pending.bad/a stray'

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
check "once more: it was that change that was meant" \
	m rollback office "${r[@]}" --force=root
says "is told so" 'rolled back already'
tells "and how to go on" 'meshapply rollback office NUMBER goes back further'
exits "a late confirmation" 1 m confirm office "${r[@]}" --force=root
tells "is told so" 'too late: office was rolled back at '

# Without a word of how it ended.
rm "$settled"
exits "with nothing pending there is nothing to go back to" 66 \
	m rollback office "${r[@]}" --force=root
tells "is told so" 'no older state'

done_testing
