#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/errors.md and the diagnostics: every code of the sources has its line, and no line is of a code that is gone.
Prints TAP."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "policy").glob("*.c"), *(ROOT / "enforcer" / name for name in ("lint.c", "lint_vital.c", "expect.c", "policies.c", "build.c"))])
# What makes a diagnostic; its code is the first of the arguments that looks like one.
MAKERS = ("bl_parse_error", "bl_parse_diag", "bl_diag_add", "bl_lint_warn", "bl_lexer_fail", "bl_compiler_refuse", "report", "fail_path", "fail_net")
CODE = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"')
CALL = re.compile(r"\b(?:%s)\(" % "|".join(MAKERS))


def arguments(text, at):
    """What stands between the parenthesis before 'at' and the one that closes it."""
    depth, start = 1, at
    while depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def made():
    """The codes of calls, each with a place; and every literal that could be one."""
    codes, literals = {}, set()
    for path in SOURCES:
        text = path.read_text()
        literals |= set(CODE.findall(text))
        for call in CALL.finditer(text):
            code = CODE.search(arguments(text, call.end()))
            if code:
                codes.setdefault(code[1], f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, call.start()) + 1}")
    return codes, literals


def told():
    """The codes of the page, and those of which cause or cure is missing."""
    codes, empty = [], []
    for line in (ROOT / "docs/errors.md").read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0].startswith("`"):
            names = re.findall(r"`([^`]+)`", cells[0])
            codes += names
            empty += names if not (cells[1] and cells[2]) else []
    return codes, empty


def main():
    codes, literals = made()
    page, empty = told()
    checks = {"every code has a line": [f"{code} of {place}" for code, place in codes.items() if code not in page],
              "every line is of a code": [code for code in page if code not in literals],
              "no code has two lines": sorted({code for code in page if page.count(code) > 1}),
              "every line has cause and cure": empty,
              "the sources have codes": [] if len(codes) > 50 else [f"only {len(codes)} were found"]}
    print(f"1..{len(checks)}")
    for number, (what, found) in enumerate(checks.items(), 1):
        print(*[f"# {each}" for each in found], f"{'not ok' if found else 'ok'} {number} - {what}", sep="\n")
    return any(checks.values())


if __name__ == "__main__":
    sys.exit(main())
