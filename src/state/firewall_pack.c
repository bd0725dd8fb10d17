/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canonical form in a file: a magic word, then numbers of 32 bits, least
 * byte first, and strings as their size and bytes.  What is volatile (the
 * generation, the raw form of elements) is left out: equal tables give equal
 * bytes.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "state/firewall.h"

#define MAGIC "meshapply canon 1\n"

#define OBJECT_WRITABLE 1u
#define OBJECT_COMPARED 2u
#define ELEMENT_SENDABLE 1u

/* The least that an object and an element take: a bound for counts. */
#define OBJECT_SIZE_MIN 28
#define ELEMENT_SIZE_MIN 8

static void put_number(struct sbuf *out, size_t number)
{
	unsigned char bytes[4];

	for (unsigned int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(number >> 8 * i & 0xff);
	sbuf_add(out, bytes, sizeof(bytes));
}

static void put_string(struct sbuf *out, struct str string)
{
	put_number(out, string.size);
	sbuf_str(out, string);
}

struct str firewall_pack(struct arena *arena, const struct firewall *f)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	sbuf_puts(&out, MAGIC);
	put_string(&out, str_of(f->table));
	put_number(&out, f->object_count);
	put_number(&out, f->element_count);
	for (size_t i = 0; i < f->object_count; i++) {
		const struct firewall_object *o = &f->objects[i];

		put_number(&out, o->kind);
		put_string(&out, str_of(o->name));
		put_number(&out, o->rank);
		put_number(&out,
			   (o->elements_writable ? OBJECT_WRITABLE : 0) |
			   (o->elements_compared ? OBJECT_COMPARED : 0));
		put_number(&out, o->element_first);
		put_number(&out, o->element_count);
		put_string(&out, o->bytes);
	}
	for (size_t i = 0; i < f->element_count; i++) {
		put_number(&out, f->elements[i].sendable ? ELEMENT_SENDABLE
							 : 0);
		put_string(&out, f->elements[i].bytes);
	}
	return sbuf_end(&out);
}

struct unpacker {
	struct arena *arena;
	struct str rest;
	bool torn;
};

static uint32_t get_number(struct unpacker *u)
{
	uint32_t number = 0;

	if (u->torn || u->rest.size < 4) {
		u->torn = true;
		return 0;
	}
	for (unsigned int i = 0; i < 4; i++)
		number |= (uint32_t)(unsigned char)u->rest.data[i] << 8 * i;
	u->rest.data += 4;
	u->rest.size -= 4;
	return number;
}

static uint32_t get_bounded(struct unpacker *u, uint32_t max)
{
	uint32_t number = get_number(u);

	if (number <= max)
		return number;
	u->torn = true;
	return 0;
}

/* A copy, so that the file's bytes need not stay. */
static struct str get_string(struct unpacker *u)
{
	uint32_t size = get_number(u);
	struct str string = { "", 0 };

	if (u->torn || size > u->rest.size) {
		u->torn = true;
		return string;
	}
	string.data = arena_strndup(u->arena, u->rest.data, size);
	string.size = size;
	u->rest.data += size;
	u->rest.size -= size;
	return string;
}

/* As a C string, which holds no NUL. */
static const char *get_name(struct unpacker *u)
{
	struct str name = get_string(u);

	if (memchr(name.data, '\0', name.size))
		u->torn = true;
	return name.data;
}

static void get_object(struct unpacker *u, size_t element_count,
		       struct firewall_object *o)
{
	uint32_t flags;

	o->kind = (enum firewall_kind)get_bounded(u, FIREWALL_FLOWTABLE);
	o->name = get_name(u);
	o->rank = get_number(u);
	flags = get_bounded(u, OBJECT_WRITABLE | OBJECT_COMPARED);
	o->elements_writable = flags & OBJECT_WRITABLE;
	o->elements_compared = flags & OBJECT_COMPARED;
	o->element_first = get_number(u);
	o->element_count = get_number(u);
	o->bytes = get_string(u);
	if (o->element_first > element_count ||
	    o->element_count > element_count - o->element_first)
		u->torn = true;
}

static void get_all(struct unpacker *u, struct firewall *f)
{
	f->table = get_name(u);
	f->object_count = get_number(u);
	f->element_count = get_number(u);
	if (u->torn || f->object_count > u->rest.size / OBJECT_SIZE_MIN ||
	    f->element_count > u->rest.size / ELEMENT_SIZE_MIN) {
		u->torn = true;
		return;
	}
	f->objects = arena_new_array(u->arena, struct firewall_object,
				     f->object_count);
	f->elements = arena_new_array(u->arena, struct firewall_element,
				      f->element_count);
	for (size_t i = 0; i < f->object_count && !u->torn; i++)
		get_object(u, f->element_count, &f->objects[i]);
	for (size_t i = 0; i < f->element_count && !u->torn; i++) {
		f->elements[i].sendable = get_bounded(u, ELEMENT_SENDABLE);
		f->elements[i].bytes = get_string(u);
	}
}

int firewall_unpack(struct arena *arena, struct str bytes,
		    struct firewall *out, struct err *e)
{
	struct unpacker u = { .arena = arena, .rest = bytes };
	struct firewall f = { .compiled = true };

	if (!str_starts(bytes, MAGIC))
		return err_set(e, ERR_DATA, "this is no canonical firewall");
	u.rest.data += sizeof(MAGIC) - 1;
	u.rest.size -= sizeof(MAGIC) - 1;
	get_all(&u, &f);
	if (u.torn || u.rest.size)
		return err_set(e, ERR_DATA, "the canonical firewall is torn");
	*out = f;
	return 0;
}
