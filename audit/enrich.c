/* SPDX-License-Identifier: Apache-2.0 */
/* What cgroup paths and /proc say of a process, read with suspicion. */
#include "enrich.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_DIGITS  64
#define ROOT_SLICE "-.slice"
#define NS_PER_S   1000000000ull

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ---- texts -------------------------------------------------------------------------------- */

static bool starts_with(struct bl_text text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && !memcmp(text.bytes, prefix, len);
}

static bool ends_with(struct bl_text text, const char *suffix)
{
	size_t len = strlen(suffix);

	return text.len >= len && !memcmp(text.bytes + text.len - len, suffix, len);
}

static struct bl_text skip(struct bl_text text, size_t n)
{
	return (struct bl_text){ text.bytes + n, text.len - n };
}

static bool only_of(struct bl_text text, const char *set)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!text.bytes[i] || !strchr(set, text.bytes[i]))
			return false;
	}
	return true;
}

/* Takes the next component off a path; false at its end. */
static bool next_component(struct bl_text *path, struct bl_text *ret)
{
	size_t len = 0;

	while (path->len && path->bytes[0] == '/')
		*path = skip(*path, 1);
	while (len < path->len && path->bytes[len] != '/')
		len++;
	*ret = (struct bl_text){ path->bytes, len };
	*path = skip(*path, len);
	return len > 0;
}

static void copy_text(char *to, size_t size, struct bl_text text)
{
	size_t len = text.len < size ? text.len : size - 1;

	memcpy(to, text.bytes, len);
	to[len] = '\0';
}

/* ---- units -------------------------------------------------------------------------------- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

/* systemd puts an underscore before unit names that could be taken for the kernel's own files. */
static struct bl_text unescape(struct bl_text component)
{
	return component.len && component.bytes[0] == '_' ? skip(component, 1) : component;
}

/* The unit types that have cgroups of their own. */
static bool has_unit_suffix(struct bl_text name)
{
	static const char *const suffixes[] = { ".service", ".scope", ".slice",
						".socket",  ".mount", ".swap" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (ends_with(name, suffixes[i]))
			return name.len > strlen(suffixes[i]);
	}
	return false;
}

/* unit_name_is_valid() of systemd, for plain names and instances. */
static bool is_unit(struct bl_text name)
{
	const char *at = memchr(name.bytes, '@', name.len);

	if (name.len >= BL_UNIT_BYTES || !has_unit_suffix(name))
		return false;
	if (!only_of(name, LETTERS DIGITS ":-_.\\@"))
		return false;
	/* A template without an instance, or an instance of nothing, never runs. */
	return !at || (at != name.bytes && at[1] != '.');
}

static bool is_slice(struct bl_text component)
{
	struct bl_text name = unescape(component);

	return ends_with(name, ".slice") && is_unit(name);
}

/* Skips leading slices; *ret_slice is the last of them, or the root slice. */
static struct bl_text skip_slices(struct bl_text path, char ret_slice[static BL_UNIT_BYTES])
{
	struct bl_text rest = path, component;

	copy_text(ret_slice, BL_UNIT_BYTES, (struct bl_text){ ROOT_SLICE, strlen(ROOT_SLICE) });
	while (next_component(&rest, &component) && is_slice(component)) {
		copy_text(ret_slice, BL_UNIT_BYTES, unescape(component));
		path = rest;
	}
	return path;
}

/* Reads slices and the unit below them; returns what follows the unit. */
static struct bl_text read_unit(struct bl_text path, char ret_slice[static BL_UNIT_BYTES],
				char ret_unit[static BL_UNIT_BYTES])
{
	struct bl_text component, name;

	path = skip_slices(path, ret_slice);
	if (!next_component(&path, &component))
		return path;
	name = unescape(component);
	if (is_unit(name) && !ends_with(name, ".slice"))
		copy_text(ret_unit, BL_UNIT_BYTES, name);
	return path;
}

/* Units of these kinds have a user's own units below them. */
static bool leads_to_user_units(const char *unit)
{
	struct bl_text name = { unit, strlen(unit) };

	return (starts_with(name, "user@") && ends_with(name, ".service")) ||
	       (starts_with(name, "session-") && ends_with(name, ".scope"));
}

