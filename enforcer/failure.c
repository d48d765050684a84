/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of the daemon and the tool: what each one means, what to do, and its exit code. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "failure.h"

#define NOT_STARTED "the daemon does not start; nothing is enforced"
#define KEPT \
	"the daemon does not start; what was in force stays in force, and 'bailiff unload' lifts it"

static const struct bl_failure_info failures[_BL_FAILURE_MAX] = {
	[BL_FAILURE_SETTINGS] = { "settings", BL_EXIT_USAGE, NOT_STARTED, KEPT,
				  "correct the file named above" },
	[BL_FAILURE_RIGHTS] = { "rights", BL_EXIT_RIGHT, NOT_STARTED, KEPT,
				"start it as root: systemctl start bailiffd" },
	[BL_FAILURE_SECOND] = { "second-daemon", BL_EXIT_SECOND,
				"this one ends; the running daemon is not touched", NULL,
				"see 'systemctl status bailiffd' and 'bailiff status'" },
	[BL_FAILURE_RUNTIME_DIR] = { "runtime-directory", BL_EXIT_INTERNAL, NOT_STARTED, KEPT,
				     NULL },
	[BL_FAILURE_KERNEL] = { "kernel", BL_EXIT_KERNEL, NOT_STARTED, KEPT,
				"see 'bailiff doctor'" },
	[BL_FAILURE_POLICY] = { "policy", BL_EXIT_FINDINGS, NOT_STARTED, KEPT,
				"see 'bailiff check', correct the policy and start again" },
	[BL_FAILURE_LOAD] = { "load", BL_EXIT_KERNEL,
			      "the kernel refused the programs; nothing is enforced",
			      "the kernel refused the programs; what was in force stays in force",
			      "see 'bailiff doctor'" },
	[BL_FAILURE_PUBLISH] = { "publish", BL_EXIT_KERNEL,
				 "the kernel refused the policy; nothing is enforced",
				 "the kernel refused the policy; what was in force stays in force",
				 "see 'bailiff doctor'" },
	[BL_FAILURE_CANARY] = { "canary", BL_EXIT_KERNEL,
				"the daemon ends rather than pretend to enforce", KEPT,
				"see 'bailiff doctor' for the kernel command line to use" },
	[BL_FAILURE_CONTROL] = { "control", BL_EXIT_INTERNAL, NOT_STARTED, KEPT, NULL },
	[BL_FAILURE_SANDBOX] = { "sandbox", BL_EXIT_SANDBOX,
				 "the daemon ends rather than run with rights it must not have",
				 "the daemon ends rather than run with rights it must not have; what is in "
				 "force stays in force",
				 NULL },
	[BL_FAILURE_LOOP] = { "loop", BL_EXIT_INTERNAL, "the daemon ends",
			      "the daemon ends; what is in force stays in force", NULL },
	[BL_FAILURE_OFF] = { "off", BL_EXIT_USAGE, NOT_STARTED, KEPT,
			     "bailiff.mode=off is on the kernel's command line: boot without it" },
	[BL_FAILURE_PINS] = { "pins", BL_EXIT_KERNEL, NOT_STARTED, KEPT, NULL },
};

const struct bl_failure_info *bl_failure_info(enum bl_failure failure)
{
	static const struct bl_failure_info unknown = { "internal", BL_EXIT_INTERNAL,
							"the daemon ends", NULL, NULL };

	if (failure < BL_FAILURE_SETTINGS || failure >= _BL_FAILURE_MAX)
		return &unknown;
	return &failures[failure];
}

int bl_error(char **reterr_text, int err, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	if (!reterr_text)
		return err;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text) {
		free(*reterr_text);
		*reterr_text = text;
	}
	return err;
}
