# SPDX-License-Identifier: Apache-2.0
"""The reference interpreter of the policy language: a naive walk over all rules for one access.

Written from the language's definition (docs/policy.md), sharing nothing with policy/ or
bpf-lsm/: no tables, no automata, no regular expressions. Slow on purpose; it is what the
compiled tables are held against. It expects policies that the parser accepts.
"""

import copy
import json

from cgroups import UNSET, CgroupNames, read_capability
from globs import SLASH, Globs, Names, expand, read_glob, read_items  # some for those who read this

READ, WRITE, CREATE, DELETE, ATTRIBUTES, EXEC = 1, 2, 4, 8, 16, 32
MODIFY = WRITE | CREATE | DELETE | ATTRIBUTES
ACCESS = {
    "read": READ,
    "write": WRITE,
    "create": CREATE,
    "delete": DELETE,
    "attributes": ATTRIBUTES,
    "modify": MODIFY,
    "any": READ | MODIFY,
}
FACTS = {"memfd": 1, "deleted": 2, "tmpfs": 4, "setuid": 8, "writable-by-others": 16, "script": 64}
PROTOCOLS = ("tcp", "udp", "sctp", "dccp", "icmp", "other")
FAMILIES = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16, "packet": 17, "rds": 21, "vsock": 40}
SEVERITIES = ("info", "low", "medium", "high", "critical")
VERDICTS = ("alert", "would-deny", "would-kill", "deny", "kill")  # from the least strict


class Access:
    """One concrete access. Paths are bytes, absolute and normalised; b'/' is the root."""

    def __init__(self, on, path=None, access=0, facts=(), address=None, port=0, protocol="tcp", raw=False,
                 family=None, socket=None, args=(), exe=None, uid=0, gids=(0,), trust="host",
                 untrusted=False, login=None, capabilities=(), cgroup=b"/", nested=False, parent=None, ancestors=(),
                 kin_unknown=False):
        self.on = on
        self.path = path          # exec, open; None: the object's name can't be known; trace: the program
        self.access = access      # open: bits
        self.facts = tuple(facts) # exec: of FACTS; what is a memfd has no path that any rule could name
        self.args = tuple(args)   # exec: bytes, all but the first one
        self.address = address    # connect: 4 or 16 bytes; None: a family that has none
        self.port = port
        self.protocol = protocol
        self.raw = raw            # by a raw socket
        self.family = family      # number, where there is no address
        self.socket = socket      # bytes of a unix socket's path, or a NUL and its abstract name
        self.exe = exe            # None: unknown
        self.parent = parent      # executable of the process that forked it; None: there was none
        self.ancestors = tuple(ancestors)  # all that came before it
        self.kin_unknown = kin_unknown  # both may be any others as well
        self.untrusted = untrusted  # the object is on a file system of another user namespace
        self.trust = trust        # the executables' file system is of: host, container, none of both
        self.uid = uid            # effective
        self.gids = tuple(gids)   # effective and supplementary
        self.login = login        # None: nobody has logged in
        self.capabilities = tuple(capabilities)  # numbers
        self.cgroup = cgroup      # bytes of its path
        self.nested = nested      # in a PID namespace other than the first

    def with_address(self, address):
        other = copy.copy(self)
        other.address = address
        return other

    def __repr__(self):
        return "Access(%s)" % ", ".join("%s=%r" % kv for kv in sorted(vars(self).items()))


# ---- addresses, ports, ids --------------------------------------------------------------------


def read_v4(text):
    parts = [int(part) for part in text.split(".")]
    assert len(parts) == 4 and all(0 <= part < 256 for part in parts), text
    return bytes(parts)


def read_v6(text):
    if "." in text:
        head, _, tail = text.rpartition(":")
        four = read_v4(tail)
        text = "%s:%x:%x" % (head, four[0] << 8 | four[1], four[2] << 8 | four[3])
    halves = [[int(word, 16) for word in half.split(":") if word] for half in text.split("::")]
    if len(halves) == 2:
        words = halves[0] + [0] * (8 - len(halves[0]) - len(halves[1])) + halves[1]
    else:
        words = halves[0]
    assert len(words) == 8, text
    return b"".join(word.to_bytes(2, "big") for word in words)


V4_MAPPED = bytes(10) + b"\xff\xff"


