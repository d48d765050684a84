/* SPDX-License-Identifier: Apache-2.0 */
/* What connect rules are about: families, unix sockets, and how they go with the other keys. */
#include "parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "glob.h"

/* ---- values ------------------------------------------------------------------------------- */

static void fail_family(struct bl_parser *parser, uint32_t node, const char *text)
{
	struct bl_nearest nearest = { 0 };
	struct bl_diag *diag = bl_parse_error(parser, node, "unknown-value", "\"%s\" is not %s",
					      bl_excerpt(text, strlen(text)).text,
					      bl_words_family.what);

	for (size_t i = 0; i < bl_words_family.count; i++)
		bl_nearest_offer(&nearest, text, bl_words_family.items[i].name);
	if (nearest.name)
		bl_diag_hint(diag, "did you mean \"%s\"?", nearest.name);
	else
		bl_diag_hint(diag, "the kernel's names without \"AF_\" in small letters, such as "
				   "\"unix\", \"inet6\" and \"netlink\", or its numbers");
}

bool bl_parse_family(struct bl_parser *parser, uint32_t node, uint8_t *ret)
{
	const struct bl_word *word;
	const char *text;
	uint64_t number;

	if (bl_json_kind(parser->json, node) == BL_JSON_NUMBER) {
		if (bl_json_uint(parser->json, node, &number) == 0 && number &&
		    number < BL_FAMILIES) {
			*ret = (uint8_t)number;
			return true;
		}
		bl_parse_error(parser, node, "out-of-range",
			       "a family of sockets is a whole number from 1 to %d",
			       BL_FAMILIES - 1);
		return false;
	}
	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "the name of a family of sockets"))
		return false;
	text = bl_json_text(parser->json, node);
	word = bl_words_find(&bl_words_family, text);
	if (word)
		*ret = (uint8_t)word->value;
	else
		fail_family(parser, node, text);
	return word;
}

static bool is_any(const struct bl_parser *parser, uint32_t node)
{
	return bl_json_kind(parser->json, node) == BL_JSON_STRING &&
	       strcmp(bl_json_text(parser->json, node), "any") == 0;
}

bool bl_parse_families(struct bl_parser *parser, uint32_t node, uint64_t *ret)
{
	bool good = !bl_parse_is_empty(parser, node);
	uint64_t families = 0;
	uint8_t family;

	BL_PARSE_EACH(parser, node, element)
	{
		if (is_any(parser, element))
			families = BL_FAMILIES_ANY;
		else if (bl_parse_family(parser, element, &family))
			families |= BL_FAMILY_BIT(family);
		else
			good = false;
	}
	if (good)
		*ret = families;
	return good;
}

/* ---- unix sockets ------------------------------------------------------------------------- */

static bool check_abstract(struct bl_parser *parser, uint32_t node, const char *text, size_t len)
{
	const char *what = NULL;
	size_t offset = 0;
	int r;

	if (bl_lists_has(parser, text + 1)) {
		bl_diag_hint(
			bl_parse_error(parser, node, "ambiguous-name",
				       "\"%s\" is an abstract name here, but a list is called so",
				       text),
			"lists can't be inserted into \"socket\"; a '\\' before a letter "
			"makes the name another text: \"@\\\\%s\"",
			text + 1);
		return false;
	}
	r = bl_glob_check(text, len, &offset, &what);
	if (r == -ENOMEM)
		parser->no_memory = true;
	else if (r < 0)
		bl_parse_error(parser, node, "bad-path", "%s, at \"%s\"", what,
			       bl_excerpt(text + offset, len - offset).text);
	return r == 0;
}

bool bl_parse_socket(struct bl_parser *parser, uint32_t node, struct bl_pattern *ret)
{
	const char *text;
	size_t len;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "a path or an abstract name"))
		return false;
	text = bl_json_text(parser->json, node);
	len = parser->json->nodes[node].len;
	if (!bl_glob_is_abstract(text))
		return bl_parse_path(parser, node, ret);
	if (!check_abstract(parser, node, text, len))
		return false;
	*ret = (struct bl_pattern){
		.text = text,
		.len = (uint32_t)len,
		.place = bl_parse_place(parser, node),
	};
	return true;
}

int bl_parse_plain_socket(struct bl_parser *parser, uint32_t node, const char **ret,
			  uint32_t *ret_len)
{
	struct bl_pattern pattern;
	char *plain;

	if (!bl_parse_socket(parser, node, &pattern))
		return 0;
	if (!bl_glob_is_literal(pattern.text)) {
		bl_parse_error(parser, node, "not-one-path",
			       "a test needs one socket, not a pattern");
		return 0;
	}
	plain = bl_arena_alloc(parser->policy->arena, pattern.len + 1, 1);
	if (!plain)
		return -ENOMEM;
	*ret_len = (uint32_t)bl_glob_unescape(pattern.text, pattern.len, plain);
	if (bl_glob_is_abstract(pattern.text))
		plain[0] = '\0';
	*ret = plain;
	return 1;
}

/* ---- keys together ------------------------------------------------------------------------ */

