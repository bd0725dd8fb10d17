/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan --rehearse: the plan, tried in a network namespace of its own. */
#pragma once

#include "base/attr.h"

struct err;
struct session;

/*
 * In a child, from the run's settled want.  Remarks tell what was rehearsed
 * and what could not be; a refusal is a diagnostic where there is a place for
 * it, and -1 with ERR_FAILED.
 */
int rehearse_plan(struct session *s, struct err *e) must_check_;
