/* SPDX-License-Identifier: Apache-2.0 */
/* Counting guest instructions, in a guest that runs with QEMU's -icount shift=0. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>

#define ROUNDS 201 /* the least of them counts: a timer interrupt falls into some */

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The barriers keep the compiler from moving work out of the measured part. */
static inline uint64_t instructions(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/*
 * What the accounting of a cgroup's memory adds to a call that allocates goes by what others left in
 * its per-CPU stock: some hundred instructions or none, for as long as nothing else happens. Two
 * measurements would differ by that. The root cgroup's memory is not accounted.
 */
static inline void leave_cgroup(void)
{
	FILE *file = fopen("/sys/fs/cgroup/cgroup.procs", "we");

	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file))
		die("/sys/fs/cgroup/cgroup.procs");
}

/*
 * Where a program and its libraries come to lie decides how many page tables an exec takes: the same
 * place each time, for this program and those that it starts.
 */
static inline void stay_in_place(char **argv)
{
	int persona = personality(0xffffffff);

	if (persona < 0 || persona & ADDR_NO_RANDOMIZE)
		return;
	if (personality(persona | ADDR_NO_RANDOMIZE) < 0)
		die("personality");
	execv("/proc/self/exe", argv);
	die("/proc/self/exe");
}
