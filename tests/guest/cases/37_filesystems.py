# SPDX-License-Identifier: Apache-2.0
"""File systems with ideas of their own about names: overlays, btrfs, case-folded ext4, second mounts."""

import collections

from evasion import row
from trial import PROGRAMS, do, events, policy, push_program, settle, trial

RULE = {"id": "place", "on": "open", "access": "read", "path": "/srv/p/**", "action": "deny"}
CLEAN = ("for m in $(awk '$2 ~ \"^/srv/[pmq]/\" { print $2 }' /proc/mounts | tac); do umount -l $m; done; "
         "losetup -D; rm -rf /srv/p /srv/m /srv/q /srv/image*")
DIRECTORIES = "mkdir -p /srv/p /srv/m/u /srv/m/w /srv/m/o /srv/m/x; modprobe -a overlay loop btrfs 2> /dev/null || :; "


def overlay(lower, upper, then):
    """In a mount namespace of one's own: an overlay at /srv/m/o, and a deed in it."""
    return f"own_mounts(); sh('mount -t overlay o -o lowerdir={lower},upperdir={upper},workdir=/srv/m/w " \
           f"/srv/m/o'); {then}"


@row("A9", "A9b")
def test_overlay_lower(g):
    lower = "/srv/p/d", "/srv/m/u"
    trial(g, [RULE],
          {"read": overlay(*lower, "read('/srv/m/o/a')"),
           "write": overlay(*lower, "close(os.open('/srv/m/o/a', os.O_RDWR))"),
           "copied up": overlay(*lower, "write('/srv/m/o/b'); read('/srv/m/o/b')")},
          allowed={"neighbour": overlay("/srv/m/x", "/srv/m/u", "read('/srv/m/o/free')")},
          prepare=DIRECTORIES + "mkdir -p /srv/p/d; for f in a b; do echo x > /srv/p/d/$f; done; echo x > /srv/m/x/free",
          clean=CLEAN)


@row("A9", "A9b", "A9c", "B5")
def test_programs_of_an_overlay(g):
    """What is started is judged by the real file's name as well; what is mapped, by the real file."""
    lower = "/srv/p/d", "/srv/m/u"
    trial(g, [{"id": "tool", "on": "exec", "path": "/srv/p/**", "action": "deny"}],
          {"exec": overlay(*lower, "run('/srv/m/o/tool')"), "script": overlay(*lower, "run('/srv/m/o/script')"),
           "interpreter": overlay(*lower, "run('/srv/m/x/asks')"), "map": overlay(*lower, "map_code('/srv/m/o/lib')"),
           "loader": overlay(*lower, "sh('/lib64/ld-linux-x86-64.so.2 /srv/m/o/tool')")},
          allowed={"neighbour's program": overlay("/srv/m/x", "/srv/m/u", "run('/srv/m/o/tool')"),
                   "neighbour's script": overlay("/srv/m/x", "/srv/m/u", "run('/srv/m/o/script')"),
                   "read": overlay(*lower, "read('/srv/m/o/script')")},
          prepare=DIRECTORIES + "mkdir -p /srv/p/d; for f in p/d/tool p/d/lib m/x/tool; do cp /bin/true /srv/$f; done; "
          "for f in p/d/script m/x/script; do echo '#!/bin/true' > /srv/$f; chmod 755 /srv/$f; done; "
          "echo '#!/srv/m/o/tool' > /srv/m/x/asks; chmod 755 /srv/m/x/asks",
          clean=CLEAN)


@row("A9", "A9b")
def test_overlay_that_another_has_mounted(g):
    """The kernel opens the real file with the credentials of who mounted it; who acts is another matter."""
    user = "os.setgroups([]); os.setresuid(2000, 2000, 2000); "
    mounted = "mount -t overlay o -o lowerdir=/srv/p/d,upperdir=/srv/m/u,workdir=/srv/m/w /srv/m/o"
    trial(g, [{**RULE, "by": {"uid": 2000}}, {"id": "but", "on": "open", "access": "read", "path": "/srv/p/d/b", "action": "deny",
                                              "unless": {"by": {"uid": 0}}}],
          {"user": user + "read('/srv/m/o/a')", "not excepted": user + "read('/srv/m/o/b')"},
          allowed={"root": "read('/srv/m/o/a')", "excepted": "read('/srv/m/o/b')"},
          prepare=DIRECTORIES + "mkdir -p /srv/p/d; for f in a b; do echo x > /srv/p/d/$f; done; " + mounted, clean=CLEAN)


