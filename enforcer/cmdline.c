/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff.mode= on the kernel's command line. */
#include "cmdline.h"

#include <stdbool.h>
#include <string.h>

#define KEY   "bailiff.mode="
#define BLANK " \t\n"

static const char *const words[_BL_CMDLINE_MAX] = {
	[BL_CMDLINE_ENFORCE] = "enforce",
	[BL_CMDLINE_MONITOR] = "monitor",
	[BL_CMDLINE_OFF] = "off",
};

/* Blanks within quotes are part of a word; the quotes are not. */
static size_t word_len(const char *text)
{
	bool quoted = false;
	size_t len = 0;

	for (; text[len] && (quoted || !strchr(BLANK, text[len])); len++)
		quoted ^= text[len] == '"';
	return len;
}

static enum bl_cmdline_mode read_value(const char *value, size_t len)
{
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	for (enum bl_cmdline_mode mode = BL_CMDLINE_ENFORCE; mode < _BL_CMDLINE_MAX; mode++) {
		if (strlen(words[mode]) == len && memcmp(words[mode], value, len) == 0)
			return mode;
	}
	return BL_CMDLINE_UNKNOWN;
}

enum bl_cmdline_mode bl_cmdline_read(const char *text)
{
	enum bl_cmdline_mode mode = BL_CMDLINE_NONE;

	for (text += strspn(text, BLANK); *text; text += strspn(text, BLANK)) {
		size_t len = word_len(text);

		if (len == 2 && memcmp(text, "--", 2) == 0)
			break;
		if (len >= strlen(KEY) && memcmp(text, KEY, strlen(KEY)) == 0)
			mode = read_value(text + strlen(KEY), len - strlen(KEY));
		text += len;
	}
	return mode;
}
