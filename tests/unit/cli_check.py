#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tool on the command line: exit codes, and that --json is JSON with what it promises.

    cli_check.py path/to/bailiff
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

GOOD, FINDINGS, USAGE, KERNEL, RIGHT = range(5)
BAILIFF = ""

RULE = {"id": "no-secret", "on": "open", "path": "/srv/secret", "action": "deny"}
TESTS = [{"on": "open", "path": "/srv/secret", "access": "read", "expect": "deny",
          "rule": "no-secret"},
         {"on": "open", "path": "/srv/other", "access": "read", "expect": "allow"}]


class NotHere(Exception):
    """This test needs what the machine has not."""


def bailiff(*args, env=None, stdin=""):
    done = subprocess.run([BAILIFF, *map(str, args)], capture_output=True, text=True, timeout=60,
                          input=stdin, env={**os.environ, "LC_ALL": "C", **(env or {})})
    assert "\033" not in done.stdout + done.stderr, "colours without a terminal"
    assert done.returncode >= 0, f"killed by signal {-done.returncode}"
    return done


def expect(done, code, *texts):
    assert done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stderr}"
    for text in texts:
        assert text in done.stdout + done.stderr, f"no '{text}' in: {done.stdout}{done.stderr}"
    return done


def document(done, code):
    expect(done, code)
    value = json.loads(done.stdout)
    assert value["schema"] == 1
    return value


def policy(rules=None, tests=None, **more):
    return {"bailiff": 1, "mode": "enforce", "rules": [RULE] if rules is None else rules,
            "tests": TESTS if tests is None else tests, **more}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1))
    return path


# ---- the tool as such --------------------------------------------------------------------------

def test_no_command(_):
    expect(bailiff(), USAGE, "Usage:")


def test_help_of_everything(_):
    listed = expect(bailiff("--help"), GOOD, "Usage:").stdout
    for command in ("check", "explain", "diff", "cat", "fmt", "schema", "status", "rules", "reload", "events", "replay", "report", "top", "metrics", "doctor"):
        assert f"  {command} " in listed
        shown = expect(bailiff(command, "--help"), GOOD, f"Usage: bailiff {command}")
        assert "--json" in shown.stdout and not shown.stderr


def test_version(_):
    expect(bailiff("--version"), GOOD, "bailiff 0.")


def test_unknown_command(_):
    expect(bailiff("statsu"), USAGE, "did you mean 'status'?")
    expect(bailiff("\033[2Jx"), USAGE, "\\x1b[2Jx")


def test_unknown_option(_):
    for command in ("check", "explain", "diff", "cat", "fmt", "schema", "status", "rules", "reload", "events", "replay", "report", "top", "metrics", "doctor"):
        expect(bailiff(command, "--nonsense"), USAGE, f"bailiff {command} --help")


def test_superfluous_arguments(_):
    for command in ("schema", "status", "rules", "reload", "events", "report", "top", "metrics", "doctor"):
        expect(bailiff(command, "more"), USAGE, "takes no argument 'more'")


# ---- check -------------------------------------------------------------------------------------

def test_good_policy(tmp):
    file = write(tmp / "a.json", policy())
    shown = expect(bailiff("check", file), GOOD, "1 rules in 1 files", "2 tests, 0 failed",
                   "digest: ")
    assert not shown.stderr


def test_good_policy_json(tmp):
    file = write(tmp / "a.json", policy())
    value = document(bailiff("check", "--json", file), GOOD)
    assert value["ok"] is True and value["rules"] == 1 and value["errors"] == 0
    assert value["files"] == [str(file)]
    assert value["tests"] == {"run": 2, "failed": 0}
    assert len(value["tables"]["digest"]) == 64 and value["tables"]["bytes"] % 65536 == 0


def test_digest_follows_meaning(tmp):
    one = document(bailiff("check", "--json", write(tmp / "a.json", policy())), GOOD)
    same = document(bailiff("check", "--json",
                            write(tmp / "b.json", json.dumps(policy(name="a")))), GOOD)
    other = document(bailiff("check", "--json",
                             write(tmp / "c.json", policy([{**RULE, "path": "/srv/else"}], []))),
                     GOOD)
    assert one["tables"]["digest"] != other["tables"]["digest"]
    assert len(same["tables"]["digest"]) == 64


