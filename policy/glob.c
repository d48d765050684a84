/* SPDX-License-Identifier: Apache-2.0 */
/* Path patterns: text -> syntax tree -> the literals that it stands for. */
#include "glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base.h"
#include "policy.h"

/* What is known of the path component at hand; a brace makes all of it unknown. */
struct component {
	size_t start;
	size_t bytes;
	bool dots;    /* nothing but dots so far */
	bool unknown; /* has a part of variable length */
};

struct parser {
	struct bl_glob *glob;
	const char *text;
	size_t len, pos;
	unsigned int depth;
	bool bytes;    /* no path: bytes of any kind, no components */
	bool argument;
	bool name; /* of a unit, slice or container */
	struct component component;
	size_t offset; /* of the error */
	const char *what;
};

static int refuse(struct parser *parser, size_t offset, const char *what)
{
	parser->offset = offset;
	parser->what = what;
	return -EINVAL;
}

static int add_item(struct bl_glob *glob, struct bl_glob_item item, uint32_t *ret)
{
	int r = bl_grow(&glob->items, &glob->items_capacity, glob->n_items + 1,
			sizeof(*glob->items));

	if (r)
		return r;
	*ret = (uint32_t)glob->n_items;
	glob->items[glob->n_items++] = item;
	return 0;
}

static int add_branch(struct bl_glob *glob, uint32_t *ret)
{
	int r = bl_grow(&glob->branches, &glob->branches_capacity, glob->n_branches + 1,
			sizeof(*glob->branches));

	if (r)
		return r;
	*ret = (uint32_t)glob->n_branches;
	glob->branches[glob->n_branches++] = (struct bl_glob_branch){};
	return 0;
}

static int add_set(struct bl_glob *glob, const struct bl_byteset *set, uint32_t *ret)
{
	int r;

	for (size_t i = 0; i < glob->n_sets; i++) {
		if (!memcmp(&glob->sets[i], set, sizeof(*set))) {
			*ret = (uint32_t)i;
			return 0;
		}
	}
	r = bl_grow(&glob->sets, &glob->sets_capacity, glob->n_sets + 1, sizeof(*set));
	if (r)
		return r;
	*ret = (uint32_t)glob->n_sets;
	glob->sets[glob->n_sets++] = *set;
	return 0;
}

/* ---- components --------------------------------------------------------------------------- */

/* A component that no path can have would make a rule that never applies: better said than found. */
static int end_component(struct parser *parser, size_t end)
{
	const struct component *component = &parser->component;

	if (component->unknown || parser->len == 1)
		return 0;
	if (component->bytes > BL_NAME_BYTES)
		return refuse(parser, component->start, "a file name has at most 255 bytes");
	if (!component->bytes && end == parser->len)
		return refuse(parser, component->start - 1,
			      "a path does not end with '/'; write /** for everything below it");
	if (!component->bytes)
		return refuse(parser, component->start, "an empty path component");
	if (component->dots && component->bytes <= 2)
		return refuse(parser, component->start,
			      "'.' and '..' are not resolved; write the path without them");
	return 0;
}

static int slash_seen(struct parser *parser, size_t at)
{
	int r = at ? end_component(parser, at) : 0;

	parser->component = (struct component){ .start = at + 1, .dots = true };
	return r;
}

static void byte_seen(struct parser *parser, bool dot)
{
	parser->component.bytes++;
	parser->component.dots &= dot;
}

/* ---- items -------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads what follows a backslash at pos; leaves pos behind it. */
static int parse_escape(struct parser *parser, uint8_t *ret)
{
	size_t start = parser->pos;
	int high, low;

	if (parser->len - start < 2)
		return refuse(parser, start, "a '\\' at the end escapes nothing");
	if (parser->text[start + 1] != 'x') {
		*ret = (uint8_t)parser->text[start + 1];
		parser->pos += 2;
		return 0;
	}
	high = parser->len - start < 4 ? -1 : hex_digit(parser->text[start + 2]);
	low = parser->len - start < 4 ? -1 : hex_digit(parser->text[start + 3]);
	if (high < 0 || low < 0)
		return refuse(parser, start, "'\\x' needs two hexadecimal digits");
	*ret = (uint8_t)(high << 4 | low);
	if ((!parser->bytes || parser->name) && (!*ret || *ret == '/'))
		return refuse(parser, start, "no file name has the byte 00 or 2f");
	if (parser->argument && !*ret)
		return refuse(parser, start, "no argument has the byte 00");
	parser->pos += 4;
	return 0;
}

