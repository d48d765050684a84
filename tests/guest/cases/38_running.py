# SPDX-License-Identifier: Apache-2.0
"""A guarded program is run when its name is gone, by the kernel, or as somebody's interpreter."""

import shlex

from evasion import row
from guest import image
from trial import check_fields, push_program, trial, watch

PREPARE = """
mkdir -p /srv/e/g /srv/e/out
for n in a b c d; do cp /bin/true /srv/e/g/$n; cp /bin/true /srv/e/out/$n; done
"""
CLEAN = "rm -rf /srv/e"
GUARD = {"id": "guard", "on": "exec", "path": "/srv/e/g/**", "action": "deny"}
HANDLER = "/proc/sys/fs/binfmt_misc"
MAGIC = """
modprobe binfmt_misc 2> /dev/null || :
mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc b /proc/sys/fs/binfmt_misc
"""
NO_MAGIC = "for n in /proc/sys/fs/binfmt_misc/trial*; do [ ! -e $n ] || echo -1 > $n; done; "


def try_it(g, rules, refused, allowed=None, prepare="", clean=""):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE + prepare, clean=clean + CLEAN)


@row("B2")
def test_name_is_gone_before_the_start(g):
    """The program is opened, loses its name, and is started by the descriptor. A program that a rule names
    keeps its name; from a place where nothing may run, files may go."""
    start = "execveat(f, b'', AT_EMPTY_PATH)"
    try_it(g, [GUARD, {**GUARD, "id": "named", "path": ["/srv/e/g/b", "/srv/e/g/c", "/srv/e/g/d"]}],
           {"unlinked": f"f = os.open('/srv/e/g/a', os.O_PATH); os.unlink('/srv/e/g/a'); {start}",
            "renamed": f"f = os.open('/srv/e/g/b', os.O_PATH); os.rename('/srv/e/g/b', '/srv/e/out/x'); {start}",
            "by its new name": "os.rename('/srv/e/g/c', '/srv/e/out/y'); run('/srv/e/out/y')",
            "by a new link": "os.link('/srv/e/g/d', '/srv/e/out/z'); run('/srv/e/out/z')"},
           {"out of the place": "open('/srv/e/g/data', 'w').close(); os.rename('/srv/e/g/data', '/srv/e/out/data')",
            "unlinked, other": f"f = os.open('/srv/e/out/a', os.O_PATH); os.unlink('/srv/e/out/a'); {start}"})


@row("B3", "C4")
def test_nameless_file(g):
    """A file that never had a name, made in the guarded directory; and one that gets its name there."""
    made = "f = tmpfile('{}', open('/bin/true', 'rb').read()); d = os.open(f'/proc/self/fd/{{f}}', os.O_RDONLY); " \
           "close(f); execveat(d, b'', AT_EMPTY_PATH)"
    creation = {"id": "create", "on": "open", "access": "create", "path": "/srv/e/g/**", "action": "deny"}
    try_it(g, [GUARD, creation],
           {"run": made.format("/srv/e/g"), "linked": "link_fd(tmpfile('/srv/e/out'), '/srv/e/g/linked')"},
           {"run, other": made.format("/srv/e/out"), "linked, other": "link_fd(tmpfile('/srv/e/out'), '/srv/e/out/linked')"})


@row("B8")
def test_handler_of_a_file_type(g):
    """binfmt_misc starts the guarded program for a file of somebody's making; with F it was opened when
    the handler was registered, before the rule."""
    handlers = "".join(f"echo ':trial{n}:E::{suffix}::/srv/e/{place}/a:{flags}' > {HANDLER}/register; "
                       for n, (suffix, place, flags) in enumerate((("tg1", "g", "F"), ("tg2", "g", ""), ("tg3", "out", "F"))))
    files = "for n in 1 2 3; do echo x > /srv/e/file.tg$n; chmod +x /srv/e/file.tg$n; done; "
    found = try_it(g, [GUARD], {"opened before": "run('/srv/e/file.tg1')", "by name": "run('/srv/e/file.tg2')"},
                   {"other": "run('/srv/e/file.tg3')"}, prepare=MAGIC + files + handlers, clean=NO_MAGIC)
    for event in found:
        check_fields(event, hook="bprm_check_security", path="/srv/e/g/a")


@row("B8", "C16")
def test_handler_that_is_given_the_file(g):
    """A handler with the flag O gets the file open from the kernel, though nobody opened it to be read."""
    secret = {"id": "secret", "on": "open", "access": "read", "path": "/srv/e/g/*", "action": "deny"}
    push_program(g, "execfd", "/root/execfd")
    handler = f"cp /root/execfd /srv/e/handler; echo ':trial0:E::tg1::/srv/e/handler:O' > {HANDLER}/register; "
    files = "for d in g out; do echo x > /srv/e/$d/file.tg1; chmod +x /srv/e/$d/file.tg1; done; "
    run = "door('/srv/e/{}/file.tg1')"
    found = try_it(g, [secret], {"read": run.format("g")}, {"read, other": run.format("out")},
                   prepare=MAGIC + files + handler, clean=NO_MAGIC)
    check_fields(found[0], on="open", access="read", path="/srv/e/g/file.tg1", hook="bprm_check_security")
    g.remove("/root/execfd")


