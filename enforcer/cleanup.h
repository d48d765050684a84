/* SPDX-License-Identifier: Apache-2.0 */
/* Owning locals of this room, besides those of base.h: file descriptors, directories, JSON. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include <jansson.h>

#include "base.h"

/* close() that keeps errno and takes -1. */
static inline void bl_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

static inline void bl_closep(int *fd)
{
	bl_close(*fd);
}

static inline void bl_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void bl_json_decrefp(json_t **json)
{
	json_decref(*json);
}

#define _cleanup_close_	   _cleanup_(bl_closep)
#define _cleanup_closedir_ _cleanup_(bl_closedirp)
#define _cleanup_json_	   _cleanup_(bl_json_decrefp)

/* Hands a file descriptor over: its owner is left with -1. */
#define TAKE_FD(fd)                    \
	({                             \
		int _taken_fd_ = (fd); \
		(fd) = -1;             \
		_taken_fd_;            \
	})
