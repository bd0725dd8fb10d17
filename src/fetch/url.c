/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include "base/arena.h"
#include "base/ip.h"
#include "fetch/get.h"

#define SHOWN_MAX 300	/* bytes of a URL */

void url_freep(CURLU **url)
{
	curl_url_cleanup(*url);
}

void text_freep(char **text)
{
	curl_free(*text);
}

char *url_part(CURLU *url, CURLUPart part, unsigned int flags)
{
	char *text = NULL;

	return curl_url_get(url, part, &text, flags) ? NULL : text;
}

const char *url_show(struct arena *arena, CURLU *url)
{
	char *scheme cleanup_text = url_part(url, CURLUPART_SCHEME, 0);
	char *host cleanup_text = url_part(url, CURLUPART_HOST, 0);
	char *port cleanup_text = url_part(url, CURLUPART_PORT, 0);
	char *path cleanup_text = url_part(url, CURLUPART_PATH, 0);
	char *query cleanup_text = url_part(url, CURLUPART_QUERY, 0);
	char *text = arena_printf(arena, "%s://%s%s%s%s%s",
				  scheme ? scheme : "", host ? host : "",
				  port ? ":" : "", port ? port : "",
				  path ? path : "", query ? "?..." : "");

	return str_show(arena, str_of(text), SHOWN_MAX);
}

const char *url_host(struct arena *arena, CURLU *url)
{
	char *host cleanup_text = url_part(url, CURLUPART_HOST, 0);
	char *port cleanup_text = url_part(url, CURLUPART_PORT, 0);
	char *text = arena_printf(arena, "%s%s%s", host ? host : "",
				  port ? " port " : "", port ? port : "");

	return str_show(arena, str_of(text), SHOWN_MAX);
}

bool url_is(CURLU *url, const char *scheme)
{
	char *text cleanup_text = url_part(url, CURLUPART_SCHEME, 0);

	return text && str_is_nocase(str_of(text), scheme);
}

/* libcurl itself knows the address of this name (RFC 6761 section 6.3). */
bool url_is_loopback(CURLU *url)
{
	char *text cleanup_text = url_part(url, CURLUPART_HOST, 0);
	struct str host = str_of(text);
	struct ip ip;

	if (str_is_nocase(host, "localhost"))
		return true;
	if (str_starts(host, "[") && str_ends(host, "]"))
		host = (struct str){ host.data + 1, host.size - 2 };
	if (ip_parse(host, &ip))
		return false;
	return ip.family == AF_INET ? ip.bytes[0] == 127 :
		!memcmp(ip.bytes, &in6addr_loopback, sizeof(ip.bytes));
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part, unsigned int flags)
{
	char *one cleanup_text = url_part(a, part, flags);
	char *two cleanup_text = url_part(b, part, flags);

	return one && two && str_is_nocase(str_of(one), two);
}

bool url_same_origin(CURLU *a, CURLU *b)
{
	return same_part(a, b, CURLUPART_SCHEME, 0) &&
	       same_part(a, b, CURLUPART_HOST, 0) &&
	       same_part(a, b, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

CURLU *url_of_signature(struct arena *arena, CURLU *url)
{
	char *path cleanup_text = url_part(url, CURLUPART_PATH, 0);
	CURLU *copy cleanup_(url_freep) = path ? curl_url_dup(url) : NULL;
	CURLU *made = copy;

	if (!copy || curl_url_set(copy, CURLUPART_PATH,
				  arena_printf(arena, "%s.minisig", path), 0))
		return NULL;
	copy = NULL;
	return made;
}
