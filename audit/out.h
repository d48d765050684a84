/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON by dotted paths: objects are opened and closed as the paths need them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Values are written in an order in which the paths of one object follow each other; then each object is
 * opened once and none is empty. Whatever bytes a value has, what comes out is one line of valid JSON
 * that does nothing to a terminal.
 */
struct bl_out {
	FILE *file;
	char open[128]; /* the path of the object that is open; "": the outermost one */
	bool comma;	/* the next thing needs one before it */
};

/* Starts an object. */
void bl_out_begin(struct bl_out *out, FILE *file);

/* Closes all that is open. Returns 0 or -EIO. */
int bl_out_end(struct bl_out *out);

void bl_out_text(struct bl_out *out, const char *path, const char *bytes, size_t len);
void bl_out_word(struct bl_out *out, const char *path, const char *word);
void bl_out_number(struct bl_out *out, const char *path, uint64_t value);
void bl_out_bool(struct bl_out *out, const char *path, bool value);

/* RFC 3339 with microseconds. */
void bl_out_time(struct bl_out *out, const char *path, uint64_t realtime_us);

/* What stands between two separators; of an empty text the one element is empty. */
void bl_out_list(struct bl_out *out, const char *path, const char *bytes, size_t len,
		 char separator);

/* Writes a path's key and leaves the value to the caller, who writes it to out->file. */
void bl_out_key(struct bl_out *out, const char *path);

/* One string with its quotes. */
void bl_out_string(FILE *file, const char *bytes, size_t len);
