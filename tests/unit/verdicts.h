/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of a few rules in C strings, and what accesses come to under them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"
#include "tables.h"

/* Up to eight rules as one policy. */
#define JOIN_1(a)			       a
#define JOIN_2(a, ...)			       a "," JOIN_1(__VA_ARGS__)
#define JOIN_3(a, ...)			       a "," JOIN_2(__VA_ARGS__)
#define JOIN_4(a, ...)			       a "," JOIN_3(__VA_ARGS__)
#define JOIN_5(a, ...)			       a "," JOIN_4(__VA_ARGS__)
#define JOIN_6(a, ...)			       a "," JOIN_5(__VA_ARGS__)
#define JOIN_7(a, ...)			       a "," JOIN_6(__VA_ARGS__)
#define JOIN_8(a, ...)			       a "," JOIN_7(__VA_ARGS__)
#define JOIN_N(a, b, c, d, e, f, g, h, n, ...) JOIN_##n
#define JOIN(...)			       JOIN_N(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define ENFORCE(...)			       "{'bailiff': 1, 'mode': 'enforce', 'rules': [" JOIN(__VA_ARGS__) "]}"
#define DENY_START(id, on)  "{'id': '" id "', 'on': '" on "', 'action': 'deny', "
#define ALERT_START(id, on) "{'id': '" id "', 'on': '" on "', 'action': 'alert', "
#define DENY(id, on, rest)  DENY_START(id, on) rest "}"
#define KILL(id, on, rest)  "{'id': '" id "', 'on': '" on "', 'action': 'kill', " rest "}"
#define ALERT(id, on, rest) ALERT_START(id, on) rest "}"

/* ---- verdicts ----------------------------------------------------------------------------- */

struct expected {
	struct asked asked;
	enum bl_verdict verdict;
	const char *rule;
	uint32_t others;
};

static inline void expect(const char *text, const struct expected *cases, size_t n)
{
	_cleanup_(compiled_clear) struct compiled compiled = compile(text);
	const char *what = "";

	if (compiled.diags.count)
		print_message("# %s\n", compiled.diags.items[0].message);
	assert_int_equal(compiled.r, 0);
	if (bl_tables_verify(compiled.tables->bytes, compiled.tables->len, &what))
		fail_msg("%s", what);
	for (size_t i = 0; i < n; i++) {
		const struct expected *wanted = &cases[i];
		struct bl_answer answer = ask(compiled.tables, &wanted->asked);

		print_message("# %s%s%s\n", wanted->asked.exec ? wanted->asked.exec : "",
			      wanted->asked.open ? wanted->asked.open : "",
			      wanted->asked.connect ? wanted->asked.connect : "");
		assert_int_equal(answer.verdict, wanted->verdict);
		assert_int_equal(answer.others, wanted->others);
		if (wanted->rule)
			assert_string_equal(compiled.policy->rules[answer.rule].id, wanted->rule);
	}
}

#define EXPECT(text, ...)                                                \
	do {                                                             \
		static const struct expected _cases[] = { __VA_ARGS__ }; \
		expect(text, _cases, BL_ARRAY_SIZE(_cases));             \
	} while (0)
