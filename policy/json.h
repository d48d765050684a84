/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON (RFC 8259) in one pass, with the position of every key and value. */
#pragma once

#include "base.h"
#include "diag.h"
#include "policy.h"

#define BL_JSON_NODES_MAX 20000000u /* keys and values of one file */

enum bl_json_kind {
	BL_JSON_NULL = 1,
	BL_JSON_FALSE,
	BL_JSON_TRUE,
	BL_JSON_NUMBER,
	BL_JSON_STRING,
	BL_JSON_ARRAY,
	BL_JSON_OBJECT,
	_BL_JSON_KIND_MAX,
};

/*
 * One key or value. Nodes stand in the order of the text: the children of a container follow it
 * directly (in an object key, value, key, value ...), and next is the index after the last one.
 */
struct bl_json_node {
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1, in bytes */
	uint32_t next;
	uint32_t text;	   /* string: offset in bl_json.text; number: offset in bl_json.source */
	uint32_t kind : 4; /* enum bl_json_kind */
	uint32_t len : 28; /* string, number: bytes; array: elements; object: members */
};

/* A document; node 0 is its root. */
struct bl_json {
	const struct bl_source *source; /* borrowed: must outlive the document */
	struct bl_json_node *nodes;
	size_t n_nodes, capacity;
	char *text; /* decoded strings, each with a NUL; owned, may be taken over */
};

/*
 * Parses one source. A fault in the syntax ends it; duplicate keys are added to diags as well but
 * the document is still returned, so that more can be found. At most 64 MiB and
 * BL_JSON_DEPTH_MAX levels; strings are valid UTF-8 without U+0000.
 * Returns 0 and a document in *ret (free with bl_json_free()), -EINVAL with the fault added to
 * diags, or -ENOMEM.
 */
int bl_json_parse(const struct bl_source *source, struct bl_diags *diags, struct bl_json **ret);

/*
 * Parses a file of list entries: one a line, without the blanks around it; '#' at the start of a line
 * or after a blank begins a comment. The document is an array of strings, and of numbers where an entry
 * is digits. Every line that is not UTF-8, holds a NUL or begins with '@' is added to diags.
 * Returns as bl_json_parse() does.
 */
int bl_entries_parse(const struct bl_source *source, struct bl_diags *diags, struct bl_json **ret);

void bl_json_free(struct bl_json *json);
BL_DEFINE_CLEANUP(struct bl_json *, bl_json_free)

/* The text of a string node (NUL-terminated; its length is node->len). */
static inline const char *bl_json_text(const struct bl_json *json, uint32_t node)
{
	return json->text + json->nodes[node].text;
}

static inline enum bl_json_kind bl_json_kind(const struct bl_json *json, uint32_t node)
{
	return (enum bl_json_kind)json->nodes[node].kind;
}

/*
 * Reads a number node. Returns 0, -EINVAL where it is no whole number without a sign, fraction or
 * exponent, -ERANGE above 2^64 - 1.
 */
int bl_json_uint(const struct bl_json *json, uint32_t node, uint64_t *ret);

/* "a string", "an object" ...: for messages. */
const char *bl_json_kind_name(enum bl_json_kind kind);

/* The node that begins at a place of the text; the root where none does. */
uint32_t bl_json_at(const struct bl_json *json, uint32_t line, uint32_t column);

/*
 * The JSON pointer (RFC 6901) of a node; a key has that of its value. Returns a new string
 * (free() it) or NULL when memory is short. Takes time in proportion to the siblings on the way.
 */
char *bl_json_pointer(const struct bl_json *json, uint32_t node);

/* Visits the elements of an array. */
#define BL_JSON_EACH_ELEMENT(json, array, element)                                \
	for (uint32_t element = (array) + 1; element < (json)->nodes[array].next; \
	     element = (json)->nodes[element].next)

/* Visits the members of an object: the value is at key + 1. */
#define BL_JSON_EACH_MEMBER(json, object, key)                              \
	for (uint32_t key = (object) + 1; key < (json)->nodes[object].next; \
	     key = (json)->nodes[key + 1].next)
