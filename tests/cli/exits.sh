#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sources of every kind and each exit status that takes no WireGuard in the
# kernel, one by one.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

r=(--root="$scratch/image")
mkdir image
quick wg0.conf
# Whatever a run may change: files, and the kernel's state here.
state() {
	find image -type f -exec sha256sum {} + | sort
	ip -o link
	ip -o address
	ip route show table all
	ip rule
	nft list ruleset
}
state >before
unchanged() {
	state >after
	is "$1: nothing was changed" "$(diff before after)" ""
}

### Sources

check "a file" m validate wg0.conf
says "its mesh has its name" '^wg0: valid$'
check "a file by a path" m validate "$scratch/wg0.conf"
check "a file by a link" \
	bash -c 'ln -s wg0.conf wg1.conf && "$1" validate wg1.conf' - \
	"$build/meshapply"
says "its name is the link's" '^wg1: valid$'
check "standard input" m validate --mesh=wg5 - <wg0.conf
says "its name is what --mesh says" '^wg5: valid$'
check "/dev/stdin" m validate --mesh=wg5 /dev/stdin <wg0.conf
check "a pipe" bash -c 'cat wg0.conf | "$1" validate --mesh=wg5 -' - \
	"$build/meshapply"
check "a pipe of the shell's" bash -c \
	'"$1" validate --mesh=wg5 <(cat wg0.conf)' - "$build/meshapply"
exits "standard input without a name" 64 m validate - <wg0.conf
tells "standard input without a name: the way out" 'give --mesh NAME'
exits "standard input with a name no device has" 64 \
	m validate --mesh=a-name-that-is-long - <wg0.conf
check "another name for the mesh" m validate --mesh=office wg0.conf
says "it has that name" '^office: valid$'
sed 's/^AllowedIPs = 10.8.0.3.*/AllowedIPs = 0.0.0.0\/0/' wg0.conf >full.conf
check "another name for the mesh of a full tunnel" \
	m validate --mesh=office.1 full.conf
exits "--mesh that no mesh can have" 65 m validate --mesh=a/b wg0.conf
folder f
check "a folder" m validate f/
says "a folder tells its mesh" '^office: valid$'
tells "that its keys are elsewhere is said" 'keys were not checked'
check "a folder without a slash, by a path" m validate ./f
cp -r f keyless
sed -i '/private-key-file/d' keyless/wireguard.conf
exits "a folder that names no key" 65 m validate ./keyless
tells "it is told what a folder takes" 'no private key: write #@ private-key-file'
exits "a folder that a bare name may mean" "$bare" m validate f
tells "it is told how to write it" './f'
check "this folder" bash -c 'cd f && "$1" validate .' - "$build/meshapply"
if [ -d /etc/wireguard ] && [ "$CLI_INSIDE" = root ]; then
	mount -t tmpfs none /etc/wireguard
	quick /etc/wireguard/wg9.conf
	check "a bare name is in /etc/wireguard" m validate wg9
	umount /etc/wireguard
else
	skip "a bare name is in /etc/wireguard" "it cannot be covered here"
fi
exits "a document that lacks nearly all" 65 \
	m validate --mesh=x - <<<'{ "meshapply": 1 }'
tells "it has a place" '^<stdin>:1:1: error: '
exits "a URL" 64 m validate https://192.0.2.1/wg0.conf
exits "another URL" 64 m validate ftp://192.0.2.1/wg0.conf
exits "a file of another name" 64 bash -c \
	'cp wg0.conf wg0.txt; "$1" validate ./wg0.txt' - "$build/meshapply"
tells "a file of another name: how it has to be called" 'DEVICE.conf'

### 65: wrong

sed 's/51820$/70000/' wg0.conf >port.conf
exits "65: a wrong port" 65 m validate port.conf
tells "65: the place" '^port\.conf:4:14: error: '
tells "65: the line" '^ +4 \| ListenPort = 70000$'
is "65: the caret" "$(sed -n '/ListenPort/{n;p;q}' "$err")" \
	"      |              ^"
tells "65: every error is told" '^port\.conf:10:12: error: '
tells "65: their number" '2 errors'
is "65: nothing on standard output" "$(<"$out")" ""
for verb in "plan ${r[*]}" "apply ${r[*]} --force=root" \
	"adopt ${r[*]} --force=root port"; do
	read -ra words <<<"$verb"
	exits "65: ${words[0]}" 65 m "${words[@]}" port.conf
	unchanged "65: ${words[0]}"
