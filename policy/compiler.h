/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of the compiler hand to each other; nobody outside of compile*.c needs it. */
#pragma once

#include "base.h"
#include "compile.h"
#include "dfa.h"
#include "hash.h"
#include "image.h"
#include "ports.h"
#include "prefix.h"
#include "subject.h"
#include "trie.h"

/*
 * A list is a set of patterns: a rule's 'path', an exception's, or a condition's 'exe'; lists
 * with the same patterns are one. What a machine finds out about a path is which atoms match: an
 * atom is a list and the part of it that the machine has been given.
 */
enum bl_part {
	BL_PART_EXACT = 0, /* trie: the literals */
	BL_PART_BELOW,	   /* trie: everything below a literal */
	BL_PART_KNOWN,	   /* trie: globs that were seen, when compiling, to match this literal */
	BL_PART_GLOB,	   /* DFA: the real globs */
	BL_PART_PLAIN,	   /* DFA: what the trie could do as well, but not together with a glob */
	BL_PART_ABOVE,	    /* trie: the directories above the literals */
	BL_PART_ABOVE_GLOB, /* DFA: the directories above the real globs */
	_BL_PART_MAX,
};
#define BL_PART_SHIFT 3
static_assert(_BL_PART_MAX <= 1 << BL_PART_SHIFT, "atoms are list << shift | part");
static_assert(_BL_PART_MAX <= 7, "parts fit below BL_NEED_PLAIN_ALL");

static inline uint32_t bl_atom(uint32_t list, enum bl_part part)
{
	return list << BL_PART_SHIFT | (uint32_t)part;
}

/* What a pattern stands for. */
enum bl_shape {
	BL_SHAPE_EXACT = 1 << 0, /* some literals */
	BL_SHAPE_BELOW = 1 << 1, /* everything below some literals */
	BL_SHAPE_GLOB = 1 << 2,	 /* neither */
	BL_SHAPE_DEEP = 1 << 3,	 /* can match a path that is too long or deep to be walked */
	BL_SHAPE_PATH = 1 << 4,	 /* can match a path at all; else an abstract name */
};

/* A distinct pattern text; its first occurrence. */
struct bl_pat {
	const struct bl_pattern *pattern;
	uint8_t shapes; /* enum bl_shape */
};

/* Parts that a list must have: 1 << enum bl_part, and: */
#define BL_NEED_PLAIN_ALL (1u << 7) /* BL_PART_PLAIN with the literals, too */

struct bl_list_info {
	uint8_t shapes; /* of all its patterns */
	uint8_t needs;
	bool is_args; /* some rule asks for arguments by it */
	uint32_t first_user; /* in users, until the next list's */
	uint32_t first_cond; /* in list_conds, until the next list's */
	uint32_t first_kin[_BL_KIN_MAX]; /* in kin_conds, likewise; not of the program itself */
	uint32_t first_trace; /* in exe_traces, until the next list's */
};

/* Lists, nets and ports are numbers from 1; 0: the key is absent and holds for everything. */
struct bl_except_info {
	const struct bl_match *match;
	uint32_t path;
	uint32_t nets;
	uint32_t ports;
	uint32_t exe; /* the list that its condition asks for */
	uint32_t cond;
};

/*
 * An exception for a program: whoever its rule holds for, and to whom neither it nor one that holds whatever
 * is done applies, is not to take hold of a process that runs the program.
 */
struct bl_trace_info {
	uint32_t exe;	  /* the program's list */
	uint32_t cond;	  /* the rule's */
	uint32_t excepts; /* number in excepts_out */
};

struct bl_rule_info {
	const struct bl_rule *rule;
	uint32_t rank; /* position when all rules are sorted by strictness, severity, id */
	uint32_t path; /* never 0 where the rule is about paths */
	uint32_t args;
	uint32_t number; /* from 1, of the rules that ask for arguments, in order of rank; 0: it doesn't */
	uint32_t nets;
	uint32_t ports;
	uint32_t cond;
	uint32_t first_except; /* in excepts; rule->n_unless of them */
	uint8_t verdict;
	uint8_t triggers;  /* 1 << enum bl_part: parts of its list that make it a candidate */
	bool by_addr;	   /* found by address, not by port alone */
};

