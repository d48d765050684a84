/* SPDX-License-Identifier: Apache-2.0 */
/* Rule by rule: which match an access, which nearly do, and what would lift them. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "explainer.h"
#include "peer.h"

/* ---- one rule ----------------------------------------------------------------------------- */

/* What of the access a rule is about, as bits that exceptions take out. */
static uint32_t asked_of(const struct bl_explainer *e, const struct bl_match *match)
{
	if (e->query->op == BL_OP_OPEN)
		return e->query->access & match->access & BL_ACCESS_ANY;
	return e->ip ? e->query->access & match->protocols : 1;
}

/* What an exception that holds takes out of it. */
static uint32_t excused_by(const struct bl_explainer *e, const struct bl_match *except)
{
	if (e->query->op == BL_OP_OPEN)
		return except->access == BL_ACCESS_ANY ? ~0u : except->access;
	return e->ip && except->protocols != BL_PROTO_ANY ? except->protocols : ~0u;
}

/* The exception by which nothing is left of the rule; NULL: none is. */
static const struct bl_match *find_except(struct bl_explainer *e, const struct bl_rule *rule)
{
	uint32_t left = asked_of(e, &rule->match);

	for (size_t i = 0; i < rule->n_unless; i++) {
		if (bl_explain_failing(e, &rule->unless[i], true))
			continue;
		left &= ~excused_by(e, &rule->unless[i]);
		if (!left)
			return &rule->unless[i];
	}
	return NULL;
}

static struct bl_near judge_form(struct bl_explainer *e, const struct bl_rule *rule)
{
	struct bl_near near = { .rule = rule, .match = &rule->match };

	near.failing = bl_explain_failing(e, &rule->match, false);
	if (near.failing)
		return near;
	near.except = find_except(e, rule);
	if (near.except)
		near.failing = BL_KEY_BIT(BL_KEY_UNLESS);
	return near;
}

static int count_failing(const struct bl_near *near)
{
	return __builtin_popcount(near->failing);
}

/* An address that counts as two matches by any of them. */
static struct bl_near judge_rule(struct bl_explainer *e, const struct bl_rule *rule)
{
	struct bl_near best;

	e->form = &e->forms[0];
	best = judge_form(e, rule);
	for (size_t i = 1; i < e->n_forms && best.failing; i++) {
		struct bl_near other;

		e->form = &e->forms[i];
		other = judge_form(e, rule);
		if (count_failing(&other) < count_failing(&best))
			best = other;
	}
	return best;
}

/* Whether an exception holds whatever the rule's subject does. */
static bool is_general(const struct bl_match *except, const struct bl_rule *rule)
{
	return !except->has_path && !except->has_socket &&
	       (!except->has_to || except->to_any || except->to_family) && !except->has_ports &&
	       !except->facts && except->access == BL_ACCESS_ANY &&
	       except->protocols == BL_PROTO_ANY && !(rule->match.families & ~except->families);
}

/*
 * Taking hold of a process: rules with an exception for its program are about that, for those
 * whom neither this exception nor a general one is for. Returns whether the rule has such a one.
 */
static bool judge_trace(struct bl_explainer *e, const struct bl_rule *rule, struct bl_near *ret)
{
	const char *path = e->query->path;
	bool about = false;

	*ret = (struct bl_near){ .rule = rule, .match = &rule->match };
	for (size_t i = 0; path && i < rule->n_unless; i++) {
		const struct bl_match *except = &rule->unless[i];
		bool is_for_program = except->has_exe &&
				      bl_explain_matches(e, &except->exe, path, strlen(path));

		if (!bl_explain_failing_subject(e, except, true)) {
			if (is_general(except, rule))
				ret->except = except;
			continue;
		}
		about |= is_for_program;
	}
	ret->failing = bl_explain_failing_subject(e, &rule->match, false);
	if (ret->except)
		ret->failing |= BL_KEY_BIT(BL_KEY_UNLESS);
	return about;
}

/* What the tables say that matches; those beyond BL_MATCHES_MAX are not told apart. */
struct found {
	uint32_t rules[BL_MATCHES_MAX];
	size_t count;
};

/* ---- all rules ---------------------------------------------------------------------------- */

static int compare_rules(const struct bl_policy *policy, const struct bl_rule *a,
			 const struct bl_rule *b)
{
	int verdict = (int)bl_rule_verdict(policy, b) - (int)bl_rule_verdict(policy, a);

	if (verdict)
		return verdict;
	if (a->severity != b->severity)
		return (int)b->severity - (int)a->severity;
	return strcmp(a->id, b->id);
}

