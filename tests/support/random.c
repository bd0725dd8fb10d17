/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/random.h"

#include <string.h>
#include <sys/socket.h>

#define PEERS 6
#define PREFIXES 10

uint32_t random_below(struct random *r, uint32_t limit)
{
	/* xorshift64*: short, and good enough to choose by. */
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * 0x2545f4914f6cdd1dull) >> 33) % limit;
}

bool random_chance(struct random *r, uint32_t percent)
{
	return random_below(r, 100) < percent;
}

static const char *pick(struct random *r, const char *const *words,
			uint32_t count)
{
	return words[random_below(r, count)];
}

static void random_addresses(struct random *r, struct build *b,
			     struct device *d, bool ipv6)
{
	static const char *const four[] = {
		"10.0.0.1/24", "10.0.0.7/24", "10.0.0.9/24", "10.0.1.1/24",
		"10.0.0.1/32", "10.0.2.1/16", "10.0.0.3/24",
	};
	static const char *const six[] = {
		"fd00::1/64", "fd00::2/64", "fd00::1/128", "fe80::1/64",
		"fd00:1::1/64",
	};
	struct prefix *list = arena_new_array(b->arena, struct prefix, 16);
	size_t count = 0;

	for (uint32_t n = random_below(r, 5); n; n--) {
		struct prefix p = build_prefix(ipv6 && random_chance(r, 40) ?
			pick(r, six, array_size(six)) :
			pick(r, four, array_size(four)));
		bool twice = false;

		for (size_t i = 0; i < count; i++)
			if (!prefix_compare(&list[i], &p) ||
			    (p.ip.family == AF_INET6 &&
			     !ip_compare(&list[i].ip, &p.ip)))
				twice = true;
		if (!twice)
			list[count++] = p;
	}
	d->addresses = list;
	d->address_count = count;
}

static const char *const endpoints[] = {
	"198.51.100.1:51820", "198.51.100.2:51820", "[2001:db8:1::1]:51820",
};

static void random_peers(struct random *r, struct build *b, struct device *d)
{
	static const char *const prefixes[PREFIXES] = {
		"10.0.0.2/32", "10.0.0.3/32", "10.1.0.0/16", "10.2.0.0/16",
		"10.3.0.0/24", "fd00::5/128", "fd01::/64", "0.0.0.0/0",
		"::/0", "10.1.2.0/24",
	};
	char lists[PEERS][256] = { "" };

	for (size_t i = 0; i < PREFIXES; i++) {
		char *list = lists[random_below(r, PEERS)];

		if (random_chance(r, 30))
			continue;
		strcat(list, *list ? "," : "");
		strcat(list, prefixes[i]);
	}
	for (int i = 0; i < PEERS; i++) {
		struct peer *p;

		if (random_chance(r, 35))
			continue;
		p = build_peer(b, d, 11 + i, random_chance(r, 30) ? NULL :
			       pick(r, endpoints, array_size(endpoints)),
			       lists[i]);
		p->keepalive = random_chance(r, 30) ? 25 : 0;
		if (random_chance(r, 30)) {
			struct key psk = build_key(90 +
						   (int)random_below(r, 2));

			p->preshared_key = arena_copy(b->arena, &psk,
						      sizeof(psk));
		}
	}
}

static void random_routes(struct random *r, struct build *b, struct device *d,
			  bool ipv6)
{
	static const char *const four[] = {
		"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/24", "172.16.0.0/12",
	};

	for (size_t i = 0; i < array_size(four); i++) {
		struct route *route;

		if (random_chance(r, 50))
			continue;
		route = build_route(b, four[i], d->name,
				    random_chance(r, 30) ? 100 : 254);
		if (random_chance(r, 20))
			route->mtu = 1300;
		for (size_t j = 0; j < d->address_count; j++)
			if (d->addresses[j].ip.family == AF_INET &&
			    random_chance(r, 25))
				route->source = d->addresses[j].ip;
	}
	if (ipv6 && random_chance(r, 50))
		build_route(b, "fd01::/64", d->name, 254);
	if (random_chance(r, 20)) {
		struct route *route = build_route(b, "10.9.0.0/16", "", 254);

		route->type = 6;
		route->scope = 0;
	}
}

