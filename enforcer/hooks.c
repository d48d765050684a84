/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks as a table: which program sits on which, and which rules need it. */
#include "hooks.h"

#include <stdio.h>
#include <string.h>

#define OP(name) (1u << BL_OP_##name)

/* Every access that takes a file away or puts one in its place needs renames and links too. */
#define NAMES (BL_ACCESS_ANY)

static const struct bl_hook_entry table[] = {
	{ "bl_bprm_creds_for_exec", "bprm_creds_for_exec", { .ops = OP(EXEC) },
	  .type_member = "linux_binprm.is_check", .optional = true },
	{ "bl_bprm_check_security", "bprm_check_security", { .ops = OP(EXEC) } },
	{ "bl_sb_umount", "sb_umount", { .ops = OP(EXEC) | OP(OPEN) } },
	{ "bl_sb_mount", "sb_mount", { .ops = OP(EXEC) | OP(OPEN) } },
	{ "bl_move_mount", "move_mount", { .ops = OP(EXEC) | OP(OPEN) } },
	{ "bl_inode_create", "inode_create", { .ops = OP(OPEN), .accesses = BL_ACCESS_CREATE } },
	{ "bl_inode_link", "inode_link", { .ops = OP(OPEN), .accesses = NAMES } },
	{ "bl_inode_unlink", "inode_unlink", { .ops = OP(OPEN), .accesses = BL_ACCESS_DELETE } },
	{ "bl_inode_symlink", "inode_symlink", { .ops = OP(OPEN), .accesses = BL_ACCESS_CREATE } },
	{ "bl_inode_mkdir", "inode_mkdir", { .ops = OP(OPEN), .accesses = BL_ACCESS_CREATE } },
	{ "bl_inode_rmdir", "inode_rmdir", { .ops = OP(OPEN), .accesses = BL_ACCESS_DELETE } },
	{ "bl_inode_mknod", "inode_mknod", { .ops = OP(OPEN), .accesses = BL_ACCESS_CREATE } },
	{ "bl_inode_rename", "inode_rename", { .ops = OP(OPEN), .accesses = NAMES } },
	{ "bl_inode_setattr_v1", "inode_setattr",
	  { .ops = OP(OPEN), .accesses = BL_ACCESS_WRITE | BL_ACCESS_ATTRIBUTES },
	  .parameters = 2, .optional = true },
	{ "bl_inode_setattr", "inode_setattr",
	  { .ops = OP(OPEN), .accesses = BL_ACCESS_WRITE | BL_ACCESS_ATTRIBUTES },
	  .parameters = 3, .optional = true },
	{ "bl_inode_setxattr", "inode_setxattr",
	  { .ops = OP(OPEN), .accesses = BL_ACCESS_ATTRIBUTES } },
	{ "bl_inode_removexattr", "inode_removexattr",
	  { .ops = OP(OPEN), .accesses = BL_ACCESS_ATTRIBUTES } },
	{ "bl_inode_set_acl", "inode_set_acl",
	  { .ops = OP(OPEN), .accesses = BL_ACCESS_ATTRIBUTES }, .optional = true },
	{ "bl_inode_remove_acl", "inode_remove_acl",
	  { .ops = OP(OPEN), .accesses = BL_ACCESS_ATTRIBUTES }, .optional = true },
	{ "bl_file_ioctl", "file_ioctl", { .ops = OP(OPEN), .accesses = BL_ACCESS_ATTRIBUTES } },
	{ "bl_mmap_file", "mmap_file", { .ops = OP(EXEC) } },
	{ "bl_file_mprotect", "file_mprotect", { .ops = OP(EXEC) } },
	{ "bl_file_open", "file_open",
	  { .ops = OP(OPEN), .accesses = BL_ACCESS_READ | BL_ACCESS_WRITE } },
	{ "bl_cred_prepare", "cred_prepare",
	  { .ops = OP(EXEC) | OP(OPEN) | OP(CONNECT), .flags = BL_TABLES_GIDS } },
	{ "bl_socket_connect", "socket_connect", { .ops = OP(CONNECT) } },
	{ "bl_socket_sendmsg", "socket_sendmsg", { .ops = OP(CONNECT) } },
};

const struct bl_hook_entry *bl_hook_table(size_t *ret_count)
{
	*ret_count = sizeof(table) / sizeof(table[0]);
	return table;
}

/* Looks for "struct.member" in the kernel's own types. */
static bool has_member(const struct btf *btf, const char *type_member)
{
	char name[64];
	const char *dot = strchr(type_member, '.');
	const struct btf_type *type;
	const struct btf_member *member;
	int id;

	snprintf(name, sizeof(name), "%.*s", (int)(dot - type_member), type_member);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	if (id < 0)
		return false;
	type = btf__type_by_id(btf, id);
	member = btf_members(type);
	for (int i = 0; i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, member[i].name_off), dot + 1) == 0)
			return true;
	return false;
}

bool bl_hook_available(const struct bl_hook_entry *entry, const struct btf *btf)
{
	const struct btf_type *type;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "bpf_lsm_%s", entry->hook);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	if (id < 0)
		return false;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (entry->parameters && btf_vlen(type) != entry->parameters)
		return false;
	return !entry->type_member || has_member(btf, entry->type_member);
}

bool bl_hook_needed(const struct bl_hook_entry *entry, const struct bl_header *header)
{
	const struct bl_hook_need *need = &entry->need;

	if (need->flags && !(need->flags & header->flags))
		return false;
	if (!(need->ops & header->ops))
		return false;
	return !need->accesses || (need->accesses & header->accesses);
}
