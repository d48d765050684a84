/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities as values of a policy. */
#include <string.h>

#include "parse.h"

static void fail_capability(struct bl_parser *parser, uint32_t node, const char *text)
{
	struct bl_nearest nearest = { 0 };
	struct bl_diag *diag;

	diag = bl_parse_error(parser, node, "unknown-value", "\"%s\" is not a capability",
			      bl_excerpt(text, parser->json->nodes[node].len).text);
	for (size_t i = 0; i < bl_words_capability.count; i++) {
		bl_nearest_offer(&nearest, text, bl_words_capability.items[i].name);
		bl_nearest_offer(&nearest, text,
				 bl_words_capability.items[i].name + strlen("CAP_"));
	}
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"%s\"?", nearest.name);
	else
		bl_diag_hint(diag, "capabilities(7) has their names, such as \"CAP_SYS_ADMIN\"");
}

void bl_parse_capabilities(struct bl_parser *parser, uint32_t node, uint64_t *ret)
{
	uint64_t mask = 0;
	uint32_t capability;

	if (bl_parse_is_empty(parser, node))
		return;
	BL_PARSE_EACH(parser, node, element)
	{
		const char *text;

		if (!bl_parse_kind(parser, element, BL_JSON_STRING, "a capability"))
			continue;
		text = bl_json_text(parser->json, element);
		if (bl_capability_find(text, &capability))
			mask |= 1ull << capability;
		else
			fail_capability(parser, element, text);
	}
	*ret = mask;
}
