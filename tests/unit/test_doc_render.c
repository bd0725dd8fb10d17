/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each document of examples/ through the built-in templates: for each of its
 * nodes the texts are those of tests/golden/example/NAME/NODE/, they are read
 * back as what the view says, and written and read again they stay the same.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "support/check.h"
#include "support/golden.h"
#include "support/rendered.h"

#define ARENA ((size_t)1 << 30)
#define GOLDEN "tests/golden/example"

/* Examples, each with the nodes that have goldens: a pattern for fnmatch. */
static const struct example {
	const char *name, *nodes;
} examples[] = {
	{ "custom-links", "*" },
	{ "dual-stack", "*" },
	{ "exit", "*" },
	{ "fifty-nodes", "node0[67]" },
	{ "hub-spoke", "*" },
	{ "minimal", "*" },
	{ "office", "*" },
	{ "two-hubs", "*" },
};

static struct arena *arena, *secrets;
static struct templates templates;

static void start(void)
{
	arena = arena_new(ARENA);
	secrets = arena_new_secret(1 << 20);
	ck_assert_int_eq(rendered_templates(arena, &templates), 0);
}

static void end(void)
{
	arena_freep(&arena);
	arena_freep(&secrets);
}

static void expect(const char *folder, const char *name, struct str content)
{
	golden_expect(arena, golden_path(arena, folder, name), content);
}

static const char *said(struct diags *diags)
{
	struct sbuf out;

	diags_sort(diags);
	sbuf_init(&out, arena);
	sbuf_puts(&out, "");
	diags_format(diags, &out);
	return out.data;
}

static void read_mesh_of(const char *folder, const char *name,
			 struct mesh *out)
{
	struct source *source = arena_new_object(arena, struct source);
	struct diags diags;

	diags_init(&diags, arena);
	source->name = arena_printf(arena, "%s.json", name);
	source->text = golden_read(arena, golden_path(arena, folder,
						      source->name));
	ck_assert_msg(source->text.data != NULL, "%s", source->name);
	ck_assert_msg(!mesh_read(arena, secrets, source, out, &diags) &&
		      !mesh_test(arena, out, &diags) && !diags.count,
		      "%s", said(&diags));
}

static void read_mesh(const char *name, struct mesh *out)
{
	read_mesh_of("examples", name, out);
}

/* No line ends in a blank, no empty line is doubled, the last one ends. */
static void assert_tidy(const struct source *text)
{
	struct str t = text->text;

	if (!t.data)
		return;
	ck_assert_msg(t.data[t.size - 1] == '\n', "%s: the end", text->name);
	for (size_t i = 1; i < t.size; i++)
		ck_assert_msg(t.data[i] != '\n' ||
			      !strchr(" \t", t.data[i - 1]),
			      "%s: a blank at the end of a line:\n%.*s",
			      text->name, (int)i, t.data);
	ck_assert_msg(!memmem(t.data, t.size, "\n\n\n", 3), "%s: empty lines",
		      text->name);
	ck_assert_msg(!memmem(t.data, t.size, "\n\n\t}", 4) &&
		      !memmem(t.data, t.size, "\n\n}", 3),
		      "%s: an empty line before a brace", text->name);
}

static void read_back(const char *where, const struct texts *texts,
		      struct state *out)
{
	struct diags diags;

	diags_init(&diags, arena);
	ck_assert_msg(!texts_read(arena, texts, NULL, NULL, out, &diags) &&
		      !diags.count, "%s: %s", where, said(&diags));
}

/* Written and read again nothing changes. */
static void assert_fixed_point(const char *where, const struct state *state)
{
	struct texts first, second;
	struct state again;

	texts_write(arena, state, &first);
	read_back(where, &first, &again);
	texts_write(arena, &again, &second);
	ck_assert(str_equal(first.wireguard.text, second.wireguard.text));
	ck_assert(str_equal(first.network.text, second.network.text));
	ck_assert(str_equal(first.firewall.text, second.firewall.text));
}

/* No rule drops, accepts or changes a packet without counting it. */
static void assert_counted(const struct source *text)
{
	struct str rest = text->text, line;

	while (str_next(&rest, '\n', &line)) {
		const char *rule = arena_strndup(arena, line.data, line.size);

		if (strstr(rule, "policy"))
			continue;
		ck_assert_msg((!strstr(rule, " drop") &&
			       !strstr(rule, " accept") &&
			       !strstr(rule, " maxseg")) ||
			      strstr(rule, " counter "),
			      "%s: not counted: %s", text->name, rule);
	}
}

