#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The state folder, as its owner, who may be another user, can leave it: links,
# pipes, devices, rubbish. A run by root follows none of it, waits for none of
# it, writes to none of it, and says what is in its way.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

r=(--root="$scratch/image")
w=("${r[@]}" --force=root)
quick office.conf
boot=$(</proc/sys/kernel/random/boot_id)
netns=$(stat -Lc %i /proc/self/ns/net)
forward=/proc/sys/net/ipv4/ip_forward

# good: what a run leaves, as the program itself would have it.
good() {
	rm -rf image
	kept image office
	{
		header sysctls
		echo "sysctl key=net.ipv4.ip_forward before=0 ours=1" \
			"root=net.ipv4.ip_forward mesh=office netns=$netns"
	} >image/var/lib/meshapply/sysctls
	{
		header sample
		echo "peer public-key=$pub_1 sent=4711"
	} >image/run/meshapply/office/sample
	owned
}

# All of it belongs to somebody else, where there is somebody else.
owned() {
	[ "$CLI_INSIDE" != root ] || chown -hR 65534:65534 image
}

drift() {
	jq -r '.meshes[0] | .state, (.drift | type), (.drift.steps | length > 3)' \
		"$out" | xargs
}

### What is read back when nothing is wrong

good
check "status" m status "${r[@]}" --json office
is "status knows what was applied" "$(drift)" "absent object true"
check "status of all" m status "${r[@]}" --json
is "status of all finds what is kept" \
	"$(jq -r '.meshes | map(.mesh) | join(" ")' "$out")" office
exits "status --detailed-exitcode" 2 \
	m status "${r[@]}" --detailed-exitcode office
exits "status --detailed-exitcode of all, in JSON" 2 \
	m status "${r[@]}" --detailed-exitcode --json
is "its JSON has the same" "$(jq .exit "$out")" 2
check "plan" m plan "${r[@]}" office.conf
echo 1 >$forward
check "remove" m remove "${w[@]}" office
is "remove puts the sysctl back" "$(<$forward)" 0
is "remove leaves no file but the registry" \
	"$(find image -type f ! -name sysctls)" ""
check "remove again" m remove "${w[@]}" office
exits "status after that" 66 \
	m status "${r[@]}" --detailed-exitcode --json office
is "status knows of nothing" "$(jq -c '.meshes' "$out")" "[]"

good
sed -i s/office/other/ image/var/lib/meshapply/sysctls
echo 1 >$forward
check "remove beside another mesh" m remove "${w[@]}" office
is "what another mesh needs stays" "$(<$forward)" 1
good
echo 2 >$forward
check "remove of what was changed by hand" m remove "${w[@]}" office
is "what somebody else set stays" "$(<$forward)" 2
echo 0 >$forward

### A journal

journal=image/run/meshapply/office/journal
good
{ header journal; echo end; } >$journal
check "status with a journal" m status "${r[@]}" office
tells "status says that there is one" 'interrupted.*meshapply recover office'
exits "recover --dry-run with a journal" 2 \
	m recover "${w[@]}" --dry-run --detailed-exitcode office
is "it is still there" "$([ -e $journal ] && echo yes)" yes
check "recover" m recover "${w[@]}" office
is "recover puts the journal away" "$([ -e $journal ] || echo gone)" gone
tells "recover says so" 'undone'
{ header journal; echo end; } >$journal
check "remove recovers first" m remove "${w[@]}" office
tells "remove says so" 'undone'
good
{ header journal 00000000-0000-0000-0000-000000000000; echo x; } >$journal
check "a journal of another boot" m recover "${w[@]}" office
good
{ header journal "$boot" 1; echo end; } >$journal
exits "a journal of another namespace" 78 m recover "${w[@]}" office
tells "it names the namespace" 'net:\[1\]'
for evil in 'sysctl key=kernel.core_pattern value=x' \
	'sysctl key=net.ipv4.conf.//.forwarding value=1' \
	'sysctl key=net/../kernel/core_pattern value=x' \
	'rule family=99' 'route' 'address prefix=10.0.0.0/8' 'frob' '' \
	'device name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' \
	'firewall text=18446744073709551615 canon=1' \
	'firewall text=4 canon=4
