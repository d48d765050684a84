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
	const char *name; /* "file:PATH" for the entries of a file */
	uint32_t file;	  /* that it stands in */
	uint32_t key;	  /* node of its name */
	uint32_t node;	  /* ... and of its value */
	uint32_t other;	  /* one of the same name in another file; itself: there is none */
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

#define FILE_PREFIX "file:"

void bl_lists_clear(struct bl_parser *parser)
{
	free(parser->lists);
	bl_strmap_free(parser->list_names);
	parser->lists = NULL;
	parser->list_names = NULL;
}

/* Adds a list of the file at hand and gives it its name among the lists of all files. */
static int list_new(struct bl_parser *parser, const char *name, uint32_t key, uint32_t node,
		    uint32_t *ret)
{
	uint32_t index = (uint32_t)parser->n_lists, first = index;
	int r = bl_grow(&parser->lists, &parser->lists_capacity, parser->n_lists + 1,
			sizeof(*parser->lists));

	if (r < 0)
		return r;
	r = bl_strmap_add(parser->list_names, name, strlen(name), index, &first);
	if (r < 0 && r != -EEXIST)
		return r;
	parser->lists[parser->n_lists++] = (struct bl_named_list){
		.name = name,
		.file = parser->file,
		.key = key,
		.node = node,
		.other = first,
	};
	parser->lists[first].other = index;
	*ret = index;
	return 0;
}

/* ---- references --------------------------------------------------------------------------- */

static bool is_reference(const struct bl_parser *parser, uint32_t node, enum bl_value_kind kind)
{
	return kind != BL_VALUE_SOCKET && bl_json_kind(parser->json, node) == BL_JSON_STRING &&
	       bl_json_text(parser->json, node)[0] == '@';
}

static bool own_list(const struct bl_parser *parser, const char *name, uint32_t *ret)
{
	const struct bl_strmap *own = parser->texts[parser->file].lists;

	return own && bl_strmap_get(own, name, strlen(name), ret);
}

bool bl_lists_has(const struct bl_parser *parser, const char *name)
{
	uint32_t index;

	return own_list(parser, name, &index);
}

static void fail_unknown(struct bl_parser *parser, uint32_t node, const char *name)
{
	struct bl_nearest nearest = { 0 };
	struct bl_diag *diag;

	diag = bl_parse_error(parser, node, "unknown-list", "there is no list \"%s\"",
			      bl_excerpt(name, strlen(name)).text);
	for (size_t i = 0; i < parser->n_lists && parser->guesses; i++, parser->guesses--)
		bl_nearest_offer(&nearest, name, parser->lists[i].name);
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"@%s\"?", nearest.name);
	else
		bl_diag_hint(diag, "name it in the \"lists\" of this file or of another one");
}

static void fail_ambiguous(struct bl_parser *parser, uint32_t node,
			   const struct bl_named_list *list)
{
	const struct bl_named_list *other = &parser->lists[list->other];

	bl_diag_hint(bl_parse_error(parser, node, "ambiguous-list",
				    "several files have a list \"%s\", and this one has none",
				    list->name),
		     "%s and %s are two of them; give each list a name of its own",
		     parser->policy->files[list->file].path,
		     parser->policy->files[other->file].path);
}

/* A file of entries that can't be read has been told of when its list is there. */
static int file_read(struct bl_parser *parser, uint32_t node, const char *path, bool *ret_broken)
{
	size_t first = parser->diags->count;
	const struct bl_source *source;
	struct bl_json *json = NULL;
	const char *why = NULL;
	int r = -ENOENT;

	*ret_broken = true;
	if (path[0] != '/') {
		bl_diag_hint(bl_parse_error(parser, node, "relative-path",
					    "a file of entries is named by its whole path"),
			     "\"@file:/etc/bailiff/lists/...\"");
		return 0;
	}
	if (parser->host && parser->host->read_entries)
		r = parser->host->read_entries(parser->host->userdata, path, &source, &why);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		bl_parse_error(parser, node, "unreadable", "%s: %s",
			       bl_excerpt(path, strlen(path)).text, why ? why : strerror(-r));
		return 0;
	}
	r = bl_entries_parse(source, parser->diags, &json);
	for (size_t i = first; i < parser->diags->count; i++)
		parser->diags->items[i].order = (uint32_t)parser->policy->n_texts;
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!json->nodes[0].len)
		bl_diag_hint(bl_parse_diag(parser, BL_DIAG_WARNING, node, "no-entries",
					   "%s has no entries",
					   bl_excerpt(path, strlen(path)).text),
			     "what has no other values holds for nothing");
	*ret_broken = false;
	return bl_parse_add_text(parser, path, json);
}

