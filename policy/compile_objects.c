/* SPDX-License-Identifier: Apache-2.0 */
/* Stage two: paths -> trie and DFA -> classes with their candidates and conditions. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

/* Rules without a path are candidates in every class: with more than so many entries that way,
 * they are told by the DFA, which has few classes. */
#define EVERYWHERE_MAX (1u << 20)

static const uint8_t trie_parts = 1 << BL_PART_EXACT | 1 << BL_PART_BELOW | 1 << BL_PART_KNOWN;
static const uint8_t above_parts = 1 << BL_PART_ABOVE | 1 << BL_PART_ABOVE_GLOB;
static const uint8_t plain_parts = 1 << BL_PART_EXACT | 1 << BL_PART_BELOW | 1 << BL_PART_GLOB;

static uint32_t atom_part(uint32_t atom)
{
	return atom & ((1u << BL_PART_SHIFT) - 1);
}

/* ---- which machine ------------------------------------------------------------------------ */

static bool path_rule(const struct bl_rule *rule)
{
	return rule->ops & (1 << BL_OP_EXEC | 1 << BL_OP_OPEN) ||
	       bl_rule_connects(rule, BL_FAMILIES_UNIX);
}

static bool is_everything(const struct bl_compiler *c, uint32_t list)
{
	return list == c->everything || list == c->every_socket;
}

static bool everywhere_in_dfa(const struct bl_compiler *c)
{
	size_t rules = 0, literals = 0;

	for (size_t i = 0; i < c->policy->n_rules; i++)
		if (path_rule(c->rules[i].rule) && is_everything(c, c->rules[i].path))
			rules++;
	for (size_t i = 1; i < c->n_pats; i++)
		if (!(c->pats[i].shapes & BL_SHAPE_GLOB))
			literals++;
	return rules * literals > EVERYWHERE_MAX;
}

/*
 * Rules that refuse hold the names that they go by, but for what means everything wherever it is. One that
 * asks for arguments does not refuse the program.
 */
static bool holds_names(const struct bl_compiler *c, const struct bl_rule_info *info)
{
	return info->verdict >= BL_VERDICT_WOULD_DENY && info->path != c->everything && !info->args;
}

static uint8_t excepts_shapes(const struct bl_compiler *c, const struct bl_rule_info *info)
{
	uint8_t shapes = 0;

	for (size_t i = 0; i < info->rule->n_unless; i++) {
		uint32_t path = c->excepts[info->first_except + i].path;

		if (path)
			shapes |= c->list_infos[path].shapes;
	}
	return shapes;
}

/*
 * A class holds what one machine knows, so a rule's pattern and its exceptions' patterns must be
 * in the same machine. A literal never has to leave the trie: whether an exception's glob matches
 * it is known when compiling. What is below a directory has to, if an exception has a glob.
 */
static void choose_parts(struct bl_compiler *c, struct bl_rule_info *info, bool in_dfa)
{
	struct bl_list_info *list = &c->list_infos[info->path];
	bool globs = excepts_shapes(c, info) & BL_SHAPE_GLOB;
	bool dfa = list->shapes & BL_SHAPE_GLOB;

	info->triggers = plain_parts;
	if (globs || (in_dfa && is_everything(c, info->path))) {
		dfa |= list->shapes & BL_SHAPE_BELOW;
		info->triggers = 1 << BL_PART_EXACT;
		/* Of literals alone the DFA knows no exceptions, even if another rule has the same there. */
		if (dfa)
			info->triggers |= 1 << BL_PART_GLOB | 1 << BL_PART_PLAIN;
	}
	if (holds_names(c, info))
		info->triggers |= above_parts;
	list->needs |= info->triggers;
	for (size_t i = 0; i < info->rule->n_unless; i++) {
		uint32_t path = c->excepts[info->first_except + i].path;

		if (!path)
			continue;
		c->list_infos[path].needs |= 1 << BL_PART_EXACT | 1 << BL_PART_BELOW;
		if (dfa)
			c->list_infos[path].needs |= 1 << BL_PART_GLOB | 1 << BL_PART_PLAIN |
						     BL_NEED_PLAIN_ALL;
	}
}

