/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: which ones are in force together, and their bytes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cleanup.h"
#include "hostfs.h"
#include "policies.h"

#define SUFFIX ".json"

/* Most important first. */
static const char *const installed_dirs[] = {
	"/run/bailiff/policy.d",
	"/etc/bailiff/policy.d",
	"/usr/share/bailiff/policy.d",
};

/* A file found, not yet read; a masked one stands for its name, so that later ones don't. */
struct found {
	char *path;
	const char *name; /* the last part of path */
	bool masked;
};

struct found_list {
	struct found *items;
	size_t count, capacity;
	struct bl_masked *masked;
	size_t n_masked, masked_capacity;
};

static void masked_clear(struct bl_masked *masked, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(masked[i].path);
		free(masked[i].by);
	}
	free(masked);
}

static void found_clear(struct found_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	masked_clear(list->masked, list->n_masked);
	*list = (struct found_list){ 0 };
}

void bl_policies_clear(struct bl_policies *policies)
{
	for (size_t i = 0; i < policies->count; i++) {
		free((char *)policies->sources[i].path);
		free((char *)policies->sources[i].bytes);
	}
	for (size_t i = 0; i < policies->n_entries; i++) {
		free((char *)policies->entries[i]->path);
		free((char *)policies->entries[i]->bytes);
		free(policies->entries[i]);
	}
	for (size_t i = 0; i < policies->n_disabled; i++)
		free(policies->disabled[i]);
	free(policies->disabled);
	masked_clear(policies->masked, policies->n_masked);
	free(policies->entries);
	free(policies->sources);
	*policies = (struct bl_policies){ 0 };
}

static int found_add(struct found_list *list, const char *dir, const char *name, bool masked)
{
	char *path;

	if (bl_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items)) < 0)
		return -ENOMEM;
	path = *dir ? bl_format("%s/%s", dir, name) : bl_format("%s", name);
	if (!path)
		return -ENOMEM;
	list->items[list->count++] = (struct found){
		.path = path,
		.name = path + strlen(path) - strlen(name),
		.masked = masked,
	};
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

static const struct found *find_name(const struct found_list *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	}
	return NULL;
}

static int add_masked(struct found_list *list, const char *dir, const char *name,
		      const struct found *by)
{
	struct bl_masked masked;

	if (bl_grow(&list->masked, &list->masked_capacity, list->n_masked + 1,
		    sizeof(*list->masked)) < 0)
		return -ENOMEM;
	masked =
		(struct bl_masked){ .path = bl_format("%s/%s", dir, name), .by = strdup(by->path) };
	list->masked[list->n_masked++] = masked;
	return masked.path && masked.by ? 0 : -ENOMEM;
}

/* Hidden files are editors' and package managers' business. */
static bool is_policy_name(const char *name)
{
	size_t len = strlen(name);

	return *name != '.' && len > strlen(SUFFIX) &&
	       strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static bool leads_to_null(int dir_fd, const char *name)
{
	char target[16];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));

	return n == (ssize_t)strlen("/dev/null") && memcmp(target, "/dev/null", (size_t)n) == 0;
}

static int cant_read(struct bl_diags *diags, const char *path, int err)
{
	struct bl_diag *diag;

	diag = bl_diag_add(diags, BL_DIAG_ERROR, &(struct bl_diag_at){ .file = path }, "unreadable",
			   "can't be read: %s", strerror(-err));
	if (diag && err == -EACCES)
		bl_diag_hint(diag, "run it as a user who may read this file");
	return -EINVAL;
}

/* Adds the policy files of an open directory, sorted; names that are in the list already are masked. */
static int list_dir(int fd, const char *dir, struct bl_diags *diags, struct found_list *list)
{
	size_t before = list->count;
	_cleanup_closedir_ DIR *stream = fdopendir(fd);
	const struct found *by;
	struct dirent *entry;
	int r;

	if (!stream) {
		r = -errno;
		bl_close(fd);
		return cant_read(diags, dir, r);
	}
	for (;;) {
		errno = 0;
		entry = readdir(stream);
		if (!entry)
			break;
		if (!is_policy_name(entry->d_name))
			continue;
		by = find_name(list, before, entry->d_name);
		r = by ? add_masked(list, dir, entry->d_name, by)
		       : found_add(list, dir, entry->d_name,
				   leads_to_null(dirfd(stream), entry->d_name));
		if (r < 0)
			return r;
	}
	if (errno)
		return cant_read(diags, dir, -errno);
	if (list->count > before)
		qsort(list->items + before, list->count - before, sizeof(*list->items),
		      compare_names);
	return 0;
}

