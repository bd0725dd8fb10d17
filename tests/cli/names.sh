#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a name on the command line means, and what is said where it means
# nothing.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

r=(--root="$scratch/image")
w=("${r[@]}" --force=root)
etc=image/etc/meshapply
mkdir -p $etc
cat >office.json <<-END
	{ "meshapply": 1, "mesh": "office", "overlay": ["10.250.0.0/24"],
	  "nodes": { "ir": { "public_key": "$pub_1",
	                     "addresses": ["10.250.0.1"] } } }
END
quick wg5.conf

### No such mesh

for verb in status remove recover; do
	line=("$verb" "${w[@]}")
	[ $verb != status ] || line=("$verb" "${r[@]}")
	want=0
	[ $verb != status ] || want=66
	exits "$verb: no mesh at all" $want m "${line[@]}" nosuch
	tells "$verb: it is said" 'nothing of a mesh nosuch; no mesh of meshapply'
	exits "64: $verb of a document" 64 m "${line[@]}" office.json
	tells "64: $verb: the mesh is named" \
		"office.json is a file, .*: meshapply $verb office\$"
	exits "64: $verb of a wg-quick file" 64 m "${line[@]}" wg5.conf
	tells "64: $verb: its mesh is named" "meshapply $verb wg5\$"
done
mkfifo pipe.json
exits "64: a pipe is not waited for" 64 m remove "${w[@]}" pipe.json
tells "64: a pipe: the mesh is named" ": meshapply remove pipe\$"
kept image office
kept image second
for verb in status remove recover; do
	line=("$verb" "${w[@]}")
	want=0
	[ $verb != status ] || line=("$verb" "${r[@]}") want=66
	exits "$verb beside others" $want m "${line[@]}" nosuch
	tells "$verb: the others are named" 'mesh nosuch; there is office, second$'
	exits "64: $verb second.json, which is nowhere" 64 \
		m "${line[@]}" second.json
	tells "64: $verb: the mesh of that name" ": meshapply $verb second\$"
done
exits "66: as JSON" 66 m status "${r[@]}" --json nosuch
is "66: the error is in it" "$(jq -r '.exit, .meshes, .error.message' "$out" |
	tr -d '\n' | head -c 30)" "66[]there is nothing of a mesh"
check "one that something is kept of" m status "${r[@]}" office
check "remove it" m remove "${w[@]}" office
check "remove it again" m remove "${w[@]}" office
says "there is nothing to do" '^office: nothing to do$'
tells "what there is is told" 'nothing of a mesh office; there is second$'
exits "66: status after that" 66 m status "${r[@]}" office
echo 'source = office.json' >$etc/office.conf
check "status of one that has a config" m status "${r[@]}" office
check "remove of one that has a config" m remove "${w[@]}" office
is "says nothing more" "$(<"$err")" ""
rm $etc/office.conf

# A link's alias is all that a mesh's name is taken from.
check "a link of a mesh" ip link set lo alias meshapply:lab
for verb in status remove recover; do
	line=("$verb" "${w[@]}")
	[ $verb != status ] || line=("$verb" "${r[@]}")
	exits "64: $verb of a device of another mesh" 64 m "${line[@]}" lo
	tells "64: $verb: whose it is" \
		"lo is the device of the mesh lab: meshapply $verb lab\$"
done
check "the mesh itself" m status "${r[@]}" lab
ip link set lo alias ''

### Sources

exits "a name without a source" "$bare" m plan "${r[@]}" nosuch
[ "$bare" = 77 ] || {
	tells "both places are named" 'etc/meshapply/nosuch.conf names a source'
	tells "the other as well" '/etc/wireguard/nosuch.conf: No such file'
}
cp office.json document.conf
exits "65: a document by the name of a wg-quick file" 65 \
	m validate ./document.conf
tells "65: it is said" 'holds a mesh document, whose name ends in .json'
cp wg5.conf quick.json
exits "65: a wg-quick file by the name of a document" 65 m validate quick.json
tells "65: that is said" 'holds a wg-quick file, whose name is DEVICE.conf'
sed '1i # a comment' wg5.conf >quick.json
exits "65: also after a comment" 65 m validate quick.json
tells "65: that is said, too" 'holds a wg-quick file'
exits "64: a URL" 64 m validate https://panel.example/office.json
for source in https://panel.example/office.json ftp://x/office.json; do
	echo "source = $source" >$etc/office.conf
	exits "78: a URL in a config: $source" 78 m plan "${r[@]}" office
done
echo 'source = none.json' >$etc/office.conf
exits "66: a config's source that is not there" 66 m plan "${r[@]}" office
tells "66: both files are named" 'office.conf: open .*/none.json: No such file'

### Usage, for machines

for line in "plan --json --nosuch x" "plan --json" "plan --json --node=a --format=sarif x" \
	"validate --json --format=xml x" "--json"; do
	read -ra words <<<"$line"
	exits "64: $line" 64 m "${words[@]}"
	is "64: $line: an object says so" "$(jq -rc '[.exit, (.error.message |
		type)]' "$out")" '[64,"string"]'
done
exits "64: --jsonl" 64 m plan --jsonl
is "64: a stream says so" "$(jq -r .type "$out" | xargs)" "version result"
exits "64: neither" 64 m plan
is "64: nothing is printed" "$(<"$out")" ""
done_testing
