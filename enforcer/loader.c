/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side's life cycle: open, load, publish tables, attach, read events and counters. */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attach.h"
#include "cgroups.h"
#include "cleanup.h"
#include "descent.h"
#include "handover.h"
#include "hooks.h"
#include "parts.h"
#include "pins.h"
#include "policy.h"
#include "programs.h"

/* The skeleton's .bss type; the kernel side includes it through its own headers. */
#include "state.h"

#include "lsm.skel.h"

#define NS_PER_S	1000000000ull
#define RECORDS_AT_ONCE 256 /* of one call of bl_loader_consume() */

struct bl_loader {
	struct lsm_bpf *skeleton; /* the maps, and what is on no hook */
	struct ring_buffer *ring;
	struct bl_loader_options options;
	struct bl_programs *programs;
	struct bl_attach attach;
	uint32_t generation; /* in force; 0: none */
	int image_fd;	     /* its image */
	int staged_fd;	     /* the next one's, in its slot already; -1: none */
	int links_fds[2];    /* by slot: names of files with several; -1 */
	struct bl_cgroups cgroups;
	struct bl_descent descent;
	bool replaced;	     /* the other slot still has the generation before */
	bool canary_attached; /* file_open is attached for the canary only */
	unsigned int budget;  /* records that this call of consume may still deliver */
	bool adopted;	      /* the maps are the daemon's before */
	bool settled;
	struct bl_progress *progress; /* mapped */
	size_t n_progress;
	uint64_t carried[_BL_COUNT_MAX]; /* losses of another set of maps, to be told */
	uint8_t *names;	      /* of the next generation's rules */
	size_t names_len;
	int names_fd;
};

static int fail(char **reterr_text, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char **reterr_text, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (reterr_text && !*reterr_text && vasprintf(reterr_text, format, args) < 0)
		*reterr_text = NULL;
	va_end(args);
	return error;
}

static int on_record(void *userdata, void *data, size_t size)
{
	struct bl_loader *loader = userdata;

	loader->options.event(loader->options.userdata, data, size);
	/* Records may come faster than they are delivered: without an end the caller's loop hangs. */
	return --loader->budget ? 0 : -EAGAIN;
}

static int print_start(enum libbpf_print_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* libbpf's own words, without the verifier's log behind them: it is megabytes long. */
static int print_start(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[512];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	return fprintf(stderr, "%s\n", text);
}

static int load_skeleton(struct bl_loader *loader, char **reterr_text)
{
	struct lsm_bpf *skeleton = loader->skeleton;
	int r, cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return fail(reterr_text, cpus, "cannot tell how many processors there are: %s",
			    strerror(-cpus));
	r = bpf_map__set_max_entries(skeleton->maps.scratches,
				     BL_SCRATCH_SPARES + cpus * BL_SCRATCH_SLOTS);
	if (r < 0)
		return fail(reterr_text, r, "cannot make work space for %d processors: %s", cpus,
			    strerror(-r));
	r = bpf_map__set_max_entries(skeleton->maps.ring, loader->options.ring_bytes);
	if (r < 0)
		return fail(reterr_text, r, "cannot set the event ring to %zu bytes: %s",
			    loader->options.ring_bytes, strerror(-r));
	loader->n_progress = BL_PROGRESS_CPUS + (size_t)cpus;
	r = bpf_map__set_max_entries(skeleton->maps.progress, (uint32_t)loader->n_progress);
	if (r < 0)
		return fail(reterr_text, r, "cannot keep the progress of %d processors: %s", cpus,
			    strerror(-r));
	r = bl_pins_adopt(loader->options.pins, skeleton->obj, reterr_text);
	if (r < 0)
		return r;
	loader->adopted = r > 0;
	r = bl_parts_open(skeleton, bl_hook_table(&(size_t){ 0 }), loader->attach.n_hooks);
	if (r == 0)
		r = bl_programs_new(skeleton, loader->attach.available, &loader->programs);
	loader->attach.programs = loader->programs;
	if (r < 0)
		return fail(reterr_text, r, "cannot load the BPF maps: %s%s", strerror(-r),
			    r == -EPERM ? " (CAP_BPF and CAP_PERFMON are needed, and a kernel that "
					  "allows BPF-LSM programs)"
					: "");
	return 0;
}

/* Tells the kernel side where the host's root is. */
static int find_host(struct bl_loader *loader, char **reterr_text)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int r = bpf_prog_test_run_opts(bpf_program__fd(loader->skeleton->progs.bl_find_host),
				       &opts);

	if (r < 0)
		return fail(reterr_text, r, "cannot run the start program: %s", strerror(-r));
	if (opts.retval)
		return fail(reterr_text, -ESRCH,
			    "cannot find PID 1 among this process's ancestors: is this the "
			    "initial PID namespace?");
	return 0;
}

