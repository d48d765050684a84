/* SPDX-License-Identifier: Apache-2.0 */
/* What values of an event are called in fields and messages. */
#include "event_words.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *protocol_name(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	case 256: /* IPPROTO_SMC, newer than some C libraries */
		return "smc";
	case 262: /* IPPROTO_MPTCP */
		return "mptcp";
	default:
		return NULL;
	}
}

static void add_word(struct bl_event_words *words, const char *word)
{
	int len = snprintf(words->text + words->len, sizeof(words->text) - words->len, "%s%s",
			   words->len ? "," : "", word);

	words->len += (size_t)len;
}

struct bl_event_words bl_event_protocol_words(const struct bl_event *event)
{
	const char *name = bl_event_has_address(event) ? protocol_name(event->protocol) : NULL;
	struct bl_event_words words = { .len = 0 };

	if (name)
		add_word(&words, name);
	else
		words.len = (size_t)snprintf(words.text, sizeof(words.text), "%u", event->protocol);
	if (event->access & BL_PROTO_RAW)
		add_word(&words, "raw");
	return words;
}

struct bl_event_words bl_event_access_words(const struct bl_event *event)
{
	static const struct {
		enum bl_access bit;
		const char *word;
	} names[] = {
		{ BL_ACCESS_READ, "read" },
		{ BL_ACCESS_WRITE, "write" },
		{ BL_ACCESS_CREATE, "create" },
		{ BL_ACCESS_DELETE, "delete" },
		{ BL_ACCESS_ATTRIBUTES, "attributes" },
		{ BL_ACCESS_EXEC, "exec" },
		{ BL_ACCESS_TRACE, "trace" },
	};
	struct bl_event_words words = { .len = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (event->access & names[i].bit)
			add_word(&words, names[i].word);
	}
	return words;
}

struct bl_event_words bl_event_fact_words(const struct bl_event *event)
{
	struct bl_event_words words = { .len = 0 };

	for (unsigned int bit = 1; bit <= BL_FACT_ANY; bit <<= 1) {
		if (event->facts & bit && bl_event_fact_name(bit))
			add_word(&words, bl_event_fact_name(bit));
	}
	return words;
}

struct bl_event_words bl_event_address_words(const struct bl_event *event)
{
	struct bl_event_words words = { .len = 0 };

	if (!bl_event_has_address(event))
		return words;
	if (inet_ntop(event->family, event->addr, words.text, sizeof(words.text)))
		words.len = strlen(words.text);
	return words;
}

/* Those that events knew first keep the names that they had. */
struct bl_event_words bl_event_family_words(const struct bl_event *event)
{
	const char *name = bl_event_family_name(event->family);
	struct bl_event_words words = { .len = 0 };

	if (bl_event_has_address(event))
		add_word(&words, event->family == AF_INET ? "ipv4" : "ipv6");
	else if (name)
		add_word(&words, name);
	else
		words.len = (size_t)snprintf(words.text, sizeof(words.text), "%u", event->family);
	return words;
}

/* Texts that were incomplete when the kernel side took them. */
struct bl_event_words bl_event_truncated_words(const struct bl_event *event)
{
	static const struct {
		unsigned int flags;
		const char *word;
	} names[] = {
		{ BL_EF_TOO_DEEP | BL_EF_LOST, "path" }, { BL_EF_EXE_CUT, "exe" },
		{ BL_EF_PARENT_CUT, "parent_exe" },	 { BL_EF_CGROUP_CUT, "cgroup" },
		{ BL_EF_ARGUMENT_CUT, "argument" },	 { BL_EF_CWD_CUT, "cwd" },
		{ BL_EF_ARGV_CUT, "cmdline" },		 { BL_EF_ANCESTORS_CUT, "ancestors" },
	};
	struct bl_event_words words = { .len = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (event->flags & names[i].flags)
			add_word(&words, names[i].word);
	}
	return words;
}
