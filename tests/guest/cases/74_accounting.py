# SPDX-License-Identifier: Apache-2.0
"""Whatever is denied is told, told as a repeat, or counted as lost: the sums match."""

import json

from evasion import row
from trial import do, events, policy, settle

SMP = 2

RULE = {"id": "flood", "on": "open", "access": "read", "path": "/srv/a/denied", "action": "deny"}
OTHER = {"id": "foreign", "on": "open", "access": "read", "path": "/srv/a/foreign", "action": "deny"}
# A process for each processor, and one more; each says when it is in the middle of its loop.
FLOOD = """
import os, sys
count, path = int(sys.argv[1]), "/srv/a/denied"
children = []
for _ in range(os.cpu_count() + 1):
    pid = os.fork()
    if not pid:
        for turn in range(count):
            if turn == count // 2:
                open("/run/middle", "w").close()
            try:
                os.close(os.open(path, os.O_RDONLY)); os._exit(1)
            except PermissionError:
                pass
        os._exit(0)
    children.append(pid)
for pid in children:
    if os.waitpid(pid, 0)[1]:
        sys.exit("something was not denied")
print(len(children) * count)
"""
# One file after the other: nothing of that is a repeat.
MANY = """
import os, sys
for turn in range(int(sys.argv[1])):
    try:
        os.close(os.open(f"/srv/a/many/{turn}", os.O_RDONLY)); sys.exit("something was not denied")
    except PermissionError:
        pass
"""
KERNEL = ("lost_ring", "lost_scratch", "lost_limit", "lost_repeats")
DAEMON = ("dropped_full", "dropped_memory", "dropped_refused", "dropped_repeats")


def prepare(g):
    g.sh("mkdir -p /srv/a; echo x > /srv/a/denied; echo x > /srv/a/foreign; rm -f /run/middle")


def status(g):
    return json.loads(g.sh("bailiff status --json"))


def lost(state):
    return sum(state["counters"][name] for name in KERNEL) + sum(state["journal"][name] for name in DAEMON)


def entries(g, since, *matches):
    return g.journal("_SYSTEMD_UNIT=bailiffd.service", *matches, since=since)


def times(found):
    return sum(1 + int(event.get("BAILIFF_FOLDED", 0)) for event in found)


def all_told(g, since, first, count):
    """The entries, once they and what was lost make up the count, and nothing waits."""
    state = status(g)
    if state["journal"]["waiting"] or state["counters"]["folded"] != state["counters"]["unfolded"]:
        return None
    g.run(["journalctl", "--sync"])
    found = g.journal("_SYSTEMD_UNIT=bailiffd.service", "BAILIFF_RULE=flood", since=since)
    return found if times(found) + lost(state) - lost(first) >= count else None


def flood(g, since, script, count, attempts, middle=lambda: None):
    first = settle(g)
    g.write("/root/flood.py", script)
    g.sh(f"python3 /root/flood.py {count} > /run/flood.out 2>&1 & echo $! > /run/flood.pid")
    middle()
    g.wait_until(lambda: g.run("kill -0 $(cat /run/flood.pid)", check=False).rc, 400, "the end of the flood")
    said = g.sh("cat /run/flood.out").strip()
    assert said in ("", str(attempts)), said
    denied = status(g)["counters"]["denied"] - first["counters"]["denied"]
    found = g.wait_until(lambda: all_told(g, since, first, attempts), 120, "all to be told")
    last = status(g)
    print(f"# {g.kernel()}: {attempts} denied by the rule, {len(found)} entries for {times(found)} of them, "
          f"{lost(last) - lost(first)} lost", flush=True)
    return first, last, denied, found


@row("G4")
def test_sums_match(g, count=20000):
    """Every processor in a loop of denied calls: told, folded and lost are what was denied, to the last one; what
    somebody else is denied meanwhile is told."""
    prepare(g)
    try:
        attempts = (int(g.sh("nproc")) + 1) * count
        with policy(g, RULE, OTHER) as since:
            def foreign():
                g.wait_until(lambda: g.run("test -e /run/middle", check=False).rc == 0, 300, "the flood's middle")
                assert do(g, {"read": "read('/srv/a/foreign')"}) == {"read": "EPERM"}
            first, last, denied, found = flood(g, since, FLOOD, count, attempts, foreign)
            other = g.wait_until(lambda: events(g, since, "BAILIFF_RULE=foreign"), 60, "the foreign denial")
        assert denied == attempts + 1 and len(other) == 1, (denied, attempts, other)
        assert times(found) + lost(last) - lost(first) == attempts, (times(found), first, last)
        assert len(found) < attempts / 20, len(found)
        numbers = [(event["BAILIFF_CPU"], event["BAILIFF_SEQ"]) for event in found]
        assert len(set(numbers)) == len(numbers)
        for event in found:
            if "BAILIFF_FOLDED" in event:
                assert int(event["BAILIFF_FOLDED_SINCE_NS"]) <= int(event["BAILIFF_TIME_BOOTTIME_NS"]), event
                assert f" folded={event['BAILIFF_FOLDED']} " in event["MESSAGE"], event
        verified = json.loads(g.run(["bailiff", "events", "--verify", "--json"], check=False).stdout)
        assert verified["runs"][-1]["good"] and verified["runs"][-1]["folded"] >= times(found) - len(found), verified
    finally:
        g.remove("/srv/a", "/root/flood.py", "/run/middle")


