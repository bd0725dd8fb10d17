/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wg-quick file's translation, part by part: routes, places, keys, hints,
 * limits.  Whole files are test_quick.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "quick/quick.h"
#include "state/state.h"

#define ARENA ((size_t)2 << 30)

/* Valid, and made up: bytes 1, 2, 3 … ; the private one is not clamped. */
#define PRIVATE "/wIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH/8="
#define PRESHARED "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="
#define PEER_A "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define PEER_B "AgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICE="

static struct arena *arena, *secrets;
static struct diags diags;
static struct quick quick;
static struct source source;

static void setup(void)
{
	arena = arena_new(ARENA);
	secrets = arena_new_secret(ARENA);
}

static void teardown(void)
{
	arena_freep(&arena);
	arena_freep(&secrets);
}

/* As it would be: the text on the secret arena. */
static int translate_as(const char *name, struct str text, bool ignore)
{
	struct quick_options options = {
		.name = name, .ignore_hooks = ignore, .ignore_dns = ignore };
	int result;

	source = (struct source){ .name = "wg0.conf" };
	source.text = (struct str){
		arena_copy(secrets, text.data, text.size), text.size };
	diags_init(&diags, arena);
	memset(&quick, 0, sizeof(quick));
	result = quick_translate(arena, secrets, &source, &options, &quick,
				 &diags);
	ck_assert_int_eq(result, diags.errors ? -1 : 0);
	return result;
}

static int translate(const char *text)
{
	return translate_as("wg0", str_of(text), false);
}

static const char *said(void)
{
	struct sbuf out;

	diags_sort(&diags);
	sbuf_init(&out, arena);
	diags_format(&diags, &out);
	return out.data;
}

static void expect_said(const char *words)
{
	const char *text = said();

	ck_assert_msg(strstr(text, words) != NULL, "wanted: %s\nsaid:\n%s",
		      words, text);
}

static const char *text_of(const struct source *text)
{
	return text->text.data ? arena_strndup(arena, text->text.data,
					       text->text.size) : "";
}

/*
 * What "wg-quick up" runs: the allowed IPs from the longest to the shortest,
 * "ip route add" where "ip route show dev wg0 match PREFIX" finds nothing,
 * its own table and rules for /0.
 */
