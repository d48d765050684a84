/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of ring buffer records: nothing in a record is believed before it was checked. */
#include "event.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const char *const op_names[_BL_OP_MAX] = {
	[BL_OP_EXEC] = "exec",
	[BL_OP_OPEN] = "open",
	[BL_OP_CONNECT] = "connect",
};

static const char *const verdict_names[_BL_VERDICT_MAX] = {
	[BL_VERDICT_ALLOW] = "allow",
	[BL_VERDICT_ALERT] = "alert",
	[BL_VERDICT_WOULD_DENY] = "would-deny",
	[BL_VERDICT_WOULD_KILL] = "would-kill",
	[BL_VERDICT_DENY] = "deny",
	[BL_VERDICT_KILL] = "kill",
};

static const char *const hook_names[_BL_HOOK_MAX] = {
	[BL_HOOK_BPRM_CHECK] = "bprm_check_security",
	[BL_HOOK_BPRM_CREDS] = "bprm_creds_for_exec",
	[BL_HOOK_MMAP] = "mmap_file",
	[BL_HOOK_MPROTECT] = "file_mprotect",
	[BL_HOOK_FILE_OPEN] = "file_open",
	[BL_HOOK_CREATE] = "inode_create",
	[BL_HOOK_MKDIR] = "inode_mkdir",
	[BL_HOOK_MKNOD] = "inode_mknod",
	[BL_HOOK_SYMLINK] = "inode_symlink",
	[BL_HOOK_LINK] = "inode_link",
	[BL_HOOK_UNLINK] = "inode_unlink",
	[BL_HOOK_RMDIR] = "inode_rmdir",
	[BL_HOOK_RENAME] = "inode_rename",
	[BL_HOOK_SETATTR] = "inode_setattr",
	[BL_HOOK_SETXATTR] = "inode_setxattr",
	[BL_HOOK_CONNECT] = "socket_connect",
	[BL_HOOK_SENDMSG] = "socket_sendmsg",
	[BL_HOOK_REMOVEXATTR] = "inode_removexattr",
	[BL_HOOK_SET_ACL] = "inode_set_acl",
	[BL_HOOK_REMOVE_ACL] = "inode_remove_acl",
	[BL_HOOK_IOCTL] = "file_ioctl",
	[BL_HOOK_SOCKET_CREATE] = "socket_create",
	[BL_HOOK_SCTP_CONNECT] = "sctp_bind_connect",
	[BL_HOOK_UNIX_CONNECT] = "unix_stream_connect",
	[BL_HOOK_UNIX_SEND] = "unix_may_send",
	[BL_HOOK_IOCTL_COMPAT] = "file_ioctl_compat",
	[BL_HOOK_FILE_SETATTR] = "inode_file_setattr",
	[BL_HOOK_MMAP_BACKING] = "mmap_backing_file",
	[BL_HOOK_FILE_RECEIVE] = "file_receive",
	[BL_HOOK_BPRM_COMMITTED] = "bprm_committed_creds",
	[BL_HOOK_PTRACE_ACCESS] = "ptrace_access_check",
	[BL_HOOK_PTRACE_TRACEME] = "ptrace_traceme",
	[BL_HOOK_READ_FILE] = "kernel_read_file",
	[BL_HOOK_CONN_ESTABLISHED] = "inet_conn_established",
	[BL_HOOK_SB_MOUNT] = "sb_set_mnt_opts",
	[BL_HOOK_SB_REMOUNT] = "sb_remount",
	[BL_HOOK_QUOTA_ON] = "quota_on",
};

#define FAMILY_NAME(number, text) [number] = (text),

static const char *const family_names[BL_FAMILIES] = { BL_FAMILIES_EACH(FAMILY_NAME) };

