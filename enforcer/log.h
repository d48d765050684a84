/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own log: structured entries to the journal, and to the console where there is one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "entry.h"
#include "failure.h"
#include "journal.h"
#include "message.h"

/* syslog(3)'s levels, as far as they are used here. */
enum bl_level {
	BL_LEVEL_ERROR = 3,
	BL_LEVEL_WARNING = 4,
	BL_LEVEL_NOTICE = 5,
	BL_LEVEL_INFO = 6,
	BL_LEVEL_DEBUG = 7,
};

enum bl_log_target {
	BL_LOG_AUTO = 0, /* the journal, and stderr unless it leads to the journal as well */
	BL_LOG_JOURNAL,
	BL_LOG_CONSOLE,
};

/* Only the thread of the event loop may use it. */
struct bl_log {
	struct bl_journal *journal; /* verdicts go through it as well */
	struct bl_entry entry;	    /* under construction */
	bool to_journal;
	bool to_console;
	bool in_force; /* something is, which does not end with this daemon: failures say so */
};

/* Returns 0 or -ENOMEM. */
int bl_log_init(struct bl_log *log, enum bl_log_target target);

/* Waits a moment for what journald has not taken yet, then frees everything. */
void bl_log_done(struct bl_log *log);

/* Sends log->entry, which a bl_report_*() of audit has just filled. */
void bl_log_entry(struct bl_log *log);

/* One line. */
__attribute__((format(printf, 3, 4))) void bl_log_line(struct bl_log *log, enum bl_level level,
						       const char *format, ...);

/*
 * Why the daemon can't start or go on: detail (may be NULL), consequence and remedy in one entry.
 * Returns the exit code that belongs to it.
 */
int bl_log_failure(struct bl_log *log, enum bl_failure failure, const char *detail);

/* Each diagnostic as an entry of its own, errors first of all, at most BL_LOG_DIAGS_MAX. */
void bl_log_diags(struct bl_log *log, const struct bl_diags *diags);
#define BL_LOG_DIAGS_MAX 100

/* 'file:line:column: message (hint)', malloc'ed; NULL without memory. */
char *bl_log_diag_text(const struct bl_diag *diag);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t bl_now_ns(void);