/* The list of a file's entries; the file is read at its first use. */
static int file_find(struct bl_parser *parser, uint32_t node, const char *name, uint32_t *ret)
{
	uint32_t file = parser->file;
	bool broken;
	int r;

	if (bl_strmap_get(parser->list_names, name, strlen(name), ret))
		return 0;
	r = file_read(parser, node, name + strlen(FILE_PREFIX), &broken);
	if (r < 0)
		return r;
	if (!broken)
		bl_parse_enter(parser, (uint32_t)parser->policy->n_texts - 1);
	r = list_new(parser, name, 0, 0, ret);
	bl_parse_enter(parser, file);
	if (r < 0)
		return r;
	parser->lists[*ret].broken = broken;
	parser->lists[*ret].state = VISIT_DONE;
	parser->lists[*ret].depth = 1;
	return 0;
}

/* Finds the list that a reference names. Returns 1, 0 where there is none (said), or -ENOMEM. */
static int reference_find(struct bl_parser *parser, uint32_t node, uint32_t *ret)
{
	const char *name = bl_json_text(parser->json, node) + 1;
	int r;

	if (strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0) {
		r = file_find(parser, node, name, ret);
		return r < 0 ? r : 1;
	}
	if (own_list(parser, name, ret))
		return 1;
	if (!bl_strmap_get(parser->list_names, name, strlen(name), ret)) {
		fail_unknown(parser, node, name);
		return 0;
	}
	if (parser->lists[*ret].other == *ret)
		return 1;
	fail_ambiguous(parser, node, &parser->lists[*ret]);
	return 0;
}

/* ---- cycles ------------------------------------------------------------------------------- */

static void print_chain(const struct bl_parser *parser, const struct chain *chain, uint32_t first,
			FILE *out)
{
	if (chain->list != first)
		print_chain(parser, chain->up, first, out);
	fprintf(out, "@%s -> ", parser->lists[chain->list].name);
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
		       parser->lists[first].name);
	for (const struct chain *at = chain;; at = at->up) {
		parser->lists[at->list].broken = true;
		if (at->list == first)
			return 0;
	}
}

static int visit(struct bl_parser *parser, uint32_t index, const struct chain *up);

static int visit_reference(struct bl_parser *parser, uint32_t node, const struct chain *chain)
{
	struct bl_named_list *list;
	uint32_t target = 0;
	int r = reference_find(parser, node, &target);

	if (r <= 0) {
		parser->lists[chain->list].broken = true;
		return r;
	}
	if (parser->lists[target].state == VISIT_OPEN)
		return fail_cycle(parser, node, chain, target);
	if (chain->len < BL_LIST_DEPTH_MAX) {
		r = visit(parser, target, chain);
		if (r < 0)
			return r;
	}
	/* The lists may have moved: a file of entries is one more. */
	list = &parser->lists[chain->list];
	if (chain->len < BL_LIST_DEPTH_MAX)
		list->depth = BL_MAX(list->depth, parser->lists[target].depth + 1);
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
	struct bl_named_list *list = &parser->lists[index];
	struct chain chain = { .up = up, .list = index, .len = up ? up->len + 1 : 1 };
	uint32_t file, node = list->node;
	int r = 0;

	if (list->state == VISIT_DONE || list->broken)
		return 0;
	list->state = VISIT_OPEN;
	list->depth = 1;
	file = bl_parse_enter(parser, list->file);
	BL_PARSE_EACH(parser, node, element)
	{
		if (r == 0 && is_reference(parser, element, BL_VALUE_PATH))
			r = visit_reference(parser, element, &chain);
	}
	bl_parse_enter(parser, file);
	parser->lists[index].state = VISIT_DONE;
	return r;
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
	struct bl_strmap *own = parser->texts[parser->file].lists;
	const char *name;
	uint32_t index, old;
	int r;

	if (!bl_parse_name(parser, key, "the name of a list", false, &name))
		return 0;
	r = bl_strmap_add(own, name, strlen(name), (uint32_t)parser->n_lists, &old);
	if (r == -EEXIST) /* a duplicate key: said by the JSON parser */
		return 0;
	if (r == 0)
		r = list_new(parser, name, key, key + 1, &index);
	if (r == 0)
		check_elements(parser, &parser->lists[index]);
	return r;
}

