/* SPDX-License-Identifier: Apache-2.0 */
/* Values of an entry as the schemas of others want them. */
#include "show_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct bl_show_path bl_show_object_path(const struct bl_shown *entry)
{
	const struct bl_shown_field *field = bl_shown_find(entry, "BAILIFF_PATH");
	struct bl_show_path path = { 0 };
	const char *slash;

	if (!field)
		field = bl_shown_find(entry, "BAILIFF_SOCKET");
	/* An abstract name is none of a file. */
	if (!field || !field->value_len || *field->value == '@')
		return path;
	path.bytes = path.name = field->value;
	path.len = path.name_len = field->value_len;
	slash = memrchr(field->value, '/', field->value_len);
	if (slash && path.len > 1) {
		path.directory_len = slash == field->value ? 1 : (size_t)(slash - field->value);
		path.name = slash + 1;
		path.name_len = path.len - (size_t)(path.name - path.bytes);
	}
	return path;
}

struct bl_show_id bl_show_process_id(const struct bl_shown *entry)
{
	const struct bl_shown_field *boot = bl_shown_find(entry, "_BOOT_ID");
	struct bl_show_id id = { "" };
	uint64_t pid, start;

	if (bl_shown_number(entry, "BAILIFF_PID", &pid) &&
	    bl_shown_number(entry, "BAILIFF_START_NS", &start))
		snprintf(id.text, sizeof(id.text), "%.*s-%" PRIx64 "-%" PRIx64,
			 boot && boot->value_len <= 32 ? (int)boot->value_len : 0,
			 boot ? boot->value : "", pid, start);
	return id;
}

/* SMC and MPTCP begin as TCP on the wire. */
static const struct {
	const char *word, *name;
	int number;
} protocols[] = {
	{ "tcp", "tcp", 6 },	{ "mptcp", "tcp", 6 },	      { "smc", "tcp", 6 },
	{ "udp", "udp", 17 },	{ "udplite", "udplite", 136 }, { "sctp", "sctp", 132 },
	{ "dccp", "dccp", 33 }, { "icmp", "icmp", 1 },	      { "icmpv6", "ipv6-icmp", 58 },
};

struct bl_show_protocol bl_show_protocol(const struct bl_shown *entry)
{
	const struct bl_shown_field *field = bl_shown_find(entry, "BAILIFF_PROTOCOL");
	struct bl_show_protocol protocol = { NULL, -1 };
	struct bl_shown_field first;
	const char *comma;
	uint64_t number;

	if (!field || !bl_shown_find(entry, "BAILIFF_ADDRESS"))
		return protocol;
	first = *field;
	comma = memchr(first.value, ',', first.value_len);
	if (comma)
		first.value_len = (size_t)(comma - first.value);
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (first.value_len == strlen(protocols[i].word) &&
		    !memcmp(first.value, protocols[i].word, first.value_len))
			return (struct bl_show_protocol){ protocols[i].name, protocols[i].number };
	}
	if (bl_shown_number_of(&first, &number) && number < 256)
		protocol.number = (int)number;
	return protocol;
}

static bool is_digits(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < '0' || bytes[i] > '9')
			return false;
	}
	return len > 0;
}

/* TA0002, T1059, T1059.004; anything else is passed over. */
static bool read_attack(struct bl_show_attacks *attacks)
{
	const char *bytes = attacks->bytes, *dot = memchr(bytes, '.', attacks->len);
	size_t stem = dot ? (size_t)(dot - bytes) : attacks->len;

	if (attacks->len > 2 && !memcmp(bytes, "TA", 2)) {
		attacks->kind = BL_SHOW_TACTIC;
		return is_digits(bytes + 2, attacks->len - 2);
	}
	if (stem < 2 || *bytes != 'T' || !is_digits(bytes + 1, stem - 1))
		return false;
	attacks->technique_len = stem;
	attacks->kind = dot ? BL_SHOW_SUB_TECHNIQUE : BL_SHOW_TECHNIQUE;
	return !dot || is_digits(dot + 1, attacks->len - stem - 1);
}

bool bl_show_attack_next(struct bl_show_attacks *attacks)
{
	const struct bl_shown_field *field = bl_shown_find(attacks->entry, "BAILIFF_ATTACK");

	while (field && attacks->at < field->value_len) {
		const char *space;

		attacks->bytes = field->value + attacks->at;
		space = memchr(attacks->bytes, ' ', field->value_len - attacks->at);
		attacks->len = space ? (size_t)(space - attacks->bytes)
				     : field->value_len - attacks->at;
		attacks->at += attacks->len + 1;
		if (attacks->len && read_attack(attacks))
			return true;
	}
	return false;
}
