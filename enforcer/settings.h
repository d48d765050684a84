/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's settings: /etc/bailiff/bailiff.conf, lines of 'key = value'. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

#define BL_SETTINGS_PATH      "/etc/bailiff/bailiff.conf"
#define BL_SETTINGS_BYTES_MAX (64u << 10)
#define BL_RING_BYTES_MIN     (64u << 10)
#define BL_RING_BYTES_MAX     (256u << 20)

/* What becomes of what is in force when the daemon is told to stop. */
enum bl_on_stop {
	BL_ON_STOP_KEEP = 1, /* it stays, as when the daemon is killed */
	BL_ON_STOP_LIFT,
	_BL_ON_STOP_MAX,
};

struct bl_settings {
	enum bl_mode mode;  /* ceiling over the mode of every policy file */
	size_t ring_bytes;  /* power of two, BL_RING_BYTES_MIN to BL_RING_BYTES_MAX */
	enum bl_on_stop on_stop;
	uint64_t fold_window_ns; /* repeats of an event are only counted for so long; 0: never */
	uint64_t heartbeat_ns;	 /* between two; 0: none */
	char *redact;		 /* words in names of arguments whose values nobody is told; lower case */
	uint32_t event_rate;	 /* events a second that a rule makes in a control group; 0: any number */
	uint32_t event_burst;	 /* ... and how many of them at once */
	char *socket_group; /* may talk to the control socket, besides root; "" is nobody */
};

const char *bl_on_stop_name(enum bl_on_stop on_stop);

/* As without a file; see packaging/bailiff.conf. Returns 0 or -ENOMEM. */
int bl_settings_init(struct bl_settings *ret);
void bl_settings_done(struct bl_settings *settings);

/*
 * Reads the text of a settings file over 'settings', whose values stay for the keys that it does
 * not name; 'name' is the file's, for messages. An unknown or repeated key is an error.
 * Returns 0, -ENOMEM, or -EINVAL with 'file:line: what, and the nearest word' in *reterr_text.
 * On failure settings are untouched.
 */
int bl_settings_parse(struct bl_settings *settings, const char *name, const char *text,
		      char **reterr_text);

/*
 * The same with a file below root_fd. A file that is not there is no error, the values stay.
 * Returns as above, or the -errno of reading it.
 */
int bl_settings_read(struct bl_settings *settings, int root_fd, const char *path,
		     char **reterr_text);

/* Whether a host's settings let nothing be refused; a file that can't be read is the daemon's business. */
bool bl_settings_is_monitor(int root_fd);
