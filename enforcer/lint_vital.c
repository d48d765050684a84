/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: rules that refuse what the host can't do without, by accesses that are known to be needed. */
#include <string.h>

#include "cleanup.h"
#include "hostfs.h"
#include "lint.h"

enum vital {
	VITAL_PID1 = 0,
	VITAL_LOGIN,
	VITAL_LOADER,
	_VITAL_MAX,
};

struct vital_info {
	const char *code;
	const char *what;
	const char *hint;
};

static const struct vital_info vitals[_VITAL_MAX] = {
	[VITAL_PID1] = { "covers-pid1", "the host may not start",
			 "except PID 1: \"unless\": { \"by\": { \"exe\": "
			 "\"/usr/lib/systemd/systemd\" } }" },
	[VITAL_LOGIN] = { "covers-login", "nobody may be able to log in",
			  "except the programs of the login path in \"unless\", and try the rule in "
			  "mode monitor first" },
	[VITAL_LOADER] = { "covers-loader", "no program may be able to start",
			   "except the loader and what it reads, or name what is meant more narrowly" },
};

/* Where whoever acts is: what its cgroup is, whom it comes from, and whether it is part of somebody's login. */
enum where {
	IN_INIT = 0, /* PID 1 has one of its own */
	IN_GETTY,
	IN_SSH,
	IN_SESSION,
	IN_JOURNALD, /* from here on: what PID 1 has forked for a service, and not started yet */
	IN_LOGIND,
	IN_UDEVD,
	IN_DBUS,
	_WHERE_MAX,
};

#define SYSTEMD "/usr/lib/systemd/systemd"
#define BASH	"/usr/bin/bash"
#define LOGIN	"/usr/bin/login"
#define LOADER	"/lib64/ld-linux-x86-64.so.2"

static const struct {
	const char *cgroup;
	const char *parent; /* and PID 1 before that; NULL: it is that */
	bool logged_in;
} places[_WHERE_MAX] = {
	[IN_INIT] = { "/init.scope", NULL, false },
	[IN_GETTY] = { "/system.slice/system-getty.slice/getty@tty1.service", SYSTEMD, false },
	[IN_SSH] = { "/system.slice/ssh.service", SYSTEMD, false },
	[IN_SESSION] = { "/user.slice/user-0.slice/session-1.scope", LOGIN, true },
	[IN_JOURNALD] = { "/system.slice/systemd-journald.service", SYSTEMD, false },
	[IN_LOGIND] = { "/system.slice/systemd-logind.service", SYSTEMD, false },
	[IN_UDEVD] = { "/system.slice/systemd-udevd.service/udev", SYSTEMD, false },
	[IN_DBUS] = { "/system.slice/dbus.service", SYSTEMD, false },
};

/* An access that is part of one of these; of root, who has no other groups, all capabilities, and is in no container. */
struct witness {
	enum vital vital;
	enum bl_op op;
	enum where where;
	const char *exe;
	const char *path;
};

