/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder of a test's own, removed with all that is in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct scratch {
	char path[64];
	int folder;
};

/* Both fail the running test where they cannot do their work. */
void scratch_open(struct scratch *scratch);
/* A file of NAME with these bytes and exactly MODE. */
void scratch_put(const struct scratch *scratch, const char *name,
		 const void *data, size_t size, mode_t mode);
void scratch_close(struct scratch *scratch);

/* One of each kind that is no regular file: its name, and our words for it. */
#define SCRATCH_RUBBISH 6
extern const struct scratch_rubbish {
	const char *name, *words;
} scratch_rubbish[SCRATCH_RUBBISH];

/*
 * Lay them, and a file "target" holding "secret", to which "link" leads.
 * Returns how many there are: the last, a device, needs root, and its lack
 * is printed.
 */
size_t scratch_lay_rubbish(const struct scratch *scratch);
/* True without root, having printed that WHAT is not tested. */
bool scratch_skips_without_root(const char *what);
