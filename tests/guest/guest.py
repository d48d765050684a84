# SPDX-License-Identifier: Apache-2.0
"""Throw-away virtual machines: start one, run commands in it, move files, stop it.

`vm` is the command line over this module, `run` the test runner, and a test gets a Guest.
A guest is known by its name alone: all that there is about it lies in its state directory, so
any process may attach to a guest that another one has started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import io
import itertools
import json
import os
import pathlib
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ("bookworm", "trixie", "sid")
PORTS = 8
BOOT_TIMEOUT_S = 240
HELLO_TIMEOUT_S = 3
COMMAND_TIMEOUT_S = 120
FILE_TIMEOUT_S = 300
# Five levels of page tables only cost an emulator time. A kernel that is told that strings move fast moves its
# memory byte by byte, which is what an emulator then does.
EMULATED_CPU = "max,-la57,-erms,-fsrm"
ANSWER_GRACE_S = 20
EVIDENCE_TIMEOUT_S = 60
CHUNK_BYTES = 256 << 10
KVM_PROBE_TIMEOUT_S = 8
SNAPSHOT_TIMEOUT_S = 120

T = TypeVar("T")

# Run by another port when one got no answer, whose number is $1: what the driver holds of it, who
# serves it, where he and his children are, and who else can't get on.
EVIDENCE = r"""
name=$(grep -lx "bailiff.$1" /sys/class/virtio-ports/*/name)
port=$(basename "${name%/name}")
echo "--- $port:"; cat "/sys/kernel/debug/virtio-ports/$port"
for agent in $(pgrep -x guest-agent); do
    for fd in "/proc/$agent"/fd/*; do [ "$fd" -ef "/dev/$port" ] && break; done || continue
    for pid in $agent $(pgrep -P "$agent"); do
        echo "--- $pid $(tr '\0' ' ' < "/proc/$pid/cmdline"), system call $(cat "/proc/$pid/syscall"):"
        cat "/proc/$pid/stack"
    done
done
echo "--- processes, and threads of the kernel that don't rest:"
ps -eo pid,ppid,stat,etimes,wchan:30,args | awk '$3 !~ /^[IS]/ || $NF !~ /\]$/'
echo "--- the kernel's last words:"; dmesg | tail -n 20
"""


class GuestError(Exception):
    """The guest, not the command run in it, failed: no boot, no answer, a panic."""


class NoAnswer(GuestError):
    """The agent took a request and was not heard of again in time."""


class CommandFailed(Exception):
    """A checked command failed; the text has all that is needed to see why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.describe())
        self.result = result


class NotApplicable(Exception):
    """Raised by Guest.not_applicable: this guest can't run this test, and a probe has proved it."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a command. A command killed by signal n has rc 128 + n, like in a shell."""

    command: str
    stdout: str
    stderr: str
    rc: int
    timed_out: bool = False

    def describe(self) -> str:
        end = "timed out" if self.timed_out else f"exit code {self.rc}"
        parts = [f"$ {self.command}", f"[{end}]"]
        if self.stdout.strip():
            parts += ["stdout:", _tail(self.stdout, 60)]
        if self.stderr.strip():
            parts += ["stderr:", _tail(self.stderr, 60)]
        return "\n".join(parts)


def _tail(text: str, lines: int) -> str:
    kept = text.rstrip("\n").split("\n")
    dropped = len(kept) - lines
    return "\n".join(([f"[... {dropped} lines]"] if dropped > 0 else []) + kept[-lines:])


# --- the host: caches, images, accelerator ---------------------------------------------------


def cache_dir() -> pathlib.Path:
    if "BAILIFF_CACHE" in os.environ:
        return pathlib.Path(os.environ["BAILIFF_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "bailiff"


def runtime_dir() -> pathlib.Path:
    return pathlib.Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")


def image(suite: str) -> pathlib.Path:
    """The directory of the suite's base image, built if the cache has none of this recipe."""
    built = subprocess.run([HERE / "image", suite], stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        raise GuestError(f"the image of {suite} could not be built")
    return pathlib.Path(built.stdout.strip())


def accelerator(base: pathlib.Path) -> str:
    """'kvm' if it really runs a kernel here, else 'tcg'. /dev/kvm that exists proves nothing."""
    chosen = os.environ.get("BAILIFF_ACCEL")
    if chosen:
        return chosen
    boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    verdict = cache_dir() / "guest" / f"accelerator-{boot_id}-{os.geteuid()}"
    if not verdict.exists():
        scratch = verdict.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        scratch.write_text("kvm" if _kvm_works(base) else "tcg")
        scratch.rename(verdict)
    return verdict.read_text()


def _kvm_works(base: pathlib.Path) -> bool:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    command = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults",
               "-display", "none", "-no-reboot", "-serial", "stdio",
               "-kernel", base / "vmlinuz", "-initrd", base / "initrd",
               "-append", "console=ttyS0 quiet panic=-1 bailiff.probe"]
    try:
        probe = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, timeout=KVM_PROBE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False
    return b"bailiff-probe-alive" in probe.stdout


# --- the protocol with the agent: see agent.c -------------------------------------------------


class Channel:
    """One session on one of the guest's ports; whoever holds the port's lock owns it."""

    HEAD = struct.Struct("<cI")
    END = struct.Struct("<Bi")
    EXITED, SIGNALLED, TIMED_OUT, ERRNO, FILE_MODE = range(5)

    def __init__(self, state: pathlib.Path, deadline: float) -> None:
        """A port that doesn't answer is stuck, or its guest not up yet: the others have their turn
        before it is asked again."""
        self._buffer = bytearray()
        answer = "is free"
        for self.port in itertools.cycle(range(PORTS)):
            with open(state / f"port{self.port}.lock", "wb") as lock, contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._connect(state / f"port{self.port}.sock", deadline):
                    self._lock = os.dup(lock.fileno())  # the same lock: it lasts until both are closed
                    return
                answer = "answers"
            if time.monotonic() > deadline:
                raise GuestError(f"none of the {PORTS} ports of the guest's agent {answer}")
            if self.port == PORTS - 1:
                time.sleep(0.1)

    def _connect(self, path: pathlib.Path, deadline: float) -> bool:
        """Connects and says hello until the agent echoes it: what it sends before is an earlier
        session's remainder."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(os.fspath(path))
            hello = self.HEAD.pack(b"H", 16) + os.urandom(16)
            self._socket.sendall(hello)
            if self._skip_past(hello, min(deadline, time.monotonic() + HELLO_TIMEOUT_S)):
                return True
        except OSError:
            pass  # QEMU isn't up yet, or gone: the deadline and the caller decide
        self._socket.close()
        return False

    def _skip_past(self, marker: bytes, deadline: float) -> bool:
        self._buffer.clear()
        while (found := self._buffer.find(marker)) < 0:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self._socket], [], [], wait)[0]:
                return False
            got = self._socket.recv(CHUNK_BYTES)
            if not got:
                return False
            self._buffer += got
        del self._buffer[: found + len(marker)]
        return True

    def close(self) -> None:
        self._socket.close()
        os.close(self._lock)

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        self._socket.sendall(self.HEAD.pack(kind, len(payload)) + payload)

    def _take_frame(self) -> tuple[bytes, bytes] | None:
        if len(self._buffer) < self.HEAD.size:
            return None
        kind, size = self.HEAD.unpack_from(self._buffer)
        end = self.HEAD.size + size
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[self.HEAD.size:end])
        del self._buffer[:end]
        return kind, payload

    def take(self, deadline: float) -> tuple[bytes, bytes]:
        """The next frame."""
        while (frame := self._take_frame()) is None:
            if not select.select([self._socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise NoAnswer("the guest has stopped answering")
            got = self._socket.recv(CHUNK_BYTES)
            if not got:
                raise GuestError("the guest is gone")
            self._buffer += got
        return frame

    def converse(self, request: tuple[bytes, bytes], stdin: BinaryIO | None, sinks: dict[bytes, BinaryIO],
                 deadline: float | None) -> tuple[int, int]:
        """Sends a request and its input, passes output to the sinks; returns the end's kind and value.

        Reading and writing take turns by readiness, so neither side can block the other."""
        kind, payload = request
        outgoing = bytearray(self.HEAD.pack(kind, len(payload)) + payload)
        self._socket.setblocking(False)
        while True:
            while (frame := self._take_frame()) is not None:
                if frame[0] == b"Q":
                    return self.END.unpack(frame[1])
                sink = sinks[frame[0]]
                sink.write(frame[1])
                sink.flush()
            readers: list[Any] = [self._socket]
            if stdin is not None and not outgoing:
                readers.append(stdin)
            wait = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready, writable, _ = select.select(readers, [self._socket] if outgoing else [], [], wait)
            if deadline is not None and time.monotonic() > deadline:
                raise NoAnswer("the guest has stopped answering")
            if stdin in ready:
                chunk = os.read(stdin.fileno(), CHUNK_BYTES)
                outgoing += self.HEAD.pack(b"I", len(chunk)) + chunk
                stdin = stdin if chunk else None
            if writable:
                del outgoing[: self._socket.send(outgoing)]
            if self._socket in ready:
                got = self._socket.recv(CHUNK_BYTES)
                if not got:
                    raise GuestError("the guest is gone")
                self._buffer += got


class Dialogue:
    """A program of the guest's that stays: it is sent a line and answers with a line."""

    def __init__(self, channel: Channel, argv: list[str]) -> None:
        self._channel = channel
        self._said, self._complaint = bytearray(), bytearray()
        channel.send(*_command(argv, None))

    def ask(self, line: bytes, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        for at in range(0, len(line) + 1, CHUNK_BYTES):
            self._channel.send(b"I", line[at : at + CHUNK_BYTES] + (b"\n" if at + CHUNK_BYTES > len(line) else b""))
        while b"\n" not in self._said:
            kind, payload = self._channel.take(deadline)
            if kind == b"Q":
                raise GuestError(f"the program has ended: {self._complaint.decode(errors='replace')}")
            (self._said if kind == b"O" else self._complaint).extend(payload)
        answer, _, rest = bytes(self._said).partition(b"\n")
        self._said[:] = rest
        return answer

    def close(self) -> None:
        """Ends the session, which the agent takes as the program's end."""
        self._channel.close()


class Monitor:
    """A connection to QEMU's monitor (QMP)."""

    def __init__(self, path: pathlib.Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wait_until(lambda: self._socket.connect_ex(os.fspath(path)) == 0, 20, "QEMU's monitor")
        self._lines = self._socket.makefile("r")
        self._lines.readline()  # the greeting
        self.ask("qmp_capabilities")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def ask(self, command: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        request = {"execute": command, "arguments": arguments or {}}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if "error" in answer:
                raise GuestError(f"QEMU: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise GuestError(f"QEMU has gone while it was asked to {command}")


# --- snapshots -------------------------------------------------------------------------------


def _make_overlay(backing: pathlib.Path, overlay: pathlib.Path) -> None:
    form = "raw" if backing.suffix == ".ext4" else "qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", form, "-b", backing, overlay],
                   check=True)


def ready_snapshot(options: Options, base: pathlib.Path) -> pathlib.Path:
    """The directory with the state of a machine that has booted with these options. It lies in
    the image's own directory, so it goes when the image goes."""
    # Only the same QEMU with the same devices can read a state back.
    version = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, check=True)
    machine = json.dumps(qemu_command(options, base, pathlib.Path("/")))
    name = "fast-" + hashlib.sha256(machine.encode() + version.stdout).hexdigest()[:16]
    with open(base / f".{name}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / name).is_dir():
            _make_snapshot(options, base, base / name)
    return base / name


def _make_snapshot(options: Options, base: pathlib.Path, result: pathlib.Path) -> None:
    building = pathlib.Path(tempfile.mkdtemp(prefix=".building-", dir=base))
    booted = Guest(f"snapshot-{os.getpid()}-{threading.get_ident()}")
    try:
        booted.start(options)
        booted.save(building)
        building.chmod(0o755)
        building.rename(result)
    finally:
        booted.stop()
        shutil.rmtree(building, ignore_errors=True)


# --- the guest -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Options:
    """How a guest is to be started."""

    suite: str
    smp: int = 1
    memory: int = 1024
    append: str = ""
    icount: bool = False


class Guest:
    """A guest by its name, running or not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = runtime_dir() / f"bailiff-vm-{name}"

    # starting and stopping

    def start(self, options: Options, fast: bool = False) -> Guest:
        """Starts a fresh guest and returns when its services are up; fast wakes a snapshot of a
        guest that has just booted with the same options, and makes one if there is none."""
        if self.running():
            raise GuestError(f"a guest named {self.name} is running already")
        if fast and options.icount:
            raise GuestError("a snapshot would break the count of instructions: no --icount with --fast")
        base = image(options.suite)
        snapshot = ready_snapshot(options, base) if fast else None
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(mode=0o700)
        (self.state / "options.json").write_text(json.dumps(dataclasses.asdict(options)))
        _make_overlay(base / "root.ext4" if snapshot is None else snapshot / "disk.qcow2",
                      self.state / "disk.qcow2")
        command = qemu_command(options, base, self.state)
        if snapshot is not None:
            command += ["-incoming", f"exec:exec zstd -dcq {shlex.quote(os.fspath(snapshot / 'machine.zst'))}"]
        self._launch(command)
        try:
            if snapshot is not None:
                self._wake()
            self._wait_until_up(time.monotonic() + BOOT_TIMEOUT_S)
        except BaseException:
            self.kill()
            raise
        return self

    def _wake(self) -> None:
        """Waits for the snapshot's machine state to be in, and lets it run on."""
        with Monitor(self.state / "qmp.sock") as monitor:
            deadline = time.monotonic() + SNAPSHOT_TIMEOUT_S
            while monitor.ask("query-status")["status"] == "inmigrate":
                self._raise_if_dead()
                if time.monotonic() > deadline:
                    raise GuestError(f"{self.name}: the snapshot could not be read in time")
                time.sleep(0.02)
            monitor.ask("cont")

    def save(self, directory: pathlib.Path) -> None:
        """Writes the running machine into a directory, and ends it."""
        self.run("sync; echo 3 > /proc/sys/vm/drop_caches")
        target = shlex.quote(os.fspath(directory / "machine.zst"))
        with Monitor(self.state / "qmp.sock") as monitor:
            monitor.ask("stop")
            monitor.ask("migrate-set-parameters", {"max-bandwidth": 1 << 34})
            monitor.ask("migrate", {"uri": f"exec:exec zstd -q1 -o {target}"})
            wait_until(lambda: monitor.ask("query-migrate").get("status") in ("completed", "failed"),
                       SNAPSHOT_TIMEOUT_S, "the snapshot to be written")
            if monitor.ask("query-migrate")["status"] != "completed":
                raise GuestError("the snapshot could not be written")
        self.kill()
        (self.state / "disk.qcow2").rename(directory / "disk.qcow2")

    def _launch(self, command: list[str]) -> None:
        with open(self.state / "qemu.log", "wb") as log, open(self.state / "alive.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, pass_fds=[lock.fileno()])
        (self.state / "pid").write_text(str(process.pid))
        (self.state / "command.json").write_text(json.dumps([os.fspath(word) for word in command]))
        # Not our child to wait for: it outlives this process, or is killed by name.
        process.returncode = 0

    def _wait_until_up(self, deadline: float, not_boot: str = "") -> None:
        """Until the agent answers and systemd has started all there is; not_boot is a boot id
        to be left behind first, after a reboot was asked for."""
        while True:
            self._raise_if_dead()
            try:
                with Channel(self.state, min(deadline, time.monotonic() + HELLO_TIMEOUT_S)):
                    pass
                # The old boot's agent may go down in the middle of its answer.
                if not not_boot or self.boot_id(timeout=HELLO_TIMEOUT_S) != not_boot:
                    break
                time.sleep(0.3)
            except (GuestError, OSError):
                pass
            if time.monotonic() > deadline:
                raise GuestError(f"{self.name} did not boot in time\n{self.failure_text()}")
        left = max(1.0, deadline - time.monotonic())
        self.run(["systemctl", "is-system-running", "--wait"], check=False, timeout=left)
        self.set_clock()

    def _raise_if_dead(self) -> None:
        if not self.running():
            raise GuestError(f"{self.name}: QEMU has ended\n{self.failure_text()}")
        if self.panicked():
            raise GuestError(f"{self.name}: the guest's kernel has panicked\n{self.failure_text()}")

    def failure_text(self) -> str:
        log = self.state / "qemu.log"
        qemu = log.read_text(errors="replace") if log.exists() else ""
        return f"{qemu}--- console, the last lines ---\n{_tail(self.console(), 40)}"

    def running(self) -> bool:
        """Is the QEMU that was started for this guest alive? It holds the lock as long as it lives,
        which a pid, being recycled, wouldn't prove."""
        try:
            with open(self.state / "alive.lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return False
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True

    def panicked(self) -> bool:
        return "Kernel panic - not syncing" in self.console()

    def kill(self) -> None:
        """Ends QEMU and leaves the state directory, so that the console can still be read."""
        if not self.running():
            return
        os.kill(int((self.state / "pid").read_text()), signal.SIGKILL)
        wait_until(lambda: not self.running(), 10, "QEMU to end")

    def stop(self) -> None:
        """Throws the guest away; nothing of it is worth an orderly shutdown."""
        self.kill()
        shutil.rmtree(self.state, ignore_errors=True)

    def reboot(self, timeout: float = BOOT_TIMEOUT_S) -> None:
        """The guest's own orderly reboot; its disk keeps what was written."""
        before = self.boot_id()
        with contextlib.suppress(GuestError):  # the way down may overtake the answer
            self.run(["systemctl", "reboot", "--no-block"], check=False, timeout=5)
        self._wait_until_up(time.monotonic() + timeout, not_boot=before)

    def options(self) -> Options:
        return Options(**json.loads((self.state / "options.json").read_text()))

    def accelerator(self) -> str:
        command = json.loads((self.state / "command.json").read_text())
        return command[command.index("-accel") + 1].partition(",")[0]

    def set_clock(self) -> None:
        with Channel(self.state, time.monotonic() + HELLO_TIMEOUT_S) as channel:
            channel.converse((b"T", struct.pack("<Q", time.time_ns())), None, {},
                             time.monotonic() + 30)

    # commands and files

    def execute(self, argv: list[str], stdin: BinaryIO | None, stdout: BinaryIO, stderr: BinaryIO,
                timeout: float | None) -> tuple[int, bool]:
        """Runs argv in the guest; returns its rc and whether it was killed for taking too long.

        The agent keeps the time, by the guest's clock; the host gives it some grace."""
        deadline = None if timeout is None else time.monotonic() + timeout * 1.5 + ANSWER_GRACE_S
        with self._channel() as channel:
            try:
                kind, value = channel.converse(_command(argv, timeout), stdin, {b"O": stdout, b"E": stderr},
                                               deadline)
                if kind == Channel.TIMED_OUT and value:
                    stderr.write(f"process {value} outlives SIGKILL\n{self._evidence(channel.port)}".encode())
            except (GuestError, OSError) as error:
                evidence = self._evidence(channel.port) if isinstance(error, NoAnswer) else ""
                raise GuestError(f"{self.name}: {error}: {shlex.join(argv)}\n"
                                 f"{evidence}{self.failure_text()}") from error
        if kind == Channel.ERRNO:
            raise GuestError(f"{self.name}: the agent could not run {argv[0]} to its end: {os.strerror(value)}")
        if kind == Channel.TIMED_OUT:
            return 124, True
        return (128 + value if kind == Channel.SIGNALLED else value), False

    def _evidence(self, port: int) -> str:
        """What the guest has to say about a port whose session is stuck; the caller holds its lock."""
        said = io.BytesIO()
        request = _command(["/bin/sh", "-c", EVIDENCE, "sh", str(port)], EVIDENCE_TIMEOUT_S)
        try:
            with Channel(self.state, time.monotonic() + EVIDENCE_TIMEOUT_S) as channel, open_null() as null:
                channel.converse(request, null, {b"O": said, b"E": said},
                                 time.monotonic() + EVIDENCE_TIMEOUT_S * 1.5)
        except (GuestError, OSError) as error:
            said.write(f"nor by another port: {error}\n".encode())
        return said.getvalue().decode(errors="replace")

    def _channel(self) -> Channel:
        try:
            return Channel(self.state, time.monotonic() + 30)
        except (GuestError, OSError) as error:
            self._raise_if_dead()
            raise GuestError(f"{self.name}: {error}\n{self.failure_text()}") from error

    def dialogue(self, argv: list[str]) -> Dialogue:
        """Starts a program that goes on until the dialogue is closed."""
        return Dialogue(self._channel(), argv)

    def run(self, command: str | list[str], check: bool = True, timeout: float = COMMAND_TIMEOUT_S,
            input: str | bytes | None = None) -> Result:
        """Runs a command: a list as it is, a string by the guest's shell."""
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        stdout, stderr = io.BytesIO(), io.BytesIO()
        with _as_file(input) as stdin:
            rc, timed_out = self.execute(argv, stdin, stdout, stderr, timeout)
        text = command if isinstance(command, str) else shlex.join(command)
        result = Result(text, stdout.getvalue().decode(errors="replace"),
                        stderr.getvalue().decode(errors="replace"), rc, timed_out)
        if check and (rc != 0 or timed_out):
            raise CommandFailed(result)
        return result

    def sh(self, script: str, check: bool = True, timeout: float = COMMAND_TIMEOUT_S) -> str:
        """Runs a shell script that stops at its first failing command; returns its stdout."""
        return self.run(["/bin/sh", "-euc", script], check=check, timeout=timeout).stdout

    def put(self, source: BinaryIO, remote: str, mode: int) -> None:
        deadline = time.monotonic() + FILE_TIMEOUT_S
        request = (b"P", struct.pack("<I", mode) + os.fsencode(remote) + b"\0")
        with self._channel() as channel:
            kind, value = channel.converse(request, source, {}, deadline)
        if kind == Channel.ERRNO:
            raise GuestError(f"{self.name}: {remote}: {os.strerror(value)}")

    def write(self, path: str, text: str | bytes, mode: int = 0o644) -> None:
        """Makes a file in the guest, and the directories above it; replaces it by rename."""
        with _as_file(text) as source:
            assert source is not None
            self.put(source, path, mode)

    def push(self, local: str | os.PathLike[str], remote: str) -> None:
        """Copies a file or a directory's contents into the guest, modes included."""
        source = pathlib.Path(local)
        if not source.is_dir():
            with source.open("rb") as file:
                self.put(file, remote, source.stat().st_mode & 0o7777)
            return
        packing = subprocess.Popen(["tar", "-C", source, "-c", "."], stdout=subprocess.PIPE)
        assert packing.stdout is not None
        stdout, stderr = io.BytesIO(), io.BytesIO()
        script = 'mkdir -p "$1" && exec tar -C "$1" --no-same-owner -x'
        rc, _ = self.execute(["/bin/sh", "-c", script, "sh", remote], packing.stdout, stdout, stderr, None)
        if packing.wait() != 0 or rc != 0:
            raise GuestError(f"{self.name}: push to {remote}: {stderr.getvalue().decode()}")

    def pull(self, remote: str, local: str | os.PathLike[str]) -> None:
        """Copies a file or a directory out of the guest, modes included."""
        if self.run(["test", "-d", remote], check=False).rc == 0:
            self._pull_directory(remote, pathlib.Path(local))
            return
        target = pathlib.Path(local)
        target = target / os.path.basename(remote) if target.is_dir() else target
        with target.open("wb") as file:
            mode = self._get(remote, file)
        target.chmod(mode)

    def _pull_directory(self, remote: str, local: pathlib.Path) -> None:
        packed, stderr = io.BytesIO(), io.BytesIO()
        rc, _ = self.execute(["tar", "-C", remote, "-c", "."], None, packed, stderr, None)
        if rc != 0:
            raise GuestError(f"{self.name}: pull of {remote}: {stderr.getvalue().decode()}")
        local.mkdir(parents=True, exist_ok=True)
        packed.seek(0)
        with tarfile.open(fileobj=packed) as archive:
            archive.extractall(local)

    def _get(self, remote: str, sink: BinaryIO, timeout: float = FILE_TIMEOUT_S) -> int:
        request = (b"G", os.fsencode(remote) + b"\0")
        with self._channel() as channel:
            kind, value = channel.converse(request, None, {b"O": sink}, time.monotonic() + timeout)
        if kind == Channel.ERRNO:
            raise GuestError(f"{self.name}: {remote}: {os.strerror(value)}")
        return value

    def read(self, path: str, timeout: float = FILE_TIMEOUT_S) -> str:
        """A file's text. It needs no program of the guest's, so no policy is in its way."""
        content = io.BytesIO()
        self._get(path, content, timeout)
        return content.getvalue().decode(errors="replace")

    def console(self) -> str:
        log = self.state / "console.log"
        return log.read_text(errors="replace").replace("\r", "") if log.exists() else ""

    def boot_id(self, timeout: float = FILE_TIMEOUT_S) -> str:
        return self.read("/proc/sys/kernel/random/boot_id", timeout).strip()

    def kernel(self) -> str:
        return self.read("/proc/sys/kernel/osrelease").strip()


def _command(argv: list[str], timeout: float | None) -> tuple[bytes, bytes]:
    """The request that runs argv."""
    limit_ms = 0 if timeout is None else max(1, int(timeout * 1000))
    return b"X", struct.pack("<I", limit_ms) + b"".join(os.fsencode(a) + b"\0" for a in argv)


@contextlib.contextmanager
def _as_file(content: str | bytes | None) -> Iterator[BinaryIO | None]:
    """Content as a file with a descriptor, which is what readiness is asked of."""
    if content is None:
        yield open_null()
        return
    raw = content.encode() if isinstance(content, str) else content
    with os.fdopen(os.memfd_create("input", os.MFD_CLOEXEC), "w+b") as file:
        file.write(raw)
        file.seek(0)
        yield file


def open_null() -> BinaryIO:
    """An input that ends at once."""
    return open(os.devnull, "rb")


def qemu_command(options: Options, base: pathlib.Path, state: pathlib.Path) -> list[str]:
    """The guest's machine. What varies with the accelerator is the CPU and the clock."""
    accel = "tcg" if options.icount else accelerator(base)
    command = ["qemu-system-x86_64", "-name", state.name, "-M", "pc", "-nodefaults", "-display", "none",
               "-accel", "tcg,thread=multi" if accel == "tcg" and not options.icount else accel,
               "-cpu", "host" if accel == "kvm" else EMULATED_CPU,
               "-smp", str(options.smp), "-m", str(options.memory), "-nic", "none",
               "-kernel", f"{base}/vmlinuz", "-initrd", f"{base}/initrd",
               "-append", " ".join(["console=ttyS0 root=/dev/vda rw loglevel=5 no_timer_check "
                                    "systemd.show_status=no random.trust_cpu=on", options.append]),
               "-drive", f"if=none,id=disk,format=qcow2,cache=unsafe,file={state}/disk.qcow2",
               "-device", "virtio-blk-pci,drive=disk",
               "-chardev", f"socket,id=console,path={state}/console.sock,server=on,wait=off,"
                           f"logfile={state}/console.log",
               "-serial", "chardev:console",
               "-qmp", f"unix:{state}/qmp.sock,server=on,wait=off",
               "-device", "virtio-serial-pci,max_ports=31"]
    for port in range(PORTS):
        command += ["-chardev", f"socket,id=port{port},path={state}/port{port}.sock,server=on,wait=off",
                    "-device", f"virtserialport,chardev=port{port},name=bailiff.{port}"]
    if options.icount:
        command += ["-icount", "shift=0,sleep=off"]
    return command


def guests() -> list[Guest]:
    """All guests that have a state directory here."""
    return [Guest(path.name.removeprefix("bailiff-vm-"))
            for path in sorted(runtime_dir().glob("bailiff-vm-*")) if path.is_dir()]


def wait_until(condition: Callable[[], T], timeout: float = 30, what: str = "a condition") -> T:
    """Polls until the condition is true; returns its value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(0.1)
    return value
