# SPDX-License-Identifier: Apache-2.0
"""connect: addresses, ports and protocols, in every call that names a destination."""

from evasion import row
from trial import check_fields, trial

# Addresses of our own on the loopback interface: no packet leaves the guest.
PREPARE = """
ip link set lo up
for a in 10.1.1.1 10.1.2.1 10.2.0.1 192.0.2.1; do ip addr replace $a/32 dev lo; done
for a in 2001:db8::1 2001:db8:1::1; do ip -6 addr replace $a/128 dev lo nodad; done
"""
CLEAN = """
for a in 10.1.1.1 10.1.2.1 10.2.0.1 192.0.2.1; do ip addr del $a/32 dev lo 2> /dev/null || :; done
for a in 2001:db8::1 2001:db8:1::1; do ip -6 addr del $a/128 dev lo 2> /dev/null || :; done
"""
V6 = "socket.AF_INET6"


def deny(rule="connect", **more):
    return {"id": rule, "on": "connect", "action": "deny", **more}


def try_it(g, rules, refused, allowed=None, **more):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE, clean=CLEAN, **more)


@row("D5")
def test_addresses_and_networks(g):
    found = try_it(
        g, [deny("address", to="192.0.2.1", severity="critical"), deny("network", to="10.1.0.0/16"),
            deny("v6", to="2001:db8::/48"), deny("listed", to="@hosts")],
        {"address": "connect('192.0.2.1', 4711)", "network": "connect('10.1.1.1', 4711)",
         "same network": "connect('10.1.2.1', 4711)", "v6": f"connect('2001:db8::1', 4711, {V6})",
         "mapped": f"connect('::ffff:192.0.2.1', 4711, {V6})", "mapped network": f"connect('::ffff:10.1.2.1', 1, {V6})",
         "listed": "connect('127.0.0.9', 1)"},
        {"other network": "connect('10.2.0.1', 4711)", "other v6": f"connect('2001:db8:1::1', 4711, {V6})",
         "mapped, other": f"connect('::ffff:10.2.0.1', 4711, {V6})"},
        lists={"hosts": ["127.0.0.9", "198.51.100.0/24"]})
    check_fields(found[0], verdict="deny", on="connect", rule="address", address="192.0.2.1", port="4711",
                 protocol="tcp", family="ipv4", hook="socket_connect", severity="critical")
    assert found[0]["MESSAGE_ID"] == "30d55e91b6a448e4a905a4664338352d" and found[0]["PRIORITY"] == "3"
    assert found[0]["MESSAGE"].startswith('denied connect to="192.0.2.1" port=4711 protocol="tcp" by exe='), found[0]
    check_fields(found[3], address="2001:db8::1", family="ipv6")


def test_ports(g):
    try_it(g, [deny(to="127.0.0.1", port=[80, "8000-8100", 65535])],
           {str(port): f"connect('127.0.0.1', {port})" for port in (80, 8000, 8050, 8100, 65535)},
           {str(port): f"connect('127.0.0.1', {port})" for port in (79, 81, 7999, 8101, 65534)})


@row("D10")
def test_protocols(g):
    try_it(g, [deny("tcp", to="10.1.1.1", protocol="tcp"), deny("udp", to="10.1.2.1", protocol="udp")],
           {"tcp": "connect('10.1.1.1', 5)", "mptcp": "connect('10.1.1.1', 5, protocol=262)",
            "udp": "connect('10.1.2.1', 5, kind=socket.SOCK_DGRAM)", "sendto": "send('10.1.2.1', 5)",
            "udplite": "connect('10.1.2.1', 5, kind=socket.SOCK_DGRAM, protocol=136)"},
           {"udp, other": "connect('10.1.1.1', 5, kind=socket.SOCK_DGRAM)", "tcp, other": "connect('10.1.2.1', 5)"})


@row("D1", "D3", "D4", "D5", "D9", "E5")
def test_every_way_to_send(g):
    found = try_it(g, [deny(to="10.1.1.1", port=53)],
                   {"sendto": "send('10.1.1.1', 53)", "sendmsg": "send('10.1.1.1', 53, how='sendmsg')",
                    "sendmmsg": "send('10.1.1.1', 53, how='sendmmsg')", "fast open": "fast_open('10.1.1.1', 53)",
                    "after AF_UNSPEC": "reconnect_by_send('10.1.1.1', 53)", "AF_UNSPEC": "unspec_send('10.1.1.1', 53)",
                    "mapped": f"send('::ffff:10.1.1.1', 53, {V6})"},
                   {"other port": "send('10.1.1.1', 54)", "other address": "send('10.1.2.1', 53, how='sendmmsg')",
                    "fast open, other": "fast_open('10.1.1.1', 54)"})
    assert {event["BAILIFF_HOOK"] for event in found} == {"socket_connect", "socket_sendmsg"} or \
        {event["BAILIFF_HOOK"] for event in found} == {"socket_sendmsg"}, found


@row("D7")
def test_this_host_by_the_empty_address(g):
    try_it(g, [deny("v4", to="127.0.0.1", port=7), deny("v6", to="::1", port=8)],
           {"v4": "connect('127.0.0.1', 7)", "0.0.0.0": "connect('0.0.0.0', 7)",
            "v6": f"connect('::1', 8, {V6})", "::": f"connect('::', 8, {V6})"},
           {"v4, other": "connect('0.0.0.0', 9)", "v6, other": f"connect('::', 9, {V6})"})


def test_any(g):
    try_it(g, [deny(to="any", port=25)],
           {"v4": "connect('127.0.0.1', 25)", "v6": f"connect('::1', 25, {V6})", "udp": "send('10.1.1.1', 25)"},
           {"other": "connect('127.0.0.1', 26)", "unix": "a, b = socket.socketpair(); a.send(b'x')",
            "abstract unix": "s = socket.socket(socket.AF_UNIX); s.bind('\\0x'); s.listen(); "
                             "c = socket.socket(socket.AF_UNIX); c.connect('\\0x')",
            "netlink": "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.connect((0, 0))",
            "disconnect": "s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('127.0.0.1', 9)); "
                          "call(libc.connect(s.fileno(), bytes(16), 16))"})


def test_by_and_unless(g):
    user = "as_user({}, {}, [], lambda: connect('10.1.1.1', {}))".format
    try_it(g, [deny("uid", to="10.1.0.0/16", port=1, by={"uid": "1000-1999"}),
               deny("but", to="10.1.0.0/16", port=2, unless=[{"by": {"uid": 1000}}, {"to": "10.1.2.0/24"}])],
           {"uid": user(1000, 1, 1), "but": "connect('10.1.1.1', 2)"},
           {"other uid": user(2000, 1, 1), "excepted uid": user(1000, 1, 2), "excepted": "connect('10.1.2.1', 2)"})
