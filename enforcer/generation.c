/* SPDX-License-Identifier: Apache-2.0 */
/* Generations: what is known of the rules of the policy sets that events can still name. */
#include <errno.h>
#include <string.h>

#include "base.h"
#include "generation.h"

static const char *copy(struct bl_arena *arena, const char *text)
{
	return text ? bl_arena_strndup(arena, text, strlen(text)) : NULL;
}

/* The technique ids separated by spaces; NULL for none. */
static int copy_attack(struct bl_arena *arena, const struct bl_rule *rule, const char **ret)
{
	size_t len = 0;
	char *text, *end;

	for (size_t i = 0; i < rule->n_attack; i++)
		len += strlen(rule->attack[i]) + 1;
	if (!len)
		return 0;
	text = bl_arena_alloc(arena, len, 1);
	if (!text)
		return -ENOMEM;
	end = text;
	for (size_t i = 0; i < rule->n_attack; i++) {
		if (i)
			*end++ = ' ';
		end = stpcpy(end, rule->attack[i]);
	}
	*ret = text;
	return 0;
}

/* What a rule is about and was not there, nor any other such thing of the same key. */
static int copy_absent(struct bl_arena *arena, const struct bl_match *match,
		       struct bl_rule_meta *meta)
{
	const struct bl_patterns *patterns = &match->path;

	meta->absent_key = "path";
	if (!patterns->n_absent && match->socket.n_absent) {
		patterns = &match->socket;
		meta->absent_key = "socket";
	}
	if (!patterns->n_absent && match->exe.n_absent) {
		patterns = &match->exe;
		meta->absent_key = "by.exe";
	}
	if (!patterns->n_absent && match->parent.n_absent) {
		patterns = &match->parent;
		meta->absent_key = "by.parent";
	}
	if (!patterns->n_absent && match->ancestor.n_absent) {
		patterns = &match->ancestor;
		meta->absent_key = "by.ancestor";
	}
	if (!patterns->n_absent)
		return 0;
	meta->absent = bl_arena_alloc(arena, patterns->n_absent, sizeof(*meta->absent));
	if (!meta->absent)
		return -ENOMEM;
	for (size_t i = 0; i < patterns->n_absent; i++) {
		meta->absent[i] = copy(arena, patterns->absent[i]);
		if (!meta->absent[i])
			return -ENOMEM;
	}
	meta->n_absent = patterns->n_absent;
	return 0;
}

static int copy_rule(struct bl_generation *generation, const struct bl_rule *rule,
		     struct bl_rule_meta *ret)
{
	struct bl_arena *arena = generation->arena;
	struct bl_rule_meta meta = {
		.info = {
			.id = copy(arena, rule->id),
			.policy = generation->files[rule->file].name,
			.message = copy(arena, rule->message),
			.severity = bl_severity_name(rule->severity),
		},
		.line = rule->place.line,
		.file = rule->file,
		.ops = rule->ops,
		.action = (uint8_t)rule->action,
	};

	if (!meta.info.id || (rule->message && !meta.info.message))
		return -ENOMEM;
	if (copy_attack(arena, rule, &meta.info.attack) < 0 ||
	    copy_absent(arena, &rule->match, &meta) < 0)
		return -ENOMEM;
	generation->files[rule->file].rules++;
	*ret = meta;
	return 0;
}

static int copy_file(struct bl_arena *arena, const struct bl_file *file, struct bl_file_meta *ret)
{
	struct bl_file_meta meta = {
		.path = copy(arena, file->path),
		.name = copy(arena, file->name),
		.mode = file->mode,
	};

	if (!meta.path || (file->name && !meta.name))
		return -ENOMEM;
	*ret = meta;
	return 0;
}

