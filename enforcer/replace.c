/* SPDX-License-Identifier: Apache-2.0 */
/* A file replaced as a whole: whoever reads it sees the old text or the new one, and its rights stay. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "cleanup.h"
#include "failure.h"
#include "replace.h"

#define XATTR_NAMES_MAX 65536 /* of the kernel (XATTR_LIST_MAX), and a value's (XATTR_SIZE_MAX) */

/* ---- the old file ------------------------------------------------------------------------- */

static int read_fully(int fd, char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ESTALE;
		done += (size_t)n;
	}
	return 0;
}

static int check_same(int fd, const struct stat *st, const char *old, size_t len, char **reterr_why)
{
	_cleanup_free_ char *bytes = NULL;
	int r = 0;

	if (!S_ISREG(st->st_mode))
		return bl_error(reterr_why, -EINVAL, "it is no regular file");
	if (st->st_nlink > 1)
		return bl_error(reterr_why, -EMLINK,
				"it has several names, and only one would get the new text");
	bytes = malloc(len + 1);
	if (!bytes)
		return -ENOMEM;
	if (st->st_size != (off_t)len)
		r = -ESTALE;
	if (r == 0)
		r = read_fully(fd, bytes, len);
	if (r == 0 && memcmp(bytes, old, len) != 0)
		r = -ESTALE;
	return r == -ESTALE ? bl_error(reterr_why, r, "it has changed since it was read") : r;
}

/* ---- the new file ------------------------------------------------------------------------- */

static int write_fully(int fd, const char *text, size_t len)
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

/* Some, such as a security label, the new file has already, and not everybody may set them. */
static bool has_attribute(int fd, const char *name, const char *value, size_t len)
{
	_cleanup_free_ char *there = malloc(XATTR_NAMES_MAX);

	return there && fgetxattr(fd, name, there, XATTR_NAMES_MAX) == (ssize_t)len &&
	       memcmp(there, value, len) == 0;
}

static int copy_attribute(int from, int to, const char *name, char **reterr_why)
{
	_cleanup_free_ char *value = malloc(XATTR_NAMES_MAX);
	ssize_t len;
	int r;

	if (!value)
		return -ENOMEM;
	len = fgetxattr(from, name, value, XATTR_NAMES_MAX);
	if (len < 0 && errno == ENODATA)
		return 0;
	if (len >= 0 && (has_attribute(to, name, value, (size_t)len) ||
			 fsetxattr(to, name, value, (size_t)len, 0) == 0))
		return 0;
	r = -errno;
	return bl_error(reterr_why, r, "its attribute %s can't be kept: %s", name, strerror(-r));
}

static int copy_attributes(int from, int to, char **reterr_why)
{
	_cleanup_free_ char *names = malloc(XATTR_NAMES_MAX);
	ssize_t len;
	int r = 0;

	if (!names)
		return -ENOMEM;
	len = flistxattr(from, names, XATTR_NAMES_MAX);
	if (len < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (char *name = names; r == 0 && name < names + len; name += strlen(name) + 1)
		r = copy_attribute(from, to, name, reterr_why);
	return r;
}

/* The mode last: a change of the owner takes bits of it away. */
static int copy_rights(int from, int to, const struct stat *st, char **reterr_why)
{
	struct stat now;
	int r;

	if (fstat(to, &now) < 0)
		return -errno;
	if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) &&
	    fchown(to, st->st_uid, st->st_gid) < 0)
		return bl_error(reterr_why, -errno, "its owner can't be kept");
	r = copy_attributes(from, to, reterr_why);
	if (r == 0 && fchmod(to, st->st_mode & 07777) < 0)
		r = -errno;
	return r;
}

static int fill(int from, int to, const struct stat *st, const char *text, size_t len,
		char **reterr_why)
{
	int r = write_fully(to, text, len);

	if (r == 0)
		r = copy_rights(from, to, st, reterr_why);
	if (r == 0 && fsync(to) < 0)
		r = -errno;
	return r;
}

/* A name beside the file that the policy's directories don't take for a policy: it begins with a dot. */
static char *beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	int folder = slash ? (int)(slash - path) + 1 : 0;

	return bl_format("%.*s.%s.XXXXXX", folder, path, path + folder);
}

int bl_replace_file(const char *path, const char *old, size_t old_len, const char *text, size_t len,
		    char **reterr_why)
{
	_cleanup_free_ char *real = realpath(path, NULL), *temporary = real ? beside(real) : NULL;
	_cleanup_close_ int from = -1, to = -1;
	struct stat st;
	int r;

	if (!real)
		return -errno;
	if (!temporary)
		return -ENOMEM;
	from = open(real, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	r = check_same(from, &st, old, old_len, reterr_why);
	if (r < 0)
		return r;
	to = mkostemp(temporary, O_CLOEXEC);
	if (to < 0)
		return -errno;
	r = fill(from, to, &st, text, len, reterr_why);
	if (r == 0 && rename(temporary, real) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}
