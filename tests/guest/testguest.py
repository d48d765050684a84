# SPDX-License-Identifier: Apache-2.0
"""What a guest test is given: a Guest with words for what tests do with bailiff."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import guest
from guest import Guest, NotApplicable

T = TypeVar("T")

POLICY_DIR = "/etc/bailiff/policy.d"
SHIPPED = [path.name for path in sorted((guest.HERE.parents[1] / "rules").glob("*.json"))]
JOURNAL = ("journalctl", "-o", "json", "--all", "--no-pager", "-q")
DEEDS = (guest.HERE / "calls.py", guest.HERE / "ways.py", guest.HERE / "deeds.py")
TIMEOUT_S = 300


class TestGuest(Guest):
    """A Guest in which the package under test is installed, if the runner was given one."""

    __test__ = False  # not a test itself, whatever a collector thinks of the name

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.tainted = False  # a test has failed in it: worth a look with --keep
        self.absent: dict[str, str] = {}  # what the running test could not try in it, and why
        self._doer: guest.Dialogue | None = None  # deeds.py, running in the guest

    def install(self, debs: list[pathlib.Path], rules: bool = True) -> None:
        """Installs packages; what they depend on has to be in the image. Without rules none at all are in force."""
        remotes = [f"/root/{deb.name}" for deb in debs]
        self.mask_packs(rules)
        for deb, remote in zip(debs, remotes):
            self.push(deb, remote)
        self.run(["dpkg", "--install", *remotes], timeout=900)

    def mask_packs(self, rules: bool = True) -> None:
        """Keeps the shipped rules out of tests, where they would have a say: cases/75_rules.py is about them. A few
        rules are in force in their place, so that there is something that the daemon has to load."""
        self.sh(f"mkdir -p {POLICY_DIR}; cd {POLICY_DIR}; rm -f 80-strict.json; "
                + "; ".join(f"ln -sf /dev/null {name}" for name in SHIPPED))
        if rules:
            self.remove(f"{POLICY_DIR}/50-base.json")
            self.push(guest.HERE / "in-force.json", f"{POLICY_DIR}/50-base.json")

    def unmask_packs(self) -> None:
        """All shipped rules, those that are not in force as installed too."""
        self.sh(f"cd {POLICY_DIR}; rm -f {' '.join(SHIPPED)}; ln -s /usr/share/bailiff/packs/80-strict.json .")

    def put_policy(self, name: str, policy: dict[str, Any], directory: str = POLICY_DIR) -> str:
        """Writes a policy file; loading it is the test's business. Returns its path."""
        path = f"{directory}/{name}.json"
        self.write(path, json.dumps(policy, indent=2) + "\n")
        return path

    def remove(self, *paths: str) -> None:
        self.run(["rm", "-rf", "--", *paths])

    def steps(self, *steps: list[Any]) -> list[dict[str, Any]]:
        """Has deeds.py do these one after the other, and returns its answers. All must come to a good end."""
        if self._doer is None:
            for module in DEEDS:
                self.push(module, f"/root/{module.name}")
            self._doer = self.dialogue(["python3", "/root/deeds.py"])
        try:
            answers: list[dict[str, Any]] = json.loads(self._doer.ask(json.dumps(steps).encode(), TIMEOUT_S))
        except (guest.GuestError, OSError) as error:
            self.dismiss()
            self._raise_if_dead()
            raise guest.GuestError(f"{self.name}: {error}\n{self.failure_text()}") from error
        for step, answer in zip(steps, answers):
            if answer.get("rc"):
                raise guest.CommandFailed(guest.Result(shlex.join(step[1:]), answer["stdout"], answer["stderr"],
                                                       answer["rc"]))
        return answers

    def dismiss(self) -> None:
        """Ends deeds.py; it starts again when it is needed."""
        doer, self._doer = self._doer, None
        if doer is not None:
            doer.close()

    def reboot(self, timeout: float = guest.BOOT_TIMEOUT_S) -> None:
        self.dismiss()
        super().reboot(timeout)

    def kill(self) -> None:
        self.dismiss()
        super().kill()

    def journal_cursor(self) -> str:
        """The journal's end now, to ask for what comes after it."""
        last = self.wait_until(lambda: self._journal(["-n", "1"]), 30, "an entry of the journal")
        return last[-1]["__CURSOR"]

    def journal(self, *matches: str, since: str | None = None) -> list[dict[str, Any]]:
        """The journal's entries as journalctl gives them, oldest first. Matches are FIELD=value or
        options of journalctl, since is a cursor.

        A field's value is a string; a list if the field occurs several times; and where it isn't
        UTF-8 the bytes are decoded with replacement characters."""
        # Not --after-cursor: with a match beside it, systemd 252 swallows the first entry after it.
        entries = self._journal([*([f"--cursor={since}"] if since else []), *matches])
        return [entry for entry in entries if entry["__CURSOR"] != since]

    def _journal(self, arguments: list[str]) -> list[dict[str, Any]]:
        result = self.steps(["run", "journalctl", "--sync"], ["query", *JOURNAL, *arguments])[1]
        # With no match journalctl's exit code is 1, as it is after an error: that says why.
        if result["exit"] and result["stderr"].strip():
            raise guest.CommandFailed(guest.Result(shlex.join(arguments), result["stdout"], result["stderr"],
                                                   result["exit"]))
        return self.journal_lines(result["stdout"])

    @staticmethod
    def journal_lines(text: str) -> list[dict[str, Any]]:
        """The entries of journalctl's output."""
        return [{key: _journal_value(value) for key, value in json.loads(line).items()}
                for line in text.splitlines() if line.startswith("{")]

    def wait_until(self, condition: Callable[[], T], timeout: float = 30, what: str = "a condition") -> T:
        return guest.wait_until(condition, timeout, what)

    def not_applicable(self, reason: str) -> NoReturn:
        """Ends the test as a skip. Only after a probe of this very guest: say what it found."""
        raise NotApplicable(reason)


def _journal_value(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(byte, int) for byte in value):
        return bytes(value).decode(errors="replace")
    if isinstance(value, list):
        return [_journal_value(item) for item in value]
    return value
