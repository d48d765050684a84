/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a policy set: what its rules mean, in the set's order. */
#include "compiler.h"

#include <errno.h>
#include <string.h>

#include "sha256.h"

/*
 * Every value goes in with its length or as a fixed number of bytes, so that no two sets read
 * alike. Sets of patterns, addresses and ranges go in as their own digests over sorted members.
 */
struct digest {
	uint8_t bytes[BL_SHA256_BYTES];
};

static void add_u32(struct bl_sha256 *sha, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
			     (uint8_t)(value >> 24) };

	bl_sha256_add(sha, bytes, sizeof(bytes));
}

static void add_text(struct bl_sha256 *sha, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	add_u32(sha, text ? (uint32_t)len + 1 : 0);
	bl_sha256_add(sha, text, len);
}

static int compare_patterns(const void *left, const void *right)
{
	const struct bl_pattern *a = *(const struct bl_pattern *const *)left;
	const struct bl_pattern *b = *(const struct bl_pattern *const *)right;

	return strcmp(a->text, b->text);
}

static int list_digest(const struct bl_compiler *c, uint32_t list, struct digest *ret)
{
	size_t n;
	const uint32_t *pats = bl_interned(&c->lists, list, &n);
	_cleanup_free_ const struct bl_pattern **sorted = calloc(n + 1, sizeof(*sorted));
	struct bl_sha256 sha;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = c->pats[pats[i]].pattern;
	qsort(sorted, n, sizeof(struct bl_pattern *), compare_patterns);
	bl_sha256_init(&sha);
	for (size_t i = 0; i < n; i++)
		add_text(&sha, sorted[i]->text);
	bl_sha256_end(&sha, ret->bytes);
	return 0;
}

static int compare_nets(const void *left, const void *right)
{
	const struct bl_net *a = left, *b = right;

	if (a->family != b->family)
		return a->family - b->family;
	if (a->prefix != b->prefix)
		return a->prefix - b->prefix;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

static int nets_digest(const struct bl_nets *nets, struct digest *ret)
{
	_cleanup_free_ struct bl_net *sorted = calloc(nets->count + 1, sizeof(*sorted));
	struct bl_sha256 sha;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, nets->items, nets->count * sizeof(*sorted));
	qsort(sorted, nets->count, sizeof(*sorted), compare_nets);
	bl_sha256_init(&sha);
	for (size_t i = 0; i < nets->count; i++) {
		if (i && !compare_nets(&sorted[i - 1], &sorted[i]))
			continue;
		bl_sha256_add(&sha, &sorted[i].family, 1);
		bl_sha256_add(&sha, &sorted[i].prefix, 1);
		bl_sha256_add(&sha, sorted[i].addr, sizeof(sorted[i].addr));
	}
	bl_sha256_end(&sha, ret->bytes);
	return 0;
}

/* The digests of all lists and nets, each made once however many rules share it. */
struct digests {
	struct digest *lists;
	struct digest *nets;
};

static void digests_clear(struct digests *digests)
{
	free(digests->lists);
	free(digests->nets);
}

static int digests_make(const struct bl_compiler *c, struct digests *digests)
{
	int r = 0;

	digests->lists = calloc(c->lists.count + 1, sizeof(*digests->lists));
	digests->nets = calloc(c->n_nets + 1, sizeof(*digests->nets));
	if (!digests->lists || !digests->nets)
		return -ENOMEM;
	for (uint32_t list = 1; !r && list <= c->lists.count; list++)
		r = list_digest(c, list, &digests->lists[list]);
	for (size_t i = 1; !r && i < c->n_nets; i++)
		r = nets_digest(c->nets[i], &digests->nets[i]);
	return r;
}

static void add_digest(struct bl_sha256 *sha, const struct digest *digest, bool present)
{
	uint8_t has = present;

	bl_sha256_add(sha, &has, 1);
	if (present)
		bl_sha256_add(sha, digest->bytes, sizeof(digest->bytes));
}