static void check_node(const struct example *example, const struct mesh *mesh,
		       const struct node *node)
{
	const char *where = arena_printf(arena, "%s/%s", example->name,
					 node->name);
	const char *folder = arena_printf(arena, GOLDEN "/%s", where), *why;
	struct diags diags;
	struct texts texts;
	struct state state;
	struct view view;

	view_make(arena, mesh, node, &view);
	diags_init(&diags, arena);
	ck_assert_msg(!rendered_texts(arena, &templates, &view, &texts,
				      &diags) && !diags.count,
		      "%s: %s", where, said(&diags));
	read_back(where, &texts, &state);
	why = rendered_differs(arena, &view, &state);
	ck_assert_msg(!why, "%s: %s is not what the view has", where, why);
	assert_fixed_point(where, &state);
	assert_tidy(&texts.wireguard);
	assert_tidy(&texts.network);
	assert_tidy(&texts.firewall);
	assert_counted(&texts.firewall);
	if (fnmatch(example->nodes, node->name, 0) != 0)
		return;
	if (golden_updating()) {
		mkdir(golden_path(arena, GOLDEN, example->name), 0777);
		mkdir(golden_path(arena, folder, ""), 0777);
	}
	expect(folder, TEXT_WIREGUARD, texts.wireguard.text);
	expect(folder, TEXT_NETWORK, texts.network.text);
	expect(folder, TEXT_FIREWALL, texts.firewall.text);
}

static void check_example(const struct example *example)
{
	size_t mark = arena_mark(arena);
	struct mesh mesh;

	read_mesh(example->name, &mesh);
	ck_assert_uint_gt(mesh.node_count, 1);
	for (size_t i = 0; i < mesh.node_count; i++)
		check_node(example, &mesh, &mesh.nodes[i]);
	arena_reset(arena, mark);
}

START_TEST(examples_become_texts)
{
	start();
	for (size_t i = 0; i < array_size(examples); i++)
		check_example(&examples[i]);
	end();
}
END_TEST

/* Policies, MTUs and a VRF of single nodes and links: lines of their texts, and
   after a "!" such as are not there. */
static const struct {
	const char *node, *line;
} ways[] = {
	{ "land", "#@ name ship\n#@ endpoint hint\n" },
	{ "land", "#@ name buoy\n#@ endpoint static\n" },
	{ "land", "10.80.0.2/32 dev wg-ways proto 77 mtu 1300 advmss 1260\n" },
	{ "land", "fd80::2/128 dev wg-ways proto 77 mtu 1300 advmss 1240\n" },
	{ "land", "10.82.0.0/16 dev wg-ways proto 77 mtu 1300 advmss 1260\n" },
	{ "land", "10.80.0.3/32 dev wg-ways proto 77 mtu 1300 advmss 1260\n" },
	{ "land", "!10.80.0.4/32 dev" },
	{ "land", "!MTU" },
	{ "land", "!#@ vrf" },
	{ "ship", "#@ vrf blue\n" },
	{ "ship", "#@ name land\n#@ endpoint dns\n" },
	{ "ship", "#@ name buoy\n[Peer]\n" },
	{ "ship", "10.81.0.0/16 dev wg-ways table auto proto 77 mtu 1300 " },
	{ "ship", "10.80.0.3/32 dev wg-ways table auto proto 77 mtu 1280 " },
	{ "ship", "\t\tiifname \"blue\" counter accept\n" },
	{ "depot", "route replace 10.81.0.0/16 dev wg-ways proto 77\n" },
	{ "depot", "! mtu 1" },
	/* "dns" is for names alone */
	{ "buoy", "#@ name land\n#@ endpoint dns\n" },
	{ "buoy", "#@ name ship\n[Peer]\n" },
	{ "buoy", "MTU = 1420\n" },
};

static void has_line(const struct mesh *mesh, const char *node,
		     const char *line)
{
	bool there = *line != '!';
	const char *all, *name = there ? line : line + 1;
	struct diags diags;
	struct texts texts;
	struct state state;
	struct view view;

	view_make(arena, mesh, mesh_node(mesh, node), &view);
	diags_init(&diags, arena);
	ck_assert_msg(!rendered_texts(arena, &templates, &view, &texts,
				      &diags), "%s", said(&diags));
	read_back(node, &texts, &state);
	ck_assert_ptr_null(rendered_differs(arena, &view, &state));
	assert_fixed_point(node, &state);
	all = arena_printf(arena, "%.*s%.*s%.*s",
			   (int)texts.wireguard.text.size,
			   texts.wireguard.text.data,
			   (int)texts.network.text.size,
			   texts.network.text.data,
			   (int)texts.firewall.text.size,
			   texts.firewall.text.data);
	ck_assert_msg(!strstr(all, name) != there, "%s: %s in\n%s", node, line,
		      all);
}

START_TEST(ways_of_their_own)
{
	struct mesh mesh;

	start();
	read_mesh_of("tests/golden/document/valid", "ways", &mesh);
	for (size_t i = 0; i < array_size(ways); i++)
		has_line(&mesh, ways[i].node, ways[i].line);
	/* With one peer it is the device's own MTU, if that is not less. */
	for (size_t i = 0; i < mesh.node_count; i++)
		mesh.nodes[i].disabled = strcmp(mesh.nodes[i].name, "buoy") &&
			strcmp(mesh.nodes[i].name, "ship");
	has_line(&mesh, "buoy", "MTU = 1280\n");
	has_line(&mesh, "buoy", "! mtu 1280");
	has_line(&mesh, "ship", "MTU = 1280\n");
	end();
}
END_TEST

