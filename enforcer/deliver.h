/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: one ring record -> decoded, enriched, in the journal; every loss is accounted for. */
#pragma once

#include <stddef.h>

#include "fields.h"
#include "generation.h"
#include "log.h"
#include "lost.h"
#include "meters.h"
#include "report.h"

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
 * The same for a record of another set of maps than the one that is read from now on: its number says nothing about
 * what is missing.
 */
void bl_deliver_old_record(void *userdata, const void *data, size_t size);

/* Takes the distance of the clocks anew: somebody may have set the time. */
void bl_deliver_clock(struct bl_deliver *deliver);

/* The name of the numbers that records have from now on. */
void bl_deliver_series(struct bl_deliver *deliver, uint64_t series);

/* That name, and the highest numbers that were read. */
void bl_deliver_numbers(const struct bl_deliver *deliver, struct bl_report_numbers *ret);

/* Tells that all is well, with all figures; counters may be NULL. */
void bl_deliver_heartbeat(struct bl_deliver *deliver, const uint64_t counters[_BL_COUNT_MAX]);

/* Reports what was lost since the last time; counters may be NULL. */
void bl_deliver_losses(struct bl_deliver *deliver, const uint64_t counters[_BL_COUNT_MAX]);
