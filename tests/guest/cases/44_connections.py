# SPDX-License-Identifier: Apache-2.0
"""Connections that are there: taken over from somebody else, and made by the kernel without being asked to."""

from evasion import row
from trial import PROGRAMS, check_fields, do, trial, watch

PREPARE = """
ip link set lo up
for a in 10.1.1.1 10.2.0.1; do ip addr replace $a/32 dev lo; done
for a in 2001:db8::1 2001:db8:1::1; do ip -6 addr replace $a/128 dev lo nodad; done
"""
CLEAN = """
for a in 10.1.1.1 10.2.0.1; do ip addr del $a/32 dev lo 2> /dev/null || :; done
for a in 2001:db8::1 2001:db8:1::1; do ip -6 addr del $a/128 dev lo 2> /dev/null || :; done
"""
HOST = {"id": "host", "on": "connect", "to": ["10.1.1.1", "2001:db8::1"], "action": "deny"}
SOMEBODY = {**HOST, "by": {"gid": 4242}}

# A process makes the socket s, and hands it over to one with another group.
PASSED = """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
if not os.fork():
 {make}
 socket.send_fds(a, [b'x'], [s.fileno()])
 a.recv(1); os._exit(0)
a.close()
os.setgroups([4242])
fds = socket.recv_fds(b, 1, 1)[1]
b.send(b'x')
if not fds: raise OSError(errno.EPERM, 'cut off')
os.fstat(fds[0])
"""
TAKEN = """
r, w = os.pipe()
pid = os.fork()
if not pid:
 {make}
 os.write(w, b'%d' % s.fileno()); time.sleep(3); os._exit(0)
os.setgroups([4242])
take_descriptor(pid, int(os.read(r, 16)))
"""
NFS = "/root/nfs.py"


def tcp(address, family="socket.AF_INET", protocol=0):
    return f"t = socket.socket({family}, 1, {protocol}); t.bind(('', 0)); t.listen(); " \
           f"s = socket.socket({family}, 1, {protocol}); s.connect(('{address}', t.getsockname()[1]))"


def udp(address, family="socket.AF_INET"):
    return f"s = socket.socket({family}, 2); s.connect(('{address}', 7))"


def made(form, socket):
    return form.format(make=socket)


@row("D19")
def test_taken_over(g):
    """What goes out to a guarded address is not handed to whoever may not connect there; what came in is."""
    came_in = "t = socket.socket(); t.bind(('10.2.0.1', 0)); t.listen(); c = socket.socket(); c.bind(('10.1.1.1', 0)); " \
              "c.connect(t.getsockname()); s = t.accept()[0]"
    v6 = "socket.AF_INET6"
    found = trial(
        g, [SOMEBODY],
        {"tcp": made(PASSED, tcp("10.1.1.1")), "udp": made(PASSED, udp("10.1.1.1")), "tcp6": made(PASSED, tcp("2001:db8::1", v6)),
         "udp6": made(PASSED, udp("2001:db8::1", v6)), "mapped": made(PASSED, tcp("::ffff:10.1.1.1", v6)),
         "taken": made(TAKEN, tcp("10.1.1.1"))},
        allowed={"other": made(PASSED, tcp("10.2.0.1")), "other, udp": made(PASSED, udp("10.2.0.1")),
                 "other, taken": made(TAKEN, udp("10.2.0.1")), "came in": made(PASSED, came_in),
                 "listens": made(PASSED, "s = socket.socket(); s.bind(('10.1.1.1', 0)); s.listen()"),
                 "not connected": made(PASSED, "s = socket.socket(); s.bind(('10.1.1.1', 0))"),
                 "unix": made(PASSED, "s = socket.socketpair()[0]"),
                 "to who may": made(PASSED, tcp("10.1.1.1")).replace("4242", "7")},
        prepare=PREPARE, clean=CLEAN)
    for event in found:
        check_fields(event, on="connect", hook="file_receive", verdict="deny", uid="0")
    assert {event["BAILIFF_ADDRESS"] for event in found} == {"10.1.1.1", "2001:db8::1"}, found


