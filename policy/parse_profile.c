/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: all that one subject may do. Each is a rule for every operation that it speaks of. */
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct profile_draft {
	struct bl_rule_draft base; /* what all its rules have in common */
	uint32_t id;		   /* nodes; 0: absent */
	uint32_t allowed[_BL_OP_MAX];
};
static_assert(offsetof(struct profile_draft, base) == 0, "\"by\" is read as of rules");

static int parse_profile_id(struct bl_parser *parser, uint32_t value, void *object)
{
	struct profile_draft *draft = object;

	if (bl_parse_name(parser, value, "an id", true, &draft->base.rule.id))
		draft->id = value;
	return 0;
}

static int parse_profile_otherwise(struct bl_parser *parser, uint32_t value, void *object)
{
	struct profile_draft *draft = object;
	bl_parse_action(parser, value, &draft->base.rule.action);
	return 0;
}

static int parse_allow_exec(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct profile_draft *)object)->allowed[BL_OP_EXEC] = value;
	return 0;
}

static int parse_allow_open(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct profile_draft *)object)->allowed[BL_OP_OPEN] = value;
	return 0;
}

static int parse_allow_connect(struct bl_parser *parser, uint32_t value, void *object)
{
	((struct profile_draft *)object)->allowed[BL_OP_CONNECT] = value;
	return 0;
}

static const struct bl_key allow_key_items[] = {
	{ .name = "exec", .parse = parse_allow_exec },
	{ .name = "open", .parse = parse_allow_open },
	{ .name = "connect", .parse = parse_allow_connect },
};

static const struct bl_keys allow_keys = {
	.what = "\"allow\"",
	.items = allow_key_items,
	.count = BL_ARRAY_SIZE(allow_key_items),
};

static int parse_profile_allow(struct bl_parser *parser, uint32_t value, void *object)
{
	struct profile_draft *draft = object;

	if (bl_json_kind(parser->json, value) == BL_JSON_OBJECT && !parser->json->nodes[value].len)
		bl_diag_hint(
			bl_parse_error(parser, value, "empty-object",
				       "the profile speaks of no operation, so it refuses "
				       "nothing"),
			"what may be done of each: \"exec\": [], \"open\": [], \"connect\": []");
	return bl_parse_object(parser, value, &allow_keys, draft);
}

static const struct bl_key profile_key_items[] = {
	{ .name = "id", .parse = parse_profile_id, .required = true },
	{ .name = "by", .parse = bl_parse_by, .required = true },
	{ .name = "allow", .parse = parse_profile_allow, .required = true },
	{ .name = "otherwise", .parse = parse_profile_otherwise, .required = true },
};

static const struct bl_keys profile_keys = {
	.what = "a profile",
	.items = profile_key_items,
	.count = BL_ARRAY_SIZE(profile_key_items),
	.base = &bl_event_keys,
};

/* "ID/exec": the operation has a rule of its own, so that an event and an adjustment can name it. */
static int profile_rule_id(struct bl_parser *parser, struct bl_rule *rule, uint32_t node,
			   enum bl_op op)
{
	char id[BL_ID_BYTES_MAX + 16];
	size_t len;

	len = (size_t)snprintf(id, sizeof(id), "%s/%s", rule->id, bl_op_name(op));
	if (len > BL_ID_BYTES_MAX)
		bl_parse_error(parser, node, "bad-name",
			       "the id of a profile has at most %zu bytes here: its rule for %s "
			       "is called \"ID/%s\"",
			       BL_ID_BYTES_MAX - strlen(bl_op_name(op)) - 1, bl_op_name(op),
			       bl_op_name(op));
	rule->id = bl_arena_strndup(parser->policy->arena, id, len);
	return rule->id ? 0 : -ENOMEM;
}

static int profile_op(struct bl_parser *parser, const struct profile_draft *draft, enum bl_op op)
{
	struct bl_rule rule = draft->base.rule;
	int r;

	rule.ops = (uint8_t)BL_OP_BIT(op);
	rule.match = draft->base.what.match;
	rule.match.exe.shared = rule.match.parent.shared = rule.match.ancestor.shared = 1;
	/* Unlike a rule: what is not allowed is refused, whatever it is. */
	if (op == BL_OP_CONNECT)
		rule.match.families = BL_FAMILIES_ANY;
	r = profile_rule_id(parser, &rule, draft->id, op);
	if (r == 0)
		r = bl_parse_allowed(parser, draft->allowed[op], &rule);
	return r < 0 ? r : bl_parse_add_rule(parser, &rule, draft->id);
}

static int profile_parse(struct bl_parser *parser, uint32_t node, uint32_t index)
{
	struct profile_draft draft = {
		.base.what = bl_match_draft_default,
		.base.rule = {
			.severity = BL_SEVERITY_MEDIUM,
			.file = parser->file,
			.index = index,
			.of_profile = true,
			.place = bl_parse_place(parser, node),
		},
	};
	int r;

	draft.base.what.match.place = draft.base.rule.place;
	r = bl_parse_object(parser, node, &profile_keys, &draft);
	for (uint32_t op = 1; r == 0 && draft.id && op < _BL_OP_MAX; op++) {
		if (draft.allowed[op])
			r = profile_op(parser, &draft, op);
	}
	return r;
}

int bl_parse_profiles(struct bl_parser *parser, uint32_t node)
{
	uint32_t index = 0;

	if (!bl_parse_kind(parser, node, BL_JSON_ARRAY, "an array of profiles"))
		return 0;
	BL_JSON_EACH_ELEMENT(parser->json, node, element)
	{
		int r = profile_parse(parser, element, index++);

		if (r < 0)
			return r;
	}
	return 0;
}