int bl_lists_parse(struct bl_parser *parser, uint32_t node)
{
	struct bl_text *text = &parser->texts[parser->file];

	if (!bl_parse_kind(parser, node, BL_JSON_OBJECT, "an object of named lists"))
		return 0;
	text->lists = bl_strmap_new();
	if (!text->lists)
		return -ENOMEM;
	BL_JSON_EACH_MEMBER(parser->json, node, key)
	{
		int r = list_add(parser, key);

		if (r < 0)
			return r;
	}
	return 0;
}

int bl_lists_check(struct bl_parser *parser)
{
	for (uint32_t i = 0; i < parser->n_lists; i++) {
		int r = visit(parser, i, NULL);

		if (r < 0)
			return r;
	}
	return 0;
}

void bl_lists_report_unused(struct bl_parser *parser)
{
	for (size_t i = 0; i < parser->n_lists; i++) {
		const struct bl_named_list *list = &parser->lists[i];

		if (list->used || !list->key)
			continue;
		bl_parse_enter(parser, list->file);
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
	case BL_VALUE_UNIT:
	case BL_VALUE_SLICE:
	case BL_VALUE_CGROUP:
	case BL_VALUE_CONTAINER:
		return sizeof(struct bl_pattern);
	case BL_VALUE_NET:
		return sizeof(struct bl_net);
	case BL_VALUE_PORT:
	case BL_VALUE_USER:
	case BL_VALUE_GROUP:
	case BL_VALUE_LOGIN:
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

static bool is_empty_range(const struct bl_range *range)
{
	return range->first > range->last;
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
	case BL_VALUE_UNIT:
	case BL_VALUE_SLICE:
	case BL_VALUE_CONTAINER:
		good = bl_parse_subject_name(parser, node, kind, item);
		break;
	case BL_VALUE_CGROUP:
		good = bl_parse_cgroup(parser, node, item);
		break;
	case BL_VALUE_NET:
		good = bl_parse_net(parser, node, item, &any);
		break;
	case BL_VALUE_PORT:
	case BL_VALUE_USER:
	case BL_VALUE_GROUP:
	case BL_VALUE_LOGIN:
		good = bl_parse_range(parser, node, kind, item) && !is_empty_range(item);
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
	struct bl_named_list *list = &parser->lists[index];
	struct bl_values values;
	uint32_t file;
	int r;

	list->used = true;
	if (!list->done[kind] && !list->broken) {
		file = bl_parse_enter(parser, list->file);
		r = expand(parser, list->node, kind, &values);
		bl_parse_enter(parser, file);
		if (r < 0)
			return r;
		/* A file of entries that is in it was one more list. */
		list = &parser->lists[index];
		values.shared = true;
		list->values[kind] = values;
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
	int r = reference_find(parser, node, &list);

	*ret = (struct bl_values){ 0 };
	return r > 0 ? expand_list(parser, list, kind, ret) : r;
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

/* Finds a list again, which was found and expanded when it was counted; where not, that was said. */
static const struct bl_values *counted_list(const struct bl_parser *parser, uint32_t node,
					    enum bl_value_kind kind)
{
	const char *name = bl_json_text(parser->json, node) + 1;
	uint32_t index;

	if (own_list(parser, name, &index))
		return &parser->lists[index].values[kind];
	if (!bl_strmap_get(parser->list_names, name, strlen(name), &index))
		return NULL;
	return parser->lists[index].other == index ? &parser->lists[index].values[kind] : NULL;
}

static void append(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		   struct bl_values *values)
{
	const struct bl_values *other;

	if (!is_reference(parser, node, kind)) {
		value_parse(parser, node, kind, values);
		return;
	}
	other = counted_list(parser, node, kind);
	if (!other)
		return;
	values->any |= other->any;
	if (!other->count)
		return;
	memcpy((char *)values->items + values->count * value_size(kind), other->items,
	       other->count * value_size(kind));
	values->count += other->count;
}

static bool are_ranges(enum bl_value_kind kind)
{
	return kind == BL_VALUE_PORT || kind == BL_VALUE_USER || kind == BL_VALUE_GROUP ||
	       kind == BL_VALUE_LOGIN;
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
	if (are_ranges(kind))
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
