/* SPDX-License-Identifier: Apache-2.0 */
/* Named lists: references and cycles, and the values of a key with its lists expanded. */
#include "parse.h"

#include <errno.h>
#include <string.h>

enum visit_state {
	VISIT_NEW = 0,
	VISIT_OPEN,
	VISIT_DONE,
};

struct bl_named_list {
	const char *name;
	uint32_t key;  /* node of its name */
	uint32_t node; /* ... and of its value */
	uint32_t depth;
	enum visit_state state;
	bool broken; /* said already: it has no values */
	bool used;
	bool done[_BL_VALUE_MAX];
	struct bl_values values[_BL_VALUE_MAX]; /* for each way in which it is used */
};

/* The lists that are being visited, innermost first. */
struct chain {
	const struct chain *up;
	uint32_t list;
	size_t len;
};

void bl_lists_clear(struct bl_lists *lists)
{
	free(lists->items);
	bl_strmap_free(lists->names);
	*lists = (struct bl_lists){ 0 };
}

/* ---- references --------------------------------------------------------------------------- */

static bool is_reference(const struct bl_parser *parser, uint32_t node, enum bl_value_kind kind)
{
	return kind != BL_VALUE_SOCKET && bl_json_kind(parser->json, node) == BL_JSON_STRING &&
	       bl_json_text(parser->json, node)[0] == '@';
}

static void fail_unknown(struct bl_parser *parser, uint32_t node, const char *name)
{
	struct bl_nearest nearest = { 0 };
	struct bl_diag *diag;
	uint32_t file;

	diag = bl_parse_error(parser, node, "unknown-list", "there is no list \"%s\"",
			      bl_excerpt(name, strlen(name)).text);
	for (size_t i = 0; i < parser->lists.count && parser->guesses; i++, parser->guesses--)
		bl_nearest_offer(&nearest, name, parser->lists.items[i].name);
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"@%s\"?", nearest.name);
	else if (bl_strmap_get(parser->all_lists, name, strlen(name), &file))
		bl_diag_hint(diag, "%s has one, but a list belongs to its own file",
			     parser->policy->files[file].path);
	else
		bl_diag_hint(diag, "name it in this file's \"lists\"");
}

/* Finds the list that a reference names; says so where there is none. */
static bool reference_find(struct bl_parser *parser, uint32_t node, uint32_t *ret)
{
	const char *name = bl_json_text(parser->json, node) + 1;

	if (strncmp(name, "file:", 5) == 0) {
		bl_parse_error(parser, node, "not-supported-yet",
			       "lists in files of their own (\"@file:\") are not supported yet");
		return false;
	}
	if (parser->lists.names && bl_strmap_get(parser->lists.names, name, strlen(name), ret))
		return true;
	fail_unknown(parser, node, name);
	return false;
}

bool bl_lists_has(const struct bl_parser *parser, const char *name)
{
	uint32_t index;

	return parser->lists.names &&
	       bl_strmap_get(parser->lists.names, name, strlen(name), &index);
}

/* ---- cycles ------------------------------------------------------------------------------- */

static void print_chain(const struct bl_parser *parser, const struct chain *chain, uint32_t first,
			FILE *out)
{
	if (chain->list != first)
		print_chain(parser, chain->up, first, out);
	fprintf(out, "@%s -> ", parser->lists.items[chain->list].name);
}

static int fail_cycle(struct bl_parser *parser, uint32_t node, const struct chain *chain,
		      uint32_t first)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	print_chain(parser, chain, first, out);
	if (fclose(out) != 0)
		return -ENOMEM;
	bl_parse_error(parser, node, "list-cycle", "a list contains itself: %s@%s", text,
		       parser->lists.items[first].name);
	for (const struct chain *at = chain;; at = at->up) {
		parser->lists.items[at->list].broken = true;
		if (at->list == first)
			return 0;
	}
}

static int visit(struct bl_parser *parser, uint32_t index, const struct chain *up);

static int visit_reference(struct bl_parser *parser, uint32_t node, const struct chain *chain)
{
	struct bl_named_list *list = &parser->lists.items[chain->list], *other;
	uint32_t target = 0;
	int r;

	if (!reference_find(parser, node, &target)) {
		list->broken = true;
		return 0;
	}
	other = &parser->lists.items[target];
	if (other->state == VISIT_OPEN)
		return fail_cycle(parser, node, chain, target);
	if (chain->len < BL_LIST_DEPTH_MAX) {
		r = visit(parser, target, chain);
		if (r < 0)
			return r;
		list->depth = BL_MAX(list->depth, other->depth + 1);
	}
	if (chain->len >= BL_LIST_DEPTH_MAX || list->depth > BL_LIST_DEPTH_MAX) {
		bl_parse_error(parser, node, "too-deep",
			       "lists within lists go deeper than %d levels", BL_LIST_DEPTH_MAX);
		list->broken = true;
		list->depth = 1;
	}
	return 0;
}

