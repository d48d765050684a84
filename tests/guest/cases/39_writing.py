# SPDX-License-Identifier: Apache-2.0
"""Content and attributes are changed by calls that few know, by descriptors, and by the kernel itself."""

import pathlib
import subprocess
import tempfile

from evasion import row
from trial import check_fields, do, push_program, trial

PREPARE = """
mkdir -p /srv/w/g/dir /srv/w/out/dir
for f in a b c d e f; do echo x > /srv/w/g/$f; echo x > /srv/w/out/$f; done
"""
CLEAN = "chattr -R -i -d /srv/w 2> /dev/null || :; rm -rf /srv/w"


def deny(access, path="/srv/w/g/**", rule="writing", **more):
    return {"id": rule, "on": "open", "path": path, "access": access, "action": "deny", **more}


def try_it(g, rules, refused, allowed=None, prepare="", clean="", **more):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE + prepare, clean=clean + CLEAN, **more)


@row("C1")
def test_truncation(g):
    """By a descriptor it takes one that was opened to be written, and that was judged."""
    try_it(g, [deny("write")],
           {"by name": "os.truncate('/srv/w/g/a', 0)", "by descriptor": "os.ftruncate(os.open('/srv/w/g/b', os.O_RDWR), 0)",
            "by /proc": "os.truncate(f\"/proc/self/fd/{os.open('/srv/w/g/c', os.O_PATH)}\", 0)",
            "at the open": "close(os.open('/srv/w/g/d', os.O_RDONLY | os.O_TRUNC))",
            "made and written": "close(os.open('/srv/w/g/new', os.O_CREAT | os.O_EXCL | os.O_RDWR))"},
           {"read": "read('/srv/w/g/a')", "other": "os.truncate('/srv/w/out/a', 0)"})


@row("C3")
def test_replaced(g):
    """The name gets another object: a file, a link, an exchange, a directory that comes full."""
    rules = [deny(["create", "delete"])]
    found = try_it(g, rules,
                   {"file": "os.rename('/srv/w/out/a', '/srv/w/g/a')",
                    "symbolic link": "os.symlink('/etc/passwd', '/srv/w/link'); os.rename('/srv/w/link', '/srv/w/g/b')",
                    "exchange": "exchange('/srv/w/out/c', '/srv/w/g/c')",
                    "directory": "os.rename('/srv/w/out/dir', '/srv/w/g/full')",
                    "directory over one": "os.mkdir('/srv/w/empty'); os.rename('/srv/w/empty', '/srv/w/g/dir')",
                    "whiteout": "syscall(SYS_RENAMEAT2, AT_FDCWD, b'/srv/w/g/d', AT_FDCWD, b'/srv/w/moved', 4)"},
                   {"other": "os.rename('/srv/w/out/e', '/srv/w/out/f')"})
    assert {event["BAILIFF_HOOK"] for event in found} == {"inode_rename"}, found
    try_it(g, [deny("create")], {"whiteout": "syscall(SYS_RENAMEAT2, AT_FDCWD, b'/srv/w/g/d', AT_FDCWD, b'/srv/w/moved', 4)"},
           {"other": "syscall(SYS_RENAMEAT2, AT_FDCWD, b'/srv/w/out/d', AT_FDCWD, b'/srv/w/moved', 4)"})


@row("C6", "E5")
def test_newer_calls_for_attributes(g):
    """Calls that came with later kernels, and ioctls of a file that is open to be read."""
    flags = "struct.pack('L', 0x40)"  # no dump
    refused = {"file_setattr": "set_attributes('{}/a', 0x80)", "fchmodat2": "chmod_at('{}/b', 0o600)",
               "FS_IOC_SETFLAGS": "fs_ioctl('{}/c', 0x40086602, " + flags + ")",
               "FS_IOC_FSSETXATTR": "fs_ioctl('{}/d', 0x401c5820, struct.pack('IIIII8x', 0x80, 0, 0, 0, 0))",
               "FS_IOC_SETVERSION": "fs_ioctl('{}/e', 0x40087602, struct.pack('L', 7))",
               "removexattr": "os.removexattr('{}/f', 'user.x')"}
    try_it(g, [deny("attributes")], {name: code.format("/srv/w/g") for name, code in refused.items()},
           {f"{name}, other": code.format("/srv/w/out") for name, code in refused.items()} |
           {"read": "read('/srv/w/g/a')"},
           prepare="python3 -c 'import os; os.setxattr(\"/srv/w/g/f\", \"user.x\", b\"y\"); "
                   "os.setxattr(\"/srv/w/out/f\", \"user.x\", b\"y\")'")


