/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one node has of a mesh, of each topology. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/view.h"
#include "support/check.h"
#include "support/mesh.h"
#include "support/random.h"

static struct arena *arena;

static void start(void)
{
	arena = arena_new((size_t)1 << 30);
}

static void end(void)
{
	arena_free(arena);
	arena = NULL;
}

static void add_list(struct sbuf *out, const char *what,
		     const struct prefix_list *list)
{
	char text[PREFIX_TEXT_MAX];

	if (!list->count)
		return;
	sbuf_puts(out, what);
	for (size_t i = 0; i < list->count; i++)
		sbuf_printf(out, " %s",
			    prefix_format(&list->items[i].prefix, text));
	sbuf_putc(out, '\n');
}

static void add_peer(struct sbuf *out, const struct view_peer *peer)
{
	char text[IP_TEXT_MAX];

	sbuf_printf(out, "%s:", peer->node->name);
	if (peer->endpoint)
		sbuf_printf(out, " at %s:%u", peer->endpoint->host ?
			    peer->endpoint->host :
			    ip_format(&peer->endpoint->ip, text),
			    peer->endpoint_port);
	if (peer->keepalive)
		sbuf_printf(out, " keepalive %u", peer->keepalive);
	if (peer->link && peer->link->preshared_key_file)
		sbuf_printf(out, " key %s", peer->link->preshared_key_file);
	sbuf_putc(out, '\n');
	add_list(out, "  allowed", &peer->allowed);
}

/* Everything of a view, in lines. */
static const char *lines(const struct view *view)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_printf(&out, "port %u mtu %u mark %u table %u%s%s%s%s%s\n",
		    view->listen_port, view->mtu, view->fwmark, view->table,
		    view->full4 ? " full4" : "", view->full6 ? " full6" : "",
		    view->forwards4 ? " forwards4" : "",
		    view->forwards6 ? " forwards6" : "",
		    view->relays ? " relays" : "");
	for (size_t i = 0; i < view->peer_count; i++)
		add_peer(&out, &view->peers[i]);
	add_list(&out, "routes", &view->routes);
	add_list(&out, "members", &view->members);
	return out.data;
}

static const char *view_lines(const char *text, const char *name)
{
	const struct mesh *mesh = mesh_of(arena, text);
	const struct node *self = mesh_node(mesh, name);
	struct view view;

	ck_assert_ptr_nonnull(self);
	view_make(arena, mesh, self, &view);
	ck_assert_ptr_eq(view.mesh, mesh);
	ck_assert_ptr_eq(view.self, self);
	return lines(&view);
}

static const char office[] =
	"{'meshapply': 1, 'mesh': 'office', 'overlay': ['10.250.0.0/24'],"
	" 'mtu': 1380, 'nodes': {"
	" 'uae': {'public_key': '@3', 'addresses': ['10.250.0.3'],"
	"         'subnets': ['192.168.30.0/24']},"
	" 'ir': {'public_key': '@1', 'addresses': ['10.250.0.1'],"
	"        'endpoint': '198.51.100.10:4000', 'mtu': 1300,"
	"        'fwmark': 7, 'table': 100,"
	"        'subnets': ['192.168.11.0/24', '192.168.10.0/24']},"
	" 'tr': {'public_key': '@2', 'addresses': ['10.250.0.2'],"
	"        'endpoint': 'tr.example.net'},"
	" 'off': {'public_key': '@4', 'addresses': ['10.250.0.4'],"
	"         'disabled': true, 'subnets': ['192.168.40.0/24']}}}";

