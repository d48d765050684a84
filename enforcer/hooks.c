/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks as a table: which program sits on which, and which rules need it. */
#include "hooks.h"

#include <stdio.h>
#include <string.h>

#define OP(name) (1u << BL_OP_##name)

static const struct bl_hook_entry table[] = {
	{
		.program = "bl_ptrace_access_check",
		.hook = "ptrace_access_check",
		.ops = BL_OPS_TRACE,
	},
	{
		.program = "bl_ptrace_traceme",
		.hook = "ptrace_traceme",
		.ops = BL_OPS_TRACE,
	},
	{
		.program = "bl_bprm_creds_for_exec",
		.hook = "bprm_creds_for_exec",
		.ops = OP(EXEC),
		.type_member = "linux_binprm.is_check",
		.optional = true,
	},
	{
		.program = "bl_bprm_begin",
		.hook = "bprm_creds_for_exec",
		.ops = BL_OPS_ARGS,
	},
	{
		.program = "bl_bprm_check_security",
		.hook = "bprm_check_security",
		.ops = OP(EXEC),
	},
	{
		.program = "bl_bprm_hand_over",
		.hook = "bprm_check_security",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_READ,
	},
	{
		.program = "bl_bprm_traced",
		.hook = "bprm_check_security",
		.ops = BL_OPS_TRACE,
	},
	{
		.program = "bl_bprm_descent",
		.hook = "bprm_check_security",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_DESCENT,
	},
	{
		.program = "bl_bprm_started",
		.hook = "bprm_committed_creds",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_DESCENT,
	},
	{
		.program = "bl_bprm_committed_creds",
		.hook = "bprm_committed_creds",
		.ops = BL_OPS_ARGS,
	},
	{
		.program = "bl_sb_set_mnt_opts",
		.hook = "sb_set_mnt_opts",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_READ | BL_ACCESS_WRITE,
	},
	{
		.program = "bl_sb_remount",
		.hook = "sb_remount",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_WRITE,
	},
	{
		.program = "bl_quota_on",
		.hook = "quota_on",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_READ | BL_ACCESS_WRITE | BL_ACCESS_ATTRIBUTES,
	},
	{
		.program = "bl_sb_umount",
		.hook = "sb_umount",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_sb_mount",
		.hook = "sb_mount",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_move_mount",
		.hook = "move_mount",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_sb_pivotroot",
		.hook = "sb_pivotroot",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_inode_create",
		.hook = "inode_create",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_CREATE,
	},
	{
		.program = "bl_core_create",
		.hook = "inode_create",
		.ops = BL_OPS_TRACE,
	},
	{
		.program = "bl_inode_link",
		.hook = "inode_link",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_inode_unlink",
		.hook = "inode_unlink",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_inode_symlink",
		.hook = "inode_symlink",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_CREATE,
	},
	{
		.program = "bl_inode_mkdir",
		.hook = "inode_mkdir",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_CREATE,
	},
	{
		.program = "bl_inode_rmdir",
		.hook = "inode_rmdir",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_DELETE,
	},
	{
		.program = "bl_inode_mknod",
		.hook = "inode_mknod",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_CREATE,
	},
	{
		.program = "bl_inode_rename",
		.hook = "inode_rename",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_inode_setattr_v1",
		.hook = "inode_setattr",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_WRITE | BL_ACCESS_ATTRIBUTES,
		.parameters = 2,
		.optional = true,
	},
	{
		.program = "bl_inode_setattr",
		.hook = "inode_setattr",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_WRITE | BL_ACCESS_ATTRIBUTES,
		.parameters = 3,
		.optional = true,
	},
	{
		.program = "bl_inode_setxattr",
		.hook = "inode_setxattr",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_ATTRIBUTES,
	},
	{
		.program = "bl_inode_removexattr",
		.hook = "inode_removexattr",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_ATTRIBUTES,
	},
	{
		/* Of no rule: attached while names of linked objects are looked for. */
		.program = "bl_inode_getxattr",
		.hook = "inode_getxattr",
	},
	{
		.program = "bl_inode_set_acl",
		.hook = "inode_set_acl",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_ATTRIBUTES,
		.optional = true,
	},
	{
		.program = "bl_inode_remove_acl",
		.hook = "inode_remove_acl",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_ATTRIBUTES,
		.optional = true,
	},
	{
		.program = "bl_inode_file_setattr",
		.hook = "inode_file_setattr",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_ATTRIBUTES,
		.optional = true,
	},
	{
		.program = "bl_file_ioctl",
		.hook = "file_ioctl",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
	},
	{
		.program = "bl_file_ioctl_compat",
		.hook = "file_ioctl_compat",
		.ops = OP(EXEC) | OP(OPEN) | BL_OPS_UNIX,
		.optional = true,
	},
	{
		.program = "bl_btrfs_named",
		.hook = "file_ioctl",
		.ops = OP(OPEN),
	},
	{
		.program = "bl_btrfs_named_compat",
		.hook = "file_ioctl_compat",
		.ops = OP(OPEN),
		.optional = true,
	},
	{
		.program = "bl_btrfs_source",
		.hook = "file_ioctl",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_READ,
	},
	{
		.program = "bl_mmap_file",
		.hook = "mmap_file",
		.ops = OP(EXEC),
	},
	{
		.program = "bl_mmap_backing_file",
		.hook = "mmap_backing_file",
		.ops = OP(EXEC),
		.optional = true,
	},
	{
		.program = "bl_file_mprotect",
		.hook = "file_mprotect",
		.ops = OP(EXEC),
	},
	{
		.program = "bl_file_receive",
		.hook = "file_receive",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_READ | BL_ACCESS_WRITE,
	},
	{
		.program = "bl_socket_receive",
		.hook = "file_receive",
		.ops = BL_OPS_IP | BL_OPS_FAMILY,
	},
	{
		.program = "bl_unix_receive",
		.hook = "file_receive",
		.ops = BL_OPS_UNIX,
	},
	{
		.program = "bl_file_open",
		.hook = "file_open",
		.ops = OP(OPEN),
		.accesses = BL_ACCESS_READ | BL_ACCESS_WRITE,
	},
	{
		/* What overlays open is executed as well: by what rules say of the real file. */
		.program = "bl_file_open_real",
		.hook = "file_open",
		.ops = OP(EXEC),
		.instead = "bl_file_open",
		.optional = true,
	},
	{
		.program = "bl_login_open",
		.hook = "file_open",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_LOGINS,
	},
	{
		.program = "bl_kernel_read_file",
		.hook = "kernel_read_file",
		.ops = OP(EXEC),
	},
	{
		.program = "bl_task_alloc",
		.hook = "task_alloc",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_DESCENT,
	},
	{
		.program = "bl_task_prctl",
		.hook = "task_prctl",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_EXES,
	},
	{
		.program = "bl_cred_prepare",
		.hook = "cred_prepare",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_SUBJECTS,
	},
	{
		.program = "bl_cred_alloc_blank",
		.hook = "cred_alloc_blank",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_SUBJECTS,
	},
	{
		.program = "bl_socket_create",
		.hook = "socket_create",
		.ops = BL_OPS_FAMILY,
	},
	{
		.program = "bl_socket_connect",
		.hook = "socket_connect",
		.ops = BL_OPS_IP | BL_OPS_FAMILY,
	},
	{
		.program = "bl_socket_sendmsg",
		.hook = "socket_sendmsg",
		.ops = BL_OPS_IP | BL_OPS_FAMILY,
	},
	{
		.program = "bl_inet_conn_established",
		.hook = "inet_conn_established",
		.ops = BL_OPS_IP,
	},
	{
		.program = "bl_unix_stream_connect",
		.hook = "unix_stream_connect",
		.ops = BL_OPS_UNIX,
	},
	{
		.program = "bl_unix_may_send",
		.hook = "unix_may_send",
		.ops = BL_OPS_UNIX,
	},
	{
		.program = "bl_sctp_bind_connect",
		.hook = "sctp_bind_connect",
		.ops = BL_OPS_IP,
	},
	{
		.program = "bl_sctp_sk_clone",
		.hook = "sctp_sk_clone",
		.ops = BL_OPS_IP,
	},
	{
		.program = "bl_cgroup_mkdir",
		.hook = "cgroup_mkdir",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_CGROUPS,
		.tracepoint = true,
	},
	{
		.program = "bl_cgroup_rmdir",
		.hook = "cgroup_rmdir",
		.ops = OP(EXEC) | OP(OPEN) | OP(CONNECT),
		.flags = BL_TABLES_CGROUPS,
		.tracepoint = true,
	},
};