/* ---- containers --------------------------------------------------------------------------- */

enum id_kind {
	ID_HEX = 1, /* 64 hexadecimal digits */
	ID_NAME,    /* what an administrator chose */
};

/* How a runtime names the cgroup of a container. */
static const struct {
	const char *prefix;
	const char *suffix;
	const char *runtime;
	enum id_kind kind;
} container_names[] = {
	{ "docker-", ".scope", "docker", ID_HEX },
	{ "libpod-", ".scope", "podman", ID_HEX },
	{ "libpod-", "", "podman", ID_HEX },
	{ "crio-", ".scope", "cri-o", ID_HEX },
	{ "crio-", "", "cri-o", ID_HEX },
	{ "cri-containerd-", ".scope", "containerd", ID_HEX },
	{ "nerdctl-", ".scope", "containerd", ID_HEX },
	{ "lxc.payload.", "", "lxc", ID_NAME },
	{ "systemd-nspawn@", ".service", "systemd-nspawn", ID_NAME },
};

/* Parent cgroups whose children are named by the bare id. */
static const struct {
	const char *parent; /* the first component of the path */
	const char *runtime;
} bare_ids[] = {
	{ "docker", "docker" },
	{ "ecs", "docker" },
	{ "kubepods", "kubernetes" },
	{ "kubepods.slice", "kubernetes" },
};

static bool is_id(struct bl_text text, enum id_kind kind)
{
	switch (kind) {
	case ID_HEX:
		return text.len == ID_DIGITS && only_of(text, DIGITS "abcdef");
	case ID_NAME:
		return text.len && text.len < BL_CONTAINER_BYTES &&
		       only_of(text, LETTERS DIGITS "-_.\\");
	}
	return false;
}

static bool take_container(struct bl_text id, enum id_kind kind, const char *runtime,
			   struct bl_cgroup_names *names)
{
	if (!is_id(id, kind))
		return false;
	copy_text(names->container, sizeof(names->container), id);
	names->runtime = runtime;
	return true;
}

static bool read_named(struct bl_text component, struct bl_cgroup_names *names)
{
	for (size_t i = 0; i < ARRAY_SIZE(container_names); i++) {
		size_t prefix = strlen(container_names[i].prefix);
		size_t suffix = strlen(container_names[i].suffix);
		struct bl_text id;

		if (!starts_with(component, container_names[i].prefix) ||
		    !ends_with(component, container_names[i].suffix) ||
		    component.len < prefix + suffix)
			continue;
		id = (struct bl_text){ component.bytes + prefix, component.len - prefix - suffix };
		if (take_container(id, container_names[i].kind, container_names[i].runtime, names))
			return true;
	}
	return false;
}

/* "kubepods-burstable-podUID.slice:cri-containerd:ID": systemd's syntax taken for a directory. */
static bool read_colons(struct bl_text component, struct bl_cgroup_names *names)
{
	static const char mark[] = ":cri-containerd:";
	size_t len = sizeof(mark) - 1 + ID_DIGITS;

	if (component.len <= len || !starts_with(skip(component, component.len - len), mark))
		return false;
	return take_container(skip(component, component.len - ID_DIGITS), ID_HEX, "containerd",
			      names);
}

static bool read_bare(struct bl_text first, struct bl_text component, struct bl_cgroup_names *names)
{
	for (size_t i = 0; i < ARRAY_SIZE(bare_ids); i++) {
		if (first.len == strlen(bare_ids[i].parent) &&
		    starts_with(first, bare_ids[i].parent))
			return take_container(component, ID_HEX, bare_ids[i].runtime, names);
	}
	return false;
}

/* The outermost container wins: what is inside it may name its own cgroups as it likes. */
static void read_container(struct bl_text path, struct bl_cgroup_names *names)
{
	struct bl_text first = { "", 0 }, component;

	for (bool found = false; !found && next_component(&path, &component);) {
		found = read_named(component, names) || read_colons(component, names) ||
			read_bare(first, component, names);
		if (!first.len)
			first = component;
	}
}

