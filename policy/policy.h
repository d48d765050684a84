/* SPDX-License-Identifier: Apache-2.0 */
/* The policy model: what the parser makes of JSON files and the compiler reads. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "diag.h"

/* Limits of what a policy set may hold; docs/policy.md names them. */
#define BL_FILE_BYTES_MAX    (64u << 20) /* one policy file */
#define BL_JSON_DEPTH_MAX    32
#define BL_FILES_MAX	     1024
#define BL_RULES_MAX	     1000000u
#define BL_PATTERNS_MAX	     4000000u /* list entries after expansion, of the whole set */
#define BL_ENTRIES_MAX	     1000000 /* of one file of list entries */
#define BL_PATTERN_BYTES_MAX 4096     /* PATH_MAX with its NUL */
#define BL_ID_BYTES_MAX	     128
#define BL_TEXT_BYTES_MAX    1024     /* message, description */

#define BL_LOGIN_UNSET UINT32_MAX /* audit's login uid of whoever has not logged in */

#define BL_OP_BIT(op) (1u << (op)) /* of enum bl_op, in masks of operations */

enum bl_mode {
	BL_MODE_MONITOR = 1,
	BL_MODE_ENFORCE,
	_BL_MODE_MAX,
};

enum bl_action {
	BL_ACTION_ALERT = 1,
	BL_ACTION_DENY,
	BL_ACTION_KILL,
	_BL_ACTION_MAX,
};

enum bl_severity {
	BL_SEVERITY_INFO = 1,
	BL_SEVERITY_LOW,
	BL_SEVERITY_MEDIUM, /* the default */
	BL_SEVERITY_HIGH,
	BL_SEVERITY_CRITICAL,
	_BL_SEVERITY_MAX,
};

/* Where something stands in a file; bl_json_at() finds the node. */
struct bl_place {
	uint32_t file; /* index in bl_policy.files; from n_files on: of files of list entries */
	uint32_t line;
	uint32_t column;
};

/* A glob or literal path as written, or as a symbolic link in it leads on ('via' is set then). */
struct bl_pattern {
	const char *text; /* NUL-terminated, starts with '/', '@' or '=', in the policy's arena */
	uint32_t len;
	bool literal;	 /* no unescaped glob character: text is a plain path after unescaping */
	bool plain;	 /* a literal path of which every byte stands for itself; when in doubt it is none */
	bool resolved;	 /* not written by the user, but reached by following symbolic links */
	struct bl_place place;
};

/* Patterns of one JSON value after expanding lists; shared between rules where it is the same list. */
struct bl_patterns {
	struct bl_pattern *items;
	/*
	 * Where nothing was there of what any of them is about: the paths that were looked for, the first
	 * BL_ABSENT_MAX of them. Filled by bl_policy_resolve().
	 */
	const char **absent;
	uint32_t count; /* a rule has ten of these, and there are many rules; no padding: it is a key of maps */
	uint16_t n_absent;
	uint16_t shared; /* 1: others have the same array, too */
};
static_assert(sizeof(struct bl_patterns) == 24, "no padding");
#define BL_ABSENT_MAX 16

/* Inclusive range of ids or ports. */
struct bl_range {
	uint32_t first;
	uint32_t last;
};

struct bl_ranges_in {
	struct bl_range *items;
	size_t count;
};

/* An address prefix. IPv4 addresses are in addr[0..3], prefix 0..32. */
struct bl_net {
	uint8_t addr[16]; /* network byte order, host bits zero */
	uint8_t family;	  /* AF_INET or AF_INET6 */
	uint8_t prefix;
	struct bl_place place;
};

struct bl_nets {
	struct bl_net *items;
	size_t count;
};

/*
 * The keys that a rule and an exception share. A key that is absent (has_* false or count 0)
 * holds for everything. The parser guarantees that every present key fits the rule's 'on'.
 */
