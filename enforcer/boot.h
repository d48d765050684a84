/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which policy a boot came to its end with. A policy that was in force in a boot which did not is not loaded at the next
 * one, until its files are others or somebody has asked for a reload.
 *
 * In a directory on disk: 'boot', one line about the last boot; 'tried', the policy files of that; and 'good', those of
 * the last one that came to its end, both as of texts.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policies.h"

#define BL_BOOT_FAILURES_MAX 3 /* in a row, of a policy that has booted well before */

enum bl_boot_state {
	BL_BOOT_STARTED = 's', /* not at its end yet */
	BL_BOOT_GOOD = 'g',
	BL_BOOT_BROKEN = 'b', /* the policy was not loaded */
	BL_BOOT_RUNNING =
		'r', /* the policy was loaded after the boot's end: the next boot is its first */
};

/* What a daemon knows of it. Zero-initialise, but for fd: -1. */
struct bl_boot {
	int fd;
	enum bl_boot_state state; /* 0: nothing is noted of this boot */
	uint64_t since_ns;	  /* CLOCK_MONOTONIC since which logins are allowed; 0: they are not */
};

struct bl_boot_record {
	enum bl_boot_state state;
	unsigned int failed; /* boots in a row that did not come to their end, 0 to 9 */
	char boot[33];	     /* 32 hexadecimal digits */
	char digest[65];     /* of the policy files */
};

/* One line. Returns 0, or -EBADMSG where it is none. */
int bl_boot_parse(const char *line, struct bl_boot_record *ret);

/*
 * What becomes of a policy: last is NULL where nothing is known; proven: a boot has come to its end with it before.
 * Returns whether it may be loaded, and what is to be noted in *ret_next.
 */
bool bl_boot_judge(const struct bl_boot_record *last, const char *boot, const char *digest,
		   bool proven, struct bl_boot_record *ret_next);

/*
 * Judges the policy files of this boot and notes it below dir_fd. Returns 1 where they may be loaded; 0 where not: then
 * *ret_instead are the files of the last policy that was good, or none; or -errno, with nothing noted or in part. *ret_fd
 * is a descriptor for the two below, or -1.
 */
int bl_boot_begin(int dir_fd, const char *boot, const struct bl_policies *policies,
		  struct bl_policies *ret_instead, int *ret_fd, enum bl_boot_state *ret_state);

/* The boot has come to its end. Writes by that descriptor alone. Returns 0 or -errno. */
int bl_boot_end(int fd);

/* Somebody wants what the files are by now, whatever they did to the last boot. Likewise. */
int bl_boot_forgive(int fd);

/*
 * Once a second: a boot has come to its end when logins have been allowed for a minute. login_is_allowed is what
 * systemd says of that.
 */
void bl_boot_tick(struct bl_boot *boot, bool login_is_allowed, uint64_t now_ns);

/* This boot's id without its dashes; all empty where /proc does not say. */
void bl_boot_id(int proc_fd, char buf[static 33]);
