#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Documents from where they are published: fetched by meshapply-fetch, which
# holds no right, from servers that are right, wrong, slow and hostile.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

export FETCH_PROGRAM=$build/meshapply-fetch
unset http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY
chmod 755 .
token=Vq3tokentokentoken7
password=hunter2hunter2
query=sigsigsig99
printf '%s\n' "$token" "$password" "$query" >>"$cli_secrets"

# get OPTION... URL...: with few and short tries, unless told otherwise.
get() {
	rm -f document.* signature.*
	timeout 60 "$build/tests/fetch_get" --ca=root.pem --retries=0 \
		--connect=5 --try=8 --budget=12 "$@"
}

servers=()
stop() {
	[ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null
	wait
}
fetch_exit() {
	local status=$?

	stop
	(exit $status)
	tap_exit
}
trap fetch_exit EXIT

# wait_for FILE: until there is something in it.
wait_for() {
	for _ in {1..200}; do
		[ ! -s "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

### Names, certificates, servers

cat >hosts <<'END'
127.0.0.1 localhost good.test other.test wrong.test denied.test
192.0.2.66 far.test
END
# What goes to an address of another host over the loopback is dropped.
ip route add 192.0.2.0/24 dev lo
: >resolv.conf
echo 'hosts: files dns' >nsswitch.conf
chmod 644 hosts resolv.conf nsswitch.conf
for file in hosts resolv.conf nsswitch.conf; do
	if [ -e /etc/$file ] && ! mount --bind \
		"$(realpath "$scratch/$file")" "$(realpath /etc/$file)"; then
		skip "fetching" "/etc/hosts cannot be covered here"
		done_testing
	fi
done

cat >ca.conf <<'END'
[ca]
default_ca = own
[own]
database = ca.db
serial = ca.serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
END
: >ca.db
echo 1000 >ca.serial

# request NAME: a key and a request for a certificate.
request() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>>openssl.log
}

# certificate NAME ISSUER EXTENSION [START END]: NAME.pem
certificate() {
	request "$1" || return
	echo "$3" >"$1.ext"
	openssl ca -batch -notext -config ca.conf -cert "$2.pem" \
		-keyfile "$2.key" -in "$1.csr" -out "$1.pem" \
		-extfile "$1.ext" -startdate "${4-20200101000000Z}" \
		-enddate "${5-20991231235959Z}" 2>>openssl.log
}

make_certificates() {
	local authority='basicConstraints=critical,CA:true'
	local name
	local names='subjectAltName=DNS:good.test,DNS:localhost,IP:127.0.0.1'

	request root &&
	openssl x509 -req -in root.csr -signkey root.key -days 3650 \
		-extfile <(echo "$authority") -out root.pem 2>>openssl.log &&
	certificate middle root "$authority" &&
	certificate good middle "$names" &&
	certificate other middle 'subjectAltName=DNS:other.test' &&
	certificate expired middle "$names" 20200101000000Z 20210101000000Z &&
	certificate early middle "$names" 20900101000000Z &&
	certificate client root 'extendedKeyUsage=clientAuth' &&
	request lone &&
	openssl x509 -req -in lone.csr -signkey lone.key -days 3650 \
		-extfile <(echo "$names") -out lone.pem 2>>openssl.log || return
	for name in good other expired early; do
		cat $name.pem middle.pem >$name.chain
	done
	cp good.pem bare.chain && cp good.key bare.key
	cp lone.pem lone.chain
	openssl x509 -in good.pem -pubkey -noout |
		openssl pkey -pubin -outform der |
		openssl dgst -sha256 -binary | base64 >good.pin
}
check "a chain of certificates is made" make_certificates

# site PORT NAME [LINE]: a server of nginx with that certificate.
site() {
	cat <<-END
	server {
		listen 127.0.0.1:$1 ssl http2;
		server_name _;
		ssl_certificate $scratch/$2.chain;
		ssl_certificate_key $scratch/$2.key;
		${3-}
	}
	END
}
mkdir -m 755 www
umask 022
{
	echo "user root; daemon off; master_process off;"
	echo "pid $scratch/nginx.pid;"
	echo "error_log $scratch/nginx.log; events { }"
	echo "http { access_log $scratch/access.log; root $scratch/www;"
	for part in client_body proxy fastcgi uwsgi scgi; do
		echo "${part}_temp_path $scratch/tmp;"
	done
	echo 'gzip on; gzip_min_length 1; gzip_types *;'
	echo 'server { listen 127.0.0.1:8080; }'
	site 8443 good
	site 8444 expired
	site 8445 early
	site 8446 other
	site 8447 lone
	site 8448 bare
	site 8449 good "ssl_client_certificate $scratch/root.pem;
		ssl_verify_client on;"
	site 8450 good "location = /secret.json {
		if (\$http_authorization != 'Bearer $token') { return 401; } }
		location = /denied.json { deny all; }"
	echo '}'
} >nginx.conf
echo '{"meshapply": 1, "mesh": "office", "serial": 7}' >www/office.json
cp www/office.json www/secret.json
cp www/office.json www/unsigned.json
echo 'untrusted comment: a signature' >www/office.json.minisig
cp www/office.json.minisig www/secret.json.minisig
nginx=$(PATH=$PATH:/usr/sbin command -v nginx)
"$nginx" -e "$scratch/nginx.log" -c "$scratch/nginx.conf" \
	</dev/null >nginx.out 2>&1 &
servers+=($!)
for how in plain secure other; do
	certificate=()
	[ $how != secure ] || certificate=(good.chain good.key)
	[ $how != other ] || certificate=(other.chain other.key)
	python3 "$cli_here/rogue.py" "${certificate[@]}" </dev/null >$how.port \
		2>$how.log &
	servers+=($!)
done
for how in plain secure other; do
	wait_for $how.port
done
wait_for nginx.pid
plain=http://127.0.0.1:$(<plain.port)
secure=https://good.test:$(<secure.port)
secure_port=$(<secure.port)
other_port=$(<other.port)
other=https://other.test:$other_port
site=https://good.test:8443

# got NAME: the last answer's first document is the file that is published.
got() {
	is "$1: the document" "$(cat document.0)" "$(cat www/office.json)"
}
# refused NAME REGEX OPTION... URL: failed so, and nothing came of it.
refused() {
	local name=$1 words=$2
	shift 2
	check "$name" get "$@"
	says "$name: why" "^error $words"
	is "$name: no document" "$(cat document.* signature.* 2>/dev/null)" ""
	is "$name: said so" "$(grep -cE '^(document|signature) none 0' "$out")" 2
}

### What is as it should be

check "a document" get $site/office.json
says "a document: ok" "^result ok status=200 tries=1 url=$site/office.json\$"
says "it is new" '^document new 48 etag=.+ modified=.+ GMT$'
says "its signature too" '^signature new 31 etag=.+ modified=.+ GMT$'
got "a document"
is "the signature" "$(<signature.0)" "$(<www/office.json.minisig)"
etag=$(sed -n 's/^document .* etag=\(.*\) modified.*/\1/p' "$out")
modified=$(sed -n 's/^document .* modified=//p' "$out")
signature_etag=$(sed -n 's/^signature .* etag=\(.*\) modified.*/\1/p' "$out")
check "a document without a signature" get $site/unsigned.json
says "it has none" '^signature none 0 '
says "it is ok all the same" '^result ok status=200 '
check "a query" get "$site/office.json?x=$query"
says "a query: hidden" "url=$site/office.json\\?\\.\\.\\.\$"
is "a query: the signature has it too" "$(tail -n 1 access.log |
	grep -cF "GET /office.json.minisig?x=$query ")" 1
