/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/host.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/diag.h"
#include "state/text.h"

const struct wanted wanted_nothing = { .name = "nothing" };

const struct wanted wanted_first = {
	.name = "first", .key = 1,
	.wireguard =
		"#@ mesh office\n#@ interface wg0\n"
		"#@ sysctl net.ipv4.ip_forward = 1\n"
		"#@ sysctl net.ipv4.conf.all.src_valid_mark = 1\n"
		"[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n"
		"ListenPort = 51820\nFwMark = 0x10\nMTU = 1420\n"
		"Table = off\n"
		"#@ preshared-key-file psk\n"
		"[Peer]\nPublicKey = " PEER("B") "\n"
		"Endpoint = 192.0.2.11:51820\n"
		"AllowedIPs = 10.0.0.2/32, fd00::2/128\n"
		"[Peer]\nPublicKey = " PEER("C") "\n"
		"Endpoint = 192.0.2.13:51820\n"
		"AllowedIPs = 10.0.0.3/32, 10.3.0.0/16\n"
		"PersistentKeepalive = 25\n"
		"[Peer]\nPublicKey = " PEER("D") "\n"
		"AllowedIPs = 10.0.0.4/32\n",
	.network =
		"route replace 10.3.0.0/16 dev wg0 proto 77\n"
		"route replace fd00:3::/48 dev wg0 proto 77\n"
		"route replace 10.9.0.0/16 dev wg0 table 100 proto 77\n"
		"rule add from 10.9.0.0/16 table 100 priority 1000 "
		"protocol 77\n",
	.firewall =
		"table inet meshapply_office {\n\tset s {\n"
		"\t\ttype ipv4_addr\n\t}\n}\n",
};

/* Every kind of object changed, added and removed. */
const struct wanted wanted_second = {
	.name = "second", .key = 2,
	.wireguard =
		"#@ mesh office\n#@ interface wg0\n"
		"#@ sysctl net.ipv6.conf.all.forwarding = 1\n"
		"[Interface]\nAddress = 10.0.0.7/24, fd00::1/64\n"
		"ListenPort = 51821\nMTU = 1400\nTable = off\n"
		"[Peer]\nPublicKey = " PEER("B") "\n"
		"Endpoint = 192.0.2.12:51820\n"
		"AllowedIPs = 10.0.0.2/32, 10.3.0.0/16\n"
		"[Peer]\nPublicKey = " PEER("C") "\n"
		"Endpoint = 192.0.2.13:51820\n"
		"AllowedIPs = 10.0.0.3/32\n"
		"[Peer]\nPublicKey = " PEER("E") "\n"
		"AllowedIPs = 10.0.0.5/32\n"
		"Endpoint = 192.0.2.15:51820\n",
	.network =
		"route replace 10.3.0.0/16 dev wg0 proto 77 mtu 1300\n"
		"route replace 10.5.0.0/16 dev wg0 proto 77\n"
		"route replace 10.9.0.0/16 dev wg0 table 101 proto 77\n"
		"rule add from 10.9.0.0/16 table 101 priority 1001 "
		"protocol 77\n",
	.firewall =
		"table inet meshapply_office {\n\tset t {\n"
		"\t\ttype ipv4_addr\n\t}\n}\n",
};

const struct wanted wanted_elsewhere = {
	.name = "elsewhere", .key = 1,
	.wireguard =
		"#@ mesh office\n#@ interface wg1\n"
		"[Interface]\nAddress = 10.0.0.1/24\nMTU = 1420\n"
		"Table = off\n"
		"[Peer]\nPublicKey = " PEER("B") "\n"
		"AllowedIPs = 10.0.0.2/32\n",
	.network = "route replace 10.3.0.0/16 dev wg1 proto 77\n",
};

const struct host_change host_changes[HOST_CHANGES] = {
	{ &wanted_nothing, &wanted_first },
	{ &wanted_first, &wanted_second },
	{ &wanted_second, &wanted_first },
	{ &wanted_first, &wanted_nothing },
	{ &wanted_first, &wanted_elsewhere },
};

struct host host;

struct key *host_key(char n)
{
	struct key *key = arena_new_object(host.secrets, struct key);

	key->bytes[1] = (uint8_t)n;
	key_clamp(key);
	return key;
}

/* In memory where that can be had: thousands of runs wait for fsync. */
static void open_scratch(void)
{
	struct scratch *s = &host.scratch;

	strcpy(s->path, "/dev/shm/meshapply-test-XXXXXX");
	if (!mkdtemp(s->path)) {
		scratch_open(s);
		return;
	}
	s->folder = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(s->folder, 0);
}

void host_open(void)
{
	open_scratch();
	host.arena = arena_new((size_t)1 << 30);
	host.secrets = arena_new_secret((size_t)1 << 28);
	host.kernel = arena_new((size_t)1 << 28);
	host.store = NULL;
	host.torn = false;
	host_boot();
}

void host_boot(void)
{
	host.model = model_new(host.kernel);
	model_sysctl(host.model, "net.ipv4.conf.eth0.forwarding", "1");
}

/* A dead process holds no lock, and tidies nothing up. */
void host_die(void)
{
	struct store *s = host.store;

	if (!s)
		return;
	fd_closep(&s->run);
	fd_closep(&s->base);
	fd_closep(&s->state);
	fd_closep(&s->applied);
	fd_closep(&s->generations);
	fd_closep(&s->lock);
	fd_closep(&s->sysctls_lock);
	host.store = NULL;
}

