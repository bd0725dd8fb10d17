/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/golden.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

bool golden_updating(void)
{
	const char *value = getenv("GOLDEN_UPDATE");

	return value && *value && strcmp(value, "0") != 0;
}

const char *golden_path(struct arena *arena, const char *folder,
			const char *name)
{
	const char *root = getenv("MESHAPPLY_SOURCE");

	return arena_printf(arena, "%s/%s/%s", root ? root : ".", folder,
			    name);
}

struct str golden_read(struct arena *arena, const char *path)
{
	FILE *file = fopen(path, "re");
	struct sbuf content;
	char buffer[4096];
	size_t size;

	if (!file) {
		ck_assert_msg(errno == ENOENT, "%s: %s", path,
		      strerror(errno));
		return (struct str){ NULL, 0 };
	}
	sbuf_init(&content, arena);
	sbuf_puts(&content, "");
	while ((size = fread(buffer, 1, sizeof(buffer), file)) > 0)
		sbuf_add(&content, buffer, size);
	ck_assert_msg(!ferror(file), "%s: %s", path,
		      strerror(errno));
	fclose(file);
	return (struct str){ content.data, content.size };
}

void golden_update(const char *path, struct str content)
{
	FILE *file;

	if (!golden_updating())
		return;
	if (!content.data) {
		ck_assert_msg(!unlink(path) || errno == ENOENT, "%s: %s",
			      path, strerror(errno));
		return;
	}
	file = fopen(path, "we");
	ck_assert_msg(file != NULL, "%s: %s", path,
		      strerror(errno));
	ck_assert_uint_eq(fwrite(content.data, 1, content.size, file),
			  content.size);
	ck_assert_int_eq(fclose(file), 0);
}

void golden_expect(struct arena *arena, const char *path,
		   struct str content)
{
	struct str golden;

	golden_update(path, content);
	golden = golden_read(arena, path);
	ck_assert_msg(!golden.data == !content.data, "%s: %s", path,
		      golden.data ? "there is no such text" :
				    "there is a text, but no such file");
	ck_assert_msg(!golden.data || str_equal(golden, content),
		      "%s: wanted\n%s\nmade\n%.*s", path, golden.data,
		      (int)content.size, content.data);
}