def test_limit(g, count=10000):
    """A rule makes so many events and no more; the rest is lost, with its numbers, and that is told."""
    prepare(g)
    g.sh(f"mkdir /srv/a/many; cd /srv/a/many; seq 0 {count - 1} | xargs touch")
    try:
        with policy(g, {**RULE, "path": ["/srv/a/many/*", "/srv/a/denied"]}) as since:
            first, last, denied, found = flood(g, since, MANY, count, count)
            told = g.wait_until(lambda: g.journal("_SYSTEMD_UNIT=bailiffd.service", "MESSAGE_ID=41085948c4884093a9405dddb2b1e94f",
                                                  since=since), 60, "the message of what was lost")
            # Another control group has events of its own.
            g.run("systemd-run --wait -q --unit=elsewhere cat /srv/a/denied", check=False, timeout=120)
            other = g.wait_until(lambda: events(g, since, "BAILIFF_UNIT=elsewhere.service"), 60, "the event of another unit")
        over = last["counters"]["lost_limit"] - first["counters"]["lost_limit"]
        assert denied == count and len(other) == 1, (denied, other)
        assert times(found) + lost(last) - lost(first) == count and over > 0, (len(found), first, last)
        assert sum(int(event["BAILIFF_LOST_LIMIT"]) for event in told) == over, (told, over)
        verified = json.loads(g.run(["bailiff", "events", "--verify", "--json"], check=False).stdout)
        assert verified["runs"][-1]["good"], verified
    finally:
        g.remove("/srv/a", "/root/flood.py")


def verified(g):
    """The run that goes on now, by the whole journal."""
    g.run(["journalctl", "--sync"])
    return json.loads(g.run(["bailiff", "events", "--verify", "--json"], check=False).stdout)["runs"][-1]


def test_the_next_daemon_goes_on_with_the_numbers(g):
    """Denials before, while nobody is there, and after: one series of numbers, all of them there."""
    prepare(g)
    deeds = {str(n): "read('/srv/a/denied')" for n in range(3)}
    try:
        with policy(g, RULE) as since:
            before = verified(g)
            assert set(do(g, deeds).values()) == {"EPERM"}
            g.run(["systemctl", "kill", "-s", "KILL", "bailiffd"])
            assert set(do(g, deeds).values()) == {"EPERM"}
            # Where systemd has not started it again by then.
            g.run(["systemctl", "start", "bailiffd"], timeout=300)
            assert set(do(g, deeds).values()) == {"EPERM"}
            found = g.wait_until(lambda: (seen := entries(g, since, "BAILIFF_RULE=flood")) and times(seen) >= 9 and seen, 60, "all events")
            after = g.wait_until(lambda: (run := verified(g)) and run["daemons"] > before["daemons"] and run, 60, "the next daemon")
        assert len({event["BAILIFF_SERIES"] for event in found}) == 1 and times(found) == 9, found
        assert after["series"] == found[0]["BAILIFF_SERIES"] == before["series"], (before, after)
        assert after["good"], after
        assert len({event["_SYSTEMD_INVOCATION_ID"] for event in found}) == 2, found
    finally:
        g.remove("/srv/a")


def test_heartbeat(g):
    """With all counters, and how far it has read; what is taken out of the end of a journal is missed."""
    prepare(g)
    g.sh("cp /etc/bailiff/bailiff.conf /root/conf; echo 'heartbeat = 2s' >> /etc/bailiff/bailiff.conf")
    try:
        g.run(["systemctl", "restart", "bailiffd"], timeout=300)
        with policy(g, RULE) as since:
            assert do(g, {"read": "read('/srv/a/denied')"}) == {"read": "EPERM"}
            event = g.wait_until(lambda: events(g, since), 60)[0]
            def told():
                beats = g.journal("_SYSTEMD_UNIT=bailiffd.service", "MESSAGE_ID=4c70f3df3fc943d598d614e199464351", since=event["__CURSOR"])
                return beats[1:] and beats[1]
            beat = g.wait_until(told, 60, "a heartbeat")
        assert beat["PRIORITY"] == "6" and beat["BAILIFF_SERIES"] == event["BAILIFF_SERIES"], beat
        numbers = dict(each.split(":") for each in beat["BAILIFF_NUMBERS"].split(","))
        assert int(numbers[event["BAILIFF_CPU"]]) >= int(event["BAILIFF_SEQ"]), (numbers, event)
        assert int(beat["BAILIFF_KERNEL_DENIED"]) >= 1 and int(beat["BAILIFF_SEEN"]) >= 1, beat
        # All but the events since the rule was there.
        g.sh("journalctl -q -o export _SYSTEMD_UNIT=bailiffd.service > /root/all; awk 'BEGIN { RS = \"\"; ORS = \"\\n\\n\" } !/BAILIFF_RULE=flood/' "
             "/root/all > /root/some")
        cut = json.loads(g.run(["bailiff", "events", "--verify", "--json", "--file", "/root/some"], check=False).stdout)
        assert not cut["ok"] and cut["runs"][-1]["unaccounted"] >= 1, cut
    finally:
        g.sh("cp /root/conf /etc/bailiff/bailiff.conf")
        g.run(["systemctl", "restart", "bailiffd"], timeout=300)
        g.remove("/srv/a", "/root/all", "/root/some", "/root/conf")
