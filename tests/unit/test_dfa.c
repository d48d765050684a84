/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns -> automaton: against a slow matcher, minimal, ordered, and within its budget. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "dfa.h"
#include "naive_glob.h"

static const struct bl_dfa_budget budget = { .states = 100000,
					     .bytes = 64 << 20,
					     .words = 1 << 24 };

static void add(struct bl_nfa *nfa, const char *text, uint32_t atom, uint32_t pattern)
{
	_cleanup_(bl_glob_clear) struct bl_glob glob = {};
	const char *what;
	size_t offset;

	assert_int_equal(bl_glob_parse(&glob, text, strlen(text), &offset, &what), 0);
	assert_int_equal(bl_nfa_add(nfa, &glob, atom, pattern), 0);
}

static void build(const char *const *texts, size_t n, struct bl_nfa *nfa, struct bl_dfa *dfa)
{
	for (size_t i = 0; i < n; i++)
		add(nfa, texts[i], (uint32_t)i, (uint32_t)i);
	assert_int_equal(bl_nfa_finish(nfa), 0);
	assert_int_equal(bl_dfa_build(nfa, &budget, dfa, NULL), 0);
}

/* Makes each state's output the set of atoms as bits, or whether there is any. */
static void set_outputs(struct bl_dfa *dfa, bool any)
{
	for (uint32_t s = 0; s < dfa->n_states; s++) {
		size_t n;
		const uint32_t *atoms = bl_interned(&dfa->accepts, dfa->outputs[s], &n);
		uint32_t bits = 0;

		for (size_t i = 0; i < n; i++)
			bits |= 1u << atoms[i];
		dfa->outputs[s] = any ? bits != 0 : bits;
	}
}

static uint32_t step(const struct bl_dfa *dfa, uint32_t state, char byte)
{
	return dfa->next[state * dfa->n_classes + dfa->byte_class[(uint8_t)byte]];
}

static uint32_t run(const struct bl_dfa *dfa, const char *path)
{
	uint32_t state = dfa->start;

	for (; *path; path++)
		state = step(dfa, state, *path);
	return dfa->outputs[state];
}

/* ---- what matches ------------------------------------------------------------------------- */

static const struct {
	const char *pattern;
	const char *path;
	bool matches;
} cases[] = {
	{ "/", "", true },
	{ "/", "/a", false },
	{ "/*", "", false },
	{ "/*", "/a", true },
	{ "/*", "/.a", true },
	{ "/*", "/a/b", false },
	{ "/**", "", false },
	{ "/**", "/a/b", true },
	{ "/a/**", "/a", false },
	{ "/a/**", "/a/b", true },
	{ "/a/**", "/a/b/c", true },
	{ "/a/**", "/ab", false },
	{ "/a/**/b", "/a/b", true },
	{ "/a/**/b", "/a/x/y/b", true },
	{ "/a/**/b", "/ab", false },
	{ "/a/**/b", "/a/xb", false },
	{ "/a**b", "/ab", true },
	{ "/a**b", "/a/x/b", true },
	{ "/**/x.key", "/x.key", true },
	{ "/**/x.key", "/a/x.key", true },
	{ "/**/x.key", "/a/yx.key", false },
	{ "/a?c", "/abc", true },
	{ "/a?c", "/a/c", false },
	{ "/a?", "/a\xc3\xa4", false },
	{ "/a??", "/a\xc3\xa4", true },
	{ "/[a-c]", "/b", true },
	{ "/[a-c]", "/d", false },
	{ "/[!a-c]", "/d", true },
	{ "/[!a-c]", "/b", false },
	{ "/[!a-c]", "/\xff", true },
	{ "/a[!b]c", "/a/c", false },
	{ "/{a,b/c}", "/b/c", true },
	{ "/{a,b/c}", "/b", false },
	{ "/x{,y}", "/x", true },
	{ "/{,a*}", "", true },
	{ "/{**/,}b", "/b", true },
	{ "/{**/,}b", "/a/c/b", true },
	{ "/a\\*", "/a*", true },
	{ "/a\\*", "/ab", false },
	{ "/\\x41", "/A", true },
	{ "/**/**/a", "/a", true },
	{ "/a/**/**", "/a", false },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++) {
		_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
		_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
		struct naive naive = { .steps = 10000 };

		print_message("# %s on %s\n", cases[i].pattern, cases[i].path);
		build(&cases[i].pattern, 1, &nfa, &dfa);
		set_outputs(&dfa, false);
		assert_int_equal(run(&dfa, cases[i].path), cases[i].matches);
		assert_int_equal(bl_nfa_matches(&nfa, cases[i].path, strlen(cases[i].path)),
				 cases[i].matches);
		assert_int_equal(naive_match(&naive, cases[i].pattern, cases[i].path),
				 cases[i].matches);
	}
}

