/* SPDX-License-Identifier: Apache-2.0 */
/* Opens two files over and over until its input ends: one must always be refused, one never. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	unsigned long tries = 0, slips = 0, refusals = 0;

	if (argc != 3)
		return 2;
	do {
		int denied = open(argv[1], O_RDONLY), free_one;

		if (denied >= 0) {
			slips++;
			close(denied);
		}
		free_one = open(argv[2], O_RDONLY);
		if (free_one < 0)
			refusals++;
		else
			close(free_one);
		tries++;
	} while (tries % 64 || poll(&input, 1, 0) == 0);
	printf("%lu %lu %lu\n", tries, slips, refusals);
	return 0;
}
