/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and their exceptions. */
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- what is matched: objects and subjects ------------------------------------------------ */

/* Start of every object that is read with match_keys. */
struct match_draft {
	struct bl_match match;
	struct bl_match_nodes nodes;
};

struct rule_draft {
	struct match_draft what;
	struct bl_rule rule;
	uint32_t node, id, unless; /* nodes; 0: absent */
	size_t errors;		   /* of the set, before this rule */
};
static_assert(offsetof(struct rule_draft, what) == 0, "rules are read with match_keys too");

static int patterns_parse(struct bl_parser *parser, uint32_t value, struct bl_patterns *ret,
			  bool *ret_has)
{
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_PATH, &values);

	if (r < 0)
		return r;
	*ret = (struct bl_patterns){ .items = values.items, .count = values.count };
	*ret_has = true;
	return 0;
}

static int ranges_parse(struct bl_parser *parser, uint32_t value, enum bl_value_kind kind,
			struct bl_ranges_in *ret, bool *ret_has)
{
	struct bl_values values;
	int r = bl_parse_values(parser, value, kind, &values);

	if (r < 0)
		return r;
	*ret = (struct bl_ranges_in){ .items = values.items, .count = values.count };
	*ret_has = true;
	return 0;
}

static int parse_match_path(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;

	draft->nodes.path = value;
	return patterns_parse(parser, value, &draft->match.path, &draft->match.has_path);
}

static int parse_match_access(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;
	uint32_t mask;

	draft->nodes.access = value;
	if (bl_parse_word_mask(parser, value, &bl_words_access, &mask))
		draft->match.access = (uint8_t)mask;
	return 0;
}

static int parse_match_file(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;
	uint32_t mask;

	draft->nodes.file = value;
	if (bl_parse_word_mask(parser, value, &bl_words_file, &mask))
		draft->match.facts = (uint8_t)mask;
	return 0;
}

static int parse_match_to(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_NET, &values);

	if (r < 0)
		return r;
	draft->nodes.to = value;
	draft->match.to = (struct bl_nets){ .items = values.items, .count = values.count };
	draft->match.to_any = values.any;
	draft->match.has_to = true;
	return 0;
}

static int parse_match_port(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;

	draft->nodes.port = value;
	return ranges_parse(parser, value, BL_VALUE_PORT, &draft->match.ports,
			    &draft->match.has_ports);
}

static int parse_match_protocol(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;
	uint32_t mask;

	draft->nodes.protocol = value;
	if (bl_parse_word_mask(parser, value, &bl_words_protocol, &mask))
		draft->match.protocols = (uint8_t)mask;
	return 0;
}

static int parse_match_family(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;

	/* One that is wrong fits whatever stands beside it. */
	if (bl_parse_families(parser, value, &draft->match.families))
		draft->nodes.family = value;
	return 0;
}

static int parse_match_socket(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_SOCKET, &values);

	if (r < 0)
		return r;
	draft->nodes.socket = value;
	draft->match.socket = (struct bl_patterns){ .items = values.items, .count = values.count };
	draft->match.has_socket = true;
	return 0;
}

static int parse_match_args(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_ARGUMENT, &values);

	if (r < 0)
		return r;
	draft->nodes.args = value;
	draft->match.args = (struct bl_patterns){ .items = values.items, .count = values.count };
	draft->match.has_args = true;
	return 0;
}

static int parse_by_exe(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, &match->exe, &match->has_exe);
}

static int parse_by_uid(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return ranges_parse(parser, value, BL_VALUE_USER, &match->uids, &match->has_uids);
}

static int parse_by_gid(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return ranges_parse(parser, value, BL_VALUE_USER, &match->gids, &match->has_gids);
}

static const struct bl_key later_subject_keys[] = {
	{ .name = "parent", .later = true },	{ .name = "ancestor", .later = true },
	{ .name = "login", .later = true },	{ .name = "unit", .later = true },
	{ .name = "slice", .later = true },	{ .name = "cgroup", .later = true },
	{ .name = "container", .later = true }, { .name = "capability", .later = true },
};
const struct bl_keys bl_later_subject_keys = {
	.items = later_subject_keys,
	.count = BL_ARRAY_SIZE(later_subject_keys),
};

