/* SPDX-License-Identifier: Apache-2.0 */
/* Decides an access in user space, with the kernel's own logic. */
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "args.h"
#include "base.h"
#include "cgroup.h"
#include "compile.h"
#include "conditions.h"
#include "peer.h"
#include "policy.h"

/* What came of a path's text. */
enum path_kind {
	PATH_WALKED,
	PATH_DEEP, /* too long, or too many components */
	PATH_NONE,
};

/* Puts a path at the end of the walk's text, as the kernel's walk up the dentries does. */
static enum path_kind load_path(struct bl_walk *walk, const char *path)
{
	size_t len = path ? strlen(path) : 0;
	uint32_t n = 0;

	if (!path || path[0] != '/')
		return PATH_NONE;
	if (len == 1)
		len = 0;
	if (len > BL_PATH_BYTES)
		return PATH_DEEP;
	walk->pos = (uint32_t)(BL_PATH_BYTES - len);
	memcpy(walk->path + walk->pos, path, len);
	for (size_t i = len; i--;) {
		if (path[i] != '/')
			continue;
		if (n == BL_DEPTH_MAX)
			return PATH_DEEP;
		walk->comp[n++] = (uint16_t)(walk->pos + i);
	}
	walk->n_comps = n;
	return PATH_WALKED;
}

static enum path_kind find_classes(const struct bl_matcher *m, const char *path)
{
	enum path_kind kind = load_path(m->walk, path);

	bl_walk_reset(m->walk);
	if (kind != PATH_WALKED)
		return kind;
	bl_path_run(m, m->walk->n_comps, 0, BL_TRIE_ROOT, m->header->dfa_start);
	bl_path_classes(m);
	return kind;
}

/* Without any group only those conditions hold that hold for all of them. */
static void any_group(const struct bl_matcher *m, uint64_t *bits)
{
	const struct bl_ranges *gids = &m->header->gids;

	for (uint32_t i = 0; i < gids->count; i++) {
		const struct bl_range_bits *range =
			bl_at(m, gids->offset + i * sizeof(*range), struct bl_range_bits);

		bl_bits_clear(m->walk->bits);
		bl_bits_or(m, m->walk->bits, range->bits, 0);
		bl_bits_and(m, (__u64 *)bits, m->walk->bits);
	}
}

static void find_kin(const struct bl_matcher *m, const struct bl_query *query, __u64 *bits)
{
	__u64 parent[BL_COND_WORDS] = {}, ancestor[BL_COND_WORDS] = {};

	if (query->parent && find_classes(m, query->parent) == PATH_WALKED)
		bl_kin_add(m, parent, BL_KIN_PARENT, BL_TRUST_HOST);
	for (size_t i = 0; i < query->n_ancestors; i++)
		if (find_classes(m, query->ancestors[i]) == PATH_WALKED)
			bl_kin_add(m, ancestor, BL_KIN_ANCESTOR, BL_TRUST_HOST);
	if (query->kin_unknown) {
		bl_kin_fill(m, parent, BL_KIN_PARENT);
		bl_kin_fill(m, ancestor, BL_KIN_ANCESTOR);
	}
	bl_kin_and(m, bits, parent, BL_KIN_PARENT);
	bl_kin_and(m, bits, ancestor, BL_KIN_ANCESTOR);
}

/* Lays out the path of a cgroup: as much of it as the kernel's side has. Returns whether there is more. */
static bool load_cgroup(struct bl_walk *walk, const char *path)
{
	size_t len = path ? strlen(path) : 0, end = 0;
	uint32_t n = 0;

	walk->n_comps = 0;
	walk->pos = BL_PATH_BYTES;
	if (len < 2)
		return false;

	for (size_t at = 0; at < len; at++)
		if (path[at] != '/' || n++ < BL_CGROUP_COMPS)
			end = at + 1;
		else
			break;
	walk->n_comps = BL_MIN(n, (uint32_t)BL_CGROUP_COMPS);
	end = BL_MIN(end, (size_t)BL_CGROUP_COMPS * (BL_NAME_BYTES + 1));
	walk->pos = (uint32_t)(BL_PATH_BYTES - end);
	memcpy(walk->path + walk->pos, path, BL_PATH_BYTES - walk->pos);
	n = walk->n_comps;
	for (uint32_t at = walk->pos; n && at < BL_PATH_BYTES; at++)
		if (walk->path[at] == '/')
			walk->comp[--n] = (uint16_t)at;
	return end < len;
}

