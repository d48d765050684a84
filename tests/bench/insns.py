# SPDX-License-Identifier: Apache-2.0
"""insns: what operations cost in guest instructions, which no load on the host can change."""

import argparse
import pathlib

import bench
import policies
from testguest import TestGuest

RULES = (10, 1000, 100000)
MANY_ADDRESSES = 1_000_000
PROGRAMS = "/root/bench"
NONE, EMPTY = "none", "empty LSM"
# What an exec of /bin/true reads: the more of it is cached, the more a page fault maps.
EXECUTED = "/bin/true /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6 /etc/ld.so.cache"

# Instructions above an empty LSM program that a verdict may cost.
CACHED = {"bookworm": 300, "trixie": 240, "sid": 160}
UNMENTIONED_SHARE = 0.6
COLD = 1700
CONNECT_ABOVE_NONE = 600
EXEC_PERCENT = 1.0
SPREAD_PERCENT = 3.0
EXEC_RUNS = 5

Figures = dict[str, float]


def _prepare(g: TestGuest, work: pathlib.Path) -> None:
    g.push(work, PROGRAMS)
    place = policies.DIR
    g.sh(f"mkdir -p {place}/files {place}/fresh {place}/other {place}/renamed; "
         f"touch {place}/files/mentioned-1 {place}/files/unmentioned {place}/renamed/here")


def _run(g: TestGuest, *operations: str) -> Figures:
    output = g.run([f"{PROGRAMS}/insns", policies.DIR, *operations], timeout=bench.PATIENCE_S).stdout
    return {name: float(value) for name, value in (line.split() for line in output.splitlines())}


def _measure_exec(g: TestGuest) -> float:
    """The least of several processes': where one's memory lies makes a difference of half a percent."""
    g.sh(f"cat {EXECUTED} > /dev/null")
    return min(_run(g, "exec")["exec"] for _ in range(EXEC_RUNS))


def _measure(g: TestGuest, what: str, *operations: str) -> Figures:
    bench.say(f"{g.options().suite}: measuring: {what}")
    figures = _run(g, *operations)
    if "exec" in figures:
        figures["exec"] = _measure_exec(g)
    if abs(figures.get("loop", 2.0) - 2.0) > 0.01:
        raise bench.BenchError(f"a loop of two instructions took {figures['loop']}: is this -icount shift=0?")
    return figures


def _measure_empty(g: TestGuest) -> Figures:
    keeper = g.run([f"{PROGRAMS}/empty", f"{PROGRAMS}/empty.bpf.o"]).stdout.strip()
    figures = _measure(g, EMPTY)
    # Its links go when it has gone.
    g.sh(f"kill {keeper}; while kill -0 {keeper} 2> /dev/null; do sleep 0.1; done")
    return figures


def _less_renames(figures: Figures) -> Figures:
    """The rename that makes all labels stale is no part of the open that follows it."""
    rename = figures.get("rename", 0)
    return {name: value - rename if name.startswith("stale-") else value for name, value in figures.items()}


def _say_figures(suite: str, load: str, figures: Figures, none: Figures) -> None:
    """The table comes when all is measured, which takes a while."""
    above = ", ".join(f"{name} {value - none[name]:+,.0f}" for name, value in figures.items()
                      if name != "loop")
    bench.say(f"{suite}: {load}, above none: {above}")


