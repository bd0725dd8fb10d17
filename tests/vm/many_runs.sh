# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two runs at once, and twenty: one works, the others wait, or leave with 75;
# in the end it is as one of them wanted it.
# shellcheck disable=SC2154 # some variables are those of faults_lib.sh
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh
# shellcheck source=tests/vm/faults_lib.sh
. "$vm_here/faults_lib.sh"

# The program itself: nobody counts its children.
mv bin/nftc bin/meshapply-nftc
check 'one way' go_to one
look > one.look
check 'and another' go_to two
look > two.look

# at_once COUNT WORD...: half of them to each; their statuses, sorted, counted
at_once() {
	local count=$1 i to pids=()
	shift
	for ((i = 0; i < count; i++)); do
		to=one
		((i % 2)) || to=two
		start a "$program" apply ./$to "$@" > at_once.$i 2>&1
		pids+=("$started")
	done
	for i in "${pids[@]}"; do
		wait "$i"
		echo $?
	done > statuses
	sort statuses | uniq -c | awk '{ printf "%s%d of %d", s, $1, $2; s = ", " }'
}

# ends_well NAME: as one of them wanted it, and nothing is left to be undone
ends_well() {
	whereabouts one two
	verdict "$1" "$place" 'as before' 'as desired'
	check "$1: no journal stays" on a test ! -e \
		/run/meshapply/office/journal
	check "$1: nothing lies about" on a sh -c \
		'! find /run/meshapply /var/lib/meshapply -name ".*.*" | grep .'
	check "$1: the next one finds nothing in its way" go_to one
}

go_to one
for count in 2 20; do
	echo "# $count at once: $(at_once $count)"
	check "$count at once: one at least has worked" grep -qx 0 statuses
	check "$count at once: all others left with 75" \
		test -z "$(grep -vxE '0|75' statuses)"
	ends_well "$count at once"
	echo "# $count that wait: $(at_once $count --wait=300)"
	is "$count that wait: all have worked" "$(sort -u statuses)" 0
	ends_well "$count that wait"
done

# A removal takes the folders away in which the others wait.
start a "$program" remove office --wait=300 > remove.output 2>&1
removal=$started
echo "# and a removal: $(at_once 6 --wait=300)"
wait "$removal"
is 'a removal among them' "$?" 0
is 'all others have worked' "$(sort -u statuses)" 0
if ! on a ip link show wg0 > /dev/null 2>&1; then
	# It was the last one.
	check 'nothing is left' on a test ! -e /var/lib/meshapply/office
	state=nothing
	check 'the next one begins anew' go_to one
fi
whereabouts one two
verdict 'after a removal' "$place" 'as before' 'as desired'
done_testing
