/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of events as a tree; what events say of parents is theirs, and need not fit together. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base.h"
#include "kin.h"
#include "tally.h"

#define NONE SIZE_MAX

int bl_kinship_init(struct bl_kinship *kin)
{
	*kin = (struct bl_kinship){
		.by_id = bl_strmap_new(),
		.by_pid = bl_strmap_new(),
		.first = NONE,
	};
	return kin->by_id && kin->by_pid ? 0 : -ENOMEM;
}

void bl_kinship_done(struct bl_kinship *kin)
{
	for (size_t i = 0; i < kin->n_nodes; i++) {
		struct bl_kinship_node *node = &kin->nodes[i];

		free(node->exe);
		free(node->unit);
		free(node->container);
		free(node->parent_exe);
		free(node->boot);
	}
	for (size_t i = 0; i < kin->n_keys; i++)
		free(kin->keys[i]);
	free(kin->keys);
	free(kin->nodes);
	bl_strmap_free(kin->by_id);
	bl_strmap_free(kin->by_pid);
	*kin = (struct bl_kinship){ 0 };
}

/* Adds a key that the map may keep. Returns 0, -EEXIST with the value that is there, or -ENOMEM. */
static int add_key(struct bl_kinship *kin, struct bl_strmap *map, char *key, size_t value,
		   uint32_t *ret_old)
{
	int r;

	if (!key)
		return -ENOMEM;
	r = bl_strmap_add(map, key, strlen(key), (uint32_t)value, ret_old);
	if (r == 0 && bl_grow(&kin->keys, &kin->max_keys, kin->n_keys + 1, sizeof(char *)) < 0)
		r = -ENOMEM;
	if (r == 0)
		kin->keys[kin->n_keys++] = key;
	else if (r == -EEXIST)
		free(key);
	return r;
}

static char *pid_key(const char *boot, uint64_t pid)
{
	return bl_format("%s %" PRIu64, boot, pid);
}

static int new_node(struct bl_kinship *kin, struct bl_kinship_node **ret)
{
	if (bl_grow(&kin->nodes, &kin->max_nodes, kin->n_nodes + 1, sizeof(*kin->nodes)) < 0)
		return -ENOMEM;
	kin->nodes[kin->n_nodes] = (struct bl_kinship_node){
		.parent = NONE,
		.child = NONE,
		.next = NONE,
		.same_pid = NONE,
	};
	*ret = &kin->nodes[kin->n_nodes++];
	return 0;
}

static uint64_t number_of(const struct bl_shown *entry, const char *name)
{
	uint64_t number = 0;

	return bl_shown_number(entry, name, &number) ? number : 0;
}

static int describe(struct bl_kinship_node *node, const struct bl_shown *entry)
{
	node->exe = bl_tally_subject(entry);
	node->unit = bl_tally_value(entry, "BAILIFF_UNIT");
	node->container = bl_tally_value(entry, "BAILIFF_CONTAINER");
	node->parent_exe = bl_tally_value(entry, "BAILIFF_PARENT_EXE");
	node->boot = bl_tally_value(entry, "_BOOT_ID");
	node->pid = number_of(entry, "BAILIFF_PID");
	node->ppid = number_of(entry, "BAILIFF_PPID");
	node->uid = number_of(entry, "BAILIFF_UID");
	node->start_ns = number_of(entry, "BAILIFF_START_NS");
	node->known = true;
	return node->exe && node->unit && node->container && node->parent_exe && node->boot
		       ? 0
		       : -ENOMEM;
}

/* Notes that the node's process has its number. */
static int note_pid(struct bl_kinship *kin, size_t at)
{
	struct bl_kinship_node *node = &kin->nodes[at];
	uint32_t other;
	int r = add_key(kin, kin->by_pid, pid_key(node->boot, node->pid), at, &other);

	if (r != -EEXIST)
		return r;
	node->same_pid = kin->nodes[other].same_pid;
	kin->nodes[other].same_pid = at;
	return 0;
}

