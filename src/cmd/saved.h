/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans that are saved by plan -o, and taken by apply --plan. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct session;

/* The plan of S, just made, as the file that --output names. */
int saved_write(struct session *s, const char *source, struct err *e)
	must_check_;
/*
 * The file that --plan names, for S's gates.  *SOURCE, if it is NULL and
 * there is no --mesh either, becomes the one that the plan was made from.
 */
int saved_read(struct session *s, const char **source, struct err *e)
	must_check_;
