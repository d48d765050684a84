# SPDX-License-Identifier: Apache-2.0
"""The verifier's report: each program on this kernel, and what the verifier did for it."""

import json

from trial import policy

RULES = [{"id": "exec", "on": "exec", "path": "/srv/none/**", "action": "deny"},
         {"id": "open", "on": "open", "path": "/srv/none/**", "action": "deny"},
         {"id": "connect", "on": "connect", "to": "203.0.113.1", "action": "deny"}]


def test_hooks_are_attached_as_rules_need_them(g):
    def attached():
        hooks = json.loads(g.sh("bailiff status --json"))["hooks"]
        return {hook["hook"] for hook in hooks if hook["attached"]}, {hook["hook"] for hook in hooks}
    before, known = attached()
    assert not before & {"socket_connect", "socket_sendmsg"}, before
    with policy(g, *RULES):
        during, known = attached()
        missing = known - during
    after, _ = attached()
    assert {"file_open", "bprm_check_security", "socket_connect", "socket_sendmsg", "inode_rename",
            "mmap_file"} <= during, during
    assert after == before, after
    print(f"# {g.kernel()}: {len(during)} of {len(known)} hooks attached, not: {sorted(missing)}", flush=True)


def test_verified_instructions(g):
    g.wait_until(lambda: not json.loads(g.sh("bailiff status --json"))["loading"], 600, "all programs to be loaded")
    hooks = [hook for hook in json.loads(g.sh("bailiff status --json"))["hooks"] if hook["available"]]
    assert len(hooks) >= 17, hooks
    for hook in hooks:
        print(f"# {g.kernel()}: {hook['hook']}: {hook['verified_insns']} instructions verified", flush=True)
    absent = [hook["hook"] for hook in hooks if not hook["program_id"] or not hook["verified_insns"]]
    assert not absent, absent
