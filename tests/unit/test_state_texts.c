/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts together: what is written reads back to the same state, and a
 * normalised output fed back is a fixed point.  States are random, their seed
 * is printed where one fails (SEED=N repeats it).
 */
#include <check.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../support/texts.h"
#include "base/arena.h"
#include "state/firewall.h"

#define STATES 400

static struct arena *arena;
static uint64_t seed;

static void setup(void)
{
	arena = arena_new((size_t)1 << 30);
}

static void teardown(void)
{
	arena_freep(&arena);
}

/* SplitMix64: the same everywhere. */
static uint32_t below(uint32_t end)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32) % end;
}

static bool maybe(void)
{
	return below(2);
}

static struct ip random_ip(uint8_t family)
{
	struct ip ip = { .family = family };

	for (size_t i = 0; i < ip_bits(family) / 8; i++)
		ip.bytes[i] = below(3) ? (uint8_t)below(256) : 0;
	return ip;
}

static uint8_t random_family(void)
{
	return maybe() ? AF_INET : AF_INET6;
}

static struct prefix random_prefix(uint8_t family)
{
	return (struct prefix){ random_ip(family),
				(uint8_t)below(ip_bits(family) + 1) };
}

static void random_peer(struct peer *p, uint32_t number)
{
	static const char *const hosts[] = {
		"a.example", "b_1.example.org", "fe80::1%eth0" };
	struct prefix *ips;

	memcpy(p->public_key.bytes, &number, sizeof(number));
	p->public_key.bytes[31] = (uint8_t)below(256);
	if (maybe())
		p->preshared_key_file = "a-psk";
	if (maybe())
		p->name = maybe() ? "alice # [Peer]" : "Bärbel = 2";
	if (maybe())
		p->keepalive = (uint16_t)below(65536);
	p->endpoint_policy = (enum endpoint_policy)below(ENDPOINT_POLICIES);
	if (maybe()) {
		p->endpoint.ip = random_ip(random_family());
		p->endpoint.port = (uint16_t)(1 + below(65535));
		if (ip_is_link_local(&p->endpoint.ip) &&
		    p->endpoint.ip.family == AF_INET6)
			p->endpoint.scope = below(9);
	} else if (maybe()) {
		p->endpoint_host = hosts[below(array_size(hosts))];
		p->endpoint_port = (uint16_t)(1 + below(65535));
	}
	p->allowed_ip_count = below(6);
	ips = arena_new_array(arena, struct prefix, p->allowed_ip_count);
	for (size_t i = 0; i < p->allowed_ip_count; i++) {
		uint8_t family = random_family();

		/* of this peer alone: its number is in the address */
		ips[i] = (struct prefix){ random_ip(family),
					  (uint8_t)(24 + below(9)) };
		ips[i].ip.bytes[0] = (uint8_t)(number >> 8);
		ips[i].ip.bytes[1] = (uint8_t)number;
	}
	p->allowed_ips = ips;
}

static void random_device(struct device *d)
{
	struct prefix *addresses;

	strcpy(d->name, maybe() ? "wg0" : "a=+.b-c_d");
	d->has = DEVICE_FWMARK | DEVICE_MTU | DEVICE_ALIAS | DEVICE_GROUP |
		 DEVICE_UP | DEVICE_VRF;
	if (maybe())
		strcpy(d->vrf, "blue");
	if (maybe()) {
		d->private_key_file = "key";
		d->has |= DEVICE_PRIVATE_KEY;
	}
	if (maybe()) {
		d->listen_port = (uint16_t)(1 + below(65535));
		d->has |= DEVICE_LISTEN_PORT;
	}
	if (maybe())
		d->automatic |= DEVICE_FWMARK;
	else
		d->fwmark = maybe() ? below(UINT32_MAX) : 0;
	if (maybe())
		d->automatic |= DEVICE_MTU;
	else
		d->mtu = 1280 + below(8000);
	d->address_count = below(4);
	addresses = arena_new_array(arena, struct prefix, d->address_count);
	for (size_t i = 0; i < d->address_count; i++) {
		addresses[i] = random_prefix(random_family());
		addresses[i].ip.bytes[0] = (uint8_t)i;
	}
	d->addresses = addresses;
	d->peer_count = below(5);
	d->peers = arena_new_array(arena, struct peer, d->peer_count);
	for (uint32_t i = 0; i < d->peer_count; i++)
		random_peer(&d->peers[i], i);
}

