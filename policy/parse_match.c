/* SPDX-License-Identifier: Apache-2.0 */
/* What rules, exceptions, profiles and adjustments match: the keys of objects and subjects. */
#include "parse.h"

#include <errno.h>
#include <string.h>

struct bl_patterns bl_patterns_of(const struct bl_values *values)
{
	return (struct bl_patterns){
		.items = values->items,
		.count = (uint32_t)values->count,
		.shared = values->shared,
	};
}

static int patterns_parse(struct bl_parser *parser, uint32_t value, struct bl_patterns *ret,
			  bool *ret_has)
{
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_PATH, &values);

	if (r < 0)
		return r;
	*ret = bl_patterns_of(&values);
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
	struct bl_match_draft *draft = object;

	draft->nodes.path = value;
	return patterns_parse(parser, value, &draft->match.path, &draft->match.has_path);
}

static int parse_match_access(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;
	uint32_t mask;

	draft->nodes.access = value;
	if (bl_parse_word_mask(parser, value, &bl_words_access, &mask))
		draft->match.access = (uint8_t)mask;
	return 0;
}

static int parse_match_file(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;
	uint32_t mask;

	draft->nodes.file = value;
	if (bl_parse_word_mask(parser, value, &bl_words_file, &mask))
		draft->match.facts = (uint8_t)mask;
	return 0;
}

static int parse_match_to(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;
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
	struct bl_match_draft *draft = object;

	draft->nodes.port = value;
	return ranges_parse(parser, value, BL_VALUE_PORT, &draft->match.ports,
			    &draft->match.has_ports);
}

static int parse_match_protocol(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;
	uint32_t mask;

	draft->nodes.protocol = value;
	if (bl_parse_word_mask(parser, value, &bl_words_protocol, &mask))
		draft->match.protocols = (uint8_t)mask;
	return 0;
}

static int parse_match_family(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;

	/* One that is wrong fits whatever stands beside it. */
	if (bl_parse_families(parser, value, &draft->match.families))
		draft->nodes.family = value;
	return 0;
}

static int parse_match_socket(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_SOCKET, &values);

	if (r < 0)
		return r;
	draft->nodes.socket = value;
	draft->match.socket = bl_patterns_of(&values);
	draft->match.has_socket = true;
	return 0;
}

static int parse_match_args(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;
	struct bl_values values;
	int r = bl_parse_values(parser, value, BL_VALUE_ARGUMENT, &values);

	if (r < 0)
		return r;
	draft->nodes.args = value;
	draft->match.args = bl_patterns_of(&values);
	draft->match.has_args = true;
	return 0;
}

static int parse_by_exe(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, &match->exe, &match->has_exe);
}

static int parse_by_parent(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, &match->parent, &match->has_parent);
}

static int parse_by_ancestor(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return patterns_parse(parser, value, &match->ancestor, &match->has_ancestor);
}

static int parse_by_uid(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return ranges_parse(parser, value, BL_VALUE_USER, &match->uids, &match->has_uids);
}

static int parse_by_gid(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match *match = object;

	return ranges_parse(parser, value, BL_VALUE_GROUP, &match->gids, &match->has_gids);
}

static const struct bl_key by_keys[] = {
	{ .name = "exe", .parse = parse_by_exe },
	{ .name = "parent", .parse = parse_by_parent },
	{ .name = "ancestor", .parse = parse_by_ancestor },
	{ .name = "uid", .parse = parse_by_uid },
	{ .name = "gid", .parse = parse_by_gid },
};
const struct bl_keys bl_subject_keys = {
	.what = "\"by\"",
	.items = by_keys,
	.count = BL_ARRAY_SIZE(by_keys),
	.base = &bl_task_keys,
};