static int make_random(void *ret, size_t size)
{
	uint8_t *bytes = ret;

	while (size) {
		ssize_t got = getrandom(bytes, size, 0);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0) {
			bytes += got;
			size -= (size_t)got;
		}
	}
	return 0;
}

/* What the kernel side's fingerprints are keyed with: nobody else knows it. */
static int make_keys(struct lsm_bpf *skeleton)
{
	struct bl_globals *globals = &skeleton->bss->globals;
	int r = make_random(globals->keys, sizeof(globals->keys));

	for (size_t i = 0; i < BL_KEYS; i++)
		globals->keys[i] |= 1;
	return r;
}

static int map_progress(struct bl_loader *loader, char **reterr_text)
{
	size_t bytes = loader->n_progress * sizeof(*loader->progress);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(loader->skeleton->maps.progress), 0);

	if (at == MAP_FAILED)
		return fail(reterr_text, -errno, "cannot map the progress of records: %s",
			    strerror(errno));
	loader->progress = at;
	return 0;
}

/*
 * The generation that is in force in maps of the daemon before, which may have been ended in the middle of anything: the
 * slot of the next one may be filled, or still have what the one in force has replaced.
 */
static int take_over(struct bl_loader *loader, char **reterr_text)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	const struct lsm_bpf *skeleton = loader->skeleton;

	globals->looking = 0;
	globals->canary_tgid = 0;
	globals->fallback = 0;
	loader->generation = globals->generation;
	if (!loader->generation) {
		for (uint32_t slot = 0; slot < 2; slot++)
			bpf_map_delete_elem(bpf_map__fd(skeleton->maps.images), &slot);
		return 0;
	}
	loader->image_fd =
		bl_inner_open(bpf_map__fd(skeleton->maps.images), loader->generation & 1);
	if (loader->image_fd < 0)
		return fail(
			reterr_text, loader->image_fd,
			"the policy in force can't be taken over: %s; 'bailiff unload' lifts it",
			strerror(-loader->image_fd));
	for (uint32_t slot = 0; slot < 2; slot++) {
		loader->links_fds[slot] = bl_inner_open(bpf_map__fd(skeleton->maps.links), slot);
		loader->cgroups.policies[slot] =
			bl_inner_open(bpf_map__fd(skeleton->maps.called), slot);
		loader->descent.policies[slot] =
			bl_inner_open(bpf_map__fd(skeleton->maps.kin), slot);
	}
	loader->replaced = true;
	return 0;
}

/* How much is told of at most: each daemon's own settings. */
static void set_limits(const struct bl_loader *loader)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	uint64_t interval = loader->options.event_rate ? NS_PER_S / loader->options.event_rate : 0;

	globals->fold_window = loader->options.fold_window_ns;
	globals->limit_slack = interval * loader->options.event_burst;
	globals->limit_interval = interval;
}

static int start(struct bl_loader *loader, char **reterr_text)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	int r = map_progress(loader, reterr_text);

	if (r < 0)
		return r;
	if (!globals->keys[0])
		r = make_keys(loader->skeleton);
	if (r == 0)
		r = bl_series_name(&loader->progress[BL_PROGRESS_SERIES]);
	if (r < 0)
		return fail(reterr_text, r, "no random numbers: %s", strerror(-r));
	set_limits(loader);
	loader->generation = loader->options.generation;
	if (loader->adopted) {
		r = take_over(loader, reterr_text);
		if (r < 0)
			return r;
	}
	loader->cgroups.called = bpf_map__fd(loader->skeleton->maps.called);
	loader->descent.lineages = bpf_map__fd(loader->skeleton->maps.lineages);
	loader->descent.origins = bpf_map__fd(loader->skeleton->maps.origins);
	loader->descent.kin = bpf_map__fd(loader->skeleton->maps.kin);
	loader->descent.globals = globals;
	r = find_host(loader, reterr_text);
	if (r < 0)
		return r;
	r = bl_descent_start(&loader->descent,
			     bpf_program__fd(loader->skeleton->progs.bl_tell_processes),
			     reterr_text);
	if (r < 0)
		return r;
	loader->ring =
		ring_buffer__new(bpf_map__fd(loader->skeleton->maps.ring), on_record, loader, NULL);
	if (!loader->ring)
		return fail(reterr_text, -errno, "cannot read the event ring: %s", strerror(errno));
	return bl_pins_take(loader->options.pins, loader->skeleton->obj,
			    loader->skeleton->progs.bl_find_host, reterr_text);
}

