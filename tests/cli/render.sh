#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# render: what is printed, what is written, and what is left alone.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

examples=$cli_here/../../examples
office=$examples/office.json
files=$'firewall.nft\nnetwork.batch\nwireguard.conf'
r=(--root="$scratch/image")
mkdir image

### Printed

check "one node" m render --node=tr "$office"
for file in wireguard.conf network.batch firewall.nft; do
	says "$file is named" "^# $file\$"
done
says "wireguard.conf is there" '^Address = 10.250.0.2/24$'
says "network.batch is" '^route replace 192.168.10.0/24 dev wg-office proto 77$'
says "firewall.nft is" '^table inet meshapply_office [{]$'
is "nothing is said besides" "$(<"$err")" ""
cp "$out" once
m render --node=tr "$office" >twice
is "twice is the same" "$(cmp once twice 2>&1)" ""
check "every node" m render --all-nodes "$office"
is "each file of each is named" \
	"$(grep -E '^# (ir|tr|uae)/[a-z.]+$' "$out" | wc -l)" 9
check "from standard input" m render --node=tr - <"$office"
check "the values" m render --values --node=tr "$office"
is "are JSON" "$(jq -r '.mesh, .node' "$out")" $'office\ntr'
check "the values of every node" m render --values --all-nodes "$office"
is "are one object, by name" "$(jq -sr '.[] | to_entries[] |
	"\(.key)=\(.value.node)"' "$out" | xargs)" "ir=ir tr=tr uae=uae"
jq --indent 2 . "$out" >whole
is "indented as one" "$(cmp "$out" whole 2>&1)" ""
cp "$out" whole
m render --values --node=uae "$office" >twice
is "each is that of the node" "$(jq -S .uae whole | diff - <(jq -S . twice))" ""
jq '.nodes |= (to_entries | reverse | from_entries)' "$office" >turned.json
m render --values --all-nodes turned.json >twice
is "in whatever order they stand" "$(cmp whole twice 2>&1)" ""
exits "66: no key and no node" 66 m render "${r[@]}" "$office"
tells "66: the way out" 'by its key, or by --node NAME'
exits "64: a node that is none" 64 m render --node=it "$office"
tells "64: the nearest" 'did you mean ir'
exits "64: --node and --all-nodes" 64 m render --node=tr --all-nodes "$office"
exits "64: --values and --output" 64 m render --values -o out "$office"
exits "64: an empty output" 64 m render --node=tr --output= "$office"
exits "64: --json is not taken" 64 m render --node=tr --json "$office"
exits "1: a full device" 1 bash -c '"$1" render --node=tr "$2" >/dev/full' - \
	"$build/meshapply" "$office"

### Written

# Everything about the files of a folder but the time they were looked at.
files_of() {
	find "$1" -printf '%P %y %m %i %s %T@\n' | sort
}
umask 022
check "into a folder that is not there" \
	m render --node=tr -o new/er/out "$office"
says "it is told" '^office: 3 files written in new/er/out$'
is "it holds the three" "$(ls -A new/er/out)" "$files"
is "the umask counts" "$(stat -c %a new/er/out new/er/out/* | sort -u)" \
	$'644\n755'
for file in $files; do
	m render --node=tr "$office" >printed
	is "$file is what is printed" "$(sed -n "/^# ${file}\$/,/^# [a-z]*[.][a-z]*\$/p" \
		printed | sed '/^# [a-z]*[.][a-z]*$/d')" \
		"$(cat new/er/out/$file)"
done
check "the folder is a source" m validate ./new/er/out
says "with the mesh's name" '^office: valid$'
files_of new/er/out >before
check "a second time" m render --node=tr --output=new/er/out "$office"
says "says that there is nothing to do" \
	'^office: nothing to do, new/er/out is as rendered$'
