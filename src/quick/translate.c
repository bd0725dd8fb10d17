/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "quick/quick.h"

#include <linux/rtnetlink.h>

#include "base/arena.h"
#include "quick/file.h"

/*
 * With FwMark given the table of a full tunnel has that number: wg-quick
 * would put the default route into main and cut the host off.
 */
static void check_mark(struct quick_file *file)
{
	struct quick_routes routes;

	if (file->fwmark < RT_TABLE_DEFAULT || file->fwmark > RT_TABLE_LOCAL)
		return;
	quick_route(file, &routes);
	if (!routes.full4 && !routes.full6)
		return;
	value_error(file->source, file->said[QUICK_FWMARK].value, file->diags,
		    "FwMark is the number of the tunnel's route table too, "
		    "and %u is one of the kernel's own", file->fwmark)->hint =
		"leave FwMark out, or take another number";
}

int quick_translate(struct arena *arena, struct arena *secrets,
		    const struct source *source,
		    const struct quick_options *options, struct quick *out,
		    struct diags *diags)
{
	struct quick_file file = {
		.arena = arena,
		.secrets = secrets,
		.source = source,
		.options = options,
		.diags = diags,
	};
	struct quick result = { .keys = NULL };
	size_t errors = diags->errors;

	if (value_check_text(source, diags) < 0)
		return -1;
	if (!device_name_valid(str_of(options->name))) {
		diag_error(diags, (struct place){ source, 0 },
			   "%s cannot name a device: 1 to %d of letters, "
			   "digits and _=+.- are wanted",
			   value_show(diags, str_of(options->name)),
			   IFNAMSIZ - 1)->hint =
			"NAME.conf is the mesh NAME on the device NAME";
		return -1;
	}
	quick_read(&file);
	check_mark(&file);
	quick_hold_keys(&file, &result);
	if (diags->errors > errors)
		return -1;
	quick_write(&file, &result);
	*out = result;
	return 0;
}
