/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: one JSON request and one JSON answer a connection, for root and one group. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cleanup.h"
#include "control.h"
#include "failure.h"

#define GROUPS_MAX 1024

enum client_state {
	CLIENT_READING = 1,
	CLIENT_WAITING, /* the answer is being made */
	CLIENT_WRITING,
};

struct client {
	struct bl_control *control;
	struct client *next;
	enum client_state state;
	uint64_t id;
	struct ucred peer;
	int fd;
	sd_event_source *io, *timer;
	char *bytes; /* of the request, then of the answer */
	size_t len, done;
};

struct bl_control {
	struct bl_control_options options;
	char *path;
	sd_event *event;
	sd_event_source *listener;
	int fd;
	struct client *clients;
	unsigned int n_clients;
	uint64_t last_id;
};

/* ---- answers ------------------------------------------------------------------------------ */

json_t *bl_control_success(json_t *result)
{
	return json_pack("{s:i, s:b, s:o}", "schema", BL_CONTROL_SCHEMA, "ok", 1, "result", result);
}

json_t *bl_control_failure(const char *code, const char *message, json_t *result)
{
	return json_pack("{s:i, s:b, s:{s:s, s:s}, s:o*}", "schema", BL_CONTROL_SCHEMA, "ok", 0,
			 "error", "code", code, "message", message, "result", result);
}

/* ---- clients ------------------------------------------------------------------------------ */

static void client_free(struct client *client)
{
	struct bl_control *control = client->control;

	for (struct client **at = &control->clients; *at; at = &(*at)->next) {
		if (*at == client) {
			*at = client->next;
			control->n_clients--;
			break;
		}
	}
	sd_event_source_disable_unref(client->io);
	sd_event_source_disable_unref(client->timer);
	bl_close(client->fd);
	free(client->bytes);
	free(client);
}

/* Writes what fits; the client is gone afterwards, or waits for room. */
static void client_write(struct client *client)
{
	while (client->done < client->len) {
		ssize_t n = send(client->fd, client->bytes + client->done,
				 client->len - client->done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN &&
		    sd_event_source_set_io_events(client->io, EPOLLOUT) >= 0)
			return;
		if (n < 0)
			break;
		client->done += (size_t)n;
	}
	client_free(client);
}

static int set_timer(struct client *client, unsigned int seconds)
{
	int r = sd_event_source_set_time_relative(client->timer, seconds * 1000000ull);

	return r < 0 ? r : sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT);
}

/* Puts the text of an answer in place of the request and begins to send it. */
static void client_send(struct client *client, char *text)
{
	size_t len = strlen(text);

	free(client->bytes);
	client->bytes = text;
	text[len] = '\n'; /* in place of the NUL: the length counts from here on */
	client->len = len + 1;
	client->done = 0;
	client->state = CLIENT_WRITING;
	if (set_timer(client, BL_CONTROL_TIMEOUT_SEC) < 0)
		client_free(client);
	else
		client_write(client);
}

/* Takes the answer over. */
static void client_answer(struct client *client, json_t *taken)
{
	static const char no_memory[] = "{\"schema\":1,\"ok\":false,\"error\":{\"code\":\"memory\","
					"\"message\":\"the daemon is out of memory\"}}";
	_cleanup_json_ json_t *answer = taken;
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	if (text && strlen(text) > BL_CONTROL_ANSWER_MAX) {
		free(text);
		json_decref(answer);
		answer = bl_control_failure("too-big", "the answer would be too long", NULL);
		text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	}
	if (!text)
		text = strdup(no_memory);
	if (text)
		client_send(client, text);
	else
		client_free(client);
}

static void client_refuse(struct client *client, const char *code, const char *message)
{
	client_answer(client, bl_control_failure(code, message, NULL));
}

/* A whole request is there. */
static void client_request(struct client *client)
{
	struct bl_control *control = client->control;
	_cleanup_json_ json_t *body = NULL;
	struct bl_request request = { .pid = client->peer.pid, .uid = client->peer.uid };
	json_error_t error;

	body = json_loadb(client->bytes, client->len, JSON_REJECT_DUPLICATES, &error);
	request.command = json_string_value(json_object_get(body, "command"));
	if (!request.command) {
		client_refuse(client, "bad-request", "no JSON object with a \"command\"");
		return;
	}
	request.body = body;
	request.id = client->id;
	client->state = CLIENT_WAITING;
	/* Nothing more is read; that the peer hangs up is always told. */
	if (sd_event_source_set_io_events(client->io, 0) < 0 ||
	    set_timer(client, BL_CONTROL_WAIT_SEC) < 0) {
		client_free(client);
		return;
	}
	control->options.request(control->options.userdata, &request);
}

