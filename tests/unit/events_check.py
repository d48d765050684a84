#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff events: filters, formats held against the published schemas, hostile bytes, and --verify.

    events_check.py path/to/bailiff
"""

import datetime
import ipaddress
import json
import os
import pathlib
import pty
import subprocess
import sys

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import cli_check as cli  # noqa: E402
import journals  # noqa: E402
from cli_check import FINDINGS, GOOD, USAGE, bailiff, document, expect  # noqa: E402
from journals import common, exported, journal, lost, started, stopped, verdict  # noqa: E402

SIEM = pathlib.Path(__file__).resolve().parent / "siem"
ECS = json.loads((SIEM / "ecs.json").read_text())
OCSF = json.loads((SIEM / "ocsf.json").read_text())

# Each byte that ends something somewhere: a line, a string, a field of CEF, a document, a terminal's sequence.
HOSTILE = [b"\x1b[2J\x1b]0;x\x07", b"\n{\"verdict\":\"alert\"}", b"\r\nCEF:0|x|x|x|x|x|1|", b"a|b=c\\d\\", b"\xff\xfe\x80",
           "\u202etxt\u2066\u200b\u2028".encode(), b"\"},{\"", b"\x00\x01\x7f", b"</script><b onclick=x>", b"${jndi:x} %n%s"]


def read(path, *args, how="--file"):
    done = expect(bailiff("events", how, path, *args), GOOD)
    assert not done.stderr, done.stderr
    return done.stdout


def pairs(items):
    """An object, in which no key is there twice."""
    keys = [key for key, _ in items]
    assert len(set(keys)) == len(keys), f"a key is there twice: {keys}"
    return dict(items)


def objects(path, form, *args):
    return [json.loads(line, object_pairs_hook=pairs) for line in read(path, "-o", form, *args).splitlines()]


def some_of_all():
    """Verdicts of every operation, verdict and kind of object, and what the daemon says of itself."""
    every = [verdict(seq=n, on=on, verdict=what) for n, (on, what) in enumerate(
        ((on, what) for on in ("exec", "open", "connect") for what in ("kill", "would-kill", "deny", "would-deny", "alert")), 1)]
    every += [verdict(seq=20, access=words) for words in ("write", "create", "delete", "attributes", "read,write")]
    every += [verdict(seq=21, on="exec", access="trace"), verdict(seq=22, path=None, path_hex=None),
              verdict(seq=23, attack=None, severity=None, policy=None, message=None, policy_digest=None),
              verdict(seq=24, exe=None, kernel_thread="1", ppid="0"), verdict(seq=25, exe="/", path="/"),
              verdict(seq=26, container="abc123", container_runtime="docker", unit=None),
              verdict(seq=27, on="exec", path="memfd:x", filesystem="kernel", file="memfd"),
              verdict(seq=28, folded="41"), verdict(seq=29, spared="1"), verdict(seq=30, truncated="path,exe"),
              verdict(seq=31, on="connect", address="2001:db8::1", family="ipv6", protocol="udp", port="53"),
              verdict(seq=32, on="connect", address="192.0.2.9", protocol="icmp,raw", port="0"),
              verdict(seq=33, on="connect", address="192.0.2.9", protocol="253,raw", port="0"),
              verdict(seq=34, on="connect", address=None, port=None, protocol=None, family=None, socket="/run/x.sock"),
              verdict(seq=35, on="connect", address=None, port=None, protocol=None, family=None, socket="@x",
                      socket_hex="0078"),
              verdict(seq=36, on="connect", address=None, port=None, protocol="0", family="netlink"),
              verdict(seq=37, on="connect", protocol="sctp", interrupted="1")]
    every += [journals.common(kind, 1, MESSAGE=kind, BAILIFF_REASON="so") for kind in journals.IDS
              if kind.split("-")[0] not in ("exec", "open", "connect")]
    return every


# ---- where from and which ----------------------------------------------------------------------

def test_an_exported_journal(tmp):
    path = exported(tmp, verdict(), started(1))
    assert read(path).count("\n") == 2 and 'denied open path="/srv/secret"' in read(path)
    done = subprocess.run([cli.BAILIFF, "events", "--file", "-", "-o", "json"], input=path.read_bytes(), capture_output=True,
                          timeout=60)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2, done
    assert json.loads(done.stdout.splitlines()[0])["seq"] == 1


def test_a_journal_file(tmp):
    path = journal(tmp, verdict(seq=1), verdict(seq=2, at=1), verdict(seq=3, at=2), started(3))
    assert [each.get("seq") for each in objects(path, "json")] == [1, 2, 3, None]
    assert [each.get("seq") for each in objects(path, "json", "-n", "2")] == [3, None]
    assert [each["seq"] for each in objects(path, "json", "--verdicts", "-n", "2")] == [2, 3]
    directory = [json.loads(line)["seq"] for line in read(tmp, "-o", "json", "--verdicts", how="--directory").splitlines()]
    assert directory == [1, 2, 3]


def test_last_ones_of_a_filter(tmp):
    """-n counts what a filter leaves, within the time that is asked for."""
    path = journal(tmp, *[verdict(seq=n, at=n, rule=("a", "b", "c")[n % 3]) for n in range(1, 31)])
    def seqs(*args):
        return [each["seq"] for each in objects(path, "json", *args)]
    assert seqs("-n", "3", "--rule", "b") == [22, 25, 28]
    assert seqs("-n", "1", "--rule", "b") == [28]
    assert seqs("-n", "99", "--rule", "b") == list(range(1, 31, 3))
    assert seqs("-n", "2", "--rule", "none") == []
    second = journals.T0 // 10**6
    assert seqs("--until", f"@{second + 10}", "-n", "2") == [9, 10] or seqs("--until", f"@{second + 10}", "-n", "2") == [8, 9]
    assert seqs("--since", f"@{second + 28}", "-n", "20") == [28, 29, 30]
    assert seqs("--since", f"@{second + 5}", "--until", f"@{second + 8}") == [5, 6, 7]


def test_until_and_since_of_an_export(tmp):
    path = exported(tmp, *[verdict(seq=n, at=n) for n in range(10)])
    second = journals.T0 // 10**6
    found = [each["seq"] for each in objects(path, "json", "--since", f"@{second + 3}", "--until", f"@{second + 6}")]
    assert found == [3, 4, 5]


def test_only_what_journald_vouches_for(tmp):
    forged = [{**verdict(seq=7), "_UID": "1000"}, {**verdict(seq=8), "_SYSTEMD_UNIT": "evil.service"},
              {**verdict(seq=9), "MESSAGE_ID": "0" * 32}]
    nobody = {key: value for key, value in verdict(seq=10).items() if key not in ("_UID", "_SYSTEMD_UNIT")}
    path = exported(tmp, *forged, nobody, verdict(seq=1))
    assert [each["seq"] for each in objects(path, "json")] == [1]
    path = journal(tmp, *forged, verdict(seq=1))
    assert [each["seq"] for each in objects(path, "json")] == [1]


def test_filters(tmp):
    path = exported(
        tmp, verdict(seq=1, rule="web/no-shell", unit="nginx.service", severity="low"),
        verdict(seq=2, rule="web/other", unit="user@1000.service", user_unit="foot.service", on="exec", severity="critical"),
        verdict(seq=3, rule="net", unit=None, verdict="alert", on="connect", severity=None),
        verdict(seq=4, rule="net", exe="/srv/a\\xffb", exe_hex="2f7372762f61ff62", verdict="would-deny"), started(5))

    def seqs(*args):
        return [each.get("seq") for each in objects(path, "json", *args)]
    assert seqs() == [1, 2, 3, 4, None] and seqs("--verdicts") == [1, 2, 3, 4]
    assert seqs("--rule", "net") == [3, 4] and seqs("--rule", "web/*") == [1, 2] and seqs("--rule", "ne") == []
    assert seqs("--rule", "net", "--rule", "web/other") == [2, 3, 4]
    assert seqs("--unit", "nginx") == [1, 4] and seqs("--unit", "foot.service") == [2] and seqs("--unit", "*@*") == [2]
    assert seqs("--exe", "/usr/bin/bash") == [1, 2, 3] and seqs("--exe", os.fsdecode(b"/srv/a\xffb")) == [4]
    assert seqs("--verdict", "alert") == [3] and seqs("--verdict", "alert", "--verdict", "would-deny") == [3, 4]
    assert seqs("--on", "exec") == [2] and seqs("--severity", "high") == [2, 4] and seqs("--severity", "info") == [1, 2, 4]
    assert seqs("--rule", "net", "--on", "connect") == [3]


def test_what_is_no_journal(tmp):
    cut = exported(tmp, verdict(), verdict(seq=2)).read_bytes()
    for name, data in (("text", b"nonsense\n"), ("cut", cut[:-1]), ("middle", cut[:len(cut) // 2 + 9]), ("size", b"A\n" + b"\xff" * 8),
                       ("short", b"A\n\x05" + b"\0" * 7 + b"x"), ("line", b"A=1")):
        (tmp / name).write_bytes(data)
        done = expect(bailiff("events", "--file", tmp / name), FINDINGS, "64 MiB" if name == "size" else "ends within an entry")
        assert done.stdout.count("\n") <= 1
        assert document(bailiff("events", "--verify", "--json", "--file", tmp / name), FINDINGS)["error"]["code"] == "journal"
    (tmp / "empty").write_bytes(b"")
    assert read(tmp / "empty") == ""
    many = b"".join(b"F%d=1\n" % n for n in range(2000)) + b"\n"
    (tmp / "many").write_bytes(many)
    expect(bailiff("events", "--file", tmp / "many"), FINDINGS, "1024 fields")
    expect(bailiff("events", "--file", tmp / "none"), USAGE, "No such file")
    expect(bailiff("events", "--file", tmp / "cut", "-n", "1"), USAGE, "exported journal")
    expect(bailiff("events", "--file", tmp / "cut", "--file", tmp / "cut"), USAGE, "exported journal")
    expect(bailiff("events", "--file", tmp / "cut", "-f"), USAGE, "not followed")
    expect(bailiff("events", "--file", tmp / "cut", "--directory", tmp), USAGE, "only one of --file")


# ---- formats -----------------------------------------------------------------------------------

def flatten(value, prefix=""):
    for key, each in value.items():
        if isinstance(each, dict):
            yield from flatten(each, f"{prefix}{key}.")
        else:
            yield prefix + key, each


def is_time(text):
    datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return True


ECS_TYPES = {
    "date": is_time, "keyword": lambda value: isinstance(value, str), "match_only_text": lambda value: isinstance(value, str),
    "wildcard": lambda value: isinstance(value, str), "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "ip": lambda value: ipaddress.ip_address(value) is not None, "boolean": lambda value: isinstance(value, bool),
}


def check_ecs(event):
    """Holds one event against the published list of fields: names, types, arrays, values."""
    for field, value in flatten(event):
        if field.startswith("bailiff."):
            continue
        assert field in ECS["fields"], f"ECS {ECS['version']} has no field {field}"
        kind = ECS["fields"][field]
        assert kind.endswith("[]") == isinstance(value, list), f"{field} is {kind}: {value!r}"
        for each in value if isinstance(value, list) else [value]:
            assert ECS_TYPES[kind.removesuffix("[]")](each), f"{field} is {kind}: {each!r}"
            assert field not in ECS["values"] or each in ECS["values"][field], f"{field}: {each!r}"
    allowed = {each for category in event["event"]["category"] for each in ECS["types_of_category"][category]}
    assert set(event["event"]["type"]) <= allowed, event["event"]
    assert event["ecs"]["version"] == ECS["version"]


def test_ecs_field_by_field(tmp):
    found = objects(exported(tmp, *some_of_all()), "ecs")
    assert len(found) == len(some_of_all())
    for event in found:
        check_ecs(event)
    event = objects(exported(tmp, verdict(seq=7, cpu=3)), "ecs")[0]
    assert event["@timestamp"] == "2026-01-02T03:04:05.000006Z" and event["process"]["start"] == "2026-01-02T03:04:00.000006Z"
    assert event["event"]["category"] == ["file", "intrusion_detection"] and event["event"]["type"] == ["access", "denied"]
    assert event["event"]["outcome"] == "failure" and event["event"]["sequence"] == 7 and event["event"]["kind"] == "alert"
    assert event["event"]["code"] == journals.IDS["open-deny"] and event["event"]["action"] == "open-denied"
    assert event["process"]["pid"] == 812 and event["process"]["executable"] == "/usr/bin/bash"
    assert event["process"]["parent"] == {"executable": "/usr/sbin/nginx", "name": "nginx", "pid": 600}
    assert event["process"]["real_user"]["id"] == "33" and event["process"]["user"]["id"] == "34"
    assert event["file"] == {"device": "254:1", "directory": "/srv", "inode": "99", "mode": "0100640", "name": "secret",
                             "path": "/srv/secret", "uid": "1001"}
    assert event["threat"] == {"framework": "MITRE ATT&CK", "tactic": {"id": ["TA0002"]},
                               "technique": {"id": ["T1059", "T1505"], "subtechnique": {"id": ["T1059.004", "T1505.003"]}}}
    assert event["host"]["name"] == "guest" and event["service"]["name"] == "nginx" and event["rule"]["id"] == "no-secret"
    assert event["bailiff"]["login_uid"] == 1000 and event["bailiff"]["access"] == ["read"]
    event = objects(exported(tmp, verdict(on="connect", verdict="would-deny")), "ecs")[0]
    assert event["destination"] == {"address": "192.0.2.1", "ip": "192.0.2.1", "port": 443} and "file" not in event
    assert event["network"] == {"direction": "egress", "iana_number": "6", "transport": "tcp", "type": "ipv4"}
    assert event["event"]["outcome"] == "success" and event["event"]["type"] == ["connection", "allowed"]


OCSF_TYPES = {
    "string_t": str, "integer_t": int, "long_t": int, "timestamp_t": int, "boolean_t": bool, "port_t": int, "hostname_t": str,
    "file_name_t": str, "file_path_t": str, "process_name_t": str, "ip_t": str, "username_t": str, "json_t": object,
}


def check_ocsf_object(value, kind, where):
    """Required attributes, at least one of those, and of each attribute name, type and values."""
    known = OCSF["classes"][kind] if kind in OCSF["classes"] else OCSF["objects"][kind]
    missing = set(known["required"]) - value.keys()
    assert not missing, f"{where} has no {missing}: {value}"
    for group in known["at_least_one"]:
        assert value.keys() & set(group), f"{where} has none of {group}: {value}"
    for name, each in value.items():
        here = f"{where}.{name}"
        assert name in known["attributes"], f"OCSF {OCSF['version']}: {here} is no attribute of {kind}"
        wanted = known["attributes"][name]
        if name == "unmapped":
            continue
        assert wanted.endswith("[]") == isinstance(each, list), f"{here} is {wanted}"
        for item in each if isinstance(each, list) else [each]:
            check_ocsf_value(item, wanted.removesuffix("[]"), here)
        if name in known["enums"]:
            assert str(each) in known["enums"][name], f"{here}: {each}"
            label = {"activity_id": "activity_name"}.get(name, name.removesuffix("_id"))
            if label in value and str(each) != "99":
                assert value[label] == known["enums"][name][str(each)], f"{here}: {value[label]}"


def check_ocsf_value(value, wanted, where):
    if wanted in OCSF["objects"]:
        check_ocsf_object(value, wanted, where)
    else:
        assert isinstance(value, OCSF_TYPES[wanted]), f"{where} is {wanted}: {value!r}"
        assert not (OCSF_TYPES[wanted] is int and isinstance(value, bool)), f"{where} is {wanted}: {value!r}"


def test_ocsf_classes(tmp):
    found = objects(exported(tmp, *some_of_all()), "ocsf")
    assert len(found) == len(some_of_all())
    for event in found:
        check_ocsf_object(event, str(event["class_uid"]), "event")
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"], event
        assert event["category_uid"] == event["class_uid"] // 1000, event
        assert set(event["metadata"]["profiles"]) <= OCSF["profiles"].keys()
        assert event["metadata"]["version"] == OCSF["version"]
    assert {event["class_uid"] for event in found} == {0, 1001, 1007, 4001}
    event = objects(exported(tmp, verdict(on="exec", seq=7)), "ocsf")[0]
    assert (event["class_uid"], event["activity_id"], event["type_uid"], event["launch_type_id"]) == (1007, 1, 100701, 3)
    assert (event["action_id"], event["disposition_id"], event["status_id"], event["is_alert"]) == (2, 2, 2, True)
    assert event["process"]["file"]["path"] == "/tmp/x" and event["process"]["pid"] == 812
    assert event["actor"]["process"]["file"]["path"] == "/usr/bin/bash" and event["time"] == 1767323045000
    assert event["actor"]["process"]["parent_process"]["pid"] == 600
    assert {"technique": {"uid": "T1059"}, "sub_technique": {"uid": "T1059.004"}} in event["attacks"]
    assert {"tactic": {"uid": "TA0002"}} in event["attacks"] and event["unmapped"]["others"] == 0
    event = objects(exported(tmp, verdict(verdict="alert", folded="4")), "ocsf")[0]
    assert (event["class_uid"], event["activity_id"], event["action_id"], event["disposition_id"], event["count"]) == \
        (1001, 2, 3, 19, 5)
    event = objects(exported(tmp, verdict(on="connect")), "ocsf")[0]
    assert event["dst_endpoint"] == {"ip": "192.0.2.1", "port": 443} and event["firewall_rule"]["uid"] == "no-secret"
    assert event["connection_info"] == {"direction_id": 2, "protocol_name": "tcp", "protocol_num": 6, "protocol_ver_id": 4}


def parse_cef(line):
    """By the letter of the format: the header's seven parts, then key=value up to the next unescaped key=."""
    import re
    parts = re.split(r"(?<!\\)\|", line, maxsplit=7)
    assert parts[0] == "CEF:0" and len(parts) == 8, line
    found = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", parts[7]))
    values = {}
    for one, after in zip(found, found[1:] + [None]):
        raw = parts[7][one.end():after.start() if after else None]
        assert not re.search(r"(?<!\\)(?:\\\\)*=", raw), raw
        assert one[1] not in values, f"{one[1]} is there twice"
        values[one[1]] = re.sub(r"\\(.)", r"\1", raw)
    return parts[1:7], values