@row("C6")
def test_what_seals_a_file(g):
    """fs-verity takes the right to write for good, encryption the use of a directory: of what is only read. And
    ext4's own ioctl for what is called its version."""
    enable = "fs_ioctl('/srv/w/fs/{}/a', 0x40806685, struct.pack('III116x', 1, 1, 4096))"
    encrypt = "fs_ioctl('/srv/w/fs/{}/empty', 0x800c6613, struct.pack('BBBB8s', 0, 1, 4, 3, b'whatever'))"
    version = "fs_ioctl('/srv/w/fs/{}/b', 0x40086604, struct.pack('L', 7))"
    try_it(g, [deny("attributes", path="/srv/w/fs/in/**")],
           {"verity": enable.format("in"), "encryption": encrypt.format("in"), "version": version.format("in")},
           {"verity, other": enable.format("out"), "encryption, other": encrypt.format("out"),
            "version, other": version.format("out"), "read": "read('/srv/w/fs/in/a')"},
           prepare="truncate -s 32M /srv/w/image; mkfs.ext4 -q -b 4096 -O verity,encrypt,^metadata_csum /srv/w/image; mkdir /srv/w/fs; "
                   "mount -o loop /srv/w/image /srv/w/fs; mkdir -p /srv/w/fs/in/empty /srv/w/fs/out/empty; "
                   "for f in in/a in/b out/a out/b; do echo x > /srv/w/fs/$f; done", clean="umount /srv/w/fs 2> /dev/null || :; ")


@row("A2", "C6")
def test_version_of_a_file_with_several_names(g):
    """It would have the other name forgotten: whoever is refused anything may not change it, whatever the rules are on."""
    version = "fs_ioctl('/srv/w/fs/{}', 0x40086604, struct.pack('L', 7))"
    for rule in (deny("write", path="/srv/w/fs/in/*"), {**deny(None, path="/srv/w/fs/in/a"), "on": "exec"}):
        rule = {key: value for key, value in rule.items() if value}
        try_it(g, [rule], {"guarded name": version.format("in/a"), "other name": version.format("out/a")},
               {"single": version.format("in/b"), "other file": version.format("out/c")},
               prepare="truncate -s 32M /srv/w/image; mkfs.ext4 -q -b 4096 -O ^metadata_csum /srv/w/image; mkdir /srv/w/fs; "
                       "mount -o loop /srv/w/image /srv/w/fs; mkdir -p /srv/w/fs/in /srv/w/fs/out; "
                       "for f in in/a in/b out/c; do echo x > /srv/w/fs/$f; done; ln /srv/w/fs/in/a /srv/w/fs/out/a; "
                       "ln /srv/w/fs/out/c /srv/w/fs/out/d; ", clean="umount /srv/w/fs 2> /dev/null || :; ")


@row("C6", "E4")
def test_attributes_by_32_bit_calls(g):
    """From 6.8 on a 32-bit ioctl has a hook of its own."""
    push_program(g, "compat", "/root/compat")
    try:
        answer = do(g, {"probe": "door('/root/compat', 'openat', '/etc/passwd')"})["probe"]
        if answer.startswith("n/a"):
            g.not_applicable(answer)
        deeds = {"chattr": "door('/root/compat', 'setflags', '{}/a')",
                 "project": "door('/root/compat', 'fssetxattr', '{}/b')"}
        try_it(g, [deny("attributes")], {name: code.format("/srv/w/g") for name, code in deeds.items()},
               {f"{name}, other": code.format("/srv/w/out") for name, code in deeds.items()})
    finally:
        g.remove("/root/compat")


@row("C9")
def test_raw_devices(g):
    """A rule on the device holds for the device, whoever reads it and however it is called."""
    devices = ["/dev/vda", "/dev/mem", "/proc/kcore"]
    try_it(g, [deny(["read", "write"], path=devices)],
           {"disk": "read('/dev/vda')", "disk by number": "read(f\"/dev/block/{os.major(d := os.stat('/dev/vda').st_rdev)}:"
                                                          "{os.minor(d)}\")",
            "memory": "close(os.open('/dev/mem', os.O_RDONLY))", "kernel": "read('/proc/kcore')"},
           {"null": "write('/dev/null')"})


