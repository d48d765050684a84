#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Events on their way into log pipelines: rsyslog, syslog-ng and systemd-journal-upload themselves, over journals of bailiff's.

    ingest_check.py path/to/bailiff

The programs run in a mount namespace of their own, whose /var/log is this test's; fetch unpacks what is not installed.
"""

import contextlib
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the source folder is not ours to write to
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "unit"))

import cli_check as cli  # noqa: E402
import journals  # noqa: E402
from cli_check import GOOD, bailiff, document  # noqa: E402
from events_check import some_of_all  # noqa: E402
from journals import exported, journal, lost, started, stopped, verdict  # noqa: E402

SIEM = ROOT / "packaging/siem"
NAMES = [b"/srv/\xff\n\"x", "/srv/\u202etxt \u00e9".encode(), b"/srv/" + b"\x01" * 2000, b"/srv/a=b|c"]


def programs():
    """Where rsyslog and syslog-ng are unpacked, and the environment that they run in."""
    done = subprocess.run([HERE / "fetch"], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise cli.NotHere(f"rsyslog and syslog-ng can't be had: {done.stderr.strip().splitlines()[-1:]}")
    root = pathlib.Path(done.stdout.strip())
    folders = sorted({str(path.parent) for path in root.rglob("*.so*")})
    return root, {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}


def entries():
    """Events of all kinds, and names of bytes that no text has, as bailiffd tells them."""
    found = some_of_all()
    for number, name in enumerate(NAMES):
        shown = re.sub(r"[^ -~\u00e9]|[\"\\]", lambda m: "".join(f"\\x{b:02x}" for b in m[0].encode("utf-8", "surrogateescape")),
                          name.decode("utf-8", "surrogateescape"))
        found.append(verdict(seq=100 + number, path=shown[:3900], path_hex=name.hex()))
    return found


def fields_of(entry):
    return {key: value for key, value in entry.items() if key != "__AT"}


def in_namespace(tmp, path, script, env, timeout=60):
    """Runs a shell script where /var/log has just this journal. Returns what the script has written."""
    machine = pathlib.Path("/etc/machine-id")
    if not machine.exists() or not machine.read_text().strip():
        raise cli.NotHere("this machine has no id, and libsystemd opens the journals of a machine by its id")
    folder = f"/var/log/journal/{machine.read_text().strip()}"
    prepare = f"mount -t tmpfs none /var/log; mkdir -p {folder}; cp {shlex.quote(str(path))} {folder}/system.journal; " \
        "[ ! -d /run/log/journal ] || mount -t tmpfs none /run/log/journal; "
    command = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "sh", "-euc", prepare + script]
    done = subprocess.run(command, capture_output=True, timeout=timeout, env=env, cwd=tmp)
    if done.returncode and b"unshare" in done.stderr:
        raise cli.NotHere(f"no mount namespace can be made here: {done.stderr.decode()}")
    assert done.returncode == 0, done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    return done.stdout


def until_lines(name, count):
    """Shell: waits until a file has so many lines, then prints it; $! is who writes it."""
    return f"""pid=$!; n=0
        while [ "$(wc -l < {name} 2> /dev/null || echo 0)" -lt {count} ]; do
            n=$((n + 1)); [ $n -lt 300 ] || {{ echo "only $(wc -l < {name}) lines of {count} after 30 s" >&2; exit 1; }}
            kill -0 $pid || {{ echo "it has ended" >&2; exit 1; }}
            sleep 0.1
        done; sleep 0.3; cat {name}; kill $pid; wait $pid || :"""


def hold_against(lines, wanted):
    """Each entry is there, in order, with every field of its own."""
    found = [json.loads(line) for line in lines.decode().splitlines()]
    assert len(found) == len(wanted), f"{len(found)} entries of {len(wanted)}"
    for got, entry in zip(found, wanted):
        fields = fields_of(entry)
        missing = {key: value for key, value in fields.items() if str(got.get(key)) != str(value)}
        assert not missing, f"these did not arrive: {missing}; instead { {key: got.get(key) for key in missing} }"


FORGED = {"_UID": "1000", "BAILIFF_RULE": "forged"}


def with_others(wanted):
    """Entries of others among them, which no configuration may take."""
    return [{**verdict(seq=9000), **FORGED}, *wanted, {**verdict(seq=9001), "_SYSTEMD_UNIT": "evil.service"},
            {**verdict(seq=9002), **FORGED, "_SYSTEMD_UNIT": "evil.service"}]


def rsyslog(tmp, root):
    """The command line for the shipped snippet, as the whole configuration."""
    modules = next(root.rglob("imjournal.so")).parent
    config = tmp / "rsyslog.conf"
    config.write_text(f'global(workDirectory="{tmp}")\n' + (SIEM / "rsyslog/60-bailiff.conf").read_text())
    return [next(root.rglob("rsyslogd")), "-M", modules, "-f", config, "-i", tmp / "rsyslog.pid"]


def test_rsyslog_accepts_its_configuration(tmp):
    root, env = programs()
    command = [*rsyslog(tmp, root), "-N1"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 0 and "error" not in done.stderr.lower(), done.stderr
    # It would have said so if there were something wrong.
    (tmp / "rsyslog.conf").write_text((tmp / "rsyslog.conf").read_text().replace("action(type", "action(kind"))
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode or "error" in done.stderr.lower(), done


def test_rsyslog_forwards_every_field(tmp):
    root, env = programs()
    wanted = entries()
    path = journal(tmp, *with_others(wanted))
    command = shlex.join(map(str, rsyslog(tmp, root)))
    hold_against(in_namespace(tmp, path, f"{command} -n & " + until_lines("/var/log/bailiff.json", len(wanted)), env), wanted)


def syslog_ng(tmp, root, env):
    program = next(path for path in root.rglob("sbin/syslog-ng"))
    modules = next(root.rglob("libsdjournal.so")).parent
    shown = subprocess.run([program, "--version", f"--module-path={modules}"], capture_output=True, text=True, env=env, timeout=60).stdout
    version = re.search(r"Config version: (\S+)|syslog-ng \d+ \((\d+\.\d+)", shown)
    config = tmp / "syslog-ng.conf"
    config.write_text(f"@version: {version[1] or version[2]}\n" + (SIEM / "syslog-ng/bailiff.conf").read_text())
    return [program, "-F", "-f", config, f"--module-path={modules}", "-R", tmp / "ng.persist", "-p", tmp / "ng.pid", "-c", tmp / "ng.ctl",
            "--no-caps"]


def test_syslog_ng_accepts_its_configuration(tmp):
    root, env = programs()
    command = [*syslog_ng(tmp, root, env), "--syntax-only"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 0 and "rror" not in done.stderr, done.stderr
    (tmp / "syslog-ng.conf").write_text((tmp / "syslog-ng.conf").read_text().replace("max-field-size(", "max-size("))
    assert subprocess.run(command, capture_output=True, env=env, timeout=60).returncode


def test_syslog_ng_forwards_every_field(tmp):
    root, env = programs()
    wanted = entries()
    path = journal(tmp, *with_others(wanted))
    command = shlex.join(map(str, syslog_ng(tmp, root, env)))
    hold_against(in_namespace(tmp, path, f"{command} & " + until_lines("/var/log/bailiff.json", len(wanted)), env), wanted)


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_upload_to_remote_keeps_every_byte(tmp):
    """systemd-journal-upload to systemd-journal-remote on loopback: the same entries, and --verify finds the same."""
    if not pathlib.Path(journals.REMOTE).exists():
        raise cli.NotHere("systemd-journal-remote is not installed")
    wanted = [started(), *[verdict(seq=n, at=n, path_hex=NAMES[n % 4].hex()) for n in range(1, 50)], *some_of_all()[:3],
              lost(60, seen=52, ring=0), stopped(61)]
    (tmp / "from").mkdir()
    journal(tmp / "from", *wanted, name="system.journal")
    port, there = free_port(), tmp / "there.journal"
    with subprocess.Popen([journals.REMOTE, f"--listen-http=127.0.0.1:{port}", "--split-mode=none", "-o", there], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as remote:
        try:
            upload = [journals.REMOTE.replace("remote", "upload"), f"--url=http://127.0.0.1:{port}", f"--directory={tmp / 'from'}",
                      f"--save-state={tmp / 'state'}", "--follow=no"]
            for _ in range(50):
                done = subprocess.run(upload, capture_output=True, text=True, timeout=60)
                if done.returncode == 0:
                    break
                time.sleep(0.1)
            assert done.returncode == 0, done.stderr
        finally:
            remote.terminate()
            remote.wait(30)
    shown = subprocess.run(["journalctl", "--file", there, "-o", "json", "--all"], capture_output=True, timeout=60, check=True).stdout
    hold_against(shown, wanted)
    ours = [document(bailiff("events", "--verify", "--json", "--file", path), cli.FINDINGS)["runs"] for path in
            (exported(tmp, *wanted), there)]
    assert ours[0][0]["cpus"] == ours[1][0]["cpus"] and ours[0][0]["duplicates"] == ours[1][0]["duplicates"]


def test_journalctl_json_and_export(tmp):
    wanted = entries()
    path = journal(tmp, *wanted)
    hold_against(subprocess.run(["journalctl", "--file", path, "-o", "json", "--all"], capture_output=True, timeout=60, check=True).stdout,
                 wanted)
    text = subprocess.run(["journalctl", "--file", path, "-o", "export"], capture_output=True, timeout=60, check=True).stdout
    (tmp / "again").write_bytes(text)
    one, other = (cli.expect(bailiff("events", "-o", "ecs", "--file", each), GOOD).stdout for each in (path, tmp / "again"))
    assert one == other and len(one.splitlines()) == len(wanted)


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
