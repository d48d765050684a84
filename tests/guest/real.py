# SPDX-License-Identifier: Apache-2.0
"""Random policies over real processes and objects of a guest, held against the reference interpreter of
tests/oracle: what it says of each access is what has to become of it, in the journal too."""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
import random
import sys
import textwrap
from typing import Any

import guest
from testguest import POLICY_DIR, TestGuest
from trial import PROGRAMS, push_program

sys.path.insert(0, str(guest.HERE.parent / "oracle"))
import generate  # noqa: E402
import oracle  # noqa: E402

TOP = "/srv/o"  # all that rules are about is below it, or nobody else's
ACTOR, TINY, STAGE = "/root/actor", "/root/tiny", "/root/stage.py"
USERS, GROUPS, LOGINS = (2001, 2002, 2003), (2101, 2102, 2103), (2201, 2202)
NOBODY = 2 ** 32 - 1  # who has not logged in
# Without those that let a process do what its user may not.
CAPABILITIES = {"CAP_KILL": 5, "CAP_NET_BIND_SERVICE": 10, "CAP_NET_RAW": 13, "CAP_SYS_PTRACE": 19, "CAP_SYS_NICE": 23}
ALL_CAPABILITIES = 64
CONTAINER = "0123456789abcdef" * 4
DEED_TIMEOUT_S = 300
INET, INET6, UNIX, NETLINK, VSOCK = 2, 10, 1, 16, 40
STREAM, DGRAM = 1, 2
TCP, UDP, ICMP = 6, 17, 1


ENDS = {"deny": "refused", "kill": "killed"}

Event = tuple[str, str, str]  # verdict, rule, how many others matched


@dataclasses.dataclass(frozen=True)
class Actor:
    """A process that accesses things, and what rules can ask of it."""

    name: str
    argv: tuple[str, ...]
    programs: tuple[str, ...]  # the one that it runs is the last
    uid: int = 0
    gids: tuple[int, ...] = (0,)
    capabilities: frozenset[int] = frozenset()
    login: int | None = None
    cgroup: str = ""  # the agent's own
    container: str | None = None
    namespaced: bool = False  # in a pid namespace of its own
    trust: str = "host"       # of its programs, and of what it finds below TOP


@dataclasses.dataclass(frozen=True)
class Target:
    """A file below TOP."""

    path: str
    mode: int
    tmpfs: bool = False


@dataclasses.dataclass
class Deed:
    number: int
    actor: Actor
    access: oracle.Access
    line: str
    missing: str | None = None  # what has to be there before, and what must not
    present: str | None = None


