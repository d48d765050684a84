/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of a comparison hand to each other; nobody outside of diff*.c needs it. */
#pragma once

#include "base.h"
#include "called.h"
#include "compile.h"
#include "conditions.h"
#include "diff.h"
#include "intern.h"
#include "outline.h"
#include "peer.h"

/* One of the two sets, and what a walk in its tables needs. */
struct bl_side {
	const struct bl_tables *tables;
	const struct bl_header *header;
	const struct bl_outline *outline;
	struct bl_matcher m;
	struct bl_walk walk;
};

/* ---- names -------------------------------------------------------------------------------- */

/* Which texts are told apart. */
enum bl_names_kind {
	BL_NAMES_PATHS = 1,
	BL_NAMES_SOCKETS, /* abstract names */
	BL_NAMES_ARGS,
	BL_NAMES_UNITS, /* what processes are called, each behind its enum bl_name */
	BL_NAMES_SLICES,
	BL_NAMES_CONTAINERS,
	BL_NAMES_CGROUPS,
};

/* What a text comes to in both sets: offsets of struct bl_class, 0: nothing. */
struct bl_name_class {
	uint32_t trie[BL_SIDES];
	uint32_t dfa[BL_SIDES];
};

/* How a text goes on that has left the literals behind, or where it stands among them. */
struct bl_name_step {
	uint32_t from;	/* the step before; of the first one the node of the joint trie */
	uint32_t child; /* first: the text has some bytes of this node's name; 0: none */
	uint16_t depth; /* ... so many */
	uint8_t byte;
	bool first;
	bool bare; /* the step adds nothing: the text ends where its place in the trie is */
};

/* All classes of the texts of one kind, each with a text. Zero-initialise. */
struct bl_names {
	enum bl_names_kind kind;
	const struct bl_side *sides;
	struct bl_interns classes;    /* struct bl_name_class */
	struct bl_name_step *samples; /* by class - 1 */
	size_t samples_capacity;
	struct bl_interns states; /* of both DFAs behind the literals; see diff_names.c */
	struct bl_name_step *steps; /* by state - 1 */
	size_t steps_capacity;
	struct bl_interns done; /* states from which every byte was tried among the literals */
	struct bl_trie trie;	/* the literals of both */
	uint32_t *items[BL_SIDES]; /* by its nodes: that of each set, or 0 */
	uint32_t *deepest[BL_SIDES]; /* the last one of each set on the way */
	uint32_t *dfa[BL_SIDES]; /* the state after the node's path */
	uint32_t *children, *first_child; /* sorted by name; first_child has one more */
	struct bl_alphabet {
		uint32_t n;
		uint8_t of[256];
		uint8_t bytes[256]; /* by letter, the plainest first */
		uint16_t first[257];
	} alphabet;
};

/* Finds them all. Returns 0, -ENOMEM, or -E2BIG when they are too many to be followed. */
int bl_names_find(struct bl_names *names, enum bl_names_kind kind, const struct bl_side *sides);

struct bl_name_class bl_names_class(const struct bl_names *names, uint32_t number);

/* What a text comes to that is none of a path. */
struct bl_name_class bl_names_read(const struct bl_side *sides, const char *text, size_t len);

/* The byte before the texts of a kind; 0 where it is none of what processes are called. */
uint8_t bl_names_mark(enum bl_names_kind kind);

/*
 * Names of units and slices have to end in their types: how much of one a name ends in so far, from 0 on, and
 * whether that is all of it. Which bytes are part of one; of none in other kinds.
 */
uint32_t bl_tail_next(enum bl_names_kind kind, uint32_t seen, uint8_t byte);
bool bl_tail_is_whole(enum bl_names_kind kind, uint32_t seen);
bool bl_tail_has(enum bl_names_kind kind, uint8_t byte);

/* A text of a class; free() it. NULL: memory is short. */
char *bl_names_sample(const struct bl_names *names, uint32_t number, size_t *ret_len);

/* Takes another literal for a class's sample: the next one behind *node. Returns whether there is one. */
bool bl_names_next_sample(struct bl_names *names, uint32_t number, uint32_t *node);

