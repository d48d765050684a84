/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's ports: what is read and written there are frames, see agent.c.
 *
 * What the kernel says of the host's presence is late: it comes by messages that a work queue
 * handles, the data by an interrupt. On a busy guest a session may have said hello and have its
 * command running when the hang-up of the session before it is reported, and a moment later this
 * session's own connect: seconds, when what the command starts keeps the work queue away in
 * between. So a hang-up counts only when it lasts long. Nothing waits for that: a new session's
 * hello ends what ran. And a session that was given up wrongly is told so once its connect is
 * reported; it waits for an answer.
 */
#pragma once

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FRAME_HEAD_BYTES 5
#define FRAME_MAX_BYTES (1u << 20)
#define CHUNK_BYTES (32u << 10)
/* No wait for a port is longer than this: a wake-up that the virtual line loses costs no more. */
#define RECHECK_MS 1000
/* Sleeps, not a span of time: on a stalled guest the clock runs on while the work queue doesn't. */
#define HANGUP_CHECKS 100
/* In the midst of a frame the next session's hello would be taken for the rest of it. */
#define HANGUP_CHECKS_IN_FRAME 10
#define HANGUP_CHECK_MS 50

enum end_kind { END_EXITED, END_SIGNALLED, END_TIMED_OUT, END_ERRNO, END_FILE_MODE };

struct session {
	int port;
	uint8_t head[FRAME_HEAD_BYTES];
	uint8_t payload[FRAME_MAX_BYTES + 1]; /* always NUL-terminated: paths and argv are strings */
	size_t have;			      /* bytes of the current frame, head included */
};

static uint32_t get_u32(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = value >> (8 * i);
}

static void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

static bool is_hung_up(int port)
{
	struct pollfd now = { .fd = port };

	return poll(&now, 1, 0) > 0 && (now.revents & POLLHUP);
}

/* The driver signals what changes at a port. Returns false if nothing did in that time. */
static bool wait_for_change(int ms)
{
	struct timespec limit = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	sigset_t sigio;

	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	return sigtimedwait(&sigio, NULL, &limit) == SIGIO;
}

/* Has the host hung up and stayed away? */
static bool host_has_gone(int port, int checks)
{
	for (int quiet = 0; is_hung_up(port);) {
		if (quiet == checks)
			return true;
		quiet += !wait_for_change(HANGUP_CHECK_MS);
	}
	return false;
}

/* Writes all, or returns -EPIPE when the host has gone. */
static int port_write(int port, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		struct pollfd ready = { .fd = port, .events = POLLOUT };
		ssize_t written = write(port, bytes, size);

		if (written > 0) {
			bytes += written;
			size -= written;
			continue;
		}
		if (written < 0 && errno == ENOMEM) /* the driver copies; poll() would not wait */
			sleep_ms(HANGUP_CHECK_MS);
		else if (written < 0 && errno != EAGAIN && errno != EINTR)
			return -EPIPE;
		if (poll(&ready, 1, RECHECK_MS) > 0 && (ready.revents & POLLHUP) &&
		    host_has_gone(port, HANGUP_CHECKS))
			return -EPIPE;
	}
	return 0;
}

static int send_frame(int port, char type, const void *payload, uint32_t size)
{
	uint8_t frame[FRAME_HEAD_BYTES + CHUNK_BYTES];

	frame[0] = type;
	put_u32(frame + 1, size);
	memcpy(frame + FRAME_HEAD_BYTES, payload, size);
	return port_write(port, frame, FRAME_HEAD_BYTES + size);
}

static int send_end(int port, enum end_kind kind, int32_t value)
{
	uint8_t payload[5] = { kind };

	put_u32(payload + 1, (uint32_t)value);
	return send_frame(port, 'Q', payload, sizeof(payload));
}

static uint32_t frame_size(const struct session *s)
{
	return get_u32(s->head + 1);
}

static bool session_is_over(const struct session *s)
{
	return host_has_gone(s->port, s->have ? HANGUP_CHECKS_IN_FRAME : HANGUP_CHECKS);
}

/*
 * Reads on without blocking. Returns 1 when a whole frame is there, 0 when more is to come,
 * -EPIPE when the host has gone or talks nonsense: the session is over then.
 */
static int frame_read(struct session *s)
{
	for (;;) {
		bool in_head = s->have < FRAME_HEAD_BYTES;
		uint8_t *to = in_head ? s->head + s->have : s->payload + s->have - FRAME_HEAD_BYTES;
		size_t want = FRAME_HEAD_BYTES - s->have;
		ssize_t got;

		if (!in_head) {
			if (frame_size(s) > FRAME_MAX_BYTES)
				return -EPIPE;
			want = FRAME_HEAD_BYTES + frame_size(s) - s->have;
			if (want == 0) {
				s->payload[frame_size(s)] = '\0';
				s->have = 0;
				return 1;
			}
		}
		got = read(s->port, to, want);
		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
		if (got == 0)
			return session_is_over(s) ? -EPIPE : 0;
		s->have += got;
	}
}

/* Blocks for the next frame. */
static int frame_wait(struct session *s)
{
	for (;;) {
		struct pollfd ready = { .fd = s->port, .events = POLLIN };
		int r = frame_read(s);

		if (r != 0)
			return r;
		poll(&ready, 1, RECHECK_MS);
	}
}
