# SPDX-License-Identifier: Apache-2.0
"""open: every call that reads, changes, makes or removes what a path names."""

from evasion import row
from trial import check_fields, trial

PREPARE = """
mkdir -p /srv/o/g/dir /srv/o/g/listed /srv/o/g/empty /srv/o/out/dir
for f in a b c d e f h; do echo $f > /srv/o/g/$f; done
echo x > /srv/o/out/a; echo x > /srv/o/out/b; echo y > /srv/o/out/c
cp /bin/dash /srv/o/shell
"""
CLEAN = "chattr -i /srv/o/g/a 2> /dev/null || :; rm -rf /srv/o"


def deny(access=None, path="/srv/o/g/**", rule="open", **more):
    return {"id": rule, "on": "open", "path": path, "action": "deny", **({"access": access} if access else {}),
            **more}


def try_it(g, rules, refused, allowed=None, **more):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE, clean=CLEAN, **more)


READ = {"read": "read('/srv/o/g/a')", "list": "os.listdir('/srv/o/g/listed')"}
WRITE = {"write": "write('/srv/o/g/b')", "truncate": "os.truncate('/srv/o/g/b', 0)",
         "O_TRUNC": "close(os.open('/srv/o/g/b', os.O_WRONLY | os.O_TRUNC))",
         "append": "close(os.open('/srv/o/g/b', os.O_WRONLY | os.O_APPEND))"}
CREATE = {"create": "close(os.open('/srv/o/g/new', os.O_CREAT | os.O_RDONLY))",
          "mkdir": "os.mkdir('/srv/o/g/newdir')", "mknod": "os.mknod('/srv/o/g/newnod', stat.S_IFIFO | 0o600)",
          "symlink": "os.symlink('a', '/srv/o/g/newlink')", "link in": "os.link('/srv/o/out/a', '/srv/o/g/linked')",
          "rename in": "os.rename('/srv/o/out/b', '/srv/o/g/renamed')",
          "bind": "socket.socket(socket.AF_UNIX).bind('/srv/o/g/socket')"}
DELETE = {"unlink": "os.unlink('/srv/o/g/c')", "rmdir": "os.rmdir('/srv/o/g/empty')",
          "rename out": "os.rename('/srv/o/g/d', '/srv/o/out/d')",
          "rename a directory": "os.rename('/srv/o/g/dir', '/srv/o/out/moved')"}
ATTRIBUTES = {"chmod": "os.chmod('/srv/o/g/e', 0o700)", "chown": "os.chown('/srv/o/g/e', 1, 1)",
              "utimes": "os.utime('/srv/o/g/e', (1, 1))", "fchmod": "os.fchmod(os.open('/srv/o/g/e', 0), 0o600)",
              "setxattr": "os.setxattr('/srv/o/g/e', 'user.x', b'y')", "touch": "os.utime('/srv/o/g/e')",
              "chattr": "sh('chattr +i /srv/o/g/a')"}


def test_read(g):
    found = try_it(g, [deny("read", severity="info")], READ, {**WRITE, "other": "read('/srv/o/out/a')"})
    check_fields(found[0], verdict="deny", on="open", access="read", path="/srv/o/g/a", hook="file_open",
                 filesystem="host", object_mode="0100644", object_owner="0", severity="info")
    assert found[0]["PRIORITY"] == "5" and found[0]["MESSAGE_ID"] == "2c5cc0dcd90b4b43a1990b24cde9d801"


@row("C1")
def test_write(g):
    both = {"O_RDONLY and O_TRUNC": "close(os.open('/srv/o/g/b', os.O_RDONLY | os.O_TRUNC))"}
    found = try_it(g, [deny("write")], {**WRITE, **both}, {**READ, "chmod": ATTRIBUTES["chmod"], "mkdir": CREATE["mkdir"],
                                                 "unlink": DELETE["unlink"]})
    accesses = [event["BAILIFF_ACCESS"] for event in found]
    assert accesses == ["write"] * 4 + ["read,write"], accesses


