/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status for a monitoring system, as the guidelines for plugins of Nagios and
 * its like have it: one line, a verdict and numbers; the exit status is the
 * verdict.
 */
#pragma once

#include "base/str.h"

struct err;
struct status;

/* The exit statuses. */
enum check_state { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

struct check {
	struct sbuf text, data;		/* "office: 3 peers", "'x'=1" */
	enum check_state state;		/* the worst so far */
};

void check_init(struct check *c, struct arena *arena);
void check_mesh(struct check *c, const struct status *s);
/* MESH could not be looked at; NULL: none of them. */
void check_failed(struct check *c, const char *mesh, const struct err *e);
void check_line(const struct check *c, struct sbuf *out);
