# SPDX-License-Identifier: Apache-2.0
"""Controls: daemons with one thing taken out, to show that a test can fail."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from guest import HERE
from testguest import TestGuest

ROOT = HERE.parent.parent
ROOMS = ("bpf-lsm", "policy", "audit", "enforcer")
REMOTE = "/root/bailiffd-control"
DAEMON = "/usr/sbin/bailiffd"
START_S = 600


@dataclasses.dataclass(frozen=True)
class Change:
    """Text of a file, and what it is replaced by."""

    name: str
    path: str
    old: str
    new: str


# A lock that never changes: labels stay valid, and walks are never made again. It is read like the real one,
# or the verifier has another program before it, which may be too large for it.
NO_GUARD = Change("no-guard", "bpf-lsm/kernel.bpf.h", "static __always_inline void bl_sequence_read(const void *lock, "
                  "__u32 *ret_value)\n{\n", "static __always_inline void bl_sequence_read(const void *lock, "
                  "__u32 *ret_value)\n{\n\tlock = &globals._pad_origins;\n")


def _compile(change: Change, target: pathlib.Path) -> None:
    """Builds the daemon of a changed copy of the sources."""
    with tempfile.TemporaryDirectory(prefix="bailiff-control-") as folder:
        copy = pathlib.Path(folder) / "source"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", "build", "dist"))
        text = (copy / change.path).read_text()
        if text.count(change.old) != 1:
            raise AssertionError(f"the control {change.name} does not fit {change.path} any more")
        (copy / change.path).write_text(text.replace(change.old, change.new))
        build = pathlib.Path(folder) / "build"
        for command in (["meson", "setup", build, copy], ["ninja", "-C", build, "bailiffd"]):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                raise AssertionError(f"{command[0]} fails for the control {change.name}:\n{done.stdout[-2000:]}")
        shutil.copy(build / "bailiffd", target)


def build(change: Change) -> pathlib.Path:
    """The changed daemon; the suites of one run share it."""
    folder = ROOT / "build" / "controls"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / change.name
    newest = max(path.stat().st_mtime for name in ROOMS for path in (ROOT / name).glob("*.[ch]"))
    with open(folder / f"{change.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists() or target.stat().st_mtime < newest:
            _compile(change, target)
    return target


@contextlib.contextmanager
def daemon(g: TestGuest, change: Change) -> Iterator[None]:
    """The changed daemon runs in place of the installed one."""
    g.push(build(change), REMOTE)
    try:
        g.sh(f"mount --bind {REMOTE} {DAEMON}; systemctl restart bailiffd", timeout=START_S)
        yield
    finally:
        g.sh(f"systemctl stop bailiffd; umount {DAEMON}; systemctl start bailiffd", timeout=START_S)
        g.remove(REMOTE)
