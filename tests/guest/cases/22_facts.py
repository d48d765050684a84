# SPDX-License-Identifier: Apache-2.0
"""What rules ask of an executable beyond its name: "file", each word at each door."""

from evasion import row
from trial import check_fields, do, events, policy, trial

PREPARE = """
mkdir -p /srv/f/memory; cp /bin/true /srv/f/plain; cp /lib/x86_64-linux-gnu/libresolv.so.2 /srv/f/plain.so
for fact in su sg w; do cp /bin/true /srv/f/$fact; cp /srv/f/plain.so /srv/f/$fact.so; done
chmod 4755 /srv/f/su /srv/f/su.so; chmod 2755 /srv/f/sg /srv/f/sg.so; chmod 757 /srv/f/w /srv/f/w.so
cp /bin/true /srv/f/sg-locking; chmod 2705 /srv/f/sg-locking
printf '#!/bin/true\\n' > /srv/f/script; printf '#!/srv/f/script\\n' > /srv/f/nested; chmod +x /srv/f/script /srv/f/nested
mountpoint -q /srv/f/memory || mount -t tmpfs tmpfs /srv/f/memory
cp /bin/true /srv/f/memory/tool; cp /srv/f/plain.so /srv/f/memory/tool.so
"""
CLEAN = "umount -q /srv/f/memory || true; rm -rf /srv/f"

DOORS = {"run": "run('{}')", "ld.so": "sh('/lib64/ld-linux-x86-64.so.2 {}')",
         "execveat": "execveat(os.open('{}', os.O_PATH), b'', AT_EMPTY_PATH)",
         "asked": "execve_check('{}')"}
LIBRARY_DOORS = {"mmap": "map_code('{}')", "mprotect": "map_then_protect('{}')", "dlopen": "run_dlopen('{}')"}


def rule(words, name="fact", action="deny", **more):
    return {"id": name, "on": "exec", "file": words, "action": action, **more}


def doors(path, ways=DOORS):
    return {f"{name} {path}": way.format(path) for name, way in ways.items()}


def try_it(g, rules, refused, allowed=None, plain=True, **more):
    plain = doors("/srv/f/plain") | doors("/srv/f/plain.so", LIBRARY_DOORS) if plain else {}
    return trial(g, rules, refused, allowed=plain | (allowed or {}), prepare=PREPARE, clean=CLEAN, **more)


def words_of(found):
    return {event["BAILIFF_FILE"] for event in found}


def test_setuid(g):
    found = try_it(g, [rule("setuid")],
                   doors("/srv/f/su") | doors("/srv/f/sg") | doors("/srv/f/su.so", LIBRARY_DOORS)
                   | doors("/srv/f/sg.so", LIBRARY_DOORS),
                   {"no group execute": "as_user(2000, 2000, [], lambda: run('/srv/f/sg-locking'))",
                    "writable": "run('/srv/f/w')", "script": "run('/srv/f/script')"})
    assert words_of(found) <= {"setuid", "setuid,script"}, words_of(found)


def test_writable_by_others(g):
    found = try_it(g, [rule(["writable-by-others"])],
                   doors("/srv/f/w") | doors("/srv/f/w.so", LIBRARY_DOORS), {"setuid": "run('/srv/f/su')"})
    assert words_of(found) <= {"writable-by-others", "writable-by-others,script"}, words_of(found)


@row("B4")
def test_tmpfs(g):
    found = try_it(g, [rule("tmpfs")],
                   doors("/srv/f/memory/tool") | doors("/srv/f/memory/tool.so", LIBRARY_DOORS)
                   | {"own mount": "sh('unshare -m sh -euc \"mount -t tmpfs x /mnt; cp /bin/true /mnt/t; /mnt/t\"')",
                      "ramfs": "sh('unshare -m sh -euc \"mount -t ramfs x /mnt; cp /bin/true /mnt/t; /mnt/t\"')",
                      "bound": "sh('unshare -m sh -euc \"mount --bind /srv/f/memory /mnt; /mnt/tool\"')",
                      "user namespace": "as_user(2000, 2000, [], lambda: sh('unshare -Urm sh -euc "
                                        "\"mount -t tmpfs x /mnt; cp /bin/true /mnt/t; /mnt/t\"'))"},
                   {"memfd": "run(copy_to_memory('/bin/true'))"})
    check_fields(found[0], verdict="deny", on="exec", rule="fact", filesystem="host")


