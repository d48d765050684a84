/* SPDX-License-Identifier: Apache-2.0 */
/* Reload: a new policy set takes the running one's place, or nothing changes and it is said why. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "cleanup.h"
#include "daemon.h"
#include "reload.h"
#include "report.h"

static void waiters_add(struct bl_waiters *waiters, uint64_t id)
{
	if (id && waiters->count < BL_RELOAD_WAITERS_MAX)
		waiters->ids[waiters->count++] = id;
}

/* Answers everybody who waits for the reload that has just ended; takes answer over. */
static void answer_all(struct bl_daemon *daemon, json_t *answer)
{
	struct bl_waiters *waiters = &daemon->reload.now;

	for (size_t i = 0; i < waiters->count; i++)
		bl_control_answer(daemon->control, waiters->ids[i], json_incref(answer));
	waiters->count = 0;
	json_decref(answer);
}

static void begin(struct bl_daemon *daemon);

/* What was asked for meanwhile. */
static void go_on(struct bl_daemon *daemon)
{
	struct bl_reload *reload = &daemon->reload;

	reload->running = false;
	reload->resolving = false;
	malloc_trim(0);
	if (reload->again) {
		reload->again = false;
		reload->resolve_again = false;
		reload->now = reload->next;
		reload->next.count = 0;
		reload->trial_sec = reload->next_trial_sec;
		reload->next_trial_sec = 0;
		begin(daemon);
	} else if (reload->resolve_again) {
		bl_reload_resolve(daemon);
	}
}

/* The end of a reload, whatever came of it. */
static void end(struct bl_daemon *daemon, json_t *answer)
{
	answer_all(daemon, answer);
	bl_daemon_notify_ready(daemon);
	go_on(daemon);
}

static uint32_t running_generation(const struct bl_daemon *daemon)
{
	const struct bl_generation *running = daemon->generations.items[0];

	return running ? running->number : 0;
}

static json_t *diags_value(const struct bl_diags *diags)
{
	_cleanup_free_ char *text = NULL;

	return bl_diags_json(diags, &text) < 0 ? NULL : json_loads(text, 0, NULL);
}

static json_t *failure_answer(const struct bl_daemon *daemon, const char *code, const char *message,
			      const struct bl_diags *diags)
{
	json_t *result = json_pack("{s:I, s:o*}", "generation",
				   (json_int_t)running_generation(daemon), "diagnostics",
				   diags ? diags_value(diags) : NULL);

	return bl_control_failure(code, message, result);
}

/* The policy did not become a new generation: one entry says so, in words of the first error. */
static void reject(struct bl_daemon *daemon, const char *code, const char *what,
		   const struct bl_diags *diags)
{
	uint32_t kept = running_generation(daemon);
	_cleanup_free_ char *message = NULL;

	bl_meters_reload(&daemon->deliver.meters, BL_RELOAD_REJECTED);
	if (daemon->reload.resolving)
		bl_follow_failed(daemon);
	if (diags)
		bl_log_diags(&daemon->log, diags);
	if (bl_report_policy_rejected(&daemon->log.entry, diags ? diags->errors : 1, what, kept) ==
	    0)
		bl_log_entry(&daemon->log);
	message = bl_format("%s; generation %" PRIu32 " stays in force", what, kept);
	end(daemon, failure_answer(daemon, code, message ? message : what, diags));
}

static void reject_built(struct bl_daemon *daemon, const struct bl_worker_result *result)
{
	const struct bl_diags *diags = &result->built.diags;
	_cleanup_free_ char *first = NULL;

	for (size_t i = 0; i < diags->count && !first; i++) {
		if (diags->items[i].level == BL_DIAG_ERROR)
			first = bl_log_diag_text(&diags->items[i]);
	}
	reject(daemon, "policy", first ? first : strerror(-result->error), diags);
}

static json_t *success_answer(const struct bl_daemon *daemon, const struct bl_diags *diags)
{
	const struct bl_generation *running = daemon->generations.items[0];

	return bl_control_success(
		json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:o*, s:o*}", "generation",
			  (json_int_t)running->number, "digest", running->digest, "files",
			  (json_int_t)running->n_files, "rules", (json_int_t)running->n_rules,
			  "bytes", (json_int_t)running->bytes, "took_ms",
			  (json_int_t)running->took_ms, "swap_us", (json_int_t)running->swap_us,
			  "diagnostics", diags_value(diags), "confirm", bl_confirm_value(daemon)));
}

/* Whether following the paths anew came to what is in force. */
static bool is_the_same(const struct bl_daemon *daemon, const struct bl_tables *tables)
{
	const struct bl_generation *running = daemon->generations.items[0];
	char digest[65];

	bl_generation_digest(tables, digest);
	return daemon->reload.resolving && !daemon->reload.anew &&
	       strcmp(digest, running->digest) == 0;
}

