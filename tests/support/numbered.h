/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States of one mesh that differ by a number, and what is made of them. */
#pragma once

#include <stdint.h>

#include "support/host.h"

/* It is the port of the device, beyond 1000. */
struct wanted numbered_wanted(unsigned int number);
/* A run on host.store, planned, whose source is known; host_finish() ends. */
void numbered_start(struct run *run, const struct wanted *wanted);
/* Apply it without a fault: the generation that was made, or 0. */
uint64_t numbered_settle(unsigned int number);
void numbered_mark(uint64_t number, enum generation_state state);
