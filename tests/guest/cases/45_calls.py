# SPDX-License-Identifier: Apache-2.0
"""Calls that go by another way than a 64-bit system call: io_uring and the tables for 32 bits."""

from evasion import row
from trial import check_fields, do, push_program, trial

PREPARE = """
mkdir -p /srv/c/g /srv/c/out; cp /bin/true /srv/c/g/tool; cp /bin/true /srv/c/out/tool
for how in inline async sqpoll direct int80; do
    for f in a b c d e f h; do echo x > /srv/c/g/$how-$f; echo x > /srv/c/out/$how-$f; done
done
ip link set lo up
for a in 10.1.1.1 10.2.0.1; do ip addr replace $a/32 dev lo; done
"""
CLEAN = """
for a in 10.1.1.1 10.2.0.1; do ip addr del $a/32 dev lo 2> /dev/null || :; done
rm -rf /srv/c
"""
GUARDED = {"id": "guarded", "on": "open", "path": "/srv/c/g/**", "action": "deny"}
TOOLS = {"id": "tools", "on": "exec", "path": "/srv/c/g/tool", "action": "deny"}
HOST = {"id": "host", "on": "connect", "to": "10.1.1.1", "action": "deny"}
HOWS = ("inline", "async", "sqpoll")
IP_CALLS = ("connect", "sendmsg", "sendmsg-zc", "send", "send-zc")


def door(program, *operands):
    return f"door('/root/{program}'" + "".join(f", '{operand}'" for operand in operands) + ")"


def try_it(g, program, way, rules, refused, allowed):
    """A trial of which each verdict names the program; way: its words for an open that this kernel may
    not have, and then it is not applicable."""
    push_program(g, program, f"/root/{program}")
    try:
        answer = do(g, {"probe": door(program, *way, "/etc/passwd")})["probe"]
        if answer.startswith("n/a"):
            g.not_applicable(answer)
        assert answer == "ok", answer
        found = trial(g, rules, refused, allowed=allowed, prepare=PREPARE, clean=CLEAN)
    finally:
        g.remove(f"/root/{program}")
    for event in found:
        check_fields(event, verdict="deny", exe=f"/root/{program}", uid="0", euid="0", parent_comm="python3")
    return found


def check_threads(found, *names):
    """That threads of the kernel's own in the process have acted, or else the test has shown nothing."""
    for name in names:
        assert [event for event in found if event["BAILIFF_COMM"].startswith(name)], (name, found)
    for event in found:
        is_thread = event["BAILIFF_COMM"].startswith("iou-")
        assert is_thread == (event["BAILIFF_TID"] != event["BAILIFF_PID"]), event


@row("C12", "E3")
def test_io_uring_open(g):
    hows = (*HOWS, "direct")
    refused = {f"{what}, {how}": door("uring", how, what, f"/srv/c/g/{how}-a")
               for how in hows for what in ("openat", "openat2")}
    found = try_it(g, "uring", ["inline", "openat"], [GUARDED], refused,
                   {f"other, {how}": door("uring", how, "openat", f"/srv/c/out/{how}-a") for how in hows})
    for event in found:
        check_fields(event, hook="file_open", access="read")
    assert {event["BAILIFF_PATH"] for event in found} == {f"/srv/c/g/{how}-a" for how in hows}, found
    check_threads(found, "iou-wrk-", "iou-sqp-")


@row("C12", "E3")
def test_io_uring_changes_of_directories(g):
    refused = {}
    for how in HOWS:
        names = f"/srv/c/g/{how}", f"/srv/c/out/{how}"
        refused |= {f"rename out, {how}": door("uring", how, "rename", f"{names[0]}-b", f"{names[1]}-out"),
                    f"rename in, {how}": door("uring", how, "rename", f"{names[1]}-b", f"{names[0]}-in"),
                    f"unlink, {how}": door("uring", how, "unlink", f"{names[0]}-c"),
                    f"link out, {how}": door("uring", how, "link", f"{names[0]}-d", f"{names[1]}-link"),
                    f"link in, {how}": door("uring", how, "link", f"{names[1]}-d", f"{names[0]}-link"),
                    f"symlink, {how}": door("uring", how, "symlink", "there", f"{names[0]}-symlink"),
                    f"mkdir, {how}": door("uring", how, "mkdir", f"{names[0]}-dir"),
                    f"setxattr, {how}": door("uring", how, "setxattr", f"{names[0]}-e")}
    found = try_it(g, "uring", ["inline", "openat"], [GUARDED], refused,
                   {"rename, other": door("uring", "async", "rename", "/srv/c/out/async-e", "/srv/c/out/async-f"),
                    "unlink, other": door("uring", "sqpoll", "unlink", "/srv/c/out/sqpoll-e")})
    hooks = {event["BAILIFF_HOOK"] for event in found}
    assert hooks == {"inode_rename", "inode_unlink", "inode_link", "inode_symlink", "inode_mkdir",
                     "inode_setxattr"}, hooks
    # A polling thread leaves these to a worker, because they may sleep.
    check_threads(found, "iou-wrk-")


