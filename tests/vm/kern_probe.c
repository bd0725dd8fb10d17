/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kern_probe COMMAND... - what the kernel code does, on a real kernel
 *
 *	peers COUNT MOST	create a link of COUNT peers with up to MOST
 *				allowed IPs each, read it back exactly, take
 *				single allowed IPs away, read it back, remove
 *				some peers, empty and delete it
 *	list COUNT		the same for one peer with a list of COUNT
 *	range LAST MOST		"peers" for each number from 0 to LAST
 *	dump COUNT MOST		create a link, leave it, and print what
 *				"wg show probe0 dump" has to say of its peers
 *	node PORT		addresses and routes on the link that is there,
 *				and the port of the link other0
 *	delete
 *	vanished		a change of a peer that is not there
 *	names			errors name their object and the kernel's words
 */
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/kernel.h"

#define DEVICE "probe0"

static struct arena *arena, *secrets;
static struct kernel *kernel;

static noreturn_ void die(const char *what, const struct err *e)
{
	fprintf(stderr, "%s%s%s\n", what, e ? ": " : "", e ? e->text : "");
	exit(1);
}

static uint32_t random_state = 7;

static uint32_t roll(uint32_t below)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Every prefix is of one peer alone: its number is in it. */
static struct prefix numbered(uint32_t number)
{
	struct prefix p = { .ip.family = AF_INET, .length = 32 };

	if (roll(2)) {
		p.ip.family = AF_INET6;
		p.length = 128;
		p.ip.bytes[0] = 0xfd;
		memcpy(p.ip.bytes + 12, &number, 4);
		return p;
	}
	p.ip.bytes[0] = 10;
	p.ip.bytes[1] = (uint8_t)(number >> 16);
	p.ip.bytes[2] = (uint8_t)(number >> 8);
	p.ip.bytes[3] = (uint8_t)number;
	return p;
}

static struct device *make_device(size_t count, size_t most, bool exact)
{
	struct device *d = arena_new_object(arena, struct device);
	struct key *key = arena_new_object(secrets, struct key);
	uint32_t number = 0;

	strcpy(d->name, DEVICE);
	strcpy(d->alias, OUR_ALIAS "probe");
	d->group = OUR_LINK_GROUP;
	d->mtu = 1400;
	d->up = true;
	d->fwmark = 0x1234;
	d->listen_port = 51999;
	key_generate(key);
	d->private_key = key;
	key_public(key, &d->public_key);
	d->peers = arena_new_array(arena, struct peer, count);
	d->peer_count = count;
	for (size_t i = 0; i < count; i++) {
		struct peer *p = &d->peers[i];
		struct prefix *ips;

		key_generate_preshared(&p->public_key);
		p->allowed_ip_count = exact ? most :
					      roll((uint32_t)most + 1);
		ips = arena_new_array(arena, struct prefix,
				      p->allowed_ip_count);
		for (size_t j = 0; j < p->allowed_ip_count; j++)
			ips[j] = numbered(number++);
		p->allowed_ips = ips;
		if (roll(2)) {
			key = arena_new_object(secrets, struct key);
			key_generate_preshared(key);
			p->preshared_key = key;
		}
		if (roll(2)) {
			p->endpoint.ip = numbered(number).ip;
			p->endpoint.port = (uint16_t)(1 + roll(65535));
		}
		/* Thousands of handshakes at once would be all that is
		   measured. */
		if (roll(2) && (count < 2000 || !p->endpoint.port))
			p->keepalive = (uint16_t)roll(65536);
	}
	return d;
}

static struct plan plan;

static struct step *add(enum step_kind kind, enum phase phase,
			const struct device *d)
{
	struct step *s;

	arena_room(arena, &plan.steps, plan.count, &plan.capacity,
		   sizeof(*plan.steps));
	s = &plan.steps[plan.count++];
	*s = (struct step){ .kind = kind, .phase = phase, .device = d };
	return s;
}

static int try_plan(struct err *e)
{
	int result = kernel->encode(kernel, secrets, &plan, e);

	for (size_t i = 0, next; !result && i < plan.count; i = next)
		result = kernel->send(kernel, &plan, i, &next, e);
	kernel->finish(kernel);
	plan.count = 0;
	return result;
}

static void take_plan(const char *what)
{
	double start = now();
	uint64_t writes = kernel->writes;
	size_t count = plan.count;
	struct err e;

	if (try_plan(&e) < 0)
		die(what, &e);
	printf("# %s: %zu steps, %llu writes, %.3f s\n", what, count,
	       (unsigned long long)(kernel->writes - writes), now() - start);
}

static struct state look(void)
{
	const char *const devices[] = { DEVICE };
	const struct scope scope = {
		.mesh = "probe",
		.devices = devices,
		.device_count = 1,
	};
	struct state have;
	double start = now();
	struct err e;

