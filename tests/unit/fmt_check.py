#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff fmt: nothing is lost, the meaning stays, and what is formatted stays as it is. Prints TAP.

    fmt_check.py path/to/bailiff [--seed N] [--policies N]
"""

import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source folder is not ours to write to
from made_policies import ROOT, make_policy, run_tests  # noqa: E402

GOOD, FINDINGS, USAGE, _, RIGHT = range(5)
COLUMNS = 100
BAILIFF = ""


def bailiff(*args, stdin=b""):
    done = subprocess.run([BAILIFF, *map(str, args)], input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode >= 0, f"killed by signal {-done.returncode}"
    return done


def fmt(text):
    done = bailiff("fmt", "-", stdin=text.encode())
    assert done.returncode == GOOD, done.stderr.decode()
    return done.stdout.decode()


def expect(done, code, *texts):
    assert done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stderr}"
    for text in texts:
        assert text.encode() in done.stdout + done.stderr, f"no '{text}' in: {done.stdout}{done.stderr}"
    return done


def read(text):
    """A document with its numbers as they are written."""
    return json.loads(text, parse_int=lambda digits: f"number {digits}", parse_float=lambda digits: f"number {digits}")


# ---- generated policies ---------------------------------------------------------------------------


def shuffled(value, rng):
    """The same with the keys of objects in another order."""
    if isinstance(value, list):
        return [shuffled(each, rng) for each in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    rng.shuffle(keys)
    return {key: shuffled(value[key], rng) for key in keys}


def orders(node, found):
    """The orders of keys that the schema has, by the set of keys."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            found.append(list(node["properties"]))
        for each in node.values():
            orders(each, found)
    elif isinstance(node, list):
        for each in node:
            orders(each, found)
    return found


def check_order(value, known):
    """Keys stand as some object of the schema has them."""
    if isinstance(value, dict):
        keys = list(value)
        assert any(set(keys) <= set(order) and sorted(keys, key=order.index) == keys for order in known), f"order of {keys}"
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_order(each, known)


def check_text(text, known):
    before = read(text)
    out = fmt(text)
    after = read(out)
    assert before == after, "a value has changed"
    assert list(before.get("lists", {})) == list(after.get("lists", {})), "the order of lists has changed"
    assert fmt(out) == out, "what is formatted comes out otherwise"
    check_order({key: each for key, each in after.items() if key != "lists"}, known)
    for line in out.splitlines():
        assert len(line) <= COLUMNS or line.count('"') <= 4, f"a line of {len(line)} columns: {line}"
    return out


def digest(texts, folder):
    files = []
    for i, text in enumerate(texts):
        files.append(folder / f"file{i}.json")
        files[-1].write_text(text)
    found = json.loads(bailiff("check", "--json", *files).stdout)
    errors = sorted(each["code"] for each in found["diagnostics"] if each["level"] == "error" and each["code"] != "test-failed")
    return found.get("tables", {}).get("digest"), errors


def check_policy(seed, index, known):
    """Returns whether it was compiled."""
    rng = random.Random(f"{seed}/fmt/{index}")
    texts = [json.dumps(shuffled(document, rng), indent=rng.choice([None, 1, 7]), ensure_ascii=rng.random() < 0.5)
             for document in make_policy(seed, index)]
    formatted = [check_text(text, known) for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        before, after = digest(texts, pathlib.Path(folder)), digest(formatted, pathlib.Path(folder))
    assert before == after, f"it means something else: {before} {after}"
    return before[0] is not None


def test_generated(_, args):
    known = orders(json.loads(bailiff("schema").stdout), [])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = list(pool.map(lambda index: check_policy(args.seed, index, known), range(args.policies)))
    assert sum(compiled) > args.policies / 2, f"only {sum(compiled)} were compiled"


# ---- texts ----------------------------------------------------------------------------------------


def test_strings_keep_their_characters(_, args):
    for text in ["\\u00e9 \u00e9 \\/ / \\u0041", "\\ud83d\\ude00\U0001f600", "\\\"\\\\", "\\u200b\\u202e\\u2066\\ufeff\\u00ad",
                 "\u200b\u202e\U000e0041", "\\t\\n", "\ufffd\uffff", "\\ue000"]:
        out = fmt('{"bailiff": 1, "description": "%s"}' % text)
        assert json.loads(out)["description"] == json.loads(f'"{text}"'), text
        # What can't be seen, or turns the text around, can be seen.
        assert not set(out) & set("\u200b\u202e\u2066\ufeff\u00ad\U000e0041\x7f"), text
    assert '"\u00e9 \u00e9 / / A"' in fmt('{"bailiff": 1, "description": "\\u00e9 \u00e9 \\/ / \\u0041"}')


def test_numbers_keep_their_digits(_, args):
    numbers = ["0", "-0", "1e3", "1E+3", "0.10", "10000000000000000000000000000001", "1.0", "-1.5e-7"]
    out = fmt('{"bailiff": 1, "lists": {"odd": [%s]}}' % ",".join(numbers))
    assert f'"odd": [{", ".join(numbers)}]' in out, out


def test_long_values_are_broken(_, args):
    paths = [f"/usr/bin/program-{i}" for i in range(9)]
    out = check_text(json.dumps({"bailiff": 1, "rules": [{"id": "a", "on": "exec", "action": "deny", "path": paths}]}),
                     orders(json.loads(bailiff("schema").stdout), []))
    assert '        "/usr/bin/program-0",\n' in out
    assert fmt('{"rules":[],"bailiff":1,"lists":{}}') == '{\n  "bailiff": 1,\n  "lists": {},\n  "rules": []\n}\n'


def test_shipped_policies_are_formatted(_, args):
    expect(bailiff("fmt", "--check", ROOT / "rules"), GOOD)


# ---- files ----------------------------------------------------------------------------------------

UGLY = '{"rules":[{"action":"deny","path":"/x","on":"open","id":"a"}],"bailiff":1}'


def test_in_place(tmp, args):
    file = tmp / "a.json"
    file.write_text(UGLY)
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12, 34)
    try:
        os.setxattr(file, "user.kept", b"yes")
    except OSError:
        print("# no user attributes here")
    before = file.stat()
    expect(bailiff("fmt", file), GOOD, "a.json")
    after = file.stat()
    assert file.read_text() == fmt(UGLY)
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.listxattr(file) == [] or os.getxattr(file, "user.kept") == b"yes"
    assert after.st_ino != before.st_ino, "readers could see half of it"
    assert not expect(bailiff("fmt", file), GOOD).stdout
    assert file.stat().st_ino == after.st_ino and os.listdir(tmp) == ["a.json"]


