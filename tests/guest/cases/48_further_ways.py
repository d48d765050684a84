# SPDX-License-Identifier: Apache-2.0
"""Ways around that were looked for in the kernel's source, by what starts, opens and connects without being asked to."""

from evasion import row
from trial import check_fields, do, push_program, trial

PREPARE = """
for m in $(awk '$2 ~ "^/srv/k/" { print $2 }' /proc/mounts | tac); do umount -l $m; done; rm -rf /srv/k
mkdir -p /srv/k/g/d /srv/k/out/d /srv/k/m /srv/k/o /srv/k/u /srv/k/w /srv/k/u2 /srv/k/w2 /srv/k/o1
for d in g out; do
    for f in a d/a; do echo secret > /srv/k/$d/$f; done
    for f in tool d/tool d/lib; do cp /bin/true /srv/k/$d/$f; done
    printf '#!/bin/sh\\n: > /srv/k/mark-%s\\n' $d > /srv/k/$d/mark; chmod 755 /srv/k/$d/mark
    printf '#!/bin/true\\n' > /srv/k/$d/d/script; chmod 755 /srv/k/$d/d/script
done
"""
CLEAN = "for m in $(awk '$2 ~ \"^/srv/k/\" { print $2 }' /proc/mounts | tac); do umount -l $m; done; rm -rf /srv/k"
NETWORK = "ip link set lo up; for a in 10.1.1.1 10.2.0.1; do ip addr replace $a/32 dev lo; done; "
NO_NETWORK = "for a in 10.1.1.1 10.2.0.1; do ip addr del $a/32 dev lo 2> /dev/null || :; done; "
READ = {"id": "read", "on": "open", "access": "read", "path": "/srv/k/g/**", "action": "deny"}
RUN = {"id": "run", "on": "exec", "path": "/srv/k/g/**", "action": "deny"}
HOST = {"id": "host", "on": "connect", "to": "10.1.1.1", "action": "deny"}


def try_it(g, rules, refused, allowed=None, prepare="", clean=""):
    return trial(g, rules, refused, allowed=allowed, prepare=PREPARE + prepare, clean=clean + CLEAN)


@row("B20")
def test_what_the_kernel_starts_by_itself(g):
    """For a core dump, a module, a key, an empty cgroup: whoever may say which program that is has it started by the
    kernel, as root."""
    link = "os.path.lexists('/sbin/request-key') and os.unlink('/sbin/request-key'); os.symlink('/srv/k/{0}/mark', '/sbin/request-key'); "
    ways = {"core dump": "core_helper('/srv/k/{0}/mark', '/srv/k/mark-{0}')", "module": "module_helper('/srv/k/{0}/mark', '/srv/k/mark-{0}')",
            "key": link + "key_helper('/srv/k/mark-{0}')", "cgroup": "release_agent('/srv/k/{0}/mark', '/srv/k/m/cg', '/srv/k/mark-{0}')"}
    found = try_it(g, [RUN], {name: way.format("g") for name, way in ways.items()},
                   {f"{name}, other": way.format("out") for name, way in ways.items()}, clean="rm -f /sbin/request-key; ")
    for event in found:
        check_fields(event, on="exec", hook="bprm_check_security", path="/srv/k/g/mark", uid="0")


@row("B21")
def test_interpreter_that_a_program_names(g):
    """A program of one's own says that the guarded one loads it: the kernel starts that one in its place."""
    for place in "g", "out":
        push_program(g, "ends", f"/root/ends-{place}", "-nostdlib", "-fPIE", "-pie", "-DCODE=3",
                     f"-Wl,--dynamic-linker=/srv/k/{place}/ends")
    push_program(g, "ends", "/root/ends", "-nostdlib", "-static-pie", "-DCODE=7")
    found = try_it(g, [RUN], {"named": "ends_with(7, '/root/ends-g')"}, {"named, other": "ends_with(7, '/root/ends-out')"},
                   prepare="for d in g out; do cp /root/ends /srv/k/$d/ends; done")
    check_fields(found[0], on="exec", path="/srv/k/g/ends", hook="mmap_file")
    g.remove("/root/ends", "/root/ends-g", "/root/ends-out")


