# SPDX-License-Identifier: Apache-2.0
"""bailiff explain --event: what the journal says of a verdict is enough to say why, and to lift it."""

import json

from trial import do, events, policy

RULES = [
    {"id": "files", "on": "open", "path": "/srv/explain/**", "action": "deny",
     "unless": {"by": {"exe": "/usr/bin/dpkg"}}},
    {"id": "programs", "on": "exec", "path": "/srv/explain-bin/*", "action": "deny"},
    {"id": "net", "on": "connect", "to": ["127.0.0.9", "::1"], "port": "4000-4010", "action": "deny"},
    {"id": "sockets", "on": "connect", "socket": "@explain*", "action": "deny"},
]
NAME = "/srv/explain/a*b\\xff\\n\\\"c"  # as a string of Python: what no display can show as it is
# What nobody listens at is refused by no rule where it is a unix socket: there is none to be judged.
ABSTRACT = """
import socket
at = b'\\0explain\\xff\\"'
listener = socket.socket(socket.AF_UNIX)
listener.bind(at)
listener.listen()
socket.socket(socket.AF_UNIX).connect(at)
"""
CONNECT = """
import socket
s = socket.socket(socket.{family}, socket.{kind})
try:
    s.{call}
except ConnectionRefusedError:
    pass
"""
DEEDS = {
    "open": "open(b'%s', 'wb').close()" % NAME,
    "exec": "import subprocess\nsubprocess.run(['/srv/explain-bin/x*{y}'], check=True)",
    "tcp": CONNECT.format(family="AF_INET", kind="SOCK_STREAM", call="connect(('127.0.0.9', 4001))"),
    "udp6": CONNECT.format(family="AF_INET6", kind="SOCK_DGRAM", call="sendto(b'x', ('::1', 4002))"),
    "abstract": ABSTRACT,
}


def explain(g, *args):
    return json.loads(g.run(["bailiff", "explain", "--json", *args]).stdout)


def prepare(g):
    g.sh("mkdir -p /srv/explain /srv/explain-bin; touch /srv/explain/x; cp /bin/true '/srv/explain-bin/x*{y}'")


def explain_event(g, event):
    """Holds an explanation against the event; returns it."""
    value = explain(g, "--event", event["BAILIFF_EVENT_ID"])
    assert value == explain(g, "--event", event["__CURSOR"])
    told = value["event"]
    assert (value["verdict"], value["rule"]["id"]) == ("deny", event["BAILIFF_RULE"]), (event, value)
    assert (told["verdict"], told["rule"], told["same_policy"]) == ("deny", event["BAILIFF_RULE"], True), told
    assert value["rule"]["file"].endswith("/trial.json") and "note" not in value, value
    return value


def one_of_each(found):
    enough = len(found) >= len(DEEDS) and {event["BAILIFF_RULE"] for event in found} == {each["id"] for each in RULES}
    return found if enough else None


def test_events_are_explained_and_lifted(g):
    """Each refusal is explained by its event alone, and what that says would allow it does, in the kernel."""
    prepare(g)
    pasted = []
    try:
        before = do(g, DEEDS)
        assert set(before.values()) == {"ok"}, before
        with policy(g, *RULES) as since:
            refused = do(g, DEEDS)
            assert set(refused.values()) == {"EPERM"}, refused
            found = g.wait_until(lambda: one_of_each(events(g, since)), 60, "an event for each deed")
            lifting = [explain_event(g, event)["allow"] for event in found]
            pasted = [g.put_policy(f"pasted-{number}", each) for number, each in enumerate(lifting)]
            g.run(["bailiff", "reload"])
            # Now the policy allows each of these, as it has said, and the explanation knows that it is another one.
            allowed = do(g, DEEDS)
            assert set(allowed.values()) == {"ok"}, allowed
            after = explain(g, "--event", found[0]["BAILIFF_EVENT_ID"])
            assert after["verdict"] == "allow" and after["event"]["same_policy"] is False, after
            assert after["note"] == "another policy was in force then", after
            # Whoever else does the same is refused as before.
            g.sh("cp /bin/cat /srv/other")
            for other in (["/srv/other", "/srv/explain/x"], ["env", "/srv/explain-bin/x*{y}"]):
                done = g.run(other, check=False)
                assert done.rc != 0 and "Operation not permitted" in done.stderr, done
    finally:
        g.remove("/srv/explain", "/srv/explain-bin", "/srv/other", *pasted)
        g.run(["bailiff", "reload"])


def test_taking_hold_of_a_process(g):
    """An event of a trace is explained as one: the rule is about the program's process."""
    rule = {"id": "held", "on": "open", "path": "/srv/explain/x", "action": "deny",
            "unless": {"by": {"exe": "/srv/explain-bin/sleep"}}}
    g.sh("mkdir -p /srv/explain /srv/explain-bin; cp /bin/sleep /srv/explain-bin/sleep")
    try:
        with policy(g, rule) as since:
            done = g.run("""/srv/explain-bin/sleep 60 & sleep 0.5
                python3 -c "open('/proc/$!/mem', 'rb').read(0)"; rc=$?; kill $!; exit $rc""", check=False, timeout=60)
            assert done.rc != 0, done
            found = g.wait_until(lambda: events(g, since, "BAILIFF_RULE=held", "BAILIFF_ACCESS=trace"), 60)
            value = explain_event(g, found[0])
            assert value["allow"]["adjust"][0]["unless"]["by"]["exe"] == found[0]["BAILIFF_EXE"], value
    finally:
        g.remove("/srv/explain", "/srv/explain-bin")


def test_who_may_ask(g):
    """Without an event there is nothing to be root for; the journal is for those who may read it."""
    with policy(g, RULES[0]) as since:
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = g.run([*nobody, "bailiff", "explain", "open", "/srv/explain/x"])
        assert "deny by files" in done.stdout, done
        done = g.run([*nobody, "bailiff", "explain", "--event", since], check=False)
        assert done.rc == 4, done
        done = g.run(["bailiff", "explain", "--event", "00000000-none"], check=False)
        assert done.rc == 1 and "no verdict" in done.stderr, done
        # Entries of others than the daemon are none, whatever they say.
        g.sh("printf 'MESSAGE_ID=605187a6e04c4b72b24d4698f4b97985\\nBAILIFF_EVENT_ID=forged\\nBAILIFF_ON=open\\n"
             "BAILIFF_PATH=/x\\nMESSAGE=x\\n' | logger --journald; journalctl --sync")
        assert g.journal("BAILIFF_EVENT_ID=forged"), "the forged entry is not in the journal"
        done = g.run(["bailiff", "explain", "--event", "forged"], check=False)
        assert done.rc == 1, done
