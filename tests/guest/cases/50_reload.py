# SPDX-License-Identifier: Apache-2.0
"""Reload: by every way, and refused when the policy is broken."""

import json

from evasion import row
from trial import do, policy, push_program, settle
from testguest import POLICY_DIR

def rule(name, path=None):
    return {"id": name, "on": "open", "path": path or f"/srv/r/{name}", "action": "deny"}


def generation(g):
    return json.loads(g.sh("bailiff status --json"))["policy"]["generation"]


def test_ways_to_reload(g):
    path = g.put_policy("ways", {"bailiff": 1, "mode": "enforce", "rules": [rule("x")]})
    try:
        for command in ("systemctl reload bailiffd", "kill -HUP $(systemctl show -P MainPID bailiffd)",
                        "bailiff reload"):
            before = generation(g)
            cursor = g.journal_cursor()
            g.sh(command, timeout=300)
            g.wait_until(lambda: generation(g) == before + 1, 120, f"a new generation after {command}")
            loaded = g.journal("MESSAGE_ID=9404b4edbc4043c9b4b556b274da9b12", since=cursor)
            assert loaded[-1]["BAILIFF_GENERATION"] == str(before + 1), loaded
    finally:
        g.remove(path)
        g.run(["bailiff", "reload"], timeout=300)


def test_on_trial(g):
    """A policy that nobody confirms is taken back: by the daemon, by the next one, and by the kernel side alone."""
    g.sh("mkdir -p /srv/r; echo x > /srv/r/x; echo y > /srv/r/y")
    deeds = {"x": "read('/srv/r/x')", "y": "read('/srv/r/y')"}
    before, tried = {"x": "EPERM", "y": "ok"}, {"x": "ok", "y": "EPERM"}

    def state():
        return json.loads(g.sh("bailiff status --json")).get("confirm", {}).get("state")

    def back(seconds):
        g.wait_until(lambda: do(g, deeds) == before, seconds, "the policy of before")

    try:
        with policy(g, rule("x")):
            g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": "enforce", "rules": [rule("y")]})
            assert "on trial" in g.sh("bailiff reload --confirm 5s", timeout=300)
            assert do(g, deeds) == tried
            back(60)
            assert state() == "taken-back" and g.run(["bailiff", "confirm"], check=False).rc != 0
            # One daemon after the other.
            g.sh("bailiff reload --confirm 1h", timeout=300)
            assert do(g, deeds) == tried and state() == "on-trial"
            pid = g.sh("systemctl show -P MainPID bailiffd").strip()
            g.sh(f"kill -9 {pid}")
            g.wait_until(lambda: g.sh("systemctl show -P MainPID bailiffd").strip() not in ("0", pid), 60, "the next start")
            g.sh("systemctl start bailiffd", timeout=500)
            assert do(g, deeds) == before and state() == "taken-back"
            # Without any, within a minute of its time.
            g.sh("bailiff reload --confirm 10s && systemctl stop bailiffd", timeout=300)
            assert do(g, deeds) == tried
            back(150)
            g.sh("systemctl start bailiffd", timeout=500)
            assert do(g, deeds) == before and state() == "taken-back"
            g.sh("bailiff reload --confirm 5s && bailiff confirm && sleep 8", timeout=300)
            assert do(g, deeds) == tried and state() is None
    finally:
        g.remove("/srv/r")


def test_broken_file_keeps_what_is_in_force(g):
    broken = f"{POLICY_DIR}/broken.json"
    g.sh("mkdir -p /srv/r; echo x > /srv/r/x")
    deed = {"read": "read('/srv/r/x')"}
    assert do(g, deed)["read"] == "ok"
    try:
        with policy(g, rule("x")):
            assert do(g, deed)["read"] == "EPERM"
            before = generation(g)
            try:
                g.write(broken, '{ "bailiff": 1, "rules": [ { "id": "b", "on": "open", "pth": "/x", "action": "deny" } ] }\n')
                cursor = g.journal_cursor()
                for command in (["bailiff", "reload"], ["systemctl", "reload", "bailiffd"]):
                    result = g.run(command, check=False, timeout=300)
                    assert result.rc == 1, result.describe()
                    if command[0] == "bailiff":
                        assert f"{broken}:1:" in result.stderr and "path" in result.stderr, result.describe()
                assert generation(g) == before and do(g, deed)["read"] == "EPERM"
                rejected = g.journal("MESSAGE_ID=c3789b83ab7a4f16861a0a99718fcd13", since=cursor)
                assert rejected[0]["BAILIFF_GENERATION"] == str(before), rejected[0]
                assert int(rejected[0]["BAILIFF_ERRORS"]) >= 1 and rejected[0]["BAILIFF_REASON"], rejected[0]
            finally:
                g.remove(broken)
    finally:
        g.remove("/srv/r")


@row("E7")
def test_no_gap_under_hammering(g):
    """
    Two policies take turns; both refuse one file and neither refuses another, but their rules and
    table layouts differ. No open may see a mixture of them, or none.
    """
    name = f"{POLICY_DIR}/turns.json"
    sets = [{"bailiff": 1, "mode": "enforce", "rules": [rule("never"), rule("a")]},
            {"bailiff": 1, "mode": "enforce",
             "rules": [rule("z-never", "/srv/r/n*r"), rule("b")] +
             [rule(f"more-{i}", f"/srv/r/more/{i}/**") for i in range(200)]}]
    g.sh("mkdir -p /srv/r; echo x > /srv/r/never; echo x > /srv/r/free")
    push_program(g, "hammer", "/srv/r/hammer")
    try:
        g.write(name, json.dumps(sets[0]))
        g.sh("bailiff reload", timeout=300)
        g.sh("mkfifo /srv/r/end; for i in 1 2; do "
             "(/srv/r/hammer /srv/r/never /srv/r/free < /srv/r/end > /srv/r/out.$i &) ; done; "
             "(sleep 600 > /srv/r/end & echo $! > /srv/r/holder)")
        for turn in range(1, 13):
            g.write(name, json.dumps(sets[turn % 2]))
            g.sh("bailiff reload", timeout=300)
        g.sh("kill $(cat /srv/r/holder)")
        g.wait_until(lambda: len(g.sh("cat /srv/r/out.*").split()) == 6, 60, "the hammers' counts")
        for line in g.sh("cat /srv/r/out.*").splitlines():
            tries, slips, refusals = (int(word) for word in line.split())
            assert tries > 100 and (slips, refusals) == (0, 0), line
    finally:
        g.remove(name)
        g.run(["bailiff", "reload"], timeout=300)
        g.run(["pkill", "-9", "hammer"], check=False)
        g.remove("/srv/r")
        settle(g)
