/* SPDX-License-Identifier: Apache-2.0 */
/* The sender against a journald of our own: busy, absent, restarted, and fed with hostile names. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_GET_SEALS, memmem */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "journal.h"
#include "wire.h"

#define BIG    (1u << 20)
#define MS     1000000ull
#define SECOND (1000 * MS)
#define LOTS   10000

/* A listening socket in a directory of its own. */
struct fake {
	char directory[64];
	char path[100];
	int fd;
};

static void fake_listen(struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, fake->path);
	fake->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fake->fd >= 0);
	assert_int_equal(bind(fake->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void fake_stop(struct fake *fake)
{
	if (fake->fd >= 0)
		close(fake->fd);
	fake->fd = -1;
	unlink(fake->path);
}

static int set_up(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	strcpy(fake->directory, "/tmp/bailiff-journal-XXXXXX");
	assert_non_null(mkdtemp(fake->directory));
	snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->directory);
	fake_listen(fake);
	*state = fake;
	return 0;
}

static int tear_down(void **state)
{
	struct fake *fake = *state;

	fake_stop(fake);
	rmdir(fake->directory);
	free(fake);
	return 0;
}

static struct bl_journal *sender(const struct fake *fake, size_t bytes, size_t entries)
{
	struct bl_journal_options options = {
		.socket_path = fake->path,
		.queue_bytes = bytes,
		.queue_entries = entries,
	};
	struct bl_journal *journal = NULL;

	assert_int_equal(bl_journal_new(&options, &journal), 0);
	return journal;
}

static struct bl_journal_stats stats_of(const struct bl_journal *journal)
{
	struct bl_journal_stats stats;

	bl_journal_get_stats(journal, &stats);
	return stats;
}

static int send_number(struct bl_journal *journal, uint64_t number, enum bl_journal_rank rank,
		       uint64_t now_ns)
{
	struct bl_entry entry = { 0 };
	int r;

	bl_entry_uint(&entry, "NUMBER", number);
	r = bl_journal_send(journal, &entry, rank, now_ns);
	bl_entry_clear(&entry);
	return r;
}

/* Reads one datagram, or the memfd that came in its place; its length, or -1 if none waits. */
static ssize_t receive(const struct fake *fake, char *buf, size_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { buf, size };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(fake->fd, &message, 0);
	struct cmsghdr *header = len < 0 ? NULL : CMSG_FIRSTHDR(&message);
	int fd;

	if (!header)
		return len;
	assert_int_equal(len, 0);
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	assert_int_equal(fcntl(fd, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	len = pread(fd, buf, size, 0);
	close(fd);
	return len;
}

/* Reads the number of the next datagram; -1: none waits. */
static int64_t receive_number(const struct fake *fake)
{
	char buf[256];
	ssize_t len = receive(fake, buf, sizeof(buf) - 1);

	if (len < 0)
		return -1;
	buf[len] = '\0';
	assert_memory_equal(buf, "NUMBER=", 7);
	return strtoll(buf + 7, NULL, 10);
}

static void sends_at_once(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);

	assert_true(bl_journal_fd(journal) >= 0);
	assert_int_equal(send_number(journal, 7, BL_JOURNAL_ORDINARY, 0), 0);
	assert_int_equal(receive_number(fake), 7);
	assert_int_equal(stats_of(journal).sent, 1);
	assert_false(bl_journal_wants_write(journal));
	assert_true(bl_journal_deadline_ns(journal) == UINT64_MAX);
	bl_journal_free(journal);
}

/* As systemd binds it: the socket is there a moment before it asks for credentials. */
static void vouched_for_from_the_first(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);
	char control[CMSG_SPACE(sizeof(struct ucred))], buf[256];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	struct ucred who;
	int on = 1;

	assert_int_equal(send_number(journal, 7, BL_JOURNAL_ORDINARY, 0), 0);
	assert_int_equal(setsockopt(fake->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	assert_int_equal(recvmsg(fake->fd, &message, 0), 9);
	header = CMSG_FIRSTHDR(&message);
	assert_non_null(header);
	assert_int_equal(header->cmsg_type, SCM_CREDENTIALS);
	memcpy(&who, CMSG_DATA(header), sizeof(who));
	assert_int_equal(who.pid, getpid());
	assert_int_equal(who.uid, getuid());
	bl_journal_free(journal);
}

static void hostile_values_stay_values(void **state)
{
	static const char evil[] = "x\nFAKE=1\n_UID=0\n\nMESSAGE\n\x08\0\0\0\0\0\0\0";
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);
	struct bl_entry entry = { 0 };
	struct wire_field field;
	struct wire wire;
	char buf[1024];
	ssize_t len;

	bl_entry_text(&entry, "MESSAGE", "hello");
	bl_entry_add(&entry, "BAILIFF_PATH", evil, sizeof(evil));
	bl_entry_text(&entry, "LAST", "1");
	assert_int_equal(bl_journal_send(journal, &entry, BL_JOURNAL_URGENT, 0), 0);
	len = receive(fake, buf, sizeof(buf));
	assert_true(len > 0);
	assert_true(wire_parse(buf, (size_t)len, &wire));
	assert_int_equal(wire.n, 3);
	assert_int_equal(wire_find(&wire, "FAKE", &field), 0);
	assert_int_equal(wire_find(&wire, "BAILIFF_PATH", &field), 1);
	assert_int_equal(field.value_len, sizeof(evil));
	assert_memory_equal(field.value, evil, sizeof(evil));
	bl_entry_clear(&entry);
	bl_journal_free(journal);
}

/* Larger than any datagram: goes by a sealed memfd. */
static void big_entries(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);
	struct bl_entry entry = { 0 };
	char *value = malloc(BIG - 64), *buf = malloc(2 * BIG);
	int small = 4096;
	struct wire_field field;
	struct wire wire;
	ssize_t len;

	assert_int_equal(setsockopt(bl_journal_fd(journal), SOL_SOCKET, SO_SNDBUF, &small,
				    sizeof(small)),
			 0);
	memset(value, '\n', BIG - 64);
	bl_entry_add(&entry, "BIG", value, BIG - 64);
	bl_entry_text(&entry, "LAST", "1");
	assert_int_equal(bl_journal_send(journal, &entry, BL_JOURNAL_URGENT, 0), 0);
	len = receive(fake, buf, 2 * BIG);
	assert_int_equal(len, bl_entry_wire_size(&entry));
	assert_true(wire_parse(buf, (size_t)len, &wire));
	assert_int_equal(wire.n, 2);
	assert_int_equal(wire_find(&wire, "BIG", &field), 1);
	assert_int_equal(field.value_len, BIG - 64);
	assert_int_equal(stats_of(journal).sent, 1);
	free(value);
	free(buf);
	bl_entry_clear(&entry);
	bl_journal_free(journal);
}

/* Fills journald's socket until entries wait in our queue; returns how many were sent in all. */
static uint64_t fill(struct bl_journal *journal)
{
	uint64_t n = 0;

	while (!stats_of(journal).queued_entries) {
		assert_true(n < LOTS);
		assert_int_equal(send_number(journal, n++, BL_JOURNAL_URGENT, 0), 0);
	}
	return n;
}

static void busy_journald_keeps_order(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);
	uint64_t n = fill(journal), at = 0;
	struct pollfd poll_fd = { bl_journal_fd(journal), POLLOUT, 0 };

	/* There is room again, but what waits goes first. */
	assert_int_equal(receive_number(fake), at++);
	assert_int_equal(send_number(journal, n++, BL_JOURNAL_URGENT, 0), 0);
	bl_journal_flush(journal, 0);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(send_number(journal, n++, BL_JOURNAL_ORDINARY, 0), 0);
	assert_true(bl_journal_wants_write(journal));
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	bl_journal_flush(journal, 0);
	assert_true(stats_of(journal).queued_entries > 1000);

	while (at < n) {
		int64_t number = receive_number(fake);

		if (number < 0) {
			assert_int_equal(poll(&poll_fd, 1, 0), 1);
			bl_journal_flush(journal, 0);
			continue;
		}
		assert_int_equal(number, at);
		at++;
	}
	assert_int_equal(stats_of(journal).sent, n);
	assert_int_equal(stats_of(journal).queued_entries, 0);
	assert_int_equal(stats_of(journal).queued_bytes, 0);
	assert_false(bl_journal_wants_write(journal));
	bl_journal_free(journal);
}

