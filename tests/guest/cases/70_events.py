# SPDX-License-Identifier: Apache-2.0
"""Events: all of them arrive or are counted, and say whose they are."""

import json

from evasion import row
from trial import check_fields, do, events, policy

RULE = {"id": "flood", "on": "open", "access": "read", "path": "/srv/v/denied", "action": "deny"}


def prepare(g):
    g.sh("mkdir -p /srv/v; echo x > /srv/v/denied; cat /srv/v/denied > /dev/null")


def status(g):
    return json.loads(g.sh("bailiff status --json"))


def lost(state):
    counters, journal = state["counters"], state["journal"]
    return sum(counters[name] for name in ("lost_ring", "lost_scratch", "lost_limit")) + journal["dropped_full"] + \
        journal["dropped_memory"] + journal["dropped_refused"]


def test_unit_and_process(g):
    """journalctl -u UNIT shows what was refused to the unit's process."""
    prepare(g)
    try:
        with policy(g, RULE) as since:
            g.run("systemd-run --wait --unit=victim -q sh -c 'cat /srv/v/denied; sleep 2'", check=False, timeout=120)
            found = g.wait_until(lambda: events(g, since), 60)
            check_fields(found[0], unit="victim.service", slice="system.slice", rule="flood", exe="/usr/bin/cat",
                         comm="cat", parent_comm="sh", cgroup="/system.slice/victim.service", uid="0", euid="0")
            assert found[0]["OBJECT_SYSTEMD_UNIT"] == "victim.service", found[0]
            assert found[0]["SYSLOG_IDENTIFIER"] == "bailiff", found[0]
            shown = g.sh(f"journalctl -q -u victim.service -o cat --cursor='{since}'")
            assert 'denied open path="/srv/v/denied"' in shown, shown
    finally:
        g.remove("/srv/v")


def test_object_pid(g):
    prepare(g)
    try:
        with policy(g, RULE) as since:
            text = g.run("sh -c 'read x < /srv/v/denied || :; echo $$; sleep 5'", check=False, timeout=60)
            text = text.stdout if text.stdout else g.run(
                ["python3", "-c", "import os, time\ntry:\n open('/srv/v/denied')\nexcept OSError:\n pass\n"
                                  "print(os.getpid())\ntime.sleep(5)"], timeout=60).stdout
            pid = text.split()[0]
            found = g.wait_until(lambda: events(g, since, f"BAILIFF_PID={pid}"), 60)
            assert found[0]["OBJECT_PID"] == pid, found[0]
    finally:
        g.remove("/srv/v")


@row("G1", "G2")
def test_tool_shows_events(g):
    prepare(g)
    g.sh("cp /bin/cat '/srv/v/a\"b\nc'")
    try:
        with policy(g, RULE) as since:
            g.run(["/srv/v/a\"b\nc", "/srv/v/denied"], check=False)
            found = g.wait_until(lambda: events(g, since), 60)
            check_fields(found[0], exe="/srv/v/a\\\"b\\x0ac", exe_hex=b"/srv/v/a\"b\nc".hex(),
                         comm="a\\\"b\\x0ac", comm_hex=b"a\"b\nc".hex())
            assert "\n" not in found[0]["MESSAGE"], found[0]
            lines = g.sh("bailiff events -o json").splitlines()
            shown = [json.loads(line) for line in lines]
            event = next(event for event in shown if event.get("cursor") == found[0]["__CURSOR"])
            assert event["verdict"] == "deny" and event["access"] == ["read"] and event["pid"] == \
                int(found[0]["BAILIFF_PID"]) and event["path"] == "/srv/v/denied", event
    finally:
        g.remove("/srv/v")


@row("G5")
def test_journald_stopped(g):
    """The daemon goes on without journald; what was denied meanwhile comes later."""
    prepare(g)
    try:
        with policy(g, RULE) as since:
            before = status(g)
            g.run("systemctl stop systemd-journald.socket systemd-journald-dev-log.socket "
                  "systemd-journald-audit.socket systemd-journald.service", check=False)
            try:
                answer = do(g, {"read": "read('/srv/v/denied')"})
                alive = g.run(["systemctl", "is-active", "bailiffd"]).stdout.strip()
            finally:
                g.sh("systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service")
            assert answer["read"] == "EPERM" and alive == "active"
            g.wait_until(lambda: events(g, since) or lost(status(g)) > lost(before), 60, "the event, or its loss")
            assert do(g, {"read": "read('/srv/v/denied')"})["read"] == "EPERM"
            g.wait_until(lambda: events(g, since), 60, "an event after the restart")
    finally:
        g.remove("/srv/v")
