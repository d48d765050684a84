# SPDX-License-Identifier: Apache-2.0
"""What a security team does with the events of a living system: other formats, proof, replay, report, top, metrics."""

import json

from trial import check_fields, do, events, policy, settle

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

# Leaves the entry of one event out.
CUT = """
import sys
wanted = b"BAILIFF_EVENT_ID=" + sys.argv[1].encode()
for entry in sys.stdin.buffer.read().split(b"\\n\\n"):
    if entry and wanted not in entry.split(b"\\n"):
        sys.stdout.buffer.write(entry + b"\\n\\n")
"""


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


def test_all_are_there(g):
    """A run of the daemon is complete by its numbers; a copy of the journal without one event is not."""
    prepare(g)
    try:
        with policy(g, *RULES) as since:
            found = sorted(done_and_told(g, since), key=lambda each: int(each["BAILIFF_SEQ"]))
            settle(g)
            g.run(["journalctl", "--sync"])
            value = json.loads(g.run(["bailiff", "events", "--verify", "--json"], check=False).stdout)
            run = value["runs"][-1]
            assert run["good"] and run["started"] and run["events"] and run["cpus"], value
            g.sh("journalctl -q -o export _SYSTEMD_UNIT=bailiffd.service _SYSTEMD_INVOCATION_ID=" + run["invocation"] + " > /root/all")
            assert json.loads(g.run("bailiff events --verify --json --file /root/all").stdout)["ok"] is True
            # Without an event in the middle.
            g.write("/root/cut.py", CUT)
            g.sh(f"python3 /root/cut.py {found[0]['BAILIFF_EVENT_ID']} < /root/all > /root/some")
            done = g.run(["bailiff", "events", "--verify", "--json", "--file", "/root/some"], check=False)
            assert done.rc == 1 and json.loads(done.stdout)["runs"][0]["unaccounted"] == 1, (done, found)
    finally:
        g.remove("/srv/soc", "/root/all", "/root/some", "/root/cut.py")


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


def samples(text):
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def test_metrics(g):
    """Verdicts by rule, mode and hook; with the kernel's statistics on, runs of programs; how full maps are."""
    prepare(g)
    before = g.sh("cat /proc/sys/kernel/bpf_stats_enabled").strip()
    try:
        g.sh("echo 1 > /proc/sys/kernel/bpf_stats_enabled")
        with policy(g, *RULES) as since:
            first = samples(g.run(["bailiff", "metrics"]).stdout)
            done_and_told(g, since)
            g.run(["bailiff", "metrics", "--output", "/root/bailiff.prom"])
            last = samples(g.sh("cat /root/bailiff.prom"))
            name = 'bailiff_verdicts_total{rule="soc-open",policy="trial",verdict="deny",mode="enforce",hook="file_open"}'
            assert last[name] == first.get(name, 0) + 1, (first.get(name), last.get(name))
            assert any('rule="soc-exec"' in key and 'mode="alert"' in key for key in last), last
            assert last["bailiff_up"] == 1 and last["bailiff_denied_total"] >= first["bailiff_denied_total"] + 2
            assert last['bailiff_reloads_total{result="loaded"}'] >= 1 and last["bailiff_policy_generation"] >= 2
            assert last["bailiff_programs_readable"] == 1 and last["bailiff_program_stats_enabled"] == 1
            runs = 'bailiff_program_runs_total{hook="file_open"}'
            assert last[runs] > first[runs] and last['bailiff_program_run_seconds_total{hook="file_open"}'] > 0, last
            fills = {key: value for key, value in last.items() if key.startswith("bailiff_map_entries")}
            assert fills and all(value <= last[key.replace("map_entries", "map_max_entries")] for key, value in fills.items()), fills
            assert g.sh("tail -n 1 /root/bailiff.prom") == "# EOF\n"
    finally:
        g.sh(f"echo {before} > /proc/sys/kernel/bpf_stats_enabled")
        g.remove("/srv/soc", "/root/bailiff.prom")