check "an unchanged one" get --etag="$etag" \
	--signature-etag="$signature_etag" $site/office.json
says "unchanged: the document" '^document unchanged 0 '
says "unchanged: the signature" '^signature unchanged 0 '
says "unchanged: its status" '^result ok status=304 tries=1 '
check "by its date" get --modified="$modified" $site/office.json
says "by its date: unchanged" '^document unchanged 0 '
says "by its date: the signature" '^signature new 31 '
touch -d '+1 hour' www/office.json.minisig
check "signed anew" get --etag="$etag" --signature-etag="$signature_etag" \
	$site/office.json
says "signed anew: the document" '^document unchanged 0 '
says "signed anew: the signature" '^signature new 31 '
check "another one than is known" get --etag='"123"' $site/office.json
says "another one: new" '^document new 48 '
check "over http from this machine" get http://localhost:8080/office.json
got "over http"
check "of a large size" bash -c 'head -c 8000000 /dev/zero | tr "\0" " " \
	>www/large.json; : >www/empty.json'
check "what compresses well" get $site/large.json
says "what compresses well: whole" '^document new 8000000 '
check "several sources" get $site/office.json https://good.test:1/x \
	"$plain/good" $site/unsigned.json
is "several: each by itself" "$(sed -n 's/^result \([a-z]*\).*/\1/p' "$out" |
	xargs)" "ok failed ok ok"
