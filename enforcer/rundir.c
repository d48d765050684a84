/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime directory: one daemon at a time, and who may talk to it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "failure.h"
#include "rundir.h"

int bl_run_dir_lock(const char *dir, int *ret_fd, char **reterr_text)
{
	_cleanup_free_ char *path = bl_format("%s/lock", dir);
	_cleanup_close_ int fd = -1;

	if (!path)
		return -ENOMEM;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return bl_error(reterr_text, -errno, "%s can't be made: %m", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return bl_error(reterr_text, -errno, "%s can't be opened: %m", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return bl_error(reterr_text, -EBUSY,
					"another bailiffd is running (it holds %s)", path);
		return bl_error(reterr_text, -errno, "%s can't be locked: %m", path);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int bl_group_find(const char *name, gid_t *ret)
{
	struct group group, *found = NULL;
	char buf[64 << 10]; /* groups with very many members have long lines */
	int r = getgrnam_r(name, &group, buf, sizeof(buf), &found);

	if (!found)
		return r ? -r : -ENOENT;
	*ret = found->gr_gid;
	return 0;
}
