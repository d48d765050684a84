#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fields of events: docs/events.md, audit/ and the message catalog say the same, and a schema keeps what it promised.

Prints TAP. `fields_check.py --schema` prints the promise of the documentation as it is, for tests/unit/siem/schema-N.json.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs/events.md").read_text()
FIELDS_C = (ROOT / "audit/fields.c").read_text()
REPORT_C = (ROOT / "audit/report.c").read_text()
MESSAGE_C = (ROOT / "audit/message.c").read_text()
CATALOG = (ROOT / "packaging/bailiff.catalog").read_text()
TYPES = {"text", "number", "words", "number, text"}
SOURCES, STABILITIES = {"kernel", "cgroup", "policy", "daemon"}, {"stable", "grows", "kernel"}


def tables(text, columns):
    """The rows of tables of so many columns whose first cell names fields; a suffix _HEX stands for the field's own."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        names = re.findall(r"\b[A-Z][A-Z0-9_]*[A-Z0-9]\b|_HEX\b", cells[0]) if len(cells) == columns else []
        if names and cells[0] not in ("field", "message"):
            own = [name for name in names if name != "_HEX"]
            yield own + [f"{name}_HEX" for name in own if "_HEX" in names and not name.endswith("_HEX")], cells[1:]


def section(start, end):
    return DOCS[DOCS.index(start):DOCS.index(end)]


def documented_verdict():
    """name -> (type, source, stability, meaning, how often)"""
    found = {}
    for names, cells in tables(section("## Fields of a verdict", "## Fields of the daemon"), 6):
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append((cells[0], cells[2], cells[3], cells[4]))
    return found


def documented_daemon():
    found = {}
    for names, cells in tables(section("## Fields of the daemon", "## Are they all there?"), 3):
        kinds = cells[0].split(", ") if "," in cells[0] else [cells[0]] * len(names)
        found.update({name: (kind, cells[1]) for name, kind in zip(names, kinds)})
    return found


def made_verdict():
    """name -> the function that puts it, and the names of hexadecimal ones."""
    table = FIELDS_C[FIELDS_C.index("static const struct field fields[]"):]
    table = table[:table.index("\n};")]
    rows = re.findall(r'\{\s*"(\w+)",\s*((?:bl_)?put_\w+),[^{}]*?(NULL|"\w+")\s*\}', table)
    assert len(rows) == table.count("{ \"") and len(rows) > 40, "the table of fields reads otherwise now"
    return {name: put for name, put, _ in rows}, {hexed.strip('"') for _, _, hexed in rows if hexed != "NULL"}


def number_putters():
    body = FIELDS_C[FIELDS_C.index("bool bl_fields_is_number"):]
    return set(re.findall(r"== (put_\w+)", body))


def made_daemon():
    names = set(re.findall(r'"(BAILIFF_\w+)"', REPORT_C))
    numbers = set(re.findall(r'(?:put_number|bl_entry_uint)\([^;]*?"(BAILIFF_\w+)"', REPORT_C))
    numbers |= {name for name in names if name.startswith(("BAILIFF_LOST_", "BAILIFF_KERNEL_"))} - {"BAILIFF_KERNEL"}
    return names, numbers


def ids_of(text):
    return set(re.findall(r"\b[0-9a-f]{32}\b", text))


def word_lists():
    """Fields that bailiff events -o json shows as arrays."""
    show = (ROOT / "audit/show.c").read_text()
    body = show[show.index("static bool is_list("):show.index("static void put_value(")]
    return set(re.findall(r'"(BAILIFF_\w+)"', body))


def check_types(docs, made, hexed):
    numbers = number_putters()
    for name, put in made.items():
        kind = docs.get(name, [("?",)])[0][0]
        if name.startswith("BAILIFF_") and (kind == "number") != (put in numbers):
            yield f"{name} is {kind}, and {put} makes it otherwise"
    for name in word_lists():
        if docs.get(name, [("?",)])[0][0] != "words":
            yield f"{name} is shown as an array, and is documented as {docs.get(name)}"
    yield from (f"{name} is no text" for name in hexed if docs.get(name, [("?",)])[0][0] != "text")


def check_catalog(docs, daemon):
    known = docs.keys() | daemon.keys()
    for name in re.findall(r"@(\w+)@", CATALOG):
        if name not in known:
            yield f"the catalog shows @{name}@"
    heads = re.findall(r"^-- (\w+)$", CATALOG, re.M)
    yield from (f"the catalog has {each} twice" for each in set(heads) if heads.count(each) > 1)
    yield from (f"no catalog entry for {each}" for each in ids_of(MESSAGE_C) - set(heads))
    yield from (f"a catalog entry for {each}, which is no message" for each in set(heads) - ids_of(MESSAGE_C))


def check_ids():
    table = section("## MESSAGE_ID", "## PRIORITY")
    yield from (f"{each} is not in the documentation" for each in ids_of(MESSAGE_C) - ids_of(table))
    yield from (f"{each} is documented and is no message" for each in ids_of(table) - ids_of(MESSAGE_C))


def schema_number():
    return int(re.search(r"#define BL_EVENT_SCHEMA (\d+)", (ROOT / "audit/fields.h").read_text())[1])


def promise():
    fields = {name: {"type": rows[0][0], "stability": rows[0][2]} for name, rows in documented_verdict().items()}
    fields.update({name: {"type": kind, "stability": "stable"} for name, (kind, _) in documented_daemon().items() if name not in fields})
    return {"schema": schema_number(), "fields": dict(sorted(fields.items())), "messages": sorted(ids_of(MESSAGE_C))}


def check_promise():
    """What a version of the schema has once had is there as long as it is that version; what is new is written down."""
    path = ROOT / f"tests/unit/siem/schema-{schema_number()}.json"
    if not path.exists():
        yield f"{path.name} is missing: write it with fields_check.py --schema"
        return
    kept, now = json.loads(path.read_text()), promise()
    for name, what in kept["fields"].items():
        if now["fields"].get(name) != what:
            yield f"{name} was {what} and is {now['fields'].get(name)}: that is another schema (BL_EVENT_SCHEMA)"
    yield from (f"{name} is new: add it to {path.name} (fields_check.py --schema)" for name in now["fields"].keys() - kept["fields"].keys())
    yield from (f"the message {each} is gone" for each in set(kept["messages"]) - set(now["messages"]))
    yield from (f"the message {each} is new: add it to {path.name}" for each in set(now["messages"]) - set(kept["messages"]))


def main():
    docs, daemon = documented_verdict(), documented_daemon()
    made, hexed = made_verdict()
    names, numbers = made_daemon()
    everything = made.keys() | hexed
    checks = {
        "every field of a verdict is documented": sorted(everything - docs.keys()),
        "every documented field of a verdict is made": sorted(docs.keys() - everything),
        "no field is documented twice": [name for name, rows in docs.items() if len(rows) > 1],
        "each has a type, a source, a stability and a meaning": [
            f"{name}: {row}" for name, rows in docs.items() for row in rows
            if not (row[0] in TYPES and row[1] in SOURCES and row[2] in STABILITIES and row[3])],
        "types are those that are made": list(check_types(docs, made, hexed)),
        "every field of the daemon's own messages is documented": sorted(names - daemon.keys() - docs.keys()),
        "every documented one of these is made": sorted(daemon.keys() - names),
        "their types are those that are made": [name for name in names & daemon.keys() if (daemon[name][0] == "number") != (name in numbers)],
        "message ids are documented": list(check_ids()),
        "the catalog has every message and shows fields that there are": list(check_catalog(docs, daemon)),
        "the schema's number is documented": [] if f"version of this list: {schema_number()} " in DOCS else [schema_number()],
        "the schema keeps what it promised": list(check_promise()),
    }
    print(f"1..{len(checks)}")
    for number, (what, found) in enumerate(checks.items(), 1):
        print(*[f"# {each}" for each in found], f"{'not ok' if found else 'ok'} {number} - {what}", sep="\n")
    return any(checks.values())


if __name__ == "__main__":
    if sys.argv[1:] == ["--schema"]:
        print(json.dumps(promise(), indent=1))
        sys.exit()
    sys.exit(main())