class Nets:
    """How destination addresses match."""

    def normal(self, address):
        """Mapped addresses are IPv4; to the unspecified address means to this host."""
        if len(address) == 16 and address[:12] == V4_MAPPED:
            address = address[12:]
        if address == bytes(4):
            return bytes([127, 0, 0, 1])
        if address == bytes(16):
            return bytes(15) + b"\x01"
        return address

    def embedded(self, address):
        """The IPv4 address that a gateway or a tunnel makes of an IPv6 address, or None."""
        if len(address) != 16:
            return None
        if address[:2] == bytes([0x20, 0x02]):
            found = address[2:6]
        elif address[:4] == bytes([0x20, 0x01, 0, 0]):
            found = bytes(255 - byte for byte in address[12:])
        elif address[:6] == bytes([0, 0x64, 0xff, 0x9b, 0, 1]) or address[:12] in (bytes([0, 0x64, 0xff, 0x9b]) + bytes(8),
                              bytes(8) + bytes([0xff, 0xff, 0, 0])) \
                or address[8:12] in (bytes([0, 0, 0x5e, 0xfe]), bytes([2, 0, 0x5e, 0xfe])) \
                or (address[:12] == bytes(12) and address[12:] != bytes([0, 0, 0, 1])):
            found = address[12:]
        else:
            return None
        return found if any(found) else None

    def forms(self, address):
        """All addresses that a destination counts as."""
        if address == bytes(16):
            return [self.normal(address), self.normal(bytes(4))]
        address = self.normal(address)
        embedded = self.embedded(address)
        return [address] if embedded is None else [address, embedded]

    def read(self, text):
        """An entry of 'to' as (address bytes, prefix length)."""
        host, slash, length = text.partition("/")
        address = read_v6(host) if ":" in host else read_v4(host)
        bits = int(length) if slash else 8 * len(address)
        if len(address) == 16 and address[:12] == V4_MAPPED and bits >= 96:
            address, bits = address[12:], bits - 96
        if bits == 8 * len(address):
            address = self.normal(address)
        return address, bits

    def covers(self, net, address):
        prefix, bits = net
        if len(prefix) != len(address):
            return False
        shift = 8 * len(address) - bits
        return int.from_bytes(prefix, "big") >> shift == int.from_bytes(address, "big") >> shift


def read_family(value):
    """A name or a number; 0 stands for any."""
    return 0 if value == "any" else FAMILIES.get(value, value)


def read_socket(text):
    """(whether it is a pattern of abstract names, its brace-free patterns)"""
    if not text.startswith("@"):
        return False, read_glob(text)
    items, _ = read_items(text.encode(), 1, False)
    return True, expand(items)


def read_argument(text):
    items, _ = read_items(text.encode(), 0, False)
    return expand(items)


def read_range(value):
    """A number, 'N' or 'N-M' as (first, last)."""
    if isinstance(value, int):
        return value, value
    first, dash, last = value.partition("-")
    return int(first), int(last if dash else first)


def in_ranges(ranges, number):
    return any(first <= number <= last for first, last in ranges)


# ---- logins, capabilities, containers ------------------------------------------------------------


def read_login(value):
    return (UNSET, UNSET) if value == "unset" else read_range(value)


def read_container(value):
    """True, False, or the patterns of an id."""
    return value if isinstance(value, bool) else read_argument(value)


# ---- rules ------------------------------------------------------------------------------------


def as_list(value):
    return value if isinstance(value, list) else [value]


def insert_lists(values, lists):
    """Replaces every '@name' by that list's values."""
    for value in as_list(values):
        if isinstance(value, str) and value.startswith("@"):
            yield from insert_lists(lists[value[1:]], lists)
        else:
            yield value


