// SPDX-License-Identifier: Apache-2.0
/*
 * What becomes of records in this machine's own kernel: whatever is denied is told, told as a repeat or counted as lost,
 * from any number of threads at once, and the record itself is one that the daemon understands.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event.h"

/* The skeleton's .bss types. */
#include "state.h"

#include "bpf/emit.h"
#include "emit.skel.h"

#define THREADS	     4
#define VERIFIED_MAX 100000
#define CPUS_MAX     16384
#define SECOND_NS    1000000000ull

struct kernel {
	struct emit_bpf *skel;
	struct ring_buffer *ring;
	uint64_t entries, told, folded, bad, twice;
	uint64_t highest[CPUS_MAX]; /* by CPU */
	uint64_t arrived[CPUS_MAX];
	struct bl_event last;
	char cwd[256], argv[256], exe[256];
};

static void keep_text(char *to, size_t size, struct bl_text text)
{
	snprintf(to, size, "%.*s", (int)text.len, text.bytes);
}

static int on_record(void *userdata, void *data, size_t size)
{
	struct kernel *k = userdata;
	struct bl_event_view view;
	const char *what = NULL;

	if (bl_event_decode(data, size, &view, &what) < 0) {
		fprintf(stderr, "a record that is none: %s\n", what);
		k->bad++;
		return 0;
	}
	k->entries++;
	k->told += 1 + view.fixed.folded;
	k->folded += view.fixed.folded;
	if (view.fixed.cpu < CPUS_MAX) {
		k->twice += view.fixed.seq == k->highest[view.fixed.cpu];
		if (view.fixed.seq > k->highest[view.fixed.cpu])
			k->highest[view.fixed.cpu] = view.fixed.seq;
		k->arrived[view.fixed.cpu]++;
	}
	k->last = view.fixed;
	keep_text(k->cwd, sizeof(k->cwd), view.cwd);
	keep_text(k->argv, sizeof(k->argv), view.argv);
	keep_text(k->exe, sizeof(k->exe), view.exe);
	return 0;
}

/* What lsm.bpf.c's other programs have maps for is not made: not every kernel that runs tests has it. */
static int keep_own_maps(struct emit_bpf *skel)
{
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map(map, skel->obj) {
		bool own = map == skel->maps.scratches || map == skel->maps.ring ||
			   map == skel->maps.folds || map == skel->maps.counters ||
			   map == skel->maps.sequences || bpf_map__is_internal(map);

		if (!own && r == 0)
			r = bpf_map__set_autocreate(map, false);
	}
	return r;
}

static void close_kernel(struct kernel *k)
{
	ring_buffer__free(k->ring);
	emit_bpf__destroy(k->skel);
	free(k);
}

static struct kernel *open_kernel(size_t ring_bytes, uint64_t window_ns, uint64_t interval_ns,
				  uint64_t slack_ns)
{
	struct kernel *k = calloc(1, sizeof(*k));
	struct bl_globals *globals;

	assert_non_null(k);
	k->skel = emit_bpf__open();
	assert_non_null(k->skel);
	assert_int_equal(keep_own_maps(k->skel), 0);
	assert_int_equal(
		bpf_map__set_max_entries(k->skel->maps.scratches,
					 BL_SCRATCH_SPARES + (uint32_t)libbpf_num_possible_cpus() *
								     BL_SCRATCH_SLOTS),
		0);
	assert_int_equal(bpf_map__set_max_entries(k->skel->maps.ring, (uint32_t)ring_bytes), 0);
	assert_int_equal(emit_bpf__load(k->skel), 0);
	k->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.ring), on_record, k, NULL);
	assert_non_null(k->ring);
	globals = &k->skel->bss->globals;
	for (size_t i = 0; i < BL_KEYS; i++)
		globals->keys[i] = 0x9e3779b97f4a7c15ull * (2 * i + 3) | 1;
	globals->fold_window = window_ns;
	globals->limit_interval = interval_ns;
	globals->limit_slack = slack_ns;
	return k;
}

static void run(const struct bpf_program *program, void *ctx, uint32_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = size);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	assert_int_equal(opts.retval, 0);
}

static void emit(struct kernel *k, uint64_t acted, uint64_t times, uint64_t step)
{
	struct emit_query query = {
		.acted = acted,
		.rule = 5,
		.verdict = BL_VERDICT_DENY,
		.times = times,
		.step = step,
	};

	run(k->skel->progs.emit_records, &query, sizeof(query));
}

