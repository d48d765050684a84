/* SPDX-License-Identifier: Apache-2.0 */
/* The names of capabilities as words of the language; with or without "CAP_", in capital or small letters. */
#include <assert.h>
#include <linux/capability.h>
#include <string.h>

#include "parse.h"

#define CAPABILITY_WORD(word)                \
	{                                    \
		.name = #word, .value = word \
	}

static const struct bl_word capability_words[] = {
	CAPABILITY_WORD(CAP_CHOWN),
	CAPABILITY_WORD(CAP_DAC_OVERRIDE),
	CAPABILITY_WORD(CAP_DAC_READ_SEARCH),
	CAPABILITY_WORD(CAP_FOWNER),
	CAPABILITY_WORD(CAP_FSETID),
	CAPABILITY_WORD(CAP_KILL),
	CAPABILITY_WORD(CAP_SETGID),
	CAPABILITY_WORD(CAP_SETUID),
	CAPABILITY_WORD(CAP_SETPCAP),
	CAPABILITY_WORD(CAP_LINUX_IMMUTABLE),
	CAPABILITY_WORD(CAP_NET_BIND_SERVICE),
	CAPABILITY_WORD(CAP_NET_BROADCAST),
	CAPABILITY_WORD(CAP_NET_ADMIN),
	CAPABILITY_WORD(CAP_NET_RAW),
	CAPABILITY_WORD(CAP_IPC_LOCK),
	CAPABILITY_WORD(CAP_IPC_OWNER),
	CAPABILITY_WORD(CAP_SYS_MODULE),
	CAPABILITY_WORD(CAP_SYS_RAWIO),
	CAPABILITY_WORD(CAP_SYS_CHROOT),
	CAPABILITY_WORD(CAP_SYS_PTRACE),
	CAPABILITY_WORD(CAP_SYS_PACCT),
	CAPABILITY_WORD(CAP_SYS_ADMIN),
	CAPABILITY_WORD(CAP_SYS_BOOT),
	CAPABILITY_WORD(CAP_SYS_NICE),
	CAPABILITY_WORD(CAP_SYS_RESOURCE),
	CAPABILITY_WORD(CAP_SYS_TIME),
	CAPABILITY_WORD(CAP_SYS_TTY_CONFIG),
	CAPABILITY_WORD(CAP_MKNOD),
	CAPABILITY_WORD(CAP_LEASE),
	CAPABILITY_WORD(CAP_AUDIT_WRITE),
	CAPABILITY_WORD(CAP_AUDIT_CONTROL),
	CAPABILITY_WORD(CAP_SETFCAP),
	CAPABILITY_WORD(CAP_MAC_OVERRIDE),
	CAPABILITY_WORD(CAP_MAC_ADMIN),
	CAPABILITY_WORD(CAP_SYSLOG),
	CAPABILITY_WORD(CAP_WAKE_ALARM),
	CAPABILITY_WORD(CAP_BLOCK_SUSPEND),
	CAPABILITY_WORD(CAP_AUDIT_READ),
	CAPABILITY_WORD(CAP_PERFMON),
	CAPABILITY_WORD(CAP_BPF),
	CAPABILITY_WORD(CAP_CHECKPOINT_RESTORE),
};
static_assert(BL_ARRAY_SIZE(capability_words) <= BL_CAPS, "a mask of 64 bits has them all");

const struct bl_words bl_words_capability = {
	.what = "a capability",
	.items = capability_words,
	.count = BL_ARRAY_SIZE(capability_words),
};

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

static bool is_small(const char *text)
{
	return !text[strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static bool is_capital(const char *text)
{
	return !text[strcspn(text, "abcdefghijklmnopqrstuvwxyz")];
}

static bool same_letters(const char *text, const char *word)
{
	while (*text && upper(*text) == *word) {
		text++;
		word++;
	}
	return !*text && !*word;
}

bool bl_capability_find(const char *text, uint32_t *ret)
{
	if (!is_small(text) && !is_capital(text))
		return false;
	for (size_t i = 0; i < BL_ARRAY_SIZE(capability_words); i++) {
		const char *name = capability_words[i].name;

		if (!same_letters(text, name) && !same_letters(text, name + strlen("CAP_")))
			continue;
		*ret = capability_words[i].value;
		return true;
	}
	return false;
}

static void fail_capability(struct bl_parser *parser, uint32_t node, const char *text)
{
	struct bl_nearest nearest = { 0 };
	struct bl_diag *diag;

	diag = bl_parse_error(parser, node, "unknown-value", "\"%s\" is not a capability",
			      bl_excerpt(text, parser->json->nodes[node].len).text);
	for (size_t i = 0; i < BL_ARRAY_SIZE(capability_words); i++) {
		bl_nearest_offer(&nearest, text, capability_words[i].name);
		bl_nearest_offer(&nearest, text, capability_words[i].name + strlen("CAP_"));
	}
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"%s\"?", nearest.name);
	else
		bl_diag_hint(diag, "capabilities(7) has their names, such as \"CAP_SYS_ADMIN\"");
}

void bl_parse_capabilities(struct bl_parser *parser, uint32_t node, uint64_t *ret)
{
	uint64_t mask = 0;
	uint32_t capability;

	if (bl_parse_is_empty(parser, node))
		return;
	BL_PARSE_EACH(parser, node, element)
	{
		const char *text;

		if (!bl_parse_kind(parser, element, BL_JSON_STRING, "a capability"))
			continue;
		text = bl_json_text(parser->json, element);
		if (bl_capability_find(text, &capability))
			mask |= 1ull << capability;
		else
			fail_capability(parser, element, text);
	}
	*ret = mask;
}
