/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rp_filter, ip-sysctl.rst: a link drops a packet whose sender it would not
 * reach through that link.  The higher one of all and of the link holds; 1 is
 * strict, 2 wants any way at all.
 */
#include <string.h>

#include "base/arena.h"
#include "doctor/host.h"

static int value_of(const struct doctor *d, const char *link, const char *name)
{
	const struct sysctl *s = state_sysctl(
		d->have, sysctl_of_link(d->arena, "ipv4", link, name));

	return s && char_is_digit(*s->value) ? *s->value - '0' : 0;
}

static int effective(const struct doctor *d, const char *link,
		     const char *name)
{
	int all = value_of(d, "all", name), own = value_of(d, link, name);

	return all > own ? all : own;
}

static void end_filter(struct doctor *d, struct finding *f, const char *link)
{
	f->file = doctor_printf(d, "/etc/sysctl.d/90-meshapply-%s.conf", link);
	f->content = doctor_printf(d, "%s = 2\n", sysctl_of_link(
		d->arena, "ipv4", link, "rp_filter"));
	f->commands[0] = doctor_printf(d, "sysctl -p %s", f->file);
}

/* What the tunnel takes is sought by the mark only where that is said. */
static void check_uplinks(struct doctor *d, const struct doctor_mesh *m)
{
	for (size_t i = 0; i < d->have->link_count; i++) {
		const struct link *link = &d->have->links[i];
		struct finding *f;

		if (!link->up || !strcmp(link->name, m->device) ||
		    !strcmp(link->name, "lo") ||
		    effective(d, link->name, "rp_filter") != 1 ||
		    effective(d, link->name, "src_valid_mark"))
			continue;
		f = finding_add(d, FINDING_ERROR, "rp-filter-uplink", m);
		f->what = doctor_printf(d, "rp_filter is strict on %s, and %s "
			"takes all traffic", link->name, m->device);
		f->why = "what peers send is dropped where it comes in, for "
			"the way back to them seems to lead into the tunnel";
		f->file = "/etc/sysctl.d/90-meshapply.conf";
		f->content = "net.ipv4.conf.all.src_valid_mark = 1\n";
		f->commands[0] = doctor_printf(d, "sysctl -p %s", f->file);
		return;
	}
}

void check_reverse_path(struct doctor *d, const struct doctor_mesh *m)
{
	struct finding *f;

	if (m->everything)
		check_uplinks(d, m);
	if (!m->have || effective(d, m->device, "rp_filter") != 1)
		return;
	f = finding_add(d, FINDING_WARNING, "rp-filter", m);
	f->what = doctor_printf(d, "rp_filter is strict on %s", m->device);
	f->why = "a packet of the mesh is dropped where the way back to its "
		"sender leads elsewhere: two hubs, a subnet with two gateways";
	end_filter(d, f, m->device);
}
