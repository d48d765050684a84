/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From a destination to the rules about it: the pure logic, as in match.h. */
#pragma once

#include "verdict.h"

/* A destination in its one form. */
struct bl_peer {
	struct bl_prefix_key addr;
	__u16 v6;
	__u16 any;  /* it was given as the any-address, and is this host's loopback now */
	__u16 port; /* host order */
	__u8 protocol; /* enum bl_proto, one or two bits */
	__u8 family; /* 0: the address's; else AF_*, and there is no address */
};

#define BL_MAPPED __builtin_bswap32(0xffff)
#define BL_LOCAL4 __builtin_bswap32(0x7f000001)
#define BL_LOCAL6 __builtin_bswap32(1)

/*
 * One address, one form: IPv4-mapped is IPv4, and the any-address is this host, as connect(2)
 * takes it.
 */
BL_INLINE void bl_normalise(struct bl_peer *peer)
{
	__u32 *word = peer->addr.word;

	if (peer->v6 && !word[0] && !word[1] && word[2] == BL_MAPPED) {
		peer->v6 = 0;
		word[0] = word[3];
		word[2] = 0;
		word[3] = 0;
	}
	if (word[0] | word[1] | word[2] | word[3])
		return;
	peer->any = 1;
	if (peer->v6)
		word[3] = BL_LOCAL6;
	else
		word[0] = BL_LOCAL4;
}

#define BL_NAT64	__builtin_bswap32(0x0064ff9b)
#define BL_NAT64_LOCAL	__builtin_bswap32(0x00010000)
#define BL_TEREDO	__builtin_bswap32(0x20010000)
#define BL_6TO4		__builtin_bswap32(0x20020000)
#define BL_6TO4_MASK	__builtin_bswap32(0xffff0000)
#define BL_TRANSLATED	__builtin_bswap32(0xffff0000)
#define BL_ISATAP	__builtin_bswap32(0x00005efe)
#define BL_ISATAP_MASK	__builtin_bswap32(0xfdffffff)

/*
 * The IPv4 address that a gateway or tunnel makes of an IPv6 address, or 0: NAT64 by the well-known
 * prefix 64:ff9b::/96 (RFC 6052) and by those of 96 bits in 64:ff9b:1::/48 (RFC 8215), 6to4 (RFC 3056), Teredo
 * (RFC 4380), IPv4-compatible (RFC 4291), IPv4-translated (RFC 2765) and ISATAP (RFC 5214).
 */
BL_INLINE __u32 bl_embedded(const struct bl_prefix_key *addr)
{
	const __u32 *word = addr->word;
	__u32 first = word[0], third = word[2];

	if ((first & BL_6TO4_MASK) == BL_6TO4)
		return first >> 16 | word[1] << 16;
	if (first == BL_TEREDO)
		return ~word[3];
	if (first == BL_NAT64 &&
	    ((!word[1] && !third) || (word[1] & BL_6TO4_MASK) == BL_NAT64_LOCAL))
		return word[3];
	if ((third & BL_ISATAP_MASK) == BL_ISATAP)
		return word[3];
	if (first || word[1] || (third && third != BL_TRANSLATED))
		return 0;
	return !third && word[3] == BL_LOCAL6 ? 0 : word[3];
}

#define BL_PREFIX_MAX 256 /* more than any length */

/* Of 32 bits that a prefix covers n of; as stored. */
#define BL_ONES(n)  [96 + (n)] = __builtin_bswap32(~0u << (32 - (n)))
#define BL_ONES4(n) BL_ONES(n), BL_ONES(n + 1), BL_ONES(n + 2), BL_ONES(n + 3)

/* What a prefix covers of its first word, by its length from the 96th on; 32 further on, of the word before. */
static const __u32 bl_prefix_masks[96 + BL_PREFIX_MAX] = {
	[0 ... 96] = 0, BL_ONES4(1),  BL_ONES4(5),  BL_ONES4(9),
	BL_ONES4(13),	BL_ONES4(17), BL_ONES4(21), BL_ONES4(25),
	BL_ONES(29),	BL_ONES(30),  BL_ONES(31),  [128 ... 96 + BL_PREFIX_MAX - 1] = ~0u,
};

/* No branches: the verifier would go on with each that the four words can take. */
BL_INLINE void bl_prefix_cut(struct bl_prefix_key *ret, const struct bl_prefix_key *key, __u32 len)
{
	const __u32 *mask = &bl_prefix_masks[96 + (len & (BL_PREFIX_MAX - 1))];

	BL_BARRIER(mask);
	for (__u32 i = 0; i < 4; i++)
		ret->word[i] = key->word[i] & mask[-32 * (int)i];
}

