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
	BL_VALUE_USER, /* user and group ids */
	_BL_VALUE_MAX,
};

/* The values of one key after expanding lists: patterns, nets or ranges, as the kind says. */
struct bl_values {
	void *items;
	size_t count;
	bool any; /* nets: "any" is among them */
};

struct bl_named_list;

struct bl_lists {
	struct bl_named_list *items;
	size_t count;
	struct bl_strmap *names; /* -> index */
};

struct bl_parser {
	struct bl_policy *policy;
	struct bl_diags *diags;
	size_t rules_capacity, tests_capacity;
	struct bl_place *test_rules; /* where each test names its rule */
	size_t test_rules_capacity;
	struct bl_strmap *rule_ids;  /* -> index in policy->rules */
	struct bl_strmap *all_lists; /* names of all files' lists -> index of the file */
	size_t n_values;	     /* used part of BL_PATTERNS_MAX */
	bool full;		     /* and that it is used up has been said */
	bool no_memory;		     /* a single value could not be read */
	size_t guesses;		     /* candidates that may still be looked at for hints */

	/* the file at hand */
	uint32_t file;
	const struct bl_json *json;
	struct bl_lists lists;
};

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
	bool later; /* named by the language, but not supported by this version */
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

/* A port, a user or group id, or a range of them, as the kind says. */
bool bl_parse_range(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		    struct bl_range *ret);

/* ---- lists -------------------------------------------------------------------------------- */

/* Reads the "lists" of a file: names, references, cycles; their values when they are used. */
int bl_lists_parse(struct bl_parser *parser, uint32_t node);

/* Warns of lists that no rule uses. */
void bl_lists_report_unused(struct bl_parser *parser);

void bl_lists_clear(struct bl_lists *lists);

/*
 * Reads the values of a key with all lists expanded. A list that is the only value is shared
 * between all its users. *ret is empty after an error.
 */
int bl_parse_values(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		    struct bl_values *ret);

/* ---- rules and tests ---------------------------------------------------------------------- */

/* The keys that rules, exceptions and tests have for the object and the subject. */
struct bl_match_nodes {
	uint32_t path, access, file, to, port, protocol, by; /* 0: absent */
	uint32_t family, socket, args;
};

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

/* Keys of subjects that this version refuses. */
extern const struct bl_keys bl_later_subject_keys;

/* All keys of "by". */
extern const struct bl_keys bl_subject_keys;

int bl_parse_rules(struct bl_parser *parser, uint32_t node);
int bl_parse_tests(struct bl_parser *parser, uint32_t node);

/* Says which tests name a rule that no file has; when all files have been read. */
void bl_parse_check_test_rules(struct bl_parser *parser);
