#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds `bailiff diff` against the oracle on random edits of random policies; prints TAP.

    differ.py --tool build/bailiff --seed 1 --pairs 200 --samples 300
    differ.py --tool build/bailiff --self-test

Where it says that there is no difference, thousands of samples of both policies must agree. Where it says
that there is one, the oracle must confirm each witness on both sides, and `bailiff test` the tests that
are made of it. What the oracle has no words for (who may take a name away, paths too deep to be
followed, executables with several names) is counted, not confirmed.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import edits  # noqa: E402
import generate  # noqa: E402
import oracle  # noqa: E402
from run import Tap  # noqa: E402

SIZES = [1, 2, 3, 6, 6, 12, 12, 25]
SAME, DIFFERENT, ERROR = range(3)
REFUSED_PERCENT = 10  # an edit may make what the parser refuses
SHOWN_MAX = 3


class Pair:
    """Two policies, by (seed, index), and what came of them."""

    def __init__(self, seed, index, wanted=None):
        self.label = "--seed %d --first %d" % (seed, index)
        rng = self.rng = random.Random("diff/%d/%d" % (seed, index))
        self.generator = generate.PolicyGenerator(rng, rng.choice(SIZES))
        self.old = self.generator.files()
        files = edits.load(self.old)
        self.edits = []
        self.kept = True     # the meaning is the same
        self.moves = False   # but perhaps who may take a name away
        self.edit(files, wanted or rng.choice(["same", "change", "change", "both"]))
        self.new = edits.dump(files)

    def edit(self, files, kind):
        if kind in edits.CHANGES:
            if edits.CHANGES[kind](files, self.rng, self.generator):
                self.edits.append(kind)
            self.kept = False
            return
        if kind in ("same", "both"):
            for name in self.rng.sample(sorted(edits.SAME), self.rng.randint(1, 3)):
                self.moves |= bool(edits.SAME[name](files, self.rng))
                self.edits.append(name)
            if self.rng.random() < 0.2:
                edits.as_globs(files, self.rng)
                self.edits.append("literals as globs")
                self.moves = True
        if kind in ("change", "both"):
            self.kept = False
            for name in self.rng.sample(sorted(edits.CHANGES), self.rng.choice([1, 1, 2])):
                if edits.CHANGES[name](files, self.rng, self.generator):
                    self.edits.append(name)

    def write(self, work):
        for name, texts in (("old", self.old), ("new", self.new)):
            folder = work / name
            folder.mkdir(exist_ok=True)
            for file in folder.iterdir():
                file.unlink()
            for i, text in enumerate(texts):
                (folder / ("file%d.json" % i)).write_text(text)

    def samples(self, count):
        """Accesses that the rules of either are about."""
        rules = oracle.Oracle(self.old).rules + oracle.Oracle(self.new).rules
        generator = generate.AccessGenerator(self.rng, rules)
        return [generator.access() for _ in range(count)]


class Tool:
    def __init__(self, path, work):
        self.path = path
        self.work = work
        (work / "root").mkdir()

    def diff(self):
        """(exit code, document)"""
        run = subprocess.run([self.path, "diff", "--json", "--root", self.work / "root", self.work / "old",
                              self.work / "new"], capture_output=True, text=True, check=False, timeout=300)
        if run.returncode not in (SAME, DIFFERENT, ERROR):
            raise AssertionError("exit %d: %s" % (run.returncode, run.stderr[-2000:]))
        return run.returncode, json.loads(run.stdout), run.stderr

    def failed_tests(self, side, tests):
        """What `bailiff test` says against tests of one side."""
        file = self.work / side / "tests.json"
        file.write_text(json.dumps({"bailiff": 1, "rules": [], "tests": tests}))
        run = subprocess.run([self.path, "test", "--root", self.work / "root", self.work / side],
                             capture_output=True, text=True, check=False, timeout=300)
        file.unlink()
        if run.returncode == 0:
            return []
        return [line for line in (run.stdout + run.stderr).splitlines() if not line.startswith("ok")][:5]


# ---- witnesses --------------------------------------------------------------------------------

