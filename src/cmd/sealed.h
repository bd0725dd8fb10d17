/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seals (apply/seal.h), as apply and plan go about them.  A run that was told
 * more than what it is about neither makes nor takes one.
 */
#pragma once

#include <stdbool.h>

struct apply_result;
struct session;

/* Is all as it was when a run of the same words found nothing to do?  The
   session is as it was before where it is not. */
bool sealed_holds(struct session *s);
/* Note from here on what decides (base/trace.h); and note no more. */
void sealed_start(struct session *s);
void sealed_stop(struct session *s);
/* RESULT was had without a word: let the next run know, if that can be. */
void sealed_keep(struct session *s, const struct apply_result *result);
