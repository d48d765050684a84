/* SPDX-License-Identifier: Apache-2.0 */
/* The host's file tree, reached through one directory fd: no symbolic link leads out of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Opens the directory that stands for '/': 'root', or where it is NULL the root of PID 1's mount
 * namespace, so that a private mount namespace of ours hides nothing; where that is not allowed,
 * our own root. *ret_own (may be NULL) tells the last case. Returns an O_PATH fd or -errno.
 */
int bl_hostfs_open_root(const char *root, bool *ret_own);

/* Opens an absolute path of that tree like open(2); O_CLOEXEC is added. Returns a fd or -errno. */
int bl_hostfs_open(int root_fd, const char *path, int flags);

/*
 * A bl_readlink_fn of policy.h; userdata points to the int with the tree's fd. All names before
 * the last one must be no symbolic links, which is how bl_policy_resolve() asks. -EPERM: somebody
 * other than the tree's owner made the link or can put another in its place.
 */
int bl_hostfs_readlink(void *userdata, const char *path, char *buf, size_t size);

/*
 * Whether to look around where fd is may take long or have effects: file systems of the network, of automounts, of
 * FUSE, and those that show the kernel. None of them has hard links.
 */
bool bl_hostfs_is_costly(int fd);

/*
 * Where a path of that tree leads when every symbolic link is followed; *ret is malloc'ed.
 * Returns 0 or -errno (-ENOENT: nothing is there).
 */
int bl_hostfs_realpath(int root_fd, const char *path, char **ret);

/*
 * Reads a small text file whole, e.g. of /proc or /sys; *ret is malloc'ed and NUL-terminated.
 * Returns 0, -EFBIG where it is longer than max bytes, or another -errno.
 */
int bl_hostfs_read(int root_fd, const char *path, size_t max, char **ret);
