/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a wg-quick file says as the three texts.  One value stands on a line,
 * and a map leads from each line to where the value came from, so that what
 * is found wrong later is shown in the user's own file.  The line of a secret
 * is never shown: what stands for it leads to its section.
 */
#include <linux/fib_rules.h>
#include <linux/ipv6_route.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "quick/file.h"
#include "state/firewall.h"
#include "state/state.h"
#include "state/text.h"

#define SRC_VALID_MARK "net.ipv4.conf.all.src_valid_mark"

struct writer {
	const struct quick_file *file;
	const struct quick_routes *routes;
	struct sbuf text;
	struct source_map *map;
	size_t map_count, map_capacity;
};

/* Memory for so many LINES of a usual SIZE; it grows if they are longer. */
static void begin(struct writer *w, const struct quick_file *file,
		  const struct quick_routes *routes, size_t lines, size_t size)
{
	*w = (struct writer){ .file = file, .routes = routes };
	w->map_capacity = lines;
	w->map = arena_new_array(file->arena, struct source_map, lines);
	w->text.arena = file->arena;
	w->text.capacity = lines * size;
	w->text.data = arena_alloc(file->arena, w->text.capacity);
}

/* What is written from here on comes from the offset of WHERE. */
static void from(struct writer *w, struct place where)
{
	arena_room(w->file->arena, &w->map, w->map_count, &w->map_capacity,
		   sizeof(*w->map));
	w->map[w->map_count++] =
		(struct source_map){ w->text.size, where.offset };
}

static void from_view(struct writer *w, struct str view)
{
	from(w, place_of(w->file->source, view));
}

/* An empty text is none. */
static struct source finish(const struct writer *w, const char *name)
{
	struct source out = { .name = name };

	if (!w->text.size)
		return out;
	out.text = (struct str){ w->text.data, w->text.size };
	out.origin = w->file->source;
	out.map = w->map;
	out.map_count = w->map_count;
	return out;
}

static void pair(struct writer *w, const char *key, const char *value)
{
	sbuf_puts(&w->text, key);
	sbuf_puts(&w->text, " = ");
	sbuf_puts(&w->text, value);
	sbuf_putc(&w->text, '\n');
}

static void pair_prefix(struct writer *w, const char *key,
			const struct placed_prefix *item)
{
	char text[PREFIX_TEXT_MAX];

	from(w, item->where);
	pair(w, key, prefix_format(&item->prefix, text));
}

static void directive(struct writer *w, const char *key, struct str value)
{
	sbuf_printf(&w->text, "#@ %s ", key);
	sbuf_str(&w->text, value);
	sbuf_putc(&w->text, '\n');
}

static bool is_full(const struct quick_routes *routes)
{
	return routes->full4 || routes->full6;
}

/* Has the file "#@ sysctl" for this key itself? */
static bool says_sysctl(const struct quick_file *file, const char *key)
{
	for (size_t i = 0; i < file->sysctl_count; i++) {
		struct str rest = file->sysctls[i].value, word;

		if (str_next(&rest, '=', &word) && str_is(str_trim(word), key))
			return true;
	}
	return false;
}

static const char *mesh_name(const struct quick_file *file)
{
	return file->options->mesh ? file->options->mesh :
		file->options->name;
}

static void write_interface_directives(struct writer *w)
{
	const struct quick_file *file = w->file;
	const char *name = file->options->name;

	from_view(w, file->header);
	directive(w, "mesh", str_of(mesh_name(file)));
	directive(w, "interface", str_of(name));
	if (file->private_key_file.data) {
		from_view(w, file->private_key_file);
		directive(w, "private-key-file", file->private_key_file);
	} else if (file->private_key) {
		directive(w, "private-key-file",
			  str_of(quick_private_key_name(file)));
	}
	for (size_t i = 0; i < file->sysctl_count; i++) {
		from_view(w, file->sysctls[i].value);
		directive(w, "sysctl", file->sysctls[i].value);
	}
	if (w->routes->full4 && !says_sysctl(file, SRC_VALID_MARK)) {
		from(w, w->routes->full4_where);
		directive(w, "sysctl", STR(SRC_VALID_MARK " = 1"));
	}
}

static void write_number(struct writer *w, enum quick_word word,
			 uint32_t number)
{
	from_view(w, w->file->said[word].value);
	sbuf_printf(&w->text, "%s = %u\n", quick_word_name(word), number);
}

