/* SPDX-License-Identifier: Apache-2.0 */
/* Which policy a boot came to its end with. */
#define _GNU_SOURCE
#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "hostfs.h"
#include "sha256.h"
#include "texts.h"

#define BOOT_DIGITS   32
#define DIGEST_DIGITS 64
#define LINE_BYTES    (4 + BOOT_DIGITS + 1 + DIGEST_DIGITS + 1) /* "s 0 BOOT DIGEST\n" */
#define GOOD_NS	      (60ull * 1000 * 1000 * 1000)
#define TEXTS_MAX     (256u << 20)

/* ---- the record --------------------------------------------------------------------------- */

static bool take_hex(const char **at, size_t digits, char *ret)
{
	if (strspn(*at, "0123456789abcdef") != digits)
		return false;
	memcpy(ret, *at, digits);
	ret[digits] = '\0';
	*at += digits;
	return true;
}

int bl_boot_parse(const char *line, struct bl_boot_record *ret)
{
	struct bl_boot_record record = { 0 };
	const char *at = line + 4;

	if (strlen(line) != LINE_BYTES || !strchr("sgbr", line[0]) || line[1] != ' ' ||
	    line[2] < '0' || line[2] > '9' || line[3] != ' ')
		return -EBADMSG;
	record.state = (enum bl_boot_state)line[0];
	record.failed = (unsigned int)(line[2] - '0');
	if (!take_hex(&at, BOOT_DIGITS, record.boot) || *at++ != ' ' ||
	    !take_hex(&at, DIGEST_DIGITS, record.digest) || strcmp(at, "\n") != 0)
		return -EBADMSG;
	*ret = record;
	return 0;
}

bool bl_boot_judge(const struct bl_boot_record *last, const char *boot, const char *digest,
		   bool proven, struct bl_boot_record *ret_next)
{
	bool same = last && strcmp(last->digest, digest) == 0;
	struct bl_boot_record next = { .state = BL_BOOT_STARTED };

	snprintf(next.boot, sizeof(next.boot), "%s", boot);
	snprintf(next.digest, sizeof(next.digest), "%s", digest);
	if (last && strcmp(last->boot, boot) == 0) {
		/* Not the first start in this boot. */
		if (same)
			next = *last;
		else if (last->state != BL_BOOT_STARTED)
			next.state = BL_BOOT_RUNNING;
	} else if (same && last->state == BL_BOOT_BROKEN) {
		next.state = BL_BOOT_BROKEN;
		next.failed = last->failed;
	} else if (same && last->state == BL_BOOT_STARTED) {
		next.failed = BL_MIN(last->failed + 1, 9u);
		if (next.failed >= (proven ? BL_BOOT_FAILURES_MAX : 1))
			next.state = BL_BOOT_BROKEN;
	}
	*ret_next = next;
	return next.state != BL_BOOT_BROKEN;
}

/* ---- files -------------------------------------------------------------------------------- */

static int read_whole(int dir_fd, const char *name, uint8_t **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ uint8_t *bytes = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || st.st_size > TEXTS_MAX)
		return -EFBIG;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	bytes[len] = '\0';
	*ret = TAKE_PTR(bytes);
	*ret_len = len;
	return 0;
}

static int write_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Whole or not at all, whatever happens meanwhile. */
static int write_whole(int dir_fd, const char *name, const void *bytes, size_t len)
{
	_cleanup_close_ int fd = -1;
	char temporary[64];
	int r;

	snprintf(temporary, sizeof(temporary), "%s.new", name);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, bytes, len);
	if (r == 0 &&
	    (fsync(fd) < 0 || renameat(dir_fd, temporary, dir_fd, name) < 0 || fsync(dir_fd) < 0))
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, temporary, 0);
	return r;
}