@row("C5")
def test_device_nodes_are_made(g):
    """Whoever may not make files makes no device there either; elsewhere he does."""
    node = "os.mknod('{}/disk', stat.S_IFBLK | 0o600, os.stat('/dev/vda').st_rdev); read('{}/disk')"
    try_it(g, [deny("create")], {"node": node.format(*["/srv/w/g"] * 2)}, {"other": node.format(*["/srv/w/out"] * 2)})


OTHER_FILES = """
mkdir -p /srv/w/t /srv/w/o; mount -t tmpfs t /srv/w/t; modprobe loop
mknod /srv/w/t/disk b $(stat -c '0x%t 0x%T' /dev/vda); ln /srv/w/t/disk /srv/w/t/linked
"""
LOOP_CTL_ADD, LOOP_CTL_REMOVE, LATE = 0x4C80, 0x4C81, 77
NO_OTHER_FILES = f"""
umount /srv/w/t 2> /dev/null || :
[ ! -e /dev/loop{LATE} ] || python3 -c 'import fcntl; fcntl.ioctl(open("/dev/loop-control"), {LOOP_CTL_REMOVE}, {LATE})'
"""


@row("C9b")
def test_own_device_nodes(g):
    """A device has its name in /dev, and every node of its number is guarded: from before, later, by links, in
    overlays, of a device that comes later. What is another device or no danger is not."""
    def node(name, kind, device, act="close(os.open(PATH, os.O_RDONLY))"):
        path = f"/srv/w/t/{name}"
        return f"os.mknod('{path}', stat.S_IF{kind} | 0o600, {device}); {act.replace('PATH', repr(path))}"

    overlay = "mount -t overlay o -o lowerdir=/srv/w/t:/srv/w/g /srv/w/o; head -c1 /srv/w/o/disk"
    add = f"import fcntl; fcntl.ioctl(os.open('/dev/loop-control', os.O_RDWR), {LOOP_CTL_ADD}, {LATE})"
    try_it(g, [deny("read", path=["/dev/vda", "/dev/mem", f"/dev/loop{LATE}"])],
           {"from before": "read('/srv/w/t/disk')", "linked": "read('/srv/w/t/linked')",
            "made now": node("later", "BLK", "os.stat('/dev/vda').st_rdev", "read(PATH)"),
            "memory": node("memory", "CHR", "os.makedev(1, 1)"),
            "overlay": f"sh('unshare -m sh -euc \"{overlay}\"')",
            "late": f"{add}; read('/dev/loop{LATE}')", "late, own node": node("late", "BLK", f"os.makedev(7, {LATE})")},
           {"other": node("control", "CHR", "os.makedev(10, 237)"), "zero": node("zero", "CHR", "os.makedev(1, 5)"),
            "write": "write('/srv/w/t/disk')"},
           prepare=OTHER_FILES, clean=NO_OTHER_FILES)


@row("C9b")
def test_node_at_a_guarded_name(g):
    """It is refused by its name, and the device itself is not: or any device could be taken from the others."""
    node = "os.mknod('/srv/w/g/{0}', stat.S_IFCHR | 0o600, os.makedev(10, 237)); "
    try_it(g, [deny(["read", "attributes"])],
           {"read": node.format("one") + "close(os.open('/srv/w/g/one', os.O_RDONLY))",
            "chmod": node.format("two") + "os.chmod('/srv/w/g/two', 0o666)"},
           {"device": "close(os.open('/dev/loop-control', os.O_RDONLY)); os.chmod('/dev/loop-control', 0o660)"},
           prepare="modprobe loop")


DEVICES = """
modprobe -a loop btrfs; mkdir /srv/w/m
for n in 5 6; do truncate -s 16M /srv/w/image$n; mkfs.ext4 -qF /srv/w/image$n; losetup /dev/loop$n /srv/w/image$n; done
truncate -s 120M /srv/w/image7; mkfs.btrfs -q /srv/w/image7 2> /dev/null; losetup /dev/loop7 /srv/w/image7
mkdir -p /srv/w/t; mount -t tmpfs t /srv/w/t; mknod /srv/w/t/node b 7 5
"""
NO_DEVICES = "umount /srv/w/t 2> /dev/null || :; losetup -D; "


