/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff events --verify: whether all events are in a journal, or accounted for. */
#pragma once

#include "read.h"
#include "tool.h"

/* Reads all that the reader gives and says what is there, folded or lost. Returns an exit code. */
int bl_events_verify(const struct bl_tool *tool, struct bl_reader *reader);
