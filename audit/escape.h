/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping: any bytes -> text that is safe to show, and a lossless hexadecimal form. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The display form of len bytes. Kept as they are: printable ASCII except '"' and '\', and valid
 * UTF-8 of visible characters. '"' becomes \" and '\' becomes \\. Every byte of anything else
 * becomes \xNN (lower case): controls (C0, DEL, C1), invalid UTF-8, and characters that are
 * invisible, reorder text or look like a plain space (bidi controls, zero-width, private use, ...).
 * So the result holds no newline, no bare quote, and can be turned back into the bytes.
 *
 * Text whose display form would be longer than 'limit' bytes is cut in the middle: its start and
 * its end are kept, joined by BL_ESCAPE_CUT, which no other escaping produces. No escape sequence or
 * character is cut in two. limit is at least 32.
 *
 * Writes at most limit bytes and no NUL to buf (which holds at least limit); returns the length.
 * *ret_cut (may be NULL) says whether text was cut out, *ret_changed (may be NULL) whether the
 * result differs from the bytes in any way.
 */
size_t bl_escape_text(const char *bytes, size_t len, char *buf, size_t limit, bool *ret_cut,
		      bool *ret_changed);

/*
 * The same for text that should be escaped already, but comes from where others can write:
 * '"' and '\' are kept. Nothing in the result can act on a terminal, and it is valid UTF-8.
 */
size_t bl_escape_again(const char *bytes, size_t len, char *buf, size_t limit);

#define BL_ESCAPE_CUT "\\..."

/* Longest display form of len bytes. */
#define BL_ESCAPE_BYTES(len) (4 * (len))

/* Writes 2 * len lower-case hexadecimal digits, no NUL, to buf; returns their number. */
size_t bl_escape_hex(const void *bytes, size_t len, char *buf);