/* A value's key is the node before it. */
static const char *key_of(const struct bl_parser *parser, uint32_t value)
{
	return bl_json_text(parser->json, value - 1);
}

/* The value of the first key that only IP has; 0: none is there. */
static uint32_t ip_key(const struct bl_match_nodes *nodes)
{
	if (nodes->to)
		return nodes->to;
	return nodes->port ? nodes->port : nodes->protocol;
}

static void check_ip_families(struct bl_parser *parser, const struct bl_match_nodes *nodes,
			      uint64_t families)
{
	uint32_t value = ip_key(nodes);

	if (!value || !nodes->family || !(families & ~BL_FAMILIES_IP))
		return;
	bl_diag_hint(bl_parse_error(parser, value - 1, "key-does-not-fit",
				    "\"%s\" belongs to the families inet and inet6, but others are "
				    "named as well",
				    key_of(parser, value)),
		     "write one rule for these two, and one for the others");
}

/* A unix socket has neither address nor port. */
static void check_socket(struct bl_parser *parser, const struct bl_match_nodes *nodes,
			 uint64_t families)
{
	uint32_t other = ip_key(nodes);
	struct bl_diag *diag;

	if (!nodes->socket)
		return;
	if (other) {
		diag = bl_parse_error(parser, nodes->socket - 1, "key-does-not-fit",
				      "no destination has both \"socket\" and \"%s\"",
				      key_of(parser, other));
		bl_diag_hint(diag,
			     "\"socket\" means unix sockets, \"%s\" inet and inet6: write "
			     "one rule for each",
			     key_of(parser, other));
	} else if (nodes->family && families != BL_FAMILIES_UNIX) {
		bl_diag_hint(bl_parse_error(parser, nodes->socket - 1, "key-does-not-fit",
					    "\"socket\" belongs to the family unix, but others are "
					    "named as well"),
			     "leave out \"family\", and write another rule for the others");
	}
}

/* ---- addresses of one family -------------------------------------------------------------- */

/* All addresses of a family, as a network. */
static int make_whole(struct bl_parser *parser, struct bl_match *match, uint8_t family)
{
	struct bl_net *net = bl_arena_alloc(parser->policy->arena, 1, sizeof(*net));

	if (!net)
		return -ENOMEM;
	*net = (struct bl_net){ .family = family, .place = match->place };
	match->to = (struct bl_nets){ .items = net, .count = 1 };
	match->to_any = false;
	match->has_to = match->to_family = true;
	return 0;
}

static int keep_family(struct bl_parser *parser, struct bl_match *match, uint32_t node,
		       uint8_t family)
{
	struct bl_net *kept = bl_arena_alloc(parser->policy->arena, match->to.count, sizeof(*kept));
	size_t n = 0;

	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < match->to.count; i++)
		if (match->to.items[i].family == family)
			kept[n++] = match->to.items[i];
	if (!n && match->to.count)
		bl_parse_error(parser, node - 1, "key-does-not-fit",
			       "no address here is of the family %s",
			       family == AF_INET ? "inet" : "inet6");
	match->to = (struct bl_nets){ .items = kept, .count = n };
	return 0;
}

/* Where one of inet and inet6 is meant, the addresses say so. */
static int narrow_nets(struct bl_parser *parser, struct bl_match *match, uint32_t node)
{
	uint64_t ip = match->families & BL_FAMILIES_IP;
	uint8_t family = ip & BL_FAMILY_BIT(AF_INET) ? AF_INET : AF_INET6;

	if (!ip || ip == BL_FAMILIES_IP)
		return 0;
	if (!match->has_to || match->to_any)
		return make_whole(parser, match, family);
	return keep_family(parser, match, node, family);
}

/* ---- what is meant ------------------------------------------------------------------------ */

int bl_parse_rule_families(struct bl_parser *parser, const struct bl_match_nodes *nodes,
			   struct bl_match *match)
{
	if (!nodes->family)
		match->families = nodes->socket ? BL_FAMILIES_UNIX : BL_FAMILIES_IP;
	check_socket(parser, nodes, match->families);
	check_ip_families(parser, nodes, match->families);
	return narrow_nets(parser, match, nodes->to);
}

/* What an exception can hold for by its own keys. */
static uint64_t except_families(const struct bl_match_nodes *nodes, const struct bl_match *match)
{
	uint64_t families = nodes->family ? match->families : BL_FAMILIES_ANY;

	if (nodes->socket)
		families &= BL_FAMILIES_UNIX;
	return ip_key(nodes) ? families & BL_FAMILIES_IP : families;
}

int bl_parse_except_families(struct bl_parser *parser, uint32_t node,
			     const struct bl_match_nodes *nodes, uint64_t rule,
			     struct bl_match *match)
{
	check_socket(parser, nodes, match->families);
	check_ip_families(parser, nodes, match->families);
	match->families = except_families(nodes, match);
	if (!(match->families & rule))
		bl_diag_hint(bl_parse_error(parser, node, "key-does-not-fit",
					    "the exception is about other families of sockets than "
					    "the rule"),
			     "a rule without \"family\" is about inet and inet6, one with "
			     "\"socket\" about unix");
	return narrow_nets(parser, match, nodes->to);
}