@row("A9", "A10", "E3")
def test_what_the_kernel_does_for_an_overlay(g):
    """It lists, copies and makes what is below with the credentials of who mounted it, also in io_uring's workers."""
    user = "os.setgroups([]); os.setresuid(2000, 2000, 2000); "
    mounted = "mount -t overlay o -o lowerdir=/srv/p/d,upperdir=/srv/p/u,workdir=/srv/p/w /srv/m/o"
    ring = "door('/srv/uring', 'async', 'mkdir', '/srv/m/o/{}')"
    push_program(g, "uring", "/srv/uring")
    try:
        assert do(g, {"probe": "door('/srv/uring', 'async', 'openat', '/etc/passwd')"}) == {"probe": "ok"}
        trial(g, [{**RULE, "path": "/srv/p/d/**", "access": "read", "by": {"uid": 2000}},
                  {**RULE, "id": "made", "path": "/srv/p/u/**", "access": "create", "unless": {"by": {"uid": 0}}}],
              {"list": user + "os.listdir('/srv/m/o/sub')", "copy": user + "os.open('/srv/m/o/a', os.O_WRONLY); read('/srv/m/o/a')",
               "make": user + "os.mkdir('/srv/m/o/new')", "make, by a worker": user + ring.format("async")},
              allowed={"root lists": "os.listdir('/srv/m/o/sub')", "root makes": "os.mkdir('/srv/m/o/roots')",
                       "root makes, by a worker": ring.format("roots-async"), "root copies": "write('/srv/m/o/b')"},
              prepare=DIRECTORIES + "mkdir -p /srv/p/d/sub /srv/p/u /srv/p/w; for f in a b; do echo x > /srv/p/d/$f; done; "
              "chmod -R a+rwX /srv/p/d /srv/p/u; " + mounted + "; chmod 777 /srv/m/o", clean=CLEAN)
    finally:
        g.remove("/srv/uring")


@row("A9b", "B5")
def test_programs_below_an_overlay_of_rules_on_programs_alone(g):
    """Libraries, and programs that were opened to be read first: where no rule is on opening files."""
    lower = "/srv/p/d", "/srv/m/u"
    trial(g, [{"id": "tool", "on": "exec", "path": "/srv/p/d/*", "action": "deny"}],
          {"opened first": overlay(*lower, "read('/srv/m/o/lib'); map_code('/srv/m/o/lib')"),
           "opened often": overlay(*lower, "[read('/srv/m/o/lib') for _ in range(5)]; map_code('/srv/m/o/lib')"),
           "changed": overlay(*lower, "fd = os.open('/srv/m/o/lib', os.O_RDONLY); map_code('/srv/m/o/lib')")},
          allowed={"neighbour": overlay("/srv/m/x", "/srv/m/u", "map_code('/srv/m/o/lib')"),
                   "read": overlay(*lower, "read('/srv/m/o/lib')"), "itself read": "read('/srv/p/d/lib')"},
          prepare=DIRECTORIES + "mkdir -p /srv/p/d; cp /bin/true /srv/p/d/lib; cp /bin/true /srv/m/x/lib", clean=CLEAN)


