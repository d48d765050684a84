# SPDX-License-Identifier: Apache-2.0
"""Broken oracles: each must be told from the engine, or the differential test can't fail."""

import cgroups
import oracle
from oracle import SLASH


def broken(**changes):
    """Semantics with some methods replaced: 'globs_NAME', 'nets_NAME' or 'NAME'."""
    semantics = oracle.Semantics()
    for name, value in changes.items():
        target, _, rest = name.partition("_")
        if target in ("globs", "nets"):
            setattr(getattr(semantics, target), rest, value)
        else:
            setattr(semantics, name, value)
    return semantics


def no_mapped(address):
    return oracle.Nets().normal(address) if address[:12] != oracle.V4_MAPPED else address


def no_loopback(address):
    return address[12:] if address[:12] == oracle.V4_MAPPED else address


def one_bit_short(net, address):
    return oracle.Nets().covers((net[0], max(0, net[1] - 1)), address)


def strictness(rule, order):
    parts = {"verdict": -oracle.VERDICTS.index(rule.verdict),
             "severity": -oracle.SEVERITIES.index(rule.severity), "id": rule.id.encode()}
    return tuple(sign * parts[key] if key != "id" else
                 tuple(sign * byte for byte in parts[key]) for sign, key in order)


def ranked(*order):
    return lambda rule: strictness(rule, order)


def without_key(key):
    """Exceptions that forget one of their keys."""
    def excepted(exception, access):
        kept = getattr(exception, key)
        setattr(exception, key, None)
        try:
            return exception.holds(access)
        finally:
            setattr(exception, key, kept)
    return excepted


def profiles_with(**changes):
    """Profiles of which the rules say something else."""
    return lambda file: [{**rule, **changes} for rule in oracle.profile_rules(file)]


def names_with(change):
    """Names by cgroups of which something is found otherwise."""
    def names_of(path):
        names = cgroups.CgroupNames(path)
        change(names)
        return names
    return names_of


def parts_of(names):
    return [part for part in names.path.split(b"/") if part][:cgroups.COMPONENTS_MAX]


def last_unit(names):
    for part in parts_of(names):
        if cgroups.typed(part, cgroups.UNIT_TYPES):
            names.unit = cgroups.unescaped(part)


def first_slice(names):
    parts = parts_of(names)
    if parts and cgroups.typed(parts[0], (b".slice",)):
        names.slice = cgroups.unescaped(parts[0])


def escaped(names):
    for part in parts_of(names):
        if names.unit and part == b"_" + names.unit:
            names.unit = part
        if part == b"_" + names.slice:
            names.slice = part


def supervised(names):
    for part in parts_of(names):
        if names.id is None and cgroups.CgroupNames.machine(part):
            names.id, names.sure = cgroups.CgroupNames.machine(part), True


