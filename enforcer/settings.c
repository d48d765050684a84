/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's settings: /etc/bailiff/bailiff.conf, lines of 'key = value'. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "failure.h"
#include "hostfs.h"
#include "settings.h"
#include "words.h"

#define REDACT_WORDS "password passwd passphrase secret token apikey api-key api_key credential"
#define GROUP_BYTES_MAX 32 /* useradd(8): LOGIN_NAME_MAX of old */

/* Sets one value; returns 0, -ENOMEM, or -EINVAL with what was expected in *reterr_expected. */
typedef int (*set_fn)(struct bl_settings *settings, const char *value,
		      const char **reterr_expected);

static int set_mode(struct bl_settings *settings, const char *value, const char **reterr_expected)
{
	for (enum bl_mode mode = BL_MODE_MONITOR; mode < _BL_MODE_MAX; mode++) {
		if (strcmp(value, bl_mode_name(mode)) == 0) {
			settings->mode = mode;
			return 0;
		}
	}
	*reterr_expected = "'enforce' or 'monitor'";
	return -EINVAL;
}

static const char *const on_stop_names[_BL_ON_STOP_MAX] = {
	[BL_ON_STOP_KEEP] = "keep",
	[BL_ON_STOP_LIFT] = "lift",
};

const char *bl_on_stop_name(enum bl_on_stop on_stop)
{
	return (unsigned int)on_stop < _BL_ON_STOP_MAX ? on_stop_names[on_stop] : NULL;
}

static int set_on_stop(struct bl_settings *settings, const char *value,
		       const char **reterr_expected)
{
	for (enum bl_on_stop i = BL_ON_STOP_KEEP; i < _BL_ON_STOP_MAX; i++) {
		if (strcmp(value, on_stop_names[i]) == 0) {
			settings->on_stop = i;
			return 0;
		}
	}
	*reterr_expected = "'keep' or 'lift'";
	return -EINVAL;
}

static int set_ring_size(struct bl_settings *settings, const char *value,
			 const char **reterr_expected)
{
	unsigned long long n;
	char *end;

	*reterr_expected = "a power of two from 64K to 256M";
	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno || n > BL_RING_BYTES_MAX)
		return -EINVAL;
	if (strcmp(end, "K") == 0)
		n <<= 10;
	else if (strcmp(end, "M") == 0)
		n <<= 20;
	else if (*end)
		return -EINVAL;
	if (n < BL_RING_BYTES_MIN || n > BL_RING_BYTES_MAX || (n & (n - 1)))
		return -EINVAL;
	settings->ring_bytes = (size_t)n;
	return 0;
}

/* A number and a unit of time: '500ms', '2s', '5min', '1h'; 0 needs none. */
static int read_time(const char *value, uint64_t max_ns, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "min", 60000000000 },
		{ "h", 3600000000000 },
	};
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno || (n == 0 && *end))
		return -EINVAL;
	*ret_ns = 0;
	if (n == 0)
		return 0;
	for (size_t i = 0; i < BL_ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit) != 0 || n > max_ns / units[i].ns)
			continue;
		*ret_ns = n * units[i].ns;
		return 0;
	}
	return -EINVAL;
}

static int set_fold_window(struct bl_settings *settings, const char *value,
			   const char **reterr_expected)
{
	*reterr_expected = "a time like 500ms or 2s, at most 1h, or 0";
	return read_time(value, 3600000000000, &settings->fold_window_ns);
}

static int set_heartbeat(struct bl_settings *settings, const char *value,
			 const char **reterr_expected)
{
	uint64_t ns;
	int r = read_time(value, 24 * 3600000000000, &ns);

	*reterr_expected = "a time like 30s, 5min or 1h, at least 1s and at most 24h, or 0";
	if (r < 0 || (ns && ns < 1000000000))
		return -EINVAL;
	settings->heartbeat_ns = ns;
	return 0;
}

static int read_count(const char *value, uint32_t max, uint32_t *ret)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || *end || n > max)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

static int set_event_rate(struct bl_settings *settings, const char *value,
			  const char **reterr_expected)
{
	*reterr_expected = "a number of events a second up to 1000000, or 0";
	return read_count(value, 1000000, &settings->event_rate);
}

static int set_event_burst(struct bl_settings *settings, const char *value,
			   const char **reterr_expected)
{
	*reterr_expected = "a number of events up to 1000000";
	return read_count(value, 1000000, &settings->event_burst);
}

/* Words of letters, digits, '-' and '_', with single spaces between them. */
static int set_redact(struct bl_settings *settings, const char *value, const char **reterr_expected)
{
	_cleanup_free_ char *words = strdup(value);
	size_t len = 0;

	*reterr_expected = "words of letters, digits, '-' and '_' with spaces between, or nothing";
	if (!words)
		return -ENOMEM;
	for (const char *at = value; *at; at++) {
		bool space = *at == ' ' || *at == '\t';

		if (!space && !isalnum((unsigned char)*at) && !strchr("-_", *at))
			return -EINVAL;
		if (!space)
			words[len++] = (char)tolower((unsigned char)*at);
		else if (len && words[len - 1] != ' ')
			words[len++] = ' ';
	}
	words[len] = '\0';
	free(settings->redact);
	settings->redact = TAKE_PTR(words);
	return 0;
}