class World:
    """What there is in the guest: it follows from the seed alone."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        names = [name for name in generate.NAMES if "\n" not in name]
        self.folders = {TOP, TOP + "/mem"}
        while len(self.folders) < 14:
            self.folders.add(f"{self.rng.choice(sorted(self.folders))}/{self.rng.choice(names)}")
        taken = set(self.folders)
        self.targets: list[Target] = []
        while len(self.targets) < 60:
            path = f"{self.rng.choice(sorted(self.folders))}/{self.rng.choice(names)}"
            if path not in taken:
                taken.add(path)
                mode = self.rng.choice([0o777, 0o777, 0o777, 0o755, 0o4777, 0o2755])
                self.targets.append(Target(path, mode, path.startswith(TOP + "/mem/")))
        self.sockets = []
        while len(self.sockets) < 8:
            path = f"{self.rng.choice(sorted(self.folders))}/{self.rng.choice(names)}.sock"
            if path not in taken:
                taken.add(path)
                self.sockets.append(path.encode())
        self.abstract = [b"\0o." + name.encode() for name in names[:6]]
        self.taken = taken
        self.programs = [f"{folder}/{name}" for folder, name in
                         zip(sorted(self.folders)[:4], ("run", "b.run", "x.run", "web"))]
        self.actors = [self._actor(i) for i in range(18)]

    def _actor(self, i: int) -> Actor:
        """The kinds take turns, the rest is random."""
        rng = self.rng
        programs = tuple(rng.choice(self.programs) for _ in range(rng.randint(1, 3)))
        uid, gids = (0, (0,)) if rng.random() < 0.25 else \
            (rng.choice(USERS), tuple(rng.sample(GROUPS, rng.randint(1, 3))))
        login = rng.choice((None,) + LOGINS)
        own = None if rng.random() < 0.5 else frozenset(rng.sample(sorted(CAPABILITIES.values()), rng.randint(0, 3)))
        capabilities = own if own is not None else frozenset(range(ALL_CAPABILITIES) if uid == 0 else ())
        options = []
        if own is not None:
            options += ["--capabilities", format(sum(1 << each for each in own), "x")]
        if uid:
            options += ["--user", str(uid), ",".join(map(str, gids))]
        made = Actor(f"actor-{i}", (), programs, uid, gids, capabilities, login)
        kind = ("plain", "unit", "unit", "scope", "docker", "chroot", "user", "unit", "machine")[i % 9]
        if kind == "user":
            return self._in_user_namespace(made)
        as_login = ["--login", str(login)] if login is not None and kind != "chroot" else []
        serve = [*as_login, *options, *programs]
        if kind == "plain":
            return dataclasses.replace(made, argv=(ACTOR, *serve))
        if kind == "chroot":
            return self._in_chroot(made, serve)
        slice_ = rng.choice(["actors.slice", "actors-red.slice", "system.slice"])
        unit = {"unit": f"actor-{i}.service", "scope": f"actor-{i}.scope", "docker": f"docker-{CONTAINER}.scope",
                "machine": f"machine-box{i}.scope"}[kind]
        if kind == "docker":
            unit = f"docker-{CONTAINER[i % 16:]}{CONTAINER[:i % 16]}.scope"
        how = ["--pipe", "--collect"] if kind == "unit" else ["--scope"]
        above = "/actors.slice/actors-red.slice" if slice_ == "actors-red.slice" else f"/{slice_}"
        container = {"docker": unit[7:-6], "machine": f"box{i}"}.get(kind)
        return dataclasses.replace(
            made, argv=("systemd-run", "--quiet", *how, f"--unit={unit}", f"--slice={slice_}", ACTOR, *serve),
            cgroup=f"{above}/{unit}", container=container)

    def _in_chroot(self, made: Actor, serve: list[str]) -> Actor:
        """Root in a mount and a pid namespace, on a file system of its own that the host doesn't mount."""
        script = ("mount -t tmpfs -o mode=755 box /mnt; mkdir -p /mnt/srv; cp -r --preserve=mode /srv/o /mnt/srv; "
                  'exec chroot /mnt "$@"')
        login = f"echo {made.login} > /proc/self/loginuid; " if made.login is not None else ""
        return dataclasses.replace(
            made, argv=("sh", "-euc", login + 'exec unshare --mount --pid --fork sh -euc "$@"', "sh", script, "sh",
                        made.programs[0], *serve), programs=(made.programs[0], *made.programs),
            namespaced=True, trust="container")

    def _in_user_namespace(self, made: Actor) -> Actor:
        """A user who has made himself root of a namespace, on a file system that he has brought along."""
        user = made.uid or USERS[0]
        script = ("mount -t tmpfs -o mode=755 box /mnt; mkdir -p /mnt/srv; cp -r --preserve=mode /srv/o /mnt/srv; "
                  'exec chroot /mnt "$@"')
        return dataclasses.replace(
            made, argv=("setpriv", f"--reuid={user}", f"--regid={GROUPS[0]}", "--clear-groups", "unshare",
                        "--map-root-user", "--mount", "--pid", "--fork", "sh", "-euc", script, "sh", *made.programs),
            uid=user, gids=(GROUPS[0],), capabilities=frozenset(), login=None,
            namespaced=True, trust="none")

    def set_up(self, stage: Stage) -> None:
        made: list[tuple[str, str | None, int]] = [(path, None, 0o777) for path in sorted(self.folders)]
        made += [(each.path, TINY, each.mode) for each in self.targets]
        made += [(path, ACTOR, 0o755) for path in self.programs]
        stage.g.sh(f"mkdir -p {TOP}/mem; mountpoint -q {TOP}/mem || mount -t tmpfs -o mode=777 mem {TOP}/mem; "
                   "sysctl -qw net.ipv4.ping_group_range='0 2147483647'")
        stage.ask("files", made)
        stage.ask("sockets", [name.hex() for name in self.sockets + self.abstract])
        own = stage.g.sh("sed -n 's/^0:://p' /proc/self/cgroup").strip()
        for i, actor in enumerate(self.actors):
            self.actors[i] = dataclasses.replace(actor, cgroup=actor.cgroup or own)
            stage.ask("start", actor.name, actor.argv)

    def clean(self, stage: Stage) -> None:
        stage.g.sh(f"umount {TOP}/mem; rm -rf {TOP}")


