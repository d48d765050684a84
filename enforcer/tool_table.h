/* SPDX-License-Identifier: Apache-2.0 */
/* The tool's commands and their options as data: the help and the shells' completions are made of it. */
#pragma once

#include "words.h"

/* What a shell offers for a value or an argument. */
enum bl_completes {
	BL_COMPLETES_NOTHING = 0,
	BL_COMPLETES_FILES,
	BL_COMPLETES_DIRECTORIES,
	BL_COMPLETES_POLICIES, /* files *.json, and directories */
	BL_COMPLETES_USERS,
	BL_COMPLETES_GROUPS,
	BL_COMPLETES_UNITS,
	BL_COMPLETES_SLICES,
	BL_COMPLETES_WORDS, /* those of the row and nothing else */
	_BL_COMPLETES_MAX,
};

struct bl_tool_option {
	const char *name;
	char letter;	   /* '\0': it has none */
	const char *value; /* what stands for its value in the help; NULL: it takes none */
	const char *help;  /* its lines */
	enum bl_completes completes;
	const struct bl_words
		*words;	  /* may be NULL; of the language, several with commas between them */
	const char *more;	      /* further words with spaces between them, or NULL */
};

struct bl_command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;
	const struct bl_tool_option *options; /* of its own; ends with a zeroed one */
	const char *first;     /* the words that its first argument is one of, or NULL */
	enum bl_completes completes; /* its arguments, after that */
};

extern const struct bl_command bl_commands[];
extern const size_t bl_n_commands;

/* What all commands take; ends with a zeroed one. */
extern const struct bl_tool_option bl_common_options[];

/* The row of a name, among those of a command and the common ones; NULL: there is none. */
const struct bl_tool_option *bl_tool_option_find(const struct bl_command *command,
						 const char *name);
