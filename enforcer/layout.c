/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of the kernel side's maps, out of the object's own type information. */
#define _GNU_SOURCE
#include "layout.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "cleanup.h"
#include "sha256.h"

#define PREFIX	  "bl_"
#define DEPTH_MAX 16 /* of types without a name in one another */

struct lines {
	char **items;
	size_t count, capacity;
};

static void lines_clear(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i]);
	free(lines->items);
}

static int add_line(struct lines *lines, char *line)
{
	int r = -ENOMEM;

	if (line)
		r = bl_grow(&lines->items, &lines->capacity, lines->count + 1,
			    sizeof(*lines->items));
	if (r < 0) {
		free(line);
		return r;
	}
	lines->items[lines->count++] = line;
	return 0;
}

static const char *name_of(const struct btf *btf, const struct btf_type *type)
{
	return btf__name_by_offset(btf, type->name_off);
}

static void write_type(FILE *out, const struct btf *btf, uint32_t id, unsigned int depth);

static void write_members(FILE *out, const struct btf *btf, const struct btf_type *type,
			  unsigned int depth)
{
	const struct btf_member *member = btf_members(type);

	fprintf(out, "%u{", type->size);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		fprintf(out, "%s@%u/%u:", btf__name_by_offset(btf, member[i].name_off),
			btf_member_bit_offset(type, i), btf_member_bitfield_size(type, i));
		write_type(out, btf, member[i].type, depth + 1);
		fputc(';', out);
	}
	fputc('}', out);
}

static void write_values(FILE *out, const struct btf *btf, const struct btf_type *type)
{
	const struct btf_enum *value = btf_enum(type);

	fputc('{', out);
	for (uint32_t i = 0; i < btf_vlen(type); i++)
		fprintf(out, "%s=%d;", btf__name_by_offset(btf, value[i].name_off), value[i].val);
	fputc('}', out);
}

/* A type where it is used: our own have a line for themselves. */
static void write_type(FILE *out, const struct btf *btf, uint32_t id, unsigned int depth)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_typedef(type) || btf_is_mod(type)))
		type = btf__type_by_id(btf, type->type);
	if (!type || !id) {
		fputs("void", out);
		return;
	}
	fprintf(out, "%u %s", (unsigned int)btf_kind(type), name_of(btf, type));
	if (btf_is_array(type)) {
		fprintf(out, "[%u]", btf_array(type)->nelems);
		write_type(out, btf, btf_array(type)->type, depth);
	} else if (btf_is_composite(type) && !*name_of(btf, type) && depth < DEPTH_MAX) {
		write_members(out, btf, type, depth);
	} else if (btf_is_int(type) || btf_is_composite(type) || btf_is_any_enum(type)) {
		fprintf(out, " %u", type->size);
	}
}

/* One line of a type that is ours; 0: it is not. */
static int write_own(FILE *out, const struct btf *btf, const struct btf_type *type)
{
	bool values = btf_is_enum(type);

	if (!values && !btf_is_composite(type))
		return 0;
	if (strncmp(name_of(btf, type), PREFIX, strlen(PREFIX)) != 0)
		return 0;
	fprintf(out, "type %s ", name_of(btf, type));
	if (values)
		write_values(out, btf, type);
	else
		write_members(out, btf, type, 0);
	return 1;
}

/* What is in .bss, and where. */
static int write_section(FILE *out, const struct btf *btf, const struct btf_type *type)
{
	const struct btf_var_secinfo *var = btf_var_secinfos(type);

	if (!btf_is_datasec(type) || strcmp(name_of(btf, type), ".bss") != 0)
		return 0;
	fprintf(out, "section %s ", name_of(btf, type));
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *its = btf__type_by_id(btf, var[i].type);

		fprintf(out, "%s@%u/%u:", name_of(btf, its), var[i].offset, var[i].size);
		write_type(out, btf, its->type, 0);
		fputc(';', out);
	}
	return 1;
}

static int add_type(struct lines *lines, const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);
	int any;

	if (!out)
		return -ENOMEM;
	any = write_own(out, btf, type) || write_section(out, btf, type);
	if (fclose(out) != 0 || !any) {
		free(line);
		return any ? -ENOMEM : 0;
	}
	return add_line(lines, line);
}

static int add_map(struct lines *lines, const struct bpf_map *map)
{
	char *line = bl_format("map %s %d %u %u %u", bpf_map__name(map), (int)bpf_map__type(map),
			       bpf_map__key_size(map), bpf_map__value_size(map),
			       bpf_map__map_flags(map));

	return line ? add_line(lines, line) : -ENOMEM;
}

static int compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

int bl_layout_digest(const struct bpf_object *object, char buf[static BL_LAYOUT_BYTES])
{
	_cleanup_(lines_clear) struct lines lines = {};
	const struct btf *btf = bpf_object__btf(object);
	uint8_t digest[BL_SHA256_BYTES];
	struct bl_sha256 sha;
	struct bpf_map *map;
	int r = add_line(&lines, bl_format("abi %d", BL_ABI_VERSION));

	for (uint32_t id = 1; r == 0 && id < btf__type_cnt(btf); id++)
		r = add_type(&lines, btf, id);
	bpf_object__for_each_map(map, object) {
		/* Constants are each build's own. */
		if (r == 0 && strstr(bpf_map__name(map), ".rodata") == NULL)
			r = add_map(&lines, map);
	}
	if (r < 0)
		return r;
	qsort(lines.items, lines.count, sizeof(*lines.items), compare);
	bl_sha256_init(&sha);
	for (size_t i = 0; i < lines.count; i++)
		bl_sha256_add(&sha, lines.items[i], strlen(lines.items[i]) + 1);
	bl_sha256_end(&sha, digest);
	for (size_t i = 0; i < BL_LAYOUT_BYTES / 2; i++)
		snprintf(buf + 2 * i, 3, "%02x", digest[i]);
	return 0;
}
