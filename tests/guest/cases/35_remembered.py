# SPDX-License-Identifier: Apache-2.0
"""What bailiff remembers of earlier answers never answers for somebody or something else."""

from testguest import TestGuest
from trial import policy, push_program, trial

NOBODY = 4242
ADDRESS = "127.0.0.77"
PLACE = "/srv/remembered"
PROGRAM = f"{PLACE}/turncoat"
ROUNDS = 300


def test_credentials_threads_and_programs(g: TestGuest) -> None:
    """Root may, and does so until it is remembered; another user and another program may not, at
    addresses of credentials that were root's a moment ago."""
    push_program(g, "turncoat", PROGRAM, "-static", "-pthread")
    g.sh(f"cp {PROGRAM} {PROGRAM}-refused; echo secret > {PLACE}/file; chmod 755 {PLACE}; chmod 644 {PLACE}/file")
    rules = [{"id": "file", "on": "open", "path": f"{PLACE}/file", "access": "read", "by": {"uid": NOBODY},
              "action": "deny"},
             {"id": "peer", "on": "connect", "to": ADDRESS, "by": {"uid": NOBODY}, "action": "deny"},
             {"id": "program", "on": "open", "path": f"{PLACE}/file", "by": {"exe": f"{PROGRAM}-refused"},
              "action": "deny"}]
    try:
        with policy(g, *rules):
            result = g.run([PROGRAM, f"{PLACE}/file", ADDRESS, str(NOBODY), str(ROUNDS)], check=False,
                           timeout=300)
            assert result.rc == 0, result.describe()
            right = int(result.stdout.split()[1])
            # root three times, its thread three times, then as another, the child, two programs
            assert right == ROUNDS * (5 * 6 + 6 + 3), result.describe()
    finally:
        g.remove(PLACE)


def test_names_that_come_without_a_rename(g: TestGuest) -> None:
    """A file that was looked at by a free name gets the guarded one by link(2), and loses the free one:
    nothing was renamed, and its inode is what it was."""
    look = "".join(f"open('{PLACE}/free').close();" for _ in range(4))
    deed = (f"{look} os.link('{PLACE}/free', '{PLACE}/g/guarded'); os.unlink('{PLACE}/free');"
            f"open('{PLACE}/g/guarded').close()")
    held = (f"f = open('{PLACE}/free'); {look} os.link('{PLACE}/free', '{PLACE}/g/guarded');"
            f"os.unlink('{PLACE}/free'); open('/proc/self/fd/%d' % f.fileno()).close(); f.close();"
            f"open('{PLACE}/g/guarded').close()")
    back = (f"{look} os.rename('{PLACE}/free', '{PLACE}/g/guarded'); open('{PLACE}/g/guarded').close()")
    rules = [{"id": "guarded", "on": "open", "path": f"{PLACE}/g/guarded", "access": "read", "action": "deny"}]
    for name, code in {"linked": deed, "held": held, "renamed": back}.items():
        trial(g, rules, {name: code}, prepare=f"mkdir -p {PLACE}/g; echo x > {PLACE}/free",
              clean=f"rm -rf {PLACE}")