static void random_link(char out[static IFNAMSIZ])
{
	static const char *const links[] = { "wg0", "eth0.100", "br-lan@x" };

	strcpy(out, links[below(array_size(links))]);
}

static uint32_t random_table(unsigned int *automatic, unsigned int bit)
{
	static const uint32_t tables[] = { 253, 254, 255, 51820, 1,
					   UINT32_MAX };

	if (maybe())
		return tables[below(array_size(tables))];
	*automatic |= bit;
	return 0;
}

static struct route random_route(uint32_t number)
{
	static const uint8_t types[] = { RTN_BLACKHOLE, RTN_UNREACHABLE,
					 RTN_PROHIBIT, RTN_THROW };
	struct route r = { .type = RTN_UNICAST, .protocol = OUR_PROTOCOL,
			   .prefix = random_prefix(random_family()) };
	uint8_t family = r.prefix.ip.family;

	r.table = random_table(&r.automatic, ROUTE_TABLE);
	/* each of its own: no two with one key */
	r.metric = 2000 + number;
	if (!number)
		r.metric = family == AF_INET6 ? 1024 : 0;
	if (maybe())
		r.source = random_ip(family);
	if (maybe())
		r.mtu = 68 + below(65000);
	r.mtu_locked = r.mtu && maybe();
	r.advmss = maybe() ? 1 + below(65000) : 0;
	r.tos = family == AF_INET && maybe() ? (uint8_t)(4 * below(64)) : 0;
	if (maybe()) {
		r.type = types[below(array_size(types))];
		return r;
	}
	random_link(r.device);
	if (family == AF_INET)
		r.scope = (uint8_t)below(255);
	if (maybe()) {
		r.via = random_ip(family);
		r.onlink = maybe();
	}
	return r;
}

static void random_ports(uint16_t range[static 2])
{
	range[0] = (uint16_t)(1 + below(60000));
	range[1] = (uint16_t)(range[0] + below(2) * below(5000));
}

static struct rule random_rule(uint32_t number)
{
	static const uint8_t actions[] = { FR_ACT_BLACKHOLE, FR_ACT_PROHIBIT,
					   FR_ACT_UNREACHABLE };
	struct rule r = { .family = random_family(), .priority = number,
			  .action = FR_ACT_TO_TBL, .protocol = OUR_PROTOCOL,
			  .suppress_prefixlength = -1, .invert = maybe(),
			  .uid_range = { 0, UINT32_MAX } };

	r.from = r.to = (struct prefix){ .ip.family = r.family };
	if (maybe())
		r.from = prefix_mask(random_prefix(r.family));
	if (maybe())
		r.to = prefix_mask(random_prefix(r.family));
	if (!r.from.length)
		memset(r.from.ip.bytes, 0, sizeof(r.from.ip.bytes));
	if (maybe())
		r.tos = (uint8_t)(4 * below(8));
	if (maybe()) {
		r.fwmark = 1 + below(1000);
		r.fwmask = maybe() ? UINT32_MAX : 1 + below(1000);
	} else if (maybe()) {
		r.automatic |= RULE_FWMARK;
		r.fwmask = UINT32_MAX;
	}
	if (maybe())
		random_link(r.iif);
	if (maybe())
		random_link(r.oif);
	r.ip_protocol = (uint8_t)(maybe() ? below(256) : 0);
	if (maybe())
		random_ports(r.source_port);
	if (maybe())
		random_ports(r.destination_port);
	if (maybe()) {
		r.uid_range[0] = below(1000);
		r.uid_range[1] = r.uid_range[0] + below(1000);
	}
	if (maybe()) {
		r.action = actions[below(array_size(actions))];
		return r;
	}
	r.table = random_table(&r.automatic, RULE_TABLE);
	if (maybe())
		r.suppress_prefixlength = (int32_t)below(33);
	return r;
}

