# SPDX-License-Identifier: Apache-2.0
"""by.parent and by.ancestor: what a process comes from stays, whatever becomes of it."""

from trial import events, policy, push_program

PREPARE = """
mkdir -p /srv/a /tmp/copies
for name in root plain second sub/deep; do mkdir -p $(dirname /srv/a/$name); cp /root/descend /srv/a/$name; done
echo secret > /srv/a/secret; echo private > /srv/a/private
"""

ANCESTOR = {"id": "ancestor", "on": "open", "path": "/srv/a/secret", "access": "read",
            "by": {"ancestor": "/srv/a/root"}, "action": "deny"}
PARENT = {"id": "parent", "on": "open", "path": "/srv/a/private", "access": "read",
          "by": {"parent": "/srv/a/root"}, "action": "deny"}

# From a process of /srv/a/root; {} is what is opened and where it is told.
WAYS = {
    "itself": ("", "ok", "ok"),
    "a child": ("fork", "EPERM", "EPERM"),
    "a grandchild": ("fork fork", "EPERM", "EPERM"),
    "a child that is an orphan": ("orphan", "EPERM", "EPERM"),
    "a daemon": ("orphan setsid orphan", "EPERM", "EPERM"),
    "another program": ("exec /srv/a/plain", "EPERM", "ok"),
    "another program's child": ("exec /srv/a/plain fork", "EPERM", "ok"),
    "a child's program": ("fork exec /srv/a/plain", "EPERM", "EPERM"),
    "a child's program by vfork": ("vfork /srv/a/plain", "EPERM", "EPERM"),
    "a chain of programs": ("exec /srv/a/plain exec /srv/a/second exec /srv/a/plain", "EPERM", "ok"),
    "a daemon's program": ("orphan setsid orphan exec /srv/a/plain orphan", "EPERM", "ok"),
    "a sibling": ("clone-parent", "EPERM", "EPERM"),
    "a sibling's program": ("clone-parent exec /srv/a/plain", "EPERM", "EPERM"),
    "a thread's program": ("thread /srv/a/plain", "EPERM", "ok"),
    "a child's thread's program": ("fork thread /srv/a/plain", "EPERM", "EPERM"),
    "a thread's child": ("thread-fork", "EPERM", "EPERM"),
    "below a subreaper": ("exec /srv/a/plain subreaper fork orphan", "EPERM", "ok"),
    "many programs": ("copies 100 exec /srv/a/plain", "EPERM", "ok"),
}


def descend(g, program, steps, path="/srv/a/secret", background=False):
    """What comes of an open at the end of some steps."""
    g.sh("rm -f /tmp/out")
    g.sh(f"{program} {steps} open {path} /tmp/out " + (">/dev/null 2>&1 </dev/null &" if background else "; true"))
    return lambda: g.wait_until(lambda: g.sh("cat /tmp/out 2>/dev/null || true"), 60, f"the end of {steps}")


def arrived(g, program, count=1):
    """Waits until so many processes run a program."""
    seen = f"ls -l /proc/[0-9]*/exe 2>/dev/null | grep -c -- '-> {program}$' || true"
    g.wait_until(lambda: int(g.sh(seen)) >= count, 120, f"{count} of {program}")


def ask(g, program, steps, path="/srv/a/secret"):
    return descend(g, program, steps, path)()


def prepared(g):
    push_program(g, "descend", "/root/descend", "-static", "-pthread")
    g.sh(PREPARE)


def clean(g):
    g.sh("rm -rf /srv/a /tmp/copies /tmp/out /tmp/go")


