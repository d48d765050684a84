/* SPDX-License-Identifier: Apache-2.0 */
/* The base of user space: ownership by cleanup attributes, an arena, a string map, UTF-8. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BL_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define BL_MIN(a, b)	     ((a) < (b) ? (a) : (b))
#define BL_MAX(a, b)	     ((a) > (b) ? (a) : (b))
#define BL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* ---- ownership ---------------------------------------------------------------------------- */

#define _cleanup_(fn)	 __attribute__((cleanup(fn)))
#define _cleanup_free_	 _cleanup_(bl_freep)
#define _cleanup_fclose_ _cleanup_(bl_fclosep)

/* Hands a pointer over: its value is the expression's, and the owner is left with NULL. */
#define TAKE_PTR(ptr)                            \
	({                                       \
		__typeof__(ptr) _taken_ = (ptr); \
		(ptr) = NULL;                    \
		_taken_;                         \
	})

/* Defines a cleanup handler NAMEp() for a destructor NAME() that takes NULL as well. */
#define BL_DEFINE_CLEANUP(type, fn)         \
	static inline void fn##p(type *ptr) \
	{                                   \
		fn(*ptr);                   \
	}

static inline void bl_freep(void *ptr)
{
	free(*(void **)ptr);
}

static inline void bl_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* ---- memory ------------------------------------------------------------------------------- */

/*
 * Makes room for 'need' items of 'size' bytes in a growing array. *items and *capacity are
 * updated together; both are untouched on failure. Returns 0 or -ENOMEM.
 */
int bl_grow(void *items, size_t *capacity, size_t need, size_t size);

/*
 * Asks for huge pages in a block of many pages, before anything is written there: a fault for each small one
 * costs as much as what is done with it. Changes nothing else.
 */
void bl_use_huge_pages(void *block, size_t bytes);
#define BL_HUGE_PAGE_BYTES ((uintptr_t)2 << 20)

/* printf to a new string (free() it); NULL when memory is short. */
char *bl_format(const char *fmt, ...) BL_PRINTF(1, 2);
char *bl_vformat(const char *fmt, va_list args) BL_PRINTF(1, 0);

/* Memory that is freed all at once. Allocations are zeroed and aligned for any type. */
struct bl_arena;

/* Returns a new arena, or NULL when memory is short. */
struct bl_arena *bl_arena_new(void);

/* Frees an arena and all that was allocated from it or handed to it; NULL is allowed. */
void bl_arena_free(struct bl_arena *arena);
BL_DEFINE_CLEANUP(struct bl_arena *, bl_arena_free)

/* Returns count * size zeroed bytes that live as long as the arena, or NULL (also on overflow). */
void *bl_arena_alloc(struct bl_arena *arena, size_t count, size_t size);

/* Copies len bytes and adds a NUL. */
char *bl_arena_strndup(struct bl_arena *arena, const char *text, size_t len);

/* Makes the arena the owner of a malloc'ed block, also on failure. Returns 0 or -ENOMEM. */
int bl_arena_adopt(struct bl_arena *arena, void *block);

/* ---- strings ------------------------------------------------------------------------------ */

/* Maps strings to numbers. Does not own the strings: they must outlive the map. */
struct bl_strmap;

struct bl_strmap *bl_strmap_new(void);
void bl_strmap_free(struct bl_strmap *map);
BL_DEFINE_CLEANUP(struct bl_strmap *, bl_strmap_free)

/* Makes room for so many keys at once. Returns 0 or -ENOMEM. */
int bl_strmap_reserve(struct bl_strmap *map, size_t count);

/*
 * Adds a key. Returns 0, -EEXIST with the value that the key has already in *ret_old, or -ENOMEM.
 */
int bl_strmap_add(struct bl_strmap *map, const char *key, size_t len, uint32_t value,
		  uint32_t *ret_old);

/* Returns whether the key is there, and its value in *ret. */
bool bl_strmap_get(const struct bl_strmap *map, const char *key, size_t len, uint32_t *ret);

/*
 * Returns the length (1..4) of the well-formed UTF-8 sequence at text, 0 where there is none:
 * no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629).
 */
size_t bl_utf8_length(const char *text, size_t len);

/* Writes a code point (not a surrogate, at most 0x10ffff) as UTF-8; returns the bytes written. */
size_t bl_utf8_encode(uint32_t code, char out[static 4]);

/*
 * Copies text so that it can be shown: control characters (C0, DEL, C1) and bytes that are no
 * UTF-8 become \xNN. Returns a new string (free() it) or NULL when memory is short.
 */
char *bl_printable(const char *text, size_t len);

/* The start of a text, for messages: at most BL_EXCERPT_BYTES, then "...". */
#define BL_EXCERPT_BYTES 64

struct bl_excerpt {
	char text[BL_EXCERPT_BYTES + 4];
};

struct bl_excerpt bl_excerpt(const char *text, size_t len);
