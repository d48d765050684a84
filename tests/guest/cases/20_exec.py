# SPDX-License-Identifier: Apache-2.0
"""exec: every way in which a file becomes a running program or a part of one."""

from evasion import row
from trial import check_fields, do, events, policy, push_program, trial

PREPARE = """
mkdir -p /srv/e/d /srv/e/by
cp /bin/true /srv/e/tool; cp /bin/true /srv/e/glob-one; cp /bin/true /srv/e/d/inner
cp /bin/true /srv/e/other; cp /bin/true /srv/e/listed; cp /bin/dash /srv/e/shell
cp /bin/true /srv/e/target; ln -sfn target /srv/e/link
printf '#!/bin/true\\n' > /srv/e/script; printf '#!/srv/e/tool\\n' > /srv/e/by-tool
printf '#!/bin/true\\n' > /srv/e/other-script; chmod +x /srv/e/*script /srv/e/by-tool
cp /lib/x86_64-linux-gnu/libresolv.so.2 /srv/e/lib.so; cp /srv/e/lib.so /srv/e/other.so
"""
CLEAN = "rm -rf /srv/e"


def deny(path, rule="exec", **more):
    return {"id": rule, "on": "exec", "path": path, "action": "deny", **more}


def try_it(g, rules, refused, allowed=None, **more):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE, clean=CLEAN, **more)


@row("A1", "B7")
def test_literal_glob_list_and_link(g):
    found = trial(
        g, [deny("/srv/e/tool", "literal", severity="high", attack=["T1059", "T1204.002"], message="no \"tools\""),
            deny("/srv/e/glob-*", "glob"), deny("@programs", "list"), deny("/srv/e/link", "link"),
            deny("/srv/e/d/*", "folder"), deny("/srv/e/script", "script")],
        {"literal": "run('/srv/e/tool')", "glob": "run('/srv/e/glob-one')", "list": "run('/srv/e/listed')",
         "the link": "run('/srv/e/link')", "the target": "run('/srv/e/target')",
         "folder": "run('/srv/e/d/inner')", "script": "run('/srv/e/script')",
         "interpreter": "run('/srv/e/by-tool')",
         "dots": "run('/srv/e/d/../tool')", "slashes": "run('/srv//e///tool')",
         "own link": "os.symlink('/srv/e/tool', '/tmp/own'); run('/tmp/own')"},
        allowed={"other": "run('/srv/e/other')", "other script": "run('/srv/e/other-script')",
                 "read": "read('/srv/e/tool')"},
        prepare=PREPARE, clean=CLEAN + " /tmp/own",
        lists={"programs": ["/srv/e/listed", "/srv/e/not-there"]})
    first = found[0]
    check_fields(first, verdict="deny", on="exec", rule="literal", path="/srv/e/tool", severity="high",
                 attack="T1059 T1204.002", message="no \\\"tools\\\"", hook="bprm_check_security",
                 filesystem="host", uid="0", comm="python3", truncated=None)
    assert first["PRIORITY"] == "3" and first["ERRNO"] == "1", first
    assert first["MESSAGE_ID"] == "605187a6e04c4b72b24d4698f4b97985", first
    assert first["MESSAGE"].startswith("denied exec path=\"/srv/e/tool\" by exe=\"/usr/bin/python3"), first
    assert {event["BAILIFF_RULE"] for event in found} == {"literal", "glob", "list", "link", "folder", "script"}


@row("B1")
def test_by_descriptor(g):
    try_it(g, [deny("/srv/e/tool")],
           {"execveat, fd": "execveat(os.open('/srv/e/tool', os.O_RDONLY), b'', AT_EMPTY_PATH)",
            "execveat, O_PATH": "execveat(os.open('/srv/e/tool', os.O_PATH), b'', AT_EMPTY_PATH)",
            "execveat, directory": "execveat(os.open('/srv/e', os.O_RDONLY), b'tool', 0)",
            "by /proc": "f = os.open('/srv/e/tool', os.O_RDONLY); run(f'/proc/self/fd/{f}', pass_fds=[f])"},
           {"execveat, other": "execveat(os.open('/srv/e/other', os.O_RDONLY), b'', AT_EMPTY_PATH)"})


