/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the program of emit.bpf.c is asked for. */
#pragma once

#include <linux/types.h>

struct emit_query {
	__u64 acted; /* stands for what is acted on */
	__u32 rule;
	__u32 verdict; /* enum bl_verdict */
	__u64 times;
	__u64 step; /* added to 'acted' each time */
};
