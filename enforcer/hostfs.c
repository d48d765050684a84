/* SPDX-License-Identifier: Apache-2.0 */
/* The host's file tree, reached through one directory fd: no symbolic link leads out of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "cleanup.h"
#include "hostfs.h"

/* Not in every version of linux/magic.h. */
#define MQUEUE_MAGIC 0x19800202
#define CIFS_MAGIC   0xff534d42u
#define SMB2_MAGIC   0xfe534d42u
#define CEPH_MAGIC   0x00c36400

int bl_hostfs_open_root(const char *root, bool *ret_own)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	bool own = false;
	int fd;

	fd = open(root ? root : "/proc/1/root", flags);
	if (fd < 0 && !root) {
		own = true;
		fd = open("/", flags);
	}
	if (fd < 0)
		return -errno;
	if (ret_own)
		*ret_own = own;
	return fd;
}

int bl_hostfs_open(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	} while (fd < 0 &&
		 (errno == EINTR || errno == EAGAIN)); /* EAGAIN: a rename raced with '..' */
	return fd < 0 ? -errno : (int)fd;
}

/* True when nobody but the tree's owner can put another entry in this one's place. */
static bool owner_only(int root_fd, const struct stat *root, const char *below)
{
	_cleanup_free_ char *folder = strdup(below);
	struct stat st;
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!folder)
		return false;
	if (slash)
		*slash = '\0';
	if (fstatat(root_fd, slash ? folder : ".", &st, 0) < 0 || st.st_uid != root->st_uid)
		return false;
	return !(st.st_mode & 022) || st.st_mode & S_ISVTX;
}

/*
 * A link that an ordinary user made, or can replace, must not decide what a rule means: it could
 * make a rule on /tmp/x refuse the shell, or an exception cover another program.
 */
static bool link_trusted(int root_fd, const char *below)
{
	struct stat root, st;

	return fstat(root_fd, &root) == 0 &&
	       fstatat(root_fd, below, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == root.st_uid &&
	       owner_only(root_fd, &root, below);
}

int bl_hostfs_readlink(void *userdata, const char *path, char *buf, size_t size)
{
	const int *root_fd = userdata;
	const char *below = path + strspn(path, "/");
	ssize_t n;

	if (!*below)
		return -EINVAL;
	n = readlinkat(*root_fd, below, buf, size);
	if (n < 0)
		return -errno;
	return link_trusted(*root_fd, below) ? (int)n : -EPERM;
}

/* What /proc/self/fd says of an fd within the tree of root_fd, cut to that tree. */
static int fd_path(int root_fd, int fd, char **ret)
{
	char link[64], full[PATH_MAX], top[PATH_MAX];
	ssize_t n, m;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, full, sizeof(full) - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", root_fd);
	m = readlink(link, top, sizeof(top) - 1);
	if (n < 0 || m < 0)
		return -errno;
	full[n] = top[m] = '\0';
	if (m == 1)
		m = 0;
	if (strncmp(full, top, (size_t)m) != 0 || full[m] != '/')
		return -EXDEV;
	*ret = strdup(full + m);
	return *ret ? 0 : -ENOMEM;
}

int bl_hostfs_realpath(int root_fd, const char *path, char **ret)
{
	_cleanup_close_ int fd = bl_hostfs_open(root_fd, path, O_PATH);

	if (fd < 0)
		return fd;
	return fd_path(root_fd, fd, ret);
}

int bl_hostfs_read(int root_fd, const char *path, size_t max, char **ret)
{
	_cleanup_close_ int fd = bl_hostfs_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	for (;;) {
		if (len == room) {
			char *grown;

			if (room > max)
				return -EFBIG;
			room = room ? 2 * room : 4096;
			grown = realloc(text, room + 1);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		n = read(fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > max)
		return -EFBIG;
	text[len] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

bool bl_hostfs_is_costly(int fd)
{
	static const unsigned long types[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,	 CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEBUGFS_MAGIC,	  TRACEFS_MAGIC, SECURITYFS_MAGIC,   BPF_FS_MAGIC,
		DEVPTS_SUPER_MAGIC, MQUEUE_MAGIC, AUTOFS_SUPER_MAGIC, FUSE_SUPER_MAGIC,
		NFS_SUPER_MAGIC,  CIFS_MAGIC,	 SMB2_MAGIC,	     CEPH_MAGIC,
		AFS_SUPER_MAGIC,  V9FS_MAGIC,
	};
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return true;
	for (size_t i = 0; i < BL_ARRAY_SIZE(types); i++) {
		if ((unsigned long)st.f_type == types[i])
			return true;
	}
	return false;
}
