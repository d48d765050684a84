# SPDX-License-Identifier: Apache-2.0
"""Other names for a guarded file: descriptors, handles, mounts without a name, renames and exchanges."""

from evasion import row
from trial import check_fields, do, trial

PREPARE = """
mkdir -p /srv/n/g/dir/deep /srv/n/out/dir /srv/n/new
for f in a b c d dir/e dir/deep/f; do echo secret > /srv/n/g/$f; done
for f in a b c free; do echo free > /srv/n/out/$f; done
mkdir -p /srv/n/out/dir/deep; echo free > /srv/n/out/dir/deep/f
"""
CLEAN = "for m in $(awk '$2 ~ \"^/srv/n/\" { print $2 }' /proc/mounts | tac); do umount -l $m; done; rm -rf /srv/n"


def tool(path):
    return {"id": "tool", "on": "exec", "path": path, "action": "deny"}


def deny(path="/srv/n/g/**", access="read", rule="names", **more):
    return {"id": rule, "on": "open", "path": path, "access": access, "action": "deny", **more}


def try_it(g, rules, refused, allowed=None, prepare="", **more):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE + prepare, clean=CLEAN, **more)


BOTH = [deny(), deny("/srv/n/g/a", rule="literal")]


@row("A1", "A5")
def test_descriptors_of_others(g):
    """A process that may hold a file (O_PATH, or write only) is no way for one that may not read it."""
    found = try_it(
        g, BOTH, {"O_PATH": "fd_of_another('/srv/n/g/a', os.O_PATH, 'fd')",
                  "write only": "fd_of_another('/srv/n/g/b', os.O_WRONLY, 'fd')",
                  "cwd": "f = os.fork()\nif not f:\n os.chdir('/srv/n/g'); signal.pause()\n"
                         "time.sleep(1)\ntry:\n read(f'/proc/{f}/cwd/c')\nfinally:\n os.kill(f, 9)",
                  "root": "read(f'/proc/{os.getppid()}/root/srv/n/g/d')"},
        {"neighbour": "fd_of_another('/srv/n/out/a', os.O_WRONLY, 'fd')",
         "mapping of a neighbour": "fd_of_another('/srv/n/out/a', os.O_RDONLY, 'map_files')"})
    for event in found:
        check_fields(event, hook="file_open", access="read")


@row("A5")
def test_what_a_process_has_mapped(g):
    """Files that a process has mapped or runs since before the rule, by their names below /proc."""
    holder = "/srv/n/g/tool 1000 < /srv/n/g/a > /dev/null 2>&1 & echo $! > /srv/n/holder"
    pid = "pid = open('/srv/n/holder').read().strip()\n"
    mapped = pid + "place = f'/proc/{pid}/map_files'\nname = [n for n in sorted(os.listdir(place)) if " \
                   "os.readlink(f'{place}/{n}') == '/srv/n/g/tool'][0]\nread(f'{place}/{name}')"
    try:
        try_it(g, BOTH, {"exe": pid + "read(f'/proc/{pid}/exe')", "map_files": mapped,
                         "fd": pid + "read(f'/proc/{pid}/fd/0')"},
               {"exe of another": "read('/proc/self/exe')"},
               prepare=f"cp /bin/sleep /srv/n/g/tool; {holder}")
    finally:
        g.run(["pkill", "-x", "tool"], check=False)


@row("A6", "E5")
def test_openat2(g):
    flags = {"no xdev": 1, "no magic links": 2, "no symlinks": 4, "beneath": 8, "in root": 0x10}
    place = "os.chdir('/srv/n'); "
    try_it(g, BOTH, {**{name: f"{place}openat2('g/a', {flag})" for name, flag in flags.items()},
                     "cached": f"{place}os.stat('g/b'); openat2('g/b', 0x20)",
                     "dirfd": "read_at(os.open('/srv/n/g/dir', os.O_PATH), '../a')"},
           {"neighbour, in root": f"{place}openat2('/out/a', 0x10)"})


HANDLES = """
cat > /root/handles.py <<'END'
import sys; sys.path.insert(0, "/root")
from calls import save_handle
for name in ("a", "b", "c", "d", "dir"):
    save_handle(f"/srv/n/g/{name}", f"/srv/n/handle-{name}")
save_handle("/srv/n/tool", "/srv/n/handle-tool")
save_handle("/srv/n/out/dir", "/srv/n/handle-out")
END
cp /bin/true /srv/n/tool; python3 /root/handles.py
"""