static const struct {
	const char *interface, *allowed, *routes;
} cases[] = {
	{ "Address = 10.0.0.2/32", "10.0.0.0/24", "10.0.0.0/24" },
	{ "Address = 10.0.0.2/24", "10.0.0.0/24", "" },
	{ "Address = 10.0.0.2/24", "10.0.0.7/32", "" },
	{ "Address = 10.0.0.2/24", "10.0.0.0/23", "10.0.0.0/23" },
	{ "Address = 10.0.0.2/24", "10.0.1.0/24, 10.0.0.0/8",
	  "10.0.0.0/8 10.0.1.0/24" },
	/* A shorter one does not make a longer one needless: it comes later. */
	{ "", "10.0.0.0/8, 10.1.0.0/16, 10.1.1.0/24",
	  "10.0.0.0/8 10.1.0.0/16 10.1.1.0/24" },
	{ "", "10.1.1.0/24, 10.1.1.9/24", "10.1.1.0/24" },
	{ "Address = 10.0.0.2/32", "10.0.0.2/32", "10.0.0.2/32" },
	{ "Address = 10.0.0.2/31", "10.0.0.3/32, 10.0.0.2/31", "" },
	{ "Address = 0.1.0.2/16", "0.1.0.0/24", "0.1.0.0/24" },
	{ "Address = 10.0.0.1/8\nAddress = 10.1.0.1/16", "10.1.0.0/16, "
	  "10.2.0.0/16", "" },
	{ "Address = 10.1.0.1/16, 10.3.0.1/16", "10.1.5.0/24, 10.2.5.0/24, "
	  "10.3.5.0/24", "10.2.5.0/24" },
	/* The kernel makes a route for an IPv6 address of any length. */
	{ "Address = fd00::2/128", "fd00::2/128, fd00::/64", "fd00::/64" },
	{ "Address = fd00::2/64", "fd00::/64, fd00::1/128", "" },
	{ "Address = fd00::2/64", "fd00::/48, 10.0.0.0/8",
	  "10.0.0.0/8 fd00::/48" },
	{ "Address = 10.0.0.2/8", "::/1", "::/1" },
	{ "Address = 10.0.0.2/24 fd00::2/64\t,10.1.0.2/24",
	  "10.0.0.0/24, fd00::/64, 10.1.0.0/16", "10.1.0.0/16" },
	/* Whole families. */
	{ "", "0.0.0.0/0", "default auto" },
	{ "", "::/0", "::/0 auto" },
	{ "", "0.0.0.0/0, ::/0", "default auto ::/0 auto" },
	{ "", "0.0.0.0/0, 10.0.0.0/8", "10.0.0.0/8 default auto" },
	{ "FwMark = 7", "0.0.0.0/0", "default 7" },
	{ "FwMark = 0", "0.0.0.0/0", "default auto" },
	{ "FwMark = 0x10\nTable = auto", "::/0", "::/0 16" },
	{ "", "0.0.0.0/1, 128.0.0.0/1", "0.0.0.0/1 128.0.0.0/1" },
	/* Tables. */
	{ "Table = off", "0.0.0.0/0, 10.0.0.0/8", "" },
	{ "Table = OFF", "10.0.0.0/8", "" },
	{ "Table = 99", "0.0.0.0/0, ::/0, 10.0.0.0/8",
	  "default 99 10.0.0.0/8 99 ::/0 99" },
	{ "Table = 0x63\nAddress = 10.0.0.1/8", "10.0.0.0/8",
	  "10.0.0.0/8 99" },
	{ "Table = main\nAddress = 10.0.0.1/8", "10.0.0.0/8, 10.1.0.0/16",
	  "10.1.0.0/16" },
	{ "Table = 254\nAddress = fd00::1/64", "fd00::/64", "fd00::/64" },
	{ "Table = default", "10.0.0.0/8", "10.0.0.0/8 default" },
	{ "Table = 253\nFwMark = 253", "10.0.0.0/8", "10.0.0.0/8 default" },
};

/* "route replace P dev wg0 [table T] proto 77" lines as "P [T]". */
static const char *routes_of(const char *text)
{
	struct str rest = str_of(text), line;
	struct sbuf out;

	sbuf_init(&out, arena);
	while (str_next(&rest, '\n', &line)) {
		char prefix[64], table[32] = "";
		char *copy = arena_strndup(arena, line.data, line.size);

		if (!str_starts(line, "route replace "))
			continue;
		if (sscanf(copy, "route replace %63s dev wg0 table %31s proto "
			   "77", prefix, table) != 2)
			ck_assert_int_eq(sscanf(copy, "route replace %63s dev "
						"wg0 proto 77", prefix), 1);
		sbuf_printf(&out, "%s%s%s%s", out.size ? " " : "", prefix,
			    *table ? " " : "", table);
	}
	return out.data;
}

START_TEST(routes_are_wg_quicks)
{
	const char *text = arena_printf(arena, "[Interface]\n%s\n[Peer]\n"
					"PublicKey = " PEER_A "\nAllowedIPs = "
					"%s\n", cases[_i].interface,
					cases[_i].allowed);
	const char *network;
	bool full;

	ck_assert_msg(!translate(text), "%s", said());
	network = text_of(&quick.texts.network);
	ck_assert_str_eq(routes_of(network), cases[_i].routes);
	/* Rules and a firewall come with a table of its own, and only then. */
	full = strstr(cases[_i].allowed, "/0") && strcmp(cases[_i].routes, "");
	full = full && !strstr(cases[_i].interface, "Table = 99");
	full = full && (strstr(cases[_i].allowed, "0.0.0.0/0") ||
			strstr(cases[_i].allowed, "::/0"));
	ck_assert_int_eq(strstr(network, "rule add not fwmark") != NULL, full);
	ck_assert_int_eq(strstr(network, "suppress_prefixlength 0") != NULL,
			 full);
	ck_assert_int_eq(quick.texts.firewall.text.data != NULL, full);
}
END_TEST

