# SPDX-License-Identifier: Apache-2.0
"""What programs do with files, done in one directory: a list of steps with what each came to, which is the
same each time. For ordinary.py, in whatever file system or container it has set up."""

import ctypes
import errno
import fcntl
import mmap
import os
import shutil
import socket
import stat
import subprocess

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_FOLLOW, RENAME_EXCHANGE, FICLONE = -100, 0x400, 2, 0x40049409
TEXT = b"ordinary\n" * 600


def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def write(path, data=TEXT, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        return file.write(data)


def read(path):
    with open(path, "rb") as file:
        return len(file.read())


def facts(path):
    found = os.lstat(path)
    return [stat.filemode(found.st_mode), found.st_uid, found.st_gid, found.st_nlink, found.st_size]


def map_shared(path):
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as area:
        area[:8] = b"Mapped!\n"
        area.flush()
    with open(path, "rb") as file:
        return file.read(8).decode()


def map_code(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC):
        return "mapped"


def exchange(one, other):
    call(libc.renameat2(AT_FDCWD, one.encode(), AT_FDCWD, other.encode(), RENAME_EXCHANGE))
    return read(one)


def nameless(name):
    """O_TMPFILE, and a name for it afterwards."""
    with open(os.open(".", os.O_TMPFILE | os.O_RDWR, 0o640), "wb") as file:
        file.write(TEXT)
        file.flush()
        source = f"/proc/self/fd/{file.fileno()}".encode()
        call(libc.linkat(AT_FDCWD, source, AT_FDCWD, name.encode(), AT_SYMLINK_FOLLOW))
    return facts(name)


def attributes(path):
    os.setxattr(path, "user.one", b"1")
    os.setxattr(path, "user.two", b"2")
    os.removexattr(path, "user.one")
    return sorted(name for name in os.listxattr(path) if name.startswith("user."))


def lock(path):
    with open(path, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10)
    return "locked"


def allocate(path):
    with open(path, "r+b") as file:
        os.posix_fallocate(file.fileno(), 0, 20000)
        call(libc.fallocate(file.fileno(), 3, ctypes.c_long(4096), ctypes.c_long(4096)))  # a hole
    return read(path)


def clone(path, copy):
    with open(path, "rb") as source, open(copy, "wb") as target:
        fcntl.ioctl(target, FICLONE, source.fileno())
    return read(copy)


def copy_range(path, copy):
    with open(path, "rb") as source, open(copy, "wb") as target:
        os.copy_file_range(source.fileno(), target.fileno(), 4000)
    return read(copy)


def start(*argv, **options):
    result = subprocess.run(argv, capture_output=True, text=True, **options)
    return [result.returncode, result.stdout, result.stderr]


def start_by_fd(path):
    """execveat with an empty name."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            os.execve(fd, ["by-fd"], {})
        finally:
            os._exit(99)
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def start_from_memory(path):
    fd = os.memfd_create("program", 0)
    with open(path, "rb") as file:
        os.write(fd, file.read())
    return start(f"/proc/self/fd/{fd}", pass_fds=[fd])


def talk(name):
    """A unix socket with a path, and one without."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(name)
        server.listen()
        client.connect(name)
        client.send(b"hello")
        return server.accept()[0].recv(16).decode()


def script(path):
    write(path, b"#!/bin/sh\necho script $0 | sed s,.*/,,\n", 0o755)
    return start(path)


def drop(path):
    """A file that goes on being used when its name is gone."""
    with open(path, "r+b") as file:
        os.unlink(path)
        file.write(b"gone")
        os.fchmod(file.fileno(), 0o600)
        return os.fstat(file.fileno()).st_nlink


STEPS = {
    "create": lambda: write("a"),
    "read": lambda: read("a"),
    "append": lambda: start("sh", "-c", "echo more >> a && wc -c < a"),
    "stat": lambda: facts("a"),
    "chmod": lambda: (os.chmod("a", 0o4711), facts("a")),
    "chown": lambda: (os.chown("a", 1, 1), facts("a")),
    "times": lambda: (os.utime("a", (1, 2)), int(os.stat("a").st_mtime)),
    "truncate": lambda: (os.truncate("a", 100), read("a")),
    "grow": lambda: (os.truncate("a", 5000), read("a")),
    "allocate": lambda: allocate("a"),
    "map": lambda: map_shared("a"),
    "map code": lambda: map_code("a"),
    "lock": lambda: lock("a"),
    "link": lambda: (os.link("a", "b"), facts("b")),
    "symlink": lambda: (os.symlink("a", "s"), read("s")),
    "missing": lambda: read("none"),
    "exclusive": lambda: os.open("a", os.O_CREAT | os.O_EXCL),
    "directory": lambda: (os.makedirs("d/e/f"), write("d/e/f/x"), facts("d")[0]),
    "rename": lambda: (os.rename("b", "d/b"), facts("d/b")),
    "rename over": lambda: (write("c", b"c"), os.rename("c", "d/b"), read("d/b")),
    "rename directory": lambda: (os.rename("d/e", "d/g"), read("d/g/f/x")),
    "exchange": lambda: (write("z", b"z"), exchange("z", "a")),
    "nameless": lambda: nameless("n"),
    "fifo": lambda: (os.mkfifo("p"), facts("p")),
    "device": lambda: (os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3)), write("null")),
    "attributes": lambda: attributes("a"),
    "clone": lambda: clone("a", "copy1"),
    "copy range": lambda: copy_range("a", "copy2"),
    "copy tree": lambda: (shutil.copytree("d", "tree"), read("tree/g/f/x")),
    "program": lambda: (shutil.copy("/bin/echo", "echo"), start("./echo", "hello")),
    "program by link": lambda: (os.link("echo", "echo2"), start("./echo2", "hello")),
    "program by descriptor": lambda: start_by_fd("echo"),
    "program in memory": lambda: start_from_memory("/bin/true"),
    "program by ld.so": lambda: start("/lib64/ld-linux-x86-64.so.2", "./echo", "hello"),
    "script": lambda: script("./script"),
    "busy": lambda: write("/proc/self/exe"),
    "socket": lambda: talk("socket"),
    "dropped": lambda: drop("copy2"),
    "archive": lambda: start("sh", "-c", "tar -cf t.tar d tree && mkdir u && tar -xf t.tar -C u && find u | sort"),
    "list": lambda: sorted(os.listdir(".")),
    "remove": lambda: [shutil.rmtree(each) if os.path.isdir(each) and not os.path.islink(each) else os.unlink(each)
                       for each in os.listdir(".")] and os.listdir("."),
}


def battery(place):
    """Does all the steps in a directory."""
    os.chdir(place)
    os.umask(0o022)
    return {name: outcome(step) for name, step in STEPS.items()}


def outcome(step):
    try:
        return step()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
