# SPDX-License-Identifier: Apache-2.0
"""Subvolumes of btrfs, which are made, removed and read by ioctls that ask no security module."""

from evasion import row
from trial import check_fields, trial

PREPARE = """
modprobe -a loop btrfs; mkdir -p /srv/b /srv/c
for m in b c; do truncate -s 120M /srv/image-$m; mkfs.btrfs -q /srv/image-$m 2> /dev/null; mount -o loop /srv/image-$m /srv/$m; done
mkdir -p /srv/b/g /srv/b/out /srv/b/free /srv/c/out; chmod 777 /srv/b/g /srv/b/free
for s in s g/one g/two g/three g/flags out/one out/two out/three out/full free/flags free/ro; do btrfs -q subvolume create /srv/b/$s; done
btrfs -q subvolume create /srv/c/s; mkdir /srv/b/out/full/secret; echo SECRET > /srv/b/out/full/secret/a
chmod 777 /srv/b/g/flags /srv/b/free/flags
mkdir -p /srv/b/free/ro; echo SECRET > /srv/b/free/ro/a; btrfs property set /srv/b/free/ro ro true
"""
CLEAN = "umount /srv/b /srv/c 2> /dev/null || :; rm -rf /srv/b /srv/c /srv/image-?"
SEALED = "btrfs property set /srv/b/out/full ro true"


def deny(path, access, rule):
    return {"id": rule, "on": "open", "path": path, "access": access, "action": "deny"}


@row("C5b")
def test_subvolumes_are_made_and_removed(g):
    """By the name that is given, in a directory that is open to be read; also by their numbers, by which root removes any."""
    rules = [deny("/srv/b/g/**", ["create", "delete"], "tree"), deny("/srv/b/out/literal", "create", "literal"),
             deny("/srv/b/out/full/secret/**", "write", "inside"), deny("/srv/b/g/flags", "attributes", "flags")]
    make = "subvolume_call(SUBVOLUME{}, '/srv/b/{}', '{}')".format
    snap = "snapshot(SNAPSHOT{}, '/srv/b/s', '/srv/b/{}', '{}')".format
    gone = "subvolume_call(DESTROY{}, '/srv/b/{}', '{}')".format
    number = "subvolume_call(DESTROY_2, '/srv/b', subvolume_id('/srv/b/{}'), flags=BY_ID)".format
    found = trial(
        g, rules,
        {"made": make("", "g", "a"), "made, v2": make("_2", "g", "b"), "snapshot": snap("", "g", "c"), "snapshot, v2": snap("_2", "g", "d"),
         "a user's": f"as_user(1000, 1000, [], lambda: {make('', 'g', 'e')})", "literal": make("", "out", "literal"),
         "removed": gone("", "g", "one"), "removed, v2": gone("_2", "g", "two"), "by number": number("g/three"),
         "with what is in it": gone("", "out", "full"), "flags": "by_number(SET_FLAGS, '/srv/b/g/flags', 2)",
         "default": "by_number(SET_DEFAULT, '/srv/b', subvolume_id('/srv/b/s'))"},
        allowed={"made, other": make("", "out", "a"), "made, other, v2": make("_2", "out", "b"), "snapshot, other": snap("", "out", "c"),
                 "snapshot, other, v2": snap("_2", "out", "d"), "a user's, other": f"as_user(1000, 1000, [], lambda: {make('', 'free', 'e')})",
                 "removed, other": gone("", "out", "one"), "removed, other, v2": gone("_2", "out", "two"),
                 "flags, other": "by_number(SET_FLAGS, '/srv/b/free/flags', 2)",
                 "default, other": "by_number(SET_DEFAULT, '/srv/c', subvolume_id('/srv/c/s'))"},
        prepare=PREPARE, clean=CLEAN)
    for event in found:
        check_fields(event, on="open", hook="file_ioctl", verdict="deny")
    paths = {(event["BAILIFF_PATH"], event["BAILIFF_ACCESS"]) for event in found}
    assert paths >= {("/srv/b/g/a", "create"), ("/srv/b/g/d", "create"), ("/srv/b/out/literal", "create"),
                     ("/srv/b/g/one", "delete"), ("/srv/b/out/full", "delete"), ("/srv/b/g/flags", "attributes")}, paths


@row("C5b", "E1")
def test_name_that_another_thread_rewrites(g):
    """The kernel reads the name once more: where it may be another by then, it counts as any in that directory."""
    trial(g, [deny("/srv/b/out/literal", "create", "literal")],
          {"threads": "subvolume_of_threads('/srv/b/out', 'literal', 'other')"},
          allowed={"threads, other": "subvolume_of_threads('/srv/b/free', 'literal', 'other')",
                   "one thread": "subvolume_call(SUBVOLUME, '/srv/b/out', 'other')"}, prepare=PREPARE, clean=CLEAN)


@row("C10c")
def test_subvolume_that_is_sent(g):
    """The kernel reads all files of a read-only subvolume for whoever asks it to send that."""
    trial(g, [deny("/srv/b/out/full/secret/a", "read", "secret")],
          {"front door": "read('/srv/b/out/full/secret/a')", "sent": "send_subvolume('/srv/b/out/full', b'SECRET')"},
          allowed={"other": "send_subvolume('/srv/b/free/ro', b'SECRET')"}, prepare=PREPARE + SEALED, clean=CLEAN)


@row("C10b")
def test_snapshot_of_guarded_files(g):
    """It has all of a subvolume's files by names that no rule knows, and nobody has opened them for it. Also of what is above
    them, also where others own the files; with several threads the kernel may look at another subvolume than the hook."""
    read = "; read('/srv/b/free/{}/secret/a')".format
    snap = "snapshot(SNAPSHOT{}, '/srv/b/out/full', '/srv/b/free', '{}')".format
    user = "as_user(1000, 1000, [], lambda: {})".format
    nested = "snapshot(SNAPSHOT, '/srv/b/free/ro', '/srv/b/free', '{}'); read('/srv/b/free/{}/a')".format
    prepare = PREPARE + "chown 1000 /srv/b/out/full; chmod 755 /srv/b/out /srv/b/out/full; "
    trial(g, [deny("/srv/b/out/full/secret/a", "read", "secret")],
          {"snapshot": snap("", "a") + read("a"), "snapshot, v2": snap("_2", "b") + read("b"),
           "a user's": user(snap("", "c")) + read("c"),
           "threads": "snapshot_of_threads('/srv/b/out/full', '/srv/b/free', 'd')" + read("d")},
          allowed={"other": nested("e", "e"), "neighbour": "snapshot(SNAPSHOT, '/srv/b/out/one', '/srv/b/free', 'f')"},
          prepare=prepare, clean=CLEAN)
    trial(g, [deny("/srv/b/out/*/secret/*", "read", "pattern")], {"pattern": snap("", "a") + read("a")},
          allowed={"another file system": "snapshot(SNAPSHOT, '/srv/c/s', '/srv/c/out', 'f')"}, prepare=prepare, clean=CLEAN)


@row("C10d")
def test_trees_that_are_searched(g):
    """Small files are in the trees of a btrfs, through which root may look without opening any."""
    trial(g, [deny("/srv/b/out/full/secret/a", "read", "secret")],
          {"of a subvolume": "search_tree('/srv/b/out/full', 0, b'SECRET')",
           "by number": "search_tree('/srv/b', subvolume_id('/srv/b/out/full'), b'SECRET')"},
          allowed={"of roots": "search_tree('/srv/b', 1)", "of quotas": "search_tree('/srv/b', 9)"},
          prepare=PREPARE + "sync; ", clean=CLEAN)
