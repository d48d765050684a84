/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a command line -> the text of a test -> what the parser of policies makes of it. */
#include "ask.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "explainer.h"

#define SOURCE "command line"

const struct bl_ask_key bl_ask_keys[] = {
	{ .name = "path", .kind = BL_ASK_PATH, .object = true },
	{ .name = "access", .kind = BL_ASK_WORDS },
	{ .name = "file", .kind = BL_ASK_WORDS },
	{ .name = "arg", .kind = BL_ASK_TEXTS, .key = "args" },
	{ .name = "to", .kind = BL_ASK_TEXT, .object = true },
	{ .name = "port", .kind = BL_ASK_NUMBER },
	{ .name = "protocol", .kind = BL_ASK_TEXT },
	{ .name = "family", .kind = BL_ASK_NUMBER, .object = true },
	{ .name = "socket", .kind = BL_ASK_PATH, .object = true },
	{ .name = "exe", .kind = BL_ASK_PATH, .subject = BL_KEY_EXE },
	{ .name = "parent", .kind = BL_ASK_PATH, .subject = BL_KEY_PARENT },
	{ .name = "ancestor", .kind = BL_ASK_PATHS, .subject = BL_KEY_ANCESTOR },
	{ .name = "uid", .kind = BL_ASK_NUMBER, .subject = BL_KEY_UID },
	{ .name = "gid", .kind = BL_ASK_NUMBER, .subject = BL_KEY_GID },
	{ .name = "login", .kind = BL_ASK_NUMBER, .subject = BL_KEY_LOGIN },
	{ .name = "capability", .kind = BL_ASK_ALL, .subject = BL_KEY_CAPABILITY },
	{ .name = "unit", .kind = BL_ASK_PATH, .subject = BL_KEY_UNIT },
	{ .name = "slice", .kind = BL_ASK_PATH, .subject = BL_KEY_SLICE },
	{ .name = "cgroup", .kind = BL_ASK_PATH, .subject = BL_KEY_CGROUP },
	{ .name = "container", .kind = BL_ASK_CHOICE, .subject = BL_KEY_CONTAINER },
};
const size_t bl_ask_n_keys = BL_ARRAY_SIZE(bl_ask_keys);

static const struct bl_ask_key *find_key(const char *name)
{
	for (size_t i = 0; i < bl_ask_n_keys; i++)
		if (strcmp(bl_ask_keys[i].name, name) == 0)
			return &bl_ask_keys[i];
	return NULL;
}

static struct bl_ask_value *find_value(const struct bl_ask *ask, const char *name)
{
	for (size_t i = 0; i < ask->n_values; i++)
		if (strcmp(ask->values[i].key->name, name) == 0)
			return &ask->values[i];
	return NULL;
}

/* ---- what is said ------------------------------------------------------------------------- */

/* A raw socket has a protocol of its own beside: "icmp,raw". */
static size_t take_raw(struct bl_ask *ask, const char *bytes, size_t len)
{
	static const char raw[] = ",raw";
	size_t tail = sizeof(raw) - 1;

	if (len <= tail || memcmp(bytes + len - tail, raw, tail))
		return len;
	ask->raw = true;
	return len - tail;
}

static bool is_list(const struct bl_ask_key *key)
{
	return key->kind == BL_ASK_TEXTS || key->kind == BL_ASK_PATHS;
}

/* The last one counts, as is usual with options. */
static struct bl_ask_value *place_for(struct bl_ask *ask, const struct bl_ask_key *key)
{
	for (size_t i = 0; i < ask->n_values && !is_list(key); i++) {
		if (ask->values[i].key != key)
			continue;
		free(ask->values[i].bytes);
		ask->values[i].bytes = NULL;
		return &ask->values[i];
	}
	if (bl_grow(&ask->values, &ask->capacity, ask->n_values + 1, sizeof(*ask->values)))
		return NULL;
	ask->values[ask->n_values] = (struct bl_ask_value){ .key = key };
	return &ask->values[ask->n_values++];
}

