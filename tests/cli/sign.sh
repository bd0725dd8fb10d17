#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# meshapply sign and verify, beside what minisign makes of the same.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

vectors=$(cd "$cli_here/../.." && pwd)/tests/golden/trust
# Of Git files are as anybody can read them.
cp "$vectors"/*.{key,pub,json} .
chmod 600 ./*.key
for key in a b c; do
	line=$(tail -n 1 $key.key)
	printf '%s\n' "${line:88:18}" "${line:106:18}"
done >>"$cli_secrets"
echo 'correct horse' >password
cat password >>"$cli_secrets"
said='mesh=office serial=7 expires=2100-01-01T00:00:00Z'

id_of() {	# FILE.pub
	sed -n 's/.*minisign public key //p' "$1"
}

# stock ARGUMENT...: minisign, which asks for nothing.
stock() {
	minisign "$@" </dev/null
}

# block N FILE: the Nth signature of a file alone.
block() {
	sed -n "$(($1 * 4 - 3)),$(($1 * 4))p" "$2"
}

# edit SED NEW: office.json as another document.
edit() {
	sed "$1" office.json >"$2"
}

### What the one makes, the other takes

check "sign" m sign --secret-key=a.key office.json
says "it says by whom" "^office: signed: serial 7, until 2100-.*$(id_of a.pub)\$"
is "it is what minisign makes, but for what is not signed" \
	"$(tail -n 3 office.json.minisig)" "$(tail -n 3 "$vectors/a.minisig")"
is "anybody can read it" "$(stat -c %a office.json.minisig)" 644
check "minisign takes it" stock -V -p a.pub -m office.json
says "minisign sees the comment" "Trusted comment: $said\$"
fails "minisign does not for another key" stock -V -p b.pub -m office.json
check "verify takes it" m verify --public-key=a.pub office.json
says "it says what it is" "^office: verified: serial 7, until 2100-"
check "the key itself does as well" \
	m verify --public-key="$(tail -n 1 a.pub)" office.json
check "sign anew" m sign --secret-key=a.key office.json
is "the same is made of the same" \
	"$(tail -n 3 office.json.minisig)" "$(tail -n 3 "$vectors/a.minisig")"

for kind in '' -l; do
	stock -S $kind -s b.key -m office.json -x theirs -t "$said" >theirs.out
	check "verify takes what minisign signs ${kind:-with a hash}" \
		m verify --public-key=b.pub office.json theirs
done
check "a document and its signature on standard input" \
	m verify --public-key=b.pub - theirs <office.json
stock -S -s b.key -m office.json -x plain >theirs.out
exits "but for minisign's own comment" 76 \
	m verify --public-key=b.pub office.json plain
tells "which does not say what it is for" 'not say mesh=: meshapply sign'

### Secret keys

rm office.json.minisig
check "a key with a password" \
	m sign --secret-key=sealed.key --password-file=password office.json
check "minisign takes that" stock -V -p sealed.pub -m office.json
exits "a wrong password" 78 m sign --secret-key=cheap.key \
	--password-file=<(echo 'incorrect horse') office.json
tells "is said to be wrong" 'cheap.key: the password is not the one'
check "a password from a pipe, without an end of line" m sign \
	--secret-key=cheap.key --password-file=<(printf 'correct horse') \
	office.json
check "a password on the first of several lines" m sign \
	--secret-key=cheap.key --password-file=<(cat password; echo more) \
	office.json
exits "an empty file for a password" 78 m sign --secret-key=cheap.key \
	--password-file=<(:) office.json
exits "no terminal to ask at" 64 setsid -w "$build/meshapply" sign \
	--secret-key=cheap.key office.json </dev/null
tells "the way without one is named" 'give --password-file'

# At a terminal of its own.
terminal() {
	script -qec "'$build/meshapply' sign --secret-key=cheap.key \
		office.json" shown
}
exits "asked for at a terminal" 0 terminal < <(sleep 1; cat password)
says "it is asked for" 'Password of cheap.key: '
says "and taken" 'office: signed'

exits "an interrupt ends it" 130 terminal < <(sleep 1; printf '\003'; sleep 1)

cp a.key open.key
chmod 640 open.key
exits "a key that others can read" 78 m sign --secret-key=open.key office.json
tells "what mends it" 'chmod go= .*open.key'
chmod 644 password
exits "a password that others can read" 78 m sign --secret-key=cheap.key \
	--password-file=password office.json
tells "what mends that" 'chmod go= .*password'
check "a key from a pipe" m sign --secret-key=<(cat a.key) office.json
exits "no key there" 66 m sign --secret-key=none.key office.json
exits "a public key in its place" 78 m sign --secret-key=a.pub office.json
HOME=$scratch/home exits "no key at home" 66 m sign office.json
tells "where it is looked for" 'home/.minisign/minisign.key'
mkdir -p home/.minisign
cp a.key home/.minisign/minisign.key
HOME=$scratch/home check "minisign's own place" m sign office.json
MINISIGN_CONFIG_DIR=$scratch/nowhere exits "minisign's own variable" 66 \
	m sign office.json
is "no key is told in the arguments of any process" \
	"$(strace -f -e trace=execve "$build/meshapply" sign \
		--secret-key=<(cat a.key) office.json 2>&1 |
		grep -cF -f "$cli_secrets")" 0

### What is not signed

rm office.json.minisig
edit '/"serial"/d' bare.json
exits "a document without a serial" 65 m sign --secret-key=a.key bare.json
tells "what is missing" 'bare.json:1:1: error: the document has no serial'
edit 's/"serial": 7/"serial": 0/' bare.json
exits "with none but 0" 65 m sign --secret-key=a.key bare.json
tells "where it stands" 'bare.json:4:13: error'
edit 's/2100-/2020-/' old.json
exits "one that has expired" 65 m sign --secret-key=a.key old.json
tells "it is told" 'old.json:5:14: error: the document has expired'
edit 's,10.250.0.2,10.251.0.2,' wrong.json
exits "one that is not valid" 65 m sign --secret-key=a.key wrong.json
tells "what is wrong" 'wrong.json:11:27: error'
edit 's/"nodes"/"tests": [ { "from": "ir", "to": "10.250.0.2", "expect": "unreachable" } ], "nodes"/' test.json
exits "one whose tests fail" 65 m sign --secret-key=a.key test.json
tells "it is such a one" 'test.json:[0-9]+:[0-9]+: error: .*reach'
exits "standard input" 64 m sign --secret-key=a.key - <office.json
exits "none at all" 66 m sign --secret-key=a.key none.json
is "nothing is left beside them" "$(ls ./*.json.minisig 2>/dev/null)" ""
mkdir office.json.minisig
exits "a folder where the signature should be" 78 \
	m sign --secret-key=a.key office.json
rmdir office.json.minisig

### Several signatures

exits "none to add to" 66 m sign --add --secret-key=a.key office.json
check "the first" m sign --secret-key=a.key office.json
exits "the same once more" 1 m sign --add --secret-key=a.key office.json
tells "who it was" "the key $(id_of a.pub) has signed it already"
check "the second" m sign --add --secret-key=b.key office.json
says "both are told" "signed by $(id_of a.pub), $(id_of b.pub)\$"
check "minisign takes the first" stock -V -p a.pub -m office.json
block 2 office.json.minisig >second
check "and the second, cut out" stock -V -p b.pub -m office.json -x second
cat second "$vectors/a.minisig" >theirs
check "minisign's, put behind one of ours" m verify --threshold=2 \
	--public-key=a.pub --public-key=b.pub office.json theirs
check "two of two" m verify --threshold=2 --public-key=a.pub \
	--public-key=b.pub office.json
check "two of three" m verify --threshold=2 --public-key=c.pub \
	--public-key=a.pub --public-key=b.pub office.json
exits "one of two" 76 m verify --threshold=2 --public-key=a.pub \
	--public-key=c.pub office.json
tells "how many it is short of" '1 of 2 trusted keys signed it, 2 have to'
exits "two of one" 78 m verify --threshold=2 --public-key=a.pub office.json
exits "one key for two" 78 m verify --threshold=2 --public-key=a.pub \
	--public-key=a.pub office.json
edit 's/"serial": 7/"serial": 8/' next.json
cp office.json.minisig next.json.minisig
exits "to a signature of an older document" 76 \
	m sign --add --secret-key=c.key next.json
tells "what to do" 'sign without --add first'
is "it stays as it was" "$(cmp next.json.minisig office.json.minisig)" ""
echo rubbish >next.json.minisig
exits "to rubbish" 76 m sign --add --secret-key=c.key next.json

### What is not believed

v() {
	m verify --public-key=a.pub "$@"
}

cp "$vectors/a.minisig" office.json.minisig
check "as it is" v office.json
edit 's/51820/51821/' bit.json
exits "a document that was changed" 76 v bit.json office.json.minisig
tells "it is told" 'bit.json: the signature .* not one of this document'
for n in 0 1 53 54 100 154 200 250 290; do
	head -c $n office.json.minisig >short
	exits "a signature cut off after $n bytes" 76 v office.json short
done
sed 's/serial=7/serial=8/' office.json.minisig >changed
exits "a trusted comment that was changed" 76 v office.json changed
tells "that too" 'the trusted comment of the signature .* was changed'
sed 's/^untrusted.*/untrusted comment: x/' office.json.minisig >changed
check "the other comment is nobody's" v office.json changed
(cat office.json.minisig; echo) >changed
exits "a line more" 76 v office.json changed
exits "the document in its place" 76 v office.json office.json
exits "a key that is not trusted" 76 m verify --public-key=c.pub office.json
tells "which it is" "$(id_of a.pub), which is not trusted.*$(id_of c.pub)"
exits "another mesh" 76 v --mesh=branch office.json
tells "which it is for" 'signed for the mesh office, and this is branch'
check "this mesh" v --mesh=office office.json
cp office.json unsigned.json
exits "no signature" 76 v unsigned.json
tells "where it should be" 'no signature of it, in unsigned.json.minisig'
exits "one that was named" 66 v office.json nowhere.minisig
exits "no document" 66 v nowhere.json office.json.minisig
exits "standard input, which has none" 64 v - <office.json
exits "a key that is none" 78 m verify --public-key=office.json office.json
exits "a key that is not there" 66 m verify --public-key=none.pub office.json
dd if=/dev/zero of=large bs=1024 count=257 2>dd.err
exits "a signature without an end" 65 v office.json large

