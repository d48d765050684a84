/* SPDX-License-Identifier: Apache-2.0 */
/* Generations: what is known of the rules of the policy sets that events can still name. */
#pragma once

#include <stdint.h>

#include "base.h"
#include "compile.h"
#include "fields.h"

/* One rule for status, rules and events. Strings belong to the generation. */
struct bl_rule_meta {
	struct bl_rule_info info; /* what audit asks for */
	uint32_t line;
	uint32_t file; /* index in bl_generation.files */
	uint8_t ops;
	uint8_t action; /* enum bl_action */
	/* Of a rule of which nothing was there when it was loaded: what was looked for, and the key that names it. */
	const char **absent;
	size_t n_absent;
	const char *absent_key;
};

struct bl_file_meta {
	const char *path;
	const char *name;
	enum bl_mode mode;
	uint32_t rules;
};

/* A policy set without its patterns: small enough to be kept while events of it may come. */
struct bl_generation {
	uint32_t number; /* 0 until it is published */
	char digest[65];
	struct bl_rule_meta *rules;
	size_t n_rules;
	struct bl_file_meta *files;
	size_t n_files;
	size_t bytes;		/* of the tables */
	uint64_t loaded_us;	/* CLOCK_REALTIME of its publication */
	uint64_t replaced_ns;	/* CLOCK_MONOTONIC; 0: in force */
	uint32_t took_ms;	/* read, parse, compile, publish */
	uint32_t swap_us;	/* of which the daemon's other work waited so long */
	struct bl_arena *arena; /* owns all of the above */
};

/* Copies what is needed of a policy and its tables. Returns 0 or -ENOMEM; free with the below. */
int bl_generation_new(const struct bl_policy *policy, const struct bl_tables *tables,
		      struct bl_generation **ret);
void bl_generation_free(struct bl_generation *generation);
BL_DEFINE_CLEANUP(struct bl_generation *, bl_generation_free)

/* The mode that rule is in under a ceiling: "enforce" or "monitor". */
enum bl_mode bl_generation_mode(const struct bl_generation *generation,
				const struct bl_rule_meta *rule, enum bl_mode ceiling);

/* The hexadecimal digest of an image; buf holds 65 bytes. */
void bl_generation_digest(const struct bl_tables *tables, char buf[static 65]);

#define BL_GENERATIONS_KEPT 4

/* The running generation [0] and the ones before it, newest first. Zero-initialise. */
struct bl_generations {
	struct bl_generation *items[BL_GENERATIONS_KEPT];
};

/* Puts a generation in front and takes it over; the oldest goes when there are too many. */
void bl_generations_push(struct bl_generations *generations, struct bl_generation *generation,
			 uint64_t now_ns);

/* Has the generation with this number be the running one again, and the one in front of it a replaced one. */
void bl_generations_back(struct bl_generations *generations, uint32_t number, uint64_t now_ns);

/*
 * Frees replaced generations whose events must all have been read: replaced more than
 * BL_GENERATION_LINGER_NS ago. Returns whether any replaced one is left.
 */
bool bl_generations_purge(struct bl_generations *generations, uint64_t now_ns);
#define BL_GENERATION_LINGER_NS (30ull * 1000 * 1000 * 1000)

void bl_generations_clear(struct bl_generations *generations);

/* A bl_rule_lookup_fn and a bl_digest_lookup_fn of fields.h; userdata is struct bl_generations. */
const struct bl_rule_info *bl_generations_rule(void *userdata, uint32_t generation, uint32_t rule);
const char *bl_generations_digest(void *userdata, uint32_t generation);