/* More words of a key that has some. */
static int add_words(struct bl_ask_value *value, const char *bytes, size_t len)
{
	char *words = realloc(value->bytes, value->len + len + 2);

	if (!words)
		return -ENOMEM;
	words[value->len] = ',';
	memcpy(words + value->len + 1, bytes, len);
	value->len += len + 1;
	words[value->len] = '\0';
	value->bytes = words;
	return 0;
}

int bl_ask_add(struct bl_ask *ask, const char *name, const char *bytes, size_t len)
{
	const struct bl_ask_key *key = find_key(name);
	struct bl_ask_value *value;

	if (!key)
		return -ENOENT;
	if (strcmp(name, "protocol") == 0)
		len = take_raw(ask, bytes, len);
	value = find_value(ask, name);
	if (value && key->kind == BL_ASK_ALL)
		return add_words(value, bytes, len);
	value = place_for(ask, key);
	if (!value)
		return -ENOMEM;
	value->len = 0;
	value->bytes = malloc(len + 1);
	if (!value->bytes)
		return -ENOMEM;
	memcpy(value->bytes, bytes, len);
	value->bytes[len] = '\0';
	value->len = len;
	return 0;
}

static int add_text(struct bl_ask *ask, const char *name, const char *text)
{
	return bl_ask_add(ask, name, text, strlen(text));
}

/* 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1]:443 */
static int add_address(struct bl_ask *ask, const char *text)
{
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');
	bool brackets = text[0] == '[';
	const char *end = brackets ? strchr(text, ']') : first && first == last ? first : NULL;
	const char *start = text + brackets;
	int r;

	if (!end)
		return add_text(ask, "to", start);
	r = bl_ask_add(ask, "to", start, (size_t)(end - start));
	if (!r && last && last >= end && last[1])
		r = add_text(ask, "port", last + 1);
	return r;
}

/* An abstract name is a NUL and its bytes; so it is everywhere but on the command line. */
static int add_socket(struct bl_ask *ask, const char *text)
{
	_cleanup_free_ char *name = strdup(text);

	if (!name)
		return -ENOMEM;
	if (name[0] == '@')
		name[0] = '\0';
	return bl_ask_add(ask, "socket", name, strlen(text));
}

static int add_destination(struct bl_ask *ask, const char *text)
{
	if (text[0] == '/' || text[0] == '@')
		return add_socket(ask, text);
	if (strpbrk(text, ".:"))
		return add_address(ask, text);
	return add_text(ask, "family", text);
}

int bl_ask_about(struct bl_ask *ask, const char *operation, const char *object)
{
	ask->trace = strcmp(operation, "trace") == 0;
	ask->on = ask->trace ? "exec" : operation;
	if (strcmp(ask->on, "connect") == 0)
		return add_destination(ask, object);
	if (strcmp(ask->on, "exec") == 0 && strcmp(object, "memfd") == 0)
		return find_value(ask, "file") ? 0 : add_text(ask, "file", object);
	if (strcmp(ask->on, "exec") == 0 || strcmp(ask->on, "open") == 0)
		return add_text(ask, "path", object);
	return -ENOENT;
}

uint32_t bl_ask_known(const struct bl_ask *ask)
{
	uint32_t known = 0;

	for (size_t i = 0; i < ask->n_values; i++)
		if (ask->values[i].key->subject)
			known |= BL_KEY_BIT(ask->values[i].key->subject);
	return known;
}

void bl_ask_clear(struct bl_ask *ask)
{
	for (size_t i = 0; i < ask->n_values; i++)
		free(ask->values[i].bytes);
	free(ask->values);
	*ask = (struct bl_ask){};
}

/* ---- as a test ---------------------------------------------------------------------------- */

static void put_words(const char *words, FILE *out)
{
	const char *comma = "[";

	while (*words) {
		size_t len = strcspn(words, ",");
		_cleanup_free_ char *word = strndup(words, len);

		fputs(comma, out);
		bl_explain_put_string(word ? word : "", out);
		comma = ", ";
		words += len + (words[len] == ',');
	}
	fputs(*comma == '[' ? "[]" : "]", out);
}

static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits < 11 && !text[digits] && (text[0] != '0' || digits == 1);
}

static bool is_truth(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}

static const char *key_name(const struct bl_ask_key *key)
{
	return key->key ? key->key : key->name;
}