/* ---- random patterns ---------------------------------------------------------------------- */

struct random {
	uint64_t state;
};

static uint32_t pick(struct random *random, uint32_t n)
{
	random->state = random->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random->state >> 33) % n;
}

static void random_pattern(struct random *random, char *text)
{
	static const char *const parts[] = {
		"/",	"/",	 "a",	 "b",	  "ab",	    "*",	 "**",
		"?",	"[ab]",	 "[!a]", "{a,b}", "{a/,}b", "{,/**}",	 "{**/,b}",
		"/**/", "\\x61", "\\*",	 "x",	  "/a/**",  "{*,a{b,}}",
	};
	const char *what;
	size_t offset;

	do {
		uint32_t n = 1 + pick(random, 6);

		strcpy(text, "/");
		while (n--)
			strcat(text, parts[pick(random, BL_ARRAY_SIZE(parts))]);
	} while (bl_glob_check(text, strlen(text), &offset, &what));
}

static void random_path(struct random *random, char *text)
{
	uint32_t n = pick(random, 5);

	*text = '\0';
	while (n--) {
		uint32_t len = 1 + pick(random, 3);

		strcat(text, "/");
		while (len--)
			strncat(text, &"ab*x.\xff"[pick(random, 6)], 1);
	}
}

#define PATTERNS 4

static uint32_t expected(char texts[PATTERNS][128], const char *path)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < PATTERNS; i++) {
		struct naive naive = { .steps = 1000000 };

		if (naive_match(&naive, texts[i], path))
			bits |= 1u << i;
		assert_true(naive.steps >= 0);
	}
	return bits;
}

static void random_round(struct random *random, bool minimise)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	char texts[PATTERNS][128], path[128];
	const char *pointers[PATTERNS];

	for (uint32_t i = 0; i < PATTERNS; i++) {
		random_pattern(random, texts[i]);
		pointers[i] = texts[i];
	}
	build(pointers, PATTERNS, &nfa, &dfa);
	set_outputs(&dfa, false);
	if (minimise)
		assert_int_equal(bl_dfa_minimise(&dfa), 0);
	for (int i = 0; i < 40; i++) {
		random_path(random, path);
		if (run(&dfa, path) == expected(texts, path))
			continue;
		for (uint32_t k = 0; k < PATTERNS; k++)
			print_error("# %u: %s\n", k, texts[k]);
		fail_msg("'%s': %x, not %x", path, run(&dfa, path), expected(texts, path));
	}
}

static void test_random(void **state)
{
	struct random random = { .state = 1 };

	for (int i = 0; i < 600; i++)
		random_round(&random, i & 1);
}

/* ---- minimal ------------------------------------------------------------------------------ */

/* Moore's algorithm, the slow and obvious one: how many states can be told apart. */
static uint32_t distinguishable(const struct bl_dfa *dfa)
{
	uint32_t n = dfa->n_states, count = 0, before;
	_cleanup_free_ uint32_t *class = calloc(n, sizeof(*class));
	_cleanup_free_ uint32_t *next = calloc(n, sizeof(*next));

	memcpy(class, dfa->outputs, n * sizeof(*class));
	do {
		before = count;
		count = 0;
		for (uint32_t a = 0; a < n; a++) {
			uint32_t b = 0;

			for (; b < a; b++) {
				bool same = class[a] == class[b];

				for (uint32_t c = 0; same && c < dfa->n_classes; c++)
					same = class[dfa->next[a * dfa->n_classes + c]] ==
					       class[dfa->next[b * dfa->n_classes + c]];
				if (same)
					break;
			}
			next[a] = b < a ? next[b] : count++;
		}
		memcpy(class, next, n * sizeof(*class));
	} while (count != before);
	return count;
}

