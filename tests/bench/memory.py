# SPDX-License-Identifier: Apache-2.0
"""memory: what bailiffd holds against the number of rules, with the texts that it keeps and the names that it follows."""

import argparse
import pathlib
import re

import bench
import policies
from testguest import TestGuest

RULES = (10, 1000, 100_000)
CGROUP = "/sys/fs/cgroup/system.slice/bailiffd.service"


def _status(g: TestGuest, pid: str) -> dict[str, float]:
    """Megabytes of /proc/PID/status."""
    return {name: int(kib) / 1024
            for name, kib in re.findall(r"^(Vm\w+|Rss\w+):\s+(\d+) kB$", g.read(f"/proc/{pid}/status"), re.M)}


def _charged(g: TestGuest, name: str) -> dict[str, float]:
    """Megabytes that the unit is charged for, by kind; the maps of the kernel side are among 'kernel' or 'percpu'."""
    return {key: int(value) / 1024 / 1024
            for key, value in (line.split() for line in g.read(f"{CGROUP}/{name}").splitlines())}


def _rows(args: argparse.Namespace, suite: str, work: pathlib.Path, package: pathlib.Path) -> list[list[str]]:
    rows = []
    with bench.running_guest(args, suite, icount=False) as g:
        bench.install(g, package)
        for size in args.rules or RULES:
            policy = policies.write(work / "policy.json", size)
            bench.say(f"{suite}: {bench.load(g, policy)}")
            pid = g.run(["systemctl", "show", "-P", "MainPID", "bailiffd"]).stdout.strip()
            own = _status(g, pid)
            charged = int(g.read(f"{CGROUP}/memory.current")) / 1024 / 1024
            kinds = _charged(g, "memory.stat")
            rows.append([f"{g.kernel()}, {size:,} rules", f"{policy.stat().st_size / 1e6:,.1f}", f"{own['VmRSS']:,.0f}",
                         f"{own['VmHWM']:,.0f}", f"{charged:,.0f}", f"{kinds['anon']:,.0f}",
                         f"{charged - kinds['anon'] - kinds['file']:,.0f}"])
    return rows


def run(args: argparse.Namespace) -> None:
    package = bench.deb(args)
    with bench.work_directory() as work:
        rows = [row for suite in args.suite for row in _rows(args, suite, work, package)]
    print("bailiffd after a reload, in MB: its own memory now and at the peak, and what its control group is charged")
    bench.table(["policy", "file", "resident", "peak", "charged", "of it own", "of it kernel's"], rows)
