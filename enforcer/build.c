/* SPDX-License-Identifier: Apache-2.0 */
/* From policy files to a verified image: the one way that the daemon and 'bailiff check' share. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/random.h>

#include "accounts.h"
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
	r = bl_compile_outlined(built->policy,
				input->random_key ? (const uint64_t(*)[BL_HASH_WORDS])key : NULL,
				&built->diags, &tables, input->outline);
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

/* What the policy asks of the host while it is read. */
struct host {
	const struct bl_build_input *input;
	struct bl_policies *policies;
	struct bl_accounts accounts;
};

static int find_account(void *userdata, enum bl_account account, const char *name, uint32_t *ret)
{
	struct host *host = userdata;

	return bl_accounts_find(&host->accounts, account, name, ret);
}

static int read_entries(void *userdata, const char *path, const struct bl_source **ret,
			const char **reterr_why)
{
	struct host *host = userdata;

	if (host->input->kept)
		return bl_policies_find_entries(host->input->kept, path, ret);
	return bl_policies_read_entries(host->policies, host->input->config_fd, !host->input->paths,
					path, ret, reterr_why);
}

static int parse(const struct bl_build_input *input, struct bl_built *built)
{
	struct host host = {
		.input = input,
		.policies = &built->policies,
		.accounts = { .root_fd = input->host_fd },
	};
	const struct bl_policy_host fns = {
		.find_account = find_account,
		.read_entries = read_entries,
		.userdata = &host,
	};
	const struct bl_policies *from = input->kept ? input->kept : &built->policies;
	int r = bl_policy_parse(from->sources, from->count, &fns, &built->diags, &built->policy);

	bl_accounts_clear(&host.accounts);
	return r;
}

static int read_files(const struct bl_build_input *input, struct bl_built *built)
{
	if (input->kept)
		return 0;
	if (input->paths)
		return bl_policies_named(input->paths, input->n_paths, &built->diags,
					 &built->policies);
	return bl_policies_installed(input->config_fd, &built->diags, &built->policies);
}

static int resolve(const struct bl_build_input *input, struct bl_built *built)
{
	int host_fd = input->host_fd, r;

	if (!input->follow)
		return bl_policy_resolve(built->policy, bl_hostfs_readlink, &host_fd,
					 &built->diags);
	r = bl_trail_new(host_fd, &built->trail);
	return r < 0 ? r
		     : bl_policy_resolve(built->policy, bl_trail_readlink, built->trail,
					 &built->diags);
}

int bl_build(const struct bl_build_input *input, struct bl_built *ret)
{
	int r = read_files(input, ret);

	if (r == 0)
		r = parse(input, ret);
	if (r == 0)
		r = resolve(input, ret);
	return r < 0 || input->rules_only ? r : compile(input, ret);
}

void bl_built_clear(struct bl_built *built)
{
	bl_tables_free(built->tables);
	bl_areas_clear(&built->areas);
	bl_trail_free(built->trail);
	bl_policy_free(built->policy);
	bl_policies_clear(&built->policies);
	bl_diags_clear(&built->diags);
	*built = (struct bl_built){ 0 };
}
