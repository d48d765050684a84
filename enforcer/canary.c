/* SPDX-License-Identifier: Apache-2.0 */
/* The canary: proof that the kernel really asks our programs, before anything relies on it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "canary.h"
#include "cleanup.h"
#include "failure.h"

static int try_open(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : 0;
}

static int make_file(const char *path)
{
	_cleanup_close_ int fd = -1;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : 0;
}

/* The file exists and opens when nothing is refused. */
static int check_with(struct bl_loader *loader, const char *path, char **reterr_text)
{
	int r, refused;

	r = try_open(path);
	if (r < 0)
		return bl_error(reterr_text, r, "self-test: %s can't be opened: %s", path,
				strerror(-r));
	r = bl_loader_canary(loader, path);
	if (r < 0)
		return bl_error(reterr_text, r, "self-test: can't be armed: %s", strerror(-r));
	refused = try_open(path);
	r = bl_loader_canary(loader, NULL);
	if (r < 0)
		return bl_error(reterr_text, r, "self-test: can't be disarmed: %s", strerror(-r));
	if (refused == 0)
		return bl_error(reterr_text, -ENOTRECOVERABLE,
				"LSM programs attach but never run: the self-test was not refused");
	if (refused != -EPERM)
		return bl_error(reterr_text, refused, "self-test: refused for another reason: %s",
				strerror(-refused));
	r = try_open(path);
	if (r < 0)
		return bl_error(reterr_text, r, "self-test: still refused when disarmed: %s",
				strerror(-r));
	return 0;
}

int bl_canary_check(struct bl_loader *loader, const char *dir, char **reterr_text)
{
	_cleanup_free_ char *path = bl_format("%s/canary", dir);
	int r;

	if (!path)
		return -ENOMEM;
	r = make_file(path);
	if (r < 0)
		return bl_error(reterr_text, r, "self-test: %s can't be made: %s", path,
				strerror(-r));
	r = check_with(loader, path, reterr_text);
	unlink(path);
	return r;
}
