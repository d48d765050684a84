/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical layout of policies: one order of keys, one way to break lines and to write strings. */
#include "canon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- the order of keys -------------------------------------------------------------------- */

/* A key's place. Neighbours of one group share a line where their object takes several and they fit. */
struct slot {
	const char *key;
	uint8_t group;
	const struct shape
		*value; /* of its objects, also within an array; NULL: they have no order */
};

struct shape {
	const struct slot *slots;
	size_t count;
	bool open; /* takes several lines, even if it would fit into one */
	bool rows; /* in an array each has a line of its own */
};

/* What an operation is about. */
/* clang-format off */
#define OBJECT_SLOTS(group)                                                                  \
	{ "path", group, NULL }, { "access", group, NULL }, { "file", group, NULL },         \
	{ "args", group, NULL }, { "to", group, NULL }, { "port", group, NULL },             \
	{ "protocol", group, NULL }, { "family", group, NULL }, { "socket", group, NULL }
/* clang-format on */

static const struct slot subject_slots[] = {
	{ "exe", 1, NULL },	  { "parent", 2, NULL },     { "ancestor", 3, NULL },
	{ "uid", 4, NULL },	  { "gid", 4, NULL },	     { "login", 4, NULL },
	{ "unit", 5, NULL },	  { "slice", 5, NULL },	     { "cgroup", 5, NULL },
	{ "container", 5, NULL }, { "capability", 6, NULL },
};
static const struct shape subject = { .slots = subject_slots,
				      .count = BL_ARRAY_SIZE(subject_slots) };

static const struct slot exception_slots[] = { OBJECT_SLOTS(1), { "by", 2, &subject } };
static const struct shape exception = { .slots = exception_slots,
					.count = BL_ARRAY_SIZE(exception_slots) };

static const struct slot rule_slots[] = {
	{ "id", 1, NULL },
	{ "on", 2, NULL },
	OBJECT_SLOTS(2),
	{ "by", 3, &subject },
	{ "unless", 4, &exception },
	{ "action", 5, NULL },
	{ "severity", 5, NULL },
	{ "attack", 5, NULL },
	{ "message", 6, NULL },
	{ "description", 7, NULL },
	{ "false-positives", 8, NULL },
	{ "tuning", 9, NULL },
};
static const struct shape rule = { .slots = rule_slots,
				   .count = BL_ARRAY_SIZE(rule_slots),
				   .rows = true };

static const struct slot allow_slots[] = {
	{ "exec", 1, &exception },
	{ "open", 2, &exception },
	{ "connect", 3, &exception },
};
static const struct shape allow = { .slots = allow_slots, .count = BL_ARRAY_SIZE(allow_slots) };

static const struct slot profile_slots[] = {
	{ "id", 1, NULL },	  { "by", 2, &subject },   { "allow", 3, &allow },
	{ "otherwise", 4, NULL }, { "severity", 4, NULL }, { "attack", 4, NULL },
	{ "message", 5, NULL },	  { "description", 6, NULL }, { "false-positives", 7, NULL },
	{ "tuning", 8, NULL },
};
static const struct shape profile = { .slots = profile_slots,
				      .count = BL_ARRAY_SIZE(profile_slots),
				      .rows = true };

static const struct slot adjust_slots[] = {
	{ "rule", 1, NULL },
	{ "unless", 2, &exception },
	{ "action", 3, NULL },
	{ "enabled", 3, NULL },
};
static const struct shape adjust = { .slots = adjust_slots,
				     .count = BL_ARRAY_SIZE(adjust_slots),
				     .rows = true };

static const struct slot test_slots[] = {
	{ "on", 1, NULL },     OBJECT_SLOTS(1),	   { "by", 2, &subject },
	{ "expect", 3, NULL }, { "rule", 3, NULL },
};
static const struct shape test = { .slots = test_slots,
				   .count = BL_ARRAY_SIZE(test_slots),
				   .rows = true };

static const struct shape lists = { .open = true };