static void random_rules(struct random *r, struct build *b)
{
	struct rule *rule;

	if (random_chance(r, 30)) {
		rule = build_rule(b, AF_INET, 1000, 100);
		rule->from = build_prefix("10.0.0.0/8");
	}
	if (random_chance(r, 20)) {
		rule = build_rule(b, AF_INET6, 1000, 100);
		rule->to = build_prefix("fd00::/16");
	}
	if (random_chance(r, 20)) {
		rule = build_rule(b, AF_INET, 1001 + random_below(r, 2), 254);
		rule->fwmark = 7;
		rule->fwmask = 0xff;
	}
}

static void random_sysctls(struct random *r, struct build *b,
			   const struct device *d)
{
	if (random_chance(r, 35))
		build_sysctl(b, "net.ipv4.ip_forward", "1");
	if (random_chance(r, 25))
		build_sysctl(b, "net.ipv6.conf.all.forwarding", "1");
	if (random_chance(r, 25))
		build_sysctl(b, "net.ipv4.conf.all.src_valid_mark", "1");
	if (random_chance(r, 25))
		build_sysctl(b, arena_printf(b->arena,
			"net.ipv4.conf.%s.rp_filter", d->name), "2");
	if (random_chance(r, 15))
		build_sysctl(b, "net.ipv4.conf.eth0.forwarding",
			     random_chance(r, 50) ? "1" : "0");
}

static void random_firewall(struct random *r, struct build *b)
{
	static const char *const texts[] = {
		"one\nelement a\nelement b\n", "one\nelement b\nelement c\n",
		"one\n", "two\nelement a\n", "three fwmark $fwmark\n",
	};

	if (random_chance(r, 50))
		build_firewall(b, pick(r, texts, array_size(texts)));
}

void random_want(struct random *r, struct build *b)
{
	static const uint32_t marks[] = { 0, 0x10, 0x20, 51820 };
	struct device *d;
	bool ipv6 = random_chance(r, 80);

	if (random_chance(r, 8)) {
		state_normalise(&b->s);
		return;
	}
	d = build_device(b, random_chance(r, 85) ? "wg0" : "wg1",
			 random_chance(r, 85) ? 1 : 2);
	d->mtu = !ipv6 && random_chance(r, 50) ? 1200 :
		random_chance(r, 70) ? 1420 : 1380;
	if (random_chance(r, 60)) {
		d->has |= DEVICE_LISTEN_PORT;
		d->listen_port = random_chance(r, 70) ? 51820 : 51821;
	}
	random_addresses(r, b, d, ipv6);
	random_peers(r, b, d);
	random_routes(r, b, d, ipv6);
	if (random_chance(r, 30)) {
		build_full_tunnel(b, d, AF_INET);
		if (ipv6 && random_chance(r, 50))
			build_full_tunnel(b, d, AF_INET6);
		/* A literal mark: another number when it changes. */
		if (random_chance(r, 60)) {
			d->automatic &= ~(unsigned int)DEVICE_FWMARK;
			d->fwmark = marks[1 + random_below(r, 3)];
		}
	} else {
		d->fwmark = marks[random_below(r, 3)];
	}
	random_rules(r, b);
	random_sysctls(r, b, d);
	random_firewall(r, b);
	state_normalise(&b->s);
}

static void foreign_route(struct model *m, const char *prefix,
			  const char *device)
{
	struct route route = { .prefix = build_prefix(prefix), .type = 1,
			       .protocol = 4, .table = 254 };

	strcpy(route.device, device);
	route.metric = route.prefix.ip.family == AF_INET6 ? 1024 : 0;
	model_route_put(m, &route);
}