START_TEST(full_mesh)
{
	start();
	/* behind NAT: a port of the kernel's, keepalive to the others */
	ck_assert_str_eq(view_lines(office, "uae"),
		"port 0 mtu 1380 mark 0 table 254 forwards4\n"
		"ir: at 198.51.100.10:4000 keepalive 25\n"
		"  allowed 10.250.0.1/32 192.168.10.0/24 192.168.11.0/24\n"
		"tr: at tr.example.net:51820 keepalive 25\n"
		"  allowed 10.250.0.2/32\n"
		"routes 192.168.10.0/24 192.168.11.0/24\n"
		"members 10.250.0.1/32 10.250.0.2/32 192.168.10.0/24 "
		"192.168.11.0/24\n");
	/* another table has no connected route */
	ck_assert_str_eq(view_lines(office, "ir"),
		"port 4000 mtu 1300 mark 7 table 100 forwards4\n"
		"tr: at tr.example.net:51820\n"
		"  allowed 10.250.0.2/32\n"
		"uae:\n"
		"  allowed 10.250.0.3/32 192.168.30.0/24\n"
		"routes 10.250.0.2/32 10.250.0.3/32 192.168.30.0/24\n"
		"members 10.250.0.2/32 10.250.0.3/32 192.168.30.0/24\n");
	ck_assert_str_eq(view_lines(office, "tr"),
		"port 51820 mtu 1380 mark 0 table 254\n"
		"ir: at 198.51.100.10:4000\n"
		"  allowed 10.250.0.1/32 192.168.10.0/24 192.168.11.0/24\n"
		"uae:\n"
		"  allowed 10.250.0.3/32 192.168.30.0/24\n"
		"routes 192.168.10.0/24 192.168.11.0/24 192.168.30.0/24\n"
		"members 10.250.0.1/32 10.250.0.3/32 192.168.10.0/24 "
		"192.168.11.0/24 192.168.30.0/24\n");
	ck_assert_str_eq(view_lines(office, "off"),
		"port 0 mtu 1380 mark 0 table 254\n");
	end();
}
END_TEST

static const char hubs[] =
	"{'meshapply': 1, 'mesh': 'stars', 'topology': 'hub-spoke',"
	" 'overlay': ['10.0.0.0/24', 'fd00::/64'], 'hubs': ['h2', 'h1'],"
	" 'links': [{'between': ['label:far', 'h2'], 'keepalive': 15,"
	"            'preshared_key_file': 'far.psk'}],"
	" 'nodes': {"
	" 'h1': {'public_key': '@1', 'addresses': ['10.0.0.1', 'fd00::1'],"
	"        'endpoint': '192.0.2.1'},"
	" 'h2': {'public_key': '@2', 'addresses': ['10.0.0.2', 'fd00::2'],"
	"        'endpoint': '[2001:db8::2]:5000',"
	"        'subnets': ['172.16.2.0/24']},"
	" 'a': {'public_key': '@3', 'addresses': ['10.0.0.3', 'fd00::3'],"
	"       'hub': 'h1', 'subnets': ['172.16.3.0/24', 'fd03::/64']},"
	" 'b': {'public_key': '@4', 'addresses': ['10.0.0.4'],"
	"       'hub': 'h2', 'labels': ['far'], 'subnets': ['172.16.4.0/24']},"
	" 'c': {'public_key': '@5', 'addresses': ['10.0.0.5', 'fd00::5'],"
	"       'hub': 'h2', 'labels': ['far']},"
	" 'd': {'public_key': '@6', 'addresses': ['10.0.0.6'],"
	"       'hub': 'h2', 'disabled': true,"
	"       'subnets': ['172.16.6.0/24']}}}";

