/* SPDX-License-Identifier: Apache-2.0 */
/* Rules. */
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct rule_draft {
	struct bl_rule_draft base;
	uint32_t node, id, unless; /* nodes; 0: absent */
	size_t errors;		   /* of the set, before this rule */
};
static_assert(offsetof(struct rule_draft, base) == 0,
	      "rules are read with other objects' keys too");

static int parse_rule_id(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;

	if (bl_parse_name(parser, value, "an id", true, &draft->base.rule.id))
		draft->id = value;
	return 0;
}

static int parse_rule_on(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;
	uint32_t op;

	bl_parse_is_empty(parser, value);
	BL_PARSE_EACH(parser, value, element)
	{
		if (bl_parse_word(parser, element, &bl_words_on, &op))
			draft->base.rule.ops |= (uint8_t)BL_OP_BIT(op);
	}
	return 0;
}

bool bl_parse_action(struct bl_parser *parser, uint32_t node, enum bl_action *ret)
{
	uint32_t action;

	if (bl_json_kind(parser->json, node) == BL_JSON_STRING &&
	    strcmp(bl_json_text(parser->json, node), "allow") == 0) {
		bl_diag_hint(bl_parse_error(parser, node, "unknown-value",
					    "\"allow\" is no action"),
			     "what no rule matches is allowed; name exceptions in \"unless\", or "
			     "all that somebody may do in a profile's \"allow\"");
		return false;
	}
	if (!bl_parse_word(parser, node, &bl_words_action, &action))
		return false;
	*ret = action;
	return true;
}

static int parse_rule_action(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;
	bl_parse_action(parser, value, &draft->base.rule.action);
	return 0;
}

static int parse_rule_severity(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_rule_draft *draft = object;
	uint32_t severity;

	if (bl_parse_word(parser, value, &bl_words_severity, &severity))
		draft->rule.severity = severity;
	return 0;
}

static int parse_rule_message(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_rule_draft *draft = object;

	bl_parse_text(parser, value, "a message", false, &draft->rule.message);
	return 0;
}

/* Most rules have none. */
static struct bl_notes *rule_notes(struct bl_parser *parser, struct bl_rule *rule)
{
	struct bl_notes *notes = (struct bl_notes *)rule->notes;

	if (!notes) {
		notes = bl_arena_alloc(parser->policy->arena, 1, sizeof(*notes));
		if (notes)
			*notes = (struct bl_notes){ 0 };
		rule->notes = notes;
	}
	return notes;
}

static int parse_rule_description(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_rule_draft *draft = object;
	struct bl_notes *notes = rule_notes(parser, &draft->rule);

	if (notes)
		bl_parse_text(parser, value, "a description", true, &notes->description);
	return notes ? 0 : -ENOMEM;
}

static int parse_rule_false_positives(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_rule_draft *draft = object;
	struct bl_notes *notes = rule_notes(parser, &draft->rule);

	if (notes)
		bl_parse_text(parser, value, "a text on false positives", true,
			      &notes->false_positives);
	return notes ? 0 : -ENOMEM;
}

static int parse_rule_tuning(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_rule_draft *draft = object;
	struct bl_notes *notes = rule_notes(parser, &draft->rule);

	if (notes)
		bl_parse_text(parser, value, "a text on tuning", true, &notes->tuning);
	return notes ? 0 : -ENOMEM;
}

static bool all_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return true;
}

/* T1059, T1059.004 or a tactic, TA0002. */
static bool is_attack_id(const char *text, size_t len)
{
	if (len == 6 && text[0] == 'T' && text[1] == 'A')
		return all_digits(text + 2, 4);
	if (len < 5 || text[0] != 'T' || !all_digits(text + 1, 4))
		return false;
	return len == 5 || (len == 9 && text[5] == '.' && all_digits(text + 6, 3));
}

static bool attack_parse(struct bl_parser *parser, uint32_t node, const char **ret)
{
	const char *text;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "an ATT&CK id"))
		return false;
	text = bl_json_text(parser->json, node);
	if (!is_attack_id(text, parser->json->nodes[node].len)) {
		bl_diag_hint(bl_parse_error(parser, node, "bad-attack", "\"%s\" is no ATT&CK id",
					    bl_excerpt(text, parser->json->nodes[node].len).text),
			     "written \"T1059\", \"T1059.004\" or \"TA0002\"");
		return false;
	}
	*ret = text;
	return true;
}

