# SPDX-License-Identifier: Apache-2.0
"""Enforcement outlives its daemon: whatever ends that, and whatever comes after it, nothing that is denied gets through."""

import json
import os

from evasion import row
from trial import check_fields, do, policy, push_program
from testguest import POLICY_DIR, TIMEOUT_S

FRESH = True
SMP = 2

PINS = "/sys/fs/bpf/bailiff"
# Between the end of a daemon and the next one's being ready. An execution takes an emulated processor a millisecond.
TRIES = {"open": 100_000, "exec": int(os.environ.get("OUTLIVES_EXECS", "20000")), "connect": 100_000}
FEW = {"open": 100, "exec": 100, "connect": 100}
RULES = [
    {"id": "o-open", "on": "open", "path": "/srv/o/secret", "action": "deny"},
    {"id": "o-exec", "on": "exec", "path": "/srv/o/script", "action": "deny"},
    {"id": "o-connect", "on": "connect", "to": "127.0.0.1", "port": 9, "protocol": "tcp", "action": "deny"},
]
NAME = f"{POLICY_DIR}/outlives.json"
DROP_IN = "/run/systemd/system/bailiffd.service.d/test.conf"
LOST = "MESSAGE_ID=41085948c4884093a9405dddb2b1e94f"
KINDS = ("open", "exec", "connect")
START_S = 400


class Hammer:
    """programs/relentless.c, which tries all three on each processor from its start to its end."""

    def __init__(self, g):
        self.g = g
        push_program(g, "relentless", "/srv/o/relentless", "-static", "-pthread")
        g.sh("rm -f /srv/o/in /srv/o/out; mkfifo /srv/o/in; "
             "(setsid /srv/o/relentless /srv/o/secret /srv/o/script 9 < /srv/o/in > /srv/o/out 2>&1 &); "
             "(setsid sleep 100000 > /srv/o/in 2> /dev/null < /dev/null & echo $! > /srv/o/holder)")

    def counts(self):
        """Of each kind: tries, refused, slips."""
        lines = len(self._lines())
        self.g.sh("echo > /srv/o/in")
        self.g.wait_until(lambda: len(self._lines()) > lines, 60, "the hammer's counts")
        words = self._lines()[-1].split()
        assert tuple(words[0::5]) == KINDS, words
        return {kind: tuple(int(word) for word in words[5 * i + 1:5 * i + 4]) for i, kind in enumerate(KINDS)}

    def _lines(self):
        return self.g.sh("cat /srv/o/out").splitlines()

    def go_on(self, before, tries=TRIES):
        """Waits until each kind was tried so often since. Returns the counts by then."""
        def enough():
            now = self.counts()
            return now if all(now[kind][0] - before[kind][0] >= tries[kind] for kind in KINDS) else None
        return self.g.wait_until(enough, TIMEOUT_S, f"{tries} tries")

    def hold(self, before):
        """None of them has got through since, and each was refused for the one reason. Returns the counts by now."""
        now = self.counts()
        for kind in KINDS:
            tries, refused, slips = (now[kind][i] - before[kind][i] for i in range(3))
            # What is in the middle of a try is counted later, on each processor.
            assert slips == 0 and abs(tries - refused) <= SMP, f"{kind}: {tries} tries, {refused} refused, {slips} slips"
        return now

    def end(self):
        self.g.sh("kill $(cat /srv/o/holder) || :; pkill -9 relentless || :")


