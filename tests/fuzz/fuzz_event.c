/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record: decoded or refused, and what comes out of the wire is what went in. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "fields.h"
#include "show.h"
#include "unit/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fields whose values are foreign bytes, shown; every other value is our own words and numbers. */
static const struct {
	const char *name;
	const char *hex;
	size_t offset;
} foreign[] = {
	{ "BAILIFF_PATH", "BAILIFF_PATH_HEX", offsetof(struct bl_event_view, path) },
	{ "BAILIFF_EXE", "BAILIFF_EXE_HEX", offsetof(struct bl_event_view, exe) },
	{ "BAILIFF_PARENT_EXE", "BAILIFF_PARENT_EXE_HEX",
	  offsetof(struct bl_event_view, parent_exe) },
	{ "BAILIFF_CGROUP", "BAILIFF_CGROUP_HEX", offsetof(struct bl_event_view, cgroup) },
	{ "BAILIFF_ARGUMENT", "BAILIFF_ARGUMENT_HEX", offsetof(struct bl_event_view, argument) },
	{ "BAILIFF_CWD", "BAILIFF_CWD_HEX", offsetof(struct bl_event_view, cwd) },
	{ "BAILIFF_ANCESTOR_1_EXE", "BAILIFF_ANCESTOR_1_EXE_HEX",
	  offsetof(struct bl_event_view, ancestors[0]) },
	{ "BAILIFF_ANCESTOR_4_EXE", "BAILIFF_ANCESTOR_4_EXE_HEX",
	  offsetof(struct bl_event_view, ancestors[3]) },
	{ "BAILIFF_COMM", "BAILIFF_COMM_HEX", offsetof(struct bl_event_view, comm) },
	{ "BAILIFF_PARENT_COMM", "BAILIFF_PARENT_COMM_HEX",
	  offsetof(struct bl_event_view, parent_comm) },
};

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_event: %s\n", what);
	abort();
}

static const struct bl_rule_info *find_rule(void *userdata, uint32_t generation, uint32_t rule)
{
	static const struct bl_rule_info info = { "id \"x\"\n", "p", "m", "T1059", "low" };

	return rule & 1 ? &info : NULL;
}

/* Nothing that ends a line, a quote or a terminal's patience. */
static void check_value(const struct wire_field *field)
{
	for (size_t i = 0; i < field->value_len; i++) {
		unsigned char c = (unsigned char)field->value[i];

		require(c >= 0x20 && c != 0x7f, "a control byte in a value");
	}
}

static void check_same(const struct bl_entry *entry, const struct wire *wire)
{
	require(wire->n == entry->n_fields, "fields were lost or forged");
	for (size_t i = 0; i < wire->n; i++) {
		const struct wire_field *field = &wire->fields[i];
		struct wire_field last;
		char name[65];

		require(field->name_len == strlen(entry->fields[i].name) &&
				!memcmp(field->name, entry->fields[i].name, field->name_len),
			"another name");
		require(field->value_len == entry->fields[i].len &&
				!memcmp(field->value, entry->bytes + entry->fields[i].offset,
					field->value_len),
			"another value");
		snprintf(name, sizeof(name), "%.*s", (int)field->name_len, field->name);
		require(wire_find(wire, name, &last) == 1, "a field twice");
	}
}

/* Either the display form is the very bytes, or the hexadecimal one says them all. */
static void check_foreign(const struct wire *wire, const struct bl_event_view *view)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const struct bl_text *text = (const void *)((const char *)view + foreign[i].offset);
		static char hex[2 * BL_PATH_BYTES];
		struct wire_field field;

		if (!wire_find(wire, foreign[i].name, &field))
			continue;
		require(field.value_len <= BL_FIELD_BYTES_MAX, "a display value that is too long");
		if (!wire_find(wire, foreign[i].hex, &field)) {
			require(field.value_len == text->len &&
					!memcmp(field.value, text->bytes, text->len),
				"bytes that nothing says");
			continue;
		}
		require(field.value_len == bl_escape_hex(text->bytes, text->len, hex) &&
				!memcmp(field.value, hex, field.value_len),
			"another hexadecimal form");
	}
}

