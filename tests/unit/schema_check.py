#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the JSON Schema and the parser in step, in both directions: what one refuses for its structure, the other
refuses too. Prints TAP.

    schema_check.py path/to/bailiff [--seed N] [--policies N] [--mutants N]
"""

import argparse
import collections
import concurrent.futures
import copy
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source folder is not ours to write to
from made_policies import ROOT, make_policy  # noqa: E402

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not installed")
    sys.exit(1 if os.environ.get("CI") == "true" else 0)

# What depends on other values, other files, the host or the tables, which a schema can't see.
BEYOND = {
    "ambiguous-list", "ambiguous-name", "list-cycle", "unreadable", "duplicate-id", "unknown-rule", "unknown-account",
    "test-failed", "conflicting-adjustments", "too-many-exceptions", "too-many-candidates", "too-many-subjects",
    "too-many-connects", "dfa-budget",
}
# What is wrong within a text: a schema sees some of it.
WITHIN = {
    "bad-path", "relative-path", "bad-argument", "not-one-path", "bad-address", "bad-prefix", "host-bits", "bad-range",
    "not-one-address", "unknown-list", "bad-unit", "bad-container",
}
# What it must see, each at least so often among the mutants, or the test sees nothing.
STRUCTURAL = {"unknown-key": 40, "missing-key": 25, "wrong-type": 40, "unknown-value": 25, "key-does-not-fit": 25,
              "empty-list": 1, "empty-object": 1, "bad-name": 1, "unsupported-version": 1, "out-of-range": 1,
              "bad-attack": 1}

# The parser's tables of keys, by what the schema calls their objects.
OBJECTS = {
    None: ["file_key_items"],
    "rule": ["rule_key_items", "event_key_items", "match_key_items"],
    "exception": ["match_key_items"],
    "subject": ["by_keys", "by_task_keys"],
    "profile": ["profile_key_items", "event_key_items"],
    "allowed": ["allow_key_items"],
    "adjustment": ["adjust_key_items"],
    "test": ["test_key_items"],
    "testSubject": ["test_by_key_items", "test_task_key_items"],
}
NOT_IN_EXCEPTIONS = {"args"}  # read, to say why not
WORDS = {"on": "operation", "action": "action", "severity": "severity", "mode": None, "access": "access",
         "file": "fact", "protocol": "protocol", "expect": None}


# ---- the sources ----------------------------------------------------------------------------------


def tables(kind):
    """The tables of one kind in policy/: {name: [(word, rest of its initializer)]}."""
    found = {}
    for path in sorted((ROOT / "policy").glob("*.c")):
        for table in re.finditer(r"struct %s (\w+)\[\] = \{(.*?)\n\};" % kind, path.read_text(), re.S):
            items = re.findall(r'\{\s*\.name = "([^"]+)"([^}]*)\}', table[2])
            if items:
                found[table[1]] = items
    return {name: items for name, items in found.items() if items}


def properties(schema, name):
    return schema if name is None else schema["definitions"][name]


def check_tables(schema):
    """Keys and words are the parser's, name by name."""
    keys = tables("bl_key")
    for name, wanted in OBJECTS.items():
        there = properties(schema, name)
        items = [item for table in wanted for item in keys[table]]
        names = {item[0] for item in items} - (NOT_IN_EXCEPTIONS if name == "exception" else set())
        if set(there["properties"]) != names:
            yield f"{name or 'policy'}: keys differ: {sorted(set(there['properties']) ^ names)}"
        required = {item[0] for item in items if ".required = true" in item[1]}
        if set(there.get("required", [])) != required:
            yield f"{name or 'policy'}: required keys differ: {sorted(required ^ set(there.get('required', [])))}"
    for unknown in keys.keys() - {table for wanted in OBJECTS.values() for table in wanted}:
        yield f"a table of keys that no object of the schema is known for: {unknown}"
    words = {name.removesuffix("_words"): [item[0] for item in items] for name, items in tables("bl_word").items()}
    places = {"mode": schema["properties"]["mode"], "expect": schema["definitions"]["test"]["properties"]["expect"]}
    for name, where in WORDS.items():
        there = places.get(name) or schema["definitions"][where]
        if sorted(there["enum"]) != sorted(words[name]):
            yield f"words differ: {name}"
    for unknown in words.keys() - WORDS.keys():
        yield f"a table of words that the schema is not known to have: {unknown}"
    sources = (ROOT / "policy/capabilities.c").read_text()
    capabilities = re.findall(r"CAPABILITY_WORD\((CAP_\w+)\),", sources)
    if schema["definitions"]["capabilityName"]["enum"] != capabilities:
        yield "capabilities differ"
    written = re.compile(schema["definitions"]["capability"]["anyOf"][1]["pattern"])
    for name in [each for long in capabilities for each in (long, long[4:], long.lower(), long[4:].lower())]:
        if not written.search(name) or written.search(name.title()) or written.search(name + "S"):
            yield f"how {name} may be written differs"
    families = re.findall(r'^\tx\(\d+, "(\w+)"\)', (ROOT / "bpf-lsm/abi.h").read_text(), re.M)
    if schema["definitions"]["familyName"]["enum"] != families:
        yield "families differ"


