/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wireguard.conf: what is read, and each way to refuse it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/texts.h"
#include "base/arena.h"
#include "state/value.h"

#define A_KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define B_KEY "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
#define PEER "[Peer]\nPublicKey = " A_KEY "\n"
#define FACE "[Interface]\n"
#define W "wireguard.conf:"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new((uint64_t)4 << 30);
}

static void teardown(void)
{
	arena_freep(&arena);
}

static const char *complain(const char *text, struct state *out)
{
	struct texts texts = texts_of(text, NULL, NULL);

	return texts_complain(arena, &texts, out);
}

static const struct {
	const char *text, *lines;
} refused[] = {
	{ "", W "1:1: the file is empty\n" },
	{ "# nothing\n", W "1:1: there is no [Interface]\n" },
	{ PEER, W "1:1: there is no [Interface]\n" },
	{ "MTU = 1420\n" FACE, W "1:1: a key stands before the first "
	  "section\n" },
	{ FACE "MTU\n", W "2:1: this line is neither [SECTION] nor KEY = "
	  "VALUE\n" },
	{ FACE "= 5\n", W "2:1: this line is neither [SECTION] nor KEY = "
	  "VALUE\n" },
	{ FACE "[Peer\n", W "2:1: this line is neither [SECTION] nor KEY = "
	  "VALUE\n" },
	{ FACE "[Peers]\nanything = x\n#@ name x\n",
	  W "2:2: 'Peers' is no section that is known | did you mean "
	  "'Peer'?\n" },
	{ FACE "\n" FACE "MTU = x\n", W "3:2: [Interface] is given twice "
	  "(1:2)\n" },
	/* keys */
	{ FACE "MUT = 1420\n", W "2:1: 'MUT' is no key that is known | did "
	  "you mean 'MTU'?\n" },
	{ FACE "nonsense = 1\n", W "2:1: 'nonsense' is no key that is "
	  "known\n" },
	{ FACE "PublicKey = x\n", W "2:1: PublicKey belongs to a [Peer]\n" },
	{ FACE PEER "MTU = 1420\n", W "4:1: MTU belongs to [Interface]\n" },
	{ FACE "MTU = 1420\n\nmtu = 1421\n", W "4:1: MTU is given twice "
	  "(2:1)\n" },
	{ FACE "PrivateKey = " A_KEY "\n",
	  W "2:1: PrivateKey does not belong into this file [hidden] | the "
	  "private key stays in a file of its own, named by "
	  "'#@ private-key-file NAME'\n" },
	{ FACE PEER "preshared key=" A_KEY "\n",
	  W "4:1: PresharedKey does not belong into this file [hidden] | a "
	  "preshared key stays in a file of its own, named by "
	  "'#@ preshared-key-file NAME'\n" },
	{ FACE "PostUp = iptables\n",
	  W "2:1: PostUp does not belong into this file | no command is run: "
	  "routes and rules are lines of network.batch, packet filtering is "
	  "firewall.nft\n" },
	{ FACE "DNS = 1.1.1.1\n", W "2:1: DNS does not belong into this file "
	  "| name servers are not set by a mesh\n" },
	{ FACE "SaveConfig = true\n", W "2:1: SaveConfig does not belong into "
	  "this file | this file is read, never written\n" },
	/* a key under a wrong word, or with no word, is not repeated */
	{ FACE A_KEY "\n", W "2:1: this is no key that is known [hidden]\n" },
	{ FACE "Address = " A_KEY "\n",
	  W "2:11: this is not an IP address [hidden]\n" },
	{ FACE "# PrivateKey above\nMTU = x # PrivateKey\n",
	  W "3:7: the MTU is 'x', not a number from 68 to 65535 [hidden]\n" },
	/* numbers */
	{ FACE "ListenPort = 70000\n", W "2:14: the port is 70000, more than "
	  "65535\n" },
	{ FACE "ListenPort = http\n", W "2:14: the port is 'http', not a "
	  "number from 0 to 65535\n" },
	{ FACE "ListenPort = -1\n", W "2:14: the port is '-1', not a number "
	  "from 0 to 65535\n" },
	{ FACE "ListenPort =\n", W "2:13: the port is an empty value, not a "
	  "number from 0 to 65535\n" },
	{ FACE "ListenPort = 99999999999999999999\n",
	  W "2:14: the port is 99999999999999999999, more than 65535\n" },
	{ FACE "MTU = 67\n", W "2:7: the MTU is 67, less than 68\n" },
	{ FACE "MTU = 65536\n", W "2:7: the MTU is 65536, more than 65535\n" },
	{ FACE "FwMark = 0x100000000\n",
	  W "2:10: '0x100000000' is no mark: 'off', or a number of at most 32 "
	  "bits, decimal or after 0x\n" },
	{ FACE "FwMark = on\n",
	  W "2:10: 'on' is no mark: 'off', or a number of at most 32 bits, "
	  "decimal or after 0x\n" },
	{ FACE "Table = auto\n", W "2:9: Table is 'auto', and can only be "
	  "'off' here | routes are lines of network.batch\n" },
	{ FACE PEER "PersistentKeepalive = 65536\n",
	  W "4:23: the keepalive is 65536, more than 65535\n" },
	{ FACE PEER "PersistentKeepalive = on\n",
	  W "4:23: the keepalive is 'on', not a number from 0 to 65535\n" },
	/* addresses */
	{ FACE "Address = 10.0.0.1/33\n",
	  W "2:11: the prefix length of '10.0.0.1/33' is not a number from 0 "
	  "to 32 | a netmask is not taken: 255.255.255.0 is /24\n" },
	{ FACE "Address = fd00::1/129\n",
	  W "2:11: the prefix length of 'fd00::1/129' is not a number from 0 "
	  "to 128\n" },
	{ FACE "Address = 10.0.0.1/255.255.255.0\n",
	  W "2:11: the prefix length of '10.0.0.1/255.255.255.0' is not a "
	  "number from 0 to 32 | a netmask is not taken: 255.255.255.0 is "
	  "/24\n" },
	{ FACE "Address = 10.0.1, 010.0.0.1,10.0.0.256\n",
	  W "2:11: '10.0.1' is not an IP address | an IPv4 address is four "
	  "decimal numbers up to 255, with dots and without leading zeros\n"
	  W "2:19: '010.0.0.1' is not an IP address | an IPv4 address is four "
	  "decimal numbers up to 255, with dots and without leading zeros\n"
	  W "2:29: '10.0.0.256' is not an IP address | an IPv4 address is "
	  "four decimal numbers up to 255, with dots and without leading "
	  "zeros\n" },
	{ FACE "Address = host.example\n",
	  W "2:11: 'host.example' is not an IP address\n" },
	{ FACE "Address = 10.0.0.1/24\nAddress = fd00::1, 10.0.0.1/24\n",
	  W "3:20: this address is given twice (2:11)\n" },
	{ FACE "Address = fd00::1/64, fd00::1/128\n",
	  W "2:23: this address is given twice (2:11)\n" },
	{ FACE "MTU = 1279\nAddress = 10.0.0.1, fd00::1\n",
	  W "2:7: the MTU is 1279, and IPv6 wants 1280 or more (3:21)\n" },
	/* peers */
	{ "[Peer]\n" FACE "#@ mesh a/b\n",
	  W "1:2: this [Peer] has no PublicKey\n"
	  W "3:9: 'a/b' is not a mesh's name\n" },
	{ FACE "[Peer]\n\n" PEER, W "2:2: this [Peer] has no PublicKey\n" },
	{ FACE "[Peer]\nPublicKey = " A_KEY "A\n",
	  W "3:13: PublicKey is not a key: 44 characters of base64 are wanted "
	  "[hidden]\n" },
	{ FACE "[Peer]\nPublicKey = \n",
	  W "3:12: PublicKey is not a key: 44 characters of base64 are wanted "
	  "[hidden]\n" },
	{ FACE PEER "\n" PEER, W "6:13: this peer is given twice (3:13)\n" },
	{ FACE PEER "AllowedIPs = 10.0.0.0/8\n[Peer]\nPublicKey = " B_KEY
	  "\nAllowedIPs = 10.0.0.1/8\n",
	  W "7:14: the allowed IP 10.0.0.0/8 is given to two peers (4:14)\n" },
	{ FACE PEER "AllowedIPs = 10.0.0.0/8,\n",
	  W "4:24: nothing follows this comma\n" },
	{ FACE PEER "AllowedIPs = 10.0.0.0/8,,::/0\n",
	  W "4:25: an empty value is not an IP address\n" },
	{ FACE PEER "AllowedIPs = +10.0.0.0/8\n",
	  W "4:14: '+10.0.0.0/8' is not an IP address | a list says what "
	  "there is; it adds and takes nothing away\n" },
	/* endpoints */
	{ FACE PEER "Endpoint = 192.0.2.1\n",
	  W "4:12: the endpoint '192.0.2.1' has no port | it is written "
	  "ADDRESS:PORT\n" },
	{ FACE PEER "Endpoint = [2001:db8::1]\n",
	  W "4:12: the endpoint '[2001:db8::1]' has no port | it is written "
	  "ADDRESS:PORT\n" },
	{ FACE PEER "Endpoint = 192.0.2.1:0\n",
	  W "4:12: the port of the endpoint '192.0.2.1:0' is not a number "
	  "from 1 to 65535\n" },
	{ FACE PEER "Endpoint = a.example:wg\n",
	  W "4:12: the port of the endpoint 'a.example:wg' is not a number "
	  "from 1 to 65535\n" },
	{ FACE PEER "Endpoint = 2001:db8::1:51820\n",
	  W "4:12: the endpoint '2001:db8::1:51820' is not ADDRESS:PORT | an "
	  "IPv6 address stands in brackets: [2001:db8::1]:51820\n" },
	{ FACE PEER "Endpoint = [2001:db8::g]:51820\n",
	  W "4:12: the endpoint '[2001:db8::g]:51820' has no IPv6 address "
	  "between its brackets\n" },
	{ FACE PEER "Endpoint = [2001:db8::1%eth0]:51820\n",
	  W "4:12: the endpoint '[2001:db8::1%eth0]:51820' has no IPv6 "
	  "address between its brackets\n" },
	{ FACE PEER "Endpoint = []:51820\n",
	  W "4:12: the endpoint '[]:51820' has no IPv6 address between its "
	  "brackets\n" },
	{ FACE PEER "Endpoint = :51820\n",
	  W "4:12: the endpoint ':51820' has neither an address nor a name "
	  "before its port\n" },
	{ FACE PEER "Endpoint = -a.example:1\n",
	  W "4:12: the endpoint '-a.example:1' has neither an address nor a "
	  "name before its port\n" },
	{ FACE PEER "Endpoint = a..b:1\n",
	  W "4:12: the endpoint 'a..b:1' has neither an address nor a name "
	  "before its port\n" },
	{ FACE PEER "Endpoint = a\x1b[31m:1\n",
	  W "4:12: the endpoint 'a\\x1b[31m:1' has neither an address nor a "
	  "name before its port\n" },
	{ FACE PEER "Endpoint = 10.1:51820\n",
	  W "4:12: the endpoint '10.1:51820' does not have an IP address as "
	  "it is written in full | an IPv4 address is four decimal numbers up "
	  "to 255, with dots and without leading zeros\n" },
	{ FACE PEER "Endpoint = 192.0.2.0x1:51820\n",
	  W "4:12: the endpoint '192.0.2.0x1:51820' does not have an IP "
	  "address as it is written in full | an IPv4 address is four decimal "
	  "numbers up to 255, with dots and without leading zeros\n" },
	/* directives */
	{ "#@ name x\n\n# end\n", W "1:1: there is no [Interface]\n"
	  W "1:4: #@ name stands in no section\n" },
	{ FACE "#@ mash office\n", W "2:4: 'mash' is no directive that is "
	  "known | did you mean 'mesh'?\n" },
	{ FACE "#@\n", W "2:3: an empty value is no directive that is "
	  "known\n" },
	{ FACE "#@ mesh\n", W "2:4: #@ mesh wants a value\n" },
	{ FACE "#@ mesh a/b\n", W "2:9: 'a/b' is not a mesh's name\n" },
	{ FACE "#@ mesh ..\n", W "2:9: '..' is not a mesh's name\n" },
	{ FACE "#@ interface 0123456789abcdef\n",
	  W "2:14: '0123456789abcdef' is not a device's name\n" },
	{ FACE "#@ interface -a\n", W "2:14: '-a' is not a device's name\n" },
	{ FACE "#@ private-key-file ../k\n",
	  W "2:21: '../k' is not the bare name of a file\n" },
	{ FACE "#@ private-key-file ..\n",
	  W "2:21: '..' is not the bare name of a file\n" },
	{ FACE "#@ private-key-file a b\n",
	  W "2:21: 'a b' is not the bare name of a file\n" },
	{ FACE "\n#@ preshared-key-file -x\n" PEER,
	  W "3:23: '-x' is not the bare name of a file\n" },
	{ FACE "\n#@ name \xff\n" PEER,
	  W "3:9: '\\xff' is not a name: at most 255 bytes of UTF-8 without "
	  "control characters\n" },
	{ FACE "\n#@ endpoint fixed\n" PEER,
	  W "3:13: 'fixed' is no policy for an endpoint: there are 'roam', "
	  "'static', 'hint' and 'dns'\n" },
	{ FACE "#@ vrf a b\n", W "2:8: 'a b' is not a device's name\n" },
	{ FACE "#@ vrf blue\n#@ vrf red\n",
	  W "3:4: #@ vrf is given twice (2:4)\n" },
	{ FACE "#@ mesh a\n#@ mesh b\n",
	  W "3:4: #@ mesh is given twice (2:4)\n" },
	{ FACE "#@ sysctl net.ipv4.ip_forward = 1\n" PEER,
	  W "2:4: #@ sysctl belongs to [Interface], not to a [Peer] | a "
	  "directive directly above a header belongs to that section; an "
	  "empty line between them parts it\n" },
	{ FACE "#@ name x\nMTU = 1420\n",
	  W "2:4: #@ name belongs to a [Peer], not to [Interface] | a "
	  "directive directly above a header belongs to that section; an "
	  "empty line between them parts it\n" },
	{ FACE "#@ sysctl net.ipv4.ip_forward\n",
	  W "2:11: a sysctl is written KEY = VALUE\n" },
	{ FACE "#@ sysctl kernel.panic = 1\n",
	  W "2:11: the sysctl 'kernel.panic' is none that a mesh may ask for "
	  "| meshapply-files(5) lists them\n" },
	{ FACE "#@ sysctl net.ipv4.ip_forward = yes\n",
	  W "2:33: 'yes' is not an integer\n" },
	{ FACE "#@ sysctl net.ipv4.ip_forward = 1\n"
	  "#@ sysctl net.ipv4.ip_forward = 0\n",
	  W "3:11: this sysctl is given twice (2:11)\n" },
	/* Two names of one variable. */
	{ FACE "#@ sysctl net.ipv4.ip_forward = 1\n"
	  "#@ sysctl net.ipv4.conf.all.forwarding = 0\n",
	  W "3:11: this sysctl is given twice (2:11)\n" },
};

