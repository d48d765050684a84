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
#include "loader_state.h"
#include "parts.h"
#include "pins.h"
#include "policy.h"
#include "programs.h"

/* The skeleton's .bss type; the kernel side includes it through its own headers. */
#include "state.h"

#include "lsm.skel.h"

#define RECORDS_AT_ONCE 256 /* of one call of bl_loader_consume() */

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
		r = bl_programs_new(skeleton, loader->attach.available, loader->options.pins,
				    &loader->programs);
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

static int start(struct bl_loader *loader, char **reterr_text)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	const void *build;
	size_t build_len;
	int r = map_progress(loader, reterr_text);

	if (r < 0)
		return r;
	if (!globals->keys[0]) {
		r = make_keys(loader->skeleton);
		if (r < 0)
			return fail(reterr_text, r, "no random numbers: %s", strerror(-r));
	}
	loader->generation = loader->options.generation;
	if (loader->adopted) {
		r = bl_loader_take_over(loader, reterr_text);
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
	build = lsm_bpf__elf_bytes(&build_len);
	return bl_pins_take(loader->options.pins, loader->skeleton->obj,
			    loader->skeleton->progs.bl_find_host, build, build_len, reterr_text);
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
	loader->image_fd = loader->staged_fd = loader->names_fd = loader->before_fd = -1;
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
	bl_close(loader->before_fd);
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

	if (!loader->replaced || loader->before_fd >= 0)
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
	uint32_t generation = bl_loader_next(loader);
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
	r = bl_image_fill(fd, image, len, generation);
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
 * The word, and what goes with it. One on trial leaves behind itself what is wanted to go back, which whoever goes by the
 * clock does by that word alone, so the flags are those of both.
 */
static void put_in_force(struct bl_loader *loader, const struct bl_header *header,
			 uint32_t generation)
{
	struct bl_globals *globals = &loader->skeleton->bss->globals;
	bool trial = loader->trial_ns && loader->image_fd >= 0;

	if (trial)
		globals->back_to = loader->generation;
	__atomic_store_n(&globals->generation, generation, __ATOMIC_SEQ_CST);
	if (trial) {
		__atomic_store_n(&globals->back_at, loader->trial_ns, __ATOMIC_SEQ_CST);
	} else {
		globals->back_to = 0;
		globals->denies = !!(header->flags & BL_TABLES_DENIES);
		globals->tables = header->flags;
	}
	loader->trial_ns = 0;
	loader->skip = 0;
	loader->replaced = loader->image_fd >= 0;
	loader->generation = generation;
	if (trial)
		loader->before_fd = loader->image_fd;
	else
		bl_close(loader->image_fd);
	loader->image_fd = loader->staged_fd;
	loader->staged_fd = -1;
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
	uint32_t generation = bl_loader_next(loader);
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
	put_in_force(loader, header, generation);
	mark_names(loader);
	bl_descent_settle_again(&loader->descent, generation & 1, &tables,
				loader->links_fds[generation & 1]);
	loader->canary_attached = false;
	/* One that was before may need them once more. */
	if (loader->before_fd < 0)
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

uint32_t bl_loader_series(const struct bl_loader *loader)
{
	return bl_map_number(bpf_map__fd(loader->skeleton->maps.ring));
}

int bl_loader_consume(struct bl_loader *loader)
{
	int r;

	loader->budget = RECORDS_AT_ONCE;
	r = ring_buffer__consume(loader->ring);
	return r == -EAGAIN ? RECORDS_AT_ONCE : r;
}

int bl_loader_counters(const struct bl_loader *loader, uint64_t counters[_BL_COUNT_MAX])
{
	int fd = bpf_map__fd(loader->skeleton->maps.counters);

	return bl_counters_read(fd, loader->carried, counters);
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
