# SPDX-License-Identifier: Apache-2.0
"""connect: unix sockets by path and by abstract name, of all kinds, by every name for them."""

import contextlib
import json

from evasion import row
from trial import check_fields, policy, trial

# Binds NAME with a socket of each KIND of the pairs in its arguments, and serves until it is killed.
SERVER = r"""
import os, socket, sys
kinds = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET}
held = []
for kind, name in zip(sys.argv[1::2], sys.argv[2::2]):
    made = socket.socket(socket.AF_UNIX, kinds[kind])
    made.bind(os.fsencode(name).replace(b"@", b"\0", 1).replace(b"%00", b"\0") if name[0] == "@" else name)
    if kind != "dgram":
        made.listen(100)
    made.setblocking(False)
    held.append(made)
print("ready", flush=True)
while True:
    import time
    time.sleep(0.05)
    for made in held:
        try:
            made.recv(16) if made.type == socket.SOCK_DGRAM else made.accept()[0].close()
        except OSError:
            pass
"""
PREPARE = """
mkdir -p /srv/u/g /srv/u/out
systemd-run -q --unit=servers --collect python3 /root/server.py stream /srv/u/g/s dgram /srv/u/g/d \
    seqpacket /srv/u/g/q stream /srv/u/out/s dgram /srv/u/out/d stream /srv/u/out/linked stream /srv/u/out/made stream @guard/ed dgram @guarded-d stream @other \
    stream /srv/u/g/gone stream @a%00b stream @a%00c
for i in $(seq 100); do test -S /srv/u/g/gone && sleep 0.3 && break; sleep 0.1; done
chmod 777 /srv/u/g/* /srv/u/out/*; ln -s /srv/u/g/s /srv/u/out/symlink; ln /srv/u/g/s /srv/u/out/link; ln /srv/u/g/gone /srv/u/out/gone; rm /srv/u/g/gone
ln /srv/u/out/linked /srv/u/g/linked
ln /srv/u/out/made /srv/u/g/made; rm /srv/u/out/made
"""
CLEAN = "systemctl stop servers 2> /dev/null || :; rm -rf /srv/u"
PATHS = {"id": "paths", "on": "connect", "socket": "/srv/u/g/**", "action": "deny", "severity": "high"}
NAMES = {"id": "names", "on": "connect", "socket": ["@guard*", "@a\\x00[!c]"], "action": "deny"}


@contextlib.contextmanager
def server(g):
    g.write("/root/server.py", SERVER)
    try:
        yield
    finally:
        g.remove("/root/server.py")


def try_it(g, rules, refused, allowed=None, **more):
    with server(g):
        return trial(g, rules, refused, allowed=allowed, prepare=PREPARE, clean=CLEAN, **more)


def test_by_path(g):
    found = try_it(
        g, [PATHS],
        {"stream": "unix_connect('/srv/u/g/s')", "seqpacket": "unix_connect('/srv/u/g/q', socket.SOCK_SEQPACKET)",
         "connect": "unix_send('/srv/u/g/d', True)", "sendto": "unix_send('/srv/u/g/d')",
         "sendmsg": "unix_send('/srv/u/g/d', how='sendmsg')"},
        {"stream, other": "unix_connect('/srv/u/out/s')", "sendto, other": "unix_send('/srv/u/out/d')",
         "abstract": "unix_connect('\\0guard/ed')", "pair": "a, b = socket.socketpair(); a.send(b'x'); b.recv(1)",
         "datagram pair": "a, b = socket.socketpair(type=socket.SOCK_DGRAM); a.send(b'x'); b.recv(1)",
         "tcp": "connect('127.0.0.1', 7)", "journal": "unix_send('/dev/log')"})
    for event in found:
        check_fields(event, on="connect", rule="paths", family="unix", filesystem="host", object_owner="0")
        assert "BAILIFF_PORT" not in event and "BAILIFF_ADDRESS" not in event and "BAILIFF_PATH" not in event, event
    assert {event["BAILIFF_HOOK"] for event in found} == {"unix_stream_connect", "unix_may_send"}, found
    assert {event["BAILIFF_SOCKET"] for event in found} == {"/srv/u/g/s", "/srv/u/g/q", "/srv/u/g/d"}, found
    assert found[0]["MESSAGE"].startswith('denied connect socket="/srv/u/g/'), found[0]


