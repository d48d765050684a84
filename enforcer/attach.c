/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs are attached: links by the table of hooks, pinned, and taken away in the background. */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "failure.h"
#include "hooks.h"
#include "pins.h"
#include "programs.h"

#define LINK_WAITS   1000
#define LINK_WAIT_NS 10000000

/* Programs for hooks that this kernel lacks are not loaded; a lacking required one is an error. */
static int choose_programs(struct bl_attach *attach, const struct btf *btf, char **reterr_text)
{
	size_t count;
	const struct bl_hook_entry *table = bl_hook_table(&count);

	for (size_t i = 0; i < count; i++) {
		attach->available[i] = bl_hook_available(&table[i], btf);
		if (!attach->available[i] && !table[i].optional)
			return bl_error(reterr_text, -EOPNOTSUPP,
					"this kernel has no %s %s for BPF programs",
					bl_hook_kind(&table[i]), table[i].hook);
	}
	return 0;
}

static int find_hooks(struct bl_attach *attach, char **reterr_text)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int r;

	if (!btf)
		return bl_error(reterr_text, -EOPNOTSUPP,
				"this kernel has no type information (/sys/kernel/btf/vmlinux): it "
				"needs CONFIG_DEBUG_INFO_BTF");
	r = choose_programs(attach, btf, reterr_text);
	btf__free(btf);
	return r;
}

static int *new_fds(size_t n)
{
	int *fds = calloc(n, sizeof(*fds));

	for (size_t i = 0; fds && i < n; i++)
		fds[i] = -1;
	return fds;
}

static void free_fds(int *fds, size_t n)
{
	for (size_t i = 0; fds && i < n; i++)
		bl_close(fds[i]);
	free(fds);
}

static void *close_links(void *argument)
{
	struct bl_detaching *detaching = argument;

	for (size_t i = 0; i < detaching->n_hooks; i++)
		bl_close(detaching->links[i]);
	return NULL;
}

static void await_detaching(struct bl_detaching *detaching)
{
	pthread_mutex_lock(&detaching->lock);
	if (detaching->running)
		pthread_join(detaching->thread, NULL);
	detaching->running = false;
	for (size_t i = 0; i < detaching->n_hooks; i++)
		detaching->links[i] = -1;
	pthread_mutex_unlock(&detaching->lock);
}

static void start_detaching(struct bl_detaching *detaching)
{
	pthread_mutex_lock(&detaching->lock);
	detaching->running = pthread_create(&detaching->thread, NULL, close_links, detaching) == 0;
	pthread_mutex_unlock(&detaching->lock);
	if (!detaching->running)
		close_links(detaching);
}

static const struct bl_hook_entry *hook_entry(size_t i)
{
	return &bl_hook_table(&(size_t){ 0 })[i];
}

/*
 * A program that is attached already, by the daemon before, stays so: it can't be twice. One that is being detached can't be
 * attached before that is done; of a pin the kernel does it in its own time.
 */
static int get_link(const struct bl_attach *attach, const struct bl_hook_entry *entry)
{
	const struct timespec pause = { .tv_nsec = LINK_WAIT_NS };
	int program = bl_programs_fd(attach->programs, (size_t)(entry - hook_entry(0)));
	int link = bl_pins_link(attach->pins, entry->program, program);

	if (link >= 0)
		return link;
	link = -EBUSY;
	for (int i = 0; i < LINK_WAITS && link == -EBUSY; i++) {
		if (i)
			nanosleep(&pause, NULL);
		link = entry->tracepoint ? bpf_raw_tracepoint_open(NULL, program)
					 : bpf_link_create(program, 0, BPF_LSM_MAC, NULL);
	}
	return link;
}