static const struct witness witnesses[] = {
	{ VITAL_PID1, BL_OP_EXEC, IN_INIT, SYSTEMD, SYSTEMD },
	{ VITAL_PID1, BL_OP_EXEC, IN_JOURNALD, SYSTEMD, "/usr/lib/systemd/systemd-executor" },
	{ VITAL_PID1, BL_OP_EXEC, IN_JOURNALD, SYSTEMD, "/usr/lib/systemd/systemd-journald" },
	{ VITAL_PID1, BL_OP_EXEC, IN_LOGIND, SYSTEMD, "/usr/lib/systemd/systemd-logind" },
	{ VITAL_PID1, BL_OP_EXEC, IN_UDEVD, SYSTEMD, "/usr/lib/systemd/systemd-udevd" },
	{ VITAL_PID1, BL_OP_EXEC, IN_DBUS, SYSTEMD, "/usr/bin/dbus-daemon" },
	{ VITAL_PID1, BL_OP_OPEN, IN_INIT, SYSTEMD, "/etc/fstab" },
	{ VITAL_PID1, BL_OP_OPEN, IN_INIT, SYSTEMD, "/etc/machine-id" },
	{ VITAL_PID1, BL_OP_OPEN, IN_INIT, SYSTEMD, "/etc/systemd/system.conf" },
	{ VITAL_PID1, BL_OP_OPEN, IN_INIT, SYSTEMD, "/usr/lib/systemd/system/multi-user.target" },
	{ VITAL_PID1, BL_OP_OPEN, IN_INIT, SYSTEMD, "/proc/1/cgroup" },

	{ VITAL_LOGIN, BL_OP_EXEC, IN_GETTY, SYSTEMD, "/usr/sbin/agetty" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SSH, SYSTEMD, "/usr/sbin/sshd" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_GETTY, "/usr/sbin/agetty", "/usr/bin/login" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SESSION, "/usr/bin/login", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SSH, "/usr/sbin/sshd", "/usr/sbin/sshd" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SSH, "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SESSION, "/usr/sbin/sshd", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SESSION, "/usr/lib/openssh/sshd-session", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SESSION, BASH, "/usr/bin/su" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SESSION, BASH, "/usr/bin/sudo" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SESSION, "/usr/bin/su", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_SESSION, "/usr/bin/sudo", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_GETTY, "/usr/bin/login", "/usr/sbin/unix_chkpwd" },
	{ VITAL_LOGIN, BL_OP_EXEC, IN_GETTY, "/usr/bin/login",
	  "/usr/lib/x86_64-linux-gnu/security/pam_unix.so" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_GETTY, "/usr/bin/login", "/etc/passwd" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_GETTY, "/usr/bin/login", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_GETTY, "/usr/bin/login", "/etc/group" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_GETTY, "/usr/bin/login", "/etc/nsswitch.conf" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_GETTY, "/usr/bin/login", "/etc/pam.d/login" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SSH, "/usr/sbin/sshd", "/etc/passwd" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SSH, "/usr/sbin/sshd", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SSH, "/usr/sbin/sshd", "/etc/ssh/sshd_config" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SSH, "/usr/sbin/sshd", "/etc/pam.d/sshd" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_GETTY, "/usr/sbin/unix_chkpwd", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SESSION, "/usr/bin/su", "/etc/passwd" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SESSION, "/usr/bin/su", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SESSION, "/usr/bin/sudo", "/etc/sudoers" },
	{ VITAL_LOGIN, BL_OP_OPEN, IN_SESSION, "/usr/bin/sudo", "/etc/shadow" },

	{ VITAL_LOADER, BL_OP_EXEC, IN_INIT, SYSTEMD, LOADER },
	{ VITAL_LOADER, BL_OP_EXEC, IN_SESSION, BASH, LOADER },
	{ VITAL_LOADER, BL_OP_EXEC, IN_SESSION, BASH, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ VITAL_LOADER, BL_OP_OPEN, IN_INIT, SYSTEMD, LOADER },
	{ VITAL_LOADER, BL_OP_OPEN, IN_SESSION, BASH, LOADER },
	{ VITAL_LOADER, BL_OP_OPEN, IN_SESSION, BASH, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ VITAL_LOADER, BL_OP_OPEN, IN_SESSION, BASH, "/etc/ld.so.cache" },
};

/* What a rule covers: how many accesses of each kind, and the first of them. */
struct covered {
	const struct witness *first[_VITAL_MAX];
	uint32_t count[_VITAL_MAX];
};

/* The name that the kernel sees; the one that is written where nothing is there. */
static char *real_name(int host_fd, const char *path)
{
	char *real = NULL;

	return bl_hostfs_realpath(host_fd, path, &real) == 0 ? real : strdup(path);
}

/* The architecture's directory of libraries is part of some names. */
static bool is_of_this_machine(const struct witness *witness)
{
#ifdef __x86_64__
	return true;
#else
	return !strstr(witness->path, "x86");
#endif
}

static void take_witness(const struct bl_built *built, const struct witness *witness, int host_fd,
			 struct covered *covered)
{
	const char *from = places[witness->where].parent;
	_cleanup_free_ char *path = real_name(host_fd, witness->path),
			    *exe = real_name(host_fd, witness->exe),
			    *parent = from ? real_name(host_fd, from) : NULL,
			    *systemd = real_name(host_fd, SYSTEMD);
	const char *const ancestors[] = { parent, systemd };
	const uint32_t gid = 0;
	const struct bl_query query = {
		.op = witness->op,
		.path = path,
		.access = witness->op == BL_OP_EXEC ? BL_ACCESS_EXEC : BL_ACCESS_READ,
		.exe = exe,
		.gids = &gid,
		.n_gids = 1,
		.parent = parent,
		.ancestors = ancestors,
		.n_ancestors = from ? BL_ARRAY_SIZE(ancestors) : 0,
		.has_login = places[witness->where].logged_in,
		.capabilities = ~0ull,
		.cgroup = places[witness->where].cgroup,
	};
	uint32_t rules[BL_MATCHES_MAX];
	bool made = path && exe && systemd && !from == !parent;
	size_t n = made ? bl_decide_matches(built->tables, &query, rules) : 0;

	for (size_t i = 0; i < n; i++) {
		if (built->policy->rules[rules[i]].action == BL_ACTION_ALERT)
			continue;
		if (!covered[rules[i]].count[witness->vital]++)
			covered[rules[i]].first[witness->vital] = witness;
	}
}

static void warn(struct bl_built *built, const struct bl_rule *rule, const struct covered *covered,
		 enum vital vital)
{
	const struct bl_file *file = &built->policy->files[rule->file];
	const char *verb = file->mode == BL_MODE_ENFORCE ? "refuses" : "would refuse";
	const struct witness *first = covered->first[vital];
	uint32_t others = covered->count[vital] - 1;
	struct bl_diag *diag;
	char more[32] = "";

	if (others)
		snprintf(more, sizeof(more), " and %u more", others);
	diag = bl_lint_warn(built, rule, vitals[vital].code, "rule '%s' %s %s %s by %s%s: %s",
			    rule->id, verb, first->op == BL_OP_EXEC ? "the exec of" : "the read of",
			    first->path, first->exe, more, vitals[vital].what);
	bl_diag_hint(diag, "%s", vitals[vital].hint);
}

void bl_lint_vital(struct bl_built *built, int host_fd)
{
	size_t n = built->policy->n_rules;
	_cleanup_free_ struct covered *covered = calloc(n + 1, sizeof(*covered));

	if (!covered)
		return;
	for (size_t i = 0; i < BL_ARRAY_SIZE(witnesses); i++)
		if (is_of_this_machine(&witnesses[i]))
			take_witness(built, &witnesses[i], host_fd, covered);
	for (size_t i = 0; i < n; i++) {
		for (enum vital vital = 0; vital < _VITAL_MAX; vital++)
			if (covered[i].count[vital])
				warn(built, &built->policy->rules[i], &covered[i], vital);
	}
}