static void test_minimal(void **state)
{
	struct random random = { .state = 7 };

	for (int i = 0; i < 60; i++) {
		_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
		_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
		char texts[PATTERNS][128];
		const char *pointers[PATTERNS];
		uint32_t least;

		for (uint32_t k = 0; k < PATTERNS; k++) {
			random_pattern(&random, texts[k]);
			pointers[k] = texts[k];
		}
		build(pointers, PATTERNS, &nfa, &dfa);
		if (dfa.n_states > 300)
			continue;
		set_outputs(&dfa, i & 1);
		least = distinguishable(&dfa);
		assert_int_equal(bl_dfa_minimise(&dfa), 0);
		assert_int_equal(dfa.n_states, least);
		assert_int_equal(dfa.outputs[0], 0);
	}
}

/* ---- order and sinks ---------------------------------------------------------------------- */

static void test_order(void **state)
{
	static const char *const texts[] = { "/home/*/.ssh/**", "/**/x.key", "/usr/lib/**/*.so*" };
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	_cleanup_free_ uint32_t *order = NULL;
	_cleanup_free_ uint8_t *seen = NULL;

	build(texts, BL_ARRAY_SIZE(texts), &nfa, &dfa);
	set_outputs(&dfa, false);
	assert_int_equal(bl_dfa_minimise(&dfa), 0);
	order = calloc(dfa.n_states, sizeof(*order));
	seen = calloc(dfa.n_states, 1);
	assert_int_equal(bl_dfa_order(&dfa, 7, order), 0);
	assert_int_equal(order[0], dfa.start);
	for (uint32_t i = 0; i + 1 < dfa.n_states; i++) {
		assert_in_range(order[i], 1, dfa.n_states - 1);
		assert_false(seen[order[i]]);
		seen[order[i]] = 1;
	}
}

static void test_sink(void **state)
{
	static const char *const texts[] = { "/a/**", "/b" };
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	uint32_t below;

	build(texts, BL_ARRAY_SIZE(texts), &nfa, &dfa);
	set_outputs(&dfa, false);
	assert_int_equal(bl_dfa_minimise(&dfa), 0);
	below = step(&dfa, step(&dfa, step(&dfa, step(&dfa, dfa.start, '/'), 'a'), '/'), 'x');
	assert_true(bl_dfa_is_sink(&dfa, below));
	assert_true(bl_dfa_is_sink(&dfa, 0));
	assert_false(bl_dfa_is_sink(&dfa, dfa.start));
}

/* Bytes that no pattern tells apart are one class; '/' always is one of its own. */
static void test_alphabet(void **state)
{
	static const char *const texts[] = { "/[a-f]x", "/[a-f][d-h]*", "/?" };
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};

	build(texts, BL_ARRAY_SIZE(texts), &nfa, &dfa);
	/* '/', x, a-c, d-f, g-h, all others */
	assert_int_equal(dfa.n_classes, 6);
	assert_int_equal(dfa.byte_class['a'], dfa.byte_class['c']);
	assert_int_equal(dfa.byte_class['z'], dfa.byte_class[0xff]);
	assert_int_not_equal(dfa.byte_class['c'], dfa.byte_class['d']);
}

/* Once an atom is sure nothing else of it is remembered: a sink, before any minimising. */
static void test_forgetting(void **state)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	uint32_t at;

	add(&nfa, "/**/x/**", 0, 0);
	add(&nfa, "/**/y*/z/**", 0, 1);
	assert_int_equal(bl_nfa_finish(&nfa), 0);
	assert_int_equal(bl_dfa_build(&nfa, &budget, &dfa, NULL), 0);
	at = step(&dfa, step(&dfa, step(&dfa, dfa.start, '/'), 'x'), '/');
	assert_true(bl_dfa_is_sink(&dfa, at));
}

/* ---- the budget --------------------------------------------------------------------------- */

/* Different atoms must each be remembered, one atom's patterns need not. */
static void test_latches(void **state)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa many = {}, one = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	struct bl_dfa_budget small = { .states = 5000, .bytes = 64 << 20, .words = 1 << 24 };
	struct bl_dfa_census census = {};
	char text[32];

	for (uint32_t i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "/**/x%u/**", i);
		add(&many, text, i, i);
		add(&one, text, 0, i);
	}
	assert_int_equal(bl_nfa_finish(&many), 0);
	assert_int_equal(bl_nfa_finish(&one), 0);
	assert_int_equal(bl_dfa_build(&many, &small, &dfa, &census), -E2BIG);
	assert_non_null(census.counts);
	assert_true(census.total > small.states);
	assert_null(dfa.next);
	free(census.counts);
	assert_int_equal(bl_dfa_build(&one, &small, &dfa, NULL), 0);
	assert_true(dfa.n_states < 500);
}

