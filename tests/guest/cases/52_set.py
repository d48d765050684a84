# SPDX-License-Identifier: Apache-2.0
"""What a policy says by names: accounts and files of entries as the host has them at a reload, profiles, adjustments
by other files."""

import json

from trial import check_fields, do, events, policy

SOMEBODY = "as_user({0}, {0}, [], lambda: {1})"


def reload(g):
    return g.run(["bailiff", "reload", "--json"], timeout=300)


def codes(g):
    return {each["code"] for each in json.loads(g.run(["bailiff", "check", "--json"], check=False).stdout)["diagnostics"]}


def test_accounts_are_found_again_at_a_reload(g):
    """Who is not there yet is nobody; once there, a reload is enough, and an exception is for the new number."""
    rules = [{"id": "set-user", "on": "open", "path": "/srv/s/a", "by": {"uid": "trial-user"}, "action": "deny"},
             {"id": "set-group", "on": "open", "path": "/srv/s/b", "unless": {"by": {"gid": "trial-group"}}, "action": "deny"}]
    deeds = {"user": SOMEBODY.format(4567, "read('/srv/s/a')"), "group": SOMEBODY.format(4567, "read('/srv/s/b')"),
             "root": "read('/srv/s/a')"}
    try:
        g.sh("mkdir -p /srv/s; echo x | tee /srv/s/a > /srv/s/b")
        with policy(g, *rules):
            assert do(g, deeds) == {"user": "ok", "group": "EPERM", "root": "ok"}
            assert "unknown-account" in codes(g)
            g.sh("groupadd -g 4567 trial-group; useradd -u 4567 -g 4567 trial-user")
            assert do(g, deeds)["user"] == "ok", "nothing was loaded anew"
            reload(g)
            assert do(g, deeds) == {"user": "EPERM", "group": "ok", "root": "ok"}
            assert "unknown-account" not in codes(g)
    finally:
        g.sh("userdel trial-user; groupdel trial-group; rm -rf /srv/s", check=False)


def test_file_of_entries(g):
    """What it lists is in force from a reload on; one that is broken, or anybody's, leaves in force what was."""
    entries = "/etc/bailiff/lists/trial.txt"
    deeds = {name: f"read('/srv/s/{name}')" for name in "abc"}
    try:
        g.sh("mkdir -p /srv/s /etc/bailiff/lists; for i in a b c; do echo x > /srv/s/$i; done")
        g.write(entries, "# what nobody reads\n/srv/s/a\n")
        with policy(g, {"id": "set-list", "on": "open", "path": "@file:" + entries, "action": "deny"}):
            assert do(g, deeds) == {"a": "EPERM", "b": "ok", "c": "ok"}
            g.write(entries, "/srv/s/b # instead\n  /srv/s/c\t\r\n")
            reload(g)
            after = {"a": "ok", "b": "EPERM", "c": "EPERM"}
            assert do(g, deeds) == after
            for break_it, said in ((f"echo srv/s/a >> {entries}", f"{entries}:3:1"), (f"chmod o+w {entries}", "others than root"),
                                   (f"rm {entries}", "No such file")):
                g.sh(break_it)
                result = g.run(["bailiff", "reload"], check=False, timeout=300)
                assert result.rc == 1 and said in result.stderr, result.describe()
                assert do(g, deeds) == after, break_it
            g.write(entries, "\n")
            result = g.run(["bailiff", "reload"], check=False, timeout=300)
            assert set(do(g, deeds).values()) == {"ok"}, "a list without entries is not everything"
    finally:
        g.sh(f"rm -rf /srv/s {entries}")


def test_profile_and_adjustments(g):
    """All that one subject may do, with what another file changes of it."""
    profile = {"id": "set-profile", "by": {"uid": 4567}, "otherwise": "deny",
               "allow": {"exec": ["/usr/bin/id", "/usr/lib/**", "/lib/**"], "connect": {"socket": "/srv/s/free.sock"}}}
    change = {"bailiff": 1, "adjust": [{"rule": "set-profile/exec", "unless": {"path": "/usr/bin/true"}},
                                       {"rule": "set-other", "enabled": False}, {"rule": "set-third", "action": "alert"}]}
    other = [{"id": f"set-{name}", "on": "open", "path": f"/srv/s/{name}", "action": "deny"} for name in ("other", "third")]
    start = "run('/usr/bin/{}')"
    deeds = {"allowed": SOMEBODY.format(4567, start.format("id")), "refused": SOMEBODY.format(4567, start.format("env")),
             "by the other file": SOMEBODY.format(4567, start.format("true")), "somebody else": SOMEBODY.format(4568, start.format("env")),
             "open, unmentioned": SOMEBODY.format(4567, "read('/srv/s/free')"),
             "socket": SOMEBODY.format(4567, "unix_connect('/run/systemd/journal/stdout')"),
             "internet": SOMEBODY.format(4567, "connect('127.0.0.1', 1)"),
             "packets": SOMEBODY.format(4567, "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
             "disabled": "read('/srv/s/other')", "reported": "read('/srv/s/third')"}
    path = None
    try:
        g.sh("mkdir -p /srv/s; for i in free other third; do echo x > /srv/s/$i; done")
        before = do(g, deeds)
        with policy(g, *other, profiles=[profile]):
            path = g.put_policy("zz-changes", change)
            reload(g)
            since = g.journal_cursor()
            after = do(g, deeds)
            same = ("allowed", "by the other file", "somebody else", "open, unmentioned", "disabled", "reported")
            assert {name: after[name] for name in same} == {name: before[name] for name in same}, (before, after)
            for name in ("refused", "socket", "internet", "packets"):
                assert after[name] == "EPERM" != before[name], (name, before, after)
            found = g.wait_until(lambda: [each for each in events(g, since) if each["BAILIFF_RULE"] == "set-profile/exec"], 60,
                                 "the profile's event")
            check_fields(found[0], on="exec", verdict="deny", rule="set-profile/exec")
            assert [each["BAILIFF_VERDICT"] for each in events(g, since) if each["BAILIFF_RULE"] == "set-third"] == ["alert"]
    finally:
        g.remove("/srv/s", *[path] * bool(path))
        reload(g)
