/* SPDX-License-Identifier: Apache-2.0 */
/* The tool's end of the control socket. */
#pragma once

#include <jansson.h>

/*
 * Sends one request (taken over) and waits for its answer. Returns 0 and the daemon's "result" in
 * *ret (json_decref() it; json null where there is none); -ENOENT where no daemon listens, -EACCES
 * where it does not talk to this user, -ETIMEDOUT, -EREMOTEIO where the daemon refuses or fails:
 * then *ret is its result, if any, too. Always with a sentence in *reterr_text.
 */
int bl_client_call(const char *socket_path, json_t *request, unsigned int timeout_sec, json_t **ret,
		   char **reterr_text);
