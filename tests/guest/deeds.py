# SPDX-License-Identifier: Apache-2.0
"""The guest's side of trial.py: runs deeds, each in a child of its own, and says how each ended.

It stays, since a python takes an emulated machine longer to start than most deeds take. Reads a line of JSON, a
list of steps: ["deeds", {name: Python code}], answered by {name: answer}; ["put", path, text]; ["run", program,
argument...], which has to end well, and ["query", program, argument...], which need not. A deed's answer is "ok", the name of an errno, "n/a: why" (raise NotHere), or whatever else went
wrong."""

import array, ctypes, errno, fcntl, json, os, shutil, socket, stat, struct, subprocess, sys, threading, time  # noqa: E401,F401

from calls import *  # noqa: F401,F403
from ways import *  # noqa: F401,F403
from calls import AT_EMPTY_PATH, AT_FDCWD, NotHere, call, libc, syscall

AT_EXECVE_CHECK = 0x10000
SYS_REMAP_FILE_PAGES = 216
SYS_RENAMEAT2, SYS_EXECVEAT, SYS_PKEY_MPROTECT, SYS_OPENAT2, SYS_SETXATTRAT = 316, 322, 329, 437, 463
READ_IMPLIES_EXEC = 0x400000


def run(*argv, **options):
    """A program that has to start and to end well; raises OSError if it may not start."""
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


def sh(script):
    """A shell script that has to end well; one that ends with EPERM's text has been refused."""
    result = subprocess.run(["/bin/sh", "-euc", script], stdin=subprocess.DEVNULL, capture_output=True)
    if result.returncode:
        text = result.stderr.decode(errors="replace")
        if "Operation not permitted" in text or "failed to map segment" in text:
            raise OSError(errno.EPERM, text)
        raise RuntimeError(f"exit {result.returncode}: {text.strip()}")


def door(*argv):
    """Has a program of programs/ do something; its exit code is an errno, or 255 for what isn't here."""
    result = subprocess.run(argv, capture_output=True, text=True)
    if result.returncode == 255:
        raise NotHere(f"{' '.join(argv[:3])} {result.stderr.strip()}")
    if result.returncode < 0:
        raise RuntimeError(f"{argv} ended by signal {-result.returncode}")
    if result.returncode:
        raise OSError(result.returncode, os.strerror(result.returncode))


def read(path):
    with open(path, "rb") as file:
        file.read(64)


def close(fd):
    os.close(fd)


def write(path):
    close(os.open(path, os.O_WRONLY))


def as_user(uid, gid, groups, deed):
    """A deed with other ids than root's."""
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    deed()


