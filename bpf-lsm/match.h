/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * From a path to its classes, by the tables of abi.h, and what all of the pure logic needs: no maps, no
 * kernel structs. The same text is compiled as BPF and as host C, so that what the tests decide is what
 * the kernel decides. verdict.h goes on from there.
 */
#pragma once

#include "abi.h"

/*
 * The three things that differ between the worlds: how a chunk is reached, how a long loop is
 * written, and where memory for it lives. Loop state is in struct bl_walk (a map value in BPF),
 * never on the stack: the verifier of 6.12 and later would follow every value it can take.
 */
#ifdef __bpf__
typedef void *bl_image_t; /* the inner array map */

static __always_inline const __u8 *bl_chunk(bl_image_t image, __u32 offset)
{
	__u32 index = offset >> BL_CHUNK_SHIFT;

	return bpf_map_lookup_elem(image, &index);
}

#define BL_LOOP(count, fn, ctx) bpf_loop((count), (fn), (ctx), 0)
#define BL_BARRIER(x)		asm volatile("" : "+r"(x))
#define BL_UNROLL		_Pragma("clang loop unroll(full)")
#define BL_INLINE		static __always_inline
/* The compiler would load byte by byte: it takes BPF for a machine that can't load unaligned. */
#define BL_LOAD64(at)		(*(const __u64 *)(at))
#define BL_CALLED		static __noinline /* a frame of its own: the stack is 512 bytes */
#else
typedef const __u8 *bl_image_t; /* the bytes themselves */

static inline const __u8 *bl_chunk(bl_image_t image, __u32 offset)
{
	return image + (offset & ~(BL_CHUNK_BYTES - 1));
}

typedef long (*bl_loop_fn)(__u32 index, void *ctx);

static inline void bl_loop(__u32 count, bl_loop_fn fn, void *ctx)
{
	for (__u32 i = 0; i < count; i++)
		if (fn(i, ctx))
			return;
}

#define BL_LOOP(count, fn, ctx) bl_loop((count), (fn), (ctx))
#define BL_BARRIER(x)		((void)0)
#define BL_UNROLL
#define BL_INLINE		static inline __attribute__((unused))
#define BL_LOAD64(at)                                           \
	({                                                      \
		__u64 __value;                                  \
		__builtin_memcpy(&__value, (at), sizeof(__value)); \
		__value;                                        \
	})
#define BL_CALLED		BL_INLINE
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fingerprints load little-endian words");

#define BL_SEEN_MAX  64	  /* matching rules that are told apart; 'others' stops there */
#define BL_DFA_BLOCK 16	  /* bytes a turn of the DFA's loop */
#define BL_FP_BLOCK  4	  /* words a turn of a name's fingerprint */
#define BL_PATH_PAD  1040 /* loads of the last component and block may reach past the text */

#define BL_LISTS_MAX	    8  /* of an access; a power of two */
#define BL_CHAIN_MAX	    8  /* names of a chain */
#define BL_SHORT_NAME_MAX   31 /* bytes of a name that is kept in its dentry */
#define BL_SHORT_NAME_WORDS 4  /* of eight bytes, a NUL at the name's end included */

/*
 * The names at a path's end, from the last one up: short ones as their dentries have them, with anything
 * behind the NUL. Only the first may be longer; its text is in the walk.
 */
struct bl_chain {
	__u32 n; /* 0: all names are in the walk's text */
	__u32 len[BL_CHAIN_MAX];
	__u32 _pad;
	__u64 name[BL_CHAIN_MAX][BL_SHORT_NAME_WORDS];
};

/*
 * Names that the walk's text has in it, being a cgroup's path: where each begins and ends. An end of 0: there is
 * no such name.
 */
struct bl_cgroup_parts {
	__u32 unit, unit_end;
	__u32 slice, slice_end;
	__u32 id, id_end;   /* of the container */
	__u32 place;	    /* enum bl_cgroup_part, while the components are looked at */
	__u32 container;    /* enum bl_contained */
};

