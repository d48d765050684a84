/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities of this process, by the kernel's own calls. */
#pragma once

#include <stdint.h>

#define BL_CAP(number) (1ull << (number))

/* The effective set; 0 where the kernel does not say. */
uint64_t bl_capability_effective(void);

/*
 * Leaves exactly 'keep' of what is there now in the permitted and effective sets and in the
 * bounding set, and nothing in the inheritable and ambient ones. Needs CAP_SETPCAP, which goes
 * with the rest. Returns 0 or -errno.
 */
int bl_capability_drop(uint64_t keep);

/* What is in any of the sets, the bounding one included. Returns 0 or -errno. */
int bl_capability_all(uint64_t *ret);
