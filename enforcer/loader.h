/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side's life cycle: open, load, publish tables, attach, read events and counters. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* Everything loaded into the kernel by this process. Opaque. */
struct bl_loader;
struct bl_pins;

/* One record from the ring; data is valid only during the call. */
typedef void (*bl_event_fn)(void *userdata, const void *data, size_t size);

struct bl_loader_options {
	bl_event_fn event;
	bl_event_fn
		old_event; /* records of another version's set of maps, before that is taken away */
	struct bl_pins *pins;	/* opened; must outlive the loader */
	uint32_t generation;	/* the last number that was given before, where a new set of maps is made */
	void *userdata;
	size_t ring_bytes;	/* power of two, at least a page */
	uint64_t fold_window_ns; /* in which repeats are only counted; 0: none are */
	uint32_t event_rate;	 /* events a second that a rule makes in a control group; 0: any number */
	uint32_t event_burst;	 /* ... and how many of them at once */
	uint32_t ceiling;	/* enum bl_mode of policy.h: BL_MODE_MONITOR turns every deny into would-deny */
};

/*
 * Opens and loads all maps, those that are pinned where these fit, or else new ones, and no program: those are loaded
 * when rules need them; attaches nothing. Owns everything it creates, but what it pins: unless bl_loader_settle() was
 * called, freeing it takes that away.
 * Returns 0, or -errno with a sentence for the operator in *reterr_text (malloc'ed, may stay NULL);
 * libbpf's warnings go to standard error.
 */
int bl_loader_new(const struct bl_loader_options *options, struct bl_loader **ret,
		  char **reterr_text);

/* Closes everything: what is pinned by then stays in force. NULL is allowed. */
void bl_loader_free(struct bl_loader *loader);

/* The programs that are in force now have proved good: takes away those of the daemon before, and what it had. */
void bl_loader_settle(struct bl_loader *loader);

/* Takes away all pins: what was in force ends with bl_loader_free(). Returns 0 or -errno. */
int bl_loader_lift(struct bl_loader *loader);

/* What another version's set of maps had lost that nobody has told, by enum bl_counter; after bl_loader_settle(). */
const uint64_t *bl_loader_carried(const struct bl_loader *loader);

/* Whether the maps are those of the daemon before. */
bool bl_loader_adopted(const struct bl_loader *loader);

/* BL_PROGRESS_CPUS elements and one for each CPU, shared with the next daemon; good while the loader is. */
struct bl_progress *bl_loader_progress(const struct bl_loader *loader, size_t *ret_count);

/*
 * Another ceiling, at once. until: CLOCK_BOOTTIME at which it becomes BL_MODE_MONITOR by itself, whether a daemon is
 * there or not; 0: never.
 */
void bl_loader_set_ceiling(struct bl_loader *loader, uint32_t ceiling, uint64_t until_ns);

/* Tells the kernel side that this daemon is there: at least every second. */
void bl_loader_beat(struct bl_loader *loader);

/* The number of the generation that is published next. */
uint32_t bl_loader_next(const struct bl_loader *loader);

/*
 * What the next generation's rules are called, as of kept.h; takes text over. To be given before each publish.
 * Returns 0 or -errno.
 */
int bl_loader_name(struct bl_loader *loader, uint8_t *text, size_t len);

/*
 * Gives an image (verified by bl_tables_verify()) to the kernel, not in force yet: all that takes
 * long. May be called from another thread than the rest, while none of publish and retire is.
 * Returns 0 or -errno.
 */
int bl_loader_stage(struct bl_loader *loader, const uint8_t *image, size_t len, char **reterr_text);

/*
 * Puts the image in force that was staged last (or stages it now) as the next generation, in one
 * step, and attaches or detaches hooks as its operations need. On failure the running generation
 * stays in force. Returns 0 or -errno; *ret_generation is the new generation's number.
 */
int bl_loader_publish(struct bl_loader *loader, const uint8_t *image, size_t len,
		      uint32_t *ret_generation, char **reterr_text);

/* Frees the image that the last publish replaced: waits until nothing decides by it any more. */
void bl_loader_retire(struct bl_loader *loader);

/*
 * From here to bl_loader_look_end() each file with several names that this process touches with
 * getxattr(2) becomes known by the name that it is touched by: what rules say of that name holds for the
 * object then. It counts for the policy that was staged, or else for the one in force. From the
 * thread that stages. Returns 0 or -errno.
 */
int bl_loader_look(struct bl_loader *loader);
void bl_loader_look_end(struct bl_loader *loader);

/* Counts links that were made to objects which rules mention: when it has moved, look again. */
uint32_t bl_loader_linked(const struct bl_loader *loader);

/* For epoll: readable when events wait. Owned by the loader. */
int bl_loader_fd(const struct bl_loader *loader);

/*
 * Delivers waiting events to options.event, a bounded number of them: the fd stays readable while
 * there are more. Returns their number or -errno.
 */
int bl_loader_consume(struct bl_loader *loader);

/* Has the kernel side tell of repeats that were folded: those whose window is over, or all. Returns 0 or -errno. */
int bl_loader_sweep(struct bl_loader *loader, bool all);

/* Sums the per-CPU counters into counters[_BL_COUNT_MAX]. Returns 0 or -errno. */
int bl_loader_counters(const struct bl_loader *loader, uint64_t counters[_BL_COUNT_MAX]);

/*
 * The canary: makes the kernel refuse one open of 'path' by this very process, whatever the policy says, for
 * the caller to try. Off again with path NULL. Returns 0 or -errno.
 */
int bl_loader_canary(struct bl_loader *loader, const char *path);

/* Tells the kernel side that the host's mount table has changed. Returns 0 or -errno. */
int bl_loader_mounts_changed(struct bl_loader *loader);

/* One attached hook, for status and the doctor. */
struct bl_hook_info {
	const char *hook;	/* e.g. "file_open" */
	bool available;		/* this kernel has the hook */
	bool attached;
	uint32_t program_id;
	uint32_t verified_insns; /* processed by the verifier; 0: unknown */
};

/* Number of hooks; fills up to 'max' entries of infos. */
size_t bl_loader_hooks(const struct bl_loader *loader, struct bl_hook_info *infos, size_t max);

/*
 * Loads the programs that no rule has needed so far, in a thread of its own: a process that is going to be confined
 * does it before. Returns 0 or -errno.
 */
int bl_loader_load_rest(struct bl_loader *loader);

/* Before the process ends: nobody waits for that any more. NULL is allowed. */
void bl_loader_give_up(struct bl_loader *loader);

/* Whether that is going on. */
bool bl_loader_loading(struct bl_loader *loader);

/* 0, or once -errno, when it has failed: rules that need those programs are refused. */
int bl_loader_failure(struct bl_loader *loader);
