#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bailiff report: the page is valid, whole by itself, says what the journal says, and no name in it does anything.

    report_check.py path/to/bailiff
"""

import base64
import hashlib
import pathlib
import re
import stat
import sys

sys.dont_write_bytecode = True  # the source folder is not ours to write to

import cli_check as cli  # noqa: E402
from cli_check import FINDINGS, GOOD, USAGE, bailiff, document, expect  # noqa: E402
from journals import exported, journal, lost, started, verdict  # noqa: E402

XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
# Everything that a page of this kind may consist of; nothing of it loads or runs anything.
ELEMENTS = {XHTML + name for name in (
    "html head meta title style body h1 h2 p span table thead tbody tr th td code ul li details summary").split()} | \
    {SVG + name for name in "svg g rect text title".split()}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "open", "viewBox", "role", "aria-label", "x", "y", "width",
              "height", "text-anchor"}
INJECTIONS = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style><style>*{display:none}", "' onclick='x",
              "</td></tr></table><h1>x</h1>", "<!--", "]]>", "&lt;b&gt;&amp;", "javascript:alert(1)", "</title><b>", "</code></td>",
              "{{7*7}}${7*7}", "</svg><script>x</script>", "\u202egnp.x\u2066", "\u2028\u2029"]


def parse(page):
    """By the parser of the HTML standard; a page with any error in it is refused."""
    try:
        import html5lib
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")  # of another python than the system's
        try:
            import html5lib
        except ImportError:
            raise cli.NotHere("python3-html5lib is not installed") from None
    parser = html5lib.HTMLParser(strict=True, tree=html5lib.getTreeBuilder("etree"))
    try:
        return parser.parse(page)
    except html5lib.html5parser.ParseError as problem:
        raise AssertionError(f"the page is not valid: {problem}") from None


def report(tmp, entries, *args):
    out = tmp / "page.html"
    expect(bailiff("report", "--html", out, "--file", exported(tmp, *entries), *args), GOOD, "page.html: ")
    text = out.read_bytes().decode()
    root = parse(text)
    check_safe(root, text)
    return root, text


def check_safe(root, text):
    """Nothing is loaded from anywhere, nothing runs, and the page's own policy sees to it."""
    for each in root.iter():
        assert each.tag in ELEMENTS, f"an element {each.tag}"
        assert set(each.attrib) <= ATTRIBUTES, each.attrib
    policies = [each.get("content") for each in root.iter(XHTML + "meta") if each.get("http-equiv") == "Content-Security-Policy"]
    styles = list(root.iter(XHTML + "style"))
    assert len(policies) == len(styles) == 1
    digest = base64.b64encode(hashlib.sha256(styles[0].text.encode()).digest()).decode()
    assert policies[0] == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in styles[0].text and "@import" not in styles[0].text
    assert text.index("Content-Security-Policy") < text.index("<style>") and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)


def words(element):
    return " ".join("".join(element.itertext()).split())


def section(root, title):
    """The element that follows a heading."""
    body = list(root.iter(XHTML + "body"))[0]
    at = [number for number, each in enumerate(body) if each.tag == XHTML + "h2" and words(each) == title]
    assert len(at) == 1, title
    return body[at[0] + 1]


def rows(root, title):
    return [[words(cell) for cell in row.iter(XHTML + "td")] for row in section(root, title).iter(XHTML + "tbody") for row in row]


def test_what_it_says(tmp):
    entries = [started(), verdict(seq=1, folded="9"), verdict(seq=2, at=1800, rule="tmp", on="exec", verdict="would-deny", severity="low"),
               verdict(seq=3, at=3600, on="connect", verdict="alert", rule="net", unit=None), lost(3700, seen=3)]
    root, text = report(tmp, entries)
    body = words(list(root.iter(XHTML + "body"))[0])
    assert "bailiff on guest 2026-01-02 03:04:05 to 2026-01-02 04:04:05 UTC" in body
    assert "3 events: 10 refused, 1 would have been refused, 1 only reported." in body
    found = {row[0]: row for row in rows(root, "Rules")}
    assert found["no-secret"][1:6] == ["web", "high", "deny", "10", "1"] and found.keys() == {"no-secret", "tmp", "net"}
    assert found["tmp"][2:6] == ["low", "would-deny", "1", "1"] and "T1059.004" in found["net"][8]
    whom = rows(root, "What was refused to whom")
    assert whom[0][:8] == ["deny", "open read", "/srv/secret", "/usr/bin/bash", "nginx.service", "33", "no-secret", "10"]
    assert ["alert", "connect", "192.0.2.1:443", "/usr/bin/bash", "", "33", "net", "1"] in [row[:8] for row in whom]
    assert [row[0] for row in rows(root, "What bailiffd says of itself")] == ["events lost", "started"]
    assert rows(root, "Are they all there?")[0][-1] == "yes"


