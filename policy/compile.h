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

struct bl_outline;

/* The same, and *ret_outline (NULL: not asked for; else see outline.h). */
int bl_compile_outlined(const struct bl_policy *policy, const uint64_t key[2][BL_HASH_WORDS],
			struct bl_diags *diags, struct bl_tables **ret,
			struct bl_outline *ret_outline);

void bl_tables_free(struct bl_tables *tables);

/* What a rule comes to in the mode of its file. */
enum bl_verdict bl_rule_verdict(const struct bl_policy *policy, const struct bl_rule *rule);

/*
 * Checks an image from end to end: every offset in range and aligned, nothing crosses a chunk,
 * every state, class, list and bitset reference valid. The kernel's loops rely on it.
 * Returns 0, or -EBADMSG with the reason in *reterr_what (static storage).
 */
int bl_tables_verify(const uint8_t *bytes, size_t len, const char **reterr_what);

/*
 * Visits each list of candidates of an image once; unnamed: only objects without a usable name
 * have it, or those on file systems of other user namespaces.
 * Returns 0, -ENOMEM, or -EBADMSG for an image that is not sound.
 */
typedef void (*bl_list_fn)(void *userdata, const struct bl_list *list, bool unnamed);
int bl_tables_each_list(const struct bl_tables *tables, bl_list_fn visit, void *userdata);

/* One concrete access, to be decided in user space by the kernel's own logic. */
struct bl_query {
	enum bl_op op;
	const char
		*path; /* exec, open: absolute, normalised; "/" is the root; NULL: can't be known */
	bool untrusted;	  /* exec, open and a socket's path: on a file system of another user namespace */
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
	const char *parent; /* executable of the process that forked it; NULL: there was none */
	const char *const *ancestors; /* all that came before it, its parent's among them */
	size_t n_ancestors;
	bool kin_unknown; /* there may be any others of both */
	uint32_t uid;
	const uint32_t *gids; /* effective group first, then the supplementary ones */
	size_t n_gids;
	bool has_login;	      /* false: nobody has logged in */
	uint32_t login;
	uint64_t capabilities; /* 1 << CAP_* */
	const char *cgroup;    /* path; NULL: the root */
	bool nested;	       /* in a PID namespace other than the first */
	const char *unit, *slice; /* NULL: the cgroup's */
	bool has_container;	  /* false: the cgroup's */
	bool in_container;
	const char *container; /* its id; NULL: not known, and then it may as well be none */
};

struct bl_answer {
	enum bl_verdict verdict; /* BL_VERDICT_ALLOW where no rule matches */
	uint32_t rule;		 /* index of the winner; only where verdict is not ALLOW */
	uint32_t others;	 /* further rules that matched */
};

/*
 * Adds to the bitsets the conditions that ask for a parent or an ancestor of this path, which is trusted so far
 * (enum bl_trust); of these classes, which another name of the same file has come to; or, for what is not known,
 * all that any program could come to. Paths are as in struct bl_query.
 */
void bl_kin_of_path(const struct bl_tables *tables, const char *path, unsigned int trust,
		    uint64_t *parent, uint64_t *ancestor);
void bl_kin_of_classes(const struct bl_tables *tables, const uint32_t *classes, size_t n,
		       unsigned int trust, uint64_t *parent, uint64_t *ancestor);
void bl_kin_of_any(const struct bl_tables *tables, uint64_t *parent, uint64_t *ancestor);

/*
 * Sets the conditions that the names of a cgroup leave open, by its path ("" is the root's); nested: of processes
 * in a PID namespace other than the first one.
 */
void bl_called_of_cgroup(const struct bl_tables *tables, const char *path, bool nested,
			 uint64_t ret[static BL_COND_WORDS]);

#define BL_MATCHES_MAX 64

/*
 * The rules that match an access, as far as they are told apart, in no order. Returns how many are in ret.
 */
size_t bl_decide_matches(const struct bl_tables *tables, const struct bl_query *query,
			 uint32_t ret[static BL_MATCHES_MAX]);

/* Decides one access. tables must have passed bl_tables_verify(). */
void bl_decide(const struct bl_tables *tables, const struct bl_query *query, struct bl_answer *ret);

/*
 * Winner among equally strict rules: the higher severity, then the smaller rule id (bytewise).
 * Lists are sorted that way, so the first match wins.
 */
