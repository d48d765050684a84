# SPDX-License-Identifier: Apache-2.0
"""The package as it comes: the daemon runs, refuses nothing, stops and starts."""

import json

from trial import check_fields, do, policy

WHO = "_SYSTEMD_UNIT=bailiffd.service"


def status(g):
    return json.loads(g.sh("bailiff status --json"))


def test_service_is_active(g):
    assert g.sh("systemctl is-active bailiffd").strip() == "active"
    assert g.sh("systemctl is-enabled bailiffd").strip() == "enabled"


def test_system_is_not_degraded(g):
    assert g.sh("systemctl is-system-running || :").strip() == "running", g.sh("systemctl --failed")


def test_doctor_is_content(g):
    assert "This kernel can enforce" in g.sh("bailiff doctor")


def test_status_says_what_runs(g):
    state = status(g)
    assert state["kernel"] == g.kernel() and state["engine"] == "lsm", state
    assert state["policy"]["generation"] >= 1, state
    assert "engine:" in g.sh("bailiff status")


def test_nothing_is_refused_as_installed(g):
    before = status(g)["counters"]
    g.sh("ls / > /dev/null; touch /root/installed; rm /root/installed; cat /etc/shadow > /dev/null")
    after = status(g)["counters"]
    assert after["denied"] == before["denied"] == 0 and after["failed_closed"] == 0, after


def test_journal_has_the_start(g):
    started = g.journal(WHO, "MESSAGE_ID=80449c407554436d9c465f43cdf79b3a")[-1]
    check_fields(started, kernel=g.kernel(), engine="lsm", schema="1")
    assert g.journal(WHO, "MESSAGE_ID=9404b4edbc4043c9b4b556b274da9b12")


def test_daemon_has_few_rights(g):
    pid = status(g)["pid"]
    text = g.read(f"/proc/{pid}/status")
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    assert fields["Seccomp"].strip() == "2" and fields["NoNewPrivs"].strip() == "1", text
    assert bin(int(fields["CapEff"], 16)).count("1") <= 2, fields["CapEff"]


def test_stop_keeps_or_lifts_and_start_enforces(g):
    """As on-stop has it; what bailiff unload does is tested by outlives, without a daemon, and by purge, with one."""
    conf = "/etc/bailiff/bailiff.conf"
    g.sh("mkdir -p /srv/i && echo x > /srv/i/secret")
    rule = {"id": "secret", "on": "open", "path": "/srv/i/secret", "action": "deny"}
    deed = {"read": "read('/srv/i/secret')"}
    assert do(g, deed)["read"] == "ok"
    with policy(g, rule):
        try:
            assert do(g, deed)["read"] == "EPERM"
            cursor = g.journal_cursor()
            g.run(["systemctl", "stop", "bailiffd"])
            assert do(g, deed)["read"] == "EPERM"
            stopped = g.journal("MESSAGE_ID=a9417970dfbe44e1adfedabeb6a38cb6", since=cursor)
            assert "enforcement stays" in stopped[-1]["BAILIFF_CONSEQUENCE"], stopped
            g.sh(f"cp {conf} /root/conf.kept; echo 'on-stop = lift' >> {conf}; systemctl start bailiffd", timeout=300)
            assert do(g, deed)["read"] == "EPERM"
            g.run(["systemctl", "stop", "bailiffd"])
            assert do(g, deed)["read"] == "ok" and g.sh("ls /sys/fs/bpf/bailiff").strip() == ""
            stopped = g.journal("MESSAGE_ID=a9417970dfbe44e1adfedabeb6a38cb6", since=cursor)
            assert "enforcement lifted" in stopped[-1]["BAILIFF_CONSEQUENCE"], stopped
        finally:
            g.sh(f"mv /root/conf.kept {conf} || :; systemctl start bailiffd", timeout=500)
        assert do(g, deed)["read"] == "EPERM"
    # What that policy did not need is being loaded: one that needs it waits for it.
    with policy(g, rule, {"id": "run", "on": "exec", "path": "/srv/i/**", "action": "deny"},
                {"id": "call", "on": "connect", "to": "203.0.113.1", "action": "deny"}):
        assert do(g, deed)["read"] == "EPERM"
        attached = {hook["hook"] for hook in status(g)["hooks"] if hook["attached"]}
        assert {"inode_rename", "mmap_file", "socket_connect"} <= attached, attached
    g.remove("/srv/i")


def test_second_daemon_ends(g):
    first = status(g)["pid"]
    second = g.run(["/usr/sbin/bailiffd"], check=False, timeout=300)
    assert second.rc == 5 and "running" in second.stderr, second.describe()
    assert status(g)["pid"] == first


def test_no_root(g):
    as_user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    daemon = g.run([*as_user, "/usr/sbin/bailiffd"], check=False)
    assert daemon.rc == 4 and "root" in daemon.stderr, daemon.describe()
    tool = g.run([*as_user, "bailiff", "status"], check=False)
    assert tool.rc == 4 and tool.stderr, tool.describe()
