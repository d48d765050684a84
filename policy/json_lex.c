/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON parser's tokens: strings, numbers, and the check for duplicate keys. */
#include "json_lex.h"

#include <errno.h>
#include <string.h>

#define FEW_KEYS 16 /* compared pair by pair; more of them go into a map */

/* ---- strings ------------------------------------------------------------------------------ */

/* Reads the four hexadecimal digits of \uXXXX; 'where' is the backslash. */
static int read_hex(struct bl_lexer *lx, const char *where, uint32_t *ret)
{
	uint32_t code = 0;

	for (int i = 2; i < 6; i++) {
		uint8_t c = where + i < lx->end ? (uint8_t)where[i] : 0;

		if (c >= '0' && c <= '9')
			code = code << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code << 4 | ((c | 0x20) - 'a' + 10);
		else
			return bl_lexer_fail(lx, where, "bad-escape", NULL,
					     "\\u needs four hexadecimal digits");
	}
	*ret = code;
	return 0;
}

static int fail_surrogate(struct bl_lexer *lx, const char *where)
{
	return bl_lexer_fail(lx, where, "lone-surrogate",
			     "characters above U+FFFF are a pair: \\ud83d\\ude00",
			     "half of a surrogate pair is no character");
}

/* Reads \uXXXX, or two of them that are a surrogate pair; lx->at is the backslash. */
static int read_unicode(struct bl_lexer *lx, char *out, size_t *ret_len)
{
	const char *where = lx->at;
	uint32_t code = 0, low = 0;
	int r = read_hex(lx, where, &code);

	if (r < 0)
		return r;
	if (code == 0)
		return bl_lexer_fail(lx, where, "nul-character", NULL,
				     "strings can't hold the character U+0000");
	lx->at += 6;
	if (code >= 0xdc00 && code <= 0xdfff)
		return fail_surrogate(lx, where);
	if (code >= 0xd800 && code <= 0xdbff) {
		if (lx->end - lx->at < 2 || lx->at[0] != '\\' || lx->at[1] != 'u')
			return fail_surrogate(lx, where);
		r = read_hex(lx, lx->at, &low);
		if (r < 0)
			return r;
		if (low < 0xdc00 || low > 0xdfff)
			return fail_surrogate(lx, where);
		lx->at += 6;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*ret_len = bl_utf8_encode(code, out);
	return 0;
}

/* Reads one escape sequence; lx->at is the backslash. Writes at most four bytes. */
static int read_escape(struct bl_lexer *lx, char *out, size_t *ret_len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = lx->at + 1 < lx->end ? lx->at[1] : '\0';
	const char *found;

	if (c == 'u')
		return read_unicode(lx, out, ret_len);
	found = c ? strchr(from, c) : NULL;
	if (!found)
		return bl_lexer_fail(lx, lx->at, "bad-escape", "a backslash itself is written \\\\",
				     "JSON has no such escape sequence");
	out[0] = to[found - from];
	*ret_len = 1;
	lx->at += 2;
	return 0;
}

/* What can't stand in a string as it is; lx->at is that byte. */
static int fail_byte(struct bl_lexer *lx, const char *start)
{
	uint8_t c;

	if (lx->at == lx->end)
		return bl_lexer_fail(lx, lx->at, "truncated", "is the file complete?",
				     "the file ends within the string that starts at column %u",
				     (uint32_t)(start - lx->line_start) + 1);
	c = (uint8_t)*lx->at;
	if (c == '\n' || c == '\r')
		return bl_lexer_fail(lx, lx->at, "bad-string",
				     "close it with '\"'; a line feed is written \\n",
				     "the line ends within the string that starts at column %u",
				     (uint32_t)(start - lx->line_start) + 1);
	if (c < 0x20)
		return bl_lexer_fail(lx, lx->at, "bad-string", "write it as an escape sequence",
				     "the control character 0x%02x can't stand in a string", c);
	return bl_lexer_fail(
		lx, lx->at, "not-utf8",
		"policy files are UTF-8 text; in paths, any byte can be written \\\\xNN",
		"the byte 0x%02x is not valid UTF-8", c);
}

/* One in each byte, and the highest bit of each. */
#define ONES (~0ull / 0xff)
#define TOPS (ONES * 0x80)

/* Whether eight bytes stand for themselves: ASCII, no control character, neither '"' nor '\\'. */
static bool eight_plain(const char *at)
{
	uint64_t word, quotes, slashes;

	memcpy(&word, at, sizeof(word));
	quotes = word ^ ONES * '"';
	slashes = word ^ ONES * '\\';
	/* A byte below n loses its top bit's complement to the borrow; bytes above 0x7f are found by their own. */
	return !((word | (word - ONES * 0x20) | (quotes - ONES) | (slashes - ONES)) & TOPS);
}

/* Copies what stands for itself. */
static size_t copy_plain(struct bl_lexer *lx, char *out)
{
	const char *start = lx->at, *end = lx->end;
	const char *at = start;

	while (end - at >= 8 && eight_plain(at))
		at += 8;
	while (at < end) {
		uint8_t c = (uint8_t)*at;

		if (c >= 0x80) {
			size_t sequence = bl_utf8_length(at, (size_t)(end - at));

			if (!sequence)
				break;
			at += sequence;
		} else if (c < 0x20 || c == '"' || c == '\\') {
			break;
		} else {
			at++;
		}
	}
	memcpy(out, start, (size_t)(at - start));
	lx->at = at;
	return (size_t)(at - start);
}

int bl_lexer_string(struct bl_lexer *lx, uint32_t *ret)
{
	const char *start = lx->at;
	char *text = lx->json->text + lx->text_len, *out = text;
	size_t len = 0;
	int r = bl_lexer_node(lx, BL_JSON_STRING, ret);

	if (r < 0)
		return r;
	for (lx->at++;;) {
		out += copy_plain(lx, out);
		if (lx->at < lx->end && *lx->at == '"')
			break;
		if (lx->at == lx->end || *lx->at != '\\')
			return fail_byte(lx, start);
		r = read_escape(lx, out, &len);
		if (r < 0)
			return r;
		out += len;
	}
	lx->at++;
	*out = '\0';
	lx->json->nodes[*ret].text = (uint32_t)lx->text_len;
	lx->json->nodes[*ret].len = (uint32_t)(out - text);
	lx->text_len += (size_t)(out - text) + 1;
	return 0;
}

/* ---- numbers ------------------------------------------------------------------------------ */

static size_t skip_digits(struct bl_lexer *lx)
{
	const char *start = lx->at;

	while (lx->at < lx->end && *lx->at >= '0' && *lx->at <= '9')
		lx->at++;
	return (size_t)(lx->at - start);
}

static int fail_number(struct bl_lexer *lx, const char *message)
{
	return bl_lexer_fail(lx, lx->at, "bad-number", NULL, "%s", message);
}

static int skip_fraction_and_exponent(struct bl_lexer *lx)
{
	if (lx->at < lx->end && *lx->at == '.') {
		lx->at++;
		if (!skip_digits(lx))
			return fail_number(lx, "expected a digit after the decimal point");
	}
	if (lx->at < lx->end && (*lx->at | 0x20) == 'e') {
		lx->at++;
		if (lx->at < lx->end && (*lx->at == '+' || *lx->at == '-'))
			lx->at++;
		if (!skip_digits(lx))
			return fail_number(lx, "expected a digit in the exponent");
	}
	return 0;
}

int bl_lexer_number(struct bl_lexer *lx)
{
	const char *start = lx->at;
	uint32_t node;
	int r = bl_lexer_node(lx, BL_JSON_NUMBER, &node);

	if (r < 0)
		return r;
	if (*lx->at == '-')
		lx->at++;
	if (lx->at < lx->end && *lx->at == '0') {
		lx->at++;
		if (lx->at < lx->end && *lx->at >= '0' && *lx->at <= '9')
			return fail_number(lx, "numbers are written without leading zeros");
	} else if (!skip_digits(lx)) {
		return fail_number(lx, "expected a digit after '-'");
	}
	r = skip_fraction_and_exponent(lx);
	if (r < 0)
		return r;
	lx->json->nodes[node].text = (uint32_t)(start - lx->source->bytes);
	lx->json->nodes[node].len = (uint32_t)(lx->at - start);
	return 0;
}

/* ---- keys --------------------------------------------------------------------------------- */

static int report_duplicate(struct bl_lexer *lx, uint32_t first, uint32_t second)
{
	const struct bl_json_node *nodes = lx->json->nodes;
	const char *key = bl_json_text(lx->json, second);
	_cleanup_free_ char *pointer = bl_lexer_pointer(lx, key, nodes[second].len);
	struct bl_diag_at at = {
		.file = lx->source->path,
		.line = nodes[second].line,
		.column = nodes[second].column,
		.pointer = pointer,
	};
	struct bl_diag *diag;

	if (!pointer)
		return -ENOMEM;
	diag = bl_diag_add(lx->diags, BL_DIAG_ERROR, &at, "duplicate-key",
			   "the key \"%s\" stands twice in the same object",
			   bl_excerpt(key, nodes[second].len).text);
	bl_diag_hint(diag, "the first one is at line %u, column %u", nodes[first].line,
		     nodes[first].column);
	return 0;
}

static bool same_text(const struct bl_json *json, uint32_t a, uint32_t b)
{
	return json->nodes[a].len == json->nodes[b].len &&
	       memcmp(bl_json_text(json, a), bl_json_text(json, b), json->nodes[a].len) == 0;
}

static int check_few_keys(struct bl_lexer *lx, uint32_t object)
{
	BL_JSON_EACH_MEMBER(lx->json, object, key)
	{
		BL_JSON_EACH_MEMBER(lx->json, object, before)
		{
			if (before == key)
				break;
			if (!same_text(lx->json, before, key))
				continue;
			if (report_duplicate(lx, before, key) < 0)
				return -ENOMEM;
			break;
		}
	}
	return 0;
}

static int check_many_keys(struct bl_lexer *lx, uint32_t object)
{
	_cleanup_(bl_strmap_freep) struct bl_strmap *seen = bl_strmap_new();

	if (!seen)
		return -ENOMEM;
	BL_JSON_EACH_MEMBER(lx->json, object, key)
	{
		uint32_t first = 0;
		int r = bl_strmap_add(seen, bl_json_text(lx->json, key), lx->json->nodes[key].len,
				      key, &first);

		if (r == -EEXIST)
			r = report_duplicate(lx, first, key);
		if (r < 0)
			return r;
	}
	return 0;
}

int bl_lexer_check_keys(struct bl_lexer *lx, uint32_t object)
{
	if (lx->json->nodes[object].len > FEW_KEYS)
		return check_many_keys(lx, object);
	return check_few_keys(lx, object);
}
