/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of rules and exceptions, one by one: whether they hold, what they want, what there is. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "explainer.h"
#include "words.h"

#define SHOWN_MAX 3 /* values of a long list */

/* ---- in words ----------------------------------------------------------------------------- */

static void put_more(size_t shown, size_t count, FILE *out)
{
	if (count > shown)
		fprintf(out, " and %zu more", count - shown);
}

void bl_explain_put_patterns(const struct bl_patterns *patterns, FILE *out)
{
	size_t shown = 0, written = 0;

	for (size_t i = 0; i < patterns->count; i++) {
		const struct bl_pattern *pattern = &patterns->items[i];

		if (pattern->resolved)
			continue;
		if (written++ >= SHOWN_MAX)
			continue;
		fprintf(out, "%s%s", shown++ ? ", " : "", bl_glob_written(pattern->text));
	}
	put_more(shown, written, out);
}

/* The last number of all is that of a login that nobody has made. */
static void put_range(const struct bl_range *range, const char *comma, FILE *out)
{
	bool unset = range->last == BL_LOGIN_UNSET;

	if (range->first == BL_LOGIN_UNSET) {
		fprintf(out, "%sunset", comma);
		return;
	}
	fprintf(out, "%s%u", comma, range->first);
	if (range->first != range->last - unset)
		fprintf(out, "-%u", range->last - unset);
	if (unset)
		fputs(", unset", out);
}

void bl_explain_put_ranges(const struct bl_ranges_in *ranges, const char *none, FILE *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < ranges->count && shown < SHOWN_MAX; i++) {
		const struct bl_range *range = &ranges->items[i];

		if (range->first > range->last)
			continue;
		put_range(range, shown++ ? ", " : "", out);
	}
	if (!shown)
		fputs(none, out);
	put_more(shown ? shown : ranges->count, ranges->count, out);
}

static void put_words(const struct bl_words *words, uint32_t mask, FILE *out)
{
	const char *comma = "";

	for (size_t i = 0; i < words->count; i++) {
		uint32_t value = words->items[i].value;

		if (!(mask & value) || value & (value - 1))
			continue;
		fprintf(out, "%s%s", comma, words->items[i].name);
		comma = ", ";
	}
	if (!*comma)
		fputs("none", out);
}

static void put_bytes(const char *bytes, size_t len, FILE *out)
{
	if (!bytes)
		fputs("not known", out);
	else if (len && !bytes[0])
		fprintf(out, "@%.*s", (int)(len - 1), bytes + 1);
	else
		fwrite(bytes, 1, len, out);
}

static void put_text(const char *text, FILE *out)
{
	put_bytes(text, text ? strlen(text) : 0, out);
}

static void put_address(const uint8_t *addr, uint8_t family, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	if (addr && inet_ntop(family, addr, text, sizeof(text)))
		fputs(text, out);
	else
		fputs("no address", out);
}

static void put_family(uint32_t family, FILE *out)
{
	for (size_t i = 0; i < bl_words_family.count; i++) {
		if (bl_words_family.items[i].value == family) {
			fputs(bl_words_family.items[i].name, out);
			return;
		}
	}
	fprintf(out, "%u", family);
}

/* ---- objects ------------------------------------------------------------------------------ */

static bool path_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const char *path = e->query->path;

	if (!match->has_path)
		return true;
	if (e->query->pseudo || (grant && e->query->untrusted))
		return false;
	return e->unnamed ? !grant : bl_explain_matches(e, &match->path, path, strlen(path));
}

static void path_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->path, out);
}

static void path_found(const struct bl_query *query, FILE *out)
{
	if (query->pseudo)
		fputs("a memfd, which has none", out);
	else
		put_text(query->path, out);
}

static bool access_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return match->access & e->query->access & BL_ACCESS_ANY;
}

static void access_wanted(const struct bl_match *match, FILE *out)
{
	put_words(&bl_words_access, match->access, out);
}

static void access_found(const struct bl_query *query, FILE *out)
{
	put_words(&bl_words_access, query->access, out);
}

static bool file_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->facts || match->facts & e->query->access;
}

static void file_wanted(const struct bl_match *match, FILE *out)
{
	put_words(&bl_words_file, match->facts, out);
}

static void file_found(const struct bl_query *query, FILE *out)
{
	put_words(&bl_words_file, query->access & BL_FACT_ANY, out);
}