static void choose_all_parts(struct bl_compiler *c)
{
	bool in_dfa = everywhere_in_dfa(c);

	for (size_t i = 0; i < c->policy->n_rules; i++)
		if (path_rule(c->rules[i].rule))
			choose_parts(c, &c->rules[i], in_dfa);
}

/* ---- the trie ----------------------------------------------------------------------------- */

struct trie_job {
	struct bl_compiler *c;
	uint32_t list;
	const struct bl_nfa *nfa; /* the globs of an exception's list */
	uint32_t atom;
};

/* A path that no file can have can't match either. */
static int trie_add(struct bl_compiler *c, const char *path, size_t len, bool below, uint32_t atom)
{
	int r = bl_trie_add(&c->trie, path, len, below, atom);

	return r == -EDOM ? 0 : r;
}

static int add_literal(void *userdata, const char *path, size_t len, bool below)
{
	const struct trie_job *job = userdata;
	enum bl_part part = below ? BL_PART_BELOW : BL_PART_EXACT;

	if (!(job->c->list_infos[job->list].needs & 1 << part))
		return 0;
	return trie_add(job->c, path, len, below, bl_atom(job->list, part));
}

static int for_literals(struct bl_compiler *c, uint32_t list, bl_glob_literal_fn fn, void *userdata)
{
	size_t n;
	const uint32_t *pats = bl_interned(&c->lists, list, &n);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		if (!(c->pats[pats[i]].shapes & BL_SHAPE_GLOB))
			r = bl_compile_expand(c, pats[i], fn, userdata);
	return r;
}

static int fill_trie(struct bl_compiler *c)
{
	int r = 0;

	for (uint32_t list = 1; !r && list <= c->lists.count; list++) {
		struct trie_job job = { .c = c, .list = list };

		if (c->list_infos[list].needs & trie_parts)
			r = for_literals(c, list, add_literal, &job);
	}
	return r ? r : bl_compile_above_trie(c);
}

/* ---- globs of exceptions, on literals ----------------------------------------------------- */

static int add_globs(struct bl_compiler *c, const uint8_t *without, struct bl_nfa *nfa,
		     uint32_t list, uint32_t atom)
{
	size_t n;
	const uint32_t *pats = bl_interned(&c->lists, list, &n);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		if (!(c->pats[pats[i]].shapes & BL_SHAPE_GLOB) || (without && without[pats[i]]))
			continue;
		r = bl_compile_parse(c, pats[i]);
		if (!r)
			r = bl_nfa_add(nfa, &c->glob, atom, pats[i]);
	}
	return r;
}

static int add_known(void *userdata, const char *path, size_t len, bool below)
{
	const struct trie_job *job = userdata;
	int r = below ? 0 : bl_nfa_matches(job->nfa, path, len);

	return r > 0 ? trie_add(job->c, path, len, false, job->atom) : r;
}

/* pairs: (list of an exception, list of its rule), in that order. */
static int collect_pairs(struct bl_compiler *c, struct bl_interns *pairs)
{
	int r = 0;

	for (size_t i = 0; i < c->policy->n_rules; i++) {
		const struct bl_rule_info *info = &c->rules[i];

		if (!path_rule(info->rule) || !(c->list_infos[info->path].shapes & BL_SHAPE_EXACT))
			continue;
		for (size_t k = 0; !r && k < info->rule->n_unless; k++) {
			uint32_t pair[2] = { c->excepts[info->first_except + k].path, info->path };
			uint32_t id;

			if (pair[0] && c->list_infos[pair[0]].shapes & BL_SHAPE_GLOB)
				r = bl_intern(pairs, pair, 2, &id);
		}
	}
	return r;
}