START_TEST(two_hubs)
{
	start();
	ck_assert_str_eq(view_lines(hubs, "h1"),
		"port 51820 mtu 0 mark 0 table 254 forwards4 forwards6 "
		"relays\n"
		"a:\n"
		"  allowed 10.0.0.3/32 172.16.3.0/24 fd00::3/128 fd03::/64\n"
		"h2: at 2001:db8::2:5000\n"
		"  allowed 10.0.0.2/32 10.0.0.4/32 10.0.0.5/32 "
		"172.16.2.0/24 172.16.4.0/24 fd00::2/128 fd00::5/128\n"
		"routes 172.16.2.0/24 172.16.3.0/24 172.16.4.0/24 fd03::/64\n"
		"members 10.0.0.2/32 10.0.0.3/32 10.0.0.4/32 10.0.0.5/32 "
		"172.16.2.0/24 172.16.3.0/24 172.16.4.0/24 fd00::2/128 "
		"fd00::3/128 fd00::5/128 fd03::/64\n");
	ck_assert_str_eq(view_lines(hubs, "h2"),
		"port 5000 mtu 0 mark 0 table 254 forwards4 forwards6 "
		"relays\n"
		"b: keepalive 15 key far.psk\n"
		"  allowed 10.0.0.4/32 172.16.4.0/24\n"
		"c: keepalive 15 key far.psk\n"
		"  allowed 10.0.0.5/32 fd00::5/128\n"
		"h1: at 192.0.2.1:51820\n"
		"  allowed 10.0.0.1/32 10.0.0.3/32 172.16.3.0/24 "
		"fd00::1/128 fd00::3/128 fd03::/64\n"
		"routes 172.16.3.0/24 172.16.4.0/24 fd03::/64\n"
		"members 10.0.0.1/32 10.0.0.3/32 10.0.0.4/32 10.0.0.5/32 "
		"172.16.3.0/24 172.16.4.0/24 fd00::1/128 fd00::3/128 "
		"fd00::5/128 fd03::/64\n");
	/* no IPv6 of its own: no route of it */
	ck_assert_str_eq(view_lines(hubs, "b"),
		"port 0 mtu 0 mark 0 table 254 forwards4\n"
		"h2: at 2001:db8::2:5000 keepalive 15 key far.psk\n"
		"  allowed 10.0.0.0/24 172.16.2.0/24 172.16.3.0/24 "
		"fd00::/64 fd03::/64\n"
		"routes 172.16.2.0/24 172.16.3.0/24\n"
		"members 10.0.0.1/32 10.0.0.2/32 10.0.0.3/32 10.0.0.5/32 "
		"172.16.2.0/24 172.16.3.0/24 fd00::1/128 fd00::2/128 "
		"fd00::3/128 fd00::5/128 fd03::/64\n");
	ck_assert_str_eq(view_lines(hubs, "a"),
		"port 0 mtu 0 mark 0 table 254 forwards4 forwards6\n"
		"h1: at 192.0.2.1:51820 keepalive 25\n"
		"  allowed 10.0.0.0/24 172.16.2.0/24 172.16.4.0/24 "
		"fd00::/64\n"
		"routes 172.16.2.0/24 172.16.4.0/24\n"
		"members 10.0.0.1/32 10.0.0.2/32 10.0.0.4/32 10.0.0.5/32 "
		"172.16.2.0/24 172.16.4.0/24 fd00::1/128 fd00::2/128 "
		"fd00::5/128\n");
	end();
}
END_TEST

/* One hub needs no "hub" in its spokes; one without spokes does not relay. */
START_TEST(one_hub)
{
	static const char lonely[] =
		"{'meshapply': 1, 'mesh': 'm', 'topology': 'hub-spoke',"
		" 'overlay': ['10.0.0.0/24'], 'hubs': ['h'], 'nodes': {"
		" 'h': {'public_key': '@1', 'addresses': ['10.0.0.1'],"
		"       'endpoint': '192.0.2.1'},"
		" 's': {'public_key': '@2', 'addresses': ['10.0.0.2'],"
		"       'disabled': %s}}}";

	start();
	ck_assert_str_eq(view_lines(arena_printf(arena, lonely, "false"), "h"),
		"port 51820 mtu 0 mark 0 table 254 forwards4 relays\n"
		"s:\n  allowed 10.0.0.2/32\n"
		"members 10.0.0.2/32\n");
	ck_assert_str_eq(view_lines(arena_printf(arena, lonely, "true"), "h"),
		"port 51820 mtu 0 mark 0 table 254\n");
	end();
}
END_TEST

/* A family that only subnets behind it have: passed on all the same. */
START_TEST(relayed_family)
{
	static const char text[] =
		"{'meshapply': 1, 'mesh': 'm', 'topology': 'hub-spoke',"
		" 'overlay': ['10.0.0.0/24'], 'hubs': ['h'], 'nodes': {"
		" 'h': {'public_key': '@1', 'addresses': ['10.0.0.1'],"
		"       'endpoint': '192.0.2.1'},"
		" 's': {'public_key': '@2', 'addresses': ['10.0.0.2'],"
		"       'subnets': ['fd02::/64']},"
		" 't': {'public_key': '@3', 'addresses': ['10.0.0.3'],"
		"       'subnets': ['fd03::/64']}}, 'tests': ["
		"  {'from': 'fd02::5', 'to': 'fd03::5'}]}";

	start();
	ck_assert_str_eq(view_lines(text, "h"),
		"port 51820 mtu 0 mark 0 table 254 forwards4 forwards6 "
		"relays\n"
		"s:\n  allowed 10.0.0.2/32 fd02::/64\n"
		"t:\n  allowed 10.0.0.3/32 fd03::/64\n"
		"routes fd02::/64 fd03::/64\n"
		"members 10.0.0.2/32 10.0.0.3/32 fd02::/64 fd03::/64\n");
	ck_assert_str_eq(mesh_test_lines(arena, text), "");
	end();
}
END_TEST

