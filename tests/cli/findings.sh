#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What validate tells, and how: of several sources, as a whole, in the forms of
# machines; what is counted; and which of a host's own things may be missing.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

pub_a=$(wg pubkey <<<"$key_a")
pub_b=$(wg pubkey <<<"$key_b")
r=(--root="$scratch/image")
etc=image/etc/meshapply
mkdir -p $etc/keys
echo "$key_a" >key_a
cat >office.json <<-END
	{
	  "meshapply": 1,
	  "mesh": "office",
	  "overlay": ["10.250.0.0/24"],
	  "nodes": {
	    "ir": { "public_key": "$pub_a", "addresses": ["10.250.0.1"],
	            "endpoint": "198.51.100.10" },
	    "tr": { "public_key": "$pub_b", "addresses": ["10.250.0.2"],
	            "endpoint": "198.51.100.20" }
	  }
	}
END
sed 's/"198.51.100.10"/"198.51.100.10:0"/' office.json >port.json
sed 's/"10.250.0.2"/"10.9.0.2"/' office.json >outside.json
iconv -t UTF-16 office.json >utf16.json
: >empty.json
### Several sources

exits "65: each source's error" 65 m validate "${r[@]}" \
	port.json empty.json none.json utf16.json outside.json
for what in '^port.json:7:' '^meshapply: empty.json is empty$' \
	'^meshapply: open none.json: No such' '^meshapply: utf16.json is UTF-16' \
	'^outside.json:8:' '^meshapply: 5 errors; nothing was changed$'; do
	tells "65: it is told: $what" "$what"
done
exits "66: the first that failed decides" 66 \
	m validate "${r[@]}" none.json empty.json
tells "66: the other is told" '^meshapply: empty.json is empty$'
exits "66: with one that is valid" 66 m validate "${r[@]}" office.json none.json
is "66: it is told once" "$(grep -v 'no node.s view' "$err")" \
	'meshapply: open none.json: No such file or directory'
exits "65: for GitHub" 65 m validate "${r[@]}" --format=github \
	port.json empty.json none.json utf16.json
is "65: whole files at their start" \
	"$(grep -o '^::error file=[a-z0-9.]*,line=1::' "$out" | sort)" \
	$'::error file=empty.json,line=1::\n::error file=none.json,line=1::\n::error file=utf16.json,line=1::'
exits "65: as JSON" 65 m validate "${r[@]}" --json port.json empty.json
is "65: each is a diagnostic" "$(jq -c '[.diagnostics[].place.file],
	.error.message' "$out" | xargs)" \
	"[empty.json,port.json] 2 errors; nothing was changed"

### What is counted

mkdir two
cat >two/network.batch <<-'END'
	route replace {{nosuch}} dev x
	route replace {{nosuch}} dev x
END
exits "78: one error in each of the nodes" 78 \
	m validate "${r[@]}" --all-nodes --templates=two office.json
is "78: as many are counted as are shown" \
	"$(grep -c ': error: ' "$err") $(grep -oE '[0-9]+ errors?;' "$err")" \
	"2 2 errors;"
exits "78: render" 78 m render "${r[@]}" --all-nodes --templates=two office.json
is "78: render counts them, too" \
	"$(grep -c ': error: ' "$err") $(grep -oE '[0-9]+ errors?;' "$err")" \
	"2 2 errors;"
exits "78: plan" 78 m plan "${r[@]}" --key=key_a --templates=two office.json
mkdir rubbish
echo 'route replace 10.0.0.0/33 dev x' >rubbish/network.batch
exits "78: plan of what a template rendered" 78 \
	m plan "${r[@]}" --key=key_a --templates=rubbish office.json
exits "78: render of it" 78 \
	m render "${r[@]}" --node=ir --templates=rubbish office.json
cat >rubbish/network.batch <<<'{{nodes}}'
exits "78: a list where a text is wanted" 78 \
	m render "${r[@]}" --node=ir --templates=rubbish office.json

mkdir -p own/partials
echo 'tcp dport 25 drop' >own/partials/forward-local.mustache
check "a rule of one's own" m render "${r[@]}" --node=ir --templates=own \
	office.json
says "stands in line with the others" $'^\t\ttcp dport 25 drop$'

### Places for machines

echo 'route replace 10.0.0.0/33 dev x' >rubbish/network.batch
exits "78: what was rendered, for GitHub" 78 m validate "${r[@]}" \
	--all-nodes --templates=rubbish --format=github office.json
says "78: it is told at the document's start" \
	'^::error file=office.json,line=1::network.batch \(rendered from office.json for ir\):1:15: '
exits "78: as SARIF" 78 m validate "${r[@]}" --all-nodes \
	--templates=rubbish --format=sarif office.json
is "78: the only URI is the document's" "$(jq -r '[.. | .uri? // empty] |
	unique | join(" ")' "$out")" office.json