static int parse_rule_attack(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_rule_draft *draft = object;
	struct bl_rule *rule = &draft->rule;
	size_t count = bl_json_kind(parser->json, value) == BL_JSON_ARRAY
			       ? parser->json->nodes[value].len
			       : 1;

	if (bl_parse_is_empty(parser, value))
		return 0;
	if (count > BL_ATTACK_MAX) {
		bl_parse_error(parser, value, "too-many-values",
			       "a rule has at most %d ATT&CK ids, this one has %zu", BL_ATTACK_MAX,
			       count);
		return 0;
	}
	rule->attack = bl_arena_alloc(parser->policy->arena, count, sizeof(*rule->attack));
	if (!rule->attack)
		return -ENOMEM;
	rule->n_attack = 0;
	BL_PARSE_EACH(parser, value, element)
	{
		if (attack_parse(parser, element, &rule->attack[rule->n_attack]))
			rule->n_attack++;
	}
	return 0;
}

/* Read when the operations are known. */
static int parse_rule_unless(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;

	draft->unless = value;
	return 0;
}

static const struct bl_key rule_key_items[] = {
	{ .name = "id", .parse = parse_rule_id, .required = true },
	{ .name = "on", .parse = parse_rule_on, .required = true },
	{ .name = "action", .parse = parse_rule_action, .required = true },
	{ .name = "unless", .parse = parse_rule_unless },
};

static const struct bl_key event_key_items[] = {
	{ .name = "severity", .parse = parse_rule_severity },
	{ .name = "attack", .parse = parse_rule_attack },
	{ .name = "message", .parse = parse_rule_message },
	{ .name = "description", .parse = parse_rule_description },
	{ .name = "false-positives", .parse = parse_rule_false_positives },
	{ .name = "tuning", .parse = parse_rule_tuning },
};

const struct bl_keys bl_event_keys = {
	.items = event_key_items,
	.count = BL_ARRAY_SIZE(event_key_items),
};

static const struct bl_keys rule_event_keys = {
	.items = event_key_items,
	.count = BL_ARRAY_SIZE(event_key_items),
	.base = &bl_match_keys,
};

static const struct bl_keys rule_keys = {
	.what = "a rule",
	.items = rule_key_items,
	.count = BL_ARRAY_SIZE(rule_key_items),
	.base = &rule_event_keys,
};

int bl_parse_add_rule(struct bl_parser *parser, const struct bl_rule *rule, uint32_t id)
{
	struct bl_policy *policy = parser->policy;
	const struct bl_place *place;
	uint32_t other = 0;
	int r = 0;

	if (policy->n_rules >= BL_RULES_MAX) {
		if (policy->n_rules == BL_RULES_MAX && !parser->rules_full)
			bl_parse_error(parser, id, "too-many-rules",
				       "the policy set has more than %u rules", BL_RULES_MAX);
		parser->rules_full = true;
		return 0;
	}
	if (rule->id)
		r = bl_strmap_add(parser->rule_ids, rule->id, strlen(rule->id),
				  (uint32_t)policy->n_rules, &other);
	if (r < 0 && r != -EEXIST)
		return r;
	if (r == -EEXIST) {
		place = &policy->rules[other].place;
		bl_diag_hint(bl_parse_error(parser, id, "duplicate-id",
					    "the id \"%s\" belongs to another rule already",
					    rule->id),
			     "the other one is at %s:%u:%u; ids are unique over all files in force",
			     policy->files[place->file].path, place->line, place->column);
	}
	r = bl_grow(&policy->rules, &parser->rules_capacity, policy->n_rules + 1,
		    sizeof(*policy->rules));
	if (r < 0)
		return r;
	policy->rules[policy->n_rules++] = *rule;
	return 0;
}

/* They are read when the program's own memory is there, and there is no way back. */
bool bl_parse_check_args(struct bl_parser *parser, uint32_t node, const struct bl_rule *rule)
{
	if (!rule->match.has_args || rule->action != BL_ACTION_DENY)
		return true;
	bl_diag_hint(bl_parse_error(parser, node, "key-does-not-fit",
				    "arguments are known when it is too late to deny the program"),
		     "\"kill\" ends it before it runs an instruction; \"alert\" reports it");
	return false;
}

