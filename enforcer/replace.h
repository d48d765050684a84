/* SPDX-License-Identifier: Apache-2.0 */
/* A file replaced as a whole: whoever reads it sees the old text or the new one, and its rights stay. */
#pragma once

#include <stddef.h>

/*
 * Puts a new text in a regular file's place by renaming; where path is a symbolic link, in that of the file
 * it leads to. Owner, mode and extended attributes (so access lists, too) are the old file's. old is what
 * was read: a file that has other bytes by now is left alone, as is one with several names, of which the
 * others would keep the old text.
 * Returns 0; -ENOMEM; or another -errno with a sentence in *reterr_why (free() it; may stay NULL), and
 * the file is as it was.
 */
int bl_replace_file(const char *path, const char *old, size_t old_len, const char *text, size_t len,
		    char **reterr_why);
