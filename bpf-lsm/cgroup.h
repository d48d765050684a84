/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What a process is called by its cgroup: unit, slice, container; the pure logic, as in match.h. A name counts
 * where only the host can have given it: a service manager hands the cgroups below a unit to what runs there,
 * and a container's root makes cgroups below its own, called as it likes. So it is the first unit and the first
 * container from the root that count.
 */
#pragma once

#include "conditions.h"

/*
 * Of a path no more than these components are looked at, from the root on: a name has 255 bytes at most, so
 * that they always fit into the walk. What is deeper is below whatever the host has named.
 */
#define BL_CGROUP_COMPS 12

/* Which components are still to come. */
enum bl_cgroup_part {
	BL_PART_OF_SLICES = 0,	 /* the slices, at the start */
	BL_PART_OF_HOST,		 /* what the host has made, not as a unit */
	BL_PART_OF_UNIT,		 /* below a unit, in what may be anybody's hands */
	BL_PART_OF_NEXT,		 /* the next one is the container's name */
	BL_PART_OF_SUPERVISOR, /* ... would be that of who looks after the container */
	BL_PART_OF_DONE,
};

/* Whether the process is in a container. */
enum bl_contained {
	BL_CONTAINED_NOT = 0,
	BL_CONTAINED_SURE, /* its cgroup's name is one that the host has given to a container */
	/*
	 * It may be one, but anybody could make that be so: the cgroup is named like that of a container below a unit,
	 * or the PID namespace is not the first one. For rules it is one and none, for exceptions neither.
	 */
	BL_CONTAINED_MAYBE,
};

/* Eight letters as they are loaded. */
#define BL_WORD(a, b, c, d, e, f, g, h)                                                           \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

#define BL_WORD_SERVICE	   BL_WORD('.', 's', 'e', 'r', 'v', 'i', 'c', 'e')
#define BL_WORD_SOCKET	   BL_WORD('.', 's', 'o', 'c', 'k', 'e', 't', 0)
#define BL_WORD_SCOPE	   BL_WORD('.', 's', 'c', 'o', 'p', 'e', 0, 0)
#define BL_WORD_SLICE	   BL_WORD('.', 's', 'l', 'i', 'c', 'e', 0, 0)
#define BL_WORD_MOUNT	   BL_WORD('.', 'm', 'o', 'u', 'n', 't', 0, 0)
#define BL_WORD_SWAP	   BL_WORD('.', 's', 'w', 'a', 'p', 0, 0, 0)
#define BL_WORD_MACHINE	   BL_WORD('m', 'a', 'c', 'h', 'i', 'n', 'e', '-')
#define BL_WORD_QEMU	   BL_WORD('q', 'e', 'm', 'u', '\\', 'x', '2', 'd')
#define BL_WORD_NSPAWN	   BL_WORD('s', 'y', 's', 't', 'e', 'm', 'd', '-')
#define BL_WORD_NSPAWN_END BL_WORD('-', 'n', 's', 'p', 'a', 'w', 'n', '@')
#define BL_WORD_LXC	   BL_WORD('l', 'x', 'c', '.', 'p', 'a', 'y', 'l')
#define BL_WORD_LXC_END	   BL_WORD('p', 'a', 'y', 'l', 'o', 'a', 'd', '.')
#define BL_WORD_CONMON	   BL_WORD(0, 'c', 'o', 'n', 'm', 'o', 'n', '-')
#define BL_WORD_SUPER	   BL_WORD('s', 'u', 'p', 'e', 'r', 'v', 'i', 's')
#define BL_WORD_SUPER_END  BL_WORD('p', 'e', 'r', 'v', 'i', 's', 'o', 'r')

#define BL_ID_DIGITS 64
#define BL_EACH_BYTE 0x0101010101010101ull
#define BL_HIGH_BITS 0x8080808080808080ull

/* Eight bytes of the walk's text; there is always something before and behind it. */
BL_INLINE __u64 bl_text_word(const struct bl_walk *walk, __u32 pos)
{
	BL_BARRIER(pos);
	return BL_LOAD64(&walk->path[pos & (BL_PATH_BYTES - 1)]);
}

/* The last n bytes before an end, as the first ones of a word. */
BL_INLINE __u64 bl_text_tail(const struct bl_walk *walk, __u32 end, __u32 n)
{
	return bl_text_word(walk, end - 8) >> (64 - 8 * n);
}

