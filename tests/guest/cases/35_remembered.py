# SPDX-License-Identifier: Apache-2.0
"""What bailiff remembers of earlier answers never answers for somebody or something else."""

from evasion import row
from testguest import TestGuest
from trial import PROGRAMS, policy, push_program, trial

NOBODY = 4242
ADDRESS = "127.0.0.77"
PLACE = "/srv/remembered"
PROGRAM = f"{PLACE}/turncoat"
ROUNDS = 300
WANDERER = "/root/wander.py"
CHANGES = 60
LONGEST = 33  # bytes: more than a name in a dentry can have
DEEPEST = 9  # names below a place: with its own more than are looked at in one go
WORDS = (2, 7, 8, 9, 16, 17, 31, 32)  # bytes of names: about whole words, and more than a dentry can have
IS_REFUSED = """
import itertools, os, shutil, sys

place, uid, longest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def is_refused(path):
    os.seteuid(uid)
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        return True
    finally:
        os.seteuid(0)
    return False


"""
LENGTHS = IS_REFUSED + """
for n in range(1, longest + 1):
    one, other = (os.path.join(place, "d" * (n - 1) + end) for end in "dx")
    names = ["1", "2", "3", "4", "f" * (n - 1) + "x", "f" * n]
    for directory in one, other:
        os.mkdir(directory)
        for name in names:
            os.mknod(os.path.join(directory, name), 0o644)
    for turn in range(2):
        for directory in one, other:
            for name in names:
                path = os.path.join(directory, name)
                if is_refused(path) != (directory == one and name == names[-1]):
                    print("wrong:", turn, path)
        os.rename(one, place + "/aside")
        os.rename(other, one)
        os.rename(place + "/aside", other)
print("done")
"""
NESTED = IS_REFUSED + """
known = os.path.join(place, "known")
os.mkdir(known)
for name in "12345678":
    os.mknod(os.path.join(known, name), 0o644)
    if is_refused(os.path.join(known, name)):
        print("wrong:", name)
for n in range(1, longest + 1):
    right = tuple(letter * n for letter in "def")
    for names in itertools.product(*((name, name[:-1] + "x") for name in right)):
        top, low, name = names
        # Their making is known by another name of theirs.
        os.makedirs(os.path.join(place, "made", low))
        os.mknod(os.path.join(place, "made", low, name), 0o644)
        os.rename(os.path.join(place, "made"), os.path.join(known, top))
        path = os.path.join(known, top, low, name)
        for turn in range(2):
            if is_refused(path) != (names == right):
                print("wrong:", turn, path)
        shutil.rmtree(os.path.join(known, top))
print("done")
"""
WHOLE = IS_REFUSED + """
lengths = [int(n) for n in sys.argv[4:]]
for depth in range(2, longest + 1):
    for n in lengths:
        right = tuple(chr(ord("a") + i) * n for i in range(depth))
        ways = [right] + [right[:i] + (right[i][:-1] + "~",) + right[i + 1:] for i in range(depth)]
        for names in ways:
            # Their making is known by another name of the first.
            made = os.path.join(place, "made")
            os.makedirs(os.path.join(made, *names[1:-1]))
            os.mknod(os.path.join(made, *names[1:]), 0o644)
            os.rename(made, os.path.join(place, names[0]))
            path = os.path.join(place, *names)
            for turn in range(2):
                if is_refused(path) != (names == right):
                    print("wrong:", turn, path)
            shutil.rmtree(os.path.join(place, names[0]))
print("done")
"""
UNMOUNT = f"while mountpoint -q {PLACE}; do umount -l {PLACE}; done"


