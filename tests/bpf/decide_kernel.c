// SPDX-License-Identifier: Apache-2.0
/* decide_kernel [POLICY...]: answers the oracle's requests from within the kernel. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conditions.h"
#include "decide_load.h"
#include "match.h"
#include "oracle/protocol.h"

#define SKIP 77

struct kernel_engine {
	struct decide_kernel programs;
	unsigned int trust; /* enum bl_trust */
};

static int kernel_load(void *userdata, const struct bl_tables *tables)
{
	struct kernel_engine *engine = userdata;

	return decide_kernel_publish(&engine->programs, tables->bytes, tables->len);
}

static void kernel_trust(void *userdata, unsigned int trust)
{
	struct kernel_engine *engine = userdata;

	engine->trust = trust;
}

static void fill_peer(struct decide_query *q, const struct bl_query *query)
{
	if (query->family == AF_INET || query->family == AF_INET6)
		decide_peer_set(&q->peer, query->addr, query->family == AF_INET6 ? 16 : 4,
				query->port);
	else
		q->peer.family = query->family;
}

/* Its rules are with those on opening a path. */
static int fill_socket(struct decide_kernel *k, struct decide_query *q,
		       const struct bl_query *query)
{
	q->op = BL_OP_OPEN;
	q->abstract = !query->socket[0];
	if (q->abstract)
		return decide_kernel_name(k, 0, query->socket, query->socket_len);
	return decide_kernel_path(k, 0, query->socket);
}

static int fill_kin(struct decide_kernel *k, struct decide_query *q, const struct bl_query *query)
{
	int r = 0;

	q->parent_known = query->parent != NULL;
	q->kin_unknown = query->kin_unknown;
	q->n_ancestors = (uint32_t)query->n_ancestors;
	if (query->n_ancestors > DECIDE_KIN_MAX)
		return -E2BIG;
	if (query->parent)
		r = decide_kernel_path(k, 3, query->parent);
	for (uint32_t i = 0; r == 0 && i < query->n_ancestors; i++)
		r = decide_kernel_path(k, 4 + i, query->ancestors[i]);
	return r;
}

static int kernel_decide(void *userdata, const struct bl_query *query, struct bl_answer *ret)
{
	struct kernel_engine *engine = userdata;
	struct decide_kernel *k = &engine->programs;
	struct decide_query q = {
		.op = query->op,
		.access = query->access,
		.untrusted = query->untrusted,
		.pseudo = query->pseudo,
		.exe_known = query->exe != NULL,
		.trust = engine->trust,
		.uid = query->uid,
		.login = query->has_login ? query->login : UINT32_MAX,
		.nested = query->nested,
		.capabilities = query->capabilities,
		.n_args = query->n_args,
		.args_len = (uint32_t)query->args_len,
		.n_gids = (uint32_t)query->n_gids,
	};
	int r = 0;

	memcpy(q.gids, query->gids, query->n_gids * sizeof(q.gids[0]));
	if (query->socket)
		r = fill_socket(k, &q, query);
	else if (query->op == BL_OP_CONNECT)
		fill_peer(&q, query);
	else if (!query->pseudo)
		r = decide_kernel_path(k, 0, query->path);
	if (r == 0 && query->n_args)
		r = decide_kernel_args(k, query->args, query->args_len);
	if (r == 0 && query->exe)
		r = decide_kernel_path(k, 1, query->exe);
	q.cgroup_cut = decide_kernel_cgroup(k, 2, query->cgroup ? query->cgroup : "/");
	if (r == 0)
		r = fill_kin(k, &q, query);
	if (r == 0)
		r = decide_kernel_ask(k, &q);
	if (r < 0)
		return r;
	if (q.error)
		return -ENODATA;
	ret->verdict = q.verdict == BL_VERDICT_UNSET ? BL_VERDICT_ALLOW : q.verdict;
	ret->rule = q.rule;
	ret->others = q.others;
	return 0;
}

int main(int argc, char **argv)
{
	struct kernel_engine kernel = { .trust = BL_TRUST_HOST };
	const struct engine engine = {
		.load = kernel_load,
		.decide = kernel_decide,
		.trust = kernel_trust,
		.userdata = &kernel,
	};
	int r;

	if (geteuid() != 0) {
		fprintf(stderr, "loading BPF programs needs root\n");
		return SKIP;
	}
	r = decide_kernel_open(&kernel.programs, 4 + DECIDE_KIN_MAX);
	if (r < 0)
		fprintf(stderr, "decide_kernel: can't load: %s\n", strerror(-r));
	else
		r = protocol_serve(&engine, argv + 1, argc - 1, stdin, stdout);
	decide_kernel_close(&kernel.programs);
	return r != 0;
}