/* Any argument as a whole; each with the NUL of the one before it, as patterns have it. */
static bool args_hold(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const struct bl_query *query = e->query;
	_cleanup_free_ char *texts = NULL;
	bool holds = false;
	size_t len;

	if (!match->has_args)
		return true;
	texts = malloc(query->args_len + 1);
	if (!texts) {
		e->error = -ENOMEM;
		return false;
	}
	texts[0] = '\0';
	if (query->args_len)
		memcpy(texts + 1, query->args, query->args_len);
	for (size_t at = 0; !holds && at < query->args_len; at += len + 1) {
		len = strlen(texts + 1 + at);
		holds = bl_explain_matches(e, &match->args, texts + at, len + 1);
	}
	return holds;
}

static void args_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->args, out);
}

static void args_found(const struct bl_query *query, FILE *out)
{
	const char *comma = "";

	for (size_t at = 0; at < query->args_len; at += strlen(query->args + at) + 1) {
		fprintf(out, "%s%s", comma, query->args + at);
		comma = ", ";
	}
	if (!*comma)
		fputs("none", out);
}

/* ---- destinations ------------------------------------------------------------------------- */

static uint32_t family_of(const struct bl_query *query)
{
	return query->socket ? 1 : query->family; /* AF_UNIX */
}

static bool family_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	uint32_t family = e->ip ? e->form->family : family_of(e->query);

	return match->families & BL_FAMILY_BIT(family);
}

static void family_wanted(const struct bl_match *match, FILE *out)
{
	size_t shown = 0, count = (size_t)__builtin_popcountll(match->families);

	for (uint32_t family = 1; family < 64 && shown < SHOWN_MAX; family++) {
		if (!(match->families & BL_FAMILY_BIT(family)))
			continue;
		fputs(shown++ ? ", " : "", out);
		put_family(family, out);
	}
	put_more(shown, count, out);
}

static void family_found(const struct bl_query *query, FILE *out)
{
	put_family(family_of(query), out);
}

static bool socket_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const struct bl_query *query = e->query;

	if (!match->has_socket)
		return true;
	if (!query->socket || (grant && query->untrusted && query->socket[0]))
		return false;
	return e->unnamed ? !grant
			  : bl_explain_matches(e, &match->socket, query->socket, query->socket_len);
}

static void socket_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->socket, out);
}

static void socket_found(const struct bl_query *query, FILE *out)
{
	put_bytes(query->socket, query->socket_len, out);
}

static bool net_covers(const struct bl_net *net, const struct bl_form *form)
{
	size_t whole = net->prefix / 8, bits = net->prefix % 8;

	if (net->family != form->family || memcmp(net->addr, form->addr, whole))
		return false;
	return !bits || (net->addr[whole] ^ form->addr[whole]) >> (8 - bits) == 0;
}

static bool some_net_covers(const struct bl_nets *nets, const struct bl_form *form)
{
	for (size_t i = 0; i < nets->count; i++)
		if (net_covers(&nets->items[i], form))
			return true;
	return false;
}

static bool to_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const struct bl_nets *nets = &match->to;
	enum bl_memo memo;
	bool holds;

	if (!e->ip || !match->has_to || match->to_any)
		return true;
	if (nets->count < BL_MEMO_LONG)
		return some_net_covers(nets, e->form);
	memo = BL_MEMO_FORM + (enum bl_memo)(e->form - e->forms);
	if (bl_explain_recall(e, memo, nets, sizeof(*nets), &holds))
		return holds;
	holds = some_net_covers(nets, e->form);
	bl_explain_remember(e, memo, nets, sizeof(*nets), holds);
	return holds;
}

static void to_wanted(const struct bl_match *match, FILE *out)
{
	size_t shown = 0;

	for (; shown < match->to.count && shown < SHOWN_MAX; shown++) {
		const struct bl_net *net = &match->to.items[shown];

		fputs(shown ? ", " : "", out);
		put_address(net->addr, net->family, out);
		if (net->prefix != (net->family == AF_INET ? 32 : 128))
			fprintf(out, "/%u", net->prefix);
	}
	put_more(shown, match->to.count, out);
}

static void to_found(const struct bl_query *query, FILE *out)
{
	put_address(query->addr, query->family, out);
}

bool bl_explain_in_ranges(const struct bl_ranges_in *ranges, uint32_t number)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (ranges->items[i].first <= number && number <= ranges->items[i].last)
			return true;
	return false;
}

static bool port_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !e->ip || !match->has_ports || bl_explain_in_ranges(&match->ports, e->query->port);
}

static void port_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_ranges(&match->ports, "none", out);
}

static void port_found(const struct bl_query *query, FILE *out)
{
	fprintf(out, "%u", query->port);
}

static bool protocol_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !e->ip || match->protocols & e->query->access;
}

static void protocol_wanted(const struct bl_match *match, FILE *out)
{
	put_words(&bl_words_protocol, match->protocols, out);
}

