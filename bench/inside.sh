#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM. For each number of peers the whole process, median of
# $BENCH_RUNS runs in milliseconds, and the ratio to wg syncconf of the same
# file, which is what people use today for what it can do. Then a document of
# $BENCH_NODES nodes: time and memory, and the ratios to reading its JSON.
set -eu -o pipefail
meshapply=$PWD/build/release/meshapply
bench=$PWD/bench
tools=$PWD/build/release/bench
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

### One document of many nodes, seen by one of them

# measured NAME COMMAND...: the run of median time, with its memory.
measured() {
	local name=$1 i
	shift
	for ((i = 0; i < BENCH_RUNS; i++)); do
		"$tools/measure" "$@" || { echo "$* failed" >&2; exit 1; }
	done | sort -n | sed -n "$((BENCH_RUNS / 2 + 1))p" > "$work/$name"
}
nodes_row() {	# CASE NAME
	paste -d ' ' "$work/$2" "$work/floor" | awk -v name="$1" \
		-v nodes="$BENCH_NODES" '{ printf \
		"%-24s %8d %9.1f ms %9.1f MiB %8.2f %8.2f\n", name, nodes,
		$1 / 1000, $2 / 1024, $1 / $3, $2 / $4 }'
}
"$bench/document" "$BENCH_NODES" > bench.json
wg genkey > bench.key
public=$(wg pubkey < bench.key)
sed -i "0,/public_key/s|\(\"public_key\": \)\"[^\"]*\"|\1\"$public\"|" \
	bench.json
echo
printf '%-24s %8s %12s %13s %8s %8s\n' document nodes time memory 'x time' \
	'x memory'
measured floor "$tools/parse" bench.json
nodes_row "its JSON read: the floor" floor
measured validate "$meshapply" -q validate --key=bench.key bench.json
nodes_row "validate" validate
measured render "$meshapply" -q render --node=node-00001 bench.json
nodes_row "render --node" render
measured plan "$meshapply" -q plan --key=bench.key bench.json
nodes_row "plan, nothing is there" plan
"$meshapply" -q --key=bench.key bench.json
measured plan "$meshapply" -q plan --key=bench.key bench.json
nodes_row "plan, all is there" plan
"$meshapply" -q remove bench
