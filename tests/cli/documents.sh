#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mesh documents as a source: which node this is, the configs of a host, other
# meshes, what validate finds and in which form, and documents meant to harm.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

pub_a=$(wg pubkey <<<"$key_a")
pub_b=$(wg pubkey <<<"$key_b")
r=(--root="$scratch/image")
etc=image/etc/meshapply
mkdir -p $etc/keys
echo "$key_a" >key_a
echo "$key_b" >key_b
# The key of nobody; its public key is a regular expression as it stands.
key_c=8FuMsaGo5dJJdjQ2Rrn0g9p8/nVQVhXdbpLDX9Ppb3A=
until [[ $(wg pubkey <<<"$key_c") != *+* ]]; do key_c=$(wg genkey); done
echo "$key_c" >key_c

# document [MESH]: three sites; ir has key_a, tr has key_b.
document() {
	cat <<-END
	{
	  "meshapply": 1,
	  "mesh": "${1-office}",
	  "overlay": ["10.250.0.0/24"],
	  "nodes": {
	    "ir": {
	      "public_key": "$pub_a",
	      "addresses": ["10.250.0.1"],
	      "endpoint": "198.51.100.10:51820",
	      "subnets": ["192.168.10.0/24"]
	    },
	    "tr": {
	      "public_key": "$pub_b",
	      "addresses": ["10.250.0.2"],
	      "endpoint": "198.51.100.20:51820",
	      "subnets": ["192.168.20.0/24"]
	    },
	    "uae": {
	      "public_key": "$pub_1",
	      "addresses": ["10.250.0.3"],
	      "endpoint": "198.51.100.30:51820",
	      "subnets": ["192.168.30.0/24"]
	    }
	  }
	}
	END
}
document >office.json

# Whatever a run may change: files, and the kernel's state here.
state() {
	find image -type f -exec sha256sum {} + | sort
	ip -o link
	ip route show table all
	ip rule
	nft list ruleset
}
unchanged() {
	state >after
	is "$1: nothing was changed" "$(diff before after)" ""
}

### Which node this is

exits "66: no key" 66 m plan "${r[@]}" office.json
tells "66: the two ways to be found" 'by its key, or by --node NAME'
cp key_a $etc/keys/office.key
state >before
check "by the key of the mesh" m plan "${r[@]}" office.json
says "it is the node with that public key" "peer ${pub_b:0:4}"
check "by the key of the mesh, verbosely" m plan -v "${r[@]}" office.json
tells "the node is named" 'this host is the node ir$'
says "its routes are planned" '[+] route 192.168.20.0/24 dev wg-office proto 77'
check "by --key" m plan "${r[@]}" --key=key_b office.json
says "it is the node of that key" "peer ${pub_a:0:4}"
check "by --key from a pipe, which is read once" \
	bash -c '"$1" plan "$2" --key=<(cat key_b) office.json' - \
	"$build/meshapply" "${r[@]}"
check "by --node and its key" m plan "${r[@]}" --node=ir office.json
exits "78: --node of another key" 78 m plan "${r[@]}" --node=tr office.json
tells "78: both are named" 'node is to be tr, and the private key is that of ir'
exits "78: --node and --key that disagree" 78 \
	m validate "${r[@]}" --node=ir --key=key_b office.json
tells "78: these are named as well" 'to be ir, and the .* key is that of tr'
exits "78: --node and the key of nobody" 78 \
	m plan "${r[@]}" --node=ir --key=key_c office.json
tells "78: its public key is told" \
	"of no node of office.json: .*$(wg pubkey <key_c)"
exits "78: the key of nobody" 78 m plan "${r[@]}" --key=key_c office.json
tells "78: the public key is shown" "public key is $(wg pubkey <key_c)"
tells "78: so are the nodes" 'none of the 3 nodes of office.json .*ir, tr, uae'
exits "64: --node of no node" 64 m plan "${r[@]}" --node=ira office.json
tells "64: the nearest is named" 'called "ira"; did you mean ir; there is ir, tr'
chmod 640 $etc/keys/office.key
exits "78: a key that others can read" 78 m plan "${r[@]}" office.json
chmod 600 $etc/keys/office.key
mkdir credentials
install -m 600 key_b credentials/office.key
check "by systemd's credential" \
	env CREDENTIALS_DIRECTORY="$scratch/credentials" \
	"$build/meshapply" plan "${r[@]}" office.json
