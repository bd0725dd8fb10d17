/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real kernel code in a network namespace of the test's own, which has a
 * pair of links, v0 and v1, and the addresses 192.0.2.1/24 and fd00::1/64 on
 * v0.  What cannot be done fails the running test.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "kern/kernel.h"

extern struct arena *net_arena, *net_secrets;
extern struct kernel *net_kernel;
extern struct plan net_plan;

/* Once, before all tests; with or without root: 0, or -1. */
int net_enter(void);
/* The fixture of each test; what is of our protocol is removed first. */
void net_setup(void);
void net_teardown(void);

/* What COMMAND prints, spaces in a row made one; until the next call. */
char *net_output(const char *command);
void net_says(const char *command, const char *want);

/* Add a step to the plan; take the plan, which is empty afterwards. */
struct step *net_add(enum step_kind kind);
int net_try(struct err *e);
void net_take(void);
/* The text begins so: newer kernels have more words, which come last. */
void net_refused(const char *want);

struct state net_look(const uint32_t *tables);
struct prefix net_prefix(const char *text);
/* One of ours in table main, of a unicast type through v0. */
struct route net_route(const char *text, uint8_t type);
