/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/confirm.h"

enum {
	OPT_MESH = 256, OPT_KEY, OPT_FORCE, OPT_JSON, OPT_JSONL, OPT_DETAILED,
	OPT_STRICT, OPT_ROOT, OPT_NETNS, OPT_COLOR, OPT_HOOKS, OPT_DNS,
	OPT_WAIT, OPT_NODE, OPT_TEMPLATES, OPT_ALL_NODES, OPT_VALUES,
	OPT_FORMAT, OPT_PLAN, OPT_LIMIT, OPT_CONFIRM, OPT_CONFIRM_BY,
	OPT_WAIT_CONFIRMED, OPT_TOKEN, OPT_CHECK, OPT_REHEARSE,
	OPT_SECRET_KEY, OPT_PASSWORD_FILE, OPT_ADD, OPT_PUBLIC_KEY,
	OPT_THRESHOLD,
};

/* One table: what is read, what --help says, which verbs take it. */
static const struct option_row {
	struct option option;
	unsigned int set;	/* 0: every verb */
	const char *argument, *help;
} rows[] = {
	{ { "mesh", required_argument, NULL, OPT_MESH }, TAKES_MESH, "NAME",
	  "the mesh's name, where SOURCE does not give one" },
	{ { "key", required_argument, NULL, OPT_KEY }, TAKES_SOURCE, "FILE",
	  "read the private key from FILE" },
	{ { "node", required_argument, NULL, OPT_NODE }, TAKES_SOURCE, "NAME",
	  "be this node of the document" },
	{ { "all-nodes", no_argument, NULL, OPT_ALL_NODES }, TAKES_NODES, NULL,
	  "every node of the document, without a key" },
	{ { "templates", required_argument, NULL, OPT_TEMPLATES },
	  TAKES_SOURCE, "DIR", "take templates from DIR, as far as it has any" },
	{ { "output", required_argument, NULL, 'o' },
	  TAKES_RENDER | TAKES_SAVE, "PATH",
	  "the folder for rendered files, or a plan's file" },
	{ { "plan", required_argument, NULL, OPT_PLAN }, TAKES_PLAN, "FILE",
	  "do what the saved plan says, or nothing" },
	{ { "max-disruption", required_argument, NULL, OPT_LIMIT },
	  TAKES_LIMIT, "CLASS", "refuse a plan with a step of a worse class" },
	{ { "rehearse", no_argument, NULL, OPT_REHEARSE }, TAKES_REHEARSE,
	  NULL, "try the plan in a network namespace of its own" },
	{ { "values", no_argument, NULL, OPT_VALUES }, TAKES_RENDER, NULL,
	  "print what templates see, as JSON" },
	{ { "format", required_argument, NULL, OPT_FORMAT }, TAKES_FINDINGS,
	  "FORMAT", "text (the default), github or sarif" },
	{ { "ignore-hooks", no_argument, NULL, OPT_HOOKS }, TAKES_SOURCE, NULL,
	  "go on without PostUp and its like" },
	{ { "ignore-dns", no_argument, NULL, OPT_DNS }, TAKES_SOURCE, NULL,
	  "go on without DNS" },
	{ { "strict", no_argument, NULL, OPT_STRICT }, TAKES_SOURCE, NULL,
	  "exit 6 when a part had to be left out" },
	{ { "dry-run", no_argument, NULL, 'n' }, TAKES_CHANGE, NULL,
	  "show the plan, write nothing" },
	{ { "force", required_argument, NULL, OPT_FORCE }, TAKES_CHANGE,
	  "GUARD", "overrule the guard that a refusal names" },
	{ { "wait", required_argument, NULL, OPT_WAIT }, TAKES_CHANGE,
	  "SECONDS", "wait for another run on the same mesh to end" },
	{ { "confirm", required_argument, NULL, OPT_CONFIRM }, TAKES_CONFIRM,
	  "SECONDS", "undo it all unless it is confirmed in SECONDS" },
	{ { "confirm-by", required_argument, NULL, OPT_CONFIRM_BY },
	  TAKES_PROBE, "PROBE", "what confirms it, such as handshake" },
	{ { "wait-confirmed", no_argument, NULL, OPT_WAIT_CONFIRMED },
	  TAKES_CONFIRM, NULL, "wait until it is confirmed or undone" },
	{ { "token", required_argument, NULL, OPT_TOKEN }, TAKES_TOKEN,
	  "TOKEN", "as apply --confirm gave it" },
	{ { "secret-key", required_argument, NULL, OPT_SECRET_KEY },
	  TAKES_SECRET, "FILE", "sign with this key of minisign's" },
	{ { "password-file", required_argument, NULL, OPT_PASSWORD_FILE },
	  TAKES_SECRET, "FILE", "read the key's password from FILE" },
	{ { "add", no_argument, NULL, OPT_ADD }, TAKES_SECRET, NULL,
	  "add a signature to those that are there" },
	{ { "public-key", required_argument, NULL, OPT_PUBLIC_KEY },
	  TAKES_PUBLIC, "FILE", "trust this key, in place of the host's" },
	{ { "threshold", required_argument, NULL, OPT_THRESHOLD },
	  TAKES_PUBLIC, "N", "how many of the trusted keys have to sign" },
	{ { "check", no_argument, NULL, OPT_CHECK }, TAKES_CHECK, NULL,
	  "one line and a status, for Nagios and its like" },
	{ { "detailed-exitcode", no_argument, NULL, OPT_DETAILED },
	  TAKES_CHANGE | TAKES_DRIFT, NULL,
	  "exit 2 when there are, or were, changes" },
	{ { "netns", required_argument, NULL, OPT_NETNS }, TAKES_KERNEL,
	  "NAME", "work in this network namespace of ip netns" },
	{ { "root", required_argument, NULL, OPT_ROOT },
	  TAKES_KERNEL | TAKES_ROOT, "DIR",
	  "look for meshapply's own files beneath DIR" },
	{ { "json", no_argument, NULL, OPT_JSON }, TAKES_OUTPUT, NULL,
	  "print one JSON object" },
	{ { "jsonl", no_argument, NULL, OPT_JSONL }, TAKES_OUTPUT, NULL,
	  "print JSON objects, one a line, as things happen" },
	{ { "color", optional_argument, NULL, OPT_COLOR }, TAKES_OUTPUT,
	  "WHEN", "auto (the default), always or never" },
	{ { "quiet", no_argument, NULL, 'q' }, 0, NULL,
	  "print errors only" },
	{ { "verbose", no_argument, NULL, 'v' }, 0, NULL,
	  "explain also what is left alone" },
	{ { "help", no_argument, NULL, 'h' }, 0, NULL, "show this help" },
	{ { "version", no_argument, NULL, 'V' }, 0, NULL,
	  "print the version" },
};

