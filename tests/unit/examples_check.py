#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The policies that the documents and manual pages show: each is right, and its tests pass. Prints TAP.

    examples_check.py path/to/bailiff

A block that is a part of a policy (rules, lists, profiles ...) is checked within one. Above a block can stand

    <!-- policy: NAME [with NAME...] -->

which names it, or the ones before it that it is checked together with. A block of docs/policy.md that teaches
(it has a name) has tests of its own or is checked with one that has.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "packaging/man").glob("*.scd"))]
BLOCK = re.compile(r"(?:<!-- policy: ([^\n]*?) -->\n+)?^ *```(json)?\n(.*?)^ *```$", re.M | re.S)
PARTS = ("lists", "rules", "profiles", "adjust", "tests")
# What a part of a policy may leave to others.
FOREIGN = {"unknown-list", "unused-list", "adjusts-nothing", "unknown-account", "missing-exe", "unknown-rule"}
BAILIFF = ""


def bailiff(*args):
    done = subprocess.run([BAILIFF, *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def part_of(value):
    """The key of a policy below which an object stands."""
    for key, wanted in (("profiles", "allow"), ("tests", "expect"), ("rules", "action"), ("adjust", "rule")):
        if wanted in value:
            return key
    raise ValueError(f"what is this: {value}")


def read_block(text):
    """A whole policy, and whether the block was one."""
    text = text.strip()
    if re.match(r'"(%s)":' % "|".join(PARTS), text):
        return {"bailiff": 1, **json.loads("{%s}" % text.rstrip(","))}, False
    try:
        values = [json.loads(text)]
    except json.JSONDecodeError:
        values = json.loads("[%s]" % text.rstrip(","))
    if "bailiff" in values[0]:
        return values[0], True
    policy = {"bailiff": 1}
    for value in values:
        policy.setdefault(part_of(value), []).append(value)
    return policy, False


def blocks(page):
    """(line, label, policy, whether it is a whole one, its text)"""
    text = page.read_text()
    for found in BLOCK.finditer(text):
        if not found[2] and not re.match(r'\s*[{"]', found[3]):
            continue
        line = text.count("\n", 0, found.start(3)) + 1
        yield line, found[1] or "", *read_block(found[3]), found[3]


def write(folder, name, policy, whole, text):
    path = folder / f"{name}.json"
    # Whole policies as they stand, so that what the reader copies is what is tried.
    path.write_text(textwrap.dedent(text) if whole else json.dumps(policy))
    return path


def judge(files, whole):
    """What is wrong with the policies of a block."""
    _, out = bailiff("check", "--json", *files)
    for each in json.loads(out)["diagnostics"]:
        if each["level"] == "note" or (not whole and each["code"] in FOREIGN) or each["code"] in ("unknown-account", "missing-exe"):
            continue
        yield f"{each['code']}: {each['message']}"


def check_page(page, folder):
    named = {"packs": ROOT / "rules"}
    for line, label, policy, whole, text in blocks(page):
        name, _, others = label.partition(" with ")
        others = others.split()
        missing = [other for other in others if other not in named]
        file = write(folder, name or f"{page.stem}-{line}", policy, whole, text)
        files = [named[other] for other in others if other in named] + [file]
        found = [f"no block above is called {other}" for other in missing] + list(judge(files, whole))
        if name:
            named[name] = file
            found += [f"not in the canonical layout: {path}" for path in bailiff("fmt", "--check", file)[1].splitlines()]
            code, out = bailiff("test", *files)
            if code != 0 or "1..0" in out:
                found.append(f"its tests: exit code {code}: {out}")
        yield f"{page.relative_to(ROOT)}:{line} {label or 'a ' + ('policy' if whole else 'part of one')}", found


def main():
    global BAILIFF
    BAILIFF = sys.argv[1]
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for page in PAGES:
            results += check_page(page, pathlib.Path(folder))
    taught = {what.split()[1] for what, _ in results if what.startswith("docs/policy.md")}
    wanted = {"first-rule", "lists", "exceptions", "profile", "vendor", "site", "testing", "monitor", "enforce"}
    results.append(("what docs/policy.md teaches", [f"nothing is called {each}" for each in wanted - taught]))
    print(f"1..{len(results)}")
    for number, (what, found) in enumerate(results, 1):
        print(*[f"# {line}" for each in found for line in each.splitlines()],
              f"{'not ok' if found else 'ok'} {number} - {what}", sep="\n")
    return any(found for _, found in results)


if __name__ == "__main__":
    sys.exit(main())
