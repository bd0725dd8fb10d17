/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of other dialects of the file, and what to write instead. */
#include "base/attr.h"
#include "quick/file.h"

struct foreign {
	const char *word;
	const char *hint;
};

#define AMNEZIA \
	"this is AmneziaWG's, a different protocol: the kernel's WireGuard " \
	"cannot speak it"
#define APPLICATIONS \
	"this is for the apps of phones, which choose by application; here " \
	"write what to send as AllowedIPs"
#define SLIP_ALLOWED "write AllowedIPs"
#define NETWORKD(words) "this is systemd-networkd's word: " words
#define MANAGER(words) "this is NetworkManager's word: " words
#define OPENWRT(words) "this is OpenWrt's word: " words
#define NO_NEED "leave it out"
#define PEER_NAME "write '#@ name NAME' in [Peer], or a comment"

static const struct foreign keys[] = {
	{ "RouteTable", NETWORKD("write Table in [Interface]") },
	{ "RouteMetric",
	  NETWORKD("write Table = off and the routes with 'metric' as lines "
		   "of network.batch") },
	{ "PrivateKeyFile",
	  NETWORKD("write '#@ private-key-file NAME' in [Interface]") },
	{ "PresharedKeyFile",
	  NETWORKD("write '#@ preshared-key-file NAME' in [Peer]") },
	{ "PublicKeyFile", NETWORKD("write PublicKey in [Peer]") },
	{ "FirewallMark", NETWORKD("write FwMark in [Interface]") },
	{ "MTUBytes", NETWORKD("write MTU in [Interface]") },
	{ "Kind", NETWORKD("the device is of kind wireguard anyway") },
	{ "Gateway", NETWORKD("write AllowedIPs in [Peer], routes come of it") },
	{ "Destination",
	  NETWORKD("write AllowedIPs in [Peer], routes come of it") },
	{ "Domains", NETWORKD("meshapply leaves DNS alone") },
	{ "IPForward",
	  NETWORKD("write '#@ sysctl net.ipv4.ip_forward = 1' in [Interface]") },
	{ "IPMasquerade", NETWORKD("write it as a rule in firewall.nft") },

	{ "private-key", MANAGER("write PrivateKey in [Interface]") },
	{ "private-key-flags", MANAGER(NO_NEED) },
	{ "preshared-key", MANAGER("write PresharedKey in [Peer]") },
	{ "preshared-key-flags", MANAGER(NO_NEED) },
	{ "public-key", MANAGER("write PublicKey in [Peer]") },
	{ "listen-port", MANAGER("write ListenPort in [Interface]") },
	{ "allowed-ips", MANAGER("write AllowedIPs in [Peer]") },
	{ "persistent-keepalive",
	  MANAGER("write PersistentKeepalive in [Peer]") },
	{ "peer-routes",
	  MANAGER("write Table = off for no routes, nothing for routes") },
	{ "ip4-auto-default-route",
	  MANAGER("write Table = off for no default route") },
	{ "ip6-auto-default-route",
	  MANAGER("write Table = off for no default route") },
	{ "address1", MANAGER("write Address in [Interface]") },
	{ "route1", MANAGER("write AllowedIPs in [Peer], routes come of it") },
	{ "interface-name", MANAGER("the file's own name is the device's") },
	{ "uuid", MANAGER(NO_NEED) },
	{ "autoconnect", MANAGER(NO_NEED) },

	{ "private_key", OPENWRT("write PrivateKey in [Interface]") },
	{ "public_key", OPENWRT("write PublicKey in [Peer]") },
	{ "preshared_key", OPENWRT("write PresharedKey in [Peer]") },
	{ "listen_port", OPENWRT("write ListenPort in [Interface]") },
	{ "addresses", OPENWRT("write Address in [Interface]") },
	{ "allowed_ips", OPENWRT("write AllowedIPs in [Peer]") },
	{ "route_allowed_ips",
	  OPENWRT("write Table = off for no routes, nothing for routes") },
	{ "persistent_keepalive",
	  OPENWRT("write PersistentKeepalive in [Peer]") },
	{ "endpoint_host", OPENWRT("write Endpoint = HOST:PORT in [Peer]") },
	{ "endpoint_port", OPENWRT("write Endpoint = HOST:PORT in [Peer]") },

	{ "IncludedApplications", APPLICATIONS },
	{ "ExcludedApplications", APPLICATIONS },
	{ "Jc", AMNEZIA }, { "Jmin", AMNEZIA }, { "Jmax", AMNEZIA },
	{ "S1", AMNEZIA }, { "S2", AMNEZIA }, { "S3", AMNEZIA },
	{ "S4", AMNEZIA }, { "H1", AMNEZIA }, { "H2", AMNEZIA },
	{ "H3", AMNEZIA }, { "H4", AMNEZIA }, { "I1", AMNEZIA },
	{ "I2", AMNEZIA }, { "I3", AMNEZIA }, { "I4", AMNEZIA },
	{ "I5", AMNEZIA },
	{ "Reserved",
	  "these are header bytes that some providers' own clients send: a "
	  "different protocol, which the kernel's WireGuard cannot speak" },

	{ "AllowedIP", SLIP_ALLOWED },
	{ "AllowedIPv4", SLIP_ALLOWED },
	{ "AllowedIPv6", SLIP_ALLOWED },
	{ "AllowedIPv4s", SLIP_ALLOWED },
	{ "AllowedIPv6s", SLIP_ALLOWED },
	{ "AllowedAddresses", SLIP_ALLOWED },
	{ "ExcludedIPs",
	  "what is left of AllowedIPs without them has to be written out" },
	{ "DisallowedIPs",
	  "what is left of AllowedIPs without them has to be written out" },
	{ "Addresses", "write Address, as often as needed" },
	{ "IP", "write Address in [Interface]" },
	{ "IPAddress", "write Address in [Interface]" },
	{ "Port", "write ListenPort in [Interface]" },
	{ "Mark", "write FwMark in [Interface]" },
	{ "PSK", "write PresharedKey in [Peer]" },
	{ "SharedKey", "write PresharedKey in [Peer]" },
	{ "Keepalive", "write PersistentKeepalive in [Peer]" },
	{ "Remote", "write Endpoint = HOST:PORT in [Peer]" },
	{ "Server", "write Endpoint = HOST:PORT in [Peer]" },
	{ "Name", PEER_NAME },
	{ "FriendlyName", PEER_NAME },
	{ "Description", PEER_NAME },
	{ "Comment", PEER_NAME },
};