/* The access bits that an event of an operation may bear. */
static const __u8 op_access[_BL_OP_MAX] = {
	[BL_OP_EXEC] = BL_ACCESS_EXEC | BL_ACCESS_TRACE,
	[BL_OP_OPEN] = BL_ACCESS_ANY,
	[BL_OP_CONNECT] = BL_PROTO_ANY | BL_PROTO_NONE,
};

const char *bl_event_op_name(enum bl_op op)
{
	return (unsigned int)op < _BL_OP_MAX ? op_names[op] : NULL;
}

const char *bl_event_verdict_name(enum bl_verdict verdict)
{
	return (unsigned int)verdict < _BL_VERDICT_MAX ? verdict_names[verdict] : NULL;
}

const char *bl_event_fact_name(enum bl_fact fact)
{
	switch (fact) {
	case BL_FACT_MEMFD:
		return "memfd";
	case BL_FACT_DELETED:
		return "deleted";
	case BL_FACT_TMPFS:
		return "tmpfs";
	case BL_FACT_SETUID:
		return "setuid";
	case BL_FACT_WRITABLE:
		return "writable-by-others";
	case BL_FACT_SCRIPT:
		return "script";
	}
	return NULL;
}

const char *bl_event_family_name(unsigned int family)
{
	return family < BL_FAMILIES ? family_names[family] : NULL;
}

const char *bl_event_hook_name(enum bl_hook hook)
{
	return (unsigned int)hook < _BL_HOOK_MAX ? hook_names[hook] : NULL;
}

bool bl_event_has_address(const struct bl_event *fixed)
{
	return fixed->family == AF_INET || fixed->family == AF_INET6;
}

/* Either a program is to run, or a process that runs it is to be held. */
static bool exec_access_fits(const struct bl_event *fixed)
{
	switch (fixed->hook) {
	case BL_HOOK_PTRACE_ACCESS:
	case BL_HOOK_PTRACE_TRACEME:
	case BL_HOOK_CREATE: /* of a core dump */
		return fixed->access == BL_ACCESS_TRACE;
	case BL_HOOK_BPRM_CHECK:
		return fixed->access == BL_ACCESS_EXEC || fixed->access == BL_ACCESS_TRACE;
	default:
		return fixed->access == BL_ACCESS_EXEC;
	}
}

static const char *check_words(const struct bl_event *fixed)
{
	if (!bl_event_op_name(fixed->op))
		return "unknown operation";
	if (fixed->verdict < BL_VERDICT_ALERT || fixed->verdict >= _BL_VERDICT_MAX)
		return "a verdict that makes no event";
	if (!bl_event_hook_name(fixed->hook))
		return "unknown hook";
	if (!fixed->access || (fixed->access & ~op_access[fixed->op]))
		return "access that does not fit the operation";
	if (fixed->op == BL_OP_EXEC && !exec_access_fits(fixed))
		return "access that does not fit the hook";
	if (fixed->op == BL_OP_CONNECT && (!fixed->family || fixed->family >= BL_FAMILIES))
		return "unknown address family";
	if (fixed->op == BL_OP_CONNECT &&
	    bl_event_has_address(fixed) != !(fixed->access & BL_PROTO_NONE))
		return "access that does not fit the address family";
	if (fixed->op != BL_OP_CONNECT && fixed->family)
		return "an address without a connect";
	if (fixed->facts & ~(fixed->op == BL_OP_EXEC ? BL_FACT_ANY : 0))
		return "facts that don't fit the operation";
	if (fixed->hook == BL_HOOK_BPRM_COMMITTED ? fixed->op != BL_OP_EXEC : fixed->argument_len)
		return "an argument that doesn't fit the operation";
	return NULL;
}

