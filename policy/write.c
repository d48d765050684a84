/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a policy set as text of the language: what is in force of them. */
#include "write.h"

#include <arpa/inet.h>
#include <string.h>

#include "canon.h"
#include "glob.h"
#include "words.h"

/* An object that is being written. */
struct writer {
	FILE *out;
	const char *comma; /* before the next key */
};

static void begin_object(struct writer *w)
{
	fputs("{ ", w->out);
	w->comma = "";
}

static void end_object(struct writer *w)
{
	fputs(" }", w->out);
	w->comma = ", ";
}

static void write_key(struct writer *w, const char *key)
{
	fprintf(w->out, "%s\"%s\": ", w->comma, key);
	w->comma = ", ";
}

static void write_text(struct writer *w, const char *key, const char *text)
{
	if (!text)
		return;
	write_key(w, key);
	bl_canon_string(text, strlen(text), w->out);
}

/* One value stands for a list of one. */
static void begin_list(struct writer *w, const char *key, size_t count)
{
	write_key(w, key);
	fputs(count == 1 ? "" : "[", w->out);
}

static void end_list(struct writer *w, size_t count)
{
	fputs(count == 1 ? "" : "]", w->out);
}

/* Those of several bits are left to those of one, but where one says it all. */
static void write_words(struct writer *w, const char *key, const struct bl_words *words,
			uint32_t mask)
{
	const char *comma = "";

	write_key(w, key);
	for (size_t i = 0; i < words->count; i++) {
		if (words->items[i].value != mask)
			continue;
		fprintf(w->out, "\"%s\"", words->items[i].name);
		return;
	}
	fputc('[', w->out);
	for (size_t i = 0; i < words->count; i++) {
		uint32_t value = words->items[i].value;

		if (!(mask & value) || value & (value - 1))
			continue;
		fprintf(w->out, "%s\"%s\"", comma, words->items[i].name);
		comma = ", ";
	}
	fputc(']', w->out);
}

static void write_patterns(struct writer *w, const char *key, bool has,
			   const struct bl_patterns *patterns)
{
	const char *comma = "";
	size_t count = 0;

	if (!has)
		return;
	for (size_t i = 0; i < patterns->count; i++)
		count += !patterns->items[i].resolved;
	begin_list(w, key, count);
	for (size_t i = 0; i < patterns->count; i++) {
		const struct bl_pattern *pattern = &patterns->items[i];
		uint32_t mark = (uint32_t)(bl_glob_written(pattern->text) - pattern->text);

		/* What links lead to is found anew. */
		if (pattern->resolved)
			continue;
		fputs(comma, w->out);
		bl_canon_string(pattern->text + mark, pattern->len - mark, w->out);
		comma = ", ";
	}
	end_list(w, count);
}

static void write_range(struct writer *w, const struct bl_range *range)
{
	if (range->first == range->last)
		fprintf(w->out, "%u", range->first);
	else
		fprintf(w->out, "\"%u-%u\"", range->first, range->last);
}

static void write_ranges(struct writer *w, const char *key, bool has,
			 const struct bl_ranges_in *ranges)
{
	if (!has)
		return;
	begin_list(w, key, ranges->count);
	for (size_t i = 0; i < ranges->count; i++) {
		fputs(i ? ", " : "", w->out);
		write_range(w, &ranges->items[i]);
	}
	end_list(w, ranges->count);
}

static void write_net(const struct bl_net *net, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(net->family, net->addr, text, sizeof(text)))
		return;
	if (net->prefix == (net->family == AF_INET ? 32 : 128))
		fprintf(out, "\"%s\"", text);
	else
		fprintf(out, "\"%s/%u\"", text, net->prefix);
}

static void write_nets(struct writer *w, const struct bl_match *match)
{
	size_t count = match->to.count + match->to_any;

	if (!match->has_to || match->to_family)
		return;
	begin_list(w, "to", count);
	fputs(match->to_any ? "\"any\"" : "", w->out);
	for (size_t i = 0; i < match->to.count; i++) {
		fputs(i || match->to_any ? ", " : "", w->out);
		write_net(&match->to.items[i], w->out);
	}
	end_list(w, count);
}

