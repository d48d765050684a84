// SPDX-License-Identifier: Apache-2.0
/*
 * bench_explain POLICY TURNS: microseconds of an explanation under a policy that has been compiled, the best and the
 * worst of so many, for an access that a rule is about, one that none is about, and a connection.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static int measure(const struct bl_policy *policy, const struct bl_tables *tables, const char *what,
		   const struct bl_query *query, int turns)
{
	double best = 1e12, worst = 0;

	for (int i = 0; i < turns; i++) {
		struct bl_explanation explanation = {};
		double began = now_us(), took;
		int r = bl_explain(policy, tables, query, BL_KEY_BIT(BL_KEY_UID), &explanation);

		took = now_us() - began;
		bl_explanation_clear(&explanation);
		if (r)
			return r;
		best = BL_MIN(best, took);
		worst = BL_MAX(worst, took);
	}
	printf("%s %.0f %.0f\n", what, best, worst);
	return 0;
}

static int measure_all(const struct bl_policy *policy, const struct bl_tables *tables, int turns)
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
	int r = measure(policy, tables, "mentioned", &query, turns);

	query.path = "/srv/a0/a1/indicator-0000017/object.data";
	if (!r)
		r = measure(policy, tables, "unmentioned", &query, turns);
	query.op = BL_OP_CONNECT;
	query.access = BL_PROTO_TCP;
	query.family = AF_INET;
	query.addr = addr;
	query.port = 80;
	query.path = NULL;
	return r ? r : measure(policy, tables, "connect", &query, turns);
}

int main(int argc, char **argv)
{
	struct bl_source source = { .path = argc == 3 ? argv[1] : "" };
	struct bl_diags diags = {};
	struct bl_policy *policy = NULL;
	struct bl_tables *tables = NULL;
	char *text = read_text(source.path, &source.len);
	int r;

	source.bytes = text;
	r = text ? bl_policy_parse(&source, 1, NULL, &diags, &policy) : -1;
	if (!r)
		r = bl_compile(policy, NULL, &diags, &tables);
	if (!r)
		r = measure_all(policy, tables, atoi(argv[2]));
	bl_tables_free(tables);
	bl_policy_free(policy);
	bl_diags_clear(&diags);
	free(text);
	if (r)
		fprintf(stderr, "usage: bench_explain POLICY TURNS (error %d)\n", r);
	return r != 0;
}
