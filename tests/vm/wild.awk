# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads a file in the form of /etc/hosts and then wg-quick files, and writes
# for each NAME.conf of them what wild.sh wants of it:
#
#	probes/NAME	addresses to look the way up to
#	new/NAME.conf	the file with its last peer less; or, where there is
#			but one, with another keepalive
#	a line		NAME PORT PEERS KEY GONE...: 1 where it gives a port,
#			how many peers, the key of the last one, and the
#			allowed IPs that no other peer has
#
# It is one program because to start one takes its time in the VM.

function finish(	i, path, n) {
	path = "probes/" name
	split("198.18.0.1 192.0.2.77 203.0.113.250 2001:db8:0:fe::77 " \
	      "2001:db8:ffff:ffff::1 fd99::1", outside, " ")
	for (i = 1; i in outside; i++)
		probe[outside[i]] = 1
	for (i in probe)
		print i >path
	close(path)
	path = "new/" name ".conf"
	printf "" >path
	for (i = 1; i <= lines; i++) {
		if (peers > 1 && i >= last)
			break
		if (peers == 1 && tolower(line[i]) ~ /^persistentkeepalive/)
			continue
		print line[i] >path
		if (peers == 1 && i == last)
			print "PersistentKeepalive = 33" >path
	}
	close(path)
	printf "%s %d %d %s", name, port, peers, key
	for (i in of_last)
		printf " %s", i
	print ""
}

# The first address of the prefix, and one further in where there are more.
function allow(prefix,	parts, n) {
	split(prefix, parts, "/")
	probe[parts[1]] = 1
	if (parts[2] != 32 && sub(/\.0$/, ".7", parts[1]))
		probe[parts[1]] = 1
	if (parts[2] != 128 && sub(/::$/, "::7:7", parts[1]))
		probe[parts[1]] = 1
	of_last[prefix] = 1
}

FILENAME != previous {
	if (name != "")
		finish()
	previous = FILENAME
	name = ""
	if (FILENAME ~ /\.conf$/) {
		name = FILENAME
		sub(/.*\//, "", name)
		sub(/\.conf$/, "", name)
	}
	lines = port = peers = last = 0
	key = ""
	split("", probe)
	split("", of_last)
}

name == "" {
	host[$2] = $1
	next
}

{
	line[++lines] = $0
	text = $0
	sub(/#.*/, "", text)
	gsub(/[ \t]/, "", text)
	value = text
	sub(/^[^=]*=/, "", value)
	word = tolower(text)
	sub(/=.*/, "", word)
}

word == "[peer]" {
	peers++
	last = lines
	split("", of_last)
}

word == "listenport" { port = 1 }
word == "publickey" { key = value }

word == "address" || word == "allowedips" {
	n = split(value, list, ",")
	for (i = 1; i <= n; i++) {
		if (word == "allowedips")
			allow(list[i])
		sub(/\/.*/, "", list[i])
		probe[list[i]] = 1
	}
}

word == "endpoint" {
	sub(/:[0-9]+$/, "", value)
	gsub(/[][]/, "", value)
	probe[value in host ? host[value] : value] = 1
}

END { finish() }
