/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who fights over a mesh: from files of other programs and a kernel's state. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "support/check.h"
#include "support/doctor.h"

START_TEST(healthy)
{
	expect_none();
	ck_assert(!doctor_has(&doctor.findings, FINDING_WARNING));
}
END_TEST

START_TEST(kernels)
{
	doctor.release = "5.5.19";
	expect("kernel-old", FINDING_WARNING, "5.5.19");
	doctor.release = "4.19.0-6-amd64";
	doctor.no_wireguard = "this kernel has no WireGuard";
	expect("kernel-old", FINDING_ERROR, "4.19");
	expect("no-wireguard", FINDING_ERROR, "no WireGuard");
	ck_assert(doctor_has(&doctor.findings, FINDING_ERROR));
	doctor.release = "5.6.0";
	doctor.no_wireguard = NULL;
	expect_none();
	doctor.release = "10.0";
	expect_none();
}
END_TEST

START_TEST(clocks)
{
	struct peer peer = { .last_handshake = NOW + 3 };

	doctor.now = 1000;
	expect("clock", FINDING_ERROR, "not set");
	doctor.now = NOW;
	device.peers = &peer;
	device.peer_count = 1;
	expect_none();
	peer.last_handshake = NOW + 3600;
	expect("clock", FINDING_ERROR, "set back");
	ck_assert_str_eq(found("clock")->mesh, "office");
}
END_TEST

START_TEST(networkd_takes_all)
{
	const struct finding *f;

	put_link("/etc/systemd/system/multi-user.target.wants/"
		 "systemd-networkd.service");
	expect("networkd-routes", FINDING_WARNING, "ManageForeignRoutes");
	f = expect("networkd-rules", FINDING_WARNING, "RoutingPolicyRules");
	obey(f);
	expect_none();
}
END_TEST

/* Who wants another one masks it, and the link that starts it stays. */
START_TEST(masked)
{
	const char *mask = beneath("/etc/systemd/system/"
				   "systemd-networkd.service");

	put_link("/etc/systemd/system/multi-user.target.wants/"
		 "systemd-networkd.service");
	expect("networkd-routes", FINDING_WARNING, "ManageForeignRoutes");
	ck_assert_int_eq(symlink("/dev/null", mask), 0);
	expect_none();
	unlink(mask);
	ck_assert_int_eq(symlink("/dev/nul", mask), 0);
	expect("networkd-routes", FINDING_WARNING, "ManageForeignRoutes");
	unlink(mask);
	ck_assert_int_eq(symlink("/dev/nulls", mask), 0);
	expect("networkd-routes", FINDING_WARNING, "ManageForeignRoutes");
}
END_TEST

START_TEST(networkd_by_order)
{
	activate("systemd-networkd.service");
	put("/etc/systemd/networkd.conf",
	    "[Network]\nManageForeignRoutes=no\n"
	    "ManageForeignRoutingPolicyRules=0\n");
	expect_none();
	/* A drop-in goes before the main file, whatever its folder. */
	put("/usr/lib/systemd/networkd.conf.d/50-a.conf",
	    "[Network]\nManageForeignRoutes=yes\n");
	expect("networkd-routes", FINDING_WARNING, "routes");
	ck_assert(!found("networkd-rules"));
	/* The later name, then the folder of the administrator. */
	put("/run/systemd/networkd.conf.d/60-b.conf",
	    "[Network]\nManageForeignRoutes=off\n");
	expect_none();
	put("/etc/systemd/networkd.conf.d/60-b.conf", "# nothing\n");
	expect("networkd-routes", FINDING_WARNING, "routes");
	put("/etc/systemd/networkd.conf.d/50-a.conf",
	    "[Link]\nManageForeignRoutes=yes\n");
	expect_none();
}
END_TEST

START_TEST(networkd_not_running)
{
	put("/etc/systemd/network/wg0.netdev", "[NetDev]\nName=wg0\n");
	expect_none();
	activate("systemd-networkd.service");
	doctor.daemons = false;
	expect_none();
}
END_TEST

