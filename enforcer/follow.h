/* SPDX-License-Identifier: Apache-2.0 */
/* Follows what the paths of the running policy's rules lead through, as it changes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "policies.h"
#include "trail.h"

struct bl_daemon;
struct bl_worker_result;

/* Zero-initialise; bl_follow_clear() frees. */
struct bl_follow {
	struct bl_policies
		policies;	 /* the texts that are in force: files may have been edited since */
	struct bl_trail *trail;	     /* NULL until a policy is in force */
	sd_event_source *source;     /* of the trail, once there is an event loop */
	bool wanted;		     /* a name leads elsewhere */
	uint64_t not_before_ns;	     /* to resolve again */
	uint64_t doubted_ns;	     /* when mounts have last put all of the trail in doubt */
	bool doubt;		     /* ... and do so again */
};

/* The policy of a build is in force: takes over its texts, if it read any, and its trail. */
void bl_follow_take(struct bl_daemon *daemon, struct bl_worker_result *result);

/* The event loop is there. Returns 0 or -errno. */
int bl_follow_start(struct bl_daemon *daemon);

/* The host's mounts have changed. */
void bl_follow_mounts(struct bl_daemon *daemon);

/* Once a second: a part of the trail is looked at, whatever the kernel says. */
void bl_follow_tick(struct bl_daemon *daemon);

/* Resolving again has failed, and would again at once. */
void bl_follow_failed(struct bl_daemon *daemon);

void bl_follow_clear(struct bl_follow *follow);