is "several: each its own" "$(<document.3)" "$(<www/unsigned.json)"

### Files

check "a file" get "file://$scratch/www/office.json"
got "a file"
says "a file: its signature" '^signature new 31 '
check "without a signature" get "file://$scratch/www/unsigned.json"
says "a file: none" '^signature none 0 '
mkfifo fifo
chmod 644 fifo
refused "a file that is not there" '.*/none.json: No such file' \
	"file://$scratch/none.json"
refused "a pipe" '.*/fifo is no regular file' "file://$scratch/fifo"
refused "a folder" '.*/www is no regular file' "file://$scratch/www"
refused "an empty file" '.*/empty.json is empty' \
	"file://$scratch/www/empty.json"
refused "a large file" '.*' --limit=1000 "file://$scratch/www/large.json"
if [ "$CLI_INSIDE" = root ]; then
	refused "a file that nobody may read" '.*Permission denied' \
		"file://$scratch/good.key"
fi

### Whom to trust

refused "an expired certificate" \
	'the certificate of good.test port 8444 has expired: ' \
	https://good.test:8444/office.json
refused "one of the future" 'the certificate of .* is not valid yet: ' \
	https://good.test:8445/office.json
refused "one of another name" 'the certificate of .* is for another name: ' \
	https://good.test:8446/office.json
refused "a self-signed one" 'the certificate of .* is signed by itself ' \
	https://good.test:8447/office.json
refused "a chain with a gap" \
	'the certificate of .* authority that this machine does not know: ' \
	https://good.test:8448/office.json
check "the self-signed one as the CA" get --ca=lone.pem \
	https://good.test:8447/office.json
got "the self-signed one as the CA"
refused "another CA" 'the certificate of .* is of an authority ' \
	--ca=lone.pem $site/office.json
refused "a CA that is none" 'the CA certificates .* cannot be used: ' \
	--ca=www/office.json $site/office.json
bundle=$(curl-config --ca 2>/dev/null)
: "${bundle:=/etc/ssl/certs/ca-certificates.crt}"
if cp root.pem bundle.pem && chmod 644 bundle.pem && [ -e "$bundle" ] &&
	mount --bind bundle.pem "$(realpath "$bundle")"; then
	check "the CAs of the machine" get --ca=/dev/null $site/office.json
	got "the CAs of the machine"
	refused "they do not count where another is named" \
		'the certificate of .* is of an authority ' --ca=lone.pem \
		$site/office.json
else
	skip "the CAs of the machine" "$bundle is not there to be covered"