/* A path being matched, and what came of it. Scratch memory; path text ends at BL_PATH_BYTES. */
struct bl_walk {
	__u32 pos;	   /* where the text starts in path[] */
	__u32 n_comps;	   /* components; comp[0] is the last one */
	__u32 first;	   /* component (counted as in comp[]) that the current run starts with */
	__u32 until;	   /* components at the end that the run leaves out */
	__u32 rest;	   /* components that the trie has not followed, those at the end included */
	__u32 trie;	   /* state of the trie's run */
	__u32 trie_class;  /* what that state comes to */
	__u32 dfa;	   /* state of the DFA's run */
	__u32 dfa_pos;
	__u32 dfa_end;
	__u32 name_pos;	   /* text of the component that the trie is at */
	__u32 name_len;
	__u64 h0, h1;	   /* a fingerprint in the making */
	__u32 n_classes;
	__u32 overflow;	   /* more names than BL_CLASSES_MAX: the object counts as lost */
	__u32 classes[BL_CLASSES_MAX];

	__u32 low, high;   /* bounds of a search by halves */
	__u32 best;	   /* what it has found */

	__u32 n_lists;
	__u32 lists[BL_LISTS_MAX]; /* offsets of the lists to search */
	__u32 list;	   /* offset of the one being searched */
	__u32 access;	   /* what is asked */
	__u32 except;	   /* offset of the exceptions being searched */
	__u32 excepted;	   /* accesses that a rule's exceptions take out */
	__u32 verdict;	   /* enum bl_verdict of the strictest match */
	__u32 rule;
	__u32 rank;	   /* of that rule */
	__u32 current;	   /* rule that is looked for among those seen */
	__u32 current_seen;
	__u32 n_seen;
	__u32 seen[BL_SEEN_MAX];

	__u64 bits[BL_COND_WORDS]; /* work space of subject conditions */
	struct bl_cgroup_parts names;

	__u32 n_pending;   /* rules that hold if the arguments do */
	__u32 args_left;   /* arguments that have not ended yet */
	__u32 args_start;  /* state of the DFA before an argument */
	__u32 args_base;   /* where the bytes at hand are among all of them */
	__u32 arg_at;	   /* where the argument at hand begins there */
	__u32 arg_skip;	   /* 1: it is the program's own name for itself */
	__u32 found_at;	   /* the argument that the strictest match is about */
	__u32 found_len;
	__u64 pending[BL_COND_WORDS]; /* the numbers of those rules */

	struct bl_chain chain;
	__u16 comp[BL_DEPTH_MAX]; /* position of each component's leading '/' */
	char path[BL_PATH_BYTES + BL_PATH_PAD];
};

/* What a run needs; constant while a loop runs, so it may be on the stack. */
struct bl_matcher {
	bl_image_t image;
	const struct bl_header *header;
	struct bl_walk *walk;
	const __u64 *bits; /* the subject's conditions; NULL: only condition 0 holds */
};

/* A record of 'size' bytes (a power of two that it is aligned to) at an offset of the image. */
#define bl_at(m, offset, type) \
	((const type *)bl_record(bl_chunk((m)->image, (offset)), (offset), sizeof(type)))

BL_INLINE const void *bl_record(const __u8 *chunk, __u32 offset, __u32 size)
{
	__u32 in = offset;

	if (!chunk)
		return NULL;
	BL_BARRIER(in);
	return chunk + (in & (BL_CHUNK_BYTES - size));
}

/* The same where it is on every cold decision's way: the first chunk is at hand. */
#define bl_near(m, offset, type) ((const type *)bl_near_record((m), (offset), sizeof(type)))

BL_INLINE const void *bl_near_record(const struct bl_matcher *m, __u32 offset, __u32 size)
{
	const __u8 *first = (const __u8 *)m->header;
	__u32 in = offset;

	if (!first)
		__builtin_unreachable();
	BL_BARRIER(in);
	if (offset < BL_CHUNK_BYTES)
		return first + (in & (BL_CHUNK_BYTES - size));
	return bl_record(bl_chunk(m->image, offset), in, size);
}

/* ---- fingerprints ------------------------------------------------------------------------- */

struct bl_fp {
	__u64 h0;
	__u64 h1;
};

BL_INLINE void bl_fp_add(struct bl_fp *fp, const struct bl_header *header, __u32 index, __u32 word)
{
	fp->h0 += header->key[0][index] * word;
	fp->h1 += header->key[1][index] * word;
}

BL_INLINE __u64 bl_fp_end(const struct bl_fp *fp)
{
	return (fp->h0 >> 32 << 32) | (fp->h1 >> 32);
}

/* Eight bytes of a name as two words; what is beyond its end counts as nothing. */
BL_INLINE __u64 bl_words(const char *bytes, __u32 rest)
{
	__u64 words = BL_LOAD64(bytes);

	return rest < sizeof(words) ? words & ((1ull << (rest * 8)) - 1) : words;
}

