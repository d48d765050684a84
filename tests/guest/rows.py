# SPDX-License-Identifier: Apache-2.0
"""The known ways around a rule, as a table: what docs/evasion.md lists and the cases show.

A row's verdict is what is wanted of bailiff when a rule covers the object:

    deny    the way is refused as the front door is
    alert   it works where no rule refuses it, and a rule that watches it raises an event
    event   it lies about an event or floods it: the event is right all the same, or its loss is counted
    limit   bailiff does not hold it: `how` is the reason, and what a test of it shows is the limit

A way that somebody finds becomes a row here before it becomes anything else."""

from __future__ import annotations

import dataclasses

VERDICTS = ("deny", "alert", "event", "limit")

GROUPS = {
    "A": "Another name for the same file",
    "B": "Running code without starting the named file",
    "C": "Changing or reading content without the open that a rule watches",
    "D": "Reaching an address without the connect that a rule watches",
    "E": "Blinding the observer",
    "F": "Lying about who did it",
    "G": "Lying in the log",
}


@dataclasses.dataclass(frozen=True)
class Row:
    id: str
    verdict: str
    technique: str
    how: str  # it is held; of a limit: why it is not

    def __post_init__(self) -> None:
        assert self.verdict in VERDICTS and self.id[0] in GROUPS and self.technique and self.how, self


# ---- the names of files ----------------------------------------------------------------------

