# SPDX-License-Identifier: Apache-2.0
"""bailiff.mode=off on the kernel's command line: bailiffd is not started, nor starts by hand, and nothing is enforced."""

import json

from testguest import POLICY_DIR

FRESH = True
BOOT_ARGS = "bailiff.mode=off"


def test_nothing_is_enforced(g):
    g.sh("mkdir -p /srv/f; echo x > /srv/f/secret")
    g.write(f"{POLICY_DIR}/off.json", json.dumps({"bailiff": 1, "mode": "enforce", "rules": [
        {"id": "off", "on": "open", "path": "/srv/f/secret", "action": "deny"}]}))
    g.sh("systemctl start bailiffd")
    assert g.run(["systemctl", "is-active", "bailiffd"], check=False).stdout.strip() == "inactive"
    started = g.run(["/usr/sbin/bailiffd", "--log", "console"], check=False)
    assert started.rc == 2 and "bailiff.mode=off" in started.stderr, started.describe()
    assert g.sh("cat /srv/f/secret; ls /sys/fs/bpf").split() == ["x"]
