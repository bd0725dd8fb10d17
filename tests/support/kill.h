/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs on the host of support/host.h that are killed half way through. */
#pragma once

#include <setjmp.h>

#include "support/host.h"

/* Where a run dies: sigsetjmp(kill_jump, 1) before it begins. */
extern sigjmp_buf kill_jump;

/* It does so once the model has been sent as many steps in all. */
void kill_at(size_t sent);
/* No run is killed any more, and the one at hand is dead. */
void kill_over(void);
/* Apply RUN, which is planned: it has to die at the step AT of its plan. */
void kill_apply(struct run *run, size_t at);
