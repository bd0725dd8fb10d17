# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/vm/kern.sh - the kernel's code on real WireGuard, without the rest

set -eu

# shellcheck source=/dev/null
. tests/vm/lib.sh

# The release build: emulation makes a sanitised one crawl.
probe=${KERN_PROBE-build/release/tests/kern_probe}

check 'no peer, one, two, … 60: written and read back' $probe range 60 12
for n in 97 150 211 300; do
	check "$n peers" $probe peers $n 12
done
check '1000 peers' $probe peers 1000 30
check '20 000 peers' $probe peers 20000 3
check 'one peer with 5000 allowed IPs' $probe list 5000
check 'a peer that is gone is not half created' $probe vanished
check 'what is refused is named' $probe names
is 'nothing is left behind' "$(wg show interfaces)" ''
done_testing
