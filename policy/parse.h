/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of the policy parser: its state, key tables, and the readers of single values. */
#pragma once

#include "json.h"
#include "policy.h"
#include "words.h"

#define BL_LIST_DEPTH_MAX 32 /* lists within lists */
#define BL_ATTACK_MAX	  32 /* technique ids of one rule */

/*
 * Faults in a policy go to parser->diags and never end the parsing: functions that return int
 * return 0 whatever they found, or -ENOMEM; those that return bool say whether the value is good.
 */

/* What the values of a list can be. */
enum bl_value_kind {
	BL_VALUE_PATH,
	BL_VALUE_SOCKET, /* lists can't be inserted: '@' begins an abstract name here */
	BL_VALUE_ARGUMENT,
	BL_VALUE_NET,
	BL_VALUE_PORT,
	BL_VALUE_USER,
	BL_VALUE_GROUP,
	BL_VALUE_LOGIN, /* a user's, or "unset" */
	BL_VALUE_UNIT,
	BL_VALUE_SLICE,
	BL_VALUE_CGROUP,
	BL_VALUE_CONTAINER,
	_BL_VALUE_MAX,
};

/* The values of one key after expanding lists: patterns, nets or ranges, as the kind says. */
struct bl_values {
	void *items;
	size_t count;
	bool any; /* nets: "any" is among them */
	bool shared; /* they are those of a list, which others may have as well */
};

struct bl_patterns bl_patterns_of(const struct bl_values *values);

struct bl_named_list;

/* A file of the set while the set is read: a policy, or list entries. */
struct bl_text {
	struct bl_json *json;	  /* NULL: it could not be read */
	struct bl_strmap *lists;  /* names of its own -> index in bl_parser.lists; may be NULL */
	uint32_t rules, profiles, adjust, tests; /* nodes; 0: absent */
};

struct bl_parser {
	struct bl_policy *policy;
	struct bl_diags *diags;
	const struct bl_policy_host *host;
	size_t files_capacity, rules_capacity, tests_capacity;
	struct bl_text *texts; /* as many as policy->files */
	size_t n_texts, texts_capacity;
	struct bl_named_list *lists; /* of all files */
	size_t n_lists, lists_capacity;
	struct bl_strmap *list_names; /* -> the first list of that name */
	struct bl_place *test_rules;  /* where each test names its rule */
	size_t test_rules_capacity;
	struct bl_strmap *rule_ids; /* -> index in policy->rules */
	size_t n_values;	    /* used part of BL_PATTERNS_MAX */
	bool full;		    /* and that it is used up has been said */
	bool rules_full;	    /* the same of rules */
	bool no_memory;		    /* a single value could not be read */
	size_t guesses;		    /* candidates that may still be looked at for hints */

	/* the file at hand */
	uint32_t file;
	const struct bl_json *json;
	bool in_test; /* what is read is part of a test */
};

/* Makes another file the one at hand; returns which it was. */
static inline uint32_t bl_parse_enter(struct bl_parser *parser, uint32_t file)
{
	uint32_t old = parser->file;

	parser->file = file;
	parser->json = parser->texts[file].json;
	return old;
}

/* Adds a file to policy->files and parser->texts; takes json over. Returns 0 or -ENOMEM. */
int bl_parse_add_text(struct bl_parser *parser, const char *path, struct bl_json *json);

/* ---- diagnostics -------------------------------------------------------------------------- */

struct bl_diag *bl_parse_diag(struct bl_parser *parser, enum bl_diag_level level, uint32_t node,
			      const char *code, const char *fmt, ...) BL_PRINTF(5, 6);

#define bl_parse_error(parser, node, ...) bl_parse_diag(parser, BL_DIAG_ERROR, node, __VA_ARGS__)

struct bl_place bl_parse_place(const struct bl_parser *parser, uint32_t node);

/* ---- objects ------------------------------------------------------------------------------ */

/* A key of an object and what reads its value into the object at hand. */
struct bl_key {
	const char *name;
	int (*parse)(struct bl_parser *parser, uint32_t value, void *object);
	bool required;
};

struct bl_keys {
	const char *what; /* "a rule" */
	const struct bl_key *items;
	size_t count;
	const struct bl_keys *base; /* further keys; may be NULL */
};

/* Reads an object by its key table. */
int bl_parse_object(struct bl_parser *parser, uint32_t node, const struct bl_keys *keys,
		    void *object);