START_TEST(networkd_link)
{
	const struct finding *f;

	activate("systemd-networkd.service");
	put("/etc/systemd/networkd.conf", "[Network]\nManageForeignRoutes=no\n"
	    "ManageForeignRoutingPolicyRules=no\n");
	put("/run/systemd/netif/links/7", "# private\nADMIN_STATE=unmanaged\n");
	expect_none();
	put("/run/systemd/netif/links/8", "ADMIN_STATE=configured\n");
	expect_none();
	put("/run/systemd/netif/links/7", "ADMIN_STATE=configured\n"
	    "NETWORK_FILE=/etc/systemd/network/any.network\n");
	f = expect("networkd-link", FINDING_ERROR, "any.network");
	ck_assert_str_eq(f->file,
			 "/etc/systemd/network/00-meshapply-wg0.network");
	ck_assert(strstr(f->content, "Unmanaged=yes") != NULL);
}
END_TEST

START_TEST(networkd_netdev)
{
	activate("systemd-networkd.service");
	put("/etc/systemd/networkd.conf", "[Network]\nManageForeignRoutes=no\n"
	    "ManageForeignRoutingPolicyRules=no\n");
	put("/etc/systemd/network/other.netdev", "[NetDev]\nName=wg01\n");
	put("/etc/systemd/network/wg0.network", "[Match]\nName=wg0\n");
	expect_none();
	put("/run/systemd/network/10-wg.netdev",
	    "[NetDev]\nName=wg0\nKind=wireguard\n");
	expect("networkd-device", FINDING_ERROR,
	       "/run/systemd/network/10-wg.netdev");
	/* Told once, and not at all where it is overruled. */
	put("/usr/lib/systemd/network/10-wg.netdev", "[NetDev]\nName=wg0\n");
	look();
	ck_assert_uint_eq(doctor.findings.count, 1);
	put("/etc/systemd/network/10-wg.netdev", "");
	expect_none();
}
END_TEST

START_TEST(manager_link)
{
	const struct finding *f;

	activate("NetworkManager.service");
	put("/run/NetworkManager/devices/7", "[device]\nmanaged=false\n");
	f = expect("networkmanager-link", FINDING_WARNING, "nothing tells");
	ck_assert_str_eq(f->commands[0], "nmcli general reload conf");
	put("/run/NetworkManager/devices/7",
	    "[device]\nmanaged=true\nnm-owned=false\n");
	f = expect("networkmanager-link", FINDING_WARNING, "nothing tells");
	put("/run/NetworkManager/devices/7",
	    "[device]\nmanaged=true\nnm-owned=true\n");
	f = expect("networkmanager-link", FINDING_ERROR, "manages wg0");
	ck_assert_str_eq(f->commands[0], "systemctl restart NetworkManager");
	obey(f);
	/* Until it has read that. */
	expect("networkmanager-link", FINDING_ERROR, "manages wg0");
	make_older("/run/NetworkManager/devices/7");
	expect_none();
	put("/run/NetworkManager/devices/7", "[device]\nnm-owned=true\n");
	expect_none();
}
END_TEST

START_TEST(manager_lists)
{
	static const struct {
		const char *list;
		bool matches;
	} cases[] = {
		{ "interface-name:wg0", true },
		{ "interface-name:=wg0", true },
		{ "interface-name:=wg*", false },
		{ "interface-name:wg*", true },
		{ "interface-name:wg1;type:wireguard", true },
		{ "type:bridge", false },
		{ "wg?", true },
		{ "*", true },
		{ "mac:66:77:88:99:00:aa", false },
		{ "*,except:interface-name:wg0", false },
		{ "except:type:ethernet;wg0", true },
		{ "", false },
	};

	activate("NetworkManager.service");
	for (size_t i = 0; i < array_size(cases); i++) {
		put("/etc/NetworkManager/conf.d/a.conf", arena_printf(
			arena, "[keyfile]\nunmanaged-devices=%s\n",
			cases[i].list));
		look();
		ck_assert_msg(!found("networkmanager-link") ==
			      cases[i].matches, "%s", cases[i].list);
	}
}
END_TEST

