/* SPDX-License-Identifier: Apache-2.0 */
/* The tool 'bailiff': what its commands share. */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "diag.h"
#include "failure.h"
#include "tool_table.h"

#define BL_TOOL_SCHEMA	    1 /* of all --json output */
#define BL_TOOL_TIMEOUT_SEC 15

struct bl_tool {
	bool json;
	bool colour;	  /* of stdout */
	const char *root; /* NULL: '/' */
	const char *socket;
};

int bl_tool_check(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_test(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_explain(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_diff(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_status(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_rules(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_reload(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_confirm(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_mode(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_unload(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_events(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_replay(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_report(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_top(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_metrics(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_cat(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_fmt(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_schema(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);
int bl_tool_doctor(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv);

/* policy/policy.schema.json. */
extern const char bl_schema_text[];

/* An option of a command's own was given. Returns 0, or -EINVAL after saying on stderr why. */
typedef int (*bl_option_fn)(void *userdata, int option, const char *value);

/*
 * Parses a command's options, the common ones among them (--json, --root, --socket, --no-color,
 * --help). own ends with a zeroed element and says what the table does; its values are below 256; letters are of short options,
 * as for getopt(3). Returns the index of the first argument, or -1 when the command ends here with
 * *ret_code.
 */
int bl_tool_parse(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv,
		  const char *letters, const struct option *own, bl_option_fn on_option,
		  void *userdata, int *ret_code);

/* Whether nothing is wrong but that named files can't be read: no finding about a policy. */
bool bl_tool_is_usage_error(const struct bl_diags *diags);

/*
 * A policy that can't be built is told like by 'bailiff check'; notes and warnings are its business. r is a -errno that
 * is told where there is no diagnostic, or 0.
 */
struct bl_built;
void bl_tool_print_errors(struct bl_built *built, int r);

/* Says that arguments are too many, if so. Returns whether they are none. */
bool bl_tool_no_arguments(const struct bl_command *command, int argc, char **argv, int first);

void bl_tool_help(const struct bl_command *command, FILE *out);

/*
 * Prints one JSON document with "schema" added; takes it over. Returns 0, or -EIO or -ENOMEM: then
 * it has said so on stderr.
 */
int bl_tool_print_json(json_t *value);

/* 'bailiff: sentence' on stderr, and with --json also {"schema", "ok": false, "error"} on stdout. */
void bl_tool_error(const struct bl_tool *tool, const char *code, const char *text);

/*
 * Asks the daemon; a failure is printed. Returns BL_EXIT_GOOD and the result in *ret, or the exit
 * code; *ret may be set with BL_EXIT_FINDINGS (the daemon's own failure).
 */
int bl_tool_call(const struct bl_tool *tool, json_t *request, unsigned int timeout_sec,
		 json_t **ret);

/* A time such as 90, 90s, 10m, 2h or 1d, of at most max seconds. Returns 0 or -EINVAL. */
int bl_tool_duration(const char *text, json_int_t max, json_int_t *ret);

/* A string of a JSON object made safe to show, malloc'ed; "" where it is none, NULL without memory. */
char *bl_tool_text(const json_t *object, const char *key);

/* All pages of the list of rules, or NULL and the exit code after saying why. */
json_t *bl_tool_fetch_rules(const struct bl_tool *tool, int *ret_code);

/* Prints the list of rules that are in force, all pages. Returns an exit code. */
int bl_tool_print_rules(struct bl_tool *tool);

/* ANSI sequences, or "" without colour. */
enum bl_colour {
	BL_COLOUR_OFF = 0,
	BL_COLOUR_GOOD,
	BL_COLOUR_BAD,
	BL_COLOUR_DOUBT,
	BL_COLOUR_BOLD
};
const char *bl_tool_colour(const struct bl_tool *tool, enum bl_colour colour);

/*
 * A point in time as journalctl's --since takes it: '2 hours ago', '-30min', 'today', 'yesterday',
 * 'now', '2026-11-20', '2026-11-20 12:30', '... 12:30:15', '@seconds'. Local time. now_us and the
 * result are CLOCK_REALTIME microseconds. Returns 0 or -EINVAL.
 */
int bl_since_parse(const char *text, uint64_t now_us, uint64_t *ret_us);
