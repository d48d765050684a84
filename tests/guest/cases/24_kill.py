# SPDX-License-Identifier: Apache-2.0
"""kill: who does what such a rule is about is refused it, and does nothing afterwards."""

from trial import check_fields, do, events, policy

PREPARE = """
mkdir -p /srv/k; cp /bin/true /srv/k/tool; cp /lib/x86_64-linux-gnu/libresolv.so.2 /srv/k/lib.so
echo secret > /srv/k/secret; echo other > /srv/k/other
"""
CLEAN = "rm -rf /srv/k"
RULES = [{"id": "exec", "on": "exec", "path": ["/srv/k/tool", "/srv/k/lib.so"], "action": "kill"},
         {"id": "open", "on": "open", "path": ["/srv/k/secret", "/srv/k/new"], "action": "kill"},
         {"id": "weaker", "on": "open", "path": "/srv/k/secret", "action": "deny", "severity": "critical"},
         {"id": "connect", "on": "connect", "to": "192.0.2.66", "action": "kill"}]

# Each says on the disk that it went on; what it is killed for it must not have done.
DEEDS = {"exec": "os.execv('/srv/k/tool', ['tool'])",
         "mmap": "map_code('/srv/k/lib.so')",
         "mprotect": "map_then_protect('/srv/k/lib.so')",
         "read": "print(open('/srv/k/secret').read())",
         "unlink": "os.unlink('/srv/k/secret')",
         "rename": "os.rename('/srv/k/secret', '/srv/k/stolen')",
         "rename over": "os.rename('/srv/k/other', '/srv/k/secret')",
         "link": "os.link('/srv/k/secret', '/srv/k/stolen')",
         "truncate": "os.truncate('/srv/k/secret', 0)",
         "chmod": "os.chmod('/srv/k/secret', 0o777)",
         "create": "open('/srv/k/new', 'w')",
         "mkdir": "os.mkdir('/srv/k/new')",
         "symlink": "os.symlink('x', '/srv/k/new')",
         "connect": "connect('192.0.2.66', 80)",
         "send": "send('192.0.2.66', 53)",
         "thread": "t = threading.Thread(target=lambda: os.unlink('/srv/k/secret')); t.start(); t.join()",
         "user": "os.setgroups([]); os.setresuid(2000, 2000, 2000); open('/srv/k/secret')"}
KILLED = "status 9"


def and_go_on(name, deed):
    """The deed, and a sign of life if it is survived, whatever the deed came to."""
    number = sorted(DEEDS).index(name)
    return f"try:\n {deed}\nfinally:\n os.close(os.open('/tmp/alive-{number}', os.O_CREAT))"


def test_each_door(g):
    g.sh(PREPARE)
    before = g.sh("cat /srv/k/secret; stat -c '%a %h' /srv/k/secret; ls /srv/k")
    try:
        with policy(g, *RULES) as since:
            after = do(g, {name: and_go_on(name, deed) for name, deed in DEEDS.items()})
            found = g.wait_until(lambda: enough(g, since, len(DEEDS)), 60, f"a verdict for each of {after}")
        assert set(after.values()) == {KILLED}, after
        assert not g.sh("ls /tmp/alive-* 2>/dev/null || true").strip()
        assert g.sh("cat /srv/k/secret; stat -c '%a %h' /srv/k/secret; ls /srv/k") == before
        for event in found:
            check_fields(event, verdict="kill", spared=None)
            assert event["BAILIFF_RULE"] in ("exec", "open", "connect") and event["ERRNO"] == "1", event
            assert event["MESSAGE"].startswith("killed "), event
    finally:
        g.sh(CLEAN + " /tmp/alive-*")


def enough(g, since, count):
    found = events(g, since)
    return found if len(found) >= count else None


def test_all_threads_end(g):
    """Whichever thread tries, the process is gone, and none of its other threads goes on."""
    g.sh(PREPARE)
    try:
        with policy(g, *RULES):
            code = ("def work():\n while True:\n  pass\n"
                    "[threading.Thread(target=work).start() for _ in range(4)]\n"
                    "threading.Thread(target=lambda: open('/srv/k/secret')).start()\ntime.sleep(60)")
            assert do(g, {"threads": code}) == {"threads": KILLED}
    finally:
        g.sh(CLEAN)


def test_monitor(g):
    g.sh(PREPARE)
    try:
        with policy(g, *RULES, mode="monitor") as since:
            deeds = {name: DEEDS[name] for name in ("mmap", "read", "chmod", "rename", "create")}
            after = do(g, deeds)
            assert set(after.values()) == {"ok"}, after
            found = g.wait_until(lambda: enough(g, since, len(deeds)), 60, "a report of each")
        for event in found:
            check_fields(event, verdict="would-kill", spared=None)
            assert "ERRNO" not in event and event["MESSAGE"].startswith("would-kill "), event
    finally:
        g.sh(CLEAN)


def test_pid_1_is_refused_only(g):
    """systemd reads a unit's file for whoever asks about the unit."""
    unit = "/run/systemd/system/spared.service"
    g.write(unit, "[Service]\nExecStart=/bin/true\n")
    g.sh("chmod 644 " + unit)
    try:
        with policy(g, {"id": "spared", "on": "open", "path": unit, "access": "read", "action": "kill"}) as since:
            g.sh("systemctl daemon-reload; systemctl show --property=LoadState spared.service")
            found = g.wait_until(lambda: events(g, since, "BAILIFF_PID=1"), 60, "what PID 1 was refused")
            assert g.sh("cat /proc/1/comm").strip() == "systemd"
        for event in found:
            check_fields(event, verdict="deny", rule="spared", spared="1", pid="1", path=unit)
    finally:
        g.sh(f"rm {unit}; systemctl daemon-reload")
