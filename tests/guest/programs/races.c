/* SPDX-License-Identifier: Apache-2.0 */
/*
 * races KIND DIR OPENS EXECS: one process changes over and over whether an object has a name below
 * DIR/g, which a rule refuses to user 1000, while others of that user open it and start it by
 * descriptor. A call during which nothing changed must have been judged by what held throughout.
 * Prints "opens execs changed refused wrong", and of the first wrong ones what they were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER	 1000
#define OPENERS	 2
#define SPINS	 100000
#define WRONG_SHOWN 5

/* Odd while it changes; the object has a guarded name when seq / 2 is odd. */
struct shared {
	_Atomic unsigned long seq;
	_Atomic int done;
	_Atomic unsigned long opens, execs, changed, refused, wrong;
};

static struct shared *shared;
static const char *dir;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static const char *in_dir(int slot, const char *name)
{
	static char paths[4][4096];

	snprintf(paths[slot], sizeof(paths[slot]), "%s/%s", dir, name);
	return paths[slot];
}

static void move(const char *from, const char *to)
{
	if (rename(in_dir(0, from), in_dir(1, to)) < 0)
		die(from);
}

/* ---- the changes: 'guarded' says what holds after it ---------------------------------------- */

static void change_file(int guarded)
{
	if (guarded)
		move("o/f", "g/f");
	else
		move("g/f", "o/f");
}

static void change_directory(int guarded)
{
	if (guarded)
		move("o/a", "g/a");
	else
		move("g/a", "o/a");
}

static void change_exchange(int guarded)
{
	if (syscall(SYS_renameat2, AT_FDCWD, in_dir(0, "o/f"), AT_FDCWD, in_dir(1, "g/f"),
		    2 /* RENAME_EXCHANGE */) < 0)
		die("renameat2");
}

static void change_link(int guarded)
{
	if (guarded ? link(in_dir(0, "o/f"), in_dir(1, "g/f")) < 0 : unlink(in_dir(0, "g/f")) < 0)
		die("link");
}

static void change_mount(int guarded)
{
	if (mount(in_dir(0, guarded ? "o/t" : "g/t"), in_dir(1, guarded ? "g/t" : "o/t"), NULL,
		  MS_MOVE, NULL) < 0)
		die("mount --move");
}

static void change_bind(int guarded)
{
	if (guarded ? mount(in_dir(0, "o/a"), in_dir(1, "g/t"), NULL, MS_BIND, NULL) < 0
		    : umount2(in_dir(0, "g/t"), 0) < 0)
		die("mount --bind");
}

static const struct kind {
	const char *name;
	const char *object; /* at the start, when it is free */
	void (*change)(int guarded); /* NULL: only what is around changes, a reload for instance */
	unsigned int spins; /* at most, between two changes: some take longer than others */
} kinds[] = {
	{ "file", "o/f", change_file, SPINS },
	{ "directory", "o/a/b/c/f", change_directory, SPINS },
	{ "exchange", "o/f", change_exchange, SPINS },
	{ "link", "o/f", change_link, SPINS },
	{ "mount", "o/t/f", change_mount, SPINS },
	{ "bind", "o/a/b/c/f", change_bind, 100 * SPINS },
	{ "free", "o/f", NULL, 0 },
	{ "guarded", "g/f", NULL, 0 },
};

/* ---- the user ------------------------------------------------------------------------------- */

static void become_user(void)
{
	if (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0)
		die("setresuid");
	prctl(PR_SET_DUMPABLE, 1); /* or /proc/self is root's */
}

static int try_open(int object)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", object);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_exec(int object)
{
	static char *const argv[] = { "race", NULL };
	int *error = mmap(NULL, sizeof(*error), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	int result;

	if (error == MAP_FAILED)
		die("mmap");
	if (vfork() == 0) {
		syscall(SYS_execveat, object, "", argv, NULL, AT_EMPTY_PATH);
		*error = errno;
		_exit(1);
	}
	wait(NULL);
	result = *error;
	munmap(error, sizeof(*error));
	return result;
}

static void judge(const char *what, unsigned long before, unsigned long after, int error,
		  int always)
{
	int guarded = always || before / 2 & 1;

	if (before != after || before & 1) {
		atomic_fetch_add(&shared->changed, 1);
		return;
	}
	if (error == EPERM)
		atomic_fetch_add(&shared->refused, 1);
	if (error != (guarded ? EPERM : 0) && atomic_fetch_add(&shared->wrong, 1) < WRONG_SHOWN)
		fprintf(stderr, "%s at %lu: %s, though the object is %s\n", what, before,
			error ? strerror(error) : "success", guarded ? "guarded" : "free");
}

static void use(const struct kind *kind, int object, unsigned long opens, unsigned long execs)
{
	int always = kind->object[0] == 'g';
	unsigned long every = execs ? opens / execs : 0;

	become_user();
	for (unsigned long i = 0; i < opens; i++) {
		unsigned long before = atomic_load(&shared->seq);
		int error = try_open(object);

		judge("open", before, atomic_load(&shared->seq), error, always);
		if (!every || i % every)
			continue;
		before = atomic_load(&shared->seq);
		error = try_exec(object);
		judge("exec", before, atomic_load(&shared->seq), error, always);
		atomic_fetch_add(&shared->execs, 1);
	}
	atomic_fetch_add(&shared->opens, opens);
	atomic_fetch_add(&shared->done, 1);
	exit(0);
}

static void change_all_the_time(const struct kind *kind)
{
	unsigned int random = 1;

	while (kind->change && atomic_load(&shared->done) < OPENERS) {
		unsigned long seq = atomic_fetch_add(&shared->seq, 1);

		kind->change((seq / 2 & 1) == 0);
		atomic_fetch_add(&shared->seq, 1);
		random = random * 1103515245 + 12345;
		for (unsigned int i = random / 2 % kind->spins; i; i--)
			atomic_load(&shared->seq);
	}
}

int main(int argc, char **argv)
{
	const struct kind *kind = kinds;
	int object;

	if (argc != 5)
		return 2;
	while (kind->name && strcmp(kind->name, argv[1]) != 0)
		if (++kind == kinds + sizeof(kinds) / sizeof(kinds[0]))
			return 2;
	dir = argv[2];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	object = open(in_dir(2, kind->object), O_PATH);
	if (shared == MAP_FAILED || object < 0)
		die(in_dir(2, kind->object));
	for (int i = 0; i < OPENERS; i++)
		if (fork() == 0)
			use(kind, object, strtoul(argv[3], NULL, 10) / OPENERS,
			    strtoul(argv[4], NULL, 10) / OPENERS);
	change_all_the_time(kind);
	while (wait(NULL) > 0)
		;
	printf("%lu %lu %lu %lu %lu\n", shared->opens, shared->execs, shared->changed,
	       shared->refused, shared->wrong);
	return 0;
}
