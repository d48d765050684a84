/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path leads: follows symbolic links through a look-up that is handed in. */
#include "links.h"

#include <errno.h>
#include <string.h>

#define PATH_BYTES BL_PATTERN_BYTES_MAX
#define LINKS_MAX  40 /* the kernel's MAXSYMLINKS */

/* What the look-up said of a folder. */
struct answer {
	int r;
	char *target; /* where r is its length */
};

/* A walk: what is resolved, and what is still to come. */
struct walk {
	char done[PATH_BYTES];
	size_t done_len;
	char rest[2 * PATH_BYTES];
	const char *at; /* in rest */
	unsigned followed;
	bool absent; /* ended where nothing is */
	bool fresh; /* a link was followed since the last name was given */
	bl_links_name_fn fn;
	void *fn_data;
};

/* The buffers are here because clearing them for each of 100,000 paths would cost more than the walk. */
struct bl_links {
	bl_readlink_fn readlink_fn;
	void *userdata;
	struct bl_arena *arena;	   /* keys and targets of the answers */
	struct bl_strmap *folders; /* path -> index in answers */
	struct answer *answers;
	size_t n_answers, capacity;
	struct walk walk;
	char target[PATH_BYTES];
	char name[PATH_BYTES];
};

struct bl_links *bl_links_new(bl_readlink_fn readlink_fn, void *userdata)
{
	_cleanup_(bl_links_freep) struct bl_links *links = calloc(1, sizeof(*links));

	if (!links)
		return NULL;
	links->readlink_fn = readlink_fn;
	links->userdata = userdata;
	links->arena = bl_arena_new();
	links->folders = bl_strmap_new();
	if (!links->arena || !links->folders)
		return NULL;
	return TAKE_PTR(links);
}

void bl_links_free(struct bl_links *links)
{
	if (!links)
		return;
	bl_arena_free(links->arena);
	bl_strmap_free(links->folders);
	free(links->answers);
	free(links);
}

/* ---- look-ups ----------------------------------------------------------------------------- */

/* Names that lead each process to its own place: following them here would tell about us. */
static bool is_magic(const char *path)
{
	return strcmp(path, "/proc/self") == 0 || strcmp(path, "/proc/thread-self") == 0;
}

/* Looks a name up; where it is a link, its target is in links->target. */
static int look(struct bl_links *links, const char *path)
{
	int r = is_magic(path)
			? -ENOTUNIQ
			: links->readlink_fn(links->userdata, path, links->target, PATH_BYTES);

	if (r == 0)
		return -EINVAL; /* an empty target: no file system should have one */
	return r >= PATH_BYTES ? -ENAMETOOLONG : r;
}

static int remember(struct bl_links *links, const char *path, size_t len, int r)
{
	char *key = bl_arena_strndup(links->arena, path, len);
	struct answer answer = { .r = r };
	uint32_t old;

	if (r > 0)
		answer.target = bl_arena_strndup(links->arena, links->target, (size_t)r);
	if (!key || (r > 0 && !answer.target) ||
	    bl_grow(&links->answers, &links->capacity, links->n_answers + 1, sizeof(answer)) < 0)
		return -ENOMEM;
	links->answers[links->n_answers] = answer;
	return bl_strmap_add(links->folders, key, len, (uint32_t)links->n_answers++, &old);
}

/* Looks a folder up, once for all the paths that go through it. */
static int look_folder(struct bl_links *links, const char *path, size_t len)
{
	uint32_t index;
	int r;

	if (bl_strmap_get(links->folders, path, len, &index)) {
		const struct answer *answer = &links->answers[index];

		if (answer->r > 0)
			memcpy(links->target, answer->target, (size_t)answer->r);
		return answer->r;
	}
	r = look(links, path);
	return remember(links, path, len, r) < 0 ? -ENOMEM : r;
}

/* ---- the walk ----------------------------------------------------------------------------- */