@row("C9c")
def test_mounts_of_a_device(g):
    """Nobody opens the node, and what is mounted is the device's content. Read-only it is read only."""
    mount = "mounted('{}', '{}', '/srv/w/m', {})".format
    refused = {"read": "read('/dev/loop5')", "mount": mount("/dev/loop5", "ext4", 0),
               "read-only": mount("/dev/loop5", "ext4", "MS_RDONLY"), "own node": mount("/srv/w/t/node", "ext4", 0),
               "by a context": "new_mount('ext4', source='/dev/loop5')", "btrfs": mount("/dev/loop7", "btrfs", 0)}
    other = {"other": mount("/dev/loop6", "ext4", 0), "no device": mount("none", "tmpfs", 0)}
    devices = ["/dev/loop5", "/dev/loop7"]
    found = try_it(g, [deny("read", path=devices)], refused, other, prepare=DEVICES, clean=NO_DEVICES)
    mounts = [event for event in found if event["BAILIFF_HOOK"] == "sb_set_mnt_opts"]
    assert {event["BAILIFF_PATH"] for event in mounts} == set(devices), found
    check_fields(mounts[0], on="open", comm="python3", filesystem="host")
    both = {"mount": mount("/dev/loop5", "ext4", 0), "btrfs": mount("/dev/loop7", "btrfs", 0),
            "remount": mount("/dev/loop5", "ext4", "MS_RDONLY, 0"), "btrfs, remount": mount("/dev/loop7", "btrfs", "MS_RDONLY, 0")}
    try_it(g, [deny("write", path=devices)], both,
           other | {"read-only": mount("/dev/loop5", "ext4", "MS_RDONLY"), "btrfs, read-only": mount("/dev/loop7", "btrfs", "MS_RDONLY"),
                    "other, remount": mount("/dev/loop6", "ext4", "MS_RDONLY, 0")}, prepare=DEVICES, clean=NO_DEVICES)


@row("C9c")
def test_mounts_of_a_device_by_others(g):
    """Exceptions hold as for the node."""
    mount = "mounted('/dev/loop5', 'ext4', '/srv/w/m')"
    try_it(g, [deny("read", path="/dev/loop5", unless={"by": {"exe": "/usr/bin/mount"}})], {"python": mount},
           {"mount": "own_mounts(); sh('mount /dev/loop5 /srv/w/m')"}, prepare=DEVICES, clean=NO_DEVICES)


MAPPED = "read_mapped('trial', os.makedev(7, 5))"
ARRAY = """sh('''echo md_trial$$ > /sys/module/md_mod/parameters/new_array
cd /sys/block/md_trial$$/md
trap 'for s in inactive clear; do echo $s > array_state 2> /dev/null || :; done' EXIT
echo none > metadata_version; echo raid1 > level; echo 1 > raid_disks; echo 7:5 > new_dev; echo 0 > dev-loop5/slot
echo 16384 > component_size; echo readonly > array_state; head -c 64 /dev/md_trial$$''')"""


@row("C9d")
def test_devices_made_of_a_device(g):
    """A limit; what makes them can be refused instead."""
    prepare = DEVICES + "modprobe -a dm_mod md_mod raid1"
    made = {"mapped": MAPPED, "array": ARRAY}
    try_it(g, [deny("read", path="/dev/loop5")], {"front door": "read('/dev/loop5')"}, made, prepare=prepare,
           clean=NO_DEVICES)
    setup = ["/dev/mapper/control", "/dev/md*", "/sys/devices/virtual/block/md*/md/new_dev"]
    try_it(g, [deny(["read", "write"], path=setup)], made, {"read": "read('/dev/loop5')"}, prepare=prepare, clean=NO_DEVICES)


def push_xfs(g, remote):
    """A small file system of XFS. The guests have no mkfs for it."""
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "image"
        subprocess.run(["mkfs.xfs", "-q", "--unsupported", "-d", f"file,name={image},size=16m"], check=True, capture_output=True)
        subprocess.run(["gzip", image], check=True)
        g.push(f"{image}.gz", f"{remote}.gz")
    g.sh(f"gunzip -f {remote}.gz")