static const char *family_name(uint32_t family)
{
	for (size_t i = 0; i < bl_words_family.count; i++) {
		if (bl_words_family.items[i].value == family)
			return bl_words_family.items[i].name;
	}
	return NULL;
}

static void write_families(struct writer *w, uint64_t families, uint64_t meant)
{
	const char *comma = "[";

	if (families == meant)
		return;
	write_key(w, "family");
	if (families == BL_FAMILIES_ANY) {
		fputs("\"any\"", w->out);
		return;
	}
	for (uint32_t family = 1; family < BL_FAMILIES; family++) {
		const char *name = family_name(family);

		if (!(families & BL_FAMILY_BIT(family)))
			continue;
		fputs(comma, w->out);
		if (name)
			fprintf(w->out, "\"%s\"", name);
		else
			fprintf(w->out, "%u", family);
		comma = ", ";
	}
	fputc(']', w->out);
}

/* otherwise: the families that are meant where neither "family" nor another key says it. */
static void write_destination(struct writer *w, const struct bl_match *match, uint64_t otherwise)
{
	bool ip = (match->has_to && !match->to_family) || match->has_ports ||
		  match->protocols != BL_PROTO_ANY;

	write_nets(w, match);
	write_ranges(w, "port", match->has_ports, &match->ports);
	if (match->protocols != BL_PROTO_ANY)
		write_words(w, "protocol", &bl_words_protocol, match->protocols);
	write_families(w, match->families,
		       match->has_socket ? BL_FAMILIES_UNIX
		       : ip		 ? BL_FAMILIES_IP
					 : otherwise);
	write_patterns(w, "socket", match->has_socket, &match->socket);
}

/* The last number of all is "unset", and no range has it. */
static void write_logins(struct writer *w, const struct bl_match *match)
{
	const struct bl_ranges_in *ranges = &match->logins;
	const struct bl_range *last = ranges->count ? &ranges->items[ranges->count - 1] : NULL;
	bool unset = last && last->last == BL_LOGIN_UNSET;
	bool both = unset && last->first != BL_LOGIN_UNSET;

	if (!match->has_logins)
		return;
	begin_list(w, "login", ranges->count + both);
	for (size_t i = 0; i < ranges->count; i++) {
		struct bl_range range = ranges->items[i];

		if (range.first == BL_LOGIN_UNSET)
			continue;
		range.last = BL_MIN(range.last, BL_LOGIN_UNSET - 1);
		fputs(i ? ", " : "", w->out);
		write_range(w, &range);
	}
	if (unset)
		fprintf(w->out, "%s\"unset\"", ranges->count + both > 1 ? ", " : "");
	end_list(w, ranges->count + both);
}

static void write_capabilities(struct writer *w, const struct bl_match *match)
{
	size_t count = (size_t)__builtin_popcountll(match->capabilities);
	const char *comma = "";

	if (!match->has_capabilities)
		return;
	begin_list(w, "capability", count);
	for (size_t i = 0; i < bl_words_capability.count; i++) {
		const struct bl_word *word = &bl_words_capability.items[i];

		if (!(match->capabilities & 1ull << word->value))
			continue;
		fprintf(w->out, "%s\"%s\"", comma, word->name);
		comma = ", ";
	}
	end_list(w, count);
}

static void write_containers(struct writer *w, const struct bl_match *match)
{
	const struct bl_patterns *patterns = &match->containers;

	if (!match->has_containers)
		return;
	begin_list(w, "container", patterns->count);
	for (size_t i = 0; i < patterns->count; i++) {
		const char *id = bl_glob_written(patterns->items[i].text);

		fputs(i ? ", " : "", w->out);
		if (!*id)
			fputs("false", w->out);
		else if (strcmp(id, "*") == 0)
			fputs("true", w->out);
		else
			bl_canon_string(id, strlen(id), w->out);
	}
	end_list(w, patterns->count);
}

