# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # of the libraries
#
# What was applied is kept and gone back to, with keys that only the kernel
# has; plans that are saved are done exactly or not at all; limits and the
# guard of who this node is, on the real kernel.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

three_hosts
for host in b c; do
	on $host "$meshapply" -q $host/wg0.conf
done
history() { on a "$meshapply" history --json wg0 | jq -r "$1"; }
numbers() { history '[.meshes[0].generations[].number] | join(" ")'; }
# What is compared of the kernel: what a roundtrip has to bring back.
state() { snapshot a | without_redirects; }

### Each change is kept

cp a/wg0.conf first.conf
check "first apply" on a "$meshapply" a/wg0.conf
is "one state" "$(numbers)" 1
is "its source" "$(history '.meshes[0].generations[0].source')" a/wg0.conf
before=$(fingerprint a)
check "a second run writes nothing" writes_nothing a "$meshapply" a/wg0.conf
is "no file and no time stamp changed" "$(fingerprint a)" "$before"
is "still one state" "$(numbers)" 1
state >first.state

sed -i 's/192.168.2.0\/24/192.168.2.0\/24, 192.168.9.0\/24/
	s/ListenPort = 51820/ListenPort = 51829/' a/wg0.conf
check "a change" on a "$meshapply" a/wg0.conf
is "two states" "$(numbers)" "2 1"
is "its class" "$(history '.meshes[0].generations[0].disruption')" loss
state >second.state
on a wg set wg0 listen-port 5555
check "somebody else's change is mended" on a "$meshapply" a/wg0.conf
is "still two states" "$(numbers)" "2 1"
check "diff" on a "$meshapply" diff 1 2
says "diff" "listen port 51820 -> 51829"
check "diff back" on a "$meshapply" diff wg0 now 1
says "diff back" "listen port 51829 -> 51820"
fails "no key is kept" on a grep -rqaF -e "$(key a)" -e "$(psk)" \
	/var/lib/meshapply
exits "one that is not there" 66 on a "$meshapply" rollback wg0 7

### And gone back to: the keys are in the kernel alone

mv a/wg0.conf second.conf
check "rollback 1" on a "$meshapply" rollback wg0 1
state >got.state
same "the kernel is as it was" got.state first.state
is "the preshared key too" "$(on a wg show wg0 preshared-keys |
	grep -F "$(pub b)")" "$(pub b)	$(psk)"
is "it is remembered" "$(history '.meshes[0].generations[0].back_to')" 1
check "rollback 2" on a "$meshapply" rollback wg0 2
state >got.state
same "the kernel is as it was then" got.state second.state
check "pings still go" on a ping -q -c 1 -W 10 10.0.0.2
check "rollback to what is there" on a "$meshapply" rollback wg0 4
is "no state more" "$(numbers)" "4 3 2 1"
on a wg set wg0 private-key c.key
exits "with another key in the kernel" 66 on a "$meshapply" rollback wg0 1
says "with another key" "give it by --key"
exits "the wrong key by --key" 78 on a "$meshapply" rollback --key=b.key wg0 1
check "the key by --key" on a "$meshapply" rollback --key=a.key wg0 1
state >got.state
same "the kernel is as it was once more" got.state first.state

### Saved plans

cp second.conf a/wg0.conf
check "plan -o" on a "$meshapply" plan -o saved a/wg0.conf
state >got.state
same "nothing was written" got.state first.state
on a wg set wg0 listen-port 6666
exits "the kernel is another" 7 on a "$meshapply" apply --plan=saved
says "the kernel is another" "device/wg0, is not the one that was saved"
on a wg set wg0 listen-port 51820
on a ip route add 192.168.9.0/24 dev wg0 proto 77
exits "a step less" 7 on a "$meshapply" apply --plan=saved
on a ip route del 192.168.9.0/24 dev wg0 proto 77
echo 'PersistentKeepalive = 9' >>a/wg0.conf
exits "the source is another" 7 on a "$meshapply" apply --plan=saved
says "the source is another" "the source or its keys"
state >got.state
same "nothing was written by all that" got.state first.state
cp second.conf a/wg0.conf
check "it is done" on a "$meshapply" apply --plan=saved
state >got.state
same "exactly that" got.state second.state
exits "it is done only once" 7 on a "$meshapply" apply --plan=saved

### Limits

cp first.conf a/wg0.conf
exits "--max-disruption=rekey" 7 \
	on a "$meshapply" --max-disruption=rekey a/wg0.conf
says "--max-disruption=rekey" "device/wg0 (loss)"
state >got.state
same "nothing was written" got.state second.state
check "--max-disruption=session" \
	on a "$meshapply" --max-disruption=session a/wg0.conf
exits "remove within loss" 7 on a "$meshapply" remove --max-disruption=loss wg0

### Who this node is

# A key of one of the others, who is no peer then.
without_c() { sed -i "/$(pub c | tr / .)/,\$d" "$1" && sed -i '$d' "$1"; }
without_c a/wg0.conf
sed -i "s,$(key a),$(key c)," a/wg0.conf
exits "another key" 7 on a "$meshapply" a/wg0.conf
says "another key" "public key would change from $(pub a)"
cp first.conf a/wg0.conf
sed -i 's,^Address.*,Address = 10.0.0.77/24,' a/wg0.conf
exits "other addresses" 7 on a "$meshapply" a/wg0.conf
says "other addresses" "10.0.0.1/24, fd00::1/64 to 10.0.0.77/24"
sed -i 's,^Address.*,Address = 10.0.0.77/24\, fd00::1/64,' a/wg0.conf
check "one that stays is enough" on a "$meshapply" a/wg0.conf
sed -i "s,$(key a),$(key c)," a/wg0.conf
without_c a/wg0.conf
check "forced" on a "$meshapply" --force=identity a/wg0.conf
check "then it is who it is" on a "$meshapply" a/wg0.conf
on a wg set wg0 private-key a.key
check "a key changed by hand is mended" on a "$meshapply" a/wg0.conf
is "it is" "$(on a wg show wg0 public-key)" "$(pub c)"

### Ten

for port in 1 2 3 4 5 6 7 8 9 10 11; do
	sed -i "s/^ListenPort.*/ListenPort = 520$port/" a/wg0.conf
	on a "$meshapply" -q a/wg0.conf || break
done
is "ten are kept" "$(history '.meshes[0].generations | length')" 10
check "remove" on a "$meshapply" remove wg0
is "nothing is left" "$(on a find /var/lib/meshapply -type f \
	! -name sysctls)" ""

done_testing
