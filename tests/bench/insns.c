// SPDX-License-Identifier: Apache-2.0
/*
 * insns DIR [OPERATION...]: guest instructions per operation, one "name count" line each, in a
 * guest that runs with QEMU's -icount shift=0. There the time-stamp counter counts instructions;
 * 'loop' proves it: its two instructions a turn must come out as 2.00.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count.h"

#define CLOSED_PORT 9

/* What an operation works on. */
struct place {
	char path[PATH_MAX];	/* file to open, or directory of new files */
	char names[2][PATH_MAX + 32]; /* a file that is renamed to and fro */
	struct sockaddr_in peer;
	int fd;
	unsigned int turn;
};

struct operation {
	const char *name;
	void (*run)(struct place *place);
	unsigned int times; /* in one round */
	const char *where;  /* below DIR, or an address */
	unsigned int depth; /* new directories that a new file is in */
	unsigned int rounds; /* 0: ROUNDS */
};

static void run_loop(struct place *place)
{
	unsigned int left = 10000;

	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(left) : : "cc");
}

static void run_getpid(struct place *place)
{
	syscall(SYS_getpid);
}

static void run_open(struct place *place)
{
	int fd = open(place->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(place->path);
	close(fd);
}

static void run_rename(struct place *place)
{
	unsigned int turn = place->turn++;

	if (rename(place->names[turn & 1], place->names[~turn & 1]) < 0)
		die("rename");
}

/* A rename of anything makes all cached names stale. */
static void run_stale(struct place *place)
{
	run_rename(place);
	run_open(place);
}

static void run_exec(struct place *place)
{
	static char *const arguments[] = { "true", NULL };
	pid_t child = fork();
	int status;

	if (child < 0)
		die("fork");
	if (child == 0) {
		execv("/bin/true", arguments);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		die("/bin/true");
}

static void run_udp(struct place *place)
{
	if (connect(place->fd, (struct sockaddr *)&place->peer, sizeof(place->peer)) < 0)
		die("connect by UDP");
}

static void run_tcp(struct place *place)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&place->peer, sizeof(place->peer)) == 0 ||
	    errno != ECONNREFUSED)
		die("connect by TCP was not refused by the peer");
	close(fd);
}

static uint64_t measure_one(const char *path)
{
	uint64_t before;
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		die(path);
	before = instructions();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	close(fd);
	return instructions() - before;
}

/*
 * A file that nobody has opened yet. mknod() passes no hook that looks at the file itself, and stat()
 * brings it into the cache of names: the open finds an inode without a label, and nothing else to
 * wait for.
 */
static uint64_t measure_fresh(struct place *place)
{
	char path[PATH_MAX + 16];
	uint64_t took;

	snprintf(path, sizeof(path), "%s/%05d-%05u", place->path, getpid() % 100000, place->turn++);
	if (mknod(path, S_IFREG | 0644, 0) < 0)
		die(path);
	took = measure_one(path);
	unlink(path);
	return took;
}

/*
 * The first file of a new directory, or of one that new ones lead to: their making is known by another name
 * of the first one. They stay, or the next ones would get their inodes.
 */
static uint64_t measure_first(struct place *place, unsigned int depth)
{
	static const char below[] = "/a/b";
	char made[PATH_MAX + 16], named[PATH_MAX + 32], path[PATH_MAX + 48];
	int named_len;

	snprintf(made, sizeof(made), "%s/made", place->path);
	named_len = snprintf(named, sizeof(named), "%s/%05d-%u-%u", place->path, getpid() % 100000,
			     depth, place->turn++);
	for (unsigned int i = 0; i < depth; i++) {
		snprintf(path, sizeof(path), "%s%.*s", made, (int)(2 * i), below);
		if (mkdir(path, 0755) < 0)
			die(path);
	}
	strcat(path, "/file");
	if (mknod(path, S_IFREG | 0644, 0) < 0 || rename(made, named) < 0)
		die(path);
	memmove(path + named_len, path + strlen(made), strlen(path + strlen(made)) + 1);
	memcpy(path, named, (size_t)named_len);
	return measure_one(path);
}

/* Lays a directory aside, for good: the next ones would get its inodes. */
static void lay_aside(const char *path, char *aside, size_t size)
{
	static unsigned int count;

	snprintf(aside, size, "%s.%05d.%05u", path, getpid(), count++);
	if (rename(path, aside) < 0)
		die(path);
}

/*
 * A file of which nothing on the way is known, as after a start: new directories have taken the places of the
 * three above it. The place's names are the topmost one's: now, and of the one that was there at first.
 */
static uint64_t measure_unknown(struct place *place)
{
	char *top = place->names[0], aside[PATH_MAX + 32], path[PATH_MAX + 32];

	if (place->turn++ > 0) {
		lay_aside(top, aside, sizeof(aside));
	} else {
		strcpy(top, place->path);
		*strrchr(top, '/') = '\0';
		*strrchr(top, '/') = '\0';
		lay_aside(top, place->names[1], sizeof(place->names[1]));
	}
	snprintf(path, sizeof(path), "%s", place->path);
	*strrchr(path, '/') = '\0';
	if (mkdir(top, 0755) < 0 || mkdir(path, 0755) < 0 || mkdir(place->path, 0755) < 0)
		die(path);
	snprintf(path, sizeof(path), "%s/12345-00001", place->path);
	if (mknod(path, S_IFREG | 0644, 0) < 0)
		die(path);
	return measure_one(path);
}

