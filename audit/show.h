/* SPDX-License-Identifier: Apache-2.0 */
/* Printing journal entries of bailiff: one safe line for terminals, one JSON object, ECS, OCSF, CEF. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "out.h"
#include "shown.h"

/*
 * Prints one line: local time, then MESSAGE, escaped again against whatever else can
 * write to a journal. colour: by verdict and severity, with ANSI sequences.
 * Returns 0 or -EIO.
 */
int bl_show_line(FILE *out, const struct bl_shown *entry, bool colour);

/*
 * Prints one JSON object and a newline. Keys: "time" (of the event where it has one, else of the
 * entry; UTC, RFC 3339), "text" (MESSAGE), "message_id", "priority", then every BAILIFF_ field by
 * its name without that prefix in lower case ("message" is the rule's), sorted, and "cursor".
 * Numbers are JSON numbers where the field is always one; "attack", "access", "file" and "truncated" are
 * arrays. Returns 0, -EIO or -ENOMEM.
 */
int bl_show_json(FILE *out, const struct bl_shown *entry);

/*
 * The same in the words of others, one line each: the Elastic Common Schema, the Open Cybersecurity Schema
 * Framework (File System, Process and Network Activity with the security control profile), and
 * ArcSight's Common Event Format. version is bailiff's. What they have no place for is in "bailiff" (ECS) and
 * "unmapped" (OCSF). Return 0, -EIO or -ENOMEM.
 */
#define BL_ECS_VERSION	"9.4.0"
#define BL_OCSF_VERSION "1.8.0"
int bl_show_ecs(FILE *out, const struct bl_shown *entry, const char *version);
int bl_show_ocsf(FILE *out, const struct bl_shown *entry, const char *version);
int bl_show_cef(FILE *out, const struct bl_shown *entry, const char *version);

/* ---- what these share ---------------------------------------------------------------------- */

/* All BAILIFF_ fields below a path, by name. Returns 0 or -ENOMEM. */
int bl_show_fields(struct bl_out *out, const char *parent, const struct bl_shown *entry);

/* A field as a string or as a number, where the entry has it. */
void bl_show_text(struct bl_out *out, const char *path, const struct bl_shown *entry,
		  const char *name);
void bl_show_number(struct bl_out *out, const char *path, const struct bl_shown *entry,
		    const char *name);

/* Ends the object and the line. Returns 0 or -EIO. */
int bl_show_end(struct bl_out *out);
