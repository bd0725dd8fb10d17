/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "kern/volatile.h"

int volatile_blank_nft(struct nlmsghdr *m, struct blanked *b) must_check_;