class Enforced:
    """The rules in force, and the hammer at them."""

    def __init__(self, g, settings=""):
        self.g, self.settings = g, settings

    def __enter__(self):
        g = self.g
        g.sh("mkdir -p /srv/o; echo x > /srv/o/secret; printf '#!/srv/o/none\\n' > /srv/o/script; chmod 755 /srv/o/script")
        g.write(NAME, json.dumps({"bailiff": 1, "name": "outlives", "mode": "enforce", "rules": RULES}))
        if self.settings:
            g.sh("cp /etc/bailiff/bailiff.conf /root/bailiff.conf.kept")
            g.sh(f"printf '{self.settings}' >> /etc/bailiff/bailiff.conf")
            restart(g)
        else:
            g.sh("systemctl start bailiffd && bailiff reload", timeout=START_S)
        return Hammer(g)

    def __exit__(self, *_):
        g = self.g
        g.sh(f"kill $(cat /srv/o/holder) || :; pkill -9 relentless || :; rm -f {NAME}")
        if self.settings:
            g.sh("mv /root/bailiff.conf.kept /etc/bailiff/bailiff.conf")
            restart(g)
        g.sh("systemctl start bailiffd", timeout=START_S)
        g.run(["bailiff", "reload"], timeout=START_S)
        g.remove("/srv/o")


def restart(g):
    g.sh("systemctl reset-failed bailiffd || :; systemctl restart bailiffd", timeout=START_S)


def main_pid(g):
    return int(g.sh("systemctl show -P MainPID bailiffd"))


def await_daemon(g, before):
    """Another daemon than that process is up."""
    def is_up():
        state, pid = g.sh("systemctl show -P ActiveState bailiffd; systemctl show -P MainPID bailiffd").split()
        return state == "active" and int(pid) not in (0, before)
    g.wait_until(is_up, START_S, "the next daemon")


def sets(g):
    return g.sh(f"ls {PINS}").split()


def end_daemon(g, how):
    """Ends the daemon by a script, and waits for systemd to start the next one: nothing gets through meanwhile."""
    with Enforced(g) as hammer:
        start = hammer.go_on(hammer.counts(), FEW)
        pid = main_pid(g)
        g.sh(how.format(pid=pid))
        g.wait_until(lambda: not g.sh(f"readlink /proc/{pid}/exe || :").strip(), 60, "its end")
        alone = hammer.go_on(start)
        hammer.hold(start)
        await_daemon(g, pid)
        hammer.go_on(alone, FEW)
        hammer.hold(alone)
    assert len(sets(g)) == 1, sets(g)


def test_survives_sigkill(g):
    end_daemon(g, "kill -9 {pid}")


def test_survives_cgroup_kill(g):
    end_daemon(g, "echo 1 > /sys/fs/cgroup/system.slice/bailiffd.service/cgroup.kill")


def test_survives_the_oom_killer(g):
    before = g.journal_cursor()
    end_daemon(g, "echo 64K > /sys/fs/cgroup/system.slice/bailiffd.service/memory.max; "
                  "while [ -e /proc/{pid}/exe ] && readlink /proc/{pid}/exe; do bailiff status > /dev/null & sleep 0.2; done; "
                  "echo max > /sys/fs/cgroup/system.slice/bailiffd.service/memory.max || :")
    assert any("oom" in entry["MESSAGE"].lower() for entry in g.journal("_PID=1", "UNIT=bailiffd.service", since=before))


def test_killed_while_it_takes_over(g):
    """Starts that are ended at any moment: each leaves what was in force, and the last one takes it over."""
    with Enforced(g) as hammer:
        start = hammer.counts()
        for seconds in (1, 6, 12, 20):
            pid = main_pid(g)
            g.sh(f"kill -9 {pid}; sleep 1")
            g.wait_until(lambda: main_pid(g) not in (0, pid), 60, "the next start")
            g.sh(f"sleep {seconds}")
            hammer.hold(start)
        g.sh("systemctl reset-failed bailiffd || :; systemctl start bailiffd", timeout=START_S)
        hammer.go_on(start)
        hammer.hold(start)
    assert len(sets(g)) == 1, sets(g)


