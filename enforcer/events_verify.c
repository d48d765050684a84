/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff events --verify: whether all events are in a journal, or accounted for. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "cleanup.h"
#include "events_verify.h"
#include "feed.h"
#include "verify.h"

#define GAPS_SHOWN 8	/* of one CPU; --json has up to the next */
#define GAPS_JSON  1000
#define US_PER_S   1000000

BL_DEFINE_CLEANUP(struct bl_verify *, bl_verify_free)

/* ---- text --------------------------------------------------------------------------------- */

static void print_time(uint64_t us)
{
	time_t seconds = (time_t)(us / US_PER_S);
	struct tm tm;
	char text[64];

	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%F %T", &tm))
		fputs(text, stdout);
}

static void print_gaps(const struct bl_verify_cpu *cpu)
{
	for (size_t i = 0; i < cpu->n_gaps && i < GAPS_SHOWN; i++) {
		const struct bl_verify_gap *gap = &cpu->gaps[i];

		printf("%s %" PRIu64, i ? "," : ":", gap->from);
		if (gap->to > gap->from)
			printf("-%" PRIu64, gap->to);
	}
	if (cpu->n_gaps > GAPS_SHOWN)
		printf(" and %zu more gaps", cpu->n_gaps - GAPS_SHOWN);
}

static void print_cpu(const struct bl_verify_run *run, const struct bl_verify_cpu *cpu)
{
	printf("  cpu %" PRIu64 ": %" PRIu64 " to %" PRIu64 ", ", cpu->cpu, cpu->base + 1,
	       cpu->last);
	if (cpu->last == cpu->base)
		fputs("none was made", stdout);
	else if (!cpu->missing)
		fputs("all there", stdout);
	else
		printf("%" PRIu64 " there, %" PRIu64 " missing", cpu->present, cpu->missing);
	print_gaps(cpu);
	if (cpu->duplicates)
		printf(", %" PRIu64 " there more than once", cpu->duplicates);
	putchar('\n');
}

static void print_lost(const struct bl_verify_run *run)
{
	const char *comma = " (";
	uint64_t sum = run->lost_unsaid;

	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		sum += run->lost[i];
	printf("  lost by the daemons' count: %" PRIu64, sum);
	for (unsigned int i = 0; i < _BL_LOST_MAX; i++) {
		if (!run->lost[i])
			continue;
		printf("%s%s %" PRIu64, comma, bl_lost_reason_name(i), run->lost[i]);
		comma = ", ";
	}
	if (run->lost_unsaid)
		printf("%sin messages that are lost too %" PRIu64, comma, run->lost_unsaid);
	puts(sum ? ")" : "");
	if (run->lost_repeats)
		printf("  and %" PRIu64 " repeats that these would have told of\n",
		       run->lost_repeats);
}

static void print_run(const struct bl_tool *tool, const struct bl_verify_run *run)
{
	bool good = bl_verify_is_good(run);

	printf("boot %.12s run %.12s, ", *run->boot ? run->boot : "unknown",
	       *run->invocation ? run->invocation : "unknown");
	print_time(run->from_us);
	fputs(" to ", stdout);
	print_time(run->to_us);
	printf(": %s%s%s\n", bl_tool_colour(tool, good ? BL_COLOUR_GOOD : BL_COLOUR_BAD),
	       !good	      ? "NOT ACCOUNTED FOR"
	       : run->missing ? "accounted for"
			      : "complete",
	       bl_tool_colour(tool, BL_COLOUR_OFF));
	printf("  %" PRIu64 " events", run->entries);
	if (run->folded)
		printf(", which stand for %" PRIu64 " repeats besides", run->folded);
	puts(run->started ? "" : "; the beginning of this run is not in this journal");
	for (size_t i = 0; i < run->n_cpus; i++)
		print_cpu(run, &run->cpus[i]);
	print_lost(run);
	if (run->daemons > 1)
		printf("  told by %zu daemons, one after the other\n", run->daemons);
	if (run->vanished)
		printf("  %" PRIu64 " events reached journald by the daemon's count and are not "
		       "here\n",
		       run->vanished);
	if (run->unaccounted)
		printf("  %" PRIu64 " events are missing for no reason that is known\n",
		       run->unaccounted);
	if (run->duplicates)
		printf("  %" PRIu64 " entries have no number or one that another entry has\n",
		       run->duplicates);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *cpu_value(const struct bl_verify_cpu *cpu)
{
	json_t *gaps = json_array();

	for (size_t i = 0; i < cpu->n_gaps && i < GAPS_JSON; i++)
		json_array_append_new(gaps, json_pack("[I, I]", (json_int_t)cpu->gaps[i].from,
						      (json_int_t)cpu->gaps[i].to));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b}", "cpu", (json_int_t)cpu->cpu,
			 "first", (json_int_t)cpu->first, "last", (json_int_t)cpu->last, "present",
			 (json_int_t)cpu->present, "missing", (json_int_t)cpu->missing,
			 "duplicates", (json_int_t)cpu->duplicates, "gaps", gaps, "gaps_cut",
			 cpu->n_gaps > GAPS_JSON);
}

