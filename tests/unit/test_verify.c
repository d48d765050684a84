/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged images: found out, or harmless. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"
#include "tables.h"

#define SAMPLE                                                                                \
	"{'bailiff': 1, 'mode': 'enforce', 'rules': ["                                       \
	"{'id': 'a', 'on': 'exec', 'action': 'deny', 'path': ['/a/b', '/c/**', '/d/*/e'],"   \
	" 'by': {'uid': 5}},"                                                                \
	"{'id': 'b', 'on': 'open', 'action': 'alert', 'path': '/**/k',"                      \
	" 'unless': [{'path': '/h/*/k'}, {'by': {'exe': '/bin/x', 'gid': 3}}]},"             \
	"{'id': 'c', 'on': 'connect', 'action': 'deny', 'to': ['10.0.0.0/8', '10.1.0.0/16',"  \
	" 'fd00::/8'], 'port': 80},"                                                         \
	"{'id': 'e', 'on': 'connect', 'family': ['netlink', 21], 'action': 'deny',"            \
	" 'unless': {'family': 21}},"                                                        \
	"{'id': 'd', 'on': 'connect', 'action': 'deny', 'port': '1-1024',"                   \
	" 'unless': {'to': '192.0.2.1'}},"                                                    \
	"{'id': 'f', 'on': 'exec', 'action': 'deny', 'file': ['memfd', 'setuid'],"            \
	" 'unless': {'file': 'deleted', 'by': {'uid': 1}}}]}"

/* Accesses that walk through every kind of table. */
static const struct asked accesses[] = {
	{ .exec = "/a/b", .uid = 5 },
	{ .exec = "/c/d/e/f/g/h/i/j/k/l/m/n/o/p" },
	{ .exec = "/d/x/e", .uid = 5, .exe = "/bin/x" },
	{ .exec = "/" },
	{ .exec = "", .facts = BL_FACT_MEMFD },
	{ .exec = "/d/x/e", .facts = BL_FACT_SETUID | BL_FACT_DELETED, .uid = 1 },
	{ .open = "/h/i/k", .exe = "/bin/x", .gid = 3 },
	{ .open = "/h/i/k/a/very/long/path/that/needs/more/than/one/block/of/bytes" },
	{ .open = "", .unnamed = true },
	{ .connect = "10.1.2.3", .port = 80 },
	{ .connect = "fd00::1", .port = 80 },
	{ .connect = "192.0.2.1", .port = 22 },
	{ .connect = "192.0.2.2", .port = 22 },
	{ .connect = "64:ff9b::192.0.2.1", .port = 22 },
	{ .family = 16 },
	{ .family = 21 },
};

/* An image in an allocation of its own, so that a sanitizer sees what is read beyond it. */
struct damaged {
	struct bl_tables tables;
	const struct bl_tables *whole;
	size_t refused, harmless;
};

static struct damaged damaged_new(const struct bl_tables *whole)
{
	struct damaged ret = { .whole = whole };

	ret.tables.bytes = malloc(whole->len);
	ret.tables.len = whole->len;
	memcpy(ret.tables.bytes, whole->bytes, whole->len);
	return ret;
}

static void damaged_clear(struct damaged *damaged)
{
	free(damaged->tables.bytes);
}

static void try_byte(struct damaged *damaged, size_t at, uint8_t flip)
{
	const char *what = NULL;

	damaged->tables.bytes[at] ^= flip;
	if (bl_tables_verify(damaged->tables.bytes, damaged->tables.len, &what)) {
		assert_non_null(what);
		damaged->refused++;
	} else {
		for (size_t i = 0; i < BL_ARRAY_SIZE(accesses); i++)
			ask(&damaged->tables, &accesses[i]);
		damaged->harmless++;
	}
	damaged->tables.bytes[at] = damaged->whole->bytes[at];
}

/* Bytes that are zero far and wide are padding: of those one in 64 will do. */
static bool is_padding(const struct bl_tables *tables, size_t at)
{
	static const uint8_t zero[64];
	size_t start = at > 32 ? at - 32 : 0;

	return at % 64 && start + 64 <= tables->len &&
	       !memcmp(tables->bytes + start, zero, sizeof(zero));
}

static void test_every_byte(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled = compile(SAMPLE);
	_cleanup_(damaged_clear) struct damaged damaged = {};
	uint32_t ports;

	assert_int_equal(compiled.r, 0);
	damaged = damaged_new(compiled.tables);
	ports = compiled_header(&compiled)->port_classes;
	for (size_t at = 0; at < damaged.tables.len; at++) {
		/* 65,536 port classes of which each is looked at: a few stand for all */
		if (at >= ports && at < ports + 2 * 65536 && at % 509)
			continue;
		if (is_padding(compiled.tables, at))
			continue;
		try_byte(&damaged, at, (uint8_t)(1 + at % 255));
		try_byte(&damaged, at, 0x80);
	}
	print_message("# %zu refused, %zu harmless\n", damaged.refused, damaged.harmless);
	assert_true(damaged.refused > 1000);
}