static const char custom[] =
	"{'meshapply': 1, 'mesh': 'm', 'topology': 'custom',"
	" 'overlay': ['10.0.0.0/24'], 'defaults': {'keepalive': 9,"
	" 'listen_port': 4444},"
	" 'links': ["
	"  {'between': ['label:eu', 'label:eu'], 'keepalive': 0},"
	"  {'between': ['a', 'label:us'], 'preshared_key_file': 'us',"
	"   'endpoints': {'u': '192.0.2.77', 'a': '192.0.2.99:99'}}],"
	" 'nodes': {"
	" 'a': {'public_key': '@1', 'addresses': ['10.0.0.1'],"
	"       'labels': ['eu', 'other'], 'endpoint': '192.0.2.1:1'},"
	" 'b': {'public_key': '@2', 'addresses': ['10.0.0.2'],"
	"       'labels': ['eu'], 'endpoint': '192.0.2.2', 'keepalive': 3},"
	" 'u': {'public_key': '@3', 'addresses': ['10.0.0.3'],"
	"       'labels': ['us'], 'subnets': ['172.16.0.0/16']},"
	" 'x': {'public_key': '@4', 'addresses': ['10.0.0.4']}}}";

START_TEST(custom_links)
{
	start();
	ck_assert_str_eq(view_lines(custom, "a"),
		"port 1 mtu 0 mark 0 table 254\n"
		"b: at 192.0.2.2:4444\n"
		"  allowed 10.0.0.2/32\n"
		"u: at 192.0.2.77:4444 keepalive 9 key us\n"
		"  allowed 10.0.0.3/32 172.16.0.0/16\n"
		"routes 172.16.0.0/16\n"
		"members 10.0.0.2/32 10.0.0.3/32 172.16.0.0/16\n");
	ck_assert_str_eq(view_lines(custom, "u"),
		"port 4444 mtu 0 mark 0 table 254 forwards4\n"
		"a: at 192.0.2.99:99 keepalive 9 key us\n"
		"  allowed 10.0.0.1/32\n"
		"members 10.0.0.1/32\n");
	ck_assert_str_eq(view_lines(custom, "x"),
		"port 4444 mtu 0 mark 0 table 254\n");
	end();
}
END_TEST

/* Keepalive and port, from the nearest that says something. */
START_TEST(nearest_settings)
{
	static const char text[] =
		"{'meshapply': 1, 'mesh': 'm', 'overlay': ['10.0.0.0/24'],"
		" 'links': [{'between': ['a', 'd'],"
		"            'endpoints': {'a': '192.0.2.9:901'}},"
		"           {'between': ['a', 'b'],"
		"            'endpoints': {'a': '192.0.2.9:900'}}],"
		" 'nodes': {"
		" 'a': {'public_key': '@1', 'addresses': ['10.0.0.1']},"
		" 'b': {'public_key': '@2', 'addresses': ['10.0.0.2'],"
		"       'endpoint': '192.0.2.2:2', 'listen_port': 3},"
		" 'c': {'public_key': '@3', 'addresses': ['10.0.0.3'],"
		"       'endpoint': '192.0.2.3', 'listen_port': 4,"
		"       'keepalive': 50},"
		" 'd': {'public_key': '@4', 'addresses': ['10.0.0.4'],"
		"       'disabled': true}}}";

	start();
	/* a listens where links reach it, at the lowest port of several;
	   reached there, it is not behind NAT towards b, but it is towards
	   c */
	ck_assert_str_eq(view_lines(text, "a"),
		"port 900 mtu 0 mark 0 table 254\n"
		"b: at 192.0.2.2:2\n  allowed 10.0.0.2/32\n"
		"c: at 192.0.2.3:4 keepalive 25\n  allowed 10.0.0.3/32\n"
		"members 10.0.0.2/32 10.0.0.3/32\n");
	ck_assert_str_eq(view_lines(text, "b"),
		"port 3 mtu 0 mark 0 table 254\n"
		"a: at 192.0.2.9:900\n  allowed 10.0.0.1/32\n"
		"c: at 192.0.2.3:4\n  allowed 10.0.0.3/32\n"
		"members 10.0.0.1/32 10.0.0.3/32\n");
	ck_assert_str_eq(view_lines(text, "c"),
		"port 4 mtu 0 mark 0 table 254\n"
		"a: keepalive 50\n  allowed 10.0.0.1/32\n"
		"b: at 192.0.2.2:2 keepalive 50\n  allowed 10.0.0.2/32\n"
		"members 10.0.0.1/32 10.0.0.2/32\n");
	end();
}
END_TEST

