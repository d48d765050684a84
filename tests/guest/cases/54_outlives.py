# SPDX-License-Identifier: Apache-2.0
"""Enforcement outlives its daemon: whatever ends that, and whatever comes after it, nothing that is denied gets through.

From the first of these tests to the last one the same rules are in force, and the same hammer is at them; each holds
its own share against the counts."""

import contextlib
import json
import os

from trial import check_fields, do, push_program, settle
from testguest import POLICY_DIR, TIMEOUT_S

FRESH = True
SMP = 2

PINS = "/sys/fs/bpf/bailiff"
CGROUP = "/sys/fs/cgroup/system.slice/bailiffd.service"
PROGRAM = "relentless"
KINDS = ("open", "exec", "connect")
# Of each kind, over all tests of this file; an execution is a program that is started or a file that is mapped as code.
TRIES = int(os.environ.get("OUTLIVES_TRIES", "100000"))
STARTED = TRIES // 100  # and so many of them are programs
# In each moment that a test looks at.
FEW = 200
MORE_THAN_THE_RING_HOLDS = 20_000
RULES = [
    {"id": "o-open", "on": "open", "path": "/srv/o/secret", "action": "deny"},
    {"id": "o-exec", "on": "exec", "path": "/srv/o/script", "action": "deny"},
    {"id": "o-connect", "on": "connect", "to": "127.0.0.1", "port": 9, "protocol": "tcp", "action": "deny"},
    {"id": "kept", "on": "open", "path": "/srv/k/secret", "action": "deny", "message": "told later"},
    {"id": "mounted", "on": "open", "path": "/srv/m/place/secret", "action": "deny"},
]
NAME = f"{POLICY_DIR}/outlives.json"
LOST = "MESSAGE_ID=41085948c4884093a9405dddb2b1e94f"
START_S = 500
REUSE = r"""
import os, sys
want = int(sys.argv[1])
for _ in range(1000):
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(want - 1))
    pid = os.fork()
    if pid == 0:
        if os.getpid() != want:
            os._exit(7)
        try:
            open("/srv/k/secret").close()
        except PermissionError:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 7:
        print(code)
        break
"""


class Hammer:
    """programs/relentless.c, which tries all three kinds on each processor."""

    def __init__(self, g):
        self.g = g
        g.sh("mkdir -p /srv/o /srv/k /srv/m/place /srv/m/other; echo x | tee /srv/o/secret /srv/k/secret > /srv/m/other/secret; "
             "printf '#!/srv/o/none\\n' > /srv/o/script; chmod 755 /srv/o/script")
        g.write(NAME, json.dumps({"bailiff": 1, "name": "outlives", "mode": "enforce", "rules": RULES}))
        g.sh("systemctl start bailiffd && bailiff reload", timeout=START_S)
        push_program(g, PROGRAM, f"/srv/o/{PROGRAM}", "-static", "-pthread")
        g.sh("mkfifo /srv/o/in; "
             f"(setsid /srv/o/{PROGRAM} /srv/o/secret /srv/o/script 9 < /srv/o/in > /srv/o/out 2>&1 &); "
             "(setsid sleep 100000 > /srv/o/in 2> /dev/null < /dev/null &)")

    def counts(self):
        """Of each kind: tries, refused, slips. Of 'programs' the tries alone."""
        lines = len(self._lines())
        self.g.sh("echo > /srv/o/in")
        self.g.wait_until(lambda: len(self._lines()) > lines, 60, "the hammer's counts")
        words = self._lines()[-1].split()
        assert tuple(words[0:15:5]) == KINDS, words
        counts = {kind: tuple(int(word) for word in words[5 * i + 1:5 * i + 4]) for i, kind in enumerate(KINDS)}
        return counts | {"programs": (int(words[16]),)}

    def _lines(self):
        return self.g.sh("cat /srv/o/out").splitlines()

    def go_on(self, before, tries=FEW, programs=1):
        """Waits until each kind was tried so often since."""
        def enough():
            now = self.counts()
            return all(now[kind][0] - before[kind][0] >= (programs if kind == "programs" else tries) for kind in now)
        self.g.wait_until(enough, TIMEOUT_S, f"{tries} tries")

    def hold(self, before):
        """None of them has got through since, and each was refused for the one reason. Returns the counts by now."""
        now = self.counts()
        for kind in KINDS:
            tries, refused, slips = (now[kind][i] - before[kind][i] for i in range(3))
            # What is in the middle of a try is counted later, on each processor.
            assert slips == 0 and abs(tries - refused) <= SMP, f"{kind}: {tries} tries, {refused} refused, {slips} slips"
        return now

    def pause(self):
        self.g.sh(f"pkill -STOP {PROGRAM}")

    def resume(self):
        self.g.sh(f"pkill -CONT {PROGRAM}")


hammers = {}  # by the guest's name


