/* SPDX-License-Identifier: Apache-2.0 */
/* The host's mount table, as far as it says what is called how. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bl_mount {
	uint32_t dev; /* of the superblock, as the kernel has it */
	char *root;   /* what of it is mounted; "/": all */
	char *point;  /* where */
};

/* Zero-initialise; bl_mounts_clear() frees. */
struct bl_mounts {
	struct bl_mount *items;
	size_t count, capacity;
};

/* Reads mountinfo from its beginning. Returns 0 or -errno. */
int bl_mounts_read(int fd, struct bl_mounts *ret);

/* Takes mountinfo's text, and changes it. Returns 0 or -ENOMEM. */
int bl_mounts_parse(char *text, struct bl_mounts *ret);

/* Whether one of them shows a superblock, or a part of it. */
bool bl_mounts_have(const struct bl_mounts *mounts, uint32_t dev);

/* Writes the path that a mount gives to a name below its superblock's root ("/a/b"); false: none, or too long a one. */
bool bl_mount_shows(const struct bl_mount *mount, uint32_t dev, const char *name, char *ret,
		    size_t size);

void bl_mounts_clear(struct bl_mounts *mounts);
