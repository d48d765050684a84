# SPDX-License-Identifier: Apache-2.0
"""What an event says of who acts: as much of a process that is gone at once as of one that stays."""

from trial import check_fields, events, policy

RULE = {"id": "told", "on": "open", "access": "read", "path": "/srv/c/denied", "action": "deny"}
# Asks for the file; what follows are arguments that it never looks at.
ASK = "try:\n open('/srv/c/denied')\nexcept PermissionError:\n pass"
# Asks itself, and has a shell start another one, in another directory.
CHAIN = f"""
import os, subprocess
{ASK}
os.chdir("/srv/c/below")
subprocess.run(["/bin/sh", "-c", 'python3 /srv/c/ask.py --password hunter2 TOKEN=abc=def "a b" --verbose plain; true'], check=True)
"""


def prepare(g):
    g.sh("mkdir -p /srv/c/below; echo x > /srv/c/denied")
    g.write("/srv/c/ask.py", ASK)
    g.write("/srv/c/chain.py", CHAIN)


def asked(g, since, count, *matches):
    return g.wait_until(lambda: (seen := events(g, since, *matches)) and len(seen) >= count and seen, 60, "the events")


def test_who_and_where_from(g):
    prepare(g)
    python = g.sh("readlink -f /usr/bin/python3").strip()
    shell = g.sh("readlink -f /bin/sh").strip()
    fs_type = g.sh("stat -f -c %T /srv/c; findmnt -n -o FSTYPE -T /srv/c").split()[-1]
    full = g.sh("sed -n 's/^CapEff:.//p' /proc/self/status").strip()
    try:
        with policy(g, RULE) as since:
            g.run("cd /srv/c && python3 /srv/c/chain.py")
            mother, child = asked(g, since, 2)
        check_fields(child, exe=python, parent_exe=shell, cwd="/srv/c/below", ancestor_1_exe=python, ancestor_1_pid=mother["BAILIFF_PID"],
                     cmdline="python3 /srv/c/ask.py --password *** TOKEN=*** a b --verbose plain", filesystem_type=fs_type,
                     capabilities=full, inner_pid=child["BAILIFF_PID"])
        assert "BAILIFF_CMDLINE_HEX" not in child and "hunter2" not in str({key: value for key, value in child.items() if key.startswith("BAILIFF_")})
        check_fields(mother, cwd="/srv/c", cmdline="python3 /srv/c/chain.py")
        assert "BAILIFF_ANCESTOR_2_PID" in child and child["BAILIFF_ANCESTOR_2_PID"] == mother["BAILIFF_PPID"], child
        assert "BAILIFF_TRUNCATED" not in child, child
        # Names for processes that are theirs for ever.
        boot, pid, start = mother["BAILIFF_PROCESS_ID"].split("-")
        assert (child["_BOOT_ID"].startswith(boot), int(pid, 16), int(start, 16)) == \
            (True, int(mother["BAILIFF_PID"]), int(mother["BAILIFF_START_NS"])), mother
        assert child["BAILIFF_PROCESS_ID"] != mother["BAILIFF_PROCESS_ID"]
    finally:
        g.remove("/srv/c")


def test_parents_have_the_same_name(g):
    """What a process is called is what its children say of their parent."""
    prepare(g)
    g.write("/srv/c/fork.py", f"import os\n{ASK}\nif not os.fork():\n  exec(open('/srv/c/ask.py').read())\n  os._exit(0)\nos.wait()\n")
    try:
        with policy(g, RULE) as since:
            g.run("python3 /srv/c/fork.py")
            mother, child = asked(g, since, 2)
        assert child["BAILIFF_PARENT_PROCESS_ID"] == mother["BAILIFF_PROCESS_ID"], (mother, child)
    finally:
        g.remove("/srv/c")


def test_namespaces_and_rights(g):
    prepare(g)
    own = {kind: g.sh(f"readlink /proc/1/ns/{kind}").strip().strip("]").split("[")[1] for kind in ("pid", "mnt", "net", "user")}
    try:
        with policy(g, RULE) as since:
            g.run("python3 /srv/c/ask.py")
            g.run("unshare --pid --fork --net --mount python3 /srv/c/ask.py")
            g.run("setpriv --reuid=1000 --regid=1000 --clear-groups python3 /srv/c/ask.py 'two  words' ''")
            plain, apart, user = asked(g, since, 3)
        check_fields(plain, pid_namespace=own["pid"], mount_namespace=own["mnt"], net_namespace=own["net"], user_namespace=own["user"])
        check_fields(apart, inner_pid="1", user_namespace=own["user"])
        for kind, name in (("pid", "PID"), ("mnt", "MOUNT"), ("net", "NET")):
            assert apart[f"BAILIFF_{name}_NAMESPACE"] != own[kind], apart
        check_fields(user, uid="1000", capabilities="0" * 16, cmdline="python3 /srv/c/ask.py two  words ",
                     cmdline_hex=b"python3\0/srv/c/ask.py\0two  words\0\0".hex())
        assert "BAILIFF_CMDLINE_HEX" not in plain
    finally:
        g.remove("/srv/c")


def test_long_arguments_are_cut(g):
    prepare(g)
    try:
        with policy(g, RULE) as since:
            g.run("python3 /srv/c/ask.py " + "x" * 3000)
            found = asked(g, since, 1)[0]
        assert found["BAILIFF_CMDLINE"].startswith("python3 /srv/c/ask.py xxx") and len(found["BAILIFF_CMDLINE"]) <= 1024
        check_fields(found, truncated="cmdline")
    finally:
        g.remove("/srv/c")
