/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may keep a plan that is made from being taken. */
#pragma once

#include "base/attr.h"
#include "state/step.h"

struct err;
struct plan_file;
struct run;

struct gates {
	enum disruption most;	/* worse steps are refused */
	const struct plan_file *plan;	/* no other plan than this; or NULL */
};

/*
 * ERR_REFUSED with the guard "rolled-back", "identity", "plan" or
 * "disruption", unless RUN forces it; RUN without gates passes.  A plan of no
 * steps is held against the saved one alone.
 */
int run_gates(struct run *run, struct err *e) must_check_;
