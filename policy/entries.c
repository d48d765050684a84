/* SPDX-License-Identifier: Apache-2.0 */
/* Files of list entries: one a line, as the array of values that a policy would write. */
#include <errno.h>
#include <string.h>

#include "json.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What is left of a line without blanks and comment: its length, and where it begins. */
static size_t find_entry(const char *line, size_t len, size_t *ret_start)
{
	size_t start = 0, end;

	while (start < len && is_blank(line[start]))
		start++;
	for (end = start; end < len; end++) {
		if (line[end] == '#' && (end == start || is_blank(line[end - 1])))
			break;
	}
	while (end > start && is_blank(line[end - 1]))
		end--;
	*ret_start = start;
	return end - start;
}

static bool all_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return true;
}

static bool check_entry(const struct bl_source *source, const struct bl_json_node *node,
			const char *text, struct bl_diags *diags)
{
	const struct bl_diag_at at = {
		.file = source->path,
		.line = node->line,
		.column = node->column,
	};
	size_t len;

	if (text[0] == '@') {
		bl_diag_hint(bl_diag_add(diags, BL_DIAG_ERROR, &at, "bad-entry",
					 "a file of entries can't refer to a list"),
			     "put both into a list of a policy file");
		return false;
	}
	for (size_t i = 0; i < node->len; i += len) {
		len = bl_utf8_length(text + i, node->len - i);
		if (!len) {
			bl_diag_hint(bl_diag_add(diags, BL_DIAG_ERROR, &at, "not-utf8",
						 "the line is not UTF-8"),
				     "a byte of a name that is no UTF-8 is written \\xNN");
			return false;
		}
		if (!text[i]) {
			bl_diag_add(diags, BL_DIAG_ERROR, &at, "nul-character",
				    "the line holds a NUL byte");
			return false;
		}
	}
	return true;
}

static int add_node(struct bl_json *json, struct bl_json_node node)
{
	int r = bl_grow(&json->nodes, &json->capacity, json->n_nodes + 1, sizeof(*json->nodes));

	if (r < 0)
		return r;
	node.next = (uint32_t)++json->n_nodes;
	json->nodes[json->n_nodes - 1] = node;
	return 0;
}

/* Adds the entry of one line, which ends in the copy of the text with a NUL. */
static int add_line(struct bl_json *json, size_t at, size_t len, uint32_t line,
		    struct bl_diags *diags)
{
	struct bl_json_node node = { .line = line, .kind = BL_JSON_STRING };
	size_t start, entry = find_entry(json->text + at, len, &start);
	char *text = json->text + at + start;

	if (!entry)
		return 0;
	if (json->n_nodes > BL_ENTRIES_MAX) {
		bl_diag_add(diags, BL_DIAG_ERROR,
			    &(struct bl_diag_at){ .file = json->source->path, .line = line },
			    "too-many-values", "a file has at most %d entries", BL_ENTRIES_MAX);
		return -EINVAL;
	}
	node.column = (uint32_t)start + 1;
	node.text = (uint32_t)(at + start);
	node.len = (uint32_t)entry & 0xfffffff;
	if (!check_entry(json->source, &node, text, diags))
		return -EINVAL;
	if (all_digits(text, entry))
		node.kind = BL_JSON_NUMBER;
	text[entry] = '\0';
	return add_node(json, node);
}

int bl_entries_parse(const struct bl_source *source, struct bl_diags *diags, struct bl_json **ret)
{
	_cleanup_(bl_json_freep) struct bl_json *json = calloc(1, sizeof(*json));
	bool failed = false;
	uint32_t line = 1;
	size_t end;
	int r;

	if (!json)
		return -ENOMEM;
	json->source = source;
	json->text = malloc(source->len + 1);
	if (!json->text)
		return -ENOMEM;
	if (source->len)
		memcpy(json->text, source->bytes, source->len);
	json->text[source->len] = '\0';
	r = add_node(json, (struct bl_json_node){ .line = 1, .column = 1, .kind = BL_JSON_ARRAY });
	for (size_t at = 0; r == 0 && at < source->len; at = end + 1, line++) {
		const char *newline = memchr(source->bytes + at, '\n', source->len - at);

		end = newline ? (size_t)(newline - source->bytes) : source->len;
		r = add_line(json, at, end - at, line, diags);
		failed |= r == -EINVAL;
		if (r == -EINVAL && json->n_nodes <= BL_ENTRIES_MAX)
			r = 0;
	}
	if (r < 0 || failed)
		return failed ? -EINVAL : r;
	json->nodes[0].next = (uint32_t)json->n_nodes;
	json->nodes[0].len = (uint32_t)(json->n_nodes - 1) & 0xfffffff;
	*ret = TAKE_PTR(json);
	return 0;
}
