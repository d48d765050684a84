# SPDX-License-Identifier: Apache-2.0
"""bailiff.mode=monitor on the kernel's command line: nothing is refused, whatever settings and files say, and it is said."""

import json

from testguest import POLICY_DIR

FRESH = True
BOOT_ARGS = "bailiff.mode=monitor"


def test_nothing_is_refused(g):
    g.sh("mkdir -p /srv/f; echo x > /srv/f/secret")
    g.write(f"{POLICY_DIR}/monitor.json", json.dumps({"bailiff": 1, "mode": "enforce", "rules": [
        {"id": "monitored", "on": "open", "path": "/srv/f/secret", "action": "deny"}]}))
    assert json.loads(g.sh("bailiff status --json"))["mode"] == "monitor"
    before = g.journal_cursor()
    g.run(["bailiff", "reload"], timeout=300)
    assert g.sh("cat /srv/f/secret").strip() == "x"
    event = g.wait_until(lambda: g.journal("BAILIFF_RULE=monitored", since=before), 60, "what would have been refused")[0]
    assert event["BAILIFF_VERDICT"] == "would-deny", event
    said = g.journal("_SYSTEMD_UNIT=bailiffd.service", "--grep=bailiff.mode=monitor")
    assert said, "nothing says that the command line has the last word"
