/* SPDX-License-Identifier: Apache-2.0 */
/* What processes come from, as far as the kernel side can't know it. */
#define _GNU_SOURCE
#include "descent.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base.h"
#include "cleanup.h"
#include "failure.h"
#include "mounts.h"

/* The kernel side's structs, and what it makes of them. */
#include "lineage.h"

#define SWEEPS_MAX 16

/* ---- processes ---------------------------------------------------------------------------- */

enum state {
	STATE_OPEN = 0,
	STATE_GOING, /* its parents are being looked at */
	STATE_DONE,
	STATE_LOST, /* it can't be told what it comes from: at the next try it may */
};

struct entry {
	struct bl_process told;
	enum state state;
};

struct processes {
	struct entry *items; /* by number, ascending */
	size_t count, capacity;
};

static void processes_clear(struct processes *processes)
{
	free(processes->items);
}

static int add_process(struct processes *processes, const struct bl_process *told)
{
	int r = bl_grow(&processes->items, &processes->capacity, processes->count + 1,
			sizeof(*processes->items));

	if (r < 0)
		return r;
	processes->items[processes->count++] = (struct entry){
		.told = *told,
		.state = told->lineage ? STATE_DONE : STATE_OPEN,
	};
	return 0;
}

static int compare_entries(const void *left, const void *right)
{
	uint32_t a = ((const struct entry *)left)->told.tgid;
	uint32_t b = ((const struct entry *)right)->told.tgid;

	return a < b ? -1 : a > b;
}

static struct entry *find_process(const struct processes *processes, uint32_t tgid)
{
	struct entry key = { .told = { .tgid = tgid } };

	if (!processes->count)
		return NULL;
	return bsearch(&key, processes->items, processes->count, sizeof(key), compare_entries);
}

