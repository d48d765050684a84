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