static int read_all(int fd, size_t expected, char **ret, size_t *ret_len)
{
	size_t room = expected + 1, len = 0;
	_cleanup_free_ char *bytes = malloc(room);
	ssize_t n;

	if (!bytes)
		return -ENOMEM;
	bl_use_huge_pages(bytes, room);
	while ((n = read(fd, bytes + len, room - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (len > BL_FILE_BYTES_MAX)
			return -EFBIG;
		if (len == room) {
			char *grown = realloc(bytes, room * 2);

			if (!grown)
				return -ENOMEM;
			bytes = grown;
			room *= 2;
		}
	}
	*ret = TAKE_PTR(bytes);
	*ret_len = len;
	return 0;
}

/* Who can write a policy rules the host: as sudo does for its own file. */
static bool is_safe(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return false;
	if (st->st_mode & S_IWOTH)
		return false;
	return !(st->st_mode & S_IWGRP) || st->st_gid == 0;
}

static int judge_file(const char *path, const struct stat *st, bool owned, struct bl_diags *diags)
{
	const struct bl_diag_at at = { .file = path };
	struct bl_diag *diag;

	if (S_ISDIR(st->st_mode) || (owned && !S_ISREG(st->st_mode))) {
		bl_diag_add(diags, BL_DIAG_ERROR, &at, "not-a-file", "is no regular file");
		return -EINVAL;
	}
	if (st->st_size > (off_t)BL_FILE_BYTES_MAX) {
		bl_diag_add(diags, BL_DIAG_ERROR, &at, "file-too-big",
			    "has %lld bytes; at most %u are read", (long long)st->st_size,
			    BL_FILE_BYTES_MAX);
		return -EINVAL;
	}
	if (owned && !is_safe(st)) {
		diag = bl_diag_add(diags, BL_DIAG_ERROR, &at, "unsafe-file",
				   "others than root can write this file");
		bl_diag_hint(diag, "chown root:root, chmod go-w");
		return -EINVAL;
	}
	return 0;
}

/* Takes the fd over. owned: the file must be root's. Returns 0, -EINVAL (see diags) or -ENOMEM. */
static int read_source(int opened, const char *path, bool owned, struct bl_diags *diags,
		       struct bl_source *ret)
{
	_cleanup_close_ int fd = opened;
	_cleanup_free_ char *copy = strdup(path), *bytes = NULL;
	struct stat st;
	size_t len = 0;
	int r;

	if (!copy)
		return -ENOMEM;
	if (fd < 0)
		return cant_read(diags, path, fd);
	if (fstat(fd, &st) < 0)
		return cant_read(diags, path, -errno);
	r = judge_file(path, &st, owned, diags);
	if (r < 0)
		return r;
	r = read_all(fd, (size_t)st.st_size, &bytes, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return cant_read(diags, path, r);
	*ret = (struct bl_source){ .path = TAKE_PTR(copy), .bytes = TAKE_PTR(bytes), .len = len };
	return 0;
}

static int open_named(const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static int compare_masked(const void *a, const void *b)
{
	return strcmp(((const struct bl_masked *)a)->path, ((const struct bl_masked *)b)->path);
}

/* Hands over what is known of files that are not read. */
static int note_unread(struct found_list *list, struct bl_policies *policies)
{
	policies->disabled = calloc(list->count + 1, sizeof(*policies->disabled));
	if (!policies->disabled)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		char *path = list->items[i].masked ? strdup(list->items[i].path) : NULL;

		if (list->items[i].masked && !path)
			return -ENOMEM;
		if (path)
			policies->disabled[policies->n_disabled++] = path;
	}
	if (list->n_masked)
		qsort(list->masked, list->n_masked, sizeof(*list->masked), compare_masked);
	policies->masked = TAKE_PTR(list->masked);
	policies->n_masked = list->n_masked;
	list->n_masked = 0;
	return 0;
}

/* root_fd below 0: named files, relative to the current directory. Reads on after an error. */
static int read_found(int root_fd, struct found_list *list, struct bl_diags *diags,
		      struct bl_policies *ret)
{
	_cleanup_(bl_policies_clear) struct bl_policies policies = { 0 };
	bool failed = false;
	int r, fd;

	policies.sources = calloc(list->count + 1, sizeof(*policies.sources));
	if (!policies.sources)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		const struct found *found = &list->items[i];

		if (found->masked)
			continue;
		if (policies.count == BL_FILES_MAX) {
			bl_diag_add(diags, BL_DIAG_ERROR, NULL, "too-many-files",
				    "more than %u policy files", BL_FILES_MAX);
			return -EINVAL;
		}
		fd = root_fd < 0 ? open_named(found->path)
				 : bl_hostfs_open(root_fd, found->path,
						  O_RDONLY | O_NONBLOCK | O_NOCTTY);
		r = read_source(fd, found->path, root_fd >= 0, diags,
				&policies.sources[policies.count]);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			failed = true;
		else
			policies.count++;
	}
	if (failed)
		return -EINVAL;
	r = note_unread(list, &policies);
	if (r < 0)
		return r;
	*ret = policies;
	policies = (struct bl_policies){ 0 };
	return 0;
}

int bl_policies_installed(int root_fd, struct bl_diags *diags, struct bl_policies *ret)
{
	_cleanup_(found_clear) struct found_list list = { 0 };
	int r;

	for (size_t i = 0; i < BL_ARRAY_SIZE(installed_dirs); i++) {
		int fd = bl_hostfs_open(root_fd, installed_dirs[i], O_RDONLY | O_DIRECTORY);

		if (fd == -ENOENT)
			continue;
		r = fd < 0 ? cant_read(diags, installed_dirs[i], fd)
			   : list_dir(fd, installed_dirs[i], diags, &list);
		if (r < 0)
			return r;
	}
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), compare_names);
	return read_found(root_fd, &list, diags, ret);
}

