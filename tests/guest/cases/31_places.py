# SPDX-License-Identifier: Apache-2.0
"""Places: mounts that come and go, directories that move, and names too deep or long to spell out."""

import json

from evasion import row
from trial import check_fields, do, events, policy, trial

RULE = {"id": "place", "on": "open", "access": "read", "path": "/srv/p/**", "action": "deny"}
CLEAN = ("for mount in $(awk '$2 ~ \"^/srv/[mp]/\" { print $2 }' /proc/mounts | tac); do umount $mount; done; "
         "rm -rf /srv/p /srv/m")

# More mounts of the root file system than are looked at in other namespaces than the host's.
FLOOD = """
import ctypes, time
mount = ctypes.CDLL(None).mount
assert mount(b"t", b"/mnt", b"tmpfs", 0, None) == 0
for i in range(8400):
    place = b"/mnt/%d" % i
    open(place, "w").close()
    assert mount(b"/etc/passwd", place, None, 4096, None) == 0
print("flooded", flush=True)
time.sleep(900)
"""


def judge(g, rule, prepare, change, deeds):
    """Shows that deeds work before and after a change, and then that they are refused after one
    that was made while the rule was in force."""
    try:
        g.sh(f"mkdir -p /srv/p /srv/m; {prepare}; {change}")
        assert set(do(g, deeds).values()) == {"ok"}, do(g, deeds)
        g.sh(f"{CLEAN}; mkdir -p /srv/p /srv/m; {prepare}")
        with policy(g, rule) as since:
            g.sh(change)
            after = do(g, deeds)
            assert set(after.values()) == {"EPERM"}, after
            g.wait_until(lambda: len(events(g, since)) >= len(deeds), 60, "the verdicts")
            return events(g, since)
    finally:
        g.sh(CLEAN)


@row("A14")
def test_file_system_below_a_guarded_directory(g):
    found = judge(g, RULE, "mkdir /srv/p/t", "mount -t tmpfs t /srv/p/t; echo x > /srv/p/t/file",
                  {"read": "read('/srv/p/t/file')"})
    check_fields(found[0], path="/srv/p/t/file", filesystem="host")


@row("A14")
def test_file_system_mounted_before(g):
    judge(g, RULE, "mkdir /srv/p/t; mount -t tmpfs t /srv/p/t; echo x > /srv/p/t/file", "true",
          {"read": "read('/srv/p/t/file')"})


@row("A3")
def test_bind_mount_made_later(g):
    """The object stays guarded at its other name, and what is bound into the guarded place becomes it."""
    judge(g, RULE, "mkdir /srv/m/t; echo x > /srv/p/file", "mount --bind /srv/p /srv/m/t",
          {"other name": "read('/srv/m/t/file')", "own name": "read('/srv/p/file')"})
    judge(g, RULE, "mkdir /srv/p/t /srv/m/x; echo x > /srv/m/x/file", "mount --bind /srv/m/x /srv/p/t",
          {"bound in": "read('/srv/p/t/file')"})


@row("A8")
def test_mount_moved(g):
    judge(g, RULE, "mkdir /srv/p/t /srv/m/t; mount --make-private / 2> /dev/null || :; "
          "mount -t tmpfs t /srv/m/t; echo x > /srv/m/t/file",
          "mount --make-private /; mount --move /srv/m/t /srv/p/t", {"moved in": "read('/srv/p/t/file')"})


@row("A14")
def test_directory_above_a_mount_renamed(g):
    judge(g, RULE, "mkdir -p /srv/m/a/t; mount -t tmpfs t /srv/m/a/t; echo x > /srv/m/a/t/file",
          "cat /srv/m/a/t/file; mv /srv/m/a /srv/p/a", {"renamed in": "read('/srv/p/a/t/file')"})


@row("A14")
def test_directory_above_a_mount_with_a_long_path_renamed(g):
    """A path too long to be kept for events is one that moves all the same."""
    below = "/".join(("a" * 90, "b" * 90, "c" * 90, "t"))
    judge(g, RULE, f"mkdir -p /srv/m/{below}; mount -t tmpfs t /srv/m/{below}; echo x > /srv/m/{below}/file",
          f"for i in 1 2 3; do cat /srv/m/{below}/file; done; mv /srv/m/{'a' * 90} /srv/p/a",
          {"renamed in": f"read('/srv/p/a/{below.partition('/')[2]}/file')"})


