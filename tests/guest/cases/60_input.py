# SPDX-License-Identifier: Apache-2.0
"""Bad input: each has its own diagnostic and exit code, by the tool as it is installed."""

import json

HEAD = '{"bailiff": 1, "rules": ['
RULE = '{"id": "r", "on": "connect", "to": "192.0.2.1", "port": 1, "action": "deny"}'

FILES = {
    "empty-file": "",
    "truncated": HEAD + RULE,
    "syntax": HEAD + RULE + ",,]}",
    "trailing-garbage": HEAD + RULE + "]} x",
    "not-utf8": HEAD.encode() + RULE.encode().replace(b'"r"', b'"r\xff"') + b"]}",
    "byte-order-mark": b"\xef\xbb\xbf" + HEAD.encode() + RULE.encode() + b"]}",
    "out-of-range": HEAD + RULE.replace('"port": 1', '"port": 70000') + "]}",
    "host-bits": HEAD + RULE.replace("192.0.2.1", "192.0.2.1/24") + "]}",
    "bad-address": HEAD + RULE.replace("192.0.2.1", "192.0.2.256") + "]}",
    "duplicate-id": HEAD + RULE + "," + RULE + "]}",
    "duplicate-key": HEAD + RULE.replace('"port"', '"to": "any", "port"') + "]}",
    "unknown-key": HEAD + RULE.replace('"port"', '"prot"') + "]}",
    "unknown-value": HEAD + RULE.replace('"deny"', '"denny"') + "]}",
    "key-does-not-fit": HEAD + RULE.replace('"port": 1', '"path": "/x"') + "]}",
    "unsupported-version": HEAD.replace("1", "2") + RULE + "]}",
    "list-cycle": '{"bailiff": 1, "lists": {"a": ["@b"], "b": ["@a"]}, "rules": ['
                  + RULE.replace("192.0.2.1", "@a") + "]}",
    "relative-path": HEAD + '{"id": "r", "on": "open", "path": "etc/shadow", "action": "deny"}]}',
    "path-too-long": HEAD + '{"id": "r", "on": "open", "path": "' + "/abc" * 1100 + '", "action": "deny"}]}',
    "too-deep": '{"bailiff": ' + "[" * 2000 + "]" * 2000 + "}",
    "empty-list": HEAD + RULE.replace("1,", "[],", 1) + "]}",
}


def check(g, content):
    g.write("/root/input.json", content)
    result = g.run(["bailiff", "check", "--json", "/root/input.json"], check=False)
    return result, json.loads(result.stdout)


def test_right_file_is_right(g):
    result, answer = check(g, HEAD + RULE + "]}")
    assert result.rc == 0 and answer["ok"] and not answer["diagnostics"], answer
    g.remove("/root/input.json")


def test_each_mistake_has_its_code(g):
    wrong = {}
    for code, content in FILES.items():
        result, answer = check(g, content)
        codes = [diag["code"] for diag in answer["diagnostics"]]
        if result.rc != 1 or code not in codes:
            wrong[code] = (result.rc, answer["diagnostics"])
    g.remove("/root/input.json")
    assert not wrong, wrong


def test_messages_say_where_and_what(g):
    g.write("/root/input.json", '{\n  "bailiff": 1,\n  "rules": [\n    ' + RULE.replace('"port"', '"prot"') + "\n  ]\n}\n")
    result = g.run(["bailiff", "check", "/root/input.json"], check=False)
    assert result.rc == 1 and "/root/input.json:4:" in result.stderr and '"port"' in result.stderr.replace("'", '"'), \
        result.describe()
    g.remove("/root/input.json")


def test_huge_file(g):
    g.sh("truncate -s 200M /root/huge.json")
    result = g.run(["bailiff", "check", "--json", "/root/huge.json"], check=False)
    assert result.rc == 1 and json.loads(result.stdout)["diagnostics"][0]["code"] == "file-too-big", result.describe()
    g.remove("/root/huge.json")


def test_no_file(g):
    result = g.run(["bailiff", "check", "/root/there-is-none.json"], check=False)
    assert result.rc == 2 and "there-is-none" in result.stderr, result.describe()


def test_usage(g):
    for arguments in (["--nonsense"], ["chek"], ["status", "--frob"], []):
        result = g.run(["bailiff", *arguments], check=False)
        assert result.rc == 2 and result.stderr, result.describe()
