/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations as text and as JSON. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "explain_show.h"

/* ---- what both say ------------------------------------------------------------------------ */

static const char *verdict_of(const struct bl_shown_explanation *shown, const struct bl_rule *rule)
{
	return bl_verdict_name(bl_rule_verdict(shown->policy, rule));
}

static const struct bl_rule *winner_of(const struct bl_shown_explanation *shown)
{
	const struct bl_answer *answer = &shown->explanation->answer;

	return answer->verdict == BL_VERDICT_ALLOW ? NULL : &shown->policy->rules[answer->rule];
}

/* Why an event can say something else. */
static const char *note_of(const struct bl_shown_explanation *shown)
{
	const struct bl_told *told = shown->told;
	const struct bl_rule *winner = winner_of(shown);
	bool same = told && told->verdict &&
		    strcmp(told->verdict, bl_verdict_name(shown->explanation->answer.verdict)) ==
			    0 &&
		    winner && told->rule && strcmp(told->rule, winner->id) == 0;

	if (shown->explanation->unnamed)
		return "the path is too long or too deep to be walked: what matches is what can match any such path";
	if (shown->monitor && shown->explanation->answer.verdict >= BL_VERDICT_DENY)
		return "bailiff.conf has the mode monitor: bailiffd refuses nothing";
	if (!told || same)
		return NULL;
	if (told->interrupted)
		return "a packet brought it about: the process of the event has nothing to do with it";
	if (!shown->same_policy)
		return "another policy was in force then";
	if (told->truncated)
		return "the event has not all of the names";
	return "the kernel knew more than the event says: a further group, another name of the file, a directory "
	       "above it, or the mode in bailiff.conf";
}

/* What rules ask of the subject and the event doesn't say. */
static uint32_t unknown_of(const struct bl_shown_explanation *shown)
{
	return shown->told ? shown->told->unknown & bl_explain_asked(shown->policy) : 0;
}

/* ---- text --------------------------------------------------------------------------------- */

static void print_place(const struct bl_shown_explanation *shown, const struct bl_place *place)
{
	_cleanup_free_ char *file = NULL;
	const char *path = shown->policy->files[place->file].path;

	file = bl_printable(path, strlen(path));
	printf("  %s:%u:%u: ", file ? file : "?", place->line, place->column);
}

static void print_unknown(const struct bl_shown_explanation *shown)
{
	uint32_t unknown = unknown_of(shown);
	const char *comma = "note: the event does not say ";

	for (uint32_t key = 0; key < BL_KEY_UNLESS; key++) {
		if (!(unknown & BL_KEY_BIT(key)))
			continue;
		printf("%s%s", comma, bl_key_name(key));
		comma = ", ";
	}
	if (unknown)
		putchar('\n');
}

static void print_rule(const struct bl_shown_explanation *shown, const struct bl_rule *rule)
{
	print_place(shown, &rule->place);
	printf("%s, %s, severity %s\n", rule->id, verdict_of(shown, rule),
	       bl_severity_name(rule->severity));
}

static void print_rules(const struct bl_shown_explanation *shown, const char *title,
			const struct bl_rule *const *rules, size_t n)
{
	if (n)
		printf("\n%s:\n", title);
	for (size_t i = 0; i < n; i++)
		print_rule(shown, rules[i]);
}

static int print_failing(const struct bl_shown_explanation *shown, const struct bl_near *near)
{
	for (uint32_t key = 0; key < BL_KEY_UNLESS; key++) {
		_cleanup_free_ char *wanted = NULL, *found = NULL;

		if (!(near->failing & BL_KEY_BIT(key)))
			continue;
		wanted = bl_key_wanted(near->match, key);
		found = bl_key_found(shown->query, key);
		if (!wanted || !found)
			return -ENOMEM;
		printf("      %s: wants %s; is %s\n", bl_key_name(key), wanted, found);
	}
	return 0;
}

static int print_nearest(const struct bl_shown_explanation *shown)
{
	const struct bl_explanation *explanation = shown->explanation;
	int r = 0;

	if (explanation->n_nearest)
		fputs("\nnearest rules that do not match:\n", stdout);
	for (size_t i = 0; r == 0 && i < explanation->n_nearest; i++) {
		const struct bl_near *near = &explanation->nearest[i];

		print_rule(shown, near->rule);
		r = print_failing(shown, near);
		if (near->except) {
			const struct bl_place *place = &near->except->place;
			const char *path = shown->policy->files[place->file].path;
			_cleanup_free_ char *file = bl_printable(path, strlen(path));

			printf("      unless: the exception at %s:%u:%u holds\n", file ? file : "?",
			       place->line, place->column);
		}
	}
	return r;
}

