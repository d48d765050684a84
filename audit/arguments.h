/* SPDX-License-Identifier: Apache-2.0 */
/* A process's arguments as one line, without what is nobody's business. */
#pragma once

#include <stdbool.h>

#include "event.h"

#define BL_REDACTED "***"

/* What is redacted becomes longer by less than the argument's own NUL and '='. */
#define BL_ARGUMENTS_BYTES (2 * BL_ARGV_BYTES + 8)

struct bl_arguments {
	char text[BL_ARGUMENTS_BYTES]; /* not NUL-terminated, not escaped */
	size_t len;
	bool redacted;	/* something is */
	bool ambiguous; /* the arguments can't be told apart by the spaces between them */
};

/*
 * Joins arguments with spaces. words: lower case, with spaces between. An argument NAME=VALUE whose NAME has one of the
 * words in it, in whatever case, loses its value; so does what follows an option (with '-' before) that has one in it and
 * no '='.
 */
void bl_arguments_join(struct bl_text argv, const char *words, struct bl_arguments *ret);