/* How long the type is that a unit's name ends in; 0: it is none of a unit with processes. */
BL_INLINE __u32 bl_unit_type(const struct bl_walk *walk, __u32 end)
{
	if (bl_text_word(walk, end - 8) == BL_WORD_SERVICE)
		return 8;
	if (bl_text_tail(walk, end, 7) == BL_WORD_SOCKET)
		return 7;
	if (bl_text_tail(walk, end, 6) == BL_WORD_SCOPE ||
	    bl_text_tail(walk, end, 6) == BL_WORD_MOUNT)
		return 6;
	return bl_text_tail(walk, end, 5) == BL_WORD_SWAP ? 5 : 0;
}

BL_INLINE __u32 bl_scope_type(const struct bl_walk *walk, __u32 end)
{
	return bl_text_tail(walk, end, 6) == BL_WORD_SCOPE ? 6 : 0;
}

/* All eight are digits or a to f. */
BL_INLINE int bl_is_hex(__u64 word)
{
	__u64 digit = (word + (0x80 - '0') * BL_EACH_BYTE) & ~(word + (0x80 - ':') * BL_EACH_BYTE);
	__u64 letter = (word + (0x80 - 'a') * BL_EACH_BYTE) & ~(word + (0x80 - 'g') * BL_EACH_BYTE);

	return !(word & BL_HIGH_BITS) && ((digit | letter) & BL_HIGH_BITS) == BL_HIGH_BITS;
}

/*
 * Whether a name, up to an end that leaves out its type, is the id of a container, or ends in one after a
 * '-' (docker-ID, cri-containerd-ID, libpod-payload-ID); that of podman's and CRI-O's monitor is none.
 */
BL_INLINE int bl_id_find(struct bl_walk *walk, __u32 start, __u32 end)
{
	__u32 id = end - BL_ID_DIGITS;

	if (end - start < BL_ID_DIGITS)
		return 0;
	if (end - start > BL_ID_DIGITS && (bl_text_tail(walk, id, 1) != '-' ||
					   bl_text_word(walk, id - 8) >> 8 == BL_WORD_CONMON >> 8))
		return 0;
	BL_UNROLL
	for (__u32 i = 0; i < BL_ID_DIGITS; i += 8)
		if (!bl_is_hex(bl_text_word(walk, id + i)))
			return 0;
	walk->names.id = id;
	walk->names.id_end = end;
	return 1;
}

BL_INLINE int bl_container_is(struct bl_walk *walk, __u32 start, __u32 end, __u32 place)
{
	walk->names.id = start;
	walk->names.id_end = end;
	walk->names.place = place;
	return 1;
}

/* The names that LXC gives: lxc.payload.NAME, lxc.payload/NAME, lxc/NAME. */
BL_INLINE int bl_lxc_find(struct bl_walk *walk, __u32 start, __u32 end)
{
	__u64 word = bl_text_word(walk, start);

	if (end - start == 3 && (word & 0xffffff) == (BL_WORD_LXC & 0xffffff)) {
		walk->names.place = BL_PART_OF_NEXT;
		return 0;
	}
	if (word != BL_WORD_LXC || end - start < 11)
		return 0;
	if (end - start == 11 && bl_text_word(walk, start + 3) == (BL_WORD_LXC_END << 8 | '.')) {
		walk->names.place = BL_PART_OF_NEXT;
		return 0;
	}
	if (end - start > 12 && bl_text_word(walk, start + 4) == BL_WORD_LXC_END)
		return bl_container_is(walk, start + 12, end, BL_PART_OF_DONE);
	return 0;
}

/* Those that systemd gives: machine-NAME.scope, systemd-nspawn@NAME.service. A machine of QEMU is a process of the host. */
BL_INLINE int bl_machine_find(struct bl_walk *walk, __u32 start, __u32 end, __u32 type)
{
	__u64 word = bl_text_word(walk, start);

	if (word == BL_WORD_MACHINE && type == 6 && end - start > 8 + 6 &&
	    bl_text_tail(walk, end, 6) == BL_WORD_SCOPE &&
	    bl_text_word(walk, start + 8) != BL_WORD_QEMU)
		return bl_container_is(walk, start + 8, end - 6, BL_PART_OF_SUPERVISOR);
	if (word == BL_WORD_NSPAWN && type == 8 && end - start > 15 + 8 &&
	    bl_text_word(walk, start + 7) == BL_WORD_NSPAWN_END)
		return bl_container_is(walk, start + 15, end - 8, BL_PART_OF_SUPERVISOR);
	return 0;
}

BL_INLINE int bl_is_supervisor(const struct bl_walk *walk, __u32 start, __u32 end)
{
	return end - start == 10 && bl_text_word(walk, start) == BL_WORD_SUPER &&
	       bl_text_word(walk, start + 2) == BL_WORD_SUPER_END;
}

