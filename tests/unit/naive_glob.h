/* SPDX-License-Identifier: Apache-2.0 */
/* A slow, obvious matcher for path patterns that shares no code with the compiler's. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between stars that a brace brought together: they stay two. */
#define NAIVE_EDGE '\1'

/* Steps that a matching may take; the fuzzer gives up on patterns that need more. */
struct naive {
	long steps;
};

static inline const char *naive_after_class(const char *p)
{
	for (p++; *p && *p != ']'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

static inline const char *naive_after_char(const char *p)
{
	if (*p == '[')
		return naive_after_class(p);
	if (*p == '\\' && p[1] == 'x')
		return p + 4;
	if (*p == '\\')
		return p + 2;
	return p + 1;
}

static inline int naive_byte(const char **p)
{
	const char *c = *p;
	unsigned int value;

	*p = *c == '[' ? c + 1 : naive_after_char(c);
	if (*c != '\\')
		return (unsigned char)*c;
	if (c[1] != 'x')
		return (unsigned char)c[1];
	return sscanf(c + 2, "%2x", &value) == 1 ? (int)value : -1;
}

static inline bool naive_class(const char *p, int byte)
{
	bool negated = p[1] == '!', in = false;

	for (p += negated ? 2 : 1; *p != ']';) {
		int first = naive_byte(&p), last = first;

		if (*p == '-' && p[1] != ']') {
			p++;
			last = naive_byte(&p);
		}
		if (byte >= first && byte <= last)
			in = true;
	}
	return byte != '/' && in != negated;
}

/* pattern has no braces; after_slash: the pattern's byte before p was a '/'. */
static inline bool naive_match_at(struct naive *naive, const char *p, bool after_slash,
				  const char *path)
{
	if (--naive->steps < 0)
		return false;
	if (!*p)
		return !*path;
	if (*p == NAIVE_EDGE)
		return naive_match_at(naive, p + 1, after_slash, path);
	if (p[0] == '*' && p[1] == '*') {
		while (*p == '*')
			p++;
		if (after_slash && *p == '/' && naive_match_at(naive, p + 1, true, path))
			return true;
		for (;; path++) {
			if (naive_match_at(naive, p, false, path))
				return true;
			if (!*path)
				return false;
		}
	}
	if (*p == '*') {
		for (;; path++) {
			if (naive_match_at(naive, p + 1, false, path))
				return true;
			if (!*path || *path == '/')
				return false;
		}
	}
	if (!*path)
		return false;
	if (*p == '?')
		return *path != '/' && naive_match_at(naive, p + 1, false, path + 1);
	if (*p == '[')
		return naive_class(p, (unsigned char)*path) &&
		       naive_match_at(naive, naive_after_class(p), false, path + 1);
	if (naive_byte(&p) != (unsigned char)*path)
		return false;
	return naive_match_at(naive, p, *path == '/', path + 1);
}

/* The end of the branch that starts at p: its ',' or '}'. */
static inline const char *naive_branch_end(const char *p)
{
	int depth = 0;

	while (*p) {
		if (!depth && (*p == ',' || *p == '}'))
			return p;
		depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
		p = naive_after_char(p);
	}
	return p;
}

static inline const char *naive_find_brace(const char *p)
{
	while (*p && *p != '{')
		p = naive_after_char(p);
	return *p ? p : NULL;
}

static inline void naive_append(char *text, const char *more, size_t len)
{
	size_t at = strlen(text);

	if (at && len && text[at - 1] == '*' && more[0] == '*')
		text[at++] = NAIVE_EDGE;
	memcpy(text + at, more, len);
	text[at + len] = '\0';
}

static inline void naive_join(char *ret, const char *pattern, const char *brace, const char *branch,
			      const char *end, const char *rest)
{
	*ret = '\0';
	naive_append(ret, pattern, (size_t)(brace - pattern));
	naive_append(ret, branch, (size_t)(end - branch));
	naive_append(ret, rest, strlen(rest));
}

/* path is "" for the root directory. Negative steps afterwards: too hard. */
static inline bool naive_match(struct naive *naive, const char *pattern, const char *path)
{
	const char *brace = naive_find_brace(pattern), *branch, *end, *rest;
	bool matches = false;

	if (--naive->steps < 0)
		return false;
	if (!brace) {
		if (!strcmp(pattern, "/"))
			return !*path;
		return naive_match_at(naive, pattern, false, path);
	}
	for (rest = brace + 1; *(rest = naive_branch_end(rest)) == ',';)
		rest++;
	rest++;
	for (branch = brace + 1; !matches; branch = end + 1) {
		char *one = malloc(strlen(pattern) + 3);

		end = naive_branch_end(branch);
		if (!one)
			abort();
		naive_join(one, pattern, brace, branch, end, rest);
		matches = naive_match(naive, one, path);
		free(one);
		if (*end == '}')
			break;
	}
	return matches;
}