@row("A9c", "B8", "C16")
def test_file_of_an_overlay_that_a_handler_is_given(g):
    """Also of an overlay of one's own, and where handlers are one's own as well: from 6.7 on each user namespace has its."""
    secret = {"id": "secret", "on": "open", "access": "read", "path": "/srv/e/g/*", "action": "deny"}
    push_program(g, "execfd", "/root/execfd")
    mounted = "mount -t tmpfs t /srv/m; mkdir /srv/m/u /srv/m/w /srv/m/o; cp /srv/e/handler /srv/m/handler; " \
              "mount -t overlay o -o lowerdir=/srv/e/PLACE,upperdir=/srv/m/u,workdir=/srv/m/w{} /srv/m/o; "
    own = f"mount -t binfmt_misc b {HANDLER}; echo :trial:E::tg2::/srv/m/handler:O > {HANDLER}/register; "
    roots = ["unshare", "-m", "sh", "-euc", mounted.format("") + "/srv/m/o/file.tg1"]
    users = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "unshare", "-Urm", "sh", "-euc",
             mounted.format(",userxattr") + own + "/srv/m/o/file.tg2"]
    files = "mkdir -p /srv/m; for f in g/file.tg1 g/file.tg2 out/file.tg1 out/file.tg2; do echo x > /srv/e/$f; " \
            "chmod 755 /srv/e/$f; done; cp /root/execfd /srv/e/handler; chmod 755 /srv/e/handler; " \
            f"echo ':trial0:E::tg1::/srv/e/handler:O' > {HANDLER}/register; "
    ways = {"root's overlay": roots}
    if g.options().suite != "bookworm":
        ways["a user's"] = users

    def started(argv, place):
        script = " ".join(shlex.quote(word.replace("PLACE", place)) for word in argv)
        return f"sh({script!r})"
    try_it(g, [secret], {"front door": "read('/srv/e/g/file.tg1')", **{name: started(way, "g") for name, way in ways.items()}},
           {f"{name}, other": started(way, "out") for name, way in ways.items()},
           prepare=MAGIC + "modprobe overlay; " + files, clean=NO_MAGIC + "rm -rf /srv/m; ")
    g.remove("/root/execfd")


@row("B17")
def test_memory_of_others(g):
    """What a process does to another one's memory by /proc is an open, and can be reported."""
    victim = "f = os.fork()\nif not f: time.sleep(60); os._exit(0)\ntry:\n {}\nfinally:\n os.kill(f, 9)"
    found = watch(g, [{"id": "memory", "on": "open", "access": "write", "path": ["/proc/*/mem", "/proc/*/task/*/mem"], "action": "alert"}],
                  {"mem": victim.format("close(os.open(f'/proc/{f}/mem', os.O_RDWR))"),
                   "by a thread": victim.format("close(os.open(f'/proc/{f}/task/{f}/mem', os.O_RDWR))")})
    check_fields(found[0], verdict="alert", access="read,write")
    assert found[0]["BAILIFF_PATH"].endswith("/mem"), found[0]


@row("B19")
def test_code_of_the_kernel_itself(g):
    """A module, and what kexec is to start, are code that is run from a file: by whoever asks for it."""
    g.push(image(g.options().suite) / "vmlinuz", "/root/kernel")
    kernel = "k = os.open('/srv/e/{}/kernel', os.O_RDONLY); kexec_file(k, {})"
    found = try_it(g, [GUARD],
                   {"insmod": "sh('insmod /srv/e/g/dummy.ko*; rmmod dummy')", "kexec": kernel.format("g", "None"),
                    "kexec, initramfs": kernel.format("out", "os.open('/srv/e/g/a', os.O_RDONLY)")},
                   {"insmod, other": "sh('insmod /srv/e/out/dummy.ko*; rmmod dummy')",
                    "kexec, other": kernel.format("out", "os.open('/srv/e/out/a', os.O_RDONLY)"),
                    "read": "read('/srv/e/g/kernel')"},
                   prepare="for d in g out; do cp $(modinfo -n dummy) /root/kernel /srv/e/$d/; done; ")
    g.remove("/root/kernel")
    for event in found:
        check_fields(event, on="exec", hook="kernel_read_file")
    modules = {"id": "modules", "on": "exec", "path": "/usr/lib/modules/*/kernel/drivers/net/dummy.ko*", "action": "deny"}
    by_name = "sh('modprobe -r dummy; modprobe {0}; modprobe -r {0}')"
    trial(g, [modules], {"modprobe": by_name.format("dummy")}, allowed={"modprobe, other": by_name.format("ifb")},
          clean="modprobe -r dummy")
