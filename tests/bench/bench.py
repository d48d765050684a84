# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: building, guests, tables."""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, os.fspath(ROOT / "tests" / "guest"))

import guest  # noqa: E402  its folder is known only now
from testguest import TestGuest  # noqa: E402

SUITES = guest.SUITES
POLICY_FILE = "/etc/bailiff/policy.d/benchmark.json"
# By the guest's clock; the host waits longer. A busy host emulates slowly.
PATIENCE_S = 900


class BenchError(Exception):
    """A benchmark could not be run; the text says why."""


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(f"  ... {text}", file=sys.stderr, flush=True)


def commit() -> str:
    described = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "describe", "--always",
                                "--dirty"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return described.stdout.strip() or "(no git)"


def table(heads: list[str], rows: list[list[str]]) -> None:
    """Prints a table: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())
    sys.stdout.flush()


def bar(value: float, limit: float) -> str:
    return f"{'met' if value <= limit else 'NOT MET'} ({limit:,.0f})"


# ---- building --------------------------------------------------------------------------------


def compile_c(source: str, target: pathlib.Path, *options: str) -> pathlib.Path:
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-o",
                    target, HERE / source, *options], check=True)
    return target


def compile_bpf(source: str, target: pathlib.Path) -> pathlib.Path:
    machine = os.uname().machine
    subprocess.run(["clang", "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", "-idirafter",
                    f"/usr/include/{machine}-linux-gnu", "-c", HERE / source, "-o", target], check=True)
    return target


def deb(args: argparse.Namespace) -> pathlib.Path:
    """The package that was asked for, or that of the sources as they are."""
    if args.deb:
        return pathlib.Path(args.deb).resolve()
    say("building the package")
    environment = dict(os.environ, DEB_BUILD_OPTIONS="nocheck", DEB_BUILD_PROFILES="nocheck")
    built = subprocess.run([ROOT / "dev", "deb"], env=environment, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    found = sorted((ROOT / "dist").glob("bailiff_*.deb"))
    if built.returncode != 0 or not found:
        raise BenchError(f"the package could not be built:\n{built.stdout}")
    return found[-1]


def program(args: argparse.Namespace, name: str) -> pathlib.Path:
    """A program of the build directory."""
    for path in sorted(pathlib.Path(args.build).rglob(name)):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise BenchError(f"{args.build} has no '{name}': ./dev build makes it")


# ---- guests ----------------------------------------------------------------------------------


@contextlib.contextmanager
def running_guest(args: argparse.Namespace, suite: str, icount: bool) -> Iterator[TestGuest]:
    """A guest with one processor of its own, thrown away at the end."""
    g = TestGuest(f"bench-{os.getpid()}-{suite}")
    say(f"{suite}: starting a guest" + (" that counts instructions" if icount else ""))
    try:
        g.start(guest.Options(suite, memory=2048, icount=icount))
        yield g
    except (guest.GuestError, guest.CommandFailed, TimeoutError) as error:
        raise BenchError(str(error)) from error
    finally:
        if args.keep:
            say(f"{suite}: the guest {g.name} is left running")
        else:
            g.stop()


def install(g: TestGuest, package: pathlib.Path) -> None:
    """Installs bailiff without the shipped rules: the policy is the benchmark's alone."""
    g.install([package], rules=False)
    if g.run(["systemctl", "is-active", "bailiffd"], check=False).rc != 0:
        journal = g.run(["journalctl", "-u", "bailiffd", "--no-pager", "-n", "10"], check=False)
        raise BenchError(f"the daemon does not run in {g.name}:\n{journal.stdout}")


def load(g: TestGuest, policy: pathlib.Path) -> str:
    """Puts a policy file in force; returns what the tool says of it."""
    g.push(policy, POLICY_FILE)
    return g.run(["bailiff", "reload"], timeout=PATIENCE_S).stdout.strip()


@contextlib.contextmanager
def work_directory() -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory(prefix="bailiff-bench-") as name:
        yield pathlib.Path(name)
