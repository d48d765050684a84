// SPDX-License-Identifier: Apache-2.0
/*
 * decisions [RULES...]: native nanoseconds per cold decision, by the real tables in this machine's
 * kernel. Objects are visited in random order, nothing is cached but what the CPU caches.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf/decide_load.h"
#include "compile.h"

#define DECISIONS 200000
#define ROUNDS	  5
#define SKIP	  77

/* A growing text. */
struct text {
	char *bytes;
	size_t len, capacity;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct text *text, const char *format,
							   ...)
{
	va_list arguments;

	if (text->capacity - text->len < 512) {
		text->capacity = text->capacity * 2 + 4096;
		text->bytes = realloc(text->bytes, text->capacity);
		if (!text->bytes)
			abort();
	}
	va_start(arguments, format);
	text->len += (size_t)vsnprintf(text->bytes + text->len, 512, format, arguments);
	va_end(arguments);
}

/* splitmix64's finaliser: the same policy and the same objects on every run. */
static uint64_t scatter(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Forty bytes; the path of rule i, one of a list of indicators. */
static void rule_path(char path[64], uint32_t i)
{
	uint32_t h = (uint32_t)scatter(i + 1);

	snprintf(path, 64, "/srv/%02x/%02x/indicator-%08x/object.dat", h & 0xff, h >> 8 & 0xff, i);
}

static void rule_addr(uint8_t addr[4], uint32_t i)
{
	uint64_t h = scatter(i + 0x100000000u);

	addr[0] = (uint8_t)(11 + h % 100);
	addr[1] = (uint8_t)(h >> 8);
	addr[2] = (uint8_t)(h >> 16);
	addr[3] = (uint8_t)(h >> 24);
}

/* Half of the rules look at files, half at destinations; each tenth is no literal. */
static struct text make_policy(uint32_t n)
{
	struct text text = {};

	text_add(&text,
		 "{\"bailiff\": 1, \"name\": \"bench\", \"mode\": \"enforce\", \"rules\": [");
	for (uint32_t i = 0; i < n / 2; i++) {
		char path[64];
		uint8_t a[4];

		rule_path(path, i);
		rule_addr(a, i);
		if (i % 10 == 0)
			strcpy(strrchr(path, '/'), "/**");
		text_add(&text,
			 "%s{\"id\": \"o%u\", \"on\": \"open\", \"path\": \"%s\", "
			 "\"access\": \"read\", \"action\": \"deny\"},\n",
			 i ? "," : "", i, path);
		text_add(&text,
			 "{\"id\": \"c%u\", \"on\": \"connect\", \"to\": \"%u.%u.%u.%u%s\", "
			 "\"action\": \"deny\"}\n",
			 i, a[0], a[1], a[2], i % 10 ? a[3] : 0, i % 10 ? "" : "/24");
	}
	for (uint32_t i = 0; i < 20; i++)
		text_add(&text,
			 ",{\"id\": \"g%u\", \"on\": \"open\", \"path\": "
			 "\"/home/*/.config%u/*.{key,pem}\", \"action\": \"deny\"}\n",
			 i, i);
	text_add(&text, "]}");
	return text;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* The tables of n rules; NULL after a message. */
static struct bl_tables *compile_rules(uint32_t n, double *ret_ms)
{
	struct text text = make_policy(n);
	const struct bl_source source = { "bench.json", text.bytes, text.len };
	struct bl_tables *tables = NULL;
	struct bl_policy *policy = NULL;
	struct bl_diags diags = {};
	const char *what = "";
	double start = now_ms();
	int r = bl_policy_parse(&source, 1, NULL, &diags, &policy);

	if (r == 0)
		r = bl_compile(policy, NULL, &diags, &tables);
	*ret_ms = now_ms() - start;
	if (r == 0)
		r = bl_tables_verify(tables->bytes, tables->len, &what);
	if (r < 0) {
		fprintf(stderr, "decisions: %s %s %s\n", strerror(-r), what,
			diags.count ? diags.items[0].message : "");
		bl_tables_free(tables);
		tables = NULL;
	}
	bl_diags_clear(&diags);
	bl_policy_free(policy);
	free(text.bytes);
	return tables;
}

typedef int (*timed_run)(struct decide_kernel *k, struct decide_timing *timing);

/* The best of some rounds, in ns per decision; negative after a failure. */
static double best(struct decide_kernel *k, timed_run run, uint32_t access, int hits)
{
	double least = -1;

	for (int i = 0; i < ROUNDS; i++) {
		struct decide_timing t = {
			.slots = DECIDE_SLOTS_MAX,
			.decisions = DECISIONS,
			.access = access,
		};
		double ns;

		if (run(k, &t) < 0 || t.matched != (hits ? DECISIONS : 0)) {
			fprintf(stderr, "decisions: %u of %u matched\n", t.matched, DECISIONS);
			return -1;
		}
		ns = (double)t.ns / DECISIONS;
		if (least < 0 || ns < least)
			least = ns;
	}
	return least;
}

/* Objects that rules mention, or their neighbours that none does. */
static int lay_out(struct decide_kernel *k, uint32_t n, int hits)
{
	for (uint32_t slot = 0; slot < DECIDE_SLOTS_MAX; slot++) {
		uint32_t i = (uint32_t)(scatter(slot + 7) % (n / 2));
		uint8_t addr[4];
		char path[64];
		int r;

		rule_path(path, i);
		rule_addr(addr, i);
		if (!hits) {
			path[strlen("/srv/00/00/i")] = 'N';
			addr[0] = 9;
		}
		r = decide_kernel_path(k, slot, path);
		if (r < 0)
			return r;
		decide_peer_set(&k->peers[slot], addr, sizeof(addr), 443);
	}
	return 0;
}

static int measure(struct decide_kernel *k, uint32_t n)
{
	double compile_ms, open_hit, open_miss, peer_hit, peer_miss;
	struct bl_tables *tables = compile_rules(n, &compile_ms);
	size_t len = tables ? tables->len : 0;
	int r = tables ? decide_kernel_publish(k, tables->bytes, len) : -EINVAL;

	bl_tables_free(tables);
	if (r < 0 || lay_out(k, n, 1) < 0)
		return -EINVAL;
	open_hit = best(k, decide_kernel_time_open, BL_ACCESS_READ, 1);
	peer_hit = best(k, decide_kernel_time_connect, BL_PROTO_TCP, 1);
	if (lay_out(k, n, 0) < 0)
		return -EINVAL;
	open_miss = best(k, decide_kernel_time_open, BL_ACCESS_READ, 0);
	peer_miss = best(k, decide_kernel_time_connect, BL_PROTO_TCP, 0);
	printf("%8u %10.0f %10.0f %12.0f %12.0f %12.1f %10.1f\n", n, open_hit, open_miss, peer_hit,
	       peer_miss, compile_ms, len / 1048576.0);
	return open_hit < 0 || open_miss < 0 || peer_hit < 0 || peer_miss < 0 ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	const char *usual[] = { "10", "1000", "100000" };
	const char **counts = argc > 1 ? (const char **)argv + 1 : usual;
	int n = argc > 1 ? argc - 1 : 3, r;
	struct decide_kernel kernel = {};

	if (geteuid() != 0) {
		fprintf(stderr, "loading BPF programs needs root\n");
		return SKIP;
	}
	r = decide_kernel_open(&kernel, DECIDE_SLOTS_MAX);
	if (r == 0)
		printf("ns per cold decision, %u objects in random order, 40-byte paths\n"
		       "%8s %10s %10s %12s %12s %12s %10s\n",
		       DECIDE_SLOTS_MAX, "rules", "open hit", "open miss", "connect hit",
		       "connect miss", "compile ms", "image MiB");
	for (int i = 0; i < n && r == 0; i++)
		r = measure(&kernel, (uint32_t)strtoul(counts[i], NULL, 10));
	decide_kernel_close(&kernel);
	return r < 0;
}
