#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Plans that are saved and taken, or refused, and limits to what a plan may
# disturb; without writing to the kernel: taking them is the VM's.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

r=(--root="$scratch/image")
mkdir image
quick office.conf

# again NAME...: apply --plan, up to the first write
again() {
	m apply --dry-run "${r[@]}" --plan=saved "$@"
}

refused() {
	exits "$1" 7 "${@:3}"
	tells "$1: it says why" "$2"
	tells "$1: its guard" '^meshapply: refused; .* --force=plan overrules'
}

### Saved

check "plan -o" m plan "${r[@]}" -o saved office.conf
tells "it says what to do with it" 'meshapply apply --plan=saved'
is "its mode" "$(stat -c %a saved)" 600
is "no secret is in it" "$(grep -cF -f "$cli_secrets" saved)" 0
is "no value is in it" "$(grep -cE '192\.0\.2\.1|51820' saved)" 0
is "a line a step" "$(grep -c '^step ' saved)" \
	"$(m plan "${r[@]}" --json office.conf | jq '.plan.steps | length')"
check "it is taken with its source" again office.conf
check "it is taken without" again
check "it is taken elsewhere" bash -c "cd / && timeout 60 \
	'$build/meshapply' apply --dry-run --root='$scratch/image' \
	--plan='$scratch/saved'"
check "it is saved in another folder" m plan "${r[@]}" -o image/p office.conf
is "there it is" "$(head -c 16 image/p)" "meshapply 1 plan"
check "it is saved over an older one" m plan "${r[@]}" -o saved office.conf
cp saved first
check "of standard input" m plan "${r[@]}" -o saved --mesh=office - <office.conf
exits "of that, without a source" 64 again
tells "it says so" 'was made from standard input'
check "with it" again --mesh=office - <office.conf

### A name that a config has

mkdir -p image/etc/meshapply
echo "source = $scratch/office.conf" >image/etc/meshapply/hq.conf
check "of a name" m plan "${r[@]}" -o saved hq
is "the name is kept" "$(grep -o 'source=[^ ]*' saved)" source=hq
check "by its name" again
check "of --mesh" m plan "${r[@]}" -o saved --mesh=hq
check "by that" again
rm -r image/etc
cp first saved

### Another source

cp office.conf same.conf
check "the same bytes by another name and mesh" \
	m plan "${r[@]}" --mesh=office -o saved same.conf
cp first saved
sed -i 's/PersistentKeepalive = 25/PersistentKeepalive = 26/' office.conf
refused "another value" 'the source or its keys' again
check "forced" again --force=plan
quick office.conf
sed -i "s,$psk_a,$key_b," office.conf
refused "another preshared key" 'the source or its keys' again
quick office.conf
sed -i "s,$key_a,$key_b," office.conf
refused "another private key" 'the source or its keys' again
quick office.conf
echo '# a remark' >>office.conf
check "a remark" again
quick office.conf
refused "another mesh" 'for the mesh office, and the source is of hq' \
	again --mesh=hq office.conf
rm office.conf
exits "a source that is gone" 66 again
quick office.conf

### Another plan of the same source, as if the kernel were another

sed -i '/^step /{x;s/^/x/;/^x$/{x;s/fields=[0-9]* //;s/phase=/phase=1/;b};x}' saved
refused "an edited step" 'is not the one that was saved' again
grep -v 'id=peer/' first | sed 's/ steps=[0-9]*/&x/' >fewer
steps=$(grep -c ^step fewer)
sed "s/ steps=[0-9]*x/ steps=$steps/" fewer >saved
refused "fewer steps" 'step [0-9]+ was .* when the plan was saved, and is' again
sed 's/ version=[^ ]*/ version=9.9/' first >saved
refused "another version's" 'the plan is of version 9\.9' again

### No plan

for bad in '' 'meshapply 1 plan' "$(head -c 200 first)" "$(<office.conf)"; do
	echo "$bad" >saved
	exits "no plan" 65 again office.conf
	clean "no plan" "$err"
done
rm saved
exits "no file" 66 again office.conf
exits "a folder" 66 m apply -n "${r[@]}" --plan=image office.conf
fails "saved where there is no folder" \
	m plan "${r[@]}" -o nowhere/saved office.conf
fails "saved as a folder" m plan "${r[@]}" -o image office.conf
fails "saved as nothing" m plan "${r[@]}" -o image/ office.conf
exits "plan of nothing" 64 m plan "${r[@]}" -o saved
exits "apply of nothing" 64 m apply "${r[@]}"
exits "plan does not take --plan" 64 m plan "${r[@]}" --plan=first office.conf
exits "apply does not take -o" 64 m apply "${r[@]}" -o x office.conf

### How much it may disturb

for class in none rekey loss session mesh access; do
	check "--max-disruption=$class of a first apply" \
		m plan "${r[@]}" --max-disruption=$class office.conf
done
for class in nothing '' 0 acces; do
	exits "--max-disruption=\"$class\"" 64 \
		m plan "${r[@]}" --max-disruption="$class" office.conf
done
folder texts
sed -i '1i #@ sysctl net.ipv4.ip_forward = 1' texts/wireguard.conf
echo "$key_a" >wg7.key
f=(--key=wg7.key texts/)
for class in none rekey loss session mesh; do
	exits "--max-disruption=$class refuses what reaches beyond" 7 \
		m plan "${r[@]}" --max-disruption=$class "${f[@]}"
	tells "$class: it names the step" \
		"worse class than $class: .*sysctl/net.ipv4.ip_forward \(access\)"
done
says "the plan is shown all the same" 'sysctl net.ipv4.ip_forward'
check "--force=disruption" m plan "${r[@]}" --max-disruption=none \
	--force=disruption "${f[@]}"
exits "in JSON" 7 m plan "${r[@]}" --json --max-disruption=loss "${f[@]}"
is "the guard is told" "$(jq -r '.error.guard, .exit' "$out" | xargs)" \
	"disruption 7"
exits "a plan that is refused" 7 m plan "${r[@]}" --max-disruption=loss \
	-o saved "${f[@]}"
is "it is not saved" "$(ls saved 2>/dev/null)" ""

done_testing