static const struct slot file_slots[] = {
	{ "$schema", 1, NULL },	  { "bailiff", 2, NULL },    { "name", 3, NULL },
	{ "description", 4, NULL }, { "mode", 5, NULL },	     { "lists", 6, &lists },
	{ "rules", 7, &rule },	  { "profiles", 8, &profile }, { "adjust", 9, &adjust },
	{ "tests", 10, &test },
};
static const struct shape file = { .slots = file_slots,
				   .count = BL_ARRAY_SIZE(file_slots),
				   .open = true };

/* The place of a key; that of the last one where it has none. */
static size_t slot_of(const struct shape *shape, const char *key)
{
	size_t i = 0;

	while (i < shape->count && strcmp(shape->slots[i].key, key) != 0)
		i++;
	return i;
}

static const struct shape *shape_of(const struct shape *shape, size_t slot)
{
	return shape && slot < shape->count ? shape->slots[slot].value : NULL;
}

/* ---- members ------------------------------------------------------------------------------ */

struct member {
	uint32_t key; /* node */
	uint32_t slot;
};

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	return a->key < b->key ? -1 : 1;
}

/* The members of an object in their order; free() them. NULL: memory is short. */
static struct member *sort_members(const struct bl_json *json, uint32_t object,
				   const struct shape *shape)
{
	struct member *members = calloc(json->nodes[object].len + 1u, sizeof(*members));
	size_t n = 0;

	if (!members)
		return NULL;
	BL_JSON_EACH_MEMBER(json, object, key)
	{
		members[n++] = (struct member){
			.key = key,
			.slot = shape ? (uint32_t)slot_of(shape, bl_json_text(json, key)) : 0,
		};
	}
	qsort(members, n, sizeof(*members), compare_members);
	return members;
}

/* ---- strings ------------------------------------------------------------------------------ */

/* What can't be seen, or makes a text look other than it is, is written as an escape sequence. */
static bool is_hidden(uint32_t code)
{
	static const uint32_t ranges[][2] = {
		{ 0x00, 0x1f },	    { 0x7f, 0x9f },	{ 0xad, 0xad },	    { 0x61c, 0x61c },
		{ 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(ranges); i++) {
		if (code >= ranges[i][0] && code <= ranges[i][1])
			return true;
	}
	return false;
}

static uint32_t decode(const char *text, size_t len)
{
	uint32_t code = (uint8_t)text[0];

	if (len == 1)
		return code;
	code &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((uint8_t)text[i] & 0x3f);
	return code;
}

/* Writes a character as an escape sequence if it needs one; returns the columns, 0: it doesn't. */
static size_t write_escape(uint32_t code, char out[static 16])
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = code && code < 0x80 ? strchr(from, (int)code) : NULL;

	if (found)
		return (size_t)snprintf(out, 16, "\\%c", to[found - from]);
	if (!is_hidden(code))
		return 0;
	if (code < 0x10000)
		return (size_t)snprintf(out, 16, "\\u%04x", code);
	code -= 0x10000;
	return (size_t)snprintf(out, 16, "\\u%04x\\u%04x", 0xd800 + (code >> 10),
				0xdc00 + (code & 0x3ff));
}

/* Prints a string; out may be NULL. Returns its columns; where these exceed max, some number above it. */
static size_t print_text(const char *text, size_t left, FILE *out, size_t max)
{
	size_t columns = 2;

	if (out)
		fputc('"', out);
	while (left && (out || columns <= max)) {
		size_t len = bl_utf8_length(text, left), width;
		char escape[16];

		len = BL_MAX(len, (size_t)1); /* a string of a document is UTF-8 */
		width = write_escape(decode(text, len), escape);
		if (out)
			fwrite(width ? escape : text, width ? width : len, 1, out);
		columns += width ? width : 1;
		text += len;
		left -= len;
	}
	if (out)
		fputc('"', out);
	return columns;
}

void bl_canon_string(const char *text, size_t len, FILE *out)
{
	print_text(text, len, out, 0);
}

