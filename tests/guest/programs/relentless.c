/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries what must be refused, over and over on each processor, until its input ends: an open, an execution (a program
 * to start, or a file to map as code), a connection. For each line of input it prints one: for each kind how often it was
 * tried, how often refused, and how often it got through, the longest time in which nothing was tried on some processor;
 * and how many of the executions were programs to start.
 *
 *   relentless FILE SCRIPT PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACE  8	/* tries between pauses: each is an event, and the journal is not what is tested */
#define EXECS 64 /* maps for one start of a program, which takes as long as forty of them */
#define NICE  15	/* all that is idle, and no more: a daemon that starts is not to wait for it */

enum { OPEN, EXEC, CONNECT, KINDS };

static const char *const names[KINDS] = { "open", "exec", "connect" };
static const char *file, *program;
static struct sockaddr_in address;
static atomic_bool ended;

struct hammer {
	pthread_t thread;
	int kind, cpu;
	int fd; /* what is mapped, or connects; -1 */
	unsigned long tries, refused, slips, programs;
	double pause; /* the longest */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Each returns whether it got through; errno else. */
static int try_open(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A script whose interpreter is not there: the kernel looks for that when the rules have let the script pass. */
static int try_exec(void)
{
	char *const none[] = { (char *)program, NULL };

	execve(program, none, none);
	return errno == ENOENT;
}

static int try_map(struct hammer *hammer)
{
	void *at;
	int error;

	if (hammer->fd < 0)
		hammer->fd = open(program, O_RDONLY | O_CLOEXEC);
	at = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, hammer->fd, 0);
	error = errno;
	if (at != MAP_FAILED)
		munmap(at, 1);
	errno = error;
	return at != MAP_FAILED;
}

/* A connection that is refused leaves the socket as it was. */
static int try_connect(struct hammer *hammer)
{
	int error, r;

	if (hammer->fd < 0)
		hammer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	errno = 0;
	r = connect(hammer->fd, (struct sockaddr *)&address, sizeof(address));
	error = errno;
	if (r == 0 || error != EPERM) {
		close(hammer->fd);
		hammer->fd = -1;
	}
	errno = error;
	/* Nobody listens: whatever else it says has asked the network. */
	return r == 0 || error == ECONNREFUSED || error == EINPROGRESS;
}

static int try(struct hammer *hammer)
{
	errno = 0;
	if (hammer->kind == OPEN)
		return try_open();
	if (hammer->kind == CONNECT)
		return try_connect(hammer);
	if (hammer->tries % EXECS)
		return try_map(hammer);
	hammer->programs++;
	return try_exec();
}

static void *run(void *argument)
{
	struct hammer *hammer = argument;
	const struct timespec pause = { .tv_nsec = 500000 };
	double last = now();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(hammer->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	while (!atomic_load(&ended)) {
		double then;

		if (try(hammer))
			hammer->slips++;
		else if (errno == EPERM)
			hammer->refused++;
		if (++hammer->tries % PACE == 0)
			nanosleep(&pause, NULL);
		then = now();
		if (then - last > hammer->pause)
			hammer->pause = then - last;
		last = then;
	}
	return NULL;
}

static void tell(const struct hammer *hammers, int cpus)
{
	unsigned long programs = 0;

	for (int kind = 0; kind < KINDS; kind++) {
		unsigned long tries = 0, refused = 0, slips = 0;
		double pause = 0;

		for (int i = kind; i < cpus * KINDS; i += KINDS) {
			tries += hammers[i].tries;
			refused += hammers[i].refused;
			slips += hammers[i].slips;
			programs += hammers[i].programs;
			if (hammers[i].pause > pause)
				pause = hammers[i].pause;
		}
		printf("%s%s %lu %lu %lu %.3f", kind ? " " : "", names[kind], tries, refused, slips,
		       pause);
	}
	printf(" programs %lu\n", programs);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct hammer *hammers = calloc((size_t)cpus * KINDS, sizeof(*hammers));
	char line[16];

	if (argc != 4 || !hammers)
		return 2;
	if (nice(NICE) < 0)
		return 2;
	file = argv[1];
	program = argv[2];
	address.sin_family = AF_INET;
	address.sin_port = htons((unsigned short)atoi(argv[3]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < cpus * KINDS; i++) {
		hammers[i].kind = i % KINDS;
		hammers[i].cpu = i / KINDS;
		hammers[i].fd = -1;
		if (pthread_create(&hammers[i].thread, NULL, run, &hammers[i]) != 0)
			return 2;
	}
	/* A line of input is answered with one of counts; the end of input ends it. */
	while (fgets(line, sizeof(line), stdin))
		tell(hammers, cpus);
	atomic_store(&ended, 1);
	for (int i = 0; i < cpus * KINDS; i++)
		pthread_join(hammers[i].thread, NULL);
	tell(hammers, cpus);
	return 0;
}
