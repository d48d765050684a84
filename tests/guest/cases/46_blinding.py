# SPDX-License-Identifier: Apache-2.0
"""Blinding: state that vanishes, processes that are gone before anybody looks, names that lie."""

import contextlib
import json

from evasion import row
from trial import check_fields, do, events, policy, push_program, trial

PREPARE = "mkdir -p /srv/b/many; echo x > /srv/b/secret; echo x > /srv/b/free; cp /bin/dash /srv/b/shell"
CLEAN = "rm -rf /srv/b"
SECRET = {"id": "secret", "on": "open", "access": "read", "path": "/srv/b/secret", "action": "deny"}
EXCEPTED = {**SECRET, "unless": {"by": {"exe": "/srv/b/shell"}}}


@row("E8")
def test_more_objects_and_subjects_than_are_remembered(g):
    """Tens of thousands of files and hundreds of processes pass by; the verdicts are what they were."""
    flood = "for i in range(20000):\n close(os.open(f'/srv/b/many/{i}', os.O_CREAT | os.O_RDONLY))\n" \
            "for i in range(300):\n f = os.fork()\n if not f: read('/srv/b/free'); os._exit(0)\n os.waitpid(f, 0)\n"
    trial(g, [EXCEPTED], {"after the flood": flood + "read('/srv/b/secret')", "at once": "read('/srv/b/secret')"},
          allowed={"excepted": "sh('/srv/b/shell -c \"read x < /srv/b/secret\"')", "free": "read('/srv/b/free')"},
          prepare=PREPARE, clean=CLEAN)


@row("E12")
def test_process_is_gone_at_once(g):
    """The process ends in the very call after the refused one, and its parent does not wait."""
    try:
        g.sh(PREPARE + "; printf '#!/srv/b/shell\\nread x < /srv/b/secret\\n' > /srv/b/brief; chmod +x /srv/b/brief")
        assert do(g, {"brief": "run('/srv/b/brief')"}) == {"brief": "ok"}
        with policy(g, SECRET) as since:
            g.run("for i in 1 2 3 4 5; do /srv/b/brief & done 2> /dev/null; exit 0", check=False)
            found = g.wait_until(lambda: (seen := events(g, since)) and len(seen) >= 5 and seen, 60, "five events")
        for event in found:
            check_fields(event, exe="/srv/b/shell", comm="brief", path="/srv/b/secret", uid="0")
            assert event["BAILIFF_CMDLINE"].startswith("/srv/b/shell ") if "BAILIFF_CMDLINE" in event else True
    finally:
        g.sh(CLEAN)


@row("E11", "F1")
def test_names_that_lie(g):
    """argv[0], comm and what is written over them say what they like; rules and events go by the file."""
    lie = "libc.prctl(15, b'systemd', 0, 0, 0); open('/proc/self/comm', 'w').write('systemd'); "
    found = trial(g, [{**SECRET, "unless": {"by": {"exe": "/usr/lib/systemd/systemd"}}}],
                  {"comm": lie + "read('/srv/b/secret')",
                   "argv[0]": "p = subprocess.run(['/usr/lib/systemd/systemd', '-c', 'read x < /srv/b/secret'], "
                              "executable='/srv/b/shell', capture_output=True)\n"
                              "if p.returncode: raise OSError(errno.EPERM, p.stderr.decode())"},
                  allowed={"free": lie + "read('/srv/b/free')"}, prepare=PREPARE, clean=CLEAN)
    check_fields(found[0], comm="systemd")
    assert found[0]["BAILIFF_EXE"].startswith("/usr/bin/python3"), found[0]
    check_fields(found[1], exe="/srv/b/shell")


@contextlib.contextmanager
def masquerades(g):
    """The deeds of processes that make another program their exe and read the secret."""
    push_program(g, "masquerade", "/root/masquerade")
    g.run(["install", "-m", "755", "/root/masquerade", "/srv/masquerade"])
    try:
        g.sh(PREPARE)
        deed = "door('/srv/masquerade', '{}', '/srv/b/shell', '/srv/b/secret')"
        yield {"as root": deed.format("map"),
               "in a user namespace": f"as_user(1000, 1000, [], lambda: {deed.format('namespace')})"}
    finally:
        g.remove("/root/masquerade", "/srv/masquerade", "/srv/b")


@row("F2")
def test_exe_link_that_lies(g):
    """A process makes another program its exe, as root, or in a user namespace of its own for its parent."""
    with masquerades(g) as deeds:
        assert set(do(g, deeds).values()) == {"ok"}, do(g, deeds)
        with policy(g, EXCEPTED):
            before = exe_changes_refused(g)
            assert set(do(g, deeds).values()) == {"EPERM"}, do(g, deeds)
            assert exe_changes_refused(g) == before + len(deeds)
            assert do(g, {"excepted": "sh('/srv/b/shell -c \"read x < /srv/b/secret\"')"}) == {"excepted": "ok"}