/* What --force=GUARD may overrule: every err_refuse(), and recover. */
static const char *const guards[] = {
	"device", "route", "rule", "port", "foreign", "firewall", "root",
	"journal", "expired", "pending", "guard",
	"identity", "disruption", "plan", "rolled-back",
};

/* The last one; getopt's own are on standard error alone. */
static char usage_text[1024] = "the command line is not understood";

void usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(usage_text, sizeof(usage_text), format, args);
	va_end(args);
	fprintf(stderr, "meshapply: %s\n", usage_text);
}

const char *usage_said(void)
{
	return usage_text;
}

bool options_force(const struct options *o, const char *guard)
{
	for (size_t i = 0; i < o->force_count; i++)
		if (!strcmp(o->force[i], guard))
			return true;
	return false;
}

static void help_options(unsigned int sets)
{
	puts("\nOptions:");
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct option_row *row = &rows[i];
		char left[48];
		char letter = row->option.val < 256 ?
			(char)row->option.val : 0;

		if (row->set && !(row->set & sets))
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s",
			 letter ? '-' : ' ', letter ? letter : ' ',
			 letter ? "," : " ", row->option.name,
			 row->argument ? "=" : "",
			 row->argument ? row->argument : "");
		printf("  %-26s %s\n", left, row->help);
	}
}