class Match:
    """The keys that rules and exceptions share; an absent key holds for everything."""

    def __init__(self, source, lists, semantics, grants=False):
        def values(where, key):
            return list(insert_lists(where[key], lists)) if key in where else None

        def apply(function, inputs):
            return None if inputs is None else [function(each) for each in inputs]

        by = source.get("by", {})
        self.semantics = semantics
        self.grants = grants  # an exception: what isn't known for sure doesn't hold
        self.path = apply(read_glob, values(source, "path"))
        to = values(source, "to")
        self.to_any = to is not None and "any" in to
        self.to = apply(semantics.nets.read, to and [each for each in to if each != "any"])
        self.port = apply(read_range, values(source, "port"))
        self.access = self.bits(values(source, "access"))
        self.file = values(source, "file")
        self.args = apply(read_argument, values(source, "args"))
        self.protocol = values(source, "protocol")
        self.family = apply(read_family, values(source, "family"))
        # '@' begins an abstract name here, not the name of a list
        self.socket = [read_socket(each) for each in as_list(source["socket"])] \
            if "socket" in source else None
        self.exe = apply(read_glob, values(by, "exe"))
        self.parent = apply(read_glob, values(by, "parent"))
        self.ancestor = apply(read_glob, values(by, "ancestor"))
        self.uid = apply(read_range, values(by, "uid"))
        self.gid = apply(read_range, values(by, "gid"))
        self.login = apply(read_login, values(by, "login"))
        self.capability = apply(read_capability, values(by, "capability"))
        self.unit = apply(read_argument, values(by, "unit"))
        self.slice = apply(read_argument, values(by, "slice"))
        self.cgroup = apply(read_glob, values(by, "cgroup"))
        self.container = apply(read_container, values(by, "container"))

    @staticmethod
    def bits(words):
        if words is None:
            return None
        total = 0
        for word in words:
            total |= ACCESS[word]
        return total

    def object_holds(self, access):
        s = self.semantics
        if access.on == "connect":
            if not s.family_holds(self, access):
                return False
            if self.socket is not None and not self.socket_holds(access):
                return False
            if access.address is None:
                return self.to is None and self.port is None and self.protocol is None
            return (self.to is None or self.to_any
                    or any(s.nets.covers(net, access.address) for net in self.to)) \
                and (self.port is None or s.in_ranges(self.port, access.port)) \
                and (self.protocol is None or access.protocol in self.protocol
                     or (access.raw and "raw" in self.protocol))
        if self.path is not None and not self.path_holds(access):
            return False
        if self.file is not None and not s.some_fact(self.file, access.facts):
            return False
        if self.args is not None and not self.args_hold(access):
            return False
        return access.on != "open" or self.access is None or self.access & access.access != 0

    def args_hold(self, access):
        """Whether any argument is what any of the patterns means."""
        return any(self.semantics.arguments.match(flats, arg)
                   for flats in self.args for arg in self.semantics.some_args(access.args))

    def socket_holds(self, access):
        if access.socket is None:
            return False
        abstract = access.socket[:1] == b"\0"
        if self.grants and access.untrusted and not abstract and not self.semantics.names_grant_anywhere:
            return False
        return any((self.semantics.names if is_name else self.semantics.globs).match(
            flats, access.socket[1:] if abstract else access.socket)
            for is_name, flats in self.socket if is_name == abstract)

    def path_holds(self, access):
        if "memfd" in access.facts:
            return self.semantics.paths_name_memfds
        if access.path is None:
            return not self.grants
        if self.grants and access.untrusted and not self.semantics.names_grant_anywhere:
            return False
        return any(self.semantics.globs.match(glob, access.path) for glob in self.path)

    def exe_holds(self, access):
        s = self.semantics
        if access.exe is None:
            return s.unknown_exe_matches
        if access.trust == "none" or (self.grants and not s.grants_by(access.trust)):
            return False
        return any(s.globs.match(glob, access.exe) for glob in self.exe)

    def kin_holds(self, globs, programs, access):
        """Whether one of the programs that a process comes from is one that is asked for."""
        s = self.semantics
        if access.kin_unknown and s.unknown_kin_is_any(self.grants):
            return True
        if access.trust == "none" or (self.grants and not s.kin_grants_by(access.trust)):
            return False
        return any(s.globs.match(glob, program) for glob in globs for program in programs)

    def subject_holds(self, access):
        s = self.semantics
        if self.parent is not None and not self.kin_holds(self.parent, s.parents(access), access):
            return False
        if self.ancestor is not None and not self.kin_holds(self.ancestor, s.ancestors(access), access):
            return False
        if self.exe is not None and not self.exe_holds(access):
            return False
        if self.uid is not None and not s.in_ranges(self.uid, access.uid):
            return False
        if self.gid is not None and not s.some_gid(self.gid, access.gids):
            return False
        return self.task_holds(access) and self.names_hold(access, s.names_of(access.cgroup))

    def task_holds(self, access):
        s = self.semantics
        if self.login is not None and not s.login_holds(self, access):
            return False
        return self.capability is None or s.some_capability(self.capability, access.capabilities)

    def names_hold(self, access, names):
        s = self.semantics
        if self.unit is not None and (names.unit is None or not s.named(self.unit, names.unit)):
            return False
        if self.slice is not None and not s.named(self.slice, names.slice):
            return False
        if self.cgroup is not None and (
                (self.grants and s.unsure_grants_nothing) if names.cut
                else not any(s.globs.match(flats, names.path) for flats in self.cgroup)):
            return False
        return self.container is None or self.container_holds(access, names)

    def container_holds(self, access, names):
        s = self.semantics
        none = names.id is None and not (access.nested and s.nested_is_contained)
        sure = none or (names.id is not None and names.sure)
        if not sure and self.grants and s.unsure_grants_nothing:
            return False
        if (none or not sure) and False in self.container:
            return True
        return not none and any(
            each is True or (each is not False and s.arguments.match(each, names.id or b"")) for each in self.container)

    def holds(self, access):
        return self.subject_holds(access) and self.object_holds(access)