START_TEST(manager_sections)
{
	static const struct {
		const char *text;
		bool left;
	} cases[] = {
		{ "[device-wg]\nmatch-device=interface-name:wg0\nmanaged=0\n",
		  true },
		{ "[device]\nmanaged=false\n", true },
		{ "[device-a]\nmatch-device=type:wireguard\nmanaged=no\n"
		  "[device-b]\nmatch-device=eth0\nmanaged=1\n", true },
		{ "[device-wg]\nmatch-device=interface-name:wg0\nmanaged=1\n",
		  false },
		{ "[device-a]\nmatch-device=interface-name:wg0\n"
		  "[device-b]\nmatch-device=eth0\nmanaged=0\n", false },
		{ "[main]\nmanaged=0\n", false },
		{ "managed=0\n", false },
	};

	activate("NetworkManager.service");
	for (size_t i = 0; i < array_size(cases); i++) {
		put("/etc/NetworkManager/conf.d/a.conf", cases[i].text);
		look();
		ck_assert_msg(!found("networkmanager-link") == cases[i].left,
			      "%s", cases[i].text);
	}
}
END_TEST

START_TEST(manager_connection)
{
	activate("NetworkManager.service");
	put("/usr/lib/NetworkManager/conf.d/a.conf",
	    "[keyfile]\nunmanaged-devices=interface-name:wg0\n");
	expect_none();
	/* The administrator's own starts the list anew. */
	put("/etc/NetworkManager/NetworkManager.conf",
	    "[keyfile]\nunmanaged-devices=eth0\n");
	expect("networkmanager-link", FINDING_WARNING, "wg0");
	put("/etc/NetworkManager/conf.d/b.conf",
	    "[keyfile]\nunmanaged-devices+=interface-name:wg0\n");
	expect_none();
	/* One that cannot be activated is no harm. */
	put("/etc/NetworkManager/system-connections/x.nmconnection",
	    "[connection]\nid=x\ntype=wireguard\ninterface-name=wg0\n");
	expect_none();
	put("/etc/NetworkManager/conf.d/b.conf", "");
	expect("networkmanager-connection", FINDING_ERROR, "x.nmconnection");
	put("/etc/NetworkManager/system-connections/x.nmconnection",
	    "[connection]\ninterface-name=wg0\n[.nmmeta]\nnm-generated=true\n");
	look();
	ck_assert(!found("networkmanager-connection"));
}
END_TEST

START_TEST(ruleset)
{
	put("/etc/nftables.conf", "#!/usr/sbin/nft -f\n\n"
	    "table inet filter { } # flush ruleset\n");
	put_link("/etc/systemd/system/sysinit.target.wants/nftables.service");
	expect_none();
	put("/etc/nftables.conf", "#!/usr/sbin/nft -f\n  flush  ruleset # x\n");
	expect("nftables-flush", FINDING_WARNING, "flushes");
	put("/etc/nftables.conf", "flush ruleset; table inet x { }\n");
	expect("nftables-flush", FINDING_WARNING, "flushes");
	put("/etc/nftables.conf", "flush table inet filter\n");
	expect_none();
}
END_TEST

START_TEST(ruleset_of_several)
{
	const char *conf = "/etc/sysconfig/nftables.conf";
	const struct finding *f;

	activate("nftables.service");
	put(conf, "flush\truleset\n\ntable inet filter {\n}\ntable nat {\n}\n"
	    "table ip6 odd/name {\n}\n");
	f = expect("nftables-flush", FINDING_WARNING, conf);
	run_on(f->commands[0], conf);
	ck_assert_str_eq(text_of(conf), "table inet filter\ndelete table inet "
			 "filter\ntable ip nat\ndelete table ip nat\n\n"
			 "table inet filter {\n}\ntable nat {\n}\n"
			 "table ip6 odd/name {\n}\n");
	expect_none();
	put(conf, "flush ruleset\ninclude \"x\"\n");
	f = expect("nftables-flush", FINDING_WARNING, conf);
	run_on(f->commands[0], conf);
	expect_none();
}
END_TEST

START_TEST(ruleset_not_loaded)
{
	put("/etc/nftables.conf", "flush ruleset\n");
	expect_none();
	activate("nftables.service");
	expect("nftables-flush", FINDING_WARNING, "flushes");
	doctor.daemons = false;
	expect_none();
}
END_TEST

static void sysctl_put(const char *key, const char *value)
{
	sysctls[have.sysctl_count++] = (struct sysctl){ .key = key,
							.value = value };
	state_normalise(&have);
}

