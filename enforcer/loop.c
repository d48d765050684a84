/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: records, signals, the watchdog, the journal's queue, the host's mounts. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>

#include "cleanup.h"
#include "daemon.h"
#include "inherit.h"

#define TICK_USEC 1000000ull

/* What the loop owns besides the daemon; lives as long as bl_daemon_loop() runs. */
struct loop {
	struct bl_daemon *daemon;
	sd_event_source *ring, *more, *mounts, *tick;
	sd_event_source *terminate, *interrupt, *hangup;
	sd_event_source *journal_io; /* only while journald takes no more */
	sd_event_source *journal_time;
	int error;
};

static void loop_done(struct loop *loop)
{
	sd_event_source_disable_unref(loop->ring);
	sd_event_source_disable_unref(loop->more);
	sd_event_source_disable_unref(loop->mounts);
	sd_event_source_disable_unref(loop->tick);
	sd_event_source_disable_unref(loop->terminate);
	sd_event_source_disable_unref(loop->interrupt);
	sd_event_source_disable_unref(loop->hangup);
	sd_event_source_disable_unref(loop->journal_io);
	sd_event_source_disable_unref(loop->journal_time);
}

/* ---- records ------------------------------------------------------------------------------ */

/*
 * Delivers some records and comes back for more until there are none, so that in a storm the other
 * sources have their turn. The fd alone would not do: not every record wakes the reader.
 */
static int deliver(struct loop *loop)
{
	int r = bl_loader_consume(loop->daemon->loader);

	if (r < 0 && r != -EINTR && r != -EAGAIN) {
		loop->error = r;
		return sd_event_exit(loop->daemon->event, r);
	}
	return sd_event_source_set_enabled(loop->more, r > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_ring(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	return deliver(userdata);
}

static int on_more(sd_event_source *source, void *userdata)
{
	return deliver(userdata);
}

static void tell_failure(struct bl_daemon *daemon)
{
	int error = bl_loader_failure(daemon->loader);

	if (error < 0)
		bl_log_line(&daemon->log, BL_LEVEL_ERROR,
			    "some BPF programs that no rule needs so far could not be loaded: %s; "
			    "a policy that needs them will be refused",
			    strerror(-error));
}

static void beat(struct bl_daemon *daemon, const uint64_t *counters)
{
	uint64_t now_ns = bl_now_ns();

	if (!daemon->settings.heartbeat_ns)
		return;
	if (daemon->next_beat_ns && now_ns >= daemon->next_beat_ns)
		bl_deliver_heartbeat(&daemon->deliver, counters);
	if (now_ns >= daemon->next_beat_ns)
		daemon->next_beat_ns = now_ns + daemon->settings.heartbeat_ns;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct loop *loop = userdata;
	struct bl_daemon *daemon = loop->daemon;
	uint64_t counters[_BL_COUNT_MAX];
	int r;

	bl_loader_beat(daemon->loader);
	/* What fails is tried again the next second: what is folded stays where it is. */
	bl_loader_sweep(daemon->loader, false);
	r = deliver(loop); /* what came without a wake-up */
	if (r < 0)
		return r;
	r = bl_loader_counters(daemon->loader, counters);
	bl_deliver_losses(&daemon->deliver, r < 0 ? NULL : counters);
	beat(daemon, r < 0 ? NULL : counters);
	bl_deliver_clock(&daemon->deliver);
	bl_follow_tick(daemon);
	tell_failure(daemon);
	/* A build in its thread does it itself. */
	if (!bl_generations_purge(&daemon->generations, bl_now_ns()) && !daemon->reload.running)
		bl_loader_retire(daemon->loader);
	r = sd_event_source_set_time_relative(source, TICK_USEC);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- the journal's queue ------------------------------------------------------------------ */

static int on_journal_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct loop *loop = userdata;

	bl_journal_flush(loop->daemon->log.journal, bl_now_ns());
	return 0;
}

static int on_journal_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct loop *loop = userdata;

	bl_journal_flush(loop->daemon->log.journal, bl_now_ns());
	return 0;
}

/*
 * Before each wait: whatever has sent something since, the sender says now what it waits for. Its
 * socket may have been closed and its number used again, so the source is made anew.
 */
static int arm_journal(sd_event_source *source, void *userdata)
{
	struct loop *loop = userdata;
	struct bl_journal *journal = loop->daemon->log.journal;
	uint64_t deadline_ns = bl_journal_deadline_ns(journal);
	struct bl_journal_stats stats;
	int r;

	bl_journal_get_stats(journal, &stats);
	bl_inherit_waiting(loop->daemon, stats.queued_entries, stats.queued_repeats);
	loop->journal_io = sd_event_source_disable_unref(loop->journal_io);
	if (bl_journal_wants_write(journal) && bl_journal_fd(journal) >= 0) {
		r = sd_event_add_io(loop->daemon->event, &loop->journal_io, bl_journal_fd(journal),
				    EPOLLOUT, on_journal_io, loop);
		if (r < 0)
			return r;
	}
	if (deadline_ns == UINT64_MAX)
		return sd_event_source_set_enabled(loop->journal_time, SD_EVENT_OFF);
	r = sd_event_source_set_time(loop->journal_time, deadline_ns / 1000 + 1);
	return r < 0 ? r : sd_event_source_set_enabled(loop->journal_time, SD_EVENT_ONESHOT);
}

/* ---- signals and mounts ------------------------------------------------------------------- */

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct loop *loop = userdata;

	return sd_event_exit(loop->daemon->event, 0);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct loop *loop = userdata;

	bl_log_line(&loop->daemon->log, BL_LEVEL_INFO, "reload asked for by a signal of pid %u",
		    info->ssi_pid);
	bl_reload_ask(loop->daemon, 0);
	return 0;
}