@row("A10")
def test_overlay_upper(g):
    """What is done in the overlay is done in the guarded directory; its own work directory is its own."""
    upper = "/srv/m/x", "/srv/p/u"
    rule = {**RULE, "access": "modify"}
    trial(g, [rule],
          {"create": overlay(*upper, "close(os.open('/srv/m/o/new', os.O_CREAT | os.O_WRONLY))"),
           "mkdir": overlay(*upper, "os.mkdir('/srv/m/o/newdir')"),
           "truncate": overlay(*upper, "os.truncate('/srv/m/o/a', 0)"),
           "unlink": overlay(*upper, "os.unlink('/srv/m/o/b')"),
           "rename": overlay(*upper, "os.rename('/srv/m/o/c', '/srv/m/o/moved')"),
           "chmod": overlay(*upper, "os.chmod('/srv/m/o/a', 0o600)"),
           "copy up": overlay(*upper, "write('/srv/m/o/free')")},
          allowed={"read": overlay(*upper, "read('/srv/m/o/a')")},
          prepare=DIRECTORIES + "mkdir -p /srv/p/u; for f in a b c; do echo x > /srv/p/u/$f; done; "
          "echo x > /srv/m/x/free", clean=CLEAN)


@row("A9b", "A10")
def test_overlay_upper_written(g):
    upper = "/srv/m/x", "/srv/p/u"
    trial(g, [{**RULE, "access": "write"}], {"write": overlay(*upper, "write('/srv/m/o/a')")},
          allowed={"read": overlay(*upper, "read('/srv/m/o/a')")},
          prepare=DIRECTORIES + "mkdir -p /srv/p/u; echo x > /srv/p/u/a", clean=CLEAN)


OVERLAID = {"read": "read('/srv/m/o/a')", "write": "write('/srv/m/o/mine')", "copied up": "write('/srv/m/o/b')",
            "map": "map_file('/srv/m/o/c', 1)"}


def counted(g, path, action, deeds, on="open"):
    """The events of what is done in an overlay, one after the other, by the file's last name."""
    rule = {"on": on, "path": path, "action": action}
    last = {**rule, "on": "open", "path": "/srv/m/last"}
    with policy(g, {"id": "overlay", **rule}, {"id": "last", **last}) as since:
        answers = do(g, deeds)
        do(g, {"last": "read('/srv/m/last')"})
        g.wait_until(lambda: events(g, since, "BAILIFF_RULE=last"), 60, "the event of what was done last")
        settle(g)
        found = [event["BAILIFF_PATH"].rpartition("/")[2] for event in events(g, since, "BAILIFF_RULE=overlay")]
    assert set(answers.values()) == {"ok" if action == "alert" else "EPERM"}, answers
    return collections.Counter(found)


OVERLAID_FILES = DIRECTORIES + "mkdir -p /srv/p/d; for f in p/d/a p/d/b p/d/c m/u/mine m/last; do echo x > /srv/$f; " \
    "done; cp /bin/true /srv/p/d/tool; cp /lib/x86_64-linux-gnu/libz.so.1 /srv/p/d/lib; " \
    "mount -t overlay o -o lowerdir=/srv/p/d,upperdir=/srv/m/u,workdir=/srv/m/w /srv/m/o"
EVERYWHERE = ["/srv/m/o/**", "/srv/p/**", "/srv/m/u/**"]


def counted_in_overlay(g, *args, setup="", then="", **more):
    try:
        g.sh(setup + OVERLAID_FILES + "; " + then)
        return counted(g, *args, **more)
    finally:
        g.sh(CLEAN)


def test_overlay_open_is_one_event(g):
    """The kernel opens the real file below as well: that is no second event of the rule, by whichever of the two
    names the rule goes, nor where it goes by both."""
    ways = [("/srv/m/o/**", "alert"), ("/srv/m/o/**", "deny"), (EVERYWHERE, "deny"),
            (["/srv/p/**", "/srv/m/u/mine"], "alert")]
    for path, action in ways:
        found = counted_in_overlay(g, path, action, OVERLAID)
        assert found == collections.Counter(["a", "b", "c", "mine"]), (path, action, found)


def test_overlay_open_by_a_rule_on_both_names_is_one_event(g):
    """As often as it is opened, and both ways of opening it apart. What is copied up is read and made besides."""
    opened = {key: deed for key, deed in OVERLAID.items() if key != "copied up"}
    found = counted_in_overlay(g, EVERYWHERE, "alert", {**opened, "again": "[read('/srv/m/o/a') for _ in range(3)]",
                                                        "below": "read('/srv/p/d/b')"})
    assert found == collections.Counter({"a": 4, "b": 1, "c": 1, "mine": 1}), found