static int open_all(struct bl_loader *loader, char **reterr_text)
{
	int r;

	libbpf_set_print(print_start);
	loader->skeleton = lsm_bpf__open();
	if (!loader->skeleton)
		return fail(reterr_text, -errno, "cannot open the BPF object: %s", strerror(errno));
	r = bl_attach_init(&loader->attach, loader->options.pins, reterr_text);
	if (r < 0)
		return r;
	r = load_skeleton(loader, reterr_text);
	return r < 0 ? r : start(loader, reterr_text);
}

int bl_loader_new(const struct bl_loader_options *options, struct bl_loader **ret,
		  char **reterr_text)
{
	struct bl_loader *loader = calloc(1, sizeof(*loader));
	int r;

	if (!loader)
		return -ENOMEM;
	loader->options = *options;
	loader->image_fd = loader->staged_fd = loader->names_fd = -1;
	loader->links_fds[0] = loader->links_fds[1] = -1;
	bl_cgroups_init(&loader->cgroups);
	bl_descent_init(&loader->descent);
	r = open_all(loader, reterr_text);
	if (r < 0) {
		bl_loader_free(loader);
		return r;
	}
	*ret = loader;
	return 0;
}

void bl_loader_free(struct bl_loader *loader)
{
	if (!loader)
		return;
	if (!loader->settled)
		bl_pins_withdraw(loader->options.pins);
	bl_attach_end_all(&loader->attach);
	bl_close(loader->image_fd);
	bl_close(loader->staged_fd);
	bl_close(loader->links_fds[0]);
	bl_close(loader->links_fds[1]);
	bl_close(loader->names_fd);
	free(loader->names);
	if (loader->progress)
		munmap(loader->progress, loader->n_progress * sizeof(*loader->progress));
	bl_cgroups_done(&loader->cgroups);
	bl_descent_done(&loader->descent);
	ring_buffer__free(loader->ring);
	/* The process is about to end, and takes along what its thread still works on. */
	if (bl_programs_free(loader->programs)) {
		lsm_bpf__destroy(loader->skeleton);
		bl_attach_done(&loader->attach);
	}
	free(loader);
}

static int fill_image(int fd, const uint8_t *image, size_t len, uint32_t generation)
{
	struct bl_header *header;
	uint8_t *first = malloc(BL_CHUNK_BYTES);
	int r = 0;

	if (!first)
		return -ENOMEM;
	memcpy(first, image, BL_CHUNK_BYTES);
	header = (struct bl_header *)first;
	header->generation = generation;
	for (uint32_t i = 0; r == 0 && i < len / BL_CHUNK_BYTES; i++) {
		const uint8_t *chunk = i ? image + (size_t)i * BL_CHUNK_BYTES : first;

		if (bpf_map_update_elem(fd, &i, chunk, BPF_ANY) < 0)
			r = -errno;
	}
	free(first);
	if (r == 0 && bpf_map_freeze(fd) < 0)
		r = -errno;
	return r;
}

static int put_image(struct bl_loader *loader, uint32_t slot, int fd)
{
	int map = bpf_map__fd(loader->skeleton->maps.images);

	return bpf_map_update_elem(map, &slot, &fd, BPF_ANY) < 0 ? -errno : 0;
}

/*
 * A slot is free for the next generation when no run can be deciding by what is in it: its last user
 * was the generation before the one in force. The kernel waits for an RCU grace period after each
 * change of this map, so once the slot in force is written again to the same effect, no run is left
 * that began before that generation did.
 */
