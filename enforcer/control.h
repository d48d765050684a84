/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: one JSON request and one JSON answer a connection, for root and one group. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>
#include <systemd/sd-event.h>

/*
 * A connection of SOCK_STREAM: the client sends one JSON object and a newline, and gets one JSON
 * object and a newline, then the connection ends. Requests: {"command": ..., ...}. Answers:
 * {"schema": 1, "ok": true, "result": ...} or
 * {"schema": 1, "ok": false, "error": {"code": ..., "message": ...}, "result": ... (maybe)}.
 */
#define BL_CONTROL_SCHEMA	1
#define BL_CONTROL_SOCKET	"/run/bailiff/control.sock"
#define BL_CONTROL_REQUEST_MAX	(16u << 10) /* bytes */
#define BL_CONTROL_ANSWER_MAX	(4u << 20)  /* bytes */
#define BL_CONTROL_CLIENTS_MAX	32u	    /* at once */
#define BL_CONTROL_CLIENTS_ROOT 8u	    /* of them only for root */
#define BL_CONTROL_TIMEOUT_SEC	10u	    /* for sending a request, and for taking the answer */
#define BL_CONTROL_WAIT_SEC	600u	    /* for the answer to be made */

struct bl_control;

/* One request and who asks; answered by bl_control_answer() now or later. */
struct bl_request {
	uint64_t id; /* never 0; of a client that is gone by then is no harm */
	const char *command;
	const json_t *body; /* good during the call */
	pid_t pid;
	uid_t uid;
};

typedef void (*bl_request_fn)(void *userdata, const struct bl_request *request);

struct bl_control_options {
	const char *path; /* of the socket; a stale one is replaced */
	gid_t group;	  /* may connect besides root; (gid_t)-1: nobody else */
	bl_request_fn request;
	void *userdata;
};

/*
 * Listens, and serves from the event loop; no client can make it wait. Returns 0 and the server in
 * *ret (free with bl_control_free()), or -errno with a sentence in *reterr_text.
 */
int bl_control_new(sd_event *event, const struct bl_control_options *options,
		   struct bl_control **ret, char **reterr_text);

/* Closes all connections and removes the socket; NULL is allowed. */
void bl_control_free(struct bl_control *control);

/* Answers a request; takes the reference to answer. NULL stands for 'out of memory'. */
void bl_control_answer(struct bl_control *control, uint64_t id, json_t *answer);

/* Answers of the two kinds; result is taken over (NULL in a failure: none). NULL without memory. */
json_t *bl_control_success(json_t *result);
json_t *bl_control_failure(const char *code, const char *message, json_t *result);