/* Puts back what was there at first. */
static void end_unknown(struct place *place)
{
	char aside[PATH_MAX + 32];

	lay_aside(place->names[0], aside, sizeof(aside));
	if (rename(place->names[1], place->names[0]) < 0)
		die(place->names[1]);
}

/* These stand for the three in the table. */
static void run_fresh(struct place *place)
{
	measure_fresh(place);
}

static void run_first(struct place *place)
{
	measure_first(place, 1);
}

static void run_unknown(struct place *place)
{
	measure_unknown(place);
}

static const struct operation operations[] = {
	{ "loop", run_loop, .times = 1 },
	{ "getpid", run_getpid, .times = 1000 },
	{ "open-mentioned", run_open, 1, .where = "files/mentioned-1" },
	{ "open-unmentioned", run_open, 1, .where = "files/unmentioned" },
	{ "rename", run_rename, .times = 1 },
	{ "stale-mentioned", run_stale, 1, .where = "files/mentioned-1" },
	{ "stale-unmentioned", run_stale, 1, .where = "files/unmentioned" },
	{ "fresh-mentioned", run_fresh, 1, .where = "fresh" },
	{ "fresh-unmentioned", run_fresh, 1, .where = "other" },
	{ "first-mentioned", run_first, 1, .where = "fresh", .depth = 1 },
	{ "first-unmentioned", run_first, 1, .where = "other", .depth = 1 },
	{ "nested-mentioned", run_first, 1, .where = "fresh", .depth = 2 },
	{ "nested-unmentioned", run_first, 1, .where = "other", .depth = 2 },
	{ "unknown-mentioned", run_unknown, 1, .where = "fresh" },
	{ "unknown-unmentioned", run_unknown, 1, .where = "other" },
	{ "exec", run_exec, 1, .rounds = 401 },
	{ "udp-mentioned", run_udp, 1, .where = "127.0.0.1" },
	{ "udp-unmentioned", run_udp, 1, .where = "127.0.0.2" },
	{ "tcp-mentioned", run_tcp, 1, .where = "127.0.0.1" },
	{ "tcp-unmentioned", run_tcp, 1, .where = "127.0.0.2" },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void prepare(struct place *place, const struct operation *op, const char *dir)
{
	memset(place, 0, sizeof(*place));
	snprintf(place->path, sizeof(place->path), "%s/%s", dir, op->where ? op->where : "");
	snprintf(place->names[0], sizeof(place->names[0]), "%s/renamed/here", dir);
	snprintf(place->names[1], sizeof(place->names[1]), "%s/renamed/there", dir);
	place->peer.sin_family = AF_INET;
	place->peer.sin_port = htons(CLOSED_PORT);
	if (op->where)
		inet_pton(AF_INET, op->where, &place->peer.sin_addr);
	place->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (place->fd < 0)
		die("socket");
}

static uint64_t round_of(const struct operation *op, struct place *place)
{
	uint64_t before = instructions();

	for (unsigned int i = 0; i < op->times; i++)
		op->run(place);
	return instructions() - before;
}

static uint64_t one_round(const struct operation *op, struct place *place)
{
	if (op->run == run_fresh)
		return measure_fresh(place);
	if (op->run == run_first)
		return measure_first(place, op->depth);
	if (op->run == run_unknown)
		return measure_unknown(place);
	return round_of(op, place);
}

/* The least of all rounds, less what reading the counter and the loop itself cost. */
static double measure(const struct operation *op, struct place *place)
{
	unsigned int rounds = op->rounds ? op->rounds : ROUNDS;
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < rounds + 1; i++) {
		uint64_t took = one_round(op, place);

		if (i > 0 && took < least)
			least = took;
	}
	return op->run == run_loop ? least / 10000.0 : (double)least / op->times;
}

static int is_asked_for(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strncmp(argv[i], name, strlen(argv[i])) == 0)
			return 1;
	return argc <= 2;
}

int main(int argc, char **argv)
{
	static struct place place;

	if (argc < 2) {
		fprintf(stderr, "usage: insns DIR [OPERATION...]\n");
		return 2;
	}
	stay_in_place(argv);
	leave_cgroup();
	for (size_t i = 0; i < OPERATIONS; i++) {
		if (!is_asked_for(operations[i].name, argc, argv))
			continue;
		prepare(&place, &operations[i], argv[1]);
		printf("%s %.2f\n", operations[i].name, measure(&operations[i], &place));
		fflush(stdout);
		if (place.turn & 1 &&
		    (operations[i].run == run_rename || operations[i].run == run_stale))
			run_rename(&place);
		if (operations[i].run == run_unknown)
			end_unknown(&place);
		close(place.fd);
	}
	return 0;
}
