/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations: the tests within policy files, decided by the compiled tables. */
#pragma once

#include "build.h"

struct bl_expect_report {
	size_t run;
	size_t failed;	 /* that should not have */
	size_t adjusted; /* that came out otherwise because another file wants it so */
};

/* What became of one test. */
struct bl_expect_result {
	const struct bl_test *test;
	enum bl_verdict verdict;
	const char *rule; /* that decided; NULL: none */
	uint32_t others;  /* further rules that match */
	bool passed;
	const struct bl_place
		*adjusted; /* why it did not: of another file; NULL: for no such reason */
};

/* Takes a result. Returns 0 or -errno, which ends the run. */
typedef int (*bl_expect_fn)(void *userdata, struct bl_built *built,
			    const struct bl_expect_result *result);

/* A test as a question to the tables, with the names that its links lead to. Owns these. */
struct bl_expect_access {
	struct bl_query query; /* of which the rest is the test's */
	char *path, *exe, *socket, *parent;
	char **ancestors; /* n_ancestors of the query's */
};

/*
 * Makes a test's query; a path stands for what it leads to below host_fd, if anything is there (-1: for
 * itself). Returns 0 or -ENOMEM; clear *ret in any case.
 */
int bl_expect_access(const struct bl_test *test, int host_fd, struct bl_expect_access *ret);

void bl_expect_access_clear(struct bl_expect_access *access);

/*
 * Decides every test of built->policy by built->tables, as the kernel would: a path stands for what
 * it leads to below host_fd, if anything is there. Returns 0, -ENOMEM, or what take (may be NULL) returned.
 */
int bl_expect_run(struct bl_built *built, int host_fd, bl_expect_fn take, void *userdata,
		  struct bl_expect_report *ret);

/*
 * A bl_expect_fn: adds an error to built->diags for a test that comes out otherwise than expected; a note,
 * where another file adjusts its rule, or where it is a package's and a rule of the administrator's own decides.
 */
int bl_expect_diagnose(void *userdata, struct bl_built *built,
		       const struct bl_expect_result *result);

/*
 * A test's access in one line: "open read,write /etc/shadow by uid 33", made printable. Returns a new
 * string (free() it) or NULL when memory is short.
 */
char *bl_expect_describe(const struct bl_test *test);