void host_close(void)
{
	host_die();
	arena_free(host.kernel);
	arena_free(host.secrets);
	arena_free(host.arena);
	scratch_close(&host.scratch);
}

static void fill_keys(struct state *want, const struct wanted *wanted)
{
	for (size_t i = 0; i < want->device_count; i++) {
		struct device *d = &want->devices[i];

		d->private_key = host_key(wanted->key);
		key_public(d->private_key, &d->public_key);
		d->has |= DEVICE_PRIVATE_KEY;
		for (size_t j = 0; j < d->peer_count; j++)
			if (d->peers[j].preshared_key_file)
				d->peers[j].preshared_key = host_key(99);
	}
}

struct state *host_want(const struct wanted *wanted)
{
	struct state *want = arena_new_object(host.arena, struct state);
	struct texts texts = { 0 };
	struct diags diags;
	struct sbuf out;
	int status = 0;

	strcpy(want->mesh, "office");
	diags_init(&diags, host.arena);
	sbuf_init(&out, host.arena);
	if (wanted->wireguard) {
		texts.wireguard.name = "wireguard.conf";
		texts.wireguard.text = str_of(wanted->wireguard);
		texts.network.name = "network.batch";
		texts.network.text = str_of(wanted->network);
		if (wanted->firewall) {
			texts.firewall.name = "firewall.nft";
			texts.firewall.text = str_of(wanted->firewall);
		}
		status = texts_read(host.arena, &texts, "office", NULL, want,
				    &diags);
		diags_sort(&diags);
		diags_format(&diags, &out);
	}
	ck_assert_msg(!status, "%s", out.data);
	fill_keys(want, wanted);
	return want;
}

int host_try_start(struct run *run)
{
	const char *note = NULL;

	memset(&host.e, 0, sizeof(host.e));
	memset(run, 0, sizeof(*run));
	run->arena = host.arena;
	run->secrets = host.secrets;
	run->kernel = &host.model->kernel;
	run->mesh = "office";
	run->options.now = 1000000;
	if (store_open(host.arena, host.scratch.path, "office", true,
		       &host.store, &host.e) ||
	    store_lock(host.store, 0, &host.e))
		return -1;
	run->store = host.store;
	if (journal_look(host.store) != JOURNAL_NONE)
		return 0;
	if (store_last(host.store, host.arena, &run->last, &note, &host.e))
		return -1;
	ck_assert_msg(!note || host.torn, "%s", note);
	return 0;
}

void host_start(struct run *run)
{
	ck_assert_msg(!host_try_start(run), "%s", host.e.text);
}

void host_finish(void)
{
	store_close(host.store);
	host.store = NULL;
}

void host_plan(struct run *run, const struct wanted *wanted)
{
	struct diags diags;

	diags_init(&diags, host.arena);
	ck_assert_msg(!converge_plan(run, host_want(wanted), &diags, &host.e),
		      "%s", host.e.text);
}

/* Apply without a fault. */
void host_settle(const struct wanted *wanted)
{
	struct apply_result result;
	struct run run;

	host_start(&run);
	host_plan(&run, wanted);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "to %s: %s",
		      wanted->name, host.e.text);
	host_finish();
}

/* Everything that a mesh or its host can have. */
struct state *host_snapshot(void)
{
	static const char *const devices[] = { "wg0", "wg1", "wg9" };
	static const uint32_t tables[] = { 254, 100, 101, 0 };
	struct state *have = arena_new_object(host.arena, struct state);
	const char **keys = arena_new_array(host.arena, const char *,
					    host.model->sysctl_count);
	struct scope scope = {
		.mesh = "office", .devices = devices, .device_count = 3,
		.tables = tables, .ports = true, .sysctls = keys,
		.sysctl_count = host.model->sysctl_count,
	};

	for (size_t i = 0; i < scope.sysctl_count; i++)
		keys[i] = host.model->sysctls[i].key;
	ck_assert_int_eq(host.model->kernel.observe(&host.model->kernel,
						    host.arena, host.secrets,
						    &scope, have, &host.e), 0);
	return have;
}

const char *host_differs(const struct state *before)
{
	const struct state *now = host_snapshot();
	const char *difference = model_difference(host.arena, before, now);

	return difference ? difference :
	       model_difference(host.arena, now, before);
}

void host_converged(const struct wanted *wanted, const char *where)
{
	struct run run;

	host_start(&run);
	host_plan(&run, wanted);
	ck_assert_msg(!run.plan.count, "%s: %s is left", where,
		      run.plan.count ? run.plan.steps[0].id : "");
	host_finish();
}

static size_t temporaries;

static int count_temporary(const char *path, const struct stat *st, int type,
			   struct FTW *ftw)
{
	(void)st;
	/* The lock of the registry is none. */
	temporaries += type == FTW_F && path[ftw->base] == '.' &&
		       strcmp(path + ftw->base, ".lock");
	return 0;
}

bool host_tidy(void)
{
	temporaries = 0;
	ck_assert_int_eq(nftw(host.scratch.path, count_temporary, 16,
			      FTW_PHYS), 0);
	return !temporaries;
}

size_t host_steps(const struct host_change *change)
{
	size_t before;

	host_open();
	host_settle(change->from);
	before = host.model->sent;
	host_settle(change->to);
	host_converged(change->to, "without a fault");
	before = host.model->sent - before;
	host_close();
	return before;
}