@contextlib.contextmanager
def hammer_at(g):
    """It goes on within the block. Outside it would only fill the journal."""
    if g.name not in hammers:
        hammers[g.name] = Hammer(g)
    else:
        hammers[g.name].resume()
    try:
        yield hammers[g.name]
    finally:
        hammers[g.name].pause()


def main_pid(g):
    return int(g.sh("systemctl show -P MainPID bailiffd"))


def await_daemon(g, before):
    """Another daemon than that process is up."""
    def is_up():
        state, pid = g.sh("systemctl show -P ActiveState bailiffd; systemctl show -P MainPID bailiffd").split()
        return state == "active" and int(pid) not in (0, before)
    g.wait_until(is_up, START_S, "the next daemon")


def sets(g):
    return g.sh(f"ls {PINS} 2> /dev/null || :").split()


def end_daemon(g, how):
    """Ends the daemon by a script, and waits for systemd to start the next one, which takes over all that is there."""
    with hammer_at(g) as hammer:
        one, before, pid = sets(g), g.journal_cursor(), main_pid(g)
        start = hammer.counts()
        g.sh(how.format(pid=pid))
        g.wait_until(lambda: not g.sh(f"readlink /proc/{pid}/exe || :").strip(), 60, "its end")
        hammer.go_on(hammer.hold(start))
        await_daemon(g, pid)
        hammer.go_on(hammer.hold(start))
        hammer.hold(start)
    assert sets(g) == one and len(one) == 1, f"{sets(g)} after {one}"
    took = [entry["MESSAGE"] for entry in g.journal("_SYSTEMD_UNIT=bailiffd.service", "--grep=took over", since=before)]
    assert len(took) == 1 and int(took[0].split()[-2]) > 20, f"{took}: no program was to be loaded anew"


def test_survives_cgroup_kill(g):
    end_daemon(g, f"echo 1 > {CGROUP}/cgroup.kill")


def test_survives_the_oom_killer(g):
    before = g.journal_cursor()
    end_daemon(g, f"echo 64K > {CGROUP}/memory.max; "
                  "while readlink /proc/{pid}/exe > /dev/null; do bailiff status > /dev/null & sleep 0.2; done; "
                  f"echo max > {CGROUP}/memory.max || :")
    assert any("oom" in entry["MESSAGE"].lower() for entry in g.journal("_PID=1", "UNIT=bailiffd.service", since=before))


def test_survives_sigkill_and_starts_that_are_ended(g):
    """The daemon, then the next one's start at any moment, by any signal: the last start takes over from all of them."""
    with hammer_at(g) as hammer:
        start, seen, states = hammer.counts(), {0}, []
        # Without the programs that were left a start takes long enough to be ended in the middle.
        programs = g.sh(f"ls -d {PINS}/*/programs_*").strip()
        aside = f"{os.path.dirname(programs)}/aside"
        g.sh(f"mv {programs} {aside}")
        for signal, seconds in (("KILL", 0), ("SEGV", 1), ("KILL", 3), ("ABRT", 6)):
            g.wait_until(lambda: main_pid(g) not in seen, 60, "the next start")
            pid = main_pid(g)
            seen.add(pid)
            states.append(g.sh(f"sleep {seconds}; systemctl show -P ActiveState bailiffd; kill -{signal} {pid}; "
                               "systemctl reset-failed bailiffd || :").strip())
            hammer.go_on(hammer.hold(start))
        assert states[0] == "active" and "activating" in states, f"no start was ended in the middle: {states}"
        g.sh(f"systemctl stop bailiffd; rm -rf {programs}; mv {aside} {programs}; systemctl start bailiffd", timeout=START_S)
        hammer.go_on(hammer.hold(start))
        hammer.hold(start)
    assert len(sets(g)) == 1, sets(g)


def test_failed_restart_leaves_what_was_in_force(g):
    broken = f"{POLICY_DIR}/broken.json"
    with hammer_at(g) as hammer:
        start, before = hammer.counts(), g.journal_cursor()
        g.write(broken, "{ nonsense")
        try:
            assert g.run(["systemctl", "restart", "bailiffd"], check=False, timeout=START_S).rc != 0
            hammer.go_on(hammer.hold(start))
            said = g.journal("BAILIFF_FAILURE=policy", since=before)
            assert "what was in force stays" in said[-1]["MESSAGE"], said
        finally:
            g.remove(broken)
        g.sh("systemctl reset-failed bailiffd || :; systemctl start bailiffd", timeout=START_S)
        hammer.go_on(hammer.hold(start))
        hammer.hold(start)


def test_survives_an_upgrade(g):
    packages = g.sh("ls /root/bailiff_*.deb || :").split()
    if not packages:
        g.not_applicable("no package was given to the runner (--deb)")
    with hammer_at(g) as hammer:
        start, pid, one = hammer.counts(), main_pid(g), sets(g)
        g.run(["dpkg", "--install", packages[0]], timeout=900)
        await_daemon(g, pid)
        assert sets(g) == one
        hammer.go_on(hammer.hold(start))
        hammer.hold(start)