static void sysctl_set(const char *key, const char *value)
{
	for (size_t i = 0; i < have.sysctl_count; i++)
		if (!strcmp(sysctls[i].key, key))
			sysctls[i].value = value;
}

START_TEST(reverse_path)
{
	strcpy(links[0].name, "eth0");
	links[0].up = true;
	strcpy(links[1].name, "wg0");
	have.link_count = 2;
	sysctl_put("net.ipv4.conf.all.rp_filter", "0");
	sysctl_put("net.ipv4.conf.eth0.rp_filter", "1");
	expect_none();
	mesh.everything = true;
	expect("rp-filter-uplink", FINDING_ERROR, "eth0");
	sysctl_put("net.ipv4.conf.all.src_valid_mark", "1");
	expect_none();
	sysctl_put("net.ipv4.conf.wg0.rp_filter", "2");
	expect_none();
	sysctl_set("net.ipv4.conf.wg0.rp_filter", "1");
	expect("rp-filter", FINDING_WARNING, "wg0");
}
END_TEST

START_TEST(reverse_path_of_all)
{
	const struct finding *f;

	mesh.device = "wg.0";
	sysctl_put("net.ipv4.conf.all.rp_filter", "1");
	sysctl_put("net.ipv4.conf.wg/0.rp_filter", "0");
	f = expect("rp-filter", FINDING_WARNING, "wg.0");
	ck_assert(strstr(f->content, "wg/0.rp_filter = 2") != NULL);
	/* A file of its own: one finding's does not replace another's. */
	ck_assert_str_eq(f->file, "/etc/sysctl.d/90-meshapply-wg.0.conf");
	sysctl_set("net.ipv4.conf.wg/0.rp_filter", "2");
	expect_none();
}
END_TEST

START_TEST(units)
{
	put_link("/etc/systemd/system/multi-user.target.wants/"
		 "wg-quick@wg01.service");
	expect_none();
	put_link("/etc/systemd/system/multi-user.target.wants/"
		 "wg-quick@wg0.service");
	expect("unit", FINDING_WARNING, "wg-quick@wg0.service");
}
END_TEST

START_TEST(stanzas)
{
	const char *path = "/etc/network/interfaces.d/vpn";
	const struct finding *f;

	/* What ifup is not to set up by itself is no harm. */
	put("/etc/network/interfaces", "auto lo wg01\niface lo inet loopback\n"
	    "# auto wg0\niface wg0 inet static\niface wg01 inet static\n");
	expect_none();
	put(path, "auto lo\twg0 wg01\niface  wg0 inet static\n"
	    "allow-hotplug wg0\niface eth0 inet dhcp\n");
	f = expect("ifupdown", FINDING_WARNING, "interfaces.d/vpn");
	run_on(f->commands[0], path);
	ck_assert_str_eq(text_of(path), "auto lo wg01\niface  wg0 inet static\n"
			 "allow-hotplug\niface eth0 inet dhcp\n");
	expect_none();
}
END_TEST

START_TEST(ports)
{
	strcpy(links[0].name, "wg0");
	strcpy(links[1].name, "wg1");
	links[0].listen_port = links[1].listen_port = 51820;
	have.link_count = 2;
	expect("port", FINDING_WARNING, "wg1, which is down");
	links[1].up = true;
	expect("port", FINDING_ERROR, "wg1 has port 51820");
	links[1].listen_port = 51821;
	expect_none();
}
END_TEST

START_TEST(sockets)
{
	put("/proc/net/udp6",
	    "  sl  local_address                         remote\n"
	    "  12: 00000000000000000000000000000000:CA6C 0000:0000 07\n");
	expect_none();
	device.up = false;
	expect("port", FINDING_ERROR, "another program");
	mesh.port = 0xca6d;
	expect_none();
	mesh.port = 0;
	expect_none();
}
END_TEST

START_TEST(configs)
{
	put("/etc/wireguard/wg0.conf", "[Interface]\nListenPort = 51820\n");
	put("/etc/wireguard/vpn.conf", "[Interface]\nListenPort = 51820\n");
	expect_none();
	put_link("/etc/systemd/system/multi-user.target.wants/"
		 "wg-quick@vpn.service");
	expect("port", FINDING_WARNING, "/etc/wireguard/vpn.conf");
	put("/etc/wireguard/vpn.conf", "[Interface]\nListenPort = 51821\n");
	expect_none();
}
END_TEST