fi
check "the pinned key" get --pin="sha256//$(<good.pin)" $site/office.json
got "the pinned key"
refused "another pinned key" \
	'the public key of good.test port 8443 is not the pinned one: ' \
	--pin="sha256//$(head -c 32 /dev/zero | base64)" $site/office.json
refused "no client certificate" '400: ' https://good.test:8449/office.json
check "a client certificate" get --certificate=client.pem --key=client.key \
	https://good.test:8449/office.json
got "a client certificate"
refused "a certificate with another key" \
	'the client certificate or its key ' --certificate=client.pem \
	--key=good.key https://good.test:8449/office.json
openssl pkey -in client.key -aes128 -passout pass:x -out locked.key
refused "an encrypted key" 'the client certificate or its key ' \
	--certificate=client.pem --key=locked.key \
	https://good.test:8449/office.json
refused "no TLS there" '.* do not come to terms on TLS' \
	https://127.0.0.1:8080/office.json
says "no TLS there: once is enough" ' tries=1 '
refused "http to elsewhere" \
	'http://far.test/office.json is not encrypted: ' \
	http://far.test/office.json
check "http to elsewhere, allowed" get --http http://good.test:8080/office.json
got "http to elsewhere, allowed"
refused "http, allowed, and a token" '.* no token, header or password' \
	--http --token=$token http://good.test:8080/office.json
refused "http, allowed, and a password" '.* no token, header or password' \
	--http "http://me:$password@good.test:8080/office.json"
refused "another scheme" 'ftp://good.test/x: neither https, http nor file' \
	ftp://good.test/x
refused "what is no URL" 'the source is no URL' 'https://'

### Credentials

refused "no token" '401: https://good.test:8450/secret.json wants ' \
	https://good.test:8450/secret.json
check "a token" get --token=$token https://good.test:8450/secret.json
got "a token"
refused "what is denied" '403: ' https://good.test:8450/denied.json
check "a header" get --header='X-Node: berlin' "$secure/echo"
is "a header: sent" "$(grep -c '^X-Node: berlin' document.0)" 1
check "a user in the URL" get \
	"https://me:$password@good.test:$secure_port/echo"
is "a user: sent" "$(sed -n 's/^Authorization: Basic \(.*\)\r/\1/p' \
	document.0 | base64 -d)" "me:$password"
says "a user: hidden" "url=$secure/echo\$"
check "to the same host" get --token=$token "$secure/to/$secure/echo"
is "to the same host: sent" "$(grep -c "Bearer $token" document.0)" 1
check "to another host" get --token=$token --header='X-Node: berlin' \
	--host=other.test "$secure/to/$other/echo"
is "to another host: it is there" "$(grep -c 'Host: other.test' document.0)" 1
is "to another host: not sent" "$(grep -ciE "authorization|$token|X-Node" \
	document.0)" 0
check "to another port" get --token=$token \
	"$secure/to/https://good.test:8450/unsigned.json"
refused "to another port: not sent" '401: ' --token=$token \
	"$secure/to/https://good.test:8450/secret.json"
check "what a redirect says of users" get \
	"$secure/to/https://me:$password@good.test:PORT/echo"
is "what a redirect says of users: not sent" \
	"$(grep -ci authorization document.0)" 0

### Redirects

check "a redirect" get "$secure/near/4"
says "a redirect: where it led" "^result ok .* url=$secure/good\$"
refused "too many" ".* redirects more than 5 times" "$secure/far/1"
refused "a circle" 'the redirects of .*/circle/1 lead in a circle' \
	"$secure/circle/1"
refused "to http" ".* redirects to $plain/good: only https is followed" \
	"$secure/to/$plain/good"
refused "to a file" ".* redirects to file://.*: only https is followed" \
	"$secure/to/file:///etc/hosts"
refused "to another host, not allowed" \
	".* redirects to $other/good.*, which is another host: allow it" \
	"$secure/to/$other/good?$query"