@row("C3", "C4", "C5")
def test_create(g):
    found = try_it(g, [deny("create")], CREATE, {**READ, **WRITE, "unlink": DELETE["unlink"],
                                                   "out": "os.mkdir('/srv/o/out/newdir')"})
    assert {event["BAILIFF_HOOK"] for event in found} >= \
        {"inode_create", "inode_mkdir", "inode_mknod", "inode_symlink", "inode_link", "inode_rename"}, found


@row("C5")
def test_delete(g):
    found = try_it(g, [deny("delete")], DELETE, {**READ, **WRITE, "mkdir": CREATE["mkdir"]})
    assert {event["BAILIFF_HOOK"] for event in found} >= {"inode_unlink", "inode_rmdir", "inode_rename"}, found


@row("C6")
def test_attributes(g):
    try_it(g, [deny("attributes")], ATTRIBUTES, {**READ, **WRITE, "unlink": DELETE["unlink"]})


def test_modify_is_all_but_read(g):
    try_it(g, [deny("modify")], {**WRITE, **CREATE, **DELETE, **ATTRIBUTES}, READ)


def test_no_access_word_is_any(g):
    try_it(g, [deny()], {**READ, **WRITE, **CREATE, **DELETE})


ACL = "struct.pack('<I' + 'HHI' * 5, 2, 1, 6, 2**32 - 1, 2, 4, 1000, 4, 4, 2**32 - 1, 16, 6, 2**32 - 1, " \
      "32, 4, 2**32 - 1)"


@row("C6", "E5")
def test_acl(g):
    """
    Before 6.2 an access control list is an extended attribute to the kernel as well; since then it has
    hooks of its own, and those of extended attributes are not asked.
    """
    name = "'system.posix_acl_access'"
    has = "\nassert os.getxattr({0}, 'system.posix_acl_access')"
    refused = {"set": f"os.setxattr('/srv/o/g/e', {name}, {ACL})" + has.format("'/srv/o/g/e'"),
               "set by descriptor": f"os.setxattr(os.open('/srv/o/g/f', 0), {name}, {ACL})" + has.format("'/srv/o/g/f'"),
               "default": f"os.setxattr('/srv/o/g/dir', 'system.posix_acl_default', {ACL})",
               "set as before": f"os.setxattr('/srv/o/g/h', {name}, {ACL}, os.XATTR_REPLACE)",
               "setxattrat": f"setxattrat('/srv/o/g/b', {name}, {ACL})",
               "remove": f"os.removexattr('/srv/o/g/a', {name})",
               "remove by descriptor": f"os.removexattr(os.open('/srv/o/g/c', 0), {name})",
               "remove by an empty one": f"os.setxattr('/srv/o/g/d', {name}, struct.pack('<I', 2))"}
    listed = "a c d h"
    g.write("/root/acl.py", "import os, struct, sys\nfor path in sys.argv[1:]:\n"
                            f"    os.setxattr(path, {name}, {ACL})\n")
    found = trial(g, [deny("attributes")], refused, clean=CLEAN,
                  allowed={**READ, "out": f"os.setxattr('/srv/o/out/a', {name}, {ACL})",
                           "remove, out": f"os.removexattr('/srv/o/out/b', {name})",
                           "get": f"os.getxattr('/srv/o/g/h', {name})"},
                  prepare=PREPARE + f"cd /srv/o/g; python3 /root/acl.py {listed} ../out/b")
    for event in found:
        check_fields(event, access="attributes", comm="python3", uid="0")
    assert {event["BAILIFF_PATH"] for event in found} >= {f"/srv/o/g/{name}" for name in "acdefh"} | {"/srv/o/g/dir"}
    g.remove("/root/acl.py")


@row("A11", "A2", "C3")
def test_rename_takes_no_name_away(g):
    """What a rule on the old name refuses can't be had by another name."""
    try_it(g, [deny("read", path=["/srv/o/g/a", "/srv/o/g/c"]), deny("delete", path="/srv/o/g/b", rule="delete"),
               deny("create", path="/srv/o/g/new", rule="create")],
           {"rename": "os.rename('/srv/o/g/a', '/srv/o/out/x')", "link": "os.link('/srv/o/g/c', '/srv/o/out/y')",
            "over": "os.rename('/srv/o/out/a', '/srv/o/g/b')", "to": "os.rename('/srv/o/out/b', '/srv/o/g/new')",
            "exchange": "exchange('/srv/o/out/c', '/srv/o/g/b')",
            "exchange, other way": "exchange('/srv/o/g/b', '/srv/o/out/c')"})


