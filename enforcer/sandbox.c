/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: after loading, the daemon gives up all rights that it does not need to run. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <seccomp.h>

#include "capability.h"
#include "cleanup.h"
#include "failure.h"
#include "sandbox.h"

#define KEPT (BL_CAP(CAP_BPF) | BL_CAP(CAP_DAC_READ_SEARCH))

static void seccomp_releasep(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* ---- the filter --------------------------------------------------------------------------- */

/* Calls that are harmless with any arguments, to a process with these capabilities. */
static const int allowed[] = {
	/* input and output on what is open */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	SCMP_SYS(ftruncate),
	SCMP_SYS(dup),
	/* files: policy, settings, /proc. openat2 is here for links; the unit makes all read-only */
	SCMP_SYS(openat2),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(fstatfs),
	SCMP_SYS(getxattr), /* of the lookout */
	SCMP_SYS(inotify_init1),     /* of the paths that rules lead through */
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(pidfd_open), /* of processes, to say what they come from */
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),	/* of the control socket */
	SCMP_SYS(memfd_create), /* big journal entries */
	/* memory and threads */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(setpriority),
	SCMP_SYS(membarrier),
	SCMP_SYS(getcpu),
	SCMP_SYS(clone3), /* has a filter of its own */
	/* signals, this process's own names, limits read by libc */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getppid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(uname),
	SCMP_SYS(capget),
	SCMP_SYS(sysinfo),
	SCMP_SYS(getrandom),
	/* time and waiting */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(eventfd2),
	SCMP_SYS(signalfd4),
	/* unix sockets: journald, systemd, the control socket */
	SCMP_SYS(connect),
	SCMP_SYS(accept4),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(shutdown),
};

/* bpf() by command: maps, links of programs that are loaded, and asking about them. */
static const int bpf_commands[] = {
	BPF_MAP_CREATE,
	BPF_MAP_LOOKUP_ELEM,
	BPF_MAP_UPDATE_ELEM,
	BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	BPF_MAP_LOOKUP_BATCH,
	BPF_MAP_UPDATE_BATCH,
	BPF_MAP_DELETE_BATCH,
	BPF_MAP_FREEZE,
	BPF_PROG_TEST_RUN, /* of what was loaded before: the sweep */
	BPF_OBJ_GET_INFO_BY_FD,
	BPF_LINK_CREATE,
	BPF_ITER_CREATE,
	BPF_LINK_DETACH,
	BPF_RAW_TRACEPOINT_OPEN, /* how libbpf attaches on kernels before 6.0 */
	BPF_OBJ_PIN,		 /* links of hooks that a reload needs; only below our directory may anything be made */
};

/* Calls that are allowed where (argument & mask) == value. */
static const struct masked {
	int number;
	unsigned int argument;
	scmp_datum_t mask, value;
} masked[] = {
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	{ SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_UNIX },
	{ SCMP_SYS(prctl), 0, UINT32_MAX, PR_CAPBSET_READ }, /* verifying */
	{ SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM },
};

static int allow_where(scmp_filter_ctx filter, const struct masked *call)
{
	const struct scmp_arg_cmp condition = {
		.arg = call->argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = call->mask,
		.datum_b = call->value,
	};

	if (call->number < 0) /* not on this architecture */
		return 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, 1, &condition);
}

static int allow_bpf(scmp_filter_ctx filter, int command)
{
	const struct scmp_arg_cmp condition = {
		.arg = 0,
		.op = SCMP_CMP_EQ,
		.datum_a = (scmp_datum_t)command,
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1, &condition);
}

static int add_rules(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < BL_ARRAY_SIZE(allowed); i++) {
		if (allowed[i] >= 0)
			r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	}
	for (size_t i = 0; r == 0 && i < BL_ARRAY_SIZE(bpf_commands); i++)
		r = allow_bpf(filter, bpf_commands[i]);
	for (size_t i = 0; r == 0 && i < BL_ARRAY_SIZE(masked); i++)
		r = allow_where(filter, &masked[i]);
	return r;
}

