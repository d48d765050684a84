/* SPDX-License-Identifier: Apache-2.0 */
/* The exception that would lift what is refused, as JSON: as narrow as what is known of the access. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "explainer.h"
#include "words.h"

/* ---- JSON --------------------------------------------------------------------------------- */

static void put_byte(char byte, FILE *out)
{
	if (byte == '"' || byte == '\\')
		fprintf(out, "\\%c", byte);
	else if ((uint8_t)byte < 0x20)
		fprintf(out, "\\u%04x", byte);
	else
		fputc(byte, out);
}

void bl_explain_put_string(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++)
		put_byte(*text, out);
	fputc('"', out);
}

/* What is no visible UTF-8 is written as '\xNN'. */
static size_t escape_character(const char *bytes, size_t len, FILE *out)
{
	size_t sequence = bl_utf8_length(bytes, len);

	if (!sequence || (uint8_t)*bytes < 0x20 || *bytes == 0x7f) {
		fprintf(out, "\\x%02x", (uint8_t)*bytes);
		return 1;
	}
	if (sequence == 1 && strchr("*?[]{},\\", *bytes))
		fputc('\\', out);
	fwrite(bytes, 1, sequence, out);
	return sequence;
}

char *bl_explain_escape(const char *bytes, size_t len)
{
	_cleanup_free_ char *text = NULL;
	size_t size, at = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (len && !bytes[0]) {
		fputc('@', out);
		at = 1;
	}
	while (at < len)
		at += escape_character(bytes + at, len - at, out);
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

/* Not of a path that is so long that its pattern is none. */
static bool put_pattern(const char *key, const char *bytes, size_t len, FILE *out)
{
	_cleanup_free_ char *pattern = bl_explain_escape(bytes, len);
	const char *what;
	size_t offset;

	if (!pattern || bl_glob_check(pattern, strlen(pattern), &offset, &what))
		return false;
	fprintf(out, "\"%s\": ", key);
	bl_explain_put_string(pattern, out);
	return true;
}

static void put_words(const struct bl_words *words, uint32_t mask, FILE *out)
{
	bool several = mask & (mask - 1);
	const char *comma = "";

	fputs(several ? "[" : "", out);
	for (size_t i = 0; i < words->count; i++) {
		uint32_t value = words->items[i].value;

		if (!(mask & value) || value & (value - 1))
			continue;
		fprintf(out, "%s\"%s\"", comma, words->items[i].name);
		comma = ", ";
	}
	fputs(several ? "]" : "", out);
}

/* ---- objects ------------------------------------------------------------------------------ */

static void put_addresses(const struct bl_explainer *e, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	fprintf(out, "\"to\": %s", e->n_forms > 1 ? "[" : "");
	for (size_t i = 0; i < e->n_forms; i++)
		if (inet_ntop(e->forms[i].family, e->forms[i].addr, text, sizeof(text)))
			fprintf(out, "%s\"%s\"", i ? ", " : "", text);
	fputs(e->n_forms > 1 ? "]" : "", out);
}

static bool has_ports(uint8_t protocols)
{
	return protocols & (BL_PROTO_TCP | BL_PROTO_UDP | BL_PROTO_SCTP | BL_PROTO_DCCP);
}

static bool put_destination(const struct bl_explainer *e, FILE *out)
{
	const struct bl_query *query = e->query;

	if (query->socket && query->socket[0] && query->untrusted)
		return false;
	if (query->socket)
		return put_pattern("socket", query->socket, query->socket_len, out);
	if (!e->ip) {
		fprintf(out, "\"family\": %u", query->family);
		return true;
	}
	put_addresses(e, out);
	if (has_ports(query->access))
		fprintf(out, ", \"port\": %u", query->port);
	fputs(", \"protocol\": ", out);
	put_words(&bl_words_protocol, query->access, out);
	return true;
}

static bool put_file(const struct bl_explainer *e, const struct bl_rule *rule, FILE *out)
{
	const struct bl_query *query = e->query;

	if (query->pseudo && rule->ops == BL_OP_BIT(BL_OP_EXEC)) {
		fputs("\"file\": \"memfd\"", out);
		return true;
	}
	if (query->pseudo || query->untrusted ||
	    !put_pattern("path", query->path, strlen(query->path), out))
		return false;
	if (rule->ops != BL_OP_BIT(BL_OP_OPEN))
		return true;
	fputs(", \"access\": ", out);
	put_words(&bl_words_access, query->access & rule->match.access, out);
	return true;
}

/*
 * The keys that fit all that the rule is about: an exception can have no others. None by path holds on a file system
 * of another user namespace.
 */
static bool put_object(const struct bl_explainer *e, const struct bl_rule *rule, FILE *out)
{
	const uint8_t connect = BL_OP_BIT(BL_OP_CONNECT);

	if (e->trace)
		return false;
	if (rule->ops == connect)
		return put_destination(e, out);
	return rule->ops & connect ? false : put_file(e, rule, out);
}

/* ---- subjects ----------------------------------------------------------------------------- */

/* A key and its value, where an exception can go by it. */
static bool put_key(const struct bl_explainer *e, enum bl_key_id key, const char *comma, FILE *out)
{
	const struct bl_key_kind *kind = bl_key_kind(key);
	_cleanup_free_ char *value = NULL;
	size_t size;
	FILE *stream = kind->except ? open_memstream(&value, &size) : NULL;
	bool has = stream && kind->except(e, stream);

	if (stream && fclose(stream) != 0)
		return false;
	if (has)
		fprintf(out, "%s\"%s\": %s", comma, kind->name + strlen("by."), value);
	return has;
}

/*
 * Of what a process is called its unit says most, and is what the next one of the kind is called as well; a path
 * says it again.
 */
static uint32_t leave_one_name(const struct bl_explainer *e, uint32_t known)
{
	const uint32_t unit = BL_KEY_BIT(BL_KEY_UNIT), cgroup = BL_KEY_BIT(BL_KEY_CGROUP),
		       slice = BL_KEY_BIT(BL_KEY_SLICE);

	if (!(known & (unit | cgroup | slice)))
		return known;
	known &= ~(unit | cgroup | slice);
	if (e->called.unit[0])
		return known | unit;
	return known | (e->query->cgroup ? cgroup : slice);
}

/* Whoever it was is known by something: the access was decided as this user's. */
static void put_subject(const struct bl_explainer *e, uint32_t known, FILE *out)
{
	const char *comma = "";

	fputs("\"by\": { ", out);
	if (e->exe && put_pattern("exe", e->exe, strlen(e->exe), out))
		comma = ", ";
	known = leave_one_name(e, known);
	for (uint32_t key = BL_KEY_UID; key < BL_KEY_UNLESS; key++)
		if (known & BL_KEY_BIT(key) && put_key(e, key, comma, out))
			comma = ", ";
	if (!*comma)
		put_key(e, BL_KEY_UID, comma, out);
	fputs(" }", out);
}

static void put_adjustment(const struct bl_explainer *e, const struct bl_rule *rule, uint32_t known,
			   FILE *out)
{
	fputs("    { \"rule\": ", out);
	bl_explain_put_string(rule->id, out);
	fputs(", \"unless\": { ", out);
	if (put_object(e, rule, out))
		fputs(", ", out);
	put_subject(e, known, out);
	fputs(" } }", out);
}

int bl_explain_except(const struct bl_explainer *e, const struct bl_rule *const *rules, size_t n,
		      uint32_t known, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;

	for (size_t i = 0; i < n; i++)
		if (rules[i]->n_unless >= BL_EXCEPTS_MAX)
			return 0;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	fputs("{\n  \"bailiff\": 1,\n  \"adjust\": [\n", out);
	for (size_t i = 0; i < n; i++) {
		put_adjustment(e, rules[i], known, out);
		fputs(i + 1 < n ? ",\n" : "\n", out);
	}
	fputs("  ]\n}\n", out);
	if (fclose(out) != 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}