/* The process of an entry; NULL in *ret where there are too many. */
static int find_node(struct bl_kinship *kin, const struct bl_shown *entry,
		     struct bl_kinship_node **ret)
{
	_cleanup_free_ char *boot = bl_tally_value(entry, "_BOOT_ID");
	uint32_t at;
	char *key = boot ? bl_format("%s %" PRIu64 " %" PRIu64, boot,
				     number_of(entry, "BAILIFF_PID"),
				     number_of(entry, "BAILIFF_START_NS"))
			 : NULL;
	int r;

	*ret = NULL;
	if (key && kin->n_nodes >= BL_KIN_MAX &&
	    !bl_strmap_get(kin->by_id, key, strlen(key), &at)) {
		free(key);
		return 0;
	}
	r = add_key(kin, kin->by_id, key, kin->n_nodes, &at);
	if (r == -EEXIST) {
		*ret = &kin->nodes[at];
		return 0;
	}
	if (r == 0)
		r = new_node(kin, ret);
	if (r == 0)
		r = describe(*ret, entry);
	return r == 0 ? note_pid(kin, kin->n_nodes - 1) : r;
}

int bl_kinship_add(struct bl_kinship *kin, const struct bl_shown *entry, bool refused)
{
	uint64_t times = bl_shown_times(entry);
	struct bl_kinship_node *node;
	int r = find_node(kin, entry, &node);

	if (r < 0)
		return r;
	if (!node) {
		kin->rest += times;
		return 0;
	}
	node->times += times;
	node->refused += refused ? times : 0;
	return 0;
}

/* ---- the tree ----------------------------------------------------------------------------- */

/* The youngest process of the parent's number that is older than the child. */
static size_t find_parent(const struct bl_kinship *kin, const struct bl_kinship_node *child)
{
	_cleanup_free_ char *key = pid_key(child->boot, child->ppid);
	size_t best = NONE;
	uint32_t at;

	if (!key || !bl_strmap_get(kin->by_pid, key, strlen(key), &at))
		return NONE;
	for (size_t i = at; i != NONE; i = kin->nodes[i].same_pid) {
		const struct bl_kinship_node *node = &kin->nodes[i];

		if (node->start_ns < child->start_ns &&
		    (best == NONE || node->start_ns > kin->nodes[best].start_ns))
			best = i;
	}
	return best;
}

/* A parent of which there are no events: as old as can be, so that it is the parent of others too. */
static int make_parent(struct bl_kinship *kin, size_t child, size_t *ret)
{
	struct bl_kinship_node *node;
	int r = new_node(kin, &node);

	if (r < 0)
		return r;
	*ret = kin->n_nodes - 1;
	node->pid = kin->nodes[child].ppid;
	node->exe = strdup(kin->nodes[child].parent_exe);
	node->boot = strdup(kin->nodes[child].boot);
	if (!node->exe || !node->boot)
		return -ENOMEM;
	return note_pid(kin, *ret);
}

static void hang(struct bl_kinship *kin, size_t at)
{
	struct bl_kinship_node *node = &kin->nodes[at];
	size_t *list = node->parent == NONE ? &kin->first : &kin->nodes[node->parent].child;

	node->next = *list;
	*list = at;
}

static unsigned int depth_of(const struct bl_kinship *kin, size_t at)
{
	unsigned int depth = 0;

	/* Each parent is older than its child, so this ends. */
	for (at = kin->nodes[at].parent; at != NONE; at = kin->nodes[at].parent)
		depth++;
	return depth;
}

int bl_kinship_link(struct bl_kinship *kin)
{
	size_t n = kin->n_nodes;

	for (size_t i = 0; i < n; i++) {
		size_t parent = find_parent(kin, &kin->nodes[i]);
		int r = 0;

		if (parent == NONE && kin->nodes[i].ppid && kin->nodes[i].start_ns)
			r = make_parent(kin, i, &parent);
		if (r < 0)
			return r;
		kin->nodes[i].parent = parent;
	}
	for (size_t i = kin->n_nodes; i-- > 0;) {
		kin->nodes[i].depth = depth_of(kin, i);
		/* What is deeper than can be shown is shown beside the others. */
		if (kin->nodes[i].depth && kin->nodes[i].depth % BL_KIN_DEPTH_MAX == 0)
			kin->nodes[i].parent = NONE;
	}
	for (size_t i = kin->n_nodes; i-- > 0;)
		hang(kin, i);
	return 0;
}
