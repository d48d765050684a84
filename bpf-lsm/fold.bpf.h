/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * From a record to the ring, or not: repeats are counted in place of being told, a rule makes so many records and
 * no more, and what is lost is counted by reason. Whatever is denied or reported is told, counted as folded until a
 * record tells how often, or counted as lost.
 */
#pragma once

#include "call.bpf.h"

#define BL_FOLD_TRIES 8

/* True when the word was 'from', and is 'to' from now on. */
static __always_inline int bl_exchange_long(__u64 *word, __u64 from, __u64 to)
{
	__u64 was = __sync_val_compare_and_swap(word, from, to);

	BL_BARRIER(was);
	return was == from;
}

static __always_inline __u64 bl_load(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

/* The next sequence number of this CPU; a record that can't be made uses one up as well. */
static __always_inline __u64 bl_sequence_next(void)
{
	__u32 zero = 0;
	__u64 *sequence = bpf_map_lookup_elem(&sequences, &zero);

	return sequence ? __sync_fetch_and_add(sequence, 1) + 1 : 0;
}

/* ---- how many records a rule makes ---------------------------------------------------------- */

/*
 * By rule and control group, so that nobody's flood is at the cost of what others do. A word is the time up to which
 * the records that were made would have come at the rule's pace. Returns 0: it is too far ahead.
 */
static __always_inline int bl_limit_take(__u64 *slot)
{
	__u64 now = bpf_ktime_get_boot_ns();

	for (__u32 i = 0; i < BL_FOLD_TRIES; i++) {
		__u64 was = bl_load(slot), then = was > now ? was : now;

		if (then - now > globals.limit_slack)
			return 0;
		if (bl_exchange_long(slot, was, then + globals.limit_interval))
			break;
	}
	return 1;
}

/* Whether the record may be made; one that may not is lost, with its number. Verified on its own. */
__noinline int bl_limit_pass(struct bl_scratch *scratch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 print;

	if (!scratch || !globals.limit_interval)
		return 1;
	print = bl_mix(globals.keys[5], scratch->event.rule | (__u64)scratch->generation << 32);
	print = bl_mix(print, task->cgroups->dfl_cgrp->kn->id);
	return bl_limit_take(&limits[print >> 32 & (BL_LIMIT_SLOTS - 1)]);
}

static __always_inline void bl_limit_lose(void)
{
	bl_sequence_next();
	bl_count(BL_COUNT_LOST_LIMIT);
}

/* ---- repeats -------------------------------------------------------------------------------- */

/* A fingerprint of all that makes a record another one than the last: rule, answer, who acts, and on what. */
static __always_inline __u64 bl_repeat_print(const struct bl_scratch *scratch)
{
	const struct bl_event *event = &scratch->event;
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = bl_actor(task);
	__u64 print = bl_mix(globals.keys[3], event->rule | (__u64)event->others << 32);

	print = bl_mix(print, scratch->generation | (__u64)event->flags << 32);
	print = bl_mix(print, event->op | event->verdict << 8 | event->access << 16 |
				      (__u64)event->hook << 32 | (__u64)event->facts << 40);
	print = bl_mix(print, bpf_get_current_pid_tgid() >> 32);
	print = bl_mix(print, task->group_leader->start_boottime);
	print = bl_mix(print, task->self_exec_id);
	print = bl_mix(print, cred->uid.val | (__u64)cred->euid.val << 32);
	print = bl_mix(print, cred->gid.val | (__u64)cred->egid.val << 32);
	print = bl_mix(print, task->cgroups->dfl_cgrp->kn->id);
	print = bl_mix(print, scratch->acted);
	print = bl_mix(print, event->inode);
	print = bl_mix(print, event->dev_major | (__u64)event->dev_minor << 32);
	print = bl_mix(print, event->mode | (__u64)event->owner << 32);
	print = bl_mix(print, ((const __u64 *)event->addr)[0]);
	print = bl_mix(print, ((const __u64 *)event->addr)[1]);
	return bl_mix(print, event->port | event->family << 16 | (__u64)event->protocol << 32);
}

/* What the state of a slot has above. */
static __always_inline __u64 bl_fold_tag(__u64 print)
{
	return print >> 32 | 1;
}

static __always_inline __u32 bl_fold_place(__u64 print, __u32 way)
{
	return (print & (BL_FOLD_SETS - 1)) * BL_FOLD_WAYS + way;
}

/*
 * Counts a repeat, or takes the slot for a record that tells of those so far: their time is up, and the rule has not
 * made too many. Returns 1: nothing is to be told.
 */
static __always_inline int bl_fold_join(struct bl_scratch *scratch, struct bl_fold *slot,
					__u32 index, __u64 now)
{
	int due = now >= slot->until && bl_limit_pass(scratch);

	for (__u32 i = 0; i < BL_FOLD_TRIES; i++) {
		__u64 state = bl_load(&slot->state);
		__u32 n = state;

		if (state >> 32 != bl_fold_tag(scratch->repeat) || n == ~0u)
			return 0;
		if (due) {
			if (!bl_exchange_long(&slot->state, state, BL_FOLD_BUSY))
				continue;
			scratch->fold = index + 1;
			scratch->event.folded = n;
			scratch->event.since_ns = n ? slot->first : 0;
			return 0;
		}
		if (!n)
			slot->first = now;
		slot->last = now;
		if (!bl_exchange_long(&slot->state, state, state + 1))
			continue;
		bl_count(BL_COUNT_FOLDED);
		return 1;
	}
	return 0;
}

/* Looks for the slot of an earlier record that is the same. Returns -1: there is none. */
static __always_inline int bl_fold_find(struct bl_scratch *scratch, __u64 now)
{
	for (__u32 way = 0; way < BL_FOLD_WAYS; way++) {
		__u32 index = bl_fold_place(scratch->repeat, way);
		struct bl_fold *slot = bpf_map_lookup_elem(&folds, &index);

		if (slot && bl_load(&slot->state) >> 32 == bl_fold_tag(scratch->repeat) &&
		    slot->print == scratch->repeat)
			return bl_fold_join(scratch, slot, index, now);
	}
	return -1;
}

/* Takes a slot of which nobody waits to be told of repeats: those whose time is up first. */
static __always_inline void bl_fold_claim(struct bl_scratch *scratch, __u64 now, int any)
{
	for (__u32 way = 0; way < BL_FOLD_WAYS; way++) {
		__u32 index = bl_fold_place(scratch->repeat, way);
		struct bl_fold *slot = bpf_map_lookup_elem(&folds, &index);
		__u64 state;

		if (scratch->fold || !slot)
			break;
		state = bl_load(&slot->state);
		if (state == BL_FOLD_BUSY || (__u32)state)
			continue;
		if (state && !any && now < slot->until)
			continue;
		if (bl_exchange_long(&slot->state, state, BL_FOLD_BUSY))
			scratch->fold = index + 1;
	}
}

/*
 * Whether all is said of what the record, of which bl_object_fill() and the verdict are done, is about. 0: it is to be
 * sent, with what 'folded' says, and bl_event_send() gives back the slot that is held. Verified on its own.
 */
__noinline int bl_fold(struct bl_scratch *scratch)
{
	__u64 now = bpf_ktime_get_boot_ns();
	int found = -1;

	if (!scratch)
		return 0;
	scratch->fold = 0;
	scratch->repeat = 0;
	if (globals.fold_window) {
		scratch->repeat = bl_repeat_print(scratch);
		found = bl_fold_find(scratch, now);
	}
	if (found > 0)
		return 1;
	if (scratch->fold)
		return 0;
	if (!bl_limit_pass(scratch)) {
		bl_limit_lose();
		return 1;
	}
	if (found < 0 && globals.fold_window) {
		bl_fold_claim(scratch, now, 0);
		bl_fold_claim(scratch, now, 1);
	}
	return 0;
}

/* Keeps a record that was sent: what is the same from now on is a repeat of it. */
static __always_inline void bl_fold_keep(struct bl_scratch *scratch, struct bl_fold *slot)
{
	__u32 used = scratch->strings_used;

	BL_BARRIER(used);
	if (used > BL_FOLD_STRINGS) {
		__sync_lock_test_and_set(&slot->state, 0);
		return;
	}
	slot->print = scratch->repeat;
	slot->until = bpf_ktime_get_boot_ns() + globals.fold_window;
	bpf_probe_read_kernel(&slot->event, sizeof(slot->event), &scratch->event);
	bpf_probe_read_kernel(slot->strings, used, scratch->strings);
	slot->event.folded = 0;
	slot->event.since_ns = 0;
	__sync_lock_test_and_set(&slot->state, bl_fold_tag(scratch->repeat) << 32);
}

/* ---- the ring ------------------------------------------------------------------------------- */

/* A record went into the ring, or there was no room for it; it tells of repeats. */
static __always_inline void bl_event_sent(long result, __u64 repeats, __u64 unfolded)
{
	bl_count_more(BL_COUNT_UNFOLDED, unfolded);
	if (!result) {
		bl_count(BL_COUNT_EVENTS);
		return;
	}
	bl_count(BL_COUNT_LOST_RING);
	bl_count_more(BL_COUNT_LOST_REPEATS, repeats);
}

/*
 * Sends the record; a lost one has used up its sequence number, so that the gap shows. The slot that is held for it
 * is given back. Verified on its own.
 */
__noinline int bl_event_send(struct bl_scratch *scratch)
{
	struct bl_fold *slot = NULL;
	struct bl_event *event;
	__u32 used, index;
	long r = -1;

	if (!scratch)
		return 0;
	event = &scratch->event;
	used = scratch->strings_used;
	index = scratch->fold - 1;
	if (scratch->fold)
		slot = bpf_map_lookup_elem(&folds, &index);
	event->seq = bl_sequence_next();
	if (used > BL_EVENT_STRINGS_MAX)
		used = BL_EVENT_STRINGS_MAX;
	event->size = sizeof(*event) + used;
	BL_BARRIER(used);
	if (used <= BL_EVENT_STRINGS_MAX)
		r = bpf_ringbuf_output(&ring, event, sizeof(*event) + used, 0);
	bl_event_sent(r, event->folded, event->folded);
	if (slot && r)
		__sync_lock_test_and_set(&slot->state, 0);
	else if (slot)
		bl_fold_keep(scratch, slot);
	return 0;
}

/* ---- repeats that nothing came after -------------------------------------------------------- */

/* Whether the ring has room: what has to wait is told the next time. */
static __always_inline int bl_ring_has(__u64 bytes)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + bytes + 64 <=
	       bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);
}

