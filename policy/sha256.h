/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BL_SHA256_BYTES 32

struct bl_sha256 {
	uint32_t state[8];
	uint64_t bytes;
	uint8_t block[64];
};

void bl_sha256_init(struct bl_sha256 *sha);
void bl_sha256_add(struct bl_sha256 *sha, const void *data, size_t len);
void bl_sha256_end(struct bl_sha256 *sha, uint8_t ret[BL_SHA256_BYTES]);
