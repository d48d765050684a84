# SPDX-License-Identifier: Apache-2.0
"""System calls and corners of the kernel that python has no words for, as deeds.py needs them. Goes to
the guest beside it."""

import contextlib, ctypes, errno, fcntl, mmap, os, resource, signal, socket, stat, struct, subprocess, time  # noqa: E401,F401

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
SYS_NAME_TO_HANDLE_AT, SYS_OPEN_BY_HANDLE_AT = 303, 304
SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_FSOPEN, SYS_FSCONFIG, SYS_FSMOUNT = 428, 429, 430, 431, 432
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD, SYS_FCHMODAT2, SYS_FILE_SETATTR = 434, 438, 452, 469
SYS_PIVOT_ROOT, SYS_MEMFD_SECRET, SYS_FANOTIFY_INIT, SYS_FANOTIFY_MARK = 155, 447, 300, 301
SYS_SECCOMP, SYS_MQ_OPEN = 317, 240
SYS_PROCESS_VM_READV, SYS_PROCESS_VM_WRITEV, SYS_KEXEC_FILE_LOAD = 310, 311, 320
KEXEC_FILE_UNLOAD, KEXEC_FILE_NO_INITRAMFS = 1, 4
PTRACE_TRACEME, PTRACE_CONT, PTRACE_ATTACH, PTRACE_DETACH = 0, 7, 16, 17
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WAIT_ALL = 0x40000000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, MOVE_MOUNT_F_EMPTY_PATH = 1, 0o2000000, 4
FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 1, 6
O_TMPFILE = 0o20200000
MNT_DETACH, MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 2, 1, 32, 4096, 16384, 1 << 18
FMODE_EXEC = 0x20
XFS_IOC_PATH_TO_HANDLE, XFS_IOC_OPEN_BY_HANDLE = 0xC0385869, 0xC038586B
Q_QUOTAON, Q_QUOTAOFF, QFMT_VFS_OLD = 0x800002, 0x800003, 1
TIOCSPTLCK, TIOCGPTPEER = 0x40045431, 0x5441
DM_DEV_CREATE, DM_DEV_REMOVE, DM_DEV_SUSPEND, DM_TABLE_LOAD = 0xC138FD03, 0xC138FD04, 0xC138FD06, 0xC138FD09


class NotHere(Exception):
    """This kernel has no such thing."""


def call(result):
    """The result of a libc function, or its errno as an OSError."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number, *arguments):
    """A call by its number; one that the kernel hasn't is NotHere."""
    try:
        return call(libc.syscall(number, *arguments))
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise NotHere(f"no system call {number}") from error
        raise


# ---- files by other ways ---------------------------------------------------------------------

def read_at(directory, name):
    """Reads a file below a descriptor, and closes that."""
    fd = os.open(name, os.O_RDONLY, dir_fd=directory)
    os.read(fd, 64)
    os.close(fd)
    os.close(directory)


def handle(path):
    """The file's handle, as open_by_handle_at takes it."""
    buffer = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    syscall(SYS_NAME_TO_HANDLE_AT, AT_FDCWD, path.encode(), buffer, ctypes.byref(mount), 0)
    return buffer.raw


def save_handle(path, at):
    with open(at, "wb") as file:
        file.write(handle(path))


def evict():
    """Lets go of all entries and inodes that nobody holds."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("2")


def open_saved(at, flags=os.O_RDONLY, mount="/srv"):
    """Opens a file by its handle. The entry is evicted first, so that the file comes without a parent."""
    with open(at, "rb") as file:
        saved = file.read()
    evict()
    place = os.open(mount, os.O_RDONLY)
    fd = syscall(SYS_OPEN_BY_HANDLE_AT, place, saved, flags)
    os.close(place)
    return fd


def fd_of_another(path, flags, how):
    """Lets another process open a file, and takes it from there by one of the names below /proc."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        fd = os.open(path, flags)
        if how == "map_files":
            mapping = mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)  # noqa: F841
        os.write(theirs, b"x")
        signal.pause()
    try:
        os.close(theirs)
        if not os.read(ours, 1):
            raise OSError(errno.EPERM, "the other process could not open it")
        place = f"/proc/{pid}/{how}"
        for name in os.listdir(place):
            if os.readlink(f"{place}/{name}") == path:
                os.close(os.open(f"{place}/{name}", os.O_RDONLY))
                return
        raise RuntimeError(f"not found below {place}")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def tmpfile(directory, content=b"x"):
    fd = os.open(directory, O_TMPFILE | os.O_RDWR, 0o755)
    os.write(fd, content)
    return fd


