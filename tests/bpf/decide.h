/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What tests/oracle/decide_kernel.c and the program it runs say to each other. */
#pragma once

#include "peer.h"

#define DECIDE_GIDS_MAX 64
#define DECIDE_KIN_MAX 8
/*
 * Prepared paths; slot 0 is a query's object, slot 1 its executable, slot 2 its cgroup, then come its parent's and
 * its ancestors' executables.
 */
#define DECIDE_SLOTS_MAX 4096
#define DECIDE_ARGS_BYTES 65536

/*
 * The context of a run. The paths have been laid out in their slots of the map 'walks' before.
 * The answer is written over verdict, rule and others.
 */
struct decide_query {
	__u32 op;     /* enum bl_op */
	__u32 access; /* bits asked */
	struct bl_peer peer;
	__u32 untrusted; /* the object is on a file system of another user namespace */
	__u32 pseudo;	 /* the object has no path: slot 0 is not looked at */
	__u32 abstract; /* slot 0 holds the abstract name of a socket */
	__u32 exe_known; /* slot 1 holds the executable's path */
	__u32 trust;	 /* enum bl_trust of it */
	__u32 parent_known; /* slot 3 holds its path */
	__u32 n_ancestors;  /* in the slots from 4 on */
	__u32 kin_unknown;
	__u32 uid;
	__u32 login;
	__u32 nested;	  /* in a PID namespace other than the first */
	__u32 cgroup_cut; /* slot 2 has the start of a longer path */
	__u32 _pad;
	__u64 capabilities;
	__u32 n_args;	 /* in the map 'arguments', each with its NUL */
	__u32 args_len;
	__u32 n_gids;
	__u32 gids[DECIDE_GIDS_MAX];

	__u32 verdict; /* enum bl_verdict, BL_VERDICT_UNSET where nothing matches */
	__u32 rule;
	__u32 others;
	__u32 error; /* the program had no tables to look at */
};

/* The context of a timed run: the slots' paths are opened in turn, 'rounds' times. */
struct decide_timing {
	__u32 slots; /* a power of two */
	__u32 decisions;
	__u32 access;
	__u32 matched; /* answer: how many decisions were no 'allow' */
	__u64 ns;      /* answer: for all of them */
};