other() {	# COMMENT: what office.json is signed with
	stock -S -s a.key -m office.json -x other -t "$1" >other.out
}
other 'mesh=office serial=7 expires=2020-01-01T00:00:00Z'
exits "a signature that has expired" 76 v office.json other
tells "when it has" 'has expired on 2020-01-01T00:00:00Z'
other 'mesh=office serial=8'
exits "another serial than the document's" 76 v office.json other
tells "which they are" 'its serial is 7, and it was signed for 8'
other 'mesh=branch serial=7'
exits "another mesh than the document's" 76 v office.json other
tells "whose it is" 'is of the mesh office, and was signed for another one'
other 'mesh=office serial=7 mesh=office'
exits "a comment that says a thing twice" 76 v office.json other
other 'mesh=office serial=x'
exits "a comment with a serial that is none" 76 v office.json other
other 'serial=7	note=x mesh=office'
check "words in any order, and others" v office.json other
stock -S -s a.key -m wrong.json -t "$said" >other.out
exits "what is signed, and yet not valid" 65 v wrong.json
edit 's/2100-01-01/2020-01-01/' past.json
stock -S -s a.key -m past.json -t 'mesh=office serial=7' >other.out
exits "a document that says it has expired" 76 v past.json
stock -S -s a.key -m bare.json -t 'mesh=office serial=7' >other.out
exits "a document without a serial" 76 v bare.json