def link_fd(fd, name):
    """Gives a file that is open a name."""
    call(libc.linkat(AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD, name.encode(), 0x400))


def fanotify_read(path, opener):
    """fanotify hands its listener a descriptor of a file that another process opens."""
    group = syscall(SYS_FANOTIFY_INIT, 0, os.O_RDONLY)
    syscall(SYS_FANOTIFY_MARK, group, 1, ctypes.c_uint64(0x20), AT_FDCWD, path.encode())
    pid = os.fork()
    if pid == 0:
        opener()
        os._exit(0)
    os.waitpid(pid, 0)
    event = os.read(group, 24)
    fd = struct.unpack("IBBHQii", event)[5]
    if fd < 0:
        raise OSError(errno.EPERM, "no descriptor")
    os.read(fd, 64)


# ---- opens with flags that open(2) takes from nobody ------------------------------------------

def open_by_xfs(path, flags):
    """By XFS's own handle of a file, below the directory that it is in."""
    name, found = (ctypes.create_string_buffer(text) for text in (path.encode(), bytes(256)))
    length = ctypes.c_uint32()
    directory = os.open(os.path.dirname(path), os.O_RDONLY)

    def request(cmd, flags, path, given, size, made):
        return fcntl.ioctl(directory, cmd, bytearray(struct.pack("I4xPI4xPI4xPP", 0, path, flags, given, size, made,
                                                                 ctypes.addressof(length))))
    request(XFS_IOC_PATH_TO_HANDLE, 0, ctypes.addressof(name), 0, 0, ctypes.addressof(found))
    return request(XFS_IOC_OPEN_BY_HANDLE, flags, 0, ctypes.addressof(found), length.value, 0)


def open_queue(name, flags):
    """A message queue, of POSIX."""
    return syscall(SYS_MQ_OPEN, name.encode(), flags, 0o666, None)


def open_other_end(flags):
    """A new pseudo-terminal, by its master."""
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
    return fcntl.ioctl(master, TIOCGPTPEER, flags | os.O_NOCTTY)


# ---- names that are gone ----------------------------------------------------------------------

def former(name, left):
    """A descriptor that opens nothing, by a name that is gone; the file goes on under another one."""
    with open(name, "w") as file:
        file.write("x")
    fd = os.open(name, os.O_PATH)
    os.link(name, left)
    os.unlink(name)
    return fd


# ---- encrypted directories -------------------------------------------------------------------

def encryption_key(root):
    """Gives a file system the key, and returns its number."""
    key = bytearray(struct.pack("<II32sII32x", 2, 0, b"", 64, 0) + b"k" * 64)
    with open_directory(root) as fd:
        fcntl.ioctl(fd, 0xc0506617, key, True)  # FS_IOC_ADD_ENCRYPTION_KEY
    return bytes(key[8:24])


def encrypted_directory(root, path):
    """Makes a directory an encrypted one, with a guarded place in it; then takes the key away."""
    number = encryption_key(root)
    os.mkdir(path)
    with open_directory(path) as fd:
        fcntl.ioctl(fd, 0x800c6613, struct.pack("<5B3x16s", 2, 1, 4, 3, 0, number))  # FS_IOC_SET_ENCRYPTION_POLICY
    os.makedirs(f"{path}/secret/dir")
    for name in ("secret/a", "secret/dir/b", "gone"):
        with open(f"{path}/{name}", "w") as file:
            file.write("x")
    os.sync()
    with open_directory(root) as fd:
        fcntl.ioctl(fd, 0xc0406618, bytearray(struct.pack("<II32s24x", 2, 0, number)), True)  # and remove it
    evict()