struct bl_match {
	struct bl_patterns path;
	struct bl_patterns socket; /* patterns of paths, or with an '@' of abstract names */
	struct bl_patterns args;   /* each begins with BL_GLOB_ARGUMENT */
	struct bl_nets to;
	struct bl_ranges_in ports;
	struct bl_patterns exe;	  /* by.exe */
	struct bl_ranges_in uids; /* by.uid */
	struct bl_ranges_in gids; /* by.gid */
	struct bl_patterns parent; /* by.parent, by.ancestor: paths, as exe */
	struct bl_patterns ancestor;
	struct bl_ranges_in logins; /* by.login; BL_LOGIN_UNSET: nobody has logged in */
	uint64_t capabilities;	    /* by.capability: 1 << CAP_*, one of which must be held */
	struct bl_patterns units;   /* by.unit: each begins with BL_GLOB_UNIT */
	struct bl_patterns slices;  /* by.slice: BL_GLOB_SLICE */
	struct bl_patterns cgroups; /* by.cgroup: BL_GLOB_CGROUP, and then a path */
	/* by.container: BL_GLOB_CONTAINER alone (false), or with a '/' and an id (true: any). */
	struct bl_patterns containers;
	bool has_path, has_to, has_ports, has_exe, has_uids, has_gids;
	bool has_socket, has_args;
	bool has_parent, has_ancestor, has_logins, has_capabilities;
	bool has_units, has_slices, has_cgroups, has_containers;
	bool to_any;		  /* "to" contains "any": both families, every address */
	bool to_family;		  /* to stands for "family": all addresses of one */
	/*
	 * Of connect: 1 << AF_*, what the rule is about, the families that the other keys leave
	 * included. Where only one of inet and inet6 is left, "to" has addresses of that one only.
	 */
	uint64_t families;
	uint8_t access;		  /* BL_ACCESS_* of open; BL_ACCESS_ANY where left out */
	uint8_t protocols;	  /* BL_PROTO_*; BL_PROTO_ANY where left out */
	uint8_t facts;		  /* BL_FACT_* of exec, one of which must hold; 0 where left out */
	struct bl_place place;
};

/* What is said of a rule to those who keep policies; nothing of it is in events. Each may be NULL. */
struct bl_notes {
	const char *description;
	const char *false_positives; /* what the rule reports though nothing is wrong */
	const char *tuning;	     /* how to except that */
};

struct bl_rule {
	const char *id;
	uint8_t ops; /* 1 << enum bl_op */
	enum bl_action action;
	enum bl_severity severity;
	const char *message;	    /* may be NULL */
	const struct bl_notes *notes; /* may be NULL */
	const char **attack;	    /* n_attack technique ids */
	size_t n_attack;
	struct bl_match match;
	struct bl_match *unless;
	size_t n_unless;
	uint32_t file;		    /* index in bl_policy.files: gives the mode */
	uint32_t index;		    /* in that file's "rules" or "profiles", for JSON pointers */
	bool of_profile;	    /* what a profile refuses for one operation */
	bool adjusted;		    /* its action is an adjustment's */
	bool disabled;		    /* by an adjustment; of no rule that is in force */
	struct bl_place adjusted_at, disabled_at; /* the adjustments; line 0: none */
	struct bl_place place;
};

/* One embedded test: a concrete access and what is expected of it. */
struct bl_test {
	enum bl_op op;
	const char *path;  /* exec, open; NULL for a memfd */
	uint8_t access;	   /* open: one or several bits */
	uint8_t facts;	   /* exec: BL_FACT_* that hold */
	struct bl_net to;  /* connect: one address */
	uint16_t port;
	uint8_t protocol;  /* one BL_PROTO_ bit; tcp where left out */
	uint8_t family;	   /* connect: AF_* of a test without an address; 0: there is one */
	const char *socket; /* connect: a path, or a NUL and an abstract name */
	uint32_t socket_len;
	const char *args;  /* exec: n_args texts, each with its NUL */
	uint32_t args_len, n_args;
	const char *exe;   /* by.exe; NULL: none given */
	const char *parent; /* by.parent; NULL: it was forked by none */
	const char **ancestors; /* by.ancestor: all that it comes from */
	size_t n_ancestors;
	uint32_t uid, gid; /* by.uid, by.gid; 0 where left out */
	uint32_t login;	   /* by.login; BL_LOGIN_UNSET where left out */
	uint64_t capabilities; /* by.capability: 1 << CAP_* */
	/* by.cgroup, by.unit, by.slice; NULL: none given, and the latter two are the cgroup's. */
	const char *cgroup, *unit, *slice;
	const char *container; /* by.container's id; NULL: it has none */
	bool has_container;    /* by.container is given; else it is the cgroup's */
	bool in_container;
	enum bl_verdict expect; /* any but BL_VERDICT_UNSET */
	const char *rule;  /* id of the rule that must decide; NULL: any */
	uint32_t file, index;
	struct bl_place place;
};

struct bl_file {
	const char *path;	 /* as named by the user */
	const char *name;	 /* "name"; the file name without .json where left out */
	const char *description; /* may be NULL */
	enum bl_mode mode;
	struct bl_json *document; /* for JSON pointers; its text is the arena's */
};

