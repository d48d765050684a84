/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: rules that are valid and can't do what they are for, as far as this host knows. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "cover.h"
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
	struct bl_diag *diag;

	if (!rule->match.has_exe || !all_missing(host_fd, &rule->match.exe))
		return;
	diag = bl_lint_warn(built, rule, "missing-exe",
			    "rule '%s' can't match on this host: none of its \"exe\" exists",
			    rule->id);
	bl_diag_hint(diag, "it holds from the moment that one does; see whether it is misspelt");
}

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
	}
	lint_covers(built, told);
	bl_lint_vital(built, host_fd);
	bl_diags_sort(&built->diags, first);
	return 0;
}