@row("A7", "E5")
def test_handles(g):
    """Of an evicted file there is no path at all; a directory gets its path back."""
    do(g, {})  # brings calls.py, which handles.py needs
    rules = [deny("/srv/n/g/a", rule="literal"), deny("/srv/n/g/dir/**", rule="tree"),
             deny("/srv/n/g/?", access="modify", rule="glob"),
             tool("/srv/n/tool")]
    try_it(g, rules,
           {"file": "os.read(open_saved('/srv/n/handle-a'), 1)",
            "by O_PATH": "f = open_saved('/srv/n/handle-a', os.O_PATH); read(f'/proc/self/fd/{f}')",
            "to write": "open_saved('/srv/n/handle-b', os.O_WRONLY)",
            "directory": "read_at(open_saved('/srv/n/handle-dir'), 'e')",
            "two directories": "read_at(open_saved('/srv/n/handle-dir'), 'deep/f')",
            "another name": "link_fd(open_saved('/srv/n/handle-a', os.O_PATH), '/srv/n/out/linked')",
            "attributes": "os.chmod(f\"/proc/self/fd/{open_saved('/srv/n/handle-c', os.O_PATH)}\", 0o600)",
            "truncate": "os.truncate(f\"/proc/self/fd/{open_saved('/srv/n/handle-d', os.O_PATH)}\", 0)",
            "exec": "execveat(open_saved('/srv/n/handle-tool', os.O_PATH), b'', AT_EMPTY_PATH)"},
           {"other directory": "read_at(open_saved('/srv/n/handle-out'), 'deep/f')"}, prepare=HANDLES)
    g.remove("/root/handles.py")


@row("A8", "E5")
def test_mounts_without_a_name(g):
    try_it(g, BOTH,
           {"open_tree": "read_at(clone_tree('/srv/n/g'), 'a')",
            "open_tree of the root": "read_at(clone_tree('/'), 'srv/n/g/b')",
            "attached elsewhere": "own_mounts(); attach(clone_tree('/srv/n/g'), '/srv/n/out/dir'); "
                                  "read('/srv/n/out/dir/c')",
            "detached": "own_mounts(); bind('/srv/n/g', '/srv/n/out/dir'); "
                        "d = os.open('/srv/n/out/dir', os.O_PATH); "
                        "call(libc.umount2(b'/srv/n/out/dir', MNT_DETACH)); read_at(d, 'd')",
            "file": "own_mounts(); bind('/srv/n/g/a', '/srv/n/out/a'); read('/srv/n/out/a')",
            "recursive": "own_mounts(); attach(syscall(SYS_OPEN_TREE, AT_FDCWD, b'/srv', OPEN_TREE_CLONE | "
                         "AT_RECURSIVE), '/mnt'); read('/mnt/n/g/a')"},
           {"neighbour": "read_at(clone_tree('/srv/n/out'), 'a')"})


@row("A24")
def test_guarded_mount_goes_away(g):
    """A limit: root unmounts or moves the file system that is mounted in the guarded place, and somebody
    holds it still. It is not at that place any more."""
    mount = "mkdir -p /srv/n/g/m{0}; mount -t tmpfs t /srv/n/g/m{0}; mount --make-private /srv/n/g/m{0}; " \
            "echo secret > /srv/n/g/m{0}/x; "
    try_it(g, [deny(), deny("/srv/n/out/c", rule="other")], {"other": "read('/srv/n/out/c')"},
           {"lazy umount": "d = os.open('/srv/n/g/m0', os.O_PATH); call(libc.umount2(b'/srv/n/g/m0', MNT_DETACH)); "
                           "read_at(d, 'x')",
            "moved": "sh('mount --make-private /srv || :; mount --move /srv/n/g/m1 /srv/n/out/dir'); "
                     "read('/srv/n/out/dir/x')",
            "in another namespace": "f = os.fork()\nif not f:\n own_mounts(); time.sleep(60); os._exit(0)\n"
                                    "time.sleep(2); call(libc.umount2(b'/srv/n/g/m2', 0))\n"
                                    "try:\n read(f'/proc/{f}/root/srv/n/g/m2/x')\nfinally:\n os.kill(f, 9)"},
           prepare="mount --bind /srv /srv; mount --make-private /srv; " + "".join(mount.format(i) for i in range(3)))


