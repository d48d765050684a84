/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding: the bytes of one ring buffer record -> a checked event. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

/* Bytes with a length; not NUL-terminated, may hold anything. bytes is never NULL. */
struct bl_text {
	const char *bytes;
	size_t len;
};

/*
 * One decoded event. The texts point into the record that was decoded: the view is good for as
 * long as those bytes are. A text that the record has not got has length 0.
 */
struct bl_event_view {
	struct bl_event fixed; /* the fixed part; every enum, length and mask in it was checked */
	struct bl_text path;
	struct bl_text exe;
	struct bl_text parent_exe;
	struct bl_text cgroup;
	struct bl_text argument;
	struct bl_text cwd;
	struct bl_text argv; /* each argument with a NUL behind it, but maybe the last one */
	struct bl_text ancestors[BL_ABOVE_MAX]; /* exes of those above the parent */
	struct bl_text comm;	    /* up to its first NUL */
	struct bl_text parent_comm; /* likewise */
};

/*
 * Decodes one record. data may be unaligned and is not trusted: abi, kind, sizes, string lengths,
 * enums and masks are checked, and the verdict against the hook's answer. Bytes of strings are
 * not judged here; escape.h shows them safely.
 * Returns 0 and the event in *ret, or -EBADMSG with the reason in *reterr_what (static storage;
 * may be NULL). *ret is untouched on failure.
 */
int bl_event_decode(const void *data, size_t size, struct bl_event_view *ret,
		    const char **reterr_what);

/* True for a connect to an IP address: addr and port mean something. */
bool bl_event_has_address(const struct bl_event *fixed);

/* Words for values; NULL for a value that has none. Static storage. */
const char *bl_event_op_name(enum bl_op op);		    /* "exec" */
const char *bl_event_verdict_name(enum bl_verdict verdict); /* "would-deny" */
const char *bl_event_fact_name(enum bl_fact fact);	    /* "memfd" */
const char *bl_event_family_name(unsigned int family);	    /* "netlink" */
const char *bl_event_hook_name(enum bl_hook hook);	    /* "file_open" */
