/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model kernel's face: observe, compile, encode, send; and its faults. */
#include "support/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct model *of(struct kernel *k)
{
	return (struct model *)k;
}

static bool in_scope(const struct scope *scope, const struct link *link)
{
	size_t n = strlen(OUR_ALIAS);

	for (size_t i = 0; i < scope->device_count; i++)
		if (!strcmp(scope->devices[i], link->name))
			return true;
	return !strncmp(link->alias, OUR_ALIAS, n) &&
		!strcmp(link->alias + n, scope->mesh);
}

static void copy_device(struct arena *arena, const struct model_link *l,
			struct device *out)
{
	*out = l->device;
	out->has = DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT | DEVICE_FWMARK |
		DEVICE_MTU | DEVICE_UP | DEVICE_ALIAS | DEVICE_GROUP |
		DEVICE_VRF;
	out->mtu = l->link.mtu;
	out->group = l->link.group;
	out->up = l->link.up;
	out->index = l->link.index;
	strcpy(out->alias, l->link.alias);
	out->addresses = arena_copy(arena, l->addresses,
				    l->device.address_count *
				    sizeof(*l->addresses));
	out->peers = arena_copy(arena, l->peers, l->device.peer_count *
				sizeof(*l->peers));
	for (size_t i = 0; i < out->peer_count; i++) {
		struct peer *p = &out->peers[i];

		p->allowed_ips = arena_copy(arena, p->allowed_ips,
					    p->allowed_ip_count *
					    sizeof(*p->allowed_ips));
	}
}

static void observe_links(struct model *m, struct arena *arena,
			  const struct scope *scope, struct state *have)
{
	have->links = arena_new_array(arena, struct link, m->link_count);
	have->devices = arena_new_array(arena, struct device, m->link_count);
	for (size_t i = 0; i < m->link_count; i++) {
		const struct model_link *l = m->links[i];
		struct link *link = &have->links[have->link_count++];

		*link = l->link;
		if (strcmp(link->kind, "wireguard"))
			continue;
		link->listen_port = scope->ports ? l->device.listen_port : 0;
		if (in_scope(scope, link))
			copy_device(arena, l,
				    &have->devices[have->device_count++]);
	}
}

static bool route_in_scope(const struct scope *scope, const struct state *have,
			   const struct route *r)
{
	for (size_t i = 0; i < have->device_count; i++)
		if (!strcmp(have->devices[i].name, r->device))
			return true;
	for (const uint32_t *t = scope->tables; t && *t; t++)
		if (*t == r->table)
			return true;
	return r->protocol == OUR_PROTOCOL;
}

static bool sysctl_in_scope(const struct scope *scope, const char *key)
{
	for (size_t i = 0; i < scope->sysctl_count; i++)
		if (!strcmp(scope->sysctls[i], key))
			return true;
	return false;
}

static struct firewall *copy_firewall(struct arena *arena,
				      const struct model *m)
{
	struct firewall *f;

	if (!m->firewall)
		return NULL;
	f = arena_copy(arena, m->firewall, sizeof(*f));
	f->text = (struct str){ 0 };
	f->generation = m->generation;
	return f;
}

static int observe(struct kernel *k, struct arena *arena,
		   struct arena *secrets, const struct scope *scope,
		   struct state *have, struct err *e)
{
	struct model *m = of(k);

	(void)secrets;
	(void)e;
	memset(have, 0, sizeof(*have));
	strcpy(have->mesh, scope->mesh);
	observe_links(m, arena, scope, have);
	have->routes = arena_new_array(arena, struct route, m->route_count);
	for (size_t i = 0; i < m->route_count; i++)
		if (route_in_scope(scope, have, &m->routes[i]))
			have->routes[have->route_count++] = m->routes[i];
	have->rules = arena_copy(arena, m->rules,
				 m->rule_count * sizeof(*m->rules));
	have->rule_count = m->rule_count;
	have->sysctls = arena_new_array(arena, struct sysctl, m->sysctl_count);
	for (size_t i = 0; i < m->sysctl_count; i++)
		if (sysctl_in_scope(scope, m->sysctls[i].key))
			have->sysctls[have->sysctl_count++] = m->sysctls[i];
	have->firewall = copy_firewall(arena, m);
	have->foreign_tables = arena_copy(arena, m->foreign_tables,
		m->foreign_table_count * sizeof(*m->foreign_tables));
	have->foreign_table_count = m->foreign_table_count;
	state_normalise(have);
	return 0;
}

static int element_compare(const void *a, const void *b)
{
	const struct firewall_element *x = a, *y = b;

	return str_compare(x->bytes, y->bytes);
}

