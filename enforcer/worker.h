/* SPDX-License-Identifier: Apache-2.0 */
/* The worker: builds a policy in a thread of its own, so that events are delivered meanwhile. */
#pragma once

#include <systemd/sd-event.h>

#include "build.h"
#include "generation.h"

/* What a build came to. The receiver may take parts out; the rest is freed after the call. */
struct bl_worker_result {
	int error; /* 0: built.tables and generation are there */
	struct bl_built built;
	struct bl_generation *generation;
	bool moved;	  /* a name that paths lead through has changed meanwhile */
	uint64_t took_ns; /* for reading, parsing and compiling */
};

/* Called in the worker's thread after a build that succeeded. */
typedef void (*bl_worker_built_fn)(void *userdata, const struct bl_built *built);

/* Other work for the thread. */
typedef void (*bl_worker_job_fn)(void *userdata);

/* Called from the event loop. */
typedef void (*bl_worker_done_fn)(void *userdata, struct bl_worker_result *result);

struct bl_worker;

/* input is copied, its paths are not. Returns 0 (free with bl_worker_free()) or -errno. */
int bl_worker_new(sd_event *event, const struct bl_build_input *input, bl_worker_built_fn built,
		  bl_worker_done_fn done, void *userdata, struct bl_worker **ret);

/* Waits for a running build, whose result is dropped; NULL is allowed. */
void bl_worker_free(struct bl_worker *worker);

/* Starts a build, of texts that are kept (NULL: of the files). Returns 0, -EBUSY while one runs, or -errno: done is not called then. */
int bl_worker_start(struct bl_worker *worker, const struct bl_policies *kept);

/*
 * Has the thread do something else: job there, then job_done from the event loop; both get the
 * worker's userdata. Returns as bl_worker_start() does.
 */
int bl_worker_run(struct bl_worker *worker, bl_worker_job_fn job, bl_worker_job_fn job_done);

/* A build right here, as at the daemon's start. Fills *ret, whatever it returns (ret->error). */
int bl_worker_build(const struct bl_build_input *input, struct bl_worker_result *ret);
void bl_worker_result_clear(struct bl_worker_result *result);