def check_examples(schema, validator):
    """Every example of the schema is one."""
    count = 0

    def walk(value):
        nonlocal count
        if isinstance(value, dict):
            for example in value.get("examples", []):
                count += 1
                part = {**value, "definitions": schema["definitions"]}
                for error in jsonschema.Draft7Validator(part).iter_errors(example):
                    yield f"example {json.dumps(example)}: {error.message}"
            for each in value.values():
                yield from walk(each)
        elif isinstance(value, list):
            for each in value:
                yield from walk(each)

    yield from walk(schema)
    if count < 20:
        yield f"only {count} examples"


# ---- policies -------------------------------------------------------------------------------------


class Parser:
    """The program, asked about sets of documents."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder

    def errors(self, documents, name):
        """[(code, pointer, message)] of all errors."""
        files = []
        for i, document in enumerate(documents):
            file = self.folder / f"{name}-{i}.json"
            file.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
            files.append(file)
        done = subprocess.run([self.program, "check", "--json", *files], capture_output=True, text=True, timeout=60, check=False)
        for file in files:
            file.unlink()
        assert done.returncode in (0, 1, 2), f"{name}: exit code {done.returncode}: {done.stderr}"
        return [(each["code"], each.get("pointer", ""), each["message"]) for each in json.loads(done.stdout)["diagnostics"]
                if each["level"] == "error"]


def is_beyond(code, pointer, message):
    """Whether a schema can't know: lists have no type until they are used, an adjustment doesn't show its rule, and
    which families and addresses meet is more than it can count."""
    if code in BEYOND | WITHIN or pointer.startswith("/lists/") and code != "bad-name":
        return True
    return code == "key-does-not-fit" and (
        pointer.startswith("/adjust/") or message.startswith(("the exception is about other families", "no address here")))


# ---- mutants --------------------------------------------------------------------------------------

STRANGERS = [None, True, 7, 1.5, -1, 70000, 2**32, "bogus", "", {}, [], [[]], [None], {"x": 1}, "80", "T1", "a b"]
EXTRA = {"path": "/x", "access": "read", "file": "script", "args": "x", "to": "192.0.2.1", "port": 80, "protocol": "tcp",
         "family": "netlink", "socket": "/run/x", "by": {"uid": 1}, "unless": {"by": {"uid": 1}}, "uid": 3, "allow": {},
         "rule": "a", "expect": "deny", "bailiff": 1, "enabled": False, "otherwise": "deny", "pth": "/x", "parnet": "/x"}


def places(value, at=()):
    """Every value below a document, but for what stands in its lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        if not at and key == "lists":
            continue
        yield at + (key,)
        yield from places(each, at + (key,))


def reach(value, at):
    for key in at:
        value = value[key]
    return value


def mutate(document, rng):
    """One change somewhere; returns what was done."""
    at = rng.choice(list(places(document)))
    parent, key = reach(document, at[:-1]), at[-1]
    objects = [()] + [each for each in places(document) if isinstance(reach(document, each), dict)]
    kind = rng.randrange(6)
    if kind == 0:
        target = reach(document, rng.choice(objects))
        extra = rng.choice(list(EXTRA))
        target[extra] = EXTRA[extra]
        return f"added {extra}"
    if kind == 1 and isinstance(parent, dict):
        del parent[key]
        return f"removed {at}"
    if kind == 2:
        parent[key] = [parent[key], copy.deepcopy(parent[key])]
        return f"doubled {at}"
    if kind == 3 and isinstance(parent[key], str) and parent[key]:
        parent[key] = parent[key][:-1] + rng.choice("xX \u00e9")
        return f"misspelt {at}"
    parent[key] = rng.choice(STRANGERS)
    return f"{at} = {parent[key]!r}"