void model_compile(struct arena *arena, struct firewall *f)
{
	struct str rest = f->text, line;
	struct sbuf body;
	size_t capacity = 0;

	sbuf_init(&body, arena);
	f->elements = NULL;
	f->element_count = 0;
	while (str_next(&rest, '\n', &line)) {
		if (!str_starts(line, "element ")) {
			sbuf_str(&body, line);
			sbuf_putc(&body, '\n');
			continue;
		}
		arena_room(arena, &f->elements, f->element_count, &capacity,
			   sizeof(*f->elements));
		f->elements[f->element_count++] = (struct firewall_element){
			.bytes = line, .raw = line, .sendable = true };
	}
	if (f->element_count)
		qsort(f->elements, f->element_count, sizeof(*f->elements),
		      element_compare);
	f->objects = arena_new_array(arena, struct firewall_object, 2);
	f->object_count = 2;
	f->objects[0] = (struct firewall_object){
		.kind = FIREWALL_TABLE, .name = "t",
		.bytes = { body.data, body.size } };
	f->objects[1] = (struct firewall_object){
		.kind = FIREWALL_SET, .name = "s", .bytes = STR("set"),
		.elements_writable = true, .elements_compared = true,
		.element_count = (uint32_t)f->element_count };
	f->compiled = true;
}

static int compile(struct kernel *k, struct arena *arena, struct firewall *f,
		   struct diags *diags, struct err *e)
{
	(void)diags;
	if (of(k)->no_namespaces)
		return err_set(e, ERR_PERMISSION, "no namespace");
	model_compile(arena, f);
	return 0;
}

static int list(struct kernel *k, struct arena *arena, const char *table,
		struct str *text, struct err *e)
{
	struct model *m = of(k);

	if (!m->firewall || strcmp(m->firewall->table, table))
		return err_set(e, ERR_FAILED, "no table %s", table);
	*text = (struct str){ arena_strndup(arena, m->firewall->text.data,
					    m->firewall->text.size),
			      m->firewall->text.size };
	return 0;
}

static void set_elements(struct model *m, const struct firewall *want)
{
	struct firewall *f = m->firewall;
	struct sbuf text;

	sbuf_init(&text, m->arena);
	sbuf_str(&text, f->objects[0].bytes);
	for (size_t i = 0; i < want->element_count; i++) {
		sbuf_str(&text, want->elements[i].bytes);
		sbuf_putc(&text, '\n');
	}
	f->text = (struct str){ text.data, text.size };
	model_compile(m->arena, f);
}

static int firewall_step(struct model *m, const struct step *s)
{
	const struct firewall *before = s->firewall_before;

	if (s->kind == STEP_FIREWALL_DELETE) {
		if (!m->firewall)
			return ENOENT;
		m->firewall = NULL;
		m->generation++;
		return 0;
	}
	if (before && before->generation && m->firewall &&
	    before->generation != m->generation)
		return ERESTART;
	if (s->kind == STEP_FIREWALL_ELEMENTS && !m->firewall)
		return ENOENT;
	if (s->kind == STEP_FIREWALL_LOAD && !s->firewall->text.data)
		return EINVAL;
	if (s->kind == STEP_FIREWALL_LOAD) {
		m->firewall = arena_copy(m->arena, s->firewall,
					 sizeof(*m->firewall));
		model_compile(m->arena, m->firewall);
	} else {
		set_elements(m, s->firewall);
	}
	m->generation++;
	return 0;
}

static int foreign_table_step(struct model *m, const struct step *s)
{
	for (size_t i = 0; i < m->foreign_table_count; i++) {
		if (strcmp(m->foreign_tables[i], s->table))
			continue;
		m->foreign_tables[i] =
			m->foreign_tables[--m->foreign_table_count];
		m->generation++;
		return 0;
	}
	return ENOENT;
}

int model_step(struct model *m, const struct step *s, bool half)
{
	switch (s->kind) {
	case STEP_FIREWALL_LOAD:
	case STEP_FIREWALL_ELEMENTS:
	case STEP_FIREWALL_DELETE:
		return firewall_step(m, s);
	case STEP_LINK_CREATE:
	case STEP_LINK_CHANGE:
	case STEP_LINK_EMPTY:
	case STEP_LINK_DELETE:
		return model_link_step(m, s, half);
	case STEP_DEVICE_SET:
		return model_device_step(m, s, half);
	case STEP_PEER_ADD:
	case STEP_PEER_CHANGE:
	case STEP_PEER_REMOVE:
	case STEP_ALLOWED_IPS_REMOVE:
		return model_peer_step(m, s, half);
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_REMOVE:
		return model_address_step(m, s);
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_REPLACE:
	case STEP_ROUTE_REMOVE:
		return model_route_step(m, s);
	case STEP_RULE_ADD:
	case STEP_RULE_REMOVE:
		return model_rule_step(m, s);
	case STEP_SYSCTL_SET:
		return model_sysctl_step(m, s);
	case STEP_FOREIGN_TABLE_DELETE:
		return foreign_table_step(m, s);
	}
	return EOPNOTSUPP;
}

