/* SPDX-License-Identifier: Apache-2.0 */
/* A file that others read while it is written anew: the old one or the new one, nothing between. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "output.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Readers of directories pass over names that begin with a dot. */
static char *temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path) + 1 : 0;

	return bl_format("%.*s.%s.XXXXXX", dir, path, path + dir);
}

static int fill(int fd, const char *text, size_t len, mode_t mode)
{
	int r = write_all(fd, text, len);

	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	return r;
}

int bl_output_write(const char *path, const char *text, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *name = NULL;
	int r;

	if (strcmp(path, "-") == 0)
		return write_all(STDOUT_FILENO, text, len);
	name = temporary_name(path);
	if (!name)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fill(fd, text, len, mode);
	if (r == 0 && rename(name, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(name);
	return r;
}
