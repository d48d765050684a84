// SPDX-License-Identifier: Apache-2.0
/*
 * hooks DIR: guest instructions of what each of the hooks sits on, one "name count" line each; see
 * count.h. All of it happens in DIR or on this host, and no rule is about it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "count.h"

static const char attribute[] = "user.bench";
static int kept = -1, bound_stream = -1, bound_datagram = -1, sender = -1, listener = -1,
	   connected = -1;
static int pair[2]; /* of unix sockets */
static pid_t sleeper;
static struct sockaddr_un stream_at = { .sun_family = AF_UNIX, .sun_path = "stream" };
static struct sockaddr_un datagram_at = { .sun_family = AF_UNIX, .sun_path = "datagram" };

static void check(int answer, const char *what)
{
	if (answer < 0)
		die(what);
}

static void run_open(void)
{
	int fd = open("kept", O_RDONLY | O_CLOEXEC);

	check(fd, "open");
	close(fd);
}

static void run_create(void)
{
	int fd = open("new", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	check(fd, "create");
	close(fd);
	check(unlink("new"), "unlink");
}

/* A file of its own: what is linked once is never remembered as what no rule is about. */
static void run_link(void)
{
	check(link("linked", "new"), "link");
	check(unlink("new"), "unlink");
}

static void run_symlink(void)
{
	check(symlink("kept", "new"), "symlink");
	check(unlink("new"), "unlink");
}

static void run_mkdir(void)
{
	check(mkdir("new", 0700), "mkdir");
	check(rmdir("new"), "rmdir");
}

static void run_mknod(void)
{
	check(mknod("new", S_IFIFO | 0600, 0), "mknod");
	check(unlink("new"), "unlink");
}

static void run_rename(void)
{
	check(rename("here", "there"), "rename");
	check(rename("there", "here"), "rename");
}

static void run_chmod(void)
{
	check(chmod("kept", 0600), "chmod");
}

static void run_truncate(void)
{
	check(truncate("kept", 4096), "truncate");
}

static void run_setxattr(void)
{
	check(setxattr("kept", attribute, "x", 1, 0), "setxattr");
	check(removexattr("kept", attribute), "removexattr");
}

static void run_getxattr(void)
{
	if (getxattr("kept", attribute, NULL, 0) >= 0 || errno != ENODATA)
		die("getxattr");
}

static void run_ioctl(void)
{
	int flags;

	check(ioctl(kept, FS_IOC_GETFLAGS, &flags), "ioctl");
}

static void map(int protection)
{
	void *at = mmap(NULL, 4096, protection, MAP_PRIVATE, kept, 0);

	if (at == MAP_FAILED)
		die("mmap");
	if (!(protection & PROT_EXEC))
		check(mprotect(at, 4096, PROT_READ | PROT_EXEC), "mprotect");
	munmap(at, 4096);
}

static void run_mmap(void)
{
	map(PROT_READ | PROT_EXEC);
}

static void run_mprotect(void)
{
	map(PROT_READ);
}

static void run_fork(void)
{
	pid_t child = fork();

	check(child, "fork");
	if (child == 0)
		_exit(0);
	if (waitpid(child, NULL, 0) != child)
		die("waitpid");
}

static void run_exec(void)
{
	static char *const arguments[] = { "true", "with", "some", "arguments", NULL };
	pid_t child = fork();
	int status;

	check(child, "fork");
	if (child == 0) {
		execv("/bin/true", arguments);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		die("/bin/true");
}

static void run_prctl(void)
{
	check(prctl(PR_GET_DUMPABLE), "prctl");
}

static void run_setuid(void)
{
	check(setuid(getuid()), "setuid");
}

static void run_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);

	check(fd, "socket");
	close(fd);
}

static void run_udp(void)
{
	static struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = 0x0900 };

	peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(sendto(sender, "x", 1, 0, (struct sockaddr *)&peer, sizeof(peer)) < 0 &&
			      errno != ECONNREFUSED
		      ? -1
		      : 0,
	      "sendto");
}

static void run_unix_stream(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(connect(fd, (struct sockaddr *)&stream_at, sizeof(stream_at)), "connect");
	close(accept(bound_stream, NULL, NULL));
	close(fd);
}