/* A name that is not the cgroup's, before the text of its path. */
static void load_name(struct bl_walk *walk, const char *name, uint32_t at, __u32 *start, __u32 *end)
{
	size_t len = strlen(name);

	*start = at;
	*end = at + (uint32_t)BL_MIN(len, (size_t)BL_NAME_BYTES);
	memcpy(walk->path + at, name, *end - at);
}

static void load_container(struct bl_walk *walk, const struct bl_query *query)
{
	struct bl_cgroup_parts *names = &walk->names;

	names->id_end = 0;
	names->container = BL_CONTAINED_NOT;
	if (!query->in_container)
		return;
	names->container = query->container ? BL_CONTAINED_SURE : BL_CONTAINED_MAYBE;
	if (query->container)
		load_name(walk, query->container, 3 * (BL_NAME_BYTES + 1), &names->id,
			  &names->id_end);
}

/* Returns whether the cgroup's path is longer than what is looked at. */
static bool load_names(const struct bl_matcher *m, const struct bl_query *query)
{
	struct bl_cgroup_parts *names = &m->walk->names;
	bool cut = load_cgroup(m->walk, query->cgroup);

	bl_cgroup_find(m, query->nested);
	if (query->unit)
		load_name(m->walk, query->unit, BL_NAME_BYTES + 1, &names->unit, &names->unit_end);
	if (query->slice)
		load_name(m->walk, query->slice, 2 * (BL_NAME_BYTES + 1), &names->slice,
			  &names->slice_end);
	if (query->has_container)
		load_container(m->walk, query);
	return cut;
}

static void find_capabilities(const struct bl_matcher *m, uint64_t capabilities, __u64 *bits)
{
	bl_bits_clear(m->walk->bits);
	bl_subject_cap(m, BL_CAPS);
	for (uint32_t cap = 0; cap < BL_CAPS; cap++)
		if (capabilities >> cap & 1)
			bl_subject_cap(m, cap);
	bl_bits_and(m, bits, m->walk->bits);
}

static void find_task(const struct bl_matcher *m, const struct bl_query *query, __u64 *bits)
{
	if (m->header->flags & BL_TABLES_LOGINS) {
		bl_bits_clear(m->walk->bits);
		bl_subject_login(m, query->has_login ? query->login : BL_LOGIN_UNSET);
		bl_bits_and(m, bits, m->walk->bits);
	}
	if (m->header->flags & BL_TABLES_CAPS)
		find_capabilities(m, query->capabilities, bits);
	if (m->header->flags & BL_TABLES_CGROUPS)
		bl_subject_names(m, bits, load_names(m, query));
}

static void find_subject(const struct bl_matcher *m, const struct bl_query *query, __u64 *bits)
{
	enum path_kind kind = find_classes(m, query->exe);

	bl_subject_exe(m, bits, kind == PATH_WALKED ? BL_TRUST_HOST : BL_TRUST_NONE);
	if (m->header->flags & BL_TABLES_DESCENT)
		find_kin(m, query, bits);
	bl_bits_clear(m->walk->bits);
	bl_subject_uid(m, query->uid);
	bl_bits_and(m, bits, m->walk->bits);
	find_task(m, query, bits);
	if (!query->n_gids) {
		any_group(m, (uint64_t *)bits);
		return;
	}
	bl_bits_clear(m->walk->bits);
	for (size_t i = 0; i < query->n_gids; i++)
		bl_subject_gid(m, query->gids[i]);
	bl_bits_and(m, bits, m->walk->bits);
}

