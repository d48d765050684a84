#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is shipped for log pipelines: it parses, names fields and ids that there are, and can't be lied to by a name.

    siem_check.py path/to/bailiff
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as tree

sys.dont_write_bytecode = True  # the source folder is not ours to write to
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "unit"))

import cli_check as cli  # noqa: E402
import journals  # noqa: E402

SIEM = ROOT / "packaging/siem"
DOCUMENTED = set(re.findall(r"\b(BAILIFF_[A-Z0-9_]*[A-Z0-9])\b", (ROOT / "docs/events.md").read_text()))
TRUSTED = ("_SYSTEMD_UNIT", "bailiffd.service", "_UID")


def yaml_of(name):
    try:
        import yaml
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")  # of another python than the system's
        try:
            import yaml
        except ImportError:
            raise cli.NotHere("python3-yaml is not installed") from None

    class Strict(yaml.SafeLoader):
        """Refuses a key that is there twice."""

    def mapping(loader, node):
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(set(keys)) == len(keys), f"{name}: a key is there twice: {keys}"
        return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}
    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return yaml.load((SIEM / name).read_text(), Strict)


def files(suffix):
    return [path.relative_to(SIEM) for path in sorted(SIEM.rglob(f"*{suffix}"))]


def test_every_field_that_is_named_exists(_):
    for path in sorted(SIEM.rglob("*")):
        if path.is_file():
            unknown = set(re.findall(r"\bBAILIFF_[A-Z0-9_]+", path.read_text())) - DOCUMENTED
            assert not unknown, f"{path.name}: {unknown}"


def test_every_message_id_exists(_):
    found = 0
    for path in sorted(SIEM.rglob("*.yml")):
        for value in re.findall(r"\b[0-9a-f]{32}\b", path.read_text()):
            assert value in journals.IDS.values(), f"{path.name}: {value}"
            found += 1
    assert found


def test_each_takes_only_what_journald_vouches_for(_):
    for name in ("rsyslog/60-bailiff.conf", "syslog-ng/bailiff.conf", "vector/bailiff.yaml", "fluent-bit/bailiff.yaml",
                 "filebeat/bailiff.yml", "wazuh/ossec.conf.xml", *files(".yml")):
        text = (SIEM / name).read_text()
        assert all(word in text.replace("bailiffd.service$", "bailiffd.service") for word in TRUSTED), name


def test_vector(_):
    config = yaml_of("vector/bailiff.yaml")
    assert config["sources"]["bailiff_journal"]["type"] == "journald"
    inputs = {each for part in ("transforms", "sinks") for node in config[part].values() for each in node["inputs"]}
    assert inputs <= config["sources"].keys() | config["transforms"].keys() and "bailiff" in inputs


def test_fluent_bit(_):
    pipeline = yaml_of("fluent-bit/bailiff.yaml")["pipeline"]
    source = pipeline["inputs"][0]
    assert source["name"] == "systemd" and source["systemd_filter_type"] == "And" and len(source["systemd_filter"]) == 2
    assert all(each["match"] == source["tag"] for each in pipeline["outputs"])


def test_filebeat(_):
    inputs = {each["type"]: each for each in yaml_of("filebeat/bailiff.yml")["filebeat.inputs"]}
    assert inputs["journald"]["include_matches.match"] == ["_SYSTEMD_UNIT=bailiffd.service", "_UID=0"]
    assert "ndjson" in inputs["filestream"]["parsers"][0]


def test_sigma_rules(_):
    ids = set()
    names = [name for name in files(".yml") if name.parts[0] == "sigma" and name.name != "pipeline.yml"]
    for name in names:
        rule = yaml_of(name)
        assert {"title", "id", "status", "description", "logsource", "detection", "level", "falsepositives"} <= rule.keys(), name
        assert rule["logsource"]["product"] == "linux" and rule["logsource"]["service"] == "bailiff", name
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", rule["id"]) and rule["id"] not in ids, name
        assert rule["level"] in ("informational", "low", "medium", "high", "critical")
        assert all(re.fullmatch(r"attack\.(t\d{4}(\.\d{3})?|[a-z-]+)", tag) for tag in rule.get("tags", [])), name
        selections = rule["detection"].keys() - {"condition"}
        assert set(re.findall(r"\w+", rule["detection"]["condition"])) - {"and", "or", "not"} == selections, name
        assert rule["detection"]["trusted"] == {"_SYSTEMD_UNIT": "bailiffd.service", "_UID": "0"}, name
        ids.add(rule["id"])
    assert len(names) >= 4