/* What is read ends in memory for secrets, and no finding has it. */
START_TEST(keys)
{
	char text[65536] = "[NetDev]\nName=wg0\n[WireGuard]\nPrivateKey=";
	size_t before;

	activate("systemd-networkd.service");
	look();
	memset(text + strlen(text), 'k', sizeof(text) - strlen(text) - 1);
	put("/etc/systemd/network/a.netdev", text);
	before = arena_used(arena);
	expect("networkd-device", FINDING_ERROR, "a.netdev");
	ck_assert_uint_lt(arena_used(arena) - before, sizeof(text) / 2);
	ck_assert_uint_gt(arena_used(secrets), sizeof(text));
}
END_TEST

START_TEST(names)
{
	strcpy(links[0].name, "wg0");
	strcpy(links[0].alias, "meshapply:office");
	strcpy(links[1].name, "wg9");
	strcpy(links[1].alias, "meshapply:lab");
	have.link_count = 2;
	expect_none();
	strcpy(links[1].alias, "meshapply:office");
	expect("two-devices", FINDING_WARNING, "wg9");
}
END_TEST

/* Neither waited for nor believed. */
START_TEST(rubbish)
{
	activate("systemd-networkd.service");
	activate("NetworkManager.service");
	activate("nftables.service");
	put("/etc/systemd/networkd.conf", "[Network\n=\n[Network]\n"
	    "ManageForeignRoutes\nManageForeignRoutes=\n");
	ck_assert_int_eq(mkfifo(beneath("/etc/nftables.conf"), 0644), 0);
	ck_assert_int_eq(mkdir(beneath("/run/systemd/netif/links/7/"), 0755),
			 -1);
	put("/proc/net/udp", ":\n\n: :\n");
	device.up = false;
	look();
	ck_assert(found("networkd-routes") != NULL);
	ck_assert(found("networkd-link") == NULL);
	ck_assert(found("nftables-flush") == NULL);
	ck_assert(found("port") == NULL);
}
END_TEST

START_TEST(unread)
{
	activate("systemd-networkd.service");
	put("/etc/systemd/networkd.conf", "");
	ck_assert_int_eq(chmod(beneath("/etc/systemd/networkd.conf"), 0), 0);
	if (!geteuid()) {
		puts("SKIP: what may not be read (needs not to be root)");
		return;
	}
	expect("unread", FINDING_WARNING, "networkd.conf");
}
END_TEST

START_TEST(sorted)
{
	put_link("/etc/systemd/system/multi-user.target.wants/"
		 "wg-quick@wg0.service");
	doctor.now = 1;
	look();
	ck_assert_uint_eq(doctor.findings.count, 2);
	ck_assert_int_eq(doctor.findings.items[0].level, FINDING_ERROR);
	ck_assert_int_eq(doctor.findings.items[1].level, FINDING_WARNING);
}
END_TEST

int main(void)
{
	const struct check_case cases[] = {
		CHECK_CASE(healthy), CHECK_CASE(kernels), CHECK_CASE(clocks),
		CHECK_CASE(networkd_takes_all), CHECK_CASE(networkd_by_order),
		CHECK_CASE(masked), CHECK_CASE(ruleset_of_several),
		CHECK_CASE(keys),
		CHECK_CASE(networkd_not_running), CHECK_CASE(networkd_link),
		CHECK_CASE(networkd_netdev), CHECK_CASE(manager_link),
		CHECK_CASE(manager_lists), CHECK_CASE(manager_sections),
		CHECK_CASE(manager_connection),
		CHECK_CASE(ruleset), CHECK_CASE(ruleset_not_loaded),
		CHECK_CASE(reverse_path), CHECK_CASE(reverse_path_of_all),
		CHECK_CASE(units), CHECK_CASE(stanzas), CHECK_CASE(ports),
		CHECK_CASE(sockets), CHECK_CASE(configs), CHECK_CASE(names),
		CHECK_CASE(rubbish), CHECK_CASE(unread), CHECK_CASE(sorted),
	};

	return check_run_within("doctor", cases, array_size(cases), host_make,
				host_end);
}
