/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wireguard.conf from a device, and the three texts from a state. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "state/firewall.h"
#include "state/text.h"
#include "state/state.h"
#include "state/value.h"

static void write_prefixes(struct sbuf *out, const char *word,
			   const struct prefix *prefixes, size_t count)
{
	char text[PREFIX_TEXT_MAX];

	if (!count)
		return;
	sbuf_printf(out, "%s = ", word);
	for (size_t i = 0; i < count; i++) {
		if (i)
			sbuf_puts(out, ", ");
		sbuf_puts(out, prefix_format(&prefixes[i], text));
	}
	sbuf_putc(out, '\n');
}

static void write_interface(struct sbuf *out, const struct state *state,
			    const struct device *d)
{
	if (state->mesh[0])
		sbuf_printf(out, "#@ mesh %s\n", state->mesh);
	sbuf_printf(out, "#@ interface %s\n", d->name);
	if (d->private_key_file)
		sbuf_printf(out, "#@ private-key-file %s\n",
			    d->private_key_file);
	if (d->vrf[0])
		sbuf_printf(out, "#@ vrf %s\n", d->vrf);
	for (size_t i = 0; i < state->sysctl_count; i++)
		sbuf_printf(out, "#@ sysctl %s = %s\n", state->sysctls[i].key,
			    state->sysctls[i].value);
	sbuf_puts(out, "[Interface]\n");
	write_prefixes(out, "Address", d->addresses, d->address_count);
	if (d->has & DEVICE_LISTEN_PORT && d->listen_port)
		sbuf_printf(out, "ListenPort = %u\n",
			    (unsigned int)d->listen_port);
	if (d->automatic & DEVICE_FWMARK)
		sbuf_puts(out, "FwMark = auto\n");
	else if (d->fwmark)
		sbuf_printf(out, "FwMark = %u\n", (unsigned int)d->fwmark);
	if (d->automatic & DEVICE_MTU || !d->mtu)
		sbuf_puts(out, "MTU = auto\n");
	else
		sbuf_printf(out, "MTU = %u\n", (unsigned int)d->mtu);
	sbuf_puts(out, "Table = off\n");
}

static void write_endpoint(struct sbuf *out, const struct peer *p)
{
	char text[ENDPOINT_TEXT_MAX];
	/* A name with a colon in it is an address with a zone. */
	bool brackets = p->endpoint_host && strchr(p->endpoint_host, ':');

	if (p->endpoint_host)
		sbuf_printf(out, "Endpoint = %s%s%s:%u\n",
			    brackets ? "[" : "", p->endpoint_host,
			    brackets ? "]" : "",
			    (unsigned int)p->endpoint_port);
	else if (p->endpoint.ip.family)
		sbuf_printf(out, "Endpoint = %s\n",
			    endpoint_format(&p->endpoint, text));
}

static void write_peer(struct sbuf *out, const struct peer *p)
{
	char key[KEY_TEXT_MAX];

	sbuf_putc(out, '\n');
	if (p->name)
		sbuf_printf(out, "#@ name %s\n", p->name);
	if (p->endpoint_policy != ENDPOINT_ROAM)
		sbuf_printf(out, "#@ endpoint %s\n",
			    endpoint_policy_words[p->endpoint_policy]);
	if (p->preshared_key_file)
		sbuf_printf(out, "#@ preshared-key-file %s\n",
			    p->preshared_key_file);
	sbuf_printf(out, "[Peer]\nPublicKey = %s\n",
		    key_format(&p->public_key, key));
	write_prefixes(out, "AllowedIPs", p->allowed_ips, p->allowed_ip_count);
	write_endpoint(out, p);
	if (p->keepalive)
		sbuf_printf(out, "PersistentKeepalive = %u\n",
			    (unsigned int)p->keepalive);
}

static struct str write_wireguard(struct arena *arena,
				  const struct state *state)
{
	const struct device *d = state->devices;
	struct sbuf out;

	if (!state->device_count)
		return (struct str){ 0 };
	sbuf_init(&out, arena);
	write_interface(&out, state, d);
	for (size_t i = 0; i < d->peer_count; i++)
		write_peer(&out, &d->peers[i]);
	return sbuf_end(&out);
}

static struct str write_network(struct arena *arena, const struct state *state)
{
	struct sbuf out;

	sbuf_init(&out, arena);
	for (size_t i = 0; i < state->route_count; i++) {
		if (state->routes[i].opaque)
			continue;
		sbuf_puts(&out, "route replace ");
		route_write(&out, &state->routes[i]);
		sbuf_putc(&out, '\n');
	}
	for (size_t i = 0; i < state->rule_count; i++) {
		const struct rule *rule = &state->rules[i];

		if (rule->opaque)
			continue;
		sbuf_puts(&out, rule->family == AF_INET6 ? "-6 rule add "
							 : "rule add ");
		rule_write(&out, rule);
		sbuf_putc(&out, '\n');
	}
	return out.size ? sbuf_end(&out) : (struct str){ 0 };
}

void texts_write(struct arena *arena, const struct state *state,
		 struct texts *out)
{
	*out = (struct texts){
		.wireguard = { .name = TEXT_WIREGUARD,
			       .text = write_wireguard(arena, state) },
		.network = { .name = TEXT_NETWORK,
			     .text = write_network(arena, state) },
		.firewall = { .name = TEXT_FIREWALL },
	};
	if (state->firewall)
		out->firewall.text = state->firewall->text;
}
