/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of policy files as one row of bytes: what a daemon leaves for the next one to fall back to. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policies.h"

/* Writes all files, and files of list entries, of a policy. Returns 0 and malloc'ed bytes, or -ENOMEM. */
int bl_texts_write(const struct bl_policies *policies, uint8_t **ret, size_t *ret_len);

/*
 * Reads such bytes, whatever is behind them. Returns 0 and what bl_policies_clear() frees, -EBADMSG where they are none
 * that this version writes, or -ENOMEM; *ret is untouched on failure.
 */
int bl_texts_read(const uint8_t *bytes, size_t len, struct bl_policies *ret);
