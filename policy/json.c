/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON parser: structure, and the messages for what is not JSON. */
#include "json_lex.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define BYTES_A_NODE \
	8 /* of a policy's text, at least; where there are fewer, there is more room to be made */

const char *bl_json_kind_name(enum bl_json_kind kind)
{
	switch (kind) {
	case BL_JSON_NULL:
		return "null";
	case BL_JSON_FALSE:
		return "false";
	case BL_JSON_TRUE:
		return "true";
	case BL_JSON_NUMBER:
		return "a number";
	case BL_JSON_STRING:
		return "a string";
	case BL_JSON_ARRAY:
		return "an array";
	case BL_JSON_OBJECT:
		return "an object";
	case _BL_JSON_KIND_MAX:
		break;
	}
	return "nothing";
}

void bl_json_free(struct bl_json *json)
{
	if (!json)
		return;
	free(json->nodes);
	free(json->text);
	free(json);
}

int bl_json_uint(const struct bl_json *json, uint32_t node, uint64_t *ret)
{
	const char *digits = json->source->bytes + json->nodes[node].text;
	uint64_t value = 0;

	for (size_t i = 0; i < json->nodes[node].len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -EINVAL;
	}
	for (size_t i = 0; i < json->nodes[node].len; i++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value))
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

/* ---- pointers ----------------------------------------------------------------------------- */

/* A reference token: '~' and '/' are escaped (RFC 6901, section 3). */
static void print_token(const char *text, size_t len, FILE *out)
{
	fputc('/', out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '~')
			fputs("~0", out);
		else if (text[i] == '/')
			fputs("~1", out);
		else
			fputc(text[i], out);
	}
}

static uint32_t print_member(const struct bl_json *json, uint32_t object, uint32_t node, FILE *out)
{
	BL_JSON_EACH_MEMBER(json, object, key)
	{
		if (node < json->nodes[key + 1].next) {
			print_token(bl_json_text(json, key), json->nodes[key].len, out);
			return key + 1;
		}
	}
	return node;
}

static uint32_t print_element(const struct bl_json *json, uint32_t array, uint32_t node, FILE *out)
{
	size_t index = 0;

	BL_JSON_EACH_ELEMENT(json, array, element)
	{
		if (node < json->nodes[element].next) {
			fprintf(out, "/%zu", index);
			return element;
		}
		index++;
	}
	return node;
}

