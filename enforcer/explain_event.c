/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a verdict's journal entry -> what a test would say of the access. docs/events.md. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "explain_event.h"
#include "policy.h"
#include "read.h"

static char *value_of(const struct bl_shown *entry, const char *name)
{
	size_t len;

	return bl_reader_bytes(entry, name, &len);
}

/* Adds a field's value, where the entry has it. Returns 1 if so, 0, or -ENOMEM. */
static int add_field(const struct bl_shown *entry, const char *name, struct bl_ask *ask,
		     const char *key)
{
	size_t len;
	_cleanup_free_ char *value = bl_reader_bytes(entry, name, &len);
	int r = value ? bl_ask_add(ask, key, value, len) : 0;

	return r < 0 ? r : value != NULL;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	while (words && *words) {
		size_t n = strcspn(words, ",");

		if (n == len && memcmp(words, word, len) == 0)
			return true;
		words += n + (words[n] == ',');
	}
	return false;
}

/* ---- objects ------------------------------------------------------------------------------ */

static int read_path(const struct bl_shown *entry, struct bl_ask *ask, const char **reterr_why)
{
	int r = add_field(entry, "BAILIFF_PATH", ask, "path");

	if (r)
		return r < 0 ? r : 0;
	*reterr_why = "the event has no path: the kernel could not tell it";
	return -EINVAL;
}

/* A memfd's name is none that a rule could have. */
static int read_exec(const struct bl_shown *entry, struct bl_ask *ask, const char **reterr_why)
{
	_cleanup_free_ char *access = value_of(entry, "BAILIFF_ACCESS");
	_cleanup_free_ char *facts = value_of(entry, "BAILIFF_FILE");
	int r;

	ask->trace = has_word(access, "trace");
	r = add_field(entry, "BAILIFF_ARGUMENT", ask, "arg");
	if (r >= 0 && facts && !ask->trace)
		r = bl_ask_add(ask, "file", facts, strlen(facts));
	if (r < 0)
		return r;
	return has_word(facts, "memfd") ? 0 : read_path(entry, ask, reterr_why);
}

static int read_open(const struct bl_shown *entry, struct bl_ask *ask, const char **reterr_why)
{
	int r = add_field(entry, "BAILIFF_ACCESS", ask, "access");

	return r < 0 ? r : read_path(entry, ask, reterr_why);
}

/* What an event calls a protocol, and what the language does. */
static const struct {
	const char *event, *word;
} protocols[] = {
	{ "tcp", "tcp" },   { "mptcp", "tcp" },	  { "smc", "tcp" },
	{ "udp", "udp" },   { "udplite", "udp" }, { "sctp", "sctp" },
	{ "dccp", "dccp" }, { "icmp", "icmp" },	  { "icmpv6", "icmp" },
};

static const char *protocol_word(const char *words)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(protocols); i++)
		if (has_word(words, protocols[i].event))
			return protocols[i].word;
	return "other";
}

static int read_address(const struct bl_shown *entry, struct bl_ask *ask)
{
	_cleanup_free_ char *words = value_of(entry, "BAILIFF_PROTOCOL");
	const char *word = protocol_word(words);
	int r = bl_ask_add(ask, "protocol", word, strlen(word));

	ask->raw = has_word(words, "raw");
	if (r >= 0 && strcmp(word, "icmp") != 0 && strcmp(word, "other") != 0)
		r = add_field(entry, "BAILIFF_PORT", ask, "port");
	return r < 0 ? r : 0;
}