def execveat(fd, path, flags):
    """Starts a program in a child; raises OSError if the kernel refuses to."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            argv = (ctypes.c_char_p * 2)(b"deed", None)
            libc.syscall(SYS_EXECVEAT, fd, path, argv, None, flags)
            os.write(writer, struct.pack("i", ctypes.get_errno()))
        finally:
            os._exit(0)
    close(writer)
    answer = os.read(reader, 4)
    os.waitpid(pid, 0)
    if answer and struct.unpack("i", answer)[0]:
        number = struct.unpack("i", answer)[0]
        raise OSError(number, os.strerror(number))


def execve_check(path):
    fd = os.open(path, os.O_RDONLY)
    argv = (ctypes.c_char_p * 2)(b"deed", None)
    if libc.syscall(SYS_EXECVEAT, fd, b"", argv, None, AT_EMPTY_PATH | AT_EXECVE_CHECK) < 0:
        if ctypes.get_errno() == errno.EINVAL:
            raise NotHere("no AT_EXECVE_CHECK")
        call(-1)


def map_file(path, protection, flags=2, how=os.O_RDONLY):
    """The address of a mapping, a private one unless flags are 1."""
    fd = os.open(path, how)
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, ctypes.c_size_t(4096), protection, flags, fd, ctypes.c_long(0))
    call(-1 if address == 2**64 - 1 else 0)
    return ctypes.c_void_p(address)


def map_code(path):
    """mmap with PROT_EXEC."""
    map_file(path, 5)


def map_then_protect(path):
    """mmap as data, then mprotect to code."""
    call(libc.mprotect(map_file(path, 1), ctypes.c_size_t(4096), 5))


def map_then_protect_by_key(path):
    """The same by pkey_mprotect, which takes -1 for no key."""
    syscall(SYS_PKEY_MPROTECT, map_file(path, 1), ctypes.c_size_t(4096), 5, -1)


def map_then_remap(path):
    """With READ_IMPLIES_EXEC, what remap_file_pages maps anew can be run, though the protection is not to change."""
    address = map_file(path, 1, 1, os.O_RDWR)
    call(libc.personality(READ_IMPLIES_EXEC))
    syscall(SYS_REMAP_FILE_PAGES, address, ctypes.c_size_t(4096), 0, ctypes.c_size_t(0), 0)


def protect_anonymous(flags):
    """Memory of no file, shared (1) or private (2), made code."""
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, ctypes.c_size_t(4096), 3, flags | 0x20, -1, ctypes.c_long(0))
    call(-1 if address == 2**64 - 1 else 0)
    call(libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(4096), 5))


def map_with_old_personality(path, then=None):
    """To a process with READ_IMPLIES_EXEC all that can be read can be run, without PROT_EXEC."""
    address = None if then is None else map_file(path, 0)
    call(libc.personality(READ_IMPLIES_EXEC))
    if then is None:
        map_file(path, 1)
    else:
        call(libc.mprotect(address, ctypes.c_size_t(4096), then))


def run_dlopen(path):
    try:
        ctypes.CDLL(path)
    except OSError as error:
        raise OSError(errno.EPERM if "failed to map segment" in str(error) else errno.EIO, str(error)) from error


def run_loaded(path, *argv, **environment):
    """Starts a program into which ld.so has to load a library; ld.so goes on without what it can't."""
    argv = [*argv, "/bin/cat", "/proc/self/maps"]
    result = subprocess.run(argv, env=environment, capture_output=True, text=True)
    if "failed to map segment" in result.stderr:
        raise OSError(errno.EPERM, result.stderr)
    if result.returncode or path not in result.stdout:
        raise RuntimeError(f"exit {result.returncode}, without {path}: {result.stderr}")


def fill(fd, path):
    with open(path, "rb") as file:
        os.write(fd, file.read())
    return fd


def anonymous(path, flags=0):
    """A descriptor of a nameless copy of a file in memory. Nobody who executes it may write it."""
    return fill(os.memfd_create("copy", flags), path)


def copy_to_memory(path):
    """The same, as a path."""
    return f"/proc/{os.getpid()}/fd/{anonymous(path)}"


def script_in_memory():
    fd = os.memfd_create("script", 0)
    os.write(fd, b"#!/bin/true\n")
    return f"/proc/{os.getpid()}/fd/{fd}"


def gone(path, how=os.O_RDONLY):
    """A descriptor of a copy whose only name has been removed."""
    name = f"/srv/gone-{os.getpid()}"
    shutil.copy(path, name)
    fd = os.open(name, how)
    os.unlink(name)
    return fd


def unnamed(path):
    """A descriptor of a copy that never had a name."""
    fd = fill(os.open("/srv", os.O_TMPFILE | os.O_RDWR, 0o755), path)
    reader = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
    close(fd)
    return reader


def openat2(path, resolve=0):
    how = struct.pack("QQQ", os.O_RDONLY, 0, resolve)
    close(syscall(SYS_OPENAT2, AT_FDCWD, path.encode(), how, len(how)))


def setxattrat(path, name, value):
    arguments = struct.pack("PII", ctypes.addressof(data := ctypes.create_string_buffer(value)), len(value), 0)
    try:
        syscall(SYS_SETXATTRAT, AT_FDCWD, path.encode(), 0, name.encode(), arguments,
                ctypes.c_size_t(len(arguments)))
    except NotHere:
        raise NotHere("no setxattrat") from None
    assert os.getxattr(path, name) == data.raw[:-1]


def exchange(a, b):
    syscall(SYS_RENAMEAT2, AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), 2)


def through_path_fd(path):
    fd = os.open(path, os.O_PATH)
    read(f"/proc/self/fd/{fd}")


def chrooted(root, path):
    os.chroot(root)
    os.chdir("/")
    read(path)