@row("B4")
def test_memfd(g):
    """A program that was never in any file, started by every door."""
    ways = {"fexecve": "f = anonymous('/bin/true'); execveat(f, b'', AT_EMPTY_PATH)",
            "by /proc": "run(copy_to_memory('/bin/true'))",
            "ld.so": "f = copy_to_memory('/bin/true'); sh('/lib64/ld-linux-x86-64.so.2 ' + f)",
            "mmap": "map_code(copy_to_memory('/srv/f/plain.so'))",
            "mprotect": "map_then_protect(copy_to_memory('/srv/f/plain.so'))",
            "dlopen": "run_dlopen(copy_to_memory('/srv/f/plain.so'))",
            "asked": "execve_check(copy_to_memory('/bin/true'))",
            "sealed": "f = anonymous('/bin/true', 2); import fcntl; fcntl.fcntl(f, 1033, 15); "
                      "execveat(f, b'', AT_EMPTY_PATH)",
            "a script in it": "run(script_in_memory())", "shared memory": "protect_anonymous(1)",
            "huge pages": "import mmap; f = os.memfd_create('huge', 4); os.ftruncate(f, 2 << 20); "
                          "mmap.mmap(f, 2 << 20, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_EXEC)"}
    g.sh("echo 4 > /proc/sys/vm/nr_hugepages")
    found = try_it(g, [rule("memfd")], ways, {"tmpfs": "run('/srv/f/memory/tool')",
                                              "private memory": "protect_anonymous(2)"})
    for event in found:
        check_fields(event, filesystem="kernel", rule="fact")
        assert "memfd" in event["BAILIFF_FILE"].split(","), event


def test_deleted(g):
    """The file that runs has no name any more, by whatever descriptor it is reached."""
    deleted = {"fexecve": "execveat(gone('/bin/true'), b'', AT_EMPTY_PATH)",
               "by /proc": "f = gone('/bin/true'); run(f'/proc/self/fd/{f}', pass_fds=[f])",
               "by O_PATH": "execveat(gone('/bin/true', os.O_PATH), b'', AT_EMPTY_PATH)",
               "O_TMPFILE": "execveat(unnamed('/bin/true'), b'', AT_EMPTY_PATH)",
               "mmap": "f = gone('/srv/f/plain.so'); map_code(f'/proc/self/fd/{f}')",
               "mprotect": "f = gone('/srv/f/plain.so'); map_then_protect(f'/proc/self/fd/{f}')"}
    found = try_it(g, [rule("deleted")], deleted,
                   {"memfd": "run(copy_to_memory('/bin/true'))",
                    "linked again": "f = unnamed('/bin/true'); os.link(f'/proc/self/fd/{f}', '/srv/f/l', src_dir_fd=f); "
                                    "run('/srv/f/l'); os.unlink('/srv/f/l')",
                    "one of two names": "shutil.copy('/bin/true', '/srv/f/1'); os.link('/srv/f/1', '/srv/f/2'); "
                                        "os.unlink('/srv/f/1'); run('/srv/f/2'); os.unlink('/srv/f/2')"})
    assert words_of(found) == {"deleted"}, words_of(found)


def test_script(g):
    found = try_it(g, [rule("script", path="/srv/f/**")],
                   {"script": "run('/srv/f/script')", "nested": "run('/srv/f/nested')",
                    "asked": "execve_check('/srv/f/script')"},
                   {"asked of no script elsewhere": "execve_check('/bin/true')",
                    "read by the shell": "sh('sh /srv/f/script')", "mapped": "map_code('/srv/f/script')"},
                   plain=False)
    assert {event["BAILIFF_PATH"] for event in found} == {"/srv/f/script", "/srv/f/nested"}, found