A = [
    Row("A1", "deny", "symbolic links, `..`, `//`, /proc/self/root, /proc/PID/cwd",
        "the opened file's own chain of directory entries is judged, never the argument"),
    Row("A2", "deny", "a hard link, made before or after the rule",
        "linking takes the right to what any rule on the old name refuses; an inode with several names is judged by all"),
    Row("A3", "deny", "a bind mount of the file, of its directory or of a tree, in a mount namespace of one's own",
        "names are those inside the superblock, where the host mounts it: namespaces don't matter"),
    Row("A4", "deny", "chroot, pivot_root, a root directory of one's own",
        "names go up to the superblock's root, not to the caller's"),
    Row("A5", "deny", "O_PATH and a second open by /proc/self/fd, another process's /proc/PID/fd, map_files, /proc/PID/exe",
        "the second open is an open of the file itself"),
    Row("A6", "deny", "openat2 with each RESOLVE_ flag, relative to a directory's descriptor",
        "the opened file is judged, whichever call looked it up"),
    Row("A7", "deny", "open_by_handle_at, also when the entry has been evicted and the file has no parent",
        "what does not lead to its superblock's root counts as matched by every path rule"),
    Row("A8", "deny", "open_tree, fsmount, move_mount, a mount that was detached while a descriptor holds it",
        "no mount is asked for a name: a detached one shows the same superblock"),
    Row("A9", "deny", "the guarded directory as the lower layer of an overlay",
        "the overlay's open of the real file is judged by the real file"),
    Row("A9b", "deny", "the same where the kernel opens the real file by the overlay's own name, before 6.5",
        "the name is found by the inode, and holds for the overlay's as well"),
    Row("A9c", "deny", "a program, a script or a handler's file started from an overlay of one's own",
        "what rules say of the real file's name holds for the overlay's file when that is started"),
    Row("A9d", "deny", "an overlay that has an overlay as a layer, which has the guarded directory",
        "each of them opens the real file in the end, and that open is judged"),
    Row("A9e", "deny", "an overlay of which a layer has only a file's metadata, or another name for it (metacopy, redirect, data-only layers)",
        "whatever leads to the real file, its open is judged"),
    Row("A10", "deny", "the guarded directory as the upper layer of an overlay, which then writes, makes and renames in it",
        "the inode hooks see what the overlay does to the real directory"),
    Row("A11", "deny", "renaming or exchanging the file away and using it there",
        "a rename takes the right to whatever any rule on the old name refuses"),
    Row("A12", "deny", "renaming or exchanging a directory above the file",
        "a rename of a directory takes the right to whatever rules refuse below it"),
    Row("A13", "deny", "another object put at the guarded name: rename over it, unlink and create, a directory exchanged",
        "names are read at each open: what has the name is guarded from its first instant"),
    Row("A14", "deny", "another file system mounted below the guarded directory, or over it",
        "each superblock is matched from where the host's mounts put it, from its first open on"),
    Row("A15", "deny", "names too deep or too long to be walked, reached step by step",
        "what can't be walked counts as matched by every rule with `**`"),
    Row("A15b", "deny", "a name of more than 255 bytes, where the file system counts letters (vfat, exfat, ntfs)",
        "names are walked up to 1,023 bytes; what is longer counts as matched by every path rule"),
    Row("A16", "deny", "renames while the chain of names is read, so that two paths are spliced",
        "the chain is read again until rename_lock's sequence stood still"),
    Row("A18", "deny", "device numbers that stat(2) and the kernel don't agree about (btrfs subvolumes, overlays)",
        "no device number is compared: superblocks are known by their root inode"),
    Row("A19", "deny", "an inode number that is used again by another file",
        "what is kept of an inode dies with it; what is kept by number is compared by name"),
    Row("A19b", "limit", "a device number that is used again by another file system, with the same inode numbers and versions",
        "what is kept by these numbers only adds to what rules refuse, until the next policy: nothing is let pass by it"),
    Row("A20", "deny", "other spellings of a name in a case-folded directory",
        "a file that is named is known by its inode as well: what one spelling comes to holds for all"),
    Row("A21", "deny", "a second mount of the same device or of another subvolume of it",
        "it is the same superblock, and all its mounts' names count"),
    Row("A22", "deny", "a server opens the file on behalf of somebody: FUSE",
        "the server's open is an open; a rule without `by` holds for it as for anybody"),
    Row("A22b", "deny", "the kernel's own NFS server opens the file for a client, over the loopback interface",
        "a kernel thread's open is an open; what is mounted in a guarded place is guarded like any file system"),
    Row("A22c", "deny", "a procfs or sysfs of one's own, in a user namespace or anywhere else",
        "what they show is named as in /proc and /sys, wherever they are mounted and by whom"),
    Row("A23", "limit", "idmapped mounts",
        "they change ownership only; rules judge by the ids of the initial user namespace"),
    Row("A23b", "deny", "the guarded directory by an idmapped mount, as the layer of an overlay as well; by open_tree_attr",
        "a mount with other ids shows the same superblock"),
    Row("A24", "limit", "root unmounts or moves a file system that is mounted in the guarded place, and goes on using it",
        "it is not at that place any more; deny whoever may not mount"),
    Row("A24b", "deny", "who owns the mount point removes it, in a mount namespace from before the mount, which goes with it",
        "removing a mount point takes the right to whatever rules refuse below it"),
    Row("A24c", "deny", "root takes away the mount of a whole file system of which a part stays mounted, and what is outside is used",
        "what no mount of the host shows is named from its file system's root on, like what is in a container"),
    Row("A25", "deny", "an entry that is unlinked while its file keeps a guarded name, or made without a name and linked later",
        "the file's own names count; where none is at hand it counts as matched by every path rule"),
    Row("A26", "deny", "names in an encrypted directory whose key is not there",
        "they are no names: what has one, or is below one, counts as matched by every path rule"),
    Row("A27", "deny", "the path of an exception, on a file system that somebody has mounted in a user namespace of his own",
        "there no exception that names a path holds: each class has a second one for such file systems"),
    Row("A28", "deny", "a file system that is mounted beneath the one in the guarded place (MOVE_MOUNT_BENEATH), and uncovered",
        "it has the names of that place from its first open on, covered or not"),
    Row("A29", "deny", "a file of a network's server that is removed while it is open, which goes on under a hidden name",
        "on NFS, SMB, AFS and FUSE to remove a name takes the right to whatever any rule on it refuses, like a rename"),
]

# ---- running code ----------------------------------------------------------------------------