### The keys of the host, and what it has accepted

r() {
	m verify --root="$scratch/root" "$@"
}

exits "no keys" 78 r office.json
tells "where they go" 'root/etc/meshapply/trusted.d, or give --public-key'
mkdir -p root/etc/meshapply/trusted.d
exits "none in the folder" 78 r office.json
cp a.pub c.pub root/etc/meshapply/trusted.d
chmod 755 root/etc/meshapply/trusted.d
chmod 644 root/etc/meshapply/trusted.d/*
check "a trusted key" r office.json
exits "two of them" 76 r --threshold=2 office.json
chmod g+w root/etc/meshapply/trusted.d/c.pub
exits "one that others can write" 78 r office.json
tells "what mends that" 'chmod go-w .*c.pub'
chmod g-w root/etc/meshapply/trusted.d/c.pub

kept=root/var/lib/meshapply/office
mkdir -p $kept
digest() {
	b2sum -l 256 "$1" | cut -d' ' -f1
}
record() {	# SERIAL DOCUMENT
	header trust
	echo "accepted serial=$1 digest=$(digest "$2")"
}
record 7 office.json >$kept/trust
check "the one that was accepted" r office.json
record 8 office.json >$kept/trust
exits "an older one" 76 r office.json
tells "which is known" 'its serial is 7, and 8 was accepted before'
record 6 bit.json >$kept/trust
check "a newer one" r office.json
record 7 bit.json >$kept/trust
exits "another one of the same serial" 76 r office.json
tells "is called by its name" 'equivocation'
check "by given keys only the signature counts" v office.json

# That one has named b in the place of a, the host's own.
rm root/etc/meshapply/trusted.d/c.pub
{
	record 6 bit.json
	echo "named threshold=1 anchors=$({
		printf '\1\0\0\0'
		tail -n 1 a.pub | base64 -d | tail -c 40
	} | b2sum -l 256 | cut -d' ' -f1)"
	echo "key public-key=$(tail -n 1 b.pub)"
} >$kept/trust
exits "a key that an accepted document has replaced" 76 r office.json
tells "by which" "not trusted here; trusted is $(id_of b.pub)\$"
check "the one that it has named" r office.json "$vectors/b.minisig"
sed -i "s/digest=[0-9a-f]*/digest=$(digest office.json)/; s/serial=6/serial=7/" \
	$kept/trust
