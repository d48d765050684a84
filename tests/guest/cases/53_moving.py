# SPDX-License-Identifier: Apache-2.0
"""Names that move: the paths of rules are followed anew when a symbolic link or a mount in them changes, by the policy
that is in force, and what is not there yet is told."""

import json

from trial import do, policy

TREE = """
mkdir -p /srv/v/one /srv/v/two /srv/v/three
for i in one two three; do echo x > /srv/v/$i/file; done
ln -s one /srv/v/current
"""
CLEAN = "umount /srv/v 2> /dev/null || :; rm -rf /srv/v"
DEEDS = {name: f"as_user(2000, 2000, [], lambda: read('/srv/v/{name}/file'))" for name in ("one", "two", "three")}


def rule(path, name="moving", **more):
    return {"id": name, "on": "open", "access": "read", "path": path, "by": {"uid": 2000}, "action": "deny", **more}


def status(g):
    return json.loads(g.sh("bailiff status --json"))


def generation(g):
    return status(g)["policy"]["generation"]


def refused(g, deeds=None):
    return {name for name, answer in do(g, deeds or DEEDS).items() if answer == "EPERM"}


def must_become(g, wanted):
    g.wait_until(lambda: refused(g) == wanted, 20, f"{wanted} to be refused and nothing else; it is {refused(g)}")


def test_link_leads_elsewhere(g):
    """What the link leads to now is guarded and what it led to is not, each time; the rules are those in force, though
    their file is broken by now."""
    try:
        g.sh(TREE)
        with policy(g, rule("/srv/v/current/file")) as since:
            assert refused(g) == {"one"}
            before = generation(g)
            g.write("/etc/bailiff/policy.d/trial.json", "{ half of an edit")
            g.sh("ln -sfn two /srv/v/current")
            must_become(g, {"two"})
            g.sh("ln -sfn /srv/v/three /srv/v/new; mv -T /srv/v/new /srv/v/current")
            must_become(g, {"three"})
            g.sh("rm /srv/v/current")
            must_become(g, set())
            g.sh("ln -s one /srv/v/current")
            must_become(g, {"one"})
            assert generation(g) == before + 4
            assert [each["MESSAGE"] for each in g.journal("-u", "bailiffd", since=since)
                    if "followed anew" in each["MESSAGE"]], "not said in the journal"
            assert g.run(["bailiff", "reload"], check=False).rc == 1
            assert refused(g) == {"one"}
    finally:
        g.sh(CLEAN)


def test_link_where_nothing_was(g):
    """Nothing of the path is there when the rule is loaded; status says so until there is."""
    try:
        g.sh(TREE)
        with policy(g, rule("/srv/v/late/deep/file")):
            assert refused(g) == set()
            absent = [each for each in status(g)["absent"] if each["rule"] == "moving"]
            assert absent and absent[0]["paths"] == ["/srv/v/late/deep/file"] and absent[0]["key"] == "path", absent
            assert "/srv/v/late/deep/file" in g.sh("bailiff status")
            g.sh("mkdir /srv/v/late")
            g.sh("ln -s ../two /srv/v/late/deep")
            must_become(g, {"two"})
            assert "moving" not in {each["rule"] for each in status(g)["absent"]}
    finally:
        g.sh(CLEAN)


def test_what_comes_is_guarded_at_once(g):
    """No link, only something new of that name: from its first instant, and status sees it the next time."""
    deed = {"new": "os.makedirs('/srv/v/place'); open('/srv/v/place/x', 'w').close()\n"
                   "as_user(2000, 2000, [], lambda: read('/srv/v/place/x'))"}
    try:
        g.sh(TREE)
        with policy(g, rule("/srv/v/place/**"), rule("/srv/v/one/file", "there"),
                    rule("/srv/v/one/file", "nobody", by={"exe": "/srv/v/none/tool"})):
            absent = {each["rule"]: each["key"] for each in status(g)["absent"]}
            assert absent.get("moving") == "path" and absent.get("nobody") == "by.exe" and "there" not in absent, absent
            assert refused(g, deed) == {"new"}
            assert "moving" not in {each["rule"] for each in status(g)["absent"]}
    finally:
        g.sh(CLEAN)


def test_mount_over_a_link(g):
    """A mount shows another link at the same path, and its end the first one again."""
    try:
        g.sh(TREE)
        with policy(g, rule("/srv/v/current/file")):
            assert refused(g) == {"one"}
            g.sh("mount -t tmpfs t /srv/v; mkdir /srv/v/one /srv/v/two /srv/v/three; "
                 "for i in one two three; do echo x > /srv/v/$i/file; done; ln -s two /srv/v/current")
            must_become(g, {"two"})
            g.sh("umount /srv/v")
            must_become(g, {"one"})
    finally:
        g.sh(CLEAN)


def test_others_change_nothing(g):
    """Whoever may write where a path leads through, but is not root, has no link followed and nothing loaded over
    and over."""
    storm = "def storm():\n os.chdir('/srv/v/open')\n for i in range(500):\n" \
            "  os.mkdir('x'); os.rmdir('x'); os.symlink('../two', 'x'); os.unlink('x'); open('x', 'w').close(); os.unlink('x')\n" \
            "as_user(2000, 2000, [], storm)"
    try:
        g.sh(TREE + "mkdir /srv/v/open; chmod 1777 /srv/v/open")
        with policy(g, rule("/srv/v/open/x/file")):
            before = generation(g)
            assert do(g, {"storm": storm}) == {"storm": "ok"}
            g.sh("runuser -u nobody -- ln -s ../two /srv/v/open/x; sleep 3")
            assert refused(g) == set() and generation(g) == before
    finally:
        g.sh(CLEAN)