static void add_words(struct bl_sha256 *sha, const struct bl_interns *interns, uint32_t id)
{
	size_t n;
	const uint32_t *words = bl_interned(interns, id, &n);

	add_u32(sha, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		add_u32(sha, words[i]);
}

static void add_name_digests(struct bl_sha256 *sha, const struct digests *digests,
			     const struct bl_name_lists *names)
{
	add_digest(sha, &digests->lists[names->units], names->units);
	add_digest(sha, &digests->lists[names->slices], names->slices);
	add_digest(sha, &digests->lists[names->cgroups], names->cgroups);
	add_digest(sha, &digests->lists[names->containers], names->containers);
}

static void add_cond(struct bl_sha256 *sha, const struct bl_compiler *c,
		     const struct digests *digests, uint32_t cond)
{
	struct bl_cond info = {};

	if (cond)
		info = bl_subjects_get(&c->subjects, cond);
	add_digest(sha, &digests->lists[info.exe], info.exe);
	add_digest(sha, &digests->lists[info.parent], info.parent);
	add_digest(sha, &digests->lists[info.ancestor], info.ancestor);
	add_words(sha, &c->subjects.ranges, info.uids);
	add_words(sha, &c->subjects.ranges, info.gids);
	add_words(sha, &c->subjects.ranges, info.logins);
	add_words(sha, &c->subjects.ranges, info.caps);
	add_name_digests(sha, digests, &info.names);
}

/* One of inet and inet6 alone is told by the addresses. */
static void add_families(struct bl_sha256 *sha, const struct bl_match *match)
{
	uint64_t families = match->families;

	if (families & BL_FAMILIES_IP)
		families |= BL_FAMILIES_IP;
	add_u32(sha, (uint32_t)families);
	add_u32(sha, (uint32_t)(families >> 32));
}

static void add_except(struct bl_sha256 *sha, const struct bl_compiler *c,
		       const struct digests *digests, const struct bl_except_info *except)
{
	uint8_t masks[3] = { except->match->access, except->match->protocols,
			     except->match->facts };

	add_families(sha, except->match);

	add_digest(sha, &digests->lists[except->path], except->path);
	add_digest(sha, &digests->nets[except->nets], except->nets);
	add_words(sha, &c->port_sets, except->ports);
	bl_sha256_add(sha, masks, sizeof(masks));
	add_cond(sha, c, digests, except->cond);
}

static int compare_digests(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct digest));
}

/* Exceptions have no order: they go in sorted by their digests. */
static int add_excepts(struct bl_sha256 *sha, const struct bl_compiler *c,
		       const struct digests *digests, const struct bl_rule_info *info)
{
	size_t n = info->rule->n_unless;
	_cleanup_free_ struct digest *sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct bl_sha256 one;

		bl_sha256_init(&one);
		add_except(&one, c, digests, &c->excepts[info->first_except + i]);
		bl_sha256_end(&one, sorted[i].bytes);
	}
	qsort(sorted, n, sizeof(*sorted), compare_digests);
	add_u32(sha, (uint32_t)n);
	bl_sha256_add(sha, sorted, n * sizeof(*sorted));
	return 0;
}

static int add_rule(struct bl_sha256 *sha, const struct bl_compiler *c,
		    const struct digests *digests, const struct bl_rule_info *info)
{
	const struct bl_rule *rule = info->rule;
	uint8_t masks[6] = { rule->ops,		 info->verdict,		(uint8_t)rule->severity,
			     rule->match.access, rule->match.protocols, rule->match.facts };
	bool has_nets = info->nets && info->nets < c->n_nets;

	add_text(sha, rule->id);
	add_families(sha, &rule->match);
	bl_sha256_add(sha, masks, sizeof(masks));
	add_text(sha, rule->message);
	add_u32(sha, (uint32_t)rule->n_attack);
	for (size_t i = 0; i < rule->n_attack; i++)
		add_text(sha, rule->attack[i]);
	add_digest(sha, &digests->lists[info->path],
		   rule->match.has_path || rule->match.has_socket);
	add_digest(sha, &digests->nets[has_nets ? info->nets : 0], has_nets);
	add_digest(sha, &digests->lists[info->args], info->args);
	add_words(sha, &c->port_sets, info->ports);
	add_cond(sha, c, digests, info->cond);
	return add_excepts(sha, c, digests, info);
}

int bl_compile_digest(const struct bl_compiler *c, uint8_t ret[32])
{
	_cleanup_(digests_clear) struct digests digests = {};
	struct bl_sha256 sha;
	int r = digests_make(c, &digests);

	bl_sha256_init(&sha);
	add_u32(&sha, BL_ABI_VERSION);
	for (size_t i = 0; !r && i < c->policy->n_rules; i++)
		r = add_rule(&sha, c, &digests, &c->rules[i]);
	if (!r)
		bl_sha256_end(&sha, ret);
	return r;
}
