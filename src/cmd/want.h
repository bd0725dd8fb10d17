/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of want_read(), for validate, which needs not all of them. */
#pragma once

struct err;
struct quick;
struct session;

/* Read, translate and check SOURCE into s->want, without keys. */
int want_texts(struct session *s, const char *source, struct quick **quick,
	       struct err *e);
/* Read the keys that s->want names; QUICK may hold some. */
int want_keys(struct session *s, const struct quick *quick, struct err *e);
