/* SPDX-License-Identifier: Apache-2.0 */
/* Enrichment: what a cgroup path says of units and containers; whether a process still lives. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

#define BL_UNIT_BYTES	   256 /* systemd's UNIT_NAME_MAX with its NUL */
#define BL_CONTAINER_BYTES 128

/*
 * What a cgroup path says, in systemd's own reading of it (cg_path_get_unit() and its like in
 * systemd src/basic/cgroup-util.c): the outermost unit is 'unit'; below a user manager the next
 * one is 'user_unit'. NUL-terminated, "" where there is none.
 */
struct bl_cgroup_names {
	char unit[BL_UNIT_BYTES];
	char slice[BL_UNIT_BYTES];
	char user_unit[BL_UNIT_BYTES];
	char user_slice[BL_UNIT_BYTES];
	char container[BL_CONTAINER_BYTES]; /* its id; or its name (LXC, nspawn) */
	const char *runtime; /* "docker", "podman", ...; static storage; NULL: no container */
};

/*
 * Reads a cgroup path ("/system.slice/nginx.service"). Hostile components are taken for what they
 * are: names that are no valid unit names count for nothing.
 */
void bl_cgroup_read(struct bl_text path, struct bl_cgroup_names *ret);

/* What /proc says of a process at the moment of asking. */
enum bl_process_state {
	BL_PROCESS_UNKNOWN = 0, /* not asked, or /proc can't say */
	BL_PROCESS_SAME_UNIT,	/* alive, and in the unit that the event names */
	BL_PROCESS_MOVED,	/* alive, in another unit by now */
	BL_PROCESS_GONE,	/* no such process */
	BL_PROCESS_REUSED,	/* the number belongs to another process by now */
};

/*
 * Looks whether process pid that started at start_ns (CLOCK_BOOTTIME) still is what journald will
 * find when it reads /proc/PID for OBJECT_PID. proc_fd: an open directory of procfs. Opens
 * and reads two small files below it, never blocks. names: what the event's cgroup path says.
 */
enum bl_process_state bl_process_look(int proc_fd, uint32_t pid, uint64_t start_ns,
				      const struct bl_cgroup_names *names);

/* All that is added to an event. */
struct bl_enriched {
	struct bl_cgroup_names cgroup;
	enum bl_process_state process;
};

/*
 * Enriches one event. A cgroup path that is incomplete (BL_EF_CGROUP_CUT) names nothing.
 * proc_fd: as above, or -1 to ask nothing of /proc.
 */
void bl_enrich(const struct bl_event_view *event, int proc_fd, struct bl_enriched *ret);
