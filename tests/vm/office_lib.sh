# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # of those who source it
#
# Sites on an internet, and what a mesh document means for the kernel of each;
# sourced beside meshapply.sh, with the root folder in $project.
#
#	sites NAME...		ir, tr, uae, each with a LAN and the host
#				lan-NAME in it; van has none
#	document FILE		examples/office.json with our keys, dual stack
#	change JQ		change office.json
#	agrees TEST HOST	the kernel's listings are what office.json says
#	pings TEST FROM ADDRESS...
#	stock_lines		what loads the texts of ir, by the manual
#	unmarked KEY		a snapshot without what says that it is ours
#
# What office.json says is worked out here once more, and in another way than
# meshapply does it: by jq, and for the firewall by what nft makes of a text
# that is written here.

# NUMBER NETWORK-SIDE: of the public address, 198.51.100.NUMBER/29, and of all
# other addresses of the site.
declare -A site_number=([ir]=10 [tr]=20 [uae]=30 [van]=36)
declare -A site_router=([ir]=9 [tr]=17 [uae]=25 [van]=33)

site() {	# NAME
	local name=$1 n=${site_number[$1]} router=${site_router[$1]}

	link_hosts net "to_$name" \
		"198.51.100.$router/29 2001:db8:$n::1/64" \
		"$name" eth0 "198.51.100.$n/29 2001:db8:$n::$n/64"
	ip -n "$name" route add default via "198.51.100.$router"
	ip -n "$name" route add default via "2001:db8:$n::1"
	[ "$name" != van ] || return 0
	link_hosts "$name" lan0 "192.168.$n.1/24 fd00:$n::1/64" \
		"lan-$name" eth0 "192.168.$n.10/24 fd00:$n::10/64"
	ip -n "lan-$name" route add default via "192.168.$n.1"
	ip -n "lan-$name" route add default via "fd00:$n::1"
}

sites() {
	local name

	host_add net
	on net sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for name; do
		host_add "$name"
		[ "$name" = van ] || host_add "lan-$name"
		site "$name"
		keys "$name"
		on "$name" install -m 700 -d /etc/meshapply/keys
	done
}

# A pair that reached each other by two families would learn an endpoint of the
# one where the document says the other: hence the link.
document() {
	jq --arg ir "$(pub ir)" --arg tr "$(pub tr)" --arg uae "$(pub uae)" '
	def site($key; $host; $lan):
		.public_key = $key | .addresses += ["fd00:250::" + $host]
		| .subnets += ["fd00:" + $lan + "::/64"];
	.overlay += ["fd00:250::/64"]
	| .nodes.ir |= site($ir; "1"; "10")
	| .nodes.tr |= site($tr; "2"; "20")
	| .nodes.uae |= site($uae; "3"; "30")
	| .links = [{ between: ["tr", "ir"], endpoints: {
		ir: "[2001:db8:10::10]:51820",
		tr: "[2001:db8:20::20]:51820" } }]
	' "$project/examples/office.json" > "$1"
}

change() {
	jq "$@" office.json > changed.json && mv changed.json office.json
}

# Order is not meaning: what may be is turned round.
reorder() {
	jq 'def turned: to_entries | reverse | from_entries;
		turned | .nodes |= (turned | map_values(turned))
		| .links |= map(turned | .between |= reverse)' \
		office.json > changed.json && mv changed.json office.json
}

### What the document says

