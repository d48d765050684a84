/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: made-up kernels, each with one thing missing. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base.h"
#include "hooks.h"
#include "probe.h"
#include "tree.h"

struct fixture {
	struct tree tree;
	struct bl_probes probes;
};

/* A kernel's BTF with everything, but for the enumerator or hook 'without' (NULL: none). */
static void write_btf(struct tree *tree, const char *without)
{
	static const struct {
		const char *type, *value;
	} enumerators[] = {
		{ "bpf_map_type", "BPF_MAP_TYPE_RINGBUF" },
		{ "bpf_map_type", "BPF_MAP_TYPE_INODE_STORAGE" },
		{ "bpf_map_type", "BPF_MAP_TYPE_TASK_STORAGE" },
		{ "bpf_func_id", "BPF_FUNC_loop" },
		{ "bpf_func_id", "BPF_FUNC_ktime_get_coarse_ns" },
	};
	struct btf *btf = btf__new_empty();
	const char *types[] = { "bpf_map_type", "bpf_func_id" };
	int proto = btf__add_func_proto(btf, 0);
	const struct bl_hook_entry *hooks;
	const void *bytes;
	size_t n_hooks;
	char name[64];
	uint32_t size;

	for (size_t t = 0; t < BL_ARRAY_SIZE(types); t++) {
		btf__add_enum(btf, types[t], 4);
		for (size_t i = 0; i < BL_ARRAY_SIZE(enumerators); i++) {
			if (strcmp(enumerators[i].type, types[t]) == 0 &&
			    (!without || strcmp(without, enumerators[i].value) != 0))
				btf__add_enum_value(btf, enumerators[i].value, (int)i);
		}
	}
	hooks = bl_hook_table(&n_hooks);
	for (size_t i = 0; i < n_hooks; i++) {
		if (without && strcmp(without, hooks[i].hook) == 0)
			continue;
		snprintf(name, sizeof(name), "bpf_lsm_%s", hooks[i].hook);
		btf__add_func(btf, name, BTF_FUNC_GLOBAL, proto);
	}
	bytes = btf__raw_data(btf, &size);
	tree_write(tree, "/sys/kernel/btf/vmlinux", bytes, size);
	btf__free(btf);
}

/* A kernel that has it all. */
static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct tree *tree = &fixture->tree;

	tree_make(tree);
	write_btf(tree, NULL);
	tree_text(tree, "/sys/kernel/security/lsm", "lockdown,capability,yama,apparmor,bpf");
	tree_text(tree, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	tree_text(tree, "/proc/sys/kernel/ftrace_enabled", "1\n");
	tree_text(tree, "/proc/sys/net/core/bpf_jit_enable", "1\n");
	tree_text(tree, "/proc/self/mounts",
		  "sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0\n");
	tree_text(tree, "/proc/kallsyms",
		  "ffffffff81000000 T _text\nffffffff82a00040 D rename_lock\n"
		  "ffffffffc0000000 t helper\t[module]\n");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	bl_probes_clear(&fixture->probes);
	tree_remove(&fixture->tree);
	free(fixture);
	return 0;
}

static const struct bl_probe_result *result_of(struct fixture *fixture, const char *name)
{
	bl_probes_clear(&fixture->probes);
	assert_int_equal(bl_probes_run(fixture->tree.fd, BL_PROBE_FULL, &fixture->probes), 0);
	for (size_t i = 0; i < fixture->probes.count; i++) {
		if (strcmp(fixture->probes.items[i].name, name) == 0)
			return &fixture->probes.items[i];
	}
	fail_msg("no probe '%s'", name);
	return NULL;
}

/* Missing, and with a consequence; whether the kernel can do without is 'fatal'. */
static void missing(struct fixture *fixture, const char *name, bool fatal)
{
	const struct bl_probe_result *result = result_of(fixture, name);
	const struct bl_probe_result *obstacle;

	assert_int_equal(result->found, BL_FOUND_NO);
	assert_true(strlen(result->consequence) > 10);
	obstacle = bl_probes_obstacle(&fixture->probes, BL_NEED_KERNEL);
	if (fatal)
		assert_ptr_equal(obstacle, result);
	else
		assert_null(obstacle);
}

static void all_there(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(result_of(fixture, "hooks")->found, BL_FOUND_YES);
	assert_null(bl_probes_obstacle(&fixture->probes, BL_NEED_KERNEL));
	assert_int_equal(bl_probes_unseen(&fixture->probes), 0);
	for (size_t i = 0; i < fixture->probes.count; i++) {
		if (fixture->probes.items[i].need == BL_NEED_KERNEL)
			assert_int_equal(fixture->probes.items[i].found, BL_FOUND_YES);
	}
}

