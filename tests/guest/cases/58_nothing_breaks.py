# SPDX-License-Identifier: Apache-2.0
"""Nothing else breaks: a machine boots and does ordinary work (programs/ordinary.py) without bailiff, and
again under a policy that attaches every hook and matches nothing of it. Both must come to the same."""

import functools
import json
import re

from trial import PROGRAMS, policy

HOME = "/opt/ordinary"
WORKS = ("packages", "compiler", "containers", "filesystems", "calls")
SLOW_S = 900  # a boot that loads all programs, or a work, in an emulated guest on a busy host

SOMEBODY = {"uid": 4242}
STRANGER = {"exe": "/srv/none/**"}
ADDRESSES = ["203.0.113.0/24", "2001:db8::/32"]
DPKG = "/usr/bin/{dpkg,dpkg-*,update-alternatives,tar,rm}"

# Of every kind, and for each operation some that get as far as asking who it is.
RULES = [
    {"on": ["exec", "open"], "path": ["/srv/none/**", "/srv/none-*/[a-f]?.conf", "/srv/**/none/{a,b}*"],
     "action": "deny"},
    {"on": ["exec", "open"], "path": ["/etc/none", "/usr/bin/none"], "action": "kill"},
    {"on": "open", "path": "/srv/none-watched/**", "action": "alert"},
    {"on": "open", "path": ["/usr/**", "/etc/**", "/var/**", "/srv/**"], "by": SOMEBODY, "action": "deny"},
    {"on": ["exec", "open"], "path": "/**", "by": STRANGER, "action": "kill"},
    {"on": "open", "access": "modify", "path": "/var/lib/dpkg/**", "unless": {"by": {"exe": DPKG}}, "action": "deny"},
    {"on": "exec", "file": ["memfd", "deleted", "tmpfs", "setuid", "writable-by-others", "script"], "by": SOMEBODY,
     "action": "kill"},
    {"on": "exec", "path": "/usr/**", "file": ["deleted", "writable-by-others"], "action": "deny"},
    {"on": "exec", "path": "/usr/**", "args": ["--none", "-none*", "*/none/*"], "action": "kill"},
    {"on": "connect", "to": ADDRESSES, "action": "deny"},
    {"on": "connect", "port": "1-65535", "by": SOMEBODY, "action": "kill"},
    {"on": "connect", "family": ["tipc", "rxrpc"], "action": "deny"},
    {"on": "exec", "by": {"ancestor": "/srv/none/*", "parent": "/srv/none/**"}, "action": "deny"},
    {"on": "open", "path": "/**", "by": {"unit": "none-*.service"}, "action": "deny"},
    {"on": "connect", "to": "any", "by": {"container": "none*"}, "action": "deny"},
    {"on": "connect", "family": "any", "by": STRANGER, "action": "deny"},
    {"on": "connect", "socket": ["/srv/none/*.sock", "@none*"], "action": "deny"},
    {"on": "connect", "socket": ["/**", "@*"], "by": {"gid": 4242}, "action": "deny"},
]
POLICY = {"bailiff": 1, "name": "ordinary", "mode": "enforce",
          "rules": [{"id": f"rule-{number}", **rule} for number, rule in enumerate(RULES)]}

# Attached while names are looked for, and by no rule.
OF_NO_RULE = {"inode_getxattr"}
MUST_BE_ZERO = ("events", "alerted", "denied", "exe_changes_refused", "logins_refused", "failed_closed", "lost_ring", "lost_scratch",
                "links_full", "ancestors_lost", "cgroups_lost")


def status(g):
    return json.loads(g.sh("bailiff status --json"))


def boot(g):
    """What systemd and the journal say of a boot that is over."""
    g.wait_until(lambda: "No jobs" in g.sh("systemctl list-jobs"), 120, "systemd's last job")
    units = g.sh("systemctl list-units --all --plain --no-legend").splitlines()
    errors = g.journal("-b", "-p", "err")
    return {"state": g.sh("systemctl is-system-running || :").strip(),
            "failed": g.sh("systemctl --failed --plain --no-legend"),
            "units": sorted(" ".join(unit.split()[:4]) for unit in units if "bailiff" not in unit),
            "errors": sorted({f"{entry.get('SYSLOG_IDENTIFIER')}: {unnumbered(entry['MESSAGE'])}" for entry in errors})}


def unnumbered(text):
    return re.sub(r"\b(0x)?[0-9a-f]*\d[0-9a-f]*\b", "N", text)


def do(g, work):
    """One work's results; a work that can't be done is a result as well, which no test takes for a good one."""
    result = g.run(["python3", f"{HOME}/ordinary.py", work], check=False, timeout=SLOW_S)
    return json.loads(result.stdout) if result.rc == 0 else {"failed": result.describe()}


def round_of_works(g):
    return {"boot": boot(g), **{work: do(g, work) for work in WORKS}}


def push_works(g):
    for name in "ordinary.py", "battery.py", "nfs.py":
        g.push(PROGRAMS / name, f"{HOME}/{name}")


