// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's side of the test rig: runs commands and moves files for the host.
 *
 * The host gives the guest several virtio-serial ports named bailiff.N; each is served by one
 * process and carries one session at a time, so concurrency needs no multiplexing. It is a
 * static binary, and files are moved without a helper program: whatever a test does to the
 * guest's libraries, shell or tar, the host keeps its way in.
 *
 * A frame is {type: u8, length: u32 little endian, payload}. Host to guest:
 *   H  hello, 16 random bytes: ends whatever runs; echoed, so that the host finds the place
 *      where the answers to an earlier, broken session end
 *   X  execute: u32 timeout in ms (0 = none), then NUL-terminated argv
 *   I  input of the running command or of a P; an empty one is the end of it
 *   P  put a file: u32 mode, path
 *   G  get a file: path
 *   T  set the clock: u64 ns since 1970
 * Guest to host: H; O and E with stdout and stderr; Q {kind: u8, value: i32}, the end of X, P, G, T,
 * and of a session that the agent gives up (END_ERRNO, EPIPE). END_TIMED_OUT's value is the pid of
 * a command that outlives SIGKILL, or 0.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"

#define ARGS_MAX 4096
#define IDLE_RECHECK_MS 2000
/* A killed process in the midst of a system call that can't be interrupted stays. */
#define REAP_CHECKS 40
#define REAP_CHECK_MS 50
/* More than a pipe holds, F_SETPIPE_SZ's limit for users included. */
#define DRAIN_CHUNKS 64

struct command {
	pid_t pid;
	int in, out, err, signals;
	const uint8_t *pending; /* input not yet taken by the command, inside session.payload */
	size_t pending_bytes;
	bool close_after_pending;
};

/* What a command finds is a root login's world, not this service's. */
static void child_exec(char **argv, int in, int out, int err)
{
	static char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root",
		"USER=root",
		"LOGNAME=root",
		"SHELL=/bin/bash",
		"LANG=C.UTF-8",
		"TERM=dumb",
		NULL,
	};
	sigset_t none;
	int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (oom >= 0 && write(oom, "0", 1) != 1)
		_exit(126);
	setsid();
	prctl(PR_SET_PDEATHSIG, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (chdir("/root") < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	execvpe(argv[0], argv, environment);
	dprintf(2, "guest-agent: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void command_close(struct command *c)
{
	sigset_t sigterm;

	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
	close_fd(&c->signals);
	sigemptyset(&sigterm);
	sigaddset(&sigterm, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &sigterm, NULL);
}

static int command_start(struct command *c, char **argv)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	sigset_t watched;
	int r = 0;

	/* SIGTERM ends an idle agent at once, but the host of a running command wants to be told. */
	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGTERM);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	*c = (struct command){ .in = -1, .out = -1, .err = -1 };
	c->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signals < 0 || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(err, O_CLOEXEC) < 0) {
		r = -errno;
	} else {
		c->pid = fork();
		if (c->pid == 0)
			child_exec(argv, in[0], out[1], err[1]);
		r = c->pid < 0 ? -errno : 0;
	}
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	c->in = in[1];
	c->out = out[0];
	c->err = err[0];
	if (r < 0) {
		command_close(c);
		return r;
	}
	/* Only our ends: the flag belongs to the open file, and a pipe's ends are two of them. */
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	fcntl(c->err, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Returns 0, or the pid of a command that doesn't die: the host is to be answered all the same. */
static pid_t command_kill(struct command *c)
{
	/* The child may not have reached setsid() yet, then the group doesn't exist. */
	kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);
	for (int i = 0; i < REAP_CHECKS; i++) {
		if (waitpid(c->pid, NULL, WNOHANG) != 0)
			return 0;
		sleep_ms(REAP_CHECK_MS);
	}
	return c->pid;
}

/* Passes on what the command has written. Returns 1 while there may be more. */
static int relay_output(int port, int *fd, char type)
{
	uint8_t chunk[CHUNK_BYTES];
	ssize_t got;
	int r;

	if (*fd < 0)
		return 0;
	got = read(*fd, chunk, sizeof(chunk));
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		close_fd(fd);
		return 0;
	}
	r = send_frame(port, type, chunk, got);
	return r < 0 ? r : 1;
}

