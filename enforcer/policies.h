/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: which ones are in force together, and their bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "diag.h"
#include "policy.h"

/* A file that is not read: one of the same name in a folder before its own stands for it. */
struct bl_masked {
	char *path;
	char *by;
};

/* Files read, in the order in which they are parsed: by file name. Owns everything below it. */
struct bl_policies {
	struct bl_source *sources;
	size_t count;
	struct bl_masked *masked; /* of the installed policy, by their paths */
	size_t n_masked;
	char **disabled; /* symbolic links to /dev/null */
	size_t n_disabled;
	struct bl_source **entries; /* files of list entries that these name */
	size_t n_entries, entries_capacity;
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

/*
 * Reads a file of list entries below root_fd into policies->entries. owned: it must be root's, as of
 * the installed policy. Returns 0 and what it holds (the policies' own), or -errno with a sentence in
 * *reterr_why (static storage; may stay NULL).
 */
int bl_policies_read_entries(struct bl_policies *policies, int root_fd, bool owned,
			     const char *path, const struct bl_source **ret,
			     const char **reterr_why);

/* One of the files of list entries that were read. Returns 0, or -ENOENT. */
int bl_policies_find_entries(const struct bl_policies *policies, const char *path,
			     const struct bl_source **ret);

/* Prints diagnostics as bl_diags_print() does, with the lines of all files. Returns 0 or -ENOMEM. */
int bl_policies_print_diags(const struct bl_policies *policies, const struct bl_diags *diags,
			    FILE *out);
