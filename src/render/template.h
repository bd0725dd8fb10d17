/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A strict subset of mustache(5): {{name}}, {{a.b}}, {{.}}, {{#x}}…{{/x}},
 * {{^x}}…{{/x}}, {{>partial}}, {{!comment}}, {{=<% %>=}}; {{{x}}} and {{&x}}
 * are {{x}}, for nothing is escaped.  Lines and indentation are as mustache's
 * specification has them.  meshapply-template(5) is the manual.
 *
 * Strict: a name that is not defined, a partial that is not there, a list, an
 * object or a truth written as a text, and a text that the file cannot carry
 * are errors.  It knows nothing of networks.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/str.h"
#include "render/carry.h"

struct arena;
struct value;

#define TEMPLATE_LIMIT (1u << 20)	/* bytes of one template */
#define TEMPLATE_OUTPUT_LIMIT (64u << 20)	/* bytes of what it makes */
#define TEMPLATE_STEPS_LIMIT (16u << 20)	/* tags and texts on the way */
#define TEMPLATE_NESTING 64	/* sections in sections */
#define TEMPLATE_PARTIALS_DEPTH 32	/* partials in partials */

/* What {{>NAME}} and template_render() know as NAME. */
struct template_text {
	const char *name;
	const struct source *source;	/* outlives the set */
};

/* Templates that are each other's partials. */
struct template_set;

/*
 * Parse them all; no two have one name.  All that is wrong (also a partial
 * that is not among them) is added to DIAGS: NULL then.
 */
struct template_set *template_parse(struct arena *arena,
				    const struct template_text *texts,
				    size_t count, struct diags *diags)
	must_check_;

/*
 * Render the template NAME, which is in the set, with VALUES.  Each text that
 * it writes passes carry_refuses(CARRY).  Pure: the same bytes from the same
 * values.  All that is wrong is added to DIAGS, each tag once, with the
 * second place where the user wrote the value: 0 if nothing is, else -1.
 */
int template_render(struct arena *arena, const struct template_set *set,
		    const char *name, const struct value *values,
		    enum carry carry, struct str *out, struct diags *diags)
	must_check_;

/* Does a template of the set name it as a partial? */
bool template_uses(const struct template_set *set, const char *name);