def test_survives_restart_and_upgrade(g):
    """restart, the package again, and a daemon whose maps are laid out otherwise."""
    with Enforced(g) as hammer:
        start = hammer.counts()
        one = sets(g)
        restart(g)
        assert sets(g) == one, f"{sets(g)} after {one}: the maps were to be taken over"
        start = hammer.hold(start)
        packages = g.sh("ls /root/bailiff_*.deb || :").split()
        if packages:
            pid = main_pid(g)
            g.run(["dpkg", "--install", packages[0]], timeout=900)
            await_daemon(g, pid)
            assert sets(g) == one
            start = hammer.hold(start)
        # As another version's would be found: by its name.
        g.sh("systemctl stop bailiffd")
        g.sh(f"mv {PINS}/{one[0]} {PINS}/{one[0].split('_')[0]}_0123456789abcdef")
        start = hammer.go_on(start)
        g.sh("systemctl start bailiffd", timeout=START_S)
        hammer.hold(start)
        two = sets(g)
        assert len(two) == 1 and two[0].split("_")[1] == one[0].split("_")[1], two
        assert int(two[0].split("_")[0]) == int(one[0].split("_")[0]) + 1, two
        hammer.go_on(hammer.counts(), FEW)
        hammer.hold(start)


def test_failed_start_leaves_what_was_in_force(g):
    broken = f"{POLICY_DIR}/broken.json"
    with Enforced(g) as hammer:
        start = hammer.counts()
        g.write(broken, "{ nonsense")
        before = g.journal_cursor()
        try:
            assert g.run(["systemctl", "restart", "bailiffd"], check=False, timeout=START_S).rc != 0
            hammer.go_on(start)
            hammer.hold(start)
            said = g.journal("BAILIFF_FAILURE=policy", since=before)
            assert "what was in force stays" in said[-1]["MESSAGE"], said
        finally:
            g.remove(broken)


def test_control_sees_the_gap(g):
    """The guard taken out: where the daemon lifts what is in force when it is stopped, the hammer sees it."""
    with Enforced(g, "on-stop = lift\\n") as hammer:
        hammer.hold(hammer.go_on(hammer.counts(), FEW))
        restart(g)
        now = hammer.counts()
        assert all(now[kind][2] > 0 for kind in KINDS), now


@row("E9")
def test_events_are_kept(g):
    """What happens while no daemon runs is told by the next one, with the names of its rules; what had no room is counted."""
    g.sh("mkdir -p /srv/k; echo x > /srv/k/secret")
    rule = {"id": "kept", "on": "open", "path": "/srv/k/secret", "action": "deny", "message": "told later"}
    try:
        with policy(g, rule) as before:
            g.run(["systemctl", "stop", "bailiffd"])
            for _ in range(5):
                assert do(g, {"read": "read('/srv/k/secret')"})["read"] == "EPERM"
            assert not g.journal("BAILIFF_RULE=kept", since=before)
            g.sh("systemctl start bailiffd", timeout=START_S)
            told = g.wait_until(lambda: g.journal("BAILIFF_RULE=kept", since=before), 60, "the kept events")
            assert len(told) == 5, told
            check_fields(told[0], policy="trial", path="/srv/k/secret", verdict="deny")
            assert not g.journal(LOST, since=before)
            # More than the ring holds, and all of it told one by one.
            g.sh("cp /etc/bailiff/bailiff.conf /root/conf; printf 'fold-window = 0\\nevent-rate = 0\\n' >> /etc/bailiff/bailiff.conf")
            g.sh("systemctl restart bailiffd", timeout=START_S)
            g.run(["systemctl", "stop", "bailiffd"])
            opened = g.sh("i=0; n=0; while [ $i -lt 40000 ]; do if read x < /srv/k/secret; then n=$((n + 1)); fi; i=$((i + 1)); done "
                          "2> /dev/null; echo $n", timeout=TIMEOUT_S)
            assert opened.strip() == "0", opened
            before = g.journal_cursor()
            g.sh("systemctl start bailiffd", timeout=START_S)
            lost = g.wait_until(lambda: g.journal(LOST, since=before), 120, "the report of losses")
            ring = sum(int(entry["BAILIFF_LOST_RING"]) for entry in lost)
            assert ring > 0 and not any(int(entry["BAILIFF_LOST_GAP"]) for entry in lost), lost
    finally:
        g.sh("if [ -e /root/conf ]; then mv /root/conf /etc/bailiff/bailiff.conf; systemctl restart bailiffd; fi", timeout=START_S)
        g.remove("/srv/k")


