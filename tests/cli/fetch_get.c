/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch_get [OPTION]... URL... - what the main program does to fetch, alone
 *
 * The answer is written as lines; documents and signatures are left as files
 * document.N and signature.N.  Options are long ones, of one word; those of a
 * source hold for all of them.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "input/fetch.h"

#define HEADERS_MAX 8

static struct arena *arena, *secrets;
static struct fetch_source source;
static struct str headers[HEADERS_MAX], hosts[HEADERS_MAX];
static struct fetch_request request;
static struct err e;

static const struct {
	const char *name;
	struct str *value;
	bool is_path;
} texts[] = {
	{ "ca", &request.ca, true },
	{ "certificate", &source.certificate, true },
	{ "key", &source.key, true },
	{ "pin", &request.pinned, false },
	{ "token", &source.token, false },
	{ "etag", &source.document.etag, false },
	{ "modified", &source.document.modified, false },
	{ "signature-etag", &source.signature.etag, false },
};

static const struct {
	const char *name;
	uint32_t *value;
} numbers[] = {
	{ "limit", &request.size_limit },
	{ "connect", &request.connect_seconds },
	{ "try", &request.try_seconds },
	{ "retries", &request.retries },
	{ "budget", &request.budget_seconds },
};

static int fail(void)
{
	fprintf(stderr, "fetch_get: %s\n", e.text);
	return (int)e.kind;
}

static void option(const char *name, const char *value)
{
	if (!strcmp(name, "http"))
		request.allow_http = true;
	else if (!strcmp(name, "proxies"))
		fetch_proxies(&request);
	else if (!strcmp(name, "header"))
		headers[source.header_count++] = str_of(value);
	else if (!strcmp(name, "host"))
		hosts[request.redirect_host_count++] = str_of(value);
	for (size_t i = 0; i < array_size(texts); i++) {
		if (strcmp(name, texts[i].name) != 0)
			continue;
		*texts[i].value = str_of(value);
		if (texts[i].is_path &&
		    file_read_path(value, 1 << 20, secrets, texts[i].value,
				   &e))
			exit(fail());
	}
	for (size_t i = 0; i < array_size(numbers); i++)
		if (!strcmp(name, numbers[i].name))
			*numbers[i].value = (uint32_t)strtoul(value, NULL, 10);
}

static void options(int argc, char **argv)
{
	struct option list[array_size(texts) + array_size(numbers) + 5] = {
		{ "http", no_argument, NULL, 1 },
		{ "proxies", no_argument, NULL, 1 },
		{ "header", required_argument, NULL, 1 },
		{ "host", required_argument, NULL, 1 },
	};
	size_t n = 4;
	int at, got;

	for (size_t i = 0; i < array_size(texts); i++)
		list[n++] = (struct option){ texts[i].name,
					     required_argument, NULL, 1 };
	for (size_t i = 0; i < array_size(numbers); i++)
		list[n++] = (struct option){ numbers[i].name,
					     required_argument, NULL, 1 };
	while ((got = getopt_long(argc, argv, "", list, &at)) != -1) {
		if (got != 1)
			exit(64);
		option(list[at].name, optarg);
	}
}

static void show(const char *what, size_t n, const struct fetch_part *part)
{
	static const char *const words[] = { "none", "new", "unchanged" };
	char name[64];
	FILE *f;

	snprintf(name, sizeof(name), "%s.%zu", what, n);
	unlink(name);
	printf("%s %s %zu etag=%.*s modified=%.*s\n", what,
	       words[part->state], part->bytes.size,
	       (int)part->known.etag.size, part->known.etag.data,
	       (int)part->known.modified.size, part->known.modified.data);
	if (part->state != FETCH_NEW)
		return;
	f = fopen(name, "w");
	if (!f || fwrite(part->bytes.data, 1, part->bytes.size, f) !=
	    part->bytes.size || fclose(f))
		exit(70);
}

int main(int argc, char **argv)
{
	struct fetch_source sources[FETCH_SOURCES_MAX + 1];
	const char *program = getenv("FETCH_PROGRAM");
	struct fetch_answer answer;

	arena = arena_new((uint64_t)1 << 30);
	secrets = arena_new_secret((uint64_t)4 << 30);
	request = fetch_defaults();
	source.headers = headers;
	request.redirect_hosts = hosts;
	request.sources = sources;
	options(argc, argv);
	for (; optind < argc && request.source_count < array_size(sources);
	     optind++) {
		source.url = str_of(argv[optind]);
		sources[request.source_count++] = source;
	}
	if (fetch_get(arena, secrets, program, &request, &answer, &e))
		return fail();
	printf("confined %s\n", answer.confined ? "yes" : "no");
	for (size_t i = 0; i < answer.count; i++) {
		const struct fetch_result *r = &answer.results[i];

		printf("result %s status=%u tries=%u url=%.*s\n",
		       r->failed ? "failed" : "ok", r->status, r->tries,
		       (int)r->url.size, r->url.data);
		if (r->failed)
			printf("error %.*s\n", (int)r->error.size,
			       r->error.data);
		show("document", i, &r->document);
		show("signature", i, &r->signature);
	}
	arena_free(secrets);
	arena_free(arena);
	return 0;
}