def test_renamed_and_linked_where_guarded(g):
    try_it(g, [deny("/srv/e/d/**")],
           {"moved in": "os.rename('/srv/e/other', '/srv/e/d/moved'); run('/srv/e/d/moved')"})


@row("B5")
def test_program_given_to_the_loader(g):
    found = try_it(g, [deny("/srv/e/tool")],
                   {"ld.so": "sh('/lib64/ld-linux-x86-64.so.2 /srv/e/tool')"},
                   {"ld.so, other": "sh('/lib64/ld-linux-x86-64.so.2 /srv/e/other')"})
    check_fields(found[0], hook="mmap_file", path="/srv/e/tool", on="exec")


@row("B9", "B11")
def test_files_mapped_as_code(g):
    ways = {"mmap": "map_code('{}')", "mprotect": "map_then_protect('{}')",
            "pkey_mprotect": "map_then_protect_by_key('{}')", "dlopen": "run_dlopen('{}')",
            "mmap, READ_IMPLIES_EXEC": "map_with_old_personality('{}')",
            "mprotect, READ_IMPLIES_EXEC": "map_with_old_personality('{}', 1)",
            "remap_file_pages, READ_IMPLIES_EXEC": "map_then_remap('{}')"}
    found = try_it(g, [deny("/srv/e/lib.so")],
                   {name: deed.format("/srv/e/lib.so") for name, deed in ways.items()},
                   {**{f"{name}, other": deed.format("/srv/e/other.so") for name, deed in ways.items()},
                    "read": "read('/srv/e/lib.so')", "map": "map_file('/srv/e/lib.so', 1)"})
    assert {event["BAILIFF_HOOK"] for event in found} == {"mmap_file", "file_mprotect"}, found
    for event in found:
        check_fields(event, path="/srv/e/lib.so", comm="python3", uid="0")


@row("B9")
def test_libraries_that_ld_so_is_told_to_load(g):
    """LD_PRELOAD, LD_AUDIT and /etc/ld.so.preload: the program starts, without the library."""
    preload = "run_loaded('/srv/e/{0}.so', 'unshare', '-m', 'sh', '-c', 'mount --bind /srv/e/{0}.list " \
              "/etc/ld.so.preload && exec \"$@\"', 'sh')"
    ways = {"LD_PRELOAD": "run_loaded('/srv/e/{0}.so', LD_PRELOAD='/srv/e/{0}.so')",
            "LD_AUDIT": "run_loaded('/srv/e/{0}.so', LD_AUDIT='/srv/e/{0}.so')",
            "--preload": "run_loaded('/srv/e/{0}.so', '/lib64/ld-linux-x86-64.so.2', '--preload', '/srv/e/{0}.so')",
            "ld.so.preload": preload}
    push_program(g, "auditor", "/root/auditor.so", "-shared", "-fPIC", "-nostdlib")
    found = trial(g, [deny("/srv/e/spy.so")], {name: deed.format("spy") for name, deed in ways.items()},
                  allowed={f"{name}, other": deed.format("other") for name, deed in ways.items()},
                  prepare=PREPARE + "for n in spy other; do cp /root/auditor.so /srv/e/$n.so; "
                                    "echo /srv/e/$n.so > /srv/e/$n.list; done; : > /etc/ld.so.preload",
                  clean=CLEAN + " /etc/ld.so.preload")
    for event in found:
        check_fields(event, hook="mmap_file", path="/srv/e/spy.so", on="exec")
    assert {event["BAILIFF_EXE"] for event in found} >= {"/usr/bin/cat"}, found
    g.remove("/root/auditor.so")