/* One byte of a class, at pos; leaves pos behind it. */
static int parse_class_byte(struct parser *parser, uint8_t *ret)
{
	size_t start = parser->pos;
	int r = 0;

	if (parser->text[start] == '\\') {
		r = parse_escape(parser, ret);
		if (r)
			return r;
	} else {
		*ret = (uint8_t)parser->text[parser->pos++];
	}
	if (*ret == '/' && !parser->bytes)
		return refuse(parser, start, "a class never matches '/'");
	if ((!*ret && !parser->bytes) || *ret >= 0x80)
		return refuse(parser, start, "a class holds ASCII characters only");
	return 0;
}

static int parse_class_range(struct parser *parser, struct bl_byteset *set)
{
	size_t start = parser->pos;
	uint8_t first, last;
	int r = parse_class_byte(parser, &first);

	if (r)
		return r;
	last = first;
	if (parser->len - parser->pos >= 2 && parser->text[parser->pos] == '-' &&
	    parser->text[parser->pos + 1] != ']') {
		parser->pos++;
		r = parse_class_byte(parser, &last);
		if (r)
			return r;
	}
	if (first > last)
		return refuse(parser, start, "a range of a class goes backwards");
	for (unsigned int byte = first; byte <= last; byte++)
		if (byte != '/' || parser->bytes)
			bl_byteset_add(set, (uint8_t)byte);
	return 0;
}

static void byteset_negate(const struct parser *parser, struct bl_byteset *set)
{
	for (int i = 0; i < 4; i++)
		set->word[i] = ~set->word[i];
	if (!parser->bytes)
		set->word[0] &= ~(1ull | 1ull << '/');
}

static int parse_class(struct parser *parser, struct bl_glob_item *item)
{
	size_t start = parser->pos++;
	struct bl_byteset set = {};
	bool negated = false;
	int r;

	if (parser->pos < parser->len && parser->text[parser->pos] == '^')
		return refuse(parser, parser->pos, "write [!...] for 'none of', [\\^...] for '^'");
	if (parser->pos < parser->len && parser->text[parser->pos] == '!') {
		negated = true;
		parser->pos++;
	}
	if (parser->pos < parser->len && parser->text[parser->pos] == ']')
		return refuse(parser, start, "an empty class; write [\\]] for ']'");
	while (parser->pos < parser->len && parser->text[parser->pos] != ']') {
		r = parse_class_range(parser, &set);
		if (r)
			return r;
	}
	if (parser->pos >= parser->len)
		return refuse(parser, start, "a '[' without its ']'; write \\[ for '['");
	parser->pos++;
	if (negated)
		byteset_negate(parser, &set);
	byte_seen(parser, false);
	item->kind = BL_GLOB_SET;
	return add_set(parser->glob, &set, &item->ref);
}

static int parse_any(struct parser *parser, struct bl_glob_item *item)
{
	struct bl_byteset set = {};

	parser->pos++;
	byte_seen(parser, false);
	byteset_negate(parser, &set);
	item->kind = BL_GLOB_SET;
	return add_set(parser->glob, &set, &item->ref);
}

static void parse_stars(struct parser *parser, struct bl_glob_item *item)
{
	size_t start = parser->pos;

	while (parser->pos < parser->len && parser->text[parser->pos] == '*')
		parser->pos++;
	item->kind = parser->pos - start > 1 || parser->bytes ? BL_GLOB_STARS : BL_GLOB_STAR;
	parser->component.unknown = true;
}

