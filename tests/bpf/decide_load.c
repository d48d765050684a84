// SPDX-License-Identifier: Apache-2.0
/* Loads the decide programs, publishes tables to them and lays out paths for them. */
#include "decide_load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "decide.skel.h"
#include "cgroup.h"
#include "match.h"

static size_t page_up(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static int map_memory(const struct bpf_map *map, size_t bytes, void **ret)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	return 0;
}

/* The daemon's other maps are declared by maps.bpf.h too; these programs don't use them. */
static int keep_own_maps(struct decide_bpf *skel)
{
	struct bpf_map *map;
	int r;

	bpf_object__for_each_map(map, skel->obj) {
		bool own = map == skel->maps.images || map == skel->maps.walks ||
			   map == skel->maps.peers || map == skel->maps.queries ||
			   map == skel->maps.asking || map == skel->maps.kin_bits ||
			   map == skel->maps.arguments || bpf_map__is_internal(map);

		r = own ? 0 : bpf_map__set_autocreate(map, false);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_programs(struct decide_kernel *k, size_t n_slots)
{
	int r;

	decide_bpf__destroy(k->skel);
	k->skel = decide_bpf__open();
	if (!k->skel)
		return -errno;
	r = keep_own_maps(k->skel);
	if (r == 0)
		r = bpf_map__set_max_entries(k->skel->maps.walks, (uint32_t)n_slots);
	return r < 0 ? r : decide_bpf__load(k->skel);
}

/* libbpf warns of things that it then does otherwise: it is heard only when it has failed. */
static int load_quietly(struct decide_kernel *k, size_t n_slots)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int r = load_programs(k, n_slots);

	libbpf_set_print(print);
	return r < 0 ? load_programs(k, n_slots) : 0;
}

int decide_kernel_open(struct decide_kernel *k, size_t n_slots)
{
	int r;

	*k = (struct decide_kernel){ .image_fd = -1 };
	k->walks_bytes = page_up(n_slots * sizeof(struct bl_walk));
	k->peers_bytes = page_up(DECIDE_SLOTS_MAX * sizeof(struct bl_peer));
	r = load_quietly(k, n_slots);
	if (r == 0)
		r = map_memory(k->skel->maps.walks, k->walks_bytes, (void **)&k->walks);
	if (r == 0)
		r = map_memory(k->skel->maps.arguments, page_up(DECIDE_ARGS_BYTES + BL_PATH_BYTES),
			       (void **)&k->arguments);
	if (r == 0)
		r = map_memory(k->skel->maps.peers, k->peers_bytes, (void **)&k->peers);
	return r;
}

void decide_kernel_close(struct decide_kernel *k)
{
	if (k->walks)
		munmap(k->walks, k->walks_bytes);
	if (k->arguments)
		munmap(k->arguments, page_up(DECIDE_ARGS_BYTES + BL_PATH_BYTES));
	if (k->peers)
		munmap(k->peers, k->peers_bytes);
	if (k->image_fd >= 0)
		close(k->image_fd);
	decide_bpf__destroy(k->skel);
	*k = (struct decide_kernel){ .image_fd = -1 };
}

static int fill_image(int fd, const uint8_t *bytes, size_t len)
{
	for (uint32_t i = 0; i < len / BL_CHUNK_BYTES; i++)
		if (bpf_map_update_elem(fd, &i, bytes + (size_t)i * BL_CHUNK_BYTES, BPF_ANY) < 0)
			return -errno;
	return 0;
}

int decide_kernel_publish(struct decide_kernel *k, const uint8_t *bytes, size_t len)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
	uint32_t zero = 0;
	int fd, r;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "decide_image", sizeof(uint32_t), BL_CHUNK_BYTES,
			    (uint32_t)(len / BL_CHUNK_BYTES), &options);
	if (fd < 0)
		return -errno;
	r = fill_image(fd, bytes, len);
	if (r == 0 &&
	    bpf_map_update_elem(bpf_map__fd(k->skel->maps.images), &zero, &fd, BPF_ANY) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	if (k->image_fd >= 0)
		close(k->image_fd);
	k->image_fd = fd;
	return 0;
}

