/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on connect: addresses, ports, protocols, families, unix sockets. */
#include "verdicts.h"

static void test_connect(void **state)
{
	EXPECT(ENFORCE(DENY("net", "connect", "'to': ['10.0.0.0/8', 'fd00::/8']"),
		       ALERT("host", "connect", "'to': '10.1.2.3'"),
		       DENY("web", "connect", "'to': '192.0.2.1', 'port': [80, '8000-8100']"),
		       DENY("udp", "connect", "'to': '192.0.2.2', 'protocol': 'udp'"),
		       DENY("smtp", "connect", "'port': 25, 'unless': {'to': '198.51.100.0/24'}"),
		       DENY("irc", "connect", "'port': 6667"),
		       DENY("six", "connect",
			    "'to': '2001:db8::/32','unless': [{'to': '2001:db8:1::/48', "
			    "'port': 22}]")),
	       { { .connect = "10.9.9.9" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "10.1.2.3" }, BL_VERDICT_DENY, "net", 1 },
	       { { .connect = "::ffff:10.9.9.9" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "fd12::1" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "a00::1" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "192.0.2.1" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "192.0.2.1", .port = 8050 }, BL_VERDICT_DENY, "web", 0 },
	       { { .connect = "192.0.2.1", .port = 25 }, BL_VERDICT_DENY, "smtp", 0 },
	       { { .connect = "192.0.2.2" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "192.0.2.2", .access = BL_PROTO_UDP }, BL_VERDICT_DENY, "udp", 0 },
	       { { .connect = "198.51.100.9", .port = 25 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "198.51.100.9", .port = 6667 }, BL_VERDICT_DENY, "irc", 0 },
	       { { .connect = "::1", .port = 25 }, BL_VERDICT_DENY, "smtp", 0 },
	       { { .connect = "2001:db8::1", .port = 22 }, BL_VERDICT_DENY, "six", 0 },
	       { { .connect = "2001:db8:1::1", .port = 22 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "2001:db8:1::1" }, BL_VERDICT_DENY, "six", 0 });
}

/* What a gateway or a tunnel takes for an IPv4 address counts as both; the strictest decides. */
static void test_embedded(void **state)
{
	EXPECT(ENFORCE(DENY("net", "connect", "'to': '10.0.0.0/8'"),
		       DENY("web", "connect", "'to': '192.0.2.1', 'port': 80"),
		       ALERT("six", "connect", "'to': '64:ff9b::/96'"),
		       DENY("any", "connect",
			    "'port': 99, 'unless': {'to': '64:ff9b::a63:0/112'}")),
	       { { .connect = "64:ff9b::10.1.2.3" }, BL_VERDICT_DENY, "net", 1 },
	       { { .connect = "64:ff9b::11.1.2.3" }, BL_VERDICT_ALERT, "six", 0 },
	       { { .connect = "64:ff9b:0:1::10.1.2.3" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "64:ff9b:1::10.1.2.3" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "64:ff9b:1:fffe::10.1.2.3" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "64:ff9b:2::10.1.2.3" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "2001::f5fe:fdfc" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "2001:0:a01:203::b5fe:fdfc" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "2001:1::f5fe:fdfc" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "64:ff9b::192.0.2.1", .port = 80 }, BL_VERDICT_DENY, "web", 1 },
	       { { .connect = "64:ff9b::192.0.2.1", .port = 81 }, BL_VERDICT_ALERT, "six", 0 },
	       { { .connect = "2002:a01:203::1" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "2002:b01:203:a01:203::" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "::10.1.2.3" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "::1" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "::ffff:0:10.1.2.3" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "fe80::5efe:10.1.2.3" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "2001:db8::200:5efe:10.1.2.3" }, BL_VERDICT_DENY, "net", 0 },
	       { { .connect = "2001:db8::5eff:10.1.2.3" }, BL_VERDICT_ALLOW, NULL, 0 },
	       /* an exception for one of the two is none for the other */
	       { { .connect = "64:ff9b::a63:5", .port = 99 }, BL_VERDICT_DENY, "any", 2 },
	       { { .connect = "2001:db8::1", .port = 99 }, BL_VERDICT_DENY, "any", 0 });
}

