/* SPDX-License-Identifier: Apache-2.0 */
/* Adjustments: what a file changes of rules that stand elsewhere, mostly in a package's policy. */
#include "parse.h"

#include <errno.h>
#include <string.h>

struct adjust_draft {
	const char *rule;
	enum bl_action action;
	uint32_t rule_node, unless, action_node, enabled; /* nodes; 0: absent */
	bool disable;
};

static int parse_adjust_rule(struct bl_parser *parser, uint32_t value, void *object)
{
	struct adjust_draft *draft = object;

	if (bl_parse_name(parser, value, "an id", true, &draft->rule))
		draft->rule_node = value;
	return 0;
}

static int parse_adjust_unless(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct adjust_draft *)object)->unless = value;
	return 0;
}

static int parse_adjust_action(struct bl_parser *parser, uint32_t value, void *object)
{
	struct adjust_draft *draft = object;
	if (bl_parse_action(parser, value, &draft->action))
		draft->action_node = value;
	return 0;
}

static int parse_adjust_enabled(struct bl_parser *parser, uint32_t value, void *object)
{
	struct adjust_draft *draft = object;
	enum bl_json_kind kind = bl_json_kind(parser->json, value);

	draft->enabled = value;
	draft->disable = kind == BL_JSON_FALSE;
	if (kind != BL_JSON_FALSE && kind != BL_JSON_TRUE)
		bl_parse_error(parser, value, "wrong-type", "expected true or false, found %s",
			       bl_json_kind_name(kind));
	return 0;
}

static const struct bl_key adjust_key_items[] = {
	{ .name = "rule", .parse = parse_adjust_rule, .required = true },
	{ .name = "unless", .parse = parse_adjust_unless },
	{ .name = "action", .parse = parse_adjust_action },
	{ .name = "enabled", .parse = parse_adjust_enabled },
};

static const struct bl_keys adjust_keys = {
	.what = "an adjustment",
	.items = adjust_key_items,
	.count = BL_ARRAY_SIZE(adjust_key_items),
};

/* No error: a package that has dropped a rule must not take the whole set with it. */
static void warn_unknown(struct bl_parser *parser, const struct adjust_draft *draft)
{
	const struct bl_policy *policy = parser->policy;
	struct bl_nearest nearest = { 0 };
	struct bl_diag *diag = bl_parse_diag(parser, BL_DIAG_WARNING, draft->rule_node,
					     "adjusts-nothing",
					     "there is no rule with the id \"%s\"", draft->rule);

	for (size_t i = 0; i < policy->n_rules && parser->guesses; i++, parser->guesses--) {
		if (policy->rules[i].id)
			bl_nearest_offer(&nearest, draft->rule, policy->rules[i].id);
	}
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"%s\"?", nearest.name);
}

/* Two files that want different things of one rule: neither may win by its name. */
static void adjust_action(struct bl_parser *parser, const struct adjust_draft *draft,
			  struct bl_rule *rule)
{
	if (rule->adjusted && rule->action != draft->action)
		bl_parse_error(parser, draft->action_node, "conflicting-adjustments",
			       "another adjustment makes the action of \"%s\" \"%s\"", rule->id,
			       bl_action_name(rule->action));
	rule->action = draft->action;
	rule->adjusted = true;
	rule->adjusted_at = bl_parse_place(parser, draft->action_node);
	bl_parse_check_args(parser, draft->action_node, rule);
}

static int adjust_parse(struct bl_parser *parser, uint32_t node)
{
	struct adjust_draft draft = { 0 };
	struct bl_rule *rule;
	uint32_t index;
	int r = bl_parse_object(parser, node, &adjust_keys, &draft);

	if (r < 0 || !draft.rule_node)
		return r;
	if (!draft.unless && !draft.action_node && !draft.enabled)
		bl_diag_hint(bl_parse_error(parser, node, "empty-object",
					    "the adjustment changes nothing"),
			     "\"unless\", \"action\" or \"enabled\"");
	if (!bl_strmap_get(parser->rule_ids, draft.rule, strlen(draft.rule), &index)) {
		warn_unknown(parser, &draft);
		return 0;
	}
	rule = &parser->policy->rules[index];
	if (draft.disable) {
		rule->disabled = true;
		rule->disabled_at = bl_parse_place(parser, node);
	}
	if (draft.action_node)
		adjust_action(parser, &draft, rule);
	return draft.unless ? bl_parse_exceptions(parser, draft.unless, rule) : 0;
}

int bl_parse_adjusts(struct bl_parser *parser, uint32_t node)
{
	if (!bl_parse_kind(parser, node, BL_JSON_ARRAY, "an array of adjustments"))
		return 0;
	BL_JSON_EACH_ELEMENT(parser->json, node, element)
	{
		int r = adjust_parse(parser, element);

		if (r < 0)
			return r;
	}
	return 0;
}