def test_no_way_sheds_it(g):
    prepared(g)
    try:
        for steps, _, _ in WAYS.values():
            assert ask(g, "/srv/a/root", steps) == "ok", steps
        with policy(g, ANCESTOR, PARENT) as since:
            found = {way: (ask(g, "/srv/a/root", steps), ask(g, "/srv/a/root", steps, "/srv/a/private"))
                     for way, (steps, _, _) in WAYS.items()}
            by_thread = g.sh("rm -f /tmp/out; /srv/a/root fork thread-open /srv/a/secret /tmp/out; cat /tmp/out")
            others = {steps: ask(g, "/srv/a/plain", steps)
                      for steps in ("", "fork", "orphan", "exec /srv/a/second", "thread /srv/a/second", "copies 70")}
            later = ask(g, "/srv/a/plain", "exec /srv/a/root", "/srv/a/private")
            told = g.wait_until(lambda: events(g, since), 60, "verdicts")
        wrong = {way: answer for way, answer in found.items() if answer != WAYS[way][1:]}
        assert not wrong and by_thread == "EPERM", (wrong, by_thread)
        assert set(others.values()) == {"ok"} and later == "ok", (others, later)
        assert {event["BAILIFF_RULE"] for event in told} == {"ancestor", "parent"}, told
    finally:
        clean(g)


def test_what_there_was_before_the_rules(g):
    """Processes from before have their parents' programs; what their parents ran before is not known."""
    prepared(g)
    try:
        ways = {"child": "fork await /tmp/go", "grandchild": "fork fork await /tmp/go",
                "later orphan": "fork await /tmp/go orphan", "child that is started later": "await /tmp/go fork",
                "later program": "fork await /tmp/go exec /srv/a/plain"}
        for way, steps in ways.items():
            g.sh("rm -f /tmp/go")
            result = descend(g, "/srv/a/root", steps, background=True)
            g.sh("sleep 0.5")
            with policy(g, ANCESTOR):
                g.sh("touch /tmp/go")
                assert result() == "EPERM", way
        g.sh("rm -f /tmp/go")
        result = descend(g, "/srv/a/plain", "fork fork await /tmp/go", background=True)
        g.sh("sleep 0.5")
        with policy(g, ANCESTOR):
            g.sh("touch /tmp/go")
            assert result() == "ok"
    finally:
        clean(g)


def test_reload_keeps_it(g):
    """Another policy knows what came before it, by its own rules: an ancestor that is no more, and that the
    policy before said nothing of."""
    prepared(g)
    try:
        steps = "orphan setsid exec /srv/a/plain orphan await /tmp/go"
        other = {**ANCESTOR, "by": {"ancestor": "/srv/a/second"}}
        with policy(g, other):
            result = descend(g, "/srv/a/root", steps, background=True)
            arrived(g, "/srv/a/plain")
            g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": "enforce", "rules": [ANCESTOR]})
            g.run(["bailiff", "reload"])
            g.sh("touch /tmp/go")
            assert result() == "EPERM"
            g.sh("rm /tmp/go")
            result = descend(g, "/srv/a/root", steps, background=True)
            arrived(g, "/srv/a/plain")
            g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": "enforce", "rules": [other]})
            g.run(["bailiff", "reload"])
            g.sh("touch /tmp/go")
            assert result() == "ok"
    finally:
        clean(g)


def test_other_names_of_an_ancestor(g):
    """A rule on a bind mount of the program, and on a hard link of it, as for 'exe'; and after a reload."""
    prepared(g)
    g.sh("mkdir -p /srv/b; mount --bind /srv/a /srv/b; ln /srv/a/root /srv/a/linked")
    try:
        for name in ("/srv/b/root", "/srv/a/linked"):
            rule = {**ANCESTOR, "by": {"ancestor": name}}
            with policy(g, {**ANCESTOR, "by": {"ancestor": "/srv/none"}}):
                g.sh("rm -f /tmp/go")
                result = descend(g, "/srv/a/root", "orphan exec /srv/a/plain await /tmp/go", background=True)
                arrived(g, "/srv/a/plain")
                g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": "enforce", "rules": [rule]})
                g.run(["bailiff", "reload"])
                g.sh("touch /tmp/go")
                assert result() == "EPERM", name
                assert ask(g, "/srv/a/root", "orphan exec /srv/a/plain") == "EPERM", name
    finally:
        g.sh("umount /srv/b; rmdir /srv/b")
        clean(g)