LISTED = "mkdir -p /srv/p/d/dir /srv/m/u/dir /srv/p/d/below /srv/m/u/above /srv/m/x; echo x > /srv/p/d/dir/low; " \
    "echo x > /srv/m/u/dir/up; "


def test_overlay_directory_by_a_rule_on_both_names_is_one_event(g):
    """It is opened in a layer when it is opened, and in all of them when it is listed."""
    listing = "assert set(os.listdir('/srv/m/o/dir')) == {'low', 'up'}"
    again = "fd = os.open('/srv/m/o/dir', os.O_RDONLY); [(os.lseek(fd, 0, 0), os.listdir(fd)) for _ in range(3)]"
    found = counted_in_overlay(g, EVERYWHERE, "alert", {
        "merged": listing, "again": "[os.listdir('/srv/m/o/dir') for _ in range(3)]", "one descriptor": again,
        "lower": "os.listdir('/srv/m/o/below')", "upper": "os.listdir('/srv/m/o/above')",
        "only opened": "os.close(os.open('/srv/m/o/below', os.O_RDONLY))"}, setup=LISTED)
    # What dup'ed and rewound descriptors list was told when they were opened.
    assert found == collections.Counter({"dir": 5, "below": 2, "above": 1}), found


def test_overlay_directory_by_a_rule_on_its_layers_is_told(g):
    """Whatever else is listed by who lists it: another overlay's directory, of which the rule knows no name, is not
    told by what was told of the first."""
    other = "mkdir -p /srv/q/u /srv/q/w /srv/q/o; mount -t overlay q " \
        "-o lowerdir=/srv/p/d,upperdir=/srv/q/u,workdir=/srv/q/w /srv/q/o; mkdir /srv/q/u/dir 2> /dev/null || :; "
    found = counted_in_overlay(g, EVERYWHERE, "alert", {
        "both": "os.listdir('/srv/m/o/dir'); os.listdir('/srv/q/o/below'); os.listdir('/srv/m/o/dir')",
        "at once": "fd = os.open('/srv/m/o/dir', os.O_RDONLY); os.listdir(fd); os.listdir('/srv/q/o/below')"},
        setup=LISTED, then=other)
    assert found == collections.Counter({"dir": 3, "below": 2}), found
    layers = {"merged": "[os.listdir('/srv/m/o/dir') for _ in range(2)]", "lower": "os.listdir('/srv/m/o/below')",
              "other": "os.listdir('/srv/q/o/below')"}
    # At the first listing the overlay marks its upper directory.
    found = counted_in_overlay(g, ["/srv/p/**", "/srv/m/u/**"], "alert", layers, setup=LISTED,
                               then=other + "ls /srv/m/o/dir > /dev/null")
    assert found == collections.Counter({"dir": 4, "below": 2}), found


def test_overlay_program_by_a_rule_on_both_names_is_one_event(g):
    found = counted_in_overlay(g, EVERYWHERE, "alert", {"exec": "run('/srv/m/o/tool')", "map": "map_code('/srv/m/o/lib')",
                                                        "below": "run('/srv/p/d/tool')"}, on="exec")
    assert found == collections.Counter({"tool": 2, "lib": 1}), found


def image(size, make, mount):
    return f"truncate -s {size} /srv/image; {make} /srv/image > /dev/null 2>&1; {mount}; "


@row("A18", "A21")
def test_btrfs(g):
    """Each subvolume has a device number of its own, and can be mounted by itself."""
    setup = DIRECTORIES + image("120M", "mkfs.btrfs -q", "mkdir /srv/p/b; mount -o loop /srv/image /srv/p/b") + \
        "btrfs -q subvolume create /srv/p/b/sub; mkdir /srv/p/b/dir; mkdir -p /srv/m/free; " \
        "for f in a sub/a dir/a; do echo x > /srv/p/b/$f; done; " \
        "mount -o subvol=sub /dev/$(lsblk -no KNAME $(findmnt -no SOURCE /srv/p/b)) /srv/m/o; "
    trial(g, [RULE, {**RULE, "id": "literal", "path": "/srv/p/b/sub/a"}],
          {"top": "read('/srv/p/b/a')", "directory": "read('/srv/p/b/dir/a')", "subvolume": "read('/srv/p/b/sub/a')",
           "mounted by itself": "read('/srv/m/o/a')",
           "mounted in a namespace": "own_mounts(); sh('mount -o subvol=dir $(findmnt -no SOURCE /srv/p/b | cut -d[ -f1) "
                                     "/srv/m/x || mount -o bind /srv/p/b/dir /srv/m/x'); read('/srv/m/x/a')"},
          allowed={"elsewhere": "read('/etc/passwd')"}, prepare=setup, clean=CLEAN)


