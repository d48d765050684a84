# SPDX-License-Identifier: Apache-2.0
"""Directories are renamed all the time while their files are opened by every name."""

import collections
import json

from evasion import row
from trial import policy, settle

STORM = """
import collections, json, os, sys, time
base = "/srv/s"
stop = time.monotonic() + float(sys.argv[1])
def storm(counts, number):
    a, b = f"{base}/up{number}", f"{base}/moved{number}"
    while time.monotonic() < stop:
        for old, new in ((a, b), (f"{b}/x", f"{b}/z"), (b, a), (f"{a}/z", f"{a}/x")):
            os.rename(old, new); counts["renames"] += 1
def reader(counts, kind, *paths):
    while time.monotonic() < stop:
        for path in paths:
            try:
                os.close(os.open(path, os.O_RDONLY)); counts[kind + " opened"] += 1
            except PermissionError:
                counts[kind + " refused"] += 1
            except FileNotFoundError:
                counts["gone"] += 1
def start(function, *arguments):
    ours, theirs = os.pipe()
    if os.fork() == 0:
        counts = collections.Counter()
        function(counts, *arguments)
        os.write(theirs, json.dumps(counts).encode())
        os._exit(0)
    os.close(theirs)
    return ours
# 'secret' is refused by its last component alone, whatever the directories above are called.
jobs = [(storm, 0), (storm, 1), (reader, "guarded", f"{base}/still/guarded")]
for number in (0, 1):
    places = [f"{base}/{up}{number}/{sub}/" for up in ("up", "moved") for sub in "xz"]
    jobs += [(reader, kind, *[place + kind for place in places]) for kind in ("secret", "decoy")]
total = collections.Counter()
for pipe in [start(*job) for job in jobs]:
    with os.fdopen(pipe) as file:
        total.update(json.load(file))
print(json.dumps(total))
"""

PREPARE = """
rm -rf /srv/s; mkdir -p /srv/s/still /srv/s/up0/x /srv/s/up1/x
echo x > /srv/s/still/guarded
for n in 0 1; do echo x > /srv/s/up$n/x/secret; echo x > /srv/s/up$n/x/decoy; done
"""


def storm(g, seconds):
    """Counts of what became of the opens; what never happened counts 0."""
    return collections.Counter(json.loads(g.run(["python3", "/root/storm.py", str(seconds)], timeout=300).stdout))


@row("A16")
def test_rename_storm(g, seconds=10):
    rules = [{"id": "secret", "on": "open", "access": "read", "path": "/srv/s/**/secret", "action": "deny"},
             {"id": "guarded", "on": "open", "access": "read", "path": "/srv/s/still/guarded", "action": "deny"}]
    g.write("/root/storm.py", STORM)
    try:
        g.sh(PREPARE)
        counts = storm(g, 2)
        assert counts["secret opened"] and counts["guarded opened"] and not counts["secret refused"], counts
        g.sh(PREPARE)
        with policy(g, *rules):
            counts = storm(g, seconds)
            state = json.loads(g.sh("bailiff status --json"))["counters"]
        print(f"# {g.kernel()}: {dict(counts)}; {state}", flush=True)
        assert counts["secret opened"] == 0 and counts["guarded opened"] == 0, counts
        assert counts["secret refused"] and counts["guarded refused"] and counts["decoy opened"], counts
        assert counts["decoy refused"] == 0, counts
    finally:
        g.remove("/srv/s", "/root/storm.py")
        settle(g)
