#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where keys are, over every verb that meets them: in no output, no memory that
# could be dumped or swapped, in no memory once a process ends, and in no file
# but those that are meant to hold them, mode 0600, and only while they are.
# shellcheck disable=SC2016,SC2086,SC2154 # of the libraries; lists of words
set -u
. tests/vm/lib.sh
# Before the libraries go to a scratch folder.
keyscan=$PWD/build/release/tests/keyscan
. tests/vm/meshapply.sh

host_add a
keys a b c old
wg genpsk >ab.psk
wg genpsk >new.psk
cat a.key c.key old.key ab.psk new.psk >known
mkdir out next bad
conf() {	# KEY PSK PORT [ROUTE]
	cat <<-CONF
	[Interface]
	PrivateKey = $(<$1.key)
	Address = 10.0.0.1/24
	ListenPort = $3

	[Peer]
	PublicKey = $(pub b)
	PresharedKey = $(<$2.psk)
	AllowedIPs = 10.0.0.2/32${4-}
	CONF
}
conf a ab 51820 >wg0.conf
conf c new 51821 ", 192.168.2.0/24" >next/wg0.conf

# Their outputs are kept, all of them are looked through at the end.
runs=0
kept() {	# COMMAND...: run, with what it prints in a file
	runs=$((runs + 1))
	"$@" >out/$runs.out 2>out/$runs.err
}
# clean NAME STATUS ARGUMENT...: meshapply, watched by keyscan
clean() {
	local name=$1 want=$2 status=0
	shift 2
	((want == 0)) || want=$((want + 100))
	kept on a "$keyscan" known -- "$meshapply" "$@" || status=$?
	is "$name" "$status" "$want"
	((status == want)) || sed 's/^/#   /' out/$runs.err
}
# How often keys were seen where they may be: that there was anything to see.
seen() { sed -n 's/.*where they may be: //p' out/$runs.err; }
# holding: the files that hold keys, with their modes
holding() {
	local files found
	mapfile -t files < <(on a find /run/meshapply /var/lib/meshapply \
		/etc/meshapply -type f)
	mapfile -t found < <(on a "$keyscan" known known "${files[@]}" \
		2>/dev/null | sort)
	# The keys' own file is there to be found.
	((${#found[@]})) || echo "they were not looked through"
	for file in "${found[@]}"; do
		[ "$file" = known ] || on a stat -c '%n %a' "$file"
	done
}

### The test itself can fail

exits "a file that holds one is found" 1 "$keyscan" known wg0.conf
base64 -d a.key | od -An -vtx1 | tr -d ' \n' >digits
exits "as hexadecimal digits too" 1 "$keyscan" known digits
{
	head -c 99999 /dev/zero
	base64 -d ab.psk | tail -c 20
} >bytes
exits "and as bytes, half of them" 1 "$keyscan" known bytes
check "one that holds none is not" "$keyscan" known b.pub
exits "memory that holds one is found" 1 "$keyscan" known -- \
	bash -c 'key=$(<a.key); exit 0'

### Nothing there, nothing written

clean "validate" 0 validate wg0.conf
clean "plan" 0 plan wg0.conf
check "there were keys to be seen" test "$(seen)" -gt 0
clean "plan --json --verbose" 0 plan --json --verbose wg0.conf
clean "render" 0 render wg0.conf
clean "render to a folder" 0 render -o texts wg0.conf
check "no key in it" "$keyscan" known texts/*
is "no file holds a key" "$(holding)" ""

### Applied

clean "apply" 0 --verbose wg0.conf
check "there were keys to be seen" test "$(seen)" -gt 0
is "no file holds a key" "$(holding)" ""
clean "nothing to change" 0 --json wg0.conf
sleep 0.3
clean "once more, which leaves a seal" 0 wg0.conf
check "it does" on a test -e /run/meshapply/wg0/seal
is "nor does that hold a key" "$(holding)" ""
clean "by the seal" 0 wg0.conf
check "there were keys to be seen" test "$(seen)" -gt 0
clean "a plan that changes keys" 0 plan --json --force=identity next/wg0.conf
clean "one that is saved" 0 plan --force=identity -o saved next/wg0.conf
check "no key in it" "$keyscan" known saved
clean "a change that is refused" 7 next/wg0.conf
clean "keys are changed" 0 --jsonl --force=identity next/wg0.conf
is "no file holds a key" "$(holding)" ""
for verb in "status" "status --json --verbose" "status --check" \
	"status --detailed-exitcode" "history --json" "diff --json 1 2" \
	"doctor --json"; do
	kept on a "$keyscan" known -- "$meshapply" $verb
	status=$?
	check "$verb" test $status != 1 -a $status != 2
done
clean "rollback to keys that are nowhere" 66 rollback --force=identity wg0 1
conf c new 51824 >next/wg0.conf
clean "another change" 0 next/wg0.conf
clean "rollback" 0 rollback wg0 2
check "there were keys to be seen" test "$(seen)" -gt 0
is "no file holds a key" "$(holding)" ""

### Killed on the way, and undone

conf c ab 51822 ", 192.168.3.0/24" >wg0.conf
# At the first thing that is sent once the record is there.
kept on a strace -qq -o trace -e trace=sendmsg "$meshapply" plan wg0.conf
n=$(grep -c sendmsg trace)
until on a test -e /run/meshapply/wg0/journal; do
	n=$((n + 1))
	((n < 80)) || break
	kept on a strace -qq -o trace -e trace=sendmsg \
		-e inject=sendmsg:signal=KILL:when=$n "$meshapply" wg0.conf
done
is "the undo record alone holds keys" "$(holding)" \
	"/run/meshapply/wg0/journal 600"
clean "recover" 0 recover wg0
check "there were keys to be seen" test "$(seen)" -gt 0
is "no file holds a key" "$(holding)" ""

### Waiting to be confirmed: its guard is watched as well

pending=/var/lib/meshapply/.pending/wg0
on a "$keyscan" known -- "$meshapply" --confirm=60 wg0.conf \
	>out/confirm.out 2>out/confirm.err &
watched=$!
check "a change waits" wait_for 60 on a test -s $pending
check "until it is written" wait_for 60 on a sh -c \
	"grep -q 'meshapply confirm' $PWD/out/confirm.*"
is "its record alone holds keys" "$(holding)" "$pending 600"
is "in a folder of its own" "$(on a stat -c %a ${pending%/*})" 700
clean "plan meanwhile" 0 plan wg0.conf
clean "another run" 75 wg0.conf
clean "confirm" 0 confirm wg0
wait $watched
is "the run and its guard" $? 103
sed 's/^/# /' out/confirm.err
is "no file holds a key" "$(holding)" ""

### A document that holds them itself

cat >office.json <<END
{ "meshapply": 1, "mesh": "office", "secrets": "inline",
  "overlay": ["10.9.0.0/24"],
  "nodes": {
    "a": { "public_key": "$(pub old)",
      "addresses": ["10.9.0.1"], "endpoint": "192.0.2.1:51830" },
    "b": { "public_key": "$(pub b)", "addresses": ["10.9.0.2"] } },
  "links": [ { "between": ["a", "b"], "preshared_key": "$(<new.psk)" } ] }
END
on a mkdir /etc/meshapply/keys
on a cp $PWD/old.key /etc/meshapply/keys/office.key
clean "apply a document" 0 office.json
check "there were keys to be seen" test "$(seen)" -gt 0
clean "its values" 0 render --values --node=a office.json
is "the folder of keys alone holds one" "$(holding)" \
	"/etc/meshapply/keys/office.key 600"
sed 's/"inline"/"files"/' office.json >wrong.json
clean "keys where none may be" 65 plan --node=a wrong.json
sed 's/"preshared_key": "..../&!/' office.json >wrong.json
clean "a key that is broken" 65 plan --node=a wrong.json
sed 's/"public_key"/"private_key": "'"$(sed 's,/,\\/,g' old.key)"'", &/' \
	office.json >wrong.json
clean "a private key in the document" 65 plan --node=a wrong.json
sed 's/}$/} }/' office.json >wrong.json
clean "broken JSON" 65 plan --node=a wrong.json
clean "remove" 0 remove office

### Failures

sed 's/^Address = .*/Address = '"$(sed 's,/,\\/,g' c.key)"'/' wg0.conf >bad/wg0.conf
clean "a key for an address" 65 plan bad/wg0.conf
sed 's/^PrivateKey = /&x/' wg0.conf >bad/wg0.conf
clean "a key that is too long" 65 plan bad/wg0.conf
conf a new 51823 >bad/wg0.conf
for n in 14 20 24; do
	kept on a strace -f -qq -o trace -e trace=sendmsg \
		-e inject=sendmsg:error=ENOBUFS:when=$n \
		"$meshapply" --force=identity bad/wg0.conf
done

### Somebody else's device, and the end

on a ip link add wg9 type wireguard
on a wg set wg9 private-key $PWD/old.key peer "$(pub c)" preshared-key \
	$PWD/new.psk allowed-ips 10.7.0.2/32
cat >wg9.conf <<-CONF
	[Interface]
	PrivateKey = $(<old.key)
	Address = 10.7.0.1/24
	[Peer]
	PublicKey = $(pub c)
	PresharedKey = $(<ab.psk)
	AllowedIPs = 10.7.0.2/32
CONF
clean "adopt, shown" 0 adopt --dry-run --json wg9 wg9.conf
clean "adopt" 0 adopt wg9 wg9.conf
is "the folder of keys alone holds one" "$(holding)" \
	"/etc/meshapply/keys/office.key 600"
clean "disown" 0 disown wg9
clean "remove" 0 remove wg0

### What was printed, and what the kernel's log has

check "$runs runs have printed" test -s out/1.out
exits "no output holds a key" 0 "$keyscan" known out/*
dmesg >kernel.log
check "nor does the kernel's log" "$keyscan" known kernel.log

done_testing