# shellcheck disable=SC2016 # for jq
says_wireguard='
	"device \($me.public_key) port \(if $me.endpoint then
		$me.endpoint | split(":") | last else "any" end) mark off",
	($peers[] | .name as $n | $nodes[$n] as $node |
		(first($doc.links[]? | select((.between | sort) ==
			([$self, $n] | sort))) // {}) as $link |
	"peer \($node.public_key)"
	+ " psk \(if $link.preshared_key_file then $psk else "(none)" end)"
	+ " endpoint \($link.endpoints[$n]? // $node.endpoint // "any")"
	+ " allowed \(.allowed | map(prefix) | sort | join(","))"
	+ " keepalive \(if $me.endpoint then "off" else 25 end)")'

# shellcheck disable=SC2016
says_network='
	"link mtu \($doc.mtu)",
	($me.addresses[] | "address \(.)/\(if six then 64 else 24 end)"),
	($doc.overlay[] | "route \(.) proto 2 metric \(if six then 256
		else 0 end) source \(if six then "-"
		else $me.addresses[0] end)"),
	($nodes[$others[]].subnets[]? | "route \(.) proto 77 metric \(
		if six then 1024 else 0 end) source -"),
	"rule 0 table local", "rule 32766 table main",
	"rule 32767 table default", "rule6 0 table local",
	"rule6 32766 table main"'

# shellcheck disable=SC2016
says_firewall='
	def set($name; $type; $elements): "set \($name) { type \($type);"
		+ " flags interval; elements = { \($elements | join(", ")) } }";
	def of_family($n): map(select(six == ($n == 6)));
	def families: [4, "ip"], [6, "ip6"];
	"table inet meshapply_office {",
	(4, 6 | . as $n | [$nodes[$others[]] | own[]] |
		set("mesh_members\($n)"; "ipv\($n)_addr"; of_family($n))),
	(4, 6 | . as $n | $me.subnets // empty |
		set("mesh_subnets\($n)"; "ipv\($n)_addr"; of_family($n))),
	"chain mesh_preraw {",
	"type filter hook prerouting priority raw; policy accept;",
	(families as [$n, $ip] | "iifname \"wg-office\" \($ip) saddr"
		+ " != @mesh_members\($n) counter drop"),
	(families as [$n, $ip] | "iifname != \"wg-office\" iifname != \"lo\""
		+ " \($ip) saddr @mesh_members\($n)"
		+ " fib saddr oifname \"wg-office\" counter drop"),
	"}", "chain mesh_forward {",
	"type filter hook forward priority filter; policy accept;",
	("iifname", "oifname" | . + " \"wg-office\" tcp flags syn / syn,rst"
		+ " counter tcp option maxseg size set rt mtu"),
	(if is_hub($self) and ([spokes($self)] != []) then
		"iifname \"wg-office\" oifname \"wg-office\" counter accept"
		else empty end),
	($me.subnets // empty | families as [$n, $ip] |
		"iifname \"wg-office\" \($ip) daddr @mesh_subnets\($n)"
			+ " counter accept",
		"oifname \"wg-office\" \($ip) saddr @mesh_subnets\($n)"
			+ " counter accept"),
	"}", "}"'

# shellcheck disable=SC2016
says_all='
	def six: contains(":");
	def prefix: if contains("/") then . elif six then . + "/128"
		else . + "/32" end;
	def own: [.addresses[], .subnets[]?];
	. as $doc
	| (.nodes | with_entries(select(.value.disabled | not))) as $nodes
	| $nodes[$self] as $me
	| ($nodes | keys | map(select(. != $self))) as $others
	| def is_hub($n): $doc.hubs // [] | any(. == $n);
	  def hub($n): $nodes[$n].hub // $doc.hubs[0];
	  def spokes($n): $nodes | keys[] | select((is_hub(.) | not) and
		hub(.) == $n);
	(if $doc.topology != "hub-spoke" then
		[$others[] | { name: ., allowed: ($nodes[.] | own) }]
	elif is_hub($self) then
		[$others[] | select(is_hub(.)) | { name: .,
			allowed: [., spokes(.) | $nodes[.] | own[]] }]
		+ [spokes($self) | { name: ., allowed: ($nodes[.] | own) }]
	else
		[{ name: hub($self), allowed: ($doc.overlay +
			[$nodes[$others[]].subnets[]?]) }]
	end) as $peers
	| '"$says_wireguard, $says_network, (\"|\" + ($says_firewall))"

### What the kernel has

# A peer whose endpoint the document does not give has any, or has learned one.
have_wireguard() {	# HOST
	on "$1" wg show wg-office dump | jq -rRs --slurpfile doc office.json '
	([$doc[0].nodes[] | select(.endpoint == null).public_key]) as $mobile
	| split("\n") | map(select(. != "") | split("\t"))
	| .[0] as [$_, $key, $port, $mark]
	| "device \($key) port \(if $mobile | any(. == $key) then "any"
		else $port end) mark \($mark)",
	(.[1:][] | . as [$peer, $psk, $endpoint, $allowed, $_, $_, $_, $alive]
	| "peer \($peer) psk \($psk) endpoint \(
		if $mobile | any(. == $peer) then "any" else $endpoint end)"
	+ " allowed \($allowed | split(",") | sort | join(","))"
	+ " keepalive \($alive)")'
}

