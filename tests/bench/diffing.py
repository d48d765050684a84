# SPDX-License-Identifier: Apache-2.0
"""diff: what `bailiff diff` of two policies takes, from JSON texts to what differs."""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import bench
import policies

sys.path.insert(0, str(bench.ROOT / "tests" / "oracle"))
import edits  # noqa: E402
import generate  # noqa: E402

ROUNDS = 2
RULES = 1000
TIME_S = 2.0
LITERALS = 100_000
TRIES = 20
CHANGED = ("action", "path", "uid", "exe", "to", "rule dropped")


def _diff(tool: pathlib.Path, old: pathlib.Path, new: pathlib.Path) -> tuple[float, float, int]:
    """Seconds of processor, MB at the peak, and how many differences there are."""
    process = subprocess.Popen([tool, "diff", "--json", old, new], stdout=subprocess.PIPE)
    document = json.load(process.stdout)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise bench.BenchError(f"bailiff diff {old.name} {new.name} ended with {process.returncode}")
    process.stdout.close()
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, len(document["differences"])


def _mixed() -> list[dict]:
    """Rules of every kind, with subjects, exceptions and stars: more mixed than policies.py has them."""
    rules = []
    for i in range(RULES):
        rule = {"id": f"r{i}", "action": "deny", "severity": ("low", "high")[i % 2]}
        rule.update([
            {"on": "open", "path": f"/srv/d{i}/**", "access": "write", "by": {"uid": f"{i * 10}-{i * 10 + 500}"}},
            {"on": "open", "path": f"/home/*/.c{i}/*.{{key,pem}}", "unless": [{"by": {"exe": f"/usr/bin/t{i // 20}"}}]},
            {"on": "exec", "path": f"/opt/**/run{i}", "by": {"gid": [i, i + 1]}},
            {"on": "connect", "to": f"10.{i % 256}.0.0/16", "port": f"{1000 + i}-{1100 + i}", "by": {"uid": i}},
            {"on": "exec", "file": ["tmpfs", "deleted"], "by": {"uid": i}},
            {"on": "open", "path": f"/var/*/x{i}*", "by": {"exe": [f"/usr/bin/a{i}", f"/usr/lib/**/b{i}"]}},
            {"on": "connect", "to": f"fd00:{i:x}::/32", "protocol": "tcp"},
            {"on": "exec", "path": f"/usr/bin/p{i}",
             "unless": [{"by": {"uid": 0, "gid": 5}}, {"by": {"exe": "/usr/sbin/q*"}}]},
        ][i % 8])
        rules.append(rule)
    return rules


def _edited(rules: list[dict], rng: random.Random) -> list[dict]:
    rules = [dict(rule) for rule in rules]
    rng.shuffle(rules)
    for rule in rng.sample(rules, 20):
        rule["action"] = "alert"
    return rules[10:] + [{"id": "more", "on": ["open", "exec"], "by": {"uid": 77}, "action": "kill"}]


def _write(path: pathlib.Path, rules: list[dict], mode: str = "enforce") -> pathlib.Path:
    peers = policies.addresses(policies.FEW_ADDRESSES)
    path.write_text(json.dumps({"bailiff": 1, "mode": mode, "lists": {"peers": peers}, "rules": rules}))
    return path


def _folder(path: pathlib.Path, files: list[dict]) -> pathlib.Path:
    path.mkdir()
    for i, file in enumerate(files):
        (path / f"{i}.json").write_text(json.dumps(file))
    return path


def _random(tool: pathlib.Path, work: pathlib.Path, rng: random.Random):
    """Random rules that the compiler takes: of so many there can be more stars than it has states for."""
    for turn in range(TRIES):
        generator = generate.PolicyGenerator(rng, RULES)
        texts = generator.files()
        folder = _folder(work / f"random-{turn}", edits.load(texts))
        if subprocess.run([tool, "diff", folder, folder], capture_output=True).returncode == 0:
            return generator, texts, folder
    raise bench.BenchError(f"none of {TRIES} random policies of {RULES} rules can be compiled")


def _pairs(tool: pathlib.Path, work: pathlib.Path):
    """(what, old, new, whether the bar is about it)"""
    rng = random.Random(1)
    usual = policies.rules(RULES)
    old = _write(work / "usual.json", usual)
    yield f"{RULES:,} usual rules, reordered", old, _write(work / "usual-same.json", usual[::-1]), True
    yield f"{RULES:,} usual rules, edited", old, _write(work / "usual-new.json", _edited(usual, rng)), True
    rules = _mixed()
    old = _write(work / "mixed.json", rules)
    yield f"{RULES:,} mixed rules, reordered", old, _write(work / "same.json", rules[::-1]), True
    yield f"{RULES:,} mixed rules, edited", old, _write(work / "new.json", _edited(rules, rng)), True
    yield f"{RULES:,} mixed rules, monitored", old, _write(work / "monitor.json", rules, "monitor"), True
    generator, texts, old = _random(tool, work, rng)
    files = edits.load(texts)
    edits.shuffled(files, rng)
    edits.split(files, rng)
    yield f"{RULES:,} random rules on few names, as others", old, _folder(work / "random-same", files), False
    files = edits.load(texts)
    for name in CHANGED:
        edits.CHANGES[name](files, rng, generator)
    yield f"{RULES:,} random rules on few names, edited", old, _folder(work / "random-new", files), False
    many = policies.rules(LITERALS)
    old = _write(work / "many.json", many)
    yield f"{LITERALS:,} rules, edited", old, _write(work / "many-new.json", _edited(many, rng)), False


def run(args: argparse.Namespace) -> None:
    tool = bench.program(args, "bailiff")
    rows = []
    with bench.work_directory() as work:
        for what, old, new, bounded in _pairs(tool, work):
            bench.say(what)
            began = time.monotonic()
            runs = [_diff(tool, old, new) for _ in range(ROUNDS)]
            cpu, memory, count = (min(column) for column in zip(*runs))
            took = (time.monotonic() - began) / ROUNDS
            verdict = f"{'met' if cpu <= TIME_S else 'NOT MET'} ({TIME_S:g} s)" if bounded else ""
            rows.append([what, f"{count:,}", f"{cpu * 1e3:,.0f}", f"{took * 1e3:,.0f}", f"{memory:,.0f}", verdict])
    print(f"bailiff diff, the best of {ROUNDS} runs; passed: their mean")
    bench.table(["policies", "differences", "processor ms", "passed ms", "peak MB", "bar"], rows)