static void full_queue_drops_and_counts(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 100);
	unsigned int ordinary = 0, urgent = 0, refused = 0;

	fill(journal);
	while (send_number(journal, 1, BL_JOURNAL_ORDINARY, 0) == 0)
		ordinary++;
	refused++;
	assert_int_equal(ordinary, 74); /* and the one that fill() left there */
	while (send_number(journal, 1, BL_JOURNAL_URGENT, 0) == 0)
		urgent++;
	refused++;
	assert_int_equal(urgent, 25);
	assert_int_equal(send_number(journal, 1, BL_JOURNAL_URGENT, 0), -ENOBUFS);
	refused++;
	assert_int_equal(stats_of(journal).dropped_full, refused);
	assert_int_equal(stats_of(journal).queued_entries, 100);
	bl_journal_free(journal);
}

/* What an entry tells of besides is lost with it, and waits with it. */
static void repeats_are_counted(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 4);
	struct bl_entry entry = { 0 };
	uint64_t before;

	fill(journal);
	before = stats_of(journal).queued_entries;
	assert_int_equal(before, 1);
	bl_entry_text(&entry, "MESSAGE", "m");
	entry.repeats = 10;
	assert_int_equal(bl_journal_send(journal, &entry, BL_JOURNAL_URGENT, 0), 0);
	entry.repeats = 5;
	assert_int_equal(bl_journal_send(journal, &entry, BL_JOURNAL_URGENT, 0), 0);
	assert_int_equal(stats_of(journal).queued_repeats, 15);
	assert_int_equal(bl_journal_send(journal, &entry, BL_JOURNAL_URGENT, 0), 0);
	entry.repeats = 7;
	assert_int_equal(bl_journal_send(journal, &entry, BL_JOURNAL_URGENT, 0), -ENOBUFS);
	assert_int_equal(stats_of(journal).dropped_repeats, 7);
	assert_int_equal(stats_of(journal).queued_repeats, 20);
	bl_entry_reset(&entry);
	assert_int_equal(entry.repeats, 0);
	bl_entry_clear(&entry);
	bl_journal_free(journal);
}