int bl_parse_by(struct bl_parser *parser, uint32_t value, void *object)
{
	struct bl_match_draft *draft = object;

	draft->nodes.by = value;
	if (bl_json_kind(parser->json, value) == BL_JSON_OBJECT && !parser->json->nodes[value].len)
		bl_diag_hint(bl_parse_error(parser, value, "empty-object", "\"by\" says nothing"),
			     "leave it out where everybody is meant");
	return bl_parse_object(parser, value, &bl_subject_keys, &draft->match);
}

static const struct bl_key match_key_items[] = {
	{ .name = "path", .parse = parse_match_path },
	{ .name = "access", .parse = parse_match_access },
	{ .name = "file", .parse = parse_match_file },
	{ .name = "args", .parse = parse_match_args },
	{ .name = "to", .parse = parse_match_to },
	{ .name = "port", .parse = parse_match_port },
	{ .name = "protocol", .parse = parse_match_protocol },
	{ .name = "family", .parse = parse_match_family },
	{ .name = "socket", .parse = parse_match_socket },
	{ .name = "by", .parse = bl_parse_by },
};

const struct bl_keys bl_match_keys = {
	.what = "an exception",
	.items = match_key_items,
	.count = BL_ARRAY_SIZE(match_key_items),
};

/* ---- keys and operations ------------------------------------------------------------------ */

const char *bl_parse_ops_text(uint8_t ops, char text[static 32])
{
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t op = 1; op < _BL_OP_MAX; op++) {
		if (ops & BL_OP_BIT(op))
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
			      "\"%s\" belongs to %s, but %s is on %s", key,
			      bl_parse_ops_text(fits, want), what, bl_parse_ops_text(ops, have));
	if (ops & fits)
		bl_diag_hint(diag, "write one rule for each operation");
}

void bl_parse_check_fit(struct bl_parser *parser, const struct bl_match_nodes *nodes, uint8_t ops,
			const char *what)
{
	const uint8_t files = BL_OP_BIT(BL_OP_EXEC) | BL_OP_BIT(BL_OP_OPEN);
	const uint8_t connect = BL_OP_BIT(BL_OP_CONNECT);

	check_key_fits(parser, nodes->path, ops, files, what);
	check_key_fits(parser, nodes->access, ops, BL_OP_BIT(BL_OP_OPEN), what);
	check_key_fits(parser, nodes->file, ops, BL_OP_BIT(BL_OP_EXEC), what);
	check_key_fits(parser, nodes->args, ops, BL_OP_BIT(BL_OP_EXEC), what);
	check_key_fits(parser, nodes->to, ops, connect, what);
	check_key_fits(parser, nodes->port, ops, connect, what);
	check_key_fits(parser, nodes->protocol, ops, connect, what);
	check_key_fits(parser, nodes->family, ops, connect, what);
	check_key_fits(parser, nodes->socket, ops, connect, what);
}

/* ---- exceptions --------------------------------------------------------------------------- */

const struct bl_match_draft bl_match_draft_default = {
	.match = { .access = BL_ACCESS_ANY, .protocols = BL_PROTO_ANY },
};

static int exception_parse(struct bl_parser *parser, uint32_t node, const struct bl_rule *rule,
			   struct bl_match *ret)
{
	struct bl_match_draft draft = bl_match_draft_default;
	int r;

	if (bl_json_kind(parser->json, node) == BL_JSON_OBJECT && !parser->json->nodes[node].len)
		bl_diag_hint(bl_parse_error(parser, node, "empty-object",
					    "an exception without keys excepts everything"),
			     "remove the rule instead");
	r = bl_parse_object(parser, node, &bl_match_keys, &draft);
	if (r < 0)
		return r;
	bl_parse_check_fit(parser, &draft.nodes, rule->ops, "the rule");
	if (draft.nodes.args)
		bl_diag_hint(bl_parse_error(parser, draft.nodes.args - 1, "key-does-not-fit",
					    "an exception can't go by arguments"),
			     "whoever is to be caught could add the one that is excepted: name "
			     "programs or subjects");
	draft.match.place = bl_parse_place(parser, node);
	if (rule->ops & BL_OP_BIT(BL_OP_CONNECT))
		r = bl_parse_except_families(parser, node, &draft.nodes, rule->match.families,
					     &draft.match);
	*ret = draft.match;
	return r;
}