@row("A25", "D27")
def test_by_every_name(g):
    """It is the socket that is guarded: what it is bound to, not what leads to it."""
    bind = "mkdir -p /srv/u/out/m; mount --bind /srv/u/g /srv/u/out/m"
    found = try_it(
        g, [PATHS],
        {"symbolic link": "unix_connect('/srv/u/out/symlink')", "hard link": "unix_connect('/srv/u/out/link')",
         "hard link, itself guarded": "unix_connect('/srv/u/g/linked')",
         "what it is a link to": "unix_connect('/srv/u/out/linked')",
         "hard link to what is gone": "unix_connect('/srv/u/out/gone')",
         "bound under a name that is gone": "unix_connect('/srv/u/g/made')",
         "magic link": "unix_connect(f'/proc/{os.getpid()}/root/srv/u/g/s')",
         "descriptor": "fd = os.open('/srv/u/g/s', os.O_PATH); unix_connect(f'/proc/self/fd/{fd}')",
         "relative": "os.chdir('/srv/u/g'); unix_connect('s')",
         "chroot": "os.chroot('/srv/u/g'); os.chdir('/'); unix_connect('/s')",
         "bind mount": f"in_namespace('{bind}', \"unix_connect('/srv/u/out/m/s')\")"},
        {"other": "unix_connect('/srv/u/out/s')"})
    assert {event["BAILIFF_SOCKET"] for event in found} == {"/srv/u/g/s", "/srv/u/g/gone", "/srv/u/out/linked",
                                                             "/srv/u/out/made"}, found


@row("D28")
def test_renames(g):
    """Who may not connect may not rename the socket either: another name would be a way around."""
    found = try_it(g, [{**PATHS, "by": {"uid": 0}}],
                   {"rename": "os.rename('/srv/u/g/s', '/srv/u/out/moved')",
                    "exchange": "exchange('/srv/u/out/d', '/srv/u/g/d')"},
                   {"other": "os.rename('/srv/u/out/s', '/srv/u/out/t')", "open": "os.open('/srv/u/g/q', os.O_PATH)",
                    "new file": "open('/srv/u/g/new', 'w').close()"})
    for event in found:
        check_fields(event, on="open", hook="inode_rename", rule="paths")


def test_abstract_names(g):
    found = try_it(g, [NAMES],
                   {"stream": "unix_connect('\\0guard/ed')", "datagram": "unix_send('\\0guarded-d')",
                    "with a NUL": "unix_connect(b'\\0a\\0b')"},
                   {"other": "unix_connect('\\0other')", "other with a NUL": "unix_connect(b'\\0a\\0c')",
                    "path": "unix_connect('/srv/u/g/s')"})
    by_name = {event["BAILIFF_SOCKET"]: event for event in found}
    assert set(by_name) == {"@guard/ed", "@guarded-d", "@a\\x00b"}, found
    assert by_name["@a\\x00b"]["BAILIFF_SOCKET_HEX"] == "00610062", found
    for event in found:
        check_fields(event, on="connect", family="unix", verdict="deny")
        assert "BAILIFF_INODE" not in event and "BAILIFF_FILESYSTEM" not in event, event


def test_subjects_and_exceptions(g):
    user = "os.setresuid(1000, 1000, 1000); unix_connect({})".format
    try_it(g, [{"id": "all", "on": "connect", "family": "unix", "by": {"uid": 1000}, "action": "deny",
                "unless": {"socket": ["/srv/u/out/*", "@oth*"]}}],
           {"path": user("'/srv/u/g/s'"), "abstract": user("'\\0guard/ed'")},
           {"path, other": user("'/srv/u/out/s'"), "abstract, other": user("'\\0other'"),
            "root": "unix_connect('/srv/u/g/s')", "root, abstract": "unix_connect('\\0guard/ed')"})


def test_names_lie_in_no_event(g):
    """Any byte may be in an abstract name."""
    name = b"\0x\nFORGED=1\xe2\x80\xae\xff\"\x1b[2J"
    code = f"s = socket.socket(socket.AF_UNIX); s.bind({name!r}); s.listen(); unix_connect({name!r})"
    found = trial(g, [{"id": "odd", "on": "connect", "socket": "@x*", "action": "deny"}], {"odd": code})
    check_fields(found[0], socket='@x\\x0aFORGED=1\\xe2\\x80\\xae\\xff\\"\\x1b[2J', socket_hex=name.hex())
    assert "FORGED" not in found[0] and "\n" not in found[0]["MESSAGE"], found[0]
    assert 'socket="@x\\x0aFORGED' in found[0]["MESSAGE"], found[0]


def test_hooks_that_no_rule_needs_are_not_attached(g):
    def attached():
        return {hook["hook"] for hook in json.loads(g.run(["bailiff", "status", "--json"]).stdout)["hooks"]
                if hook["attached"]}
    unix, make = {"unix_stream_connect", "unix_may_send"}, {"socket_create"}
    ip = {"socket_connect", "socket_sendmsg"}
    with policy(g, {"id": "ip", "on": "connect", "to": "192.0.2.1", "action": "alert"}):
        assert attached() >= ip and not attached() & (unix | make), attached()
    with policy(g, {"id": "unix", "on": "connect", "socket": "/x", "action": "alert"}):
        assert attached() >= unix and not attached() & (ip | make), attached()
    with policy(g, {"id": "family", "on": "connect", "family": "rds", "action": "alert"}):
        assert attached() >= make and not attached() & unix, attached()