static size_t print_string(const struct bl_json *json, uint32_t node, FILE *out, size_t max)
{
	return print_text(bl_json_text(json, node), json->nodes[node].len, out, max);
}

/* ---- values on one line ------------------------------------------------------------------- */

static bool is_container(const struct bl_json *json, uint32_t node)
{
	return bl_json_kind(json, node) == BL_JSON_ARRAY ||
	       bl_json_kind(json, node) == BL_JSON_OBJECT;
}

static const char *word_of(enum bl_json_kind kind)
{
	return kind == BL_JSON_NULL ? "null" : kind == BL_JSON_TRUE ? "true" : "false";
}

/* Whether a container is never on one line. */
static bool must_break(const struct bl_json *json, uint32_t node, const struct shape *shape)
{
	if (!shape || !is_container(json, node) || !json->nodes[node].len)
		return false;
	return bl_json_kind(json, node) == BL_JSON_OBJECT ? shape->open : shape->rows;
}

/* The columns that a value takes on one line; where these exceed max, some number above it. */
static size_t flat_width(const struct bl_json *json, uint32_t node, const struct shape *shape,
			 size_t max)
{
	bool object = bl_json_kind(json, node) == BL_JSON_OBJECT;
	size_t width;

	if (bl_json_kind(json, node) == BL_JSON_STRING)
		return print_string(json, node, NULL, max);
	if (bl_json_kind(json, node) == BL_JSON_NUMBER)
		return json->nodes[node].len;
	if (!is_container(json, node))
		return strlen(word_of(bl_json_kind(json, node)));
	if (must_break(json, node, shape))
		return max + 1;
	/* Brackets, and for objects the blanks within; then ", " between elements. */
	width = 2 + (object && json->nodes[node].len ? 2 : 0);
	for (uint32_t at = node + 1; at < json->nodes[node].next && width <= max;) {
		width += at > node + 1 ? 2 : 0;
		if (object) {
			const struct shape *value =
				shape_of(shape, shape ? slot_of(shape, bl_json_text(json, at)) : 0);

			width += print_string(json, at, NULL, max) + 2;
			width += flat_width(json, at + 1, value, max);
			at = json->nodes[at + 1].next;
		} else {
			width += flat_width(json, at, shape, max);
			at = json->nodes[at].next;
		}
	}
	return width;
}

/* ---- printing ----------------------------------------------------------------------------- */

struct printer {
	const struct bl_json *json;
	FILE *out;
};

static int print_value(const struct printer *p, uint32_t node, const struct shape *shape,
		       size_t indent, size_t column, bool more);

static void new_line(const struct printer *p, size_t indent)
{
	fprintf(p->out, "\n%*s", (int)indent, "");
}

static int print_array(const struct printer *p, uint32_t array, const struct shape *shape,
		       size_t indent, bool broken)
{
	size_t left = p->json->nodes[array].len;
	int r = 0;

	fputc('[', p->out);
	BL_JSON_EACH_ELEMENT(p->json, array, element)
	{
		left--;
		if (broken)
			new_line(p, indent + 2);
		if (r == 0)
			r = print_value(p, element, shape, indent + 2, broken ? indent + 2 : 0,
					left);
		if (left)
			fputs(broken ? "," : ", ", p->out);
	}
	if (broken)
		new_line(p, indent);
	fputc(']', p->out);
	return r;
}

/* A line of an object that takes several. */
struct line {
	size_t column; /* 0: none has begun */
	uint8_t group;
	bool closed; /* its last value took several lines itself */
};

/* Where a member goes: behind the one before, if they are of one group and it fits, or on a new line. */
static void place_member(const struct printer *p, struct line *line, uint8_t group, size_t width,
			 size_t indent)
{
	bool fits = line->column && group && line->group == group && !line->closed &&
		    line->column + 1 + width < BL_CANON_COLUMNS;

	if (fits) {
		fputc(' ', p->out);
		line->column += 1;
	} else {
		new_line(p, indent);
		line->column = indent;
	}
	line->group = group;
}

