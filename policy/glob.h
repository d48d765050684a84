/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of paths, of abstract names and of arguments: their syntax, and what the compiler makes of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/*
 * The syntax. Patterns and paths are bytes; a path is "/a/b", the root directory is "/" here and
 * "" to the machines.
 *   *        any bytes within a component, also none and also leading dots
 *   **       any bytes, '/' too; between two '/' it also stands for no directory at all, and at
 *            the end after a '/' for everything strictly below
 *   ?        one byte but '/'
 *   [a-z]    one of these ASCII bytes; [!a-z] one byte that is none of these and not '/'
 *   {a,b}    one of these alternatives; they nest, may be empty and may hold '/'
 *   \c       the byte c itself; \xNN the byte with this value, but not 00 or 2f
 * A pattern that starts with '@' is one of an abstract name of a unix socket, a NUL and up to 107 bytes
 * of any kind: '*' and '**' stand for any of these bytes, '?' and classes for any one, \xNN for any.
 * One that starts with '=' is of an argument of a program, a NUL here and then bytes of any kind but NUL.
 * One that starts with a byte of BL_GLOB_UNIT to BL_GLOB_CGROUP is of a name that a process has by its
 * cgroup, and matches that byte and then the name: one component, but for BL_GLOB_CGROUP, which a path follows.
 * A brace means what all the patterns mean that it stands for, each written out; only stars that
 * meet at a brace's edge stay two.
 */
#define BL_GLOB_DEPTH_MAX      8   /* braces within braces */
#define BL_GLOB_GROUPS_MAX     256 /* braces of one pattern */
#define BL_GLOB_ABSTRACT_MAX   107 /* bytes of an abstract name */
#define BL_GLOB_ARGUMENT       '=' /* before a pattern of arguments; not written by the user */
#define BL_GLOB_UNIT	       ((char)BL_NAME_UNIT) /* nor these */
#define BL_GLOB_SLICE	       ((char)BL_NAME_SLICE)
#define BL_GLOB_CONTAINER      ((char)BL_NAME_CONTAINER)
#define BL_GLOB_CGROUP	       ((char)BL_NAME_CGROUP)
#define BL_GLOB_EXPANSIONS_MAX 64  /* of a brace of literals that counts as so many literals */

/*
 * Checks a pattern's syntax. Returns 0, or -EINVAL with the offset of the offending byte in
 * *reterr_offset and what is wrong there in *reterr_what (static storage, no trailing dot), or
 * -ENOMEM.
 */
int bl_glob_check(const char *text, size_t len, size_t *reterr_offset, const char **reterr_what);

/* Whether a pattern is one of an abstract name. */
static inline bool bl_glob_is_abstract(const char *text)
{
	return text[0] == '@';
}

/* Whether a pattern is one of a name that a process has by its cgroup. */
static inline bool bl_glob_is_subject(const char *text)
{
	return text[0] >= BL_GLOB_UNIT && text[0] <= BL_GLOB_CGROUP;
}

/* Whether a pattern is one of a path to a file. */
static inline bool bl_glob_is_path(const char *text)
{
	return text[0] == '/';
}

/* Whether '*' stands for any bytes in a pattern: it is neither of a file's path nor of a cgroup's. */
static inline bool bl_glob_is_bytes(const char *text)
{
	return !bl_glob_is_path(text) && text[0] != BL_GLOB_CGROUP;
}

/* What the user has written of a pattern. */
static inline const char *bl_glob_written(const char *text)
{
	return text + (text[0] == BL_GLOB_ARGUMENT || bl_glob_is_subject(text)) +
	       (text[0] == BL_GLOB_CONTAINER && text[1] == '/');
}

/*
 * Whether a text is a good path, and every byte of it stands for itself. False of some that are: "/", and what has
 * an escape.
 */
bool bl_glob_is_plain(const char *text, size_t len);

/* Whether a checked pattern has no unescaped glob character: it names exactly one path. */
bool bl_glob_is_literal(const char *text);

/*
 * Writes the path that a checked literal pattern names to buf, which must have room for len + 1
 * bytes, with a NUL. Returns the path's length.
 */
size_t bl_glob_unescape(const char *text, size_t len, char *buf);

/* A set of bytes. */
struct bl_byteset {
	uint64_t word[4];
};

static inline bool bl_byteset_has(const struct bl_byteset *set, uint8_t byte)
{
	return set->word[byte >> 6] >> (byte & 63) & 1;
}

static inline void bl_byteset_add(struct bl_byteset *set, uint8_t byte)
{
	set->word[byte >> 6] |= 1ull << (byte & 63);
}

enum bl_glob_kind {
	BL_GLOB_BYTE = 1,
	BL_GLOB_SET,
	BL_GLOB_STAR,  /* within a component */
	BL_GLOB_STARS, /* across components */
	BL_GLOB_GROUP,
	_BL_GLOB_MAX,
};

struct bl_glob_item {
	uint8_t kind; /* enum bl_glob_kind */
	uint8_t byte;
	uint32_t ref;  /* a set's index, or a group's first branch */
	uint32_t next; /* item of the same sequence; 0: the end */
};

struct bl_glob_branch {
	uint32_t first; /* item; 0: the branch is empty */
	uint32_t next;	/* branch of the same group; 0: the last one */
};

/* A syntax tree in three arrays; index 0 of items and branches is unused. Owns the arrays. */
struct bl_glob {
	struct bl_glob_item *items;
	size_t n_items, items_capacity;
	struct bl_glob_branch *branches;
	size_t n_branches, branches_capacity;
	struct bl_byteset *sets;
	size_t n_sets, sets_capacity;
	uint32_t first;
	size_t groups;
};

/*
 * Parses a pattern. glob must be zeroed or hold an earlier pattern, whose memory is used again.
 * Returns as bl_glob_check() does.
 */
int bl_glob_parse(struct bl_glob *glob, const char *text, size_t len, size_t *reterr_offset,
		  const char **reterr_what);

/* Frees the arrays; the tree is as new. */
void bl_glob_clear(struct bl_glob *glob);

/* One literal that a pattern stands for: this very path, or everything strictly below it. */
typedef int (*bl_glob_literal_fn)(void *userdata, const char *path, size_t len, bool below);

/*
 * Calls fn for every literal that a pattern stands for, if it stands for at most
 * BL_GLOB_EXPANSIONS_MAX literals and nothing else. The root directory's path is empty, all
 * others start with '/'. Returns 0, what fn returned if that was not 0, or -EDOM: this is a real
 * glob, and fn was not called.
 */
int bl_glob_expand(const struct bl_glob *glob, bl_glob_literal_fn fn, void *userdata);
