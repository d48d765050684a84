/* SPDX-License-Identifier: Apache-2.0 */
/* A file that others read while it is written anew: the old one or the new one, nothing between. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Puts text into a file as a whole, by way of another one in its directory; "-" is standard output. Returns 0 or
 * -errno; the file is untouched then.
 */
int bl_output_write(const char *path, const char *text, size_t len, mode_t mode);
