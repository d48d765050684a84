/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of 'by' that are about a process beside its program and its ids: who logged in, what it may do, what it is called. */
#include <errno.h>
#include <string.h>

#include "explainer.h"
#include "words.h"

#define ON_ALL (BL_OP_BIT(BL_OP_EXEC) | BL_OP_BIT(BL_OP_OPEN) | BL_OP_BIT(BL_OP_CONNECT))

/* ---- login and capabilities --------------------------------------------------------------- */

static uint32_t login_of(const struct bl_query *query)
{
	return query->has_login ? query->login : BL_LOGIN_UNSET;
}

static bool login_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_logins || bl_explain_in_ranges(&match->logins, login_of(e->query));
}

static void login_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_ranges(&match->logins, "nobody", out);
}

static void login_found(const struct bl_query *query, FILE *out)
{
	if (login_of(query) == BL_LOGIN_UNSET)
		fputs("unset", out);
	else
		fprintf(out, "%u", query->login);
}

static bool login_except(const struct bl_explainer *e, FILE *out)
{
	if (login_of(e->query) == BL_LOGIN_UNSET)
		fputs("\"unset\"", out);
	else
		fprintf(out, "%u", e->query->login);
	return true;
}

static void put_capabilities(uint64_t mask, FILE *out)
{
	const char *comma = "";

	for (size_t i = 0; i < bl_words_capability.count; i++) {
		const struct bl_word *word = &bl_words_capability.items[i];

		if (!(mask >> word->value & 1))
			continue;
		fprintf(out, "%s%s", comma, word->name);
		comma = ", ";
	}
	if (!*comma)
		fputs("none", out);
}

static bool capability_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_capabilities || match->capabilities & e->query->capabilities;
}

static void capability_wanted(const struct bl_match *match, FILE *out)
{
	put_capabilities(match->capabilities, out);
}

static void capability_found(const struct bl_query *query, FILE *out)
{
	put_capabilities(query->capabilities, out);
}

/* ---- names -------------------------------------------------------------------------------- */

/* Whether a name is one of a list, each of which has the kind's first byte before it, and 'after' that. */
static bool name_matches(struct bl_explainer *e, const struct bl_patterns *patterns, char mark,
			 const char *after, const char *name)
{
	_cleanup_free_ char *text = bl_format("%c%s%s", mark, after, name);

	if (text)
		return bl_explain_matches(e, patterns, text, strlen(text));
	if (!e->error)
		e->error = -ENOMEM;
	return false;
}

static bool unit_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const char *unit = e->called.unit;

	return !match->has_units ||
	       (unit[0] && name_matches(e, &match->units, BL_GLOB_UNIT, "", unit));
}

static void unit_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->units, out);
}

static void unit_found(const struct bl_query *query, FILE *out)
{
	struct bl_called called;

	bl_called_read(query, &called);
	fputs(called.unit[0] ? called.unit : "none", out);
}

static bool slice_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	return !match->has_slices ||
	       name_matches(e, &match->slices, BL_GLOB_SLICE, "", e->called.slice);
}

static void slice_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->slices, out);
}

static void slice_found(const struct bl_query *query, FILE *out)
{
	struct bl_called called;

	bl_called_read(query, &called);
	fputs(called.slice, out);
}

/* One that is too long to be looked at may be any: what may hold holds for rules, and excuses nothing. */
static bool cgroup_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	if (!match->has_cgroups)
		return true;
	if (e->called.cut)
		return !grant;
	return name_matches(e, &match->cgroups, BL_GLOB_CGROUP, "", e->called.cgroup);
}

static void cgroup_wanted(const struct bl_match *match, FILE *out)
{
	bl_explain_put_patterns(&match->cgroups, out);
}

static void cgroup_found(const struct bl_query *query, FILE *out)
{
	struct bl_called called;

	bl_called_read(query, &called);
	fputs(called.cgroup[0] ? called.cgroup : "/", out);
	if (called.cut)
		fputs(", which is too deep to be looked at: it may be any", out);
}

