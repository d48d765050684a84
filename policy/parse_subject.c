/* SPDX-License-Identifier: Apache-2.0 */
/* What "by" says of a process beside its program, user and groups: login, capabilities, names by its cgroup. */
#include "parse.h"

#include <errno.h>
#include <string.h>

#include "glob.h"

/* A kind of name that a process has by its cgroup. */
struct name_kind {
	const char *what;
	const char *code;
	const char *hint; /* of a name that is none; NULL: every text is one */
	char mark;
	bool (*is_name)(const char *name);
};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

/* Units of other types have no processes. */
static bool is_unit(const char *name)
{
	static const char *const ends[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

	for (size_t i = 0; i < BL_ARRAY_SIZE(ends); i++) {
		if (ends_with(name, ends[i]))
			return true;
	}
	return false;
}

static bool is_slice(const char *name)
{
	return ends_with(name, ".slice");
}

static const struct name_kind *name_kind(enum bl_value_kind kind)
{
	static const struct name_kind unit = {
		.what = "a unit",
		.code = "bad-unit",
		.hint = "units with processes end in .service, .scope, .socket, .mount or .swap",
		.mark = BL_GLOB_UNIT,
		.is_name = is_unit,
	};
	static const struct name_kind slice = {
		.what = "a slice",
		.code = "bad-unit",
		.hint = "slices end in .slice, such as \"system.slice\"",
		.mark = BL_GLOB_SLICE,
		.is_name = is_slice,
	};
	static const struct name_kind container = {
		.what = "the id of a container",
		.code = "bad-container",
		.mark = BL_GLOB_CONTAINER,
	};

	return kind == BL_VALUE_UNIT ? &unit : kind == BL_VALUE_SLICE ? &slice : &container;
}

/* ---- patterns ----------------------------------------------------------------------------- */

/* A pattern with what is put before it, in the policy's arena. */
static bool mark_pattern(struct bl_parser *parser, uint32_t node, const char *mark,
			 const char *text, size_t len, struct bl_pattern *ret)
{
	size_t n = strlen(mark);
	char *pattern = bl_arena_alloc(parser->policy->arena, n + len + 1, 1);

	if (!pattern) {
		parser->no_memory = true;
		return false;
	}
	memcpy(pattern, mark, n);
	memcpy(pattern + n, text, len);
	*ret = (struct bl_pattern){
		.text = pattern,
		.len = (uint32_t)(n + len),
		.place = bl_parse_place(parser, node),
	};
	return true;
}

static bool check_name_syntax(struct bl_parser *parser, uint32_t node, const struct name_kind *kind,
			      const struct bl_pattern *pattern)
{
	const char *what = NULL;
	size_t offset = 0;
	int r = bl_glob_check(pattern->text, pattern->len, &offset, &what);

	if (r == -ENOMEM)
		parser->no_memory = true;
	else if (r < 0)
		bl_parse_error(parser, node, kind->code, "%s, at \"%s\"", what,
			       bl_excerpt(pattern->text + offset, pattern->len - offset).text);
	return r == 0;
}

/* A name without wildcards that no process can have. */
static bool check_name(struct bl_parser *parser, uint32_t node, const struct name_kind *kind,
		       const char *text, size_t len)
{
	char name[BL_NAME_BYTES + 1];

	if (!kind->is_name || len >= sizeof(name) || !bl_glob_is_literal(text))
		return true;
	bl_glob_unescape(text, len, name);
	if (kind->is_name(name))
		return true;
	bl_diag_hint(bl_parse_error(parser, node, kind->code, "\"%s\" is not %s",
				    bl_excerpt(text, len).text, kind->what),
		     "%s", kind->hint);
	return false;
}

static bool name_pattern(struct bl_parser *parser, uint32_t node, const struct name_kind *kind,
			 struct bl_pattern *ret)
{
	const char mark[] = { kind->mark, kind->mark == BL_GLOB_CONTAINER ? '/' : '\0', '\0' };
	const char *text;
	size_t len;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, kind->what))
		return false;
	text = bl_json_text(parser->json, node);
	len = parser->json->nodes[node].len;
	if (!len || len + 3 >= BL_PATTERN_BYTES_MAX) {
		bl_parse_error(parser, node, kind->code,
			       "%s has 1 to %d bytes, this pattern has %zu", kind->what,
			       BL_NAME_BYTES, len);
		return false;
	}
	if (memchr(text, '/', len)) {
		bl_diag_hint(bl_parse_error(parser, node, kind->code,
					    "%s is one name, without a '/'", kind->what),
			     "the whole path is \"cgroup\": ...");
		return false;
	}
	return check_name(parser, node, kind, text, len) &&
	       mark_pattern(parser, node, mark, text, len, ret) &&
	       check_name_syntax(parser, node, kind, ret);
}

bool bl_parse_subject_name(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			   struct bl_pattern *ret)
{
	const struct name_kind *name = name_kind(kind);

	if (kind != BL_VALUE_CONTAINER)
		return name_pattern(parser, node, name, ret);
	switch (bl_json_kind(parser->json, node)) {
	case BL_JSON_FALSE:
		return mark_pattern(parser, node, "\x03", "", 0, ret);
	case BL_JSON_TRUE:
		return mark_pattern(parser, node, "\x03", "/*", 2, ret);
	case BL_JSON_STRING:
		return name_pattern(parser, node, name, ret);
	case BL_JSON_NULL:
	case BL_JSON_NUMBER:
	case BL_JSON_ARRAY:
	case BL_JSON_OBJECT:
	case _BL_JSON_KIND_MAX:
		break;
	}
	bl_parse_error(parser, node, "wrong-type",
		       "expected true, false, or the id of a container, found %s",
		       bl_json_kind_name(bl_json_kind(parser->json, node)));
	return false;
}