/* A raw socket can send any protocol, so an exception for its own does not excuse it. */
static void test_raw(void **state)
{
	EXPECT(ENFORCE(DENY("host", "connect",
			    "'to': '192.0.2.1', 'unless': {'protocol': ['icmp', 'udp']}"),
		       DENY("raw", "connect", "'to': '192.0.2.2', 'protocol': 'raw'"),
		       DENY("both", "connect",
			    "'to': '192.0.2.3', 'unless': {'protocol': ['icmp', 'raw']}"),
		       ALERT("seen", "connect",
			     "'to': '192.0.2.2', 'protocol': 'raw', 'unless': {'to': '192.0.2.9'}")),
	       { { .connect = "192.0.2.1", .access = BL_PROTO_ICMP }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "192.0.2.1", .access = BL_PROTO_ICMP | BL_PROTO_RAW },
		 BL_VERDICT_DENY,
		 "host",
		 0 },
	       { { .connect = "192.0.2.2", .access = BL_PROTO_ICMP }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "192.0.2.2", .access = BL_PROTO_OTHER | BL_PROTO_RAW },
		 BL_VERDICT_DENY,
		 "raw",
		 1 },
	       { { .connect = "192.0.2.3", .access = BL_PROTO_ICMP | BL_PROTO_RAW },
		 BL_VERDICT_ALLOW,
		 NULL,
		 0 },
	       { { .connect = "192.0.2.3", .access = BL_PROTO_UDP | BL_PROTO_RAW },
		 BL_VERDICT_DENY,
		 "both",
		 0 });
}

static void test_families(void **state)
{
	EXPECT(ENFORCE(DENY("some", "connect", "'family': ['packet', 40]"),
		       DENY("all", "connect",
			    "'family': 'any', 'by': {'uid': 7}, 'unless': {'family': 'netlink'}"),
		       ALERT("ip", "connect", "'by': {'uid': 7}")),
	       { { .family = 17 }, BL_VERDICT_DENY, "some", 0 },
	       { { .family = 40 }, BL_VERDICT_DENY, "some", 0 },
	       { { .family = 41 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .family = 63, .uid = 7 }, BL_VERDICT_DENY, "all", 0 },
	       { { .family = 17, .uid = 7 }, BL_VERDICT_DENY, "all", 1 },
	       { { .family = 16, .uid = 7 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "192.0.2.1", .uid = 7 }, BL_VERDICT_DENY, "all", 1 },
	       { { .connect = "192.0.2.1" }, BL_VERDICT_ALLOW, NULL, 0 });
}