says "it goes before the folder" "peer ${pub_a:0:4}"
check "standard input" m plan "${r[@]}" - <office.json
check "a name without an ending" bash -c \
	'cp office.json plain; "$1" plan "$2" ./plain' - "$build/meshapply" \
	"${r[@]}"
check "--mesh that agrees" m plan "${r[@]}" --mesh=office office.json
exits "65: --mesh of another" 65 m plan "${r[@]}" --mesh=lab office.json
tells "65: the place of the name" \
	'^office.json:3:11: error: the mesh is office here, and lab is wanted'
exits "64: --node of a folder" 64 bash -c \
	'mkdir f; cp "$2" f/wireguard.conf; "$1" validate --node=ir ./f' - \
	"$build/meshapply" <(m render "${r[@]}" office.json)
exits "64: --templates for a wg-quick file" 64 bash -c \
	'"$1" validate --templates=. ./wg0.conf' - "$build/meshapply" \
	< <(quick wg0.conf)
unchanged "finding oneself"
if [ "$CLI_INSIDE" = root ] &&
	setpriv --reuid 65534 "$build/meshapply" version >/dev/null 2>&1; then
	nobody() {
		timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$build/meshapply" "$@"
	}
	chmod 644 office.json
	chmod 755 image image/etc $etc
	check "validate takes neither root nor a key" \
		nobody validate "${r[@]}" office.json
	tells "that no node was looked at is said" \
		'no node.s view was checked, which --all-nodes does: .*denied'
	exits "77: plan with a key of another's" 77 \
		nobody plan "${r[@]}" office.json
	exits "77: plan as a node without the right to look" 77 \
		nobody plan "${r[@]}" --node=ir office.json
	check "validate --all-nodes takes neither" \
		nobody validate "${r[@]}" --all-nodes office.json
	is "it says nothing more" "$(<"$err")" ""
else
	skip "77" "it takes root to become somebody else"
fi

### Configs

exits "a mesh without a config" "$bare" m plan "${r[@]}" office
exits "66: --mesh without a config" 66 m plan "${r[@]}" --mesh=office
tells "66: the file is named" 'image/etc/meshapply.*office.conf'
cp office.json $etc/
echo 'source = office.json' >$etc/office.conf
for words in office --mesh=office '--mesh=office office'; do
	read -ra argument <<<"$words"
	check "plan $words" m plan "${r[@]}" "${argument[@]}"
	says "plan $words: it is the document's" '^office: planned'
done
check "validate by --mesh alone" m validate "${r[@]}" --mesh=office
check "render by --mesh alone" m render "${r[@]}" --mesh=office
exits "adopt wants the device" 64 m adopt "${r[@]}" --mesh=office
exits "7: apply by a config" 7 m "${r[@]}" office
exits "66: a mesh without a config, by name" "$bare" m plan "${r[@]}" lab
exits "64: --mesh that is no name" 64 m plan "${r[@]}" --mesh=a/b
exits "64: no source and no mesh" 64 m plan "${r[@]}"
printf 'source = office.json\nkey = other.key\n' >$etc/office.conf
install -m 600 key_b $etc/other.key
check "the config's key" m plan "${r[@]}" office
says "it is the one used" "peer ${pub_a:0:4}"
check "--key goes before it" m plan "${r[@]}" --key=key_a office
says "it is used" "peer ${pub_b:0:4}"
check "it counts for the document by its path as well" \
	m plan "${r[@]}" office.json
says "it is used there" "peer ${pub_a:0:4}"
printf 'source = office.json\nnode = tr\n' >$etc/office.conf
exits "78: the config's node and another's key" 78 m plan "${r[@]}" office
printf 'source = office.json\nnode = trr\n' >$etc/office.conf
exits "78: the config's node that is none" 78 m plan "${r[@]}" office
tells "78: who named it" 'office.conf: no node of .* is called "trr"; did you'
printf 'source = office.json\nnode = ir\n' >$etc/office.conf
check "the config's node" m plan "${r[@]}" office
printf 'source = office.json\ntemplates = t\n' >$etc/office.conf
exits "the config's templates that are not there" 66 m plan "${r[@]}" office
mkdir $etc/t
echo 'route replace 192.0.2.0/24 dev {{interface}} proto 77' \
	>$etc/t/network.batch
check "the config's templates" m plan "${r[@]}" office
says "they are used" '[+] route 192.0.2.0/24 dev wg-office'
check "those by --templates go before them" \
	bash -c 'mkdir own; "$1" plan "$2" --templates=own office' - \
	"$build/meshapply" "${r[@]}"