/* All pairs with the same exception's list share its automaton. */
static int resolve_list(struct bl_compiler *c, const struct bl_interns *pairs, uint32_t list)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	struct trie_job job = { .c = c, .nfa = &nfa, .atom = bl_atom(list, BL_PART_KNOWN) };
	int r = add_globs(c, NULL, &nfa, list, 0);

	if (!r)
		r = bl_nfa_finish(&nfa);
	for (uint32_t id = 1; !r && id <= pairs->count; id++) {
		size_t n;
		const uint32_t *pair = bl_interned(pairs, id, &n);

		if (pair[0] == list)
			r = for_literals(c, pair[1], add_known, &job);
	}
	return r;
}

static int resolve_globs(struct bl_compiler *c)
{
	_cleanup_(bl_interns_clear) struct bl_interns pairs = {};
	_cleanup_free_ uint32_t *lists = NULL;
	size_t n = 0;
	int r = collect_pairs(c, &pairs);

	if (r || !pairs.count)
		return r;
	lists = calloc(pairs.count, sizeof(*lists));
	if (!lists)
		return -ENOMEM;
	for (uint32_t id = 1; id <= pairs.count; id++)
		lists[id - 1] = bl_interned(&pairs, id, &n)[0];
	n = bl_words_sort(lists, pairs.count);
	for (size_t i = 0; !r && i < n; i++)
		r = resolve_list(c, &pairs, lists[i]);
	return r;
}

/* ---- the DFA ------------------------------------------------------------------------------ */

static int add_plain(struct bl_compiler *c, const uint8_t *without, struct bl_nfa *nfa,
		     uint32_t list)
{
	bool all = c->list_infos[list].needs & BL_NEED_PLAIN_ALL;
	size_t n;
	const uint32_t *pats = bl_interned(&c->lists, list, &n);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		uint8_t shapes = c->pats[pats[i]].shapes;

		if (shapes & BL_SHAPE_GLOB || !(all || shapes & BL_SHAPE_BELOW) ||
		    (without && without[pats[i]]))
			continue;
		r = bl_compile_parse(c, pats[i]);
		if (!r)
			r = bl_nfa_add(nfa, &c->glob, bl_atom(list, BL_PART_PLAIN), pats[i]);
	}
	return r;
}

int bl_compile_nfa(struct bl_compiler *c, const uint8_t *without, struct bl_nfa *nfa)
{
	int r = 0;

	for (uint32_t list = 1; !r && list <= c->lists.count; list++) {
		if (c->list_infos[list].needs & 1 << BL_PART_GLOB)
			r = add_globs(c, without, nfa, list, bl_atom(list, BL_PART_GLOB));
		if (!r && c->list_infos[list].needs & 1 << BL_PART_PLAIN)
			r = add_plain(c, without, nfa, list);
	}
	if (!r)
		r = bl_compile_above_nfa(c, without, nfa);
	if (r || !nfa->n_states)
		return r;
	return bl_nfa_finish(nfa);
}

static int build_dfa(struct bl_compiler *c)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	int r = bl_compile_nfa(c, NULL, &nfa);

	if (r == -E2BIG)
		return bl_compile_blame(c);
	if (r || !nfa.n_states)
		return r;
	r = bl_dfa_build(&nfa, &bl_compile_budget, &c->dfa, NULL);
	return r == -E2BIG ? bl_compile_blame(c) : r;
}

/* ---- classes ------------------------------------------------------------------------------ */

/* The lists that a condition asks for. */
struct cond_lists {
	uint32_t list[5];
	uint32_t n;
};

static struct cond_lists cond_lists(const struct bl_compiler *c, uint32_t cond)
{
	struct bl_cond info = bl_subjects_get(&c->subjects, cond);
	const uint32_t all[] = { info.exe, info.names.units, info.names.slices, info.names.cgroups,
				 info.names.containers };
	struct cond_lists ret = { .n = 0 };

	for (size_t i = 0; i < BL_ARRAY_SIZE(all); i++)
		if (all[i])
			ret.list[ret.n++] = all[i];
	return ret;
}

