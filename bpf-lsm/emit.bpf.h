/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The event of a verdict: all context is taken here, in the hook, and never looked up later. */
#pragma once

#include "context.bpf.h"
#include "file.h"
#include "fold.bpf.h"
#include "overlay.bpf.h"

/* What a run came to. */
enum bl_judged {
	BL_JUDGED_NOT = 0, /* there was no image to judge by */
	BL_JUDGED_PASS,
	BL_JUDGED_REFUSE,
};

/* What is asked of which object; on the hook's stack. */
enum bl_who {
	BL_WHO_TASK = 0,
	BL_WHO_TRACER, /* the task's, or who becomes it */
	BL_WHO_USER,   /* the task's, by whatever program: nothing is excepted for the one that it runs */
};

struct bl_act {
	struct dentry *dentry; /* exec, open */
	struct super_block *sb; /* the dentry's, or that of the device */
	struct inode *inode;   /* NULL: does not exist yet */
	struct linux_binprm *bprm; /* exec, where its first bytes have been read */
	__u64 shown;	       /* the dentry that is run, the overlay's if that does it; file_open: the file; or 0 */
	struct inode *linked;  /* what gets the name, if it has or gets several; else NULL */
	__u8 op;
	__u8 access; /* for the record */
	__u8 search; /* for the rules */
	__u8 hook;
	__u16 protocol; /* connect: IPPROTO_* of the socket */
	__u8 nobody;	/* the task at hand has nothing to do with it */
	__u8 own;	/* an overlay opens the file below its own */
	__u8 trace;	/* exec: a process that runs the file is taken hold of */
	__u8 who;	/* enum bl_who */
	__u8 starts;	/* open: what an overlay opens to be executed, which is judged by the overlay's own */
	__u8 layered;	/* an overlay's own, which is executed or was: what rules say of the real file holds */
	__u8 passing;	/* connect: what the other end is bound to may be gone the next moment */
	__u8 device;	/* open: the block device that the file system is on, without a dentry */
};

/* The object's path: where its superblock is in the host's tree, and its name in there. */
static __always_inline __u32 bl_object_text(struct bl_scratch *scratch)
{
	__u32 len = scratch->super.prefix_len;

	if (len >= BL_PREFIX_BYTES)
		len = 0;
	BL_BARRIER(len);
	len = bl_strings_add(scratch, scratch->super.prefix, len & (BL_PREFIX_BYTES - 1));
	len += bl_walk_text(scratch, BL_PATH_BYTES - len);
	if (!len && !(scratch->event.flags & BL_EF_PSEUDO))
		len = bl_strings_add(scratch, "/", 1);
	return len;
}

/*
 * A task's executable as its mount shows it; 0 for kernel threads, tasks that are gone, and such as say that they
 * are another.
 */
static __always_inline __u32 bl_exe_text(struct bl_scratch *scratch, struct task_struct *task,
					 __u32 cut)
{
	struct mm_struct *mm = task->mm;
	struct file *exe = mm ? mm->exe_file : NULL;

	if (!exe || !bl_is_started(exe->f_flags))
		return 0;
	bl_climb(scratch, (__u64)exe->f_path.mnt - bpf_core_field_offset(struct mount, mnt),
		 (__u64)exe->f_path.dentry);
	if (scratch->cursor.state != BL_CURSOR_DONE)
		scratch->event.flags |= cut;
	return bl_walk_text(scratch, BL_PATH_BYTES);
}

static __always_inline void bl_cgroup_fill(struct bl_scratch *scratch, struct task_struct *task)
{
	struct kernfs_node *node = task->cgroups->dfl_cgrp->kn;
	struct bl_event *event = &scratch->event;

	event->cgroup_id = node->id;
	bl_walk_start(&scratch->walk);
	scratch->cgroup = (__u64)node;
	bpf_loop(BL_DEPTH_MAX, bl_cgroup_turn, &scratch, 0);
	event->cgroup_len = bl_walk_text(scratch, BL_PATH_BYTES);
	if (!event->cgroup_len)
		event->cgroup_len = bl_strings_add(scratch, "/", 1);
}

