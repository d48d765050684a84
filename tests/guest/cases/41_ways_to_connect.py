# SPDX-License-Identifier: Apache-2.0
"""connect: ways around a rule on an address that the usual calls don't show."""

from evasion import row
from trial import check_fields, trial

PREPARE = """
ip link set lo up; sysctl -qw net.ipv4.tcp_fastopen=3 net.ipv4.ping_group_range="0 2147483647"
for a in 10.1.1.1 10.2.0.1; do ip addr replace $a/32 dev lo; done
for a in 2001:db8::1 2001:db8:1::1; do ip -6 addr replace $a/128 dev lo nodad; done
ip -6 addr replace fe80::7/64 dev lo nodad; ip -6 addr replace ::10.1.1.1/128 dev lo nodad
for n in 64:ff9b::/32 2002::/16 2001::/32 2001:db8:5::/64; do ip -6 route replace local $n dev lo; done
"""
CLEAN = """
for a in 10.1.1.1 10.2.0.1; do ip addr del $a/32 dev lo 2> /dev/null || :; done
for a in 2001:db8::1/128 2001:db8:1::1/128 fe80::7/64 ::10.1.1.1/128; do ip -6 addr del $a dev lo 2> /dev/null || :; done
for n in 64:ff9b::/32 2002::/16 2001::/32 2001:db8:5::/64; do ip -6 route del local $n dev lo 2> /dev/null || :; done
"""
HOST = {"id": "host", "on": "connect", "to": ["10.1.1.1", "2001:db8::1", "fe80::7"], "action": "deny"}
V6 = "socket.AF_INET6"


def try_it(g, rules, refused, allowed=None, **more):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE, clean=CLEAN, **more)


@row("D1", "D2", "D9", "D10", "D26")
def test_tcp(g):
    try_it(g, [HOST],
           {"fast open": "fast_open('10.1.1.1', 7)", "fast open by connect": "fast_open_connect('10.1.1.1', 7)",
            "mptcp": "connect('10.1.1.1', 7, protocol=262)", "repair": "repair_connect('10.1.1.1', 7)",
            "v6": f"connect('2001:db8::1', 7, {V6})", "link-local": f"raw_connect(make_socket({V6}, 1), "
            "sockaddr6('fe80::7', 7)[:24] + struct.pack('=I', socket.if_nametoindex('lo')))",
            "smc": "raw_connect(make_socket(43, 1), sockaddr4('10.1.1.1', 7))",
            "smc as a protocol": "connect('10.1.1.1', 7, protocol=256)",
            "connect again": "connect_again('10.1.1.1', 7)"},
           {"repair, other": "repair_connect('10.2.0.1', 7)", "v6, other": f"connect('2001:db8:1::1', 7, {V6})",
            "fast open by connect, other": "fast_open_connect('10.2.0.1', 7)",
            "connect again, other": "connect_again('10.2.0.1', 7)"})


@row("D3", "D4", "D5")
def test_datagrams(g):
    udp4, udp6 = "make_socket(socket.AF_INET, 2)", f"make_socket({V6}, 2)"
    raw6, ping = f"make_socket({V6}, 3, 58)", "make_socket(socket.AF_INET, 2, 1)"
    echo = "b'\\x08' + bytes(7)"
    try_it(g, [HOST],
           {"send elsewhere": "send_elsewhere('10.1.1.1', 7)", "no family": f"raw_send({udp4}, sockaddr4('10.1.1.1', 7, 0))",
            "v4 by v6": f"raw_send({udp6}, sockaddr4('10.1.1.1', 7))", "mapped": f"send('::ffff:10.1.1.1', 7, {V6})",
            "connect v6 to v4": f"raw_connect({udp6}, sockaddr4('10.1.1.1', 7))",
            "raw without a family": f"raw_send({raw6}, sockaddr6('2001:db8::1', 0, 0))",
            "raw": f"raw_send({raw6}, sockaddr6('2001:db8::1', 0))", "short": f"raw_send({udp6}, sockaddr6('2001:db8::1', 7)[:24])",
            "raw 4 without a family": "raw_send(make_socket(socket.AF_INET, 3, 1), sockaddr4('10.1.1.1', 0, 0))",
            "ping": f"raw_send({ping}, sockaddr4('10.1.1.1', 0), {echo})",
            # UDP of IPv6 takes no family for no address, and this goes where the socket is connected; but the socket
            # may become one of IPv4 while it is judged.
            "no address": f"s = {udp6}; s.connect(('2001:db8:1::1', 7)); raw_send(s, sockaddr4('10.1.1.1', 7, 0) + bytes(12))",
            "udplite": "raw_send(make_socket(socket.AF_INET, 2, 136), sockaddr4('10.1.1.1', 7))",
            "l2tp": "raw_send(make_socket(socket.AF_INET, 2, 115), sockaddr4('10.1.1.1', 0))"},
           {"send elsewhere, other": "send_elsewhere('10.2.0.1', 7)",
            "raw without a family, other": f"raw_send({raw6}, sockaddr6('2001:db8:1::1', 0, 0))",
            "no address, other": f"s = {udp6}; s.connect(('2001:db8:1::1', 7)); raw_send(s, sockaddr4('10.2.0.1', 7, 0))",
            "ping, other": f"raw_send({ping}, sockaddr4('10.2.0.1', 0), {echo})"})


