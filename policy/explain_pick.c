/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that can concern an access: all but those of which it can be seen at once that they don't. They alone
 * are compiled to be held against what each rule says by itself; so this asks for less than that does, in other ways.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "explainer.h"

/* Whether a text begins as a pattern does, as far as that stands for itself. */
static bool may_match(const struct bl_pattern *pattern, const char *text, size_t len)
{
	size_t plain = pattern->plain ? pattern->len : strcspn(pattern->text, "*?[{\\");

	/* "/a/" of "/a/" and two stars may stand for "/a": what is longer than the text is not compared. */
	if (plain == pattern->len && plain != len)
		return false;
	return memcmp(pattern->text, text, BL_MIN(plain, len)) == 0;
}

static bool some_may_match(const struct bl_patterns *patterns, const char *text, size_t len)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (may_match(&patterns->items[i], text, len))
			return true;
	}
	return false;
}

/* Lists that rules share are looked at once. */
static bool list_may_match(struct bl_explainer *e, const struct bl_patterns *patterns,
			   const char *text, size_t len)
{
	bool may;

	if (patterns->count < BL_MEMO_LONG)
		return some_may_match(patterns, text, len);
	if (bl_explain_recall(e, BL_MEMO_PICK, patterns, sizeof(*patterns), &may))
		return may;
	may = some_may_match(patterns, text, len);
	bl_explain_remember(e, BL_MEMO_PICK, patterns, sizeof(*patterns), may);
	return may;
}

static bool net_has(const struct bl_net *net, const struct bl_form *form)
{
	uint8_t bytes = net->prefix / 8, bits = net->prefix % 8;

	if (net->family != form->family || memcmp(net->addr, form->addr, bytes) != 0)
		return false;
	return !bits || (uint8_t)(net->addr[bytes] ^ form->addr[bytes]) >> (8 - bits) == 0;
}

static bool some_net_has(const struct bl_explainer *e, const struct bl_nets *nets)
{
	for (size_t i = 0; i < nets->count; i++)
		for (size_t k = 0; k < e->n_forms; k++)
			if (net_has(&nets->items[i], &e->forms[k]))
				return true;
	return false;
}

static bool nets_may_match(struct bl_explainer *e, const struct bl_nets *nets)
{
	bool may;

	if (nets->count < BL_MEMO_LONG)
		return some_net_has(e, nets);
	if (bl_explain_recall(e, BL_MEMO_PICK, nets, sizeof(*nets), &may))
		return may;
	may = some_net_has(e, nets);
	bl_explain_remember(e, BL_MEMO_PICK, nets, sizeof(*nets), may);
	return may;
}

static bool connect_may_match(struct bl_explainer *e, const struct bl_match *match)
{
	const struct bl_query *query = e->query;
	/* An address of IPv6 may count as one of IPv4. */
	uint64_t families = e->ip	     ? BL_FAMILIES_IP
			    : query->socket ? BL_FAMILIES_UNIX
					    : BL_FAMILY_BIT(query->family);

	if (!(match->families & families))
		return false;
	if (query->socket && query->socket[0] == '/' && match->has_socket)
		return list_may_match(e, &match->socket, query->socket, strlen(query->socket));
	if (e->ip && match->has_to && !match->to_any && !match->to_family)
		return nets_may_match(e, &match->to);
	return true;
}

/* Whoever takes hold of a process of the program is judged by the rules with an exception for it. */
static bool trace_may_match(struct bl_explainer *e, const struct bl_rule *rule)
{
	const char *path = e->query->path;

	for (size_t i = 0; path && i < rule->n_unless; i++) {
		const struct bl_match *except = &rule->unless[i];

		if (except->has_exe && list_may_match(e, &except->exe, path, strlen(path)))
			return true;
	}
	return !path;
}

static bool may_concern(struct bl_explainer *e, const struct bl_rule *rule)
{
	const struct bl_query *query = e->query;

	if (e->trace)
		return trace_may_match(e, rule);
	if (!(rule->ops & BL_OP_BIT(query->op)))
		return false;
	if (e->unnamed || query->pseudo)
		return true;
	if (query->op == BL_OP_CONNECT)
		return connect_may_match(e, &rule->match);
	return !rule->match.has_path ||
	       list_may_match(e, &rule->match.path, query->path, strlen(query->path));
}

int bl_explain_pick(struct bl_explainer *e, const struct bl_rule *rule, struct bl_picked *picked)
{
	struct bl_policy *policy = &picked->policy;

	if (!may_concern(e, rule))
		return e->error;
	if (bl_grow(&policy->rules, &picked->rules_capacity, policy->n_rules + 1, sizeof(*rule)) <
		    0 ||
	    bl_grow(&picked->from, &picked->from_capacity, policy->n_rules + 1,
		    sizeof(*picked->from)) < 0)
		return -ENOMEM;
	picked->from[policy->n_rules] = (uint32_t)(rule - e->policy->rules);
	policy->rules[policy->n_rules++] = *rule;
	return e->error;
}

void bl_picked_init(struct bl_picked *picked, const struct bl_policy *policy)
{
	*picked = (struct bl_picked){ .policy = *policy };
	picked->policy.rules = NULL;
	picked->policy.n_rules = 0;
}

void bl_picked_clear(struct bl_picked *picked)
{
	free(picked->policy.rules);
	free(picked->from);
	*picked = (struct bl_picked){};
}
