/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel, its WireGuard, its clock. */
#include <stdlib.h>

#include "base/arena.h"
#include "doctor/host.h"

/* The first release of Linux that has WireGuard. */
#define LEAST_MAJOR 5
#define LEAST_MINOR 6
/* 2025-01-01: a clock that shows less was never set. */
#define CLOCK_LEAST INT64_C(1735689600)
/* How far a handshake may be ahead of the clock. */
#define CLOCK_SLACK 5

static void check_release(struct doctor *d)
{
	char *end;
	long major = strtol(d->release, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	struct finding *f;

	if (major > LEAST_MAJOR ||
	    (major == LEAST_MAJOR && minor >= LEAST_MINOR))
		return;
	f = finding_add(d, d->no_wireguard ? FINDING_ERROR : FINDING_WARNING,
			"kernel-old", NULL);
	f->what = doctor_printf(d, "the kernel is %s, older than 5.6",
				d->release);
	f->why = "WireGuard is part of Linux since 5.6; what a module of its "
		"own does in an older one was never tried";
	f->commands[0] = "apt install linux-image-amd64";
	f->commands[1] = "reboot";
}

static void check_module(struct doctor *d)
{
	struct finding *f;

	if (!d->no_wireguard)
		return;
	f = finding_add(d, FINDING_ERROR, "no-wireguard", NULL);
	f->what = d->no_wireguard;
	f->why = "no WireGuard device can be made; the module is missing, or "
		"was not loaded and may not be loaded by us";
	f->file = "/etc/modules-load.d/wireguard.conf";
	f->content = "wireguard\n";
	f->commands[0] = "modprobe wireguard";
}

static void tell_clock(struct doctor *d, const struct doctor_mesh *m,
		       const char *what)
{
	struct finding *f = finding_add(d, FINDING_ERROR, "clock", m);

	f->what = what;
	f->why = "a handshake bears the time, and peers refuse one that is "
		"not later than the last they had from this host";
	f->commands[0] = "timedatectl set-ntp true";
}

void check_kernel(struct doctor *d)
{
	check_release(d);
	check_module(d);
	if (d->now < CLOCK_LEAST)
		tell_clock(d, NULL, "the clock is not set: it shows a time "
			   "before 2025");
}

void check_clock_of(struct doctor *d, const struct doctor_mesh *m)
{
	for (size_t i = 0; m->have && i < m->have->peer_count; i++) {
		if (m->have->peers[i].last_handshake <= d->now + CLOCK_SLACK)
			continue;
		tell_clock(d, m, doctor_printf(d, "the clock of this host was "
			"set back: there was a handshake on %s in what is the "
			"future now", m->device));
		return;
	}
}
