# SPDX-License-Identifier: Apache-2.0
"""A kernel without BTF, as the daemon and the tool see it: there is nothing in /sys/kernel/btf.

No boot option takes BTF away, and the kernels of all suites have it."""

# Beside the daemon that runs: this one ends before it has loaded anything.
DAEMON = ["systemd-run", "--wait", "-q", "--unit=without-btf", "-p", "InaccessiblePaths=/sys/kernel/btf",
          "-p", "RuntimeMaxSec=60", "/usr/sbin/bailiffd", "--run-dir", "/run/without-btf"]


def test_daemon_says_what_is_missing(g):
    cursor = g.journal_cursor()
    try:
        g.sh("mkdir -p /run/without-btf")
        result = g.run(DAEMON, check=False, timeout=300)
        assert result.rc == 3, result.describe()
        said = "\n".join(entry["MESSAGE"] for entry in g.journal("_SYSTEMD_UNIT=without-btf.service", since=cursor))
        assert "/sys/kernel/btf" in said and "CONFIG_DEBUG_INFO_BTF" in said, said
    finally:
        g.run("systemctl reset-failed without-btf", check=False)
        g.remove("/run/without-btf")
    assert g.sh("systemctl is-active bailiffd").strip() == "active"


def test_doctor_says_what_is_missing(g):
    seen = g.run(["bailiff", "doctor"], check=False)
    assert seen.rc == 0, seen.describe()
    hidden = g.run("unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec bailiff doctor'", check=False)
    assert hidden.rc == 3 and "BTF" in hidden.stdout and "CONFIG_DEBUG_INFO_BTF=y" in hidden.stdout, hidden.describe()