def connect(address, port, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
    """A connect that is let through; nothing has to listen there."""
    try:
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise NotHere(str(error)) from error
    with made:
        try:
            made.connect((address, port))
        except ConnectionRefusedError:
            pass


def dccp(address, port):
    """A connection to a server of our own: nobody else is there."""
    try:
        server, client = (socket.socket(socket.AF_INET, 6, 33) for _ in range(2))
    except OSError as error:
        raise NotHere(str(error)) from error
    with server, client:
        for made in server, client:
            made.setsockopt(269, 2, struct.pack("I", 7))
        server.bind(("", port))
        server.listen(1)
        client.connect((address, port))


def send(address, port, family=socket.AF_INET, how="sendto"):
    with socket.socket(family, socket.SOCK_DGRAM) as made:
        if how == "sendto":
            made.sendto(b"x", (address, port))
        elif how == "sendmsg":
            made.sendmsg([b"x"], [], 0, (address, port))
        else:
            sendmmsg(made, address, port)


def sendmmsg(made, address, port):
    name = ctypes.create_string_buffer(struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) +
                                       socket.inet_aton(address) + bytes(8))
    data = ctypes.create_string_buffer(b"x", 1)
    vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(data), 1))
    header = struct.pack("PIxxxxPNPNixxxxIxxxx", ctypes.addressof(name), 16, ctypes.addressof(vector), 1,
                         0, 0, 0, 0)
    call(libc.sendmmsg(made.fileno(), ctypes.create_string_buffer(header), 1, 0))


def fast_open(address, port):
    with socket.socket() as made:
        try:
            made.sendto(b"x", socket.MSG_FASTOPEN, (address, port))
        except ConnectionRefusedError:
            pass


def reconnect_by_send(address, port):
    """A datagram socket that is connected elsewhere, let go by AF_UNSPEC, and sends to an address."""
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        made.connect(("127.0.0.1", 9))
        call(libc.connect(made.fileno(), struct.pack("=H14x", 0), 16))
        made.sendto(b"x", (address, port))


def unspec_send(address, port):
    """AF_UNSPEC in sendto means IPv4 to a datagram socket."""
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        name = struct.pack("=H", 0) + struct.pack(">H", port) + socket.inet_aton(address) + bytes(8)
        call(libc.sendto(made.fileno(), b"x", 1, 0, name, 16))


def make_socket(family, kind, protocol=0):
    """A socket of a family that this kernel may not have."""
    try:
        return socket.socket(family, kind, protocol)
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EPROTONOSUPPORT):
            raise NotHere(str(error)) from error
        raise


def sockaddr4(address, port, family=socket.AF_INET):
    return struct.pack("=H", family) + struct.pack(">H", port) + socket.inet_aton(address) + bytes(8)


def sockaddr6(address, port, family=socket.AF_INET6):
    return struct.pack("=H", family) + struct.pack(">HI", port, 0) + socket.inet_pton(socket.AF_INET6, address) + bytes(4)


def raw_send(made, name, data=b"x" * 8):
    """sendto with the very bytes of an address."""
    with made:
        call(libc.sendto(made.fileno(), data, len(data), 0, name, len(name)))


def raw_connect(made, name):
    with made:
        if libc.connect(made.fileno(), name, len(name)) < 0 and ctypes.get_errno() != errno.ECONNREFUSED:
            call(-1)


def control(level, kind, data):
    """A control message as the kernel reads it."""
    message = struct.pack("=QII", 16 + len(data), level, kind) + data
    return message + bytes(-len(message) % 8)


def send_many(made, *messages):
    """sendmmsg of messages (name, data, control) in the very bytes."""
    kept, headers = [], b""
    for message in messages:
        name, data, said = (ctypes.create_string_buffer(part, len(part) + 1) for part in message)
        vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(data), len(message[1])))
        kept += [name, data, said, vector]
        headers += struct.pack("PIxxxxPNPNixxxxIxxxx", ctypes.addressof(name), len(message[0]), ctypes.addressof(vector), 1,
                               ctypes.addressof(said) if message[2] else 0, len(message[2]), 0, 0)
    if call(libc.sendmmsg(made.fileno(), ctypes.create_string_buffer(headers), len(messages), 0)) < len(messages):
        raise PermissionError(errno.EPERM, "not all were sent")


