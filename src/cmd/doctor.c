/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor: who will fight over a mesh, and what ends it. */
#include "doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "apply/store.h"
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/meshes.h"
#include "cmd/output.h"
#include "kern/kernel.h"
#include "kern/netns.h"
#include "plan/plan.h"
#include "report/doctor.h"
#include "report/report.h"

#define EXIT_WARNINGS 1
#define EXIT_ERRORS 2

static const char *const forwarding[] = {
	"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
};

static const char *const per_link[] = { "rp_filter", "src_valid_mark" };

static const char *link_sysctl(struct arena *arena, const char *link,
			       const char *name)
{
	char *key = arena_printf(arena, "net.ipv4.conf.%s.%s", link, name);
	char *at = key + strlen("net.ipv4.conf.");

	/* A dot in a link's name is a slash, sysctl(8). */
	for (size_t i = 0; i < strlen(link); i++)
		if (at[i] == '.')
			at[i] = '/';
	return key;
}

/* The keys that doctor looks at, on the links of HAVE. */
static void scope_sysctls(struct arena *arena, struct scope *scope,
			  const struct state *have)
{
	size_t room = array_size(forwarding) +
		array_size(per_link) * (have->link_count + 1);
	const char **keys = arena_new_array(arena, const char *, room);

	scope->sysctl_count = 0;
	for (size_t i = 0; i < array_size(forwarding); i++)
		keys[scope->sysctl_count++] = forwarding[i];
	for (size_t i = 0; i < array_size(per_link); i++) {
		keys[scope->sysctl_count++] = link_sysctl(arena, "all",
							  per_link[i]);
		for (size_t j = 0; j < have->link_count; j++)
			keys[scope->sysctl_count++] = link_sysctl(
				arena, have->links[j].name, per_link[i]);
	}
	scope->sysctls = keys;
}

/* Links first, for there are keys of each. */
static int observe(struct session *s, struct err *e)
{
	const struct kernel *k = s->run.kernel;
	struct scope scope = { .mesh = "" };

	if (k->observe(s->run.kernel, s->arena, s->secrets, &scope,
		       &s->run.have, e))
		return -1;
	scope_sysctls(s->arena, &s->run.scope, &s->run.have);
	s->run.scope.ports = true;
	return k->observe(s->run.kernel, s->arena, s->secrets, &s->run.scope,
			  &s->run.have, e);
}

/* Has what was applied a sysctl KEY; where nothing is kept, has the host? */
static bool needs(const struct session *s, const char *key)
{
	const struct sysctl *sysctl = state_sysctl(s->run.last ? s->run.last :
						   &s->run.have, key);

	return sysctl && !strcmp(sysctl->value, "1");
}

static void look_at_rules(const struct state *have, struct doctor_mesh *m)
{
	for (size_t i = 0; i < have->rule_count; i++) {
		m->rules |= have->rules[i].owned;
		m->everything |= have->rules[i].owned &&
			have->rules[i].invert && have->rules[i].fwmask &&
			have->rules[i].family == AF_INET;
	}
}

static void fill_mesh(const struct session *s, const char *mesh,
		      struct doctor_mesh *m)
{
	const struct state *have = &s->run.have;
	const struct device *last = s->run.last && s->run.last->device_count ?
		&s->run.last->devices[0] : NULL;

	*m = (struct doctor_mesh){
		.mesh = mesh, .device = last ? last->name : mesh,
		.forwards4 = needs(s, forwarding[0]),
		.forwards6 = needs(s, forwarding[1]),
	};
	for (size_t i = 0; i < have->device_count; i++)
		if (have->devices[i].owned ||
		    !strcmp(have->devices[i].name, m->device))
			m->have = &have->devices[i];
	if (m->have) {
		m->device = m->have->name;
		m->port = m->have->listen_port;
	}
	if (last && last->has & DEVICE_LISTEN_PORT && last->listen_port)
		m->port = last->listen_port;
	look_at_rules(have, m);
}

static int look_at_mesh(struct session *s, const char *mesh,
			struct doctor *doctor, struct err *e)
{
	const char *name = mesh;
	struct doctor_mesh m;