/* Until the pipe is empty for now: whoever else still holds its other end is not waited for, and
 * if it goes on writing not listened to for ever. */
static int drain_output(int port, int *fd, char type)
{
	int r = 1;

	for (int i = 0; r > 0 && i < DRAIN_CHUNKS; i++)
		r = relay_output(port, fd, type);
	return r < 0 ? r : 0;
}

static void feed_input(struct command *c)
{
	ssize_t written;

	if (c->in >= 0 && c->pending_bytes > 0) {
		written = write(c->in, c->pending, c->pending_bytes);
		if (written > 0) {
			c->pending += written;
			c->pending_bytes -= written;
		} else if (written < 0 && errno != EAGAIN && errno != EINTR) {
			close_fd(&c->in);
		}
	}
	if (c->in < 0)
		c->pending_bytes = 0;
	if (c->pending_bytes == 0 && c->close_after_pending)
		close_fd(&c->in);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Until the deadline, if there is one, but not longer than between two rechecks. */
static int remaining_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms ? deadline_ms - now_ms() : RECHECK_MS;

	return left < 0 ? 0 : left > RECHECK_MS ? RECHECK_MS : (int)left;
}

/* Ends the command; the output it left in its pipes goes first. */
static int report_end(struct session *s, struct command *c, enum end_kind kind, int32_t value)
{
	int r = drain_output(s->port, &c->out, 'O');

	if (r == 0)
		r = drain_output(s->port, &c->err, 'E');
	return r < 0 ? r : send_end(s->port, kind, value);
}

/* By what waitpid says of it. */
static int report_exit(struct session *s, struct command *c, int status)
{
	if (WIFSIGNALED(status))
		return report_end(s, c, END_SIGNALLED, WTERMSIG(status));
	return report_end(s, c, END_EXITED, WEXITSTATUS(status));
}

/*
 * One turn of a running command. Returns 1 to go on, 0 when it has ended and the host was told,
 * 2 when the host said hello in between (the frame is in s), or -EPIPE.
 */
static int command_turn(struct session *s, struct command *c, int64_t deadline_ms)
{
	bool feeding = c->pending_bytes > 0;
	/* The payload buffer is busy until the command has taken the input in it. A host that has
	 * gone is noticed all the same: POLLHUP needs no asking for. */
	struct pollfd fds[] = {
		{ .fd = s->port, .events = feeding ? 0 : POLLIN },
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->err, .events = POLLIN },
		{ .fd = feeding ? c->in : -1, .events = POLLOUT },
	};
	struct signalfd_siginfo info = { 0 };
	int status, r;

	r = poll(fds, sizeof(fds) / sizeof(fds[0]), remaining_ms(deadline_ms));
	if (r < 0)
		return errno == EINTR ? 1 : -EPIPE;
	while (read(c->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM) {
			send_end(s->port, END_ERRNO, ESHUTDOWN);
			_exit(0);
		}
	}
	if ((info.ssi_signo == SIGCHLD || r == 0) && waitpid(c->pid, &status, WNOHANG) == c->pid)
		return report_exit(s, c, status);
	/* Whether or not there was something to do: a command that never rests has its time, too. */
	if (remaining_ms(deadline_ms) == 0)
		return report_end(s, c, END_TIMED_OUT, command_kill(c));
	if (relay_output(s->port, &c->out, 'O') < 0 || relay_output(s->port, &c->err, 'E') < 0) {
		command_kill(c);
		return -EPIPE;
	}
	feed_input(c);
	if ((fds[0].revents & POLLHUP) && session_is_over(s)) {
		command_kill(c);
		return -EPIPE;
	}
	if (!(fds[0].revents & POLLIN))
		return 1;
	r = frame_read(s);
	if (r == 0)
		return 1;
	if (r < 0 || s->head[0] != 'I') {
		command_kill(c);
		return r < 0 ? r : 2;
	}
	c->pending = s->payload;
	c->pending_bytes = frame_size(s);
	c->close_after_pending = frame_size(s) == 0;
	feed_input(c);
	return 1;
}