def connect_bound(own, address, port, family=socket.AF_INET, device=None):
    """A connect of a socket that is bound to an address of this host, or to a device."""
    made = socket.socket(family, socket.SOCK_STREAM)
    if device:
        made.setsockopt(socket.SOL_SOCKET, 25, device.encode() + b"\0")
    made.bind((own, 0))
    raw_connect(made, (sockaddr6 if family == socket.AF_INET6 else sockaddr4)(address, port))


def rxrpc_address(address, port):
    return struct.pack("=HHHH", 33, 1, 2, 16) + sockaddr4(address, port) + bytes(12)


def rxrpc_send(address, port):
    """A call of RxRPC, which goes out by UDP, to somebody who is there."""
    with make_socket(33, 2, 2) as made, socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind((address, port))
        call(libc.bind(made.fileno(), rxrpc_address("0.0.0.0", 7001), 36))
        send_many(made, (rxrpc_address(address, port), b"secret", control(272, 1, bytes(8))))


def connect_again(address, port):
    """connect(2) elsewhere, AF_UNSPEC, and connect(2) once more."""
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        made.connect(("127.0.0.1", 9))
        call(libc.connect(made.fileno(), bytes(16), 16))
        made.connect((address, port))


def send_elsewhere(address, port):
    """sendto on a datagram socket that is connected to another address."""
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        made.connect(("127.0.0.1", 9))
        made.sendto(b"x", (address, port))


def fast_open_connect(address, port):
    """TCP_FASTOPEN_CONNECT: connect(2) only remembers the address, the first write connects."""
    with socket.socket() as made:
        made.setsockopt(socket.IPPROTO_TCP, 30, 1)
        try:
            made.connect((address, port))
            made.send(b"x")
        except ConnectionRefusedError:
            pass


def repair_connect(address, port):
    """TCP_REPAIR makes a socket connected without a packet."""
    with socket.socket() as made:
        made.setsockopt(socket.IPPROTO_TCP, 19, 1)
        made.bind(("127.0.0.1", 0))
        made.connect((address, port))
        assert made.getpeername() == (address, port)


def write_own_header(claimed, real, protocol=17):
    """A raw socket with a header of its own: the address that the kernel is given is another one."""
    with make_socket(socket.AF_INET, socket.SOCK_RAW, 255) as made:
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, protocol, 0, bytes(4), socket.inet_aton(real))
        made.sendto(header + bytes(8), (claimed, 0))


def racing_connect(guarded, other, port):
    """Another thread rewrites the address all the time; without a rule the guarded one is reached soon."""
    name = ctypes.create_string_buffer(sockaddr4(other, port), 16)
    images = [sockaddr4(guarded, port), sockaddr4(other, port)]
    stop = threading.Event()

    def rewrite():
        while not stop.is_set():
            for image in images:
                ctypes.memmove(name, image, 16)

    thread = threading.Thread(target=rewrite)
    thread.start()
    refused = 0
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as made:
            for _ in range(5000):
                if libc.connect(made.fileno(), name, 16) < 0:
                    refused += ctypes.get_errno() == errno.EPERM
                elif made.getpeername()[0] == guarded:
                    return
    finally:
        stop.set()
        thread.join()
    raise PermissionError(errno.EPERM, "refused") if refused else RuntimeError("never reached, never refused")


def unix_connect(name, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_UNIX, kind) as made:
        made.connect(name)


def unix_send(name, connected=False, how="sendto"):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        if connected:
            made.connect(name)
            made.send(b"x")
        elif how == "sendto":
            made.sendto(b"x", name)
        else:
            made.sendmsg([b"x"], [], 0, name)


def in_namespace(script, code):
    """A deed in a mount namespace of its own, after a shell script there."""
    call(libc.unshare(0x20000))
    call(libc.mount(None, b"/", None, 0x44000, None))
    sh(script)
    exec(code, globals())


SCTP, SCTP_BINDX_ADD, SCTP_CONNECTX, SCTP_DSTADDRV4 = 132, 100, 110, 7


def sctp_peers():
    """The addresses of all associations' other ends."""
    with open("/proc/net/sctp/remaddr", encoding="ascii") as file:
        return {line.split()[0] for line in file.readlines()[1:] if line.strip()}


