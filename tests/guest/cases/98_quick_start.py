# SPDX-License-Identifier: Apache-2.0
"""README's quick start, as a new user would do it: each command is copied from the text."""

import re
import time

from guest import HERE
from testguest import POLICY_DIR

README = HERE.parents[1] / "README.md"
MINUTES = 5


def commands():
    """What follows the prompts of the blocks, with the lines of a here-document."""
    text = README.read_text().partition("## Quick start\n")[2].partition("\n## ")[0]
    found = []
    for block in re.findall(r"^( *)```console\n(.*?)^ *```$", text, re.S | re.M):
        lines = [line.removeprefix(block[0]) for line in block[1].splitlines()]
        for line in lines:
            if line.startswith("# "):
                found.append(line[2:])
            else:
                found[-1] += "\n" + line
    assert len(found) > 12 and all("<<" in command or "\n" not in command for command in found), found
    return found


def test_each_command_of_the_quick_start(g):
    packages = g.run(["sh", "-c", "ls /root/bailiff_*.deb"], check=False).stdout.split()
    if not packages:
        g.not_applicable("no package was given to the runner (--deb)")
    g.run(["dpkg", "--purge", "bailiff"], timeout=300)
    began, said = time.monotonic(), []
    try:
        g.sh("mkdir -p /root/new; cd /root/new; ln -sf /root/bailiff_*.deb .")
        clock = float(g.read("/proc/uptime").split()[0])
        for command in commands():
            g.run(["journalctl", "--sync"])
            said.append((command, g.run(["/bin/bash", "-c", f"cd /root/new; {command}"], timeout=900).stdout))
        took = float(g.read("/proc/uptime").split()[0]) - clock
        events = [out for command, out in said if command.startswith("bailiff events")]
        assert 'alert exec path="/dev/shm/tool"' in events[0] and 'rule="base-exec-in-shared-memory"' in events[0], events
        assert "refused\n" in [out for command, out in said if "echo refused" in command], said
        assert 'denied exec path="/run/lock/tool"' in events[1] and 'rule="no-tools-from-run"' in events[1], events
        [explained] = [out for command, out in said if command.startswith("bailiff explain")]
        assert '"rule": "base-exec-in-shared-memory"' in explained, explained
        assert "1 adjusted" in "".join(out for command, out in said if command == "bailiff check"), said
        # Emulated, the verifier's minutes are not those of a user's machine.
        assert took < MINUTES * 60 or g.accelerator() == "tcg", f"it took {took:.0f} s, {time.monotonic() - began:.0f} s outside"
    finally:
        g.remove("/root/new", "/dev/shm/tool", "/run/lock/tool", *(f"{POLICY_DIR}/{name}.json" for name in ("90-site", "91-first")))
        g.mask_packs()
        g.run(["bailiff", "reload"], timeout=900)