@row("A2", "A18")
def test_btrfs_snapshot_of_linked_files(g):
    """A snapshot's file has the number and the version of the original. Whoever may removes it by all its names, and
    what the original's names come to is known still."""
    setup = DIRECTORIES + image("120M", "mkfs.btrfs -q", "mkdir /srv/p/b; mount -o loop /srv/image /srv/p/b") + \
        "btrfs -q subvolume create /srv/p/b/s; cd /srv/p/b/s; mkdir g out; echo x > g/a; ln g/a out/b; echo x > out/c; " \
        "ln out/c out/d; sync; chmod -R a+rX /srv/p; "
    snapshot = "sh('btrfs -q subvolume snapshot /srv/p/b/s /srv/p/b/snap; rm -r /srv/p/b/snap/*; " \
               "btrfs -q subvolume delete /srv/p/b/snap; ln /srv/p/b/s/g/a /srv/p/b/s/g/{0}; rm /srv/p/b/s/g/{0}'); "
    user = "os.setgroups([]); os.setresuid(2000, 2000, 2000); "
    trial(g, [{**RULE, "path": "/srv/p/b/s/g/**", "by": {"uid": 2000}}],
          {"before": user + "read('/srv/p/b/s/out/b')",
           "after": snapshot.format("e") + snapshot.format("f") + user + "read('/srv/p/b/s/out/b')"},
          allowed={"neighbour": user + "read('/srv/p/b/s/out/d')"}, prepare=setup, clean=CLEAN)


@row("A19b")
def test_device_number_given_out_again(g):
    """A limit: one file system of btrfs goes and another one comes, with the same numbers of all kinds. What the names of the
    first one's file came to is refused of the second one's as well, until the next policy; nothing is let pass."""
    made = "sh('mount -o loop /srv/image{0} /srv/p/b; stat -c %d /srv/p/b/out/b > /srv/m/{0}'); "
    numbers = "assert open('/srv/m/1').read() == open('/srv/m/2').read(), 'another device number'; "
    user = "os.setgroups([]); os.setresuid(2000, 2000, 2000); "
    setup = DIRECTORIES + "mkdir -p /srv/p/b; for i in 1 2; do truncate -s 120M /srv/image$i; mkfs.btrfs -q /srv/image$i 2> /dev/null; " \
        "mount -o loop /srv/image$i /srv/p/b; mkdir /srv/p/b/g /srv/p/b/out; [ $i = 1 ] && d=g || d=out; echo x > /srv/p/b/$d/a; " \
        "ln /srv/p/b/$d/a /srv/p/b/out/b; echo x > /srv/p/b/out/c; sync; umount /srv/p/b; done; chmod -R a+rX /srv/p; "
    trial(g, [{**RULE, "path": "/srv/p/b/g/**", "by": {"uid": 2000}}],
          {"first": made.format(1) + "read('/srv/p/b/g/a'); " + user + "read('/srv/p/b/out/b')",
           "second": "sh('umount /srv/p/b'); " + made.format(2) + numbers + user + "read('/srv/p/b/out/b')"},
          allowed={"with one name": user + "read('/srv/p/b/out/c')"},
          prepare=setup, clean="umount /srv/p/b 2> /dev/null || :; " + CLEAN)