void bl_loader_retire(struct bl_loader *loader)
{
	uint32_t slot = loader->generation & 1;

	if (!loader->replaced)
		return;
	put_image(loader, slot, loader->image_fd);
	slot = !slot;
	bpf_map_delete_elem(bpf_map__fd(loader->skeleton->maps.images), &slot);
	bpf_map_delete_elem(bpf_map__fd(loader->skeleton->maps.links), &slot);
	bl_close(loader->links_fds[slot]);
	loader->links_fds[slot] = -1;
	bl_cgroups_drop(&loader->cgroups, slot);
	bl_descent_drop(&loader->descent, slot);
	loader->replaced = false;
}

/* What a policy will know of objects with several names: nothing yet, but that there are pools. */
static int create_links(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bl_links", sizeof(struct bl_linked_key),
				sizeof(struct bl_linked), BL_LINKS_MAX, &opts);

	for (uint32_t i = 0; fd >= 0 && i < BL_POOLS; i++) {
		const struct bl_linked_key key = { .inode = i };
		const struct bl_linked pool = { 0 };
		int r;

		if (bpf_map_update_elem(fd, &key, &pool, BPF_NOEXIST) == 0)
			continue;
		r = -errno;
		bl_close(fd);
		return r;
	}
	return fd;
}

static int put_links(struct bl_loader *loader, uint32_t slot)
{
	_cleanup_close_ int fd = create_links();
	int map = bpf_map__fd(loader->skeleton->maps.links);

	if (fd < 0)
		return fd;
	if (bpf_map_update_elem(map, &slot, &fd, BPF_ANY) < 0)
		return -errno;
	bl_close(loader->links_fds[slot]);
	loader->links_fds[slot] = TAKE_FD(fd);
	return 0;
}

/* What was staged and never came into force goes before anything of another policy takes its place. */
static void unstage(struct bl_loader *loader, uint32_t slot)
{
	if (loader->staged_fd < 0)
		return;
	bpf_map_delete_elem(bpf_map__fd(loader->skeleton->maps.images), &slot);
	bl_close(loader->staged_fd);
	loader->staged_fd = -1;
}

/* What a policy will know beside its image, before that is there. */
static int put_known(struct bl_loader *loader, const struct bl_header *header, uint32_t slot,
		     char **reterr_text)
{
	int r = put_links(loader, slot);

	if (r < 0)
		return fail(reterr_text, r,
			    "cannot create the kernel's table of files with several names: %s",
			    strerror(-r));
	r = bl_cgroups_stage(&loader->cgroups, slot, header);
	if (r < 0)
		return fail(reterr_text, r,
			    "cannot create the kernel's table of what cgroups are called: %s",
			    strerror(-r));
	r = bl_descent_stage(&loader->descent, slot, header);
	if (r < 0)
		return fail(reterr_text, r,
			    "cannot create the kernel's table of what processes come from: %s",
			    strerror(-r));
	return 0;
}

int bl_loader_stage(struct bl_loader *loader, const uint8_t *image, size_t len, char **reterr_text)
{
	const struct bl_tables tables = { .bytes = (uint8_t *)image, .len = len };
	const struct bl_header *header = (const struct bl_header *)image;
	uint32_t generation = loader->generation + 1;
	int fd, r;

	unstage(loader, generation & 1);
	bl_loader_retire(loader);
	r = put_known(loader, header, generation & 1, reterr_text);
	if (r < 0)
		return r;
	fd = bl_chunks_create("bl_image", len / BL_CHUNK_BYTES);
	if (fd < 0)
		return fail(reterr_text, fd, "cannot create a table of %zu bytes in the kernel: %s",
			    len, strerror(-fd));
	r = fill_image(fd, image, len, generation);
	if (r < 0)
		fail(reterr_text, r, "cannot fill the table in the kernel: %s", strerror(-r));
	if (r == 0) {
		r = put_image(loader, generation & 1, fd);
		if (r < 0)
			fail(reterr_text, r, "cannot give the new policy to the kernel: %s",
			     strerror(-r));
	}
	if (r < 0) {
		bl_close(fd);
		return r;
	}
	loader->staged_fd = fd;
	/* All this takes time, and a hook without rules answers 0. What fails is tried again, and told, later. */
	if (bl_attach_needed(&loader->attach, header, NULL) == 0)
		bl_cgroups_settle(&loader->cgroups, generation & 1, &tables, NULL);
	return 0;
}

