/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a text compiles to, told from another one: held to libnftables. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "support/nft_live.h"
#include "support/random.h"

#define ROUNDS 40
#define ITEMS_MAX 24

/* A table whose sets have these elements. */
struct sets {
	const char *nets4, *hosts4, *nets6, *hosts6;
};

#define OTHERS \
	" set ports { type inet_service; flags interval;\n" \
	"  elements = { 22, 80-90, { 443 } } } # } {\n" \
	" map way { type ipv4_addr : verdict\n" \
	"  elements = { 10.0.0.1 : drop, 10.0.0.2 : jump other } }\n" \
	" set named { type ifname; elements = { \"wg0\" } }\n"

static struct str text_of(const struct sets *s)
{
	char *text = arena_printf(live.arena,
		"define wan = \"eth0\"\n"
		"table inet " SETS " {\n" OTHERS
		" set nets4 {\n  type ipv4_addr\n  flags interval\n"
		"  elements = {\n%s\n  }\n }\n"
		" set hosts4 { type ipv4_addr; elements = { %s } }\n"
		" set nets6 { type ipv6_addr; flags interval;"
		" elements = { %s } }\n"
		" set hosts6 { type ipv6_addr; elements={%s} }\n"
		" chain other { }\n"
		" chain entry { type filter hook output priority 0;\n"
		"  oifname $wan ip daddr @nets4 counter\n"
		"  ip daddr @hosts4 drop\n"
		"  ip6 daddr @nets6 ip6 daddr @hosts6 drop\n"
		"  ip daddr { 10.9.0.0/16, 10.10.0.0/16 } tcp dport @ports\n"
		"  ip saddr vmap @way\n }\n}\n",
		s->nets4, s->hosts4, s->nets6, s->hosts6);

	return str_of(text);
}

static const struct sets simple = {
	"10.0.0.0/24, 10.0.2.0/24", "10.0.0.1", "fd00::/64, fd00:0:0:2::1",
	"fd00::1, ::2",
};

static void assert_elements(const struct firewall *a,
			    const struct firewall_object *x,
			    const struct firewall *b,
			    const struct firewall_object *y)
{
	ck_assert_uint_eq(x->element_count, y->element_count);
	for (size_t i = 0; i < x->element_count; i++) {
		const struct firewall_element *v =
			&a->elements[x->element_first + i];
		const struct firewall_element *w =
			&b->elements[y->element_first + i];

		ck_assert_msg(str_equal(v->bytes, w->bytes), "%s", x->name);
		ck_assert_msg(str_equal(v->raw, w->raw), "%s", x->name);
		ck_assert_int_eq(v->sendable, w->sendable);
	}
}

static void assert_equal(const struct firewall *a, const struct firewall *b)
{
	ck_assert_uint_eq(a->object_count, b->object_count);
	ck_assert_uint_eq(a->element_count, b->element_count);
	for (size_t i = 0; i < a->object_count; i++)
		assert_elements(a, &a->objects[i], b, &b->objects[i]);
	live_assert_same(a, b);
	/* and so what is kept of it */
	ck_assert(str_equal(firewall_pack(live.arena, a),
			    firewall_pack(live.arena, b)));
}

/* Load OLD, then tell NEW from it; false: it is to be compiled. */
static bool patch(struct str old, struct str new, struct firewall *out)
{
	struct firewall have;

	live_load(SETS, old);
	have = live_observe(SETS);
	*out = (struct firewall){ .table = SETS, .text = new };
	return nft_patch(live.arena, old, &have, out);
}

static void patches(const struct sets *old, const struct sets *new)
{
	struct str text = text_of(new);
	struct firewall made, whole = live_compile(SETS, text);

	ck_assert(patch(text_of(old), text, &made));
	assert_equal(&made, &whole);
	live_apply_delta(text);
}

static void leaves(const struct sets *old, const struct sets *new)
{
	struct firewall made;

	ck_assert_msg(!patch(text_of(old), text_of(new), &made),
		      "%s, %s, %s, %s", new->nets4, new->hosts4, new->nets6,
		      new->hosts6);
	ck_assert(!made.compiled && !made.objects);
}

