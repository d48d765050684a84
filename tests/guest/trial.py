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

from testguest import TestGuest

HERE = pathlib.Path(__file__).resolve().parent
DEEDS = (HERE / "calls.py", HERE / "deeds.py")
PROGRAMS = HERE / "programs"
REMOTE = "/root/deeds.py"
TIMEOUT_S = 300

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
    if g.run(["test", "-e", REMOTE], check=False).rc:
        for module in DEEDS:
            g.push(module, f"/root/{module.name}")
    result = g.run(["python3", REMOTE], input=json.dumps(deeds), timeout=TIMEOUT_S)
    answers: dict[str, str] = json.loads(result.stdout)
    return answers


@contextlib.contextmanager
def policy(g: TestGuest, *rules: dict[str, Any], mode: str = "enforce", **top: Any) -> Iterator[str]:
    """A policy that is in force within the block; yields the journal's cursor of before."""
    path = g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": mode, "rules": list(rules), **top})
    try:
        cursor = g.journal_cursor()
        g.run(["bailiff", "reload"], timeout=TIMEOUT_S)
        yield cursor
    finally:
        g.remove(path)
        g.run(["bailiff", "reload"], timeout=TIMEOUT_S)


def events(g: TestGuest, since: str, *matches: str) -> Events:
    """Verdicts of the trial's policy, by what journald vouches for."""
    return g.journal("_SYSTEMD_UNIT=bailiffd.service", "_UID=0", "BAILIFF_POLICY=trial", *matches, since=since)


def trial(g: TestGuest, rules: list[dict[str, Any]], refused: dict[str, str], *, prepare: str = "true",
          allowed: dict[str, str] | None = None, clean: str = "true", **top: Any) -> Events:
    """Shows that all deeds work, and that under the rules those are refused that should be and no
    others. Each refused deed must be in the journal. Returns the verdicts.

    Deeds that the system has not are left out and said to be absent; if none is left that should be
    refused, the test is not applicable."""
    allowed = allowed or {}
    deeds = refused | allowed
    try:
        g.sh(prepare)
        absent = first_without(g, deeds, refused)
        g.sh(clean)
        g.sh(prepare)
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
        g.sh(clean)


def first_without(g: TestGuest, deeds: dict[str, str], refused: dict[str, str]) -> set[str]:
    """Does the deeds without a rule: all must work. Returns the names of those that this system has not."""
    before = do(g, deeds)
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
        g.sh(prepare)
        absent = first_without(g, deeds, deeds)
        g.sh(clean)
        g.sh(prepare)
        with policy(g, *rules, **top) as since:
            after = do(g, {name: code for name, code in deeds.items() if name not in absent})
            wrong = {name: answer for name, answer in after.items() if answer != "ok"}
            assert not wrong, f"under a rule that only reports: {wrong}"
            return g.wait_until(lambda: _enough(events(g, since), len(after)), 60, "an event for each deed")
    finally:
        g.sh(clean)


def _enough(found: Events, count: int) -> Events | None:
    return found if len(found) >= count else None


def check_fields(event: dict[str, Any], **expected: str) -> None:
    """Holds BAILIFF_ fields of an event against what they should be, by their lower-case names."""
    wrong = {key: event.get(f"BAILIFF_{key.upper()}") for key, value in expected.items()
             if event.get(f"BAILIFF_{key.upper()}") != value}
    assert not wrong, f"{wrong} instead of {expected} in {event.get('MESSAGE')}"
