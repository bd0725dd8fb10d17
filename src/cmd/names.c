/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoint names to addresses, by meshapply-fetch. */
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/want.h"
#include "input/resolve.h"

static void take_answer(struct session *s, struct peer *p,
			const struct resolve_query *q)
{
	if (!q->endpoint_count) {
		s->unresolved++;
		diag_warning(&s->diags, p->endpoint_where, "the endpoint name "
			     "%s does not resolve (%s): this peer keeps the "
			     "endpoint it has", q->host, q->why);
		return;
	}
	p->endpoint = q->endpoints[0];
	p->resolved = q->endpoints;
	p->resolved_count = q->endpoint_count;
}

static size_t count_names(const struct state *want)
{
	size_t count = 0;

	for (size_t i = 0; i < want->device_count; i++)
		for (size_t j = 0; j < want->devices[i].peer_count; j++)
			count += want->devices[i].peers[j].endpoint_host !=
				NULL;
	return count;
}

int want_names(struct session *s, struct err *e)
{
	size_t count = count_names(&s->want), n = 0;
	struct resolve_query *queries;
	struct peer **peers;
	const char *program;

	if (!count)
		return 0;
	queries = arena_new_array(s->arena, struct resolve_query, count);
	peers = arena_new_array(s->arena, struct peer *, count);
	for (size_t i = 0; i < s->want.device_count; i++) {
		struct device *d = &s->want.devices[i];

		for (size_t j = 0; j < d->peer_count; j++) {
			if (!d->peers[j].endpoint_host)
				continue;
			queries[n].host = d->peers[j].endpoint_host;
			queries[n].port = d->peers[j].endpoint_port;
			peers[n++] = &d->peers[j];
		}
	}
	program = arena_printf(s->arena, "%s/meshapply-fetch",
			       helper_folder(s->arena));
	if (resolve_names(s->arena, program, queries, n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		take_answer(s, peers[i], &queries[i]);
	return 0;
}
