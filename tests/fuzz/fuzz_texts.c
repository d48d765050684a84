/* SPDX-License-Identifier: Apache-2.0 */
/* The policy files that a daemon finds in the kernel's maps of the one before, and the record of boots: any bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "texts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_texts: %s\n", what);
	abort();
}

static void same(const struct bl_source *left, const struct bl_source *right)
{
	require(strcmp(left->path, right->path) == 0, "has another path");
	require(left->len == right->len && memcmp(left->bytes, right->bytes, left->len) == 0,
		"has another text");
}

/* What was read is written to the same effect. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bl_policies policies = { 0 }, again = { 0 };
	char *line = malloc(size + 1);
	struct bl_boot_record record;
	uint8_t *bytes = NULL;
	size_t len;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (bl_boot_parse(line, &record) == 0)
		require(record.failed < 10 && strlen(record.boot) == 32 &&
				strlen(record.digest) == 64,
			"is no record");
	free(line);
	if (bl_texts_read(data, size, &policies) < 0)
		return 0;
	require(bl_texts_write(&policies, &bytes, &len) == 0, "can't be written");
	require(bl_texts_read(bytes, len, &again) == 0, "can't be read again");
	require(again.count == policies.count && again.n_entries == policies.n_entries,
		"has other files");
	for (size_t i = 0; i < again.count; i++)
		same(&again.sources[i], &policies.sources[i]);
	for (size_t i = 0; i < again.n_entries; i++)
		same(again.entries[i], policies.entries[i]);
	bl_policies_clear(&policies);
	bl_policies_clear(&again);
	free(bytes);
	return 0;
}
