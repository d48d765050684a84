#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff top: what is counted, in which order, and what a terminal gets of it. A live one is a guest's test.

    top_check.py path/to/bailiff
"""

import json
import sys

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import cli_check as cli  # noqa: E402
from cli_check import FINDINGS, GOOD, USAGE, bailiff, expect  # noqa: E402
from events_check import HOSTILE, on_a_terminal  # noqa: E402
from journals import exported, journal, started, verdict  # noqa: E402


def frame(path, *args):
    lines = expect(bailiff("top", "--json", "--once", "--file", path, *args), GOOD).stdout.splitlines()
    assert len(lines) == 1, lines
    return json.loads(lines[0])


def counts(rows):
    return {row["name"]: row["times"] for row in rows}


ENTRIES = [verdict(seq=1, at=0, rule="old"), *[verdict(seq=n, at=70 + n, rule="a", path=f"/srv/{n % 3}") for n in range(2, 8)],
           verdict(seq=9, at=100, rule="b", folded="29", exe="/bin/flood"), verdict(seq=10, at=101, on="connect", rule="net"),
           verdict(seq=11, at=102, exe=None, comm="kworker/0:1"), started(103)]


def test_the_last_minute(tmp):
    value = frame(exported(tmp, *ENTRIES))
    assert value["window_s"] == 60 and value["events"] == 9 and value["times"] == 38 and value["cut"] is False
    assert counts(value["rules"]) == {"b": 30, "a": 6, "net": 1, "no-secret": 1}
    assert [row["name"] for row in value["rules"]][:2] == ["b", "a"] and value["rules"][0]["per_s"] == 0.5
    assert counts(value["subjects"]) == {"/bin/flood": 30, "/usr/bin/bash": 7, "[kworker/0:1]": 1}
    assert counts(value["objects"]) == {"/srv/secret": 31, "/srv/2": 2, "/srv/0": 2, "/srv/1": 2, "192.0.2.1:443": 1}


def test_another_window_and_filters(tmp):
    path = exported(tmp, *ENTRIES)
    assert frame(path, "--window", "3")["times"] == 32 and frame(path, "--window", "3600")["times"] == 39
    assert counts(frame(path, "--rule", "a")["rules"]) == {"a": 6}
    for wrong in ("0", "x", "3601", "-1"):
        expect(bailiff("top", "--window", wrong), USAGE, "--window takes")


def test_text(tmp):
    shown = expect(bailiff("top", "--once", "--file", exported(tmp, *ENTRIES)), GOOD).stdout
    assert "last 60 s: 38 times, 9 events, 0.6 per s" in shown and "     0.5       30 b\n" in shown
    assert [line.split()[-1] for line in shown.splitlines() if "per s" in line][1:] == ["rules", "subjects", "objects"]


def test_a_journal_file(tmp):
    assert frame(journal(tmp, *ENTRIES))["times"] == 38
    (tmp / "text").write_text("nonsense")
    expect(bailiff("top", "--once", "--file", tmp / "text"), FINDINGS, "export format")
    assert frame(exported(tmp))["rules"] == []


def test_much(tmp):
    """More than can be kept: the latest count, and that there were more is said."""
    value = frame(exported(tmp, *[verdict(seq=n, at=n / 1e4, rule=f"r{n % 500}") for n in range(1, 100101)]))
    assert value["events"] == 100000 and value["cut"] is True and len(value["rules"]) == 100


def test_hostile_names(tmp):
    path = exported(tmp, *[{**verdict(seq=n), "BAILIFF_RULE": text, "BAILIFF_EXE": text, "BAILIFF_PATH": text}
                           for n, text in enumerate(HOSTILE)])
    shown = on_a_terminal("top", "--once", "--no-color", "--file", path)
    assert not [char for char in shown if not char.isprintable() and char not in "\r\n"], shown
    assert len(shown.splitlines()) == 2 + 3 * (1 + len(HOSTILE)) and len(frame(path)["rules"]) == len(HOSTILE)


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
