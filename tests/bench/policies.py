# SPDX-License-Identifier: Apache-2.0
"""Policies of any size for the benchmarks: policies.py FILE RULES [ADDRESSES]. The same size gives
the same policy, byte by byte.

The accesses that are measured are mentioned by rules that let them pass: their deny holds for
another user. So each measures the whole way to a verdict, and nothing is reported.
"""

import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

DIR = "/srv/bailiff/benchmark"
NOBODY = 4242
MIXED = 1000  # rules up to here are of all kinds, those beyond are literals
FEW_ADDRESSES = 10


def _scatter(number: int) -> int:
    """The finaliser of splitmix64."""
    mask = (1 << 64) - 1
    number = (number + 0x9E3779B97F4A7C15) & mask
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & mask
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & mask
    return number ^ (number >> 31)


def addresses(count: int) -> list[str]:
    """Distinct IPv4 addresses, every tenth a network of 256; the first one is the loopback's."""
    found = {"127.0.0.1": None}
    number = 0
    while len(found) < count:
        h = _scatter(number)
        host = f"{h % 254 + 1}" if number % 10 else "0/24"
        found[f"{11 + (h >> 8) % 100}.{(h >> 16) % 256}.{(h >> 24) % 256}.{host}"] = None
        number += 1
    return list(found)


def _path(number: int) -> str:
    h = _scatter(number)
    return f"/srv/{h % 256:02x}/{(h >> 8) % 256:02x}/indicator-{number:07d}/object.dat"


def _measured() -> Iterator[dict[str, Any]]:
    """The rules that the measured accesses meet."""
    by = {"uid": NOBODY}
    yield {"id": "literal", "on": "open", "path": f"{DIR}/files/mentioned-1", "by": by, "action": "deny"}
    yield {"id": "tree", "on": "open", "path": f"{DIR}/fresh/**", "by": by, "action": "deny"}
    yield {"id": "peers", "on": "connect", "to": "@peers", "by": by, "action": "deny"}
    yield {"id": "program", "on": "exec", "path": ["/bin/true", "/usr/bin/true"], "by": by,
           "action": "deny"}


def _other(number: int) -> dict[str, Any]:
    """Rule number 'number' of the rest: literals, and among the first ones all other kinds."""
    rule: dict[str, Any] = {"id": f"r{number}", "on": "open", "path": _path(number), "action": "deny"}
    kind = number % 10 if number < MIXED else 0
    if kind == 1:
        rule["path"] = f"/srv/trees/{number}/**"
    elif kind == 2:
        rule["path"] = f"/home/*/.config{number}/*.{{key,pem}}"
    elif kind == 3:
        rule["unless"] = [{"by": {"exe": f"/usr/bin/tool-{number // 100}"}}]
    elif kind == 4:
        rule.update({"on": "exec", "path": f"/opt/tools/{number}/run"})
    elif kind == 5:
        rule.pop("path")
        rule.update({"on": "connect", "to": f"10.{number % 256}.0.0/16", "port": 1024 + number % 100})
    return rule


def rules(count: int) -> list[dict[str, Any]]:
    measured = list(_measured())
    return measured + [_other(number) for number in range(count - len(measured))]


def policy(count: int, peers: int = FEW_ADDRESSES) -> dict[str, Any]:
    return {"bailiff": 1, "name": "benchmark", "mode": "enforce",
            "lists": {"peers": addresses(peers)}, "rules": rules(count)}


def write(path: pathlib.Path, count: int, peers: int = FEW_ADDRESSES) -> pathlib.Path:
    """Writes a policy by a process of its own, so that its memory is not that of the caller."""
    subprocess.run([sys.executable, __file__, path, str(count), str(peers)], check=True)
    return path


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text(json.dumps(policy(*map(int, sys.argv[2:])), indent=0))