/* A '/' is a set here: as a byte it would be what ends a component. */
static int any_byte(struct parser *parser, struct bl_glob_item *item)
{
	struct bl_byteset set = {};

	byte_seen(parser, false);
	if (item->byte != '/')
		return 0;
	bl_byteset_add(&set, '/');
	item->kind = BL_GLOB_SET;
	return add_set(parser->glob, &set, &item->ref);
}

static int parse_byte(struct parser *parser, struct bl_glob_item *item)
{
	size_t start = parser->pos;
	int r = 0;

	item->kind = BL_GLOB_BYTE;
	item->byte = (uint8_t)parser->text[start];
	if (item->byte == '\\') {
		r = parse_escape(parser, &item->byte);
		if (r)
			return r;
	} else {
		parser->pos++;
	}
	if (parser->bytes)
		return any_byte(parser, item);
	if (!item->byte)
		return refuse(parser, start, "no path has a NUL");
	if (item->byte == '/')
		return parser->depth ? 0 : slash_seen(parser, start);
	byte_seen(parser, item->byte == '.');
	return 0;
}

static int parse_sequence(struct parser *parser, uint32_t *ret_first);

static int parse_group(struct parser *parser, struct bl_glob_item *item)
{
	size_t start = parser->pos;
	uint32_t last = 0;

	if (++parser->depth > BL_GLOB_DEPTH_MAX)
		return refuse(parser, start, "braces are nested too deeply");
	if (++parser->glob->groups > BL_GLOB_GROUPS_MAX)
		return refuse(parser, start, "too many braces in one pattern");
	item->kind = BL_GLOB_GROUP;
	do {
		uint32_t branch, first;
		int r = add_branch(parser->glob, &branch);

		if (r)
			return r;
		if (last)
			parser->glob->branches[last].next = branch;
		else
			item->ref = branch;
		last = branch;
		parser->pos++;
		r = parse_sequence(parser, &first);
		if (r)
			return r;
		parser->glob->branches[branch].first = first;
	} while (parser->pos < parser->len && parser->text[parser->pos] == ',');
	if (parser->pos >= parser->len)
		return refuse(parser, start, "a '{' without its '}'; write \\{ for '{'");
	parser->pos++;
	parser->depth--;
	parser->component.unknown = true;
	return 0;
}

static int parse_item(struct parser *parser, struct bl_glob_item *item)
{
	switch (parser->text[parser->pos]) {
	case '*':
		parse_stars(parser, item);
		return 0;
	case '?':
		return parse_any(parser, item);
	case '[':
		return parse_class(parser, item);
	case '{':
		return parse_group(parser, item);
	default:
		return parse_byte(parser, item);
	}
}

/* Up to the end, or the ',' or '}' that ends a branch of the group at hand. */
static int parse_sequence(struct parser *parser, uint32_t *ret_first)
{
	uint32_t last = 0;

	*ret_first = 0;
	while (parser->pos < parser->len) {
		struct bl_glob_item item = {};
		char c = parser->text[parser->pos];
		uint32_t index;
		int r;

		if (parser->depth && (c == ',' || c == '}'))
			return 0;
		if (c == '}')
			return refuse(parser, parser->pos,
				      "a '}' without its '{'; write \\} for '}'");
		r = parse_item(parser, &item);
		if (!r)
			r = add_item(parser->glob, item, &index);
		if (r)
			return r;
		if (last)
			parser->glob->items[last].next = index;
		else
			*ret_first = index;
		last = index;
	}
	return 0;
}

/* The '@' and the '=' stand for the NUL that such texts begin with; the marks of names for themselves. */
static int parse_bytes(struct parser *parser)
{
	struct bl_glob *glob = parser->glob;
	struct bl_glob_item first = { .kind = BL_GLOB_BYTE };
	uint32_t rest;
	int r;

	if (bl_glob_is_subject(parser->text))
		first.byte = (uint8_t)parser->text[0];
	r = add_item(glob, first, &glob->first);

	parser->pos = 1;
	if (!r)
		r = parse_sequence(parser, &rest);
	if (r)
		return r;
	glob->items[glob->first].next = rest;
	if (parser->name && parser->component.bytes > BL_NAME_BYTES + 1)
		return refuse(parser, 0, "such a name has at most 255 bytes");
	if (!parser->argument && !parser->name && !parser->component.unknown &&
	    parser->component.bytes > BL_GLOB_ABSTRACT_MAX)
		return refuse(parser, 0, "an abstract name has at most 107 bytes");
	return 0;
}

