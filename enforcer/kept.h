/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a generation's rules are called, as text that is kept in the kernel beside its tables: so that the next daemon
 * can tell of what happened under it, and anybody may see what is in force when no daemon is there.
 */
#pragma once

#include "generation.h"

/* What is known of it beside its rules. */
struct bl_kept {
	bool in_force;	      /* it was published; else it was about to be */
	enum bl_mode ceiling; /* over the modes of its files */
};

/* Writes a generation under a number. Returns 0 and a malloc'ed text, or -ENOMEM. */
int bl_kept_write(const struct bl_generation *generation, uint32_t number, enum bl_mode ceiling,
		  uint8_t **ret, size_t *ret_len);

/*
 * Reads such a text, of any bytes behind it. Returns 0 and the generation (bl_generation_free() it), -EBADMSG where it
 * is none that this version writes, or -ENOMEM.
 */
int bl_kept_read(const uint8_t *text, size_t len, struct bl_kept *ret_kept,
		 struct bl_generation **ret);