/* A class of paths before it has an offset: numbers of lists of candidates and of a bitset. */
struct bl_class_info {
	uint32_t exec_list, open_list;
	uint32_t bits[_BL_KIN_MAX]; /* of the conditions that ask for it */
	uint32_t untrusted; /* number of the class that takes its place; 0: none */
};

/* An address class: its default list, and lists of ports that differ. */
struct bl_addr_info {
	uint32_t list;
	uint32_t by_port;
};

struct bl_port_entry {
	uint32_t addr_class; /* id */
	uint32_t port_class;
	uint32_t list; /* may be 0: an empty list, not 'no entry' */
};

struct bl_compiler {
	const struct bl_policy *policy;
	struct bl_diags *diags;
	struct bl_header header; /* has the key from the start */

	/* rules */
	struct bl_rule_info *rules; /* by index */
	uint32_t *by_rank;	    /* rank -> index */
	uint32_t *args_rules;	    /* number -> index; header.n_args of them, from 1 */
	struct bl_except_info *excepts;
	size_t n_excepts;
	struct bl_subjects subjects;

	/* patterns and lists */
	struct bl_pat *pats; /* [0] is unused */
	size_t n_pats, pats_capacity;
	struct bl_strmap *pat_by_text;
	struct bl_strmap *list_by_array; /* the bytes of a struct bl_patterns */
	struct bl_interns lists;	 /* sorted pattern numbers */
	struct bl_list_info *list_infos; /* [0] is 'no list'; one more at the end */
	size_t list_capacity;
	uint32_t everything; /* the list of rules without a path */
	uint32_t every_socket; /* that of rules on all unix sockets */
	uint32_t *users;     /* rule indexes by list */
	uint32_t *list_conds; /* conditions by list that they ask for */
	size_t n_list_conds;
	uint32_t *kin_conds[_BL_KIN_MAX]; /* ... as that of a parent or an ancestor */
	struct bl_glob glob; /* work space */

	/* candidates */
	struct bl_interns excepts_out; /* struct bl_except[], the last one marked */
	struct bl_interns lists_out;   /* struct bl_cand[], excepts being a number in excepts_out */
	struct bl_interns traces;      /* struct bl_trace_info, in order of rank */
	uint32_t *trace_ranks;	       /* by number in traces - 1: that of the first such rule */
	size_t trace_ranks_capacity;
	uint32_t *exe_traces;	       /* numbers in traces by list */
	uint32_t *words;	       /* work space */
	size_t words_capacity;

	/* path classes */
	struct bl_trie trie;
	struct bl_dfa dfa;
	struct bl_interns class_infos; /* struct bl_class_info */
	struct bl_interns bits;	       /* bitsets of header.cond_words 64-bit words */
	uint32_t *trie_classes;	       /* by number in trie.sets */
	uint32_t *list_marks;	       /* by list: the last turn that it was seen in */
	uint32_t *match_marks;	       /* by rank: the last turn that the rule's path matched in */
	uint32_t *move_marks;	       /* by rank: ... that the rule holds names in their place in */
	uint32_t turn;
	uint32_t open_deep, exec_deep, open_lost, exec_lost, exec_pseudo;

	/* connections */
	struct bl_strmap *nets_by_array; /* the bytes of a struct bl_nets */
	const struct bl_nets **nets;	 /* [0] is unused */
	size_t n_nets, nets_capacity;
	struct bl_interns port_sets;   /* sorted disjoint ranges */
	struct bl_ranges_in *port_ins; /* by number - 1 */
	struct bl_ports ports;
	uint32_t *port_lists; /* by port class */
	struct bl_prefixes v4, v6;
	struct bl_interns addr_sets;
	struct bl_addr_info *addrs; /* by number in addr_sets */
	uint32_t *addr_users;	    /* rule indexes by nets number */
	uint32_t *addr_first;	    /* by nets number, one more at the end */
	struct bl_port_entry *port_entries;
	size_t n_port_entries, port_entries_capacity;
	uint32_t family_lists[BL_FAMILIES];

	struct bl_image image;
	uint8_t digest[32];
};

/* Adds an error at a rule (NULL: the whole set) and returns -EINVAL. */
int bl_compiler_refuse(struct bl_compiler *c, const struct bl_rule *rule, const char *code,
		       const char *hint, const char *fmt, ...) BL_PRINTF(5, 6);