/* A path with a mark before it. */
static int parse_cgroup(struct parser *parser)
{
	struct bl_glob *glob = parser->glob;
	struct bl_glob_item first = { .kind = BL_GLOB_BYTE, .byte = BL_GLOB_CGROUP };
	uint32_t rest;
	int r = add_item(glob, first, &glob->first);

	parser->text++;
	parser->len--;
	if (!r && (!parser->len || parser->text[0] != '/'))
		r = refuse(parser, 0, "a path starts with '/'");
	if (!r)
		r = parse_sequence(parser, &rest);
	if (!r)
		r = end_component(parser, parser->len);
	parser->offset++;
	if (!r)
		glob->items[glob->first].next = rest;
	return r;
}

static bool starts_well(const char *text)
{
	return bl_glob_is_path(text) || bl_glob_is_abstract(text) || bl_glob_is_subject(text) ||
	       text[0] == BL_GLOB_ARGUMENT;
}

static int parse_whole(struct parser *parser)
{
	struct bl_glob *glob = parser->glob;
	uint32_t unused;
	int r;

	if (!parser->len || !starts_well(parser->text))
		return refuse(parser, 0, "a path starts with '/'");
	parser->bytes = bl_glob_is_bytes(parser->text);
	parser->argument = parser->bytes && parser->text[0] == BL_GLOB_ARGUMENT;
	parser->name = parser->bytes && bl_glob_is_subject(parser->text);
	glob->n_items = glob->n_branches = glob->n_sets = glob->groups = 0;
	if (parser->len >= BL_PATTERN_BYTES_MAX)
		return refuse(parser, BL_PATTERN_BYTES_MAX - 1, "a path has at most 4095 bytes");
	r = add_item(glob, (struct bl_glob_item){}, &unused);
	if (!r)
		r = add_branch(glob, &unused);
	if (!r && parser->bytes)
		return parse_bytes(parser);
	if (!r && parser->text[0] == BL_GLOB_CGROUP)
		return parse_cgroup(parser);
	if (!r)
		r = parse_sequence(parser, &glob->first);
	return r ? r : end_component(parser, parser->len);
}

int bl_glob_parse(struct bl_glob *glob, const char *text, size_t len, size_t *reterr_offset,
		  const char **reterr_what)
{
	struct parser parser = { .glob = glob, .text = text, .len = len };
	int r = parse_whole(&parser);

	if (r == -EINVAL) {
		*reterr_offset = parser.offset;
		*reterr_what = parser.what;
	}
	return r;
}

static bool is_special(char c)
{
	switch (c) {
	case '\0':
	case '*':
	case '?':
	case '[':
	case ']':
	case '{':
	case '}':
	case '\\':
		return true;
	default:
		return false;
	}
}

/* Whether a component is one that a path can have: neither empty nor '.' nor '..', and not too long. */
static bool is_plain_component(const char *name, size_t len)
{
	return len && len <= BL_NAME_BYTES && !(name[0] == '.' && len == 1) &&
	       !(len == 2 && name[0] == '.' && name[1] == '.');
}

bool bl_glob_is_plain(const char *text, size_t len)
{
	size_t start = 1;

	if (len < 2 || len >= BL_PATTERN_BYTES_MAX || text[0] != '/')
		return false;
	for (size_t i = 1; i < len; i++) {
		if (is_special(text[i]))
			return false;
		if (text[i] != '/')
			continue;
		if (!is_plain_component(text + start, i - start))
			return false;
		start = i + 1;
	}
	return is_plain_component(text + start, len - start);
}

