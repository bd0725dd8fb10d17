/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt: take over a device that somebody else made. */
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "doctor/doctor.h"
#include "kern/netns.h"

/* wg-quick would take the device down, or refuse it, at the next boot. */
static void tell_enabled_unit(struct session *s, const char *name)
{
	static const char *const folders[] = {
		"/etc/systemd/system/multi-user.target.wants",
		"/etc/systemd/system/network-online.target.wants",
		"/etc/systemd/system/network.target.wants",
		"/etc/systemd/system/default.target.wants",
		"/etc/systemd/system/wg-quick.target.wants",
	};

	for (size_t i = 0; i < array_size(folders); i++) {
		const char *path = arena_printf(s->arena,
						"%s%s/wg-quick@%s.service",
						s->options->root, folders[i],
						name);
		struct stat st;

		if (lstat(path, &st))
			continue;
		output_note(s, "wg-quick@%s is enabled and would clash at the "
			    "next boot; disable it, and leave it running now "
			    "(no --now):", name);
		output_note(s, "    systemctl disable wg-quick@%s", name);
		return;
	}
}

static void tell_finding(struct session *s, const struct finding *f)
{
	struct str content = str_of(f->content), line;

	output_note(s, "%s: %s", f->what, f->why);
	if (f->file)
		output_note(s, "write %s:", f->file);
	while (str_next(&content, '\n', &line))
		output_note(s, "    %.*s", (int)line.size, line.data);
	if (f->commands[0])
		output_note(s, "%s:", f->file ? "then run" : "run");
	for (size_t i = 0; i < FINDING_COMMANDS && f->commands[i]; i++)
		output_note(s, "    %s", f->commands[i]);
}

/* Two that manage one device undo what the other does. */
static int check_manager(struct session *s, const char *name, struct err *e)
{
	struct device device = { .index = if_nametoindex(name) };
	struct doctor_mesh mesh = {
		.mesh = s->run.mesh, .device = name,
		.have = device.index ? &device : NULL,
	};
	struct doctor doctor = { .arena = s->arena, .secrets = s->secrets,
				 .root = "" };

	if (options_force(s->options, "device") || netns_is_elsewhere())
		return 0;
	doctor_managers(&doctor, &mesh);
	if (!doctor_has(&doctor.findings, FINDING_ERROR))
		return 0;
	for (size_t i = 0; i < doctor.findings.count; i++)
		tell_finding(s, &doctor.findings.items[i]);
	return err_refuse(e, "device", "%s is managed by somebody else: end "
			  "that first, as told above, in this order, and "
			  "adopt it then", name);
}

int cmd_adopt(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct err e = { 0 };
	const char *name;
	int status;

	session_open(&s, o);
	if (mesh_of_argument(&s, o->arguments[0], &name, &e) ||
	    change_prepare(&s, o->arguments[o->argument_count - 1], &e)) {
		output_diags(&s, &e);
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	}
	if (!s.want.device_count || strcmp(s.want.devices[0].name, name)) {
		err_set(&e, ERR_DATA, "%s describes the device %s, not %s",
			o->arguments[o->argument_count - 1],
			s.want.device_count ? s.want.devices[0].name : "none",
			name);
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	}
	if (check_manager(&s, name, &e))
		return output_end(&s, "failed", NULL, &e, (int)e.kind);
	status = change_run(&s, true, &e);
	if (!status || status == EXIT_CHANGES || status == EXIT_PENDING ||
	    status == EXIT_PARTIAL)
		tell_enabled_unit(&s, name);
	return status;
}
