/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of subjects beside program, user and groups: login, capabilities, and names by the cgroup. */
#include <errno.h>
#include <string.h>

#include "cgroup.h"
#include "explainer.h"
#include "words.h"

/* A mark and a name, as patterns of names have it. */
struct marked {
	char bytes[BL_PATTERN_BYTES_MAX + 2];
	size_t len;
};

static bool matches(struct bl_explainer *e, const struct bl_patterns *patterns, char mark,
		    const char *name)
{
	struct marked marked;

	marked.len = (size_t)snprintf(marked.bytes, sizeof(marked.bytes), "%c%s", mark, name);
	return marked.len < sizeof(marked.bytes) &&
	       bl_explain_matches(e, patterns, marked.bytes, marked.len);
}

static const char *no_names(const struct bl_patterns *patterns)
{
	return patterns->count ? NULL : "nothing";
}

static void put_names(const struct bl_patterns *patterns, FILE *out)
{
	if (no_names(patterns))
		fputs(no_names(patterns), out);
	bl_explain_put_patterns(patterns, out);
}

/* ---- login -------------------------------------------------------------------------------- */

static uint32_t login_of(const struct bl_query *query)
{
	return query->has_login ? query->login : BL_LOGIN_UNSET;
}

bool bl_login_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	uint32_t login = login_of(e->query);

	if (!match->has_logins)
		return true;
	for (size_t i = 0; i < match->logins.count; i++)
		if (match->logins.items[i].first <= login && login <= match->logins.items[i].last)
			return true;
	return false;
}

static void put_login(uint32_t login, FILE *out)
{
	if (login == BL_LOGIN_UNSET)
		fputs("unset", out);
	else
		fprintf(out, "%u", login);
}

void bl_login_wanted(const struct bl_match *match, FILE *out)
{
	for (size_t i = 0; i < match->logins.count; i++) {
		const struct bl_range *range = &match->logins.items[i];

		fputs(i ? ", " : "", out);
		put_login(range->first, out);
		if (range->last != range->first) {
			fputs("-", out);
			put_login(range->last, out);
		}
	}
	fputs(match->logins.count ? "" : "nobody", out);
}

void bl_login_found(const struct bl_query *query, FILE *out)
{
	put_login(login_of(query), out);
}

void bl_login_except(const struct bl_query *query, FILE *out)
{
	bool unset = login_of(query) == BL_LOGIN_UNSET;

	fputs(unset ? "\"" : "", out);
	put_login(login_of(query), out);
	fputs(unset ? "\"" : "", out);
}

/* ---- capabilities ------------------------------------------------------------------------- */

bool bl_capability_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_capabilities || match->capabilities & e->query->capabilities;
}

static void put_capabilities(uint64_t mask, const char *quote, FILE *out)
{
	const char *comma = "";

	for (size_t i = 0; i < bl_words_capability.count; i++) {
		const struct bl_word *word = &bl_words_capability.items[i];

		if (!(mask >> word->value & 1))
			continue;
		fprintf(out, "%s%s%s%s", comma, quote, word->name, quote);
		comma = ", ";
	}
}

void bl_capability_wanted(const struct bl_match *match, FILE *out)
{
	put_capabilities(match->capabilities, "", out);
}

void bl_capability_found(const struct bl_query *query, FILE *out)
{
	put_capabilities(query->capabilities, "", out);
	fputs(query->capabilities ? "" : "none", out);
}

void bl_capability_except(const struct bl_query *query, FILE *out)
{
	fputs("[", out);
	put_capabilities(query->capabilities, "\"", out);
	fputs("]", out);
}

/* ---- names by the cgroup ------------------------------------------------------------------ */

bool bl_unit_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_units ||
	       (e->named.unit[0] && matches(e, &match->units, BL_GLOB_UNIT, e->named.unit));
}

void bl_unit_wanted(const struct bl_match *match, FILE *out)
{
	put_names(&match->units, out);
}

void bl_unit_found(const struct bl_query *query, FILE *out)
{
	struct bl_named named;

	bl_query_names(query, &named);
	fputs(named.unit[0] ? named.unit : "none", out);
}

