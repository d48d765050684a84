/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations: the tests within policy files, decided by the compiled tables. */
#pragma once

#include "build.h"

struct bl_expect_report {
	size_t run;
	size_t failed;
};

/*
 * Decides every test of built->policy by built->tables, as the kernel would: a path stands for what
 * it leads to below host_fd, if anything is there. Adds an error to built->diags for each test that
 * comes out otherwise. Returns 0 or -ENOMEM.
 */
int bl_expect_run(struct bl_built *built, int host_fd, struct bl_expect_report *ret);
