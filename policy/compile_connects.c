/* SPDX-License-Identifier: Apache-2.0 */
/* Stage three: addresses and ports -> classes with their candidates. */
#include "compiler.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Lists that differ by port are made one by one; more than so many are refused. */
#define PORT_WORK_MAX (64u << 20)

static bool connect_rule(const struct bl_rule_info *info)
{
	return bl_rule_connects(info->rule, BL_FAMILIES_IP);
}

/* ---- ports -------------------------------------------------------------------------------- */

static int make_ports(struct bl_compiler *c)
{
	c->port_ins = calloc(c->port_sets.count + 1, sizeof(*c->port_ins));
	if (!c->port_ins)
		return -ENOMEM;
	for (uint32_t id = 1; id <= c->port_sets.count; id++) {
		size_t n;
		const uint32_t *words = bl_interned(&c->port_sets, id, &n);

		c->port_ins[id - 1].items = (struct bl_range *)words;
		c->port_ins[id - 1].count = n / 2;
	}
	return bl_ports_build(&c->ports, c->port_ins, c->port_sets.count);
}

/* The classes of each port set, and where they start. */
struct set_classes {
	uint32_t *classes;
	size_t count, capacity;
	size_t *starts;	 /* by number of the set, from 1; one more at the end */
	uint32_t *marks; /* by class */
};

static void set_classes_clear(struct set_classes *sets)
{
	free(sets->classes);
	free(sets->starts);
	free(sets->marks);
}

static int add_class(struct set_classes *sets, uint32_t port_class, uint32_t mark)
{
	int r;

	if (sets->marks[port_class] == mark)
		return 0;
	sets->marks[port_class] = mark;
	r = bl_grow(&sets->classes, &sets->capacity, sets->count + 1, sizeof(*sets->classes));
	if (!r)
		sets->classes[sets->count++] = port_class;
	return r;
}

static int make_set_classes(const struct bl_compiler *c, struct set_classes *sets)
{
	int r = 0;

	sets->starts = calloc(c->port_sets.count + 2, sizeof(*sets->starts));
	sets->marks = calloc(c->ports.n_classes, sizeof(*sets->marks));
	if (!sets->starts || !sets->marks)
		return -ENOMEM;
	for (uint32_t set = 1; set <= c->port_sets.count; set++) {
		const struct bl_ranges_in *in = &c->port_ins[set - 1];

		for (size_t i = 0; i < in->count; i++)
			for (uint32_t port = in->items[i].first; !r && port <= in->items[i].last;
			     port++)
				r = add_class(sets, c->ports.classes[port], set);
		sets->starts[set + 1] = sets->count;
	}
	return r;
}

/* ---- rules without an address ------------------------------------------------------------- */

/* (port class, rank) pairs, to be sorted by class; a rule for all ports is not among them. */
struct port_rules {
	uint64_t *pairs;
	size_t count, capacity;
	uint32_t *always; /* ranks of rules without ports */
	size_t n_always;
};

static void port_rules_clear(struct port_rules *rules)
{
	free(rules->pairs);
	free(rules->always);
}

