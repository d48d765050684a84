#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped rules: complete, tested in their files, good in each set that an administrator can make of the packs, and
docs/rules.md says the same. Prints TAP.

    rules_check.py path/to/bailiff
"""

import json
import pathlib
import subprocess
import sys
import traceback

sys.dont_write_bytecode = True  # the source folder is not ours to write to
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "rules"), str(ROOT / "tests/guest/programs")]

import intrusions  # noqa: E402
import page  # noqa: E402

LISTS = ROOT / "rules/40-lists.json"
NOTES = ("description", "false-positives", "tuning", "message", "attack", "severity")
BAILIFF = ""


def check(*files):
    """What is wrong with a set of files: one is masked, so lists may have no user."""
    done = subprocess.run([BAILIFF, "check", "--json", *map(str, files)], capture_output=True, text=True, timeout=300, check=False)
    told = json.loads(done.stdout)["diagnostics"]
    return [f"{each['file']}:{each.get('line')}: {each['message']}" for each in told if each["level"] == "error" or (
        each["level"] == "warning" and each["code"] not in ("unused-list", "unknown-account"))]


def test_each_rule_is_complete():
    for path, policy in page.packs():
        assert policy["mode"] == "monitor", path
        for rule in policy["rules"]:
            missing = [note for note in NOTES if not rule.get(note)]
            assert not missing, f"{rule['id']} lacks {missing}"
            assert rule["action"] == "alert" and rule["id"].startswith(policy["name"].split("-")[0] + "-"), rule["id"]
            for name in "message", "description", "false-positives", "tuning":
                assert rule[name] == rule[name].strip() and "\n" not in rule[name], f"{rule['id']}: {name}"
        by_rule = {rule["id"]: 0 for rule in policy["rules"]}
        silent = 0
        for test in policy["tests"]:
            if test["expect"] == "alert":
                by_rule[test["rule"]] += 1
            else:
                silent += 1
        assert all(by_rule.values()), [rule for rule, count in by_rule.items() if not count]
        assert silent >= len(by_rule), f"{path.name}: {silent} tests of silence for {len(by_rule)} rules"


def test_each_rule_has_an_action():
    ids = [rule["id"] for _, policy in page.packs() for rule in policy["rules"]]
    assert sorted(ids) == sorted(intrusions.ACTIONS), set(ids) ^ set(intrusions.ACTIONS)


def test_each_pack_alone():
    for path, _ in page.packs():
        wrong = check(LISTS, path)
        assert not wrong, f"{path.name}: {wrong}"


def test_without_each_pack():
    paths = [path for path, _ in page.packs()]
    for left_out in paths:
        wrong = check(LISTS, *[path for path in paths if path != left_out])
        assert not wrong, f"without {left_out.name}: {wrong}"


def test_page():
    assert page.PAGE.read_text() == page.page(), "docs/rules.md is old: rules/page.py > docs/rules.md"


def main():
    global BAILIFF
    BAILIFF = sys.argv[1]
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name[5:].replace('_', ' ')}")
        except Exception:
            failed += 1
            print(f"not ok {number} - {name[5:].replace('_', ' ')}")
            print("# " + traceback.format_exc().strip().replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
