# SPDX-License-Identifier: Apache-2.0
"""The compiled engines, asked over the protocol of protocol.h."""

import subprocess

import oracle

SKIP = 77
OTHERS_MAX = 63  # the kernel side stops counting there (BL_SEEN_MAX)


class Skipped(Exception):
    """This machine can't run the engine."""


class Failed(Exception):
    """The engine crashed or didn't speak the protocol."""


def query_line(access):
    exe = access.exe.hex() if access.exe is not None else "-"
    login = "-" if access.login is None else access.login
    held = sum(1 << each for each in set(access.capabilities))
    by = "%s %d %s %s %x %s%s" % (exe, access.uid, ",".join(map(str, access.gids)), login, held,
                                  "+" if access.nested else "", access.cgroup.hex())
    if access.on == "connect":
        if access.socket is not None:
            return "socket %s %s" % (access.socket.hex(), by)
        if access.address is None:
            return "family %d %s" % (access.family, by)
        bit = 1 << oracle.PROTOCOLS.index(access.protocol) | (0x80 if access.raw else 0)
        return "connect %s %d %d %s" % (access.address.hex(), access.port, bit, by)
    path = access.path.hex() if access.path is not None else "-"
    if access.on == "exec":
        facts = sum(oracle.FACTS[word] for word in access.facts)
        args = b"".join(arg + b"\0" for arg in access.args).hex() or "-"
        return "exec %s %d %s %s" % (path, facts, args, by)
    if access.on == "trace":
        return "trace %s %s" % (path, by)
    return "open %s %d %s" % (path, access.access, by)


TRUSTS = ("none", "container", "host")  # enum bl_trust


def query_lines(accesses):
    """The requests for accesses, and what an engine must know before."""
    trust, untrusted = "host", False
    for access in accesses:
        if access.parent is not None or access.ancestors or access.kin_unknown:
            yield "kin %s%s %s" % ("?" if access.kin_unknown else "",
                                   access.parent.hex() if access.parent is not None else "-",
                                   ",".join(each.hex() for each in access.ancestors) or "-")
        if access.untrusted != untrusted:
            untrusted = access.untrusted
            yield "untrusted %d" % untrusted
        if access.trust != trust:
            trust = access.trust
            yield "trust %d" % TRUSTS.index(trust)
        yield query_line(access)
    if trust != "host":
        yield "trust %d" % TRUSTS.index("host")
    if untrusted:
        yield "untrusted 0"


class Case:
    """A policy set, the accesses to decide under it, and what the oracle says."""

    def __init__(self, texts, accesses, expected, seed=0, label=""):
        self.texts = texts
        self.accesses = accesses
        self.expected = expected
        self.seed = seed    # of the table key
        self.label = label  # how to make it again
        self.refused = None
        self.answers = []

    def request(self):
        lines = ["source file%d.json %s" % (i, text.encode().hex())
                 for i, text in enumerate(self.texts)]
        lines.append("compile %d" % self.seed)
        lines += query_lines(self.accesses)
        return "\n".join(lines) + "\n"

    def take(self, lines):
        first = next(lines)
        self.refused = first.partition(" ")[2] if first.startswith("refused") else None
        self.answers = []
        for access in self.accesses:
            verdict, rule, others = next(lines).rsplit(" ", 2)
            # Of rules that say the same of who traces, the strictest is all that is left.
            others = 0 if access.on == "trace" else int(others)
            self.answers.append((verdict, None if rule == "-" else rule, others))

    def differences(self):
        """(access, expected, answered) of each access that was decided otherwise."""
        if self.refused is not None:
            return []
        return [(access, want, got) for access, want, got
                in zip(self.accesses, self.expected, self.answers)
                if (want[0], want[1], min(want[2], OTHERS_MAX)) != got]


class Engine:
    def __init__(self, name, command):
        self.name = name
        self.command = command

    def ask(self, cases):
        """Fills in the answers of all cases, by one run of the engine."""
        run = subprocess.run([self.command], input="".join(case.request() for case in cases),
                             capture_output=True, text=True, errors="replace", check=False)
        if run.returncode == SKIP:
            raise Skipped(run.stderr.strip())
        lines = iter(run.stdout.splitlines())
        try:
            for case in cases:
                case.take(lines)
        except (StopIteration, ValueError):
            raise Failed("%s: exit %d in the middle of %s\n%s" % (
                self.command, run.returncode, case.label, run.stderr[-4000:])) from None
        if run.returncode != 0 or run.stderr:
            raise Failed("%s: exit %d\n%s" % (self.command, run.returncode, run.stderr[-4000:]))