START_TEST(test_refused)
{
	struct state state;

	ck_assert_str_eq(complain(refused[_i].text, &state),
			 refused[_i].lines);
}
END_TEST

static const struct state *taken(const char *text)
{
	struct state *state = arena_new_object(arena, struct state);

	ck_assert_str_eq(complain(text, state), "");
	ck_assert_uint_eq(state->device_count, 1);
	return state;
}

static void assert_prefix(const struct prefix *prefix, const char *text)
{
	char shown[PREFIX_TEXT_MAX];

	ck_assert_str_eq(prefix_format(prefix, shown), text);
}

START_TEST(test_everything)
{
	const struct state *s = taken(
		"\xef\xbb\xbf#@ mesh ignored\n#@ private-key-file k\n"
		"#@ sysctl net.ipv4.ip_forward = 01\n\n"
		"  [ InterFace ] # a comment\r\n"
		"address = 10.0.0.1/24,fd00::1/64  10.0.0.9\r\n"
		"Address=192.0.2.7/32 # another\r\n"
		"LISTENPORT = 5 18 20\n FwMark = 0xca6c\nMTU=1300\n"
		"Table = off\n"
		"#@ sysctl net.ipv6.conf.eth0/7.accept_ra = 2\n\n"
		"#@ name Müller\n# between\n#@ preshared-key-file psk-1\n"
		"#@ endpoint static\n[Peer]\n\tPublicKey\t=\t" B_KEY "\n"
		"AllowedIPs = 10.9.0.1/16, 10.9.0.0/16\n"
		"AllowedIPs =\nAllowedIPs = ::1, 10.1.0.0 / 16\n"
		"Endpoint = [2001:db8::1]:51820\nPersistentKeepalive = 25\n"
		"#@ endpoint roam\n"
		"[Peer]\nPublicKey = " A_KEY "\nEndpoint = a_b.example:7\n"
		"PersistentKeepalive = off");
	const struct device *d = s->devices;
	const struct peer *a = &d->peers[0], *b = &d->peers[1];

	ck_assert_str_eq(s->mesh, "office");
	ck_assert_str_eq(d->name, "wg0");
	ck_assert_str_eq(d->private_key_file, "k");
	ck_assert_uint_eq(d->has, DEVICE_PRIVATE_KEY | DEVICE_LISTEN_PORT |
			  DEVICE_FWMARK | DEVICE_MTU | DEVICE_UP |
			  DEVICE_ALIAS | DEVICE_GROUP | DEVICE_VRF);
	ck_assert_uint_eq(d->automatic, 0);
	ck_assert_uint_eq(d->listen_port, 51820);
	ck_assert_uint_eq(d->fwmark, 51820);
	ck_assert_uint_eq(d->mtu, 1300);
	ck_assert_uint_eq(d->address_count, 4);
	assert_prefix(&d->addresses[0], "10.0.0.1/24");
	assert_prefix(&d->addresses[1], "fd00::1/64");
	assert_prefix(&d->addresses[2], "10.0.0.9/32");
	assert_prefix(&d->addresses[3], "192.0.2.7/32");
	ck_assert_uint_eq(s->sysctl_count, 2);
	ck_assert_str_eq(s->sysctls[0].key, "net.ipv4.ip_forward");
	ck_assert_str_eq(s->sysctls[0].value, "1");
	ck_assert_str_eq(s->sysctls[1].value, "2");
	ck_assert_uint_eq(d->peer_count, 2);
	ck_assert_ptr_null(a->name);
	ck_assert(!a->endpoint_policy && b->endpoint_policy == ENDPOINT_STATIC);
	ck_assert_uint_eq(a->endpoint.ip.family, 0);
	ck_assert_str_eq(a->endpoint_host, "a_b.example");
	ck_assert_uint_eq(a->endpoint_port, 7);
	ck_assert_uint_eq(a->keepalive, 0);
	ck_assert_uint_eq(a->allowed_ip_count, 0);
	ck_assert_str_eq(b->name, "Müller");
	ck_assert_str_eq(b->preshared_key_file, "psk-1");
	ck_assert_uint_eq(b->keepalive, 25);
	ck_assert_uint_eq(b->endpoint.port, 51820);
	ck_assert_ptr_null(b->endpoint_host);
	ck_assert_uint_eq(b->allowed_ip_count, 3);
	assert_prefix(&b->allowed_ips[0], "10.1.0.0/16");
	assert_prefix(&b->allowed_ips[1], "10.9.0.0/16");
	assert_prefix(&b->allowed_ips[2], "::1/128");
}
END_TEST

