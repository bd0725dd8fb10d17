/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NetworkManager(8).  It keeps a file for each device that tells whether it
 * manages it, and NetworkManager.conf(5) says which ones it is not to.
 */
#include <fnmatch.h>
#include <string.h>

#include "base/arena.h"
#include "doctor/host.h"
#include "state/text.h"

#define UNIT "NetworkManager.service"
/* Made anew whenever it starts. */
#define UNIT_MARK "/run/systemd/units/invocation:" UNIT

static const char *const conf_folders[] = {
	"/usr/lib/NetworkManager/conf.d", "/run/NetworkManager/conf.d",
	"/etc/NetworkManager/conf.d", NULL,
};

static const char *const connection_folders[] = {
	"/etc/NetworkManager/system-connections",
	"/run/NetworkManager/system-connections",
	"/usr/lib/NetworkManager/system-connections",
};

/* "interface-name:wg*", "type:wireguard", a bare name, "*". */
static bool spec_matches(struct doctor *d, struct str spec, const char *device)
{
	const char *pattern;

	if (str_starts(spec, "type:"))
		return str_is(spec, "type:wireguard");
	if (str_starts(spec, "interface-name:")) {
		spec.data += strlen("interface-name:");
		spec.size -= strlen("interface-name:");
		if (str_starts(spec, "="))
			return str_is((struct str){ spec.data + 1,
						    spec.size - 1 }, device);
		if (str_starts(spec, "~")) {
			spec.data++;
			spec.size--;
		}
	} else if (spec.size && memchr(spec.data, ':', spec.size)) {
		return false;
	}
	pattern = arena_strndup(d->arena, spec.data, spec.size);
	return !fnmatch(pattern, device, 0);
}

/* A match by "except:" goes before all others. */
static bool list_matches(struct doctor *d, struct str list, const char *device)
{
	bool matches = false;
	struct str spec;

	while (str_next(&list, ';', &spec))
		for (struct str one; str_next(&spec, ',', &one);) {
			one = str_trim(one);
			if (!one.size)
				continue;
			if (!str_starts(one, "except:")) {
				matches |= spec_matches(d, one, device);
				continue;
			}
			one.data += strlen("except:");
			one.size -= strlen("except:");
			if (spec_matches(d, one, device))
				return false;
		}
	return matches;
}

/* "managed=0" in a section "[device-wg]", "match-device=" as above. */
static bool is_left(struct doctor *d, struct str text, const char *device)
{
	const struct source source = { .text = text };
	bool inside = false, matches = false, off = false, left = false;
	struct ini_line line;
	enum ini_kind kind;
	struct ini ini;

	ini_start(&ini, &source);
	do {
		kind = ini_next(&ini, &line);
		if (kind == INI_SECTION || kind == INI_END) {
			left |= inside && matches && off;
			inside = kind == INI_SECTION &&
				str_starts(line.key, "device");
			/* Without a list it is for all. */
			matches = true;
			off = false;
		} else if (kind == INI_PAIR &&
			   str_is(line.key, "match-device")) {
			matches = list_matches(d, line.value, device);
		} else if (kind == INI_PAIR && str_is(line.key, "managed")) {
			off = conf_is_no(line.value);
		}
	} while (kind != INI_END);
	return left;
}

/* "unmanaged-devices=" starts anew, "unmanaged-devices+=" adds. */
static bool is_excepted(struct doctor *d, const char *device)
{
	const char *const *files;
	size_t count = conf_files(d, "/etc/NetworkManager/NetworkManager.conf",
				  conf_folders, 2, &files);
	struct str text, value;
	bool excepted = false, left = false;

	for (size_t i = 0; i < count; i++) {
		if (!host_read(d, files[i], &text))
			continue;
		if (conf_find(text, "keyfile", "unmanaged-devices", &value))
			excepted = list_matches(d, value, device);
		if (conf_find(text, "keyfile", "unmanaged-devices+", &value))
			excepted |= list_matches(d, value, device);
		left |= is_left(d, text, device);
	}
	return excepted || left;
}

/* How it looks upon the device. */
enum managing {
	MANAGING_NOT,
	MANAGING_AWARE,		/* set up by others; it looks on */
	MANAGING,
};

/*
 * As it says itself, of what runs now: the file of a device that it leaves
 * alone since it was started again is that of its life before.
 */
static enum managing managing_of(struct doctor *d, const struct doctor_mesh *m,
				 bool excepted)
{
	const char *path = doctor_printf(d, "/run/NetworkManager/devices/%u",
					 m->have ? m->have->index : 0);
	struct str text, value;

	if (!m->have || !host_read(d, path, &text) ||
	    !conf_find(text, "device", "managed", &value) ||
	    conf_is_no(value))
		return MANAGING_NOT;
	if (excepted && host_is_newer(d, UNIT_MARK, path))
		return MANAGING_NOT;
	return conf_find(text, "device", "nm-owned", &value) &&
		conf_is_no(value) ? MANAGING_AWARE : MANAGING;
}

static void tell_link(struct doctor *d, const struct doctor_mesh *m,
		      bool manages)
{
	struct finding *f = finding_add(d, manages ? FINDING_ERROR :
					FINDING_WARNING, "networkmanager-link",
					m);

	f->what = doctor_printf(d, manages ? "NetworkManager manages %s" :
				"nothing tells NetworkManager to leave %s "
				"alone", m->device);
	f->why = "it changes the port, addresses and routes of links it takes "
		"for its own, or takes them down";
	f->file = doctor_printf(d, "/etc/NetworkManager/conf.d/90-meshapply-%s"
				".conf", m->device);
	f->content = doctor_printf(d, "[keyfile]\nunmanaged-devices+="
				   "interface-name:%s\n", m->device);
	/* A reload would take down what it has set up. */
	f->commands[0] = manages ? "systemctl restart NetworkManager" :
		"nmcli general reload conf";
}

static void check_connection(struct doctor *d, const struct doctor_mesh *m,
			     const char *path, bool manages)
{
	struct str text, value;
	struct finding *f;

	if (!host_read(d, path, &text) ||
	    !conf_find(text, "connection", "interface-name", &value) ||
	    !str_is(value, m->device) ||
	    /* Its own note of what others have set up. */
	    conf_find(text, ".nmmeta", "nm-generated", &value))
		return;
	f = finding_add(d, FINDING_ERROR, "networkmanager-connection", m);
	f->what = doctor_printf(d, "%s is a connection of NetworkManager on "
				"%s", path, m->device);
	f->why = "activated, at boot at the latest, it takes the device over";
	f->commands[0] = doctor_printf(d, "mv %s %s.disabled", path, path);
	/* While it is active that would take it down. */
	if (!manages)
		f->commands[1] = "nmcli connection reload";
}

void check_network_manager(struct doctor *d, const struct doctor_mesh *m)
{
	enum managing managing;
	bool excepted;

	if (!unit_is_used(d, UNIT))
		return;
	excepted = is_excepted(d, m->device);
	managing = managing_of(d, m, excepted);
	if (managing == MANAGING_NOT && excepted)
		return;
	for (size_t i = 0; i < array_size(connection_folders); i++) {
		const char *folder = connection_folders[i], **names;
		size_t count = host_list(d, folder, ".nmconnection", &names);

		for (size_t j = 0; j < count; j++)
			check_connection(d, m, doctor_printf(d, "%s/%s",
							     folder, names[j]),
					 managing == MANAGING);
	}
	tell_link(d, m, managing == MANAGING);
}