static const struct sets told[] = {
	{ "10.0.0.0/24", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24,\n\t10.0.1.0/24,", "10.0.0.1,10.0.0.2,",
	  "fd00::/64, fd00:0:0:1::/64", "fd00::1" },
	{ "0.0.0.0/8", "0.0.0.0", "::", "::" },
	{ "0.0.0.0", "255.255.255.255", "::/128, ::1",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "255.255.255.254", "10.0.0.1", "fe00::/8", "fd00::2" },
	{ "255.255.254.0/24, 255.255.253.0/24", "10.0.0.1",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "fd00::2" },
	{ "0.0.0.0/1", "10.0.0.1", "::/1", "FD00::A" },
	{ "10.0.0.3, 10.0.0.1, 10.0.0.2", "10.0.0.3, 10.0.0.1",
	  "fd00::ff/128, fd00::100/120", "fd00::3, fd00::1" },
	{ "9.255.255.0/24, 10.0.0.0/31", "10.0.0.1", "fd00:0:0:ff00::/56",
	  "fd00::2" },
};

START_TEST(what_is_told_is_what_is_compiled)
{
	for (size_t i = 0; i < array_size(told); i++) {
		patches(&simple, &told[i]);
		patches(&told[i], &simple);
	}
}
END_TEST

static const struct sets left[] = {
	/* what is no address, or more than one */
	{ "10.0.0.0-10.0.0.9", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24 comment \"x\"", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24 # x", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "{ 10.0.0.1 }", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "localhost", "fd00::/64", "fd00::1" },
	/* nft takes these as well, but not as they stand */
	{ "10.0.0.1/24", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "10.0.0.1", "fd00::/64", "::ffff:10.0.0.1" },
	{ "10.0.0.0/24", "10.0.0.1, 10.0.0.1", "fd00::/64", "fd00::1" },
	/* an interval without an end is marked as such */
	{ "255.255.255.255", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "128.0.0.0/1, 0.0.0.0/1", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "0.0.0.0/0", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "10.0.0.1", "ff00::/8", "fd00::1" },
	{ "10.0.0.0/24", "10.0.0.1", "::/0", "fd00::1" },
	/* and these not at all */
	{ "10.0.0.0/24", "10.0.0.1, 10.0.0.2/32", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "10.0.0.1", "fd00::/64", "fd00::1/128" },
	{ "10.0.0.0/24, 10.0.0.128/25", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "fd00::1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "010.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "10.0.0.1 10.0.0.2", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "10.0.0.1,,10.0.0.2", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24", "", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24,\n\n10.1.0.0/24", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24\n", "10.0.0.1", "fd00::/64", "fd00::1" },
	{ "10.0.0.0/24 }; elements = { 10.1.0.0/24", "10.0.0.1", "fd00::/64",
	  "fd00::1" },
};

START_TEST(what_cannot_be_told_is_left)
{
	for (size_t i = 0; i < array_size(left); i++)
		leaves(&simple, &left[i]);
}
END_TEST

/* The word FROM of simple's text is TO in the new one. */
static struct str with(struct str text, const char *from, const char *to)
{
	const char *at = memmem(text.data, text.size, from, strlen(from));
	struct sbuf out;

	ck_assert_ptr_nonnull(at);
	sbuf_init(&out, live.arena);
	sbuf_add(&out, text.data, (size_t)(at - text.data));
	sbuf_puts(&out, to);
	sbuf_puts(&out, at + strlen(from));
	return (struct str){ out.data, out.size };
}

START_TEST(what_is_around_has_to_be_the_same)
{
	static const char *const words[][2] = {
		{ "eth0", "eth1" }, { "priority 0", "priority 1" },
		{ "set named", "set other" }, { "@nets4 counter", "@nets4" },
		{ "10.9.0.0/16", "10.8.0.0/16" }, { "443", "444" },
		{ "10.0.0.2 : jump", "10.0.0.3 : jump" },
		{ "set hosts4 { type", "set hosts4 { size 9; type" },
		{ "chain other { }", "chain other { return; }" },
		{ "\"wg0\"", "\"wg1\"" },
	};
	struct str old = text_of(&simple);
	struct firewall made;

	for (size_t i = 0; i < array_size(words); i++)
		ck_assert_msg(!patch(old, with(old, words[i][0], words[i][1]),
				     &made), "%s", words[i][1]);
	/* comments and blanks are of what is around, too */
	ck_assert(!patch(old, with(old, "# } {", "# }"), &made));
}
END_TEST

/* Sets that have more than addresses, in both texts. */
START_TEST(only_sets_of_addresses_are_told)
{
	static const char *const heads[] = {
		"size 9;", "counter;", "timeout 1h;", 		"comment \"x\";", "policy memory;",
		"flags dynamic;", "flags constant;",
		"elements = { 10.7.0.1 };",
	};

	for (size_t i = 0; i < array_size(heads); i++) {
		const char *head = arena_printf(
			live.arena, "set hosts4 { %s type", heads[i]);
		struct str old = with(text_of(&simple), "set hosts4 { type",
				      head);
		struct str new = with(old, "elements = { 10.0.0.1 }",
				      "elements = { 10.0.0.2 }");
		struct firewall made;

		ck_assert_msg(!patch(old, new, &made), "%s", heads[i]);
	}
}
END_TEST

START_TEST(a_live_table_of_another_text_is_left)
{
	struct str old = text_of(&simple), new = text_of(&told[0]);
	struct firewall have, made = { .table = SETS, .text = new };

	live_load(SETS, text_of(&told[1]));
	have = live_observe(SETS);
	ck_assert(!nft_patch(live.arena, old, &have, &made));
}
END_TEST

static struct random source = { 0x6d657368 };

static unsigned int below(unsigned int limit)
{
	return random_below(&source, limit);
}

struct random_set {
	struct prefix items[ITEMS_MAX];
	size_t count;
};

static bool meets(const struct random_set *set, const struct prefix *p)
{
	for (size_t i = 0; i < set->count; i++)
		if (prefix_covers(&set->items[i], p) ||
		    prefix_covers(p, &set->items[i]))
			return true;
	return false;
}

/* Out of few values, so that they touch, and at both ends. */
static struct prefix random_prefix(uint8_t family, bool hosts)
{
	unsigned int bits = ip_bits(family);
	struct prefix p = { .ip.family = family, .length = (uint8_t)bits };
	unsigned int edge = below(4);

	memset(p.ip.bytes, edge == 0 ? 0xff : edge == 1 ? 0 : 10, bits / 8);
	p.ip.bytes[bits / 8 - 1] = (uint8_t)below(64);
	/* all but the last, which has no end */
	if (edge == 0)
		p.ip.bytes[bits / 8 - 1] = (uint8_t)(0xc0 | below(62));
	p.ip.bytes[bits / 8 - 2] ^= (uint8_t)below(2);
	if (!hosts)
		p.length = (uint8_t)(bits - below(edge ? 12 : 2));
	return prefix_mask(p);
}

static void edit(struct random_set *set, uint8_t family, bool hosts)
{
	for (size_t n = below(6); n; n--) {
		struct prefix p = random_prefix(family, hosts);

		if (set->count > 1 && below(2)) {
			set->items[below((unsigned)set->count)] =
				set->items[set->count - 1];
			set->count--;
		} else if (set->count < ITEMS_MAX && !meets(set, &p)) {
			set->items[set->count++] = p;
		}
	}
	while (!set->count) {
		set->items[0] = random_prefix(family, hosts);
		set->count = 1;
	}
}

static const char *words_of(const struct random_set *set)
{
	char text[PREFIX_TEXT_MAX];
	struct sbuf out;

	sbuf_init(&out, live.arena);
	for (size_t i = 0; i < set->count; i++) {
		const struct prefix *p = &set->items[i];

		sbuf_puts(&out, i ? below(2) ? ", " : ",\n\t" : "");
		sbuf_puts(&out, p->length == ip_bits(p->ip.family) ?
			  ip_format(&p->ip, text) : prefix_format(p, text));
	}
	return out.data;
}

/* Each from the one before, by the delta of what was told. */
START_TEST(random_edits_are_told_as_they_are_compiled)
{
	struct random_set s[4] = { 0 };
	struct str old = text_of(&simple);

	live_load(SETS, old);
	for (int i = 0; i < ROUNDS; i++) {
		struct firewall have = live_observe(SETS), whole, made = {
			.table = SETS };
		struct sets next;

		for (int j = 0; j < 4; j++)
			edit(&s[j], j < 2 ? AF_INET : AF_INET6, j % 2);
		next = (struct sets){ words_of(&s[0]), words_of(&s[1]),
				      words_of(&s[2]), words_of(&s[3]) };
		made.text = text_of(&next);
		ck_assert_msg(nft_patch(live.arena, old, &have, &made),
			      "%.*s", (int)made.text.size, made.text.data);
		whole = live_compile(SETS, made.text);
		assert_equal(&made, &whole);
		ck_assert_msg(live_send_delta(&made, &have) == 0, "%s",
			      live.e.text);
		have = live_observe(SETS);
		assert_equal(&made, &have);
		old = made.text;
	}
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, what_is_told_is_what_is_compiled);
	tcase_add_test(t, what_cannot_be_told_is_left);
	tcase_add_test(t, what_is_around_has_to_be_the_same);
	tcase_add_test(t, only_sets_of_addresses_are_told);
	tcase_add_test(t, a_live_table_of_another_text_is_left);
	tcase_add_test(t, random_edits_are_told_as_they_are_compiled);
}

int main(void)
{
	return live_main("nft: told from another text", add);
}
