/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hubs, and which of them a spoke has. */
#include "doc/check_private.h"

static void check_list(struct check *c)
{
	const struct mesh *mesh = c->mesh;

	for (size_t i = 0; i < mesh->hub_count; i++) {
		const struct placed_name *hub = &mesh->hubs[i];
		uint32_t n;

		if (check_node(c, hub, &n) < 0 || !mesh->nodes[n].disabled)
			continue;
		check_error(c, hub->where, mesh->nodes[n].where,
			    "it is disabled here",
			    "the hub %s is disabled", hub->name)->hint =
			"take it off the hubs, and give its spokes another "
			"one";
	}
}

static void check_spoke(struct check *c, uint32_t index)
{
	const struct mesh *mesh = c->mesh;
	const struct node *node = &mesh->nodes[index];
	struct place hubs = mesh->hub_count ? mesh->hubs[0].where :
			    (struct place){ 0 };
	uint32_t hub;

	if (!node->hub.where.source) {
		if (mesh->hub_count > 1 && !c->graph.is_hub[index])
			check_error(c, node->where, hubs, "they are here",
				    "%s does not say which of the hubs it has",
				    node->name)->hint =
				"write \"hub\": \"NAME\" in the node";
		return;
	}
	if (c->graph.is_hub[index]) {
		check_error(c, node->hub.where, hubs, "the hubs are here",
			    "%s is a hub itself", node->name)->hint =
			"hubs are linked with each other anyway";
		return;
	}
	if (check_node(c, &node->hub, &hub) < 0 || c->graph.is_hub[hub])
		return;
	check_error(c, node->hub.where, hubs, "the hubs are here",
		    "%s is no hub", node->hub.name);
}

static void check_no_hub(struct check *c, const struct node *node)
{
	if (node->hub.where.source)
		check_error(c, node->hub.where, c->mesh->topology_where,
			    "the topology is here",
			    "%s has a hub, which only the topology hub-spoke "
			    "knows", node->name)->hint =
			"write \"topology\": \"hub-spoke\" in the mesh";
}

/* Whether there are hubs at all, where there are to be, decoding has seen. */
void check_hubs(struct check *c)
{
	const struct mesh *mesh = c->mesh;
	bool has_hubs = mesh->topology == TOPOLOGY_HUB_SPOKE;

	if (has_hubs)
		check_list(c);
	for (size_t i = 0; i < mesh->node_count; i++)
		if (has_hubs)
			check_spoke(c, (uint32_t)i);
		else
			check_no_hub(c, &mesh->nodes[i]);
}