class Rule:
    def __init__(self, source, file, semantics):
        lists = file.get("lists", {})
        self.id = source["id"]
        self.source = source
        self.on = as_list(source["on"])
        self.match = Match(source, lists, semantics)
        self.unless = [Match(each, lists, semantics, grants=True)
                       for each in as_list(source.get("unless", []))]
        self.monitored = semantics.mode_of(file) == "monitor"
        self.act(source["action"])
        self.severity = source.get("severity", "medium")

    def act(self, action):
        self.verdict = "would-" + action if action != "alert" and self.monitored else action

    def traces(self, access):
        """Whether the rule keeps somebody from taking hold of a process of a program: it has an exception
        for that, and would hold for him all the same, whatever he does."""
        if access.path is None or not self.match.subject_holds(access):
            return False
        s = self.match.semantics
        always = [each for each in self.unless if s.is_general(each, self) and each.subject_holds(access)]
        return not always and any(each.exe is not None and any(s.globs.match(glob, access.path) for glob in each.exe)
                                  and not each.subject_holds(access) for each in self.unless)

    def families(self):
        """What a connect rule is about; 0 stands for all."""
        if self.match.socket is not None:
            return {FAMILIES["unix"]}
        return set(self.match.family or (FAMILIES["inet"], FAMILIES["inet6"]))

    def matches(self, access):
        if access.on == "trace":
            return self.traces(access)
        if access.on != "connect" or access.address is None:
            return self.matches_form(access)
        return any(self.matches_form(access.with_address(form))
                   for form in self.match.semantics.nets.forms(access.address))

    def matches_form(self, access):
        if access.on not in self.on or not self.match.holds(access):
            return False
        holding = [each for each in self.unless if self.match.semantics.excepted(each, access)]
        if access.on == "connect" and access.raw:
            # What a raw socket sends is of its own protocol or of any other.
            left = {access.protocol, "raw"} & set(self.match.protocol or PROTOCOLS + ("raw",))
            for exception in holding:
                left -= self.match.semantics.excused_protocols(exception)
            return bool(left)
        if access.on != "open":
            return not holding
        # Each exception takes out the kinds of access that it names; the rule stands for the rest.
        left = access.access & (READ | MODIFY if self.match.access is None else self.match.access)
        for exception in holding:
            left &= ~self.match.semantics.excused(exception)
        return left != 0


class Semantics:
    """The choices that the self-test breaks one at a time."""

    unknown_exe_matches = False
    paths_name_memfds = False
    names_grant_anywhere = False
    unsure_grants_nothing = True
    nested_is_contained = True
    in_ranges = staticmethod(in_ranges)

    def __init__(self):
        self.globs = Globs()
        self.names = Names()
        self.arguments = Names()
        self.nets = Nets()

    def mode_of(self, file):
        return file.get("mode", "monitor")

    def grants_by(self, trust):
        """Whether an executable there can be what an exception asks for."""
        return trust == "host"

    def kin_grants_by(self, trust):
        return trust == "host"

    def unknown_kin_is_any(self, grants):
        """Who may come from anything comes from what a rule asks for, but from nothing that excuses."""
        return not grants

    def parents(self, access):
        return () if access.parent is None else (access.parent,)

    def ancestors(self, access):
        return access.ancestors

    def some_gid(self, ranges, gids):
        return any(self.in_ranges(ranges, gid) for gid in gids)

    def login_of(self, access):
        return UNSET if access.login is None else access.login

    def login_holds(self, match, access):
        return self.in_ranges(match.login, self.login_of(access))

    def some_capability(self, wanted, held):
        return any(each in held for each in wanted)

    def names_of(self, path):
        return CgroupNames(path)

    def named(self, patterns, name):
        return any(self.arguments.match(flats, name) for flats in patterns)

    def some_fact(self, words, facts):
        return any(word in facts for word in words)

    def some_args(self, args):
        return args

    def runs(self, verdict):
        """Whether a program gets so far that it has arguments."""
        return verdict not in ("deny", "kill")

    def family_holds(self, match, access):
        """A rule that names no family is about IP; an exception that names none holds for all."""
        if match.family is None:
            if match.grants or match.socket is not None:
                return True
            return access.address is not None
        if access.socket is not None:
            family = FAMILIES["unix"]
        elif access.address is None:
            family = access.family
        else:
            family = FAMILIES["inet" if len(access.address) == 4 else "inet6"]
        return 0 in match.family or family in match.family

    def excepted(self, exception, access):
        return exception.holds(access)

    def is_general(self, exception, rule):
        """Whether an exception holds whatever is done."""
        e, ip = exception, {FAMILIES["inet"], FAMILIES["inet6"]}
        if e.path is not None or e.socket is not None or e.port is not None or e.file is not None:
            return False
        if e.access not in (None, READ | MODIFY) or not (e.to is None or e.to_any):
            return False
        if not set(e.protocol or PROTOCOLS + ("raw",)) >= set(PROTOCOLS + ("raw",)):
            return False
        if "connect" not in rule.on:
            return True
        if (e.to is not None or e.protocol is not None) and not rule.families() <= ip:
            return False
        return e.family is None or 0 in e.family or rule.families() <= set(e.family)

    def excused(self, exception):
        """The kinds of access that an exception takes out of its rule."""
        return READ | MODIFY if exception.access is None else exception.access

    def excused_protocols(self, exception):
        """What an exception excuses of what a raw socket can send."""
        return set(exception.protocol or PROTOCOLS + ("raw",))

    def strictness(self, rule):
        """The winner has the smallest of these."""
        return (-VERDICTS.index(rule.verdict), -SEVERITIES.index(rule.severity),
                rule.id.encode())

    def adjusts(self, key):
        return True

    def profile_rules(self, file):
        return profile_rules(file)

    def others(self, matching):
        return len(matching) - 1


