# SPDX-License-Identifier: Apache-2.0
"""The rules that are shipped: each speaks when what it is about is really done, and none of them at ordinary work."""

import functools
import json
import time

from guest import HERE
from trial import PROGRAMS

RULES = HERE.parents[1] / "rules"
LOUD = ("medium", "high", "critical")
PROGRAM = "/root/intrusions.py"
SLOW_S = 600  # programs that these rules need are loaded, in an emulated guest on a busy host


def need_package(g):
    if g.run(["dpkg-query", "-W", "bailiff"], check=False).rc != 0:
        g.not_applicable("no package was given to the runner (--deb)")


def shipped():
    """All rules by their ids, with the policy that they are of."""
    found = {}
    for path in sorted(RULES.rglob("*.json")):
        policy = json.loads(path.read_text())
        found |= {rule["id"]: {**rule, "policy": policy["name"]} for rule in policy.get("rules", [])}
    return found


def verdicts(g, since):
    return [entry for entry in g.journal("_SYSTEMD_UNIT=bailiffd.service", "_UID=0", since=since) if "BAILIFF_VERDICT" in entry]


def settled(g, since):
    """All verdicts there are, when no more come."""
    found, count = verdicts(g, since), -1
    while len(found) != count:
        count = len(found)
        time.sleep(2)
        found = verdicts(g, since)
    return found


ORDINARY = """
useradd --create-home visitor
echo 'visitor:swordfish' | chpasswd
usermod --comment 'a visitor' visitor
su visitor -c 'echo alias l=ls >> ~/.bashrc; ls -la ~ > /dev/null; mkdir -p ~/src'
printf '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n' > ~visitor/src/hello.c
su visitor -c 'cd ~/src && gcc -o hello hello.c && ./hello > /dev/null && python3 -c "import json, ctypes, socket; socket.socketpair()"'
ldconfig
mkdir -p /root/hello/DEBIAN /root/hello/usr/bin /root/hello/etc/cron.d /root/hello/usr/lib/systemd/system
cp ~visitor/src/hello /root/hello/usr/bin/packs-hello
echo '0 3 * * * root true' > /root/hello/etc/cron.d/packs-hello
printf '[Service]\nExecStart=/usr/bin/packs-hello\n[Install]\nWantedBy=multi-user.target\n' > /root/hello/usr/lib/systemd/system/packs-hello.service
printf 'Package: packs-hello\nVersion: 1\nArchitecture: all\nMaintainer: nobody <a@example.org>\nDescription: hello\n' > /root/hello/DEBIAN/control
printf '#!/bin/sh\nset -e\nuseradd --system packs-hello\ncp /bin/true /tmp/packs-helper; /tmp/packs-helper; rm /tmp/packs-helper\nchmod 4755 /usr/bin/packs-hello\nupdate-alternatives --install /usr/bin/packs-alternative packs-alternative /usr/bin/packs-hello 5\nsystemctl enable packs-hello.service\n' > /root/hello/DEBIAN/postinst
printf '#!/bin/sh\nset -e\nsystemctl disable packs-hello.service\nupdate-alternatives --remove packs-alternative /usr/bin/packs-hello\nuserdel packs-hello\n' > /root/hello/DEBIAN/prerm
chmod 755 /root/hello/DEBIAN/postinst /root/hello/DEBIAN/prerm
dpkg-deb --root-owner-group --build /root/hello /root/hello.deb > /dev/null
dpkg --install /root/hello.deb > /dev/null
systemctl daemon-reload
systemctl start packs-hello.service
systemd-run --quiet --wait --uid=visitor true
dpkg --purge packs-hello > /dev/null
tar -C /home -cf /root/backup.tar visitor
journalctl --rotate
lsblk > /dev/null; df > /dev/null; ps aux > /dev/null; ip address > /dev/null
dmesg > /dev/null
mount -t tmpfs none /mnt; echo data > /mnt/x; umount /mnt
truncate -s 16M /root/disk; mkfs.ext4 -q /root/disk
if modprobe loop; then mount -o loop /root/disk /mnt; umount /mnt; fi
systemd-tmpfiles --create || :
udevadm trigger --subsystem-match=mem
echo data > /dev/shm/data; cat /dev/shm/data > /dev/null; rm /dev/shm/data
userdel --remove visitor 2> /dev/null
rm -rf /root/hello /root/hello.deb /root/backup.tar /root/disk
"""


