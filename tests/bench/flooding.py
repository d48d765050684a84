# SPDX-License-Identifier: Apache-2.0
"""flood: what very many denials cost the machine, each told of and folded."""

import argparse
import json
import pathlib
import re
import time

import bench
from testguest import TestGuest

COUNT = 1_000_000
CONFIG = "/etc/bailiff/bailiff.conf"
POLICY = {"bailiff": 1, "mode": "enforce", "rules": [{"id": "flood", "on": "open", "path": "/srv/flood", "action": "deny"}]}
WAYS = {"each told": "fold-window = 0\nevent-rate = 0\n", "folded": "event-rate = 0\n"}


def _cpu(g: TestGuest, unit: str) -> float:
    """Seconds of processor time that a unit has taken."""
    text = g.run(["systemctl", "show", "-P", "CPUUsageNSec", unit]).stdout.strip()
    return int(text) / 1e9 if text.isdigit() else 0.0


def _status(g: TestGuest) -> dict:
    return json.loads(g.run(["bailiff", "status", "--json"]).stdout)


def _resident(g: TestGuest) -> float:
    pid = g.run(["systemctl", "show", "-P", "MainPID", "bailiffd"]).stdout.strip()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", g.read(f"/proc/{pid}/status"), re.M)[1]) / 1024


def _wait_until_told(g: TestGuest) -> dict:
    end = time.monotonic() + bench.PATIENCE_S
    while time.monotonic() < end:
        state = _status(g)
        counters = state["counters"]
        if not state["journal"]["waiting"] and counters["folded"] == counters["unfolded"]:
            return state
        time.sleep(1)
    raise bench.BenchError("the daemon does not come to an end with what it tells")


def _lost(state: dict) -> int:
    return sum(state["counters"][name] for name in ("lost_ring", "lost_scratch", "lost_limit", "lost_repeats")) + \
        sum(state["journal"][name] for name in ("dropped_full", "dropped_memory", "dropped_refused", "dropped_repeats"))


def _configure(g: TestGuest, text: str, policy: pathlib.Path) -> None:
    g.sh(f"cp -n {CONFIG} /root/conf; cat /root/conf > {CONFIG}")
    g.write("/root/more", text)
    g.sh(f"cat /root/more >> {CONFIG}; systemctl restart bailiffd", timeout=bench.PATIENCE_S)
    bench.load(g, policy)


def _flood(g: TestGuest, count: int) -> float:
    return int(g.run(["/root/flood", "/srv/flood", str(count)], timeout=bench.PATIENCE_S).stdout) / 1e9


def _row(g: TestGuest, way: str, config: str, policy: pathlib.Path, count: int) -> list[str]:
    _configure(g, config, policy)
    before, units = _wait_until_told(g), ("bailiffd", "systemd-journald")
    cpu = [_cpu(g, unit) for unit in units]
    began = time.monotonic()
    seconds = _flood(g, count)
    after = _wait_until_told(g)
    told = after["counters"]["events"] - before["counters"]["events"]
    spent = [_cpu(g, unit) - was for unit, was in zip(units, cpu)]
    return [f"{g.kernel()}, {way}", f"{count:,}", f"{seconds:,.1f}", f"{seconds / count * 1e6:,.1f}", f"{time.monotonic() - began:,.0f}",
            f"{told:,}", f"{_lost(after) - _lost(before):,}", f"{spent[0]:,.1f}", f"{spent[1]:,.1f}", f"{_resident(g):,.0f}"]


def _rows(args: argparse.Namespace, suite: str, work: pathlib.Path, package: pathlib.Path) -> list[list[str]]:
    count = args.denials or COUNT
    with bench.running_guest(args, suite, icount=False) as g:
        bench.install(g, package)
        g.push(bench.compile_c("flood.c", work / "flood", "-static"), "/root/flood")
        g.sh("chmod 755 /root/flood; echo x > /srv/flood")
        policy = work / "policy.json"
        policy.write_text(json.dumps(POLICY))
        return [_row(g, way, config, policy, count) for way, config in WAYS.items()]


def run(args: argparse.Namespace) -> None:
    package = bench.deb(args)
    with bench.work_directory() as work:
        rows = [row for suite in args.suite for row in _rows(args, suite, work, package)]
    print("a process that is refused the same file again and again, by the guest's clock")
    bench.table(["way", "denials", "s", "us each", "s until told", "records", "lost", "s of bailiffd", "s of journald",
                 "MB of bailiffd"], rows)
