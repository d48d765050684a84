/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does one thing by io_uring: uring inline|async|sqpoll|direct WHAT OPERAND... Ends with its errno. With
 * leader-drops-HOW a second thread does it, after the first has become another user; with thread-drops-HOW it is the
 * second one that becomes somebody else before, when a worker of its own is there already.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define NOT_HERE 255
#define USER	 2000
#define OP_BIND	 56 /* IORING_OP_BIND, from 6.11 on */
#define OP_SENDMSG_ZC 48 /* IORING_OP_SENDMSG_ZC */

struct ring {
	int fd;
	unsigned int enter_flags;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	unsigned int *sq_tail, *cq_tail;
};

static struct sockaddr_in destination = { .sin_family = AF_INET };
static struct open_how how = { .flags = O_RDONLY };
static struct iovec data = { .iov_base = "x", .iov_len = 1 };
static struct msghdr message = { .msg_name = &destination,
				 .msg_namelen = sizeof(destination),
				 .msg_iov = &data,
				 .msg_iovlen = 1 };

static void *map(int fd, size_t size, off_t offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (at == MAP_FAILED) {
		perror("mmap");
		exit(errno);
	}
	return at;
}

static struct ring ring_make(unsigned int flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	struct ring ring = { .fd = (int)syscall(SYS_io_uring_setup, 1, &p),
			     .enter_flags = IORING_ENTER_GETEVENTS };
	char *sq, *cq;

	if (ring.fd < 0) {
		perror("io_uring_setup");
		exit(NOT_HERE);
	}
	if (flags & IORING_SETUP_SQPOLL)
		ring.enter_flags |= IORING_ENTER_SQ_WAKEUP;
	sq = map(ring.fd, p.sq_off.array + p.sq_entries * sizeof(int), IORING_OFF_SQ_RING);
	cq = map(ring.fd, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		 IORING_OFF_CQ_RING);
	ring.sqe = map(ring.fd, sizeof(*ring.sqe), IORING_OFF_SQES);
	ring.sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	ring.cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	ring.cqe = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	return ring;
}

/* The result of a ring's first and only request. */
static int ring_do(struct ring *ring, const struct io_uring_sqe *request)
{
	*ring->sqe = *request; /* the array of indices is zeroes: it names this one */
	__atomic_store_n(ring->sq_tail, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) == 0) {
		if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, ring->enter_flags, NULL, 0) < 0 &&
		    errno != EINTR)
			return -errno;
	}
	return ring->cqe->res;
}

/* The first operand, and the second, where these operations have them. */
static const struct {
	const char *name;
	struct io_uring_sqe request;
} operations[] = {
	{ "openat", { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD } },
	{ "openat2", { .opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD, .len = sizeof(how) } },
	{ "unlink", { .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD } },
	{ "mkdir", { .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .len = 0700 } },
	{ "rename", { .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD, .len = (__u32)AT_FDCWD } },
	{ "link", { .opcode = IORING_OP_LINKAT, .fd = AT_FDCWD, .len = (__u32)AT_FDCWD } },
	{ "symlink", { .opcode = IORING_OP_SYMLINKAT, .fd = AT_FDCWD } },
	{ "setxattr", { .opcode = IORING_OP_SETXATTR, .len = 1 } },
	{ "connect", { .opcode = IORING_OP_CONNECT, .off = sizeof(destination) } },
	{ "sendmsg", { .opcode = IORING_OP_SENDMSG, .len = 1 } },
	{ "sendmsg-zc", { .opcode = OP_SENDMSG_ZC, .len = 1 } },
	{ "send", { .opcode = IORING_OP_SEND, .len = 1 } },
	{ "send-zc", { .opcode = IORING_OP_SEND_ZC, .len = 1 } },
	{ "unix", { .opcode = IORING_OP_CONNECT } },
	{ "socket", { .opcode = IORING_OP_SOCKET, .off = SOCK_RAW } },
	{ "bind", { .opcode = OP_BIND } },
};

