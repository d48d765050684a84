#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff explain: what it says of accesses, and that what it says would allow one does.

    explain_check.py path/to/bailiff
"""

import json
import os
import pathlib
import sys

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import cli_check as cli  # noqa: E402
from cli_check import FINDINGS, GOOD, RIGHT, USAGE, bailiff, document, expect, write  # noqa: E402

RULES = [
    {"id": "web-no-shell", "on": "exec", "path": ["/srv/sh", "/srv/*sh"], "by": {"uid": "33-40"},
     "action": "deny", "severity": "high", "message": "the web server starts a shell"},
    {"id": "shells", "on": "exec", "path": "/srv/**", "by": {"uid": "0-999"}, "action": "alert",
     "unless": {"by": {"exe": "/srv/login"}}},
    {"id": "no-secret", "on": "open", "path": "/srv/secret", "access": ["read", "write"], "action": "deny",
     "unless": [{"by": {"exe": "/srv/keeper"}}, {"access": "read", "by": {"uid": 7}}]},
    {"id": "both", "on": ["exec", "open"], "path": "/srv/both", "action": "kill"},
    {"id": "listener", "on": "exec", "path": "/srv/nc", "args": "-e*", "action": "kill"},
    {"id": "no-nc", "on": "exec", "path": "/srv/nc", "by": {"gid": 5}, "action": "deny"},
    {"id": "net", "on": "connect", "to": "192.0.2.0/24", "port": [80, "8000-8100"], "action": "deny"},
    {"id": "icmp", "on": "connect", "to": "198.51.100.1", "protocol": ["icmp", "raw"], "action": "deny"},
    {"id": "sockets", "on": "connect", "socket": ["/srv/run/*", "@abc*"], "action": "deny"},
    {"id": "odd", "on": "connect", "family": ["packet", "vsock"], "action": "deny"},
    {"id": "memory", "on": "exec", "file": "memfd", "action": "deny"},
    {"id": "tmp", "on": "exec", "file": ["tmpfs", "setuid"], "path": "/tmp/**", "action": "deny"},
]
TASKS = [
    {"id": "people", "on": "open", "path": "/srv/login", "by": {"login": ["1000-1999", "unset"]}, "action": "deny"},
    {"id": "capable", "on": "open", "path": "/srv/cap", "by": {"capability": ["CAP_NET_ADMIN", "net_raw"]},
     "action": "deny", "unless": {"by": {"capability": "CAP_BPF"}}},
    {"id": "web", "on": "open", "path": "/srv/unit", "by": {"unit": ["nginx.service", "apache*.service"]},
     "action": "deny"},
    {"id": "users", "on": "open", "path": "/srv/slice", "by": {"slice": "user*.slice"}, "action": "deny"},
    {"id": "group", "on": "open", "path": "/srv/cgroup", "by": {"cgroup": "/system.slice/**"}, "action": "deny",
     "unless": {"by": {"cgroup": "/system.slice/ok.service"}}},
    {"id": "inside", "on": "open", "path": "/srv/box", "by": {"container": True}, "action": "deny",
     "unless": {"by": {"container": ["good*", False]}}},
    {"id": "outside", "on": "open", "path": "/srv/host", "by": {"container": False}, "action": "deny"},
    {"id": "all", "on": "open", "path": "/srv/all", "action": "deny"},
]
DOCKER = "0123456789abcdef" * 4
PROFILE = {"id": "small", "by": {"uid": 77}, "otherwise": "deny",
           "allow": {"open": "/srv/small/**", "connect": "127.0.0.1"}}


def installed(tmp, rules=None, **more):
    """A policy where bailiffd would look for it; returns the file."""
    return write(tmp / "etc/bailiff/policy.d/a.json",
                 cli.policy(RULES if rules is None else rules, [], profiles=[PROFILE], **more))


def explain(tmp, *args, code=GOOD):
    return document(bailiff("explain", "--json", "--root", tmp, *args), code)


def ids(rules):
    return [rule["id"] for rule in rules]


def lacking(value, rule):
    """The keys that a rule lacks, as it is told among the nearest."""
    found = [near for near in value["nearest"] if near["id"] == rule]
    assert found, f"'{rule}' is not near: {ids(value['nearest'])}"
    return {each["key"]: (each.get("wants"), each.get("is")) for each in found[0]["failing"]}


# ---- verdicts and rules ------------------------------------------------------------------------

def test_the_winner_and_the_others(tmp):
    file = installed(tmp)
    value = explain(tmp, "exec", "/srv/sh", "--uid", "33")
    assert value["verdict"] == "deny" and value["rule"]["id"] == "web-no-shell"
    line = next(i for i, text in enumerate(file.read_text().split("\n"), 1) if '"web-no-shell"' in text)
    assert value["rule"]["file"].endswith("a.json") and value["rule"]["line"] in (line - 1, line)
    assert value["rule"]["message"] == "the web server starts a shell"
    assert ids(value["others"]) == ["shells"] and value["others"][0]["verdict"] == "alert"
    shown = expect(bailiff("explain", "--root", tmp, "exec", "/srv/sh", "--uid", "33"), GOOD,
                   "exec /srv/sh by uid 33 gid 0: deny by web-no-shell", "decided by:", "also matching:",
                   "a.json:", ": web-no-shell, deny, severity high", ": shells, alert, severity medium")
    assert not shown.stderr


def test_monitor_would(tmp):
    installed(tmp, mode="monitor")
    value = explain(tmp, "exec", "/srv/sh", "--uid", "33")
    assert value["verdict"] == "would-deny" and value["rule"]["action"] == "deny"
    assert value["rule"]["verdict"] == "would-deny"


def test_the_ceiling_of_bailiff_conf(tmp):
    file = installed(tmp)
    write(tmp / "etc/bailiff/bailiff.conf", "mode = monitor\n")
    assert "refuses nothing" in explain(tmp, "exec", "/srv/sh", "--uid", "33")["note"]
    assert "note" not in explain(tmp, "exec", "/srv/sh", "--uid", "50")
    assert "note" not in explain(tmp, "exec", "/srv/sh", "--uid", "33", file)
    write(tmp / "etc/bailiff/bailiff.conf", "mode = enforce\n")
    assert "note" not in explain(tmp, "exec", "/srv/sh", "--uid", "33")


def test_nothing_matches(tmp):
    installed(tmp)
    value = explain(tmp, "open", "/etc/passwd")
    assert value["verdict"] == "allow" and "rule" not in value and "allow" not in value
    assert value["others"] == [] and value["exceptions"] == []
    assert lacking(value, "no-secret") == {"path": ("/srv/secret", "/etc/passwd")}
    shown = expect(bailiff("explain", "--root", tmp, "open", "/etc/passwd"), GOOD, ": allow\n")
    assert "decided by" not in shown.stdout and "put this" not in shown.stdout


def test_which_keys_failed(tmp):
    installed(tmp)
    value = explain(tmp, "exec", "/srv/sh", "--uid", "50", "--exe", "/srv/login")
    assert value["verdict"] == "allow"
    assert lacking(value, "web-no-shell") == {"by.uid": ("33-40", "50")}
    assert "unless" in lacking(value, "shells")
    # Those that lack the fewest keys come first, and among them those that name most of the object.
    assert ids(value["nearest"])[:2] == ["web-no-shell", "shells"]
    assert lacking(value, "both") == {"path": ("/srv/both", "/srv/sh")}
    assert lacking(explain(tmp, "exec", "/tmp/x", "--file", "script"), "tmp") == {
        "file": ("tmpfs, setuid", "script")}
    assert lacking(explain(tmp, "open", "/srv/secret", "--access", "delete"), "no-secret") == {
        "access": ("read, write", "delete")}
    assert lacking(explain(tmp, "exec", "/srv/nc", "--arg", "x"), "listener") == {"args": ("-e*", "x")}
    value = explain(tmp, "connect", "192.0.3.1:79", "--protocol", "udp")
    assert lacking(value, "net") == {"to": ("192.0.2.0/24", "192.0.3.1"), "port": ("80, 8000-8100", "79")}
    assert lacking(value, "icmp")["protocol"] == ("icmp, raw", "udp")
    assert lacking(value, "odd") == {"family": ("packet, vsock", "inet")}
    assert lacking(explain(tmp, "connect", "@x"), "sockets") == {"socket": ("/srv/run/*, @abc*", "@x")}
    assert ids(explain(tmp, "open", "/srv/secreT")["nearest"])[0] == "no-secret"


def test_why_its_exceptions_do_not_hold(tmp):
    installed(tmp)
    value = explain(tmp, "open", "/srv/secret", "--access", "read,write", "--uid", "7", "--exe", "/srv/x")
    assert value["verdict"] == "deny"
    found = sorted(value["exceptions"], key=lambda each: len(each["failing"]))
    assert found[0]["failing"] == []  # for reading alone it would
    assert found[1]["failing"] == [{"key": "by.exe", "wants": "/srv/keeper", "is": "/srv/x"}]
    expect(bailiff("explain", "--root", tmp, "open", "/srv/secret", "--access", "read,write", "--uid", "7"), GOOD,
           "nearest exceptions of no-secret:", "holds for a part of it only", "by.exe: wants /srv/keeper; is not known")


def test_arguments_are_not_asked_of_what_is_refused(tmp):
    installed(tmp)
    value = explain(tmp, "exec", "/srv/nc", "--arg", "-e", "--arg", "/srv/sh", "--gid", "5")
    assert value["verdict"] == "deny" and value["rule"]["id"] == "no-nc"
    assert ids(value["not_asked"]) == ["listener"]
    # What would allow it has to lift both.
    assert [each["rule"] for each in value["allow"]["adjust"]] == ["no-nc", "listener"]


def test_taking_hold_of_a_process(tmp):
    installed(tmp)
    value = explain(tmp, "trace", "/srv/keeper", "--uid", "5")
    assert value["verdict"] == "deny" and value["rule"]["id"] == "no-secret"
    assert explain(tmp, "trace", "/srv/else")["verdict"] == "allow"


def test_exceptions_for_all_that_a_rule_is_about(tmp):
    """Such an exception excuses from tracing as well, though one of inet and inet6 is kept as its addresses."""
    socket, families = {"socket": "/run/x"}, {"family": ["unix", "inet6"]}
    for about, exception, verdict in ((socket, families, "allow"), (families, families, "allow"),
                                      (socket, {"family": "unix"}, "allow"), (families, {"family": "any"}, "allow"),
                                      (families, {"family": "unix"}, "deny"), (families, {"family": "inet6"}, "deny")):
        rule = {"id": "r", "on": "connect", **about, "action": "deny",
                "unless": [{"by": {"exe": "/srv/keeper"}}, exception]}
        write(tmp / "p.json", {"bailiff": 1, "mode": "enforce", "rules": [rule]})
        value = json.loads(bailiff("explain", "--json", "trace", "/srv/keeper", "--uid", "5", tmp / "p.json").stdout)
        assert value["verdict"] == verdict, (about, exception, value)


def test_paths_that_lead_elsewhere(tmp):
    installed(tmp)
    write(tmp / "srv/secret", "")
    (tmp / "link").symlink_to("srv/secret")
    value = explain(tmp, "open", "/link")
    assert value["verdict"] == "deny" and value["leads_to"] == "/srv/secret"
    assert value["allow"]["adjust"][0]["unless"]["path"] == "/srv/secret"


def test_a_path_too_deep_to_walk(tmp):
    installed(tmp)
    value = explain(tmp, "exec", "/srv" + "/d" * 300)
    assert value["rule"]["id"] == "shells" and "too deep" in value["note"] and "allow" not in value
    expect(bailiff("explain", "--root", tmp, "exec", "/srv" + "/d" * 300), GOOD, "none can name such a path")


# ---- who acts ----------------------------------------------------------------------------------

WHO = [  # path, options, whether it is denied, the key that fails: what it wants and what there is
    ("/srv/login", [], True, None),
    ("/srv/login", ["--login", "1000"], True, None),
    ("/srv/login", ["--login", "unset"], True, None),
    ("/srv/login", ["--login", "0"], False, {"by.login": ("1000-1999, unset", "0")}),
    ("/srv/cap", [], False, {"by.capability": ("CAP_NET_ADMIN, CAP_NET_RAW", "none")}),
    ("/srv/cap", ["--capability", "CAP_NET_RAW"], True, None),
    ("/srv/cap", ["--capability", "chown,net_admin"], True, None),
    ("/srv/cap", ["--capability", "chown", "--capability", "net_raw"], True, None),
    ("/srv/cap", ["--capability", "chown", "--capability", "kill"], False,
     {"by.capability": ("CAP_NET_ADMIN, CAP_NET_RAW", "CAP_CHOWN, CAP_KILL")}),
    ("/srv/cap", ["--capability", "bpf,net_raw"], False, {"unless": (None, None)}),
    ("/srv/unit", ["--unit", "nginx.service"], True, None),
    ("/srv/unit", ["--unit", "apache2.service"], True, None),
    ("/srv/unit", ["--cgroup", "/system.slice/nginx.service/x"], True, None),
    ("/srv/unit", [], False, {"by.unit": ("nginx.service, apache*.service", "none")}),
    ("/srv/unit", ["--cgroup", "/init.scope"], False, {"by.unit": ("nginx.service, apache*.service", "init.scope")}),
    ("/srv/unit", ["--cgroup", "/system.slice/nginx.service", "--unit", "x.service"], False,
     {"by.unit": ("nginx.service, apache*.service", "x.service")}),
    ("/srv/slice", ["--slice", "user-1000.slice"], True, None),
    ("/srv/slice", ["--cgroup", "/user.slice/user-5.slice/session-1.scope"], True, None),
    ("/srv/slice", [], False, {"by.slice": ("user*.slice", "-.slice")}),
    ("/srv/slice", ["--cgroup", "/system.slice/a.service"], False, {"by.slice": ("user*.slice", "system.slice")}),
    ("/srv/cgroup", ["--cgroup", "/system.slice/a.service"], True, None),
    ("/srv/cgroup", ["--cgroup", "/system.slice/ok.service"], False, {"unless": (None, None)}),
    ("/srv/cgroup", [], False, {"by.cgroup": ("/system.slice/**", "/")}),
    ("/srv/cgroup", ["--cgroup", "/x" + "/y" * 20], True, None),  # too deep: it may be any
    ("/srv/box", ["--container", "true"], True, None),  # whose id is not known excuses nobody
    ("/srv/box", ["--container", "bad"], True, None),
    ("/srv/box", ["--container", "good1"], False, {"unless": (None, None)}),
    ("/srv/box", ["--container", "false"], False, {"by.container": ("true", "false")}),
    ("/srv/box", [], False, {"by.container": ("true", "false")}),
    ("/srv/box", ["--cgroup", f"/system.slice/docker-{DOCKER}.scope"], True, None),
    ("/srv/host", ["--cgroup", f"/system.slice/docker-{DOCKER}.scope"], False, {"by.container": ("false", DOCKER)}),
    ("/srv/host", ["--container", "true"], True, None),  # ... and may as well be none
    ("/srv/host", [], True, None),
]


def test_who_acts(tmp):
    installed(tmp, TASKS)
    for path, options, denied, failing in WHO:
        value = explain(tmp, "open", path, *options)
        assert value["verdict"] == ("deny" if denied else "allow"), (path, options, value)
        if denied:
            continue
        rule = next(rule["id"] for rule in TASKS if rule["path"] == path)
        assert lacking(value, rule) == failing, (path, options, value["nearest"])


def test_a_test_of_a_policy_says_the_same(tmp):
    tests = []
    for path, options, denied, _ in WHO:
        by = {}
        for name, text in zip(options[::2], options[1::2]):
            if name == "--capability":
                by.setdefault("capability", []).extend(text.split(","))
            else:
                by[name[2:]] = {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)
        tests.append({"on": "open", "path": path, "expect": "deny" if denied else "allow", **({"by": by} if by else {})})
    file = write(tmp / "a.json", cli.policy(TASKS, tests))
    expect(bailiff("test", "--root", tmp, file), GOOD)


def by_of(value):
    return value["allow"]["adjust"][0]["unless"]["by"]


def test_what_an_exception_goes_by(tmp):
    installed(tmp, TASKS)
    docker = f"/system.slice/docker-{DOCKER}.scope"
    for options, by in (
            (["--login", "7"], {"login": 7}),
            (["--login", "unset", "--uid", "5"], {"login": "unset", "uid": 5}),
            (["--capability", "chown"], {"uid": 0}),  # nobody is excused for what root has as well
            (["--unit", "a\\x2d[b]@1.service"], {"unit": "a\\\\x2d\\[b\\]@1.service"}),
            (["--cgroup", "/system.slice/a.service/b"], {"unit": "a.service"}),
            (["--cgroup", "/system.slice/a.service/b", "--slice", "x.slice"], {"unit": "a.service"}),
            (["--cgroup", "/docker/x*"], {"cgroup": "/docker/x\\*"}),
            (["--cgroup", "/"], {"cgroup": "/"}),
            (["--cgroup", "/x" + "/y" * 20], {"uid": 0}),
            (["--slice", "a.slice"], {"slice": "a.slice"}),
            (["--container", "false"], {"container": False}),
            (["--container", "web*"], {"container": "web\\*"}),
            (["--container", "true"], {"uid": 0}),  # which may be another one, or none
            (["--cgroup", docker], {"unit": f"docker-{DOCKER}.scope"}),
            (["--cgroup", docker, "--exe", "/bin/x"], {"unit": f"docker-{DOCKER}.scope", "exe": "/bin/x"})):
        pasted = tmp / "etc/bailiff/policy.d/pasted.json"
        before = explain(tmp, "open", "/srv/all", *options)
        assert before["verdict"] == "deny" and by_of(before) == by, (options, by_of(before))
        write(pasted, before["allow"])
        assert explain(tmp, "open", "/srv/all", *options)["verdict"] == "allow", options
        pasted.unlink()


# ---- what would allow it -----------------------------------------------------------------------

PASTED = [
    ("exec", "/srv/sh", "--uid", "33"),
    ("exec", "/srv/sh", "--uid", "33", "--exe", "/srv/a*b{c}[d],\\e \"f\"\x01"),
    ("exec", "/srv/both"),
    ("exec", "/srv/both", "--exe", "/x" + "/y" * 300),  # which no rule can know
    ("exec", "/srv/nc", "--arg=-e", "--gid", "5"),
    ("exec", "/srv/nc", "--arg=-e"),
    ("exec", "memfd"),
    ("exec", "/tmp/\udcff\n*", "--file", "setuid,tmpfs"),
    ("open", "/srv/secret", "--access", "read,write"),
    ("open", "/srv/secret", "--exe", "/bin/cat", "--uid", "1000", "--gid", "1000"),
    ("open", "/etc/passwd", "--uid", "77", "--access", "read,write,create,delete,attributes"),
    ("connect", "192.0.2.9:80"),
    ("connect", "[64:ff9b::192.0.2.9]:8000"),
    ("connect", "64:ff9b::192.0.2.9", "--port", "8000", "--uid", "77"),
    ("connect", "::", "--port", "22", "--uid", "77"),
    ("connect", "198.51.100.1", "--protocol", "icmp,raw"),
    ("connect", "198.51.100.1", "--protocol", "raw"),
    ("connect", "/srv/run/x.sock"),
    ("connect", "@abc\"\udcff"),
    ("connect", "vsock"),
    ("connect", "63", "--uid", "77"),
    ("trace", "/srv/keeper", "--uid", "5"),
]


def test_what_would_allow_it_does(tmp):
    for mode in ("enforce", "monitor"):
        installed(tmp, mode=mode)
        for args in PASTED:
            pasted = tmp / "etc/bailiff/policy.d/pasted.json"
            pasted.unlink(missing_ok=True)
            before = explain(tmp, *args)
            assert before["verdict"] in (("deny", "kill") if mode == "enforce" else ("would-deny", "would-kill")), args
            write(pasted, before["allow"])
            after = explain(tmp, *args)
            assert after["verdict"] == before["allow_verdict"] in ("allow", "alert"), (args, before, after)
            # The same from the text, as people paste it.
            pasted.unlink()
            shown = bailiff("explain", "--root", tmp, *args).stdout
            text = shown[shown.index("\n{\n") + 1:]
            assert json.loads(text) == before["allow"], args
            # It is for this access only.
            write(pasted, text)
            other = explain(tmp, *args, "--uid", "78", "--exe", "/srv/else")
            if "by" in before["allow"]["adjust"][0]["unless"] and "77" not in args and "/srv/sh" not in args:
                assert other["verdict"] != "allow", (args, other)


def test_alerts_can_be_lifted_as_well(tmp):
    installed(tmp)
    before = explain(tmp, "exec", "/srv/x", "--uid", "5")
    assert before["verdict"] == "alert" and before["allow_verdict"] == "allow"
    write(tmp / "etc/bailiff/policy.d/pasted.json", before["allow"])
    assert explain(tmp, "exec", "/srv/x", "--uid", "5")["verdict"] == "allow"
    assert explain(tmp, "exec", "/srv/x", "--uid", "6")["verdict"] == "alert"
    # Of what is refused, alerts stay: they let it pass.
    assert explain(tmp, "exec", "/srv/sh", "--uid", "33")["allow_verdict"] == "alert"


def test_no_room_for_a_further_exception(tmp):
    full = [{"id": "full", "on": "open", "path": "/srv/x", "action": "deny",
             "unless": [{"path": f"/srv/{i}"} for i in range(256)]}]
    installed(tmp, full)
    assert "allow" not in explain(tmp, "open", "/srv/x")
    expect(bailiff("explain", "--root", tmp, "open", "/srv/x"), GOOD, "as many as it can have")


def test_the_manual_shows_what_comes_out(tmp):
    text = (pathlib.Path(__file__).resolve().parents[2] / "docs/policy.md").read_text()
    blocks = text.split("\n```")
    write(tmp / "web.json", next(block for block in blocks if block.startswith("json\n")).partition("\n")[2])
    shown = next(block for block in blocks if block.startswith("\n$ bailiff explain ")).strip("\n")
    command, _, wanted = shown.partition("\n")
    write(tmp / "usr/bin/dash", "")
    (tmp / "usr/bin/sh").symlink_to("dash")
    (tmp / "bin").symlink_to("usr/bin")
    before = os.getcwd()
    os.chdir(tmp)
    try:
        done = expect(bailiff("explain", "--root", tmp, *command.split()[3:]), GOOD)
    finally:
        os.chdir(before)
    assert done.stdout.strip("\n") == wanted, done.stdout


# ---- the command line --------------------------------------------------------------------------

def test_files_in_place_of_the_installed_ones(tmp):
    file = write(tmp / "b.json", cli.policy([{"id": "one", "on": "open", "path": "/x", "action": "alert"}], []))
    expect(bailiff("explain", "open", "/x", file), GOOD, "alert by one", "b.json:")
    expect(bailiff("explain", "open", "/x", tmp / "none.json"), USAGE, "none.json")
    expect(bailiff("explain", "open", "/x", write(tmp / "c.json", "{")), FINDINGS, "c.json:1:")
    value = document(bailiff("explain", "--json", "open", "/x", tmp / "c.json"), FINDINGS)
    assert value["ok"] is False and value["error"]["code"] == "policy"


def test_names_of_users(tmp):
    installed(tmp)
    write(tmp / "etc/passwd", "www:x:33:33::/:/bin/sh\n")
    write(tmp / "etc/group", "www:x:5:\n")
    assert explain(tmp, "exec", "/srv/sh", "--uid", "www")["verdict"] == "deny"
    assert explain(tmp, "exec", "/srv/nc", "--gid", "www")["rule"]["id"] == "no-nc"
    expect(bailiff("explain", "--root", tmp, "exec", "/srv/sh", "--uid", "else"), USAGE, "no user")


def test_wrong_command_lines(tmp):
    installed(tmp)
    for args, text in (
            ((), "an operation and an object"), (("exec",), "an operation and an object"),
            (("read", "/x"), "exec, open, connect and trace"), (("exec", "sh"), "does not start with '/'"),
            (("open", "/x/"), "'/'"), (("open", "/x", "--access", "raed"), "raed"),
            (("open", "/x", "--access", ""), "empty"), (("open", "/x", "--uid", "1-5"), "range"),
            (("open", "/x", "--port", "5"), "port"), (("exec", "/x", "--access", "read"), "access"),
            (("connect", "192.0.2.1"), "the port is missing"), (("connect", "192.0.2.0/24:80"), "address"),
            (("connect", "192.0.2.1:99999"), "99999"), (("connect", "nonsense"), "nonsense"),
            (("connect", "unix"), "socket"), (("connect", "192.0.2.1:1", "--protocol", "x"), "x"),
            (("open", "/\udcff\n\x1b[2J/../x"), ".."), (("exec", "/x", "--arg", "\udcff"), "UTF-8"),
            (("open", "/x", "--unit", "nginx"), "not a unit"), (("open", "/x", "--slice", "a/b.slice"), "'/'"),
            (("open", "/x", "--capability", "chwon"), "chwon"), (("open", "/x", "--cgroup", "x"), "'/'"),
            (("open", "/x", "--login", "5-6"), "range"), (("open", "/x", "--container", "a/b"), "'/'"),
            (("--event", "1", "--uid", "3"), "who acts")):
        done = expect(bailiff("explain", "--root", tmp, *args), USAGE, text)
        assert not done.stdout, args
        value = document(bailiff("explain", "--json", "--root", tmp, *args), USAGE)
        assert value["ok"] is False and value["error"]["message"]


def test_events_of_no_journal(tmp):
    (tmp / "journal").mkdir()
    done = bailiff("explain", "--event", "0123", "--directory", tmp / "journal")
    assert done.returncode in (FINDINGS, RIGHT) and not done.stdout


def test_the_help_names_every_option(_):
    shown = expect(bailiff("explain", "--help"), GOOD).stdout
    for option in ("exe", "uid", "gid", "login", "capability", "unit", "slice", "cgroup", "container", "access", "file", "arg", "port", "protocol", "event"):
        assert f"--{option} " in shown, option


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
