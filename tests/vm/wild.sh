# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# wg-quick files of the shapes met in the wild, examples/quick/*.conf: each is
# applied, compared with what the real wg-quick makes of it, changed, removed.
# Then what full tunnels, the automatic MTU and endpoint names have to stand.
set -u
. tests/vm/lib.sh
. tests/vm/meshapply.sh

examples=$OLDPWD/examples/quick
mkdir ours quick probes new

### Hosts: h is ours, q is wg-quick's, and both have the same way out, on which
### nobody answers.

private_hosts() {	# HOST: an /etc/hosts and a resolver of its own
	cat > "$1.hosts" <<-END
	127.0.0.1 localhost
	192.0.2.91 home.dyn.example.net
	198.51.100.92 office.example.com
	203.0.113.93 vpn.example.net
	198.51.100.94 east.example.com
	2001:db8:9::95 peer.example.org
	END
	# Nobody listens there: a name that is not in the file is unknown at
	# once.
	echo 'nameserver 127.0.0.1' > "$1.resolv"
	chmod 644 "$1.hosts" "$1.resolv"
	on "$1" mount --bind "$1.hosts" /etc/hosts
	on "$1" mount --bind "$1.resolv" /etc/resolv.conf
}

host_add h q
chmod 711 "$work"
for host in h q; do
	ip -n $host link add eth0 type dummy
	ip -n $host link set eth0 addrgenmode none
	ip -n $host address add 192.0.2.254/24 dev eth0
	ip -n $host address add 2001:db8:0:fe::2/64 dev eth0
	ip -n $host link set eth0 up
	ip -n $host route add default via 192.0.2.253
	ip -n $host route add default via 2001:db8:0:fe::1
	# Of their own, as whoever splits the default route has them.
	ip -n $host route add 198.51.100.0/24 via 192.0.2.253
	ip -n $host route add 203.0.113.0/24 via 192.0.2.253
	private_hosts $host
done

### What there is of a device

# Rules without their priorities, routes without their makers, a port only
# where the file gives one, and how each probe would leave, without a mark and
# with that of the tunnel. What goes nowhere prints nothing, which tells it
# from the others just as well. The way to 127.0.0.1 stands before them.
cat > look.sh <<'END'
{
	printf '%s\n' "address show dev $1" "link show dev $1" rule \
		'route show table all' 'route get 127.0.0.1'
	while read -r address; do
		printf 'route get %s\nroute get %s mark 51820\n' \
			$address $address
	done < probes/$1
} | ip -N -o -force -batch - 2>/dev/null
ip -N -6 rule | while read -r line; do echo "6 $line"; done
wg show $1 dump
END

cat > look.awk <<'END'
{ gsub(/ proto (3|77)( |$)/, " "); sub(/ proto 77$/, ""); sub(/ *$/, "") }
NF > 0 && probing && !/^6 / && !/\t/ { print "to", $0; next }
/^[0-9]+: .* mtu / { sub(/.* mtu /, ""); print "mtu", $1; next }
/^[0-9]+: / { sub(/^[0-9]+: /, ""); print "address", $0; next }
/^[0-9]+:\t/ { sub(/^[0-9]+:\t/, ""); print "rule4", $0; next }
/^6 [0-9]+:/ { sub(/^6 [0-9]+:\t/, ""); print "rule6", $0; next }
/127\.0\.0\.1 .*cache/ { probing = 1; next }
$0 ~ " dev " name "( |$)" { print "route", $0; next }
/\t/ {
	n = split($0, f, "\t")
	if (n == 4) {
		print "device", f[1], f[2], port ? f[3] : "any", f[4]
		next
	}
	print "peer", f[1], f[2], f[3], "keepalive", f[8]
	n = split(f[4], ips, ",")
	for (i = 1; i <= n; i++)
		print "peer", f[1], ips[i]
}
END

# look HOST NAME PORT
look() {
	on "$1" bash look.sh "$2" | awk -v name="$2" -v port="$3" \
		-f look.awk | LC_ALL=C sort
}

mtu_like() {	# NAME: a number that the file gives is the same
	local quick ours
	quick=$(sed -n 's/^mtu //p' "quick/$1.look")
	ours=$(sed -n 's/^mtu //p' "ours/$1.look")
	[ "$ours" = "$quick" ] || { [ "$ours" = $((quick + 20)) ] &&
		! grep -qi '^ *MTU *=' "$examples/$1.conf"; }
}

# As same, but nothing is started where they are.
alike() {
	[ "$(< "$2")" != "$(< "$3")" ] || {
		tap_result 0 "$1"
		return
	}
	same "$@"
}

### The files

own_keys() {	# what key-files.conf names
	on h mkdir -m 700 -p /etc/meshapply/keys
	wg genkey > own.key
	wg genpsk > own.psk
	on h install -m 600 own.key /etc/meshapply/keys/key-files.key
	on h install -m 600 own.psk /etc/meshapply/keys/berlin.psk
	# To the stock tools the directives are comments.
	sed -i -e "s|^\[Interface\]|&\nPrivateKey = $(< own.key)|" \
		-e "/^PublicKey = 279tt/s|$|\nPresharedKey = $(< own.psk)|" \
		quick/key-files.conf
}

