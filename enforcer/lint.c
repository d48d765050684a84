/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: rules that are valid and can't do what they are for, as far as this host knows. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "cover.h"
#include "glob.h"
#include "hostfs.h"
#include "lint.h"

struct bl_diag *bl_lint_warn(struct bl_built *built, const struct bl_rule *rule, const char *code,
			     const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL;
	char pointer[32];
	struct bl_diag_at at = {
		.file = built->policy->files[rule->file].path,
		.line = rule->place.line,
		.column = rule->place.column,
		.pointer = pointer,
	};
	struct bl_diag *diag;
	va_list args;

	snprintf(pointer, sizeof(pointer), "/%s/%u", rule->of_profile ? "profiles" : "rules",
		 rule->index);
	va_start(args, fmt);
	message = bl_vformat(fmt, args);
	va_end(args);
	diag = bl_diag_add(&built->diags, BL_DIAG_WARNING, &at, code, "%s",
			   message ? message : "memory is short");
	if (diag)
		diag->order = rule->file;
	return diag;
}

static void lint_ports(struct bl_built *built, const struct bl_rule *rule)
{
	const uint8_t with_ports = BL_PROTO_TCP | BL_PROTO_UDP | BL_PROTO_SCTP | BL_PROTO_DCCP;
	struct bl_diag *diag;

	if (!rule->match.has_ports || (rule->match.protocols & with_ports))
		return;
	diag = bl_lint_warn(built, rule, "no-ports",
			    "rule '%s' asks for a port, but its protocols have none", rule->id);
	bl_diag_hint(diag, "leave \"port\" out, or add tcp or udp to \"protocol\"");
}

/* Other words beside it can still hold of a file that has a path. */
static void lint_memfd(struct bl_built *built, const struct bl_rule *rule)
{
	struct bl_diag *diag;

	if (!rule->match.has_path || rule->match.facts != BL_FACT_MEMFD)
		return;
	diag = bl_lint_warn(built, rule, "never-matches",
			    "rule '%s' never matches: a memfd has no path", rule->id);
	bl_diag_hint(diag, "leave \"path\" out");
}

/* Not there is not wrong, but a deny that waits for a program nobody has is often a misspelling. */
static bool exists(int host_fd, const struct bl_pattern *pattern)
{
	_cleanup_close_ int fd = bl_hostfs_open(host_fd, pattern->text, O_PATH);

	return fd != -ENOENT && fd != -ENOTDIR;
}

static bool all_missing(int host_fd, const struct bl_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (!patterns->items[i].literal || exists(host_fd, &patterns->items[i]))
			return false;
	}
	return patterns->count > 0;
}

static void lint_exe(struct bl_built *built, const struct bl_rule *rule, int host_fd)
{
	const struct {
		bool has;
		const struct bl_patterns *patterns;
		const char *key;
	} programs[] = {
		{ rule->match.has_exe, &rule->match.exe, "exe" },
		{ rule->match.has_parent, &rule->match.parent, "parent" },
		{ rule->match.has_ancestor, &rule->match.ancestor, "ancestor" },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(programs); i++) {
		struct bl_diag *diag;

		if (!programs[i].has || !all_missing(host_fd, programs[i].patterns))
			continue;
		diag = bl_lint_warn(built, rule, "missing-exe",
				    "rule '%s' can't match on this host: none of its \"%s\" exists",
				    rule->id, programs[i].key);
		bl_diag_hint(diag,
			     "it holds from the moment that one does; see whether it is misspelt");
	}
}

/* ---- names of units, containers and cgroups ----------------------------------------------- */

static const char *const unit_types[] = { ".service", ".scope", ".socket", ".mount", ".swap" };
static const char *const slice_types[] = { ".slice" };

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

/* What follows a pattern's last '*'; NULL: there is none, or that is not all that it can end in. */
static const char *end_of(const char *pattern)
{
	const char *star = strrchr(pattern, '*');

	return star && star[1] && !strpbrk(pattern, "?[{\\") ? star + 1 : NULL;
}

/* A literal that no unit can be called is an error; so this is about patterns. */
static bool can_end(const char *pattern, const char *const *types, size_t n)
{
	const char *end = end_of(pattern);

	for (size_t i = 0; end && i < n; i++)
		if (ends_with(end, types[i]) || ends_with(types[i], end))
			return true;
	return !end;
}

static void lint_types(struct bl_built *built, const struct bl_rule *rule,
		       const struct bl_patterns *patterns, const char *key,
		       const char *const *types, size_t n)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = bl_glob_written(patterns->items[i].text);
		struct bl_diag *diag;

		if (can_end(pattern, types, n))
			continue;
		diag = bl_lint_warn(built, rule, "no-such-unit",
				    "rule '%s' asks for the %s \"%s\", which no process can be in",
				    rule->id, key, pattern);
		bl_diag_hint(diag, n > 1 ? "units with processes end in .service, .scope, "
					   ".socket, .mount or .swap"
					 : "slices end in .slice");
	}
}

