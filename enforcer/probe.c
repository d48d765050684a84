/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel can: a table of features, each with its consequence and its remedy. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include <bpf/btf.h>
#include <linux/capability.h>

#include "capability.h"
#include "cleanup.h"
#include "hooks.h"
#include "hostfs.h"
#include "probe.h"

#define SMALL_FILE_BYTES (1u << 20)

/* What the probes share. */
struct context {
	int root_fd;
	struct btf *btf; /* NULL: not there, or not looked at */
	int btf_error;
	char *lsm_list; /* without its newline; NULL: not seen */
};

struct probe {
	const char *name, *what, *consequence, *remedy;
	enum bl_need need;
	enum bl_probe_depth depth;
	/* Sets found, and detail and remedy where they depend on what was seen. */
	int (*look)(const struct context *context, const struct probe *probe,
		    struct bl_probe_result *ret);
	const char *type, *value; /* look_enum: an enumerator in the kernel's BTF */
};

static char *read_line(int root_fd, const char *path)
{
	char *text = NULL;

	if (bl_hostfs_read(root_fd, path, SMALL_FILE_BYTES, &text) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static enum bl_found found_if(bool there)
{
	return there ? BL_FOUND_YES : BL_FOUND_NO;
}

/* ---- this process ------------------------------------------------------------------------- */

static int look_rights(const struct context *context, const struct probe *probe,
		       struct bl_probe_result *ret)
{
	uint64_t have = bl_capability_effective();
	uint64_t need = BL_CAP(CAP_BPF) | BL_CAP(CAP_PERFMON);

	ret->found = found_if(geteuid() == 0 &&
			      ((have & need) == need || (have & BL_CAP(CAP_SYS_ADMIN))));
	ret->detail = bl_format("effective uid %u, CAP_BPF %s, CAP_PERFMON %s", geteuid(),
				have & BL_CAP(CAP_BPF) ? "yes" : "no",
				have & BL_CAP(CAP_PERFMON) ? "yes" : "no");
	return ret->detail ? 0 : -ENOMEM;
}

/* ---- /sys and /proc ----------------------------------------------------------------------- */

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, len) == 0 && (at[len] == ',' || !at[len]))
			return true;
	}
	return false;
}

char *bl_probe_lsm_option(const char *active_list)
{
	return bl_format("lsm=%s%sbpf", active_list, *active_list ? "," : "");
}

static int look_lsm_list(const struct context *context, const struct probe *probe,
			 struct bl_probe_result *ret)
{
	_cleanup_free_ char *option = NULL;

	if (!context->lsm_list) {
		ret->found = BL_FOUND_UNKNOWN;
		ret->detail = bl_format("/sys/kernel/security/lsm can't be read");
		ret->remedy = bl_format("mount -t securityfs securityfs /sys/kernel/security");
		return ret->detail && ret->remedy ? 0 : -ENOMEM;
	}
	ret->found = found_if(list_has(context->lsm_list, "bpf"));
	ret->detail = bl_format("active: %s", context->lsm_list);
	if (ret->found == BL_FOUND_NO) {
		option = bl_probe_lsm_option(context->lsm_list);
		if (!option)
			return -ENOMEM;
		ret->remedy = bl_format("add %s to the kernel command line (Debian, Ubuntu: "
					"GRUB_CMDLINE_LINUX in /etc/default/grub, then "
					"update-grub) and boot again",
					option);
		if (!ret->remedy)
			return -ENOMEM;
	}
	return ret->detail ? 0 : -ENOMEM;
}

static int look_lockdown(const struct context *context, const struct probe *probe,
			 struct bl_probe_result *ret)
{
	_cleanup_free_ char *line = read_line(context->root_fd, "/sys/kernel/security/lockdown");

	if (!line) {
		/* No file: a kernel without the lockdown LSM, or no securityfs to see it in. */
		ret->found = context->lsm_list ? BL_FOUND_YES : BL_FOUND_UNKNOWN;
		ret->detail = bl_format("no lockdown to be seen");
	} else {
		ret->found = found_if(!strstr(line, "[confidentiality]"));
		ret->detail = bl_format("%s", line);
	}
	return ret->detail ? 0 : -ENOMEM;
}