static int on_mounts(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct loop *loop = userdata;
	int r = bl_loader_mounts_changed(loop->daemon->loader);

	if (r < 0)
		bl_log_line(
			&loop->daemon->log, BL_LEVEL_ERROR,
			"mounts have changed and could not be taken in: %s; rules may miss what "
			"is mounted now",
			strerror(-r));
	bl_follow_mounts(loop->daemon);
	return 0;
}

/* ---- all together ------------------------------------------------------------------------- */

static int add_sources(struct loop *loop)
{
	struct bl_daemon *daemon = loop->daemon;
	sd_event *event = daemon->event;
	int r;

	r = sd_event_add_io(event, &loop->ring, bl_loader_fd(daemon->loader), EPOLLIN, on_ring,
			    loop);
	if (r >= 0)
		r = sd_event_add_defer(event, &loop->more, on_more, loop);
	/* A deferred source counts as the one that waits longest: it would always be the next. */
	if (r >= 0)
		r = sd_event_source_set_priority(loop->more, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_add_signal(event, &loop->terminate, SIGTERM, on_stop, loop);
	if (r >= 0)
		r = sd_event_add_signal(event, &loop->interrupt, SIGINT, on_stop, loop);
	if (r >= 0)
		r = sd_event_add_signal(event, &loop->hangup, SIGHUP, on_hangup, loop);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &loop->tick, CLOCK_MONOTONIC, TICK_USEC,
					       TICK_USEC / 4, on_tick, loop);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &loop->journal_time, CLOCK_MONOTONIC,
					       TICK_USEC, 1000, on_journal_time, loop);
	if (r >= 0)
		r = sd_event_source_set_prepare(loop->tick, arm_journal);
	if (r >= 0 && daemon->mounts_fd >= 0)
		r = sd_event_add_io(event, &loop->mounts, daemon->mounts_fd, EPOLLPRI, on_mounts,
				    loop);
	if (r >= 0)
		r = bl_follow_start(daemon);
	/* Fed from this very loop: a loop that hangs is a daemon that hangs. */
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	return r;
}

int bl_daemon_loop(struct bl_daemon *daemon, char **reterr_text)
{
	_cleanup_(loop_done) struct loop loop = { .daemon = daemon };
	int r;

	r = add_sources(&loop);
	if (r < 0)
		return bl_error(reterr_text, r, "the event loop can't be set up: %s", strerror(-r));
	bl_daemon_notify_ready(daemon);
	r = sd_event_loop(daemon->event);
	if (loop.error < 0)
		return bl_error(reterr_text, loop.error, "records can't be read: %s",
				strerror(-loop.error));
	if (r < 0)
		return bl_error(reterr_text, r, "the event loop failed: %s", strerror(-r));
	return 0;
}
