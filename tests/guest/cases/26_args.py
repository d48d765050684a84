# SPDX-License-Identifier: Apache-2.0
"""args: programs that are started with arguments which a rule asks for, however these are given."""

from evasion import row
from testguest import TIMEOUT_S
from trial import check_fields, do, events, policy

PREPARE = r"""
mkdir -p /srv/a; cp /bin/touch /srv/a/tool; cp /bin/true /srv/a/other; cp /lib/x86_64-linux-gnu/libresolv.so.2 /srv/a/lib.so
printf '#!/srv/a/tool\n' > /srv/a/script; printf '#!/srv/a/tool --bad-one\n' > /srv/a/given; printf '#!/nowhere\n' > /srv/a/broken
chmod 755 /srv/a/*; ln -s /srv/a/tool /srv/a/symlink; ln /srv/a/tool /srv/a/link; mkdir -m 777 /srv/a/made
"""
CLEAN = "rm -rf /srv/a"
RULE = {"id": "args", "on": "exec", "path": ["/srv/a/tool", "/srv/a/script", "/srv/a/broken", "/srv/a/lib.so"],
        "args": ["/srv/a/made/[!o]*", "--bad-*", "*evil*", "?"], "action": "kill", "severity": "high"}
KILLED = "status 9"
RAN = {"ok", "status 0", "status 256"}  # touch(1) may not like what it is given

# Programs that would leave something in /srv/a/made, if they ran.
BAD = {"plain": "os.execv('/srv/a/tool', ['tool', '/srv/a/made/plain'])",
       "one of many": "os.execv('/srv/a/tool', ['tool', '/srv/a/made/ok', '', '', '/srv/a/made/many', '/srv/a/made/ok'])",
       "behind empty ones": "os.execv('/srv/a/tool', ['tool'] + [''] * 5000 + ['/srv/a/made/empty'])",
       "behind a million bytes": "os.execv('/srv/a/tool', ['tool'] + ['/srv/a/made/o' + 'k' * 200] * 5000 + ['/srv/a/made/x'])",
       "at each place of a block": "for i in range(64):\n if os.spawnv(os.P_WAIT, '/srv/a/tool', ['tool', 'o' * (4064 + i),"
                                   " '/srv/a/made/x']) != -9:\n  os._exit(1)\nos.kill(os.getpid(), 9)",
       "at the end of a long one": "os.execv('/srv/a/tool', ['tool', '-c', 'x' * 100000 + 'evil'])",
       "of one byte": "os.execv('/srv/a/tool', ['tool', '/srv/a/made/ok', 'x'])",
       "any bytes": "os.execv('/srv/a/tool', ['tool', b'/srv/a/made/\\xff\\n'])",
       "script": "os.execv('/srv/a/script', ['x', '/srv/a/made/script'])",
       "by the first line": "os.execv('/srv/a/given', ['x', '/srv/a/made/ok'])",
       "symbolic link": "os.execv('/srv/a/symlink', ['tool', '/srv/a/made/s'])",
       "hard link": "os.execv('/srv/a/link', ['tool', '/srv/a/made/h'])",
       "descriptor": "os.execve(os.open('/srv/a/tool', os.O_RDONLY), ['tool', '/srv/a/made/d'], {})",
       "thread": "t = threading.Thread(target=lambda: os.execv('/srv/a/tool', ['tool', '/srv/a/made/t']))\nt.start(); t.join()",
       "another user": "os.setgroups([]); os.setresuid(2000, 2000, 2000); os.execv('/srv/a/tool', ['tool', '/srv/a/made/u'])",
       "without its own name": "os.execv('/bin/bash', ['bash', '-c', 'exec -a \"\" /srv/a/tool /srv/a/made/n'])",
       "after a failure": "try:\n os.execv('/srv/a/broken', ['x', '/srv/a/made/y'])\nexcept OSError:\n pass\n"
                          "os.execv('/srv/a/tool', ['tool', '/srv/a/made/f'])"}
