/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor found, in words and in JSON. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/str.h"
#include "doctor/doctor.h"

void doctor_text(struct sbuf *out, const struct doctor_findings *f,
		 bool color);
/* An array; a new reference. */
json_t *doctor_json(struct arena *arena, const struct doctor_findings *f);