abcd
abcd' 'firewall text=0 canon=999999999999'; do
	good
	{ header journal; echo "$evil"; echo end; } >$journal
	exits "a journal of ${evil%%$'\n'*}" 78 m recover "${w[@]}" office
	tells "a journal of ${evil%%$'\n'*}: it is told where" \
		'journal: line [0-9]+ is not as it was written'
	is "a journal of ${evil%%$'\n'*}: it stays" \
		"$([ -e $journal ] && echo yes)" yes
done
exits "nothing is applied over it" 78 m "${w[@]}" office.conf
tells "it is told how to go on" '--force=journal'
check "--force=journal gives it up" m recover "${w[@]}" --force=journal office
is "it is gone then" "$([ -e $journal ] || echo gone)" gone
is "the kernel's core pattern is as it was" \
	"$(grep -c '^x$' /proc/sys/kernel/core_pattern)" 0

# A journal marked verified names files to be renamed.
for evil in 'folder=state name=../../../../../victim temporary=.x' \
	'folder=base name=victim temporary=../victim' \
	'folder=/ name=x temporary=.x.0123456789ab' 'folder=state' \
	'folder=run name=lock temporary=.lock.0123456789ab'; do
	good
	echo canary >image/victim
	{ header journal; echo end; } >$journal
	{ header verified; echo "rename $evil"; } >$journal.verified
	exits "a mark of $evil" 78 m recover "${w[@]}" office
	is "a mark of $evil: the victim is there" "$(<image/victim)" canary
	check "a mark of $evil is given up" \
		m recover "${w[@]}" --force=journal office
	is "a mark of $evil is gone" "$([ -e $journal.verified ] || echo gone)" \
		gone
	is "a mark of $evil: the victim is still there" "$(<image/victim)" \
		canary
done

### Cut off at every byte

# VERB must neither crash nor hang nor fail in a way of its own.
cut_off() {	# FILE STATUSES VERB...
	local file=$1 allowed=$2 i size bad=
	shift 2
	good
	[ "$file" != journal ] || { header journal
		echo "address prefix=10.0.0.1/24"
		echo "added-sysctl key=net.ipv4.ip_forward value=1"
		echo end; } >$journal
	file=$(find image -name "$file" -type f)
	cp "$file" whole
	size=$(stat -c %s whole)
	# Past the header, a few letters a step say as much.
	for ((i = 0; i < size; i += i < 100 ? 3 : 7)); do
		head -c $i whole >"$file"
		timeout 20 "$build/meshapply" "$@" >>all 2>&1
		status=$?
		has "$status" "$allowed" || bad+=" $i:$status"
	done
	is "${file##*/} cut off at any byte: $1" "$bad" ""
	clean "${file##*/} cut off at any byte: $1" all
	rm -f all
}
has() {
	[[ " $2 " == *" $1 "* ]]
}
cut_off files 0 status "${r[@]}" office
cut_off sysctls 0 remove "${w[@]}" --dry-run office
cut_off sample 0 plan "${r[@]}" office.conf
cut_off journal "78 0" recover "${w[@]}" office
good
head -c 1000 /dev/urandom >image/var/lib/meshapply/office/files
check "status with rubbish" m status "${r[@]}" office
tells "status says that it is torn" 'torn or was edited'
good
echo '# by hand' >>image/var/lib/meshapply/office/applied/network.batch
check "status with an edited text" m status "${r[@]}" office
tells "status says that it was edited" 'torn or was edited'

### Links, pipes, devices

mkdir outside
echo "canary of the outside" >outside/file
mkdir outside/folder outside/folder/applied
cp outside/file outside/folder/journal
chmod 600 outside/file
outside() {
	find outside -printf '%p %y %m %U %s %T@ %l\n' -type f -exec cat {} + |
		sort
}
outside >outside.before

