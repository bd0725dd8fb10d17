/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of the last apply and beside it; the first byte says what the
 * rest is: the list of kept files, the kept texts and canonical firewall (a
 * zero byte between), the registry of sysctls, the sample.  What is taken is
 * written again and taken again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/store_private.h"
#include "base/arena.h"
#include "base/err.h"
#include "plan/plan.h"
#include "state/state.h"
#include "state/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STATE_FOLDER "var/lib/meshapply/office"

static char root[64];

/* A file below the root, as the store finds it. */
static void put(const char *name, struct str content)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" STATE_FOLDER "/%s", root, name);
	file = fopen(path, "w");
	if (!file || fwrite(content.data, 1, content.size, file) !=
		     content.size || fclose(file))
		abort();
}

static void clean(void)
{
	static const char *const names[] = {
		"/files", "/applied/wireguard.conf", "/applied/network.batch",
		"/applied", "",
	};
	static const char *const above[] = {
		"/var/lib/meshapply", "/var/lib", "/var", "",
	};
	char path[256];

	for (size_t i = 0; i < array_size(names); i++) {
		snprintf(path, sizeof(path), "%s/" STATE_FOLDER "%s", root,
			 names[i]);
		remove(path);
	}
	for (size_t i = 0; i < array_size(above); i++) {
		snprintf(path, sizeof(path), "%s%s", root, above[i]);
		remove(path);
	}
}

static const char conf[] =
	"#@ mesh office\n#@ interface wg0\n"
	"[Interface]\nAddress = 10.0.0.1/24\nTable = off\n";
static const char batch[] = "route replace 10.9.0.0/16 dev wg0 proto 77\n";

static void prepare(void)
{
	static const char *const folders[] = {
		"/var", "/var/lib", "/var/lib/meshapply", "/" STATE_FOLDER,
		"/" STATE_FOLDER "/applied",
	};
	const char *base = getenv("TMPDIR");
	char path[256];

	snprintf(root, sizeof(root), "%.40s/fuzz-XXXXXX",
		 base ? base : "/tmp");
	if (!mkdtemp(root) || atexit(clean))
		abort();
	for (size_t i = 0; i < array_size(folders); i++) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		if (mkdir(path, 0700))
			abort();
	}
	put("applied/wireguard.conf", str_of(conf));
	put("applied/network.batch", str_of(batch));
}

/* The list of files says which are what was written. */
static void read_list(struct arena *arena, struct str list)
{
	const struct state *last;
	struct store *store;
	const char *note;
	struct err e = { 0 };

	put("files", list);
	if (store_open(arena, root, "office", false, &store, &e) < 0)
		abort();
	if (store_last(store, arena, &last, &note, &e) < 0) {
		if (!e.text[0] || !e.kind)
			abort();
	} else if (last && (note || last->device_count != 1)) {
		abort();
	}
	store_close(store);
}

static struct str part(struct str *data)
{
	struct str out = *data;
	const char *end = data->size ? memchr(data->data, 0, data->size) :
				       NULL;

	if (!end) {
		*data = (struct str){ 0 };
		return out;
	}
	out.size = (size_t)(end - data->data);
	data->data += out.size + 1;
	data->size -= out.size + 1;
	return out;
}

static void read_state(struct arena *arena, struct str data)
{
	struct contents contents = { 0 };
	struct store store = { .mesh = "office" };
	struct state state = { 0 };
	struct texts texts;
	struct err e = { 0 };

	for (size_t i = 0; i < 3; i++)
		contents.of[i] = part(&data);
	contents.of[3] = data;
	if (store_kept_state(&store, arena, &contents, &state, &e) < 0) {
		if (!e.text[0] || !e.kind)
			abort();
		return;
	}
	texts_write(arena, &state, &texts);
	contents.of[0] = texts.wireguard.text;
	contents.of[1] = texts.network.text;
	if (store_kept_state(&store, arena, &contents, &state, &e) < 0)
		abort();
}

static void read_sysctls(struct arena *arena, struct str text)
{
	struct store store = {
		.mesh = "office", .here = { .boot = "boot", .netns = 1 },
	};
	size_t ours = 0;
	struct sbuf out;

	sysctls_parse(&store, arena, text);
	for (size_t i = 0; i < store.sysctl_count; i++) {
		if (strncmp(store.sysctls[i].key, "net.ipv", 7))
			abort();
		ours += !strcmp(store.sysctls[i].mesh, "office") &&
			store.sysctls[i].netns == 1;
	}
	sbuf_init(&out, arena);
	header_write(&out, STORE_SYSCTLS, &store.here);
	sysctls_ours_write(&store, &out);
	sysctls_parse(&store, arena, (struct str){ out.data, out.size });
	if (store.sysctl_count != ours)
		abort();
}

static void read_sample(struct arena *arena, struct str text)
{
	struct records r = { .arena = arena, .secrets = arena, .rest = text };
	struct identity of = { 0 };
	struct sample sample;

	if (!header_read(&r, "sample", &of) || !sample_lines(&r, &sample))
		return;
	for (size_t i = 1; i < sample.count; i++)
		if (key_compare(&sample.peers[i - 1].public_key,
				&sample.peers[i].public_key) > 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	struct str text;
	size_t mark;

	if (!arena) {
		arena = arena_new((size_t)1 << 30);
		prepare();
	}
	if (!size)
		return 0;
	mark = arena_mark(arena);
	text = (struct str){ arena_copy(arena, data + 1, size - 1), size - 1 };
	if (data[0] == 'l')
		read_list(arena, text);
	else if (data[0] == 't')
		read_state(arena, text);
	else if (data[0] == 'c')
		read_sysctls(arena, text);
	else
		read_sample(arena, text);
	arena_reset(arena, mark);
	return 0;
}
