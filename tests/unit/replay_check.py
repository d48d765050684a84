#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff replay: what a policy would have said to the events of a journal.

    replay_check.py path/to/bailiff
"""

import sys

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import cli_check as cli  # noqa: E402
from cli_check import FINDINGS, GOOD, USAGE, bailiff, document, expect, write  # noqa: E402
from journals import exported, journal, started, verdict  # noqa: E402

RULES = [
    {"id": "no-secret", "on": "open", "path": "/srv/secret", "action": "deny", "unless": {"by": {"exe": "/srv/keeper"}}},
    {"id": "tmp", "on": "exec", "path": "/tmp/**", "action": "kill"},
    {"id": "net", "on": "connect", "to": "192.0.2.0/24", "port": 443, "action": "alert"},
    {"id": "args", "on": "exec", "path": "/srv/nc", "args": "-e", "action": "kill"},
]


def replay(tmp, entries, *args, code, rules=None, **more):
    file = write(tmp / "policy.json", cli.policy(RULES if rules is None else rules, [], **more))
    path = exported(tmp, *entries)
    shown = expect(bailiff("replay", file, "--root", tmp, "--file", path, *args), code)
    assert not shown.stderr, shown.stderr
    return document(bailiff("replay", "--json", file, "--root", tmp, "--file", path, *args), code), shown.stdout


def said(value):
    return [(each["then"]["verdict"], each["now"]["verdict"], each["now"]["rule"]) for each in value["events"]]


def test_the_same_policy_says_the_same(tmp):
    entries = [verdict(seq=1), verdict(seq=2, on="exec", verdict="kill", rule="tmp"),
               verdict(seq=3, on="connect", verdict="alert", rule="net"), started(4)]
    value, text = replay(tmp, entries, code=GOOD)
    assert value["ok"] is True and value["count"] == 3 and value["differences"] == 0 and value["unjudged"] == 0
    assert said(value) == [("deny", "deny", "no-secret"), ("kill", "kill", "tmp"), ("alert", "alert", "net")]
    assert "3 events: 3 decided alike, 0 otherwise" in text and " deny  open read /srv/secret by /usr/bin/bash" in text


def test_what_another_policy_says(tmp):
    entries = [verdict(seq=1, exe="/srv/keeper", folded="9"), verdict(seq=2, path="/srv/other"),
               verdict(seq=3, on="connect", verdict="would-deny", rule="old"), verdict(seq=4, on="connect", port="80", verdict="alert"),
               verdict(seq=5, on="exec", verdict="deny"), verdict(seq=6, path="/srv/secret", verdict="alert", access="write")]
    value, text = replay(tmp, entries, code=FINDINGS)
    assert said(value) == [("deny", "allow", None), ("deny", "allow", None), ("would-deny", "alert", "net"), ("alert", "allow", None),
                           ("deny", "kill", "tmp"), ("alert", "deny", "no-secret")]
    assert value["ok"] is False and value["differences"] == 6 and value["accesses"] == 15
    assert {"then": "deny", "now": "allow", "events": 2, "accesses": 11} in value["changes"]
    assert {"rule": None, "verdict": "allow", "events": 3, "accesses": 12} in value["rules"]
    assert "deny -> allow: 2 events of 11 accesses" in text and "(no-secret -> none)" in text
    assert "tmp, kill: 1 events" in text


def test_only_changes_and_only_sums(tmp):
    entries = [verdict(seq=1), verdict(seq=2, path="/srv/other")]
    value, text = replay(tmp, entries, "--changes", code=FINDINGS)
    assert len(value["events"]) == 1 and value["count"] == 2 and text.count("2026-01-02") == 1
    value, text = replay(tmp, entries, "--summary", code=FINDINGS)
    assert value["events"] == [] and value["count"] == 2 and "2026-01-02" not in text
    value, _ = replay(tmp, entries, "--rule", "none", code=GOOD)
    assert value["count"] == 0


def test_monitor_and_what_was_spared(tmp):
    value, _ = replay(tmp, [verdict(verdict="would-deny")], code=GOOD, mode="monitor")
    assert said(value) == [("would-deny", "would-deny", "no-secret")]
    value, _ = replay(tmp, [verdict()], code=FINDINGS, mode="monitor")
    assert said(value) == [("deny", "would-deny", "no-secret")]
    # A process that can't be killed was refused; a connection that is there can't be; arguments come too late.
    value, _ = replay(tmp, [verdict(on="exec", verdict="deny", spared="1")], code=GOOD)
    assert said(value) == [("deny", "deny", "tmp")]
    value, _ = replay(tmp, [verdict(on="exec", path="/srv/nc", argument="-e", verdict="would-kill", spared="1")], code=GOOD)
    assert said(value) == [("would-kill", "would-kill", "args")]
    rules = [{**RULES[2], "action": "deny"}]
    value, _ = replay(tmp, [verdict(on="connect", verdict="would-deny", hook="inet_conn_established")], code=GOOD, rules=rules)
    assert said(value) == [("would-deny", "would-deny", "net")]


def test_the_installed_policy(tmp):
    write(tmp / "etc/bailiff/policy.d/a.json", cli.policy(RULES, []))
    path = exported(tmp, verdict(), verdict(seq=2, verdict="would-deny"))
    value = document(bailiff("replay", "--json", "--root", tmp, "--file", path), FINDINGS)
    assert said(value) == [("deny", "deny", "no-secret"), ("would-deny", "deny", "no-secret")]
    write(tmp / "etc/bailiff/bailiff.conf", "mode = monitor\n")
    value = document(bailiff("replay", "--json", "--root", tmp, "--file", path), FINDINGS)
    assert said(value) == [("deny", "would-deny", "no-secret"), ("would-deny", "would-deny", "no-secret")]


def test_what_cannot_be_judged_is_said(tmp):
    entries = [verdict(seq=1, path=None), verdict(seq=2, on="connect", address=None, family=None),
               verdict(seq=3, truncated="path"), verdict(seq=4, address="\x1b[2J", on="connect"),
               {**verdict(seq=5), "BAILIFF_VERDICT": b"\x1b[2J"}, verdict(seq=6, rule="\\x1b[2J\u202e")]
    value, text = replay(tmp, entries, code=GOOD)
    assert value["unjudged"] == 4 and value["uncertain"] == 1 and value["count"] == 6, value
    assert [("error" in each) for each in value["events"]] == [True, True, False, True, True, False]
    assert text.count("can't be judged:") == 4 and "names are incomplete" in text and "\x1b" not in text


def test_names_are_bytes(tmp):
    rules = [{"id": "odd", "on": "open", "path": "/srv/\u00e9*", "action": "deny"}]
    hexed = "/srv/\u00e9\n".encode().hex()
    value, text = replay(tmp, [verdict(path="/srv/\u00e9\\x0a", path_hex=hexed, rule="odd")], code=GOOD, rules=rules)
    assert said(value) == [("deny", "deny", "odd")] and text.count("\n") == 5


def test_bad_policies_and_journals(tmp):
    bad = write(tmp / "bad.json", "{")
    path = exported(tmp, verdict())
    expect(bailiff("replay", bad, "--file", path), USAGE, "bad.json")
    assert document(bailiff("replay", "--json", bad, "--file", path), USAGE)["error"]["code"] == "policy"
    good = write(tmp / "good.json", cli.policy(RULES, []))
    (tmp / "text").write_text("nonsense")
    expect(bailiff("replay", good, "--file", tmp / "text"), FINDINGS, "export format")
    expect(bailiff("replay", good, "--since", "soon"), USAGE, "--since takes")


def test_a_journal_file(tmp):
    file = write(tmp / "policy.json", cli.policy(RULES, []))
    path = journal(tmp, *[verdict(seq=n, at=n) for n in range(1, 1001)])
    value = document(bailiff("replay", "--json", "--summary", file, "--file", path), GOOD)
    assert value["count"] == 1000 and value["rules"] == [{"rule": "no-secret", "verdict": "deny", "events": 1000, "accesses": 1000}]


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