void bl_names_clear(struct bl_names *names);

/* ---- subjects ----------------------------------------------------------------------------- */

/* What a condition or an access can ask for; of an object's question, facts and arguments as well. */
enum bl_diff_dim {
	BL_DIM_EXE,
	BL_DIM_PARENT,
	BL_DIM_ANCESTOR, /* of the same values; see bl_dim_base() */
	BL_DIM_UID,
	BL_DIM_GID,
	BL_DIM_LOGIN,
	BL_DIM_CAPABILITY,
	BL_DIM_UNIT, /* these four in the order of enum bl_names_kind */
	BL_DIM_SLICE,
	BL_DIM_CONTAINER,
	BL_DIM_CGROUP,
	_BL_DIM_SUBJECT,
	BL_DIM_FACTS = _BL_DIM_SUBJECT,
	BL_DIM_ARGS,
	_BL_DIM_MAX,
};

#define BL_NAMES_CALLED \
	(BL_DIM_CGROUP - BL_DIM_UNIT + 1) /* kinds of names that processes are called by */

/* A set of all values is number 0, so that what asks for nothing has nothing to look at. */
struct bl_box {
	uint32_t set[_BL_DIM_MAX];
};

/* The values that both sets tell apart in one dimension, and sets of them. */
struct bl_dim {
	uint32_t n;
	bool several; /* a subject may have several values at once */
	bool none;    /* ... or none */
	size_t words; /* 32-bit words of a set */
	uint64_t *bits[BL_SIDES]; /* by value: the conditions left open; subjects' dimensions only */
	uint64_t *always[BL_SIDES]; /* those that are left open by no value as well; NULL: none */
	uint32_t *values;	  /* numbers, where they have some */
	struct bl_interns sets;
	uint32_t *conds[BL_SIDES]; /* by condition: the values that it holds for; likewise */
};

/* The dimension that has the values of another one. */
static inline int bl_dim_base(int dim)
{
	return dim == BL_DIM_ANCESTOR ? BL_DIM_PARENT : dim;
}

/* A program that a process comes from. */
struct bl_kin_value {
	uint32_t name; /* a class of paths */
	bool parent;
	bool container; /* on a file system that the host does not mount */
	bool unknown;	/* it may be any */
};

/* What a process can be called. */
struct bl_call {
	uint32_t name;	/* a class of names; 0: none, or of a container that its id is not known */
	bool contained; /* in a container; certainly, or */
	bool maybe;	/* perhaps */
	bool cut;	/* a cgroup that is too deep to be told */
};

/* Values of BL_DIM_EXE: none, then all classes on the host, then all of them in a container. */
struct bl_space {
	const struct bl_side *sides;
	struct bl_dim dims[_BL_DIM_MAX];
	uint32_t *exe_names; /* by number of bits: a class of names */
	uint32_t n_exes;
	uint32_t exe_host, exe_container; /* sets */
	uint32_t paths, memfds; /* sets of facts: of files with and without a path */
	const struct bl_names *called; /* BL_NAMES_CALLED of them */
	struct bl_call *
		calls[BL_NAMES_CALLED]; /* by value; the first is what a test says that says nothing */
	const struct bl_names *programs; /* names of executables */
	struct bl_kin_value *kin; /* by value */
	uint32_t kin_known;	  /* set of those that a test can have; 0: no rule asks */
	uint32_t *args[BL_SIDES]; /* by number of a rule: the classes of arguments it asks for */
	uint8_t *args_verdict[BL_SIDES];
};

int bl_space_make(struct bl_space *space, const struct bl_side *sides, const struct bl_names *paths,
		  const struct bl_names *args, const struct bl_names *called);
void bl_space_clear(struct bl_space *space);

/* The facts that a value of BL_DIM_FACTS stands for, and the set of those with any of some facts. */
uint8_t bl_space_facts(uint32_t value);
int bl_space_facts_set(struct bl_space *space, uint8_t any_of, uint32_t *ret);

