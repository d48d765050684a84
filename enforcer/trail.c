/* SPDX-License-Identifier: Apache-2.0 */
/* Trails: what the paths of a policy's rules lead through, and whether they still lead there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base.h"
#include "cleanup.h"
#include "hostfs.h"
#include "trail.h"

#define WATCHED                                                                                \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | \
	 IN_ONLYDIR)

/* A name in a directory, as it was when it was looked up. */
struct name {
	const char *text;
	const char *target; /* of the symbolic link that it is; NULL: it is none that is followed */
	bool absent;
};

struct folder {
	const char *path; /* without symbolic links; "" is the root */
	struct name *names; /* sorted once noting has ended */
	size_t count, capacity;
	int wd; /* below 0: not watched */
	bool left_out;
};

struct bl_trail {
	int root_fd, inotify_fd;
	struct bl_arena *arena;
	struct bl_strmap *known; /* path -> index in folders, while it is noted */
	struct folder *folders;
	size_t n_folders, capacity;
	uint32_t *by_wd; /* index in folders + 1 */
	size_t n_wds;
	size_t n_names, n_unwatched;
	size_t folder, name; /* where the next look goes on */
	size_t doubted;	     /* names to look at until there is no doubt */
	char path[PATH_MAX];
	char target[PATH_MAX];
};

int bl_trail_new(int root_fd, struct bl_trail **ret)
{
	struct bl_trail *trail = calloc(1, sizeof(*trail));

	if (!trail)
		return -ENOMEM;
	trail->root_fd = root_fd;
	trail->inotify_fd = -1;
	trail->arena = bl_arena_new();
	trail->known = bl_strmap_new();
	if (!trail->arena || !trail->known) {
		bl_trail_free(trail);
		return -ENOMEM;
	}
	*ret = trail;
	return 0;
}

void bl_trail_free(struct bl_trail *trail)
{
	if (!trail)
		return;
	for (size_t i = 0; i < trail->n_folders; i++)
		free(trail->folders[i].names);
	free(trail->folders);
	free(trail->by_wd);
	bl_strmap_free(trail->known);
	bl_arena_free(trail->arena);
	bl_close(trail->inotify_fd);
	free(trail);
}

/* ---- noting ------------------------------------------------------------------------------- */

static int find_folder(struct bl_trail *trail, const char *path, size_t len, struct folder **ret)
{
	struct folder folder = { .wd = -1 };
	uint32_t index;

	if (bl_strmap_get(trail->known, path, len, &index)) {
		*ret = &trail->folders[index];
		return 0;
	}
	folder.path = bl_arena_strndup(trail->arena, path, len);
	if (!folder.path ||
	    bl_grow(&trail->folders, &trail->capacity, trail->n_folders + 1, sizeof(folder)) < 0)
		return -ENOMEM;
	trail->folders[trail->n_folders] = folder;
	*ret = &trail->folders[trail->n_folders];
	return bl_strmap_add(trail->known, folder.path, len, (uint32_t)trail->n_folders++, &index);
}

static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

static int note(struct bl_trail *trail, const char *path, const char *target, int answer)
{
	const char *slash = strrchr(path, '/');
	struct name name = { .absent = is_absent(answer) };
	struct folder *folder;
	int r;

	if (!slash)
		return 0;
	r = find_folder(trail, path, (size_t)(slash - path), &folder);
	if (r < 0)
		return r;
	name.text = bl_arena_strndup(trail->arena, slash + 1, strlen(slash + 1));
	if (answer > 0)
		name.target = bl_arena_strndup(trail->arena, target, (size_t)answer);
	if (!name.text || (answer > 0 && !name.target) ||
	    bl_grow(&folder->names, &folder->capacity, folder->count + 1, sizeof(name)) < 0)
		return -ENOMEM;
	folder->names[folder->count++] = name;
	return 0;
}

int bl_trail_readlink(void *userdata, const char *path, char *buf, size_t size)
{
	struct bl_trail *trail = userdata;
	int answer = bl_hostfs_readlink(&trail->root_fd, path, buf, size);
	int r = (size_t)BL_MAX(answer, 0) < size ? note(trail, path, buf, answer) : 0;

	return r < 0 ? r : answer;
}

/* ---- looking ------------------------------------------------------------------------------ */

