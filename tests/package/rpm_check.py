#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The RPM packages, built here with macros of ours: held against the .deb file by file, installed into an empty root
and verified, rpmlint, and the SELinux module.

    rpm_check.py DIRECTORY WORK     the .deb, and where to build
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import packages

RPM = packages.ROOT / "packaging" / "rpm"
ROOTED = ("bailiff", "bailiff-tools", "bailiff-selinux")


def version() -> str:
    return re.search(r"^  version: '(.*)',$", (packages.ROOT / "meson.build").read_text(), re.M)[1]


def check_builds(folder: pathlib.Path, work: pathlib.Path) -> None:
    spec = (RPM / "bailiff.spec").read_text()
    assert re.search(r"^Version: +(.*)$", spec, re.M)[1] == version(), "the spec's version is not meson.build's"
    name = f"bailiff-{version()}"
    packages.copy_source(work / "source" / name)
    (work / "SOURCES").mkdir()
    subprocess.run(["tar", "-czf", work / "SOURCES" / f"{name}.tar.gz", "-C", work / "source", name], check=True)
    # What it needs to be built is there by Debian's names.
    subprocess.run(["rpmbuild", "-bb", "--nodeps", f"--load={RPM / 'macros.debian'}", "--define", f"_topdir {work}",
                    RPM / "bailiff.spec"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    assert sorted(rpms(work)) == sorted(ROOTED), sorted(rpms(work))


def rpms(work: pathlib.Path) -> dict[str, pathlib.Path]:
    return {path.name.split(f"-{version()}")[0]: path for path in work.glob("RPMS/*/*.rpm")}


def _of_deb(name: str) -> str | None:
    """Where an RPM has what is there in the .deb; None: it is Debian's own."""
    if re.match(r"/usr/share/(lintian|doc/bailiff/(copyright|changelog))", name):
        return None
    name = re.sub(r"^/lib/", "/usr/lib/", name)
    return name.replace("/zsh/vendor-completions", "/zsh/site-functions")


def check_contents(folder: pathlib.Path, work: pathlib.Path) -> None:
    """The daemon's and the tool's package together hold what the .deb does; programs are compiled by other flags."""
    deb = packages.tree(packages.unpack_deb(next(folder.glob("bailiff_*.deb")), work / "deb"))
    wanted = {renamed: file for name, file in deb.items() if (renamed := _of_deb(name))}
    found = {}
    for name in ("bailiff", "bailiff-tools"):
        found.update(packages.tree(packages.unpack_rpm(rpms(work)[name], work / "unpacked")))
    found = {name: file for name, file in found.items() if not name.startswith("/usr/share/licenses")}
    files = {name for name, file in wanted.items() if file.kind != "directory"}
    others = {name for name, file in found.items() if file.kind != "directory"}
    assert files == others, f"only in the .deb: {sorted(files - others)}; only in the .rpm: {sorted(others - files)}"
    for name in sorted(files | {"/etc/bailiff", "/etc/bailiff/policy.d"}):
        same = found[name].mode == wanted[name].mode and found[name].kind == wanted[name].kind
        assert same, f"{name}: {found[name]}, not {wanted[name]}"
        assert wanted[name].elf or found[name].digest == wanted[name].digest, f"{name} holds something else"


def _rpm(root: pathlib.Path, *args: str | pathlib.Path, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(["rpm", "--root", root, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=check)


def check_installs(folder: pathlib.Path, work: pathlib.Path) -> None:
    """Into an empty root, which has neither a shell for scripts nor libraries; what was changed is told."""
    root = work / "root"
    root.mkdir()
    _rpm(root, "--initdb")
    # The tool alone has none of the daemon; the daemon wants the tool of this very build.
    assert "bailiff-tools(" in _rpm(root, "-qp", "--requires", rpms(work)["bailiff"]).stdout
    _rpm(root, "-i", "--nodeps", "--noscripts", rpms(work)["bailiff-tools"])
    assert (root / "usr/bin/bailiff").exists() and not list(root.rglob("*bailiffd*"))
    _rpm(root, "-i", "--nodeps", "--noscripts", rpms(work)["bailiff"], rpms(work)["bailiff-selinux"])
    for name in ROOTED:
        done = _rpm(root, "-V", "--nodeps", name, check=False)
        assert done.returncode == 0 and not done.stdout, done.stdout
    changed = root / "usr/share/bailiff/policy.d/50-base.json"
    changed.write_text("{}")
    assert "50-base.json" in _rpm(root, "-V", "--nodeps", "bailiff-tools", check=False).stdout
    configuration = _rpm(root, "-q", "--configfiles", "bailiff").stdout.split()
    assert configuration == ["/etc/bailiff/bailiff.conf"], configuration
    (root / "etc/bailiff/policy.d/mine.json").write_text("{}")
    _rpm(root, "-e", "--noscripts", *ROOTED)
    left = [str(path.relative_to(root)) for path in root.rglob("*bailiff*") if "/rpm/" not in str(path)]
    assert left == ["etc/bailiff"], f"left: {left}"


def check_lint(folder: pathlib.Path, work: pathlib.Path) -> None:
    done = subprocess.run(["rpmlint", "-c", RPM / "rpmlint.toml", *rpms(work).values(), RPM / "bailiff.spec"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0 and " 0 errors, 0 warnings" in done.stdout, done.stdout


def check_scripts(folder: pathlib.Path, work: pathlib.Path) -> None:
    """The shell reads what the macros make of the scripts."""
    for name, path in rpms(work).items():
        text = subprocess.run(["rpm", "-qp", "--scripts", path], capture_output=True, text=True, check=True).stdout
        assert "%" not in text, f"a macro that nobody defines: {text}"
        parts = re.split(r"^\w+ scriptlet \(using /bin/sh\):$", text, flags=re.M)[1:]
        assert bool(parts) == (name != "bailiff-tools"), path.name
        for part in parts:
            subprocess.run(["sh", "-n", "-c", part], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)


def check_module(folder: pathlib.Path, work: pathlib.Path) -> None:
    """The SELinux module is one that the tools can take apart, with the domain and the places of its files."""
    unpacked = packages.unpack_rpm(rpms(work)["bailiff-selinux"], work / "selinux")
    packed = next(unpacked.rglob("bailiff.pp.bz2"))
    subprocess.run(["bunzip2", "-k", packed], check=True)
    module, contexts = work / "bailiff.mod", work / "bailiff.fc"
    subprocess.run(["semodule_unpackage", packed.with_suffix(""), module, contexts], check=True)
    assert b"bailiffd_t" in module.read_bytes()
    assert re.search(r"^/usr/sbin/bailiffd\s+--\s+\S*:bailiffd_exec_t:", contexts.read_text(), re.M)


def main() -> int:
    folder, work = (pathlib.Path(os.path.abspath(name)) for name in sys.argv[1:3])
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    checks = [("builds with rpmbuild", check_builds), ("holds what the .deb holds", check_contents),
              ("installs into an empty root, verified", check_installs), ("scripts", check_scripts),
              ("rpmlint", check_lint), ("SELinux module", check_module)]
    return packages.run((name, functools.partial(check, folder, work)) for name, check in checks)


if __name__ == "__main__":
    sys.exit(main())
