/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoint names to addresses, by meshapply-fetch: those that have to be. */
#include "base/arena.h"
#include "base/file.h"
#include "base/trace.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "input/resolve.h"
#include "kern/netns.h"

struct names {
	struct resolve_query *queries;
	struct peer **peers;
	size_t count;
};

static void take_answer(struct run *run, struct diags *diags, struct peer *p,
			const struct resolve_query *q)
{
	if (!q->endpoint_count) {
		run->unresolved++;
		diag_warning(diags, p->endpoint_where, "the endpoint name "
			     "%s does not resolve (%s): this peer keeps the "
			     "endpoint it has", q->host, q->why);
		return;
	}
	p->endpoint = q->endpoints[0];
	p->resolved = q->endpoints;
	p->resolved_count = q->endpoint_count;
}

static const struct peer *peer_of(const struct state *s, const char *device,
				  const struct key *key)
{
	const struct device *d = s ? state_device(s, device) : NULL;

	return d ? device_peer(d, key) : NULL;
}

static void find_names(const struct run *run, struct state *want,
		       struct names *names)
{
	for (size_t i = 0; i < want->device_count; i++) {
		struct device *d = &want->devices[i];

		for (size_t j = 0; j < d->peer_count; j++) {
			struct peer *p = &d->peers[j];
			const struct key *key = &p->public_key;

			if (!p->endpoint_host || p->resolved_count)
				continue;
			p->name_unasked = !settle_asks(&run->options, p,
				peer_of(&run->have, d->name, key),
				peer_of(run->last, d->name, key));
			if (p->name_unasked)
				continue;
			names->queries[names->count] = (struct resolve_query){
				.host = p->endpoint_host,
				.port = p->endpoint_port,
			};
			names->peers[names->count++] = p;
		}
	}
}

/* Where the packets to them are sent from, there the names mean something. */
static int resolve(struct run *run, struct names *names, struct err *e)
{
	const char *program = arena_printf(run->arena, "%s/meshapply-fetch",
					   helper_folder(run->arena));
	cleanup_fd int here = -1;
	struct err lost;
	int result;

	if (run->socket_netns) {
		here = netns_here(e);
		if (here < 0 || netns_enter(run->socket_netns, e))
			return -1;
	}
	result = resolve_names(run->arena, program, names->queries,
			       names->count, e);
	if (!run->socket_netns || !netns_enter(here, &lost))
		return result;
	*e = lost;
	return -1;
}

int names_resolve(struct run *run, struct state *want, struct diags *diags,
		  bool *asked, struct err *e)
{
	struct names names = { 0 };
	size_t room = 0;

	*asked = false;
	for (size_t i = 0; i < want->device_count; i++)
		for (size_t j = 0; j < want->devices[i].peer_count; j++)
			room += want->devices[i].peers[j].endpoint_host !=
				NULL;
	if (!room)
		return 0;
	/* They may have other addresses the next time. */
	trace_spoil();
	names.queries = arena_new_array(run->arena, struct resolve_query,
					room);
	names.peers = arena_new_array(run->arena, struct peer *, room);
	find_names(run, want, &names);
	if (!names.count)
		return 0;
	*asked = true;
	if (resolve(run, &names, e))
		return -1;
	for (size_t i = 0; i < names.count; i++)
		take_answer(run, diags, names.peers[i], &names.queries[i]);
	return 0;
}
