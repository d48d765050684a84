/* SPDX-License-Identifier: Apache-2.0 */
/* The programs of the hook table, loaded when rules need them. */
#define _GNU_SOURCE
#include "programs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "failure.h"
#include "hooks.h"
#include "parts.h"
#include "pins.h"

#define REST_NICE 10

struct bl_programs {
	const struct lsm_bpf *first;
	const struct bl_pins *pins;
	const struct bl_hook_entry *table;
	const bool *available;
	size_t n_hooks;

	pthread_mutex_t
		lock; /* of all that follows; nobody waits with it for what takes long, but at the start */
	pthread_cond_t loaded; /* the thread is done */
	int *fds;	       /* -1: not loaded */
	size_t taken;	       /* from a daemon before */
	bool has_rest;	       /* the thread was started: nobody else loads any */
	bool works;	       /* it does */
	int error;	       /* of the thread */
	bool is_told;	       /* the error */
	bool given_up;	       /* nobody is to wait for it any more */

	/* The thread's own. */
	bool *rest;
	int *rest_fds;
};

static int *new_fds(size_t n)
{
	int *fds = malloc(n * sizeof(*fds));

	for (size_t i = 0; fds && i < n; i++)
		fds[i] = -1;
	return fds;
}

static void clear(struct bl_programs *programs)
{
	for (size_t i = 0; programs->fds && i < programs->n_hooks; i++)
		bl_close(programs->fds[i]);
	free(programs->fds);
	free(programs->rest);
	free(programs->rest_fds);
	pthread_cond_destroy(&programs->loaded);
	pthread_mutex_destroy(&programs->lock);
	free(programs);
}

int bl_programs_new(const struct lsm_bpf *first, const bool *available, const struct bl_pins *pins,
		    struct bl_programs **ret)
{
	struct bl_programs *programs = calloc(1, sizeof(*programs));

	if (!programs)
		return -ENOMEM;
	pthread_mutex_init(&programs->lock, NULL);
	pthread_cond_init(&programs->loaded, NULL);
	programs->first = first;
	programs->available = available;
	programs->pins = pins;
	programs->table = bl_hook_table(&programs->n_hooks);
	programs->fds = new_fds(programs->n_hooks);
	programs->rest_fds = new_fds(programs->n_hooks);
	programs->rest = calloc(programs->n_hooks, sizeof(*programs->rest));
	if (!programs->fds || !programs->rest_fds || !programs->rest) {
		clear(programs);
		return -ENOMEM;
	}
	*ret = programs;
	return 0;
}

static void take(struct bl_programs *programs, int *fds)
{
	for (size_t i = 0; i < programs->n_hooks; i++)
		if (fds[i] >= 0)
			programs->fds[i] = TAKE_FD(fds[i]);
}

bool bl_programs_free(struct bl_programs *programs)
{
	/* The kernel doesn't let go of a program that it verifies, unless the process ends. */
	if (programs && bl_programs_loading(programs))
		return false;
	if (programs)
		clear(programs);
	return true;
}

/* Of those wanted the ones that are not loaded; false: there are none. */
static bool find_missing(const struct bl_programs *programs, const bool *wanted, bool *ret_missing,
			 size_t *ret_first)
{
	bool any = false;

	for (size_t i = 0; i < programs->n_hooks; i++) {
		ret_missing[i] = wanted[i] && programs->available[i] && programs->fds[i] < 0;
		if (ret_missing[i] && !any)
			*ret_first = i;
		any |= ret_missing[i];
	}
	return any;
}

/* What a daemon before has had verified of the same build, over the same maps, need not be again. */
static void take_left(struct bl_programs *programs, const bool *wanted)
{
	for (size_t i = 0; programs->pins && i < programs->n_hooks; i++) {
		if (!wanted[i] || !programs->available[i] || programs->fds[i] >= 0)
			continue;
		programs->fds[i] = bl_pins_program(programs->pins, programs->table[i].program);
		programs->taken += programs->fds[i] >= 0;
	}
}

/* What can't be left the next daemon loads. */
static void leave(const struct bl_programs *programs, const int *fds)
{
	for (size_t i = 0; programs->pins && i < programs->n_hooks; i++)
		if (fds[i] >= 0)
			bl_pins_leave(programs->pins, programs->table[i].program, fds[i]);
}

static const char *hint(int error)
{
	return error == -EPERM ? " (CAP_BPF and CAP_PERFMON are needed, and a kernel that allows "
				 "BPF-LSM programs)"
			       : "";
}