static int print_excepts(const struct bl_shown_explanation *shown)
{
	const struct bl_explanation *explanation = shown->explanation;
	int r = 0;

	if (explanation->n_excepts)
		printf("\nnearest exceptions of %s:\n", explanation->excepts[0].rule->id);
	for (size_t i = 0; r == 0 && i < explanation->n_excepts; i++) {
		const struct bl_near *near = &explanation->excepts[i];

		print_place(shown, &near->match->place);
		puts(near->failing ? "does not hold" : "holds for a part of it only");
		r = print_failing(shown, near);
	}
	return r;
}

static void print_exception(const struct bl_shown_explanation *shown)
{
	const struct bl_explanation *explanation = shown->explanation;

	if (explanation->answer.verdict == BL_VERDICT_ALLOW)
		return;
	if (!explanation->exception) {
		printf("\nthere is no exception for it: %s\n",
		       explanation->unnamed ? "none can name such a path"
					    : "a rule has as many as it can have");
		return;
	}
	printf("\nto %s, put this into a policy file of its own:\n\n%s",
	       explanation->after == BL_VERDICT_ALLOW ? "allow it" : "have it reported only",
	       explanation->exception);
}

static void print_told(const struct bl_shown_explanation *shown)
{
	const struct bl_told *told = shown->told;
	_cleanup_free_ char *verdict = NULL, *rule = NULL, *time = NULL;

	if (!told)
		return;
	verdict = bl_printable(told->verdict ? told->verdict : "?",
			       strlen(told->verdict ? told->verdict : "?"));
	rule = bl_printable(told->rule ? told->rule : "?", strlen(told->rule ? told->rule : "?"));
	time = bl_printable(told->time ? told->time : "?", strlen(told->time ? told->time : "?"));
	printf("event of %s: %s by %s\n", time ? time : "?", verdict ? verdict : "?",
	       rule ? rule : "?");
}

static enum bl_colour colour_of(enum bl_verdict verdict)
{
	if (verdict >= BL_VERDICT_DENY)
		return BL_COLOUR_BAD;
	return verdict == BL_VERDICT_ALLOW ? BL_COLOUR_GOOD : BL_COLOUR_DOUBT;
}

int bl_explanation_print(const struct bl_tool *tool, const struct bl_shown_explanation *shown)
{
	const struct bl_explanation *explanation = shown->explanation;
	const struct bl_rule *winner = winner_of(shown);
	const char *note = note_of(shown);
	int r;

	print_told(shown);
	printf("%s: %s%s%s%s%s\n", shown->access,
	       bl_tool_colour(tool, colour_of(explanation->answer.verdict)),
	       bl_verdict_name(explanation->answer.verdict), bl_tool_colour(tool, BL_COLOUR_OFF),
	       winner ? " by " : "", winner ? winner->id : "");
	if (shown->real)
		printf("note: the links lead to %s\n", shown->real);
	if (note)
		printf("note: %s\n", note);
	print_unknown(shown);
	print_rules(shown, "decided by", explanation->matching, explanation->n_matching ? 1 : 0);
	if (explanation->n_matching > 1)
		print_rules(shown, "also matching", explanation->matching + 1,
			    explanation->n_matching - 1);
	print_rules(shown, "not asked, since what is refused has no arguments",
		    explanation->waiting, explanation->n_waiting);
	r = print_excepts(shown);
	if (r == 0)
		r = print_nearest(shown);
	print_exception(shown);
	if (r == 0 && fflush(stdout) == EOF)
		r = -EIO;
	return r;
}

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *place_value(const struct bl_shown_explanation *shown, const struct bl_place *place)
{
	const char *path = shown->policy->files[place->file].path;
	_cleanup_free_ char *file = bl_printable(path, strlen(path));

	return json_pack("{s:s*, s:i, s:i}", "file", file, "line", (int)place->line, "column",
			 (int)place->column);
}

