/* SPDX-License-Identifier: Apache-2.0 */
/* Journal entries in ArcSight's Common Event Format, one line each. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "kind.h"
#include "show.h"
#include "show_words.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define US_PER_MS	  1000
#define VALUE_BYTES_MAX	  8192

struct build {
	FILE *file;
	const struct bl_shown *entry;
	struct bl_kind kind;
	bool any; /* extensions are separated by blanks */
};

/* A value of the extension: '=' and '\' are escaped, and no line break is left to be. */
static void put_value(FILE *out, const char *bytes, size_t len)
{
	char text[VALUE_BYTES_MAX];
	size_t used = bl_escape_again(bytes, len, text, sizeof(text));

	for (size_t i = 0; i < used; i++) {
		if (text[i] == '=' || text[i] == '\\')
			fputc('\\', out);
		fputc(text[i], out);
	}
}

static void put_key(struct build *b, const char *key)
{
	fprintf(b->file, "%s%s=", b->any ? " " : "", key);
	b->any = true;
}

static void put(struct build *b, const char *key, const char *bytes, size_t len)
{
	put_key(b, key);
	put_value(b->file, bytes, len);
}

static void put_word(struct build *b, const char *key, const char *word)
{
	put(b, key, word, strlen(word));
}

static void put_milliseconds(struct build *b, const char *key, uint64_t us)
{
	put_key(b, key);
	fprintf(b->file, "%" PRIu64, us / US_PER_MS);
}

/* Keys of CEF that take a field as it is; those with a label are the site's own fields. */
static const struct {
	const char *key, *field, *label;
} fields[] = {
	{ "externalId", "BAILIFF_EVENT_ID", NULL },
	{ "dvchost", "_HOSTNAME", NULL },
	{ "deviceExternalId", "_MACHINE_ID", NULL },
	{ "spid", "BAILIFF_PID", NULL },
	{ "sproc", "BAILIFF_EXE", NULL },
	{ "suid", "BAILIFF_UID", NULL },
	{ "fileId", "BAILIFF_INODE", NULL },
	{ "filePermission", "BAILIFF_OBJECT_MODE", NULL },
	{ "dpt", "BAILIFF_PORT", NULL },
	{ "proto", "BAILIFF_PROTOCOL", NULL },
	{ "reason", "BAILIFF_MESSAGE", NULL },
	{ "cs1", "BAILIFF_RULE", "rule" },
	{ "cs2", "BAILIFF_POLICY", "policy" },
	{ "cs3", "BAILIFF_ATTACK", "attack" },
	{ "cs4", "BAILIFF_UNIT", "unit" },
	{ "cs5", "BAILIFF_CONTAINER", "container" },
	{ "cs6", "BAILIFF_ACCESS", "access" },
	{ "cn1", "BAILIFF_SEQ", "sequence" },
	{ "cn2", "BAILIFF_CPU", "cpu" },
	{ "cn3", "BAILIFF_LOST", "lost" },
	{ "flexString1", "BAILIFF_PATH_HEX", "path bytes" },
	{ "flexString2", "BAILIFF_EXE_HEX", "exe bytes" },
};

static void put_field(struct build *b, const char *key, const char *name, const char *label)
{
	const struct bl_shown_field *field = bl_shown_find(b->entry, name);

	if (!field)
		return;
	put(b, key, field->value, field->value_len);
	if (!label)
		return;
	fprintf(b->file, " %sLabel=%s", key, label);
}

static const char *act(const struct bl_kind *kind)
{
	switch (kind->verdict) {
	case BL_VERDICT_KILL:
		return "killed";
	case BL_VERDICT_DENY:
		return "blocked";
	case BL_VERDICT_WOULD_KILL:
	case BL_VERDICT_WOULD_DENY:
		return "would-block";
	case BL_VERDICT_ALERT:
		return "alert";
	case BL_VERDICT_UNSET:
	case BL_VERDICT_ALLOW:
	case _BL_VERDICT_MAX:
		break;
	}
	return NULL;
}

static void put_object(struct build *b)
{
	struct bl_show_path path = bl_show_object_path(b->entry);
	bool ipv6 = bl_shown_has(b->entry, "BAILIFF_FAMILY", "ipv6");

	if (path.len)
		put(b, "filePath", path.bytes, path.len);
	if (path.name_len)
		put(b, "fname", path.name, path.name_len);
	if (!path.len)
		put_field(b, "destinationServiceName", "BAILIFF_SOCKET", NULL);
	/* dst is an IPv4 address. */
	if (ipv6)
		put_field(b, "c6a3", "BAILIFF_ADDRESS", "Destination IPv6 Address");
	else
		put_field(b, "dst", "BAILIFF_ADDRESS", NULL);
}

/* The header's texts are our own: neither '|' nor '\' is in them. */
static void put_header(const struct build *b, const char *version)
{
	static const unsigned int severities[] = { 1, 3, 5, 8, 10 };

	fprintf(b->file, "CEF:0|bailiff|bailiff|%s|%s|%s|%u|", version,
		b->kind.message ? bl_message_id(b->kind.message) : "none", bl_kind_action(&b->kind),
		severities[b->kind.severity]);
}

int bl_show_cef(FILE *file, const struct bl_shown *entry, const char *version)
{
	struct build b = { .file = file, .entry = entry };
	const struct bl_shown_field *message = bl_shown_find(entry, "MESSAGE");

	bl_kind_of(entry, &b.kind);
	put_header(&b, version);
	put_milliseconds(&b, "rt", bl_shown_time_us(entry));
	if (act(&b.kind)) {
		put_word(&b, "act", act(&b.kind));
		put_word(&b, "outcome", b.kind.refused ? "failure" : "success");
		put_word(&b, "cat",
			 b.kind.op == BL_OP_EXEC   ? "exec"
			 : b.kind.op == BL_OP_OPEN ? "open"
						   : "connect");
		put_key(&b, "cnt");
		fprintf(file, "%" PRIu64, bl_shown_times(entry));
	}
	put_object(&b);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		put_field(&b, fields[i].key, fields[i].field, fields[i].label);
	if (message)
		put(&b, "msg", message->value, message->value_len);
	fputc('\n', file);
	return ferror(file) ? -EIO : 0;
}
