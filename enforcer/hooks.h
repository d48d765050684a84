/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks as a table: which program sits on which, and which rules need it. */
#pragma once

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* A row: where a program sits, which rules need it there, which kernels have the place. */
struct bl_hook_entry {
	const char *program;	 /* in the BPF object */
	const char *hook;	 /* as the kernel names it; or the tracepoint, where it is one */
	uint32_t ops;		 /* 1 << enum bl_op or BL_OPS_: rules of any of them need it */
	uint32_t accesses;	 /* enum bl_access of open rules, any of them; 0: don't care */
	uint32_t flags;		 /* enum bl_table_flags, any of them; 0: don't care */
	unsigned int parameters; /* of the hook, for programs that exist in variants; 0: any */
	const char *type_member; /* "struct.member" that the kernel must have; NULL: none */
	const char *instead;	 /* program without which it is needed; NULL: none */
	bool tracepoint;	 /* no hook, and it refuses nothing */
	bool optional;		 /* some supported kernels don't have it */
};

/* All hooks, in the kernel's order; *ret_count is their number. Static storage. */
const struct bl_hook_entry *bl_hook_table(size_t *ret_count);

/* The index of the first entry on a hook, which must be one of the table. */
size_t bl_hook_find(const char *hook);

/* What the entry's place is called: "LSM hook". */
const char *bl_hook_kind(const struct bl_hook_entry *entry);

/* True when the kernel that btf describes has the hook in the program's variant. */
bool bl_hook_available(const struct bl_hook_entry *entry, const struct btf *btf);

/* True when an image with this header has rules that need the hook. */
bool bl_hook_needed(const struct bl_hook_entry *entry, const struct bl_header *header);
