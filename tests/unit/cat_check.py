#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff cat: what it prints is what is in force, and where it says. Prints TAP.

    cat_check.py path/to/bailiff [--seed N] [--policies N]
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source folder is not ours to write to
from made_policies import ROOT, make_policy, run_tests  # noqa: E402

GOOD, FINDINGS, USAGE = range(3)
BAILIFF = ""


def bailiff(*args):
    done = subprocess.run([BAILIFF, *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode >= 0, f"killed by signal {-done.returncode}"
    return done


def expect(done, code, *texts):
    assert done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stderr}"
    for text in texts:
        assert text in done.stdout + done.stderr, f"no '{text}' in: {done.stdout}{done.stderr}"
    return done


def document(*args):
    return json.loads(expect(bailiff("cat", "--json", *args), GOOD).stdout)


def write(folder, name, value):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1))
    return path


def digest(files):
    return json.loads(bailiff("check", "--json", *files).stdout).get("tables", {}).get("digest")


# ---- what is in force -----------------------------------------------------------------------------


def as_policies(rules, folder):
    """What cat prints as policies of their own, in the same order."""
    files = []
    for each in rules:
        top = {"bailiff": 1, "name": each["policy"], "mode": each["mode"]}
        if not files or {key: files[-1][key] for key in top} != top:
            files.append({**top, "rules": []})
        files[-1]["rules"].append(each["rule"])
    return [write(folder, f"printed{i}.json", file) for i, file in enumerate(files)]


