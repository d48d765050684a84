#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What became of each way around in the guest tests, and the page that says so.

    evasion.py PAGE RESULTS...            writes PAGE (docs/evasion.md) of what `run --rows` has written
    evasion.py --check PAGE RESULTS...    TAP: fails if a row is evaded or untested, or if PAGE says of
                                          one that it is held, or not applicable, and these results don't;
                                          other differences are remarks

Of several results for one test the last counts, so that one test can be run again."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import pathlib
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rows import GROUPS, ROWS, Row

F = TypeVar("F", bound=Callable[..., Any])

SUITES = ("bookworm", "trixie", "sid")
KERNELS_LINE = "Run on: "

INTRO = """# Ways around

Known ways around the rules of a security tool, and what bailiff does about each when a rule covers the
object. This page is generated from the guest tests (`tests/guest/evasion.py`, which `./dev test` runs):
each test shows first that the way works without bailiff, and then what happens under a rule.

- **held**: every test of the way passed: a way to be denied is refused, a way to be reported is in the
  journal, an event is what it should be.
- **n/a**: this kernel or system has no such thing; the notes below the table say what the probe found.
- **limit**: bailiff does not hold it, and the table says why. Where a test is named, it shows the limit.
- **EVADED**, **untested**: `./dev test` fails.

Ways of attacking the enforcer itself, its daemon, maps and files (section H of the list that this one
started from), are not on this page: enforcement ends with the daemon today, see [design.md](design.md).
"""


def row(*ids: str) -> Callable[[F], F]:
    """Says of a test which rows of rows.py it shows. A row is held when all its tests pass."""
    unknown = [name for name in ids if name not in ROWS]
    if unknown or not ids:
        raise ValueError(f"no such row in tests/guest/rows.py: {', '.join(unknown) or 'none was given'}")

    def mark(test: F) -> F:
        test.rows = ids  # type: ignore[attr-defined]
        return test
    return mark


# ---- results ---------------------------------------------------------------------------------

@dataclasses.dataclass
class TestResult:
    """One test on one suite. Outcomes: "ok", "failed", "n/a"."""

    outcome: str
    rows: list[str]
    reason: str = ""  # of an n/a
    absent: dict[str, str] = dataclasses.field(default_factory=dict)  # deeds that the system has not

    __test__ = False


@dataclasses.dataclass
class SuiteResults:
    kernel: str = ""
    tests: dict[str, TestResult] = dataclasses.field(default_factory=dict)


Results = dict[str, SuiteResults]


def load(texts: Iterable[str]) -> Results:
    """Reads what `run --rows` has written; later texts win, test by test."""
    results: Results = {suite: SuiteResults() for suite in SUITES}
    for text in texts:
        for suite, found in json.loads(text).items():
            mine = results.setdefault(suite, SuiteResults())
            mine.kernel = found["kernel"] or mine.kernel
            mine.tests |= {name: TestResult(**test) for name, test in found["tests"].items()}
    return results


def dump(results: Results) -> str:
    return json.dumps({suite: dataclasses.asdict(found) for suite, found in results.items()}, indent=1)


def tests_of(row_id: str, results: Results) -> list[str]:
    """All tests that claim the row, on whichever suite they ran."""
    return sorted({name for found in results.values() for name, test in found.tests.items() if row_id in test.rows})


def outcome(entry: Row, suite: str, results: Results) -> str:
    """One cell of the page."""
    claimed = tests_of(entry.id, results)
    ran = [results[suite].tests.get(name) for name in claimed]
    outcomes = {test.outcome if test else "untested" for test in ran}
    if "failed" in outcomes:
        return "EVADED" if entry.verdict != "limit" else "NOT SHOWN"
    if "untested" in outcomes or (not claimed and entry.verdict != "limit"):
        return "untested"
    if entry.verdict == "limit":
        return "limit"
    return "held" if "ok" in outcomes else "n/a"


def faults(results: Results) -> list[str]:
    """What keeps the table from being whole."""
    good = {"held", "n/a", "limit"}
    cells = [(entry, suite, outcome(entry, suite, results)) for entry in ROWS.values() for suite in SUITES]
    found = [f"{entry.id} on {suite}: {cell} ({entry.technique}; tests: "
             f"{', '.join(tests_of(entry.id, results)) or 'none'})"
             for entry, suite, cell in cells if cell not in good]
    # A way that can be tried nowhere is shown nowhere.
    return found + [f"{entry.id}: not applicable on any suite, so nothing shows it" for entry in ROWS.values()
                    if all(outcome(entry, suite, results) == "n/a" for suite in SUITES)]


