# SPDX-License-Identifier: Apache-2.0
"""hooks: what each hook costs an operation that no rule is about, and that one which no rule needs
costs nothing."""

import argparse
import json
import pathlib
from typing import Any

import bench
import policies
from testguest import TestGuest

PROGRAM = "/root/hooks"
PLACE = policies.DIR + "/hooks"
NONE, ALL, SUBJECT, DESCENT = "none", "every hook", "subjects", "ancestors"

OPENS = [{"id": "open", "on": "open", "path": "/srv/elsewhere/**", "action": "deny"}]
EXECS = [{"id": "exec", "on": "exec", "path": "/srv/elsewhere/**", "action": "deny"}]
ARGUMENTS = [{"id": "arguments", "on": "exec", "path": "/srv/elsewhere/x", "args": "-x", "action": "kill"}]
SUBJECTS = [{"id": "subject", "on": "open", "path": "/srv/elsewhere/y", "by": {"exe": "/srv/elsewhere/z"},
             "action": "deny"}]
EXCEPTIONS = [{"id": "exception", "on": "open", "path": "/srv/elsewhere/e", "unless": {"by": {"exe": "/srv/elsewhere/z"}},
               "action": "deny"}]
ANCESTORS = [{"id": "ancestor", "on": "open", "path": "/srv/elsewhere/a", "by": {"ancestor": "/srv/elsewhere/z"},
              "action": "deny"}]
CONNECTS = [{"id": "address", "on": "connect", "to": "192.0.2.1", "action": "deny"},
            {"id": "socket", "on": "connect", "socket": "/srv/elsewhere/s", "action": "deny"},
            {"id": "family", "on": "connect", "family": "rds", "action": "deny"}]

# Rules of one kind alone, and the operations whose hooks they have no need of.
OPEN_OPERATIONS = ("open", "create+unlink", "symlink+unlink", "mknod+unlink", "mkdir+rmdir", "chmod", "truncate",
                   "setxattr+removexattr", "getxattr", "ioctl")
EXEC_OPERATIONS = ("fork", "mmap", "mmap+mprotect", "exec")
OTHERS = ("link+unlink", "rename*2", "prctl", "setuid", "trace")
CONNECT_OPERATIONS = ("socket", "udp-send", "unix-connect", "unix-send", "tcp-connect+accept")
ALONE = {"only connect": (CONNECTS[:1], OPEN_OPERATIONS + EXEC_OPERATIONS + OTHERS
                          + ("socket", "unix-connect", "unix-send")),
         "only exec": (EXECS, tuple(name for name in OPEN_OPERATIONS if "unlink" not in name) + ("prctl", "setuid")
                       + CONNECT_OPERATIONS + ("pass-file", "pass-socket", "trace")),
         "only open": (OPENS, ("fork", "mmap", "mmap+mprotect", "prctl", "setuid", "trace") + CONNECT_OPERATIONS)}


def _load(g: TestGuest, rules: list[dict[str, Any]], work: pathlib.Path) -> None:
    path = work / "hooks.json"
    path.write_text(json.dumps({"bailiff": 1, "name": "hooks", "mode": "enforce", "rules": rules}))
    bench.say(bench.load(g, path))


def _measure(g: TestGuest) -> dict[str, int]:
    output = g.run([PROGRAM, PLACE], timeout=bench.PATIENCE_S).stdout
    return {name: int(value) for name, value in (line.split() for line in output.splitlines())}


def _suite(args: argparse.Namespace, suite: str, work: pathlib.Path, package: pathlib.Path) -> None:
    found = {}
    with bench.running_guest(args, suite, icount=True) as g:
        g.push(work / "hooks", PROGRAM)
        g.sh(f"mkdir -p {PLACE}")
        kernel = g.kernel()
        found[NONE] = _measure(g)
        bench.install(g, package)
        for name, (rules, _) in ALONE.items():
            _load(g, rules, work)
            found[name] = _measure(g)
        _load(g, SUBJECTS, work)
        found[SUBJECT] = _measure(g)
        _load(g, SUBJECTS + ANCESTORS, work)
        found[DESCENT] = _measure(g)
        _load(g, OPENS + EXECS + ARGUMENTS + SUBJECTS + ANCESTORS + EXCEPTIONS + CONNECTS, work)
        found[ALL] = _measure(g)
    _print(kernel, found)


def _unneeded(found: dict[str, dict[str, int]], name: str) -> str:
    """What the hooks that no rule needs add; without a figure where each kind of rules needs one of them."""
    extra = [found[kind][name] - found[NONE][name] for kind, (_, operations) in ALONE.items() if name in operations]
    return f"{max(extra, key=abs):+,}" if extra else "-"


def _print(kernel: str, found: dict[str, dict[str, int]]) -> None:
    print(f"\n{kernel}: instructions of operations that no rule is about; 'not needed': the most that is added by "
          "rules of other kinds")
    rows = [[name, f"{none:,}", _unneeded(found, name), f"{found[ALL][name] - none:+,}",
             f"{100 * (found[ALL][name] - none) / none:.1f} %"] for name, none in found[NONE].items()]
    for name in ("fork", "exec"):
        extra = found[DESCENT][name] - found[SUBJECT][name]
        print(f"what processes come from: {name} {extra:+,}, {100 * extra / found[NONE][name]:.1f} %")
    bench.table(["operation", NONE, "not needed", ALL, "of it"], rows)


def run(args: argparse.Namespace) -> None:
    package = bench.deb(args)
    with bench.work_directory() as work:
        bench.compile_c("hooks.c", work / "hooks", "-static")
        for suite in args.suite:
            _suite(args, suite, work, package)
