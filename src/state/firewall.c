/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state/firewall.h"

#include <string.h>

#include "base/arena.h"

#define PREFIX "meshapply_"

/* Besides letters and digits nft's identifiers may hold these, and "/". */
static bool is_plain(char c)
{
	return char_is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
}

char *firewall_table_name(struct arena *arena, const char *mesh)
{
	struct sbuf name;

	sbuf_init(&name, arena);
	sbuf_puts(&name, PREFIX);
	for (; *mesh; mesh++) {
		if (is_plain(*mesh))
			sbuf_putc(&name, *mesh);
		else
			sbuf_printf(&name, "/%02x",
				    (unsigned int)(unsigned char)*mesh);
	}
	return name.data;
}

static bool object_equal(const struct firewall_object *a,
			 const struct firewall_object *b)
{
	return a->kind == b->kind && a->rank == b->rank &&
	       a->elements_writable == b->elements_writable &&
	       a->elements_compared == b->elements_compared &&
	       !strcmp(a->name, b->name) && str_equal(a->bytes, b->bytes);
}

/*
 * Elements of one set on both sides, each sorted: a merge.  What is on one
 * side only would have to be sent, to be added or to be deleted.
 */
static enum firewall_difference compare_elements(
	const struct firewall *want, const struct firewall_object *a,
	const struct firewall *have, const struct firewall_object *b)
{
	const struct firewall_element *x = want->elements + a->element_first;
	const struct firewall_element *y = have->elements + b->element_first;
	const struct firewall_element *x_end = x + a->element_count;
	const struct firewall_element *y_end = y + b->element_count;
	enum firewall_difference difference = FIREWALL_SAME;

	if (!a->elements_compared)
		return FIREWALL_SAME;
	while (x < x_end || y < y_end) {
		const struct firewall_element *odd;
		int order;

		if (x == x_end)
			order = 1;
		else if (y == y_end)
			order = -1;
		else
			order = str_compare(x->bytes, y->bytes);
		if (!order) {
			x++;
			y++;
			continue;
		}
		odd = order < 0 ? x++ : y++;
		if (!a->elements_writable || !odd->sendable)
			return FIREWALL_DIFFERENT;
		difference = FIREWALL_ELEMENTS;
	}
	return difference;
}

enum firewall_difference firewall_compare(const struct firewall *want,
					  const struct firewall *have)
{
	enum firewall_difference worst = FIREWALL_SAME;

	if (!want || !have)
		return want == have ? FIREWALL_SAME : FIREWALL_DIFFERENT;
	if (!want->compiled || !have->compiled ||
	    want->object_count != have->object_count ||
	    strcmp(want->table, have->table) != 0)
		return FIREWALL_DIFFERENT;
	for (size_t i = 0; i < want->object_count; i++) {
		const struct firewall_object *a = &want->objects[i];
		const struct firewall_object *b = &have->objects[i];
		enum firewall_difference difference;

		if (!object_equal(a, b))
			return FIREWALL_DIFFERENT;
		difference = compare_elements(want, a, have, b);
		if (difference > worst)
			worst = difference;
	}
	return worst;
}
