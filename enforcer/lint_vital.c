/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: rules that refuse what the host can't do without, by accesses that are known to be needed. */
#include <linux/capability.h>
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

#define SYSTEMD "/usr/lib/systemd/systemd"
#define BASH	"/usr/bin/bash"
#define LOADER	"/lib64/ld-linux-x86-64.so.2"

/* An access that is part of one of these; of root, who has no other groups. */
struct witness {
	enum vital vital;
	enum bl_op op;
	const char *exe;
	const char *path;
};

static const struct witness witnesses[] = {
	{ VITAL_PID1, BL_OP_EXEC, SYSTEMD, SYSTEMD },
	{ VITAL_PID1, BL_OP_EXEC, SYSTEMD, "/usr/lib/systemd/systemd-executor" },
	{ VITAL_PID1, BL_OP_EXEC, SYSTEMD, "/usr/lib/systemd/systemd-journald" },
	{ VITAL_PID1, BL_OP_EXEC, SYSTEMD, "/usr/lib/systemd/systemd-logind" },
	{ VITAL_PID1, BL_OP_EXEC, SYSTEMD, "/usr/lib/systemd/systemd-udevd" },
	{ VITAL_PID1, BL_OP_EXEC, SYSTEMD, "/usr/bin/dbus-daemon" },
	{ VITAL_PID1, BL_OP_OPEN, SYSTEMD, "/etc/fstab" },
	{ VITAL_PID1, BL_OP_OPEN, SYSTEMD, "/etc/machine-id" },
	{ VITAL_PID1, BL_OP_OPEN, SYSTEMD, "/etc/systemd/system.conf" },
	{ VITAL_PID1, BL_OP_OPEN, SYSTEMD, "/usr/lib/systemd/system/multi-user.target" },
	{ VITAL_PID1, BL_OP_OPEN, SYSTEMD, "/proc/1/cgroup" },

	{ VITAL_LOGIN, BL_OP_EXEC, SYSTEMD, "/usr/sbin/agetty" },
	{ VITAL_LOGIN, BL_OP_EXEC, SYSTEMD, "/usr/sbin/sshd" },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/sbin/agetty", "/usr/bin/login" },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/bin/login", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/sbin/sshd", "/usr/sbin/sshd" },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session" },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/sbin/sshd", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/lib/openssh/sshd-session", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, BASH, "/usr/bin/su" },
	{ VITAL_LOGIN, BL_OP_EXEC, BASH, "/usr/bin/sudo" },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/bin/su", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/bin/sudo", BASH },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/bin/login", "/usr/sbin/unix_chkpwd" },
	{ VITAL_LOGIN, BL_OP_EXEC, "/usr/bin/login",
	  "/usr/lib/x86_64-linux-gnu/security/pam_unix.so" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/login", "/etc/passwd" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/login", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/login", "/etc/group" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/login", "/etc/nsswitch.conf" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/login", "/etc/pam.d/login" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/sbin/sshd", "/etc/passwd" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/sbin/sshd", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/sbin/sshd", "/etc/ssh/sshd_config" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/sbin/sshd", "/etc/pam.d/sshd" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/sbin/unix_chkpwd", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/su", "/etc/passwd" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/su", "/etc/shadow" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/sudo", "/etc/sudoers" },
	{ VITAL_LOGIN, BL_OP_OPEN, "/usr/bin/sudo", "/etc/shadow" },

	{ VITAL_LOADER, BL_OP_EXEC, SYSTEMD, LOADER },
	{ VITAL_LOADER, BL_OP_EXEC, BASH, LOADER },
	{ VITAL_LOADER, BL_OP_EXEC, BASH, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ VITAL_LOADER, BL_OP_OPEN, SYSTEMD, LOADER },
	{ VITAL_LOADER, BL_OP_OPEN, BASH, LOADER },
	{ VITAL_LOADER, BL_OP_OPEN, BASH, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ VITAL_LOADER, BL_OP_OPEN, BASH, "/etc/ld.so.cache" },
};

/* Where each of the programs runs; the first one whose name fits. */
static const struct {
	const char *exe; /* NULL: any */
	const char *cgroup;
	bool has_login;
} places[] = {
	{ SYSTEMD, "/init.scope", false },
	{ "/usr/sbin/agetty", "/system.slice/system-getty.slice/getty@tty1.service", false },
	{ "/usr/bin/login", "/system.slice/system-getty.slice/getty@tty1.service", false },
	{ "/usr/sbin/sshd", "/system.slice/ssh.service", false },
	{ "/usr/lib/openssh/sshd-session", "/system.slice/ssh.service", false },
	{ NULL, "/user.slice/user-0.slice/session-1.scope", true },
};

/* Root has every capability there is. */
#define ALL_CAPABILITIES ((1ull << (CAP_CHECKPOINT_RESTORE + 1)) - 1)

static void place_query(const char *exe, struct bl_query *query)
{
	size_t i = 0;

	while (places[i].exe && strcmp(places[i].exe, exe) != 0)
		i++;
	query->cgroup = places[i].cgroup;
	query->has_login = places[i].has_login;
	query->capabilities = ALL_CAPABILITIES;
}

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
	_cleanup_free_ char *path = real_name(host_fd, witness->path),
			    *exe = real_name(host_fd, witness->exe);
	const uint32_t gid = 0;
	/* Whatever it is that it comes from beside: all of these come from PID 1. */
	static const char *const systemd = SYSTEMD;
	struct bl_query query = {
		.parent = systemd,
		.ancestors = &systemd,
		.n_ancestors = 1,
		.op = witness->op,
		.path = path,
		.access = witness->op == BL_OP_EXEC ? BL_ACCESS_EXEC : BL_ACCESS_READ,
		.exe = exe,
		.gids = &gid,
		.n_gids = 1,
	};
	uint32_t rules[BL_MATCHES_MAX];
	size_t n;

	place_query(witness->exe, &query);
	n = path && exe ? bl_decide_matches(built->tables, &query, rules) : 0;

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
