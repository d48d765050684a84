/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to policy: the files of a set, and what stands at the top of each. */
#include "parse.h"

#include <errno.h>
#include <string.h>

#define GUESSES_MAX 1000000 /* candidates compared for hints, so that errors stay cheap */

/* The top of a file; its parts are read in an order of their own. */
struct file_draft {
	struct bl_file file;
	uint32_t lists, rules, profiles, adjust, tests; /* nodes; 0: absent */
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

static int parse_profiles(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct file_draft *)object)->profiles = value;
	return 0;
}

static int parse_adjust(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct file_draft *)object)->adjust = value;
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
	{ .name = "profiles", .parse = parse_profiles },
	{ .name = "adjust", .parse = parse_adjust },
	{ .name = "tests", .parse = parse_tests },
	{ .name = "$schema", .parse = parse_schema },
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

int bl_parse_add_text(struct bl_parser *parser, const char *path, struct bl_json *json)
{
	struct bl_policy *policy = parser->policy;
	struct bl_file *file;
	int r = bl_grow(&policy->files, &parser->files_capacity, policy->n_texts + 1,
			sizeof(*policy->files));

	if (r == 0)
		r = bl_grow(&parser->texts, &parser->texts_capacity, policy->n_texts + 1,
			    sizeof(*parser->texts));
	/* The policy's strings are the document's. */
	if (r == 0 && json) {
		r = bl_arena_adopt(policy->arena, json->text);
		if (r < 0)
			json->text = NULL;
	}
	if (r < 0) {
		bl_json_free(json);
		return r;
	}
	parser->texts[parser->n_texts++] = (struct bl_text){ .json = json };
	file = &policy->files[policy->n_texts++];
	*file = (struct bl_file){
		.mode = BL_MODE_MONITOR,
		.document = json,
		.path = bl_arena_strndup(policy->arena, path, strlen(path)),
		.name = default_name(policy->arena, path),
	};
	return file->path && file->name ? 0 : -ENOMEM;
}

/* Reads one file's JSON, its top and the names of its lists. */
static int file_read(struct bl_parser *parser, const struct bl_source *source)
{
	uint32_t index = (uint32_t)parser->policy->n_texts;
	size_t first = parser->diags->count;
	struct file_draft draft = { 0 };
	struct bl_json *json = NULL;
	int r = bl_json_parse(source, parser->diags, &json);

	if (r == -ENOMEM)
		return r;
	for (size_t i = first; i < parser->diags->count; i++)
		parser->diags->items[i].order = index;
	r = bl_parse_add_text(parser, source->path, json);
	if (r < 0 || !json)
		return r;
	bl_parse_enter(parser, index);
	draft.file = parser->policy->files[index];
	r = bl_parse_object(parser, 0, &file_keys, &draft);
	parser->policy->files[index] = draft.file;
	parser->texts[index].rules = draft.rules;
	parser->texts[index].profiles = draft.profiles;
	parser->texts[index].adjust = draft.adjust;
	parser->texts[index].tests = draft.tests;
	if (r == 0 && draft.lists)
		r = bl_lists_parse(parser, draft.lists);
	return r;
}

static int files_read(struct bl_parser *parser, const struct bl_source *sources, size_t n_sources)
{
	for (size_t i = 0; i < n_sources; i++) {
		int r = file_read(parser, &sources[i]);

		if (r < 0)
			return r;
	}
	parser->policy->n_files = n_sources;
	return 0;
}

/* The parts of one file that need the names of all lists. */
static int contents_parse(struct bl_parser *parser, const struct bl_text *text)
{
	int r = text->rules ? bl_parse_rules(parser, text->rules) : 0;

	if (r == 0 && text->profiles)
		r = bl_parse_profiles(parser, text->profiles);
	if (r == 0 && text->tests)
		r = bl_parse_tests(parser, text->tests);
	return r;
}

/* All files' parts; adjustments need the rules of all. */
static int files_contents(struct bl_parser *parser)
{
	const struct bl_policy *policy = parser->policy;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < policy->n_files; i++) {
		struct bl_text text = parser->texts[i];

		bl_parse_enter(parser, i);
		r = contents_parse(parser, &text);
	}
	for (uint32_t i = 0; r == 0 && i < policy->n_files; i++) {
		bl_parse_enter(parser, i);
		if (parser->texts[i].adjust)
			r = bl_parse_adjusts(parser, parser->texts[i].adjust);
	}
	return r;
}

static int files_parse(struct bl_parser *parser, const struct bl_source *sources, size_t n_sources)
{
	size_t first = parser->diags->count, errors = parser->diags->errors;
	int r;

	if (n_sources > BL_FILES_MAX) {
		bl_diag_add(parser->diags, BL_DIAG_ERROR, NULL, "too-many-files",
			    "a policy set has at most %d files, this one has %zu", BL_FILES_MAX,
			    n_sources);
		return 0;
	}
	r = files_read(parser, sources, n_sources);
	if (r == 0)
		r = bl_lists_check(parser);
	if (r == 0)
		r = files_contents(parser);
	if (r < 0)
		return r;
	bl_parse_check_test_rules(parser);
	if (parser->diags->errors == errors) {
		r = bl_parse_settle_rules(parser);
		bl_lists_report_unused(parser);
	}
	bl_diags_sort(parser->diags, first);
	return parser->no_memory ? -ENOMEM : r;
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
	for (size_t i = 0; i < parser->n_texts; i++)
		bl_strmap_free(parser->texts[i].lists);
	free(parser->texts);
	bl_policy_free(parser->policy);
	bl_strmap_free(parser->rule_ids);
	bl_lists_clear(parser);
	free(parser->test_rules);
}

int bl_policy_parse(const struct bl_source *sources, size_t n_sources,
		    const struct bl_policy_host *host, struct bl_diags *diags,
		    struct bl_policy **ret)
{
	_cleanup_(parser_clear) struct bl_parser parser = {
		.diags = diags,
		.host = host,
		.policy = policy_new(),
		.rule_ids = bl_strmap_new(),
		.list_names = bl_strmap_new(),
		.guesses = GUESSES_MAX,
	};
	size_t errors = diags->errors;
	int r;

	if (!parser.policy || !parser.rule_ids || !parser.list_names)
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
	for (size_t i = 0; i < policy->n_texts; i++) {
		if (policy->files[i].document)
			policy->files[i].document->text = NULL;
		bl_json_free(policy->files[i].document);
	}
	free(policy->files);
	free(policy->rules);
	free(policy->removed);
	free(policy->tests);
	bl_arena_free(policy->arena);
	free(policy);
}