/* The words of one block of a name; name has BL_PATH_PAD readable bytes after its start. */
BL_INLINE void bl_fp_block(struct bl_fp *fp, const struct bl_header *header, __u32 block,
			   const char *name, __u32 len)
{
	for (__u32 i = 0; i < BL_FP_BLOCK; i += 2) {
		__u32 index = block * BL_FP_BLOCK + i;
		__u64 words;

		if (index * 4 >= len)
			break;
		words = bl_words(name + index * 4, len - index * 4);
		bl_fp_add(fp, header, index, (__u32)words);
		bl_fp_add(fp, header, index + 1, words >> 32);
	}
}

/* What counts of each word of a name of so many bytes, the NUL behind it included. */
#define BL_BYTES(n) ((n) <= 0 ? 0ull : (n) >= 8 ? ~0ull : (1ull << ((n)*8 & 63)) - 1)
/* clang-format off */
#define BL_MASK(n)  { BL_BYTES(n), BL_BYTES(n - 8), BL_BYTES(n - 16), BL_BYTES(n - 24) }
#define BL_MASKS(n) BL_MASK(n), BL_MASK(n + 1), BL_MASK(n + 2), BL_MASK(n + 3)
/* clang-format on */

static const __u64 bl_name_masks[BL_SHORT_NAME_MAX + 1][BL_SHORT_NAME_WORDS] = {
	BL_MASKS(1),  BL_MASKS(5),  BL_MASKS(9),  BL_MASKS(13),
	BL_MASKS(17), BL_MASKS(21), BL_MASKS(25), BL_MASKS(29),
};

/* The words of a short name. */
BL_INLINE void bl_fp_short(struct bl_fp *fp, const struct bl_header *header, const __u64 *name,
			   __u32 len)
{
	const __u64 *mask = bl_name_masks[len & BL_SHORT_NAME_MAX];

	BL_BARRIER(mask); /* or its address is worked out anew for each word that is read */
	for (__u32 i = 0; i < BL_SHORT_NAME_WORDS; i++) {
		__u64 words;

		if (i && i * sizeof(words) >= len)
			break;
		words = name[i] & mask[i];
		bl_fp_add(fp, header, 2 * i, (__u32)words);
		bl_fp_add(fp, header, 2 * i + 1, words >> 32);
	}
}

#ifndef __bpf__
/* The fingerprint of an edge, as bl_trie_turn() makes it block by block. */
BL_INLINE __u64 bl_fp_edge(const struct bl_header *header, __u32 node, const char *name, __u32 len)
{
	struct bl_fp fp = {};

	for (__u32 block = 0; block * 4 * BL_FP_BLOCK < len; block++)
		bl_fp_block(&fp, header, block, name, len);
	bl_fp_add(&fp, header, BL_HASH_WORDS - 1, node);
	return bl_fp_end(&fp);
}
#endif

BL_INLINE __u64 bl_fp_prefix(const struct bl_header *header, const struct bl_prefix_key *key,
			     __u32 len, int v6)
{
	struct bl_fp fp = {};

	for (__u32 i = 0; i < 4; i++)
		bl_fp_add(&fp, header, i, key->word[i]);
	bl_fp_add(&fp, header, 4, len + (v6 ? 256 : 0));
	bl_fp_add(&fp, header, 5, BL_FP_ADDRESS);
	return bl_fp_end(&fp);
}

BL_INLINE __u64 bl_fp_port(const struct bl_header *header, __u32 addr_class, __u32 port_class)
{
	struct bl_fp fp = {};

	bl_fp_add(&fp, header, 0, addr_class);
	bl_fp_add(&fp, header, 1, port_class);
	bl_fp_add(&fp, header, 5, BL_FP_PORT);
	return bl_fp_end(&fp);
}

/* The value of a fingerprint in a bucket, or 0. */
BL_INLINE __u32 bl_bucket_find(const struct bl_bucket *bucket, __u64 fp)
{
	for (int i = 0; i < BL_BUCKET_SLOTS; i++) {
		__u32 value;

		if (bucket->fp[i] != fp)
			continue;
		value = bucket->value[i];
		BL_BARRIER(value); /* or the slot's number is kept, to load it later */
		return value;
	}
	return 0;
}

