/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Every map: who writes it, who reads it, what 'absent' means, how large it is and why. */
#pragma once

#include "abi.h"
#include "match.h"
#include "state.h"

/* The policy image in chunks. Only user space writes it, before the image is in force. */
struct bl_image_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, BL_CHUNK_BYTES);
};

/*
 * The policy images, by the lowest bit of their generation; written by user space. A run decides by
 * the generation that was in force when it began: the image of that one stays in its slot until
 * no run can be using it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct bl_image_map);
} images SEC(".maps");

/* What an inode's name came to. Written here; absent or stale: worked out anew. */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bl_label);
} labels SEC(".maps");

/* Where a superblock is in the host's tree; on its root inode. Absent or stale: worked out anew. */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bl_super);
} supers SEC(".maps");

/* The subject conditions that hold for a task; only the task itself writes it. Absent: anew. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bl_subject);
} subjects SEC(".maps");

/* Programs whose arguments matter, from the look at their file to their first instruction. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bl_exec);
} execs SEC(".maps");

/* The path of the file that such a program is: with the rest it would be too large for 7.2. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bl_exec_path);
} exec_paths SEC(".maps");

/*
 * What the names of objects with several names come to, by one policy. Written here; absent: no name that
 * was seen is one that a rule mentions, or there was no room. User space makes it, with a record of each
 * pool.
 */
struct bl_links_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BL_LINKS_MAX);
	__uint(key_size, sizeof(struct bl_linked_key));
	__uint(value_size, sizeof(struct bl_linked));
};

/* By the lowest bit of the policy's generation, as the images. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct bl_links_map);
} links SEC(".maps");

/*
 * What the names of cgroups come to, by one policy and the cgroup's number. User space makes it, with all cgroups
 * that there are; of those that come later it is written here, before anybody can be in them. Absent: it may be
 * called anything.
 */
struct bl_called_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BL_CGROUPS_MAX);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct bl_called));
};

/* By the lowest bit of the policy's generation, as the images; none where no rule asks for such a name. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct bl_called_map);
} called SEC(".maps");

/* What processes come from. Only user space and the task itself write it. Absent or stale: it may be anything. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bl_lineage);
} lineages SEC(".maps");

/* The programs that they come from, by a fingerprint of what they are called. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BL_ORIGINS_MAX);
	__type(key, __u64);
	__type(value, struct bl_origin);
} origins SEC(".maps");

/* What one policy says of these, by their number. Written by user space; absent: no rule asks for it. */
struct bl_kin_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BL_ORIGINS_MAX + 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct bl_kin_sets));
};

/* By the lowest bit of the policy's generation, as the images; none where no rule asks for any. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct bl_kin_map);
} kin SEC(".maps");

/* The process that is being told of: there is one walk through all of them at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bl_process);
} telling SEC(".maps");

/*
 * Work space. LSM programs can be preempted by others on the same CPU, so a slot is claimed. Where the
 * kernel preempts, any number of tasks can be in the middle of a run on one CPU: what finds its CPU's
 * slots taken takes one of the spare ones, and only when those are all taken too it fails closed.
 * One map for both, the spare ones first: with two, the verifier would go on with each of them. Sized
 * by the daemon, for all processors.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BL_SCRATCH_SPARES + BL_SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct bl_scratch);
} scratches SEC(".maps");

/*
 * The message that a task has a socket of SCTP send: the kernel's struct msghdr, good while the call lasts.
 * Only the task itself writes it. Absent: nobody has asked about one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} messages SEC(".maps");

/* Sockets of which this end was asked to connect; a connection that came in has none. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} outgoing SEC(".maps");

/* Sockets of SCTP that have any number of associations, and where their messages were let go. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bl_associated);
} associated SEC(".maps");

/* Unix sockets that a listening one has accepted, from a socket with a name. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} incoming SEC(".maps");

/* Events to user space; a full ring loses events, never verdicts. Sized by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

/* What was told of lately: BL_FOLD_WAYS places for each fingerprint. The sweep tells of what does not come again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BL_FOLD_SLOTS);
	__type(key, __u32);
	__type(value, struct bl_fold);
} folds SEC(".maps");

/* enum bl_counter, and each CPU's last sequence number. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, _BL_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sequences SEC(".maps");

/*
 * What user space knows of the rules of the images, by the lowest bit of their generation, as text in chunks: events
 * can be read by a daemon that has not loaded their policy. No program reads it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct bl_image_map);
} names SEC(".maps");

/* How far the records of each CPU have been read: user space's own, for the next daemon. Sized by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bl_progress);
} progress SEC(".maps");
