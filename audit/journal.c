/* SPDX-License-Identifier: Apache-2.0 */
/* The journal sender: non-blocking datagrams in journald's native protocol. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_BYTES    (16u << 20)
#define QUEUE_ENTRIES  16384u
#define SEND_BYTES     (8 << 20) /* the socket buffer that libsystemd asks for as well */
#define FLUSH_ENTRIES  256	 /* a call; the event loop has other things to do */
#define RETRY_FIRST_NS 100000000ull
#define RETRY_MAX_NS   1000000000ull
#define NS_PER_MS      1000000ull
#define NS_PER_S       1000000000ull

struct datagram {
	struct datagram *next;
	size_t len;
	uint64_t repeats;
	char bytes[];
};

struct bl_journal {
	struct sockaddr_un address;
	int fd; /* -1: not connected */
	bool was_connected;
	uint64_t retry_ns; /* the next pause */
	uint64_t retry_at; /* not before; 0: at once */

	struct datagram *head;
	struct datagram **tail;
	size_t max_bytes;
	size_t max_entries;

	char *scratch; /* the datagram being made */
	size_t scratch_bytes;
	struct bl_journal_stats stats;
};

/* ---- connection --------------------------------------------------------------------------- */

static void disconnect(struct bl_journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
}

static void pause_until(struct bl_journal *journal, uint64_t now_ns)
{
	journal->retry_at = now_ns + journal->retry_ns;
	journal->retry_ns *= 2;
	if (journal->retry_ns > RETRY_MAX_NS)
		journal->retry_ns = RETRY_MAX_NS;
}

static void end_pause(struct bl_journal *journal)
{
	journal->retry_at = 0;
	journal->retry_ns = RETRY_FIRST_NS;
}

