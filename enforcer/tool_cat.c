/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff cat: the policy that is in force after all lists, profiles, adjustments and masks, with its origins. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "build.h"
#include "canon.h"
#include "cleanup.h"
#include "hostfs.h"
#include "tool.h"
#include "write.h"

struct cat {
	int root_fd;
	struct bl_built built;
};

static void cat_done(struct cat *cat)
{
	bl_built_clear(&cat->built);
	bl_close(cat->root_fd);
}

static const char *file_path(const struct cat *cat, uint32_t file)
{
	return cat->built.policy->files[file].path;
}

static int rule_text(const struct bl_rule *rule, char **ret)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);

	if (!out)
		return -ENOMEM;
	bl_rule_write(rule, out);
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

/* ---- text --------------------------------------------------------------------------------- */

/* Paths are what somebody called a file: they must not end the comment. */
static void print_shown(const char *before, const char *text, const char *after)
{
	_cleanup_free_ char *shown = bl_printable(text, strlen(text));

	printf("%s%s%s", before, shown ? shown : "?", after);
}

static void print_place(const struct cat *cat, const char *before, const struct bl_place *place)
{
	print_shown(before, file_path(cat, place->file), "");
	printf(":%u\n", place->line);
}

static void print_masked(const struct bl_policies *policies, const char *by)
{
	for (size_t i = 0; i < policies->n_masked; i++)
		if (strcmp(policies->masked[i].by, by) == 0)
			print_shown("#   in place of ", policies->masked[i].path, "\n");
}

static void print_files(const struct cat *cat)
{
	const struct bl_policies *policies = &cat->built.policies;
	const struct bl_policy *policy = cat->built.policy;

	for (size_t i = 0; i < policy->n_files; i++) {
		print_shown("# ", policy->files[i].path, "");
		printf(": policy \"%s\", mode %s\n", policy->files[i].name,
		       bl_mode_name(policy->files[i].mode));
		print_masked(policies, policy->files[i].path);
	}
	for (size_t i = policy->n_files; i < policy->n_texts; i++)
		print_shown("# ", policy->files[i].path, ": entries of lists\n");
	for (size_t i = 0; i < policies->n_disabled; i++) {
		print_shown("# ", policies->disabled[i],
			    ": leads to /dev/null, nothing of it is in force\n");
		print_masked(policies, policies->disabled[i]);
	}
}

static void print_adjustments(const struct cat *cat, const struct bl_rule *rule)
{
	if (rule->adjusted_at.line)
		print_place(cat, "#   its action is of ", &rule->adjusted_at);
	for (size_t i = 0; i < rule->n_unless; i++) {
		char before[64];

		if (rule->unless[i].place.file == rule->file)
			continue;
		snprintf(before, sizeof(before), "#   its exception %zu is of ", i + 1);
		print_place(cat, before, &rule->unless[i].place);
	}
}

/* The rule in the layout of policies. */
static int print_rule(const struct bl_rule *rule)
{
	_cleanup_(bl_diags_clear) struct bl_diags diags = { 0 };
	_cleanup_(bl_json_freep) struct bl_json *json = NULL;
	_cleanup_free_ char *text = NULL, *shown = NULL;
	struct bl_source source = { .path = rule->id };
	size_t len;
	int r = rule_text(rule, &text);

	if (r < 0)
		return r;
	source.bytes = text;
	source.len = strlen(text);
	r = bl_json_parse(&source, &diags, &json);
	if (r == 0)
		r = bl_canon_print(json, BL_CANON_RULE, &shown, &len);
	if (r == 0)
		fwrite(shown, len, 1, stdout);
	return r;
}

static void print_removed(const struct cat *cat, const struct bl_rule *rule)
{
	print_shown("\n# ", file_path(cat, rule->file), "");
	printf(":%u: \"%s\" is not in force: ", rule->place.line, rule->id);
	if (rule->disabled)
		print_place(cat, "disabled by ", &rule->disabled_at);
	else
		puts("a file of entries that it needs has none");
}

static int print_text(const struct cat *cat)
{
	const struct bl_policy *policy = cat->built.policy;
	int r = 0;

	print_files(cat);
	for (size_t i = 0; r == 0 && i < policy->n_rules; i++) {
		putchar('\n');
		print_place(cat, "# ", &policy->rules[i].place);
		print_adjustments(cat, &policy->rules[i]);
		r = print_rule(&policy->rules[i]);
	}
	for (size_t i = 0; i < policy->n_removed; i++)
		print_removed(cat, &policy->removed[i]);
	return r == 0 && fflush(stdout) == EOF ? -EIO : r;
}

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *place_json(const struct cat *cat, const struct bl_place *place)
{
	return json_pack("{s:s, s:i, s:i}", "file", file_path(cat, place->file), "line",
			 (int)place->line, "column", (int)place->column);
}

static json_t *files_json(const struct cat *cat)
{
	const struct bl_policy *policy = cat->built.policy;
	json_t *files = json_array();

	for (size_t i = 0; files && i < policy->n_files; i++) {
		if (json_array_append_new(
			    files, json_pack("{s:s, s:s, s:s}", "file", policy->files[i].path,
					     "policy", policy->files[i].name, "mode",
					     bl_mode_name(policy->files[i].mode))) < 0)
			return NULL;
	}
	return files;
}

