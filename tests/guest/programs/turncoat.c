// SPDX-License-Identifier: Apache-2.0
/*
 * turncoat FILE ADDRESS UID ROUNDS: does what is allowed to root, over and over so that it is
 * remembered, and then as UID, to whom it is refused: in one process, in its children, its threads and
 * the programs that it starts. Prints "right N wrong N", and what went wrong first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *file;
static struct sockaddr_in peer = { .sin_family = AF_INET };
static uid_t other;
static unsigned long right, wrong;

static void expect(const char *what, int got, int expected)
{
	if (got == expected) {
		__atomic_fetch_add(&right, 1, __ATOMIC_RELAXED);
		return;
	}
	if (!__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED))
		printf("first: %s: %s instead of %s\n", what, strerror(got), strerror(expected));
}

static int try_open(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), error = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

static int try_connect(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0 ? errno : 0;

	close(fd);
	return error;
}

/* Of this thread alone: the C library's would be of all. */
static void become(uid_t uid)
{
	if (syscall(SYS_setresuid, -1, uid, -1) < 0)
		exit(3);
}

static void twice(const char *who, int expected)
{
	for (int i = 0; i < 3; i++) {
		expect(who, try_open(), expected);
		expect(who, try_connect(), expected);
	}
}

static void *in_thread(void *unused)
{
	twice("a thread as root", 0);
	become(other);
	twice("a thread as another", EPERM);
	become(0);
	twice("a thread as root again", 0);
	return NULL;
}

static void in_child(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		right = wrong = 0;
		twice("a child as root", 0);
		become(other);
		twice("a child as another", EPERM);
		_exit(wrong ? 1 : 0);
	}
	waitpid(child, &status, 0);
	expect("a child", status, 0);
}

/* The same process becomes another program: FILE is refused to it when it is called 'refused'. */
static void in_program(const char *program, int expected)
{
	pid_t child = vfork();
	int status;

	if (child == 0) {
		execl(program, program, file, NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	expect(program, WEXITSTATUS(status), expected);
}

int main(int argc, char **argv)
{
	char beside[4096];

	if (argc == 2) {
		file = argv[1];
		return try_open();
	}
	if (argc != 5)
		return 2;
	file = argv[1];
	inet_pton(AF_INET, argv[2], &peer.sin_addr);
	peer.sin_port = htons(9);
	other = atoi(argv[3]);
	snprintf(beside, sizeof(beside), "%s-refused", argv[0]);
	for (int left = atoi(argv[4]); left > 0; left--) {
		pthread_t thread;

		twice("root", 0);
		pthread_create(&thread, NULL, in_thread, NULL);
		twice("root beside a thread", 0);
		pthread_join(thread, NULL);
		become(other);
		twice("another", EPERM);
		become(0);
		in_child();
		in_program(argv[0], 0);
		in_program(beside, EPERM);
	}
	printf("right %lu wrong %lu\n", right, wrong);
	return wrong != 0;
}