@functools.cache
def everything(g):
    """What is done, and what came of it: (answers by rule, verdicts of them, what ordinary work says, verdicts of
    that); or why there is nothing. It is done once, for all tests."""
    need_package(g)
    try:
        g.push(PROGRAMS / "intrusions.py", PROGRAM)
        g.run(["python3", PROGRAM, "prepare"])
        g.unmask_packs()
        g.run(["bailiff", "reload"], timeout=SLOW_S)
        start = g.journal_cursor()
        g.run(["/bin/sh", "-euc", ORDINARY], timeout=SLOW_S)
        ordinary = settled(g, start)
        start = g.journal_cursor()
        answers = json.loads(g.run(["python3", PROGRAM, "act"], timeout=SLOW_S).stdout)
        return answers, settled(g, start), ordinary
    except Exception as error:  # each test tells it, none tries again
        return error
    finally:
        g.mask_packs()
        g.run(["python3", PROGRAM, "clean"], check=False)
        g.run(["bailiff", "reload"], timeout=SLOW_S)


def results(g):
    found = everything(g)
    if isinstance(found, Exception):
        raise found
    return found


def told(entry):
    return f"{entry['BAILIFF_RULE']} ({entry['BAILIFF_SEVERITY']}): {entry['MESSAGE']}"


def test_each_rule_has_an_action(g):
    answers, _, _ = results(g)
    assert answers.keys() == shipped().keys(), answers.keys() ^ shipped().keys()
    failed = {rule: answer for rule, (_, answer) in answers.items() if answer != "ok"}
    assert not failed, failed


def test_each_rule_speaks_and_no_other(g):
    answers, found, _ = results(g)
    rules, wrong = shipped(), []
    for rule, (group, _) in answers.items():
        own = [entry for entry in found if entry["BAILIFF_CGROUP"] == group]
        if rule not in {entry["BAILIFF_RULE"] for entry in own}:
            wrong.append(f"{rule} is silent; there is {[told(entry) for entry in own]}")
        wrong += [f"{rule}: besides {told(entry)}" for entry in own
                  if entry["BAILIFF_RULE"] != rule and entry["BAILIFF_SEVERITY"] in LOUD
                  and rules[entry["BAILIFF_RULE"]]["policy"] != "strict"]
        wrong += [f"{rule}: {entry['MESSAGE']}" for entry in own if entry["BAILIFF_VERDICT"] != "alert"]
    assert not wrong, "\n".join(wrong)


def test_ordinary_work_is_silent(g):
    _, _, ordinary = results(g)
    rules = shipped()
    loud = [told(entry) for entry in ordinary if entry["BAILIFF_SEVERITY"] in LOUD and rules[entry["BAILIFF_RULE"]]["policy"] != "strict"]
    assert not loud, "\n".join(sorted(set(loud)))


def test_nothing_beside_the_actions(g):
    """What the guest does by itself in the meantime is no reason to speak."""
    answers, found, _ = results(g)
    rules, groups = shipped(), {group for group, _ in answers.values()}
    loud = [told(entry) for entry in found if entry["BAILIFF_CGROUP"] not in groups and entry["BAILIFF_SEVERITY"] in LOUD
            and rules[entry["BAILIFF_RULE"]]["policy"] != "strict"]
    assert not loud, "\n".join(sorted(set(loud)))


def test_catalog_explains(g):
    results(g)
    shown = g.run(["journalctl", "-x", "-u", "bailiffd", "--no-pager", "BAILIFF_RULE=base-exec-in-shared-memory"]).stdout
    assert "Subject:" in shown and "/dev/shm/packs" in shown, shown