B = [
    Row("B1", "deny", "execveat of a descriptor, of an O_PATH descriptor, relative to a directory; /proc/self/fd",
        "bprm_check_security judges the file that is about to run"),
    Row("B2", "deny", "the program is unlinked or renamed after it was opened, and then started",
        "a deleted entry keeps its place among the names; a rename takes the right to start it"),
    Row("B3", "deny", "a nameless file (O_TMPFILE) made below a guarded directory, started by its descriptor",
        "its entry hangs below the directory in which it was made"),
    Row("B4", "alert", "memfd_create and a start of it, memfd_secret, a fresh tmpfs",
        "it is another file than the guarded one: rules on `file` match what has no name"),
    Row("B5", "deny", "the dynamic loader is given the program: `ld.so /guarded/tool`",
        "mmap_file judges what is mapped as code"),
    Row("B7", "deny", "the guarded program as the interpreter of a script",
        "bprm_check_security is asked for the script and for its interpreter"),
    Row("B8", "deny", "the guarded program as a binfmt_misc handler, opened at its registration (flag F)",
        "the interpreter is judged when it starts, as any program"),
    Row("B9", "deny", "mmap(PROT_EXEC), dlopen, LD_PRELOAD, LD_AUDIT, /etc/ld.so.preload of a guarded file",
        "mmap_file judges what is mapped as code"),
    Row("B11", "deny", "mapped as data, then made code by mprotect, pkey_mprotect, remap_file_pages, or by READ_IMPLIES_EXEC",
        "file_mprotect judges the mapping's file"),
    Row("B13", "alert", "an interpreter reads the script: `sh FILE`, standard input, AT_EXECVE_CHECK",
        "the interpreter's open is judged by open rules, its question to the kernel as a start"),
    Row("B14", "limit", "a copy of the guarded program under another name, or a file system that shows it as its own (FUSE, ecryptfs, NFS)",
        "a rule names a path; deny reading the file, which each of these does, or deny starting what others can write"),
    Row("B16", "limit", "code in anonymous memory: JIT compilers, a write to /proc/self/mem, userland exec",
        "no file is run; programs need such memory"),
    Row("B17", "alert", "a write to the memory of a process that may more, by /proc/PID/mem",
        "an open rule on `/proc/*/mem` and `/proc/*/task/*/mem` reports or refuses it"),
    Row("B17b", "deny", "taking hold of an excepted program: ptrace, process_vm_writev, pidfd_getfd, /proc/PID/mem",
        "where an exception is for a program, nobody whom the rule holds for may trace it, or start it traced"),
    Row("B18", "limit", "a deputy: systemd-run, cron, a daemon that starts what it is asked to",
        "the deputy's act is judged as the deputy's: rules without `by` hold for it as well"),
    Row("B19", "deny", "a kernel module, or the kernel and initramfs of kexec, from a file",
        "the file is judged as one that is started"),
    Row("B19b", "limit", "the same from memory, and BPF programs as code",
        "there is no file, and root without lockdown can change the kernel"),
    Row("B20", "deny", "the guarded program as the kernel's helper: for core dumps, modules, keys, cgroups",
        "the kernel starts it like any program, as root: rules without `by` hold"),
    Row("B21", "deny", "a program that names the guarded one as its interpreter (PT_INTERP)",
        "the kernel maps it as code, which mmap_file judges"),
]

# ---- content ---------------------------------------------------------------------------------

