/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of the daemon's BPF programs and maps, for who may ask it: root. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "hostfs.h"
#include "progstats.h"

#define KEY_BYTES_MAX 4096
#define COUNT_MAX     262144u /* about a tenth of a second */

bool bl_progstats_are_on(int root_fd)
{
	_cleanup_free_ char *text = NULL;

	return bl_hostfs_read(root_fd, "/proc/sys/kernel/bpf_stats_enabled", 16, &text) == 0 &&
	       text[0] == '1';
}

static bool is_known(const struct bl_progstats_map *maps, uint32_t n, uint32_t id)
{
	for (uint32_t i = 0; i < n; i++) {
		if (maps[i].id == id)
			return true;
	}
	return false;
}

/* Kinds that fill up; of an array all elements are always there. */
static bool fills(uint32_t type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_LPM_TRIE:
		return true;
	default:
		return false;
	}
}

static void add_map(uint32_t id, struct bl_progstats_map maps[BL_PROGSTATS_MAPS_MAX], uint32_t *n)
{
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	if (*n >= BL_PROGSTATS_MAPS_MAX || is_known(maps, *n, id))
		return;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return;
	maps[*n] = (struct bl_progstats_map){
		.id = id,
		.max_entries = info.max_entries,
		.counted = fills(info.type) && info.key_size <= KEY_BYTES_MAX,
	};
	memcpy(maps[*n].name, info.name, sizeof(info.name));
	maps[*n].name[sizeof(maps[*n].name) - 1] = '\0';
	(*n)++;
}

int bl_progstats_program(uint32_t id, struct bl_progstats_program *ret,
			 struct bl_progstats_map maps[BL_PROGSTATS_MAPS_MAX], uint32_t *n)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	uint32_t ids[BL_PROGSTATS_MAPS_MAX] = { 0 };
	struct bpf_prog_info info = {
		.nr_map_ids = BL_PROGSTATS_MAPS_MAX,
		.map_ids = (uint64_t)(uintptr_t)ids,
	};
	uint32_t size = sizeof(info);

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	*ret = (struct bl_progstats_program){
		.run_ns = info.run_time_ns,
		.runs = info.run_cnt,
		.missed = info.recursion_misses,
	};
	for (uint32_t i = 0; i < info.nr_map_ids && i < BL_PROGSTATS_MAPS_MAX; i++)
		add_map(ids[i], maps, n);
	return 0;
}

void bl_progstats_count(struct bl_progstats_map *map)
{
	_cleanup_close_ int fd = -1;
	char key[KEY_BYTES_MAX], next[KEY_BYTES_MAX];
	const char *at = NULL;

	if (!map->counted)
		return;
	map->counted = false;
	if (map->max_entries > COUNT_MAX)
		return;
	fd = bpf_map_get_fd_by_id(map->id);
	/* An element that goes meanwhile has the walk begin anew: no more steps than elements can be. */
	while (fd >= 0 && map->entries <= map->max_entries &&
	       bpf_map_get_next_key(fd, at, next) == 0) {
		memcpy(key, next, sizeof(key));
		at = key;
		map->entries++;
	}
	map->counted = fd >= 0 && errno == ENOENT && map->entries <= map->max_entries;
}