def test_cef(tmp):
    lines = read(exported(tmp, *some_of_all()), "-o", "cef").splitlines()
    assert len(lines) == len(some_of_all())
    for line in lines:
        header, values = parse_cef(line)
        assert header[:2] == ["bailiff", "bailiff"] and 0 <= int(header[5]) <= 10 and int(values["rt"]) > 1767323044000
        assert all(f"{key}Label" in values for key in values if key[:2] in ("cs", "cn") and key[2:].isdigit())
    header, values = parse_cef(read(exported(tmp, verdict(seq=7, path="/a=b\\\\c d=e")), "-o", "cef").strip())
    assert header[3:5] == [journals.IDS["open-deny"], "open-denied"] and values["act"] == "blocked"
    assert values["filePath"] == "/a=b\\\\c d=e" and values["fname"] == "a=b\\\\c d=e"[0:] and values["cs1"] == "no-secret"
    header, values = parse_cef(read(exported(tmp, verdict(on="connect")), "-o", "cef").strip())
    assert (values["dst"], values["dpt"], values["cat"]) == ("192.0.2.1", "443", "connect")


def test_hostile_bytes_in_every_format(tmp):
    """No byte of an event breaks a line, a document or a terminal, wherever it stands."""
    names = [key for key in verdict() if key.startswith("BAILIFF_") or key in ("MESSAGE", "_HOSTNAME", "PRIORITY", "ERRNO")]
    names += ["BAILIFF_UNIT", "BAILIFF_SOCKET", "BAILIFF_FAMILY", "BAILIFF_CONTAINER", "BAILIFF_TRUNCATED"]
    entries = [{**verdict(seq=n, on=on), name: b"/x" + text} for n, text in enumerate(HOSTILE) for name in names
               for on in ("open", "exec", "connect")]
    path = exported(tmp, *entries)
    for form in ("compact", "json", "ecs", "ocsf", "cef"):
        done = subprocess.run([cli.BAILIFF, "events", "--file", path, "-o", form], capture_output=True, timeout=120)
        assert done.returncode == 0 and not done.stderr, done.stderr
        text = done.stdout.decode()  # raises where it is no UTF-8
        lines = text.split("\n")
        assert lines.pop() == "" and len(lines) == len(entries), form
        wild = {char for char in text if char != "\n" and (not char.isprintable() or char in "\u202e\u2066\u200b\u2028")}
        assert not wild, (form, wild)
        for line in lines if form in ("json", "ecs", "ocsf") else []:
            json.loads(line, object_pairs_hook=pairs)
        for line in lines if form == "cef" else []:
            parse_cef(line)
    # A number that is none is told as a text where bailiff's own format has one, and left out where others want numbers.
    assert objects(exported(tmp, verdict(pid="12\n3")), "json")[0]["pid"] == "12\\x0a3"
    assert "pid" not in objects(exported(tmp, verdict(pid="12x")), "ecs")[0]["process"]