/*
 * The same path as dentries have it, if the kernel side would take it so: short names, with something behind
 * the NUL, but for the last one.
 */
static void fill_chain(struct bl_walk *walk)
{
	struct bl_chain *chain = &walk->chain;
	uint32_t end = BL_PATH_BYTES;

	chain->n = 0;
	if (walk->n_comps > BL_CHAIN_MAX)
		return;
	memset(chain->name, 0xa5, sizeof(chain->name));
	for (uint32_t i = 0; i < walk->n_comps; i++) {
		uint32_t start = walk->comp[i] + 1u, len = end - start;

		chain->len[i] = len;
		end = walk->comp[i];
		if (len <= BL_SHORT_NAME_MAX) {
			memcpy(chain->name[i], walk->path + start, len);
			((char *)chain->name[i])[len] = 0;
		} else if (i > 0) {
			return;
		}
	}
	chain->n = walk->n_comps;
}

int decide_kernel_path(struct decide_kernel *k, size_t slot, const char *path)
{
	struct bl_walk *walk = &k->walks[slot];
	size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path);
	uint32_t n = 0;

	if (len > BL_PATH_BYTES)
		return -ENAMETOOLONG;
	walk->pos = BL_PATH_BYTES - (uint32_t)len;
	memcpy(walk->path + walk->pos, path, len);
	for (uint32_t at = BL_PATH_BYTES; at-- > walk->pos;) {
		if (walk->path[at] != '/')
			continue;
		if (n == BL_DEPTH_MAX)
			return -ENAMETOOLONG;
		walk->comp[n++] = (uint16_t)at;
	}
	walk->n_comps = n;
	fill_chain(walk);
	return 0;
}

bool decide_kernel_cgroup(struct decide_kernel *k, size_t slot, const char *path)
{
	const char *end = path;
	char kept[BL_CGROUP_COMPS * (BL_NAME_BYTES + 1) + 1];

	for (int n = 0; n < BL_CGROUP_COMPS && *end; n++)
		end += 1 + strcspn(end + 1, "/");
	if ((size_t)(end - path) >= sizeof(kept))
		return false;
	memcpy(kept, path, (size_t)(end - path));
	kept[end - path] = '\0';
	decide_kernel_path(k, slot, kept);
	return *end;
}

int decide_kernel_name(struct decide_kernel *k, size_t slot, const char *name, size_t len)
{
	struct bl_walk *walk = &k->walks[slot];

	if (len > BL_NAME_BYTES)
		return -ENAMETOOLONG;
	walk->pos = BL_PATH_BYTES - (uint32_t)len;
	memcpy(walk->path + walk->pos, name, len);
	walk->comp[0] = (uint16_t)walk->pos;
	walk->n_comps = 1;
	walk->chain.n = 0;
	return 0;
}

int decide_kernel_args(struct decide_kernel *k, const char *args, size_t len)
{
	if (len > DECIDE_ARGS_BYTES)
		return -E2BIG;
	memcpy(k->arguments, args, len);
	return 0;
}

void decide_peer_set(struct bl_peer *peer, const uint8_t *addr, size_t len, uint16_t port)
{
	*peer = (struct bl_peer){ .v6 = len == 16, .port = port };
	memcpy(&peer->addr, addr, len);
	bl_normalise(peer);
}

static int run(const struct bpf_program *program, void *context, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = (uint32_t)size);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &options) < 0 ? -errno : 0;
}

int decide_kernel_ask(struct decide_kernel *k, struct decide_query *query)
{
	return run(k->skel->progs.decide, query, sizeof(*query));
}

int decide_kernel_time_open(struct decide_kernel *k, struct decide_timing *timing)
{
	return run(k->skel->progs.time_open, timing, sizeof(*timing));
}

int decide_kernel_time_connect(struct decide_kernel *k, struct decide_timing *timing)
{
	return run(k->skel->progs.time_connect, timing, sizeof(*timing));
}