/* A class as it counts on the file system that the object is on. */
static const struct bl_class *class_at(const struct bl_matcher *m, const struct bl_query *query,
				       uint32_t offset)
{
	const struct bl_class *found = bl_at(m, offset, struct bl_class);

	if (query->untrusted && found->untrusted)
		found = bl_at(m, found->untrusted, struct bl_class);
	return found;
}

static void search_classes(struct bl_matcher *m, const struct bl_query *query, bool exec)
{
	uint32_t classes[BL_CLASSES_MAX], n = m->walk->n_classes, exec_access = 0;

	memcpy(classes, m->walk->classes, sizeof(classes));
	for (uint32_t i = 0; i < n; i++)
		exec_access |= class_at(m, query, classes[i])->exec_access;
	if (exec)
		m->walk->access = bl_exec_asked(exec_access, m->walk->access);
	for (uint32_t i = 0; i < n; i++) {
		const struct bl_class *found = class_at(m, query, classes[i]);

		bl_list_search(m, exec ? found->exec_list : found->open_list);
	}
}

static void decide_path(struct bl_matcher *m, const struct bl_query *query, const char *path,
			bool exec)
{
	const struct bl_header *header = m->header;

	switch (find_classes(m, path)) {
	case PATH_WALKED:
		search_classes(m, query, exec);
		return;
	case PATH_DEEP:
		bl_list_search(m, exec ? header->exec_deep : header->open_deep);
		return;
	case PATH_NONE:
		bl_list_search(m, exec ? header->exec_lost : header->open_lost);
		return;
	}
}

/* What rules wait for of the arguments of a program that nothing refuses. */
static void decide_args(struct bl_matcher *m, const struct bl_query *query)
{
	struct bl_walk *walk = m->walk;
	size_t len;

	if (!walk->n_pending || walk->verdict >= BL_VERDICT_DENY)
		return;
	m->bits = walk->pending;
	if (!bl_args_begin(m, query->n_args, 0))
		return;
	for (size_t at = 0; at < query->args_len; at += len) {
		len = BL_MIN(query->args_len - at, (size_t)BL_PATH_BYTES);
		memcpy(walk->path, query->args + at, len);
		if (!bl_args_run(m, (uint32_t)len))
			return;
	}
}

/* The same for a unix socket, which is among what opens of its path come to. */
static void decide_socket(struct bl_matcher *m, const struct bl_query *query)
{
	struct bl_walk *walk = m->walk;

	if (query->socket[0] == '/') {
		decide_path(m, query, query->socket, false);
		return;
	}
	if (query->socket_len > BL_NAME_BYTES)
		return;
	walk->pos = (uint32_t)(BL_PATH_BYTES - query->socket_len);
	memcpy(walk->path + walk->pos, query->socket, query->socket_len);
	walk->comp[0] = (uint16_t)walk->pos;
	walk->n_comps = 1;
	bl_abstract_run(m);
	search_classes(m, query, false);
}

static void decide_connect(struct bl_matcher *m, const struct bl_query *query)
{
	struct bl_peer peer = { .v6 = query->family == AF_INET6, .port = query->port };
	struct bl_lists lists;

	if (query->family == AF_INET || query->family == AF_INET6) {
		memcpy(&peer.addr, query->addr, peer.v6 ? 16 : 4);
		bl_normalise(&peer);
	} else {
		peer.family = query->family;
	}
	bl_connect_lists(m, &peer, &lists);
	bl_lists_search(m, &lists);
}

static void decide(const struct bl_tables *tables, const struct bl_query *query,
		   struct bl_walk *walk)
{
	struct bl_matcher m = {
		.image = tables->bytes,
		.header = (const struct bl_header *)tables->bytes,
		.walk = walk,
	};
	__u64 bits[BL_COND_WORDS];