def test_names_that_are_no_utf8(tmp):
    name = b"/srv/\xff\n\"x"
    path = exported(tmp, verdict(path="/srv/\\xff\\x0a\\\"x", path_hex=name.hex()))
    for form, at in (("json", ("path_hex",)), ("ecs", ("bailiff", "path_hex")), ("ocsf", ("unmapped", "path_hex"))):
        value = objects(path, form)[0]
        for key in at:
            value = value[key]
        assert bytes.fromhex(value) == name, form
    assert bytes.fromhex(parse_cef(read(path, "-o", "cef").strip())[1]["flexString1"]) == name


def on_a_terminal(*args, env=None):
    """What the tool writes to a terminal."""
    mine, theirs = pty.openpty()
    with subprocess.Popen([cli.BAILIFF, *map(str, args)], stdout=theirs, env={**os.environ, "TERM": "xterm", **(env or {})}) as run:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(mine, 65536):
                text += part
        except OSError:
            pass  # the other end is closed
        os.close(mine)
        assert run.wait(60) == 0
    return text.decode()


def test_colour_is_for_terminals(tmp):
    path = exported(tmp, verdict(), verdict(seq=2, verdict="alert", severity="low"), {**verdict(seq=3), "MESSAGE": b"\x1b[2Jx"})
    plain = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    shown = on_a_terminal("events", "--file", path, env=plain if "NO_COLOR" not in os.environ else {"NO_COLOR": ""})
    assert shown.count("\x1b[") == 6 and "\x1b[2J" not in shown, shown
    assert "\x1b" not in on_a_terminal("events", "--file", path, env={"NO_COLOR": "1"})
    assert "\x1b" not in on_a_terminal("events", "--no-color", "--file", path)
    assert "\x1b" not in on_a_terminal("events", "--file", path, "-o", "json", env={"NO_COLOR": ""})