START_TEST(rules_have_the_family_of_the_route)
{
	const char *text = "[Interface]\n[Peer]\nPublicKey = " PEER_A
			   "\nAllowedIPs = ::/0\n";
	const char *network;

	ck_assert_int_eq(translate(text), 0);
	network = text_of(&quick.texts.network);
	ck_assert_ptr_nonnull(strstr(network, "\n-6 rule add not fwmark"));
	ck_assert_ptr_null(strstr(network, "\nrule add"));
	/* Strict rp_filter is a matter of IPv4 alone. */
	ck_assert_ptr_null(strstr(text_of(&quick.texts.wireguard),
				  "src_valid_mark"));
}
END_TEST

/* Only the addresses of a family that goes through the tunnel whole. */
START_TEST(spoofed_packets_are_dropped)
{
	const char *text = "[Interface]\nAddress = 10.0.0.2/24, fd00::2/64\n"
			   "[Peer]\nPublicKey = " PEER_A
			   "\nAllowedIPs = 0.0.0.0/0\n";
	const char *firewall;

	ck_assert_int_eq(translate(text), 0);
	firewall = text_of(&quick.texts.firewall);
	ck_assert_ptr_nonnull(strstr(firewall, "iifname != \"wg0\" ip daddr "
				     "10.0.0.2 fib saddr type != local drop"));
	ck_assert_ptr_null(strstr(firewall, "fd00::2"));
}
END_TEST

/* Where LINE of a text leads, as "LINE:COLUMN". */
static const char *origin_of(const struct source *text, const char *words)
{
	const char *at = memmem(text->text.data, text->text.size, words,
				strlen(words));
	size_t line, column;
	const char *name;

	ck_assert_msg(at != NULL, "%s", words);
	place_resolve((struct place){ text, (size_t)(at - text->text.data) },
		      &name, &line, &column);
	ck_assert_str_eq(name, "wg0.conf");
	return arena_printf(arena, "%zu:%zu", line, column);
}

START_TEST(places_lead_back)
{
	const struct source *w = &quick.texts.wireguard;
	const struct source *n = &quick.texts.network;

	ck_assert_int_eq(translate(
		"\xef\xbb\xbf[Interface]\r\n"
		"Address = 10.0.0.2/32 , fd00::2\r\n"
		"  MTU  =  1400 # x\r\n"
		"#@ sysctl net.ipv4.ip_forward = 1\r\n"
		"PrivateKey = " PRIVATE "\r\n"
		"[ Peer ]\r\n"
		"PublicKey = " PEER_A "\r\n"
		"AllowedIPs = 192.168.0.0/16,10.5.5.5/8,\t0.0.0.0/0\r\n"
		"PresharedKey = " PRESHARED "\r\n"
		"Endpoint=192.0.2.1:5\r\n"
		"#@ name berlin\r\n"
		"PersistentKeepalive = 5"), 0);
	ck_assert_str_eq(origin_of(w, "[Interface]"), "1:2");
	ck_assert_str_eq(origin_of(w, "10.0.0.2/32\n"), "2:11");
	ck_assert_str_eq(origin_of(w, "fd00::2/128\n"), "2:25");
	ck_assert_str_eq(origin_of(w, "1400\n"), "3:11");
	ck_assert_str_eq(origin_of(w, "net.ipv4.ip_forward"), "4:11");
	ck_assert_str_eq(origin_of(w, "src_valid_mark"), "8:41");
	ck_assert_str_eq(origin_of(w, "[Peer]"), "6:3");
	ck_assert_str_eq(origin_of(w, PEER_A), "7:13");
	ck_assert_str_eq(origin_of(w, "192.168.0.0/16"), "8:14");
	ck_assert_str_eq(origin_of(w, "10.0.0.0/8"), "8:29");
	ck_assert_str_eq(origin_of(w, "192.0.2.1:5"), "10:10");
	ck_assert_str_eq(origin_of(w, "berlin"), "11:9");
	ck_assert_str_eq(origin_of(w, "Keepalive = 5"), "12:23");
	ck_assert_str_eq(origin_of(n, "10.0.0.0/8"), "8:29");
	ck_assert_str_eq(origin_of(n, "default"), "8:41");
	ck_assert_str_eq(origin_of(n, "rule add not"), "8:41");
	ck_assert_str_eq(origin_of(&quick.texts.firewall, "daddr"), "2:11");
	/* The line of a secret is shown by nothing that speaks of it. */
	ck_assert_str_eq(origin_of(w, "private-key-file"), "1:2");
	ck_assert_str_eq(origin_of(w, "preshared-key-file"), "6:3");
}
END_TEST