def test_survives_another_layout(g):
    """A daemon whose maps are laid out otherwise, as another version's, is found by its name: all is made anew beside it."""
    with hammer_at(g) as hammer:
        start, one = hammer.counts(), sets(g)
        number, layout = one[0].split("_")
        g.sh(f"systemctl stop bailiffd; mv {PINS}/{one[0]} {PINS}/{number}_0123456789abcdef; systemctl start bailiffd",
             timeout=START_S)
        assert sets(g) == [f"{int(number) + 1}_{layout}"], f"{sets(g)} after {one}"
        hammer.go_on(hammer.hold(start))
        hammer.hold(start)


def test_while_no_daemon_runs(g):
    """What happens then is told by the next daemon, with the names of its rules; what had no room is counted. Its process
    number is nobody's. Rules hold for what is mounted. And who looks is told what is in force."""
    read = {"place": "read('/srv/m/place/secret')", "other": "read('/srv/m/other/secret')"}
    with hammer_at(g) as hammer:
        start = hammer.counts()
    settle(g)
    pid, before = main_pid(g), g.journal_cursor()
    g.run(["systemctl", "stop", "bailiffd"], timeout=START_S)
    for _ in range(5):
        assert do(g, {"read": "read('/srv/k/secret')"})["read"] == "EPERM"
    assert g.run(["python3", "-c", REUSE, str(pid)]).stdout.strip() == "1"
    assert do(g, read) == {"place": "ENOENT", "other": "ok"}
    g.sh("mount --bind /srv/m/other /srv/m/place")
    assert set(do(g, read).values()) == {"EPERM"}
    g.sh("umount /srv/m/place; mount -t tmpfs none /srv/m/place; touch /srv/m/place/free; "
         "! sh -c 'echo y > /srv/m/place/secret' 2> /dev/null")
    assert g.sh("ls /srv/m/place").strip() == "free"
    g.sh("umount /srv/m/place")
    assert do(g, {"other": read["other"]})["other"] == "ok"
    shown = g.run(["bailiff", "status"], check=False)
    assert shown.rc == 4 and "in force" in shown.stdout and f"outlives.json: {len(RULES)} rules, enforce" in shown.stdout, \
        shown.describe()
    left = json.loads(g.run(["bailiff", "status", "--json"], check=False).stdout)["left_in_force"]
    assert left["hooks"] > 0 and left["policy"]["generation"] >= 1, left
    assert not g.journal("BAILIFF_RULE=kept", since=before) and not g.journal(LOST, since=before)
    with hammer_at(g) as hammer:
        hammer.go_on(hammer.hold(start), MORE_THAN_THE_RING_HOLDS)
        hammer.hold(start)
    g.sh("systemctl start bailiffd", timeout=START_S)
    told = g.wait_until(lambda: g.journal("BAILIFF_RULE=kept", since=before), 60, "the kept events")
    assert len(told) == 6, told
    check_fields(told[0], policy="outlives", path="/srv/k/secret", verdict="deny")
    assert len(g.journal("BAILIFF_RULE=mounted", since=before)) == 3
    lost = g.wait_until(lambda: g.journal(LOST, since=before), 120, "the report of losses")
    assert sum(int(entry["BAILIFF_LOST_RING"]) for entry in lost) > 0, lost
    assert not any(int(entry["BAILIFF_LOST_GAP"]) for entry in lost), lost


def test_numbers_go_on(g):
    """All events of all these daemons are there, or it is said why they are not."""
    settle(g)
    checked = g.run(["bailiff", "events", "--verify"], check=False, timeout=TIMEOUT_S)
    assert checked.rc == 0 and "accounted for" in checked.stdout, checked.describe()


def test_so_often_and_the_control(g):
    """All that was tried by then is as much as is promised, and the hammer sees it when nothing is in force."""
    none = {kind: (0, 0, 0) for kind in (*KINDS, "programs")}
    refused = g.run(["setpriv", "--reuid=1000", "--regid=1000", "--groups=bailiff", "bailiff", "unload"], check=False)
    assert refused.rc == 4 and "root" in refused.stderr, refused.describe()
    g.run(["systemctl", "stop", "bailiffd"], timeout=START_S)
    with hammer_at(g) as hammer:
        hammer.go_on(none, TRIES, STARTED)
        now = hammer.hold(none)
        assert "lifted" in g.sh("bailiff unload")
        assert sets(g) == [] and g.run(["bailiff", "status"], check=False).rc == 4
        hammer.go_on(now)
        after = hammer.counts()
    assert all(after[kind][2] > 0 for kind in KINDS), f"nothing got through where nothing is in force: {after}"
    print(f"# {g.name}: tried before that: {now}")
