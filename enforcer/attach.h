/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs are attached: links by the table of hooks, pinned, and taken away in the background. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

struct bl_pins;
struct bl_programs;

/* Links that are no longer needed, while a thread closes them: the kernel waits long for each. */
struct bl_detaching {
	pthread_mutex_t lock; /* of running */
	pthread_t thread;
	bool running;
	int *links;	 /* for each entry of the hook table; -1: none */
	size_t n_hooks;
};

struct bl_attach {
	struct bl_pins *pins; /* not owned */
	bool *available;      /* for each entry of the hook table */
	struct bl_programs *programs; /* not owned; NULL: none are loaded yet */
	int *links;	      /* the same: file descriptors, -1: not attached */
	struct bl_detaching detaching;
	size_t n_hooks;
};

/*
 * Looks which hooks this kernel has; of zeroed memory. A hook that it has to have and has not is an error. Returns 0
 * or -errno; bl_attach_done() frees, also after a failure.
 */
int bl_attach_init(struct bl_attach *attach, struct bl_pins *pins, char **reterr_text);
void bl_attach_done(struct bl_attach *attach);

/* Before that: closes all links. What is pinned stays attached. */
void bl_attach_end_all(struct bl_attach *attach);

/* Attaches one, unless it is; what is pinned outlives this process. Returns 0 or -errno. */
int bl_attach_hook(struct bl_attach *attach, size_t hook, bool pinned, char **reterr_text);
void bl_attach_end(struct bl_attach *attach, size_t hook);

/* Attaches what the image needs beyond what is attached; on failure only that is taken back. */
int bl_attach_needed(struct bl_attach *attach, const struct bl_header *header, char **reterr_text);

/* Takes away what it doesn't need, in a thread of its own: the kernel waits long for each. */
void bl_attach_end_unneeded(struct bl_attach *attach, const struct bl_header *header);
