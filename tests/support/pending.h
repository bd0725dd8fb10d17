/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs on the host of support/host.h that are to be confirmed. */
#pragma once

#include "support/host.h"

/* A guard that takes everything over, and how often it was asked. */
extern const struct confirm pending_confirmable;
extern size_t pending_asked;
/* It refuses from now on; or not any more. */
void pending_refuse(bool refuse);

/* A run that is planned and to be confirmed; host_finish() ends it. */
void pending_start(struct run *run, const struct wanted *wanted);
/* Apply WANTED without a fault, to be confirmed. */
void pending_settle(const struct wanted *wanted);
/* End what is pending; without a fault. */
void pending_undo(void);
void pending_keep(void);
/* The contents of all that is kept of the mesh, but generations and how the
   last pending change ended. */
const char *pending_kept(void);
bool pending_is_there(void);
/* The bytes of the record, and others in their place; and where TEXT is in
   SIZE bytes of it: it holds a table's raw form, too. */
struct str pending_text(void);
void pending_put(struct str text);
char *pending_find(const char *copy, size_t size, const char *text);
/* The record of what is pending, as a run reads it. */
const struct pending *pending_look(void);
/* How what was pending ended; and what became of the newest generation. */
struct settled pending_how(void);
enum generation_state pending_newest(void);
