/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse FILE: the floor under all that is done with a document: its JSON is
 * read by the library that meshapply reads it with, and nothing is done.
 */
#include <jansson.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *root;

	if (argc != 2) {
		fputs("usage: parse FILE\n", stderr);
		return 64;
	}
	root = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		fprintf(stderr, "%s:%d:%d: %s\n", argv[1], error.line,
			error.column, error.text);
		return 65;
	}
	json_decref(root);
	return 0;
}