@row("A15b")
def test_names_of_many_bytes(g):
    """255 letters of UTF-16 are up to 765 bytes of UTF-8."""
    boot = "b'\\xeb\\x3c\\x90bailiff ' + struct.pack('<HBHBHHBHHHII3sI', 512, 1, 1, 1, 512, 2880, 0xf8, 9, 32, 2, 0, 0, " \
           "b'\\x80\\0\\x29', 1) + b'NO NAME    FAT12   '"
    g.sh(CLEAN + "; " + DIRECTORIES)
    make = f"open('/srv/image', 'wb').write(({boot}).ljust(510, b'\\0') + b'\\x55\\xaa\\xf8\\xff\\xff' + bytes(2879 * 512 - 3))"
    assert do(g, {"make": make}) == {"make": "ok"}
    if g.run(["mount", "-o", "loop,iocharset=utf8", "/srv/image", "/srv/m/o"], check=False).rc:
        g.sh(CLEAN)
        g.not_applicable("no vfat")
    names = "".join(f"echo x > /srv/p/v/{letter * 250}; " for letter in "\u20ac\u20ad") + "echo x > /srv/p/v/short; "
    trial(g, [{**RULE, "path": ["/srv/p/*/\u20ac*", "/srv/p/*/?????"]}],
          {"long": "read('/srv/p/v/' + '\u20ac' * 250)", "short": "read('/srv/p/v/short')"},
          allowed={"neighbour": "read('/srv/p/v/' + '\u20ad' * 250)"},
          prepare="mkdir -p /srv/p/v; mount --move /srv/m/o /srv/p/v 2> /dev/null || mount -o loop,iocharset=utf8 /srv/image /srv/p/v; " + names,
          clean="umount -l /srv/p/v /srv/m/o 2> /dev/null || :")
    g.sh(CLEAN)


@row("A26")
def test_encrypted_directory(g):
    """Without the key its names are what the disk has. Somebody who has gone into a directory by such a name stays there
    when the key comes."""
    setup = DIRECTORIES + image("32M", "mkfs.ext4 -qF -O encrypt", "mkdir /srv/p/e; mount -o loop /srv/image /srv/p/e")
    try:
        g.sh(setup)
        if do(g, {"probe": "encrypted_directory('/srv/p/e', '/srv/p/e/d')"}) != {"probe": "ok"}:
            g.not_applicable("this kernel encrypts no directories of ext4")
    finally:
        g.sh(CLEAN)
    inside = "os.chdir(encoded('/srv/p/e/{0}', True)); encryption_key('/srv/p/e'); "
    deed = "encrypted_directory('/srv/p/e', '/srv/p/e/{0}'); "
    trial(g, [{**RULE, "path": "/srv/p/e/*/secret/**"}, {**RULE, "id": "gone", "path": "/srv/p/e/*/gone", "access": "delete"}],
          {"file": (deed + inside).format("a") + "read('a')", "deeper": (deed + inside).format("b") + "read('dir/b')",
           "removed": deed.format("c") + "os.unlink(encoded('/srv/p/e/c', False))"},
          allowed={"with the key": deed.format("d") + "encryption_key('/srv/p/e'); open('/srv/p/e/d/free', 'w').close(); "
                                  "read('/srv/p/e/d/free'); os.unlink('/srv/p/e/d/free')"},
          prepare=setup, clean=CLEAN)


@row("A21")
def test_second_mount_of_a_device(g):
    setup = DIRECTORIES + image("16M", "mkfs.ext4 -qF", "mkdir /srv/p/e; losetup /dev/loop7 /srv/image; "
                                "mount /dev/loop7 /srv/p/e; echo x > /srv/p/e/a; mkdir /srv/p/e/d; echo x > /srv/p/e/d/a; "
                                "mount /dev/loop7 /srv/m/o")
    trial(g, [{**RULE, "path": ["/srv/p/e/a", "/srv/p/*/d/**"]}],
          {"literal": "read('/srv/m/o/a')", "tree": "read('/srv/m/o/d/a')",
           "in a namespace": "own_mounts(); sh('mount /dev/loop7 /srv/m/x'); read('/srv/m/x/a')"},
          allowed={"elsewhere": "read('/etc/passwd')"}, prepare=setup, clean=CLEAN)