/* An exit: its peers send it everything, and no set of sources is left. */
START_TEST(full_tunnel)
{
	static const char text[] =
		"{'meshapply': 1, 'mesh': 'm', 'topology': 'hub-spoke',"
		" 'overlay': ['10.0.0.0/24', 'fd00::/64'], 'hubs': ['h'],"
		" 'nodes': {"
		" 'h': {'public_key': '@1', 'addresses': ['10.0.0.1'],"
		"       'endpoint': '192.0.2.1'},"
		" 's': {'public_key': '@2', 'addresses': ['10.0.0.2',"
		"       'fd00::2']},"
		" 'x': {'public_key': '@3', 'addresses': ['10.0.0.3'],"
		"       'subnets': ['0.0.0.0/0', '::/0']}}}";

	start();
	ck_assert_str_eq(view_lines(text, "h"),
		"port 51820 mtu 0 mark 0 table 254 full4 full6 forwards4 "
		"forwards6 relays\n"
		"s:\n  allowed 10.0.0.2/32 fd00::2/128\n"
		"x:\n  allowed 0.0.0.0/0 10.0.0.3/32 ::/0\n"
		"routes fd00::2/128\n"
		"members 10.0.0.2/32 10.0.0.3/32 fd00::2/128\n");
	ck_assert_str_eq(view_lines(text, "s"),
		"port 0 mtu 0 mark 0 table 254 full4 full6\n"
		"h: at 192.0.2.1:51820 keepalive 25\n"
		"  allowed 0.0.0.0/0 10.0.0.0/24 ::/0 fd00::/64\n"
		"members 10.0.0.1/32 10.0.0.3/32\n");
	/* no way to everything back to itself */
	ck_assert_str_eq(view_lines(text, "x"),
		"port 0 mtu 0 mark 0 table 254 forwards4 forwards6\n"
		"h: at 192.0.2.1:51820 keepalive 25\n"
		"  allowed 10.0.0.0/24 fd00::/64\n"
		"routes fd00::/64\n"
		"members 10.0.0.1/32 10.0.0.2/32 fd00::2/128\n");
	end();
}
END_TEST

/* An IPv4 address that stands alone, or in 0.0.0.0/8, has no connected
   route. */
