/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, one at a time: whether one matches, and how nearly. */
#include <errno.h>
#include <string.h>

#include "explainer.h"
#include "nfa.h"

#define COMPARED_MAX 256 /* of a longer list not all are looked at for what they have in common */

/* The bytes before the first one that doesn't stand for itself. */
static size_t plain_start(const struct bl_pattern *pattern)
{
	return pattern->plain ? pattern->len : strcspn(pattern->text, "*?[{\\");
}

/* The bytes after the last one that doesn't; 0 where that is not to be seen at once. */
static size_t plain_end(const struct bl_pattern *pattern)
{
	size_t len = 0;

	if (memchr(pattern->text, '\\', pattern->len))
		return 0;
	while (len < pattern->len && !strchr("*?]}", pattern->text[pattern->len - len - 1]))
		len++;
	return len;
}

/* By the automaton that the compiler makes of it. Returns 1, 0 or -errno. */
static int glob_matches(struct bl_explainer *e, const struct bl_pattern *pattern, const char *text,
			size_t len)
{
	_cleanup_(bl_nfa_clear) struct bl_nfa nfa = {};
	const char *what;
	size_t offset;
	int r = bl_glob_parse(&e->glob, pattern->text, pattern->len, &offset, &what);

	if (!r)
		r = bl_nfa_add(&nfa, &e->glob, 1, 1);
	if (!r)
		r = bl_nfa_finish(&nfa);
	return r ? r : bl_nfa_matches(&nfa, text, len);
}

/* Whether a text has the first byte of what a pattern is about. */
static bool same_kind(const char *pattern, const char *text)
{
	if (bl_glob_is_subject(pattern) || bl_glob_is_subject(text))
		return pattern[0] == text[0];
	return bl_glob_is_path(pattern) == (text[0] != '\0');
}

/* The root directory's path is "/" here, and empty to the automaton; that of all cgroups is empty to both. */
static int pattern_matches(struct bl_explainer *e, const struct bl_pattern *pattern,
			   const char *text, size_t len)
{
	bool bytes = bl_glob_is_bytes(pattern->text);
	size_t start = plain_start(pattern), end;

	if (!same_kind(pattern->text, text))
		return 0;
	if (text[0] == BL_GLOB_CGROUP && len == 1)
		return glob_matches(e, pattern, text, len);
	if (start == pattern->len)
		return start == len && !memcmp(pattern->text + 1, text + 1, len - 1);
	if (bl_glob_is_path(pattern->text) && len == 1)
		return glob_matches(e, pattern, "", 0);
	/* Of "/a/" before a wildcard the slash may be part of a '**' that stands for nothing. */
	if (!bytes && start && pattern->text[start - 1] == '/')
		start--;
	if (start > len || memcmp(pattern->text + 1, text + 1, start ? start - 1 : 0))
		return 0;
	end = plain_end(pattern);
	if (end && (end > len || memcmp(pattern->text + pattern->len - end, text + len - end, end)))
		return 0;
	return glob_matches(e, pattern, text, len);
}

static bool some_match(struct bl_explainer *e, const struct bl_patterns *patterns, const char *text,
		       size_t len)
{
	for (size_t i = 0; i < patterns->count; i++) {
		int r = pattern_matches(e, &patterns->items[i], text, len);

		if (r < 0 && !e->error)
			e->error = r;
		if (r)
			return r > 0;
	}
	return false;
}

bool bl_explain_recall(const struct bl_explainer *e, enum bl_memo memo, const void *list,
		       size_t size, bool *ret)
{
	uint32_t known;

	if (!bl_strmap_get(e->memos[memo], list, size, &known))
		return false;
	*ret = known;
	return true;
}

void bl_explain_remember(struct bl_explainer *e, enum bl_memo memo, const void *list, size_t size,
			 bool holds)
{
	uint32_t old;
	int r = bl_strmap_add(e->memos[memo], list, size, holds, &old);

	if (r < 0 && !e->error)
		e->error = r;
}

bool bl_explain_matches(struct bl_explainer *e, const struct bl_patterns *patterns,
			const char *text, size_t len)
{
	bool is_path = text == e->query->path, holds;
	enum bl_memo memo = is_path ? BL_MEMO_PATH : BL_MEMO_EXE;

	if (patterns->count < BL_MEMO_LONG || (!is_path && text != e->exe))
		return some_match(e, patterns, text, len);
	if (bl_explain_recall(e, memo, patterns, sizeof(*patterns), &holds))
		return holds;
	holds = some_match(e, patterns, text, len);
	bl_explain_remember(e, memo, patterns, sizeof(*patterns), holds);
	return holds;
}

/* Bytes that a path has in common with the most similar pattern. */
static size_t shared_start(const struct bl_patterns *patterns, const char *path)
{
	size_t most = 0;

	for (size_t i = 0; i < patterns->count && i < COMPARED_MAX; i++) {
		const char *pattern = patterns->items[i].text;
		size_t n = 0;

		while (pattern[n] && pattern[n] == path[n])
			n++;
		most = BL_MAX(most, n);
	}
	return most;
}

size_t bl_explain_shared(const struct bl_query *query, const struct bl_near *near)
{
	const uint32_t names = BL_KEY_BIT(BL_KEY_PATH) | BL_KEY_BIT(BL_KEY_SOCKET);
	const struct bl_match *match = near->match;
	const char *path = query->path ? query->path : query->socket;

	if (match->has_to)
		return !(near->failing & (BL_KEY_BIT(BL_KEY_TO) | BL_KEY_BIT(BL_KEY_FAMILY)));
	if (!path || path[0] != '/' || !(match->has_path || match->has_socket))
		return 0;
	if (!(near->failing & names))
		return strlen(path);
	return shared_start(match->has_path ? &match->path : &match->socket, path);
}

bool bl_explain_walkable(const char *path)
{
	size_t depth = 0;

	if (strlen(path) > BL_PATH_BYTES)
		return false;
	for (; *path; path++)
		depth += *path == '/';
	return depth <= BL_DEPTH_MAX;
}
