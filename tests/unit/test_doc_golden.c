/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents as they are met: each of tests/golden/document/valid/ is taken
 * without a word, each NAME.json of fail/ is refused with the diagnostics in
 * NAME.txt beside it.  pair-NAME.json and pair-NAME.other.json are right each
 * by itself; what NAME.txt says is of both on one host, of the node x or else
 * the first.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/view.h"
#include "support/check.h"
#include "support/golden.h"

#define ARENA ((size_t)1 << 30)
#define GOLDEN "tests/golden/document"
#define VALID_AT_LEAST 5
#define FAIL_AT_LEAST 150
#define PAIRS_AT_LEAST 10
#define OTHER ".other"

static struct arena *arena, *secrets;
static struct sbuf wrong;	/* of all documents, for the end of a test */

static void begin(void)
{
	arena = arena_new(ARENA);
	secrets = arena_new_secret(ARENA);
	sbuf_init(&wrong, arena);
	sbuf_puts(&wrong, "");
}

static void end(void)
{
	/* Longer than the messages that Check takes. */
	fputs(wrong.data, stdout);
	ck_assert_uint_eq(wrong.size, 0);
	arena_freep(&arena);
	arena_freep(&secrets);
}

static const char *path_of(const char *folder, const char *name)
{
	return golden_path(arena, GOLDEN,
			   arena_printf(arena, "%s/%s", folder, name));
}

static struct source *source_of(const char *folder, const char *name)
{
	struct source *source = arena_new_object(arena, struct source);

	source->name = name;
	source->text = golden_read(arena, path_of(folder, name));
	ck_assert_msg(source->text.data != NULL, "no %s/%s", folder, name);
	return source;
}

static struct str shown(struct diags *diags)
{
	struct sbuf text;

	diags_sort(diags);
	sbuf_init(&text, arena);
	sbuf_puts(&text, "");
	diags_format(diags, &text);
	return (struct str){ text.data, text.size };
}

/* What reading FOLDER/NAME says. */
static struct str said_of(const char *folder, const char *name)
{
	struct source *source = source_of(folder, name);
	struct mesh mesh, untouched;
	struct diags diags;
	int result;

	memset(&mesh, 0x5a, sizeof(mesh));
	untouched = mesh;
	diags_init(&diags, arena);
	result = mesh_read(arena, secrets, source, &mesh, &diags);
	ck_assert_int_eq(result, diags.errors ? -1 : 0);
	if (result)
		ck_assert_msg(!memcmp(&mesh, &untouched, sizeof(mesh)),
			      "%s: refused, and yet there is a mesh", name);
	return shown(&diags);
}

static void view_of_host(const char *name, struct view *out)
{
	struct source *source = source_of("fail", name);
	struct mesh *mesh = arena_new_object(arena, struct mesh);
	const struct node *self;
	struct diags diags;

	diags_init(&diags, arena);
	ck_assert_msg(!mesh_read(arena, secrets, source, mesh, &diags),
		      "%s", shown(&diags).data);
	self = mesh_node(mesh, "x");
	view_make(arena, mesh, self ? self : &mesh->nodes[0], out);
}

/* What is said of STEM and its other, both on one host. */
static struct str said_of_pair(const char *stem)
{
	struct view a, b;
	struct diags diags;

	view_of_host(arena_printf(arena, "%s.json", stem), &a);
	view_of_host(arena_printf(arena, "%s" OTHER ".json", stem), &b);
	diags_init(&diags, arena);
	ck_assert_int_eq(view_check_pair(&a, &b, &diags),
			 diags.errors ? -1 : 0);
	return shown(&diags);
}

static const char *without(const char *name, const char *ending)
{
	size_t size = strlen(name), cut = strlen(ending);

	if (size <= cut || strcmp(name + size - cut, ending) != 0)
		return NULL;
	return arena_strndup(arena, name, size - cut);
}

/* Calls SEE for each file of the folder that ends so. */
static size_t each(const char *folder, const char *ending,
		   void (*see)(const char *stem))
{
	DIR *dir = opendir(path_of(folder, ""));
	struct dirent *entry;
	size_t count = 0;

	ck_assert_msg(dir != NULL, "%s: %m", folder);
	while ((entry = readdir(dir))) {
		const char *stem = without(entry->d_name, ending);

		if (!stem)
			continue;
		see(stem);
		count++;
	}
	closedir(dir);
	return count;
}

static void see_valid(const char *stem)
{
	struct str said = said_of("valid", arena_printf(arena, "%s.json",
							stem));

	sbuf_str(&wrong, said);
}

START_TEST(taken)
{
	begin();
	ck_assert_uint_ge(each("valid", ".json", see_valid), VALID_AT_LEAST);
	end();
}
END_TEST

/* Of keys in the documents of fail/, whole or mangled, in places of all kinds:
   never said. */
static const char *const secret_parts[] = { "Iz7fpYyEhHcS", "\"abcdef\"" };

static size_t pairs;

static bool is_pair(const char *stem)
{
	return str_starts(str_of(stem), "pair-");
}

static struct str said_of_refused(const char *stem)
{
	if (!is_pair(stem))
		return said_of("fail", arena_printf(arena, "%s.json", stem));
	pairs++;
	return said_of_pair(stem);
}

static void see_refused(const char *stem)
{
	struct str said, golden;
	const char *path = path_of("fail", arena_printf(arena, "%s.txt",
							stem));

	if (is_pair(stem) && without(stem, OTHER))
		return;
	said = said_of_refused(stem);
	if (!said.size)
		sbuf_printf(&wrong, "%s: not refused\n", stem);
	for (size_t i = 0; i < array_size(secret_parts); i++)
		if (strstr(said.data, secret_parts[i]))
			sbuf_printf(&wrong, "%s: tells a key\n%s", stem,
				    said.data);
	golden_update(path, said);
	golden = golden_read(arena, path);
	if (!str_equal(golden, said))
		sbuf_printf(&wrong, "%s: wanted\n%s\nsaid\n%s\n", stem,
			    golden.data ? golden.data : "", said.data);
}

START_TEST(refused)
{
	begin();
	pairs = 0;
	ck_assert_uint_ge(each("fail", ".json", see_refused), FAIL_AT_LEAST);
	ck_assert_uint_ge(pairs, PAIRS_AT_LEAST);
	end();
}
END_TEST

static void see_text(const char *stem)
{
	const char *name = arena_printf(arena, "%s.json", stem);

	if (access(path_of("fail", name), F_OK))
		sbuf_printf(&wrong, "%s.txt belongs to no document\n", stem);
}

START_TEST(texts_have_documents)
{
	begin();
	ck_assert_uint_ge(each("fail", ".txt", see_text), FAIL_AT_LEAST);
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(taken),
		CHECK_CASE(refused),
		CHECK_CASE(texts_have_documents),
	};

	return check_run("document goldens", cases, array_size(cases));
}
