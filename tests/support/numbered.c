/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/numbered.h"

#include <check.h>

#include "state/text.h"

struct wanted numbered_wanted(unsigned int number)
{
	return (struct wanted){
		.name = "numbered", .key = 1,
		.wireguard = arena_printf(host.arena,
			"#@ mesh office\n#@ interface wg0\n"
			"#@ private-key-file wg0.key\n"
			"[Interface]\nAddress = 10.0.0.1/24\nMTU = 1420\n"
			"ListenPort = %u\nTable = off\n"
			"#@ preshared-key-file psk\n"
			"[Peer]\nPublicKey = " PEER("B") "\n"
			"AllowedIPs = 10.0.0.2/32\n", 1000 + number),
		.network = "route replace 10.3.0.0/16 dev wg0 proto 77\n",
	};
}

void numbered_start(struct run *run, const struct wanted *wanted)
{
	struct texts texts;

	host_start(run);
	host_plan(run, wanted);
	run->about.source = wanted->name;
	texts = (struct texts){
		.wireguard.text = str_of(wanted->wireguard),
		.network.text = str_of(wanted->network),
	};
	generation_digest(&texts, run->about.digest);
}

uint64_t numbered_settle(unsigned int number)
{
	const struct wanted wanted = numbered_wanted(number);
	struct apply_result result;
	struct run run;
	uint64_t made;

	numbered_start(&run, &wanted);
	ck_assert_msg(!apply_plan(&run, &result, &host.e), "%s", host.e.text);
	made = run.about.number;
	host_finish();
	return made;
}

void numbered_mark(uint64_t number, enum generation_state state)
{
	struct run run;

	host_start(&run);
	ck_assert_msg(!generation_mark(run.store, number, state, &host.e),
		      "%s", host.e.text);
	host_finish();
}
