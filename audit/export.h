/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in journald's export format, as `journalctl -o export` and systemd-journal-upload write it. */
#pragma once

#include <stdio.h>

#include "shown.h"

struct bl_export;

/* Reads from file, which it closes in the end. Returns 0 and it in *ret (free with the below), or -ENOMEM: then file is closed. */
int bl_export_new(FILE *file, struct bl_export **ret);
void bl_export_free(struct bl_export *export);

/*
 * Reads the next entry. Returns 1 and it in *ret (valid until the next call); 0 at the end; -EBADMSG where it is
 * no export format, with a sentence in *reterr_why (static storage, may be NULL); or another -errno.
 */
int bl_export_next(struct bl_export *export, struct bl_shown *ret, const char **reterr_why);
