// SPDX-License-Identifier: Apache-2.0
/*
 * empty OBJECT: attaches all programs of a BPF object and stays in the background with them. Prints
 * the process id to be killed, once they are attached.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <unistd.h>

static int attach_all(const char *file)
{
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	struct bpf_program *program;

	if (!object || bpf_object__load(object) < 0)
		return -1;
	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t keeper;

	if (argc != 2) {
		fprintf(stderr, "usage: empty OBJECT\n");
		return 2;
	}
	if (attach_all(argv[1]) < 0) {
		perror(argv[1]);
		return 1;
	}
	keeper = fork();
	if (keeper < 0) {
		perror("fork");
		return 1;
	}
	if (keeper == 0) {
		setsid();
		/* Whoever waits for our output must not wait for this process. */
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			return 1;
		for (;;)
			pause();
	}
	printf("%d\n", keeper);
	return 0;
}
