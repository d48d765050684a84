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

#define BL_SOCKADDR_PORT    2
#define BL_SOCKADDR_IN6_MIN 24 /* RFC 2133's has no scope */

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

/* The destination in the kernel's copy of an address; known: the hook says what it is. */
static __always_inline __u32 bl_address_family(const void *address, const struct sockaddr *known)
{
	__u16 family = 0;

	if (bpf_rdonly_cast)
		return bl_cast(struct sockaddr, address)->sa_family;
	if (known)
		return known->sa_family;
	bpf_probe_read_kernel(&family, sizeof(family), address);
	return family;
}

static __always_inline void bl_address_v4(struct bl_peer *peer, const void *address,
					  const struct sockaddr *known)
{
	__u64 raw = 0; /* port and address */

	if (bpf_rdonly_cast) {
		const struct sockaddr_in *in = bl_cast(struct sockaddr_in, address);

		peer->port = __builtin_bswap16(in->sin_port);
		peer->addr.word[0] = in->sin_addr.s_addr;
		return;
	}
	/* Not by the member: its relocation would be for one of its bytes. */
	if (known)
		raw = *(const __u64 *)((const char *)known + BL_SOCKADDR_PORT);
	else
		bpf_probe_read_kernel(&raw, 6, (const char *)address + BL_SOCKADDR_PORT);
	peer->port = __builtin_bswap16((__u16)raw);
	peer->addr.word[0] = (__u32)(raw >> 16);
}

static __always_inline void bl_address_v6(struct bl_peer *peer, const void *address)
{
	__u16 port = 0;

	bpf_probe_read_kernel(&port, sizeof(port),
			      (const char *)address +
				      bpf_core_field_offset(struct sockaddr_in6, sin6_port));
	bpf_probe_read_kernel(&peer->addr, sizeof(peer->addr),
			      (const char *)address +
				      bpf_core_field_offset(struct sockaddr_in6, sin6_addr));
	peer->port = __builtin_bswap16(port);
	peer->v6 = 1;
}

/* Of who asks, what, and by which policy. 0: it can't be remembered. */
static __always_inline __u64 bl_connect_print(const struct bl_peer *peer, __u32 generation)
{
	const __u32 *word = peer->addr.word;
	__u64 print = bl_identity();

	if (!print)
		return 0;
	print += (word[0] | (__u64)word[1] << 32) * globals.keys[4];
	print += (word[2] | (__u64)word[3] << 32) * globals.keys[5];
	print +=
		(peer->port | peer->protocol << 16 | (__u64)(peer->v6 + 1) << 32) * globals.keys[6];
	print += generation * globals.keys[7];
	return print | 1;
}

/* Finds the lists of scratch->peer. Verified on its own. Returns 0: no image. */
__noinline int bl_connect_match(struct bl_scratch *scratch)
{
	struct bl_matcher m;

	if (!scratch || !bl_run_start(&m, scratch))
		return 0;
	bl_connect_lists(&m, &scratch->peer, &scratch->lists);
	return 1;
}

/* A destination: what rules say of its address and port; then who asks and what follows. */
static __always_inline int bl_connect_judge(struct bl_scratch *scratch, const struct bl_act *act)
{
	struct bl_subject *subject;

	scratch->passed = 1;
	if (!bl_connect_match(scratch))
		return BL_JUDGED_NOT;
	if ((!scratch->lists.by_addr && !scratch->lists.by_port) || bl_is_daemon())
		return BL_JUDGED_PASS;
	if (!bl_judge_subject(scratch, &subject) || !bl_search(scratch, subject, act->op))
		return BL_JUDGED_NOT;
	scratch->passed = 0;
	return bl_answer(scratch, act);
}

/* Most destinations end at what is remembered of the last search for them that found nothing. */
static __always_inline int bl_connect_decide(struct socket *sock, const struct bl_peer *peer,
					     __u32 hook)
{
	struct bl_act act = {
		.sock = sock,
		.op = BL_OP_CONNECT,
		.hook = hook,
		.access = peer->protocol,
		.search = peer->protocol,
	};
	__u32 generation = globals.generation;
	__u64 print = bl_connect_print(peer, generation);
	struct bl_scratch *scratch;
	int judged;

	if (bl_pass_known(print))
		return 0;
	scratch = bl_scratch_get();
	if (!scratch)
		return bl_fail_closed();
	scratch->stamp = globals.stamp;
	scratch->generation = scratch->stamp;
	/* What another policy says is not what was asked for. */
	if (scratch->generation != generation)
		print = 0;
	scratch->peer = *peer;
	bl_act_blur(scratch, &act);
	judged = bl_connect_judge(scratch, &act);
	if (judged == BL_JUDGED_PASS && scratch->passed)
		bl_pass_keep(print);
	return bl_finish(scratch, judged);
}

/*
 * The kernel's copy of the address. A datagram socket of IPv4 takes family 0 for its own when it
 * sends; connect(2) with it dissolves a connection and goes nowhere.
 */
static __always_inline int bl_connect_address(struct socket *sock, const void *address,
					      const struct sockaddr *known, int len, __u32 hook)
{
	struct bl_peer peer = {};
	struct sock *sk = sock->sk;
	__u32 family;

	if (!globals.generation || !address || len < 8)
		return 0;
	family = bl_address_family(address, known);
	if (family == AF_UNSPEC && hook == BL_HOOK_SENDMSG)
		family = AF_INET;
	if (family == AF_INET)
		bl_address_v4(&peer, address, known);
	else if (family == AF_INET6 && len >= BL_SOCKADDR_IN6_MIN)
		bl_address_v6(&peer, address);
	else
		return 0;
	peer.protocol = bl_protocol(sk ? sk->sk_protocol : 0);
	bl_normalise(&peer);
	return bl_connect_decide(sock, &peer, hook);
}
