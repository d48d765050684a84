/* SPDX-License-Identifier: Apache-2.0 */
/* One access in the words of a command line, read as a test of a policy is. */
#pragma once

#include "base.h"
#include "explain.h"

/* How a word becomes a value. */
enum bl_ask_kind {
	BL_ASK_TEXT = 1,
	BL_ASK_PATH,   /* bytes that stand for themselves */
	BL_ASK_NUMBER, /* or a name */
	BL_ASK_CHOICE, /* "true", "false", or bytes that stand for themselves */
	BL_ASK_WORDS,  /* separated by commas */
	BL_ASK_ALL,    /* the same, and those of further times are more of them */
	BL_ASK_TEXTS,  /* may be given several times, and together they are all */
	BL_ASK_PATHS,  /* the same of paths */
};

/* A key that a test may have, and an option of the same name but of what is the object. */
struct bl_ask_key {
	const char *name;
	enum bl_ask_kind kind;
	bool object;		/* said by bl_ask_about() */
	enum bl_key_id subject; /* what it says of who acts; 0: it is about the object */
	const char *key;	/* where it is called otherwise in a test */
};

extern const struct bl_ask_key bl_ask_keys[];
extern const size_t bl_ask_n_keys;

struct bl_ask_value {
	const struct bl_ask_key *key;
	char *bytes;
	size_t len;
};

/* Zero-initialise; bl_ask_clear() frees. */
struct bl_ask {
	const char *on; /* the operation's word; not owned */
	struct bl_ask_value *values;
	size_t n_values, capacity;
	bool trace; /* taking hold of a process of the program, not starting it */
	bool raw;   /* by a raw socket, beside the protocol */
	bool untrusted; /* the object is on a file system of another user namespace */
};

/* Says something by an option's name. Returns 0, -ENOMEM, or -ENOENT: there is none of that name. */
int bl_ask_add(struct bl_ask *ask, const char *name, const char *bytes, size_t len);

/*
 * Names the operation and the object: "exec" and "open" a path, or "memfd"; "trace" the path of the
 * program of a process; "connect" an address, ADDRESS:PORT, [ADDRESS]:PORT, a socket by its path or '@' and
 * its abstract name, or the name of a family. Returns 0, -ENOMEM, or -ENOENT: no such operation.
 */
int bl_ask_about(struct bl_ask *ask, const char *operation, const char *object);

/*
 * Reads what was said. Returns 0 and a policy that has one test and no rules (free with
 * bl_policy_free()), -EINVAL with errors in diags that are about the command line, or -ENOMEM.
 */
int bl_ask_parse(const struct bl_ask *ask, const struct bl_policy_host *host,
		 struct bl_diags *diags, struct bl_policy **ret);

/* BL_KEY_BIT()s of what was said of the subject. */
uint32_t bl_ask_known(const struct bl_ask *ask);

void bl_ask_clear(struct bl_ask *ask);
