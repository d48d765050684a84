# SPDX-License-Identifier: Apache-2.0
"""Further corners of the kernel, as calls.py: subvolumes, mounts of newer kernels, what the kernel starts and opens by
itself. Goes to the guest beside it."""

import contextlib, ctypes, errno, fcntl, os, signal, socket, struct, subprocess, threading, time  # noqa: E401

from calls import AT_EMPTY_PATH, AT_FDCWD, NotHere, call, clone_tree, core_pattern, libc, own_mounts, refused_unless, syscall

SYS_REQUEST_KEY, SYS_SETRESUID, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR, SYS_OPEN_TREE_ATTR = 249, 117, 429, 442, 467
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_BENEATH, MOUNT_ATTR_IDMAP = 4, 0x200, 0x100000
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
SUBVOLUME, SUBVOLUME_2, SNAPSHOT, SNAPSHOT_2 = 0x5000940e, 0x50009418, 0x50009401, 0x50009417
DESTROY, DESTROY_2, SET_DEFAULT, SET_FLAGS, SEND = 0x5000940f, 0x5000943f, 0x40089413, 0x4008941a, 0x40489426
TREE_SEARCH_2, SWAP_BOOT = 0xc0709411, 0x6611
BY_ID = 16


# ---- btrfs -----------------------------------------------------------------------------------

def subvolume_call(number, directory, name, source=-1, flags=0):
    """An ioctl on a directory with a struct btrfs_ioctl_vol_args, or a ..._v2."""
    if number in (SUBVOLUME_2, SNAPSHOT_2, DESTROY_2):
        if flags & BY_ID:
            body = struct.pack("QQQ32xQ", 0, 0, flags, name)
        else:
            body = struct.pack("qQQ32x", source, 0, flags) + name.encode()
    else:
        body = struct.pack("q", source) + name.encode()
    memory = ctypes.create_string_buffer(body, 4096)
    fd = os.open(directory, os.O_RDONLY)
    try:
        call(libc.ioctl(fd, ctypes.c_ulong(number), memory))
    finally:
        os.close(fd)


def snapshot(number, source, directory, name):
    fd = os.open(source, os.O_RDONLY)
    subvolume_call(number, directory, name, fd)
    os.close(fd)


def subvolume_id(path):
    """BTRFS_IOC_INO_LOOKUP of the subvolume's own."""
    fd = os.open(path, os.O_RDONLY)
    args = bytearray(struct.pack("QQ", 0, 256) + bytes(4080))
    fcntl.ioctl(fd, 0xd0009412, args, True)
    os.close(fd)
    return struct.unpack_from("Q", args)[0]


def subvolume_of_threads(directory, *names):
    """One thread makes subvolumes by a name in memory that another one rewrites; until the first name is there."""
    images = [struct.pack("q", -1) + name.encode() + b"\0" for name in names]
    memory = ctypes.create_string_buffer(images[-1], 4096)
    stop = threading.Event()

    def rewrite():
        while not stop.is_set():
            for image in images:
                ctypes.memmove(memory, image, len(image))
    thread = threading.Thread(target=rewrite)
    thread.start()
    fd = os.open(directory, os.O_RDONLY)
    refused = 0
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and refused < 200:
            if libc.ioctl(fd, ctypes.c_ulong(SUBVOLUME), memory) < 0:
                refused += ctypes.get_errno() == errno.EPERM
            if os.path.exists(f"{directory}/{names[0]}"):
                return
            for name in names[1:]:
                with contextlib.suppress(OSError):
                    os.rmdir(f"{directory}/{name}")
    finally:
        stop.set()
        thread.join()
    raise OSError(errno.EPERM if refused else errno.EIO, f"refused {refused} times, never made")


def by_number(number, path, value):
    fd = os.open(path, os.O_RDONLY)
    call(libc.ioctl(fd, ctypes.c_ulong(number), struct.pack("Q", value)))
    os.close(fd)


def send_subvolume(path, secret):
    """BTRFS_IOC_SEND of a read-only subvolume: its files' content comes by a pipe, and nobody opens them."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        fd = os.open(path, os.O_RDONLY)
        args = struct.pack("qQPQQI28x", writer, 0, 0, 0, 0, 0)
        done = libc.ioctl(fd, ctypes.c_ulong(SEND), args)
        os._exit(ctypes.get_errno() if done < 0 else 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        stream = file.read()
    answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if answer:
        raise OSError(answer, os.strerror(answer))
    if secret not in stream:
        raise RuntimeError(f"{len(stream)} bytes without it")


def snapshot_of_threads(source, directory, name):
    """The same with another thread that might rewrite which subvolume it is."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        snapshot(SNAPSHOT, source, directory, name)
    finally:
        stop.set()
        thread.join()