static void queue_is_bounded_in_bytes(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 10000, 0);
	static char value[3000];
	struct bl_entry entry = { 0 };
	unsigned int kept = 0;

	fill(journal);
	memset(value, 'v', sizeof(value));
	bl_entry_add(&entry, "VALUE", value, sizeof(value));
	while (bl_journal_send(journal, &entry, BL_JOURNAL_URGENT, 0) == 0)
		kept++;
	assert_int_equal(kept, 3);
	assert_true(stats_of(journal).queued_bytes <= 10000);
	bl_entry_clear(&entry);
	bl_journal_free(journal);
}

static void absent_journald(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal;
	uint64_t now = SECOND;

	fake_stop(fake);
	journal = sender(fake, 0, 0);
	assert_int_equal(bl_journal_fd(journal), -1);
	assert_int_equal(send_number(journal, 0, BL_JOURNAL_URGENT, now), 0);
	assert_int_equal(send_number(journal, 1, BL_JOURNAL_URGENT, now), 0);
	assert_int_equal(stats_of(journal).last_errno, ENOENT);
	assert_false(bl_journal_wants_write(journal));
	assert_true(bl_journal_deadline_ns(journal) == now + 100 * MS);

	/* Not before its time, and each pause is longer, but none longer than a second. */
	bl_journal_flush(journal, now + 50 * MS);
	assert_true(bl_journal_deadline_ns(journal) == now + 100 * MS);
	for (unsigned int i = 0; i < 10; i++) {
		now = bl_journal_deadline_ns(journal);
		bl_journal_flush(journal, now);
	}
	assert_true(bl_journal_deadline_ns(journal) == now + SECOND);

	fake_listen(fake);
	bl_journal_flush(journal, bl_journal_deadline_ns(journal));
	assert_int_equal(receive_number(fake), 0);
	assert_int_equal(receive_number(fake), 1);
	assert_int_equal(stats_of(journal).reconnects, 0);
	assert_true(bl_journal_deadline_ns(journal) == UINT64_MAX);
	bl_journal_free(journal);
}