@row("A28")
def test_mount_put_beneath(g):
    """What is mounted beneath the file system in the guarded place is at that place, covered and when the other is gone."""
    beneath = "m = new_mount('tmpfs'); os.close(os.open('x', os.O_CREAT | os.O_WRONLY, dir_fd=m)); put_beneath(m, '/srv/k/{0}/d'); "
    gone = "call(libc.umount2(b'/srv/k/{0}/d', 0)); read('/srv/k/{0}/d/x')"
    try_it(g, [READ], {"uncovered": (beneath + gone).format("g"), "covered": beneath.format("g") + "read_at(m, 'x')"},
           {"other": (beneath + gone).format("out")},
           prepare="for d in g out; do mount -t tmpfs t /srv/k/$d/d; mount --make-private /srv/k/$d/d; done; mount --make-private /")


@row("A23b")
def test_mounts_with_other_ids(g):
    """And an overlay of such a mount; by open_tree_attr as well, where it is."""
    at = "own_mounts(); idmapped('/srv/k/{0}/d', '/srv/k/m'{1}); "
    over = "sh('mount -t overlay o -o lowerdir=/srv/k/m,upperdir=/srv/k/u,workdir=/srv/k/w /srv/k/o'); "
    ways = {"mount": at + "read('/srv/k/m/a')", "nowhere": "read_at(idmapped('/srv/k/{0}/d'), 'a')",
            "overlay": at + over + "read('/srv/k/o/a')", "open_tree_attr": "read_at(idmapped('/srv/k/{0}/d', by_open=True), 'a')"}
    try_it(g, [READ], {name: way.format("g", "") for name, way in ways.items()},
           {f"{name}, other": way.format("out", "") for name, way in ways.items()}, prepare="modprobe overlay; chmod -R a+rX /srv/k")
    runs = {"exec": at + "run('/srv/k/m/tool')", "overlay, exec": at + over + "run('/srv/k/o/tool')",
            "overlay, map": at + over + "map_code('/srv/k/o/lib')"}
    try_it(g, [RUN], {name: way.format("g", "") for name, way in runs.items()},
           {f"{name}, other": way.format("out", "") for name, way in runs.items()}, prepare="modprobe overlay; chmod -R a+rX /srv/k")


@row("A9d")
def test_overlay_of_an_overlay(g):
    """The guarded directory is a layer of a layer."""
    twice = "own_mounts(); sh('mount -t overlay o -o lowerdir=/srv/k/{0}/d,upperdir=/srv/k/u,workdir=/srv/k/w /srv/k/o1; " \
            "mount -t overlay o -o lowerdir=/srv/k/o1,upperdir=/srv/k/u2,workdir=/srv/k/w2 /srv/k/o'); "
    reads = {"read": twice + "read('/srv/k/o/a')", "copied up": twice + "write('/srv/k/o/a'); read('/srv/k/o/a')"}
    try_it(g, [READ], {name: way.format("g") for name, way in reads.items()},
           {f"{name}, other": way.format("out") for name, way in reads.items()}, prepare="modprobe overlay")
    runs = {"exec": twice + "run('/srv/k/o/tool')", "script": twice + "run('/srv/k/o/script')", "map": twice + "map_code('/srv/k/o/lib')"}
    try_it(g, [RUN], {name: way.format("g") for name, way in runs.items()},
           {f"{name}, other": way.format("out") for name, way in runs.items()}, prepare="modprobe overlay")


@row("C18")
def test_files_that_the_kernel_is_told_to_open(g):
    """Their names are written into a file of the kernel's: as disks for others to read and write."""
    probe = g.run("modprobe -a target_core_mod target_core_file nvmet && mountpoint -q /sys/kernel/config || "
                  "mount -t configfs c /sys/kernel/config", check=False)
    if probe.rc:
        g.not_applicable("no target of SCSI or NVMe")
    scsi, nvme = "scsi_disk('/srv/k/{}/disk')".format, "nvme_disk('/srv/k/{}/disk')".format
    for access in "read", "write":
        try_it(g, [{**READ, "access": access}], {"scsi": scsi("g"), "nvme": nvme("g")}, {"scsi, other": scsi("out"), "nvme, other": nvme("out")},
               prepare="for d in g out; do truncate -s 65536 /srv/k/$d/disk; done; ")