static int set_socket_group(struct bl_settings *settings, const char *value,
			    const char **reterr_expected)
{
	char *copy;

	if (strlen(value) > GROUP_BYTES_MAX || strpbrk(value, " \t:/")) {
		*reterr_expected = "the name of a group, or nothing for root alone";
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(settings->socket_group);
	settings->socket_group = copy;
	return 0;
}

static const struct key {
	const char *name;
	set_fn set;
} keys[] = {
	{ "event-burst", set_event_burst },
	{ "event-rate", set_event_rate },
	{ "fold-window", set_fold_window },
	{ "heartbeat", set_heartbeat },
	{ "mode", set_mode },
	{ "on-stop", set_on_stop },
	{ "redact", set_redact },
	{ "ring-size", set_ring_size },
	{ "socket-group", set_socket_group },
};

int bl_settings_init(struct bl_settings *ret)
{
	char *group = strdup("bailiff"), *redact = strdup(REDACT_WORDS);

	if (!group || !redact) {
		free(group);
		free(redact);
		return -ENOMEM;
	}
	*ret = (struct bl_settings){
		.mode = BL_MODE_ENFORCE,
		.ring_bytes = 8u << 20,
		.on_stop = BL_ON_STOP_KEEP,
		.fold_window_ns = 1000000000,
		.heartbeat_ns = 300000000000,
		.event_rate = 200,
		.event_burst = 2000,
		.socket_group = group,
		.redact = redact,
	};
	return 0;
}

void bl_settings_done(struct bl_settings *settings)
{
	free(settings->socket_group);
	free(settings->redact);
	*settings = (struct bl_settings){ 0 };
}

static void settings_freep(struct bl_settings *settings)
{
	bl_settings_done(settings);
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return text;
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(keys); i++) {
		if (strcmp(name, keys[i].name) == 0)
			return &keys[i];
	}
	return NULL;
}

static int unknown_key(const char *file, unsigned int line, const char *name, char **reterr_text)
{
	_cleanup_free_ char *shown = bl_printable(name, strlen(name));
	struct bl_nearest nearest = { 0 };

	for (size_t i = 0; i < BL_ARRAY_SIZE(keys); i++)
		bl_nearest_offer(&nearest, name, keys[i].name);
	return bl_error(reterr_text, -EINVAL,
			nearest.name ? "%s:%u: unknown key '%.64s'; did you mean '%s'?"
				     : "%s:%u: unknown key '%.64s'",
			file, line, shown ? shown : "", nearest.name);
}

/* One line; *seen has a bit for each key that came before. */
static int parse_line(struct bl_settings *settings, const char *file, unsigned int line, char *text,
		      unsigned int *seen, char **reterr_text)
{
	const char *expected = NULL;
	const struct key *key;
	char *equals, *name, *value;
	int r;

	text[strcspn(text, "#")] = '\0';
	text = trim(text);
	if (!*text || *text == ';')
		return 0;
	equals = strchr(text, '=');
	if (!equals)
		return bl_error(reterr_text, -EINVAL, "%s:%u: expected 'key = value'", file, line);
	*equals = '\0';
	name = trim(text);
	value = trim(equals + 1);
	key = find_key(name);
	if (!key)
		return unknown_key(file, line, name, reterr_text);
	if (*seen & (1u << (key - keys)))
		return bl_error(reterr_text, -EINVAL, "%s:%u: '%s' is set a second time", file,
				line, name);
	*seen |= 1u << (key - keys);
	r = key->set(settings, value, &expected);
	if (r == -EINVAL)
		return bl_error(reterr_text, r, "%s:%u: '%s' must be %s", file, line, name,
				expected);
	return r;
}

int bl_settings_parse(struct bl_settings *settings, const char *name, const char *text,
		      char **reterr_text)
{
	_cleanup_(settings_freep) struct bl_settings parsed = *settings;
	_cleanup_free_ char *copy = strdup(text);
	struct bl_settings old;
	unsigned int line = 0, seen = 0;
	char *rest = copy;
	int r;

	parsed.socket_group = strdup(settings->socket_group);
	parsed.redact = strdup(settings->redact);
	if (!copy || !parsed.socket_group || !parsed.redact)
		return -ENOMEM;
	while (rest) {
		r = parse_line(&parsed, name, ++line, strsep(&rest, "\n"), &seen, reterr_text);
		if (r < 0)
			return r;
	}
	old = *settings;
	*settings = parsed;
	parsed = old;
	return 0;
}

int bl_settings_read(struct bl_settings *settings, int root_fd, const char *path,
		     char **reterr_text)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = bl_hostfs_read(root_fd, path, BL_SETTINGS_BYTES_MAX, &text);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return bl_error(reterr_text, r, "%s: can't be read: %s", path, strerror(-r));
	return bl_settings_parse(settings, path, text, reterr_text);
}

bool bl_settings_is_monitor(int root_fd)
{
	_cleanup_(bl_settings_done) struct bl_settings settings = { 0 };
	_cleanup_free_ char *text = NULL;

	return bl_settings_init(&settings) == 0 &&
	       bl_settings_read(&settings, root_fd, BL_SETTINGS_PATH, &text) == 0 &&
	       settings.mode == BL_MODE_MONITOR;
}
