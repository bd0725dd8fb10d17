/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HUP, INT, TERM and PIPE wait from the first write to the verification. */
#pragma once

#include <signal.h>
#include <stdbool.h>

struct signals {
	sigset_t before;
	bool pipe_pending;
};

void signals_block(struct signals *s);
/* What came in between is delivered now. */
void signals_unblock(struct signals *s);
