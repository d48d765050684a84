// SPDX-License-Identifier: Apache-2.0
/* Serves verdicts over a text protocol; what decides them is the caller's engine. */
#include "protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SOURCES_MAX 64
#define GIDS_MAX    64
#define KIN_MAX	    64
#define SUBJECT_WORDS 6

/* The policy set in force and the sources of the next one. */
struct session {
	const struct engine *engine;
	struct bl_source sources[SOURCES_MAX];
	size_t n_sources;
	struct bl_policy *policy;
	struct bl_tables *tables;
	bool untrusted; /* objects from now on */
	char *kin[1 + KIN_MAX]; /* of the next query: the parent's, then the ancestors' */
	size_t n_ancestors;
	bool kin_unknown;
};

static void session_drop_sources(struct session *s)
{
	for (size_t i = 0; i < s->n_sources; i++) {
		free((char *)s->sources[i].path);
		free((char *)s->sources[i].bytes);
	}
	s->n_sources = 0;
}

static void drop_kin(struct session *s)
{
	for (size_t i = 0; i <= s->n_ancestors; i++)
		free(s->kin[i]);
	memset(s->kin, 0, sizeof(s->kin));
	s->n_ancestors = 0;
	s->kin_unknown = false;
}

static void session_clear(struct session *s)
{
	session_drop_sources(s);
	drop_kin(s);
	bl_tables_free(s->tables);
	bl_policy_free(s->policy);
	s->tables = NULL;
	s->policy = NULL;
}

static int complain(const char *what, const char *detail)
{
	fprintf(stderr, "decide: %s: %s\n", what, detail);
	return -EINVAL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Decodes hex to a NUL-terminated buffer that the caller frees. */
static char *hex_decode(const char *hex, size_t *ret_len)
{
	size_t len = strlen(hex) / 2;
	char *bytes = strlen(hex) % 2 ? NULL : malloc(len + 1);

	for (size_t i = 0; bytes && i < len; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0) {
			free(bytes);
			return NULL;
		}
		bytes[i] = (char)(high << 4 | low);
	}
	if (bytes) {
		bytes[len] = '\0';
		*ret_len = len;
	}
	return bytes;
}

static int add_source(struct session *s, const char *name, char *bytes, size_t len)
{
	char *path = strdup(name);

	if (!path || s->n_sources == SOURCES_MAX) {
		free(path);
		free(bytes);
		return complain("too many sources", name);
	}
	s->sources[s->n_sources++] = (struct bl_source){ .path = path, .bytes = bytes, .len = len };
	return 0;
}

static int add_file(struct session *s, const char *path)
{
	FILE *file = fopen(path, "re");
	char *bytes = NULL;
	size_t capacity = 0;
	ssize_t len;

	if (!file)
		return complain(path, strerror(errno));
	len = getdelim(&bytes, &capacity, '\0', file);
	fclose(file);
	if (len < 0) {
		free(bytes);
		return complain(path, "no text in it");
	}
	return add_source(s, path, bytes, (size_t)len);
}

static int request_source(struct session *s, char **words, size_t n)
{
	size_t len = 0;
	char *bytes = n == 3 ? hex_decode(words[2], &len) : NULL;

	if (!bytes)
		return complain("source", "wants a name and hex");
	return add_source(s, words[1], bytes, len);
}

/* splitmix64, Steele, Lea and Flood 2014: a different table key for every seed. */
static void make_key(uint64_t seed, uint64_t key[2][BL_HASH_WORDS])
{
	for (size_t i = 0; i < 2 * BL_HASH_WORDS; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15u;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		key[i / BL_HASH_WORDS][i % BL_HASH_WORDS] = z ^ (z >> 31);
	}
}

static void refuse(FILE *out, const struct bl_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		if (diags->items[i].level != BL_DIAG_ERROR)
			continue;
		fprintf(out, "refused %s: %s\n", diags->items[i].code, diags->items[i].message);
		return;
	}
	fprintf(out, "refused without a reason\n");
}

static int compile_set(struct session *s, uint64_t seed, struct bl_diags *diags)
{
	const uint64_t(*key)[BL_HASH_WORDS] = NULL;
	uint64_t words[2][BL_HASH_WORDS];
	const char *what = NULL;
	int r;

	if (seed) {
		make_key(seed, words);
		key = (const uint64_t(*)[BL_HASH_WORDS])words;
	}
	r = bl_policy_parse(s->sources, s->n_sources, NULL, diags, &s->policy);
	if (r < 0)
		return r;
	r = bl_compile(s->policy, key, diags, &s->tables);
	if (r < 0)
		return r;
	if (bl_tables_verify(s->tables->bytes, s->tables->len, &what) < 0) {
		complain("bl_tables_verify", what);
		return -EBADMSG;
	}
	if (s->engine->read) {
		r = s->engine->read(s->engine->userdata, s->sources, s->n_sources, s->policy);
		if (r < 0)
			return r;
	}
	return s->engine->load(s->engine->userdata, s->tables);
}