# ---- verify ------------------------------------------------------------------------------------

def verify(path, code):
    value = document(bailiff("events", "--verify", "--json", "--file", path), code)
    assert value["ok"] is (code == GOOD)
    text = expect(bailiff("events", "--verify", "--file", path), code).stdout
    return value["runs"], text


def several(*seqs, cpu=0, **more):
    return [verdict(seq=seq, cpu=cpu, at=seq, **more) for seq in seqs]


def test_verify_complete(tmp):
    runs, text = verify(exported(tmp, started(), *several(1, 3, 2), *several(2, 1, cpu=5), stopped(9)), GOOD)
    assert len(runs) == 1 and runs[0]["good"] and runs[0]["events"] == 5 and runs[0]["stopped"]
    assert [(cpu["cpu"], cpu["first"], cpu["last"], cpu["missing"]) for cpu in runs[0]["cpus"]] == [(0, 1, 3, 0), (5, 1, 2, 0)]
    assert ": complete" in text and "cpu 5: 1 to 2, all there" in text


def test_verify_what_is_missing_without_a_word(tmp):
    runs, text = verify(exported(tmp, started(), *several(1, 2, 5, 9), stopped(10)), FINDINGS)
    assert runs[0]["unaccounted"] == 5 and runs[0]["cpus"][0]["gaps"] == [[3, 4], [6, 8]]
    assert "NOT ACCOUNTED FOR" in text and "5 missing: 3-4, 6-8" in text
    # The beginning counts where the start is in the journal.
    assert verify(exported(tmp, started(), *several(3, 4)), FINDINGS)[0][0]["unaccounted"] == 2
    runs, text = verify(exported(tmp, *several(3, 4)), GOOD)
    assert not runs[0]["started"] and "beginning of this run is not in this journal" in text