static const struct bl_key by_keys[] = {
	{ .name = "exe", .parse = parse_by_exe },
	{ .name = "uid", .parse = parse_by_uid },
	{ .name = "gid", .parse = parse_by_gid },
};
const struct bl_keys bl_subject_keys = {
	.what = "\"by\"",
	.items = by_keys,
	.count = BL_ARRAY_SIZE(by_keys),
	.base = &bl_later_subject_keys,
};

static int parse_match_by(struct bl_parser *parser, uint32_t value, void *object)
{
	struct match_draft *draft = object;

	draft->nodes.by = value;
	if (bl_json_kind(parser->json, value) == BL_JSON_OBJECT && !parser->json->nodes[value].len)
		bl_diag_hint(bl_parse_error(parser, value, "empty-object", "\"by\" says nothing"),
			     "leave it out where everybody is meant");
	return bl_parse_object(parser, value, &bl_subject_keys, &draft->match);
}

static const struct bl_key match_keys[] = {
	{ .name = "path", .parse = parse_match_path },
	{ .name = "access", .parse = parse_match_access },
	{ .name = "file", .parse = parse_match_file },
	{ .name = "args", .parse = parse_match_args },
	{ .name = "to", .parse = parse_match_to },
	{ .name = "port", .parse = parse_match_port },
	{ .name = "protocol", .parse = parse_match_protocol },
	{ .name = "family", .parse = parse_match_family },
	{ .name = "socket", .parse = parse_match_socket },
	{ .name = "by", .parse = parse_match_by },
};

static const struct bl_keys unless_keys = {
	.what = "an exception",
	.items = match_keys,
	.count = BL_ARRAY_SIZE(match_keys),
};

/* ---- keys and operations ------------------------------------------------------------------ */

#define OP_BIT(op) (1u << (op))

/* "exec and open": the operations of a mask. */
static const char *ops_text(uint8_t ops, char text[static 32])
{
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t op = 1; op < _BL_OP_MAX; op++) {
		if (ops & OP_BIT(op))
			len += (size_t)snprintf(text + len, 32 - len, "%s%s", len ? " and " : "",
						bl_op_name(op));
	}
	return text;
}

static void check_key_fits(struct bl_parser *parser, uint32_t value, uint8_t ops, uint8_t fits,
			   const char *what)
{
	char have[32], want[32];
	struct bl_diag *diag;
	const char *key;

	if (!value || !(ops & (uint8_t)~fits))
		return;
	/* A value's key is the node before it. */
	key = bl_json_text(parser->json, value - 1);
	diag = bl_parse_error(parser, value - 1, "key-does-not-fit",
			      "\"%s\" belongs to %s, but %s is on %s", key, ops_text(fits, want),
			      what, ops_text(ops, have));
	if (ops & fits)
		bl_diag_hint(diag, "write one rule for each operation");
}

void bl_parse_check_fit(struct bl_parser *parser, const struct bl_match_nodes *nodes, uint8_t ops,
			const char *what)
{
	const uint8_t files = OP_BIT(BL_OP_EXEC) | OP_BIT(BL_OP_OPEN);
	const uint8_t connect = OP_BIT(BL_OP_CONNECT);

	check_key_fits(parser, nodes->path, ops, files, what);
	check_key_fits(parser, nodes->access, ops, OP_BIT(BL_OP_OPEN), what);
	check_key_fits(parser, nodes->file, ops, OP_BIT(BL_OP_EXEC), what);
	check_key_fits(parser, nodes->args, ops, OP_BIT(BL_OP_EXEC), what);
	check_key_fits(parser, nodes->to, ops, connect, what);
	check_key_fits(parser, nodes->port, ops, connect, what);
	check_key_fits(parser, nodes->protocol, ops, connect, what);
	check_key_fits(parser, nodes->family, ops, connect, what);
	check_key_fits(parser, nodes->socket, ops, connect, what);
}

/* ---- exceptions --------------------------------------------------------------------------- */

static const struct match_draft match_draft_default = {
	.match = { .access = BL_ACCESS_ANY, .protocols = BL_PROTO_ANY },
};

static int exception_parse(struct bl_parser *parser, uint32_t node, const struct rule_draft *rule,
			   struct bl_match *ret)
{
	struct match_draft draft = match_draft_default;
	int r;

