/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that can't come to a verdict of their own, as the compiled tables show. */
#pragma once

#include "compile.h"

enum bl_cover_kind {
	BL_COVER_NONE = 0,
	/* No object on the host's file systems is left to it: nothing has such a name, or its exceptions hold. */
	BL_COVER_EMPTY,
	BL_COVER_SHADOWED, /* another rule, at least as strict, decides whatever it matches */
};

struct bl_cover {
	enum bl_cover_kind kind;
	uint32_t by; /* BL_COVER_SHADOWED: index of that rule */
};

/*
 * Says of each rule of a set, by index, whether it is one of these. What is said is proved by the tables:
 * a rule is shadowed where in every list of candidates that it is in, one and the same rule comes before it
 * which asks for no more and excepts no more; there are others which nothing is said of.
 * ret has room for policy->n_rules. Returns 0 or -ENOMEM.
 */
int bl_cover_find(const struct bl_policy *policy, const struct bl_tables *tables,
		  struct bl_cover *ret);