C = [
    Row("C1", "deny", "truncate(2), ftruncate, O_TRUNC with O_RDONLY",
        "truncation by name is a write; by descriptor it was judged at the open"),
    Row("C3", "deny", "rename over, exchange, a directory moved in, a symbolic link over the name",
        "a rename is judged by both its names"),
    Row("C4", "deny", "a hard link into the directory; O_TMPFILE and linkat",
        "a link makes a name: `create`"),
    Row("C5", "deny", "unlink, rmdir, mknod, mkdir, a socket's bind",
        "each has its inode hook: `create`, `delete`"),
    Row("C5b", "deny", "btrfs subvolumes and snapshots made and deleted by ioctl, another default one, their flags",
        "the kernel asks no security module: the ioctl is judged as `create` or `delete` of the name that it is given, and one "
        "that other threads may rewrite as any name in that directory"),
    Row("C5c", "limit", "the same, where another process rewrites the name in memory meanwhile; attributes that XFS sets by handle",
        "the kernel reads the name once more and asks nobody; what XFS sets by handle takes root"),
    Row("C6", "deny", "chmod, chown, utimes, extended attributes, access control lists, chattr, verity, encryption",
        "each has its hook: `attributes`"),
    Row("C7", "deny", "a descriptor passed by SCM_RIGHTS or taken by pidfd_getfd",
        "who takes it over is judged like who opens the file"),
    Row("C7b", "limit", "a descriptor from before the rule, or inherited, or sent from one io_uring to another or by binder",
        "a descriptor is judged when it is opened and when it is taken over; io_uring's own table asks no security module, "
        "and of binder that is to hand a descriptor over no task is known; rules can refuse /dev/binder*"),
    Row("C8", "limit", "a read-only mapping made writable later",
        "the kernel itself refuses that"),
    Row("C9", "deny", "the raw block device, /dev/mem, /proc/kcore",
        "a rule on the device's path holds, by whichever name it is reached"),
    Row("C9b", "deny", "a device node of one's own, anywhere",
        "what rules say of a device's name in /dev holds for every node of its number"),
    Row("C9c", "deny", "a file system mounted from the device, by mount(2) or fsconfig, or remounted to be written",
        "the kernel opens the device by its number; the mount is judged, by the device's name in /dev"),
    Row("C9d", "limit", "a device made of the device: device mapper, md, bcache; the further devices of a btrfs, a "
        "journal beside the file system",
        "the kernel opens it by its number and asks no security module; rules can refuse what sets these up"),
    Row("C10b", "deny", "a btrfs snapshot of what has guarded files in it",
        "who makes one reads the subvolume, and needs the right to whatever deny rules refuse below it; where threads could "
        "have another subvolume taken, or it is the root directory, to whatever they keep from being read"),
    Row("C9e", "limit", "the same disk by another of the kernel's devices: its partitions, /dev/sg*, /dev/bsg, /dev/nvme0, /dev/mapper",
        "each is a device of its own, with a number of its own: rules name them all"),
    Row("C10c", "deny", "a btrfs subvolume that is sent: the kernel reads its files for that, and nobody opens them",
        "the ioctl takes the right to read the subvolume and to whatever deny rules refuse below it"),
    Row("C10d", "deny", "the trees of a btrfs searched by ioctl, which have what is in small files",
        "to search a subvolume's tree takes the right to read whatever any rule keeps from being read"),
    Row("C10e", "deny", "EXT4_IOC_SWAP_BOOT: root has a file's content change places, twice, without reading the file",
        "the ioctl is judged as read and written"),
    Row("C10f", "limit", "what other file systems copy by themselves: OCFS2's reflinks by name, snapshots below a file system",
        "the kernel asks no security module, or there is another device, which is another object"),
    Row("C10", "limit", "reflinks, copy_file_range, sendfile, splice, exchange of extents",
        "all need descriptors, and those were judged at their open"),
    Row("C11", "deny", "the kernel writes for the caller: core dumps, process accounting, swap and loop files",
        "the kernel opens the file, and that open is judged"),
    Row("C11b", "deny", "a file taken for quotas: quotactl(2) reads and writes it without an open",
        "the kernel asks when the file is taken, and that is judged as read and written"),
    Row("C11c", "limit", "a loop device of a descriptor that was opened to be written alone, and is read through the device",
        "the kernel reads by any descriptor and asks no security module; it takes root, and rules can refuse /dev/loop*"),
    Row("C11d", "deny", "a core dump of a program that an exception is for, by a signal from its own user",
        "the making of the file is judged as taking hold of the program, by the user whatever he runs"),
    Row("C11e", "limit", "the same, where the kernel gives core dumps to a program (core_pattern), which gives them to the user",
        "what that program does is its own; it takes a hard limit of 0 on core files, or Storage=none of systemd-coredump"),
    Row("C12", "deny", "io_uring: open, rename, unlink, link, symlink, mkdir, setxattr, direct descriptors",
        "the same hooks, in the worker's thread as well"),
    Row("C13", "limit", "kernel bugs that write the page cache of read-only files",
        "a kernel's own holes are mended by its updates"),
    Row("C14", "limit", "swap, hibernation images, memory of a process that has read the secret",
        "see C9 and B17"),
    Row("C15", "deny", "another task makes the file, or exchanges link and directory, between look-up and use",
        "the file that is opened is judged, and what is made is judged by its name"),
    Row("C16", "deny", "a binfmt_misc handler with the flag O is given the file, opened by the kernel",
        "the file is judged as read by the handler"),
    Row("C17", "deny", "an open with the flag by which the kernel opens what it executes: XFS's handles, mq_open, the other "
        "end of a terminal",
        "only what opens for execve and execveat is judged as they are"),
    Row("C18", "deny", "a file that the kernel is told to open by its name, in a file of configfs: targets of SCSI and NVMe",
        "the kernel opens the file, and that open is judged as that of who has it done"),
    Row("C19", "limit", "a program that may be started and not read: who starts it, or names it as an interpreter, has it in his memory",
        "a start asks for no right to read: deny that as well"),
]

