#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wander.py PLACE UID ROUNDS SEED: moves directories and mounts about below PLACE, and after each change
lets a process of UID open files there. What must be refused follows from mountinfo: a file's names are
those that any mount of its file system shows it by. Prints what differs, and how many opens agreed."""

import ctypes
import errno
import os
import random
import re
import subprocess
import sys

NAMES = ["a", "g", "s", "g", "a", "name-of-16-bytes", "a-name-that-is-too-long-for-a-dentry-itself"]
FILES = ["f1", "x1"]
DEEPEST = 14
FEW = 14  # directories: few enough for names to recur, and for each to be looked at often
LOOKS = 16
SYS_RENAMEAT2, AT_FDCWD, RENAME_EXCHANGE = 316, -100, 2

libc = ctypes.CDLL(None, use_errno=True)


class Opener:
    """A process of another user that opens what it is told to."""

    def __init__(self, uid: int) -> None:
        ours, theirs = os.pipe(), os.pipe()
        if os.fork() == 0:
            os.close(ours[1])
            os.close(theirs[0])
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            with os.fdopen(ours[0]) as asked:
                for line in asked:
                    os.write(theirs[1], bytes([self._open(line.rstrip("\n"))]))
            os._exit(0)
        os.close(ours[0])
        os.close(theirs[1])
        self.ask, self.answers = ours[1], theirs[0]

    @staticmethod
    def _open(path: str) -> int:
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError as e:
            return e.errno or 255
        return 0

    def open(self, path: str) -> int:
        os.write(self.ask, path.encode() + b"\n")
        return os.read(self.answers, 1)[0]


class Mounts:
    """/proc/self/mountinfo: id -> (device, root within the file system, mount point)."""

    def __init__(self) -> None:
        self.mounts = {}
        with open("/proc/self/mountinfo") as lines:
            for line in lines:
                number, _, device, root, point = line.split()[:5]
                self.mounts[int(number)] = (device, root.rstrip("/"), point.rstrip("/"))

    def names(self, path: str) -> list[str]:
        fd = os.open(path, os.O_PATH)
        try:
            with open(f"/proc/self/fdinfo/{fd}") as info:
                number = int(next(line.split()[1] for line in info if line.startswith("mnt_id:")))
            shown = os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
        device, root, point = self.mounts[number]
        inside = root + shown[len(point):]
        return [other_point + inside[len(other_root):] for other, other_root, other_point in self.mounts.values()
                if other == device and inside.startswith(other_root + "/")]


class Wanderer:
    def __init__(self, place: str, seed: str) -> None:
        self.place = place
        self.random = random.Random(seed)
        where = re.escape(place)
        self.guarded = [re.compile(f"{where}/g/.+"), re.compile(f"{where}/(.*/)?s/x[^/]*"),
                        re.compile(f"{where}/[^/]*/a/f[^/]")]

    def directories(self) -> list[str]:
        return sorted(here for here, _, _ in os.walk(self.place) if here != self.place)

    def files(self) -> list[str]:
        return sorted(os.path.join(here, name) for here, _, names in os.walk(self.place) for name in names)

    def some(self) -> str:
        found = self.directories()
        return self.random.choice(found) if found else self.place

    def mount_points(self) -> list[str]:
        return [point for _, _, point in Mounts().mounts.values() if point.startswith(self.place + "/")]

    def fill(self, directory: str) -> None:
        for name in FILES:
            path = os.path.join(directory, name)
            if not os.path.lexists(path):
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))

    def make(self) -> None:
        above = self.random.choice([self.place, self.some()])
        for _ in range(self.random.choice([1, 1, 2, 5])):
            if above.count("/") >= DEEPEST:
                return
            above = os.path.join(above, self.random.choice(NAMES))
            os.makedirs(above, exist_ok=True)
            self.fill(above)

    def move(self) -> None:
        to = os.path.join(self.random.choice([self.place, self.some()]), self.random.choice(NAMES))
        os.rename(self.some(), to)

    def exchange(self) -> None:
        self.exchange_two(self.some(), self.some())

    @staticmethod
    def exchange_two(one: str, other: str) -> None:
        if libc.syscall(SYS_RENAMEAT2, AT_FDCWD, one.encode(), AT_FDCWD, other.encode(), RENAME_EXCHANGE):
            raise OSError(ctypes.get_errno(), "renameat2")

    def trade(self) -> None:
        """A directory goes to another one, which then takes the place of the first: the same path again,
        and the same directory at its end, but another one in between."""
        child = self.some()
        parent = os.path.dirname(child)
        device = os.stat(child).st_dev
        other = self.random.choice([d for d in self.directories() if os.stat(d).st_dev == device])
        os.rename(child, os.path.join(other, os.path.basename(child)))
        self.exchange_two(parent, other)

    def mount(self, *arguments: str) -> None:
        subprocess.run(["mount", *arguments], stderr=subprocess.DEVNULL, check=False)

    def mount_new(self) -> None:
        at = self.some()
        self.mount("-t", "tmpfs", "-o", "size=1m,mode=755", "t", at)
        for name in self.random.sample(NAMES, 2):
            os.makedirs(os.path.join(at, name), exist_ok=True)
            self.fill(os.path.join(at, name))

    def bind(self) -> None:
        self.mount("--bind", self.some(), self.some())

    def move_mount(self) -> None:
        points = self.mount_points()
        if points:
            self.mount("--move", self.random.choice(points), self.some())

    def unmount(self) -> None:
        points = self.mount_points()
        if points:
            subprocess.run(["umount", "-l", self.random.choice(points)], stderr=subprocess.DEVNULL, check=False)

    def change(self) -> str:
        """Mostly of names: what is kept of a directory goes with each change of mounts."""
        found = len(self.directories())
        if found < 4:
            deed = self.make
        elif self.random.random() < 0.2:
            few = len(self.mount_points()) < 5
            deed = self.random.choice([self.mount_new, self.bind, self.bind, self.move_mount, self.unmount]
                                      if few else [self.move_mount, self.unmount])
        elif self.random.random() < 0.3 and found < FEW:
            deed = self.make
        else:
            deed = self.random.choice([self.move, self.exchange, self.trade, self.trade])
        try:
            deed()
        except OSError as e:
            return f"{deed.__name__}: {errno.errorcode.get(e.errno or 0, e.errno)}"
        return deed.__name__

    def expected(self, names: list[str]) -> int:
        return errno.EPERM if any(rule.fullmatch(name) for rule in self.guarded for name in names) else 0


def main() -> int:
    place, uid, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    wanderer, opener = Wanderer(place, seed), Opener(uid)
    for name in NAMES:
        os.makedirs(os.path.join(place, name), exist_ok=True)
        wanderer.fill(os.path.join(place, name))
    refused = passed = wrong = 0
    last = []
    for turn in range(rounds):
        last = [*last[-4:], wanderer.change()]
        files, mounts = wanderer.files(), Mounts()
        for path in wanderer.random.sample(files, min(LOOKS, len(files))):
            names = mounts.names(path)
            expected, found = wanderer.expected(names), [opener.open(path), opener.open(path)]
            if found != [expected, expected]:
                wrong += 1
                print(f"round {turn} after {last}: {path}: {found} instead of {expected}; names {names}")
            elif expected:
                refused += 1
            else:
                passed += 1
    print(refused, passed, wrong)
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