static json_t *run_value(const struct bl_verify_run *run)
{
	json_t *lost = json_object(), *cpus = json_array();

	for (unsigned int i = 0; i < _BL_LOST_MAX; i++)
		json_object_set_new(lost, bl_lost_reason_name(i),
				    json_integer((json_int_t)run->lost[i]));
	json_object_set_new(lost, "unsaid", json_integer((json_int_t)run->lost_unsaid));
	for (size_t i = 0; i < run->n_cpus; i++)
		json_array_append_new(cpus, cpu_value(&run->cpus[i]));
	return json_pack(
		"{s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:f, s:f, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o}",
		"boot", run->boot, "invocation", run->invocation, "series", run->series, "daemons",
		(json_int_t)run->daemons, "good", bl_verify_is_good(run), "started", run->started,
		"stopped", run->stopped, "from", (double)run->from_us / US_PER_S, "to",
		(double)run->to_us / US_PER_S, "events", (json_int_t)run->entries, "folded",
		(json_int_t)run->folded, "missing", (json_int_t)run->missing, "lost", lost,
		"lost_repeats", (json_int_t)run->lost_repeats, "vanished",
		(json_int_t)run->vanished, "unaccounted", (json_int_t)run->unaccounted,
		"duplicates", (json_int_t)run->duplicates, "cpus", cpus);
}

static int print_json(const struct bl_verify_run *runs, size_t n, bool good)
{
	json_t *values = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(values, run_value(&runs[i]));
	return bl_tool_print_json(json_pack("{s:b, s:o}", "ok", good, "runs", values));
}

/* ------------------------------------------------------------------------------------------- */

static bool is_all_good(const struct bl_verify_run *runs, size_t n)
{
	bool good = true;

	for (size_t i = 0; i < n; i++)
		good &= bl_verify_is_good(&runs[i]);
	return good;
}

static int print_all(const struct bl_tool *tool, const struct bl_verify_run *runs, size_t n)
{
	bool good = is_all_good(runs, n);

	if (tool->json)
		return print_json(runs, n, good) < 0 ? BL_EXIT_INTERNAL
		       : good			     ? BL_EXIT_GOOD
						     : BL_EXIT_FINDINGS;
	for (size_t i = 0; i < n; i++)
		print_run(tool, &runs[i]);
	if (!n)
		puts("there is nothing of bailiffd in this journal");
	return fflush(stdout) == EOF ? BL_EXIT_INTERNAL : good ? BL_EXIT_GOOD : BL_EXIT_FINDINGS;
}

int bl_events_verify(const struct bl_tool *tool, struct bl_reader *reader)
{
	_cleanup_(bl_verify_freep) struct bl_verify *verify = NULL;
	const struct bl_verify_run *runs;
	struct bl_shown entry;
	size_t n;
	int r = bl_verify_new(&verify);

	while (r >= 0 && (r = bl_reader_next(reader, &entry)) > 0)
		r = bl_verify_add(verify, &entry);
	if (r < 0)
		return bl_feed_failed(tool, reader, r);
	r = bl_verify_finish(verify, &runs, &n);
	return r < 0 ? bl_feed_failed(tool, reader, r) : print_all(tool, runs, n);
}