/* They are in force now; the kernel has the text. */
static void mark_names(struct bl_loader *loader)
{
	if (loader->names_fd >= 0)
		bl_left_mark(loader->names_fd, loader->names, loader->names_len, BL_LEFT_IN_FORCE);
	bl_close(loader->names_fd);
	loader->names_fd = -1;
	free(TAKE_PTR(loader->names));
}

/*
 * Hooks first, those that staging has not attached. Then the word that puts the image in force: a run
 * decides by the generation that it found at its start.
 */
int bl_loader_publish(struct bl_loader *loader, const uint8_t *image, size_t len,
		      uint32_t *ret_generation, char **reterr_text)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	const struct bl_header *header = (const struct bl_header *)image;
	const struct bl_tables tables = { .bytes = (uint8_t *)image, .len = len };
	uint32_t generation = loader->generation + 1;
	int r = 0;

	if (loader->staged_fd < 0)
		r = bl_loader_stage(loader, image, len, reterr_text);
	if (r == 0)
		r = bl_attach_needed(&loader->attach, header, reterr_text);
	if (r == 0)
		r = bl_cgroups_settle(&loader->cgroups, generation & 1, &tables, reterr_text);
	if (r == 0)
		r = bl_descent_settle(&loader->descent, generation & 1, &tables,
				      loader->links_fds[generation & 1], reterr_text);
	if (r < 0)
		return r;
	globals->ceiling = loader->options.ceiling == BL_MODE_MONITOR;
	globals->denies |= !!(header->flags & BL_TABLES_DENIES);
	globals->tables |= header->flags;
	__atomic_store_n(&globals->generation, generation, __ATOMIC_SEQ_CST);
	globals->denies = !!(header->flags & BL_TABLES_DENIES);
	globals->tables = header->flags;
	loader->replaced = loader->image_fd >= 0;
	loader->generation = generation;
	mark_names(loader);
	bl_close(loader->image_fd);
	loader->image_fd = loader->staged_fd;
	loader->staged_fd = -1;
	bl_descent_settle_again(&loader->descent, generation & 1, &tables,
				loader->links_fds[generation & 1]);
	loader->canary_attached = false;
	bl_attach_end_unneeded(&loader->attach, header);
	*ret_generation = generation;
	return 0;
}

int bl_loader_look(struct bl_loader *loader)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	int r = bl_attach_hook(&loader->attach, bl_hook_find("inode_getxattr"), false, NULL);

	if (r == 0)
		__atomic_store_n(&globals->looking, loader->generation + (loader->staged_fd >= 0),
				 __ATOMIC_SEQ_CST);
	return r;
}

void bl_loader_look_end(struct bl_loader *loader)
{
	__atomic_store_n(&loader->skeleton->bss->globals.looking, 0, __ATOMIC_SEQ_CST);
	bl_attach_end(&loader->attach, bl_hook_find("inode_getxattr"));
}

uint32_t bl_loader_linked(const struct bl_loader *loader)
{
	return __atomic_load_n(&loader->skeleton->bss->globals.linked, __ATOMIC_SEQ_CST);
}

int bl_loader_fd(const struct bl_loader *loader)
{
	return ring_buffer__epoll_fd(loader->ring);
}

int bl_loader_consume(struct bl_loader *loader)
{
	int r;

	loader->budget = RECORDS_AT_ONCE;
	r = ring_buffer__consume(loader->ring);
	return r == -EAGAIN ? RECORDS_AT_ONCE : r;
}

int bl_loader_sweep(struct bl_loader *loader, bool all)
{
	struct bl_sweep sweep = { .all = all };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &sweep, .ctx_size_in = sizeof(sweep));

	return bpf_prog_test_run_opts(bpf_program__fd(loader->skeleton->progs.bl_sweep), &opts);
}

int bl_loader_counters(const struct bl_loader *loader, uint64_t counters[_BL_COUNT_MAX])
{
	return bl_counters_read(bpf_map__fd(loader->skeleton->maps.counters), counters);
}

