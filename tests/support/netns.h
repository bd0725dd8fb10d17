/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another network namespace, which is there as long as the test runs. */
#pragma once

#include <stdint.h>

#define NETNS_NONE 1	/* the number of none */

/* Its number, as /proc/PID/ns/net has it; 0, said aloud: there can be none. */
uint64_t netns_living(void);