@row("D12")
def test_sctp(g):
    g.run(["modprobe", "sctp"], check=False)
    found = try_it(
        g, [HOST],
        {"connect": "connect('10.1.1.1', 7, protocol=132)", "connectx": "sctp_connectx(4001, '10.1.1.1')",
         "connectx, second": "sctp_connectx(4002, '10.2.0.1', '10.1.1.1')", "sendmsg": "sctp_send(4003, '10.1.1.1')",
         "sendmsg, second": "sctp_send(4004, '10.2.0.1', '127.0.0.1', '10.1.1.1')"},
        {"connectx, other": "sctp_connectx(4005, '127.0.0.1', '10.2.0.1')",
         "sendmsg, other": "sctp_send(4006, '127.0.0.1', '10.2.0.1')"})
    for event in found:
        check_fields(event, protocol="sctp", address="10.1.1.1")
    assert {event["BAILIFF_HOOK"] for event in found} == {"socket_connect", "socket_sendmsg", "sctp_bind_connect"}


@row("D12")
def test_sctp_messages_of_one_call(g):
    """Of messages of one call to the same address the kernel asks about the first one only."""
    g.run(["modprobe", "sctp"], check=False)
    found = try_it(g, [HOST], {"third": "sctp_send_many(4021, '10.2.0.1', '10.1.1.1')"},
                   {"third, other": "sctp_send_many(4022, '10.2.0.1', '127.0.0.1')"})
    check_fields(found[0], hook="sctp_bind_connect", address="10.1.1.1", port="4021", protocol="sctp")


@row("D7")
def test_any_address_of_a_socket_that_is_bound(g):
    """To such a socket 0.0.0.0 is the address that it is bound to, and :: is 127.0.0.1 if that is a mapped one."""
    own = "socket.inet_aton('10.1.1.1')"
    told = f"make_socket(socket.AF_INET, 2).sendmsg([b'x'], [(0, 8, bytes(4) + {own} + bytes(4))], 0, ('0.0.0.0', {{}}))".format
    prepare = PREPARE + "modprobe dummy; ip link add guard0 type dummy; ip link set guard0 up; " \
                        "ip addr add 10.1.1.2/32 dev guard0"
    rules = [{**HOST, "port": 7, "to": ["10.1.1.1", "10.1.1.2"]}, {**HOST, "id": "local", "to": "127.0.0.1", "port": 8}]
    found = trial(
        g, rules,
        {"bound": "connect_bound('10.1.1.1', '0.0.0.0', 7)", "to a device": "connect_bound('', '0.0.0.0', 7, device='guard0')",
         "by the message": told(7), "bound, mapped": f"connect_bound('::ffff:10.1.1.1', '::ffff:0.0.0.0', 7, {V6})",
         "by v6": f"connect_bound('::ffff:0.0.0.0', '::', 8, {V6})",
         "datagram by v6": f"s = make_socket({V6}, 2); s.bind(('::ffff:127.0.0.1', 0)); raw_send(s, sockaddr6('::', 8))"},
        allowed={"not bound": "connect('0.0.0.0', 7)", "bound, other port": "connect_bound('10.1.1.1', '0.0.0.0', 9)",
                 "by the message, other port": told(9), "by v6, other port": f"connect_bound('::ffff:0.0.0.0', '::', 9, {V6})"},
        prepare=prepare, clean=CLEAN + "ip link del guard0 2> /dev/null || :")
    assert {event["BAILIFF_ADDRESS"] for event in found} >= {"10.1.1.1", "::1"}, found


