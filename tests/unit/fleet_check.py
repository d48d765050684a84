#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/fleet.md: its commands and files, taken from the text and tried. Prints TAP.

    fleet_check.py path/to/bailiff
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/fleet.md").read_text()
POLICY = {"bailiff": 1, "rules": [{"id": "site-key", "on": "open", "path": "/srv/key", "action": "deny"}],
          "tests": [{"on": "open", "path": "/srv/key", "expect": "would-deny"}]}
BAILIFF = pathlib.Path()


def blocks(heading, kind):
    """The texts of a section's blocks of one kind."""
    section = re.split(r"^#{2,3} ", PAGE.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.M)[0]
    return [re.sub(r"^ {3}", "", text, flags=re.M) if text.startswith("   ") else text
            for text in re.findall(rf"^ *```{kind}\n(.*?)^ *```$", section, re.S | re.M)]


def write_policy(folder, policy=None):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "90-site.json"
    path.write_text(json.dumps(policy or POLICY))
    subprocess.run([BAILIFF, "fmt", path], check=True, stdout=subprocess.DEVNULL)
    return path


def sh(script, folder, *argv):
    """A script of the page's, whose bailiff is the one that was built."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    if not (tools / "bailiff").exists():
        (tools / "bailiff").symlink_to(BAILIFF)
    return subprocess.run(["sh", "-c", script, "fleet", *argv], cwd=folder, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})


def test_check_before_it_is_copied(tmp):
    [script] = blocks("Policies", "sh")
    path = write_policy(tmp / "policies")
    done = sh(script, tmp)
    assert done.returncode == 0, done
    path.write_text(path.read_text().replace("would-deny", "deny"))
    assert sh(script, tmp).returncode == 1
    path = write_policy(tmp / "policies")
    path.write_text(path.read_text().replace('"path"', '"pth"', 1))
    assert sh(script, tmp).returncode != 0


def test_the_debian_package(tmp):
    [install] = blocks("A Debian package of policies", "")
    [postinst] = blocks("A Debian package of policies", "sh")
    source, place = install.split()
    write_policy(tmp / "policies")
    (tmp / "package" / place).mkdir(parents=True)
    shutil.copy(tmp / source, tmp / "package" / place)
    control = tmp / "package/DEBIAN"
    control.mkdir()
    (control / "control").write_text("Package: site-bailiff\nVersion: 1\nArchitecture: all\nDepends: bailiff\nMaintainer: nobody <a@example.org>\n"
                                     "Description: policies of the site\n")
    (control / "postinst").write_text(postinst)
    (control / "postinst").chmod(0o755)
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tmp / "package", tmp / "x.deb"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["dpkg-deb", "--extract", tmp / "x.deb", tmp / "host"], check=True)
    assert (tmp / "host/etc/bailiff/policy.d/90-site.json").exists()
    # Where systemd runs the daemon is asked to reload; what that says is no failure of the package's.
    (tmp / "tools").mkdir()
    (tmp / "tools/systemctl").write_text('#!/bin/sh\necho "$@" >> "$0.asked"\nexit 1\n')
    (tmp / "tools/systemctl").chmod(0o755)
    # The question for systemd is put to a folder of the test's, which is there.
    script = postinst.replace("/run/systemd/system", str(tmp))
    assert script != postinst
    done = sh(script, tmp, "configure")
    assert done.returncode == 0 and "bailiff check" in done.stderr, done
    assert (tmp / "tools/systemctl.asked").read_text() == "reload bailiffd.service\n"


def test_what_the_play_runs(tmp):
    tasks, handler = blocks("Ansible", "yaml")
    [command] = re.findall(r"validate: (.*)", tasks)
    path = write_policy(tmp / "policies")
    assert sh(command.replace("%s", str(path)), tmp).returncode == 0
    path.write_text("{")
    assert sh(command.replace("%s", str(path)), tmp).returncode != 0
    assert "name: bailiffd.service" in handler and "state: reloaded" in handler
    # A mask as the play makes it.
    (tmp / "etc/bailiff/policy.d").mkdir(parents=True)
    write_policy(tmp / "usr/share/bailiff/policy.d")
    [source] = re.findall(r"src: (/\S+)", tasks)
    (tmp / "etc/bailiff/policy.d/90-site.json").symlink_to(source)
    done = sh(f"bailiff check --root {tmp}", tmp)
    assert done.returncode == 0 and "0 rules" in done.stdout, done


def test_an_image(tmp):
    [script] = blocks("An image", "sh")
    write_policy(tmp / "image/etc/bailiff/policy.d")
    script = script.replace("/path/to/image", str(tmp / "image"))
    assert sh(script, tmp).returncode == 0
    (tmp / "image/etc/bailiff/policy.d/91-wrong.json").write_text('{"bailiff": 1, "rule": []}')
    assert sh(script, tmp).returncode in (1, 2)


def test_the_exit_code_of_diff(tmp):
    old = write_policy(tmp / "old")
    new = write_policy(tmp / "new", {**POLICY, "rules": [{**POLICY["rules"][0], "path": "/srv/other"}], "tests": []})
    assert sh(f"bailiff diff {old} {old}", tmp).returncode == 0
    assert sh(f"bailiff diff {old} {new}", tmp).returncode == 1


def main():
    global BAILIFF
    BAILIFF = pathlib.Path(sys.argv[1]).resolve()
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        text = name[5:].replace("_", " ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                print(f"ok {number} - {text}")
            except Exception:
                failed += 1
                print(f"not ok {number} - {text}\n# " + traceback.format_exc().strip().replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
