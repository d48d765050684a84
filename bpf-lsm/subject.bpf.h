/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Who acts: the subject conditions that hold for the current task, kept in its storage. */
#pragma once

#include "kin.bpf.h"
#include "task.bpf.h"

static long bl_group_turn(__u32 index, void *ctx)
{
	struct bl_groups_ctx *c = ctx;
	__u32 gid = 0;

	if (bpf_probe_read_kernel(&gid, sizeof(gid),
				  (void *)(c->groups +
					   bpf_core_field_offset(struct group_info, gid) +
					   index * sizeof(gid))))
		return 1;
	bl_subject_gid(c->matcher, gid);
	return 0;
}

static __always_inline enum bl_trust bl_exe_trust(const struct bl_label *label)
{
	if (label->flags & (BL_LABEL_LOST | BL_LABEL_DEEP | BL_LABEL_PSEUDO | BL_LABEL_UNTRUSTED))
		return BL_TRUST_NONE;
	if (label->flags & (BL_LABEL_CONTAINER | BL_LABEL_SPILLED))
		return BL_TRUST_CONTAINER;
	return BL_TRUST_HOST;
}

/*
 * subject->bits = the conditions that the label of the executable (in scratch->label and the
 * walk's classes) leaves open. Verified on its own. Returns 0: no image.
 */
__noinline int bl_subject_exe_match(struct bl_scratch *scratch, struct bl_subject *subject)
{
	struct bl_matcher m;

	if (!scratch || !subject || !bl_run_start(&m, scratch))
		return 0;
	bl_subject_exe(&m, subject->bits,
		       bl_is_started(scratch->exe_flags) ? bl_exe_trust(&scratch->label)
							 : BL_TRUST_NONE);
	return 1;
}

/*
 * subject->bits &= the conditions that the user and any of the groups leave open. Verified on its
 * own, apart from the executable for the stack's sake. Returns 0: no image.
 */
__noinline int bl_subject_ids_match(struct bl_scratch *scratch, struct bl_subject *subject)
{
	struct bl_groups_ctx ctx;
	struct bl_matcher m;

	if (!scratch || !subject || !bl_run_start(&m, scratch))
		return 0;
	bl_bits_clear(m.walk->bits);
	bl_subject_uid(&m, subject->euid);
	bl_bits_and(&m, subject->bits, m.walk->bits);
	bl_bits_clear(m.walk->bits);
	bl_subject_gid(&m, subject->egid);
	ctx.matcher = &m;
	ctx.groups = scratch->groups;
	if (m.header->flags & BL_TABLES_GIDS)
		bpf_loop(bl_read(struct group_info, ctx.groups, ngroups), bl_group_turn, &ctx, 0);
	bl_bits_and(&m, subject->bits, m.walk->bits);
	return 1;
}

struct bl_print_ctx {
	struct bl_scratch *scratch;
	struct bl_subject *subject;
	const struct bl_header *header;
};

static long bl_print_turn(__u32 index, void *ctx)
{
	struct bl_print_ctx *c = ctx;
	__u64 word = c->subject->bits[index & (BL_COND_WORDS - 1)];
	__u32 i = index & (BL_COND_WORDS - 1);

	c->scratch->walk.h0 += c->header->key[0][i] * (__u32)word;
	c->scratch->walk.h0 += c->header->key[1][i] * (word >> 32);
	return 0;
}

/*
 * A fingerprint of the conditions: 32 bits of a strongly universal hash with the image's secret
 * keys. Verified on its own. Returns 0: no image.
 */
__noinline int bl_subject_print(struct bl_scratch *scratch, struct bl_subject *subject)
{
	struct bl_print_ctx ctx;
	struct bl_matcher m;

	if (!scratch || !subject || !bl_run_start(&m, scratch))
		return 0;
	ctx.scratch = scratch;
	ctx.subject = subject;
	ctx.header = m.header;
	scratch->walk.h0 = 0;
	bpf_loop(m.header->cond_words, bl_print_turn, &ctx, 0);
	subject->print = scratch->walk.h0 >> 32 | 1;
	return 1;
}