/* Makes room for the conditions of so many values; *ret_bits is where those of a value are. */
int bl_dim_alloc(const struct bl_space *space, struct bl_dim *dim, uint32_t n);
uint64_t *bl_dim_bits(const struct bl_space *space, const struct bl_dim *dim, int side,
		      uint32_t value);

/* Turns these round: the values of each condition. */
int bl_dim_finish(const struct bl_space *space, struct bl_dim *dim);

/* The dimensions of what processes come from. */
int bl_space_add_kin(struct bl_space *space);

/* The dimensions of who has logged in, of capabilities, and of what a process is called. */
int bl_space_add_tasks(struct bl_space *space);

/* The number of the value that a process has by what it is called; which: from 0 to BL_NAMES_CALLED. */
uint32_t bl_space_find_call(const struct bl_space *space, uint32_t which,
			    const struct bl_called *called);

/* The text of a value without its mark; free() it. NULL: memory is short. */
char *bl_space_call_text(const struct bl_space *space, uint32_t which, uint32_t value);

static inline bool bl_set_has(const uint32_t *set, uint32_t value)
{
	return set[value / 32] >> (value & 31) & 1;
}

const uint32_t *bl_dim_set(const struct bl_dim *dim, uint32_t number);

/* Adds a set; one with all values becomes number 0. */
int bl_dim_add(struct bl_dim *dim, const uint32_t *set, uint32_t *ret);

/* ---- candidates --------------------------------------------------------------------------- */

/* What is asked; of exec only two of them. */
enum bl_question {
	BL_QUESTION_EXEC = 5, /* the bit of BL_ACCESS_EXEC, with any facts */
	BL_QUESTION_MOVE = 7,
	BL_QUESTION_TRACE = 7,
	BL_QUESTION_RAW = 7,
	_BL_QUESTION_MAX = 8,
};

/*
 * A candidate as both sets would write it: verdict, whether it asks for arguments, its box, and the boxes of
 * its exceptions, sorted.
 */
struct bl_plain_cand {
	uint32_t verdict;
	uint32_t waits;
	struct bl_box box;
	struct bl_box excepts[];
};
#define BL_PLAIN_WORDS (sizeof(struct bl_plain_cand) / sizeof(uint32_t))
#define BL_BOX_WORDS   (sizeof(struct bl_box) / sizeof(uint32_t))

struct bl_plain {
	struct bl_space *space;
	struct bl_interns cands; /* struct bl_plain_cand */
	struct bl_interns lists; /* sorted numbers of those */
	struct bl_interns known; /* side, offset, whether of an exec -> answers[] */
	uint32_t (*answers)[_BL_QUESTION_MAX];
	size_t answers_capacity;
};

/* The number in 'lists' of what a list of a set comes to for a question. */
int bl_plain_list(struct bl_plain *plain, unsigned int side, uint32_t offset, bool exec,
		  unsigned int question, uint32_t *ret);

/* The union of lists. */
int bl_plain_join(struct bl_plain *plain, uint32_t a, uint32_t b, uint32_t *ret);

const struct bl_plain_cand *bl_plain_cand(const struct bl_plain *plain, uint32_t number,
					  size_t *ret_excepts);
void bl_plain_clear(struct bl_plain *plain);

/* ---- the search for a subject ------------------------------------------------------------- */

#define BL_CHOSEN_MAX 16

/* A point of the space: the values of each dimension, but of those that have another one's. */
struct bl_point {
	uint16_t n[_BL_DIM_MAX];
	uint32_t value[_BL_DIM_MAX][BL_CHOSEN_MAX];
};

struct bl_search_for {
	uint32_t wanted; /* a candidate */
	uint32_t own;	 /* the list that it is of */
	uint32_t others; /* the other set's */
	uint32_t facts;	 /* a set of facts of the object; 0: any */
	size_t *budget;	 /* words that may be looked at by all searches yet */
};

/*
 * Searches for somebody whom the wanted candidate holds for and none of the others that is at least as strict;
 * nor one of its own list that keeps a program from having arguments, where it asks for some.
 * Returns 1 and *ret, 0: there is nobody, -E2BIG: the search was given up, or -ENOMEM.
 */