@row("A3", "A4", "F7")
def test_roots_and_namespaces(g):
    user = "sh('setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Urm sh -c \"{}\"')"
    try_it(g, BOTH,
           {"pivot_root": "pivoted('/srv/n', lambda: read('/g/a'))",
            "pivot_root into the directory": "pivoted('/srv/n/g', lambda: read('/b'))",
            "chroot into the directory": "chrooted('/srv/n/g', '/c')",
            "rbind in a user namespace": user.format("mount --rbind /srv /mnt && cat /mnt/n/g/a"),
            "file in a user namespace": user.format("mount --bind /srv/n/g/b /srv/n/out/b && cat /srv/n/out/b"),
            "chroot in a user namespace": user.format("chroot /srv/n/g true 2> /dev/null; mount --bind /srv /mnt && "
                                                      "cat /mnt/n/g/d")},
           {"neighbour": "pivoted('/srv/n', lambda: read('/out/a'))",
            "neighbour in a user namespace": user.format("mount --rbind /srv /mnt && cat /mnt/n/out/a")})


@row("A11", "A12")
def test_directories_above_renamed(g):
    """Whoever may not read a file takes none of the directories above it away either."""
    rules = [deny([f"/srv/n/{i}/dir/deep/f" for i in range(2)], rule="literal"), deny("/srv/n/2/**", rule="tree"),
             deny("/srv/n/3/d*/deep/?", rule="glob"), tool("/srv/n/4/dir/tool")]
    try_it(g, rules,
           {"directory": "os.rename('/srv/n/0/dir', '/srv/n/new/0'); read('/srv/n/new/0/deep/f')",
            "exchanged": "exchange('/srv/n/1/dir', '/srv/n/out/dir'); read('/srv/n/out/dir/deep/f')",
            "of a tree": "os.rename('/srv/n/2', '/srv/n/new/2'); read('/srv/n/new/2/dir/deep/f')",
            "of a glob": "os.rename('/srv/n/3/dir', '/srv/n/3/x'); read('/srv/n/3/x/deep/f')",
            "of a program": "os.rename('/srv/n/4/dir', '/srv/n/new/4'); run('/srv/n/new/4/tool')"},
           {"elsewhere": "os.rename('/srv/n/5/dir', '/srv/n/new/5'); read('/srv/n/new/5/deep/f')"},
           prepare="for i in 0 1 2 3 4 5; do mkdir -p /srv/n/$i/dir/deep; echo x > /srv/n/$i/dir/deep/f; "
                   "cp /bin/true /srv/n/$i/dir/tool; done")


@row("A12")
def test_directories_above_braces_renamed(g):
    """Where a pattern's braces have directories in them, each of these is above what it names."""
    try_it(g, [deny("/srv/n/{x/y,z/w}/secret")],
           {"front door": "read('/srv/n/x/y/secret')", "the next above": "os.rename('/srv/n/x/y', '/srv/n/new/y')",
            "the one above": "os.rename('/srv/n/x', '/srv/n/new/x')", "exchanged": "exchange('/srv/n/z/w', '/srv/n/out')",
            "the other above": "os.rename('/srv/n/z', '/srv/n/new/z')"},
           {"neighbour": "os.rename('/srv/n/v/w', '/srv/n/new/w'); read('/srv/n/new/w/secret')"},
           prepare="for d in x/y z/w v/w; do mkdir -p /srv/n/$d; echo x > /srv/n/$d/secret; done")


@row("A13", "C3")
def test_others_at_the_guarded_name(g):
    """What takes the name is guarded from then on, however it came there."""
    rules = [deny(["/srv/n/g/a", "/srv/n/g/b", "/srv/n/g/c", "/srv/n/g/d", "/srv/n/g/dir/deep/f"])]
    try_it(g, rules,
           {"renamed over": "read('/srv/n/out/a'); os.rename('/srv/n/out/a', '/srv/n/g/a'); read('/srv/n/g/a')",
            "made anew": "os.unlink('/srv/n/g/b'); f = os.open('/srv/n/g/b', os.O_CREAT | os.O_WRONLY); "
                         "os.write(f, b'x'); read('/srv/n/g/b')",
            "linked": "os.unlink('/srv/n/g/c'); os.link('/srv/n/out/c', '/srv/n/g/c'); read('/srv/n/g/c')",
            "behind a mount": "own_mounts(); bind('/srv/n/out/b', '/srv/n/g/d'); read('/proc/1/root/srv/n/g/d')",
            "directory": "os.rename('/srv/n/out/dir', '/srv/n/new/dir'); "
                         "exchange('/srv/n/g/dir', '/srv/n/new/dir'); read('/srv/n/g/dir/deep/f')"},
           {"free": "read('/srv/n/out/free')"})