static void count_cond(struct bl_compiler *c, uint32_t cond)
{
	struct cond_lists lists = cond_lists(c, cond);

	for (uint32_t i = 0; i < lists.n; i++)
		c->list_infos[lists.list[i]].first_cond++;
	c->n_list_conds += lists.n;
}

static void count_users(struct bl_compiler *c)
{
	for (size_t i = 0; i < c->policy->n_rules; i++)
		if (path_rule(c->rules[i].rule))
			c->list_infos[c->rules[i].path].first_user++;
	for (uint32_t cond = 1; cond < bl_subjects_count(&c->subjects); cond++) {
		struct bl_cond info = bl_subjects_get(&c->subjects, cond);

		count_cond(c, cond);
		for (enum bl_kin kin = BL_KIN_PARENT; kin < _BL_KIN_MAX; kin++)
			c->list_infos[bl_cond_programs(&info, kin)].first_kin[kin]++;
	}
}

/* Turns counts into ends; filling from the back makes them starts. */
static void sum_users(struct bl_compiler *c)
{
	for (uint32_t list = 1; list <= c->lists.count + 1; list++) {
		c->list_infos[list].first_user += c->list_infos[list - 1].first_user;
		c->list_infos[list].first_cond += c->list_infos[list - 1].first_cond;
		for (enum bl_kin kin = BL_KIN_PARENT; kin < _BL_KIN_MAX; kin++)
			c->list_infos[list].first_kin[kin] +=
				c->list_infos[list - 1].first_kin[kin];
	}
}

/* The conditions that ask for each list as that of a parent, or of an ancestor. */
static int index_kin(struct bl_compiler *c, enum bl_kin kin)
{
	c->kin_conds[kin] = calloc(bl_subjects_count(&c->subjects) + 1, sizeof(*c->kin_conds[kin]));
	if (!c->kin_conds[kin])
		return -ENOMEM;
	for (uint32_t cond = (uint32_t)bl_subjects_count(&c->subjects); --cond;) {
		struct bl_cond info = bl_subjects_get(&c->subjects, cond);
		uint32_t list = bl_cond_programs(&info, kin);

		c->kin_conds[kin][--c->list_infos[list].first_kin[kin]] = cond;
	}
	return 0;
}

static int index_users(struct bl_compiler *c)
{
	int r = 0;

	c->users = calloc(c->policy->n_rules + 1, sizeof(*c->users));
	c->list_marks = calloc(BL_MAX(c->lists.count + 2, c->n_nets + 1), sizeof(*c->list_marks));
	c->match_marks = calloc(c->policy->n_rules + 1, sizeof(*c->match_marks));
	c->move_marks = calloc(c->policy->n_rules + 1, sizeof(*c->move_marks));
	if (!c->users || !c->list_marks || !c->match_marks || !c->move_marks)
		return -ENOMEM;
	count_users(c);
	sum_users(c);
	c->list_conds = calloc(c->n_list_conds + 1, sizeof(*c->list_conds));
	if (!c->list_conds)
		return -ENOMEM;
	for (size_t i = c->policy->n_rules; i--;)
		if (path_rule(c->rules[i].rule))
			c->users[--c->list_infos[c->rules[i].path].first_user] = (uint32_t)i;
	for (uint32_t cond = (uint32_t)bl_subjects_count(&c->subjects); --cond;) {
		struct cond_lists lists = cond_lists(c, cond);

		for (uint32_t i = 0; i < lists.n; i++)
			c->list_conds[--c->list_infos[lists.list[i]].first_cond] = cond;
	}
	for (enum bl_kin kin = BL_KIN_PARENT; !r && kin < _BL_KIN_MAX; kin++)
		r = index_kin(c, kin);
	return r;
}

/*
 * Whoever is refused a program takes its name away no more than whoever is refused a file. That goes for
 * programs that are named one by one: a rule on a place where nothing may run is about that place, and
 * does not keep files in it.
 */