/* Those that lack fewer keys come first; then those that name more of the object. */
static int compare_near(const struct bl_policy *policy, const struct bl_near *a,
			const struct bl_near *b)
{
	int order = count_failing(a) - count_failing(b);

	if (!order && a->shared != b->shared)
		order = a->shared > b->shared ? -1 : 1;
	return order ? order : compare_rules(policy, a->rule, b->rule);
}

/* Keeps the nearest. */
static void offer(const struct bl_explainer *e, struct bl_near *items, size_t *count,
		  struct bl_near near)
{
	size_t at = *count;

	if (at == BL_EXPLAIN_NEAREST_MAX && count_failing(&near) > count_failing(&items[at - 1]))
		return;
	near.shared = bl_explain_shared(e->query, &near);
	while (at && compare_near(e->policy, &near, &items[at - 1]) < 0)
		at--;
	if (at == BL_EXPLAIN_NEAREST_MAX)
		return;
	if (*count < BL_EXPLAIN_NEAREST_MAX)
		++*count;
	memmove(&items[at + 1], &items[at], (*count - at - 1) * sizeof(*items));
	items[at] = near;
}

/* A growing array of rules. */
struct rules {
	const struct bl_rule **items;
	size_t count, capacity;
};

static void rules_clear(struct rules *rules)
{
	free(rules->items);
}

static int rules_add(struct rules *rules, const struct bl_rule *rule)
{
	int r = bl_grow(&rules->items, &rules->capacity, rules->count + 1, sizeof(*rules->items));

	if (!r)
		rules->items[rules->count++] = rule;
	return r;
}

/* What came of the rules one by one. */
struct judged {
	struct rules matching, waiting;
	struct bl_near nearest[BL_EXPLAIN_NEAREST_MAX];
	size_t n_nearest;
};

static void judged_clear(struct judged *judged)
{
	rules_clear(&judged->matching);
	rules_clear(&judged->waiting);
}

static int compare_in(const void *left, const void *right, void *policy)
{
	return compare_rules(policy, *(const struct bl_rule *const *)left,
			     *(const struct bl_rule *const *)right);
}

static void rules_sort(const struct bl_policy *policy, struct rules *rules)
{
	if (rules->count)
		qsort_r(rules->items, rules->count, sizeof(*rules->items), compare_in,
			(void *)policy);
}

/* Judges a rule, which goes to matching, to waiting where it waits for arguments, or among the nearest. */
static int judge_one(struct bl_explainer *e, const struct bl_rule *rule, struct judged *judged)
{
	struct bl_near near;

	if (e->trace ? !judge_trace(e, rule, &near) : !(rule->ops & BL_OP_BIT(e->query->op)))
		return 0;
	if (!e->trace)
		near = judge_rule(e, rule);
	if (!near.failing)
		return rules_add(rule->match.has_args && !e->trace ? &judged->waiting
								   : &judged->matching,
				 rule);
	offer(e, judged->nearest, &judged->n_nearest, near);
	return 0;
}

/* picked: where those go that can concern the access; NULL: they are not asked for. */
static int judge_all(struct bl_explainer *e, struct judged *judged, struct bl_picked *picked)
{
	for (size_t i = 0; i < e->policy->n_rules; i++) {
		const struct bl_rule *rule = &e->policy->rules[i];
		int r = judge_one(e, rule, judged);

		if (!r && picked)
			r = bl_explain_pick(e, rule, picked);
		if (r || e->error)
			return r ? r : e->error;
	}
	rules_sort(e->policy, &judged->matching);
	rules_sort(e->policy, &judged->waiting);
	return 0;
}

/* What nothing refuses has arguments: the rules that wait for them match like any other then. */
static int ask_arguments(const struct bl_policy *policy, struct rules *matching,
			 struct rules *waiting)
{
	if (matching->count && bl_rule_verdict(policy, matching->items[0]) >= BL_VERDICT_DENY)
		return 0;
	for (size_t i = 0; i < waiting->count; i++) {
		int r = rules_add(matching, waiting->items[i]);

		if (r)
			return r;
	}
	waiting->count = 0;
	rules_sort(policy, matching);
	return 0;
}

/*
 * Whether the tables found these very rules. Beyond BL_MATCHES_MAX they don't tell them apart, and of
 * those that say the same of who takes hold of a process they have the strictest only.
 */