@row("D34")
def test_core_dump_by_a_socket(g):
    """From 6.16 on the kernel connects to a unix socket to hand over a core dump."""
    found = try_it(g, [{"id": "socket", "on": "connect", "socket": "/srv/k/g/s", "action": "deny"}],
                   {"core": "core_by_socket('/srv/k/g/s')"}, {"other": "core_by_socket('/srv/k/out/s')"})
    check_fields(found[0], on="connect", socket="/srv/k/g/s", hook="unix_stream_connect")


@row("D35")
def test_networks_of_ones_own(g):
    """The address is what is guarded, in whatever network namespace; and a socket stays in its own."""
    try_it(g, [HOST], {"own network": "own_network('10.1.1.1'); connect('10.1.1.1', 7)",
                       "socket of another": "refused_connect(network_of('10.1.1.1'), '10.1.1.1', 7)"},
           {"own network, other": "own_network('10.2.0.1'); connect('10.2.0.1', 7)",
            "socket of another, other": "refused_connect(network_of('10.2.0.1'), '10.2.0.1', 7)"})


@row("D36")
def test_datagrams_with_flags(g):
    """Of what is sent without a copy, or held back until more comes, each destination is judged."""
    zero, more, confirm = 0x4000000, 0x8000, 0x800
    ways = {"zero copy": f"sent({zero}, '{{0}}', 7, (1, 60, 1))", "more": f"sent({more}, '{{0}}', 7)", "confirm": f"sent({confirm}, '{{0}}', 7)",
            "corked": "sent(0, '{0}', 7, (17, 1, 1))", "segmented": "sent(0, '{0}', 7, (17, 103, 1000))",
            "after others": f"s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', {more}, ('10.2.0.1', 7)); s.sendto(b'x', ('{{0}}', 7))"}
    found = try_it(g, [HOST], {name: way.format("10.1.1.1") for name, way in ways.items()},
                   {f"{name}, other": way.format("10.2.0.1") for name, way in ways.items()}, prepare=NETWORK, clean=NO_NETWORK)
    for event in found:
        check_fields(event, address="10.1.1.1", hook="socket_sendmsg")


@row("D37", "C5")
def test_sockets_that_io_uring_makes(g):
    """A socket is made, and one of unix gets its name, by requests."""
    push_program(g, "uring", "/root/uring")
    rules = [{"id": "family", "on": "connect", "family": "packet", "action": "deny"},
             {"id": "create", "on": "open", "access": "create", "path": "/srv/k/g/**", "action": "deny"}]
    ways = {f"{how}, {what}": f"door('/root/uring', '{how}', '{what}', '{{{what}}}', '')" for how in ("inline", "async", "sqpoll")
            for what in ("socket", "bind")}
    try:
        if do(g, {"probe": "door('/root/uring', 'inline', 'openat', '/etc/passwd')"})["probe"].startswith("n/a"):
            g.not_applicable("no io_uring")
        try_it(g, rules, {name: way.format(socket=17, bind=f"/srv/k/g/{name.partition(',')[0]}") for name, way in ways.items()},
               {f"{name}, other": way.format(socket=16, bind=f"/srv/k/out/{name.partition(',')[0]}") for name, way in ways.items()},
               prepare="modprobe af_packet 2> /dev/null || :; ")
    finally:
        g.remove("/root/uring")


@row("F9")
def test_threads_with_credentials_of_their_own(g):
    """One thread of a process has given up its rights, another asks io_uring's workers for something."""
    push_program(g, "uring", "/root/uring")
    ring = "door('/root/uring', '{0}', 'openat', '/srv/k/g/a')".format
    for by, keeps in (({"uid": 0}, "leader-drops"), ({"uid": 2000}, "thread-drops")):
        try_it(g, [{**READ, "by": by}], {"thread itself": ring(f"{keeps}-inline"), "worker": ring(f"{keeps}-async")},
               {"other": ring(f"{keeps}-async").replace("/g/", "/out/")}, prepare="chmod -R a+rX /srv/k; chmod a+rx /root/uring /root; ",
               clean="chmod 700 /root; ")
    g.remove("/root/uring")
