/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the policy parser: JSON text in, a policy or diagnostics out, and both must be sound. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "canon.h"
#include "glob.h"
#include "policy.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* Answers from the path alone: some names are links, some lead on to each other. */
static int fuzz_readlink(void *userdata, const char *path, char *buf, size_t size)
{
	size_t len = strlen(path);

	CHECK(path[0] == '/' && len < size && !strstr(path, "//"));
	switch (path[len - 1]) {
	case 'a':
		memcpy(buf, "../b", 4);
		return 4;
	case 'l':
		memcpy(buf, path, len);
		return (int)len;
	case 'r':
		memcpy(buf, "/", 1);
		return 1;
	case 'x':
		return -2; /* ENOENT */
	default:
		return -22; /* EINVAL: no link */
	}
}

static int fuzz_find_account(void *userdata, enum bl_account account, const char *name,
			     uint32_t *ret)
{
	size_t len = strlen(name);

	CHECK(len && (account == BL_ACCOUNT_USER || account == BL_ACCOUNT_GROUP));
	*ret = (uint32_t)len;
	return len % 3 ? 0 : -2; /* ENOENT */
}

/* Every file of entries that a policy names is the last part of the input. */
static int fuzz_read_entries(void *userdata, const char *path, const struct bl_source **ret,
			     const char **reterr_why)
{
	CHECK(path[0] == '/');
	*ret = userdata;
	return *ret ? 0 : -2; /* ENOENT */
}

static void check_diags(const struct bl_diags *diags, const struct bl_source *sources, size_t n)
{
	size_t size, errors = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	CHECK(out);
	bl_diags_print(diags, sources, n, out);
	fclose(out);
	/* What is printed is UTF-8 without control characters. */
	for (size_t i = 0; i < size;) {
		size_t len = bl_utf8_length(text + i, size - i);

		CHECK(len && (text[i] == '\n' || (uint8_t)text[i] >= 0x20) && text[i] != 0x7f);
		i += len;
	}
	free(text);
	for (size_t i = 0; i < diags->count; i++) {
		const struct bl_diag *diag = &diags->items[i];

		errors += diag->level == BL_DIAG_ERROR;
		CHECK(diag->code && diag->message && diag->message[0]);
		CHECK(!diag->pointer || !diag->pointer[0] || diag->pointer[0] == '/');
		CHECK(!diag->line == !diag->column);
	}
	CHECK(errors + diags->dropped >= diags->errors);
	CHECK(bl_diags_json(diags, &text) == 0);
	free(text);
}

/* socket: an abstract name is no less good. */
static void check_patterns(const struct bl_patterns *patterns, bool has, bool socket)
{
	CHECK(has || !patterns->count);
	for (size_t i = 0; i < patterns->count; i++) {
		const struct bl_pattern *pattern = &patterns->items[i];

		CHECK(pattern->text[0] == '/' || (socket && pattern->text[0] == '@'));
		CHECK(strlen(pattern->text) == pattern->len);
		CHECK(pattern->len < BL_PATTERN_BYTES_MAX && pattern->place.line);
	}
}

static void check_subjects(const struct bl_patterns *patterns, bool has)
{
	CHECK(has || !patterns->count);
	for (size_t i = 0; i < patterns->count; i++) {
		const char *what;
		size_t offset;

		CHECK(bl_glob_is_subject(patterns->items[i].text));
		CHECK(strlen(patterns->items[i].text) == patterns->items[i].len);
		CHECK(!bl_glob_check(patterns->items[i].text, patterns->items[i].len, &offset,
				     &what));
	}
}

static void check_ranges(const struct bl_ranges_in *ranges, uint32_t max)
{
	for (size_t i = 0; i < ranges->count; i++) {
		CHECK(ranges->items[i].first <= ranges->items[i].last);
		CHECK(ranges->items[i].last <= max);
		CHECK(!i || ranges->items[i - 1].last + 1 < ranges->items[i].first);
	}
}

