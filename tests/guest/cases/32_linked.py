# SPDX-License-Identifier: Apache-2.0
"""Objects with several names: what a rule says of one name holds for the object, by any of them."""

import json

from evasion import row
from trial import do, events, policy, trial

RULE = {"id": "linked", "on": "open", "access": ["read", "write"], "path": "/srv/p/**", "action": "deny"}
FILE = {**RULE, "path": "/srv/p/file"}
PREPARE = "mkdir -p /srv/p /srv/m; for f in file other; do echo x > /srv/p/$f; ln -f /srv/p/$f /srv/m/$f; done; " \
          "echo x > /srv/m/stranger; ln -f /srv/m/stranger /srv/m/stranger-2; chmod 777 /srv/p /srv/m"
CLEAN = "rm -rf /srv/p /srv/m"
DROP = "sync; echo 2 > /proc/sys/vm/drop_caches"
USER = 1000


def by_user(code):
    return f"as_user({USER}, {USER}, [], lambda: {code})"


def looked_at(g):
    """Waits until the search that a start leaves for later is through."""
    g.wait_until(lambda: "so far" not in g.sh("bailiff status"), 120, "the search for other names")


@row("A2")
def test_link_from_before(g):
    """A literal, a tree and a glob; the neighbours that no rule mentions stay free."""
    for path in ("/srv/p/file", "/srv/p/**", "/srv/?/{file,nothing*}"):
        found = trial(g, [{**RULE, "path": path}],
                      {"guarded name": "read('/srv/p/file')", "other name": "read('/srv/m/file')"},
                      allowed={"stranger": "read('/srv/m/stranger')"},
                      prepare=f"{PREPARE}; {DROP}", clean=CLEAN)
        assert {event["BAILIFF_RULE"] for event in found} == {"linked"}, found


@row("A2")
def test_other_name_first(g):
    """The first look after the policy came is by the name that no rule mentions, and so are all after it."""
    trial(g, [RULE], {"read": "read('/srv/m/file')", "write": "write('/srv/m/file')",
                      "by a third": "os.link('/srv/m/file', '/srv/m/third')",
                      "renamed": "os.rename('/srv/m/other', '/srv/m/moved')"},
          prepare=f"{PREPARE}; {DROP}", clean=CLEAN)


@row("A2")
def test_link_made_by_somebody_who_may(g):
    """Root is not denied, and makes a link; the user who is denied gets nowhere by it, whatever is evicted."""
    rule = {**RULE, "by": {"uid": USER}}
    try:
        g.sh("mkdir -p /srv/p /srv/m; echo x > /srv/p/a; echo x > /srv/p/b; chmod 777 /srv/p /srv/m; chmod 666 /srv/p/*")
        deeds = {"before": by_user("read('/srv/m/a')"), "into": by_user("read('/srv/m/late')")}
        with policy(g, rule) as since:
            g.sh("ln /srv/p/a /srv/m/a; echo x > /srv/m/late; chmod 666 /srv/m/late; ln /srv/m/late /srv/p/late")
            assert set(do(g, deeds).values()) == {"EPERM"}, do(g, deeds)
            g.sh(DROP)
            assert set(do(g, deeds).values()) == {"EPERM"}, do(g, deeds)
            g.run(["bailiff", "reload"], timeout=300)
            g.sh(DROP)
            assert set(do(g, deeds).values()) == {"EPERM"}, do(g, deeds)
            assert do(g, {"root": "read('/srv/m/a')"}) == {"root": "ok"}
            g.wait_until(lambda: len(events(g, since)) >= 6, 60, "the verdicts")
        assert set(do(g, deeds).values()) == {"ok"}, do(g, deeds)
    finally:
        g.sh(CLEAN)


@row("A2", "C3")
def test_renamed_onto_a_guarded_name(g):
    """What takes the guarded name by a rename is guarded by its other name as well."""
    rule = {**RULE, "by": {"uid": USER}}
    try:
        g.sh(f"{PREPARE}; echo x > /srv/m/new; ln /srv/m/new /srv/m/new-2; chmod 666 /srv/m/*")
        deed = {"read": by_user("read('/srv/m/new-2')")}
        assert do(g, deed) == {"read": "ok"}
        with policy(g, rule):
            assert do(g, deed) == {"read": "ok"}
            g.sh("mv /srv/m/new /srv/p/file")
            assert do(g, deed) == {"read": "EPERM"}
    finally:
        g.sh(CLEAN)


@row("A2")
def test_guarded_name_taken_away(g):
    """Unlinking one of two names is half of a rename: who is denied the object may do neither half."""
    trial(g, [{**RULE, "access": "read"}],
          {"unlink": "os.unlink('/srv/p/file')", "replace": "os.rename('/srv/m/lone', '/srv/p/other')"},
          allowed={"stranger": "os.unlink('/srv/m/stranger')", "with one name": "os.unlink('/srv/p/single')"},
          prepare=f"{PREPARE}; echo x > /srv/p/single; echo x > /srv/m/lone", clean=CLEAN)