ABI = pathlib.Path(__file__).resolve().parent.parent.parent / "bpf-lsm" / "abi.h"
FAMILIES = {name: int(number) for number, name in re.findall(r'\bx\((\d+), "(\w+)"\)', ABI.read_text())}


def plain(text):
    """The bytes that a pattern without wildcards stands for."""
    items, _ = oracle.read_items(text.encode(), 0, False)
    return bytes(items)


def address_of(text):
    return oracle.read_v6(text) if ":" in text else oracle.read_v4(text)


def access_of(witness):
    """The oracle's access for a witness; None: it has no words for it."""
    by = witness["by"]
    exes = oracle.as_list(by.get("exe", []))
    if witness["object"] == "too-deep" or witness.get("access") == "move" or len(exes) > 1 or \
       witness.get("assumed"):
        return None
    access = oracle.Access(witness["on"], uid=by["uid"], gids=oracle.as_list(by["gid"]),
                           exe=plain(exes[0]) if exes else None,
                           trust="container" if witness.get("in_container") else "host",
                           untrusted=witness.get("untrusted", False))
    kin = oracle.as_list(by.get("parent", [])) + oracle.as_list(by.get("ancestor", []))
    contained = witness.get("comes_from_container", [])
    if "parents" in witness or kin and (len(contained) not in (0, len(kin)) or exes and (
            bool(contained) != ("in_container" in witness))):
        return None  # a parent of several names, or some of this and some of that file system
    if contained:
        access.trust = "container"
    access.parent = plain(by["parent"]) if "parent" in by else None
    access.ancestors = tuple(map(plain, kin))
    access.kin_unknown = witness.get("comes_from_any", False)
    access.login = by.get("login")
    access.capabilities = tuple(oracle.read_capability(each) for each in by.get("capability", []))
    if "in_cgroup" in witness:
        access.cgroup = plain(witness["in_cgroup"])
        access.nested = witness.get("perhaps_in_container", False)
    if "path" in witness:
        access.path = plain(witness["path"])
    if witness["on"] == "exec":
        access.access = oracle.EXEC
        access.facts = tuple(witness.get("file", []))
        access.args = tuple(plain(arg) for arg in witness.get("args", []))
        if witness.get("access") == "trace":
            access.on = "trace"
    elif witness["on"] == "open":
        for word in witness["access"]:
            access.access |= oracle.ACCESS[word]
    else:
        return connect_of(witness, access)
    return access


def connect_of(witness, access):
    if "to" in witness:
        access.address = address_of(witness["to"])
        access.port = witness["port"]
        access.protocol = witness.get("raw_protocol", witness["protocol"][0])
        access.raw = "raw_protocol" in witness
        return access
    access.protocol = None
    if "socket" in witness:
        text = witness["socket"]
        access.socket = b"\0" + plain(text[1:]) if text.startswith("@") else plain(text)
        access.family = 1
    elif "family" in witness:
        access.family = FAMILIES.get(witness["family"], witness["family"])
    else:
        return None  # a socket without a name
    return access


def confirm(pair, difference):
    """What is wrong with a witness; '' where it is right, None where nobody can say."""
    access = access_of(difference["witness"])
    if access is None:
        return None
    if access.on in ("exec", "open") and access.path is None and "memfd" not in access.facts and \
       difference["witness"]["object"] != "unnamed":
        return "no path"
    told = []
    for side, texts in (("old", pair.old), ("new", pair.new)):
        verdict, rule, _ = pair.semantic(texts).decide(access)
        told.append(verdict)
        # A raw socket asks for its own protocol as well.
        if access.raw:
            continue
        want = difference[side]
        if (verdict, rule) != (want["verdict"], want.get("rule")):
            return "%s: %r is %s by %s, not %s by %s" % (side, access, verdict, rule, want["verdict"],
                                                         want.get("rule"))
    return "" if told[0] != told[1] else "%r is %s for both" % (access, told[0])


# ---- judging ----------------------------------------------------------------------------------