uint32_t bl_json_at(const struct bl_json *json, uint32_t line, uint32_t column)
{
	uint64_t wanted = (uint64_t)line << 32 | column;
	size_t low = 0, high = json->n_nodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct bl_json_node *node = &json->nodes[middle];
		uint64_t place = (uint64_t)node->line << 32 | node->column;

		if (place == wanted)
			return (uint32_t)middle;
		if (place < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

char *bl_json_pointer(const struct bl_json *json, uint32_t node)
{
	char *pointer = NULL;
	size_t size;
	FILE *out = open_memstream(&pointer, &size);
	uint32_t at = 0;

	if (!out)
		return NULL;
	while (at < node) {
		if (bl_json_kind(json, at) == BL_JSON_OBJECT)
			at = print_member(json, at, node, out);
		else
			at = print_element(json, at, node, out);
	}
	if (fclose(out) != 0) {
		free(pointer);
		return NULL;
	}
	return pointer;
}

/* ---- faults ------------------------------------------------------------------------------- */

char *bl_lexer_pointer(const struct bl_lexer *lx, const char *key, size_t len)
{
	char *pointer = NULL;
	size_t size;
	FILE *out = open_memstream(&pointer, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < lx->depth; i++) {
		const struct bl_json_frame *frame = &lx->stack[i];

		if (bl_json_kind(lx->json, frame->container) == BL_JSON_ARRAY)
			fprintf(out, "/%" PRIu32, frame->count);
		else if (frame->key)
			print_token(bl_json_text(lx->json, frame->key),
				    lx->json->nodes[frame->key].len, out);
	}
	if (key)
		print_token(key, len, out);
	if (fclose(out) != 0) {
		free(pointer);
		return NULL;
	}
	return pointer;
}

int bl_lexer_fail(struct bl_lexer *lx, const char *where, const char *code, const char *hint,
		  const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL, *pointer = bl_lexer_pointer(lx, NULL, 0);
	struct bl_diag_at at = {
		.file = lx->source->path,
		.line = lx->line,
		.column = (uint32_t)(where - lx->line_start) + 1,
		.pointer = pointer,
	};
	struct bl_diag *diag;
	va_list args;

	va_start(args, fmt);
	message = bl_vformat(fmt, args);
	va_end(args);
	if (!message || !pointer)
		return -ENOMEM;
	diag = bl_diag_add(lx->diags, BL_DIAG_ERROR, &at, code, "%s", message);
	if (hint)
		bl_diag_hint(diag, "%s", hint);
	return -EINVAL;
}

static int fail_truncated(struct bl_lexer *lx)
{
	const struct bl_json_node *open;

	if (!lx->depth)
		return bl_lexer_fail(lx, lx->at, "truncated", NULL, "the file ends before a value");
	open = &lx->json->nodes[lx->stack[lx->depth - 1].container];
	return bl_lexer_fail(lx, lx->at, "truncated", "is the file complete?",
			     "the file ends within the %s that starts at line %u, column %u",
			     open->kind == BL_JSON_ARRAY ? "array" : "object", open->line,
			     open->column);
}

/* What is here instead of what was expected, with a hint for the habits of other languages. */
static int fail_unexpected(struct bl_lexer *lx, const char *expected)
{
	const char *hint = NULL;
	size_t sequence;

	if (lx->at == lx->end)
		return fail_truncated(lx);
	sequence = bl_utf8_length(lx->at, (size_t)(lx->end - lx->at));
	if (!sequence)
		return bl_lexer_fail(lx, lx->at, "not-utf8", "policy files are UTF-8 text",
				     "the byte 0x%02x is not valid UTF-8", (uint8_t)*lx->at);
	switch (*lx->at) {
	case '/':
	case '#':
		hint = "JSON has no comments; use \"description\"";
		break;
	case '\'':
		hint = "strings are put in double quotes";
		break;
	case '+':
	case '.':
		hint = "numbers start with a digit";
		break;
	default:
		if ((*lx->at | 0x20) >= 'a' && (*lx->at | 0x20) <= 'z')
			hint = "words are put in double quotes; true, false and null are written so";
	}
	return bl_lexer_fail(lx, lx->at, "syntax", hint, "expected %s, found '%.*s'", expected,
			     (int)sequence, lx->at);
}

/* ---- values ------------------------------------------------------------------------------- */

static void skip_space(struct bl_lexer *lx)
{
	for (; lx->at < lx->end; lx->at++) {
		if (*lx->at == '\n') {
			lx->line++;
			lx->line_start = lx->at + 1;
		} else if (*lx->at != ' ' && *lx->at != '\t' && *lx->at != '\r') {
			return;
		}
	}
}

int bl_lexer_node(struct bl_lexer *lx, enum bl_json_kind kind, uint32_t *ret)
{
	struct bl_json *json = lx->json;

	if (json->n_nodes >= BL_JSON_NODES_MAX)
		return bl_lexer_fail(lx, lx->at, "too-large", "split the policy into several files",
				     "the file holds more than %u keys and values",
				     BL_JSON_NODES_MAX);
	if (bl_grow(&json->nodes, &json->capacity, json->n_nodes + 1, sizeof(*json->nodes)) < 0)
		return -ENOMEM;
	*ret = (uint32_t)json->n_nodes++;
	json->nodes[*ret] = (struct bl_json_node){
		.line = lx->line,
		.column = (uint32_t)(lx->at - lx->line_start) + 1,
		.next = *ret + 1,
		.kind = kind,
	};
	return 0;
}

static int read_word(struct bl_lexer *lx, const char *word, enum bl_json_kind kind)
{
	size_t len = strlen(word);
	uint32_t node;

	if ((size_t)(lx->end - lx->at) < len || memcmp(lx->at, word, len) != 0)
		return fail_unexpected(lx, "a value");
	if (bl_lexer_node(lx, kind, &node) < 0)
		return -ENOMEM;
	lx->at += len;
	return 0;
}

static int read_value(struct bl_lexer *lx);

static int push(struct bl_lexer *lx, enum bl_json_kind kind, uint32_t *ret)
{
	int r;

	if (lx->depth == BL_JSON_DEPTH_MAX)
		return bl_lexer_fail(lx, lx->at, "too-deep", NULL, "nested deeper than %d levels",
				     BL_JSON_DEPTH_MAX);
	r = bl_lexer_node(lx, kind, ret);
	if (r < 0)
		return r;
	lx->stack[lx->depth++] = (struct bl_json_frame){ .container = *ret };
	lx->at++;
	skip_space(lx);
	return 0;
}

static void pop(struct bl_lexer *lx)
{
	struct bl_json_frame *frame = &lx->stack[--lx->depth];
	struct bl_json_node *node = &lx->json->nodes[frame->container];

	node->len = frame->count;
	node->next = (uint32_t)lx->json->n_nodes;
	lx->at++;
}

/* After an element: 1 when another one follows, 0 at the container's end. */
static int read_separator(struct bl_lexer *lx, char closing, const char *expected)
{
	skip_space(lx);
	if (lx->at < lx->end && *lx->at == closing)
		return 0;
	if (lx->at == lx->end || *lx->at != ',')
		return fail_unexpected(lx, expected);
	lx->at++;
	skip_space(lx);
	if (lx->at < lx->end && *lx->at == closing)
		return bl_lexer_fail(lx, lx->at, "syntax", "remove the comma before it",
				     "expected a value after ',', found '%c'", closing);
	return 1;
}

static int read_array(struct bl_lexer *lx)
{
	uint32_t array;
	int r = push(lx, BL_JSON_ARRAY, &array);

	if (r < 0)
		return r;
	if (lx->at < lx->end && *lx->at == ']') {
		pop(lx);
		return 0;
	}
	do {
		r = read_value(lx);
		if (r < 0)
			return r;
		/* Counted when read: until then it is the index for pointers. */
		lx->stack[lx->depth - 1].count++;
		r = read_separator(lx, ']', "',' or ']'");
	} while (r > 0);
	if (r == 0)
		pop(lx);
	return r;
}

static int read_member(struct bl_lexer *lx)
{
	struct bl_json_frame *frame = &lx->stack[lx->depth - 1];
	uint32_t key;
	int r;

	frame->key = 0;
	if (lx->at == lx->end || *lx->at != '"')
		return fail_unexpected(lx, "a key in double quotes");
	r = bl_lexer_string(lx, &key);
	if (r < 0)
		return r;
	frame->key = key;
	frame->count++;
	skip_space(lx);
	if (lx->at == lx->end || *lx->at != ':')
		return fail_unexpected(lx, "':'");
	lx->at++;
	skip_space(lx);
	return read_value(lx);
}

static int read_object(struct bl_lexer *lx)
{
	uint32_t object;
	int r = push(lx, BL_JSON_OBJECT, &object);

	if (r < 0)
		return r;
	if (lx->at < lx->end && *lx->at == '}') {
		pop(lx);
		return 0;
	}
	do {
		r = read_member(lx);
		if (r < 0)
			return r;
		r = read_separator(lx, '}', "',' or '}'");
	} while (r > 0);
	if (r < 0)
		return r;
	pop(lx);
	return bl_lexer_check_keys(lx, object);
}

static int read_value(struct bl_lexer *lx)
{
	uint32_t node;

	if (lx->at == lx->end)
		return fail_truncated(lx);
	switch (*lx->at) {
	case '{':
		return read_object(lx);
	case '[':
		return read_array(lx);
	case '"':
		return bl_lexer_string(lx, &node);
	case 't':
		return read_word(lx, "true", BL_JSON_TRUE);
	case 'f':
		return read_word(lx, "false", BL_JSON_FALSE);
	case 'n':
		return read_word(lx, "null", BL_JSON_NULL);
	case '-':
	case '0' ... '9':
		return bl_lexer_number(lx);
	default:
		return fail_unexpected(lx, "a value");
	}
}

/* ---- documents ---------------------------------------------------------------------------- */

static bool starts_with(const struct bl_lexer *lx, const char *bytes, size_t len)
{
	return (size_t)(lx->end - lx->at) >= len && memcmp(lx->at, bytes, len) == 0;
}

static int check_start(struct bl_lexer *lx)
{
	if (lx->source->len > BL_FILE_BYTES_MAX)
		return bl_lexer_fail(lx, lx->at, "too-large", "split the policy into several files",
				     "the file has %zu bytes; at most %u are read", lx->source->len,
				     BL_FILE_BYTES_MAX);
	if (starts_with(lx, "\xef\xbb\xbf", 3))
		return bl_lexer_fail(lx, lx->at, "byte-order-mark",
				     "save it as UTF-8 without a byte order mark",
				     "the file starts with a byte order mark");
	if (starts_with(lx, "\xff\xfe", 2) || starts_with(lx, "\xfe\xff", 2))
		return bl_lexer_fail(lx, lx->at, "not-utf8", "save it as UTF-8",
				     "the file is UTF-16 or UTF-32 text");
	skip_space(lx);
	if (lx->at == lx->end)
		return bl_lexer_fail(lx, lx->at, "empty-file",
				     "the smallest policy is { \"bailiff\": 1 }",
				     lx->source->len ? "the file holds nothing but white space"
						     : "the file is empty");
	return 0;
}

static int read_document(struct bl_lexer *lx)
{
	int r = check_start(lx);

	if (r < 0)
		return r;
	r = read_value(lx);
	if (r < 0)
		return r;
	skip_space(lx);
	if (lx->at < lx->end)
		return bl_lexer_fail(lx, lx->at, "trailing-garbage",
				     "a policy file holds one object",
				     "there is more after the end of the policy");
	return 0;
}

int bl_json_parse(const struct bl_source *source, struct bl_diags *diags, struct bl_json **ret)
{
	_cleanup_(bl_json_freep) struct bl_json *json = calloc(1, sizeof(*json));
	struct bl_lexer lx = {
		.source = source,
		.diags = diags,
		.json = json,
		.at = source->bytes,
		.end = source->bytes + source->len,
		.line = 1,
		.line_start = source->bytes,
	};
	int r;

	if (!json)
		return -ENOMEM;
	json->source = source;
	/* Decoded strings are never longer than the source: the quotes make room for the NUL. */
	json->text = malloc(BL_MIN(source->len, (size_t)BL_FILE_BYTES_MAX) + 1);
	if (!json->text)
		return -ENOMEM;
	bl_use_huge_pages(json->text, BL_MIN(source->len, (size_t)BL_FILE_BYTES_MAX) + 1);
	/* About as many as such a text has: growing to them would cost more than reading it. */
	if (bl_grow(&json->nodes, &json->capacity,
		    BL_MIN(source->len, (size_t)BL_FILE_BYTES_MAX) / BYTES_A_NODE + 1,
		    sizeof(*json->nodes)) < 0)
		return -ENOMEM;
	r = read_document(&lx);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(json);
	return 0;
}