MUTANTS = {
    "profiles are ignored": lambda: broken(profile_rules=lambda file: []),
    "profiles allow nothing": lambda: broken(profile_rules=profiles_with(unless=[])),
    "profiles are about IP alone": lambda: broken(profile_rules=profiles_with(family=["inet", "inet6"])),
    "profiles report": lambda: broken(profile_rules=profiles_with(action="alert")),
    "adjusted exceptions are ignored": lambda: broken(adjusts=lambda key: key != "unless"),
    "adjusted actions are ignored": lambda: broken(adjusts=lambda key: key != "action"),
    "disabled rules are in force": lambda: broken(adjusts=lambda key: key != "enabled"),
    "'*' matches '/'": lambda: broken(globs_star_takes=lambda byte: True),
    "'*' doesn't match '.'": lambda: broken(
        globs_star_takes=lambda byte: byte not in (SLASH, ord("."))),
    "'?' matches '/'": lambda: broken(globs_question_takes=lambda byte: True),
    "'?' matches ASCII only": lambda: broken(
        globs_question_takes=lambda byte: byte != SLASH and byte < 128),
    "'[!x]' matches '/'": lambda: broken(
        globs_class_takes=lambda item, byte: (byte in item[2]) != item[1]),
    "'[!x]' is '[x]'": lambda: broken(
        globs_class_takes=lambda item, byte: byte != SLASH and byte in item[2]),
    "'/**/' wants a directory": lambda: broken(
        globs_slash_doublestar_slash_is_slash=lambda: False),
    "'dir/**' matches dir": lambda: broken(globs_below_takes_itself=lambda: True),
    "NAT64 is unknown": lambda: broken(nets_embedded=lambda address: None),
    "any exception excuses a raw socket": lambda: broken(
        excused_protocols=lambda exception: set(oracle.PROTOCOLS + ("raw",))),
    "abstract names have components": lambda: broken(names=oracle.Globs()),
    "arguments have components": lambda: broken(arguments=oracle.Globs()),
    "the first argument only": lambda: broken(some_args=lambda args: args[:1]),
    "the last argument only": lambda: broken(some_args=lambda args: args[-1:]),
    "what is denied has arguments": lambda: broken(runs=lambda verdict: True),
    "what is reported has none": lambda: broken(runs=lambda verdict: verdict != "alert"),
    "exceptions without socket": lambda: broken(excepted=without_key("socket")),
    "families are ignored": lambda: broken(family_holds=lambda match, access: True),
    "rules without a family are about all": lambda: broken(
        family_holds=lambda match, access: match.family is None
        or oracle.Semantics().family_holds(match, access)),
    "exceptions without family": lambda: broken(excepted=without_key("family")),
    "mapped addresses are IPv6": lambda: broken(nets_normal=no_mapped),
    "0.0.0.0 is no loopback": lambda: broken(nets_normal=no_loopback),
    "prefixes one bit short": lambda: broken(nets_covers=one_bit_short),
    "ranges end early": lambda: broken(in_ranges=lambda ranges, number: any(
        first <= number < max(last, first + 1) for first, last in ranges)),
    "first group only": lambda: broken(
        some_gid=lambda ranges, gids: oracle.in_ranges(ranges, gids[0])),
    "unknown executables match": lambda: broken(unknown_exe_matches=True),
    "parents ignored": lambda: broken(parents=lambda access: ()),
    "parents are ancestors": lambda: broken(
        ancestors=lambda access: access.ancestors + oracle.Semantics().parents(access)),
    "ancestors are parents": lambda: broken(parents=lambda access: access.ancestors),
    "the first ancestor only": lambda: broken(ancestors=lambda access: access.ancestors[:1]),
    "the last ancestor only": lambda: broken(ancestors=lambda access: access.ancestors[-1:]),
    "the program itself is an ancestor": lambda: broken(
        ancestors=lambda access: access.ancestors + ((access.exe,) if access.exe else ())),
    "who may come from anything comes from nothing": lambda: broken(unknown_kin_is_any=lambda grants: False),
    "who may come from anything is excused": lambda: broken(unknown_kin_is_any=lambda grants: True),
    "exceptions without parent": lambda: broken(excepted=without_key("parent")),
    "exceptions without ancestor": lambda: broken(excepted=without_key("ancestor")),
    "logins are ignored": lambda: broken(login_holds=lambda match, access: True),
    "who has not logged in is root": lambda: broken(login_of=lambda access: access.login or 0),
    "every capability is asked for": lambda: broken(some_capability=lambda wanted, held: set(wanted) <= set(held)),
    "capabilities are ignored": lambda: broken(some_capability=lambda wanted, held: True),
    "the last unit counts": lambda: broken(names_of=names_with(last_unit)),
    "the first slice counts": lambda: broken(names_of=names_with(first_slice)),
    "names keep their '_'": lambda: broken(names_of=names_with(escaped)),
    "what is below a unit is sure": lambda: broken(names_of=names_with(lambda names: setattr(names, "sure", True))),
    "supervisors are contained": lambda: broken(names_of=names_with(supervised)),
    "long cgroups are what they begin with": lambda: broken(names_of=names_with(lambda names: setattr(names, "cut", False))),
    "what is not sure grants": lambda: broken(unsure_grants_nothing=False),
    "PID namespaces are no containers": lambda: broken(nested_is_contained=False),
    "exceptions ignored": lambda: broken(excepted=lambda exception, access: False),
    "exceptions without subject": lambda: broken(
        excepted=lambda exception, access: exception.object_holds(access)),
    "exceptions without object": lambda: broken(
        excepted=lambda exception, access: exception.subject_holds(access)),
    "exceptions without path": lambda: broken(excepted=without_key("path")),
    "exceptions excuse every access": lambda: broken(
        excused=lambda exception: oracle.READ | oracle.MODIFY),
    "who is excepted for something may trace": lambda: broken(is_general=lambda exception, rule: True),
    "nobody is excepted from tracing": lambda: broken(is_general=lambda exception, rule: False),
    "exceptions without file": lambda: broken(excepted=without_key("file")),
    "every fact is asked for": lambda: broken(
        some_fact=lambda words, facts: all(word in facts for word in words)),
    "facts ignored": lambda: broken(some_fact=lambda words, facts: True),
    "names of untrusted file systems grant": lambda: broken(names_grant_anywhere=True),
    "paths name memfds": lambda: broken(paths_name_memfds=True),
    "exceptions without to": lambda: broken(excepted=without_key("to")),
    "exceptions without port": lambda: broken(excepted=without_key("port")),
    "exceptions without protocol": lambda: broken(excepted=without_key("protocol")),
    "mode is enforce by default": lambda: broken(
        mode_of=lambda file: file.get("mode", "enforce")),
    "mode ignored": lambda: broken(mode_of=lambda file: "enforce"),
    "the least strict wins": lambda: broken(
        strictness=ranked((-1, "verdict"), (1, "severity"), (1, "id"))),
    "severity before strictness": lambda: broken(
        strictness=ranked((1, "severity"), (1, "verdict"), (1, "id"))),
    "severity reversed": lambda: broken(
        strictness=ranked((1, "verdict"), (-1, "severity"), (1, "id"))),
    "severity ignored": lambda: broken(strictness=ranked((1, "verdict"), (1, "id"))),
    "ids reversed": lambda: broken(
        strictness=ranked((1, "verdict"), (1, "severity"), (-1, "id"))),
    "others counts the winner": lambda: broken(others=len),
}