/* A set that is refused leaves none in force. */
static int request_compile(struct session *s, uint64_t seed, FILE *out)
{
	struct bl_diags diags = {};
	int r;

	bl_tables_free(s->tables);
	bl_policy_free(s->policy);
	s->tables = NULL;
	s->policy = NULL;
	r = compile_set(s, seed, &diags);
	session_drop_sources(s);
	if (r == -EINVAL) {
		refuse(out, &diags);
		r = 0;
	} else if (r == 0) {
		fprintf(out, "ok %zu\n", s->policy->n_rules);
	} else {
		complain("compile", strerror(-r));
	}
	bl_diags_clear(&diags);
	return r;
}

/* A query whose strings it owns. */
struct asked {
	struct bl_query query;
	char *path, *exe, *addr, *args, *cgroup;
	uint32_t gids[GIDS_MAX];
};

static void asked_clear(struct asked *a)
{
	free(a->path);
	free(a->exe);
	free(a->addr);
	free(a->args);
	free(a->cgroup);
}

/* LOGIN CAPABILITIES CGROUP */
static int read_task(struct asked *a, char **words)
{
	size_t len;

	a->query.login = (uint32_t)strtoul(words[0], NULL, 10);
	a->query.has_login = strcmp(words[0], "-") != 0;
	a->query.capabilities = strtoull(words[1], NULL, 16);
	a->query.nested = words[2][0] == '+';
	a->cgroup = hex_decode(words[2] + a->query.nested, &len);
	if (!a->cgroup)
		return complain("not hex", words[2]);
	a->query.cgroup = a->cgroup;
	return 0;
}

static int read_subject(struct asked *a, char **words)
{
	char *save = NULL;
	size_t len;

	if (strcmp(words[0], "-") != 0) {
		a->exe = hex_decode(words[0], &len);
		if (!a->exe)
			return complain("not hex", words[0]);
	}
	a->query.exe = a->exe;
	a->query.uid = (uint32_t)strtoul(words[1], NULL, 10);
	for (char *gid = strtok_r(words[2], ",", &save); gid && a->query.n_gids < GIDS_MAX;
	     gid = strtok_r(NULL, ",", &save))
		a->gids[a->query.n_gids++] = (uint32_t)strtoul(gid, NULL, 10);
	a->query.gids = a->gids;
	return read_task(a, words + 3);
}

static int read_path(struct asked *a, enum bl_op op, const char *hex, unsigned long access)
{
	size_t len;

	a->path = strcmp(hex, "-") == 0 ? NULL : hex_decode(hex, &len);
	if (!a->path && strcmp(hex, "-") != 0)
		return complain("not hex", hex);
	a->query.op = op;
	a->query.path = a->path;
	a->query.access = (uint8_t)access;
	a->query.pseudo = op == BL_OP_EXEC && access & BL_FACT_MEMFD;
	return 0;
}

static int read_args(struct asked *a, const char *hex)
{
	if (strcmp(hex, "-") == 0)
		return 0;
	a->args = hex_decode(hex, &a->query.args_len);
	if (!a->args)
		return complain("not hex", hex);
	for (size_t i = 0; i < a->query.args_len; i++)
		a->query.n_args += !a->args[i];
	a->query.args = a->args;
	return 0;
}

static int read_address(struct asked *a, char **words)
{
	size_t len = 0;

	a->addr = hex_decode(words[0], &len);
	if (!a->addr || (len != 4 && len != 16))
		return complain("not 4 or 16 bytes of hex", words[0]);
	a->query.op = BL_OP_CONNECT;
	a->query.addr = (const uint8_t *)a->addr;
	a->query.family = len == 4 ? AF_INET : AF_INET6;
	a->query.port = (uint16_t)strtoul(words[1], NULL, 10);
	a->query.access = (uint8_t)strtoul(words[2], NULL, 10);
	return 0;
}

static int read_socket(struct asked *a, const char *hex)
{
	size_t len = 0;

	a->path = hex_decode(hex, &len);
	if (!a->path)
		return complain("not hex", hex);
	a->query.op = BL_OP_CONNECT;
	a->query.socket = a->path;
	a->query.socket_len = len;
	a->query.access = BL_ACCESS_CONNECT;
	return 0;
}

static int read_family(struct asked *a, const char *number)
{
	a->query.op = BL_OP_CONNECT;
	a->query.family = (uint8_t)strtoul(number, NULL, 10);
	a->query.access = BL_PROTO_NONE;
	return 0;
}

