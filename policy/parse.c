/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to policy: the files of a set, and what stands at the top of each. */
#include "parse.h"

#include <errno.h>
#include <string.h>

#define GUESSES_MAX 1000000 /* candidates compared for hints, so that errors stay cheap */

/* The top of a file; its parts are read in an order of their own. */
struct file_draft {
	struct bl_file file;
	uint32_t lists, rules, tests; /* nodes; 0: absent */
};

static int parse_schema(struct bl_parser *parser, uint32_t value, void *object)
{
	bl_parse_kind(parser, value, BL_JSON_STRING, "a string");
	return 0;
}

static int parse_version(struct bl_parser *parser, uint32_t value, void *object)
{
	uint64_t version;

	if (!bl_parse_kind(parser, value, BL_JSON_NUMBER, "the number 1"))
		return 0;
	if (bl_json_uint(parser->json, value, &version) < 0 || version != 1)
		bl_parse_error(parser, value, "unsupported-version",
			       "this is not a policy of version 1, the only one so far");
	return 0;
}

static int parse_name(struct bl_parser *parser, uint32_t value, void *object)
{
	struct file_draft *draft = object;

	bl_parse_name(parser, value, "a name", false, &draft->file.name);
	return 0;
}

static int parse_description(struct bl_parser *parser, uint32_t value, void *object)
{
	struct file_draft *draft = object;

	bl_parse_text(parser, value, "a description", true, &draft->file.description);
	return 0;
}

static int parse_mode(struct bl_parser *parser, uint32_t value, void *object)
{
	struct file_draft *draft = object;
	uint32_t mode;

	if (bl_parse_word(parser, value, &bl_words_mode, &mode))
		draft->file.mode = mode;
	return 0;
}

static int parse_lists(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct file_draft *)object)->lists = value;
	return 0;
}

static int parse_rules(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct file_draft *)object)->rules = value;
	return 0;
}

static int parse_tests(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct file_draft *)object)->tests = value;
	return 0;
}

static const struct bl_key file_key_items[] = {
	{ .name = "bailiff", .parse = parse_version, .required = true },
	{ .name = "name", .parse = parse_name },
	{ .name = "description", .parse = parse_description },
	{ .name = "mode", .parse = parse_mode },
	{ .name = "lists", .parse = parse_lists },
	{ .name = "rules", .parse = parse_rules },
	{ .name = "tests", .parse = parse_tests },
	{ .name = "$schema", .parse = parse_schema },
	{ .name = "profiles", .later = true },
	{ .name = "adjust", .later = true },
};

static const struct bl_keys file_keys = {
	.what = "a policy",
	.items = file_key_items,
	.count = BL_ARRAY_SIZE(file_key_items),
};

/* The file's name without folder and ".json". */
static char *default_name(struct bl_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (len > 5 && strcmp(name + len - 5, ".json") == 0)
		len -= 5;
	return bl_arena_strndup(arena, name, len);
}

static int document_parse(struct bl_parser *parser, struct file_draft *draft)
{
	int r = bl_parse_object(parser, 0, &file_keys, draft);

	if (r == 0 && draft->lists)
		r = bl_lists_parse(parser, draft->lists);
	if (r == 0 && draft->rules)
		r = bl_parse_rules(parser, draft->rules);
	if (r == 0 && draft->tests)
		r = bl_parse_tests(parser, draft->tests);
	return r;
}

static int file_parse(struct bl_parser *parser, const struct bl_source *source)
{
	struct bl_file *file = &parser->policy->files[parser->file];
	size_t first = parser->diags->count, errors = parser->diags->errors;
	_cleanup_(bl_json_freep) struct bl_json *json = NULL;
	struct file_draft draft;
	int r = bl_json_parse(source, parser->diags, &json);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	/* The policy's strings are the document's. */
	r = bl_arena_adopt(parser->policy->arena, json->text);
	if (r < 0) {
		json->text = NULL;
		return r;
	}
	draft = (struct file_draft){ .file = *file };
	parser->json = json;
	r = document_parse(parser, &draft);
	if (r == 0 && parser->diags->errors == errors)
		bl_lists_report_unused(parser);
	*file = draft.file;
	bl_diags_sort(parser->diags, first);
	bl_lists_clear(&parser->lists);
	parser->json = NULL;
	file->document = TAKE_PTR(json);
	return parser->no_memory ? -ENOMEM : r;
}

static int files_name(struct bl_policy *policy, const struct bl_source *sources, size_t n_sources)
{
	policy->files = bl_arena_alloc(policy->arena, n_sources, sizeof(*policy->files));
	if (!policy->files)
		return -ENOMEM;
	policy->n_files = n_sources;
	for (size_t i = 0; i < n_sources; i++) {
		struct bl_file *file = &policy->files[i];

		file->mode = BL_MODE_MONITOR;
		file->path =
			bl_arena_strndup(policy->arena, sources[i].path, strlen(sources[i].path));
		file->name = default_name(policy->arena, sources[i].path);
		if (!file->path || !file->name)
			return -ENOMEM;
	}
	return 0;
}

static int files_parse(struct bl_parser *parser, const struct bl_source *sources, size_t n_sources)
{
	int r;

	if (n_sources > BL_FILES_MAX) {
		bl_diag_add(parser->diags, BL_DIAG_ERROR, NULL, "too-many-files",
			    "a policy set has at most %d files, this one has %zu", BL_FILES_MAX,
			    n_sources);
		return 0;
	}
	r = files_name(parser->policy, sources, n_sources);
	for (size_t i = 0; r == 0 && i < n_sources; i++) {
		parser->file = (uint32_t)i;
		r = file_parse(parser, &sources[i]);
	}
	if (r == 0)
		bl_parse_check_test_rules(parser);
	return r;
}

static struct bl_policy *policy_new(void)
{
	struct bl_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->arena = bl_arena_new();
	if (!policy->arena) {
		free(policy);
		return NULL;
	}
	return policy;
}

static void parser_clear(struct bl_parser *parser)
{
	bl_policy_free(parser->policy);
	bl_strmap_free(parser->rule_ids);
	bl_strmap_free(parser->all_lists);
	bl_lists_clear(&parser->lists);
	free(parser->test_rules);
}

int bl_policy_parse(const struct bl_source *sources, size_t n_sources, struct bl_diags *diags,
		    struct bl_policy **ret)
{
	_cleanup_(parser_clear) struct bl_parser parser = {
		.diags = diags,
		.policy = policy_new(),
		.rule_ids = bl_strmap_new(),
		.all_lists = bl_strmap_new(),
		.guesses = GUESSES_MAX,
	};
	size_t errors = diags->errors;
	int r;

	if (!parser.policy || !parser.rule_ids || !parser.all_lists)
		return -ENOMEM;
	r = files_parse(&parser, sources, n_sources);
	if (r < 0)
		return r;
	if (diags->errors > errors)
		return -EINVAL;
	*ret = TAKE_PTR(parser.policy);
	return 0;
}

void bl_policy_free(struct bl_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_files; i++) {
		if (policy->files[i].document)
			policy->files[i].document->text = NULL;
		bl_json_free(policy->files[i].document);
	}
	free(policy->rules);
	free(policy->tests);
	bl_arena_free(policy->arena);
	free(policy);
}