put() {	# KIND PATH
	rm -rf "$2"
	case $1 in
	link) ln -s "$scratch/outside/file" "$2" ;;
	folder-link) ln -s "$scratch/outside/folder" "$2" ;;
	upward) ln -s ../../../../../../outside/folder "$2" ;;
	magic) ln -s /proc/self/root "$2" ;;
	loop) ln -s "${2##*/}" "$2" ;;
	dangling) ln -s "$scratch/outside/new" "$2" ;;
	pipe) mkfifo "$2" ;;
	folder) mkdir -p "$2/folder" ;;
	device) mknod "$2" c 1 5 ;;
	terminal) mknod "$2" c 5 0 ;;
	huge) truncate -s 4G "$2" ;;
	zeros) truncate -s 64K "$2" ;;
	closed) echo x >"$2"; chmod 0 "$2" ;;
	esac
}
kinds="link folder-link upward magic loop dangling pipe folder huge zeros closed"
if [ "$CLI_INSIDE" = root ]; then
	kinds+=" device terminal"
else
	skip "devices in the state folder" "it takes root to make them"
fi
s=var/lib/meshapply
for place in run/meshapply run/meshapply/office run/meshapply/office/lock \
	run/meshapply/office/journal run/meshapply/office/journal.verified \
	run/meshapply/office/sample $s $s/sysctls $s/office $s/office/files \
	$s/office/applied $s/office/applied/wireguard.conf \
	$s/office/applied/firewall.nft; do
	bad=
	for kind in $kinds; do
		good
		put "$kind" "image/$place"
		owned
		for verb in "status ${r[*]} office" \
			"plan ${r[*]} --mesh=office office.conf" \
			"remove ${w[*]} office"; do
			read -ra words <<<"$verb"
			timeout 20 "$build/meshapply" "${words[@]}" >one 2>&1
			status=$?
			cat one >>all
			has $status "0 1 65 77 78" ||
				bad+=" $kind:${words[0]}:$status"
			[ $status -eq 0 ] || [ -s one ] ||
				bad+=" $kind:${words[0]}:silent"
		done
	done
	is "$place may be anything" "$bad" ""
	clean "$place may be anything" all
	is "$place: nothing of the outside is shown" "$(grep -c canary all)" 0
	rm -f all
done
outside >outside.after
is "nothing outside was touched" "$(diff outside.before outside.after)" ""

# What is opened, and where it leads.
if strace -o trace true 2>/dev/null; then
	good
	for place in run/meshapply/office/lock run/meshapply/office/journal \
		run/meshapply/office/sample $s/sysctls $s/office/files; do
		put link "image/$place"
	done
	put folder-link image/$s/office/applied
	owned
	: >trace
	for verb in "status ${r[*]} office" "recover ${w[*]} office" \
		"plan ${r[*]} --mesh=office office.conf" \
		"remove ${w[*]} office"; do
		read -ra words <<<"$verb"
		ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -f -y \
			-e trace=open,openat,openat2,creat,unlinkat,renameat,fchown \
			-o trace.one "$build/meshapply" "${words[@]}" \
			>/dev/null 2>&1
		cat trace.one >>trace
	done
	is "the folder is looked into" \
		"$(grep -q "$scratch/image" trace && echo yes)" yes
	is "no link out of it is followed" \
		"$(grep -F "<$scratch/outside" trace)" ""
else
	skip "no link is followed, by what is opened" "strace cannot be used here"
fi

# Root makes what is missing as the folder's owner has it.
if [ "$CLI_INSIDE" = root ]; then
	rm -rf image
	mkdir -p image/run/meshapply image/$s
	chown 65534:65534 image/run/meshapply image/$s
	# While it waits for another run, all that it makes is there.
	mkdir image/run/meshapply/office
	chown 65534:65534 image/run/meshapply/office
	: >image/run/meshapply/office/lock
	exec 9<image/run/meshapply/office/lock
	flock 9
	exits "a run beside another" 75 m "${w[@]}" --mesh=office office.conf
	exec 9<&-
	is "what root's run makes is there" \
		"$([ -d image/$s/office/applied ] && echo yes)" yes
	is "what root's run leaves belongs to the folder's owner" \
		"$(find image/run/meshapply image/$s ! -uid 65534)" ""
	rm -rf image
	mkdir -p image/run/meshapply image/$s
	chmod 700 image/run/meshapply image/$s
	chmod 644 office.conf
	for verb in status remove recover; do
		exits "folders of another's: $verb" 77 setpriv --reuid 65534 \
			--regid 65534 --clear-groups "$build/meshapply" $verb \
			"${w[@]:0:$([ $verb = status ] && echo 1 || echo 2)}" \
			office
	done
else
	skip "what root's run leaves" "it takes root"
fi
done_testing