static json_t *masked_json(const struct bl_policies *policies)
{
	json_t *masked = json_array();

	for (size_t i = 0; masked && i < policies->n_masked; i++) {
		if (json_array_append_new(masked,
					  json_pack("{s:s, s:s}", "file", policies->masked[i].path,
						    "by", policies->masked[i].by)) < 0)
			return NULL;
	}
	return masked;
}

static json_t *disabled_json(const struct bl_policies *policies)
{
	json_t *disabled = json_array();

	for (size_t i = 0; disabled && i < policies->n_disabled; i++) {
		if (json_array_append_new(disabled, json_string(policies->disabled[i])) < 0)
			return NULL;
	}
	return disabled;
}

/* Where its exceptions are, in the order of "unless". */
static json_t *exceptions_json(const struct cat *cat, const struct bl_rule *rule)
{
	json_t *places = json_array();

	for (size_t i = 0; places && i < rule->n_unless; i++) {
		if (json_array_append_new(places, place_json(cat, &rule->unless[i].place)) < 0)
			return NULL;
	}
	return places;
}

static json_t *rule_json(const struct cat *cat, const struct bl_rule *rule)
{
	const struct bl_file *file = &cat->built.policy->files[rule->file];
	_cleanup_free_ char *text = NULL;
	char pointer[32];
	json_t *value;

	if (rule_text(rule, &text) < 0)
		return NULL;
	snprintf(pointer, sizeof(pointer), "/%s/%u", rule->of_profile ? "profiles" : "rules",
		 rule->index);
	value = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:o, s:o}", "file", file->path, "line",
			  (int)rule->place.line, "column", (int)rule->place.column, "pointer",
			  pointer, "policy", file->name, "mode", bl_mode_name(file->mode), "rule",
			  json_loads(text, 0, NULL), "exceptions", exceptions_json(cat, rule));
	if (value && rule->adjusted_at.line)
		json_object_set_new(value, "action", place_json(cat, &rule->adjusted_at));
	if (value && rule->disabled)
		json_object_set_new(value, "disabled", place_json(cat, &rule->disabled_at));
	return value;
}

static json_t *rules_json(const struct cat *cat, const struct bl_rule *rules, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		if (json_array_append_new(list, rule_json(cat, &rules[i])) < 0)
			return NULL;
	}
	return list;
}

static int print_json(const struct cat *cat)
{
	const struct bl_policies *policies = &cat->built.policies;
	const struct bl_policy *policy = cat->built.policy;

	return bl_tool_print_json(
		json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "ok", 1, "files", files_json(cat),
			  "masked", masked_json(policies), "disabled", disabled_json(policies),
			  "rules", rules_json(cat, policy->rules, policy->n_rules), "removed",
			  rules_json(cat, policy->removed, policy->n_removed)));
}

/* ---- the command -------------------------------------------------------------------------- */

static int build(struct cat *cat, const struct bl_tool *tool, char **paths, int n_paths)
{
	struct bl_build_input input = { .paths = n_paths ? paths : NULL,
					.n_paths = (size_t)n_paths };

	cat->root_fd = bl_hostfs_open_root(tool->root, NULL);
	if (cat->root_fd < 0)
		return cat->root_fd;
	input.host_fd = input.config_fd = cat->root_fd;
	return bl_build(&input, &cat->built);
}

/* A policy with errors is not in force; they are told as by 'bailiff check'. */
static int fail(const struct cat *cat, const struct bl_tool *tool, int r)
{
	const struct bl_diags *diags = &cat->built.diags;
	_cleanup_free_ char *text = NULL;
	int code = r == -EINVAL ? BL_EXIT_FINDINGS : BL_EXIT_INTERNAL;

	if (bl_tool_is_usage_error(diags))
		code = BL_EXIT_USAGE;
	if (tool->json && bl_diags_json(diags, &text) == 0)
		bl_tool_print_json(
			json_pack("{s:b, s:o}", "ok", 0, "diagnostics", json_loads(text, 0, NULL)));
	else if (diags->count)
		bl_policies_print_diags(&cat->built.policies, diags, stderr);
	if (!diags->errors)
		fprintf(stderr, "bailiff: %s\n", strerror(-r));
	return code;
}

int bl_tool_cat(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	_cleanup_(cat_done) struct cat cat = { .root_fd = -1 };
	int code, r, first = bl_tool_parse(tool, command, argc, argv, "", NULL, NULL, NULL, &code);

	if (first < 0)
		return code;
	r = build(&cat, tool, argv + first, argc - first);
	if (r < 0)
		return fail(&cat, tool, r);
	r = tool->json ? print_json(&cat) : print_text(&cat);
	if (r < 0 && !tool->json)
		fprintf(stderr, "bailiff: output failed: %s\n", strerror(-r));
	return r < 0 ? BL_EXIT_INTERNAL : BL_EXIT_GOOD;
}