	if (kernel->observe(kernel, arena, secrets, &scope, &have, &e) < 0)
		die("observe", &e);
	printf("# observed in %.3f s\n", now() - start);
	return have;
}

static int key_order(const void *a, const void *b)
{
	return peer_compare(a, b);
}

static void expect(struct device *want)
{
	struct state have = look(), wanted = { .devices = want,
					       .device_count = 1 };
	struct device *d = state_device(&have, want->name);

	if (!d)
		die("no device", NULL);
	state_normalise(&wanted);
	qsort(want->peers, want->peer_count, sizeof(*want->peers), key_order);
	want->has = d->has;
	if (device_diff(want, d))
		die("the device differs", NULL);
	if (d->peer_count != want->peer_count)
		die("another number of peers", NULL);
	for (size_t i = 0; i < d->peer_count; i++)
		if (peer_compare(&want->peers[i], &d->peers[i]) ||
		    peer_diff(&want->peers[i], &d->peers[i]))
			die("a peer differs", NULL);
}

static void plan_create(const struct device *d)
{
	add(STEP_LINK_CREATE, PHASE_CREATE, d);
	add(STEP_LINK_CHANGE, PHASE_CREATE, d)->fields = DEVICE_ALIAS;
	add(STEP_DEVICE_SET, PHASE_DEVICE, d)->fields =
		DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT | DEVICE_FWMARK;
	for (size_t i = 0; i < d->peer_count; i++)
		add(STEP_PEER_ADD, PHASE_DEVICE, d)->peer = &d->peers[i];
	add(STEP_LINK_CHANGE, PHASE_UP, d)->fields = DEVICE_UP;
}

static void plan_delete(const struct device *d)
{
	add(STEP_LINK_EMPTY, PHASE_REMOVE_LINKS, d);
	add(STEP_LINK_DELETE, PHASE_REMOVE_LINKS, d);
}

/* Every other prefix of each third peer, or of all if there is but one. */
static void plan_thin_out(struct device *d)
{
	size_t every = d->peer_count > 1 ? 3 : 1;

	for (size_t i = 0; i < d->peer_count; i += every) {
		struct peer *p = &d->peers[i];
		struct prefix *kept, *lost;
		size_t kept_count = 0, lost_count = 0;
		struct step *s;

		if (p->allowed_ip_count < 2)
			continue;
		kept = arena_new_array(arena, struct prefix,
				       p->allowed_ip_count);
		lost = arena_new_array(arena, struct prefix,
				       p->allowed_ip_count);
		for (size_t j = 0; j < p->allowed_ip_count; j++) {
			if (j % 2)
				lost[lost_count++] = p->allowed_ips[j];
			else
				kept[kept_count++] = p->allowed_ips[j];
		}
		s = add(STEP_ALLOWED_IPS_REMOVE, PHASE_REMOVE_ALLOWED_IPS, d);
		s->peer = s->peer_before = p;
		s->prefixes = lost;
		s->prefix_count = lost_count;
		p->allowed_ips = kept;
		p->allowed_ip_count = kept_count;
	}
}

/* Each field of a peer on its own, and a prefix that moves. */
static void plan_change(struct device *d)
{
	struct key *key = arena_new_object(secrets, struct key);
	struct peer *p = d->peers;
	struct step *s;

	key_generate_preshared(key);
	p[0].preshared_key = p[0].preshared_key ? NULL : key;
	s = add(STEP_PEER_CHANGE, PHASE_DEVICE, d);
	s->peer = &p[0];
	s->fields = PEER_PRESHARED_KEY;
	p[1].keepalive ^= 1;
	s = add(STEP_PEER_CHANGE, PHASE_DEVICE, d);
	s->peer = &p[1];
	s->fields = PEER_KEEPALIVE;
	p[2].endpoint.ip = numbered(1).ip;
	p[2].endpoint.port = 9;
	s = add(STEP_PEER_CHANGE, PHASE_DEVICE, d);
	s->peer = &p[2];
	s->fields = PEER_ENDPOINT;
	for (size_t i = 3; i < d->peer_count; i++) {
		struct prefix *both;

		if (!p[i].allowed_ip_count)
			continue;
		both = arena_new_array(arena, struct prefix,
				       p[2].allowed_ip_count + 1);
		if (p[2].allowed_ip_count)
			memcpy(both, p[2].allowed_ips,
			       p[2].allowed_ip_count * sizeof(*both));
		both[p[2].allowed_ip_count++] = p[i].allowed_ips[0];
		s->prefixes = p[i].allowed_ips;
		s->prefix_count = 1;
		s->fields |= PEER_ALLOWED_IPS;
		p[2].allowed_ips = both;
		p[i].allowed_ips++;
		p[i].allowed_ip_count--;
		break;
	}
}

