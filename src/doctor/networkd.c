/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd-networkd(8).  It takes routes and rules that it did not make for
 * leftovers and deletes them when it starts or configures a link, unless told
 * otherwise in networkd.conf(5); a link that a .network file matches it makes
 * its own, and flushes.
 */
#include "base/arena.h"
#include "doctor/host.h"

#define UNIT "systemd-networkd.service"

static const char *const conf_folders[] = {
	"/usr/lib/systemd/networkd.conf.d",
	"/usr/local/lib/systemd/networkd.conf.d",
	"/run/systemd/networkd.conf.d",
	"/etc/systemd/networkd.conf.d",
	NULL,
};

static const char *const unit_folders[] = {
	"/etc/systemd/network", "/run/systemd/network",
	"/usr/local/lib/systemd/network", "/usr/lib/systemd/network",
	"/lib/systemd/network",
};

/* Is the default, yes, overruled? */
static bool is_off(struct doctor *d, const char *key)
{
	const char *const *files;
	size_t count = conf_files(d, "/etc/systemd/networkd.conf",
				  conf_folders, 0, &files);
	struct str text, value;
	bool off = false;

	for (size_t i = 0; i < count; i++)
		if (host_read(d, files[i], &text) &&
		    conf_find(text, "Network", key, &value))
			off = conf_is_no(value);
	return off;
}

static void end_foreign(struct finding *f)
{
	f->file = "/etc/systemd/networkd.conf.d/meshapply.conf";
	f->content = "[Network]\nManageForeignRoutes=no\n"
		"ManageForeignRoutingPolicyRules=no\n";
	f->commands[0] = "systemctl restart systemd-networkd";
}

static void check_foreign(struct doctor *d)
{
	struct finding *f;

	if (!is_off(d, "ManageForeignRoutingPolicyRules")) {
		f = finding_add(d, FINDING_WARNING, "networkd-rules", NULL);
		f->what = "systemd-networkd deletes routing rules that it did "
			"not make (ManageForeignRoutingPolicyRules)";
		f->why = "those of a mesh are gone whenever networkd starts "
			"or sets up a link, and with them a full tunnel";
		end_foreign(f);
	}
	if (!is_off(d, "ManageForeignRoutes")) {
		f = finding_add(d, FINDING_WARNING, "networkd-routes", NULL);
		f->what = "systemd-networkd deletes routes that it did not "
			"make (ManageForeignRoutes)";
		f->why = "those of a mesh may be gone whenever networkd "
			"starts or sets up a link";
		end_foreign(f);
	}
}

static void check_managed(struct doctor *d, const struct doctor_mesh *m)
{
	static const char *const states[] = { "configuring", "configured",
					      "failed" };
	struct str text, state, by;
	struct finding *f;
	size_t i = 0;

	if (!m->have || !host_read(d, doctor_printf(d, "/run/systemd/netif/"
					"links/%u", m->have->index), &text) ||
	    !conf_find(text, "", "ADMIN_STATE", &state))
		return;
	while (i < array_size(states) && !str_is(state, states[i]))
		i++;
	if (i == array_size(states))
		return;
	f = finding_add(d, FINDING_ERROR, "networkd-link", m);
	if (conf_find(text, "", "NETWORK_FILE", &by))
		f->what = doctor_printf(d, "systemd-networkd manages %s, by "
					"%.*s", m->device, (int)by.size,
					by.data);
	else
		f->what = doctor_printf(d, "systemd-networkd manages %s",
					m->device);
	f->why = "addresses and routes that it does not know of are deleted "
		"whenever it sets the link up";
	f->file = doctor_printf(d, "/etc/systemd/network/00-meshapply-%s"
				".network", m->device);
	f->content = doctor_printf(d, "[Match]\nName=%s\n\n[Link]\n"
				   "Unmanaged=yes\n", m->device);
	/* A reload would take its own addresses and routes off first. */
	f->commands[0] = "systemctl restart systemd-networkd";
}

/* A device that it would make itself, at boot at the latest. */
static void check_netdev(struct doctor *d, const struct doctor_mesh *m,
			 const char *folder, const char *name)
{
	const char *path = doctor_printf(d, "%s/%s", folder, name);
	struct str text, value;
	struct finding *f;

	/* One of that name in a folder before takes its place. */
	for (size_t i = 0; unit_folders[i] != folder; i++)
		if (host_exists(d, doctor_printf(d, "%s/%s", unit_folders[i],
						 name)))
			return;
	if (!host_read(d, path, &text) ||
	    !conf_find(text, "NetDev", "Name", &value) ||
	    !str_is(value, m->device))
		return;
	f = finding_add(d, FINDING_ERROR, "networkd-device", m);
	f->what = doctor_printf(d, "%s has systemd-networkd make %s", path,
				m->device);
	f->why = "whoever comes first has the device, and networkd puts its "
		"own key and peers on one that is there";
	f->commands[0] = doctor_printf(d, "mv %s %s.disabled", path, path);
}

void check_networkd(struct doctor *d, const struct doctor_mesh *m)
{
	const char **names;

	if (!unit_is_used(d, UNIT))
		return;
	if (!m) {
		check_foreign(d);
		return;
	}
	for (size_t i = 0; i < array_size(unit_folders); i++) {
		size_t count = host_list(d, unit_folders[i], ".netdev",
					 &names);

		for (size_t j = 0; j < count; j++)
			check_netdev(d, m, unit_folders[i], names[j]);
	}
	/* Last, for its restart is to find the others gone. */
	check_managed(d, m);
}
