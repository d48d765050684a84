/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up file tree for tests that look at /etc, /proc or /sys below a directory. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
	char path[64];
	int fd;
};

static inline void tree_make(struct tree *tree)
{
	strcpy(tree->path, "/tmp/bailiff-test-XXXXXX");
	if (!mkdtemp(tree->path))
		abort();
	tree->fd = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tree->fd < 0)
		abort();
}

static inline void tree_remove(struct tree *tree)
{
	char command[128];

	close(tree->fd);
	snprintf(command, sizeof(command), "rm -rf %s", tree->path);
	if (system(command) != 0)
		abort();
}

/* The parents of a path of the tree. */
static inline void tree_parents(struct tree *tree, const char *path)
{
	char part[512];

	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%s%.*s", tree->path, (int)(at - path), path);
		mkdir(part, 0755);
	}
}

static inline void tree_write(struct tree *tree, const char *path, const void *bytes, size_t len)
{
	char full[512];
	int fd;

	tree_parents(tree, path);
	snprintf(full, sizeof(full), "%s%s", tree->path, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	close(fd);
}

static inline void tree_text(struct tree *tree, const char *path, const char *text)
{
	tree_write(tree, path, text, strlen(text));
}

static inline void tree_link(struct tree *tree, const char *path, const char *target)
{
	char full[512];

	tree_parents(tree, path);
	snprintf(full, sizeof(full), "%s%s", tree->path, path);
	if (symlink(target, full) < 0)
		abort();
}

static inline void tree_mode(struct tree *tree, const char *path, mode_t mode)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", tree->path, path);
	if (chmod(full, mode) < 0)
		abort();
}