int bl_policies_named(char *const *paths, size_t n_paths, struct bl_diags *diags,
		      struct bl_policies *ret)
{
	_cleanup_(found_clear) struct found_list list = { 0 };
	int r;

	for (size_t i = 0; i < n_paths; i++) {
		struct found_list below = { 0 };
		int fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0) {
			r = found_add(&list, "", paths[i], false);
		} else {
			/* Names mask each other only among the installed directories. */
			r = list_dir(fd, paths[i], diags, &below);
			for (size_t j = 0; r == 0 && j < below.count; j++)
				r = found_add(&list, paths[i], below.items[j].name,
					      below.items[j].masked);
			found_clear(&below);
		}
		if (r < 0)
			return r;
	}
	return read_found(-1, &list, diags, ret);
}

/* ---- files of list entries ---------------------------------------------------------------- */

static const char *judge_entries(const struct stat *st, bool owned)
{
	if (S_ISDIR(st->st_mode) || (owned && !S_ISREG(st->st_mode)))
		return "is no regular file";
	if (st->st_size > (off_t)BL_FILE_BYTES_MAX)
		return "is too big: at most 64 MiB are read";
	if (owned && !is_safe(st))
		return "others than root can write this file (chown root:root, chmod go-w)";
	return NULL;
}

static int read_entries(int fd, bool owned, struct bl_source *source, const char **reterr_why)
{
	char *bytes = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	*reterr_why = judge_entries(&st, owned);
	if (*reterr_why)
		return -EINVAL;
	r = read_all(fd, (size_t)st.st_size, &bytes, &source->len);
	source->bytes = bytes;
	return r;
}

int bl_policies_read_entries(struct bl_policies *policies, int root_fd, bool owned,
			     const char *path, const struct bl_source **ret,
			     const char **reterr_why)
{
	_cleanup_close_ int fd = bl_hostfs_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct bl_source *source;
	int r;

	if (fd < 0)
		return fd;
	r = bl_grow(&policies->entries, &policies->entries_capacity, policies->n_entries + 1,
		    sizeof(*policies->entries));
	if (r < 0)
		return r;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	/* Owned from here on, whatever becomes of it. */
	policies->entries[policies->n_entries++] = source;
	source->path = strdup(path);
	if (!source->path)
		return -ENOMEM;
	r = read_entries(fd, owned, source, reterr_why);
	if (r == 0)
		*ret = source;
	return r;
}

int bl_policies_find_entries(const struct bl_policies *policies, const char *path,
			     const struct bl_source **ret)
{
	for (size_t i = 0; i < policies->n_entries; i++) {
		if (strcmp(policies->entries[i]->path, path) == 0) {
			*ret = policies->entries[i];
			return 0;
		}
	}
	return -ENOENT;
}

int bl_policies_print_diags(const struct bl_policies *policies, const struct bl_diags *diags,
			    FILE *out)
{
	size_t count = policies->count + policies->n_entries;
	_cleanup_free_ struct bl_source *all = calloc(count + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	if (policies->count)
		memcpy(all, policies->sources, policies->count * sizeof(*all));
	for (size_t i = 0; i < policies->n_entries; i++)
		all[policies->count + i] = *policies->entries[i];
	bl_diags_print(diags, all, count, out);
	return 0;
}
