/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* connect, to unix sockets: by the path that they are bound to, or by their abstract name. */
#pragma once

#include "decide.bpf.h"

#define BL_SUN_PATH	2   /* offset in struct sockaddr_un */
#define BL_SUN_PATH_MAX 108 /* bytes */

/* The name as the walk's text; of the struct unix_address at hand. 0: it has none, or is that of a path. */
static __always_inline int bl_abstract_load(struct bl_scratch *scratch)
{
	struct bl_walk *walk = &scratch->walk;
	__u32 len = bl_read(struct unix_address, scratch->unix_address, len) - BL_SUN_PATH;
	__u32 pos;

	if (len > BL_SUN_PATH_MAX || !len)
		return 0;
	BL_BARRIER(len);
	pos = BL_PATH_BYTES - len;
	BL_BARRIER(pos);
	pos &= BL_PATH_BYTES - 1;
	if (len > BL_SUN_PATH_MAX ||
	    bpf_probe_read_kernel(&walk->path[pos], len,
				  (const void *)(scratch->unix_address +
						 bpf_core_field_offset(struct unix_address, name) +
						 BL_SUN_PATH)) ||
	    walk->path[pos])
		return 0;
	walk->pos = pos;
	walk->comp[0] = pos;
	walk->n_comps = 1;
	return 1;
}

/* The classes of the name into scratch->label. Verified on its own. Returns 0: no image. */
__noinline int bl_abstract_match(struct bl_scratch *scratch)
{
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	scratch->label.n_classes = 0;
	scratch->label.flags = 0;
	if (!bl_abstract_load(scratch))
		return 1;
	bl_abstract_run(&m);
	scratch->label.n_classes = scratch->walk.n_classes;
	__builtin_memcpy(scratch->label.classes, scratch->walk.classes,
			 sizeof(scratch->label.classes));
	return 1;
}

static __always_inline int bl_abstract_judge(struct bl_scratch *scratch, const struct bl_act *act)
{
	struct bl_subject *subject;

	if (!bl_abstract_match(scratch))
		return BL_JUDGED_NOT;
	if (!scratch->label.n_classes || bl_is_daemon())
		return BL_JUDGED_PASS;
	if (!bl_judge_subject(scratch, BL_WHO_TASK, &subject) ||
	    !bl_search(scratch, subject, act->op))
		return BL_JUDGED_NOT;
	/* The record's path: to look at the subject has taken the walk's memory. */
	bl_abstract_load(scratch);
	scratch->super.prefix_len = 0;
	return bl_answer(scratch, act);
}

static __always_inline int bl_abstract_decide(struct unix_address *address, struct bl_act *act)
{
	struct bl_scratch *scratch = bl_scratch_get();

	if (!scratch)
		return bl_fail_closed();
	scratch->own = 0;
	scratch->stamp = globals.stamp;
	scratch->generation = scratch->stamp;
	scratch->unix_address = (__u64)address;
	bl_act_blur(scratch, act);
	return bl_finish(scratch, bl_abstract_judge(scratch, act));
}

/*
 * What the other end is bound to, however the caller came to it: symbolic links, mounts and hard links
 * lead to the socket whose dentry this is. One without a name (of socketpair(2)) is nobody's rule.
 */
static __always_inline int bl_unix_decide(struct sock *other, __u32 hook, __u8 passing)
{
	struct bl_act act = {
		.op = BL_OP_OPEN,
		.access = BL_ACCESS_CONNECT,
		.search = BL_ACCESS_CONNECT,
		.hook = hook,
		.passing = passing,
	};
	struct unix_sock *end;
	struct unix_address *address;

	if (!globals.generation || !other)
		return 0;
	end = bpf_skc_to_unix_sock(other);
	if (!end)
		return 0;
	address = end->addr;
	if (!address)
		return 0;
	act.dentry = end->path.dentry;
	if (!act.dentry)
		return bl_abstract_decide(address, &act);
	act.sb = act.dentry->d_sb;
	act.inode = act.dentry->d_inode;
	return bl_path_decide(&act);
}

/*
 * A connection is about to be made. The end that is accepted there is one that came in, to whoever it is handed
 * later; that can be asked only of an end that has a name, since only then the other one may be taken for a
 * destination.
 */
static __always_inline int bl_unix_connect(struct sock *sock, struct sock *other,
					   struct sock *accepted)
{
	struct unix_sock *end = bpf_skc_to_unix_sock(sock);

	if (bl_unix_decide(other, BL_HOOK_UNIX_CONNECT, 0))
		return -EPERM;
	if (globals.generation && end && end->addr)
		bpf_sk_storage_get(&incoming, accepted, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	return 0;
}

/*
 * A connected socket is taken over, by SCM_RIGHTS or pidfd_getfd: who may not connect to what its other end is bound to
 * gets it no more from somebody who may. That one stays the same and in memory as long as this end is there, but it may be
 * closed meanwhile: nothing is kept with what it was bound to. Datagrams are judged one by one as they are sent.
 */
static __always_inline int bl_unix_take_over(struct file *file)
{
	struct socket *sock = bpf_sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;
	struct unix_sock *end;

	if (!globals.generation || !sk || sk->sk_type == SOCK_DGRAM)
		return 0;
	end = bpf_skc_to_unix_sock(sk);
	if (!end || !end->peer || bpf_sk_storage_get(&incoming, sk, NULL, 0))
		return 0;
	return bl_unix_decide(end->peer, BL_HOOK_FILE_RECEIVE, 1);
}