/* Words are worse than bytes: offsets that point elsewhere in the image, or just out of it. */
static void test_words(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled = compile(SAMPLE);
	_cleanup_(damaged_clear) struct damaged damaged = {};
	uint32_t len = (uint32_t)compiled.tables->len;
	const uint32_t words[] = { 0, 1, 16, 4096, 65535, 65536, len - 16, len - 4, len, ~0u };
	size_t refused = 0;

	damaged = damaged_new(compiled.tables);
	for (size_t at = 0; at + 4 <= damaged.tables.len; at += 4) {
		if (is_padding(compiled.tables, at) || (at > 4096 && at % 28))
			continue;
		for (size_t i = 0; i < BL_ARRAY_SIZE(words); i++) {
			memcpy(damaged.tables.bytes + at, &words[i], sizeof(words[i]));
			try_byte(&damaged, at, 0);
			memcpy(damaged.tables.bytes + at, compiled.tables->bytes + at, 4);
		}
	}
	refused = damaged.refused;
	assert_true(refused > 1000);
}

/* ---- one fault each ----------------------------------------------------------------------- */

#define HEADER(field, value, said)                                 \
	{                                                          \
		offsetof(struct bl_header, field), (value), (said) \
	}

static const struct {
	size_t offset;
	uint32_t value;
	const char *said;
} faults[] = {
	HEADER(magic, 1, "no image"),
	HEADER(abi, 99, "another version"),
	HEADER(bytes, 65536, "cut off"),
	HEADER(generation, 0, "no generation"),
	HEADER(flags, 1u << 31, "unknown flags"),
	HEADER(ops, 1, "unknown flags"),
	HEADER(accesses, 0x100, "unknown flags"),
	HEADER(cond_words, 0, "number of conditions"),
	HEADER(cond_words, 65, "number of conditions"),
	HEADER(trie.mask, 5, "hash table"),
	HEADER(trie.offset, 65532, "hash table"),
	HEADER(n_nodes, 1, "trie is out of place"),
	HEADER(nodes, 4, "trie is out of place"),
	HEADER(nodes, 0, "trie without nodes"),
	HEADER(dfa_start, 0, "without a start"),
	HEADER(dfa_start, 65532, "where the DFA starts"),
	HEADER(dfa_start, 8, "where the DFA starts"),
	HEADER(n_byte_classes, 1, "byte has no class"),
	HEADER(n_byte_classes, 300, "byte classes"),
	HEADER(exe_any, 0, "bitset"),
	HEADER(exe_grant, 65532, "bitset"),
	HEADER(open_deep, 1024, "list"),
	HEADER(open_lost, 17, "list"),
	HEADER(exec_pseudo, 17, "list"),
	HEADER(uids.count, 0, "ranges"),
	HEADER(gids.count, 8193, "ranges"),
	HEADER(v4.n, 33, "prefix lengths"),
	HEADER(v6.len, 0x81, "prefix length"),
	HEADER(port_classes, 4, "port classes"),
	HEADER(port_lists, 2, "lists of ports"),
	HEADER(port_lists, 0, "without lists"),
	HEADER(n_port_classes, 1, "port has no class"),
	HEADER(family_lists, 6, "lists of families"),
};

static void test_faults(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled = compile(SAMPLE);

	for (size_t i = 0; i < BL_ARRAY_SIZE(faults); i++) {
		_cleanup_(damaged_clear) struct damaged damaged = damaged_new(compiled.tables);
		const char *what = "nothing";

		memcpy(damaged.tables.bytes + faults[i].offset, &faults[i].value, 4);
		assert_int_equal(bl_tables_verify(damaged.tables.bytes, damaged.tables.len, &what),
				 -EBADMSG);
		print_message("# %zu: %s\n", i, what);
		assert_non_null(strstr(what, faults[i].said));
	}
}

static void test_sizes(void **state)
{
	_cleanup_(compiled_clear) struct compiled compiled = compile(SAMPLE);
	const char *what;

	assert_int_equal(bl_tables_verify(NULL, 0, &what), -EBADMSG);
	assert_int_equal(bl_tables_verify(compiled.tables->bytes, 100, &what), -EBADMSG);
	assert_int_equal(bl_tables_verify(compiled.tables->bytes, compiled.tables->len - 1, &what),
			 -EBADMSG);
	assert_int_equal(bl_tables_verify(compiled.tables->bytes,
					  compiled.tables->len - BL_CHUNK_BYTES, &what),
			 -EBADMSG);
	assert_int_equal(bl_tables_verify(compiled.tables->bytes, compiled.tables->len, &what), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
