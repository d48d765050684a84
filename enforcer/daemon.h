/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's one context: everything that lives as long as the daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "build.h"
#include "control.h"
#include "deliver.h"
#include "follow.h"
#include "generation.h"
#include "loader.h"
#include "log.h"
#include "lookout.h"
#include "reload.h"
#include "settings.h"
#include "worker.h"

#define BL_RUN_DIR "/run/bailiff"
#define BL_ENGINE  "lsm"

struct bl_options {
	const char *root;    /* policy files and settings are looked for below; NULL: '/' */
	const char *run_dir; /* lock, socket, canary */
	enum bl_log_target target;
};

struct bl_daemon {
	struct bl_options options;
	struct bl_settings settings;
	struct bl_log log;
	int lock_fd;
	int config_fd; /* '/' of settings and policy files */
	int host_fd;   /* '/' in which paths of rules are resolved */
	int mounts_fd; /* mountinfo of the host's mount namespace */
	struct bl_pins *pins;
	bool lift;     /* enforcement ends with this daemon */
	sd_event_source *ceiling_end; /* NULL: the mode in force is for good */
	enum bl_mode ceiling_after;   /* that */
	struct bl_loader *loader;
	struct bl_generations generations;
	struct bl_deliver deliver;
	struct bl_report_numbers begin; /* where the numbers were when this daemon began */
	uint64_t next_beat_ns;		/* CLOCK_MONOTONIC of the next heartbeat */
	sd_event *event;
	struct bl_control *control;
	struct bl_worker *worker;
	struct bl_reload reload;
	struct bl_follow follow;
	struct bl_worker_result first; /* the policy of the start, until it is published */
	struct bl_areas areas;	       /* of that policy, until they have been looked through */
	struct bl_lookout_report look, look_next; /* the last search's, and that of one that runs */
	atomic_bool stopping;
	uint64_t started_ns;	       /* CLOCK_MONOTONIC */
};

/* The input of every build of this daemon. */
struct bl_build_input bl_daemon_build_input(const struct bl_daemon *daemon);

/*
 * Puts a built policy in force, and its generation in front: takes result->generation. Returns 0, or
 * -errno with a sentence in *reterr_text; the running generation stays then.
 */
int bl_daemon_publish(struct bl_daemon *daemon, struct bl_worker_result *result,
		      char **reterr_text);

/*
 * Has the kernel side know the objects of several names in some areas, for the policy that was staged
 * or is in force. Leaves what it came to in look_next.
 */
void bl_daemon_look(struct bl_daemon *daemon, const struct bl_areas *areas, bool files_only);

/* Has the daemon end, and what is in force with it, as soon as whoever asked for that has his answer. */
void bl_daemon_unload(struct bl_daemon *daemon);

/* Tells systemd that all is well and, in its status line, what is in force. */
void bl_daemon_notify_ready(const struct bl_daemon *daemon);

/* A bl_request_fn of control.h; userdata is struct bl_daemon. */
void bl_daemon_request(void *userdata, const struct bl_request *request);

/* Runs until it is told to stop. Returns 0, or -errno with a sentence in *reterr_text. */
int bl_daemon_loop(struct bl_daemon *daemon, char **reterr_text);