static void mark_rule(struct bl_compiler *c, const struct bl_rule_info *info, enum bl_part part)
{
	if (1 << part & above_parts)
		c->move_marks[info->rank] = c->turn;
	else
		c->match_marks[info->rank] = c->turn;
	if (part == BL_PART_EXACT && holds_names(c, info) && info->rule->ops & 1 << BL_OP_EXEC &&
	    !info->rule->match.facts)
		c->move_marks[info->rank] = c->turn;
}

static int add_users(struct bl_compiler *c, uint32_t atom, size_t *n)
{
	const struct bl_list_info *list = &c->list_infos[atom >> BL_PART_SHIFT];
	uint32_t part = atom_part(atom);
	int r = 0;

	for (uint32_t i = list[0].first_user; !r && i < list[1].first_user; i++) {
		const struct bl_rule_info *info = &c->rules[c->users[i]];

		if (!(info->triggers & 1 << part))
			continue;
		mark_rule(c, info, (enum bl_part)part);
		r = bl_compile_push(c, n, info->rank);
	}
	return r;
}

static bool add_conds(const struct bl_compiler *c, uint32_t atom, enum bl_kin kin, uint64_t *bits)
{
	const struct bl_list_info *list = &c->list_infos[atom >> BL_PART_SHIFT];
	const uint32_t *conds = kin == BL_KIN_SELF ? c->list_conds : c->kin_conds[kin];
	uint32_t part = atom_part(atom), first, last;
	bool any = false;

	if (!(plain_parts & 1 << part))
		return false;
	first = kin == BL_KIN_SELF ? list[0].first_cond : list[0].first_kin[kin];
	last = kin == BL_KIN_SELF ? list[1].first_cond : list[1].first_kin[kin];
	for (uint32_t i = first; i < last; i++) {
		bits[conds[i] / 64] |= 1ull << (conds[i] & 63);
		any = true;
	}
	return any;
}

/* What was pushed into the work space, each once and ascending; free() it. */
static int take_words(struct bl_compiler *c, size_t n, uint32_t **ret, size_t *ret_n)
{
	n = bl_words_sort(c->words, n);
	*ret = malloc((n + 1) * sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	if (n)
		memcpy(*ret, c->words, n * sizeof(**ret));
	*ret_n = n;
	return 0;
}

/* The ranks of the rules that a set of atoms makes candidates; free() them. */
static int find_ranks(struct bl_compiler *c, const uint32_t *atoms, size_t n, uint32_t **ret,
		      size_t *ret_n)
{
	size_t n_ranks = 0;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = add_users(c, atoms[i], &n_ranks);
	return r ? r : take_words(c, n_ranks, ret, ret_n);
}

/* The numbers of the exceptions for what a set of atoms is, ascending; free() them. */
static int find_traces(struct bl_compiler *c, const uint32_t *atoms, size_t n, uint32_t **ret,
		       size_t *ret_n)
{
	size_t n_traces = 0;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		if (plain_parts & 1 << atom_part(atoms[i]))
			r = bl_compile_push_traces(c, atoms[i] >> BL_PART_SHIFT, &n_traces);
	return r ? r : take_words(c, n_traces, ret, ret_n);
}

/* Whether a path is among what an exception of one of the rules names; c->list_marks says of what. */
static bool path_excepts(const struct bl_compiler *c, const uint32_t *ranks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct bl_rule_info *info = &c->rules[c->by_rank[ranks[i]]];

		for (size_t k = 0; k < info->rule->n_unless; k++) {
			uint32_t path = c->excepts[info->first_except + k].path;

			if (path && c->list_marks[path] == c->turn)
				return true;
		}
	}
	return false;
}