def test_from_standard_input(_):
    expect(bailiff("check", "-", stdin=json.dumps(policy())), GOOD, "1 rules")
    expect(bailiff("check", "-", stdin="{"), FINDINGS, "-:1:")


def test_directory(tmp):
    write(tmp / "d/a.json", policy())
    write(tmp / "d/b.json", policy([{**RULE, "id": "second"}], []))
    write(tmp / "d/notes.txt", "no policy")
    expect(bailiff("check", tmp / "d"), GOOD, "2 rules in 2 files")


def test_installed(tmp):
    write(tmp / "usr/share/bailiff/policy.d/a.json", "broken")
    write(tmp / "etc/bailiff/policy.d/a.json", policy())
    expect(bailiff("check", "--root", tmp), GOOD, "1 rules in 1 files")
    (tmp / "etc/bailiff/policy.d/a.json").unlink()
    expect(bailiff("check", "--root", tmp), FINDINGS, "/usr/share/bailiff/policy.d/a.json:1:")


def test_nothing_installed(tmp):
    expect(bailiff("check", "--root", tmp), GOOD, "0 rules in 0 files")


def test_errors_point(tmp):
    text = json.dumps(policy([{**RULE, "acton": "deny"}], []), indent=1)
    file = write(tmp / "a.json", text)
    line = next(i for i, line in enumerate(text.split("\n"), 1) if "acton" in line)
    expect(bailiff("check", file), FINDINGS, f"{file}:{line}:", "error:", "acton", "action")
    value = document(bailiff("check", "--json", file), FINDINGS)
    assert value["ok"] is False and "tables" not in value
    found = value["diagnostics"][0]
    assert found["level"] == "error" and found["line"] == line and found["file"] == str(file)
    assert found["pointer"].startswith("/rules/0")


def test_every_error_is_shown(tmp):
    rules = [{**RULE, "id": "a", "action": "dney"}, {**RULE, "id": "b", "on": "opne"}]
    value = document(bailiff("check", "--json", write(tmp / "a.json", policy(rules, []))), FINDINGS)
    assert value["errors"] == 2


def test_failing_test(tmp):
    tests = [{**TESTS[0], "expect": "allow", "rule": "no-secret"}, TESTS[1]]
    del tests[0]["rule"]
    file = write(tmp / "a.json", policy(tests=tests))
    expect(bailiff("check", file), FINDINGS, "expected allow, is deny by 'no-secret'",
           "2 tests, 1 failed")
    value = document(bailiff("check", "--json", file), FINDINGS)
    assert value["tests"] == {"run": 2, "failed": 1}
    found = [d for d in value["diagnostics"] if d["code"] == "test-failed"]
    assert len(found) == 1 and found[0]["line"] > 1


def test_an_adjusted_rule_is_no_failure(tmp):
    vendor = write(tmp / "a.json", policy(tests=[{**TESTS[0], "rule": "no-secret"}]))
    by = {"disabled": {"enabled": False}, "action": {"action": "alert"}, "unless": {"unless": {"by": {"uid": "0-9"}}}}
    for name, change in by.items():
        site = {"bailiff": 1, "adjust": [{"rule": "no-secret", **change}]}
        file = write(tmp / f"{name}.json", site)
        expect(bailiff("check", "--strict", vendor, file), GOOD, "test-adjusted", f"as {file}:", "0 failed, 1 adjusted")
        expect(bailiff("test", vendor, file), GOOD, "ok 1", f"# SKIP otherwise by {file}:")
        # The adjusting file's own expectations are as good as any.
        own = write(tmp / f"{name}.json", {**site, "tests": [{**TESTS[0], "rule": "no-secret"}]})
        expect(bailiff("check", vendor, own), FINDINGS, "2 tests, 1 failed, 1 adjusted")
        expect(bailiff("test", vendor, own), FINDINGS, "not ok 2")


