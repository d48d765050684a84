/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories above guarded paths. Whoever renames one of them gives everything below it names that
 * no rule knows: so they become candidates too, for BL_ACCESS_MOVE alone.
 */
#include "compiler.h"

#include <errno.h>
#include <string.h>

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
static int add_prefixes(struct bl_compiler *c, struct bl_nfa *nfa, uint32_t list, uint32_t pat)
{
	const struct bl_pattern *pattern = c->pats[pat].pattern;
	const char *text = pattern->text, *end = text;
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
				r = add_prefixes(c, nfa, list, pats[i]);
	}
	return r;
}