GOOD = {"others": "os.execv('/srv/a/tool', ['tool', '/srv/a/made/ok', '/srv/a/made/of'])",
        "half of a pattern": "os.execv('/srv/a/tool', ['tool', '/srv/a/made/', '/srv/a/made/ok', '/srv/a/ok--bad-'])",
        "only its own name": "os.execv('/srv/a/tool', ['--bad-name', '/srv/a/made/ok'])",
        "environment": "os.execve('/srv/a/tool', ['tool', '/srv/a/made/ok'], {'/srv/a/made/x': 'evil', 'x': '', '--bad-': ''})",
        "last without a rest": "os.execve('/srv/a/tool', ['tool', '/srv/a/made/ok'], {})",
        "another program": "os.execv('/srv/a/other', ['other', '/srv/a/made/plain'])",
        "after a failure, another": "try:\n os.execv('/srv/a/broken', ['x', '/srv/a/made/y'])\nexcept OSError:\n pass\n"
                                    "os.execv('/srv/a/other', ['other', '/srv/a/made/y'])",
        "mapped": "map_code('/srv/a/lib.so')"}
LEFT = "ls -A /srv/a/made | sort"


def enough(g, since, count):
    found = events(g, since)
    return found if len(found) >= count else None


@row("E10")
def test_killed_before_it_runs(g):
    try:
        g.sh(PREPARE)
        before = do(g, BAD | GOOD)
        assert set(before.values()) <= RAN, before
        g.sh(CLEAN)
        g.sh(PREPARE)
        with policy(g, RULE) as since:
            # The second time whatever could be remembered is: that it passes must not be.
            for _ in range(2):
                after = do(g, GOOD)
                assert set(after.values()) <= RAN, after
            kept = g.sh(LEFT)
            after = do(g, BAD)
            assert set(after.values()) == {KILLED}, after
            assert g.sh(LEFT) == kept
            found = g.wait_until(lambda: enough(g, since, len(BAD) + 63), 60, "an event for each")
        assert len(found) == len(BAD) + 63, (len(found), sorted(event["MESSAGE"][:90] for event in found))
        for event in found:
            check_fields(event, on="exec", rule="args", verdict="kill", hook="bprm_committed_creds", spared=None)
            assert "ERRNO" not in event and event["MESSAGE"].startswith("killed exec path=\"/srv/a/"), event
        assert {event["BAILIFF_PATH"] for event in found} == {"/srv/a/tool", "/srv/a/script", "/srv/a/link"}, found
        assert {event["BAILIFF_EXE"] for event in found} \
            == set(g.sh("readlink -f /usr/bin/python3 /bin/bash").split()), found
        arguments = {event.get("BAILIFF_ARGUMENT") for event in found}
        assert {"/srv/a/made/plain", "/srv/a/made/many", "--bad-one", "x", "/srv/a/made/script"} <= arguments, arguments
    finally:
        g.sh(CLEAN)


def test_alert(g):
    try:
        g.sh(PREPARE)
        with policy(g, {**RULE, "action": "alert"}) as since:
            after = do(g, {"it": BAD["one of many"], "long": "os.execv('/srv/a/tool', ['tool', '--bad-' + 'x' * 8000])"})
            assert set(after.values()) <= RAN, after
            found = g.wait_until(lambda: enough(g, since, 2), 60, "two events")
        by_size = sorted(found, key=lambda event: len(event["BAILIFF_ARGUMENT"]))
        check_fields(by_size[0], verdict="alert", argument="/srv/a/made/many", truncated=None)
        check_fields(by_size[1], verdict="alert", argument_hex=(b"--bad-" + b"x" * 4090).hex(), truncated="argument")
        assert g.sh(LEFT).split() == ["many", "ok"]
    finally:
        g.sh(CLEAN)


def test_monitor(g):
    try:
        g.sh(PREPARE)
        with policy(g, RULE, mode="monitor") as since:
            assert do(g, {"it": BAD["plain"]}) == {"it": "status 0"}
            found = g.wait_until(lambda: enough(g, since, 1), 60, "a report")
        check_fields(found[0], verdict="would-kill", argument="/srv/a/made/plain")
    finally:
        g.sh(CLEAN)


