/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of nf_tables, built by hand for tests of what reads dumps.  One
 * message is open at a time; what is done is taken as a whole.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define NM_TABLE "meshapply_t"

/* The open message, for what is not here. */
extern struct nlmsghdr *nm_head;

void nm_start(struct arena *arena);
void nm_begin_in(uint8_t type, uint8_t family, const char *table);
void nm_begin(uint8_t type);
void nm_end(void);
void nm_put_u32(uint16_t type, uint32_t value);
void nm_put_text(uint16_t type, const char *text);
struct nlattr *nm_open_nest(uint16_t type);
void nm_close_nest(struct nlattr *nest);
void nm_put_generation(uint32_t value);
void nm_put_table(uint64_t handle, uint32_t use);
void nm_put_chain(const char *name, uint32_t flags, uint32_t use);
void nm_put_set(const char *name, uint32_t flags, uint32_t volatile_one);
void nm_begin_rule(const char *chain, uint64_t handle);
void nm_begin_expr(const char *name);
void nm_end_expr(void);
void nm_put_counter(uint64_t packets);
void nm_put_lookup(const char *set, uint32_t id);
void nm_put_verdict(uint16_t type, const char *chain);
void nm_put_jump(const char *chain);
void nm_put_value(uint16_t type, const void *value, size_t size);
struct nlattr *nm_begin_elements(const char *set);
void nm_put_element(uint32_t key, uint32_t flags);
/* Cut BYTES off what is done: a dump that ends too early. */
void nm_cut(size_t bytes);
/* All messages since, on the arena. */
struct str nm_taken(void);
