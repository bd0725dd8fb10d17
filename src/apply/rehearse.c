/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/rehearse.h"

#include <stdio.h>
#include <string.h>

#include "apply/sysctl_side.h"
#include "apply/walk.h"
#include "base/arena.h"
#include "base/privilege.h"
#include "kern/fresh.h"
#include "state/firewall.h"

#define PEERS_MOST 100	/* of a device: deleting each takes its time */

/* Peers from all over the list, which stays sorted, without their keys. */
static void take_peers(struct arena *arena, struct device *d,
		       struct rehearsal *out)
{
	size_t count = d->peer_count < PEERS_MOST ? d->peer_count : PEERS_MOST;
	struct peer *peers = arena_new_array(arena, struct peer, count);

	for (size_t i = 0; i < count; i++) {
		peers[i] = d->peers[i * d->peer_count / count];
		peers[i].preshared_key = NULL;
	}
	out->peers_wanted += d->peer_count;
	out->peers += count;
	d->peers = peers;
	d->peer_count = count;
}

static void take_devices(struct arena *arena, struct state *want,
			 struct rehearsal *out)
{
	want->devices = arena_copy(arena, want->devices, want->device_count *
				   sizeof(*want->devices));
	for (size_t i = 0; i < want->device_count; i++) {
		struct device *d = &want->devices[i];

		out->vrf_left |= *d->vrf != '\0';
		d->has &= ~(unsigned)(DEVICE_PRIVATE_KEY | DEVICE_VRF);
		d->private_key = NULL;
		memset(&d->public_key, 0, sizeof(d->public_key));
		memset(d->vrf, 0, sizeof(d->vrf));
		take_peers(arena, d, out);
	}
}

/* Through links that there are not here nothing can lead. */
static void take_routes(struct arena *arena, struct state *want,
			struct rehearsal *out)
{
	struct route *routes = arena_new_array(arena, struct route,
					       want->route_count);
	size_t count = 0;

	for (size_t i = 0; i < want->route_count; i++) {
		const struct route *r = &want->routes[i];

		if (state_device(want, r->device) ||
		    (!*r->device && !r->via.family))
			routes[count++] = *r;
	}
	out->routes_left = want->route_count - count;
	want->routes = routes;
	want->route_count = count;
}

static void take_sysctls(struct arena *arena, struct state *want,
			 const struct state *have, struct rehearsal *out)
{
	struct sysctl *sysctls = arena_new_array(arena, struct sysctl,
						 want->sysctl_count);
	size_t count = 0;

	for (size_t i = 0; i < want->sysctl_count; i++)
		if (state_sysctl(have, want->sysctls[i].key) ||
		    sysctl_device(want, want->sysctls[i].key))
			sysctls[count++] = want->sysctls[i];
	out->sysctls_left = want->sysctl_count - count;
	want->sysctls = sysctls;
	want->sysctl_count = count;
}

static bool is_wireguard(enum step_kind kind)
{
	return kind == STEP_LINK_CREATE || kind == STEP_DEVICE_SET ||
	       kind == STEP_PEER_ADD || kind == STEP_PEER_CHANGE;
}

/* What can be done to a link of another kind is left of the plan. */
static void stand_in(struct run *run, struct rehearsal *out)
{
	const char **names = arena_new_array(run->arena, const char *,
					     run->want->device_count);
	struct plan *plan = &run->plan;
	size_t count = 0;

	for (size_t i = 0; i < run->want->device_count; i++)
		names[i] = run->want->devices[i].name;
	(void)fresh_links(run->arena, names, run->want->device_count);
	for (size_t i = 0; i < plan->count; i++)
		if (!is_wireguard(plan->steps[i].kind))
			plan->steps[count++] = plan->steps[i];
	plan->count = count;
	out->stand_in = true;
	out->peers = 0;
}

static struct place place_of_address(const struct step *step)
{
	const struct device *d = step->device;

	for (size_t i = 0; d->address_places && i < d->address_count; i++)
		if (!prefix_compare(&d->addresses[i], step->prefixes))
			return d->address_places[i];
	return d->where;
}

static struct place place_of(const struct step *step)
{
	if (step->peer)
		return step->peer->where;
	if (step->kind == STEP_ADDRESS_ADD && step->device)
		return place_of_address(step);
	if (step->device)
		return step->device->where;
	if (step->route)
		return step->route->where;
	if (step->rule)
		return step->rule->where;
	if (step->sysctl)
		return step->sysctl->where;
	if (step->firewall)
		return step->firewall->where;
	return (struct place){ NULL, 0 };
}

static void blame_step(const struct step *step, struct rehearsal *out)
{
	snprintf(out->step, sizeof(out->step), "%s", step->id);
	out->where = place_of(step);
}

static int take(struct run *run, struct rehearsal *out, struct err *e)
{
	struct kernel *k = run->kernel;

	if (k->encode(k, run->secrets, &run->plan, e))
		return -1;
	for (size_t i = 0, next; i < run->plan.count; i = next) {
		if (k->send(k, &run->plan, i, &next, e)) {
			blame_step(&run->plan.steps[k->refused], out);
			return -1;
		}
		out->taken += next - i;
	}
	k->finish(k);
	return 0;
}

static int look(struct run *run, struct err *e)
{
	if (run_observe(run, &run->have, e))
		return -1;
	strcpy(run->have.mesh, run->mesh);
	state_claim(&run->have, run->mesh, run->want, run->scope.devices,
		    run->scope.device_count, false);
	return plan_diff(run->arena, run->want, &run->have, NULL,
			 &run->options, &run->plan, e);
}

static int read_back(struct run *run, struct rehearsal *out, struct err *e)
{
	run->options.reading_back = true;
	if (look(run, e))
		return err_wrap(e, "read back");
	if (!run->plan.count)
		return 0;
	blame_step(&run->plan.steps[0], out);
	return err_set(e, ERR_FAILED, "read back, %s is not as desired",
		       out->step);
}

int rehearse(struct run *run, struct rehearsal *out, struct err *e)
{
	const struct kern_options options = {
		.helper_folder = run->helper_folder, .lock = -1,
	};
	struct state *want = arena_copy(run->arena, run->want, sizeof(*want));
	struct err none = { 0 };

	*out = (struct rehearsal){ 0 };
	if (fresh_enter(e))
		return -1;
	privilege_hand_on();
	if (kern_open(run->arena, &options, &run->kernel, e))
		return -1;
	(void)fresh_links(run->arena, NULL, 0);
	take_devices(run->arena, want, out);
	take_routes(run->arena, want, out);
	run->want = want;
	run->options = (struct plan_options){
		.now = run->options.now, .outside = true,
	};
	if (run_observe(run, &run->have, e))
		return -1;
	take_sysctls(run->arena, want, &run->have, out);
	if (look(run, e))
		return -1;
	if (kern_has_wireguard(run->kernel, &none))
		stand_in(run, out);
	out->steps = run->plan.count;
	return take(run, out, e) || (!out->stand_in && read_back(run, out, e)) ?
		-1 : 0;
}