class Judge:
    def __init__(self, tool, samples):
        self.tool = tool
        self.samples = samples
        self.counts = collections.Counter()
        self.problems = []

    def judge(self, pair, answer=None):
        """Notes what is wrong with the answer about a pair. Returns the exit code."""
        oracles = {}
        pair.semantic = lambda texts: oracles.setdefault(id(texts), oracle.Oracle(texts))
        pair.write(self.tool.work)
        code, document, stderr = answer or self.tool.diff()
        if code == ERROR:
            self.counts["refused" if document["error"]["code"] == "policy" else "not decided"] += 1
            if document["error"]["code"] != "policy":
                self.problems.append((pair, stderr))
            return code
        self.counts[("no difference", "different")[code]] += 1
        differences = document["differences"]
        if (code == SAME) != (not differences):
            self.problems.append((pair, "exit %d with %d differences" % (code, len(differences))))
        self.judge_edit(pair, differences)
        self.judge_witnesses(pair, differences)
        self.judge_samples(pair, {each["witness"].get("access") == "trace" and "trace" or each["on"]
                                  for each in differences})
        return code

    def judge_edit(self, pair, differences):
        left = [each for each in differences if not (pair.moves and each["witness"].get("access") == "move")]
        if pair.kept and left:
            self.problems.append((pair, "a difference, but nothing was changed: %s" % left[0]["access"]))

    def judge_witnesses(self, pair, differences):
        for each in differences:
            wrong = confirm(pair, each)
            self.counts["witnesses"] += wrong is not None
            self.counts["witnesses without words"] += wrong is None
            self.counts["witnesses assumed"] += each["witness"].get("assumed", False)
            self.counts["tests"] += each["tests"] is not None
            if wrong:
                self.problems.append((pair, wrong))
        for side in ("old", "new"):
            tests = [each["tests"][side] for each in differences if each["tests"]]
            if tests:
                failed = self.tool.failed_tests(side, tests)
                if failed:
                    self.problems.append((pair, "%s: %s" % (side, failed)))

    def judge_samples(self, pair, operations):
        old, new = pair.semantic(pair.old), pair.semantic(pair.new)
        for access in pair.samples(self.samples):
            was, now = old.decide(access)[0], new.decide(access)[0]
            self.counts["samples"] += 1
            self.counts["samples that differ"] += was != now
            if was != now and access.on not in operations:
                self.problems.append((pair, "overlooked: %r was %s, is %s" % (access, was, now)))
                return

    def report(self, tap, what):
        for pair, problem in self.problems[:SHOWN_MAX]:
            tap.note(["%s (%s): %s" % (pair.label, ", ".join(pair.edits), problem)])
        few = self.counts["refused"] * 100 <= REFUSED_PERCENT * sum(
            self.counts[key] for key in ("refused", "no difference", "different"))
        tap.note(["%s: %d" % each for each in sorted(self.counts.items())])
        tap.result(not self.problems and few, what)


def compare(tap, tool, options):
    started = time.monotonic()
    judge = Judge(tool, options.samples)
    for index in range(options.first, options.first + options.pairs):
        judge.judge(Pair(options.seed, index))
    judge.report(tap, "%d pairs of policies, %.1f s" % (options.pairs, time.monotonic() - started))


def self_test(tap, tool, options):
    """An answer that forgets about what was edited must be noticed, whatever that is."""
    nothing = (SAME, {"differences": []}, "")
    for name in sorted(edits.CHANGES):
        noticed = False
        for index in range(options.first, options.first + options.pairs):
            pair = Pair(options.seed, index, name)
            judge = Judge(tool, options.samples)
            pair.write(tool.work)
            if not pair.edits or tool.diff()[0] != DIFFERENT:
                continue
            judge.judge(pair, nothing)
            noticed = bool(judge.problems)
            if noticed:
                break
        tap.result(noticed, "noticed after %d pairs: nothing is said of a change of %s" % (index + 1, name))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="build/bailiff")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first pair")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--samples", type=int, default=200, help="for each pair")
    parser.add_argument("--self-test", action="store_true", help="prove that what is overlooked is noticed")
    return parser.parse_args()


def main():
    options = arguments()
    tap = Tap()
    with tempfile.TemporaryDirectory() as work:
        tool = Tool(options.tool, pathlib.Path(work))
        (self_test if options.self_test else compare)(tap, tool, options)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
