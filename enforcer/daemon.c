/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's one context: what start and reload share. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "daemon.h"
#include "inherit.h"
#include "report.h"

#define UNLOAD_USEC 200000
#define LOOKS_MAX 3 /* when links are made all the time */

struct bl_build_input bl_daemon_build_input(const struct bl_daemon *daemon)
{
	return (struct bl_build_input){
		.host_fd = daemon->host_fd,
		.config_fd = daemon->config_fd,
		.follow = true,
		.random_key = true,
	};
}

static uint64_t realtime_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void report_loaded(struct bl_daemon *daemon, const struct bl_generation *generation)
{
	const struct bl_report_policy report = {
		.generation = generation->number,
		.digest = generation->digest,
		.files = generation->n_files,
		.rules = generation->n_rules,
		.bytes = generation->bytes,
		.took_ms = generation->took_ms,
		.swap_us = generation->swap_us,
	};

	if (bl_report_policy_loaded(&daemon->log.entry, &report) == 0)
		bl_log_entry(&daemon->log);
}

int bl_daemon_publish(struct bl_daemon *daemon, struct bl_worker_result *result, char **reterr_text)
{
	struct bl_generation *generation = result->generation;
	const struct bl_tables *tables = result->built.tables;
	uint64_t began_ns = bl_now_ns(), now_ns;
	int r;

	/* Without, events of this policy have numbers for rules, if another daemon is to tell of them. */
	if (bl_inherit_keep(daemon, generation) < 0)
		bl_log_line(&daemon->log, BL_LEVEL_WARNING,
			    "what the rules are called can't be kept for the next daemon");
	r = bl_loader_publish(daemon->loader, tables->bytes, tables->len, &generation->number,
			      reterr_text);
	if (r < 0)
		return r;
	now_ns = bl_now_ns();
	generation->swap_us = (uint32_t)((now_ns - began_ns) / 1000);
	generation->loaded_us = realtime_us();
	generation->took_ms = (uint32_t)((result->took_ns + now_ns - began_ns) / 1000000);
	bl_generations_push(&daemon->generations, generation, now_ns);
	result->generation = NULL;
	report_loaded(daemon, generation);
	bl_follow_take(daemon, result);
	if (!generation->n_rules)
		bl_log_line(&daemon->log, BL_LEVEL_WARNING,
			    "no rule is in force: there are no policy files, or they are empty");
	return 0;
}

/* Links that were made meanwhile may be to what was looked at before. */
void bl_daemon_look(struct bl_daemon *daemon, const struct bl_areas *areas, bool files_only)
{
	const struct bl_lookout lookout = {
		.root_fd = daemon->host_fd,
		.files_only = files_only,
		.stop = &daemon->stopping,
	};

	for (int i = 0; i < LOOKS_MAX; i++) {
		uint32_t linked = bl_loader_linked(daemon->loader);

		daemon->look_next = (struct bl_lookout_report){ 0 };
		if (bl_loader_look(daemon->loader) < 0)
			return;
		bl_lookout_run(&lookout, areas, &daemon->look_next);
		bl_loader_look_end(daemon->loader);
		if (bl_loader_linked(daemon->loader) == linked)
			return;
	}
}

void bl_daemon_notify_ready(const struct bl_daemon *daemon)
{
	const struct bl_generation *running = daemon->generations.items[0];

	sd_notifyf(0, "READY=1\nSTATUS=Generation %" PRIu32 ": %zu rules in %zu files, ceiling %s",
		   running->number, running->n_rules, running->n_files,
		   bl_mode_name(daemon->settings.mode));
}

static int on_unload(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct bl_daemon *daemon = userdata;

	return sd_event_exit(daemon->event, 0);
}

/* A moment later: what was answered has to be taken first. */
void bl_daemon_unload(struct bl_daemon *daemon)
{
	daemon->lift = true;
	if (sd_event_add_time_relative(daemon->event, NULL, CLOCK_MONOTONIC, UNLOAD_USEC, 1000,
				       on_unload, daemon) < 0)
		sd_event_exit(daemon->event, 0);
}