static int encode(struct kernel *k, struct arena *arena,
		  const struct plan *plan, struct err *e)
{
	(void)k;
	(void)arena;
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *s = &plan->steps[i];

		if (!s->id)
			return err_set(e, ERR_FAILED, "a step without an id");
		if (s->kind == STEP_FIREWALL_LOAD && !s->firewall->text.size)
			return err_set(e, ERR_FAILED, "%s: no text", s->id);
	}
	return 0;
}

static bool fault_due(struct model *m)
{
	if (!m->fault.times || m->sent < m->fault.at)
		return false;
	m->fault.times--;
	return true;
}

static int take(struct model *m, const struct step *s, struct err *e)
{
	bool due = fault_due(m);
	int number = 0;

	m->sent++;
	m->kernel.writes++;
	if (!due)
		number = model_step(m, s, false);
	else if (m->fault.half)
		(void)model_step(m, s, true);
	if (!due && !number)
		return 0;
	errno = number ? number : ENOBUFS;
	return err_sys(e, "%s", s->id);
}

static bool shares_message(const struct step *a, const struct step *b)
{
	return a->phase == b->phase && a->kind == b->kind &&
		(a->kind == STEP_PEER_ADD || a->kind == STEP_PEER_CHANGE);
}

static int send_steps(struct kernel *k, const struct plan *plan, size_t first,
		size_t *next, struct err *e)
{
	struct model *m = of(k);
	size_t batch = m->batch ? m->batch : 1, i = first;

	do {
		if (take(m, &plan->steps[i], e))
			return -1;
		i++;
	} while (i < plan->count && i - first < batch &&
		 shares_message(&plan->steps[first], &plan->steps[i]));
	*next = i;
	return 0;
}

static void finish(struct kernel *k)
{
	(void)k;
}

static void add_eth0(struct model *m)
{
	struct model_link *l = model_link_add(m, "eth0", "");
	struct prefix four, six;
	struct route r = {
		.type = 1, .protocol = 3, .table = 254, .device = "eth0",
		.prefix.ip.family = AF_INET,
	};

	l->link.up = true;
	if (prefix_parse(STR("192.0.2.2/24"), &four) ||
	    prefix_parse(STR("2001:db8::2/64"), &six) ||
	    ip_parse(STR("192.0.2.1"), &r.via))
		abort();
	model_address_insert(m, l, &four);
	model_address_insert(m, l, &six);
	model_route_put(m, &r);
	r.prefix.ip.family = AF_INET6;
	r.metric = 1024;
	if (ip_parse(STR("2001:db8::1"), &r.via))
		abort();
	model_route_put(m, &r);
}

static void add_rules(struct model *m)
{
	static const struct {
		uint8_t family;
		uint32_t priority, table;
	} all[] = {
		{ AF_INET, 0, 255 }, { AF_INET, 32766, 254 },
		{ AF_INET, 32767, 253 }, { AF_INET6, 0, 255 },
		{ AF_INET6, 32766, 254 },
	};

	for (size_t i = 0; i < array_size(all); i++)
		model_rule_put(m, &(struct rule){
			.family = all[i].family, .action = 1, .protocol = 2,
			.priority = all[i].priority, .table = all[i].table,
			.suppress_prefixlength = -1,
			.uid_range = { 0, UINT32_MAX } });
}

struct model *model_new(struct arena *arena)
{
	struct model *m = arena_new_object(arena, struct model);

	*m = (struct model){
		.kernel = { .observe = observe, .widen = observe,
			    .lookup = model_lookup,
			    .compile = compile, .list = list,
			    .encode = encode, .send = send_steps,
			    .finish = finish },
		.arena = arena, .next_index = 1, .next_port = 40000,
		.generation = 1,
	};
	model_sysctl(m, "net.ipv4.ip_forward", "0");
	model_sysctl(m, "net.ipv4.conf.all.forwarding", "0");
	model_sysctl(m, "net.ipv4.conf.default.forwarding", "0");
	model_sysctl(m, "net.ipv4.conf.all.accept_redirects", "1");
	model_sysctl(m, "net.ipv4.conf.all.send_redirects", "1");
	model_sysctl(m, "net.ipv4.conf.all.promote_secondaries", "0");
	model_sysctl(m, "net.ipv4.conf.all.src_valid_mark", "0");
	model_sysctl(m, "net.ipv6.conf.all.forwarding", "0");
	model_sysctl(m, "net.ipv6.conf.default.forwarding", "0");
	model_link_add(m, "lo", "")->link.up = true;
	add_eth0(m);
	add_rules(m);
	return m;
}