def _suite(args: argparse.Namespace, suite: str, work: pathlib.Path, package: pathlib.Path,
           sizes: list[int]) -> tuple[str, dict[str, Figures]]:
    found: dict[str, Figures] = {}
    with bench.running_guest(args, suite, icount=True) as g:
        _prepare(g, work / "programs")
        kernel = g.kernel()
        found[NONE] = _less_renames(_measure(g, NONE))
        found[EMPTY] = _less_renames(_measure_empty(g))
        bench.install(g, package)
        for size in sizes:
            bench.say(f"{suite}: {bench.load(g, work / f'{size}.json')}")
            load = f"{size:,} rules"
            found[load] = _less_renames(_measure(g, load))
            _say_figures(suite, load, found[load], found[NONE])
        if not args.rules:
            bench.say(f"{suite}: {bench.load(g, work / 'addresses.json')}")
            found["1,000,000 addresses"] = _measure(g, "1,000,000 addresses", "loop", "udp", "tcp")
            _say_figures(suite, "1,000,000 addresses", found["1,000,000 addresses"], found[NONE])
        counted = [line for line in g.sh("bailiff status").splitlines() if "counted" in line]
        bench.say(f"{suite}: {' '.join(counted)}")
        # What the kernel itself needs has changed a little since the start.
        g.sh("bailiff unload")
        found[NONE]["exec"] = min(found[NONE]["exec"], _measure_exec(g))
    return kernel, found


def _limit(suite: str, name: str) -> tuple[str, float] | None:
    """What an operation is measured against, and how much more it may cost."""
    if name == "open-mentioned":
        return EMPTY, CACHED[suite]
    if name == "open-unmentioned":
        return EMPTY, CACHED[suite] * UNMENTIONED_SHARE
    if name.startswith(("stale-", "fresh-", "first-", "nested-", "unknown-")):
        return EMPTY, COLD
    if name.startswith(("udp-", "tcp-")) and suite == "trixie":
        return NONE, CONNECT_ABOVE_NONE
    return None


def _verdict(suite: str, name: str, figures: Figures, found: dict[str, Figures]) -> str:
    none = found[NONE][name]
    if name == "exec":
        return bench.bar(100 * (figures[name] - none) / none, EXEC_PERCENT) + " %"
    if name == "getpid":
        return "unchanged" if abs(figures[name] - none) < 0.5 else "CHANGED"
    limit = _limit(suite, name)
    return bench.bar(figures[name] - found[limit[0]][name], limit[1]) if limit else ""


def _print_suite(suite: str, kernel: str, found: dict[str, Figures]) -> None:
    loads = [load for load in found if load not in (NONE, EMPTY)]
    print(f"\n{kernel}: instructions per operation at a 40-byte path; 'stale' without the rename that "
          "makes it so")
    rows = []
    for name in found[NONE]:
        for load in loads:
            if name not in found[load] or name == "loop":
                continue
            none, empty, value = found[NONE][name], found[EMPTY][name], found[load][name]
            rows.append([name, load, f"{none:,.0f}", f"{empty - none:+,.0f}", f"{value - none:+,.0f}",
                         f"{value - empty:+,.0f}", _verdict(suite, name, found[load], found)])
    bench.table(["operation", "policy", NONE, EMPTY, "above none", "above empty", "bar"], rows)
    _print_spread(found, [load for load in loads if load.endswith("rules")])


def _print_spread(found: dict[str, Figures], loads: list[str]) -> None:
    """How much the number of rules matters, of the whole operation."""
    if len(loads) < 2:
        return
    print("\nlargest difference between the numbers of rules, of the whole operation:")
    rows = []
    for name in found[NONE]:
        values = [found[load][name] for load in loads]
        percent = 100 * (max(values) - min(values)) / min(values)
        rows.append([name, f"{percent:.2f} %", "met" if percent <= SPREAD_PERCENT else "NOT MET"])
    bench.table(["operation", "spread", f"within {SPREAD_PERCENT:g} %"], rows)


def run(args: argparse.Namespace) -> None:
    sizes = args.rules or list(RULES)
    package = bench.deb(args)
    with bench.work_directory() as work:
        programs = work / "programs"
        programs.mkdir()
        bench.compile_c("insns.c", programs / "insns", "-static")
        bench.compile_c("empty.c", programs / "empty", "-lbpf")
        bench.compile_bpf("empty.bpf.c", programs / "empty.bpf.o")
        for size in sizes:
            policies.write(work / f"{size}.json", size)
        if not args.rules:
            policies.write(work / "addresses.json", min(RULES), MANY_ADDRESSES)
        for suite in args.suite:
            kernel, found = _suite(args, suite, work, package, sizes)
            _print_suite(suite, kernel, found)