static void protocol_found(const struct bl_query *query, FILE *out)
{
	put_words(&bl_words_protocol, query->access, out);
}

/* ---- subjects ----------------------------------------------------------------------------- */

static bool exe_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	if (!match->has_exe)
		return true;
	return e->exe && bl_explain_matches(e, &match->exe, e->exe, strlen(e->exe));
}

static void exe_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->exe, out);
}

static void exe_found(const struct bl_query *query, FILE *out)
{
	put_text(query->exe, out);
}

/* What may be anything holds for rules, and excuses nothing. */
static bool kin_holds(struct bl_explainer *e, const struct bl_patterns *patterns,
		      const char *const *programs, size_t n, bool grant)
{
	if (e->query->kin_unknown && !grant)
		return true;
	for (size_t i = 0; i < n; i++)
		if (programs[i] && bl_explain_walkable(programs[i]) &&
		    bl_explain_matches(e, patterns, programs[i], strlen(programs[i])))
			return true;
	return false;
}

static void put_unknown(const struct bl_query *query, const char *before, FILE *out)
{
	if (query->kin_unknown)
		fprintf(out, "%sit may be any", before);
}

static bool parent_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_parent || kin_holds(e, &match->parent, &e->query->parent, 1, grant);
}

static void parent_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->parent, out);
}

static void parent_found(const struct bl_query *query, FILE *out)
{
	if (query->parent || !query->kin_unknown)
		put_text(query->parent, out);
	put_unknown(query, query->parent ? ", and " : "", out);
}

static bool ancestor_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_ancestor ||
	       kin_holds(e, &match->ancestor, e->query->ancestors, e->query->n_ancestors, grant);
}

static void ancestor_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->ancestor, out);
}

static void ancestor_found(const struct bl_query *query, FILE *out)
{
	for (size_t i = 0; i < query->n_ancestors && i < SHOWN_MAX; i++) {
		fputs(i ? ", " : "", out);
		put_text(query->ancestors[i], out);
	}
	put_more(BL_MIN(query->n_ancestors, (size_t)SHOWN_MAX), query->n_ancestors, out);
	if (!query->n_ancestors && !query->kin_unknown)
		put_text(NULL, out);
	put_unknown(query, query->n_ancestors ? ", and " : "", out);
}

static bool uid_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_uids || bl_explain_in_ranges(&match->uids, e->query->uid);
}

static void uid_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_ranges(&match->uids, "nobody", out);
}

static void uid_found(const struct bl_query *query, FILE *out)
{
	fprintf(out, "%u", query->uid);
}

static bool gid_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	if (!match->has_gids)
		return true;
	for (size_t i = 0; i < e->query->n_gids; i++)
		if (bl_explain_in_ranges(&match->gids, e->query->gids[i]))
			return true;
	return false;
}

static void gid_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_ranges(&match->gids, "nobody", out);
}

static void gid_found(const struct bl_query *query, FILE *out)
{
	for (size_t i = 0; i < query->n_gids; i++)
		fprintf(out, "%s%u", i ? ", " : "", query->gids[i]);
}

static bool uid_except(const struct bl_explainer *e, FILE *out)
{
	return fprintf(out, "%u", e->query->uid) > 0;
}

