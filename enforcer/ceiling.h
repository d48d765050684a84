/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling over all modes, as it is changed at run time: for good, or for a while. */
#pragma once

#include <stdint.h>

#include "policy.h"

struct bl_daemon;
struct bl_request;

#define BL_CEILING_SEC_MAX (7 * 24 * 3600u)

/* Answers a request {"command": "mode", "mode": word or left out, "for": seconds or left out}. */
void bl_ceiling_request(struct bl_daemon *daemon, const struct bl_request *request);
