#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Commit-confirm where there is no systemd: a change is undone at its deadline
# by a process that its run leaves behind, unless it is confirmed; whatever
# becomes of the run's own session.
# shellcheck disable=SC2016,SC2154,SC2317 # functions are called by check
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

# shellcheck source=tests/vm/confirm_lib.sh
. "$vm_here/confirm_lib.sh"

### A first apply

exits 'a first apply waits' 3 apply --confirm=20 one/wg0.conf
says 'and how' 'meshapply confirm '
check 'its record is there' pending
is 'and nobody else can read it' "$(on a stat -c %a $record)" 600
check 'the device is there' on a ip link show wg0
exits 'another run does not come in between' 75 \
	apply two/wg0.conf
says 'it names the way out' 'meshapply rollback wg0 undoes it'
exits 'nor does a removal' 75 on a "$meshapply" remove wg0
exits 'the timer does not either' 75 \
	on a env INVOCATION_ID=1 "$meshapply" apply one/wg0.conf
check 'a plan may' on a "$meshapply" plan one/wg0.conf
check 'status may' on a "$meshapply" status wg0
guard=$(guard_of)
check 'at the deadline it is undone' wait_for 40 gone
is_as 'the host is as it was' nothing.snapshot
check 'the guard has ended' wait_for 10 vm_gone "$guard"
exits 'a late confirmation' 1 on a "$meshapply" confirm wg0
says 'it says so' 'too late: wg0 was rolled back at '
exits 'without a name as well' 1 on a "$meshapply" confirm

### Confirmed

exits 'once more' 3 apply --confirm=60 one/wg0.conf
exits 'a wrong token' 66 on a "$meshapply" confirm aaaa-aaaa
check 'it waits still' pending
guard=$(guard_of)
check 'the token confirms' on a "$meshapply" confirm "$(token)"
check 'the record is gone' gone
check 'the guard has ended' wait_for 10 vm_gone "$guard"
check 'twice is no harm' on a "$meshapply" confirm wg0
check 'all is as applied' writes_nothing a "$meshapply" apply one/wg0.conf
now > one.snapshot

### A change, undone by hand, by its deadline, moved

exits 'a change waits' 3 apply --confirm=60 two/wg0.conf
check 'it is undone by hand' on a "$meshapply" rollback wg0
check 'the record is gone' gone
is_as 'all is as it was' one.snapshot
check 'and nothing is left to do' writes_nothing a "$meshapply" apply one/wg0.conf

check 'once more is not one state further back' on a "$meshapply" rollback wg0
says 'it says so' 'rolled back already'
also 'and how to go on' 'meshapply rollback wg0 NUMBER goes back further'
is_as 'all is as it was' one.snapshot

exits 'a change waits' 3 apply --confirm=15 two/wg0.conf
exits 'the same again: its deadline is moved' 3 \
	apply --confirm=60 two/wg0.conf
sleep 20
check 'it waits still' pending
cat > two/wg0.conf.more < two/wg0.conf
sed 's/ListenPort.*/ListenPort = 51822/' two/wg0.conf.more > two/wg0.conf
exits 'another change joins it' 3 apply --confirm=8 two/wg0.conf
check 'both are undone' wait_for 40 gone
is_as 'all is as it was' one.snapshot

### It is waited for

exits 'nobody confirms' 4 \
	apply --confirm=10 --wait-confirmed two/wg0.conf
is_as 'all is as it was' one.snapshot
start a "$meshapply" apply --confirm=60 --wait-confirmed \
	"${forced[@]}" two/wg0.conf > waits.output 2>&1
check 'it waits' wait_for 20 pending
check 'confirmed' wait_for 20 on a "$meshapply" confirm wg0
wait "$started"
is 'and told so' "$?" 0
check 'back' apply one/wg0.conf
is_as 'all is as it was' one.snapshot

### The session goes

start a setsid sh -c "
	$meshapply apply --confirm=12 --wait-confirmed ${forced[*]} two/wg0.conf
" > session.output 2>&1
check 'a change waits' wait_for 20 pending
kill -HUP -- "-$started"
kill -TERM -- "-$started"
{ wait "$started"; } 2>/dev/null
check 'it waits still' pending
check 'and is undone' wait_for 40 gone
is_as 'all is as it was' one.snapshot

### The guard dies

exits 'a change waits' 3 apply --confirm=8 two/wg0.conf
kill -KILL "$(guard_of)"
sleep 10
check 'nobody has undone it' pending
exits 'the next run does' 0 apply one/wg0.conf
says 'it says so' 'was not confirmed in time'
is_as 'all is as it was' one.snapshot

### Nothing to do

check 'without a change nothing waits' apply --confirm=60 one/wg0.conf
check 'there is no record' gone

### Rubbish in the record

on a sh -c "echo rubbish > $record"
exits 'rubbish is not passed over' 7 apply one/wg0.conf
says 'the way out is named' force=pending
check 'it is given up' apply --force=pending one/wg0.conf
check 'and gone' gone

check 'removed' on a "$meshapply" remove wg0
is_as 'the host is as it was' nothing.snapshot
done_testing