static int visit(struct bl_parser *parser, uint32_t index, const struct chain *up)
{
	struct bl_named_list *list = &parser->lists.items[index];
	struct chain chain = { .up = up, .list = index, .len = up ? up->len + 1 : 1 };

	if (list->state == VISIT_DONE || list->broken)
		return 0;
	list->state = VISIT_OPEN;
	list->depth = 1;
	BL_PARSE_EACH(parser, list->node, element)
	{
		int r = is_reference(parser, element, BL_VALUE_PATH)
				? visit_reference(parser, element, &chain)
				: 0;

		if (r < 0)
			return r;
	}
	list->state = VISIT_DONE;
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

static void check_elements(struct bl_parser *parser, struct bl_named_list *list)
{
	list->broken = bl_parse_is_empty(parser, list->node);
	BL_PARSE_EACH(parser, list->node, element)
	{
		enum bl_json_kind kind = bl_json_kind(parser->json, element);

		if (kind == BL_JSON_STRING || kind == BL_JSON_NUMBER)
			continue;
		bl_parse_error(parser, element, "wrong-type",
			       "lists hold strings and numbers, found %s", bl_json_kind_name(kind));
		list->broken = true;
	}
}

static int list_add(struct bl_parser *parser, uint32_t key)
{
	struct bl_lists *lists = &parser->lists;
	struct bl_named_list *list = &lists->items[lists->count];
	uint32_t old;
	int r;

	*list = (struct bl_named_list){ .key = key, .node = key + 1 };
	if (!bl_parse_name(parser, key, "the name of a list", false, &list->name))
		return 0;
	r = bl_strmap_add(lists->names, list->name, strlen(list->name), (uint32_t)lists->count,
			  &old);
	if (r == -EEXIST) /* a duplicate key: said by the JSON parser */
		return 0;
	if (r < 0)
		return r;
	r = bl_strmap_add(parser->all_lists, list->name, strlen(list->name), parser->file, &old);
	if (r < 0 && r != -EEXIST)
		return r;
	check_elements(parser, list);
	lists->count++;
	return 0;
}

int bl_lists_parse(struct bl_parser *parser, uint32_t node)
{
	struct bl_lists *lists = &parser->lists;
	int r;

	if (!bl_parse_kind(parser, node, BL_JSON_OBJECT, "an object of named lists"))
		return 0;
	lists->names = bl_strmap_new();
	lists->items = calloc(parser->json->nodes[node].len + 1, sizeof(*lists->items));
	if (!lists->names || !lists->items)
		return -ENOMEM;
	BL_JSON_EACH_MEMBER(parser->json, node, key)
	{
		r = list_add(parser, key);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < lists->count; i++) {
		r = visit(parser, i, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

void bl_lists_report_unused(struct bl_parser *parser)
{
	for (size_t i = 0; i < parser->lists.count; i++) {
		const struct bl_named_list *list = &parser->lists.items[i];

		if (!list->used)
			bl_parse_diag(parser, BL_DIAG_WARNING, list->key, "unused-list",
				      "no rule uses the list \"%s\"", list->name);
	}
}

/* ---- values ------------------------------------------------------------------------------- */

static size_t value_size(enum bl_value_kind kind)
{
	switch (kind) {
	case BL_VALUE_PATH:
	case BL_VALUE_SOCKET:
	case BL_VALUE_ARGUMENT:
		return sizeof(struct bl_pattern);
	case BL_VALUE_NET:
		return sizeof(struct bl_net);
	case BL_VALUE_PORT:
	case BL_VALUE_USER:
	case _BL_VALUE_MAX:
		break;
	}
	return sizeof(struct bl_range);
}

/* Takes room for values of a set. Returns false where it is used up; that is said once. */
static bool reserve(struct bl_parser *parser, uint32_t node, size_t count)
{
	if (count <= BL_PATTERNS_MAX - parser->n_values) {
		parser->n_values += count;
		return true;
	}
	if (!parser->full)
		bl_diag_hint(bl_parse_error(parser, node, "too-many-values",
					    "the policy set has more than %u values with all lists "
					    "expanded",
					    BL_PATTERNS_MAX),
			     "a list that is a key's only value is shared between rules: put what "
			     "stands beside it into a list with it");
	parser->full = true;
	return false;
}

/* Reads one value that is no reference to values->items[values->count]. */
static void value_parse(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			struct bl_values *values)
{
	void *item = (char *)values->items + values->count * value_size(kind);
	bool any = false, good = false;

	switch (kind) {
	case BL_VALUE_PATH:
		good = bl_parse_path(parser, node, item);
		break;
	case BL_VALUE_SOCKET:
		good = bl_parse_socket(parser, node, item);
		break;
	case BL_VALUE_ARGUMENT:
		good = bl_parse_argument(parser, node, item);
		break;
	case BL_VALUE_NET:
		good = bl_parse_net(parser, node, item, &any);
		break;
	case BL_VALUE_PORT:
	case BL_VALUE_USER:
		good = bl_parse_range(parser, node, kind, item);
		break;
	case _BL_VALUE_MAX:
		break;
	}
	values->any |= any;
	if (good && !any)
		values->count++;
}

static int range_compare(const void *a, const void *b)
{
	const struct bl_range *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/* Sorts ranges and joins those that touch. */
static void ranges_join(struct bl_values *values)
{
	struct bl_range *ranges = values->items;
	size_t kept = 0;

	if (!values->count)
		return;
	qsort(ranges, values->count, sizeof(*ranges), range_compare);
	for (size_t i = 1; i < values->count; i++) {
		if ((uint64_t)ranges[kept].last + 1 >= ranges[i].first)
			ranges[kept].last = BL_MAX(ranges[kept].last, ranges[i].last);
		else
			ranges[++kept] = ranges[i];
	}
	values->count = kept + 1;
}

static int expand(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		  struct bl_values *ret);

static int expand_list(struct bl_parser *parser, uint32_t index, enum bl_value_kind kind,
		       struct bl_values *ret)
{
	struct bl_named_list *list = &parser->lists.items[index];
	int r;

	list->used = true;
	if (!list->done[kind] && !list->broken) {
		r = expand(parser, list->node, kind, &list->values[kind]);
		if (r < 0)
			return r;
		list->done[kind] = true;
	}
	*ret = list->values[kind];
	return 0;
}

/* The values of a reference; none where there is no such list. */
static int expand_reference(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			    struct bl_values *ret)
{
	uint32_t list;

	*ret = (struct bl_values){ 0 };
	return reference_find(parser, node, &list) ? expand_list(parser, list, kind, ret) : 0;
}

static int count_values(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			size_t *ret)
{
	size_t count = 0;

	BL_PARSE_EACH(parser, node, element)
	{
		struct bl_values values = { .count = 1 };

		if (is_reference(parser, element, kind)) {
			int r = expand_reference(parser, element, kind, &values);

			if (r < 0)
				return r;
		}
		count += values.count;
	}
	*ret = count;
	return 0;
}

static void append(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		   struct bl_values *values)
{
	const struct bl_values *other;
	uint32_t index;

	if (!is_reference(parser, node, kind)) {
		value_parse(parser, node, kind, values);
		return;
	}
	/* Found and expanded when it was counted; where not, that has been said. */
	if (!parser->lists.names ||
	    !bl_strmap_get(parser->lists.names, bl_json_text(parser->json, node) + 1,
			   parser->json->nodes[node].len - 1, &index))
		return;
	other = &parser->lists.items[index].values[kind];
	values->any |= other->any;
	if (!other->count)
		return;
	memcpy((char *)values->items + values->count * value_size(kind), other->items,
	       other->count * value_size(kind));
	values->count += other->count;
}

static int expand(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		  struct bl_values *ret)
{
	bool array = bl_json_kind(parser->json, node) == BL_JSON_ARRAY;
	struct bl_values values = { 0 };
	size_t count = 0;
	int r;

	if (array ? parser->json->nodes[node].len == 1 && is_reference(parser, node + 1, kind)
		  : is_reference(parser, node, kind))
		return expand_reference(parser, array ? node + 1 : node, kind, ret);
	r = count_values(parser, node, kind, &count);
	if (r < 0)
		return r;
	if (!reserve(parser, node, count))
		return 0;
	values.items = bl_arena_alloc(parser->policy->arena, count, value_size(kind));
	if (!values.items)
		return -ENOMEM;
	BL_PARSE_EACH(parser, node, element)
	{
		append(parser, element, kind, &values);
	}
	if (kind == BL_VALUE_PORT || kind == BL_VALUE_USER)
		ranges_join(&values);
	*ret = values;
	return 0;
}

int bl_parse_values(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		    struct bl_values *ret)
{
	*ret = (struct bl_values){ 0 };
	return bl_parse_is_empty(parser, node) ? 0 : expand(parser, node, kind, ret);
}