def search_tree(path, tree, secret=b""):
    """BTRFS_IOC_TREE_SEARCH_V2 of a whole tree, by its number; 0: the subvolume's. What is in small files is there."""
    size = 1 << 16
    most = 2**64 - 1
    body = struct.pack("QQQQQQQIII36xQ", tree, 0, most, 0, most, 0, most, 0, 255, 4096, size)
    memory = ctypes.create_string_buffer(body, len(body) + size)
    fd = os.open(path, os.O_RDONLY)
    try:
        call(libc.ioctl(fd, ctypes.c_ulong(TREE_SEARCH_2), memory))
    finally:
        os.close(fd)
    if secret not in memory.raw:
        raise RuntimeError("not in there")


def swap_with_boot_loader(path, flags):
    """EXT4_IOC_SWAP_BOOT: the file's content and that of the file system's own boot loader change places."""
    fd = os.open(path, flags)
    try:
        call(libc.ioctl(fd, ctypes.c_ulong(SWAP_BOOT), 0))
    except OSError as error:
        if error.errno == errno.ENOTTY:
            raise NotHere("no EXT4_IOC_SWAP_BOOT") from error
        raise
    finally:
        os.close(fd)


def read_what_was_swapped(path, other, secret):
    """Reads a file that may only be opened to be written, by way of the boot loader."""
    swap_with_boot_loader(path, os.O_WRONLY)
    swap_with_boot_loader(other, os.O_WRONLY)
    with open(other, "rb") as file:
        refused_unless(secret in file.read(64), "content")


def read_hidden(path, remove):
    """A file of a network's server that is removed while it is open goes on under another name next to it."""
    place = os.path.dirname(path)
    fd = os.open(path, os.O_PATH)
    try:
        remove(path)
        hidden = [name for name in os.listdir(place) if name.startswith(".nfs")]
        if not hidden:
            raise RuntimeError("it is gone")
        with open(f"{place}/{hidden[0]}", "rb") as file:
            file.read(64)
    finally:
        os.close(fd)


# ---- mounts ----------------------------------------------------------------------------------

def put_beneath(mount, path):
    """Mounts something beneath what is mounted at a path."""
    try:
        syscall(SYS_MOVE_MOUNT, mount, b"", AT_FDCWD, path.encode(), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH)
    except OSError as error:
        if error.errno == errno.EINVAL and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 5):
            raise NotHere("no MOVE_MOUNT_BENEATH") from error
        raise


def user_namespace(uid=1000):
    """A descriptor of a user namespace in which root is a user."""
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        call(libc.unshare(CLONE_NEWUSER))
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    for kind in ("uid", "gid"):
        with open(f"/proc/{pid}/{kind}_map", "w", encoding="ascii") as file:
            file.write(f"0 {uid} 1000\n{uid} 0 1\n" if uid >= 1000 else f"0 {uid} 1")
    fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    os.write(go[1], b"x")
    os.waitpid(pid, 0)
    return fd


def idmapped(path, target=None, by_open=False):
    """A mount of a directory with other ids, at a target or nowhere; returns its descriptor."""
    attributes = struct.pack("QQQQ", MOUNT_ATTR_IDMAP, 0, 0, user_namespace())
    if by_open:
        mount = syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, path.encode(), 1, attributes, ctypes.c_size_t(32))
    else:
        mount = clone_tree(path)
        syscall(SYS_MOUNT_SETATTR, mount, b"", AT_EMPTY_PATH, attributes, ctypes.c_size_t(32))
    if target:
        syscall(SYS_MOVE_MOUNT, mount, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH)
    return mount