bool bl_slice_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_slices || matches(e, &match->slices, BL_GLOB_SLICE, e->named.slice);
}

void bl_slice_wanted(const struct bl_match *match, FILE *out)
{
	put_names(&match->slices, out);
}

void bl_slice_found(const struct bl_query *query, FILE *out)
{
	struct bl_named named;

	bl_query_names(query, &named);
	fputs(named.slice, out);
}

/* Of the root the path is empty to the automaton, as of a file's. */
bool bl_cgroup_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const char *path = e->query->cgroup ? e->query->cgroup : "";

	if (!match->has_cgroups)
		return true;
	if (e->named.cut)
		return !grant;
	return matches(e, &match->cgroups, BL_GLOB_CGROUP, path[0] && path[1] ? path : "");
}

void bl_cgroup_wanted(const struct bl_match *match, FILE *out)
{
	put_names(&match->cgroups, out);
}

void bl_cgroup_found(const struct bl_query *query, FILE *out)
{
	fputs(query->cgroup ? query->cgroup : "/", out);
}

bool bl_container_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const struct bl_named *named = &e->named;
	char id[sizeof(named->id) + 1];

	if (!match->has_containers)
		return true;
	if (grant && named->container == BL_CONTAINED_MAYBE)
		return false;
	if (named->container != BL_CONTAINED_SURE &&
	    matches(e, &match->containers, BL_GLOB_CONTAINER, ""))
		return true;
	snprintf(id, sizeof(id), "/%s", named->id);
	return named->container != BL_CONTAINED_NOT &&
	       matches(e, &match->containers, BL_GLOB_CONTAINER, id);
}

void bl_container_wanted(const struct bl_match *match, FILE *out)
{
	for (size_t i = 0; i < match->containers.count; i++) {
		const char *id = bl_glob_written(match->containers.items[i].text);

		fprintf(out, "%s%s", i ? ", " : "",
			!*id		       ? "no container"
			: strcmp(id, "*") == 0 ? "any container"
					       : id);
	}
}

void bl_container_found(const struct bl_query *query, FILE *out)
{
	struct bl_named named;

	bl_query_names(query, &named);
	if (named.container == BL_CONTAINED_NOT)
		fputs("none", out);
	else if (named.container == BL_CONTAINED_SURE)
		fputs(named.id, out);
	else
		fprintf(out, "%s%snot sure", named.id, named.id[0] ? ", " : "");
}

/* ---- as an exception ---------------------------------------------------------------------- */

static void put_pattern(const char *name, FILE *out)
{
	_cleanup_free_ char *pattern = bl_explain_escape(name, strlen(name));

	bl_explain_put_string(pattern ? pattern : "", out);
}

void bl_unit_except(const struct bl_query *query, FILE *out)
{
	struct bl_named named;

	bl_query_names(query, &named);
	put_pattern(named.unit, out);
}

void bl_slice_except(const struct bl_query *query, FILE *out)
{
	struct bl_named named;

	bl_query_names(query, &named);
	put_pattern(named.slice, out);
}

void bl_cgroup_except(const struct bl_query *query, FILE *out)
{
	put_pattern(query->cgroup ? query->cgroup : "/", out);
}

void bl_container_except(const struct bl_query *query, FILE *out)
{
	struct bl_named named;

	bl_query_names(query, &named);
	if (named.container == BL_CONTAINED_NOT)
		fputs("false", out);
	else
		put_pattern(named.id, out);
}

uint32_t bl_explain_exceptable(const struct bl_explainer *e)
{
	const struct bl_named *named = &e->named;
	uint32_t keys = ~0u;

	if (!e->query->capabilities)
		keys &= ~BL_KEY_BIT(BL_KEY_CAPABILITY);
	if (!named->unit[0])
		keys &= ~BL_KEY_BIT(BL_KEY_UNIT);
	if (named->cut)
		keys &= ~BL_KEY_BIT(BL_KEY_CGROUP);
	if (named->container == BL_CONTAINED_MAYBE)
		keys &= ~BL_KEY_BIT(BL_KEY_CONTAINER);
	return keys;
}
