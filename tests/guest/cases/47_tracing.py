# SPDX-License-Identifier: Apache-2.0
"""Taking hold of a process: whoever traces an excepted program, or starts it traced, acts as it."""

from evasion import row
from trial import check_fields, do, policy, trial, watch

DIR = "/srv/t"
SHELL, PERL = f"{DIR}/shell", f"{DIR}/perl"
PREPARE = f"mkdir -p {DIR}; echo x > {DIR}/secret; cp /bin/dash {SHELL}; cp /usr/bin/perl {PERL}; cp /bin/dash {DIR}/other"
CLEAN = f"rm -rf {DIR}"
RULE = {"id": "secret", "on": "open", "path": f"{DIR}/secret", "action": "deny",
        "unless": {"by": {"exe": [SHELL, PERL]}}}
TRACE_ME = "exit(syscall(101, 0, 0, 0, 0) ? 1 : 0)"
LOOK = f"with held('{SHELL}') as pid:\n [open(f'/proc/{{pid}}/{{f}}', 'rb').read() for f in ('maps', 'environ', 'stat')]\n" \
       " os.readlink(f'/proc/{pid}/exe'); os.kill(pid, 0)"


def ways(program):
    """Deeds that take hold of a process that runs the program, each in one line."""
    hold = f"with held('{program}') as pid: "
    return {
        "attach": hold + "trace_attach(pid)",
        "seize": hold + "trace_seize(pid)",
        "memory": hold + "memory(pid, os.O_RDWR)",
        "memory, to read": hold + "memory(pid, os.O_RDONLY)",
        "vm_readv": hold + "vm_access(pid, SYS_PROCESS_VM_READV)",
        "vm_writev": hold + "vm_access(pid, SYS_PROCESS_VM_WRITEV)",
        "a descriptor": hold + "take_descriptor(pid, 0)",
        "its calls": hold + "read(f'/proc/{pid}/syscall')",
        "started traced": f"traced_start('{program}', trace_me)",
        "started by a traced": f"traced_start('{program}', None)",
        "a script": f"open('{DIR}/script', 'w').write('#!{program}\\n'); os.chmod('{DIR}/script', 0o755); "
                    f"traced_start('{DIR}/script', trace_me)",
    }


@row("B17b")
def test_every_way_to_take_hold(g):
    """By root and by the user whose process it is; reading the secret by it would be the next step."""
    user = {f"{name}, as a user": f"as_user(1000, 1000, [], lambda: None)\n{code}"
            for name, code in ways(SHELL).items() if name in ("attach", "memory", "vm_writev", "started traced")}
    found = trial(g, [RULE], ways(SHELL) | user,
                  allowed={**{f"{name}, of another": code for name, code in ways(f"{DIR}/other").items()},
                           "looking": LOOK, "started": f"sh('{SHELL} -c \"read x < {DIR}/secret\"')"},
                  prepare=PREPARE + f"; chmod 777 {DIR}", clean=CLEAN)
    for event in found:
        check_fields(event, rule="secret", on="exec", access="trace", path=SHELL, verdict="deny")
    assert {event["BAILIFF_HOOK"] for event in found} == {"ptrace_access_check", "bprm_check_security"}


@row("B17b")
def test_gives_itself_away(g):
    """An excepted program asks to be traced by a parent that is none."""
    found = trial(g, [RULE], {"traceme": f"door('{PERL}', '-e', '{TRACE_ME}')"},
                  allowed={"of another": f"door('/usr/bin/perl', '-e', '{TRACE_ME}')"}, prepare=PREPARE, clean=CLEAN)
    check_fields(found[0], hook="ptrace_traceme", access="trace", path=PERL, exe=PERL)


