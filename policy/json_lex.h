/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of the JSON parser: its state, and the readers of strings, numbers and keys. */
#pragma once

#include "json.h"

/* A container that is being read. */
struct bl_json_frame {
	uint32_t container;
	uint32_t key;	/* object: the member that is being read; 0: none yet */
	uint32_t count; /* elements or members so far */
};

struct bl_lexer {
	const struct bl_source *source;
	struct bl_diags *diags;
	struct bl_json *json;
	const char *at, *end;
	uint32_t line;
	const char *line_start;
	size_t text_len; /* used part of json->text */
	size_t depth;
	struct bl_json_frame stack[BL_JSON_DEPTH_MAX];
};

/* Adds an error at a byte of the current line. Returns -EINVAL, or -ENOMEM. */
int bl_lexer_fail(struct bl_lexer *lx, const char *where, const char *code, const char *hint,
		  const char *fmt, ...) BL_PRINTF(5, 6);

/*
 * The JSON pointer of what is being read: the open containers and where in them we are; with a
 * key (may be NULL), that member of it. Returns a new string (free() it) or NULL.
 */
char *bl_lexer_pointer(const struct bl_lexer *lx, const char *key, size_t len);

/* Adds a node that starts at the current byte. */
int bl_lexer_node(struct bl_lexer *lx, enum bl_json_kind kind, uint32_t *ret);

/* Reads a string; the current byte is its opening quote. */
int bl_lexer_string(struct bl_lexer *lx, uint32_t *ret);

/* Reads a number; the current byte is a digit or '-'. */
int bl_lexer_number(struct bl_lexer *lx);

/* Adds an error for each key that an object has twice. Returns 0 all the same, or -ENOMEM. */
int bl_lexer_check_keys(struct bl_lexer *lx, uint32_t object);