static void help_all(void)
{
	puts("Usage: meshapply [VERB] [OPTION]... [SOURCE]\n\n"
	     "Make this host's kernel match the description of a WireGuard "
	     "mesh, and exit.\n\n"
	     "SOURCE is a mesh document (office.json), a wg-quick file "
	     "(wg0.conf), a folder\nwith wireguard.conf, network.batch and "
	     "firewall.nft, or - for standard input.\nA bare NAME is the "
	     "source that /etc/meshapply/NAME.conf names, else\n"
	     "/etc/wireguard/NAME.conf.\n\nVerbs:");
	for (size_t i = 0; i < verb_count; i++)
		if (!(verbs[i].accepts & VERB_INTERNAL))
			printf("  %-9s %-14s %s\n", verbs[i].name,
			       verbs[i].arguments, verbs[i].summary);
	help_options(~0u);
	puts("\nExit status: 0 as desired, 1 failed with nothing changed, "
	     "2 changes (with\n--detailed-exitcode), 3 waits to be "
	     "confirmed, 4 failed and rolled back,\n5 rollback incomplete, "
	     "6 parts left out (with --strict), 7 refused by a guard,\n"
	     "64 to 78 nothing changed: see meshapply(8).");
}

static void help_verb(const struct verb *verb)
{
	printf("Usage: meshapply %s [OPTION]...%s%s\n\n%c%s.\n", verb->name,
	       *verb->arguments ? " " : "", verb->arguments,
	       toupper((unsigned char)*verb->summary), verb->summary + 1);
	help_options(verb->accepts);
}

const char *verb_nearest(const char *word)
{
	const char *names[32];
	size_t count = 0;

	for (; count < verb_count && count < array_size(names); count++)
		names[count] = verbs[count].name;
	return str_nearest(str_of(word), names, count);
}

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static void no_verb(const char *word)
{
	const char *nearest = verb_nearest(word);

	if (nearest)
		usage_error("no verb is called %s; did you mean %s?", word,
			    nearest);
	else
		usage_error("no verb is called %s: see meshapply --help",
			    word);
}

int cmd_help(struct options *o)
{
	const struct verb *verb;

	if (!o->argument_count) {
		help_all();
		return 0;
	}
	verb = verb_find(o->arguments[0]);
	if (!verb) {
		no_verb(o->arguments[0]);
		return ERR_USAGE;
	}
	help_verb(verb);
	return 0;
}

/* The place of TEXT among WORDS, or -1, told. */
static int read_word(const char *option, const char *text,
		     const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(text, words[i]))
			return (int)i;
	usage_error("%s is %s, %s or %s, not %s", option, words[0], words[1],
		    words[2], text);
	return -1;
}

static int read_color(struct options *o, const char *when)
{
	static const char *const words[] = { "auto", "always", "never" };
	int word = read_word("--color", when ? when : "always", words, 3);

	if (word < 0)
		return -1;
	o->color = (enum color)word;
	return 0;
}

static int read_format(struct options *o, const char *format)
{
	static const char *const words[] = { "text", "github", "sarif" };
	int word = read_word("--format", format, words, 3);

	if (word < 0)
		return -1;
	o->findings = (enum findings)word;
	return 0;
}

static int read_limit(struct options *o, const char *class)
{
	o->max_disruption = class;
	if (disruption_parse(class, &o->most))
		return 0;
	usage_error("--max-disruption is none, rekey, loss, session, mesh or "
		    "access, not %s", class);
	return -1;
}

static int read_force(struct options *o, const char *guard)
{
	size_t i = 0;

	while (i < array_size(guards) && strcmp(guard, guards[i]))
		i++;
	if (i == array_size(guards)) {
		const char *nearest = str_nearest(str_of(guard), guards, i);

		usage_error("--force: no guard is called \"%s\"%s%s%s", guard,
			    nearest ? "; did you mean " : ": see meshapply(8)",
			    nearest ? nearest : "", nearest ? "?" : "");
		return -1;
	}
	if (o->force_count == array_size(o->force)) {
		usage_error("--force was given more than %zu times",
			    array_size(o->force));
		return -1;
	}
	o->force[o->force_count++] = guard;
	return 0;
}

static int read_wait(struct options *o, const char *text)
{
	uint64_t seconds;

	if (str_uint(str_of(text), 86400, &seconds)) {
		usage_error("--wait takes seconds, at most 86400");
		return -1;
	}
	o->wait = (unsigned int)seconds;
	return 0;
}