def check_policy(seed, index):
    """Returns whether there was something to compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        documents = make_policy(seed, index)
        for each in documents:
            each.pop("tests", None)
        files = [write(folder, f"made{i}.json", each) for i, each in enumerate(documents)]
        before = digest(files)
        if before is None:
            return False
        shown = document(*files)
        if not shown["rules"]:
            return False
        printed = as_policies(shown["rules"], folder)
        after = digest(printed)
        assert before == after, f"policy {index}: what is printed means something else: {printed[0].read_text()[:3000]}"
        check_places(shown, files)
        expect(bailiff("cat", *files), GOOD)
    return True


def check_places(shown, files):
    """The line of a rule is where its object begins, and what its pointer leads to has its id."""
    texts = {str(file): file.read_text() for file in files}
    for each in shown["rules"] + shown["removed"]:
        line = texts[each["file"]].splitlines()[each["line"] - 1]
        assert line[each["column"] - 1] == "{", line
        _, part, number = each["pointer"].split("/")
        found = json.loads(texts[each["file"]])[part][int(number)]
        assert each["rule"]["id"] == found["id"] or each["rule"]["id"].startswith(found["id"] + "/")
        assert len(each["exceptions"]) == len(each["rule"].get("unless", [])) or isinstance(each["rule"]["unless"], dict)


def test_generated(_, args):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        compared = list(pool.map(lambda index: check_policy(args.seed, index), range(args.policies)))
    assert sum(compared) > args.policies * 0.8, f"only {sum(compared)} were compared"


def test_shipped(_, args):
    files = sorted((ROOT / "rules").glob("*.json"))
    rules = [rule for path in files for rule in json.loads(path.read_text()).get("rules", [])]
    shown = document(ROOT / "rules")["rules"]
    assert [each["rule"]["id"] for each in shown] == [each["id"] for each in rules]


# ---- where it comes from --------------------------------------------------------------------------

VENDOR = {"bailiff": 1, "name": "vendor", "rules": [
    {"id": "a", "on": "open", "path": "@secret", "action": "deny", "unless": {"by": {"uid": 7}}},
    {"id": "b", "on": "open", "path": "/b", "action": "deny"},
    {"id": "c", "on": "connect", "to": "@file:/etc/bailiff/hosts", "action": "deny"}],
    "lists": {"secret": ["/srv/secret", "/srv/keys/**"]}}
OURS = {"bailiff": 1, "mode": "enforce", "adjust": [
    {"rule": "a", "action": "alert", "unless": {"by": {"uid": 1}}}, {"rule": "b", "enabled": False}]}


def installed(tmp):
    tmp.chmod(0o755)
    write(tmp, "usr/share/bailiff/policy.d/10-vendor.json", VENDOR)
    write(tmp, "usr/share/bailiff/policy.d/20-masked.json", {"bailiff": 1, "rules": [{**VENDOR["rules"][1], "id": "x"}]})
    write(tmp, "usr/share/bailiff/policy.d/30-off.json", "not looked at")
    write(tmp, "etc/bailiff/policy.d/20-masked.json", {"bailiff": 1})
    (tmp / "etc/bailiff/policy.d/30-off.json").symlink_to("/dev/null")
    write(tmp, "etc/bailiff/policy.d/90-ours.json", OURS)
    write(tmp, "etc/bailiff/hosts", "# none\n")


def test_origins(tmp, args):
    installed(tmp)
    shown = document("--root", tmp)
    vendor, ours, etc = "/usr/share/bailiff/policy.d", "/etc/bailiff/policy.d/90-ours.json", "/etc/bailiff/policy.d"
    assert [each["file"] for each in shown["files"]] == [f"{vendor}/10-vendor.json", f"{etc}/20-masked.json", ours]
    assert [each["mode"] for each in shown["files"]] == ["monitor", "monitor", "enforce"]
    assert shown["masked"] == [{"file": f"{vendor}/{name}", "by": f"{etc}/{name}"} for name in ("20-masked.json", "30-off.json")]
    assert shown["disabled"] == [f"{etc}/30-off.json"]
    [rule] = shown["rules"]
    assert rule["rule"] == {"id": "a", "on": "open", "path": ["/srv/secret", "/srv/keys/**"], "severity": "medium",
                            "unless": [{"by": {"uid": 7}}, {"by": {"uid": 1}}], "action": "alert"}
    assert rule["file"] == f"{vendor}/10-vendor.json" and rule["policy"] == "vendor" and rule["mode"] == "monitor"
    assert [each["file"] for each in rule["exceptions"]] == [f"{vendor}/10-vendor.json", ours]
    assert rule["action"]["file"] == ours and rule["action"]["line"] == 7
    assert {each["rule"]["id"]: each.get("disabled", {}).get("file") for each in shown["removed"]} == {"b": ours, "c": None}


def test_origins_as_text(tmp, args):
    installed(tmp)
    vendor = "/usr/share/bailiff/policy.d"
    done = expect(bailiff("cat", "--root", tmp), GOOD, f'# {vendor}/10-vendor.json: policy "vendor", mode monitor\n',
                  f"# /etc/bailiff/policy.d/20-masked.json: policy \"20-masked\", mode monitor\n#   in place of {vendor}/20-masked.json\n",
                  "# /etc/bailiff/policy.d/30-off.json: leads to /dev/null", f"#   in place of {vendor}/30-off.json\n",
                  f"\n# {vendor}/10-vendor.json:5\n#   its action is of /etc/bailiff/policy.d/90-ours.json:7\n"
                  "#   its exception 2 is of /etc/bailiff/policy.d/90-ours.json:8\n{\n  \"id\": \"a\",\n",
                  '"b" is not in force: disabled by /etc/bailiff/policy.d/90-ours.json:14',
                  '"c" is not in force: a file of entries')
    assert '"id": "x"' not in done.stdout


def test_errors(tmp, args):
    expect(bailiff("cat", write(tmp, "a.json", "{")), FINDINGS, "[truncated]")
    expect(bailiff("cat", tmp / "none.json"), USAGE)
    assert json.loads(expect(bailiff("cat", "--json", tmp / "a.json"), FINDINGS).stdout)["ok"] is False
    expect(bailiff("cat", "--root", tmp), GOOD)


if __name__ == "__main__":
    sys.exit(run_tests(globals(), 150))