def test_a_package_s_tests_and_my_rules(tmp):
    """What a package expects is no reproach to the administrator's rules, and what he expects is one to the package's."""
    alert = {**RULE, "action": "alert"}
    seen = {**TESTS[0], "expect": "alert", "rule": "no-secret"}
    mine = {**RULE, "id": "mine"}
    places = {}
    for place in "usr/share", "etc":
        (tmp / place / "bailiff/policy.d").mkdir(parents=True)
        places[place] = tmp / place / "bailiff/policy.d"
    write(places["usr/share"] / "50-vendor.json", policy([alert], [seen]))
    write(places["etc"] / "90-mine.json", policy([mine], [{**TESTS[0], "rule": "mine"}]))
    expect(bailiff("check", "--root", tmp), GOOD, "test-adjusted", "comes to deny by 'mine', not alert by 'no-secret'",
           "as /etc/bailiff/policy.d/90-mine.json:", "2 tests, 0 failed, 1 adjusted")
    write(places["etc"] / "90-mine.json", policy([{**mine, "path": "/srv/x"}], [{**TESTS[1], "path": "/srv/secret"}]))
    expect(bailiff("check", "--root", tmp), FINDINGS, "expected allow", "1 failed")


def test_the_wrong_rule_is_a_failure(tmp):
    rules = [RULE, {"id": "other", "on": "open", "path": "/srv/*", "action": "alert"}]
    tests = [{**TESTS[0], "rule": "other"}]
    expect(bailiff("check", write(tmp / "a.json", policy(rules, tests))), FINDINGS,
           "expected deny by 'other', is deny by 'no-secret'")


def test_tests_are_told(tmp):
    tests = TESTS + [{"on": "open", "path": "/srv/#1", "access": ["read", "write"], "expect": "deny", "rule": "no-secret"}]
    file = write(tmp / "a.json", policy(tests=tests))
    done = expect(bailiff("test", file), FINDINGS)
    assert done.stdout.splitlines()[:4] == [
        "1..3", "ok 1 - open read /srv/secret by uid 0 gid 0: deny by no-secret",
        "ok 2 - open read /srv/other by uid 0 gid 0: allow",
        "not ok 3 - open read,write /srv/\\#1 by uid 0 gid 0: allow"], done.stdout
    assert "expected deny by no-secret" in done.stdout.splitlines()[4], done.stdout
    value = document(bailiff("test", "--json", file), FINDINGS)
    assert (value["ok"], value["run"], value["failed"]) == (False, 3, 1)
    assert value["tests"][0]["decided"] == {"verdict": "deny", "rule": "no-secret", "others": 0}
    assert value["tests"][2]["expected"] == {"verdict": "deny", "rule": "no-secret"}
    assert value["tests"][2]["pointer"] == "/tests/2" and not value["tests"][2]["passed"]
    write(tmp / "etc/bailiff/policy.d/a.json", policy(tests=[]))
    assert expect(bailiff("test", "--root", tmp), GOOD).stdout == "1..0\n"


def test_accesses_in_words(tmp):
    tests = [{"on": "connect", "to": "::1", "port": 7, "protocol": "udp", "expect": "allow"},
             {"on": "connect", "socket": "@x", "expect": "allow"}, {"on": "connect", "family": "packet", "expect": "allow"},
             {"on": "exec", "file": ["memfd", "setuid"], "args": ["a", "\u001b"], "by": {"exe": "/x", "gid": 3}, "expect": "allow"}]
    done = expect(bailiff("test", write(tmp / "a.json", policy(tests=tests))), GOOD)
    assert [line.split(" - ")[1] for line in done.stdout.splitlines()[1:]] == [
        "connect udp ::1 port 7 by uid 0 gid 0: allow", "connect socket @x by uid 0 gid 0: allow",
        "connect family 17 by uid 0 gid 0: allow", "exec memfd,setuid 'a' '\\\\x1b' by /x uid 0 gid 3: allow"], done.stdout


def test_tests_of_a_wrong_policy(tmp):
    expect(bailiff("test", write(tmp / "a.json", '{"bailiff": 1, "rulez": []}')), FINDINGS, "unknown-key")
    expect(bailiff("test", tmp / "none.json"), USAGE, "none.json")