static int read_confirm(struct options *o, const char *text)
{
	uint64_t seconds;

	if (str_uint(str_of(text), 86400, &seconds)) {
		usage_error("--confirm takes seconds, at most 86400; 0 is "
			    "without");
		return -1;
	}
	o->confirm = (unsigned int)seconds;
	o->confirm_given = true;
	return 0;
}

static int read_public_key(struct options *o, const char *file)
{
	if (o->public_key_count == array_size(o->public_keys)) {
		usage_error("--public-key was given more than %zu times",
			    array_size(o->public_keys));
		return -1;
	}
	o->public_keys[o->public_key_count++] = file;
	return 0;
}

static int read_threshold(struct options *o, const char *text)
{
	uint64_t count;

	if (str_uint(str_of(text), array_size(o->public_keys), &count) ||
	    !count) {
		usage_error("--threshold is 1 to %zu, not %s",
			    array_size(o->public_keys), text);
		return -1;
	}
	o->threshold = (unsigned int)count;
	return 0;
}

static int read_option(struct options *o, int letter, const char *argument)
{
	switch (letter) {
	case OPT_MESH: o->mesh = argument; return 0;
	case OPT_KEY: o->key = argument; return 0;
	case OPT_ROOT: o->root = argument; return 0;
	case OPT_NETNS: o->netns = argument; return 0;
	case OPT_NODE: o->node = argument; return 0;
	case OPT_TEMPLATES: o->templates = argument; return 0;
	case OPT_ALL_NODES: o->all_nodes = true; return 0;
	case OPT_REHEARSE: o->rehearse = true; return 0;
	case OPT_VALUES: o->values = true; return 0;
	case OPT_FORMAT: return read_format(o, argument);
	case OPT_PLAN: o->plan = argument; return 0;
	case OPT_LIMIT: return read_limit(o, argument);
	case 'o': o->output = argument; return 0;
	case OPT_FORCE: return read_force(o, argument);
	case OPT_WAIT: return read_wait(o, argument);
	case OPT_CONFIRM: return read_confirm(o, argument);
	case OPT_CONFIRM_BY: o->confirm_by = argument; return 0;
	case OPT_WAIT_CONFIRMED: o->wait_confirmed = true; return 0;
	case OPT_TOKEN: o->token = argument; return 0;
	case OPT_SECRET_KEY: o->secret_key = argument; return 0;
	case OPT_PASSWORD_FILE: o->password_file = argument; return 0;
	case OPT_ADD: o->add = true; return 0;
	case OPT_PUBLIC_KEY: return read_public_key(o, argument);
	case OPT_THRESHOLD: return read_threshold(o, argument);
	case OPT_COLOR: return read_color(o, argument);
	case OPT_JSON: o->json = true; return 0;
	case OPT_JSONL: o->jsonl = true; return 0;
	case OPT_CHECK: o->check = true; return 0;
	case OPT_DETAILED: o->detailed_exitcode = true; return 0;
	case OPT_STRICT: o->strict = true; return 0;
	case OPT_HOOKS: o->ignore_hooks = true; return 0;
	case OPT_DNS: o->ignore_dns = true; return 0;
	case 'n': o->dry_run = true; return 0;
	case 'q': o->quiet = true; return 0;
	case 'v': o->verbose = true; return 0;
	case 'h': o->help = true; return 0;
	case 'V': o->version = true; return 0;
	default: return -1;
	}
}

static const struct option_row *row_of(int letter)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].option.val == letter)
			return &rows[i];
	return NULL;
}

/* Which rows were given, a bit each. */
static int read_all(int argc, char **argv, struct options *o, uint64_t *seen)
{
	static char name[] = "meshapply";
	struct option table[array_size(rows) + 1] = { 0 };
	const struct option_row *row;
	int letter;

	for (size_t i = 0; i < array_size(rows); i++)
		table[i] = rows[i].option;
	*seen = 0;
	/* As which getopt speaks. */
	if (argc)
		argv[0] = name;
	while ((letter = getopt_long(argc, argv, "nqvhVo:", table, NULL)) != -1) {
		row = row_of(letter);
		if (!row)
			return -1;	/* getopt has said why */
		*seen |= UINT64_C(1) << (row - rows);
		/* As of --root="$UNSET", which would mean this host. */
		if (row->option.has_arg == required_argument && !*optarg) {
			usage_error("--%s=%s: the %s is empty",
				    row->option.name, row->argument,
				    row->argument);
			return -1;
		}
		if (read_option(o, letter, optarg))
			return -1;
	}
	o->arguments = argv + optind;
	o->argument_count = argc - optind;
	return 0;
}

