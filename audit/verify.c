/* SPDX-License-Identifier: Apache-2.0 */
/* Are they all there? Sequence numbers in a journal against what the daemon says was lost. */
#include "verify.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kind.h"

#define FIRST_ITEMS 16

struct bl_verify {
	struct bl_verify_run *runs;
	size_t n_runs, max_runs;
	size_t latest; /* entries of one run follow each other, mostly */
};

int bl_verify_new(struct bl_verify **ret)
{
	struct bl_verify *verify = calloc(1, sizeof(*verify));

	if (!verify)
		return -ENOMEM;
	*ret = verify;
	return 0;
}

static void free_run(struct bl_verify_run *run)
{
	for (size_t i = 0; i < run->n_cpus; i++) {
		free(run->cpus[i].numbers);
		free(run->cpus[i].gaps);
	}
	free(run->cpus);
}

void bl_verify_free(struct bl_verify *verify)
{
	if (!verify)
		return;
	for (size_t i = 0; i < verify->n_runs; i++)
		free_run(&verify->runs[i]);
	free(verify->runs);
	free(verify);
}

/* Room for one item more, zeroed. Returns it, or NULL without memory. */
static void *append(void *array, size_t *n, size_t *max, size_t size)
{
	void **items = array;
	void *item;

	if (*n == *max) {
		size_t more = *max ? 2 * *max : FIRST_ITEMS;
		void *moved = reallocarray(*items, more, size);

		if (!moved)
			return NULL;
		*items = moved;
		*max = more;
	}
	item = (char *)*items + (*n)++ * size;
	memset(item, 0, size);
	return item;
}

/* ---- whose an entry is -------------------------------------------------------------------- */

static void read_id(const struct bl_shown *entry, const char *name, char buf[static 33])
{
	const struct bl_shown_field *field = bl_shown_find(entry, name);

	*buf = '\0';
	if (!field || field->value_len != 32)
		return;
	for (size_t i = 0; i < 32; i++) {
		if (!isxdigit((unsigned char)field->value[i]))
			return;
	}
	memcpy(buf, field->value, 32);
	buf[32] = '\0';
}

static bool is_run(const struct bl_verify_run *run, const char *boot, const char *invocation,
		   uint64_t other)
{
	return !strcmp(run->invocation, invocation) && !strcmp(run->boot, boot) &&
	       run->other == other;
}

static struct bl_verify_run *find_run(struct bl_verify *verify, const struct bl_shown *entry,
				      bool is_verdict)
{
	char boot[33], invocation[33];
	struct bl_verify_run *run;
	uint64_t other = 0;

	read_id(entry, "_BOOT_ID", boot);
	read_id(entry, "_SYSTEMD_INVOCATION_ID", invocation);
	if (is_verdict)
		bl_shown_number(entry, "BAILIFF_SERIES", &other);
	if (verify->n_runs && is_run(&verify->runs[verify->latest], boot, invocation, other))
		return &verify->runs[verify->latest];
	for (size_t i = 0; i < verify->n_runs; i++) {
		verify->latest = i;
		if (is_run(&verify->runs[i], boot, invocation, other))
			return &verify->runs[i];
	}
	verify->latest = verify->n_runs;
	run = append(&verify->runs, &verify->n_runs, &verify->max_runs, sizeof(*run));
	if (!run)
		return NULL;
	memcpy(run->boot, boot, sizeof(boot));
	memcpy(run->invocation, invocation, sizeof(invocation));
	run->from_us = entry->realtime_us;
	run->series = run->other = other;
	return run;
}

static struct bl_verify_cpu *find_cpu(struct bl_verify_run *run, uint64_t number)
{
	struct bl_verify_cpu *cpu;

	for (size_t i = 0; i < run->n_cpus; i++) {
		if (run->cpus[i].cpu == number)
			return &run->cpus[i];
	}
	cpu = append(&run->cpus, &run->n_cpus, &run->max_cpus, sizeof(*cpu));
	if (cpu)
		cpu->cpu = number;
	return cpu;
}

/* ---- what it says ------------------------------------------------------------------------- */