@contextlib.contextmanager
def open_directory(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def encoded(path, directories):
    """The one directory or file in an encrypted directory, as it is called without the key."""
    return [entry.path for entry in os.scandir(path) if entry.is_dir() == directories][0]


# ---- quotas ----------------------------------------------------------------------------------

def quota_on(device, path):
    """Takes a file for a file system's quotas of users, in the first format, and gives it back."""
    call(libc.quotactl(Q_QUOTAON << 8, device.encode(), QFMT_VFS_OLD, ctypes.c_char_p(path.encode())))
    call(libc.quotactl(Q_QUOTAOFF << 8, device.encode(), 0, None))


# ---- mounts ----------------------------------------------------------------------------------

def remove_mount_point(path, remove, uid=2000):
    """Its owner removes it in a mount namespace from before the mount; then something below that is read by a
    descriptor from before."""
    above = os.path.dirname(path)
    for name in (f"{above}/free", path):
        os.makedirs(name)
        os.chown(name, uid, uid)
    os.chown(above, uid, uid)
    there, here = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        answer = 255
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            call(libc.unshare(0x10020000))
            call(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
            os.write(there[1], b"x")
            os.read(here[0], 1)
            remove(path)
            answer = 0
        except OSError as error:
            answer = error.errno
        finally:
            os._exit(answer)
    os.close(there[1])
    os.read(there[0], 1)
    call(libc.mount(b"t", path.encode(), b"tmpfs", 0, None))
    directory = os.open(path, os.O_PATH)
    fd = os.open("a", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=directory)
    os.close(fd)
    os.write(here[1], b"x")
    answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if answer:
        raise OSError(answer, os.strerror(answer))
    if os.path.ismount(path):
        raise RuntimeError("it is still mounted")
    read_at(directory, "a")


def clone_tree(path):
    """A detached copy of the mount at a path."""
    return syscall(SYS_OPEN_TREE, AT_FDCWD, path.encode(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)


def new_mount(kind, **options):
    """A file system that is mounted nowhere."""
    context = syscall(SYS_FSOPEN, kind.encode(), 0)
    for key, value in options.items():
        syscall(SYS_FSCONFIG, context, FSCONFIG_SET_STRING, key.encode(), value.encode(), 0)
    syscall(SYS_FSCONFIG, context, FSCONFIG_CMD_CREATE, None, None, 0)
    return syscall(SYS_FSMOUNT, context, 0, 0)


def attach(mount, path):
    syscall(SYS_MOVE_MOUNT, mount, b"", AT_FDCWD, path.encode(), MOVE_MOUNT_F_EMPTY_PATH)


def own_mounts():
    """A mount namespace of one's own, of which nothing comes back to the host's."""
    call(libc.unshare(0x20000))
    call(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))


def bind(source, target):
    call(libc.mount(source.encode(), target.encode(), None, MS_BIND, None))


def mounted(device, kind, target, flags=0, then=None):
    """Mounts a file system in a namespace of one's own by nothing but mount(2), perhaps once more with other flags."""
    own_mounts()
    call(libc.mount(device.encode(), target.encode(), kind.encode(), flags, None))
    if then is not None:
        call(libc.mount(None, target.encode(), None, MS_REMOUNT | then, None))


def pivoted(root, then):
    """Makes a directory the root of everything, and does something there."""
    own_mounts()
    bind(root, root)
    os.chdir(root)
    syscall(SYS_PIVOT_ROOT, b".", b".")
    call(libc.umount2(b".", MNT_DETACH))
    os.chdir("/")
    then()


def given_by_supervisor(give):
    """
    A descriptor that the supervisor of this process's seccomp filter puts into it, as the answer to a call that
    the filter holds. give() opens it, in the supervisor.
    """
    held = 135  # personality
    rules = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, held, 6, 0, 0, 0x7fc00000, 6, 0, 0, 0x7fff0000)
    code = ctypes.create_string_buffer(rules)
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(code)))
    listener = syscall(SYS_SECCOMP, 1, 8, program)  # a filter, with a descriptor to listen on
    if os.fork() == 0:
        try:
            notice = bytearray(80)
            fcntl.ioctl(listener, 0xc0502100, notice)  # SECCOMP_IOCTL_NOTIF_RECV
            which = notice[:8]
            try:
                # SECCOMP_IOCTL_NOTIF_ADDFD, and it is the call's result (SECCOMP_ADDFD_FLAG_SEND)
                fcntl.ioctl(listener, 0x40182103, bytes(which) + struct.pack("IIII", 2, give(), 0, 0))
            except OSError as error:
                fcntl.ioctl(listener, 0xc0182101, bytes(which) + struct.pack("qiI", 0, -error.errno, 0))
        finally:
            os._exit(0)
    os.close(listener)  # or nobody would be told that the supervisor is gone
    return call(libc.syscall(held, 0xffffffff))


