// SPDX-License-Identifier: Apache-2.0
/*
 * bench_explain POLICY TURNS: microseconds of what 'bailiff explain' does, the best and the worst of so many: reading a
 * policy, following the links in it, and then the explanation of an access that a rule is about, of one that none is
 * about, and of a connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "explain.h"

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static char *read_text(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;
	ssize_t len = file ? getdelim(&text, &capacity, '\0', file) : -1;

	if (file)
		fclose(file);
	*ret_len = len < 0 ? 0 : (size_t)len;
	return text;
}

/* The best and the worst of one thing. */
struct span {
	double best, worst;
};

static void note(struct span *span, double took)
{
	span->best = span->best ? BL_MIN(span->best, took) : took;
	span->worst = BL_MAX(span->worst, took);
}

static void print(const char *what, const struct span *span)
{
	printf("%s %.0f %.0f\n", what, span->best, span->worst);
}

static int measure(const struct bl_policy *policy, const char *what, const struct bl_query *query,
		   int turns)
{
	struct span span = {};

	for (int i = 0; i < turns; i++) {
		struct bl_explanation explanation = {};
		struct bl_diags diags = {};
		double began = now_us();
		int r = bl_explain_alone(policy, query, BL_KEY_BIT(BL_KEY_UID), &diags,
					 &explanation);

		note(&span, now_us() - began);
		bl_explanation_clear(&explanation);
		bl_diags_clear(&diags);
		if (r)
			return r;
	}
	print(what, &span);
	return 0;
}

static int measure_all(const struct bl_policy *policy, int turns)
{
	const uint32_t gid = 0;
	const uint8_t addr[4] = { 127, 0, 0, 1 };
	struct bl_query query = {
		.op = BL_OP_OPEN,
		.access = BL_ACCESS_READ,
		.path = "/srv/bailiff/benchmark/files/mentioned-1",
		.exe = "/usr/bin/cat",
		.uid = 4242,
		.gids = &gid,
		.n_gids = 1,
	};
	int r = measure(policy, "mentioned", &query, turns);

	query.path = "/srv/a0/a1/indicator-0000017/object.data";
	if (!r)
		r = measure(policy, "unmentioned", &query, turns);
	query.op = BL_OP_CONNECT;
	query.access = BL_PROTO_TCP;
	query.family = AF_INET;
	query.addr = addr;
	query.port = 80;
	query.path = NULL;
	return r ? r : measure(policy, "connect", &query, turns);
}

static int read_link(void *userdata, const char *path, char *buf, size_t size)
{
	ssize_t n = readlink(path, buf, size);

	return n < 0 ? -errno : (int)n;
}

/* Reads a policy so many times; the last one is kept. */
static int read_policy(const struct bl_source *source, int turns, struct bl_policy **ret)
{
	struct span parse = {}, links = {};
	int r = 0;

	for (int i = 0; !r && i < turns; i++) {
		struct bl_diags diags = {};
		double began = now_us();

		bl_policy_free(*ret);
		*ret = NULL;
		r = bl_policy_parse(source, 1, NULL, &diags, ret);
		note(&parse, now_us() - began);
		began = now_us();
		if (!r)
			r = bl_policy_resolve(*ret, read_link, NULL, &diags);
		note(&links, now_us() - began);
		bl_diags_clear(&diags);
	}
	print("read", &parse);
	print("links", &links);
	return r;
}

int main(int argc, char **argv)
{
	struct bl_source source = { .path = argc == 3 ? argv[1] : "" };
	struct bl_policy *policy = NULL;
	char *text = read_text(source.path, &source.len);
	int r;

	source.bytes = text;
	r = text ? read_policy(&source, atoi(argv[2]), &policy) : -1;
	if (!r)
		r = measure_all(policy, atoi(argv[2]));
	bl_policy_free(policy);
	free(text);
	if (r)
		fprintf(stderr, "usage: bench_explain POLICY TURNS (error %d)\n", r);
	return r != 0;
}