def test_verify_what_the_daemon_has_counted(tmp):
    runs, text = verify(exported(tmp, started(), *several(1, 2, 5, 9), lost(10, seen=4, ring=4, queue=1)), GOOD)
    assert runs[0]["missing"] == 5 and runs[0]["unaccounted"] == 0 and runs[0]["lost"]["ring"] == 4
    assert ": accounted for" in text and "(ring 4, queue 1)" in text
    # One too few is a finding; so is what the daemon itself does not know the reason of.
    assert verify(exported(tmp, started(), *several(1, 2, 5, 9), lost(10, seen=4, ring=4)), FINDINGS)[0][0]["unaccounted"] == 1
    assert verify(exported(tmp, started(), *several(1, 3), lost(10, seen=2, gap=1)), FINDINGS)[0][0]["unaccounted"] == 1
    # A message of losses that is lost itself is known by the total of the next.
    runs, _ = verify(exported(tmp, started(), *several(1, 5), lost(10, seen=2, total=3, ring=1)), GOOD)
    assert runs[0]["lost"]["unsaid"] == 2


def test_verify_entries_that_were_taken_out(tmp):
    """The last ones leave no gap; what the daemon had handed over by then shows that they were there."""
    kept = [started(), *several(1, 2, 3, 4), lost(10, seen=6, ring=1)]
    runs, text = verify(exported(tmp, *kept), FINDINGS)
    assert runs[0]["vanished"] == 2 and "2 events reached journald" in text
    verify(exported(tmp, started(), *several(1, 2, 3, 4, 5, 6), lost(10, seen=6, ring=1)), GOOD)
    verify(exported(tmp, started(), *several(1, 2, 3, 4), lost(10, seen=6, queue=2)), GOOD)