@row("D19c")
def test_every_kind_taken_over(g):
    """Of whatever protocol, and however it was made: one that this end asked for goes to nobody who may not connect there."""
    repaired = "s = socket.socket(); s.setsockopt(6, 19, 1); s.bind(('127.0.0.1', 0)); s.connect(('10.1.1.1', 7))"
    at_once = "s = socket.socket(); s.bind(('{}', 0)); s.connect(s.getsockname())"
    unbound = "s = connect_to_itself('{}')"
    many = "t = sctp_server('10.1.1.1', 4712); s = make_socket(2, 5, 132); s.setsockopt(132, 110, sockaddr4('10.1.1.1', 4712))"
    accepted = "t = socket.socket(2, {0}, {1}); {2}t.bind(('10.2.0.1', 0)); t.listen(); c = socket.socket(2, {0}, {1}); " \
               "{3}c.bind(('10.1.1.1', 0)); c.connect(t.getsockname()); s = t.accept()[0]"
    service = "{}.setsockopt(269, 2, struct.pack('I', 7)); "
    dccp = f"t = socket.socket(2, 6, 33); {service.format('t')}t.bind(('10.1.1.1', 0)); t.listen(); " \
           f"s = socket.socket(2, 6, 33); {service.format('s')}s.connect(t.getsockname())"

    def there(kind, protocol, code):
        return f"make_socket(2, {kind}, {protocol}).close()\n{code}"
    g.run(["modprobe", "-a", "dccp", "dccp_ipv4"], check=False)
    found = trial(
        g, [SOMEBODY],
        {"repair": made(PASSED, repaired), "at once": made(PASSED, at_once.format("10.1.1.1")),
         "mptcp": there(1, 262, made(PASSED, tcp("10.1.1.1", protocol=262))),
         "sctp": there(1, 132, made(PASSED, tcp("10.1.1.1", protocol=132))), "sctp, many": there(5, 132, made(PASSED, many)),
         "sctp, taken": there(1, 132, made(TAKEN, tcp("10.1.1.1", protocol=132))),
         "at once, unbound": made(PASSED, unbound.format("10.1.1.1")), "dccp": there(6, 33, made(PASSED, dccp))},
        allowed={"other": made(PASSED, at_once.format("10.2.0.1")), "other, unbound": made(PASSED, unbound.format("10.2.0.1")),
                 "other, sctp": there(1, 132, made(PASSED, tcp("10.2.0.1", protocol=132))),
                 "mptcp that came in": there(1, 262, made(PASSED, accepted.format(1, 262, "", ""))),
                 "sctp that came in": there(1, 132, made(PASSED, accepted.format(1, 132, "", ""))),
                 "dccp that came in": there(6, 33, made(PASSED, accepted.format(6, 33, service.format("t"), service.format("c")))),
                 "refused": made(PASSED, "s = socket.socket()\n try: s.connect(('10.1.1.1', 1))\n except OSError: pass")},
        prepare=PREPARE, clean=CLEAN)
    for event in found:
        check_fields(event, on="connect", hook="file_receive", verdict="deny", address="10.1.1.1")


@row("D19d")
def test_sctp_by_messages_taken_over(g):
    """A socket that a message has connected, as well as another one; or an association that has got a socket of its own."""
    there = "make_socket(2, 5, 132).close()\n"
    two = "t = sctp_server('10.1.1.1', 4712); u = sctp_server('10.2.0.1', 4712); s = make_socket(2, 5, 132); "
    message = two + "s.sendto(b'x', ('{0}', 4712))"
    both = two + "s.sendto(b'x', ('10.2.0.1', 4712)); s.sendto(b'x', ('{0}', 4712))"
    lists = two + "s.setsockopt(132, 110, sockaddr4('{0}', 4712)); s.sendto(b'x', ('{0}', 4712))"
    peeled = "t = sctp_server('{0}', 4712); c = make_socket(2, 5, 132); c.sendto(b'x', ('{0}', 4712)); s = peel_off(c)"
    came = "t = sctp_server('10.2.0.1', 4712); c = make_socket(2, 5, 132); c.bind(('10.1.1.1', 0)); c.sendto(b'x', ('10.2.0.1', 4712)); " \
           "t.recv(1); s = {}"
    ways = {"message": message, "another before": both, "list": lists, "peeled off": peeled}
    found = trial(
        g, [SOMEBODY], {name: there + made(PASSED, way.format("10.1.1.1")) for name, way in ways.items()} |
        {"taken": there + made(TAKEN, message.format("10.1.1.1"))},
        allowed={f"{name}, other": there + made(PASSED, way.format("10.2.0.1")) for name, way in ways.items()} |
        {"other, taken": there + made(TAKEN, message.format("10.2.0.1")), "came in": there + made(PASSED, came.format("t")),
         "came in, peeled off": there + made(PASSED, came.format("peel_off(t)")),
         "to who may": (there + made(PASSED, message.format("10.1.1.1"))).replace("4242", "7")}, prepare=PREPARE, clean=CLEAN)
    for event in found:
        check_fields(event, on="connect", hook="file_receive", verdict="deny", address="10.1.1.1", port="4712")