	if (session_store(s, mesh, false, e) || session_last(s, e) ||
	    session_kernel(s, e))
		return -1;
	if (s->run.last && s->run.last->device_count)
		name = s->run.last->devices[0].name;
	s->run.scope.devices = &name;
	s->run.scope.device_count = strlen(name) < IFNAMSIZ;
	if (observe(s, e))
		return -1;
	state_claim(&s->run.have, mesh, s->run.last, &name,
		    s->run.scope.device_count, store_others(s->run.store));
	fill_mesh(s, mesh, &m);
	doctor->have = &s->run.have;
	doctor_mesh(doctor, &m);
	doctor->have = NULL;
	return 0;
}

/* The namespace's own, and the kernel's. */
static int look_at_host(struct session *s, struct doctor *doctor,
			struct err *e)
{
	static struct utsname name;
	struct nft_forward *forward = arena_new_object(s->arena,
						       struct nft_forward);
	struct err why = { 0 };

	if (uname(&name))
		return err_sys(e, "uname");
	*doctor = (struct doctor){
		.arena = s->arena, .secrets = s->secrets, .root = "",
		.now = s->run.options.now,
		.daemons = !netns_is_elsewhere(), .release = name.release,
	};
	if (session_kernel(s, e))
		return -1;
	if (kern_has_wireguard(s->run.kernel, &why))
		doctor->no_wireguard = arena_strdup(s->arena, why.text);
	if (!nft_forward_read(s->arena, forward, &why))
		doctor->forward = forward;
	else if (why.kind == ERR_PERMISSION)
		return err_set(e, ERR_PERMISSION, "%s", why.text);
	doctor_host(doctor);
	return 0;
}

static int find_names(struct session *s, struct mesh_names *names,
		      struct err *e)
{
	bool named = s->options->argument_count || s->options->mesh;
	struct err why = { 0 };
	const char *mesh;

	if (named && mesh_named(s, &mesh, e))
		return -1;
	if (session_enter(s, false, e))
		return -1;
	if (!named)
		return mesh_names_here(s, names, e);
	/* Also before its first run. */
	if (!mesh_is_here(s, mesh, &why) && why.kind == ERR_USAGE) {
		*e = why;
		return -1;
	}
	mesh_names_add(s, names, mesh);
	return 0;
}

/* One that cannot be looked at hides no other; the first error is the run's. */
static int look(struct session *s, struct doctor *doctor, struct err *e)
{
	struct mesh_names names = { 0 };
	int status = 0;

	if (find_names(s, &names, e) || look_at_host(s, doctor, e))
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		cleanup_(session_closep) struct session of = { 0 };
		struct err why = { 0 };

		session_open(&of, s->options);
		if (!look_at_mesh(&of, names.items[i], doctor, &why))
			continue;
		err_wrap(&why, "%s", names.items[i]);
		if (status)
			output_error(s, &why);
		else
			*e = why;
		status = -1;
	}
	doctor_sort(&doctor->findings);
	return status;
}

static void print(struct session *s, const struct doctor *doctor,
		  const struct err *e, int status)
{
	struct sbuf out;

	if (s->options->json || s->options->jsonl) {
		json_t *object = result_json(s, e, status);

		json_object_set_new(object, "findings",
				    doctor_json(s->arena,
						&doctor->findings));
		print_result(s->options, object);
		return;
	}
	if ((e || s->options->quiet) && !doctor->findings.count)
		return;
	sbuf_init(&out, s->arena);
	doctor_text(&out, &doctor->findings,
		    session_colored(s, STDOUT_FILENO));
	fwrite(out.data, 1, out.size, stdout);
}

/* 1 and 2 tell of findings: what failed without a code of its own is 2. */
static int failed_status(const struct err *e)
{
	return e->kind == ERR_FAILED ? EXIT_ERRORS : (int)e->kind;
}

int cmd_doctor(struct options *o)
{
	cleanup_(session_closep) struct session s = { 0 };
	struct doctor doctor = { 0 };
	struct err e = { 0 };
	int status;

	session_open(&s, o);
	if (look(&s, &doctor, &e)) {
		output_error(&s, &e);
		status = failed_status(&e);
		print(&s, &doctor, &e, status);
		return status;
	}
	status = doctor_has(&doctor.findings, FINDING_ERROR) ? EXIT_ERRORS :
		doctor_has(&doctor.findings, FINDING_WARNING) ? EXIT_WARNINGS :
		0;
	print(&s, &doctor, NULL, status);
	return status;
}
