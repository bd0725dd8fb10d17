/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of network.batch. */
#include <stdint.h>

#include "fixed_point.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fresh_arena();
	struct texts texts = { .network.name = "fuzz" };

	texts.network.text = (struct str){ (const char *)data, size };
	if (size)
		check_fixed_point(arena, &texts);
	return 0;
}
