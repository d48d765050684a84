// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Runs the verdict logic of match.h in the kernel without a hook: for the oracle and for timing. */
#include "vmlinux.h"
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "args.h"
#include "cgroup.h"
#include "conditions.h"
#include "match.h"
#include "maps.bpf.h"
#include "decide.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Paths that user space has laid out as the kernel's walk would leave them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4 + DECIDE_KIN_MAX);
	__type(key, __u32);
	__type(value, struct bl_walk);
} walks SEC(".maps");

/* Destinations of a timed run. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DECIDE_SLOTS_MAX);
	__type(key, __u32);
	__type(value, struct bl_peer);
} peers SEC(".maps");

struct arguments {
	char bytes[DECIDE_ARGS_BYTES + BL_PATH_BYTES];
};

/* The arguments of the program that a query is about. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct arguments);
} arguments SEC(".maps");

/* A copy of the query: the context can't be read at a variable offset. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct decide_query);
} queries SEC(".maps");

/* The conditions of its parent, and of its ancestors. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, _BL_KIN_MAX);
	__type(key, __u32);
	__type(value, __u64[BL_COND_WORDS]);
} kin_bits SEC(".maps");

/* The asking subject's conditions, as task storage holds them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[BL_COND_WORDS]);
} asking SEC(".maps");

static __always_inline int image_open(struct bl_matcher *m)
{
	__u32 zero = 0;

	m->image = bpf_map_lookup_elem(&images, &zero);
	if (!m->image)
		return 0;
	m->header = bpf_map_lookup_elem(m->image, &zero);
	return m->header != NULL;
}

/* Runs both machines over a slot's path, as a chain if it is one; its classes stay in the slot. */
static __always_inline void path_classify(struct bl_matcher *m)
{
	bl_walk_reset(m->walk);
	if (!m->walk->chain.n || !bl_chain_run(m, BL_TRIE_ROOT, m->header->dfa_start))
		bl_path_run(m, m->walk->n_comps, 0, BL_TRIE_ROOT, m->header->dfa_start);
	bl_path_classes(m);
}

struct groups {
	const struct bl_matcher *m;
	const struct decide_query *query;
};

static long group_turn(__u32 index, void *ctx)
{
	const struct groups *groups = ctx;

	if (index >= groups->query->n_gids || index >= DECIDE_GIDS_MAX)
		return 1;
	BL_BARRIER(index);
	bl_subject_gid(groups->m, groups->query->gids[index & (DECIDE_GIDS_MAX - 1)]);
	return 0;
}

struct kin {
	const struct bl_matcher *m;
	const struct decide_query *query;
	__u64 *parent, *ancestor;
};

/* The parent, and then the ancestors. */
static long kin_turn(__u32 index, void *ctx)
{
	const struct kin *kin = ctx;
	struct bl_matcher m = *kin->m;
	__u32 slot = 3 + index;

	if (index > kin->query->n_ancestors)
		return 1;
	m.walk = bpf_map_lookup_elem(&walks, &slot);
	if (!m.walk)
		return 1;
	if (index) {
		path_classify(&m);
		bl_kin_add(&m, kin->ancestor, BL_KIN_ANCESTOR, kin->query->trust);
	} else if (kin->query->parent_known) {
		path_classify(&m);
		bl_kin_add(&m, kin->parent, BL_KIN_PARENT, kin->query->trust);
	}
	return 0;
}

/* Takes out the conditions that ask for other parents or ancestors. A program's stack has no room for bits. */
static __noinline int kin_filter(const struct bl_matcher *m, const struct decide_query *query,
				 __u64 *bits)
{
	__u32 parent = BL_KIN_PARENT, ancestor = BL_KIN_ANCESTOR;
	struct kin kin = { .m = m, .query = query };

	kin.parent = bpf_map_lookup_elem(&kin_bits, &parent);
	kin.ancestor = bpf_map_lookup_elem(&kin_bits, &ancestor);
	if (!kin.parent || !kin.ancestor)
		return 0;
	bl_bits_clear(kin.parent);
	bl_bits_clear(kin.ancestor);
	bpf_loop(1 + DECIDE_KIN_MAX, kin_turn, &kin, 0);
	if (query->kin_unknown) {
		bl_kin_fill(m, kin.parent, BL_KIN_PARENT);
		bl_kin_fill(m, kin.ancestor, BL_KIN_ANCESTOR);
	}
	bl_kin_and(m, bits, kin.parent, BL_KIN_PARENT);
	bl_kin_and(m, bits, kin.ancestor, BL_KIN_ANCESTOR);
	return 0;
}

struct capabilities {
	const struct bl_matcher *m;
	__u64 held;
};

