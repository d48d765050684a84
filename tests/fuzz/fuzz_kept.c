/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon finds in the kernel's maps of the one before, and the kernel's command line: any bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_kept: %s\n", what);
	abort();
}

/* What was read is written to the same effect. */
static void write_again(const struct bl_generation *generation, const struct bl_kept *kept)
{
	struct bl_generation *again = NULL;
	struct bl_kept kept_again;
	uint8_t *text = NULL;
	size_t len;

	require(bl_kept_write(generation, generation->number, kept->ceiling, &text, &len) == 0,
		"can't be written");
	require(bl_kept_read(text, len, &kept_again, &again) == 0, "can't be read again");
	require(again->n_rules == generation->n_rules && again->n_files == generation->n_files &&
			again->number == generation->number,
		"is another one");
	for (size_t i = 0; i < again->n_rules; i++) {
		require(strcmp(again->rules[i].info.id, generation->rules[i].info.id) == 0,
			"has other rules");
		require(generation->rules[i].file < generation->n_files, "has a rule of no file");
	}
	bl_generation_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct bl_generation *generation = NULL;
	struct bl_kept kept;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	require(bl_cmdline_read(line) < _BL_CMDLINE_MAX, "no mode");
	free(line);
	if (bl_kept_read(data, size, &kept, &generation) == 0) {
		write_again(generation, &kept);
		bl_generation_free(generation);
	}
	return 0;
}
