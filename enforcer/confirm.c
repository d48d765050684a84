/* SPDX-License-Identifier: Apache-2.0 */
/* A reload on trial: unless it is confirmed in time, the policy before it is in force again. */
#define _GNU_SOURCE
#include "confirm.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "failure.h"
#include "handover.h"
#include "pins.h"
#include "report.h"
#include "texts.h"

static uint64_t boottime_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int leave(struct bl_daemon *daemon, const struct bl_policies *policies)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;
	int r = bl_texts_write(policies, &bytes, &len);

	return r < 0 ? r : bl_loader_leave_texts(daemon->loader, bytes, len);
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata)
{
	bl_confirm_back(userdata, "nobody has confirmed it in time");
	return 0;
}

int bl_confirm_prepare(struct bl_daemon *daemon, uint64_t seconds, char **reterr_text)
{
	struct bl_confirm *confirm = &daemon->confirm;
	int r = leave(daemon, &daemon->follow.policies);

	if (r < 0)
		return bl_error(reterr_text, r,
				"what is in force can't be kept to fall back to: %s", strerror(-r));
	confirm->until_us = boottime_us() + seconds * 1000000;
	r = sd_event_add_time(daemon->event, &confirm->end, CLOCK_BOOTTIME, confirm->until_us, 1000,
			      on_end, daemon);
	if (r < 0) {
		bl_loader_leave_texts(daemon->loader, NULL, 0);
		return bl_error(reterr_text, r, "there is no timer to fall back by: %s",
				strerror(-r));
	}
	confirm->before = daemon->follow.policies;
	daemon->follow.policies = (struct bl_policies){ 0 };
	bl_loader_on_trial(daemon->loader, confirm->until_us * 1000);
	return 0;
}

void bl_confirm_begin(struct bl_daemon *daemon)
{
	struct bl_confirm *confirm = &daemon->confirm;

	confirm->generation = daemon->generations.items[0]->number;
	confirm->taken_back = false;
	bl_log_line(&daemon->log, BL_LEVEL_WARNING,
		    "generation %" PRIu32 " is on trial: unless 'bailiff confirm' says that it is "
		    "good, the one before it is in force again",
		    confirm->generation);
}

static void end(struct bl_confirm *confirm)
{
	confirm->end = sd_event_source_disable_unref(confirm->end);
	confirm->until_us = 0;
}

/* They are what is in force, and followed. */
static void take_texts(struct bl_daemon *daemon)
{
	bl_policies_clear(&daemon->follow.policies);
	daemon->follow.policies = daemon->confirm.before;
	daemon->confirm.before = (struct bl_policies){ 0 };
}

void bl_confirm_drop(struct bl_daemon *daemon)
{
	struct bl_confirm *confirm = &daemon->confirm;

	end(confirm);
	bl_loader_on_trial(daemon->loader, 0);
	take_texts(daemon);
	if (!confirm->taken_back)
		bl_loader_leave_texts(daemon->loader, NULL, 0);
}

void bl_confirm_for_good(struct bl_daemon *daemon)
{
	struct bl_confirm *confirm = &daemon->confirm;

	end(confirm);
	bl_policies_clear(&confirm->before);
	confirm->taken_back = false;
	bl_loader_leave_texts(daemon->loader, NULL, 0);
}

void bl_confirm_back(struct bl_daemon *daemon, const char *why)
{
	struct bl_confirm *confirm = &daemon->confirm;
	uint32_t number;

	if (!confirm->end)
		return;
	end(confirm);
	number = bl_loader_back(daemon->loader);
	bl_generations_back(&daemon->generations, number, bl_now_ns());
	take_texts(daemon);
	confirm->taken_back = true;
	/* What happened meanwhile was looked at for the other one's sake only. */
	daemon->reload.anew = true;
	daemon->follow.wanted = true;
	daemon->follow.not_before_ns = 0;
	if (bl_report_policy_rejected(&daemon->log.entry, 0, why, number) == 0)
		bl_log_entry(&daemon->log);
	bl_log_line(&daemon->log, BL_LEVEL_WARNING,
		    "generation %" PRIu32 " is taken back, generation %" PRIu32 " is in force "
		    "again; the policy files are still as they were for the former: mend them, and "
		    "reload",
		    confirm->generation, number);
	bl_daemon_notify_ready(daemon);
}

bool bl_confirm_waits(const struct bl_daemon *daemon)
{
	return daemon->confirm.end != NULL;
}

void bl_confirm_request(struct bl_daemon *daemon, const struct bl_request *request)
{
	struct bl_confirm *confirm = &daemon->confirm;
	json_t *answer;

	if (request->uid != 0) {
		answer = bl_control_failure("not-root", "only root can confirm a policy", NULL);
	} else if (!confirm->end) {
		answer = bl_control_failure(
			"nothing-on-trial",
			confirm->taken_back
				? "nothing is on trial: the policy was taken back"
				: "nothing is on trial: what is in force is so for good",
			NULL);
	} else if (bl_loader_confirm(daemon->loader) < 0) {
		bl_confirm_back(daemon, "nobody has confirmed it in time");
		answer =
			bl_control_failure("too-late", "too late: the policy was taken back", NULL);
	} else {
		answer = bl_control_success(
			json_pack("{s:I}", "generation", (json_int_t)confirm->generation));
		bl_confirm_for_good(daemon);
		bl_log_line(&daemon->log, BL_LEVEL_INFO,
			    "generation %" PRIu32 " is confirmed by uid %u, pid %d",
			    confirm->generation, request->uid, request->pid);
	}
	bl_control_answer(daemon->control, request->id, answer);
}

json_t *bl_confirm_value(const struct bl_daemon *daemon)
{
	const struct bl_confirm *confirm = &daemon->confirm;
	uint64_t now_us = boottime_us();

	if (confirm->end)
		return json_pack("{s:s, s:I, s:I}", "state", "on-trial", "generation",
				 (json_int_t)confirm->generation, "seconds_left",
				 (json_int_t)(confirm->until_us > now_us
						      ? (confirm->until_us - now_us) / 1000000
						      : 0));
	return confirm->taken_back ? json_pack("{s:s}", "state", "taken-back") : NULL;
}

bool bl_confirm_inherit(struct bl_daemon *daemon)
{
	_cleanup_close_ int names = bl_pins_map(daemon->pins, "names");
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;
	int r;

	if (names < 0 || bl_left_get(names, BL_NAMES_BEFORE, &bytes, &len) < 0)
		return false;
	r = bl_texts_read(bytes, len, &daemon->follow.policies);
	if (r < 0) {
		bl_log_line(&daemon->log, BL_LEVEL_ERROR,
			    "the policy to fall back to, which the daemon before has left, can't "
			    "be read: %s; the policy files are loaded",
			    strerror(-r));
		return false;
	}
	daemon->confirm.taken_back = true;
	bl_log_line(&daemon->log, BL_LEVEL_WARNING,
		    "nobody has confirmed the last reload before its daemon ended: the policy "
		    "of before is loaded, until 'bailiff reload' is asked for");
	return true;
}

void bl_confirm_leave(struct bl_daemon *daemon)
{
	if (daemon->confirm.taken_back && leave(daemon, &daemon->follow.policies) < 0)
		bl_log_line(&daemon->log, BL_LEVEL_WARNING,
			    "the policy in force can't be left to the next daemon, which will load "
			    "the files instead");
}

void bl_confirm_clear(struct bl_confirm *confirm)
{
	end(confirm);
	bl_policies_clear(&confirm->before);
}
