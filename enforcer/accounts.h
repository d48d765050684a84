/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of the host, by their names. */
#pragma once

#include "policy.h"

/* Names as /etc/passwd and /etc/group have them. Zero-initialise but for the fd. */
struct bl_accounts {
	int root_fd;		    /* of the host's tree; borrowed */
	struct bl_account_table {
		bool read;	    /* since it was asked for the first time */
		int result;	    /* of the reading: 0 or -errno */
		struct bl_arena *names;
		struct bl_strmap *ids;
	} users, groups;
};

/*
 * Finds a user's or group's number; each file is read once, at the first question. The first line of
 * a name counts, as for getpwnam(3). Name services are not asked: an answer that depends on a network, or on
 * a daemon that rules are about, is none to load a policy by. Returns 0, -ENOENT, or the -errno of reading
 * the file.
 */
int bl_accounts_find(struct bl_accounts *accounts, enum bl_account account, const char *name,
		     uint32_t *ret);

void bl_accounts_clear(struct bl_accounts *accounts);