static const struct key *held(const char *name)
{
	for (size_t i = 0; i < quick.key_count; i++)
		if (!strcmp(quick.keys[i].name, name))
			return &quick.keys[i].key;
	return NULL;
}

START_TEST(keys_are_held_apart)
{
	const char *name = "peer-AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
			   ".psk";
	char text[KEY_TEXT_MAX];

	ck_assert_int_eq(translate(
		"[Interface]\nPrivateKey = " PRIVATE "\n"
		"[Peer]\nPublicKey = " PEER_B "\nPresharedKey = "
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
		"[Peer]\nPublicKey = " PEER_A "\n"
		"PresharedKey = c2VjcmV0 c2VjcmV0c2VjcmV0c2VjcmV0 c2VjcmV0c2U="
		"\n"), 0);
	/* All zero is none. */
	ck_assert_uint_eq(quick.key_count, 2);
	ck_assert_ptr_nonnull(held("wg0.key"));
	ck_assert_ptr_nonnull(held(name));
	/* Kept as given, not clamped. */
	ck_assert_str_eq(key_format(held("wg0.key"), text), PRIVATE);
	ck_assert_str_eq(key_format(held(name), text), PRESHARED);
	ck_assert_ptr_nonnull(strstr(text_of(&quick.texts.wireguard), name));
}
END_TEST

/* The red zones between allocations are looked at as well. */
__attribute__((no_sanitize("address")))
static bool occurs(const char *start, const char *end, const char *bytes,
		   size_t size)
{
	for (; start + size <= end; start++) {
		size_t same = 0;

		while (same < size && start[same] == bytes[same])
			same++;
		if (same == size)
			return true;
	}
	return false;
}

static void expect_no_trace(const char *from, const char *secret, size_t size)
{
	const char *end = arena_alloc(arena, 1);

	ck_assert(!occurs(from, end, secret, size));
}

START_TEST(secrets_stay_on_their_arena)
{
	const char *broken = PRIVATE PRIVATE;
	const char *from = arena_alloc(arena, 1);
	struct key key;

	ck_assert_int_eq(key_parse(STR(PRIVATE), &key), 0);
	ck_assert_int_eq(translate("[Interface]\nPrivateKey = " PRIVATE "\n"
				   "[Peer]\nPublicKey = " PEER_A "\n"
				   "PresharedKey = " PRESHARED "\n"), 0);
	ck_assert_int_eq(translate("[Interface]\nPrivateKey = " PRIVATE PRIVATE
				   "\nPrivateKey = " PRIVATE "\nPrivate = "
				   PRIVATE "\n" PRIVATE "\nPresharedKey = "
				   PRESHARED "\nFoo = " PRIVATE "\nMTU = "
				   PRIVATE "\nTable = " PRIVATE "\n[" PRIVATE
				   "]\n"), -1);
	ck_assert_ptr_nonnull(said());
	expect_no_trace(from, broken, 20);
	expect_no_trace(from, PRESHARED, 20);
	expect_no_trace(from, (const char *)key.bytes, 16);
}
END_TEST