def test_exceptions(g):
    """An exception for what comes from a program, of all that is refused to."""
    prepared(g)
    rule = {**ANCESTOR, "by": {"uid": 0}, "unless": [{"by": {"ancestor": "/srv/a/root"}}]}
    try:
        with policy(g, rule):
            assert ask(g, "/srv/a/root", "fork") == "ok"
            assert ask(g, "/srv/a/root", "orphan exec /srv/a/plain") == "ok"
            assert ask(g, "/srv/a/root", "") == "EPERM"
            assert ask(g, "/srv/a/plain", "fork") == "EPERM"
            # Too many programs: what is not kept may be any, but not under the policy that saw it.
            assert ask(g, "/srv/a/plain", "copies 80 exec /srv/a/root fork") == "ok"
    finally:
        clean(g)


def test_more_than_can_be_kept(g):
    """Of whoever has run more programs than are kept anything may be an ancestor, once another policy asks."""
    prepared(g)
    other = {**ANCESTOR, "by": {"ancestor": "/srv/none"}}
    grant = {**ANCESTOR, "by": {"uid": 0}, "unless": [{"by": {"ancestor": "/srv/a/root"}}]}
    try:
        ways = ((ANCESTOR, "copies 70 exec /srv/a/second await /tmp/go", "EPERM"),
                (ANCESTOR, "copies 40 exec /srv/a/second await /tmp/go", "ok"),
                # What was kept is known to be an ancestor, what was not may be none.
                (grant, "exec /srv/a/root copies 70 exec /srv/a/second await /tmp/go", "ok"),
                (grant, "copies 70 exec /srv/a/root exec /srv/a/second await /tmp/go", "EPERM"))
        for rule, steps, expected in ways:
            with policy(g, other):
                g.sh("rm -f /tmp/go")
                result = descend(g, "/srv/a/plain", steps, background=True)
                arrived(g, "/srv/a/second")
                g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": "enforce", "rules": [rule]})
                g.run(["bailiff", "reload"])
                g.sh("touch /tmp/go")
                assert result() == expected, (rule, steps)
    finally:
        clean(g)


def test_a_flood_of_programs(g):
    """Whoever starts any number of programs has no room for more, and leaves all others theirs."""
    prepared(g)
    other = {**ANCESTOR, "by": {"ancestor": "/srv/none"}}
    user = "setpriv --reuid 1500 --clear-groups"
    g.sh("chown -R 1500 /tmp/copies; cp /root/descend /tmp/copies/own; chown 1500 /tmp/copies/own; "
         "cp -p /tmp/copies/own /tmp/copies/later; cp /root/descend /srv/a/fresh; mkdir -m 777 /tmp/told")
    try:
        with policy(g, other):
            g.sh(f"{user} /tmp/copies/own copies 640 open /srv/a/secret /tmp/told/flood")
            for name, start in (("theirs", f"{user} /tmp/copies/later"), ("ours", "/srv/a/fresh")):
                g.sh(f"rm -f /tmp/go; {start} exec /srv/a/plain await /tmp/go open /srv/a/secret /tmp/told/{name} "
                     "> /dev/null 2>&1 < /dev/null &")
            arrived(g, "/srv/a/plain", 2)
            g.put_policy("trial", {"bailiff": 1, "name": "trial", "mode": "enforce", "rules": [ANCESTOR]})
            g.run(["bailiff", "reload"])
            g.sh("touch /tmp/go")
            told = {name: g.wait_until(lambda: g.sh(f"cat /tmp/told/{name} 2>/dev/null || true"), 60, name)
                    for name in ("theirs", "ours")}
            assert told == {"theirs": "EPERM", "ours": "ok"}, told
    finally:
        g.sh("rm -rf /tmp/told")
        clean(g)