def test_credentials_threads_and_programs(g: TestGuest) -> None:
    """Root may, and does so until it is remembered; another user and another program may not, at
    addresses of credentials that were root's a moment ago."""
    push_program(g, "turncoat", PROGRAM, "-static", "-pthread")
    g.sh(f"cp {PROGRAM} {PROGRAM}-refused; echo secret > {PLACE}/file; chmod 755 {PLACE}; chmod 644 {PLACE}/file")
    rules = [{"id": "file", "on": "open", "path": f"{PLACE}/file", "access": "read", "by": {"uid": NOBODY},
              "action": "deny"},
             {"id": "peer", "on": "connect", "to": ADDRESS, "by": {"uid": NOBODY}, "action": "deny"},
             {"id": "program", "on": "open", "path": f"{PLACE}/file", "by": {"exe": f"{PROGRAM}-refused"},
              "action": "deny"}]
    try:
        with policy(g, *rules):
            result = g.run([PROGRAM, f"{PLACE}/file", ADDRESS, str(NOBODY), str(ROUNDS)], check=False,
                           timeout=300)
            assert result.rc == 0, result.describe()
            right = int(result.stdout.split()[1])
            # root three times, its thread three times, then as another, the child, two programs
            assert right == ROUNDS * (5 * 6 + 6 + 3), result.describe()
    finally:
        g.remove(PLACE)


@row("A2", "A13")
def test_names_that_come_without_a_rename(g: TestGuest) -> None:
    """A file that was looked at by a free name gets the guarded one by link(2), and loses the free one:
    nothing was renamed, and its inode is what it was."""
    look = "".join(f"open('{PLACE}/free').close();" for _ in range(4))
    deed = (f"{look} os.link('{PLACE}/free', '{PLACE}/g/guarded'); os.unlink('{PLACE}/free');"
            f"open('{PLACE}/g/guarded').close()")
    held = (f"f = open('{PLACE}/free'); {look} os.link('{PLACE}/free', '{PLACE}/g/guarded');"
            f"os.unlink('{PLACE}/free'); open('/proc/self/fd/%d' % f.fileno()).close(); f.close();"
            f"open('{PLACE}/g/guarded').close()")
    back = (f"{look} os.rename('{PLACE}/free', '{PLACE}/g/guarded'); open('{PLACE}/g/guarded').close()")
    rules = [{"id": "guarded", "on": "open", "path": f"{PLACE}/g/guarded", "access": "read", "action": "deny"}]
    for name, code in {"linked": deed, "held": held, "renamed": back}.items():
        trial(g, rules, {name: code}, prepare=f"mkdir -p {PLACE}/g; echo x > {PLACE}/free",
              clean=f"rm -rf {PLACE}")


@row("A12")
def test_same_path_by_way_of_another_directory(g: TestGuest) -> None:
    """A directory goes from one that is mounted elsewhere to one that is not, which takes its name, and
    the other way round: its path and its inode are what they were, and its files have other names."""
    look = f"for i in 1 2 3 4; do setpriv --reuid {NOBODY} --clear-groups cat {PLACE}/x/sub/$i 2> /dev/null || echo no; done"
    rule = {"id": "tree", "on": "open", "path": f"{PLACE}/m/**", "access": "read", "by": {"uid": NOBODY},
            "action": "deny"}
    for mounted, before, after in (("x", "no\n" * 4, ""), ("y", "", "no\n" * 4)):
        try:
            g.sh(f"mkdir -p {PLACE}/x/sub {PLACE}/y {PLACE}/m; touch {PLACE}/x/sub/1 {PLACE}/x/sub/2; "
                 f"touch {PLACE}/x/sub/3 {PLACE}/x/sub/4; mount --bind {PLACE}/{mounted} {PLACE}/m")
            with policy(g, rule):
                assert g.sh(look) == before and g.sh(look) == before
                g.sh(f"cd {PLACE}; mv x/sub y/sub; mv x z; mv y x; mv z y")
                assert g.sh(look) == after and g.sh(look) == after
        finally:
            g.sh(f"umount {PLACE}/m; rm -rf {PLACE}")


