/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reload on trial: unless it is confirmed in time, the policy before it is in force again. So it is when the daemon ends
 * meanwhile: the next one loads the files of before, until somebody has it reload.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "policies.h"

struct bl_daemon;
struct bl_request;

#define BL_CONFIRM_SEC_MAX (24 * 3600u)

/* Zero-initialise; bl_confirm_clear() frees. */
struct bl_confirm {
	sd_event_source *end; /* NULL: nothing waits to be confirmed */
	uint64_t until_us;    /* CLOCK_BOOTTIME */
	uint32_t generation;  /* on trial */
	struct bl_policies before; /* the texts of the policy before it */
	bool taken_back;      /* other texts are in force than the last reload's */
};

/*
 * Before a policy is published: has it be on trial for so many seconds. Either bl_confirm_begin() or bl_confirm_drop() has
 * to follow. Returns 0, or -errno with a sentence in *reterr_text: it is not to be published then.
 */
int bl_confirm_prepare(struct bl_daemon *daemon, uint64_t seconds, char **reterr_text);
void bl_confirm_begin(struct bl_daemon *daemon);
void bl_confirm_drop(struct bl_daemon *daemon);

/* A reload has put a policy in force for good: what was before is of no use. */
void bl_confirm_for_good(struct bl_daemon *daemon);

/* Takes back what is on trial, if anything is. */
void bl_confirm_back(struct bl_daemon *daemon, const char *why);

/* Whether something is on trial. */
bool bl_confirm_waits(const struct bl_daemon *daemon);

/* Answers a request {"command": "confirm"}. */
void bl_confirm_request(struct bl_daemon *daemon, const struct bl_request *request);

/* What a status says of it; NULL: nothing. */
json_t *bl_confirm_value(const struct bl_daemon *daemon);

/*
 * At the start: the files of a policy that was before one that nobody has confirmed, from the daemon before. They are
 * then what daemon->follow.policies holds. Returns whether there are any.
 */
bool bl_confirm_inherit(struct bl_daemon *daemon);

/* When the maps are there: they are left to the next daemon as well. */
void bl_confirm_leave(struct bl_daemon *daemon);

void bl_confirm_clear(struct bl_confirm *confirm);