/* The first argument, if it names a verb, is the verb. */
static const struct verb *take_verb(struct options *o)
{
	const struct verb *verb = NULL;

	if (o->argument_count)
		verb = verb_find(o->arguments[0]);
	if (!verb) {
		o->implied = true;
		return &verbs[0];
	}
	o->verb = verb->name;
	o->arguments++;
	o->argument_count--;
	return verb;
}

static int check_count(const struct verb *verb, const struct options *o)
{
	bool enough = o->argument_count >= verb->least ||
		(o->mesh && verb->accepts & SOURCE_OF_MESH) ||
		(o->plan && verb->accepts & TAKES_PLAN);
	const char *extra;

	if (!enough) {
		if (o->implied)
			usage_error("nothing to apply: meshapply wg0 applies "
				    "/etc/wireguard/wg0.conf, meshapply --help "
				    "tells more");
		else
			usage_error("%s wants %s: see meshapply %s --help",
				    verb->name, verb->arguments, verb->name);
		return -1;
	}
	if (o->argument_count <= verb->most)
		return 0;
	extra = o->arguments[verb->most];
	if (o->implied && verb_nearest(o->arguments[0]))
		no_verb(o->arguments[0]);
	else
		usage_error("%s does not know what to do with %s", verb->name,
			    extra);
	return -1;
}

static int check_pairs(const struct options *o)
{
	const struct {
		bool both;
		const char *a, *b;
	} pairs[] = {
		{ o->json && o->jsonl, "json", "jsonl" },
		{ (o->json || o->jsonl) && o->findings != FINDINGS_TEXT,
		  o->json ? "json" : "jsonl", "format" },
		{ o->check && o->json, "check", "json" },
		{ o->check && o->jsonl, "check", "jsonl" },
		{ o->node && o->all_nodes, "node", "all-nodes" },
		{ o->output && o->values, "output", "values" },
		{ o->confirm_given && !o->confirm && o->confirm_by,
		  "confirm=0", "confirm-by" },
		{ o->confirm_given && !o->confirm && o->wait_confirmed,
		  "confirm=0", "wait-confirmed" },
	};

	for (size_t i = 0; i < array_size(pairs); i++) {
		if (!pairs[i].both)
			continue;
		usage_error("--%s and --%s exclude each other", pairs[i].a,
			    pairs[i].b);
		return -1;
	}
	return 0;
}

static int check_options(const struct verb *verb, const struct options *o,
			 uint64_t seen)
{
	for (size_t i = 0; i < array_size(rows); i++) {
		if (!(seen & UINT64_C(1) << i))
			continue;
		if (!rows[i].set || rows[i].set & verb->accepts)
			continue;
		usage_error("%s does not take --%s", verb->name,
			    rows[i].option.name);
		return -1;
	}
	if (check_pairs(o))
		return -1;
	return check_count(verb, o);
}

const struct verb *options_read(int argc, char **argv, struct options *o,
				int *status)
{
	const struct verb *verb;
	uint64_t seen;

	*status = ERR_USAGE;
	o->root = "";
	if (read_all(argc, argv, o, &seen))
		return NULL;
	verb = take_verb(o);
	if (o->help) {
		if (o->verb)
			help_verb(verb);
		else
			help_all();
		*status = 0;
		return NULL;
	}
	if (o->version) {
		puts("meshapply " MESHAPPLY_VERSION);
		*status = 0;
		return NULL;
	}
	if (check_options(verb, o, seen))
		return NULL;
	/* Whoever says how it is to be confirmed wants it to be. */
	if (!o->confirm_given && (o->confirm_by || o->wait_confirmed))
		o->confirm = confirm_seconds(o->confirm_by);
	o->verb = verb->name;
	return verb;
}