static void random_state(struct state *s)
{
	static struct sysctl sysctls[] = {
		{ .key = "net.ipv4.conf.all.src_valid_mark", .value = "1" },
		{ .key = "net.ipv6.conf.eth0/1.accept_ra", .value = "-1" },
	};
	static struct firewall firewall = {
		.table = "meshapply_a/2bb",
		.text = { "table inet meshapply_a/2bb { }\n", 31 } };

	*s = (struct state){ .mesh = "a+b", .device_count = 1,
			     .sysctls = sysctls, .sysctl_count = below(3),
			     .firewall = maybe() ? &firewall : NULL };
	s->devices = arena_new_object(arena, struct device);
	random_device(s->devices);
	s->route_count = below(5);
	s->routes = arena_new_array(arena, struct route, s->route_count);
	for (uint32_t i = 0; i < s->route_count; i++)
		s->routes[i] = random_route(i);
	s->rule_count = below(5);
	s->rules = arena_new_array(arena, struct rule, s->rule_count);
	for (uint32_t i = 0; i < s->rule_count; i++)
		s->rules[i] = random_rule(i);
	state_normalise(s);
}

static bool strings_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void assert_peer(const struct peer *a, const struct peer *b)
{
	ck_assert_int_eq(key_compare(&a->public_key, &b->public_key), 0);
	ck_assert_uint_eq(peer_diff(a, b), 0);
	ck_assert_uint_eq(peer_diff(b, a), 0);
	ck_assert(strings_equal(a->name, b->name));
	ck_assert(strings_equal(a->preshared_key_file,
				b->preshared_key_file));
	ck_assert(strings_equal(a->endpoint_host, b->endpoint_host));
	ck_assert_uint_eq(a->endpoint_port, b->endpoint_port);
}

static void assert_device(const struct device *a, const struct device *b)
{
	ck_assert_str_eq(a->name, b->name);
	ck_assert_uint_eq(a->has, b->has);
	ck_assert_uint_eq(a->automatic, b->automatic);
	ck_assert(strings_equal(a->private_key_file, b->private_key_file));
	ck_assert_uint_eq(device_diff(a, b), 0);
	ck_assert(prefixes_equal(a->addresses, a->address_count, b->addresses,
				 b->address_count));
	ck_assert_uint_eq(a->peer_count, b->peer_count);
	for (size_t i = 0; i < a->peer_count; i++)
		assert_peer(&a->peers[i], &b->peers[i]);
}

static void assert_state(const struct state *a, const struct state *b)
{
	ck_assert_str_eq(a->mesh, b->mesh);
	ck_assert_uint_eq(a->device_count, b->device_count);
	for (size_t i = 0; i < a->device_count; i++)
		assert_device(&a->devices[i], &b->devices[i]);
	ck_assert_uint_eq(a->route_count, b->route_count);
	for (size_t i = 0; i < a->route_count; i++)
		ck_assert(route_equal(&a->routes[i], &b->routes[i]));
	ck_assert_uint_eq(a->rule_count, b->rule_count);
	for (size_t i = 0; i < a->rule_count; i++)
		ck_assert(rule_equal(&a->rules[i], &b->rules[i]));
	ck_assert_uint_eq(a->sysctl_count, b->sysctl_count);
	for (size_t i = 0; i < a->sysctl_count; i++) {
		ck_assert_str_eq(a->sysctls[i].key, b->sysctls[i].key);
		ck_assert_str_eq(a->sysctls[i].value, b->sysctls[i].value);
	}
	ck_assert_int_eq(!a->firewall, !b->firewall);
	if (!a->firewall)
		return;
	ck_assert(str_equal(a->firewall->text, b->firewall->text));
	ck_assert_str_eq(a->firewall->table, b->firewall->table);
}

