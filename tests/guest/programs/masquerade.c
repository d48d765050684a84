/* SPDX-License-Identifier: Apache-2.0 */
/*
 * masquerade map|namespace EXE FILE: makes EXE the process's exe and opens FILE; ends with its errno. The
 * kernel wants nothing of the old exe to be mapped any more (prctl(2), PR_SET_MM_EXE_FILE): so all that is
 * done from there on is in a page of its own. 'namespace': a child that shares the memory does it, in a user
 * namespace where it has the right, for the process that stays outside.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_HERE   255
#define PAGE_BYTES 4096ul
#define RANGES_MAX 16
#define STACK      (256ul << 10)

struct job {
	struct {
		unsigned long start, bytes;
	} ranges[RANGES_MAX]; /* where the exe is mapped */
	unsigned long n_ranges;
	struct prctl_mm_map map;
	char file[256];
	int in_namespace;
	long result; /* of the change of the exe */
};

/* No call, no constant in memory: this is copied to where it runs. */
#define RAW(number, a, b, c, d, e)                                                                 \
	({                                                                                         \
		register long r10 __asm__("r10") = (long)(d);                                      \
		register long r8 __asm__("r8") = (long)(e);                                        \
		long answer;                                                                       \
		__asm__ volatile("syscall"                                                         \
				 : "=a"(answer)                                                    \
				 : "a"((long)(number)), "D"((long)(a)), "S"((long)(b)),            \
				   "d"((long)(c)), "r"(r10), "r"(r8)                               \
				 : "rcx", "r11", "memory");                                        \
		answer;                                                                            \
	})

__attribute__((noinline, section(".alone"))) static void alone(struct job *job)
{
	long r, child = 1;

	for (unsigned long i = 0; i < job->n_ranges; i++)
		RAW(SYS_munmap, job->ranges[i].start, job->ranges[i].bytes, 0, 0, 0);
	if (job->in_namespace)
		child = RAW(SYS_clone, CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | 17, 0, 0, 0, 0);
	if (!job->in_namespace || child == 0) {
		job->result =
			RAW(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, &job->map, sizeof(job->map), 0);
		if (child == 0)
			RAW(SYS_exit, 0, 0, 0, 0, 0);
	}
	r = child < 0 ? child : job->result;
	/* Credentials anew: who goes by those looks again. */
	if (!r)
		RAW(SYS_setresuid, -1, -1, -1, 0, 0);
	if (!r)
		r = RAW(SYS_open, job->file, O_RDONLY, 0, 0, 0);
	RAW(SYS_exit_group, r < 0 ? -r : 0, 0, 0, 0, 0);
}

static int read_ranges(struct job *job, const char *exe)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	if (!maps)
		return -1;
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;

		if (!strstr(line, exe) || sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (job->n_ranges == RANGES_MAX)
			break;
		job->ranges[job->n_ranges].start = start;
		job->ranges[job->n_ranges++].bytes = end - start;
	}
	fclose(maps);
	return job->n_ranges ? 0 : -1;
}

/* /proc/self/stat, proc(5): fields 26 to 28, 45 to 51. */
static int read_map(struct prctl_mm_map *map)
{
	unsigned long f[53] = { 0 };
	char text[2048] = "", *at;
	FILE *stat = fopen("/proc/self/stat", "re");

	if (!stat || !fgets(text, sizeof(text), stat))
		return -1;
	fclose(stat);
	at = strrchr(text, ')');
	at = at ? at + 4 : text;
	for (int i = 4; i < 53; i++) {
		int used = 0;

		sscanf(at, "%lu%n", &f[i], &used);
		if (!used) {
			long negative;

			sscanf(at, "%ld%n", &negative, &used);
		}
		at += used;
	}
	*map = (struct prctl_mm_map){ .start_code = f[26],
				      .end_code = f[27],
				      .start_stack = f[28],
				      .start_data = f[45],
				      .end_data = f[46],
				      .start_brk = f[47],
				      .brk = (uint64_t)sbrk(0),
				      .arg_start = f[48],
				      .arg_end = f[49],
				      .env_start = f[50],
				      .env_end = f[51] };
	return 0;
}

int main(int argc, char **argv)
{
	char self[256] = "";
	struct job *job;
	char *page;

	if (argc != 4 || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return NOT_HERE;
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	job = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || job == MAP_FAILED)
		return errno;
	memcpy(page, (const void *)alone, 2048);
	snprintf(job->file, sizeof(job->file), "%s", argv[3]);
	job->in_namespace = strcmp(argv[1], "namespace") == 0;
	if (read_map(&job->map) || read_ranges(job, self))
		return NOT_HERE;
	job->map.exe_fd = (unsigned int)open(argv[2], O_RDONLY);
	((void (*)(struct job *))(void *)page)(job);
	return NOT_HERE;
}