is "it writes nothing" "$(files_of new/er/out | diff before -)" ""
echo foreign >new/er/out/README
echo '# by hand' >>new/er/out/network.batch
files_of new/er/out | grep -v network.batch >before
check "one file that differs" m render --node=tr -o new/er/out/ "$office"
says "is written" '^office: 1 file written in '
is "alone" "$(files_of new/er/out | grep -vE '^ |network.batch' |
	diff <(grep -v '^ ' before) -)" ""
is "as it was" "$(grep -c 'by hand' new/er/out/network.batch)" 0
sed 's/"overlay"/"firewall": false, &/' "$office" >bare.json
check "a node without a firewall" m render --node=tr -o new/er/out bare.json
is "has no file of one" "$(ls -A new/er/out)" \
	$'README\nnetwork.batch\nwireguard.conf'
is "what is foreign stays" "$(<new/er/out/README)" foreign
check "quietly" m render -q --node=tr -o new/er/out "$office"
is "nothing is printed" "$(<"$out")" ""
check "every node into folders" m render --all-nodes -o all "$office"
says "every file is counted" '^office: 9 files written in all$'
is "a folder each" "$(ls -A all)" $'ir\ntr\nuae'
is "with what that node alone would have" \
	"$(diff -r --exclude=README all/tr new/er/out)" ""
for node in ir tr uae; do
	check "$node is a source" m validate ./all/$node
done
files_of all >before
check "every node again" m render --all-nodes -o all "$office"
is "nothing is written" "$(files_of all | diff before -)" ""
check "a path that ends in slashes" m render --node=tr -o deep/down// "$office"
says "it is told as it was given" '3 files written in deep/down//$'
is "is made" "$(ls -A deep/down)" "$files"
check "every node, too" m render --all-nodes -o deep/all/ "$office"
is "a folder each there" "$(ls -A deep/all)" $'ir\ntr\nuae'
check "a path that goes back" m render --node=tr -o back/a//../b "$office"
is "is made as mkdir makes it" "$(ls -A back)" $'a\nb'
ln -s all/tr link
check "through a link of the user's" m render --node=tr -o link "$office"
says "which leads to what is there" 'nothing to do'

# Refused: what is there stays as it is.
check "before" m render --node=tr -o kept "$office"
files_of kept >before
kept() {
	is "$1: the folder is as it was" "$(files_of kept | diff before -)" ""
}
sed 's/10.250.0.2/10.9.0.2/' "$office" >wrong.json
exits "65: a document that is wrong" 65 m render --node=tr -o kept wrong.json
kept "65"
exits "65: into a folder that is not there" 65 \
	m render --all-nodes -o none wrong.json
fails "65: it is not made" test -e none
mkdir templates
echo 'route replace 10.0.0.0/33 dev {{interface}} proto 77' \
	>templates/network.batch
exits "78: templates that render rubbish" 78 \
	m render --templates=templates --node=tr -o kept "$office"
tells "78: the place in the rendered text" \
	'^network.batch \(rendered from .*office.json for tr\):1:15: error: '
kept "78: templates"
exits "78: for every node" 78 \
	m render --templates=templates --all-nodes -o none "$office"
fails "78: no folder is made for it" test -e none
printf '[Interface]\n' >templates/wirguard.conf
rm templates/network.batch
check "a template of a name that nothing asks for" \
	m render --templates=templates --node=tr "$office"
tells "is a warning" 'warning: .*wireguard.conf|warning: .*wirguard.conf'
exits "66: templates that are not there" 66 \
	m render --templates=nosuch --node=tr "$office"
: >file
fails "into a file" m render --node=tr -o file "$office"
fails "beneath a file" m render --node=tr -o file/out "$office"
fails "beneath a name that is too long" \
	m render --node=tr -o "long/er/$(printf '%0300d' 0)/x" "$office"
fails "what was made on the way to it is taken back" test -e long
mkdir odd odd/network.batch
exits "78: a folder where a file is to be" 78 \
	m render --node=tr -o odd "$office"
is "78: nothing is written beside it" "$(ls -A odd)" network.batch
ln -s /etc/passwd odd/firewall.nft
rmdir odd/network.batch
exits "78: a link where a file is to be" 78 \
	m render --node=tr -o odd "$office"