static void sweep(struct kernel *k, bool all)
{
	struct bl_sweep query = { .all = all };

	run(k->skel->progs.emit_sweep, &query, sizeof(query));
}

static uint64_t count(const struct kernel *k, uint32_t counter)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values = calloc((size_t)cpus, sizeof(*values)), sum = 0;

	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.counters), &counter, values),
			 0);
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	free(values);
	return sum;
}

static uint64_t lost_records(const struct kernel *k)
{
	return count(k, BL_COUNT_LOST_RING) + count(k, BL_COUNT_LOST_LIMIT);
}

static uint64_t missing(const struct kernel *k)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < CPUS_MAX; i++)
		sum += k->highest[i] - k->arrived[i];
	return sum;
}

/* Told, folded and lost are all that there was; and the numbers say the same. */
static void check_sums(struct kernel *k, uint64_t attempts)
{
	assert_int_equal(k->bad, 0);
	assert_int_equal(k->twice, 0);
	assert_int_equal(k->skel->bss->without_scratch, 0);
	assert_int_equal(count(k, BL_COUNT_DENIED), attempts);
	assert_int_equal(count(k, BL_COUNT_EVENTS), k->entries);
	assert_int_equal(count(k, BL_COUNT_FOLDED), count(k, BL_COUNT_UNFOLDED));
	assert_int_equal(k->told + lost_records(k) + count(k, BL_COUNT_LOST_REPEATS), attempts);
	assert_true(missing(k) <= lost_records(k));
}

static void repeats_are_folded(void **state)
{
	struct kernel *k = open_kernel(1u << 20, 3600 * SECOND_NS, 0, 0);

	emit(k, 77, 1000, 0);
	ring_buffer__consume(k->ring);
	assert_int_equal(k->entries, 1);
	assert_int_equal(k->last.folded, 0);
	/* Another object, which nobody folds into the first. */
	emit(k, 78, 1, 0);
	ring_buffer__consume(k->ring);
	assert_int_equal(k->entries, 2);
	sweep(k, false);
	ring_buffer__consume(k->ring);
	assert_int_equal(k->entries, 2);
	sweep(k, true);
	ring_buffer__consume(k->ring);
	assert_int_equal(k->entries, 3);
	assert_int_equal(k->last.folded, 998);
	assert_true(k->last.since_ns && k->last.since_ns <= k->last.time_ns);
	check_sums(k, 1001);
	close_kernel(k);
}

/* When the time is over the next one tells of those before. */
static void the_next_one_tells(void **state)
{
	struct kernel *k = open_kernel(1u << 20, 50000000, 0, 0);

	emit(k, 77, 10, 0);
	usleep(60000);
	emit(k, 77, 1, 0);
	ring_buffer__consume(k->ring);
	assert_int_equal(k->entries, 2);
	assert_int_equal(k->last.folded, 9);
	check_sums(k, 11);
	close_kernel(k);
}

static void nothing_is_folded_without_a_window(void **state)
{
	struct kernel *k = open_kernel(4u << 20, 0, 0, 0);

	emit(k, 77, 100, 0);
	ring_buffer__consume(k->ring);
	assert_int_equal(k->entries, 100);
	check_sums(k, 100);
	close_kernel(k);
}

/* So many at once, and no more; each that is lost has a number. */
static void a_rule_is_limited(void **state)
{
	struct kernel *k = open_kernel(4u << 20, SECOND_NS, 3600 * SECOND_NS, 9 * 3600 * SECOND_NS);

	emit(k, 1, 100, 1);
	emit(k, 1, 50, 0); /* the first of them again */
	sweep(k, true);
	ring_buffer__consume(k->ring);
	assert_int_equal(count(k, BL_COUNT_LOST_LIMIT), 90);
	assert_int_equal(k->entries, 11);
	assert_int_equal(k->told, 60);
	check_sums(k, 150);
	emit(k, 1000000, 1, 0);
	ring_buffer__consume(k->ring);
	assert_int_equal(count(k, BL_COUNT_LOST_LIMIT), 91);
	close_kernel(k);
}

