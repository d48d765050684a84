/* SPDX-License-Identifier: Apache-2.0 */
/* Policies in test tables: apostrophes for quotes, and a mark where a diagnostic should point. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "policy.h"

struct policy_text {
	char *bytes;
	size_t len;
	uint32_t line, column; /* of the mark; 0: there is none */
};

/* Replaces ' by " and takes the mark ` out. The text is at the end of its own allocation. */
static inline struct policy_text policy_text(const char *text)
{
	struct policy_text ret = { .len = strlen(text) };
	uint32_t line = 1, column = 1;
	size_t at = 0;

	if (strchr(text, '`'))
		ret.len--;
	ret.bytes = malloc(ret.len ? ret.len : 1);
	for (; *text; text++) {
		if (*text == '`') {
			ret.line = line;
			ret.column = column;
			continue;
		}
		ret.bytes[at++] = *text == '\'' ? '"' : *text;
		column = *text == '\n' ? 1 : column + 1;
		line += *text == '\n';
	}
	return ret;
}

/* Parses one text as p.json. */
static inline int policy_text_parse(const struct policy_text *text, struct bl_diags *diags,
				    struct bl_policy **ret)
{
	struct bl_source source = { .path = "dir/p.json", .bytes = text->bytes, .len = text->len };

	return bl_policy_parse(&source, 1, NULL, diags, ret);
}

/* A policy with one thing in it. */
#define TOP(body)     "{'bailiff': 1, " body "}"
#define LISTS(body)   TOP("'lists': {" body "}")
#define RULES(body)   TOP("'rules': [" body "]")
#define EXEC(body)    RULES("{'id': 'r', 'on': 'exec', 'action': 'deny', " body "}")
#define OPEN(body)    RULES("{'id': 'r', 'on': 'open', 'action': 'deny', " body "}")
#define CONNECT(body) RULES("{'id': 'r', 'on': 'connect', 'action': 'deny', " body "}")
#define PATH(value)   EXEC("'path': `" value)
#define NET(value)    CONNECT("'to': `" value)
#define PORT(value)   CONNECT("'port': `" value)
#define UID(value)    EXEC("'by': {'uid': `" value "}")
#define BY(body)      EXEC("'by': {" body "}")
#define TEST(body)                                                             \
	TOP("'rules': [{'id': 'r', 'on': ['exec', 'open'], 'action': 'deny', " \
	    "'path': '/x'}], 'tests': [" body "]")
#define PROFILE(body) TOP("'profiles': [" body "]")
#define ALLOW(body)   PROFILE("{'id': 'p', 'by': {'uid': 1}, 'otherwise': 'deny', 'allow': " body "}")
#define ADJUST(body)                                                           \
	TOP("'rules': [{'id': 'r', 'on': 'exec', 'action': 'deny', 'path': '/x'}], " \
	    "'adjust': [" body "]")