def lists_within_reach(files, own):
    """The lists that a file can name, with the values of all lists in them: its own, and those that only
    one other file has."""
    homes = {}
    for i, file in enumerate(files):
        for name in file.get("lists", {}):
            homes.setdefault(name, []).append(i)

    def home(name, file):
        return file if file in homes[name] else homes[name][0]

    def values(name, file):
        for value in as_list(files[file]["lists"][name]):
            if isinstance(value, str) and value.startswith("@"):
                yield from values(value[1:], home(value[1:], file))
            else:
                yield value
    return {name: list(values(name, home(name, own))) for name, places in homes.items()
            if own in places or len(places) == 1}


def profile_rules(file):
    """What profiles refuse, as rules: everything but what is allowed, for each operation that is spoken of."""
    for profile in file.get("profiles", []):
        for on, allowed in profile["allow"].items():
            short = "to" if on == "connect" else "path"
            rule = {"id": "%s/%s" % (profile["id"], on), "on": on, "by": profile["by"], "action": profile["otherwise"],
                    "unless": [each if isinstance(each, dict) else {short: each} for each in as_list(allowed)]}
            if on == "connect":
                rule["family"] = "any"
            yield {**rule, "severity": profile.get("severity", "medium")}


class Oracle:
    """A policy set: texts is a list of JSON texts, one per file."""

    def __init__(self, texts, semantics=None):
        self.semantics = semantics or Semantics()
        files = [json.loads(text) for text in texts]
        named = [dict(file, lists=lists_within_reach(files, i)) for i, file in enumerate(files)]
        self.rules = [Rule(each, file, self.semantics)
                      for file in named for each in file.get("rules", []) + list(self.semantics.profile_rules(file))]
        for file in named:
            for change in file.get("adjust", []):
                self.adjust(change, file)

    def adjust(self, change, file):
        """Changes the rule that an adjustment names, wherever it stands; it may be that there is none."""
        for rule in [each for each in self.rules if each.id == change["rule"]]:
            if self.semantics.adjusts("unless"):
                rule.unless += [Match(each, file["lists"], self.semantics, grants=True)
                                for each in as_list(change.get("unless", []))]
            if "action" in change and self.semantics.adjusts("action"):
                rule.act(change["action"])
            if not change.get("enabled", True) and self.semantics.adjusts("enabled"):
                self.rules.remove(rule)

    def decide(self, access):
        """(verdict, rule id or None, others)."""
        matching = [rule for rule in self.rules if rule.matches(access)]
        others = [rule for rule in matching if rule.match.args is None]
        if access.on != "trace" and not all(self.semantics.runs(rule.verdict) for rule in others):
            matching = others
        if not matching:
            return "allow", None, 0
        winner = min(matching, key=self.semantics.strictness)
        if access.on == "trace":
            return winner.verdict, winner.id, 0
        return winner.verdict, winner.id, self.semantics.others(matching)