static long capability_turn(__u32 index, void *ctx)
{
	const struct capabilities *capabilities = ctx;

	if (capabilities->held >> (index & (BL_CAPS - 1)) & 1)
		bl_subject_cap(capabilities->m, index);
	return 0;
}

/* bits &= what the login and the capabilities leave open. */
static __always_inline void task_bits(struct bl_matcher *m, const struct decide_query *query,
				      __u64 *bits)
{
	struct capabilities capabilities = { .m = m, .held = query->capabilities };

	if (m->header->flags & BL_TABLES_LOGINS) {
		bl_bits_clear(m->walk->bits);
		bl_subject_login(m, query->login);
		bl_bits_and(m, bits, m->walk->bits);
	}
	if (m->header->flags & BL_TABLES_CAPS) {
		bl_bits_clear(m->walk->bits);
		bl_subject_cap(m, BL_CAPS);
		bpf_loop(BL_CAPS, capability_turn, &capabilities, 0);
		bl_bits_and(m, bits, m->walk->bits);
	}
}

/* bits &= what the names by the cgroup leave open, whose path is in its slot. Verified on its own. */
__noinline int name_bits(void)
{
	__u32 zero = 0, two = 2;
	const struct decide_query *query = bpf_map_lookup_elem(&queries, &zero);
	__u64 *bits = bpf_map_lookup_elem(&asking, &zero);
	struct bl_matcher m = { .walk = bpf_map_lookup_elem(&walks, &two) };

	if (!query || !bits || !m.walk || !image_open(&m))
		return 0;
	if (!(m.header->flags & BL_TABLES_CGROUPS))
		return 1;
	bl_cgroup_find(&m, query->nested);
	bl_subject_names(&m, bits, query->cgroup_cut);
	return 1;
}

/* bits = the conditions that hold for the query's subject; m->walk is the executable's slot. */
static __always_inline void subject_bits(struct bl_matcher *m, const struct decide_query *query,
					 __u64 *bits)
{
	struct groups groups = { .m = m, .query = query };

	if (query->exe_known)
		path_classify(m);
	bl_subject_exe(m, bits, query->exe_known ? query->trust : BL_TRUST_NONE);
	if (m->header->flags & BL_TABLES_DESCENT)
		kin_filter(m, query, bits);
	bl_bits_clear(m->walk->bits);
	bl_subject_uid(m, query->uid);
	bl_bits_and(m, bits, m->walk->bits);
	bl_bits_clear(m->walk->bits);
	bpf_loop(m->header->flags & BL_TABLES_GIDS ? DECIDE_GIDS_MAX : 1, group_turn, &groups, 0);
	bl_bits_and(m, bits, m->walk->bits);
	task_bits(m, query, bits);
}

static __always_inline const struct bl_class *class_at(const struct bl_matcher *m, __u32 index,
						       __u32 untrusted)
{
	const struct bl_class *class =
		bl_at(m, m->walk->classes[index], struct bl_class);

	if (class && untrusted && class->untrusted)
		class = bl_at(m, class->untrusted, struct bl_class);
	return class;
}

static __always_inline void object_search(struct bl_matcher *m, __u32 op, __u32 untrusted)
{
	__u32 exec_access = 0;

	for (__u32 i = 0; i < BL_CLASSES_MAX && i < m->walk->n_classes; i++) {
		const struct bl_class *class = class_at(m, i, untrusted);

		if (class)
			exec_access |= class->exec_access;
	}
	if (op == BL_OP_EXEC)
		m->walk->access = bl_exec_asked(exec_access, m->walk->access);
	for (__u32 i = 0; i < BL_CLASSES_MAX && i < m->walk->n_classes; i++) {
		const struct bl_class *class = class_at(m, i, untrusted);

		if (class)
			bl_list_search(m, op == BL_OP_EXEC ? class->exec_list : class->open_list);
	}
}

static __always_inline void peer_search(struct bl_matcher *m, const struct bl_peer *peer)
{
	struct bl_lists lists;

	bl_connect_lists(m, peer, &lists);
	bl_lists_search(m, &lists);
}

struct args {
	struct bl_matcher m;
	const struct arguments *from;
	__u32 at, end;
};

static long args_turn(__u32 index, void *ctx)
{
	struct args *args = ctx;
	__u32 at = args->at, len = args->end - at;

	if (at >= args->end || at >= DECIDE_ARGS_BYTES)
		return 1;
	if (len > BL_PATH_BYTES)
		len = BL_PATH_BYTES;
	BL_BARRIER(at);
	bpf_probe_read_kernel(args->m.walk->path, BL_PATH_BYTES,
			      &args->from->bytes[at & (DECIDE_ARGS_BYTES - 1)]);
	args->at = at + len;
	return !bl_args_run(&args->m, len);
}

