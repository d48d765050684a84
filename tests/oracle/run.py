#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the compiled engines against the oracle on random policies and accesses; prints TAP."""

import argparse
import json
import random
import sys
import time

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import engines  # noqa: E402
import generate  # noqa: E402
import mutants  # noqa: E402
import oracle  # noqa: E402
import shrink  # noqa: E402

SIZES = [1, 2, 3, 6, 6, 12, 12, 25, 25, 60, 150]
BATCH = 20           # cases an engine's run
REFUSED_PERCENT = 5  # of the policies may exceed a budget
SHOWN_MAX = 3        # failures that are shrunk and printed


def make_case(seed, index, accesses):
    """Everything follows from (seed, index)."""
    rng = random.Random("%d/%d" % (seed, index))
    texts = generate.PolicyGenerator(rng, rng.choice(SIZES)).files()
    reference = oracle.Oracle(texts)
    generator = generate.AccessGenerator(rng, reference.rules)
    asked = [generator.access() for _ in range(accesses)]
    return engines.Case(texts, asked, [reference.decide(each) for each in asked],
                        seed=rng.choice([0, rng.getrandbits(63)]),
                        label="--seed %d --first %d" % (seed, index))


# ---- the same policy, written otherwise -------------------------------------------------------


def permuted(texts, rng):
    """The rules in another order, spread over more files."""
    files = []
    for file in map(json.loads, texts):
        rules = file["rules"]
        rng.shuffle(rules)
        cut = rng.randint(0, len(rules))
        # What the rules of the second file name is in the first one.
        files.append(dict(file, rules=rules[:cut]))
        if rules[cut:]:
            files.append({"bailiff": 1, "mode": file.get("mode", "monitor"), "rules": rules[cut:]})
    rng.shuffle(files)
    return [json.dumps(file) for file in files]


def as_glob(text):
    """A literal as a glob that matches the same: its last plain letter as a class."""
    if any(byte in text for byte in "*?[]{}\\"):
        return text
    for at in range(len(text) - 1, 0, -1):
        if text[at].isascii() and text[at].isalnum():
            return "%s[%s]%s" % (text[:at], text[at], text[at + 1:])
    return text


def map_paths(value, change):
    if isinstance(value, dict):
        return {key: each if key in ("on", "id") else map_paths(each, change)
                for key, each in value.items()}
    if isinstance(value, list):
        return [map_paths(each, change) for each in value]
    return change(value) if isinstance(value, str) and value.startswith("/") else value


def literals_as_globs(texts, rng):
    pick = lambda text: as_glob(text) if rng.random() < 0.3 else text
    return [json.dumps(map_paths(json.loads(text), pick)) for text in texts]


VARIANTS = {"rules permuted and split over files": permuted,
            "literals written as globs": literals_as_globs}


def variant(case, change):
    rng = random.Random(case.label)
    return engines.Case(change(case.texts, rng), case.accesses, case.expected,
                        label=case.label + " varied")


# ---- what the kernel side can't know ----------------------------------------------------------


def unknown_case(case, accesses, change):
    """Accesses whose object or executable is changed to something that can't be known."""
    rng = random.Random(case.label + change.__name__)
    reference = oracle.Oracle(case.texts)
    rules = [rule for rule in reference.rules if rule.match.path]
    generator = generate.AccessGenerator(rng, reference.rules)
    asked = [generator.access() for _ in range(accesses)]
    asked = [access for access in asked if change(access, rng, generator, rules)]
    return engines.Case(case.texts, asked, [reference.decide(each) for each in asked],
                        label="%s %s" % (case.label, change.__name__))


def deep(access, rng, generator, rules):
    """The path is too long or too deep for the kernel side's walk."""
    if access.on in ("connect", "trace") or "memfd" in access.facts or not rules:
        return False
    access.path = generator.deep_path(rng.choice(rules).match.path)
    return True


def lost(access, rng, generator, rules):
    """The object is disconnected from its root."""
    access.path = None
    return access.on not in ("connect", "trace") and "memfd" not in access.facts


def foreign(access, rng, generator, rules):
    """The executable is on a file system that the host doesn't mount."""
    access.trust = rng.choice(["container", "container", "none"])
    return True


def other_rule(case):
    """What was decided otherwise, the count of others left aside: such lists are shortened."""
    return [(access, want, got) for access, want, got in case.differences()
            if want[:2] != got[:2]]


def lenient(case):
    """What was decided less strictly than the oracle, who can see all of the path, would. What a rule with
    '**' denies has no arguments for another rule to look at."""
    order = ("allow",) + oracle.VERDICTS
    asking = {rule.id for rule in oracle.Oracle(case.texts).rules if rule.match.args is not None}
    return [(access, want, got) for access, want, got
            in zip(case.accesses, case.expected, case.answers)
            if case.refused is None and order.index(got[0]) < order.index(want[0])
            and not (got[0] == "deny" and want[1] in asking)]


