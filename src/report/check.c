/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/check.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/report.h"

#define NAMES_SHOWN 4

void check_init(struct check *c, struct arena *arena)
{
	*c = (struct check){ .state = CHECK_OK };
	sbuf_init(&c->text, arena);
	sbuf_init(&c->data, arena);
}

/* What is not known may hide anything but what is known to be critical. */
static int rank(enum check_state state)
{
	switch (state) {
	case CHECK_OK:
		return 0;
	case CHECK_WARNING:
		return 1;
	case CHECK_UNKNOWN:
		return 2;
	case CHECK_CRITICAL:
		return 3;
	}
	return 2;
}

static void worsen(struct check *c, enum check_state state)
{
	if (rank(state) > rank(c->state))
		c->state = state;
}

/* "|" would begin the numbers. */
static void show(struct sbuf *out, const char *text)
{
	size_t from = out->size;

	sbuf_show(out, str_of(text), 256);
	for (size_t i = from; i < out->size; i++)
		if (out->data[i] == '|')
			out->data[i] = '/';
}

static void begin(struct check *c, const char *mesh)
{
	sbuf_printf(&c->text, "%s%s", c->text.size ? "; " : "",
		    mesh ? mesh : "");
	if (mesh)
		sbuf_puts(&c->text, ": ");
}

void check_failed(struct check *c, const char *mesh, const struct err *e)
{
	worsen(c, CHECK_UNKNOWN);
	begin(c, mesh);
	show(&c->text, e->text);
}

/* 'MESH_NAME'=, where "=" of a mesh's name would end the label. */
static void label(struct check *c, const char *mesh, const char *name)
{
	sbuf_printf(&c->data, "%s'", c->data.size ? " " : "");
	for (; *mesh; mesh++)
		sbuf_putc(&c->data, *mesh == '=' ? '_' : *mesh);
	sbuf_printf(&c->data, "_%s'=", name);
}

static void put_names(struct check *c, const struct status *s)
{
	char key[KEY_TEXT_MAX];
	size_t shown = 0;

	for (size_t i = 0; i < s->have->peer_count && shown <= NAMES_SHOWN;
	     i++) {
		const struct peer *p = &s->have->peers[i];
		const struct peer *last = s->last ?
			device_peer(s->last, &p->public_key) : NULL;

		if (!s->silent || !s->silent[i])
			continue;
		sbuf_puts(&c->text, shown ? ", " : " (");
		if (shown++ == NAMES_SHOWN)
			sbuf_puts(&c->text, "...");
		else
			show(&c->text, last && last->name ? last->name :
			     key_format(&p->public_key, key));
	}
	sbuf_puts(&c->text, shown ? ")" : "");
}

static int64_t newest_handshake(const struct device *d)
{
	int64_t newest = 0;

	for (size_t i = 0; i < d->peer_count; i++)
		if (d->peers[i].last_handshake > newest)
			newest = d->peers[i].last_handshake;
	return newest;
}

static void put_data(struct check *c, const struct status *s)
{
	const struct device *d = s->have;
	size_t count = d->peer_count, silent = s->silent_count;
	int64_t newest = newest_handshake(d);
	uint64_t received = 0, sent = 0;

	for (size_t i = 0; i < count; i++) {
		received += d->peers[i].received;
		sent += d->peers[i].sent;
	}
	label(c, s->mesh, "peers");
	sbuf_printf(&c->data, "%zu;;;0", count);
	label(c, s->mesh, "silent");
	sbuf_printf(&c->data, "%zu;0;%zu;0;%zu", silent, count ? count - 1 : 0,
		    count);
	label(c, s->mesh, "handshake");
	if (newest)
		sbuf_printf(&c->data, "%" PRId64 "s;;;0",
			    s->now > newest ? s->now - newest : 0);
	else
		sbuf_puts(&c->data, "U;;;0");
	label(c, s->mesh, "received");
	sbuf_printf(&c->data, "%" PRIu64 "c", received);
	label(c, s->mesh, "sent");
	sbuf_printf(&c->data, "%" PRIu64 "c", sent);
	label(c, s->mesh, "drift");
	if (s->drift)
		sbuf_printf(&c->data, "%zu;0;;0", s->drift->count);
	else
		sbuf_puts(&c->data, "U;0;;0");
}

static void put_silent(struct check *c, const struct status *s)
{
	size_t count = s->have->peer_count;

	sbuf_printf(&c->text, "%zu peer%s, %zu silent", count,
		    count == 1 ? "" : "s", s->silent_count);
	put_names(c, s);
	if (s->silent_count)
		worsen(c, s->silent_count == count ? CHECK_CRITICAL :
		       CHECK_WARNING);
}

static void put_drift(struct check *c, const struct status *s)
{
	if (!s->drift) {
		sbuf_puts(&c->text, ", what was applied is not kept");
	} else if (!s->drift->count) {
		sbuf_puts(&c->text, ", as applied");
	} else {
		sbuf_printf(&c->text, ", drifted by %zu step%s",
			    s->drift->count, s->drift->count == 1 ? "" : "s");
		worsen(c, CHECK_WARNING);
	}
}

void check_mesh(struct check *c, const struct status *s)
{
	begin(c, s->mesh);
	if (!s->have) {
		sbuf_puts(&c->text, "its device is gone");
		worsen(c, CHECK_CRITICAL);
		return;
	}
	if (!s->have->up) {
		sbuf_printf(&c->text, "%s is down, ", s->have->name);
		worsen(c, CHECK_CRITICAL);
	}
	put_silent(c, s);
	put_drift(c, s);
	if (s->interrupted) {
		sbuf_puts(&c->text, ", a run was interrupted");
		worsen(c, CHECK_WARNING);
	}
	if (s->pending) {
		sbuf_puts(&c->text, ", a change waits to be confirmed");
		if (s->pending_left <= 0)
			worsen(c, CHECK_WARNING);
	}
	put_data(c, s);
}

void check_line(const struct check *c, struct sbuf *out)
{
	static const char *const names[] = {
		[CHECK_OK] = "OK", [CHECK_WARNING] = "WARNING",
		[CHECK_CRITICAL] = "CRITICAL", [CHECK_UNKNOWN] = "UNKNOWN",
	};

	sbuf_printf(out, "MESHAPPLY %s - ", names[c->state]);
	sbuf_add(out, c->text.data, c->text.size);
	if (c->data.size) {
		sbuf_puts(out, " | ");
		sbuf_add(out, c->data.data, c->data.size);
	}
	sbuf_putc(out, '\n');
}
