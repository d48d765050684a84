/* SPDX-License-Identifier: Apache-2.0 */
/* What one daemon leaves to the next in the kernel's maps. */
#define _GNU_SOURCE
#include "handover.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cleanup.h"

#define CHUNKS_MAX    4096 /* 256 MiB: far above what the names of any policy come to */
#define EMPTY_ROUNDS  5
#define EMPTY_WAIT_NS 100000000 /* for links that the kernel takes away in its own time */

int bl_inner_open(int outer, uint32_t slot)
{
	uint32_t id;

	if (bpf_map_lookup_elem(outer, &slot, &id) < 0)
		return -errno;
	return bpf_map_get_fd_by_id(id);
}

int bl_chunks_create(const char *name, uint32_t chunks)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), BL_CHUNK_BYTES, chunks,
			      &opts);
}

static int put_chunk(int fd, uint32_t index, const uint8_t *text, size_t len, int first)
{
	_cleanup_free_ uint8_t *chunk = calloc(1, BL_CHUNK_BYTES);
	size_t at = (size_t)index * BL_CHUNK_BYTES;

	if (!chunk)
		return -ENOMEM;
	memcpy(chunk, text + at, BL_MIN(len - at, (size_t)BL_CHUNK_BYTES));
	if (first >= 0)
		*chunk = (uint8_t)first;
	return bpf_map_update_elem(fd, &index, chunk, BPF_ANY) < 0 ? -errno : 0;
}

int bl_left_put(int outer, uint32_t slot, const uint8_t *text, size_t len)
{
	uint32_t chunks = (uint32_t)((len + BL_CHUNK_BYTES - 1) / BL_CHUNK_BYTES);
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (!chunks || chunks > CHUNKS_MAX)
		return -E2BIG;
	fd = bl_chunks_create("bl_names", chunks);
	if (fd < 0)
		return fd;
	for (uint32_t i = 0; r == 0 && i < chunks; i++)
		r = put_chunk(fd, i, text, len, -1);
	if (r == 0 && bpf_map_update_elem(outer, &slot, &fd, BPF_ANY) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

int bl_left_mark(int inner, const uint8_t *text, size_t len, uint8_t first)
{
	return put_chunk(inner, 0, text, len, first);
}

int bl_left_get(int outer, uint32_t slot, uint8_t **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = bl_inner_open(outer, slot);
	_cleanup_free_ uint8_t *text = NULL;
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	if (info.value_size != BL_CHUNK_BYTES || !info.max_entries || info.max_entries > CHUNKS_MAX)
		return -EBADMSG;
	text = malloc((size_t)info.max_entries * BL_CHUNK_BYTES);
	if (!text)
		return -ENOMEM;
	for (uint32_t i = 0; i < info.max_entries; i++) {
		if (bpf_map_lookup_elem(fd, &i, text + (size_t)i * BL_CHUNK_BYTES) < 0)
			return -errno;
	}
	*ret_len = (size_t)info.max_entries * BL_CHUNK_BYTES;
	*ret = TAKE_PTR(text);
	return 0;
}

struct emptying {
	bl_record_fn record;
	void *userdata;
};

static int on_record(void *userdata, void *data, size_t size)
{
	const struct emptying *emptying = userdata;

	emptying->record(emptying->userdata, data, size);
	return 0;
}

int bl_ring_empty(int ring, bl_record_fn record, void *userdata)
{
	const struct timespec pause = { .tv_nsec = EMPTY_WAIT_NS };
	struct emptying emptying = { .record = record, .userdata = userdata };
	struct ring_buffer *buffer = ring_buffer__new(ring, on_record, &emptying, NULL);
	int total = 0;

	if (!buffer)
		return -errno;
	for (int i = 0; i < EMPTY_ROUNDS; i++) {
		int r = ring_buffer__consume(buffer);

		if (r > 0)
			total += r;
		nanosleep(&pause, NULL);
	}
	ring_buffer__free(buffer);
	return total;
}

int bl_counters_read(int fd, uint64_t counters[_BL_COUNT_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = NULL;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < _BL_COUNT_MAX; i++) {
		counters[i] = 0;
		if (bpf_map_lookup_elem(fd, &i, values) < 0)
			continue;
		for (int cpu = 0; cpu < cpus; cpu++)
			counters[i] += values[cpu];
	}
	return 0;
}

void bl_left_losses(int counters, int progress, uint64_t carried[_BL_COUNT_MAX])
{
	struct bl_progress told = { 0 }, more = { 0 };
	uint32_t index = BL_PROGRESS_TOLD, next = BL_PROGRESS_TOLD_MORE;
	uint64_t totals[_BL_COUNT_MAX];

	if (bl_counters_read(counters, totals) < 0)
		return;
	bpf_map_lookup_elem(progress, &index, &told);
	bpf_map_lookup_elem(progress, &next, &more);
	const struct {
		enum bl_counter counter;
		uint64_t total, told;
	} losses[] = {
		{ BL_COUNT_LOST_RING, totals[BL_COUNT_LOST_RING], told.highest },
		{ BL_COUNT_LOST_SCRATCH, totals[BL_COUNT_LOST_SCRATCH], told.arrived },
		{ BL_COUNT_LOST_LIMIT, totals[BL_COUNT_LOST_LIMIT], more.highest },
		{ BL_COUNT_LOST_REPEATS, totals[BL_COUNT_LOST_REPEATS], more.arrived },
		{ BL_COUNT_LOST_REPEATS, totals[BL_COUNT_FOLDED], totals[BL_COUNT_UNFOLDED] },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(losses); i++)
		if (losses[i].total > losses[i].told)
			carried[losses[i].counter] += losses[i].total - losses[i].told;
}

int bl_series_name(struct bl_progress *series)
{
	if (series->arrived == BL_SERIES_MAGIC)
		return 0;
	/* So few bytes come at once. */
	if (getrandom(&series->highest, sizeof(series->highest), 0) < 0)
		return -errno;
	series->arrived = BL_SERIES_MAGIC;
	return 0;
}