def content_alone(directory, name, upper, target):
    """An overlay whose lowest layer has content and no names: a file of the layer above says which is its own."""
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 5):
        raise NotHere("no layers of content alone")
    shown = f"{upper}/shown"
    os.makedirs(upper, exist_ok=True)
    with open(shown, "wb") as file:
        file.truncate(os.stat(f"{directory}/{name}").st_size)
    os.chmod(shown, 0o755)
    os.setxattr(shown, "trusted.overlay.metacopy", b"")
    os.setxattr(shown, "trusted.overlay.redirect", f"/{name}".encode())
    options = f"lowerdir={upper}::{directory},metacopy=on,redirect_dir=follow"
    own_mounts()
    call(libc.mount(b"o", target.encode(), b"overlay", 0, options.encode()))


def mount_erofs_file(path, target):
    """A mount of a file that is none of erofs, which the kernel says when it has opened and read it."""
    if libc.mount(path.encode(), target.encode(), b"erofs", 1, None) == 0:
        raise RuntimeError("mounted")
    number = ctypes.get_errno()
    if number in (errno.ENODEV, errno.ENOTBLK):
        raise NotHere("no mounts of erofs's files")
    if number != errno.EINVAL:
        raise OSError(number, os.strerror(number))


# ---- users -----------------------------------------------------------------------------------

def as_subordinate(uid, first, deed):
    """A deed with the first subordinate id of a user, which newuidmap would give him in his namespace."""
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            call(libc.unshare(CLONE_NEWUSER))
            os.write(ready[1], b"x")
            os.read(go[0], 1)
            os.setresuid(1, 1, 1)
            deed()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        finally:
            os._exit(255)
    os.read(ready[0], 1)
    with open(f"/proc/{pid}/uid_map", "w", encoding="ascii") as file:
        file.write(f"0 {uid} 1\n1 {first} 65536\n")
    os.write(go[1], b"x")
    answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if answer:
        raise OSError(answer, os.strerror(answer))


# ---- what the kernel starts ------------------------------------------------------------------

def must_be_made(path, what):
    for _ in range(40):
        if os.path.exists(path):
            os.unlink(path)
            return
        time.sleep(0.1)
    refused_unless(False, what)


def core_helper(program, mark):
    with core_pattern(f"|{program}"):
        pid = os.fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(60)
        os.waitpid(pid, 0)
    must_be_made(mark, "helper for a core dump")


def module_helper(program, mark):
    """The kernel wants a module for a family that it has not."""
    place = "/proc/sys/kernel/modprobe"
    with open(place, encoding="utf-8") as file:
        before = file.read()
    with open(place, "w", encoding="utf-8") as file:
        file.write(program)
    try:
        for family in (12, 18, 19, 26):
            with contextlib.suppress(OSError):
                socket.socket(family, socket.SOCK_RAW).close()
    finally:
        with open(place, "w", encoding="utf-8") as file:
            file.write(before)
    must_be_made(mark, "helper for modules")


def key_helper(mark):
    """/sbin/request-key."""
    try:
        syscall(SYS_REQUEST_KEY, b"user", f"trial:{os.getpid()}".encode(), b"x", ctypes.c_long(-3))
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise NotHere("no keys") from error
    must_be_made(mark, "helper for keys")


def release_agent(program, place, mark):
    """The last process leaves a cgroup of the first version."""
    os.makedirs(place, exist_ok=True)
    if libc.mount(b"c", place.encode(), b"cgroup", 0, b"none,name=trial") < 0:
        raise NotHere("no cgroups of the first version")
    try:
        for name, text in ("release_agent", program), ("notify_on_release", "0"):
            with open(f"{place}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        os.makedirs(f"{place}/x", exist_ok=True)
        with open(f"{place}/x/notify_on_release", "w", encoding="utf-8") as file:
            file.write("1")
        subprocess.run(["/bin/sh", "-c", f"echo $$ > {place}/x/cgroup.procs"], check=True)
        must_be_made(mark, "release agent")
    finally:
        with contextlib.suppress(OSError):
            os.rmdir(f"{place}/x")
        libc.umount2(place.encode(), 2)


def ends_with(code, *argv):
    """A program that ends with a code; one that is killed while it is started has been refused."""
    result = subprocess.run(argv, capture_output=True)
    if result.returncode < 0:
        raise OSError(errno.EPERM, f"signal {-result.returncode}")
    if result.returncode != code:
        raise RuntimeError(f"exit {result.returncode}")


def core_by_socket(path):
    """The kernel takes a core dump to a unix socket."""
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 16):
        raise NotHere("no core dumps by socket")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(5)
        with core_pattern(f"@{path}"):
            pid = os.fork()
            if pid == 0:
                server.close()
                os.kill(os.getpid(), signal.SIGSEGV)
                time.sleep(60)
            try:
                made = server.accept()[0]
                came = len(made.recv(1 << 16))
                made.close()
            except TimeoutError:
                came = 0
            os.waitpid(pid, 0)
    refused_unless(came, "core")


