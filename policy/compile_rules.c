/* SPDX-License-Identifier: Apache-2.0 */
/* Stage one: distinct patterns, lists, conditions and port sets; the order of rules. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

/* ---- diagnostics -------------------------------------------------------------------------- */

int bl_compiler_refuse(struct bl_compiler *c, const struct bl_rule *rule, const char *code,
		       const char *hint, const char *fmt, ...)
{
	struct bl_diag_at at = {};
	char text[1024], pointer[32];
	struct bl_diag *diag;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (rule) {
		snprintf(pointer, sizeof(pointer), "/%s/%u",
			 rule->of_profile ? "profiles" : "rules", rule->index);
		at = (struct bl_diag_at){
			.file = c->policy->files[rule->file].path,
			.line = rule->place.line,
			.column = rule->place.column,
			.pointer = pointer,
		};
	}
	diag = bl_diag_add(c->diags, BL_DIAG_ERROR, rule ? &at : NULL, code, "%s", text);
	if (diag && hint)
		bl_diag_hint(diag, "%s", hint);
	return -EINVAL;
}

/* ---- patterns ----------------------------------------------------------------------------- */

int bl_compile_parse(struct bl_compiler *c, uint32_t pat)
{
	const struct bl_pattern *pattern = c->pats[pat].pattern;
	const char *what;
	size_t offset;
	int r = bl_glob_parse(&c->glob, pattern->text, pattern->len, &offset, &what);

	if (r != -EINVAL)
		return r;
	return bl_compiler_refuse(c, NULL, "bad-pattern", NULL, "pattern \"%s\" at byte %zu: %s",
				  pattern->text, offset, what);
}

int bl_compile_expand(struct bl_compiler *c, uint32_t pat, bl_glob_literal_fn fn, void *userdata)
{
	const struct bl_pattern *pattern = c->pats[pat].pattern;
	char path[BL_PATTERN_BYTES_MAX];
	size_t len;
	int r;

	if (pattern->len < sizeof(path) && bl_glob_is_path(pattern->text) &&
	    bl_glob_is_literal(pattern->text)) {
		len = bl_glob_unescape(pattern->text, pattern->len, path);
		return fn(userdata, path, len == 1 ? 0 : len, false);
	}
	r = bl_compile_parse(c, pat);
	if (r)
		return r;
	return bl_glob_expand(&c->glob, fn, userdata);
}

static int note_shape(void *userdata, const char *path, size_t len, bool below)
{
	uint8_t *shapes = userdata;
	size_t depth = 0;

	*shapes |= BL_SHAPE_PATH | (below ? BL_SHAPE_BELOW | BL_SHAPE_DEEP : BL_SHAPE_EXACT);
	for (size_t i = 0; i < len; i++)
		depth += path[i] == '/';
	if (depth > BL_DEPTH_MAX || len > BL_PATH_BYTES)
		*shapes |= BL_SHAPE_DEEP;
	return 0;
}

/* Whether the glob at hand can match what is too long to be walked; when in doubt it can. */
static bool glob_is_deep(const struct bl_glob *glob)
{
	size_t depth = 0, bytes = 0;

	for (size_t i = 1; i < glob->n_items; i++) {
		const struct bl_glob_item *item = &glob->items[i];

		if (item->kind == BL_GLOB_STARS)
			return true;
		bytes += item->kind == BL_GLOB_STAR ? BL_NAME_LONGEST : 1;
		depth += item->kind == BL_GLOB_BYTE && item->byte == '/';
	}
	return depth > BL_DEPTH_MAX || bytes > BL_PATH_BYTES;
}

static int find_shapes(struct bl_compiler *c, uint32_t pat)
{
	uint8_t *shapes = &c->pats[pat].shapes;
	int r = bl_compile_expand(c, pat, note_shape, shapes);

	if (r != -EDOM)
		return r;
	if (!bl_glob_is_path(c->pats[pat].pattern->text)) {
		*shapes = BL_SHAPE_GLOB;
		return 0;
	}
	*shapes = BL_SHAPE_PATH | BL_SHAPE_GLOB | (glob_is_deep(&c->glob) ? BL_SHAPE_DEEP : 0);
	return 0;
}