const struct bl_hook_entry *bl_hook_table(size_t *ret_count)
{
	*ret_count = sizeof(table) / sizeof(table[0]);
	return table;
}

size_t bl_hook_find(const char *hook)
{
	size_t i = 0;

	while (strcmp(table[i].hook, hook) != 0)
		i++;
	return i;
}

const char *bl_hook_kind(const struct bl_hook_entry *entry)
{
	return entry->tracepoint ? "tracepoint" : "LSM hook";
}

/* Also among the members of a struct's or union's parts that have no name. */
static bool type_has_member(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const struct btf_member *member;

	if (!type || !btf_is_composite(type))
		return false;
	member = btf_members(type);
	for (int i = 0; i < btf_vlen(type); i++) {
		const char *its = btf__name_by_offset(btf, member[i].name_off);

		if (strcmp(its, name) == 0 || (!*its && type_has_member(btf, member[i].type, name)))
			return true;
	}
	return false;
}

/* Looks for "struct.member" in the kernel's own types. */
static bool has_member(const struct btf *btf, const char *struct_member)
{
	char name[64];
	const char *dot = strchr(struct_member, '.');
	int id;

	snprintf(name, sizeof(name), "%.*s", (int)(dot - struct_member), struct_member);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	return id >= 0 && type_has_member(btf, (uint32_t)id, dot + 1);
}

bool bl_hook_available(const struct bl_hook_entry *entry, const struct btf *btf)
{
	const struct btf_type *type;
	char name[64];
	int id;

	if (entry->tracepoint) {
		snprintf(name, sizeof(name), "btf_trace_%s", entry->hook);
		return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) >= 0;
	}
	snprintf(name, sizeof(name), "bpf_lsm_%s", entry->hook);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	if (id < 0)
		return false;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (entry->parameters && btf_vlen(type) != entry->parameters)
		return false;
	return !entry->type_member || has_member(btf, entry->type_member);
}

static const struct bl_hook_entry *find(const char *program)
{
	const struct bl_hook_entry *entry = table;

	while (strcmp(entry->program, program) != 0)
		entry++;
	return entry;
}

bool bl_hook_needed(const struct bl_hook_entry *entry, const struct bl_header *header)
{
	if (entry->instead && bl_hook_needed(find(entry->instead), header))
		return false;
	if (entry->flags && !(entry->flags & header->flags))
		return false;
	if (!(entry->ops & header->ops))
		return false;
	return !entry->accesses || (entry->accesses & header->accesses);
}
