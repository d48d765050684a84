/* SPDX-License-Identifier: Apache-2.0 */
/* The tool 'bailiff': what its commands share. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "build.h"
#include "cleanup.h"
#include "client.h"
#include "tool.h"

enum { COMMON_JSON = 256, COMMON_ROOT, COMMON_SOCKET, COMMON_NO_COLOR, COMMON_HELP };

static const struct option common[] = {
	{ "json", no_argument, NULL, COMMON_JSON },
	{ "root", required_argument, NULL, COMMON_ROOT },
	{ "socket", required_argument, NULL, COMMON_SOCKET },
	{ "no-color", no_argument, NULL, COMMON_NO_COLOR },
	{ "help", no_argument, NULL, COMMON_HELP },
};

#define OPTIONS_MAX 32

/* "  -f, --follow     go on as they come", and further lines below the first one's text. */
static void print_option(const struct bl_tool_option *row, FILE *out)
{
	char left[64];
	int len = snprintf(left, sizeof(left), "%s%.1s%s--%s%s%s", row->letter ? "-" : "",
			   &row->letter, row->letter ? ", " : "", row->name, row->value ? " " : "",
			   row->value ? row->value : "");
	const char *line = row->help, *end;

	fprintf(out, "  %-16s %s", left, len > 16 ? " " : "");
	while ((end = strchr(line, '\n'))) {
		fprintf(out, "%.*s\n%19s", (int)(end - line), line, "");
		line = end + 1;
	}
	fprintf(out, "%s\n", line);
}

void bl_tool_help(const struct bl_command *command, FILE *out)
{
	fprintf(out, "Usage: bailiff %s [OPTION...]%s%s\n%s.\n\n", command->name,
		*command->arguments ? " " : "", command->arguments, command->summary);
	for (const struct bl_tool_option *row = command->options; row->name; row++)
		print_option(row, out);
	for (const struct bl_tool_option *row = bl_common_options; row->name; row++)
		print_option(row, out);
}

static int take_common(struct bl_tool *tool, int option)
{
	switch (option) {
	case COMMON_JSON:
		tool->json = true;
		return 0;
	case COMMON_ROOT:
		tool->root = optarg;
		return 0;
	case COMMON_SOCKET:
		tool->socket = optarg;
		return 0;
	case COMMON_NO_COLOR:
		tool->colour = false;
		return 0;
	default:
		return -EINVAL;
	}
}

/* own first, then the common ones. Returns whether they fit. */
static bool join_options(const struct option *own, struct option all[OPTIONS_MAX])
{
	size_t n = 0;

	while (own && own[n].name)
		n++;
	if (n + BL_ARRAY_SIZE(common) >= OPTIONS_MAX)
		return false;
	if (n)
		memcpy(all, own, n * sizeof(*own));
	memcpy(all + n, common, sizeof(common));
	all[n + BL_ARRAY_SIZE(common)] = (struct option){ 0 };
	return true;
}

/*
 * Whether what is parsed is what the table says, letters among it: else the help and the completions would tell
 * something else. Returns the name that is wrong; NULL: all are right.
 */
static const char *find_unlike(const struct bl_command *command, const char *letters,
			       const struct option all[OPTIONS_MAX])
{
	size_t n = 0, rows = 0;

	for (; all[n].name; n++) {
		const struct bl_tool_option *row = bl_tool_option_find(command, all[n].name);

		if (!row || !row->value != (all[n].has_arg == no_argument) ||
		    (row->letter && (all[n].val != row->letter || !strchr(letters, row->letter))))
			return all[n].name;
	}
	for (const struct bl_tool_option *row = command->options; row->name; row++)
		rows++;
	return rows + BL_ARRAY_SIZE(common) == n ? NULL : command->name;
}

int bl_tool_parse(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv,
		  const char *letters, const struct option *own, bl_option_fn on_option,
		  void *userdata, int *ret_code)
{
	struct option all[OPTIONS_MAX];
	const char *unlike;
	int option, r;

	*ret_code = BL_EXIT_INTERNAL;
	if (!join_options(own, all))
		return -1;
	unlike = find_unlike(command, letters, all);
	if (unlike) {
		fprintf(stderr,
			"bailiff: the table of options and '%s' differ: this is a fault of bailiff\n",
			unlike);
		return -1;
	}
	*ret_code = BL_EXIT_USAGE;
	optind = 0; /* getopt starts over: the command line is parsed a second time from here */
	while ((option = getopt_long(argc, argv, letters, all, NULL)) >= 0) {
		if (option == COMMON_HELP) {
			bl_tool_help(command, stdout);
			*ret_code = BL_EXIT_GOOD;
			return -1;
		}
		r = option >= COMMON_JSON ? take_common(tool, option)
		    : option == '?'	  ? -EINVAL
					  : on_option(userdata, option, optarg);
		if (r < 0) {
			fprintf(stderr, "See 'bailiff %s --help'.\n", command->name);
			return -1;
		}
	}
	return optind;
}

