/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of programs as values of a policy. */
#include "parse.h"

#include <errno.h>
#include <string.h>

#include "glob.h"

static bool check_argument(struct bl_parser *parser, uint32_t node, const char *pattern, size_t len)
{
	const char *what = NULL;
	size_t offset = 0;
	int r = bl_glob_check(pattern, len, &offset, &what);

	if (r == -ENOMEM)
		parser->no_memory = true;
	else if (r < 0)
		bl_parse_error(parser, node, "bad-argument", "%s, at \"%s\"", what,
			       bl_excerpt(pattern + offset, len - offset).text);
	return r == 0;
}

bool bl_parse_argument(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret)
{
	const char *text;
	char *pattern;
	size_t len;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "an argument"))
		return false;
	text = bl_json_text(parser->json, node);
	len = parser->json->nodes[node].len;
	if (!len || len + 1 >= BL_PATTERN_BYTES_MAX) {
		bl_parse_error(parser, node, "bad-argument",
			       "the pattern of an argument has 1 to %d bytes, this one has %zu",
			       BL_PATTERN_BYTES_MAX - 2, len);
		return false;
	}
	pattern = bl_arena_alloc(parser->policy->arena, len + 2, 1);
	if (!pattern) {
		parser->no_memory = true;
		return false;
	}
	pattern[0] = BL_GLOB_ARGUMENT;
	memcpy(pattern + 1, text, len + 1);
	if (!check_argument(parser, node, pattern, len + 1))
		return false;
	*ret = (struct bl_pattern){
		.text = pattern,
		.len = (uint32_t)len + 1,
		.place = bl_parse_place(parser, node),
	};
	return true;
}

int bl_parse_arguments(struct bl_parser *parser, uint32_t node, const char **ret, uint32_t *ret_len,
		       uint32_t *ret_n)
{
	size_t len = 0, n = 0;
	char *texts;

	BL_PARSE_EACH(parser, node, element)
	{
		if (!bl_parse_kind(parser, element, BL_JSON_STRING, "an argument"))
			return 0;
		len += parser->json->nodes[element].len + 1;
		n++;
	}
	texts = bl_arena_alloc(parser->policy->arena, len + 1, 1);
	if (!texts)
		return -ENOMEM;
	*ret = texts;
	*ret_len = (uint32_t)len;
	*ret_n = (uint32_t)n;
	BL_PARSE_EACH(parser, node, element)
	{
		memcpy(texts, bl_json_text(parser->json, element),
		       parser->json->nodes[element].len + 1);
		texts += parser->json->nodes[element].len + 1;
	}
	return 0;
}