START_TEST(test_least)
{
	const struct state *s = taken("[Interface]");
	const struct device *d = s->devices;

	ck_assert_uint_eq(d->has, DEVICE_FWMARK | DEVICE_MTU | DEVICE_UP |
			  DEVICE_ALIAS | DEVICE_GROUP | DEVICE_VRF);
	ck_assert_uint_eq(d->automatic, DEVICE_MTU);
	ck_assert_uint_eq(d->fwmark, 0);
	d = taken(FACE "MTU = AUTO\nFwMark=auto\nListenPort = 0\n")->devices;
	ck_assert_uint_eq(d->automatic, DEVICE_MTU | DEVICE_FWMARK);
	ck_assert(!(d->has & DEVICE_LISTEN_PORT));
	/* the same IPv4 address with two lengths is what the kernel takes */
	taken(FACE "Address = 10.0.0.1/24, 10.0.0.1/32\n");
	/* a prefix twice under one peer is said once */
	taken(FACE "MTU = 1280\nAddress = ::2\n" PEER
	       "AllowedIPs = 10.0.0.1/8, 10.0.0.2/8\n");
	d = taken(FACE PEER "Endpoint = [fe80::1%eth0.7]:9\n")->devices;
	ck_assert_str_eq(d->peers[0].endpoint_host, "fe80::1%eth0.7");
}
END_TEST

