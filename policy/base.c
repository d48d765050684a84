/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers that every room may use: growing arrays, formatting, UTF-8. */
#include "base.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void bl_use_huge_pages(void *block, size_t bytes)
{
	uintptr_t first = ((uintptr_t)block + BL_HUGE_PAGE_BYTES - 1) & ~(BL_HUGE_PAGE_BYTES - 1);
	uintptr_t end = ((uintptr_t)block + bytes) & ~(BL_HUGE_PAGE_BYTES - 1);

	/* A kernel that can't gives small ones. */
	if (first < end)
		madvise((void *)first, end - first, MADV_HUGEPAGE);
}

int bl_grow(void *items, size_t *capacity, size_t need, size_t size)
{
	size_t wanted = *capacity ? *capacity : 8;
	void *grown;

	if (need <= *capacity)
		return 0;
	while (wanted < need) {
		if (wanted > SIZE_MAX / 2)
			return -ENOMEM;
		wanted *= 2;
	}
	if (wanted > SIZE_MAX / size)
		return -ENOMEM;
	grown = realloc(*(void **)items, wanted * size);
	if (!grown)
		return -ENOMEM;
	bl_use_huge_pages(grown, wanted * size);
	*(void **)items = grown;
	*capacity = wanted;
	return 0;
}

char *bl_vformat(const char *fmt, va_list args)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return NULL;
	text = malloc((size_t)len + 1);
	if (text)
		vsnprintf(text, (size_t)len + 1, fmt, args);
	return text;
}

char *bl_format(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = bl_vformat(fmt, args);
	va_end(args);
	return text;
}

/* The range of a sequence's second byte excludes overlong forms and surrogates. */
static bool second_byte_valid(uint8_t lead, uint8_t second)
{
	switch (lead) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return true;
	}
}

size_t bl_utf8_length(const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t need;

	if (!len)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	need = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (need > len)
		return 0;
	for (size_t i = 1; i < need; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	}
	return second_byte_valid(bytes[0], bytes[1]) ? need : 0;
}

size_t bl_utf8_encode(uint32_t code, char out[static 4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* C1 controls are two bytes in UTF-8, and some terminals obey them. */
static bool showable(const char *text, size_t sequence)
{
	const uint8_t *bytes = (const uint8_t *)text;

	if (sequence == 1)
		return bytes[0] >= 0x20 && bytes[0] != 0x7f;
	return sequence > 2 || (sequence == 2 && !(bytes[0] == 0xc2 && bytes[1] < 0xa0));
}

char *bl_printable(const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	char *shown, *out;

	if (len > (SIZE_MAX - 1) / 4)
		return NULL;
	out = shown = malloc(4 * len + 1);
	if (!shown)
		return NULL;
	for (size_t i = 0; i < len;) {
		size_t sequence = bl_utf8_length(text + i, len - i);

		if (sequence && showable(text + i, sequence)) {
			memcpy(out, text + i, sequence);
			out += sequence;
			i += sequence;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[(uint8_t)text[i] >> 4];
		*out++ = hex[(uint8_t)text[i] & 15];
		i++;
	}
	*out = '\0';
	return shown;
}

struct bl_excerpt bl_excerpt(const char *text, size_t len)
{
	struct bl_excerpt excerpt = { 0 };
	size_t kept = len;

	if (len > BL_EXCERPT_BYTES) {
		kept = BL_EXCERPT_BYTES;
		while (kept > BL_EXCERPT_BYTES - 4 && ((uint8_t)text[kept] & 0xc0) == 0x80)
			kept--;
	}
	memcpy(excerpt.text, text, kept);
	if (kept < len)
		memcpy(excerpt.text + kept, "...", 4);
	return excerpt;
}
