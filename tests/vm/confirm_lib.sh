# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034,SC2154,SC2317 # of and for those who source it
#
# A host with two descriptions of its mesh, whose changes wait to be confirmed;
# sourced after meshapply.sh by the suites without systemd.

host_add a
snapshot a | without_redirects > nothing.snapshot
keys a b c
wg genpsk > ab.psk
mkdir one two
cat > one/wg0.conf <<END
[Interface]
PrivateKey = $(key a)
Address = 10.0.0.1/24, fd00::1/64
ListenPort = 51820
MTU = 1420

[Peer]
PublicKey = $(pub b)
PresharedKey = $(psk)
AllowedIPs = 10.0.0.2/32, 192.168.2.0/24
Endpoint = 192.0.2.2:51820
END
cat > two/wg0.conf <<END
[Interface]
PrivateKey = $(key c)
Address = 10.0.0.7/24, fd00::1/64
ListenPort = 51821
MTU = 1400

[Peer]
PublicKey = $(pub b)
AllowedIPs = 10.0.0.2/32, 192.168.3.0/24
Endpoint = 192.0.2.3:51820
END
record=/var/lib/meshapply/.pending/wg0

# The same changes again and again, and a key that changes.
forced=(--force=identity --force=rolled-back)
apply() { on a "$meshapply" apply "${forced[@]}" "$@"; }
pending() { on a test -e "$record"; }
gone() { ! pending; }
guard_of() { on a sed -n 's/^guard .* pid=//p' /run/meshapply/wg0/guard; }
token() { on a sed -n 's/^head .* token=\([^ ]*\).*/\1/p' $record; }
now() { snapshot a | without_redirects; }
is_as() {
	now > now.snapshot
	same "$1" "$2" now.snapshot
}
