/* SPDX-License-Identifier: Apache-2.0 */
/* The names of capabilities as words of the language; with or without "CAP_", in capital or small letters. */
#include <assert.h>
#include <linux/capability.h>
#include <string.h>

#include "abi.h"
#include "words.h"

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
