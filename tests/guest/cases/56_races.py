# SPDX-License-Identifier: Apache-2.0
"""
Races: the object's name changes all the time while it is opened and started by descriptor. A call that
nothing changed during is judged by the name that the object had; see programs/races.c. The control is
a daemon without the guard, which must be seen to fail.
"""

import contextlib
import dataclasses
import json
import os

import control
from evasion import row
from trial import policy, push_program

SMP = 2
PROGRAM = "/root/races"
DIR = "/srv/races"
RULES = [{"id": f"races-{on}", "on": on, "path": f"{DIR}/g/**", "by": {"uid": 1000}, "action": "deny"}
         for on in ("open", "exec")]
OPENS = int(os.environ.get("RACE_OPENS", "20000"))  # of each kind; with 200000 they are more than a million
EXECS = 200
PREPARE = f"rm -rf {DIR}; mkdir -p {DIR}/o/a/b/c {DIR}/o/t {DIR}/g/t; for f in o/f o/a/b/c/f; do cp /bin/true {DIR}/$f; done"
ANOTHER = f"cp /bin/true {DIR}/g/f"
TMPFS = f"mount --make-private /; mount -t tmpfs t {DIR}/o/t; cp /bin/true {DIR}/o/t/f"
CLEAN = f"for m in o/t g/t; do umount {DIR}/$m 2> /dev/null || :; done; rm -rf {DIR}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    opens: int
    execs: int
    changed: int
    refused: int
    wrong: int
    shown: str


def race(g, kind, opens=OPENS, execs=EXECS):
    result = g.run([PROGRAM, kind, DIR, str(opens), str(execs)], timeout=1800)
    outcome = Outcome(*map(int, result.stdout.split()), result.stderr.strip())
    print(f"# {g.kernel()}: {kind}: {outcome}", flush=True)
    return outcome


@contextlib.contextmanager
def place(g, prepare):
    push_program(g, "races", PROGRAM)
    try:
        g.sh(f"{PREPARE}; {prepare}")
        yield
    finally:
        g.sh(CLEAN)


def generation(g):
    return json.loads(g.sh("bailiff status --json"))["policy"]["generation"]


def check(g, kind, prepare="true", **more):
    with place(g, prepare):
        before = race(g, kind, 2000, 20)
        assert not before.refused and before.opens == 2000, before
    with place(g, prepare), policy(g, *RULES):
        outcome = race(g, kind, **more)
        assert outcome.opens >= OPENS and not outcome.wrong, outcome
        assert outcome.refused and outcome.refused < outcome.opens, outcome
    return outcome


@row("A16")
def test_file(g):
    check(g, "file")


@row("A16", "A12")
def test_directory_above(g):
    check(g, "directory")


@row("A11")
def test_exchange(g):
    check(g, "exchange", ANOTHER)


@row("A2")
def test_links(g):
    check(g, "link")


@row("A8")
def test_mount_moved(g):
    check(g, "mount", TMPFS)


@row("A3")
def test_bind_mounts(g):
    check(g, "bind")


def test_reloads(g):
    """One policy after the other: an object that each of them guards, and one that none mentions."""
    reloads = f"touch {PROGRAM}.go; while [ -e {PROGRAM}.go ]; do bailiff reload > /dev/null; done"
    with place(g, ANOTHER), policy(g, *RULES):
        try:
            g.sh(f"nohup sh -c '{reloads}' > /dev/null 2>&1 &")
            before = generation(g)
            free, guarded = race(g, "free"), race(g, "guarded")
            assert not free.wrong and not free.refused, free
            assert not guarded.wrong and guarded.refused == guarded.opens + guarded.execs, guarded
            assert generation(g) > before + 2, "there were no reloads"
        finally:
            g.remove(f"{PROGRAM}.go")
            g.wait_until(lambda: g.run(["pgrep", "-f", "bailiff reload"], check=False).rc, 120, "the last reload")


def test_two_processors_load_all_programs(g):
    """Each of them a part: what rules of all kinds need is on its hook, with a program of its own."""
    everything = [{"id": f"races-all-{n}", "action": "alert", **rule} for n, rule in enumerate((
        {"on": "open", "path": f"{DIR}/**", "access": ["modify", "read"]},
        {"on": "exec", "path": f"{DIR}/**", "args": "--never"},
        {"on": "connect", "to": "192.0.2.1"}, {"on": "connect", "family": "vsock"},
        {"on": "connect", "socket": f"{DIR}/socket"}))]
    with policy(g, *everything):
        hooks = json.loads(g.sh("bailiff status --json"))["hooks"]
    attached = [hook["program_id"] for hook in hooks if hook["attached"]]
    assert len(attached) > 30 and len(set(attached)) == len(attached) and 0 not in attached, hooks


def test_control(g):
    """Without the guard the same storm shows verdicts by names that the object did not have."""
    with control.daemon(g, control.NO_GUARD), place(g, "true"), policy(g, *RULES):
        outcome = race(g, "directory", 50_000, 0)
        assert outcome.wrong, outcome