says "they are used instead" '[+] route 192.168.20.0/24 dev wg-office'
printf 'sorce = office.json\n' >$etc/office.conf
exits "78: a key that no config has" 78 m plan "${r[@]}" office
tells "78: its place" 'office.conf:1:1: error: unknown key "sorce"'
tells "78: what is meant" 'hint: source is meant'
exits "78: it counts for the document by its path as well" 78 \
	m plan "${r[@]}" office.json
echo 'key = other.key' >$etc/office.conf
exits "78: no source" 78 m plan "${r[@]}" office
tells "78: what to write" 'names no source: write source = PATH'
echo 'source = office.json' >$etc/lab.conf
exits "65: the document of another mesh" 65 m plan "${r[@]}" lab
tells "65: the place in the document" \
	'office.json:3:11: error: the mesh is office here, and lab is wanted'
tells "65: and that in the config" 'lab.conf:1:10: note: because this document'
rm $etc/*.conf
quick $etc/wg9.conf
printf 'source = wg9.conf\n' >$etc/site.conf
check "a wg-quick file by a config" m validate "${r[@]}" site
says "its mesh is the config's" '^site: valid$'
rm $etc/*.conf

### Expired

sed 's/"mesh":/"expires": "2001-02-03T04:05:06Z", &/' office.json >old.json
state >before
for verb in plan "apply --force=root" "adopt --force=root wg-office"; do
	read -ra words <<<"$verb"
	exits "76: ${words[0]} of what has expired" 76 \
		m "${words[@]}" "${r[@]}" old.json
	tells "76: when" 'old.json: the document has expired on 2001-02-03T04:05:06Z'
	tells "76: the guard is named" '--force=expired overrules'
	unchanged "76: ${words[0]}"
done
check "--force=expired overrules" m plan "${r[@]}" --force=expired old.json
tells "it is a warning then" '^old.json:3:14: warning: the document has expired'
check "validate warns" m validate "${r[@]}" old.json
tells "with the place" '^old.json:3:14: warning: the document has expired'
check "render warns" m render "${r[@]}" old.json
sed -i 's/2001-/2999-/' old.json
check "what has not expired" m plan "${r[@]}" old.json
is "is no warning" "$(grep -c expired "$err")" 0

### Other meshes of the host

document lab | sed 's/10\.250\./10.251./; s/192\.168\./172.16./' >$etc/lab.json
sed -i 's/10\.250\./10.251./' $etc/lab.json
cp key_a $etc/keys/lab.key
cp office.json $etc/
echo 'source = office.json' >$etc/office.conf
echo 'source = lab.json' >$etc/lab.conf
for verb in "plan office" "plan lab" "validate office.json"; do
	read -ra words <<<"$verb"
	exits "65: $verb beside a mesh on the same port" 65 \
		m "${words[@]}" "${r[@]}"
done
tells "65: the place in this document" '^office.json:[0-9]+:[0-9]+: error: .*51820'
tells "65: the place in the other" 'etc/meshapply/lab.json:[0-9]+:[0-9]+: note: '
sed -i 's/"overlay"/"interface": "wg-office", &/; s/:51820/:51821/' \
	$etc/lab.json
exits "65: beside a mesh on the same device" 65 m plan "${r[@]}" office
tells "65: the device" 'error: .*wg-office'
sed -i 's/"interface": "wg-office", //' $etc/lab.json
check "beside a mesh that is out of the way" m plan "${r[@]}" office
check "nothing is asked of others for --node" \
	m validate "${r[@]}" --node=tr office.json
is "nothing is said of them" "$(<"$err")" ""
rm $etc/keys/lab.key
check "one that we are not known in is no error" m plan "${r[@]}" office
tells "it is a note" 'the mesh lab was not compared with: .*lab.key'
echo '{' >$etc/lab.json
check "one that has errors is none either" m plan "${r[@]}" office
tells "it is a note as well" 'lab was not compared with: .*lab.json has errors'
echo 'rubbish' >$etc/lab.conf
check "nor is a config that has some" m plan "${r[@]}" office
tells "it is told" 'the mesh lab was not compared with: .*lab.conf'
folder $etc/texts
quick $etc/wg8.conf
not_compared() {	# SOURCE WHY
	echo "source = $1" >$etc/lab.conf
	check "a source that is no document: $1" m plan "${r[@]}" office
	tells "it is told: $1" "the mesh lab was not compared with: .*$2"
}
not_compared https://panel.example/lab.json 'lab.json is not fetched$'
not_compared ./texts 'texts is a folder of files$'
not_compared ./wg8.conf 'wg8.conf is a wg-quick file$'
not_compared ../wireguard 'wireguard'
: >$etc/lab.conf
check "no source" m plan "${r[@]}" office
tells "it is told" 'lab was not compared with: .*lab.conf names no source$'
rm -r $etc/texts
rm $etc/*.conf $etc/lab.json

### validate

check "a document" m validate "${r[@]}" office.json
says "it is valid" '^office: valid$'
is "nothing else is said" "$(<"$err")" ""
check "of each node" m validate "${r[@]}" --all-nodes office.json
check "of one node, without its key" m validate --node=uae office.json
exits "64: --node and --all-nodes" 64 m validate --node=ir --all-nodes office.json
document lab | sed 's/10\.250\./10.251./; s/51820/51821/
	s/192\.168\./172.16./; s/10\.250\./10.251./' >lab.json
sed -i 's/"ir"/"here"/' lab.json
cp key_a $etc/keys/lab.key
check "two documents" m validate "${r[@]}" office.json lab.json
is "each is valid" "$(<"$out")" $'office: valid\nlab: valid'
quick wg8.conf
folder f2
check "sources of all kinds" m validate "${r[@]}" lab.json wg8.conf ./f2
is "each of them is valid" "$(<"$out")" $'lab: valid\nwg8: valid\noffice: valid'
sed 's/"overlay"/"interface": "wg-office", &/' lab.json >clash.json
exits "65: two that clash" 65 m validate "${r[@]}" office.json clash.json
tells "65: the one place" '^clash.json:[0-9]+:[0-9]+: (error|note): '
tells "65: the other" '^office.json:[0-9]+:[0-9]+: (error|note): '
sed 's/"10.250.0.2"/"10.9.0.2"/; s/51820/71820/' office.json >wrong.json
exits "65: every error" 65 m validate "${r[@]}" wrong.json none.json port.conf
tells "65: of the one" '^wrong.json:[0-9]+:[0-9]+: error: '
tells "66: a source that is not there is told too" 'none.json: No such file'
errors() {
	grep -aoE '^wrong.json:[0-9]+:[0-9]+: error' "$err"
}
is "65: sorted by place" "$(errors)" "$(errors | sort -t: -k2n)"
sed 's/^}$/, "tests": [\n{ "from": "ir", "to": "192.168.99.1" } ] }/' \
	office.json >tests.json
exits "65: a test of the document that fails" 65 m validate "${r[@]}" tests.json
tells "65: its place" '^tests.json:[0-9]+:[0-9]+: error: .*192.168.99.1'
sed -i 's/192.168.99.1"/&, "expect": "unreachable"/' tests.json
check "a test that holds" m validate "${r[@]}" tests.json

# Templates of the user's own
mkdir bad
echo 'route replace {{nosuch}} dev x' >bad/network.batch
exits "78: a template that names nothing" 78 \
	m validate "${r[@]}" --templates=bad office.json
tells "78: its place in the template" 'bad/network.batch:1:[0-9]+: error: .*nosuch'
echo 'route replace 10.0.0.0/33 dev {{interface}} proto 77' >bad/network.batch
exits "78: a template that renders rubbish" 78 \
	m validate "${r[@]}" --templates=bad --node=tr office.json
tells "78: the place in what it rendered" \
	'^network.batch \(rendered from office.json for tr\):1:15: error: '
tells "78: the rendered line" '1 \| route replace 10.0.0.0/33 dev wg-office'
exits "78: of each node" 78 \
	m validate "${r[@]}" --templates=bad --all-nodes office.json
is "78: each is named" "$(grep -aoE 'for [a-z]+\):1' "$err")" \
	$'for ir):1\nfor tr):1\nfor uae):1'
echo '{{#mesh}}' >bad/network.batch
exits "78: a template that is none" 78 \
	m validate "${r[@]}" --templates=bad office.json
rm bad/network.batch
cat >bad/firewall.nft <<-'END'
	table inet meshapply_{{mesh}} {
		chain mesh_x {
			type filter hook forward priority filter
			tcp dport nosuchport drop
		}
	}
END
exits "78: a firewall that does not compile" 78 \
	m validate "${r[@]}" --templates=bad --all-nodes office.json
tells "78: its place" \
	'^firewall.nft \(rendered from office.json for uae\):4:[0-9]+: error: '

### --format

sed 's/"ir": {/"i%r,:": {/; s/"mesh"/"mash"/' office.json >form.json
sed 's/51820"/71820"/' office.json >'a b,c:%.json'
exits "65: for GitHub" 65 m validate --format=github form.json
says "65: a workflow command" '^::error file=form.json,line=3,col=3::'
is "65: one a line, and nothing else" "$(grep -cvE '^::error file=' "$out")" 0
is "65: no text besides" "$(grep -c 'form.json:3:3' "$err")" 0
exits "65: a name to be escaped" 65 \
	m validate --format=github 'a b,c:%.json'
says "65: it is" '^::error file=a b%2Cc%3A%25.json,line='
printf '{ "meshapply": 1, "\xc3\xbc\xc3\xbc": 1, "mash": "x" }' >wide.json
exits "65: columns" 65 m validate --format=github wide.json
says "65: are characters" 'line=1,col=28::.*mash'
exits "65: columns of text" 65 m validate wide.json
tells "65: are bytes" '^wide.json:1:30: error: .*mash'
check "nothing wrong for GitHub" m validate "${r[@]}" --format=github office.json
is "is nothing to say" "$(<"$out")" ""
exits "66: for GitHub" 66 m validate --format=github none.json
says "66: it is told at the file's start" \
	'^::error file=none.json,line=1::.*none.json: No such file'
exits "65: as SARIF" 65 m validate "${r[@]}" --format=sarif office.json \
	'a b,c:%.json' clash.json
cp "$out" sarif
is "65: of its version" "$(jq -r '.version, .runs[0].tool.driver.name' sarif)" \
	$'2.1.0\nmeshapply'
is "65: a result with its place" \
	"$(jq -c '[.runs[0].results[] | select(.level == "error")
		| .locations[0].physicalLocation.region
		| .startLine > 0 and .startColumn > 0] | all and length > 0' \
		sarif)" true
says "65: a name to be escaped is" '"uri": "a%20b%2Cc%3A%25.json"'
exits "65: two places as SARIF" 65 m validate "${r[@]}" --format=sarif \
	office.json clash.json
is "65: the other is related" \
	"$(jq -r '.runs[0].results[0].relatedLocations[0]
		.physicalLocation.artifactLocation.uri' "$out" |
		grep -cE '^(office|clash).json$')" 1
check "nothing wrong as SARIF" m validate "${r[@]}" --format=sarif office.json
is "has no results" "$(jq -c '.runs[0] | [.results,
	.invocations[0].executionSuccessful]' "$out")" '[[],true]'
exits "66: as SARIF" 66 m validate --format=sarif "$scratch/none.json"
is "66: it is told at its start" "$(jq -r '.runs[0].results[0] | .ruleId,
	.locations[0].physicalLocation.region.startLine, .message.text' "$out" |
	xargs)" "unread 1 open $scratch/none.json: No such file or directory"
exits "65: a whole path as SARIF" 65 m validate --format=sarif \
	"$scratch/form.json"
says "65: is a URI" "\"uri\": \"file://$scratch/form.json\""
exits "64: another format" 64 m validate --format=xml office.json
tells "64: which there are" '--format is text, github or sarif, not xml'
exits "64: --format and --json" 64 m validate --format=github --json office.json

### Keys in the document

secret() {
	sed "s|\"overlay\"|\"secrets\": \"inline\", \"links\": [ { \"between\": [ \"ir\", \"tr\" ], \"preshared_key\": \"$1\" } ], &|" office.json
}
secret "$psk_a" >inline.json
check "an inline key" m plan "${r[@]}" inline.json
says "is used" 'preshared'
is "nobody else can read it" "$(<"$err")" ""
chmod 644 inline.json
check "an inline key that others can read" m validate "${r[@]}" inline.json
tells "is warned of" 'others can read inline.json.* preshared key: chmod go='
chmod 600 inline.json
secret "$key_short" >inline.json
exits "65: one that is none" 65 m validate inline.json
tells "65: it has a place" '^inline.json:4:[0-9]+: error: '
secret "$psk_a" | sed 's/"inline"/"files"/' >inline.json
exits "65: one where the document says there are none" 65 m validate inline.json
sed 's|"overlay"|"links": [ { "between": [ "ir", "tr" ], "preshared_key_file": "ir-tr.psk" } ], &|' \
	office.json >files.json
exits "66: a preshared key that is not there" 66 m plan "${r[@]}" files.json
tells "66: it is named" 'ir-tr.psk'
install -m 600 key_c $etc/keys/ir-tr.psk
check "a preshared key in its file" m plan "${r[@]}" files.json

### Documents meant to harm

state >before
harmful() {	# NAME REGEX
	exits "65: $1" 65 m plan "${r[@]}" harm.json
	tells "65: $1: it is said" "$2"
	exits "65: $1: validate" 65 m validate --all-nodes harm.json
	exits "65: $1: render" 65 m render --all-nodes -o harm harm.json
	[ ! -e harm ] || is "65: $1: nothing was written" there "not there"
}
truncated=
size=$(stat -c %s office.json)
for ((n = 0; n < size - 1; n += 37)); do
	head -c $n office.json >harm.json
	tap_run m validate --all-nodes harm.json
	clean "truncated at $n" "$out" "$err"
	[ "$tap_status" -eq 65 ] && grep -q 'harm.json' "$err" ||
		truncated+=" $n:$tap_status"
done
is "65: truncated anywhere" "$truncated" ""
truncate -s 100M harm.json
harmful "100 MB of nothing" 'harm.json is larger than 16777216'
{ echo '{ "meshapply": 1,'; head -c 100M /dev/zero | tr '\0' ' '; } >harm.json
harmful "100 MB of blanks" 'harm.json is larger than 16777216'
exits "65: 100 MB from standard input" 65 m validate - <harm.json
head -c 100000 /dev/zero | tr '\0' '[' >harm.json
harmful "nesting of 100 000" '^harm.json:1:[0-9]+: error: .*(nest|deep)'
{ printf '{ "nodes": '; head -c 100000 /dev/zero | tr '\0' '['; } >harm.json
harmful "nesting of 100 000 within" '^harm.json:1:[0-9]+: error: .*(nest|deep)'
sed 's/"tr"/"t\xffr"/' office.json >harm.json
harmful "invalid UTF-8" '^harm.json:12:[0-9]+: error: .*UTF-8'
sed 's/"tr"/"t\xc3\xbcr"/' office.json >harm.json
harmful "a name beyond ASCII" '^harm.json:12:5: error: '
sed 's/"tr"/"t\\nr"/' office.json >harm.json
harmful "a newline in a name" '^harm.json:12:5: error: '
sed 's/"tr"/"t\\"r"/' office.json >harm.json
harmful "a quote in a name" '^harm.json:12:5: error: '
sed 's/"tr"/"t\\u0000r"/' office.json >harm.json
harmful "a NUL in a name" '^harm.json:12:[0-9]+: error: '
sed 's/"office"/"office\\n#@ interface lo"/' office.json >harm.json
harmful "a line in the mesh's name" '^harm.json:3:11: error: '
sed 's|"198.51.100.10:51820"|"a;b\\n:51820"|' office.json >harm.json
harmful "a line in an endpoint" '^harm.json:[0-9]+:[0-9]+: error: '
sed 's/"mesh"/"serial": 9007199254740992, &/' office.json >harm.json
harmful "2^53" '^harm.json:3:13: error: .*9007199254740991'
sed 's/"mesh"/"serial": 9007199254740991, &/' office.json >harm.json
check "2^53 - 1" m validate "${r[@]}" harm.json
sed 's/"mesh"/"serial": 1.0, &/' office.json >harm.json
harmful "a fraction" '^harm.json:3:13: error: .*1\.0.*whole number'
sed 's/"mesh"/"serial": 1e400, &/' office.json >harm.json
harmful "1e400" '^harm.json:3:[0-9]+: error: '
sed 's/"mesh"/"mesh": "office", &/' office.json >harm.json
harmful "a key twice" '^harm.json:3:[0-9]+: error: .*mesh'
printf '\0' | cat office.json - >harm.json
harmful "a NUL byte" 'line 26 holds a NUL byte'
: >harm.json
harmful "nothing" 'harm.json is empty'
iconv -t UTF-16 office.json >harm.json
harmful "UTF-16" 'harm.json is UTF-16'
for text in '[]' '"x"' 1 null '{} {}' '// no'; do
	echo "$text" >harm.json
	harmful "$text" '^harm.json:1:[0-9]+: error: '
done
unchanged "documents meant to harm"
done_testing