static void run_unix_datagram(void)
{
	static int fd = -1;
	char byte;

	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check((int)sendto(fd, "x", 1, 0, (struct sockaddr *)&datagram_at, sizeof(datagram_at)),
	      "sendto");
	check((int)recv(bound_datagram, &byte, 1, 0), "recv");
}

static void pass(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	char byte = 'x';
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	int taken;

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	check((int)sendmsg(pair[0], &message, 0), "sendmsg");
	check((int)recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC), "recvmsg");
	memcpy(&taken, CMSG_DATA(&control.header), sizeof(taken));
	close(taken);
}

static void run_pass_file(void)
{
	pass(kept);
}

static void run_pass_socket(void)
{
	pass(connected);
}

static void run_tcp(void)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(getsockname(listener, (struct sockaddr *)&at, &len), "getsockname");
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(connect(fd, (struct sockaddr *)&at, sizeof(at)), "connect");
	close(accept(listener, NULL, NULL));
	close(fd);
}

static void run_trace(void)
{
	check((int)ptrace(PTRACE_SEIZE, sleeper, NULL, NULL), "PTRACE_SEIZE");
	check((int)ptrace(PTRACE_INTERRUPT, sleeper, NULL, NULL), "PTRACE_INTERRUPT");
	check(waitpid(sleeper, NULL, __WALL), "waitpid");
	check((int)ptrace(PTRACE_DETACH, sleeper, NULL, NULL), "PTRACE_DETACH");
}

static const struct {
	const char *name;
	void (*run)(void);
} operations[] = {
	{ "open", run_open },
	{ "create+unlink", run_create },
	{ "link+unlink", run_link },
	{ "symlink+unlink", run_symlink },
	{ "mknod+unlink", run_mknod },
	{ "mkdir+rmdir", run_mkdir },
	{ "rename*2", run_rename },
	{ "chmod", run_chmod },
	{ "truncate", run_truncate },
	{ "setxattr+removexattr", run_setxattr },
	{ "getxattr", run_getxattr },
	{ "ioctl", run_ioctl },
	{ "mmap", run_mmap },
	{ "mmap+mprotect", run_mprotect },
	{ "fork", run_fork },
	{ "exec", run_exec },
	{ "prctl", run_prctl },
	{ "setuid", run_setuid },
	{ "socket", run_socket },
	{ "udp-send", run_udp },
	{ "unix-connect", run_unix_stream },
	{ "unix-send", run_unix_datagram },
	{ "tcp-connect+accept", run_tcp },
	{ "pass-file", run_pass_file },
	{ "pass-socket", run_pass_socket },
	{ "trace", run_trace },
};

static int bound(int type, const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(at->sun_path);
	check(bind(fd, (const struct sockaddr *)at, sizeof(*at)), "bind");
	return fd;
}

static void prepare(const char *dir)
{
	const struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = 0x0900 };

	check(chdir(dir), dir);
	kept = open("kept", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	check(kept, "kept");
	check(ftruncate(kept, 4096), "kept");
	close(open("here", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(open("linked", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	bound_stream = bound(SOCK_STREAM, &stream_at);
	check(listen(bound_stream, 8), "listen");
	bound_datagram = bound(SOCK_DGRAM, &datagram_at);
	sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(sender, "socket");
	connected = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(connect(connected, (struct sockaddr *)&here, sizeof(here)), "connect");
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(listen(listener, 8), "listen");
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	sleeper = fork();
	check(sleeper, "fork");
	while (!sleeper)
		pause();
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: hooks DIR\n");
		return 2;
	}
	stay_in_place(argv);
	leave_cgroup();
	prepare(argv[1]);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		uint64_t least = UINT64_MAX;

		for (unsigned int round = 0; round < ROUNDS; round++) {
			uint64_t before = instructions(), took;

			operations[i].run();
			took = instructions() - before;
			if (took < least)
				least = took;
		}
		printf("%s %lu\n", operations[i].name, (unsigned long)least);
		fflush(stdout);
	}
	kill(sleeper, SIGKILL);
	return 0;
}
