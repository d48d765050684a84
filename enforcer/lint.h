/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: rules that are valid and can't do what they are for, as far as this host knows. */
#pragma once

#include "build.h"

/*
 * Adds warnings to built->diags for rules of built->policy that can never match: an exception
 * without conditions, ports of protocols that have none, an executable that is not there.
 * host_fd: the tree in which paths are looked for.
 */
void bl_lint(struct bl_built *built, int host_fd);