is "78: it is left alone" "$(readlink odd/firewall.nft)" /etc/passwd
if [ "$CLI_INSIDE" = root ] &&
	setpriv --reuid 65534 "$build/meshapply" version >/dev/null 2>&1; then
	sed 's/10.250.0.1"/10.250.0.9"/' "$office" >open.json
	exits "77: into a folder of another's" 77 \
		setpriv --reuid 65534 --clear-groups \
		"$build/meshapply" render --node=tr -o kept open.json
	kept "77"
else
	skip "77: into a folder of another's" \
		"it takes root to become somebody else"
fi

# A disk with room for a file or two, and for none.
mkdir disk
if mount -t tmpfs -o size=40k none disk 2>/dev/null; then
	check "onto a small disk" m render --node=tr -o disk/out "$office"
	files_of disk/out >before
	sed 's/10.250.0.1"/10.250.0.9"/' "$office" >other.json
	# Room for one page: the second file finds none.
	dd if=/dev/zero of=disk/fill bs=1k count=100 2>/dev/null
	truncate -s -4k disk/fill
	exits "1: a full disk" 1 m render --node=tr -o disk/out other.json
	tells "1: is told" 'No space left'
	is "1: the folder is as it was" \
		"$(diff <(grep -v '^ ' before) \
			<(files_of disk/out | grep -v '^ '))" ""
	mkdir disk/was
	for path in disk/all disk/new/er/all/ disk/was/a//b/../all; do
		exits "1: a full disk for every node: $path" 1 \
			m render --all-nodes -o $path other.json
		is "1: no folder is left behind" "$(cd disk && LC_ALL=C
			find . was/. -maxdepth 1 | sort | xargs)" \
			". ./fill ./out ./was was/."
	done
	rm disk/fill
	check "with room it goes" m render --node=tr -o disk/out other.json
	umount disk
else
	skip "a full disk" "nothing can be mounted here"
fi

### Keys in the source are in no text

sed "s|\"overlay\"|\"secrets\": \"inline\", \"links\": [ { \"between\": [ \"ir\", \"tr\" ], \"preshared_key\": \"$psk_a\" } ], &|" \
	"$office" >inline.json
chmod 600 inline.json
check "inline keys" m render --node=tr -o inline inline.json
tells "where each has to be put is told" \
	'the key [^ ]+ stands in inline.json .* /etc/meshapply/keys/[^ ]+'
name=$(sed -n 's/^#@ preshared-key-file //p' inline/wireguard.conf)
tells "it has the name that the text has" "meshapply/keys/${name:?} "
check "of a node that has none" m render --node=uae -o inline inline.json
is "nothing is told" "$(<"$err")" ""
check "of every node" m render --all-nodes inline.json
tells "all are told" "the key $name stands in"

### A wg-quick file, a folder

quick wg0.conf
check "a wg-quick file" m render -o quick wg0.conf
tells "its private key has to be put somewhere" \
	'the key wg0.key stands in wg0.conf .* /etc/meshapply/keys/wg0.key'
is "that of the peer, too" "$(grep -c 'stands in' "$err")" 2
is "the files" "$(ls -A quick)" $'network.batch\nwireguard.conf'
check "they are a source" m validate ./quick
cp -r quick again
check "a folder" m render -o again ./quick
says "is rendered as it is" 'nothing to do, again is as rendered'
exits "64: --node of a wg-quick file" 64 m render --node=tr wg0.conf
exits "64: --all-nodes of a folder" 64 m render --all-nodes ./quick
tells "64: why" 'is no mesh document, and --all-nodes asks'
exits "64: --values of a folder" 64 m render --values ./quick

### Every example

for document in "$examples"/*.json; do
	name=${document##*/}
	check "$name" m render --all-nodes -o "example-$name" "$document"
	bad=
	for node in "example-$name"/*/; do
		m validate "./$node" >/dev/null 2>&1 || bad+=" $node"
	done
	is "$name: each folder is a source" "$bad" ""
done
done_testing