refused "to nowhere" '.* redirects \(302\) to what is no URL' "$secure/nowhere"
refused "from http to http" '.*: only https is followed' \
	"$plain/to/$plain/good"
check "from http to https" get --host=good.test "$plain/to/$secure/good"

### What goes wrong

refused "not there" "404: no such document at $site/none.json" \
	$site/none.json
says "not there: its status" '^result failed status=404 tries=1 '
refused "refused" 'good.test port 1 refused the connection: ' \
	https://good.test:1/
refused "an unknown name" 'the name of none.test does not resolve: ' \
	https://none.test/
refused "empty" "$secure/empty is empty" "$secure/empty"
refused "truncated" "$secure/short is truncated: 17 of 100 bytes came" \
	"$secure/short"
refused "closed" ".* closed the connection without an answer" "$plain/close"
refused "no HTTP" '.*' "$plain/garbage"
refused "a gigabyte" ".* is larger than the limit of 16777216 bytes for a doc" \
	"$secure/gigabyte"
refused "without an end" ".* is larger than the limit of 1000 bytes" \
	--limit=1000 "$secure/endless"
refused "a compressed bomb" ".* is larger than the limit of 16777216 bytes" \
	"$secure/bomb"
refused "a refusal of a gigabyte" '404: ' "$plain/refusal"
refused "broken compression" ".* is compressed, and broken" "$secure/broken"
refused "unknown compression" ".* is compressed, and broken" "$secure/twice"
refused "unchanged, not asked" '304: ' "$secure/unasked"
refused "another status" '205: ' "$secure/status/205"
check "headers that cannot be sent back" get "$secure/rude"
says "they are left out" '^document new 17 etag= modified=$'
ln www/large.json www/office2.json.minisig
cp www/office.json www/office2.json
refused "a large signature" '.* larger than the limit of 65536 bytes for a sig' \
	$site/office2.json

### Time

echo 'nameserver 192.0.2.53' >resolv.conf
start=$SECONDS
refused "slow to connect" 'far.test did not answer in time: ' \
	--connect=1 --try=5 https://far.test/
refused "slow to resolve" 'the name of hang.test was not resolved in time: ' \
	--try=2 https://hang.test/
refused "slow to resolve, for the budget" \
	'the name of hang.test was not resolved in time: ' --budget=2 \
	https://hang.test/
refused "slow to answer" '.* was too slow: 0 bytes' --try=2 "$secure/hang"
refused "slow" '.* was too slow: [0-9]+ bytes' --try=2 "$secure/trickle"
is "slow ones took their time and no more" \
	"$([ $((SECONDS - start)) -le 20 ] && echo yes)" yes
: >resolv.conf

check "500 twice, then good" get --retries=3 "$secure/flaky/1"
says "500 twice: three tries" '^result ok status=200 tries=3 '
refused "500 once too often" '500: .* \(tried 2 times\)' --retries=1 \
	"$secure/flaky/2"
refused "503 for ever" '503: .*out of order.* \(tried 3 times\)' --retries=2 \
	"$secure/status/503"
check "a connection that was dropped" get --retries=2 "$secure/dropped/1"
says "dropped: two tries" '^result ok status=200 tries=2 '
start=$SECONDS
check "later, in seconds" get --retries=2 "$secure/later/2"
says "later: two tries" '^result ok status=200 tries=2 '
is "later: not before" "$([ $((SECONDS - start)) -ge 2 ] && echo yes)" yes
start=$SECONDS
check "later, by a date" get --retries=2 "$secure/date/3"
says "later, by a date: two tries" '^result ok status=200 tries=2 '
is "later, by a date: not before" \
	"$([ $((SECONDS - start)) -ge 1 ] && echo yes)" yes
refused "too late" '429: .*; it asks to be tried again in 3600 seconds' \
	--retries=2 "$secure/later/3600"
refused "what fails for good is not repeated" '404: ' --retries=3 \
	$site/none.json
