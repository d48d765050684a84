# SPDX-License-Identifier: Apache-2.0
"""What tests of the tool share: policies made at random, the oracle's with all that it has no use for, and how
tests about so many of them are run."""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True  # the source folder is not ours to write to
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/oracle"))

import generate  # noqa: E402


class Decorator:
    """Adds what the oracle's generator has no use for: texts, and tests."""

    def __init__(self, rng):
        self.rng = rng

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def one(self, value):
        return [value] if self.chance(20) else value

    def test(self):
        rng = self.rng
        on = rng.choice(["exec", "open", "connect"])
        test = {"on": self.one(on), "expect": rng.choice(["allow", "alert", "deny", "kill", "would-deny", "would-kill"])}
        if on == "connect":
            kind = rng.choice(["address", "address", "icmp", "socket", "family"])
            if kind == "socket":
                test["socket"] = self.one(rng.choice(["/run/x.sock", "@name", "@"]))
            elif kind == "family":
                test["family"] = self.one(rng.choice(["netlink", "packet", 16, 40]))
            else:
                test["to"] = self.one(rng.choice(["192.0.2.1", "2001:db8::1", "192.0.2.1/32", "::ffff:1.2.3.4"]))
                test["protocol"] = self.one("icmp" if kind == "icmp" else rng.choice(["tcp", "udp"]))
                if kind == "address":
                    test["port"] = self.one(rng.choice([0, 443, 65535, "7-7"]))
        elif on == "exec" and self.chance(20):
            test["file"] = rng.choice(["memfd", ["memfd", "script"]])
        else:
            test["path"] = self.one(rng.choice(["/bin/sh", "/", "/a\\*b"]))
            if on == "exec" and self.chance(30):
                test["file"] = rng.choice(["setuid", ["deleted", "tmpfs"]])
            if on == "exec" and self.chance(30):
                test["args"] = rng.choice([[], "x", ["-c", ""]])
            if on == "open" and self.chance(50):
                test["access"] = rng.choice(["read", ["write", "create"]])
        if self.chance(50):
            test["by"] = rng.choice([{}, {"uid": 33}, {"uid": [0], "gid": "5-5"}, {"exe": "/bin/sh"}, {"uid": "root"},
                                      {"login": "unset", "capability": ["CAP_KILL", "bpf"]}, {"login": [1000], "container": [True]},
                                      {"unit": ["a.service"], "slice": "b.slice", "cgroup": "/b.slice/a.service"},
                                      {"container": "web", "capability": "chown"}, {"container": False, "unit": "\\x61.scope"}])
        return test

    def decorate(self, file):
        rng = self.rng
        if self.chance(30):
            file["$schema"] = "bailiff-policy.schema.json"
        if self.chance(30):
            file["description"] = rng.choice(["", "one\ntwo\tthree", "caf\u00e9 \u202e"])
        for rule in file["rules"] + file.get("profiles", []):
            if self.chance(20):
                rule["message"] = rng.choice(["", "it \"says\" \\ so", "\u00e9"])
            for note in "description", "false-positives", "tuning":
                if self.chance(10):
                    rule[note] = rng.choice(["", "two\nlines\tand \"more\"", "\u00e9"])
            if self.chance(20):
                rule["attack"] = rng.choice(["T1059", ["T1059.004", "TA0002"]])
        if self.chance(60):
            file["tests"] = [self.test() for _ in range(rng.randint(1, 3))]
        return file


def make_policy(seed, index):
    rng = random.Random(f"{seed}/{index}")
    texts = generate.PolicyGenerator(rng, rng.choice([1, 2, 3, 6, 12])).files()
    decorator = Decorator(rng)
    return [decorator.decorate(json.loads(text)) for text in texts]


def run_tests(module, policies):
    """Runs the tests of a module, by its globals(), each with a scratch folder and the options; prints TAP."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bailiff")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policies", type=int, default=policies)
    args = parser.parse_args()
    module["BAILIFF"] = args.bailiff
    tests = [(name[5:], each) for name, each in module.items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = False
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder), args)
                print(f"ok {number} - {name}", flush=True)
            except (AssertionError, OSError, ValueError, KeyError, subprocess.TimeoutExpired):
                failed = True
                print(f"not ok {number} - {name}", *traceback.format_exc().splitlines()[-12:], sep="\n# ", flush=True)
    return failed
