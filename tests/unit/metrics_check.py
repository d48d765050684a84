#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff metrics: what a made-up daemon answers becomes OpenMetrics text that strict parsers take.

    metrics_check.py path/to/bailiff
"""

import contextlib
import json
import os
import socket
import stat
import sys
import threading

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import cli_check as cli  # noqa: E402
from cli_check import GOOD, RIGHT, USAGE, bailiff, expect  # noqa: E402

HOOKS = ["file_open", "bprm_check_security", "file_open"]  # a hook may have two programs
STATE = {
    "version": "0.1.0", "kernel": "6.1.0", "engine": "lsm", "mode": "enforce", "uptime_sec": 12.5, "reloading": False,
    "policy": {"generation": 3, "digest": "00" * 32, "rules": 5, "bytes": 65536, "loaded": 1767323045.5, "took_ms": 250, "swap_us": 9,
               "files": [{"path": "/etc/bailiff/policy.d/a.json", "mode": "enforce", "in_force": "enforce", "rules": 4},
                         {"path": "/etc/bailiff/policy.d/\"b\\\n.json", "mode": "enforce", "in_force": "monitor", "rules": 1}]},
    "hooks": [{"hook": name, "available": True, "attached": name == "file_open", "program_id": 0, "verified_insns": 7} for name in HOOKS],
    "counters": {"events": 100, "lost_ring": 2, "lost_scratch": 0, "denied": 60, "alerted": 38, "failed_closed": 1},
    "delivered": 97, "lost": {"ring": 2, "scratch": 0, "gap": 0, "record": 0, "queue": 1, "memory": 0, "refused": 0},
    "journal": {"sent": 90, "waiting": 7, "dropped_full": 1, "dropped_memory": 0, "dropped_refused": 0, "reconnects": 1},
    "meters": {"verdicts": [
        {"rule": "no-secret", "policy": "web", "verdict": "deny", "mode": "enforce", "hook": "file_open", "times": 60},
        {"rule": "r\"\\\n\u00e9", "policy": "", "verdict": "alert", "mode": "alert", "hook": "bprm_check_security", "times": 2 ** 53}],
        "rest": 4, "reloads": {"loaded": 2, "rejected": 1, "unchanged": 5}, "last_rejected": True},
}


@contextlib.contextmanager
def daemon(tmp, state):
    """Answers on a control socket as bailiffd does; yields the socket's path and the requests."""
    path, asked = tmp / "control.sock", []
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.fspath(path))
    server.listen()

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as stream:
                asked.append(json.loads(stream.readline()))
                stream.write(json.dumps({"schema": 1, "ok": True, "result": state}).encode() + b"\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield path, asked
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)
        path.unlink()


def parsers():
    """Prometheus' own: the strict one of OpenMetrics, and that of the older text format."""
    try:
        import prometheus_client
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")  # of another python than the system's
        try:
            import prometheus_client  # noqa: F401
        except ImportError:
            raise cli.NotHere("python3-prometheus-client is not installed") from None
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
    from prometheus_client.parser import text_string_to_metric_families as older
    return strict, older


def families(text):
    strict, older = parsers()
    found = {}
    for family in strict(text):
        assert family.name.startswith("bailiff_") and family.name not in found and family.documentation.endswith("."), family
        assert family.type in ("counter", "gauge"), family
        found[family.name] = {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
        assert len(found[family.name]) == len(family.samples), f"a sample is there twice: {family}"
    # What node_exporter reads has the same samples.
    samples = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in older(text) for sample in family.samples}
    assert len(samples) == sum(map(len, found.values())), "the older parser reads something else"
    return found


def metrics(tmp, state, *args):
    with daemon(tmp, state) as (path, asked):
        done = expect(bailiff("metrics", "--socket", path, *args), GOOD)
    assert asked == [{"command": "metrics"}] and not done.stderr, (asked, done.stderr)
    return done.stdout


def test_everything(tmp):
    text = metrics(tmp, STATE)
    assert text.endswith("# EOF\n")
    found = families(text)
    assert found["bailiff_up"] == {(): 1} and found["bailiff_enforcing"] == {(): 1} and found["bailiff_uptime_seconds"] == {(): 12.5}
    verdicts = found["bailiff_verdicts"]
    assert verdicts[(("hook", "file_open"), ("mode", "enforce"), ("policy", "web"), ("rule", "no-secret"), ("verdict", "deny"))] == 60
    assert verdicts[(("hook", "bprm_check_security"), ("mode", "alert"), ("policy", ""), ("rule", "r\"\\\n\u00e9"), ("verdict", "alert"))] \
        == 2 ** 53
    assert found["bailiff_verdicts_elsewhere"] == {(): 4}
    assert found["bailiff_lost"] == {(("reason", reason),): count for reason, count in STATE["lost"].items()}
    assert found["bailiff_reloads"] == {(("result", result),): count for result, count in STATE["meters"]["reloads"].items()}
    assert found["bailiff_reload_failed"] == {(): 1} and found["bailiff_policy_generation"] == {(): 3}
    assert found["bailiff_policy_loaded_timestamp_seconds"] == {(): 1767323045.5} and found["bailiff_policy_load_seconds"] == {(): 0.25}
    assert found["bailiff_policy_rules"][(("file", "/etc/bailiff/policy.d/\"b\\\n.json"), ("mode", "monitor"))] == 1
    assert found["bailiff_hook_attached"] == {(("hook", "file_open"),): 1, (("hook", "bprm_check_security"),): 0}
    assert found["bailiff_denied"] == {(): 60} and found["bailiff_journal_waiting"] == {(): 7} and found["bailiff_delivered"] == {(): 97}
    # These programs are nobody's: nothing is said of their runs and maps.
    assert found["bailiff_programs_readable"] == {(): 0} and "bailiff_program_runs" not in found and "bailiff_map_entries" not in found


def test_monitor_and_no_policy(tmp):
    found = families(metrics(tmp, {**STATE, "mode": "monitor", "policy": None, "counters": {}, "hooks": []}))
    assert found["bailiff_enforcing"] == {(): 0} and found["bailiff_policy_generation"] == {(): 0} and found["bailiff_policy_rules"] == {}
    assert "bailiff_denied" not in found


def test_the_textfile(tmp):
    out = tmp / "bailiff.prom"
    out.write_text("old")
    assert metrics(tmp, STATE, "--output", out) == ""
    assert families(out.read_text())["bailiff_up"] == {(): 1} and stat.S_IMODE(out.stat().st_mode) == 0o644
    # Without a daemon the file says so, and the exit code as well.
    expect(bailiff("metrics", "--socket", tmp / "none", "--output", out), RIGHT, "bailiff:")
    assert families(out.read_text()) == {"bailiff_up": {(): 0}}
    assert sorted(each.name for each in tmp.iterdir()) == ["bailiff.prom"]
    with daemon(tmp, STATE) as (path, _):
        expect(bailiff("metrics", "--socket", path, "--output", tmp / "no/x.prom"), USAGE, "No such file")


def test_json(tmp):
    with daemon(tmp, STATE) as (path, _):
        value = cli.document(bailiff("metrics", "--json", "--socket", path), GOOD)
    assert value["meters"] == STATE["meters"]
    cli.document(bailiff("metrics", "--json", "--socket", tmp / "none"), RIGHT)


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