def test_monitor_is_would_deny(tmp):
    tests = [{**TESTS[0], "expect": "would-deny"}]
    expect(bailiff("check", write(tmp / "a.json", policy(tests=tests, mode="monitor"))), GOOD)


def test_a_test_follows_links(tmp):
    write(tmp / "usr/bin/dash", "")
    (tmp / "usr/bin/sh").symlink_to("dash")
    (tmp / "bin").symlink_to("usr/bin")
    rule = {"id": "no-dash", "on": "exec", "path": "/usr/bin/dash", "action": "deny"}
    tests = [{"on": "exec", "path": "/bin/sh", "expect": "deny", "rule": "no-dash"}]
    write(tmp / "etc/bailiff/policy.d/a.json", policy([rule], tests))
    expect(bailiff("check", "--root", tmp), GOOD, "1 tests, 0 failed")


def test_warnings(tmp):
    rule = {**RULE, "by": {"exe": "/no/such/program"}}
    file = write(tmp / "a.json", policy([rule], []))
    expect(bailiff("check", file), GOOD, "warning:", "none of its \"exe\" exists", "1 warnings")
    expect(bailiff("check", "--strict", file), FINDINGS)
    value = document(bailiff("check", "--json", "--strict", file), FINDINGS)
    assert value["ok"] is False and value["warnings"] == 1 and value["errors"] == 0


def test_a_memfd_has_no_path(tmp):
    rule = {"id": "never", "on": "exec", "path": "/x", "file": "memfd", "action": "deny"}
    expect(bailiff("check", write(tmp / "a.json", policy([rule], []))), GOOD, "a memfd has no path")
    rule["file"] = ["memfd", "deleted"]
    checked = expect(bailiff("check", write(tmp / "a.json", policy([rule], []))), GOOD)
    assert "never matches" not in checked.stdout + checked.stderr


def test_expected_facts_and_kills(tmp):
    rules = [{"id": "memfd", "on": "exec", "file": "memfd", "action": "kill"},
             {"id": "planted", "on": "exec", "path": "/srv/**", "file": ["setuid", "writable-by-others"],
              "unless": {"file": "script"}, "action": "deny"}]
    tests = [{"on": "exec", "file": "memfd", "expect": "kill", "rule": "memfd"},
             {"on": "exec", "path": "/srv/x", "expect": "allow"},
             {"on": "exec", "path": "/srv/x", "file": ["setuid", "deleted"], "expect": "deny"},
             {"on": "exec", "path": "/srv/x", "file": ["setuid", "script"], "expect": "allow"},
             {"on": "exec", "path": "/etc/x", "file": "setuid", "expect": "allow"}]
    expect(bailiff("check", write(tmp / "a.json", policy(rules, tests))), GOOD, "5 tests, 0 failed")
    monitor = {**policy(rules, tests[:1]), "mode": "monitor"}
    expect(bailiff("check", write(tmp / "a.json", monitor)), FINDINGS, "expected kill", "is would-kill")


def test_quiet(tmp):
    file = write(tmp / "a.json", policy())
    shown = expect(bailiff("check", "--quiet", file), GOOD)
    assert not shown.stdout and not shown.stderr


def test_missing_file(tmp):
    expect(bailiff("check", tmp / "gone.json"), USAGE, "gone.json", "No such file")
    value = document(bailiff("check", "--json", tmp / "gone.json"), USAGE)
    assert value["diagnostics"][0]["code"] == "unreadable"


def test_bad_bytes(tmp):
    for text in (b"", b"\0", b"\xff\xfe", b"{", b"[" * 100000, b"{\"bailiff\": 1",
                 b"null", b"{\"bailiff\":1,\"rules\":[{\"id\":\"\xff\"}]}", b"{}" * 1000):
        file = tmp / "bad.json"
        file.write_bytes(text)
        expect(bailiff("check", file), FINDINGS, "bad.json")
        value = document(bailiff("check", "--json", file), FINDINGS)
        assert value["errors"] >= 1


def test_hostile_names_are_escaped(tmp):
    file = write(tmp / "a\033[2J\n.json", "{")
    shown = bailiff("check", file)
    expect(shown, FINDINGS)
    assert "\033" not in shown.stderr


