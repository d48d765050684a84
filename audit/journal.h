/* SPDX-License-Identifier: Apache-2.0 */
/* The journal sender: datagrams to journald that never block, with a bounded queue before them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"

/*
 * libsystemd's sd_journal_sendv() blocks while journald is busy or stopped and says nothing when
 * it is absent; the ring reader must not wait for journald, because journald may wait for a
 * verdict, so this is our own writer of journald's native protocol. It never blocks and never logs.
 * System calls: socket, setsockopt, connect, sendto, sendmsg, memfd_create, write, fcntl, close,
 * poll.
 */
struct bl_journal;

#define BL_JOURNAL_SOCKET "/run/systemd/journal/socket"

struct bl_journal_options {
	const char *socket_path; /* NULL: BL_JOURNAL_SOCKET */
	size_t queue_bytes;	 /* 0: 16 MiB */
	size_t queue_entries;	 /* 0: 16384 */
};

/* What an entry is worth when room gets short: the last quarter of the queue is kept for URGENT. */
enum bl_journal_rank {
	BL_JOURNAL_ORDINARY = 1, /* alerts, would-deny */
	BL_JOURNAL_URGENT,	 /* denials, and what the daemon says of itself */
};

/* All only ever grow, but for the three of the queue. */
struct bl_journal_stats {
	uint64_t sent;		 /* taken by journald's socket */
	uint64_t queued_entries; /* waiting now */
	uint64_t queued_bytes;
	uint64_t queued_repeats; /* that these entries tell of besides */
	uint64_t dropped_full;	  /* no room in the queue */
	uint64_t dropped_memory;  /* no memory for the datagram or its memfd */
	uint64_t dropped_refused; /* by journald's socket, for good: see last_errno */
	uint64_t dropped_repeats; /* that dropped entries told of besides */
	uint64_t reconnects;	  /* connections made after the first one */
	int last_errno;		  /* why the last send or connect failed; 0: none did */
};

/*
 * Makes a sender; connects at once if it can. That journald is absent is no error.
 * Returns 0 and the sender in *ret (free with bl_journal_free()), -EINVAL for a socket path that is
 * too long, or -ENOMEM. *ret is untouched on failure.
 */
int bl_journal_new(const struct bl_journal_options *options, struct bl_journal **ret);

/* Frees the sender and what still waits in it; NULL is allowed. */
void bl_journal_free(struct bl_journal *journal);

/*
 * Sends an entry, or queues it while others wait or journald takes none. now_ns: CLOCK_MONOTONIC.
 * Returns 0, or -ENOBUFS or -ENOMEM when it was dropped (and counted), or -EIO when journald's
 * socket refuses it for good (counted too). The entry stays the caller's.
 */
int bl_journal_send(struct bl_journal *journal, const struct bl_entry *entry,
		    enum bl_journal_rank rank, uint64_t now_ns);

/* Sends what waits, in order, as far as journald takes it; reconnects when it is time to. */
void bl_journal_flush(struct bl_journal *journal, uint64_t now_ns);

/*
 * For the event loop: the socket (changes over reconnects; -1: not connected), whether to wait for
 * it to become writable, and when to call bl_journal_flush() at the latest (CLOCK_MONOTONIC;
 * UINT64_MAX: no need to). Ask anew after each call of send or flush.
 */
int bl_journal_fd(const struct bl_journal *journal);
bool bl_journal_wants_write(const struct bl_journal *journal);
uint64_t bl_journal_deadline_ns(const struct bl_journal *journal);

/* Tries for at most timeout_ms to send what waits; for the daemon's end only: this one blocks. */
void bl_journal_drain(struct bl_journal *journal, unsigned int timeout_ms);

void bl_journal_get_stats(const struct bl_journal *journal, struct bl_journal_stats *ret);
