/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: which ones are in force together, and their bytes. */
#pragma once

#include <stddef.h>

#include "diag.h"
#include "policy.h"

/* Files read, in the order in which they are parsed: by file name. Owns everything below it. */
struct bl_policies {
	struct bl_source *sources;
	size_t count;
};

/* Frees the contents; a zeroed one is allowed. */
void bl_policies_clear(struct bl_policies *policies);

/*
 * Reads the installed policy below root_fd: *.json in the directories policy.d of /run/bailiff,
 * /etc/bailiff and /usr/share/bailiff. The same file name in an earlier one masks the later ones,
 * a symbolic link to /dev/null disables it (systemd's convention; systemd.unit(5)). A file that
 * others than root can write is an error: its rules would be theirs. Adds to diags what can't be
 * read. Returns 0, -EINVAL when there was an error, or -ENOMEM; *ret is untouched on failure.
 */
int bl_policies_installed(int root_fd, struct bl_diags *diags, struct bl_policies *ret);

/*
 * Reads the named files, and of named directories all files *.json. No rule about owners.
 * Returns as above.
 */
int bl_policies_named(char *const *paths, size_t n_paths, struct bl_diags *diags,
		      struct bl_policies *ret);