static __u64 set_destination(const char *address, const char *port)
{
	inet_pton(AF_INET, address, &destination.sin_addr);
	destination.sin_port = htons((in_port_t)atoi(port));
	return (__u64)&destination;
}

static void set_unix(struct io_uring_sqe *request, const char *path)
{
	static struct sockaddr_un name = { .sun_family = AF_UNIX };

	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	request->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	request->addr = (__u64)&name;
	request->off = sizeof(name);
}

static void set_operands(struct io_uring_sqe *request, char *first, char *second)
{
	switch (request->opcode) {
	case IORING_OP_SOCKET:
		request->fd = atoi(first);
		break;
	case OP_BIND:
		set_unix(request, first);
		break;
	case IORING_OP_CONNECT:
		if (!request->off) {
			set_unix(request, first);
			break;
		}
		request->fd = socket(AF_INET, SOCK_STREAM, 0);
		request->addr = set_destination(first, second);
		break;
	case IORING_OP_SENDMSG:
	case OP_SENDMSG_ZC:
		request->fd = socket(AF_INET, SOCK_DGRAM, 0);
		set_destination(first, second);
		request->addr = (__u64)&message;
		break;
	case IORING_OP_SEND:
	case IORING_OP_SEND_ZC:
		request->fd = socket(AF_INET, SOCK_DGRAM, 0);
		request->addr = (__u64)data.iov_base;
		request->addr2 = set_destination(first, second);
		request->addr_len = sizeof(destination);
		break;
	case IORING_OP_OPENAT2:
		request->addr = (__u64)first;
		request->off = (__u64)&how;
		break;
	case IORING_OP_SETXATTR:
		request->addr = (__u64) "user.x";
		request->off = (__u64) "y";
		request->addr3 = (__u64)first;
		break;
	default:
		request->addr = (__u64)first;
		request->off = (__u64)second;
	}
}

/* What is asked for on the command line; returns its errno. */
static int act(const char *mode, char **argv)
{
	static const int no_files[] = { -1 };
	struct io_uring_sqe request = { .opcode = IORING_OP_LAST };
	struct ring ring;
	int result;

	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		if (strcmp(argv[2], operations[i].name) == 0)
			request = operations[i].request;
	}
	set_operands(&request, argv[3], argv[4]);
	ring = ring_make(strcmp(mode, "sqpoll") == 0 ? IORING_SETUP_SQPOLL : 0);
	if (strcmp(mode, "async") == 0)
		request.flags |= IOSQE_ASYNC;
	if (strcmp(mode, "direct") == 0) {
		/* The file goes to a table of the ring's own, not among the process's descriptors. */
		request.file_index = 1;
		if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, no_files, 1) < 0)
			return errno;
	}
	result = ring_do(&ring, &request);
	if (result == -EINVAL && request.opcode == OP_BIND)
		return NOT_HERE;
	return result >= 0 || result == -ECONNREFUSED ? 0 : -result;
}

/* Of this thread alone: the C library's call is for all of them. */
static int become_user(void)
{
	if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, USER, USER, USER) ||
	    syscall(SYS_setresuid, USER, USER, USER))
		return errno;
	return 0;
}

static pthread_barrier_t dropped;

static void *second_thread(void *argument)
{
	char **argv = argument;
	const char *mode = strrchr(argv[1], '-') + 1;
	char *before[] = { argv[0], argv[1], "openat", "/etc/passwd", NULL };
	int result = 0;

	pthread_barrier_wait(&dropped);
	if (strncmp(argv[1], "thread", 6) == 0) {
		result = act("async", before);
		if (!result)
			result = become_user();
	}
	return (void *)(long)(result ? result : act(mode, argv));
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *result;

	if (argc < 4)
		return NOT_HERE;
	if (!strstr(argv[1], "-drops-"))
		return act(argv[1], argv);
	pthread_barrier_init(&dropped, NULL, 2);
	if (pthread_create(&thread, NULL, second_thread, argv))
		return EAGAIN;
	if (strncmp(argv[1], "leader", 6) == 0 && become_user())
		return errno;
	pthread_barrier_wait(&dropped);
	pthread_join(thread, &result);
	return (int)(long)result;
}