def test_one_name_left(g):
    """When its guarded name has gone, the object is what its last name says."""
    try:
        g.sh(PREPARE)
        deed = {"read": by_user("read('/srv/m/file')")}
        with policy(g, {**RULE, "by": {"uid": USER}}):
            assert do(g, deed) == {"read": "EPERM"}
            g.sh("rm /srv/p/file")
            assert do(g, deed) == {"read": "ok"}
    finally:
        g.sh(CLEAN)


@row("A19")
def test_number_given_out_again(g):
    """A new file with the number of an object that was guarded is a stranger."""
    reuse = "import os\n" \
            "old = os.stat('/srv/p/file').st_ino\n" \
            "for name in ('/srv/p/file', '/srv/m/file'): os.unlink(name)\n" \
            "for turn in range(2000):\n" \
            "    open(f'/srv/m/n{turn}', 'w').close()\n" \
            "    if os.stat(f'/srv/m/n{turn}').st_ino == old:\n" \
            "        os.rename(f'/srv/m/n{turn}', '/srv/m/reused'); os.link('/srv/m/reused', '/srv/m/reused-2'); break\n" \
            "else: raise SystemExit('the number does not come again')\n"
    try:
        g.sh(PREPARE)
        g.write("/root/reuse.py", reuse)
        with policy(g, {**RULE, "by": {"uid": USER}}):
            assert do(g, {"read": by_user("read('/srv/m/file')")}) == {"read": "EPERM"}
            g.sh("python3 /root/reuse.py; chmod 644 /srv/m/reused")
            deeds = {"new": by_user("read('/srv/m/reused')"), "its other name": by_user("read('/srv/m/reused-2')")}
            assert set(do(g, deeds).values()) == {"ok"}, do(g, deeds)
    finally:
        g.sh(CLEAN)


@row("A2")
def test_programs(g):
    """exec by another name, and a subject by another name of its executable."""
    prepare = "mkdir -p /srv/p /srv/m; cp /bin/true /srv/p/tool; ln /srv/p/tool /srv/m/tool; " \
              "cp /bin/cat /srv/p/reader; ln /srv/p/reader /srv/m/reader; echo x > /srv/m/secret"
    trial(g, [{"id": "exec", "on": "exec", "path": "/srv/p/tool", "action": "deny"},
              {"id": "reader", "on": "open", "path": "/srv/m/secret", "by": {"exe": "/srv/p/reader"}, "action": "deny"}],
          {"guarded name": "run('/srv/p/tool')", "other name": "run('/srv/m/tool')",
           "name taken away": "os.unlink('/srv/p/tool')",
           "subject": "sh('/srv/p/reader /srv/m/secret')", "its other name": "sh('/srv/m/reader /srv/m/secret')"},
          allowed={"somebody else": "read('/srv/m/secret')"}, prepare=f"{prepare}; {DROP}", clean=CLEAN)


def test_exception_by_another_name(g):
    """An exception for a program holds by all names of the program."""
    trial(g, [{"id": "reader", "on": "open", "path": "/srv/m/secret", "action": "deny",
               "unless": [{"by": {"exe": "/srv/p/reader"}}]}],
          {"somebody else": "read('/srv/m/secret')"},
          allowed={"its name": "sh('/srv/p/reader /srv/m/secret')", "another": "sh('/srv/m/reader /srv/m/secret')"},
          prepare="mkdir -p /srv/p /srv/m; cp /bin/cat /srv/p/reader; ln /srv/p/reader /srv/m/reader; "
                  "echo x > /srv/m/secret", clean=CLEAN)


@row("A2")
def test_daemon_started_again(g):
    """At a start, single paths are looked at before it is ready, trees right after."""
    try:
        g.sh(f"{PREPARE}; {DROP}")
        for rule in (FILE, RULE):
            with policy(g, rule):
                g.sh("systemctl restart bailiffd", timeout=600)
                if rule is RULE:
                    looked_at(g)
                g.sh(DROP)
                answers = do(g, {"other name": "read('/srv/m/file')", "stranger": "read('/srv/m/stranger')"})
                assert answers == {"other name": "EPERM", "stranger": "ok"}, answers
        status = g.sh("bailiff status --json")
        assert '"links_full":0' in status.replace(" ", ""), status
    finally:
        g.sh(CLEAN)


@row("A2", "A3")
def test_seen_in_a_container_only(g):
    """A link within somebody's own file system, where the rule holds by the container's path."""
    script = "unshare -m sh -euc \"mount -t tmpfs t /srv/m; cd /srv/m; mkdir -p srv/p srv/q; echo x > srv/p/file; " \
             "ln srv/p/file srv/q/file; cat srv/q/file\""
    trial(g, [{**RULE, "path": "/srv/p/file"}], {"other name": f"sh('''{script}''')"},
          prepare="mkdir -p /srv/p /srv/m; echo x > /srv/p/file", clean=CLEAN)