@row("F2")
def test_exe_link_that_lies_where_nothing_is_refused(g):
    """It may be changed there: who has done so has no exception, and no exe that events could name."""
    with masquerades(g) as deeds, policy(g, {**EXCEPTED, "action": "alert"}) as since:
        assert set(do(g, deeds).values()) == {"ok"}, do(g, deeds)
        found = g.wait_until(lambda: (seen := events(g, since)) and len(seen) >= 2 and seen, 60, "two alerts")
        assert {event.get("BAILIFF_EXE") for event in found} == {None}, found
        excepted = {"excepted": "sh('/srv/b/shell -c \"read x < /srv/b/secret\"')"}
        assert do(g, {**excepted, "not": "read('/srv/b/secret')"}) == {"excepted": "ok", "not": "ok"}
        found = g.wait_until(lambda: (seen := events(g, since)) and len(seen) >= 3 and seen, 60, "a third alert")
        assert len(found) == 3 and found[2]["BAILIFF_EXE"].startswith("/usr/bin/python3"), found


def exe_changes_refused(g):
    return json.loads(g.sh("bailiff status --json"))["counters"]["exe_changes_refused"]


@row("F3", "A3")
def test_excepted_name_elsewhere(g):
    """An excepted program is one file of the host's: no copy, link, mount or root directory makes another."""
    user = "sh('setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Urm sh -c \"{}\"')"
    steal = "/srv/b/shell -c 'read x < /srv/b/secret'"
    trial(g, [EXCEPTED],
          {"copy": "sh('mkdir -p /srv/b/c/srv/b; cp /bin/dash /srv/b/c/srv/b/shell; "
                   "/srv/b/c/srv/b/shell -c \"read x < /srv/b/secret\"')",
           "mounted over": f"own_mounts(); bind('/bin/dash', '/srv/b/shell'); sh(\"{steal}\")",
           "own tmpfs": user.format("mount -t tmpfs t /mnt && mkdir -p /mnt/srv/b && cp /bin/dash /mnt/srv/b/shell && "
                                    "/mnt/srv/b/shell -c \\\\\"read x < /srv/b/secret\\\\\"")},
          allowed={"itself": f"sh(\"{steal}\")", "by a link": "os.symlink('/srv/b/shell', '/srv/b/l'); "
                   "sh('/srv/b/l -c \"read x < /srv/b/secret\"')"},
          prepare=PREPARE, clean=CLEAN)


@row("F4", "F5")
def test_orphans_and_namespaces_of_numbers(g):
    """Forked twice, in a session of its own, in a PID namespace: the event has the host's own numbers."""
    orphan = "if not os.fork():\n os.setsid()\n if not os.fork():\n  time.sleep(1)\n  try: read('/srv/b/secret')\n" \
             "  finally: open('/srv/b/orphan', 'w').write(str(os.getpid())); os._exit(0)\n os._exit(0)\n" \
             "time.sleep(3); assert os.path.exists('/srv/b/orphan')\n"
    inner = "call(libc.unshare(0x20000000))\nf = os.fork()\nif not f:\n" \
            " open('/srv/b/inner', 'w').write(os.readlink('/proc/self'))\n assert os.getpid() == 1\n" \
            " try: read('/srv/b/secret')\n except OSError: os._exit(1)\n os._exit(0)\n" \
            "if os.waitpid(f, 0)[1]: raise OSError(errno.EPERM, 'refused')\n"
    try:
        g.sh(PREPARE)
        before = do(g, {"orphan": orphan, "inner": inner})
        assert before == {"orphan": "ok", "inner": "ok"}, before
        g.sh("rm /srv/b/orphan /srv/b/inner")
        with policy(g, SECRET) as since:
            assert do(g, {"orphan": orphan, "inner": inner}) == {"orphan": "ok", "inner": "EPERM"}
            found = g.wait_until(lambda: (seen := events(g, since)) and len(seen) >= 2 and seen, 60, "two events")
            pids = {event["BAILIFF_PID"] for event in found}
            assert pids == {g.read("/srv/b/orphan"), g.read("/srv/b/inner")}, (pids, found)
        for event in found:
            assert event["BAILIFF_EXE"].startswith("/usr/bin/python3"), event
    finally:
        g.sh(CLEAN)


@row("F6")
def test_other_cgroup(g):
    """A rule holds in each cgroup, and the event says in which one it was."""
    move = "os.makedirs('/sys/fs/cgroup/elsewhere', exist_ok=True); " \
           "open('/sys/fs/cgroup/elsewhere/cgroup.procs', 'w').write('0'); "
    try:
        found = trial(g, [SECRET], {"moved": move + "read('/srv/b/secret')",
                                    "namespace": move + "call(libc.unshare(0x02000000)); read('/srv/b/secret')"},
                      allowed={"free": move + "read('/srv/b/free')"}, prepare=PREPARE, clean=CLEAN)
        for event in found:
            check_fields(event, cgroup="/elsewhere")
    finally:
        g.run("rmdir /sys/fs/cgroup/elsewhere", check=False)


@row("F7")
def test_root_in_a_user_namespace(g):
    """uid 0 inside is 1000 to the rules: for a rule on 1000, and for one that excepts 0."""
    steal = "sh('setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Ur cat /srv/b/{}')"
    trial(g, [{**SECRET, "by": {"uid": 1000}}, {**SECRET, "id": "two", "path": "/srv/b/two", "unless": {"by": {"uid": 0}}}],
          {"named": steal.format("secret"), "not excepted": steal.format("two")},
          allowed={"root": "read('/srv/b/secret'); read('/srv/b/two')", "free": steal.format("free")},
          prepare=PREPARE + "; echo x > /srv/b/two", clean=CLEAN)
