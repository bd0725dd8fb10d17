#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# history and diff, from files of generations as a run keeps them; what is
# torn, edited or laid there by somebody else. UPDATE=1 writes the goldens.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

goldens=$cli_here/../golden/diff
r=(--root="$scratch/image")
export TZ=UTC

# generation MESH NUMBER FOLDER [WORD...]: one of the texts in FOLDER
generation() {
	local mesh=$1 number=$2 folder=$3 file
	local where=image/var/lib/meshapply/$mesh/generations
	shift 3
	mkdir -p "$where"
	{
		header generation
		echo "about number=$number time=$((1700000000 + number))" \
			"source=/etc/$mesh.json${node:+ node=$node}" \
			"${serial:+has-serial=1 serial=$serial }digest=$(
			cat "$folder"/* | b2sum -l 256 | cut -d' ' -f1)" \
			"public-key=${key:-$pub_3} $*"
		for file in wireguard.conf network.batch firewall.nft; do
			[ -e "$folder/$file" ] || continue
			echo "text name=$file size=$(wc -c <"$folder/$file")"
			cat "$folder/$file"
			echo
		done
		echo end
	} >"$where/$number"
}

# golden NAME COMMAND...: what it prints, or says, is that file
golden() {
	local name=$1
	shift
	tap_run "$@"
	{ cat "$err" "$out"; echo "exit $tap_status"; } |
		sed 's/"meshapply": "[^"]*"/"meshapply": "VERSION"/' \
		>"$scratch/got"
	if [ -n "${UPDATE-}" ]; then
		cp "$scratch/got" "$goldens/$name.txt"
	fi
	is "golden: $name" "$(<"$scratch/got")" \
		"$(cat "$goldens/$name.txt")"
	clean "$name" "$out" "$err"
}

### Nothing

exits "history of nothing" 0 m history "${r[@]}"
says "it says so" '^nothing is kept of any mesh'
exits "history of a mesh that is not" 66 m history "${r[@]}" office
exits "diff of a mesh that is not" 66 m diff "${r[@]}" office 1 2
exits "diff without a mesh" 66 m diff "${r[@]}" 1 2
exits "in JSON" 0 m history "${r[@]}" --json
is "it is an empty list" "$(jq -c '.meshes, .error, .exit' "$out" | xargs)" \
	"[] null 0"

### Three of them

folder one
folder two
sed -i 's/51877/51878/; s/10\.7\.0\.2\/32/10.7.0.2\/32, 10.9.0.0\/24/' \
	two/wireguard.conf
sed -i 's/192\.0\.2\.7:51820/192.0.2.8:51820/' two/wireguard.conf
sed -i 's/10\.77/10.78/' two/network.batch
sed -i 's/10\.7\.0\.3 }/10.7.0.4 }/' two/firewall.nft
cat >>two/wireguard.conf <<-END

	#@ preshared-key-file tr.psk
	[Peer]
	PublicKey = $pub_2
	AllowedIPs = 10.7.0.3/32
	Endpoint = tr.example.com:51820
END
folder three
sed -i '/^#@ name/,$d' three/wireguard.conf
sed -i '1i #@ sysctl net.ipv4.ip_forward = 1' three/wireguard.conf
rm three/firewall.nft three/network.batch

kept image office
serial=6 node=tr generation office 8 one disruption=access state=applied
serial=7 node=tr generation office 9 two disruption=loss state=rolled%20back
key=$pub_1 generation office 11 three disruption=session state=applied \
	back-to=8
golden history m history "${r[@]}" office
check "history of the only one" m history "${r[@]}"
is "it is the same" "$(<"$out")" "$(sed '/^exit/d' "$goldens/history.txt")"
golden history-json m history "${r[@]}" --json office
golden history-jsonl m history "${r[@]}" --jsonl office
generation home 1 three disruption=none state=pending
check "history of two meshes" m history "${r[@]}"
is "both are there" "$(grep -c '^[a-z]' "$out")" 2
exits "diff of one of two" 64 m diff "${r[@]}" 1 2
tells "it says which" 'home, office'
rm -r image/var/lib/meshapply/home

### What lies between

golden one-two m diff "${r[@]}" office 8 9
golden two-one m diff "${r[@]}" office 9 8
golden one-three m diff "${r[@]}" --mesh=office 8 11
golden three-one m diff "${r[@]}" 11 8
golden same m diff "${r[@]}" office 8 8
golden now m diff "${r[@]}" office now 9
golden one-two-json m diff "${r[@]}" --json office 8 9
exits "--detailed-exitcode" 2 m diff "${r[@]}" --detailed-exitcode office 8 9
exits "--detailed-exitcode without" 0 \
	m diff "${r[@]}" --detailed-exitcode office 9 9
# Names alone differ: there is no step, and yet a difference.
cp -r two four
sed -i 's/tr\.example\.com/ir.example.com/' four/wireguard.conf
generation office 12 four disruption=none state=applied
exits "names alone" 2 m diff "${r[@]}" --detailed-exitcode office 9 12
says "are told" 'endpoint tr\.example\.com:51820 -> ir\.example\.com:51820'

### What is said wrongly

for number in 0 08 -1 x 1x 99999999999999999999 ''; do
	exits "diff of \"$number\"" 64 m diff "${r[@]}" office 8 "$number"
done
exits "diff of one that is not there" 66 m diff "${r[@]}" office 8 10
tells "it says where to look" 'meshapply history office lists them'
exits "diff with one number" 64 m diff "${r[@]}" 8
exits "diff with four arguments" 64 m diff "${r[@]}" office 8 9 11
exits "diff of two names" 64 m diff "${r[@]}" --mesh=home office 8 9
exits "history of two" 64 m history "${r[@]}" office home
rm -r image/var/lib/meshapply/office/{applied,files}
exits "diff with now, where nothing is kept" 66 m diff "${r[@]}" office 8 now

### What others have laid there

where=image/var/lib/meshapply/office/generations
head -c 300 $where/8 >$where/13
sed 's/10\.7\.0\.1/10.7.0.x/' $where/8 | sed s/number=8/number=14/ >$where/14
ln -s 8 $where/15
mkfifo $where/16
mkdir $where/17
cp $where/8 $where/18
[ "$CLI_INSIDE" != root ] || chown -hR 65534:65534 image
check "history beside rubbish" m history "${r[@]}" office
tells "it says that there is some" '^meshapply: 5 of the states that are kept'
for number in 13 15 16 17 18; do
	fails "diff with rubbish $number" m diff "${r[@]}" office 8 $number
done
exits "diff with texts that are none" 78 m diff "${r[@]}" office 8 14
tells "its place is told" 'generation 14\):[0-9]+:[0-9]+: error'
# A table that is not ours must not get to a compiler, nor be shown as ours.
sed 's/table inet meshapply_office/table inet filter_of_others/' $where/8 |
	sed s/number=8/number=19/ >$where/19
fails "diff with another's table" m diff "${r[@]}" office 8 19

done_testing