USERS_ROOM = 16384  # BL_POOL_MAX
OTHER_USER, READER = 1001, 2000
ON_TMPFS = "mkdir -p /srv/t; mount -t tmpfs -o mode=755 t /srv/t; mkdir -m 777 /srv/t/p /srv/t/m"
NOT_ON_TMPFS = "umount -l /srv/t 2> /dev/null || :; rm -rf /srv/t"
MAKE = """
import os, sys

first, last, keep, uid = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == 'keep', int(sys.argv[4])
os.setresuid(uid, uid, uid)
os.umask(0)
for i in range(first, last):
    here, there = f'/srv/t/p/{i}', f'/srv/t/m/{i}'
    os.close(os.open(here, os.O_CREAT | os.O_WRONLY, 0o666))
    os.link(here, there)
    if not keep:
        os.unlink(there)
        os.unlink(here)
"""


def full(g):
    return json.loads(g.sh("bailiff status --json"))["counters"]["links_full"]


def make(g, *arguments):
    """Has a user make links to what the rule is about."""
    g.run(["python3", "-c", MAKE, *map(str, arguments)], timeout=600)


def pair(name, owner, place="m"):
    """A file with two names of which no rule says anything."""
    return f"echo x > /srv/t/{place}/{name}; ln /srv/t/{place}/{name} /srv/t/{place}/{name}-2; chown {owner} /srv/t/{place}/{name}; "


@row("A2")
def test_more_links_than_fit(g):
    """What a user makes takes the room of his own files alone. Then each of them may be any of them, to rules that
    refuse, and none has an exception; making links is refused to nobody."""
    rules = [{**RULE, "path": "/srv/t/p/**", "by": {"uid": READER}},
             {**RULE, "id": "secret", "path": "/srv/t/m/secret", "unless": [{"by": {"exe": "/srv/t/x/cat"}}]}]
    read = "as_user({}, {}, [], lambda: read('/srv/t/m/{}'))"
    by = {name: read.format(READER, READER, name) for name in ("late", "his", "roots", "another", "of-root")}
    cat = "sh('/srv/t/{} /srv/t/m/secret')"
    try:
        g.sh(f"{ON_TMPFS}; mkdir /srv/t/x; echo x > /srv/t/m/secret; for f in x/cat m/tool; do cp /bin/cat /srv/t/$f; "
             f"chown {USER} /srv/t/$f; done; ln /srv/t/m/tool /srv/t/m/tool-2; {pair('his', USER)}{pair('another', OTHER_USER)}{pair('of-root', 0)}")
        with policy(g, *rules):
            before = full(g)
            make(g, 0, USERS_ROOM - 10, "keep", USER)
            answers = do(g, {name: by[name] for name in ("his", "another", "of-root")} | {"cat": cat.format("x/cat")})
            assert set(answers.values()) == {"ok"} and full(g) == before, (answers, full(g), before)
            make(g, USERS_ROOM, USERS_ROOM + 40, "keep", USER)
            assert full(g) > before
            assert "no room" in g.sh("bailiff status")
            g.sh(f"mv /srv/t/m/{USERS_ROOM + 30} /srv/t/m/late; echo x > /srv/t/p/roots; ln /srv/t/p/roots /srv/t/m/roots")
            g.sh(DROP)
            answers = do(g, by)
            assert answers == {"late": "EPERM", "his": "EPERM", "roots": "EPERM", "another": "ok", "of-root": "ok"}, answers
            g.sh("ln /srv/t/x/cat /srv/t/x/cat-2")
            assert do(g, {"no exception": cat.format("m/tool")}) == {"no exception": "EPERM"}
            g.sh("find /srv/t/p -type f -delete")
            g.run(["bailiff", "reload"], timeout=300)
            assert do(g, {"his": by["his"]}) == {"his": "ok"}, "the next policy has room again"
    finally:
        g.sh(NOT_ON_TMPFS)


def test_links_that_go_again(g):
    """What has gone takes no room."""
    try:
        g.sh(f"{ON_TMPFS}; {pair('his', USER)}")
        with policy(g, {**RULE, "path": "/srv/t/p/**", "by": {"uid": READER}}):
            before = full(g)
            make(g, 0, USERS_ROOM + 1000, "go", USER)
            assert full(g) == before
            answers = do(g, {"his": f"as_user({READER}, {READER}, [], lambda: read('/srv/t/m/his'))"})
            assert answers == {"his": "ok"}, answers
    finally:
        g.sh(NOT_ON_TMPFS)


def test_more_links_than_fit_where_nothing_is_refused(g):
    """Nothing is told of a file that isn't so."""
    try:
        g.sh(f"{ON_TMPFS}; {pair('his', USER)}")
        with policy(g, {**RULE, "path": "/srv/t/p/**", "by": {"uid": READER}, "action": "alert"}) as since:
            before = full(g)
            make(g, 0, USERS_ROOM + 20, "keep", USER)
            assert full(g) > before
            deeds = {name: f"as_user({READER}, {READER}, [], lambda: read('/srv/t/{name}'))" for name in ("m/his", "p/1")}
            assert set(do(g, deeds).values()) == {"ok"}
            g.wait_until(lambda: [e for e in events(g, since) if e["BAILIFF_PATH"] == "/srv/t/p/1"], 60, "the alert")
            assert not [e for e in events(g, since) if e["BAILIFF_PATH"] == "/srv/t/m/his"]
    finally:
        g.sh(NOT_ON_TMPFS)
