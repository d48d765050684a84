/* SPDX-License-Identifier: Apache-2.0 */
/* Pins: what keeps the kernel side in force when no daemon is there. */
#define _GNU_SOURCE
#include "pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "failure.h"
#include "layout.h"
#include "sha256.h"

#define SETS_MAX  64 /* starts that were ended midway leave one each, until one is not */
#define NAME_MAX_ 64 /* bytes of each name here, with its NUL */
#define PATH_MAX_ (sizeof(BL_PINS_DIR) + 3 * NAME_MAX_)
#define LINKS	  "links_"
#define PROGRAMS  "programs_"

struct set {
	unsigned int number;
	char name[NAME_MAX_];
	char layout[BL_LAYOUT_BYTES];
};

struct bl_pins {
	int fd;			/* of the directory; locked */
	struct set set;		/* this daemon's; number 0: none yet */
	bool made;		/* that was made by this process */
	char links[NAME_MAX_];	/* the directory of its links; "": not made yet */
	char programs[NAME_MAX_]; /* and of its programs, by what they were made of */
	bool settled;
};

/* ---- the directory ------------------------------------------------------------------------ */

int bl_pins_new(struct bl_pins **ret)
{
	struct bl_pins *pins = calloc(1, sizeof(*pins));

	if (!pins)
		return -ENOMEM;
	pins->fd = -1;
	*ret = pins;
	return 0;
}

void bl_pins_free(struct bl_pins *pins)
{
	if (!pins)
		return;
	bl_close(pins->fd);
	free(pins);
}

static int make_directory(char **reterr_text)
{
	if (mkdir(BL_PINS_DIR, 0700) == 0 || errno == EEXIST)
		return 0;
	return bl_error(reterr_text, -errno,
			errno == ENOENT || errno == EPERM ? BL_PINS_DIR
				" can't be made: %m; is bpffs mounted on /sys/fs/bpf?"
							  : BL_PINS_DIR " can't be made: %m");
}

int bl_pins_open(struct bl_pins *pins, bool make, char **reterr_text)
{
	_cleanup_close_ int fd = -1;
	struct statfs fs;
	int r = make ? make_directory(reterr_text) : 0;

	if (r < 0 || pins->fd >= 0)
		return r;
	fd = open(BL_PINS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return bl_error(reterr_text, -errno, BL_PINS_DIR " can't be opened: %m");
	if (fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_type != BPF_FS_MAGIC) {
		if (make)
			rmdir(BL_PINS_DIR);
		return bl_error(reterr_text, -EMEDIUMTYPE,
				"nothing can be pinned in " BL_PINS_DIR ": that is no bpffs; mount "
				"one: mount -t bpf bpf /sys/fs/bpf");
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return bl_error(reterr_text, errno == EWOULDBLOCK ? -EBUSY : -errno,
				errno == EWOULDBLOCK ? "another bailiffd is running (it holds "
						       "the lock of " BL_PINS_DIR ")"
						     : BL_PINS_DIR " can't be locked: %m");
	pins->fd = TAKE_FD(fd);
	return 0;
}

int bl_pins_look(struct bl_pins *pins)
{
	pins->fd = open(BL_PINS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return pins->fd < 0 ? -errno : 0;
}

/* A path below the directory; each part may be NULL at the end. */
static const char *path_of(char buf[static PATH_MAX_], const char *set, const char *in,
			   const char *name)
{
	snprintf(buf, PATH_MAX_, BL_PINS_DIR "%s%s%s%s%s%s", set ? "/" : "", set ? set : "",
		 in ? "/" : "", in ? in : "", name ? "/" : "", name ? name : "");
	return buf;
}

static int get(const char *set, const char *in, const char *name)
{
	char path[PATH_MAX_];

	return bpf_obj_get(path_of(path, set, in, name));
}

/* What a map is called there: names of bpffs have no dots, those of sections have one in them. */
static const char *map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map), *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

/* ---- sets --------------------------------------------------------------------------------- */

static bool parse_set(const char *name, struct set *ret)
{
	size_t len = strlen(name);
	int end = 0;

	*ret = (struct set){ 0 };
	if (len >= sizeof(ret->name))
		return false;
	memcpy(ret->name, name, len + 1);
	if (sscanf(name, "%9u_%16[0-9a-f]%n", &ret->number, ret->layout, &end) != 2 ||
	    (size_t)end != len || !ret->number)
		return false;
	return true;
}

static int compare_sets(const void *left, const void *right)
{
	const struct set *a = left, *b = right;

	return a->number > b->number ? -1 : a->number < b->number;
}

/* Newest first. Returns their number. */
static size_t list_sets(const struct bl_pins *pins, struct set sets[static SETS_MAX])
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	size_t n = 0;
	int fd = pins->fd < 0 ? -1 : openat(pins->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		bl_close(fd);
		return 0;
	}
	while (n < SETS_MAX && (entry = readdir(dir)) != NULL)
		n += parse_set(entry->d_name, &sets[n]);
	qsort(sets, n, sizeof(*sets), compare_sets);
	return n;
}

typedef void (*entry_fn)(void *userdata, const char *name);

static void for_each_entry(const char *path, entry_fn each, void *userdata)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < NAME_MAX_)
			each(userdata, entry->d_name);
	}
}

