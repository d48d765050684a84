/* SPDX-License-Identifier: Apache-2.0 */
/* The access that shows a difference: in words, and as a test of the language. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "cleanup.h"
#include "witness.h"
#include "words.h"

/* ---- texts -------------------------------------------------------------------------------- */

/* A text as a pattern that matches it alone; free() it. */
static char *escape(const char *prefix, const char *text, size_t len)
{
	_cleanup_free_ char *pattern = NULL;
	size_t size, n;
	FILE *out = open_memstream(&pattern, &size);

	if (!out)
		return NULL;
	fputs(prefix, out);
	for (size_t i = 0; i < len; i += n) {
		n = bl_utf8_length(text + i, len - i);
		if (!n || (uint8_t)text[i] < ' ' || text[i] == 0x7f) {
			fprintf(out, "\\x%02x", (uint8_t)text[i]);
			n = 1;
			continue;
		}
		if (n == 1 && strchr("*?[]{}\\", text[i]))
			fputc('\\', out);
		fwrite(text + i, 1, n, out);
	}
	if (fclose(out) != 0)
		return NULL;
	return TAKE_PTR(pattern);
}

static char *socket_text(const struct bl_witness *w)
{
	if (w->name[0])
		return escape("", w->name, w->name_len);
	return escape("@", w->name + 1, w->name_len - 1);
}