static int add_verdict(struct bl_verify_run *run, const struct bl_shown *entry)
{
	uint64_t number, seq, *place;
	struct bl_verify_cpu *cpu;

	run->entries++;
	run->folded += bl_shown_times(entry) - 1;
	/* An entry without a number is not ours; it counts as one that is there twice. */
	if (!bl_shown_number(entry, "BAILIFF_CPU", &number) ||
	    !bl_shown_number(entry, "BAILIFF_SEQ", &seq) || !seq) {
		run->duplicates++;
		return 0;
	}
	cpu = find_cpu(run, number);
	place = cpu ? append(&cpu->numbers, &cpu->n_numbers, &cpu->max_numbers, sizeof(*place))
		    : NULL;
	if (!place)
		return -ENOMEM;
	*place = seq;
	return 0;
}

/* The field of a reason, as audit/report.c names it. */
static uint64_t lost_by(const struct bl_shown *entry, enum bl_lost_reason reason)
{
	char name[64] = "BAILIFF_LOST_";
	uint64_t number = 0;
	size_t len = strlen(name);

	for (const char *at = bl_lost_reason_name(reason); *at; at++)
		name[len++] = (char)toupper((unsigned char)*at);
	name[len] = '\0';
	return bl_shown_number(entry, name, &number) ? number : 0;
}

/*
 * What had arrived in the daemon when it wrote this was handed to journald before, but for what the daemon itself
 * has lost.
 */
static void check_seen(struct bl_verify_run *run, const struct bl_shown *entry)
{
	uint64_t seen, here = run->entries + run->daemon_lost;

	if (bl_shown_number(entry, "BAILIFF_SEEN", &seen) && seen > here &&
	    seen - here > run->vanished)
		run->vanished = seen - here;
}

static void add_lost(struct bl_verify_run *run, const struct bl_shown *entry)
{
	uint64_t total;

	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		run->lost[i] += lost_by(entry, i);
	if (bl_shown_number(entry, "BAILIFF_LOST_TOTAL", &total) && total > run->lost_total)
		run->lost_total = total;
	run->daemon_lost =
		run->lost[BL_LOST_QUEUE] + run->lost[BL_LOST_MEMORY] + run->lost[BL_LOST_REFUSED];
	check_seen(run, entry);
}

int bl_verify_add(struct bl_verify *verify, const struct bl_shown *entry)
{
	struct bl_verify_run *run;
	struct bl_kind kind;

	bl_kind_of(entry, &kind);
	run = find_run(verify, entry, kind.op);
	if (!run)
		return -ENOMEM;
	if (entry->realtime_us < run->from_us)
		run->from_us = entry->realtime_us;
	if (entry->realtime_us > run->to_us)
		run->to_us = entry->realtime_us;
	if (kind.op)
		return add_verdict(run, entry);
	if (kind.message == BL_MESSAGE_STARTED) {
		run->started = true;
		run->took_over |= bl_shown_find(entry, "BAILIFF_TOOK_OVER") != NULL;
		bl_shown_number(entry, "BAILIFF_SERIES", &run->series);
	}
	run->stopped |= kind.message == BL_MESSAGE_STOPPED;
	if (kind.message == BL_MESSAGE_EVENTS_LOST)
		add_lost(run, entry);
	return 0;
}

/* ---- the outcome -------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int compare_cpus(const void *a, const void *b)
{
	const struct bl_verify_cpu *x = a, *y = b;

	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static int add_gap(struct bl_verify_cpu *cpu, uint64_t from, uint64_t to)
{
	struct bl_verify_gap *gap;

	if (from > to)
		return 0;
	gap = append(&cpu->gaps, &cpu->n_gaps, &cpu->max_gaps, sizeof(*gap));
	if (!gap)
		return -ENOMEM;
	*gap = (struct bl_verify_gap){ from, to };
	cpu->missing += to - from + 1;
	return 0;
}

/* Numbers that are wanted begin behind before; below 0: where the first is. */
static int judge_cpu(struct bl_verify_cpu *cpu, int64_t begin)
{
	uint64_t before;
	int r = 0;

	qsort(cpu->numbers, cpu->n_numbers, sizeof(*cpu->numbers), compare_numbers);
	cpu->first = cpu->numbers[0];
	cpu->last = cpu->numbers[cpu->n_numbers - 1];
	before = begin < 0 ? cpu->first - 1 : (uint64_t)begin;
	cpu->from = before + 1;
	for (size_t i = 0; i < cpu->n_numbers && r == 0; i++) {
		if (i && cpu->numbers[i] == cpu->numbers[i - 1]) {
			cpu->duplicates++;
			continue;
		}
		cpu->present++;
		/* A number that the run before has got to was overtaken by it. */
		r = cpu->numbers[i] > before ? add_gap(cpu, before + 1, cpu->numbers[i] - 1) : 0;
		if (cpu->numbers[i] > before)
			before = cpu->numbers[i];
	}
	return r;
}