static void count_entry(void *userdata, const char *name)
{
	++*(size_t *)userdata;
}

struct links_walk {
	const char *set;
	size_t links;
	unsigned int last; /* number of a directory of links */
};

static void look_at_links(void *userdata, const char *name)
{
	struct links_walk *walk = userdata;
	char path[PATH_MAX_];
	unsigned int number;

	if (sscanf(name, LINKS "%9u", &number) != 1)
		return;
	if (number > walk->last)
		walk->last = number;
	for_each_entry(path_of(path, walk->set, name, NULL), count_entry, &walk->links);
}

static struct links_walk links_of(const struct set *set)
{
	struct links_walk walk = { .set = set->name };
	char path[PATH_MAX_];

	for_each_entry(path_of(path, set->name, NULL, NULL), look_at_links, &walk);
	return walk;
}

/* The set in force: the newest that has a link, or else the newest. Returns whether there is any. */
static bool find_set(const struct bl_pins *pins, struct set *ret)
{
	struct set sets[SETS_MAX];
	size_t n = list_sets(pins, sets);

	for (size_t i = 0; i < n; i++) {
		if (links_of(&sets[i]).links) {
			*ret = sets[i];
			return true;
		}
	}
	if (n)
		*ret = sets[0];
	return n > 0;
}

bool bl_pins_in_force(const struct bl_pins *pins)
{
	return bl_pins_count_links(pins) > 0;
}

size_t bl_pins_count_links(const struct bl_pins *pins)
{
	struct set set;

	return find_set(pins, &set) ? links_of(&set).links : 0;
}

int bl_pins_map(const struct bl_pins *pins, const char *map)
{
	struct set set;

	return find_set(pins, &set) ? get(set.name, "maps", map) : -ENOENT;
}

size_t bl_pins_claim(const struct bl_pins *pins)
{
	struct set sets[SETS_MAX];
	size_t n = list_sets(pins, sets);

	for (size_t i = 0; i < n; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts);
		_cleanup_close_ int program = get(sets[i].name, "claim", NULL);

		if (program >= 0)
			bpf_prog_test_run_opts(program, &opts);
	}
	return n;
}

/* ---- adopting ----------------------------------------------------------------------------- */

/* Constants belong to the programs of a build. */
static bool is_shared(const struct bpf_map *map)
{
	return !strstr(bpf_map__name(map), ".rodata");
}

static bool map_fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
	       info.type == (uint32_t)bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) &&
	       info.map_flags == bpf_map__map_flags(map);
}

/* All maps or none: with reuse they are the object's from here on. */
static int use_set(const struct set *set, struct bpf_object *object, bool reuse)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		_cleanup_close_ int fd = -1;
		int r;

		if (!is_shared(map))
			continue;
		fd = get(set->name, "maps", map_name(map));
		if (fd < 0)
			return fd;
		if (!reuse && !map_fits(map, fd))
			return -EINVAL;
		r = reuse ? bpf_map__reuse_fd(map, fd) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int bl_pins_adopt(struct bl_pins *pins, struct bpf_object *object, char **reterr_text)
{
	struct set sets[SETS_MAX];
	char layout[BL_LAYOUT_BYTES];
	size_t n = list_sets(pins, sets);
	int r = bl_layout_digest(object, layout);

	if (r < 0)
		return r;
	snprintf(pins->set.layout, sizeof(pins->set.layout), "%s", layout);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(sets[i].layout, layout) != 0 || use_set(&sets[i], object, false) < 0)
			continue;
		r = use_set(&sets[i], object, true);
		if (r < 0)
			return bl_error(reterr_text, r,
					"the maps in " BL_PINS_DIR "/%s can't be taken over: %s",
					sets[i].name, strerror(-r));
		pins->set = sets[i];
		return 1;
	}
	return 0;
}