def test_the_timeline(tmp):
    entries = [verdict(seq=n, at=n * 10, verdict="deny" if n % 2 else "alert") for n in range(1, 97)]
    root, _ = report(tmp, entries)
    bars = list(section(root, "When").iter(SVG + "rect"))
    assert 90 <= len(bars) <= 192 and {bar.get("class") for bar in bars} == {"refused", "alert"}
    assert all(0 <= float(bar.get("y")) <= 160 and 0 <= float(bar.get("x")) < 960 for bar in bars)
    assert sum(float(bar.get("height")) for bar in bars) > 0
    # One event, and two at one instant, have a bar as well.
    assert len(list(report(tmp, [verdict()])[0].iter(SVG + "rect"))) == 1
    assert len(list(report(tmp, [verdict(seq=1), verdict(seq=2, verdict="alert")])[0].iter(SVG + "rect"))) == 2


def tree(element):
    """(text of the process, children) of each item of a list."""
    found = []
    for item in element:
        assert item.tag == XHTML + "li"
        details = item.find(XHTML + "details")
        if details is None:
            found.append((words(item), []))
        else:
            found.append((words(details.find(XHTML + "summary")), tree(details.find(XHTML + "ul"))))
    return found


def test_processes_are_a_tree(tmp):
    def who(seq, pid, ppid, start, exe, parent):
        return verdict(seq=seq, pid=str(pid), ppid=str(ppid), start_ns=str(start), exe=exe, parent_exe=parent, comm="x")
    entries = [who(1, 20, 10, 500, "/bin/sh", "/usr/sbin/nginx"), who(2, 30, 20, 600, "/bin/cat", "/bin/sh"),
               who(3, 31, 20, 610, "/bin/nc", "/bin/sh"), who(4, 20, 10, 500, "/bin/sh", "/usr/sbin/nginx"),
               who(5, 40, 99, 700, "/bin/other", "/sbin/init"),
               # The number 20 again: another process, younger than the first, and older than its child.
               who(6, 20, 1, 900, "/bin/late", "/sbin/init"), who(7, 50, 20, 950, "/bin/child", "/bin/late")]
    found = tree(section(report(tmp, entries)[0], "Processes"))
    shape = [(name.split()[0], [(child.split()[0], [each.split()[0] for each, _ in more]) for child, more in children])
             for name, children in found]
    assert ("/usr/sbin/nginx", [("/bin/sh", ["/bin/cat", "/bin/nc"])]) in shape, shape
    assert ("/sbin/init", [("/bin/late", ["/bin/child"])]) in shape and ("/sbin/init", [("/bin/other", [])]) in shape
    nginx = next(children for name, children in found if "nginx" in name)
    assert nginx[0][0] == "/bin/sh pid 20, uid 33, nginx.service 2 refused"


def test_families_that_do_not_fit(tmp):
    """Circles, processes that are their own parents, chains without end: each process is there once."""
    entries = [verdict(seq=1, pid="1", ppid="2", start_ns="5"), verdict(seq=2, pid="2", ppid="1", start_ns="5"),
               verdict(seq=3, pid="3", ppid="3", start_ns="7"), verdict(seq=4, pid="x", ppid="-1"), verdict(seq=5, start_ns="0")]
    entries += [verdict(seq=10 + n, pid=str(100 + n), ppid=str(99 + n), start_ns=str(1000 + n), exe=f"/chain/{n}") for n in range(200)]
    root, _ = report(tmp, entries)
    text = words(section(root, "Processes"))
    for n in range(200):
        assert text.count(f"/chain/{n} ") == 1, n

    def depth(nodes):
        return 1 + max((depth(children) for _, children in nodes), default=0) if nodes else 0
    assert depth(tree(section(root, "Processes"))) <= 33


