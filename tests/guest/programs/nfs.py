#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nfs.py export DIRECTORY | mount PLACE | stop: the kernel's own NFS server and client over the loopback
interface, without a daemon beside them."""

import contextlib
import ctypes
import pathlib
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
SERVER = pathlib.Path("/proc/fs/nfsd")
CACHES = pathlib.Path("/proc/net/rpc")
# include/uapi/linux/nfsd/export.h: INSECURE_PORT, NOSUBTREECHECK, FSID; root stays root
FLAGS = 0x2 | 0x400 | 0x2000
FOREVER, NOBODY, LEASE_S = 2**31 - 1, 65534, 10


def run(command):
    subprocess.run(["/bin/sh", "-euc", command], check=True)


def export(directory):
    """Starts the server, and tells it beforehand what it would ask mountd: whoever is here is a client, and
    this is the tree that he sees. Nobody has anything to reclaim, so there need be no grace period."""
    run("modprobe -a nfsd nfsv4; mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd; ip link set lo up")
    for name, text in (("versions", "-3 +4 +4.1 +4.2"), ("nfsv4leasetime", LEASE_S), ("nfsv4gracetime", LEASE_S),
                       ("portlist", "tcp 2049"), ("threads", 2)):
        (SERVER / name).write_text(f"{text}\n")
    for cache, line in (("auth.unix.ip", f"nfsd 127.0.0.1 {FOREVER} everyone"),
                        ("nfsd.export", f"everyone {directory} {FOREVER} {FLAGS} {NOBODY} {NOBODY} 0"),
                        ("nfsd.fh", f"everyone 1 \\x00000000 {FOREVER} {directory}")):
        (CACHES / cache / "channel").write_text(f"{line}\n")
    with contextlib.suppress(OSError):  # it is over
        (SERVER / "v4_end_grace").write_text("Y\n")


def mount(place):
    options = b"vers=4.2,proto=tcp,sec=sys,addr=127.0.0.1,clientaddr=127.0.0.1"
    if libc.mount(b"127.0.0.1:/", place.encode(), b"nfs4", 0, options):
        raise OSError(ctypes.get_errno(), f"mount of {place}")


def stop():
    """Ends the server, if it runs, and makes it forget its clients."""
    if not (SERVER / "threads").exists():
        return
    (SERVER / "threads").write_text("0\n")
    for cache in "auth.unix.ip", "nfsd.export", "nfsd.fh":
        (CACHES / cache / "flush").write_text(f"{int(time.time()) + 1}\n")
    run("umount /proc/fs/nfsd")


if __name__ == "__main__":
    {"export": export, "mount": mount, "stop": stop}[sys.argv[1]](*sys.argv[2:])