/* What rules wait for of the arguments, where nothing refuses the program. */
static __always_inline void args_search(const struct bl_matcher *m,
					const struct decide_query *query)
{
	__u32 zero = 0;
	struct args args = {
		.m = *m,
		.from = bpf_map_lookup_elem(&arguments, &zero),
		.end = query->args_len,
	};

	if (!args.from || !m->walk->n_pending || m->walk->verdict >= BL_VERDICT_DENY)
		return;
	args.m.bits = m->walk->pending;
	if (bl_args_begin(&args.m, query->n_args, 0))
		bpf_loop(DECIDE_ARGS_BYTES / BL_PATH_BYTES, args_turn, &args, 0);
}

SEC("syscall")
int decide(struct decide_query *asked)
{
	__u32 zero = 0, one = 1;
	struct decide_query *query = bpf_map_lookup_elem(&queries, &zero);
	struct bl_walk *object = bpf_map_lookup_elem(&walks, &zero);
	struct bl_walk *exe = bpf_map_lookup_elem(&walks, &one);
	__u64 *bits = bpf_map_lookup_elem(&asking, &zero);
	struct bl_matcher m = {};

	if (!query || !object || !exe || !bits || !image_open(&m) ||
	    bpf_probe_read_kernel(query, sizeof(*query), asked)) {
		asked->error = 1;
		return 0;
	}
	if (m.header->flags & BL_TABLES_SUBJECTS) {
		m.walk = exe;
		subject_bits(&m, query, bits);
		if (!name_bits()) {
			asked->error = 1;
			return 0;
		}
		m.bits = bits;
	}
	m.walk = object;
	object->access = query->access;
	bl_verdict_reset(object);
	if (query->op == BL_OP_CONNECT) {
		peer_search(&m, &query->peer);
	} else if (query->pseudo) {
		bl_list_search(&m, m.header->exec_pseudo);
	} else {
		if (query->abstract)
			bl_abstract_run(&m);
		else
			path_classify(&m);
		object_search(&m, query->op, query->untrusted);
	}
	if (query->op == BL_OP_EXEC)
		args_search(&m, query);
	asked->verdict = object->verdict;
	asked->rule = object->rule;
	asked->others = bl_others(object);
	asked->error = 0;
	return 0;
}

/* ---- timing ------------------------------------------------------------------------------- */

struct timed {
	struct bl_matcher m;
	__u32 access;
	__u32 slots;
	__u32 matched;
};

/* Visits the slots in an order that no prefetcher follows. */
static __always_inline __u32 timed_slot(__u32 index, __u32 slots)
{
	return (index * 2654435761u >> 8) & (slots - 1);
}

static long open_turn(__u32 index, void *ctx)
{
	struct timed *timed = ctx;
	struct bl_matcher m = timed->m;
	__u32 slot = timed_slot(index, timed->slots);

	m.walk = bpf_map_lookup_elem(&walks, &slot);
	if (!m.walk)
		return 1;
	m.walk->access = timed->access;
	bl_verdict_reset(m.walk);
	path_classify(&m);
	object_search(&m, BL_OP_OPEN, 0);
	timed->matched += m.walk->verdict != BL_VERDICT_UNSET;
	return 0;
}

static long peer_turn(__u32 index, void *ctx)
{
	struct timed *timed = ctx;
	struct bl_matcher m = timed->m;
	__u32 slot = timed_slot(index, timed->slots), zero = 0;
	const struct bl_peer *peer = bpf_map_lookup_elem(&peers, &slot);

	m.walk = bpf_map_lookup_elem(&walks, &zero);
	if (!m.walk || !peer)
		return 1;
	m.walk->access = timed->access;
	bl_verdict_reset(m.walk);
	peer_search(&m, peer);
	timed->matched += m.walk->verdict != BL_VERDICT_UNSET;
	return 0;
}

static __always_inline int timed_start(struct timed *timed, const struct decide_timing *timing)
{
	if (!image_open(&timed->m))
		return 0;
	timed->access = timing->access;
	timed->slots = timing->slots;
	return 1;
}

SEC("syscall")
int time_open(struct decide_timing *timing)
{
	struct timed timed = {};
	__u64 start;

	if (!timed_start(&timed, timing))
		return 0;
	start = bpf_ktime_get_ns();
	bpf_loop(timing->decisions, open_turn, &timed, 0);
	timing->ns = bpf_ktime_get_ns() - start;
	timing->matched = timed.matched;
	return 0;
}

SEC("syscall")
int time_connect(struct decide_timing *timing)
{
	struct timed timed = {};
	__u64 start;

	if (!timed_start(&timed, timing))
		return 0;
	start = bpf_ktime_get_ns();
	bpf_loop(timing->decisions, peer_turn, &timed, 0);
	timing->ns = bpf_ktime_get_ns() - start;
	timing->matched = timed.matched;
	return 0;
}
