/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* connect: destinations given to connect(2) or with a datagram, IPv4 and IPv6. */
#pragma once

#include "decide.bpf.h"

#define IPPROTO_ICMP	1
#define IPPROTO_TCP	6
#define IPPROTO_UDP	17
#define IPPROTO_DCCP	33
#define IPPROTO_ICMPV6	58
#define IPPROTO_SCTP	132
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP	262

static __always_inline __u8 bl_protocol(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
		return BL_PROTO_TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return BL_PROTO_UDP;
	case IPPROTO_SCTP:
		return BL_PROTO_SCTP;
	case IPPROTO_DCCP:
		return BL_PROTO_DCCP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return BL_PROTO_ICMP;
	default:
		return BL_PROTO_OTHER;
	}
}

#define BL_MAPPED __builtin_bswap32(0xffff)
#define BL_LOCAL4 __builtin_bswap32(0x7f000001)
#define BL_LOCAL6 __builtin_bswap32(1)

/*
 * One address, one form: IPv4-mapped is IPv4, and the any-address is this host, as connect(2)
 * takes it. Returns 1 for IPv6.
 */
static __always_inline int bl_normalise(struct bl_prefix_key *key, const struct bl_sockaddr *sa)
{
	__builtin_memset(key, 0, sizeof(*key));
	if (sa->family != AF_INET6) {
		key->word[0] = sa->word ? sa->word : BL_LOCAL4;
		return 0;
	}
	if (!sa->v6[0] && !sa->v6[1] && sa->v6[2] == BL_MAPPED) {
		key->word[0] = sa->v6[3] ? sa->v6[3] : BL_LOCAL4;
		return 0;
	}
	__builtin_memcpy(key->word, sa->v6, sizeof(key->word));
	if (!(sa->v6[0] | sa->v6[1] | sa->v6[2] | sa->v6[3]))
		key->word[3] = BL_LOCAL6;
	return 1;
}

/* Finds the lists of scratch->addr. Verified on its own. Returns 0: no image. */
__noinline int bl_connect_match(struct bl_scratch *scratch, __u32 port)
{
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	bl_connect_lists(&m, &scratch->addr, scratch->v6, port, &scratch->lists);
	return 1;
}

/* A destination: what rules say of its address and port; then who asks and what follows. */
static __always_inline int bl_connect_judge(struct bl_scratch *scratch, const struct bl_act *act)
{
	scratch->generation = globals.generation;
	scratch->search = act->search;
	if (!bl_connect_match(scratch, act->port))
		return BL_JUDGED_NOT;
	if (!scratch->lists.by_addr && !scratch->lists.by_port)
		return BL_JUDGED_PASS;
	return bl_judge(scratch, act);
}

static __always_inline int bl_connect_decide(struct socket *sock, struct bl_scratch *scratch,
					     __u32 hook)
{
	struct sock *sk = sock->sk;
	__u8 protocol = bl_protocol(sk ? sk->sk_protocol : 0);
	struct bl_act act = {
		.sock = sock,
		.op = BL_OP_CONNECT,
		.hook = hook,
		.port = __builtin_bswap16(scratch->sockaddr.port),
		.access = protocol,
		.search = protocol,
	};

	scratch->v6 = bl_normalise(&scratch->addr, &scratch->sockaddr);
	return bl_finish(scratch, bl_connect_judge(scratch, &act));
}

/*
 * The kernel's copy of the address. A datagram socket of IPv4 takes family 0 for its own when it
 * sends; connect(2) with it dissolves a connection and goes nowhere.
 */
static __always_inline int bl_connect_address(struct socket *sock, const void *address, int len,
					      __u32 hook)
{
	struct bl_scratch *scratch;
	__u16 family = 0;

	if (!globals.generation || !address || len < 8)
		return 0;
	bpf_probe_read_kernel(&family, sizeof(family), address);
	if (family == AF_UNSPEC && hook == BL_HOOK_SENDMSG)
		family = AF_INET;
	if (family != AF_INET && (family != AF_INET6 || len < (int)sizeof(struct bl_sockaddr)))
		return 0;
	scratch = bl_scratch_get();
	if (!scratch)
		return bl_fail_closed();
	bpf_probe_read_kernel(&scratch->sockaddr,
			      family == AF_INET6 ? sizeof(scratch->sockaddr) : 8, address);
	scratch->sockaddr.family = family;
	return bl_connect_decide(sock, scratch, hook);
}
