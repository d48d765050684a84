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

/* An identifier of so many hexadecimal digits; "": there is none. */
static void read_id(const struct bl_shown *entry, const char *name, size_t digits, char *buf)
{
	const struct bl_shown_field *field = bl_shown_find(entry, name);

	*buf = '\0';
	if (!field || field->value_len != digits)
		return;
	for (size_t i = 0; i < digits; i++) {
		if (!isxdigit((unsigned char)field->value[i]))
			return;
	}
	memcpy(buf, field->value, digits);
	buf[digits] = '\0';
}

struct ids {
	char boot[33], invocation[33], series[17];
};

static bool is_run(const struct bl_verify_run *run, const struct ids *ids)
{
	if (strcmp(run->boot, ids->boot) != 0 || strcmp(run->series, ids->series) != 0)
		return false;
	return *ids->series || !strcmp(run->invocation, ids->invocation);
}

static struct bl_verify_run *add_run(struct bl_verify *verify, const struct bl_shown *entry,
				     const struct ids *ids)
{
	struct bl_verify_run *run =
		append(&verify->runs, &verify->n_runs, &verify->max_runs, sizeof(*run));

	if (!run)
		return NULL;
	memcpy(run->boot, ids->boot, sizeof(ids->boot));
	memcpy(run->series, ids->series, sizeof(ids->series));
	run->from_us = entry->realtime_us;
	return run;
}

/* What the daemon before has said is complete. */
static void end_daemon(struct bl_verify_run *run)
{
	const struct bl_verify_daemon *daemon = &run->daemon;

	if (!daemon->started)
		return;
	run->vanished += daemon->vanished;
	if (daemon->total > daemon->lost)
		run->lost_unsaid += daemon->total - daemon->lost;
}

static void begin_daemon(struct bl_verify_run *run, const char *invocation)
{
	if (run->daemons && !strcmp(run->invocation, invocation))
		return;
	end_daemon(run);
	run->daemons++;
	memcpy(run->invocation, invocation, sizeof(run->invocation));
	run->daemon = (struct bl_verify_daemon){ 0 };
	memcpy(run->daemon.invocation, invocation, sizeof(run->daemon.invocation));
}

static struct bl_verify_run *find_run(struct bl_verify *verify, const struct bl_shown *entry)
{
	struct bl_verify_run *run = NULL;
	struct ids ids;

