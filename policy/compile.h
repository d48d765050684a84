/* SPDX-License-Identifier: Apache-2.0 */
/* The policy compiler: a validated policy set in, one image of plain bytes out. */
#pragma once

#include "policy.h"

/* Budgets; a policy set that exceeds one is refused with the patterns that are to blame. */
#define BL_DFA_STATES_MAX 200000u
#define BL_DFA_BYTES_MAX  (64u << 20)
#define BL_IMAGE_BYTES_MAX (1u << 30)

/* A compiled policy set. Owns bytes. */
struct bl_tables {
	uint8_t *bytes; /* struct bl_header first; see abi.h */
	size_t len;	/* a multiple of BL_CHUNK_BYTES */
	struct {
		uint32_t trie_nodes, dfa_states, byte_classes, classes, lists, conds, prefixes;
	} stats;
};

/*
 * Compiles a policy set. key: random words for the fingerprints (2 x BL_HASH_WORDS), or NULL for
 * a fixed key (tests, check: same policy, same bytes).
 * The digest in the header depends on the policy set's meaning only, not on the key.
 * Returns 0 and the image in *ret (free with bl_tables_free()); -EINVAL with diags filled when a
 * budget is exceeded; -ENOMEM. *ret is untouched on failure.
 */
int bl_compile(const struct bl_policy *policy, const uint64_t key[2][BL_HASH_WORDS],
	       struct bl_diags *diags, struct bl_tables **ret);

void bl_tables_free(struct bl_tables *tables);

/*
 * Checks an image from end to end: every offset in range and aligned, nothing crosses a chunk,
 * every state, class, list and bitset reference valid. The kernel's loops rely on it.
 * Returns 0, or -EBADMSG with the reason in *reterr_what (static storage).
 */
int bl_tables_verify(const uint8_t *bytes, size_t len, const char **reterr_what);

/* One concrete access, to be decided in user space by the kernel's own logic. */
struct bl_query {
	enum bl_op op;
	const char
		*path; /* exec, open: absolute, normalised; "/" is the root; NULL: can't be known */
	bool pseudo;	  /* exec: on a kernel-internal file system, such as a memfd; path is NULL */
	uint8_t access;	  /* open: bits; exec: BL_ACCESS_EXEC and BL_FACT_ bits; connect: BL_PROTO_ bits */
	const char *args;    /* exec: the arguments but for the first one, each with its NUL */
	size_t args_len;
	uint32_t n_args;
	const char *socket;  /* connect to a unix socket: a path, or a NUL and an abstract name */
	size_t socket_len;
	const uint8_t *addr; /* connect: 4 or 16 bytes, network order; nothing of other families */
	uint8_t family;	     /* AF_* */
	uint16_t port;
	const char *exe;  /* NULL: no executable is known */
	uint32_t uid;
	const uint32_t *gids; /* effective group first, then the supplementary ones */
	size_t n_gids;
};

struct bl_answer {
	enum bl_verdict verdict; /* BL_VERDICT_ALLOW where no rule matches */
	uint32_t rule;		 /* index of the winner; only where verdict is not ALLOW */
	uint32_t others;	 /* further rules that matched */
};

/* Decides one access. tables must have passed bl_tables_verify(). */
void bl_decide(const struct bl_tables *tables, const struct bl_query *query, struct bl_answer *ret);

/*
 * Winner among equally strict rules: the higher severity, then the smaller rule id (bytewise).
 * Lists are sorted that way, so the first match wins.
 */