static void probe_peers(size_t count, size_t most, bool exact)
{
	struct device *d = make_device(count, most, exact);
	size_t removed = count > 200 ? 20 : count / 3;

	plan_create(d);
	take_plan("create");
	expect(d);
	plan_thin_out(d);
	take_plan("allowed IPs removed");
	expect(d);
	if (count > 2) {
		plan_change(d);
		take_plan("changed");
		expect(d);
	}
	for (size_t i = 0; i < removed; i++) {
		struct peer *p = &d->peers[d->peer_count - 1 - i];

		add(STEP_PEER_REMOVE, PHASE_REMOVE_PEERS, d)->peer = p;
	}
	take_plan("peers removed");
	d->peer_count -= removed;
	expect(d);
	plan_delete(d);
	take_plan("deleted");
	if (look().device_count)
		die("the device is there still", NULL);
}

/* Without handshake and counters, in the order of wg(8). */
static void probe_dump(size_t count, size_t most)
{
	struct device *d = make_device(count, most, false);
	char text[ENDPOINT_TEXT_MAX], key[KEY_TEXT_MAX], psk[KEY_TEXT_MAX];

	plan_create(d);
	take_plan("create");
	for (size_t i = 0; i < count; i++) {
		const struct peer *p = &d->peers[i];

		printf("%s\t%s\t%s\t", key_format(&p->public_key, key),
		       p->preshared_key ? key_format(p->preshared_key, psk)
					: "(none)",
		       p->endpoint.ip.family ?
		       endpoint_format(&p->endpoint, text) : "(none)");
		for (size_t j = 0; j < p->allowed_ip_count; j++)
			printf("%s%s", j ? "," : "",
			       prefix_format(&p->allowed_ips[j], text));
		if (!p->allowed_ip_count)
			printf("(none)");
		printf("\t");
		if (p->keepalive)
			printf("%u\n", p->keepalive);
		else
			printf("off\n");
	}
}

/* In the order they are added; the kernel lists IPv6's last one first. */
static void check_addresses(const struct device *d)
{
	static const char *const texts[] = {
		"10.1.1.2/24", "10.1.1.1/24", "fd00::2/64", "fd00::1/64",
	};
	struct prefix *p = arena_new_array(arena, struct prefix, 4);
	struct state have;
	struct device *seen;

	for (size_t i = 0; i < 4; i++) {
		if (prefix_parse(str_of(texts[i]), &p[i]) < 0)
			die(texts[i], NULL);
		add(STEP_ADDRESS_ADD, PHASE_DEVICE, d)->prefixes = &p[i];
	}
	take_plan("addresses");
	have = look();
	seen = state_device(&have, DEVICE);
	if (!seen || !prefixes_equal(seen->addresses, seen->address_count, p,
				     4))
		die("the addresses differ", NULL);
}

/* What is known of the link by its alias alone; and what is not ours. */
static void check_scope(uint16_t port)
{
	const struct scope scope = { .mesh = "probe", .ports = true };
	struct state have;
	size_t foreign = 0;
	struct err e;

	if (kernel->observe(kernel, arena, secrets, &scope, &have, &e) < 0)
		die("observe", &e);
	if (have.device_count != 1)
		die("not found by its alias", NULL);
	for (size_t i = 0; i < have.route_count; i++) {
		if (have.routes[i].protocol == 2)
			die("a route of the kernel's", NULL);
		foreign += have.routes[i].protocol == 4 &&
			   !strcmp(have.routes[i].device, DEVICE);
	}
	if (have.route_count != 3 || foreign != 1)
		die("another number of routes", NULL);
	if (state_link(&have, "other0")->listen_port != port)
		die("the other link's port", NULL);
}

static void probe_node(uint16_t port)
{
	struct device d = { .name = DEVICE, .listen_port = port, .up = true };
	struct route v4 = {
		.prefix = { { AF_INET, { 10, 2 } }, 16 },
		.type = 1, .protocol = OUR_PROTOCOL, .scope = 253,
		.table = 254, .device = DEVICE,
	}, v6 = {
		.prefix = { { AF_INET6, { 0xfd, 2 } }, 16 }, .metric = 1024,
		.type = 1, .protocol = OUR_PROTOCOL, .table = 51820,
		.device = DEVICE,
	};
	struct err e;

	check_addresses(&d);
	add(STEP_ROUTE_ADD, PHASE_ROUTES, NULL)->route = &v4;
	add(STEP_ROUTE_ADD, PHASE_ROUTES, NULL)->route = &v6;
	take_plan("routes");
	if (system("ip route add 10.3.0.0/16 dev " DEVICE " proto static"))
		die("ip", NULL);
	check_scope(port);
	/* A port is taken when the link comes up, not before. */
	if (system("ip link set " DEVICE " down"))
		die("ip", NULL);
	add(STEP_DEVICE_SET, PHASE_DEVICE, &d)->fields = DEVICE_LISTEN_PORT;
	take_plan("port");
	add(STEP_LINK_CHANGE, PHASE_UP, &d)->fields = DEVICE_UP;
	if (try_plan(&e) == 0 ||
	    strncmp(e.text, "link " DEVICE ": Address already in use", 33) != 0)
		die("a busy port", &e);
}