static __always_inline void bl_task_fill(struct bl_event *event, struct task_struct *task)
{
	const struct cred *cred = bl_actor(task);

	event->time_ns = bpf_ktime_get_boot_ns();
	event->cpu = bpf_get_smp_processor_id();
	event->start_ns = task->group_leader->start_boottime;
	event->pid = task->tgid;
	event->tid = task->pid;
	event->ppid = task->real_parent->tgid;
	event->uid = cred->uid.val;
	event->euid = cred->euid.val;
	event->gid = cred->gid.val;
	event->egid = cred->egid.val;
	event->login_uid = ~0u;
	event->session = ~0u;
	if (bpf_core_field_exists(task->loginuid)) {
		event->login_uid = task->loginuid.val;
		event->session = task->sessionid;
	}
	if (task->flags & PF_KTHREAD)
		event->flags |= BL_EF_KTHREAD;
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	bpf_probe_read_kernel(event->parent_comm, sizeof(event->parent_comm),
			      task->real_parent->comm);
}

static __always_inline __u32 bl_path_flags(const struct bl_scratch *scratch)
{
	__u32 flags;

	switch (scratch->super.trust) {
	case BL_TRUST_HOST:
		flags = BL_EF_HOST;
		break;
	case BL_TRUST_CONTAINER:
		flags = BL_EF_CONTAINER;
		break;
	default:
		flags = BL_EF_UNTRUSTED;
	}
	if (scratch->walk_end == BL_WALK_DEEP)
		flags |= BL_EF_TOO_DEEP;
	else if (scratch->walk_end != BL_WALK_ROOT)
		flags |= BL_EF_LOST;
	return flags;
}

/* The host's prefix of the superblock, from its record: only events want it. */
static __always_inline void bl_prefix_load(struct bl_scratch *scratch, struct super_block *sb)
{
	struct inode *inode = sb->s_root->d_inode;
	struct bl_super *super = inode ? bpf_inode_storage_get(&supers, inode, NULL, 0) : NULL;

	if (!super || !super->prefix_len) {
		scratch->super.prefix_len = 0;
		return;
	}
	scratch->super.prefix_len = super->prefix_len;
	bpf_probe_read_kernel(scratch->super.prefix, BL_PREFIX_BYTES, super->prefix);
}

/* Takes the object's name for the record: its text stays in the walk, its prefix in super. */
static __always_inline void bl_object_name(struct bl_scratch *scratch, struct dentry *dentry,
					   struct super_block *sb)
{
	__u32 sequence;

	if (bl_is_pseudo(sb)) {
		scratch->super.prefix_len = 0;
		bl_walk_start(&scratch->walk);
		bl_walk_prepend(&scratch->walk, dentry->d_name.name, dentry->d_name.len);
		scratch->event.flags |= BL_EF_PSEUDO;
		return;
	}
	sequence = bl_sequence(&rename_lock);
	if (!bl_super_get(scratch, sb, sequence))
		scratch->super.prefix_len = 0;
	bl_prefix_load(scratch, sb);
	bl_walk_dentry(scratch, dentry, sequence);
	bl_root_own(scratch, sb->s_flags);
	scratch->event.flags |= bl_path_flags(scratch);
}

/* What rules can ask of a file to be executed. Verified on its own: one number comes of it. */
__noinline int bl_exec_facts(__u32 mode, __u32 nlink, __u32 magic, __u32 sb_flags, __u32 head)
{
	__u32 facts = bl_file_facts(mode, nlink, magic, sb_flags);

	if (head == ('#' | '!' << 8))
		facts |= BL_FACT_SCRIPT;
	return facts;
}

/*
 * The same of what an exec is about. AT_EXECVE_CHECK comes from interpreters, before the kernel has read
 * anything of the file: for them it is a script.
 */
static __always_inline __u32 bl_act_facts(const struct bl_act *act)
{
	__u32 head = 0;

	if (act->hook == BL_HOOK_BPRM_CREDS)
		head = '#' | '!' << 8;
	else if (act->hook == BL_HOOK_BPRM_CHECK)
		head = (__u8)act->bprm->buf[0] | (__u32)(__u8)act->bprm->buf[1] << 8;
	return bl_exec_facts(act->inode->i_mode, act->inode->i_nlink, act->sb->s_magic,
			     act->sb->s_flags, head) &
	       BL_FACT_ANY;
}

static __always_inline __u32 bl_peer_family(const struct bl_peer *peer)
{
	if (peer->family)
		return peer->family;
	return peer->v6 ? AF_INET6 : AF_INET;
}

/*
 * The path of the node that the kernel makes for a file system's block device, in the first devtmpfs, into the walk:
 * the name is the superblock's.
 */