/* The end of a word or of key=value or key="value", as a reader of logfmt finds it. */
static size_t token_end(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] != ' ' && text[at] != '"')
		at++;
	if (at == len || text[at] == ' ')
		return at;
	require(text[at - 1] == '=', "a quote that opens no value");
	for (at++; at < len && text[at] != '"'; at++)
		at += text[at] == '\\';
	require(at < len, "an open quote in MESSAGE");
	at++;
	require(at == len || text[at] == ' ', "a value ends before its end");
	return at;
}

/* MESSAGE: no name can end its quotes, and so none can add a key or take one's place. */
static void check_message(const struct wire *wire)
{
	struct wire_field field = { 0 };
	struct wire_field keys[32];
	size_t n = 0, start = 0;

	require(wire_find(wire, "MESSAGE", &field) == 1, "no MESSAGE");
	require(field.value_len < 4096 - 8, "a MESSAGE that journalctl does not show as JSON");
	while (start < field.value_len) {
		size_t end = token_end(field.value, field.value_len, start);
		const char *key = field.value + start;
		const char *equals = memchr(key, '=', end - start);
		size_t len = equals ? (size_t)(equals - key) : end - start;

		require(n < 32, "too many words in MESSAGE");
		for (size_t i = 0; i < n; i++)
			require(keys[i].name_len != len || memcmp(keys[i].name, key, len),
				"a key twice in MESSAGE");
		keys[n++] = (struct wire_field){ .name = key, .name_len = len };
		start = end + 1;
	}
}

static void check_shown(const struct wire *wire)
{
	static struct bl_shown_field fields[WIRE_FIELDS_MAX];
	struct bl_shown shown = { .fields = fields, .n_fields = wire->n, .cursor = "c" };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	require(out, "no memory");
	for (size_t i = 0; i < wire->n; i++)
		fields[i] = (struct bl_shown_field){ wire->fields[i].name, wire->fields[i].name_len,
						     wire->fields[i].value,
						     wire->fields[i].value_len };
	require(!bl_show_json(out, &shown), "JSON failed");
	require(!bl_show_line(out, &shown, false), "a line failed");
	require(!fclose(out), "no memory");
	require(memchr(text, '\n', size) && size > 2, "nothing was printed");
	require((char *)memchr(text, '\n', size) != text + size - 1, "JSON and line are one");
	require(!memchr(strchr(text, '\n') + 1, '\n',
			size - 1 - (size_t)(strchr(text, '\n') + 1 - text)),
		"more than two lines");
	free(text);
}

static void to_wire(const struct bl_entry *entry, struct wire *wire)
{
	static char *bytes;
	static size_t room;
	size_t len = bl_entry_wire_size(entry);

	if (len > room) {
		bytes = realloc(bytes, len);
		require(bytes, "no memory");
		room = len;
	}
	require(bl_entry_wire_write(entry, bytes) == len, "another size");
	require(wire_parse(bytes, len, wire), "malformed");
}

/* The wire alone has to hold as well: the bytes as a value, not escaped by anybody. */
static void run_raw(const void *data, size_t size)
{
	static struct bl_entry entry;
	static struct wire wire;

	bl_entry_reset(&entry);
	bl_entry_add(&entry, "FIRST", data, size);
	bl_entry_add(&entry, "SECOND", data, size / 2);
	bl_entry_text(&entry, "THIRD", "");
	require(!bl_entry_error(&entry), "no entry");
	to_wire(&entry, &wire);
	check_same(&entry, &wire);
}

static void run(const void *data, size_t size)
{
	static struct bl_entry entry;
	static struct wire wire;
	const struct bl_fields_context context = { .rule = find_rule, .boot_id = "00" };
	struct bl_event_view view;
	struct bl_enriched enriched;
	const char *what = NULL;

	if (bl_event_decode(data, size, &view, &what) < 0) {
		require(what, "refused without a reason");
		return;
	}
	bl_enrich(&view, -1, &enriched);
	require(!bl_fields_verdict(&entry, &view, &enriched, &context), "no entry");
	to_wire(&entry, &wire);
	check_same(&entry, &wire);
	for (size_t i = 0; i < wire.n; i++)
		check_value(&wire.fields[i]);
	check_foreign(&wire, &view);
	check_message(&wire);
	check_shown(&wire);
}

