/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's stages in order. */
#include "compile.h"

#include <errno.h>
#include <string.h>

#include "compiler.h"
#include "outline.h"

static void compiler_free_rules(struct bl_compiler *c)
{
	free(c->rules);
	free(c->by_rank);
	free(c->args_rules);
	free(c->excepts);
	bl_subjects_clear(&c->subjects);
	free(c->pats);
	bl_strmap_free(c->pat_by_text);
	bl_strmap_free(c->list_by_array);
	bl_interns_clear(&c->lists);
	free(c->list_infos);
	free(c->users);
	for (size_t kin = 0; kin < _BL_KIN_MAX; kin++)
		free(c->kin_conds[kin]);
	free(c->list_conds);
	free(c->exe_traces);
	free(c->trace_ranks);
	bl_glob_clear(&c->glob);
}

static void compiler_free_connects(struct bl_compiler *c)
{
	bl_strmap_free(c->nets_by_array);
	free(c->nets);
	bl_interns_clear(&c->port_sets);
	free(c->port_ins);
	bl_ports_clear(&c->ports);
	free(c->port_lists);
	bl_prefixes_clear(&c->v4);
	bl_prefixes_clear(&c->v6);
	bl_interns_clear(&c->addr_sets);
	free(c->addrs);
	free(c->addr_users);
	free(c->addr_first);
	free(c->port_entries);
}

static void compiler_free(struct bl_compiler *c)
{
	if (!c)
		return;
	compiler_free_rules(c);
	compiler_free_connects(c);
	bl_interns_clear(&c->excepts_out);
	bl_interns_clear(&c->lists_out);
	bl_interns_clear(&c->traces);
	free(c->words);
	bl_trie_clear(&c->trie);
	bl_dfa_clear(&c->dfa);
	bl_interns_clear(&c->class_infos);
	bl_interns_clear(&c->bits);
	free(c->trie_classes);
	free(c->list_marks);
	free(c->match_marks);
	free(c->move_marks);
	bl_image_clear(&c->image);
	free(c);
}
BL_DEFINE_CLEANUP(struct bl_compiler *, compiler_free)

void bl_tables_free(struct bl_tables *tables)
{
	if (!tables)
		return;
	free(tables->bytes);
	free(tables);
}
BL_DEFINE_CLEANUP(struct bl_tables *, bl_tables_free)

static int run_stages(struct bl_compiler *c, struct bl_tables *tables)
{
	int r = bl_compile_rules(c);

	if (!r)
		r = bl_compile_digest(c, c->digest);
	if (!r)
		r = bl_compile_objects(c);
	if (!r)
		r = bl_compile_connects(c);
	return r ? r : bl_compile_layout(c, tables);
}

void bl_outline_clear(struct bl_outline *outline)
{
	bl_trie_clear(&outline->trie);
	bl_prefixes_clear(&outline->v4);
	bl_prefixes_clear(&outline->v6);
}

static void take_outline(struct bl_compiler *c, struct bl_outline *ret)
{
	*ret = (struct bl_outline){ .trie = c->trie, .v4 = c->v4, .v6 = c->v6 };
	c->trie = (struct bl_trie){};
	c->v4 = c->v6 = (struct bl_prefixes){};
}

int bl_compile(const struct bl_policy *policy, const uint64_t key[2][BL_HASH_WORDS],
	       struct bl_diags *diags, struct bl_tables **ret)
{
	return bl_compile_outlined(policy, key, diags, ret, NULL);
}

int bl_compile_outlined(const struct bl_policy *policy, const uint64_t key[2][BL_HASH_WORDS],
			struct bl_diags *diags, struct bl_tables **ret,
			struct bl_outline *ret_outline)
{
	_cleanup_(compiler_freep) struct bl_compiler *c = calloc(1, sizeof(*c));
	_cleanup_(bl_tables_freep) struct bl_tables *tables = calloc(1, sizeof(*tables));
	uint64_t words[2][BL_HASH_WORDS];
	int r;

	if (!c || !tables)
		return -ENOMEM;
	if (key)
		memcpy(words, key, sizeof(words));
	else
		bl_key_default(words);
	memcpy(c->header.key, words, sizeof(c->header.key));
	c->policy = policy;
	c->diags = diags;
	r = run_stages(c, tables);
	if (r == -E2BIG)
		r = bl_compiler_refuse(c, NULL, "image-budget",
				       "make rules of one meaning one rule with lists",
				       "the policy set needs tables of more than %u MiB",
				       BL_IMAGE_BYTES_MAX >> 20);
	if (r)
		return r;
	if (ret_outline)
		take_outline(c, ret_outline);
	*ret = TAKE_PTR(tables);
	return 0;
}