@row("A12", "A13")
def test_directory_renamed_in_and_out(g):
    try:
        g.sh("mkdir -p /srv/p /srv/m/d; echo x > /srv/m/d/file")
        deed = {"in": "read('/srv/p/d/file')"}, {"out": "read('/srv/m/d/file')"}
        with policy(g, RULE):
            assert do(g, deed[1])["out"] == "ok"
            g.sh("mv /srv/m/d /srv/p/d")
            assert do(g, deed[0])["in"] == "EPERM"
            # A rename takes the right to what it is about, but not of what lies below.
            assert g.run("mv /srv/p/d /srv/m/d", check=False).rc != 0
    finally:
        g.sh(CLEAN)


@row("A15", "E10")
def test_deep_names(g):
    """A path of 300 components can't be spelled out: every rule that might mean it holds for it."""
    chain = "os.makedirs('/srv/{0}', exist_ok=True); os.chdir('/srv/{0}')\n" \
            "for _ in range(300):\n os.mkdir('d'); os.chdir('d')\nopen('file', 'w').close()"
    try:
        g.sh(CLEAN)
        made = do(g, {"p": chain.format("p"), "m": chain.format("m")})
        assert set(made.values()) == {"ok"}, made
        deeds = {"guarded": "below('/srv/p', 300, lambda: read('file'))",
                 "elsewhere": "below('/srv/m', 300, lambda: read('file'))",
                 "shallow": "below('/srv/m', 200, lambda: os.listdir('.'))"}
        before = do(g, deeds)
        assert set(before.values()) == {"ok"}, before
        with policy(g, RULE) as since:
            after = do(g, deeds)
            assert after["guarded"] == "EPERM" and after["shallow"] == "ok", after
            g.wait_until(lambda: events(g, since), 60, "a verdict")
            assert "path" in events(g, since)[0]["BAILIFF_TRUNCATED"], events(g, since)[0]
    finally:
        g.sh(CLEAN)


@row("A15")
def test_long_names(g):
    """More than 4096 bytes, reached by one chdir after the other."""
    chain = "os.makedirs('/srv/p', exist_ok=True); os.chdir('/srv/p')\n" \
            "for _ in range(25):\n os.mkdir('n' * 200); os.chdir('n' * 200)\nopen('file', 'w').close()"
    try:
        g.sh(CLEAN)
        assert do(g, {"make": chain}) == {"make": "ok"}
        deed = {"guarded": "below('/srv/p', 25, lambda: read('file'))"}
        assert do(g, deed)["guarded"] == "ok"
        with policy(g, RULE):
            assert do(g, deed)["guarded"] == "EPERM"
    finally:
        g.sh(CLEAN)


@row("A9", "A9b", "F7")
def test_overlay_in_a_user_namespace(g):
    """A guarded directory as the lower layer of somebody's own overlay."""
    script = "setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Urm sh -c " \
             "\"mount -t tmpfs t /srv/m && mkdir /srv/m/u /srv/m/w /srv/m/o && mount -t overlay o " \
             "-o lowerdir=/srv/p,upperdir=/srv/m/u,workdir=/srv/m/w,userxattr /srv/m/o && cat /srv/m/o/{}\""
    overlay = {"overlay": f"sh('''{script.format('file')}''')"}
    neighbour = {"neighbour": f"sh('''{script.format('other')}''')"}
    trial(g, [{**RULE, "path": "/srv/p/file"}], overlay, allowed=neighbour,
          prepare="modprobe overlay; mkdir -p /srv/p /srv/m; echo x > /srv/p/file; echo x > /srv/p/other",
          clean=CLEAN)


