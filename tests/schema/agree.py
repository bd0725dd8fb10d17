#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema beside the code: agree.py SCHEMA VALID-FOLDER FAIL-FOLDER CODE-ONLY

test_doc_golden holds the code to take all of VALID-FOLDER and to refuse all of
FAIL-FOLDER. Here the schema takes all of the first, and refuses of the second
what the list CODE-ONLY does not name.
What disagrees is printed, and the count of documents.
"""
import json
import pathlib
import sys

import jsonschema


class Refused(Exception):
    pass


def load(path):
    """Strict, as RFC 8259 is: Python takes NaN, and a byte order mark not."""
    def constant(word):
        raise Refused(word)
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"),
                          parse_constant=constant)
    except (ValueError, RecursionError, Refused) as error:
        raise Refused(str(error)) from error


def code_only(path):
    """Lines of 'NAME: reason'; NAME may end in *."""
    names = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, reason = line.partition(":")
            names[name.strip()] = reason.strip()
    return names


def is_named(stem, names):
    for name in names:
        if stem == name or name.endswith("*") and stem.startswith(name[:-1]):
            return name
    return None


def main(schema, valid, fail, listed):
    schema = json.loads(pathlib.Path(schema).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    names = code_only(pathlib.Path(listed))
    used = set()
    results = []

    def takes(path):
        try:
            document = load(path)
        except Refused:
            return False, "no JSON"
        error = jsonschema.exceptions.best_match(
            validator.iter_errors(document))
        return error is None, error and error.message

    for path in sorted(pathlib.Path(valid).glob("*.json")):
        taken, why = takes(path)
        results.append((taken, f"valid/{path.name}: taken", why))
    for path in sorted(pathlib.Path(fail).glob("*.json")):
        taken, _ = takes(path)
        name = is_named(path.stem, names)
        if name is None:
            results.append((not taken, f"fail/{path.name}: refused",
                            "taken, and not listed as code-only"))
            continue
        used.add(name)
        results.append((taken, f"fail/{path.name}: refused by the code alone",
                        "the schema refuses it: needlessly listed"))
    for name, reason in sorted(names.items()):
        results.append((name in used and reason != "",
                        f"the list's {name} is a document, and has a reason",
                        "no such document, or no reason"))
    for good, text, why in results:
        if not good:
            print(f"not so: {text}\n  {why}")
    print(f"{len(results)} checks")
    return 0 if results and all(r[0] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
