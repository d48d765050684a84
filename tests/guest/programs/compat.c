/* SPDX-License-Identifier: Apache-2.0 */
/* A 64-bit process that does one thing by the table of 32-bit system calls, and ends with its errno:
 * compat WHAT OPERAND... */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOT_HERE   255
#define LOW_BYTES  65536
#define SOCKETCALL 102

enum { GETPID, OPEN, OPENAT, TRUNCATE, RENAME, LINK, UNLINK, CHMOD, EXECVE, CONNECT, IOCTL, CALLS };

/* Numbers in arch/x86/entry/syscalls/syscall_32.tbl. */
static const struct {
	const char *name;
	int number;
} calls[CALLS] = {
	[GETPID] = { "getpid", 20 },	 [OPEN] = { "open", 5 },     [OPENAT] = { "openat", 295 },
	[TRUNCATE] = { "truncate", 92 }, [RENAME] = { "rename", 38 }, [LINK] = { "link", 9 },
	[UNLINK] = { "unlink", 10 },	 [CHMOD] = { "chmod", 15 },   [EXECVE] = { "execve", 11 },
	[CONNECT] = { "connect", 362 },	 [IOCTL] = { "ioctl", 54 },
};

static char *low, *low_end;

/* Copies to where a pointer of 32 bits can reach. */
static uint32_t below_4g(const void *bytes, size_t size)
{
	char *at = low;

	if (size > (size_t)(low_end - low))
		exit(NOT_HERE);
	low += (size + 7) & ~(size_t)7;
	memcpy(at, bytes, size);
	return (uint32_t)(uintptr_t)at;
}

static int by_int80(uint32_t number, uint32_t a, uint32_t b, uint32_t c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"((long)number), "b"((long)a), "c"((long)b), "d"((long)c), "S"(0L),
			   "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static int call(int which, uint32_t a, uint32_t b, uint32_t c)
{
	return by_int80((uint32_t)calls[which].number, a, b, c);
}

static uint32_t address(const char *text, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port)) };

	inet_pton(AF_INET, text, &to.sin_addr);
	return below_4g(&to, sizeof(to));
}

/* connect and sendto by the multiplexer that only the 32-bit table has. */
static int by_socketcall(const char *what, uint32_t to)
{
	int is_send = strcmp(what, "socketcall-sendto") == 0;
	uint32_t fd = (uint32_t)socket(AF_INET, is_send ? SOCK_DGRAM : SOCK_STREAM, 0);
	uint32_t connect[] = { fd, to, sizeof(struct sockaddr_in) };
	uint32_t sendto[] = { fd, to, 1, 0, to, sizeof(struct sockaddr_in) };

	if (is_send)
		return by_int80(SOCKETCALL, 11, below_4g(sendto, sizeof(sendto)), 0);
	return by_int80(SOCKETCALL, 3, below_4g(connect, sizeof(connect)), 0);
}

/* What chattr does, on a file that is open to be read. The flags that it has stay: ext4 can't take extents away always. */
static int by_ioctl(const char *what, const char *path)
{
	const struct fsxattr attributes = { .fsx_xflags = FS_XFLAG_NODUMP };
	uint32_t fd = (uint32_t)open(path, O_RDONLY);
	unsigned int flags = 0;

	if (strcmp(what, "setflags") == 0) {
		if (ioctl((int)fd, FS_IOC_GETFLAGS, &flags))
			return -errno;
		flags |= FS_NODUMP_FL;
		return call(IOCTL, fd, FS_IOC32_SETFLAGS, below_4g(&flags, sizeof(flags)));
	}
	return call(IOCTL, fd, FS_IOC_FSSETXATTR, below_4g(&attributes, sizeof(attributes)));
}

static int perform(const char *what, const char *first, const char *second)
{
	uint32_t path = below_4g(first, strlen(first) + 1);
	uint32_t argv[] = { path, 0 };

	if (strncmp(what, "socketcall", 10) == 0)
		return by_socketcall(what, address(first, second));
	if (strcmp(what, "setflags") == 0 || strcmp(what, "fssetxattr") == 0)
		return by_ioctl(what, first);
	for (int i = 0; i < CALLS; i++) {
		if (strcmp(what, calls[i].name) != 0)
			continue;
		switch (i) {
		case OPENAT:
			return call(i, (uint32_t)AT_FDCWD, path, O_RDONLY);
		case RENAME:
		case LINK:
			return call(i, path, below_4g(second, strlen(second) + 1), 0);
		case CHMOD:
			return call(i, path, 0700, 0);
		case EXECVE:
			return call(i, path, below_4g(argv, sizeof(argv)), 0);
		case CONNECT:
			return call(i, (uint32_t)socket(AF_INET, SOCK_STREAM, 0),
				    address(first, second), sizeof(struct sockaddr_in));
		default:
			return call(i, path, 0, 0);
		}
	}
	return -NOT_HERE;
}

static void not_here(int number)
{
	static const char text[] = "the kernel has no such table\n";

	(void)number;
	_exit(write(2, text, sizeof(text) - 1) < 0 ? errno : NOT_HERE);
}

int main(int argc, char **argv)
{
	int result;

	if (argc < 3)
		return NOT_HERE;
	low = mmap(NULL, LOW_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		   -1, 0);
	if (low == MAP_FAILED)
		return errno;
	low_end = low + LOW_BYTES;
	/* A kernel without the table answers by a signal. */
	signal(SIGSEGV, not_here);
	if (call(GETPID, 0, 0, 0) < 0)
		not_here(0);
	result = perform(argv[1], argv[2], argv[3]);
	return result >= 0 || result == -ECONNREFUSED ? 0 : -result;
}
