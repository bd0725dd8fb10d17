/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: any state comes back as it was; rubbish never does. */
#include <check.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "plan/plan.h"
#include "state/firewall.h"
#include "support/netns.h"
#include "support/scratch.h"

#define JOURNAL "run/meshapply/office/journal"

static struct scratch scratch;
static struct arena *arena, *secrets;
static struct store *store;
static struct err e;
static uint64_t seed;

static void setup(void)
{
	scratch_open(&scratch);
	arena = arena_new((size_t)1 << 30);
	secrets = arena_new_secret((size_t)1 << 28);
	memset(&e, 0, sizeof(e));
	ck_assert_msg(!store_open(arena, scratch.path, "office", true, &store,
				  &e), "%s", e.text);
	seed = 7;
}

static void teardown(void)
{
	store_close(store);
	arena_free(secrets);
	arena_free(arena);
	scratch_close(&scratch);
}

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static bool chance(void)
{
	return draw(2);
}

static struct ip any_ip(uint8_t family)
{
	struct ip ip = { .family = family };

	for (unsigned int i = 0; i < ip_bits(family) / 8; i++)
		ip.bytes[i] = (uint8_t)draw(256);
	return ip;
}

static uint8_t any_family(void)
{
	return chance() ? AF_INET : AF_INET6;
}

static struct prefix any_prefix(uint8_t family)
{
	struct prefix p = { .ip = any_ip(family),
			    .length = (uint8_t)draw(ip_bits(family) + 1) };

	return prefix_mask(p);
}

static const struct key *any_key(void)
{
	struct key *key = arena_new_object(secrets, struct key);

	for (int i = 0; i < KEY_SIZE; i++)
		key->bytes[i] = (uint8_t)draw(256);
	key->bytes[0] |= 1;
	return key;
}

static struct prefix *any_prefixes(size_t count)
{
	struct prefix *all = arena_new_array(arena, struct prefix, count);

	for (size_t i = 0; i < count; i++)
		all[i] = any_prefix(any_family());
	return all;
}

static void any_peer(struct peer *peer)
{
	peer->public_key = *any_key();
	if (chance())
		peer->preshared_key = any_key();
	if (chance()) {
		peer->endpoint.ip = any_ip(any_family());
		peer->endpoint.port = (uint16_t)(1 + draw(65535));
		peer->endpoint.scope = draw(3);
	}
	peer->keepalive = (uint16_t)draw(3);
	peer->allowed_ip_count = draw(5);
	peer->allowed_ips = any_prefixes(peer->allowed_ip_count);
}

static void any_device(struct device *d, int number)
{
	snprintf(d->name, sizeof(d->name), "wg%d%s", number,
		 chance() ? "" : "%x y");
	d->has = DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT | DEVICE_FWMARK |
		 DEVICE_MTU | DEVICE_UP | DEVICE_ALIAS | DEVICE_GROUP |
		 DEVICE_VRF;
	if (chance())
		strcpy(d->vrf, "a vrf");
	d->private_key = any_key();
	key_public(d->private_key, &d->public_key);
	d->listen_port = (uint16_t)draw(65536);
	d->fwmark = draw(3);
	d->mtu = 1280 + draw(500);
	d->group = OUR_LINK_GROUP;
	snprintf(d->alias, sizeof(d->alias), chance() ? OUR_ALIAS "office" :
		 "an alias\twith\nall %%20 kinds \x01\xff");
	d->up = chance();
	d->owned = true;
	d->address_count = draw(4);
	d->addresses = any_prefixes(d->address_count);
	d->peer_count = draw(6);
	d->peers = arena_new_array(arena, struct peer, d->peer_count);
	for (size_t i = 0; i < d->peer_count; i++)
		any_peer(&d->peers[i]);
}

