/* SPDX-License-Identifier: Apache-2.0 */
/* The names behind the fingerprints of a compiled set: what a walk over its whole language needs. */
#pragma once

#include "prefix.h"
#include "trie.h"

/* Numbers of the trie's items are those of the image's nodes, as far as it has that many. */
struct bl_outline {
	struct bl_trie trie;
	struct bl_prefixes v4, v6;
};

void bl_outline_clear(struct bl_outline *outline);
