/* SPDX-License-Identifier: Apache-2.0 */
/* The lookout: finds the files in a policy's areas that have several names. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "cleanup.h"
#include "hostfs.h"
#include "log.h"
#include "lookout.h"

#define DEPTH_MAX 256

struct search {
	const struct bl_lookout *lookout;
	struct bl_lookout_report *report;
	uint64_t began_ns;
};

static bool goes_on(struct search *search)
{
	uint64_t ms = (bl_now_ns() - search->began_ns) / 1000000;

	if (search->report->entries < BL_LOOKOUT_ENTRIES_MAX && ms < BL_LOOKOUT_MS_MAX &&
	    !(search->lookout->stop && atomic_load(search->lookout->stop)))
		return true;
	search->report->complete = false;
	return false;
}

/*
 * Asks for an attribute that nobody has: of the calls that ask about a file, the one whose hook is
 * given the name.
 */
static void touch(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	getxattr(path, "security.bailiff", NULL, 0);
}

static bool has_names(const struct stat *st)
{
	return st->st_nlink > 1 && !S_ISDIR(st->st_mode);
}

/* Nodes of a device can be made anywhere. */
static bool may_have_names(const struct stat *st)
{
	return has_names(st) || S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode);
}

/* A single path is always touched: its directory may take other spellings for the same name. */
static void look_at(struct search *search, int fd)
{
	struct stat st;

	search->report->entries++;
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode) || bl_hostfs_is_costly(fd))
		return;
	search->report->linked += has_names(&st);
	touch(fd);
}

static void look_below(struct search *search, int folder, dev_t dev, unsigned int depth);

static void look_at_entry(struct search *search, int folder, const char *name, dev_t dev,
			  unsigned int depth)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	search->report->entries++;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ||
	    !(S_ISDIR(st.st_mode) || may_have_names(&st)))
		return;
	fd = bl_hostfs_open(folder, name, O_PATH | O_NOFOLLOW);
	if (fd < 0 || (st.st_dev != dev && bl_hostfs_is_costly(fd)))
		return;
	if (S_ISDIR(st.st_mode)) {
		look_below(search, fd, st.st_dev, depth + 1);
	} else {
		search->report->linked += has_names(&st);
		touch(fd);
	}
}

static void look_below(struct search *search, int folder, dev_t dev, unsigned int depth)
{
	_cleanup_close_ int fd = bl_hostfs_open(folder, ".", O_RDONLY | O_DIRECTORY);
	const struct dirent *entry;
	DIR *dir;

	if (depth == DEPTH_MAX)
		search->report->complete = false;
	if (fd < 0 || depth == DEPTH_MAX)
		return;
	dir = fdopendir(fd);
	if (!dir)
		return;
	fd = -1; /* closedir() closes it */
	while ((entry = readdir(dir)) && goes_on(search)) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			look_at_entry(search, dirfd(dir), entry->d_name, dev, depth);
	}
	closedir(dir);
}

static void look_in(struct search *search, const struct bl_area *area)
{
	_cleanup_close_ int fd =
		bl_hostfs_open(search->lookout->root_fd, area->path, O_PATH | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	look_at(search, fd);
	if (area->below && S_ISDIR(st.st_mode) && !search->lookout->files_only &&
	    !bl_hostfs_is_costly(fd))
		look_below(search, fd, st.st_dev, 0);
}

void bl_lookout_run(const struct bl_lookout *lookout, const struct bl_areas *areas,
		    struct bl_lookout_report *ret)
{
	struct search search = { .lookout = lookout, .report = ret, .began_ns = bl_now_ns() };

	*ret = (struct bl_lookout_report){ .complete = true };
	for (size_t i = 0; i < areas->count && goes_on(&search); i++)
		look_in(&search, &areas->items[i]);
	ret->took_ms = (uint32_t)((bl_now_ns() - search.began_ns) / 1000000);
}