START_TEST(test_names)
{
	static const char text[] =
		"#@ mesh office\n#@ interface wg7\n" FACE "#@ name x\n" PEER;
	struct texts texts = texts_of(text, NULL, NULL);
	struct state s = { 0 };
	struct diags diags;

	diags_init(&diags, arena);
	ck_assert_int_eq(texts_read(arena, &texts, NULL, NULL, &s, &diags), 0);
	ck_assert_str_eq(s.mesh, "office");
	ck_assert_str_eq(s.devices->name, "wg7");
	ck_assert_int_eq(texts_read(arena, &texts, "b", "c", &s, &diags), 0);
	ck_assert_str_eq(s.mesh, "b");
	ck_assert_str_eq(s.devices->name, "c");
	ck_assert_int_eq(texts_read(arena, &texts, "a/b", "..", &s, &diags),
			 -1);
	ck_assert_str_eq(diags_lines(arena, &diags),
			 "'..' cannot be the name of a device\n"
			 "'a/b' cannot be the name of a mesh\n");
	texts = texts_of(FACE, NULL, NULL);
	diags_init(&diags, arena);
	ck_assert_int_eq(texts_read(arena, &texts, NULL, NULL, &s, &diags),
			 -1);
	ck_assert_str_eq(
		diags_lines(arena, &diags),
		W "1:1: no device is named | a line '#@ interface NAME' "
		"above [Interface] does\n"
		W "1:1: no mesh is named | a line '#@ mesh NAME' above "
		"[Interface] does\n");
	/* a failed read leaves its output alone */
	ck_assert_str_eq(s.mesh, "b");
	ck_assert(!mesh_name_valid(str_of("")));
	ck_assert(!mesh_name_valid((struct str){ "a\0b", 3 }));
	ck_assert(mesh_name_valid(str_of("a_=+.-Z9")));
	ck_assert(mesh_name_valid(str_of("sysctls2")));
	ck_assert(!mesh_name_valid(str_of("sysctls")));
	ck_assert(!mesh_name_valid(str_of(".a")));
	ck_assert(device_name_valid(str_of(".a")));
	ck_assert(device_name_valid(str_of("lo0")));
	ck_assert(!device_name_valid(str_of("lo")));
	ck_assert(!device_name_valid(str_of("all")));
	ck_assert(!device_name_valid(str_of("default")));
	ck_assert(!link_name_valid(str_of("a b")));
	ck_assert(!link_name_valid(str_of("a/b")));
	ck_assert(!link_name_valid(str_of("a'b")));
	ck_assert(link_name_valid(str_of("eth0.100@x")));
}
END_TEST

