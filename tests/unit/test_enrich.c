/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup paths as systemd reads them, containers, and what /proc says of a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enrich.h"
#include "record.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct row {
	const char *path;
	const char *unit, *slice, *user_unit, *user_slice;
	const char *container, *runtime;
};

static struct bl_cgroup_names read_path(const char *path)
{
	struct bl_text text = { path, strlen(path) };
	struct bl_cgroup_names names;

	bl_cgroup_read(text, &names);
	return names;
}

static void check_row(const struct row *row)
{
	struct bl_cgroup_names names = read_path(row->path);

	assert_string_equal(names.unit, row->unit);
	assert_string_equal(names.slice, row->slice);
	assert_string_equal(names.user_unit, row->user_unit);
	assert_string_equal(names.user_slice, row->user_slice);
	assert_string_equal(names.container, row->container);
	if (*row->runtime)
		assert_string_equal(names.runtime, row->runtime);
	else
		assert_null(names.runtime);
}

static void units(void **state)
{
	static const struct row rows[] = {
		{ "", "", "", "", "", "", "" },
		{ "/", "", "-.slice", "", "", "", "" },
		{ "/init.scope", "init.scope", "-.slice", "", "", "", "" },
		{ "/system.slice/nginx.service", "nginx.service", "system.slice", "", "", "", "" },
		{ "/system.slice/nginx.service/worker", "nginx.service", "system.slice", "", "", "",
		  "" },
		{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service",
		  "system-getty.slice", "", "", "", "" },
		{ "/system.slice/home-a\\x2db.mount", "home-a\\x2db.mount", "system.slice", "", "",
		  "", "" },
		{ "/system.slice/_cpu.service", "cpu.service", "system.slice", "", "", "", "" },
		{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope",
		  "user-1000.slice", "", "-.slice", "", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/foot.service",
		  "user@1000.service", "user-1000.slice", "foot.service", "app.slice", "", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service",
		  "user-1000.slice", "init.scope", "-.slice", "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

/* What users can name their own cgroups must not pass for a unit of the system. */
static void hostile_units(void **state)
{
	static const struct row rows[] = {
		{ "/user.slice/user-1000.slice/user@1000.service/system.slice/sshd.service",
		  "user@1000.service", "user-1000.slice", "sshd.service", "system.slice", "", "" },
		{ "/system.slice/x.service/../sshd.service", "x.service", "system.slice", "", "",
		  "", "" },
		{ "/a\nb.service", "", "-.slice", "", "", "", "" },
		{ "/system.slice/a b.service", "", "system.slice", "", "", "", "" },
		{ "/system.slice/.service", "", "system.slice", "", "", "", "" },
		{ "/system.slice/foo@.service", "", "system.slice", "", "", "", "" },
		{ "/system.slice/@foo.service", "", "system.slice", "", "", "", "" },
		{ "//system.slice///nginx.service//", "nginx.service", "system.slice", "", "", "",
		  "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void overlong_unit(void **state)
{
	char path[400] = "/system.slice/";
	struct bl_cgroup_names names;

	memset(path + 14, 'a', 300);
	strcpy(path + 314, ".service");
	names = read_path(path);
	assert_string_equal(names.unit, "");
	assert_string_equal(names.slice, "system.slice");
}

static void containers(void **state)
{
	static const struct row rows[] = {
		{ "/system.slice/docker-" HEX64 ".scope", "docker-" HEX64 ".scope", "system.slice",
		  "", "", HEX64, "docker" },
		{ "/docker/" HEX64, "", "-.slice", "", "", HEX64, "docker" },
		{ "/machine.slice/libpod-" HEX64 ".scope/container", "libpod-" HEX64 ".scope",
		  "machine.slice", "", "", HEX64, "podman" },
		{ "/machine.slice/libpod-conmon-" HEX64 ".scope", "libpod-conmon-" HEX64 ".scope",
		  "machine.slice", "", "", "", "" },
		{ "/kubepods.slice/kubepods-pod1.slice/crio-" HEX64 ".scope",
		  "crio-" HEX64 ".scope", "kubepods-pod1.slice", "", "", HEX64, "cri-o" },
		{ "/kubepods.slice/kubepods-burstable.slice/cri-containerd-" HEX64 ".scope",
		  "cri-containerd-" HEX64 ".scope", "kubepods-burstable.slice", "", "", HEX64,
		  "containerd" },
		{ "/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:" HEX64,
		  "containerd.service", "system.slice", "", "", HEX64, "containerd" },
		{ "/kubepods/burstable/pod12-34/" HEX64, "", "-.slice", "", "", HEX64,
		  "kubernetes" },
		{ "/lxc.payload.web1/system.slice/nginx.service", "", "-.slice", "", "", "web1",
		  "lxc" },
		{ "/machine.slice/systemd-nspawn@build.service/payload",
		  "systemd-nspawn@build.service", "machine.slice", "", "", "build",
		  "systemd-nspawn" },
		/* The outermost one is what the host started. */
		{ "/docker/" HEX64 "/docker-aaaa.scope", "", "-.slice", "", "", HEX64, "docker" },
		/* One digit short, upper case, not below a container runtime. */
		{ "/system.slice/docker-0123.scope", "docker-0123.scope", "system.slice", "", "",
		  "", "" },
		{ "/elsewhere/" HEX64, "", "-.slice", "", "", "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

/* ---- a /proc of our own ------------------------------------------------------------------- */

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

struct proc {
	char directory[64];
	char of_812[80];
	int fd;
};

static void make_proc(struct proc *proc, const char *stat, const char *cgroup)
{
	strcpy(proc->directory, "/tmp/bailiff-proc-XXXXXX");
	assert_non_null(mkdtemp(proc->directory));
	snprintf(proc->of_812, sizeof(proc->of_812), "%s/812", proc->directory);
	assert_int_equal(mkdir(proc->of_812, 0700), 0);
	write_file(proc->of_812, "stat", stat);
	write_file(proc->of_812, "cgroup", cgroup);
	proc->fd = open(proc->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(proc->fd >= 0);
}

static void remove_proc(struct proc *proc)
{
	unlinkat(proc->fd, "812/stat", 0);
	unlinkat(proc->fd, "812/cgroup", 0);
	unlinkat(proc->fd, "812", AT_REMOVEDIR);
	close(proc->fd);
	assert_int_equal(rmdir(proc->directory), 0);
}

/* 5000 ticks of 10 ms: the process started 50 s after boot. Its name is out to confuse. */
#define STAT	 "812 (a) R 1 (b) S) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 5000 13 14\n"
#define START_NS 50001234567ull

static enum bl_process_state look(const char *stat, const char *cgroup, uint32_t pid)
{
	struct bl_cgroup_names names = read_path("/system.slice/nginx.service");
	enum bl_process_state state;
	struct proc proc;

	make_proc(&proc, stat, cgroup);
	state = bl_process_look(proc.fd, pid, START_NS, &names);
	remove_proc(&proc);
	return state;
}

static void looks_at_processes(void **state)
{
	static const char same[] = "0::/system.slice/nginx.service\n";

	assert_int_equal(sysconf(_SC_CLK_TCK), 100);
	assert_int_equal(look(STAT, same, 812), BL_PROCESS_SAME_UNIT);
	assert_int_equal(look(STAT, same, 813), BL_PROCESS_GONE);
	assert_int_equal(look(STAT, "0::/system.slice/nginx.service/sub (deleted)\n", 812),
			 BL_PROCESS_SAME_UNIT);
	assert_int_equal(look(STAT, "0::/system.slice/nginx.service (deleted)\n", 812),
			 BL_PROCESS_SAME_UNIT);
	assert_int_equal(look(STAT, "0::/system.slice/cron.service\n", 812), BL_PROCESS_MOVED);
	assert_int_equal(look("812 (x) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 5001 1\n", same,
			      812),
			 BL_PROCESS_REUSED);
	assert_int_equal(look("rubbish", same, 812), BL_PROCESS_UNKNOWN);
	assert_int_equal(look("812 (x) S 1 2", same, 812), BL_PROCESS_UNKNOWN);
}

static void looks_at_old_hierarchies(void **state)
{
	static const char hybrid[] = "10:net_cls:/0::/fake\n1:name=systemd:/system.slice/"
				     "nginx.service\n0::/system.slice/nginx.service\n";
	static const char legacy[] = "2:cpu:/\n1:name=systemd:/system.slice/nginx.service\n0::/\n";

	assert_int_equal(sysconf(_SC_CLK_TCK), 100);
	assert_int_equal(look(STAT, hybrid, 812), BL_PROCESS_SAME_UNIT);
	assert_int_equal(look(STAT, legacy, 812), BL_PROCESS_SAME_UNIT);
}

static void looks_at_the_real_proc(void **state)
{
	struct bl_cgroup_names names = { .unit = "" };
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t child = fork();

	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(bl_process_look(fd, (uint32_t)child, 1, &names), BL_PROCESS_GONE);
	assert_int_equal(bl_process_look(fd, (uint32_t)getpid(), 1, &names), BL_PROCESS_REUSED);
	close(fd);
}

static void cut_cgroup_names_nothing(void **state)
{
	struct record record;
	struct bl_event_view view;
	struct bl_enriched enriched;

	record_exec(&record);
	assert_int_equal(bl_event_decode(record.bytes, record.size, &view, NULL), 0);
	bl_enrich(&view, -1, &enriched);
	assert_string_equal(enriched.cgroup.unit, "nginx.service");
	assert_int_equal(enriched.process, BL_PROCESS_UNKNOWN);
	view.fixed.flags |= BL_EF_CGROUP_CUT;
	bl_enrich(&view, -1, &enriched);
	assert_string_equal(enriched.cgroup.unit, "");
	assert_string_equal(enriched.cgroup.slice, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units),
		cmocka_unit_test(hostile_units),
		cmocka_unit_test(overlong_unit),
		cmocka_unit_test(containers),
		cmocka_unit_test(looks_at_processes),
		cmocka_unit_test(looks_at_old_hierarchies),
		cmocka_unit_test(looks_at_the_real_proc),
		cmocka_unit_test(cut_cgroup_names_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
