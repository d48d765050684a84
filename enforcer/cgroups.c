/* SPDX-License-Identifier: Apache-2.0 */
/* What cgroups are called to a policy: of those that were there before it. */
#define _GNU_SOURCE
#include "cgroups.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base.h"
#include "cleanup.h"
#include "failure.h"

/* The kernel side's structs. */
#include "state.h"

/* Where the unified hierarchy is: alone, or beside those of the first version. */
static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

/* ---- the tree ----------------------------------------------------------------------------- */

struct walk {
	bl_cgroup_fn fn;
	void *userdata;
	char *path; /* of where it is */
	size_t len, capacity;
};

static int walk_directory(struct walk *walk, int fd, unsigned int depth);

static int walk_child(struct walk *walk, int parent, const char *name, unsigned int depth)
{
	size_t before = walk->len, len = strlen(name);
	_cleanup_close_ int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = bl_grow(&walk->path, &walk->capacity, before + len + 2, 1);
	if (r < 0)
		return r;
	walk->path[before] = '/';
	memcpy(walk->path + before + 1, name, len + 1);
	walk->len = before + 1 + len;
	r = walk_directory(walk, fd, depth);
	walk->len = before;
	walk->path[before] = '\0';
	return r;
}

static int walk_children(struct walk *walk, int fd, unsigned int depth)
{
	/* With a position of its own: the next walk begins at the beginning. */
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *directory;
	int r = 0;

	if (copy < 0)
		return errno == ENOENT ? 0 : -errno;
	directory = fdopendir(copy);
	if (!directory) {
		r = -errno;
		bl_close(copy);
		return r;
	}
	while (r == 0) {
		errno = 0;
		entry = readdir(directory);
		if (!entry) {
			/* A directory that is removed while it is read has no more entries. */
			r = errno == ENOENT ? 0 : -errno;
			break;
		}
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = walk_child(walk, fd, entry->d_name, depth + 1);
	}
	closedir(directory);
	return r;
}

/* The number of a cgroup is that of its directory's inode. */
static int walk_directory(struct walk *walk, int fd, unsigned int depth)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = walk->fn(walk->userdata, st.st_ino, walk->path);
	return r || depth == BL_CGROUPS_DEPTH ? r : walk_children(walk, fd, depth);
}

int bl_cgroups_walk(int root, bl_cgroup_fn fn, void *userdata)
{
	struct walk walk = { .fn = fn, .userdata = userdata };
	int r = bl_grow(&walk.path, &walk.capacity, 1, 1);

	if (r < 0)
		return r;
	walk.path[0] = '\0';
	r = walk_directory(&walk, root, 0);
	free(walk.path);
	return r;
}

/* ---- what a policy says of them ----------------------------------------------------------- */

struct judge {
	const struct bl_tables *tables;
	int map;
};

static int judge_cgroup(void *userdata, uint64_t id, const char *path)
{
	const struct judge *judge = userdata;
	struct bl_called called;

	bl_called_of_cgroup(judge->tables, path, false, (uint64_t *)called.bits[BL_CALLED_PLAIN]);
	bl_called_of_cgroup(judge->tables, path, true, (uint64_t *)called.bits[BL_CALLED_NESTED]);
	if (bpf_map_update_elem(judge->map, &id, &called, BPF_ANY) == 0)
		return 0;
	return -errno;
}

static int open_root(void)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(roots); i++) {
		_cleanup_close_ int fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;

		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return TAKE_FD(fd);
	}
	return -ENOENT;
}

void bl_cgroups_init(struct bl_cgroups *cgroups)
{
	*cgroups = (struct bl_cgroups){ .called = -1, .root = -1, .policies = { -1, -1 } };
}

void bl_cgroups_done(struct bl_cgroups *cgroups)
{
	bl_close(cgroups->root);
	bl_close(cgroups->policies[0]);
	bl_close(cgroups->policies[1]);
	bl_cgroups_init(cgroups);
}

void bl_cgroups_drop(struct bl_cgroups *cgroups, uint32_t slot)
{
	bpf_map_delete_elem(cgroups->called, &slot);
	bl_close(cgroups->policies[slot]);
	cgroups->policies[slot] = -1;
	cgroups->settled[slot] = false;
}

int bl_cgroups_stage(struct bl_cgroups *cgroups, uint32_t slot, const struct bl_header *header)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd;

	bl_cgroups_drop(cgroups, slot);
	if (!(header->flags & BL_TABLES_CGROUPS))
		return 0;
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bl_called", sizeof(uint64_t),
			    sizeof(struct bl_called), BL_CGROUPS_MAX, &opts);
	if (fd < 0)
		return fd;
	cgroups->policies[slot] = fd;
	return bpf_map_update_elem(cgroups->called, &slot, &fd, BPF_ANY) < 0 ? -errno : 0;
}

int bl_cgroups_settle(struct bl_cgroups *cgroups, uint32_t slot, const struct bl_tables *tables,
		      char **reterr_text)
{
	struct judge judge = { .tables = tables, .map = cgroups->policies[slot] };
	int r;

	if (judge.map < 0 || cgroups->settled[slot])
		return 0;
	if (cgroups->root < 0)
		cgroups->root = open_root();
	if (cgroups->root < 0)
		return bl_error(reterr_text, -EOPNOTSUPP,
				"rules ask for a unit, slice, cgroup or container, and neither %s "
				"nor %s is the file system of cgroups of version 2",
				roots[0], roots[1]);
	r = bl_cgroups_walk(cgroups->root, judge_cgroup, &judge);
	/* What had no room may be called anything: no exception holds for it. */
	if (r < 0 && r != -E2BIG)
		return bl_error(reterr_text, r, "cannot tell what cgroups are called: %s",
				strerror(-r));
	cgroups->settled[slot] = true;
	return 0;
}