class Stage:
    """stage.py in a guest."""

    def __init__(self, g: TestGuest) -> None:
        self.g = g
        push_program(g, "actor", ACTOR)
        push_program(g, "tiny", TINY, "-static", "-nostdlib", "-ffreestanding")
        g.push(PROGRAMS / "stage.py", STAGE)
        self._dialogue = g.dialogue(["python3", STAGE])

    def ask(self, *words: Any) -> Any:
        answer = json.loads(self._dialogue.ask(json.dumps(words).encode(), DEED_TIMEOUT_S))
        if "error" in answer:
            raise guest.GuestError(answer["error"])
        return answer["answer"]

    def close(self) -> None:
        self._dialogue.close()


# ---- random policies about it -----------------------------------------------------------------


class RealPolicies(generate.PolicyGenerator):
    """The generator's policies, about what is below TOP, destinations, and the actors: nothing that the rest of the
    guest lives by."""

    def __init__(self, rng: random.Random, rules: int, world: World) -> None:
        super().__init__(rng, rules)
        self.world = world
        self.wide = False

    def pattern(self) -> str:
        if self.chance(35):
            return self.rng.choice(self.world.targets).path
        if self.chance(25):
            return self.rng.choice(sorted(self.world.folders)) + self.rng.choice(["/**", "/*", "/[a-z]*", "/**/a*"])
        text = super().pattern()
        return TOP + (text if text != "/" else "")

    def socket(self) -> str:
        if self.chance(40):
            return self.rng.choice(self.world.sockets).decode()
        text = super().socket()
        return "@o." + text[1:] if text.startswith("@") else text

    def family(self) -> Any:
        return self.rng.choice(["inet", "inet6", "vsock", 3])

    def numbers(self, pool: list[int], top: int) -> Any:
        if pool is not generate.IDS:
            return super().numbers(pool, top)
        first = self.rng.choice(USERS + GROUPS)
        return first if self.chance(60) else f"{first}-{self.rng.choice([first, first + 1, 2199])}"

    def program(self) -> str:
        return self.rng.choice(self.world.programs) if self.chance(60) else \
            TOP + self.rng.choice(["/**", "/*/*", "/**/*.run", "/web", "/**/[a-w]*"])

    def by(self, file: Any) -> Any:
        """Always somebody of the actors, by one key at least that nobody else can hold."""
        by: dict[str, Any] = {}
        if self.chance(40):
            by["exe"] = self.some(self.program, 2)
        if self.chance(35):
            by["uid"] = self.some(lambda: self.numbers(generate.IDS, 0), 2)
        if self.chance(25):
            by["gid"] = self.some(lambda: self.numbers(generate.IDS, 0), 2)
        for key, make in self.subject_words().items():
            if self.chance(15):
                by[key] = make()
        return by if by.keys() - {"capability", "container", "login"} else {**by, "exe": TOP + "/**"}

    def subject_words(self) -> dict[str, Any]:
        """How values of the keys are made, beside "exe" and ids."""
        rng, actors = self.rng, self.world.actors
        units = [each.cgroup.split("/")[-1] for each in actors if "/actor-" in each.cgroup]
        ids = [each.container for each in actors if each.container]
        return {
            "login": lambda: self.some(lambda: rng.choice(["unset", 2201, 2202, "2200-2299"]), 2),
            "capability": lambda: self.some(lambda: rng.choice(sorted(CAPABILITIES)), 2),
            "unit": lambda: self.some(lambda: rng.choice([*units, "actor-*", "docker-*", "actor-?.service"]), 2),
            "slice": lambda: self.some(lambda: rng.choice(["actors.slice", "actors-red.slice", "actors*"]), 2),
            "cgroup": lambda: self.some(lambda: rng.choice(
                ["/actors.slice/**", "/**/actor-*", "/actors.slice/*", *(each.cgroup for each in actors)]), 2),
            "container": lambda: rng.choice([True, False, True, *ids, "0123456789ab*", "box*"]),
            "parent": lambda: self.some(self.program, 2),
            "ancestor": lambda: self.some(self.program, 2),
        }

    def object(self, file: Any, on: set[str], sparse: bool) -> Any:
        keys = super().object(file, on, sparse)
        if not sparse and "path" not in keys and "connect" not in on:
            keys["path"] = self.some(self.pattern, 2)
        return keys

    def rule(self, file: Any) -> Any:
        rule = super().rule(file)
        if rule["on"] == "connect" and not {"to", "socket"} & rule.keys() and "by" not in rule:
            rule["by"] = self.by(file)
        if "connect" in rule["on"] and rule["on"] != "connect":
            rule["by"] = self.by(file)
        return rule


# ---- random accesses --------------------------------------------------------------------------


