#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The warnings of bailiff check: each is given where it should be and nowhere else, and what is said of rules that
never match or never decide is true of all accesses that the oracle is asked about. Prints TAP.

    lint_check.py path/to/bailiff [--seed N] [--policies N]
"""

import concurrent.futures
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source folder is not ours to write to
from made_policies import ROOT, make_policy, run_tests  # noqa: E402

import generate  # noqa: E402
import oracle  # noqa: E402

BAILIFF = ""
ACCESSES = 150  # asked about each policy


def check(*args):
    done = subprocess.run([BAILIFF, "check", "--json", *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def warnings(value):
    """[(code, id of the rule, whole diagnostic)]"""
    found = []
    for each in value["diagnostics"]:
        assert each["level"] != "error" or each["code"] == "test-failed", each
        name = re.match(r"rule '([^']*)'", each["message"])
        if each["level"] == "warning" and name:
            found.append((each["code"], name[1], each))
    return found


def found_in(tmp, rules, *more, **top):
    """The warnings about rules in a root of its own, where no link leads anywhere."""
    files = []
    for i, each in enumerate([{"bailiff": 1, "mode": "enforce", "rules": rules, **top}, *more]):
        files.append(tmp / f"policy{i}.json")
        files[-1].write_text(json.dumps(each, indent=1))
    (tmp / "root").mkdir(exist_ok=True)
    found = warnings(check("--root", tmp / "root", *files))
    for code, name, each in found:
        lines = pathlib.Path(each["file"]).read_text().splitlines()
        assert lines[each["line"] - 1][each["column"] - 1] == "{" and each["pointer"] and each.get("hint"), each
    return {(code, name) for code, name, _ in found}


def rule(name, on="open", **keys):
    return {"id": name, "on": on, "action": "deny", **keys}


# ---- never, and shadowed --------------------------------------------------------------------------

# What is warned of, and rules.
COVERS = [
    ({("shadowed", "b")}, [rule("a", path="/srv/x"), rule("b", path="/srv/x", action="alert")]),
    ({("shadowed", "b")}, [rule("a", path="/srv/**"), rule("b", path="/srv/x/**", access="read")]),
    ({("shadowed", "b")}, [rule("a", path=["/srv/*.c", "/srv/*.h"]), rule("b", path="/srv/*.c")]),
    ({("shadowed", "a")}, [rule("a", path="/srv/x"), rule("b", path="/srv/x", severity="high")]),
    ({("shadowed", "b")}, [rule("a", path="/srv/x"), rule("b", path="/srv/x", by={"uid": 7})]),
    ({("shadowed", "b")}, [rule("a", path="/srv/x"), rule("b", path="/srv/x", unless={"by": {"uid": 7}})]),
    ({("shadowed", "b")}, [rule("a", path="/srv/x", unless={"by": {"uid": 7}}),
                           rule("b", path="/srv/x", unless=[{"by": {"uid": 7}}, {"by": {"uid": 8}}])]),
    ({("shadowed", "b")}, [rule("a", "connect", to="10.0.0.0/8"), rule("b", "connect", to="10.1.0.0/16", port=80)]),
    ({("shadowed", "b")}, [rule("a", "connect", socket="/run/x"), rule("b", "connect", socket="/run/x", action="alert")]),
    ({("shadowed", "b")}, [rule("a", "connect", family="netlink"), rule("b", "connect", family="netlink", action="alert")]),
    ({("shadowed", "b")}, [rule("a", ["exec", "open"], path="/srv/x"), rule("b", "exec", path="/srv/x")]),
    # Something is left to each of these.
    (set(), [rule("a", path="/srv/x", access="read"), rule("b", path="/srv/x")]),
    (set(), [rule("a", path="/srv/x", access="read"), rule("c", path="/srv/x", access="modify"), rule("b", path="/srv/x", severity="low")]),
    (set(), [rule("a", path="/srv/x/**"), rule("b", path="/srv/**", severity="low")]),
    (set(), [rule("a", path="/srv/x", by={"uid": 7}), rule("b", path="/srv/x", severity="low")]),
    (set(), [rule("a", path="/srv/x", by={"uid": 7}), rule("b", path="/srv/x", by={"uid": 8})]),
    (set(), [rule("a", path="/srv/x", unless={"by": {"uid": 7}}), rule("b", path="/srv/x", severity="low")]),
    (set(), [rule("a", path="/srv/x", action="alert"), rule("b", path="/srv/x")][:1] + [rule("b", path="/srv/y")]),
    (set(), [rule("a", "exec", path="/srv/x"), rule("b", ["exec", "open"], path="/srv/x", severity="low")]),
    (set(), [rule("a", "connect", to="10.0.0.0/8", port=80), rule("b", "connect", to="10.1.0.0/16", severity="low")]),
    (set(), [rule("a", "connect", to="10.0.0.0/8", protocol="raw"), rule("b", "connect", to="10.0.0.0/8", protocol="tcp")]),
    # Its name is held in its place, which the rule on the folder does not do.
    (set(), [rule("a", "exec", path="/srv/*"), rule("b", "exec", path="/srv/x")]),
    ({("never-matches", "a")}, [rule("a", path="/srv/x/**", unless={"path": "/srv/**"})]),
    ({("never-matches", "a")}, [rule("a", path=["/srv/*.c", "/srv/y"], unless=[{"path": "/srv/*"}])]),
    ({("never-matches", "a")}, [rule("a", path="/srv/x", access="read", unless={"access": "read"})]),
    ({("never-matches", "a")}, [rule("a", "connect", to="10.0.0.0/8", unless={"to": ["10.0.0.0/7"]})]),
    (set(), [rule("a", path="/srv/x/**", unless={"path": "/srv/x/*"})]),
    (set(), [rule("a", path="/srv/x/**", unless={"path": "/srv/**", "by": {"uid": 7}})]),
    (set(), [rule("a", path="/srv/x", unless={"access": "read"})]),
    (set(), [rule("a", "connect", to="10.0.0.0/8", unless={"to": "10.0.0.0/9"})]),
    (set(), [rule("a", "connect", to="10.0.0.0/8", protocol="raw")]),
    # Who acts.
    ({("shadowed", "b")}, [rule("a", path="/srv/x"), rule("b", path="/srv/x", by={"unit": "a.service"})]),
    ({("shadowed", "b")}, [rule("a", path="/srv/x", by={"unit": ["a.service", "b.service"], "login": 7}),
                           rule("b", path="/srv/x", by={"login": 7, "unit": ["b.service", "a.service"]}, action="alert")]),
    ({("shadowed", "b")}, [rule("a", path="/srv/x", by={"capability": ["kill", "CAP_CHOWN"]}),
                           rule("b", path="/srv/x", by={"capability": ["chown", "cap_kill"]}, action="alert")]),
    ({("shadowed", "b")}, [rule("a", path="/srv/x", unless={"by": {"container": True}}),
                           rule("b", path="/srv/x", unless=[{"by": {"container": True}}, {"by": {"slice": "a.slice"}}])]),
    (set(), [rule("a", path="/srv/x", by={"unit": "a.service"}), rule("b", path="/srv/x", severity="low")]),
    (set(), [rule("a", path="/srv/x", by={"unit": "a.service"}),
             rule("b", path="/srv/x", by={"unit": "b.service"}, severity="low")]),
    (set(), [rule("a", path="/srv/x", by={"container": True}), rule("b", path="/srv/x", by={"container": False})]),
    (set(), [rule("a", path="/srv/x", by={"login": 7}), rule("b", path="/srv/x", by={"uid": 7})]),
]

# Patterns of what a process is called: which are warned of.
CALLED = [
    ("no-such-unit", {"unit": "*.timer"}), ("no-such-unit", {"unit": ["nginx.service", "nginx*.servce"]}),
    ("no-such-unit", {"unit": "*.slice"}), ("no-such-unit", {"slice": "user-*.service"}),
    ("short-id", {"container": "0123456789ab"}), ("short-id", {"container": [True, "ffffffffffff"]}),
    ("below-unit", {"cgroup": "/system.slice/nginx.service/**"}), ("below-unit", {"cgroup": ["/x", "/*/a.scope/**"]}),
    (None, {"unit": ["*", "nginx*", "*.s*", "*vice", "a*.service", "nginx?", "{a,b}*.x", "*.mount"]}),
    (None, {"slice": ["*", "user-*.slice", "*lice"]}),
    (None, {"container": ["0123456789ab*", "0123456789abcdef" * 4, "web", "ABCDEFABCDEF"]}),
    (None, {"cgroup": ["/system.slice/nginx.service{,/**}", "/a.service", "/a.service/**", "/system.slice/**", "/x/**"]}),
]


def test_never_and_shadowed(tmp, args):
    for wanted, rules in COVERS:
        found = found_in(tmp, rules)
        assert found == wanted, f"{json.dumps(rules)}: {found}, not {wanted}"


def test_other_files_and_modes(tmp, args):
    """What is monitored decides no less than what is refused."""
    theirs = {"bailiff": 1, "mode": "monitor", "rules": [rule("b", path="/srv/x")]}
    assert found_in(tmp, [rule("a", path="/srv/x", severity="low")], theirs) == {("shadowed", "b")}
    assert found_in(tmp, [rule("a", path="/srv/x", action="alert", severity="critical")], theirs) == {("shadowed", "a")}
    profile = {"id": "p", "by": {"uid": 7}, "allow": {"exec": []}, "otherwise": "kill"}
    assert found_in(tmp, [rule("a", "exec", by={"uid": 7}), rule("c", "exec", by={"uid": 8})], profiles=[profile]) == {("shadowed", "a")}


def test_names_of_nobody(tmp, args):
    for code, by in CALLED:
        for keys in ({"by": by}, {"unless": {"by": by}}):
            found = found_in(tmp, [rule("a", path="/srv/x", **keys)])
            assert found == ({(code, "a")} if code else set()), f"{keys}: {found}, not {code}"


# ---- what the host can't do without ----------------------------------------------------------------

VITAL = [
    ({"covers-login"}, rule("a", "exec", path="/usr/sbin/sshd")),
    ({"covers-login"}, rule("a", "exec", path=["/usr/bin/{su,sudo}", "/srv/x"])),
    ({"covers-login"}, rule("a", path="/etc/shadow", access="read")),
    ({"covers-login"}, rule("a", path="/etc/passwd", unless={"by": {"exe": "/usr/bin/login"}})),
    ({"covers-login"}, rule("a", "exec", path="/usr/bin/login", action="kill")),
    ({"covers-login"}, rule("a", "exec", path="/usr/sbin/unix_chkpwd", by={"uid": 0})),
    ({"covers-pid1"}, rule("a", "exec", path="/usr/lib/systemd/**")),
    ({"covers-pid1"}, rule("a", path="/etc/fstab")),
    ({"covers-loader"}, rule("a", "exec", path="/lib64/ld-linux*.so*")),
    ({"covers-loader"}, rule("a", path="/etc/ld.so.*")),
    ({"covers-login", "covers-pid1", "covers-loader"}, rule("a", "exec", path="/**")),
    ({"covers-pid1", "covers-login", "covers-loader"}, rule("a", by={"exe": "/usr/**"})),
    (set(), rule("a", path="/etc/shadow", access="modify")),
    (set(), rule("a", path="/etc/shadow", access="read", action="alert")),
    (set(), rule("a", path="/etc/shadow", access="read",
                 unless={"by": {"exe": ["/usr/sbin/{unix_chkpwd,sshd}", "/usr/bin/{login,su,sudo}"]}})),
    (set(), rule("a", "exec", path="/usr/bin/su", by={"uid": 33})),
    (set(), rule("a", "exec", path="/usr/bin/su", by={"uid": "1000-60000"})),
    (set(), rule("a", "exec", path="/usr/bin/bash", by={"exe": "/usr/sbin/nginx"})),
    (set(), rule("a", "exec", path="/**", by={"uid": "1-65535"})),
    (set(), rule("a", path="/lib64/ld-linux*.so*", access="modify")),
    (set(), rule("a", "connect", to="any")),
    # PID 1 is in a unit of its own, in the slice of the root, not in that of services.
    ({"covers-pid1"}, rule("a", path="/etc/fstab", by={"unit": "init.scope"})),
    ({"covers-pid1"}, rule("a", path="/etc/fstab", by={"slice": "-.slice"})),
    ({"covers-pid1"}, rule("a", path="/etc/fstab", by={"cgroup": "/init.scope"})),
    ({"covers-pid1"}, rule("a", path="/etc/fstab", by={"login": "unset", "container": False, "capability": "CAP_SYS_ADMIN"})),
    (set(), rule("a", path="/etc/fstab", by={"unit": "*.service"})),
    (set(), rule("a", path="/etc/fstab", by={"slice": ["system.slice", "user*.slice"]})),
    (set(), rule("a", path="/etc/fstab", by={"cgroup": "/system.slice/**"})),
    (set(), rule("a", path="/etc/fstab", by={"container": True})),
    (set(), rule("a", path="/etc/fstab", by={"login": "0-4294967294"})),
    (set(), rule("a", path="/etc/fstab", unless={"by": {"unit": "init.scope"}})),
    (set(), rule("a", path="/etc/fstab", unless={"by": {"container": False}})),
    ({"covers-login"}, rule("a", path="/etc/shadow", access="read", by={"unit": "getty@*.service"})),
    ({"covers-login"}, rule("a", path="/etc/shadow", access="read", by={"unit": "ssh.service"})),
    ({"covers-login"}, rule("a", "exec", path="/usr/bin/su", by={"unit": "session-*.scope"})),
    ({"covers-login"}, rule("a", "exec", path="/usr/bin/su", by={"login": "0-1000"})),
    # What PID 1 forks for a service is in the service's cgroup before it is started.
    ({"covers-login"}, rule("a", "exec", path="/usr/sbin/agetty", by={"unit": "getty@*.service"})),
    ({"covers-pid1"}, rule("a", "exec", path="/usr/lib/systemd/*", by={"unit": "systemd-*.service"})),
    (set(), rule("a", "exec", path="/usr/lib/systemd/systemd-*", by={"unit": "init.scope"})),
    ({"covers-pid1"}, rule("a", "exec", path="/usr/lib/systemd/*", by={"parent": "/usr/lib/systemd/systemd"})),
    ({"covers-login"}, rule("a", "exec", path="/usr/bin/su", by={"ancestor": "/usr/lib/systemd/systemd"})),
    ({"covers-login"}, rule("a", "exec", path="/usr/bin/su", by={"parent": "/usr/bin/login"})),
    (set(), rule("a", "exec", path="/usr/bin/su", by={"parent": "/usr/lib/systemd/systemd"})),
    (set(), rule("a", path="/etc/fstab", by={"ancestor": "/**"})),
    (set(), rule("a", "exec", path="/usr/bin/su", by={"login": "unset"})),
    (set(), rule("a", path="/etc/shadow", access="read", by={"unit": "nginx.service"})),
]


def test_vital(tmp, args):
    for wanted, each in VITAL:
        for mode in ("enforce", "monitor"):
            found = {code for code, _ in found_in(tmp, [each], mode=mode)}
            assert found - {"missing-exe"} == wanted, f"{json.dumps(each)}: {found}, not {wanted}"


def test_vital_by_way_of_links(tmp, args):
    """A rule on what is a link is one on what it leads to."""
    for folder in ("usr/bin", "usr/sbin"):
        (tmp / "root" / folder).mkdir(parents=True)
    (tmp / "root/bin").symlink_to("usr/bin")
    (tmp / "root/usr/bin/login").write_text("")
    assert found_in(tmp, [rule("a", "exec", path="/bin/login")]) == {("covers-login", "a")}


def test_shipped_policies(tmp, args):
    value = check(ROOT / "rules")
    assert not [each for each in value["diagnostics"] if each["level"] != "note"], value["diagnostics"]


# ---- what is said is true -------------------------------------------------------------------------


def alone(documents, name):
    """The policies with one rule only."""
    kept = []
    for each in documents:
        profiles = [profile for profile in each.get("profiles", []) if name.startswith(profile["id"] + "/")]
        kept.append({**each, "rules": [one for one in each["rules"] if one["id"] == name],
                     "profiles": [{**profile, "allow": {name.rpartition("/")[2]: profile["allow"][name.rpartition("/")[2]]}}
                                  for profile in profiles],
                     "adjust": [one for one in each.get("adjust", []) if one["rule"] == name]})
    return [json.dumps(each) for each in kept]


def near(one, number, rng):
    """A rule that is nearly another one."""
    made = {**one, "id": f"near-{number}", "severity": rng.choice(oracle.SEVERITIES)}
    for key in rng.sample(["by", "unless", "access", "port", "protocol", "file"], rng.randint(0, 3)):
        made.pop(key, None)
    for key in ("path", "to", "unless"):
        if isinstance(made.get(key), list) and rng.random() < 0.4:
            made[key] = made[key][:1]
    return made


def check_claims(seed, index):
    """How often each claim was made."""
    documents = make_policy(seed, index)
    rng = random.Random(f"{seed}/near/{index}")
    for each in documents:
        each.pop("tests", None)
        each["rules"] += [near(rng.choice(each["rules"]), f"{each['name']}-{i}", rng) for i in range(rng.randint(1, 4))]
    texts = [json.dumps(each) for each in documents]
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for i, text in enumerate(texts):
            files.append(pathlib.Path(folder) / f"file{i}.json")
            files[-1].write_text(text)
        value = check("--root", folder, *files)
    claims = [(code, name) for code, name, _ in warnings(value) if code in ("never-matches", "shadowed")]
    rng = random.Random(f"{seed}/lint/{index}")
    reference = oracle.Oracle(texts)
    generator = generate.AccessGenerator(rng, reference.rules)
    accesses = [generator.access() for _ in range(ACCESSES if claims else 0)]
    decided = {reference.decide(access)[1] for access in accesses}
    for code, name in claims:
        if code == "shadowed":
            assert name not in decided, f"policy {index}: {name} is shadowed, and decides"
        else:
            only = oracle.Oracle(alone(documents, name))
            # Most of what is asked is about this rule.
            asked = generate.AccessGenerator(rng, only.rules)
            for access in accesses + [asked.access() for _ in range(ACCESSES)]:
                # To take hold of a program that is excepted is no access that a rule is written for; and it says 'on
                # the host', which a file system of another user namespace is not.
                assert access.on == "trace" or access.untrusted or only.decide(access)[1] is None, f"policy {index}: {name} never matches, and does {access.__dict__}"
    return [sum(code == wanted for code, _ in claims) for wanted in ("never-matches", "shadowed")]


def test_claims_hold(_, args):
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(check_claims, [args.seed] * args.policies, range(args.policies)))
    never, shadowed = map(sum, zip(*counts))
    print(f"# {never} rules that never match, {shadowed} that never decide")
    assert never * 20 > args.policies and shadowed * 4 > args.policies, "too few to tell"


if __name__ == "__main__":
    sys.exit(run_tests(globals(), 200))