static bool is_folder(const struct bl_trail *trail)
{
	struct stat st;

	return fstatat(trail->root_fd, trail->path + 1, &st,
		       AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Whether a name leads elsewhere than it did. What is below one that has gone is as it was when it comes again. */
static bool has_changed(struct bl_trail *trail, const struct folder *folder,
			const struct name *name)
{
	size_t target_len = name->target ? strlen(name->target) : 0;
	int len = snprintf(trail->path, sizeof(trail->path), "%s/%s", folder->path, name->text), r;

	if (len < 0 || (size_t)len >= sizeof(trail->path))
		return false;
	r = bl_hostfs_readlink(&trail->root_fd, trail->path, trail->target, sizeof(trail->target));
	if (r > 0)
		return (size_t)r != target_len ||
		       memcmp(trail->target, name->target, target_len) != 0;
	return name->target || (name->absent && !is_absent(r) && is_folder(trail));
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

bool bl_trail_look(struct bl_trail *trail, size_t max)
{
	bool changed = false;

	max = BL_MIN(max, trail->n_names);
	trail->doubted -= BL_MIN(trail->doubted, max);
	while (max) {
		const struct folder *folder = &trail->folders[trail->folder];

		if (trail->name < folder->count) {
			max--;
			if (!folder->left_out)
				changed |= has_changed(trail, folder, &folder->names[trail->name]);
			trail->name++;
			continue;
		}
		trail->name = 0;
		trail->folder = (trail->folder + 1) % trail->n_folders;
	}
	return changed;
}

/* ---- watching ----------------------------------------------------------------------------- */

/* The same directory may be watched by another of its paths; that one is looked at now and then. */
static int keep_wd(struct bl_trail *trail, struct folder *folder, int wd)
{
	size_t index = (size_t)(folder - trail->folders);
	size_t before = trail->n_wds;

	if (bl_grow(&trail->by_wd, &trail->n_wds, (size_t)wd + 1, sizeof(*trail->by_wd)) < 0)
		return -ENOMEM;
	memset(trail->by_wd + before, 0, (trail->n_wds - before) * sizeof(*trail->by_wd));
	trail->by_wd[wd] = (uint32_t)index + 1;
	folder->wd = wd;
	return 0;
}

static int watch_folder(struct bl_trail *trail, struct folder *folder)
{
	_cleanup_close_ int fd = bl_hostfs_open(trail->root_fd, *folder->path ? folder->path : "/",
						O_PATH | O_DIRECTORY | O_NOFOLLOW);
	char link[64];
	int wd;

	folder->wd = -1;
	if (fd < 0)
		return 0;
	folder->left_out = bl_hostfs_is_costly(fd);
	if (folder->left_out || trail->inotify_fd < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(trail->inotify_fd, link, WATCHED);
	return wd < 0 ? 0 : keep_wd(trail, folder, wd);
}

static int watch_all(struct bl_trail *trail)
{
	int r = 0;

	trail->n_unwatched = 0;
	for (size_t i = 0; r == 0 && i < trail->n_folders; i++) {
		r = watch_folder(trail, &trail->folders[i]);
		trail->n_unwatched += trail->folders[i].wd < 0;
	}
	return r;
}

/* Sorts a directory's names, each once. */
static void sort(struct folder *folder)
{
	size_t kept = 0;

	qsort(folder->names, folder->count, sizeof(*folder->names), compare);
	for (size_t i = 0; i < folder->count; i++) {
		if (!kept || compare(&folder->names[kept - 1], &folder->names[i]) != 0)
			folder->names[kept++] = folder->names[i];
	}
	folder->count = kept;
}

int bl_trail_watch(struct bl_trail *trail)
{
	bl_strmap_free(trail->known);
	trail->known = NULL;
	for (size_t i = 0; i < trail->n_folders; i++) {
		sort(&trail->folders[i]);
		trail->n_names += trail->folders[i].count;
	}
	trail->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return watch_all(trail);
}

int bl_trail_fd(const struct bl_trail *trail)
{
	return trail->inotify_fd;
}

void bl_trail_doubt(struct bl_trail *trail)
{
	/* Another directory may be at the path now. Without memory it is looked at now and then. */
	watch_all(trail);
	trail->doubted = trail->n_names;
}

bool bl_trail_doubted(const struct bl_trail *trail)
{
	return trail->doubted != 0;
}

static bool take_in(struct bl_trail *trail, const struct inotify_event *event, bool *doubt)
{
	const struct folder *folder;
	const struct name *name;
	struct name wanted = { .text = event->name };

	if (event->mask &
	    (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
		*doubt = true;
		return false;
	}
	if (event->wd < 0 || (size_t)event->wd >= trail->n_wds || !trail->by_wd[event->wd] ||
	    !event->len)
		return false;
	folder = &trail->folders[trail->by_wd[event->wd] - 1];
	name = bsearch(&wanted, folder->names, folder->count, sizeof(*name), compare);
	return name && has_changed(trail, folder, name);
}

bool bl_trail_happened(struct bl_trail *trail)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false, doubt = false;
	ssize_t n;

	while ((n = read(trail->inotify_fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *event;

		for (const char *at = buf; at < buf + n; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)at;
			changed |= take_in(trail, event, &doubt);
		}
	}
	if (doubt)
		bl_trail_doubt(trail);
	return changed;
}

size_t bl_trail_count(const struct bl_trail *trail)
{
	return trail->n_names;
}

size_t bl_trail_unwatched(const struct bl_trail *trail)
{
	return trail->n_unwatched;
}
