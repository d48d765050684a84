# SPDX-License-Identifier: Apache-2.0
"""Edits of policies: some leave the meaning as it is, some change one thing that may or may not matter."""

import copy
import json

import generate
import oracle
from run import as_glob, map_paths


def load(texts):
    return [json.loads(text) for text in texts]


def dump(files):
    return [json.dumps(file) for file in files]


def all_rules(files):
    return [rule for file in files for rule in file["rules"]]


# ---- the meaning stays ------------------------------------------------------------------------


def shuffled(files, rng):
    for file in files:
        rng.shuffle(file["rules"])
        for key in ("profiles", "adjust"):
            if key in file:
                rng.shuffle(file[key])
    rng.shuffle(files)


def renamed(files, rng):
    """Other ids, for adjustments as well; what a profile's rules are called follows from its own."""
    names = {}
    for file in files:
        for each in file["rules"] + file.get("profiles", []):
            names[each["id"]] = each["id"] = "new-%d-%s" % (rng.randrange(10**6), each["id"])
    names.update({old: new for old, new in ((name[name.index("-", 4) + 1:], name) for name in names.values())})
    for file in files:
        for change in file.get("adjust", []):
            head, slash, tail = change["rule"].partition("/")
            change["rule"] = names.get(head, head) + slash + tail


def adjusted(files):
    return {change["rule"] for file in files for change in file.get("adjust", [])}


def split(files, rng):
    """A list of alternatives as two rules."""
    for file in files:
        for rule in [rule for rule in file["rules"] if rule["id"] not in adjusted(files)]:
            keys = [key for key in ("path", "to", "on", "args", "file", "access", "protocol", "port", "socket")
                    if isinstance(rule.get(key), list) and len(rule[key]) > 1]
            if not keys or rng.random() < 0.5:
                continue
            key = rng.choice(keys)
            cut = rng.randint(1, len(rule[key]) - 1)
            other = copy.deepcopy(rule)
            other["id"] += ".part"
            rule[key], other[key] = rule[key][:cut], other[key][cut:]
            file["rules"].append(other)


def inlined(files, rng):
    """Lists' values where the lists were."""
    for i, file in enumerate(files):
        lists = oracle.lists_within_reach(files, i)

        def walk(value, key=None):
            if isinstance(value, dict):
                return {name: walk(each, name) for name, each in value.items()}
            if key not in ("path", "to", "port", "exe", "parent", "ancestor", "uid", "gid", "allow") and not isinstance(value, list):
                return value
            if isinstance(value, list):
                if key == "socket":
                    return value
                return [flat for each in value for flat in (
                    list(oracle.insert_lists(each, lists)) if isinstance(each, str) and each.startswith("@")
                    and key != "args" else [walk(each, key)])]
            if isinstance(value, str) and value.startswith("@"):
                return list(oracle.insert_lists(value, lists))
            return value
        for name in ("rules", "profiles", "adjust"):
            if name in file:
                file[name] = [{key: {on: walk(each, "allow") for on, each in value.items()} if key == "allow"
                               else walk(value, key) for key, value in each.items()} for each in file[name]]
    for file in files:
        file.pop("lists", None)


def first_brace(text):
    """The first '{...}' with what it has: (start, end, alternatives), or None."""
    at = depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "[":
            at = text.index("]", at + 1)
        elif text[at] == "{":
            if depth == 0:
                start, parts, begin = at, [], at + 1
            depth += 1
        elif text[at] == "," and depth == 1:
            parts.append(text[begin:at])
            begin = at + 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return start, at + 1, parts + [text[begin:at]]
        at += 1
    return None


def valid(text):
    return text.startswith("/") and "//" not in text and not text.endswith("/") and "***" not in text


def without_brace(text):
    found = first_brace(text) if text.startswith("/") and "\\" not in text and "[" not in text else None
    if not found:
        return [text]
    start, end, parts = found
    if text[:start].endswith("*") or text[end:].startswith("*"):
        return [text]  # two of them are another thing
    texts = [text[:start] + part + text[end:] for part in parts]
    return texts if all(map(valid, texts)) else [text]


def braces_apart(files, rng):
    """'{a,b}' as two patterns. Returns whether one of them is a literal that was none."""
    moved = []

    def walk(value):
        if isinstance(value, dict):
            return {key: list(spread(each)) if key in ("path", "exe", "parent", "ancestor") else walk(each) for key, each in value.items()}
        if isinstance(value, list):
            return [walk(each) for each in value]
        return value

    def spread(value):
        for each in oracle.as_list(value):
            flats = without_brace(each)
            globs = [flat for flat in flats if set("*?[{") & set(flat)]
            if len(flats) > 1 and globs and len(globs) < len(flats):
                moved.append(each)
            yield from flats
    for file in files:
        for name in ("rules", "adjust"):
            if name in file:
                file[name] = [walk(each) for each in file[name]]
    return moved


def repeated(files, rng):
    """A rule a second time, no stricter."""
    for file in files:
        for rule in [rule for rule in file["rules"] if rule["id"] not in adjusted(files)]:
            if rng.random() < 0.3:
                again = dict(copy.deepcopy(rule), id=rule["id"] + ".again")
                if rng.random() < 0.5 and "args" not in rule:
                    again["action"] = "alert"
                file["rules"].append(again)


