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
BARS = {1000: (0.05, None), 100000: (2.0, 300)}  # rules -> seconds of processor, MB


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


def _verdict(bar: tuple[float, float | None] | None, cpu: float, memory: float) -> str:
    if bar is None:
        return ""
    met = cpu <= bar[0] and (bar[1] is None or memory <= bar[1])
    wanted = f"{bar[0] * 1e3:,.0f} ms" + (f", {bar[1]} MB" if bar[1] else "")
    return f"{'met' if met else 'NOT MET'} ({wanted})"


def _row(tool: pathlib.Path, policy: pathlib.Path, what: str, size: int) -> list[str]:
    runs = [_check(tool, policy) for _ in range(ROUNDS)]
    cpu, took, memory = (min(column) for column in zip(*runs))
    verdict = _verdict(BARS.get(size), cpu, memory)
    return [what, f"{policy.stat().st_size / 1e6:,.1f}", f"{cpu * 1e3:,.0f}", f"{took * 1e3:,.0f}",
            _megabytes(memory), verdict]


def run(args: argparse.Namespace) -> None:
    tool = bench.program(args, "bailiff")
    rows = []
    with bench.work_directory() as work:
        for size in args.rules or RULES:
            bench.say(f"{size:,} rules")
            policy = policies.write(work / "policy.json", size)
            rows.append(_row(tool, policy, f"{size:,} rules", size))
        if not args.rules:
            bench.say(f"{MANY_ADDRESSES:,} addresses")
            policy = policies.write(work / "policy.json", min(RULES), MANY_ADDRESSES)
            rows.append(_row(tool, policy, f"{MANY_ADDRESSES:,} addresses", 0))
    print(f"bailiff check, the best of {ROUNDS} runs")
    bench.table(["policy", "file MB", "processor ms", "passed ms", "peak MB", "bar"], rows)
