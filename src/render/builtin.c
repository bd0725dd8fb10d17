/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each file of templates/ stands in the list below; the assembler takes it in
 * as it is.  It is built from the top of the source tree, and again when one
 * of the files changes (Makefile).
 */
#include "render/builtin.h"

#define TEMPLATES(X)					\
	X(wireguard, "wireguard.conf")			\
	X(network, "network.batch")			\
	X(firewall, "firewall.nft")			\
	X(peer, "partials/peer.mustache")		\
	X(sets, "partials/sets.mustache")		\
	X(full_tunnel, "partials/full-tunnel.mustache")	\
	X(firewall_local, "partials/firewall-local.mustache") \
	X(forward_local, "partials/forward-local.mustache") \
	X(network_local, "partials/network-local.mustache")

#define EMBED(symbol, file)						\
	__asm__(".pushsection .rodata\n"				\
		"builtin_" #symbol ":\n"				\
		".incbin \"templates/" file "\"\n"			\
		"builtin_" #symbol "_end:\n"				\
		".byte 0\n"						\
		".popsection\n");					\
	extern const char builtin_##symbol[]				\
		__attribute__((visibility("hidden")));			\
	extern const char builtin_##symbol##_end[]			\
		__attribute__((visibility("hidden")));
TEMPLATES(EMBED)

struct builtin builtin_template(size_t index)
{
#define ENTRY(symbol, file) { file, builtin_##symbol, builtin_##symbol##_end },
	static const struct {
		const char *file, *start, *end;
	} files[] = { TEMPLATES(ENTRY) };

	if (index >= sizeof(files) / sizeof(files[0]))
		return (struct builtin){ 0 };
	return (struct builtin){
		files[index].file,
		{ files[index].start,
		  (size_t)(files[index].end - files[index].start) },
	};
}
