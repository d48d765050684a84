/* SPDX-License-Identifier: Apache-2.0 */
/* Values of an entry as the schemas of others want them. */
#pragma once

#include "shown.h"

/* The object's path, or that of the unix socket; len 0: there is none. Not NUL-terminated. */
struct bl_show_path {
	const char *bytes, *name;
	size_t len, name_len, directory_len;
};

struct bl_show_path bl_show_object_path(const struct bl_shown *entry);

/* Names a process for ever: boot, pid and start. "" where the entry does not say. */
struct bl_show_id {
	char text[80];
};

struct bl_show_id bl_show_process_id(const struct bl_shown *entry);

/* The transport protocol of a connection to an IP address; name NULL, number -1: there is none, or it is not known. */
struct bl_show_protocol {
	const char *name; /* lower case, as IANA's */
	int number;
};

struct bl_show_protocol bl_show_protocol(const struct bl_shown *entry);

/* The words of BAILIFF_ATTACK one by one. Initialise .entry. */
enum bl_show_attack { BL_SHOW_TACTIC = 1, BL_SHOW_TECHNIQUE, BL_SHOW_SUB_TECHNIQUE };

struct bl_show_attacks {
	const struct bl_shown *entry;
	size_t at; /* where to go on */
	enum bl_show_attack kind;
	const char *bytes;
	size_t len;
	size_t technique_len; /* of a sub-technique: its technique's part */
};

bool bl_show_attack_next(struct bl_show_attacks *attacks);