static bool has_subject(const struct bl_match *match)
{
	return match->has_exe || match->has_parent || match->has_ancestor || match->has_uids ||
	       match->has_gids || match->has_logins || match->has_units || match->has_slices ||
	       match->has_cgroups || match->has_containers || match->has_capabilities;
}

static void write_subject(struct writer *w, const struct bl_match *match)
{
	if (!has_subject(match))
		return;
	write_key(w, "by");
	begin_object(w);
	write_patterns(w, "exe", match->has_exe, &match->exe);
	write_patterns(w, "parent", match->has_parent, &match->parent);
	write_patterns(w, "ancestor", match->has_ancestor, &match->ancestor);
	write_ranges(w, "uid", match->has_uids, &match->uids);
	write_ranges(w, "gid", match->has_gids, &match->gids);
	write_logins(w, match);
	write_patterns(w, "unit", match->has_units, &match->units);
	write_patterns(w, "slice", match->has_slices, &match->slices);
	write_patterns(w, "cgroup", match->has_cgroups, &match->cgroups);
	write_containers(w, match);
	write_capabilities(w, match);
	end_object(w);
}

static void write_match(struct writer *w, const struct bl_match *match, uint8_t ops,
			uint64_t otherwise)
{
	write_patterns(w, "path", match->has_path, &match->path);
	if (match->access != BL_ACCESS_ANY)
		write_words(w, "access", &bl_words_access, match->access);
	if (match->facts)
		write_words(w, "file", &bl_words_file, match->facts);
	write_patterns(w, "args", match->has_args, &match->args);
	if (ops & BL_OP_BIT(BL_OP_CONNECT))
		write_destination(w, match, otherwise);
	write_subject(w, match);
}

/* What excepts everything has a key all the same. */
static void write_everything(struct writer *w, uint8_t ops)
{
	if (ops == BL_OP_BIT(BL_OP_OPEN))
		write_words(w, "access", &bl_words_access, BL_ACCESS_ANY);
	else
		write_text(w, "family", "any");
}

static void write_exceptions(struct writer *w, const struct bl_rule *rule)
{
	if (!rule->n_unless)
		return;
	begin_list(w, "unless", rule->n_unless);
	for (size_t i = 0; i < rule->n_unless; i++) {
		fputs(i ? ", " : "", w->out);
		begin_object(w);
		write_match(w, &rule->unless[i], rule->ops, BL_FAMILIES_ANY);
		if (!*w->comma)
			write_everything(w, rule->ops);
		end_object(w);
	}
	end_list(w, rule->n_unless);
}

static void write_attack(struct writer *w, const struct bl_rule *rule)
{
	if (!rule->n_attack)
		return;
	begin_list(w, "attack", rule->n_attack);
	for (size_t i = 0; i < rule->n_attack; i++)
		fprintf(w->out, "%s\"%s\"", i ? ", " : "", rule->attack[i]);
	end_list(w, rule->n_attack);
}

static void write_operations(struct writer *w, uint8_t ops)
{
	const char *comma = "";
	bool one = !(ops & (ops - 1));

	begin_list(w, "on", one);
	for (uint32_t op = 1; op < _BL_OP_MAX; op++) {
		if (!(ops & BL_OP_BIT(op)))
			continue;
		fprintf(w->out, "%s\"%s\"", comma, bl_op_name(op));
		comma = ", ";
	}
	end_list(w, one);
}

void bl_rule_write(const struct bl_rule *rule, FILE *out)
{
	struct writer writer = { .out = out }, *w = &writer;

	begin_object(w);
	write_text(w, "id", rule->id);
	write_operations(w, rule->ops);
	write_match(w, &rule->match, rule->ops, BL_FAMILIES_IP);
	write_exceptions(w, rule);
	write_text(w, "action", bl_action_name(rule->action));
	write_text(w, "severity", bl_severity_name(rule->severity));
	write_attack(w, rule);
	write_text(w, "message", rule->message);
	if (rule->notes) {
		write_text(w, "description", rule->notes->description);
		write_text(w, "false-positives", rule->notes->false_positives);
		write_text(w, "tuning", rule->notes->tuning);
	}
	end_object(w);
}