def test_the_dead_daemons_number_is_nobodys(g):
    """The daemon's own accesses aren't judged: who is given its number when it is gone has no part in that."""
    g.sh("mkdir -p /srv/n; echo x > /srv/n/secret")
    rule = {"id": "number", "on": "open", "path": "/srv/n/secret", "action": "deny"}
    reuse = r"""
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
            open("/srv/n/secret").close()
        except PermissionError:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 7:
        print(code)
        break
"""
    try:
        with policy(g, rule):
            pid = main_pid(g)
            g.run(["systemctl", "stop", "bailiffd"])
            assert g.run(["python3", "-c", reuse, str(pid)]).stdout.strip() == "1"
            g.sh("systemctl start bailiffd", timeout=START_S)
    finally:
        g.remove("/srv/n")


def test_mounts_while_no_daemon_runs(g):
    g.sh("mkdir -p /srv/m/place /srv/m/other; echo x > /srv/m/other/secret")
    rule = {"id": "mounted", "on": "open", "path": "/srv/m/place/secret", "action": "deny"}
    try:
        with policy(g, rule):
            g.run(["systemctl", "stop", "bailiffd"])
            read = {"place": "read('/srv/m/place/secret')", "other": "read('/srv/m/other/secret')"}
            assert do(g, {"other": read["other"]})["other"] == "ok"
            g.sh("mount --bind /srv/m/other /srv/m/place")
            assert set(do(g, read).values()) == {"EPERM"}
            g.sh("umount /srv/m/place")
            assert do(g, {"other": read["other"]})["other"] == "ok"
            g.sh("mount -t tmpfs none /srv/m/place; touch /srv/m/place/free; "
                 "! sh -c 'echo y > /srv/m/place/secret' 2> /dev/null")
            assert g.sh("ls /srv/m/place").strip() == "free"
            g.sh("umount /srv/m/place; systemctl start bailiffd", timeout=START_S)
    finally:
        g.sh("umount /srv/m/place 2> /dev/null || :")
        g.remove("/srv/m")


def test_unload_and_status_without_a_daemon(g):
    g.sh("mkdir -p /srv/l; echo x > /srv/l/secret")
    rule = {"id": "lifted", "on": "open", "path": "/srv/l/secret", "action": "deny"}
    deed = {"read": "read('/srv/l/secret')"}
    as_user = ["setpriv", "--reuid=1000", "--regid=1000", "--groups=bailiff"]
    try:
        with policy(g, rule):
            refused = g.run([*as_user, "bailiff", "unload"], check=False)
            assert refused.rc == 4 and "root" in refused.stderr and do(g, deed)["read"] == "EPERM", refused.describe()
            g.run(["systemctl", "stop", "bailiffd"])
            shown = g.run(["bailiff", "status"], check=False)
            assert shown.rc == 4 and "in force" in shown.stdout and "trial.json: 1 rules, enforce" in shown.stdout, shown.describe()
            left = json.loads(g.run(["bailiff", "status", "--json"], check=False).stdout)["left_in_force"]
            assert left["hooks"] > 0 and left["policy"]["generation"] >= 1, left
            assert do(g, deed)["read"] == "EPERM"
            assert "lifted" in g.sh("bailiff unload")
            assert do(g, deed)["read"] == "ok" and sets(g) == []
            assert g.run(["bailiff", "status"], check=False).rc == 4
            g.sh("systemctl start bailiffd", timeout=START_S)
            assert do(g, deed)["read"] == "EPERM"
            g.sh("bailiff unload", timeout=START_S)
            assert do(g, deed)["read"] == "ok" and sets(g) == []
            g.wait_until(lambda: g.run(["systemctl", "is-active", "bailiffd"], check=False).stdout.strip() == "inactive",
                         60, "the daemon's end")
            g.sh("systemctl start bailiffd", timeout=START_S)
    finally:
        g.remove("/srv/l")