class RealAccesses(generate.AccessGenerator):
    """Accesses that the actors can really do."""

    def __init__(self, rng: random.Random, rules: list[Any], world: World) -> None:
        super().__init__(rng, rules)
        self.world = world
        self.fresh = set(world.taken)

    def deeds(self, count: int) -> list[Deed]:
        return [self.deed(number) for number in range(count)]

    def deed(self, number: int) -> Deed:
        rule = self.rng.choice(self.rules) if self.rules and self.chance(92) else None
        on = self.rng.choice(rule.on if rule else ["exec", "open", "connect"])
        match = self.matches_of(rule)
        actor = self.rng.choice(self.world.actors)
        made = Deed(number, actor, self._access(on, actor), "")
        {"exec": self._exec, "open": self._open, "connect": self._connect}[on](made, rule, match)
        made.line = f"{number} {made.line}"
        return made

    @staticmethod
    def _access(on: str, actor: Actor) -> oracle.Access:
        access = oracle.Access(on)
        for key in ("uid", "gids", "login", "capabilities", "trust"):
            setattr(access, key, getattr(actor, key))
        access.cgroup, access.nested = actor.cgroup.encode(), actor.namespaced
        # A child of the actor's, with its program.
        access.ancestors = tuple(program.encode() for program in actor.programs)
        access.exe = access.parent = access.ancestors[-1]
        access.untrusted = actor.trust == "none"
        return access

    def _target(self, match: Any) -> Target:
        fitting = [each for each in self.world.targets if match and match.path is not None
                   and any(oracle.Globs().match(glob, each.path.encode()) for glob in match.path)]
        return self.rng.choice(fitting if fitting and self.chance(70) else self.world.targets)

    def _exec(self, made: Deed, rule: Any, match: Any) -> None:
        target, access = self._target(match), made.access
        access.access, access.path = oracle.EXEC, target.path.encode()
        facts = {"tmpfs": target.tmpfs or made.actor.trust != "host", "setuid": target.mode & 0o6000,
                 "writable-by-others": target.mode & 2}
        access.facts = tuple(sorted(word for word, holds in facts.items() if holds))
        # A process of another pid namespace is told by its name, which an exec changes.
        access.args = () if made.actor.namespaced else self.arguments(rule.match.args if rule else None)
        made.line = " ".join(["exec", access.path.hex(), *(arg.hex() or "-" for arg in access.args)])

    def _open(self, made: Deed, rule: Any, match: Any) -> None:
        kinds = {"read": oracle.READ, "write": oracle.WRITE, "update": oracle.READ | oracle.WRITE,
                 "attributes": oracle.ATTRIBUTES, "create": oracle.CREATE, "delete": oracle.DELETE}
        wanted = [word for word, bits in kinds.items() if match and match.access and match.access & bits]
        word = self.rng.choice(wanted if wanted and self.chance(70) else sorted(kinds))
        if word in ("create", "delete"):
            path = None if made.actor.trust != "host" else self._fresh(match)
            word = word if path else "read"
        if word == "create":
            made.missing = path
        elif word == "delete":
            made.present = path
        else:
            target = self._target(match)
            path = target.path
            if word != "read" and not target.mode & 2 and made.actor.uid != 0:
                word = "read"
        made.access.access, made.access.path = kinds[word], path.encode()
        made.line = f"{word} {made.access.path.hex()}"

    def _fresh(self, match: Any) -> str | None:
        """A name that nobody has asked for yet, if possible one that the rule is about."""
        free = [path for folder in sorted(self.world.folders) for name in generate.NAMES
                if "\n" not in name and (path := f"{folder}/{name}") not in self.fresh]
        fitting = [path for path in free if match and match.path is not None
                   and any(oracle.Globs().match(glob, path.encode()) for glob in match.path)]
        if not free:
            return None
        path = self.rng.choice(fitting if fitting and self.chance(70) else free)
        self.fresh.add(path)
        return path

    def _connect(self, made: Deed, rule: Any, match: Any) -> None:
        access = made.access
        if match and match.socket and self.chance(90) or self.chance(8):
            self._connect_unix(made, match)
        elif match and match.family and self.chance(50):
            access.family, access.protocol = self.rng.choice([NETLINK, VSOCK, 3]), None
            made.line = f"family {access.family}"
        else:
            access.address = self.address(match.to if match else None)
            access.port = self.number(match.port if match else None, 65535)
            access.protocol, how = self.rng.choice([("tcp", (STREAM, TCP)), ("udp", (DGRAM, UDP))])
            port = access.port.to_bytes(2, "big").hex()
            if len(access.address) == 4:
                made.line = f"connect {INET} {how[0]} {how[1]} {port}{access.address.hex()}{'00' * 8}"
            else:
                made.line = f"connect {INET6} {how[0]} {how[1]} {port}00000000{access.address.hex()}00000000"

    def _connect_unix(self, made: Deed, match: Any) -> None:
        here = self.world.sockets if made.actor.trust == "host" else []
        names = here + self.world.abstract
        fitting = [name for name in names if match and match.socket and any(
            (oracle.Names() if abstract else oracle.Globs()).match(flats, name[1:] if abstract else name)
            for abstract, flats in match.socket if abstract == name.startswith(b"\0"))]
        access = made.access
        access.socket = self.rng.choice(fitting if fitting and self.chance(70) else names)
        access.untrusted = made.actor.trust == "none" and not access.socket.startswith(b"\0")
        access.family, access.protocol = UNIX, None
        made.line = f"connect {UNIX} {STREAM} 0 {access.socket.hex()}" + "00" * (not access.socket.startswith(b"\0"))


