/* SPDX-License-Identifier: Apache-2.0 */
/* Follows what the paths of the running policy's rules lead through, as it changes. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>

#include "cleanup.h"
#include "daemon.h"

#define SECOND_NS      1000000000ull
#define DOUBT_NS       (SECOND_NS / 5) /* between two looks at all for mounts that come and go */
#define FAILED_NS      (60 * SECOND_NS)
#define LOOK_NAMES     256  /* a second, in any case */
#define DOUBTED_NAMES  4096 /* at once, after mounts have changed */
#define BURST_USEC     100000 /* in directories where much happens events are taken in together */
#define BURST	       16

/* Resolves again if that is due. Who could have it done over and over gets it once a second. */
static void resolve(struct bl_daemon *daemon)
{
	struct bl_follow *follow = &daemon->follow;
	uint64_t now_ns = bl_now_ns();

	/* What is on trial stays as it is: another generation would take the place of the one to go back to. */
	if (!follow->wanted || now_ns < follow->not_before_ns || !daemon->worker ||
	    bl_confirm_waits(daemon))
		return;
	follow->wanted = false;
	follow->not_before_ns = now_ns + SECOND_NS;
	bl_reload_resolve(daemon);
}

static int on_happened(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct bl_daemon *daemon = userdata;

	daemon->follow.wanted |= bl_trail_happened(daemon->follow.trail);
	resolve(daemon);
	return 0;
}

int bl_follow_start(struct bl_daemon *daemon)
{
	struct bl_follow *follow = &daemon->follow;
	int r;

	if (!daemon->event || !follow->trail || bl_trail_fd(follow->trail) < 0)
		return 0;
	r = sd_event_add_io(daemon->event, &follow->source, bl_trail_fd(follow->trail), EPOLLIN,
			    on_happened, daemon);
	return r < 0 ? r : sd_event_source_set_ratelimit(follow->source, BURST_USEC, BURST);
}

void bl_follow_take(struct bl_daemon *daemon, struct bl_worker_result *result)
{
	struct bl_follow *follow = &daemon->follow;
	struct bl_built *built = &result->built;

	if (!built->trail)
		return;
	if (built->policies.sources) {
		bl_policies_clear(&follow->policies);
		follow->policies = built->policies;
		built->policies = (struct bl_policies){ 0 };
	}
	follow->source = sd_event_source_disable_unref(follow->source);
	bl_trail_free(follow->trail);
	follow->trail = TAKE_PTR(built->trail);
	follow->wanted = result->moved;
	if (bl_follow_start(daemon) < 0)
		bl_log_line(
			&daemon->log, BL_LEVEL_WARNING,
			"changes of symbolic links in the paths of rules are seen late: no event source");
	resolve(daemon);
}

/* A look at the whole trail, or the first of it; the rest comes with the ticks. */
static void look(struct bl_daemon *daemon)
{
	struct bl_follow *follow = &daemon->follow;

	follow->doubt = false;
	follow->doubted_ns = bl_now_ns();
	bl_trail_doubt(follow->trail);
	follow->wanted |= bl_trail_look(follow->trail, DOUBTED_NAMES);
}

void bl_follow_mounts(struct bl_daemon *daemon)
{
	struct bl_follow *follow = &daemon->follow;

	if (!follow->trail)
		return;
	follow->doubt = true;
	if (bl_now_ns() - follow->doubted_ns > DOUBT_NS)
		look(daemon);
	resolve(daemon);
}

void bl_follow_tick(struct bl_daemon *daemon)
{
	struct bl_follow *follow = &daemon->follow;

	if (!follow->trail)
		return;
	if (follow->doubt)
		look(daemon);
	else
		follow->wanted |= bl_trail_look(follow->trail, bl_trail_doubted(follow->trail)
								       ? DOUBTED_NAMES
								       : LOOK_NAMES);
	resolve(daemon);
}

void bl_follow_failed(struct bl_daemon *daemon)
{
	daemon->follow.not_before_ns = bl_now_ns() + FAILED_NS;
}

void bl_follow_clear(struct bl_follow *follow)
{
	sd_event_source_disable_unref(follow->source);
	bl_trail_free(follow->trail);
	bl_policies_clear(&follow->policies);
	*follow = (struct bl_follow){ 0 };
}
