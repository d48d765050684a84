/* SPDX-License-Identifier: Apache-2.0 */
/* The canary: proof that the kernel really asks our programs, before anything relies on it. */
#pragma once

#include <stddef.h>

#include "loader.h"

/*
 * Where 'bpf' is not among the kernel's LSMs, programs load, attach and pin without an error and
 * never run. So this process tries to open a file that the programs must refuse to it, and again
 * without the refusal, so that no other reason passes for ours.
 * dir: a directory of ours, for the file. Returns 0, -ENOTRECOVERABLE when the programs never run,
 * or another -errno; always with a sentence in *reterr_text.
 */
int bl_canary_check(struct bl_loader *loader, const char *dir, char **reterr_text);