@row("B13")
def test_scripts_that_an_interpreter_reads(g):
    """No exec of the script: what reads it opens it, and if it asks the kernel first, it is told."""
    read = {"argument": "sh('sh /srv/f/script')", "standard input": "sh('sh < /srv/f/script')",
            "sourced": "sh('. /srv/f/script')"}
    started = {"asked": "execve_check('/srv/f/script')", "started": "run('/srv/f/script')"}
    g.sh(PREPARE)
    try:
        with policy(g, {"id": "read", "on": "open", "path": "/srv/f/script", "access": "read",
                        "by": {"exe": "/bin/sh"}, "action": "alert"},
                    rule("script", "started", "alert", path="/srv/f/**")) as since:
            after = do(g, read | started)
            absent = {name for name, answer in after.items() if answer.startswith("n/a")}
            assert set(after.values()) - {after[name] for name in absent} == {"ok"} and absent <= {"asked"}, after
            g.wait_until(lambda: len(events(g, since, "BAILIFF_RULE=read")) >= len(read) and
                         len(events(g, since, "BAILIFF_RULE=started")) >= len(started.keys() - absent), 60,
                         "a report of each")
    finally:
        g.sh(CLEAN)


def test_all_keys_must_hold(g):
    trial(g, [rule(["setuid", "tmpfs"], path="/srv/f/**", by={"uid": 2000},
                   unless=[{"file": "writable-by-others"}, {"path": "/srv/f/sg"}])],
          {"setuid": "as_user(2000, 2000, [], lambda: run('/srv/f/su'))",
           "tmpfs": "as_user(2000, 2000, [], lambda: run('/srv/f/memory/tool'))"},
          allowed={"root": "run('/srv/f/su')", "elsewhere": "as_user(2000, 2000, [], lambda: run('/srv/elsewhere'))",
                   "excepted by path": "as_user(2000, 2000, [], lambda: run('/srv/f/sg'))",
                   "excepted by a fact": "as_user(2000, 2000, [], lambda: run('/srv/f/memory/w'))",
                   "no fact": "as_user(2000, 2000, [], lambda: run('/srv/f/plain'))"},
          prepare=PREPARE + "cp /bin/true /srv/f/memory/w; chmod 757 /srv/f/memory/w; "
                            "cp /bin/true /srv/elsewhere; chmod 4755 /srv/elsewhere",
          clean=CLEAN + " /srv/elsewhere")


def test_exceptions_of_rules_that_ask_for_no_fact(g):
    trial(g, [{"id": "facts", "on": "exec", "path": "/srv/f/**", "action": "deny",
               "unless": [{"file": ["writable-by-others", "setuid"]}]}],
          {"plain": "run('/srv/f/plain')", "in memory": "run('/srv/f/memory/tool')"},
          allowed={"setuid": "run('/srv/f/su')", "writable": "run('/srv/f/memory/w')"},
          prepare=PREPARE + "cp /bin/true /srv/f/memory/w; chmod 757 /srv/f/memory/w", clean=CLEAN)


def test_a_pass_is_no_pass_after_chmod(g):
    """What was let through many times is remembered: not for what the file has become since."""
    changes = {"setuid": "os.chmod('/srv/f/plain', 0o4755)", "writable-by-others": "os.chmod('/srv/f/plain', 0o757)",
               "deleted": "f = os.open('/srv/f/plain', os.O_PATH); os.unlink('/srv/f/plain')"}
    for word, change in changes.items():
        code = (f"[run('/srv/f/plain') for _ in range(20)]\n{change}\n"
                + ("execveat(f, b'', AT_EMPTY_PATH)" if word == "deleted" else "run('/srv/f/plain')"))
        trial(g, [rule(word)], {word: code}, prepare=PREPARE, clean=CLEAN)
    back = "[run('/srv/f/plain') for _ in range(20)]; os.chmod('/srv/f/plain', 0o4755)\n" \
           "try:\n run('/srv/f/plain')\nexcept OSError:\n pass\nos.chmod('/srv/f/plain', 0o755); run('/srv/f/plain')"
    g.sh(PREPARE)
    with policy(g, rule("setuid")) as since:
        assert do(g, {"back": back}) == {"back": "ok"}
        assert g.wait_until(lambda: events(g, since), 60, "the refusal between")
    g.sh(CLEAN)


def test_what_no_path_can_name_meets_rules_without_one(g):
    """A rule on exec without a path is about every program: a memfd was none before."""
    trial(g, [{"id": "all", "on": "exec", "by": {"uid": 2000}, "action": "deny"}],
          {"memfd": "f = anonymous('/bin/true'); as_user(2000, 2000, [], lambda: execveat(f, b'', AT_EMPTY_PATH))"},
          allowed={"root": "run(copy_to_memory('/bin/true'))"})
