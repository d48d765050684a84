// SPDX-License-Identifier: Apache-2.0
/* Runs a fuzzer over its corpus without libFuzzer, so that every build checks the corpus. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

#define INPUT_BYTES_MAX (16u << 20)

/* The input lies at the end of its own allocation, so that a sanitizer sees any read beyond. */
static bool run_file(const char *path)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *input = NULL;
	long size;
	bool good;

	if (!file)
		return false;
	good = fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
	       size <= INPUT_BYTES_MAX && fseek(file, 0, SEEK_SET) == 0;
	if (good) {
		input = malloc(size ? (size_t)size : 1);
		good = input && fread(input, 1, (size_t)size, file) == (size_t)size;
	}
	fclose(file);
	if (good)
		LLVMFuzzerTestOneInput(input, (size_t)size);
	free(input);
	return good;
}

static int only_inputs(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns how many inputs a directory has that were run, or -errno. */
static int run_directory(const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, only_inputs, alphasort);
	int result = count < 0 ? -errno : count;

	for (int i = 0; i < count; i++) {
		char *path;

		if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0)
			abort();
		if (result >= 0 && !run_file(path)) {
			printf("# %s: %s\n", path, strerror(errno));
			result = -EIO;
		}
		free(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return result;
}

int main(int argc, char **argv)
{
	int failures = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int count = run_directory(argv[i]);

		/* An empty corpus would prove nothing. */
		printf("%s %d - %d inputs\n", count > 0 ? "ok" : "not ok", i, count);
		failures += count <= 0;
	}
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