OPENED = """
modprobe -a loop xfs binfmt_misc 2> /dev/null || :; mkdir /srv/w/x; mount -o loop /root/xfs /srv/w/x
cp /bin/true /srv/w/x/tool; cp /usr/bin/tee /srv/w/x; echo '#!/srv/w/x/tool' > /srv/w/x/script; chmod 755 /srv/w/x/script
mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc b /proc/sys/fs/binfmt_misc
cd /root; python3 -c 'import os; from calls import *; os.umask(0); open_queue("trial", os.O_CREAT | os.O_RDWR)'
"""
NOT_OPENED = """
[ ! -e /proc/sys/fs/binfmt_misc/trial ] || echo -1 > /proc/sys/fs/binfmt_misc/trial
umount /srv/w/x 2> /dev/null || :; rm -f /dev/mqueue/trial
"""


@row("C17")
def test_opens_with_the_flag_for_execution(g):
    """Who opens by a name can't give that flag, but callers of these can; and the kernel gives it where it keeps a
    handler of binfmt_misc open for later. What it opens to execute it is judged as exec alone."""
    do(g, {})  # brings calls.py
    push_xfs(g, "/root/xfs")
    ways = {"xfs": "open_by_xfs('/srv/w/x/tool', os.O_RDONLY | {})", "xfs, to write": "open_by_xfs('/srv/w/x/tool', os.O_RDWR | {})",
            "queue": "open_queue('trial', os.O_RDONLY | {})",
            "queue, a user's": "as_user(1000, 1000, [], lambda: open_queue('trial', os.O_WRONLY | {}))",
            "terminal": "open_other_end(os.O_RDWR | {})"}
    front = {f"{name}, front door": way.format(0) for name, way in ways.items()}
    keep = "os.write(os.open('/proc/sys/fs/binfmt_misc/register', os.O_WRONLY), b':trial:E::trial::/srv/w/x/tool:F')"
    try:
        try_it(g, [deny(["read", "write"], path=["/srv/w/x/*", "/dev/mqueue/trial", "/dev/pts/*"])],
               {**front, **{name: way.format("FMODE_EXEC") for name, way in ways.items()}, "handler": keep},
               {"run": "run('/srv/w/x/tool')", "script": "run('/srv/w/x/script')",
                "the kernel's helper": "dump_core('|/srv/w/x/tee /srv/w/out/core', '/srv/w/out/core')"},
               prepare=OPENED, clean=NOT_OPENED)
    finally:
        g.remove("/root/xfs")


@row("C11", "F8")
def test_core_dumps(g):
    dump = "dump_core('{0}/core.%e', '{0}/core.python3')"
    found = try_it(g, [deny(["create", "write"])], {"core": dump.format("/srv/w/g")}, {"other": dump.format("/srv/w/out")})
    check_fields(found[0], comm="python3")


@row("C11")
def test_files_that_the_kernel_opens(g):
    try_it(g, [deny("write")],
           {"accounting": "account('/srv/w/g/a')", "swap": "swap_on('/srv/w/g/swap')",
            "loop device": "sh('modprobe loop; losetup /dev/loop6 /srv/w/g/b; losetup -d /dev/loop6')"},
           {"accounting, other": "account('/srv/w/out/a')", "swap, other": "swap_on('/srv/w/out/swap')"},
           prepare="for d in g out; do dd if=/dev/zero of=/srv/w/$d/swap bs=64k count=16 2> /dev/null; "
                   "chmod 600 /srv/w/$d/swap; mkswap /srv/w/$d/swap > /dev/null; done; ")


@row("C11b")
def test_file_taken_for_quotas(g):
    """Nobody opens it: who sets and asks for limits has the kernel write and read it."""
    take = "quota_on(subprocess.check_output(['findmnt', '-no', 'SOURCE', '/srv/w/q'], text=True).strip(), '/srv/w/q/{}')"
    for access in ("read", "write"):
        open_it = "read" if access == "read" else "write"
        try_it(g, [deny(access, path="/srv/w/q/guarded")],
               {"front door": f"{open_it}('/srv/w/q/guarded')", "quotas": take.format("guarded")}, {"other": take.format("other")},
               prepare="modprobe -a loop quota_v1; truncate -s 32M /srv/w/image; mkfs.ext4 -qF /srv/w/image; mkdir /srv/w/q; "
                       "mount -o loop,usrquota /srv/w/image /srv/w/q; for f in guarded other; do yes SECRET | head -c 4000 > /srv/w/q/$f; "
                       "done; ", clean="umount /srv/w/q 2> /dev/null || :; ")


