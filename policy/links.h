/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path leads: follows symbolic links through a look-up that is handed in. */
#pragma once

#include "base.h"
#include "policy.h"

/* A look-up with a memory for folders. Not safe for several threads. */
struct bl_links;

/* Returns NULL when memory is short. */
struct bl_links *bl_links_new(bl_readlink_fn readlink_fn, void *userdata);
void bl_links_free(struct bl_links *links);
BL_DEFINE_CLEANUP(struct bl_links *, bl_links_free)

/* Takes a name that a path leads to: absolute, "." and ".." resolved; the root is "/". */
typedef int (*bl_links_name_fn)(void *userdata, const char *path, size_t len);

/*
 * Follows all symbolic links in a path, as the kernel would, and calls fn for every name on the
 * way, the final one last; never for the path itself. What does not exist leads nowhere else.
 * Returns 0, what fn returned if that was not 0, or
 *   -ELOOP         more links than the kernel follows
 *   -ENAMETOOLONG  leads to a path above PATH_MAX
 *   -ENOTUNIQ      goes through /proc/self, which is another one for each process
 *   -ENOMEM, or the look-up's errno where it can't tell; fn was called for the names so far.
 */
int bl_links_follow(struct bl_links *links, const char *path, size_t len, bl_links_name_fn fn,
		    void *fn_data);

/* Whether the path that was followed last leads to nothing. */
bool bl_links_absent(const struct bl_links *links);
