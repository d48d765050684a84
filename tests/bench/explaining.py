# SPDX-License-Identifier: Apache-2.0
"""explain: what `bailiff explain` takes against the number of rules, and its parts."""

import argparse
import os
import pathlib
import subprocess
import time

import bench
import policies

RULES = (10, 1000, 10000, 100000)
MANY_ADDRESSES = 1_000_000
ROUNDS = 10
TURNS = 10
TIME_MS = 100.0  # that pass, for 100,000 rules
PARTS = ("read", "links", "mentioned", "unmentioned", "connect")
ACCESS = ("open", f"{policies.DIR}/files/mentioned-1", "--uid", str(policies.NOBODY), "--exe", "/usr/bin/cat")


def _command(tool: pathlib.Path, policy: pathlib.Path) -> tuple[float, float]:
    """Milliseconds of processor and milliseconds that passed, of one run."""
    began = time.monotonic()
    process = subprocess.Popen([tool, "explain", *ACCESS, policy], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    shown = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or ": deny by literal" not in shown:
        raise bench.BenchError(f"bailiff explain ended with {process.returncode}:\n{shown}")
    return (usage.ru_utime + usage.ru_stime) * 1e3, took * 1e3


def _parts(program: pathlib.Path, policy: pathlib.Path) -> dict[str, float]:
    """Milliseconds of processor of the parts, the best of some."""
    done = subprocess.run([program, policy, str(TURNS)], capture_output=True, text=True, check=True)
    return {name: float(best) / 1e3 for name, best, _ in map(str.split, done.stdout.splitlines())}


def _row(args: argparse.Namespace, policy: pathlib.Path, what: str, bounded: bool) -> list[str]:
    runs = [_command(bench.program(args, "bailiff"), policy) for _ in range(ROUNDS)]
    cpu, took = (min(column) for column in zip(*runs))
    parts = _parts(bench.program(args, "bench_explain"), policy)
    return [what, f"{cpu:,.0f}", f"{took:,.0f}", f"{bench.bar(took, TIME_MS)} ms" if bounded else "",
            *(f"{parts[name]:,.1f}" for name in PARTS)]


def run(args: argparse.Namespace) -> None:
    rows = []
    with bench.work_directory() as work:
        for size in args.rules or RULES:
            bench.say(f"{size:,} rules")
            policy = policies.write(work / "policy.json", size)
            rows.append(_row(args, policy, f"{size:,} rules", size == max(RULES)))
        if not args.rules:
            bench.say(f"{MANY_ADDRESSES:,} addresses")
            policy = policies.write(work / "policy.json", min(RULES), MANY_ADDRESSES)
            rows.append(_row(args, policy, f"{MANY_ADDRESSES:,} addresses", False))
    print(f"bailiff explain, the best of {ROUNDS} runs; and its parts, in ms of processor, the best of {TURNS}: reading "
          "the policy, following links, and explaining three accesses")
    bench.table(["policy", "processor ms", "passed ms", "bar", *PARTS], rows)