	find_subject(&m, query, bits);
	m.bits = bits;
	bl_verdict_reset(walk);
	switch (query->op) {
	case BL_OP_EXEC:
	case BL_OP_OPEN:
		if (query->pseudo)
			bl_list_search(&m, m.header->exec_pseudo);
		else
			decide_path(&m, query, query->path, query->op == BL_OP_EXEC);
		if (query->op == BL_OP_EXEC)
			decide_args(&m, query);
		break;
	case BL_OP_CONNECT:
		if (query->socket)
			decide_socket(&m, query);
		else
			decide_connect(&m, query);
		break;
	case _BL_OP_MAX:
		break;
	}
}

static struct bl_matcher matcher_of(const struct bl_tables *tables, struct bl_walk *walk)
{
	return (struct bl_matcher){
		.image = tables->bytes,
		.header = (const struct bl_header *)tables->bytes,
		.walk = walk,
	};
}

static void add_kin(const struct bl_matcher *m, unsigned int trust, uint64_t *parent,
		    uint64_t *ancestor)
{
	bl_kin_add(m, (__u64 *)parent, BL_KIN_PARENT, (enum bl_trust)trust);
	bl_kin_add(m, (__u64 *)ancestor, BL_KIN_ANCESTOR, (enum bl_trust)trust);
}

void bl_kin_of_path(const struct bl_tables *tables, const char *path, unsigned int trust,
		    uint64_t *parent, uint64_t *ancestor)
{
	struct bl_walk walk = {};
	struct bl_matcher m = matcher_of(tables, &walk);

	if (find_classes(&m, path) == PATH_WALKED)
		add_kin(&m, trust, parent, ancestor);
	else
		bl_kin_of_any(tables, parent, ancestor);
}

void bl_called_of_cgroup(const struct bl_tables *tables, const char *path, bool nested,
			 uint64_t ret[static BL_COND_WORDS])
{
	const struct bl_query query = { .cgroup = path, .nested = nested };
	struct bl_walk walk = {};
	struct bl_matcher m = matcher_of(tables, &walk);

	memset(ret, 0xff, BL_COND_WORDS * sizeof(*ret));
	bl_subject_names(&m, (__u64 *)ret, load_names(&m, &query));
}

void bl_kin_of_classes(const struct bl_tables *tables, const uint32_t *classes, size_t n,
		       unsigned int trust, uint64_t *parent, uint64_t *ancestor)
{
	struct bl_walk walk = {};
	struct bl_matcher m = matcher_of(tables, &walk);

	for (size_t i = 0; i < n; i++)
		bl_class_add(&walk, classes[i]);
	add_kin(&m, trust, parent, ancestor);
}

void bl_kin_of_any(const struct bl_tables *tables, uint64_t *parent, uint64_t *ancestor)
{
	struct bl_walk walk = {};
	struct bl_matcher m = matcher_of(tables, &walk);

	bl_kin_fill(&m, (__u64 *)parent, BL_KIN_PARENT);
	bl_kin_fill(&m, (__u64 *)ancestor, BL_KIN_ANCESTOR);
}

static_assert(BL_MATCHES_MAX == BL_SEEN_MAX, "so many rules are told apart");

size_t bl_decide_matches(const struct bl_tables *tables, const struct bl_query *query,
			 uint32_t ret[static BL_MATCHES_MAX])
{
	struct bl_walk walk = { .access = query->access };

	decide(tables, query, &walk);
	memcpy(ret, walk.seen, walk.n_seen * sizeof(*ret));
	return walk.n_seen;
}

void bl_decide(const struct bl_tables *tables, const struct bl_query *query, struct bl_answer *ret)
{
	struct bl_walk walk = { .access = query->access };

	decide(tables, query, &walk);
	*ret = (struct bl_answer){
		.verdict = walk.verdict ? (enum bl_verdict)walk.verdict : BL_VERDICT_ALLOW,
		.rule = walk.rule,
		.others = bl_others(&walk),
	};
}