	read_id(entry, "_BOOT_ID", 32, ids.boot);
	read_id(entry, "_SYSTEMD_INVOCATION_ID", 32, ids.invocation);
	read_id(entry, "BAILIFF_SERIES", 16, ids.series);
	if (verify->n_runs && is_run(&verify->runs[verify->latest], &ids))
		run = &verify->runs[verify->latest];
	for (size_t i = 0; i < verify->n_runs && !run; i++) {
		if (!is_run(&verify->runs[i], &ids))
			continue;
		verify->latest = i;
		run = &verify->runs[i];
	}
	if (!run) {
		verify->latest = verify->n_runs;
		run = add_run(verify, entry, &ids);
	}
	if (run)
		begin_daemon(run, ids.invocation);
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
	run->daemon.entries++;
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
static void check_seen(struct bl_verify_daemon *daemon, const struct bl_shown *entry)
{
	uint64_t seen, here = daemon->entries + daemon->own_lost;

	if (bl_shown_number(entry, "BAILIFF_SEEN", &seen) && seen > here &&
	    seen - here > daemon->vanished)
		daemon->vanished = seen - here;
}

static void add_lost(struct bl_verify_run *run, const struct bl_shown *entry)
{
	struct bl_verify_daemon *daemon = &run->daemon;
	uint64_t repeats;

	for (unsigned int i = 0; i < _BL_LOST_MAX; i++) {
		uint64_t lost = lost_by(entry, i);

		run->lost[i] += lost;
		daemon->lost += lost;
		if (i == BL_LOST_QUEUE || i == BL_LOST_MEMORY || i == BL_LOST_REFUSED)
			daemon->own_lost += lost;
	}
	if (bl_shown_number(entry, "BAILIFF_LOST_REPEATS", &repeats))
		run->lost_repeats += repeats;
}

/* A total that the daemon says: a message of losses may be lost itself. */
static void check_total(struct bl_verify_daemon *daemon, const struct bl_shown *entry)
{
	uint64_t total;

	if (bl_shown_number(entry, "BAILIFF_LOST_TOTAL", &total) && total > daemon->total)
		daemon->total = total;
}

/* Takes a number off a text; false: there is none. */
static bool take_number(const char **at, const char *end, uint64_t *ret)
{
	const char *from = *at;

	for (*ret = 0; *at < end && isdigit((unsigned char)**at); (*at)++) {
		if (*ret > (UINT64_MAX - 9) / 10)
			return false;
		*ret = *ret * 10 + (uint64_t)(**at - '0');
	}
	return *at > from;
}

/* "CPU:NUMBER,...": up to where the daemon has read. What comes before in this journal is none of its end. */
static int add_claims(struct bl_verify_run *run, const struct bl_shown *entry)
{
	const struct bl_shown_field *field = bl_shown_find(entry, "BAILIFF_NUMBERS");
	const char *at = field ? field->value : NULL;
	const char *end = field ? at + field->value_len : NULL;
	uint64_t number, claimed;

	while (at < end && take_number(&at, end, &number) && at < end && *at++ == ':' &&
	       take_number(&at, end, &claimed) && (at == end || *at++ == ',')) {
		struct bl_verify_cpu *cpu = find_cpu(run, number);

		if (!cpu)
			return -ENOMEM;
		if (!cpu->n_numbers && !cpu->has_base && !run->started) {
			cpu->has_base = true;
			cpu->base = claimed;
		}
		if (claimed > cpu->claimed)
			cpu->claimed = claimed;
	}
	return 0;
}

/* Numbers go on from where this daemon found them, or from where one before it has left them. */
static void add_started(struct bl_verify_run *run)
{
	run->daemon.started = true;
	if (!*run->series || (run->daemons == 1 && !run->entries))
		run->started = true;
}

int bl_verify_add(struct bl_verify *verify, const struct bl_shown *entry)
{
	struct bl_verify_run *run = find_run(verify, entry);
	struct bl_kind kind;
	int r;

	if (!run)
		return -ENOMEM;
	if (entry->realtime_us < run->from_us)
		run->from_us = entry->realtime_us;
	if (entry->realtime_us > run->to_us)
		run->to_us = entry->realtime_us;
	bl_kind_of(entry, &kind);
	if (kind.op)
		return add_verdict(run, entry);
	r = add_claims(run, entry);
	if (kind.message == BL_MESSAGE_STARTED)
		add_started(run);
	run->stopped = kind.message == BL_MESSAGE_STOPPED;
	if (kind.message == BL_MESSAGE_EVENTS_LOST)
		add_lost(run, entry);
	if (kind.message == BL_MESSAGE_EVENTS_LOST || kind.message == BL_MESSAGE_HEARTBEAT) {
		check_total(&run->daemon, entry);
		check_seen(&run->daemon, entry);
	}
	return r;
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

/* Up to which number all is of before this journal. */
static uint64_t base_of(const struct bl_verify_run *run, const struct bl_verify_cpu *cpu)
{
	if (cpu->has_base || run->started)
		return cpu->base;
	return cpu->n_numbers ? cpu->numbers[0] - 1 : cpu->claimed;
}

static int judge_cpu(const struct bl_verify_run *run, struct bl_verify_cpu *cpu)
{
	uint64_t before;
	int r = 0;

	if (cpu->n_numbers)
		qsort(cpu->numbers, cpu->n_numbers, sizeof(*cpu->numbers), compare_numbers);
	before = base_of(run, cpu);
	cpu->base = before;
	cpu->first = cpu->n_numbers ? cpu->numbers[0] : before + 1;
	cpu->last = cpu->n_numbers ? cpu->numbers[cpu->n_numbers - 1] : before;
	for (size_t i = 0; i < cpu->n_numbers && r == 0; i++) {
		if (i && cpu->numbers[i] == cpu->numbers[i - 1]) {
			cpu->duplicates++;
			continue;
		}
		cpu->present++;
		if (cpu->numbers[i] <= before)
			continue;
		r = add_gap(cpu, before + 1, cpu->numbers[i] - 1);
		before = cpu->numbers[i];
	}
	if (r == 0)
		r = add_gap(cpu, before + 1, cpu->claimed);
	if (cpu->claimed > cpu->last)
		cpu->last = cpu->claimed;
	return r;
}

static void judge_run(struct bl_verify_run *run)
{
	uint64_t lost = 0, known;

	end_daemon(run);
	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		lost += run->lost[i];
	for (size_t i = 0; i < run->n_cpus; i++) {
		run->missing += run->cpus[i].missing;
		run->duplicates += run->cpus[i].duplicates;
	}
	/* What is missing for no known reason is not accounted for by having been counted. */
	known = lost + run->lost_unsaid - run->lost[BL_LOST_GAP];
	run->unaccounted = run->missing > known ? run->missing - known : 0;
	if (run->vanished > run->unaccounted)
		run->unaccounted = run->vanished;
}

/* Messages that say of no series, of a daemon whose numbers are in one. */
static bool is_beside(const struct bl_verify *verify, const struct bl_verify_run *run)
{
	if (*run->series || run->entries || run->started || run->stopped || run->n_cpus)
		return false;
	for (size_t i = 0; i < verify->n_runs; i++) {
		const struct bl_verify_run *other = &verify->runs[i];

		if (*other->series && !strcmp(other->boot, run->boot))
			return true;
	}
	return false;
}

static void leave_out(struct bl_verify *verify)
{
	size_t n = 0;

	for (size_t i = 0; i < verify->n_runs; i++) {
		if (is_beside(verify, &verify->runs[i]))
			free_run(&verify->runs[i]);
		else
			verify->runs[n++] = verify->runs[i];
	}
	verify->n_runs = n;
}

int bl_verify_finish(struct bl_verify *verify, const struct bl_verify_run **ret, size_t *ret_n)
{
	leave_out(verify);
	for (size_t i = 0; i < verify->n_runs; i++) {
		struct bl_verify_run *run = &verify->runs[i];

		for (size_t j = 0; j < run->n_cpus; j++) {
			int r = judge_cpu(run, &run->cpus[j]);

			if (r < 0)
				return r;
		}
		if (run->n_cpus)
			qsort(run->cpus, run->n_cpus, sizeof(*run->cpus), compare_cpus);
		judge_run(run);
	}
	*ret = verify->runs;
	*ret_n = verify->n_runs;
	return 0;
}

bool bl_verify_is_good(const struct bl_verify_run *run)
{
	return !run->unaccounted && !run->duplicates;
}
