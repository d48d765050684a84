/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the policy parser share: diagnostics, key tables, words, names, texts. */
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct bl_place bl_parse_place(const struct bl_parser *parser, uint32_t node)
{
	return (struct bl_place){
		.file = parser->file,
		.line = parser->json->nodes[node].line,
		.column = parser->json->nodes[node].column,
	};
}

struct bl_diag *bl_parse_diag(struct bl_parser *parser, enum bl_diag_level level, uint32_t node,
			      const char *code, const char *fmt, ...)
{
	/* Finding the pointer takes time: not for diagnostics that are only counted. */
	bool full = bl_diags_full(parser->diags, level);
	_cleanup_free_ char *pointer = full ? NULL : bl_json_pointer(parser->json, node);
	_cleanup_free_ char *message = NULL;
	struct bl_diag *diag;
	struct bl_diag_at at = {
		.file = parser->policy->files[parser->file].path,
		.line = parser->json->nodes[node].line,
		.column = parser->json->nodes[node].column,
		.pointer = pointer,
	};
	va_list args;

	va_start(args, fmt);
	message = bl_vformat(fmt, args);
	va_end(args);
	diag = bl_diag_add(parser->diags, level, &at, code, "%s",
			   message ? message : "memory is short");
	if (diag)
		diag->order = parser->file;
	return diag;
}

bool bl_parse_kind(struct bl_parser *parser, uint32_t node, enum bl_json_kind kind,
		   const char *expected)
{
	enum bl_json_kind found = bl_json_kind(parser->json, node);

	if (found == kind)
		return true;
	bl_parse_error(parser, node, "wrong-type", "expected %s, found %s", expected,
		       bl_json_kind_name(found));
	return false;
}

bool bl_parse_is_empty(struct bl_parser *parser, uint32_t node)
{
	if (bl_json_kind(parser->json, node) != BL_JSON_ARRAY || parser->json->nodes[node].len)
		return false;
	bl_diag_hint(bl_parse_error(parser, node, "empty-list", "the list is empty"),
		     "leave the key out where it should not restrict anything");
	return true;
}

/* ---- objects ------------------------------------------------------------------------------ */

static const struct bl_key *key_find(const struct bl_keys *keys, const char *name)
{
	for (; keys; keys = keys->base) {
		for (size_t i = 0; i < keys->count; i++) {
			const char *key = keys->items[i].name;

			if (key[0] == name[0] && strcmp(key, name) == 0)
				return &keys->items[i];
		}
	}
	return NULL;
}

static void hint_key(struct bl_diag *diag, const struct bl_keys *keys, const char *name)
{
	struct bl_nearest nearest = { 0 };

	if (key_find(&bl_subject_keys, name)) {
		bl_diag_hint(diag, "it says who acts: put it into \"by\": { \"%s\": ... }", name);
		return;
	}
	for (; keys; keys = keys->base) {
		for (size_t i = 0; i < keys->count; i++)
			bl_nearest_offer(&nearest, name, keys->items[i].name);
	}
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"%s\"?", nearest.name);
}

static void fail_key(struct bl_parser *parser, const struct bl_keys *keys, uint32_t node)
{
	const char *name = bl_json_text(parser->json, node);

	hint_key(bl_parse_error(parser, node, "unknown-key", "%s has no key \"%s\"", keys->what,
				bl_excerpt(name, parser->json->nodes[node].len).text),
		 keys, name);
}

/* seen: 1 << the indices of the keys that were found, of those that can be required. */
static int member_parse(struct bl_parser *parser, const struct bl_keys *keys, uint32_t name_node,
			void *object, uint32_t *seen)
{
	const struct bl_key *key = key_find(keys, bl_json_text(parser->json, name_node));

	size_t index = ((uintptr_t)key - (uintptr_t)keys->items) / sizeof(*key);

	if (key && index < keys->count)
		*seen |= 1u << index;
	if (key)
		return key->parse(parser, name_node + 1, object);
	fail_key(parser, keys, name_node);
	return 0;
}

static void check_required(struct bl_parser *parser, uint32_t node, const struct bl_keys *keys,
			   uint32_t seen)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->items[i].required && !(seen & 1u << i))
			bl_parse_error(parser, node, "missing-key", "%s needs the key \"%s\"",
				       keys->what, keys->items[i].name);
	}
}

