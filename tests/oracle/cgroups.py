# SPDX-License-Identifier: Apache-2.0
"""The reference of what a process is called by its cgroup, and the names of capabilities. As oracle.py it shares nothing
with what it is held against."""

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
                "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
                "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
                "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
                "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
                "CHECKPOINT_RESTORE")
UNSET = 2**32 - 1
COMPONENTS_MAX = 12  # of a cgroup's path; what is deeper isn't looked at
UNIT_TYPES = (b".service", b".scope", b".socket", b".mount", b".swap")


def read_capability(name):
    short = name.upper()
    return CAPABILITIES.index(short[4:] if short.startswith("CAP_") else short)


def typed(name, types):
    return any(name.endswith(each) and len(name) > len(each) for each in types)


def unescaped(name):
    return name[1:] if name.startswith(b"_") else name


def hex_id(name):
    """The id that the name of a container's cgroup is or ends in, or None."""
    if name.endswith(b".scope"):
        name = name[:-len(b".scope")]
    head, tail = name[:-64], name[-64:]
    if len(tail) < 64 or any(byte not in b"0123456789abcdef" for byte in tail):
        return None
    return tail if not head or (head.endswith(b"-") and not head.endswith(b"conmon-")) else None


class CgroupNames:
    """Unit, slice and container of a cgroup. 'sure' is whether the host alone can have named the container."""

    def __init__(self, path):
        parts = [part for part in path.split(b"/") if part]
        self.path, self.cut = path, len(parts) > COMPONENTS_MAX
        parts = parts[:COMPONENTS_MAX]
        self.unit, self.slice, self.id, self.sure = None, b"-.slice", None, False
        while parts and typed(parts[0], (b".slice",)):
            self.slice = unescaped(parts.pop(0))
        if not parts:
            return
        first, rest = parts[0], parts[1:]
        if typed(first, UNIT_TYPES):
            self.unit = unescaped(first)
        self.id = hex_id(first)
        self.sure = True
        if self.id is None:
            self.id = self.machine(first)
            if self.id is not None and rest[:1] == [b"supervisor"]:
                self.id = None
                return
        if self.id is None:
            # What is below a unit may be anybody's to name.
            self.sure = self.unit is None
            self.id = self.below([first] + rest)

    @staticmethod
    def machine(name):
        if name.startswith(b"machine-") and name.endswith(b".scope") and len(name) > 14 \
                and not name.startswith(b"machine-qemu\\x2d"):
            return name[8:-6]
        if name.startswith(b"systemd-nspawn@") and name.endswith(b".service") and len(name) > 23:
            return name[15:-8]
        return None

    def below(self, parts):
        for i, part in enumerate(parts):
            if i and hex_id(part) is not None:
                return hex_id(part)
            if part in (b"lxc", b"lxc.payload"):
                return parts[i + 1] if parts[i + 1:] else None
            if part.startswith(b"lxc.payload.") and len(part) > 12:
                self.sure |= i == 0
                return part[12:]
        return None