/* Room for further exceptions behind those that a rule has; a rule's are in one array. */
static int exceptions_reserve(struct bl_parser *parser, uint32_t node, struct bl_rule *rule,
			      size_t count, bool *ret_room)
{
	struct bl_match *unless;

	*ret_room = rule->n_unless + count <= BL_EXCEPTS_MAX;
	if (!*ret_room) {
		bl_diag_hint(bl_parse_error(parser, node, "too-many-values",
					    "a rule has at most %d exceptions, this one has %zu",
					    BL_EXCEPTS_MAX, rule->n_unless + count),
			     "put values of one key into one exception, or into a list");
		return 0;
	}
	unless = bl_arena_alloc(parser->policy->arena, rule->n_unless + count, sizeof(*unless));
	if (!unless)
		return -ENOMEM;
	if (rule->n_unless)
		memcpy(unless, rule->unless, rule->n_unless * sizeof(*unless));
	rule->unless = unless;
	return 0;
}

int bl_parse_exceptions(struct bl_parser *parser, uint32_t node, struct bl_rule *rule)
{
	size_t count = bl_json_kind(parser->json, node) == BL_JSON_ARRAY
			       ? parser->json->nodes[node].len
			       : 1;
	bool room;
	int r;

	if (bl_parse_is_empty(parser, node))
		return 0;
	r = exceptions_reserve(parser, node, rule, count, &room);
	if (r < 0 || !room)
		return r;
	BL_PARSE_EACH(parser, node, element)
	{
		r = exception_parse(parser, element, rule, &rule->unless[rule->n_unless]);
		if (r < 0)
			return r;
		rule->n_unless++;
	}
	return 0;
}

/* What a profile allows by its name alone: paths, or of connects addresses. */
static int allowed_parse(struct bl_parser *parser, uint32_t node, const struct bl_rule *rule,
			 struct bl_match *ret)
{
	bool connect = rule->ops & BL_OP_BIT(BL_OP_CONNECT);
	struct bl_match_draft draft = bl_match_draft_default;
	int r = connect ? parse_match_to(parser, node, &draft)
			: parse_match_path(parser, node, &draft);

	draft.match.place = bl_parse_place(parser, node);
	if (r == 0 && connect)
		r = bl_parse_except_families(parser, node, &draft.nodes, rule->match.families,
					     &draft.match);
	*ret = draft.match;
	return r;
}

int bl_parse_allowed(struct bl_parser *parser, uint32_t node, struct bl_rule *rule)
{
	size_t count = 0, names = 0;
	bool room;
	int r;

	BL_PARSE_EACH(parser, node, element)
	{
		count++;
		names += bl_json_kind(parser->json, element) != BL_JSON_OBJECT;
	}
	if (!count)
		return 0;
	/* Names without anything beside them are one exception, however many. */
	r = exceptions_reserve(parser, node, rule, names == count ? 1 : count, &room);
	if (r < 0 || !room)
		return r;
	if (names == count) {
		r = allowed_parse(parser, node, rule, &rule->unless[rule->n_unless++]);
		return r;
	}
	BL_PARSE_EACH(parser, node, element)
	{
		struct bl_match *unless = &rule->unless[rule->n_unless++];

		/* The same as where no object stands beside it. */
		if (bl_json_kind(parser->json, element) == BL_JSON_ARRAY) {
			bl_parse_error(parser, element, "wrong-type",
				       "expected a name or an object, found an array");
			continue;
		}
		r = bl_json_kind(parser->json, element) == BL_JSON_OBJECT
			    ? exception_parse(parser, element, rule, unless)
			    : allowed_parse(parser, element, rule, unless);
		if (r < 0)
			return r;
	}
	return 0;
}