static void any_route(struct route *r)
{
	uint8_t family = any_family();

	r->prefix = any_prefix(family);
	r->type = chance() ? RTN_UNICAST : RTN_BLACKHOLE;
	r->protocol = chance() ? OUR_PROTOCOL : RTPROT_BOOT;
	r->scope = chance() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	r->tos = (uint8_t)(draw(4) * 4);
	r->table = 254 + draw(70000);
	r->metric = draw(2) * 1024;
	if (chance())
		r->via = any_ip(family);
	if (chance())
		snprintf(r->device, sizeof(r->device), "wg0");
	if (chance())
		r->source = any_ip(family);
	r->mtu = draw(2) * 1300;
	r->advmss = draw(2) * 1200;
	r->mtu_locked = chance();
	r->onlink = chance();
	r->owned = true;
}

static void any_rule(struct rule *r)
{
	r->family = any_family();
	r->action = chance() ? FR_ACT_TO_TBL : FR_ACT_BLACKHOLE;
	r->protocol = chance() ? OUR_PROTOCOL : RTPROT_BOOT;
	r->tos = (uint8_t)(draw(2) * 16);
	r->priority = draw(32766);
	r->invert = chance();
	if (chance())
		r->from = any_prefix(r->family);
	if (chance())
		r->to = any_prefix(r->family);
	if (chance())
		snprintf(r->iif, sizeof(r->iif), "lo");
	if (chance())
		snprintf(r->oif, sizeof(r->oif), "wg0");
	r->fwmark = draw(2) * 51820;
	r->fwmask = r->fwmark ? UINT32_MAX : 0;
	r->table = draw(300);
	r->suppress_prefixlength = (int32_t)draw(4) - 1;
	r->ip_protocol = (uint8_t)(draw(2) * 17);
	r->source_port[0] = (uint16_t)draw(2);
	r->source_port[1] = (uint16_t)(r->source_port[0] * 80);
	r->destination_port[1] = (uint16_t)draw(99);
	r->uid_range[0] = draw(2) * 1000;
	r->uid_range[1] = UINT32_MAX;
	r->owned = true;
}

static void any_state(struct state *s)
{
	static struct sysctl sysctls[] = {
		{ .key = "net.ipv4.conf.all.src_valid_mark", .value = "1" },
		{ .key = "net.ipv4.conf.eth0/7.forwarding", .value = "0" },
		{ .key = "net.ipv4.ip_forward", .value = "1\t2 3" },
	};

	memset(s, 0, sizeof(*s));
	strcpy(s->mesh, "office");
	s->device_count = draw(3);
	s->devices = arena_new_array(arena, struct device, 3);
	for (size_t i = 0; i < s->device_count; i++)
		any_device(&s->devices[i], (int)i);
	s->route_count = draw(6);
	s->routes = arena_new_array(arena, struct route, 6);
	for (size_t i = 0; i < s->route_count; i++)
		any_route(&s->routes[i]);
	s->rule_count = draw(6);
	s->rules = arena_new_array(arena, struct rule, 6);
	for (size_t i = 0; i < s->rule_count; i++)
		any_rule(&s->rules[i]);
	s->sysctls = sysctls;
	s->sysctl_count = draw(4);
	state_normalise(s);
}

static void expect_no_steps(const struct state *want,
			    const struct state *have)
{
	struct plan_options options = { .restore = true };
	struct plan plan;

	ck_assert_msg(!plan_diff(arena, want, have, NULL, &options, &plan,
				 &e), "%s", e.text);
	ck_assert_msg(!plan.count, "%s", plan.count ? plan.steps[0].id : "");
}

static void write_journal(const struct journal *journal)
{
	ck_assert_msg(!journal_write(store, secrets, journal, &e), "%s",
		      e.text);
}

static int read_journal(struct journal *journal, bool *same_boot)
{
	return journal_read(store, arena, secrets, journal, same_boot, &e);
}

static void read_good(struct journal *journal)
{
	bool same_boot = false;

	ck_assert_msg(!read_journal(journal, &same_boot), "%s", e.text);
	ck_assert(same_boot);
}