static int read_processes(int link, struct processes *ret)
{
	_cleanup_close_ int fd = bpf_iter_create(link);
	struct bl_process told;
	size_t have = 0;

	if (fd < 0)
		return fd;
	for (;;) {
		ssize_t got = read(fd, (char *)&told + have, sizeof(told) - have);
		int r;

		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		have += (size_t)got;
		if (have < sizeof(told))
			continue;
		have = 0;
		r = add_process(ret, &told);
		if (r < 0)
			return r;
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_entries);
	return 0;
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* Takes a number as the kernel side does; 0: there is no room. */
static uint32_t make_number(const struct bl_descent *descent, struct bl_origin *origin,
			    uint64_t key)
{
	struct bl_globals *globals = descent->globals;
	uint32_t pool = bl_origin_pool(origin) & (BL_POOLS - 1);
	struct bl_origin known;

	if (globals->origin_pools[pool] >= bl_origin_pool_max(pool) ||
	    globals->origins >= BL_ORIGINS_MAX)
		return 0;
	__atomic_fetch_add(&globals->origin_pools[pool], 1, __ATOMIC_SEQ_CST);
	origin->number = __atomic_add_fetch(&globals->origins, 1, __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(descent->origins, &key, origin, BPF_NOEXIST) == 0)
		return origin->number;
	return bpf_map_lookup_elem(descent->origins, &key, &known) == 0 ? known.number : 0;
}

/* The number of what a process runs; 0: it is not known. */
static uint32_t number_of(const struct bl_descent *descent, const struct bl_mounts *mounts,
			  const struct bl_process *told)
{
	struct bl_origin origin = told->origin, known;
	uint64_t key;

	if (told->program == BL_PROCESS_NONE)
		return BL_ORIGIN_NONE;
	if (told->program != BL_PROCESS_NAMED)
		return 0;
	if (!bl_mounts_have(mounts, origin.dev)) {
		origin.trust = BL_TRUST_CONTAINER;
		origin.dev = origin.version = 0;
		origin.linked = 0;
		origin.inode = 0;
	}
	key = bl_origin_key(&origin, (const __u64 *)descent->globals->keys);
	if (bpf_map_lookup_elem(descent->origins, &key, &known) == 0)
		return known.number;
	return make_number(descent, &origin, key);
}

/* ---- lineages ----------------------------------------------------------------------------- */

/* One whose parents are done. Without a parent it comes from nobody. */
static void take_line(const struct bl_descent *descent, const struct bl_mounts *mounts,
		      struct entry *entry, const struct entry *parent)
{
	struct bl_line *line = &entry->told.line;

	*line = (struct bl_line){ .parent = BL_ORIGIN_NONE };
	if (parent) {
		*line = parent->told.line;
		bl_line_fork(line);
	}
	line->flags &= ~(uint32_t)BL_LINE_OWN_ANY;
	line->own = (uint16_t)number_of(descent, mounts, &entry->told);
}

/* Follows the parents up to one that is done, and comes back down from there. */
static void resolve(const struct bl_descent *descent, const struct bl_mounts *mounts,
		    const struct processes *processes, struct entry *entry, struct entry **path)
{
	struct entry *parent = NULL;
	size_t depth = 0;
	bool lost = false;

	for (; entry && entry->state == STATE_OPEN; entry = parent) {
		entry->state = STATE_GOING;
		path[depth++] = entry;
		parent = find_process(processes, entry->told.ppid);
		/* Whose parent is gone since it was told has another one by now. */
		lost = !parent && entry->told.ppid;
	}
	lost |= entry && entry->state != STATE_DONE;
	while (depth--) {
		if (lost) {
			path[depth]->state = STATE_LOST;
			continue;
		}
		take_line(descent, mounts, path[depth], entry);
		path[depth]->state = STATE_DONE;
		entry = path[depth];
	}
}

/* Returns 0 also where the process is gone. */
static int write_lineage(const struct bl_descent *descent, const struct bl_process *told)
{
	struct bl_lineage lineage = {
		.exec_id = told->exec_id,
		.start = told->start,
		.line = told->line,
	};
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, told->tgid, 0);

	if (fd < 0)
		return errno == ESRCH || errno == EINVAL ? 0 : -errno;
	if (bpf_map_update_elem(descent->lineages, &fd, &lineage, BPF_ANY) < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	return 0;
}

static int sweep_once(const struct bl_descent *descent, const struct bl_mounts *mounts)
{
	_cleanup_(processes_clear) struct processes processes = {};
	_cleanup_free_ struct entry **path = NULL;
	int r = read_processes(descent->processes, &processes), left = 0;

	if (r < 0)
		return r;
	path = calloc(processes.count + 1, sizeof(struct entry *));
	if (!path)
		return -ENOMEM;
	for (size_t i = 0; i < processes.count; i++) {
		struct entry *entry = &processes.items[i];

		if (entry->told.lineage)
			continue;
		left++;
		resolve(descent, mounts, &processes, entry, path);
		if (entry->state == STATE_LOST)
			continue;
		r = write_lineage(descent, &entry->told);
		if (r < 0)
			return r;
	}
	return left;
}

/* Returns how many are left without a lineage, or -errno. */
static int sweep(const struct bl_descent *descent)
{
	_cleanup_(bl_mounts_clear) struct bl_mounts mounts = {};
	int r = bl_mounts_read(descent->mounts, &mounts);

	/* Whoever was forked meanwhile by a process that had none has none: until all have one. */
	for (int i = 0; r >= 0 && i < SWEEPS_MAX; i++) {
		r = sweep_once(descent, &mounts);
		if (!r)
			return 0;
	}
	return r;
}

/* ---- another policy ----------------------------------------------------------------------- */

struct judge {
	const struct bl_tables *tables;
	const struct bl_mounts *mounts;
	int links;
};

static void judge_linked(const struct judge *judge, const struct bl_origin *origin,
			 struct bl_kin_sets *sets)
{
	struct bl_linked_key key = { .inode = origin->inode,
				     .dev = origin->dev,
				     .version = origin->version };
	const struct bl_linked_key pool = { .inode = origin->pool };
	unsigned int trust = origin->trust;
	struct bl_linked linked;

	if (bpf_map_lookup_elem(judge->links, &key, &linked) < 0) {
		if (bpf_map_lookup_elem(judge->links, &pool, &linked) < 0 ||
		    !(linked.kept & BL_POOL_FULL))
			return;
		trust = BL_TRUST_CONTAINER;
	}
	bl_kin_of_classes(judge->tables, linked.classes, BL_CLASSES_MAX, trust,
			  (uint64_t *)sets->parent, (uint64_t *)sets->ancestor);
	if (linked.overflow)
		bl_kin_of_any(judge->tables, (uint64_t *)sets->parent, (uint64_t *)sets->ancestor);
}

static int judge_name(void *userdata, const char *path, const struct bl_origin *origin,
		      struct bl_kin_sets *sets)
{
	const struct judge *judge = userdata;

	bl_kin_of_path(judge->tables, path, origin->trust, (uint64_t *)sets->parent,
		       (uint64_t *)sets->ancestor);
	return 0;
}

/* By the name that it was started by, and by those that mounts of the host give it. */
static void judge_origin(struct judge *judge, const struct bl_origin *origin,
			 struct bl_kin_sets *sets)
{
	char whole[BL_ORIGIN_BYTES + 1] = "/", path[BL_PATH_BYTES];
	const char *name;

	memset(sets, 0, sizeof(*sets));
	if (origin->len)
		memcpy(whole, origin->path, origin->len);
	judge_name(judge, whole, origin, sets);
	if (origin->trust != BL_TRUST_HOST)
		return;
	name = whole + (origin->len ? origin->prefix_len : 0);
	for (size_t i = 0; i < judge->mounts->count; i++)
		if (bl_mount_shows(&judge->mounts->items[i], origin->dev, name, path, sizeof(path)))
			judge_name(judge, path, origin, sets);
	if (origin->linked)
		judge_linked(judge, origin, sets);
}

static int set_last(int kin, uint32_t last)
{
	struct bl_kin_sets first = { .ancestor = { last } };
	uint32_t zero = 0;

	return bpf_map_update_elem(kin, &zero, &first, BPF_ANY) < 0 ? -errno : 0;
}

/* Fills a policy's map with what it says of all programs that have a number. */
static int judge_all(const struct bl_descent *descent, const struct bl_tables *tables, int links,
		     int kin)
{
	_cleanup_(bl_mounts_clear) struct bl_mounts mounts = {};
	struct judge judge = { .tables = tables, .mounts = &mounts, .links = links };
	uint32_t last = __atomic_load_n(&descent->globals->origins, __ATOMIC_SEQ_CST);
	static const struct bl_kin_sets none;
	uint64_t key, *at = NULL;
	int r = bl_mounts_read(descent->mounts, &mounts);

	for (; r == 0 && bpf_map_get_next_key(descent->origins, at, &key) == 0; at = &key) {
		struct bl_origin origin;
		struct bl_kin_sets sets;

		if (bpf_map_lookup_elem(descent->origins, &key, &origin) < 0)
			continue;
		judge_origin(&judge, &origin, &sets);
		if (memcmp(&sets, &none, sizeof(sets)) != 0 &&
		    bpf_map_update_elem(kin, &origin.number, &sets, BPF_ANY) < 0)
			r = -errno;
	}
	/* A number is taken before it is in the map: what came in between is looked at the next time. */
	return r < 0 ? r : set_last(kin, last);
}

/* ---- the whole ---------------------------------------------------------------------------- */

void bl_descent_init(struct bl_descent *descent)
{
	*descent = (struct bl_descent){ .processes = -1, .mounts = -1, .policies = { -1, -1 } };
}

void bl_descent_done(struct bl_descent *descent)
{
	bl_close(descent->processes);
	bl_close(descent->mounts);
	bl_close(descent->policies[0]);
	bl_close(descent->policies[1]);
	bl_descent_init(descent);
}

int bl_descent_start(struct bl_descent *descent, int program, char **reterr_text)
{
	descent->processes = bpf_link_create(program, 0, BPF_TRACE_ITER, NULL);
	if (descent->processes < 0)
		return bl_error(reterr_text, descent->processes,
				"cannot attach to the walk through all processes: %s",
				strerror(-descent->processes));
	descent->mounts = open("/proc/1/mountinfo", O_RDONLY | O_CLOEXEC);
	if (descent->mounts < 0)
		return bl_error(reterr_text, -errno, "cannot read the host's mount table: %s",
				strerror(errno));
	return 0;
}

void bl_descent_drop(struct bl_descent *descent, uint32_t slot)
{
	bpf_map_delete_elem(descent->kin, &slot);
	bl_close(descent->policies[slot]);
	descent->policies[slot] = -1;
}

static int put(struct bl_descent *descent, uint32_t slot)
{
	return bpf_map_update_elem(descent->kin, &slot, &descent->policies[slot], BPF_ANY) < 0
		       ? -errno
		       : 0;
}

int bl_descent_stage(struct bl_descent *descent, uint32_t slot, const struct bl_header *header)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd;

	bl_descent_drop(descent, slot);
	if (!(header->flags & BL_TABLES_DESCENT))
		return 0;
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bl_kin", sizeof(uint32_t),
			    sizeof(struct bl_kin_sets), BL_ORIGINS_MAX + 1, &opts);
	if (fd < 0)
		return fd;
	descent->policies[slot] = fd;
	return put(descent, slot);
}

int bl_descent_settle(struct bl_descent *descent, uint32_t slot, const struct bl_tables *tables,
		      int links, char **reterr_text)
{
	int r;

	if (descent->policies[slot] < 0)
		return 0;
	r = sweep(descent);
	if (r >= 0)
		r = judge_all(descent, tables, links, descent->policies[slot]);
	if (r < 0)
		return bl_error(reterr_text, r, "cannot tell what processes come from: %s",
				strerror(-r));
	return 0;
}

void bl_descent_settle_again(struct bl_descent *descent, uint32_t slot,
			     const struct bl_tables *tables, int links)
{
	/* The kernel waits for all runs when a map of maps is written. */
	if (descent->policies[slot] >= 0 && put(descent, slot) == 0)
		judge_all(descent, tables, links, descent->policies[slot]);
}
