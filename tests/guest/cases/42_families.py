# SPDX-License-Identifier: Apache-2.0
"""connect: families of sockets that have no address that a rule could name."""

from evasion import row
from trial import check_fields, policy, trial

MODULES = "for m in vsock vsock_loopback rds rds_tcp rxrpc tipc can can_raw bluetooth; do modprobe -q $m || :; done; " \
          "ip link set lo up; for a in 10.1.1.1 10.2.0.1; do ip addr replace $a/32 dev lo; done"
CLEAN = "for a in 10.1.1.1 10.2.0.1; do ip addr del $a/32 dev lo 2> /dev/null || :; done"
SOCKETS = {"packet": (17, 3), "vsock": (40, 1), "rds": (21, 5), "tipc": (30, 5), "alg": (38, 5), "bluetooth": (31, 5),
           "can": (29, 3), "xdp": (44, 3), "key": (15, 3), "netlink": (16, 3)}
PROTOCOLS = {"can": 1, "key": 2}


def make(name):
    family, kind = SOCKETS[name]
    return f"make_socket({family}, {kind}, {PROTOCOLS.get(name, 0)}).close()"


@row("D14", "D15")
def test_sockets_are_not_made(g):
    named = {"packet", "vsock", "rds", "tipc", "bluetooth", "can", "xdp", "key"}
    found = trial(g, [{"id": "family", "on": "connect", "family": sorted(named), "action": "deny", "severity": "low"}],
                  {name: make(name) for name in sorted(named)},
                  allowed={"alg": make("alg"), "netlink": make("netlink"), "udp": "send('127.0.0.1', 7)",
                           "unix": "socket.socket(socket.AF_UNIX).close()"}, prepare=MODULES, clean=CLEAN)
    for event in found:
        check_fields(event, verdict="deny", on="connect", hook="socket_create", rule="family")
        assert "BAILIFF_ADDRESS" not in event and "BAILIFF_PORT" not in event, event
    packet = [event for event in found if event["BAILIFF_FAMILY"] == "packet"]
    assert packet and packet[0]["MESSAGE"].startswith('denied connect family="packet" protocol="0" by exe='), found


def test_numbers_exceptions_and_subjects(g):
    user = "os.setresuid(1000, 1000, 1000); " + make("netlink")
    trial(g, [{"id": "number", "on": "connect", "family": 40, "action": "deny"},
              {"id": "all", "on": "connect", "family": "any", "by": {"uid": 1000}, "action": "deny",
               "unless": [{"family": ["unix", "inet"]}]}],
          {"vsock": make("vsock"), "netlink of a user": user,
           "v6 of a user": "os.setresuid(1000, 1000, 1000); connect('::1', 7, socket.AF_INET6)"},
          allowed={"netlink": make("netlink"), "tipc": make("tipc"), "v6": "connect('::1', 7, socket.AF_INET6)",
                   "v4 of a user": "os.setresuid(1000, 1000, 1000); connect('127.0.0.1', 7)"},
          prepare=MODULES, clean=CLEAN)


def test_monitor_only_tells(g):
    g.sh(MODULES)
    try:
        with policy(g, {"id": "m", "on": "connect", "family": "vsock", "action": "deny"}, mode="monitor") as since:
            g.run(["python3", "-c", "import socket; socket.socket(40, 1)"])
            found = g.wait_until(lambda: g.journal("BAILIFF_RULE=m", since=since))
        check_fields(found[0], verdict="would-deny", family="vsock")
    finally:
        g.sh(CLEAN)


HOLDER = """
import socket, sys
s = socket.socket(40, 1)
print("made", flush=True)
sys.stdin.readline()
try:
    s.connect((1, 4711))
except OSError as error:
    print(error.errno, flush=True)
"""


@row("D14")
def test_a_socket_that_was_there_before(g):
    """Made before the policy, or passed on: its connect is judged."""
    g.sh(MODULES)
    script = "mkfifo /tmp/go; python3 /root/holder.py < /tmp/go > /tmp/said & exec 3> /tmp/go; sleep 2; {}; echo >&3; " \
             "wait; tail -n 1 /tmp/said; rm -f /tmp/go /tmp/said"
    g.write("/root/holder.py", HOLDER)
    rule = {"id": "old", "on": "connect", "family": "vsock", "action": "deny"}
    try:
        answer = g.sh(script.format("true")).strip()
        assert answer not in ("1", ""), answer
        g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": "enforce", "rules": [rule]})
        assert g.sh(script.format("bailiff reload >&2")).strip() == "1"
    finally:
        g.remove("/etc/bailiff/policy.d/trial.json", "/root/holder.py")
        g.run(["bailiff", "reload"])
        g.sh(CLEAN)


@row("D14", "D30")
def test_rds_has_ip_addresses(g):
    """RDS is a family of its own with IP addresses: both kinds of rules hold."""
    send = "s = make_socket(21, 5); s.bind(('10.2.0.1', 4000)); raw_send(s, sockaddr4('{}', 4001))".format
    found = trial(g, [{"id": "host", "on": "connect", "to": "10.1.1.1", "action": "deny"}],
                  {"guarded": send("10.1.1.1")}, allowed={"other": send("10.2.0.1")}, prepare=MODULES, clean=CLEAN)
    check_fields(found[0], address="10.1.1.1", port="4001", hook="socket_sendmsg")


@row("D30")
def test_rxrpc_has_ip_addresses(g):
    """The address of RxRPC is one of UDP in another one."""
    connect = "raw_connect(make_socket(33, 2, 2), rxrpc_address('{}', 7))".format
    found = trial(g, [{"id": "host", "on": "connect", "to": "10.1.1.1", "port": 7, "protocol": "udp", "action": "deny"}],
                  {"connect": connect("10.1.1.1"), "send": "rxrpc_send('10.1.1.1', 7)"},
                  allowed={"other": connect("10.2.0.1"), "send, other": "rxrpc_send('10.2.0.1', 7)"},
                  prepare=MODULES, clean=CLEAN)
    for event in found:
        check_fields(event, address="10.1.1.1", port="7", protocol="udp")
