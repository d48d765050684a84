# SPDX-License-Identifier: Apache-2.0
"""Who acts, by what a process has beside its program, user and groups: unit, slice, cgroup, container, login, capability."""

import contextlib
import json
import shlex

from testguest import POLICY_DIR
from trial import policy

ID = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
WEB = "/trial.slice/web.service"

# One file for each: what is refused of it, and to whom. What is not "unless" is a rule's own subject.
BY = {
    "unit": {"unit": "web.service"},
    "unit-glob": {"unit": "w?b.s*"},
    "slice": {"slice": "trial.slice"},
    "cgroup": {"cgroup": WEB},
    "below": {"cgroup": f"{WEB}/**"},
    "login": {"login": 4242},
    "unset": {"login": "unset"},
    "raw": {"capability": ["CAP_NET_RAW", "sys_boot"]},
    "contained": {"container": True},
    "host": {"container": False},
    "id": {"container": ID[:12] + "*"},
    "box": {"container": "box"},
}
UNLESS = {"but-web": {"unit": "web.service"}, "but-id": {"container": ID}, "but-contained": {"container": True},
          "but-host": {"container": False}, "but-login": {"login": 4242}, "but-cgroup": {"cgroup": f"{WEB}/**"}}
HOST = {"host", "but-web", "but-id", "but-contained", "but-login", "but-cgroup"}  # what any process of the host is refused
ROOT = HOST | {"raw", "unset"}  # and root's, who has not logged in

PROBE = '''
import errno, os, sys, json
def probe():
    refused = []
    for name in sorted(os.listdir("/srv/s")):
        try:
            os.close(os.open("/srv/s/" + name, os.O_RDONLY))
        except PermissionError as error:
            assert error.errno == errno.EPERM
            refused.append(name)
    return refused
def often():
    """As who is known by now: what is asked the first times is remembered."""
    found = {tuple(probe()) for _ in range(6)}
    assert len(found) == 1, found
    return list(found.pop())
if __name__ == "__main__":
    print(json.dumps(often()))
'''


def rule(name, by, key):
    subject = {key: by} if key == "by" else {key: [{"by": by}]}
    return {"id": name, "on": "open", "path": f"/srv/s/{name}", "action": "deny", **subject}


RULES = [rule(name, by, "by") for name, by in BY.items()] + [rule(name, by, "unless") for name, by in UNLESS.items()]


@contextlib.contextmanager
def in_force(g):
    files = " ".join(f"/srv/s/{name}" for name in BY | UNLESS)
    g.sh(f"mkdir -p /srv/s; touch {files}; chmod 644 {files}; cat > /srv/probe.py <<'END'\n{PROBE}\nEND")
    try:
        with policy(g, *RULES) as cursor:
            yield cursor
    finally:
        g.sh("systemctl stop trial.slice machine.slice || :; rm -rf /srv/s /srv/probe.py /srv/script")


def refused(g, *words, script="python3 /srv/probe.py"):
    """What a script that a command is given is refused."""
    command = " ".join(shlex.quote(word) for word in words)
    g.sh(f"cat > /srv/script <<'END'\n{script}\nEND")  # systemd-run would take a '$' for its own
    return set(json.loads(g.sh(f"{command} sh /srv/script").splitlines()[-1]))


def service(unit, *properties, slice_="trial.slice"):
    return ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit={unit}", f"--slice={slice_}",
            *(f"--property={each}" for each in properties)]


def scope(unit, slice_="trial.slice"):
    return ["systemd-run", "--quiet", "--scope", "--collect", f"--unit={unit}", f"--slice={slice_}"]


def expect(found, wanted):
    assert found == wanted, f"too much: {sorted(found - wanted)}; missing: {sorted(wanted - found)}"


# Into a cgroup of one's own making, below the one that was given.
BELOW = "own=/sys/fs/cgroup$(sed 's/^0:://' /proc/self/cgroup); mkdir -p $own/{}; echo $$ > $own/{}/cgroup.procs; exec python3 /srv/probe.py"


def below(path):
    return BELOW.format(path, path)


def test_units_and_slices(g):
    with in_force(g):
        expect(refused(g), ROOT)
        web = ROOT - {"but-web"} | {"unit", "unit-glob", "slice"}
        expect(refused(g, *service("web.service")), web | {"cgroup"})
        expect(refused(g, *service("web.service", "Delegate=yes"), script=below("payload")), web - {"but-cgroup"} | {"below"})
        expect(refused(g, *service("other.service")), ROOT | {"slice"})
        expect(refused(g, *service("web.service", slice_="trial-sub.slice")), web - {"slice"})
        expect(refused(g, *scope("web.scope")), ROOT | {"slice", "unit-glob"})
        user = refused(g, *service("web.service", "User=nobody"))
        expect(user, web - {"raw"} | {"cgroup"})