static __always_inline void bl_device_name(struct bl_scratch *scratch, struct super_block *sb)
{
	char *dev = &scratch->name[sizeof(sb->s_id)];
	long len = bpf_probe_read_kernel_str(scratch->name, sizeof(sb->s_id), sb->s_id);

	__builtin_memcpy(dev, "dev", sizeof("dev"));
	scratch->super_of = 0;
	scratch->super.prefix_len = 0;
	bl_walk_start(&scratch->walk);
	bl_walk_prepend(&scratch->walk, scratch->name, len > 0 ? len - 1 : 0);
	bl_walk_prepend(&scratch->walk, dev, sizeof("dev") - 1);
}

/* Starts the record with what only the hook's own pointers tell. */
static __always_inline void bl_object_fill(struct bl_scratch *scratch, const struct bl_act *act)
{
	struct bl_event *event = &scratch->event;

	__builtin_memset(event, 0, sizeof(*event));
	event->op = act->op;
	event->access = act->access;
	event->hook = act->hook;
	scratch->acted = 0;
	if (act->dentry)
		scratch->acted =
			bl_mix(bl_read(struct dentry, (__u64)act->dentry, d_parent),
			       bl_read(struct dentry, (__u64)act->dentry, d_name.hash_len));
	if (act->inode) {
		event->inode = act->inode->i_ino;
		event->mode = act->inode->i_mode;
		event->owner = act->inode->i_uid.val;
		bl_fs_fill(event, (__u64)act->inode->i_sb);
	} else if (act->dentry) {
		bl_fs_fill(event, (__u64)act->sb);
	}
	if (act->op == BL_OP_EXEC)
		event->facts = bl_act_facts(act);
	if (act->dentry) {
		event->dev_major = act->sb->s_dev >> 20;
		event->dev_minor = act->sb->s_dev & 0xfffff;
		bl_object_name(scratch, act->dentry, act->sb);
	}
	if (act->device) {
		event->dev_major = act->sb->s_dev >> 20;
		event->dev_minor = act->sb->s_dev & 0xfffff;
		event->flags |= BL_EF_HOST;
		bl_device_name(scratch, act->sb);
	}
	if (act->op == BL_OP_CONNECT) {
		__builtin_memcpy(event->addr, &scratch->peer.addr, sizeof(event->addr));
		event->port = scratch->peer.port;
		event->family = bl_peer_family(&scratch->peer);
		event->protocol = act->protocol;
	}
	if (act->access == BL_ACCESS_CONNECT && act->op == BL_OP_OPEN) {
		event->op = BL_OP_CONNECT;
		event->family = AF_UNIX;
		if (!act->dentry)
			scratch->acted = scratch->unix_address;
	}
	if (act->nobody)
		event->flags |= BL_EF_INTERRUPT;
}

/* What a verdict comes to where nothing is refused. */
static __always_inline __u32 bl_told_only(__u32 verdict)
{
	if (verdict < BL_VERDICT_DENY)
		return verdict;
	return verdict == BL_VERDICT_KILL ? BL_VERDICT_WOULD_KILL : BL_VERDICT_WOULD_DENY;
}

/* In monitor mode what would be refused is reported only. */
static __always_inline __u32 bl_ceiling(__u32 verdict)
{
	return globals.ceiling ? bl_told_only(verdict) : verdict;
}

/*
 * Ends the process that acts before it runs another instruction of its own. 0: PID 1, without which the
 * host is none, or a kernel thread; the daemon's own accesses are never judged. Who was interrupted has
 * done nothing.
 */
static __always_inline int bl_kill(void)
{
	if (bpf_get_current_pid_tgid() >> 32 == 1)
		return 0;
	return bpf_send_signal(SIGKILL) == 0;
}

/* What becomes of the verdict that the rules came to; event->ret is the hook's answer. */
static __always_inline void bl_verdict_settle(struct bl_event *event)
{
	__u32 verdict = bl_ceiling(event->verdict);

	if (event->hook == BL_HOOK_CONN_ESTABLISHED)
		verdict = bl_told_only(verdict);
	if (verdict == BL_VERDICT_KILL && (event->flags & BL_EF_INTERRUPT || !bl_kill())) {
		event->flags |= BL_EF_SPARED;
		verdict = BL_VERDICT_DENY;
	}
	event->verdict = verdict;
	event->ret = 0;
	if (verdict >= BL_VERDICT_DENY)
		event->ret = -EPERM;
}