static void expect_same_objects(const struct state *a, const struct state *b)
{
	ck_assert_uint_eq(a->device_count, b->device_count);
	ck_assert_uint_eq(a->route_count, b->route_count);
	ck_assert_uint_eq(a->rule_count, b->rule_count);
	ck_assert_uint_eq(a->sysctl_count, b->sysctl_count);
	for (size_t i = 0; i < a->device_count; i++) {
		ck_assert_str_eq(a->devices[i].alias, b->devices[i].alias);
		ck_assert(key_equal(a->devices[i].private_key,
				    b->devices[i].private_key));
		ck_assert_uint_eq(a->devices[i].peer_count,
				  b->devices[i].peer_count);
	}
	for (size_t i = 0; i < a->route_count; i++) {
		ck_assert(route_equal(&a->routes[i], &b->routes[i]));
		ck_assert_int_eq(a->routes[i].protocol,
				 b->routes[i].protocol);
	}
	for (size_t i = 0; i < a->rule_count; i++)
		ck_assert(rule_equal(&a->rules[i], &b->rules[i]));
}

START_TEST(any_state_comes_back)
{
	for (int i = 0; i < 200; i++) {
		size_t mark = arena_mark(arena);
		size_t secret_mark = arena_mark(secrets);
		struct journal out = { 0 }, in;

		any_state(&out.before);
		any_state(&out.added);
		write_journal(&out);
		read_good(&in);
		expect_same_objects(&out.before, &in.before);
		expect_same_objects(&out.added, &in.added);
		expect_no_steps(&out.before, &in.before);
		expect_no_steps(&in.before, &out.before);
		arena_reset(arena, mark);
		arena_reset(secrets, secret_mark);
	}
}
END_TEST

static struct firewall *a_firewall(const char *text)
{
	static struct firewall_object table = {
		.kind = FIREWALL_TABLE, .name = "meshapply_office",
		.bytes = { "a\0\n%b", 5 },
	};
	struct firewall *f = arena_new_object(arena, struct firewall);

	*f = (struct firewall){
		.table = "meshapply_office", .text = str_of(text),
		.compiled = true, .objects = &table, .object_count = 1,
	};
	return f;
}

START_TEST(the_firewall_comes_back)
{
	static const char *const texts[] = {
		"", "table inet meshapply_office {\n}\n",
	};

	for (size_t i = 0; i < array_size(texts); i++) {
		struct journal out = { 0 }, in;

		out.before.firewall = a_firewall(texts[i]);
		out.firewall_lost = !*texts[i];
		write_journal(&out);
		read_good(&in);
		ck_assert_int_eq(in.firewall_lost, out.firewall_lost);
		ck_assert(str_is(in.before.firewall->text, texts[i]));
		ck_assert_int_eq(firewall_compare(in.before.firewall,
						  out.before.firewall),
				 FIREWALL_SAME);
	}
}
END_TEST

/* The journal has no element as it would be sent: only the text brings one
   back. */
START_TEST(elements_come_back_by_the_text)
{
	static struct firewall_element element = {
		.bytes = { "key", 3 }, .raw = { "raw", 3 }, .sendable = true,
	};
	static struct firewall_object set = {
		.kind = FIREWALL_SET, .name = "sources", .bytes = { "", 0 },
		.elements_writable = true, .elements_compared = true,
		.element_count = 1,
	};
	struct firewall_object emptied = set;
	struct firewall live = {
		.table = "meshapply_office", .compiled = true,
		.objects = &emptied, .object_count = 1,
	};
	struct journal out = { 0 }, in;
	struct firewall *f = a_firewall("");

	f->objects = &set;
	f->elements = &element;
	f->element_count = 1;
	emptied.element_count = 0;
	out.before.firewall = f;
	ck_assert_int_eq(firewall_compare(f, &live), FIREWALL_ELEMENTS);
	write_journal(&out);
	read_good(&in);
	ck_assert_int_eq(firewall_compare(in.before.firewall, f),
			 FIREWALL_SAME);
	ck_assert_int_eq(firewall_compare(in.before.firewall, &live),
			 FIREWALL_DIFFERENT);
}
END_TEST