/* What has no room is counted, with the repeats that it would have told of. */
static void a_full_ring(void **state)
{
	struct kernel *k = open_kernel(65536, 1000000, 0, 0);

	for (int i = 0; i < 20; i++) {
		emit(k, 1, 2000, i & 1);
		usleep(2000);
	}
	ring_buffer__consume(k->ring);
	assert_true(count(k, BL_COUNT_LOST_RING) > 0);
	sweep(k, true);
	for (int i = 0; i < 3; i++) {
		ring_buffer__consume(k->ring);
		sweep(k, true);
	}
	ring_buffer__consume(k->ring);
	check_sums(k, 40000);
	close_kernel(k);
}

struct worker {
	struct kernel *k;
	atomic_bool *go;
	uint64_t seed;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	while (!*worker->go)
		;
	/* One object that all are after, a few, and many. */
	for (uint64_t i = 0; i < 200; i++) {
		emit(worker->k, 1, 100, 0);
		emit(worker->k, 100 + (i + worker->seed) % 7, 20, 0);
		emit(worker->k, 1000 + i * 10 + worker->seed, 5, 1000000);
	}
	return NULL;
}

static void many_at_once(struct kernel *k)
{
	struct worker workers[THREADS];
	atomic_bool go = false;

	for (size_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .k = k, .go = &go, .seed = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	go = true;
	/* Swept and read meanwhile, as by the daemon. */
	for (int i = 0; i < 50; i++) {
		sweep(k, i & 1);
		ring_buffer__consume(k->ring);
		usleep(1000);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (int i = 0; i < 20; i++) {
		ring_buffer__consume(k->ring);
		sweep(k, true);
	}
	ring_buffer__consume(k->ring);
	check_sums(k, THREADS * 200 * 125);
}

static void sums_match_from_many_threads(void **state)
{
	struct kernel *k = open_kernel(16u << 20, 2000000, 0, 0);

	many_at_once(k);
	assert_true(k->folded > 0);
	close_kernel(k);
}

static void sums_match_with_losses(void **state)
{
	struct kernel *k = open_kernel(65536, 500000, 20000, 1000000);

	many_at_once(k);
	close_kernel(k);
}

/* Who has made the record is this very process. */
static void the_record_says_who(void **state)
{
	struct kernel *k = open_kernel(1u << 20, SECOND_NS, 0, 0);
	char cwd[256], name[64];
	struct stat ns;

	emit(k, 77, 1, 0);
	ring_buffer__consume(k->ring);
	assert_int_equal(k->entries, 1);
	assert_int_equal(k->last.pid, getpid());
	assert_int_equal(k->last.ppid, getppid());
	assert_true(k->last.parent_start_ns <= k->last.start_ns);
	assert_non_null(strstr(k->exe, "test_emit"));
	assert_non_null(strstr(k->argv, "test_emit"));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	/* Below a mount of its own the directory has another beginning for us. */
	assert_true(strlen(k->cwd) > 0 && k->cwd[0] == '/');
	static const char *const kinds[] = { "pid", "mnt", "net", "user" };
	const uint32_t numbers[] = { k->last.pid_ns, k->last.mnt_ns, k->last.net_ns,
				     k->last.user_ns };
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "/proc/self/ns/%s", kinds[i]);
		assert_int_equal(stat(name, &ns), 0);
		assert_int_equal(ns.st_ino, numbers[i]);
	}
	assert_true(k->last.capabilities);
	close_kernel(k);
}

/* Each program that reports carries all of this: what it takes to verify it is paid at each start, many times over. */
static void it_is_verified_soon(void **state)
{
	struct kernel *k = open_kernel(1u << 20, SECOND_NS, 0, 0);
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(k->skel->progs.emit_records), &info,
						&size),
			 0);
	printf("# %u instructions verified\n", info.verified_insns);
	assert_true(info.verified_insns && info.verified_insns < VERIFIED_MAX);
	close_kernel(k);
}

/* Skipped only where the kernel itself says that it runs no programs for this user. */
static int can_load(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 8, 1, &opts);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_are_folded),
		cmocka_unit_test(the_next_one_tells),
		cmocka_unit_test(nothing_is_folded_without_a_window),
		cmocka_unit_test(a_rule_is_limited),
		cmocka_unit_test(a_full_ring),
		cmocka_unit_test(sums_match_from_many_threads),
		cmocka_unit_test(sums_match_with_losses),
		cmocka_unit_test(the_record_says_who),
		cmocka_unit_test(it_is_verified_soon),
	};

	if (geteuid() != 0 || can_load(NULL) < 0) {
		printf("1..0 # SKIP this user may not load BPF programs here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
