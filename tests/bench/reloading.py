# SPDX-License-Identifier: Apache-2.0
"""reload: how long one of 100,000 rules takes, and what waits for it meanwhile.

The guest's clock counts instructions, a nanosecond each: the figures don't depend on the host. On a
machine of today they are some times smaller.
"""

import argparse
import json
import pathlib
import time

import bench
import policies
from testguest import TestGuest

RULES = 100_000
BLOCKED_MS = 50
PROGRAM = "/root/latency"
MENTIONED = f"{policies.DIR}/files/mentioned-1"


def _watched(g: TestGuest, script: str) -> dict[str, tuple[float, float]]:
    """Runs a script and measures opens and answers of the daemon meanwhile: median, longest."""
    output = g.sh(f"{PROGRAM} {MENTIONED} /usr/bin/bailiff status > /root/latency.out & watcher=$!; "
                  f"{script}; kill $watcher; wait $watcher || :; cat /root/latency.out",
                  timeout=bench.PATIENCE_S)
    return {name: (float(median), float(most))
            for name, median, most in (line.split() for line in output.splitlines())}


def _suite(args: argparse.Namespace, suite: str, work: pathlib.Path, package: pathlib.Path,
           size: int) -> list[list[str]]:
    with bench.running_guest(args, suite, icount=True) as g:
        g.push(work / "latency", PROGRAM)
        g.write(MENTIONED, "")
        bench.install(g, package)
        bench.say(f"{suite}: {bench.load(g, work / 'policy.json')}")
        quiet = _watched(g, "sleep 1")
        bench.say(f"{suite}: reloading under watch")
        began = time.monotonic()
        loud = _watched(g, "bailiff reload --json > /root/reload.json")
        bench.say(f"{suite}: took {time.monotonic() - began:.0f} s on this host")
        answer = json.loads(g.read("/root/reload.json"))
        took, swap = answer["took_ms"], answer["swap_us"]
        blocked = (loud["command"][1] - quiet["command"][0]) / 1e3
        return [[g.kernel(), f"{took:,}", f"{swap / 1e3:,.1f}", f"{quiet['command'][0] / 1e3:,.1f}",
                 f"{loud['command'][1] / 1e3:,.1f}", bench.bar(blocked, BLOCKED_MS) + " ms",
                 f"{quiet['open'][0]:,.0f}", f"{loud['open'][0]:,.0f}", f"{loud['open'][1]:,.0f}"]]


def run(args: argparse.Namespace) -> None:
    size = max(args.rules or [RULES])
    package = bench.deb(args)
    rows = []
    with bench.work_directory() as work:
        bench.compile_c("latency.c", work / "latency", "-static")
        policies.write(work / "policy.json", size)
        for suite in args.suite:
            rows += _suite(args, suite, work, package, size)
    print(f"reload of {size:,} rules, in milliseconds and microseconds of a clock that counts a "
          "nanosecond an instruction")
    bench.table(["kernel", "all ms", "swap ms", "answer ms", "longest ms", "blocked", "open us", "in reload us",
                 "longest us"], rows)
