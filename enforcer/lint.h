/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: rules that are valid and can't do what they are for, or do more, as far as this host knows. */
#pragma once

#include "base.h"
#include "build.h"

/*
 * Adds warnings to built->diags for rules of built->policy that never match, that another rule makes
 * useless, whose programs are not there, and that refuse what starting, logging in or running any program
 * needs. host_fd: the tree in which paths are looked for. Returns 0 or -ENOMEM.
 */
int bl_lint(struct bl_built *built, int host_fd);

/* Its part about what the host can't do without; lint_vital.c. */
void bl_lint_vital(struct bl_built *built, int host_fd);

/* Adds a warning at a rule; returns it as bl_diag_add() does. */
struct bl_diag *bl_lint_warn(struct bl_built *built, const struct bl_rule *rule, const char *code,
			     const char *fmt, ...) BL_PRINTF(4, 5);
