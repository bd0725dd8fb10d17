/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as texts have them: RFC 3339, from the year 2000 on; and how long. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define TIME_TEXT_MAX 32

/*
 * "2026-12-31T00:00:00Z", or with +03:30 in place of Z, to seconds since 1970.
 * A fraction of a second is dropped.
 */
int time_parse(struct str text, int64_t *out) must_check_;
/* The same in UTC, with a Z; returns its buffer. */
char *time_format(int64_t seconds, char out[static TIME_TEXT_MAX]);

/* CLOCK_MONOTONIC, in milliseconds. */
int64_t time_now_ms(void);
