# SPDX-License-Identifier: Apache-2.0
"""Journals of a test's own: entries as bailiffd makes them, in the export format or as a journal file."""

import pathlib
import shutil
import subprocess

import cli_check as cli

BOOT = "0123456789abcdef0123456789abcdef"
RUN = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
REMOTE = "/lib/systemd/systemd-journal-remote"
T0 = 1767323045000006  # 2026-01-02T03:04:05.000006Z, in microseconds
BOOTTIME = 1000000000123456  # of that instant, in nanoseconds

ROOT = pathlib.Path(__file__).resolve().parents[2]


def message_ids():
    """The ids of audit/message.c by the names of audit/message.h, which are the words of kinds here."""
    import re
    text = (ROOT / "audit/message.c").read_text()
    return {name.lower().replace("_", "-"): value
            for name, value in re.findall(r'\[BL_MESSAGE_(\w+)\] = "(\w+)"', text)}


IDS = message_ids()


def common(kind, at, **more):
    """What journald and the header of every entry say; at is in seconds after T0."""
    return {"_BOOT_ID": BOOT, "_MACHINE_ID": "fedcba9876543210fedcba9876543210", "_HOSTNAME": "guest", "_UID": "0",
            "_SYSTEMD_UNIT": "bailiffd.service", "_SYSTEMD_INVOCATION_ID": RUN, "MESSAGE_ID": IDS[kind],
            "PRIORITY": "5", "SYSLOG_IDENTIFIER": "bailiff", "SYSLOG_FACILITY": "10", "BAILIFF_SCHEMA": "1",
            "__AT": at, **more}


def stamp(at):
    """RFC 3339 with microseconds."""
    import datetime
    moment = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(microseconds=T0 + int(at * 1e6))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


VERBS = {"deny": "denied", "kill": "killed"}


def verdict(seq=1, cpu=0, at=0.0, on="open", verdict="deny", **more):
    """A verdict; fields by their names without BAILIFF_, in lower case. None takes one away."""
    now_ns = BOOTTIME + int(at * 1e9)
    objects = {
        "open": {"path": "/srv/secret", "access": "read", "filesystem": "host", "inode": "99", "device": "254:1",
                 "object_mode": "0100640", "object_owner": "1001", "hook": "file_open"},
        "exec": {"path": "/tmp/x", "file": "setuid,script", "filesystem": "host", "inode": "99", "device": "254:1",
                 "object_mode": "0100755", "object_owner": "1001", "hook": "bprm_check_security"},
        "connect": {"address": "192.0.2.1", "port": "443", "protocol": "tcp", "family": "ipv4", "hook": "socket_connect"},
    }
    fields = {"event_id": f"{BOOT[:12]}-{now_ns:x}-{cpu}-{seq}", "verdict": verdict, "on": on, "rule": "no-secret",
              "policy": "web", "severity": "high", "attack": "T1059.004 T1505.003 TA0002", "message": "not for you",
              "generation": "12", "policy_digest": "00aa" * 16, "others": "0", **objects[on], "pid": "812", "tid": "813",
              "ppid": "600", "uid": "33", "euid": "34", "gid": "35", "egid": "36", "login_uid": "1000", "session": "2",
              "start_ns": str(BOOTTIME - 5_000_000_000), "comm": "bash", "exe": "/usr/bin/bash", "parent_comm": "nginx",
              "parent_exe": "/usr/sbin/nginx", "cgroup": "/system.slice/nginx.service", "cgroup_id": "4321",
              "unit": "nginx.service", "slice": "system.slice", "time": stamp(at), "time_boottime_ns": str(now_ns),
              "cpu": str(cpu), "seq": str(seq), **more}
    shown = f"{VERBS.get(verdict, verdict)} {on} path=\"{fields.get('path')}\" by exe=\"{fields.get('exe')}\" pid={fields['pid']}"
    entry = common(f"{on}-{verdict}", at, PRIORITY="3", MESSAGE=shown, DOCUMENTATION="man:bailiff(8)")
    if verdict in VERBS:
        entry["ERRNO"] = "1"
    return {**entry, **{f"BAILIFF_{key.upper()}": value for key, value in fields.items() if value is not None}}


def started(at=0.0, **more):
    return common("started", at, MESSAGE="started", BAILIFF_VERSION="0.1.0", **more)


def stopped(at=0.0, **more):
    return common("stopped", at, MESSAGE="stopped", BAILIFF_CONSEQUENCE="enforcement lifted", **more)


def lost(at=0.0, seen=0, total=None, **reasons):
    """Losses by reason, of this message; total is that of the run so far."""
    fields = {f"BAILIFF_LOST_{name}": str(reasons.get(name.lower(), 0))
              for name in ("RING", "SCRATCH", "GAP", "RECORD", "QUEUE", "MEMORY", "REFUSED", "DAEMON", "LIMIT")}
    fresh = sum(reasons.values())
    return common("events-lost", at, MESSAGE="events lost", PRIORITY="3", BAILIFF_LOST=str(fresh),
                  BAILIFF_LOST_TOTAL=str(fresh if total is None else total), BAILIFF_SEEN=str(seen), **fields)


def export(entries):
    """The entries as journalctl -o export writes them."""
    out = bytearray()
    for number, entry in enumerate(entries):
        at = T0 + int(entry["__AT"] * 1e6)
        out += b"__CURSOR=s=0;i=%x\n__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n" % (
            number, at, 10**9 + int(entry["__AT"] * 1e6))
        for key, value in entry.items():
            value = value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
            if key == "__AT":
                continue
            if value.isascii() and value.decode().isprintable() or not value:
                out += key.encode() + b"=" + value + b"\n"
            else:
                out += key.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
        out += b"\n"
    return bytes(out)


def exported(tmp, *entries, name="journal.export"):
    path = tmp / name
    path.write_bytes(export(entries))
    return path


def journal(tmp, *entries, name="test.journal"):
    """A journal file, made by systemd's own program."""
    if not pathlib.Path(REMOTE).exists():
        raise cli.NotHere("systemd-journal-remote is not installed")
    path = tmp / name
    subprocess.run([REMOTE, "--split-mode=none", "-o", path, "-"], input=export(entries), check=True,
                   capture_output=True, timeout=60)
    return path


def have(program):
    return shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