int bl_parse_object(struct bl_parser *parser, uint32_t node, const struct bl_keys *keys,
		    void *object)
{
	uint32_t seen = 0;

	assert(keys->count <= 32);
	if (!bl_parse_kind(parser, node, BL_JSON_OBJECT, "an object"))
		return 0;
	BL_JSON_EACH_MEMBER(parser->json, node, key)
	{
		int r = member_parse(parser, keys, key, object, &seen);

		if (r < 0)
			return r;
	}
	check_required(parser, node, keys, seen);
	return 0;
}

/* ---- words -------------------------------------------------------------------------------- */

static void hint_word(struct bl_diag *diag, const struct bl_words *words, const char *text)
{
	struct bl_nearest nearest = { 0 };
	char all[160] = "";
	size_t len = 0;

	for (size_t i = 0; i < words->count; i++) {
		const struct bl_word *word = &words->items[i];

		bl_nearest_offer(&nearest, text, word->name);
		if (len < sizeof(all))
			len += (size_t)snprintf(all + len, sizeof(all) - len, "%s\"%s\"",
						len ? ", " : "", word->name);
	}
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"%s\"?", nearest.name);
	else
		bl_diag_hint(diag, "one of %s", all);
}

bool bl_parse_word(struct bl_parser *parser, uint32_t node, const struct bl_words *words,
		   uint32_t *ret)
{
	const struct bl_word *word;
	const char *text;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, words->what))
		return false;
	text = bl_json_text(parser->json, node);
	word = bl_words_find(words, text);
	if (word) {
		*ret = word->value;
		return true;
	}
	hint_word(bl_parse_error(parser, node, "unknown-value", "\"%s\" is not %s",
				 bl_excerpt(text, parser->json->nodes[node].len).text, words->what),
		  words, text);
	return false;
}

bool bl_parse_word_mask(struct bl_parser *parser, uint32_t node, const struct bl_words *words,
			uint32_t *ret)
{
	uint32_t mask = 0, bits;
	bool good = !bl_parse_is_empty(parser, node);

	BL_PARSE_EACH(parser, node, element)
	{
		if (bl_parse_word(parser, element, words, &bits))
			mask |= bits;
		else
			good = false;
	}
	if (good)
		*ret = mask;
	return good;
}

/* ---- names and texts ---------------------------------------------------------------------- */

static bool name_byte(char c, bool slash)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-' || (c == '/' && slash);
}

bool bl_parse_name(struct bl_parser *parser, uint32_t node, const char *what, bool slash,
		   const char **ret)
{
	const char *text;
	size_t len;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "a string"))
		return false;
	text = bl_json_text(parser->json, node);
	len = parser->json->nodes[node].len;
	if (len == 0 || len > BL_ID_BYTES_MAX) {
		bl_parse_error(parser, node, "bad-name", "%s has 1 to %d bytes, this one has %zu",
			       what, BL_ID_BYTES_MAX, len);
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (name_byte(text[i], slash))
			continue;
		bl_diag_hint(bl_parse_error(parser, node, "bad-name", "\"%s\" is not fit for %s",
					    bl_excerpt(text, len).text, what),
			     "letters, digits and %s", slash ? ". _ - /" : ". _ -");
		return false;
	}
	*ret = text;
	return true;
}

bool bl_parse_text(struct bl_parser *parser, uint32_t node, const char *what, bool lines,
		   const char **ret)
{
	const char *text;
	size_t len;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "a string"))
		return false;
	text = bl_json_text(parser->json, node);
	len = parser->json->nodes[node].len;
	if (len > BL_TEXT_BYTES_MAX) {
		bl_parse_error(parser, node, "text-too-long",
			       "%s has at most %d bytes, this one has %zu", what, BL_TEXT_BYTES_MAX,
			       len);
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];

		if ((c >= 0x20 && c != 0x7f) || (lines && (c == '\n' || c == '\t')))
			continue;
		bl_parse_error(parser, node, "bad-text",
			       "%s can't hold the control character 0x%02x", what, c);
		return false;
	}
	*ret = text;
	return true;
}