BL_INLINE __u32 bl_hash_find(const struct bl_matcher *m, const struct bl_hash *hash, __u64 fp)
{
	const struct bl_bucket *bucket;
	__u32 value;

	if (!hash->offset)
		return 0;
	BL_BARRIER(fp); /* or its parts are kept over the next call */
	bucket = bl_near(m, hash->offset + ((__u32)fp & hash->mask) * sizeof(*bucket),
			 struct bl_bucket);
	if (!bucket)
		return 0;
	value = bl_bucket_find(bucket, fp);
	if (value || !bucket->overflow)
		return value;
	bucket = bl_near(m, hash->offset + ((__u32)(fp >> 32) & hash->mask) * sizeof(*bucket),
			 struct bl_bucket);
	return bucket ? bl_bucket_find(bucket, fp) : 0;
}

/* ---- paths -> classes --------------------------------------------------------------------- */

BL_INLINE void bl_walk_reset(struct bl_walk *walk)
{
	walk->n_classes = 0;
	walk->overflow = 0;
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++)
		walk->classes[i] = 0;
}

BL_INLINE void bl_class_add(struct bl_walk *walk, __u32 class)
{
	__u32 n = walk->n_classes;

	if (!class)
		return;
	for (__u32 i = 0; i < BL_CLASSES_MAX; i++) {
		if (i >= n)
			break;
		if (walk->classes[i] == class)
			return;
	}
	if (n >= BL_CLASSES_MAX) {
		walk->overflow = 1;
		return;
	}
	BL_BARRIER(n);
	if (n < BL_CLASSES_MAX)
		walk->classes[n] = class;
	walk->n_classes = n + 1;
}

/* A further block of a long component; 1 ends it. */
static long bl_name_turn(__u32 index, void *ctx)
{
	const struct bl_matcher *m = ctx;
	struct bl_walk *walk = m->walk;
	__u32 block = (index + 1) & (BL_HASH_WORDS / BL_FP_BLOCK - 1), pos = walk->name_pos;
	struct bl_fp fp = {};

	if (block * 4 * BL_FP_BLOCK >= walk->name_len)
		return 1;
	BL_BARRIER(block);
	BL_BARRIER(pos);
	bl_fp_block(&fp, m->header, block & (BL_HASH_WORDS / BL_FP_BLOCK - 1),
		    &walk->path[pos & (BL_PATH_BYTES - 1)], walk->name_len);
	walk->h0 += fp.h0;
	walk->h1 += fp.h1;
	return 0;
}

/* The words of the walk's component; most names are one block long. */
BL_INLINE struct bl_fp bl_name_fp(const struct bl_matcher *m, __u32 pos, __u32 len)
{
	struct bl_walk *walk = m->walk;
	struct bl_fp fp = {};

	BL_BARRIER(pos);
	bl_fp_block(&fp, m->header, 0, &walk->path[pos & (BL_PATH_BYTES - 1)], len);
	if (len > 4 * BL_FP_BLOCK) {
		walk->name_len = len;
		walk->h0 = fp.h0;
		walk->h1 = fp.h1;
		BL_LOOP(BL_HASH_WORDS / BL_FP_BLOCK - 1, bl_name_turn, (void *)m);
		fp.h0 = walk->h0;
		fp.h1 = walk->h1;
	}
	return fp;
}

/* Where the edge of a name's words leads from a state of the trie; 0: there is none. */
BL_INLINE __u32 bl_trie_child(const struct bl_matcher *m, __u32 trie, struct bl_fp fp)
{
	bl_fp_add(&fp, m->header, BL_HASH_WORDS - 1, trie);
	return bl_hash_find(m, &m->header->trie, bl_fp_end(&fp));
}

/* One component of the trie's run; 1 ends it. */
BL_INLINE int bl_trie_step(const struct bl_matcher *m, __u32 k)
{
	struct bl_walk *walk = m->walk;
	__u32 start = walk->name_pos, end = BL_PATH_BYTES, child;

	if (k)
		end = walk->comp[(k - 1) & (BL_DEPTH_MAX - 1)];
	child = bl_trie_child(m, walk->trie, bl_name_fp(m, start, end - start));
	if (!child)
		return 1;
	walk->trie = child;
	walk->rest = k;
	walk->name_pos = end + 1;
	return (child & BL_TRIE_LEAF) != 0;
}