static int load(struct bl_programs *programs, const bool *missing, char **reterr_text)
{
	_cleanup_free_ int *fds = new_fds(programs->n_hooks);
	int r = fds ? 0 : -ENOMEM;

	if (r == 0)
		r = bl_parts_load(programs->first, programs->table, missing, programs->n_hooks,
				  bl_parts_at_a_time(), fds);
	if (r < 0)
		return bl_error(reterr_text, r, "cannot load the BPF programs: %s%s", strerror(-r),
				hint(r));
	leave(programs, fds);
	take(programs, fds);
	return 0;
}

static int need(struct bl_programs *programs, const bool *wanted, bool *missing, char **reterr_text)
{
	size_t first = 0;

	if (!programs->has_rest)
		take_left(programs, wanted);
	if (!find_missing(programs, wanted, missing, &first))
		return 0;
	if (!programs->has_rest)
		return load(programs, missing, reterr_text);
	while (programs->works && !programs->given_up)
		pthread_cond_wait(&programs->loaded, &programs->lock);
	if (programs->given_up)
		return -ECANCELED;
	if (!find_missing(programs, wanted, missing, &first))
		return 0;
	return bl_error(
		reterr_text, programs->error ?: -ENOENT,
		"the BPF programs that these rules need could not be loaded, that for %s is "
		"one of them: %s%s",
		programs->table[first].hook, strerror(-programs->error), hint(programs->error));
}

int bl_programs_need(struct bl_programs *programs, const bool *wanted, char **reterr_text)
{
	_cleanup_free_ bool *missing = calloc(programs->n_hooks, sizeof(*missing));
	int r;

	if (!missing)
		return -ENOMEM;
	pthread_mutex_lock(&programs->lock);
	r = need(programs, wanted, missing, reterr_text);
	pthread_mutex_unlock(&programs->lock);
	return r;
}

size_t bl_programs_taken(struct bl_programs *programs)
{
	size_t taken;

	pthread_mutex_lock(&programs->lock);
	taken = programs->taken;
	pthread_mutex_unlock(&programs->lock);
	return taken;
}

int bl_programs_fd(struct bl_programs *programs, size_t entry)
{
	int fd;

	pthread_mutex_lock(&programs->lock);
	fd = programs->fds[entry];
	pthread_mutex_unlock(&programs->lock);
	return fd;
}

static void *load_rest(void *argument)
{
	struct bl_programs *programs = argument;
	int r;

	/* It is in no hurry, but a reload may come to wait for it. */
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), REST_NICE);
	r = bl_parts_load(programs->first, programs->table, programs->rest, programs->n_hooks, 1,
			  programs->rest_fds);
	pthread_mutex_lock(&programs->lock);
	/* With those that end the daemon the pins may go. */
	if (!programs->given_up)
		leave(programs, programs->rest_fds);
	take(programs, programs->rest_fds);
	programs->error = r;
	programs->works = false;
	pthread_cond_broadcast(&programs->loaded);
	pthread_mutex_unlock(&programs->lock);
	return NULL;
}

/* No signal is for it. */
static int start_thread(struct bl_programs *programs)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, load_rest, programs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_detach(thread);
	return -r;
}

int bl_programs_load_rest(struct bl_programs *programs)
{
	size_t first;
	int r = 0;

	pthread_mutex_lock(&programs->lock);
	if (!programs->has_rest)
		take_left(programs, programs->available);
	if (!programs->has_rest &&
	    find_missing(programs, programs->available, programs->rest, &first)) {
		programs->works = true;
		r = start_thread(programs);
		programs->works = r == 0;
		programs->error = r;
	}
	programs->has_rest = true;
	pthread_mutex_unlock(&programs->lock);
	return r;
}

void bl_programs_give_up(struct bl_programs *programs)
{
	pthread_mutex_lock(&programs->lock);
	programs->given_up = true;
	pthread_cond_broadcast(&programs->loaded);
	pthread_mutex_unlock(&programs->lock);
}

bool bl_programs_loading(struct bl_programs *programs)
{
	bool loading;

	pthread_mutex_lock(&programs->lock);
	loading = programs->works;
	pthread_mutex_unlock(&programs->lock);
	return loading;
}

int bl_programs_failure(struct bl_programs *programs)
{
	int error = 0;

	if (bl_programs_loading(programs) || programs->is_told)
		return 0;
	error = programs->error;
	programs->is_told = error < 0;
	return error;
}
