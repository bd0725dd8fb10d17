/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plans seldom meet: what could not be read, and very long lists. */
#include <string.h>
#include <sys/socket.h>

#include "support/build.h"
#include "support/check.h"

#define MESH "office"
#define MANY 2100	/* old and new are more than can be put in order */

static struct arena *arena;
static struct build want, have;
static struct plan plan;
static struct plan_options options;
static struct err err;

static void start(void)
{
	arena = arena_new((size_t)1 << 28);
	build_init(&want, arena, MESH);
	build_init(&have, arena, MESH);
	memset(&options, 0, sizeof(options));
	build_device(&want, "wg0", 1)->up = true;
	build_device(&have, "wg0", 1)->up = true;
	have.s.devices[0].owned = true;
}

static void end(void)
{
	arena_free(arena);
}

static void diff(void)
{
	ck_assert_msg(!plan_diff(arena, &want.s, &have.s, NULL, &options,
				 &plan, &err), "%s", err.text);
}

static bool noted(const char *words)
{
	for (size_t i = 0; i < plan.note_count; i++)
		if (strstr(plan.notes[i], words))
			return true;
	return false;
}

/* Without the right to read them, keys and peers are left out, and told. */
START_TEST(unread_key)
{
	build_peer(&want, &want.s.devices[0], 7, NULL, "10.0.0.2/32");
	have.s.devices[0].has &= ~(unsigned int)DEVICE_PRIVATE_KEY;
	diff();
	ck_assert(plan_kinds(&plan, STEP_PEER_ADD) == 1);
	options.partial = true;
	diff();
	ck_assert(plan_kinds(&plan, STEP_PEER_ADD) == 0);
	ck_assert(noted("the key and the peers of wg0 could not be read"));
}
END_TEST

START_TEST(unread_firewall)
{
	build_firewall(&want, "table inet meshapply_office {\n}\n");
	diff();
	ck_assert(plan_kinds(&plan, STEP_FIREWALL_LOAD) == 1);
	options.partial = true;
	diff();
	ck_assert(plan_kinds(&plan, STEP_FIREWALL_LOAD) == 0);
	ck_assert(noted("the firewall table could not be read"));
}
END_TEST

static void number(struct device *d, uint8_t second, uint32_t count)
{
	struct prefix *all = arena_new_array(arena, struct prefix, count);

	d->address_count = count;
	d->addresses = all;
	for (uint32_t i = 0; i < count; i++)
		all[i] = (struct prefix){
			.ip = { .family = AF_INET,
				.bytes = { 10, second, (uint8_t)(i >> 8),
					   (uint8_t)i } },
			.length = 32,
		};
}

/* All go and all come, without a search for the best order. */
START_TEST(too_many_addresses_to_order)
{
	number(&want.s.devices[0], 2, MANY);
	number(&have.s.devices[0], 1, MANY);
	diff();
	ck_assert(plan_kinds(&plan, STEP_ADDRESS_REMOVE) == MANY);
	ck_assert(plan_kinds(&plan, STEP_ADDRESS_ADD) == MANY);
	number(&have.s.devices[0], 2, MANY);
	diff();
	ck_assert(plan.count == 0);
}
END_TEST

/* Nor is it looked up which of so many comes again. */
START_TEST(far_too_many_addresses)
{
	number(&want.s.devices[0], 1, 2);
	number(&have.s.devices[0], 1, 2 * MANY);
	diff();
	ck_assert(plan_kinds(&plan, STEP_ADDRESS_REMOVE) == 2 * MANY);
	ck_assert(plan_kinds(&plan, STEP_ADDRESS_ADD) == 2);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(unread_key),
		CHECK_CASE(unread_firewall),
		CHECK_CASE(too_many_addresses_to_order),
		CHECK_CASE(far_too_many_addresses),
	};

	return check_run_within("plan: corners", cases,
				sizeof(cases) / sizeof(*cases), start, end);
}