/* Two of them: what a call costs is a good part of what a step does. */
static long bl_trie_turn(__u32 index, void *ctx)
{
	const struct bl_matcher *m = ctx;
	__u32 k = m->walk->first - 2 * index;

	if (bl_trie_step(m, k) || k == m->walk->until)
		return 1;
	return bl_trie_step(m, k - 1);
}

/* One block of the DFA's run; 1 ends it: dead, settled, or at the end of the text. */
static long bl_dfa_turn(__u32 index, void *ctx)
{
	const struct bl_matcher *m = ctx;
	struct bl_walk *walk = m->walk;
	__u32 pos = walk->dfa_pos, state = walk->dfa, n = walk->dfa_end - pos;
	const __u8 *chunk = bl_chunk(m->image, state);
	__u32 current = state >> BL_CHUNK_SHIFT;

	if (!chunk || pos >= walk->dfa_end)
		return 1;
	if (*(const __u32 *)(chunk + (state & (BL_CHUNK_BYTES - 4))) & BL_DFA_SINK)
		return 1;
	BL_BARRIER(pos);
	pos &= BL_PATH_BYTES - 1;
	for (__u32 i = 0; i < BL_DFA_BLOCK; i++) {
		__u32 slot;

		if (i >= n)
			break;
		slot = (state & (BL_CHUNK_BYTES - 1)) +
		       4 * (1 + m->header->byte_class[(__u8)walk->path[pos + i]]);
		BL_BARRIER(slot);
		slot &= BL_CHUNK_BYTES - 4;
		state = *(const __u32 *)(chunk + slot);
		if (state >> BL_CHUNK_SHIFT != current) {
			chunk = bl_chunk(m->image, state);
			current = state >> BL_CHUNK_SHIFT;
			if (!chunk)
				return 1;
		}
	}
	walk->dfa = state;
	walk->dfa_pos = pos + BL_DFA_BLOCK;
	return n <= BL_DFA_BLOCK;
}

BL_INLINE __u32 bl_dfa_class(const struct bl_matcher *m, __u32 state)
{
	const __u32 *row = state ? bl_at(m, state, __u32) : NULL;

	return row ? *row & ~BL_DFA_SINK : 0;
}

/* True for a state that nothing matches in any more. */
BL_INLINE int bl_dfa_dead(const struct bl_matcher *m, __u32 state)
{
	const __u32 *row = state ? bl_at(m, state, __u32) : NULL;

	return !row || *row == BL_DFA_SINK;
}

/* Begins a run; true when the trie has a component to follow. */
BL_INLINE int bl_run_begin(const struct bl_matcher *m, __u32 n_comps, __u32 until, __u32 trie)
{
	struct bl_walk *walk = m->walk;

	walk->trie = trie;
	walk->trie_class = 0;
	walk->first = n_comps - 1;
	walk->until = until;
	walk->rest = n_comps;
	if (n_comps <= until || !trie || trie & (BL_TRIE_BELOW | BL_TRIE_LEAF))
		return 0;
	walk->name_pos = walk->comp[(n_comps - 1) & (BL_DEPTH_MAX - 1)] + 1;
	return 1;
}

/*
 * Ends the trie's part of a run that began at the given states. A node of the trie knows where the DFA is
 * after its path, so the DFA only reads what the trie could not follow. True when there is such a rest.
 */
BL_INLINE int bl_run_trie_end(const struct bl_matcher *m, __u32 until, __u32 trie, __u32 dfa)
{
	struct bl_walk *walk = m->walk;
	const struct bl_trie_node *node = NULL;
	__u32 rest = walk->rest;

	if (trie && rest > until)
		walk->trie |= BL_TRIE_BELOW;
	if (trie && m->header->nodes)
		node = bl_near(m, m->header->nodes + (walk->trie & BL_TRIE_NODE) * sizeof(*node),
			       struct bl_trie_node);
	if (node) {
		walk->trie_class = walk->trie & BL_TRIE_BELOW ? node->below : node->term;
		if (!(trie & BL_TRIE_BELOW))
			dfa = node->dfa;
	}
	walk->dfa = dfa;
	return dfa && rest > until;
}

