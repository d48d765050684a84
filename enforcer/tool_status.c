/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff status: what the daemon enforces, how, and whether anything got lost. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "client.h"
#include "handover.h"
#include "kept.h"
#include "pins.h"
#include "tool.h"

enum { OPTION_RULES = 1 };

#define ABSENT_SHOWN 10 /* rules without an object; --json has them all */

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_duration(double seconds)
{
	long long s = (long long)seconds;

	if (s >= 86400)
		printf("%lld d %lld h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		printf("%lld h %lld min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		printf("%lld min %lld s", s / 60, s % 60);
	else
		printf("%lld s", s);
}

static void print_files(const struct bl_tool *tool, const json_t *policy)
{
	const json_t *files = json_object_get(policy, "files");
	size_t i;
	json_t *file;

	json_array_foreach(files, i, file) {
		_cleanup_free_ char *path = bl_tool_text(file, "path");
		_cleanup_free_ char *mode = bl_tool_text(file, "mode");
		_cleanup_free_ char *force = bl_tool_text(file, "in_force");

		printf("  %s: %lld rules, %s%s%s%s\n", path, number(file, "rules"), force,
		       strcmp(mode, force) ? " (the file says " : "",
		       strcmp(mode, force) ? mode : "", strcmp(mode, force) ? ")" : "");
	}
}

static void print_policy(const struct bl_tool *tool, const json_t *policy)
{
	time_t loaded = (time_t)json_number_value(json_object_get(policy, "loaded"));
	_cleanup_free_ char *digest = bl_tool_text(policy, "digest");
	struct tm tm;
	char when[64] = "";

	if (localtime_r(&loaded, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("policy:  generation %lld, loaded %s in %lld ms, swapped in %.1f ms\n"
	       "         %lld rules in %zu files, %lld KiB of tables\n"
	       "         digest %s\n",
	       number(policy, "generation"), when, number(policy, "took_ms"),
	       (double)number(policy, "swap_us") / 1000, number(policy, "rules"),
	       json_array_size(json_object_get(policy, "files")), number(policy, "bytes") / 1024,
	       digest);
	print_files(tool, policy);
}

static void print_hooks(const json_t *hooks)
{
	size_t i, attached = 0;
	json_t *hook;

	printf("hooks:  ");
	json_array_foreach(hooks, i, hook) {
		_cleanup_free_ char *name = bl_tool_text(hook, "hook");

		if (!json_is_true(json_object_get(hook, "attached")))
			continue;
		printf(" %s", name);
		attached++;
	}
	puts(attached ? "" : " none: no rule needs one");
}

/* Hard links to what rules mention. */
static void print_names(const struct bl_tool *tool, const json_t *names, bool looking,
			long long full)
{
	bool complete = json_is_true(json_object_get(names, "complete"));

	printf("names:   %lld of %lld files looked at have several", number(names, "linked"),
	       number(names, "looked_at"));
	if (looking)
		printf(" so far");
	else if (!complete)
		printf(", %snot all were looked at%s", bl_tool_colour(tool, BL_COLOUR_BAD),
		       bl_tool_colour(tool, BL_COLOUR_OFF));
	putchar('\n');
	if (full)
		printf("         %sthere was no room %lld times%s: what rules refuse of such a file they "
		       "refuse of all files with several names of that owner\n",
		       bl_tool_colour(tool, BL_COLOUR_BAD), full,
		       bl_tool_colour(tool, BL_COLOUR_OFF));
}

/* Rules that nothing on this host is of. */
static void print_absent(const json_t *absent)
{
	size_t i;
	json_t *rule;

	json_array_foreach(absent, i, rule) {
		_cleanup_free_ char *id = bl_tool_text(rule, "rule");
		_cleanup_free_ char *key = bl_tool_text(rule, "key");
		const json_t *paths = json_object_get(rule, "paths");
		const char *path = json_string_value(json_array_get(paths, 0));
		_cleanup_free_ char *shown = path ? bl_printable(path, strlen(path)) : NULL;

		if (i == ABSENT_SHOWN) {
			printf("         and of %zu rules more\n", json_array_size(absent) - i);
			return;
		}
		printf("%s \"%s\" of rule %s does not exist yet%s\n",
		       i ? "        " : "absent: ", shown ? shown : "", id,
		       strncmp(key, "by.", strlen("by.")) == 0 ? ", and so nobody is meant" : "");
	}
}

static void print_counters(const struct bl_tool *tool, const json_t *status)
{
	const json_t *counters = json_object_get(status, "counters");
	const json_t *journal = json_object_get(status, "journal");
	long long in_kernel = number(counters, "lost_ring") + number(counters, "lost_scratch") +
			      number(counters, "lost_limit");
	long long lost = in_kernel + number(journal, "dropped_full") +
			 number(journal, "dropped_memory") + number(journal, "dropped_refused");

	printf("counted: %lld denied, %lld alerted, %lld failed closed\n",
	       number(counters, "denied"), number(counters, "alerted"),
	       number(counters, "failed_closed"));
	if (number(counters, "ancestors_lost"))
		printf("lineage: %lld programs or processes had no room: under another policy they may come "
		       "from anything\n",
		       number(counters, "ancestors_lost"));
	if (number(counters, "cgroups_lost"))
		printf("cgroups: %lld had no room: they may be called anything, which no exception is made for\n",
		       number(counters, "cgroups_lost"));
	printf("events:  %lld delivered, %s%lld lost%s", number(status, "delivered"),
	       bl_tool_colour(tool, lost ? BL_COLOUR_BAD : BL_COLOUR_OFF), lost,
	       bl_tool_colour(tool, BL_COLOUR_OFF));
	if (lost)
		printf(" (%lld in the kernel)", in_kernel);
	if (number(counters, "lost_limit"))
		printf(", %lld for being more than a rule may make",
		       number(counters, "lost_limit"));
	if (number(counters, "folded"))
		printf(", %lld folded into others", number(counters, "folded"));
	if (number(journal, "waiting"))
		printf(", %lld wait for journald", number(journal, "waiting"));
	putchar('\n');
}

static void print_status(const struct bl_tool *tool, const json_t *status)
{
	const json_t *policy = json_object_get(status, "policy");
	_cleanup_free_ char *version = bl_tool_text(status, "version");
	_cleanup_free_ char *engine = bl_tool_text(status, "engine");
	_cleanup_free_ char *kernel = bl_tool_text(status, "kernel");
	_cleanup_free_ char *mode = bl_tool_text(status, "mode");

	printf("%sbailiffd %s%s, pid %lld, up ", bl_tool_colour(tool, BL_COLOUR_BOLD), version,
	       bl_tool_colour(tool, BL_COLOUR_OFF), number(status, "pid"));
	print_duration(json_number_value(json_object_get(status, "uptime_sec")));
	printf("%s%s\n", json_is_true(json_object_get(status, "reloading")) ? ", reloading" : "",
	       json_is_true(json_object_get(status, "loading"))
		       ? ", loading what no rule needs so far"
		       : "");
	printf("engine:  %s on %s\n", engine, kernel);
	printf("mode:    %s%s\n", mode,
	       strcmp(mode, "monitor") == 0 ? " (nothing is refused)" : "");
	if (json_is_object(policy))
		print_policy(tool, policy);
	print_hooks(json_object_get(status, "hooks"));
	print_names(tool, json_object_get(status, "names"),
		    json_is_true(json_object_get(status, "reloading")),
		    number(json_object_get(status, "counters"), "links_full"));
	print_absent(json_object_get(status, "absent"));
	print_counters(tool, status);
}

/* ---- without a daemon --------------------------------------------------------------------- */

/* The one of both slots that was put in force last; NULL: none is known. */
static struct bl_generation *kept_generation(int names, struct bl_kept *ret_kept)
{
	struct bl_generation *found = NULL;

	for (uint32_t slot = 0; slot < 2; slot++) {
		_cleanup_free_ uint8_t *text = NULL;
		struct bl_generation *generation = NULL;
		struct bl_kept kept;
		size_t len;

		if (bl_left_get(names, slot, &text, &len) < 0 ||
		    bl_kept_read(text, len, &kept, &generation) < 0)
			continue;
		if (!kept.in_force || (found && found->number > generation->number)) {
			bl_generation_free(generation);
			continue;
		}
		bl_generation_free(found);
		found = generation;
		*ret_kept = kept;
	}
	return found;
}

static void print_kept(const struct bl_tool *tool, const struct bl_generation *generation,
		       const struct bl_kept *kept)
{
	printf("policy:  generation %" PRIu32 ", %zu rules in %zu files, ceiling %s\n"
	       "         digest %s\n",
	       generation->number, generation->n_rules, generation->n_files,
	       bl_mode_name(kept->ceiling), generation->digest);
	for (size_t i = 0; i < generation->n_files; i++) {
		const struct bl_file_meta *file = &generation->files[i];
		_cleanup_free_ char *path = bl_printable(file->path, strlen(file->path));

		printf("  %s: %" PRIu32 " rules, %s\n", path ? path : "", file->rules,
		       bl_mode_name(BL_MIN(file->mode, kept->ceiling)));
	}
}

static int print_left(const struct bl_tool *tool, size_t links, const struct bl_generation *left,
		      const struct bl_kept *kept)
{
	json_t *policy = NULL;

	if (!tool->json) {
		printf("%sno daemon runs%s; what it has left is in force: %zu hooks\n",
		       bl_tool_colour(tool, BL_COLOUR_BAD), bl_tool_colour(tool, BL_COLOUR_OFF),
		       links);
		if (left)
			print_kept(tool, left, kept);
		puts("Events are kept as there is room. 'systemctl start bailiffd' takes it over, 'bailiff "
		     "unload' lifts it.");
		return BL_EXIT_RIGHT;
	}
	if (left)
		policy = json_pack("{s:I, s:s, s:I, s:I, s:s}", "generation",
				   (json_int_t)left->number, "digest", left->digest, "rules",
				   (json_int_t)left->n_rules, "files", (json_int_t)left->n_files,
				   "ceiling", bl_mode_name(kept->ceiling));
	if (bl_tool_print_json(json_pack("{s:b, s:{s:s, s:s}, s:{s:I, s:o*}}", "ok", 0, "error",
					 "code", "no-daemon", "message", "bailiffd is not running",
					 "left_in_force", "hooks", (json_int_t)links, "policy",
					 policy)) < 0)
		return BL_EXIT_INTERNAL;
	return BL_EXIT_RIGHT;
}

/* Says what is in force without a daemon. Returns whether anything is; who is not root can't see it. */
static bool show_left(const struct bl_tool *tool, int *ret_code)
{
	_cleanup_(bl_generation_freep) struct bl_generation *left = NULL;
	_cleanup_(bl_pins_freep) struct bl_pins *pins = NULL;
	_cleanup_close_ int names = -1;
	struct bl_kept kept;
	size_t links;

	if (bl_pins_new(&pins) < 0 || bl_pins_look(pins) < 0)
		return false;
	links = bl_pins_count_links(pins);
	if (!links)
		return false;
	names = bl_pins_map(pins, "names");
	if (names >= 0)
		left = kept_generation(names, &kept);
	*ret_code = print_left(tool, links, left, &kept);
	return true;
}

/* As bl_tool_call() does, but that no daemon is not the end of what can be said. */
static int ask(const struct bl_tool *tool, json_t **ret)
{
	_cleanup_free_ char *text = NULL;
	int code, r = bl_client_call(tool->socket, json_pack("{s:s}", "command", "status"),
				     BL_TOOL_TIMEOUT_SEC, ret, &text);

	if (r == 0)
		return BL_EXIT_GOOD;
	if (r == -ENOENT && show_left(tool, &code))
		return code;
	bl_tool_error(tool, r == -EACCES ? "no-right" : "no-daemon", text ? text : strerror(-r));
	return BL_EXIT_RIGHT;
}

/* ---- the command -------------------------------------------------------------------------- */

static int on_option(void *userdata, int option, const char *value)
{
	*(bool *)userdata = true;
	return 0;
}

int bl_tool_status(struct bl_tool *tool, const struct bl_command *command, int argc, char **argv)
{
	static const struct option own[] = {
		{ "rules", no_argument, NULL, OPTION_RULES },
		{ 0 },
	};
	_cleanup_json_ json_t *status = NULL;
	bool with_rules = false;
	int first, code;

	first = bl_tool_parse(tool, command, argc, argv, "", own, on_option, &with_rules, &code);
	if (first < 0)
		return code;
	if (!bl_tool_no_arguments(command, argc, argv, first))
		return BL_EXIT_USAGE;
	code = ask(tool, &status);
	if (code != BL_EXIT_GOOD)
		return code;
	if (tool->json && with_rules) {
		json_t *rules = bl_tool_fetch_rules(tool, &code);

		if (!rules)
			return code;
		json_object_set_new(status, "rules", rules);
	}
	if (tool->json)
		return bl_tool_print_json(json_incref(status)) < 0 ? BL_EXIT_INTERNAL
								   : BL_EXIT_GOOD;
	print_status(tool, status);
	return with_rules ? bl_tool_print_rules(tool) : BL_EXIT_GOOD;
}