static int serve_exec(struct session *s)
{
	static char arguments[FRAME_MAX_BYTES + 1];
	char *argv[ARGS_MAX + 1];
	uint32_t size = frame_size(s), timeout_ms;
	struct command c;
	int64_t deadline_ms;
	int argc = 0, r;

	if (size < 6)
		return send_end(s->port, END_ERRNO, EINVAL);
	/* What command_kill() had to leave behind may have died since. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	timeout_ms = get_u32(s->payload);
	/* The payload buffer is needed for the command's input. */
	memcpy(arguments, s->payload + 4, size - 4 + 1);
	for (char *arg = arguments; arg < arguments + size - 4; arg += strlen(arg) + 1) {
		if (argc == ARGS_MAX)
			return send_end(s->port, END_ERRNO, E2BIG);
		argv[argc++] = arg;
	}
	argv[argc] = NULL;
	r = command_start(&c, argv);
	if (r < 0)
		return send_end(s->port, END_ERRNO, -r);
	deadline_ms = timeout_ms ? now_ms() + timeout_ms : 0;
	do {
		r = command_turn(s, &c, deadline_ms);
	} while (r == 1);
	command_close(&c);
	return r;
}

static void make_parents(const char *path)
{
	char parent[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		if ((size_t)(slash - path) >= sizeof(parent))
			return;
		memcpy(parent, path, slash - path);
		parent[slash - path] = '\0';
		mkdir(parent, 0755);
	}
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0)
			return -errno;
		bytes += written;
		size -= written;
	}
	return 0;
}

/*
 * The file appears whole and by rename, so that a running program or a daemon that watches the
 * directory never meets half of it. After an error the rest of the input is read and dropped.
 */