cp "$examples"/*.conf ours/
cp "$examples"/*.conf quick/
own_keys
awk -f "$vm_here/wild.awk" h.hosts ours/*.conf > index
check 'thirty files and more' [ "$(wc -l < index)" -ge 30 ]

### wg-quick's part, beside ours

# Not by its own "down", which takes a second and more.
quick_down() {	# NAME
	ip -n q link del "$1"
	grep -q '^rule. not from' "quick/$1.look" || return 0
	printf '%s\n' 'rule flush' 'rule add lookup 254 priority 32766' \
		'rule add lookup 253 priority 32767' |
		ip -n q -batch -
	printf '%s\n' 'rule flush' 'rule add lookup 254 priority 32766' |
		ip -n q -6 -batch -
	on q nft flush ruleset
}

quick_all() {
	local name port rest
	while read -r name port rest; do
		on q wg-quick up "$work/quick/$name.conf" \
			> "quick/$name.log" 2>&1 ||
			echo "wg-quick does not take $name"
		look q "$name" "$port" > "quick/$name.look"
		quick_down "$name"
	done < index
}
quick_all > quick/failed &
quick=$!

### Ours

steps() {	# of an output in JSON lines: ACTION ID and the fields' names
	sed -nE '/"type": "step"/{
		s/.*"id": "([^"]*)", "action": "([^"]*)".*"changes": (\[[^]]*\]).*/\2 \1 \3/
		s/"(from|to)": ("[^"]*"|null)//g; s/"name"://g; s/[][{},"]//g
		s/ +/ /g; s/ $//
		p
	}' "$1"
}

last_line() { tail -n 1 "$1"; }

change() {	# NAME PORT PEERS KEY GONE...
	local name=$1 port=$2 peers=$3 key=$4
	shift 4
	cat "new/$name.conf" > "ours/$name.conf"
	check "$name: a change" on h "$meshapply" --jsonl "ours/$name.conf"
	steps $vm_state/output > steps
	if [ "$peers" -gt 1 ]; then
		check "$name: a peer less is a step" \
			grep -qxF "remove peer/$name/$key" steps
		# Without it all paths may be by IPv4: an MTU that is found out
		# is 20 more then.
		is "$name: besides, its routes go, and nothing else" \
			"$(grep -vxF "remove peer/$name/$key" steps |
				grep -vxF "change device/$name MTU" |
				grep -v '^remove route/')" ''
	else
		is "$name: a keepalive is one step" "$(< steps)" \
			"change peer/$name/$key keepalive"
	fi
	awk -v peers="$peers" -v key="$key" -v gone="$*" '
		BEGIN {
			n = split(gone, list, " ")
			for (; n; n--) {
				sub(/\/(32|128)$/, "", list[n])
				out[list[n]] = 1
			}
		}
		/^peer/ && $2 == key && peers > 1 { next }
		/^peer/ && $2 == key && / keepalive / { $NF = 33 }
		/^route/ && $2 in out && !/ proto / && peers > 1 { next }
		/^to / && peers > 1 { next }
		{ print }' "ours/$name.look" > want
	look h "$name" "$port" > now
	[ "$peers" -eq 1 ] || { grep -v '^to ' now > left; mv left now; }
	! grep -qxF "change device/$name MTU" steps ||
		sed -i 's/^mtu 1420$/mtu 1440/' want
	alike "$name: nothing else has changed" want now
}

whole() { snapshot h | without_redirects; }

# one N NAME PORT PEERS KEY GONE...
one() {
	local n=$1 name=$2 file=ours/$2.conf result
	shift
	check "$name: apply" on h "$meshapply" "$file"
	check "$name: a second apply" on h "$meshapply" --jsonl "$file"
	result=$(last_line $vm_state/output)
	check "$name: it writes nothing" [ -z "${result##*\"writes\": 0,*}" ]
	is "$name: and has no step" "$(steps $vm_state/output)" ''
	exits "$name: nor has a plan" 0 on h "$meshapply" plan \
		--detailed-exitcode "$file"
	look h "$name" "$2" > "ours/$name.look"
	change "$@"
	check "$name: remove" on h "$meshapply" remove "$name"
	# What one leaves behind is still there at the end, if not looked for
	# at once.
	if [ $((n % 8)) -eq 0 ] || [ "${FAULTS-}" = all ]; then
		same "$name: all is as before the first" h.before <(whole)
	fi
}

whole > h.before
number=0
while read -r -u 3 -a fields; do
	number=$((number + 1))
	one $number "${fields[@]}"
done 3< index
same 'all is as before the first' h.before <(whole)

wait $quick
is 'wg-quick takes all of the files' "$(< quick/failed)" ''
while read -r -u 3 name rest; do
	check "$name: there is something to compare" \
		grep -q '^to ' "ours/$name.look"
	# An MTU that is found out is 60 less than a path by IPv4, not 80.
	check "$name: the MTU is that of wg-quick, or 20 more" \
		mtu_like "$name"
	sed -i '/^mtu /d' "quick/$name.look" "ours/$name.look"
	alike "$name: the same as by wg-quick" "quick/$name.look" \
		"ours/$name.look"
done 3< index
done_testing