/* What comes of the same rules where no exception's path holds, if it is something else. */
static int untrusted_class(struct bl_compiler *c, struct bl_object exec, struct bl_object open,
			   const uint32_t *ranks, size_t n, struct bl_class_info *info)
{
	struct bl_class_info untrusted = {};
	int r;

	exec.unnamed = open.unnamed = true;
	r = bl_compile_list(c, &exec, ranks, n, &untrusted.exec_list);
	if (!r)
		r = bl_compile_list(c, &open, ranks, n, &untrusted.open_list);
	if (r || (untrusted.exec_list == info->exec_list && untrusted.open_list == info->open_list))
		return r;
	return bl_intern(&c->class_infos, (const uint32_t *)&untrusted, sizeof(untrusted) / 4,
			 &info->untrusted);
}

static int class_lists(struct bl_compiler *c, const uint32_t *atoms, size_t n,
		       struct bl_class_info *info)
{
	struct bl_object exec = { .op = BL_OP_EXEC, .marked = true };
	struct bl_object open = { .op = BL_OP_OPEN, .marked = true };
	_cleanup_free_ uint32_t *ranks = NULL, *traces = NULL;
	size_t n_ranks;
	int r;

	c->turn++;
	r = find_ranks(c, atoms, n, &ranks, &n_ranks);
	if (!r)
		r = find_traces(c, atoms, n, &traces, &exec.n_traces);
	if (r || !(n_ranks || exec.n_traces))
		return r;
	exec.traces = traces;
	for (size_t i = 0; i < n; i++)
		if (!(1 << atom_part(atoms[i]) & above_parts))
			c->list_marks[atoms[i] >> BL_PART_SHIFT] = c->turn;
	r = bl_compile_list(c, &exec, ranks, n_ranks, &info->exec_list);
	if (!r)
		r = bl_compile_list(c, &open, ranks, n_ranks, &info->open_list);
	if (!r && path_excepts(c, ranks, n_ranks))
		r = untrusted_class(c, exec, open, ranks, n_ranks, info);
	return r;
}

/* The list of what an argument is, where it is one that rules ask for. No rule on a path knows its class. */
static int class_args(struct bl_compiler *c, const uint32_t *atoms, size_t n,
		      struct bl_class_info *info)
{
	bool any = false;

	c->turn++;
	for (size_t i = 0; i < n; i++) {
		uint32_t list = atoms[i] >> BL_PART_SHIFT;

		if (!c->list_infos[list].is_args)
			continue;
		c->list_marks[list] = c->turn;
		any = true;
	}
	return any ? bl_compile_args_list(c, &info->exec_list) : 0;
}

static int class_bits(struct bl_compiler *c, const uint32_t *atoms, size_t n, enum bl_kin kin,
		      uint32_t *ret)
{
	uint64_t bits[BL_COND_WORDS] = {};
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= add_conds(c, atoms[i], kin, bits);
	if (!any)
		return 0;
	return bl_intern(&c->bits, (const uint32_t *)bits, 2 * c->header.cond_words, ret);
}

/* The number of the class of a set of atoms; 0 where nothing comes of it. */
static int make_class(struct bl_compiler *c, const struct bl_interns *sets, uint32_t set,
		      uint32_t *ret)
{
	struct bl_class_info info = {};
	size_t n;
	const uint32_t *atoms = bl_interned(sets, set, &n);
	int r = class_lists(c, atoms, n, &info);

	if (!r)
		r = class_args(c, atoms, n, &info);
	for (enum bl_kin kin = 0; !r && kin < _BL_KIN_MAX; kin++)
		r = class_bits(c, atoms, n, kin, &info.bits[kin]);
	if (r)
		return r;
	if (!info.exec_list && !info.open_list && !info.bits[BL_KIN_SELF] &&
	    !info.bits[BL_KIN_PARENT] && !info.bits[BL_KIN_ANCESTOR] && !info.untrusted) {
		*ret = 0;
		return 0;
	}
	return bl_intern(&c->class_infos, (const uint32_t *)&info, sizeof(info) / 4, ret);
}

static int make_trie_classes(struct bl_compiler *c)
{
	int r = 0;

	c->trie_classes = calloc(c->trie.sets.count + 1, sizeof(*c->trie_classes));
	if (!c->trie_classes)
		return -ENOMEM;
	for (uint32_t set = 1; !r && set <= c->trie.sets.count; set++)
		r = make_class(c, &c->trie.sets, set, &c->trie_classes[set]);
	return r;
}