def test_names_that_are_forged(g):
    """What a unit is given to make cgroups in is below its own, whatever these are called."""
    with in_force(g):
        other = service("other.service", "Delegate=yes")
        for path in ("web.service", "trial.slice/web.service", f"system.slice/docker-{OTHER}.service"):
            expect(refused(g, *other, script=below(path)), ROOT | {"slice"})
        # A container below a unit is one for rules, and for exceptions neither one nor none.
        unsure = ROOT | {"slice", "contained", "but-host"}
        expect(refused(g, *other, script=below(f"docker-{ID}.scope")), unsure | {"id"})
        expect(refused(g, *other, script=below("lxc.payload.box")), unsure | {"box"})
        # Deep below it the names are the same; its path may be any.
        deep = "/".join(f"d{n}" for n in range(14))
        expect(refused(g, *other, script=below(deep)), ROOT | {"slice", "cgroup", "below"})
        expect(refused(g, *service("web.service", "Delegate=yes"), script=below(deep)),
               ROOT - {"but-web"} | {"unit", "unit-glob", "slice", "cgroup", "below"})


MOVED = """
import sys; sys.path.insert(0, "/srv")
from probe import often
import json, os, threading
cgroups = json.loads(sys.argv[1])
def move(cgroup, how="cgroup.procs", who=0):
    with open("/sys/fs/cgroup" + cgroup + "/" + how, "w") as file: file.write(str(who))
print(json.dumps([(move(cgroup), often())[1] for cgroup in cgroups]))
"""


def test_moves(g):
    """A process that is moved is what its cgroup is from then on."""
    with in_force(g):
        g.sh(f"cat > /srv/moved.py <<'END'\n{MOVED}\nEND")
        g.sh("systemd-run --quiet --unit=web.service --slice=trial.slice sleep 600; "
             "systemd-run --quiet --unit=other.service --slice=trial.slice sleep 600")
        cgroups = [WEB, "/trial.slice/other.service", WEB, "/", WEB]
        found = json.loads(g.sh(f"python3 /srv/moved.py {shlex.quote(json.dumps(cgroups))}"))
        web = ROOT - {"but-web"} | {"unit", "unit-glob", "slice", "cgroup"}
        for each, wanted in zip(found, [web, ROOT | {"slice"}, web, ROOT, web]):
            expect(set(each), wanted)
        g.sh("systemctl stop web.service other.service; rm /srv/moved.py")


# Makes a cgroup, goes into it and asks at once what a rule and an exception by its unit say, over and over.
NEW = """
import os, sys, signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
top = "/sys/fs/cgroup/trial.slice"
def move(path):
    with open(path + "/cgroup.procs", "w") as file: file.write("0")
def opens(path):
    try: os.close(os.open(path, os.O_RDONLY)); return True
    except PermissionError: return False
made = 0
wrong = []
with open("/srv/made", "w") as out:
    while not os.path.exists("/srv/enough"):
        path = top + "/loop%d.service" % made
        os.mkdir(path)
        move(path)
        if opens("/srv/s/loop"): wrong.append("%d: the rule does not hold" % made)
        if not opens("/srv/s/but-loop"): wrong.append("%d: the exception does not hold" % made)
        move("/sys/fs/cgroup/trial-keep.slice")
        os.rmdir(path)
        made += 1
    print(made, *wrong, sep="\\n", file=out)
"""


def test_new_cgroups_are_known_at_once(g):
    """From the first instant, also while policies take turns: what a policy is given with and what comes after leave no gap."""
    loop = [{"id": "loop", "on": "open", "path": "/srv/s/loop", "by": {"unit": "loop*.service"}, "action": "deny"},
            {"id": "but-loop", "on": "open", "path": "/srv/s/but-loop", "unless": [{"by": {"unit": "loop*.service"}}],
             "action": "deny"}]
    turns = [loop, [*reversed(loop), rule("unit", {"unit": "web.service"}, "by")]]
    g.sh(f"mkdir -p /srv/s /sys/fs/cgroup/trial.slice /sys/fs/cgroup/trial-keep.slice; touch /srv/s/loop /srv/s/but-loop; "
         f"rm -f /srv/enough /srv/made; cat > /srv/new.py <<'END'\n{NEW}\nEND\ncat > /srv/probe.py <<'END'\n{PROBE}\nEND")
    try:
        with policy(g, *loop):
            expect(refused(g), {"but-loop"})  # who was there before the policy is known as well
            g.sh("systemd-run --quiet --collect --unit=trial-new python3 /srv/new.py")
            for turn in range(1, 9):
                g.write(f"{POLICY_DIR}/trial.json", json.dumps({"bailiff": 1, "mode": "enforce", "rules": turns[turn % 2]}))
                g.sh("bailiff reload")
            expect(refused(g), {"but-loop"})
            g.sh("touch /srv/enough")
            g.wait_until(lambda: g.sh("cat /srv/made").strip(), 60, "the end of it")
        made, *wrong = g.sh("cat /srv/made").splitlines()
        assert int(made) > 50 and not wrong, (made, wrong[:10])
    finally:
        g.sh("touch /srv/enough; rm -rf /srv/s /srv/new.py /srv/probe.py; sleep 1; rmdir /sys/fs/cgroup/trial-keep.slice || :")