static void probe_delete(void)
{
	const struct device d = { .name = DEVICE };

	plan_delete(&d);
	take_plan("deleted");
}

static void probe_vanished(void)
{
	struct device *d = make_device(2, 3, true);
	struct peer ghost = d->peers[0];
	struct step *s;

	plan_create(d);
	take_plan("create");
	key_generate_preshared(&ghost.public_key);
	s = add(STEP_PEER_CHANGE, PHASE_DEVICE, d);
	s->peer = &ghost;
	s->fields = PEER_KEEPALIVE;
	s = add(STEP_ALLOWED_IPS_REMOVE, PHASE_REMOVE_ALLOWED_IPS, d);
	s->peer = &ghost;
	s->prefixes = (const struct prefix[]){ numbered(999) };
	s->prefix_count = 1;
	add(STEP_PEER_REMOVE, PHASE_REMOVE_PEERS, d)->peer = &ghost;
	take_plan("a peer that is not there");
	expect(d);
	plan_delete(d);
	take_plan("deleted");
}

static void refused(const char *want)
{
	struct err e;

	if (try_plan(&e) == 0)
		die("not refused", NULL);
	if (strncmp(e.text, want, strlen(want)) != 0)
		die(want, &e);
	printf("# %s\n", e.text);
}

static void probe_names(void)
{
	struct device *d = make_device(0, 0, true);
	const struct prefix a = { { AF_INET, { 10, 1, 1, 1 } }, 24 };
	struct device low = *d;

	plan_create(d);
	take_plan("create");
	add(STEP_LINK_CREATE, PHASE_CREATE, d);
	refused("link " DEVICE ": File exists");
	add(STEP_ADDRESS_ADD, PHASE_DEVICE, d)->prefixes = &a;
	take_plan("address");
	add(STEP_ADDRESS_ADD, PHASE_DEVICE, d)->prefixes = &a;
	refused("address 10.1.1.1/24 dev " DEVICE ": File exists");
	low.mtu = 0x7fffffff;
	add(STEP_LINK_CHANGE, PHASE_DEVICE, &low)->fields = DEVICE_MTU;
	refused("link " DEVICE ": Invalid argument");
	strcpy(low.name, "absent0");
	add(STEP_LINK_CHANGE, PHASE_DEVICE, &low)->fields = DEVICE_UP;
	refused("link absent0: No such device");
	plan_delete(d);
	take_plan("deleted");
}

int main(int argc, char **argv)
{
	const struct kern_options options = { .helper_folder = "build",
					      .lock = -1 };
	struct err e;

	arena = arena_new((uint64_t)16 << 30);
	secrets = arena_new_secret((uint64_t)4 << 30);
	if (kern_open(arena, &options, &kernel, &e) < 0)
		die("open", &e);
	if (argc == 4 && !strcmp(argv[1], "peers"))
		probe_peers(strtoul(argv[2], NULL, 10),
			    strtoul(argv[3], NULL, 10), false);
	else if (argc == 4 && !strcmp(argv[1], "range"))
		for (size_t i = 0; i <= strtoul(argv[2], NULL, 10); i++)
			probe_peers(i, strtoul(argv[3], NULL, 10), false);
	else if (argc == 4 && !strcmp(argv[1], "dump"))
		probe_dump(strtoul(argv[2], NULL, 10),
			   strtoul(argv[3], NULL, 10));
	else if (argc == 3 && !strcmp(argv[1], "node"))
		probe_node((uint16_t)strtoul(argv[2], NULL, 10));
	else if (argc == 2 && !strcmp(argv[1], "delete"))
		probe_delete();
	else if (argc == 3 && !strcmp(argv[1], "list"))
		probe_peers(1, strtoul(argv[2], NULL, 10), true);
	else if (argc == 2 && !strcmp(argv[1], "vanished"))
		probe_vanished();
	else if (argc == 2 && !strcmp(argv[1], "names"))
		probe_names();
	else
		die("usage: see the top of kern_probe.c", NULL);
	kern_close(kernel);
	arena_free(secrets);
	arena_free(arena);
	return 0;
}