def test_names_of_all_lengths(g: TestGuest) -> None:
    """Of a directory that is remembered and of a file that is new to it, each byte counts, wherever in its
    word it is."""
    paths = [f"{PLACE}/{'d' * n}/{'f' * n}" for n in range(1, LONGEST + 1)]
    rule = {"id": "lengths", "on": "open", "path": paths, "access": "read", "by": {"uid": NOBODY}, "action": "deny"}
    try:
        g.sh(f"mkdir -p {PLACE}; chmod 755 {PLACE}")
        with policy(g, rule):
            found = g.run(["python3", "-c", LENGTHS, PLACE, str(NOBODY), str(LONGEST)], timeout=300).stdout
        assert found == "done\n", found
    finally:
        g.remove(PLACE)


def test_new_directories_in_new_ones(g: TestGuest) -> None:
    """A file's first look, where the nearest directory that is remembered is three levels above it."""
    paths = [f"{PLACE}/known/{'d' * n}/{'e' * n}/{'f' * n}" for n in range(1, LONGEST + 1)]
    rule = {"id": "nested", "on": "open", "path": paths, "access": "read", "by": {"uid": NOBODY}, "action": "deny"}
    try:
        g.sh(f"mkdir -p {PLACE}; chmod 755 {PLACE}")
        with policy(g, rule):
            found = g.run(["python3", "-c", NESTED, PLACE, str(NOBODY), str(LONGEST)], timeout=300).stdout
        assert found == "done\n", found
    finally:
        g.remove(PLACE)


def test_whole_paths_at_a_first_look(g: TestGuest) -> None:
    """Nothing of the path is known: names of all lengths that are looked up in another way, by the trie alone
    and where a pattern must read them."""
    rights = [["a" * n] + [chr(ord("a") + i) * n for i in range(1, depth)]
              for depth in range(2, DEEPEST + 1) for n in WORDS]
    literals = ["/".join([PLACE, *names]) for names in rights]
    patterns = ["/".join([PLACE, f"{names[0][:-2]}?a", *names[1:]]) for names in rights]
    for paths in literals, patterns:
        rule = {"id": "whole", "on": "open", "path": paths, "access": "read", "by": {"uid": NOBODY}, "action": "deny"}
        try:
            g.sh(f"mkdir -p {PLACE}; chmod 755 {PLACE}")
            with policy(g, rule):
                found = g.run(["python3", "-c", WHOLE, PLACE, str(NOBODY), str(DEEPEST), *map(str, WORDS)],
                              timeout=600).stdout
            assert found == "done\n", found
        finally:
            g.remove(PLACE)


@row("A12", "A14")
def test_directories_and_mounts_that_wander(g: TestGuest) -> None:
    """Directories and mounts change places at random, and names recur: every open is judged by the
    names that mountinfo gives the file at that moment."""
    rules = [{"id": name, "on": "open", "path": path, "access": "read", "by": {"uid": NOBODY}, "action": "deny"}
             for name, path in {"tree": f"{PLACE}/g/**", "deep": f"{PLACE}/**/s/x*", "one": f"{PLACE}/*/a/f?"}.items()]
    totals = [0, 0, 0]  # refused, passed, wrong
    g.push(PROGRAMS / "wander.py", WANDERER)
    g.sh(f"mkdir -p {PLACE}; mount --make-rprivate /")
    try:
        with policy(g, *rules):
            for seed, mount in {"one": "-t tmpfs -o mode=755 t", "two": f"--bind {PLACE}"}.items():
                g.sh(f"mount {mount} {PLACE}")
                result = g.run(["python3", WANDERER, PLACE, str(NOBODY), str(CHANGES), seed], check=False,
                               timeout=300)
                g.sh(UNMOUNT)
                assert result.rc == 0, result.describe()
                totals = [sum(pair) for pair in zip(totals, map(int, result.stdout.split()[-3:]))]
        assert min(totals[:2]) > CHANGES, totals
    finally:
        g.sh(f"{UNMOUNT}; rm -rf --one-file-system {PLACE}")