@row("A14")
def test_mounted_over(g):
    """What is mounted over the guarded directory is guarded, and what lies below stays so."""
    try_it(g, [deny(["/srv/n/g/**"])],
           {"over": "read('/srv/n/g/x')", "below": "read_at(os.open('/srv/n/hole', os.O_PATH), 'g/a')"},
           {"free": "read('/srv/n/out/free')"},
           prepare="mkdir -p /srv/n/hole; mount --bind /srv/n /srv/n/hole; mount --make-private /srv/n/hole; "
                   "mount -t tmpfs t /srv/n/g; echo x > /srv/n/g/x")


@row("A19")
def test_inode_numbers_again(g):
    """ext4 gives a new file the number of the last one that was deleted: neither inherits anything."""
    reuse = "import itertools\ndef again(old, new):\n" \
            " n = os.stat(old).st_ino\n for i in range(5):\n  try:\n   os.close(os.open(old, os.O_RDONLY))\n" \
            "  except PermissionError: pass\n os.unlink(old)\n for i in itertools.count():\n" \
            "  p = new if i == 0 else f'{new}{i}'\n  os.close(os.open(p, os.O_CREAT | os.O_WRONLY, 0o644))\n" \
            "  if os.stat(p).st_ino == n: os.rename(p, new) if i else None; return\n" \
            "  if i > 50: raise NotHere('the file system does not use inode numbers again')\n"
    try_it(g, [deny("/srv/n/g/?")],
           {"free, then guarded": reuse + "again('/srv/n/out/a', '/srv/n/g/n'); read('/srv/n/g/n')"},
           {"guarded, then free": reuse + "again('/srv/n/g/c', '/srv/n/out/n'); read('/srv/n/out/n')"})


@row("A5")
def test_fanotify_hands_out_descriptors(g):
    """The listener gets a file that another process, to whom it is allowed, has opened."""
    try_it(g, [deny("/srv/n/g/a", unless={"by": {"uid": 1000}})],
           {"listener": "fanotify_read('/srv/n/g/a', lambda: as_user(1000, 1000, [], lambda: read('/srv/n/g/a')))"},
           {"other file": "fanotify_read('/srv/n/out/a', lambda: read('/srv/n/out/a'))"})


@row("A2")
def test_hard_link_from_before_by_its_other_name(g):
    """Two names of one file from before the rule: the file is guarded at both."""
    try_it(g, [deny("/srv/n/g/a", access=["read", "modify"]), tool("/srv/n/g/tool")],
           {"read": "read('/srv/n/out/link')", "write": "write('/srv/n/out/link')",
            "exec": "run('/srv/n/out/tool')"}, {"free": "read('/srv/n/out/free')"},
           prepare="ln /srv/n/g/a /srv/n/out/link; cp /bin/true /srv/n/g/tool; ln /srv/n/g/tool /srv/n/out/tool")


@row("A25", "A5")
def test_name_that_is_gone(g):
    """Whoever may has linked the file to a guarded name, and what it was called before is gone: that is how many
    programs make a file. Somebody who may not read it has a descriptor by the old name, for the path alone."""
    user = "\nos.setgroups([]); os.setresgid(2000, 2000, 2000); os.setresuid(2000, 2000, 2000)\nread(f'/proc/self/fd/{f}')"
    unnamed = "f = tmpfile('/srv/n/out'); os.fchmod(f, 0o644); link_fd(f, '/srv/n/{}')"
    try_it(g, [deny(by={"uid": 2000})],
           {"unlinked": "f = former('/srv/n/out/t0', '/srv/n/g/t0')" + user,
            "the other name is not at hand": "f = former('/srv/n/out/t1', '/srv/n/g/t1'); evict()" + user,
            "made without a name": unnamed.format("g/t2") + user},
           {"neighbour": "f = former('/srv/n/out/t3', '/srv/n/out/t4')" + user,
            "neighbour without a name": unnamed.format("out/t5") + user,
            "none is left": "f = tmpfile('/srv/n/out'); os.fchmod(f, 0o644)" + user})