static int read_query(struct asked *a, char **words, size_t n)
{
	int r;

	if (n == 4 + SUBJECT_WORDS && strcmp(words[0], "exec") == 0)
		r = read_args(a, words[3]) < 0
			    ? -EINVAL
			    : read_path(a, BL_OP_EXEC, words[1],
					BL_ACCESS_EXEC | strtoul(words[2], NULL, 10));
	else if (n == 3 + SUBJECT_WORDS && strcmp(words[0], "open") == 0)
		r = read_path(a, BL_OP_OPEN, words[1], strtoul(words[2], NULL, 10));
	else if (n == 2 + SUBJECT_WORDS && strcmp(words[0], "trace") == 0)
		r = read_path(a, BL_OP_EXEC, words[1], BL_ACCESS_TRACE);
	else if (n == 4 + SUBJECT_WORDS && strcmp(words[0], "connect") == 0)
		r = read_address(a, words + 1);
	else if (n == 2 + SUBJECT_WORDS && strcmp(words[0], "socket") == 0)
		r = read_socket(a, words[1]);
	else if (n == 2 + SUBJECT_WORDS && strcmp(words[0], "family") == 0)
		r = read_family(a, words[1]);
	else
		r = complain("no such request", words[0]);
	return r < 0 ? r : read_subject(a, words + n - SUBJECT_WORDS);
}

static int request_verdict(struct session *s, char **words, size_t n, FILE *out)
{
	struct asked asked = {};
	struct bl_answer answer = {};
	int r = read_query(&asked, words, n);

	asked.query.untrusted = s->untrusted;
	asked.query.parent = s->kin[0];
	asked.query.ancestors = (const char *const *)s->kin + 1;
	asked.query.n_ancestors = s->n_ancestors;
	asked.query.kin_unknown = s->kin_unknown;
	if (r == 0 && !s->tables) {
		fprintf(out, "refused - 0\n");
	} else if (r == 0) {
		r = s->engine->decide(s->engine->userdata, &asked.query, &answer);
		if (r < 0)
			complain("engine", strerror(-r));
		else if (answer.verdict == BL_VERDICT_ALLOW)
			fprintf(out, "allow - %u\n", answer.others);
		else if (answer.rule < s->policy->n_rules && bl_verdict_name(answer.verdict))
			fprintf(out, "%s %s %u\n", bl_verdict_name(answer.verdict),
				s->policy->rules[answer.rule].id, answer.others);
		else
			fprintf(out, "nonsense %d:%u %u\n", answer.verdict, answer.rule,
				answer.others);
	}
	asked_clear(&asked);
	drop_kin(s);
	return r;
}

static int request_kin(struct session *s, char *parent, char *ancestors)
{
	char *save = NULL;
	size_t len;

	drop_kin(s);
	s->kin_unknown = parent[0] == '?';
	parent += s->kin_unknown;
	if (strcmp(parent, "-") != 0) {
		s->kin[0] = hex_decode(parent, &len);
		if (!s->kin[0])
			return complain("not hex", parent);
	}
	if (strcmp(ancestors, "-") == 0)
		return 0;
	for (char *each = strtok_r(ancestors, ",", &save); each && s->n_ancestors < KIN_MAX;
	     each = strtok_r(NULL, ",", &save)) {
		s->kin[++s->n_ancestors] = hex_decode(each, &len);
		if (!s->kin[s->n_ancestors])
			return complain("not hex", each);
	}
	return 0;
}

static int request_trust(struct session *s, const char *trust)
{
	if (!s->engine->trust)
		return complain("trust", "this engine knows the host's executables only");
	s->engine->trust(s->engine->userdata, (unsigned int)strtoul(trust, NULL, 10));
	return 0;
}

static int serve_line(struct session *s, char *line, FILE *out)
{
	char *words[16], *save = NULL;
	size_t n = 0;

	for (char *word = strtok_r(line, " \n", &save); word && n < 16;
	     word = strtok_r(NULL, " \n", &save))
		words[n++] = word;
	if (n == 0)
		return 0;
	if (strcmp(words[0], "source") == 0)
		return request_source(s, words, n);
	if (strcmp(words[0], "compile") == 0 && n == 2)
		return request_compile(s, strtoull(words[1], NULL, 10), out);
	if (strcmp(words[0], "kin") == 0 && n == 3)
		return request_kin(s, words[1], words[2]);
	if (strcmp(words[0], "trust") == 0 && n == 2)
		return request_trust(s, words[1]);
	if (strcmp(words[0], "untrusted") == 0 && n == 2) {
		s->untrusted = strcmp(words[1], "1") == 0;
		return 0;
	}
	return request_verdict(s, words, n, out);
}

int protocol_serve(const struct engine *engine, char **paths, int n_paths, FILE *in, FILE *out)
{
	struct session session = { .engine = engine };
	char *line = NULL;
	size_t capacity = 0;
	int r = 0;

	for (int i = 0; i < n_paths && r == 0; i++)
		r = add_file(&session, paths[i]);
	if (r == 0 && n_paths > 0)
		r = request_compile(&session, 0, out);
	while (r == 0 && getline(&line, &capacity, in) > 0)
		r = serve_line(&session, line, out);
	free(line);
	session_clear(&session);
	return r < 0;
}
