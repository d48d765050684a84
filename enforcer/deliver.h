/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: one ring record -> decoded, enriched, in the journal; every loss is accounted for. */
#pragma once

#include <stddef.h>

#include "fields.h"
#include "generation.h"
#include "log.h"
#include "lost.h"
#include "meters.h"

struct bl_deliver {
	struct bl_log *log; /* not owned */
	struct bl_lost *lost;
	struct bl_entry entry;
	struct bl_fields_context context;
	int proc_fd;
	uint64_t delivered; /* taken by journald or waiting for it */
	struct bl_meters meters;
};

/* generations must outlive it. Returns 0 or -errno. */
int bl_deliver_init(struct bl_deliver *deliver, struct bl_log *log,
		    struct bl_generations *generations);
void bl_deliver_done(struct bl_deliver *deliver);

/* A bl_event_fn of loader.h; userdata is struct bl_deliver. */
void bl_deliver_record(void *userdata, const void *data, size_t size);

/*
 * The same for a record of another set of maps than the one that is read from now on, whose numbers are that series: it
 * says nothing about what is missing.
 */
void bl_deliver_old_record(void *userdata, uint32_t series, const void *data, size_t size);

/* Takes the distance of the clocks anew: somebody may have set the time. */
void bl_deliver_clock(struct bl_deliver *deliver);

/* Reports what was lost since the last time; counters may be NULL. */
void bl_deliver_losses(struct bl_deliver *deliver, const uint64_t counters[_BL_COUNT_MAX]);
