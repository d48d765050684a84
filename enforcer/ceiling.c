/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling over all modes, as it is changed at run time. */
#define _GNU_SOURCE
#include "ceiling.h"

#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"

static void set(struct bl_daemon *daemon, enum bl_mode mode, uint64_t until_ns)
{
	daemon->settings.mode = mode;
	bl_loader_set_ceiling(daemon->loader, mode, mode == BL_MODE_ENFORCE ? until_ns : 0);
	bl_daemon_notify_ready(daemon);
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct bl_daemon *daemon = userdata;

	daemon->ceiling_end = sd_event_source_disable_unref(daemon->ceiling_end);
	set(daemon, daemon->ceiling_after, 0);
	bl_log_line(&daemon->log, BL_LEVEL_WARNING,
		    "nobody has confirmed the mode: it is %s again, as before",
		    bl_mode_name(daemon->settings.mode));
	return 0;
}

static json_t *answer(const struct bl_daemon *daemon, int64_t seconds)
{
	json_t *result = json_pack("{s:s}", "mode", bl_mode_name(daemon->settings.mode));

	if (daemon->ceiling_end && seconds)
		json_object_set_new(result, "for", json_integer(seconds));
	return bl_control_success(result);
}

/* Returns 0 for what is no mode. */
static enum bl_mode find_mode(const char *word)
{
	for (enum bl_mode mode = BL_MODE_MONITOR; word && mode < _BL_MODE_MAX; mode++) {
		if (strcmp(word, bl_mode_name(mode)) == 0)
			return mode;
	}
	return (enum bl_mode)0;
}

static json_t *change(struct bl_daemon *daemon, enum bl_mode mode, uint64_t seconds)
{
	enum bl_mode before = daemon->ceiling_end ? daemon->ceiling_after : daemon->settings.mode;
	struct timespec now;
	uint64_t until_ns;

	daemon->ceiling_end = sd_event_source_disable_unref(daemon->ceiling_end);
	if (!seconds) {
		set(daemon, mode, 0);
		return answer(daemon, 0);
	}
	if (sd_event_add_time_relative(daemon->event, &daemon->ceiling_end, CLOCK_BOOTTIME,
				       seconds * 1000000, 1000, on_end, daemon) < 0)
		return bl_control_failure("internal", "there is no timer: nothing has changed",
					  NULL);
	clock_gettime(CLOCK_BOOTTIME, &now);
	until_ns = ((uint64_t)now.tv_sec + seconds) * 1000000000 + (uint64_t)now.tv_nsec;
	daemon->ceiling_after = before;
	set(daemon, mode, before == BL_MODE_MONITOR ? until_ns : 0);
	return answer(daemon, (int64_t)seconds);
}

void bl_ceiling_request(struct bl_daemon *daemon, const struct bl_request *request)
{
	const json_t *word = json_object_get(request->body, "mode");
	json_int_t seconds = json_integer_value(json_object_get(request->body, "for"));
	enum bl_mode mode = find_mode(json_string_value(word));
	json_t *result;

	if (!word) {
		result = answer(daemon, 0);
	} else if (request->uid != 0) {
		result = bl_control_failure("not-root", "only root can change the mode", NULL);
	} else if (!mode) {
		result = bl_control_failure("mode", "the mode is enforce or monitor", NULL);
	} else if (seconds < 0 || seconds > BL_CEILING_SEC_MAX) {
		result = bl_control_failure("for", "a mode is for a week at most", NULL);
	} else {
		result = change(daemon, mode, (uint64_t)seconds);
		bl_log_line(&daemon->log, BL_LEVEL_WARNING, "mode %s%s asked for by uid %u, pid %d",
			    bl_mode_name(mode), seconds ? " for a while" : "", request->uid,
			    request->pid);
	}
	bl_control_answer(daemon->control, request->id, result);
}
