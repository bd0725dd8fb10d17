#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: for each number of peers the whole process, median of
# $BENCH_RUNS runs in milliseconds, and the ratio to wg syncconf of the same
# file, which is what people use today for what it can do.
set -eu
meshapply=$PWD/build/release/meshapply
work=$(mktemp -d)
cd "$work"
umask 077
modprobe wireguard
ip link set lo up

now() { echo "${EPOCHREALTIME//[!0-9]/}"; }
median() { sort -n | sed -n "$((BENCH_RUNS / 2 + 1))p"; }
# timed NAME COMMAND...: runs it $BENCH_RUNS times, $before before each
timed() {
	local name=$1 i start
	shift
	for ((i = 0; i < BENCH_RUNS; i++)); do
		${before:-true} >/dev/null 2>&1
		start=$(now)
		"$@" >/dev/null 2>&1 || { echo "$* failed" >&2; exit 1; }
		echo $(($(now) - start))
	done | median > "$work/$name.us"
}
ms() { awk '{ printf "%.1f", $1 / 1000 }' "$work/$1.us"; }
ratio() { awk -v a="$(<"$work/$1.us")" -v b="$(<"$work/$2.us")" \
	'BEGIN { printf "%.2f", a / b }'; }

make_file() {	# COUNT
	local i
	printf '[Interface]\nPrivateKey = %s\nAddress = 10.0.0.1/8\n' \
		"$(wg genkey)"
	printf 'ListenPort = 51820\nMTU = 1420\n'
	for ((i = 1; i <= $1; i++)); do
		printf '[Peer]\nPublicKey = %s\n' \
			"$(head -c 32 /dev/urandom | base64)"
		printf 'AllowedIPs = 10.%d.%d.2/32\n' $((i / 250)) $((i % 250))
		printf 'Endpoint = 127.0.%d.%d:51820\n' $((i / 250)) \
			$((i % 250 + 1))
	done
}
gone() { "$meshapply" -q remove wg0; }
other_endpoint() {
	port=$((${port:-51820} + 1))
	sed -i "0,/^Endpoint = \(.*\):.*/s//Endpoint = \1:$port/" wg0.conf
	sed '/^Address\|^MTU/d' wg0.conf > plain.conf
}

printf '%-24s %8s %12s %12s %8s\n' case peers meshapply syncconf ratio
row() {
	printf '%-24s %8s %9s ms %9s ms %8s\n' "$1" "$count" "$(ms ours)" \
		"$(ms theirs)" "$(ratio ours theirs)"
}
for count in $BENCH_PEERS; do
	make_file "$count" > wg0.conf
	sed '/^Address\|^MTU/d' wg0.conf > plain.conf
	before=gone timed ours "$meshapply" wg0.conf
	echo "first apply, $count peers: $(ms ours) ms"
	before='' timed ours "$meshapply" wg0.conf
	before='' timed theirs wg syncconf wg0 plain.conf
	row "nothing to change"
	before=other_endpoint timed ours "$meshapply" wg0.conf
	before=other_endpoint timed theirs wg syncconf wg0 plain.conf
	row "one endpoint changed"
	gone
done