/* Of one series in one boot: what a daemon has taken over from the one before. */
static bool same_series(const struct bl_verify_run *a, const struct bl_verify_run *b)
{
	return a->series && a->series == b->series && !strcmp(a->boot, b->boot);
}

/* Where the numbers of a CPU are after the runs before this one; below 0: none is known. */
static int64_t reached(const struct bl_verify *verify, const struct bl_verify_run *run,
		       uint64_t number)
{
	int64_t last = -1;

	for (const struct bl_verify_run *other = verify->runs; other < run; other++) {
		if (!same_series(other, run))
			continue;
		if (last < 0)
			last = other->began_series ? 0 : last;
		for (size_t i = 0; i < other->n_cpus; i++) {
			const struct bl_verify_cpu *cpu = &other->cpus[i];

			if (cpu->cpu == number && (int64_t)cpu->last > last)
				last = (int64_t)cpu->last;
		}
	}
	return last;
}

static bool is_first_of_series(const struct bl_verify *verify, const struct bl_verify_run *run)
{
	for (const struct bl_verify_run *other = verify->runs; other < run; other++)
		if (same_series(other, run))
			return false;
	return true;
}

static uint64_t known_losses(const struct bl_verify_run *run)
{
	uint64_t known = run->lost_unsaid;

	/* What is missing for no known reason is not accounted for by having been counted. */
	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		known += i == BL_LOST_GAP ? 0 : run->lost[i];
	return known;
}

static void judge_run(struct bl_verify_run *run)
{
	uint64_t lost = 0, known;

	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		lost += run->lost[i];
	run->lost_unsaid = run->started && run->lost_total > lost ? run->lost_total - lost : 0;
	for (size_t i = 0; i < run->n_cpus; i++) {
		run->missing += run->cpus[i].missing;
		run->duplicates += run->cpus[i].duplicates;
	}
	if (!run->started)
		run->vanished = 0;
	known = known_losses(run);
	run->unaccounted = run->missing > known ? run->missing - known : 0;
	run->spare = known > run->missing ? known - run->missing : 0;
}

/* A daemon that is ended has not told its last losses: the next one does. */
static void settle_later(struct bl_verify *verify, struct bl_verify_run *run)
{
	for (size_t i = 0; i < verify->n_runs && run->unaccounted; i++) {
		struct bl_verify_run *later = &verify->runs[i];
		uint64_t taken;

		if (later <= run || !same_series(run, later))
			continue;
		taken = later->spare < run->unaccounted ? later->spare : run->unaccounted;
		later->spare -= taken;
		run->unaccounted -= taken;
	}
}

static int judge_cpus(struct bl_verify *verify, struct bl_verify_run *run)
{
	bool first = is_first_of_series(verify, run);

	run->began_series = run->started && first && !run->took_over;
	for (size_t i = 0; i < run->n_cpus; i++) {
		struct bl_verify_cpu *cpu = &run->cpus[i];
		int64_t begin = first ? (run->began_series ? 0 : -1)
				      : reached(verify, run, cpu->cpu);
		int r = judge_cpu(cpu, begin);

		if (r < 0)
			return r;
	}
	if (run->n_cpus)
		qsort(run->cpus, run->n_cpus, sizeof(*run->cpus), compare_cpus);
	return 0;
}

int bl_verify_finish(struct bl_verify *verify, const struct bl_verify_run **ret, size_t *ret_n)
{
	for (size_t i = 0; i < verify->n_runs; i++) {
		int r = judge_cpus(verify, &verify->runs[i]);

		if (r < 0)
			return r;
		judge_run(&verify->runs[i]);
	}
	for (size_t i = 0; i < verify->n_runs; i++) {
		struct bl_verify_run *run = &verify->runs[i];

		settle_later(verify, run);
		if (run->vanished > run->unaccounted)
			run->unaccounted = run->vanished;
	}
	*ret = verify->runs;
	*ret_n = verify->n_runs;
	return 0;
}

bool bl_verify_is_good(const struct bl_verify_run *run)
{
	return !run->unaccounted && !run->duplicates;
}