START_TEST(test_nul)
{
	static const char text[] = FACE "Address = 10.0.0.1\n\0\n";
	struct texts texts = texts_of(FACE, NULL, NULL);
	struct state state;

	texts.wireguard.text = (struct str){ text, sizeof(text) - 1 };
	ck_assert_str_eq(texts_complain(arena, &texts, &state),
			 W "3:1: a NUL byte: this is no text [hidden]\n");
	texts.wireguard.text.size = (size_t)TEXT_LIMIT + 1;
	ck_assert_str_eq(texts_complain(arena, &texts, &state),
			 W "1:1: the file has more than 64 MiB\n");
}
END_TEST

START_TEST(test_sysctls)
{
	static const char *const good[] = {
		"net.ipv4.ip_forward", "net.ipv4.conf.all.src_valid_mark",
		"net.ipv4.conf.default.rp_filter",
		"net.ipv4.conf.wg0.forwarding",
		"net.ipv4.conf.eth0/100.accept_redirects",
		"net.ipv4.conf.br-lan.send_redirects",
		"net.ipv6.conf.all.forwarding",
		"net.ipv6.conf.eth0.accept_ra",
	};
	static const char *const bad[] = {
		"", "net.ipv4.ip_forwards", "net.ipv4.conf.all",
		"net.ipv4.conf.all.", "net.ipv4.conf..rp_filter",
		"net.ipv4.conf.rp_filter", "net.ipv4.conf.all.arp_filter",
		"net.ipv4.conf.//.rp_filter", "net.ipv4.conf./.rp_filter",
		"net.ipv4.conf.a.b.rp_filter", "net.ipv4.conf.",
		"net.ipv4.conf.a b.rp_filter",
		"net.ipv4.conf.0123456789abcdef.rp_filter",
		"net.ipv6.conf.all.rp_filter", "kernel.core_pattern",
		"net/ipv4/ip_forward",
	};

	for (size_t i = 0; i < array_size(good); i++)
		ck_assert_msg(sysctl_allowed(str_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(!sysctl_allowed(str_of(bad[i])), "%s", bad[i]);
}
END_TEST

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* COUNT prefixes in one line: good ones, or each wrong. */
static const char *long_line(size_t count, const char *between)
{
	struct sbuf text;

	sbuf_init(&text, arena);
	sbuf_puts(&text, FACE PEER "AllowedIPs = 10.0.0.0/32");
	for (size_t i = 1; i < count; i++)
		sbuf_printf(&text, "%s10.%zu.%zu.%zu/32", between,
			    i >> 16 & 255, i >> 8 & 255, i & 255);
	sbuf_putc(&text, '\n');
	return text.data;
}

static double time_of(const char *text, const char *begin)
{
	double start = seconds();
	struct state state;

	ck_assert_int_eq(strncmp(complain(text, &state), begin,
				 strlen(begin)), 0);
	return seconds() - start;
}

/* A line of 10 MB takes not much more than ten times one of 1 MB. */
START_TEST(test_long_lines)
{
	double small = time_of(long_line(60000, ", "), "");
	double large = time_of(long_line(600000, ", "), "");

	ck_assert_msg(large < 40 * small + 1, "%f %f", small, large);
	small = time_of(long_line(60000, ", x"), W "4:27:");
	large = time_of(long_line(600000, ", x"), W "4:27:");
	ck_assert_msg(large < 40 * small + 1, "%f %f", small, large);
	time_of(long_line(600000, "          "), W "4:14:");
}
END_TEST

START_TEST(test_many_peers)
{
	struct key key = { { 1 } };
	char shown[KEY_TEXT_MAX];
	struct state state;
	struct sbuf text;

	sbuf_init(&text, arena);
	sbuf_puts(&text, FACE);
	for (uint32_t i = 0; i < TEXT_PEERS_MAX; i++) {
		memcpy(key.bytes + 8, &i, sizeof(i));
		sbuf_printf(&text, "[Peer]\nPublicKey=%s\nAllowedIPs=",
			    key_format(&key, shown));
		for (uint32_t k = 0; k < 4; k++)
			sbuf_printf(&text, "%s10.%u.%u.%u", k ? "," : "",
				    i >> 10 & 255, i >> 2 & 255,
				    (i << 2 & 12) | k);
		sbuf_putc(&text, '\n');
	}
	ck_assert_str_eq(complain(text.data, &state), "");
	ck_assert_uint_eq(state.devices->peer_count, TEXT_PEERS_MAX);
	sbuf_puts(&text, "[Peer]\n");
	ck_assert_str_eq(complain(text.data, &state),
			 W "196610:2: this is more than 65536 peers\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state_wireguard");
	TCase *texts = tcase_create("texts");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(texts, setup, teardown);
	tcase_set_timeout(texts, 120);
	tcase_add_loop_test(texts, test_refused, 0, array_size(refused));
	tcase_add_test(texts, test_everything);
	tcase_add_test(texts, test_least);
	tcase_add_test(texts, test_names);
	tcase_add_test(texts, test_nul);
	tcase_add_test(texts, test_sysctls);
	tcase_add_test(texts, test_long_lines);
	tcase_add_test(texts, test_many_peers);
	suite_add_tcase(suite, texts);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
