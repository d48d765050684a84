/* SPDX-License-Identifier: Apache-2.0 */
/* Policies in apostrophes -> tables, and accesses in words -> answers. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "policy_text.h"

/* A compiled policy; what went wrong is in diags. */
struct compiled {
	struct bl_policy *policy;
	struct bl_tables *tables;
	struct bl_diags diags;
	int r;
};

static inline void compiled_clear(struct compiled *compiled)
{
	bl_policy_free(compiled->policy);
	bl_tables_free(compiled->tables);
	bl_diags_clear(&compiled->diags);
}

static inline struct compiled compile_key(const char *text, const uint64_t key[2][BL_HASH_WORDS])
{
	struct policy_text plain = policy_text(text);
	struct compiled ret = {};

	ret.r = policy_text_parse(&plain, &ret.diags, &ret.policy);
	if (!ret.r)
		ret.r = bl_compile(ret.policy, key, &ret.diags, &ret.tables);
	free(plain.bytes);
	return ret;
}

static inline struct compiled compile(const char *text)
{
	return compile_key(text, NULL);
}

static inline const struct bl_header *compiled_header(const struct compiled *compiled)
{
	return (const struct bl_header *)compiled->tables->bytes;
}

/* Who asks, and for what; whatever is left out is root's shell, any access, TCP to port 443. */
struct asked {
	const char *exec;
	const char *open;
	const char *connect;
	const char *exe;
	const char *socket;
	size_t name_len; /* of an abstract socket; 0: strlen(socket) */
	uint8_t family; /* a connect to one without addresses */
	uint8_t access;
	const char *args; /* of an exec, each with its NUL */
	size_t args_len;
	uint8_t facts; /* of an exec; a memfd's text is ignored */
	bool trace; /* a process of it is taken hold of, instead of an exec */
	uint16_t port;
	uint32_t uid;
	uint32_t gid;
	bool untrusted; /* ... on a file system of another user namespace */
	bool unnamed; /* an exec or open of an object without a name: text is ignored */
};

static inline struct bl_answer ask(const struct bl_tables *tables, const struct asked *asked)
{
	uint8_t addr[16] = {};
	struct bl_query query = {
		.op = asked->exec   ? BL_OP_EXEC
		      : asked->open ? BL_OP_OPEN
				    : BL_OP_CONNECT,
		.pseudo = asked->facts & BL_FACT_MEMFD,
		.untrusted = asked->untrusted,
		.path = asked->unnamed || asked->facts & BL_FACT_MEMFD ? NULL
			: asked->exec  ? asked->exec
								       : asked->open,
		.access = asked->access,
		.args = asked->args,
		.args_len = asked->args_len,
		.addr = addr,
		.port = asked->port ? asked->port : 443,
		.exe = asked->exe,
		.uid = asked->uid,
		.gids = &asked->gid,
		.n_gids = 1,
	};
	struct bl_answer answer = {};

	for (size_t i = 0; i < asked->args_len; i++)
		query.n_args += !asked->args[i];
	if (asked->exec)
		query.access = asked->trace ? BL_ACCESS_TRACE : BL_ACCESS_EXEC | asked->facts;
	else if (!query.access)
		query.access = asked->open     ? BL_ACCESS_READ
			       : asked->family || asked->socket ? BL_PROTO_NONE
								: BL_PROTO_TCP;
	if (asked->socket) {
		query.access = BL_ACCESS_CONNECT;
		query.socket = asked->socket;
		query.socket_len = asked->name_len ? asked->name_len : strlen(asked->socket);
	}
	query.family = asked->family;
	if (asked->connect) {
		query.family = strchr(asked->connect, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(query.family, asked->connect, addr) != 1)
			abort();
	}
	bl_decide(tables, &query, &answer);
	return answer;
}
