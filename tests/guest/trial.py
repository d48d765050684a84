# SPDX-License-Identifier: Apache-2.0
"""Trials of rules: deeds that work, a policy, and the same deeds judged by it."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from testguest import JOURNAL, POLICY_DIR, TIMEOUT_S, TestGuest

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"

Events = list[dict[str, Any]]


def push_program(g: TestGuest, name: str, remote: str, *flags: str) -> None:
    """Compiles one of programs/ here and takes it to the guest, static unless flags say else."""
    with tempfile.TemporaryDirectory() as folder:
        built = pathlib.Path(folder) / name
        source = PROGRAMS / f"{name}.c"
        subprocess.run(["gcc", "-O2", *(flags or ["-static"]), "-o", built, source], check=True)
        g.push(built, remote)


def do(g: TestGuest, deeds: dict[str, str]) -> dict[str, str]:
    """Does deeds, each in a process of its own; see deeds.py for the answers."""
    answers: dict[str, str] = g.steps(["deeds", deeds])[-1]
    return answers


@contextlib.contextmanager
def policy(g: TestGuest, *rules: dict[str, Any], mode: str = "enforce", **top: Any) -> Iterator[str]:
    """A policy that is in force within the block; yields the journal's cursor of before."""
    path = f"{POLICY_DIR}/trial.json"
    text = json.dumps({"bailiff": 1, "name": "trial", "mode": mode, "rules": list(rules), **top}, indent=2)
    try:
        last = g.steps(["put", path, text + "\n"], ["run", *JOURNAL, "-n", "1"], ["run", "bailiff", "reload"])[1]
        yield g.journal_lines(last["stdout"])[-1]["__CURSOR"]
    finally:
        g.steps(["run", "rm", "-f", path], ["run", "bailiff", "reload"])


def events(g: TestGuest, since: str, *matches: str) -> Events:
    """Verdicts of the trial's policy, by what journald vouches for; each as often as it happened."""
    found = g.journal("_SYSTEMD_UNIT=bailiffd.service", "_UID=0", "BAILIFF_POLICY=trial", *matches, since=since)
    return [event for event in found for _ in range(1 + int(event.get("BAILIFF_FOLDED", 0)))]


def trial(g: TestGuest, rules: list[dict[str, Any]], refused: dict[str, str], *, prepare: str = "true",
          allowed: dict[str, str] | None = None, clean: str = "true", **top: Any) -> Events:
    """Shows that all deeds work, and that under the rules those are refused that should be and no
    others. Each refused deed must be in the journal. Returns the verdicts.

    Deeds that the system has not are left out and said to be absent; if none is left that should be
    refused, the test is not applicable."""
    allowed = allowed or {}
    deeds = refused | allowed
    try:
        absent = first_without(g, prepare, deeds, refused)
        g.steps(shell(clean), shell(prepare))
        present = {name: code for name, code in deeds.items() if name not in absent}
        with policy(g, *rules, **top) as since:
            after = do(g, present)
            found = g.wait_until(lambda: _enough(events(g, since), len(refused.keys() - absent)), 60,
                                 f"a verdict for each refused deed; the deeds: {after}")
        wrong = {name: answer for name, answer in after.items()
                 if answer != ("EPERM" if name in refused else "ok")}
        assert not wrong, f"under the rule: {wrong}"
        return found
    finally:
        g.steps(shell(clean))


def shell(script: str) -> list[Any]:
    """The step of a script that stops at its first failing command."""
    return ["run", "/bin/sh", "-euc", script]


def first_without(g: TestGuest, prepare: str, deeds: dict[str, str], refused: dict[str, str]) -> set[str]:
    """Does the deeds without a rule: all must work. Returns the names of those that this system has not."""
    before = g.steps(shell(prepare), ["deeds", deeds])[-1]
    absent = {name: answer.removeprefix("n/a: ") for name, answer in before.items() if answer.startswith("n/a")}
    wrong = {name: answer for name, answer in before.items() if answer != "ok" and name not in absent}
    assert not wrong, f"without the rule: {wrong}"
    if refused.keys() <= absent.keys():
        g.not_applicable("; ".join(sorted(set(absent.values()))))
    g.absent |= absent
    return set(absent)


def watch(g: TestGuest, rules: list[dict[str, Any]], deeds: dict[str, str], *, prepare: str = "true",
          clean: str = "true", **top: Any) -> Events:
    """Shows that deeds work, and that they work as well under rules that only report them, with an event
    for each. Returns the events."""
    try:
        absent = first_without(g, prepare, deeds, deeds)
        g.steps(shell(clean), shell(prepare))
        with policy(g, *rules, **top) as since:
            after = do(g, {name: code for name, code in deeds.items() if name not in absent})
            wrong = {name: answer for name, answer in after.items() if answer != "ok"}
            assert not wrong, f"under a rule that only reports: {wrong}"
            return g.wait_until(lambda: _enough(events(g, since), len(after)), 60, "an event for each deed")
    finally:
        g.steps(shell(clean))


def _enough(found: Events, count: int) -> Events | None:
    return found if len(found) >= count else None


def settle(g: TestGuest) -> dict[str, Any]:
    """Waits until the daemon has told all that it has taken in, and nothing is folded that nobody was told of, for a storm
    leaves more than who comes next can wait for. Returns its status."""
    def settled() -> dict[str, Any] | None:
        state: dict[str, Any] = json.loads(g.run(["bailiff", "status", "--json"]).stdout)
        folded = state["counters"]["folded"] - state["counters"]["unfolded"]
        return None if state["journal"]["waiting"] or folded else state
    return g.wait_until(settled, TIMEOUT_S, "the end of what waits to be told")


def check_fields(event: dict[str, Any], **expected: str) -> None:
    """Holds BAILIFF_ fields of an event against what they should be, by their lower-case names."""
    wrong = {key: event.get(f"BAILIFF_{key.upper()}") for key, value in expected.items()
             if event.get(f"BAILIFF_{key.upper()}") != value}
    assert not wrong, f"{wrong} instead of {expected} in {event.get('MESSAGE')}"
