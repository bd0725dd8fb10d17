#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plan --rehearse with WireGuard: links and peers are made and read back, by
# root and without; without a key, and without a trace.
# shellcheck disable=SC2154 # of the libraries
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

host_add a
mkdir few many
{
	printf '#@ mesh many\n#@ interface many\n#@ private-key-file many.key\n[Interface]\n'
	printf 'Address = 10.0.0.1/16, fd00::1/64\nListenPort = 51820\n'
	printf 'Table = off\n'
} >few/wireguard.conf
cp few/wireguard.conf many
for ((i = 2; i < 252; i++)); do
	key=$(printf '%032d' $i | base64)
	printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.%d/32\n' \
		"$key" $i
done >>many/wireguard.conf
echo 'route replace 10.1.0.0/16 dev many' >many/network.batch
cp -r many wrong
echo 'route replace 10.2.0.0/16 via 172.31.9.9 dev many' \
	>>wrong/network.batch
chmod -R go+rX . many wrong
snapshot -i a >before

check "links, peers, routes" on a "$meshapply" plan --rehearse ./many
says "a sample" 'rehearsed with 100 of 250 peers'
also "all of it" 'steps taken in a network namespace of its own'
also "no key" 'rehearsed without keys: '
fails "WireGuard is there" grep -q 'no WireGuard' said
exits "what is refused" 1 on a "$meshapply" plan --rehearse ./wrong
says "the step" 'this plan would fail: route 10.2.0.0/16'
also "its place" './wrong/network.batch:2:15: error: '
user=(setpriv --reuid=4242 --regid=4242 --clear-groups --inh-caps=-all)
copy=$(mktemp -d)
cp "${meshapply%/*}"/meshapply{,-nftc,-fetch} "$copy"
cp -r many wrong "$copy"
chmod -R go+rX "$copy"
cd "$copy" || exit 1
check "without root" on a "${user[@]}" ./meshapply plan --rehearse ./many
says "all of it" 'steps taken in a network namespace of its own'
exits "what is refused" 1 on a "${user[@]}" ./meshapply plan --rehearse ./wrong
cd "$work" || exit 1
snapshot -i a >after
same "nothing is left" before after

done_testing