says "one try" ' tries=1 '
refused "nor is distrust" 'the certificate ' --retries=3 \
	https://good.test:8444/office.json
says "distrust: one try" ' tries=1 '
start=$SECONDS
refused "the budget" '.*' --retries=100 --budget=3 "$secure/status/500"
is "the budget is kept" "$([ $((SECONDS - start)) -le 6 ] && echo yes)" yes

### Proxies

proxy=http://me:$password@127.0.0.1:$(<plain.port)
check "a proxy" env https_proxy="$proxy" bash -c '"$@"' - \
	"$build/tests/fetch_get" --ca=root.pem --proxies $site/office.json
is "a proxy: it was asked" "$(grep -c '^CONNECT good.test:8443' proxy.log)" 1
is "a proxy: by its user" "$(grep -c '^Proxy-Authorization: Basic' proxy.log)" 1
check "a token, by a proxy" env https_proxy="$proxy" \
	"$build/tests/fetch_get" --ca=root.pem --proxies --token=$token \
	https://good.test:8450/secret.json
is "a token: not for the proxy" "$(grep -c "$token" proxy.log)" 0
before=$(wc -c <proxy.log)
check "no proxy" env https_proxy="$proxy" no_proxy=good.test \
	"$build/tests/fetch_get" --ca=root.pem --proxies $site/office.json
is "no proxy: it was not asked" "$(wc -c <proxy.log)" "$before"
check "none without being told" env https_proxy="$proxy" \
	"$build/tests/fetch_get" --ca=root.pem $site/office.json
is "none without being told: it was not asked" "$(wc -c <proxy.log)" "$before"
check "a proxy that says no" env https_proxy="$proxy" \
	"$build/tests/fetch_get" --ca=root.pem --retries=0 --proxies \
	https://denied.test/
says "a proxy that says no: why" '^error the proxy does not let .* answered 403'
check "a proxy that is not there" env https_proxy=http://127.0.0.1:1 \
	"$build/tests/fetch_get" --ca=root.pem --retries=0 --proxies \
	$site/office.json
says "a proxy that is not there: why" \
	'^error good.test port 8443 or its proxy refused the connection: '
check "a proxy that is none" env https_proxy="frob://me:$password@127.0.0.1" \
	"$build/tests/fetch_get" --ca=root.pem --retries=0 --proxies \
	$site/office.json
says "a proxy that is none: why" '^error the proxy that is set cannot be used'

### The request

exits "no URL" 78 get
exits "too many URLs" 78 get $site/{1..17}
exits "a blank in a URL" 78 get "$site/a b"
exits "a line break in a token" 78 get --token="$token"$'\nX: y' $site/x
tells "it is said without the token" 'the bearer token has a blank or a line'
exits "a header without a name" 78 get --header='no header' $site/x
exits "a line break in a header" 78 get --header=$'X: y\r\nZ: a' $site/x
exits "a certificate without its key" 78 get --certificate=client.pem $site/x
exits "a pin that is none" 78 get --pin=abc $site/x
exits "no budget" 78 get --budget=0 $site/x
exits "no helper" 69 env FETCH_PROGRAM=/nonexistent "$build/tests/fetch_get" \
	$site/x

### The helper

is "libcurl is in the helper" "$(readelf -d "$build/meshapply-fetch" |
	grep -c 'NEEDED.*libcurl')" 1
is "and not in the main program" "$(readelf -d "$build/meshapply" |
	grep -c 'NEEDED.*libcurl')" 0
for rubbish in '' 'rubbish' '\0\0\0\0\0\0\0\0\0' '\1\0\0\0\377\377\377\377'; do
	# shellcheck disable=SC2059 # it has escapes
	printf "$rubbish" >rubbish
	exits "a malformed request" 1 bash -c \
		'"$1/meshapply-fetch" get <rubbish' - "$build"
	tells "a malformed request: said" 'malformed request'