def test_hostile_names(tmp):
    """Whatever a name is, it is text: the page has no element more than with a harmless one."""
    names = ("path", "exe", "parent_exe", "rule", "policy", "message", "attack", "unit", "container", "comm", "on", "severity", "access",
             "uid", "verdict", "time")
    entries = [{**verdict(seq=n, pid=str(n)), f"BAILIFF_{name.upper()}": text} for n, (name, text) in enumerate(
        ((name, text) for name in names for text in INJECTIONS), 1)]
    entries += [{**verdict(seq=9000 + n), "_HOSTNAME": text} for n, text in enumerate(INJECTIONS)]
    entries.insert(0, {**verdict(seq=9999), "_HOSTNAME": INJECTIONS[0]})
    entries += [{**started(2), "MESSAGE": text} for text in INJECTIONS]
    entries += [verdict(seq=10000, path=None, on="connect", address=text) for text in INJECTIONS]
    root, text = report(tmp, entries)
    assert "<script" not in text and words(list(root.iter(XHTML + "title"))[0]) == "bailiff on " + INJECTIONS[0]
    shown = {row[2] for row in rows(root, "What was refused to whom")}
    for each in INJECTIONS[:13]:
        assert each in shown, each
    assert not {char for char in text if char in "\u202e\u2066\u2028\u2029"}


def test_bytes_that_are_no_text(tmp):
    entries = [{**verdict(seq=n), "BAILIFF_PATH": data, "BAILIFF_EXE": data, "_HOSTNAME": data} for n, data in enumerate(
        (b"\xff\xfe<b>", b"\x00\x01\x7f", b"\x1b[2J", b"\xed\xa0\x80", b"x" * 100000))]
    root, _ = report(tmp, entries)
    assert "\\xff\\xfe<b>" in words(section(root, "What was refused to whom"))


def test_much(tmp):
    """More rows and processes than are shown are said to be there."""
    entries = [verdict(seq=n, path=f"/srv/{n}", pid=str(n), start_ns=str(n)) for n in range(1, 3001)]
    root, text = report(tmp, entries)
    assert "And 2500 more rows." in text and "more processes than are shown" in text and len(text) < 3_000_000
    assert len(rows(root, "What was refused to whom")) == 500


def test_only_some(tmp):
    entries = [verdict(seq=n, at=n, rule="abc"[n % 3]) for n in range(9)]
    root, _ = report(tmp, entries, "--rule", "b")
    assert [row[0] for row in rows(root, "Rules")] == ["b"] and not rows(root, "Are they all there?")
    root, text = report(tmp, entries, "--since", "@1767323048", "--until", "@1767323050")
    assert "asked for: since 2026-01-02 03:04:08, until 2026-01-02 03:04:10 UTC" in text
    assert sum(int(row[4]) for row in rows(root, "Rules")) == 2
    root, text = report(tmp, [])
    assert "No events" in text and not list(root.iter(SVG + "rect"))


def test_gaps_are_in_the_page(tmp):
    root, _ = report(tmp, [started(), verdict(seq=1), verdict(seq=9)])
    assert rows(root, "Are they all there?")[0][-1].startswith("no: 7 missing")


def test_the_file(tmp):
    out = tmp / "page.html"
    out.write_text("old")
    path = journal(tmp, verdict())
    value = document(bailiff("report", "--json", "--html", out, "--file", path), GOOD)
    assert value["events"] == 1 and value["file"] == str(out) and stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [each.name for each in tmp.iterdir() if each.name.startswith(".")] == []
    assert expect(bailiff("report", "--html", "-", "--file", path), GOOD).stdout.startswith("<!DOCTYPE html>")
    expect(bailiff("report", "--html", tmp / "none/x.html", "--file", path), USAGE, "No such file")
    expect(bailiff("report", "--file", path), USAGE, "--html FILE")
    (tmp / "text").write_text("nonsense")
    out.write_text("old")
    expect(bailiff("report", "--html", out, "--file", tmp / "text"), FINDINGS, "export format")
    assert pathlib.Path(out).read_text() == "old"


if __name__ == "__main__":
    sys.exit(cli.main(globals()))
