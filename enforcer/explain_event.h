/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict in the journal, as a question to explain. */
#pragma once

#include "ask.h"
#include "expect.h"
#include "shown.h"

/* What an event says beyond the access. Owns its strings. */
struct bl_told {
	char *verdict, *rule, *time, *digest; /* NULL: the event doesn't say */
	bool truncated;	  /* a text is incomplete */
	bool interrupted; /* the process has nothing to do with it */
	uint32_t unknown; /* BL_KEY_BIT()s of the subject that it says nothing of */
};

/*
 * Adds to ask what an entry says of the access; *ret is the rest (clear it in any case). Returns 0,
 * -ENOMEM, or -EINVAL where it does not say enough: *reterr_why is a sentence about that then.
 */
int bl_told_read(const struct bl_shown *entry, struct bl_ask *ask, struct bl_told *ret,
		 const char **reterr_why);

void bl_told_clear(struct bl_told *told);

/* An entry's access, ready to be decided. Zero-initialise; bl_told_access_clear() frees. */
struct bl_told_access {
	struct bl_ask ask;
	struct bl_told told;
	struct bl_diags diags;
	struct bl_policy *asked; /* of which the one test is the access */
	struct bl_expect_access access;
};

/*
 * Reads the access of an entry, by the parser of policies; names are those that the kernel has told. Returns as
 * bl_told_read().
 */
int bl_told_access_read(const struct bl_shown *entry, struct bl_told_access *ret,
			const char **reterr_why);
void bl_told_access_clear(struct bl_told_access *access);
