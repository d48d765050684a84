/* SPDX-License-Identifier: Apache-2.0 */
/* What a process is called by its cgroup, read from the text of the path, one component after the other. */
#pragma once

#include "cgroup.h"
#include "compile.h"

/* Names are NUL-terminated. */
struct bl_called {
	char unit[BL_NAME_BYTES + 1]; /* "": none */
	char slice[BL_NAME_BYTES + 1];
	char container[BL_NAME_BYTES + 1]; /* its id; "": not known */
	enum bl_contained contained;
	const char *cgroup; /* the query's path; "": the root */
	bool cut;	    /* it is longer than what is looked at: it may be any */
};

/*
 * Reads what a query says, and of its cgroup what it doesn't: bpf-lsm/cgroup.h says what counts. This shares no
 * code with that, so that each can be held against the other.
 */
void bl_called_read(const struct bl_query *query, struct bl_called *ret);
