# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced first by a script that works in namespaces of its own, with the
# script's arguments: it is started anew inside, has a folder $work that goes
# with it, and $bad to end with.
if [[ ${1-} != inside ]]; then
	exec unshare -nm "$0" inside
fi
mount --make-rprivate / && mkdir -p /run/netns &&
	mount -t tmpfs none /run/netns || exit 1
work=$(mktemp -d)
trap 'umount -l /run/netns; rm -rf "$work"' EXIT
bad=0

fail() {
	echo "FAILED: $*"
	# shellcheck disable=SC2034 # for the end of the script
	bad=1
}

in_node() {	# COMMAND...
	ip netns exec node "$@"
}
