/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state/step.h"

#include <string.h>

const struct device *step_device(const struct step *step)
{
	return step->device ? step->device : step->device_before;
}

const struct peer *step_peer(const struct step *step)
{
	return step->peer ? step->peer : step->peer_before;
}

bool phase_removes(enum phase phase)
{
	return phase >= PHASE_REMOVE_RULES;
}

const char *disruption_name(enum disruption d)
{
	switch (d) {
	case DISRUPTION_NONE:
		return "none";
	case DISRUPTION_REKEY:
		return "rekey";
	case DISRUPTION_LOSS:
		return "loss";
	case DISRUPTION_SESSION:
		return "session";
	case DISRUPTION_MESH:
		return "mesh";
	case DISRUPTION_ACCESS:
		return "access";
	}
	return "none";
}

bool disruption_parse(const char *name, enum disruption *out)
{
	if (!name)
		return false;
	*out = DISRUPTION_NONE;
	while (*out < DISRUPTION_ACCESS && strcmp(name, disruption_name(*out)))
		++*out;
	return !strcmp(name, disruption_name(*out));
}
