/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three texts together. */
#include <string.h>

#include "base/arena.h"
#include "state/firewall.h"
#include "state/reader.h"

/* What a name is of, and how it is said. */
struct naming {
	const char *what, *directive;
	bool (*valid)(struct str name);
};

static const struct naming naming_mesh = { "mesh", "mesh", mesh_name_valid };
static const struct naming naming_device = {
	"device", "interface", device_name_valid };

/*
 * The name that counts: GIVEN by the caller, or SAID by the directive.
 * Empty, with an error, where neither is there or GIVEN is none.
 */
static struct str settle_name(const struct texts *texts, const char *given,
			      struct str said, const struct naming *naming,
			      struct diags *diags)
{
	struct place nowhere = { NULL, 0 };
	struct str name = said;

	if (given) {
		name = str_of(given);
		if (naming->valid(name))
			return name;
		diag_error(diags, nowhere, "%s cannot be the name of a %s",
			   value_show(diags, name), naming->what);
		return (struct str){ 0 };
	}
	if (name.data)
		return name;
	if (texts->wireguard.text.data)
		nowhere.source = &texts->wireguard;
	diag_error(diags, nowhere, "no %s is named", naming->what)->hint =
		arena_printf(diags->arena, "a line '#@ %s NAME' above "
			     "[Interface] does", naming->directive);
	return name;
}

static void read_wireguard(struct arena *arena, const struct texts *texts,
			   const char *mesh, const char *interface,
			   struct state *out, struct place *mtu,
			   struct diags *diags)
{
	struct wireguard_text text = { 0 };
	bool there = texts->wireguard.text.data;
	size_t errors = diags->errors;
	struct str name;
	bool failed;

	if (there && value_check_text(&texts->wireguard, diags) == 0)
		wireguard_read(arena, &texts->wireguard, diags, &text);
	/* Names are not missed in a text that could not be read. */
	failed = diags->errors != errors;
	if (failed && !text.mesh.data && !mesh)
		return;
	name = settle_name(texts, mesh, text.mesh, &naming_mesh, diags);
	if (name.size)
		memcpy(out->mesh, name.data, name.size);
	if (!there)
		return;
	if (failed && !text.interface.data && !interface)
		return;
	name = settle_name(texts, interface, text.interface, &naming_device,
			   diags);
	if (name.size)
		memcpy(text.device.name, name.data, name.size);
	out->devices = arena_copy(arena, &text.device, sizeof(text.device));
	out->device_count = 1;
	out->sysctls = text.sysctls;
	out->sysctl_count = text.sysctl_count;
	*mtu = text.mtu;
}

static void read_firewall(struct arena *arena, const struct source *source,
			  struct state *out, struct diags *diags)
{
	struct firewall *f;

	if (!source->text.data || value_check_text(source, diags) < 0 ||
	    !out->mesh[0])
		return;
	f = arena_new_object(arena, struct firewall);
	f->table = firewall_table_name(arena, out->mesh);
	f->text = source->text;
	f->where = (struct place){ source, 0 };
	firewall_check_frame(source, f->table, diags);
	out->firewall = f;
}

int texts_read(struct arena *arena, const struct texts *texts,
	       const char *mesh, const char *interface, struct state *out,
	       struct diags *diags)
{
	size_t errors = diags->errors;
	struct place mtu = { NULL, 0 };
	struct state state = { 0 };

	read_wireguard(arena, texts, mesh, interface, &state, &mtu, diags);
	if (texts->network.text.data &&
	    value_check_text(&texts->network, diags) == 0)
		network_read(arena, &texts->network, diags, &state);
	read_firewall(arena, &texts->firewall, &state, diags);
	state_normalise(&state);
	check_state(arena, &state, mtu, diags);
	if (diags->errors != errors)
		return -1;
	*out = state;
	return 0;
}