# ---- the page --------------------------------------------------------------------------------

def cell_text(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*") if "`" not in text else text.replace("|", "\\|")


def short_names(tests: list[str]) -> str:
    """open.test_read, open.test_write -> open: read, write"""
    cases: dict[str, list[str]] = {}
    for name in tests:
        case, _, test = name.partition(".")
        cases.setdefault(case, []).append(test.removeprefix("test_"))
    return "; ".join(f"{case}: {', '.join(names)}" for case, names in cases.items())


def notes(entry: Row, results: Results) -> list[str]:
    """Why a test could not be run on a suite, or a part of it: one line a reason, with its suites."""
    reasons: dict[str, list[str]] = {}
    for suite in SUITES:
        for name in tests_of(entry.id, results):
            test = results[suite].tests.get(name)
            if test and test.outcome == "n/a":
                reasons.setdefault(f"{short_names([name])}: {test.reason}", []).append(suite)
            for deed, why in sorted(test.absent.items()) if test and test.outcome != "n/a" else []:
                reasons.setdefault(f"{short_names([name])}, “{deed}”: {why}", []).append(suite)
    return [f"- {entry.id}, {', '.join(suites)}: {reason}" for reason, suites in reasons.items()]


def group_text(letter: str, results: Results) -> list[str]:
    lines = [f"## {letter}. {GROUPS[letter]}", "",
             f"| | way | wanted | how it is held | {' | '.join(SUITES)} | shown by |",
             "|---" * (5 + len(SUITES)) + "|"]
    remarks = []
    for entry in ROWS.values():
        if entry.id[0] != letter:
            continue
        cells = [entry.id, cell_text(entry.technique), entry.verdict, cell_text(entry.how),
                 *(outcome(entry, suite, results) for suite in SUITES), short_names(tests_of(entry.id, results))]
        lines.append(f"| {' | '.join(cells)} |")
        remarks += notes(entry, results)
    return [*lines, "", *remarks, *([""] if remarks else [])]


def series(kernel: str) -> str:
    """6.12.107+deb13-amd64 -> 6.12"""
    found = re.match(r"\d+\.\d+", kernel)
    return found[0] if found else "not run"


def page(results: Results) -> str:
    kernels = ", ".join(f"{suite} (Linux {series(results[suite].kernel)})" for suite in SUITES)
    lines = [INTRO, f"{KERNELS_LINE}{kernels}.", ""]
    for letter in GROUPS:
        lines += group_text(letter, results)
    return "\n".join(lines).rstrip("\n") + "\n"


def difference(committed: str, made: str) -> list[str]:
    """What the page says otherwise than the results. That a suite has a newer kernel is no difference."""
    old, new = ([line for line in text.split("\n") if not line.startswith(KERNELS_LINE)]
                for text in (committed, made))
    return list(difflib.unified_diff(old, new, "docs/evasion.md", "this run", lineterm="", n=0))


def claims(committed: str) -> dict[str, list[str]]:
    """What the page says of each row, a word for each suite."""
    found = {}
    for line in committed.split("\n"):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 + len(SUITES) and cells[0] and cells[0][0] in GROUPS:
            found[cells[0]] = cells[4:4 + len(SUITES)]
    return found


def false_claims(committed: str, results: Results) -> list[str]:
    """Where the page says of a way that it is held, or that it is not there, and the results say otherwise."""
    page_says = claims(committed)
    if not page_says:
        return ["the page has no row"]
    found = [f"{name}: the page has a row that rows.py doesn't know" for name in page_says if name not in ROWS]
    for name, cells in page_says.items():
        for suite, said in zip(SUITES, cells):
            is_so = outcome(ROWS[name], suite, results) if name in ROWS else said
            if said in ("held", "n/a") and said != is_so:
                found.append(f"{name} on {suite}: the page says {said}, this run {is_so}")
    return found


# ---- the program -----------------------------------------------------------------------------

def report(number: int, what: str, findings: list[str]) -> int:
    for line in findings:
        print(f"# {line}")
    print(f"{'not ok' if findings else 'ok'} {number} - {what}")
    return 1 if findings else 0


def check(committed: str, results: Results) -> int:
    print("1..2")
    failed = report(1, "no way around is evaded or untested", faults(results))
    failed += report(2, "docs/evasion.md says no more than this run has shown", false_claims(committed, results))
    for line in difference(committed, page(results)):
        print(f"# to be written anew by tests/guest/evasion.py: {line}")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("results", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    results = load(path.read_text() for path in args.results)
    if args.check:
        return check(args.page.read_text() if args.page.exists() else "", results)
    args.page.write_text(page(results))
    for line in faults(results):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