done
sed "s|^PrivateKey.*|PrivateKey = $key_short|" wg0.conf >short.conf
exits "65: a key cut short" 65 m validate short.conf
tells "65: a key cut short has a place" '^short.conf:2:'
sed "s|^PresharedKey = .|PresharedKey = !|" wg0.conf >odd.conf
exits "65: a preshared key that is none" 65 m validate odd.conf
{ cat wg0.conf; tail -n 4 wg0.conf; } >twice.conf
exits "65: a peer given twice" 65 m validate twice.conf
tells "65: the one place" '^twice.conf:17:13: error: '
tells "65: the other place" 'twice.conf:13:13: note: '
sed "s|^PrivateKey.*|PrivateKey = $key_b|; s|^PublicKey.*1||
	s|$pub_1|$(wg pubkey <<<"$key_b")|" wg0.conf >self.conf
exits "65: the own key among the peers" 65 m validate self.conf
tells "65: it is said whose it is" 'own key|itself'

### 66: not there

exits "66: no such file" 66 m validate ./none.conf
exits "66: no such name" "$bare" m validate none
exits "66: no such folder" 66 m validate none/
mkdir empty
exits "66: a folder without wireguard.conf" 66 m validate empty/
tells "66: the file is named" 'wireguard.conf'
exits "66: a folder called NAME.conf" 66 bash -c \
	'mkdir -p d.conf; "$1" validate ./d.conf' - "$build/meshapply"
exits "66: no such device to adopt" 66 \
	m adopt "${r[@]}" --dry-run wg0 wg0.conf
tells "66: it is told what makes one" 'meshapply apply makes one'
exits "66: no such key" 66 m plan "${r[@]}" --key=/none.key wg0.conf
exits "66: no key folder" 66 m plan "${r[@]}" f/
tells "66: the folder is named" "no folder $scratch/image/etc/meshapply/keys"
mkdir -p image/etc/meshapply/keys
exits "66: no key in the folder" 66 m plan "${r[@]}" f/
tells "66: the key is named" "wg7.key"
if [ ! -e /run/netns ] || [ -x /run/netns ]; then
	exits "66: no such namespace" 66 m plan --netns=none wg0.conf
fi

### 77: not permitted