@row("A20")
def test_case_folded_directory(g):
    setup = DIRECTORIES + image("16M", "mkfs.ext4 -qF -O casefold -E encoding=utf8",
                                "mkdir /srv/p/e; mount -o loop /srv/image /srv/p/e; mkdir /srv/p/e/d; "
                                "chattr +F /srv/p/e/d; echo x > /srv/p/e/d/secret; echo x > /srv/p/e/d/free")
    probe = g.run("truncate -s 16M /srv/image0 && mkfs.ext4 -qF -O casefold -E encoding=utf8 /srv/image0 && mkdir -p "
                  "/srv/m/probe && mount -o loop /srv/image0 /srv/m/probe", check=False)
    g.sh(CLEAN)
    if probe.rc:
        g.not_applicable("this kernel mounts no ext4 with case folding")
    fresh = "evict(); "
    trial(g, [{**RULE, "path": "/srv/p/e/d/secret"}],
          {"as made": "read('/srv/p/e/d/secret')", "other case": "read('/srv/p/e/d/SECRET')",
           "other case, first": fresh + "read('/srv/p/e/d/Secret')"},
          allowed={"neighbour": "read('/srv/p/e/d/FREE')"}, prepare=setup, clean=CLEAN)


@row("A22")
def test_file_system_in_user_space(g):
    """A FUSE server opens the guarded file when somebody opens another one; and a FUSE file system that is
    mounted in the guarded place is guarded."""
    g.push(PROGRAMS / "mirror.py", "/root/mirror.py")
    try:
        trial(g, [RULE],
              {"through the server": "read('/srv/m/o/file')", "in the guarded place": "read('/srv/p/f/file')"},
              allowed={"neighbour": "read('/srv/m/u/file')"},
              prepare=DIRECTORIES + "modprobe fuse; mkdir /srv/p/f; for f in p/a m/free; do echo x > /srv/$f; done; "
              "python3 /root/mirror.py /srv/p/a /srv/m/o; python3 /root/mirror.py /srv/m/free /srv/m/u; "
              "python3 /root/mirror.py /srv/m/free /srv/p/f", clean=CLEAN)
    finally:
        g.remove("/root/mirror.py")


def test_namespace_files(g):
    """Each is a root of its own: what is mounted in the guarded place is guarded, all others have no name that a
    rule could be about. systemd and ip(8) open them for whatever they start."""
    opened = "close(os.open('{}', os.O_RDONLY))".format
    trial(g, [RULE], {"mounted in the guarded place": opened("/srv/p/net"), "the same by /proc": opened("/proc/self/ns/net")},
          allowed={"by /proc": opened("/proc/self/ns/uts"), "mounted elsewhere": opened("/srv/m/ipc")},
          prepare=DIRECTORIES + "touch /srv/p/net /srv/m/ipc; mount --bind /proc/self/ns/net /srv/p/net; "
          "mount --bind /proc/self/ns/ipc /srv/m/ipc", clean=CLEAN)


NFS = "python3 /root/nfs.py "


def try_nfs(g, refused, allowed, place):
    """An export of /srv/m/x, of which a rule names one file, mounted somewhere."""
    g.push(PROGRAMS / "nfs.py", "/root/nfs.py")
    try:
        trial(g, [{**RULE, "path": ["/srv/p/**", "/srv/m/x/secret"]}], refused, allowed=allowed,
              prepare=DIRECTORIES + f"mkdir -p {place}; for f in secret free; do echo x > /srv/m/x/$f; done; "
              f"{NFS}export /srv/m/x; {NFS}mount {place}", clean=f"umount {place} || :; {NFS}stop; {CLEAN}")
    finally:
        g.remove("/root/nfs.py")


@row("A22b")
def test_nfs_server(g):
    """The kernel's server opens the guarded file for a client, and is refused it as anybody is."""
    try_nfs(g, {"by the client": "read('/srv/m/o/secret')"}, {"neighbour": "read('/srv/m/o/free')"}, "/srv/m/o")


@row("A22b")
def test_nfs_mount(g):
    """What is mounted in a guarded place is guarded, though no other file of the server's is."""
    try_nfs(g, {"read": "read('/srv/p/n/free')"}, {"at the server": "read('/srv/m/x/free')"}, "/srv/p/n")