@row("A1", "A3", "A4", "A5", "A6", "E5")
def test_other_spellings(g):
    found = try_it(
        g, [deny("read", path="/srv/o/g/a")],
        {"..": "read('/srv/o/out/../g/a')", "//": "read('//srv///o//g/a')", "root": "read('/proc/self/root/srv/o/g/a')",
         "link": "os.symlink('/srv/o/g', '/srv/o/out/l'); read('/srv/o/out/l/a')",
         "relative": "os.chdir('/srv/o/out/dir'); read('../../g/a')",
         "O_PATH": "through_path_fd('/srv/o/g/a')", "openat2": "openat2('/srv/o/g/a')",
         "openat2, in root": "os.chdir('/'); openat2('/srv/o/g/a', 0x10)", "chroot": "chrooted('/srv/o', '/g/a')",
         "namespace": "sh('unshare -m cat /srv/o/g/a')",
         "bind mount": "sh('unshare -m sh -c \"mount --bind /srv/o/g /srv/o/out/dir && cat /srv/o/out/dir/a\"')",
         "user namespace": "sh('setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Urm "
                           "sh -c \"mount --bind /srv/o/g /srv/o/out && cat /srv/o/out/a\"')",
         "openat2, no links": "openat2('/srv/o/g/a', 0x4)"},
        {"neighbour": "read('/srv/o/g/b')", "same name": "read('/srv/o/out/a')",
         "its namespace": "sh('unshare -m sh -c \"mount --bind /srv/o/g /srv/o/out/dir && cat /srv/o/out/dir/b\"')"})
    assert {event["BAILIFF_PATH"] for event in found} == {"/srv/o/g/a"}, found


@row("G1", "G2")
def test_hostile_names(g):
    names = {"newline": "/srv/o/g/new\\nline", "quotes": "/srv/o/g/quo\"te", "not utf-8": "/srv/o/g/\\xff\\xfe",
             "long": "/srv/o/g/" + "n" * 255}
    deeds = {name: f"close(os.open({path!r}.encode().decode('unicode_escape').encode('latin-1'), os.O_CREAT))"
             for name, path in names.items()}
    found = try_it(g, [deny("create", path=["/srv/o/g/new\nline", "/srv/o/g/quo\"te", "/srv/o/g/\\xff\\xfe",
                                            "/srv/o/g/" + "n" * 255])], deeds,
                   {"another": "close(os.open(b'/srv/o/g/\\xff\\xfd', os.O_CREAT))"})
    assert [event["BAILIFF_PATH"] for event in found] == \
        ["/srv/o/g/new\\x0aline", "/srv/o/g/quo\\\"te", "/srv/o/g/\\xff\\xfe", "/srv/o/g/" + "n" * 255], found
    assert found[2]["BAILIFF_PATH_HEX"] == b"/srv/o/g/\xff\xfe".hex(), found[2]
    assert "\n" not in found[0]["MESSAGE"]


def test_what_has_no_name_is_not_touched(g):
    everything = {"id": "all", "on": "open", "path": "/srv/o/g/**", "action": "deny"}
    try_it(g, [everything], {"file": "read('/srv/o/g/a')"},
           {"memfd": "f = os.memfd_create('x'); read(f'/proc/self/fd/{f}')",
            "pipe": "os.write(os.pipe()[1], b'x')", "socket": "a, b = socket.socketpair(); a.send(b'x')",
            "null": "write('/dev/null')", "proc": "read('/proc/self/status')"})


def test_who(g):
    try_it(g, [deny("read", path="/srv/o/g/a", unless={"by": {"exe": "/srv/o/shell"}}),
               deny("read", path="/srv/o/g/b", rule="uid", by={"uid": 1000})],
           {"exe": "read('/srv/o/g/a')", "uid": "as_user(1000, 1000, [], lambda: read('/srv/o/g/b'))"},
           {"excepted": "sh('/srv/o/shell -c \"read x < /srv/o/g/a\"')", "root": "read('/srv/o/g/b')"})
