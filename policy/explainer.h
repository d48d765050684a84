/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the explanation hand to each other; nobody outside of explain*.c needs it. */
#pragma once

#include "base.h"
#include "called.h"
#include "explain.h"
#include "glob.h"

/* One of the addresses that a destination counts as. */
struct bl_form {
	uint8_t addr[16]; /* network order; of IPv4 the first four */
	uint8_t family;	  /* AF_INET or AF_INET6 */
};

/* What long lists are asked about: rules that share one have the same array, and one answer. */
enum bl_memo {
	BL_MEMO_PATH = 0,
	BL_MEMO_EXE,
	BL_MEMO_PICK,
	BL_MEMO_FORM, /* and the second one behind it */
	_BL_MEMO_MAX = BL_MEMO_FORM + 2,
};
#define BL_MEMO_LONG 8 /* shorter ones are looked at again */

/* The access at hand. */
struct bl_explainer {
	const struct bl_policy *policy;
	const struct bl_query *query;
	const char *exe; /* NULL: unknown, or it can't be walked */
	struct bl_called called;
	bool trace;   /* taking hold of a process of the program */
	bool unnamed; /* the path is unknown, or too long or deep to be walked */
	bool ip;      /* a connect to an address */
	struct bl_form forms[2];
	size_t n_forms;
	const struct bl_form *form; /* the one at hand */
	struct bl_glob glob;	    /* work space */
	struct bl_strmap *memos[_BL_MEMO_MAX];
	int error;		    /* the first one: what holds is not known then */
};

/* One key: everything that depends on which it is. */
struct bl_key_kind {
	const char *name; /* of subjects with "by." before it */
	uint8_t ops; /* 1 << enum bl_op: where it can stand */
	bool (*holds)(struct bl_explainer *e, const struct bl_match *match, bool grant);
	void (*wanted)(const struct bl_match *match, FILE *out);
	void (*found)(const struct bl_query *query, FILE *out);
	/*
	 * Of subjects: writes the value that an exception asks for. Returns whether it has one, and has written nothing
	 * if not. NULL of executables, and of what no exception goes by.
	 */
	bool (*except)(const struct bl_explainer *e, FILE *out);
};

const struct bl_key_kind *bl_key_kind(enum bl_key_id key);

/* Those from BL_KEY_LOGIN on. */
extern const struct bl_key_kind bl_key_task_kinds[BL_KEY_UNLESS - BL_KEY_LOGIN];

/* The keys of a rule or (grant) an exception that the access fails. */
uint32_t bl_explain_failing(struct bl_explainer *e, const struct bl_match *match, bool grant);

/* The same of the keys of the subject alone. */
uint32_t bl_explain_failing_subject(struct bl_explainer *e, const struct bl_match *match,
				    bool grant);

/* Whether one of these patterns matches a path (or a NUL and a name, or a NUL and an argument). */
bool bl_explain_matches(struct bl_explainer *e, const struct bl_patterns *patterns,
			const char *text, size_t len);

/* Remembers what came of a list: the bytes of a struct bl_patterns or bl_nets. */
bool bl_explain_recall(const struct bl_explainer *e, enum bl_memo memo, const void *list,
		       size_t size, bool *ret);
void bl_explain_remember(struct bl_explainer *e, enum bl_memo memo, const void *list, size_t size,
			 bool holds);

/* How much of the object a rule or an exception names; in bytes, where that is a path. */
size_t bl_explain_shared(const struct bl_query *query, const struct bl_near *near);

/* Whether a path can be walked: neither too long nor too deep. */
bool bl_explain_walkable(const char *path);

/*
 * Writes an exception that takes each of these rules out, as a policy of adjustments. Returns it (free()
 * it) in *ret, or NULL there if one of the rules can have no further one; or -ENOMEM.
 */
int bl_explain_except(const struct bl_explainer *e, const struct bl_rule *const *rules, size_t n,
		      uint32_t known, char **ret);

/* A part of a policy's rules; what else it has is borrowed. bl_picked_clear() frees the part. */
struct bl_picked {
	struct bl_policy policy;
	uint32_t *from; /* of each of its rules, the index in the whole policy */
	size_t rules_capacity, from_capacity;
};

void bl_picked_init(struct bl_picked *picked, const struct bl_policy *policy);

/* Adds a rule of the policy, unless it can be seen at once that it doesn't concern the access. Returns 0 or -errno. */
int bl_explain_pick(struct bl_explainer *e, const struct bl_rule *rule, struct bl_picked *picked);
void bl_picked_clear(struct bl_picked *picked);

/* Values of a rule, as far as there is room for them; none: what is said where ranges hold for nothing. */
void bl_explain_put_patterns(const struct bl_patterns *patterns, FILE *out);
void bl_explain_put_ranges(const struct bl_ranges_in *ranges, const char *none, FILE *out);

bool bl_explain_in_ranges(const struct bl_ranges_in *ranges, uint32_t number);

/* Writes a JSON string. */
void bl_explain_put_string(const char *text, FILE *out);

/*
 * The pattern of nothing but these bytes: of a path, or of a NUL and an abstract name. Returns it (free() it), or
 * NULL when memory is short. What is no good path makes no good pattern.
 */
char *bl_explain_escape(const char *bytes, size_t len);
