#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: what is in them, hardened programs, the same bytes when they are built again, and the tool
alone by its own autopkgtest.

    deb_check.py DIRECTORY WORK     the packages, and where to build them once more
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import packages

TESTS = packages.ROOT / "packaging" / "debian" / "tests"
HARDENED = {
    "position independent": lambda elf: "Type:                              DYN" in elf,
    "bound at start": lambda elf: re.search(r"FLAGS_1.*NOW", elf),
    "relocations read-only": lambda elf: "GNU_RELRO" in elf,
    "stack not executable": lambda elf: re.search(r"GNU_STACK.*\n?.*RW +0x", elf),
    "stack protector": lambda elf: "__stack_chk_fail" in elf,
    "fortified": lambda elf: re.search(r"__\w+_chk\b", elf.replace("__stack_chk_fail", "")),
}


def check_contents(debs: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    """The tool's package has nothing that the daemon's has not, but its own documentation."""
    whole = packages.tree(packages.unpack_deb(debs["bailiff"], work / "bailiff"))
    tools = packages.tree(packages.unpack_deb(debs["bailiff-tools"], work / "tools"))
    own = {name: file for name, file in tools.items() if not name.startswith("/usr/share/doc/bailiff-tools")}
    assert "/usr/bin/bailiff" in own and "/usr/sbin/bailiffd" in whole
    assert not [name for name in own if "bailiffd" in name], "something of the daemon"
    differing = [name for name, file in own.items() if whole.get(name) != file]
    assert not differing, differing
    for name, file in {**whole, **tools}.items():
        assert not file.mode & 0o022 and not file.mode & 0o7000, f"{name} has the mode {file.mode:o}"


def check_hardened(debs: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    for program in ("usr/sbin/bailiffd", "usr/bin/bailiff"):
        elf = subprocess.run(["readelf", "--wide", "--all", work / "bailiff" / program], capture_output=True, text=True,
                             check=True).stdout
        missing = [what for what, holds in HARDENED.items() if not holds(elf)]
        assert not missing, f"{program} is not: {missing}"
        # Debian's C library has no mark of it, so the linker leaves out the one of the programs.
        if "X86-64" in elf:
            code = subprocess.run(["objdump", "-d", work / "bailiff" / program], capture_output=True, text=True, check=True)
            assert code.stdout.count("endbr64") > 100, f"{program} has no control-flow protection"


def check_symbols(debs: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    """Each program has its symbols in a package of their own, found by its build id."""
    for name, program in {"bailiff": "usr/sbin/bailiffd", "bailiff-tools": "usr/bin/bailiff"}.items():
        notes = subprocess.run(["readelf", "-n", work / name.replace("bailiff-tools", "tools") / program],
                               capture_output=True, text=True, check=True).stdout
        build_id = re.search(r"Build ID: (\w+)", notes)[1]
        symbols = packages.tree(packages.unpack_deb(debs[f"{name}-dbgsym"], work / f"{name}-dbgsym"))
        assert f"/usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug" in symbols, build_id


def check_tool(debs: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    """The autopkgtest of the tool, on what its package holds."""
    script = (TESTS / "tool").read_text().replace("/usr/share/bailiff", str(work / "tools/usr/share/bailiff"))
    scratch = work / "autopkgtest"
    scratch.mkdir()
    environment = {**os.environ, "PATH": f"{work / 'tools/usr/bin'}:{os.environ['PATH']}",
                   "AUTOPKGTEST_TMP": str(scratch)}
    subprocess.run(["sh", "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    listed = re.findall(r"^Tests: (.*)$", (TESTS / "control").read_text(), re.M)
    assert sorted(listed) == sorted(path.name for path in TESTS.iterdir() if path.name != "control"), listed


def check_again(debs: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    """Built elsewhere, by another clock's zone, language and umask, without tests: the same bytes."""
    source = packages.copy_source(work / "again" / "in-a-directory-of-another-length" / "bailiff")
    shutil.copytree(source / "packaging/debian", source / "debian")
    environment = {**os.environ, "DEB_BUILD_OPTIONS": "nocheck", "DEB_BUILD_PROFILES": "nocheck", "LC_ALL": "C.UTF-8",
                   "TZ": "Pacific/Kiritimati", "HOME": "/nonexistent"}
    subprocess.run("umask 027; exec dpkg-buildpackage -b -us -uc", shell=True, cwd=source, env=environment,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    built = {path.name: path for path in source.parent.glob("*.deb")}
    assert sorted(built) == sorted(path.name for path in debs.values()), sorted(built)
    differing = [path.name for path in debs.values() if path.read_bytes() != built[path.name].read_bytes()]
    assert not differing, f"other bytes: {differing}"


def main() -> int:
    folder, work = map(pathlib.Path, sys.argv[1:3])
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    debs = {path.name.split("_")[0]: path.resolve() for path in folder.glob("*.deb")}
    checks = [("what the packages hold", check_contents), ("programs are hardened", check_hardened),
              ("symbols for debuggers", check_symbols), ("the tool alone, by its autopkgtest", check_tool),
              ("built again, the same bytes", check_again)]
    return packages.run((name, functools.partial(check, debs, work.resolve())) for name, check in checks)


if __name__ == "__main__":
    sys.exit(main())
