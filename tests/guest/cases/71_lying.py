# SPDX-License-Identifier: Apache-2.0
"""Lies for the reader of the journal: terminal escapes, and entries that look like bailiff's."""

from evasion import row
from trial import do, events, policy

RULE = {"id": "lies", "on": "open", "access": "read", "path": "/srv/l/**", "action": "deny"}
NAMES = {"escape": "\x1b[2J\x1b[31mred", "bell": "a\x07b", "override": "a\u202etxt.exe", "c1": "a\x9b31mb",
         "tab": "a\tb", "forged": "x\nBAILIFF_VERDICT=alert\nMESSAGE=nothing to see", "isolate": "a\u2066b\u2069"}


@row("G3", "G1")
def test_nothing_in_an_event_moves_the_terminal(g):
    """Names with control characters and with characters that turn the writing round."""
    deeds = {name: f"read({'/srv/l/' + text!r})" for name, text in NAMES.items()}
    try:
        assert set(do(g, {"make": "os.makedirs('/srv/l')\n" +
                          "\n".join(f"open({'/srv/l/' + text!r}, 'w').close()" for text in NAMES.values())}).values()) == {"ok"}
        assert set(do(g, deeds).values()) == {"ok"}
        with policy(g, RULE) as since:
            assert set(do(g, deeds).values()) == {"EPERM"}
            found = g.wait_until(lambda: (seen := events(g, since)) and len(seen) >= len(deeds) and seen, 60, "the events")
            shown = g.sh(f"bailiff events -n {len(deeds)}") + g.sh("bailiff events -o json")
        for event in found:
            assert event["BAILIFF_VERDICT"] == "deny" and event["BAILIFF_RULE"] == "lies", event
            for key in ("MESSAGE", "BAILIFF_PATH"):
                wild = [char for char in event[key] if not char.isprintable() or char in "\u202e\u2066\u2069\x9b"]
                assert not wild, (key, wild, event[key])
        assert not [char for char in shown if char in "\x1b\x07\u202e\u2066\u2069\x9b"], shown
        wanted = {("/srv/l/" + text).encode().hex() for text in NAMES.values()}
        assert {event["BAILIFF_PATH_HEX"] for event in found} == wanted, found
    finally:
        g.remove("/srv/l")


FORGE = """
import socket, sys
fields = {"MESSAGE": "denied open by nobody", "MESSAGE_ID": "2c5cc0dcd90b4b43a1990b24cde9d801", "BAILIFF_VERDICT": "deny",
          "BAILIFF_RULE": "forged", "BAILIFF_POLICY": "trial", "BAILIFF_SEQ": "1", "SYSLOG_IDENTIFIER": "bailiff",
          "_SYSTEMD_UNIT": "bailiffd.service", "_UID": "0"}
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto("".join(f"{k}={v}\\n" for k, v in fields.items()).encode(), "/run/systemd/journal/socket")
"""


@row("G6")
def test_entries_that_others_write(g):
    """What another process writes to the journal is not shown as bailiff's, whatever it claims."""
    since = g.journal_cursor()
    g.write("/root/forge.py", FORGE)
    try:
        g.run("setpriv --reuid=1000 --regid=1000 --clear-groups python3 - < /root/forge.py")
        g.run("python3 /root/forge.py")
        forged = g.wait_until(lambda: g.journal("BAILIFF_RULE=forged", since=since), 60, "the forged entries")
        assert len(forged) == 2, forged
        assert not events(g, since), events(g, since)
        assert "forged" not in g.sh("bailiff events -o json") + g.sh("bailiff events -n 50")
    finally:
        g.remove("/root/forge.py")