@row("A3", "E8")
def test_mounts_by_the_thousand_in_a_namespace_of_ones_own(g):
    """They take nobody's names away: neither is a guarded file free, nor any other one refused."""
    g.sh(f"cat > /srv/flood.py << 'END'{FLOOD}END")
    flood = "setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Urm python3 /srv/flood.py " \
            "> /run/flood 2>&1 & until grep -q flooded /run/flood; do sleep 0.5; done"
    rules = [RULE, {**RULE, "id": "subject", "path": "/srv/m/**", "by": {"exe": "/usr/bin/cat"}}]
    found = trial(g, rules, {"guarded": "read('/srv/p/file')", "by a program": "sh('cat /srv/m/file')"},
                  allowed={"elsewhere": "read('/etc/passwd')", "by another": "read('/srv/m/file')",
                           "started": "run('/bin/true')"},
                  prepare=f"mkdir -p /srv/p /srv/m; echo x > /srv/p/file; echo x > /srv/m/file; {flood}",
                  clean=f"pkill -f [f]lood.py; rm -f /run/flood; {CLEAN}")
    assert {event["BAILIFF_PATH"] for event in found} == {"/srv/p/file", "/srv/m/file"}, found


@row("A3", "E8")
def test_more_parts_mounted_than_are_kept(g):
    """Twenty directories of the root file system are mounted elsewhere, and rules reach all of them. Each object has the
    names by which the host mounts it and no others: nothing is free, and nothing refused that no rule names."""
    rules = [{**RULE, "path": "/**/guarded"}, {**RULE, "id": "one", "path": "/srv/m/7/other"},
             {**RULE, "id": "but", "path": "/srv/p/19/mine", "unless": {"by": {"exe": "/usr/bin/cat"}}}]
    refused = {"first": "read('/srv/p/0/guarded')", "mounted": "read('/srv/m/19/guarded')",
               "by the mount's name": "read('/srv/m/7/other')", "by its own": "read('/srv/p/7/other')",
               "below": "read('/srv/m/18/d/guarded')", "without an exception": "read('/srv/m/19/mine')"}
    allowed = {"neighbour": "read('/srv/p/8/other')", "mounted neighbour": "read('/srv/m/19/other')",
               "not mounted": "read('/etc/passwd')", "started": "run('/bin/true')",
               "with an exception": "sh('cat /srv/m/19/mine')",
               "moved": "os.rename('/srv/p/5/other', '/srv/p/6/moved'); read('/srv/m/6/moved'); "
                        "os.rename('/srv/p/6/moved', '/srv/p/5/other')"}
    trial(g, rules, refused, allowed=allowed, clean=CLEAN,
          prepare="for i in $(seq 0 19); do mkdir -p /srv/p/$i/d /srv/m/$i; "
                  "for name in guarded other mine d/guarded; do echo x > /srv/p/$i/$name; done; "
                  "mount --bind /srv/p/$i /srv/m/$i; done")


def changes(g):
    return json.loads(g.sh("bailiff status --json"))["counters"]["mount_changes"]


@row("A3", "E8")
def test_mounts_that_are_not_the_hosts(g):
    """Who can't change what the host mounts has nothing looked at anew: not by calls that fail, nor in a namespace of
    his own. A namespace that shares the host's mounts does change them."""
    rule = {**RULE, "path": "/srv/p/g/**"}
    look = {"read": "for i in range(4): read('/srv/p/free/file')"}
    attempts = "as_user(1000, 1000, [], lambda: [libc.mount(b't', b'/mnt', b'tmpfs', 0, None) for i in range(50)])"
    own = "sh('setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Urm sh -ec \"mount -t tmpfs t /mnt; umount /mnt\"')"
    peer = "sh('unshare -m --propagation unchanged mount --bind /srv/p/free /srv/p/g')"
    try:
        g.sh("mkdir -p /srv/p; mount -t tmpfs t /srv/p; mount --make-shared /srv/p; mkdir /srv/p/g /srv/p/free; "
             "echo x > /srv/p/free/file")
        with policy(g, rule):
            before = changes(g)
            answers = do(g, {**look, "attempts": attempts, "own": own})
            assert set(answers.values()) == {"ok"}, answers
            assert changes(g) == before
            assert do(g, {"peer": peer}) == {"peer": "ok"}
            assert changes(g) > before
            assert do(g, look) == {"read": "EPERM"}
    finally:
        g.sh("umount -R /srv/p; rm -rf /srv/p")
