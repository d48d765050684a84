/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of the kernel side's maps: whether those of another build can be used by this one's programs. */
#pragma once

#include <stddef.h>

struct bpf_object;

#define BL_LAYOUT_BYTES 17 /* 16 hexadecimal digits and a NUL */

/*
 * A digest of all that two builds must have in common to share maps: the version of the tables and records, each
 * map's kind and sizes, the words in .bss, and every type whose name begins with bl_. What a map is sized to by the
 * daemon is left out. Returns 0 or -ENOMEM.
 */
int bl_layout_digest(const struct bpf_object *object, char buf[static BL_LAYOUT_BYTES]);