	if (bl_json_kind(parser->json, node) == BL_JSON_OBJECT && !parser->json->nodes[node].len)
		bl_diag_hint(bl_parse_error(parser, node, "empty-object",
					    "an exception without keys excepts everything"),
			     "remove the rule instead");
	r = bl_parse_object(parser, node, &unless_keys, &draft);
	if (r < 0)
		return r;
	bl_parse_check_fit(parser, &draft.nodes, rule->rule.ops, "the rule");
	if (draft.nodes.args)
		bl_diag_hint(bl_parse_error(parser, draft.nodes.args - 1, "key-does-not-fit",
					    "an exception can't go by arguments"),
			     "whoever is to be caught could add the one that is excepted: name "
			     "programs or subjects");
	draft.match.place = bl_parse_place(parser, node);
	if (rule->rule.ops & OP_BIT(BL_OP_CONNECT))
		r = bl_parse_except_families(parser, node, &draft.nodes, rule->what.match.families,
					     &draft.match);
	*ret = draft.match;
	return r;
}

static int exceptions_parse(struct bl_parser *parser, uint32_t node, struct rule_draft *draft)
{
	struct bl_rule *rule = &draft->rule;
	size_t count = bl_json_kind(parser->json, node) == BL_JSON_ARRAY
			       ? parser->json->nodes[node].len
			       : 1;

	if (bl_parse_is_empty(parser, node))
		return 0;
	if (count > BL_EXCEPTS_MAX) {
		bl_diag_hint(bl_parse_error(parser, node, "too-many-values",
					    "a rule has at most %d exceptions, this one has %zu",
					    BL_EXCEPTS_MAX, count),
			     "put values of one key into one exception, or into a list");
		return 0;
	}
	rule->unless = bl_arena_alloc(parser->policy->arena, count, sizeof(*rule->unless));
	if (!rule->unless)
		return -ENOMEM;
	BL_PARSE_EACH(parser, node, element)
	{
		int r = exception_parse(parser, element, draft, &rule->unless[rule->n_unless]);

		if (r < 0)
			return r;
		rule->n_unless++;
	}
	return 0;
}

/* ---- rules -------------------------------------------------------------------------------- */

static int parse_rule_id(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;

	if (bl_parse_name(parser, value, "an id", true, &draft->rule.id))
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
			draft->rule.ops |= (uint8_t)OP_BIT(op);
	}
	return 0;
}

static int parse_rule_action(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;
	uint32_t action;

	if (bl_parse_word(parser, value, &bl_words_action, &action))
		draft->rule.action = action;
	return 0;
}

static int parse_rule_severity(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;
	uint32_t severity;

	if (bl_parse_word(parser, value, &bl_words_severity, &severity))
		draft->rule.severity = severity;
	return 0;
}