START_TEST(no_other_text_reaches_the_compiler)
{
	static const char *const texts[] = {
		"include \"/etc/shadow\"\n", "flush ruleset\n",
		"table inet filter {\n}\n",
		"table inet meshapply_office {\n}\ntable ip x {\n}\n",
	};

	for (size_t i = 0; i < array_size(texts); i++) {
		struct journal out = { 0 }, in;
		bool same;

		out.before.firewall = a_firewall(texts[i]);
		write_journal(&out);
		ck_assert_int_eq(read_journal(&in, &same), -1);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_str_eq(e.guard, "journal");
	}
}
END_TEST

static struct str whole_journal(void)
{
	struct str text;

	ck_assert_int_eq(file_read_path(arena_printf(arena, "%s/" JOURNAL,
						     scratch.path),
					1 << 20, arena, &text, &e), 0);
	return text;
}

static void put_journal(struct str text)
{
	int fd = openat(scratch.folder, JOURNAL, O_WRONLY | O_TRUNC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text.data, text.size), (ssize_t)text.size);
	close(fd);
}

START_TEST(cut_off_anywhere)
{
	struct journal journal = { 0 };
	struct str text;

	seed = 99;
	any_state(&journal.before);
	any_state(&journal.added);
	journal.before.firewall =
		a_firewall("table inet meshapply_office {\n}\n");
	write_journal(&journal);
	text = whole_journal();
	for (size_t size = 0; size < text.size; size++) {
		size_t mark = arena_mark(arena);
		bool same;

		put_journal((struct str){ text.data, size });
		ck_assert_int_eq(read_journal(&journal, &same), -1);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
		ck_assert_str_eq(e.guard, "journal");
		arena_reset(arena, mark);
	}
}
END_TEST

/* One line more, before the end. */
static void expect_refused(const char *line)
{
	struct journal journal = { 0 };
	bool same;

	write_journal(&journal);
	struct str text = whole_journal();

	put_journal(str_of(arena_printf(arena, "%.*s%s\nend\n",
					(int)(text.size - 4), text.data,
					line)));
	ck_assert_msg(read_journal(&journal, &same) == -1, "%s", line);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_str_eq(e.guard, "journal");
}