static int serve_put(struct session *s)
{
	char path[PATH_MAX], temporary[PATH_MAX + 16];
	uint32_t mode = get_u32(s->payload);
	int fd, r, failure = 0;

	if (frame_size(s) < 5 || frame_size(s) - 4 >= sizeof(path))
		return send_end(s->port, END_ERRNO, EINVAL);
	strcpy(path, (char *)s->payload + 4);
	make_parents(path);
	snprintf(temporary, sizeof(temporary), "%s.put~", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		failure = errno;
	for (;;) {
		r = frame_wait(s);
		if (r < 0 || s->head[0] != 'I')
			break;
		if (frame_size(s) == 0)
			break;
		if (failure == 0)
			failure = -write_all(fd, s->payload, frame_size(s));
	}
	if (failure == 0 && r == 1 && s->head[0] == 'I' &&
	    (fchmod(fd, mode & 07777) < 0 || rename(temporary, path) < 0))
		failure = errno;
	close_fd(&fd);
	if (r < 0)
		return r;
	if (s->head[0] != 'I')
		return 2;
	return failure ? send_end(s->port, END_ERRNO, failure) : send_end(s->port, END_EXITED, 0);
}

static int serve_get(struct session *s)
{
	uint8_t chunk[CHUNK_BYTES];
	int fd = open((char *)s->payload, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got = 0;
	int failure = 0, r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		failure = errno;
	else if (S_ISDIR(st.st_mode))
		failure = EISDIR;
	while (failure == 0 && r == 0) {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0)
			failure = errno;
		if (got <= 0)
			break;
		r = send_frame(s->port, 'O', chunk, got);
	}
	close_fd(&fd);
	if (r < 0)
		return r;
	return failure ? send_end(s->port, END_ERRNO, failure)
		       : send_end(s->port, END_FILE_MODE, st.st_mode & 07777);
}

/* A guest that was restored from a snapshot woke up in the past. */
static int serve_clock(struct session *s)
{
	uint64_t ns = get_u32(s->payload) | (uint64_t)get_u32(s->payload + 4) << 32;
	struct timespec now = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	if (frame_size(s) != 8)
		return send_end(s->port, END_ERRNO, EINVAL);
	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		return send_end(s->port, END_ERRNO, errno);
	return send_end(s->port, END_EXITED, 0);
}

static int serve_request(struct session *s)
{
	switch (s->head[0]) {
	case 'H':
		return frame_size(s) > CHUNK_BYTES
			       ? -EPIPE
			       : send_frame(s->port, 'H', s->payload, frame_size(s));
	case 'X':
		return serve_exec(s);
	case 'P':
		return serve_put(s);
	case 'G':
		return serve_get(s);
	case 'T':
		return serve_clock(s);
	case 'I': /* input that crossed the end of its command */
		return 0;
	default:
		return -EPIPE;
	}
}

/*
 * A port without a host is readable all the time (POLLIN with POLLHUP; a read gives the end of
 * file): sleep until the driver signals a change. A host that says nothing while it is owed the
 * news is told that its session was given up; to a new one's, which says hello, that is no answer.
 */
static void wait_for_host(int port, bool owed)
{
	struct pollfd ready = { .fd = port, .events = POLLIN };

	while (poll(&ready, 1, RECHECK_MS) <= 0 || ready.revents != POLLIN) {
		if (ready.revents) {
			wait_for_change(IDLE_RECHECK_MS);
		} else if (owed) {
			send_end(port, END_ERRNO, EPIPE);
			owed = false;
		}
	}
}

/* Returns whether the host had hung up, as far as one can tell. */
static bool serve_session(struct session *s)
{
	bool gone;
	int r;

	s->have = 0;
	do {
		r = frame_wait(s);
		/* 2: the handler was cut short by a frame that is still to be served */
		while (r == 1 || r == 2)
			r = serve_request(s);
	} while (r == 0);
	/* A host that is still there waits for an answer. */
	gone = is_hung_up(s->port);
	if (!gone)
		send_end(s->port, END_ERRNO, EPIPE);
	return gone;
}

static void serve_port(const char *device)
{
	static struct session s;
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGIO);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	s.port = open(device, O_RDWR | O_CLOEXEC);
	if (s.port < 0)
		return;
	fcntl(s.port, F_SETOWN, getpid());
	fcntl(s.port, F_SETFL, O_NONBLOCK | O_ASYNC);
	for (bool gone = false;;) {
		wait_for_host(s.port, gone);
		gone = serve_session(&s);
	}
}

static pid_t spawn_server(const char *device)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		serve_port(device);
		sleep(1); /* a device that can't be opened is tried again, but not in a spin */
		_exit(1);
	}
	return pid;
}

/* Is this port one of ours? QEMU's name for it is in sysfs; udev isn't needed. */
static bool port_is_ours(const char *port)
{
	char path[PATH_MAX], name[64] = "";
	FILE *file;
	bool ours;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", port);
	file = fopen(path, "re");
	if (!file)
		return false;
	ours = fgets(name, sizeof(name), file) && strncmp(name, "bailiff.", 8) == 0;
	fclose(file);
	return ours;
}

#define PORTS_MAX 32

struct server {
	char device[PATH_MAX];
	pid_t pid;
};

static int find_ports(struct server servers[PORTS_MAX])
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int count = 0;

	while (ports && count < PORTS_MAX && (entry = readdir(ports))) {
		if (!port_is_ours(entry->d_name))
			continue;
		snprintf(servers[count++].device, sizeof(servers[0].device), "/dev/%s",
			 entry->d_name);
	}
	if (ports)
		closedir(ports);
	return count;
}

int main(void)
{
	static struct server servers[PORTS_MAX];
	int count = find_ports(servers);

	if (count == 0) {
		fprintf(stderr, "guest-agent: no virtio-serial port is named bailiff.N\n");
		return 1;
	}
	for (int i = 0; i < count; i++)
		servers[i].pid = spawn_server(servers[i].device);
	for (;;) {
		pid_t dead = wait(NULL);

		for (int i = 0; i < count; i++) {
			if (dead > 0 && servers[i].pid == dead)
				servers[i].pid = spawn_server(servers[i].device);
		}
		if (dead < 0 && errno != EINTR)
			return 1;
	}
}
