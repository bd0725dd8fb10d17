/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input/resolve.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "input/child.h"

#define ANSWER_LIMIT (16u << 20)
/* The child keeps the limit itself; this is for one that does not. */
#define GRACE_SECONDS 5

static void query_add(struct arena *arena, struct resolve_query *q,
		      const struct ip *ip, uint32_t scope)
{
	if (!q->endpoints)
		q->endpoints = arena_new_array(arena, struct endpoint,
					       RESOLVE_ADDRESSES_MAX);
	if (q->endpoint_count == RESOLVE_ADDRESSES_MAX)
		return;
	q->endpoints[q->endpoint_count++] = (struct endpoint){
		.ip = *ip, .port = q->port, .scope = scope,
	};
}

/* "INDEX ADDRESS SCOPE" or "INDEX ! WHY"; anything else is passed over. */
static void answer_line(struct arena *arena, struct str line,
			struct resolve_query *queries, size_t count)
{
	struct str index, address, scope;
	struct resolve_query *q;
	uint64_t number, zone;
	struct ip ip;

	if (!str_next(&line, ' ', &index) || !str_next(&line, ' ', &address))
		return;
	if (!count || str_uint(index, count - 1, &number))
		return;
	q = &queries[number];
	if (str_is(address, "!")) {
		q->why = str_show(arena, line, 100);
		return;
	}
	scope = line;
	if (ip_parse(address, &ip) || str_uint(scope, UINT32_MAX, &zone))
		return;
	query_add(arena, q, &ip, (uint32_t)zone);
}

static void answer_read(struct arena *arena, struct str answer,
			struct resolve_query *queries, size_t count)
{
	struct str line;

	while (str_next(&answer, '\n', &line))
		answer_line(arena, line, queries, count);
	for (size_t i = 0; i < count; i++)
		if (!queries[i].endpoint_count && !queries[i].why)
			queries[i].why = "no answer in time";
}

int resolve_names(struct arena *arena, const char *program,
		  struct resolve_query *queries, size_t count, struct err *e)
{
	struct child_task task = {
		.program = program, .task = "resolve",
		.what = "resolving names",
		.milliseconds = (RESOLVE_SECONDS + GRACE_SECONDS) * 1000,
		.answer_limit = ANSWER_LIMIT,
	};
	struct sbuf question, answer;

	if (count > RESOLVE_NAMES_MAX)
		return err_set(e, ERR_DATA, "more than %d endpoint names",
			       RESOLVE_NAMES_MAX);
	sbuf_init(&question, arena);
	sbuf_init(&answer, arena);
	for (size_t i = 0; i < count; i++)
		sbuf_printf(&question, "%s\n", queries[i].host);
	task.question = (struct str){ question.data, question.size };
	if (child_ask(&task, &answer, e))
		return -1;
	answer_read(arena, (struct str){ answer.data, answer.size }, queries,
		    count);
	return 0;
}
