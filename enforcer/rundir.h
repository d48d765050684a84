/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime directory: one daemon at a time, and who may talk to it. */
#pragma once

#include <sys/types.h>

/*
 * Makes the directory if need be and takes the daemon's lock in it, which is held until the fd
 * is closed. Returns 0, -EBUSY where another daemon holds it, or another -errno; a sentence in
 * *reterr_text.
 */
int bl_run_dir_lock(const char *dir, int *ret_fd, char **reterr_text);

/* The number of a group by its name. Returns 0 or -errno (-ENOENT). */
int bl_group_find(const char *name, gid_t *ret);