@row("C15", "E1")
def test_links_that_change_meanwhile(g):
    """A symbolic link is exchanged while its path is looked up: the file that is opened is judged."""
    race = "open_exchanged(4, 'secret', '/srv/w/link{}', '/srv/w/out/a', '{}')"
    try_it(g, [deny("read", path="/srv/w/g/secret")],
           {"link": race.format(1, "/srv/w/g/secret")}, {"other link": race.format(2, "/srv/w/out/secret")},
           prepare="printf secret > /srv/w/g/secret; printf secret > /srv/w/out/secret; ")


@row("E1")
def test_paths_rewritten_meanwhile(g):
    """Another process rewrites the path in memory while it is opened."""
    race = "open_rewritten(4, 'secret', '/srv/w/out/a', '{}')"
    try_it(g, [deny("read", path="/srv/w/g/secret")],
           {"path": race.format("/srv/w/g/secret")}, {"other path": race.format("/srv/w/out/secret")},
           prepare="printf secret > /srv/w/g/secret; printf secret > /srv/w/out/secret; ")


@row("C7")
def test_descriptors_are_judged_when_they_are_taken_over(g):
    """By whom the rule is about, from somebody who may open the file. For the path alone, and to who may, they pass."""
    passed = ("a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)\n"
              "if not os.fork():\n"
              " as_user(1000, 1000, [], lambda: socket.send_fds(a, [b'x'], [os.open('{}', {})]))\n"
              " os._exit(0)\n"
              "os.setresuid({}, {}, 0)\n"
              "fds = socket.recv_fds(b, 1, 1)[1]\n"
              "if not fds: raise OSError(errno.EPERM, 'cut off')\n{}").format
    taken = ("r, w = os.pipe()\npid = os.fork()\n"
             "if not pid:\n"
             " as_user(1000, 1000, [], lambda: os.write(w, b'%d' % os.open('{}', os.O_RDONLY)))\n"
             " time.sleep(3); os._exit(0)\n"
             "number = int(os.read(r, 16))\n"
             "os.read(call(libc.syscall(438, os.pidfd_open(pid), number, 0)), 1)").format
    given = ("def give():\n as_user(1000, 1000, [], lambda: None)\n return os.open('{}', os.O_RDONLY)\n"
             "os.read(given_by_supervisor(give), 1)").format
    read = "os.read(fds[0], 1)"
    try_it(g, [deny("read", path="/srv/w/g/a", unless={"by": {"uid": 1000}})],
           {"front door": "read('/srv/w/g/a')", "passed": passed("/srv/w/g/a", "os.O_RDONLY", 0, 0, read),
            "both ways": passed("/srv/w/g/a", "os.O_RDWR", 0, 0, read), "taken": taken("/srv/w/g/a"),
            "given": given("/srv/w/g/a")},
           {"another, given": given("/srv/w/g/b"), "to write": passed("/srv/w/g/a", "os.O_WRONLY", 0, 0, "os.write(fds[0], b'x')"),
            "path alone": passed("/srv/w/g/a", "os.O_PATH", 0, 0, "os.fstat(fds[0])"),
            "another file": passed("/srv/w/g/b", "os.O_RDONLY", 0, 0, read), "another, taken": taken("/srv/w/g/b"),
            "to who may": passed("/srv/w/g/a", "os.O_RDONLY", 1000, 1000, read)},
           prepare="chmod 666 /srv/w/g/a /srv/w/g/b; chmod 777 /srv/w/g; ")


@row("C7b")
def test_descriptors_are_judged_when_they_are_opened(g):
    """A limit: what was opened before is open, also for those who come after."""
    try_it(g, [deny("read", path="/srv/w/g/a", by={"uid": 2000})],
           {"front door": "os.setgroups([]); os.setresuid(2000, 2000, 2000); read('/srv/w/g/a')"},
           {"inherited": "fd = os.open('/srv/w/g/a', os.O_RDONLY); os.setresuid(2000, 2000, 2000); os.read(fd, 1)"},
           prepare="chmod 666 /srv/w/g/a; ")