have_network() {	# HOST
	{
		ip -n "$1" -j address show dev wg-office
		ip -n "$1" -j -N -4 route show table all dev wg-office
		ip -n "$1" -j -N -6 route show table all dev wg-office
		ip -n "$1" -j -4 rule
		ip -n "$1" -j -6 rule
	} | jq -rs '
	def routes: .[] | select((.table // "main") | . == "main" or
			. == "254")
		| "route \(.dst) proto \(.protocol) metric \(.metric // 0)"
		+ " source \(.prefsrc // "-")";
	def rule($word): "\($word) \(.priority) table \(.table)\(
		del(.priority, .table, .src) | if . == {} or
		. == { protocol: "kernel" } then "" else tojson end)";
	. as [$address, $route4, $route6, $rule4, $rule6]
	| "link mtu \($address[0].mtu)",
	($address[0].addr_info[] | "address \(.local)/\(.prefixlen)"),
	($route4 | routes), ($route6 | routes),
	($rule4[] | rule("rule")), ($rule6[] | rule("rule6"))'
}

# A ruleset without what nobody wrote: handles and counts.
plain_ruleset() {
	jq -cS '.nftables[] | select(.metainfo == null)
	| walk(if type == "object" then del(.handle, .packets, .bytes)
		else . end)'
}

agrees() {	# TEST HOST
	local host=$2 psk=

	[ ! -e pair.psk ] || psk=$(< pair.psk)
	jq -r --arg self "$host" --arg psk "$psk" "$says_all" office.json \
		> says
	sed -n 's/^|//p' says > says.nft
	{ have_wireguard "$host"; have_network "$host"; } | LC_ALL=C sort \
		> "$host.have"
	same "$1: $host: wg, addresses, routes, rules agree" \
		<(grep -v '^|' says | LC_ALL=C sort) "$host.have"
	unshare -n sh -c 'nft -f says.nft && nft -j list ruleset' \
		> says.ruleset
	same "$1: $host: the firewall agrees" \
		<(plain_ruleset < says.ruleset) \
		<(on "$host" nft -j list ruleset | plain_ruleset)
}

### The stock tools

# The address that the manual takes for an example is that of ir.
stock_lines() {
	sed -n '/^\.Sh WITH THE STOCK TOOLS/,/^\.Ed/ {
		/^\.Bd/,/^\.Ed/ {
			/^\./d
			s/wg0\.key/office.key/
			s/wg0/wg-office/g
			p
		}
	}' "$project/man/meshapply-files.5"
}

# A filter; nor with the endpoint of the peer KEY, which is learned.
unmarked() {	# KEY
	awk -v key="$1" '
	$1 == "link" && $2 == "wg-office:" {
		sub(/ group [^ ]+/, "")
		sub(/ alias meshapply:[^ ]+ *$/, "")
		sub(/[ \\]+$/, "")
	}
	$1 == "wg" && $3 == "peer" && $4 == key && NF == 7 { $6 = "-" }
	{ print }'
}

### Traffic

pings() {	# TEST FROM ADDRESS...
	local test=$1 from=$2 address
	shift 2
	for address; do
		check "$test: $from pings $address" \
			on "$from" ping -q -c 1 -W 10 "$address"
	done
}

# Every LAN's host reaches every other, by both families.
lans_ping() {	# TEST SITE...
	local test=$1 from to n
	shift
	for from; do
		for to; do
			[ "$from" != "$to" ] || continue
			n=${site_number[$to]}
			pings "$test" "lan-$from" "192.168.$n.10" \
				"fd00:$n::10"
		done
	done
}