void random_host(struct random *r, struct model *m)
{
	if (random_chance(r, 30)) {
		struct model_link *l = model_link_add(m, "other0",
						      "wireguard");

		l->link.up = random_chance(r, 70);
		l->device.listen_port = 51821;
		l->device.public_key = build_key(77);
	}
	if (random_chance(r, 20))
		foreign_route(m, "10.7.0.0/16", "eth0");
	if (random_chance(r, 15))
		foreign_route(m, "10.2.0.0/16", "eth0");
	if (random_chance(r, 20))
		model_rule_put(m, &(struct rule){ .family = AF_INET,
			.action = 1, .protocol = 3, .priority = 32765,
			.table = 300, .suppress_prefixlength = -1,
			.uid_range = { 0, UINT32_MAX } });
	if (random_chance(r, 30))
		model_sysctl(m, "net.ipv4.ip_forward", "0");
	if (random_chance(r, 20))
		model_sysctl(m, "net.ipv4.conf.all.accept_redirects", "0");
	if (random_chance(r, 20))
		model_sysctl(m, "net.ipv4.conf.all.promote_secondaries", "1");
	if (random_chance(r, 30))
		model_link_find(m, "eth0")->link.advertised_default = true;
}

static void drift_peers(struct random *r, struct model *m,
			struct model_link *l)
{
	for (size_t i = 0; i < l->device.peer_count; i++) {
		struct peer *p = &l->peers[i];

		if (random_chance(r, 15))
			p->endpoint = build_endpoint("203.0.113.9:1024");
		if (p->endpoint.ip.family && random_chance(r, 50))
			p->last_handshake = random_chance(r, 50) ? 999990 : 10;
		if (random_chance(r, 10))
			p->keepalive = 5;
		if (random_chance(r, 10))
			p->allowed_ip_count /= 2;
		p->sent += random_below(r, 2);
	}
	if (l->device.peer_count && random_chance(r, 15))
		l->device.peer_count--;
	(void)m;
}

static void drift_step(struct model *m, const struct step *s)
{
	(void)model_step(m, s, false);
}

static void drift_addresses(struct random *r, struct model *m,
			    struct model_link *l)
{
	struct prefix extra = build_prefix(random_chance(r, 50) ?
					   "10.0.0.200/24" : "10.5.5.5/30");
	struct step s = { .kind = STEP_ADDRESS_ADD, .device = &l->device,
			  .prefixes = &extra, .prefix_count = 1 };

	if (random_chance(r, 25))
		drift_step(m, &s);
	if (l->device.address_count && random_chance(r, 25)) {
		extra = l->addresses[random_below(r,
			(uint32_t)l->device.address_count)];
		s.kind = STEP_ADDRESS_REMOVE;
		drift_step(m, &s);
	}
}

static void drift_link(struct random *r, struct model *m, struct model_link *l)
{
	struct device d = l->device;
	struct step s = { .kind = STEP_LINK_CHANGE, .device = &d,
			  .fields = DEVICE_UP };

	if (random_chance(r, 10))
		drift_step(m, &s);
	d.mtu = random_chance(r, 50) ? 1300 : 1200;
	s.fields = DEVICE_MTU;
	if (random_chance(r, 10))
		drift_step(m, &s);
	if (random_chance(r, 10))
		l->device.fwmark = 0x99;
	if (l->link.up && random_chance(r, 25))
		foreign_route(m, "10.66.0.0/16", l->link.name);
	if (l->link.up && l->link.mtu >= 1280 && random_chance(r, 10))
		foreign_route(m, "fd66::/64", l->link.name);
}

void random_drift(struct random *r, struct model *m)
{
	static const char *const names[] = { "wg0", "wg1" };

	for (size_t i = 0; i < array_size(names); i++) {
		struct model_link *l = model_link_find(m, names[i]);

		if (!l)
			continue;
		drift_peers(r, m, l);
		drift_addresses(r, m, l);
		drift_link(r, m, l);
	}
	if (m->route_count > 3 && random_chance(r, 20))
		m->route_count--;
	if (m->rule_count > 6 && random_chance(r, 20))
		m->rule_count--;
	if (m->firewall && random_chance(r, 15)) {
		m->firewall->text = STR("edited by hand\n");
		model_compile(m->arena, m->firewall);
	}
	if (random_chance(r, 10))
		model_sysctl(m, "net.ipv4.conf.eth0.forwarding", "1");
}