/*
 * Offset of the address's struct bl_addr_class, or 0. The bounds are in the walk: of what is in memory the
 * verifier knows nothing, and so it need not go on with each way to halve them.
 */
BL_INLINE __u32 bl_addr_find(const struct bl_matcher *m, const struct bl_prefix_key *key, int v6)
{
	const struct bl_lens *lens = v6 ? &m->header->v6 : &m->header->v4;
	struct bl_walk *walk = m->walk;

	walk->low = 0;
	walk->high = lens->n;
	walk->best = 0;
	BL_UNROLL
	for (int i = 0; i < 6; i++) {
		__u32 middle = (walk->low + walk->high) >> 1, len, found;
		const struct bl_prefix *prefix;
		struct bl_prefix_key cut;

		if (walk->low >= walk->high)
			break;
		BL_BARRIER(middle);
		len = lens->len[middle & (BL_PREFIX_LENS_MAX - 1)];
		bl_prefix_cut(&cut, key, len);
		found = bl_hash_find(m, &m->header->addrs, bl_fp_prefix(m->header, &cut, len, v6));
		prefix = found ? bl_at(m, found, struct bl_prefix) : NULL;
		if (prefix) {
			walk->best = prefix->best;
			walk->low = middle + 1;
		} else {
			walk->high = middle;
		}
	}
	return walk->best;
}

/* The lists of a destination: rules that name addresses, rules that don't, offsets or 0. */
struct bl_lists {
	__u32 by_addr;
	__u32 by_port;
	__u32 by_v4; /* rules about the IPv4 address in an IPv6 address */
};

BL_INLINE __u32 bl_addr_list(const struct bl_matcher *m, const struct bl_prefix_key *key, int v6,
			     __u32 port_class)
{
	__u32 offset = bl_addr_find(m, key, v6), found;
	const struct bl_addr_class *addr = offset ? bl_at(m, offset, struct bl_addr_class) : NULL;

	if (!addr)
		return 0;
	found = addr->by_port ? bl_hash_find(m, &m->header->ports,
					     bl_fp_port(m->header, addr->id, port_class))
			      : 0;
	return found ? found : addr->list;
}

/* The same for the IPv4 address in an IPv6 address. */
BL_CALLED __u32 bl_embedded_list(const struct bl_matcher *m, __u32 address, __u32 port_class)
{
	struct bl_prefix_key key = { .word = { address } };

	return bl_addr_list(m, &key, 0, port_class);
}

BL_INLINE __u32 bl_family_list(const struct bl_matcher *m, __u32 family)
{
	__u32 lists = m->header->family_lists;
	const __u32 *list = lists ? bl_at(m, lists + 4 * (family & (BL_FAMILIES - 1)), __u32)
				  : NULL;

	return list ? *list : 0;
}

BL_INLINE void bl_connect_lists(const struct bl_matcher *m, const struct bl_peer *peer,
				struct bl_lists *ret)
{
	const struct bl_header *header = m->header;
	__u32 port_class = 0, embedded;

	*ret = (struct bl_lists){};
	if (peer->family) {
		ret->by_port = bl_family_list(m, peer->family);
		return;
	}
	if (header->port_classes) {
		const __u16 *class = bl_at(m, header->port_classes + 2 * peer->port, __u16);

		port_class = class ? *class : 0;
	}
	if (header->port_lists) {
		const __u32 *list = bl_at(m, header->port_lists + 4 * port_class, __u32);

		ret->by_port = list ? *list : 0;
	}
	ret->by_addr = bl_addr_list(m, &peer->addr, peer->v6, port_class);
	if (!peer->v6)
		return;
	/* A socket that is bound to a mapped address takes :: for 127.0.0.1. */
	embedded = peer->any ? BL_LOCAL4 : bl_embedded(&peer->addr);
	if (embedded)
		ret->by_v4 = bl_embedded_list(m, embedded, port_class);
}

BL_INLINE void bl_lists_add(struct bl_matcher *m, const struct bl_lists *lists)
{
	bl_list_add(m->walk, lists->by_addr);
	bl_list_add(m->walk, lists->by_port);
	bl_list_add(m->walk, lists->by_v4);
}

/* Searches the lists of a destination; the strictest match stays in the walk. */
BL_INLINE void bl_lists_search(struct bl_matcher *m, const struct bl_lists *lists)
{
	m->walk->n_lists = 0;
	bl_lists_add(m, lists);
	bl_lists_run(m);
}
