/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a mesh document: taken or refused with errors that have a
 * place.  Of what is taken, each node has a view, and names hold nothing that
 * could end a line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/view.h"

#define ARENA ((uint64_t)4 << 30)
#define NODES_VIEWED 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_name(const char *name)
{
	must(*name != '\0' && strlen(name) <= 255);
	for (; *name; name++)
		must(*name > ' ' && *name <= '~' && !strchr("\"'\\/", *name));
}

static void check_place(const struct mesh *mesh, struct place where)
{
	must(where.source == mesh->source);
	must(where.offset < where.source->text.size);
}

static void check_mesh(const struct mesh *mesh)
{
	check_name(mesh->name);
	check_name(mesh->interface);
	must(mesh->node_count > 0 && mesh->overlay.count > 0);
	for (size_t i = 0; i < mesh->node_count; i++) {
		const struct node *node = &mesh->nodes[i];

		check_name(node->name);
		check_place(mesh, node->where);
		check_place(mesh, node->key_where);
		must(!i || strcmp(mesh->nodes[i - 1].name, node->name) < 0);
		must(mesh_node(mesh, node->name) == node);
		must(node->addresses.count > 0);
		must(!node->endpoint.where.source ||
		     !node->endpoint.host != !node->endpoint.ip.family);
	}
	for (size_t i = 0; i < mesh->link_count; i++) {
		const struct mesh_link *link = &mesh->links[i];

		check_name(link->ends[0].name);
		check_name(link->ends[1].name);
		must(!link->preshared_key || link->preshared_key_file);
		must(!link->preshared_key || mesh->inline_secrets);
		if (link->preshared_key_file)
			must(file_name_valid(str_of(link->preshared_key_file)));
	}
}

static void check_views(struct arena *arena, const struct mesh *mesh,
			struct diags *diags)
{
	for (size_t i = 0; i < mesh->node_count && i < NODES_VIEWED; i++) {
		struct view view;

		view_make(arena, mesh, &mesh->nodes[i], &view);
		must(view.peer_count < mesh->node_count);
		for (size_t p = 0; p < view.peer_count; p++)
			must(!view.peers[p].endpoint ||
			     view.peers[p].endpoint_port);
	}
	(void)!mesh_test(arena, mesh, diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA);
	struct arena *secrets = arena_new_secret(ARENA);
	struct source source = { .name = "mesh.json" };
	struct diags diags;
	struct mesh mesh;
	struct sbuf text;
	int result;

	source.text = (struct str){ arena_copy(secrets, data, size), size };
	diags_init(&diags, arena);
	result = mesh_read(arena, secrets, &source, &mesh, &diags);
	must(result == (diags.errors ? -1 : 0));
	for (size_t i = 0; i < diags.count; i++)
		must(diags.items[i].where.source == &source &&
		     diags.items[i].where.offset <= size);
	if (!result) {
		check_mesh(&mesh);
		check_views(arena, &mesh, &diags);
	}
	diags_sort(&diags);
	sbuf_init(&text, arena);
	diags_format(&diags, &text);
	arena_free(arena);
	arena_free(secrets);
	return 0;
}