int bl_glob_check(const char *text, size_t len, size_t *reterr_offset, const char **reterr_what)
{
	_cleanup_(bl_glob_clear) struct bl_glob glob = {};

	return bl_glob_parse(&glob, text, len, reterr_offset, reterr_what);
}

void bl_glob_clear(struct bl_glob *glob)
{
	free(glob->items);
	free(glob->branches);
	free(glob->sets);
	*glob = (struct bl_glob){};
}

/* ---- literals ----------------------------------------------------------------------------- */

bool bl_glob_is_literal(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (*text == '*' || *text == '?' || *text == '[' || *text == '{')
			return false;
	}
	return true;
}

size_t bl_glob_unescape(const char *text, size_t len, char *buf)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\\' || i + 1 >= len) {
			buf[out++] = text[i];
			continue;
		}
		i++;
		if (text[i] == 'x' && i + 2 < len) {
			buf[out++] = (char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
			i += 2;
		} else {
			buf[out++] = text[i];
		}
	}
	buf[out] = '\0';
	return out;
}

/* Where to go on when a branch ends. */
struct frame {
	uint32_t item;
	const struct frame *up;
};

struct expander {
	const struct bl_glob *glob;
	bl_glob_literal_fn fn; /* NULL: only count */
	void *userdata;
	size_t count;
	size_t len;
	bool below;
	char path[BL_PATTERN_BYTES_MAX];
};

static int expanded(struct expander *expander)
{
	size_t len = expander->len;

	if (expander->below && (!len || expander->path[len - 1] != '/'))
		return -EDOM;
	if (++expander->count > BL_GLOB_EXPANSIONS_MAX)
		return -EDOM;
	if (expander->below || len == 1)
		len--;
	if (!expander->fn)
		return 0;
	return expander->fn(expander->userdata, expander->path, len, expander->below);
}

static int expand_from(struct expander *expander, uint32_t item, const struct frame *up);

static int expand_group(struct expander *expander, const struct bl_glob_item *group,
			const struct frame *up)
{
	struct frame frame = { .item = group->next, .up = up };
	size_t len = expander->len;
	bool below = expander->below;
	uint32_t branch = group->ref;

	while (branch) {
		const struct bl_glob_branch *b = &expander->glob->branches[branch];
		int r = expand_from(expander, b->first, &frame);

		if (r)
			return r;
		expander->len = len;
		expander->below = below;
		branch = b->next;
	}
	return 0;
}

static int expand_item(struct expander *expander, const struct bl_glob_item *item)
{
	if (expander->below)
		return -EDOM;
	switch ((enum bl_glob_kind)item->kind) {
	case BL_GLOB_BYTE:
		expander->path[expander->len++] = (char)item->byte;
		return 0;
	case BL_GLOB_STARS:
		expander->below = true;
		return 0;
	case BL_GLOB_SET:
	case BL_GLOB_STAR:
	case BL_GLOB_GROUP:
	case _BL_GLOB_MAX:
		break;
	}
	return -EDOM;
}

static int expand_from(struct expander *expander, uint32_t item, const struct frame *up)
{
	while (item || up) {
		const struct bl_glob_item *it = &expander->glob->items[item];
		int r;

		if (!item) {
			item = up->item;
			up = up->up;
			continue;
		}
		if (it->kind == BL_GLOB_GROUP)
			return expand_group(expander, it, up);
		r = expand_item(expander, it);
		if (r)
			return r;
		item = it->next;
	}
	return expanded(expander);
}

int bl_glob_expand(const struct bl_glob *glob, bl_glob_literal_fn fn, void *userdata)
{
	struct expander expander = { .glob = glob };
	const struct bl_glob_item *first = &glob->items[glob->first];
	int r;

	if (first->kind == BL_GLOB_BYTE && first->byte != '/') /* of no path */
		return -EDOM;
	r = expand_from(&expander, glob->first, NULL);
	if (r)
		return r;
	expander.fn = fn;
	expander.userdata = userdata;
	expander.count = expander.len = 0;
	expander.below = false;
	return expand_from(&expander, glob->first, NULL);
}
