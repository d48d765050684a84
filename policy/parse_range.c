/* SPDX-License-Identifier: Apache-2.0 */
/* Ports, user and group ids: numbers and ranges. */
#include "parse.h"

#include <errno.h>
#include <string.h>

struct range_kind {
	const char *what;
	const char *example;
	const char *hint; /* may be NULL */
	uint32_t max;
};

static const struct range_kind *range_kind(enum bl_value_kind kind)
{
	static const struct range_kind port = { "a port", "8000-8100", NULL, 65535 };
	/* The last 32-bit number is the kernel's word for 'no user' (and 'don't change'). */
	static const struct range_kind id = { "an id", "1000-65533", NULL, UINT32_MAX - 1 };
	static const struct range_kind login = { "an id", "1000-65533",
						 "who has not logged in is \"unset\"",
						 UINT32_MAX - 1 };

	return kind == BL_VALUE_PORT ? &port : kind == BL_VALUE_LOGIN ? &login : &id;
}

static void fail_range(struct bl_parser *parser, uint32_t node, const struct range_kind *kind,
		       const char *shown)
{
	struct bl_diag *diag = bl_parse_error(parser, node, "out-of-range",
					      "%s is not %s: a whole number from 0 to %u", shown,
					      kind->what, kind->max);

	if (kind->hint)
		bl_diag_hint(diag, "%s", kind->hint);
}

/* Reads digits without leading zeros. Returns what follows them, or NULL. */
static const char *read_digits(const char *text, uint64_t *ret)
{
	const char *at = text;
	uint64_t value = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (value <= UINT32_MAX)
			value = 10 * value + (uint64_t)(*at - '0');
	}
	if (at == text || (text[0] == '0' && at > text + 1))
		return NULL;
	*ret = value;
	return at;
}

static bool looks_like_name(const char *text)
{
	return (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z') ||
	       text[0] == '_';
}

static void fail_text(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		      const char *text)
{
	struct bl_excerpt shown = bl_excerpt(text, strlen(text));
	struct bl_diag *diag;

	diag = bl_parse_error(parser, node, "bad-range", "\"%s\" is neither a number nor a range",
			      shown.text);
	if (kind == BL_VALUE_PORT && looks_like_name(text))
		bl_diag_hint(diag, "names of services are not known here: write the number");
	else
		bl_diag_hint(diag, "a range is written \"%s\"", range_kind(kind)->example);
}

/*
 * Nobody on this host: no error of a rule, since packages' policies are for hosts that differ. A test
 * is about somebody.
 */
static void report_unknown(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			   const char *name, int err)
{
	enum bl_diag_level level = parser->in_test ? BL_DIAG_ERROR : BL_DIAG_WARNING;
	const char *what = kind == BL_VALUE_GROUP ? "group" : "user";
	struct bl_excerpt shown = bl_excerpt(name, strlen(name));
	struct bl_diag *diag;

	if (err != -ENOENT) {
		bl_parse_diag(parser, level, node, "unknown-account",
			      "the %s \"%s\" can't be looked up: %s; nobody is meant", what,
			      shown.text, strerror(-err));
		return;
	}
	diag = bl_parse_diag(parser, level, node, "unknown-account",
			     "there is no %s \"%s\" on this host; nobody is meant", what,
			     shown.text);
	bl_diag_hint(diag,
		     "reload once %s has it; a %s that only a name service knows is written as a "
		     "number",
		     kind == BL_VALUE_GROUP ? "/etc/group" : "/etc/passwd", what);
}

static void find_account(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			 const char *name, struct bl_range *ret)
{
	const struct bl_policy_host *host = parser->host;
	uint32_t id;
	int r = -ENOENT;

	*ret = (struct bl_range){ .first = 1, .last = 0 };
	if (host && host->find_account)
		r = host->find_account(host->userdata,
				       kind == BL_VALUE_GROUP ? BL_ACCOUNT_GROUP : BL_ACCOUNT_USER,
				       name, &id);
	if (r == -ENOMEM)
		parser->no_memory = true;
	if (r < 0)
		report_unknown(parser, node, kind, name, r);
	else
		*ret = (struct bl_range){ .first = id, .last = id };
}

static bool parse_text(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		       struct bl_range *ret)
{
	const char *text = bl_json_text(parser->json, node);
	const struct range_kind *range = range_kind(kind);
	uint64_t first, last;
	const char *at = read_digits(text, &first);

	if (kind == BL_VALUE_LOGIN && strcmp(text, "unset") == 0) {
		*ret = (struct bl_range){ .first = BL_LOGIN_UNSET, .last = BL_LOGIN_UNSET };
		return true;
	}
	if (!at && kind != BL_VALUE_PORT && looks_like_name(text)) {
		find_account(parser, node, kind, text, ret);
		return true;
	}
	if (!at) {
		fail_text(parser, node, kind, text);
		return false;
	}
	if (*at == '\0') {
		bl_diag_hint(bl_parse_error(parser, node, "wrong-type",
					    "a single number is written without quotes"),
			     "write %s", bl_excerpt(text, strlen(text)).text);
		return false;
	}
	at = *at == '-' ? read_digits(at + 1, &last) : NULL;
	if (!at || *at) {
		fail_text(parser, node, kind, text);
		return false;
	}
	if (first > range->max || last > range->max) {
		fail_range(parser, node, range, bl_excerpt(text, strlen(text)).text);
		return false;
	}
	if (first > last) {
		bl_diag_hint(bl_parse_error(parser, node, "bad-range",
					    "the range ends before it starts"),
			     "write \"%u-%u\"", (uint32_t)last, (uint32_t)first);
		return false;
	}
	*ret = (struct bl_range){ .first = (uint32_t)first, .last = (uint32_t)last };
	return true;
}

static bool parse_number(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
			 struct bl_range *ret)
{
	const struct bl_json_node *number = &parser->json->nodes[node];
	const struct range_kind *range = range_kind(kind);
	uint64_t value;
	struct bl_excerpt shown =
		bl_excerpt(parser->json->source->bytes + number->text, number->len);

	if (bl_json_uint(parser->json, node, &value) < 0 || value > range->max) {
		fail_range(parser, node, range, shown.text);
		return false;
	}
	*ret = (struct bl_range){ .first = (uint32_t)value, .last = (uint32_t)value };
	return true;
}

bool bl_parse_range(struct bl_parser *parser, uint32_t node, enum bl_value_kind kind,
		    struct bl_range *ret)
{
	switch (bl_json_kind(parser->json, node)) {
	case BL_JSON_NUMBER:
		return parse_number(parser, node, kind, ret);
	case BL_JSON_STRING:
		return parse_text(parser, node, kind, ret);
	case BL_JSON_NULL:
	case BL_JSON_FALSE:
	case BL_JSON_TRUE:
	case BL_JSON_ARRAY:
	case BL_JSON_OBJECT:
	case _BL_JSON_KIND_MAX:
		break;
	}
	bl_parse_error(parser, node, "wrong-type",
		       "expected a number or a range like \"%s\", found %s",
		       range_kind(kind)->example,
		       bl_json_kind_name(bl_json_kind(parser->json, node)));
	return false;
}
