/* SPDX-License-Identifier: Apache-2.0 */
/* Embedded tests: one concrete access each, and the verdict that is expected of it. */
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct test_draft {
	struct bl_test test;
	struct bl_match_nodes nodes;
	uint32_t rule; /* node; 0: absent */
};
static_assert(offsetof(struct test_draft, test) == 0, "\"by\" is read into the test");

uint32_t bl_parse_single(struct bl_parser *parser, uint32_t value)
{
	if (bl_json_kind(parser->json, value) != BL_JSON_ARRAY)
		return value;
	if (parser->json->nodes[value].len == 1)
		return value + 1;
	bl_diag_hint(bl_parse_error(parser, value, "wrong-type",
				    "a test has a single value here, found an array"),
		     "write one test for each");
	return 0;
}

static int parse_test_on(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t op, node = bl_parse_single(parser, value);

	if (node && bl_parse_word(parser, node, &bl_words_on, &op))
		draft->test.op = op;
	return 0;
}

static int parse_test_path(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t node = bl_parse_single(parser, value);
	int r;

	draft->nodes.path = value;
	r = node ? bl_parse_plain_path(parser, node, &draft->test.path) : 0;
	return r < 0 ? r : 0;
}

static int parse_test_access(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t mask;

	draft->nodes.access = value;
	if (bl_parse_word_mask(parser, value, &bl_words_access, &mask))
		draft->test.access = (uint8_t)mask;
	return 0;
}

static int parse_test_file(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t mask;

	draft->nodes.file = value;
	if (bl_parse_word_mask(parser, value, &bl_words_file, &mask))
		draft->test.facts = (uint8_t)mask;
	return 0;
}

static int parse_test_to(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t node = bl_parse_single(parser, value);
	struct bl_net net;
	bool any;

	draft->nodes.to = value;
	if (!node || !bl_parse_net(parser, node, &net, &any))
		return 0;
	if (any || net.prefix != (net.family == AF_INET ? 32 : 128))
		bl_parse_error(parser, node, "not-one-address", "a test needs one address");
	else
		draft->test.to = net;
	return 0;
}

bool bl_parse_one_number(struct bl_parser *parser, uint32_t value, enum bl_value_kind kind,
			 uint32_t *ret)
{
	uint32_t node = bl_parse_single(parser, value);
	struct bl_range range;

	if (!node || !bl_parse_range(parser, node, kind, &range))
		return false;
	if (range.first > range.last)
		return false;
	if (range.first != range.last) {
		bl_parse_error(parser, node, "wrong-type",
			       "a test has a single number here, found a range");
		return false;
	}
	*ret = range.first;
	return true;
}

static int parse_test_port(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t port;

	draft->nodes.port = value;
	if (bl_parse_one_number(parser, value, BL_VALUE_PORT, &port))
		draft->test.port = (uint16_t)port;
	return 0;
}

static int parse_test_protocol(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t protocol, node = bl_parse_single(parser, value);

	draft->nodes.protocol = value;
	if (node && bl_parse_word(parser, node, &bl_words_protocol, &protocol))
		draft->test.protocol = (uint8_t)protocol;
	return 0;
}

static int parse_test_family(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t node = bl_parse_single(parser, value);

	draft->nodes.family = value;
	if (!node || !bl_parse_family(parser, node, &draft->test.family))
		return 0;
	if (BL_FAMILIES_UNIX & BL_FAMILY_BIT(draft->test.family))
		bl_parse_error(parser, node, "key-does-not-fit",
			       "a unix socket is named by \"socket\"");
	if (BL_FAMILIES_IP & BL_FAMILY_BIT(draft->test.family))
		bl_diag_hint(bl_parse_error(parser, node, "key-does-not-fit",
					    "an address says which family it is of"),
			     "leave out \"family\" where there is \"to\"");
	return 0;
}

static int parse_test_socket(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t node = bl_parse_single(parser, value);
	int r;

	draft->nodes.socket = value;
	r = node ? bl_parse_plain_socket(parser, node, &draft->test.socket, &draft->test.socket_len)
		 : 0;
	return r < 0 ? r : 0;
}

static int parse_test_args(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	struct bl_test *test = &draft->test;

	draft->nodes.args = value;
	return bl_parse_arguments(parser, value, &test->args, &test->args_len, &test->n_args);
}

static int parse_test_expect(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t verdict;

	if (bl_parse_word(parser, value, &bl_words_expect, &verdict))
		draft->test.expect = verdict;
	return 0;
}

/* Whether there is such a rule is known when all files have been read. */
static int parse_test_rule(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;

	if (bl_parse_name(parser, value, "an id", true, &draft->test.rule))
		draft->rule = value;
	return 0;
}

