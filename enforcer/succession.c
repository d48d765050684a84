/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side's life cycle: what one daemon takes over from the other, and one generation from the other. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "failure.h"
#include "handover.h"
#include "loader_state.h"
#include "pins.h"
#include "policy.h"
#include "programs.h"

/* The skeleton's .bss type; the kernel side includes it through its own headers. */
#include "state.h"

#include "lsm.skel.h"

/* After the number of the one in force, and of the one that was taken back, one of the latter's slot. */
#define BL_TAKEN_BACK 2

/*
 * The generation that is in force in maps of the daemon before, which may have been ended in the middle of anything: the
 * slot of the next one may be filled, or still have what the one in force has replaced.
 */
int bl_loader_take_over(struct bl_loader *loader, char **reterr_text)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	const struct lsm_bpf *skeleton = loader->skeleton;

	globals->looking = 0;
	globals->canary_tgid = 0;
	globals->fallback = 0;
	if (globals->back_to) {
		/* Nobody has confirmed what came after, and who was to be asked is gone. */
		globals->back_at = 0;
		__atomic_store_n(&globals->generation, globals->back_to, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&globals->epoch, 1, __ATOMIC_SEQ_CST);
		loader->skip = BL_TAKEN_BACK;
	}
	loader->generation = globals->generation;
	if (!loader->generation) {
		for (uint32_t slot = 0; slot < 2; slot++)
			bpf_map_delete_elem(bpf_map__fd(skeleton->maps.images), &slot);
		return 0;
	}
	loader->image_fd =
		bl_inner_open(bpf_map__fd(skeleton->maps.images), loader->generation & 1);
	if (loader->image_fd < 0)
		return bl_error(
			reterr_text, loader->image_fd,
			"the policy in force can't be taken over: %s; 'bailiff unload' lifts it",
			strerror(-loader->image_fd));
	for (uint32_t slot = 0; slot < 2; slot++) {
		loader->links_fds[slot] = bl_inner_open(bpf_map__fd(skeleton->maps.links), slot);
		loader->cgroups.policies[slot] =
			bl_inner_open(bpf_map__fd(skeleton->maps.called), slot);
		loader->descent.policies[slot] =
			bl_inner_open(bpf_map__fd(skeleton->maps.kin), slot);
	}
	loader->replaced = true;
	return 0;
}

/* What another version's set has lost, and nobody has told. */
static void carry(struct bl_loader *loader, int counters, int progress)
{
	static const enum bl_counter losses[] = { BL_COUNT_LOST_RING, BL_COUNT_LOST_SCRATCH };
	struct bl_progress told = { 0 };
	uint32_t index = BL_PROGRESS_TOLD;

	uint64_t totals[_BL_COUNT_MAX];

	if (bl_counters_read(counters, NULL, totals) < 0)
		return;
	bpf_map_lookup_elem(progress, &index, &told);
	for (size_t i = 0; i < BL_ARRAY_SIZE(losses); i++) {
		uint64_t before = i ? told.arrived : told.highest;
		uint64_t total = totals[losses[i]];

		loader->carried[losses[i]] += total > before ? total - before : 0;
	}
}

static void on_old_record(void *userdata, const void *data, size_t size)
{
	struct bl_loader *loader = userdata;

	loader->options.old_event(loader->options.userdata, loader->old_series, data, size);
}

static void on_old(void *userdata, int ring, int counters, int progress)
{
	struct bl_loader *loader = userdata;

	loader->old_series = ring < 0 ? 0 : bl_map_number(ring);
	if (ring >= 0)
		bl_ring_empty(ring, on_old_record, loader);
	if (counters >= 0 && progress >= 0)
		carry(loader, counters, progress);
}

void bl_loader_settle(struct bl_loader *loader)
{
	bl_pins_settle(loader->options.pins, on_old, loader);
	loader->settled = true;
}

int bl_loader_lift(struct bl_loader *loader)
{
	loader->settled = true;
	return bl_pins_lift(loader->options.pins);
}

bool bl_loader_adopted(const struct bl_loader *loader, size_t *ret_programs)
{
	*ret_programs = bl_programs_taken(loader->programs);
	return loader->adopted;
}

struct bl_progress *bl_loader_progress(const struct bl_loader *loader, size_t *ret_count)
{
	*ret_count = loader->n_progress;
	return loader->progress;
}

void bl_loader_set_ceiling(struct bl_loader *loader, uint32_t ceiling, uint64_t until_ns)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;

	loader->options.ceiling = ceiling;
	__atomic_store_n(&globals->fallback, until_ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&globals->ceiling, ceiling == BL_MODE_MONITOR, __ATOMIC_SEQ_CST);
}

void bl_loader_beat(struct bl_loader *loader)
{
	__atomic_store_n(&loader->skeleton->bss->globals.beat, 1, __ATOMIC_SEQ_CST);
}

uint32_t bl_loader_next(const struct bl_loader *loader)
{
	return loader->generation + 1 + loader->skip;
}

int bl_loader_name(struct bl_loader *loader, uint8_t *text, size_t len)
{
	int fd = bl_left_put(bpf_map__fd(loader->skeleton->maps.names), bl_loader_next(loader) & 1,
			     text, len);

	free(loader->names);
	bl_close(loader->names_fd);
	loader->names = text;
	loader->names_len = len;
	loader->names_fd = fd;
	return fd < 0 ? fd : 0;
}

/* ---- what nobody has confirmed ------------------------------------------------------------- */

void bl_loader_on_trial(struct bl_loader *loader, uint64_t until_ns)
{
	loader->trial_ns = until_ns;
}

int bl_loader_leave_texts(struct bl_loader *loader, const uint8_t *bytes, size_t len)
{
	int names = bpf_map__fd(loader->skeleton->maps.names), fd;
	uint32_t slot = BL_NAMES_BEFORE;

	if (!bytes)
		return bpf_map_delete_elem(names, &slot) < 0 && errno != ENOENT ? -errno : 0;
	fd = bl_left_put(names, slot, bytes, len);
	bl_close(fd);
	return fd < 0 ? fd : 0;
}

int bl_loader_confirm(struct bl_loader *loader)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;

	if (loader->before_fd < 0)
		return -ENOENT;
	__atomic_store_n(&globals->back_at, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&globals->generation, __ATOMIC_SEQ_CST) != loader->generation)
		return -ETIME; /* the kernel side was first */
	globals->back_to = 0;
	bl_close(loader->before_fd);
	loader->before_fd = -1;
	return 0;
}

uint32_t bl_loader_back(struct bl_loader *loader)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;

	if (loader->before_fd < 0)
		return loader->generation;
	__atomic_store_n(&globals->back_at, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&globals->generation, globals->back_to, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&globals->epoch, 1, __ATOMIC_SEQ_CST);
	loader->generation = globals->back_to;
	bl_close(loader->image_fd);
	loader->image_fd = loader->before_fd;
	loader->before_fd = -1;
	loader->replaced = true;
	loader->skip = BL_TAKEN_BACK;
	return loader->generation;
}
