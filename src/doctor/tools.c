/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other tools that make the same device, or take its port. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "doctor/host.h"

static void tell_unit(struct doctor *d, const struct doctor_mesh *m,
		      const char *unit, const char *path)
{
	struct finding *f = finding_add(d, FINDING_WARNING, "unit", m);

	f->what = doctor_printf(d, "%s is enabled (%s) and makes %s too",
				unit, path, m->device);
	f->why = "at the next boot it takes the device down or finds it "
		"there and fails; leave what runs now (no --now)";
	f->commands[0] = doctor_printf(d, "systemctl disable %s", unit);
}

/* "auto lo wg0" and the like of ifupdown, interfaces(5). */
static bool is_brought_up(struct str text, const char *device)
{
	struct str line, word;

	while (str_next(&text, '\n', &line)) {
		if (!conf_word(&line, &word) ||
		    (!str_is(word, "auto") && !str_is(word, "allow-auto") &&
		     !str_is(word, "allow-hotplug")))
			continue;
		while (conf_word(&line, &word))
			if (str_is(word, device))
				return true;
	}
	return false;
}

static void check_stanza(struct doctor *d, const struct doctor_mesh *m,
			 const char *path)
{
	struct finding *f;
	struct str text;

	if (!host_read(d, path, &text) || !is_brought_up(text, m->device))
		return;
	f = finding_add(d, FINDING_WARNING, "ifupdown", m);
	f->what = doctor_printf(d, "%s has ifup set up %s at boot", path, m->device);
	f->why = "at the next boot two set up one device";
	/* What it is set up with stays, for ifup alone. */
	f->commands[0] = doctor_printf(d, "sed -Ei '/^[[:space:]]*(auto|"
		"allow-auto|allow-hotplug)[[:space:]]/s/[[:space:]]+%s"
		"([[:space:]]|$)/\\1/' %s", m->device, path);
}

void check_units(struct doctor *d, const struct doctor_mesh *m)
{
	const char *unit = doctor_printf(d, "wg-quick@%s.service", m->device);
	const char *path = unit_enabled(d, unit);
	const char **names;
	size_t count;

	if (path)
		tell_unit(d, m, unit, path);
	check_stanza(d, m, "/etc/network/interfaces");
	count = host_list(d, "/etc/network/interfaces.d", "", &names);
	for (size_t i = 0; i < count; i++)
		check_stanza(d, m, doctor_printf(d, "/etc/network/interfaces.d"
						 "/%s", names[i]));
}

static const struct link *port_rival(const struct doctor *d,
				     const struct doctor_mesh *m)
{
	for (size_t i = 0; i < d->have->link_count; i++) {
		const struct link *link = &d->have->links[i];

		if (link->listen_port == m->port &&
		    strcmp(link->name, m->device))
			return link;
	}
	return NULL;
}

/* "  12: 00000000:CA6C …": the second word ends in the port. */
static bool has_socket(struct str text, uint16_t port)
{
	char suffix[8];
	struct str line, word;

	snprintf(suffix, sizeof(suffix), ":%04X", port);
	while (str_next(&text, '\n', &line)) {
		if (conf_word(&line, &word) && conf_word(&line, &word) &&
		    str_ends(word, suffix))
			return true;
	}
	return false;
}

/* While our device is up the socket is its own. */
static bool is_taken(struct doctor *d, const struct doctor_mesh *m)
{
	static const char *const tables[] = { "/proc/net/udp",
					      "/proc/net/udp6" };
	struct str text;

	if (m->have && m->have->up && m->have->listen_port == m->port)
		return false;
	for (size_t i = 0; i < array_size(tables); i++)
		if (host_read(d, tables[i], &text) &&
		    has_socket(text, m->port))
			return true;
	return false;
}

static void tell_port(struct doctor *d, const struct doctor_mesh *m,
		      enum finding_level level, const char *what)
{
	struct finding *f = finding_add(d, level, "port", m);

	f->what = what;
	f->why = "of two that want one port, the one that comes first gets "
		"it, and the other one does not come up";
	f->commands[0] = doctor_printf(d, "ss -ulpn sport = :%u", m->port);
}

static void check_configs(struct doctor *d, const struct doctor_mesh *m)
{
	const char **names;
	size_t count = host_list(d, "/etc/wireguard", ".conf", &names);
	struct str text, value;

	for (size_t i = 0; i < count; i++) {
		const char *path = doctor_printf(d, "/etc/wireguard/%s",
						 names[i]);
		struct str stem = { names[i], strlen(names[i]) - 5 };
		const char *unit = doctor_printf(d, "wg-quick@%.*s.service",
						 (int)stem.size, stem.data);
		uint64_t port;

		if (str_is(stem, m->device) || !unit_enabled(d, unit) ||
		    !host_read(d, path, &text) ||
		    !conf_find(text, "Interface", "ListenPort", &value) ||
		    str_uint(value, UINT16_MAX, &port) || port != m->port)
			continue;
		tell_port(d, m, FINDING_WARNING, doctor_printf(
			d, "%s, which %s starts, wants port %u as %s does",
			path, unit, m->port, m->device));
	}
}

void check_port(struct doctor *d, const struct doctor_mesh *m)
{
	const struct link *rival = m->port ? port_rival(d, m) : NULL;

	if (!m->port)
		return;
	if (rival)
		tell_port(d, m, rival->up ? FINDING_ERROR : FINDING_WARNING,
			  doctor_printf(d, "the WireGuard device %s%s has "
					"port %u, which %s wants", rival->name,
					rival->up ? "" : ", which is down,",
					m->port, m->device));
	else if (is_taken(d, m))
		tell_port(d, m, FINDING_ERROR, doctor_printf(
			d, "another program has UDP port %u, which %s wants",
			m->port, m->device));
	if (d->daemons)
		check_configs(d, m);
}

void check_names(struct doctor *d, const struct doctor_mesh *m)
{
	const char *other = NULL;
	struct finding *f;

	for (size_t i = 0; i < d->have->link_count; i++) {
		const struct link *link = &d->have->links[i];
		const char *mesh = alias_mesh(link->alias);

		if (mesh && !strcmp(mesh, m->mesh) &&
		    strcmp(link->name, m->device))
			other = link->name;
	}
	if (!other)
		return;
	f = finding_add(d, FINDING_WARNING, "two-devices", m);
	f->what = doctor_printf(d, "%s and %s both bear the alias of the mesh "
				"%s", m->device, other, m->mesh);
	f->why = "a mesh has one device; the next run takes one of them away";
	f->commands[0] = doctor_printf(d, "ip link set dev %s alias ''",
				       other);
}