/* A sysctl that must not be 0. */
static int look_switch(const struct context *context, const struct probe *probe,
		       struct bl_probe_result *ret)
{
	_cleanup_free_ char *line = read_line(context->root_fd, probe->value);

	ret->found = line ? found_if(strcmp(line, "0") != 0) : BL_FOUND_UNKNOWN;
	ret->detail = bl_format("%s is %s", probe->value, line ? line : "not readable");
	return ret->detail ? 0 : -ENOMEM;
}

static int look_bpffs(const struct context *context, const struct probe *probe,
		      struct bl_probe_result *ret)
{
	_cleanup_free_ char *mounts = NULL;

	if (bl_hostfs_read(context->root_fd, "/proc/self/mounts", SMALL_FILE_BYTES, &mounts) < 0)
		ret->found = BL_FOUND_UNKNOWN;
	else
		ret->found = found_if(strstr(mounts, " /sys/fs/bpf bpf "));
	return 0;
}

/* rename_lock, which the path walk is guarded by, must be found and its address be shown. */
static int look_symbols(const struct context *context, const struct probe *probe,
			struct bl_probe_result *ret)
{
	int fd = bl_hostfs_open(context->root_fd, "/proc/kallsyms", O_RDONLY);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "re");
	unsigned long long address;
	char type, name[256];

	ret->found = file ? BL_FOUND_NO : BL_FOUND_UNKNOWN;
	while (file && fscanf(file, "%llx %c %255s%*[^\n]", &address, &type, name) == 3) {
		if (strcmp(name, "rename_lock") != 0)
			continue;
		ret->found = address ? BL_FOUND_YES : BL_FOUND_UNKNOWN;
		if (!address)
			ret->detail = bl_format("addresses are hidden from this process");
		break;
	}
	return 0;
}

/* ---- the kernel's BTF --------------------------------------------------------------------- */

static int look_btf(const struct context *context, const struct probe *probe,
		    struct bl_probe_result *ret)
{
	ret->found = found_if(context->btf);
	if (context->btf)
		ret->detail = bl_format("%u types", btf__type_cnt(context->btf) - 1);
	else
		ret->detail =
			bl_format("/sys/kernel/btf/vmlinux: %s", strerror(-context->btf_error));
	return ret->detail ? 0 : -ENOMEM;
}

static bool btf_has_enumerator(const struct btf *btf, const char *type, const char *value)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (unsigned int)id) : NULL;
	const struct btf_enum *e = t ? btf_enum(t) : NULL;

	for (unsigned int i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, e[i].name_off);

		if (name && strcmp(name, value) == 0)
			return true;
	}
	return false;
}

static int look_enum(const struct context *context, const struct probe *probe,
		     struct bl_probe_result *ret)
{
	ret->found = context->btf
			     ? found_if(btf_has_enumerator(context->btf, probe->type, probe->value))
			     : BL_FOUND_UNKNOWN;
	return 0;
}

/* From the kernel on that has this helper, BPF memory counts for the cgroup, not for memlock. */
static int look_memlock(const struct context *context, const struct probe *probe,
			struct bl_probe_result *ret)
{
	struct rlimit limit;

	if (!context->btf || getrlimit(RLIMIT_MEMLOCK, &limit) < 0) {
		ret->found = BL_FOUND_UNKNOWN;
		return 0;
	}
	ret->found = found_if(
		btf_has_enumerator(context->btf, "bpf_func_id", "BPF_FUNC_ktime_get_coarse_ns") ||
		limit.rlim_cur == RLIM_INFINITY);
	if (limit.rlim_cur == RLIM_INFINITY)
		ret->detail = bl_format("RLIMIT_MEMLOCK is unlimited");
	else
		ret->detail = bl_format("RLIMIT_MEMLOCK is %llu KiB",
					(unsigned long long)limit.rlim_cur >> 10);
	return ret->detail ? 0 : -ENOMEM;
}