static void write_interface(struct writer *w)
{
	const struct quick_file *file = w->file;

	write_interface_directives(w);
	from_view(w, file->header);
	sbuf_puts(&w->text, "[Interface]\n");
	for (size_t i = 0; i < file->addresses.count; i++)
		pair_prefix(w, "Address", &file->addresses.items[i]);
	if (file->listen_port)
		write_number(w, QUICK_LISTEN_PORT, file->listen_port);
	if (file->fwmark) {
		write_number(w, QUICK_FWMARK, file->fwmark);
	} else if (is_full(w->routes)) {
		from(w, w->routes->full4 ? w->routes->full4_where :
					   w->routes->full6_where);
		pair(w, "FwMark", "auto");
	}
	if (file->mtu) {
		write_number(w, QUICK_MTU, file->mtu);
	} else {
		from_view(w, file->header);
		pair(w, "MTU", "auto");
	}
	from_view(w, file->header);
	pair(w, "Table", "off");
}

static struct str peer_said(const struct quick_peer *peer,
			    enum quick_word word)
{
	return peer->said[word - QUICK_INTERFACE_WORDS].value;
}

static void write_endpoint(struct writer *w, const struct quick_peer *peer)
{
	const struct value_endpoint *e = &peer->endpoint;
	char text[ENDPOINT_TEXT_MAX];

	if (!peer->endpoint_where.source)
		return;
	from(w, peer->endpoint_where);
	if (!e->host)
		pair(w, "Endpoint", endpoint_format(&e->endpoint, text));
	else
		sbuf_printf(&w->text, strchr(e->host, ':') ?
			    "Endpoint = [%s]:%u\n" : "Endpoint = %s:%u\n",
			    e->host, e->port);
}

static void write_peer(struct writer *w, const struct quick_peer *peer)
{
	const struct quick_file *file = w->file;
	char key[KEY_TEXT_MAX];

	sbuf_putc(&w->text, '\n');
	if (peer->name.data) {
		from_view(w, peer->name);
		directive(w, "name", peer->name);
	}
	if (peer->endpoint_policy.data) {
		from_view(w, peer->endpoint_policy);
		directive(w, "endpoint", peer->endpoint_policy);
	}
	if (peer->preshared_key_file.data) {
		from_view(w, peer->preshared_key_file);
		directive(w, "preshared-key-file", peer->preshared_key_file);
	} else if (peer->preshared_key) {
		from_view(w, peer->header);
		directive(w, "preshared-key-file",
			  str_of(quick_preshared_key_name(file, peer)));
	}
	from_view(w, peer->header);
	sbuf_puts(&w->text, "[Peer]\n");
	from_view(w, peer_said(peer, QUICK_PUBLIC_KEY));
	pair(w, "PublicKey", key_format(&peer->public_key, key));
	for (size_t i = 0; i < peer->allowed_count; i++) {
		struct placed_prefix item =
			file->allowed.items[peer->allowed_first + i];

		item.prefix = prefix_mask(item.prefix);
		pair_prefix(w, "AllowedIPs", &item);
	}
	write_endpoint(w, peer);
	if (peer->keepalive) {
		from_view(w, peer_said(peer, QUICK_KEEPALIVE));
		sbuf_printf(&w->text, "PersistentKeepalive = %u\n",
			    peer->keepalive);
	}
}

/* As iproute2 makes one of "PREFIX dev IF table TABLE". */
static struct route route_of(const struct writer *w,
			     const struct prefix *prefix, uint32_t table)
{
	bool v6 = prefix->ip.family == AF_INET6;
	struct route route = {
		.prefix = *prefix,
		.type = RTN_UNICAST,
		.protocol = OUR_PROTOCOL,
		.scope = v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.table = table,
		.metric = v6 ? IP6_RT_PRIO_USER : 0,
	};

	route.prefix = prefix_mask(route.prefix);
	memcpy(route.device, w->file->options->name,
	       strlen(w->file->options->name));
	return route;
}

static void write_route(struct writer *w, struct place where,
			const struct route *route)
{
	from(w, where);
	sbuf_puts(&w->text, "route replace ");
	route_write(&w->text, route);
	sbuf_putc(&w->text, '\n');
}

/* The whole of a family: a default route in a table apart. */
static void write_default(struct writer *w, uint8_t family,
			  struct place where)
{
	struct prefix whole = { .ip.family = family };
	struct route route = route_of(w, &whole, w->file->fwmark);

	if (!w->file->fwmark)
		route.automatic = ROUTE_TABLE;
	write_route(w, where, &route);
}

static void write_rule(struct writer *w, struct place where,
		       const struct rule *rule)
{
	from(w, where);
	sbuf_puts(&w->text, rule->family == AF_INET6 ? "-6 rule add "
						     : "rule add ");
	rule_write(&w->text, rule);
	sbuf_putc(&w->text, '\n');
}

/*
 * All packets but WireGuard's own, which are marked, look into that table,
 * after those routes of main that are no default ones.  A mark that is given
 * is the number of the table too.
 */
