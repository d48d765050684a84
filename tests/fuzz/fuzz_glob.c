/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns and paths, a line each: the automaton must agree with a slow matcher that it knows not. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "dfa.h"
#include "unit/naive_glob.h"

#define PATTERNS_MAX 4
#define LINES_MAX    32
#define LINE_BYTES   200
#define STEPS_MAX    200000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bl_dfa_budget budget = { .states = 3000, .bytes = 4 << 20, .words = 1 << 20 };

struct input {
	char lines[LINES_MAX][LINE_BYTES];
	size_t n;
};

static void require(bool holds, const char *pattern, const char *path, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_glob: %s: pattern '%s' path '%s'\n", what, pattern, path);
	abort();
}

static void split(struct input *input, const uint8_t *data, size_t size)
{
	while (size && input->n < LINES_MAX) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		if (len < LINE_BYTES && !memchr(data, 0, len) && !memchr(data, NAIVE_EDGE, len))
			memcpy(input->lines[input->n++], data, len);
		if (!end)
			return;
		size -= len + 1;
		data += len + 1;
	}
}

/* What the kernel makes: "" or components that each have a byte; '@' and an abstract name. */
static bool is_path(const char *text)
{
	size_t len = strlen(text);

	return !len || text[0] == '@' ||
	       (text[0] == '/' && text[len - 1] != '/' && !strstr(text, "//"));
}

/*
 * The slow matcher knows paths only. An abstract name has no components: it is the end of one, with
 * another byte for '/'.
 */
static void as_component(const char *text, char buf[static LINE_BYTES + 4])
{
	snprintf(buf, LINE_BYTES + 4, "/x%s", text + 1);
	for (char *at = buf + 1; *at; at++) {
		if (*at == '/')
			*at = '\2';
	}
}

/* Of what can't be written that way, escapes by number and what is in a class, naive.steps is -1. */
static bool slow_match(struct naive *naive, const char *pattern, const char *path)
{
	char patterns[LINE_BYTES + 4], paths[LINE_BYTES + 4];

	if (pattern[0] != '@' && path[0] != '@')
		return naive_match(naive, pattern, path);
	if (pattern[0] != path[0])
		return false;
	if (strstr(pattern, "\\x") || strpbrk(pattern, "[\2") || strchr(path, '\2')) {
		naive->steps = -1;
		return false;
	}
	as_component(pattern, patterns);
	as_component(path, paths);
	return naive_match(naive, patterns, paths);
}

/* The literals of a pattern match what the pattern matches. */
static int check_literal(void *userdata, const char *path, size_t len, bool below)
{
	const char *pattern = userdata;
	struct naive naive = { .steps = STEPS_MAX };
	char text[LINE_BYTES + 4];

	snprintf(text, sizeof(text), "%.*s%s", (int)len, path, below ? "/x" : "");
	if (is_path(text))
		require(slow_match(&naive, pattern, text) || naive.steps < 0, pattern, text,
			"a literal that does not match");
	return 0;
}

/* Adds the lines that are patterns; returns how many lines these are. */
static size_t add_patterns(struct bl_nfa *nfa, struct input *input)
{
	_cleanup_(bl_glob_clear) struct bl_glob glob = {};
	const char *what;
	size_t offset, n = 0;

	while (n < PATTERNS_MAX && n < input->n) {
		char *text = input->lines[n];

		if (bl_glob_parse(&glob, text, strlen(text), &offset, &what))
			break;
		bl_glob_expand(&glob, check_literal, text);
		if (bl_nfa_add(nfa, &glob, (uint32_t)n, (uint32_t)n))
			break;
		n++;
	}
	return n;
}

static uint32_t expected(const struct input *input, size_t n_patterns, const char *path,
			 bool *ret_known)
{
	uint32_t bits = 0;

	*ret_known = true;
	for (size_t i = 0; i < n_patterns; i++) {
		struct naive naive = { .steps = STEPS_MAX };

		if (slow_match(&naive, input->lines[i], path))
			bits |= 1u << i;
		if (naive.steps < 0)
			*ret_known = false;
	}
	return bits;
}

static uint32_t run(const struct bl_dfa *dfa, const char *path)
{
	uint32_t state = dfa->start;

	for (size_t i = 0; path[i]; i++) {
		uint8_t byte = !i && path[0] == '@' ? 0 : (uint8_t)path[i];

		state = dfa->next[state * dfa->n_classes + dfa->byte_class[byte]];
	}
	return dfa->outputs[state];
}

static bool nfa_matches(const struct bl_nfa *nfa, const char *path)
{
	char text[LINE_BYTES];
	size_t len = strlen(path);

	memcpy(text, path, len + 1);
	if (text[0] == '@')
		text[0] = '\0';
	return bl_nfa_matches(nfa, text, len);
}

static void set_outputs(struct bl_dfa *dfa)
{
	for (uint32_t s = 0; s < dfa->n_states; s++) {
		size_t n;
		const uint32_t *atoms = bl_interned(&dfa->accepts, dfa->outputs[s], &n);
		uint32_t bits = 0;

		for (size_t i = 0; i < n; i++)
			bits |= 1u << atoms[i];
		dfa->outputs[s] = bits;
	}
}

static void check_paths(const struct input *input, size_t n_patterns, const struct bl_nfa *nfa,
			struct bl_dfa *dfa)
{
	uint32_t before[LINES_MAX] = {};

	set_outputs(dfa);
	for (size_t i = n_patterns; i < input->n; i++)
		before[i] = run(dfa, input->lines[i]);
	if (bl_dfa_minimise(dfa))
		return;
	for (size_t i = n_patterns; i < input->n; i++) {
		const char *path = input->lines[i];
		bool known;
		uint32_t wanted;

		if (!is_path(path))
			continue;
		wanted = expected(input, n_patterns, path, &known);
		require(run(dfa, path) == before[i], input->lines[0], path, "minimising");
		require(nfa_matches(nfa, path) == (before[i] != 0), input->lines[0], path,
			"the two automata");
		require(!known || wanted == before[i], input->lines[0], path, "the slow matcher");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ struct input *input = calloc(1, sizeof(*input));
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	_cleanup_(bl_dfa_clear) struct bl_dfa dfa = {};
	size_t n;

	if (!input)
		return 0;
	split(input, data, size);
	n = add_patterns(&nfa, input);
	if (!n || bl_nfa_finish(&nfa))
		return 0;
	if (bl_dfa_build(&nfa, &budget, &dfa, NULL))
		return 0;
	check_paths(input, n, &nfa, &dfa);
	return 0;
}