static bool has_hook(const struct btf *btf, const char *hook)
{
	char name[64];

	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static int look_bpf_lsm(const struct context *context, const struct probe *probe,
			struct bl_probe_result *ret)
{
	ret->found = context->btf ? found_if(has_hook(context->btf, "file_open"))
				  : BL_FOUND_UNKNOWN;
	return 0;
}

/* Those that not every supported kernel has come with what they guard: no gap without them. */
static int look_hooks(const struct context *context, const struct probe *probe,
		      struct bl_probe_result *ret)
{
	const struct bl_hook_entry *hooks;
	char *missing = NULL;
	size_t n, there = 0;

	if (!context->btf) {
		ret->found = BL_FOUND_UNKNOWN;
		return 0;
	}
	hooks = bl_hook_table(&n);
	for (size_t i = 0; i < n; i++) {
		char *longer;

		if (has_hook(context->btf, hooks[i].hook)) {
			there++;
			continue;
		}
		if (hooks[i].optional)
			continue;
		longer = bl_format("%s%s%s", missing ? missing : "missing: ", missing ? ", " : "",
				   hooks[i].hook);
		free(missing);
		if (!longer)
			return -ENOMEM;
		missing = longer;
	}
	ret->found = found_if(!missing);
	ret->detail = missing ? missing : bl_format("%zu of %zu", there, n);
	return ret->detail ? 0 : -ENOMEM;
}

/* ---- the table ---------------------------------------------------------------------------- */

#define NEWER_KERNEL "a kernel of 5.17 or later, or a distribution's that has it"

static const struct probe table[] = {
	{ .name = "rights",
	  .what = "root with CAP_BPF and CAP_PERFMON",
	  .consequence = "the daemon can't load its programs",
	  .remedy = "run it as root, outside of a container",
	  .need = BL_NEED_PROCESS,
	  .depth = BL_PROBE_QUICK,
	  .look = look_rights },
	{ .name = "lsm-list",
	  .what = "'bpf' among the active security modules",
	  .consequence = "LSM programs attach without an error and never run: nothing is enforced",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_QUICK,
	  .look = look_lsm_list },
	{ .name = "lockdown",
	  .what = "lockdown is not 'confidentiality'",
	  .consequence = "programs that read kernel memory are refused",
	  .remedy = "boot with lockdown=integrity or without lockdown=",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_QUICK,
	  .look = look_lockdown },
	{ .name = "ftrace",
	  .what = "function tracing is on",
	  .consequence = "LSM programs hang on it: they do not run while it is off",
	  .remedy = "sysctl kernel.ftrace_enabled=1",
	  .value = "/proc/sys/kernel/ftrace_enabled",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_QUICK,
	  .look = look_switch },
	{ .name = "jit",
	  .what = "the BPF JIT compiler is on",
	  .consequence = "LSM programs can't be attached",
	  .remedy = "sysctl net.core.bpf_jit_enable=1",
	  .value = "/proc/sys/net/core/bpf_jit_enable",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_QUICK,
	  .look = look_switch },
	{ .name = "btf",
	  .what = "the kernel describes its types (BTF)",
	  .consequence = "the programs can't be fitted to this kernel",
	  .remedy = "a kernel with CONFIG_DEBUG_INFO_BTF=y",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_FULL,
	  .look = look_btf },
	{ .name = "bpf-lsm",
	  .what = "the kernel has BPF-LSM",
	  .consequence = "there are no hooks to attach to",
	  .remedy = "a kernel with CONFIG_BPF_LSM=y",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_FULL,
	  .look = look_bpf_lsm },
	{ .name = "hooks",
	  .what = "every security hook that rules can need",
	  .consequence = "rules that need a missing hook have a gap there",
	  .need = BL_NEED_USEFUL,
	  .depth = BL_PROBE_FULL,
	  .look = look_hooks },
	{ .name = "ringbuf",
	  .what = "BPF ring buffer",
	  .consequence = "no event reaches the daemon",
	  .remedy = NEWER_KERNEL,
	  .type = "bpf_map_type",
	  .value = "BPF_MAP_TYPE_RINGBUF",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_FULL,
	  .look = look_enum },
	{ .name = "inode-storage",
	  .what = "BPF storage at inodes",
	  .consequence = "verdicts can't be cached at the object",
	  .remedy = NEWER_KERNEL,
	  .type = "bpf_map_type",
	  .value = "BPF_MAP_TYPE_INODE_STORAGE",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_FULL,
	  .look = look_enum },
	{ .name = "task-storage",
	  .what = "BPF storage at tasks",
	  .consequence = "processes can't be labelled",
	  .remedy = NEWER_KERNEL,
	  .type = "bpf_map_type",
	  .value = "BPF_MAP_TYPE_TASK_STORAGE",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_FULL,
	  .look = look_enum },
	{ .name = "loop",
	  .what = "the bpf_loop helper",
	  .consequence = "long paths can't be walked",
	  .remedy = NEWER_KERNEL,
	  .type = "bpf_func_id",
	  .value = "BPF_FUNC_loop",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_FULL,
	  .look = look_enum },
	{ .name = "symbols",
	  .what = "the kernel's rename_lock can be found",
	  .consequence = "path walks can't be guarded against renames",
	  .remedy = "a kernel with CONFIG_KALLSYMS_ALL=y, and CAP_SYSLOG for the daemon's start",
	  .need = BL_NEED_KERNEL,
	  .depth = BL_PROBE_FULL,
	  .look = look_symbols },
	{ .name = "memlock",
	  .what = "room for BPF maps",
	  .consequence = "big policies may not fit",
	  .remedy = "LimitMEMLOCK=infinity in the unit",
	  .need = BL_NEED_USEFUL,
	  .depth = BL_PROBE_FULL,
	  .look = look_memlock },
	{ .name = "bpffs",
	  .what = "the BPF file system is mounted",
	  .consequence = "enforcement can't be made to outlive the daemon",
	  .remedy = "mount -t bpf bpf /sys/fs/bpf",
	  .need = BL_NEED_USEFUL,
	  .depth = BL_PROBE_FULL,
	  .look = look_bpffs },
};
static_assert(BL_ARRAY_SIZE(table) <= BL_PROBES_MAX, "every probe has room for its result");

static void context_clear(struct context *context)
{
	btf__free(context->btf);
	free(context->lsm_list);
}

static void read_btf(struct context *context)
{
	_cleanup_close_ int fd =
		bl_hostfs_open(context->root_fd, "/sys/kernel/btf/vmlinux", O_RDONLY);
	char path[32];

	context->btf_error = fd;
	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	context->btf = btf__parse_raw(path);
	if (!context->btf)
		context->btf_error = errno ? -errno : -EINVAL;
}

static int run_one(const struct context *context, const struct probe *probe,
		   struct bl_probe_result *ret)
{
	int r;

	*ret = (struct bl_probe_result){
		.name = probe->name,
		.what = probe->what,
		.need = probe->need,
		.consequence = probe->consequence,
	};
	r = probe->look(context, probe, ret);
	if (r == 0 && ret->found == BL_FOUND_NO && !ret->remedy && probe->remedy) {
		ret->remedy = strdup(probe->remedy);
		r = ret->remedy ? 0 : -ENOMEM;
	}
	return r;
}

int bl_probes_run(int root_fd, enum bl_probe_depth depth, struct bl_probes *ret)
{
	_cleanup_(context_clear) struct context context = { .root_fd = root_fd };
	int r;

	context.lsm_list = read_line(root_fd, "/sys/kernel/security/lsm");
	if (depth == BL_PROBE_FULL)
		read_btf(&context);
	for (size_t i = 0; i < BL_ARRAY_SIZE(table); i++) {
		if (table[i].depth > depth)
			continue;
		r = run_one(&context, &table[i], &ret->items[ret->count++]);
		if (r < 0)
			return r;
	}
	return 0;
}

void bl_probes_clear(struct bl_probes *probes)
{
	for (size_t i = 0; i < probes->count; i++) {
		free(probes->items[i].detail);
		free(probes->items[i].remedy);
	}
	*probes = (struct bl_probes){ 0 };
}

const struct bl_probe_result *bl_probes_obstacle(const struct bl_probes *probes, enum bl_need need)
{
	for (size_t i = 0; i < probes->count; i++) {
		if (probes->items[i].found == BL_FOUND_NO && probes->items[i].need <= need)
			return &probes->items[i];
	}
	return NULL;
}

size_t bl_probes_unseen(const struct bl_probes *probes)
{
	size_t n = 0;

	for (size_t i = 0; i < probes->count; i++)
		n += probes->items[i].found == BL_FOUND_UNKNOWN &&
		     probes->items[i].need == BL_NEED_KERNEL;
	return n;
}
