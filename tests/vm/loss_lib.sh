# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034,SC2154 # of those who source it, and for them
#
# What a change costs the packets that pass meanwhile, a line of a table for
# each; sourced after meshapply.sh.
#
#	flow_between A ADDRESS B ADDRESS	the two flows from now on
#	announced HOST SOURCE		the class of the plan as it is now
#	line_of NAME CLASS COMMAND...	COMMAND under the flows
#	turn NAME EDIT [COMMAND...]	the folder is edited and applied on a
#	sequence NAME STEP...		a document, node by node; $classes
#					is what the plans announced
#	less NAME LINE LINE		a test: the first one lost less
#
# 1000 packets a second each way, of 24 bytes. What a line is to show is in it:
# packets that did not arrive, either way, and the longest time in which none
# did. A class that promises so is held to it: nothing may be lost. What a
# line has lost in all is in lost_by, by its name.
declare -A lost_by

# A machine that others share may stand still for a second, with 1000 packets of
# each flow: no queue of ours is to be what loses them.
sysctl -qw net.core.netdev_max_backlog=100000

# Nothing is read over the share of the host while packets fly.
mkdir programs
cp "${meshapply%/*}"/meshapply{,-nftc,-fetch} programs
meshapply=$work/programs/meshapply

flow_between() {
	flow_a=$1 flow_a_address=$2 flow_b=$3 flow_b_address=$4
}

announced() {
	on "$1" "$meshapply" plan --json "$2" > plan.json
	jq -r .plan.disruption plan.json
	# What it says of those that are not "none", for the log.
	jq -r '.plan.steps[] | select(.disruption != "none") |
		"#   \(.object) [\(.disruption): \(.why)]"' plan.json >&2
}

flows_start() {
	udp_flow_start there "$flow_a" "$flow_b" "$flow_b_address" 4001 \
		1000 0 "$flow_a_address" &&
	udp_flow_start back "$flow_b" "$flow_a" "$flow_a_address" 4002 \
		1000 0 "$flow_b_address"
}

heading() {	# WORDS
	printf '# |\n# | %s | announced | lost there | lost back | %s |\n' \
		"$1" 'longest gap, ms'
	echo '# | --- | --- | ---: | ---: | ---: |'
}

line_of() {
	local name=$1 class=$2 there back lost_there lost_back gap
	shift 2
	check "$name: the flows" flows_start
	sleep 1
	check "$name: it is done" "$@"
	sleep 2
	there=$(udp_flow_stop there)
	back=$(udp_flow_stop back)
	echo "#   there: $there"
	echo "#   back: $back"
	lost_there=$(udp_flow_get lost "$there")
	lost_back=$(udp_flow_get lost "$back")
	gap=$(printf '%s\n' "$(udp_flow_get gap_ms "$there")" \
		"$(udp_flow_get gap_ms "$back")" | sort -n | tail -n 1)
	echo "# | $name | $class | $lost_there | $lost_back | $gap |"
	lost_by[$name]=$((lost_there + lost_back))
	check "$name: they were flows" [ "$(udp_flow_get sent "$there")" \
		-gt 1000 -a "$(udp_flow_get sent "$back")" -gt 1000 ]
	case $class in
	none | rekey)
		is "$name: of class $class, no packet is lost" \
			"$lost_there $lost_back" '0 0'
		;;
	esac
}

# turn NAME EDIT [COMMAND...]: EDIT is run in the folder of the host a.
turn() {
	local name=$1 edit=$2 class
	shift 2
	(cd mesh && eval "$edit") || check "$name: the edit" false
	class=$(announced a ./mesh)
	[ $# -gt 0 ] || set -- on a "$meshapply" ./mesh
	line_of "$name" "$class" "$@"
}

# sequence NAME STEP...: a STEP is a node, or a command after a colon. What each
# node's plan says is asked before, for it does not depend on the others.
steps_walk() {
	local step
	for step; do
		case $step in
		:*) ${step#:} || return ;;
		*) on "$step" "$meshapply" office.json || return ;;
		esac
	done
}
sequence() {
	local name=$1 step class
	classes=
	shift
	for step; do
		[ "${step#:}" = "$step" ] || continue
		class=$(announced "$step" office.json)
		classes="$classes${classes:+, }$class"
	done
	line_of "$name" "$classes" steps_walk "$@"
}

less() {
	check "$1" [ "${lost_by[$2]}" -lt "${lost_by[$3]}" ]
}
