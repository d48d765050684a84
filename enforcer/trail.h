/* SPDX-License-Identifier: Apache-2.0 */
/* Trails: what the paths of a policy's rules lead through, and whether they still lead there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Names that were looked up, by directory, and what each was. Not safe for several threads. */
struct bl_trail;

/* Starts one below root_fd, which must stay open; see hostfs.h. Returns 0, or -ENOMEM; free with bl_trail_free(). */
int bl_trail_new(int root_fd, struct bl_trail **ret);
void bl_trail_free(struct bl_trail *trail);

/* A bl_readlink_fn that notes what it answers; userdata is struct bl_trail. */
int bl_trail_readlink(void *userdata, const char *path, char *buf, size_t size);

/*
 * Ends noting and has the kernel watch the directories, as many of them as it can. Not those of network file systems
 * and the kernel's own: to look there may take long, or mount something. Returns 0, or -ENOMEM.
 */
int bl_trail_watch(struct bl_trail *trail);

/* Readable when something has happened in a directory; below 0: the kernel watches none. The trail's own. */
int bl_trail_fd(const struct bl_trail *trail);

/*
 * Takes in what has happened. Returns true if a name of the trail now leads elsewhere: a symbolic link is new, gone,
 * or another one, or there is a directory where nothing was.
 */
bool bl_trail_happened(struct bl_trail *trail);

/* What happens is unknown where mounts change, or too much happens at once: the whole trail is to be looked at. */
void bl_trail_doubt(struct bl_trail *trail);

/* Whether a trail in doubt has not been looked at to its end. */
bool bl_trail_doubted(const struct bl_trail *trail);

/* Looks at up to max names more, one after the other and round about. Returns true as bl_trail_happened(). */
bool bl_trail_look(struct bl_trail *trail, size_t max);

/* Names, and directories that the kernel does not watch. */
size_t bl_trail_count(const struct bl_trail *trail);
size_t bl_trail_unwatched(const struct bl_trail *trail);