static const struct {
	const char *command, *hint;
} hooks[] = {
	{ "iptables -t nat -A POSTROUTING -j MASQUERADE", "firewall.nft" },
	{ "/sbin/ip6tables-restore < x", "firewall.nft" },
	{ "nft -f /etc/x", "firewall.nft" },
	{ "ip route add 10.0.0.0/8 dev %i", "route replace" },
	{ "ip -6 r a fd00::/8 dev %i", "route replace" },
	{ "sudo ip -4 rule add from 10.0.0.1 table 5", "rule add" },
	{ "(ip rule add x || true)", "rule add" },
	{ "ip address add 10.0.0.1 dev %i", "Address" },
	{ "ip link set mtu 1400 dev %i", "MTU" },
	{ "sysctl -q net.ipv4.ip_forward=1", "#@ sysctl" },
	{ "echo 1 >/proc/sys/net/ipv4/ip_forward", "#@ sysctl" },
	{ "A=1 sysctl -w x=1", "#@ sysctl" },
	{ "wg set %i peer x remove", "[Peer]" },
	{ "resolvconf -a tun.%i", "resolver" },
	{ "ping -c 1 10.0.0.1", "PersistentKeepalive" },
	{ "ufw route allow in on %i", "firewall.nft" },
	{ "firewall-cmd --add-port=1/udp", "firewall.nft" },
	{ "logger up; iptables -A INPUT", "firewall.nft" },
	{ "/usr/local/bin/up.sh", "unit" },
	{ "ip", "unit" },
	{ "true", "unit" },
};

START_TEST(a_hook_is_refused_with_a_way_out)
{
	static const char *const words[] = { "PreUp", "PostUp", "PreDown",
					     "PostDown", "postUP" };

	for (size_t i = 0; i < array_size(words); i++) {
		const char *text = arena_printf(arena, "[Interface]\n%s = %s\n",
						words[i], hooks[_i].command);

		ck_assert_int_eq(translate(text), -1);
		ck_assert_uint_eq(diags.count, 1);
		ck_assert_msg(strstr(diags.items[0].hint, hooks[_i].hint) !=
			      NULL, "%s: %s", hooks[_i].command,
			      diags.items[0].hint);
		ck_assert_ptr_nonnull(strstr(diags.items[0].hint,
					     "--ignore-hooks"));
		ck_assert_int_eq(translate_as("wg0", str_of(text), true), 0);
		ck_assert_uint_eq(diags.count, 1);
		ck_assert_int_eq(diags.items[0].severity, SEVERITY_WARNING);
	}
}
END_TEST

START_TEST(names_that_no_device_has)
{
	static const char *const names[] = {
		"", ".", "..", "-wg", "a/b", "sixteen-letters-", "wg 0",
		"wg0\n", "w\"g", "w:g",
	};

	for (size_t i = 0; i < array_size(names); i++)
		ck_assert_int_eq(translate_as(names[i], STR("[Interface]\n"),
					      false), -1);
	ck_assert_int_eq(translate_as("fifteen-letters", STR("[Interface]\n"),
				      false), 0);
}
END_TEST

START_TEST(truncated_anywhere)
{
	static const char text[] =
		"\xef\xbb\xbf# x\r\n#@ sysctl net.ipv4.ip_forward = 1\r\n"
		"[Interface]\r\nPrivateKey = " PRIVATE "\r\n"
		"Address = 10.0.0.2/24, fd00::2/64\r\nFwMark = 0x5\r\n"
		"PostUp = iptables -A INPUT; ip route add x\r\nDNS = 1.1.1.1"
		"\r\n#@ name x\r\n[Peer]\r\nPublicKey = " PEER_A "\r\n"
		"AllowedIPs = 0.0.0.0/0, ::/0\r\nEndpoint = [fd00::1]:5\r\n"
		"PresharedKey = " PRESHARED "\r\nPersistentKeepalive = off";

	for (size_t size = 0; size < sizeof(text); size++) {
		struct state state;

		if (translate_as("wg0", (struct str){ text, size }, true) < 0)
			ck_assert_uint_gt(strlen(said()), 0);
		else
			ck_assert_int_eq(texts_read(arena, &quick.texts, NULL,
						    NULL, &state, &diags), 0);
		ck_assert_ptr_null(strstr(said(), "AwQFBgcICQoL"));
	}
	ck_assert_int_eq(translate_as("wg0", STR(text), true), 0);
}
END_TEST

