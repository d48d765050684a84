/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process as random as its arguments say, which does what it is told to, each deed in a child of its own:
 *
 *   actor [--login N] [--capabilities HEX] [--user UID GID,GID...] [PATH...]
 *
 * It takes these ids and capabilities, and has a child run PATH, and that one's child the next:
 * copies of this program, of which the last one serves. A line of its input is a number, a word and operands, with
 * text as hexadecimal digits; a line of its output is that number, the child's pid, and 0, an errno or "killed".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define WORDS_MAX 64
#define LINE_BYTES (1 << 18)

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* ---- who it is ---------------------------------------------------------------------------- */

static void take_login(const char *login)
{
	FILE *file = fopen("/proc/self/loginuid", "we");

	must(file && fputs(login, file) >= 0 && fclose(file) == 0, "loginuid");
}

static void take_user(const char *user, char *groups)
{
	uid_t uid = (uid_t)strtoul(user, NULL, 10);
	gid_t gids[WORDS_MAX];
	size_t n = 0;

	for (char *at = strtok(groups, ","); at && n < WORDS_MAX; at = strtok(NULL, ","))
		gids[n++] = (gid_t)strtoul(at, NULL, 10);
	must(setgroups(n - 1, gids + 1) == 0, "setgroups");
	must(setresgid(gids[0], gids[0], gids[0]) == 0, "setresgid");
	must(setresuid(uid, uid, uid) == 0, "setresuid");
}

/* These and no others, over any number of execs. */
static void take_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(mask >> 32 * i);

		data[i] = (struct __user_cap_data_struct){ half, half, half };
	}
	must(syscall(SYS_capset, &header, data) == 0, "capset");
	for (int capability = 0; capability < 64; capability++) {
		if (mask >> capability & 1)
			must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0,
			     "ambient");
	}
}

/* ---- what it does ------------------------------------------------------------------------- */

/* The text that hexadecimal digits stand for, in their place, with a NUL behind it. Returns its length. */
static size_t text_of(char *digits)
{
	size_t n = strlen(digits) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned int byte = 0;

		sscanf(digits + 2 * i, "%2x", &byte);
		digits[i] = (char)byte;
	}
	digits[n] = '\0';
	return n;
}

static int opened(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC | O_NONBLOCK) < 0 ? errno : 0;
}

/* connected FAMILY TYPE PROTOCOL ADDRESS: that of a struct sockaddr, without its family. */
static int connected(char **words)
{
	struct sockaddr_storage address = { .ss_family = (sa_family_t)atoi(words[0]) };
	size_t len = text_of(words[3]);
	int fd = socket(address.ss_family, atoi(words[1]) | SOCK_NONBLOCK | SOCK_CLOEXEC,
			atoi(words[2]));

	if (fd < 0)
		return errno;
	memcpy((char *)&address + sizeof(sa_family_t), words[3], len);
	return connect(fd, (struct sockaddr *)&address, (socklen_t)(sizeof(sa_family_t) + len)) < 0
		       ? errno
		       : 0;
}

static int executed(char **words, size_t n)
{
	char *argv[WORDS_MAX + 1] = { 0 };

	for (size_t i = 0; i < n; i++) {
		text_of(words[i]);
		argv[i] = words[i];
	}
	execv(words[0], argv);
	return errno;
}

static int do_it(char **words, size_t n)
{
	const char *what = words[0];

	if (strcmp(what, "connect") == 0)
		return connected(words + 1);
	if (strcmp(what, "exec") == 0)
		return executed(words + 1, n - 1);
	if (strcmp(what, "family") == 0)
		return socket(atoi(words[1]), SOCK_RAW, 0) < 0 ? errno : 0;
	text_of(words[1]);
	if (strcmp(what, "read") == 0)
		return opened(words[1], O_RDONLY);
	if (strcmp(what, "write") == 0)
		return opened(words[1], O_WRONLY);
	if (strcmp(what, "update") == 0)
		return opened(words[1], O_RDWR);
	if (strcmp(what, "create") == 0)
		return mknod(words[1], S_IFREG | 0777, 0) < 0 ? errno : 0;
	if (strcmp(what, "delete") == 0)
		return unlink(words[1]) < 0 ? errno : 0;
	if (strcmp(what, "attributes") == 0)
		return setxattr(words[1], "user.actor", "x", 1, 0) < 0 ? errno : 0;
	return ENOSYS;
}

static void in_child(char **words, size_t n)
{
	int ends[2], status, error = 0;
	pid_t pid;

	must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		char name[16];

		/* By which its events are told: in a pid namespace of its own, a process doesn't know its number. */
		snprintf(name, sizeof(name), "a.%s", words[0]);
		prctl(PR_SET_NAME, name, 0, 0, 0);
		error = do_it(words + 1, n - 1);
		if (write(ends[1], &error, sizeof(error)) < 0)
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	/* Nothing is to be read after an exec. */
	if (read(ends[0], &error, sizeof(error)) <= 0)
		error = 0;
	close(ends[0]);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (WIFSIGNALED(status))
		printf("%s %d killed\n", words[0], (int)pid);
	else
		printf("%s %d %d\n", words[0], (int)pid, error);
	fflush(stdout);
}

static int serve(void)
{
	static char line[LINE_BYTES];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		char *words[WORDS_MAX];
		size_t n = 0;

		for (char *at = strtok(line, " \n"); at && n < WORDS_MAX; at = strtok(NULL, " \n"))
			words[n++] = at;
		if (n >= 2)
			in_child(words, n);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *capabilities = NULL;
	int i = 1, status;
	pid_t pid;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--login") == 0 && i + 1 < argc)
			take_login(argv[++i]);
		else if (strcmp(argv[i], "--user") == 0 && i + 2 < argc) {
			take_user(argv[i + 1], argv[i + 2]);
			i += 2;
		} else if (strcmp(argv[i], "--capabilities") == 0 && i + 1 < argc)
			/* Neither the user nor an exec is to change them. */
			must(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP, 0, 0,
				   0) == 0,
			     capabilities = argv[++i]);
		else
			must(0, argv[i]);
	}
	if (capabilities)
		take_capabilities(strtoull(capabilities, NULL, 16));
	if (i >= argc)
		return serve();
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		execv(argv[i], argv + i);
		must(0, argv[i]);
	}
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
