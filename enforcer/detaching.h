/* SPDX-License-Identifier: Apache-2.0 */
/* Links that are no longer needed, while a thread closes them: the kernel waits long for each. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct bl_detaching {
	pthread_mutex_t lock; /* of running */
	pthread_t thread;
	bool running;
	int *links; /* for each entry of the hook table; -1: none. Filled before bl_detaching_start() */
	size_t n_hooks;
};

/* Returns 0 or -ENOMEM; bl_detaching_done() frees in either case. */
int bl_detaching_init(struct bl_detaching *detaching, size_t n_hooks);

/* Waits for the thread, and frees. One that was zeroed and never initialised is allowed. */
void bl_detaching_done(struct bl_detaching *detaching);

/* Waits until all links are closed. */
void bl_detaching_await(struct bl_detaching *detaching);

/* Has the links closed; without a thread right here. */
void bl_detaching_start(struct bl_detaching *detaching);