/*
 * clone3's flags are out of a filter's sight; with ENOSYS libc takes clone instead. A filter of its
 * own, because that is no attempt on anything and belongs in no audit log.
 */
static int install_clone3_filter(void)
{
	_cleanup_(seccomp_releasep) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
	return r < 0 ? r : seccomp_load(filter);
}

static int install_filter(char **reterr_text)
{
	_cleanup_(seccomp_releasep) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	/*
	 * A tree of numbers in place of a list, since the filter runs at every call; and a line in
	 * the audit log for what is refused. Both are welcome, neither is needed.
	 */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	r = add_rules(filter);
	if (r == 0)
		r = install_clone3_filter();
	if (r == 0)
		r = seccomp_load(filter);
	if (r < 0)
		return bl_error(reterr_text, r, "the system call filter can't be installed: %s",
				strerror(-r));
	return 0;
}

int bl_sandbox_enter(char **reterr_text)
{
	int r;

	r = bl_capability_drop(KEPT);
	if (r < 0)
		return bl_error(reterr_text, r, "capabilities can't be dropped: %s", strerror(-r));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return bl_error(reterr_text, -errno, "no_new_privs can't be set: %m");
	return install_filter(reterr_text);
}

/* ---- attempts ----------------------------------------------------------------------------- */

/* Each returns whether it was refused as the sandbox refuses: EPERM, and no other reason. */
static bool refused(long result)
{
	return result < 0 && errno == EPERM;
}

static bool try_prog_load(void)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };

	return refused(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static bool try_prog_by_id(void)
{
	union bpf_attr attr = { .prog_id = UINT32_MAX };

	return refused(syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr)));
}

static bool try_execute(void)
{
	char *const none[] = { NULL };

	/* No such file: without the filter this is ENOENT. */
	return refused(syscall(SYS_execve, "/proc/self/fd/none", none, none));
}

static bool try_fork(void)
{
	/* Flags that no clone() accepts together: without the filter this is EINVAL. */
	return refused(syscall(SYS_clone, CLONE_SIGHAND, NULL, NULL, NULL, NULL));
}

static bool try_internet(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return refused(fd);
}

static bool try_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED)
		munmap(page, 4096);
	return refused(page == MAP_FAILED ? -1 : 0);
}

static bool try_write(void)
{
	_cleanup_close_ int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	return refused(fd);
}

static bool try_ptrace(void)
{
	/* A request that does not exist: without the filter this is ESRCH or EIO. */
	return refused(syscall(SYS_ptrace, 0x7fffffffL, (long)getpid(), NULL, NULL));
}

static bool try_mount(void)
{
	return refused(syscall(SYS_mount, NULL, "/", NULL, ~0ul, NULL));
}

static const struct {
	const char *what;
	bool (*is_refused)(void);
} attempts[] = {
	{ "load a BPF program", try_prog_load },
	{ "open a BPF program by its id", try_prog_by_id },
	{ "execute a program", try_execute },
	{ "make a process", try_fork },
	{ "make an internet socket", try_internet },
	{ "make executable memory", try_code },
	{ "open a file for writing", try_write },
	{ "trace a process", try_ptrace },
	{ "mount", try_mount },
};

/* The kernel's own word for it, besides the attempts. */
static int verify_capabilities(char **reterr_text)
{
	uint64_t have;
	int r = bl_capability_all(&have);

	if (r < 0)
		return bl_error(reterr_text, -ENOTRECOVERABLE, "capabilities can't be read: %s",
				strerror(-r));
	if (have & ~KEPT)
		return bl_error(reterr_text, -ENOTRECOVERABLE,
				"capabilities are left that must be gone: %#llx",
				(unsigned long long)(have & ~KEPT));
	return 0;
}

int bl_sandbox_verify(char **reterr_text)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(attempts); i++) {
		if (!attempts[i].is_refused())
			return bl_error(reterr_text, -ENOTRECOVERABLE, "the daemon could still %s",
					attempts[i].what);
	}
	return verify_capabilities(reterr_text);
}
