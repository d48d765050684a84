/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff.mode= on the kernel's command line: the way back for who can't log in any more. */
#pragma once

enum bl_cmdline_mode {
	BL_CMDLINE_NONE = 0, /* nothing is said */
	BL_CMDLINE_UNKNOWN,  /* something is, that means nothing */
	BL_CMDLINE_ENFORCE,  /* as the settings say */
	BL_CMDLINE_MONITOR,  /* whatever the settings say */
	BL_CMDLINE_OFF,	     /* bailiffd is not to run; its unit looks at that, too */
	_BL_CMDLINE_MAX,
};

/* What the text of /proc/cmdline says; the last one counts, and what follows '--' is not the kernel's. */
enum bl_cmdline_mode bl_cmdline_read(const char *text);