/* The entries of a folder whose names match: all of them are known here. */
static size_t count_files(const char *folder, const char *pattern)
{
	DIR *dir = opendir(golden_path(arena, folder, ""));
	const struct dirent *entry;
	size_t count = 0;

	ck_assert_msg(dir != NULL, "%s: %m", folder);
	while ((entry = readdir(dir)))
		count += !fnmatch(pattern, entry->d_name, FNM_PERIOD);
	closedir(dir);
	return count;
}

START_TEST(no_example_is_left_out)
{
	start();
	ck_assert_uint_eq(count_files("examples", "*.json"),
			  array_size(examples));
	ck_assert_uint_eq(count_files(GOLDEN, "*"), array_size(examples));
	end();
}
END_TEST

/* With "firewall": false there is no third text. */
START_TEST(no_firewall)
{
	struct diags diags;
	struct texts texts;
	struct view view;
	struct mesh mesh;

	start();
	read_mesh("office", &mesh);
	mesh.firewall = false;
	view_make(arena, &mesh, &mesh.nodes[0], &view);
	diags_init(&diags, arena);
	ck_assert(!rendered_texts(arena, &templates, &view, &texts, &diags));
	ck_assert_ptr_null(texts.firewall.text.data);
	ck_assert_ptr_nonnull(texts.wireguard.text.data);
	end();
}
END_TEST

/* Names of all that a mesh's may hold, and of a device. */
START_TEST(odd_names)
{
	static const char *const names[] = {
		"a=b+c.d-e_f", "=", "+.", "_", "office.", "7", "+a", "=a",
	};

	start();
	for (size_t i = 0; i < array_size(names); i++) {
		struct diags diags;
		struct texts texts;
		struct state state;
		struct view view;
		struct mesh mesh;

		read_mesh("office", &mesh);
		ck_assert(mesh_name_valid(str_of(names[i])));
		mesh.name = names[i];
		/* All these are a device's too; and one that is no mesh's. */
		mesh.interface = i ? names[i] : ".a";
		ck_assert(device_name_valid(str_of(mesh.interface)));
		view_make(arena, &mesh, &mesh.nodes[0], &view);
		diags_init(&diags, arena);
		ck_assert_msg(!rendered_texts(arena, &templates, &view, &texts,
					      &diags), "%s", said(&diags));
		read_back(names[i], &texts, &state);
		ck_assert_pstr_eq(rendered_differs(arena, &view, &state), NULL);
	}
	end();
}
END_TEST

/* The values are shown as they are documented, and are the same each time. */
START_TEST(values_as_json)
{
	struct sbuf first, second;
	struct mesh mesh;
	struct view view;

	start();
	read_mesh("exit", &mesh);
	view_make(arena, &mesh, mesh_node(&mesh, "laptop"), &view);
	sbuf_init(&first, arena);
	value_json(&first, view_values(arena, &view));
	sbuf_init(&second, arena);
	value_json(&second, view_values(arena, &view));
	ck_assert_str_eq(first.data, second.data);
	expect("tests/golden", "example-values.json",
	       (struct str){ first.data, first.size });
	end();
}
END_TEST

static const struct value *value_of(const struct view *view, const char *name)
{
	const struct value *value =
		value_get(view_values(arena, view), str_of(name));

	ck_assert_ptr_nonnull(value);
	return value;
}

/* Of a family that a node has nothing to do with it tells no members apart. */
START_TEST(members_of_a_family)
{
	struct mesh mesh;
	struct view view;

	start();
	read_mesh("dual-stack", &mesh);
	view_make(arena, &mesh, mesh_node(&mesh, "b"), &view);
	ck_assert_int_eq(value_of(&view, "members4")->kind, VALUE_OBJECT);
	ck_assert_int_eq(value_of(&view, "members6")->kind, VALUE_OBJECT);
	/* c has an IPv6 address alone, and forwards nothing */
	view_make(arena, &mesh, mesh_node(&mesh, "c"), &view);
	ck_assert_uint_eq(view.members.items[0].prefix.ip.family, AF_INET);
	ck_assert_int_eq(value_of(&view, "members4")->kind, VALUE_FALSE);
	ck_assert_int_eq(value_of(&view, "members6")->kind, VALUE_OBJECT);
	/* as a hub does, which passes on what it has no address of */
	view.forwards4 = true;
	ck_assert_int_eq(value_of(&view, "members4")->kind, VALUE_OBJECT);
	end();
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(examples_become_texts),
		CHECK_CASE(no_example_is_left_out),
		CHECK_CASE(ways_of_their_own), CHECK_CASE(no_firewall),
		CHECK_CASE(odd_names),
		CHECK_CASE(values_as_json), CHECK_CASE(members_of_a_family),
	};

	return check_run("doc_render", cases, array_size(cases));
}
