/* SPDX-License-Identifier: Apache-2.0 */
/* Areas: the parts of the file tree in which the paths of a policy can lie. */
#include <errno.h>
#include <string.h>

#include "areas.h"
#include "base.h"
#include "glob.h"

struct collector {
	struct bl_areas *areas;
	struct bl_glob glob;
};

static int add(struct bl_areas *areas, const char *path, size_t len, bool below)
{
	char *copy;

	if (bl_grow(&areas->items, &areas->capacity, areas->count + 1, sizeof(*areas->items)) < 0)
		return -ENOMEM;
	copy = len ? strndup(path, len) : strdup("/");
	if (!copy)
		return -ENOMEM;
	areas->items[areas->count++] = (struct bl_area){ .path = copy, .below = below };
	return 0;
}

static int add_literal(void *userdata, const char *path, size_t len, bool below)
{
	struct collector *c = userdata;

	return add(c->areas, path, len, below);
}

/* A glob's literal leading directories. */
static int add_leading(struct collector *c, const char *text)
{
	char path[BL_PATTERN_BYTES_MAX];
	size_t len = 0;

	while (text[len] && !strchr("*?[{", text[len]))
		len += text[len] == '\\' && text[len + 1] ? 2 : 1;
	while (len && text[len] != '/')
		len--;
	if (len >= sizeof(path))
		return 0;
	return add(c->areas, path, bl_glob_unescape(text, len, path), true);
}

static int add_pattern(struct collector *c, const struct bl_pattern *pattern)
{
	char path[BL_PATTERN_BYTES_MAX];
	size_t offset;
	const char *what;
	int r;

	if (bl_glob_is_abstract(pattern->text)) /* of a socket, that is in no directory */
		return 0;
	if (pattern->literal && pattern->len < sizeof(path))
		return add(c->areas, path, bl_glob_unescape(pattern->text, pattern->len, path),
			   false);
	r = bl_glob_parse(&c->glob, pattern->text, pattern->len, &offset, &what);
	if (r == 0)
		r = bl_glob_expand(&c->glob, add_literal, c);
	return r == -EDOM ? add_leading(c, pattern->text) : r;
}

static int add_patterns(struct collector *c, const struct bl_patterns *patterns)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < patterns->count; i++)
		r = add_pattern(c, &patterns->items[i]);
	return r;
}

static int add_match(struct collector *c, const struct bl_match *match)
{
	int r = add_patterns(c, &match->path);

	if (r == 0)
		r = add_patterns(c, &match->exe);
	if (r == 0)
		r = add_patterns(c, &match->parent);
	if (r == 0)
		r = add_patterns(c, &match->ancestor);
	return r < 0 ? r : add_patterns(c, &match->socket);
}

/* A directory comes right before what is below it, whatever else begins like its name. */
static int compare(const void *a, const void *b)
{
	const unsigned char *x = (const unsigned char *)((const struct bl_area *)a)->path;
	const unsigned char *y = (const unsigned char *)((const struct bl_area *)b)->path;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return (*x == '/' ? 1 : *x ? *x + 1 : 0) - (*y == '/' ? 1 : *y ? *y + 1 : 0);
}

static bool is_within(const struct bl_area *area, const struct bl_area *outer)
{
	size_t len = strcmp(outer->path, "/") == 0 ? 0 : strlen(outer->path);

	if (strncmp(area->path, outer->path, len) != 0)
		return false;
	return !area->path[len] || (outer->below && area->path[len] == '/');
}

/* Sorts, and leaves out what lies within another one. */
static void merge(struct bl_areas *areas)
{
	size_t kept = 0;

	if (areas->count)
		qsort(areas->items, areas->count, sizeof(*areas->items), compare);
	for (size_t i = 0; i < areas->count; i++) {
		struct bl_area *area = &areas->items[i];

		if (kept && is_within(area, &areas->items[kept - 1])) {
			areas->items[kept - 1].below |=
				area->below && strcmp(area->path, areas->items[kept - 1].path) == 0;
			free(area->path);
		} else {
			areas->items[kept++] = *area;
		}
	}
	areas->count = kept;
}

int bl_policy_areas(const struct bl_policy *policy, struct bl_areas *ret)
{
	struct collector c = { .areas = ret };
	int r = 0;

	for (size_t i = 0; r == 0 && i < policy->n_rules; i++) {
		const struct bl_rule *rule = &policy->rules[i];

		r = add_match(&c, &rule->match);
		for (size_t j = 0; r == 0 && j < rule->n_unless; j++)
			r = add_match(&c, &rule->unless[j]);
	}
	bl_glob_clear(&c.glob);
	merge(ret);
	return r;
}

void bl_areas_clear(struct bl_areas *areas)
{
	for (size_t i = 0; i < areas->count; i++)
		free(areas->items[i].path);
	free(areas->items);
	*areas = (struct bl_areas){ 0 };
}
