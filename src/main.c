/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/privilege.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

const struct verb verbs[] = {
	{ "apply", "SOURCE", "make the kernel match SOURCE (the default)",
	  TAKES_SOURCE | TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE |
	  TAKES_OUTPUT | SOURCE_OF_MESH | TAKES_CONFIRM | TAKES_PROBE |
	  TAKES_LIMIT | TAKES_PLAN, 1, 1, cmd_apply },
	{ "plan", "SOURCE", "show what apply would do, and write nothing",
	  TAKES_SOURCE | TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE |
	  TAKES_OUTPUT | SOURCE_OF_MESH | TAKES_LIMIT | TAKES_SAVE |
	  TAKES_REHEARSE, 1, 1, cmd_plan },
	{ "validate", "SOURCE...", "check SOURCE without looking at the kernel",
	  TAKES_SOURCE | TAKES_ROOT | TAKES_MESH | TAKES_OUTPUT |
	  TAKES_NODES | TAKES_FINDINGS | SOURCE_OF_MESH, 1, SOURCES_MAX,
	  cmd_validate },
	{ "render", "SOURCE", "print or write the three texts of SOURCE",
	  TAKES_SOURCE | TAKES_ROOT | TAKES_MESH | TAKES_NODES |
	  TAKES_RENDER | SOURCE_OF_MESH, 1, 1, cmd_render },
	{ "status", "[MESH]", "show a mesh's peers and whether all is as applied",
	  TAKES_KERNEL | TAKES_MESH | TAKES_OUTPUT | TAKES_DRIFT |
	  TAKES_CHECK, 0, 1, cmd_status },
	{ "history", "[MESH]", "list the states that were applied",
	  TAKES_KERNEL | TAKES_MESH | TAKES_OUTPUT, 0, 1, cmd_history },
	{ "diff", "[MESH] N M", "show what lies between two of these states",
	  TAKES_KERNEL | TAKES_MESH | TAKES_OUTPUT | TAKES_DRIFT, 2, 3,
	  cmd_diff },
	{ "doctor", "[MESH]", "find who will fight over a mesh, and what ends it",
	  TAKES_KERNEL | TAKES_MESH | TAKES_OUTPUT, 0, 1, cmd_doctor },
	{ "adopt", "NAME [SOURCE]", "take over a running device",
	  TAKES_SOURCE | TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE |
	  TAKES_OUTPUT | TAKES_LIMIT | TAKES_CONFIRM | TAKES_PROBE, 1, 2,
	  cmd_adopt },
	{ "disown", "[MESH]", "leave a mesh running, as nobody's",
	  TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE | TAKES_OUTPUT,
	  0, 1, cmd_disown },
	{ "remove", "[MESH]", "take away all that a mesh owns",
	  TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE | TAKES_OUTPUT |
	  TAKES_LIMIT | TAKES_CONFIRM | TAKES_PROBE, 0, 1, cmd_remove },
	{ "confirm", "[MESH|TOKEN]", "keep a change that apply --confirm made",
	  TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE | TAKES_OUTPUT |
	  TAKES_TOKEN, 0, 1, cmd_confirm },
	{ "rollback", "[MESH] [N]", "undo what waits, or go back to an older "
	  "state",
	  TAKES_SOURCE | TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE |
	  TAKES_OUTPUT | TAKES_LIMIT | TAKES_CONFIRM | TAKES_PROBE,
	  0, 2, cmd_rollback },
	{ "recover", "[MESH]", "undo what a killed run left half done",
	  TAKES_KERNEL | TAKES_MESH | TAKES_CHANGE | TAKES_OUTPUT,
	  0, 1, cmd_recover },
	{ "sign", "DOCUMENT", "sign a document, into DOCUMENT.minisig",
	  TAKES_OUTPUT | TAKES_SECRET, 1, 1, cmd_sign },
	{ "verify", "DOCUMENT [SIG]", "check who has signed a document",
	  TAKES_ROOT | TAKES_MESH | TAKES_OUTPUT | TAKES_PUBLIC, 1, 2,
	  cmd_verify },
	{ "key", "gen|pub|psk", "make keys, as wg genkey, pubkey, genpsk do",
	  0, 1, 1, cmd_key },
	{ "guard", "[MESH]", "wait beside changes that are to be confirmed",
	  TAKES_KERNEL | TAKES_PROBE | VERB_INTERNAL, 0, 1, cmd_guard },
	{ "version", "", "print the version", TAKES_OUTPUT, 0, 0,
	  cmd_version },
	{ "help", "[VERB]", "explain a verb", 0, 0, 1, cmd_help },
};

const size_t verb_count = array_size(verbs);

/* A closed descriptor would be the next file opened, and be printed to. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	const struct verb *verb;
	int status;

	open_standard();
	/* Else it is not told how a child has ended. */
	signal(SIGCHLD, SIG_DFL);
	/* Keys are in memory: no core, no ptrace by the same user. */
	prctl(PR_SET_DUMPABLE, 0);
	privilege_trim();
	verb = options_read(argc, argv, &options, &status);
	if (verb)
		status = verb->run(&options);
	else if (status == ERR_USAGE)
		output_usage(&options);
	return output_close(verb, &options, status);
}
