/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of the daemon and the tool: what each one means, what to do, and its exit code. */
#pragma once

/* Exit codes, the same for bailiffd and bailiff; the manual pages and the unit know them. */
enum bl_exit {
	BL_EXIT_GOOD = 0,
	BL_EXIT_FINDINGS = 1, /* the policy has errors, a test of it fails */
	BL_EXIT_USAGE = 2,    /* command line or configuration */
	BL_EXIT_KERNEL = 3,   /* this kernel can't */
	BL_EXIT_RIGHT = 4,    /* no daemon, or no right to it */
	BL_EXIT_SECOND = 5,   /* a daemon is running already */
	BL_EXIT_SANDBOX = 6,  /* the daemon could not be confined */
	BL_EXIT_INTERNAL = 7, /* out of memory, input or output failed */
};

enum bl_failure {
	BL_FAILURE_SETTINGS = 1,
	BL_FAILURE_RIGHTS,
	BL_FAILURE_SECOND,
	BL_FAILURE_RUNTIME_DIR,
	BL_FAILURE_KERNEL,
	BL_FAILURE_POLICY,
	BL_FAILURE_LOAD,
	BL_FAILURE_PUBLISH,
	BL_FAILURE_CANARY,
	BL_FAILURE_CONTROL,
	BL_FAILURE_SANDBOX,
	BL_FAILURE_LOOP,
	BL_FAILURE_PINS,
	BL_FAILURE_OFF,
	_BL_FAILURE_MAX,
};

struct bl_failure_info {
	const char *name; /* stable word, journal field BAILIFF_FAILURE */
	enum bl_exit exit_code;
	const char *consequence; /* what the failure means for the host */
	const char *kept;	 /* the same where something is in force that does not end with the daemon */
	const char *remedy;	 /* NULL where the detail already says it */
};

/* Never NULL; static storage. */
const struct bl_failure_info *bl_failure_info(enum bl_failure failure);

/*
 * Sets *reterr_text (unless the caller doesn't care, NULL) to a formatted sentence and returns
 * err, so that a failing function ends in one line. The text stays untouched without memory.
 */
__attribute__((format(printf, 3, 4))) int bl_error(char **reterr_text, int err, const char *format,
						   ...);
