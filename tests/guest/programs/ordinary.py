#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ordinary.py WORK: does a machine's ordinary work and prints a JSON object: each step, and what came of
it, without anything that differs from one run to the next. See WORKS for what there is."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import unittest

import nfs
from battery import battery, call, facts, libc

PLACE = pathlib.Path("/srv/ordinary")
USER = 1000
NFS_EXPORT = str(PLACE / "exported")


def sh(text, **options):
    """What a shell script says, and how it ends."""
    done = subprocess.run(["/bin/sh", "-uc", text], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", **options)
    return [done.returncode, done.stdout, done.stderr]


def must(text):
    """A step that the others stand on."""
    code, out, err = sh(f"set -e; {text}")
    if code:
        raise RuntimeError(f"{text}: exit {code}: {out}{err}")
    return out


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def listing(*places):
    """All about the files below some places but their times and inode numbers."""
    found = {}
    for place in places:
        below = [os.path.join(folder, name) for folder, folders, files in os.walk(place) for name in folders + files]
        for path in [place, *below] if os.path.lexists(place) else []:
            known = facts(path)
            known.append({name: os.getxattr(path, name, follow_symlinks=False).hex()
                          for name in os.listxattr(path, follow_symlinks=False)})
            if os.path.islink(path):
                known.append(os.readlink(path))
            elif os.path.isfile(path):
                known.append(digest(path))
            else:
                known[4:5] = [os.lstat(path).st_rdev]  # the size of a directory is the file system's business
            found[path] = known
    return found


# ---- packages --------------------------------------------------------------------------------

SCRIPTS = {
    "preinst": """
[ "$1" = install ] || [ "$1" = upgrade ]
dpkg-divert --package ordinary --add --rename --divert /srv/ordinary/diverted.distrib /srv/ordinary/diverted
getent passwd ordinary > /dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin ordinary
""",
    "postinst": """
chown ordinary:ordinary /var/lib/ordinary
setcap cap_net_bind_service=ep /usr/lib/ordinary/capable
python3 -c "import os; os.setxattr('/usr/lib/ordinary/capable', 'user.origin', b'ordinary')"
update-alternatives --install /usr/bin/ordinary-tool ordinary-tool /usr/lib/ordinary/tool 10
systemctl enable ordinary.service; systemctl restart ordinary.service
""",
    "prerm": """
systemctl disable --no-reload --now ordinary.service
[ "$1" != remove ] || update-alternatives --remove ordinary-tool /usr/lib/ordinary/tool
""",
    "postrm": """
[ "$1" != remove ] || dpkg-divert --package ordinary --remove --rename /srv/ordinary/diverted
[ "$1" != purge ] || { userdel ordinary; rm -rf /var/lib/ordinary; systemctl daemon-reload; }
""",
}
UNIT = """[Service]
Type=exec
ExecStart=/usr/lib/ordinary/tool 100000
User=ordinary
StateDirectory=ordinary
ProtectSystem=strict
PrivateTmp=yes
[Install]
WantedBy=multi-user.target
"""


def build_package(version):
    root = PLACE / f"package-{version}"
    files = {"DEBIAN/control": f"Package: ordinary\nVersion: {version}\nArchitecture: amd64\nMaintainer: x <x@x>\n"
                               "Description: work\n",
             "DEBIAN/conffiles": "/etc/ordinary.conf\n/etc/ordinary.d/kept\n",
             "DEBIAN/triggers": "activate-noawait ldconfig\n",
             "etc/ordinary.conf": f"version={version}\n", "etc/ordinary.d/kept": f"kept {version}\n",
             "usr/lib/ordinary/data": f"{version}\n" * 5000, "srv/ordinary/diverted": f"the package's, {version}\n",
             "usr/lib/systemd/system/ordinary.service": UNIT}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, text in SCRIPTS.items():
        (root / "DEBIAN" / name).write_text(f"#!/bin/sh\nset -e\n{text}")
        (root / "DEBIAN" / name).chmod(0o755)
    lib = root / "usr/lib/ordinary"
    must(f"cd {lib}; cp /bin/sleep tool; cp /bin/true setuid; chmod 4755 setuid; cp /bin/true capable; ln tool linked; "
         f"ln -s ../ordinary/data symlink; mkfifo fifo; mknod null c 1 3; mkdir shared; chmod 3775 shared; "
         f"mkdir -p {root}/var/lib/ordinary; chmod 750 {root}/var/lib/ordinary; "
         f"dpkg-deb --build {root} {PLACE}/{version}.deb")


def package_state():
    return {"files": listing("/usr/lib/ordinary", "/etc/ordinary.conf", "/etc/ordinary.d", "/var/lib/ordinary",
                             "/srv/ordinary/diverted", "/srv/ordinary/diverted.distrib", "/usr/bin/ordinary-tool",
                             "/etc/ordinary.conf.dpkg-dist", "/usr/lib/systemd/system/ordinary.service",
                             "/etc/systemd/system/multi-user.target.wants/ordinary.service"),
            "dpkg": sh("dpkg -s ordinary; dpkg -L ordinary; dpkg -V ordinary; dpkg-divert --list '*ordinary*'; dpkg --audit"),
            "user": sh("getent passwd ordinary"),
            "service": sh("systemctl is-active ordinary; systemctl is-enabled ordinary")}


def packages():
    """A package with all that packages have: installed, upgraded, removed, purged."""
    (PLACE / "diverted").write_text("the host's\n")
    for version in "1", "2":
        build_package(version)
    result = {}
    for step in (f"dpkg -i {PLACE}/1.deb", "echo changed >> /etc/ordinary.conf",
                 f"dpkg --force-confold -i {PLACE}/2.deb", "dpkg --remove ordinary", "dpkg --purge ordinary"):
        result[f"{len(result)}: {step}"] = [sh(step), package_state()]
    return result


# ---- the compiler ----------------------------------------------------------------------------

SOURCES = {
    "common.h": "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint squared(int n);\n",
    "lib.c": '#include "common.h"\nint squared(int n) { return n * n; }\n',
    "main.c": '#include "common.h"\nint main(int argc, char **argv)\n{\n\tfor (int i = 0; i < argc + 5; i++)\n'
              '\t\tprintf("%d %s\\n", squared(i), i < argc ? argv[i] : "-");\n\treturn 0;\n}\n',
    "start.S": ".globl answer\nanswer:\n\tmov $42, %eax\n\tret\n",
    "broken.c": "int main(void) { return undeclared; }\n",
    "flags": "-O2 -g -Wall\n",
}
BUILDS = [
    "gcc @flags -fPIC -c lib.c -o lib.o", "gcc @flags -c main.c -o main.o", "gcc -c start.S", "ar rcs lib.a lib.o start.o",
    "gcc -shared lib.o -o liblib.so", "gcc main.o -L. -llib -Wl,-rpath,$PWD -o dynamic", "gcc main.o lib.a -o static",
    "gcc -static main.o lib.a -o wholly", "gcc -O1 -save-temps main.c lib.c -o saved", "gcc -flto -O2 main.c lib.c -o lto",
    "gcc -x c-header common.h", "gcc -pipe main.c lib.c -o precompiled", "gcc broken.c", "./dynamic a b", "./static a b",
    "./wholly", "./saved", "./lto", "./precompiled", "strip -o stripped dynamic", "objdump -d stripped | sha256sum",
]


def compiler():
    """gcc with all its helpers; what it makes is the same to the byte."""
    os.chdir(PLACE)
    for name, text in SOURCES.items():
        pathlib.Path(name).write_text(text)
    result = {step: sh(step) for step in BUILDS}
    # A precompiled header is an image of gcc's memory, addresses included.
    result["files"] = {str(path): [path.stat().st_mode, path.suffix == ".gch" or digest(path)]
                       for path in sorted(pathlib.Path().iterdir())}
    return result


# ---- containers ------------------------------------------------------------------------------

def overlay(lower, place, name):
    """An overlay over a directory of the host, in the container's root."""
    for part in "upper", "work", "root":
        os.makedirs(f"{place}/{part}/{name}", exist_ok=True)
    options = f"lowerdir={lower},upperdir=upper/{name},workdir=work/{name}"
    must(f"cd {place}; mount -t overlay overlay -o {options} root/{name}")


def enter(place):
    """An overlay over the whole system becomes this process's root; in a user namespace one over each of its
    parts, since an overlay there must not uncover what other mounts cover."""
    if "user" in place:
        must(f"mount -t tmpfs tmpfs {place}/root; cd {place}/root; mkdir proc tmp dev mnt; "
             "for l in bin sbin lib lib64; do ln -s usr/$l; done")
        for name in "usr", "etc", "opt":
            overlay(f"/{name}", place, name)
    else:
        overlay("/", place, ".")
    must(f"cd {place}/root; mount -t proc proc proc; mount -t tmpfs tmpfs tmp; mount --rbind /dev dev; mkdir -p mnt/old")
    call(libc.syscall(155, f"{place}/root".encode(), f"{place}/root/mnt/old".encode()))  # pivot_root
    os.chdir("/")
    call(libc.umount2(b"/mnt/old", 2))


def network():
    """Two sockets that talk over this namespace's own loopback, by each address family."""
    must("ip link set lo up")
    said = {}
    for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            with socket.socket(family, kind) as server, socket.socket(family, kind) as client:
                server.bind((address, 4711))
                if kind == socket.SOCK_STREAM:
                    server.listen()
                client.connect((address, 4711))
                client.send(b"hello")
                took = server.accept()[0] if kind == socket.SOCK_STREAM else server
                said[f"{family.name} {kind.name}"] = took.recv(16).decode()
    with socket.socket() as client:
        said["nobody there"] = client.connect_ex(("127.0.0.1", 9))
    return said | {"links": sh("ip -o link | cut -d: -f2")}


def inside(place):
    """What is done in a container."""
    enter(place)
    result = {"id": sh("id; cat /proc/self/uid_map; ps -e -o pid=,comm= | wc -l; hostname inside && hostname"),
              "mounts": sh("cut -d' ' -f2,3 /proc/mounts"), "network": network()}
    for where in "/opt/inside", "/tmp/inside":
        os.makedirs(where)
        result[where] = battery(where)
    result["tools"] = sh("touch /etc/made; ls -l /etc/made | cut -c1-10; sed -i s/root/ROOT/ /etc/passwd && "
                         "head -c 4 /etc/passwd; rm /etc/hosts; mv /etc/hostname /etc/h; ls /etc; "
                         "find /usr/bin -type f | wc -l; cat /usr/bin/[a-d]* | sha256sum")
    return result


def contained(kind, command):
    owner = USER if kind == "user" else 0
    must(f"cd {PLACE}; mkdir -p {kind}/upper {kind}/work {kind}/root; chown -R {owner}:{owner} {kind}")
    code, out, err = sh(f"{command} python3 {os.path.abspath(__file__)} inside {PLACE}/{kind}")
    return [code, json.loads(out) if code == 0 else out, err]


UNSHARE = "unshare --mount --pid --fork --net --ipc --uts "
CGROUP = "/sys/fs/cgroup/ordinary"
KNOCK = "import socket; print(socket.socket(2, 2).sendto(b'x', ('10.7.0.1', 9)))"
VETH = f"""
set -e
ip netns add ordinary
ip link add o0 type veth peer name o1 netns ordinary
ip addr add 10.7.0.1/24 dev o0; ip link set o0 up
ip -n ordinary addr add 10.7.0.2/24 dev o1; ip -n ordinary link set o1 up
ip netns exec ordinary python3 -c "{KNOCK}"
ip netns del ordinary
"""
SANDBOX = """
systemd-run --quiet --wait --pipe -p DynamicUser=yes -p ProtectSystem=strict -p PrivateTmp=yes -p PrivateDevices=yes \\
    -p PrivateNetwork=yes -p ProtectHome=yes -p NoNewPrivileges=yes -p StateDirectory=ordinary-sandbox \\
    -p SystemCallFilter=@system-service \\
    /bin/sh -c 'id -u | grep -c ^6; touch /var/lib/ordinary-sandbox/a /tmp/b && ls /tmp /home; touch /usr/c
        unshare -m true || :'
code=$?
rm -rf /var/lib/private/ordinary-sandbox /var/lib/ordinary-sandbox
exit $code
"""


def containers():
    """Of a user, in a user namespace; of root, with a cgroup; and systemd's own kind."""
    must(f"mkdir -p {CGROUP}; modprobe overlay")
    as_user = f"setpriv --reuid {USER} --regid {USER} --clear-groups "
    return {"user": contained("user", as_user + UNSHARE + "--user --map-root-user"),
            "root": contained("root", f"echo $$ > {CGROUP}/cgroup.procs; {UNSHARE} --cgroup"),
            "cgroup": sh(f"while ! rmdir {CGROUP} 2> /dev/null && [ -d {CGROUP} ]; do sleep 0.1; done"),
            "veth": sh(VETH), "sandbox": sh(SANDBOX)}


# ---- file systems ----------------------------------------------------------------------------

LOCAL = (("ext4", "truncate -s 32M e.img; mkfs.ext4 -q e.img", "mount -o loop e.img"),
         ("btrfs", "truncate -s 120M b.img; mkfs.btrfs -q b.img", "mount -o loop b.img"),
         ("tmpfs", ":", "mount -t tmpfs tmpfs"),
         ("fuse", "truncate -s 32M f.img; mkfs.ext4 -q f.img", "fuse2fs -o fakeroot,allow_other f.img"),
         ("overlay", "mkdir lower upper work; echo x > lower/below",
          "mount -t overlay o -o lowerdir=lower,upperdir=upper,workdir=work"))


@contextlib.contextmanager
def mounted(name, prepare, mount):
    place = PLACE / name
    place.mkdir()
    must(f"cd {PLACE}; {prepare}")
    if callable(mount):
        mount(str(place))
    else:
        must(f"cd {PLACE}; {mount} {place}")
    try:
        yield place
    finally:
        os.chdir("/")
        must(f"umount {place}")


def subvolumes(place):
    """btrfs's own: subvolumes, snapshots, a stream of one received in another place."""
    must(f"cd {place}; btrfs -q subvolume create sub; echo x > sub/file; mkdir in; "
         "btrfs -q subvolume snapshot -r sub snap")
    result = {"send": sh(f"cd {place}; btrfs -q send snap | btrfs receive in; cat in/snap/file; "
                         "btrfs property get snap ro"),
              "sub": battery(place / "sub")}
    os.chdir("/")
    return result | {"gone": sh(f"cd {place}; btrfs -q subvolume delete in/snap snap sub > /dev/null; ls")}


def filesystems():
    """The same steps on each kind of file system."""
    must("modprobe -a fuse loop btrfs overlay")
    result = {}
    for name, prepare, mount in LOCAL:
        with mounted(name, prepare, mount) as place:
            result[name] = battery(place)
            if name == "btrfs":
                result["subvolumes"] = subvolumes(place)
    os.makedirs(NFS_EXPORT)
    nfs.export(NFS_EXPORT)
    try:
        with mounted("nfs", ":", nfs.mount) as place:
            result["nfs"] = battery(place)
    finally:
        nfs.stop()
    return result


# ---- system calls ----------------------------------------------------------------------------

# Python's own tests of what it hands to the kernel: module, classes, and those that go by the clock or take long.
CALLS = (("os", "", "Timerfd|Walk|ForkTests|Pseudoterminal"), ("posix", "", "TestPosixSpawnP$"),
         *((name, "", "") for name in "mmap fcntl epoll fileio resource pty wait4".split()),
         ("socket", "BasicTCP|BasicUDP|SocketPair|Unix|Abstract|SCMRights|KernelCrypto|UsingSendfile|UDPLITE|CAN|VSOCK",
          "Interrupted|Timeout"))


class Verdicts(unittest.TestResult):
    """Each test with its verdict, and nothing that has a number of seconds or an address in it."""

    def __init__(self):
        super().__init__()
        self.of = {}

    def startTest(self, test):
        super().startTest(test)
        self.of[test.id()] = "ok"

    def addSubTest(self, test, subtest, failure):
        if failure:
            self.of[test.id()] = f"FAIL {failure[0].__name__}"

    def addError(self, test, error):
        self.of[test.id()] = f"ERROR {error[0].__name__}"

    def addFailure(self, test, error):
        self.of[test.id()] = f"FAIL {error[0].__name__}"

    def addSkip(self, test, reason):
        self.of[test.id()] = "skipped"


def tests_in(suite):
    for each in suite:
        yield from tests_in(each) if isinstance(each, unittest.TestSuite) else [each]


def suite(name, wanted, unwanted):
    """Runs one module's tests in this process."""
    os.chdir(PLACE)
    loaded = unittest.defaultTestLoader.loadTestsFromName(f"test.test_{name}")
    chosen = [test for test in tests_in(loaded) if re.search(wanted, type(test).__name__) and
              not (unwanted and re.search(unwanted, type(test).__name__))]
    verdicts = Verdicts()
    unittest.TestSuite(chosen).run(verdicts)
    return verdicts.of


def calls():
    """Python's own tests, each module in a process of its own."""
    result = {}
    for name, wanted, unwanted in CALLS:
        code, out, err = sh(f"exec python3 {os.path.abspath(__file__)} suite {name} '{wanted}' '{unwanted}'")
        result[name] = json.loads(out) if code == 0 else [code, err]
    return result


WORKS = {work.__name__: work for work in (packages, compiler, containers, filesystems, calls)}


def main():
    if sys.argv[1] == "inside":
        print(json.dumps(inside(*sys.argv[2:])))
        return
    if sys.argv[1] == "suite":
        # Whatever the tests and their children write is not the answer.
        with open(os.dup(1), "w", encoding="utf-8") as answer:
            os.dup2(2, 1)
            json.dump(suite(*sys.argv[2:]), answer)
        return
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    result = WORKS[sys.argv[1]]()
    os.chdir("/")
    shutil.rmtree(PLACE)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
