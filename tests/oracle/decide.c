// SPDX-License-Identifier: Apache-2.0
/* decide [POLICY...]: answers the oracle's requests with bl_decide(), in user space. */
#include "protocol.h"

struct user_engine {
	const struct bl_tables *tables;
};

static int user_load(void *userdata, const struct bl_tables *tables)
{
	struct user_engine *engine = userdata;

	engine->tables = tables;
	return 0;
}

static int user_decide(void *userdata, const struct bl_query *query, struct bl_answer *ret)
{
	const struct user_engine *engine = userdata;

	bl_decide(engine->tables, query, ret);
	return 0;
}

int main(int argc, char **argv)
{
	struct user_engine user = {};
	const struct engine engine = {
		.load = user_load,
		.decide = user_decide,
		.userdata = &user,
	};

	return protocol_serve(&engine, argv + 1, argc - 1, stdin, stdout);
}