/* Whether the rest has "." or "..": what they mean is known only when they are reached. */
static bool has_dots(const char *rest)
{
	while (*rest) {
		size_t len;

		rest += strspn(rest, "/");
		len = strcspn(rest, "/");
		if ((len == 1 && rest[0] == '.') || (len == 2 && rest[0] == '.' && rest[1] == '.'))
			return true;
		rest += len;
	}
	return false;
}

/* Gives the name that done and rest make, if a link led to it. */
static int give_name(struct bl_links *links)
{
	struct walk *walk = &links->walk;
	size_t len = walk->done_len;

	if (!walk->fresh || has_dots(walk->at))
		return 0;
	walk->fresh = false;
	memcpy(links->name, walk->done, len);
	for (const char *at = walk->at; *at;) {
		size_t part;

		at += strspn(at, "/");
		part = strcspn(at, "/");
		if (part && len + 1 + part >= PATH_BYTES)
			return -ENAMETOOLONG;
		if (part)
			links->name[len++] = '/';
		memcpy(links->name + len, at, part);
		len += part;
		at += part;
	}
	if (!len)
		links->name[len++] = '/';
	links->name[len] = '\0';
	return walk->fn(walk->fn_data, links->name, len);
}

/* Puts a link's target in front of the rest. */
static int follow(struct walk *walk, const char *target, size_t len)
{
	size_t rest_len = strlen(walk->at);

	if (++walk->followed > LINKS_MAX)
		return -ELOOP;
	if (len + 1 + rest_len >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + len + 1, walk->at, rest_len + 1);
	memcpy(walk->rest, target, len);
	walk->rest[len] = '/';
	walk->at = walk->rest;
	walk->fresh = true;
	if (target[0] == '/')
		walk->done_len = 0;
	return 0;
}

static void go_up(struct walk *walk)
{
	while (walk->done_len && walk->done[walk->done_len - 1] != '/')
		walk->done_len--;
	if (walk->done_len)
		walk->done_len--;
}

/* Takes the component at walk->at. Returns 0, or -errno where the walk ends. */
static int step(struct bl_links *links, size_t len)
{
	struct walk *walk = &links->walk;
	size_t before = walk->done_len;
	bool last;
	int r;

	if (before + 1 + len >= PATH_BYTES)
		return -ENAMETOOLONG;
	walk->done[walk->done_len++] = '/';
	memcpy(walk->done + walk->done_len, walk->at, len);
	walk->done_len += len;
	walk->done[walk->done_len] = '\0';
	walk->at += len;
	last = walk->at[strspn(walk->at, "/")] == '\0';
	r = last ? look(links, walk->done) : look_folder(links, walk->done, walk->done_len);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	walk->done_len = before;
	return follow(walk, links->target, (size_t)r);
}

static int walk_on(struct bl_links *links)
{
	struct walk *walk = &links->walk;

	for (;;) {
		size_t len;
		int r = give_name(links);

		if (r)
			return r;
		walk->at += strspn(walk->at, "/");
		len = strcspn(walk->at, "/");
		if (!len)
			return 0;
		if (len == 2 && memcmp(walk->at, "..", 2) == 0)
			go_up(walk);
		if (walk->at[0] == '.' && (len == 1 || (len == 2 && walk->at[1] == '.'))) {
			walk->at += len;
			continue;
		}
		r = step(links, len);
		/* Nothing there: no links below it either, but a name that may come to exist. */
		if (r == -ENOENT || r == -ENOTDIR) {
			walk->absent = true;
			return give_name(links);
		}
		if (r)
			return r;
	}
}

int bl_links_follow(struct bl_links *links, const char *path, size_t len, bl_links_name_fn fn,
		    void *fn_data)
{
	struct walk *walk = &links->walk;

	if (len >= PATH_BYTES)
		return -ENAMETOOLONG;
	memcpy(walk->rest, path, len);
	walk->rest[len] = '\0';
	walk->at = walk->rest;
	walk->done_len = 0;
	walk->followed = 0;
	walk->absent = false;
	walk->fresh = false;
	walk->fn = fn;
	walk->fn_data = fn_data;
	return walk_on(links);
}

bool bl_links_absent(const struct bl_links *links)
{
	return links->walk.absent;
}