static int parse_rule_message(struct bl_parser *parser, uint32_t value, void *object)
{
	struct rule_draft *draft = object;

	bl_parse_text(parser, value, "a message", false, &draft->rule.message);
	return 0;
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
	struct rule_draft *draft = object;
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

static const struct bl_keys rule_base_keys = {
	.items = match_keys,
	.count = BL_ARRAY_SIZE(match_keys),
};

static const struct bl_key rule_key_items[] = {
	{ .name = "id", .parse = parse_rule_id, .required = true },
	{ .name = "on", .parse = parse_rule_on, .required = true },
	{ .name = "action", .parse = parse_rule_action, .required = true },
	{ .name = "severity", .parse = parse_rule_severity },
	{ .name = "attack", .parse = parse_rule_attack },
	{ .name = "message", .parse = parse_rule_message },
	{ .name = "unless", .parse = parse_rule_unless },
};

static const struct bl_keys rule_keys = {
	.what = "a rule",
	.items = rule_key_items,
	.count = BL_ARRAY_SIZE(rule_key_items),
	.base = &rule_base_keys,
};

static int check_id(struct bl_parser *parser, const struct rule_draft *draft)
{
	const char *id = draft->rule.id;
	const struct bl_place *place;
	uint32_t other = 0;
	int r;

	if (!draft->id)
		return 0;
	r = bl_strmap_add(parser->rule_ids, id, strlen(id), (uint32_t)parser->policy->n_rules,
			  &other);
	if (r != -EEXIST)
		return r;
	place = &parser->policy->rules[other].place;
	bl_diag_hint(bl_parse_error(parser, draft->id, "duplicate-id",
				    "the id \"%s\" belongs to another rule already", id),
		     "the other one is at %s:%u:%u; ids are unique over all files in force",
		     parser->policy->files[place->file].path, place->line, place->column);
	return 0;
}

/* They are read when the program's own memory is there, and there is no way back. */
static void check_args(struct bl_parser *parser, const struct rule_draft *draft)
{
	if (draft->what.nodes.args && draft->rule.action == BL_ACTION_DENY &&
	    parser->diags->errors == draft->errors)
		bl_diag_hint(
			bl_parse_error(parser, draft->what.nodes.args - 1, "key-does-not-fit",
				       "arguments are known when it is too late to deny the "
				       "program"),
			"\"kill\" ends it before it runs an instruction; \"alert\" reports it");
}

static void warn_unconditional(struct bl_parser *parser, const struct rule_draft *draft)
{
	const struct bl_match_nodes *nodes = &draft->what.nodes;
	char ops[32];

	/* A rule with a misspelt key means something else. */
	if (parser->diags->errors > draft->errors || draft->rule.action == BL_ACTION_ALERT ||
	    nodes->path || nodes->access || nodes->file || nodes->args || nodes->to ||
	    nodes->port || nodes->protocol || nodes->family || nodes->socket || nodes->by ||
	    draft->unless)
		return;
	bl_diag_hint(bl_parse_diag(parser, BL_DIAG_WARNING, draft->node, "denies-everything",
				   "the rule %s every %s of every process",
				   draft->rule.action == BL_ACTION_KILL ? "kills at" : "denies",
				   ops_text(draft->rule.ops, ops)),
		     "name what is meant by \"path\", \"to\" or \"by\"");
}

static int rule_finish(struct bl_parser *parser, struct rule_draft *draft)
{
	struct bl_policy *policy = parser->policy;
	int r = 0;

	bl_parse_check_fit(parser, &draft->what.nodes, draft->rule.ops, "the rule");
	if (draft->rule.ops & OP_BIT(BL_OP_CONNECT))
		r = bl_parse_rule_families(parser, &draft->what.nodes, &draft->what.match);
	if (r == 0 && draft->unless)
		r = exceptions_parse(parser, draft->unless, draft);
	if (r < 0)
		return r;
	r = check_id(parser, draft);
	if (r < 0)
		return r;
	check_args(parser, draft);
	warn_unconditional(parser, draft);
	if (bl_grow(&policy->rules, &parser->rules_capacity, policy->n_rules + 1,
		    sizeof(*policy->rules)) < 0)
		return -ENOMEM;
	draft->rule.match = draft->what.match;
	policy->rules[policy->n_rules++] = draft->rule;
	return 0;
}

static int rule_parse(struct bl_parser *parser, uint32_t node, uint32_t index)
{
	struct rule_draft draft = {
		.what = match_draft_default,
		.node = node,
		.errors = parser->diags->errors,
		.rule = {
			.severity = BL_SEVERITY_MEDIUM,
			.file = parser->file,
			.index = index,
			.place = bl_parse_place(parser, node),
		},
	};
	int r;

	draft.what.match.place = draft.rule.place;
	r = bl_parse_object(parser, node, &rule_keys, &draft);
	return r < 0 ? r : rule_finish(parser, &draft);
}

int bl_parse_rules(struct bl_parser *parser, uint32_t node)
{
	uint32_t index = 0;

	if (!bl_parse_kind(parser, node, BL_JSON_ARRAY, "an array of rules"))
		return 0;
	BL_JSON_EACH_ELEMENT(parser->json, node, element)
	{
		int r;

		if (parser->policy->n_rules >= BL_RULES_MAX) {
			bl_parse_error(parser, element, "too-many-rules",
				       "the policy set has more than %u rules", BL_RULES_MAX);
			return 0;
		}
		r = rule_parse(parser, element, index++);
		if (r < 0)
			return r;
	}
	return 0;
}