static int parse_test_exe(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t node = bl_parse_single(parser, value);
	int r = node ? bl_parse_plain_path(parser, node, &draft->test.exe) : 0;

	return r < 0 ? r : 0;
}

static int parse_test_parent(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	uint32_t node = bl_parse_single(parser, value);
	int r = node ? bl_parse_plain_path(parser, node, &draft->test.parent) : 0;

	return r < 0 ? r : 0;
}

static int parse_test_ancestor(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;
	struct bl_test *test = &draft->test;
	size_t n = 0;

	BL_PARSE_EACH(parser, value, element)
	n++;
	test->ancestors = bl_arena_alloc(parser->policy->arena, n + 1, sizeof(*test->ancestors));
	if (!test->ancestors)
		return -ENOMEM;
	BL_PARSE_EACH(parser, value, element)
	{
		int r = bl_parse_plain_path(parser, element, &test->ancestors[test->n_ancestors]);

		if (r < 0)
			return r;
		test->n_ancestors += (size_t)r;
	}
	return 0;
}

static int parse_test_uid(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;

	bl_parse_one_number(parser, value, BL_VALUE_USER, &draft->test.uid);
	return 0;
}

static int parse_test_gid(struct bl_parser *parser, uint32_t value, void *object)
{
	struct test_draft *draft = object;

	bl_parse_one_number(parser, value, BL_VALUE_GROUP, &draft->test.gid);
	return 0;
}

static const struct bl_key test_by_key_items[] = {
	{ .name = "exe", .parse = parse_test_exe },
	{ .name = "parent", .parse = parse_test_parent },
	{ .name = "ancestor", .parse = parse_test_ancestor },
	{ .name = "uid", .parse = parse_test_uid },
	{ .name = "gid", .parse = parse_test_gid },
};

static const struct bl_keys test_by_keys = {
	.what = "\"by\"",
	.items = test_by_key_items,
	.count = BL_ARRAY_SIZE(test_by_key_items),
	.base = &bl_test_task_keys,
};

static int parse_test_by(struct bl_parser *parser, uint32_t value, void *object)
{
	return bl_parse_object(parser, value, &test_by_keys, object);
}

static const struct bl_key test_key_items[] = {
	{ .name = "on", .parse = parse_test_on, .required = true },
	{ .name = "expect", .parse = parse_test_expect, .required = true },
	{ .name = "path", .parse = parse_test_path },
	{ .name = "access", .parse = parse_test_access },
	{ .name = "file", .parse = parse_test_file },
	{ .name = "args", .parse = parse_test_args },
	{ .name = "to", .parse = parse_test_to },
	{ .name = "port", .parse = parse_test_port },
	{ .name = "protocol", .parse = parse_test_protocol },
	{ .name = "family", .parse = parse_test_family },
	{ .name = "socket", .parse = parse_test_socket },
	{ .name = "by", .parse = parse_test_by },
	{ .name = "rule", .parse = parse_test_rule },
};

static const struct bl_keys test_keys = {
	.what = "a test",
	.items = test_key_items,
	.count = BL_ARRAY_SIZE(test_key_items),
};

/* ---- whole tests -------------------------------------------------------------------------- */

static void require(struct bl_parser *parser, uint32_t node, uint32_t value, const char *key)
{
	if (!value)
		bl_parse_error(parser, node, "missing-key", "this test needs the key \"%s\"", key);
}

/* Ports are a matter of the transport protocols. */
static bool has_ports(uint8_t protocol)
{
	return protocol & (BL_PROTO_TCP | BL_PROTO_UDP | BL_PROTO_SCTP | BL_PROTO_DCCP);
}

/* A memfd never has a name; so there is none to lose, and no mounted file system that it is on. */
static void check_memfd(struct bl_parser *parser, const struct test_draft *draft)
{
	const struct bl_match_nodes *nodes = &draft->nodes;

	if (nodes->path)
		bl_diag_hint(bl_parse_error(parser, nodes->path, "key-does-not-fit",
					    "a memfd has no path"),
			     "leave \"path\" out, or \"memfd\"");
	if (draft->test.facts & (BL_FACT_DELETED | BL_FACT_TMPFS))
		bl_parse_error(parser, nodes->file, "key-does-not-fit",
			       "what is a memfd is neither \"deleted\" nor on a \"tmpfs\"");
}

static void misfit(struct bl_parser *parser, uint32_t value, const char *other)
{
	if (value)
		bl_parse_error(parser, value - 1, "key-does-not-fit",
			       "\"%s\" says nothing about a destination with \"%s\"",
			       bl_json_text(parser->json, value - 1), other);
}

