# SPDX-License-Identifier: Apache-2.0
"""What the tests of packages share: the files of one, and test points."""

import dataclasses
import gzip
import hashlib
import os
import pathlib
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class File:
    kind: str  # file, directory, link
    mode: int
    digest: str  # of a file what it holds, of a link where it leads
    elf: bool


def _file(path: pathlib.Path) -> File:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return File("link", 0, os.readlink(path), False)
    if stat.S_ISDIR(status.st_mode):
        return File("directory", mode, "", False)
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return File("file", mode, hashlib.sha256(content).hexdigest(), content.startswith(b"\x7fELF"))


def tree(root: pathlib.Path) -> dict[str, File]:
    """All below a directory by their paths; what is compressed is called as what is in it."""
    return {"/" + str(path.relative_to(root)).removesuffix(".gz"): _file(path) for path in sorted(root.rglob("*"))}


def unpack_deb(deb: pathlib.Path, to: pathlib.Path) -> pathlib.Path:
    subprocess.run(["dpkg-deb", "--extract", deb, to], check=True)
    return to


def unpack_rpm(rpm: pathlib.Path, to: pathlib.Path) -> pathlib.Path:
    to.mkdir(exist_ok=True)
    with subprocess.Popen(["rpm2cpio", rpm], stdout=subprocess.PIPE) as cpio:
        subprocess.run(["cpio", "--quiet", "-idm"], cwd=to, stdin=cpio.stdout, check=True)
    return to


def source_files() -> list[str]:
    """The committed files as they are now, and new ones that are not ignored."""
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy_source(to: pathlib.Path) -> pathlib.Path:
    to.mkdir(parents=True)
    packed = subprocess.run(["tar", "-C", ROOT, "-c", "--null", "-T", "-"], input="\0".join(source_files()).encode(),
                            stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "-C", to], input=packed, check=True)
    return to


def run(checks: Iterable[tuple[str, Callable[[], None]]]) -> int:
    """Prints a test point for each; returns an exit code."""
    checks = list(checks)
    failed = 0
    print(f"1..{len(checks)}")
    for number, (name, check) in enumerate(checks, 1):
        try:
            check()
            print(f"ok {number} - {name}", flush=True)
        except (AssertionError, OSError, subprocess.CalledProcessError) as error:
            output = getattr(error, "stdout", None) or ""
            text = f"{error}\n{output if isinstance(output, str) else output.decode(errors='replace')}"
            print("\n".join("# " + line for line in text.splitlines()[-40:]), file=sys.stdout)
            print(f"not ok {number} - {name}", flush=True)
            failed += 1
    return 1 if failed else 0