def as_globs(files, rng):
    """Literals as globs. Who may take a name away is told by whether a program is named one by one."""
    files[:] = load([json.dumps(map_paths(file, lambda text: as_glob(text) if rng.random() < 0.3 else text))
                     for file in files])


SAME = {"order": shuffled, "ids": renamed, "alternatives as rules": split, "lists inlined": inlined,
        "braces as patterns": braces_apart, "rules repeated": repeated}
NEARLY = {"literals as globs": as_globs}  # but for who may take a name away


# ---- the meaning may change -------------------------------------------------------------------


def pick_match(files, rng, key, inside=None):
    """A rule, or one of its exceptions, that has a key."""
    found = []
    for rule in all_rules(files):
        for match in [rule] + oracle.as_list(rule.get("unless", [])):
            holder = match.get(inside, {}) if inside else match
            if key in holder:
                found.append(holder)
    return rng.choice(found) if found else None


def replace_one(holder, key, make, rng):
    values = list(oracle.as_list(holder[key]))
    at = rng.randrange(len(values))
    if rng.random() < 0.3 and len(values) > 1:
        del values[at]
    elif rng.random() < 0.5:
        values[at] = make()
    else:
        values.append(make())
    holder[key] = values


def changer(key, make, inside=None):
    def change(files, rng, generator):
        holder = pick_match(files, rng, key, inside)
        if holder is None:
            return False
        replace_one(holder, key, lambda: make(generator), rng)
        return True
    return change


def change_action(files, rng, generator):
    rule = rng.choice(all_rules(files))
    rule["action"] = rng.choice(["alert", "kill"] + ["deny"] * ("args" not in rule))
    return True


def drop_rule(files, rng, generator):
    file = rng.choice([file for file in files if file["rules"]])
    gone = file["rules"].pop(rng.randrange(len(file["rules"])))
    for each in files:
        if "adjust" in each:
            each["adjust"] = [change for change in each["adjust"] if change["rule"] != gone["id"]]
    return True


def drop_exception(files, rng, generator):
    rules = [rule for rule in all_rules(files) if rule.get("unless")]
    if not rules:
        return False
    rule = rng.choice(rules)
    excepts = oracle.as_list(rule["unless"])
    excepts.pop(rng.randrange(len(excepts)))
    rule["unless"] = excepts
    if not excepts:
        del rule["unless"]
    return True


def add_exception(files, rng, generator):
    file = rng.choice([file for file in files if file["rules"]])
    rule = rng.choice(file["rules"])
    file.setdefault("lists", {})
    rule["unless"] = oracle.as_list(rule.get("unless", [])) + [
        generator.exception(file, set(oracle.as_list(rule["on"])), rule)]
    if not file["lists"]:
        del file["lists"]
    return True


def change_mode(files, rng, generator):
    file = rng.choice(files)
    file["mode"] = "monitor" if file.get("mode", "monitor") == "enforce" else "enforce"
    return True


def drop_by(files, rng, generator):
    rules = [rule for rule in all_rules(files) if "by" in rule]
    if not rules:
        return False
    del rng.choice(rules)["by"]
    return True


def change_profile(files, rng, generator):
    profiles = [profile for file in files for profile in file.get("profiles", [])]
    if not profiles:
        return False
    profile = rng.choice(profiles)
    on = rng.choice(sorted(profile["allow"]))
    profile["allow"][on] = []
    return True


CHANGES = {
    "path": changer("path", lambda g: g.pattern()),
    "access": changer("access", lambda g: g.rng.choice(["read", "write", "create", "delete", "attributes"])),
    "file": changer("file", lambda g: g.rng.choice(list(oracle.FACTS))),
    "args": changer("args", lambda g: g.argument()),
    "to": changer("to", lambda g: g.net()),
    "port": changer("port", lambda g: g.rng.choice([0, 1, 22, 80, 443, 8080, 65535])),
    "protocol": changer("protocol", lambda g: g.rng.choice(oracle.PROTOCOLS + ("raw",))),
    "family": changer("family", lambda g: g.family()),
    "socket": changer("socket", lambda g: g.socket()),
    "exe": changer("exe", lambda g: g.pattern(), "by"),
    "parent": changer("parent", lambda g: g.pattern(), "by"),
    "ancestor": changer("ancestor", lambda g: g.pattern(), "by"),
    "uid": changer("uid", lambda g: g.rng.choice([0, 1, 33, 1000, 65534]), "by"),
    "gid": changer("gid", lambda g: g.rng.choice([0, 1, 33, 1000, 65534]), "by"),
    "login": changer("login", lambda g: g.login(), "by"),
    "capability": changer("capability", lambda g: g.capability(), "by"),
    "unit": changer("unit", lambda g: g.unit(), "by"),
    "slice": changer("slice", lambda g: g.name_pattern(generate.SLICES + ["-.slice"]), "by"),
    "cgroup": changer("cgroup", lambda g: g.cgroup_pattern(), "by"),
    "container": changer("container", lambda g: g.container(), "by"),
    "action": change_action,
    "rule dropped": drop_rule,
    "exception dropped": drop_exception,
    "exception added": add_exception,
    "mode": change_mode,
    "by dropped": drop_by,
    "profile": change_profile,
}