static bool is_text(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = bl_utf8_length(text + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

/* ---- words -------------------------------------------------------------------------------- */

/* The words of a mask, but those that stand for several bits. */
static json_t *words_value(const struct bl_words *words, uint32_t mask)
{
	json_t *value = json_array();

	for (size_t i = 0; i < words->count; i++) {
		uint32_t bit = words->items[i].value;

		if (mask & bit && !(bit & (bit - 1)))
			json_array_append_new(value, json_string(words->items[i].name));
	}
	return value;
}

static const char *first_word(const struct bl_words *words, uint32_t mask)
{
	for (size_t i = 0; i < words->count; i++)
		if (mask & words->items[i].value)
			return words->items[i].name;
	return NULL;
}

static json_t *family_value(uint8_t family)
{
	const char *name = NULL;

	for (size_t i = 0; i < bl_words_family.count; i++)
		if (bl_words_family.items[i].value == family)
			name = bl_words_family.items[i].name;
	return name ? json_string(name) : json_integer(family);
}

/* As they are, or as patterns, which any bytes can be written as. */
static json_t *args_value(const struct bl_witness *w, bool as_patterns)
{
	json_t *value = json_array();
	const char *at = w->args;

	for (uint32_t i = 0; i < w->n_args; i++, at += strlen(at) + 1) {
		_cleanup_free_ char *pattern = escape("", at, strlen(at));

		json_array_append_new(value, json_string(as_patterns ? pattern : at));
	}
	return value;
}

/* ---- as a test ---------------------------------------------------------------------------- */

static void set_text(json_t *test, const char *key, char *text)
{
	json_object_set_new(test, key, text ? json_string(text) : NULL);
	free(text);
}

static void set_exec(json_t *test, const struct bl_witness *w)
{
	if (w->name)
		set_text(test, "path", escape("", w->name, w->name_len));
	if (w->facts)
		json_object_set_new(test, "file", words_value(&bl_words_file, w->facts));
	if (w->n_args)
		json_object_set_new(test, "args", args_value(w, false));
}

static void set_connect(json_t *test, const struct bl_difference *difference)
{
	const struct bl_witness *w = &difference->witness;
	char text[INET6_ADDRSTRLEN] = "";

	if (w->kind == BL_WITNESS_FAMILY) {
		json_object_set_new(test, "family", family_value(w->family));
		return;
	}
	if (w->kind != BL_WITNESS_ADDRESS) {
		if (w->name)
			set_text(test, "socket", socket_text(w));
		return;
	}
	inet_ntop(w->family, w->addr, text, sizeof(text));
	json_object_set_new(test, "to", json_string(text));
	json_object_set_new(test, "port", json_integer(w->port));
	json_object_set_new(test, "protocol",
			    json_string(first_word(&bl_words_protocol, difference->access)));
}

static json_t *capabilities_value(uint64_t mask)
{
	json_t *value = json_array();

	for (size_t i = 0; i < bl_words_capability.count; i++)
		if (mask >> bl_words_capability.items[i].value & 1)
			json_array_append_new(value,
					      json_string(bl_words_capability.items[i].name));
	return value;
}

/* The parent, of several names of which the first, and the other ancestors. */
static void set_kin(json_t *by, const struct bl_witness *w)
{
	json_t *ancestors = json_array();

	for (size_t i = 0; i < w->n_kin; i++) {
		_cleanup_free_ char *name = escape("", w->kin[i].name, strlen(w->kin[i].name));

		if (!w->kin[i].parent)
			json_array_append_new(ancestors, json_string(name));
		else if (!json_object_get(by, "parent"))
			json_object_set_new(by, "parent", json_string(name));
	}
	if (json_array_size(ancestors))
		json_object_set(by, "ancestor", ancestors);
	json_decref(ancestors);
}

/* Of whoever is in a container that has no id to be told no more than that is said. */
static void set_task(json_t *by, const struct bl_witness *w)
{
	const struct {
		const char *key, *text;
	} names[] = {
		{ "unit", w->unit },
		{ "slice", w->slice },
		{ "cgroup", w->cgroup },
		{ "container", w->container },
	};

	set_kin(by, w);
	if (w->login != BL_LOGIN_UNSET)
		json_object_set_new(by, "login", json_integer(w->login));
	if (w->capabilities)
		json_object_set_new(by, "capability", capabilities_value(w->capabilities));
	if (w->has_container)
		json_object_set_new(by, "container", json_boolean(w->in_container));
	for (size_t i = 0; i < BL_ARRAY_SIZE(names); i++)
		if (names[i].text)
			set_text(by, names[i].key,
				 escape("", names[i].text, strlen(names[i].text)));
}

/* What tests have no words for. */
static void set_odd_kin(json_t *value, const struct bl_witness *w)
{
	json_t *contained = json_array(), *parents = json_array();

	for (size_t i = 0; i < w->n_kin; i++) {
		_cleanup_free_ char *name = escape("", w->kin[i].name, strlen(w->kin[i].name));

		if (w->kin[i].trust == BL_EXE_CONTAINER)
			json_array_append_new(contained, json_string(name));
		if (w->kin[i].parent)
			json_array_append_new(parents, json_string(name));
	}
	if (json_array_size(contained))
		json_object_set(value, "comes_from_container", contained);
	if (json_array_size(parents) > 1)
		json_object_set(value, "parents", parents);
	if (w->kin_unknown)
		json_object_set_new(value, "comes_from_any", json_true());
	json_decref(contained);
	json_decref(parents);
}

static void set_by(json_t *test, const struct bl_witness *w)
{
	json_t *by =
		json_pack("{s:I, s:I}", "uid", (json_int_t)w->uid, "gid", (json_int_t)w->gids[0]);

	if (w->n_exes)
		set_text(by, "exe", escape("", w->exes[0], strlen(w->exes[0])));
	set_task(by, w);
	json_object_set_new(test, "by", by);
}

static json_t *make_test(const struct bl_difference *difference)
{
	const struct bl_witness *w = &difference->witness;
	json_t *test = json_pack("{s:s}", "on", bl_op_name(difference->op));

	switch (difference->op) {
	case BL_OP_EXEC:
		set_exec(test, w);
		break;
	case BL_OP_OPEN:
		if (w->name)
			set_text(test, "path", escape("", w->name, w->name_len));
		json_object_set_new(test, "access",
				    words_value(&bl_words_access, difference->access));
		break;
	case BL_OP_CONNECT:
		set_connect(test, difference);
		break;
	case _BL_OP_MAX:
		break;
	}
	set_by(test, w);
	return test;
}

json_t *bl_witness_test(const struct bl_difference *difference)
{
	const struct bl_witness *w = &difference->witness;
	const char *at = w->args;

	if (!w->testable)
		return NULL;
	for (uint32_t i = 0; i < w->n_args; i++, at += strlen(at) + 1)
		if (!is_text(at, strlen(at)))
			return NULL;
	return make_test(difference);
}

/* ---- in words ----------------------------------------------------------------------------- */

/* What the language has no words for. */
static const char *special(const struct bl_difference *difference)
{
	switch (difference->op) {
	case BL_OP_EXEC:
		return difference->access & BL_ACCESS_TRACE ? "trace" : NULL;
	case BL_OP_OPEN:
		return difference->access & BL_ACCESS_MOVE ? "move" : NULL;
	case BL_OP_CONNECT:
	case _BL_OP_MAX:
		break;
	}
	return NULL;
}

static const char *object_word(enum bl_witness_kind kind)
{
	switch (kind) {
	case BL_WITNESS_DEEP:
		return "too-deep";
	case BL_WITNESS_LOST:
		return "unnamed";
	case BL_WITNESS_MEMFD:
		return "memfd";
	case BL_WITNESS_PATH:
		return "path";
	case BL_WITNESS_SOCKET:
		return "socket";
	case BL_WITNESS_ADDRESS:
		return "address";
	case BL_WITNESS_FAMILY:
		return "family";
	}
	return "";
}

json_t *bl_witness_json(const struct bl_difference *difference)
{
	const struct bl_witness *w = &difference->witness;
	json_t *value = make_test(difference), *list;

	json_object_set_new(value, "object", json_string(object_word(w->kind)));
	if (w->n_args)
		json_object_set_new(value, "args", args_value(w, true));
	if (special(difference))
		json_object_set_new(value, "access", json_string(special(difference)));
	if (w->kind == BL_WITNESS_ADDRESS)
		json_object_set_new(value, "protocol",
				    words_value(&bl_words_protocol, difference->access));
	if (w->protocol)
		json_object_set_new(value, "raw_protocol",
				    json_string(first_word(&bl_words_protocol, w->protocol)));
	if (w->trust == BL_EXE_CONTAINER)
		json_object_set_new(value, "in_container", json_true());
	if (w->untrusted)
		json_object_set_new(value, "untrusted", json_true());
	if (w->perhaps)
		json_object_set_new(value, "perhaps_in_container", json_true());
	set_odd_kin(value, w);
	if (w->place)
		set_text(value, "in_cgroup", escape("", w->place, strlen(w->place)));
	if (w->assumed)
		json_object_set_new(value, "assumed", json_true());
	if (w->n_exes > 1) {
		list = json_array();
		for (size_t i = 0; i < w->n_exes; i++) {
			_cleanup_free_ char *name = escape("", w->exes[i], strlen(w->exes[i]));

			json_array_append_new(list, json_string(name));
		}
		json_object_set_new(json_object_get(value, "by"), "exe", list);
	}
	if (w->n_gids > 1) {
		list = json_array();
		for (size_t i = 0; i < w->n_gids; i++)
			json_array_append_new(list, json_integer(w->gids[i]));
		json_object_set_new(json_object_get(value, "by"), "gid", list);
	}
	return value;
}

static void print_words(const struct bl_words *words, uint32_t mask, FILE *out)
{
	const char *comma = " ";

	for (size_t i = 0; i < words->count; i++) {
		uint32_t bit = words->items[i].value;

		if (!(mask & bit) || bit & (bit - 1))
			continue;
		fprintf(out, "%s%s", comma, words->items[i].name);
		comma = ",";
	}
}

static void print_address(const struct bl_difference *difference, FILE *out)
{
	const struct bl_witness *w = &difference->witness;
	char text[INET6_ADDRSTRLEN] = "";

	print_words(&bl_words_protocol, difference->access, out);
	if (w->protocol)
		print_words(&bl_words_protocol, w->protocol, out);
	inet_ntop(w->family, w->addr, text, sizeof(text));
	fprintf(out, " %s port %u", text, w->port);
}

static void print_family(const struct bl_witness *w, FILE *out)
{
	_cleanup_json_ json_t *family = family_value(w->family);

	if (json_is_string(family))
		fprintf(out, " family %s", json_string_value(family));
	else
		fprintf(out, " family %u", w->family);
}

static void print_object(const struct bl_difference *difference, FILE *out)
{
	const struct bl_witness *w = &difference->witness;

	switch (w->kind) {
	case BL_WITNESS_PATH:
		fputc(' ', out);
		fwrite(w->name, 1, w->name_len, out);
		return;
	case BL_WITNESS_SOCKET:
		fprintf(out, " socket %s", w->name[0] ? "" : "@");
		fwrite(w->name + !w->name[0], 1, w->name_len - !w->name[0], out);
		return;
	case BL_WITNESS_DEEP:
		fputs(" any path that is too long or deep to be followed", out);
		return;
	case BL_WITNESS_LOST:
		fputs(" a file whose name can't be known", out);
		return;
	case BL_WITNESS_ADDRESS:
		print_address(difference, out);
		return;
	case BL_WITNESS_FAMILY:
		print_family(w, out);
		return;
	case BL_WITNESS_MEMFD:
		return;
	}
}

static void print_access(const struct bl_difference *difference, FILE *out)
{
	const struct bl_witness *w = &difference->witness;

	if (special(difference)) {
		fputs(difference->op == BL_OP_EXEC ? "take hold of a process that runs"
						   : "take away the name of",
		      out);
		return;
	}
	fputs(bl_op_name(difference->op), out);
	if (difference->op == BL_OP_OPEN)
		print_words(&bl_words_access, difference->access, out);
	if (difference->op == BL_OP_EXEC)
		print_words(&bl_words_file, w->facts, out);
}

static void print_capabilities(uint64_t mask, FILE *out)
{
	const char *comma = " with ";

	for (size_t i = 0; i < bl_words_capability.count; i++) {
		if (!(mask >> bl_words_capability.items[i].value & 1))
			continue;
		fprintf(out, "%s%s", comma, bl_words_capability.items[i].name);
		comma = ",";
	}
}

static void print_kin(const struct bl_witness *w, FILE *out)
{
	const char *words[2] = { " that comes from ", " started by " };

	for (int parent = 1; parent >= 0; parent--) {
		const char *word = words[parent];

		for (size_t i = 0; i < w->n_kin; i++) {
			if (w->kin[i].parent != parent)
				continue;
			fprintf(out, "%s%s%s", word, w->kin[i].name,
				w->kin[i].trust == BL_EXE_CONTAINER ? " of a container" : "");
			word = parent ? " alias " : ", ";
		}
	}
	if (w->kin_unknown)
		fputs(" that may come from anything", out);
}

static void print_task(const struct bl_witness *w, FILE *out)
{
	if (w->login != BL_LOGIN_UNSET)
		fprintf(out, " login %u", w->login);
	if (w->unit)
		fprintf(out, " unit %s", w->unit);
	if (w->slice)
		fprintf(out, " slice %s", w->slice);
	if (w->cgroup)
		fprintf(out, " cgroup %s", w->cgroup);
	if (w->has_container)
		fprintf(out, "%s in %s%s%s", w->perhaps ? " perhaps" : "",
			w->in_container ? "" : "no ",
			w->container || !w->in_container ? "container" : "a container",
			w->container ? " " : "");
	if (w->container)
		fputs(w->container, out);
	print_capabilities(w->capabilities, out);
	if (w->assumed)
		fputs(", if there is one with such names", out);
}

static void print_subject(const struct bl_witness *w, FILE *out)
{
	fputs(" by", out);
	for (size_t i = 0; i < w->n_exes; i++)
		fprintf(out, "%s %s", i ? " alias" : "", w->exes[i]);
	if (w->trust == BL_EXE_CONTAINER)
		fputs(" of a container", out);
	fprintf(out, " uid %u gid", w->uid);
	for (size_t i = 0; i < w->n_gids; i++)
		fprintf(out, "%s%u", i ? "," : " ", w->gids[i]);
	print_kin(w, out);
	print_task(w, out);
}

char *bl_witness_describe(const struct bl_difference *difference)
{
	const struct bl_witness *w = &difference->witness;
	_cleanup_free_ char *text = NULL;
	const char *at = w->args;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_access(difference, out);
	print_object(difference, out);
	if (w->untrusted)
		fputs(" on a file system of another user namespace", out);
	for (uint32_t i = 0; i < w->n_args; i++, at += strlen(at) + 1)
		fprintf(out, " '%s'", at);
	print_subject(w, out);
	if (fclose(out) != 0)
		return NULL;
	return bl_printable(text, size);
}