/* The stages in order. Each returns 0, -EINVAL with a diagnostic, -E2BIG, or -ENOMEM. */
int bl_compile_rules(struct bl_compiler *c);
int bl_compile_objects(struct bl_compiler *c);
int bl_compile_connects(struct bl_compiler *c);
int bl_compile_layout(struct bl_compiler *c, struct bl_tables *tables);

/* The tables of subjects, and all bitsets: *ret_bits has their offsets by their numbers in c->bits; free() it. */
int bl_compile_subjects(struct bl_compiler *c, uint32_t **ret_bits);

int bl_compile_digest(const struct bl_compiler *c, uint8_t ret[32]);

/* What building the DFA may take; more than the image may have, since it is minimised afterwards. */
extern const struct bl_dfa_budget bl_compile_budget;

/*
 * Makes the automaton of all patterns that are the DFA's, but for those marked in without (by
 * number; may be NULL). Has no states if there are none.
 */
int bl_compile_nfa(struct bl_compiler *c, const uint8_t *without, struct bl_nfa *nfa);

/* The patterns exceed the DFA's budget: adds an error that names those to blame. */
int bl_compile_blame(struct bl_compiler *c);

/* Whether a rule is about destinations of any of these families (1 << AF_*). */
static inline bool bl_rule_connects(const struct bl_rule *rule, uint64_t families)
{
	return rule->ops & 1 << BL_OP_CONNECT && rule->match.families & families;
}

/* What is known of the object when candidates are chosen. */
struct bl_object {
	enum bl_op op;
	bool unnamed;	    /* no exception's path holds */
	bool marked;	    /* c->match_marks and c->move_marks say how each rule comes to be here */
	bool merge;	    /* drop what a candidate that is at least as strict makes useless */
	uint8_t family;	    /* connect: AF_*; 0: inet and inet6 */
	bool has_port;	    /* port is one that stands for its class; else no port key holds */
	uint32_t port;
	const uint32_t
		*traces; /* exec: numbers of exceptions for the program that this is, ascending */
	size_t n_traces;
};

/*
 * Makes a list of the rules with these ranks (sorted, each once). Exceptions with a path or nets
 * hold where c->list_marks has the current turn.
 */
int bl_compile_list(struct bl_compiler *c, const struct bl_object *object, const uint32_t *ranks,
		    size_t n, uint32_t *ret_list);

/*
 * What an exception of a rule says of those who take hold of a process: those to whom it applies, or to whom
 * one applies that holds whatever is done, may. *ret is a number in excepts_out; 0: everybody may.
 */
int bl_compile_trace_excepts(struct bl_compiler *c, const struct bl_rule_info *info, size_t index,
			     uint32_t *ret);

/* Finds the exceptions for programs. */
int bl_compile_traces(struct bl_compiler *c);

/* Appends the numbers of those for a list to the work space. */
int bl_compile_push_traces(struct bl_compiler *c, uint32_t list, size_t *n);

/* Makes a list of the rules that ask for arguments by a list that c->list_marks has the current turn of. */
int bl_compile_args_list(struct bl_compiler *c, uint32_t *ret_list);

/* The directories above guarded paths: marks them in the trie, or adds them to the automaton. */
int bl_compile_above_trie(struct bl_compiler *c);
int bl_compile_above_nfa(struct bl_compiler *c, const uint8_t *without, struct bl_nfa *nfa);

/* Appends a word to the work space. */
int bl_compile_push(struct bl_compiler *c, size_t *n, uint32_t word);

/* Whether a rule is about what is known of an object. Those on unix sockets are with the opens. */
static inline bool bl_rule_concerns(const struct bl_rule *rule, const struct bl_object *object)
{
	if (rule->ops & 1 << object->op)
		return true;
	return object->op == BL_OP_OPEN && bl_rule_connects(rule, BL_FAMILIES_UNIX);
}

/* The literals behind a pattern, by way of fn; -EDOM where it is a real glob. */
int bl_compile_expand(struct bl_compiler *c, uint32_t pat, bl_glob_literal_fn fn, void *userdata);

/* Parses a pattern into c->glob. */
int bl_compile_parse(struct bl_compiler *c, uint32_t pat);