def compare_unknown(tap, engine, cases, change, judge):
    cases = [unknown_case(case, 30, change) for case in cases]
    engine.ask(cases)
    failed = [(case, each) for case in cases for each in judge(case)]
    for case, (access, wanted, answered) in failed[:SHOWN_MAX]:
        tap.note(["%s: %r: %s, not %s" % (case.label, access, answered, wanted)])
    hits = sum(want[0] != "allow" for case in cases for want in case.expected)
    tap.result(not failed and hits > 0, "%s, %s: %d pairs, %d of them mentioned by rules, "
               "%d differences" % (engine.name, change.__name__,
                                   sum(len(case.accesses) for case in cases), hits, len(failed)))


# ---- running ----------------------------------------------------------------------------------


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, good, what):
        self.count += 1
        self.failed += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, what), flush=True)

    def note(self, lines):
        for line in lines:
            print("# " + line, flush=True)

    def end(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0


def show(tap, engine, case, difference):
    """One failure, shrunk."""
    access, wanted, answered = difference
    tap.note(["difference in a case made by %s" % case.label])
    small = shrink.Shrinker(engine).shrink(case.texts, access)
    if small is None:
        tap.note(["%r: %s, not %s; alone it doesn't fail" % (access, answered, wanted)])
    else:
        tap.note(shrink.describe(small, engine))


def compare(tap, engine, cases, what):
    """One TAP line: all cases through one engine."""
    started = time.monotonic()
    pairs = refused = wrong = 0
    for at in range(0, len(cases), BATCH):
        batch = cases[at:at + BATCH]
        try:
            engine.ask(batch)
        except engines.Failed as failure:
            tap.note(str(failure).splitlines())
            wrong += 1
            continue
        for case in batch:
            if case.refused is not None:
                refused += 1
                tap.note(["%s refused: %s" % (case.label, case.refused)])
                continue
            pairs += len(case.accesses)
            different = case.differences()
            if different and wrong < SHOWN_MAX:
                show(tap, engine, case, different[0])
            wrong += len(different)
    few = refused * 100 <= REFUSED_PERCENT * len(cases)
    tap.result(wrong == 0 and few and pairs > 0,
               "%s, %s: %d pairs, %d policies, %d refused, %d differences, %.1f s" % (
                   engine.name, what, pairs, len(cases), refused, wrong,
                   time.monotonic() - started))


def self_test(tap, engine, cases):
    """Every broken oracle must be found out by some case."""
    for at in range(0, len(cases), BATCH):
        engine.ask(cases[at:at + BATCH])
    tap.result(not any(case.differences() for case in cases), "the oracle itself agrees")
    for name, make in mutants.MUTANTS.items():
        semantics = make()
        tried = 0
        found = False
        for case in cases:
            if case.refused is None:
                reference = oracle.Oracle(case.texts, semantics)
                tried += 1
                found = any(reference.decide(access) != wanted for access, wanted
                            in zip(case.accesses, case.expected))
            if found:
                break
        tap.result(found, "noticed after %d policies: %s" % (tried, name))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first policy")
    parser.add_argument("--policies", type=int, default=200)
    parser.add_argument("--accesses", type=int, default=100, help="for each policy")
    parser.add_argument("--engine", choices=["user", "kernel", "both", "explain"], default="user")
    parser.add_argument("--user", default="build/decide", help="program of the user engine")
    parser.add_argument("--kernel", default="build/decide_kernel", help="... of the kernel's")
    parser.add_argument("--explain", default="build/explain", help="... that explains")
    parser.add_argument("--self-test", action="store_true",
                        help="prove that broken oracles are noticed")
    return parser.parse_args()


def main():
    options = arguments()
    tap = Tap()
    programs = {"user": ("user space", options.user), "kernel": ("kernel", options.kernel),
                "explain": ("explanations", options.explain)}
    names = ("user", "kernel") if options.engine == "both" else (options.engine,)
    wanted = [engines.Engine(*programs[name]) for name in names]
    cases = [make_case(options.seed, options.first + i, options.accesses)
             for i in range(options.policies)]
    try:
        for engine in wanted:
            if options.self_test:
                self_test(tap, engine, cases)
                continue
            compare(tap, engine, cases, "as generated")
            for what, change in VARIANTS.items():
                varied = [variant(case, change) for case in cases[::4]]
                compare(tap, engine, varied, what)
            if engine.name != "kernel":
                compare_unknown(tap, engine, cases[::3], deep, lenient)
                compare_unknown(tap, engine, cases[::3], lost, other_rule)
            else:
                compare_unknown(tap, engine, cases[::3], foreign, engines.Case.differences)
    except engines.Skipped as skipped:
        print("1..0 # SKIP %s" % skipped)  # to meson the exit code of a TAP test is no skip
        return 0
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