# ---- the daemon's clients ----------------------------------------------------------------------

def test_no_daemon(tmp):
    for command in ("status", "rules", "reload"):
        expect(bailiff(command, "--socket", tmp / "none"), RIGHT, "bailiffd is not running")
        value = document(bailiff(command, "--json", "--socket", tmp / "none"), RIGHT)
        assert value["ok"] is False and value["error"]["code"] == "no-daemon"


# ---- doctor ------------------------------------------------------------------------------------

def test_doctor_here(_):
    done = bailiff("doctor")
    assert done.returncode in (GOOD, KERNEL)
    value = document(bailiff("doctor", "--json"), done.returncode)
    assert value["ok"] is (done.returncode == GOOD)
    assert {"lsm-list", "btf", "rights"} <= {check["name"] for check in value["checks"]}


def test_doctor_without_bpf(tmp):
    write(tmp / "sys/kernel/security/lsm", "lockdown,capability,yama")
    expect(bailiff("doctor", "--root", tmp), KERNEL, "MISSING",
           "add lsm=lockdown,capability,yama,bpf to", "This kernel can't enforce as it is.")


def test_doctor_sees_nothing(tmp):
    (tmp / "empty").mkdir()
    expect(bailiff("doctor", "--root", tmp / "empty"), KERNEL, "unseen", "could not be seen")
    expect(bailiff("doctor", "--root", tmp / "none"), USAGE)


# ---- events ------------------------------------------------------------------------------------

def test_events_options(_):
    expect(bailiff("events", "-n", "0"), USAGE, "-n takes a number")
    expect(bailiff("events", "-n", "x"), USAGE, "-n takes a number")
    expect(bailiff("events", "-o", "xml"), USAGE, "-o takes compact, json, ecs, ocsf or cef")
    expect(bailiff("events", "--since", "soon"), USAGE, "--since takes")
    expect(bailiff("events", "-n", "3", "--after", "x"), USAGE, "only one of")
    expect(bailiff("events", "--after", "x", "--since", "today"), USAGE, "only one of")
    expect(bailiff("events", "--until", "soon"), USAGE, "--until takes")
    expect(bailiff("events", "--verdict", "denied"), USAGE, "--verdict takes")
    expect(bailiff("events", "--on", "close"), USAGE, "--on takes")
    expect(bailiff("events", "--severity", "bad"), USAGE, "--severity takes")
    expect(bailiff("events", "--rule", ""), USAGE, "--rule takes")
    expect(bailiff("events", "--verify", "-f"), USAGE, "--verify takes no other options")
    expect(bailiff("events", "--verify", "--rule", "x"), USAGE, "--verify takes no other options")


def test_events_of_no_journal(tmp):
    done = bailiff("events", "--directory", tmp)
    assert done.returncode in (GOOD, RIGHT) and not done.stdout


# ---- diff --------------------------------------------------------------------------------------

def test_no_difference(tmp):
    old = write(tmp / "old.json", policy([RULE, {**RULE, "id": "b", "path": ["/x/a", "/x/b"]}], []))
    new = write(tmp / "new.json", policy([{**RULE, "id": "c", "path": "/x/{a,b}"}, {**RULE, "id": "d"}], []))
    shown = expect(bailiff("diff", "--root", tmp, old, new), GOOD, "no difference", "compared: ")
    assert not shown.stderr
    value = document(bailiff("diff", "--json", "--root", tmp, old, new), GOOD)
    assert value["ok"] is True and value["differences"] == [] and value["compared"]["paths"] > 1


def test_difference(tmp):
    old = write(tmp / "old.json", policy([{**RULE, "path": ["/srv/secret", "/srv/é*"], "by": {"uid": 7}}], []))
    new = write(tmp / "new.json", policy([{**RULE, "by": {"uid": 7}}], []))
    shown = expect(bailiff("diff", "--root", tmp, old, new), FINDINGS, "deny -> allow", " by uid 7 gid 0",
                   f"old: no-secret ({old}:", "1 difference")
    assert "\nopen\n" in "\n" + shown.stdout
    value = document(bailiff("diff", "--json", "--root", tmp, old, new), FINDINGS)
    found = value["differences"][0]
    assert found["old"]["verdict"] == "deny" and found["old"]["rule"] == "no-secret"
    assert found["new"] == {"verdict": "allow"}
    for side in ("old", "new"):
        test = found["tests"][side]
        assert test["path"].startswith("/srv/é") and set(test["access"]) > {"read", "write"}
        write(tmp / side / "policy.json", json.loads((tmp / f"{side}.json").read_text()))
        write(tmp / side / "tests.json", policy([], [test]))
        expect(bailiff("test", "--root", tmp, tmp / side), GOOD, "ok 1 - ")