static int print_member(const struct printer *p, const struct member *member,
			const struct shape *shape, size_t indent, size_t column, bool more)
{
	size_t width = print_string(p->json, member->key, p->out, 0);

	fputs(": ", p->out);
	return print_value(p, member->key + 1, shape_of(shape, member->slot), indent,
			   column + width + 2, more);
}

static int print_broken(const struct printer *p, uint32_t object, const struct shape *shape,
			size_t indent, const struct member *members)
{
	size_t n = p->json->nodes[object].len;
	struct line line = { 0 };
	int r = 0;

	fputc('{', p->out);
	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t slot = members[i].slot;
		uint8_t group = shape && slot < shape->count ? shape->slots[slot].group : 0;
		size_t width = print_string(p->json, members[i].key, NULL, BL_CANON_COLUMNS) + 2;

		width += flat_width(p->json, members[i].key + 1, shape_of(shape, slot),
				    BL_CANON_COLUMNS);
		place_member(p, &line, group, width, indent + 2);
		line.closed = line.column + width + (i + 1 < n) > BL_CANON_COLUMNS;
		r = print_member(p, &members[i], shape, indent + 2, line.column, i + 1 < n);
		line.column += width + 1;
		if (i + 1 < n)
			fputc(',', p->out);
	}
	new_line(p, indent);
	fputc('}', p->out);
	return r;
}

static int print_flat(const struct printer *p, uint32_t object, const struct shape *shape,
		      const struct member *members)
{
	size_t n = p->json->nodes[object].len;
	int r = 0;

	fputs("{ ", p->out);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = print_member(p, &members[i], shape, 0, 0, false);
		fputs(i + 1 < n ? ", " : " }", p->out);
	}
	return r;
}

static int print_object(const struct printer *p, uint32_t object, const struct shape *shape,
			size_t indent, bool broken)
{
	_cleanup_free_ struct member *members = NULL;

	if (!p->json->nodes[object].len) {
		fputs("{}", p->out);
		return 0;
	}
	members = sort_members(p->json, object, shape);
	if (!members)
		return -ENOMEM;
	return broken ? print_broken(p, object, shape, indent, members)
		      : print_flat(p, object, shape, members);
}

/*
 * indent: of the line that the value is on; column: where it begins, 0 on a line that is known to fit; more: a
 * comma follows.
 */
static int print_value(const struct printer *p, uint32_t node, const struct shape *shape,
		       size_t indent, size_t column, bool more)
{
	const struct bl_json_node *value = &p->json->nodes[node];
	size_t room = column + more < BL_CANON_COLUMNS ? BL_CANON_COLUMNS - column - more : 0;
	bool broken = column && value->len && flat_width(p->json, node, shape, room) > room;

	switch (bl_json_kind(p->json, node)) {
	case BL_JSON_STRING:
		print_string(p->json, node, p->out, 0);
		return 0;
	case BL_JSON_NUMBER:
		fwrite(p->json->source->bytes + value->text, value->len, 1, p->out);
		return 0;
	case BL_JSON_ARRAY:
		return print_array(p, node, shape, indent, broken);
	case BL_JSON_OBJECT:
		return print_object(p, node, shape, indent, broken);
	case BL_JSON_NULL:
	case BL_JSON_FALSE:
	case BL_JSON_TRUE:
	case _BL_JSON_KIND_MAX:
		break;
	}
	fputs(word_of(bl_json_kind(p->json, node)), p->out);
	return 0;
}

int bl_canon_print(const struct bl_json *json, enum bl_canon_root root, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	struct printer p = { .json = json, .out = open_memstream(&text, &len) };
	int r;

	if (!p.out)
		return -ENOMEM;
	/* Not 0, which is a line that is known to fit. */
	r = print_value(&p, 0, root == BL_CANON_POLICY ? &file : &rule, 0, 1, false);
	fputc('\n', p.out);
	if (fclose(p.out) != 0 || r < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}