/* journald is back, but busy with others: wait for room, not for a time that has passed. */
static void back_but_busy(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal, *other;

	fake_stop(fake);
	journal = sender(fake, 0, 0);
	assert_int_equal(send_number(journal, 77, BL_JOURNAL_URGENT, SECOND), 0);
	fake_listen(fake);
	other = sender(fake, 0, 0);
	fill(other);
	bl_journal_flush(journal, 2 * SECOND);
	assert_int_equal(stats_of(journal).queued_entries, 1);
	assert_true(bl_journal_wants_write(journal));
	assert_true(bl_journal_deadline_ns(journal) == UINT64_MAX);
	bl_journal_free(other);
	bl_journal_free(journal);
}

static void restarted_journald(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);

	assert_int_equal(send_number(journal, 0, BL_JOURNAL_URGENT, 0), 0);
	assert_int_equal(receive_number(fake), 0);
	fake_stop(fake);
	fake_listen(fake);
	/* The new one is there already: nothing waits. */
	assert_int_equal(send_number(journal, 1, BL_JOURNAL_URGENT, SECOND), 0);
	assert_int_equal(receive_number(fake), 1);
	assert_int_equal(stats_of(journal).reconnects, 1);

	/* Stopped for a while. */
	fake_stop(fake);
	assert_int_equal(send_number(journal, 2, BL_JOURNAL_URGENT, 2 * SECOND), 0);
	assert_int_equal(bl_journal_fd(journal), -1);
	assert_int_equal(send_number(journal, 3, BL_JOURNAL_URGENT, 2 * SECOND), 0);
	fake_listen(fake);
	bl_journal_flush(journal, 4 * SECOND);
	assert_int_equal(receive_number(fake), 2);
	assert_int_equal(receive_number(fake), 3);
	assert_int_equal(stats_of(journal).sent, 4);
	assert_int_equal(stats_of(journal).dropped_refused, 0);
	bl_journal_free(journal);
}

/* journald restarts while entries wait: they go to the new one, in order. */
static void restarted_while_busy(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);
	uint64_t n = fill(journal), left;

	for (unsigned int i = 0; i < 5; i++)
		send_number(journal, n++, BL_JOURNAL_URGENT, 0);
	left = stats_of(journal).queued_entries;
	fake_stop(fake);
	fake_listen(fake);
	for (uint64_t number = n - left; number < n; number++) {
		bl_journal_flush(journal, SECOND);
		assert_int_equal(receive_number(fake), number);
	}
	assert_int_equal(stats_of(journal).queued_entries, 0);
	bl_journal_free(journal);
}

static void drain_is_bounded(void **state)
{
	struct fake *fake = *state;
	struct bl_journal *journal = sender(fake, 0, 0);
	uint64_t n = fill(journal);

	bl_journal_drain(journal, 30);
	assert_true(stats_of(journal).queued_entries > 0);
	for (uint64_t i = 0; i < n - 1; i++)
		assert_int_equal(receive_number(fake), i);
	bl_journal_drain(journal, 1000);
	assert_int_equal(stats_of(journal).queued_entries, 0);
	assert_int_equal(receive_number(fake), n - 1);
	bl_journal_free(journal);
}

static void overlong_path(void **state)
{
	char path[200];
	struct bl_journal_options options = { .socket_path = path };
	struct bl_journal *journal = NULL;

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(bl_journal_new(&options, &journal), -EINVAL);
	assert_null(journal);
	bl_journal_free(NULL);
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FAKE(sends_at_once),
		WITH_FAKE(vouched_for_from_the_first),
		WITH_FAKE(hostile_values_stay_values),
		WITH_FAKE(big_entries),
		WITH_FAKE(busy_journald_keeps_order),
		WITH_FAKE(full_queue_drops_and_counts),
		WITH_FAKE(repeats_are_counted),
		WITH_FAKE(queue_is_bounded_in_bytes),
		WITH_FAKE(absent_journald),
		WITH_FAKE(back_but_busy),
		WITH_FAKE(restarted_journald),
		WITH_FAKE(restarted_while_busy),
		WITH_FAKE(drain_is_bounded),
		cmocka_unit_test(overlong_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
