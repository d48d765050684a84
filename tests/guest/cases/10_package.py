# SPDX-License-Identifier: Apache-2.0
"""The package as installed: it runs, refuses nothing, and its own rules speak only when they should."""

import json

SHARED_MEMORY_RULE = "base-exec-in-shared-memory"


def need_package(g):
    if g.run(["dpkg-query", "-W", "bailiff"], check=False).rc != 0:
        g.not_applicable("no package was given to the runner (--deb)")


def verdicts(g, since):
    return [entry for entry in g.journal("-u", "bailiffd", since=since)
            if "BAILIFF_VERDICT" in entry]


def test_enabled_and_running(g):
    need_package(g)
    g.wait_until(lambda: g.run(["systemctl", "is-active", "bailiffd"], check=False).rc == 0, 180,
                 "bailiffd to be active")
    g.run(["systemctl", "is-enabled", "bailiffd"])
    status = json.loads(g.run(["bailiff", "status", "--json"]).stdout)
    assert status["schema"] == 1, status
    g.run(["bailiff", "check"])


def test_nothing_is_refused(g):
    need_package(g)
    status = g.run(["bailiff", "status"]).stdout
    assert "monitor" in status and ", enforce" not in status, status


def test_ordinary_work_is_silent(g):
    need_package(g)
    since = g.journal_cursor()
    g.sh("""
        useradd --create-home visitor
        echo 'visitor:swordfish' | chpasswd
        usermod --comment 'a visitor' visitor
        getent shadow visitor > /dev/null
        userdel --remove visitor
        ldconfig
        dpkg-query -l > /dev/null
        echo data > /dev/shm/data
        cat /dev/shm/data > /dev/null
        rm /dev/shm/data
    """)
    assert verdicts(g, since) == []


def test_the_shipped_rules_speak(g):
    need_package(g)
    since = g.journal_cursor()
    g.sh("""
        cp /bin/true /dev/shm/tool
        /dev/shm/tool
        rm /dev/shm/tool
        touch /etc/ld.so.preload
        rm /etc/ld.so.preload
        cp -p /etc/shadow /root/shadow
        cat /root/shadow > /etc/shadow
        rm /root/shadow
    """)
    wanted = {SHARED_MEMORY_RULE, "base-preload-written", "base-shadow-written"}

    def rules_seen():
        return {entry["BAILIFF_RULE"] for entry in verdicts(g, since)}

    g.wait_until(lambda: wanted <= rules_seen(), 30, "the events of three shipped rules")
    assert {entry["BAILIFF_VERDICT"] for entry in verdicts(g, since)} == {"alert"}


def test_catalog_explains(g):
    need_package(g)
    shown = g.run(["journalctl", "-x", "-u", "bailiffd", "--no-pager",
                   f"BAILIFF_RULE={SHARED_MEMORY_RULE}"]).stdout
    assert "Subject:" in shown and "/dev/shm/tool" in shown, shown