/* ---- this daemon's own -------------------------------------------------------------------- */

static int make_below(const char *set, const char *in, char **reterr_text)
{
	char path[PATH_MAX_];

	if (mkdir(path_of(path, set, in, NULL), 0700) < 0)
		return bl_error(reterr_text, -errno, "%s can't be made: %m", path);
	return 0;
}

static int pin(int fd, const char *set, const char *in, const char *name, char **reterr_text)
{
	char path[PATH_MAX_];
	int r = bpf_obj_pin(fd, path_of(path, set, in, name));

	if (r < 0)
		return bl_error(reterr_text, r, "%s can't be pinned: %s", path, strerror(-r));
	return 0;
}

static int make_set(struct bl_pins *pins, const struct bpf_object *object,
		    const struct bpf_program *claim, char **reterr_text)
{
	struct set sets[SETS_MAX], *own = &pins->set;
	size_t n = list_sets(pins, sets);
	struct bpf_map *map;
	int r;

	pins->made = true;
	own->number = n ? sets[0].number + 1 : 1;
	snprintf(own->name, sizeof(own->name), "%u_%s", own->number, own->layout);
	r = make_below(own->name, NULL, reterr_text);
	if (r == 0)
		r = make_below(own->name, "maps", reterr_text);
	bpf_object__for_each_map(map, object) {
		if (r == 0 && is_shared(map))
			r = pin(bpf_map__fd(map), own->name, "maps", map_name(map), reterr_text);
	}
	return r < 0 ? r : pin(bpf_program__fd(claim), own->name, "claim", NULL, reterr_text);
}

/* What programs come to depends on what they were compiled to, and on who relocates them. */
static int make_programs(struct bl_pins *pins, const void *build, size_t build_len,
			 char **reterr_text)
{
	uint8_t digest[BL_SHA256_BYTES];
	char path[PATH_MAX_], *at = pins->programs;
	struct bl_sha256 sha;

	bl_sha256_init(&sha);
	bl_sha256_add(&sha, libbpf_version_string(), strlen(libbpf_version_string()) + 1);
	bl_sha256_add(&sha, build, build_len);
	bl_sha256_end(&sha, digest);
	at = stpcpy(at, PROGRAMS);
	for (size_t i = 0; i < BL_LAYOUT_BYTES / 2; i++, at += 2)
		snprintf(at, 3, "%02x", digest[i]);
	if (access(path_of(path, pins->set.name, pins->programs, NULL), F_OK) == 0)
		return 0;
	return make_below(pins->set.name, pins->programs, reterr_text);
}

int bl_pins_take(struct bl_pins *pins, struct bpf_object *object, const struct bpf_program *claim,
		 const void *build, size_t build_len, char **reterr_text)
{
	int r = pins->set.number ? 0 : make_set(pins, object, claim, reterr_text);

	if (r < 0)
		return r;
	snprintf(pins->links, sizeof(pins->links), LINKS "%u", links_of(&pins->set).last + 1);
	r = make_below(pins->set.name, pins->links, reterr_text);
	if (r == 0)
		r = make_programs(pins, build, build_len, reterr_text);
	return r;
}

int bl_pins_program(const struct bl_pins *pins, const char *program)
{
	return pins->settled ? -ENOENT : get(pins->set.name, pins->programs, program);
}

int bl_pins_leave(const struct bl_pins *pins, const char *program, int fd)
{
	char path[PATH_MAX_];
	int r = bpf_obj_pin(fd, path_of(path, pins->set.name, pins->programs, program));

	return r == -EEXIST ? 0 : r;
}

static bool is_link_of(int link, uint32_t program_id)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(link, &info, &size) == 0 && info.prog_id == program_id;
}

struct link_search {
	const struct bl_pins *pins;
	const char *program;
	uint32_t program_id;
	int link;
};

static void find_link(void *userdata, const char *name)
{
	struct link_search *search = userdata;
	const struct bl_pins *pins = search->pins;
	_cleanup_close_ int link = -1;

	if (search->link >= 0 || strncmp(name, LINKS, strlen(LINKS)) != 0 ||
	    strcmp(name, pins->links) == 0)
		return;
	link = get(pins->set.name, name, search->program);
	if (link >= 0 && is_link_of(link, search->program_id))
		search->link = TAKE_FD(link);
}