static void warn_unconditional(struct bl_parser *parser, const struct rule_draft *draft)
{
	const struct bl_match_nodes *nodes = &draft->base.what.nodes;
	char ops[32];

	/* A rule with a misspelt key means something else. */
	if (parser->diags->errors > draft->errors || draft->base.rule.action == BL_ACTION_ALERT ||
	    nodes->path || nodes->access || nodes->file || nodes->args || nodes->to ||
	    nodes->port || nodes->protocol || nodes->family || nodes->socket || nodes->by ||
	    draft->unless)
		return;
	bl_diag_hint(bl_parse_diag(parser, BL_DIAG_WARNING, draft->node, "denies-everything",
				   "the rule %s every %s of every process",
				   draft->base.rule.action == BL_ACTION_KILL ? "kills at"
									     : "denies",
				   bl_parse_ops_text(draft->base.rule.ops, ops)),
		     "name what is meant by \"path\", \"to\" or \"by\"");
}

static int rule_finish(struct bl_parser *parser, struct rule_draft *draft)
{
	struct bl_rule *rule = &draft->base.rule;
	int r = 0;

	bl_parse_check_fit(parser, &draft->base.what.nodes, rule->ops, "the rule");
	if (rule->ops & BL_OP_BIT(BL_OP_CONNECT))
		r = bl_parse_rule_families(parser, &draft->base.what.nodes,
					   &draft->base.what.match);
	rule->match = draft->base.what.match;
	if (r == 0 && draft->unless)
		r = bl_parse_exceptions(parser, draft->unless, rule);
	if (r < 0)
		return r;
	if (parser->diags->errors == draft->errors && draft->base.what.nodes.args)
		bl_parse_check_args(parser, draft->base.what.nodes.args - 1, rule);
	warn_unconditional(parser, draft);
	return bl_parse_add_rule(parser, rule, draft->id ? draft->id : draft->node);
}

static int rule_parse(struct bl_parser *parser, uint32_t node, uint32_t index)
{
	struct rule_draft draft = {
		.base.what = bl_match_draft_default,
		.base.rule = {
			.severity = BL_SEVERITY_MEDIUM,
			.file = parser->file,
			.index = index,
			.place = bl_parse_place(parser, node),
		},
		.node = node,
		.errors = parser->diags->errors,
	};
	int r;

	draft.base.what.match.place = draft.base.rule.place;
	r = bl_parse_object(parser, node, &rule_keys, &draft);
	return r < 0 ? r : rule_finish(parser, &draft);
}

int bl_parse_rules(struct bl_parser *parser, uint32_t node)
{
	struct bl_policy *policy = parser->policy;
	uint32_t index = 0;
	size_t count;

	if (!bl_parse_kind(parser, node, BL_JSON_ARRAY, "an array of rules"))
		return 0;
	count = BL_MIN(policy->n_rules + parser->json->nodes[node].len, (size_t)BL_RULES_MAX);
	if (bl_grow(&policy->rules, &parser->rules_capacity, count, sizeof(*policy->rules)) < 0 ||
	    bl_strmap_reserve(parser->rule_ids, count) < 0)
		return -ENOMEM;
	BL_JSON_EACH_ELEMENT(parser->json, node, element)
	{
		int r = parser->rules_full ? 0 : rule_parse(parser, element, index++);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A key whose values come from a file without entries holds for nothing. */
static bool can_match(const struct bl_match *match)
{
	return (!match->has_path || match->path.count) &&
	       (!match->has_socket || match->socket.count) &&
	       (!match->has_args || match->args.count) &&
	       (!match->has_to || match->to_any || match->to.count) &&
	       (!match->has_ports || match->ports.count) && (!match->has_exe || match->exe.count) &&
	       (!match->has_parent || match->parent.count) &&
	       (!match->has_ancestor || match->ancestor.count) &&
	       (!match->has_units || match->units.count) &&
	       (!match->has_slices || match->slices.count) &&
	       (!match->has_cgroups || match->cgroups.count) &&
	       (!match->has_containers || match->containers.count);
}

static void settle_exceptions(struct bl_rule *rule)
{
	size_t kept = 0;

	for (size_t i = 0; i < rule->n_unless; i++) {
		if (can_match(&rule->unless[i]))
			rule->unless[kept++] = rule->unless[i];
	}
	rule->n_unless = kept;
}

int bl_parse_settle_rules(struct bl_parser *parser)
{
	struct bl_policy *policy = parser->policy;
	size_t kept = 0, capacity = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		struct bl_rule *rule = &policy->rules[i];

		if (rule->disabled || !can_match(&rule->match)) {
			if (bl_grow(&policy->removed, &capacity, policy->n_removed + 1,
				    sizeof(*rule)) < 0)
				return -ENOMEM;
			policy->removed[policy->n_removed++] = *rule;
			continue;
		}
		settle_exceptions(rule);
		if (kept != i)
			policy->rules[kept] = *rule;
		kept++;
	}
	policy->n_rules = kept;
	return 0;
}