static const char sections_networkd[] =
	"this is a file of systemd-networkd: of [NetDev] and [WireGuard] make "
	"[Interface], of [WireGuardPeer] make [Peer]";
static const char sections_manager[] =
	"this is a keyfile of NetworkManager: of [wireguard] and [ipv4] make "
	"[Interface], of [wireguard-peer.KEY] make [Peer] with PublicKey = KEY";

static const struct foreign sections[] = {
	{ "NetDev", sections_networkd },
	{ "WireGuardPeer", sections_networkd },
	{ "Match", sections_networkd },
	{ "Network", sections_networkd },
	{ "Route", sections_networkd },
	{ "RoutingPolicyRule", sections_networkd },
	{ "WireGuard",
	  "of [WireGuard] of systemd-networkd or NetworkManager make "
	  "[Interface]" },
	{ "connection", sections_manager },
	{ "ipv4", sections_manager },
	{ "ipv6", sections_manager },
	{ "proxy", sections_manager },
	{ "vpn", sections_manager },
	{ "Server", "write [Peer], or [Interface] for the own side" },
	{ "Client", "write [Peer], or [Interface] for the own side" },
	{ "Peers", "write [Peer], one for each peer" },
	{ "Device", "write [Interface]" },
};

static const char *find(struct str word, const struct foreign *table,
			size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (value_word_is(word, table[i].word))
			return table[i].hint;
	return NULL;
}

const char *quick_foreign_key(struct str key)
{
	if (str_starts(key, "Allowed-IP"))
		return SLIP_ALLOWED;
	return find(key, keys, array_size(keys));
}

const char *quick_foreign_section(struct str name)
{
	if (str_starts(name, "wireguard-peer."))
		return sections_manager;
	return find(name, sections, array_size(sections));
}
