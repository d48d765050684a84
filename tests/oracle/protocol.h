/* SPDX-License-Identifier: Apache-2.0 */
/* The text protocol by which tests/oracle/run.py asks an engine for verdicts. */
#pragma once

#include <stdio.h>

#include "compile.h"

/*
 * One line in, one line out, in that order:
 *   source NAME HEX                    adds a policy file to the next set      -> (no answer)
 *   compile SEED                       makes the sources the set in force      -> ok RULES | refused WHY
 *   trust N                            of executables from now on: enum bl_trust -> (no answer)
 *   untrusted 0|1                      whether objects from now on are on a file system of another user
 *                                      namespace                              -> (no answer)
 *   kin PARENT ANCESTORS               of the next query: the executables that its subject comes from, in
 *                                      hex, ANCESTORS separated by commas; '-': none, with a '?' before:
 *                                      and there may be any others            -> (no answer)
 * The subject SUBJECT is EXE UID GIDS LOGIN CAPABILITIES CGROUP: LOGIN is '-' for nobody, CAPABILITIES a mask in hex,
 * CGROUP a path in hex, with a '+' before it in a PID namespace other than the first.
 *   exec PATH FACTS ARGS SUBJECT  in hex, '-': not known; FACTS: bits of enum bl_fact; ARGS: all
 *                                      arguments but the first, each with a NUL -> VERDICT RULE OTHERS
 *   open PATH ACCESS SUBJECT           ACCESS: bits of enum bl_access          -> VERDICT RULE OTHERS
 *   connect ADDR PORT PROTO SUBJECT    ADDR in hex, 4 or 16 bytes; PROTO: one bit of enum bl_proto
 * RULE is '-' where nothing matches; GIDS is a list separated by commas. SEED 0 is the fixed key.
 */

/* Where verdicts come from. Both return 0 or -errno. */
struct engine {
	/* Is told, before load, what the image was made of; may be NULL. policy stays until the next load. */
	int (*read)(void *userdata, const struct bl_source *sources, size_t n_sources,
		    const struct bl_policy *policy);
	/* Takes a verified image into use; it stays valid until the next load. */
	int (*load)(void *userdata, const struct bl_tables *tables);
	int (*decide)(void *userdata, const struct bl_query *query, struct bl_answer *ret);
	/* How far the executables of the queries to come are trusted; NULL: as the host's, always. */
	void (*trust)(void *userdata, unsigned int trust);
	void *userdata;
};

/*
 * Answers requests from 'in' on 'out' until the end of input. paths are policy files that are
 * read and compiled first. Returns 0, or 1 after a message on stderr when a request is malformed
 * or the engine fails.
 */
int protocol_serve(const struct engine *engine, char **paths, int n_paths, FILE *in, FILE *out);
