/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: rules that are valid and can't do what they are for, as far as this host knows. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "hostfs.h"
#include "lint.h"

static struct bl_diag_at at_rule(const struct bl_built *built, const struct bl_rule *rule)
{
	return (struct bl_diag_at){
		.file = built->policy->files[rule->file].path,
		.line = rule->place.line,
		.column = rule->place.column,
	};
}

/* An exception that excepts everything the rule is about. */
static bool excepts_all(const struct bl_rule *rule, const struct bl_match *unless)
{
	if (unless->has_path || (unless->has_to && !unless->to_any) || unless->has_ports ||
	    unless->has_socket || unless->has_exe || unless->has_uids || unless->has_gids)
		return false;
	if (unless->facts && (!rule->match.facts || rule->match.facts & ~unless->facts))
		return false;
	return (unless->access & rule->match.access) == rule->match.access &&
	       !(rule->match.families & ~unless->families) &&
	       (unless->protocols & rule->match.protocols) == rule->match.protocols;
}

static void lint_unless(struct bl_built *built, const struct bl_rule *rule)
{
	struct bl_diag_at at = at_rule(built, rule);

	for (size_t i = 0; i < rule->n_unless; i++) {
		if (excepts_all(rule, &rule->unless[i]))
			bl_diag_add(&built->diags, BL_DIAG_WARNING, &at, "never-matches",
				    "rule '%s' never matches: its exception %zu holds always",
				    rule->id, i + 1);
	}
}

static void lint_ports(struct bl_built *built, const struct bl_rule *rule)
{
	const uint8_t with_ports = BL_PROTO_TCP | BL_PROTO_UDP | BL_PROTO_SCTP | BL_PROTO_DCCP;
	struct bl_diag_at at = at_rule(built, rule);
	struct bl_diag *diag;

	if (!rule->match.has_ports || (rule->match.protocols & with_ports))
		return;
	diag = bl_diag_add(&built->diags, BL_DIAG_WARNING, &at, "never-matches",
			   "rule '%s' never matches: its protocols have no ports", rule->id);
	bl_diag_hint(diag, "leave \"port\" out, or add tcp or udp to \"protocol\"");
}

/* Other words beside it can still hold of a file that has a path. */
static void lint_memfd(struct bl_built *built, const struct bl_rule *rule)
{
	struct bl_diag_at at = at_rule(built, rule);
	struct bl_diag *diag;

	if (!rule->match.has_path || rule->match.facts != BL_FACT_MEMFD)
		return;
	diag = bl_diag_add(&built->diags, BL_DIAG_WARNING, &at, "never-matches",
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
	struct bl_diag_at at = at_rule(built, rule);

	if (rule->match.has_exe && all_missing(host_fd, &rule->match.exe))
		bl_diag_add(&built->diags, BL_DIAG_WARNING, &at, "missing-exe",
			    "rule '%s' can't match on this host: none of its \"exe\" exists",
			    rule->id);
}

void bl_lint(struct bl_built *built, int host_fd)
{
	for (size_t i = 0; i < built->policy->n_rules; i++) {
		const struct bl_rule *rule = &built->policy->rules[i];

		lint_unless(built, rule);
		lint_ports(built, rule);
		lint_memfd(built, rule);
		lint_exe(built, rule, host_fd);
	}
}
