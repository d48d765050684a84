# SPDX-License-Identifier: Apache-2.0
"""Purging the package: the last case, since it takes away what the others test."""


def test_purge_leaves_nothing(g):
    if g.run(["dpkg-query", "-W", "bailiff"], check=False).rc != 0:
        g.not_applicable("no package was given to the runner (--deb)")
    g.write("/etc/bailiff/policy.d/mine.json", '{ "bailiff": 1, "rules": [] }\n')
    g.run(["dpkg", "--purge", "bailiff"], timeout=300)
    left = g.sh("""
        find / -xdev -name '*bailiff*' ! -path '/root/*' ! -path '/proc/*'
        find /run /sys/fs/bpf -name '*bailiff*' ! -name 'bailiff-bailiff*'
    """)
    assert left == "", left
    assert g.run(["systemctl", "is-active", "bailiffd"], check=False).stdout.strip() != "active"
    programs = g.run(["bpftool", "prog", "list"]).stdout
    assert " bl_" not in programs, programs
