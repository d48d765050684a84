# SPDX-License-Identifier: Apache-2.0
"""The rules that are shipped: silent on ordinary work, and not silent where they should speak."""

SHARED_MEMORY_RULE = "base-exec-in-shared-memory"


def need_package(g):
    if g.run(["dpkg-query", "-W", "bailiff"], check=False).rc != 0:
        g.not_applicable("no package was given to the runner (--deb)")


def verdicts(g, since):
    return [entry for entry in g.journal("-u", "bailiffd", since=since)
            if "BAILIFF_VERDICT" in entry]


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