@row("C11d")
def test_core_dumps(g):
    """A signal has the kernel write the memory of an excepted program into a file of the user's."""
    prepare = f"{PREPARE}; echo hidden-word > {DIR}/secret; chmod 644 {DIR}/secret; mkdir -p {DIR}/out; chmod 777 {DIR}/out"
    look = f"assert b'hidden-word' in core_of('{{}}', 'read x < {DIR}/secret', '{DIR}/out/core', {{}})".format
    other = f"core_of('{DIR}/other', 'x=1', '{DIR}/out/core', 1000)"
    again = f"open('{DIR}/out/core', 'w').close(); os.chown('{DIR}/out/core', 1000, 1000); {look(SHELL, 1000)}"
    found = trial(g, [RULE], {"a user": look(SHELL, 1000), "root": look(SHELL, 0), "over another": again},
                  allowed={"of another": other, "a file": f"sh('{SHELL} -c \"echo > {DIR}/out/x\"')"}, prepare=prepare, clean=CLEAN)
    for event in found:
        check_fields(event, rule="secret", on="exec", access="trace", path=SHELL, verdict="deny", hook="inode_create")
    who = [{**RULE, "unless": [*([RULE["unless"]]), {"by": {"uid": 1000}}]}]
    trial(g, who, {"root": look(SHELL, 0)}, allowed={"who is excepted himself": look(SHELL, 1000)}, prepare=prepare, clean=CLEAN)
    found = watch(g, [{**RULE, "action": "alert"}], {"reported": look(SHELL, 1000)}, prepare=prepare, clean=CLEAN)
    check_fields(found[0], access="trace", verdict="alert", hook="inode_create", uid="1000")


@row("B17b")
def test_who_may(g):
    """Those whom the rule does not hold for anyway, or whom the exception is for, and whom another one excepts."""
    attach = "with held('{}') as pid: trace_attach(pid)"
    by_perl = f"with held('{SHELL}') as pid: door('{PERL}', '-e', f'exit(syscall(101, 16, {{pid}}, 0, 0) ? 1 : 0)')"
    trial(g, [RULE], {"stranger": attach.format(SHELL)}, allowed={"excepted itself": by_perl}, prepare=PREPARE, clean=CLEAN)
    as_1000 = f"as_user(1000, 1000, [], lambda: None)\n{attach.format(SHELL)}"
    trial(g, [{**RULE, "by": {"uid": 1000}}], {"the user": as_1000}, allowed={"root": attach.format(SHELL)},
          prepare=PREPARE, clean=CLEAN)
    unless = [{"by": {"exe": SHELL}}, {"by": {"uid": 0}}]
    trial(g, [{**RULE, "unless": unless}], {"the user": as_1000}, allowed={"root": attach.format(SHELL)},
          prepare=PREPARE, clean=CLEAN)
    unless = [{"by": {"exe": SHELL}, "access": "read"}, {"by": {"uid": 0}, "access": "write"}]
    trial(g, [{**RULE, "unless": unless}], {"root, who may do less": attach.format(SHELL)}, prepare=PREPARE, clean=CLEAN)


@row("B17b")
def test_of_every_kind_of_rule(g):
    """Exceptions of rules on exec and on connect are as good as those on open; one that reports reports."""
    attach = {"attach": f"with held('{SHELL}') as pid: trace_attach(pid)"}
    for rule in ({"on": "exec", "path": "/srv/t/other"}, {"on": "connect", "to": "203.0.113.9"},
                 {"on": "connect", "family": "tipc"}, {"on": "connect", "socket": "@none"}):
        trial(g, [{**rule, "id": "secret", "action": "deny", "unless": RULE["unless"]}], attach, prepare=PREPARE, clean=CLEAN)
    found = watch(g, [{**RULE, "action": "alert"}], attach | {"started traced": f"traced_start('{SHELL}', trace_me)"},
                  prepare=PREPARE, clean=CLEAN)
    assert {event["BAILIFF_VERDICT"] for event in found} == {"alert"}
    found = watch(g, [RULE], attach, prepare=PREPARE, clean=CLEAN, mode="monitor")
    assert {event["BAILIFF_VERDICT"] for event in found} == {"would-deny"}


@row("B17b")
def test_containers_have_no_exceptions_to_take(g):
    """A file of that name that only a container has is excepted from nothing, and anybody may trace it."""
    inside = f"own_mounts(); sh('mount -t tmpfs t /mnt; mkdir -p /mnt{DIR}; cp /bin/dash /mnt{SHELL}')\n" \
             f"with held('/mnt{SHELL}') as pid: trace_attach(pid)"
    try:
        g.sh(PREPARE)
        assert do(g, {"inside": inside}) == {"inside": "ok"}
        with policy(g, RULE):
            assert do(g, {"inside": inside}) == {"inside": "ok"}
            # What was let pass there is remembered, and not for the host's program.
            host = f"{inside}\nwith held('{SHELL}') as pid: trace_attach(pid)"
            assert do(g, {"and the host's": host}) == {"and the host's": "EPERM"}
    finally:
        g.sh(CLEAN)