bool bl_parse_cgroup(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret)
{
	static const char mark[] = { BL_GLOB_CGROUP, '\0' };
	struct bl_pattern path;

	return bl_parse_path(parser, node, &path) &&
	       mark_pattern(parser, node, mark, path.text, path.len, ret);
}

/* ---- of rules ----------------------------------------------------------------------------- */

static int patterns_parse(struct bl_parser *parser, uint32_t value, enum bl_value_kind kind,
			  struct bl_patterns *ret, bool *ret_has)
{
	struct bl_values values;
	int r = bl_parse_values(parser, value, kind, &values);

	if (r < 0)
		return r;
	*ret = bl_patterns_of(&values);
	*ret_has = true;
	return 0;
}

static int parse_by_login(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_LOGIN, &values);

	if (r < 0)
		return r;
	match->logins = (struct bl_ranges_in){ .items = values.items, .count = values.count };
	match->has_logins = true;
	return 0;
}

static int parse_by_capability(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	bl_parse_capabilities(parser, value, &match->capabilities);
	match->has_capabilities = true;
	return 0;
}

static int parse_by_unit(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, BL_VALUE_UNIT, &match->units, &match->has_units);
}

static int parse_by_slice(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, BL_VALUE_SLICE, &match->slices, &match->has_slices);
}

static int parse_by_cgroup(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, BL_VALUE_CGROUP, &match->cgroups, &match->has_cgroups);
}

static int parse_by_container(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, BL_VALUE_CONTAINER, &match->containers,
			      &match->has_containers);
}

static const struct bl_key by_task_keys[] = {
	{ .name = "login", .parse = parse_by_login },
	{ .name = "capability", .parse = parse_by_capability },
	{ .name = "unit", .parse = parse_by_unit },
	{ .name = "slice", .parse = parse_by_slice },
	{ .name = "cgroup", .parse = parse_by_cgroup },
	{ .name = "container", .parse = parse_by_container },
};

const struct bl_keys bl_task_keys = {
	.items = by_task_keys,
	.count = BL_ARRAY_SIZE(by_task_keys),
};

/* ---- of tests ----------------------------------------------------------------------------- */

static int parse_test_login(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_test *test = object;

	bl_parse_one_number(parser, value, BL_VALUE_LOGIN, &test->login);
	return 0;
}

static int parse_test_capability(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_test *test = object;

	bl_parse_capabilities(parser, value, &test->capabilities);
	return 0;
}

/* What a pattern without wildcards says, but for its mark; *ret is untouched where there are some. */
static int plain_name(struct bl_parser *parser, uint32_t node, const struct bl_pattern *pattern,
		      const char **ret)
{
	const char *written = bl_glob_written(pattern->text);
	size_t len = pattern->len - (size_t)(written - pattern->text);
	char *plain;

	if (!bl_glob_is_literal(written)) {
		bl_diag_hint(bl_parse_error(parser, node, "not-one-path",
					    "a test needs one name, not a pattern"),
			     "a '\\' before a glob character makes it stand for itself "
			     "(in JSON: \"\\\\*\")");
		return 0;
	}
	plain = bl_arena_alloc(parser->policy->arena, len + 1, 1);
	if (!plain)
		return -ENOMEM;
	bl_glob_unescape(written, len, plain);
	*ret = plain;
	return 0;
}

static int one_name(struct bl_parser *parser, uint32_t value, enum bl_value_kind kind,
		    const char **ret)
{
	uint32_t node = bl_parse_single(parser, value);
	struct bl_pattern pattern;

	if (!node || !bl_parse_subject_name(parser, node, kind, &pattern))
		return 0;
	return plain_name(parser, node, &pattern, ret);
}

static int parse_test_unit(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_test *test = object;

	return one_name(parser, value, BL_VALUE_UNIT, &test->unit);
}

static int parse_test_slice(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_test *test = object;

	return one_name(parser, value, BL_VALUE_SLICE, &test->slice);
}

static int parse_test_cgroup(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_test *test = object;
	uint32_t node = bl_parse_single(parser, value);
	int r = node ? bl_parse_plain_path(parser, node, &test->cgroup) : 0;

	return r < 0 ? r : 0;
}

static int parse_test_container(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_test *test = object;
	uint32_t node = bl_parse_single(parser, value);

	if (!node)
		return 0;
	test->has_container = true;
	test->in_container = bl_json_kind(parser->json, node) != BL_JSON_FALSE;
	if (bl_json_kind(parser->json, node) != BL_JSON_TRUE && test->in_container)
		return one_name(parser, value, BL_VALUE_CONTAINER, &test->container);
	return 0;
}

static const struct bl_key test_task_key_items[] = {
	{ .name = "login", .parse = parse_test_login },
	{ .name = "capability", .parse = parse_test_capability },
	{ .name = "unit", .parse = parse_test_unit },
	{ .name = "slice", .parse = parse_test_slice },
	{ .name = "cgroup", .parse = parse_test_cgroup },
	{ .name = "container", .parse = parse_test_container },
};

const struct bl_keys bl_test_task_keys = {
	.items = test_task_key_items,
	.count = BL_ARRAY_SIZE(test_task_key_items),
};
