// SPDX-License-Identifier: Apache-2.0
/*
 * latency FILE COMMAND...: opens a file and runs a command in turn until it is told to end by
 * SIGTERM; prints the median and the longest time that each took, in microseconds.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 100000

struct samples {
	double us[SAMPLES_MAX];
	size_t count;
};

static volatile sig_atomic_t ended;

static void on_end(int signal)
{
	ended = 1;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void add(struct samples *samples, double us)
{
	if (samples->count < SAMPLES_MAX)
		samples->us[samples->count++] = us;
}

static void print(const char *name, struct samples *samples)
{
	size_t n = samples->count;

	if (!n)
		return;
	qsort(samples->us, n, sizeof(samples->us[0]), compare);
	printf("%s %.1f %.1f\n", name, samples->us[n / 2], samples->us[n - 1]);
}

static int open_once(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : close(fd);
}

static int run_once(char **command)
{
	pid_t child = fork();
	int status = -1, null;

	if (child < 0)
		return -1;
	if (child == 0) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		execv(command[0], command);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

int main(int argc, char **argv)
{
	static struct samples opens, commands;
	const struct sigaction action = { .sa_handler = on_end, .sa_flags = SA_RESTART };

	if (argc < 3) {
		fprintf(stderr, "usage: latency FILE COMMAND...\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	while (!ended) {
		double began = now_us();

		for (int i = 0; i < 20 && !ended; i++) {
			began = now_us();
			if (open_once(argv[1]) < 0)
				perror(argv[1]);
			add(&opens, now_us() - began);
		}
		began = now_us();
		if (run_once(argv + 2) != 0)
			fprintf(stderr, "latency: %s failed\n", argv[2]);
		add(&commands, now_us() - began);
	}
	print("open", &opens);
	print("command", &commands);
	return 0;
}