static void client_read(struct client *client)
{
	ssize_t n;

	n = recv(client->fd, client->bytes + client->len, BL_CONTROL_REQUEST_MAX - client->len,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		client_free(client);
		return;
	}
	client->len += (size_t)n;
	if (memchr(client->bytes + client->len - n, '\n', (size_t)n))
		client_request(client);
	else if (client->len == BL_CONTROL_REQUEST_MAX)
		client_refuse(client, "too-big", "the request is too long");
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct client *client = userdata;

	switch (client->state) {
	case CLIENT_READING:
		client_read(client);
		break;
	case CLIENT_WAITING:
		client_free(client); /* hung up */
		break;
	case CLIENT_WRITING:
		client_write(client);
		break;
	}
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	client_free(userdata);
	return 0;
}

void bl_control_answer(struct bl_control *control, uint64_t id, json_t *answer)
{
	for (struct client *client = control->clients; client; client = client->next) {
		if (client->id == id && client->state == CLIENT_WAITING) {
			client_answer(client, answer);
			return;
		}
	}
	json_decref(answer);
}

/* ---- the door ----------------------------------------------------------------------------- */

/* The peer's groups as they were when it connected (SO_PEERGROUPS, Linux 4.13). */
static bool in_group(int fd, const struct ucred *peer, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (group == (gid_t)-1)
		return false;
	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(*groups); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

static struct client *client_new(struct bl_control *control, int fd, const struct ucred *peer)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->control = control;
	client->fd = fd;
	client->peer = *peer;
	client->state = CLIENT_READING;
	client->id = ++control->last_id;
	client->next = control->clients;
	control->clients = client;
	control->n_clients++;
	return client;
}

static int client_start(struct client *client)
{
	sd_event *event = client->control->event;
	int r;

	client->bytes = malloc(BL_CONTROL_REQUEST_MAX);
	if (!client->bytes)
		return -ENOMEM;
	r = sd_event_add_time_relative(event, &client->timer, CLOCK_MONOTONIC,
				       BL_CONTROL_TIMEOUT_SEC * 1000000ull, 0, on_timeout, client);
	if (r < 0)
		return r;
	return sd_event_add_io(event, &client->io, client->fd, EPOLLIN, on_client, client);
}

/* Takes fd over. */
static void admit(struct bl_control *control, int accepted)
{
	_cleanup_close_ int fd = accepted;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	unsigned int room = BL_CONTROL_CLIENTS_MAX;
	struct client *client;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	if (peer.uid != 0) {
		room -= BL_CONTROL_CLIENTS_ROOT;
		if (peer.uid != geteuid() && !in_group(fd, &peer, control->options.group))
			return;
	}
	if (control->n_clients >= room)
		return;
	client = client_new(control, fd, &peer);
	if (!client)
		return;
	TAKE_FD(fd);
	if (client_start(client) < 0)
		client_free(client);
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (accepted >= 0)
		admit(userdata, accepted);
	return 0;
}

static int listen_at(struct bl_control *control, char **reterr_text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const bool has_group = control->options.group != (gid_t)-1;

	if (strlen(control->path) >= sizeof(address.sun_path))
		return bl_error(reterr_text, -ENAMETOOLONG, "%s: too long for a socket",
				control->path);
	strcpy(address.sun_path, control->path);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return bl_error(reterr_text, -errno, "no socket: %m");
	/* The daemon's lock says that no other one listens there. */
	unlink(control->path);
	if (fchmod(control->fd, 0600) < 0 ||
	    bind(control->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return bl_error(reterr_text, -errno, "%s: %m", control->path);
	if (has_group && chown(control->path, (uid_t)-1, control->options.group) < 0)
		return bl_error(reterr_text, -errno, "%s: can't be given to its group: %m",
				control->path);
	if (chmod(control->path, has_group ? 0660 : 0600) < 0 || listen(control->fd, 64) < 0)
		return bl_error(reterr_text, -errno, "%s: %m", control->path);
	return 0;
}

int bl_control_new(sd_event *event, const struct bl_control_options *options,
		   struct bl_control **ret, char **reterr_text)
{
	struct bl_control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->options = *options;
	control->fd = -1;
	control->event = sd_event_ref(event);
	control->path = strdup(options->path);
	r = control->path ? listen_at(control, reterr_text) : -ENOMEM;
	if (r >= 0)
		r = sd_event_add_io(event, &control->listener, control->fd, EPOLLIN, on_connect,
				    control);
	if (r < 0) {
		bl_control_free(control);
		return r;
	}
	*ret = control;
	return 0;
}

void bl_control_free(struct bl_control *control)
{
	if (!control)
		return;
	while (control->clients)
		client_free(control->clients);
	sd_event_source_disable_unref(control->listener);
	if (control->fd >= 0)
		unlink(control->path);
	bl_close(control->fd);
	sd_event_unref(control->event);
	free(control->path);
	free(control);
}
