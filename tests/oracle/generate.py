# SPDX-License-Identifier: Apache-2.0
"""Random policies, and random accesses that are biased to hit them."""

import json

import cgroups
import kin
import oracle

NAMES = ["a", "b", "ab", "abc", "abd", "b.so", "lib", "lib64", "bin", "usr", "etc", ".hid", "x",
         "x.1", "longer-name", "caf\u00e9", "-", "n n", "n\nl"]
PIECES = ["a", "b", "ab", "li", "x", ".", ".so", "na", "\u00e9"]
CLASSES = ["[a-z]", "[!a-z]", "[ab]", "[!b]", "[a-cx]", "[0-9]", "[!.]", "[A-Za-z.]", "[+-9]",
           "[!0-9a]"]
ESCAPES = ["\\*", "\\?", "\\[", "\\{", "\\\\", "\\x61", "\\xff", "\\xc3", "\\x0a", "\\]", "\\,",
           "\\}", "\\x2a", "\\xE9"]
SOUP = ["a", "b", "/", "/**/", "**", "*", "?", "{a,b}", "{,a}", "{/**,a}", "{**/,}", "{/,}", "[a]",
        "{a/**,b}", "/**", "***"]
V4 = ["10.0.0.0", "10.1.0.0", "10.1.2.3", "10.1.2.128", "192.0.2.255", "127.0.0.1", "11.0.0.0",
      "255.255.255.255", "169.254.169.254", "128.0.0.0"]
V6 = ["fd00::", "fd00:ec2::254", "2001:db8:1:2:3:4:5:6", "::1", "2001:db8::", "2001:db8:1::",
      "fe80::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::a01:203", "::2",
      "2002:a01:203::", "fe80::200:5efe:c000:2ff", "::ffff:0:a01:203"]
V4_LENGTHS = [1, 7, 8, 9, 12, 15, 16, 17, 23, 24, 25, 30, 31, 32]
V6_LENGTHS = [1, 8, 16, 31, 32, 33, 47, 48, 63, 64, 65, 96, 126, 127, 128]
PORTS = [0, 1, 22, 80, 443, 8000, 8080, 8100, 32767, 32768, 65534, 65535]
IDS = [0, 1, 33, 100, 999, 1000, 1001, 65533, 65534, 100000, 2**31 - 1, 2**31, 2**32 - 3,
       2**32 - 2]
HEX = ["0123456789abcdef" * 4, "deadbeef" * 8, "f" * 64]
SHORT_HEX = ["0123456789abcdef", "f" * 63, "0" * 65, "DEADBEEF" * 8, "g" * 64, "0" * 63 + "/", "0" * 63 + ":"]
UNITS = ["a.service", "b@1.service", "_x.service", "a.scope", "c.socket", "d.mount", "e.swap", "nginx.service",
         "user@1000.service", "init.scope", "session-3.scope", "machine-web.scope", "machine-qemu\\x2d1.scope",
         "machine-.scope", "systemd-nspawn@db.service", "systemd-nspawn@.service"]
SLICES = ["system.slice", "user.slice", "user-1000.slice", "machine.slice", "a.slice", "_x.slice"]
CGROUPS = ["docker", "lxc", "lxc.payload", "lxc.payload.web", "lxc.payload.a.service", "lxc.monitor.web", "kubepods", "pod1",
           "supervisor", "payload", ".slice", ".service", ".scope", "x", "x.timer", "supervisors", "slice", "a.slice.d"]
CONTAINERS = ["web", "db", "qemu\\x2d1", "x", "a.service"]
WORDS = ["read", "write", "create", "delete", "attributes", "modify"]
NAME_MAX, PATH_MAX, DEPTH_MAX = 255, 4096, 256  # of what is walked, see abi.h