/* Makes a record that decodes of whatever there is, so that the fuzzer gets past the door. */
static void repair(struct bl_event *event, size_t strings)
{
	static const unsigned char accesses[_BL_OP_MAX] = {
		[BL_OP_EXEC] = BL_ACCESS_EXEC,
		[BL_OP_OPEN] = BL_ACCESS_ANY,
		[BL_OP_CONNECT] = BL_PROTO_ANY,
	};
	__u16 *lens[] = { &event->path_len,
			  &event->exe_len,
			  &event->parent_exe_len,
			  &event->cgroup_len,
			  &event->argument_len,
			  &event->cwd_len,
			  &event->argv_len,
			  &event->ancestors[0].exe_len,
			  &event->ancestors[1].exe_len,
			  &event->ancestors[2].exe_len,
			  &event->ancestors[3].exe_len };
	size_t total = 0;

	event->abi = BL_ABI_VERSION;
	event->kind = BL_EVENT_VERDICT;
	event->op = 1 + event->op % (_BL_OP_MAX - 1);
	event->verdict = BL_VERDICT_ALERT + event->verdict % (_BL_VERDICT_MAX - BL_VERDICT_ALERT);
	event->hook = 1 + event->hook % (_BL_HOOK_MAX - 1);
	event->access &= accesses[event->op];
	if (!event->access)
		event->access = accesses[event->op];
	if (event->hook == BL_HOOK_PTRACE_ACCESS || event->hook == BL_HOOK_PTRACE_TRACEME)
		event->op = BL_OP_EXEC;
	if (event->hook == BL_HOOK_PTRACE_ACCESS || event->hook == BL_HOOK_PTRACE_TRACEME)
		event->access = BL_ACCESS_TRACE;
	else if (event->op == BL_OP_EXEC) /* what makes a file is a core dump of the program */
		event->access = event->hook == BL_HOOK_CREATE ? BL_ACCESS_TRACE : BL_ACCESS_EXEC;
	event->facts &= event->op == BL_OP_EXEC ? BL_FACT_ANY : 0;
	event->ret = event->verdict >= BL_VERDICT_DENY ? -1 : 0;
	event->seq |= 1;
	event->since_ns = event->folded ? 1 + event->since_ns % (event->time_ns | 1) : 0;
	if (event->since_ns > event->time_ns)
		event->time_ns = event->since_ns;
	event->family = event->op != BL_OP_CONNECT ? 0 : event->family & 1 ? 2 : 10;
	if (event->hook == BL_HOOK_BPRM_COMMITTED && event->op != BL_OP_EXEC)
		event->hook = BL_HOOK_BPRM_CHECK;
	if (event->hook != BL_HOOK_BPRM_COMMITTED) {
		event->argument_len = 0;
	} else {
		event->ret = 0;
		event->verdict += event->verdict == BL_VERDICT_DENY;
	}
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t room = lens[i] == &event->argv_len ? BL_ARGV_BYTES : BL_PATH_BYTES;
		size_t most = strings < room ? strings : room;

		*lens[i] = (__u16)(*lens[i] % (most + 1));
		strings -= *lens[i];
		total += *lens[i];
	}
	for (size_t i = 0; i < BL_ABOVE_MAX; i++)
		event->ancestors[i].pid |= !!event->ancestors[i].exe_len;
	event->size = (__u32)(sizeof(*event) + total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union {
		struct bl_event event;
		uint8_t bytes[sizeof(struct bl_event) + BL_EVENT_STRINGS_MAX];
	} record;
	struct bl_event_view view;

	run(data, size);
	run_raw(data, size);
	if (size < sizeof(struct bl_event) || size > sizeof(record))
		return 0;
	memcpy(record.bytes, data, size);
	repair(&record.event, size - sizeof(struct bl_event));
	require(!bl_event_decode(record.bytes, record.event.size, &view, NULL), "not repaired");
	/* An allocation of the exact size, so that a byte too far is seen. */
	uint8_t *exact = malloc(record.event.size);

	require(exact, "no memory");
	memcpy(exact, record.bytes, record.event.size);
	run(exact, record.event.size);
	free(exact);
	return 0;
}