int bl_search(const struct bl_plain *plain, const struct bl_search_for *what, struct bl_point *ret);

/* ---- destinations ------------------------------------------------------------------------- */

/* What both sets look at for a destination, with one that it is so for. */
struct bl_destination {
	uint32_t lists[BL_SIDES][3]; /* of its address, of its port, of the IPv4 address in it */
	uint8_t addr[16];
	uint8_t family;
	uint16_t port;
};

struct bl_destinations {
	struct bl_destination *items;
	size_t count, capacity;
	struct bl_interns known; /* their lists */
};

/* Finds all that are told apart. Returns 0, -ENOMEM, or -E2BIG: too many to be followed. */
int bl_destinations_find(struct bl_destinations *destinations, const struct bl_side *sides);
void bl_destinations_clear(struct bl_destinations *destinations);

/* ---- comparing ---------------------------------------------------------------------------- */

/* An object: the lists that each side searches for it, and what names it. */
struct bl_diff_object {
	enum bl_op op;
	enum bl_witness_kind kind;
	bool exec; /* its lists are of exec */
	bool untrusted; /* on a file system of another user namespace */
	uint32_t lists[BL_SIDES][3];
	uint32_t facts; /* set of facts that it can have; 0: any */
	const struct bl_names *names; /* NULL: it has no name */
	uint32_t name;		      /* class of these */
	const struct bl_destination *destination;
	uint8_t family;
};

/* Somebody for whom two lists differ. */
struct bl_found {
	struct bl_diff_object object;
	struct bl_point point;
	unsigned int question;
	uint8_t protocol; /* of a raw socket */
	const char *place; /* a cgroup by which it is called so; NULL: none was found */
	bool good; /* a test can have it, and on this host it is what it is called */
};

struct bl_differ {
	const struct bl_diff_input *input;
	struct bl_side sides[BL_SIDES];
	struct bl_names paths, sockets, args, called[BL_NAMES_CALLED];
	struct bl_space space;
	struct bl_plain plain;
	struct bl_destinations destinations;
	struct bl_interns searched; /* pairs of lists -> results */
	struct bl_result {
		size_t first, n; /* in points */
	} * results;
	size_t results_capacity;
	struct bl_point *points;
	size_t n_points, points_capacity;
	struct bl_interns wins; /* candidate and question, as found */
	uint32_t *win_counts;
	size_t wins_capacity;
	struct bl_interns kinds;    /* what tells one difference from another */
	uint32_t *kind_items;	    /* by number - 1: index in ret->items */
	size_t kinds_capacity;
	struct bl_found *found;	    /* by item */
	size_t found_capacity;
	size_t budget;
	struct bl_interns calls; /* values of what witnesses are called */
	const char **places;	 /* ... and the cgroup that gives them; NULL: none was found */
	size_t places_capacity;
	size_t n_others;
	uint8_t *path_facts, *socket_facts; /* by class: what was found out about its name */
	struct bl_diff *ret;
};

/* Notes that both sides decide an access otherwise. Returns 0 or -errno. */
int bl_differ_report(struct bl_differ *d, const struct bl_diff_object *object,
		     const struct bl_point *point, unsigned int question, uint8_t protocol);

/*
 * Finds a cgroup by which who was found is called so, or somebody for whom both sets decide the same, whose point
 * is found->point then; found->place is NULL where there is none. Returns 0 or -ENOMEM.
 */
int bl_differ_place(struct bl_differ *d, struct bl_found *found,
		    const struct bl_decided decided[BL_SIDES]);

/* Says what a witness is called. Returns 0 or -ENOMEM. */
int bl_differ_call(struct bl_differ *d, const struct bl_found *found, struct bl_witness *w);

/* Whether both sets decide about somebody else as they did about who was found. */
bool bl_differ_decides(struct bl_differ *d, const struct bl_found *found,
		       const struct bl_point *point, const struct bl_decided decided[BL_SIDES]);

/* Writes out who and what each difference was found for. */
int bl_differ_finish(struct bl_differ *d);
