/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile values through the built-in templates.  A view is built from the
 * input past the decoder and its lists of what is let through: every name is
 * any bytes, every number any number.  Either a text is refused, or what is
 * read back is the view, value for value; and line for line, statement for
 * statement the texts are those of the same view with harmless names.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "state/firewall_lex.h"
#include "fixed_point.h"
#include "support/rendered.h"

#define NODES_MAX 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct arena *arena;
	const uint8_t *data;
	size_t size;
};

static uint32_t take(struct input *in, unsigned int bytes)
{
	uint32_t number = 0;

	while (bytes--) {
		number = number << 8 | (in->size ? *in->data : 0);
		if (in->size) {
			in->data++;
			in->size--;
		}
	}
	return number;
}

/* Up to the next 0xff or 0. */
static const char *take_name(struct input *in)
{
	struct sbuf out;

	sbuf_init(&out, in->arena);
	sbuf_puts(&out, "");
	while (in->size && *in->data && *in->data != 0xff)
		sbuf_putc(&out, (char)take(in, 1));
	take(in, 1);
	return out.data;
}

static struct prefix take_prefix(struct input *in)
{
	struct prefix p = { .ip.family = take(in, 1) & 1 ? AF_INET6
							 : AF_INET };
	unsigned int bits = ip_bits(p.ip.family);

	p.length = (uint8_t)(take(in, 1) % (bits + 1));
	for (unsigned int i = 0; i < bits / 8; i++)
		p.ip.bytes[i] = (uint8_t)take(in, 1);
	return p;
}

/* Whole families have flags of their own. */
static struct prefix_list take_prefixes(struct input *in, bool masked)
{
	struct prefix_list out = { .count = take(in, 1) % 4 };

	out.items = arena_new_array(in->arena, struct placed_prefix,
				    out.count);
	for (size_t i = 0; i < out.count; i++) {
		struct prefix p = take_prefix(in);

		if (!p.length)
			p.length = 1;
		out.items[i].prefix = masked ? prefix_mask(p) : p;
	}
	return out;
}

/* What reads as an address is not to be a name. */
static const char *take_host(struct input *in)
{
	const char *host = take_name(in);
	struct ip ip;

	if (!*host || *host == '[' || !ip_parse(str_of(host), &ip))
		return "name";
	return host;
}

static void take_peer(struct input *in, struct view_peer *peer)
{
	struct node *node = arena_new_object(in->arena, struct node);
	struct node_endpoint *e = arena_new_object(in->arena,
						   struct node_endpoint);
	struct mesh_link *link = arena_new_object(in->arena,
						  struct mesh_link);
	uint32_t flags = take(in, 1);

	node->name = take_name(in);
	for (size_t i = 0; i < KEY_SIZE; i++)
		node->public_key.bytes[i] = (uint8_t)take(in, i < 4 ? 1 : 0);
	*peer = (struct view_peer){ .node = node };
	peer->allowed = take_prefixes(in, true);
	if (flags & 1)
		peer->keepalive = (uint16_t)take(in, 2);
	if (flags & 2) {
		link->preshared_key_file = take_name(in);
		/* None at all is no line. */
		if (!*link->preshared_key_file)
			link->preshared_key_file = "k";
		peer->link = link;
	}
	if (flags & 12) {
		peer->endpoint = e;
		peer->endpoint_policy = (enum endpoint_policy)
			(flags >> 4 & (ENDPOINT_POLICIES - 1));
		peer->endpoint_port = (uint16_t)take(in, 2) | 1;
	}
	if (flags & 4)
		e->ip = take_prefix(in).ip;
	else if (flags & 8)
		e->host = take_host(in);
}

static void take_mesh(struct input *in, struct mesh *mesh, struct node *self)
{
	uint32_t flags = take(in, 1);

	mesh->name = take_name(in);
	mesh->interface = take_name(in);
	mesh->firewall = flags & 1;
	self->name = take_name(in);
	self->addresses = take_prefixes(in, false);
	self->subnets = take_prefixes(in, true);
}

/* A VRF in the place of a table, and a route that is narrower. */
static void take_way(struct input *in, struct view *view)
{
	uint32_t flags = take(in, 1);

	if (flags & 1) {
		view->table = RT_TABLE_MAIN;
		view->vrf = take_name(in);
		/* None at all is none. */
		if (!*view->vrf)
			view->vrf = "v";
	}
	if (!(flags & 2) || !view->routes.count)
		return;
	view->narrow = arena_new_object(in->arena, struct view_narrow);
	view->narrow->prefix = view->routes.items[0].prefix;
	view->narrow->mtu = 1280 + take(in, 1);
	view->narrow_count = 1;
}

