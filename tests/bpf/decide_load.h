/* SPDX-License-Identifier: Apache-2.0 */
/* Loads tests/bpf/decide.bpf.c and real tables into this machine's kernel, without any hook. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide.h"

struct bl_walk;
struct decide_bpf;

/* The loaded programs. */
struct decide_kernel {
	struct decide_bpf *skel;
	struct bl_walk *walks; /* DECIDE_SLOTS_MAX or 3 of them, shared with the programs */
	struct bl_peer *peers;
	char *arguments;
	size_t walks_bytes, peers_bytes;
	int image_fd;
};

/*
 * Loads the programs with room for n_slots paths (at least 3). Returns 0 or -errno; the
 * verifier's words go to stderr. decide_kernel_close() is due in any case.
 */
int decide_kernel_open(struct decide_kernel *k, size_t n_slots);
void decide_kernel_close(struct decide_kernel *k);

/* Puts a verified image into force. Returns 0 or -errno. */
int decide_kernel_publish(struct decide_kernel *k, const uint8_t *bytes, size_t len);

/* Lays a normalised path out in a slot. Returns 0, or -ENAMETOOLONG. */
int decide_kernel_path(struct decide_kernel *k, size_t slot, const char *path);

/* Lays the path of a cgroup out, as much of it as is looked at. Returns whether there is more. */
bool decide_kernel_cgroup(struct decide_kernel *k, size_t slot, const char *path);

/* Lays the abstract name of a socket out, its NUL included. Returns 0, or -ENAMETOOLONG. */
int decide_kernel_name(struct decide_kernel *k, size_t slot, const char *name, size_t len);

/* Lays arguments out, each with its NUL. Returns 0, or -E2BIG. */
int decide_kernel_args(struct decide_kernel *k, const char *args, size_t len);

/* A destination as bl_normalise() has it; len is 4 or 16. */
void decide_peer_set(struct bl_peer *peer, const uint8_t *addr, size_t len, uint16_t port);

int decide_kernel_ask(struct decide_kernel *k, struct decide_query *query);
int decide_kernel_time_open(struct decide_kernel *k, struct decide_timing *timing);
int decide_kernel_time_connect(struct decide_kernel *k, struct decide_timing *timing);