done
# fakes WORDS STATUS SCRIPT: what is made of a helper that does SCRIPT.
fakes() {
	printf '#!/bin/sh\n%s\n' "$3" >helper
	chmod 755 helper
	exits "$1" "$2" env FETCH_PROGRAM="$scratch/helper" \
		"$build/tests/fetch_get" --budget=1 $site/x
}
fakes "a helper that says nothing" 69 'cat >/dev/null'
tells "says nothing: said" 'malformed answer'
fakes "a helper that fails" 69 'cat >/dev/null; exit 3'
tells "fails: said" 'failed, exit status 3'
fakes "a helper that dies" 69 'kill -9 $$'
tells "dies: said" 'failed, signal 9'
fakes "a helper that talks rubbish" 69 'cat >/dev/null; echo rubbish'
tells "talks rubbish: said" 'malformed answer'
fakes "a helper without an end" 69 'exec cat /dev/zero'
tells "without an end: said" 'has no end'
start=$SECONDS
fakes "a helper that hangs" 69 'exec sleep 600'
tells "hangs: said" 'took too long'
is "hangs: the budget and five seconds" \
	"$([ $((SECONDS - start)) -le 9 ] && echo yes)" yes

### What it may do

"$build/tests/fetch_get" --ca=root.pem "$secure/hang" >hung 2>&1 9<root.key &
pid=$!
for _ in {1..200}; do
	child=$(pgrep -P $pid) &&
		[ "$(awk '/^Seccomp:/ { print $2 }' "/proc/$child/status")" = 2 ] &&
		break
	sleep 0.05
done
sleep 0.3
status=/proc/$child/status
is "the helper is there" "$([ -n "$child" ] && echo yes)" yes
is "it holds no capability" "$(grep -E '^Cap(Inh|Prm|Eff|Amb)' "$status" |
	awk '{ print $2 }' | sort -u)" 0000000000000000
is "it can gain none" "$(awk '/^NoNewPrivs/ { print $2 }' "$status")" 1
is "its calls are filtered" "$(awk '/^Seccomp:/ { print $2 }' "$status")" 2
if [ "$CLI_INSIDE" = root ]; then
	is "it is nobody" "$(awk '/^[UG]id/ { print $2, $3, $4, $5 }' \
		"$status" | sort -u)" "65534 65534 65534 65534"
	is "it is in no group" "$(awk '/^Groups/ { print $2 }' "$status")" ""
fi
is "it writes no file" "$(awk '/^Max file size/ { print $4, $5 }' \
	"/proc/$child/limits")" "0 0"
is "it leaves no core" "$(awk '/^Max core file size/ { print $5, $6 }' \
	"/proc/$child/limits")" "0 0"
is "it has what it talks by, and nothing of the program that started it" "$(
	for fd in "/proc/$child"/fd/*; do
		case $(readlink "$fd") in
		socket:* | /dev/null | anon_inode:* | pipe:*) ;;
		*) readlink "$fd" ;;
		esac
	done)" ""
is "its arguments tell nothing" "$(tr '\0' ' ' <"/proc/$child/cmdline")" \
	"meshapply-fetch get "
is "nor does its environment" "$(tr '\0' '\n' <"/proc/$child/environ" |
	cut -d= -f1 | sort | xargs)" "LC_ALL PATH"
kill "$pid"
wait "$pid" 2>/dev/null
check "it ends with the program that started it" bash -c 'for _ in {1..100}; do
	grep -qs "^State:.[^Z]" "/proc/$1/status" || exit 0; sleep 0.05
	done; exit 1' - "$child"
confined=$(get $site/office.json | head -n 1)
if [ "$confined" = "confined yes" ]; then
	is "it is confined to what it needs" "$confined" "confined yes"
else
	skip "confined files" "this kernel has no Landlock"
fi
stop
servers=()
is "nobody saw a secret" "$(cat ./*.log nginx.out | grep -cF "$token")" 0
done_testing
