/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/plan_file.h"

#include <sodium.h>
#include <string.h>

#include "apply/generation_private.h"
#include "apply/state_record.h"
#include "base/arena.h"
#include "base/err.h"
#include "state/firewall.h"

#define PLAN "plan"
#define STEP "step id="

/* The first line, in the forms that lines have. */
struct about {
	const char *mesh, *source, *version, *salt, *inputs;
	uint64_t time, steps;
};

#define ABOUT(name, kind, member) { name, kind, offsetof(struct about, member) }

static const struct field about_fields[] = {
	ABOUT("mesh", FIELD_STRING, mesh),
	ABOUT("source", FIELD_STRING, source),
	ABOUT("version", FIELD_STRING, version),
	ABOUT("time", FIELD_U64, time),
	ABOUT("salt", FIELD_STRING, salt),
	ABOUT("inputs", FIELD_STRING, inputs),
	ABOUT("steps", FIELD_U64, steps),
};

struct line {
	const char *id, *disruption, *before, *after;
	uint32_t kind, phase, fields;	/* as the version has them */
	bool helper, drift;
};

#define LINE(name, kind, member) { name, kind, offsetof(struct line, member) }

static const struct field line_fields[] = {
	LINE("id", FIELD_STRING, id),
	LINE("kind", FIELD_U32, kind),
	LINE("phase", FIELD_U32, phase),
	LINE("disruption", FIELD_STRING, disruption),
	LINE("fields", FIELD_U32, fields),
	LINE("helper", FIELD_BOOL, helper),
	LINE("drift", FIELD_BOOL, drift),
	LINE("before", FIELD_STRING, before),
	LINE("after", FIELD_STRING, after),
};

/* A digest that means nothing without the salt. */
static void digest(const uint8_t salt[static PLAN_SALT], struct str bytes,
		   char out[static DIGEST_TEXT_MAX])
{
	uint8_t hash[GENERATION_DIGEST];

	crypto_generichash(hash, sizeof(hash),
			   (const unsigned char *)bytes.data, bytes.size,
			   salt, PLAN_SALT);
	digest_format(hash, out);
}

/* What a step says of a device: its fields, and whose sessions end. */
static void device_write(struct sbuf *out, const struct step *s,
			 const struct device *d)
{
	unsigned int fields = s->kind == STEP_LINK_CREATE ? ~0u : s->fields;
	struct device one = { .has = fields };
	struct state state = { .devices = &one, .device_count = 1 };

	strcpy(one.name, d->name);
	if (fields & DEVICE_PRIVATE_KEY) {
		one.private_key = d->private_key;
		one.public_key = d->public_key;
	}
	if (fields & DEVICE_LISTEN_PORT)
		one.listen_port = d->listen_port;
	if (fields & DEVICE_FWMARK)
		one.fwmark = d->fwmark;
	if (fields & DEVICE_MTU)
		one.mtu = d->mtu;
	if (fields & DEVICE_ALIAS)
		strcpy(one.alias, d->alias);
	if (fields & DEVICE_GROUP)
		one.group = d->group;
	if (fields & DEVICE_UP)
		one.up = d->up;
	if (fields & DEVICE_VRF)
		strcpy(one.vrf, d->vrf);
	state_record_write(out, "", &state);
	for (size_t i = 0; s->kind == STEP_LINK_EMPTY && i < d->peer_count;
	     i++) {
		char key[KEY_TEXT_MAX];

		sbuf_printf(out, "ends %s\n",
			    key_format(&d->peers[i].public_key, key));
	}
}

/* An endpoint roams: it counts only where the step is about it. */
static void peer_write(struct sbuf *out, const struct step *s,
		       const struct peer *p)
{
	struct peer one = { .public_key = p->public_key };
	struct device device = { .name = "", .peers = &one, .peer_count = 1 };
	struct state state = { .devices = &device, .device_count = 1 };

	if (s->fields & PEER_PRESHARED_KEY)
		one.preshared_key = p->preshared_key;
	if (s->fields & PEER_ENDPOINT)
		one.endpoint = p->endpoint;
	if (s->fields & PEER_KEEPALIVE)
		one.keepalive = p->keepalive;
	if (s->kind == STEP_PEER_REMOVE || s->kind == STEP_PEER_ADD) {
		one.allowed_ips = p->allowed_ips;
		one.allowed_ip_count = p->allowed_ip_count;
	}
	state_record_write(out, "", &state);
}

static void prefixes_write(struct sbuf *out, const struct step *s)
{
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < s->prefix_count; i++)
		sbuf_printf(out, "prefix %s\n",
			    prefix_format(&s->prefixes[i], text));
}

static void route_line(struct sbuf *out, const struct route *route)
{
	struct route one = *route;
	struct state state = { .routes = &one, .route_count = 1 };

	state_record_write(out, "", &state);
}

static void rule_line(struct sbuf *out, const struct rule *rule)
{
	struct rule one = *rule;
	struct state state = { .rules = &one, .rule_count = 1 };

	state_record_write(out, "", &state);
}

