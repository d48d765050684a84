/* SPDX-License-Identifier: Apache-2.0 */
/* From policy files to a verified image: the one way that the daemon and 'bailiff check' share. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/random.h>

#include "build.h"
#include "cleanup.h"
#include "hostfs.h"

static int random_key(uint64_t key[2][BL_HASH_WORDS])
{
	uint8_t *at = (uint8_t *)key;
	size_t left = sizeof(uint64_t) * 2 * BL_HASH_WORDS;

	while (left) {
		ssize_t n = getrandom(at, left, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

static int compile(const struct bl_build_input *input, struct bl_built *built)
{
	uint64_t key[2][BL_HASH_WORDS];
	struct bl_tables *tables = NULL;
	const char *what = NULL;
	int r;

	if (input->random_key) {
		r = random_key(key);
		if (r < 0)
			return r;
	}
	r = bl_compile(built->policy,
		       input->random_key ? (const uint64_t(*)[BL_HASH_WORDS])key : NULL,
		       &built->diags, &tables);
	if (r < 0)
		return r;
	r = bl_tables_verify(tables->bytes, tables->len, &what);
	if (r < 0) {
		bl_diag_add(&built->diags, BL_DIAG_ERROR, NULL, "compiler",
			    "the compiled policy does not pass its own check: %s", what);
		bl_tables_free(tables);
		return r;
	}
	built->tables = tables;
	return 0;
}

int bl_build(const struct bl_build_input *input, struct bl_built *ret)
{
	int host_fd = input->host_fd;
	int r;

	if (input->paths)
		r = bl_policies_named(input->paths, input->n_paths, &ret->diags, &ret->policies);
	else
		r = bl_policies_installed(input->config_fd, &ret->diags, &ret->policies);
	if (r < 0)
		return r;
	r = bl_policy_parse(ret->policies.sources, ret->policies.count, &ret->diags, &ret->policy);
	if (r < 0)
		return r;
	r = bl_policy_resolve(ret->policy, bl_hostfs_readlink, &host_fd, &ret->diags);
	if (r < 0)
		return r;
	return compile(input, ret);
}

void bl_built_clear(struct bl_built *built)
{
	bl_tables_free(built->tables);
	bl_areas_clear(&built->areas);
	bl_policy_free(built->policy);
	bl_policies_clear(&built->policies);
	bl_diags_clear(&built->diags);
	*built = (struct bl_built){ 0 };
}