def test_check_changes_nothing(tmp, args):
    (tmp / "a.json").write_text(UGLY)
    (tmp / "b.json").write_text(fmt(UGLY))
    done = expect(bailiff("fmt", "--check", tmp), FINDINGS, "a.json")
    assert b"b.json" not in done.stdout and (tmp / "a.json").read_text() == UGLY
    value = json.loads(expect(bailiff("fmt", "--check", "--json", tmp), FINDINGS).stdout)
    assert [(pathlib.Path(each["file"]).name, each["changed"]) for each in value["files"]] == [("a.json", True), ("b.json", False)]
    assert value["ok"] is False and value["diagnostics"] == []


def test_faulty_file_is_left_alone(tmp, args):
    for text, code in [("{", "truncated"), ('{"bailiff":1,"bailiff":1}', "duplicate-key"), ('{"bailiff":1,"x":2}', "unknown-key"),
                       (UGLY.replace("deny", "deyn"), "unknown-value")]:
        file = tmp / "a.json"
        file.write_text(text)
        expect(bailiff("fmt", file), FINDINGS, f"[{code}]", "a.json:1:")
        assert file.read_text() == text
        expect(bailiff("fmt", "-", stdin=text.encode()), FINDINGS, f"[{code}]")
        value = json.loads(expect(bailiff("fmt", "--json", file), FINDINGS).stdout)
        assert [each["code"] for each in value["diagnostics"]] == [code]
    (tmp / "b.json").write_text(UGLY)
    expect(bailiff("fmt", tmp), FINDINGS, "[unknown-value]")
    assert (tmp / "b.json").read_text() == fmt(UGLY), "the others are formatted"


def test_what_other_files_bring_is_no_fault(tmp, args):
    file = tmp / "a.json"
    file.write_text(UGLY.replace('"/x"', '["@theirs", "@file:/nowhere/x"]').replace(
        '"bailiff":1', '"bailiff":1,"tests":[{"on":"open","path":"/x","expect":"deny","rule":"theirs","by":{"uid":"nobody-here"}}]'))
    expect(bailiff("fmt", file), GOOD, "a.json")
    assert '"@theirs"' in file.read_text()


def test_links(tmp, args):
    (tmp / "real").mkdir()
    (tmp / "real/a.json").write_text(UGLY)
    (tmp / "b.json").symlink_to("real/a.json")
    (tmp / "off.json").symlink_to("/dev/null")
    expect(bailiff("fmt", tmp), GOOD, "b.json")
    assert (tmp / "b.json").is_symlink() and (tmp / "real/a.json").read_text() == fmt(UGLY)
    (tmp / "c.json").write_text(UGLY)
    os.link(tmp / "c.json", tmp / "d.json")
    expect(bailiff("fmt", tmp / "c.json"), RIGHT, "several names")
    assert (tmp / "c.json").read_text() == UGLY and sorted(os.listdir(tmp)) == ["b.json", "c.json", "d.json", "off.json", "real"]


def test_usage(tmp, args):
    expect(bailiff("fmt"), USAGE, "needs files")
    expect(bailiff("fmt", tmp / "none.json"), USAGE, "none.json")
    expect(bailiff("fmt", "--json", "-", stdin=UGLY.encode()), USAGE)
    expect(bailiff("fmt", "--check", "-", stdin=UGLY.encode()), FINDINGS)


if __name__ == "__main__":
    sys.exit(run_tests(globals(), 150))
