/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an exported journal: refused or read, and whatever is read is one safe line in every format. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base.h"
#include "export.h"
#include "show.h"
#include "verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_export: %s\n", what);
	abort();
}

typedef int (*show_fn)(FILE *out, const struct bl_shown *entry, const char *version);

static int show_line(FILE *out, const struct bl_shown *entry, const char *version)
{
	return bl_show_line(out, entry, false);
}

static int show_json(FILE *out, const struct bl_shown *entry, const char *version)
{
	return bl_show_json(out, entry);
}

static const struct {
	show_fn show;
	bool json;
} formats[] = {
	{ show_line, false },  { show_json, true },    { bl_show_ecs, true },
	{ bl_show_ocsf, true }, { bl_show_cef, false },
};

static void check_line(const char *text, size_t len, bool json)
{
	json_t *value;

	require(len && text[len - 1] == '\n', "no line");
	for (size_t i = 0; i + 1 < len; i++) {
		unsigned char c = (unsigned char)text[i];

		require(c >= 0x20 && c != 0x7f, "a control byte in a line");
	}
	for (size_t i = 0; i < len;) {
		size_t n = bl_utf8_length(text + i, len - i);

		require(n > 0, "no UTF-8");
		i += n;
	}
	if (!json)
		return;
	/* Fields that are there twice are told once, so no key is. */
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	require(value != NULL, "no JSON, or a key is there twice");
	json_decref(value);
}

static void check_entry(const struct bl_shown *entry)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(formats); i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		require(out && formats[i].show(out, entry, "0") == 0, "it can't be shown");
		fclose(out);
		check_line(text, len, formats[i].json);
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bl_verify_run *runs;
	struct bl_verify *verify = NULL;
	struct bl_export *export = NULL;
	struct bl_shown entry;
	size_t n;
	FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;

	if (!file)
		return 0;
	require(bl_export_new(file, &export) == 0 && bl_verify_new(&verify) == 0, "no memory");
	while (bl_export_next(export, &entry, NULL) > 0) {
		check_entry(&entry);
		require(bl_verify_add(verify, &entry) == 0, "no memory");
	}
	require(bl_verify_finish(verify, &runs, &n) == 0, "no memory");
	for (size_t i = 0; i < n; i++)
		require(bl_verify_is_good(&runs[i]) || runs[i].unaccounted || runs[i].duplicates,
			"it is bad for no reason");
	bl_verify_free(verify);
	bl_export_free(export);
	return 0;
}