/*
 * A policy set: all files that are in force together. Rules are in file order and, within a
 * file, as written; ids are unique over the whole set. Owns everything below it.
 */
struct bl_policy {
	struct bl_file *files; /* the policy files, and after them the files of list entries */
	size_t n_files;	       /* policy files only */
	size_t n_texts;	       /* with the files of list entries */
	struct bl_rule *rules;
	size_t n_rules;
	struct bl_rule *
		removed; /* rules that are not in force: disabled, or without values that could hold */
	size_t n_removed;
	struct bl_test *tests;
	size_t n_tests;
	struct bl_arena *arena;
};

/* 1 << AF_*, of all families and of those that have addresses and ports. */
#define BL_FAMILY_BIT(family) (1ull << (family))
#define BL_FAMILIES_ANY	      (~1ull)
#define BL_FAMILIES_UNIX      BL_FAMILY_BIT(1)			      /* AF_UNIX */
#define BL_FAMILIES_IP	      (BL_FAMILY_BIT(2) | BL_FAMILY_BIT(10)) /* AF_INET, AF_INET6 */
#define BL_FAMILIES_OTHER     (BL_FAMILIES_ANY & ~(BL_FAMILIES_UNIX | BL_FAMILIES_IP))

/* One source text to parse. bytes need not be NUL-terminated. */
struct bl_source {
	const char *path; /* for diagnostics */
	const char *bytes;
	size_t len;
};

enum bl_account {
	BL_ACCOUNT_USER = 1,
	BL_ACCOUNT_GROUP,
};

/* What a policy says about the host that it is for and does not hold itself. */
struct bl_policy_host {
	/* Finds the number of a user or group. Returns 0, -ENOENT, or another -errno. */
	int (*find_account)(void *userdata, enum bl_account account, const char *name,
			    uint32_t *ret);
	/*
	 * Reads a file of list entries; *ret stays valid as long as the policy. Returns 0, or
	 * -errno with a sentence about it in *reterr_why (static storage).
	 */
	int (*read_entries)(void *userdata, const char *path, const struct bl_source **ret,
			    const char **reterr_why);
	void *userdata;
};

/*
 * Parses and validates all sources together as one set. Never stops at the first error: every
 * error of every source is added to diags (owned by the caller). host may be NULL: then nobody has
 * a name, and no file can be read.
 * Returns 0 and a policy in *ret (free with bl_policy_free()), or -EINVAL when there was at least
 * one error, or -ENOMEM. *ret is untouched on failure.
 */
int bl_policy_parse(const struct bl_source *sources, size_t n_sources,
		    const struct bl_policy_host *host, struct bl_diags *diags,
		    struct bl_policy **ret);

/*
 * Frees a policy set; NULL is allowed.
 */
void bl_policy_free(struct bl_policy *policy);

/*
 * Answers where a path component leads: writes the target of the symbolic link at 'path' (not
 * NUL-terminated) to buf and returns its length, or -EINVAL when it is no symbolic link, or another
 * -errno (-ENOENT: does not exist; -EPERM: an ordinary user made this link, so it must not widen
 * what a rule means). The policy room has no file system of its own.
 */
typedef int (*bl_readlink_fn)(void *userdata, const char *path, char *buf, size_t size);

/*
 * Adds to every path and exe pattern what its symbolic links lead to (bl_pattern.resolved): for
 * a literal path every name on the way to the final object, for a glob the names its literal
 * leading directories lead to. A brace of literals counts as literals, up to 64 of them.
 * Adds a note to diags for each pattern that leads elsewhere, a warning for one that can't be
 * followed to its end (a loop, /proc/self, a look-up that answers -EPERM or -EACCES): no error,
 * because whoever may make symbolic links could keep a policy from being loaded then.
 * Returns 0, -EINVAL (more than BL_PATTERNS_MAX patterns; an error was added) or -ENOMEM.
 */
int bl_policy_resolve(struct bl_policy *policy, bl_readlink_fn readlink_fn, void *userdata,
		      struct bl_diags *diags);

/* Words of the language; NULL for a value that has none. */
const char *bl_op_name(enum bl_op op);
const char *bl_verdict_name(enum bl_verdict verdict);
const char *bl_severity_name(enum bl_severity severity);
const char *bl_mode_name(enum bl_mode mode);
const char *bl_action_name(enum bl_action action);
