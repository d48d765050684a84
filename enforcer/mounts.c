/* SPDX-License-Identifier: Apache-2.0 */
/* The host's mount table, as far as it says what is called how. */
#define _GNU_SOURCE
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "cleanup.h"

/* Octal escapes stand for white space and backslashes: proc_pid_mountinfo(5). */
static void unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; out++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw */
static int add_line(struct bl_mounts *mounts, char *line)
{
	char *save = NULL, *words[5] = {};
	struct bl_mount mount = {};
	unsigned int major, minor;
	int r;

	for (size_t i = 0; i < BL_ARRAY_SIZE(words); i++) {
		words[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!words[i])
			return 0;
	}
	if (sscanf(words[2], "%u:%u", &major, &minor) != 2)
		return 0;
	r = bl_grow(&mounts->items, &mounts->capacity, mounts->count + 1, sizeof(*mounts->items));
	if (r < 0)
		return r;
	unescape(words[3]);
	unescape(words[4]);
	mount.dev = major << 20 | minor;
	mount.root = strdup(words[3]);
	mount.point = strdup(words[4]);
	if (!mount.root || !mount.point) {
		free(mount.root);
		free(mount.point);
		return -ENOMEM;
	}
	mounts->items[mounts->count++] = mount;
	return 0;
}

int bl_mounts_parse(char *text, struct bl_mounts *ret)
{
	char *save = NULL;
	int r = 0;

	for (char *line = strtok_r(text, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		r = add_line(ret, line);
	return r;
}

int bl_mounts_read(int fd, struct bl_mounts *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, capacity = 0;

	for (;;) {
		ssize_t got;

		if (bl_grow(&text, &capacity, len + 65536, 1) < 0)
			return -ENOMEM;
		got = pread(fd, text + len, 65535, (off_t)len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		len += (size_t)got;
	}
	text[len] = '\0';
	return bl_mounts_parse(text, ret);
}

bool bl_mounts_have(const struct bl_mounts *mounts, uint32_t dev)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (mounts->items[i].dev == dev)
			return true;
	return false;
}

bool bl_mount_shows(const struct bl_mount *mount, uint32_t dev, const char *name, char *ret,
		    size_t size)
{
	size_t root = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
	const char *point = strcmp(mount->point, "/") == 0 ? "" : mount->point;
	int len;

	if (mount->dev != dev || strncmp(name, mount->root, root) != 0 ||
	    (name[root] && name[root] != '/'))
		return false;
	len = snprintf(ret, size, "%s%s", point, name + root);
	return len > 0 && (size_t)len < size;
}

void bl_mounts_clear(struct bl_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->items[i].root);
		free(mounts->items[i].point);
	}
	free(mounts->items);
	*mounts = (struct bl_mounts){ 0 };
}
