/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes, endpoints, keys. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "base/key.h"

static struct ip ip_of(const char *text)
{
	struct ip ip;

	ck_assert_msg(!ip_parse(str_of(text), &ip), "%s", text);
	return ip;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	ck_assert_msg(!prefix_parse(str_of(text), &p), "%s", text);
	return p;
}

START_TEST(ip_texts)
{
	/* RFC 5952 sections 4 and 5 */
	static const struct { const char *in, *out; } cases[] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" }, { "::1", "::1" }, { "1::", "1::" },
		{ "2001:0db8::0001", "2001:db8::1" },
		{ "2001:DB8::ABCD", "2001:db8::abcd" },
		{ "2001:db8:0:0:0:0:2:1", "2001:db8::2:1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
		{ "::ffff:c000:201", "::ffff:192.0.2.1" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char out[IP_TEXT_MAX];

	for (size_t i = 0; i < array_size(cases); i++) {
		struct ip ip = ip_of(cases[i].in), again;

		ck_assert_str_eq(ip_format(&ip, out), cases[i].out);
		again = ip_of(out);
		ck_assert_int_eq(ip_compare(&ip, &again), 0);
	}
	ck_assert_str_eq(ip_format(&(struct ip){ 0 }, out), "none");
}
END_TEST

START_TEST(ip_refusals)
{
	static const char *const bad[] = {
		"", " ", "1", "1.2", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.5",
		"1..2.3", "01.2.3.4", "1.2.3.04", "1.2.3.00", "0x1.2.3.4",
		"256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "1.2.3.4/32",
		"16909060", "0x01020304", "1.2.3.4\n", "1.2.3.4a", "localhost",
		":", ":::", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1::2::3", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8", "12345::", "g::", "::1%1", "fe80::1%eth0",
		"[::1]", "::1.2.3", "::01.2.3.4", "::1.2.3.4:5", ":1:2::",
		"1::2:", "::256.1.1.1", "1:2:3:4:5:6:7:1.2.3.4",
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
	};
	struct ip ip = ip_of("192.0.2.1");

	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(ip_parse(str_of(bad[i]), &ip) < 0, "%s", bad[i]);
	ck_assert_int_eq(ip_parse((struct str){ "1.2.3.4\0", 8 }, &ip), -1);
	ck_assert_int_eq(ip_parse((struct str){ "1.2.3.4\0x", 9 }, &ip), -1);
	ck_assert_int_eq(ip_parse((struct str){ NULL, 0 }, &ip), -1);
	/* left alone */
	ck_assert_int_eq(ip.family, AF_INET);
	ck_assert_int_eq(ip.bytes[0], 192);
	/* a view that goes on */
	ck_assert(!ip_parse((struct str){ "1.2.3.45", 7 }, &ip));
	ck_assert_int_eq(ip.bytes[3], 4);
}
END_TEST

START_TEST(prefix_texts)
{
	static const struct { const char *in, *out, *masked; } cases[] = {
		{ "10.1.2.3/8", "10.1.2.3/8", "10.0.0.0/8" },
		{ "10.1.2.3", "10.1.2.3/32", "10.1.2.3/32" },
		{ "255.255.255.255/0", "255.255.255.255/0", "0.0.0.0/0" },
		{ "255.255.255.255/31", "255.255.255.255/31",
		  "255.255.255.254/31" },
		{ "10.255.255.255/9", "10.255.255.255/9", "10.128.0.0/9" },
		{ "::/0", "::/0", "::/0" },
		{ "2001:db8::1", "2001:db8::1/128", "2001:db8::1/128" },
		{ "ffff::ffff/127", "ffff::ffff/127", "ffff::fffe/127" },
		{ "2001:db8:ffff::1/33", "2001:db8:ffff::1/33",
		  "2001:db8:8000::/33" },
	};
	static const char *const bad[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129",
		"10.0.0.0/08", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/+8",
		"10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10/8",
		"10.0.0/24", "10.0.0.0/0x8", "10.0.0.0/4294967304", "::/00",
		"fe80::1%1/64",
	};
	char out[PREFIX_TEXT_MAX];
	struct prefix p;

	for (size_t i = 0; i < array_size(cases); i++) {
		p = prefix_of(cases[i].in);
		ck_assert_str_eq(prefix_format(&p, out), cases[i].out);
		ck_assert_int_eq(prefix_has_host_bits(&p),
				 strcmp(cases[i].out, cases[i].masked) != 0);
		p = prefix_mask(p);
		ck_assert_str_eq(prefix_format(&p, out), cases[i].masked);
	}
	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(prefix_parse(str_of(bad[i]), &p) < 0, "%s",
			      bad[i]);
}
END_TEST

START_TEST(prefix_relations)
{
	static const struct { const char *outer, *inner; bool covers; } c[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },
		{ "10.9.9.9/8", "10.1.0.0/16", true },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.0.0.0/16", "10.0.0.0/8", false },
		{ "10.0.0.0/8", "11.0.0.0/16", false },
		{ "0.0.0.0/0", "1.2.3.4/32", true },
		{ "0.0.0.0/0", "::/0", false },
		{ "::/0", "0.0.0.0/0", false },
		{ "2001:db8::/33", "2001:db8:7fff::/48", true },
		{ "2001:db8::/33", "2001:db8:8000::/48", false },
	};
	struct ip in = ip_of("192.168.7.9"), out = ip_of("192.168.8.0");
	struct ip none = { 0 }, v6 = ip_of("::c0a8:700");
	struct prefix p = prefix_of("192.168.7.0/24");

	for (size_t i = 0; i < array_size(c); i++) {
		struct prefix a = prefix_of(c[i].outer);
		struct prefix b = prefix_of(c[i].inner);

		ck_assert_msg(prefix_covers(&a, &b) == c[i].covers, "%s %s",
			      c[i].outer, c[i].inner);
	}
	ck_assert(prefix_has(&p, &in) && !prefix_has(&p, &out));
	p = prefix_whole(&in);
	ck_assert(p.length == 32 && prefix_has(&p, &in));
	p = prefix_whole(&v6);
	ck_assert(p.length == 128 && prefix_has(&p, &v6));
	p = prefix_of("192.168.7.0/24");
	ck_assert(!prefix_has(&p, &v6));
	ck_assert(!prefix_has(&(struct prefix){ 0 }, &none));
}
END_TEST

START_TEST(orders_are_total)
{
	static const char *const sorted[] = {
		"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.1/8",
		"255.0.0.0/8", "::/0", "::/128", "::1/0", "fe80::/10",
	};

	for (size_t i = 0; i < array_size(sorted); i++)
		for (size_t j = 0; j < array_size(sorted); j++) {
			struct prefix a = prefix_of(sorted[i]);
			struct prefix b = prefix_of(sorted[j]);
			int order = prefix_compare(&a, &b);

			ck_assert_int_eq((order > 0) - (order < 0),
					 (i > j) - (i < j));
		}
}
END_TEST

START_TEST(endpoint_texts)
{
	static const char *const good[] = {
		"192.0.2.1:1", "192.0.2.1:65535", "[2001:db8::1]:51820",
		"[fe80::1]:51820", "[fe80::1%7]:51820",
		"[febf::1%2147483647]:1",
	};
	static const char *const bad[] = {
		"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0",
		"192.0.2.1:65536", "192.0.2.1:051820", "192.0.2.1:http",
		"192.0.2.1: 1", "192.0.2.1 :1", "::1:51820", "[::1]", "[::1]:",
		"[::1]:0", "[::1:51820", "::1]:51820", "[]:1", "[192.0.2.1]:1",
		"[fe80::1%eth0]:1", "[fe80::1%]:1", "[fe80::1%0]:1",
		"[fe80::1%01]:1", "[fe80::1%2147483648]:1", "[fe80::1%1%2]:1",
		"[2001:db8::1%1]:1", "[fec0::1%1]:1", "192.0.2.1%1:1",
		"host:51820", ":51820", "[::1]51820", "[::1]x:1",
		"192.0.2.1:1:1",
	};
	char out[ENDPOINT_TEXT_MAX];
	struct endpoint e, other;

	for (size_t i = 0; i < array_size(good); i++) {
		ck_assert_msg(!endpoint_parse(str_of(good[i]), &e), "%s",
			      good[i]);
		ck_assert_str_eq(endpoint_format(&e, out), good[i]);
	}
	ck_assert_uint_eq(e.scope, INT32_MAX);
	ck_assert_uint_eq(e.port, 1);
	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(endpoint_parse(str_of(bad[i]), &e) < 0, "%s",
			      bad[i]);
	ck_assert_uint_eq(e.scope, INT32_MAX);

	other = e;
	ck_assert_int_eq(endpoint_compare(&e, &other), 0);
	other.scope--;
	ck_assert_int_gt(endpoint_compare(&e, &other), 0);
	other.port++;
	ck_assert_int_lt(endpoint_compare(&e, &other), 0);
	other.ip = ip_of("1.1.1.1");
	ck_assert_int_gt(endpoint_compare(&e, &other), 0);
}
END_TEST

START_TEST(link_local)
{
	static const struct { const char *ip; bool is; } cases[] = {
		{ "169.254.0.1", true }, { "169.253.0.1", false },
		{ "fe80::1", true }, { "febf::", true }, { "fec0::", false },
		{ "fe7f::", false }, { "::1", false },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct ip ip = ip_of(cases[i].ip);

		ck_assert_msg(ip_is_link_local(&ip) == cases[i].is, "%s",
			      cases[i].ip);
	}
	ck_assert_uint_eq(ip_bits(AF_INET), 32);
	ck_assert_uint_eq(ip_bits(AF_INET6), 128);
	ck_assert_uint_eq(ip_bits(AF_UNIX), 0);
}
END_TEST

/* RFC 7748 section 6.1: Alice's and Bob's pairs. */
#define ALICE "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
#define ALICE_PUBLIC "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
#define BOB "XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os="
#define BOB_PUBLIC "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="

static struct key key_of(const char *text)
{
	struct key key;

	ck_assert_msg(!key_parse(str_of(text), &key), "%s", text);
	return key;
}

START_TEST(key_texts)
{
	static const char *const bad[] = {
		"", "=", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
		/* the two last bits are not zero */
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCq=",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCr=",
		/* 31 and 33 bytes, in 44 characters */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCoA",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC==",
		/* another alphabet, a blank, a line break, one too long */
		"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo=",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC =",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC\n=",
		"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n",
		"=dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
	};
	struct key key = key_of(ALICE), before = key;
	char out[KEY_TEXT_MAX];

	ck_assert_uint_eq(key.bytes[0], 0x77);
	ck_assert_uint_eq(key.bytes[31], 0x2a);
	ck_assert_str_eq(key_format(&key, out), ALICE);
	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(key_parse(str_of(bad[i]), &key) < 0, "%s",
			      bad[i]);
	ck_assert(key_equal(&key, &before));
	for (int i = 0; i < 200; i++) {
		key_generate_preshared(&before);
		key = key_of(key_format(&before, out));
		ck_assert(key_equal(&key, &before));
	}
}
END_TEST

START_TEST(key_pairs)
{
	struct key alice = key_of(ALICE), bob = key_of(BOB), public, other;
	char out[KEY_TEXT_MAX];

	key_public(&alice, &public);
	ck_assert_str_eq(key_format(&public, out), ALICE_PUBLIC);
	key_public(&bob, &public);
	ck_assert_str_eq(key_format(&public, out), BOB_PUBLIC);
	/* clamped or not, the public key is the same */
	ck_assert_uint_ne(bob.bytes[0] & 7, 0);
	other = bob;
	key_clamp(&other);
	ck_assert(!key_equal(&other, &bob));
	ck_assert_uint_eq(other.bytes[0] & 7, 0);
	ck_assert_uint_eq(other.bytes[31] & 0xc0, 0x40);
	key_public(&other, &other);
	ck_assert(key_equal(&other, &public));

	key_generate(&alice);
	key_generate(&bob);
	ck_assert(!key_equal(&alice, &bob));
	other = alice;
	key_clamp(&other);
	ck_assert(key_equal(&alice, &other));
	ck_assert_int_eq(key_compare(&alice, &other), 0);
	ck_assert_int_eq(key_compare(&alice, &bob) < 0,
			 key_compare(&bob, &alice) > 0);
	ck_assert(!key_is_zero(&alice));
	key_wipe(&alice);
	ck_assert(key_is_zero(&alice));
	alice.bytes[31] = 1;
	ck_assert(!key_is_zero(&alice));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ip and key");
	Suite *suite = suite_create("ip and key");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, ip_texts);
	tcase_add_test(tcase, ip_refusals);
	tcase_add_test(tcase, prefix_texts);
	tcase_add_test(tcase, prefix_relations);
	tcase_add_test(tcase, orders_are_total);
	tcase_add_test(tcase, endpoint_texts);
	tcase_add_test(tcase, link_local);
	tcase_add_test(tcase, key_texts);
	tcase_add_test(tcase, key_pairs);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