static int add_pattern(struct bl_compiler *c, const struct bl_pattern *pattern, uint32_t *ret)
{
	uint32_t pat = (uint32_t)c->n_pats;
	int r = bl_strmap_add(c->pat_by_text, pattern->text, pattern->len, pat, ret);

	if (r == -EEXIST)
		return 0;
	if (!r)
		r = bl_grow(&c->pats, &c->pats_capacity, c->n_pats + 1, sizeof(*c->pats));
	if (r)
		return r;
	c->pats[c->n_pats++] = (struct bl_pat){ .pattern = pattern };
	*ret = pat;
	return find_shapes(c, pat);
}

/* ---- lists -------------------------------------------------------------------------------- */

int bl_compile_push(struct bl_compiler *c, size_t *n, uint32_t word)
{
	int r = bl_grow(&c->words, &c->words_capacity, *n + 1, sizeof(*c->words));

	if (!r)
		c->words[(*n)++] = word;
	return r;
}

static int new_list_info(struct bl_compiler *c, uint32_t list)
{
	size_t n;
	const uint32_t *pats = bl_interned(&c->lists, list, &n);
	int r = bl_grow(&c->list_infos, &c->list_capacity, list + 2, sizeof(*c->list_infos));

	if (r)
		return r;
	if (list == 1)
		c->list_infos[0] = (struct bl_list_info){}; /* counts what has no list */
	c->list_infos[list] = (struct bl_list_info){};
	c->list_infos[list + 1] = (struct bl_list_info){};
	for (size_t i = 0; i < n; i++)
		c->list_infos[list].shapes |= c->pats[pats[i]].shapes;
	return 0;
}

static int make_list(struct bl_compiler *c, const struct bl_patterns *patterns, uint32_t *ret)
{
	size_t known = c->lists.count, n = 0;
	int r = 0;

	for (size_t i = 0; !r && i < patterns->count; i++) {
		uint32_t pat;

		r = add_pattern(c, &patterns->items[i], &pat);
		if (!r)
			r = bl_compile_push(c, &n, pat);
	}
	if (!r)
		r = bl_intern(&c->lists, c->words, bl_words_sort(c->words, n), ret);
	if (!r && *ret > known)
		r = new_list_info(c, *ret);
	return r;
}

/* Lists that rules share are one array: it is looked at once. */
static int add_list(struct bl_compiler *c, const struct bl_patterns *patterns, uint32_t *ret)
{
	uint32_t old;
	int r;

	if (bl_strmap_get(c->list_by_array, (const char *)patterns, sizeof(*patterns), ret))
		return 0;
	r = make_list(c, patterns, ret);
	if (!r)
		r = bl_strmap_add(c->list_by_array, (const char *)patterns, sizeof(*patterns), *ret,
				  &old);
	return r;
}

static const struct bl_pattern everything[] = {
	{ .text = "/", .len = 1, .literal = true },
	{ .text = "/**", .len = 3 },
	{ .text = "@*", .len = 2 }, /* of sockets only */
};

static int add_everything(struct bl_compiler *c)
{
	struct bl_patterns patterns = { .items = (struct bl_pattern *)everything,
					.count = BL_ARRAY_SIZE(everything) };
	int r = make_list(c, &patterns, &c->every_socket);

	patterns.count--;
	return r ? r : make_list(c, &patterns, &c->everything);
}

/* ---- ports and nets ----------------------------------------------------------------------- */