static void take_view(struct input *in, struct view *view)
{
	uint32_t flags = take(in, 1);

	*view = (struct view){
		.full4 = flags & 1, .full6 = flags & 2,
		.forwards4 = flags & 4, .forwards6 = flags & 8,
		.relays = flags & 16,
		.table = flags & 32 ? take(in, 4) | 256 : RT_TABLE_MAIN,
		.listen_port = flags & 64 ? (uint16_t)take(in, 2) : 0,
		.fwmark = flags & 128 ? take(in, 4) | 256 : 0,
	};
	view->mtu = flags & 64 ? 1280 + take(in, 1) : 0;
	view->routes = take_prefixes(in, true);
	take_way(in, view);
	view->members = take_prefixes(in, true);
	view->peer_count = take(in, 1) % NODES_MAX;
	view->peers = arena_new_array(in->arena, struct view_peer,
				      view->peer_count);
	for (size_t i = 0; i < view->peer_count; i++)
		take_peer(in, &view->peers[i]);
}

/* The same with names that nothing can object to. */
static void tame(struct arena *arena, const struct view *from,
		 struct view *out, struct mesh *mesh, struct node *self)
{
	*mesh = *from->mesh;
	*self = *from->self;
	mesh->name = "m";
	mesh->interface = "i";
	self->name = "s";
	*out = *from;
	out->mesh = mesh;
	out->self = self;
	if (out->vrf)
		out->vrf = "v";
	out->peers = arena_copy(arena, from->peers,
				from->peer_count * sizeof(*from->peers));
	for (size_t i = 0; i < out->peer_count; i++) {
		struct view_peer *p = &out->peers[i];
		struct node *node = arena_copy(arena, p->node, sizeof(*node));
		struct node_endpoint *e;
		struct mesh_link *link;

		node->name = "n";
		p->node = node;
		if (p->link) {
			link = arena_copy(arena, p->link, sizeof(*link));
			link->preshared_key_file = "k";
			p->link = link;
		}
		if (p->endpoint && p->endpoint->host) {
			e = arena_copy(arena, p->endpoint, sizeof(*e));
			e->host = "h";
			p->endpoint = e;
		}
	}
}

/* Lines, sections and directives; nft's statements and braces. */
struct shape {
	size_t lines[3];
	size_t kinds[INI_END];
	size_t tokens[LEX_UNTERMINATED + 1], opened, closed;
};

static size_t lines_of(struct str text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += text.data[i] == '\n';
	return count;
}

static void measure(const struct texts *texts, struct shape *out)
{
	struct lex lex = { texts->firewall.text, 0 };
	struct lex_token token = { .kind = LEX_END };
	struct ini_line line;
	struct ini ini;

	memset(out, 0, sizeof(*out));
	out->lines[0] = lines_of(texts->wireguard.text);
	out->lines[1] = lines_of(texts->network.text);
	out->lines[2] = lines_of(texts->firewall.text);
	ini_start(&ini, &texts->wireguard);
	while (ini_next(&ini, &line) != INI_END)
		out->kinds[line.kind]++;
	if (!texts->firewall.text.data)
		return;
	do {
		token = lex_next(&lex);
		out->tokens[token.kind]++;
		out->opened += lex_is(&token, "{");
		out->closed += lex_is(&token, "}");
	} while (token.kind != LEX_END);
}

static void check_shape(struct arena *arena, const struct templates *templates,
			const struct view *view, const struct texts *texts)
{
	struct texts harmless;
	struct shape a, b;
	struct diags diags;
	struct mesh mesh;
	struct node self;
	struct view tamed;

	diags_init(&diags, arena);
	tame(arena, view, &tamed, &mesh, &self);
	if (rendered_texts(arena, templates, &tamed, &harmless, &diags) < 0)
		abort();
	measure(texts, &a);
	measure(&harmless, &b);
	/* Addresses are cut up alike, a name is a word or a string. */
	if (memcmp(&a, &b, sizeof(a)) != 0)
		abort();
}

static void check(struct arena *arena, const struct templates *templates,
		  const struct view *view)
{
	struct diags diags;
	struct texts texts;
	struct state state;
	const char *why;

	diags_init(&diags, arena);
	if (rendered_texts(arena, templates, view, &texts, &diags) < 0) {
		if (!diags.errors)
			abort();
		return;
	}
	check_shape(arena, templates, view, &texts);
	if (texts_read(arena, &texts, NULL, NULL, &state, &diags) < 0)
		return;
	why = rendered_differs(arena, view, &state);
	if (why) {
		fprintf(stderr, "not as the view has it: %s\n", why);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct templates templates;
	static struct arena *kept;
	struct input in = { fresh_arena(), data, size };
	struct mesh mesh = { 0 };
	struct node self = { 0 };
	struct view view;

	if (!kept) {
		kept = arena_new((size_t)1 << 24);
		if (rendered_templates(kept, &templates) < 0)
			abort();
	}
	take_mesh(&in, &mesh, &self);
	take_view(&in, &view);
	view.mesh = &mesh;
	view.self = &self;
	check(in.arena, &templates, &view);
	return 0;
}
