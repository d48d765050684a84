/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that say who acted: names for processes that are theirs for ever, and what they were started with. */
#include <inttypes.h>
#include <string.h>

#include "arguments.h"
#include "escape.h"
#include "fields_build.h"

static void put_id(struct build *b, const char *name, uint32_t pid, uint64_t start_ns)
{
	bl_entry_format(b->entry, name, "%s-%x-%" PRIx64, b->context->boot_id, pid, start_ns);
}

void bl_put_process_id(struct build *b, const struct field *field)
{
	put_id(b, field->name, b->event->fixed.pid, b->event->fixed.start_ns);
}

void bl_put_parent_id(struct build *b, const struct field *field)
{
	const struct bl_event *event = &b->event->fixed;

	if (event->ppid)
		put_id(b, field->name, event->ppid, event->parent_start_ns);
}

void bl_put_capabilities(struct build *b, const struct field *field)
{
	bl_entry_format(b->entry, field->name, "%016" PRIx64,
			(uint64_t)b->event->fixed.capabilities);
}

/* The kernel's own names have only harmless characters, but a module may bring any. */
void bl_put_fs_type(struct build *b, const struct field *field)
{
	const char *type = b->event->fixed.fs_type;
	size_t len = strnlen(type, sizeof(b->event->fixed.fs_type));
	char text[BL_ESCAPE_BYTES(sizeof(b->event->fixed.fs_type))];

	if (len)
		bl_entry_add(b->entry, field->name, text,
			     bl_escape_text(type, len, text, sizeof(text), NULL, NULL));
}

void bl_put_cmdline(struct build *b, const struct field *field)
{
	struct bl_arguments line;
	char text[BL_FIELD_BYTES_MAX];
	bool changed;
	char *room;
	size_t len;

	bl_arguments_join(b->event->argv, b->context->redact, &line);
	if (!line.len)
		return;
	len = bl_escape_text(line.text, line.len, text, sizeof(text), NULL, &changed);
	bl_entry_add(b->entry, field->name, text, len);
	if (line.redacted || !(changed || line.ambiguous))
		return;
	room = bl_entry_reserve(b->entry, 2 * b->event->argv.len);
	if (room)
		bl_entry_commit(b->entry, field->hex_name,
				bl_escape_hex(b->event->argv.bytes, b->event->argv.len, room));
}