def test_verify_numbers_that_are_there_twice(tmp):
    runs, text = verify(exported(tmp, started(), *several(1, 2, 2, 3)), FINDINGS)
    assert runs[0]["duplicates"] == 1 and runs[0]["unaccounted"] == 0 and "more than once" in text
    assert verify(exported(tmp, started(), *several(1, 2), verdict(seq=0)), FINDINGS)[0][0]["duplicates"] == 1
    assert verify(exported(tmp, started(), *several(1, 2), verdict(cpu="x")), FINDINGS)[0][0]["duplicates"] == 1


def test_verify_each_run_by_itself(tmp):
    second = {"_SYSTEMD_INVOCATION_ID": "b" * 32}
    boot = {"_BOOT_ID": "c" * 32, "_SYSTEMD_INVOCATION_ID": "d" * 32}
    entries = [started(), *several(1, 2), stopped(3), *({**each, **second} for each in (started(4), *several(1, 2, 3))),
               *({**each, **boot} for each in (started(9), *several(2)))]
    runs, _ = verify(exported(tmp, *entries), FINDINGS)
    assert [(run["good"], run["events"], run["unaccounted"]) for run in runs] == [(True, 2, 0), (True, 3, 0), (False, 1, 1)]


SERIES = {"BAILIFF_SERIES": "00c0ffee00c0ffee"}
SECOND = {"_SYSTEMD_INVOCATION_ID": "b" * 32}


