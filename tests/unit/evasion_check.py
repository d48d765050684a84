#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of ways around: what counts as held, and that the page's check can fail."""

import contextlib
import io
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "guest"))
sys.dont_write_bytecode = True

import evasion  # noqa: E402
from evasion import ROWS, SUITES, SuiteResults, TestResult  # noqa: E402


def everything_held():
    """Results of a run that shows every row, each by a test of its own."""
    wanted = [name for name, entry in ROWS.items() if entry.verdict != "limit"]
    return {suite: SuiteResults("6.1.0-1-amd64", {f"case.test_{name}": TestResult("ok", [name]) for name in wanted})
            for suite in SUITES}


def cells(results, row_id):
    return [evasion.outcome(ROWS[row_id], suite, results) for suite in SUITES]


def test_all_held():
    results = everything_held()
    assert evasion.faults(results) == []
    assert cells(results, "A1") == ["held"] * 3 and cells(results, "A23") == ["limit"] * 3


def test_one_failed_test_of_several_is_evaded():
    results = everything_held()
    results["trixie"].tests["case.test_more"] = TestResult("failed", ["A1", "A2"])
    assert cells(results, "A1")[1] == cells(results, "A2")[1] == "EVADED"
    assert [line.split(":")[0] for line in evasion.faults(results) if "EVADED" in line] == ["A1 on trixie", "A2 on trixie"]


def test_not_applicable_does_not_hold():
    results = everything_held()
    for suite in SUITES:
        results[suite].tests["case.test_A7"] = TestResult("n/a", ["A7"], "no such call")
    assert cells(results, "A7") == ["n/a"] * 3
    assert evasion.faults(results) == ["A7: not applicable on any suite, so nothing shows it"]
    results["sid"].tests["case.test_A7"].outcome = "ok"
    assert cells(results, "A7") == ["n/a", "n/a", "held"] and evasion.faults(results) == []
    assert "- A7, bookworm, trixie: case: A7: no such call" in evasion.page(results)


def test_what_did_not_run_is_untested():
    results = everything_held()
    del results["sid"].tests["case.test_C1"]
    assert cells(results, "C1") == ["held", "held", "untested"]
    for suite in SUITES:
        results[suite].tests.pop("case.test_C1", None)
    assert cells(results, "C1") == ["untested"] * 3 and len(evasion.faults(results)) == 3


def test_limit_that_is_not_what_it_says():
    results = everything_held()
    results["sid"].tests["case.test_copy"] = TestResult("failed", ["B14"])
    assert cells(results, "B14")[2] == "NOT SHOWN" and evasion.faults(results)


def test_absent_deeds_are_on_the_page():
    results = everything_held()
    results["sid"].tests["case.test_B1"].absent = {"check": "no AT_EXECVE_CHECK"}
    assert "- B1, sid: case: B1, “check”: no AT_EXECVE_CHECK" in evasion.page(results)


def test_results_survive_their_file():
    results = everything_held()
    results["sid"].tests["case.test_B1"].absent = {"check": "why"}
    assert evasion.load([evasion.dump(results)]) == results
    again = {"sid": SuiteResults("7.2.1", {"case.test_B1": TestResult("failed", ["B1"])})}
    merged = evasion.load([evasion.dump(results), evasion.dump(again)])
    assert cells(merged, "B1") == ["held", "held", "EVADED"] and cells(merged, "B2") == ["held"] * 3


def test_check_sees_what_the_page_says_too_much():
    results = everything_held()
    page = evasion.page(results)
    unknown = page.replace("| A1 |", "| A99 |", 1)
    for committed, expected in ((page, 0), (page.replace("| held |", "| n/a |", 1), 1), ("", 1), (unknown, 1),
                                (page.replace("| held |", "| untested |", 1), 0)):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert evasion.check(committed, results) == expected, said.getvalue()
    results["sid"].kernel = "7.3.1"
    assert evasion.difference(page, evasion.page(results)) == [], "a newer kernel is no difference"


def test_rows_must_be_known():
    for wrong in (("A99",), ()):
        try:
            evasion.row(*wrong)
        except ValueError:
            continue
        raise AssertionError(f"{wrong} was taken")
    assert evasion.row("A1", "A2")(lambda g: None).rows == ("A1", "A2")


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
        except Exception:
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {number} - {name}")
        else:
            print(f"ok {number} - {name}")


if __name__ == "__main__":
    main()