START_TEST(connected_routes)
{
	static const char zero[] =
		"{'meshapply': 1, 'mesh': 'm', 'overlay': ['0.1.0.0/24'],"
		" 'nodes': {"
		" 'a': {'public_key': '@1', 'addresses': ['0.1.0.1'],"
		"       'endpoint': '192.0.2.1'},"
		" 'b': {'public_key': '@2', 'addresses': ['0.1.0.2']}}}";
	static const char text[] =
		"{'meshapply': 1, 'mesh': 'm',"
		" 'overlay': ['10.0.0.1/32', '10.0.0.2/31', 'fd00::1/128',"
		"             'fd00::2/127'],"
		" 'nodes': {"
		" 'a': {'public_key': '@1', 'addresses': ['10.0.0.1',"
		"       'fd00::1'], 'endpoint': '192.0.2.1'},"
		" 'b': {'public_key': '@2', 'addresses': ['10.0.0.2',"
		"       'fd00::2']},"
		" 'c': {'public_key': '@3', 'addresses': ['10.0.0.3',"
		"       'fd00::3'], 'endpoint': '192.0.2.3'}}}";

	start();
	ck_assert_str_eq(view_lines(text, "a"),
		"port 51820 mtu 0 mark 0 table 254\n"
		"b:\n  allowed 10.0.0.2/32 fd00::2/128\n"
		"c: at 192.0.2.3:51820\n  allowed 10.0.0.3/32 fd00::3/128\n"
		"routes 10.0.0.2/32 10.0.0.3/32 fd00::2/128 fd00::3/128\n"
		"members 10.0.0.2/32 10.0.0.3/32 fd00::2/128 fd00::3/128\n");
	ck_assert_str_eq(view_lines(text, "b"),
		"port 0 mtu 0 mark 0 table 254\n"
		"a: at 192.0.2.1:51820 keepalive 25\n"
		"  allowed 10.0.0.1/32 fd00::1/128\n"
		"c: at 192.0.2.3:51820 keepalive 25\n"
		"  allowed 10.0.0.3/32 fd00::3/128\n"
		"routes 10.0.0.1/32 fd00::1/128\n"
		"members 10.0.0.1/32 10.0.0.3/32 fd00::1/128 fd00::3/128\n");
	ck_assert_str_eq(view_lines(zero, "a"),
		"port 51820 mtu 0 mark 0 table 254\n"
		"b:\n  allowed 0.1.0.2/32\nroutes 0.1.0.2/32\n"
		"members 0.1.0.2/32\n");
	end();
}
END_TEST

static void swap(struct random *r, void *items, size_t count, size_t size)
{
	char *bytes = items, *spare = arena_alloc(arena, size);

	for (size_t i = count; i > 1; i--) {
		size_t k = random_below(r, (uint32_t)i);

		memcpy(spare, bytes + (i - 1) * size, size);
		memcpy(bytes + (i - 1) * size, bytes + k * size, size);
		memcpy(bytes + k * size, spare, size);
	}
}

#define SWAP(r, items, count) swap(r, items, count, sizeof(*(items)))

/* Lists in another order, links the other way round. */
static void shuffle(struct random *r, struct mesh *mesh)
{
	SWAP(r, mesh->hubs, mesh->hub_count);
	SWAP(r, mesh->links, mesh->link_count);
	SWAP(r, mesh->overlay.items, mesh->overlay.count);
	for (size_t i = 0; i < mesh->link_count; i++) {
		SWAP(r, mesh->links[i].ends, 2);
		SWAP(r, mesh->links[i].endpoints,
		     mesh->links[i].endpoint_count);
	}
	for (size_t i = 0; i < mesh->node_count; i++) {
		SWAP(r, mesh->nodes[i].labels, mesh->nodes[i].label_count);
		SWAP(r, mesh->nodes[i].subnets.items,
		     mesh->nodes[i].subnets.count);
	}
}

START_TEST(order_does_not_matter)
{
	static const char *const texts[] = { office, hubs, custom };
	struct random random = { 42 };

	for (size_t t = 0; t < array_size(texts); t++) {
		start();
		for (int round = 0; round < 20; round++) {
			struct mesh mesh = *mesh_of(arena, texts[t]);

			shuffle(&random, &mesh);
			for (size_t i = 0; i < mesh.node_count; i++) {
				struct view view;

				view_make(arena, &mesh, &mesh.nodes[i], &view);
				ck_assert_str_eq(lines(&view),
					view_lines(texts[t],
						   mesh.nodes[i].name));
			}
		}
		end();
	}
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(full_mesh), CHECK_CASE(two_hubs),
		CHECK_CASE(one_hub), CHECK_CASE(relayed_family),
		CHECK_CASE(custom_links),
		CHECK_CASE(nearest_settings), CHECK_CASE(full_tunnel),
		CHECK_CASE(connected_routes),
		CHECK_CASE(order_does_not_matter),
	};

	return check_run("doc_view", cases, array_size(cases));
}
