/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping of foreign bytes for logs, terminals and JSON. */
#include "escape.h"

#include <stdint.h>
#include <string.h>

/* The longest display form of one character: four bytes of UTF-8 that may not be shown. */
#define UNIT_BYTES_MAX 16

struct code_range {
	uint32_t first;
	uint32_t last;
};

/*
 * Code points that are escaped though UTF-8 can spell them: Unicode 15's categories Cc, Cf, Co, Cs
 * and noncharacters, further default-ignorable (invisible) ones, and spaces and separators other
 * than U+0020. Sorted.
 */
static const struct code_range hidden[] = {
	{ 0x0080, 0x00a0 },   /* C1, no-break space */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* combining grapheme joiner */
	{ 0x0600, 0x0605 },   /* Arabic number signs (Cf) */
	{ 0x061c, 0x061c },   /* Arabic letter mark: bidi */
	{ 0x06dd, 0x06dd },   /* Arabic end of ayah (Cf) */
	{ 0x070f, 0x070f },   /* Syriac abbreviation mark (Cf) */
	{ 0x0890, 0x0891 },   /* Arabic pound and piastre marks (Cf) */
	{ 0x08e2, 0x08e2 },   /* Arabic disputed end of ayah (Cf) */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x1680, 0x1680 },   /* Ogham space */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors, vowel separator */
	{ 0x2000, 0x200f },   /* spaces, zero-width, left-to-right and right-to-left marks */
	{ 0x2028, 0x202f },   /* line and paragraph separators, bidi embeddings, narrow space */
	{ 0x205f, 0x206f },   /* mathematical space, word joiner, bidi isolates */
	{ 0x2800, 0x2800 },   /* blank Braille */
	{ 0x3000, 0x3000 },   /* ideographic space */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xd800, 0xf8ff },   /* surrogates, private use */
	{ 0xfdd0, 0xfdef },   /* noncharacters */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xffa0, 0xffa0 },   /* half-width Hangul filler */
	{ 0xfff0, 0xfffb },   /* unassigned specials, interlinear annotation */
	{ 0xfffe, 0xffff },   /* noncharacters */
	{ 0x110bd, 0x110bd }, /* Kaithi number signs (Cf) */
	{ 0x110cd, 0x110cd },
	{ 0x13430, 0x13455 }, /* Egyptian hieroglyph format controls */
	{ 0x1bca0, 0x1bca3 }, /* shorthand format controls */
	{ 0x1d173, 0x1d17a }, /* musical format controls */
	{ 0x1fffe, 0x1ffff }, /* noncharacters */
	{ 0x2fffe, 0x2ffff },
	{ 0x3fffe, 0x10ffff }, /* planes without visible characters: tags, selectors, private use */
};

/* How one character is shown. */
struct unit {
	size_t taken; /* bytes of the source */
	size_t len;
	char text[UNIT_BYTES_MAX];
};

static const char digits[] = "0123456789abcdef";