@row("A24b")
def test_mount_point_removed(g):
    """A mount namespace of one's own, from before: nothing is mounted there in it, so its owner may remove it."""
    try_it(g, [deny("/srv/n/{m0,m1}/**/home/*")],
           {"rmdir": "remove_mount_point('/srv/n/m0/u/home', os.rmdir)",
            "replaced": "remove_mount_point('/srv/n/m1/u/home', lambda path: os.rename(os.path.dirname(path) + '/free', path))"},
           {"neighbour": "remove_mount_point('/srv/n/m2/u/home', os.rmdir)"}, prepare="mkdir -p /srv/n/m0 /srv/n/m1 /srv/n/m2")


# A file system at {0}, of which parts are mounted at {0}-part and {0}-etc.
PARTS = """
mkdir -p {0} {0}-part {0}-etc; mount -t tmpfs t {0}; mkdir -p {0}/part {0}/etc {0}/srv/n {0}/deep/er
for f in x part/x etc/x deep/er/y; do echo x > {0}/$f; done; cp /bin/cat {0}/srv/n/tool
mount --bind {0}/part {0}-part; mount --bind {0}/etc {0}-etc
"""


@row("A24c")
def test_part_stays_mounted(g):
    """Only parts of the file system are mounted on the host any more: the rest is named from its root on, and trusted with nothing."""
    places = iter(f"/srv/n/m{n}" for n in range(20))
    made = []

    def gone(code):
        made.append(next(places))
        return f"d = os.open('{made[-1]}', os.O_PATH); call(libc.umount2(b'{made[-1]}', MNT_DETACH)); " + code.replace("M/", made[-1] + "-")
    tool_there = "sh(f'/proc/{os.getpid()}/fd/{d}/srv/n/tool /srv/n/free')"
    rules = [deny("/**/x"), deny("/deep/er/*", rule="own"), deny("/etc/x", rule="etc"), tool("/srv/n/elsewhere"),
             {**deny("/srv/n/free", rule="free"), "unless": {"by": {"exe": "/srv/n/tool"}}}]
    there = "sh('cp /bin/cat /srv/n/tool; /srv/n/tool /srv/n/free')"
    refused = {"in the part": gone("read_at(d, 'part/x')"), "outside": gone("read_at(d, 'x')"),
               "outside, deep": gone("read_at(d, 'deep/er/y')"), "by an exception's program outside": gone(tool_there)}
    allowed = {"excepted": there}
    try_it(g, rules, refused, allowed, prepare="echo free > /srv/n/free\n" + "".join(PARTS.format(place) for place in made))
    made.clear()
    neighbours = {"in a part": gone("read('M/part/x')"), "in another": gone("read('M/etc/x')"), "outside": gone("read_at(d, 'x')")}
    front = {"front door": "os.makedirs('/srv/n/new/deep/er', exist_ok=True); open('/srv/n/new/deep/er/z', 'w').close(); read('/srv/n/new/deep/er/z')"}
    try_it(g, [deny(["/etc/x", "/part/x", "/srv/n/new/**"])], front, neighbours, prepare="".join(PARTS.format(place) for place in made))
    made.clear()
    try_it(g, [{"id": "all", "on": "open", "by": {"gid": 4242}, "access": "read", "path": "/**", "action": "deny"}],
           {"whatever it is called": gone("f = os.open('x', os.O_PATH, dir_fd=d); os.setresgid(4242, 4242, 4242); read(f'/proc/self/fd/{f}')")},
           prepare="".join(PARTS.format(place) for place in made))


@row("A24c")
def test_more_parts_stay_mounted_than_are_kept(g):
    """Each object is looked at for the mounts that show it, and has its own name where none does."""
    many = "mkdir -p /srv/n/m0; mount -t tmpfs t /srv/n/m0; mkdir -p /srv/n/m0/deep; echo x > /srv/n/m0/deep/y; echo x > /srv/n/m0/free; " \
           "for i in $(seq 20); do mkdir -p /srv/n/m0/$i /srv/n/p$i; echo x > /srv/n/m0/$i/x; echo x > /srv/n/m0/$i/free; " \
           "mount --bind /srv/n/m0/$i /srv/n/p$i; done; python3 -c 'import os, time, ctypes; d = os.open(\"/srv/n/m0\", os.O_PATH); " \
           "open(\"/run/parts\", \"w\").write(str(os.getpid())); time.sleep(900)' > /dev/null 2>&1 & " \
           "until [ -s /run/parts ]; do sleep 0.2; done; umount -l /srv/n/m0"
    there = "d = os.open(f\"/proc/{open('/run/parts').read()}/fd/3\", os.O_PATH); "
    trial(g, [deny(["/deep/y", "/7/x", "/srv/n/p19/x"])],
          {"outside": there + "read_at(d, 'deep/y')", "by the part's mount": "read('/srv/n/p19/x')"},
          allowed={"neighbour outside": there + "read_at(d, 'free')", "neighbour in a part": there + "read_at(d, '18/free')",
                   "neighbour by the mount": "read('/srv/n/p3/free')"},
          prepare=PREPARE + many, clean="[ ! -s /run/parts ] || kill $(cat /run/parts) 2> /dev/null || :; rm -f /run/parts; " + CLEAN)