/* ---- scalars ------------------------------------------------------------------------------ */

/* Checks a node's kind; says what was expected. */
bool bl_parse_kind(struct bl_parser *parser, uint32_t node, enum bl_json_kind kind,
		   const char *expected);

/* A word of a table. */
bool bl_parse_word(struct bl_parser *parser, uint32_t node, const struct bl_words *words,
		   uint32_t *ret);

/* One or several words of a table; *ret is the union of their values. */
bool bl_parse_word_mask(struct bl_parser *parser, uint32_t node, const struct bl_words *words,
			uint32_t *ret);

/* A name: letters, digits, and . _ - (and / where slash is set), at most BL_ID_BYTES_MAX. */
bool bl_parse_name(struct bl_parser *parser, uint32_t node, const char *what, bool slash,
		   const char **ret);

/* Free text of at most BL_TEXT_BYTES_MAX, in one line unless 'lines' is set. */
bool bl_parse_text(struct bl_parser *parser, uint32_t node, const char *what, bool lines,
		   const char **ret);

/* Whether a value is an array without elements; that is an error, said here. */
bool bl_parse_is_empty(struct bl_parser *parser, uint32_t node);

/*
 * Visits a scalar as the one element that it stands for, or the elements of an array.
 */
#define BL_PARSE_EACH(parser, value, element)                                                 \
	for (uint32_t element##_array = bl_json_kind((parser)->json, value) == BL_JSON_ARRAY, \
		      element = (value) + element##_array;                                    \
	     element < (parser)->json->nodes[value].next;                                     \
	     element = (parser)->json->nodes[element].next)

/* ---- single values ------------------------------------------------------------------------ */

/* A path pattern. */
bool bl_parse_path(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret);

/* A pattern of unix sockets: of paths, or with an '@' of abstract names. */
bool bl_parse_socket(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret);

/* A pattern of arguments, with BL_GLOB_ARGUMENT put before it. */
bool bl_parse_argument(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret);

/*
 * A pattern of units, slices or containers, with its mark put before it; of containers true and false
 * are values, too.
 */
bool bl_parse_subject_name(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			   struct bl_pattern *ret);

/* A pattern of cgroups, with its mark put before it. */
bool bl_parse_cgroup(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret);

/* One or several names of capabilities; *ret is the union of 1 << CAP_*, of those that are known. */
void bl_parse_capabilities(struct bl_parser *parser, uint32_t node, uint64_t *ret);

/* Tests name one access: a list with several values is none. Returns the value's node, or 0 (said). */
uint32_t bl_parse_single(struct bl_parser *parser, uint32_t value);

/* A number where rules may have ranges. */
bool bl_parse_one_number(struct bl_parser *parser, uint32_t value, enum bl_value_kind kind,
			 uint32_t *ret);

/* The texts of a test's arguments, each with its NUL, in the policy's arena. */
int bl_parse_arguments(struct bl_parser *parser, uint32_t node, const char **ret, uint32_t *ret_len,
		       uint32_t *ret_n);

/* Whether the file at hand has a list of this name. */
bool bl_lists_has(const struct bl_parser *parser, const char *name);

/*
 * A pattern that names exactly one socket, in the policy's arena: a path, or a NUL and an abstract
 * name. Returns as bl_parse_plain_path() does.
 */
int bl_parse_plain_socket(struct bl_parser *parser, uint32_t node, const char **ret,
			  uint32_t *ret_len);

/*
 * A path pattern that names exactly one path, unescaped, in the policy's arena.
 * Returns 1 and the path, 0 where it is none (an error was added), or -ENOMEM.
 */
int bl_parse_plain_path(struct bl_parser *parser, uint32_t node, const char **ret);

/* An address, a network in CIDR notation, or "any" (*ret_any is set then, and *ret untouched). */
bool bl_parse_net(struct bl_parser *parser, uint32_t node, struct bl_net *ret, bool *ret_any);

/* The name or number of a family of sockets. */
bool bl_parse_family(struct bl_parser *parser, uint32_t node, uint8_t *ret);

/* One or several of them, or "any"; *ret is the union of 1 << AF_*. */
bool bl_parse_families(struct bl_parser *parser, uint32_t node, uint64_t *ret);

/*
 * A port, a user or group id, or a range of them, as the kind says. The name of somebody whom the
 * host doesn't know is warned of, and the range is an empty one.
 */
bool bl_parse_range(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		    struct bl_range *ret);

