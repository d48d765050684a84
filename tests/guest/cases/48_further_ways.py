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


@row("A9d", "B8")
def test_handler_in_an_overlay_of_an_overlay(g):
    """A handler that is opened at its registration is opened by no path when it starts; a second start finds what the first
    one left behind."""
    place = "/proc/sys/fs/binfmt_misc"
    twice = "mkdir /srv/k/u/{0} /srv/k/w/{0} /srv/k/u2/{0} /srv/k/w2/{0}; " \
            "mount -t overlay o -o lowerdir=/srv/k/{0}/d,upperdir=/srv/k/u/{0},workdir=/srv/k/w/{0} /srv/k/o1; " \
            "mount -t overlay o -o lowerdir=/srv/k/o1,upperdir=/srv/k/u2/{0},workdir=/srv/k/w2/{0} /srv/k/o; "
    handler = f"echo ':trial{{0}}:E::t{{0}}::/srv/k/o/tool:F' > {place}/register; umount -l /srv/k/o /srv/k/o1; "
    files = "for d in g out; do echo x > /srv/k/file.t$d; echo x > /srv/k/again.t$d; chmod 755 /srv/k/*.t$d; done; "
    setup = f"modprobe -a binfmt_misc overlay; mountpoint -q {place} || mount -t binfmt_misc b {place}; " + files + \
            "".join(twice.format(where) + handler.format(where) for where in ("g", "out"))
    clean = f"for n in {place}/trial*; do [ ! -e $n ] || echo -1 > $n; done; "
    try_it(g, [RUN], {"handler": "run('/srv/k/file.tg')", "once more": "run('/srv/k/again.tg')"},
           {"handler, other": "run('/srv/k/file.tout')", "once more, other": "run('/srv/k/again.tout')"},
           prepare=setup, clean=clean)


@row("A9e")
def test_overlay_that_points_elsewhere(g):
    """A layer above has a file's metadata, or another name for it, and its content is in the guarded directory; or that is a
    layer of content alone. Mounted by fsconfig as well."""
    over = "own_mounts(); sh('mkdir -p /srv/k/u/{0}{1} /srv/k/w/{0}{1}; mount -t overlay o -o metacopy=on,redirect_dir=on," \
           "lowerdir=/srv/k/{0}/d,upperdir=/srv/k/u/{0}{1},workdir=/srv/k/w/{0}{1} /srv/k/o'); " \
           "os.chmod('/srv/k/o/{1}', 0o711); os.rename('/srv/k/o/{1}', '/srv/k/o/new'); "
    config = "own_mounts(); sh('mkdir -p /srv/k/u/{0}c /srv/k/w/{0}c'); read_at(new_mount('overlay', lowerdir='/srv/k/{0}/d', " \
             "upperdir='/srv/k/u/{0}c', workdir='/srv/k/w/{0}c', metacopy='on'), 'a')"
    reads = {"metadata": over.replace("{1}", "a") + "read('/srv/k/o/new')", "by fsconfig": config,
             "content alone": "content_alone('/srv/k/{0}/d', 'a', '/srv/k/u/{0}x', '/srv/k/o'); read('/srv/k/o/shown')"}
    try_it(g, [READ], {name: way.format("g") for name, way in reads.items()},
           {f"{name}, other": way.format("out") for name, way in reads.items()}, prepare="modprobe overlay; ")
    runs = {"metadata, exec": over.replace("{1}", "tool") + "run('/srv/k/o/new')",
            "metadata, map": over.replace("{1}", "lib") + "map_code('/srv/k/o/new')",
            "content alone, exec": "content_alone('/srv/k/{0}/d', 'tool', '/srv/k/u/{0}x', '/srv/k/o'); run('/srv/k/o/shown')"}
    try_it(g, [RUN], {name: way.format("g") for name, way in runs.items()},
           {f"{name}, other": way.format("out") for name, way in runs.items()}, prepare="modprobe overlay; ")


@row("C18")
def test_file_that_is_mounted_by_itself(g):
    """From 6.12 on a file of erofs is mounted without a loop device: the kernel opens it by its name. What is mounted here is none,
    which the kernel finds out later."""
    g.run(["modprobe", "erofs"], check=False)
    try_it(g, [READ], {"mounted": "mount_erofs_file('/srv/k/g/a', '/srv/k/m')"},
           {"mounted, other": "mount_erofs_file('/srv/k/out/a', '/srv/k/m')"})


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


@row("D40")
def test_mount_that_connects_to_a_socket(g):
    g.run(["modprobe", "-a", "9p", "9pnet", "9pnet_fd"], check=False)
    found = try_it(g, [{"id": "socket", "on": "connect", "socket": "/srv/k/g/s", "action": "deny"}],
                   {"9p": "mount_by_socket('/srv/k/g/s', '/srv/k/m')"}, {"9p, other": "mount_by_socket('/srv/k/out/s', '/srv/k/m')"})
    check_fields(found[0], on="connect", socket="/srv/k/g/s", hook="unix_stream_connect")


@row("D27")
def test_name_that_the_kernel_gives_a_socket(g):
    """One that is bound to no name gets an abstract one, of five digits."""
    served = "s = socket.socket(socket.AF_UNIX, socket.{0}); s.bind(''); s.listen(); unix_connect(s.getsockname(), socket.{0})".format
    named = "s = socket.socket(socket.AF_UNIX, socket.{0}); s.bind(b'\\0trial-{0}'); s.listen(); unix_connect(s.getsockname(), socket.{0})".format
    kinds = "SOCK_STREAM", "SOCK_SEQPACKET"
    try_it(g, [{"id": "socket", "on": "connect", "socket": "@[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]", "action": "deny"}],
           {kind: served(kind) for kind in kinds}, {f"{kind}, other": named(kind) for kind in kinds})


@row("D38")
def test_other_addresses_of_this_host(g):
    """A limit: who listens at all addresses is reached by each of them, and a rule on one says nothing of the others."""
    reached = "s = socket.socket(); s.bind(('0.0.0.0', 4713)); s.listen(); connect('{}', 4713)".format
    try_it(g, [{"id": "local", "on": "connect", "to": "127.0.0.1", "port": 4713, "action": "deny"},
               {"id": "all", "on": "connect", "to": "127.0.0.0/8", "port": 4714, "action": "deny"}],
           {"itself": reached("127.0.0.1"), "all of them": reached("127.0.0.2").replace("4713", "4714")},
           {"another": reached("127.0.0.2")}, prepare="ip link set lo up; ")


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


@row("F10")
def test_subordinate_ids(g):
    """A limit: who has subordinate ids becomes somebody whom no rule for his own number is about."""
    user = "as_user(2000, 2000, [], lambda: {})".format
    try_it(g, [{**READ, "by": {"uid": 2000}}, {**RUN, "id": "all", "by": {"uid": [2000, "100000-165535"]}}],
           {"himself": user("read('/srv/k/g/a')"), "all of them": "as_subordinate(2000, 100000, lambda: run('/srv/k/g/tool'))"},
           {"a subordinate": "as_subordinate(2000, 100000, lambda: read('/srv/k/g/a'))"}, prepare="chmod -R a+rX /srv/k; ")
