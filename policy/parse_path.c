/* SPDX-License-Identifier: Apache-2.0 */
/* Path patterns as values of a policy; their syntax is glob.h's. */
#include "parse.h"

#include <errno.h>
#include <string.h>

#include "glob.h"

static bool check_start(struct bl_parser *parser, uint32_t node, const char *text, size_t len)
{
	struct bl_diag *diag;

	if (len == 0) {
		bl_parse_error(parser, node, "bad-path", "the path is empty");
		return false;
	}
	if (len >= BL_PATTERN_BYTES_MAX) {
		bl_parse_error(parser, node, "path-too-long",
			       "the path has %zu bytes; the kernel knows none above %d", len,
			       BL_PATTERN_BYTES_MAX - 1);
		return false;
	}
	if (text[0] == '/')
		return true;
	diag = bl_parse_error(parser, node, "relative-path", "\"%s\" does not start with '/'",
			      bl_excerpt(text, len).text);
	if (text[0] == '~')
		bl_diag_hint(diag, "home directories are written out: \"/home/*/...\"");
	else if (text[0] == '{' || text[0] == '*' || text[0] == '\\')
		bl_diag_hint(diag, "\"/**/NAME\" matches NAME in any directory");
	else
		bl_diag_hint(diag, "\"/**/%s\" matches it in any directory",
			     bl_excerpt(text, len).text);
	return false;
}

static bool check_syntax(struct bl_parser *parser, uint32_t node, const char *text, size_t len)
{
	const char *what = NULL;
	size_t offset = 0;
	int r = bl_glob_check(text, len, &offset, &what);

	if (r == 0)
		return true;
	if (r == -ENOMEM)
		parser->no_memory = true;
	else
		bl_parse_error(parser, node, "bad-path", "%s, at \"%s\"", what,
			       bl_excerpt(text + offset, len - offset).text);
	return false;
}

bool bl_parse_path(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret)
{
	const char *text;
	size_t len;
	bool plain;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "a path"))
		return false;
	text = bl_json_text(parser->json, node);
	len = parser->json->nodes[node].len;
	/* Most are, and that is seen at once. */
	plain = bl_glob_is_plain(text, len);
	if (!plain &&
	    (!check_start(parser, node, text, len) || !check_syntax(parser, node, text, len)))
		return false;
	*ret = (struct bl_pattern){
		.text = text,
		.len = (uint32_t)len,
		.literal = plain || bl_glob_is_literal(text),
		.plain = plain,
		.place = bl_parse_place(parser, node),
	};
	return true;
}

int bl_parse_plain_path(struct bl_parser *parser, uint32_t node, const char **ret)
{
	struct bl_pattern pattern;
	char *plain;

	if (!bl_parse_path(parser, node, &pattern))
		return 0;
	if (!pattern.literal) {
		bl_diag_hint(bl_parse_error(parser, node, "not-one-path",
					    "a test needs one path, not a pattern"),
			     "a '\\' before a glob character makes it stand for itself "
			     "(in JSON: \"\\\\*\")");
		return 0;
	}
	plain = bl_arena_alloc(parser->policy->arena, pattern.len + 1, 1);
	if (!plain)
		return -ENOMEM;
	bl_glob_unescape(pattern.text, pattern.len, plain);
	*ret = plain;
	return 1;
}
