#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nftables as it is in a container: root of a user namespace, where the first
# one's privileges are not to be had. The tests are those of the unit ring.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${MESHAPPLY_BUILD:-build}
user=(setpriv --reuid=4242 --regid=4242 --clear-groups --inh-caps=-all)

if ! "${user[@]}" unshare -Urn true 2>/dev/null; then
	echo 'SKIPPED: no user namespace is to be had'
	exit 0
fi
# Where others do not reach the sources, a copy is tested.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/build/tests" "$copy/tests/netns"
cp "$build/meshapply-nftc" "$copy/build/"
cp tests/netns/constructs.nft "$copy/tests/netns/"
failed=0
for test in test_nft_constructs test_nftc; do
	cp "$build/tests/$test" "$copy/build/tests/"
	chmod -R go+rX "$copy"
	(cd "$copy" && "${user[@]}" unshare -Ur "build/tests/$test") ||
		failed=1
done
exit $failed