static json_t *rule_value(const struct bl_shown_explanation *shown, const struct bl_rule *rule)
{
	json_t *value = place_value(shown, &rule->place);

	if (value)
		json_object_update_new(value,
				       json_pack("{s:s, s:s, s:s, s:s, s:s*}", "id", rule->id,
						 "action", bl_action_name(rule->action), "verdict",
						 verdict_of(shown, rule), "severity",
						 bl_severity_name(rule->severity), "message",
						 rule->message));
	return value;
}

static json_t *rules_value(const struct bl_shown_explanation *shown,
			   const struct bl_rule *const *rules, size_t n)
{
	json_t *value = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(value, rule_value(shown, rules[i]));
	return value;
}

static json_t *failing_value(const struct bl_shown_explanation *shown, const struct bl_near *near)
{
	json_t *value = json_array();

	for (uint32_t key = 0; key < BL_KEY_UNLESS; key++) {
		_cleanup_free_ char *wanted = NULL, *found = NULL;

		if (!(near->failing & BL_KEY_BIT(key)))
			continue;
		wanted = bl_key_wanted(near->match, key);
		found = bl_key_found(shown->query, key);
		json_array_append_new(value,
				      json_pack("{s:s, s:s, s:s}", "key", bl_key_name(key), "wants",
						wanted ? wanted : "", "is", found ? found : ""));
	}
	if (near->except)
		json_array_append_new(value,
				      json_pack("{s:s, s:o}", "key", bl_key_name(BL_KEY_UNLESS),
						"holds", place_value(shown, &near->except->place)));
	return value;
}

static json_t *nearest_value(const struct bl_shown_explanation *shown)
{
	const struct bl_explanation *explanation = shown->explanation;
	json_t *value = json_array();

	for (size_t i = 0; i < explanation->n_nearest; i++) {
		json_t *near = rule_value(shown, explanation->nearest[i].rule);

		json_object_set_new(near, "failing",
				    failing_value(shown, &explanation->nearest[i]));
		json_array_append_new(value, near);
	}
	return value;
}

static json_t *excepts_value(const struct bl_shown_explanation *shown)
{
	const struct bl_explanation *explanation = shown->explanation;
	json_t *value = json_array();

	for (size_t i = 0; i < explanation->n_excepts; i++) {
		json_t *near = place_value(shown, &explanation->excepts[i].match->place);

		json_object_set_new(near, "failing",
				    failing_value(shown, &explanation->excepts[i]));
		json_array_append_new(value, near);
	}
	return value;
}

static json_t *unknown_value(const struct bl_shown_explanation *shown)
{
	uint32_t unknown = unknown_of(shown);
	json_t *value = unknown ? json_array() : NULL;

	for (uint32_t key = 0; key < BL_KEY_UNLESS; key++)
		if (unknown & BL_KEY_BIT(key))
			json_array_append_new(value, json_string(bl_key_name(key)));
	return value;
}

static json_t *told_value(const struct bl_shown_explanation *shown)
{
	const struct bl_told *told = shown->told;

	if (!told)
		return NULL;
	return json_pack("{s:s*, s:s*, s:s*, s:b}", "time", told->time, "verdict", told->verdict,
			 "rule", told->rule, "same_policy", shown->same_policy);
}

int bl_explanation_print_json(const struct bl_shown_explanation *shown)
{
	const struct bl_explanation *explanation = shown->explanation;
	const struct bl_rule *winner = winner_of(shown);
	bool matched = explanation->n_matching > 0;

	return bl_tool_print_json(json_pack(
		"{s:b, s:s, s:s, s:o*, s:o, s:o, s:o, s:o, s:o*, s:s*, s:o*, s:o*, s:s*, s:s*}",
		"ok", 1, "access", shown->access, "verdict",
		bl_verdict_name(explanation->answer.verdict), "rule",
		winner ? rule_value(shown, winner) : NULL, "others",
		rules_value(shown, matched ? &explanation->matching[1] : NULL,
			    matched ? explanation->n_matching - 1 : 0),
		"not_asked", rules_value(shown, explanation->waiting, explanation->n_waiting),
		"exceptions", excepts_value(shown), "nearest", nearest_value(shown), "allow",
		explanation->exception ? json_loads(explanation->exception, 0, NULL) : NULL,
		"allow_verdict",
		explanation->exception ? bl_verdict_name(explanation->after) : NULL, "event",
		told_value(shown), "unknown", unknown_value(shown), "leads_to", shown->real, "note",
		note_of(shown)));
}
