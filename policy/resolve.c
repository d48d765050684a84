/* SPDX-License-Identifier: Apache-2.0 */
/* Adds to path patterns what their symbolic links lead to: it is the object that is guarded. */
#include <errno.h>
#include <string.h>

#include "base.h"
#include "glob.h"
#include "json.h"
#include "links.h"
#include "policy.h"

#define NOTE_NAMES_MAX 4 /* names that one note tells */

struct resolver {
	struct bl_policy *policy;
	struct bl_diags *diags;
	struct bl_links *links;
	struct bl_strmap *known; /* addresses of arrays done -> index in results */
	struct bl_patterns *results;
	size_t n_results, capacity;
	struct bl_arena *scratch; /* keys of known */
	size_t n_added;
	char path[BL_PATTERN_BYTES_MAX];
};

/* The patterns that one array of patterns gets in addition. */
struct batch {
	struct resolver *resolver;
	const struct bl_patterns *patterns;
	struct bl_strmap *seen; /* texts of the array and the batch; made when first needed */
	struct bl_pattern *items;
	size_t count, capacity;

	/* the pattern at hand */
	const struct bl_pattern *source;
	const char *suffix; /* what follows the names, as pattern text */
	size_t alternatives;

	/* what was looked for in vain, as long as nothing was found */
	const char *absent[BL_ABSENT_MAX];
	size_t n_absent;
	bool present;
};

static void batch_clear(struct batch *batch)
{
	bl_strmap_free(batch->seen);
	free(batch->items);
}

static void resolver_clear(struct resolver *resolver)
{
	bl_links_free(resolver->links);
	bl_strmap_free(resolver->known);
	bl_arena_free(resolver->scratch);
	free(resolver->results);
}

/* ---- diagnostics -------------------------------------------------------------------------- */

static struct bl_diag *report(const struct batch *batch, enum bl_diag_level level, const char *code,
			      const char *text)
{
	const struct bl_place *place = &batch->source->place;
	const struct bl_file *file = &batch->resolver->policy->files[place->file];
	/* Finding the pointer takes time: not for diagnostics that are only counted. */
	bool full = bl_diags_full(batch->resolver->diags, level);
	uint32_t node = full ? 0 : bl_json_at(file->document, place->line, place->column);
	_cleanup_free_ char *pointer = full ? NULL : bl_json_pointer(file->document, node);
	struct bl_diag_at at = {
		.file = file->path,
		.line = place->line,
		.column = place->column,
		.pointer = pointer,
	};

	return bl_diag_add(batch->resolver->diags, level, &at, code, "\"%s\" %s",
			   bl_excerpt(batch->source->text, batch->source->len).text, text);
}

/* Tells the names that a pattern got. */
static int report_names(const struct batch *batch, size_t first)
{
	_cleanup_free_ char *text = NULL;
	size_t size, last = BL_MIN(batch->count, first + NOTE_NAMES_MAX);
	FILE *out;

	if (batch->count == first)
		return 0;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	fputs("leads on by symbolic links and also means", out);
	for (size_t i = first; i < last; i++)
		fprintf(out, "%s \"%s\"", i > first ? "," : "",
			bl_excerpt(batch->items[i].text, batch->items[i].len).text);
	if (last < batch->count)
		fprintf(out, " and %zu more", batch->count - last);
	if (fclose(out) != 0)
		return -ENOMEM;
	report(batch, BL_DIAG_NOTE, "symbolic-link", text);
	return 0;
}

/*
 * Says why a path could not be followed to its end. Returns 0, or -ENOMEM. No errors: who may
 * make a symbolic link in /tmp must not be able to keep a policy from being loaded.
 */
static int report_failure(const struct batch *batch, int r)
{
	struct bl_diag *diag;

	switch (r) {
	case -ENOMEM:
		return r;
	case -ELOOP:
		report(batch, BL_DIAG_WARNING, "link-loop",
		       "leads to a symbolic link that leads back to itself");
		return 0;
	case -ENAMETOOLONG:
		report(batch, BL_DIAG_WARNING, "link-too-long",
		       "leads by symbolic links to a path that is too long for the kernel");
		return 0;
	case -EPERM:
		report(batch, BL_DIAG_WARNING, "untrusted-link",
		       "leads to a symbolic link of an ordinary user, which is not followed");
		return 0;
	case -ENOTUNIQ:
		diag = report(batch, BL_DIAG_WARNING, "never-matches",
			      "goes through /proc/self, which is another folder for each process");
		bl_diag_hint(diag, "\"/proc/*/...\" means that file of every process");
		return 0;
	default:
		diag = report(batch, BL_DIAG_WARNING, "links-unknown",
			      "can't be followed to its end, so only this name of it is guarded");
		bl_diag_hint(diag, "%s", strerror(-r));
		return 0;
	}
}