static int compare_ranges(const void *left, const void *right)
{
	const struct bl_range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

/* Sorted, and those that touch joined, so that equal sets are equal words. */
static int add_ports(struct bl_compiler *c, const struct bl_ranges_in *in, uint32_t *ret)
{
	_cleanup_free_ struct bl_range *ranges = calloc(in->count + 1, sizeof(*ranges));
	size_t out = 0;

	if (!ranges)
		return -ENOMEM;
	memcpy(ranges, in->items, in->count * sizeof(*ranges));
	qsort(ranges, in->count, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < in->count; i++) {
		if (out && ranges[i].first <= ranges[out - 1].last + 1)
			ranges[out - 1].last = BL_MAX(ranges[out - 1].last, ranges[i].last);
		else
			ranges[out++] = ranges[i];
	}
	return bl_intern(&c->port_sets, (const uint32_t *)ranges, 2 * out, ret);
}

static int add_nets(struct bl_compiler *c, const struct bl_nets *nets, uint32_t *ret)
{
	uint32_t number = (uint32_t)c->n_nets;
	int r = bl_strmap_add(c->nets_by_array, (const char *)nets, sizeof(*nets), number, ret);

	if (r == -EEXIST)
		return 0;
	if (!r)
		r = bl_grow(&c->nets, &c->nets_capacity, c->n_nets + 1, sizeof(*c->nets));
	if (r)
		return r;
	c->nets[c->n_nets++] = nets;
	*ret = number;
	return 0;
}

/* ---- rules -------------------------------------------------------------------------------- */

static int add_programs(struct bl_compiler *c, const struct bl_patterns *patterns, bool has,
			uint32_t *ret)
{
	int r = has ? add_list(c, patterns, ret) : 0;

	if (*ret)
		c->list_infos[*ret].needs |= 1 << BL_PART_EXACT | 1 << BL_PART_BELOW |
					     1 << BL_PART_GLOB;
	return r;
}

static int add_names(struct bl_compiler *c, const struct bl_patterns *patterns, bool has,
		     uint32_t *ret)
{
	int r = has ? add_list(c, patterns, ret) : 0;

	if (*ret)
		c->list_infos[*ret].needs |= 1 << BL_PART_GLOB;
	return r;
}

static int add_name_lists(struct bl_compiler *c, const struct bl_match *match,
			  struct bl_name_lists *names)
{
	int r = add_names(c, &match->units, match->has_units, &names->units);

	if (!r)
		r = add_names(c, &match->slices, match->has_slices, &names->slices);
	if (!r)
		r = add_names(c, &match->cgroups, match->has_cgroups, &names->cgroups);
	return r ? r : add_names(c, &match->containers, match->has_containers, &names->containers);
}

/* exe: where the number of the list of executables is put, if there is one. */
static int add_cond(struct bl_compiler *c, const struct bl_rule *rule, const struct bl_match *match,
		    bool grant, uint32_t *exe, uint32_t *ret)
{
	struct bl_programs programs = {};
	struct bl_name_lists names = {};
	uint32_t *of = programs.of;
	int r = add_programs(c, &match->exe, match->has_exe, &of[BL_KIN_SELF]);

	if (!r)
		r = add_programs(c, &match->parent, match->has_parent, &of[BL_KIN_PARENT]);
	if (!r)
		r = add_programs(c, &match->ancestor, match->has_ancestor, &of[BL_KIN_ANCESTOR]);
	*exe = of[BL_KIN_SELF];
	if (!r)
		r = add_name_lists(c, match, &names);
	if (!r)
		r = bl_subjects_add(&c->subjects, match, &programs, &names, grant, ret);
	if (r != -E2BIG)
		return r;
	return bl_compiler_refuse(c, rule, "too-many-subjects",
				  "give rules that mean the same subjects the same 'by'",
				  "the policy set has more than %d distinct subject conditions",
				  BL_COND_MAX - 1);
}

static int add_match(struct bl_compiler *c, const struct bl_match *match, uint32_t *path,
		     uint32_t *nets, uint32_t *ports)
{
	int r = 0;

	if (match->has_path)
		r = add_list(c, &match->path, path);
	if (!r && match->has_socket)
		r = add_list(c, &match->socket, path);
	if (!r && match->has_to && !match->to_any)
		r = add_nets(c, &match->to, nets);
	if (!r && match->has_ports)
		r = add_ports(c, &match->ports, ports);
	return r;
}

static int add_except(struct bl_compiler *c, struct bl_rule_info *info,
		      const struct bl_match *match)
{
	struct bl_except_info *except = &c->excepts[c->n_excepts++];
	int r = add_match(c, match, &except->path, &except->nets, &except->ports);

	except->match = match;
	if (!r)
		r = add_cond(c, info->rule, match, true, &except->exe, &except->cond);
	info->by_addr |= except->nets != 0;
	return r;
}

enum bl_verdict bl_rule_verdict(const struct bl_policy *policy, const struct bl_rule *rule)
{
	bool enforce = policy->files[rule->file].mode == BL_MODE_ENFORCE;

	switch (rule->action) {
	case BL_ACTION_ALERT:
		return BL_VERDICT_ALERT;
	case BL_ACTION_DENY:
		return enforce ? BL_VERDICT_DENY : BL_VERDICT_WOULD_DENY;
	case BL_ACTION_KILL:
		return enforce ? BL_VERDICT_KILL : BL_VERDICT_WOULD_KILL;
	case _BL_ACTION_MAX:
		break;
	}
	return BL_VERDICT_ALERT;
}

static int add_args(struct bl_compiler *c, struct bl_rule_info *info)
{
	int r = add_list(c, &info->rule->match.args, &info->args);

	if (r)
		return r;
	c->list_infos[info->args].needs |= 1 << BL_PART_GLOB;
	c->list_infos[info->args].is_args = true;
	if (++c->header.n_args <= BL_ARGS_RULES_MAX)
		return 0;
	return bl_compiler_refuse(c, info->rule, "too-many-rules",
				  "make rules of one meaning one rule, with a list of arguments",
				  "more than %d rules ask for arguments", BL_ARGS_RULES_MAX);
}

static int add_rule(struct bl_compiler *c, const struct bl_rule *rule)
{
	struct bl_rule_info *info = &c->rules[rule - c->policy->rules];
	uint32_t exe = 0;
	int r;

	info->rule = rule;
	info->verdict = (uint8_t)bl_rule_verdict(c->policy, rule);
	info->first_except = (uint32_t)c->n_excepts;
	info->path = bl_rule_connects(rule, BL_FAMILIES_UNIX) ? c->every_socket : c->everything;
	r = add_match(c, &rule->match, &info->path, &info->nets, &info->ports);
	if (!r && rule->match.has_args)
		r = add_args(c, info);
	info->by_addr = info->nets != 0;
	if (!r)
		r = add_cond(c, rule, &rule->match, false, &exe, &info->cond);
	for (size_t i = 0; !r && i < rule->n_unless; i++)
		r = add_except(c, info, &rule->unless[i]);
	return r;
}

/* The strictest first, then severity, then id: the order of every list of candidates. */
static int compare_rules(const void *left, const void *right)
{
	const struct bl_rule_info *a = *(const struct bl_rule_info *const *)left;
	const struct bl_rule_info *b = *(const struct bl_rule_info *const *)right;
	int order;

	if (a->verdict != b->verdict)
		return b->verdict - a->verdict;
	if (a->rule->severity != b->rule->severity)
		return (int)b->rule->severity - (int)a->rule->severity;
	order = strcmp(a->rule->id, b->rule->id);
	return order ? order : a->rule < b->rule ? -1 : 1;
}

static int number_args(struct bl_compiler *c)
{
	uint32_t number = 0;

	c->args_rules = calloc(c->header.n_args + 1, sizeof(*c->args_rules));
	if (!c->args_rules)
		return -ENOMEM;
	for (size_t rank = 0; rank < c->policy->n_rules; rank++) {
		struct bl_rule_info *info = &c->rules[c->by_rank[rank]];

		if (!info->args)
			continue;
		info->number = ++number;
		c->args_rules[number] = c->by_rank[rank];
	}
	return 0;
}

static int rank_rules(struct bl_compiler *c)
{
	size_t n = c->policy->n_rules;
	_cleanup_free_ struct bl_rule_info **sorted = calloc(n + 1, sizeof(*sorted));

	c->by_rank = calloc(n + 1, sizeof(*c->by_rank));
	if (!sorted || !c->by_rank)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &c->rules[i];
	qsort(sorted, n, sizeof(struct bl_rule_info *), compare_rules);
	for (size_t i = 0; i < n; i++) {
		sorted[i]->rank = (uint32_t)i;
		c->by_rank[i] = (uint32_t)(sorted[i] - c->rules);
	}
	return number_args(c);
}

static int rules_alloc(struct bl_compiler *c)
{
	size_t n_excepts = 0;

	for (size_t i = 0; i < c->policy->n_rules; i++)
		n_excepts += c->policy->rules[i].n_unless;
	c->rules = calloc(c->policy->n_rules + 1, sizeof(*c->rules));
	c->excepts = calloc(n_excepts + 1, sizeof(*c->excepts));
	c->pat_by_text = bl_strmap_new();
	c->list_by_array = bl_strmap_new();
	c->nets_by_array = bl_strmap_new();
	c->n_pats = c->n_nets = 1;
	if (!c->rules || !c->excepts || !c->pat_by_text || !c->list_by_array || !c->nets_by_array)
		return -ENOMEM;
	return bl_grow(&c->pats, &c->pats_capacity, 1, sizeof(*c->pats));
}

static void note_ops(struct bl_compiler *c, const struct bl_rule_info *info)
{
	c->header.ops |= info->rule->ops;
	if (info->rule->ops & 1 << BL_OP_OPEN)
		c->header.accesses |= info->rule->match.access & BL_ACCESS_ANY;
	if (bl_rule_connects(info->rule, BL_FAMILIES_IP))
		c->header.ops |= BL_OPS_IP;
	if (bl_rule_connects(info->rule, BL_FAMILIES_UNIX)) {
		c->header.ops |= BL_OPS_UNIX;
		c->header.accesses |= BL_ACCESS_CONNECT;
	}
	if (bl_rule_connects(info->rule, BL_FAMILIES_OTHER))
		c->header.ops |= BL_OPS_FAMILY;
	if (info->args)
		c->header.ops |= BL_OPS_ARGS;
	if (info->verdict >= BL_VERDICT_DENY)
		c->header.flags |= BL_TABLES_DENIES;
}

static void note_conds(struct bl_compiler *c)
{
	c->header.cond_words = (uint32_t)bl_subjects_words(&c->subjects);
	for (uint32_t cond = 1; cond < bl_subjects_count(&c->subjects); cond++) {
		struct bl_cond info = bl_subjects_get(&c->subjects, cond);

		c->header.flags |= BL_TABLES_SUBJECTS;
		if (info.gids)
			c->header.flags |= BL_TABLES_GIDS;
		if (info.exe)
			c->header.flags |= BL_TABLES_EXES;
		if (info.parent || info.ancestor)
			c->header.flags |= BL_TABLES_DESCENT;
		if (info.logins)
			c->header.flags |= BL_TABLES_LOGINS;
		if (info.caps)
			c->header.flags |= BL_TABLES_CAPS;
		if (info.names.units || info.names.slices || info.names.cgroups ||
		    info.names.containers)
			c->header.flags |= BL_TABLES_CGROUPS;
	}
}

int bl_compile_rules(struct bl_compiler *c)
{
	int r = rules_alloc(c);

	if (!r)
		r = add_everything(c);
	for (size_t i = 0; !r && i < c->policy->n_rules; i++) {
		r = add_rule(c, &c->policy->rules[i]);
		note_ops(c, &c->rules[i]);
	}
	if (r)
		return r;
	note_conds(c);
	return rank_rules(c);
}
