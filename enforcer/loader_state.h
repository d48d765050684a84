/* SPDX-License-Identifier: Apache-2.0 */
/* What loader.c and succession.c share: everything of the kernel side that this process has. */
#pragma once

#include "attach.h"
#include "cgroups.h"
#include "descent.h"
#include "loader.h"

struct lsm_bpf;
struct ring_buffer;

struct bl_loader {
	struct lsm_bpf *skeleton; /* the maps, and what is on no hook */
	struct ring_buffer *ring;
	struct bl_loader_options options;
	struct bl_programs *programs;
	struct bl_attach attach;
	uint32_t generation; /* in force; 0: none */
	int image_fd;	     /* its image */
	int staged_fd;	     /* the next one's, in its slot already; -1: none */
	int links_fds[2];    /* by slot: names of files with several; -1 */
	struct bl_cgroups cgroups;
	struct bl_descent descent;
	bool replaced;	     /* the other slot still has the generation before */
	bool canary_attached; /* file_open is attached for the canary only */
	unsigned int budget;  /* records that this call of consume may still deliver */
	int before_fd;	      /* the image to go back to, while the one in force is not confirmed; -1 */
	uint64_t trial_ns;    /* CLOCK_BOOTTIME until which the next generation has to be confirmed; 0: it is for good */
	uint32_t skip;	      /* numbers that the next generation can't have: they were one's that was taken back */
	bool adopted;	      /* the maps are the daemon's before */
	bool settled;
	struct bl_progress *progress; /* mapped */
	size_t n_progress;
	uint32_t old_series;
	uint64_t carried[_BL_COUNT_MAX]; /* losses of another set of maps, to be told */
	uint8_t *names;	      /* of the next generation's rules */
	size_t names_len;
	int names_fd;
};

/* Takes over the generation that is in force in maps of the daemon before. Returns 0 or -errno, with a sentence. */
int bl_loader_take_over(struct bl_loader *loader, char **reterr_text);