START_TEST(lines_that_are_refused)
{
	static const char *const lines[] = {
		"", " ", "rubbish", "device", "device name=", "device name=a/b",
		"device name=a_name_that_is_too_long", "device name=wg0 mtu=0",
		"device name=wg0 mtu=4294967296", "device name=wg0 mtu=01",
		"device name=wg0 mtu=1 mtu=1", "device mtu=1 name=wg0",
		"device name=wg0 x=1", "device name=wg0 up=0",
		"device name=wg%0", "device name=wg%00", "device name=wg%41",
		"device name=wg%2f", "device name=wg0 private-key=x",
		("peer public-key="
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="),
		"device name=wg0\npeer", "device name=wg0\naddress",
		"address prefix=10.0.0.1/8", "allowed-ip prefix=10.0.0.0/8",
		"device name=wg0\nallowed-ip prefix=10.0.0.0/8",
		"route prefix=10.0.0.0/33", "route", "rule", "rule family=7",
		"rule family=2 suppress-prefixlength=-0",
		"sysctl key=net.ipv4.ip_forward", "sysctl value=1",
		"sysctl key=kernel.core_pattern value=x",
		"sysctl key=net.ipv4.conf.//.forwarding value=1",
		"sysctl key=net.ipv4.conf.a.b.forwarding value=1",
		"sysctl key=net.ipv4.conf..forwarding value=1",
		"sysctl key=net/ipv4/ip_forward value=1",
		"firewall text=5 canon=5\nxx", "firewall",
		"firewall text=18446744073709551615", "end",
	};

	for (size_t i = 0; i < array_size(lines); i++)
		expect_refused(lines[i]);
}
END_TEST

static void edit(const char *expression)
{
	char line[256];

	snprintf(line, sizeof(line), "sed -i '%s' %s/" JOURNAL, expression,
		 scratch.path);
	ck_assert_int_eq(system(line), 0);
}

START_TEST(of_elsewhere)
{
	uint64_t living = netns_living();
	struct journal journal = { 0 };
	bool same = true;

	write_journal(&journal);
	edit(arena_printf(arena, "s/netns=[0-9]*/netns=%llu/",
			  (unsigned long long)living));
	if (living) {
		ck_assert_int_eq(read_journal(&journal, &same), -1);
		ck_assert_int_eq(e.kind, ERR_CONFIG);
	}
	edit("s/netns=[0-9]*/netns=1/");
	ck_assert_int_eq(read_journal(&journal, &same), 0);
	ck_assert(!same);
	edit("s/boot=[0-9a-f]/boot=x/");
	ck_assert_int_eq(read_journal(&journal, &same), 0);
	ck_assert(!same);
	edit("s/meshapply 1/meshapply 2/");
	ck_assert_int_eq(read_journal(&journal, &same), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_str_eq(e.guard, "journal");
}
END_TEST

START_TEST(marks)
{
	struct journal journal = { 0 };
	struct stat st;

	ck_assert_int_eq(journal_look(store), JOURNAL_NONE);
	ck_assert_int_eq(journal_close(store, &e), 0);
	write_journal(&journal);
	ck_assert_int_eq(fstatat(scratch.folder, JOURNAL, &st, 0), 0);
	ck_assert_int_eq((int)(st.st_mode & 0777), 0600);
	ck_assert_int_eq(journal_look(store), JOURNAL_OPEN);
	ck_assert_int_eq(journal_mark_verified(store, &e), 0);
	ck_assert_int_eq(journal_look(store), JOURNAL_VERIFIED);
	ck_assert_msg(!journal_finish(store, &e), "%s", e.text);
	ck_assert_int_eq(journal_look(store), JOURNAL_NONE);
	/* The mark of one is not the mark of the next. */
	write_journal(&journal);
	ck_assert_int_eq(journal_mark_verified(store, &e), 0);
	write_journal(&journal);
	ck_assert_int_eq(journal_look(store), JOURNAL_OPEN);
	/* One alone is swept away by the next run. */
	ck_assert_int_eq(journal_mark_verified(store, &e), 0);
	ck_assert_int_eq(journal_look(store), JOURNAL_VERIFIED);
	ck_assert_int_eq(unlinkat(scratch.folder, JOURNAL, 0), 0);
	ck_assert_int_eq(store_lock(store, 0, &e), 0);
	ck_assert_int_eq(fstatat(scratch.folder, JOURNAL ".verified", &st, 0),
			 -1);
	ck_assert_int_eq(journal_close(store, &e), 0);
}
END_TEST

START_TEST(a_journal_that_is_a_link)
{
	struct journal journal = { 0 };
	bool same;

	ck_assert_int_eq(symlinkat("/etc/hostname", scratch.folder, JOURNAL),
			 0);
	ck_assert_int_eq(read_journal(&journal, &same), -1);
	ck_assert_int_eq(e.kind, ERR_CONFIG);
	ck_assert_int_eq(journal_write(store, secrets, &journal, &e), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tc = tcase_create("journal");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, any_state_comes_back);
	tcase_add_test(tc, the_firewall_comes_back);
	tcase_add_test(tc, elements_come_back_by_the_text);
	tcase_add_test(tc, no_other_text_reaches_the_compiler);
	tcase_add_test(tc, cut_off_anywhere);
	tcase_add_test(tc, lines_that_are_refused);
	tcase_add_test(tc, of_elsewhere);
	tcase_add_test(tc, marks);
	tcase_add_test(tc, a_journal_that_is_a_link);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