bool bl_tool_is_usage_error(const struct bl_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		if (diags->items[i].level == BL_DIAG_ERROR &&
		    strcmp(diags->items[i].code, "unreadable") != 0)
			return false;
	}
	return diags->errors > 0;
}

void bl_tool_print_errors(struct bl_built *built, int r)
{
	struct bl_diags *diags = &built->diags;
	size_t kept = 0, all = diags->count;

	for (size_t i = 0; i < all; i++) {
		struct bl_diag swapped = diags->items[kept];

		if (diags->items[i].level != BL_DIAG_ERROR)
			continue;
		diags->items[kept++] = diags->items[i];
		diags->items[i] = swapped;
	}
	diags->count = kept;
	bl_policies_print_diags(&built->policies, diags, stderr);
	diags->count = all;
	if (!diags->errors && r < 0)
		fprintf(stderr, "bailiff: %s\n", strerror(-r));
}

bool bl_tool_no_arguments(const struct bl_command *command, int argc, char **argv, int first)
{
	if (first == argc)
		return true;
	fprintf(stderr, "bailiff %s: takes no argument '%s'\n", command->name, argv[first]);
	return false;
}

int bl_tool_print_json(json_t *value)
{
	_cleanup_json_ json_t *document = json_object();
	int r = 0;

	if (!document || !value || json_object_set_new(document, "schema", json_integer(1)) < 0 ||
	    json_object_update(document, value) < 0)
		r = -ENOMEM;
	json_decref(value);
	if (r == 0 && (json_dumpf(document, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF ||
		       fflush(stdout) == EOF))
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "bailiff: output failed: %s\n", strerror(-r));
	return r;
}

void bl_tool_error(const struct bl_tool *tool, const char *code, const char *text)
{
	fprintf(stderr, "bailiff: %s\n", text);
	if (tool->json)
		bl_tool_print_json(json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code", code,
					     "message", text));
}

int bl_tool_call(const struct bl_tool *tool, json_t *request, unsigned int timeout_sec,
		 json_t **ret)
{
	_cleanup_free_ char *text = NULL, *shown = NULL;
	int r = bl_client_call(tool->socket, request, timeout_sec, ret, &text);

	if (r == 0)
		return BL_EXIT_GOOD;
	if (r == -EREMOTEIO && *ret) {
		shown = bl_printable(text ? text : "", text ? strlen(text) : 0);
		fprintf(stderr, "bailiff: %s\n", shown ? shown : "");
		return BL_EXIT_FINDINGS;
	}
	bl_tool_error(tool,
		      r == -EREMOTEIO ? "refused"
		      : r == -EACCES  ? "no-right"
				      : "no-daemon",
		      text ? text : strerror(-r));
	return r == -EREMOTEIO ? BL_EXIT_FINDINGS : BL_EXIT_RIGHT;
}

char *bl_tool_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return strdup("");
	return bl_printable(json_string_value(value), json_string_length(value));
}

const char *bl_tool_colour(const struct bl_tool *tool, enum bl_colour colour)
{
	if (!tool->colour)
		return "";
	switch (colour) {
	case BL_COLOUR_OFF:
		return "\033[0m";
	case BL_COLOUR_GOOD:
		return "\033[32m";
	case BL_COLOUR_BAD:
		return "\033[31m";
	case BL_COLOUR_DOUBT:
		return "\033[33m";
	case BL_COLOUR_BOLD:
		return "\033[1m";
	}
	return "";
}

int bl_tool_duration(const char *text, json_int_t max, json_int_t *ret)
{
	static const struct {
		const char *unit;
		unsigned int seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || !n || n > (unsigned long long)max)
		return -EINVAL;
	for (size_t i = 0; i < BL_ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit) == 0 &&
		    n <= (unsigned long long)max / units[i].seconds) {
			*ret = (json_int_t)(n * units[i].seconds);
			return 0;
		}
	}
	return -EINVAL;
}