int bl_pins_link(const struct bl_pins *pins, const char *program, int fd)
{
	struct link_search search = { .pins = pins, .program = program, .link = -ENOENT };
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	char path[PATH_MAX_];

	if (pins->settled)
		return -ENOENT;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	search.program_id = info.id;
	for_each_entry(path_of(path, pins->set.name, NULL, NULL), find_link, &search);
	return search.link;
}

int bl_pins_add(const struct bl_pins *pins, const char *program, int link)
{
	char path[PATH_MAX_];

	return bpf_obj_pin(link, path_of(path, pins->set.name, pins->links, program));
}

void bl_pins_remove(const struct bl_pins *pins, const char *program)
{
	char path[PATH_MAX_];

	unlink(path_of(path, pins->set.name, pins->links, program));
}

/* ---- taking away -------------------------------------------------------------------------- */

static void remove_tree(const char *path, int *error, unsigned int depth);

struct branch {
	const char *path;
	int *error;
	unsigned int depth;
};

static void remove_entry(void *userdata, const char *name)
{
	const struct branch *branch = userdata;
	char path[PATH_MAX_ + NAME_MAX_];

	snprintf(path, sizeof(path), "%s/%s", branch->path, name);
	if (unlink(path) < 0 && errno != ENOENT) {
		if ((errno == EISDIR || errno == EPERM) && branch->depth)
			remove_tree(path, branch->error, branch->depth - 1);
		else
			*branch->error = -errno;
	}
}

/* Directories are at most three deep. What could not be removed leaves its error. */
static void remove_tree(const char *path, int *error, unsigned int depth)
{
	struct branch branch = { .path = path, .error = error, .depth = depth };

	for_each_entry(path, remove_entry, &branch);
	/* Not rmdir(): the sandbox knows one call for both. */
	if (unlinkat(AT_FDCWD, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		*error = -errno;
}

struct own {
	const char *set;
	const char *prefix;
	const char *keep; /* NULL: none */
};

static void remove_other(void *userdata, const char *name)
{
	const struct own *own = userdata;
	char path[PATH_MAX_];
	int error = 0;

	if (strncmp(name, own->prefix, strlen(own->prefix)) == 0 &&
	    (!own->keep || strcmp(name, own->keep) != 0))
		remove_tree(path_of(path, own->set, name, NULL), &error, 1);
}

static void remove_others(const char *set, const char *prefix, const char *keep)
{
	struct own own = { .set = set, .prefix = prefix, .keep = keep };
	char path[PATH_MAX_];

	for_each_entry(path_of(path, set, NULL, NULL), remove_other, &own);
}

static int remove_set(const struct set *set)
{
	char path[PATH_MAX_];
	int error = 0;

	remove_tree(path_of(path, set->name, NULL, NULL), &error, 2);
	return error;
}

void bl_pins_settle(struct bl_pins *pins, bl_pins_old_fn old, void *userdata)
{
	struct set sets[SETS_MAX];
	size_t n = list_sets(pins, sets);

	pins->settled = true;
	for (size_t i = 0; i < n; i++) {
		bool own = strcmp(sets[i].name, pins->set.name) == 0;

		remove_others(sets[i].name, LINKS, own ? pins->links : NULL);
		if (own) {
			remove_others(sets[i].name, PROGRAMS, pins->programs);
			continue;
		}
		if (old) {
			_cleanup_close_ int ring = get(sets[i].name, "maps", "ring");
			_cleanup_close_ int counters = get(sets[i].name, "maps", "counters");
			_cleanup_close_ int progress = get(sets[i].name, "maps", "progress");

			old(userdata, ring, counters, progress);
		}
		remove_set(&sets[i]);
	}
}

void bl_pins_withdraw(struct bl_pins *pins)
{
	char path[PATH_MAX_];
	int error = 0;

	if (*pins->links)
		remove_tree(path_of(path, pins->set.name, pins->links, NULL), &error, 1);
	*pins->links = '\0';
	if (pins->made)
		remove_set(&pins->set);
}

int bl_pins_lift(struct bl_pins *pins)
{
	struct set sets[SETS_MAX];
	size_t n = list_sets(pins, sets);
	int error = 0;

	for (size_t i = 0; i < n; i++)
		remove_others(sets[i].name, LINKS, NULL);
	for (size_t i = 0; i < n; i++) {
		int r = remove_set(&sets[i]);

		if (r < 0)
			error = r;
	}
	*pins->links = '\0';
	return error;
}
