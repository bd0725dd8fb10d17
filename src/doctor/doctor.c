/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "doctor/host.h"

void doctor_host(struct doctor *d)
{
	check_kernel(d);
	check_ruleset(d);
	if (d->daemons)
		check_networkd(d, NULL);
}

void doctor_managers(struct doctor *d, const struct doctor_mesh *m)
{
	check_networkd(d, NULL);
	check_networkd(d, m);
	check_network_manager(d, m);
}

void doctor_mesh(struct doctor *d, const struct doctor_mesh *m)
{
	check_names(d, m);
	check_clock_of(d, m);
	check_port(d, m);
	check_forward(d, m);
	check_reverse_path(d, m);
	/* Services of the host see no other network namespace. */
	if (!d->daemons)
		return;
	check_units(d, m);
	check_networkd(d, m);
	check_network_manager(d, m);
}

static int text_order(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int finding_order(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = (y->level > x->level) - (y->level < x->level);

	if (!order)
		order = text_order(x->mesh, y->mesh);
	if (!order)
		order = text_order(x->id, y->id);
	return order ? order : text_order(x->what, y->what);
}

void doctor_sort(struct doctor_findings *f)
{
	if (f->count)
		qsort(f->items, f->count, sizeof(*f->items), finding_order);
}

bool doctor_has(const struct doctor_findings *f, enum finding_level level)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].level == level)
			return true;
	return false;
}