static double seconds_of(struct str text)
{
	clock_t start = clock();

	translate_as("wg0", text, false);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* HEAD, then WORD up to SIZE bytes, then TAIL. */
static struct str repeated(const char *head, const char *word, size_t size,
			   const char *tail)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_puts(&out, head);
	while (out.size < size)
		sbuf_puts(&out, word);
	sbuf_puts(&out, tail);
	return (struct str){ out.data, out.size };
}

#define PEER "[Interface]\nAddress = 10.0.0.1/8, 11.0.0.1/9\n[Peer]\n" \
	     "PublicKey = " PEER_A "\n"

static const struct {
	const char *head, *word, *tail;
} long_lines[] = {
	{ PEER "AllowedIPs = ", "10.2.3.4/32, 192.0.2.1/32,", "::/0\n" },
	{ PEER "AllowedIPs = ", "x", "\n" },
	{ PEER "AllowedIPs = ", ",", "\n" },
	{ PEER "Endpoint = ", "a.b", ":5\n" },
	{ PEER, "x", " = 1\n" },
	{ PEER "#", "x", "\n" },
	{ PEER, " ", "\n" },
	{ PEER, "#@ name x\n", "" },
	{ PEER, "x=1\n", "" },
	{ PEER, "=\n", "" },
	{ PEER, "[Peer]\n", "" },
	{ PEER, "AllowedIPs=::/0\n", "" },
	{ "[Interface]\nPostUp = ", "ip x;", "\n" },
	{ "[Interface]\n", "PostUp = ip\n", "" },
	{ "[Interface]\nPrivateKey = ", "A", "\n" },
	{ "[Interface]\nTable = ", "1 ", "\n" },
	{ "[Interface]\nAddress = ", "1.1.1.1 ", "\n" },
	{ "[", "Interface", "]\n" },
};

/* 10 MB take not much more than four times as long as 2.5 MB. */
START_TEST(long_lines_take_linear_time)
{
	struct str part, whole;
	double small, big;

	part = repeated(long_lines[_i].head, long_lines[_i].word, 10u << 18,
			long_lines[_i].tail);
	whole = repeated(long_lines[_i].head, long_lines[_i].word, 10u << 20,
			 long_lines[_i].tail);
	small = seconds_of(part);
	big = seconds_of(whole);
	ck_assert_msg(big < 10 * small + 0.5, "2.5 MB: %.2f s, 10 MB: %.2f s",
		      small, big);
}
END_TEST

START_TEST(limits)
{
	struct str text;

	if (ARENA_MOST < ARENA) {
		puts("NOT TESTED: limits, there are too few addresses");
		return;
	}
	text = repeated("[Interface]\n", "#\n", TEXT_LIMIT + 1, "");
	ck_assert_int_eq(translate_as("wg0", text, false), -1);
	expect_said("64 MiB");
	text = repeated("[Interface]\n", "[Peer]\n",
			7 * (TEXT_PEERS_MAX + 10), "");
	ck_assert_int_eq(translate_as("wg0", text, false), -1);
	expect_said("more than 65536 peers");
	text = repeated(PEER "AllowedIPs = ", "::,", 3 * TEXT_PREFIXES_MAX +
			200, "::\n");
	ck_assert_int_eq(translate_as("wg0", text, false), -1);
	expect_said("more than 4194304");
}
END_TEST

static TCase *cases_new(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("quick_parts");
	TCase *parts = cases_new("parts"), *limit = cases_new("limits");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(parts, routes_are_wg_quicks, 0,
			    array_size(cases));
	tcase_add_test(parts, rules_have_the_family_of_the_route);
	tcase_add_test(parts, spoofed_packets_are_dropped);
	tcase_add_test(parts, places_lead_back);
	tcase_add_test(parts, keys_are_held_apart);
	tcase_add_test(parts, secrets_stay_on_their_arena);
	tcase_add_loop_test(parts, a_hook_is_refused_with_a_way_out, 0,
			    array_size(hooks));
	tcase_add_test(parts, names_that_no_device_has);
	tcase_add_test(parts, truncated_anywhere);
	tcase_add_loop_test(limit, long_lines_take_linear_time, 0,
			    array_size(long_lines));
	tcase_add_test(limit, limits);
	suite_add_tcase(suite, parts);
	suite_add_tcase(suite, limit);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
