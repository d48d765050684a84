/* SPDX-License-Identifier: Apache-2.0 */
/* Two compiled sets: which accesses they decide otherwise, or the proof that there is none. */
#pragma once

#include "compile.h"

struct bl_outline;

enum { BL_OLD, BL_NEW, BL_SIDES };

enum bl_witness_kind {
	BL_WITNESS_PATH = 1,
	BL_WITNESS_DEEP,    /* any path that is too long or deep to be followed */
	BL_WITNESS_LOST,    /* a file whose name can't be known */
	BL_WITNESS_MEMFD,
	BL_WITNESS_SOCKET,
	BL_WITNESS_ADDRESS,
	BL_WITNESS_FAMILY,
};

/* How an executable is known that no test can have. */
enum bl_witness_exe {
	BL_EXE_HOST = 0,
	BL_EXE_CONTAINER, /* on a file system that the host does not mount */
};

/* A program that a process comes from. */
struct bl_witness_kin {
	const char *name;
	bool parent; /* of the process that it was forked by; several: the names of one file */
	enum bl_witness_exe trust;
};

/* One access. Strings are the report's. */
struct bl_witness {
	enum bl_witness_kind kind;
	const char *name; /* path, or of a socket a path or a NUL and an abstract name */
	size_t name_len;
	bool untrusted; /* ... on a file system of another user namespace */
	uint8_t addr[16];
	uint8_t family; /* of an address or a socket without one */
	uint16_t port;
	uint8_t protocol; /* of a raw socket, its own; enum bl_proto */
	uint8_t facts;
	const char *args; /* n_args texts, each with its NUL */
	size_t args_len;
	uint32_t n_args;
	const char *const *exes; /* several: the names of one file */
	size_t n_exes;
	enum bl_witness_exe trust;
	const struct bl_witness_kin *kin;
	size_t n_kin;
	bool kin_unknown; /* it may come from any other program as well */
	uint32_t uid;
	const uint32_t *gids;
	size_t n_gids;
	uint32_t login; /* BL_LOGIN_UNSET: nobody has logged in */
	uint64_t capabilities;
	const char *unit, *slice,
		*cgroup; /* NULL: of the unit and the slice that they are the cgroup's, which is the root's */
	bool has_container, in_container; /* as of a query */
	bool perhaps; /* it may as well be in none */
	const char *container;
	const char *
		place; /* a cgroup that gives all these names; NULL: none was looked for, or (assumed) found */
	bool assumed;
	bool testable; /* the language of tests has words for all of it, and on the host it means itself */
};

/* What was decided; rule is an index, and only there where the verdict is not BL_VERDICT_ALLOW. */
struct bl_decided {
	enum bl_verdict verdict;
	uint32_t rule;
};

struct bl_difference {
	enum bl_op op;
	/*
	 * Bits that it is the same for, as bl_query.access: of open BL_ACCESS_MOVE too (the name is
	 * taken away), of exec BL_ACCESS_EXEC or BL_ACCESS_TRACE, of connect enum bl_proto.
	 */
	uint8_t access;
	struct bl_witness witness;
	struct bl_decided decided[BL_SIDES];
	size_t classes; /* of objects that it was found for, until it was no longer looked for */
};

struct bl_diff_input {
	const struct bl_tables *tables[BL_SIDES];
	const struct bl_outline *outlines[BL_SIDES];
	/* Whether a path of a witness means itself on the host; NULL: it does. */
	bool (*is_real)(void *userdata, const char *path);
	void *userdata;
};

/* Zero-initialise; bl_diff_clear() frees. */
struct bl_diff {
	struct bl_difference *items; /* in order of operation */
	size_t count, capacity;
	size_t undecided;  /* pairs of lists whose search was given up */
	size_t unreachable; /* ... that only names longer than any file's come to */
	size_t paths, sockets, destinations, subjects; /* classes that were compared */
	struct bl_arena *arena;
};

/*
 * Compares. With no items and nothing undecided there is no access that the sets decide otherwise: every
 * class of objects that both tell apart was compared for every class of subjects.
 * Returns 0, -ENOMEM, -E2BIG: the sets tell too much apart to be compared, or -EBADMSG: the tables do not
 * bear out what was found, which is a fault in here.
 */
int bl_diff(const struct bl_diff_input *input, struct bl_diff *ret);

void bl_diff_clear(struct bl_diff *diff);
