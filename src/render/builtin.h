/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The template files that the program was built with, from templates/. */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct builtin {
	const char *file;	/* beneath templates/ */
	struct str text;
};

/* The one of INDEX, from 0; file NULL: there are no more. */
struct builtin builtin_template(size_t index);
