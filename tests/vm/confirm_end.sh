#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How what waits to be confirmed ends where it is a removal, and where
# something is in the way: a guard that does nothing, a journal that nobody can
# read, a container that was started anew.
# shellcheck disable=SC2016,SC2154,SC2317 # functions are called by check
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh
# shellcheck source=tests/vm/confirm_lib.sh
. "$vm_here/confirm_lib.sh"

check 'applied' apply one/wg0.conf
now > one.snapshot

### A removal

remove() { on a "$meshapply" remove "--confirm=$1" "${@:2}" wg0; }
exits 'a removal waits' 3 remove 10
check 'it is done' on a sh -c '! ip link show wg0'
check 'and not forgotten' on a test -d /var/lib/meshapply/wg0/applied
check 'it is no drift' on a "$meshapply" status --detailed-exitcode wg0
check 'it is undone' wait_for 40 gone
is_as 'all is as it was, keys and all' one.snapshot
check 'nothing is left to do' writes_nothing a "$meshapply" apply one/wg0.conf
exits 'a removal waits' 3 remove 60
check 'it is undone by hand' on a "$meshapply" rollback wg0
is_as 'all is as it was' one.snapshot
exits 'a removal waits' 3 remove 60
guard=$(guard_of)
check 'it is confirmed' on a "$meshapply" confirm
check 'the guard has ended' wait_for 10 vm_gone "$guard"
is_as 'the host is as it was' nothing.snapshot
check 'nothing is kept of it' on a sh -c '! ls -d /var/lib/meshapply/wg0 \
	/run/meshapply/wg0 2>/dev/null'
check 'back' apply one/wg0.conf
start a "$meshapply" remove --confirm=60 --wait-confirmed wg0 > waits.output 2>&1
check 'it is waited for' wait_for 20 pending
check 'confirmed' wait_for 20 on a "$meshapply" confirm wg0
wait "$started"
is 'and told so' "$?" 0
check 'back' apply one/wg0.conf
is_as 'all is as it was' one.snapshot

### A journal that nobody can read

exits 'a change waits' 3 apply --confirm=8 two/wg0.conf
on a sh -c 'echo rubbish > /run/meshapply/wg0/journal'
exits 'until then it is in the way' 78 on a "$meshapply" rollback wg0
check 'at the deadline it is not' wait_for 40 gone
is_as 'all is as it was' one.snapshot
is 'it is put aside' "$(on a cat /run/meshapply/wg0/journal.bad)" rubbish

### A container that is started anew: another namespace, in the same boot

sed 's/51820/51830/' one/wg0.conf > wg1.conf
sed 's/51820/51831/' one/wg0.conf > two/wg1.conf
boxed() { on a unshare -n "$@"; }
start a unshare -n bash -c "
	$meshapply apply wg1.conf && touch $work/boxed && exec sleep 60" > /dev/null
box=$started
check 'a mesh in a namespace' wait_for 20 test -e boxed
exits 'which lives: another one is refused' 78 \
	boxed "$meshapply" apply wg1.conf
says 'and told where to run' ': run there'
kill "$box"
wait "$box" 2>/dev/null
check 'once it is gone another one goes on' boxed bash -c "
	$meshapply apply wg1.conf && wg show wg1"
exits 'a change waits' 3 boxed bash -c "
	$meshapply apply wg1.conf &&
	$meshapply apply ${forced[*]} --confirm=60 two/wg1.conf"
guard=$(on a sed -n 's/^guard .* pid=//p' /run/meshapply/wg1/guard)
kill -KILL "$guard"
check 'the container ends' wait_for 10 vm_gone "$guard"
check 'it is undone where it is now' boxed bash -c "
	$meshapply recover && [ \"\$(wg show wg1 listen-port)\" = 51830 ]"
check 'the record is gone' on a test ! -e /var/lib/meshapply/.pending/wg1
check 'removed' boxed "$meshapply" remove wg1

### A guard that lives and does nothing, as one that fails again and again

start a "$meshapply" apply --confirm=5 --wait-confirmed \
	"${forced[@]}" two/wg0.conf > waits.output 2>&1
check 'a change waits' wait_for 20 pending
check 'it is guarded' wait_for 20 test -n "$(guard_of)"
guard=$(guard_of)
kill -STOP "$guard"
check 'the wait has an end' wait_for 120 vm_gone "$started"
wait "$started"
is 'which tells' "$?" 5
check 'and says so' grep -q 'the guard of this change is gone or fails' \
	waits.output
check 'it is pending still' pending
kill -CONT "$guard"
check 'and undone' wait_for 40 gone
is_as 'all is as it was' one.snapshot

### The guard is gone, and nothing else runs

exits 'a change waits' 3 apply --confirm=8 two/wg0.conf
kill -KILL "$(guard_of)"
check 'recover leaves what has time' on a "$meshapply" recover wg0
check 'it waits still' pending
sleep 10
check 'then recover does' on a "$meshapply" recover
check 'it is gone' gone
is_as 'all is as it was' one.snapshot

check 'removed' on a "$meshapply" remove wg0
is_as 'the host is as it was' nothing.snapshot
done_testing
