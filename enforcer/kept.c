/* SPDX-License-Identifier: Apache-2.0 */
/* A generation as text: fields that end with NULs, in the order in which the two functions name them. */
#define _GNU_SOURCE
#include "kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "handover.h"
#include "words.h"

#define MAGIC "bailiff-names-1"

/* ---- writing ------------------------------------------------------------------------------ */

static void put(FILE *out, const char *text)
{
	if (text)
		fputs(text, out);
	fputc('\0', out);
}

static void put_number(FILE *out, uint64_t number)
{
	fprintf(out, "%" PRIu64, number);
	fputc('\0', out);
}

static void put_rule(FILE *out, const struct bl_rule_meta *rule)
{
	put(out, rule->info.id);
	put(out, rule->info.message);
	put(out, rule->info.severity);
	put(out, rule->info.attack);
	put_number(out, rule->line);
	put_number(out, rule->file);
	put_number(out, rule->ops);
	put_number(out, rule->action);
}

int bl_kept_write(const struct bl_generation *generation, uint32_t number, enum bl_mode ceiling,
		  uint8_t **ret, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (!out)
		return -ENOMEM;
	put(out, " " MAGIC);
	put_number(out, number);
	put_number(out, ceiling);
	put(out, generation->digest);
	put_number(out, generation->bytes);
	put_number(out, generation->loaded_us);
	put_number(out, generation->n_files);
	put_number(out, generation->n_rules);
	for (size_t i = 0; i < generation->n_files; i++) {
		put(out, generation->files[i].path);
		put(out, generation->files[i].name);
		put_number(out, generation->files[i].mode);
	}
	for (size_t i = 0; i < generation->n_rules; i++)
		put_rule(out, &generation->rules[i]);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = (uint8_t *)text;
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reader {
	const char *at, *end;
	struct bl_arena *arena;
	int error;
};

static const char *take(struct reader *reader)
{
	const char *text = reader->at;
	const char *end = reader->error ? NULL : memchr(text, '\0', (size_t)(reader->end - text));

	if (!end) {
		reader->error = reader->error ? reader->error : -EBADMSG;
		return "";
	}
	reader->at = end + 1;
	return text;
}

/* A copy; NULL for what is empty. */
static const char *take_copy(struct reader *reader)
{
	const char *text = take(reader), *copy;

	if (!*text)
		return NULL;
	copy = bl_arena_strndup(reader->arena, text, strlen(text));
	if (!copy)
		reader->error = -ENOMEM;
	return copy;
}

static const char *take_name(struct reader *reader)
{
	const char *text = take_copy(reader);

	if (!text && !reader->error)
		reader->error = -EBADMSG;
	return text;
}

/* A number of at most 'max'. */
static uint64_t take_number(struct reader *reader, uint64_t max)
{
	const char *text = take(reader);
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	if (!digits || text[digits] || digits > 19)
		number = UINT64_MAX;
	else
		number = strtoull(text, NULL, 10);
	if (number <= max)
		return number;
	if (!reader->error)
		reader->error = -EBADMSG;
	return 0;
}

static void take_files(struct reader *reader, struct bl_generation *generation)
{
	for (size_t i = 0; !reader->error && i < generation->n_files; i++) {
		struct bl_file_meta *file = &generation->files[i];

		file->path = take_name(reader);
		file->name = take_copy(reader);
		file->mode = (enum bl_mode)take_number(reader, _BL_MODE_MAX - 1);
	}
}

static void take_rules(struct reader *reader, struct bl_generation *generation)
{
	for (size_t i = 0; !reader->error && i < generation->n_rules; i++) {
		struct bl_rule_meta *rule = &generation->rules[i];

		rule->info.id = take_name(reader);
		rule->info.message = take_copy(reader);
		rule->info.severity = take_name(reader);
		rule->info.attack = take_copy(reader);
		rule->line = (uint32_t)take_number(reader, UINT32_MAX);
		rule->file = (uint32_t)take_number(reader, generation->n_files - 1);
		rule->ops = (uint8_t)take_number(reader, UINT8_MAX);
		rule->action = (uint8_t)take_number(reader, _BL_ACTION_MAX - 1);
		if (reader->error)
			return;
		rule->info.policy = generation->files[rule->file].name;
		generation->files[rule->file].rules++;
	}
}

/* Nothing is made room for that the text is too short for. */
static size_t take_count(struct reader *reader)
{
	return (size_t)take_number(reader, (uint64_t)(reader->end - reader->at));
}

static void take_all(struct reader *reader, struct bl_kept *kept, struct bl_generation *generation)
{
	const char *digest;

	generation->arena = reader->arena;
	generation->number = (uint32_t)take_number(reader, UINT32_MAX);
	kept->ceiling = (enum bl_mode)take_number(reader, _BL_MODE_MAX - 1);
	digest = take(reader);
	if (strlen(digest) >= sizeof(generation->digest))
		digest = "";
	memcpy(generation->digest, digest, strlen(digest) + 1);
	generation->bytes = (size_t)take_number(reader, INT64_MAX);
	generation->loaded_us = take_number(reader, INT64_MAX);
	generation->n_files = take_count(reader);
	generation->n_rules = take_count(reader);
	if (reader->error)
		return;
	generation->files =
		bl_arena_alloc(reader->arena, generation->n_files + 1, sizeof(*generation->files));
	generation->rules =
		bl_arena_alloc(reader->arena, generation->n_rules + 1, sizeof(*generation->rules));
	if (!generation->files || !generation->rules) {
		reader->error = -ENOMEM;
		return;
	}
	if (generation->n_rules && !generation->n_files)
		reader->error = -EBADMSG;
	take_files(reader, generation);
	take_rules(reader, generation);
}

int bl_kept_read(const uint8_t *text, size_t len, struct bl_kept *ret_kept,
		 struct bl_generation **ret)
{
	_cleanup_(bl_arena_freep) struct bl_arena *arena = bl_arena_new();
	struct reader reader = { .at = (const char *)text, .arena = arena };
	struct bl_generation *generation;
	struct bl_kept kept = {};
	const char *magic;

	if (!arena)
		return -ENOMEM;
	if (!len)
		return -EBADMSG;
	reader.end = reader.at + len;
	kept.in_force = *text == BL_LEFT_IN_FORCE;
	reader.at++;
	magic = take(&reader);
	if (reader.error || strcmp(magic, MAGIC) != 0)
		return -EBADMSG;
	generation = bl_arena_alloc(arena, 1, sizeof(*generation));
	if (!generation)
		return -ENOMEM;
	take_all(&reader, &kept, generation);
	if (reader.error)
		return reader.error;
	arena = NULL;
	*ret_kept = kept;
	*ret = generation;
	return 0;
}