/* What a list's patterns have in common at their ends is one, before any minimising. */
static void test_common_ends(void **state)
{
	static const char *const texts[] = { "/a/xx.key", "/b/yy.key", "/c/{z,zz}.key" };
	_cleanup_(bl_nfa_clear) struct bl_nfa one = {}, many = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa small = {}, big = {};

	for (uint32_t i = 0; i < BL_ARRAY_SIZE(texts); i++) {
		add(&one, texts[i], 0, i);
		add(&many, texts[i], i, i);
	}
	assert_int_equal(bl_nfa_finish(&one), 0);
	assert_int_equal(bl_nfa_finish(&many), 0);
	assert_int_equal(bl_dfa_build(&one, &budget, &small, NULL), 0);
	assert_int_equal(bl_dfa_build(&many, &budget, &big, NULL), 0);
	assert_int_equal(small.n_states, 17);
	assert_true(big.n_states >= small.n_states + 8);
}

/* The same within a component: a list of words to look for, and not any set of them. */
static void test_words_in_names(void **state)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	struct bl_dfa_budget small = { .states = 2000, .bytes = 64 << 20, .words = 1 << 24 };
	char text[32];

	for (uint32_t i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "/tmp/*word%u*", i);
		add(&nfa, text, 0, i);
	}
	add(&nfa, "/tmp/*/x*", 0, 40);
	assert_int_equal(bl_nfa_finish(&nfa), 0);
	assert_int_equal(bl_dfa_build(&nfa, &small, &dfa, NULL), 0);
	set_outputs(&dfa, false);
	assert_int_equal(run(&dfa, "/tmp/a-word7-and-word9"), 1);
	assert_int_equal(run(&dfa, "/tmp/a-word7/y"), 0);
	assert_int_equal(run(&dfa, "/tmp/a-word7/xy"), 1);
}

static void test_budgets(void **state)
{
	static const char *const texts[] = { "/a/b*c", "/a/b?d" };
	struct bl_dfa_budget tight[] = { { 3, 1 << 20, 1 << 20 },
					 { 1000, 64, 1 << 20 },
					 { 1000, 1 << 20, 4 } };
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};

	add(&nfa, texts[0], 0, 0);
	add(&nfa, texts[1], 1, 1);
	assert_int_equal(bl_nfa_finish(&nfa), 0);
	for (size_t i = 0; i < BL_ARRAY_SIZE(tight); i++)
		assert_int_equal(bl_dfa_build(&nfa, &tight[i], &dfa, NULL), -E2BIG);
}

static void test_same_again(void **state)
{
	static const char *const texts[] = { "/{a,b}*/**/c[d-f]", "/*/x", "/**/y/**" };
	struct bl_nfa nfa[2] = {};
	struct bl_dfa dfa[2] = {};

	for (int i = 0; i < 2; i++) {
		build(texts, BL_ARRAY_SIZE(texts), &nfa[i], &dfa[i]);
		set_outputs(&dfa[i], false);
		assert_int_equal(bl_dfa_minimise(&dfa[i]), 0);
	}
	assert_int_equal(dfa[0].n_states, dfa[1].n_states);
	assert_memory_equal(dfa[0].next, dfa[1].next,
			    dfa[0].n_states * dfa[0].n_classes * sizeof(uint32_t));
	for (int i = 0; i < 2; i++) {
		bl_nfa_clear(&nfa[i]);
		bl_dfa_clear(&dfa[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	cmocka_unit_test(test_random),
		cmocka_unit_test(test_minimal), cmocka_unit_test(test_order),
		cmocka_unit_test(test_sink),	cmocka_unit_test(test_alphabet),
		cmocka_unit_test(test_forgetting), cmocka_unit_test(test_latches),
		cmocka_unit_test(test_common_ends), cmocka_unit_test(test_words_in_names),
		cmocka_unit_test(test_budgets),	    cmocka_unit_test(test_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