static void check_destination(struct bl_parser *parser, uint32_t node,
			      const struct test_draft *draft)
{
	const struct bl_match_nodes *nodes = &draft->nodes;

	if (nodes->family || nodes->socket) {
		const char *other = nodes->socket ? "socket" : "family";

		misfit(parser, nodes->to, other);
		misfit(parser, nodes->port, other);
		misfit(parser, nodes->protocol, other);
		misfit(parser, nodes->socket ? nodes->family : 0, other);
		return;
	}
	require(parser, node, nodes->to, "to");
	if (has_ports(draft->test.protocol))
		require(parser, node, nodes->port, "port");
}

static void check_complete(struct bl_parser *parser, uint32_t node, const struct test_draft *draft)
{
	const struct bl_test *test = &draft->test;

	switch (test->op) {
	case BL_OP_EXEC:
		if (test->facts & BL_FACT_MEMFD) {
			check_memfd(parser, draft);
			break;
		}
		/* fallthrough */
	case BL_OP_OPEN:
		require(parser, node, draft->nodes.path, "path");
		break;
	case BL_OP_CONNECT:
		check_destination(parser, node, draft);
		break;
	case _BL_OP_MAX:
		break;
	}
	if (draft->rule && test->expect == BL_VERDICT_ALLOW)
		bl_diag_hint(bl_parse_error(parser, draft->rule, "key-does-not-fit",
					    "no rule decides what is allowed"),
			     "leave out \"rule\" where \"expect\" is \"allow\"");
}

static int test_parse(struct bl_parser *parser, uint32_t node, uint32_t index)
{
	struct bl_policy *policy = parser->policy;
	struct test_draft draft = {
		.test = {
			.access = BL_ACCESS_READ,
			.protocol = BL_PROTO_TCP,
			.login = BL_LOGIN_UNSET,
			.file = parser->file,
			.index = index,
			.place = bl_parse_place(parser, node),
		},
	};
	int r;

	parser->in_test = true;
	r = bl_parse_object(parser, node, &test_keys, &draft);
	parser->in_test = false;
	if (r < 0)
		return r;
	if (draft.test.op) {
		bl_parse_check_fit(parser, &draft.nodes, (uint8_t)(1u << draft.test.op),
				   "the test");
		check_complete(parser, node, &draft);
	}
	if (bl_grow(&policy->tests, &parser->tests_capacity, policy->n_tests + 1,
		    sizeof(*policy->tests)) < 0 ||
	    bl_grow(&parser->test_rules, &parser->test_rules_capacity, policy->n_tests + 1,
		    sizeof(*parser->test_rules)) < 0)
		return -ENOMEM;
	parser->test_rules[policy->n_tests] = bl_parse_place(parser, draft.rule);
	policy->tests[policy->n_tests++] = draft.test;
	return 0;
}

int bl_parse_tests(struct bl_parser *parser, uint32_t node)
{
	uint32_t index = 0;

	if (!bl_parse_kind(parser, node, BL_JSON_ARRAY, "an array of tests"))
		return 0;
	BL_JSON_EACH_ELEMENT(parser->json, node, element)
	{
		int r = test_parse(parser, element, index++);

		if (r < 0)
			return r;
	}
	return 0;
}

static void fail_unknown_rule(struct bl_parser *parser, const struct bl_test *test,
			      const struct bl_place *place)
{
	struct bl_nearest nearest = { 0 };
	char pointer[64];
	struct bl_diag_at at = {
		.file = parser->policy->files[place->file].path,
		.line = place->line,
		.column = place->column,
		.pointer = pointer,
	};
	struct bl_diag *diag;

	snprintf(pointer, sizeof(pointer), "/tests/%u/rule", test->index);
	diag = bl_diag_add(parser->diags, BL_DIAG_ERROR, &at, "unknown-rule",
			   "there is no rule with the id \"%s\"", test->rule);
	for (size_t i = 0; i < parser->policy->n_rules && parser->guesses; i++, parser->guesses--) {
		if (parser->policy->rules[i].id)
			bl_nearest_offer(&nearest, test->rule, parser->policy->rules[i].id);
	}
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"%s\"?", nearest.name);
}

void bl_parse_check_test_rules(struct bl_parser *parser)
{
	for (size_t i = 0; i < parser->policy->n_tests; i++) {
		const struct bl_test *test = &parser->policy->tests[i];
		uint32_t index;

		if (test->rule &&
		    !bl_strmap_get(parser->rule_ids, test->rule, strlen(test->rule), &index))
			fail_unknown_rule(parser, test, &parser->test_rules[i]);
	}
}
