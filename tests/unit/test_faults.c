/* SPDX-License-Identifier: Apache-2.0 */
/* The policy parser's faults: each with its code, its place and its hint. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base.h"
#include "policy_text.h"

struct fault {
	const char *text; /* with a mark */
	const char *code;
	const char *pointer;
	const char *hint; /* part of it; NULL: any or none */
};

#define R "/rules/0"
#define P "/profiles/0"

static const struct fault faults[] = {
	/* the file */
	{ "`[]", "wrong-type", "", NULL },
	{ "`{}", "missing-key", "", NULL },
	{ "{'bailiff': `2}", "unsupported-version", "/bailiff", NULL },
	{ "{'bailiff': `1.0}", "unsupported-version", "/bailiff", NULL },
	{ "{'bailiff': `'1'}", "wrong-type", "/bailiff", NULL },
	{ TOP("`'bailiff': 1"), "duplicate-key", "/bailiff", "line 1, column 2" },
	{ TOP("`'polices': []"), "unknown-key", "/polices", NULL },
	{ TOP("`'rulez': []"), "unknown-key", "/rulez", "\"rules\"" },
	{ TOP("`'uid': 3"), "unknown-key", "/uid", "\"by\"" },
	{ TOP("'profiles': `{}"), "wrong-type", "/profiles", NULL },
	{ TOP("'adjust': `{}"), "wrong-type", "/adjust", NULL },
	{ TOP("'mode': `'enfroce'"), "unknown-value", "/mode", "\"enforce\"" },
	{ TOP("'mode': `'ENFORCE'"), "unknown-value", "/mode", "\"enforce\"" },
	{ TOP("'mode': `'paranoid'"), "unknown-value", "/mode", "\"monitor\", \"enforce\"" },
	{ TOP("'mode': `1"), "wrong-type", "/mode", NULL },
	{ TOP("'name': `''"), "bad-name", "/name", NULL },
	{ TOP("'name': `'a b'"), "bad-name", "/name", "letters" },
	{ TOP("'name': `'a/b'"), "bad-name", "/name", NULL },
	{ TOP("'name': `null"), "wrong-type", "/name", NULL },
	{ TOP("'description': `'a\\u001b'"), "bad-text", "/description", NULL },
	{ TOP("'description': `[]"), "wrong-type", "/description", NULL },
	{ TOP("'$schema': `1"), "wrong-type", "/$schema", NULL },
	{ TOP("'rules': `{}"), "wrong-type", "/rules", NULL },
	{ TOP("'lists': `[]"), "wrong-type", "/lists", NULL },
	{ TOP("'tests': `{}"), "wrong-type", "/tests", NULL },
	{ RULES("`3"), "wrong-type", R, NULL },

	/* rules */
	{ RULES("`{'on': 'exec', 'action': 'deny', 'path': '/x'}"), "missing-key", R, NULL },
	{ RULES("`{'id': 'r', 'action': 'deny', 'path': '/x'}"), "missing-key", R, NULL },
	{ RULES("`{'id': 'r', 'on': 'exec', 'path': '/x'}"), "missing-key", R, NULL },
	{ EXEC("`'pth': '/x', 'by': {'uid': 0}"), "unknown-key", R "/pth", "\"path\"" },
	{ EXEC("`'Path': '/x', 'by': {'uid': 0}"), "unknown-key", R "/Path", "\"path\"" },
	{ EXEC("'path': '/x', `'exe': '/y'"), "unknown-key", R "/exe", "\"by\"" },
	{ EXEC("'path': '/x', `'unit': 'y'"), "unknown-key", R "/unit", "\"by\"" },
	{ EXEC("'path': '/x', `'mode': 'enforce'"), "unknown-key", R "/mode", NULL },
	{ EXEC("'path': '/x', 'file': `'memdf'"), "unknown-value", R "/file", "\"memfd\"" },
	{ EXEC("'file': ['script', `'suid']"), "unknown-value", R "/file/1", "\"setuid\"" },
	{ EXEC("'file': `[]"), "empty-list", R "/file", NULL },
	{ EXEC("'file': `true"), "wrong-type", R "/file", NULL },
	{ EXEC("'path': '/x', `'args': 'x'"), "key-does-not-fit", R "/args", "\"kill\" ends it" },
	{ EXEC("'path': '/x', 'args': `[]"), "empty-list", R "/args", NULL },
	{ EXEC("'path': '/x', 'args': `1"), "wrong-type", R "/args", NULL },
	{ EXEC("'path': '/x', 'args': `''"), "bad-argument", R "/args", NULL },
	{ EXEC("'path': '/x', 'args': `'['"), "bad-argument", R "/args", NULL },
	{ EXEC("'path': '/x', 'args': `'\\\\x00'"), "bad-argument", R "/args", NULL },
	{ EXEC("'path': '/x', 'args': `'@none'"), "unknown-list", R "/args", NULL },
	{ EXEC("'path': '/x', 'unless': {`'args': 'x'}"), "key-does-not-fit", R "/unless/args",
	  "subjects" },
	{ CONNECT("'family': `'inte'"), "unknown-value", R "/family", "\"inet\"" },
	{ CONNECT("'family': ['inet', `'AF_INET6']"), "unknown-value", R "/family/1",
	  "small letters" },
	{ CONNECT("'family': `0"), "out-of-range", R "/family", NULL },
	{ CONNECT("'family': `64"), "out-of-range", R "/family", NULL },
	{ CONNECT("'family': `[]"), "empty-list", R "/family", NULL },
	{ CONNECT("'family': `{}"), "wrong-type", R "/family", NULL },
	{ EXEC("'path': '/x', `'family': 'unix'"), "key-does-not-fit", R "/family", NULL },
	{ CONNECT("'family': ['inet', 'netlink'], `'port': 1"), "key-does-not-fit", R "/port",
	  "one rule for these two" },
	{ CONNECT("'family': 'any', `'to': '::1'"), "key-does-not-fit", R "/to", NULL },
	{ CONNECT("'family': 'packet', `'protocol': 'raw'"), "key-does-not-fit", R "/protocol",
	  NULL },
	{ CONNECT("'family': 'inet', `'to': '::1'"), "key-does-not-fit", R "/to", NULL },
	{ CONNECT("'family': 'packet', 'unless': [{'by': {'uid': 0}}, `{'port': 1}]"),
	  "key-does-not-fit", R "/unless/1", NULL },
	{ CONNECT("'port': 1, 'unless': `{'family': 'packet'}"), "key-does-not-fit", R "/unless",
	  "inet and inet6" },
	{ CONNECT("'port': 1, `'socket': '/x'"), "key-does-not-fit", R "/socket", "\"port\" inet" },
	{ CONNECT("'family': ['unix', 'vsock'], `'socket': '/x'"), "key-does-not-fit", R "/socket",
	  "leave out" },
	{ EXEC("'path': '/x', `'socket': '/y'"), "key-does-not-fit", R "/socket", NULL },
	{ CONNECT("'socket': `'x'"), "relative-path", R "/socket", NULL },
	{ CONNECT("'socket': ['@x', `'/x/']"), "bad-path", R "/socket/1", NULL },
	{ CONNECT("'socket': `'@[a'"), "bad-path", R "/socket", NULL },
	{ CONNECT("'socket': `7"), "wrong-type", R "/socket", NULL },
	{ CONNECT("'socket': `[]"), "empty-list", R "/socket", NULL },
	{ TOP("'lists': {'l': ['/x']}, 'rules': [{'id': 'r', 'on': 'connect', 'action': 'deny', "
	      "'socket': `'@l', 'unless': {'by': {'exe': '@l'}}}]"),
	  "ambiguous-name", R "/socket", "inserted" },
	{ CONNECT("'socket': '/x', 'unless': `{'port': 1}"), "key-does-not-fit", R "/unless",
	  NULL },
	{ RULES("{'id': `'a b', 'on': 'exec', 'action': 'alert'}"), "bad-name", R "/id", NULL },
	{ RULES("{'id': `'', 'on': 'exec', 'action': 'alert'}"), "bad-name", R "/id", NULL },
	{ RULES("{'id': `7, 'on': 'exec', 'action': 'alert'}"), "wrong-type", R "/id", NULL },
	{ RULES("{'id': 'r', 'on': 'exec', 'action': 'alert'},\n"
		"{'on': 'open', 'action': 'alert', 'id': `'r'}"),
	  "duplicate-id", "/rules/1/id", "dir/p.json:1:26" },
	{ RULES("{'id': 'r', 'on': `'exce', 'action': 'deny'}"), "unknown-value", R "/on",
	  "\"exec\"" },
	{ RULES("{'id': 'r', 'on': ['exec', `'opne'], 'action': 'alert'}"), "unknown-value",
	  R "/on/1", "\"open\"" },
	{ RULES("{'id': 'r', 'on': `'write', 'action': 'alert'}"), "unknown-value", R "/on",
	  "\"exec\", \"open\", \"connect\"" },
	{ RULES("{'id': 'r', 'on': `[], 'action': 'alert'}"), "empty-list", R "/on", NULL },
	{ RULES("{'id': 'r', 'on': `{}, 'action': 'alert'}"), "wrong-type", R "/on", NULL },
	{ RULES("{'id': 'r', 'on': 'exec', 'action': `'denny'}"), "unknown-value", R "/action",
	  "\"deny\"" },
	{ RULES("{'id': 'r', 'on': 'exec', 'action': `'block'}"), "unknown-value", R "/action",
	  "\"deny\", \"alert\"" },
	{ RULES("`{'id': 'r', 'on': 'exec', 'action': 'kill'}"), "denies-everything", R, NULL },
	{ RULES("{'id': 'r', 'on': 'exec', 'action': `'kil'}"), "unknown-value", R "/action",
	  "\"kill\"" },
	{ RULES("{'id': 'r', 'on': 'exec', 'action': `'allow'}"), "unknown-value", R "/action",
	  "profile" },
	{ RULES("{'id': 'r', 'on': 'exec', 'action': `['deny']}"), "wrong-type", R "/action",
	  NULL },
	{ EXEC("'path': '/x', 'severity': `'hihg'"), "unknown-value", R "/severity", "\"high\"" },
	{ EXEC("'path': '/x', 'severity': `3"), "wrong-type", R "/severity", NULL },
	{ EXEC("'path': '/x', 'message': `'a\\nb'"), "bad-text", R "/message", NULL },
	{ EXEC("'path': '/x', 'message': `'a\\u007fb'"), "bad-text", R "/message", NULL },
	{ EXEC("'path': '/x', 'message': `1"), "wrong-type", R "/message", NULL },
	{ EXEC("'path': '/x', 'attack': `'T10590'"), "bad-attack", R "/attack", "T1059" },
	{ EXEC("'path': '/x', 'attack': `'t1059'"), "bad-attack", R "/attack", NULL },
	{ EXEC("'path': '/x', 'attack': `'T1059.04'"), "bad-attack", R "/attack", NULL },
	{ EXEC("'path': '/x', 'attack': `'T1059.0041'"), "bad-attack", R "/attack", NULL },
	{ EXEC("'path': '/x', 'attack': `'TA002'"), "bad-attack", R "/attack", NULL },
	{ EXEC("'path': '/x', 'attack': `'TA0002.001'"), "bad-attack", R "/attack", NULL },
	{ EXEC("'path': '/x', 'attack': ['T1059', `'']"), "bad-attack", R "/attack/1", NULL },
	{ EXEC("'path': '/x', 'attack': `[]"), "empty-list", R "/attack", NULL },
	{ EXEC("'path': '/x', 'attack': `1059"), "wrong-type", R "/attack", NULL },
	{ RULES("`{'id': 'r', 'on': ['exec', 'open'], 'action': 'deny'}"), "denies-everything", R,
	  NULL },
	/* ... but not where a misspelt key makes it look so */
	{ EXEC("`'ptah': '/x'"), "unknown-key", R "/ptah", "\"path\"" },

	/* keys and operations */
	{ CONNECT("`'path': '/x'"), "key-does-not-fit", R "/path", NULL },
	{ EXEC("`'to': '::1'"), "key-does-not-fit", R "/to", NULL },
	{ OPEN("`'file': 'setuid'"), "key-does-not-fit", R "/file", NULL },
	{ EXEC("'unless': {`'fiel': 'setuid'}"), "unknown-key", R "/unless/fiel", "\"file\"" },
	{ RULES("{'id': 'r', 'on': ['open', 'exec'], 'action': 'deny', `'file': 'setuid'}"),
	  "key-does-not-fit", R "/file", "one rule for each" },
	{ OPEN("`'port': 80"), "key-does-not-fit", R "/port", NULL },
	{ OPEN("`'protocol': 'tcp'"), "key-does-not-fit", R "/protocol", NULL },
	{ EXEC("'path': '/x', `'access': 'read'"), "key-does-not-fit", R "/access", NULL },
	{ RULES("{`'access': 'read', 'path': '/x', 'id': 'r', 'on': ['open', 'exec'], "
		"'action': 'deny'}"),
	  "key-does-not-fit", R "/access", "one rule for each" },
	{ RULES("{'id': 'r', 'on': ['open', 'connect'], 'action': 'deny', `'path': '/x'}"),
	  "key-does-not-fit", R "/path", "one rule for each" },
	{ EXEC("'path': '/x', 'unless': {`'port': 80}"), "key-does-not-fit", R "/unless/port",
	  NULL },

	/* access and protocol */
	{ OPEN("'path': '/x', 'access': `'raed'"), "unknown-value", R "/access", "\"read\"" },
	{ OPEN("'path': '/x', 'access': ['read', `'execute']"), "unknown-value", R "/access/1",
	  NULL },
	{ OPEN("'path': '/x', 'access': `[]"), "empty-list", R "/access", NULL },
	{ OPEN("'path': '/x', 'access': `true"), "wrong-type", R "/access", NULL },
	{ CONNECT("'protocol': `'tpc'"), "unknown-value", R "/protocol", "\"tcp\"" },
	{ CONNECT("'protocol': `6"), "wrong-type", R "/protocol", NULL },

	/* paths; the rest of their syntax is tested with the globs */
	{ PATH("''"), "bad-path", R "/path", NULL },
	{ PATH("'bin/sh'"), "relative-path", R "/path", "/**/bin/sh" },
	{ PATH("'~/x'"), "relative-path", R "/path", "/home/*" },
	{ PATH("'*.sh'"), "relative-path", R "/path", "/**/NAME" },
	{ PATH("'/a//b'"), "bad-path", R "/path", NULL },
	{ PATH("'/a/./b'"), "bad-path", R "/path", NULL },
	{ PATH("'/a/../b'"), "bad-path", R "/path", NULL },
	{ PATH("'/..'"), "bad-path", R "/path", NULL },
	{ PATH("'/a/'"), "bad-path", R "/path", NULL },
	{ PATH("'/a/*/'"), "bad-path", R "/path", NULL },
	{ PATH("'/[a'"), "bad-path", R "/path", NULL },
	{ PATH("'/{a'"), "bad-path", R "/path", NULL },
	{ PATH("'/a\\\\'"), "bad-path", R "/path", NULL },
	{ PATH("'/a\\\\xz0'"), "bad-path", R "/path", NULL },
	{ PATH("'/a\\\\x00'"), "bad-path", R "/path", NULL },
	{ EXEC("'path': '/a`\\u0000'"), "nul-character", R "/path", NULL },
	{ PATH("[]"), "empty-list", R "/path", NULL },
	{ PATH("7"), "wrong-type", R "/path", NULL },
	{ PATH("{}"), "wrong-type", R "/path", NULL },
	{ EXEC("'path': ['/x', `['/y']]"), "wrong-type", R "/path/1", NULL },
	{ EXEC("'path': ['/x', `null]"), "wrong-type", R "/path/1", NULL },
	{ BY("'exe': `'sh'"), "relative-path", R "/by/exe", NULL },

	/* addresses */
	{ NET("'10.0.0.1/8'"), "host-bits", R "/to", "10.0.0.0/8" },
	{ NET("'10.0.0.1/0'"), "host-bits", R "/to", "0.0.0.0/0" },
	{ NET("'2001:db8::1/32'"), "host-bits", R "/to", "2001:db8::/32" },
	{ NET("'::ffff:10.0.0.1/104'"), "host-bits", R "/to", "::ffff:10.0.0.0/104" },
	{ NET("'10.0.0.0/33'"), "bad-prefix", R "/to", "/32" },
	{ NET("'::/129'"), "bad-prefix", R "/to", "/128" },
	{ NET("'10.0.0.0/'"), "bad-prefix", R "/to", NULL },
	{ NET("'10.0.0.0/08'"), "bad-prefix", R "/to", NULL },
	{ NET("'10.0.0.0/+8'"), "bad-prefix", R "/to", NULL },
	{ NET("'10.0.0.0/8/8'"), "bad-prefix", R "/to", NULL },
	{ NET("'10.0.0.0/255.0.0.0'"), "bad-prefix", R "/to", NULL },
	{ NET("'10.0.0'"), "bad-address", R "/to", NULL },
	{ NET("'10.0.0.256'"), "bad-address", R "/to", NULL },
	{ NET("'010.0.0.1'"), "bad-address", R "/to", NULL },
	{ NET("'10.0.0.1 '"), "bad-address", R "/to", NULL },
	{ NET("''"), "bad-address", R "/to", NULL },
	{ NET("'/8'"), "bad-address", R "/to", NULL },
	{ NET("'ANY'"), "bad-address", R "/to", "\"any\"" },
	{ NET("'example.com'"), "bad-address", R "/to", "host names" },
	{ NET("'10.0.0.1:80'"), "bad-address", R "/to", "\"port\"" },
	{ NET("'[::1]:80'"), "bad-address", R "/to", "brackets" },
	{ NET("'fe80::1%eth0'"), "bad-address", R "/to", "zones" },
	{ NET("'10.0.0.1-10.0.0.9'"), "bad-address", R "/to", "networks" },
	{ NET("'10.0.*.*'"), "bad-address", R "/to", "192.0.2.0/24" },
	{ NET("'1:2:3:4:5:6:7:8:9'"), "bad-address", R "/to", NULL },
	{ NET("7"), "wrong-type", R "/to", NULL },
	{ NET("[]"), "empty-list", R "/to", NULL },

	/* ports, user and group ids */
	{ PORT("70000"), "out-of-range", R "/port", NULL },
	{ PORT("65536"), "out-of-range", R "/port", NULL },
	{ PORT("-1"), "out-of-range", R "/port", NULL },
	{ PORT("80.5"), "out-of-range", R "/port", NULL },
	{ PORT("8e1"), "out-of-range", R "/port", NULL },
	{ PORT("99999999999999999999999999"), "out-of-range", R "/port", NULL },
	{ PORT("'80-70000'"), "out-of-range", R "/port", NULL },
	{ PORT("'80-99999999999999999999999'"), "out-of-range", R "/port", NULL },
	{ PORT("'90-80'"), "bad-range", R "/port", "80-90" },
	{ PORT("'81-80'"), "bad-range", R "/port", "80-81" },
	{ PORT("'80'"), "wrong-type", R "/port", "write 80" },
	{ PORT("'80-'"), "bad-range", R "/port", "8000-8100" },
	{ PORT("'-80'"), "bad-range", R "/port", NULL },
	{ PORT("'80 - 90'"), "bad-range", R "/port", NULL },
	{ PORT("'080-090'"), "bad-range", R "/port", NULL },
	{ PORT("'80-90-100'"), "bad-range", R "/port", NULL },
	{ PORT("'http'"), "bad-range", R "/port", "services" },
	{ PORT("''"), "bad-range", R "/port", NULL },
	{ PORT("true"), "wrong-type", R "/port", NULL },
	{ PORT("[]"), "empty-list", R "/port", NULL },
	{ UID("4294967295"), "out-of-range", R "/by/uid", NULL },
	{ UID("'0-4294967295'"), "out-of-range", R "/by/uid", NULL },
	{ UID("'www-data'"), "unknown-account", R "/by/uid", "/etc/passwd" },
	{ BY("'gid': [1, `'adm']"), "unknown-account", R "/by/gid/1", "/etc/group" },
	{ BY("'gid': [0, `-5]"), "out-of-range", R "/by/gid/1", NULL },

	/* subjects */
	{ EXEC("'by': `{}"), "empty-object", R "/by", NULL },
	{ EXEC("'by': `[]"), "wrong-type", R "/by", NULL },
	{ EXEC("'by': `'nginx'"), "wrong-type", R "/by", NULL },
	{ BY("`'user': 'x'"), "unknown-key", R "/by/user", NULL },
	{ BY("`'exec': 'x'"), "unknown-key", R "/by/exec", "\"exe\"" },
	{ BY("'parent': `'x'"), "relative-path", R "/by/parent", NULL },
	{ BY("'ancestor': ['/x', `'x']"), "relative-path", R "/by/ancestor/1", NULL },
	{ BY("'login': `'nosuchuser'"), "unknown-account", R "/by/login", "/etc/passwd" },
	{ BY("'login': `4294967295"), "out-of-range", R "/by/login", "\"unset\"" },
	{ BY("'login': ['unset', `'9-3']"), "bad-range", R "/by/login/1", "\"3-9\"" },
	{ BY("'login': `true"), "wrong-type", R "/by/login", NULL },
	{ BY("'uid': `'unset'"), "unknown-account", R "/by/uid", NULL },
	{ BY("'unit': `'nginx'"), "bad-unit", R "/by/unit", ".service" },
	{ BY("'unit': `'.service'"), "bad-unit", R "/by/unit", NULL },
	{ BY("'unit': `'x.target'"), "bad-unit", R "/by/unit", NULL },
	{ BY("'unit': `'a.slice/b.service'"), "bad-unit", R "/by/unit", "\"cgroup\"" },
	{ BY("'unit': [`'']"), "bad-unit", R "/by/unit/0", NULL },
	{ BY("'unit': `'[x'"), "bad-unit", R "/by/unit", NULL },
	{ BY("'unit': `'a\\\\x2fb*'"), "bad-unit", R "/by/unit", NULL },
	{ BY("'unit': `1"), "wrong-type", R "/by/unit", NULL },
	{ BY("'unit': `[]"), "empty-list", R "/by/unit", NULL },
	{ BY("'slice': `'system'"), "bad-unit", R "/by/slice", ".slice" },
	{ BY("'slice': `'a/b.slice'"), "bad-unit", R "/by/slice", "\"cgroup\"" },
	{ BY("'cgroup': `'system.slice'"), "relative-path", R "/by/cgroup", NULL },
	{ BY("'cgroup': `'/system.slice/'"), "bad-path", R "/by/cgroup", NULL },
	{ BY("'cgroup': `'/a/../b'"), "bad-path", R "/by/cgroup", NULL },
	{ BY("'container': `1"), "wrong-type", R "/by/container", NULL },
	{ BY("'container': [true, `'a/b']"), "bad-container", R "/by/container/1", NULL },
	{ BY("'container': `'{a'"), "bad-container", R "/by/container", NULL },
	{ BY("'capability': `'CAP_SYSADMIN'"), "unknown-value", R "/by/capability",
	  "\"CAP_SYS_ADMIN\"" },
	{ BY("'capability': ['kill', `'Cap_Kill']"), "unknown-value", R "/by/capability/1",
	  "\"CAP_KILL\"" },
	{ BY("'capability': `21"), "wrong-type", R "/by/capability", NULL },
	{ BY("'capability': `[]"), "empty-list", R "/by/capability", NULL },

	/* exceptions */
	{ EXEC("'path': '/x', 'unless': `[]"), "empty-list", R "/unless", NULL },
	{ EXEC("'path': '/x', 'unless': [`{}]"), "empty-object", R "/unless/0", NULL },
	{ EXEC("'path': '/x', 'unless': [`'/y']"), "wrong-type", R "/unless/0", NULL },
	{ EXEC("'path': '/x', 'unless': {`'uid': 0}"), "unknown-key", R "/unless/uid", "\"by\"" },
	{ EXEC("'path': '/x', 'unless': {'path': `'y'}"), "relative-path", R "/unless/path", NULL },
	{ EXEC("'path': '/x', 'unless': {`'id': 'y', 'path': '/y'}"), "unknown-key", R "/unless/id",
	  NULL },

	/* lists */
	{ LISTS("'a': `[]"), "empty-list", "/lists/a", NULL },
	{ LISTS("'a': [`true]"), "wrong-type", "/lists/a/0", NULL },
	{ LISTS("'a': ['/x', `['/y']]"), "wrong-type", "/lists/a/1", NULL },
	{ LISTS("`'a b': ['/x']"), "bad-name", "/lists/a b", NULL },
	{ LISTS("'a': [`'@a']"), "list-cycle", "/lists/a/0", NULL },
	{ LISTS("'a': `'@b'"), "unknown-list", "/lists/a", NULL },
	{ LISTS("'abc': [`'@abd'], 'abcd': ['x']"), "unknown-list", "/lists/abc/0", "\"@abc\"" },
	{ LISTS("'a': ['@b'], 'b': ['@c', '/x'], 'c': ['/y', `'@b']"), "list-cycle", "/lists/c/1",
	  NULL },
	{ LISTS("`'a': ['/x']"), "unused-list", "/lists/a", NULL },
	{ LISTS("'a': [`'@file:/etc/x']"), "unreadable", "/lists/a/0", NULL },
	{ PATH("'@file:x'"), "relative-path", R "/path", "/etc/bailiff/lists" },
	{ PATH("'@'"), "unknown-list", R "/path", NULL },
	{ PATH("'@nowhere'"), "unknown-list", R "/path", "\"lists\"" },
	{ EXEC("'path': ['/x', `'@nowhere']"), "unknown-list", R "/path/1", NULL },
	{ OPEN("'access': `'@x', 'path': '/x'"), "unknown-value", R "/access", NULL },

	/* profiles */
	{ PROFILE("`{'by': {'uid': 1}, 'allow': {'exec': []}, 'otherwise': 'deny'}"), "missing-key",
	  P, NULL },
	{ PROFILE("`{'id': 'p', 'allow': {'exec': []}, 'otherwise': 'deny'}"), "missing-key", P,
	  NULL },
	{ PROFILE("`{'id': 'p', 'by': {'uid': 1}, 'otherwise': 'deny'}"), "missing-key", P, NULL },
	{ PROFILE("`{'id': 'p', 'by': {'uid': 1}, 'allow': {'exec': []}}"), "missing-key", P,
	  NULL },
	{ ALLOW("`{}"), "empty-object", P "/allow", "\"exec\": []" },
	{ ALLOW("{`'exce': []}"), "unknown-key", P "/allow/exce", "\"exec\"" },
	{ ALLOW("{'exec': [`7]}"), "wrong-type", P "/allow/exec/0", NULL },
	{ ALLOW("{'exec': ['/x', {`'to': '::1'}]}"), "key-does-not-fit", P "/allow/exec/1/to",
	  NULL },
	{ ALLOW("{'connect': [`'/x']}"), "bad-address", P "/allow/connect/0", NULL },
	{ ALLOW("{'open': [`{}]}"), "empty-object", P "/allow/open/0", NULL },
	{ PROFILE("{'id': 'p', 'by': {'uid': 1}, 'allow': {'exec': []}, 'otherwise': `'allow'}"),
	  "unknown-value", P "/otherwise", NULL },
	{ PROFILE("{'id': 'p', 'by': {'uid': 1}, 'allow': {'exec': []}, 'otherwise': 'deny', "
		  "`'path': '/x'}"),
	  "unknown-key", P "/path", NULL },
	{ TOP("'rules': [{'id': 'p/open', 'on': 'open', 'action': 'alert'}], 'profiles': [{'id': "
	      "`'p', 'by': {'uid': 1}, 'allow': {'open': '/x'}, 'otherwise': 'kill'}]"),
	  "duplicate-id", P "/id", "ids are unique" },

	/* adjustments */
	{ ADJUST("`{'enabled': false}"), "missing-key", "/adjust/0", NULL },
	{ ADJUST("`{'rule': 'r'}"), "empty-object", "/adjust/0", "\"enabled\"" },
	{ ADJUST("{'rule': 'r', 'enabled': `0}"), "wrong-type", "/adjust/0/enabled", NULL },
	{ ADJUST("{'rule': 'r', `'enable': true, 'action': 'alert'}"), "unknown-key",
	  "/adjust/0/enable", "\"enabled\"" },
	{ ADJUST("{'rule': `'rr', 'enabled': false}"), "adjusts-nothing", "/adjust/0/rule", NULL },
	{ ADJUST("{'rule': 'r', 'action': 'alert'}, {'rule': 'r', 'action': `'kill'}"),
	  "conflicting-adjustments", "/adjust/1/action", NULL },
	{ ADJUST("{'rule': 'r', 'unless': {`'to': '::1'}}"), "key-does-not-fit",
	  "/adjust/0/unless/to", NULL },
	{ ADJUST("{'rule': 'r', 'unless': `[]}"), "empty-list", "/adjust/0/unless", NULL },
	{ TOP("'rules': [{'id': 'r', 'on': 'exec', 'args': 'x', 'action': 'kill'}], 'adjust': "
	      "[{'rule': 'r', 'action': `'deny'}]"),
	  "key-does-not-fit", "/adjust/0/action", "\"kill\" ends it" },

	/* tests */
	{ TEST("`'/x'"), "wrong-type", "/tests/0", NULL },
	{ TEST("`{'path': '/x', 'expect': 'deny'}"), "missing-key", "/tests/0", NULL },
	{ TEST("`{'on': 'exec', 'path': '/x'}"), "missing-key", "/tests/0", NULL },
	{ TEST("`{'on': 'exec', 'expect': 'deny'}"), "missing-key", "/tests/0", NULL },
	{ TEST("`{'on': 'exec', 'file': 'tmpfs', 'expect': 'deny'}"), "missing-key", "/tests/0",
	  NULL },
	{ TEST("{'on': 'exec', 'path': `'/x', 'file': 'memfd', 'expect': 'deny'}"),
	  "key-does-not-fit", "/tests/0/path", "\"memfd\"" },
	{ TEST("{'on': 'exec', 'file': `['memfd', 'tmpfs'], 'expect': 'deny'}"), "key-does-not-fit",
	  "/tests/0/file", NULL },
	{ TEST("{'on': 'open', 'path': '/x', `'file': 'setuid', 'expect': 'deny'}"),
	  "key-does-not-fit", "/tests/0/file", NULL },
	{ TEST("`{'on': 'connect', 'port': 1, 'expect': 'deny'}"), "missing-key", "/tests/0",
	  NULL },
	{ TEST("`{'on': 'connect', 'to': '::1', 'expect': 'deny'}"), "missing-key", "/tests/0",
	  NULL },
	{ TEST("{'on': `['exec', 'open'], 'path': '/x', 'expect': 'deny'}"), "wrong-type",
	  "/tests/0/on", NULL },
	{ TEST("{'on': 'exec', 'path': `'/x*', 'expect': 'deny'}"), "not-one-path", "/tests/0/path",
	  NULL },
	{ TEST("{'on': 'exec', 'path': `['/x', '/y'], 'expect': 'deny'}"), "wrong-type",
	  "/tests/0/path", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', `'access': 'read', 'expect': 'deny'}"),
	  "key-does-not-fit", "/tests/0/access", NULL },
	{ TEST("{'on': 'connect', 'to': `'10.0.0.0/8', 'port': 1, 'expect': 'deny'}"),
	  "not-one-address", "/tests/0/to", NULL },
	{ TEST("{'on': 'connect', 'to': `'any', 'port': 1, 'expect': 'deny'}"), "not-one-address",
	  "/tests/0/to", NULL },
	{ TEST("{'on': 'connect', 'to': '::1', 'port': `'1-2', 'expect': 'deny'}"), "wrong-type",
	  "/tests/0/port", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': `'denied'}"), "unknown-value",
	  "/tests/0/expect", "\"deny\"" },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': `'would-kil'}"), "unknown-value",
	  "/tests/0/expect", "\"would-kill\"" },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'rule': `'q'}"), "unknown-rule",
	  "/tests/0/rule", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'allow', 'rule': `'r'}"), "key-does-not-fit",
	  "/tests/0/rule", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'by': {'unit': `'x'}}"), "bad-unit",
	  "/tests/0/by/unit", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'by': {'unit': `'*.service'}}"),
	  "not-one-path", "/tests/0/by/unit", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'by': {'container': `'a*'}}"),
	  "not-one-path", "/tests/0/by/container", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'by': {'cgroup': `'/a/**'}}"),
	  "not-one-path", "/tests/0/by/cgroup", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'by': {'login': `'1-2'}}"),
	  "wrong-type", "/tests/0/by/login", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'by': {'uid': `'root'}}"),
	  "unknown-account", "/tests/0/by/uid", NULL },
	{ TEST("{'on': 'open', 'path': '/x', 'expect': 'deny', `'args': 'x'}"), "key-does-not-fit",
	  "/tests/0/args", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'args': ['a', `1]}"), "wrong-type",
	  "/tests/0/args/1", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', 'args': 'a`\\u0000'}"),
	  "nul-character", "/tests/0/args", NULL },
	{ TEST("{'on': 'exec', 'path': '/x', 'expect': 'deny', `'id': 'x'}"), "unknown-key",
	  "/tests/0/id", NULL },
};