/*
 * An address as a number. The verifier lets nobody calculate with a pointer, but it does let two of
 * them be subtracted; task is the current one.
 */
static __always_inline __u64 bl_address(const void *pointer, const struct task_struct *task)
{
	return ((__u64)pointer - (__u64)task) + bpf_get_current_task();
}

static __always_inline __u32 *bl_cred_slot(__u64 cred)
{
	return &cred_stamps[cred >> 6 & (BL_CRED_SLOTS - 1)];
}

/* Credentials are made at an address that others may have had before. */
static __always_inline void bl_cred_made(const struct cred *cred)
{
	__u64 address = bl_address(cred, bpf_get_current_task_btf());

	__sync_fetch_and_add(bl_cred_slot(address), 1);
}

static __always_inline __u32 bl_cred_stamp(const struct cred *cred, const struct task_struct *task)
{
	return *bl_cred_slot(bl_address(cred, task));
}

/*
 * A fingerprint of who acts: of the current task's credentials. Every process has its own from its
 * fork on, every program from its start, and the threads of one share them. 0 while a task acts with
 * those of somebody else. Multiply-shift hashing (Dietzfelbinger) with secret keys.
 */
static __always_inline __u64 bl_identity(void)
{
	volatile __u64 current = bpf_get_current_task(); /* no register is kept for it */
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *own = task->cred;
	__u64 cred, print;

	if (own != task->real_cred)
		return 0;
	cred = ((__u64)own - (__u64)task) + current;
	print = cred * globals.keys[0] + (*bl_cred_slot(cred) + 1ull) * globals.keys[1];
	/* These change while the credentials stay the same, or differ between threads. */
	if (globals.tables & (BL_TABLES_LOGINS | BL_TABLES_CGROUPS))
		print += bl_cgroup_id(task) * globals.keys[2] + bl_login(task) * globals.keys[3];
	return print | 1;
}

/* The conditions follow from the executable and the credentials. */
BL_CALLED int bl_subject_valid(const struct bl_scratch *scratch, const struct bl_subject *subject)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = bl_actor(task);

	return subject->generation == scratch->generation && subject->cred == (__u64)cred &&
	       subject->cred_stamp == bl_cred_stamp(cred, task) &&
	       subject->exec_id == task->self_exec_id && bl_task_valid(scratch, subject, task);
}

/* The label of an executable and its classes in the walk, as its inode keeps them; 0: it doesn't. */
static __always_inline int bl_exe_load(struct bl_scratch *scratch, struct file *exe)
{
	struct bl_label *label = bpf_inode_storage_get(&labels, exe->f_inode, NULL, 0);
	__u32 sequence;

	if (!bl_label_valid(label, &sequence) || !label ||
	    label->dentry != (__u64)exe->f_path.dentry || !bl_object_load(scratch, label))
		return 0;
	scratch->walk.n_classes = scratch->label.n_classes;
	__builtin_memcpy(scratch->walk.classes, scratch->label.classes,
			 sizeof(scratch->walk.classes));
	return 1;
}

/* The executable's conditions; scratch->label is the object's again afterwards. 0: no image. */
static __always_inline int bl_subject_exe_compute(struct bl_scratch *scratch,
						  struct bl_subject *subject,
						  struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct file *exe = mm ? mm->exe_file : NULL;
	int r = 1;

	scratch->object = scratch->label;
	scratch->label.flags = BL_LABEL_PSEUDO;
	if (exe)
		scratch->exe_flags = exe->f_flags;
	if (exe && scratch->tables & BL_TABLES_EXES && !bl_exe_load(scratch, exe))
		r = bl_label_compute(scratch, exe->f_path.dentry, exe->f_inode->i_sb,
				     bl_sequence(&rename_lock));
	if (r)
		r = bl_subject_exe_match(scratch, subject);
	scratch->label = scratch->object;
	return r;
}