def test_with_others(g):
    """What is denied is denied before; of several that ask for arguments the strictest one counts; others
    report beside it; and who an exception names may."""
    rules = [{"id": "first", "on": "exec", "path": "/srv/a/*", "args": "--bad-*", "action": "alert", "severity": "critical"},
             {"id": "second", "on": "exec", "args": "*x*", "action": "kill", "path": "/srv/a/*",
              "unless": {"by": {"uid": 2000}}},
             {"id": "plain", "on": "exec", "path": "/srv/a/tool", "action": "alert"},
             {"id": "never", "on": "exec", "path": "/srv/a/other", "action": "deny"}]
    user = "os.setgroups([]); os.setresuid(2000, 2000, 2000); "
    try:
        g.sh(PREPARE)
        with policy(g, *rules) as since:
            assert do(g, {"both": "os.execv('/srv/a/tool', ['tool', '--bad-', 'x'])"}) == {"both": KILLED}
            found = g.wait_until(lambda: enough(g, since, 2), 60, "two events")
            assert [event["BAILIFF_RULE"] for event in found] == ["plain", "second"], found
            check_fields(found[1], others="1", argument="x")
        with policy(g, *rules) as since:
            assert do(g, {"denied": "os.execv('/srv/a/other', ['other', 'x'])"}) == {"denied": "EPERM"}
            assert do(g, {"may": user + "os.execv('/srv/a/tool', ['tool', '--bad-x', '/tmp/alive'])"})
            found = g.wait_until(lambda: enough(g, since, 3), 60, "three events")
            assert [event["BAILIFF_RULE"] for event in found] == ["never", "plain", "first"], found
    finally:
        g.sh(CLEAN + " /tmp/alive")


def test_any_program(g):
    """A rule without a path is about whatever is started."""
    try:
        g.sh(PREPARE)
        with policy(g, {"id": "any", "on": "exec", "args": "--bailiff-test-*", "action": "kill"}) as since:
            memfd = ("fd = os.memfd_create('x'); os.write(fd, open('/bin/true', 'rb').read());"
                     " os.execve(fd, ['x', '--bailiff-test-2'], {})")
            after = do(g, {"named": "os.execv('/bin/true', ['true', '--bailiff-test-1'])", "memfd": memfd})
            assert set(after.values()) == {KILLED}, after
            found = g.wait_until(lambda: enough(g, since, 2), 60, "two events")
        assert {event["BAILIFF_ARGUMENT"] for event in found} == {"--bailiff-test-1", "--bailiff-test-2"}, found
    finally:
        g.sh(CLEAN)


def test_lies(g):
    """Any byte but NUL may be in an argument."""
    argument = b"--bad-\nFORGED=1\xe2\x80\xae\xff\"\x1b[2J"
    try:
        g.sh(PREPARE)
        with policy(g, RULE) as since:
            assert do(g, {"it": f"os.execv('/srv/a/tool', ['tool', {argument!r}])"}) == {"it": KILLED}
            found = g.wait_until(lambda: enough(g, since, 1), 60, "an event")
        check_fields(found[0], argument_hex=argument.hex())
        assert "FORGED" not in found[0] and "\n" not in found[0]["MESSAGE"], found[0]
    finally:
        g.sh(CLEAN)


def test_reloads_leave_no_gap(g):
    """A program whose first look was under one policy and whose arguments come under the next."""
    try:
        g.sh(PREPARE)
        with policy(g, RULE):
            g.sh("systemd-run -q --unit=arguments --collect sh -c"
                 " 'for i in $(seq 300); do /srv/a/tool /srv/a/made/race; done; touch /srv/a/done'")
            for _ in range(3):
                g.run(["bailiff", "reload"], timeout=TIMEOUT_S)
            g.wait_until(lambda: g.run(["test", "-e", "/srv/a/done"], check=False).rc == 0, TIMEOUT_S, "the loop's end")
            assert not g.sh(LEFT).strip()
    finally:
        g.sh(CLEAN)


def test_pid_1_is_spared(g):
    """systemd starts itself anew."""
    rule = {"id": "spared", "on": "exec", "path": "/lib/systemd/systemd", "args": "--deserialize*", "action": "kill"}
    with policy(g, rule) as since:
        g.sh("systemctl daemon-reexec")
        found = g.wait_until(lambda: events(g, since, "BAILIFF_PID=1"), 120, "what PID 1 did")
        assert g.sh("cat /proc/1/comm").strip() == "systemd"
    check_fields(found[0], verdict="would-kill", spared="1", path="/usr/lib/systemd/systemd")