def test_containers(g):
    with in_force(g):
        unsure = ROOT | {"contained", "but-host"}
        # A PID namespace of one's own: anybody can have one.
        expect(refused(g, "unshare", "--pid", "--fork"), unsure)
        expect(refused(g, "unshare", "--mount", "--uts", "--ipc", "--net"), ROOT)
        inside = ROOT - {"host", "but-contained", "but-id"} | {"contained", "id", "but-host"}
        docker = scope(f"docker-{ID}.scope", "system.slice")
        expect(refused(g, *docker), inside)
        expect(refused(g, *docker, "unshare", "--pid", "--fork", "--cgroup", "--mount"), inside)
        expect(refused(g, *scope(f"docker-{OTHER}.scope", "system.slice")), inside - {"id"} | {"but-id"})
        expect(refused(g, *scope(f"libpod-conmon-{ID}.scope", "machine.slice")), ROOT)
        box = ROOT - {"host", "but-contained"} | {"contained", "box", "but-host"}
        expect(refused(g, *scope("machine-box.scope", "machine.slice")), box)
        expect(refused(g, *service("systemd-nspawn@box.service", "Delegate=yes", slice_="machine.slice"), script=below("payload")), box)
        expect(refused(g, *service("systemd-nspawn@box.service", "Delegate=yes", slice_="machine.slice"), script=below("supervisor")),
               ROOT)
        # Docker and LXC without systemd.
        for path, wanted in ((f"docker/{ID}", inside), (f"docker/{ID}/web.service", inside), ("lxc.payload.box", box), ("lxc/box", box)):
            made = f"mkdir -p /sys/fs/cgroup/{path}; echo $$ > /sys/fs/cgroup/{path}/cgroup.procs; exec python3 /srv/probe.py"
            expect(refused(g, script=made), wanted)
        g.sh("find /sys/fs/cgroup/docker /sys/fs/cgroup/lxc* -depth -type d -exec rmdir {} +")


def test_capabilities(g):
    with in_force(g):
        expect(refused(g, "setpriv", "--bounding-set=-net_raw"), ROOT)
        expect(refused(g, "setpriv", "--bounding-set=-net_raw,-sys_boot"), ROOT - {"raw"})
        user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
        expect(refused(g, *user), ROOT - {"raw"})
        expect(refused(g, *user, "--inh-caps=+net_raw", "--ambient-caps=+net_raw"), ROOT)
        # In a user namespace of one's own one has all of them, and none that counts.
        expect(refused(g, *user, "unshare", "--user", "--map-root-user"), ROOT - {"raw"})


LOGIN = """
import sys; sys.path.insert(0, "/srv")
from probe import often
import json, threading
def log_in(who):
    with open("/proc/thread-self/loginuid", "w") as file: file.write(str(who))
found = [often()]
log_in(4242)
found.append(often())
thread = threading.Thread(target=lambda: (log_in(7), found.append(often())))
thread.start(); thread.join()
found.append(often())
log_in(2**32 - 1)
found.append(often())
print(json.dumps(found))
"""
FORGED = "echo 4242 > /proc/self/loginuid; cat /proc/self/loginuid >&2; exec python3 /srv/probe.py"


def test_logins(g):
    """What changes while a process runs, and for one of its threads alone, holds at once."""
    with in_force(g):
        g.sh(f"cat > /srv/login.py <<'END'\n{LOGIN}\nEND")
        found = [set(each) for each in json.loads(g.sh("python3 /srv/login.py"))]
        logged_in = ROOT - {"unset", "but-login"} | {"login"}
        for each, wanted in zip(found, [ROOT, logged_in, ROOT - {"unset"}, logged_in, ROOT]):
            expect(each, wanted)
        expect(refused(g, script=FORGED), logged_in)
        g.sh("rm /srv/login.py")


def test_forged_logins(g):
    """Nobody but a login program of the host says who has logged in, while rules go by that."""
    user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    ways = {"a user": user, "a service": ["setpriv", "--bounding-set=-audit_control"],
            "a container": ["unshare", "--pid", "--fork", "--mount-proc"],
            "root of its own": [*user, "unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]}
    said = "echo 4242 > /proc/self/loginuid && grep -q 4242 /proc/self/loginuid"
    for name, way in ways.items():
        assert g.run([*way, "sh", "-c", said.replace("4242", "1000" if "own" not in name else "0")], check=False).rc == 0 or \
            "own" in name, f"{name}: without a policy"
    with in_force(g):
        before = counted(g)
        for name, way in ways.items():
            done = g.run([*way, "sh", "-c", f"{said}; cat /proc/self/loginuid"], check=False)
            assert done.stdout.strip() == "4294967295", (name, done.stdout, done.stderr)
            assert "login" not in refused(g, *way, script="(" + said + ") 2> /dev/null; python3 /srv/probe.py"), name
        assert counted(g) == before + 2 * len(ways)
        g.sh("runuser -l nobody -s /bin/sh -c true || :")
    # Where no rule asks, nothing is kept from anybody.
    with policy(g, {"id": "other", "on": "open", "path": "/srv/none", "by": {"unit": "x.service"}, "action": "deny"}):
        g.run([*ways["a service"], "sh", "-c", said])


def counted(g):
    return json.loads(g.sh("bailiff status --json"))["counters"]["logins_refused"]