static bool agree(const struct bl_explainer *e, const struct bl_answer *answer,
		  const struct found *found, const struct rules *matching)
{
	const struct bl_policy *policy = e->policy;

	if (!matching->count || answer->verdict == BL_VERDICT_ALLOW)
		return !matching->count && answer->verdict == BL_VERDICT_ALLOW;
	if (matching->items[0] != &policy->rules[answer->rule] ||
	    bl_rule_verdict(policy, matching->items[0]) != answer->verdict ||
	    (!e->trace && found->count != BL_MIN(matching->count, (size_t)BL_MATCHES_MAX)))
		return false;
	for (size_t i = 0; i < found->count; i++) {
		size_t k = 0;

		while (k < matching->count && matching->items[k] != &policy->rules[found->rules[i]])
			k++;
		if (k == matching->count)
			return false;
	}
	return true;
}

/* ---- what would lift it ------------------------------------------------------------------- */

/*
 * Those that refuse, whether they were asked or not; or all, where none does. *ret_after: what those that
 * are left come to.
 */
static int find_excepted(const struct bl_explainer *e, const struct rules *matching,
			 const struct rules *waiting, struct rules *ret, enum bl_verdict *ret_after)
{
	const struct rules *both[] = { matching, waiting };
	bool refused = matching->count &&
		       bl_rule_verdict(e->policy, matching->items[0]) > BL_VERDICT_ALERT;

	*ret_after = BL_VERDICT_ALLOW;
	for (size_t i = 0; i < BL_ARRAY_SIZE(both); i++) {
		for (size_t k = 0; k < both[i]->count; k++) {
			const struct bl_rule *rule = both[i]->items[k];
			int r = 0;

			if (!refused || bl_rule_verdict(e->policy, rule) > BL_VERDICT_ALERT)
				r = rules_add(ret, rule);
			else
				*ret_after = BL_VERDICT_ALERT;
			if (r)
				return r;
		}
	}
	return 0;
}

static int add_exception(const struct bl_explainer *e, uint32_t known, const struct rules *matching,
			 const struct rules *waiting, struct bl_explanation *ret)
{
	_cleanup_(rules_clear) struct rules excepted = {};
	int r;

	/* No exception names such a path, and the tables have dropped what others make useless. */
	if (e->unnamed)
		return 0;
	r = find_excepted(e, matching, waiting, &excepted, &ret->after);
	if (r || !excepted.count)
		return r;
	return bl_explain_except(e, excepted.items, excepted.count, known, &ret->exception);
}

/* Why the winner's exceptions don't hold; one that does holds for a part of what is asked. */
static void near_excepts(struct bl_explainer *e, const struct bl_rule *rule,
			 struct bl_explanation *ret)
{
	for (size_t i = 0; i < rule->n_unless; i++) {
		const struct bl_match *except = &rule->unless[i];
		struct bl_near near = { .rule = rule, .match = except };

		e->form = &e->forms[0];
		near.failing = e->trace ? bl_explain_failing_subject(e, except, true)
					: bl_explain_failing(e, except, true);
		offer(e, ret->excepts, &ret->n_excepts, near);
	}
}

/* ---- the explanation ---------------------------------------------------------------------- */

static void add_form(struct bl_explainer *e, const void *addr, uint8_t family)
{
	struct bl_form *form = &e->forms[e->n_forms++];

	form->family = family;
	memcpy(form->addr, addr, family == AF_INET ? 4 : 16);
}

static void find_forms(struct bl_explainer *e)
{
	const struct bl_query *query = e->query;
	struct bl_peer peer = { .v6 = query->family == AF_INET6 };
	uint32_t embedded;

	memcpy(&peer.addr, query->addr, peer.v6 ? 16 : 4);
	bl_normalise(&peer);
	add_form(e, &peer.addr, peer.v6 ? AF_INET6 : AF_INET);
	embedded = !peer.v6 ? 0 : peer.any ? BL_LOCAL4 : bl_embedded(&peer.addr);
	if (embedded)
		add_form(e, &embedded, AF_INET);
}

static void explainer_clear(struct bl_explainer *e)
{
	bl_glob_clear(&e->glob);
	for (size_t i = 0; i < _BL_MEMO_MAX; i++)
		bl_strmap_free(e->memos[i]);
}

