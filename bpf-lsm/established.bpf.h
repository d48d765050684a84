/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Connections that are there: made by the kernel without being asked to, or taken over from somebody else. */
#pragma once

#include "connect.bpf.h"

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT	2

/* The other end of a connection. 0: it is none of IP. */
static __always_inline int bl_row_peer(struct bl_row *row, const struct sock *sk)
{
	struct bl_peer *peer = &row->peer;

	bl_socket_load(&row->from, sk);
	if (row->from.family == AF_INET)
		peer->addr.word[0] = sk->__sk_common.skc_daddr;
	else if (row->from.family == AF_INET6)
		bpf_probe_read_kernel(&peer->addr, sizeof(peer->addr),
				      &sk->__sk_common.skc_v6_daddr);
	else
		return 0;
	peer->v6 = row->from.family == AF_INET6;
	peer->port = __builtin_bswap16(sk->__sk_common.skc_dport);
	peer->protocol = bl_socket_protocol(&row->from);
	bl_normalise(peer);
	return 1;
}

/* The first part of an MPTCP connection goes where connect(2) was asked to go, and was judged there. */
static __always_inline int bl_is_first_part(struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	__u64 context, whole;

	if (!tcp || !BPF_CORE_READ_BITFIELD(tcp, is_mptcp))
		return 0;
	context = (__u64)tcp->inet_conn.icsk_ulp_data;
	whole = context ? bl_read(struct mptcp_subflow_context, context, conn) : 0;
	return whole && bl_read(struct mptcp_sock, whole, first) == (__u64)sk;
}

/*
 * TCP has connected this end to another one. What a program asked for was judged then, and is marked as
 * its; what the kernel does for itself (NFS, CIFS, iSCSI) or because the other end asked for it (further parts
 * of an MPTCP connection) asks no security module before. It comes by a packet: the task at hand is none of it.
 */
static __always_inline int bl_connect_established(struct sock *sk)
{
	struct bl_row row = {};

	if (!globals.generation)
		return 0;
	if (!BPF_CORE_READ_BITFIELD(sk, sk_kern_sock)) {
		bpf_sk_storage_get(&outgoing, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		return 0;
	}
	if (!bl_is_first_part(sk) && bl_row_peer(&row, sk))
		bl_connect_decide(&row.peer, row.from.protocol, BL_HOOK_CONN_ESTABLISHED, 1);
	return 0;
}

/* Whether this end asked for the connection, which goes on until it has no port at the other end. */
static __always_inline int bl_is_outgoing(struct sock *sk)
{
	__u32 state = sk->__sk_common.skc_state;

	if (state == TCP_SYN_SENT)
		return 1;
	if (bl_is_packet_socket(sk))
		return state == TCP_ESTABLISHED;
	return sk->__sk_common.skc_dport && bpf_sk_storage_get(&outgoing, sk, NULL, 0);
}

/* One of a socket's associations gets a socket of its own, which is as little of the other end's asking. */
static __always_inline int bl_sctp_peeled(struct sock *sk, struct sock *made)
{
	if (globals.generation && bpf_sk_storage_get(&associated, sk, NULL, 0))
		bpf_sk_storage_get(&outgoing, made, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	return 0;
}

/* All that a socket with any number of associations was let go to. */
static __always_inline int bl_associated_judge(struct bl_row *row, struct sock *sk)
{
	struct bl_associated *kept = bpf_sk_storage_get(&associated, sk, NULL, 0);

	if (!kept)
		return 0;
	for (__u32 i = 0; i < BL_ASSOCIATED_MAX; i++) {
		row->peer = kept->peers[i];
		if (row->peer.protocol &&
		    bl_connect_decide(&row->peer, IPPROTO_SCTP, BL_HOOK_FILE_RECEIVE, 0))
			return -EPERM;
	}
	return kept->n > BL_ASSOCIATED_MAX ? bl_fail_closed() : 0;
}

/*
 * A socket is taken over: by SCM_RIGHTS or pidfd_getfd. Who may not connect there, or make a socket of its
 * family, gets it no more from somebody who may. What came in from there is no connect.
 */
static __always_inline int bl_connect_receive(struct file *file)
{
	struct socket *sock = bpf_sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;
	struct bl_row row = {};

	if (!globals.generation || !sk)
		return 0;
	if (bl_connect_family(&row, sk->__sk_common.skc_family, sk->sk_protocol,
			      BL_HOOK_FILE_RECEIVE))
		return -EPERM;
	if (bl_has_associations(sk) && !sk->__sk_common.skc_dport)
		return bl_associated_judge(&row, sk);
	if (!bl_is_outgoing(sk) || !bl_row_peer(&row, sk))
		return 0;
	if (bl_connect_decide(&row.peer, row.from.protocol, BL_HOOK_FILE_RECEIVE, 0))
		return -EPERM;
	return 0;
}