# ---- the kernel acts -------------------------------------------------------------------------

def refused_unless(made, what):
    """Of what the kernel does without telling anybody whether it worked."""
    if not made:
        raise OSError(errno.EPERM, f"no {what}")


@contextlib.contextmanager
def core_pattern(pattern):
    with open("/proc/sys/kernel/core_pattern") as file:
        before = file.read()
    try:
        with open("/proc/sys/kernel/core_pattern", "w") as file:
            file.write(pattern)
        yield
    finally:
        with open("/proc/sys/kernel/core_pattern", "w") as file:
            file.write(before)


def dump_core(pattern, place):
    """A process crashes, and its core goes to where the pattern says."""
    with core_pattern(pattern):
        pid = os.fork()
        if pid == 0:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
            os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(60)
        os.waitpid(pid, 0)
        refused_unless(os.path.exists(place) and os.path.getsize(place), "core")


def core_of(program, script, place, user=1000):
    """A user ends a shell of his own, which has done something, by a signal, and has its memory in a file."""
    def begin():
        os.chdir(os.path.dirname(place))
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

    with core_pattern("core"):
        child = subprocess.Popen([program, "-c", f"{script}; echo; read y"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 user=user, group=user, extra_groups=[], preexec_fn=begin)
        child.stdout.readline()
        child.send_signal(signal.SIGABRT)
        child.wait()
    refused_unless(os.path.exists(place), "core")
    with open(place, "rb") as file:
        return file.read()


def account(path):
    """Process accounting into a file, for a moment."""
    try:
        call(libc.acct(path.encode()))
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise NotHere("no process accounting") from error
        raise
    call(libc.acct(None))


def swap_on(path):
    call(libc.swapon(path.encode(), 0))
    call(libc.swapoff(path.encode()))


# ---- attributes ------------------------------------------------------------------------------

def set_attributes(path, xflags):
    """chattr by file_setattr(2), of 6.17."""
    attributes = struct.pack("QIIIII", xflags, 0, 0, 0, 0, 0)
    try:
        syscall(SYS_FILE_SETATTR, AT_FDCWD, path.encode(), attributes, ctypes.c_size_t(len(attributes)), 0)
    except NotHere:
        raise NotHere("no file_setattr") from None


def chmod_at(path, mode):
    """chmod by fchmodat2(2), of 6.6."""
    try:
        syscall(SYS_FCHMODAT2, AT_FDCWD, path.encode(), mode, 0)
    except NotHere:
        raise NotHere("no fchmodat2") from None


def fs_ioctl(path, number, argument):
    """An ioctl of a file that is opened to be read only."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, number, argument)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EOPNOTSUPP):
            raise NotHere(f"no ioctl {number:#x} on this file system") from error
        raise
    finally:
        os.close(fd)


# ---- devices that are made of others -----------------------------------------------------------

def read_mapped(name, device):
    """The first bytes of a device by a linear map of it, which the device mapper makes by the number."""
    control = os.open("/dev/mapper/control", os.O_RDWR)

    def request(cmd, table=b""):
        header = struct.pack("3I3Ii3IQ128s136x", 4, 0, 0, 312 + len(table), 312, bool(table), 0, 0, 0, 0, 0, name.encode())
        answer = bytearray(header + table)
        fcntl.ioctl(control, cmd, answer)
        return struct.unpack_from("Q", answer, 40)[0]
    number = request(DM_DEV_CREATE)
    try:
        where = f"{os.major(device)}:{os.minor(device)} 0".encode()
        request(DM_TABLE_LOAD, struct.pack("QQiI16s32s", 0, 8, 0, 0, b"linear", where))
        request(DM_DEV_SUSPEND)  # without the flag for that it resumes
        fd = os.open(f"/dev/dm-{os.minor(number)}", os.O_RDONLY)
        os.read(fd, 64)
        os.close(fd)
    finally:
        request(DM_DEV_REMOVE)


# ---- races -----------------------------------------------------------------------------------

def shared_text(*texts):
    """Memory that a child of ours fills with one text after the other, without end. Returns it, its
    address and the child's pid."""
    memory = mmap.mmap(-1, 4096)
    rows = [text.encode().ljust(256, b"\0") for text in texts]
    memory[:256] = rows[0]
    pid = os.fork()
    if pid == 0:
        while True:
            for row in rows:
                memory[:256] = row
    return memory, ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory))), pid