HOLDER = """
import socket, sys
sys.path.insert(0, '/root')
from calls import *
t = socket.socket(); t.bind(('10.1.1.1', 0)); t.listen()
s = socket.socket(); s.connect(t.getsockname())
u = socket.socket(1); u.bind('/run/holder'); u.listen()
while True:
    c = u.accept()[0]; socket.send_fds(c, [b'x'], [s.fileno()]); c.close()
"""


@row("D19b")
def test_connections_from_before(g):
    """A limit: what was connected before the rules, or by who may and inherited, is used by whoever has it."""
    do(g, {})  # brings calls.py
    passed = "os.setgroups([4242]); c = socket.socket(1); c.connect('/run/holder'); s = socket.socket(fileno=socket.recv_fds(c, 1, 1)[1][0]); " \
             "s.send(b'x')"
    inherited = "t = socket.socket(); t.bind(('10.1.1.1', 0)); t.listen(); s = socket.socket(); s.connect(t.getsockname()); " \
                "os.setgroups([4242]); s.send(b'x')"
    hold = f"cat > /root/holder.py << 'END'{HOLDER}END\npython3 /root/holder.py > /dev/null 2>&1 & echo $! > /run/holder.pid; " \
           "until [ -e /run/holder ]; do sleep 0.2; done"
    trial(g, [SOMEBODY], {"front door": "os.setgroups([4242]); connect('10.1.1.1', 7)"},
          allowed={"inherited": inherited, "from before, passed": passed}, prepare=PREPARE + hold,
          clean="[ ! -e /run/holder.pid ] || kill $(cat /run/holder.pid) 2> /dev/null || :; rm -f /run/holder /run/holder.pid /root/holder.py; " + CLEAN)


@row("D19c")
def test_unix_connections_taken_over(g):
    """A connection to a guarded unix socket; not one that came in, by whatever name it was made."""
    there = "t = socket.socket(1, {kind}); t.bind({name!r}); t.listen(); s = socket.socket(1, {kind}); s.connect({name!r})".format
    gone = there(kind=1, name="/srv/p/g/gone") + "; os.rename('/srv/p/g/gone', '/srv/p/gone')"
    bound = "t = socket.socket(1, 1); t.bind('/srv/p/other'); t.listen(); c = socket.socket(1, 1); c.bind({!r}); " \
            "c.connect('/srv/p/other'); s = t.accept()[0]".format
    prepare, clean = "rm -rf /srv/p; mkdir -p /srv/p/g", "rm -rf /srv/p"
    one = "import glob; [os.unlink(f) for f in glob.glob('/srv/p/*[a-z]/*') + glob.glob('/srv/p/??*')]\n"
    deeds = {
        "stream": made(PASSED, there(kind=1, name="/srv/p/g/s")), "seqpacket": made(PASSED, there(kind=5, name="/srv/p/g/s")),
        "taken": made(TAKEN, there(kind=1, name="/srv/p/g/s")), "abstract": made(PASSED, there(kind=1, name="\0guarded")),
        "with a name of its own": made(PASSED, there(kind=1, name="/srv/p/g/s").replace("s.connect", "s.bind('/srv/p/mine'); s.connect")),
        "named afterwards": made(PASSED, there(kind=1, name="/srv/p/g/s") + "; s.bind('/srv/p/mine')"),
    }
    allowed = {
        "other": made(PASSED, there(kind=1, name="/srv/p/other")), "other, taken": made(TAKEN, there(kind=1, name="\0other")),
        "renamed": made(PASSED, gone), "came in": made(PASSED, bound("/srv/p/g/s")), "came in, abstract": made(PASSED, bound("\0guarded")),
        "accepted": made(PASSED, there(kind=1, name="/srv/p/g/s") + "; s = t.accept()[0]"),
        "listens": made(PASSED, "s = socket.socket(1, 1); s.bind('/srv/p/g/s'); s.listen()"),
        "pair": made(PASSED, "s = socket.socketpair()[0]"), "datagrams": made(PASSED, "s = socket.socketpair(1, 2)[0]"),
        "the other end is gone": made(PASSED, there(kind=1, name="/srv/p/g/s") + "; t.close()"),
        "to who may": made(PASSED, there(kind=1, name="/srv/p/g/s")).replace("4242", "7"),
    }
    found = trial(g, [{"id": "unix", "on": "connect", "socket": ["/srv/p/g/**", "@guarded"], "by": {"gid": 4242}, "action": "deny"}],
                  {name: one + code for name, code in deeds.items()}, allowed={name: one + code for name, code in allowed.items()},
                  prepare=prepare, clean=clean)
    for event in found:
        check_fields(event, on="connect", hook="file_receive", verdict="deny", family="unix")
    assert {event["BAILIFF_SOCKET"] for event in found} == {"/srv/p/g/s", "@guarded"}, found