static bool gid_except(const struct bl_explainer *e, FILE *out)
{
	return fprintf(out, "%u", e->query->n_gids ? e->query->gids[0] : 0) > 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

#define ON_EXEC	   BL_OP_BIT(BL_OP_EXEC)
#define ON_OPEN	   BL_OP_BIT(BL_OP_OPEN)
#define ON_CONNECT BL_OP_BIT(BL_OP_CONNECT)
#define ON_ALL	   (ON_EXEC | ON_OPEN | ON_CONNECT)

static const struct bl_key_kind kinds[_BL_KEY_MAX] = {
	[BL_KEY_PATH] = { "path", ON_EXEC | ON_OPEN, path_holds, path_wanted, path_found, NULL },
	[BL_KEY_ACCESS] = { "access", ON_OPEN, access_holds, access_wanted, access_found, NULL },
	[BL_KEY_FILE] = { "file", ON_EXEC, file_holds, file_wanted, file_found, NULL },
	[BL_KEY_ARGS] = { "args", ON_EXEC, args_hold, args_wanted, args_found, NULL },
	[BL_KEY_FAMILY] = { "family", ON_CONNECT, family_holds, family_wanted, family_found, NULL },
	[BL_KEY_SOCKET] = { "socket", ON_CONNECT, socket_holds, socket_wanted, socket_found, NULL },
	[BL_KEY_TO] = { "to", ON_CONNECT, to_holds, to_wanted, to_found, NULL },
	[BL_KEY_PORT] = { "port", ON_CONNECT, port_holds, port_wanted, port_found, NULL },
	[BL_KEY_PROTOCOL] = { "protocol", ON_CONNECT, protocol_holds, protocol_wanted,
			      protocol_found, NULL },
	[BL_KEY_EXE] = { "by.exe", ON_ALL, exe_holds, exe_wanted, exe_found, NULL },
	[BL_KEY_PARENT] = { "by.parent", ON_ALL, parent_holds, parent_wanted, parent_found, NULL },
	[BL_KEY_ANCESTOR] = { "by.ancestor", ON_ALL, ancestor_holds, ancestor_wanted,
			      ancestor_found, NULL },
	[BL_KEY_UID] = { "by.uid", ON_ALL, uid_holds, uid_wanted, uid_found, uid_except },
	[BL_KEY_GID] = { "by.gid", ON_ALL, gid_holds, gid_wanted, gid_found, gid_except },
	[BL_KEY_UNLESS] = { "unless", 0, NULL, NULL, NULL, NULL },
};

const struct bl_key_kind *bl_key_kind(enum bl_key_id key)
{
	if (key >= BL_KEY_LOGIN && key < BL_KEY_UNLESS)
		return &bl_key_task_kinds[key - BL_KEY_LOGIN];
	return &kinds[key];
}

uint32_t bl_explain_failing_subject(struct bl_explainer *e, const struct bl_match *match,
				    bool grant)
{
	uint32_t failing = 0;

	for (uint32_t key = BL_KEY_EXE; key < BL_KEY_UNLESS; key++)
		if (!bl_key_kind(key)->holds(e, match, grant))
			failing |= BL_KEY_BIT(key);
	return failing;
}

/* Of another family the other keys of a destination say nothing. */
uint32_t bl_explain_failing(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const uint32_t destination = BL_KEY_BIT(BL_KEY_SOCKET) | BL_KEY_BIT(BL_KEY_TO) |
				     BL_KEY_BIT(BL_KEY_PORT) | BL_KEY_BIT(BL_KEY_PROTOCOL);
	uint32_t failing = bl_explain_failing_subject(e, match, grant);

	for (uint32_t key = 0; key < BL_KEY_EXE; key++) {
		const struct bl_key_kind *kind = bl_key_kind(key);

		if (!(kind->ops & BL_OP_BIT(e->query->op)))
			continue;
		if (failing & BL_KEY_BIT(BL_KEY_FAMILY) && destination & BL_KEY_BIT(key))
			continue;
		if (!kind->holds(e, match, grant))
			failing |= BL_KEY_BIT(key);
	}
	return failing;
}

static uint32_t asked_by(const struct bl_match *match)
{
	const struct {
		bool asked;
		enum bl_key_id key;
	} keys[] = {
		{ match->has_exe, BL_KEY_EXE },
		{ match->has_parent, BL_KEY_PARENT },
		{ match->has_ancestor, BL_KEY_ANCESTOR },
		{ match->has_uids, BL_KEY_UID },
		{ match->has_gids, BL_KEY_GID },
		{ match->has_logins, BL_KEY_LOGIN },
		{ match->has_capabilities, BL_KEY_CAPABILITY },
		{ match->has_units, BL_KEY_UNIT },
		{ match->has_slices, BL_KEY_SLICE },
		{ match->has_cgroups, BL_KEY_CGROUP },
		{ match->has_containers, BL_KEY_CONTAINER },
	};
	uint32_t asked = 0;

	for (size_t i = 0; i < BL_ARRAY_SIZE(keys); i++)
		asked |= keys[i].asked ? BL_KEY_BIT(keys[i].key) : 0;
	return asked;
}

uint32_t bl_explain_asked(const struct bl_policy *policy)
{
	uint32_t asked = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct bl_rule *rule = &policy->rules[i];

		asked |= asked_by(&rule->match);
		for (size_t k = 0; k < rule->n_unless; k++)
			asked |= asked_by(&rule->unless[k]);
	}
	return asked;
}

const char *bl_key_name(enum bl_key_id key)
{
	return bl_key_kind(key)->name;
}

/* Closes a stream and makes what was written to it good to show. */
static char *finish(FILE *out, char **text, size_t *size)
{
	return fclose(out) == 0 ? bl_printable(*text, *size) : NULL;
}

char *bl_key_wanted(const struct bl_match *match, enum bl_key_id key)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (bl_key_kind(key)->wanted)
		bl_key_kind(key)->wanted(match, out);
	return finish(out, &text, &size);
}

char *bl_key_found(const struct bl_query *query, enum bl_key_id key)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (bl_key_kind(key)->found)
		bl_key_kind(key)->found(query, out);
	return finish(out, &text, &size);
}