/* The first component that is no slice: a unit, or something else that the host has made. */
BL_INLINE void bl_unit_seen(struct bl_walk *walk, __u32 start, __u32 end)
{
	struct bl_cgroup_parts *names = &walk->names;
	__u32 type = bl_unit_type(walk, end);

	if (end - start <= type)
		type = 0;
	names->place = type ? BL_PART_OF_UNIT : BL_PART_OF_HOST;
	if (type) {
		names->unit = start;
		names->unit_end = end;
	}
	if (bl_id_find(walk, start, end - bl_scope_type(walk, end))) {
		names->place = BL_PART_OF_DONE;
		names->container = BL_CONTAINED_SURE;
	} else if (bl_machine_find(walk, start, end, type) || bl_lxc_find(walk, start, end)) {
		names->container = BL_CONTAINED_SURE;
	}
}

/* A component below that. */
BL_INLINE void bl_below_seen(struct bl_walk *walk, __u32 start, __u32 end)
{
	struct bl_cgroup_parts *names = &walk->names;
	__u32 contained = names->place == BL_PART_OF_HOST ? BL_CONTAINED_SURE : BL_CONTAINED_MAYBE;

	if (bl_id_find(walk, start, end - bl_scope_type(walk, end))) {
		names->place = BL_PART_OF_DONE;
		names->container = contained;
	} else if (bl_lxc_find(walk, start, end)) {
		names->container = contained;
	}
}

/* One component, counted from the root; 1 ends it. */
static long bl_cgroup_names_turn(__u32 index, void *ctx)
{
	const struct bl_matcher *m = ctx;
	struct bl_walk *walk = m->walk;
	struct bl_cgroup_parts *names = &walk->names;
	__u32 k = walk->n_comps - 1 - index, start, end = BL_PATH_BYTES;

	if (index >= walk->n_comps || names->place == BL_PART_OF_DONE)
		return 1;
	start = walk->comp[k & (BL_DEPTH_MAX - 1)] + 1;
	if (k)
		end = walk->comp[(k - 1) & (BL_DEPTH_MAX - 1)];
	switch (names->place) {
	case BL_PART_OF_SLICES:
		if (end - start > 6 && bl_text_tail(walk, end, 6) == BL_WORD_SLICE) {
			names->slice = start;
			names->slice_end = end;
		} else {
			bl_unit_seen(walk, start, end);
		}
		break;
	case BL_PART_OF_NEXT:
		bl_container_is(walk, start, end, BL_PART_OF_DONE);
		names->container = names->unit_end ? BL_CONTAINED_MAYBE : BL_CONTAINED_SURE;
		break;
	case BL_PART_OF_SUPERVISOR:
		if (bl_is_supervisor(walk, start, end))
			names->container = BL_CONTAINED_NOT;
		names->place = BL_PART_OF_DONE;
		break;
	default:
		bl_below_seen(walk, start, end);
	}
	return 0;
}

/* Finds the names in the walk's text; nested: the PID namespace is not the first one. */
BL_INLINE void bl_cgroup_find(const struct bl_matcher *m, __u32 nested)
{
	struct bl_cgroup_parts *names = &m->walk->names;

	__builtin_memset(names, 0, sizeof(*names));
	BL_LOOP(BL_CGROUP_COMPS, bl_cgroup_names_turn, (void *)m);
	if (names->container == BL_CONTAINED_NOT) {
		names->id_end = 0;
		if (nested)
			names->container = BL_CONTAINED_MAYBE;
	}
}

/* ---- conditions --------------------------------------------------------------------------- */

static long bl_bits_not_turn(__u32 index, void *ctx)
{
	const struct bl_bits_ctx *c = ctx;
	__u32 i = index & (BL_COND_WORDS - 1);

	c->bits[i] = ~bl_bits_word(c->chunk, c->offset, i);
	return 0;
}

/* bits = all but the set at offset. */
BL_CALLED int bl_bits_not(const struct bl_matcher *m, __u64 *bits, __u32 offset)
{
	struct bl_bits_ctx ctx = {
		.bits = bits,
		.chunk = bl_chunk(m->image, offset),
		.offset = offset,
	};

	if (ctx.chunk)
		BL_LOOP(m->header->cond_words, bl_bits_not_turn, &ctx);
	return 0;
}

