#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# meshapply key, beside what wg makes of the same.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

pub_of() {	# COMMAND... with the key on standard input
	"$@" <<<"$key_a"
}

for what in gen psk; do
	check "key $what" m key $what
	is "key $what prints one line of base64" "$(grep -cE \
		'^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$' "$out")" 1
	first=$(<"$out")
	check "key $what again" m key $what
	is "key $what is another one each time" \
		"$([ "$first" != "$(<"$out")" ] && echo yes)" yes
done

# What the one makes, the other reads.
m key gen >ours
wg genkey >theirs
for file in ours theirs; do
	is "key pub is wg pubkey, of a key of $file" "$(m key pub <$file)" \
		"$(wg pubkey <$file)"
done
is "a generated key is clamped" "$(base64 -d <ours | od -An -tu1 -v |
	tr -s ' \n' ' ' | awk '{ print $1 % 8, int($32 / 64) }')" "0 1"
# Keys of high and low ends, not clamped.
for byte in 00 01 7f 80 ff; do
	key=$(printf "%64s" '' | sed "s/  /\\\\x$byte/g")
	key=$(printf '%b' "$key" | base64 -w0)
	is "key pub is wg pubkey, of 32 bytes of $byte" \
		"$(m key pub <<<"$key")" "$(wg pubkey <<<"$key")"
done

exits "key pub of nothing" 65 m key pub </dev/null
tells "it says what was wanted" '44 characters of base64'
exits "key pub of a key cut short" 65 m key pub <<<"$key_short"
exits "key pub of a key and more" 65 m key pub <<<"$key_a$key_b"
exits "key pub of two lines" 65 m key pub <<<"$key_a"$'\n'"$key_b"
exits "key pub of a key with a NUL" 65 m key pub < <(printf '%s\0' "$key_a")
exits "key pub of what has no end" 65 m key pub </dev/zero
exits "key pub of a folder" 65 m key pub </tmp
check "key pub of a key without a last newline" \
	m key pub < <(printf %s "$key_a")
check "key pub of a key with CRLF" m key pub < <(printf '%s\r\n' "$key_a")

umask 022
exits "a key into a file that others can read" 0 \
	bash -c '"$1/meshapply" key gen >exposed' - "$build"
tells "is warned of" 'others can read'
umask 077
exits "a key into a file of one's own" 0 \
	bash -c '"$1/meshapply" key gen >own' - "$build"
is "is not" "$(<"$err")" ""
exits "a key into a full device" 1 bash -c '"$1/meshapply" key gen >/dev/full' \
	- "$build"
tells "is a failure" 'write to standard output failed'

exits "key without what" 64 m key
exits "key of another kind" 64 m key public
tells "the kinds are named" 'gen.*pub.*psk'
exits "key gen takes nothing more" 64 m key gen wg0
done_testing