is "78: the rendered place is in the message" "$(jq -r '.runs[0].results |
	length, .[1].message.text' "$out" | cut -c 1-55 | xargs)" \
	"2 network.batch (rendered from office.json for tr):1:15:"
exits "65: from standard input" 65 m validate --format=sarif - <port.json
is "65: is a notification with its place" "$(jq -r '.runs[0] | (.results |
	length), .invocations[0].toolExecutionNotifications[0].message.text' \
	"$out" | head -c 16 | xargs)" "0 <stdin>:7:25:"
exits "65: from standard input, for GitHub" 65 \
	m validate --format=github - <port.json
says "65: it has its place in the message" '^::error::<stdin>:7:25: '
exits "65: errors and warnings as SARIF" 65 m validate "${r[@]}" \
	--format=sarif port.json empty.json
is "65: every result has a rule that is there" "$(jq -c '.runs[0] |
	(.tool.driver.rules | map(.id)) as $ids | [.results[] |
	.ruleId == $ids[.ruleIndex] and (.locations | length) == 1] |
	all and length > 1' "$out")" true
is "65: and an end, where a word stands" "$(jq -c '[.runs[0].results[] |
	.locations[0].physicalLocation | select(.artifactLocation.uri ==
	"port.json").region | .endLine == .startLine and
	.endColumn - .startColumn == 17] | all and length > 0' "$out")" true

### What of a host's own may be missing

check "no key in its default place" m validate "${r[@]}" office.json
tells "is a note" 'no node.s view was checked'
is "and one in JSON" "$(m validate "${r[@]}" --json office.json 2>/dev/null |
	jq -r '.notes[0]' | grep -c 'view was checked')" 1
is "also when quiet" "$(m validate "${r[@]}" -q --json office.json |
	jq -r '.notes | length')" 1
quick wg0.conf
folder f
for source in office.json ./f; do
	exits "66: --key that is not there: $source" 66 \
		m validate "${r[@]}" --key=nosuch "$source"
	echo nonsense >bad_key
	exits "78: --key that is none: $source" 78 \
		m validate "${r[@]}" --key=bad_key "$source"
done
echo 'source = office.json' >$etc/office.conf
echo 'key = nosuch' >>$etc/office.conf
exits "66: the config's key that is not there" 66 \
	m validate "${r[@]}" office.json
rm $etc/office.conf

### Keys

exits "66: no key" 66 m plan "${r[@]}" office.json
tells "66: how to make one" 'meshapply key gen makes one, .*keys/office.key'
echo "$pub_b" >public
exits "78: a public key for a private one" 78 \
	m plan "${r[@]}" --key=public office.json
tells "78: it is said whose" 'is the public key of tr: .* meshapply key pub'
exits "78: with --node" 78 m plan "${r[@]}" --key=public --node=tr office.json
tells "78: it is said there, too" 'is the public key of tr'
cp key_a $etc/keys/office.key
sed 's|"overlay"|"links": [\n{ "between": ["ir", "tr"],\n"preshared_key_file": "a.psk" }], &|' \
	office.json >psk.json
exits "66: a preshared key that is not there" 66 m plan "${r[@]}" psk.json
tells "66: the place of its link" '^psk.json:6:23: error: .*a.psk'
tells "66: it is counted" '^meshapply: 1 error; nothing was changed'
check "validate does not miss it" m validate "${r[@]}" psk.json
tells "but says so" 'keys were not checked: .*a.psk'
chmod 640 $etc/keys/office.key
exits "78: a key that others can read is no missing one" 78 \
	m validate "${r[@]}" office.json
chmod 600 $etc/keys/office.key
sed '/^PrivateKey/d; /^PresharedKey/d' wg0.conf >open.conf
chmod 644 open.conf wg0.conf
check "a file that others can read" m plan "${r[@]}" --key=key_a ./open.conf
is "is not warned of without a key" "$(grep -c 'others can read' "$err")" 0
check "one with a key" m plan "${r[@]}" ./wg0.conf
tells "is" 'others can read ./wg0.conf, which holds a private key'

### A custom topology

sed 's|"overlay"|"topology": "custom",\n&|' office.json >custom.json
exits "65: custom without links" 65 m validate "${r[@]}" custom.json
tells "65: at the topology" '^custom.json:4:15: error: .*wants at least one'
sed 's|"overlay"|"topology": "custom", "links": [{"between": ["ir", "tr"]}],\n&|
	s|"nodes": {|&\n"alone": { "public_key": "'"$pub_1"'", "addresses": ["10.250.0.9"] },|' \
	office.json >custom.json
check "a node in no link" m validate "${r[@]}" --all-nodes custom.json
tells "is a warning" '^custom.json:7:1: warning: alone is in no link'
done_testing
