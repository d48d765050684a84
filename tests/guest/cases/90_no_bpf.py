# SPDX-License-Identifier: Apache-2.0
"""A kernel that was booted without 'bpf' among its security modules."""

FRESH = True
BOOT_ARGS = "lsm=capability,apparmor"


def test_daemon_says_what_to_do(g):
    assert "bpf" not in g.read("/sys/kernel/security/lsm")
    g.wait_until(lambda: g.run(["systemctl", "is-failed", "-q", "bailiffd"], check=False).rc == 0, 60)
    assert g.sh("systemctl show -P ExecMainStatus bailiffd").strip() == "3"
    text = g.sh("journalctl -u bailiffd -o cat")
    assert "nothing is enforced" in text and "lsm=" in text, text


def test_doctor_says_what_to_do(g):
    result = g.run(["bailiff", "doctor"], check=False)
    assert result.rc == 3 and "lsm=" in result.stdout and "bpf" in result.stdout, result.describe()


def test_tool_says_that_no_daemon_runs(g):
    result = g.run(["bailiff", "status"], check=False)
    assert result.rc == 4 and "not running" in result.stderr, result.describe()