static int explainer_init(struct bl_explainer *e)
{
	const struct bl_query *query = e->query;
	const char *path = query->socket ? query->socket : query->path;

	e->trace = query->op == BL_OP_EXEC && query->access == BL_ACCESS_TRACE;
	e->ip = query->op == BL_OP_CONNECT && !query->socket &&
		(query->family == AF_INET || query->family == AF_INET6);
	e->unnamed = query->op != BL_OP_CONNECT && !query->pseudo && !path;
	if (path && path[0] && !bl_explain_walkable(path))
		e->unnamed = true;
	bl_called_read(query, &e->called);
	e->exe = query->exe && bl_explain_walkable(query->exe) ? query->exe : NULL;
	e->n_forms = 0;
	if (e->ip)
		find_forms(e);
	for (size_t i = 0; i < _BL_MEMO_MAX; i++) {
		e->memos[i] = bl_strmap_new();
		if (!e->memos[i])
			return -ENOMEM;
	}
	return 0;
}

/* Of what has no usable name the tables know more than single rules say. */
static int take_found(const struct bl_policy *policy, const struct found *found,
		      struct rules *matching, struct rules *waiting)
{
	int r = 0;

	matching->count = waiting->count = 0;
	for (size_t i = 0; !r && i < found->count; i++)
		r = rules_add(matching, &policy->rules[found->rules[i]]);
	rules_sort(policy, matching);
	return r;
}

static int explain(struct bl_explainer *e, const struct found *found, uint32_t known,
		   struct judged *judged, struct bl_explanation *ret)
{
	struct rules *matching = &judged->matching, *waiting = &judged->waiting;
	int r = e->unnamed ? take_found(e->policy, found, matching, waiting)
			   : ask_arguments(e->policy, matching, waiting);

	if (r)
		return r;
	if (!e->unnamed && !agree(e, &ret->answer, found, matching))
		return -EBADMSG;
	if (ret->answer.verdict != BL_VERDICT_ALLOW)
		near_excepts(e, &e->policy->rules[ret->answer.rule], ret);
	ret->unnamed = e->unnamed;
	return add_exception(e, known, matching, waiting, ret);
}

/* from: of each rule of the tables the index in the policy; NULL: they are the same. */
static int explain_by(struct bl_explainer *e, const struct bl_tables *tables, const uint32_t *from,
		      uint32_t known, struct judged *judged, struct bl_explanation *ret)
{
	struct found found;
	int r;

	bl_decide(tables, e->query, &ret->answer);
	found.count = bl_decide_matches(tables, e->query, found.rules);
	if (from && ret->answer.verdict != BL_VERDICT_ALLOW)
		ret->answer.rule = from[ret->answer.rule];
	for (size_t i = 0; from && i < found.count; i++)
		found.rules[i] = from[found.rules[i]];
	r = explain(e, &found, known, judged, ret);
	if (!r)
		r = e->error;
	memcpy(ret->nearest, judged->nearest, sizeof(ret->nearest));
	ret->n_nearest = judged->n_nearest;
	ret->n_matching = judged->matching.count;
	ret->matching = TAKE_PTR(judged->matching.items);
	ret->n_waiting = judged->waiting.count;
	ret->waiting = TAKE_PTR(judged->waiting.items);
	return r;
}

int bl_explain(const struct bl_policy *policy, const struct bl_tables *tables,
	       const struct bl_query *query, uint32_t known, struct bl_explanation *ret)
{
	_cleanup_(explainer_clear) struct bl_explainer e = { .policy = policy, .query = query };
	_cleanup_(judged_clear) struct judged judged = {};
	int r = explainer_init(&e);

	if (!r)
		r = judge_all(&e, &judged, NULL);
	return r ? r : explain_by(&e, tables, NULL, known, &judged, ret);
}

int bl_explain_alone(const struct bl_policy *policy, const struct bl_query *query, uint32_t known,
		     struct bl_diags *diags, struct bl_explanation *ret)
{
	_cleanup_(explainer_clear) struct bl_explainer e = { .policy = policy, .query = query };
	_cleanup_(bl_picked_clear) struct bl_picked picked;
	_cleanup_(judged_clear) struct judged judged = {};
	struct bl_tables *tables = NULL;
	const char *what;
	int r = explainer_init(&e);

	bl_picked_init(&picked, policy);
	if (!r)
		r = judge_all(&e, &judged, &picked);
	if (!r)
		r = bl_compile(&picked.policy, NULL, diags, &tables);
	if (!r)
		r = bl_tables_verify(tables->bytes, tables->len, &what);
	if (!r)
		r = explain_by(&e, tables, picked.from, known, &judged, ret);
	bl_tables_free(tables);
	return r;
}

void bl_explanation_clear(struct bl_explanation *explanation)
{
	free(explanation->matching);
	free(explanation->waiting);
	free(explanation->exception);
	*explanation = (struct bl_explanation){};
}
