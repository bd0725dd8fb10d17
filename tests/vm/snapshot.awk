# SPDX-License-Identifier: GPL-2.0-or-later
#
# The raw pieces of a snapshot, see lib.sh, to lines that are the same whenever
# the state is the same, each with its section before it. They are sorted
# afterwards; only the lines of an nft table have an order, and a number.
#
# Variable: indexes (1: keep them)

/^\001/ {
	section = substr($0, 2)
	next
}

section == "link" || section == "address" {
	if (!indexes) {
		sub(/^[0-9]+: */, "")
		sub(/@if[0-9]+/, "@if")
		sub(/ link-netnsid [0-9]+/, "")
	}
	# Whether a lifetime runs is state; what is left of it is not.
	gsub(/_lft [0-9]+sec/, "_lft finite")
}

section ~ /^route/ {
	sub(/ expires [0-9]+sec/, " expires finite")
}

section == "sysctl" {
	sub(/^\/proc\/sys\//, "")
	# Drawn at random, or a matter of the loaded modules.
	if (/\/(stable_secret|tcp_fastopen_key|tcp_available_[a-z_]*):/)
		next
}

# Of peers all but the last handshake and the bytes; allowed IPs sorted.
section == "wg" {
	fields = split($0, field, "\t")
	if (fields >= 9) {
		$0 = field[1] " peer " field[2] " " field[3] " " field[4] " " \
			field[9]
		n = split(field[5], allowed, ",")
		for (i = 1; i <= n; i++)
			print section, field[1] " peer " field[2], allowed[i]
	}
}

# A table that is made again comes behind the others: its name goes before its
# lines, for sort. Elements of dynamic sets are from packets, and left out.
section == "nft" {
	if (/^table /) {
		table = $2 " " $3
		number = 0
	}
	if (/^\t(set|map) /)
		dynamic = 0
	if (/^\t\tflags .*dynamic/)
		dynamic = 1
	if (/^\t\telements = / && dynamic)
		skipping = 1
	if (!skipping)
		printf "nft %s %05d %s\n", table, ++number, $0
	if (/}$/)
		skipping = 0
	next
}

{
	print section, $0
}