@functools.cache
def both_rounds(g):
    """The results without bailiff and under the policy; bailiff's status before and after these; what it has
    reported. Or why there are none."""
    path = ""
    push_works(g)
    try:
        g.run(["systemctl", "disable", "bailiffd"])
        g.reboot(SLOW_S)
        assert " bl_" not in g.sh("bpftool prog list"), "bailiff has programs in the kernel though it was not started"
        without = round_of_works(g)
        path = g.put_policy("ordinary", POLICY)
        g.run(["systemctl", "enable", "bailiffd"])
        g.reboot(SLOW_S)
        assert g.sh("systemctl is-active bailiffd").strip() == "active", g.sh("journalctl -b -u bailiffd")
        start = status(g)
        under = round_of_works(g)
        reported = [entry["MESSAGE"] for entry in g.journal("-b", "-u", "bailiffd") if "BAILIFF_VERDICT" in entry]
        return without, under, start, status(g), reported
    except Exception as error:  # each test tells it, none tries again
        return error
    finally:
        g.remove(HOME, *[path] * bool(path))
        g.run(["systemctl", "enable", "--now", "bailiffd"], timeout=SLOW_S)
        g.run(["bailiff", "reload"], timeout=SLOW_S)


def rounds(g):
    """Both rounds are made once for all tests here: the verifier takes a minute in an emulated guest each time
    that the daemon starts."""
    found = both_rounds(g)
    if isinstance(found, Exception):
        raise found
    return found


def differences(one, other, where=""):
    """The places in which two results differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [each for key in one.keys() | other.keys()
                for each in differences(one.get(key, "nothing"), other.get(key, "nothing"), f"{where}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [each for n, pair in enumerate(zip(one, other)) for each in differences(*pair, f"{where}/{n}")]
    return [] if one == other else [f"{where}: without bailiff {one!r}, under the policy {other!r}"]


def set_of(lines):
    """Lines as a dict of what is there, so that a missing one makes the others no different."""
    return {line: "there" for line in lines} if isinstance(lines, list) else lines


def must_be_the_same(g, work):
    without, under, *_ = rounds(g)
    for result in without[work], under[work]:
        assert "failed" not in result, result["failed"]
    found = differences(without[work], under[work])
    assert not found, "\n".join(found)
    return under[work]


def test_boot(g):
    """Under the policy from the start: the same state, units, and no error that the other boot hasn't."""
    without, under = (each["boot"] for each in rounds(g)[:2])
    assert without["state"] == "running" and without["failed"] == "", without
    found = [each for key in ("state", "failed", "units")
             for each in differences(set_of(without[key]), set_of(under[key]), key)]
    assert not found, found
    assert set(under["errors"]) <= set(without["errors"]), set(under["errors"]) - set(without["errors"])


def test_every_hook_is_attached(g):
    _, _, start, end, _ = rounds(g)
    for state in start, end:
        there = {hook["hook"] for hook in state["hooks"] if hook["available"]}
        idle = there - {hook["hook"] for hook in state["hooks"] if hook["attached"]}
        assert idle <= OF_NO_RULE, idle
    assert start["policy"]["generation"] == end["policy"]["generation"] and start["pid"] == end["pid"], (start, end)


def test_nothing_is_reported(g):
    *_, end, reported = rounds(g)
    assert reported == [], reported
    assert not {name: end["counters"][name] for name in MUST_BE_ZERO if end["counters"][name]}, end["counters"]


def test_packages(g):
    steps = must_be_the_same(g, "packages")
    assert [step[0][0] for step in steps.values()] == [0] * len(steps), steps


def test_compiler(g):
    steps = must_be_the_same(g, "compiler")
    wrong = {step: found for step, found in steps.items() if step != "files" and bool(found[0]) != ("broken" in step)}
    assert not wrong and "wholly" in steps["files"], steps


def test_containers(g):
    kinds = must_be_the_same(g, "containers")
    assert kinds["user"][0] == kinds["root"][0] == kinds["sandbox"][0] == kinds["veth"][0] == 0, kinds


def test_file_systems(g):
    """Each can do what every file system can: create, read, rename and start programs."""
    for kind, steps in must_be_the_same(g, "filesystems").items():
        steps = steps.get("sub", steps)
        assert steps["create"] == steps["read"] == 5400, (kind, steps)
        assert steps["program"] == ["echo", [0, "hello\n", ""]], (kind, steps)


def test_system_calls(g):
    """A test that fails in an emulated guest must fail in both; hundreds pass."""
    modules = must_be_the_same(g, "calls")
    ended = {name: found for name, found in modules.items() if isinstance(found, list)}
    assert not ended, ended
    passed = sum(verdict == "ok" for verdicts in modules.values() for verdict in verdicts.values())
    assert passed > 600, modules


def test_a_policy_that_matches_is_seen(g):
    """The control: what these tests compare does show a refusal."""
    without, *_ = rounds(g)
    push_works(g)
    try:
        with policy(g, {"id": "assembler", "on": "exec", "path": "/usr/bin/as", "action": "deny"}):
            refused = do(g, "compiler")
    finally:
        g.remove(HOME)
    found = differences(without["compiler"], refused)
    assert any("/gcc -c start.S/" in each for each in found), found
    assert not any("/gcc -x c-header common.h/" in each for each in found), found