# ---- the comparison -------------------------------------------------------------------------------


class Comparison:
    def __init__(self, parser, validator):
        self.parser = parser
        self.validator = validator
        self.seen = collections.Counter()
        self.accepted = 0

    def differences(self, documents, name, what):
        errors = self.parser.errors(documents, name)
        told = [error for document in documents for error in self.validator.iter_errors(document)]
        structural = [each for each in errors if not is_beyond(*each)]
        if told and not structural and not any(code in WITHIN for code, _, _ in errors):
            return [f"{name}: {what}: only the schema refuses it: {told[0].message[:200]} at {list(told[0].path)}; "
                    f"the parser: {errors}"]
        if structural and not told:
            return [f"{name}: {what}: only the parser refuses it: {structural}"]
        self.seen.update({code for code, _, _ in structural})
        self.accepted += not told
        return []


def all_of(jobs, work):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for lines in pool.map(work, jobs) for line in lines]


def check_shipped(comparison):
    for path in sorted((ROOT / "rules").glob("*.json")):
        for error in comparison.validator.iter_errors(json.loads(path.read_text())):
            yield f"{path.name}: {error.message}"


def check_corpus(comparison):
    """The fuzzer's files, those that are JSON without a key that is there twice."""
    def unique(pairs):
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    compared = 0
    for path in sorted((ROOT / "tests/fuzz/corpus/policy").iterdir()):
        try:
            document = json.loads(path.read_bytes().decode(), object_pairs_hook=unique)
            json.dumps(document, ensure_ascii=False).encode()
        except (ValueError, AssertionError):
            continue
        compared += 1
        yield from comparison.differences([document], f"corpus-{path.name}", "as it is")
    if compared < 15:
        yield f"only {compared} files are JSON"


def check_generated(comparison, args):
    def work(index):
        return comparison.differences(make_policy(args.seed, index), f"generated-{index}", "as it is")
    before = comparison.accepted
    yield from all_of(range(args.policies), work)
    if comparison.accepted - before < args.policies * 0.9:
        yield f"only {comparison.accepted - before} of {args.policies} are accepted"


def check_mutants(comparison, args):
    def work(index):
        rng = random.Random(f"{args.seed}/mutant/{index}")
        documents = make_policy(args.seed, index % args.policies)
        what = mutate(rng.choice(documents), rng)
        return comparison.differences(documents, f"mutant-{index}", what)
    comparison.seen.clear()
    yield from all_of(range(args.mutants), work)
    for code, least in STRUCTURAL.items():
        if comparison.seen[code] * 1000 < least * args.mutants:
            yield f"{code}: refused by both only {comparison.seen[code]} times"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("bailiff")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--policies", type=int, default=150)
    options.add_argument("--mutants", type=int, default=1000)
    args = options.parse_args()
    text = subprocess.run([args.bailiff, "schema"], capture_output=True, text=True, check=True).stdout
    schema = json.loads(text)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(Parser(args.bailiff, pathlib.Path(folder)), validator)
        checks = {
            "what is printed is the file that is shipped":
                lambda: [] if text == (ROOT / "policy/policy.schema.json").read_text() else ["they differ"],
            "keys and words are the parser's": lambda: check_tables(schema),
            "the examples are what they are examples of": lambda: check_examples(schema, validator),
            "shipped policies are accepted": lambda: check_shipped(comparison),
            "the fuzzer's files are judged alike": lambda: check_corpus(comparison),
            "generated policies are judged alike": lambda: check_generated(comparison, args),
            "changed policies are judged alike": lambda: check_mutants(comparison, args),
        }
        print(f"1..{len(checks)}")
        failed = False
        for number, (what, check) in enumerate(checks.items(), 1):
            found = list(check())
            failed |= bool(found)
            for line in found[:12]:
                print("#", re.sub(r"[^ -~]", "?", line))
            print(f"{'not ok' if found else 'ok'} {number} - {what}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
