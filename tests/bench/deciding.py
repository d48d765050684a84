# SPDX-License-Identifier: Apache-2.0
"""decide: native nanoseconds of a cold decision; decisions.c does it, by BPF_PROG_TEST_RUN."""

import argparse
import subprocess

import bench


def run(args: argparse.Namespace) -> None:
    sizes = [str(size) for size in args.rules or []]
    subprocess.run([bench.program(args, "bench_decisions"), *sizes], check=True)