/* What the conditions follow from. A function of its own, so that nobody goes on with the credentials. */
BL_CALLED int bl_subject_begin(struct bl_scratch *scratch, struct bl_subject *subject)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = bl_actor(task);

	subject->generation = 0;
	subject->print = 0;
	subject->cred = (__u64)cred;
	subject->cred_stamp = bl_cred_stamp(cred, task);
	subject->euid = cred->euid.val;
	subject->egid = cred->egid.val;
	subject->exec_id = task->self_exec_id;
	scratch->groups = (__u64)cred->group_info;
	bl_task_begin(scratch, subject, task, cred);
	return 0;
}

/* Works a subject out anew. Uses scratch's walk and superblock. */
static __always_inline int bl_subject_compute(struct bl_scratch *scratch,
					      struct bl_subject *subject, struct task_struct *task)
{
	bl_subject_begin(scratch, subject);
	scratch->unsettled = 0;
	if (!bl_subject_exe_compute(scratch, subject, task) ||
	    !bl_subject_kin(scratch, subject, task) || !bl_subject_ids_match(scratch, subject) ||
	    !bl_subject_task_match(scratch, subject) || !bl_subject_print(scratch, subject))
		return 0;
	if (!scratch->unsettled)
		subject->generation = scratch->generation;
	return 1;
}

/* What the conditions of the current task's tracer follow from. */
BL_CALLED int bl_tracer_begin(struct bl_scratch *scratch, struct bl_subject *subject)
{
	const struct task_struct *tracer = bpf_get_current_task_btf()->parent;
	const struct cred *cred = tracer->real_cred;

	subject->generation = 0;
	subject->print = 0;
	subject->euid = cred->euid.val;
	subject->egid = cred->egid.val;
	scratch->groups = (__u64)cred->group_info;
	bl_task_begin(scratch, subject, tracer, cred);
	return 0;
}

/*
 * The conditions of who traces the current task, or is about to; kept for this run alone. NULL: no image.
 * Call it only when the policy looks at subjects.
 */
static __always_inline struct bl_subject *bl_subject_tracer(struct bl_scratch *scratch)
{
	struct bl_subject *subject = &scratch->subject;

	bl_tracer_begin(scratch, subject);
	if (!bl_subject_exe_compute(scratch, subject, bpf_get_current_task_btf()->parent) ||
	    !bl_subject_kin(scratch, subject, bpf_get_current_task_btf()->parent) ||
	    !bl_subject_ids_match(scratch, subject) || !bl_subject_task_match(scratch, subject) ||
	    !bl_subject_print(scratch, subject))
		return NULL;
	return subject;
}

/* The conditions of the current task's user, as if it ran a program that nobody knows. NULL: no image. As above. */
static __always_inline struct bl_subject *bl_subject_user(struct bl_scratch *scratch)
{
	struct bl_subject *subject = &scratch->subject;
	int found;

	bl_subject_begin(scratch, subject);
	scratch->exe_flags = 0;
	scratch->object = scratch->label;
	scratch->label.flags = BL_LABEL_PSEUDO;
	found = bl_subject_exe_match(scratch, subject) && bl_subject_ids_match(scratch, subject) &&
		bl_subject_task_match(scratch, subject) && bl_subject_kin_none(scratch, subject) &&
		bl_subject_print(scratch, subject);
	scratch->label = scratch->object;
	return found ? subject : NULL;
}

/*
 * The current task's conditions: in its storage, or in the scratch for this run alone where there is
 * none. Most processes ask once: storage is made at the second time. NULL: no image. Call it only
 * when the policy looks at subjects.
 */
static __always_inline struct bl_subject *bl_subject_get(struct bl_scratch *scratch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bl_subject *subject = bpf_task_storage_get(&subjects, task, NULL, 0);

	if (!subject && bl_looks(bl_identity()) > 1)
		subject =
			bpf_task_storage_get(&subjects, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!subject) {
		subject = &scratch->subject;
		subject->generation = 0;
	}
	if (bl_subject_valid(scratch, subject))
		return subject;
	return bl_subject_compute(scratch, subject, task) ? subject : NULL;
}