/* Where the DFA goes by one byte. */
BL_INLINE __u32 bl_dfa_step(const struct bl_matcher *m, __u32 state, __u8 byte)
{
	const __u32 *next = NULL;

	if (state)
		next = bl_at(m, state + 4 * (1 + m->header->byte_class[byte]), __u32);
	return next ? *next : 0;
}

/* Adds to the walk's work space the conditions whose name is the walk's text from pos to end, read from a state. */
BL_CALLED int bl_name_add(const struct bl_matcher *m, __u32 state, __u32 pos, __u32 end,
			  __u32 without)
{
	struct bl_walk *walk = m->walk;
	const struct bl_class *class = NULL;
	__u32 offset;

	if (!state)
		return 0;
	walk->dfa = state;
	walk->dfa_pos = pos;
	walk->dfa_end = end;
	if (pos < end)
		BL_LOOP(BL_PATH_BYTES / BL_DFA_BLOCK, bl_dfa_turn, (void *)m);
	offset = bl_dfa_class(m, walk->dfa);
	if (offset)
		class = bl_at(m, offset, struct bl_class);
	if (class)
		bl_bits_or(m, walk->bits, class->exe_bits, without);
	return 0;
}

/* What is left of the bits by a kind of name, where the work space has the conditions with that name. */
BL_INLINE void bl_name_and(const struct bl_matcher *m, __u64 *bits, __u32 name)
{
	bl_bits_or(m, m->walk->bits, m->header->names_any[name], 0);
	bl_bits_and(m, bits, m->walk->bits);
}

/* A unit or a slice. systemd writes a '_' before a name that a file of the cgroup could have. */
BL_INLINE void bl_subject_unit(const struct bl_matcher *m, __u64 *bits, __u32 name, __u32 pos,
			       __u32 end)
{
	if (end && (bl_text_word(m->walk, pos) & 0xff) == '_')
		pos++;
	bl_bits_clear(m->walk->bits);
	if (end)
		bl_name_add(m, bl_dfa_step(m, m->header->dfa_start, name), pos, end, 0);
	bl_name_and(m, bits, name);
}

/* Where a cgroup is in no slice, it is in this one. The start of the walk's text is free for it. */
BL_INLINE void bl_slice_none(struct bl_walk *walk)
{
	__u64 none = BL_WORD('-', '.', 's', 'l', 'i', 'c', 'e', 0);

	__builtin_memcpy(walk->path, &none, sizeof(none));
	walk->names.slice = 0;
	walk->names.slice_end = sizeof(none) - 1;
}

BL_INLINE void bl_subject_container(const struct bl_matcher *m, __u64 *bits)
{
	const struct bl_cgroup_parts *names = &m->walk->names;
	__u32 none = bl_dfa_step(m, m->header->dfa_start, BL_NAME_CONTAINER);
	__u32 contained = names->container, without = 0;

	if (contained == BL_CONTAINED_MAYBE)
		without = m->header->names_grant;
	bl_bits_clear(m->walk->bits);
	if (contained != BL_CONTAINED_SURE)
		bl_name_add(m, none, 0, 0, without);
	if (contained != BL_CONTAINED_NOT)
		bl_name_add(m, bl_dfa_step(m, none, '/'), names->id,
			    names->id_end ? names->id_end : names->id, without);
	bl_name_and(m, bits, BL_NAME_CONTAINER);
}

/* The cgroup's path. Where it is longer than what the walk has, it may be what any rule asks for. */
BL_INLINE void bl_subject_cgroup(const struct bl_matcher *m, __u64 *bits, __u32 cut)
{
	__u32 state = bl_dfa_step(m, m->header->dfa_start, BL_NAME_CGROUP);

	bl_bits_clear(m->walk->bits);
	if (cut)
		bl_bits_not(m, m->walk->bits, m->header->names_grant);
	else
		bl_name_add(m, state, m->walk->n_comps ? m->walk->pos : BL_PATH_BYTES,
			    BL_PATH_BYTES, 0);
	bl_name_and(m, bits, BL_NAME_CGROUP);
}

/* bits &= the conditions that all names leave open which bl_cgroup_find() has found. */
BL_INLINE void bl_subject_names(const struct bl_matcher *m, __u64 *bits, __u32 cut)
{
	const struct bl_cgroup_parts *names = &m->walk->names;

	bl_subject_cgroup(m, bits, cut);
	bl_subject_unit(m, bits, BL_NAME_UNIT, names->unit, names->unit_end);
	bl_subject_container(m, bits);
	if (!names->slice_end)
		bl_slice_none(m->walk);
	bl_subject_unit(m, bits, BL_NAME_SLICE, names->slice, names->slice_end);
}