nobody() {
	timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$build/meshapply" "$@"
}
if [ "$CLI_INSIDE" = root ] && nobody version >/dev/null 2>&1; then
	exits "77: a file of another's" 77 nobody validate wg0.conf
	chmod 644 wg0.conf f/*
	chmod 755 f image
	check "validate takes no root" nobody validate wg0.conf
	check "validate of a folder takes no root" nobody validate f/
	is "validate compiles the firewall without root" \
		"$(grep -c 'not compiled' "$err")" 0
	exits "77: a key folder of another's" 77 nobody plan "${r[@]}" f/
	rmdir image/etc/meshapply/keys image/etc/meshapply image/etc
	exits "77: plan" 77 nobody plan "${r[@]}" wg0.conf
	tells "77: plan says what it could not read" 'cannot read|not permitted'
	tells "77: plan says what it takes" 'CAP_NET_ADMIN'
	says "77: plan shows what can be told" '[+] peer'
	exits "77: apply" 77 nobody wg0.conf
	exits "77: remove" 77 nobody remove wg0
	exits "77: recover" 77 nobody recover wg0
	mkdir -p image/var/lib/meshapply/wg0/applied
	chmod -R go=rX image
	exits "77: status" 77 nobody status "${r[@]}" wg0
	rm -r image/var
	exits "77: adopt" 77 nobody adopt wg0 wg0.conf
	exits "77: another namespace" 77 bash -c '
		mkdir -p /run/netns && mount -t tmpfs none /run/netns &&
		: >/run/netns/n && mount --bind /proc/self/ns/net /run/netns/n
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$1" plan --netns=n wg0.conf' - "$build/meshapply"
	umount -l /run/netns/n /run/netns 2>/dev/null
	chmod 600 wg0.conf
	unchanged 77
else
	skip "77" "it takes root to become somebody else"
fi

### 78: set up wrongly

mkdir -p image/etc/meshapply/keys
key=image/etc/meshapply/keys/wg7.key
echo "$key_b" >$key
check "a key in the folder" m plan "${r[@]}" f/
for mode in 0640 0604 0666; do
	chmod $mode $key
	exits "78: a key of mode $mode" 78 m plan "${r[@]}" f/
	tells "78: how to mend it" "chmod go= $scratch/$key"
done
chmod 600 $key
for bad in '' "$key_short" "$key_a$key_b" "$key_a"$'\n'"$key_b" 'no key'; do
	printf '%s\n' "$bad" >$key
	exits "78: a key file that holds ${#bad} bytes" 78 m plan "${r[@]}" f/
done
rm $key
ln -s "$scratch/elsewhere" $key
echo "$key_b" >elsewhere
exits "78: a key file that is a link" 78 m plan "${r[@]}" f/
rm $key
mkfifo $key
exits "78: a key file that is a pipe" 78 m plan "${r[@]}" f/
rm $key
check "a key by --key" m plan "${r[@]}" --key=elsewhere f/
check "a key by --key, from a pipe" bash -c \
	'"$1" plan "$2" --key=<(cat elsewhere) f/' - "$build/meshapply" "${r[@]}"
chmod 644 elsewhere
exits "78: a key by --key that others can read" 78 \
	m plan "${r[@]}" --key=elsewhere f/
mkdir credentials
echo "$key_b" >credentials/wg7.key
chmod 600 credentials/wg7.key
check "a key by systemd" env CREDENTIALS_DIRECTORY="$scratch/credentials" \
	"$build/meshapply" plan "${r[@]}" f/
chmod 640 credentials/wg7.key
exits "78: a key by systemd that others can read" 78 \
	env CREDENTIALS_DIRECTORY="$scratch/credentials" \
	"$build/meshapply" plan "${r[@]}" f/
mv credentials/wg7.key credentials/key_wg7.key
chmod 600 credentials/key_wg7.key
check "a key by systemd, from a folder of keys" \
	env CREDENTIALS_DIRECTORY="$scratch/credentials" \
	"$build/meshapply" plan "${r[@]}" f/
chmod 640 credentials/key_wg7.key
exits "78: a key by systemd, of a folder, that others can read" 78 \
	env CREDENTIALS_DIRECTORY="$scratch/credentials" \
	"$build/meshapply" plan "${r[@]}" f/
echo "$key_b" >$key

### 0, 2, 6, 7, 75

state >before
check "0: a plan with changes" m plan "${r[@]}" wg0.conf
exits "2: a plan with changes" 2 m plan "${r[@]}" --detailed-exitcode wg0.conf
exits "2: apply --dry-run" 2 m -n "${r[@]}" --detailed-exitcode wg0.conf
check "0: a plan without changes" \
	m remove --dry-run "${r[@]}" --detailed-exitcode wg0
says "0: it says so" '^wg0: nothing to do$'
sed 's/192.0.2.1:/name.invalid:/' wg0.conf >name.conf
check "0: a name that does not resolve" m plan "${r[@]}" name.conf
tells "0: is a warning" \
	'^name.conf:10:12: warning: .*name.invalid does not resolve'
exits "6: a name that does not resolve, --strict" 6 \
	m plan "${r[@]}" --strict name.conf
exits "7: --root alone" 7 m "${r[@]}" wg0.conf
tells "7: the guard is named" '--force=root overrules'
for verb in remove recover; do
	exits "7: --root alone, $verb" 7 m $verb "${r[@]}" wg0
done
exits "7: --root alone, adopt" 7 m adopt "${r[@]}" wg0 wg0.conf
unchanged "0, 2, 6, 7"

check "remove of what is not there" m remove "${r[@]}" --force=root wg0
says "remove of what is not there says so" '^wg0: nothing to do$'
check "remove of a link of others" m remove "${r[@]}" --force=root lo
tells "that it stays is said" 'the link lo stays: it is not of the mesh lo'
check "0: it is no change" \
	m remove "${r[@]}" --force=root --detailed-exitcode wg0
check "recover of what is not there" m recover "${r[@]}" --force=root wg0
exits "66: status of what is not there" 66 m status "${r[@]}" wg0
mkdir -p image/run/meshapply/wg0
(
	exec 9>image/run/meshapply/wg0/lock
	flock 9
	exec sleep 30
) &
holder=$!
until [ -e image/run/meshapply/wg0/lock ] && ! flock -n \
	image/run/meshapply/wg0/lock true; do sleep 0.05; done
exits "75: another run" 75 m remove "${r[@]}" --force=root wg0
tells "75: the way out" '--wait'
exits "75: another run, waited for" 75 \
	m remove "${r[@]}" --force=root --wait=1 wg0
check "plan does not wait" m plan "${r[@]}" wg0.conf
check "status does not wait" m status "${r[@]}" wg0
{ sleep 1; kill $holder; } &
check "--wait waits" m remove "${r[@]}" --force=root --wait=20 wg0
wait

### 1, 69

if ip link add wgprobe type wireguard 2>/dev/null; then
	ip link del wgprobe
	skip "1: a kernel without WireGuard" "this one has it"
else
	rm -rf image
	mkdir image
	state >before
	exits "1: a kernel without WireGuard" 1 m "${r[@]}" --force=root wg0.conf
	tells "1: it says so" 'no WireGuard'
	tells "1: nothing was changed" '^meshapply: nothing was changed$'
	is "1: no folder stays" "$(find image -path '*meshapply*')" ""
	unchanged 1
fi
# Beside its helper, without the other one.
mkdir lone
cp "$build/meshapply" lone/
printf '#!/bin/sh\n' >lone/meshapply-nftc
chmod 755 lone/*
exits "69: no program to resolve names" 69 lone/meshapply plan "${r[@]}" \
	name.conf
tells "69: it is named" 'meshapply-fetch'
check "without names it is not missed" lone/meshapply plan "${r[@]}" wg0.conf
done_testing