static void firewall_write(struct sbuf *out, const struct firewall *f)
{
	if (f->compiled)
		sbuf_str(out, firewall_pack(out->arena, f));
	else
		sbuf_str(out, f->text);
	sbuf_putc(out, '\n');
}

/* What the step leaves, or what it finds. */
static void side_write(struct sbuf *out, const struct step *s, bool after)
{
	const struct device *device = after ? s->device : s->device_before;
	const struct peer *peer = after ? s->peer : s->peer_before;
	const struct route *route = after ? s->route : s->route_before;
	const struct firewall *firewall = after ? s->firewall :
		s->firewall_before;

	if (peer || s->peer || s->peer_before) {
		if (peer)
			peer_write(out, s, peer);
	} else if (device) {
		device_write(out, s, device);
	}
	if (route)
		route_line(out, route);
	if (firewall)
		firewall_write(out, firewall);
	if (!after) {
		if (s->sysctl_before)
			sbuf_printf(out, "sysctl %s\n", s->sysctl_before);
		return;
	}
	prefixes_write(out, s);
	if (s->rule)
		rule_line(out, s->rule);
	if (s->sysctl)
		sbuf_printf(out, "sysctl %s %s\n", s->sysctl->key,
			    s->sysctl->value);
	if (s->table)
		sbuf_printf(out, "table %s\n", s->table);
}

static void side_digest(struct arena *secrets,
			const uint8_t salt[static PLAN_SALT],
			const struct step *s, bool after,
			char out[static DIGEST_TEXT_MAX])
{
	size_t mark = arena_mark(secrets);
	struct sbuf bytes;

	sbuf_init(&bytes, secrets);
	side_write(&bytes, s, after);
	digest(salt, (struct str){ bytes.data, bytes.size }, out);
	arena_reset(secrets, mark);
}

static void step_line(struct sbuf *out, struct arena *secrets,
		      const uint8_t salt[static PLAN_SALT],
		      const struct step *s)
{
	char before[DIGEST_TEXT_MAX], after[DIGEST_TEXT_MAX];
	struct line line = {
		.id = s->id, .kind = (uint32_t)s->kind,
		.phase = (uint32_t)s->phase, .fields = s->fields,
		.disruption = disruption_name(s->disruption),
		.helper = s->helper, .drift = s->drift,
		.before = before, .after = after,
	};

	side_digest(secrets, salt, s, false, before);
	side_digest(secrets, salt, s, true, after);
	record_write(out, "step", line_fields, array_size(line_fields),
		     &line);
}

static void preshared_add(struct sbuf *out, const struct key *key)
{
	sbuf_putc(out, key ? '+' : '-');
	if (key)
		sbuf_add(out, key->bytes, KEY_SIZE);
}

static void inputs_digest(struct arena *secrets,
			  const uint8_t salt[static PLAN_SALT],
			  const struct generation *about,
			  const struct state *want,
			  uint8_t out[static GENERATION_DIGEST])
{
	size_t mark = arena_mark(secrets);
	struct sbuf bytes;

	sbuf_init(&bytes, secrets);
	sbuf_add(&bytes, about->digest, sizeof(about->digest));
	sbuf_printf(&bytes, "%s\n", want->mesh);
	for (size_t i = 0; i < want->device_count; i++) {
		const struct device *d = &want->devices[i];

		sbuf_add(&bytes, d->private_key ? d->private_key->bytes :
			 d->public_key.bytes, KEY_SIZE);
		for (size_t j = 0; j < d->peer_count; j++)
			preshared_add(&bytes, d->peers[j].preshared_key);
	}
	crypto_generichash(out, GENERATION_DIGEST,
			   (const unsigned char *)bytes.data, bytes.size,
			   salt, PLAN_SALT);
	arena_reset(secrets, mark);
}

static struct str lines_of(struct arena *arena, struct arena *secrets,
			   const uint8_t salt[static PLAN_SALT],
			   const struct plan *plan)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	for (size_t i = 0; i < plan->count; i++)
		step_line(&out, secrets, salt, &plan->steps[i]);
	return (struct str){ out.data ? out.data : "", out.size };
}

void plan_file_make(struct arena *arena, struct arena *secrets,
		    const char *source, int64_t now,
		    const struct generation *about, const struct state *want,
		    const struct plan *plan, struct plan_file *out)
{
	*out = (struct plan_file){
		.mesh = arena_strdup(arena, want->mesh), .source = source,
		.version = MESHAPPLY_VERSION, .time = now,
		.steps = plan->count,
	};
	randombytes_buf(out->salt, sizeof(out->salt));
	inputs_digest(secrets, out->salt, about, want, out->inputs);
	out->lines = lines_of(arena, secrets, out->salt, plan);
}

