/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories above guarded paths. Whoever renames one of them gives everything below it names that
 * no rule knows: so they become candidates too, for BL_ACCESS_MOVE alone.
 */
#include "compiler.h"

#include <errno.h>
#include <string.h>

#define WRITTEN_OUT_MAX 64 /* alternatives of the braces of one pattern */

struct above_job {
	struct bl_compiler *c;
	uint32_t list;
};

static bool wants(const struct bl_compiler *c, uint32_t list, enum bl_part part)
{
	return c->list_infos[list].needs & 1 << part;
}

static int add_directory(const struct above_job *job, const char *path, size_t len)
{
	int r = bl_trie_add(&job->c->trie, path, len, false, bl_atom(job->list, BL_PART_ABOVE));

	return r == -EDOM ? 0 : r; /* no directory can be called that */
}

/* Of a literal its directories, and of everything below one that one as well; nobody renames "/". */
static int add_directories(void *userdata, const char *path, size_t len, bool below)
{
	int r = below && len ? add_directory(userdata, path, len) : 0;

	for (size_t i = 1; !r && i < len; i++)
		if (path[i] == '/')
			r = add_directory(userdata, path, i);
	return r;
}

/* The end of a component that starts at *text with a '/', as a pattern: braces hold whole paths. */
static const char *component_end(const char *text)
{
	int depth = 0;

	for (text++; *text && (depth || *text != '/'); text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (*text == '[')
			text += strcspn(text, "]");
		else
			depth += (*text == '{') - (*text == '}');
		if (!*text)
			break;
	}
	return text;
}

static bool ends_in_stars(const char *text, size_t len)
{
	return len >= 2 && text[len - 1] == '*' && text[len - 2] == '*';
}

static int add_prefix(struct bl_compiler *c, struct bl_nfa *nfa, const char *text, size_t len,
		      uint32_t list, uint32_t pat)
{
	const char *what;
	size_t offset;
	int r = bl_glob_parse(&c->glob, text, len, &offset, &what);

	/* Half a pattern need not be one; then the directories above it are what there is. */
	if (r == -EINVAL)
		return 0;
	return r ? r : bl_nfa_add(nfa, &c->glob, bl_atom(list, BL_PART_ABOVE_GLOB), pat);
}

/*
 * Of a glob what its components stand for, one after the other. Not where it ends in '**': what is below
 * that has the same rules wherever it goes below it, and most directories would be held in their place.
 */
static int add_components(struct bl_compiler *c, struct bl_nfa *nfa, const char *text,
			  uint32_t list, uint32_t pat)
{
	const char *end = text;
	char prefix[BL_PATTERN_BYTES_MAX];
	int r = 0;

	while (!r && *end == '/') {
		end = component_end(end);
		if (!*end || (size_t)(end - text) >= sizeof(prefix))
			break;
		memcpy(prefix, text, (size_t)(end - text));
		prefix[end - text] = '\0';
		if (!ends_in_stars(prefix, (size_t)(end - text)))
			r = add_prefix(c, nfa, prefix, (size_t)(end - text), list, pat);
	}
	return r;
}

/* The bytes of a pattern that are one item: an escape, a class, or one byte. */
static size_t item_len(const char *text)
{
	size_t len;

	if (*text == '\\')
		return text[1] ? 2 : 1;
	len = *text == '[' ? strcspn(text, "]") : 0;
	return len && text[len] ? len + 1 : 1;
}

/* A brace: where its alternatives begin, their commas and its end. */
struct brace {
	const char *start, *end; /* with '{' and '}' */
	bool holds_slash;
};

static bool find_brace(const char *text, struct brace *ret)
{
	int depth = 0;

	for (; *text; text += item_len(text)) {
		if (*text == '{' && !depth++)
			*ret = (struct brace){ .start = text };
		ret->holds_slash |= depth && *text == '/';
		if (*text != '}' || --depth)
			continue;
		ret->end = text + 1;
		if (ret->holds_slash)
			return true;
	}
	return false;
}

/* Where the alternative that begins at text ends: its ',' or the brace's '}'. */
static const char *alternative_end(const char *text)
{
	int depth = 0;

	for (; depth || (*text != ',' && *text != '}'); text += item_len(text))
		depth += (*text == '{') - (*text == '}');
	return text;
}

static bool is_star(const char *text, const char *start)
{
	return text >= start && *text == '*';
}

/*
 * A brace that holds a '/' is written out, since the directories above it are those of each alternative, as
 * far as there are no more than so many patterns in all.
 */
static int add_prefixes(struct bl_compiler *c, struct bl_nfa *nfa, const char *text, uint32_t list,
			uint32_t pat, unsigned int *left)
{
	struct brace brace = {};
	int r = 0;

	/* Next to a star an alternative's own would make two. */
	if (!find_brace(text, &brace) || !*left || is_star(brace.start - 1, text) ||
	    is_star(brace.end, text))
		return add_components(c, nfa, text, list, pat);
	for (const char *from = brace.start + 1, *to; !r && from < brace.end; from = to + 1) {
		_cleanup_free_ char *one = NULL;

		to = alternative_end(from);
		one = bl_format("%.*s%.*s%s", (int)(brace.start - text), text, (int)(to - from),
				from, brace.end);
		*left -= *left != 0;
		r = one ? add_prefixes(c, nfa, one, list, pat, left) : -ENOMEM;
	}
	return r;
}

static int add_pattern(struct bl_compiler *c, struct bl_nfa *nfa, uint32_t list, uint32_t pat)
{
	unsigned int left = WRITTEN_OUT_MAX;

	return add_prefixes(c, nfa, c->pats[pat].pattern->text, list, pat, &left);
}

int bl_compile_above_trie(struct bl_compiler *c)
{
	int r = 0;

	for (uint32_t list = 1; !r && list <= c->lists.count; list++) {
		struct above_job job = { .c = c, .list = list };
		size_t n;
		const uint32_t *pats = bl_interned(&c->lists, list, &n);

		for (size_t i = 0; !r && i < n && wants(c, list, BL_PART_ABOVE); i++)
			if (!(c->pats[pats[i]].shapes & BL_SHAPE_GLOB))
				r = bl_compile_expand(c, pats[i], add_directories, &job);
	}
	return r;
}

int bl_compile_above_nfa(struct bl_compiler *c, const uint8_t *without, struct bl_nfa *nfa)
{
	int r = 0;

	for (uint32_t list = 1; !r && list <= c->lists.count; list++) {
		size_t n;
		const uint32_t *pats = bl_interned(&c->lists, list, &n);

		for (size_t i = 0; !r && i < n && wants(c, list, BL_PART_ABOVE_GLOB); i++)
			if (c->pats[pats[i]].shapes & BL_SHAPE_GLOB &&
			    !(without && without[pats[i]]))
				r = add_pattern(c, nfa, list, pats[i]);
	}
	return r;
}
