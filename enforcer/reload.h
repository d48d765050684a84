/* SPDX-License-Identifier: Apache-2.0 */
/* Reload: a new policy set takes the running one's place, or nothing changes and it is said why. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker.h"

struct bl_daemon;

#define BL_RELOAD_WAITERS_MAX 32

/* Requests that wait for the outcome of a reload; 0 stands for a signal. */
struct bl_waiters {
	uint64_t ids[BL_RELOAD_WAITERS_MAX];
	size_t count;
};

/* Zero-initialise. */
struct bl_reload {
	bool running;
	bool again; /* asked for while one was running: files may have changed since it read them */
	bool resolving;	    /* the one that runs reads no files, but follows the rules' paths anew */
	bool resolve_again; /* asked for while one was running */
	bool anew; /* what comes of following them is to be published, even if it is the same */
	uint64_t trial_sec, next_trial_sec; /* 0: for good */
	struct bl_waiters now, next;
};

/*
 * Starts a reload, or has another one follow the one that runs. request: who gets the answer, 0:
 * nobody. trial_sec: how long it is on trial, 0: it is for good. Building goes on beside the event loop.
 */
void bl_reload_ask(struct bl_daemon *daemon, uint64_t request, uint64_t trial_sec);

/* Has the paths of the running policy's rules followed once more, now or after what runs. */
void bl_reload_resolve(struct bl_daemon *daemon);

/* A bl_worker_done_fn; userdata is struct bl_daemon. */
void bl_reload_built(void *userdata, struct bl_worker_result *result);

/* Looks for the objects of several names in the areas of the start's policy, beside the event loop. */
void bl_reload_look(struct bl_daemon *daemon);

/* The worker's callback in its thread: what takes long of putting a policy in force. */
void bl_reload_stage(void *userdata, const struct bl_built *built);