@row("A22c")
def test_file_systems_of_the_kernel_of_ones_own(g):
    """Each mount of procfs is another superblock, and each network namespace has a sysfs of its own."""
    user = "sh('setpriv --reuid=2000 --regid=2000 --clear-groups unshare -Urnpf --mount sh -c \"{}\"')"
    huge = "kernel/mm/transparent_hugepage/enabled"
    try_it(g, [deny(["/proc/kallsyms", "/proc/*/limits", "/sys/kernel/mm/**"])],
           {"proc": user.format("mount -t proc p /mnt && cat /mnt/kallsyms"),
            "a process": user.format("mount -t proc p /mnt && cat /mnt/1/limits"),
            "sysfs": user.format(f"mount -t sysfs s /mnt && cat /mnt/{huge}"),
            "root's": "own_mounts(); sh('mount -t proc p /mnt'); read('/mnt/kallsyms')",
            "mounted elsewhere": "read('/srv/n/new/kallsyms')"},
           {"neighbour": user.format("mount -t proc p /mnt && cat /mnt/version"),
            "neighbour elsewhere": "read('/srv/n/new/version')"},
           prepare="mount -t proc p /srv/n/new")


@row("A27")
def test_exceptions_on_a_file_system_of_ones_own(g):
    """Where everything but some paths is refused, a file system with these paths on it excepts nobody; nor does it on
    what a label was kept of. The host's own paths do, seen from there as well, and whoever is excepted himself."""
    def user(script, uid=1000):
        return f"sh('setpriv --reuid={uid} --regid={uid} --clear-groups unshare -Urm sh -euc \"{script}\"')"

    own = "mount -t tmpfs t /mnt; mkdir -p /mnt/usr/bin /mnt/srv/n/g /mnt/srv/n/s; " \
          "cp /usr/bin/true /mnt/usr/bin; echo x > /mnt/srv/n/g/a; "
    listen = "import socket; s = socket.socket(socket.AF_UNIX); s.bind('/mnt/srv/n/s/a'); s.listen(); " \
             "socket.socket(socket.AF_UNIX).connect('/mnt/srv/n/s/a')"
    socket = own + "python3 /srv/n/out/listen"
    by = {"uid": [1000, 1001]}
    also = {"by": {"uid": 1001}}
    rules = [{"id": "run", "on": "exec", "path": "/**", "by": by, "unless": [{"path": "/usr/**"}, also], "action": "deny"},
             deny("/srv/n/**", rule="read", by=by, unless=[{"path": "/srv/n/{g,out}/*"}, also]),
             {"id": "say", "on": "connect", "socket": "/srv/n/s/**", "by": by, "action": "deny",
              "unless": [{"socket": "/srv/n/s/a"}, also]}]
    try_it(g, rules,
           {"program": user(own + "/mnt/usr/bin/true"), "once more": user(own + "/mnt/usr/bin/true || /mnt/usr/bin/true"),
            "over the host's": user(own + "mount --bind /mnt/usr/bin /srv/n/new; /srv/n/new/true"),
            "file": user(own + "cat /mnt/srv/n/g/a"), "two names": user(own + "ln /mnt/srv/n/g/a /mnt/srv/n/g/b; cat /mnt/srv/n/g/b"),
            "socket": user(socket)},
           {"host's": user("/usr/bin/true; cat /srv/n/out/a"), "bound": user("mount --bind /usr /mnt; /mnt/bin/true"),
            "excepted": user(own + "/mnt/usr/bin/true; cat /mnt/srv/n/g/a", 1001),
            "excepted, socket": user(socket, 1001)}, prepare=f"echo \"{listen}\" > /srv/n/out/listen")