/* The last of the repeats is an event itself, and tells of the others. */
static __always_inline void bl_fold_tell(struct bl_fold *slot, __u32 n)
{
	struct bl_event *event = &slot->event;
	__u32 used = event->size - sizeof(*event);
	long r;

	event->cpu = bpf_get_smp_processor_id();
	event->seq = bl_sequence_next();
	event->folded = n - 1;
	event->since_ns = n > 1 ? slot->first : 0;
	event->time_ns = slot->last > slot->first ? slot->last : slot->first;
	BL_BARRIER(used);
	if (used > BL_FOLD_STRINGS)
		used = 0;
	r = bpf_ringbuf_output(&ring, event, sizeof(*event) + used, 0);
	bl_event_sent(r, n - 1, n);
}

static long bl_sweep_turn(__u32 index, void *ctx)
{
	struct bl_fold *slot = bpf_map_lookup_elem(&folds, &index);
	__u32 all = *(__u32 *)ctx, n;
	__u64 state;

	if (!slot)
		return 1;
	state = bl_load(&slot->state);
	n = state;
	if (state == BL_FOLD_BUSY || !n)
		return 0;
	if (!all && bpf_ktime_get_boot_ns() < slot->until)
		return 0;
	if (!bl_ring_has(slot->event.size))
		return 1;
	if (!bl_exchange_long(&slot->state, state, BL_FOLD_BUSY))
		return 0;
	bl_fold_tell(slot, n);
	__sync_lock_test_and_set(&slot->state, 0);
	return 0;
}

static __always_inline int bl_fold_sweep(__u32 all)
{
	bpf_loop(BL_FOLD_SLOTS, bl_sweep_turn, &all, 0);
	return 0;
}