# ---- connections -----------------------------------------------------------------------------

D = [
    Row("D1", "deny", "TCP Fast Open: sendto, sendmsg, sendmmsg with MSG_FASTOPEN",
        "socket_sendmsg judges a destination that comes with data"),
    Row("D2", "deny", "TCP_FASTOPEN_CONNECT and connect", "socket_connect is called as ever"),
    Row("D3", "deny", "datagrams without connect: sendto, sendmsg, sendmmsg, over a connection elsewhere",
        "socket_sendmsg judges each destination"),
    Row("D4", "deny", "sendto with the family AF_UNSPEC",
        "to an IPv4 socket that is an IPv4 address, to a raw IPv6 socket one of IPv6; of UDP by IPv6, which may become "
        "a socket of IPv4 meanwhile, an IPv4 address as well"),
    Row("D5", "deny", "IPv4 addresses by IPv6 sockets: mapped, or with the other family",
        "the address's own family is judged, and mapped addresses as IPv4"),
    Row("D7", "deny", "0.0.0.0, ::, ::ffff:0.0.0.0 for this host", "the empty address is judged as loopback, and as all "
        "of this host's addresses if socket or message say where it comes from"),
    Row("D7b", "limit", "the same, and another thread binds the socket after it was judged",
        "the kernel asks no security module again"),
    Row("D9", "deny", "connect(AF_UNSPEC) and connect again", "each connect is judged"),
    Row("D10", "deny", "MPTCP to a plain TCP server", "the destination is judged, not the socket's protocol alone"),
    Row("D11", "alert", "further MPTCP subflows that the peer or netlink asks for",
        "the kernel connects them itself, and can't be refused it: reported when the connection is there"),
    Row("D12", "deny", "SCTP: connectx, implicit association, lists of addresses",
        "sctp_bind_connect judges each address of a list, and those that a message brings to a new association"),
    Row("D14", "deny", "other families: vsock, RDS, TIPC, L2TP, packet sockets",
        "`family` rules judge the making of a socket, its connects and who takes it over"),
    Row("D15", "deny", "raw IP with a header of one's own, packet sockets, TUN",
        "rules refuse them as `protocol` `raw`, as `family` `packet`, and by /dev/net/tun"),
    Row("D16", "deny", "io_uring: connect, sendmsg, also by workers and polling threads", "the same hooks"),
    Row("D17", "deny", "32-bit calls and socketcall(2)", "the same hooks"),
    Row("D18", "deny", "the address is rewritten by another thread during the call", "the kernel's copy is judged"),
    Row("D19", "deny", "a connection of TCP or of datagrams passed by another process, or taken from it",
        "file_receive judges where it goes; what came in from there is no connect"),
    Row("D19b", "limit", "a connection made before the rules, or inherited",
        "a connection is judged when it is made, and when it is taken over; of one from before the kernel doesn't tell which end "
        "asked for it"),
    Row("D19c", "deny", "a connection to a unix socket, or by SCTP, DCCP or MPTCP, by both ends at once or by TCP_REPAIR, "
        "passed by another process or taken from it",
        "file_receive judges what the other end is bound to; of sockets of IP it is kept that they were asked to connect"),
    Row("D19d", "deny", "a socket of SCTP with any number of associations, made by messages or by lists, passed; or an "
        "association that was peeled off",
        "it is kept where such a socket was let go, and all of that is judged; beyond 16 destinations it goes to nobody"),
    Row("D20", "limit", "proxies: another process connects", "its connect is judged as its own"),
    Row("D21", "limit", "addresses rewritten after the check: NAT, cgroup programs, tunnels",
        "root's own network configuration is beyond a socket rule"),
    Row("D22", "limit", "source routing by socket options", "receivers drop it by default"),
    Row("D23", "deny", "IPv4 addresses inside NAT64, 6to4, Teredo and other IPv6 addresses",
        "such an address counts as both; only the prefix of a NAT64 gateway of one's own is unknown"),
    Row("D24", "alert", "clients in the kernel: NFS, CIFS, NBD, iSCSI",
        "the kernel asks no security module: reported when a connection of TCP is there"),
    Row("D25", "limit", "inbound connections", "rules say connect"),
    Row("D26", "deny", "TCP_REPAIR", "socket_connect is called as ever"),
    Row("D27", "deny", "a unix socket by another name: links, bind mounts, chroot, /proc, a hard link to what is gone",
        "what the other end was bound to is judged, not what led there"),
    Row("D28", "deny", "renaming a guarded unix socket, or exchanging it with another file",
        "who may not connect to it may not rename it"),
    Row("D29", "deny", "a raw socket of one protocol that sends another",
        "a raw socket counts as `raw` beside its own: an exception for its own does not excuse it"),
    Row("D30", "deny", "families that are given IP addresses: SMC, RDS, RxRPC", "the address is judged as well as the family"),
    Row("D30b", "limit", "PPTP, whose sockets (`family` `pppox`) are given an IP address",
        "a rule on the family refuses it; what is sent there takes /dev/ppp, and the right to it"),
    Row("D31", "limit", "addresses that the other end of an SCTP association lists when it is made",
        "the kernel asks no security module; those that it adds later are judged"),
    Row("D32", "limit", "datagrams to a group or a network as a whole: multicast, broadcast",
        "such an address is one of its own; a rule on one host's address says nothing of it"),
    Row("D33", "limit", "InfiniBand's connection manager, which takes IP addresses: /dev/infiniband/rdma_cm",
        "there is no socket; an open rule on that device refuses it"),
    Row("D34", "deny", "a core dump that the kernel takes to a unix socket (core_pattern with @)",
        "the kernel connects for the process that crashes, and that is judged"),
    Row("D35", "deny", "a network namespace of one's own, a socket of another namespace",
        "an address is an address, in whatever namespace"),
    Row("D36", "deny", "datagrams with MSG_ZEROCOPY, MSG_MORE, UDP_CORK, UDP_SEGMENT",
        "socket_sendmsg judges each destination, whatever becomes of the data"),
    Row("D37", "deny", "sockets that io_uring makes and names (IORING_OP_SOCKET, IORING_OP_BIND)",
        "the same hooks, in the worker's thread as well"),
    Row("D40", "deny", "a mount of 9p by a unix socket (trans=unix), to which the kernel connects",
        "the kernel connects for who mounts, and that is judged"),
    Row("D38", "limit", "another address of this host, where the server listens at all of them: 127.0.0.2 for 127.0.0.1",
        "an address is an address: name 127.0.0.0/8, ::1 and the host's own"),
    Row("D39", "limit", "datagrams of clients in the kernel: AFS and RxRPC, WireGuard, VXLAN and other tunnels, netconsole",
        "the kernel asks no security module, and there is no connection to report; it takes root, or the family `rxrpc`"),
]