/* ---- lists -------------------------------------------------------------------------------- */

/* Reads the "lists" of a file: their names. Their values are read when they are used. */
int bl_lists_parse(struct bl_parser *parser, uint32_t node);

/* Finds unknown references and cycles, when the lists of all files are known. */
int bl_lists_check(struct bl_parser *parser);

/* Warns of lists that no rule uses. */
void bl_lists_report_unused(struct bl_parser *parser);

void bl_lists_clear(struct bl_parser *parser);

/*
 * Reads the values of a key with all lists expanded. A list that is the only value is shared
 * between all its users. *ret is empty after an error.
 */
int bl_parse_values(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		    struct bl_values *ret);

/* ---- what is matched ---------------------------------------------------------------------- */

/* The keys that rules, exceptions and tests have for the object and the subject. */
struct bl_match_nodes {
	uint32_t path, access, file, to, port, protocol, by; /* 0: absent */
	uint32_t family, socket, args;
};

/* Start of every object that is read with bl_match_keys. */
struct bl_match_draft {
	struct bl_match match;
	struct bl_match_nodes nodes;
};

extern const struct bl_match_draft bl_match_draft_default;

/* Start of every object that is read with bl_event_keys as well. */
struct bl_rule_draft {
	struct bl_match_draft what;
	struct bl_rule rule;
};

/* All keys of objects and subjects, and "by". */
extern const struct bl_keys bl_match_keys;

/* What events say of a rule: "severity", "attack", "message"; and what only people read. */
extern const struct bl_keys bl_event_keys;

/* The value of "by", into a struct bl_match_draft. */
int bl_parse_by(struct bl_parser *parser, uint32_t value, void *object);

/* "exec and open": the operations of a mask. */
const char *bl_parse_ops_text(uint8_t ops, char text[static 32]);

/* Says for each key that does not fit the operations (1 << enum bl_op) why not. */
void bl_parse_check_fit(struct bl_parser *parser, const struct bl_match_nodes *nodes, uint8_t ops,
			const char *what);

/*
 * Settle which families a connect rule is about, and an exception of a rule about the families
 * 'rule'; say which keys don't go together.
 */
int bl_parse_rule_families(struct bl_parser *parser, const struct bl_match_nodes *nodes,
			   struct bl_match *match);
int bl_parse_except_families(struct bl_parser *parser, uint32_t node,
			     const struct bl_match_nodes *nodes, uint64_t rule,
			     struct bl_match *match);

/* Keys of subjects beside the program, user and groups: of "by" (into a struct bl_match), and of tests' "by". */
extern const struct bl_keys bl_task_keys, bl_test_task_keys;

/* All keys of "by". */
extern const struct bl_keys bl_subject_keys;

/* Reads one or several exceptions and adds them to those that the rule has. */
int bl_parse_exceptions(struct bl_parser *parser, uint32_t node, struct bl_rule *rule);

/* The same for what a profile allows: names of objects may stand for themselves, and it may be nothing. */
int bl_parse_allowed(struct bl_parser *parser, uint32_t node, struct bl_rule *rule);

/* ---- rules, profiles, adjustments, tests -------------------------------------------------- */

/*
 * Adds a rule to the set; id is the node that names it. Says so where its id belongs to another one,
 * or there are too many.
 */
int bl_parse_add_rule(struct bl_parser *parser, const struct bl_rule *rule, uint32_t id);

bool bl_parse_action(struct bl_parser *parser, uint32_t node, enum bl_action *ret);

/* Whether a rule's action fits its "args": they are read when there is no way back. */
bool bl_parse_check_args(struct bl_parser *parser, uint32_t node, const struct bl_rule *rule);

int bl_parse_rules(struct bl_parser *parser, uint32_t node);
int bl_parse_profiles(struct bl_parser *parser, uint32_t node);
int bl_parse_tests(struct bl_parser *parser, uint32_t node);

/* Reads the adjustments of the file at hand; when the rules of all files are known. */
int bl_parse_adjusts(struct bl_parser *parser, uint32_t node);

/*
 * Puts into policy->removed the rules that adjustments have disabled, and those that can't hold because a file of
 * entries has none; such exceptions go. Only of a set without errors: a value that is wrong is no value either.
 */
int bl_parse_settle_rules(struct bl_parser *parser);

/* Says which tests name a rule that no file has; when all files have been read. */
void bl_parse_check_test_rules(struct bl_parser *parser);
