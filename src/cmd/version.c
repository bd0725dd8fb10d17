/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "report/report.h"

int cmd_version(struct options *o)
{
	if (o->jsonl)
		stream_start();
	else if (o->json)
		printf("{\"meshapply\": \"%s\", \"format\": %d}\n",
		       MESHAPPLY_VERSION, REPORT_FORMAT);
	else
		puts("meshapply " MESHAPPLY_VERSION);
	return 0;
}
