/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/doctor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "support/check.h"
#include "support/scratch.h"

struct arena *arena, *secrets;
static struct scratch scratch;
struct doctor doctor;
struct doctor_mesh mesh;
struct device device;
struct state have;
struct link links[4];
struct sysctl sysctls[8];

void host_make(void)
{
	arena = arena_new((size_t)1 << 28);
	secrets = arena_new_secret((size_t)1 << 28);
	scratch_open(&scratch);
	memset(links, 0, sizeof(links));
	have = (struct state){ .links = links, .sysctls = sysctls };
	device = (struct device){ .name = "wg0", .index = 7, .up = true,
				  .listen_port = 51820, .owned = true };
	mesh = (struct doctor_mesh){ .mesh = "office", .device = "wg0",
				     .have = &device, .port = 51820 };
	doctor = (struct doctor){
		.arena = arena, .secrets = secrets, .root = scratch.path,
		.daemons = true, .now = NOW, .release = "6.1.0-13-amd64",
		.have = &have,
	};
}

void host_end(void)
{
	scratch_close(&scratch);
	arena_free(secrets);
	arena_free(arena);
}

const char *beneath(const char *path)
{
	char *full = arena_printf(arena, "%s%s", scratch.path, path);

	for (char *c = full + strlen(scratch.path) + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		mkdir(full, 0755);
		*c = '/';
	}
	return full;
}

void put(const char *path, const char *text)
{
	(void)beneath(path);
	scratch_put(&scratch, path + 1, text, strlen(text), 0644);
}

void put_link(const char *path)
{
	unlink(beneath(path));
	ck_assert_int_eq(symlink("whatever", beneath(path)), 0);
}

void activate(const char *unit)
{
	put_link(arena_printf(arena, "/run/systemd/units/invocation:%s",
			      unit));
}

void make_older(const char *path)
{
	const struct timespec times[2] = { { .tv_sec = 1000 },
					   { .tv_sec = 1000 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, beneath(path), times, 0), 0);
}

void look(void)
{
	doctor.findings = (struct doctor_findings){ 0 };
	doctor_host(&doctor);
	doctor_mesh(&doctor, &mesh);
	doctor_sort(&doctor.findings);
}

const struct finding *found(const char *id)
{
	for (size_t i = 0; i < doctor.findings.count; i++)
		if (!strcmp(doctor.findings.items[i].id, id))
			return &doctor.findings.items[i];
	return NULL;
}

const struct finding *expect(const char *id, enum finding_level level,
			     const char *word)
{
	const struct finding *f;

	look();
	f = found(id);
	ck_assert_msg(f != NULL, "no finding %s", id);
	ck_assert_int_eq(f->level, level);
	ck_assert_msg(strstr(f->what, word) != NULL, "%s", f->what);
	ck_assert(f->why && (f->file || f->commands[0]));
	ck_assert(!f->file == !f->content);
	return f;
}

void expect_none(void)
{
	look();
	ck_assert_msg(!doctor.findings.count, "%s",
		      doctor.findings.count ? doctor.findings.items[0].what :
		      "");
}

void obey(const struct finding *f)
{
	put(f->file, f->content);
}

void run_on(const char *command, const char *path)
{
	size_t size = strlen(command) - strlen(path);

	ck_assert_str_eq(command + size, path);
	command = arena_printf(arena, "%.*s%s", (int)size, command,
			       beneath(path));
	ck_assert_msg(!system(command), "%s", command);
}

const char *text_of(const char *path)
{
	struct err e;
	struct str text;

	ck_assert(!file_read_path(beneath(path), 1 << 20, arena, &text, &e));
	return text.data;
}