void plan_file_text(struct sbuf *out, const struct plan_file *file)
{
	char salt[DIGEST_TEXT_MAX], inputs[DIGEST_TEXT_MAX];
	struct about about = {
		.mesh = file->mesh, .source = file->source,
		.version = file->version,
		.time = file->time > 0 ? (uint64_t)file->time : 0,
		.salt = salt, .inputs = inputs, .steps = file->steps,
	};

	digest_format(file->salt, salt);
	digest_format(file->inputs, inputs);
	sbuf_puts(out, "meshapply 1 " PLAN "\n");
	record_write(out, "about", about_fields, array_size(about_fields),
		     &about);
	sbuf_str(out, file->lines);
	sbuf_puts(out, "end\n");
}

static bool line_is_good(struct records *r, const struct record *record)
{
	struct line line = { 0 };
	uint8_t ignored[GENERATION_DIGEST];

	return str_is(record->kind, "step") &&
		record_read(r, record, line_fields, array_size(line_fields),
			    &line) &&
		line.id && line.disruption &&
		!digest_parse(line.before, ignored) &&
		!digest_parse(line.after, ignored);
}

static bool lines_parse(struct records *r, struct plan_file *out)
{
	const char *start = r->rest.data;
	struct record record;
	uint64_t count = 0;

	while (record_next(r, &record)) {
		if (str_is(record.kind, "end") && !record.words.size) {
			out->lines = (struct str){
				start, (size_t)(record.kind.data - start) };
			return !r->rest.size && count == out->steps;
		}
		if (!line_is_good(r, &record))
			return false;
		count++;
	}
	return false;
}

static bool about_parse(struct records *r, struct plan_file *out)
{
	struct about about = { 0 };
	struct record record;

	if (!record_next(r, &record) || !str_is(record.kind, "meshapply") ||
	    !str_is(record.words, "1 " PLAN) || !record_next(r, &record) ||
	    !str_is(record.kind, "about") ||
	    !record_read(r, &record, about_fields, array_size(about_fields),
			 &about) ||
	    !about.mesh || !about.version || about.time > INT64_MAX ||
	    digest_parse(about.salt, out->salt) ||
	    digest_parse(about.inputs, out->inputs))
		return false;
	out->mesh = about.mesh;
	out->source = about.source;
	out->version = about.version;
	out->time = (int64_t)about.time;
	out->steps = about.steps;
	return true;
}

int plan_file_parse(struct arena *arena, const char *name, struct str text,
		    struct plan_file *out, struct err *e)
{
	struct records r = { .arena = arena, .secrets = arena, .rest = text };
	struct plan_file file = { 0 };

	if (!about_parse(&r, &file))
		return err_set(e, ERR_DATA, "%s is no plan that meshapply "
			       "plan -o has written", name);
	if (!lines_parse(&r, &file))
		return err_set(e, ERR_DATA, "%s: line %zu is not as meshapply "
			       "plan -o has written it", name, r.line);
	*out = file;
	return 0;
}

/* "peer/wg0/bEKi…" of a step's line, as it is written. */
static struct str id_of(struct str line)
{
	struct str id = { line.data + strlen(STEP), 0 };
	const char *end = memchr(id.data, ' ',
				 line.size - strlen(STEP));

	id.size = end ? (size_t)(end - id.data) : line.size - strlen(STEP);
	return id;
}

static int other_step(struct str was, struct str is, uint64_t number,
		      struct err *e)
{
	struct str a = was.size ? id_of(was) : STR("none");
	struct str b = is.size ? id_of(is) : STR("none");

	if (str_equal(a, b))
		return err_refuse(e, PLAN, "step %llu, %.*s, is not the one "
				  "that was saved: what it finds or leaves "
				  "has changed", (unsigned long long)number,
				  (int)a.size, a.data);
	return err_refuse(e, PLAN, "step %llu was %.*s when the plan was "
			  "saved, and is %.*s now", (unsigned long long)number,
			  (int)a.size, a.data, (int)b.size, b.data);
}

int plan_file_check(const struct plan_file *file, struct arena *arena,
		    struct arena *secrets, const struct generation *about,
		    const struct state *want, const struct plan *plan,
		    struct err *e)
{
	struct str was = file->lines, is, a = { 0 }, b = { 0 };
	uint8_t inputs[GENERATION_DIGEST];
	uint64_t number = 0;
	bool more, left;

	/* What its numbers mean, and what is planned, is that version's. */
	if (strcmp(file->version, MESHAPPLY_VERSION))
		return err_refuse(e, PLAN, "the plan is of version %s, and "
				  "this is " MESHAPPLY_VERSION, file->version);
	if (strcmp(file->mesh, want->mesh))
		return err_refuse(e, PLAN, "the plan is for the mesh %s, and "
				  "the source is of %s", file->mesh,
				  want->mesh);
	inputs_digest(secrets, file->salt, about, want, inputs);
	if (memcmp(inputs, file->inputs, sizeof(inputs)))
		return err_refuse(e, PLAN, "the source or its keys are not "
				  "what the plan was made from");
	is = lines_of(arena, secrets, file->salt, plan);
	if (str_equal(was, is))
		return 0;
	do {
		a = b = (struct str){ 0 };
		more = str_next(&was, '\n', &a);
		left = str_next(&is, '\n', &b);
		number++;
	} while (more && left && str_equal(a, b));
	return other_step(a, b, number, e);
}
