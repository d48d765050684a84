/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged images: what bl_tables_verify() lets by, bl_decide() must walk without harm. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "unit/tables.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULE "{'bailiff': 1, 'mode': 'enforce', 'rules': [{'id': 'r', 'action': 'deny', "

/* One image for each machine, so that a few bytes of input reach all of it. */
static const char *const policies[] = {
	RULE "'on': ['exec', 'open'], 'path': ['/a/b', '/a/**', '/c/{d,e}'],"
	     " 'unless': [{'by': {'uid': '5-9'}}, {'path': '/a/b', 'by': {'exe': '/x'}}]}]}",
	RULE "'on': 'open', 'path': ['/a/*/k', '/**/z'], 'by': {'gid': 3, 'exe': '/bin/*'}}]}",
	RULE "'on': 'connect', 'to': ['10.0.0.0/8', '10.1.0.0/16', 'fd00::/8'], 'port': 80},"
	     "{'id': 's', 'on': 'connect', 'action': 'alert', 'port': '1-1024',"
	     " 'unless': {'to': '10.0.0.1'}}]}",
	RULE "'on': 'exec', 'file': ['memfd', 'setuid'], 'unless': {'file': 'script'}}]}",
};

static const struct asked accesses[] = {
	{ .exec = "/a/b", .uid = 5 },
	{ .exec = "/a/b", .exe = "/x" },
	{ .exec = "/c/e/f/g/h/i/j/k/l" },
	{ .exec = "/" },
	{ .exec = "", .facts = BL_FACT_MEMFD },
	{ .exec = "/a/b", .facts = BL_FACT_SETUID | BL_FACT_SCRIPT },
	{ .open = "/a/x/k", .exe = "/bin/y", .gid = 3 },
	{ .open = "/q/r/s/t/u/v/w/x/y/z" },
	{ .open = "", .unnamed = true },
	{ .connect = "10.1.2.3", .port = 80 },
	{ .connect = "fd00::1", .port = 80 },
	{ .connect = "10.0.0.1", .port = 22 },
};

/* libFuzzer has one process and no other place for what lasts from input to input. */
static struct compiled bases[BL_ARRAY_SIZE(policies)];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(policies); i++) {
		bases[i] = compile(policies[i]);
		if (bases[i].r)
			abort();
	}
	return 0;
}

/* Changes come as (offset: 3 bytes, value: 2 bytes, width: the offset's top bit). */
static void damage(struct bl_tables *tables, const uint8_t *data, size_t size)
{
	for (; size >= 5; data += 5, size -= 5) {
		uint32_t at = (uint32_t)data[0] | (uint32_t)data[1] << 8 |
			      (uint32_t)(data[2] & 0x7f) << 16;

		at %= (uint32_t)tables->len - 1;
		tables->bytes[at] = data[3];
		if (data[2] & 0x80)
			tables->bytes[at + 1] = data[4];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bl_tables tables;
	const struct bl_tables *base;
	const char *what = NULL;

	if (!bases[0].tables)
		LLVMFuzzerInitialize(NULL, NULL);
	if (!size)
		return 0;
	base = bases[data[0] % BL_ARRAY_SIZE(policies)].tables;
	tables = (struct bl_tables){ .bytes = malloc(base->len), .len = base->len };
	if (!tables.bytes)
		return 0;
	memcpy(tables.bytes, base->bytes, base->len);
	damage(&tables, data + 1, size - 1);
	if (!bl_tables_verify(tables.bytes, tables.len, &what))
		for (size_t i = 0; i < BL_ARRAY_SIZE(accesses); i++)
			ask(&tables, &accesses[i]);
	else if (!what)
		abort();
	free(tables.bytes);
	return 0;
}
