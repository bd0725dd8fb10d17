/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/kill.h"

#include <check.h>

sigjmp_buf kill_jump;
static size_t kill_sent;
static int (*model_send)(struct kernel *k, const struct plan *plan,
			 size_t at, size_t *next, struct err *e);

static int send_and_die(struct kernel *k, const struct plan *plan, size_t at,
			size_t *next, struct err *failed)
{
	struct model *m = host.model;

	if (m->sent >= kill_sent) {
		/* Half of it was done. */
		(void)model_step(m, &plan->steps[at], true);
		siglongjmp(kill_jump, 1);
	}
	return model_send(k, plan, at, next, failed);
}

void kill_at(size_t sent)
{
	struct kernel *kernel = &host.model->kernel;

	kill_sent = sent;
	if (kernel->send == send_and_die)
		return;
	model_send = kernel->send;
	kernel->send = send_and_die;
}

void kill_over(void)
{
	host.model->kernel.send = model_send;
	host_die();
}

void kill_apply(struct run *run, size_t at)
{
	struct apply_result result;

	kill_at(host.model->sent + at);
	if (!sigsetjmp(kill_jump, 1)) {
		(void)!apply_plan(run, &result, &host.e);
		ck_abort_msg("it was not killed");
	}
	kill_over();
}