static void put_path(const struct bl_ask_value *value, FILE *out)
{
	_cleanup_free_ char *pattern = bl_explain_escape(value->bytes, value->len);

	bl_explain_put_string(pattern ? pattern : "", out);
}

static void put_value(const struct bl_ask_value *value, FILE *out)
{
	bl_explain_put_string(key_name(value->key), out);
	fputs(": ", out);
	switch (value->key->kind) {
	case BL_ASK_NUMBER:
		if (is_number(value->bytes)) {
			fputs(value->bytes, out);
			break;
		}
		/* fallthrough */
	case BL_ASK_TEXT:
		bl_explain_put_string(value->bytes, out);
		break;
	case BL_ASK_PATH:
		put_path(value, out);
		break;
	case BL_ASK_CHOICE:
		if (is_truth(value->bytes))
			fputs(value->bytes, out);
		else
			put_path(value, out);
		break;
	case BL_ASK_WORDS:
	case BL_ASK_ALL:
		put_words(value->bytes, out);
		break;
	case BL_ASK_TEXTS:
	case BL_ASK_PATHS:
		break;
	}
}

/* Those of the subject, or the others. Returns how many there were. */
static size_t put_values(const struct bl_ask *ask, bool subject, const char *comma, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < ask->n_values; i++) {
		const struct bl_ask_value *value = &ask->values[i];

		if (!!value->key->subject != subject || is_list(value->key))
			continue;
		fputs(n++ ? ", " : comma, out);
		put_value(value, out);
	}
	return n;
}

/* All that were given of a key that takes several: of the arguments, or of the ancestors. */
static void put_list(const struct bl_ask *ask, enum bl_ask_kind kind, const char *comma, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < ask->n_values; i++) {
		const struct bl_ask_value *value = &ask->values[i];

		if (value->key->kind != kind)
			continue;
		if (n++)
			fputs(", ", out);
		else
			fprintf(out, "%s \"%s\": [", comma, key_name(value->key));
		if (kind == BL_ASK_PATHS)
			put_path(value, out);
		else
			bl_explain_put_string(value->bytes, out);
	}
	fputs(n ? "]" : "", out);
}

static char *as_policy(const struct bl_ask *ask)
{
	_cleanup_free_ char *text = NULL;
	size_t size, n;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("{ \"bailiff\": 1, \"tests\": [ { \"on\": ", out);
	bl_explain_put_string(ask->on, out);
	fputs(", \"expect\": \"allow\"", out);
	put_values(ask, false, ", ", out);
	put_list(ask, BL_ASK_TEXTS, ",", out);
	if (bl_ask_known(ask)) {
		fputs(", \"by\": {", out);
		n = put_values(ask, true, " ", out);
		put_list(ask, BL_ASK_PATHS, n ? "," : "", out);
		fputs(" }", out);
	}
	fputs(" } ] }", out);
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

/* In words of the command line, since the parser would speak of keys of a test. */
static int check_port(const struct bl_ask *ask, struct bl_diags *diags)
{
	const struct bl_ask_value *protocol = find_value(ask, "protocol");
	static const char *const without[] = { "icmp", "other", "raw" };

	if (!find_value(ask, "to") || find_value(ask, "port"))
		return 0;
	for (size_t i = 0; protocol && i < BL_ARRAY_SIZE(without); i++)
		if (strcmp(protocol->bytes, without[i]) == 0)
			return 0;
	bl_diag_hint(bl_diag_add(diags, BL_DIAG_ERROR, NULL, "missing-key", "the port is missing"),
		     "ADDRESS:PORT, [ADDRESS]:PORT or --port");
	return -EINVAL;
}

int bl_ask_parse(const struct bl_ask *ask, const struct bl_policy_host *host,
		 struct bl_diags *diags, struct bl_policy **ret)
{
	_cleanup_free_ char *text = as_policy(ask);
	struct bl_source source = { .path = SOURCE, .bytes = text };
	int r = check_port(ask, diags);

	if (r)
		return r;
	if (!text)
		return -ENOMEM;
	source.len = strlen(text);
	r = bl_policy_parse(&source, 1, host, diags, ret);
	if (!r && ask->raw)
		(*ret)->tests[0].protocol |= BL_PROTO_RAW;
	return r;
}