static void expect_fault(const struct fault *fault)
{
	struct policy_text text = policy_text(fault->text);
	struct bl_policy *policy = (struct bl_policy *)1;
	struct bl_diags diags = { 0 };
	const struct bl_diag *diag;
	int r = policy_text_parse(&text, &diags, &policy);

	if (diags.count != 1) {
		for (size_t i = 0; i < diags.count; i++)
			print_message("%s [%s]\n", diags.items[i].message, diags.items[i].code);
		fail_msg("%s: %zu diagnostics, not one", fault->text, diags.count);
	}
	diag = &diags.items[0];
	if (strcmp(diag->code, fault->code) != 0 || diag->line != text.line ||
	    diag->column != text.column || strcmp(diag->pointer, fault->pointer) != 0)
		fail_msg("%s: [%s] at %u:%u \"%s\"", fault->text, diag->code, diag->line,
			 diag->column, diag->pointer);
	if (fault->hint && (!diag->hint || !strstr(diag->hint, fault->hint)))
		fail_msg("%s: hint '%s'", fault->text, diag->hint);
	assert_string_equal(diag->file, "dir/p.json");
	if (diag->level == BL_DIAG_ERROR) {
		assert_int_equal(r, -EINVAL);
		assert_ptr_equal(policy, (struct bl_policy *)1);
	} else {
		assert_int_equal(r, 0);
		bl_policy_free(policy);
	}
	bl_diags_clear(&diags);
	free(text.bytes);
}

static void test_faults(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(faults); i++)
		expect_fault(&faults[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
