/* SPDX-License-Identifier: Apache-2.0 */
/* Why an access is decided as it is: each rule by itself, beside what the compiled tables say. */
#pragma once

#include "compile.h"

/* The keys of rules and exceptions that an access can fail; 1 << these in masks. */
enum bl_key_id {
	BL_KEY_PATH = 0,
	BL_KEY_ACCESS,
	BL_KEY_FILE,
	BL_KEY_ARGS,
	BL_KEY_FAMILY,
	BL_KEY_SOCKET,
	BL_KEY_TO,
	BL_KEY_PORT,
	BL_KEY_PROTOCOL,
	BL_KEY_EXE, /* from here on: who acts */
	BL_KEY_PARENT,
	BL_KEY_ANCESTOR,
	BL_KEY_UID,
	BL_KEY_GID,
	BL_KEY_LOGIN,
	BL_KEY_CAPABILITY,
	BL_KEY_UNIT,
	BL_KEY_SLICE,
	BL_KEY_CGROUP,
	BL_KEY_CONTAINER,
	BL_KEY_UNLESS, /* of rules: an exception holds */
	_BL_KEY_MAX,
};

#define BL_KEY_BIT(key) (1u << (key))

/* A rule or an exception, and what keeps it from applying to the access. */
struct bl_near {
	const struct bl_rule *rule;
	const struct bl_match *match;  /* the rule's, or the exception's */
	const struct bl_match *except; /* where BL_KEY_UNLESS fails: which exception holds */
	uint32_t failing;	       /* BL_KEY_BIT()s */
	size_t shared; /* how much of the object it names */
};

#define BL_EXPLAIN_NEAREST_MAX 5

/* Pointers are into the policy. Zero-initialise; bl_explanation_clear() frees. */
struct bl_explanation {
	struct bl_answer answer;	 /* of the compiled tables */
	const struct bl_rule **matching; /* the winner first, then the others as strict as they are */
	size_t n_matching;
	/* Of the matching ones those that were not asked: what is refused has no arguments. */
	const struct bl_rule **waiting;
	size_t n_waiting;
	struct bl_near
		nearest[BL_EXPLAIN_NEAREST_MAX]; /* rules that don't match, the nearest first */
	size_t n_nearest;
	struct bl_near
		excepts[BL_EXPLAIN_NEAREST_MAX]; /* the winner's exceptions: why they don't hold */
	size_t n_excepts;
	bool unnamed; /* no path is known or can be walked: the tables alone say what matches, the strictest */
	char *exception;       /* a policy that lifts what is refused, as JSON; NULL: there is none */
	enum bl_verdict after; /* what the access comes to with it */
};

/*
 * Explains an access under a policy and its tables, of which bl_tables_verify() must approve. known:
 * BL_KEY_BIT()s of what is known of the subject beyond its executable; exceptions go by these.
 * Returns 0 and the explanation in *ret; -ENOMEM; or -EBADMSG: rules and tables don't agree, which
 * is a fault of the compiler or of this. *ret is to be cleared in any case.
 */
int bl_explain(const struct bl_policy *policy, const struct bl_tables *tables,
	       const struct bl_query *query, uint32_t known, struct bl_explanation *ret);

/*
 * The same without tables: those of the rules that can concern the access are made for it, which takes a small
 * part of the time. What only the whole policy's tables would tell, such as a budget that they exceed, is not found.
 * Returns -EINVAL too, with the reason in diags: these few rules exceed a budget.
 */
int bl_explain_alone(const struct bl_policy *policy, const struct bl_query *query, uint32_t known,
		     struct bl_diags *diags, struct bl_explanation *ret);

void bl_explanation_clear(struct bl_explanation *explanation);

/* BL_KEY_BIT()s of what the rules of a policy and their exceptions ask of subjects. */
uint32_t bl_explain_asked(const struct bl_policy *policy);

/* The key's name, "path" or "by.uid". */
const char *bl_key_name(enum bl_key_id key);

/*
 * What a rule or an exception wants of a key, and what the access has there, in words that are good to
 * show. Each returns a new string (free() it) or NULL when memory is short.
 */
char *bl_key_wanted(const struct bl_match *match, enum bl_key_id key);
char *bl_key_found(const struct bl_query *query, enum bl_key_id key);