static int read_connect(const struct bl_shown *entry, struct bl_ask *ask, const char **reterr_why)
{
	int r = add_field(entry, "BAILIFF_SOCKET", ask, "socket");

	if (r)
		return r < 0 ? r : 0;
	r = add_field(entry, "BAILIFF_ADDRESS", ask, "to");
	if (r)
		return r < 0 ? r : read_address(entry, ask);
	r = add_field(entry, "BAILIFF_FAMILY", ask, "family");
	if (r)
		return r < 0 ? r : 0;
	*reterr_why = "the event does not say where the connection leads";
	return -EINVAL;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static const struct {
	const char *on;
	int (*read)(const struct bl_shown *entry, struct bl_ask *ask, const char **reterr_why);
} operations[] = {
	{ "exec", read_exec },
	{ "open", read_open },
	{ "connect", read_connect },
};

/* The subject: what fields say of it, by the keys of rules. */
static const struct {
	const char *field, *key;
} subjects[] = {
	{ "BAILIFF_EXE", "exe" },
	{ "BAILIFF_EUID", "uid" },
	{ "BAILIFF_EGID", "gid" },
	{ "BAILIFF_LOGIN_UID", "login" },
};

static int read_object(const struct bl_shown *entry, struct bl_ask *ask, const char **reterr_why)
{
	_cleanup_free_ char *on = value_of(entry, "BAILIFF_ON");

	for (size_t i = 0; on && i < BL_ARRAY_SIZE(operations); i++) {
		if (strcmp(on, operations[i].on) != 0)
			continue;
		ask->on = operations[i].on;
		return operations[i].read(entry, ask, reterr_why);
	}
	*reterr_why = "the event is about no operation that is known here";
	return -EINVAL;
}

/*
 * What of the subject an entry does not say. Who has not logged in has no login to be told; and whether there is a
 * container the PID namespace has a say in, where the cgroup's name is none of one.
 */
static uint32_t unknown_of(const struct bl_shown *entry, const struct bl_ask *ask)
{
	const uint32_t names = BL_KEY_BIT(BL_KEY_UNIT) | BL_KEY_BIT(BL_KEY_SLICE) |
			       BL_KEY_BIT(BL_KEY_CGROUP) | BL_KEY_BIT(BL_KEY_CONTAINER);
	_cleanup_free_ char *container = value_of(entry, "BAILIFF_CONTAINER");
	uint32_t known = bl_ask_known(ask) | BL_KEY_BIT(BL_KEY_LOGIN);

	if (known & BL_KEY_BIT(BL_KEY_CGROUP))
		known |= container ? names : names & ~BL_KEY_BIT(BL_KEY_CONTAINER);
	return (BL_KEY_BIT(BL_KEY_UNLESS) - BL_KEY_BIT(BL_KEY_EXE)) & ~known;
}

int bl_told_read(const struct bl_shown *entry, struct bl_ask *ask, struct bl_told *ret,
		 const char **reterr_why)
{
	_cleanup_free_ char *truncated = value_of(entry, "BAILIFF_TRUNCATED");
	_cleanup_free_ char *interrupted = value_of(entry, "BAILIFF_INTERRUPTED");
	_cleanup_free_ char *whose = value_of(entry, "BAILIFF_FILESYSTEM");
	int r;

	*ret = (struct bl_told){
		.verdict = value_of(entry, "BAILIFF_VERDICT"),
		.rule = value_of(entry, "BAILIFF_RULE"),
		.time = value_of(entry, "BAILIFF_TIME"),
		.digest = value_of(entry, "BAILIFF_POLICY_DIGEST"),
		.truncated = truncated != NULL,
		.interrupted = interrupted != NULL,
	};
	ask->untrusted = whose && strcmp(whose, "untrusted") == 0;
	r = read_object(entry, ask, reterr_why);
	for (size_t i = 0; r >= 0 && i < BL_ARRAY_SIZE(subjects); i++)
		r = add_field(entry, subjects[i].field, ask, subjects[i].key);
	/* The start of a path is another cgroup's. */
	if (r >= 0 && !has_word(truncated, "cgroup"))
		r = add_field(entry, "BAILIFF_CGROUP", ask, "cgroup");
	ret->unknown = unknown_of(entry, ask);
	return r < 0 ? r : 0;
}

void bl_told_clear(struct bl_told *told)
{
	free(told->verdict);
	free(told->rule);
	free(told->time);
	free(told->digest);
	*told = (struct bl_told){ 0 };
}

int bl_told_access_read(const struct bl_shown *entry, struct bl_told_access *ret,
			const char **reterr_why)
{
	const struct bl_policy_host host = { 0 }; /* an event has numbers and no names */
	int r = bl_told_read(entry, &ret->ask, &ret->told, reterr_why);

	if (r < 0)
		return r;
	r = bl_ask_parse(&ret->ask, &host, &ret->diags, &ret->asked);
	if (r == -EINVAL)
		*reterr_why = "the event says of the access what no rule could";
	if (r == 0)
		r = bl_expect_access(&ret->asked->tests[0], -1, &ret->access);
	ret->access.query.untrusted = ret->ask.untrusted;
	if (r == 0 && ret->ask.trace)
		ret->access.query.access = BL_ACCESS_TRACE;
	return r;
}

void bl_told_access_clear(struct bl_told_access *access)
{
	bl_expect_access_clear(&access->access);
	bl_policy_free(access->asked);
	bl_diags_clear(&access->diags);
	bl_told_clear(&access->told);
	bl_ask_clear(&access->ask);
}