/* Afterwards the DFA's outputs are numbers of classes, and it is as small as these allow. */
static int make_dfa_classes(struct bl_compiler *c)
{
	_cleanup_free_ uint32_t *classes = calloc(c->dfa.accepts.count + 1, sizeof(*classes));
	int r = 0;

	if (!classes)
		return -ENOMEM;
	for (uint32_t set = 1; !r && set <= c->dfa.accepts.count; set++)
		r = make_class(c, &c->dfa.accepts, set, &classes[set]);
	if (r || !c->dfa.n_states)
		return r;
	for (uint32_t state = 0; state < c->dfa.n_states; state++)
		c->dfa.outputs[state] = classes[c->dfa.outputs[state]];
	r = bl_dfa_minimise(&c->dfa);
	if (r)
		return r;
	if (c->dfa.n_states > BL_DFA_STATES_MAX ||
	    (uint64_t)c->dfa.n_states * c->dfa.n_classes * 4 > BL_DFA_BYTES_MAX)
		return bl_compile_blame(c);
	return 0;
}

/* ---- objects without a usable name -------------------------------------------------------- */

static int unnamed_list(struct bl_compiler *c, enum bl_op op, uint8_t shapes, uint32_t *ret)
{
	struct bl_object object = { .op = op, .unnamed = true, .merge = true };
	_cleanup_free_ uint32_t *ranks = calloc(c->policy->n_rules + 1, sizeof(*ranks));
	size_t n = 0;

	if (!ranks)
		return -ENOMEM;
	for (size_t rank = 0; rank < c->policy->n_rules; rank++) {
		const struct bl_rule_info *info = &c->rules[c->by_rank[rank]];

		if (bl_rule_concerns(info->rule, &object) &&
		    (c->list_infos[info->path].shapes & shapes))
			ranks[n++] = (uint32_t)rank;
	}
	return bl_compile_list(c, &object, ranks, n, ret);
}

/* What no path can name: rules on exec without one hold for it all the same. */
static int pseudo_list(struct bl_compiler *c)
{
	struct bl_object object = { .op = BL_OP_EXEC, .unnamed = true };
	_cleanup_free_ uint32_t *ranks = calloc(c->policy->n_rules + 1, sizeof(*ranks));
	size_t n = 0;

	if (!ranks)
		return -ENOMEM;
	for (size_t rank = 0; rank < c->policy->n_rules; rank++)
		if (!c->rules[c->by_rank[rank]].rule->match.has_path)
			ranks[n++] = (uint32_t)rank;
	return bl_compile_list(c, &object, ranks, n, &c->exec_pseudo);
}

static int make_unnamed(struct bl_compiler *c)
{
	int r = unnamed_list(c, BL_OP_OPEN, BL_SHAPE_DEEP, &c->open_deep);

	if (!r)
		r = unnamed_list(c, BL_OP_EXEC, BL_SHAPE_DEEP, &c->exec_deep);
	if (!r)
		r = unnamed_list(c, BL_OP_OPEN, BL_SHAPE_PATH, &c->open_lost);
	if (!r)
		r = unnamed_list(c, BL_OP_EXEC, BL_SHAPE_PATH, &c->exec_lost);
	return r ? r : pseudo_list(c);
}

int bl_compile_objects(struct bl_compiler *c)
{
	int r;

	choose_all_parts(c);
	r = index_users(c);
	if (!r)
		r = bl_compile_traces(c);
	if (!r)
		r = fill_trie(c);
	if (!r)
		r = resolve_globs(c);
	if (!r)
		r = bl_trie_finish(&c->trie);
	if (!r)
		r = build_dfa(c);
	if (!r)
		r = make_trie_classes(c);
	if (!r)
		r = make_dfa_classes(c);
	return r ? r : make_unnamed(c);
}