static int fill(struct bl_generation *generation, const struct bl_policy *policy)
{
	struct bl_arena *arena = generation->arena;

	generation->files = bl_arena_alloc(arena, policy->n_files + 1, sizeof(*generation->files));
	generation->rules = bl_arena_alloc(arena, policy->n_rules + 1, sizeof(*generation->rules));
	if (!generation->files || !generation->rules)
		return -ENOMEM;
	generation->n_files = policy->n_files;
	generation->n_rules = policy->n_rules;
	for (size_t i = 0; i < policy->n_files; i++) {
		if (copy_file(arena, &policy->files[i], &generation->files[i]) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (copy_rule(generation, &policy->rules[i], &generation->rules[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int bl_generation_new(const struct bl_policy *policy, const struct bl_tables *tables,
		      struct bl_generation **ret)
{
	_cleanup_(bl_arena_freep) struct bl_arena *arena = bl_arena_new();
	struct bl_generation *generation;

	if (!arena)
		return -ENOMEM;
	generation = bl_arena_alloc(arena, 1, sizeof(*generation));
	if (!generation)
		return -ENOMEM;
	generation->arena = arena;
	generation->bytes = tables->len;
	bl_generation_digest(tables, generation->digest);
	if (fill(generation, policy) < 0)
		return -ENOMEM;
	arena = NULL;
	*ret = generation;
	return 0;
}

void bl_generation_free(struct bl_generation *generation)
{
	if (generation)
		bl_arena_free(generation->arena);
}

enum bl_mode bl_generation_mode(const struct bl_generation *generation,
				const struct bl_rule_meta *rule, enum bl_mode ceiling)
{
	return BL_MIN(generation->files[rule->file].mode, ceiling);
}

void bl_generation_digest(const struct bl_tables *tables, char buf[static 65])
{
	const struct bl_header *header = (const struct bl_header *)tables->bytes;

	for (size_t i = 0; i < sizeof(header->digest); i++)
		snprintf(buf + 2 * i, 3, "%02x", header->digest[i]);
}

void bl_generations_push(struct bl_generations *generations, struct bl_generation *generation,
			 uint64_t now_ns)
{
	struct bl_generation **items = generations->items;

	if (items[0])
		items[0]->replaced_ns = now_ns;
	bl_generation_free(items[BL_GENERATIONS_KEPT - 1]);
	memmove(items + 1, items, (BL_GENERATIONS_KEPT - 1) * sizeof(*items));
	items[0] = generation;
}

void bl_generations_back(struct bl_generations *generations, uint32_t number, uint64_t now_ns)
{
	struct bl_generation *front = generations->items[0];

	for (size_t i = 1; i < BL_GENERATIONS_KEPT; i++) {
		struct bl_generation *wanted = generations->items[i];

		if (!wanted || wanted->number != number)
			continue;
		front->replaced_ns = now_ns;
		wanted->replaced_ns = 0;
		generations->items[i] = front;
		generations->items[0] = wanted;
		return;
	}
}

bool bl_generations_purge(struct bl_generations *generations, uint64_t now_ns)
{
	bool left = false;

	for (size_t i = 1; i < BL_GENERATIONS_KEPT; i++) {
		struct bl_generation *old = generations->items[i];

		if (!old)
			continue;
		if (now_ns - old->replaced_ns > BL_GENERATION_LINGER_NS) {
			bl_generation_free(old);
			generations->items[i] = NULL;
		} else {
			left = true;
		}
	}
	return left;
}

void bl_generations_clear(struct bl_generations *generations)
{
	for (size_t i = 0; i < BL_GENERATIONS_KEPT; i++)
		bl_generation_free(generations->items[i]);
	*generations = (struct bl_generations){ 0 };
}

static struct bl_generation *find(struct bl_generations *generations, uint32_t number)
{
	for (size_t i = 0; i < BL_GENERATIONS_KEPT; i++) {
		if (generations->items[i] && generations->items[i]->number == number)
			return generations->items[i];
	}
	return NULL;
}

const struct bl_rule_info *bl_generations_rule(void *userdata, uint32_t generation, uint32_t rule)
{
	const struct bl_generation *found = find(userdata, generation);

	return found && rule < found->n_rules ? &found->rules[rule].info : NULL;
}

const char *bl_generations_digest(void *userdata, uint32_t generation)
{
	const struct bl_generation *found = find(userdata, generation);

	return found ? found->digest : NULL;
}