void bl_cgroup_read(struct bl_text path, struct bl_cgroup_names *ret)
{
	struct bl_text rest;

	memset(ret, 0, sizeof(*ret));
	if (!path.len)
		return;
	rest = read_unit(path, ret->slice, ret->unit);
	if (leads_to_user_units(ret->unit))
		read_unit(rest, ret->user_slice, ret->user_unit);
	read_container(path, ret);
}

/* ---- processes ---------------------------------------------------------------------------- */

/* Reads the start of a small file below /proc; returns its length or -errno. */
static ssize_t read_proc(int proc_fd, uint32_t pid, const char *file, char *buf, size_t size)
{
	char name[64];
	ssize_t len;
	int fd;

	snprintf(name, sizeof(name), "%u/%s", pid, file);
	fd = openat(proc_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len >= 0)
		buf[len] = '\0';
	return len;
}

/* proc(5): starttime is field 22; field 2 may hold anything, so count from the last ')'. */
static bool parse_start_ticks(const char *stat, uint64_t *ret)
{
	const char *at = strrchr(stat, ')');
	char *end;

	for (unsigned int field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	if (!at)
		return false;
	*ret = strtoull(at, &end, 10);
	return end != at;
}

/* cgroups(7): lines of ID:CONTROLLERS:PATH. The path for these controllers, or an empty text. */
static struct bl_text find_hierarchy(const char *text, const char *controllers)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(controllers);

	while (text && *text) {
		const char *line = text + strspn(text, DIGITS);
		struct bl_text path;

		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
		if (line[0] != ':' || strncmp(line + 1, controllers, len) || line[1 + len] != ':')
			continue;
		path.bytes = line + len + 2;
		path.len = strcspn(path.bytes, "\n");
		if (ends_with(path, deleted))
			path.len -= sizeof(deleted) - 1;
		return path;
	}
	return (struct bl_text){ "", 0 };
}

static bool same_units(const struct bl_cgroup_names *a, const struct bl_cgroup_names *b)
{
	return !strcmp(a->unit, b->unit) && !strcmp(a->slice, b->slice) &&
	       !strcmp(a->user_unit, b->user_unit) && !strcmp(a->user_slice, b->user_slice);
}

static enum bl_process_state look_at_cgroup(const char *text, const struct bl_cgroup_names *names)
{
	struct bl_cgroup_names now;
	struct bl_text path = find_hierarchy(text, "");

	if (path.len < 2)
		path = find_hierarchy(text, "name=systemd");
	bl_cgroup_read(path, &now);
	return same_units(&now, names) ? BL_PROCESS_SAME_UNIT : BL_PROCESS_MOVED;
}

static enum bl_process_state state_of_error(ssize_t error)
{
	return error == -ENOENT || error == -ESRCH ? BL_PROCESS_GONE : BL_PROCESS_UNKNOWN;
}

enum bl_process_state bl_process_look(int proc_fd, uint32_t pid, uint64_t start_ns,
				      const struct bl_cgroup_names *names)
{
	const uint64_t tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
	char text[BL_PATH_BYTES + 256];
	uint64_t ticks;
	ssize_t len;

	len = read_proc(proc_fd, pid, "stat", text, sizeof(text));
	if (len < 0)
		return state_of_error(len);
	if (!parse_start_ticks(text, &ticks))
		return BL_PROCESS_UNKNOWN;
	if (ticks != start_ns / tick_ns)
		return BL_PROCESS_REUSED;
	len = read_proc(proc_fd, pid, "cgroup", text, sizeof(text));
	if (len < 0)
		return state_of_error(len);
	return look_at_cgroup(text, names);
}

void bl_enrich(const struct bl_event_view *event, int proc_fd, struct bl_enriched *ret)
{
	bool cut = event->fixed.flags & BL_EF_CGROUP_CUT;
	struct bl_text path = { "", 0 };

	bl_cgroup_read(cut ? path : event->cgroup, &ret->cgroup);
	ret->process = BL_PROCESS_UNKNOWN;
	if (proc_fd >= 0)
		ret->process = bl_process_look(proc_fd, event->fixed.pid, event->fixed.start_ns,
					       &ret->cgroup);
}