START_TEST(test_fixed_point)
{
	const char *given = getenv("SEED");
	uint64_t first = given ? strtoull(given, NULL, 10) :
			 (uint64_t)_i * 1000;
	struct texts texts, again;
	struct state want, read;
	struct diags diags;

	seed = first;
	random_state(&want);
	texts_write(arena, &want, &texts);
	diags_init(&diags, arena);
	ck_assert_msg(texts_read(arena, &texts, NULL, NULL, &read,
				 &diags) == 0, "SEED=%ju\n%s\n%s",
		      (uintmax_t)first, diags_lines(arena, &diags),
		      texts_join(arena, &texts));
	texts_write(arena, &read, &again);
	ck_assert_msg(!strcmp(texts_join(arena, &texts),
			      texts_join(arena, &again)),
		      "SEED=%ju\n%s\n%s", (uintmax_t)first,
		      texts_join(arena, &texts), texts_join(arena, &again));
	assert_state(&want, &read);
}
END_TEST

static const char written[] =
	"=== wireguard.conf\n"
	"#@ mesh office\n"
	"#@ interface wg0\n"
	"#@ private-key-file wg0.key\n"
	"#@ sysctl net.ipv4.conf.all.src_valid_mark = 1\n"
	"[Interface]\n"
	"Address = 10.0.0.2/32, fd00::2/128\n"
	"ListenPort = 51820\n"
	"FwMark = auto\n"
	"MTU = auto\n"
	"Table = off\n"
	"\n"
	"#@ name hub\n"
	"#@ preshared-key-file hub.psk\n"
	"[Peer]\n"
	"PublicKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
	"AllowedIPs = 0.0.0.0/0, ::/0\n"
	"Endpoint = hub.example:51820\n"
	"PersistentKeepalive = 25\n"
	"=== network.batch\n"
	"route replace default dev wg0 table auto proto 77\n"
	"route replace ::/0 dev wg0 table auto proto 77\n"
	"rule add table main suppress_prefixlength 0 priority auto protocol "
	"77\n"
	"rule add not fwmark auto table auto priority auto protocol 77\n"
	"-6 rule add table main suppress_prefixlength 0 priority auto "
	"protocol 77\n"
	"-6 rule add not fwmark auto table auto priority auto protocol 77\n"
	"=== firewall.nft\n"
	"table inet meshapply_office {\n}\n";

/* A full tunnel, letter by letter, from parts given in another order. */
START_TEST(test_written)
{
	struct texts texts = texts_of(
		"[peer]\nPersistentKeepalive=25\nEndpoint=hub.example:51820\n"
		"AllowedIPs=::/0,0.0.0.0/0\n#@ preshared-key-file hub.psk\n"
		"PublicKey=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
		"#@ name hub\n\n"
		"#@ sysctl net.ipv4.conf.all.src_valid_mark = 1\n"
		"#@ private-key-file wg0.key\n"
		"[interface]\nlistenport=51820\nfwmark=auto\n"
		"address=10.0.0.2,fd00::2\n",
		"-6 rule add not fwmark auto table auto priority auto\n"
		"-6 rule add table main suppress_prefixlength 0 pref auto\n"
		"rule add not fwmark auto table auto priority auto\n"
		"rule add table main suppress_prefixlength 0 pref auto\n"
		"route add ::/0 dev wg0 table auto\n"
		"route add default dev wg0 table auto\n",
		"table inet meshapply_office {\n}\n");
	struct state state;

	ck_assert_str_eq(texts_complain(arena, &texts, &state), "");
	texts_write(arena, &state, &texts);
	ck_assert_str_eq(texts_join(arena, &texts), written);
}
END_TEST