@row("B14")
def test_copies_are_others(g):
    """A rule names a path: a copy without a name is not refused, a limit that docs/design.md names."""
    try_it(g, [deny("/srv/e/tool"), deny("/srv/e/lib.so", "library")],
           {"tool": "run('/srv/e/tool')", "library": "map_code('/srv/e/lib.so')"},
           {"copy of the tool": "run(copy_to_memory('/srv/e/tool'))",
            "copy of the library": "map_code(copy_to_memory('/srv/e/lib.so'))"})


@row("E5")
def test_execve_check(g):
    try_it(g, [deny("/srv/e/tool")], {"check": "execve_check('/srv/e/tool')", "run": "run('/srv/e/tool')"},
           {"check, other": "run('/srv/e/other')"})


@row("F3")
def test_by_whom(g):
    user = "as_user({}, {}, {}, lambda: run('/srv/e/{}'))".format
    try_it(g, [deny("/srv/e/tool", "uid", by={"uid": "2000-2999"}),
               deny("/srv/e/glob-one", "gid", by={"gid": 3000}),
               deny("/srv/e/listed", "exe", by={"exe": "/srv/e/shell"}),
               deny("/srv/e/other", "both", by={"uid": 2000, "gid": 3000})],
           {"uid": user(2000, 1, [], "tool"), "last uid": user(2999, 1, [], "tool"),
            "gid": user(2000, 3000, [], "glob-one"), "one of the groups": user(1, 1, [7, 3000, 9], "glob-one"),
            "exe": "sh('/srv/e/shell -c \"/srv/e/listed\"')",
            "uid and gid": user(2000, 3000, [], "other")},
           {"other uid": user(3000, 1, [], "tool"), "root": "run('/srv/e/tool')",
            "other gid": user(2000, 3001, [3002], "glob-one"), "other exe": "sh('/srv/e/listed')",
            "uid alone": user(2000, 1, [], "other"), "gid alone": user(1, 3000, [], "other")})


def test_unless(g):
    try_it(g, [deny("/srv/e/*", unless=[{"by": {"uid": 2000}}, {"path": "/srv/e/other"},
                                        {"path": "/srv/e/listed", "by": {"exe": "/usr/bin/python3*"}},
                                        {"path": "/srv/e/shell"}])],
           {"root": "run('/srv/e/tool')", "exception of another program": "sh('/srv/e/listed')"},
           {"uid": "as_user(2000, 1, [], lambda: run('/srv/e/tool'))", "path": "run('/srv/e/other')",
            "exe": "run('/srv/e/listed')"})


def test_monitor_and_alert(g):
    allowed = {"denied": "run('/srv/e/tool')", "alert": "run('/srv/e/other')"}
    rules = [deny("/srv/e/tool", "would"), {**deny("/srv/e/other", "look"), "action": "alert", "severity": "low"}]
    found = look_on(g, rules, allowed, "monitor")
    would = next(event for event in found if event["BAILIFF_RULE"] == "would")
    check_fields(would, verdict="would-deny", path="/srv/e/tool")
    assert "ERRNO" not in would and would["MESSAGE_ID"] == "03c9c30318714fc1a4f057a7777c3535", would
    look = next(event for event in found if event["BAILIFF_RULE"] == "look")
    check_fields(look, verdict="alert", path="/srv/e/other")
    assert look["PRIORITY"] == "5" and look["MESSAGE"].startswith("alert exec "), look


def look_on(g, rules, deeds, mode):
    """Deeds that rules only report: all work, and there is an event for each."""
    try:
        g.sh(PREPARE)
        with policy(g, *rules, mode=mode) as since:
            after = do(g, deeds)
            assert set(after.values()) == {"ok"}, after
            g.wait_until(lambda: len(events(g, since)) >= len(deeds), 60, "an event for each deed")
            return events(g, since)
    finally:
        g.sh(CLEAN)