static void write_rules(struct writer *w, uint8_t family, struct place where)
{
	uint32_t mark = w->file->fwmark;
	struct rule rule = {
		.family = family,
		.action = FR_ACT_TO_TBL,
		.protocol = OUR_PROTOCOL,
		.from.ip.family = family,
		.to.ip.family = family,
		.uid_range = { 0, UINT32_MAX },
		.invert = true,
		.fwmark = mark,
		.fwmask = UINT32_MAX,
		.table = mark,
		.suppress_prefixlength = -1,
		.automatic = RULE_PRIORITY,
	};

	if (!mark)
		rule.automatic |= RULE_TABLE | RULE_FWMARK;
	write_rule(w, where, &rule);
	rule.invert = false;
	rule.fwmark = 0;
	rule.fwmask = 0;
	rule.table = RT_TABLE_MAIN;
	rule.suppress_prefixlength = 0;
	rule.automatic = RULE_PRIORITY;
	write_rule(w, where, &rule);
}

static void write_network(struct writer *w)
{
	const struct quick_routes *routes = w->routes;

	for (size_t i = 0; i < routes->count; i++) {
		struct route route = route_of(w, &routes->routes[i].prefix,
					      routes->table);

		write_route(w, routes->routes[i].where, &route);
	}
	if (routes->full4)
		write_default(w, AF_INET, routes->full4_where);
	if (routes->full6)
		write_default(w, AF_INET6, routes->full6_where);
	if (routes->full4)
		write_rules(w, AF_INET, routes->full4_where);
	if (routes->full6)
		write_rules(w, AF_INET6, routes->full6_where);
}

/*
 * What reaches an address of the tunnel by another way is dropped, as in
 * wg-quick, for the families that go through the tunnel whole.
 */
static void write_spoof_rules(struct writer *w)
{
	const struct prefix_list *addresses = &w->file->addresses;
	char text[IP_TEXT_MAX];

	for (size_t i = 0; i < addresses->count; i++) {
		const struct ip *ip = &addresses->items[i].prefix.ip;
		bool v6 = ip->family == AF_INET6;

		if (v6 ? !w->routes->full6 : !w->routes->full4)
			continue;
		from(w, addresses->items[i].where);
		sbuf_printf(&w->text, "\t\tiifname != \"%s\" %s daddr %s "
			    "fib saddr type != local drop\n",
			    w->file->options->name, v6 ? "ip6" : "ip",
			    ip_format(ip, text));
	}
}

/*
 * The mark goes from WireGuard's packets to their connection, and from there
 * to the answers, so that a strict rp_filter takes the same way for both.
 */
static void write_firewall(struct writer *w)
{
	const struct quick_routes *routes = w->routes;
	struct place where = routes->full4 ? routes->full4_where :
					     routes->full6_where;
	char mark[16] = "$fwmark";

	if (!is_full(routes))
		return;
	if (w->file->fwmark)
		snprintf(mark, sizeof(mark), "%u", w->file->fwmark);
	from(w, where);
	sbuf_printf(&w->text, "table inet %s {\n\tchain preraw {\n"
		    "\t\ttype filter hook prerouting priority raw;\n",
		    firewall_table_name(w->file->arena, mesh_name(w->file)));
	write_spoof_rules(w);
	from(w, where);
	sbuf_printf(&w->text, "\t}\n\n\tchain premangle {\n"
		    "\t\ttype filter hook prerouting priority mangle;\n"
		    "\t\tmeta l4proto udp ct mark %s meta mark set ct mark\n"
		    "\t}\n\n\tchain postmangle {\n"
		    "\t\ttype filter hook postrouting priority mangle;\n"
		    "\t\tmeta l4proto udp meta mark %s ct mark set meta mark\n"
		    "\t}\n}\n", mark, mark);
}

void quick_write(const struct quick_file *file, struct quick *out)
{
	struct quick_routes routes;
	struct writer w;

	quick_route(file, &routes);
	begin(&w, file, &routes,
	      file->addresses.count + file->allowed.count +
	      file->sysctl_count + 10 * (file->peer_count + 1), 32);
	write_interface(&w);
	for (size_t i = 0; i < file->peer_count; i++)
		write_peer(&w, &file->peers[i]);
	out->texts.wireguard = finish(&w, TEXT_WIREGUARD);
	begin(&w, file, &routes, routes.count + 6, 48);
	write_network(&w);
	out->texts.network = finish(&w, TEXT_NETWORK);
	begin(&w, file, &routes, file->addresses.count + 2, 96);
	write_firewall(&w);
	out->texts.firewall = finish(&w, TEXT_FIREWALL);
}
