# SPDX-License-Identifier: Apache-2.0
"""What a security team does with the events of a living system: other formats, proof, replay, report, top, metrics."""

import json

from trial import check_fields, do, events, policy

RULES = [
    {"id": "soc-open", "on": "open", "access": "read", "path": "/srv/soc/denied", "action": "deny", "severity": "high"},
    {"id": "soc-exec", "on": "exec", "path": "/srv/soc/tool", "action": "alert"},
    {"id": "soc-net", "on": "connect", "to": "127.0.0.9", "action": "deny"},
]
DEEDS = {
    "open": "read('/srv/soc/denied')",
    "exec": "import subprocess\nsubprocess.run(['/srv/soc/tool'], check=True)",
    "net": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.9', 4000))",
}


def prepare(g):
    g.sh("mkdir -p /srv/soc; echo x > /srv/soc/denied; cp /bin/true /srv/soc/tool")


def done_and_told(g, since):
    answers = do(g, DEEDS)
    assert answers == {"open": "EPERM", "exec": "ok", "net": "EPERM"}, answers
    found = g.wait_until(lambda: (seen := events(g, since)) and {each["BAILIFF_RULE"] for each in seen} == {rule["id"] for rule in RULES}
                         and seen, 60, "an event of each rule")
    g.run(["journalctl", "--sync"])
    return found


def test_formats_and_filters(g):
    """The events of a living system in every format, and filters by what they say."""
    prepare(g)
    try:
        with policy(g, *RULES) as since:
            found = done_and_told(g, since)
            for form in ("json", "ecs", "ocsf"):
                shown = [json.loads(line) for line in g.run(["bailiff", "events", "--after", since, "--verdicts", "-o", form]).stdout.splitlines()]
                assert len(shown) == len(found), (form, shown)
            ecs = json.loads(g.run(["bailiff", "events", "-n", "1", "--rule", "soc-open", "-o", "ecs"]).stdout)
            event = [each for each in found if each["BAILIFF_RULE"] == "soc-open"][-1]
            assert (ecs["event"]["id"], ecs["process"]["pid"], ecs["file"]["path"], ecs["host"]["boot"]["id"]) == \
                (event["BAILIFF_EVENT_ID"], int(event["BAILIFF_PID"]), "/srv/soc/denied", event["_BOOT_ID"]), ecs
            cef = g.run(["bailiff", "events", "-n", "1", "--on", "connect", "-o", "cef"]).stdout
            assert cef.startswith("CEF:0|bailiff|bailiff|") and " dst=127.0.0.9 " in cef and " act=blocked " in cef, cef
            assert g.run(["bailiff", "events", "--after", since, "--severity", "critical"]).stdout == ""
            check_fields(event, rule="soc-open", severity="high")
    finally:
        g.remove("/srv/soc")


def test_replay_report_top(g):
    """What another policy would have said, a page, and the live view of the last minute."""
    prepare(g)
    try:
        with policy(g, *RULES) as since:
            done_and_told(g, since)
            g.write("/root/other.json", json.dumps({"bailiff": 1, "mode": "enforce", "rules": [RULES[0]]}))
            same = json.loads(g.run(["bailiff", "replay", "--json", "--since", "-10min", "--rule", "soc-*"]).stdout)
            assert same["differences"] == 0 and same["unjudged"] == 0 and same["count"] >= 3, same
            done = g.run(["bailiff", "replay", "--json", "--since", "-10min", "--rule", "soc-*", "/root/other.json"], check=False)
            value = json.loads(done.stdout)
            assert done.rc == 1 and {(each["then"], each["now"]) for each in value["changes"]} == \
                {("deny", "deny"), ("deny", "allow"), ("alert", "allow")}, value
            g.run(["bailiff", "report", "--html", "/root/page.html", "--since", "-10min"])
            page = g.sh("cat /root/page.html")
            assert page.endswith("</html>\n") and "soc-net" in page and "127.0.0.9:4000" in page and "<script" not in page
            top = json.loads(g.run(["bailiff", "top", "--once", "--json", "--window", "600"]).stdout)
            assert {"soc-open", "soc-exec", "soc-net"} <= {each["name"] for each in top["rules"]}, top
            live = g.run("timeout 3 bailiff top", check=False).stdout
            assert live.count("rules") >= 2 and "soc-open" in live and "\x1b" not in live, live
    finally:
        g.remove("/srv/soc", "/root/other.json", "/root/page.html")
