// SPDX-License-Identifier: Apache-2.0
/* Opens a file so many times, each of which is refused; prints the nanoseconds that all took. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? atol(argv[2]) : 0;
	long long began = now_ns();

	for (long i = 0; i < count; i++) {
		int fd = open(argv[1], O_RDONLY);

		if (fd >= 0 || errno != EPERM) {
			fprintf(stderr, "flood: not refused\n");
			return 1;
		}
	}
	printf("%lld\n", now_ns() - began);
	return 0;
}
