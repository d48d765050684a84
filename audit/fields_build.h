/* SPDX-License-Identifier: Apache-2.0 */
/* What the fields of a verdict are made with; of fields.c and fields_process.c alone. */
#pragma once

#include "fields.h"

/* What all putters need. */
struct build {
	struct bl_entry *entry;
	const struct bl_event_view *event;
	const struct bl_enriched *enriched;
	const struct bl_fields_context *context;
	const struct bl_rule_info *rule;
	char unknown_rule[32]; /* "#INDEX@GENERATION" */
};

struct field {
	const char *name;
	void (*put)(struct build *b, const struct field *field);
	unsigned int ops;
	size_t offset;	      /* into what 'put' reads */
	const char *hex_name; /* where the value is foreign bytes */
};

void bl_put_process_id(struct build *b, const struct field *field);
void bl_put_parent_id(struct build *b, const struct field *field);
void bl_put_capabilities(struct build *b, const struct field *field);
void bl_put_cmdline(struct build *b, const struct field *field);
void bl_put_fs_type(struct build *b, const struct field *field);
