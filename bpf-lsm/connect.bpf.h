/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* connect: destinations given to connect(2) or with a datagram, IPv4 and IPv6; socket families. */
#pragma once

#include "decide.bpf.h"

#define IPPROTO_ICMP	1
#define IPPROTO_TCP	6
#define IPPROTO_UDP	17
#define IPPROTO_DCCP	33
#define IPPROTO_ICMPV6	58
#define IPPROTO_SCTP	132
#define IPPROTO_UDPLITE 136
#define IPPROTO_SMC	256 /* from 6.11 on; before, a family of its own */
#define IPPROTO_MPTCP	262

/* include/uapi/linux/sctp.h */
#define SCTP_SET_PEER_PRIMARY_ADDR 5
#define SCTP_DSTADDRV4		   7
#define SCTP_DSTADDRV6		   8
#define SCTP_SOCKOPT_BINDX_ADD	   100
#define SCTP_SOCKOPT_CONNECTX	   110
#define SCTP_SENDMSG_CONNECT	   126
#define SCTP_PARAM_ADD_IP	   __builtin_bswap16(0xc001) /* stored as on the wire */
#define SCTP_PARAM_SET_PRIMARY	   __builtin_bswap16(0xc004)

#define BL_SOCKADDR_PORT    2
#define BL_SOCKADDR_RXRPC   8 /* before the address of the transport */
#define BL_SOCKADDR_RXRPC_MIN 36
#define BL_SOCKADDR_MIN	    8
#define BL_SOCKADDR_IN	    16
#define BL_SOCKADDR_IN6	    28
#define BL_SOCKADDR_IN6_MIN 24 /* RFC 2133's has no scope */