check "the document itself, once it was accepted" r office.json
says "for what it is" '^office: verified: serial 7.*, as accepted before$'
cp c.pub root/etc/meshapply/trusted.d
check "other keys of the host take that back" r office.json
says "so it is looked at anew" "signed by $(id_of a.pub)\$"
echo rubbish >>$kept/trust
exits "a record that is none" 78 r office.json
tells "where it is" 'meshapply/office/trust, line 5'
rm $kept/trust

### Without any rights

if [ "$CLI_INSIDE" = root ] &&
	setpriv --reuid 65534 "$build/meshapply" version >/dev/null 2>&1; then
	nobody() {
		timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$build/meshapply" "$@"
	}

	mkdir -m 755 theirs.d
	cp a.key office.json theirs.d
	chmod 644 theirs.d/office.json
	chown -R 65534:65534 theirs.d
	cp a.pub theirs.d
	chmod 644 theirs.d/a.pub
	check "nobody signs" nobody sign --secret-key=theirs.d/a.key \
		theirs.d/office.json
	check "nobody verifies" nobody verify --public-key=theirs.d/a.pub \
		theirs.d/office.json
	exits "nobody reads another one's key" 77 nobody sign \
		--secret-key=b.key theirs.d/office.json
	exits "nobody writes into another one's folder" 77 nobody sign \
		--secret-key=theirs.d/a.key office.json
else
	skip "nobody signs" "no other user can be taken, or he sees no $build"
fi

### For machines

exits "JSON" 0 v --json office.json
is "is an object" "$(jq -r '.verb, .result, .mesh, .serial, .expires,
	.signed_by[], .exit' "$out" | tr '\n' ' ')" \
	"verify verified office 7 2100-01-01T00:00:00Z $(id_of a.pub) 0 "
exits "JSON of a refusal" 76 v --json bit.json office.json.minisig
is "is one too" "$(jq -r '.result, .serial, .exit, (.error.message |
	test("not one of this document"))' "$out" | tr '\n' ' ')" \
	"refused null 76 true "
exits "a stream" 0 v --jsonl office.json
is "has its two lines" "$(jq -r .type "$out" | tr '\n' ' ')" "version result "
exits "JSON of what is not valid" 65 m sign --json --secret-key=a.key bare.json
is "has its diagnostics" "$(jq -r '.diagnostics | length' "$out")" 1
exits "quietly" 0 v --quiet office.json
is "nothing is said" "$(cat "$out" "$err")" ""

exits "sign wants a document" 64 m sign
exits "verify wants one" 64 m verify
exits "a threshold of none" 64 v --threshold=0 office.json
exits "a threshold that is no number" 64 v --threshold=all office.json
mapfile -t many < <(printf -- '--public-key=a.pub\n%.0s' {1..17})
exits "more keys than there is place for" 64 m verify "${many[@]}" office.json
exits "a mesh's name that is none" 64 v --mesh=a/b office.json
done_testing