@row("D12")
def test_sctp_by_port(g):
    """The port of each address of a list, and of those that a message brings, is the one that counts."""
    g.run(["modprobe", "sctp"], check=False)
    found = try_it(g, [{**HOST, "port": "4011-4012", "protocol": "sctp"}],
                   {"connectx": "sctp_connectx(4011, '10.2.0.1', '10.1.1.1')",
                    "sendmsg": "sctp_send(4012, '10.2.0.1', '127.0.0.1', '10.1.1.1')"},
                   {"connectx, other": "sctp_connectx(4013, '10.2.0.1', '10.1.1.1')",
                    "sendmsg, other": "sctp_send(4014, '10.2.0.1', '127.0.0.1', '10.1.1.1')"})
    assert {event["BAILIFF_PORT"] for event in found} == {"4011", "4012"}, found


@row("D12")
def test_sctp_address_that_the_other_end_adds(g):
    g.run(["modprobe", "sctp"], check=False)
    deed = {"added": "sctp_added(4007, '10.2.0.1', '10.1.1.1')"}
    found = try_it(g, [HOST], deed, {"added, other": "sctp_added(4008, '10.2.0.1', '127.0.0.1')"})
    for event in found:
        check_fields(event, hook="sctp_bind_connect", interrupted="1", address="10.1.1.1")


@row("D14")
def test_dccp(g):
    g.run(["modprobe", "-a", "dccp", "dccp_ipv4"], check=False)
    found = try_it(g, [{**HOST, "protocol": "dccp"}], {"connect": "dccp('10.1.1.1', 7)"}, {"other": "dccp('10.2.0.1', 7)"})
    check_fields(found[0], protocol="dccp", address="10.1.1.1", port="7")


@row("D23")
def test_addresses_in_addresses(g):
    find = {"nat64": "64:ff9b::10.1.1.1", "6to4": "2002:a01:101::1", "compatible": "::10.1.1.1",
            "isatap": "2001:db8:5::5efe:10.1.1.1", "nat64, local": "64:ff9b:1:fffe::10.1.1.1", "teredo": "2001::1:f5fe:fefe"}
    found = try_it(g, [HOST], {name: f"connect('{address}', 7, {V6})" for name, address in find.items()},
                   {"nat64, other": f"connect('64:ff9b::10.2.0.1', 7, {V6})",
                    "teredo, other": f"connect('2001:0:a01:101::1:f5fd:fffe', 7, {V6})",
                    "6to4, other": f"connect('2002:a02:1::1', 7, {V6})",
                    "isatap, other": f"connect('2001:db8:5::5eff:10.1.1.1', 7, {V6})"})
    assert {event["BAILIFF_FAMILY"] for event in found} == {"ipv6"}, found


@row("D18")
def test_address_that_another_thread_rewrites(g):
    try_it(g, [HOST], {"race": "racing_connect('10.1.1.1', '10.2.0.1', 7)"})


@row("D29")
def test_raw_sockets_and_exceptions(g):
    ping = "raw_send(make_socket(socket.AF_INET, 2, 1), sockaddr4('10.1.1.1', 0), b'\\x08' + bytes(7))"
    try_it(g, [{**HOST, "unless": {"protocol": "icmp"}}],
           {"raw": "raw_send(make_socket(socket.AF_INET, 3, 1), sockaddr4('10.1.1.1', 0))"}, {"ping": ping})


@row("D15")
def test_raw_sockets(g):
    """What they send to can't be told from the call: a rule can refuse them as what they are."""
    found = try_it(g, [{"id": "raw", "on": "connect", "protocol": "raw", "action": "deny"}],
                   {"own header": "write_own_header('10.2.0.1', '10.1.1.1')",
                    "icmp": "raw_send(make_socket(socket.AF_INET, 3, 1), sockaddr4('10.2.0.1', 0))"},
                   {"ping": "raw_send(make_socket(socket.AF_INET, 2, 1), sockaddr4('10.2.0.1', 0), b'\\x08' + bytes(7))",
                    "udp": "send('10.2.0.1', 7)"})
    assert {event["BAILIFF_PROTOCOL"] for event in found} == {"255,raw", "icmp,raw"}, found