static void check_match(const struct bl_match *match, uint8_t ops)
{
	check_patterns(&match->path, match->has_path, false);
	check_patterns(&match->exe, match->has_exe, false);
	check_patterns(&match->socket, match->has_socket, true);
	check_ranges(&match->ports, 65535);
	check_ranges(&match->uids, UINT32_MAX - 1);
	check_ranges(&match->gids, UINT32_MAX - 1);
	check_ranges(&match->logins, UINT32_MAX);
	check_subjects(&match->units, match->has_units);
	check_subjects(&match->slices, match->has_slices);
	check_subjects(&match->cgroups, match->has_cgroups);
	check_subjects(&match->containers, match->has_containers);
	CHECK(!match->has_capabilities || match->capabilities);
	CHECK(!match->has_path || match->path.count);
	CHECK(!match->has_to || match->to.count || match->to_any);
	CHECK(match->access && match->protocols);
	CHECK(!(match->has_to || match->has_ports) || ops == 1 << BL_OP_CONNECT);
	CHECK(!match->facts || ops == 1 << BL_OP_EXEC);
	CHECK(!(match->facts & ~BL_FACT_ANY));
	CHECK(!match->has_path || !(ops & 1 << BL_OP_CONNECT));
	CHECK(!(ops & 1 << BL_OP_CONNECT) || match->families);
	CHECK(!match->has_socket || match->families == BL_FAMILIES_UNIX);
	CHECK(!match->has_ports || !(match->families & ~BL_FAMILIES_IP));
}

static void check_policy(const struct bl_policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct bl_rule *rule = &policy->rules[i];

		CHECK(rule->id && rule->ops && rule->file < policy->n_files);
		CHECK(bl_action_name(rule->action) && bl_severity_name(rule->severity));
		check_match(&rule->match, rule->ops);
		for (size_t j = 0; j < rule->n_unless; j++)
			check_match(&rule->unless[j], rule->ops);
	}
	for (size_t i = 0; i < policy->n_tests; i++) {
		const struct bl_test *test = &policy->tests[i];

		CHECK(bl_op_name(test->op) && bl_verdict_name(test->expect));
		CHECK(test->op != BL_OP_CONNECT ||
		      (test->to.family != 0) + (test->family != 0) + (test->socket != NULL) == 1);
		CHECK(test->op == BL_OP_CONNECT	    ? !test->path
		      : test->facts & BL_FACT_MEMFD ? !test->path
						    : test->path != NULL);
	}
}

/* The canonical layout of a document, or NULL where it is none; as many nodes are in it. */
static char *print_canon(const struct bl_source *source, size_t *ret_len, size_t *ret_nodes)
{
	struct bl_diags diags = { 0 };
	struct bl_json *json = NULL;
	char *text = NULL;

	if (bl_json_parse(source, &diags, &json) == 0) {
		CHECK(bl_canon_print(json, BL_CANON_POLICY, &text, ret_len) == 0);
		*ret_nodes = json->n_nodes;
	}
	bl_json_free(json);
	bl_diags_clear(&diags);
	return text;
}

static void check_canon(const struct bl_source *source)
{
	size_t len, again_len, nodes, again_nodes;
	char *text = print_canon(source, &len, &nodes), *again;

	if (!text)
		return;
	again = print_canon(&(struct bl_source){ .path = "again", .bytes = text, .len = len },
			    &again_len, &again_nodes);
	/* Indented, a document can be larger than a file may be. */
	CHECK(again ? len == again_len && nodes == again_nodes && memcmp(text, again, len) == 0
		    : len > BL_FILE_BYTES_MAX);
	free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is up to three files, the last one of entries: a NUL, which no policy has, is between them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "a.json", "b.json", "/entries" };
	struct bl_source sources[BL_ARRAY_SIZE(paths)];
	struct bl_policy *policy = NULL;
	struct bl_diags diags = { 0 };
	struct bl_policy_host host = {
		.find_account = fuzz_find_account,
		.read_entries = fuzz_read_entries,
	};
	size_t n = 0;
	int r;

	for (const uint8_t *at = data, *end = data + size; at && n < BL_ARRAY_SIZE(paths); n++) {
		const uint8_t *cut = n + 1 < BL_ARRAY_SIZE(paths) && at < end
					     ? memchr(at, '\0', (size_t)(end - at))
					     : NULL;

		sources[n] = (struct bl_source){ .path = paths[n],
						 .bytes = (const char *)at,
						 .len = (size_t)((cut ? cut : end) - at) };
		at = cut ? cut + 1 : NULL;
	}
	host.userdata = n == BL_ARRAY_SIZE(paths) ? &sources[--n] : NULL;
	r = bl_policy_parse(sources, n, &host, &diags, &policy);
	CHECK((r == 0) == (policy != NULL) && (r == 0) == (diags.errors == 0));
	if (policy) {
		check_policy(policy);
		CHECK(bl_policy_resolve(policy, fuzz_readlink, NULL, &diags) == 0);
		check_policy(policy);
	}
	for (size_t i = 0; i < n; i++)
		check_canon(&sources[i]);
	check_diags(&diags, sources, n);
	bl_policy_free(policy);
	bl_diags_clear(&diags);
	return 0;
}