static __always_inline __u8 bl_protocol_class(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
	case IPPROTO_SMC: /* connects by TCP */
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

/* What is known of a socket when a destination is named for it. */
struct bl_socket {
	__u16 family;
	__u16 type;
	__u16 protocol;
};

/*
 * A raw socket sends what its owner has written, whatever protocol it was made for.
 */
static __always_inline __u8 bl_socket_protocol(const struct bl_socket *from)
{
	__u8 protocol = bl_protocol_class(from->protocol);

	return from->type == SOCK_RAW ? protocol | BL_PROTO_RAW : protocol;
}

static __always_inline void bl_socket_load(struct bl_socket *ret, const struct sock *sk)
{
	ret->family = sk->__sk_common.skc_family;
	ret->type = sk->sk_type;
	ret->protocol = ret->family == AF_SMC ? IPPROTO_SMC : sk->sk_protocol;
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
	print += (peer->port | peer->protocol << 16 |
		  (__u64)(peer->v6 + 1 + peer->any * 2 + peer->family * 4) << 32) *
		 globals.keys[6];
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

/*
 * A destination: what rules say of its address and port; then who asks and what follows. Where it is
 * nobody who asks, no condition holds.
 */
static __always_inline int bl_connect_judge(struct bl_scratch *scratch, const struct bl_act *act)
{
	struct bl_subject *subject = NULL;

	scratch->passed = 1;
	if (!bl_connect_match(scratch))
		return BL_JUDGED_NOT;
	if (!(scratch->lists.by_addr | scratch->lists.by_port | scratch->lists.by_v4))
		return BL_JUDGED_PASS;
	if (!act->nobody) {
		if (bl_is_daemon())
			return BL_JUDGED_PASS;
		if (!bl_judge_subject(scratch, BL_WHO_TASK, &subject))
			return BL_JUDGED_NOT;
	}
	if (!bl_search(scratch, subject, act->op))
		return BL_JUDGED_NOT;
	scratch->passed = 0;
	return bl_answer(scratch, act);
}

/*
 * Most destinations end at what is remembered of the last search for them that found nothing.
 * Verified on its own: some calls name several destinations. Returns anything but 0 to refuse.
 */
__noinline int bl_connect_decide(const struct bl_peer *peer, __u32 protocol, __u32 hook,
				 __u32 nobody)
{
	struct bl_act act = {
		.op = BL_OP_CONNECT,
		.hook = hook,
		.protocol = protocol,
		.nobody = nobody,
	};
	__u32 generation = globals.generation;
	struct bl_scratch *scratch;
	__u64 print;
	int judged;

	if (!peer)
		return 0;
	print = nobody ? 0 : bl_connect_print(peer, generation);
	if (bl_pass_known(print))
		return 0;
	act.access = peer->protocol;
	act.search = peer->protocol;
	scratch = bl_scratch_get();
	if (!scratch)
		return bl_fail_closed();
	scratch->own = 0;
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

/* ---- IPv4 and IPv6 ------------------------------------------------------------------------ */

/*
 * The family that an address is taken for. In connect(2) AF_UNSPEC dissolves a connection and goes
 * nowhere. What sends by IPv4, and raw sockets of IPv6, take it for their own family. UDP of IPv6 takes
 * it for no address at all; but another thread may make a socket of IPv4 of that (IPV6_ADDRFORM) before
 * the address is used.
 */
static __always_inline __u32 bl_taken_family(__u32 family, const struct bl_socket *from, __u32 hook)
{
	if (family != AF_UNSPEC)
		return family;
	if (hook != BL_HOOK_SENDMSG)
		return AF_UNSPEC;
	if (from->family == AF_INET6 &&
	    (from->protocol == IPPROTO_UDP || from->protocol == IPPROTO_UDPLITE))
		return AF_INET;
	return from->family;
}

/* Reads the kernel's copy of an address into *peer. 0: it names no destination. */
static __always_inline int bl_peer_load(struct bl_peer *peer, const struct bl_socket *from,
					const void *address, const struct sockaddr *known, int len,
					__u32 hook)
{
	__u32 family;

	if (len < BL_SOCKADDR_MIN)
		return 0;
	family = bl_taken_family(bl_address_family(address, known), from, hook);
	if (family == AF_INET)
		bl_address_v4(peer, address, known);
	else if (family == AF_INET6 && len >= BL_SOCKADDR_IN6_MIN)
		bl_address_v6(peer, address);
	else
		return 0;
	peer->protocol = bl_socket_protocol(from);
	bl_normalise(peer);
	return 1;
}

/* ---- other families ----------------------------------------------------------------------- */

static __always_inline int bl_family_is_ip(__u32 family)
{
	return family == AF_INET || family == AF_INET6;
}

/*
 * What a call names for a socket: one destination, or a row of addresses or of control messages that bring
 * some. In one piece: the stack is short.
 */
struct bl_row {
	struct bl_peer peer; /* the one at hand */
	struct bl_socket from;
	__u16 port; /* as stored */
	__u64 at;
	__u64 end;
	__u64 device; /* of this host's addresses */
};

/* A family whose destinations mean nothing here. Unix sockets have hooks of their own. */
static __always_inline int bl_connect_family(struct bl_row *row, __u32 family, __u32 protocol,
					     __u32 hook)
{
	if (!globals.generation || family == AF_UNSPEC || family == AF_UNIX ||
	    bl_family_is_ip(family) || family >= BL_FAMILIES)
		return 0;
	row->peer.family = family;
	row->peer.protocol = BL_PROTO_NONE;
	if (bl_connect_decide(&row->peer, protocol, hook, 0))
		return -EPERM;
	row->peer.family = 0;
	return 0;
}

/* A socket is made, not by the kernel for itself: many families need no more than that to send. */
static __always_inline int bl_connect_create(int family, int protocol, int kern)
{
	struct bl_row row = {};

	return kern ? 0 : bl_connect_family(&row, family, protocol, BL_HOOK_SOCKET_CREATE);
}

/*
 * An address of RxRPC has that of its transport inside, which is UDP: it is left in row->peer. Verified on
 * its own. Returns 0: there is none.
 */
__noinline int bl_row_rxrpc(struct bl_row *row)
{
	struct bl_peer peer = {};
	const void *address;
	int found;

	if (!row)
		return 0;
	row->from.protocol = IPPROTO_UDP;
	address = (const void *)(row->at + BL_SOCKADDR_RXRPC);
	found = bl_peer_load(&peer, &row->from, address, NULL, BL_SOCKADDR_IN6, BL_HOOK_CONNECT);
	row->peer = peer;
	return found;
}

/* Some families (SMC, RDS, RxRPC) are given IP addresses: both are judged. */
static __always_inline int bl_connect_address(struct bl_row *row, const struct sock *sk,
					      const void *address, const struct sockaddr *known,
					      int len, __u32 hook)
{
	if (!globals.generation || !address || !sk)
		return 0;
	bl_socket_load(&row->from, sk);
	if (bl_connect_family(row, row->from.family, row->from.protocol, hook))
		return -EPERM;
	if (row->from.family == AF_RXRPC) {
		row->at = (__u64)address;
		if (len < BL_SOCKADDR_RXRPC_MIN || !bl_row_rxrpc(row))
			return 0;
	} else if (!bl_peer_load(&row->peer, &row->from, address, known, len, hook)) {
		return 0;
	}
	if (bl_connect_decide(&row->peer, row->from.protocol, hook, 0))
		return -EPERM;
	return 0;
}

/* ---- this host ---------------------------------------------------------------------------- */

/* Devices and addresses of this host that are looked at; where there are more, all that is refused is. */
#define BL_OWN_MAX 256

enum bl_own {
	BL_OWN_NONE = 0,
	BL_OWN_DEVICE,
	BL_OWN_ADDRESS,
};

/*
 * Goes on to the next device of a network namespace, or to the next IPv4 address of the one at hand: it
 * is left in row->peer. Verified on its own.
 */
__noinline int bl_row_own(struct bl_row *row)
{
	__u64 device;

	if (!row)
		return BL_OWN_NONE;
	if (row->at) {
		row->peer.addr.word[0] = bl_read(struct in_ifaddr, row->at, ifa_local);
		row->at = bl_read(struct in_ifaddr, row->at, ifa_next);
		return BL_OWN_ADDRESS;
	}
	row->device = bl_read(struct list_head, row->device, next);
	if (!row->device || row->device == row->end)
		return BL_OWN_NONE;
	device = row->device - bpf_core_field_offset(struct net_device, dev_list);
	row->at = bl_read(struct net_device, device, ip_ptr);
	if (row->at)
		row->at = bl_read(struct in_device, row->at, ifa_list);
	return BL_OWN_DEVICE;
}

/* Whether a socket says from which address of this host it sends, or by which device. */
static __always_inline int bl_is_bound(const struct sock *sk, const struct bl_socket *from)
{
	if (!bl_family_is_ip(from->family) || sk->__sk_common.skc_rcv_saddr ||
	    sk->__sk_common.skc_bound_dev_if)
		return 1;
	return bl_read(struct inet_sock, (__u64)sk, uc_index) != 0;
}

/*
 * 0.0.0.0 is 127.0.0.1 to a socket that is not bound; else it is the address that the packet comes from.
 * That may be told by the socket, by its device and by the message: so it is taken for each address that
 * this host has.
 */
static __always_inline int bl_connect_own(struct bl_row *row, const struct sock *sk, int told,
					  __u32 hook)
{
	int found;

	if (!row->peer.any || row->peer.v6 || !(told || bl_is_bound(sk, &row->from)))
		return 0;
	row->end = (__u64)sk->__sk_common.skc_net.net +
		   bpf_core_field_offset(struct net, dev_base_head);
	row->device = row->end;
	row->at = 0;
	for (__u32 i = 0; i < BL_OWN_MAX; i++) {
		found = bl_row_own(row);
		if (found == BL_OWN_NONE)
			return 0;
		if (found == BL_OWN_ADDRESS &&
		    bl_connect_decide(&row->peer, row->from.protocol, hook, 0))
			return -EPERM;
	}
	return bl_fail_closed();
}

static __always_inline int bl_is_packet_socket(const struct sock *sk)
{
	return sk->sk_type == SOCK_DGRAM || sk->sk_type == SOCK_RAW;
}

/*
 * This end is asked to connect, also by a message: nothing else tells it of all protocols, of a connection for
 * which both ends ask, and of TCP_REPAIR. What has a port at its other end is connected.
 */
static __always_inline void bl_outgoing_mark(struct sock *sk)
{
	if (globals.generation && sk && bl_family_is_ip(sk->__sk_common.skc_family) &&
	    !bl_is_packet_socket(sk) && !sk->__sk_common.skc_dport)
		bpf_sk_storage_get(&outgoing, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

/* A socket with any number of associations has no other end of its own. */
static __always_inline int bl_has_associations(const struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_SCTP && sk->sk_type == SOCK_SEQPACKET;
}

static __always_inline int bl_is_same_peer(const struct bl_peer *one, const struct bl_peer *other)
{
	const __u32 *a = one->addr.word, *b = other->addr.word;

	return one->port == other->port &&
	       !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

/*
 * Where such a socket was let go, for whoever takes it over. Verified on its own. Returns anything but 0 to refuse:
 * what can't be kept could not be judged then.
 */
__noinline int bl_associated_add(struct bl_associated *kept, const struct bl_peer *peer)
{
	__u32 n;

	if (!kept || !peer)
		return -EPERM;
	for (__u32 i = 0; i < BL_ASSOCIATED_MAX; i++) {
		if (kept->peers[i].protocol && bl_is_same_peer(&kept->peers[i], peer))
			return 0;
	}
	if (kept->n > BL_ASSOCIATED_MAX)
		return 0;
	n = __sync_fetch_and_add(&kept->n, 1);
	if (n < BL_ASSOCIATED_MAX)
		kept->peers[n] = *peer;
	return 0;
}

static __always_inline int bl_associated_note(struct sock *sk, const struct bl_peer *peer)
{
	struct bl_associated *kept;

	if (!globals.generation || !sk || !bl_has_associations(sk) || !peer->protocol)
		return 0;
	kept = bpf_sk_storage_get(&associated, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!kept || bl_associated_add(kept, peer))
		return bl_fail_closed();
	return 0;
}

static __always_inline int bl_connect_to(struct sock *sk, const void *address,
					 const struct sockaddr *known, int len)
{
	struct bl_row row = {};

	if (bl_connect_address(&row, sk, address, known, len, BL_HOOK_CONNECT))
		return -EPERM;
	if (bl_connect_own(&row, sk, 0, BL_HOOK_CONNECT))
		return -EPERM;
	bl_outgoing_mark(sk);
	return bl_associated_note(sk, &row.peer);
}

/* ---- SCTP --------------------------------------------------------------------------------- */

/* Addresses of one call that are looked at; a call with more is refused where anything is. */
#define BL_ROW_MAX 64

/*
 * Goes on to the next of packed addresses: it is left in row->peer. Verified on its own. Returns 0:
 * there is none.
 */
__noinline int bl_row_address(struct bl_row *row)
{
	struct bl_peer peer = {};
	const void *address;
	__u32 family, len;

	if (!row || row->at >= row->end || row->end - row->at < BL_SOCKADDR_MIN)
		return 0;
	address = (const void *)row->at;
	family = bl_address_family(address, NULL);
	len = family == AF_INET6 ? BL_SOCKADDR_IN6 : BL_SOCKADDR_IN;
	if (!bl_family_is_ip(family) || len > row->end - row->at)
		return 0;
	row->at += len;
	bl_peer_load(&peer, &row->from, address, NULL, len, BL_HOOK_SCTP_CONNECT);
	row->peer = peer;
	return 1;
}

/* include/linux/socket.h */
struct bl_cmsg {
	__u64 len;
	__u32 level;
	__u32 type;
};

/*
 * Goes on to the next of a message's control messages; an address that it brings is left in
 * row->peer, else that has no protocol. Verified on its own. Returns 0: there is none.
 */
__noinline int bl_row_control(struct bl_row *row)
{
	struct bl_cmsg header = {};
	const void *body;

	if (!row || row->at >= row->end || row->end - row->at < sizeof(header) ||
	    bpf_probe_read_kernel(&header, sizeof(header), (const void *)row->at) ||
	    header.len < sizeof(header))
		return 0;
	body = (const void *)(row->at + sizeof(header));
	row->at += (header.len + 7) & ~7ull;
	row->peer = (struct bl_peer){};
	if (header.level != IPPROTO_SCTP)
		return 1;
	if (header.type == SCTP_DSTADDRV4)
		bpf_probe_read_kernel(&row->peer.addr.word[0], sizeof(row->peer.addr.word[0]),
				      body);
	else if (header.type == SCTP_DSTADDRV6)
		bpf_probe_read_kernel(&row->peer.addr, sizeof(row->peer.addr), body);
	else
		return 1;
	row->peer.v6 = header.type == SCTP_DSTADDRV6;
	row->peer.port = __builtin_bswap16(row->port);
	row->peer.protocol = BL_PROTO_SCTP;
	bl_normalise(&row->peer);
	return 1;
}

/*
 * Addresses that a message to a new association brings beside its own. Not judged with the message: of
 * the messages of one sendmmsg(2) that go to the same address the kernel asks about the first one only.
 * When the association is made the message at hand is where the first one was. 0: none that is refused.
 */
static __always_inline int bl_sctp_message(struct sock *sk, struct bl_row *row, const void *address)
{
	__u64 *slot = bpf_task_storage_get(&messages, bpf_get_current_task_btf(), NULL, 0);
	__u64 msg = slot ? *slot : 0;

	if (!msg || bl_read(struct msghdr, msg, msg_name) != (__u64)address)
		return bl_fail_closed();
	row->at = bl_read(struct msghdr, msg, msg_control);
	row->end = row->at + bl_read(struct msghdr, msg, msg_controllen);
	bpf_probe_read_kernel(&row->port, sizeof(row->port), address + BL_SOCKADDR_PORT);
	for (__u32 i = 0; i < BL_ROW_MAX; i++) {
		if (!row->at || !bl_row_control(row))
			return 0;
		if (!row->peer.protocol)
			continue;
		if (bl_connect_decide(&row->peer, IPPROTO_SCTP, BL_HOOK_SCTP_CONNECT, 0) ||
		    bl_associated_note(sk, &row->peer))
			return -EPERM;
	}
	return bl_fail_closed();
}

/*
 * Addresses of an association's other end: those of sctp_connectx(), those of the message that makes the
 * association, whose own was judged when the message came, and those that the other end itself adds, which
 * comes by a packet: the task at hand is none of it. Names for the own end are no destination.
 */
static __always_inline int bl_sctp_connect(struct sock *sk, int option, struct sockaddr *address,
					   int len)
{
	__u32 nobody = option == SCTP_PARAM_ADD_IP || option == SCTP_PARAM_SET_PRIMARY;
	struct bl_row row = {};

	if (!globals.generation || option == SCTP_SOCKOPT_BINDX_ADD ||
	    option == SCTP_SET_PEER_PRIMARY_ADDR || len <= 0)
		return 0;
	if (option == SCTP_SENDMSG_CONNECT)
		return bl_sctp_message(sk, &row, address);
	row.at = (__u64)address;
	row.end = (__u64)address + len;
	bl_socket_load(&row.from, sk);
	for (__u32 i = 0; i < BL_ROW_MAX; i++) {
		if (!bl_row_address(&row)) {
			if (option == SCTP_SOCKOPT_CONNECTX)
				bl_outgoing_mark(sk);
			return 0;
		}
		if (bl_connect_decide(&row.peer, IPPROTO_SCTP, BL_HOOK_SCTP_CONNECT, nobody))
			return -EPERM;
		if (option == SCTP_SOCKOPT_CONNECTX && bl_associated_note(sk, &row.peer))
			return -EPERM;
	}
	return bl_fail_closed();
}

static __always_inline int bl_connect_message(struct socket *sock, struct msghdr *msg)
{
	struct sock *sk = sock->sk;
	struct bl_row row = {};
	__u64 *slot;

	if (!msg->msg_name || !sk)
		return 0;
	if (bl_connect_address(&row, sk, msg->msg_name, NULL, msg->msg_namelen, BL_HOOK_SENDMSG))
		return -EPERM;
	if (bl_connect_own(&row, sk, msg->msg_controllen != 0, BL_HOOK_SENDMSG))
		return -EPERM;
	bl_outgoing_mark(sk);
	if (!globals.generation || sk->sk_protocol != IPPROTO_SCTP)
		return 0;
	if (bl_associated_note(sk, &row.peer))
		return -EPERM;
	slot = bpf_task_storage_get(&messages, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (slot)
		*slot = (__u64)msg;
	return 0;
}
