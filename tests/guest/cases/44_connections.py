# SPDX-License-Identifier: Apache-2.0
"""Connections that are there: taken over from somebody else, and made by the kernel without being asked to."""

from evasion import row
from trial import PROGRAMS, check_fields, trial, watch

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