int bl_loader_canary(struct bl_loader *loader, const char *path)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	size_t hook = bl_hook_find("file_open");
	struct stat st;

	if (!path) {
		globals->canary_tgid = 0;
		if (loader->canary_attached)
			bl_attach_end(&loader->attach, hook);
		loader->canary_attached = false;
		return 0;
	}
	if (stat(path, &st) < 0)
		return -errno;
	globals->canary_inode = st.st_ino;
	globals->canary_dev = major(st.st_dev) << 20 | minor(st.st_dev);
	__atomic_store_n(&globals->canary_tgid, getpid(), __ATOMIC_SEQ_CST);
	/* An open that a label can answer is not looked at closely. */
	__atomic_fetch_add(&globals->epoch, 1, __ATOMIC_SEQ_CST);
	if (loader->attach.links[hook] >= 0)
		return 0;
	loader->canary_attached = true;
	return bl_attach_hook(&loader->attach, hook, false, NULL);
}

int bl_loader_mounts_changed(struct bl_loader *loader)
{
	__atomic_fetch_add(&loader->skeleton->bss->globals.epoch, 1, __ATOMIC_SEQ_CST);
	return 0;
}

size_t bl_loader_hooks(const struct bl_loader *loader, struct bl_hook_info *infos, size_t max)
{
	const struct bl_hook_entry *table = bl_hook_table(&(size_t){ 0 });

	for (size_t i = 0; i < loader->attach.n_hooks && i < max; i++) {
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		infos[i] = (struct bl_hook_info){
			.hook = table[i].hook,
			.available = loader->attach.available[i],
			.attached = loader->attach.links[i] >= 0,
		};
		if (bpf_obj_get_info_by_fd(bl_programs_fd(loader->programs, i), &info, &size) < 0)
			continue;
		infos[i].program_id = info.id;
		infos[i].verified_insns = info.verified_insns;
	}
	return loader->attach.n_hooks;
}

/* ---- one daemon after the other ----------------------------------------------------------- */

static void on_old(void *userdata, int ring, int counters, int progress)
{
	struct bl_loader *loader = userdata;

	if (ring >= 0)
		bl_ring_empty(ring, loader->options.old_event, loader->options.userdata);
	if (counters >= 0 && progress >= 0)
		bl_left_losses(counters, progress, loader->carried);
}

void bl_loader_settle(struct bl_loader *loader)
{
	bl_pins_settle(loader->options.pins, on_old, loader);
	loader->settled = true;
}

int bl_loader_lift(struct bl_loader *loader)
{
	loader->settled = true;
	return bl_pins_lift(loader->options.pins);
}

const uint64_t *bl_loader_carried(const struct bl_loader *loader)
{
	return loader->carried;
}

bool bl_loader_adopted(const struct bl_loader *loader)
{
	return loader->adopted;
}

struct bl_progress *bl_loader_progress(const struct bl_loader *loader, size_t *ret_count)
{
	*ret_count = loader->n_progress;
	return loader->progress;
}

void bl_loader_set_ceiling(struct bl_loader *loader, uint32_t ceiling, uint64_t until_ns)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;

	loader->options.ceiling = ceiling;
	__atomic_store_n(&globals->fallback, until_ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&globals->ceiling, ceiling == BL_MODE_MONITOR, __ATOMIC_SEQ_CST);
}

void bl_loader_beat(struct bl_loader *loader)
{
	__atomic_store_n(&loader->skeleton->bss->globals.beat, 1, __ATOMIC_SEQ_CST);
}

uint32_t bl_loader_next(const struct bl_loader *loader)
{
	return loader->generation + 1;
}

int bl_loader_name(struct bl_loader *loader, uint8_t *text, size_t len)
{
	int fd = bl_left_put(bpf_map__fd(loader->skeleton->maps.names), bl_loader_next(loader) & 1,
			     text, len);

	free(loader->names);
	bl_close(loader->names_fd);
	loader->names = text;
	loader->names_len = len;
	loader->names_fd = fd;
	return fd < 0 ? fd : 0;
}

int bl_loader_load_rest(struct bl_loader *loader)
{
	return bl_programs_load_rest(loader->programs);
}

void bl_loader_give_up(struct bl_loader *loader)
{
	if (loader && loader->programs)
		bl_programs_give_up(loader->programs);
}

bool bl_loader_loading(struct bl_loader *loader)
{
	return bl_programs_loading(loader->programs);
}

int bl_loader_failure(struct bl_loader *loader)
{
	return bl_programs_failure(loader->programs);
}