static void digest_of(const uint8_t *bytes, size_t len, char ret[static DIGEST_DIGITS + 1])
{
	uint8_t digest[BL_SHA256_BYTES];
	struct bl_sha256 sha;

	bl_sha256_init(&sha);
	bl_sha256_add(&sha, bytes, len);
	bl_sha256_end(&sha, digest);
	for (size_t i = 0; i < BL_SHA256_BYTES; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static bool has_digest(int dir_fd, const char *name, const char *digest)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	char its[DIGEST_DIGITS + 1];
	size_t len;

	if (read_whole(dir_fd, name, &bytes, &len) < 0)
		return false;
	digest_of(bytes, len, its);
	return strcmp(its, digest) == 0;
}

static bool read_record(int dir_fd, struct bl_boot_record *ret)
{
	_cleanup_free_ uint8_t *line = NULL;
	size_t len;

	return read_whole(dir_fd, "boot", &line, &len) == 0 &&
	       bl_boot_parse((const char *)line, ret) == 0;
}

static int write_record(int dir_fd, const struct bl_boot_record *record)
{
	char line[LINE_BYTES + 1];

	snprintf(line, sizeof(line), "%c %u %s %s\n", (char)record->state, record->failed,
		 record->boot, record->digest);
	return write_whole(dir_fd, "boot", line, strlen(line));
}

/* The last good one, if it is another than that. */
static void find_instead(int dir_fd, const char *digest, struct bl_policies *ret)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;

	*ret = (struct bl_policies){ 0 };
	if (!has_digest(dir_fd, "good", digest) && read_whole(dir_fd, "good", &bytes, &len) == 0)
		bl_texts_read(bytes, len, ret);
}

int bl_boot_begin(int dir_fd, const char *boot, const struct bl_policies *policies,
		  struct bl_policies *ret_instead, int *ret_fd, enum bl_boot_state *ret_state)
{
	struct bl_boot_record last, next;
	bool known = read_record(dir_fd, &last), may;
	_cleanup_free_ uint8_t *bytes = NULL;
	char digest[DIGEST_DIGITS + 1];
	size_t len;
	int r = bl_texts_write(policies, &bytes, &len);

	*ret_fd = -1;
	*ret_state = (enum bl_boot_state)0;
	if (r < 0)
		return r;
	digest_of(bytes, len, digest);
	if (known && last.state == BL_BOOT_GOOD && has_digest(dir_fd, "tried", last.digest))
		renameat(dir_fd, "tried", dir_fd, "good");
	may = bl_boot_judge(known ? &last : NULL, boot, digest, has_digest(dir_fd, "good", digest),
			    &next);
	/* Its text first: what the record says of it is true of what is there. */
	if (may && !has_digest(dir_fd, "tried", digest))
		r = write_whole(dir_fd, "tried", bytes, len);
	if (r == 0)
		r = write_record(dir_fd, &next);
	if (!may)
		find_instead(dir_fd, digest, ret_instead);
	/* A policy is not kept out for want of room for a note. */
	if (r < 0)
		return may ? r : 0;
	*ret_state = next.state;
	*ret_fd = openat(dir_fd, "boot", O_WRONLY | O_DSYNC | O_NOFOLLOW | O_CLOEXEC);
	return may;
}

/* The state is the first byte, so that it is one or the other. */
static int change(int fd, enum bl_boot_state state)
{
	char byte = (char)state;

	if (fd < 0)
		return -EBADF;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return write_all(fd, &byte, 1);
}

int bl_boot_end(int fd)
{
	return change(fd, BL_BOOT_GOOD);
}

int bl_boot_forgive(int fd)
{
	return change(fd, BL_BOOT_RUNNING);
}

void bl_boot_tick(struct bl_boot *boot, bool login_is_allowed, uint64_t now_ns)
{
	if (boot->state != BL_BOOT_STARTED)
		return;
	if (!login_is_allowed)
		boot->since_ns = 0;
	else if (!boot->since_ns)
		boot->since_ns = now_ns;
	else if (now_ns - boot->since_ns >= GOOD_NS && bl_boot_end(boot->fd) == 0)
		boot->state = BL_BOOT_GOOD;
}

void bl_boot_id(int proc_fd, char buf[static 33])
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	if (bl_hostfs_read(proc_fd, "/sys/kernel/random/boot_id", 256, &text) < 0)
		return;
	for (const char *at = text; *at && len < 32; at++) {
		if (strchr("0123456789abcdef", *at))
			buf[len++] = *at;
	}
	buf[len == 32 ? 32 : 0] = '\0';
}