def mount_by_socket(path, target):
    """A mount of 9p has the kernel connect to a unix socket. Who listens there hangs up at once."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    outcome = []

    def mount():
        done = libc.mount(path.encode(), target.encode(), b"9p", 0, b"trans=unix")
        outcome.append(ctypes.get_errno() if done < 0 else 0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(5)
        thread = threading.Thread(target=mount)
        thread.start()
        try:
            server.accept()[0].close()
            came = True
        except TimeoutError:
            came = False
        thread.join()
    if came:
        return
    if outcome[0] in (errno.ENODEV, errno.EPROTONOSUPPORT):
        raise NotHere("no 9p")
    raise OSError(outcome[0], os.strerror(outcome[0]))


def tell(path, text):
    """Writes into a file of the kernel's, by one write."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def scsi_disk(path, size=65536):
    """Has the kernel open a file as a disk of its SCSI target, and gives it back."""
    place = "/sys/kernel/config/target/core/fileio_7"
    os.makedirs(f"{place}/trial")
    try:
        tell(f"{place}/trial/control", f"fd_dev_name={path},fd_dev_size={size}")
        tell(f"{place}/trial/enable", "1")
    finally:
        os.rmdir(f"{place}/trial")
        os.rmdir(place)


def nvme_disk(path):
    """The same of its NVMe target."""
    place = "/sys/kernel/config/nvmet/subsystems/trial"
    os.mkdir(place)
    os.mkdir(f"{place}/namespaces/1")
    try:
        tell(f"{place}/namespaces/1/device_path", path)
        tell(f"{place}/namespaces/1/enable", "1")
        tell(f"{place}/namespaces/1/enable", "0")
    finally:
        os.rmdir(f"{place}/namespaces/1")
        os.rmdir(place)


# ---- networks --------------------------------------------------------------------------------

def own_network(*addresses):
    call(libc.unshare(CLONE_NEWNET))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in addresses:
        subprocess.run(["ip", "addr", "replace", f"{address}/32", "dev", "lo"], check=True)


def network_of(*addresses):
    """A socket in a network namespace of its own, used by a process that is not in there any more."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    own_network(*addresses)
    made = socket.socket()
    call(libc.setns(here, CLONE_NEWNET))
    return made


def sent(flags, address, port, *options):
    """One datagram with flags, of a socket with options."""
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        for option in options:
            made.setsockopt(*option)
        made.sendto(b"x", flags, (address, port))


def refused_connect(made, address, port):
    """A connect of which a refusal by the other end is none by a rule."""
    try:
        made.connect((address, port))
    except ConnectionRefusedError:
        pass


def connect_to_itself(address):
    """A socket without a port that connects to the one that it is given for that: both ends have asked."""
    place = "/proc/sys/net/ipv4/ip_local_port_range"
    with open(place, encoding="ascii") as file:
        before = file.read()
    port = 20001 + 2 * os.getpid() % 20000  # one that went before keeps its port for a minute
    with open(place, "w", encoding="ascii") as file:
        file.write(f"{port} {port + 1}")
    try:
        for _ in range(50):
            made = socket.socket()
            try:
                made.connect((address, port))
                if made.getsockname() == made.getpeername():
                    return made
            except OSError as error:
                if error.errno == errno.EPERM:
                    raise
            made.close()
    finally:
        with open(place, "w", encoding="ascii") as file:
            file.write(before)
    raise RuntimeError("it never met itself")


def peel_off(made):
    """SCTP_SOCKOPT_PEELOFF of a socket's only association."""
    ids = made.getsockopt(132, 29, 64)  # SCTP_GET_ASSOC_ID_LIST
    number = struct.unpack_from("Ii", ids)[1]
    body = ctypes.create_string_buffer(struct.pack("ii", number, 0), 8)
    size = ctypes.c_uint32(8)
    call(libc.getsockopt(made.fileno(), 132, 102, body, ctypes.byref(size)))
    return socket.socket(fileno=struct.unpack("ii", body.raw)[1])
