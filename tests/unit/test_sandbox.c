/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: what must fail does, what the daemon does in it still works. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "capability.h"
#include "cleanup.h"
#include "hostfs.h"
#include "sandbox.h"

/* Runs a check in a process of its own, within the sandbox. Returns its exit code. */
static int within(int (*check)(void))
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		_cleanup_free_ char *text = NULL;
		int r = bl_sandbox_enter(&text);

		if (r < 0) {
			fprintf(stderr, "# %s\n", text ? text : strerror(-r));
			_exit(100);
		}
		_exit(check());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

static int check_verify(void)
{
	_cleanup_free_ char *text = NULL;
	int r = bl_sandbox_verify(&text);

	if (r < 0)
		fprintf(stderr, "# %s\n", text ? text : strerror(-r));
	return r < 0;
}

static void verified(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(within(check_verify), 0);
}

/* Outside of it, verification must find what is still possible, each attempt for itself. */
static void verify_finds_an_open_door(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(bl_sandbox_verify(&text), -ENOTRECOVERABLE);
	assert_non_null(strstr(text, "the daemon could still"));
}

static int check_capabilities(void)
{
	const uint64_t kept = BL_CAP(CAP_BPF) | BL_CAP(CAP_DAC_READ_SEARCH);
	uint64_t all = ~0ull;

	if (bl_capability_all(&all) < 0 || (all & ~kept))
		return 1;
	return bl_capability_effective() & ~kept ? 2 : 0;
}

static void capabilities(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(within(check_capabilities), 0);
}

static int bpf_errno(int command)
{
	union bpf_attr attr;

	memset(&attr, 0xff, sizeof(attr));
	return syscall(SYS_bpf, command, &attr, sizeof(attr)) < 0 ? errno : 0;
}

/* Nonsense as an argument tells the filter's EPERM from the kernel's own answer. */
static int check_bpf_commands(void)
{
	static const int open[] = { BPF_MAP_CREATE,	 BPF_MAP_UPDATE_ELEM,
				    BPF_MAP_LOOKUP_ELEM, BPF_OBJ_GET_INFO_BY_FD,
				    BPF_LINK_CREATE,	 BPF_ITER_CREATE,
				    BPF_OBJ_PIN,	 BPF_PROG_TEST_RUN };
	static const int closed[] = { BPF_PROG_LOAD,	    BPF_BTF_LOAD,
				      BPF_OBJ_GET,	    BPF_PROG_ATTACH,
				      BPF_PROG_GET_FD_BY_ID, BPF_MAP_GET_FD_BY_ID,
				      BPF_LINK_GET_FD_BY_ID, BPF_LINK_UPDATE };

	for (size_t i = 0; i < BL_ARRAY_SIZE(open); i++) {
		if (bpf_errno(open[i]) == EPERM)
			return 1 + (int)i;
	}
	for (size_t i = 0; i < BL_ARRAY_SIZE(closed); i++) {
		if (bpf_errno(closed[i]) != EPERM)
			return 50 + (int)i;
	}
	return 0;
}

static void bpf_by_command(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(within(check_bpf_commands), 0);
}

static void *count(void *argument)
{
	_cleanup_free_ char *block = malloc(64u << 20);

	memset(block, 1, 64u << 20);
	*(int *)argument = block[12345];
	return NULL;
}

/* What a reload does: a thread with memory of its own, files, links, an event loop. */
static int check_reload(void)
{
	_cleanup_close_ int root_fd = bl_hostfs_open_root("/", NULL);
	_cleanup_free_ char *text = NULL, *real = NULL;
	char link[256];
	pthread_t thread;
	int counted = 0;

	if (pthread_create(&thread, NULL, count, &counted) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	if (counted != 1)
		return 2;
	if (root_fd < 0 || bl_hostfs_read(root_fd, "/proc/self/status", 65536, &text) < 0)
		return 3;
	if (bl_hostfs_readlink(&root_fd, "/proc/self/exe", link, sizeof(link)) <= 0)
		return 4;
	if (bl_hostfs_realpath(root_fd, "/etc/../proc", &real) < 0 || strcmp(real, "/proc") != 0)
		return 5;
	return 0;
}

static void a_reload_works(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(within(check_reload), 0);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(source), 17);
}

static int check_loop(void)
{
	sd_event *event = NULL;
	int big, sock;

	if (sd_event_new(&event) < 0)
		return 1;
	if (sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 1000, 0, on_time, NULL) < 0)
		return 2;
	if (sd_event_loop(event) != 17)
		return 3;
	sd_event_unref(event);
	big = memfd_create("entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (big < 0 || write(big, "x", 1) != 1 || fcntl(big, F_ADD_SEALS, F_SEAL_WRITE) < 0)
		return 4;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return 5;
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	return sd_notify(0, "READY=1") == -ENOENT ? 0 : 6;
}

static void the_loop_works(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(within(check_loop), 0);
}

static int check_refused(void)
{
	char *const none[] = { NULL };

	if (fork() >= 0 || errno != EPERM)
		return 1;
	if (execve("/bin/true", none, none) != -1 || errno != EPERM)
		return 2;
	if (open("/dev/null", O_RDWR) >= 0 || errno != EPERM)
		return 3;
	if (open("/tmp/bailiff-test-new", O_RDONLY | O_CREAT, 0600) >= 0 || errno != EPERM)
		return 4;
	if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || errno != EPERM)
		return 5;
	if (chmod("/proc/self/fd", 0700) == 0 || errno != EPERM)
		return 6;
	if (kill(getppid(), 0) == 0 || errno != EPERM)
		return 7;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 8;
	return 0;
}

static void the_rest_is_refused(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(within(check_refused), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verified),
		cmocka_unit_test(verify_finds_an_open_door),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(bpf_by_command),
		cmocka_unit_test(a_reload_works),
		cmocka_unit_test(the_loop_works),
		cmocka_unit_test(the_rest_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