static int compare_pairs(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static int add_pairs(struct port_rules *rules, const struct set_classes *sets, uint32_t set,
		     uint32_t rank)
{
	int r = 0;

	for (size_t i = sets->starts[set]; !r && i < sets->starts[set + 1]; i++) {
		if (rules->count >= PORT_WORK_MAX)
			return -E2BIG;
		r = bl_grow(&rules->pairs, &rules->capacity, rules->count + 1,
			    sizeof(*rules->pairs));
		if (!r)
			rules->pairs[rules->count++] = (uint64_t)sets->classes[i] << 32 | rank;
	}
	return r;
}

static int collect_port_rules(const struct bl_compiler *c, const struct set_classes *sets,
			      struct port_rules *rules)
{
	int r = 0;

	rules->always = calloc(c->policy->n_rules + 1, sizeof(*rules->always));
	if (!rules->always)
		return -ENOMEM;
	for (size_t rank = 0; !r && rank < c->policy->n_rules; rank++) {
		const struct bl_rule_info *info = &c->rules[c->by_rank[rank]];

		if (!connect_rule(info) || info->by_addr)
			continue;
		if (info->ports)
			r = add_pairs(rules, sets, info->ports, (uint32_t)rank);
		else
			rules->always[rules->n_always++] = (uint32_t)rank;
	}
	if (rules->count)
		qsort(rules->pairs, rules->count, sizeof(*rules->pairs), compare_pairs);
	return r;
}

static int make_port_lists(struct bl_compiler *c, const struct set_classes *sets)
{
	_cleanup_(port_rules_clear) struct port_rules rules = {};
	_cleanup_free_ uint32_t *ranks = calloc(c->policy->n_rules + 1, sizeof(*ranks));
	int r = collect_port_rules(c, sets, &rules);
	size_t at = 0;

	c->port_lists = calloc(c->ports.n_classes, sizeof(*c->port_lists));
	if (!ranks || !c->port_lists)
		return -ENOMEM;
	c->turn++;
	for (uint32_t port_class = 0; !r && port_class < c->ports.n_classes; port_class++) {
		struct bl_object object = { .op = BL_OP_CONNECT,
					    .has_port = true,
					    .port = c->ports.sample[port_class] };
		size_t n = rules.n_always;

		memcpy(ranks, rules.always, n * sizeof(*ranks));
		for (; at < rules.count && rules.pairs[at] >> 32 == port_class; at++)
			ranks[n++] = (uint32_t)rules.pairs[at];
		r = bl_compile_list(c, &object, ranks, bl_words_sort(ranks, n),
				    &c->port_lists[port_class]);
	}
	return r;
}

/* ---- addresses ---------------------------------------------------------------------------- */

static int add_nets(struct bl_compiler *c, uint32_t number)
{
	const struct bl_nets *nets = c->nets[number];
	int r = 0;

	for (size_t i = 0; !r && i < nets->count; i++) {
		const struct bl_net *net = &nets->items[i];

		if (net->family == AF_INET)
			r = bl_prefixes_add(&c->v4, net->addr, 4, net->prefix, number);
		else
			r = bl_prefixes_add(&c->v6, net->addr, 16, net->prefix, number);
	}
	return r;
}

/* Rules for any address with an exception for some: they are found at every address. */
static int add_anywhere(struct bl_compiler *c, uint32_t number)
{
	static const uint8_t zero[16];
	int r = bl_prefixes_add(&c->v4, zero, 4, 0, number);

	return r ? r : bl_prefixes_add(&c->v6, zero, 16, 0, number);
}

static int add_rule_nets(struct bl_compiler *c, struct bl_rule_info *info, uint8_t *added)
{
	int r = 0;

	if (!connect_rule(info) || !info->by_addr)
		return 0;
	/* number n_nets stands for all addresses */
	if (!info->nets)
		info->nets = (uint32_t)c->n_nets;
	if (!added[info->nets]) {
		added[info->nets] = 1;
		r = info->nets == c->n_nets ? add_anywhere(c, info->nets) : add_nets(c, info->nets);
	}
	for (size_t i = 0; !r && i < info->rule->n_unless; i++) {
		uint32_t nets = c->excepts[info->first_except + i].nets;

		if (!nets || added[nets])
			continue;
		added[nets] = 1;
		r = add_nets(c, nets);
	}
	return r;
}

static int add_all_nets(struct bl_compiler *c)
{
	_cleanup_free_ uint8_t *added = calloc(c->n_nets + 1, 1);
	int r = 0;

	if (!added)
		return -ENOMEM;
	for (size_t i = 0; !r && i < c->policy->n_rules; i++)
		r = add_rule_nets(c, &c->rules[i], added);
	return r;
}

static int index_addr_users(struct bl_compiler *c)
{
	c->addr_first = calloc(c->n_nets + 3, sizeof(*c->addr_first));
	c->addr_users = calloc(c->policy->n_rules + 1, sizeof(*c->addr_users));
	if (!c->addr_first || !c->addr_users)
		return -ENOMEM;
	for (size_t i = 0; i < c->policy->n_rules; i++)
		if (connect_rule(&c->rules[i]) && c->rules[i].by_addr)
			c->addr_first[c->rules[i].nets]++;
	for (size_t nets = 1; nets <= c->n_nets + 1; nets++)
		c->addr_first[nets] += c->addr_first[nets - 1];
	for (size_t i = c->policy->n_rules; i--;)
		if (connect_rule(&c->rules[i]) && c->rules[i].by_addr)
			c->addr_users[--c->addr_first[c->rules[i].nets]] = (uint32_t)i;
	return 0;
}

/* ---- address classes ---------------------------------------------------------------------- */

/* One address class being made. */
struct addr_draft {
	struct bl_compiler *c;
	const struct set_classes *sets;
	uint32_t *ranks;
	size_t n_ranks, ranks_capacity;
	uint32_t *classes; /* port classes that some rule or exception names */
	uint32_t *lists;   /* by those */
	size_t n_classes;
	uint32_t *seen; /* by port class */
	uint32_t turn;
	size_t work;
};

static void addr_draft_clear(struct addr_draft *draft)
{
	free(draft->ranks);
	free(draft->classes);
	free(draft->lists);
	free(draft->seen);
}

static int addr_draft_alloc(struct addr_draft *draft)
{
	uint32_t n = draft->c->ports.n_classes;

	draft->classes = calloc(n, sizeof(*draft->classes));
	draft->lists = calloc(n, sizeof(*draft->lists));
	draft->seen = calloc(n, sizeof(*draft->seen));
	return draft->classes && draft->lists && draft->seen ? 0 : -ENOMEM;
}

static void add_set_classes(struct addr_draft *draft, uint32_t set)
{
	const struct set_classes *sets = draft->sets;

	if (!set)
		return;
	for (size_t i = sets->starts[set]; i < sets->starts[set + 1]; i++) {
		uint32_t port_class = sets->classes[i];

		if (draft->seen[port_class] == draft->turn)
			continue;
		draft->seen[port_class] = draft->turn;
		draft->classes[draft->n_classes++] = port_class;
	}
}

static int add_addr_user(struct addr_draft *draft, const struct bl_rule_info *info)
{
	int r = bl_grow(&draft->ranks, &draft->ranks_capacity, draft->n_ranks + 1,
			sizeof(*draft->ranks));

	if (r)
		return r;
	draft->ranks[draft->n_ranks++] = info->rank;
	add_set_classes(draft, info->ports);
	for (size_t i = 0; i < info->rule->n_unless; i++)
		add_set_classes(draft, draft->c->excepts[info->first_except + i].ports);
	return 0;
}

static int collect_addr(struct addr_draft *draft, const uint32_t *atoms, size_t n)
{
	struct bl_compiler *c = draft->c;
	int r = 0;

	draft->n_ranks = draft->n_classes = 0;
	draft->turn++;
	c->turn++;
	for (size_t i = 0; i < n; i++) {
		if (atoms[i] < c->n_nets)
			c->list_marks[atoms[i]] = c->turn;
		for (uint32_t k = c->addr_first[atoms[i]]; !r && k < c->addr_first[atoms[i] + 1];
		     k++)
			r = add_addr_user(draft, &c->rules[c->addr_users[k]]);
	}
	draft->n_ranks = bl_words_sort(draft->ranks, draft->n_ranks);
	draft->n_classes = bl_words_sort(draft->classes, draft->n_classes);
	return r;
}

static int compare_lists(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/* The list that most port classes have; fallback is that of those which nobody names. */
static uint32_t most_common(const struct addr_draft *draft, uint32_t fallback, uint32_t *sorted)
{
	size_t best_count = draft->c->ports.n_classes - draft->n_classes, count = 0;
	uint32_t best = fallback;

	memcpy(sorted, draft->lists, draft->n_classes * sizeof(*sorted));
	for (size_t i = 0; i < draft->n_classes; i++)
		best_count += sorted[i] == fallback;
	qsort(sorted, draft->n_classes, sizeof(*sorted), compare_lists);
	for (size_t i = 0; i < draft->n_classes; i++) {
		count = i && sorted[i] == sorted[i - 1] ? count + 1 : 1;
		if (count > best_count) {
			best = sorted[i];
			best_count = count;
		}
	}
	return best;
}

static int add_port_entry(struct bl_compiler *c, uint32_t addr_class, uint32_t port_class,
			  uint32_t list)
{
	int r = bl_grow(&c->port_entries, &c->port_entries_capacity, c->n_port_entries + 1,
			sizeof(*c->port_entries));

	if (!r)
		c->port_entries[c->n_port_entries++] = (struct bl_port_entry){
			.addr_class = addr_class, .port_class = port_class, .list = list
		};
	return r;
}

/* Entries for all port classes whose list is not the default one. */
static int add_port_entries(struct addr_draft *draft, uint32_t id, uint32_t fallback)
{
	struct bl_addr_info *addr = &draft->c->addrs[id];
	size_t at = 0;
	int r = 0;

	for (uint32_t port_class = 0; !r && port_class < draft->c->ports.n_classes; port_class++) {
		uint32_t list = fallback;

		if (at < draft->n_classes && draft->classes[at] == port_class)
			list = draft->lists[at++];
		if (list == addr->list)
			continue;
		addr->by_port = 1;
		r = add_port_entry(draft->c, id, port_class, list);
	}
	return r;
}

static int make_addr(struct addr_draft *draft, uint32_t set)
{
	struct bl_compiler *c = draft->c;
	struct bl_object object = { .op = BL_OP_CONNECT };
	_cleanup_free_ uint32_t *sorted = NULL;
	uint32_t fallback;
	size_t n;
	const uint32_t *atoms = bl_interned(&c->addr_sets, set, &n);
	int r = collect_addr(draft, atoms, n);

	if (!r)
		r = bl_compile_list(c, &object, draft->ranks, draft->n_ranks, &fallback);
	if (r)
		return r;
	c->addrs[set].list = fallback;
	if (!draft->n_classes)
		return 0;
	draft->work += draft->n_classes * draft->n_ranks + c->ports.n_classes;
	if (draft->work > PORT_WORK_MAX)
		return -E2BIG;
	object.has_port = true;
	for (size_t i = 0; !r && i < draft->n_classes; i++) {
		object.port = c->ports.sample[draft->classes[i]];
		r = bl_compile_list(c, &object, draft->ranks, draft->n_ranks, &draft->lists[i]);
	}
	sorted = calloc(draft->n_classes, sizeof(*sorted));
	if (r || !sorted)
		return r ? r : -ENOMEM;
	c->addrs[set].list = most_common(draft, fallback, sorted);
	return add_port_entries(draft, set, fallback);
}

static int make_addrs(struct bl_compiler *c, const struct set_classes *sets)
{
	_cleanup_(addr_draft_clear) struct addr_draft draft = { .c = c, .sets = sets };
	int r = addr_draft_alloc(&draft);

	c->addrs = calloc(c->addr_sets.count + 1, sizeof(*c->addrs));
	if (!c->addrs)
		return -ENOMEM;
	for (uint32_t set = 1; !r && set <= c->addr_sets.count; set++)
		r = make_addr(&draft, set);
	return r;
}

/* ---- families without addresses ----------------------------------------------------------- */

static int make_family_list(struct bl_compiler *c, uint8_t family)
{
	struct bl_object object = { .op = BL_OP_CONNECT, .family = family };
	_cleanup_free_ uint32_t *ranks = calloc(c->policy->n_rules + 1, sizeof(*ranks));
	size_t n = 0;

	if (!ranks)
		return -ENOMEM;
	for (size_t rank = 0; rank < c->policy->n_rules; rank++)
		if (bl_rule_connects(c->rules[c->by_rank[rank]].rule, BL_FAMILY_BIT(family)))
			ranks[n++] = (uint32_t)rank;
	return bl_compile_list(c, &object, ranks, n, &c->family_lists[family]);
}

static int make_family_lists(struct bl_compiler *c)
{
	int r = 0;

	for (uint8_t family = 1; !r && family < BL_FAMILIES; family++)
		if (BL_FAMILIES_OTHER & BL_FAMILY_BIT(family))
			r = make_family_list(c, family);
	return r;
}

int bl_compile_connects(struct bl_compiler *c)
{
	_cleanup_(set_classes_clear) struct set_classes sets = {};
	int r = make_ports(c);

	if (!r)
		r = make_set_classes(c, &sets);
	if (!r)
		r = make_port_lists(c, &sets);
	if (!r)
		r = add_all_nets(c);
	if (!r)
		r = index_addr_users(c);
	if (!r)
		r = bl_prefixes_finish(&c->v4, &c->addr_sets);
	if (!r)
		r = bl_prefixes_finish(&c->v6, &c->addr_sets);
	if (!r)
		r = make_addrs(c, &sets);
	if (!r && c->header.ops & BL_OPS_FAMILY)
		r = make_family_lists(c);
	if (r == -E2BIG)
		return bl_compiler_refuse(
			c, NULL, "too-many-connects",
			"give connect rules that mean the same ports or addresses the same lists",
			"the connect rules tell too many addresses and ports apart");
	return r;
}