static bool container_holds(struct bl_explainer *e, const struct bl_match *match, bool grant)
{
	const struct bl_patterns *containers = &match->containers;
	enum bl_contained contained = e->called.contained;

	if (!match->has_containers)
		return true;
	if (contained == BL_CONTAINED_MAYBE && grant)
		return false;
	return (contained != BL_CONTAINED_SURE &&
		name_matches(e, containers, BL_GLOB_CONTAINER, "", "")) ||
	       (contained != BL_CONTAINED_NOT &&
		name_matches(e, containers, BL_GLOB_CONTAINER, "/", e->called.container));
}

static void container_wanted(const struct bl_match *match, FILE *out)
{
	const char *comma = "";

	for (size_t i = 0; i < match->containers.count; i++) {
		const char *text = match->containers.items[i].text;
		bool none = !text[1], any = strcmp(text + 1, "/*") == 0;

		fprintf(out, "%s%s", comma, none ? "false" : any ? "true" : bl_glob_written(text));
		comma = ", ";
	}
}

static void container_found(const struct bl_query *query, FILE *out)
{
	struct bl_called called;

	bl_called_read(query, &called);
	switch (called.contained) {
	case BL_CONTAINED_NOT:
		fputs("false", out);
		break;
	case BL_CONTAINED_SURE:
		fputs(called.container, out);
		break;
	case BL_CONTAINED_MAYBE:
		fprintf(out, "perhaps %s", called.container[0] ? called.container : "true");
		break;
	}
}

/* ---- exceptions by names ------------------------------------------------------------------ */

/* Not one that is no pattern of its kind; what a unit is called may be too odd for one. */
static bool put_name(char mark, const char *after, const char *name, FILE *out)
{
	_cleanup_free_ char *pattern = bl_explain_escape(name, strlen(name));
	_cleanup_free_ char *marked = pattern ? bl_format("%c%s%s", mark, after, pattern) : NULL;
	const char *what;
	size_t offset;

	if (!marked || name[0] == '.' || bl_glob_check(marked, strlen(marked), &offset, &what))
		return false;
	bl_explain_put_string(pattern, out);
	return true;
}

static bool unit_except(const struct bl_explainer *e, FILE *out)
{
	return put_name(BL_GLOB_UNIT, "", e->called.unit, out);
}

static bool slice_except(const struct bl_explainer *e, FILE *out)
{
	return put_name(BL_GLOB_SLICE, "", e->called.slice, out);
}

static bool cgroup_except(const struct bl_explainer *e, FILE *out)
{
	const char *path = e->called.cgroup[0] ? e->called.cgroup : "/";

	return !e->called.cut && put_name(BL_GLOB_CGROUP, "", path, out);
}

/* None holds for what may be a container or not. */
static bool container_except(const struct bl_explainer *e, FILE *out)
{
	switch (e->called.contained) {
	case BL_CONTAINED_NOT:
		fputs("false", out);
		return true;
	case BL_CONTAINED_SURE:
		return put_name(BL_GLOB_CONTAINER, "/", e->called.container, out);
	case BL_CONTAINED_MAYBE:
		break;
	}
	return false;
}

/* ---- the table ---------------------------------------------------------------------------- */

#define KIND(key) [BL_KEY_##key - BL_KEY_LOGIN]

/* No exception goes by capabilities: one of them is enough for it, and root has all. */
const struct bl_key_kind bl_key_task_kinds[BL_KEY_UNLESS - BL_KEY_LOGIN] = {
	KIND(LOGIN) = { "by.login", ON_ALL, login_holds, login_wanted, login_found, login_except },
	KIND(CAPABILITY) = { "by.capability", ON_ALL, capability_holds, capability_wanted,
			     capability_found, NULL },
	KIND(UNIT) = { "by.unit", ON_ALL, unit_holds, unit_wanted, unit_found, unit_except },
	KIND(SLICE) = { "by.slice", ON_ALL, slice_holds, slice_wanted, slice_found, slice_except },
	KIND(CGROUP) = { "by.cgroup", ON_ALL, cgroup_holds, cgroup_wanted, cgroup_found,
			 cgroup_except },
	KIND(CONTAINER) = { "by.container", ON_ALL, container_holds, container_wanted,
			    container_found, container_except },
};