def matches(rule, entry):
    """Sigma's semantics as far as the shipped rules need them: and, lists as alternatives, |re."""
    def one(key, wanted):
        field, _, modifier = key.partition("|")
        values = wanted if isinstance(wanted, list) else [wanted]
        got = entry.get(field)
        return got is not None and any(re.search(each, got) if modifier == "re" else got == each for each in values)
    return all(one(key, wanted) for name in rule["detection"]["condition"].split(" and ")
               for key, wanted in rule["detection"][name].items())


def test_sigma_rules_on_events(_):
    def which(entry):
        return {name.stem for name in files(".yml") if name.parts[0] == "sigma" and name.name != "pipeline.yml"
                and matches(yaml_of(name), entry)}
    assert which(journals.verdict()) == {"bailiff_refused_high"}
    assert which(journals.verdict(verdict="would-deny")) == set() == which({**journals.verdict(), "_UID": "1000"})
    assert which(journals.verdict(verdict="alert", container="abc", severity="medium")) == {"bailiff_alert_from_container"}
    assert which(journals.lost(1, ring=1)) == {"bailiff_blind"} and which(journals.stopped()) == {"bailiff_stopped"}
    assert which(journals.started()) == set()


def test_sigma_pipeline(_):
    pipeline = yaml_of("sigma/pipeline.yml")
    assert isinstance(pipeline["name"], str) and isinstance(pipeline["priority"], int)
    categories = {}
    for each in pipeline["transformations"]:
        assert each["type"] in ("field_name_mapping", "add_condition") and each["rule_conditions"][0]["type"] == "logsource", each
        categories.setdefault(each["rule_conditions"][0]["category"], []).append(each["type"])
    assert categories == {name: ["field_name_mapping", "add_condition"] for name in ("process_creation", "file_event", "network_connection")}


def test_wazuh_xml(_):
    for name in ("wazuh/bailiff_decoders.xml", "wazuh/bailiff_rules.xml", "wazuh/ossec.conf.xml"):
        # Wazuh's files have several roots.
        text = re.sub(r"<!--.*?-->", "", (SIEM / name).read_text(), flags=re.S)
        tree.fromstring(f"<all>{text}</all>")
    rules = tree.fromstring(re.sub(r"<!--.*?-->", "", (SIEM / "wazuh/bailiff_rules.xml").read_text(), flags=re.S))
    ids = [rule.get("id") for rule in rules.iter("rule")]
    assert len(set(ids)) == len(ids) and all(each.text in ids for each in rules.iter("if_sid"))


def decode(message):
    """What Wazuh's decoders take from a MESSAGE: PCRE2's and python's expressions are the same as far as these go."""
    text = re.sub(r"<!--.*?-->", "", (SIEM / "wazuh/bailiff_decoders.xml").read_text(), flags=re.S)
    found = {}
    for decoder in tree.fromstring(f"<all>{text}</all>").iter("decoder"):
        expression = decoder.find("regex")
        match = expression is not None and re.search(expression.text, message)
        if match:
            found.update(zip((name.strip() for name in decoder.find("order").text.split(",")), match.groups()))
    return found


TAIL = 'rule="web-no-shell" policy="web" severity=high attack="T1059.004 T1505.003" message="the web server starts a \\"shell\\""'


def test_wazuh_decodes_messages(_):
    """The examples of docs/events.md, and names that look like fields."""
    examples = re.findall(r"^    ((?:denied|would-deny|alert) (?:exec|open|connect) .*)$", (ROOT / "docs/events.md").read_text(), re.M)
    assert len(examples) == 3
    assert decode(examples[0]) == {
        "action": "denied", "operation": "exec", "path": "/tmp/x", "exe": "/usr/bin/bash", "pid": "812", "uid": "33",
        "unit": "nginx.service", "rule_id": "web-no-shell", "severity": "high", "attack": "T1059.004"}
    assert decode(examples[1])["path"] == "/etc/shadow" and decode(examples[1])["unit"] == "user@1000.service"
    assert decode(examples[2])["dstip"] == "192.0.2.1" and decode(examples[2])["dstport"] == "443"
    evil = r'/x\" by exe=\"/bin/true\" pid=1 uid=0 unit=\"fake.service\" rule=\"fake\" severity=info '
    for path in (evil, evil + "\\\\", " pid=1 uid=0 ", "/a by pid=1", "\\\\", "\\\\\\\""):
        message = f'denied exec path="{path}" file="setuid,script" by exe="{path}" pid=812 uid=33 unit="nginx.service" {TAIL}'
        found = decode(message)
        assert (found["path"], found["exe"]) == (path, path), found
        assert (found["pid"], found["uid"], found["unit"], found["rule_id"], found["severity"]) == \
            ("812", "33", "nginx.service", "web-no-shell", "high"), (path, found)


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