static bool is_hidden(uint32_t code)
{
	size_t low = 0, high = sizeof(hidden) / sizeof(hidden[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (code > hidden[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sizeof(hidden) / sizeof(hidden[0]) && code >= hidden[low].first;
}

/* Length of the sequence that a lead byte of UTF-8 announces, or 0: no lead byte. */
static size_t sequence_bytes(uint8_t lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

/* Decodes one multi-byte character; returns its length, or 0 where the bytes are no valid UTF-8. */
static size_t decode_utf8(const uint8_t *bytes, size_t len, uint32_t *ret_code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = sequence_bytes(bytes[0]);
	uint32_t code;

	if (!n || n > len)
		return 0;
	code = bytes[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n;
}

/* What is done to '"' and '\\'. */
enum quoting {
	QUOTING_ESCAPE = 1,
	QUOTING_KEEP,
};

static bool is_plain(uint8_t byte, enum quoting quoting)
{
	if (byte == '"' || byte == '\\')
		return quoting == QUOTING_KEEP;
	return byte >= 0x20 && byte < 0x7f;
}

static void add_hex(struct unit *unit, uint8_t byte)
{
	unit->text[unit->len++] = '\\';
	unit->text[unit->len++] = 'x';
	unit->text[unit->len++] = digits[byte >> 4];
	unit->text[unit->len++] = digits[byte & 15];
}

static void show_ascii(struct unit *unit, uint8_t byte, enum quoting quoting)
{
	unit->taken = 1;
	if (byte < 0x20 || byte == 0x7f) {
		add_hex(unit, byte);
		return;
	}
	if (!is_plain(byte, quoting))
		unit->text[unit->len++] = '\\';
	unit->text[unit->len++] = (char)byte;
}

static struct unit next_unit(const uint8_t *bytes, size_t len, enum quoting quoting)
{
	struct unit unit = { .taken = 0 };
	uint32_t code = 0;

	if (bytes[0] < 0x80) {
		show_ascii(&unit, bytes[0], quoting);
		return unit;
	}
	unit.taken = decode_utf8(bytes, len, &code);
	if (unit.taken && !is_hidden(code)) {
		memcpy(unit.text, bytes, unit.taken);
		unit.len = unit.taken;
		return unit;
	}
	if (!unit.taken)
		unit.taken = 1;
	for (size_t i = 0; i < unit.taken; i++)
		add_hex(&unit, bytes[i]);
	return unit;
}

/* Shows as many whole characters as fit; *ret_taken says how many bytes of the source they are. */
static size_t show_head(const uint8_t *bytes, size_t len, enum quoting quoting, char *buf,
			size_t room, size_t *ret_taken)
{
	size_t used = 0, at = 0;

	while (at < len) {
		struct unit unit;

		if (is_plain(bytes[at], quoting) && used < room) {
			buf[used++] = (char)bytes[at++];
			continue;
		}
		unit = next_unit(bytes + at, len - at, quoting);
		if (unit.len > room - used)
			break;
		memcpy(buf + used, unit.text, unit.len);
		used += unit.len;
		at += unit.taken;
	}
	*ret_taken = at;
	return used;
}

/*
 * The smallest offset from which the rest fits in room. Starts where it surely does not fit and
 * goes forward by whole characters, so that it falls on the same boundaries as show_head().
 */
static size_t find_tail(const uint8_t *bytes, size_t len, enum quoting quoting, size_t from,
			size_t room)
{
	size_t need = 0, at;

	for (at = from; at < len;) {
		struct unit unit = next_unit(bytes + at, len - at, quoting);

		need += unit.len;
		at += unit.taken;
	}
	for (at = from; at < len && need > room;) {
		struct unit unit = next_unit(bytes + at, len - at, quoting);

		need -= unit.len;
		at += unit.taken;
	}
	return at;
}

static size_t escape(const uint8_t *bytes, size_t len, enum quoting quoting, char *buf,
		     size_t limit, bool *ret_cut)
{
	const size_t mark = strlen(BL_ESCAPE_CUT), half = (limit - mark) / 2;
	size_t taken, tail, used = show_head(bytes, len, quoting, buf, limit, &taken);

	*ret_cut = taken < len;
	if (!*ret_cut)
		return used;
	used = show_head(bytes, len, quoting, buf, half, &taken);
	memcpy(buf + used, BL_ESCAPE_CUT, mark);
	used += mark;
	tail = find_tail(bytes, len, quoting, taken, half);
	return used + show_head(bytes + tail, len - tail, quoting, buf + used, half, &taken);
}

size_t bl_escape_text(const char *bytes, size_t len, char *buf, size_t limit, bool *ret_cut,
		      bool *ret_changed)
{
	bool cut;
	size_t used = escape((const uint8_t *)bytes, len, QUOTING_ESCAPE, buf, limit, &cut);

	if (ret_cut)
		*ret_cut = cut;
	if (ret_changed)
		*ret_changed = cut || used != len;
	return used;
}

size_t bl_escape_again(const char *bytes, size_t len, char *buf, size_t limit)
{
	bool cut;

	return escape((const uint8_t *)bytes, len, QUOTING_KEEP, buf, limit, &cut);
}

size_t bl_escape_hex(const void *bytes, size_t len, char *buf)
{
	const uint8_t *source = bytes;

	for (size_t i = 0; i < len; i++) {
		buf[2 * i] = digits[source[i] >> 4];
		buf[2 * i + 1] = digits[source[i] & 15];
	}
	return 2 * len;
}