def beat(at=0.0, seen=0, total=0, numbers="", **more):
    return common("heartbeat", at, MESSAGE="heartbeat", PRIORITY="6", BAILIFF_SEEN=str(seen), BAILIFF_LOST_TOTAL=str(total),
                  **SERIES, **({"BAILIFF_NUMBERS": numbers} if numbers else {}), **more)


def numbered(*seqs, cpu=0, **more):
    return [{**each, **SERIES, **more} for each in several(*seqs, cpu=cpu)]


def test_verify_goes_on_with_the_next_daemon(tmp):
    """Programs outlive their daemon: its numbers and losses are the next one's as well."""
    first = [started(**SERIES), common("policy-loaded", 0, MESSAGE="policy loaded"), *numbered(1, 2, 3)]
    again = {**SERIES, **SECOND, "BAILIFF_NUMBERS": "0:3"}
    runs, text = verify(exported(tmp, *first, started(4, **again), *numbered(4, 5, **SECOND)), GOOD)
    assert [(run["events"], run["daemons"], run["series"]) for run in runs] == [(5, 2, SERIES["BAILIFF_SERIES"])]
    assert "told by 2 daemons" in text and "cpu 0: 1 to 5, all there" in text
    # The second alone begins where it says; what is missing between the two is missing.
    runs, text = verify(exported(tmp, started(4, **again), *numbered(4, 5, **SECOND)), GOOD)
    assert runs[0]["cpus"][0]["missing"] == 0 and "cpu 0: 4 to 5, all there" in text
    assert verify(exported(tmp, started(4, **again), *numbered(6, **SECOND)), FINDINGS)[0][0]["unaccounted"] == 2
    assert verify(exported(tmp, started(**SERIES), *numbered(1), started(4, **again), *numbered(4, **SECOND)), FINDINGS)[0][0]["unaccounted"] == 2
    # Those that the first had read, and was ended with; the next daemon tells.
    told = {**lost(6, seen=1, daemon=2), **SERIES, **SECOND}
    runs, _ = verify(exported(tmp, started(**SERIES), *numbered(1), started(4, **again), *numbered(4, **SECOND), told), GOOD)
    assert runs[0]["missing"] == 2 and runs[0]["lost"]["daemon"] == 2
    # Of a set of maps that was there before: other numbers.
    old = several(7, 8)
    runs, _ = verify(exported(tmp, *old, started(**SERIES), *numbered(1)), GOOD)
    assert [run["events"] for run in runs] == [2, 1]