@row("D16", "E3")
def test_io_uring_connect(g):
    found = try_it(g, "uring", ["inline", "openat"], [HOST],
                   {f"{what}, {how}": door("uring", how, what, "10.1.1.1", 4711)
                    for how in HOWS for what in IP_CALLS},
                   {f"{what}, {how}, other": door("uring", how, what, "10.2.0.1", 4711)
                    for how in HOWS for what in IP_CALLS})
    for event in found:
        check_fields(event, on="connect", address="10.1.1.1", port="4711")
    assert {event["BAILIFF_HOOK"] for event in found} == {"socket_connect", "socket_sendmsg"}, found
    check_threads(found, "iou-wrk-", "iou-sqp-")


@row("D16", "D27", "E3")
def test_io_uring_unix(g):
    """A unix socket by its path, in the caller's thread and in others."""
    listen = "s = socket.socket(socket.AF_UNIX); s.bind('/srv/c/{0}/s'); s.listen()\n" \
             "try: {1}\nfinally: os.unlink('/srv/c/{0}/s')"
    found = try_it(g, "uring", ["inline", "openat"],
                   [{"id": "unix", "on": "connect", "socket": "/srv/c/g/s", "action": "deny"}],
                   {how: listen.format("g", door("uring", how, "unix", "/srv/c/g/s", 0)) for how in HOWS},
                   {f"{how}, other": listen.format("out", door("uring", how, "unix", "/srv/c/out/s", 0)) for how in HOWS})
    for event in found:
        check_fields(event, on="connect", socket="/srv/c/g/s", hook="unix_stream_connect")
    check_threads(found, "iou-wrk-")


@row("E4", "D17")
def test_32_bit_calls_of_a_64_bit_process(g):
    inside, outside = "/srv/c/g/int80", "/srv/c/out/int80"
    refused = {"open": door("compat", "open", f"{inside}-a"),
               "openat": door("compat", "openat", f"{inside}-a"),
               "truncate": door("compat", "truncate", f"{inside}-b"),
               "rename": door("compat", "rename", f"{inside}-c", f"{outside}-moved"),
               "link": door("compat", "link", f"{inside}-d", f"{outside}-link"),
               "unlink": door("compat", "unlink", f"{inside}-e"),
               "chmod": door("compat", "chmod", f"{inside}-f"),
               "execve": door("compat", "execve", "/srv/c/g/tool"),
               "connect": door("compat", "connect", "10.1.1.1", 4711)}
    allowed = {"open, other": door("compat", "open", f"{outside}-a"),
               "truncate, other": door("compat", "truncate", f"{outside}-b"),
               "rename, other": door("compat", "rename", f"{outside}-c", f"{outside}-new"),
               "execve, other": door("compat", "execve", "/srv/c/out/tool"),
               "connect, other": door("compat", "connect", "10.2.0.1", 4711)}
    refused |= {"socketcall": door("compat", "socketcall-connect", "10.1.1.1", 4711),
                "socketcall, sendto": door("compat", "socketcall-sendto", "10.1.1.1", 4711)}
    allowed |= {"socketcall, other": door("compat", "socketcall-connect", "10.2.0.1", 4711)}
    found = try_it(g, "compat", ["openat"], [{**GUARDED, "access": ["read", "modify"]}, TOOLS, HOST], refused, allowed)
    hooks = {event["BAILIFF_HOOK"] for event in found}
    assert hooks >= {"file_open", "inode_setattr", "inode_rename", "inode_link", "inode_unlink",
                     "bprm_check_security", "socket_connect"}, hooks
    assert {event["BAILIFF_ON"] for event in found} == {"exec", "open", "connect"}, found