/* What fails here fails once more when it is published, and is said then. */
void bl_reload_stage(void *userdata, const struct bl_built *built)
{
	struct bl_daemon *daemon = userdata;

	if (is_the_same(daemon, built->tables))
		return;
	if (bl_loader_stage(daemon->loader, built->tables->bytes, built->tables->len, NULL) == 0)
		bl_daemon_look(daemon, &built->areas, false);
}

static void take_look(struct bl_daemon *daemon)
{
	daemon->look = daemon->look_next;
	if (!daemon->look.complete)
		bl_log_line(&daemon->log, BL_LEVEL_WARNING,
			    "not all files that rules mention were looked at for other names: "
			    "%" PRIu64 " entries in %" PRIu32 " ms; a hard link from before the "
			    "policy may be a way to what was not",
			    daemon->look.entries, daemon->look.took_ms);
}

static void look(void *userdata)
{
	struct bl_daemon *daemon = userdata;

	bl_daemon_look(daemon, &daemon->areas, false);
}

static void looked(void *userdata)
{
	struct bl_daemon *daemon = userdata;

	bl_areas_clear(&daemon->areas);
	take_look(daemon);
	go_on(daemon);
}

void bl_reload_look(struct bl_daemon *daemon)
{
	daemon->reload.running = bl_worker_run(daemon->worker, look, looked) == 0;
	if (!daemon->reload.running)
		take_look(daemon);
}

/* Somebody wants the files as they are, whatever there was before. */
static void for_good(struct bl_daemon *daemon)
{
	bl_confirm_for_good(daemon);
	if (daemon->boot.state == BL_BOOT_BROKEN && bl_boot_forgive(daemon->boot.fd) == 0)
		daemon->boot.state = BL_BOOT_RUNNING;
}

/* For good, or on trial. What follows changed links anew is neither. */
static int publish(struct bl_daemon *daemon, struct bl_worker_result *result, char **reterr_text)
{
	const struct bl_reload *reload = &daemon->reload;
	uint64_t seconds = reload->resolving ? 0 : reload->trial_sec;
	int r = seconds ? bl_confirm_prepare(daemon, seconds, reterr_text) : 0;

	if (r < 0)
		return r;
	r = bl_daemon_publish(daemon, result, reterr_text);
	if (r == 0)
		daemon->reload.anew = false;
	if (seconds && r < 0)
		bl_confirm_drop(daemon);
	else if (seconds)
		bl_confirm_begin(daemon);
	else if (r == 0 && !reload->resolving)
		for_good(daemon);
	return r;
}

void bl_reload_built(void *userdata, struct bl_worker_result *result)
{
	struct bl_daemon *daemon = userdata;
	_cleanup_free_ char *text = NULL;
	int r;

	if (result->error < 0) {
		reject_built(daemon, result);
		return;
	}
	if (is_the_same(daemon, result->built.tables)) {
		bl_meters_reload(&daemon->deliver.meters, BL_RELOAD_UNCHANGED);
		bl_follow_take(daemon, result);
		go_on(daemon);
		return;
	}
	if (daemon->reload.resolving)
		bl_log_line(
			&daemon->log, BL_LEVEL_INFO,
			"symbolic links in the paths of rules have changed: they are followed anew");
	r = publish(daemon, result, &text);
	if (r < 0) {
		reject(daemon, "publish", text ? text : strerror(-r), NULL);
		return;
	}
	bl_meters_reload(&daemon->deliver.meters, BL_RELOAD_LOADED);
	take_look(daemon);
	bl_log_diags(&daemon->log, &result->built.diags);
	end(daemon, success_answer(daemon, &result->built.diags));
}

static void begin(struct bl_daemon *daemon)
{
	char text[128];
	int r;

	daemon->reload.running = true;
	/* What comes takes the place of what to go back to. */
	bl_confirm_back(daemon, "a reload was asked for before it was confirmed");
	if (!daemon->reload.resolving)
		sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Loading the policy",
			   bl_now_ns() / 1000);
	r = bl_worker_start(daemon->worker,
			    daemon->reload.resolving ? &daemon->follow.policies : NULL);
	if (r < 0) {
		snprintf(text, sizeof(text), "no thread to compile in: %s", strerror(-r));
		reject(daemon, "worker", text, NULL);
	}
}

void bl_reload_ask(struct bl_daemon *daemon, uint64_t request, uint64_t trial_sec)
{
	struct bl_reload *reload = &daemon->reload;

	if (reload->running) {
		waiters_add(&reload->next, request);
		reload->again = true;
		if (trial_sec)
			reload->next_trial_sec = trial_sec;
		return;
	}
	waiters_add(&reload->now, request);
	reload->trial_sec = trial_sec;
	begin(daemon);
}

void bl_reload_resolve(struct bl_daemon *daemon)
{
	struct bl_reload *reload = &daemon->reload;

	reload->resolve_again = reload->running;
	if (reload->running)
		return;
	reload->resolving = true;
	begin(daemon);
}
