/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff fmt: brings policy files into their canonical layout. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "canon.h"
#include "cleanup.h"
#include "policies.h"
#include "replace.h"
#include "tool.h"

enum { OPTION_CHECK = 1 };

struct fmt {
	const struct bl_tool *tool;
	bool check;
	json_t *files, *diagnostics; /* NULL: print text */
	int code;
};

static void fmt_done(struct fmt *fmt)
{
	json_decref(fmt->files);
	json_decref(fmt->diagnostics);
}

static int on_option(void *userdata, int option, const char *value)
{
	((struct fmt *)userdata)->check = true;
	return 0;
}

static void worsen(struct fmt *fmt, int code)
{
	fmt->code = BL_MAX(fmt->code, code);
}

/* ---- what is wrong with a file ------------------------------------------------------------ */

/* The host of a file that is looked at for itself: whoever and whatever it names is there. */
static int find_account(void *userdata, enum bl_account account, const char *name, uint32_t *ret)
{
	*ret = 0;
	return 0;
}

static int read_entries(void *userdata, const char *path, const struct bl_source **ret,
			const char **reterr_why)
{
	static const struct bl_source empty = { .path = "", .bytes = "" };

	*ret = &empty;
	return 0;
}

/* What other files of the set could bring. */
static bool is_elsewhere(const struct bl_diag *diag)
{
	return strcmp(diag->code, "unknown-list") == 0 || strcmp(diag->code, "unknown-rule") == 0;
}

/* Keeps what is wrong with the file itself. */
static void keep_faults(struct bl_diags *diags)
{
	size_t kept = 0;

	for (size_t i = 0; i < diags->count; i++) {
		struct bl_diag swapped = diags->items[kept];

		if (diags->items[i].level != BL_DIAG_ERROR || is_elsewhere(&diags->items[i]))
			continue;
		diags->items[kept++] = diags->items[i];
		diags->items[i] = swapped;
	}
	/* With so many the rest is not known. */
	if (!diags->dropped)
		diags->errors = kept;
	for (size_t i = kept; i < diags->count; i++) {
		free(diags->items[i].file);
		free(diags->items[i].pointer);
		free(diags->items[i].message);
		free(diags->items[i].hint);
	}
	diags->count = kept;
}

static int find_faults(const struct bl_source *source, struct bl_diags *diags)
{
	static const struct bl_policy_host host = {
		.find_account = find_account,
		.read_entries = read_entries,
	};
	struct bl_policy *policy = NULL;
	int r = bl_policy_parse(source, 1, &host, diags, &policy);

	bl_policy_free(policy);
	if (r == -ENOMEM)
		return r;
	keep_faults(diags);
	return 0;
}

static int report(struct fmt *fmt, const struct bl_policies *policies, const struct bl_diags *diags)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *list = NULL;

	worsen(fmt, bl_tool_is_usage_error(diags) ? BL_EXIT_USAGE : BL_EXIT_FINDINGS);
	if (!fmt->diagnostics)
		return bl_policies_print_diags(policies, diags, stderr);
	if (bl_diags_json(diags, &text) < 0)
		return -ENOMEM;
	list = json_loads(text, 0, NULL);
	return list && json_array_extend(fmt->diagnostics, list) == 0 ? 0 : -ENOMEM;
}

/* ---- one file ----------------------------------------------------------------------------- */

static int print_name(struct fmt *fmt, const char *path, bool changed)
{
	_cleanup_free_ char *shown = bl_printable(path, strlen(path));
	json_t *file;

	if (!shown)
		return -ENOMEM;
	if (!fmt->files) {
		if (changed)
			puts(shown);
		return 0;
	}
	file = json_pack("{s:s, s:b}", "file", shown, "changed", changed);
	return file && json_array_append_new(fmt->files, file) == 0 ? 0 : -ENOMEM;
}