# ---- the observer ----------------------------------------------------------------------------

E = [
    Row("E1", "deny", "arguments rewritten after the check, links and directories exchanged meanwhile",
        "verdicts read kernel objects, no user memory"),
    Row("E3", "deny", "io_uring: no system call for an operation, workers and polling threads",
        "the same hooks; a worker acts as its process"),
    Row("E4", "deny", "32-bit calls (int 0x80) of a 64-bit process", "hooks lie below the tables of system calls"),
    Row("E5", "deny", "sister calls: openat2, execveat, renameat2, sendmmsg, setxattrat, open_tree, file_setattr",
        "hooks lie below the tables of system calls"),
    Row("E6", "limit", "missed kprobes", "bailiff has none"),
    Row("E7", "deny", "programs that are skipped because one runs on this CPU already",
        "non-sleepable LSM programs are never skipped on the kernels that are supported"),
    Row("E8", "deny", "state that vanishes: full maps, evicted entries, busy storage",
        "what is missing is worked out anew; where it can't be, a set that refuses anything refuses"),
    Row("E9", "deny", "floods that fill the ring buffer", "the verdict needs no room; what is lost is counted"),
    Row("E10", "event", "fields that are cut short", "the event says what was cut; no rule matches a cut string"),
    Row("E11", "event", "arguments rewritten after the start, argv[0] that lies", "the program is named by its file"),
    Row("E12", "event", "processes that are gone before anybody looks", "events are complete when they leave the hook"),
]