/* A larger buffer is a favour: without it big entries go by memfd and bursts wait in our queue. */
static void enlarge_buffer(int fd)
{
	int bytes = SEND_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/*
 * systemd binds journald's socket before it asks for the senders' credentials on it. What is sent in
 * between has none unless ours asks as well, and an entry that nobody vouches for is of no unit.
 */
static int connect_socket(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, r;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	enlarge_buffer(fd);
	return fd;
}

/* Connected is what epoll needs: only then does 'writable' mean that journald's queue has room. */
static bool ensure_connected(struct bl_journal *journal, uint64_t now_ns)
{
	int fd;

	if (journal->fd >= 0)
		return true;
	if (now_ns < journal->retry_at)
		return false;
	fd = connect_socket(&journal->address);
	if (fd < 0) {
		journal->stats.last_errno = -fd;
		pause_until(journal, now_ns);
		return false;
	}
	journal->fd = fd;
	journal->stats.reconnects += journal->was_connected;
	journal->was_connected = true;
	return true;
}

/* ---- one datagram ------------------------------------------------------------------------- */

static int send_bytes(int fd, const void *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* A sealed memfd with the bytes; journald takes no other. Returns it or -errno. */
static int make_memfd(const char *bytes, size_t len)
{
	int r, fd = memfd_create("bailiff-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	r = write_all(fd, bytes, len);
	if (!r &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int send_fd(int fd, int payload)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr message = {
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &payload, sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* For entries that no datagram holds. */
static int send_memfd(int fd, const char *bytes, size_t len)
{
	int r, payload = make_memfd(bytes, len);

	if (payload < 0)
		return -ENOMEM; /* whatever it was short of: descriptors, memory, the right to */
	r = send_fd(fd, payload);
	close(payload);
	return r;
}

/* Whether an error means that journald is away or anew, rather than that it is busy. */
static bool is_gone(int error)
{
	return error == -ECONNREFUSED || error == -ECONNRESET || error == -ENOTCONN ||
	       error == -EPIPE || error == -ENOENT || error == -EDESTADDRREQ;
}

static int send_any(int fd, const char *bytes, size_t len)
{
	int r = send_bytes(fd, bytes, len);

	return r == -EMSGSIZE ? send_memfd(fd, bytes, len) : r;
}

/*
 * Returns 0: taken; -EAGAIN: not now, try again when writable or at the deadline; anything else:
 * never, the datagram is to be dropped.
 */
static int transmit(struct bl_journal *journal, const char *bytes, size_t len, uint64_t now_ns)
{
	int r;

	for (unsigned int attempt = 0; attempt < 2; attempt++) {
		if (!ensure_connected(journal, now_ns))
			return -EAGAIN;
		r = send_any(journal->fd, bytes, len);
		if (!r || r == -EAGAIN) {
			end_pause(journal);
			return r;
		}
		journal->stats.last_errno = -r;
		if (r == -ENOBUFS) {
			pause_until(journal, now_ns);
			return -EAGAIN;
		}
		if (!is_gone(r))
			return r;
		/* journald restarted: its socket has a new owner, or will have. */
		disconnect(journal);
	}
	pause_until(journal, now_ns);
	return -EAGAIN;
}

/* ---- queue -------------------------------------------------------------------------------- */

static bool has_room(const struct bl_journal *journal, size_t len, enum bl_journal_rank rank)
{
	size_t bytes = journal->max_bytes, entries = journal->max_entries;

	if (rank != BL_JOURNAL_URGENT) {
		bytes -= bytes / 4;
		entries -= entries / 4;
	}
	return journal->stats.queued_entries < entries && len <= bytes &&
	       journal->stats.queued_bytes <= bytes - len;
}

static int enqueue(struct bl_journal *journal, const char *bytes, size_t len, uint64_t repeats,
		   enum bl_journal_rank rank)
{
	struct datagram *datagram;

	if (!has_room(journal, len, rank)) {
		journal->stats.dropped_full++;
		journal->stats.dropped_repeats += repeats;
		return -ENOBUFS;
	}
	datagram = malloc(sizeof(*datagram) + len);
	if (!datagram) {
		journal->stats.dropped_memory++;
		journal->stats.dropped_repeats += repeats;
		return -ENOMEM;
	}
	datagram->next = NULL;
	datagram->len = len;
	datagram->repeats = repeats;
	memcpy(datagram->bytes, bytes, len);
	*journal->tail = datagram;
	journal->tail = &datagram->next;
	journal->stats.queued_entries++;
	journal->stats.queued_bytes += len;
	journal->stats.queued_repeats += repeats;
	return 0;
}

static void drop_head(struct bl_journal *journal)
{
	struct datagram *datagram = journal->head;

	journal->head = datagram->next;
	if (!journal->head)
		journal->tail = &journal->head;
	journal->stats.queued_entries--;
	journal->stats.queued_bytes -= datagram->len;
	journal->stats.queued_repeats -= datagram->repeats;
	free(datagram);
}

/* Counts what became of a datagram that is done with; returns what bl_journal_send() says of it. */
static int account(struct bl_journal *journal, int result, uint64_t repeats)
{
	if (result < 0)
		journal->stats.dropped_repeats += repeats;
	switch (result) {
	case 0:
		journal->stats.sent++;
		return 0;
	case -ENOMEM:
		journal->stats.dropped_memory++;
		return -ENOMEM;
	default:
		journal->stats.dropped_refused++;
		return -EIO;
	}
}

/* ---- public ------------------------------------------------------------------------------- */

int bl_journal_new(const struct bl_journal_options *options, struct bl_journal **ret)
{
	const char *path = options->socket_path ? options->socket_path : BL_JOURNAL_SOCKET;
	struct bl_journal *journal;

	if (strlen(path) >= sizeof(journal->address.sun_path))
		return -EINVAL;
	journal = calloc(1, sizeof(*journal));
	if (!journal)
		return -ENOMEM;
	journal->address.sun_family = AF_UNIX;
	strcpy(journal->address.sun_path, path);
	journal->fd = -1;
	journal->tail = &journal->head;
	journal->max_bytes = options->queue_bytes ? options->queue_bytes : QUEUE_BYTES;
	journal->max_entries = options->queue_entries ? options->queue_entries : QUEUE_ENTRIES;
	end_pause(journal);
	ensure_connected(journal, 0);
	end_pause(journal);
	*ret = journal;
	return 0;
}

void bl_journal_free(struct bl_journal *journal)
{
	if (!journal)
		return;
	while (journal->head)
		drop_head(journal);
	disconnect(journal);
	free(journal->scratch);
	free(journal);
}

static int make_datagram(struct bl_journal *journal, const struct bl_entry *entry, size_t *ret_len)
{
	size_t need = bl_entry_wire_size(entry);
	char *scratch = journal->scratch;

	if (need > journal->scratch_bytes) {
		scratch = realloc(journal->scratch, need);
		if (!scratch)
			return -ENOMEM;
		journal->scratch = scratch;
		journal->scratch_bytes = need;
	}
	*ret_len = bl_entry_wire_write(entry, scratch);
	return 0;
}

int bl_journal_send(struct bl_journal *journal, const struct bl_entry *entry,
		    enum bl_journal_rank rank, uint64_t now_ns)
{
	size_t len;
	int r = make_datagram(journal, entry, &len);

	if (r < 0)
		return account(journal, r, entry->repeats);
	/* What waits goes first. */
	if (journal->head)
		return enqueue(journal, journal->scratch, len, entry->repeats, rank);
	r = transmit(journal, journal->scratch, len, now_ns);
	if (r == -EAGAIN)
		return enqueue(journal, journal->scratch, len, entry->repeats, rank);
	return account(journal, r, entry->repeats);
}

void bl_journal_flush(struct bl_journal *journal, uint64_t now_ns)
{
	if (now_ns < journal->retry_at)
		return;
	for (unsigned int i = 0; journal->head && i < FLUSH_ENTRIES; i++) {
		int r = transmit(journal, journal->head->bytes, journal->head->len, now_ns);

		if (r == -EAGAIN)
			return;
		account(journal, r, journal->head->repeats);
		drop_head(journal);
	}
}

int bl_journal_fd(const struct bl_journal *journal)
{
	return journal->fd;
}

bool bl_journal_wants_write(const struct bl_journal *journal)
{
	return journal->head && journal->fd >= 0 && !journal->retry_at;
}

uint64_t bl_journal_deadline_ns(const struct bl_journal *journal)
{
	return journal->head && journal->retry_at ? journal->retry_at : UINT64_MAX;
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void bl_journal_drain(struct bl_journal *journal, unsigned int timeout_ms)
{
	uint64_t now = clock_ns(), end = now + timeout_ms * NS_PER_MS;

	for (; journal->head && now < end; now = clock_ns()) {
		struct pollfd poll_fd = { .fd = -1, .events = POLLOUT };
		uint64_t until = bl_journal_deadline_ns(journal);

		if (bl_journal_wants_write(journal))
			poll_fd.fd = journal->fd;
		if (until > end)
			until = end;
		if (until > now)
			poll(&poll_fd, 1, (int)((until - now) / NS_PER_MS) + 1);
		bl_journal_flush(journal, clock_ns());
	}
}

void bl_journal_get_stats(const struct bl_journal *journal, struct bl_journal_stats *ret)
{
	*ret = journal->stats;
}
