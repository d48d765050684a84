/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon before has left: its generations' names, and where it was with the records. */
#include "inherit.h"

#include <errno.h>

#include "cleanup.h"
#include "daemon.h"
#include "handover.h"
#include "kept.h"
#include "pins.h"

static struct bl_generation *read_slot(int names, uint32_t slot)
{
	_cleanup_free_ uint8_t *text = NULL;
	struct bl_generation *generation = NULL;
	struct bl_kept kept;
	size_t len;

	if (bl_left_get(names, slot, &text, &len) < 0 ||
	    bl_kept_read(text, len, &kept, &generation) < 0)
		return NULL;
	if (kept.in_force)
		return generation;
	bl_generation_free(generation);
	return NULL;
}

/* The older one first: the newest is in front. */
uint32_t bl_inherit_generations(struct bl_daemon *daemon)
{
	_cleanup_close_ int names = bl_pins_map(daemon->pins, "names");
	struct bl_generation *older, *newer;
	uint64_t now_ns = bl_now_ns();

	if (names < 0)
		return 0;
	older = read_slot(names, 0);
	newer = read_slot(names, 1);
	if (older && newer && older->number > newer->number) {
		struct bl_generation *swapped = older;

		older = newer;
		newer = swapped;
	}
	if (older)
		bl_generations_push(&daemon->generations, older, now_ns);
	if (newer)
		bl_generations_push(&daemon->generations, newer, now_ns);
	newer = daemon->generations.items[0];
	return newer ? newer->number : 0;
}

void bl_inherit_records(struct bl_daemon *daemon)
{
	struct bl_lost *lost = daemon->deliver.lost;
	size_t n;
	struct bl_progress *progress = bl_loader_progress(daemon->loader, &n);

	if (!progress)
		return;
	bl_lost_share(lost, &progress[BL_PROGRESS_TOLD], &progress[BL_PROGRESS_TOLD_MORE],
		      progress + BL_PROGRESS_CPUS, n - BL_PROGRESS_CPUS);
	bl_lost_with_daemon(lost, progress[BL_PROGRESS_WAITING].highest,
			    progress[BL_PROGRESS_WAITING].arrived);
	progress[BL_PROGRESS_WAITING] = (struct bl_progress){ 0 };
	if (progress[BL_PROGRESS_SERIES].arrived == BL_SERIES_MAGIC)
		bl_deliver_series(&daemon->deliver, progress[BL_PROGRESS_SERIES].highest);
	bl_deliver_numbers(&daemon->deliver, &daemon->begin);
}

void bl_inherit_waiting(struct bl_daemon *daemon, uint64_t events, uint64_t repeats)
{
	size_t n;
	struct bl_progress *progress = bl_loader_progress(daemon->loader, &n);

	if (!progress)
		return;
	progress[BL_PROGRESS_WAITING].highest = events;
	progress[BL_PROGRESS_WAITING].arrived = repeats;
}

int bl_inherit_keep(struct bl_daemon *daemon, const struct bl_generation *generation)
{
	uint8_t *text = NULL;
	size_t len;
	int r = bl_kept_write(generation, bl_loader_next(daemon->loader), daemon->settings.mode,
			      &text, &len);

	return r < 0 ? r : bl_loader_name(daemon->loader, text, len);
}
