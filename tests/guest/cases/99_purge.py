# SPDX-License-Identifier: Apache-2.0
"""Purging the package: the last case, since it takes away what the others test."""

import json


def test_purge_leaves_nothing(g):
    if g.run(["dpkg-query", "-W", "bailiff"], check=False).rc != 0:
        g.not_applicable("no package was given to the runner (--deb)")
    g.sh("mkdir -p /srv/p; echo x > /srv/p/secret")
    g.write("/etc/bailiff/policy.d/mine.json", json.dumps({"bailiff": 1, "mode": "enforce", "rules": [
        {"id": "gone", "on": "open", "path": "/srv/p/secret", "action": "deny"}]}))
    g.run(["bailiff", "reload"], timeout=300)
    assert g.run(["cat", "/srv/p/secret"], check=False).rc != 0
    g.run(["dpkg", "--purge", "bailiff"], timeout=300)
    assert g.sh("cat /srv/p/secret").strip() == "x"
    g.remove("/srv/p")
    left = g.sh("""
        find / -xdev -name '*bailiff*' ! -path '/root/*' ! -path '/proc/*'
        find /run /sys/fs/bpf -name '*bailiff*' ! -name 'bailiff-bailiff*'
    """)
    assert left == "", left
    assert g.run(["systemctl", "is-active", "bailiffd"], check=False).stdout.strip() != "active"
    programs = g.run(["bpftool", "prog", "list"]).stdout
    assert " bl_" not in programs, programs
