/* SPDX-License-Identifier: Apache-2.0 */
/* Reading bailiff's entries back from the journal, trusted fields only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pick.h"
#include "shown.h"

struct bl_reader;

#define BL_READER_UNIT "bailiffd.service"

struct bl_reader_options {
	const char *directory;	  /* of journal files; NULL: this host's journal */
	const char **
		files; /* journal files, or one exported journal; ends with NULL. NULL: not given */
	const char *after_cursor; /* start after this entry; NULL: not given */
	const char *at_cursor;	  /* start at this entry, or where it would be; NULL: not given */
	const char *event_id;	  /* only the entry with this BAILIFF_EVENT_ID; NULL: not given */
	const struct bl_pick *pick; /* which ones; NULL: all */
	uint64_t since_us; /* CLOCK_REALTIME; 0: from the start. Not with after_cursor */
	uint64_t until_us; /* nothing that journald took later; 0: not given */
	uint64_t last;	    /* start at the last so many entries of these; 0: not given */
	bool verdicts_only; /* no messages about the daemon itself */
};

/*
 * Opens the journal. Only entries that journald itself attributes to root and to bailiffd.service
 * and that bear one of our MESSAGE_IDs are read: everybody can write the other fields.
 * An exported journal is read from its start, once: last, after_cursor and at_cursor are refused then (-EOPNOTSUPP), and
 * what journald vouches for is what whoever made the file has left of it.
 * Returns 0 and the reader in *ret (free with bl_reader_free()), or -errno: -EACCES where the
 * caller may not read the system journal, -ENOENT where there is none, -EINVAL for a bad cursor.
 * What is in options is used as long as the reader lives.
 */
int bl_reader_new(const struct bl_reader_options *options, struct bl_reader **ret);

void bl_reader_free(struct bl_reader *reader);

/* Whether nothing can come any more: until_us has passed, or an exported journal is at its end. */
bool bl_reader_is_over(const struct bl_reader *reader);

/* Why bl_reader_next() has said -EBADMSG: a sentence in static storage, or NULL. */
const char *bl_reader_fault(const struct bl_reader *reader);

/*
 * Goes to the next entry. Returns 1 and it in *ret (valid until the next call), 0 when there is
 * none now, or -errno.
 */
int bl_reader_next(struct bl_reader *reader, struct bl_shown *ret);

/*
 * Finds one verdict by its cursor or its BAILIFF_EVENT_ID, in the journal files of directory (NULL: this
 * host's journal). Returns 1, the reader in *ret and the entry in *ret_entry (valid as long as the reader); 0 where
 * there is none; or -errno as bl_reader_new().
 */
int bl_reader_find(const char *directory, const char *name, struct bl_reader **ret,
		   struct bl_shown *ret_entry);

/*
 * The bytes of a field that is a text: of its _HEX where it has one, else as it is. Returns them (free() them;
 * a NUL is behind them), or NULL where there is no such field or memory is short.
 */
char *bl_reader_bytes(const struct bl_shown *entry, const char *name, size_t *ret_len);

/* Waits until the journal changes or timeout_ms passed (-1: for ever). Returns 0 or -errno. */
int bl_reader_wait(struct bl_reader *reader, int timeout_ms);