def test_rules_that_come_and_go(g):
    """What a process comes from stays while no rule asks; a program that it has started meanwhile is all that
    is missing."""
    prepared(g)
    try:
        for steps, expected in (("orphan await /tmp/go", "EPERM"),
                                ("fork await /tmp/once exec /srv/a/plain await /tmp/go", "EPERM"),
                                ("orphan await /tmp/once exec /srv/a/plain await /tmp/go", "ok")):
            g.sh("rm -f /tmp/go /tmp/once")
            with policy(g, ANCESTOR):
                result = descend(g, "/srv/a/root", steps, background=True)
                g.sh("sleep 0.5")
            g.sh("touch /tmp/once; sleep 1")
            with policy(g, ANCESTOR):
                g.sh("touch /tmp/go")
                assert result() == expected, steps
    finally:
        g.sh("rm -f /tmp/once")
        clean(g)


def test_containers(g):
    """In a file system of its own a program is what it is called there: for rules, and for no exception."""
    prepared(g)
    g.sh("mkdir -p /srv/c; mount -t tmpfs none /srv/c; mkdir -p /srv/c/srv/a /srv/c/tmp /srv/c/host; "
         "cp /root/descend /srv/c/srv/a/root; cp /root/descend /srv/c/srv/a/plain")
    enter = "unshare -m sh -c 'mount --make-rprivate /; mount --bind /tmp /srv/c/tmp; mount --bind /srv/a /srv/c/host; " \
            "cd /srv/c; pivot_root . host2 2>/dev/null; exec chroot /srv/c /srv/a/root {} open /host/secret /tmp/out'"
    grant = {**ANCESTOR, "by": {"uid": 0}, "unless": [{"by": {"ancestor": "/srv/a/root"}}]}

    def inside(steps):
        g.sh("rm -f /tmp/out")
        g.sh(enter.format(steps))
        return g.wait_until(lambda: g.sh("cat /tmp/out 2>/dev/null || true"), 60, steps)
    try:
        g.sh("mkdir -p /tmp/image; mount --move /srv/c /tmp/image 2>/dev/null || true; "
             "mountpoint -q /srv/c || mount --move /tmp/image /srv/c")
        assert inside("fork exec /srv/a/plain") == "ok"
        # The tmpfs is one of the host's mounts: its root is called /srv/c there.
        with policy(g, {**ANCESTOR, "by": {"ancestor": "/srv/c/srv/a/root"}}):
            assert inside("fork exec /srv/a/plain") == "EPERM"
        own = "unshare -m sh -c 'mount --make-rprivate /; mkdir -p /tmp/own; mount -t tmpfs none /tmp/own; " \
              "mkdir -p /tmp/own/srv/a /tmp/own/out /tmp/own/host; cp /root/descend /tmp/own/srv/a/root; " \
              "cp /root/descend /tmp/own/srv/a/plain; mount --bind /srv/a /tmp/own/host; mkdir -p /srv/out; " \
              "mount --bind /srv/out /tmp/own/out; " \
              "exec chroot /tmp/own /srv/a/root fork exec /srv/a/plain open /host/secret /out/it'"
        for rule, expected in ((ANCESTOR, "EPERM"), (grant, "EPERM")):
            g.sh("rm -rf /srv/out")
            with policy(g, rule):
                g.sh(own)
                assert g.sh("cat /srv/out/it") == expected, rule
    finally:
        g.sh("umount /srv/c; rm -rf /srv/c /srv/out /tmp/own /tmp/image")
        clean(g)


def test_helpers_of_the_kernel_come_from_nobody(g):
    """They are no descendants of whoever has them started: here by a crash."""
    prepared(g)
    g.sh("cat /proc/sys/kernel/core_pattern > /tmp/pattern")
    try:
        with policy(g, {**ANCESTOR, "by": {"ancestor": ["/srv/a/**", "/bin/sh"]}}):
            g.sh("rm -f /tmp/out; echo '|/srv/a/plain open /srv/a/secret /tmp/out' > /proc/sys/kernel/core_pattern; "
                 "sh -c 'kill -SEGV $$' || true")
            assert g.wait_until(lambda: g.sh("cat /tmp/out 2>/dev/null || true"), 60, "the helper") == "ok"
    finally:
        g.sh("cat /tmp/pattern > /proc/sys/kernel/core_pattern; rm -f /tmp/pattern")
        clean(g)
