/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From a destination to the rules about it: the pure logic, as in match.h. */
#pragma once

#include "match.h"

/* A destination in its one form. */
struct bl_peer {
	struct bl_prefix_key addr;
	__u32 v6;
	__u16 port; /* host order */
	__u8 protocol; /* enum bl_proto */
	__u8 _pad;
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
	if (!peer->v6 && !word[0])
		word[0] = BL_LOCAL4;
	if (peer->v6 && !(word[0] | word[1] | word[2] | word[3]))
		word[3] = BL_LOCAL6;
}

BL_INLINE __u32 bl_prefix_mask(__u32 len)
{
	return len >= 32 ? ~0u : len ? __builtin_bswap32(~0u << (32 - len)) : 0;
}

BL_INLINE void bl_prefix_cut(struct bl_prefix_key *ret, const struct bl_prefix_key *key, __u32 len)
{
	for (__u32 i = 0; i < 4; i++) {
		ret->word[i] = key->word[i] & bl_prefix_mask(len);
		len = len > 32 ? len - 32 : 0;
	}
}

/* Offset of the address's struct bl_addr_class, or 0. */
BL_INLINE __u32 bl_addr_find(const struct bl_matcher *m, const struct bl_prefix_key *key, int v6)
{
	const struct bl_lens *lens = v6 ? &m->header->v6 : &m->header->v4;
	__u32 low = 0, high = lens->n, best = 0;

	for (int i = 0; i < 6; i++) {
		__u32 middle = (low + high) >> 1, len, found;
		const struct bl_prefix *prefix;
		struct bl_prefix_key cut;

		if (low >= high)
			break;
		BL_BARRIER(middle);
		len = lens->len[middle & (BL_PREFIX_LENS_MAX - 1)];
		bl_prefix_cut(&cut, key, len);
		found = bl_hash_find(m, &m->header->addrs, bl_fp_prefix(m->header, &cut, len, v6));
		prefix = found ? bl_at(m, found, struct bl_prefix) : NULL;
		if (prefix) {
			best = prefix->best;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return best;
}

/* The two lists of a destination: rules that name addresses, rules that don't. */
struct bl_lists {
	__u32 by_addr;
	__u32 by_port;
};

BL_INLINE void bl_connect_lists(const struct bl_matcher *m, const struct bl_peer *peer,
				struct bl_lists *ret)
{
	const struct bl_header *header = m->header;
	const struct bl_addr_class *addr;
	__u32 offset = bl_addr_find(m, &peer->addr, peer->v6), port_class = 0, found;

	ret->by_addr = 0;
	ret->by_port = 0;
	if (header->port_classes) {
		const __u16 *class = bl_at(m, header->port_classes + 2 * peer->port, __u16);

		port_class = class ? *class : 0;
	}
	if (header->port_lists) {
		const __u32 *list = bl_at(m, header->port_lists + 4 * port_class, __u32);

		ret->by_port = list ? *list : 0;
	}
	addr = offset ? bl_at(m, offset, struct bl_addr_class) : NULL;
	if (!addr)
		return;
	ret->by_addr = addr->list;
	if (!addr->by_port)
		return;
	found = bl_hash_find(m, &header->ports, bl_fp_port(header, addr->id, port_class));
	if (found)
		ret->by_addr = found;
}
