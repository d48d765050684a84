# SPDX-License-Identifier: Apache-2.0
"""Makes a failing case small and prints it so that it can be run by hand."""

import copy
import json
import time

import engines
import oracle

TRIES_MAX = 1500
SECONDS_MAX = 20


def without(container, key):
    smaller = copy.copy(container)
    del smaller[key]
    return smaller


def smaller_values(value):
    """Values one step smaller than a JSON value, the biggest steps first."""
    if isinstance(value, list):
        if len(value) > 3:
            half = len(value) // 2
            yield value[:half]
            yield value[half:]
        for i in range(len(value)):
            if len(value) > 1:
                yield without(value, i)
        for i, each in enumerate(value):
            for smaller in smaller_values(each):
                yield value[:i] + [smaller] + value[i + 1:]
    elif isinstance(value, dict):
        for key in value:
            yield without(value, key)
        for key in value:
            for smaller in smaller_values(value[key]):
                yield {**value, key: smaller}
    elif isinstance(value, str) and value.startswith("/") and len(value) > 2:
        for size in (len(value) // 2, 4, 1):
            for at in range(1, len(value) - size + 1, size):
                yield value[:at] + value[at + size:]


def smaller_accesses(access):
    for key, plain in (("exe", None), ("uid", 0), ("gids", (0,)), ("port", 0)):
        if getattr(access, key) != plain:
            yield key, plain
    for fact in access.facts:
        if fact != "memfd":
            yield "facts", tuple(each for each in access.facts if each != fact)
    for at in range(len(access.args)):
        yield "args", access.args[:at] + access.args[at + 1:]
    if access.on == "open":
        for bit in range(5):
            left = access.access & ~(1 << bit)
            if left and left != access.access:
                yield "access", left
    for key in ("path", "exe"):
        path = getattr(access, key)
        for size in (64, 8, 1):
            for at in range(1, len(path or b"") - size + 1, size):
                yield key, path[:at] + path[at + size:]


def normal(path):
    return path == b"/" or (b"//" not in path and not path.endswith(b"/"))


def with_rules(files, keep):
    """The files with only the rules at the (file, index) places in keep."""
    smaller = [dict(file, rules=[rule for j, rule in enumerate(file["rules"]) if (i, j) in keep])
               for i, file in enumerate(files)]
    return [file for file in smaller if file["rules"] or {"lists", "profiles", "adjust"} & file.keys()]


def inlined(files):
    """The files with their lists' values written out where they are used."""
    def walk(value, lists):
        if isinstance(value, dict):
            # There '@' begins an abstract name.
            return {key: each if key == "socket" else walk(each, lists) for key, each in value.items()}
        if isinstance(value, list):
            flat = []
            for each in value:
                named = isinstance(each, str) and each.startswith("@")
                flat += oracle.insert_lists(each, lists) if named else [walk(each, lists)]
            return flat
        if isinstance(value, str) and value.startswith("@"):
            return list(oracle.insert_lists(value, lists))
        return value
    return [walk({key: value for key, value in file.items() if key != "lists"}, oracle.lists_within_reach(files, i))
            for i, file in enumerate(files)]


class Shrinker:
    def __init__(self, engine):
        self.engine = engine
        self.tries = 0
        self.until = time.monotonic() + SECONDS_MAX

    def spent(self):
        return self.tries > TRIES_MAX or time.monotonic() > self.until

    def case(self, files, access):
        """The case if it still fails, or None."""
        self.tries += 1
        texts = [json.dumps(file) for file in files]
        if not files or not all(path is None or normal(path)
                                for path in (access.path, access.exe)):
            return None
        try:
            wanted = oracle.Oracle(texts).decide(access)
            case = engines.Case(texts, [access], [wanted])
            self.engine.ask([case])
        except (engines.Failed, LookupError, ValueError, AssertionError, TypeError):
            return None
        return case if case.differences() else None

    def fewer_rules(self, files, access):
        """Drops rules by halves, quarters, ... one by one."""
        places = [(i, j) for i, file in enumerate(files) for j in range(len(file["rules"]))]
        size = len(places) // 2
        while size:
            at = 0
            while at < len(places) and not self.spent():
                rest = places[:at] + places[at + size:]
                if self.case(with_rules(files, set(rest)), access):
                    places = rest
                else:
                    at += size
            size = min(size // 2, len(places))
        return with_rules(files, set(places))

    def step(self, files, access):
        """A smaller failing (files, access), or None."""
        for i, file in enumerate(files):
            for smaller in smaller_values(file):
                if self.spent():
                    return None
                candidate = files[:i] + [smaller] + files[i + 1:]
                if self.case(candidate, access):
                    return candidate, access
        for key, value in smaller_accesses(access):
            candidate = copy.copy(access)
            setattr(candidate, key, value)
            if self.case(files, candidate):
                return files, candidate
        return None

    def shrink(self, texts, access):
        """The smallest failing case that was found; None if it doesn't fail by itself."""
        files = [json.loads(text) for text in texts]
        if not self.case(files, access):
            return None
        files = self.fewer_rules(files, access)
        if self.case(inlined(files), access):
            files = inlined(files)
        while not self.spent():
            smaller = self.step(files, access)
            if smaller is None:
                break
            files, access = smaller
        return self.case(files, access)


def describe(case, engine):
    """A reproduction that can be pasted into a shell."""
    access, wanted, answered = case.differences()[0]
    lines = ["%r" % access,
             "the oracle says %s, %s says %s" % (wanted, engine.name, answered), ""]
    names = []
    for i, text in enumerate(case.texts):
        names.append("/tmp/oracle-%d.json" % i)
        lines += ["cat > %s <<'END'" % names[-1], json.dumps(json.loads(text)), "END"]
    lines.append("printf '%s\\n' | %s %s" % (
        "\\n".join(engines.query_lines([access])), engine.command, " ".join(names)))
    return lines