static void no_bpf_in_the_list(void **state)
{
	struct fixture *fixture = *state;
	const struct bl_probe_result *result;

	tree_text(&fixture->tree, "/sys/kernel/security/lsm", "lockdown,capability,bpfx,yama\n");
	missing(fixture, "lsm-list", true);
	result = result_of(fixture, "lsm-list");
	assert_non_null(strstr(result->remedy, " lsm=lockdown,capability,bpfx,yama,bpf "));
}

static void bpf_anywhere_in_the_list(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, "/sys/kernel/security/lsm", "bpf,yama");
	assert_int_equal(result_of(fixture, "lsm-list")->found, BL_FOUND_YES);
	tree_text(&fixture->tree, "/sys/kernel/security/lsm", "yama,bpf,apparmor\n");
	assert_int_equal(result_of(fixture, "lsm-list")->found, BL_FOUND_YES);
	tree_text(&fixture->tree, "/sys/kernel/security/lsm", "");
	assert_int_equal(result_of(fixture, "lsm-list")->found, BL_FOUND_NO);
	assert_non_null(strstr(result_of(fixture, "lsm-list")->remedy, " lsm=bpf "));
}

static void no_securityfs(void **state)
{
	struct fixture *fixture = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/sys/kernel/security/lsm", fixture->tree.path);
	unlink(path);
	assert_int_equal(result_of(fixture, "lsm-list")->found, BL_FOUND_UNKNOWN);
	assert_null(bl_probes_obstacle(&fixture->probes, BL_NEED_KERNEL));
	assert_int_equal(bl_probes_unseen(&fixture->probes), 1);
}

static void lockdown(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, "/sys/kernel/security/lockdown",
		  "none integrity [confidentiality]\n");
	missing(fixture, "lockdown", true);
}

static void switches(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, "/proc/sys/kernel/ftrace_enabled", "0\n");
	missing(fixture, "ftrace", true);
	tree_text(&fixture->tree, "/proc/sys/kernel/ftrace_enabled", "1\n");
	tree_text(&fixture->tree, "/proc/sys/net/core/bpf_jit_enable", "0\n");
	missing(fixture, "jit", true);
}

static void enumerators(void **state)
{
	static const struct {
		const char *value, *probe;
	} cases[] = {
		{ "BPF_MAP_TYPE_RINGBUF", "ringbuf" },
		{ "BPF_MAP_TYPE_INODE_STORAGE", "inode-storage" },
		{ "BPF_MAP_TYPE_TASK_STORAGE", "task-storage" },
		{ "BPF_FUNC_loop", "loop" },
		{ "file_open", "bpf-lsm" },
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(cases); i++) {
		write_btf(&((struct fixture *)*state)->tree, cases[i].value);
		missing(*state, cases[i].probe, true);
	}
}

static void a_hook_less(void **state)
{
	struct fixture *fixture = *state;

	write_btf(&fixture->tree, "socket_sendmsg");
	missing(fixture, "hooks", false);
	assert_string_equal(result_of(fixture, "hooks")->detail, "missing: socket_sendmsg");
}

static void no_btf(void **state)
{
	struct fixture *fixture = *state;
	char path[128];

	tree_text(&fixture->tree, "/sys/kernel/btf/vmlinux", "not BTF at all");
	missing(fixture, "btf", true);
	snprintf(path, sizeof(path), "%s/sys/kernel/btf/vmlinux", fixture->tree.path);
	unlink(path);
	missing(fixture, "btf", true);
	assert_int_equal(result_of(fixture, "ringbuf")->found, BL_FOUND_UNKNOWN);
}

static void symbols(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, "/proc/kallsyms", "ffffffff81000000 T _text\n");
	missing(fixture, "symbols", true);
	tree_text(&fixture->tree, "/proc/kallsyms", "0000000000000000 D rename_lock\n");
	assert_int_equal(result_of(fixture, "symbols")->found, BL_FOUND_UNKNOWN);
}

static void no_bpffs(void **state)
{
	struct fixture *fixture = *state;

	tree_text(&fixture->tree, "/proc/self/mounts", "sysfs /sys sysfs rw 0 0\n");
	missing(fixture, "bpffs", false);
}

static void quick_reads_no_btf(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(bl_probes_run(fixture->tree.fd, BL_PROBE_QUICK, &fixture->probes), 0);
	for (size_t i = 0; i < fixture->probes.count; i++)
		assert_string_not_equal(fixture->probes.items[i].name, "btf");
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_there),     TEST(no_bpf_in_the_list), TEST(bpf_anywhere_in_the_list),
		TEST(no_securityfs), TEST(lockdown),	       TEST(switches),
		TEST(enumerators),   TEST(a_hook_less),	       TEST(no_btf),
		TEST(symbols),	     TEST(no_bpffs),	       TEST(quick_reads_no_btf),
	};

	libbpf_set_print(quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