def test_verify_the_end_by_a_heartbeat(tmp):
    """What is taken out of the end is missed by what the daemon says that it has read."""
    begin = [started(**SERIES), *numbered(1, 2, 3)]
    verify(exported(tmp, *begin, beat(9, seen=3, numbers="0:3")), GOOD)
    runs, text = verify(exported(tmp, *begin, beat(9, seen=5, numbers="0:5")), FINDINGS)
    assert runs[0]["unaccounted"] == 2 and runs[0]["cpus"][0]["gaps"] == [[4, 5]] and "4-5" in text
    runs, text = verify(exported(tmp, *begin, beat(9, seen=4, numbers="0:3,1:1")), FINDINGS)
    assert runs[0]["cpus"][1]["gaps"] == [[1, 1]] and runs[0]["cpus"][1]["present"] == 0
    verify(exported(tmp, *begin, {**stopped(9), **SERIES, "BAILIFF_NUMBERS": "0:4"}), FINDINGS)
    # A journal that begins later: a heartbeat says where, and the next one how far it should go.
    verify(exported(tmp, beat(1, numbers="0:3"), *numbered(4), beat(9, numbers="0:4")), GOOD)
    assert verify(exported(tmp, beat(1, numbers="0:3"), *numbered(5), beat(9, numbers="0:6")), FINDINGS)[0][0]["unaccounted"] == 2
    assert verify(exported(tmp, beat(1, numbers="0:3"), beat(9, numbers="0:4")), FINDINGS)[0][0]["unaccounted"] == 1
    # A text that is none proves nothing, and breaks nothing.
    for numbers in ("0", "0:", ":1", "0:x", "0:99999999999999999999999", "-1:2", ",", "0:3,", "a:b,0:9"):
        verify(exported(tmp, *begin, beat(9, seen=3, numbers=numbers)), GOOD)


def test_verify_losses_of_a_limit_and_of_repeats(tmp):
    kept = [started(**SERIES), *numbered(1, 2, 5)]
    told = {**lost(10, seen=3, limit=2), **SERIES, "BAILIFF_LOST_REPEATS": "70"}
    runs, text = verify(exported(tmp, *kept, told), GOOD)
    assert runs[0]["lost"]["limit"] == 2 and runs[0]["lost_repeats"] == 70 and "and 70 repeats" in text
    # Repeats have no numbers, so they account for none.
    verify(exported(tmp, *kept, {**lost(10, seen=3), **SERIES, "BAILIFF_LOST_REPEATS": "70"}), FINDINGS)
    # A heartbeat's total stands for a message of losses that is lost.
    assert verify(exported(tmp, *kept, beat(10, seen=3, total=2, numbers="0:5")), GOOD)[0][0]["lost"]["unsaid"] == 2


def test_verify_folded(tmp):
    runs, text = verify(exported(tmp, started(), *several(1, 2, folded="20")), GOOD)
    assert runs[0]["folded"] == 40 and "stand for 40 repeats" in text


def test_verify_a_journal_file(tmp):
    assert verify(journal(tmp, started(), *several(1, 2, 3)), GOOD)[0][0]["events"] == 3
    expect(bailiff("events", "--verify", "--file", exported(tmp)), GOOD, "nothing of bailiffd")


def test_verify_a_hundred_thousand(tmp):
    path = exported(tmp, started(), *several(*[n for n in range(1, 100001) if n % 1000]), lost(100001, seen=99900, ring=99))
    runs, _ = verify(path, GOOD)
    assert runs[0]["missing"] == 99 and runs[0]["events"] == 99900


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