/* What concerns two texts, and states that have no device. */
START_TEST(test_across)
{
	struct texts texts = texts_of("[Interface]\nMTU = 1279\n",
				      "route replace ::/0 dev wg0\n", NULL);
	struct state state;

	ck_assert_str_eq(texts_complain(arena, &texts, &state),
			 "wireguard.conf:2:7: the MTU is 1279, and IPv6 wants "
			 "1280 or more (1:15)\n");
	texts = texts_of("[Interface]\nMTU = 1279\n",
			 "route replace ::/0 dev wg1\n", NULL);
	ck_assert_str_eq(texts_complain(arena, &texts, &state), "");
	texts = texts_of("[Interface]\nMTU = x\n", "route\n", "include\n");
	ck_assert_str_eq(texts_complain(arena, &texts, &state),
			 "firewall.nft:1:1: include is not taken | everything "
			 "stands in this one file\n"
			 "network.batch:1:1: nothing follows 'route'\n"
			 "wireguard.conf:2:7: the MTU is 'x', not a number "
			 "from 68 to 65535\n");
	texts = texts_of(NULL, NULL, NULL);
	ck_assert_str_eq(texts_complain(arena, &texts, &state), "");
	ck_assert_uint_eq(state.device_count, 0);
	texts_write(arena, &state, &texts);
	ck_assert_str_eq(texts_join(arena, &texts), "");
}
END_TEST

/* What has fields that no word is for is not written as something else. */
START_TEST(test_opaque)
{
	struct route route = { .prefix.ip.family = AF_INET, .opaque = true };
	struct rule rule = { .family = AF_INET, .opaque = true };
	struct state state = { .routes = &route, .route_count = 1,
			       .rules = &rule, .rule_count = 1 };
	struct texts texts;

	texts_write(arena, &state, &texts);
	ck_assert_ptr_null(texts.network.text.data);
}
END_TEST

static const struct {
	const char *text, *lines;
} ini_texts[] = {
	{ "", "" },
	{ "\xef\xbb\xbf", "" },
	{ "\n \t\r\n# c\n#\n", "" },
	{ "\xef\xbb\xbf[A]\r\n[ B ] # c\n[]", "S<A>\nS<B>\nS<>\n" },
	{ "a=b\n a = b=c # d\nx=\n", "P<a><b>\nP<a><b=c>\nP<x><>\n" },
	{ "=a\n[A\nab\n#@\n", "B<=a>\nB<[A>\nB<ab>\nD<><>\n" },
	{ "#@ k v # w\n  #@k\tv\n#@ k\n# @ k\n\n#@ l\n[A]\n# c\n[B]\n",
	  "D<k><v # w>\nD<k><v>\nD<k><>\n_D<l><>\nS<A>\nS<B>\n" },
	{ "a = b\n#\n\n#\n[C]\n\n", "P<a><b>\n_S<C>\n_" },
};

START_TEST(test_ini)
{
	struct source source = { .text = str_of(ini_texts[_i].text) };
	struct ini_line line;
	struct sbuf out;
	struct ini ini;

	sbuf_init(&out, arena);
	sbuf_puts(&out, "");
	ini_start(&ini, &source);
	while (ini_next(&ini, &line) != INI_END) {
		if (line.blank_before)
			sbuf_putc(&out, '_');
		sbuf_printf(&out, "%c<%.*s>", "SPDB"[line.kind],
			    (int)line.key.size, line.key.data);
		if (line.kind == INI_PAIR || line.kind == INI_DIRECTIVE)
			sbuf_printf(&out, "<%.*s>", (int)line.value.size,
				    line.value.data);
		sbuf_putc(&out, '\n');
		ck_assert_uint_le(place_of(&source, line.key).offset,
				  source.text.size);
	}
	if (line.blank_before && out.size)
		sbuf_putc(&out, '_');
	ck_assert_str_eq(out.data, ini_texts[_i].lines);
	ck_assert_int_eq(ini_next(&ini, &line), INI_END);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state_texts");
	TCase *texts = tcase_create("texts");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(texts, setup, teardown);
	tcase_set_timeout(texts, 60);
	tcase_add_loop_test(texts, test_fixed_point, 0, STATES);
	tcase_add_test(texts, test_written);
	tcase_add_test(texts, test_across);
	tcase_add_test(texts, test_opaque);
	tcase_add_loop_test(texts, test_ini, 0, array_size(ini_texts));
	suite_add_tcase(suite, texts);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
