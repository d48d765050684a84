#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/rules.md, made of the rules themselves: prints it, or with --check says where the committed page differs."""

import difflib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent / "docs/rules.md"

TOP = """\
# The shipped rules

<!-- Made of rules/ by rules/page.py; edit those. -->

bailiff comes with {rules} rules in {packs} packs. All of them only report (`alert`), and so refuse nothing. A test does, for each rule,
what it is about, and ordinary work besides, in guests with Linux 6.1, 6.12 and 7.2: each rule has to speak at its own,
and none at anything else (`tests/guest/cases/75_rules.py`). Each rule says in its file what it is for, what it reports though nothing is wrong,
and how to except that, and has tests beside it (`bailiff test`).

| pack | rules | in force as installed | what it is about |
|---|---|---|---|
{table}

`40-lists.json` has the lists that the packs share: shells, package managers, login programs, container runtimes, ports.
The packs need it: don't mask it without a file of the same name that has the same lists.

## Packs

The packs are policy files like any other. One that you don't want is masked by a link in `/etc/bailiff/policy.d/`,
the strict one, which is not in force as installed, is put in force by a link:

```
# ln -s /dev/null /etc/bailiff/policy.d/70-workstation.json
# ln -s /usr/share/bailiff/packs/80-strict.json /etc/bailiff/policy.d/
# systemctl reload bailiffd
```

## A rule that speaks too often

`bailiff explain --event ID` writes an exception for an event, as narrow as what is known of it. Exceptions stand in a file of
your own, such as `/etc/bailiff/policy.d/90-site.json`, and survive updates of the packs:

<!-- policy: site with packs -->
```json
{{
  "bailiff": 1,
  "adjust": [
    {{ "rule": "base-cron-written", "unless": {{ "by": {{ "exe": "/usr/local/sbin/deploy" }} }} }},
    {{ "rule": "base-root-startup-written", "enabled": false }},
    {{ "rule": "base-exec-in-shared-memory", "action": "deny" }}
  ]
}}
```

The last one makes a rule refuse: the packs are in monitor mode, so that it reports `would-deny` until a copy of the pack in
`/etc/bailiff/policy.d/` says `"mode": "enforce"`.

## What they can't see

- What a program does with a file that it has open, what a call returns, contents, and rates: the hooks are those of
  exec, open and connect.
- A program that has another name, where a rule goes by names: shells, interpreters, tools. What counts is the file that a name
  leads to, so that where many programs are one file (BusyBox, the coreutils of some distributions) such a rule is about
  all of them or none.
- What the package manager is made to do: what it starts, scripts of packages too, may change what packages change.
- dnf on EL 9 and 10 is a program of Python, and no rule can tell it from others. There updates by dnf are reported
  as changes of programs and libraries, until `/usr/bin/python3*` is added to `package-managers` in a copy of `40-lists.json`:
  then whatever runs in Python may make these changes.
- Rules on files of the host hold outside of containers; what a container does to its own files is its image's business.
"""

COLUMNS = ("rule", "what is reported", "why", "ATT&CK", "severity", "what is reported though nothing is wrong", "how to except it")


def each(value):
    return value if isinstance(value, list) else [value]


def cell(text):
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


def row(*cells):
    return "| " + " | ".join(cells) + " |\n"


def packs():
    """[(path, policy)] of the files that have rules, in the order of their names."""
    found = [(path, json.loads(path.read_text())) for path in HERE.rglob("*.json")]
    return sorted(((path, policy) for path, policy in found if policy.get("rules")), key=lambda each: each[0].name)


def page():
    found = packs()
    table = "\n".join(f"| [{policy['name']}](#{policy['name']}) (`{path.name}`) | {len(policy['rules'])} | "
                      f"{'yes' if path.parent == HERE else 'no'} | {policy['description']} |" for path, policy in found)
    text = TOP.format(rules=sum(len(policy["rules"]) for _, policy in found), packs=len(found), table=table)
    for path, policy in found:
        text += f"\n## {policy['name']}\n\n{policy['description']}\n\n"
        text += row(*COLUMNS) + "|" + "---|" * len(COLUMNS) + "\n"
        for rule in policy["rules"]:
            attack = ", ".join(f"[{one}](https://attack.mitre.org/techniques/{one.replace('.', '/')}/)" for one in each(rule["attack"]))
            text += row(f"`{rule['id']}`", cell(rule["message"]), cell(rule["description"]), attack, rule["severity"],
                        cell(rule["false-positives"]), cell(rule["tuning"]))
    return text


def main():
    made = page()
    if sys.argv[1:] != ["--check"]:
        sys.stdout.write(made)
        return 0
    written = PAGE.read_text() if PAGE.exists() else ""
    differences = list(difflib.unified_diff(written.splitlines(), made.splitlines(), "docs/rules.md", "made of rules/", lineterm="", n=0))
    print(f"1..1\n{'not ok' if differences else 'ok'} 1 - docs/rules.md says what the rules say")
    for line in differences[:40]:
        print(f"# {line}")
    if differences:
        print("# write it anew: rules/page.py > docs/rules.md")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
