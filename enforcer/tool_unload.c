/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff unload: takes away what is in force, by the daemon where there is one, or else here. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "client.h"
#include "pins.h"
#include "tool.h"

#define WAITS	300 /* for the daemon to end */
#define WAIT_NS 100000000

static int failed(const struct bl_tool *tool, const char *code, const char *text, enum bl_exit ret)
{
	bl_tool_error(tool, code, text);
	return ret;
}

/* The daemon, or a start of one, holds the lock until everything is done. */
static int open_alone(struct bl_pins *pins, unsigned int waits, char **reterr_text)
{
	const struct timespec pause = { .tv_nsec = WAIT_NS };
	int r;

	for (;;) {
		r = bl_pins_open(pins, false, reterr_text);
		if (r != -EBUSY || !waits--)
			return r;
		nanosleep(&pause, NULL);
	}
}

static int done(const struct bl_tool *tool, const char *by, bool any)
{
	if (tool->json)
		return bl_tool_print_json(
			       json_pack("{s:b, s:b, s:s}", "ok", 1, "lifted", any, "by", by)) < 0
			       ? BL_EXIT_INTERNAL
			       : BL_EXIT_GOOD;
	puts(any ? "enforcement is lifted: nothing is judged until bailiffd is started again"
		 : "nothing was in force");
	return BL_EXIT_GOOD;
}

static int lift_here(const struct bl_tool *tool, struct bl_pins *pins)
{
	bool any = bl_pins_claim(pins) > 0;
	int r = bl_pins_lift(pins);
	_cleanup_free_ char *text = NULL;

	if (r == 0)
		return done(tool, "tool", any);
	text = bl_format("what is pinned in " BL_PINS_DIR " can't be removed: %s", strerror(-r));
	return failed(tool, "pins", text ? text : strerror(-r), BL_EXIT_INTERNAL);
}

/* A daemon that has agreed ends when everything is gone: its lock says so. */
static int await_daemon(const struct bl_tool *tool, struct bl_pins *pins)
{
	_cleanup_free_ char *text = NULL;
	int r = open_alone(pins, WAITS, &text);

	if (r < 0 && r != -ENOENT)
		return failed(tool, "pins", text ? text : strerror(-r), BL_EXIT_INTERNAL);
	if (r == 0 && bl_pins_in_force(pins))
		return lift_here(tool, pins);
	return done(tool, "daemon", true);
}

static int unload(const struct bl_tool *tool, struct bl_pins *pins)
{
	_cleanup_json_ json_t *result = NULL;
	_cleanup_free_ char *text = NULL, *why = NULL;
	int r;

	r = bl_client_call(tool->socket, json_pack("{s:s}", "command", "unload"),
			   BL_TOOL_TIMEOUT_SEC, &result, &text);
	if (r == 0)
		return await_daemon(tool, pins);
	if (r == -EACCES || r == -EREMOTEIO)
		return failed(tool, r == -EACCES ? "no-right" : "refused",
			      text ? text : strerror(-r), BL_EXIT_RIGHT);
	/* No daemon, or one that hangs: then it holds the lock. */
	r = open_alone(pins, 0, &why);
	if (r == -ENOENT)
		return done(tool, "tool", false);
	if (r == -EBUSY)
		return failed(tool, "no-answer",
			      "bailiffd runs, or is being started, and does not answer: try again, "
			      "or 'systemctl kill -s KILL bailiffd' first",
			      BL_EXIT_RIGHT);
	if (r < 0)
		return failed(tool, "pins", why ? why : strerror(-r), BL_EXIT_RIGHT);
	return lift_here(tool, pins);
}

int bl_tool_unload(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	struct bl_pins *pins = NULL;
	int code, first;

	first = bl_tool_parse(tool, command, argc, argv, "", NULL, NULL, NULL, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	if (geteuid() != 0)
		return failed(tool, "not-root", "only root can lift enforcement", BL_EXIT_RIGHT);
	if (bl_pins_new(&pins) < 0)
		return failed(tool, "memory", strerror(ENOMEM), BL_EXIT_INTERNAL);
	code = unload(tool, pins);
	bl_pins_free(pins);
	return code;
}