/* An event that says 'denied' of what was let through, or the reverse, must not reach a log. */
static const char *check_answer(const struct bl_event *fixed)
{
	if (fixed->ret > 0 || fixed->ret < -4095)
		return "an answer that no hook gives";
	if (fixed->hook == BL_HOOK_BPRM_COMMITTED) {
		/* Nothing can be refused there: what is killed is killed without an answer. */
		if (fixed->ret || fixed->verdict == BL_VERDICT_DENY)
			return "verdict and answer differ";
	} else if ((fixed->verdict >= BL_VERDICT_DENY) != (fixed->ret != 0)) {
		return "verdict and answer differ";
	}
	if (!fixed->seq)
		return "no sequence number";
	if (!fixed->folded != !fixed->since_ns || fixed->since_ns > fixed->time_ns)
		return "repeats at no time that can be";
	return NULL;
}

static const char *check_sizes(const struct bl_event *fixed, size_t size)
{
	size_t strings = (size_t)fixed->path_len + fixed->exe_len + fixed->parent_exe_len +
			 fixed->cgroup_len + fixed->argument_len + fixed->cwd_len + fixed->argv_len;

	for (size_t i = 0; i < BL_ABOVE_MAX; i++) {
		strings += fixed->ancestors[i].exe_len;
		if (fixed->ancestors[i].exe_len > BL_PATH_BYTES)
			return "a string that is too long";
		if (fixed->ancestors[i].exe_len && !fixed->ancestors[i].pid)
			return "an ancestor without a number";
	}
	if (fixed->cwd_len > BL_PATH_BYTES || fixed->argv_len > BL_ARGV_BYTES)
		return "a string that is too long";
	if (fixed->path_len > BL_PATH_BYTES || fixed->exe_len > BL_PATH_BYTES ||
	    fixed->parent_exe_len > BL_PATH_BYTES || fixed->cgroup_len > BL_PATH_BYTES ||
	    fixed->argument_len > BL_PATH_BYTES)
		return "a string that is too long";
	if (fixed->size != size || sizeof(*fixed) + strings != size)
		return "sizes that don't add up";
	return NULL;
}

static const char *check_event(const struct bl_event *fixed, size_t size)
{
	const char *what;

	if (fixed->abi != BL_ABI_VERSION)
		return "another ABI version";
	if (fixed->kind != BL_EVENT_VERDICT)
		return "unknown kind of record";
	what = check_sizes(fixed, size);
	if (!what)
		what = check_words(fixed);
	if (!what)
		what = check_answer(fixed);
	return what;
}

static struct bl_text take_text(const char **cursor, size_t len)
{
	struct bl_text text = { *cursor, len };

	*cursor += len;
	return text;
}

static struct bl_text comm_text(const char *comm)
{
	struct bl_text text = { comm, strnlen(comm, BL_COMM_BYTES) };

	return text;
}

int bl_event_decode(const void *data, size_t size, struct bl_event_view *ret,
		    const char **reterr_what)
{
	const char *record = data;
	const char *cursor = record + sizeof(struct bl_event);
	const char *what = "shorter than any record";
	struct bl_event fixed;

	if (size >= sizeof(fixed)) {
		memcpy(&fixed, record, sizeof(fixed));
		what = check_event(&fixed, size);
	}
	if (what) {
		if (reterr_what)
			*reterr_what = what;
		return -EBADMSG;
	}

	ret->fixed = fixed;
	ret->path = take_text(&cursor, fixed.path_len);
	ret->exe = take_text(&cursor, fixed.exe_len);
	ret->parent_exe = take_text(&cursor, fixed.parent_exe_len);
	ret->cgroup = take_text(&cursor, fixed.cgroup_len);
	ret->argument = take_text(&cursor, fixed.argument_len);
	ret->cwd = take_text(&cursor, fixed.cwd_len);
	ret->argv = take_text(&cursor, fixed.argv_len);
	for (size_t i = 0; i < BL_ABOVE_MAX; i++)
		ret->ancestors[i] = take_text(&cursor, fixed.ancestors[i].exe_len);
	ret->comm = comm_text(record + offsetof(struct bl_event, comm));
	ret->parent_comm = comm_text(record + offsetof(struct bl_event, parent_comm));
	return 0;
}