@row("D14")
def test_families_taken_over(g):
    """Who may not make a socket of a family gets none from somebody who may."""
    packet, netlink = "s = socket.socket(17, 3)", "s = socket.socket(16, 3)"
    found = trial(g, [{"id": "host", "on": "connect", "family": "packet", "by": {"gid": 4242}, "action": "deny"}],
                  {"passed": made(PASSED, packet), "taken": made(TAKEN, packet)},
                  allowed={"other": made(PASSED, netlink), "other, taken": made(TAKEN, netlink),
                           "udp": made(PASSED, udp("10.1.1.1")), "to who may": made(PASSED, packet).replace("4242", "7")},
                  prepare=PREPARE, clean=CLEAN)
    for event in found:
        check_fields(event, on="connect", hook="file_receive", verdict="deny", family="packet")


@row("D11")
def test_parts_that_the_other_end_asks_for(g):
    """A server that is connected to offers another address, and the kernel connects there by itself."""
    offer = "ip mptcp endpoint flush; ip mptcp limits set subflow 2 add_addr_accepted 2; " \
            "ip mptcp endpoint add {} dev lo signal"
    connected = """
sh('{offer}')
t = socket.socket(socket.AF_INET, 1, 262); t.bind(('', 0)); t.listen()
s = socket.socket(socket.AF_INET, 1, 262); s.connect(('10.2.0.1', t.getsockname()[1]))
c = t.accept()[0]
for i in range(100):
 s.send(b'x'); c.recv(1); c.send(b'y'); s.recv(1)
 if s.getsockopt(284, 1, 64)[0]: break
 time.sleep(0.1)
else: raise RuntimeError('no further part')
"""
    quiet = PREPARE + "ip addr replace 10.3.0.1/32 dev lo"
    clean = CLEAN + "ip mptcp endpoint flush 2> /dev/null || :; ip addr del 10.3.0.1/32 dev lo 2> /dev/null || :"
    found = watch(g, [HOST], {"part": connected.format(offer=offer.format("10.1.1.1"))}, prepare=quiet, clean=clean)
    check_fields(found[0], hook="inet_conn_established", verdict="would-deny", address="10.1.1.1", interrupted="1")
    assert len(found) == 1, found
    trial(g, [HOST], {"front door": "connect('10.1.1.1', 7)"}, prepare=quiet, clean=clean,
          allowed={"other": connected.format(offer=offer.format("10.3.0.1"))})


@row("D24")
def test_clients_in_the_kernel(g):
    """A file system of the network is mounted: the connect is nobody's that a security module would be asked about."""
    g.push(PROGRAMS / "nfs.py", NFS)
    prepare = f"mkdir -p /srv/nfs/there /srv/nfs/here; python3 {NFS} export /srv/nfs/there"
    clean = f"umount /srv/nfs/here 2> /dev/null || :; python3 {NFS} stop; rm -rf /srv/nfs"
    found = watch(g, [{"id": "nfs", "on": "connect", "to": "127.0.0.1", "port": 2049, "action": "deny"}],
                  {"mount": f"sh('python3 {NFS} mount /srv/nfs/here; umount /srv/nfs/here')"}, prepare=prepare, clean=clean)
    check_fields(found[0], hook="inet_conn_established", verdict="would-deny", address="127.0.0.1", port="2049")
    g.remove(NFS)