def open_rewritten(seconds, secret, *paths):
    """Opens a path that another process rewrites meanwhile. Ends well if it ever gets the secret."""
    memory, address, pid = shared_text(*paths)  # unmapped when nobody has it any more
    libc.open.argtypes = [ctypes.c_void_p, ctypes.c_int]
    refused = 0
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            fd = libc.open(address, os.O_RDONLY)
            if fd < 0:
                refused += ctypes.get_errno() == errno.EPERM
                continue
            if os.read(fd, 64).decode() == secret:
                return
            os.close(fd)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    raise OSError(errno.EPERM if refused else errno.EIO, f"refused {refused} times, never got it")


def open_exchanged(seconds, secret, path, *links):
    """The same with a symbolic link that another process exchanges."""
    pid = os.fork()
    if pid == 0:
        while True:
            for target in links:
                os.symlink(target, f"{path}.new")
                os.rename(f"{path}.new", path)
    refused = 0
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                with open(path) as file:
                    if file.read() == secret:
                        return
            except PermissionError:
                refused += 1
            except (FileNotFoundError, IsADirectoryError):
                pass  # the link is going: 7.2 may read it as empty then, and opens the directory that it is in
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    raise OSError(errno.EPERM if refused else errno.EIO, f"refused {refused} times, never got it")


# ---- other processes ---------------------------------------------------------------------------

@contextlib.contextmanager
def held(program):
    """The number of a process that runs a shell and waits for a line."""
    child = subprocess.Popen([program, "-c", "echo; read x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


def ptrace(request, pid):
    libc.ptrace.restype = ctypes.c_long
    call(libc.ptrace(request, pid, None, None))


def trace_me():
    ptrace(PTRACE_TRACEME, 0)


def trace_attach(pid):
    ptrace(PTRACE_ATTACH, pid)
    os.waitpid(pid, WAIT_ALL)
    ptrace(PTRACE_DETACH, pid)


def trace_seize(pid):
    ptrace(PTRACE_SEIZE, pid)
    ptrace(PTRACE_INTERRUPT, pid)
    os.waitpid(pid, WAIT_ALL)
    ptrace(PTRACE_DETACH, pid)


def memory(pid, how):
    """/proc/PID/mem; who may not trace gets EACCES there, and EPERM from all else."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", how))
    except PermissionError as error:
        raise OSError(errno.EPERM, str(error)) from error


def vm_access(pid, number):
    """process_vm_readv(2) or process_vm_writev(2) of a word of the stack."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        start = next(int(line.split("-")[0], 16) for line in maps if line.endswith("[stack]\n"))
    word = ctypes.create_string_buffer(8)
    mine, its = struct.pack("PN", ctypes.addressof(word), 8), struct.pack("PN", start, 8)
    syscall(number, pid, mine, ctypes.c_long(1), its, ctypes.c_long(1), ctypes.c_long(0))


def take_descriptor(pid, fd):
    os.close(syscall(SYS_PIDFD_GETFD, syscall(SYS_PIDFD_OPEN, pid, 0), fd, 0))


def traced_start(program, how):
    """Starts a program in a child that is traced before: it asks for that (trace_me), or is seized."""
    (reader, writer), (ready, go) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if not pid:
        try:
            how() if how else os.read(ready, 1)
            os.execv(program, [program, "-c", ":"])
        except OSError as error:
            os.write(writer, struct.pack("i", error.errno))
        finally:
            os._exit(0)
    os.close(writer)
    if not how:
        ptrace(PTRACE_SEIZE, pid)
        os.write(go, b"x")
    while os.WIFSTOPPED(os.waitpid(pid, WAIT_ALL)[1]):
        ptrace(PTRACE_CONT, pid)
    answer = os.read(reader, 4)
    if answer:
        raise OSError(struct.unpack("i", answer)[0], "the child was refused")


def kexec_file(kernel, initramfs):
    """Makes a kernel the next one, and takes that back."""
    flags = KEXEC_FILE_NO_INITRAMFS if initramfs is None else 0
    syscall(SYS_KEXEC_FILE_LOAD, kernel, initramfs or -1, ctypes.c_long(1), b"", ctypes.c_long(flags))
    syscall(SYS_KEXEC_FILE_LOAD, -1, -1, ctypes.c_long(0), None, ctypes.c_long(KEXEC_FILE_UNLOAD))