# ---- identity --------------------------------------------------------------------------------

F = [
    Row("F1", "deny", "another comm, by prctl or /proc/self/comm", "no rule looks at it"),
    Row("F2", "deny", "another /proc/PID/exe by PR_SET_MM_EXE_FILE or PR_SET_MM_MAP, in a user namespace without any privilege",
        "where rules go by executables, nobody changes what his is"),
    Row("F3b", "limit", "a library preloaded into an excepted program, or its configuration",
        "what the program does is the program's; deny mapping what others can write as code"),
    Row("F3", "deny", "a copy or a link that has an excepted program's name elsewhere", "`exe` is the executable's own path"),
    Row("F4", "event", "double fork, setsid, orphans, CLONE_PARENT", "the parent is read at the deed"),
    Row("F5", "event", "PID reuse and PID namespaces", "events have the host's numbers and the start time"),
    Row("F6", "deny", "moving to another cgroup", "rules hold whatever the cgroup is"),
    Row("F7", "deny", "uid 0 in a user namespace of one's own", "ids are those of the initial namespace"),
    Row("F8", "deny", "kernel threads and helpers that act on somebody's behalf", "kernel threads are not exempt"),
    Row("F9", "deny", "threads of one process with credentials of their own, and io_uring's workers",
        "a worker acts as the thread that has asked it"),
    Row("F10", "limit", "a user becomes one of his subordinate ids (/etc/subuid) in a user namespace of his own",
        "it is another number: name these as well, or go by `login`"),
]

# ---- the log ---------------------------------------------------------------------------------

G = [
    Row("G1", "event", "newlines in names, to forge journal fields", "fields go in the binary form, and escaped"),
    Row("G2", "event", "quotes, backslashes, bytes that are not UTF-8", "escaped, with the bytes beside them in hex"),
    Row("G3", "event", "terminal escapes and right-to-left overrides", "escaped in every text"),
    Row("G4", "event", "journald's rate limit hides the one event", "no limit for the daemon's unit, and numbered events"),
    Row("G5", "event", "journald stopped, or its socket full", "sending never blocks; the queue is bounded and counted"),
    Row("G6", "event", "other processes write look-alike entries", "readers go by the fields that journald vouches for"),
]

ROWS = {row.id: row for row in [*A, *B, *C, *D, *E, *F, *G]}
