# SPDX-License-Identifier: Apache-2.0
"""A kernel under lockdown=confidentiality, which keeps BPF from reading its memory."""

FRESH = True
BOOT_ARGS = "lockdown=confidentiality"


def test_daemon_and_doctor_say_so(g):
    state = g.read("/sys/kernel/security/lockdown")
    if "[confidentiality]" not in state:
        g.not_applicable(f"this kernel does not lock down by its command line: {state.strip()}")
    doctor = g.run(["bailiff", "doctor"], check=False)
    assert doctor.rc == 3 and "confidentiality" in doctor.stdout, doctor.describe()
    g.wait_until(lambda: g.run(["systemctl", "is-failed", "-q", "bailiffd"], check=False).rc == 0, 60)
    assert g.sh("systemctl show -P ExecMainStatus bailiffd").strip() == "3"
    assert "lockdown" in g.sh("journalctl -u bailiffd -o cat")