/* Ends a run over the walk's text that the trie began at the given states. */
BL_INLINE void bl_run_end(const struct bl_matcher *m, __u32 until, __u32 trie, __u32 dfa)
{
	struct bl_walk *walk = m->walk;
	__u32 rest;

	if (!bl_run_trie_end(m, until, trie, dfa))
		return;
	rest = walk->rest;
	walk->dfa_end = BL_PATH_BYTES;
	if (until)
		walk->dfa_end = walk->comp[(until - 1) & (BL_DEPTH_MAX - 1)];
	BL_BARRIER(rest);
	walk->dfa_pos = walk->comp[(rest - 1) & (BL_DEPTH_MAX - 1)];
	BL_LOOP(BL_PATH_BYTES / BL_DFA_BLOCK, bl_dfa_turn, (void *)m);
}

/*
 * Runs both machines over the last n_comps components of the walk's text but for 'until' ones at its
 * end, from the given states; leaves the end states in walk->trie and walk->dfa.
 */
BL_INLINE void bl_path_run(const struct bl_matcher *m, __u32 n_comps, __u32 until, __u32 trie,
			   __u32 dfa)
{
	if (bl_run_begin(m, n_comps, until, trie))
		BL_LOOP((n_comps - until + 1) / 2, bl_trie_turn, (void *)m);
	bl_run_end(m, until, trie, dfa);
}

/* One name of the trie's run over a chain; 0 ends it. */
BL_INLINE int bl_chain_step(const struct bl_matcher *m, __u32 i)
{
	struct bl_walk *walk = m->walk;
	struct bl_fp fp = {};
	__u32 child;

	bl_fp_short(&fp, m->header, walk->chain.name[i], walk->chain.len[i]);
	child = bl_trie_child(m, walk->trie, fp);
	if (!child)
		return 0;
	walk->trie = child;
	walk->rest = i;
	return !(child & BL_TRIE_LEAF);
}

_Static_assert(BL_CHAIN_MAX == 8, "the steps of bl_chain_follow()");

/* Follows the trie along the chain. Each name is at a place of its own: no loop is to be kept count of. */
BL_INLINE int bl_chain_follow(const struct bl_matcher *m, __u32 n)
{
	return !((n > 7 && !bl_chain_step(m, 7)) || (n > 6 && !bl_chain_step(m, 6)) ||
		 (n > 5 && !bl_chain_step(m, 5)) || (n > 4 && !bl_chain_step(m, 4)) ||
		 (n > 3 && !bl_chain_step(m, 3)) || (n > 2 && !bl_chain_step(m, 2)) ||
		 (n > 1 && !bl_chain_step(m, 1)) || (n > 0 && !bl_chain_step(m, 0)));
}

/*
 * Runs the trie over the walk's chain, from the given states. 0: what the trie can't follow is for the DFA,
 * which reads text only, or the last name is a long one.
 */
BL_INLINE int bl_chain_run(const struct bl_matcher *m, __u32 trie, __u32 dfa)
{
	struct bl_walk *walk = m->walk;

	if (walk->chain.len[0] > BL_SHORT_NAME_MAX)
		return 0;
	walk->trie = trie;
	walk->trie_class = 0;
	walk->rest = walk->chain.n;
	if (trie && !(trie & (BL_TRIE_BELOW | BL_TRIE_LEAF)))
		bl_chain_follow(m, walk->chain.n);
	return !bl_run_trie_end(m, 0, trie, dfa);
}

/* The same over the last component of the text. */
BL_INLINE void bl_name_run(const struct bl_matcher *m, __u32 trie, __u32 dfa)
{
	if (bl_run_begin(m, 1, 0, trie))
		bl_trie_step(m, 0);
	bl_run_end(m, 0, trie, dfa);
}

/* False when no path that goes on from the walk's states can match; a dead DFA's state becomes 0. */
BL_INLINE int bl_run_alive(const struct bl_matcher *m)
{
	struct bl_walk *walk = m->walk;

	if (bl_dfa_dead(m, walk->dfa))
		walk->dfa = 0;
	return walk->dfa || (walk->trie && (!(walk->trie & BL_TRIE_BELOW) || walk->trie_class));
}

/* Adds the classes of the end states that bl_path_run() left. */
BL_INLINE void bl_path_classes(const struct bl_matcher *m)
{
	bl_class_add(m->walk, m->walk->trie_class);
	bl_class_add(m->walk, bl_dfa_class(m, m->walk->dfa));
}

/* The class of the abstract name of a socket: the walk's text, as one component. */
BL_INLINE void bl_abstract_run(const struct bl_matcher *m)
{
	bl_walk_reset(m->walk);
	bl_path_run(m, 1, 0, 0, m->header->dfa_start);
	bl_path_classes(m);
}