/* ---- names -------------------------------------------------------------------------------- */

static int seen_fill(struct batch *batch)
{
	uint32_t old;

	batch->seen = bl_strmap_new();
	if (!batch->seen)
		return -ENOMEM;
	for (size_t i = 0; i < batch->patterns->count; i++) {
		const struct bl_pattern *pattern = &batch->patterns->items[i];

		if (bl_strmap_add(batch->seen, pattern->text, pattern->len, 0, &old) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

/* The pattern text of a name: what would mean something in a pattern is escaped. */
static char *pattern_text(struct bl_arena *arena, const char *name, size_t len, const char *suffix,
			  size_t *ret_len)
{
	size_t suffix_len = strlen(suffix);
	char *text = bl_arena_alloc(arena, 2 * len + suffix_len + 1, 1), *out = text;

	if (!text)
		return NULL;
	/* The root has no name of its own before a suffix. */
	if (len == 1 && suffix_len)
		len = 0;
	for (size_t i = 0; i < len; i++) {
		if (strchr("*?[]{},\\", name[i]))
			*out++ = '\\';
		*out++ = name[i];
	}
	memcpy(out, suffix, suffix_len);
	*ret_len = (size_t)(out - text) + suffix_len;
	return text;
}

/* Takes a name that the pattern at hand leads to. */
static int add_name(void *userdata, const char *name, size_t len)
{
	struct batch *batch = userdata;
	struct bl_pattern pattern = { .resolved = true, .place = batch->source->place };
	size_t text_len;
	uint32_t old;
	int r;

	pattern.text =
		pattern_text(batch->resolver->policy->arena, name, len, batch->suffix, &text_len);
	if (!pattern.text || (!batch->seen && seen_fill(batch) < 0))
		return -ENOMEM;
	if (text_len >= BL_PATTERN_BYTES_MAX)
		return -ENAMETOOLONG;
	r = bl_strmap_add(batch->seen, pattern.text, text_len, 0, &old);
	if (r < 0)
		return r == -EEXIST ? 0 : r;
	if (bl_grow(&batch->items, &batch->capacity, batch->count + 1, sizeof(pattern)) < 0)
		return -ENOMEM;
	pattern.len = (uint32_t)text_len;
	pattern.literal = bl_glob_is_literal(pattern.text);
	batch->items[batch->count++] = pattern;
	return 0;
}

/* ---- patterns ----------------------------------------------------------------------------- */

/* The offset of what ends a class that starts at 'at'. */
static size_t skip_class(const char *text, size_t at)
{
	for (at++; text[at] && text[at] != ']'; at++) {
		if (text[at] == '\\' && text[at + 1])
			at++;
	}
	return at;
}

/* The offset of the first byte of 'wanted' that is not escaped and in no class, or the length. */
static size_t find_meta(const char *text, size_t at, const char *wanted)
{
	for (; text[at]; at++) {
		if (strchr(wanted, text[at]))
			return at;
		if (text[at] == '\\' && text[at + 1])
			at++;
		else if (text[at] == '[')
			at = skip_class(text, at);
		if (!text[at])
			break;
	}
	return at;
}

static bool is_wanted_absent(struct batch *batch)
{
	if (!bl_links_absent(batch->resolver->links))
		batch->present = true;
	return !batch->present && batch->n_absent < BL_ABSENT_MAX;
}

static int note_absent(struct batch *batch, size_t len)
{
	struct resolver *resolver = batch->resolver;
	const char *path;

	if (!is_wanted_absent(batch))
		return 0;
	path = bl_arena_strndup(resolver->policy->arena, resolver->path, len);
	if (!path)
		return -ENOMEM;
	batch->absent[batch->n_absent++] = path;
	return 0;
}

/* Leaves with an array what was looked for, if none of it was there. */
static int keep_absent(const struct batch *batch, struct bl_patterns *patterns)
{
	uint16_t n = batch->present ? 0 : (uint16_t)batch->n_absent;

	patterns->absent = NULL;
	patterns->n_absent = n;
	if (!n)
		return 0;
	patterns->absent =
		bl_arena_alloc(batch->resolver->policy->arena, n, sizeof(*patterns->absent));
	if (!patterns->absent)
		return -ENOMEM;
	memcpy(patterns->absent, batch->absent, n * sizeof(*patterns->absent));
	return 0;
}

/* Follows a pattern that is the path itself, which most are: nothing in it means anything else. */
static int follow_plain(struct batch *batch, const struct bl_pattern *pattern)
{
	int r;

	batch->suffix = "";
	r = bl_links_follow(batch->resolver->links, pattern->text, pattern->len, add_name, batch);
	if (is_wanted_absent(batch))
		batch->absent[batch->n_absent++] = pattern->text;
	return r < 0 ? report_failure(batch, r) : 0;
}

/* Follows the literal folders at the start of a pattern, or all of a literal one. */
static int follow_text(struct batch *batch, const char *text)
{
	struct resolver *resolver = batch->resolver;
	size_t len = find_meta(text, 0, "*?[{");
	int r;

	if (text[len]) {
		while (len && text[len] != '/')
			len--;
	}
	if (!len || len >= sizeof(resolver->path)) {
		batch->present = true;
		return 0;
	}
	batch->suffix = text + len;
	len = bl_glob_unescape(text, len, resolver->path);
	r = bl_links_follow(resolver->links, resolver->path, len, add_name, batch);
	if (note_absent(batch, len) < 0)
		return -ENOMEM;
	return r < 0 ? report_failure(batch, r) : 0;
}

/* The offset of the ',' or '}' that ends the alternative of a brace which starts at 'at'. */
static size_t alternative_end(const char *text, size_t at)
{
	size_t depth = 0;

	for (;; at++) {
		at = find_meta(text, at, "{,}");
		if (!text[at] || (!depth && text[at] != '{'))
			return at;
		if (text[at] == '{')
			depth++;
		else if (text[at] == '}')
			depth--;
	}
}

static int follow_alternatives(struct batch *batch, const char *text);

static int follow_alternative(struct batch *batch, const char *text, size_t open, size_t start,
			      size_t end, size_t after)
{
	_cleanup_free_ char *written = bl_format("%.*s%.*s%s", (int)open, text, (int)(end - start),
						 text + start, text + after);

	return written ? follow_alternatives(batch, written) : -ENOMEM;
}

/* Whether a pattern with its braces written out is none: "/a/{,b}" has an alternative that nothing is. */
static bool is_nothing(const struct batch *batch, const char *text)
{
	const char *what;
	size_t offset;

	return text != batch->source->text &&
	       bl_glob_check(text, strlen(text), &offset, &what) == -EINVAL;
}

/* Writes the first brace out, and in each the next ... Returns -E2BIG above the limit. */
static int follow_alternatives(struct batch *batch, const char *text)
{
	size_t open = find_meta(text, 0, "{"), start, end, close;
	int r;

	if (!text[open]) {
		if (++batch->alternatives > BL_GLOB_EXPANSIONS_MAX)
			return -E2BIG;
		return is_nothing(batch, text) ? 0 : follow_text(batch, text);
	}
	for (close = open; text[close] && text[close] != '}';)
		close = alternative_end(text, close + 1);
	if (!text[close])
		return 0;
	for (start = open + 1; start <= close; start = end + 1) {
		end = alternative_end(text, start);
		r = follow_alternative(batch, text, open, start, end, close + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int resolve_pattern(struct batch *batch, const struct bl_pattern *pattern)
{
	size_t first = batch->count;
	int r;

	batch->source = pattern;
	batch->alternatives = 0;
	if (pattern->plain)
		r = follow_plain(batch, pattern);
	else
		r = follow_alternatives(batch, pattern->text);
	if (r == -E2BIG) {
		report(batch, BL_DIAG_WARNING, "links-unknown",
		       "stands for so many paths that symbolic links in its braces are not followed");
		r = follow_text(batch, pattern->text);
	}
	return r < 0 ? r : report_names(batch, first);
}

/* ---- arrays of patterns ------------------------------------------------------------------- */

/* Replaces an array by one with the batch at its end. */
static int batch_apply(struct batch *batch, struct bl_patterns *ret)
{
	struct resolver *resolver = batch->resolver;
	const struct bl_patterns *old = batch->patterns;
	struct bl_pattern *items;

	resolver->n_added += batch->count;
	if (resolver->n_added > BL_PATTERNS_MAX) {
		report(batch, BL_DIAG_ERROR, "too-many-values",
		       "leads on to one path too many: the policy set has too many of them");
		return -EINVAL;
	}
	items = bl_arena_alloc(resolver->policy->arena, old->count + batch->count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	memcpy(items, old->items, old->count * sizeof(*items));
	memcpy(items + old->count, batch->items, batch->count * sizeof(*items));
	*ret = (struct bl_patterns){
		.items = items,
		.count = old->count + (uint32_t)batch->count,
		.shared = old->shared,
	};
	return 0;
}

static int array_resolve(struct resolver *resolver, const struct bl_patterns *patterns,
			 struct bl_patterns *ret)
{
	_cleanup_(batch_clear) struct batch batch = { .resolver = resolver, .patterns = patterns };
	int r;

	for (size_t i = 0; i < patterns->count; i++) {
		const struct bl_pattern *pattern = &patterns->items[i];

		batch.present |= bl_glob_is_abstract(pattern->text);
		if (pattern->resolved || bl_glob_is_abstract(pattern->text))
			continue;
		r = resolve_pattern(&batch, pattern);
		if (r < 0)
			return r;
	}
	*ret = *patterns;
	r = batch.count ? batch_apply(&batch, ret) : 0;
	return r < 0 ? r : keep_absent(&batch, ret);
}

/* Resolves an array once for all that share it. */
static int shared_resolve(struct resolver *resolver, struct bl_patterns *patterns)
{
	struct bl_pattern **key;
	uint32_t index;
	int r;

	if (bl_strmap_get(resolver->known, (const char *)&patterns->items, sizeof(patterns->items),
			  &index)) {
		*patterns = resolver->results[index];
		return 0;
	}
	key = bl_arena_alloc(resolver->scratch, 1, sizeof(*key));
	if (!key || bl_grow(&resolver->results, &resolver->capacity, resolver->n_results + 1,
			    sizeof(*resolver->results)) < 0)
		return -ENOMEM;
	*key = patterns->items;
	r = array_resolve(resolver, patterns, &resolver->results[resolver->n_results]);
	if (r < 0)
		return r;
	*patterns = resolver->results[resolver->n_results];
	return bl_strmap_add(resolver->known, (const char *)key, sizeof(*key),
			     (uint32_t)resolver->n_results++, &index);
}

static int patterns_resolve(struct resolver *resolver, struct bl_patterns *patterns)
{
	struct bl_patterns resolved;
	int r;

	if (!patterns->count)
		return 0;
	if (patterns->shared)
		return shared_resolve(resolver, patterns);
	r = array_resolve(resolver, patterns, &resolved);
	if (r == 0)
		*patterns = resolved;
	return r;
}

static int match_resolve(struct resolver *resolver, struct bl_match *match)
{
	int r = patterns_resolve(resolver, &match->path);

	if (r == 0)
		r = patterns_resolve(resolver, &match->socket);
	if (r == 0)
		r = patterns_resolve(resolver, &match->parent);
	if (r == 0)
		r = patterns_resolve(resolver, &match->ancestor);
	return r < 0 ? r : patterns_resolve(resolver, &match->exe);
}

static int rule_resolve(struct resolver *resolver, struct bl_rule *rule)
{
	int r = match_resolve(resolver, &rule->match);

	for (size_t i = 0; r == 0 && i < rule->n_unless; i++)
		r = match_resolve(resolver, &rule->unless[i]);
	return r;
}

int bl_policy_resolve(struct bl_policy *policy, bl_readlink_fn readlink_fn, void *userdata,
		      struct bl_diags *diags)
{
	_cleanup_(resolver_clear) struct resolver resolver = {
		.policy = policy,
		.diags = diags,
		.links = bl_links_new(readlink_fn, userdata),
		.known = bl_strmap_new(),
		.scratch = bl_arena_new(),
	};
	size_t errors = diags->errors;

	if (!resolver.links || !resolver.known || !resolver.scratch)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rules; i++) {
		int r = rule_resolve(&resolver, &policy->rules[i]);

		if (r < 0)
			return r;
	}
	return diags->errors > errors ? -EINVAL : 0;
}
