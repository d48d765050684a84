/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of the host, by their names. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "base.h"
#include "cleanup.h"
#include "hostfs.h"

static void table_clear(struct bl_account_table *table)
{
	bl_strmap_free(table->ids);
	bl_arena_free(table->names);
	*table = (struct bl_account_table){ 0 };
}

void bl_accounts_clear(struct bl_accounts *accounts)
{
	table_clear(&accounts->users);
	table_clear(&accounts->groups);
}

/* "NAME:PASSWORD:ID:...", of both files; what is none (a comment, NIS's '+') is passed over. */
static int add_line(struct bl_account_table *table, char *line)
{
	const char *name = strsep(&line, ":"), *id;
	char *end;
	unsigned long value;
	uint32_t old;
	int r;

	strsep(&line, ":");
	id = line ? strsep(&line, ":") : NULL;
	if (name[0] == '#' || !id || id[0] < '0' || id[0] > '9')
		return 0;
	errno = 0;
	value = strtoul(id, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return 0;
	name = bl_arena_strndup(table->names, name, strlen(name));
	if (!name)
		return -ENOMEM;
	r = bl_strmap_add(table->ids, name, strlen(name), (uint32_t)value, &old);
	return r == -EEXIST ? 0 : r;
}

static int read_lines(struct bl_account_table *table, FILE *in)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int r = 0;

	while (r == 0) {
		errno = 0;
		if (getline(&line, &room, in) < 0)
			return feof(in) ? 0 : -errno;
		r = add_line(table, line);
	}
	return r;
}

static int read_table(int root_fd, const char *path, struct bl_account_table *table)
{
	int fd, r;
	FILE *in;

	table->names = bl_arena_new();
	table->ids = bl_strmap_new();
	if (!table->names || !table->ids)
		return -ENOMEM;
	fd = bl_hostfs_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	in = fdopen(fd, "r");
	if (!in) {
		r = -errno;
		bl_close(fd);
		return r;
	}
	r = read_lines(table, in);
	fclose(in);
	return r;
}

int bl_accounts_find(struct bl_accounts *accounts, enum bl_account account, const char *name,
		     uint32_t *ret)
{
	bool user = account == BL_ACCOUNT_USER;
	struct bl_account_table *table = user ? &accounts->users : &accounts->groups;

	if (!table->read) {
		table->read = true;
		table->result =
			read_table(accounts->root_fd, user ? "/etc/passwd" : "/etc/group", table);
	}
	if (table->result < 0)
		return table->result;
	return bl_strmap_get(table->ids, name, strlen(name), ret) ? 0 : -ENOENT;
}
