# SPDX-License-Identifier: Apache-2.0
"""compile: what `bailiff check` takes, from JSON text to verified tables, against the number of rules."""

import argparse
import os
import pathlib
import resource
import subprocess
import time

import bench
import policies

RULES = (10, 1000, 10000, 100000)
MANY_ADDRESSES = 1_000_000
ROUNDS = 3
TIME_S, MEMORY_MB = 2.0, 300  # for 100,000 rules


def _check(tool: pathlib.Path, policy: pathlib.Path) -> tuple[float, float, float]:
    """Seconds of processor, seconds that passed, MB at the peak, of one run."""
    began = time.monotonic()
    process = subprocess.Popen([tool, "check", policy], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise bench.BenchError(f"bailiff check {policy.name} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, took, usage.ru_maxrss / 1024


def _megabytes(peak: float) -> str:
    """A process inherits the peak of what it was before its exec: of this Python."""
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{peak:,.0f}" if peak > floor else f"< {floor:,.0f}"


def _row(tool: pathlib.Path, policy: pathlib.Path, what: str, bounded: bool) -> list[str]:
    runs = [_check(tool, policy) for _ in range(ROUNDS)]
    cpu, took, memory = (min(column) for column in zip(*runs))
    met = cpu <= TIME_S and memory <= MEMORY_MB
    verdict = f"{'met' if met else 'NOT MET'} ({TIME_S:g} s, {MEMORY_MB} MB)" if bounded else ""
    return [what, f"{policy.stat().st_size / 1e6:,.1f}", f"{cpu * 1e3:,.0f}", f"{took * 1e3:,.0f}",
            _megabytes(memory), verdict]


def run(args: argparse.Namespace) -> None:
    tool = bench.program(args, "bailiff")
    rows = []
    with bench.work_directory() as work:
        for size in args.rules or RULES:
            bench.say(f"{size:,} rules")
            policy = policies.write(work / "policy.json", size)
            rows.append(_row(tool, policy, f"{size:,} rules", size == max(RULES)))
        if not args.rules:
            bench.say(f"{MANY_ADDRESSES:,} addresses")
            policy = policies.write(work / "policy.json", min(RULES), MANY_ADDRESSES)
            rows.append(_row(tool, policy, f"{MANY_ADDRESSES:,} addresses", False))
    print(f"bailiff check, the best of {ROUNDS} runs")
    bench.table(["policy", "file MB", "processor ms", "passed ms", "peak MB", "bar"], rows)