static void test_sockets(void **state)
{
	EXPECT(ENFORCE(DENY("path", "connect", "'socket': ['/run/a.sock', '/srv/**', '/x/*/s']"),
		       DENY("name", "connect",
			    "'socket': ['@one', '@two*', '@a/[!b]/c', '@n\\\\x00?']"),
		       DENY("but", "connect",
			    "'socket': '@b*', 'unless': [{'socket': '@*ok'}, {'by': {'uid': 5}}]"),
		       DENY("open", "open", "'path': '/run/**'")),
	       { { .socket = "/run/a.sock" }, BL_VERDICT_DENY, "path", 0 },
	       { { .socket = "/run/b.sock" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/run/a.sock" }, BL_VERDICT_DENY, "open", 0 },
	       { { .open = "/srv/x" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "/srv/x/y" }, BL_VERDICT_DENY, "path", 0 },
	       { { .socket = "/x/y/s" }, BL_VERDICT_DENY, "path", 0 },
	       { { .socket = "\0one", .name_len = 4 }, BL_VERDICT_DENY, "name", 0 },
	       { { .socket = "\0one\0", .name_len = 5 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "\0two/\0x", .name_len = 7 }, BL_VERDICT_DENY, "name", 0 },
	       { { .socket = "\0a/\0/c", .name_len = 6 }, BL_VERDICT_DENY, "name", 0 },
	       { { .socket = "\0a///c", .name_len = 6 }, BL_VERDICT_DENY, "name", 0 },
	       { { .socket = "\0a/c", .name_len = 4 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "\0n\0\0", .name_len = 4 }, BL_VERDICT_DENY, "name", 0 },
	       { { .socket = "\0n\0/", .name_len = 4 }, BL_VERDICT_DENY, "name", 0 },
	       { { .socket = "\0n\1/", .name_len = 4 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "\0", .name_len = 1 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "\0b", .name_len = 2 }, BL_VERDICT_DENY, "but", 0 },
	       { { .socket = "\0b/ok", .name_len = 5 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "\0b", .name_len = 2, .uid = 5 }, BL_VERDICT_ALLOW, NULL, 0 });
}

/* One of inet and inet6 beside others: its addresses say nothing of those. */
static void test_exceptions_of_families(void **state)
{
	EXPECT(ENFORCE(DENY("all", "connect",
			    "'family': 'any', 'unless': {'family': ['inet', 'rds']}"),
		       DENY("port", "connect",
			    "'port': 1, 'unless': {'family': ['inet6', 'rds']}")),
	       { { .family = 21 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .family = 22 }, BL_VERDICT_DENY, "all", 0 },
	       { { .connect = "10.0.0.1" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "10.0.0.1", .port = 1 }, BL_VERDICT_DENY, "port", 0 },
	       { { .connect = "2001:db8::1", .port = 1 }, BL_VERDICT_DENY, "all", 0 });
}

static void test_every_socket(void **state)
{
	EXPECT(ENFORCE(DENY(
		       "all", "connect",
		       "'family': ['unix', 'inet'], 'unless': [{'socket': ['/run/**', '@sys*']}, "
		       "{'to': '10.0.0.0/8'}]")),
	       { { .socket = "/tmp/s" }, BL_VERDICT_DENY, "all", 0 },
	       { { .socket = "/run/s" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .socket = "\0x", .name_len = 2 }, BL_VERDICT_DENY, "all", 0 },
	       { { .socket = "\0", .name_len = 1 }, BL_VERDICT_DENY, "all", 0 },
	       { { .socket = "\0system", .name_len = 7 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "10.1.1.1" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "11.1.1.1" }, BL_VERDICT_DENY, "all", 0 },
	       { { .family = 16 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .open = "/tmp/s" }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "fd00::1" }, BL_VERDICT_ALLOW, NULL, 0 });
}

/* It is the address's family that counts. */
static void test_one_ip_family(void **state)
{
	EXPECT(ENFORCE(DENY("four", "connect", "'family': 'inet', 'port': 4"),
		       DENY("six", "connect", "'family': 'inet6', 'port': 6"),
		       DENY("mixed", "connect",
			    "'family': 'inet6', 'to': ['10.0.0.1', '2001:db8::1'], 'port': 7"),
		       DENY("but", "connect", "'port': 9, 'unless': {'family': 'inet6'}")),
	       { { .connect = "10.0.0.1", .port = 4 }, BL_VERDICT_DENY, "four", 0 },
	       { { .connect = "::ffff:10.0.0.1", .port = 4 }, BL_VERDICT_DENY, "four", 0 },
	       { { .connect = "2001:db8::2", .port = 4 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "64:ff9b::10.0.0.1", .port = 4 }, BL_VERDICT_DENY, "four", 0 },
	       { { .connect = "10.0.0.1", .port = 6 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "2001:db8::2", .port = 6 }, BL_VERDICT_DENY, "six", 0 },
	       { { .connect = "10.0.0.1", .port = 7 }, BL_VERDICT_ALLOW, NULL, 0 },
	       { { .connect = "2001:db8::1", .port = 7 }, BL_VERDICT_DENY, "mixed", 0 },
	       { { .connect = "10.0.0.1", .port = 9 }, BL_VERDICT_DENY, "but", 0 },
	       { { .connect = "2001:db8::2", .port = 9 }, BL_VERDICT_ALLOW, NULL, 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect),	      cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_raw),	 cmocka_unit_test(test_exceptions_of_families),
		cmocka_unit_test(test_families), cmocka_unit_test(test_one_ip_family),
		cmocka_unit_test(test_sockets),	 cmocka_unit_test(test_every_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
