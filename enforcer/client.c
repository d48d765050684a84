/* SPDX-License-Identifier: Apache-2.0 */
/* The tool's end of the control socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cleanup.h"
#include "client.h"
#include "control.h"
#include "failure.h"
#include "log.h"

static int connect_to(const char *path, char **reterr_text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return bl_error(reterr_text, -EINVAL, "%s: too long for a socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return bl_error(reterr_text, -errno, "no socket: %m");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return TAKE_FD(fd);
	if (errno == EACCES || errno == EPERM)
		return bl_error(reterr_text, -EACCES,
				"%s: only root and the group of bailiff.conf may talk to bailiffd",
				path);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return bl_error(reterr_text, -ENOENT,
				"bailiffd is not running (nothing listens at %s)", path);
	return bl_error(reterr_text, -errno, "%s: %m", path);
}

static int send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int wait_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t now_ns = bl_now_ns();
	int r;

	if (now_ns >= deadline_ns)
		return -ETIMEDOUT;
	r = poll(&wait, 1, (int)((deadline_ns - now_ns) / 1000000 + 1));
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r ? 0 : -ETIMEDOUT;
}

/* All until the daemon hangs up. */
static int receive_all(int fd, unsigned int timeout_sec, char **ret, size_t *ret_len)
{
	uint64_t deadline_ns = bl_now_ns() + timeout_sec * 1000000000ull;
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0, room = 0;
	ssize_t n;
	int r;

	for (;;) {
		if (len > BL_CONTROL_ANSWER_MAX)
			return -EFBIG;
		r = bl_grow(&bytes, &room, len + 4096, 1);
		if (r == 0)
			r = wait_readable(fd, deadline_ns);
		if (r < 0)
			return r;
		n = recv(fd, bytes + len, room - len, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret = TAKE_PTR(bytes);
	*ret_len = len;
	return 0;
}

/* What an answer says; see control.h. */
static int take_answer(const char *bytes, size_t len, json_t **ret, char **reterr_text)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *message = NULL;
	json_error_t error;

	if (len == 0)
		return bl_error(reterr_text, -EACCES,
				"bailiffd hung up: it is busy, or does not talk to this user");
	answer = json_loadb(bytes, len, 0, &error);
	if (!json_is_object(answer))
		return bl_error(reterr_text, -EBADMSG, "bailiffd's answer is no JSON object");
	*ret = json_incref(json_object_get(answer, "result"));
	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	json_unpack(answer, "{s:{s:s}}", "error", "message", &message);
	return bl_error(reterr_text, -EREMOTEIO, "%s", message ? message : "the daemon refuses");
}

int bl_client_call(const char *socket_path, json_t *request, unsigned int timeout_sec, json_t **ret,
		   char **reterr_text)
{
	_cleanup_json_ json_t *taken = request;
	_cleanup_free_ char *text = NULL, *line = NULL, *answer = NULL;
	_cleanup_close_ int fd = -1;
	size_t len = 0;
	int r;

	text = taken ? json_dumps(taken, JSON_COMPACT) : NULL;
	line = text ? bl_format("%s\n", text) : NULL;
	if (!line)
		return -ENOMEM;
	fd = connect_to(socket_path, reterr_text);
	if (fd < 0)
		return fd;
	/* A daemon that refuses us has hung up already: its answer, or none, says more. */
	r = send_all(fd, line, strlen(line));
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return bl_error(reterr_text, r, "bailiffd can't be asked: %s", strerror(-r));
	r = receive_all(fd, timeout_sec, &answer, &len);
	if (r == -ECONNRESET)
		len = 0;
	else if (r < 0)
		return bl_error(reterr_text, r, "no answer from bailiffd: %s", strerror(-r));
	return take_answer(answer, len, ret, reterr_text);
}
