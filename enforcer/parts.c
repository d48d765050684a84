/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF object, opened several times over the same maps: a part of its programs each. */
#define _GNU_SOURCE
#include "parts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi.h"
#include "cleanup.h"

/* The skeleton's .bss type; the kernel side includes it through its own headers. */
#include "state.h"

#include "lsm.skel.h"

#define PARTS_MAX 4 /* each takes some megabytes while it loads */

struct part {
	struct lsm_bpf *skeleton;
	pthread_t thread;
	bool has_thread;
	int error;
};

struct load {
	const struct lsm_bpf *first;
	const struct bl_hook_entry *table;
	const bool *wanted;
	size_t n_hooks;
	struct part parts[PARTS_MAX];
	size_t n_parts;
};

size_t bl_parts_at_a_time(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1; /* more than fit into the set: it would not be slow */
	return (size_t)CPU_COUNT(&set);
}

static struct bpf_program *find_program(const struct lsm_bpf *skeleton, const char *name)
{
	return bpf_object__find_program_by_name(skeleton->obj, name);
}

/* Opens the object for programs that are chosen later, over the maps of first. */
static int open_part(struct part *part, const struct lsm_bpf *first)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int r;

	part->skeleton = lsm_bpf__open();
	if (!part->skeleton)
		return -errno;
	bpf_object__for_each_program(program, part->skeleton->obj) {
		bpf_program__set_autoload(program, false);
		bpf_program__set_autoattach(program, false);
	}
	bpf_object__for_each_map(map, part->skeleton->obj) {
		const struct bpf_map *its =
			bpf_object__find_map_by_name(first->obj, bpf_map__name(map));

		/* What would be made anew here, these programs would share with no others. */
		if (!its)
			return -ENOENT;
		/* Sections that no program refers to are no maps of the kernel. */
		if (bpf_map__fd(its) < 0)
			continue;
		r = bpf_map__reuse_fd(map, bpf_map__fd(its));
		if (r < 0)
			return r;
	}
	return 0;
}

static void *load_part(void *argument)
{
	struct part *part = argument;

	part->error = lsm_bpf__load(part->skeleton);
	return NULL;
}

static int load_parts(struct load *load)
{
	int r = 0;

	for (size_t i = 0; i < load->n_parts; i++) {
		struct part *part = &load->parts[i];

		part->has_thread = pthread_create(&part->thread, NULL, load_part, part) == 0;
		if (!part->has_thread)
			load_part(part);
	}
	for (size_t i = 0; i < load->n_parts; i++) {
		struct part *part = &load->parts[i];

		if (part->has_thread)
			pthread_join(part->thread, NULL);
		if (r == 0)
			r = part->error;
	}
	return r;
}

/*
 * The object that has the turn-th of the wanted programs. Neighbours in the table are much alike, and
 * take as long: they are dealt out in turn.
 */
static const struct lsm_bpf *owner(const struct load *load, size_t turn)
{
	return load->parts[turn % load->n_parts].skeleton;
}

static void deal(const struct load *load)
{
	size_t turn = 0;

	for (size_t i = 0; i < load->n_hooks; i++)
		if (load->wanted[i])
			bpf_program__set_autoload(
				find_program(owner(load, turn++), load->table[i].program), true);
}

static int load_all(struct load *load, size_t at_a_time)
{
	int r = 0;

	while (r == 0 && load->n_parts < at_a_time && load->n_parts < PARTS_MAX)
		r = open_part(&load->parts[load->n_parts++], load->first);
	if (r < 0)
		return r;
	deal(load);
	return load_parts(load);
}

/* Takes the programs out of their objects: nothing else of these is wanted any more. */
static int take_programs(const struct load *load, int ret_fds[])
{
	size_t turn = 0;

	for (size_t i = 0; i < load->n_hooks; i++) {
		struct bpf_program *program;

		if (!load->wanted[i])
			continue;
		program = find_program(owner(load, turn++), load->table[i].program);
		ret_fds[i] = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0);
		if (ret_fds[i] < 0)
			return -errno;
	}
	return 0;
}

/*
 * Has the skeleton's view of the words be that of the map: of a map that was there before, libbpf leaves it memory of
 * its own since 1.5, where nothing of what is in force is seen.
 */
static int map_words(struct lsm_bpf *first)
{
	const struct bpf_map *map = first->maps.bss;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (bpf_map__value_size(map) + page - 1) / page * page;
	void *at = mmap(first->bss, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			bpf_map__fd(map), 0);

	return at == MAP_FAILED ? -errno : 0;
}

int bl_parts_open(struct lsm_bpf *first, const struct bl_hook_entry *table, size_t n_hooks)
{
	int r;

	for (size_t i = 0; i < n_hooks; i++) {
		struct bpf_program *program = find_program(first, table[i].program);

		bpf_program__set_autoload(program, false);
		bpf_program__set_autoattach(program, false);
	}
	r = lsm_bpf__load(first);
	return r < 0 ? r : map_words(first);
}

int bl_parts_load(const struct lsm_bpf *first, const struct bl_hook_entry *table,
		  const bool *wanted, size_t n_hooks, size_t at_a_time, int ret_fds[])
{
	struct load load = { .first = first, .table = table, .wanted = wanted, .n_hooks = n_hooks };
	int r;

	for (size_t i = 0; i < n_hooks; i++)
		ret_fds[i] = -1;
	r = load_all(&load, at_a_time);
	if (r == 0)
		r = take_programs(&load, ret_fds);
	for (size_t i = 0; i < n_hooks && r < 0; i++) {
		bl_close(ret_fds[i]);
		ret_fds[i] = -1;
	}
	for (size_t i = 0; i < load.n_parts; i++)
		lsm_bpf__destroy(load.parts[i].skeleton);
	/* What the objects took is a good part of the process, and is not taken again. */
	malloc_trim(0);
	return r;
}