def sctp_server(address, port):
    made = make_socket(socket.AF_INET, socket.SOCK_SEQPACKET, SCTP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen()
    return made


def must_have_peer(address):
    for _ in range(50):
        if address in sctp_peers():
            break
        time.sleep(0.1)
    if address not in sctp_peers():
        raise PermissionError(errno.EPERM, f"no association has {address}")


def sctp_connectx(port, *addresses):
    with sctp_server("0.0.0.0", port), make_socket(socket.AF_INET, socket.SOCK_SEQPACKET, SCTP) as made:
        made.setsockopt(SCTP, SCTP_CONNECTX, b"".join(sockaddr4(each, port) for each in addresses))


def sctp_send(port, address, *further):
    """An implicit association, by a message that brings further addresses."""
    with sctp_server("0.0.0.0", port), make_socket(socket.AF_INET, socket.SOCK_SEQPACKET, SCTP) as made:
        control = [(SCTP, SCTP_DSTADDRV4, socket.inet_aton(each)) for each in further]
        made.sendmsg([b"x"], control, 0, (address, port))


def sctp_send_many(port, address, further):
    """Three messages to one address in one call: the second ends the association that the first has made, and the
    third makes it anew, with a further address."""
    name, abort = sockaddr4(address, port), control(SCTP, 2, struct.pack("=HHIII", 0, 4, 0, 0, 0))
    with sctp_server("0.0.0.0", port), make_socket(socket.AF_INET, socket.SOCK_SEQPACKET, SCTP) as made:
        send_many(made, (name, b"x", b""), (name, b"", abort),
                  (name, b"x", control(SCTP, SCTP_DSTADDRV4, socket.inet_aton(further))))


def sctp_added(port, address, further):
    """The other end adds an address to an association that is there already (ASCONF)."""
    for name in ("addip_enable", "addip_noauth_enable"):
        with open(f"/proc/sys/net/sctp/{name}", "w", encoding="ascii") as file:
            file.write("1")
    with sctp_server(address, port) as server, make_socket(socket.AF_INET, socket.SOCK_SEQPACKET, SCTP) as made:
        # Or the other end is told all of this machine's addresses.
        made.bind((address, 0))
        made.sendto(b"x", (address, port))
        server.recv(16)
        server.setsockopt(SCTP, SCTP_BINDX_ADD, sockaddr4(further, port))
        must_have_peer(further)


def below(path, depth, deed):
    """Goes down a chain of directories named d, one step after the other, and does something there."""
    os.chdir(path)
    for _ in range(depth):
        os.chdir("d" if os.path.isdir("d") else "n" * 200)
    deed()


def perform(code):
    try:
        exec(compile(code, "<deed>", "exec"), globals())
        return "ok"
    except NotHere as reason:
        return f"n/a: {reason}"
    except subprocess.CalledProcessError as error:
        return f"exit {error.returncode}: {error.stderr.decode(errors='replace').strip()}"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def in_child(code):
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.write(writer, perform(code).encode()[:60000])
        os._exit(0)
    close(writer)
    with os.fdopen(reader, "rb") as file:
        answer = file.read().decode()
    status = os.waitpid(pid, 0)[1]
    return answer or f"status {status}"


def carry_out(word, *arguments):
    """One step of a request."""
    if word == "deeds":
        return {name: in_child(code) for name, code in arguments[0].items()}
    if word == "put":
        path, text = arguments
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)
        return {"rc": 0}
    result = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True)
    return {"rc" if word == "run" else "exit": result.returncode, "stdout": result.stdout.decode(errors="replace"),
            "stderr": result.stderr.decode(errors="replace")}


def aside(fd):
    """Takes a descriptor away from what is started here, and leaves nothing there."""
    kept = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 900)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, fd)
    os.close(null)
    return kept


def serve():
    """Each line is a list of steps; the answer has what became of each, up to the first that failed."""
    with os.fdopen(aside(0), "rb") as requests, os.fdopen(aside(1), "wb") as answers:
        for line in requests:
            done = []
            for step in json.loads(line):
                done.append(carry_out(*step))
                if done[-1].get("rc"):
                    break
            answers.write(json.dumps(done).encode() + b"\n")
            answers.flush()


if __name__ == "__main__":
    serve()