# ---- what becomes of them ---------------------------------------------------------------------


def expected_of(reference: oracle.Oracle, access: oracle.Access) -> tuple[str, list[Event]]:
    """How a deed ends, and the events that tell of it. Rules that ask for arguments are judged after the others, of
    a program that these have let through, with an event of their own."""
    matching = [rule for rule in reference.rules if rule.matches(access)]
    events: list[Event] = []
    for later in (False, True):
        rules = [rule for rule in matching if (rule.match.args is not None) == later]
        if not rules:
            continue
        winner = min(rules, key=reference.semantics.strictness)
        events.append((winner.verdict, winner.id, str(len(rules) - 1)))
        if winner.verdict in ENDS:
            return ENDS[winner.verdict], events
    return "let through", events


def run_policy(g: TestGuest, stage: Stage, world: World, seed: str, count: int) -> list[str]:
    """Loads a random policy, has the actors do random deeds, and returns what was not as the oracle says."""
    rng = random.Random(seed)
    texts = RealPolicies(rng, rng.choice([6, 12, 25, 60]), world).files()
    reference = oracle.Oracle(texts)
    deeds = RealAccesses(rng, reference.rules, world).deeds(count)
    stage.ask("files", [(each.present, TINY, 0o777) for each in deeds if each.present])
    paths = [f"{POLICY_DIR}/random-{i}.json" for i in range(len(texts))]
    try:
        since = g.journal_cursor()
        for path, text in zip(paths, texts):
            g.write(path, text)
        g.run(["bailiff", "reload"], timeout=DEED_TIMEOUT_S)
        lines = collections.defaultdict(list)
        for deed in deeds:
            lines[deed.actor.name].append(deed.line)
        ended = {number: (pid, result) for number, pid, result in stage.ask("do", lines)}
        found = events_by_deed(g, since, deeds, ended)
    finally:
        g.remove(*paths)
        g.run(["bailiff", "reload"], timeout=DEED_TIMEOUT_S)
        stage.ask("drop", [path for each in deeds for path in (each.present, each.missing) if path])
    return [text for deed in deeds if (text := difference(reference, deed, ended[deed.number][1],
                                                          found.get(deed.number, []), seed))]


def events_by_deed(g: TestGuest, since: str, deeds: list[Deed],
                   ended: dict[int, tuple[int, str]]) -> dict[int, list[Event]]:
    """Each deed's events. A deed's process has its number for a name, until it runs another program."""
    pids = {str(ended[each.number][0]): each.number for each in deeds if not each.actor.namespaced}
    fields = ("VERDICT", "RULE", "OTHERS", "COMM", "PID")
    entries = g.journal("_SYSTEMD_UNIT=bailiffd.service", "--output-fields=" + ",".join(f"BAILIFF_{each}" for each in fields),
                        since=since)
    found: dict[int, list[Event]] = collections.defaultdict(list)
    for entry in entries:
        verdict, rule, others, comm, pid = (entry.get(f"BAILIFF_{each}", "") for each in fields)
        number = int(comm[2:]) if comm.startswith("a.") else pids.get(pid)
        if verdict and number is not None and (verdict, rule, others) not in found[number]:
            found[number].append((verdict, rule, others))
    return found


def difference(reference: oracle.Oracle, deed: Deed, result: str, found: list[Event], seed: str) -> str | None:
    ends, events = expected_of(reference, deed.access)
    ended = {"1": "refused", "killed": "killed"}.get(result, "let through")
    if (ended, found) == (ends, events):
        return None
    named = {name for _, name, _ in found + events}
    return textwrap.dedent(f"""\
        seed {seed}, deed {deed.number} by {deed.actor.name}: {deed.line}
          is {ended} ({result}) with the events {found}; the oracle: {ends}, {events}
          {deed.access}
          {[rule.source for rule in reference.rules if rule.id in named]}""")
