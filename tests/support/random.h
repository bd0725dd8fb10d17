/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random states and random changes by others, from a seed. */
#pragma once

#include "support/build.h"

struct random {
	uint64_t state;
};

uint32_t random_below(struct random *r, uint32_t limit);
/* True in PERCENT of the cases. */
bool random_chance(struct random *r, uint32_t percent);

/* Something a user might want, as the readers give it. */
void random_want(struct random *r, struct build *b);
/* What others have on the host before we come. */
void random_host(struct random *r, struct model *m);
/* What others do to our device, and to the rest, between two runs. */
void random_drift(struct random *r, struct model *m);
