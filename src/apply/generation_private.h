/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A generation as bytes; between its files, and for the fuzzer. */
#pragma once

#include <stdbool.h>

#include "apply/generation.h"
#include "apply/record.h"

void generation_write(struct sbuf *out, const struct identity *of,
		      const struct generation *g);
/* Exactly what was written; the texts are views into R. */
bool generation_parse(struct records *r, struct identity *of,
		      struct generation *out);
/* A 32 byte digest as 64 hexadecimal digits, and back: 0 or -1. */
#define DIGEST_TEXT_MAX (2 * GENERATION_DIGEST + 1)
void digest_format(const uint8_t digest[static GENERATION_DIGEST],
		   char out[static DIGEST_TEXT_MAX]);
int digest_parse(const char *text, uint8_t out[static GENERATION_DIGEST])
	must_check_;