def test_the_difference_in_the_manual(tmp):
    manual = pathlib.Path(os.environ.get("BAILIFF_SOURCE", "."), "docs/policy.md").read_text()
    first = manual.split("```json\n", 1)[1].split("```", 1)[0]
    write(tmp / "web.json", first)
    write(tmp / "web-new.json", first.replace("{ba,da,z,k}sh", "{ba,da,k}sh"))
    told = manual.split("$ bailiff diff web.json web-new.json\n", 1)[1].split("```", 1)[0]
    shown = expect(bailiff("diff", "--root", tmp, tmp / "web.json", tmp / "web-new.json"), FINDINGS).stdout
    assert shown.replace(f"{tmp}/", "") == told, shown


def test_differences_of_monitored_files(tmp):
    old = write(tmp / "old.json", policy([RULE], []))
    new = write(tmp / "new.json", policy([RULE], [], mode="monitor"))
    expect(bailiff("diff", "--root", tmp, old, new), FINDINGS, "deny -> would-deny")


def test_differences_name_what_is_there(tmp):
    """A rule on a link's name is about what it leads to; a witness that a test can have is of that."""
    write(tmp / "usr/bin/dash", "")
    (tmp / "bin").symlink_to("usr/bin")
    (tmp / "usr/bin/sh").symlink_to("dash")
    rule = {"id": "sh", "on": "exec", "path": "/bin/sh", "action": "deny"}
    old, new = write(tmp / "old.json", policy([], [])), write(tmp / "new.json", policy([rule], []))
    value = document(bailiff("diff", "--json", "--root", tmp, old, new), FINDINGS)
    tested = [each for each in value["differences"] if each["tests"]]
    assert [each["tests"]["new"]["path"] for each in tested] == ["/usr/bin/dash"]


def test_diff_of_wrong_policies(tmp):
    good, bad = write(tmp / "good.json", policy()), write(tmp / "bad.json", "{")
    expect(bailiff("diff", good, bad), USAGE, f"{bad}:1:", "nothing was compared")
    expect(bailiff("diff", bad, bad), USAGE, f"{bad}:1:")
    assert document(bailiff("diff", "--json", good, bad), USAGE)["error"]["code"] == "policy"
    expect(bailiff("diff", good, tmp / "none.json"), USAGE, "none.json")
    expect(bailiff("diff", good), USAGE, "two policies")
    expect(bailiff("diff", good, good, good), USAGE, "two policies")


def test_diff_says_that_it_gave_up(tmp):
    old = write(tmp / "old.json", policy([{**RULE, "path": "/**a??????????????"}], []))
    new = write(tmp / "new.json", policy([{**RULE, "path": "/**b??????????????"}], []))
    done = expect(bailiff("diff", old, new), USAGE, "not decided")
    assert "no difference" not in done.stdout
    assert document(bailiff("diff", "--json", old, new), USAGE)["error"]["code"] == "not-decided"


def main(names=None):
    """Runs the tests of a module, by its globals()."""
    global BAILIFF
    BAILIFF = os.path.abspath(sys.argv[1])
    tests = [(name, call) for name, call in (names or globals()).items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    for number, (name, call) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix="bailiff-test-") as tmp:
            try:
                call(pathlib.Path(tmp))
                print(f"ok {number} - {name}", flush=True)
            except NotHere as reason:
                print(f"ok {number} - {name} # SKIP {reason}", flush=True)
            except (AssertionError, subprocess.TimeoutExpired, ValueError, KeyError) as problem:
                print("# " + str(problem).replace("\n", "\n# "))
                print(f"not ok {number} - {name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
