// SPDX-License-Identifier: Apache-2.0
/*
 * descend STEP... : comes from itself in as many ways as there are steps, each of which goes on with the rest:
 *   fork            in a child; this process waits for it
 *   orphan          in a child whose parent is gone
 *   clone-parent    in a child of this process's own parent, by CLONE_PARENT
 *   setsid, subreaper
 *   exec PATH       as another program
 *   vfork PATH      as another program, in a child by vfork(2)
 *   thread PATH     as another program, started by a thread that is not the first
 *   thread-fork     in a child that a thread forks
 *   thread-open FILE OUT  as open, by a thread that is not the first
 *   copies N        as N copies of this program, one after the other, each under a name of its own, which goes when the next
 *                   one runs
 *   await FILE      when that file is there
 *   open FILE OUT   tries to open the first and writes what came of it to the other one: the last step
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	_exit(2);
}

static void finish(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

static void go_forked(void)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child)
		finish(child);
}

static void go_orphaned(void)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		fail("fork");
	if (child)
		_exit(0);
	while (getppid() == parent)
		usleep(1000);
}

static void go_beside(void)
{
	long child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

	if (child < 0)
		fail("clone");
	if (child)
		_exit(0);
}

static void start(char **argv)
{
	execv(argv[0], argv);
	fail(argv[0]);
}

static void go_vforked(char **argv)
{
	pid_t child = vfork();

	if (child < 0)
		fail("vfork");
	if (!child)
		start(argv);
	finish(child);
}

static void *start_by_thread(void *argv)
{
	start(argv);
	return NULL;
}

static void *fork_by_thread(void *next)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child)
		finish(child);
	((void (*)(void))next)();
	return NULL;
}

static char **left;
static void report(const char *path, const char *out);

static void *open_by_thread(void *words)
{
	char **argv = words;

	report(argv[0], argv[1]);
	return NULL;
}

static void go_on(char **argv);

static void go_on_left(void)
{
	go_on(left);
}

static void go_threaded(void *(*way)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, way, argument))
		fail("pthread_create");
	for (;;)
		pause();
}

/* The name of this program is what it was started by. */
static void go_copied(char *self, char **argv)
{
	int n = atoi(argv[1]), from, to;
	char path[256], count[16];
	struct stat st;

	if (!n)
		return;
	snprintf(path, sizeof(path), "/tmp/copies/%d", n);
	snprintf(count, sizeof(count), "%d", n - 1);
	from = open(self, O_RDONLY);
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		fail(path);
	for (off_t at = 0; at < st.st_size;)
		if (sendfile(to, from, &at, (size_t)(st.st_size - at)) <= 0)
			fail(path);
	close(from);
	close(to);
	/* All of them together are more than a /tmp in memory has room for. */
	if (strtol(strrchr(self, '/') + 1, NULL, 10) > 0)
		unlink(self);
	argv[1] = count;
	argv[-1] = path;
	start(argv - 1);
}

static void await(const char *path)
{
	while (access(path, F_OK) < 0)
		usleep(10000);
}

static void report(const char *path, const char *out)
{
	char temporary[256], *text = "ok";
	int fd = open(path, O_RDONLY), to;

	if (fd < 0)
		text = errno == EPERM ? "EPERM" : strerror(errno);
	snprintf(temporary, sizeof(temporary), "%s.new", out);
	to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (to < 0 || write(to, text, strlen(text)) < 0 || rename(temporary, out) < 0)
		fail(out);
	_exit(0);
}

/* argv[0] is this program, or what it was called by the step before. */
static void go_on(char **argv)
{
	char *self = argv[0];

	for (char **at = argv + 1; *at; at++) {
		if (!strcmp(*at, "fork")) {
			go_forked();
		} else if (!strcmp(*at, "orphan")) {
			go_orphaned();
		} else if (!strcmp(*at, "clone-parent")) {
			go_beside();
		} else if (!strcmp(*at, "setsid")) {
			setsid();
		} else if (!strcmp(*at, "subreaper")) {
			prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		} else if (!strcmp(*at, "exec")) {
			start(at + 1);
		} else if (!strcmp(*at, "vfork")) {
			go_vforked(at + 1);
		} else if (!strcmp(*at, "thread")) {
			go_threaded(start_by_thread, at + 1);
		} else if (!strcmp(*at, "thread-fork")) {
			at[0] = self;
			left = at;
			go_threaded(fork_by_thread, (void *)go_on_left);
		} else if (!strcmp(*at, "thread-open")) {
			go_threaded(open_by_thread, at + 1);
		} else if (!strcmp(*at, "copies")) {
			go_copied(self, at);
			at++;
		} else if (!strcmp(*at, "await")) {
			await(*++at);
		} else if (!strcmp(*at, "open")) {
			report(at[1], at[2]);
		} else {
			fprintf(stderr, "no such step: %s\n", *at);
			_exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	go_on(argv);
	return 0;
}