int bl_attach_hook(struct bl_attach *attach, size_t i, bool pinned, char **reterr_text)
{
	const struct bl_hook_entry *entry = hook_entry(i);
	_cleanup_close_ int link = -1;
	int r;

	if (attach->links[i] >= 0)
		return 0;
	if (attach->detaching.links[i] >= 0)
		await_detaching(&attach->detaching);
	link = get_link(attach, entry);
	if (link < 0)
		return bl_error(reterr_text, link, "cannot attach to the %s %s: %s",
				bl_hook_kind(entry), entry->hook, strerror(-link));
	r = pinned ? bl_pins_add(attach->pins, entry->program, link) : 0;
	if (r < 0)
		return bl_error(reterr_text, r, "cannot pin the link of %s: %s", entry->program,
				strerror(-r));
	attach->links[i] = TAKE_FD(link);
	return 0;
}

void bl_attach_end(struct bl_attach *attach, size_t i)
{
	bl_pins_remove(attach->pins, hook_entry(i)->program);
	bl_close(attach->links[i]);
	attach->links[i] = -1;
}

/* Those that the image needs, and those that are needed for a moment whatever the rules are. */
static int load_needed(struct bl_attach *attach, const struct bl_header *header, char **reterr_text)
{
	const struct bl_hook_entry *table = bl_hook_table(&(size_t){ 0 });
	_cleanup_free_ bool *wanted = calloc(attach->n_hooks, sizeof(*wanted));

	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; i < attach->n_hooks; i++)
		wanted[i] = bl_hook_needed(&table[i], header);
	wanted[bl_hook_find("file_open")] = true;
	wanted[bl_hook_find("inode_getxattr")] = true;
	return bl_programs_need(attach->programs, wanted, reterr_text);
}

int bl_attach_needed(struct bl_attach *attach, const struct bl_header *header, char **reterr_text)
{
	const struct bl_hook_entry *table = bl_hook_table(&(size_t){ 0 });
	bool *fresh = calloc(attach->n_hooks, sizeof(*fresh));
	int r;

	if (!fresh)
		return -ENOMEM;
	r = load_needed(attach, header, reterr_text);
	for (size_t i = 0; r == 0 && i < attach->n_hooks; i++) {
		if (!attach->available[i] || !bl_hook_needed(&table[i], header))
			continue;
		fresh[i] = attach->links[i] < 0;
		r = bl_attach_hook(attach, i, true, reterr_text);
	}
	for (size_t i = 0; r < 0 && i < attach->n_hooks; i++)
		if (fresh[i] && attach->links[i] >= 0)
			bl_attach_end(attach, i);
	free(fresh);
	return r;
}

void bl_attach_end_unneeded(struct bl_attach *attach, const struct bl_header *header)
{
	const struct bl_hook_entry *table = bl_hook_table(&(size_t){ 0 });
	struct bl_detaching *detaching = &attach->detaching;
	bool any = false;

	await_detaching(detaching);
	for (size_t i = 0; i < attach->n_hooks; i++) {
		if (attach->links[i] < 0 || bl_hook_needed(&table[i], header))
			continue;
		bl_pins_remove(attach->pins, table[i].program);
		detaching->links[i] = attach->links[i];
		attach->links[i] = -1;
		any = true;
	}
	if (any)
		start_detaching(detaching);
}

int bl_attach_init(struct bl_attach *attach, struct bl_pins *pins, char **reterr_text)
{
	attach->pins = pins;
	pthread_mutex_init(&attach->detaching.lock, NULL);
	bl_hook_table(&attach->n_hooks);
	attach->available = calloc(attach->n_hooks, sizeof(*attach->available));
	attach->links = new_fds(attach->n_hooks);
	attach->detaching.links = new_fds(attach->n_hooks);
	attach->detaching.n_hooks = attach->n_hooks;
	if (!attach->available || !attach->links || !attach->detaching.links)
		return -ENOMEM;
	return find_hooks(attach, reterr_text);
}

void bl_attach_end_all(struct bl_attach *attach)
{
	if (!attach->n_hooks)
		return;
	if (attach->detaching.links)
		await_detaching(&attach->detaching);
	free(attach->detaching.links);
	pthread_mutex_destroy(&attach->detaching.lock);
	free_fds(attach->links, attach->n_hooks);
	attach->links = NULL;
}

void bl_attach_done(struct bl_attach *attach)
{
	free(attach->available);
}