/* As tools show ids, who leave out what is behind the first twelve digits. */
static bool is_short_id(const char *id)
{
	return strlen(id) == 12 && strspn(id, "0123456789abcdef") == 12;
}

static void lint_containers(struct bl_built *built, const struct bl_rule *rule,
			    const struct bl_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const char *id = bl_glob_written(patterns->items[i].text);
		struct bl_diag *diag;

		if (!is_short_id(id))
			continue;
		diag = bl_lint_warn(
			built, rule, "short-id",
			"rule '%s' asks for the container \"%s\", but ids have 64 digits", rule->id,
			id);
		bl_diag_hint(diag, "write \"%s*\"", id);
	}
}

static bool has_pattern(const struct bl_patterns *patterns, const char *text, size_t len)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (patterns->items[i].len == len &&
		    memcmp(patterns->items[i].text, text, len) == 0)
			return true;
	return false;
}

/* Most services have their processes in their own cgroups. */
static void lint_cgroups(struct bl_built *built, const struct bl_rule *rule,
			 const struct bl_patterns *patterns)
{
	static const char below[] = "/**";

	for (size_t i = 0; i < patterns->count; i++) {
		const struct bl_pattern *pattern = &patterns->items[i];
		size_t len = pattern->len - (sizeof(below) - 1);
		struct bl_diag *diag;

		if (!ends_with(pattern->text, ".service/**") &&
		    !ends_with(pattern->text, ".scope/**"))
			continue;
		if (has_pattern(patterns, pattern->text, len))
			continue;
		diag = bl_lint_warn(
			built, rule, "below-unit",
			"rule '%s' asks for cgroups below a unit's, \"%s\", and not for "
			"its own, where its processes mostly are",
			rule->id, bl_glob_written(pattern->text));
		bl_diag_hint(diag, "\"unit\" has both; or add \"%.*s\"", (int)len - 1,
			     pattern->text + 1);
	}
}

static void lint_called(struct bl_built *built, const struct bl_rule *rule,
			const struct bl_match *match)
{
	lint_types(built, rule, &match->units, "unit", unit_types, BL_ARRAY_SIZE(unit_types));
	lint_types(built, rule, &match->slices, "slice", slice_types, BL_ARRAY_SIZE(slice_types));
	lint_containers(built, rule, &match->containers);
	lint_cgroups(built, rule, &match->cgroups);
}

static void lint_names(struct bl_built *built, const struct bl_rule *rule)
{
	lint_called(built, rule, &rule->match);
	for (size_t i = 0; i < rule->n_unless; i++)
		lint_called(built, rule, &rule->unless[i]);
}

/* ---- what the tables show ----------------------------------------------------------------- */

/* What the tables show; rules that were found to match nothing by their keys are not told of again. */
static void lint_cover(struct bl_built *built, const struct bl_rule *rule,
		       const struct bl_cover *cover)
{
	const struct bl_rule *other = &built->policy->rules[cover->by];
	struct bl_diag *diag;

	switch (cover->kind) {
	case BL_COVER_NONE:
		return;
	case BL_COVER_EMPTY:
		diag = bl_lint_warn(built, rule, "never-matches",
				    "rule '%s' never matches on the host: %s", rule->id,
				    rule->n_unless ? "its exceptions leave nothing of it"
						   : "nothing has such a name");
		bl_diag_hint(diag, "remove it, or what makes it empty");
		return;
	case BL_COVER_SHADOWED:
		diag = bl_lint_warn(built, rule, "shadowed",
				    "rule '%s' never decides: '%s', which is as strict, matches "
				    "whatever it does",
				    rule->id, other->id);
		bl_diag_hint(diag, "the other one is at %s:%u:%u; remove one, or narrow it",
			     built->policy->files[other->file].path, other->place.line,
			     other->place.column);
		return;
	}
}

static void lint_covers(struct bl_built *built, const bool *told)
{
	const struct bl_policy *policy = built->policy;
	_cleanup_free_ struct bl_cover *covers = calloc(policy->n_rules + 1, sizeof(*covers));

	/* Without memory there is less to say, nothing wrong. */
	if (!covers || bl_cover_find(policy, built->tables, covers) < 0)
		return;
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (!told[i])
			lint_cover(built, &policy->rules[i], &covers[i]);
	}
}

int bl_lint(struct bl_built *built, int host_fd)
{
	size_t first = built->diags.count;
	_cleanup_free_ bool *told = calloc(built->policy->n_rules + 1, sizeof(*told));

	if (!told)
		return -ENOMEM;
	for (size_t i = 0; i < built->policy->n_rules; i++) {
		const struct bl_rule *rule = &built->policy->rules[i];
		size_t before = built->diags.count + built->diags.dropped;

		lint_ports(built, rule);
		lint_memfd(built, rule);
		told[i] = built->diags.count + built->diags.dropped > before;
		lint_exe(built, rule, host_fd);
		lint_names(built, rule);
	}
	lint_covers(built, told);
	bl_lint_vital(built, host_fd);
	bl_diags_sort(&built->diags, first);
	return 0;
}