class PolicyGenerator:
    def __init__(self, rng, rules, tasks=True, kin=True):
        self.rng = rng
        self.n_rules = rules
        self.kin = kin        # subjects are told apart by what they come from
        self.latching = 5     # patterns with '**' inside that this set may still have
        self.globs = 60       # patterns that are no literals and no 'dir/**'
        self.adjusted = self.rng.choice([0, 0, 5, 30])  # percent of the rules
        # Percent of the subjects that say more than program, user and groups.
        self.tasks = self.rng.choice([0, 20, 70]) if tasks else 0
        self.broad = self.chance(8)  # most rules match most accesses
        self.wide = self.chance(4)   # some lists are long
        self.ids = set()
        self.shared = {"paths": [], "nets": []}  # names of lists of files before
        self.v4_lengths = rng.sample(V4_LENGTHS, rng.randint(1, len(V4_LENGTHS)))
        self.v6_lengths = rng.sample(V6_LENGTHS, rng.randint(1, len(V6_LENGTHS)))

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def some(self, make, most):
        count = self.rng.randint(1, most)
        values = [make() for _ in range(count)]
        return values[0] if count == 1 and self.chance(50) else values

    # -- paths --

    def name(self):
        if self.chance(2):
            return self.rng.choice("ab") * self.rng.randint(200, NAME_MAX)
        return self.rng.choice(NAMES)

    def brace(self, depth):
        parts = [self.pieces(depth + 1) if self.chance(85) else ""
                 for _ in range(self.rng.randint(1, 3))]
        return "{%s}" % ",".join(parts)

    def pieces(self, depth):
        """Part of a component with globs in it."""
        text = ""
        for _ in range(self.rng.randint(1, 3)):
            pick = self.rng.random()
            if pick < 0.40:
                text += self.rng.choice(PIECES)
            elif pick < 0.60:
                text += "" if text.endswith("*") else "*"
            elif pick < 0.70:
                text += "?"
            elif pick < 0.80:
                text += self.rng.choice(CLASSES)
            elif pick < 0.88:
                text += self.rng.choice(ESCAPES)
            elif depth < 2:
                text += self.brace(depth)
        return self.rng.choice(PIECES[:4]) if text in ("", ".", "..") else text

    def literal(self, most=4):
        return "".join("/" + self.name() for _ in range(self.rng.randint(1, most)))

    def glob(self):
        text = self.literal(2) if self.chance(60) else ""
        for _ in range(self.rng.randint(1, 3)):
            pick = self.rng.random()
            if pick < 0.70:
                text += "/" + self.pieces(0)
            elif pick < 0.85:
                text += "/" + self.name()
            else:
                text += "/{%s}" % ",".join(
                    self.literal(2)[1:] if self.chance(60) else self.pieces(1)
                    for _ in range(self.rng.randint(2, 3)))
        if self.chance(20):
            text += "/**"
        return text

    def latch(self):
        """A pattern with '**' somewhere else than at its end."""
        head = self.literal(2) if self.chance(70) else ""
        return head + self.rng.choice([
            lambda: "/**/" + self.name(),
            lambda: "/**/" + self.pieces(0),
            lambda: "/**" + self.rng.choice([".so", "b", "x.1"]),
            lambda: ("" if head else "/") + self.rng.choice("ab") + "**/" + self.name(),
            lambda: "/**/" + self.name() + "/**",
            lambda: "/" + self.name() + "/**/" + self.name() + "/*",
            lambda: "/{**/%s,%s}" % (self.name(), self.name()),
            lambda: "/**/**/" + self.name(),
        ])()

    def soup(self):
        """What nobody would write: pieces in any order."""
        text = "/"
        for _ in range(self.rng.randint(1, 6)):
            text += self.rng.choice(SOUP)
        while "//" in text:
            text = text.replace("//", "/")
        return text.rstrip("/") or "/"

    def pattern(self):
        pick = self.rng.random()
        if pick < 0.02:
            return self.rng.choice(["/", "/**", "/*", "/**/a", "/?"])
        if pick < 0.12 and self.latching > 0:
            self.latching -= 1
            return self.latch() if self.chance(75) else self.soup()
        if pick < 0.55 and self.globs > 0:
            self.globs -= 1
            return self.glob()
        if pick < 0.75:
            return self.literal() + "/**"
        if pick < 0.78:
            return self.literal() + "/" + self.rng.choice(ESCAPES) + "a"
        if pick < 0.79:
            return self.literal(self.rng.choice([8, 30, 120]))
        return self.literal()

    # -- destinations and ids --

    def net(self):
        if self.chance(3):
            return self.rng.choice(["any", "0.0.0.0", "::", "0.0.0.0/0", "::/0"])
        if self.chance(60):
            address, bits, lengths = self.rng.choice(V4), 32, self.v4_lengths
        else:
            address, bits, lengths = self.rng.choice(V6), 128, self.v6_lengths
        if self.chance(35):
            if bits == 32 and self.chance(20):
                return "::ffff:" + address
            return address
        length = self.rng.choice(lengths)
        raw = oracle.read_v4(address) if bits == 32 else oracle.read_v6(address)
        whole = int.from_bytes(raw, "big") >> (bits - length) << (bits - length)
        raw = whole.to_bytes(bits // 8, "big")
        if bits == 32:
            text = "%d.%d.%d.%d" % tuple(raw)
            if self.chance(10):
                return "::ffff:%s/%d" % (text, length + 96)
        else:
            text = ":".join("%x" % (raw[i] << 8 | raw[i + 1]) for i in range(0, 16, 2))
        return "%s/%d" % (text, length)

    def socket(self):
        if self.chance(50):
            return self.pattern()
        text = "".join(self.rng.choice(["a", "b", "/", "*", "?", "**", "[!a]", "[a/]", "{a,b/}", "\\x00",
                                        "\\xff", "{a,*b}", "x"]) for _ in range(self.rng.randint(0, 6)))
        return "@" + text

    def argument(self):
        """Not empty, and no list's name."""
        words = ["a", "b", "-", "/", "*", "?", "**", "[!a]", "[a/]", "{a,b/}", "\\@", "\\xff", "{a,*b}", "=", "--x"]
        return "".join(self.rng.choice(words) for _ in range(self.rng.randint(1, 6)))

    def family(self):
        return self.rng.choice(["any", 3, 63] + list(oracle.FAMILIES) * 2)

    def numbers(self, pool, top):
        first = self.rng.choice(pool) if self.chance(80) else self.rng.randint(0, top)
        if self.chance(50):
            return first
        last = self.rng.choice([each for each in pool + [top] if each >= first])
        return "%d-%d" % (first, last)

    # -- long lists --

    def indicator_path(self):
        path = self.literal(2) + "/%x" % self.rng.getrandbits(self.rng.choice([8, 32]))
        return path + self.rng.choice(["", "", "/**", "/x"])

    def indicator_net(self):
        if self.chance(70):
            bits, length = 32, self.rng.choice(self.v4_lengths + [32] * 20)
        else:
            bits, length = 128, self.rng.choice(self.v6_lengths + [128] * 20)
        whole = self.rng.getrandbits(bits) >> (bits - length) << (bits - length)
        raw = whole.to_bytes(bits // 8, "big")
        if bits == 32:
            return "%d.%d.%d.%d/%d" % (*raw, length)
        return "%s/%d" % (":".join(raw[i:i + 2].hex() for i in range(0, 16, 2)), length)

    # -- rules --

    def listed(self, file, kind, make, most):
        """Values, some of them by way of the file's lists of that kind."""
        values = self.some(make, most)
        names = [name for name in file["lists"] if name.startswith(kind)]
        if not self.chance(25):
            return values
        if self.shared[kind] and self.chance(20):
            pick = "@" + self.rng.choice(self.shared[kind])
        elif names and self.chance(60):
            pick = "@" + self.rng.choice(names)
        else:
            name = "%s-%s-%d" % (kind, file["name"], len(file["lists"]))
            inner = [make() for _ in range(self.rng.randint(1, 4))]
            if self.wide:
                self.wide = False
                many = self.indicator_path if kind == "paths" else self.indicator_net
                inner += [many() for _ in range(self.rng.choice([100, 400, 1500]))]
            if names and self.chance(50):
                inner.insert(self.rng.randint(0, len(inner)), "@" + self.rng.choice(names))
            file["lists"][name] = inner
            pick = "@" + name
        if self.chance(40):
            return pick
        return oracle.as_list(values) + [pick]

    def by(self, file):
        by = {}
        if self.chance(60):
            by["exe"] = self.listed(file, "paths", self.pattern, 2)
        if self.kin and self.chance(20):
            by["parent"] = self.listed(file, "paths", self.pattern, 2)
        if self.kin and self.chance(25):
            by["ancestor"] = self.listed(file, "paths", self.pattern, 2)
        if self.chance(40):
            by["uid"] = self.some(lambda: self.numbers(IDS, 2**32 - 2), 3)
        if self.chance(30):
            by["gid"] = self.some(lambda: self.numbers(IDS, 2**32 - 2), 3)
        if self.chance(self.tasks):
            self.add_task(file, by)
        return by or {"uid": self.numbers(IDS, 2**32 - 2)}

    def login(self):
        return "unset" if self.chance(30) else self.numbers(IDS, 2**32 - 2)

    def capability(self):
        name = self.rng.choice(cgroups.CAPABILITIES)
        return self.rng.choice([name, "CAP_" + name, name.lower(), "cap_" + name.lower()])

    def name_pattern(self, pool):
        """A name, or a pattern that it matches or nearly does; a literal must be one that can be."""
        name = self.rng.choice(pool).replace("\\", "\\\\")
        if self.chance(45) and self.fits(name):
            return name
        if self.chance(15):
            return self.rng.choice(["*", "**", "?*", "[!a]*", "*.s*", "{a,b}*", "*e*"])
        at = self.rng.randrange(len(name) // 2)
        if "\\" in name:
            return name[:1] + "*"
        return self.rng.choice([name[:at] + "*", name[:at] + "?" + name[at + 1:], "*" + name[at:],
                                "[%s-z]" % name[0] + "*" if name[0].isalpha() else "*", "{%s,x*}" % name])

    @staticmethod
    def fits(name):
        return any(name.endswith(end) and len(name) > len(end) for end in (".service", ".scope", ".socket", ".mount", ".swap", ".slice"))

    def unit(self):
        pattern = self.name_pattern(UNITS)
        return pattern if any(byte in pattern for byte in "*?[{") or not pattern.endswith(".slice") else "*"

    def container(self):
        pick = self.rng.random()
        if pick < 0.35:
            return True
        if pick < 0.55:
            return False
        return self.rng.choice(HEX + [HEX[0][:12] + "*", HEX[1][:-1] + "?", "*", "f*", "?*"] + [
            each.replace("\\", "\\\\") for each in CONTAINERS])

    def cgroup_pattern(self):
        parts = [self.rng.choice([self.rng.choice(SLICES), self.rng.choice(UNITS), self.rng.choice(CGROUPS), "*", "**", "?*"])
                 for _ in range(self.rng.randint(1, 3))]
        if self.chance(8):
            return self.rng.choice(["/", "/**", "/*", "/{,x}", "/{,*}"])
        return "".join("/" + part.replace("\\", "\\\\") for part in parts)

    def add_task(self, file, by):
        """What a process has beside its program, user and groups."""
        if self.chance(40):
            by["login"] = self.some(self.login, 3)
        if self.chance(35):
            by["capability"] = self.some(self.capability, 3)
        if self.chance(35):
            by["unit"] = self.some(self.unit, 3)
        if self.chance(25):
            by["slice"] = self.some(lambda: self.name_pattern(SLICES + ["-.slice"]), 3)
        if self.chance(30):
            by["cgroup"] = self.some(self.cgroup_pattern, 3)
        if self.chance(35):
            by["container"] = self.some(self.container, 3)

    def object(self, file, on, sparse):
        """Keys that fit every operation in 'on'; sparse ones leave most out."""
        keys = {}
        if on == {"connect"}:
            if self.chance(40 if sparse or self.broad else 75):
                keys["to"] = self.listed(file, "nets", self.net, 3)
            if self.chance(5 if self.broad else 40):
                keys["port"] = self.some(lambda: self.numbers(PORTS, 65535), 3)
            if self.chance(30):
                keys["protocol"] = self.some(
                    lambda: self.rng.choice(oracle.PROTOCOLS + ("raw",)), 3)
            if not keys and self.chance(50):
                keys["socket"] = self.some(self.socket, 4)
            elif not keys and self.chance(60):
                keys["family"] = self.some(self.family, 4)
        elif "connect" not in on:
            if self.chance(50 if sparse else 40 if self.broad else 96):
                keys["path"] = self.listed(file, "paths", self.pattern, 3)
            if on == {"exec"} and self.chance(45):
                keys["file"] = self.some(lambda: self.rng.choice(list(oracle.FACTS)), 3)
            if on == {"exec"} and not sparse and self.chance(25):
                keys["args"] = self.some(self.argument, 3)
            if on == {"open"} and self.chance(45):
                keys["access"] = self.some(lambda: self.rng.choice(WORDS), 3)
        return keys

    def families(self, keys, grants):
        """Numbers of the families that a rule or an exception can be about."""
        if "socket" in keys:
            return {oracle.FAMILIES["unix"]}
        every = set(range(1, 64)) if grants and not {"to", "port", "protocol"} & keys.keys() \
            else {oracle.FAMILIES["inet"], oracle.FAMILIES["inet6"]}
        if "family" not in keys:
            return every
        named = {oracle.read_family(each) for each in oracle.as_list(keys["family"])}
        return set(range(1, 64)) if 0 in named else named

    def exception(self, file, on, rule):
        keys = self.object(file, on, True)
        # One that can never hold is refused.
        if on == {"connect"} and not self.families(keys, True) & self.families(rule, False):
            keys = {}
        if not keys or self.chance(50):
            keys["by"] = self.by(file)
        return keys

    def rule(self, file):
        on = self.rng.choice([{"exec"}, {"open"}, {"open"}, {"connect"}, {"connect"},
                              {"exec", "open"}])
        if self.chance(2):
            on = {"exec", "open", "connect"}
        rule = {"id": self.new_id(), "on": sorted(on) if len(on) > 1 else min(on)}
        rule.update(self.object(file, on, False))
        if self.chance(5 if self.broad else 45):
            rule["by"] = self.by(file)
        if self.chance(20 if self.broad else 40):
            rule["unless"] = [self.exception(file, on, rule) for _ in range(self.rng.randint(1, 3))]
        rule["action"] = self.rng.choice(["deny", "deny", "alert", "alert", "kill"])
        if "args" in rule:
            rule["action"] = self.rng.choice(["alert", "kill"])
        if self.chance(70):
            rule["severity"] = self.rng.choice(oracle.SEVERITIES)
        return rule

    def new_id(self):
        while True:
            name = "".join(self.rng.choice("abc-.") for _ in range(self.rng.randint(1, 4)))
            name = self.rng.choice("abz09") + name + self.rng.choice("ab1")
            if name not in self.ids:
                self.ids.add(name)
                return name

    def allowed(self, file, on):
        """What a profile allows: names that stand for themselves, and exceptions."""
        values = []
        for _ in range(self.rng.randint(0, 3)):
            if self.chance(50):
                values += oracle.as_list(self.listed(file, "nets", self.net, 2) if on == "connect"
                                         else self.listed(file, "paths", self.pattern, 2))
            else:
                values.append(self.exception(file, {on}, {"family": "any"}))
        return values[0] if len(values) == 1 and self.chance(50) else values

    def profile(self, file):
        operations = self.rng.sample(["exec", "open", "connect"], self.rng.randint(1, 3))
        return {"id": self.new_id(), "by": self.by(file), "otherwise": self.rng.choice(["deny", "alert", "kill"]),
                "severity": self.rng.choice(oracle.SEVERITIES),
                "allow": {on: self.allowed(file, on) for on in operations}}

    def adjustment(self, file, rule):
        """A change of a rule, which may stand in any file."""
        change = {"rule": rule["id"]}
        if self.chance(50):
            change["unless"] = self.some(lambda: self.exception(file, set(oracle.as_list(rule["on"])), rule), 2)
        if self.chance(40):
            change["action"] = self.rng.choice(["alert", "kill"] + ["deny"] * ("args" not in rule))
        if len(change) == 1 or self.chance(20):
            change["enabled"] = self.chance(40)
        return change

    def add_adjustments(self, files):
        """Some rules are changed once, by whichever file."""
        for rule in [rule for file in files for rule in file["rules"]]:
            if self.chance(self.adjusted):
                file = self.rng.choice(files)
                file.setdefault("adjust", []).append(self.adjustment(file, rule))

    def files(self):
        """The policy set: JSON texts."""
        files = []
        left = self.n_rules
        while left > 0:
            count = min(left, self.rng.randint(1, self.n_rules))
            file = {"bailiff": 1, "name": "file%d" % len(files), "lists": {}}
            if self.chance(80):
                file["mode"] = self.rng.choice(["monitor", "enforce"])
            file["rules"] = [self.rule(file) for _ in range(count)]
            if self.chance(15):
                file["profiles"] = [self.profile(file) for _ in range(self.rng.randint(1, 2))]
            files.append(file)
            for name in file["lists"]:
                self.shared[name.split("-")[0]].append(name)
            left -= count
            if len(files) == 8:
                left = 0
        self.add_adjustments(files)
        for file in files:
            if not file["lists"]:
                del file["lists"]
        return [json.dumps(file, indent=1, ensure_ascii=self.chance(50)) for file in files]


# ---- accesses ---------------------------------------------------------------------------------

RAW_NAMES = [each.encode() for each in NAMES] + [b"\xff\xfe", b"new\nline", b"*", b"?", b"{a",
                                                 b"a\\", b"...", b"\x01", b"~", b"A", b"-a"]


def normal_path(raw):
    """What the kernel could answer for these bytes: no empty or dot components, no NUL."""
    names = [name[:NAME_MAX] for name in raw.replace(b"\0", b"0").split(b"/")
             if name not in (b"", b".", b"..")]
    path = b"/" + b"/".join(names[:DEPTH_MAX])
    if len(path) <= PATH_MAX:
        return path
    return path[:PATH_MAX - 1] + b"z" if len(path) % 2 else path[:2000].rstrip(b"/")


class AccessGenerator:
    """Accesses for one policy set; rules is the oracle's view of it."""

    def __init__(self, rng, rules):
        self.rng = rng
        self.rules = rules

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def word(self, least=0):
        return bytes(self.rng.choice(b"ab.xz\xe9A1\n\xff") for _ in
                     range(self.rng.randint(least, 3)))

    def random_path(self):
        if self.chance(2):
            return b"/"
        depth = 200 if self.chance(1) else self.rng.randint(1, 5)
        return normal_path(b"".join(b"/" + self.rng.choice(RAW_NAMES) for _ in range(depth)))

    def instance(self, flat):
        """Some path that a brace-free pattern matches (before it is made normal)."""
        out = bytearray()
        for item in flat:
            if isinstance(item, int):
                out.append(item)
            elif item[0] in "?[" and out[-1:] != b"/" and self.chance(8):
                out.append(oracle.SLASH)
            elif item[0] == "*":
                out += self.word()
            elif item[0] == "**":
                out += b"/".join(self.rng.choice(RAW_NAMES)
                                 for _ in range(self.rng.randint(0, 3)))
            elif item[0] == "?":
                out += self.rng.choice([b"a", b".", b"\xff", b"\n", b"z"])
            else:
                near = [byte + step for byte in sorted(item[2])[:40] for step in (-1, 0, 1)]
                fits = [byte for byte in near if 0 < byte < 256 and byte != oracle.SLASH
                        and (byte in item[2]) != item[1]]
                out.append(self.rng.choice(fits or [97]))
        return bytes(out)

    def mutate(self, path):
        kind = self.rng.randint(0, 8)
        at = self.rng.randrange(len(path))
        if kind == 0:
            path += b"/" + self.rng.choice(RAW_NAMES)
        elif kind == 1:
            path = path.rpartition(b"/")[0]
        elif kind == 2:
            path = path[:at] + path[at + 1:]
        elif kind == 3:
            path = path[:at] + self.rng.choice([b"a", b"b", b"/", b".", b"\xff"]) + path[at:]
        elif kind == 4:
            path = path[:at] + bytes([path[at] ^ self.rng.choice([1, 32, 128])]) + path[at + 1:]
        elif kind == 5:
            path = path.rpartition(b"/")[0] + b"/" + self.rng.choice(RAW_NAMES)
        elif kind == 6:
            path = b"/" + self.rng.choice(RAW_NAMES) + path
        elif kind == 7:
            path = path[:at]
        else:
            path += self.word(1)
        return path

    def path_from(self, globs):
        if not globs or self.chance(8):
            return self.random_path()
        path = self.instance(self.rng.choice(self.rng.choice(globs)))
        if self.chance(0.7):
            path += b"/" + self.rng.choice(RAW_NAMES) * self.rng.randint(1, 3)
            path += path[-2:] * DEPTH_MAX if self.chance(50) else b"/" + b"x" * 250 * 17
            path = path.replace(b"x" * 250, b"x" * 250 + b"/")
        while path and self.chance(35):
            path = self.mutate(path)
        return normal_path(path)

    def deep_path(self, globs):
        """A path with more components or bytes than are walked."""
        path = normal_path(self.instance(self.rng.choice(self.rng.choice(globs))))
        tail = b"/" + self.rng.choice(RAW_NAMES)
        wanted = DEPTH_MAX + self.rng.randint(1, 40)
        if self.chance(50):
            tail, wanted = b"/" + self.rng.choice(b"ax").to_bytes(1, "big") * NAME_MAX, 18
        return path.rstrip(b"/") + tail * wanted

    def matches_of(self, rule):
        """The rule itself, or one of its exceptions."""
        if rule and rule.unless and self.chance(40):
            return self.rng.choice(rule.unless)
        return rule.match if rule else None

    def number(self, ranges, top):
        if not ranges or self.chance(15):
            return self.rng.randint(0, top)
        value = self.rng.choice(self.rng.choice(ranges)) + self.rng.choice([-1, 0, 0, 0, 1])
        return max(0, min(top, value))

    def address(self, nets):
        if self.chance(5):
            return self.rng.choice([bytes(4), bytes(16), oracle.V4_MAPPED + bytes(4),
                                    bytes([127, 0, 0, 1]), bytes(15) + b"\1", bytes(12) + b"\7" * 4])
        if nets and self.chance(12):
            raw, _ = self.rng.choice(nets)
            if len(raw) == 4:
                return self.rng.choice([oracle.read_v6("64:ff9b::")[:12] + raw, bytes([0x20, 2]) + raw + bytes(10),
                                        oracle.read_v6("64:ff9b:1:7::")[:12] + raw, oracle.read_v6("2001::")[:12] +
                                        bytes(255 - byte for byte in raw), bytes(12) + raw, bytes(8) + bytes([255, 255, 0, 0]) + raw,
                                        bytes(8) + bytes([2, 0, 0x5e, 0xfe]) + raw])
        if not nets or self.chance(10):
            raw = oracle.read_v4(self.rng.choice(V4)) if self.chance(50) else \
                oracle.read_v6(self.rng.choice(V6))
        else:
            raw, bits = self.rng.choice(nets)
            size = len(raw) * 8
            first = int.from_bytes(raw, "big")
            last = first | (1 << (size - bits)) - 1
            value = self.rng.choice([first, last, first - 1, last + 1,
                                     self.rng.randint(first, last)]) % (1 << size)
            raw = value.to_bytes(len(raw), "big")
        return oracle.V4_MAPPED + raw if len(raw) == 4 and self.chance(20) else raw

    def add_facts(self, access, match):
        facts = set()
        while self.chance(35):
            facts.add(self.rng.choice(list(oracle.FACTS)))
        if match and match.file and self.chance(60):
            facts.add(self.rng.choice(match.file))
        if "memfd" in facts:
            access.path = None
            facts -= {"deleted", "tmpfs"}
        access.facts = tuple(sorted(facts))

    def access(self):
        access, by = self.plain_access()
        kin.add(self, access, by)
        return access

    def plain_access(self):
        """An access, and whom it is made for."""
        rule = self.rng.choice(self.rules) if self.rules and self.chance(92) else None
        on = self.rng.choice(rule.on if rule else ["exec", "open", "connect"])
        match, by = self.matches_of(rule), self.matches_of(rule)
        if self.chance(10):
            return self.trace(rule, by), by
        access = oracle.Access(on)
        if on == "connect":
            access.raw = self.chance(10)
            if match and match.socket and self.chance(90) or self.chance(8):
                access.socket = self.socket(match.socket if match else None)
                access.untrusted = access.socket[:1] != b"\0" and self.chance(15)
                access.raw, access.protocol, access.family = False, None, 1
                self.add_subject(access, by)
                return access, by
            families = [each for each in match.family or [] if each not in (1, 2, 10)] if match else []
            if families and self.chance(75) or self.chance(8):
                access.family = self.rng.choice(families or [3, 16, 40, 63]) or self.rng.choice([3, 16, 63])
                if self.chance(15):
                    access.family = self.rng.choice([16, 17, 21, 40])
                access.raw, access.protocol = False, None
                self.add_subject(access, by)
                return access, by
            access.address = self.address(match.to if match else None)
            access.port = self.number(match.port if match else None, 65535)
            protocols = [each for each in match.protocol or [] if each != "raw"] if match else None
            access.protocol = self.rng.choice(
                protocols if protocols and self.chance(80) else oracle.PROTOCOLS)
        else:
            access.path = self.path_from(match.path if match else None)
            access.untrusted = self.chance(15)
            access.access = oracle.EXEC
            if on == "exec":
                self.add_facts(access, match)
                access.args = self.arguments(rule.match.args if rule else None)
            if on == "open":
                access.access = 0
                while access.access == 0 or self.chance(30):
                    access.access |= 1 << self.rng.randrange(5)
                if match and match.access and self.chance(60):
                    access.access |= match.access & -match.access
        self.add_subject(access, by)
        return access, by

    def trace(self, rule, by):
        """Somebody takes hold of a process, most often of one that runs what an exception is for."""
        programs = [each.exe for each in rule.unless if each.exe] if rule else None
        access = oracle.Access("trace", self.path_from(self.rng.choice(programs) if programs else None))
        self.add_subject(access, by)
        return access

    def arguments(self, patterns):
        """Some arguments, and sometimes many bytes of others before the one that counts."""
        args = []
        while self.chance(60):
            args.append(self.rng.choice([b"", b"a", b"-a", b"--x=", b"a/b", b"\xff\n"]))
        if self.chance(3):
            args += [b"z" * self.rng.choice([1, 15, 16, 4095, 4096]) for _ in range(self.rng.randint(1, 4))]
        if patterns and self.chance(75):
            args.insert(self.rng.randint(0, len(args)),
                        self.name(self.rng.choice(patterns)).replace(b"\0", b""))
        return tuple(args)

    def name(self, flats):
        """Bytes that a pattern without components is about, or nearly so."""
        name = bytearray()
        for item in self.rng.choice(flats):
            if isinstance(item, int):
                name.append(item)
            elif item[0] in ("*", "**"):
                name += self.rng.choice([b"", b"a", b"/", b"\0", b"a/b"])
            else:
                name.append(self.rng.choice(b"ab/\0x\xff"))
        if self.chance(30):
            name += self.rng.choice([b"a", b"/", b"\0"])
        return bytes(name)

    def socket(self, patterns):
        if not patterns or self.chance(10):
            return self.rng.choice([self.random_path(), b"\0" + self.word(), b"\0a/\0b"])
        abstract, flats = self.rng.choice(patterns)
        if not abstract:
            return self.path_from([flats])
        return b"\0" + self.name(flats)[:107]

    def add_subject(self, access, by):
        access.uid, access.gids, access.exe = self.subject(by)
        if by and by.login and self.chance(80):
            login = self.number(by.login, 2**32 - 1)
            access.login = None if login == cgroups.UNSET else login
        elif self.chance(20):
            access.login = self.rng.choice(IDS)
        held = set()
        while self.chance(30):
            held.add(self.rng.randrange(len(cgroups.CAPABILITIES)))
        if by and by.capability and self.chance(70):
            held.add(self.rng.choice(by.capability))
        access.capabilities = tuple(sorted(held))
        if by and (by.unit or by.slice or by.cgroup or by.container) or self.chance(30):
            access.cgroup = self.cgroup(by)
            access.nested = self.chance(25)

    def cgroup(self, by):
        """The path of a cgroup, most often of such as hosts have."""
        if by and by.cgroup and self.chance(55):
            path = normal_path(self.instance(self.rng.choice(self.rng.choice(by.cgroup))))
            return normal_path(path + b"/x" * cgroups.COMPONENTS_MAX) if self.chance(40) else path
        parts = []
        while self.chance(50):
            parts.append(self.rng.choice(SLICES))
        if self.chance(80):
            parts.append(self.rng.choice(UNITS if self.chance(60) else CGROUPS))
        if by and by.unit and self.chance(60):
            parts[-1:] = [self.name(self.rng.choice(by.unit)).replace(b"\0", b"").replace(b"/", b"")[:NAME_MAX]]
        if by and by.slice and self.chance(50):
            parts.insert(0, self.name(self.rng.choice(by.slice)).replace(b"\0", b"").replace(b"/", b"")[:NAME_MAX])
        if self.chance(45):
            parts.append(self.contained())
        while self.chance(25):
            parts.append(self.rng.choice(UNITS + SLICES + CGROUPS))
        if self.chance(6):
            parts += [self.rng.choice(["x", "y" * NAME_MAX])] * self.rng.randint(1, 20)
        path = b"".join(b"/" + (part if isinstance(part, bytes) else part.encode()) for part in parts if part)
        return normal_path(path or b"/")

    def contained(self):
        """What the cgroups of containers are called, and what is nearly that."""
        one = self.rng.choice(HEX if self.chance(80) else SHORT_HEX)
        return self.rng.choice([one, "docker-%s.scope" % one, "libpod-%s" % one, "libpod-%s.scope" % one, "cri-containerd-%s.scope" % one,
                                "crio-conmon-%s.scope" % one, "libpod-conmon-%s" % one, "x%s.scope" % one, "docker-%s.service" % one,
                                "lxc.payload.web", "machine-web.scope", "systemd-nspawn@db.service"])

    def subject(self, by):
        """User, groups and executable."""
        exe = None if self.chance(10) else self.path_from(by.exe if by else None)
        return (self.number(by.uid if by else None, 2**32 - 2),
                tuple(self.number(by.gid if by and self.chance(70) else None, 2**32 - 2)
                      for _ in range(self.rng.randint(1, 4))), exe)