/* Completes the record that bl_object_fill() began: who acts, and all texts. */
static __always_inline void bl_record_fill(struct bl_scratch *scratch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_event *event = &scratch->event;

	event->abi = BL_ABI_VERSION;
	event->kind = BL_EVENT_VERDICT;
	event->generation = scratch->generation;
	bl_task_fill(event, task);
	scratch->strings_used = 0;
	if (event->op != BL_OP_CONNECT || event->family == AF_UNIX)
		event->path_len = bl_object_text(scratch);
	event->exe_len = bl_exe_text(scratch, task, BL_EF_EXE_CUT);
	event->parent_exe_len = bl_exe_text(scratch, task->real_parent, BL_EF_PARENT_CUT);
	bl_cgroup_fill(scratch, task);
	bl_context_fill(scratch, 1);
}

/* A fingerprint of a dentry and what it is at the moment: others may have had its address. */
static __always_inline __u64 bl_shown_print(__u64 dentry)
{
	__u64 inode = bl_read(struct dentry, dentry, d_inode);
	__u64 print = bl_mix(dentry, inode);

	print = bl_mix(print, bl_read(struct dentry, dentry, d_parent));
	print = bl_mix(print, bl_read(struct dentry, dentry, d_name.hash_len));
	return bl_mix(print, inode ? bl_read(struct inode, inode, i_ino) : 0);
}

/* A fingerprint of an alert about something that is called 'what' in it. */
static __always_inline __u64 bl_told_print(const struct bl_scratch *scratch, __u64 what)
{
	__u64 print = bl_mix(globals.keys[2], what);

	print = bl_mix(print, bpf_get_current_task());
	print = bl_mix(print, bpf_get_current_pid_tgid());
	/* A program's own file is told of before, and what it maps of that after it has become another one. */
	if (scratch->event.op == BL_OP_OPEN)
		print = bl_mix(print, scratch->print);
	print = bl_mix(print, scratch->event.rule | (__u64)scratch->event.others << 32);
	return bl_mix(print, scratch->generation) | 1;
}

/*
 * A directory, and those that an overlay opens for its sake: the first of its layers when it is opened, and
 * all of them when it is listed. Neither is told twice: what was told holds while it would be told again, of the
 * same names and to the same conditions.
 */
static __always_inline int bl_directory_told(struct bl_scratch *scratch)
{
	__u64 what = bl_shown_print(scratch->shown) + scratch->stamp * globals.keys[4] +
		     bl_sequence(&rename_lock) * globals.keys[3];
	__u64 print = bl_told_print(scratch, what), *slot;

	slot = &told[print >> 32 & (BL_TOLD_SLOTS - 1)];
	if (!scratch->layer) {
		*slot = print;
		return 0;
	}
	if (*slot == print)
		return 1;
	print = bl_told_print(scratch, bl_mix(what, scratch->layer));
	slot = &told[print >> 32 & (BL_TOLD_SLOTS - 1)];
	if (scratch->listing)
		return *slot == print;
	*slot = print;
	return 0;
}

/*
 * An alert about what an overlay opens tells what was just told of the overlay's own if it is of the same
 * rule with as many others. What is overwritten meanwhile is told twice. Verified on its own.
 */
__noinline int bl_is_told(struct bl_scratch *scratch)
{
	__u64 print, *slot;

	if (!scratch || !scratch->shown || scratch->event.verdict >= BL_VERDICT_DENY)
		return 0;
	if ((scratch->event.mode & S_IFMT) == S_IFDIR)
		return bl_directory_told(scratch);
	print = bl_told_print(scratch, bl_shown_print(scratch->shown));
	slot = &told[print >> 32 & (BL_TOLD_SLOTS - 1)];
	if (!scratch->own) {
		*slot = print;
		return 0;
	}
	if (*slot != print)
		return 0;
	*slot = 0;
	return 1;
}

/*
 * Settles the verdict that bl_object_fill()'s record was given, completes the record and sends it.
 * Verified on its own. Returns enum bl_judged.
 */
__noinline int bl_emit(struct bl_scratch *scratch)
{
	struct bl_event *event;

	if (!scratch)
		return BL_JUDGED_NOT;
	event = &scratch->event;
	bl_verdict_settle(event);
	if (bl_is_told(scratch))
		return BL_JUDGED_PASS;
	if (!bl_fold(scratch)) {
		bl_record_fill(scratch);
		bl_event_send(scratch);
	}
	if (event->verdict < BL_VERDICT_DENY) {
		bl_count(BL_COUNT_ALERTED);
		return BL_JUDGED_PASS;
	}
	bl_count(BL_COUNT_DENIED);
	return BL_JUDGED_REFUSE;
}
