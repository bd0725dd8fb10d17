#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The JSON Schema that is shipped and the program agree about documents.
# shellcheck source=tests/cli/lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

root=$(cd "$cli_here/../.." && pwd)
documents=$root/tests/golden/document
agree=$root/tests/schema/agree.py

# Not every python3 in the path is the one that Debian's modules are for.
python=
for each in python3 /usr/bin/python3; do
	"$each" -c 'import jsonschema' 2>/dev/null || continue
	python=$each
	break
done

if [ -z "$python" ]; then
	skip "the schema and the code agree" \
		"no python3 has the module jsonschema (python3-jsonschema)"
else
	# The examples are taken by the code in test_doc_render.
	mkdir taken
	cp "$documents/valid/"*.json taken
	for each in "$root/examples/"*.json; do
		cp "$each" "taken/example-${each##*/}"
	done
	check "the schema and the code agree" "$python" "$agree" \
		"$root/schema/meshapply-1.json" taken \
		"$documents/fail" "$root/tests/schema/code-only"
	says "over all the documents" '^[0-9]{3,} checks$'

	# That it can fail: documents on the wrong side, a list that is too long.
	mkdir wrong
	cp "$documents/fail/mtu-low.json" wrong
	fails "a valid document that the schema refuses is seen" "$python" \
		"$agree" "$root/schema/meshapply-1.json" wrong \
		"$documents/fail" "$root/tests/schema/code-only"
	says "it is named" '^not so: valid/mtu-low.json'
	cp "$documents/valid/minimal.json" "$documents/fail/"*.json wrong
	fails "an invalid document that the schema takes is seen" "$python" \
		"$agree" "$root/schema/meshapply-1.json" "$documents/valid" \
		wrong "$root/tests/schema/code-only"
	says "that one is named" '^not so: fail/minimal.json'
	{
		cat "$root/tests/schema/code-only"
		echo 'mtu-low: not true'
	} >long
	fails "a document listed in vain is seen" "$python" "$agree" \
		"$root/schema/meshapply-1.json" "$documents/valid" \
		"$documents/fail" long
	says "the vain one is named" '^not so: fail/mtu-low.json'
fi
done_testing