static int write_back(struct fmt *fmt, const struct bl_source *source, const char *text, size_t len)
{
	_cleanup_free_ char *why = NULL, *shown = bl_printable(source->path, strlen(source->path));
	int r = bl_replace_file(source->path, source->bytes, source->len, text, len, &why);

	if (r == -ENOMEM || !shown)
		return -ENOMEM;
	if (r == 0)
		return print_name(fmt, source->path, true);
	fprintf(stderr, "bailiff: %s is left as it is: %s\n", shown, why ? why : strerror(-r));
	worsen(fmt, BL_EXIT_RIGHT);
	return print_name(fmt, source->path, false);
}

static int finish_file(struct fmt *fmt, const struct bl_source *source, const char *text,
		       size_t len)
{
	bool changed = len != source->len || memcmp(text, source->bytes, len) != 0;
	bool is_stdin = strcmp(source->path, "-") == 0;

	if (fmt->check) {
		worsen(fmt, changed ? BL_EXIT_FINDINGS : BL_EXIT_GOOD);
		return print_name(fmt, source->path, changed);
	}
	if (is_stdin)
		return fwrite(text, len, 1, stdout) == 1 ? 0 : -EIO;
	return changed ? write_back(fmt, source, text, len) : print_name(fmt, source->path, false);
}

static int format_source(struct fmt *fmt, const struct bl_policies *policies, size_t index)
{
	const struct bl_source *source = &policies->sources[index];
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 }, none = { 0 };
	_cleanup_(bl_json_freep) struct bl_json *json = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = find_faults(source, &diags);

	if (r < 0)
		return r;
	if (diags.errors)
		return report(fmt, policies, &diags);
	r = bl_json_parse(source, &none, &json);
	if (r == 0)
		r = bl_canon_print(json, BL_CANON_POLICY, &text, &len);
	return r < 0 ? r : finish_file(fmt, source, text, len);
}

/* A file, or those of a directory. */
static int format_named(struct fmt *fmt, char *path)
{
	_cleanup_(bl_policies_clear) struct bl_policies policies = { 0 };
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	int r = bl_policies_named(&path, 1, &diags, &policies);

	if (r == -EINVAL)
		return report(fmt, &policies, &diags);
	for (size_t i = 0; r == 0 && i < policies.count; i++)
		r = format_source(fmt, &policies, i);
	return r;
}

/* ---- the command -------------------------------------------------------------------------- */

static int run(struct fmt *fmt, char **paths, int n_paths)
{
	int r = 0;

	for (int i = 0; r == 0 && i < n_paths; i++)
		r = format_named(fmt, paths[i]);
	if (r == 0 && fmt->files)
		r = bl_tool_print_json(json_pack("{s:b, s:O, s:O}", "ok", fmt->code == BL_EXIT_GOOD,
						 "files", fmt->files, "diagnostics",
						 fmt->diagnostics));
	else if (r == 0 && fflush(stdout) == EOF)
		r = -EIO;
	if (r == 0)
		return fmt->code;
	fprintf(stderr, "bailiff: %s\n", strerror(-r));
	return BL_EXIT_INTERNAL;
}

int bl_tool_fmt(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "check", no_argument, NULL, OPTION_CHECK },
		{ 0 },
	};
	_cleanup_(fmt_done) struct fmt fmt = { .tool = tool };
	int code, first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &fmt, &code);

	if (first < 0)
		return code;
	if (first == argc) {
		fputs("bailiff fmt: needs files, directories or '-' for the standard input\n",
		      stderr);
		return BL_EXIT_USAGE;
	}
	if (tool->json) {
		fmt.files = json_array();
		fmt.diagnostics = json_array();
		if (!fmt.files || !fmt.diagnostics)
			return BL_EXIT_INTERNAL;
	}
	for (int i = first; tool->json && !fmt.check && i < argc; i++) {
		if (strcmp(argv[i], "-") == 0) {
			fputs("bailiff fmt: '-' writes the policy itself, so --json can't be "
			      "written there\n",
			      stderr);
			return BL_EXIT_USAGE;
		}
	}
	return run(&fmt, argv + first, argc - first);
}
